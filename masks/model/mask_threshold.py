"""From the probability of clothing at each pixel to a mask, and to how unsure that mask is."""

import math

import numpy as np

MASK_THRESHOLD = 0.5  # probability above which a pixel is clothing
OUTLINE_DOUBT, LAYERED_SHARE = 0.92, 0.28  # fitted to layered sprites of four collections
UNSEEN_DOUBT = 0.13  # fitted to the real sets that were used while the random figures were designed


def threshold_mask(probability: np.ndarray) -> np.ndarray:
    """Return the mask, (H, W) uint8 of 0 or 255, of a (H, W) float32 probability in [0, 1]."""
    return np.where(probability > MASK_THRESHOLD, 255, 0).astype(np.uint8)


def mask_unsureness(probability: np.ndarray) -> float:
    """Return how unsure a mask is, 0 to 1: one minus the F1 score that the probabilities lead one to expect.

    Args:
        probability: (H, W) float32 in [0, 1].
    """
    mask = probability > MASK_THRESHOLD
    total = float(probability.sum() + mask.sum())
    return 1 - (2 * float(probability[mask].sum()) + 1) / (total + 1)


def calibrated_unsureness(probability: np.ndarray, contested: float | None = None) -> float:
    """Return the unsureness, 0 to 1, of a mask on real sprites, where the network is too sure of itself.

    UNSEEN_DOUBT adds the errors that its probabilities do not show. In layered pairs, nearly all errors are outlines
    that body and clothing may share.

    Args:
        probability: (H, W) float32 in [0, 1].
        contested: share of the mask that did not change in a layered pair, 0 to 1; None for other pairs.
    """
    shown = max(0.0, mask_unsureness(probability))
    if contested is not None:
        return min(1.0, OUTLINE_DOUBT * math.sqrt(shown * contested) + LAYERED_SHARE * shown)
    return min(1.0, shown + UNSEEN_DOUBT * math.sqrt(shown))
