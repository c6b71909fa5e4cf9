"""Closed outlines and the pixels that they cover, the same on every machine.

An outline is an (N, 2) float64 array of x and y in art pixels, y downwards. Coordinates only pass through additions,
multiplications, divisions and square roots, which every processor rounds alike.
"""

import itertools
import math
from collections.abc import Sequence

import numpy as np

Outline = np.ndarray

_TURN = [2 * math.pi * step / 64 for step in range(64)]
_COS, _SIN = (np.array([round(f(turn), 9) for turn in _TURN]) for f in (math.cos, math.sin))
_T = np.arange(8)[:, None] / 8
_SPLINE = (  # Catmull-Rom weights of four neighbouring points, for eight places between the middle two
    (-_T + 2 * _T * _T - _T * _T * _T) / 2,
    (2 - 5 * _T * _T + 3 * _T * _T * _T) / 2,
    (_T + 4 * _T * _T - 3 * _T * _T * _T) / 2,
    (-_T * _T + _T * _T * _T) / 2,
)


def hull(*circles: tuple[float, float, float]) -> Outline:
    """The rubber band around circles of x, y, radius: a limb between two joints, a foot, a torso."""
    x, y, radius = (np.array(values, float)[None] for values in zip(*circles, strict=True))
    furthest = (x * _COS[:, None] + y * _SIN[:, None] + radius).argmax(axis=1)
    return np.stack([x[0, furthest] + radius[0, furthest] * _COS, y[0, furthest] + radius[0, furthest] * _SIN], axis=1)


def ellipse(x: float, y: float, radius_x: float, radius_y: float) -> Outline:
    """An upright ellipse."""
    return np.stack([x + radius_x * _COS, y + radius_y * _SIN], axis=1)


def polygon(points: Sequence[tuple[float, float]]) -> Outline:
    """Straight lines from point to point."""
    return np.array(points, float)


def stroke(points: Sequence[tuple[float, float]], width: float, tip: float | None = None) -> list[Outline]:
    """A line of some width from point to point; its last piece narrows to `tip`."""
    widths = [width] * (len(points) - 1) + [width if tip is None else tip]
    ends = [(x, y, wide / 2) for (x, y), wide in zip(points, widths, strict=True)]
    return [hull(start, end) for start, end in itertools.pairwise(ends)]


def box(x: float, y: float, width: float, height: float) -> Outline:
    """A rectangle from its top left corner."""
    return polygon([(x, y), (x + width, y), (x + width, y + height), (x, y + height)])


def curve(points: Sequence[tuple[float, float]]) -> Outline:
    """A smooth line through the points; a point given twice in a row is a corner."""
    here = np.array(points, float)
    around = [np.roll(here, shift, axis=0)[:, None] for shift in (1, 0, -1, -2)]
    before, start, end, after = (part * weight for part, weight in zip(around, _SPLINE, strict=True))
    moving = (here != np.roll(here, -1, axis=0)).any(axis=1)
    return (before + start + end + after)[moving].reshape(-1, 2)


def mirrored(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points of the right half (x >= 0, top to bottom) and those of the left half, once around."""
    return [*points, *((-x, y) for x, y in reversed(points) if x)]


def moved(outline: Outline, x: float, y: float, scale: float = 1) -> Outline:
    """The outline scaled about the origin, then moved."""
    return outline * scale + np.array([x, y])


def coverage(
    outlines: Sequence[Outline], size: int, scale: int, samples: int, cut: Sequence[Outline] = ()
) -> np.ndarray:
    """How much of each pixel the union of the outlines covers.

    Args:
        outlines: closed outlines in art pixels.
        cut: outlines of holes.
        size: side of the canvas in art pixels.
        scale: canvas pixels in an art pixel.
        samples: sub-samples of a canvas pixel in each direction.

    Returns:
        (size * scale, size * scale) int64, 0 to samples squared.
    """
    side = size * scale
    covered = np.zeros((side, side), np.int64)
    points = np.concatenate(outlines) * scale
    left, top = np.floor(points.min(axis=0)).astype(int).clip(0, side)
    right, bottom = np.ceil(points.max(axis=0)).astype(int).clip(0, side)
    if left >= right or top >= bottom:
        return covered
    height, width = (bottom - top) * samples, (right - left) * samples
    inside = np.zeros((height, width), bool)
    for outline in outlines:
        inside |= _fill((outline * scale - np.array([left, top])) * samples, height, width)
    for outline in cut:
        inside &= ~_fill((outline * scale - np.array([left, top])) * samples, height, width)
    counts = inside.reshape(bottom - top, samples, right - left, samples).sum(axis=(1, 3))
    covered[top:bottom, left:right] = counts
    return covered


def _fill(points: np.ndarray, height: int, width: int) -> np.ndarray:
    """The samples whose centres lie inside: every row is crossed from the left, counting the edges' turns."""
    (x0, y0), (x1, y1) = points.T[:, :, None], np.roll(points, -1, axis=0).T[:, :, None]
    rows = np.arange(height) + 0.5
    crossed = (np.minimum(y0, y1) <= rows) & (rows < np.maximum(y0, y1))
    edge, row = np.nonzero(crossed)
    slope = (x1 - x0)[edge, 0] / (y1 - y0)[edge, 0]
    column = np.ceil(x0[edge, 0] + (rows[row] - y0[edge, 0]) * slope - 0.5).clip(0, width).astype(int)
    turns = np.zeros((height, width + 1), np.int64)
    np.add.at(turns, (row, column), np.where(y1 > y0, 1, -1)[edge, 0])
    return turns[:, :-1].cumsum(axis=1) != 0
