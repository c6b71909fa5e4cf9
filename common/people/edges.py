"""Soft edges for hard masks, and the colours that a person has there without the old background."""

import cv2
import numpy as np

REACH = 0.008  # half the width of the band along a mask's edge in which alpha is sought, over the person's height
MIN_REACH_PX = 2
REGULARISATION = 1e-5  # epsilon of the guided filter, for colours from 0 to 1
STRIP_PX = 400_000  # of the picture at once: the guided filter needs 200 bytes a px
WIDE, NARROW = 0.09, 0.012  # radius of the two steps of colour estimation, over the person's height


def refine_edges(photo: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Let a mask follow the photo's edges, softly: the guided filter with a colour guide (He et al. 2010, ECCV).

    Only a band along the mask's edge changes; beyond it alpha is 0 or 1 as in the mask.

    Args:
        photo: (H, W, 3) uint8 RGB.
        mask: (H, W) bool, one person.

    Returns:
        Alpha, (H, W) float32, 0 to 1.
    """
    alpha = mask.astype(np.float32)
    if not mask.any() or mask.all():
        return alpha
    reach = max(MIN_REACH_PX, round(REACH * _height(mask)))
    near = _around(mask, 3 * reach)
    hard = mask[near].astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    band = cv2.dilate(hard, kernel) > cv2.erode(hard, kernel)
    guide, refined = photo[near], alpha[near]
    rows = max(1, STRIP_PX // band.shape[1])
    for top in range(0, len(band), rows):
        strip = slice(top, top + rows)
        if band[strip].any():
            wider = slice(max(0, top - 2 * reach), top + rows + 2 * reach)  # as far as the filter looks
            values = hard[wider].astype(np.float32)
            filtered = guided_filter(guide[wider].astype(np.float32) / 255, values, reach, REGULARISATION)
            refined[strip][band[strip]] = filtered[top - wider.start :][:rows][band[strip]].clip(0, 1)
    return alpha


def guided_filter(guide: np.ndarray, values: np.ndarray, radius: int, epsilon: float) -> np.ndarray:
    """In each window the values as a linear function of the guide's colours, averaged over all windows of a pixel.

    He, Sun and Tang 2010, "Guided image filtering", equations 14 to 16 (colour guide).

    Args:
        guide: (H, W, 3) float32.
        values: (H, W) float32.
        radius: the windows are squares of 2 * radius + 1 px.
        epsilon: larger is smoother.

    Returns:
        (H, W) float32.
    """

    def mean(picture: np.ndarray) -> np.ndarray:
        """Over the windows."""
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
    """The colours of the person alone, where an edge mixes them with the background.

    Twice, in a wide and then a narrow neighbourhood, the mean colours of person and background are corrected by what
    their blend leaves over (Forte 2021, arXiv:2111.15430, "Approximate fast foreground colour estimation").

    Args:
        photo: (H, W, 3) uint8 RGB.
        alpha: (H, W) float32, 0 to 1.

    Returns:
        (H, W, 3) uint8 RGB: as in the photo where alpha is 1; near the person's colours beside the person.
    """
    shown = alpha > 0
    if not shown.any():
        return photo.copy()
    height = _height(shown)
    wide, narrow = max(3, round(WIDE * height)), max(MIN_REACH_PX, round(NARROW * height))
    near = _around(shown, wide)
    colours, share = photo[near].astype(np.float32) / 255, alpha[near][..., None]
    person, background = _blend_apart(colours, colours, colours, share, wide)
    person, _ = _blend_apart(colours, person, background, share, narrow)
    result = photo.copy()
    result[near] = np.where(share == 1, photo[near], (255 * person).round().astype(np.uint8))
    return result


def _blend_apart(
    colours: np.ndarray, person: np.ndarray, background: np.ndarray, share: np.ndarray, radius: int
) -> tuple[np.ndarray, np.ndarray]:
    """One step of `decontaminate`: better colours of person and background.

    Args:
        colours: (H, W, 3) float32 of the photo, 0 to 1.
        person: the same, as estimated so far.
        background: the same.
        share: (H, W, 1) alpha.
        radius: px of the neighbourhood.
    """

    def mean(picture: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Over the neighbourhood, weighted."""
        size = (2 * radius + 1, 2 * radius + 1)
        total = cv2.boxFilter(weight, -1, size, borderType=cv2.BORDER_REFLECT)[..., None]
        return cv2.boxFilter(picture * weight, -1, size, borderType=cv2.BORDER_REFLECT) / (total + 1e-5)

    person, background = mean(person, share), mean(background, 1 - share)
    person = person + share * (colours - share * person - (1 - share) * background)
    return person.clip(0, 1), background


def _height(mask: np.ndarray) -> int:
    rows = np.flatnonzero(mask.any(axis=1))
    return int(rows[-1] - rows[0]) + 1


def _around(mask: np.ndarray, border_px: int) -> tuple[slice, slice]:
    """Rows and columns that hold a (H, W) bool mask and a border around it."""
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    return slice(max(y - border_px, 0), y + height + border_px), slice(max(x - border_px, 0), x + width + border_px)
