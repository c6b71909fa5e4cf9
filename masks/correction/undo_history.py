"""A mask edited in strokes, and the history of strokes for undo and redo; arrays alone, no window."""

import math
import zlib
from collections import deque

import numpy as np

from masks.correction.boxes import Box, whole
from masks.correction.tools import Region

DEPTH = 500  # strokes that can be undone


class PackedPixels:
    """A compressed bool array: one bit per pixel, then deflated."""

    def __init__(self, pixels: np.ndarray) -> None:
        self.shape = pixels.shape
        self._data = zlib.compress(np.packbits(pixels).tobytes(), 1)

    @property
    def size_bytes(self) -> int:
        """Size of the packed pixels in memory."""
        return len(self._data)

    def unpacked(self) -> np.ndarray:
        """Return the array."""
        packed = np.frombuffer(zlib.decompress(self._data), np.uint8)
        return np.unpackbits(packed, count=math.prod(self.shape)).view(bool).reshape(self.shape)


Stroke = tuple[Box, PackedPixels]  # the pixels that it flipped, and the box where they lie


class UndoHistory:
    """The last strokes of a mask, each stored as the pixels that it flipped, for undo and redo alike."""

    def __init__(self, depth: int = DEPTH) -> None:
        self._done: deque[Stroke] = deque(maxlen=depth)
        self._undone: deque[Stroke] = deque()

    def __len__(self) -> int:
        return len(self._done)

    @property
    def size_bytes(self) -> int:
        """Size of the strokes in memory."""
        return sum(bits.size_bytes for _, bits in [*self._done, *self._undone])

    def record(self, before: np.ndarray, after: np.ndarray, box: Box) -> bool:
        """Record a stroke that changed pixels only inside a box; undone strokes can no longer be redone.

        Returns:
            Whether anything changed; if not, nothing is recorded.
        """
        flipped = before[box.slices] ^ after[box.slices]
        rows, columns = (np.flatnonzero(flipped.any(axis=axis)) for axis in (1, 0))
        if not len(rows):
            return False
        tight = Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
        place = Box(box.top + tight.top, box.left + tight.left, box.top + tight.bottom, box.left + tight.right)
        self._done.append((place, PackedPixels(flipped[tight.slices])))
        self._undone.clear()
        return True

    def undo(self, mask: np.ndarray) -> Box | None:
        """Undo the last stroke in place; return the changed box, or None if there is no stroke."""
        return _flip(mask, self._done, self._undone)

    def redo(self, mask: np.ndarray) -> Box | None:
        """Redo the last undone stroke in place; return the changed box, or None if there is none."""
        return _flip(mask, self._undone, self._done)


def _flip(mask: np.ndarray, source: deque[Stroke], target: deque[Stroke]) -> Box | None:
    if not source:
        return None
    box, bits = source.pop()
    mask[box.slices] ^= bits.unpacked()
    target.append((box, bits))
    return box


class MaskEditor:
    """A mask that is edited in strokes.

    Attributes:
        mask: (H, W) bool; read it, but change it only through the methods.
        is_changed: set by every change; reset it after saving.
    """

    def __init__(self, mask: np.ndarray, history: UndoHistory | None = None, is_changed: bool = False) -> None:
        self.mask = mask
        self.history = UndoHistory() if history is None else history
        self.is_changed = is_changed
        self._before: np.ndarray | None = None  # the mask at the start of the current stroke
        self._touched = Box(0, 0, 0, 0)

    def set_pixels(self, region: Region, value: bool) -> Box:
        """Continue or start a stroke: set the region's pixels; return the box that may have changed."""
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
        """End the current stroke."""
        if self._before is not None:
            self.history.record(self._before, self.mask, self._touched)
        self._before, self._touched = None, Box(0, 0, 0, 0)

    def replace(self, mask: np.ndarray) -> Box:
        """Replace the mask by another one, as one stroke."""
        self.end_stroke()
        self.set_pixels(Region(whole(mask), mask), True)
        self.set_pixels(Region(whole(mask), ~mask), False)
        self.end_stroke()
        return whole(mask)

    def undo(self) -> Box | None:
        """Undo the last stroke; return the changed box, or None."""
        self.end_stroke()
        return self._noted(self.history.undo(self.mask))

    def redo(self) -> Box | None:
        """Redo the last undone stroke; return the changed box, or None."""
        self.end_stroke()
        return self._noted(self.history.redo(self.mask))

    def _noted(self, box: Box | None) -> Box | None:
        self.is_changed = self.is_changed or box is not None
        return box
