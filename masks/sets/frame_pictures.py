"""Frames, masks and cut-outs as shown on contact sheets and figures."""

import math
from collections.abc import Sequence

import cv2
import numpy as np

from masks.sets.pixel_art import enlarge, shrink

MARGIN = 0.08  # margin around a figure, as a share of its longer side
PALE = 0.55  # contrast of what is not marked
INK_SHARE = 0.7  # opacity of marks


def figure_box(frames: Sequence[np.ndarray]) -> tuple[slice, slice]:
    """Return the rows and columns of a square around what any of the frames shows, with a margin.

    Args:
        frames: (H, W, 4) uint8, all of one size.
    """
    shown = np.any([frame[..., 3] > 0 for frame in frames], axis=0)
    x, y, width, height = cv2.boundingRect(shown.astype(np.uint8))
    if width == 0:
        return slice(0, shown.shape[0]), slice(0, shown.shape[1])
    side = math.ceil(max(width, height) * (1 + 2 * MARGIN))
    top, left = y + (height - side) // 2, x + (width - side) // 2
    return slice(max(top, 0), top + side), slice(max(left, 0), left + side)


def enlarge_small(picture: np.ndarray, least_px: int) -> np.ndarray:
    """Enlarge a (H, W, ...) picture by a whole factor, with hard edges, until its longer side has `least_px`."""
    return enlarge(picture, -(-least_px // max(picture.shape[:2])))


def near_tile_size(picture: np.ndarray, tile_px: int) -> np.ndarray:
    """Repeat or skip pixels of a (H, W, ...) picture so that its longer side is 1 to 4 times `tile_px`."""
    return enlarge_small(shrink(picture, max(1, max(picture.shape[:2]) // (2 * tile_px))), tile_px)


def marked(rgb: np.ndarray, marks: Sequence[tuple[np.ndarray, str]]) -> np.ndarray:
    """Turn a picture pale grey and tint the marked parts.

    Args:
        rgb: (H, W, 3) uint8.
        marks: (H, W) masks, 0 or False outside, each with its colour, such as "#ff0000".

    Returns:
        (H, W, 3) uint8.
    """
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)[..., None]
    picture = np.repeat(255 - (255 - grey) * np.float32(PALE), 3, axis=2)
    for mask, colour in marks:
        ink = np.array(list(bytes.fromhex(colour[1:])), np.float32)
        picture = np.where(mask[..., None] > 0, grey * (1 - INK_SHARE) + ink * INK_SHARE, picture)
    return picture.round().astype(np.uint8)
