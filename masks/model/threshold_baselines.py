"""Masks without a network: the pixels whose colour changed by more than a threshold.

`propose_mask` is step 2's alternative to the model. `best_threshold` is the baseline in all tables: the score of the
best single threshold on the plain difference, chosen with the truth.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from skimage.filters import threshold_otsu

from common.alpha import around
from masks.model.metrics import f1_score
from masks.sets.differences import OPAQUE, colour_differences, on_black
from masks.sets.pixel_art import enlarge, find_pixel_size, shrink

SWEPT = range(200)  # thresholds that `best_threshold` tries, levels of 255
OTSU_BINS = 256

FIGURE_ART_PX = 64  # smooth art is tidied as if its figure's longer side had this many art pixels
# Probability of clothing, measured on real sprites:
ADDED = 0.9  # pixels drawn only in the clothed frame
FILLED = 0.8  # filled holes
REMOVED = 0.1  # removed islands


@dataclass(frozen=True)
class DifferenceScale:
    """How a colour difference turns into a probability; fitted on real sprites.

    Attributes:
        noise: offset of the logarithmic scale; smaller differences are nearly equal.
        least: smallest possible threshold, about a just noticeable difference.
        steepness: slope of the probability at the threshold, on the logarithmic scale.
    """

    noise: float
    least: float
    steepness: float

    def pick_threshold(self, differences: np.ndarray) -> float:
        """Return the threshold that best splits (N,) differences into two groups: Otsu 1979, on a logarithmic scale."""
        if differences.size == 0 or differences.max() <= self.least:
            return self.least
        scaled = np.log(differences + self.noise)
        half_bin = np.ptp(scaled) / OTSU_BINS / 2  # Otsu's threshold is the middle of a bin
        below = scaled <= threshold_otsu(scaled, OTSU_BINS) + half_bin
        if below.all():  # all differences are equal
            return self.least
        gap = (scaled[below].max() + scaled[~below].min()) / 2
        return max(float(np.exp(gap)) - self.noise, self.least)

    def probability(self, differences: np.ndarray, threshold: float) -> np.ndarray:
        """Return the probability of clothing, above 0.5 where a difference is above the threshold."""
        ratio = (threshold + self.noise) / (differences + self.noise)
        return 1 / (1 + ratio**self.steepness)


DIFFERENCE_SCALES = {
    "lab": DifferenceScale(noise=1.0, least=2.3, steepness=2.9),  # distance in CIE Lab
    "difference": DifferenceScale(noise=8.0, least=8.0, steepness=3.5),  # mean |clothed - base| of RGB, 0 to 255
}


def propose_mask(
    base: np.ndarray,
    clothed: np.ndarray,
    *,
    method: str,
    threshold: float | None,
    even_light: bool,
    tidy_art_px: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Propose a clothing mask from the colours that changed; pixel art is processed at one value an art pixel.

    Args:
        base: (H, W, 4) uint8 RGBA.
        clothed: (H, W, 4) uint8 RGBA.
        method: a key of DIFFERENCE_SCALES.
        threshold: difference above which a pixel is clothing; None finds one for this pair.
        even_light: whether to compensate a change of light or tint of the whole figure first.
        tidy_art_px: area of the largest islands and holes to remove, in art pixels; 0 removes none.

    Returns:
        The mask, (H, W) uint8 of 0 or 255, and the probability of clothing, (H, W) float32 in [0, 1].
    """
    pixel_px = find_pixel_size([base, clothed])
    base, clothed = shrink(base, pixel_px), shrink(clothed, pixel_px)
    drawn = clothed[..., 3] > OPAQUE
    both = drawn & (base[..., 3] > OPAQUE)
    differences = colour_differences(on_black(base)[both], on_black(clothed)[both], method, even_light)
    measure = DIFFERENCE_SCALES[method]
    if threshold is None:
        threshold = measure.pick_threshold(differences)
    probability = np.where(drawn, ADDED, 0).astype(np.float32)
    probability[both] = measure.probability(differences, threshold)
    mask = probability > 0.5
    unit = 1 if pixel_px > 1 else max(1, round(max(drawn[around(drawn, 0)].shape) / FIGURE_ART_PX))
    tidied = tidy(mask, drawn, tidy_art_px * unit**2)
    probability[tidied & ~mask] = FILLED
    probability[mask & ~tidied] = REMOVED
    return enlarge(np.where(tidied, 255, 0).astype(np.uint8), pixel_px), enlarge(probability, pixel_px)


def tidy(mask: np.ndarray, drawn: np.ndarray, most_px: int) -> np.ndarray:
    """Fill holes, then remove islands, of at most `most_px` pixels (4-connected).

    Args:
        mask: (H, W) bool.
        drawn: (H, W) bool, the figure; a hole is a part of the figure, also at its edge.
        most_px: largest area to fill or remove.
    """
    filled = mask | _small_parts(drawn & ~mask, most_px)
    return filled & ~_small_parts(filled, most_px)


def _small_parts(mask: np.ndarray, most_px: int) -> np.ndarray:
    """Return the 4-connected parts of a (H, W) bool mask with at most `most_px` pixels."""
    count, labels, facts, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    small = facts[:count, cv2.CC_STAT_AREA] <= most_px
    small[0] = False  # the background
    return small[labels]


# ---- the best single threshold ----


def best_threshold(
    frames: Iterable[tuple[np.ndarray, np.ndarray]], masks: Iterable[np.ndarray]
) -> tuple[int, list[float]]:
    """Find the threshold on the plain difference with the highest mean F1 score over a set.

    The difference is the mean over RGB of |clothed - base|, both on black, in levels of 255. Light is not compensated
    and masks are not tidied. The truth is used for the choice, so no other threshold scores higher.

    Args:
        frames: base and clothed frame of each pair, (H, W, 4) uint8; consumed one by one.
        masks: the true masks, (H, W) uint8 of 0 or 255.

    Returns:
        The lowest of the best thresholds, and each frame's F1 score with it.

    Raises:
        ValueError: there are no frames, or the number of masks differs.
    """
    scores = np.array([_sweep(*pair, mask) for pair, mask in zip(frames, masks, strict=True)])
    if not scores.size:
        raise ValueError("no frames to find a threshold for")
    best = int(scores.mean(axis=0).argmax())
    return SWEPT[best], scores[:, best].tolist()


def _sweep(base: np.ndarray, clothed: np.ndarray, mask: np.ndarray) -> list[float]:
    """Return the F1 score of a pair at each threshold."""
    difference = np.abs(on_black(clothed) - on_black(base)).sum(axis=2)
    counted = (difference > 0) | (mask > 0)  # elsewhere prediction and truth are empty at all thresholds
    levels, truth = difference[counted][None], mask[counted][None]
    return [f1_score(levels > 3 * threshold, truth) for threshold in SWEPT]
