"""Editing of a mask: brush, flood and lasso, and a history of strokes; arrays alone, no window.

A mask is (H, W) bool. Positions are (x, y) in px of the frame, from its top left corner; the middle of the first pixel
is (0.5, 0.5). Tools work on cells: squares of `cell_px` px, an art pixel of enlarged pixel art, or 1.
"""

import functools
import math
import zlib
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from masks.sets.pixel_art import enlarge, shrink

DEPTH = 500  # strokes that can be undone

Point = tuple[float, float]


class Box(NamedTuple):
    """Rows `top` to `bottom` and columns `left` to `right` of an array, ends excluded."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """The index that cuts the box out of an array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it."""
        return self.top >= self.bottom or self.left >= self.right

    def within(self, other: "Box") -> "Box":
        """What the two share; it may be empty."""
        return Box(*map(max, self[:2], other[:2]), *map(min, self[2:], other[2:]))

    def joined(self, other: "Box") -> "Box":
        """The smallest box around both."""
        if self.is_empty or other.is_empty:
            return other if self.is_empty else self
        return Box(*map(min, self[:2], other[:2]), *map(max, self[2:], other[2:]))

    def grown(self, margin: int) -> "Box":
        """The box with a margin on all sides."""
        return Box(self.top - margin, self.left - margin, self.bottom + margin, self.right + margin)


def whole(array: np.ndarray) -> Box:
    """The box of all of an array."""
    return Box(0, 0, *array.shape[:2])


class Region(NamedTuple):
    """Some pixels of a frame: `pixels` is bool, of the size of `box`, True where a pixel belongs to it."""

    box: Box
    pixels: np.ndarray


# ---- brush ----


@dataclass(frozen=True)
class Brush:
    """A square, or the disc inside it.

    Attributes:
        size: cells across, from 1.
        is_round: a disc.
        cell_px: side of a cell in px.
    """

    size: int
    is_round: bool = True
    cell_px: int = 1

    def corner(self, point: Point) -> tuple[int, int]:
        """Row and column, in cells, of the top left cell of a brush whose middle is as near as can be to a point."""
        column, row = (math.floor(value / self.cell_px - self.size / 2 + 0.5) for value in point)
        return row, column


@functools.lru_cache(maxsize=64)
def brush_rows(size: int, is_round: bool) -> tuple[np.ndarray, np.ndarray]:
    """First and end column of a brush in each of its rows, as two (size,) int arrays."""
    if not is_round:
        return np.zeros(size, int), np.full(size, size)
    offsets = 2 * np.arange(size) + 1 - size  # of cells' middles from the brush's, in half cells
    inside = offsets[:, None] ** 2 + offsets**2 <= max(size * size - 2, 0)
    first = inside.argmax(axis=1)
    return first, size - first


def brush_outline(brush: Brush, point: Point) -> np.ndarray:
    """The closed outline of the cells that a brush covers with its middle at a point: (N, 2) float of x and y in px."""
    firsts, ends = brush_rows(brush.size, brush.is_round)
    row, column = brush.corner(point)
    y = np.repeat(np.arange(brush.size + 1), 2)[1:-1]  # both ends of every row's sides
    down = np.stack([np.repeat(ends, 2), y], axis=1)
    up = np.stack([np.repeat(firsts, 2), y], axis=1)[::-1]
    return (np.concatenate([down, up, down[:1]]) + np.array([column, row])) * float(brush.cell_px)


def sweep(brush: Brush, start: Point, end: Point, shape: tuple[int, int]) -> Region:
    """All pixels of a frame of `shape` that a brush covers on the straight way from one point to another."""
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
    """The cells of a straight line, both ends included, as (N, 2) int; each touches the one before."""
    a, b = np.array(start), np.array(end)
    steps = max(int(np.abs(b - a).max()), 1)
    way = np.arange(steps + 1)[:, None] * (b - a)
    return a + (2 * way + steps) // (2 * steps)  # rounded in whole numbers, so that no step is ever of two cells


# ---- flood ----


def flood(picture: np.ndarray, point: Point, tolerance: int, cell_px: int = 1) -> Region:
    """The pixels around a point, connected by their sides, whose colour is near the colour there.

    Args:
        picture: (H, W, 4) uint8 RGBA; colours under alpha 0 are one colour.
        point: inside the picture.
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
    """The pixels of a frame of `shape` inside a loop; a cell is inside as a whole or not, as its middle is.

    The loop is closed from its last point to its first; where it crosses itself, the even-odd rule holds.
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


# ---- history ----


class Bits:
    """A bool array, packed: a bit a pixel, then deflated."""

    def __init__(self, pixels: np.ndarray) -> None:
        self.shape = pixels.shape
        self._data = zlib.compress(np.packbits(pixels).tobytes(), 1)

    @property
    def size_bytes(self) -> int:
        """Memory that the packed pixels take."""
        return len(self._data)

    def unpacked(self) -> np.ndarray:
        """The array."""
        packed = np.frombuffer(zlib.decompress(self._data), np.uint8)
        return np.unpackbits(packed, count=math.prod(self.shape)).view(bool).reshape(self.shape)


class History:
    """The last strokes of a mask, each as the pixels that it flipped, so that undo and redo are the same."""

    def __init__(self, depth: int = DEPTH) -> None:
        self._done: deque[tuple[Box, Bits]] = deque(maxlen=depth)
        self._undone: list[tuple[Box, Bits]] = []

    def __len__(self) -> int:
        return len(self._done)

    @property
    def size_bytes(self) -> int:
        """Memory that the strokes take."""
        return sum(bits.size_bytes for _, bits in [*self._done, *self._undone])

    def record(self, before: np.ndarray, after: np.ndarray, box: Box) -> bool:
        """Remember a stroke that changed nothing outside a box; what was undone can no longer be redone.

        Returns:
            Whether anything changed at all; if not, nothing is remembered.
        """
        flipped = before[box.slices] ^ after[box.slices]
        rows, columns = (np.flatnonzero(flipped.any(axis=axis)) for axis in (1, 0))
        if not len(rows):
            return False
        tight = Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
        place = Box(box.top + tight.top, box.left + tight.left, box.top + tight.bottom, box.left + tight.right)
        self._done.append((place, Bits(flipped[tight.slices])))
        self._undone.clear()
        return True

    def undo(self, mask: np.ndarray) -> Box | None:
        """Take back the last stroke, in place; return where, or None where there is none."""
        return _flip(mask, self._done, self._undone)

    def redo(self, mask: np.ndarray) -> Box | None:
        """Repeat the stroke that was undone last, in place; return where, or None where there is none."""
        return _flip(mask, self._undone, self._done)


def _flip(
    mask: np.ndarray, source: deque[tuple[Box, Bits]] | list[tuple[Box, Bits]],
    target: deque[tuple[Box, Bits]] | list[tuple[Box, Bits]],
) -> Box | None:  # fmt: skip
    if not source:
        return None
    box, bits = source.pop()
    mask[box.slices] ^= bits.unpacked()
    target.append((box, bits))
    return box


class MaskEditor:
    """A mask that is changed in strokes.

    Attributes:
        mask: (H, W) bool; read it, change it through the methods.
        is_changed: set by every change; whoever saves the mask takes it back.
    """

    def __init__(self, mask: np.ndarray, history: History | None = None, is_changed: bool = False) -> None:
        self.mask = mask
        self.history = History() if history is None else history
        self.is_changed = is_changed
        self._before: np.ndarray | None = None  # the mask at the start of the stroke that goes on
        self._touched = Box(0, 0, 0, 0)

    def set_pixels(self, region: Region, value: bool) -> Box:
        """Go on with a stroke, or begin one: set the region's pixels; return where the mask may have changed."""
        if self._before is None:
            self._before = self.mask.copy()
        target = self.mask[region.box.slices]
        flipped = region.pixels & (target != value)
        if flipped.any():
            target[flipped] = value
            self._touched = self._touched.joined(region.box)
            self.is_changed = True
        return region.box

    def end_stroke(self) -> None:
        """From here on it is another stroke."""
        if self._before is not None:
            self.history.record(self._before, self.mask, self._touched)
        self._before, self._touched = None, Box(0, 0, 0, 0)

    def replace(self, mask: np.ndarray) -> Box:
        """Put another mask in place of this one, as a stroke."""
        self.end_stroke()
        self.set_pixels(Region(whole(mask), mask), True)
        self.set_pixels(Region(whole(mask), ~mask), False)
        self.end_stroke()
        return whole(mask)

    def undo(self) -> Box | None:
        """Take back the last stroke; return where the mask changed, or None."""
        self.end_stroke()
        return self._noted(self.history.undo(self.mask))

    def redo(self) -> Box | None:
        """Repeat the stroke that was undone last; return where the mask changed, or None."""
        self.end_stroke()
        return self._noted(self.history.redo(self.mask))

    def _noted(self, box: Box | None) -> Box | None:
        self.is_changed = self.is_changed or box is not None
        return box
