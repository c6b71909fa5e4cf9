"""Layered pairs: frames in which nothing but the clothing differs, so that an unchanged pixel is not clothing.

Sprites that an artist drew in layers are exact: the body is the same, bit by bit, in both frames. The share of such
pixels tells a layered pair from one that was re-lit or drawn again. In a layered pair every pixel that changed is
clothing, soft rims included, but for shadows, and for skin that is covered by hair of the base alone. Where body and
clothing share a dark outline or a colour, the frames are equal, and the network decides to whom the pixel belongs.
"""

import numpy as np

from common.alpha import around
from masks.model.mask_threshold import MASK_THRESHOLD
from masks.sets.pixel_art import enlarge, find_pixel_size, shrink, visible

SURE_BODY = 0.1  # probability of clothing below which a pixel surely shows the body
LAYERED_SHARE = 0.2  # smallest share of the body that is identical in a layered pair; in re-lit ones 0.12 at most
LIT_LEVEL = 24  # levels of 255; darker pixels are left out of the share, because black stays black in any light
LEAST_BODY_PX = 12  # fewer body pixels tell nothing
SMOOTH_PX = 112  # longer side of a figure in art pixels from which edges are mixed and go to the larger part
OUTLINE_LEVEL = (
    80  # levels of 255; pixels as dark as this may be an outline, whose darker colour is no sign of a shadow
)
SHADE_RANGE = (0.3, 0.98)  # brightness of a shadowed pixel relative to the base
SHADE_ERROR = 6  # levels of 255 by which a shadowed colour may differ from the darkened base
DARK_LEVEL = 30  # levels of 255; a half transparent pixel that is no brighter may be a shadow on the ground
SHADOW_SHARE = 0.9  # share of the changed pixels that the network calls body that look like shadows, if there are any
LEAST_SHADOW_PX = 10
RGB_BITS = np.frombuffer(b"\xff\xff\xff\x00", np.uint32)[0]  # of a pixel's four bytes
CHANGED, UNCHANGED = 0.98, 0.02  # probabilities of clothing where the frames decide


def use_layers(base: np.ndarray, clothed: np.ndarray, probability: np.ndarray, pixel_px: int) -> np.ndarray:
    """Correct the network's probabilities by what changed in a layered pair.

    Args:
        base: (H, W, 4) uint8 RGBA.
        clothed: (H, W, 4) uint8 RGBA.
        probability: (H, W) float32 in [0, 1], the network's.
        pixel_px: side of an art pixel in px.

    Returns:
        (H, W) float32 in [0, 1].
    """
    small = (shrink(picture, pixel_px) for picture in (base, clothed, probability))
    return enlarge(_correct(*small), pixel_px)


def is_layered(base: np.ndarray, clothed: np.ndarray, probability: np.ndarray) -> bool:
    """Whether much of the body is identical, bit by bit; arguments as for `use_layers`."""
    lit = (base[..., :3].max(axis=2) > LIT_LEVEL) & (base[..., 3] > 0)
    body = lit & (probability < SURE_BODY) & (clothed[..., 3] > 0) & _steps(visible(base))
    same = visible(base) == visible(clothed)
    count = int(np.count_nonzero(body))
    return count >= LEAST_BODY_PX and int(np.count_nonzero(same & body)) >= LAYERED_SHARE * count


def contested_share(base: np.ndarray, clothed: np.ndarray, probability: np.ndarray) -> float | None:
    """Return the share of a layered pair's mask that did not change, 0 to 1; None for other pairs.

    Args:
        base: (H, W, 4) uint8 RGBA.
        clothed: (H, W, 4) uint8 RGBA.
        probability: (H, W) float32 in [0, 1], of clothing.
    """
    size_px = find_pixel_size([base, clothed])
    base, clothed, probability = (shrink(picture, size_px) for picture in (base, clothed, probability))
    if not is_layered(base, clothed, probability):
        return None
    found = probability > MASK_THRESHOLD
    return int(np.count_nonzero(found & (visible(base) == visible(clothed)))) / max(1, int(np.count_nonzero(found)))


def is_smooth(base: np.ndarray, clothed: np.ndarray, pixel_px: int) -> bool:
    """Whether a figure is so large that its edges are mixed; arguments as for `use_layers`."""
    figure = (base[..., 3] > 0) | (clothed[..., 3] > 0)
    return max(figure[around(figure, 0)].shape) >= SMOOTH_PX * pixel_px


def _steps(colours: np.ndarray) -> np.ndarray:
    """Return where (H, W) colours differ from the pixel above or to the left; flat areas match wherever they lie."""
    steps = np.zeros(colours.shape, bool)
    steps[1:] = colours[1:] != colours[:-1]
    steps[:, 1:] |= colours[:, 1:] != colours[:, :-1]
    return steps


def _correct(base: np.ndarray, clothed: np.ndarray, probability: np.ndarray) -> np.ndarray:
    drawn, colours = clothed[..., 3] > 0, visible(clothed)
    changed = drawn & (colours != visible(base))
    found = probability > MASK_THRESHOLD
    hues = colours & RGB_BITS  # a half transparent outline shares its colour with an opaque one
    shared = np.isin(hues, np.unique(hues[changed & found]))  # colours that the clothing uses
    outlines = drawn & (clothed[..., :3].max(axis=2) <= OUTLINE_LEVEL)
    corrected = np.where(changed | shared | outlines, probability, np.minimum(probability, UNCHANGED))
    if is_smooth(base, clothed, 1):
        return corrected
    missed = changed & ~found
    shadow = missed & _looks_like_shadow(base, clothed)
    count = np.count_nonzero(shadow)
    if count < LEAST_SHADOW_PX or count < SHADOW_SHARE * np.count_nonzero(missed):
        shadow[:] = False
    bared = missed & np.isin(colours, colours[drawn & ~changed]) & ~shared & (base[..., 3] > 0)
    return np.where(changed & ~shadow & ~bared, np.maximum(corrected, CHANGED), corrected).astype(np.float32)


def _looks_like_shadow(base: np.ndarray, clothed: np.ndarray) -> np.ndarray:
    """Return (H, W) bool: the base, darkened, or a dark veil where the base is empty."""
    body, seen = (picture[..., :3].astype(np.float32) for picture in (base, clothed))
    shade = (body * seen).sum(axis=2) / np.maximum((body**2).sum(axis=2), 1)
    error = np.abs(seen - shade[..., None] * body).max(axis=2)
    darker = (shade > SHADE_RANGE[0]) & (shade < SHADE_RANGE[1]) & (error <= SHADE_ERROR)
    veil = (base[..., 3] == 0) & (clothed[..., 3] < 255) & (seen.max(axis=2) <= DARK_LEVEL)
    lit = (base[..., :3].max(axis=2) > OUTLINE_LEVEL) & (base[..., 3] == clothed[..., 3])
    return np.where(base[..., 3] == 0, veil, darker & lit)
