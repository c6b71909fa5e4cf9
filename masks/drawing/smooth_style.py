"""Layers painted smoothly: soft light, anti-aliased edges, tinted lines and soft shadows.

Only additions, multiplications, divisions and square roots of single numbers, and sums of whole numbers: every machine
draws the same picture.
"""

import functools
import itertools

import cv2
import numpy as np

from common.alpha import around
from common.outlines import coverage
from masks.drawing.palettes import DEEP, HIGHLIGHT, LIGHT, LINE, SHADE, Ramp
from masks.drawing.sprite_layers import SAME_LIGHT, FrameLight, SpriteLayer, light_on
from masks.drawing.walk_cycle import CELL
from masks.sets.pixel_art import shifted

SCALE = 8  # pixels per art pixel
SIDE = CELL * SCALE
SAMPLES = 4  # samples per pixel in each direction
FULL = SAMPLES * SAMPLES
TONES_AT = ((-0.5, DEEP), (0.1, SHADE), (0.6, LIGHT), (1.0, HIGHLIGHT))  # light at which each tone of a ramp shows
LEVELS = 128  # steps from the first to the last of these
SHADOW = np.array([0.34, 0.42, 0.36])  # share of red, green and blue that a shadow removes
COLOUR_STEP = 4  # channels are rounded to multiples of it: invisible, and the files are a third smaller

Window = tuple[slice, slice]


class SmoothCanvas:
    """Colours of SIDE x SIDE pixels, painted layer by layer."""

    SNAP = SCALE  # steps per art pixel for parts that must not shimmer

    def __init__(self) -> None:
        self._ramps: dict[Ramp, int] = {}  # each material with its number
        self._colour = np.zeros((SIDE, SIDE, 3))  # premultiplied by alpha
        self._alpha = np.zeros((SIDE, SIDE))
        self._clothing = np.zeros((SIDE, SIDE))  # share of the colour that comes from clothes
        self._material = np.full((SIDE, SIDE), -1)

    def paint(self, layer: SpriteLayer) -> None:
        """Paint a layer over the others."""
        covered = coverage(layer.outlines, CELL, SCALE, SAMPLES, layer.cut)
        if not covered.any():
            return
        window = around(covered > 0, 3 * SCALE)
        covered = covered[window]
        share = covered / FULL
        self._cast_shadow(covered, window, layer.shadow)
        own = self._index(layer.ramp)
        outside = FULL - covered
        same = blurred(outside * (self._material[window] == own), 3) / np.maximum(blurred(outside, 3), 1e-9)
        colour = _colours(layer, covered, window, same)
        self._colour[window] = _mix(self._colour[window], colour, share)
        self._alpha[window] += (1 - self._alpha[window]) * share
        self._clothing[window] += (float(layer.clothing) - self._clothing[window]) * share
        self._material[window][covered * 2 >= FULL] = own

    def picture(self, light: FrameLight = SAME_LIGHT) -> np.ndarray:
        """Return the picture, (SIDE, SIDE, 4) uint8 RGBA."""
        colour = self._colour / np.maximum(self._alpha, 1e-9)[..., None] * light.factors(SIDE)
        colour = np.floor(colour / COLOUR_STEP + 0.5) * COLOUR_STEP
        alpha = np.floor(self._alpha * 255 + 0.5)[..., None]
        return np.where(alpha > 0, np.dstack([colour.clip(0, 255), alpha]), 0).astype(np.uint8)

    def mask(self) -> np.ndarray:
        """Return the mask, (SIDE, SIDE) uint8: 255 where more than half of the visible colour is clothing, else 0."""
        return np.where(self._clothing * 2 > self._alpha, 255, 0).astype(np.uint8)

    def _index(self, ramp: Ramp) -> int:
        return self._ramps.setdefault(ramp, len(self._ramps))

    def _cast_shadow(self, covered: np.ndarray, window: Window, length: int) -> None:
        """Darken what lies below and slightly to the right."""
        if length:
            fallen = shifted(covered, length * SCALE, length * SCALE // 2)
            self._colour[window] *= 1 - (blurred(fallen, 4) / FULL)[..., None] * SHADOW


def _colours(layer: SpriteLayer, covered: np.ndarray, window: Window, same: np.ndarray) -> np.ndarray:
    """Return the layer's colour at each pixel of the window, RGB in [0, 255].

    Args:
        layer: the layer.
        covered: its coverage, 0 to FULL.
        window: rows and columns.
        same: share of its surroundings with the same material, 0 to 1.
    """
    y, x = (np.mgrid[window] + 0.5) / SCALE
    merges = same * (0.35 if layer.seam else 1)
    rounding = (1 - blurred(covered, 9) / FULL) * (1 - merges)
    light = light_on(layer.form, x, y) * 0.9 + 0.08 - rounding * 0.55
    first, last = TONES_AT[0][0], TONES_AT[-1][0]
    level = ((light - first) / (last - first) * LEVELS).astype(int).clip(0, LEVELS - 1)
    colour = _gradient(layer.ramp)[level]
    if layer.pattern:
        second = layer.pattern.at(x, y)
        colour[second] = _gradient(layer.pattern.ramp)[level[second]]
    for mark in layer.marks:
        drawn = coverage([mark.outline], CELL, SCALE, SAMPLES)[window]
        drawn = blurred(drawn, 2) if mark.opacity < 1 else drawn
        colour = _mix(colour, np.array(mark.ramp.tones[mark.tone]), drawn / FULL * mark.opacity)
    if layer.lined:
        line = ((1 - blurred(covered, 3) / FULL) * 2.4 - 0.35).clip(0, 1)
        line = line * (1 - merges) * (0.95 - 0.4 * light.clip(0, 1))
        colour = _mix(colour, np.array(layer.ramp.tones[LINE]), line)
    return colour


@functools.cache
def _gradient(ramp: Ramp) -> np.ndarray:
    """Return RGB of the LEVELS steps from dark to light, (LEVELS, 3) float64."""
    first, last = TONES_AT[0][0], TONES_AT[-1][0]
    return np.array([_colour_at(ramp, first + (last - first) * level / LEVELS) for level in range(LEVELS)])


def _colour_at(ramp: Ramp, light: float) -> list[float]:
    """Interpolate RGB between the two tones of a ramp around this light."""
    (low, dark), (high, bright) = next(pair for pair in itertools.pairwise(TONES_AT) if light <= pair[1][0])
    share = (light - low) / (high - low)
    return [a + (b - a) * share for a, b in zip(ramp.tones[dark], ramp.tones[bright], strict=True)]


def _mix(below: np.ndarray, above: np.ndarray, share: np.ndarray) -> np.ndarray:
    return below + (above - below) * share[..., None]


def blurred(counts: np.ndarray, radius: int) -> np.ndarray:
    """Apply a box filter of side 2 * radius + 1 twice; integer sums make it exact."""
    width = 2 * radius + 1
    sums: np.ndarray = counts.astype(np.int32)
    for _ in range(2):
        sums = cv2.boxFilter(sums, cv2.CV_32S, (width, width), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return sums / width**4
