"""Figures in front of a plain background, which has one colour or changes smoothly, are found by their colours.

Drawn and generated figures often have such a background, and saturated ones mislead networks trained on photos.
"""

import cv2
import numpy as np

from common.people.edges import MIN_REACH_PX, REACH
from common.people.embedded_segmenter import parts_touching
from common.people.selection import person_of

FIT_PX = 512  # longer side at which the background is fitted
RIM = 0.02  # width of the border that the fit uses, as a share of the longer side
LEAST_RIM = 0.25  # least share of the border that must show the background
PLAIN_U8 = 12  # largest distance of a plain background's colours from the fit, 0 to 255
PLAIN_SHARE = 0.9  # share of the border that must be within this distance
FIT_STEPS = 3  # fits; each leaves out pixels far from the one before
SHADE, GLARE = 0.4, 1.15  # darkest shadow and brightest glare on the background, as multiples of its brightness
UNLIKE = 0.15  # colour distance from the background and all its shades, 0 to 1, above which a pixel is the figure
WINDOW = 4  # radius within which colours of figure and background are averaged, in multiples of the edge's reach
NEAR_COLOURS, FAR_COLOURS = 0.1, 0.3  # distance of these two colours at which their alpha has weight 0 and 1
LEAST_COVER, ENOUGH_COVER = 0.3, 0.7  # alpha at which a pixel's own colour has weight 0 and 1
MOST_LEFT_OVER = 0.5  # largest distance of a colour from the line between these two, as a share of their distance


def find_plain_ground(picture: np.ndarray, mask: np.ndarray) -> np.ndarray | None:
    """Fit a quadratic surface to the background's colours.

    Args:
        picture: (H, W, 3) uint8 RGB.
        mask: (H, W) bool, foreground.

    Returns:
        (H, W, 3) float32, 0 to 1; None if the background is not plain.
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
    """Add pixels that are connected to a figure and differ from the background.

    Shadows and glare count as background. A mask that differs nowhere from the background becomes empty.

    Args:
        picture: (H, W, 3) uint8 RGB.
        ground: (H, W, 3) float32, 0 to 1, colours of the background.
        mask: (H, W) bool, incomplete figure.

    Returns:
        (H, W) bool, completed figure.
    """
    colours = picture.astype(np.float32) / 255
    brightness = (colours * ground).sum(axis=-1) / np.maximum((ground * ground).sum(axis=-1), 1e-4)
    unlike = np.linalg.norm(colours - brightness.clip(SHADE, GLARE)[..., None] * ground, axis=-1) > UNLIKE
    if not (unlike & mask).any():
        return np.zeros_like(mask)
    return parts_touching(unlike | mask, mask)


def blend_alpha(picture: np.ndarray, mask: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Estimate alpha along the edge from where a colour lies between the mean colours of figure and background there.

    The estimate has more weight the more these two differ and the nearer the colour is to the line between them (Wang
    and Cohen 2007, CVPR, "Optimized color sampling for robust matting", equations 2 and 3); `alpha` has the rest.

    Args:
        picture: (H, W, 3) uint8 RGB.
        mask: (H, W) bool, not empty.
        alpha: (H, W) float32, 0 to 1.

    Returns:
        (H, W) float32, 0 to 1.
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
    """Remove the background's share from pixels that the figure mostly covers.

    Args:
        picture: (H, W, 3) uint8 RGB.
        ground: (H, W, 3) float32, 0 to 1, colours of the background.
        alpha: (H, W) float32, 0 to 1.
        colours: (H, W, 3) uint8 RGB, the figure's colours estimated from its surroundings, used at lower alpha.

    Returns:
        (H, W, 3) uint8 RGB, colours of the figure.
    """
    share = alpha[..., None]
    rest = (picture - (1 - share) * ground * 255) / np.maximum(share, LEAST_COVER)
    trust = ((share - LEAST_COVER) / (ENOUGH_COVER - LEAST_COVER)).clip(0, 1) * (share < 1)
    return (trust * rest.clip(0, 255) + (1 - trust) * colours).round().astype(np.uint8)


def _mean(colours: np.ndarray, part: np.ndarray, radius: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean colour of a part of the picture around each pixel, and whether the window contains any of it."""
    size = (2 * radius + 1, 2 * radius + 1)
    weight = part.astype(np.float32)
    share = cv2.boxFilter(weight, -1, size)
    mean = cv2.boxFilter(colours * weight[..., None], -1, size) / np.maximum(share, 1e-6)[..., None]
    return mean, share > 0.5 / size[0] ** 2
