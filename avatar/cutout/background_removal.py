"""Removes the background of photos, drawings and generated pictures.

1. `foreground_models.py` predicts the foreground.
2. In front of a plain background, missed parts and alpha are found by colour: `plain_backgrounds.py`.
3. Along the edge, alpha follows the picture, and the old background's colours are removed: `common.people.edges`.
"""

import numpy as np
from PIL import Image

from avatar.cutout.foreground_models import DEFAULT_MODEL, SHOWN, ModelName, load_foreground_model
from avatar.cutout.plain_backgrounds import blend_alpha, complete_figure, find_plain_ground, subtract_ground
from avatar.cutout.square_crop import upright
from common.alpha import on_checks
from common.errors import UserError, enough_memory
from common.grids import picture_grid
from common.people.edges import decontaminate, refine_edges
from common.people.embedded_segmenter import largest_part, parts_touching

LEAST_SHARE = 0.01  # smallest foreground, as a share of the picture's pixels


def remove_background(
    image: Image.Image,
    model: ModelName = DEFAULT_MODEL,
    only_largest: bool = False,
    fill_holes: bool = False,
    clean_edges: bool = True,
) -> Image.Image:
    """Cut out the foreground.

    Args:
        image: RGB; an EXIF orientation is applied first.
        model: "embedded", or one of rembg's models.
        only_largest: keep only the largest connected part.
        fill_holes: make background that the figure encloses opaque.
        clean_edges: remove the old background's colours from the edge.

    Returns:
        RGBA of the same size, colours not premultiplied, 0 where alpha is 0.

    Raises:
        UserError: no foreground found, weights missing, or not enough memory.
    """
    picture = np.asarray(upright(image).convert("RGB"))
    foreground = load_foreground_model(model)
    with enough_memory("use a smaller picture"):
        mask = foreground.probability(picture) > SHOWN
        ground = find_plain_ground(picture, mask)
        if ground is not None:
            mask = complete_figure(picture, ground, mask)
        if only_largest:
            mask = largest_part(mask)
        if fill_holes:
            mask = without_holes(mask)
        if mask.mean() < LEAST_SHARE:
            raise UserError(
                "nothing stands out from the background; use a picture of one person in front of a plain background"
            )
        return _with_soft_edges(picture, mask, ground, clean_edges)


def _with_soft_edges(
    picture: np.ndarray, mask: np.ndarray, ground: np.ndarray | None, clean_edges: bool
) -> Image.Image:
    """Cut out a mask that is not empty; `ground` is the colours of a plain background, or None."""
    alpha = refine_edges(picture, mask)
    if ground is not None:
        alpha = blend_alpha(picture, mask, alpha)
    colours = decontaminate(picture, alpha) if clean_edges else picture
    if clean_edges and ground is not None:
        colours = subtract_ground(picture, ground, alpha, colours)
    alpha_u8 = np.round(alpha * 255).astype(np.uint8)[..., None]
    return Image.fromarray(np.dstack([colours * (alpha_u8 > 0), alpha_u8]))


def without_holes(mask: np.ndarray) -> np.ndarray:
    """Fill the holes of an (H, W) bool mask: what it separates from the picture's edge is set."""
    edge = np.ones_like(mask)
    edge[1:-1, 1:-1] = False
    return ~parts_touching(~mask, edge)


def is_solid(cutout: Image.Image) -> np.ndarray:
    """Where an RGBA cut-out is opaque rather than transparent; (H, W) bool."""
    return np.asarray(cutout)[..., 3] > SHOWN * 255


def keep_largest_part(cutout: Image.Image) -> Image.Image:
    """Make everything but the largest connected part of an RGBA cut-out transparent."""
    pixels = np.asarray(cutout)
    return Image.fromarray(pixels * largest_part(pixels[..., 3] > 0)[..., None])


def previews(cutout: Image.Image, tile_px: int = 512) -> Image.Image:
    """Show an RGBA cut-out on a checkerboard, on white and on black, side by side; RGB."""
    grounds = [
        Image.alpha_composite(Image.new("RGBA", cutout.size, colour), cutout).convert("RGB")
        for colour in ("white", "black")
    ]
    tiles = [Image.fromarray(on_checks(np.asarray(cutout))), *grounds]
    return picture_grid(tiles, ["on a checkerboard", "on white", "on black"], columns=3, tile_px=tile_px)
