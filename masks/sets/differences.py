"""Colour differences between the frames of a pair, with a change of light compensated."""

import numpy as np
from skimage.color import rgb2lab

OPAQUE = 127  # alpha above which a pixel belongs to the figure
LIGHTNESS_WEIGHT = 0.5  # weight of lightness in the Lab distance: light changes lightness, cloth also colour
LIGHT_SCALE = 20.0  # levels; pixels that differ by more hardly count in the estimate of the light
LIGHT_PRIOR = 2000.0  # squared levels per pixel; strength of the prior that the light is unchanged
LIGHT_STEPS = 8
LIGHT_PIXELS = 10_000  # about this many pixels of the figure are used
CLEAR_CHANGE = 20.0  # Lab distance above which a pixel changed by more than light


def share_that_changed(base: np.ndarray, clothed: np.ndarray) -> float:
    """Return the share of a figure, 0 to 1, that changed by more than light between two (H, W, 4) uint8 frames."""
    shown, drawn = base[..., 3] > OPAQUE, clothed[..., 3] > OPAQUE
    both = shown & drawn
    differences = colour_differences(on_black(base)[both], on_black(clothed)[both], "lab", even_light=True)
    changed = np.count_nonzero(differences > CLEAR_CHANGE) + np.count_nonzero(drawn & ~shown)
    return int(changed) / max(1, int(np.count_nonzero(shown | drawn)))


def colour_differences(body: np.ndarray, dressed: np.ndarray, method: str, even_light: bool) -> np.ndarray:
    """Return the differences of (N, 3) colours in [0, 255], as (N,) float32 in the unit of the method."""
    if even_light:
        body = body * light_between(body, dressed)
    return lab_distance(body, dressed) if method == "lab" else np.abs(dressed - body).mean(axis=1)


def on_black(rgba: np.ndarray) -> np.ndarray:
    """Composite (H, W, 4) uint8 on black; return (H, W, 3) float32 in [0, 255]."""
    return rgba[..., :3] * (rgba[..., 3:] / np.float32(255))


def light_between(body: np.ndarray, dressed: np.ndarray) -> np.ndarray:
    """Estimate the gain of each channel by iteratively reweighted least squares; pixels that disagree hardly count.

    Args:
        body: (N, 3) float32 in [0, 255].
        dressed: (N, 3) float32, the same pixels in the other light; some show something else.

    Returns:
        (3,) float32, near 1.
    """
    step = max(1, len(body) // LIGHT_PIXELS)
    body, dressed = body[::step], dressed[::step]
    gain = np.ones(3, np.float32)
    for _ in range(LIGHT_STEPS):
        off = ((dressed - body * gain) ** 2).mean(axis=1, keepdims=True)
        weight = 1 / (1 + off / LIGHT_SCALE**2) ** 2
        prior = LIGHT_PRIOR * len(body) + np.finfo(np.float32).tiny
        gain = 1 + (weight * body * (dressed - body)).sum(axis=0) / ((weight * body**2).sum(axis=0) + prior)
    return gain


def lab_distance(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the CIE Lab distances, lightness weighted, of (N, 3) sRGB colours in [0, 255], as (N,) float32."""
    labs = [rgb2lab(colours[None].clip(0, 255) / 255)[0] for colours in (one, other)]
    apart = (labs[0] - labs[1]) * np.array([LIGHTNESS_WEIGHT, 1, 1], np.float32)
    return np.sqrt((apart**2).sum(axis=1))
