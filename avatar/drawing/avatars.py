"""Drawn avatars: random portraits of festival people as pictures, alpha masks and captions.

attributes = draw_attributes(np.random.default_rng(1))
picture, mask = draw_avatar(attributes, size_px=256)
words = caption(attributes, np.random.default_rng(2))
"""

import cv2
import numpy as np

from avatar.drawing.attributes import Attributes, draw_attributes
from avatar.drawing.backdrops import backdrop_tones, draw_backdrop
from avatar.drawing.beards import draw_beard, draw_stubble
from avatar.drawing.captions import caption
from avatar.drawing.expressions import draw_eyes, draw_mouth
from avatar.drawing.faces import DrawnPerson, draw_head, draw_neck
from avatar.drawing.garments import draw_garment, draw_garment_behind
from avatar.drawing.hair import draw_hair, draw_hair_behind
from avatar.drawing.headwear import draw_headwear, draw_headwear_at_neck, draw_headwear_behind
from avatar.drawing.jewellery import draw_glasses, draw_jewellery
from avatar.drawing.palette import Style, Tones, rgb_u8
from avatar.drawing.pen import Pen

__all__ = ["Attributes", "Tones", "caption", "draw_attributes", "draw_avatar"]

_LAYERS = (  # from back to front
    draw_headwear_behind,
    draw_hair_behind,
    draw_garment_behind,
    draw_neck,
    draw_garment,
    draw_headwear_at_neck,
    draw_head,
    draw_stubble,
    draw_mouth,
    draw_eyes,
    draw_jewellery,
    draw_beard,
    draw_hair,
    draw_glasses,
    draw_headwear,
)


def draw_avatar(
    attributes: Attributes, size_px: int, style: Style = "plain", tones: Tones | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Draw one character.

    Args:
        attributes: the character.
        size_px: side of the square picture, px; it changes the resolution, not the content.
        style: "plain", or "neon" for a neon festival poster.
        tones: colours of a real person, drawn instead of the named ones.

    Returns:
        Picture (size_px, size_px, 3) uint8 RGB, and alpha of the figure (size_px, size_px) uint8.
    """
    pen = Pen(style)
    who = DrawnPerson(attributes, pen, tones)
    for draw in _LAYERS:
        draw(who)
    figure = pen.render(size_px)
    rim = rgb_u8(backdrop_tones(attributes.backdrop, style).rim)
    alpha = figure[..., 3].astype(np.float32) / 255
    colour = _with_rim_light(figure[..., :3].astype(np.float32), alpha, np.array(rim, np.float32))
    behind = draw_backdrop(attributes.backdrop, attributes.pattern, size_px, style).astype(np.float32)
    share = alpha[..., None]
    picture = behind * (1 - share) + colour * share
    if style == "neon":
        picture = _glowing(picture)
    return picture.round().clip(0, 255).astype(np.uint8), figure[..., 3]


def _with_rim_light(colour: np.ndarray, alpha: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Add the backdrop's light to the right edges of the figure."""
    unit = alpha.shape[0] / 256
    move = np.array([[1, 0, -3.4 * unit], [0, 1, 1.2 * unit]], np.float32)
    shifted = cv2.warpAffine(alpha, move, alpha.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    shifted = cv2.GaussianBlur(shifted, (0, 0), 1.3 * unit)
    edge = (alpha - shifted).clip(0, 1)
    edge[:, : alpha.shape[1] // 2] *= 0.25
    return colour + (light - colour) * (edge * 0.55)[..., None]


def _glowing(picture: np.ndarray) -> np.ndarray:
    """Add a halo around bright pixels."""
    unit = picture.shape[0] / 256
    bright = (picture - 110).clip(0, None)
    halo = cv2.GaussianBlur(bright, (0, 0), 3.0 * unit) * 0.75 + cv2.GaussianBlur(bright, (0, 0), 9.0 * unit) * 0.6
    return picture + halo
