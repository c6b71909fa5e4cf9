"""Cut-outs: clothing as RGBA that can be painted over another body without a rim of the old one.

At an edge of smooth art a pixel mixes cloth and background:

    clothed = alpha * cloth + (1 - alpha) * background        (all premultiplied by their own alpha)

Cloth colours come from inside the mask. The background is the base frame, in the light and shadow of the clothed one,
or what lies beside the mask in the clothed frame (such as hair over cloth). Of all such pairs, the one whose blend is
nearest to the pixel is used; alpha is its least-squares solution, regularised towards the mask where cloth and
background look alike. The residual of the blend then corrects the cloth's colour, as in Forte 2021, "Approximate fast
foreground colour estimation". Pixel art has no mixed pixels and keeps its hard edges. Layered pixel art has its soft
pixels as drawn; only its see-through clothes are separated from the body.
"""

from collections.abc import Iterator

import cv2
import numpy as np

from common.alpha import around, premultiplied_float, straight_uint8
from masks.cutouts.see_through import unblend
from masks.model.layered_pairs import is_layered, is_smooth
from masks.sets.pixel_art import find_pixel_size

FIGURE_PX = 512  # longer side of a figure to which the lengths below refer; they grow with larger figures
EDGE_PX = 2  # width on either side of the mask's edge in which pixels may be mixed
COLOUR_PX = 2.0  # standard deviation of the weights for averaging colours beside the edge
NEAR_PX = 1.0  # the same for the outermost cloth, such as an outline
LIGHT_PX = 4.0  # the same for the light
MASK_PX = 0.7  # blur of the mask that alpha is held towards
UNSURE_WEIGHT = 1e-3  # weight of colours within the edge; they matter only if no others are near
LIGHT_RANGE = (0.4, 1.6)  # allowed gain from the base frame's to the clothed frame's light
SHADES = (1.0, 0.85, 0.7)  # contact shadows to try, as factors of brightness
HOLD = 0.005  # weight of the regularisation of alpha, in squared colour distance (channels 0 to 1)
SHADE_COST = 0.005  # cost of a shadow down to black, same unit
SECOND_COST = 0.0003  # cost of the less usual cloth or background, same unit
FALL_OFF = 2.0  # outside the mask: fall of alpha from a pixel to the next, per missing alpha of the first
MISFIT = 0.01  # if the residual of every blend is larger (same unit), the mask decides
PALETTE = 256  # opaque or layered frames with at most this many colours are pixel art


def cut_out(base: np.ndarray, clothed: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Cut the clothing out of a frame; painted over its own base, it gives the clothed frame again.

    Args:
        base: (H, W, 4) uint8 RGBA.
        clothed: (H, W, 4) uint8 RGBA.
        mask: (H, W), bool or uint8 of 0 and 255.

    Returns:
        (H, W, 4) uint8 RGBA, colours not premultiplied, 0 where transparent.

    Raises:
        ValueError: frames and mask differ in size.
    """
    if not base.shape == clothed.shape == (*mask.shape, 4):
        raise ValueError(f"frames and mask must have one size, got {base.shape}, {clothed.shape}, {mask.shape}")
    on = mask > 0
    shown = on & (clothed[..., 3] > 0)
    if _is_layered_pixel_art(base, clothed, on):
        return unblend(base, clothed, shown)
    cut = clothed * shown[..., None]
    if on.any() and not has_hard_edges(base, clothed):
        scale = max(1.0, max(cv2.boundingRect(clothed[..., 3])[2:]) / FIGURE_PX)
        near = around(on, round((EDGE_PX + 3 * LIGHT_PX) * scale))
        edge, cloth = _unmix(premultiplied_float(base[near]), premultiplied_float(clothed[near]), on[near], scale)
        cut[near][edge] = straight_uint8(cloth)
    return cut


def _is_layered_pixel_art(base: np.ndarray, clothed: np.ndarray, on: np.ndarray) -> bool:
    """Whether a pair is layered, small and of few colours; its soft pixels are drawn, not mixed with a background."""
    if is_smooth(base, clothed, 1) or not is_layered(base, clothed, on.astype(np.float32)):
        return False
    return len(np.unique(clothed.reshape(-1, 4).view(np.uint32))) <= PALETTE


def has_hard_edges(base: np.ndarray, clothed: np.ndarray) -> bool:
    """Whether a pair is pixel art: enlarged by a whole factor, without soft alpha, or with few colours.

    Args:
        base: (H, W, 4) uint8 RGBA.
        clothed: (H, W, 4) uint8 RGBA.
    """
    alpha = np.stack([base[..., 3], clothed[..., 3]])
    if ((alpha > 0) & (alpha < 255)).any():
        return find_pixel_size([base, clothed]) > 1
    if not alpha.all():
        return True
    colours = clothed.reshape(-1, 4).view(np.uint32)
    return len(np.unique(colours)) <= PALETTE or find_pixel_size([base, clothed]) > 1


# ---- the edge of smooth art ----


def _unmix(base: np.ndarray, clothed: np.ndarray, on: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Separate cloth from background along the mask's edge.

    Args:
        base: (H, W, 4) float32 in [0, 1], premultiplied.
        clothed: (H, W, 4) float32 in [0, 1], premultiplied.
        on: (H, W) bool, the mask.
        scale: factor of all lengths.

    Returns:
        The edge, (H, W) bool, and the cloth there, (N, 4) float32, premultiplied.
    """
    width = round(EDGE_PX * scale)
    inside, outside = _shrunk(on, width), _shrunk(~on, width)
    edge = ~inside & ~outside
    sure_cloth, sure_other = _weight(inside, on), _weight(outside, ~on)
    held = cv2.GaussianBlur(on.astype(np.float32), (0, 0), MASK_PX * scale)[edge]
    cloths = [
        (_local_mean(clothed, sure_cloth, COLOUR_PX * scale)[edge], 0.0),
        (_local_mean(clothed, _weight(_shrunk(on, 1), on), NEAR_PX * scale)[edge], SECOND_COST),
    ]
    lit = base[edge]
    lit[:, :3] *= _light(base, clothed, sure_other, LIGHT_PX * scale)[edge]
    backgrounds = [*_shaded(lit), (_local_mean(clothed, sure_other, COLOUR_PX * scale)[edge], SECOND_COST)]
    cloth = _best_blend(clothed[edge], cloths, backgrounds, held, on[edge])
    return edge, cloth * _reached(edge, cloth[:, 3], on, width)[:, None]


def _best_blend(
    seen: np.ndarray,
    cloths: list[tuple[np.ndarray, float]],
    backgrounds: list[tuple[np.ndarray, float]],
    held: np.ndarray,
    on: np.ndarray,
) -> np.ndarray:
    """Return the cloth in each pixel, using the pair of cloth and background that best explains its colour.

    Args:
        seen: (N, 4) float32, premultiplied.
        cloths: (N, 4) each, with its cost.
        backgrounds: (N, 4) each, with its cost.
        held: (N,) alpha in [0, 1] to regularise towards.
        on: (N,) bool, the mask.
    """
    least = np.full(len(seen), np.inf, np.float32)
    best = np.zeros_like(seen)
    for cloth, cloth_cost in cloths:
        for background, cost in backgrounds:
            apart, above = cloth - background, seen - background
            alpha = ((apart * above).sum(axis=1) + HOLD * held) / ((apart**2).sum(axis=1) + HOLD)
            alpha = alpha.clip(0, 1)[:, None]
            rest = above - alpha * apart
            error = (rest**2).sum(axis=1) + cloth_cost + cost
            better = error < least
            least[better] = error[better]
            best[better] = (alpha * _valid(cloth + alpha * rest))[better]
    return np.where(((least > MISFIT) & on)[:, None], seen, best)


def _reached(edge: np.ndarray, alpha: np.ndarray, on: np.ndarray, width: int) -> np.ndarray:
    """Return how much of the cloth outside the mask is connected to it: an edge is one step, the rest is light.

    Args:
        edge: (H, W) bool.
        alpha: (N,) alpha of the cloth found there.
        on: (H, W) bool, the mask.
        width: width of the edge outside the mask, in px.

    Returns:
        (N,) factors of alpha, in [0, 1].
    """
    found = on.astype(np.float32)
    found[edge] = alpha
    beside = edge & ~on
    kept = np.where(beside, 0, found)
    for _ in range(width):
        most = cv2.dilate(kept, np.ones((3, 3), np.uint8))[beside]
        kept[beside] = np.minimum(found[beside], (1 - FALL_OFF * (1 - most)).clip(0, 1))
    return kept[edge] / np.maximum(found[edge], 1e-6)


def _shaded(background: np.ndarray) -> Iterator[tuple[np.ndarray, float]]:
    """Yield the background in each shadow, with its cost."""
    for shade in SHADES:
        yield _valid(background * np.array([shade, shade, shade, 1], np.float32)), SHADE_COST * (1 - shade)


def _light(base: np.ndarray, clothed: np.ndarray, weight: np.ndarray, sigma_px: float) -> np.ndarray:
    """Return the local gain from the base frame's to the clothed frame's light, (H, W, 3) float32."""
    both = [cv2.GaussianBlur(picture[..., :3] * weight[..., None], (0, 0), sigma_px) for picture in (clothed, base)]
    return ((both[0] + 1e-4) / (both[1] + 1e-4)).clip(*LIGHT_RANGE)


def _local_mean(picture: np.ndarray, weight: np.ndarray, sigma_px: float) -> np.ndarray:
    """Return the weighted mean of the colours near each pixel, (H, W, 4) float32 (normalised convolution)."""
    total = cv2.GaussianBlur(weight, (0, 0), sigma_px)
    return cv2.GaussianBlur(picture * weight[..., None], (0, 0), sigma_px) / np.maximum(total, 1e-6)[..., None]


def _weight(sure: np.ndarray, unsure: np.ndarray) -> np.ndarray:
    """Return 1 where sure, UNSURE_WEIGHT where unsure, 0 elsewhere, as float32."""
    return np.where(sure, 1, np.where(unsure, UNSURE_WEIGHT, 0)).astype(np.float32)


def _shrunk(mask: np.ndarray, by_px: int) -> np.ndarray:
    """Erode a (H, W) bool mask by `by_px`; the picture's border is not an edge."""
    return cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=by_px) > 0


# ---- colours ----


def _valid(premultiplied: np.ndarray) -> np.ndarray:
    """Clip alpha to [0, 1] and colours to [0, alpha]."""
    alpha = premultiplied[..., 3:].clip(0, 1)
    return np.concatenate([premultiplied[..., :3].clip(0, alpha), alpha], axis=-1)
