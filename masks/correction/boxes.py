"""Rectangles of pixels, and points."""

from typing import NamedTuple

import numpy as np

Point = tuple[float, float]


class Box(NamedTuple):
    """Rows `top` to `bottom` and columns `left` to `right` of an array, ends excluded."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Return the index that cuts the box out of an array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def is_empty(self) -> bool:
        """Whether the box has no pixels."""
        return self.top >= self.bottom or self.left >= self.right

    def within(self, other: "Box") -> "Box":
        """Return the intersection of both boxes; it may be empty."""
        return Box(*map(max, self[:2], other[:2]), *map(min, self[2:], other[2:]))

    def joined(self, other: "Box") -> "Box":
        """Return the smallest box around both."""
        if self.is_empty or other.is_empty:
            return other if self.is_empty else self
        return Box(*map(min, self[:2], other[:2]), *map(max, self[2:], other[2:]))

    def grown(self, margin: int) -> "Box":
        """Return the box with a margin on all sides."""
        return Box(self.top - margin, self.left - margin, self.bottom + margin, self.right + margin)


def whole(array: np.ndarray) -> Box:
    """Return the box of a whole array."""
    return Box(0, 0, *array.shape[:2])
