"""How much two frames of a pair differ, pixel by pixel, with a change of light taken out."""

import numpy as np
from skimage.color import rgb2lab

OPAQUE = 127  # alpha above which a pixel counts as drawn
LIGHTNESS_WEIGHT = 0.5  # in the Lab distance: light changes lightness, cloth changes colour too
LIGHT_SCALE = 20.0  # levels; pixels that differ by more than about this say nothing about the light
LIGHT_PRIOR = 2000.0  # squared levels a pixel; how strongly the light is held to be the same
LIGHT_STEPS = 8
LIGHT_PIXELS = 10_000  # of the figure, that are looked at
CLEAR_CHANGE = 20.0  # Lab distance that no change of light makes


def share_that_changed(base: np.ndarray, clothed: np.ndarray) -> float:
    """Share of a figure that differs more between two (H, W, 4) uint8 frames than light alone can make it, 0 to 1."""
    shown, drawn = base[..., 3] > OPAQUE, clothed[..., 3] > OPAQUE
    both = shown & drawn
    differences = colour_differences(on_black(base)[both], on_black(clothed)[both], "lab", even_light=True)
    changed = np.count_nonzero(differences > CLEAR_CHANGE) + np.count_nonzero(drawn & ~shown)
    return int(changed) / max(1, int(np.count_nonzero(shown | drawn)))


def colour_differences(body: np.ndarray, dressed: np.ndarray, method: str, even_light: bool) -> np.ndarray:
    """How much (N, 3) colours in [0, 255] differ, as (N,) float32 in the unit of the method."""
    if even_light:
        body = body * light_between(body, dressed)
    return lab_distance(body, dressed) if method == "lab" else np.abs(dressed - body).mean(axis=1)


def on_black(rgba: np.ndarray) -> np.ndarray:
    """(H, W, 4) uint8 composited on black, as (H, W, 3) float32 in [0, 255]."""
    return rgba[..., :3] * (rgba[..., 3:] / np.float32(255))


def light_between(body: np.ndarray, dressed: np.ndarray) -> np.ndarray:
    """What the light multiplies each channel by, judged by the pixels that agree: least squares, reweighted.

    Args:
        body: (N, 3) float32 in [0, 255].
        dressed: the same pixels in the other light; some show something else.

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
    """Distance in CIE Lab, lightness weighted, of (N, 3) sRGB colours in [0, 255], as (N,) float32."""
    labs = [rgb2lab(colours[None].clip(0, 255) / 255)[0] for colours in (one, other)]
    apart = (labs[0] - labs[1]) * np.array([LIGHTNESS_WEIGHT, 1, 1], np.float32)
    return np.sqrt((apart**2).sum(axis=1))
