"""The grid of pixel art that was enlarged by a whole factor: found, undone and redone without blur."""

import math
from collections.abc import Sequence

import numpy as np

LEAST_ART_PX = 8  # of a frame's shorter side; fewer art pixels make no sprite


def find_pixel_size(pictures: Sequence[np.ndarray]) -> int:
    """Side in px of one art pixel: the largest whole factor by which all pictures are enlarged; 1 for smooth art.

    Every place where neighbouring rows or columns differ must be a multiple of it, counted from the top left corner.
    One pixel that breaks the grid is enough for smooth art, and so is a grid that starts elsewhere: nothing may be
    lost by `shrink`. Colours under alpha 0 do not count.

    Args:
        pictures: (H, W) or (H, W, C) arrays of one size; RGBA uint8 where C is 4.
    """
    height, width = pictures[0].shape[:2]
    size = math.gcd(height, width)
    is_flat = True
    for picture in pictures:
        seen = visible(picture) if picture.ndim == 3 and picture.shape[2] == 4 else picture
        for axis in (0, 1):
            if size == 1:
                return 1
            borders = _borders(seen, axis)
            is_flat = is_flat and not borders.size
            size = math.gcd(size, *map(int, borders))
    if is_flat:
        return 1
    most = min(height, width) // LEAST_ART_PX
    return max((factor for factor in range(1, most + 1) if size % factor == 0), default=1)


def visible(rgba: np.ndarray) -> np.ndarray:
    """(H, W, 4) uint8 as one number a pixel, (H, W) uint32: its four bytes, or 0 where alpha is 0."""
    pixels = np.ascontiguousarray(rgba).view(np.uint32)[..., 0]
    return np.where(rgba[..., 3] > 0, pixels, np.uint32(0))


def _borders(picture: np.ndarray, axis: int) -> np.ndarray:
    """The rows (axis 0) or columns (axis 1) that differ from the one before."""
    lines = np.moveaxis(picture, axis, 0).reshape(picture.shape[axis], -1)
    return np.flatnonzero((lines[1:] != lines[:-1]).any(axis=1)) + 1


def shrink(picture: np.ndarray, size_px: int) -> np.ndarray:
    """One value for each art pixel, its top left one: (H, W, ...) to (H / size_px, W / size_px, ...)."""
    return picture[::size_px, ::size_px]


def enlarge(picture: np.ndarray, size_px: int) -> np.ndarray:
    """Repeat every pixel `size_px` times in both directions."""
    return picture.repeat(size_px, axis=0).repeat(size_px, axis=1)
