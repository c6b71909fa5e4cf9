"""Enlarges the pictures of a small model with sharp, smooth outlines; filters alone leave them soft or jagged.

Each doubling but the first is followed by a few steps of a coherence-enhancing shock filter (Weickert 2003,
"Coherence-Enhancing Shock Filters", DAGM): on the brighter side of an outline a channel becomes the maximum of its
neighbours, on the darker side the minimum. The side is determined along the outline, which removes jags. Areas without
outlines do not change.
"""

import cv2
import numpy as np
from PIL import Image

STEPS = 2  # filter steps after a doubling; none after the first, when lines are too thin for it
SHARE = 0.6  # share of the difference that a step applies
OUTLINE_PX = 2.0  # standard deviation of the Gaussian that averages the direction of outlines
SIDE_PX = 1.0  # standard deviation of the Gaussian before the side of an outline is determined
CONTRAST_U8 = 40.0  # difference between neighbours from which a step has full effect
_NEIGHBOURS = np.ones((3, 3), np.uint8)


def enlarge(picture: Image.Image, side_px: int) -> Image.Image:
    """Resize a square RGB picture; up to twice the size by Lanczos only.

    Args:
        picture: RGB, square.
        side_px: side of the result.
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
    """Apply one filter step to (H, W, 3) float32, 0 to 255."""
    darkest, brightest = cv2.erode(values, _NEIGHBOURS), cv2.dilate(values, _NEIGHBOURS)
    towards = np.where(_across(values) < 0, brightest, darkest)
    contrast = (brightest - darkest).max(axis=2, keepdims=True) / CONTRAST_U8
    return values + SHARE * contrast.clip(0, 1) ** 2 * (towards - values)


def _across(values: np.ndarray) -> np.ndarray:
    """Second derivative of each channel across the outline, (H, W, 3): negative on the brighter side."""
    x, y = cv2.Sobel(values, -1, 1, 0), cv2.Sobel(values, -1, 0, 1)
    products = ((a * b).sum(axis=2) for a, b in ((x, x), (x, y), (y, y)))
    xx, xy, yy = (cv2.GaussianBlur(product, (0, 0), OUTLINE_PX) for product in products)
    angle = 0.5 * np.arctan2(2 * xy, xx - yy)[..., None]  # angle of the structure tensor's larger eigenvector
    cosine, sine = np.cos(angle), np.sin(angle)
    smooth = cv2.GaussianBlur(values, (0, 0), SIDE_PX)
    xx, xy, yy = (cv2.Sobel(smooth, -1, *order, ksize=5) for order in ((2, 0), (1, 1), (0, 2)))
    across: np.ndarray = cosine**2 * xx + 2 * cosine * sine * xy + sine**2 * yy
    return across
