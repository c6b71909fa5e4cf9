"""The grid of pixel art that was enlarged by a whole factor: found, undone and redone without blur."""

import math
from collections.abc import Sequence

import numpy as np


def find_pixel_size(pictures: Sequence[np.ndarray]) -> int:
    """Side in px of one art pixel: the largest whole factor by which all pictures are enlarged; 1 for smooth art.

    Every place where neighbouring rows or columns differ must be a multiple of it, counted from the top left corner.
    Colours under alpha 0 do not count.

    Args:
        pictures: (H, W) or (H, W, C) arrays of one size; RGBA where C is 4.
    """
    height, width = pictures[0].shape[:2]
    size = math.gcd(height, width)
    for picture in pictures:
        seen = picture * (picture[..., 3:] > 0) if picture.ndim == 3 and picture.shape[2] == 4 else picture
        for axis in (0, 1):
            if size == 1:
                return 1
            lines = np.moveaxis(seen, axis, 0).reshape(seen.shape[axis], -1)
            borders = np.flatnonzero((lines[1:] != lines[:-1]).any(axis=1)) + 1
            size = math.gcd(size, *map(int, borders))
    return size if size < min(height, width) else 1  # one flat colour has no grid


def shrink(picture: np.ndarray, size_px: int) -> np.ndarray:
    """One value for each art pixel, its top left one: (H, W, ...) to (H / size_px, W / size_px, ...)."""
    return picture[::size_px, ::size_px]


def enlarge(picture: np.ndarray, size_px: int) -> np.ndarray:
    """Repeat every pixel `size_px` times in both directions."""
    return picture.repeat(size_px, axis=0).repeat(size_px, axis=1)
