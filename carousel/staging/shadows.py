"""The soft shadow where a standing person meets the ground: what keeps a pasted figure from floating.

It is drawn from the silhouette alone and knows no light source: near the soles little light reaches the ground from any
side (ambient occlusion), further off more and more of it does. So the soles are blurred twice, tightly and widely, and
more along the ground than across it, which is seen at a flat angle.
"""

import cv2
import numpy as np

SOLES = 0.06  # share of the figure's height within which the silhouette's lower outline is on the ground
DEPTH = 0.03  # share of the height up to which the soles are taken
TIGHT = (0.012, 0.006)  # blur along and across the ground, standard deviations as shares of the height
WIDE = (0.055, 0.016)
TIGHT_DARKNESS = 0.7  # share of the light that is gone right at the soles
WIDE_DARKNESS = 0.6
LEAST = 0.004  # darkness that no longer changes an 8-bit pixel
REACH = 3.0  # standard deviations that are computed
LEAST_SIGMA = 3.0  # px to which a blur may be reduced
SOLID = 0.5  # alpha from here on stands on the ground


def contact_shadow(alpha: np.ndarray, figure_height: float) -> np.ndarray:
    """Darkness of the ground around a figure's soles.

    Args:
        alpha: (H, W) float32 in [0, 1], the figure and the ground around it.
        figure_height: px.

    Returns:
        (H, W) float32 in [0, 1]: 0 where the ground keeps its light, 1 where it is black.
    """
    shadow = np.zeros_like(alpha)
    rows = np.flatnonzero(cv2.reduce(alpha, 1, cv2.REDUCE_MAX)[:, 0] > SOLID)
    if not len(rows):
        return shadow
    bottom = int(rows[-1]) + 1
    top = max(0, bottom - round((SOLES + DEPTH) * figure_height) - 1)
    reach = round(REACH * WIDE[1] * figure_height)
    band = slice(max(0, top - reach), bottom + reach)
    soles = np.zeros_like(alpha[band])
    soles[top - band.start : bottom - band.start] = _soles(alpha[top:bottom], figure_height)
    tight, wide = (_blurred(soles, along * figure_height, across * figure_height) for along, across in (TIGHT, WIDE))
    dark = 1 - (1 - TIGHT_DARKNESS * tight) * (1 - WIDE_DARKNESS * wide)
    shadow[band] = np.where(dark > LEAST, dark, 0)
    return shadow


def _soles(alpha: np.ndarray, figure_height: float) -> np.ndarray:
    """The lowest part of a silhouette in each column, fading upwards; columns that end too high have none.

    Args:
        alpha: (H, W) float32, the lowest rows of the figure; its last row is the lowest one.
        figure_height: px.
    """
    height = len(alpha)
    lowest = height - 1 - np.argmax(alpha[::-1] > SOLID, axis=0)  # the last row where a column has none: no alpha there
    above = lowest[None] - np.arange(height)[:, None]
    near = 1 - above / max(1.0, DEPTH * figure_height)
    on_ground = lowest >= height - 1 - SOLES * figure_height
    return (alpha * near.clip(0, 1) * (above >= 0) * on_ground).astype(np.float32)


def _blurred(picture: np.ndarray, along: float, across: float) -> np.ndarray:
    """Gaussian blur with these standard deviations in px, scaled to a maximum of 1; wide ones on a reduced picture."""
    height, width = picture.shape
    step = max(1, int(min(along, across) / LEAST_SIGMA))
    small = cv2.resize(picture, (-(-width // step), -(-height // step)), interpolation=cv2.INTER_AREA)
    sigmas = max(0.3, along / step), max(0.3, across / step)
    small = cv2.GaussianBlur(small, (0, 0), sigmas[0], sigmaY=sigmas[1])
    return cv2.resize(small / max(small.max(), 1e-6), (width, height), interpolation=cv2.INTER_LINEAR)


def darken(scene: np.ndarray, shadow: np.ndarray, strength: float) -> np.ndarray:
    """The scene with the shadow on it; pixels that it does not reach stay as they are.

    Args:
        scene: (H, W, 3) uint8.
        shadow: (H, W) float32 in [0, 1], from `contact_shadow`.
        strength: 0 (none) to 1.

    Returns:
        (H, W, 3) uint8.
    """
    light = cv2.merge([1 - np.float32(strength) * shadow] * 3)
    return cv2.multiply(scene, light, dtype=cv2.CV_8U)
