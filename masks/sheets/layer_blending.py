"""Blend modes of layers, after W3C "Compositing and Blending Level 1", https://www.w3.org/TR/compositing-1/.

Addition, subtraction and division are those of drawing programs, which that document lacks.
"""

from collections.abc import Callable

import numpy as np

Blend = Callable[[np.ndarray, np.ndarray], np.ndarray]  # backdrop and source, (H, W, 3) in [0, 1], to the same

LUMA = np.array([0.3, 0.59, 0.11], np.float32)


def paint_over(backdrop: np.ndarray, layer: np.ndarray, mode: str) -> np.ndarray:
    """Paint a layer over a backdrop in a blend mode; all are (H, W, 4) float32 in [0, 1], not premultiplied."""
    below, above = backdrop[..., 3:], layer[..., 3:]
    source = layer[..., :3]
    if mode != NORMAL:
        share = below + (1 - below) * below * above  # as Aseprite has it; W3C: below; they differ where both are soft
        source = (1 - share) * source + share * MODES[mode](backdrop[..., :3], source).clip(0, 1)
    alpha = above + below * (1 - above)
    colours = above * source + (1 - above) * below * backdrop[..., :3]
    return np.concatenate([np.divide(colours, alpha, out=np.zeros_like(colours), where=alpha > 0), alpha], axis=2)


def _hard_light(backdrop: np.ndarray, source: np.ndarray) -> np.ndarray:
    return np.where(source <= 0.5, 2 * source * backdrop, _screen(backdrop, 2 * source - 1))


def _screen(backdrop: np.ndarray, source: np.ndarray) -> np.ndarray:
    return backdrop + source - backdrop * source


def _dodge(backdrop: np.ndarray, source: np.ndarray) -> np.ndarray:
    return np.where(backdrop == 0, 0, np.minimum(1, backdrop / np.maximum(1 - source, 1e-9)))


def _burn(backdrop: np.ndarray, source: np.ndarray) -> np.ndarray:
    return np.where(backdrop == 1, 1, 1 - np.minimum(1, (1 - backdrop) / np.maximum(source, 1e-9)))


def _soft_light(backdrop: np.ndarray, source: np.ndarray) -> np.ndarray:
    dark = ((16 * backdrop - 12) * backdrop + 4) * backdrop
    lift = np.where(backdrop <= 0.25, dark, np.sqrt(backdrop)) - backdrop
    return backdrop + (2 * source - 1) * np.where(source <= 0.5, backdrop * (1 - backdrop), lift)


def _luminosity(colour: np.ndarray) -> np.ndarray:
    return (colour @ LUMA)[..., None]


def _saturation(colour: np.ndarray) -> np.ndarray:
    return np.ptp(colour, axis=2, keepdims=True)


def _with_luminosity(colour: np.ndarray, luminosity: np.ndarray) -> np.ndarray:
    colour = colour + luminosity - _luminosity(colour)
    low, high = colour.min(axis=2, keepdims=True), colour.max(axis=2, keepdims=True)
    off = colour - luminosity
    colour = np.where(low < 0, luminosity + off * luminosity / np.maximum(luminosity - low, 1e-9), colour)
    return np.where(high > 1, luminosity + off * (1 - luminosity) / np.maximum(high - luminosity, 1e-9), colour)


def _with_saturation(colour: np.ndarray, saturation: np.ndarray) -> np.ndarray:
    return (colour - colour.min(axis=2, keepdims=True)) * saturation / np.maximum(_saturation(colour), 1e-9)


NORMAL = "normal"
MODES: dict[str, Blend] = {
    "multiply": lambda b, s: b * s,
    "screen": _screen,
    "overlay": lambda b, s: _hard_light(s, b),
    "darken": np.minimum,
    "lighten": np.maximum,
    "color dodge": _dodge,
    "color burn": _burn,
    "hard light": _hard_light,
    "soft light": _soft_light,
    "difference": lambda b, s: np.abs(b - s),
    "exclusion": lambda b, s: b + s - 2 * b * s,
    "hue": lambda b, s: _with_luminosity(_with_saturation(s, _saturation(b)), _luminosity(b)),
    "saturation": lambda b, s: _with_luminosity(_with_saturation(b, _saturation(s)), _luminosity(b)),
    "color": lambda b, s: _with_luminosity(s, _luminosity(b)),
    "luminosity": lambda b, s: _with_luminosity(b, _luminosity(s)),
    "addition": lambda b, s: b + s,
    "subtract": lambda b, s: b - s,
    "divide": lambda b, s: np.where(b == 0, 0, b / np.maximum(s, 1e-9)),
}
