"""Layers painted as pixel art: few tones, hard edges, outlines in the dark tone of their own material."""

import numpy as np

from common.outlines import coverage
from masks.drawing.palettes import DEEP, LINE, Ramp
from masks.drawing.sprite_layers import SAME_LIGHT, FrameLight, SpriteLayer, light_on
from masks.drawing.walk_cycle import CELL
from masks.sets.pixel_art import shifted

SAMPLES = 8  # samples per art pixel in each direction
FULL = SAMPLES * SAMPLES
LEAST_LIGHT = (0.94, 0.4, -0.08)  # least light of HIGHLIGHT, LIGHT and SHADE
SIDES = ((-1, 0), (0, -1), (1, 0), (0, 1))  # rows down, columns right


class PixelCanvas:
    """Material and tone of each of CELL x CELL art pixels, painted layer by layer."""

    SNAP = 1  # steps per art pixel for parts that must not shimmer

    def __init__(self) -> None:
        self._ramps: dict[Ramp, int] = {}  # each material with its number
        self._material = np.full((CELL, CELL), -1)
        self._tone = np.zeros((CELL, CELL), int)
        self._clothing = np.zeros((CELL, CELL), bool)
        self._detail = np.zeros((CELL, CELL), bool)

    def paint(self, layer: SpriteLayer) -> None:
        """Paint a layer over the others."""
        covered = _without_burrs(coverage(layer.outlines, CELL, 1, SAMPLES, layer.cut) * 2 >= FULL)
        self._cast_shadow(covered, layer.shadow)
        y, x = np.mgrid[:CELL, :CELL] + 0.5
        light = light_on(layer.form, x, y)
        tone = np.where(covered, sum((light < least).astype(int) for least in LEAST_LIGHT), -1)
        tone = _without_orphans(tone)
        material = np.full_like(tone, self._index(layer.ramp))
        if layer.pattern:
            material[layer.pattern.at(x, y)] = self._index(layer.pattern.ramp)
        detail = np.zeros_like(covered)
        for mark in layer.marks:
            drawn = covered & (coverage([mark.outline], CELL, 1, SAMPLES) * 2 >= FULL * 0.9)
            material[drawn], tone[drawn], detail[drawn] = self._index(mark.ramp), mark.tone, True
        if layer.lined:
            self._draw_edge(layer, covered, material, tone)
        self._material[covered], self._tone[covered] = material[covered], tone[covered]
        self._detail[covered], self._clothing[covered] = detail[covered], layer.clothing

    def picture(self, light: FrameLight = SAME_LIGHT) -> np.ndarray:
        """Return the picture, (CELL, CELL, 4) uint8 RGBA."""
        tones = np.array([ramp.tones for ramp in self._ramps])
        drawn = self._material >= 0
        colours = tones[self._material, self._tone] * light.factors(CELL)
        rgba = np.dstack([np.floor(colours + 0.5).clip(0, 255), np.full((CELL, CELL), 255)])
        return np.where(drawn[..., None], rgba, 0).astype(np.uint8)

    def mask(self) -> np.ndarray:
        """Return the mask, (CELL, CELL) uint8: 255 where the topmost layer is clothing, else 0."""
        return np.where(self._clothing, 255, 0).astype(np.uint8)

    def _index(self, ramp: Ramp) -> int:
        return self._ramps.setdefault(ramp, len(self._ramps))

    def _cast_shadow(self, covered: np.ndarray, length: int) -> None:
        """Darken everything below and to the right of a layer by one tone."""
        fallen = np.zeros_like(covered)
        for step in range(1, length + 1):
            fallen |= shifted(covered, step, 0) | shifted(covered, step, (step + 1) // 2)
        self._tone[fallen & ~covered & ~self._detail & (self._tone < DEEP)] += 1

    def _draw_edge(self, layer: SpriteLayer, covered: np.ndarray, material: np.ndarray, tone: np.ndarray) -> None:
        """Outline in place: dark, but softer towards the light and next to the same material."""
        own = self._index(layer.ramp)
        edge, dark, meets = (np.zeros_like(covered) for _ in range(3))
        for down, right in SIDES:
            border = covered & ~shifted(covered, -down, -right)
            same = border & shifted(self._material == own, -down, -right)
            meets |= same
            border &= ~same | layer.seam
            edge |= border
            if down + right > 0:
                dark |= border
        material[edge], tone[edge] = own, DEEP
        tone[dark & ~meets] = LINE


def _without_burrs(covered: np.ndarray) -> np.ndarray:
    """Remove single pixels that stick out sideways, where a curve is flattest."""
    above, left, below, right = (shifted(covered, *side) for side in SIDES)
    return covered & (above | below | (left == right))


def _without_orphans(tone: np.ndarray) -> np.ndarray:
    """Give single pixels the darkest tone beside them; -1 is outside."""
    around = np.stack([shifted(tone + 1, *side) - 1 for side in SIDES])
    darkest = around.max(axis=0)
    alone = (tone >= 0) & (around != tone).all(axis=0) & (darkest >= 0)
    return np.where(alone, darkest, tone)
