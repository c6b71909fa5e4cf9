"""Layers painted smoothly: soft light, anti-aliased edges, tinted lines and soft shadows."""

import numpy as np

from masks.drawing_styles import pattern_at
from masks.layers import Layer, light_on
from masks.outlines import coverage
from masks.palettes import DEEP, HIGHLIGHT, LIGHT, LINE, SHADE, Ramp
from masks.walk_cycle import CELL

SCALE = 8
SAMPLES = 4
FULL = SAMPLES * SAMPLES
SIDE = CELL * SCALE
STOPS = ((-0.5, DEEP), (0.1, SHADE), (0.6, LIGHT), (1.0, HIGHLIGHT))
LEVELS = 48


def ramp_table(ramp: Ramp) -> np.ndarray:
    rows = []
    for level in range(LEVELS):
        light = -0.5 + 1.5 * level / (LEVELS - 1)
        for (low, a), (high, b) in zip(STOPS[:-1], STOPS[1:]):
            if light <= high or b == HIGHLIGHT:
                share = (light - low) / (high - low)
                rows.append([x + (y - x) * share for x, y in zip(ramp.tones[a], ramp.tones[b])])
                break
    return np.array(rows) / 255


def blurred(plane: np.ndarray, radius: int) -> np.ndarray:
    """Mean over a square of 2 radius + 1, twice; exact because it counts whole numbers."""
    width = 2 * radius + 1
    for _ in range(2):
        for axis in (0, 1):
            pad = [(0, 0), (0, 0)]
            pad[axis] = (radius + 1, radius)
            sums = np.pad(plane, pad).cumsum(axis=axis)
            a, b = [slice(None)] * 2, [slice(None)] * 2
            a[axis], b[axis] = slice(width, None), slice(None, -width)
            plane = sums[tuple(a)] - sums[tuple(b)]
    return plane / (width**4)


class SmoothCanvas:
    def __init__(self) -> None:
        self.rgb = np.zeros((SIDE, SIDE, 3))
        self.alpha = np.zeros((SIDE, SIDE))
        self.cloth = np.zeros((SIDE, SIDE))
        self.material = np.full((SIDE, SIDE), "", object)

    def paint(self, layer: Layer) -> None:
        whole = coverage(layer.outlines, CELL, SCALE, SAMPLES, layer.cut)
        rows, cols = (np.flatnonzero(whole.any(axis=a)) for a in (1, 0))
        if not len(rows):
            return
        win = (
            slice(max(rows[0] - 24, 0), min(rows[-1] + 25, SIDE)),
            slice(max(cols[0] - 24, 0), min(cols[-1] + 25, SIDE)),
        )
        cover = whole[win]
        alpha = cover / FULL
        y, x = np.mgrid[win]
        x, y = (x + 0.5) / SCALE, (y + 0.5) / SCALE
        if layer.shadow:
            step = int(layer.shadow * SCALE)
            fallen = np.zeros_like(cover)
            fallen[step:, step // 2 :] = cover[:-step, : -(step // 2)]
            dark = (blurred(fallen, 4) / FULL * 0.42 * (1 - alpha))[..., None] * np.array([0.8, 1.0, 0.85])
            self.rgb[win] *= 1 - dark
        light = light_on(layer.form, x, y)
        depth = 1 - blurred(cover, 9) / FULL
        light = light * 0.9 + 0.08 - depth * 0.55
        level = ((light + 0.5) / 1.5 * LEVELS).astype(int).clip(0, LEVELS - 1)
        colour = ramp_table(layer.ramp)[level]
        if layer.pattern:
            second = pattern_at(layer.pattern, x, y)
            colour[second] = ramp_table(layer.pattern.ramp)[level[second]]
        for mark in layer.marks:
            drawn = coverage([mark.outline], CELL, SCALE, SAMPLES)[win]
            share = ((drawn if mark.opacity == 1 else blurred(drawn, 2)) / FULL * mark.opacity)[..., None]
            colour = colour * (1 - share) + np.array(mark.ramp.tones[mark.tone]) / 255 * share
        if layer.lined:
            edge = ((1 - blurred(cover, 3) / FULL) * 2.4 - 0.35).clip(0, 1)
            outside = blurred(FULL - cover, 3)
            same = (self.material[win] == layer.ramp.name).astype(np.int64) * (FULL - cover)
            ratio = blurred(same, 3) / np.maximum(outside, 1e-9)
            edge = edge * (1 - ratio * (0.35 if layer.seam else 1)) * (0.95 - 0.4 * light.clip(0, 1))
            colour = colour * (1 - edge[..., None]) + np.array(layer.ramp.tones[LINE]) / 255 * edge[..., None]
        a = alpha[..., None]
        self.rgb[win] = self.rgb[win] * (1 - a) + colour * a
        self.alpha[win] = self.alpha[win] * (1 - alpha) + alpha
        self.cloth[win] = self.cloth[win] * (1 - alpha) + alpha * layer.clothing
        self.material[win][cover * 2 >= FULL] = layer.ramp.name

    def picture(self) -> np.ndarray:
        colour = self.rgb / np.maximum(self.alpha, 1e-9)[..., None]
        rgba = np.dstack([colour, self.alpha])
        out = np.floor(rgba.clip(0, 1) * 255 + 0.5).astype(np.uint8)
        out[out[..., 3] == 0] = 0
        return out

    def mask(self) -> np.ndarray:
        return self.cloth * 2 > self.alpha
