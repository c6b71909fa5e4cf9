"""Enlarge what a small model draws: outlines stay sharp and smooth, where filters alone leave them soft or stepped.

Each doubling but the first is followed by a few steps of a coherence-enhancing shock filter (Weickert 2003,
"Coherence-Enhancing Shock Filters", DAGM): on the side of an outline where a channel has more, pixels take the most of
their neighbours, on the other side the least, sides being told along the outline, which removes its steps. Areas
without outlines stay as they are.
"""

import cv2
import numpy as np
from PIL import Image

STEPS = 2  # of the filter; after the first doubling lines are as thin as they would move
SHARE = 0.6  # of the way that a step goes
OUTLINE_PX = 2.0  # deviation of the Gaussian within which an outline's direction is one
SIDE_PX = 1.0  # of the one within which sides are told
CONTRAST_U8 = 40.0  # difference between neighbours from which a step goes all its way
_NEIGHBOURS = np.ones((3, 3), np.uint8)


def enlarge(picture: Image.Image, side_px: int) -> Image.Image:
    """A square RGB picture at another size; twice as large at most, or smaller, is plain Lanczos.

    Args:
        picture: RGB, square.
        side_px: of the result.
    """
    if side_px <= 2 * picture.width:
        return picture.resize((side_px, side_px), Image.Resampling.LANCZOS)
    values: np.ndarray = np.asarray(picture.convert("RGB"), np.float32)
    while len(values) < side_px:
        side = min(side_px, 2 * len(values))
        values = cv2.resize(values, (side, side), interpolation=cv2.INTER_CUBIC)
        for _ in range(STEPS if side > 2 * picture.width else 0):
            values = _sharpen(values)
    return Image.fromarray(values.round().clip(0, 255).astype(np.uint8))


def _sharpen(values: np.ndarray) -> np.ndarray:
    """One step on (H, W, 3) float32, 0 to 255."""
    darkest, brightest = cv2.erode(values, _NEIGHBOURS), cv2.dilate(values, _NEIGHBOURS)
    towards = np.where(_across(values) < 0, brightest, darkest)
    contrast = (brightest - darkest).max(axis=2, keepdims=True) / CONTRAST_U8
    return values + SHARE * contrast.clip(0, 1) ** 2 * (towards - values)


def _across(values: np.ndarray) -> np.ndarray:
    """Second derivative of each channel across the outline, (H, W, 3): below 0 on the side where it has more."""
    x, y = cv2.Sobel(values, -1, 1, 0), cv2.Sobel(values, -1, 0, 1)
    products = ((a * b).sum(axis=2) for a, b in ((x, x), (x, y), (y, y)))
    xx, xy, yy = (cv2.GaussianBlur(product, (0, 0), OUTLINE_PX) for product in products)
    angle = 0.5 * np.arctan2(2 * xy, xx - yy)[..., None]  # of the structure tensor's larger eigenvector
    cosine, sine = np.cos(angle), np.sin(angle)
    smooth = cv2.GaussianBlur(values, (0, 0), SIDE_PX)
    xx, xy, yy = (cv2.Sobel(smooth, -1, *order, ksize=5) for order in ((2, 0), (1, 1), (0, 2)))
    across: np.ndarray = cosine**2 * xx + 2 * cosine * sine * xy + sine**2 * yy
    return across
