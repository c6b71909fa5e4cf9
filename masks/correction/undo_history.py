"""A mask edited in strokes, and the history of strokes for undo and redo; arrays alone, no window."""

import math
import zlib
from collections import deque

import numpy as np

from masks.correction.boxes import Box, whole
from masks.correction.tools import Region

DEPTH = 500  # strokes that can be undone


class PackedPixels:
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


class UndoHistory:
    """The last strokes of a mask, each as the pixels that it flipped, so that undo and redo are the same."""

    def __init__(self, depth: int = DEPTH) -> None:
        self._done: deque[tuple[Box, PackedPixels]] = deque(maxlen=depth)
        self._undone: list[tuple[Box, PackedPixels]] = []

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
        self._done.append((place, PackedPixels(flipped[tight.slices])))
        self._undone.clear()
        return True

    def undo(self, mask: np.ndarray) -> Box | None:
        """Take back the last stroke, in place; return where, or None where there is none."""
        return _flip(mask, self._done, self._undone)

    def redo(self, mask: np.ndarray) -> Box | None:
        """Repeat the stroke that was undone last, in place; return where, or None where there is none."""
        return _flip(mask, self._undone, self._done)


def _flip(
    mask: np.ndarray, source: deque[tuple[Box, PackedPixels]] | list[tuple[Box, PackedPixels]],
    target: deque[tuple[Box, PackedPixels]] | list[tuple[Box, PackedPixels]],
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

    def __init__(self, mask: np.ndarray, history: UndoHistory | None = None, is_changed: bool = False) -> None:
        self.mask = mask
        self.history = UndoHistory() if history is None else history
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
