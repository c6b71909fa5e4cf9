"""Two ways to paint layers: as pixel art with few tones and hard edges, and smoothly shaded."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from masks.layers import Layer, Pattern, light_on
from masks.outlines import coverage
from masks.palettes import DEEP, HIGHLIGHT, LIGHT, LINE, SHADE, Ramp
from masks.walk_cycle import CELL

TONE_LIMITS = (0.94, 0.4, -0.08)  # least light for HIGHLIGHT, LIGHT and SHADE


def pattern_at(pattern: Pattern, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Where the second colour shows, at points given by x and y."""
    x0, y0, along_x, along_y = pattern.axis
    along = (x - x0) * along_x + (y - y0) * along_y
    across = (x - x0) * along_y - (y - y0) * along_x
    rows, columns = (np.floor(part / pattern.width).astype(int) for part in (along, across))
    if pattern.kind == "stripes":
        return rows % 2 == 1
    if pattern.kind == "checks":
        return (rows + columns) % 2 == 1
    return (rows % 2 == 1) & ((columns + rows // 2) % 2 == 1)


class PixelCanvas:
    def __init__(self) -> None:
        self.ramps: list[Ramp] = []
        self.material = np.full((CELL, CELL), -1)
        self.tone = np.zeros((CELL, CELL), int)
        self.clothing = np.zeros((CELL, CELL), bool)
        self.flat = np.zeros((CELL, CELL), bool)

    def index(self, ramp: Ramp) -> int:
        if ramp not in self.ramps:
            self.ramps.append(ramp)
        return self.ramps.index(ramp)

    def paint(self, layer: Layer) -> None:
        covered = coverage(layer.outlines, CELL, 1, 8, layer.cut) >= 32
        self._shade_below(layer, covered)
        y, x = np.mgrid[:CELL, :CELL] + 0.5
        light = light_on(layer.form, x, y)
        tone = sum((light < limit).astype(int) for limit in TONE_LIMITS)
        tone = _without_orphans(np.where(covered, tone, -1))
        material = np.full((CELL, CELL), self.index(layer.ramp))
        if layer.pattern:
            material[pattern_at(layer.pattern, x, y)] = self.index(layer.pattern.ramp)
        flat = np.zeros_like(covered)
        for mark in layer.marks:
            drawn = (coverage([mark.outline], CELL, 1, 8) >= 30) & covered
            material[drawn], tone[drawn], flat[drawn] = self.index(mark.ramp), mark.tone, True
        filled = tone
        tone = self._lined(layer, covered, tone)
        material[tone != filled] = self.index(layer.ramp)
        for plane, new in ((self.material, material), (self.tone, tone), (self.flat, flat)):
            plane[covered] = new[covered]
        self.clothing[covered] = layer.clothing

    def _lined(self, layer: Layer, covered, tone):
        if not layer.lined:
            return tone
        same = self.material == self.index(layer.ramp)
        tone = tone.copy()
        open_edge = {}
        for name, (dy, dx) in {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}.items():
            beyond = ~_shifted(covered, -dy, -dx)
            inner = _shifted(same, -dy, -dx)
            open_edge[name] = covered & beyond & (~inner if not layer.seam else True)
        dark = open_edge["down"] | open_edge["right"]
        lit = (open_edge["up"] | open_edge["left"]) & ~dark
        tone[dark] = LINE
        tone[lit] = DEEP
        if layer.seam:  # a softer line on the same material
            for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1)):
                soft = covered & ~_shifted(covered, -dy, -dx) & _shifted(same, -dy, -dx)
                tone[soft] = DEEP
        return tone

    def _shade_below(self, layer, covered):
        if not layer.shadow:
            return
        steps = int(layer.shadow)
        fallen = np.zeros_like(covered)
        for step in range(1, steps + 1):
            fallen |= _shifted(covered, step, 0) | _shifted(covered, step, 1 if step == 1 else step // 2)
        fallen &= ~covered & ~self.flat & (self.tone < DEEP)
        self.tone[fallen] += 1

    def picture(self) -> np.ndarray:
        rgba = np.zeros((CELL, CELL, 4), np.uint8)
        table = np.array([ramp.tones for ramp in self.ramps], np.uint8)
        drawn = self.material >= 0
        rgba[drawn, :3] = table[self.material[drawn], self.tone[drawn]]
        rgba[drawn, 3] = 255
        return rgba


def _shifted(plane: np.ndarray, down: int, right: int) -> np.ndarray:
    """The plane moved, with False or 0 coming in."""
    moved = np.zeros_like(plane)
    height, width = plane.shape
    rows, columns = slice(max(down, 0), height + min(down, 0)), slice(max(right, 0), width + min(right, 0))
    back_rows, back_columns = (
        slice(max(-down, 0), height + min(-down, 0)),
        slice(max(-right, 0), width + min(-right, 0)),
    )
    moved[rows, columns] = plane[back_rows, back_columns]
    return moved


def _without_orphans(tone: np.ndarray) -> np.ndarray:
    """Single pixels of a tone between others take the tone of a neighbour."""
    tone = tone.copy()
    around = np.stack(
        [
            np.where(_shifted(tone + 1, dy, dx) > 0, _shifted(tone + 1, dy, dx) - 1, -1)
            for dy, dx in ((1, 0), (0, 1), (-1, 0), (0, -1))
        ]
    )
    alone = (tone >= 0) & ~(around == tone).any(axis=0)
    best = around.max(axis=0)
    tone[alone & (best >= 0)] = best[alone & (best >= 0)]
    return tone
