"""How well a person stands out from what is behind: where clothes and wall are alike, any cut-out is a guess."""

import cv2
import numpy as np

from common.people.edges import MIN_REACH_PX, REACH
from common.people.selection import bounding_box

ALIKE_LAB = 12.0  # distance of two colours in Lab below which they are alike
WINDOW = 3  # radius within which the colours of both sides are averaged, in multiples of the edge's reach
MANY = 0.2  # share of the outline that makes a cut-out doubtful


def alike_share(photo: np.ndarray, mask: np.ndarray) -> float:
    """Share of a person's outline along which both sides have alike colours.

    Args:
        photo: (H, W, 3) uint8 RGB.
        mask: (H, W) bool, the person.

    Returns:
        0 to 1; edges of the photo do not count. 0 if there is no outline.
    """
    if not mask.any() or mask.all():
        return 0.0
    left, top, right, bottom = bounding_box(mask)
    reach = max(MIN_REACH_PX, round(REACH * (bottom - top)))
    margin = 2 * (WINDOW + 1) * reach
    near = (
        slice(max(0, top - margin), bottom + margin),
        slice(max(0, left - margin), right + margin),
    )
    lab = cv2.cvtColor(photo[near].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    inside = mask[near].astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    figure, ground = (_mean(lab, cv2.erode(part, kernel), WINDOW * reach) for part in (inside, 1 - inside))
    outline = cv2.dilate(inside, np.ones((3, 3), np.uint8), borderValue=0) > inside
    known = outline & ~np.isnan(figure + ground).any(axis=-1)
    if not known.any():
        return 0.0
    return float((np.linalg.norm(figure - ground, axis=-1)[known] < ALIKE_LAB).mean())


def warning_of(photo: np.ndarray, mask: np.ndarray) -> str:
    """What to tell the user if person and background are alike along much of the outline; empty if they are not."""
    share = alike_share(photo, mask)
    if share < MANY:
        return ""
    return (
        f"along {100 * share:.0f} % of the outline, person and background have alike colours; look at the cut-out, or "
        "use a photo in front of another wall"
    )


def _mean(lab: np.ndarray, part: np.ndarray, radius: int) -> np.ndarray:
    """Mean colour of a part around each pixel; NaN if the window contains none of it."""
    size = (2 * radius + 1, 2 * radius + 1)
    weight = part.astype(np.float32)
    share = cv2.boxFilter(weight, -1, size)[..., None]
    mean = cv2.boxFilter(lab * weight[..., None], -1, size) / np.maximum(share, 1e-6)
    return np.where(share > 0.5 / size[0] ** 2, mean, np.nan)
