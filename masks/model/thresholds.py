"""Masks without a network: what changed between base and clothed frame by more than a threshold.

`propose_mask` is the best of the simple methods. `best_threshold` is the yardstick of all tables: what a single
threshold on the plain difference reaches where the truth is known.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from skimage.filters import threshold_otsu

from masks.model.metrics import f1_score
from masks.sets.differences import OPAQUE, colour_differences, on_black
from masks.sets.pixel_art import enlarge, find_pixel_size, shrink

SWEPT = range(200)  # thresholds that `best_threshold` tries, levels of 255

OTSU_BINS = 256

TIDY_ART_PX = 8  # islands and holes of at most so many art pixels are removed
FIGURE_ART_PX = 64  # smooth art is tidied as if the longer side of its figure had so many art pixels
# Shares of pixels that are clothing, measured on real sprites:
ADDED = 0.9  # where only the clothed frame is drawn
FILLED = 0.8  # in holes that were filled
REMOVED = 0.1  # in islands that were removed


@dataclass(frozen=True)
class Measure:
    """How a kind of difference turns into a probability; fitted on real sprites.

    Attributes:
        noise: differences below it are hardly told apart.
        least: no difference below it is ever clothing; about what an eye just notices.
        steepness: of the probability around the threshold, on a logarithmic scale.
    """

    noise: float
    least: float
    steepness: float

    def pick_threshold(self, differences: np.ndarray) -> float:
        """The threshold that parts (N,) differences best into two groups: Otsu 1979, on a logarithmic scale."""
        if differences.size == 0 or differences.max() <= self.least:
            return self.least
        scaled = np.log(differences + self.noise)
        half_bin = np.ptp(scaled) / OTSU_BINS / 2  # Otsu's threshold is the middle of a bin
        below = scaled <= threshold_otsu(scaled, OTSU_BINS) + half_bin
        if below.all():  # all the same
            return self.least
        gap = (scaled[below].max() + scaled[~below].min()) / 2
        return max(float(np.exp(gap)) - self.noise, self.least)

    def probability(self, differences: np.ndarray, threshold: float) -> np.ndarray:
        """Probability of clothing, above 0.5 where a difference is above the threshold."""
        ratio = (threshold + self.noise) / (differences + self.noise)
        return 1 / (1 + ratio**self.steepness)


MEASURES = {
    "lab": Measure(noise=1.0, least=2.3, steepness=2.9),  # distance in CIE Lab
    "difference": Measure(noise=8.0, least=8.0, steepness=3.5),  # mean of |clothed - base| over RGB, levels of 255
}
DEFAULT_METHOD = "lab"


def propose_mask(
    base: np.ndarray,
    clothed: np.ndarray,
    method: str = DEFAULT_METHOD,
    threshold: float | None = None,
    even_light: bool = True,
    tidy_art_px: int = TIDY_ART_PX,
) -> tuple[np.ndarray, np.ndarray]:
    """Propose a clothing mask from the colours that changed; pixel art is worked on in its own grid.

    Args:
        base: (H, W, 4) uint8 RGBA.
        clothed: the same of the clothed body.
        method: one of MEASURES.
        threshold: difference above which a pixel is clothing; None finds one for this pair.
        even_light: take out a change of light or tint that the whole figure shares.
        tidy_art_px: islands and holes of at most so many art pixels are removed; 0 for none.

    Returns:
        The mask, (H, W) uint8 of 0 or 255, and the probability of clothing, (H, W) float32 in [0, 1].
    """
    pixel_px = find_pixel_size([base, clothed])
    base, clothed = shrink(base, pixel_px), shrink(clothed, pixel_px)
    drawn = clothed[..., 3] > OPAQUE
    both = drawn & (base[..., 3] > OPAQUE)
    differences = colour_differences(on_black(base)[both], on_black(clothed)[both], method, even_light)
    measure = MEASURES[method]
    if threshold is None:
        threshold = measure.pick_threshold(differences)
    probability = np.where(drawn, ADDED, 0).astype(np.float32)
    probability[both] = measure.probability(differences, threshold)
    mask = probability > 0.5
    unit = 1 if pixel_px > 1 else max(1, round(_longer_side(drawn) / FIGURE_ART_PX))
    tidied = tidy(mask, drawn, tidy_art_px * unit**2)
    probability[tidied & ~mask] = FILLED
    probability[mask & ~tidied] = REMOVED
    return enlarge(np.where(tidied, 255, 0).astype(np.uint8), pixel_px), enlarge(probability, pixel_px)


def tidy(mask: np.ndarray, drawn: np.ndarray, most_px: int) -> np.ndarray:
    """Fill holes, then remove islands, of at most `most_px` pixels joined by their sides.

    Args:
        mask: (H, W) bool.
        drawn: (H, W) bool, the figure; a hole is a part of it, also at its edge.
        most_px: area.
    """
    filled = mask | _small_parts(drawn & ~mask, most_px)
    return filled & ~_small_parts(filled, most_px)


def _small_parts(mask: np.ndarray, most_px: int) -> np.ndarray:
    """The parts of a (H, W) bool mask that have at most `most_px` pixels."""
    count, labels, facts, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    small = facts[:count, cv2.CC_STAT_AREA] <= most_px
    small[0] = False  # the background
    return small[labels]


def _longer_side(drawn: np.ndarray) -> int:
    """Longer side in px of the box around a (H, W) bool figure; 0 for none."""
    return max(cv2.boundingRect(drawn.astype(np.uint8))[2:])


# ---- the yardstick ----


def best_threshold(
    frames: Iterable[tuple[np.ndarray, np.ndarray]], masks: Iterable[np.ndarray]
) -> tuple[int, list[float]]:
    """The one threshold on the plain difference that gives a whole set its highest mean F1 score.

    The difference is the mean over RGB of |clothed - base|, both on black, in levels of 255. No light is evened and
    nothing tidied. It is chosen with the truth at hand, so that no threshold can do better.

    Args:
        frames: base and clothed frame of each pair, (H, W, 4) uint8; read one by one.
        masks: the true masks, (H, W) uint8 of 0 or 255.

    Returns:
        The threshold, the lowest of several that are as good, and the F1 score of each frame by it.

    Raises:
        ValueError: no frames, or not as many masks.
    """
    scores = np.array([_sweep(*pair, mask) for pair, mask in zip(frames, masks, strict=True)])
    if not scores.size:
        raise ValueError("no frames to find a threshold for")
    best = int(scores.mean(axis=0).argmax())
    return SWEPT[best], scores[:, best].tolist()


def _sweep(base: np.ndarray, clothed: np.ndarray, mask: np.ndarray) -> list[float]:
    """F1 score of a pair at each threshold."""
    difference = np.abs(on_black(clothed) - on_black(base)).sum(axis=2)
    counted = (difference > 0) | (mask > 0)  # elsewhere prediction and truth are empty at all thresholds
    levels, truth = difference[counted][None], mask[counted][None]
    return [f1_score(levels > 3 * threshold, truth) for threshold in SWEPT]
