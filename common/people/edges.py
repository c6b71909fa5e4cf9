"""Soft edges for hard masks, and the person's own colours along them, without the old background.

Both are compared with OpenCV's guided filter and pymatting's foreground estimation by
`python -m tests.benchmarks.people_edges`, and are more accurate than these.
"""

import cv2
import numpy as np

from common.alpha import around

REACH = 0.008  # half the width of the band along a mask's edge in which alpha is estimated, over the person's height
MIN_REACH_PX = 2
REGULARISATION = 1e-5  # epsilon of the guided filter, for colours from 0 to 1
STRIP_PX = 400_000  # pixels that are filtered at once: the guided filter needs 200 bytes a pixel
RADII = (0.09, 0.03, 0.012, 0.004)  # neighbourhoods in which colours are estimated, in turn, over the person's height


def refine_edges(photo: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Fit a mask to the photo's edges by the guided filter with a colour guide (He et al. 2010, ECCV).

    Only a band along the mask's edge changes; elsewhere alpha is 0 or 1 as in the mask.

    Args:
        photo: (H, W, 3) uint8 RGB.
        mask: (H, W) bool, one person.

    Returns:
        (H, W) float32 alpha, 0 to 1.
    """
    alpha = mask.astype(np.float32)
    if not mask.any() or mask.all():
        return alpha
    reach = max(MIN_REACH_PX, round(REACH * _height(mask)))
    near = around(mask, 3 * reach)
    hard = mask[near].astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    band = cv2.dilate(hard, kernel) > cv2.erode(hard, kernel)
    guide, refined = photo[near], alpha[near]
    rows = max(1, STRIP_PX // band.shape[1])
    for top in range(0, len(band), rows):
        strip = slice(top, top + rows)
        if band[strip].any():
            wider = slice(max(0, top - 2 * reach), top + rows + 2 * reach)  # the filter reads this far
            values = hard[wider].astype(np.float32)
            filtered = guided_filter(guide[wider].astype(np.float32) / 255, values, reach, REGULARISATION)
            refined[strip][band[strip]] = filtered[top - wider.start :][:rows][band[strip]].clip(0, 1)
    return alpha


def guided_filter(guide: np.ndarray, values: np.ndarray, radius: int, epsilon: float) -> np.ndarray:
    """Fit the values as a linear function of the guide's colours in each window; average all windows of a pixel.

    He, Sun and Tang 2010, "Guided image filtering", equations 14 to 16 (colour guide). OpenCV's own version inverts the
    3 x 3 matrices in single precision by determinants, which is unstable where the guide is nearly flat.

    Args:
        guide: (H, W, 3) float32.
        values: (H, W) float32.
        radius: the windows are squares of 2 * radius + 1 px.
        epsilon: larger is smoother.

    Returns:
        (H, W) float32.
    """

    def mean(picture: np.ndarray) -> np.ndarray:
        """Mean over each pixel's window."""
        return cv2.boxFilter(picture, -1, (2 * radius + 1, 2 * radius + 1), borderType=cv2.BORDER_REFLECT)

    guide_mean, values_mean = mean(guide), mean(values)
    together = mean(guide * values[..., None]) - guide_mean * values_mean[..., None]
    spread = np.empty((*values.shape, 3, 3), np.float32)
    for i, j in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)):
        spread[..., i, j] = mean(guide[..., i] * guide[..., j]) - guide_mean[..., i] * guide_mean[..., j]
        spread[..., j, i] = spread[..., i, j]
    slope = np.linalg.solve(spread + epsilon * np.eye(3, dtype=np.float32), together[..., None])[..., 0]
    offset = values_mean - (slope * guide_mean).sum(axis=-1)
    return (mean(slope) * guide).sum(axis=-1) + mean(offset)


def decontaminate(photo: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Estimate the person's colours where an edge mixes them with the background.

    In ever smaller neighbourhoods, the mean colours of person and background are corrected by what their blend does not
    explain (blur fusion: Forte 2021, arXiv:2111.15430, "Approximate fast foreground colour estimation").

    Args:
        photo: (H, W, 3) uint8 RGB.
        alpha: (H, W) float32, 0 to 1.

    Returns:
        (H, W, 3) uint8 RGB: the photo where alpha is 1; just outside the person, the nearest colours of the person.
    """
    shown = alpha > 0
    if not shown.any():
        return photo.copy()
    radii_px = [max(1, round(radius * _height(shown))) for radius in RADII]
    near = around(shown, radii_px[0])
    colours, share = photo[near].astype(np.float32) / 255, alpha[near][..., None]
    person = background = colours
    for radius_px in radii_px:
        person = _weighted_mean(person, share, radius_px)
        background = _weighted_mean(background, 1 - share, radius_px)
        unexplained = colours - share * person - (1 - share) * background
        person = (person + share * unexplained).clip(0, 1)
        background = (background + (1 - share) * unexplained).clip(0, 1)
    result = photo.copy()
    result[near] = np.where(share == 1, photo[near], (255 * person).round().astype(np.uint8))
    return result


def _weighted_mean(picture: np.ndarray, weight: np.ndarray, radius_px: int) -> np.ndarray:
    """Mean of (H, W, 3) float32 over squares of 2 * radius_px + 1, weighted by (H, W, 1) float32."""
    size = (2 * radius_px + 1, 2 * radius_px + 1)
    total = cv2.boxFilter(weight, -1, size, borderType=cv2.BORDER_REFLECT)[..., None]
    return cv2.boxFilter(picture * weight, -1, size, borderType=cv2.BORDER_REFLECT) / (total + 1e-5)


def _height(mask: np.ndarray) -> int:
    rows = np.flatnonzero(mask.any(axis=1))
    return int(rows[-1] - rows[0]) + 1
