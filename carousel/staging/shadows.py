"""The soft contact shadow of a standing person, without which a pasted person seems to float.

It is ambient occlusion derived from the silhouette alone, without a light source: the ground gets less light the nearer
it is to the soles. The soles are blurred twice, with a narrow and a wide kernel, and more along the ground than across
it, as the ground is seen at a flat angle.
"""

import cv2
import numpy as np

SOLES = 0.06  # columns whose lowest pixel is within this share of the height above the lowest row touch the ground
DEPTH = 0.03  # height of the soles, as a share of the figure's height
TIGHT = (0.012, 0.006)  # narrow blur along and across the ground, standard deviations as shares of the height
WIDE = (0.055, 0.016)  # wide blur, the same
TIGHT_DARKNESS = 0.7  # share of the light that is lost at the soles
WIDE_DARKNESS = 0.6  # the same for the wide blur
LEAST = 0.004  # darkness too small to change an 8-bit pixel
REACH = 3.0  # radius of the blurs, in standard deviations
LEAST_SIGMA = 3.0  # wide blurs run on a reduced picture where they have at least this standard deviation, px
SOLID = 0.5  # least alpha that touches the ground


def contact_shadow(alpha: np.ndarray, figure_height: float) -> np.ndarray:
    """Compute the darkness of the ground around a figure's soles.

    Args:
        alpha: (H, W) float32 in [0, 1], the figure and the ground around it.
        figure_height: px.

    Returns:
        (H, W) float32 in [0, 1]: 0 keeps the ground's light, 1 is black.
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
    """The lowest pixels of each column of a silhouette, fading upwards; columns that end above the ground have none.

    Args:
        alpha: (H, W) float32, the lowest rows of the figure.
        figure_height: px.
    """
    height = len(alpha)
    lowest = height - 1 - np.argmax(alpha[::-1] > SOLID, axis=0)  # the last row where a column has none: no alpha there
    above = lowest[None] - np.arange(height)[:, None]
    near = 1 - above / max(1.0, DEPTH * figure_height)
    on_ground = lowest >= height - 1 - SOLES * figure_height
    return (alpha * near.clip(0, 1) * (above >= 0) * on_ground).astype(np.float32)


def _blurred(picture: np.ndarray, along: float, across: float) -> np.ndarray:
    """Blur by a Gaussian with these standard deviations in px, scaled to a maximum of 1."""
    height, width = picture.shape
    step = max(1, int(min(along, across) / LEAST_SIGMA))
    small = cv2.resize(picture, (-(-width // step), -(-height // step)), interpolation=cv2.INTER_AREA)
    sigmas = max(0.3, along / step), max(0.3, across / step)
    small = cv2.GaussianBlur(small, (0, 0), sigmas[0], sigmaY=sigmas[1])
    return cv2.resize(small / max(small.max(), 1e-6), (width, height), interpolation=cv2.INTER_LINEAR)


def darken(scene: np.ndarray, shadow: np.ndarray, strength: float) -> np.ndarray:
    """Darken a scene by a shadow; where the shadow is 0, pixels do not change.

    Args:
        scene: (H, W, 3) uint8.
        shadow: (H, W) float32 in [0, 1], result of `contact_shadow`.
        strength: 0 (no shadow) to 1.

    Returns:
        (H, W, 3) uint8.
    """
    light = cv2.merge([1 - np.float32(strength) * shadow] * 3)
    return cv2.multiply(scene, light, dtype=cv2.CV_8U)
