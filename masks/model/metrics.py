"""How well a mask matches the truth: F1 of the pixels, F1 of the boundary; and how sure it is without any truth."""

import cv2
import numpy as np

THRESHOLD = 0.5  # probability above which a pixel is clothing


def f1_score(predicted: np.ndarray, truth: np.ndarray) -> float:
    """F1 score (Dice coefficient) of the pixels, 0 to 1: 2 TP / (2 TP + FP + FN); 1 where both masks are empty.

    Args:
        predicted: (H, W), bool or uint8 of 0 and 255.
        truth: the same shape.

    Raises:
        ValueError: not two masks of one shape.
    """
    ours, true = _as_bool(predicted, truth)
    total = np.count_nonzero(ours) + np.count_nonzero(true)
    return float(2 * np.count_nonzero(ours & true) / total) if total else 1.0


def boundary_f1(predicted: np.ndarray, truth: np.ndarray, tolerance_px: float = 2.0) -> float:
    """F1 score of the boundaries, 0 to 1 (Csurka et al. 2013, "What is a good evaluation measure for segmentation?").

    Precision is the share of the predicted boundary that has true boundary within the tolerance, recall the other way
    round. Boundary are the mask's own pixels that have one of their four neighbours, or the picture's border, outside.

    Args:
        predicted: (H, W), bool or uint8 of 0 and 255.
        truth: the same shape.
        tolerance_px: distance between pixel centres that still counts as found.

    Returns:
        1 where both masks are empty, 0 where one is.

    Raises:
        ValueError: not two masks of one shape.
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
        raise ValueError(f"two masks of one shape (H, W) are compared, got {predicted.shape} and {truth.shape}")
    return predicted > 0, truth > 0


def _boundary(mask: np.ndarray) -> np.ndarray:
    """The mask's pixels beside its outside, as (H, W) uint8 of 0 and 1."""
    inside = mask.astype(np.uint8)
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    return inside - cv2.erode(inside, cross, borderType=cv2.BORDER_CONSTANT, borderValue=0)


def _disc(radius_px: float) -> np.ndarray:
    """All offsets within a radius, as a structuring element."""
    reach = np.arange(-int(radius_px), int(radius_px) + 1)
    return (reach[:, None] ** 2 + reach**2 <= radius_px**2).astype(np.uint8)


def unsureness(probability: np.ndarray) -> float:
    """How unsure a mask is, 0 to 1: one minus the F1 score that the probabilities themselves let expect.

    Args:
        probability: (H, W) float32 in [0, 1].
    """
    mask = probability > THRESHOLD
    total = float(probability.sum() + mask.sum())
    return 1 - (2 * float(probability[mask].sum()) + 1) / (total + 1)
