"""Opaque pairs: figures on a ground of one colour, perhaps saved as JPEG, become figures on transparency.

Enlarged pixel art is recognised by its grid in spite of the noise; each art pixel then gets the median of its px, which
removes the noise. The ground is what has the border's colour and is connected to the border, in both frames.
"""

import math
from collections.abc import Sequence

import cv2
import numpy as np

from masks.sets.pixel_art import LEAST_ART_PX, enlarge, find_pixel_size

EDGE_LEVELS = 16  # levels of 255; smaller steps between neighbours may be noise
MOST_LEVELS = 96  # larger steps count the same
GRID_SHARE = 0.7  # smallest share of the larger steps that lies on the grid of art pixels
NEARLY = 0.95  # a coarser grid may have this share of the steps of the best one
CLEAN, MEDIAN, NOISY = 6, 12, 24  # levels by which the ground differs from its colour: as drawn, as medians, as JPEG
BORDER_SHARE = 0.6  # smallest share of the border that has the ground's colour
FRINGE_SHARE = 0.5  # px between both tolerances around a figure from which a ground is noisy, as a share of its outline
LEAST_NOISY_PX = 112  # smaller figures keep a noisy ground, whose edge cannot be told from theirs
NO_FIGURE = 2  # px of a side; smaller figures are none


def on_transparency(base: np.ndarray, clothed: np.ndarray) -> tuple[np.ndarray, np.ndarray, bool]:
    """Remove the ground from a pair without transparency; other pairs are returned as they are.

    Args:
        base: (H, W, 4) uint8 RGBA.
        clothed: (H, W, 4) uint8 RGBA.

    Returns:
        Both frames, (H, W, 4) uint8, with alpha 0 on the ground, and whether other pixels are medians, not as drawn.
    """
    if (base[..., 3] < 255).any() or (clothed[..., 3] < 255).any():
        return base, clothed, False
    exact_px = find_pixel_size([base, clothed])
    pixel_px = exact_px if exact_px > 1 else find_noisy_pixel_size([base, clothed])
    small = [block_median(picture, pixel_px) for picture in (base, clothed)]
    grounds = [find_ground(picture, are_medians=pixel_px > 1) for picture in small]
    if grounds[0] is None or grounds[1] is None:
        return base, clothed, False
    empty = grounds[0], grounds[0] & grounds[1]
    results = [np.where(ground[..., None], np.uint8(0), picture) for ground, picture in zip(empty, small, strict=True)]
    return enlarge(results[0], pixel_px), enlarge(results[1], pixel_px), pixel_px > exact_px


def find_noisy_pixel_size(pictures: Sequence[np.ndarray]) -> int:
    """Return the side in px of one art pixel of noisy pictures, (H, W, 4) uint8 of one size; 1 for smooth art."""
    height, width = pictures[0].shape[:2]
    profiles = [_steps(picture, axis) for picture in pictures for axis in (0, 1)]
    total = sum(int(profile.sum()) for profile in profiles)
    most = min(height, width) // LEAST_ART_PX
    sizes = [size for size in range(2, most + 1) if math.gcd(height, width) % size == 0]
    if not total or not sizes:
        return 1
    on_grid = {size: sum(int(profile[size - 1 :: size].sum()) for profile in profiles) for size in sizes}
    least = max(GRID_SHARE * total, NEARLY * max(on_grid.values()))
    return max((size for size in sizes if on_grid[size] >= least), default=1)


def _steps(picture: np.ndarray, axis: int) -> np.ndarray:
    """Return the sum of the steps between each row (axis 0) or column and the next, above noise and up to a limit."""
    steps = np.abs(np.diff(picture[..., :3].astype(np.int16), axis=axis)).max(axis=2)
    return (steps - EDGE_LEVELS).clip(0, MOST_LEVELS).sum(axis=1 - axis)


def block_median(picture: np.ndarray, size_px: int) -> np.ndarray:
    """Return the median of each art pixel's px: (H, W, C) to (H / size_px, W / size_px, C) uint8."""
    if size_px == 1:
        return picture
    height, width, channels = picture.shape
    rows, columns = height // size_px, width // size_px
    blocks = picture.reshape(rows, size_px, columns, size_px, channels).transpose(0, 2, 4, 1, 3)
    return np.median(blocks.reshape(rows, columns, channels, -1), axis=3).astype(np.uint8)


def find_ground(picture: np.ndarray, are_medians: bool) -> np.ndarray | None:
    """Return where the ground is, (H, W) bool; None if there is none, or if its edge is lost in noise.

    Args:
        picture: (H, W, 4) uint8, opaque.
        are_medians: whether each pixel is the median of an art pixel, which has little noise.
    """
    rgb = picture[..., :3].astype(np.int16)
    border = np.concatenate([rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]])
    colour = np.median(border, axis=0)
    if np.mean(np.abs(border - colour).max(axis=1) <= CLEAN) < BORDER_SHARE:
        return None
    apart = np.abs(rgb - colour).max(axis=2)
    clean, noisy = (_from_border(apart <= levels) for levels in (MEDIAN if are_medians else CLEAN, NOISY))
    _, _, width, height = cv2.boundingRect((~noisy).astype(np.uint8))
    if min(width, height) <= NO_FIGURE:
        return None
    outline = ~noisy & (cv2.dilate(noisy.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
    if are_medians or np.count_nonzero(noisy & ~clean) <= FRINGE_SHARE * np.count_nonzero(outline):
        return clean
    return noisy if max(width, height) >= LEAST_NOISY_PX else None


def _from_border(near: np.ndarray) -> np.ndarray:
    """Return the part of a (H, W) bool mask that is connected to the picture's border."""
    _, labels = cv2.connectedComponents(near.astype(np.uint8), connectivity=4)
    outer = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    return near & np.isin(labels, outer)
