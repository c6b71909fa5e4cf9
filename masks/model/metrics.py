"""How well a mask matches the truth: F1 of the pixels and of the boundary."""

import cv2
import numpy as np


def f1_score(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Return the F1 score (Dice coefficient) of the pixels, 0 to 1: 2 TP / (2 TP + FP + FN); 1 if both are empty.

    Args:
        predicted: (H, W), bool or uint8 of 0 and 255.
        truth: the true mask, of the same shape and kind.

    Raises:
        ValueError: the shapes differ or are not (H, W).
    """
    ours, true = _as_bool(predicted, truth)
    total = np.count_nonzero(ours) + np.count_nonzero(true)
    return float(2 * np.count_nonzero(ours & true) / total) if total else 1.0


def boundary_f1(predicted: np.ndarray, truth: np.ndarray, tolerance_px: float = 2.0) -> float:
    """Return the F1 score of the boundaries, 0 to 1 (Csurka et al. 2013, "What is a good evaluation measure ...?").

    Precision is the share of the predicted boundary with true boundary within the tolerance; recall is the reverse.
    The boundary consists of the mask's pixels with one of their four neighbours outside the mask or the picture.

    Args:
        predicted: (H, W), bool or uint8 of 0 and 255.
        truth: the true mask, of the same shape and kind.
        tolerance_px: largest distance between pixel centres at which a boundary pixel counts as found.

    Returns:
        1 if both masks are empty, 0 if one is.

    Raises:
        ValueError: the shapes differ or are not (H, W).
    """
    ours, true = (_boundary(mask) for mask in _as_bool(predicted, truth))
    if not ours.any() or not true.any():
        return 1.0 if ours.any() == true.any() else 0.0
    disc = _disc(tolerance_px)
    precision = cv2.dilate(true, disc)[ours > 0].mean()
    recall = cv2.dilate(ours, disc)[true > 0].mean()
    return float(2 * precision * recall / (precision + recall)) if precision + recall else 0.0


def _as_bool(predicted: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if predicted.shape != truth.shape or truth.ndim != 2:
        raise ValueError(f"masks must have the same shape (H, W), got {predicted.shape} and {truth.shape}")
    return predicted > 0, truth > 0


def _boundary(mask: np.ndarray) -> np.ndarray:
    """Return the mask's boundary pixels as (H, W) uint8 of 0 and 1."""
    inside = mask.astype(np.uint8)
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    return inside - cv2.erode(inside, cross, borderType=cv2.BORDER_CONSTANT, borderValue=0)


def _disc(radius_px: float) -> np.ndarray:
    """Return all offsets within a radius, as a structuring element."""
    reach = np.arange(-int(radius_px), int(radius_px) + 1)
    return (reach[:, None] ** 2 + reach**2 <= radius_px**2).astype(np.uint8)
