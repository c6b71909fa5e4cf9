"""Pictures with alpha: premultiplied colours, the part around what is visible, and a checkerboard behind it."""

import cv2
import numpy as np

CHECKS = (222, 196)  # greys of the checkerboard, so that white and black clothes show
CHECKS_ACROSS = 16  # squares of the checkerboard along the longer side
FULL = 255 * 255  # maximum of a premultiplied channel


def premultiplied(rgba: np.ndarray) -> np.ndarray:
    """Multiply (H, W, 4) uint8 by its alpha: (H, W, 4) uint16, 0 to FULL, without rounding."""
    alpha = rgba[..., 3]
    factors = cv2.merge([alpha, alpha, alpha, np.full_like(alpha, 255)])
    return cv2.multiply(rgba, factors, dtype=cv2.CV_16U)


def straight(premultiplied: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Undo `premultiplied`: (H, W, 3) uint8, 0 where nothing is visible, and (H, W) float32 alpha in [0, 1]."""
    weight = np.ascontiguousarray(premultiplied[..., 3])
    weight[weight < FULL // 255] = 0
    colours = cv2.divide(premultiplied[..., :3], cv2.merge([weight] * 3), scale=255, dtype=cv2.CV_8U)
    return colours, np.divide(np.minimum(weight, FULL), FULL, dtype=np.float32)  # cubic interpolation overshoots


def premultiplied_float(rgba: np.ndarray) -> np.ndarray:
    """Multiply the colours of (H, W, 4) uint8 by alpha: (H, W, 4) float32 in [0, 1]."""
    scaled = rgba.astype(np.float32) / 255
    scaled[..., :3] *= scaled[..., 3:]
    return scaled


def straight_uint8(premultiplied: np.ndarray) -> np.ndarray:
    """Undo `premultiplied_float`: (..., 4) uint8, colours 0 where alpha is 0."""
    alpha = premultiplied[..., 3:]
    whole = np.concatenate([premultiplied[..., :3] / np.maximum(alpha, 1e-6), alpha], axis=-1)
    rgba = (whole * 255).round().clip(0, 255).astype(np.uint8)
    return rgba * (rgba[..., 3:] > 0)


def around(mask: np.ndarray, border_px: int) -> tuple[slice, slice]:
    """Rows and columns that hold a (H, W) bool mask and a border around it, cut at the picture's edges."""
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    rows = slice(max(y - border_px, 0), min(y + height + border_px, mask.shape[0]))
    return rows, slice(max(x - border_px, 0), min(x + width + border_px, mask.shape[1]))


def on_checks(rgba: np.ndarray) -> np.ndarray:
    """(H, W, 4) uint8 on a checkerboard, as (H, W, 3) uint8."""
    side = max(1, max(rgba.shape[:2]) // CHECKS_ACROSS)
    rows, columns = np.ogrid[: rgba.shape[0], : rgba.shape[1]]
    checks = np.where((rows // side + columns // side) % 2, *CHECKS)[..., None]
    alpha = rgba[..., 3:] / np.float32(255)
    return (rgba[..., :3] * alpha + checks * (1 - alpha)).round().astype(np.uint8)
