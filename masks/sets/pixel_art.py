"""Pixel art enlarged by a whole factor: detect the size of its art pixels, shrink to them, enlarge again."""

import math
from collections.abc import Sequence

import numpy as np

LEAST_ART_PX = 8  # smallest number of art pixels along a frame's shorter side


def find_pixel_size(pictures: Sequence[np.ndarray]) -> int:
    """Return the side in px of one art pixel: the largest factor by which all pictures are enlarged; 1 for smooth art.

    Neighbouring rows and columns may differ only at multiples of it, counted from the top left corner. A single pixel
    off the grid makes the result 1, as does a grid with another origin, because `shrink` must lose nothing. Colours
    under alpha 0 are ignored.

    Args:
        pictures: (H, W) or (H, W, C) arrays of one size; if C is 4, RGBA uint8.
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
    """Return (H, W, 4) uint8 as (H, W) uint32: a pixel's four bytes, or 0 if its alpha is 0."""
    pixels = np.ascontiguousarray(rgba).view(np.uint32)[..., 0]
    return np.where(rgba[..., 3] > 0, pixels, np.uint32(0))


def _borders(picture: np.ndarray, axis: int) -> np.ndarray:
    """Return the rows (axis 0) or columns (axis 1) that differ from the one before."""
    lines = np.moveaxis(picture, axis, 0).reshape(picture.shape[axis], -1)
    return np.flatnonzero((lines[1:] != lines[:-1]).any(axis=1)) + 1


def shrink(picture: np.ndarray, size_px: int) -> np.ndarray:
    """Return the top left value of each art pixel: (H, W, ...) to (H / size_px, W / size_px, ...)."""
    return picture[::size_px, ::size_px]


def enlarge(picture: np.ndarray, size_px: int) -> np.ndarray:
    """Repeat every pixel `size_px` times in both directions."""
    return picture.repeat(size_px, axis=0).repeat(size_px, axis=1)


def shifted(picture: np.ndarray, down: int, right: int) -> np.ndarray:
    """Return the picture moved within its frame; what leaves the frame is lost, what enters is 0.

    Args:
        picture: (H, W, ...).
        down: px; negative moves up.
        right: px; negative moves left.
    """
    height, width = picture.shape[:2]
    result = np.zeros_like(picture)
    stays = picture[max(-down, 0) : max(height - down, 0), max(-right, 0) : max(width - right, 0)]
    result[max(down, 0) : max(height + down, 0), max(right, 0) : max(width + right, 0)] = stays
    return result
