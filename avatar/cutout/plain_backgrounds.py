"""Grounds of one colour that at most changes smoothly: what stands before them shows by its colours.

Drawn and generated figures often stand before such a ground, and loud ones mislead networks that learnt from photos.
"""

import cv2
import numpy as np

from common.people.edges import MIN_REACH_PX, REACH
from common.people.embedded_segmenter import parts_touching
from common.people.selection import person_of

FIT_PX = 512  # longer side at which a ground is fitted
RIM = 0.02  # width of the rim whose colours the ground is fitted to, as a share of the longer side
LEAST_RIM = 0.25  # share of the rim that has to show the ground
PLAIN_U8 = 12  # colours of a plain ground are this near to the fit, 0 to 255
PLAIN_SHARE = 0.9  # of the rim, for a plain ground
FIT_STEPS = 3  # in which pixels that are far from the fit are left out
SHADE, GLARE = 0.4, 1.15  # brightness of a shadow and of a glare on the ground, over the ground's own
UNLIKE = 0.15  # distance of colours from the ground and all its shades, 0 to 1, from which they are the figure's
WINDOW = 4  # radius in which the figure's colour and the ground's are sought, in reaches of the edge
NEAR_COLOURS, FAR_COLOURS = 0.1, 0.3  # distance of these two colours: too near to tell alpha, and far enough
LEAST_COVER, ENOUGH_COVER = 0.3, 0.7  # alpha from which a pixel begins to tell, and tells, the figure's colour
MOST_LEFT_OVER = 0.5  # of a colour beside the line between these two, as a share of their distance


def find_plain_ground(picture: np.ndarray, mask: np.ndarray) -> np.ndarray | None:
    """The ground's colours everywhere, where they change like a parabola at most.

    Args:
        picture: (H, W, 3) uint8 RGB.
        mask: (H, W) bool, what stands before the ground.

    Returns:
        (H, W, 3) float32, 0 to 1; None where the ground is not plain.
    """
    scale = min(1.0, FIT_PX / max(mask.shape))
    size = max(1, round(scale * mask.shape[1])), max(1, round(scale * mask.shape[0]))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    border = max(1, round(RIM * max(size)))
    rim = np.ones(small.shape[:2], bool)
    rim[border:-border, border:-border] = False
    shown = rim & (cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_AREA) == 0)
    if shown.sum() < LEAST_RIM * rim.sum():
        return None
    y, x = (2 * np.indices(small.shape[:2], np.float32).T / size).T[::-1] - 1
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
    known, colours = terms[shown], small[shown]
    used = np.ones(len(known), bool)
    for _ in range(FIT_STEPS):
        coefficients = np.linalg.lstsq(known[used], colours[used], rcond=None)[0]
        distance = np.abs(known @ coefficients - colours).max(axis=-1)
        used = distance <= max(PLAIN_U8 / 255, 2 * float(np.median(distance)))
    if (distance < PLAIN_U8 / 255).mean() < PLAIN_SHARE:
        return None
    return cv2.resize((terms @ coefficients).clip(0, 1), picture.shape[1::-1])


def complete_figure(picture: np.ndarray, ground: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Add what is connected to a figure and has colours of its own.

    Shadows and glare on the ground are the ground's. A mask without any colour of its own shows nothing.

    Args:
        picture: (H, W, 3) uint8 RGB.
        ground: (H, W, 3) float32, 0 to 1.
        mask: (H, W) bool, what was found of the figure.

    Returns:
        (H, W) bool.
    """
    colours = picture.astype(np.float32) / 255
    brightness = (colours * ground).sum(axis=-1) / np.maximum((ground * ground).sum(axis=-1), 1e-4)
    unlike = np.linalg.norm(colours - brightness.clip(SHADE, GLARE)[..., None] * ground, axis=-1) > UNLIKE
    if not (unlike & mask).any():
        return np.zeros_like(mask)
    return parts_touching(unlike | mask, mask)


def blend_alpha(picture: np.ndarray, mask: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Alpha along the edge, by where a colour lies between the mean colours of figure and ground beside it.

    It counts as much as these two differ and as the colour lies on the line between them (Wang and Cohen 2007, CVPR,
    "Optimized color sampling for robust matting", equations 2 and 3); the rest is the alpha that is given.

    Args:
        picture: (H, W, 3) uint8 RGB.
        mask: (H, W) bool, with a pixel that is set.
        alpha: (H, W) float32, 0 to 1.

    Returns:
        The same.
    """
    top, bottom = person_of(mask, 1.0).box[1::2]
    reach = max(MIN_REACH_PX, round(REACH * (bottom - top)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    inside = cv2.erode(mask.astype(np.uint8), kernel) > 0
    outside = cv2.dilate(mask.astype(np.uint8), kernel) == 0
    colours = picture.astype(np.float32) / 255
    (figure, has_figure), (ground, has_ground) = (_mean(colours, part, WINDOW * reach) for part in (inside, outside))
    line = figure - ground
    length = np.linalg.norm(line, axis=-1)
    blend = (((colours - ground) * line).sum(axis=-1) / np.maximum(length**2, 1e-4)).clip(0, 1)
    left_over = np.linalg.norm(colours - ground - blend[..., None] * line, axis=-1)
    trust = (1 - left_over / (MOST_LEFT_OVER * length + 1e-3)).clip(0, 1)
    trust *= ((length - NEAR_COLOURS) / (FAR_COLOURS - NEAR_COLOURS)).clip(0, 1) * (has_figure & has_ground)
    return np.where(inside | outside, alpha, trust * blend + (1 - trust) * alpha)


def subtract_ground(picture: np.ndarray, ground: np.ndarray, alpha: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """The figure's colours where it covers enough of a pixel: what is left of it without the ground's share.

    Args:
        picture: (H, W, 3) uint8 RGB.
        ground: (H, W, 3) float32, 0 to 1.
        alpha: (H, W) float32, 0 to 1.
        colours: (H, W, 3) uint8 RGB, the figure's as estimated from its surroundings, for where it covers less.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    share = alpha[..., None]
    rest = (picture - (1 - share) * ground * 255) / np.maximum(share, LEAST_COVER)
    trust = ((share - LEAST_COVER) / (ENOUGH_COVER - LEAST_COVER)).clip(0, 1) * (share < 1)
    return (trust * rest.clip(0, 255) + (1 - trust) * colours).round().astype(np.uint8)


def _mean(colours: np.ndarray, part: np.ndarray, radius: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean colour of a part of the picture around each pixel, and whether there is any of it."""
    size = (2 * radius + 1, 2 * radius + 1)
    weight = part.astype(np.float32)
    share = cv2.boxFilter(weight, -1, size)
    mean = cv2.boxFilter(colours * weight[..., None], -1, size) / np.maximum(share, 1e-6)[..., None]
    return mean, share > 0.5 / size[0] ** 2
