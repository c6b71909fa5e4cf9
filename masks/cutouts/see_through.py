"""See-through clothes: their opacity and colour, from a pair that shows the same body without and under them.

    clothed = a * cloth + (1 - a) * base

Where the base is empty, the clothed frame shows the opacity a itself. Elsewhere the body's own edges show through: each
step of colour in the base recurs in the clothed frame, 1 - a times as large. Most cloth is flat, so that the factor
which explains most steps exactly is the right one; under opaque cloth that is 0.
"""

import cv2
import numpy as np

from masks.sets.differences import OPAQUE, on_black

STEP_LEVELS = 24  # smallest step of the base that counts, levels of 255
ERROR_LEVELS = 6  # a step is explained if it is met this closely in every channel
LEAST_STEPS = 12
FACTORS = np.arange(0, 0.91, 0.02)  # values of 1 - a that are tried
MORE_STEPS = (2.0, 0.03)  # explained share: at least the first number times that of opaque cloth, plus the second
MOST_OPAQUE = 0.9  # cloth of a larger opacity counts as opaque
LEAST_OUTSIDE_PX = 8  # cloth beside the body that shows the opacity itself
SPREAD = 0.08  # opacities of it that are no further than this from their median agree
AGREE_SHARE = 0.6
VALID_SHARE, VALID_LEVELS = 0.95, 12  # share of the colours that must lie in 0 to 255, give or take


def unblend(base: np.ndarray, clothed: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Find the see-through parts of the clothing and separate them from the body.

    Args:
        base: (H, W, 4) uint8 RGBA.
        clothed: (H, W, 4) uint8 RGBA, pixel by pixel the same body.
        mask: (H, W) bool, the clothing.

    Returns:
        (H, W, 4) uint8 RGBA, not premultiplied: the clothing, with its own opacity where it is see-through.
    """
    cloth = clothed * mask[..., None]
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    for label in range(1, count):
        part = labels == label
        opacity = find_opacity(base, clothed, part)
        on_body = part & (base[..., 3] > OPAQUE) & (clothed[..., 3] > OPAQUE)
        if opacity < MOST_OPAQUE and on_body.any():
            under, seen = (on_black(picture[on_body]) for picture in (base, clothed))
            colours = (seen - (1 - opacity) * under) / opacity
            valid = (colours > -VALID_LEVELS) & (colours < 255 + VALID_LEVELS)
            if valid.all(axis=1).mean() >= VALID_SHARE:
                alpha = np.full((len(colours), 1), 255 * opacity)
                cloth[on_body] = np.hstack([colours, alpha]).round().clip(0, 255).astype(np.uint8)
    return cloth


def find_opacity(base: np.ndarray, clothed: np.ndarray, part: np.ndarray) -> float:
    """Return the opacity of one garment, 0 to 1; 1 if there is no sign of another; arguments as for `unblend`."""
    beside = clothed[part & (base[..., 3] == 0), 3] / 255
    if len(beside) >= LEAST_OUTSIDE_PX:
        middle = float(np.median(beside))
        if np.mean(np.abs(beside - middle) <= SPREAD) >= AGREE_SHARE:
            return middle
    body = part & (base[..., 3] > OPAQUE) & (clothed[..., 3] > OPAQUE)
    under, seen = _steps(base, body), _steps(clothed, body)
    large = np.abs(under).max(axis=1) >= STEP_LEVELS
    under, seen = under[large], seen[large]
    if len(under) < LEAST_STEPS:
        return 1.0
    is_met = [np.abs(seen - factor * under).max(axis=1) <= ERROR_LEVELS for factor in FACTORS]
    best = is_met[int(np.argmax([met.mean() for met in is_met]))]
    if best.mean() < MORE_STEPS[0] * is_met[0].mean() + MORE_STEPS[1]:
        return 1.0
    return 1 - float((seen[best] * under[best]).sum() / (under[best] ** 2).sum())


def _steps(picture: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Return the steps of colour between neighbouring pixels of a part, (N, 3) float32."""
    rgb = on_black(picture)
    down, right = part[1:] & part[:-1], part[:, 1:] & part[:, :-1]
    return np.concatenate([(rgb[1:] - rgb[:-1])[down], (rgb[:, 1:] - rgb[:, :-1])[right]])
