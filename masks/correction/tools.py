"""The tools of the correction window: which pixels of a frame brush, flood and lasso select; arrays alone, no window.

Positions are (x, y) in px of the frame, from its top left corner; the middle of the first pixel is (0.5, 0.5). Tools
work on cells: squares of `cell_px` px, an art pixel of enlarged pixel art, or 1.
"""

import functools
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from masks.correction.boxes import Box, Point, whole
from masks.sets.pixel_art import enlarge, shrink


class Region(NamedTuple):
    """Some pixels of a frame: `pixels` is a bool array of the size of `box`, True for pixels in the region."""

    box: Box
    pixels: np.ndarray


# ---- brush ----


@dataclass(frozen=True)
class Brush:
    """A square or round brush.

    Attributes:
        size: width in cells, at least 1.
        is_round: whether it is a disc instead of a square.
        cell_px: side of a cell in px.
    """

    size: int
    is_round: bool = True
    cell_px: int = 1

    def corner(self, point: Point) -> tuple[int, int]:
        """Return row and column, in cells, of the top left cell of a brush whose middle is nearest to a point."""
        column, row = (math.floor(value / self.cell_px - self.size / 2 + 0.5) for value in point)
        return row, column


@functools.lru_cache(maxsize=64)
def brush_rows(size: int, is_round: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and the end column of a brush in each of its rows, as two (size,) int arrays."""
    if not is_round:
        return np.zeros(size, int), np.full(size, size)
    offsets = 2 * np.arange(size) + 1 - size  # of cells' middles from the brush's, in half cells
    inside = offsets[:, None] ** 2 + offsets**2 <= max(size * size - 2, 0)
    first = inside.argmax(axis=1)
    return first, size - first


def brush_outline(brush: Brush, point: Point) -> np.ndarray:
    """Return the closed outline of a brush whose middle is at a point: (N, 2) float of x and y in px."""
    firsts, ends = brush_rows(brush.size, brush.is_round)
    row, column = brush.corner(point)
    y = np.repeat(np.arange(brush.size + 1), 2)[1:-1]  # both ends of every row's sides
    down = np.stack([np.repeat(ends, 2), y], axis=1)
    up = np.stack([np.repeat(firsts, 2), y], axis=1)[::-1]
    return (np.concatenate([down, up, down[:1]]) + np.array([column, row])) * float(brush.cell_px)


def sweep(brush: Brush, start: Point, end: Point, shape: tuple[int, int]) -> Region:
    """Return all pixels of a frame of `shape` that a brush covers on the straight line between two points."""
    corners = _line(brush.corner(start), brush.corner(end))
    firsts, ends = brush_rows(brush.size, brush.is_round)
    rows = corners[:, :1] + np.arange(brush.size)
    top, bottom = rows.min(), rows.max() + 1
    left, right = corners[:, 1].min(), corners[:, 1].max() + brush.size
    # A line of touching cells and a brush without dents cover one run of cells in every row.
    first = np.full(bottom - top, right)
    last = np.full(bottom - top, left)
    np.minimum.at(first, rows - top, corners[:, 1:] + firsts)
    np.maximum.at(last, rows - top, corners[:, 1:] + ends)
    cell = brush.cell_px
    frame = Box(0, 0, shape[0] // cell, shape[1] // cell)
    box = Box(int(top), int(left), int(bottom), int(right)).within(frame)
    if box.is_empty:
        return Region(Box(0, 0, 0, 0), np.zeros((0, 0), bool))
    columns = np.arange(box.left, box.right)
    kept = slice(box.top - top, box.bottom - top)
    cells = (columns >= first[kept, None]) & (columns < last[kept, None])
    return Region(Box(*(value * cell for value in box)), enlarge(cells, cell))


def _line(start: tuple[int, int], end: tuple[int, int]) -> np.ndarray:
    """Return the cells of a straight line, both ends included, as (N, 2) int; each touches the one before."""
    a, b = np.array(start), np.array(end)
    steps = max(int(np.abs(b - a).max()), 1)
    way = np.arange(steps + 1)[:, None] * (b - a)
    return a + (2 * way + steps) // (2 * steps)  # integer rounding, so that no step ever spans two cells


# ---- flood ----


def flood(picture: np.ndarray, point: Point, tolerance: int, cell_px: int = 1) -> Region:
    """Return the connected pixels (by their sides) around a point whose colour is near the colour there.

    Args:
        picture: (H, W, 4) uint8 RGBA; all colours under alpha 0 count as one.
        point: a point inside the picture.
        tolerance: largest difference in any of the four channels, 0 to 255.
        cell_px: side of an art pixel, 1 for smooth art.
    """
    from skimage.segmentation import flood as flood_from

    cells = shrink(picture, cell_px)
    seen = (cells * (cells[..., 3:] > 0)).astype(np.int16)
    row, column = int(point[1]) // cell_px, int(point[0]) // cell_px
    near = (np.abs(seen - seen[row, column]) <= tolerance).all(axis=2)
    return Region(whole(picture), enlarge(flood_from(near, (row, column), connectivity=1), cell_px))


# ---- lasso ----


def lasso(points: list[Point], shape: tuple[int, int], cell_px: int = 1) -> Region:
    """Return the pixels of a frame of `shape` inside a loop; a cell is inside if its middle is.

    The loop is closed from its last point to its first; if it crosses itself, the even-odd rule holds.
    """
    rows, columns = shape[0] // cell_px, shape[1] // cell_px
    loop = np.array(points, float) / cell_px - 0.5  # whole numbers are the middles of cells
    flips = np.zeros((rows, columns + 1), np.uint8)
    for side in zip(loop.tolist(), np.roll(loop, -1, axis=0).tolist(), strict=True):
        (x0, y0), (x1, y1) = sorted(side, key=lambda point: point[1])
        crossed = np.arange(max(math.ceil(y0), 0), min(math.ceil(y1), rows))
        if len(crossed):
            x = x0 + (crossed - y0) * (x1 - x0) / (y1 - y0)
            flips[crossed, np.clip(np.ceil(x), 0, columns).astype(int)] ^= 1
    inside = np.bitwise_xor.accumulate(flips[:, :-1], axis=1).astype(bool)
    return Region(Box(0, 0, *shape), enlarge(inside, cell_px))
