"""Compositing a cut-out into a scene: resampling, pasting, fusing by the model, and a shadow.

Only the window around the person is computed, so the cost depends on the size of the person, not of the scene.
"""

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch

from carousel.collages.context_window import context_window
from carousel.fusion.inference import CONTEXT, relit
from carousel.fusion.network import FusionNetwork
from carousel.staging.cast_shadows import CastShadow, lay_shadow
from carousel.staging.person_cutout import VISIBLE, PersonCutout
from carousel.staging.placement import PersonPlacement
from carousel.staging.scene_light import SceneLight, lay_on_light, read_scene_light
from carousel.staging.shadows import contact_shadow, darken
from common.alpha import premultiplied, straight
from common.errors import UserError

OUTSIDE = "settings X, FOOT and HEIGHT place the person outside the scene; change one of them"

Window = tuple[slice, slice]


@dataclass(frozen=True)
class PlacedCutout:
    """A cut-out resampled to its place in the scene, as far as it lies inside.

    Attributes:
        colours: (h, w, 3) uint8 in the window, 0 where alpha is 0.
        alpha: (h, w) float32 in [0, 1].
        window: rows and columns of the scene around the person that the model sees.
        height: height of the whole person, px.
        enlarged: scale from the cut-out's pixels to the scene's.
    """

    colours: np.ndarray
    alpha: np.ndarray
    window: Window
    height: float
    enlarged: float


@dataclass(frozen=True)
class FusedScene:
    """A finished picture and the plain paste that it is compared with.

    Attributes:
        picture: (H, W, 3) uint8, the scene with the fused person and the shadow.
        pasted: (h, w, 3) uint8, the window with the cut-out pasted by its alpha alone.
        window: rows and columns outside of which the picture equals the scene.
        shaded: number of pixels beside the person that the shadow changed.
        light: the scene's own light on the person.
    """

    picture: np.ndarray
    pasted: np.ndarray
    window: Window
    shaded: int
    light: SceneLight


def place_cutout(cutout: PersonCutout, placement: PersonPlacement, scene_shape: tuple[int, int]) -> PlacedCutout:
    """Resample a cut-out for its place in a scene.

    Colours are premultiplied by alpha in 16 bits, without rounding, so that transparent pixels do not mix in.
    Shrinking averages areas, enlarging is cubic.

    Args:
        cutout: the person.
        placement: position and size.
        scene_shape: height and width of the scene.

    Raises:
        UserError: the person lies outside the scene.
    """
    scale = placement.height / cutout.height
    left = placement.x - scale * (cutout.box[0] + cutout.silhouette.foot * (cutout.box[2] - cutout.box[0]))
    top = placement.foot - scale * cutout.box[3]
    window = _window(cutout, scale, (left, top), scene_shape)
    resampled = _resampled(premultiplied(cutout.rgba), scale, (left, top), window)
    colours, alpha = straight(resampled)
    if alpha.max(initial=0) < VISIBLE / 255:
        raise UserError(OUTSIDE)
    return PlacedCutout(colours, alpha, window, placement.height, scale)


def fuse_cutout(
    scene: np.ndarray,
    placed: PlacedCutout,
    network: FusionNetwork,
    device: torch.device,
    *,
    strength: float,
    shadow: float,
    scene_light: float,
    cast: CastShadow | None = None,
) -> FusedScene:
    """Paste and fuse a placed cut-out.

    Args:
        scene: (H, W, 3) uint8, not changed.
        placed: result of `place_cutout`.
        network: result of `carousel.fusion.inference.load_model`.
        device: device of the network.
        strength: share of the predicted change of colour that is applied, 0 to 1.
        shadow: strength of the contact shadow, 0 to 1; only shadows change pixels outside the cut-out.
        scene_light: strength of the scene's own light, 0 to 1; see `scene_light.py`.
        cast: the shadow that people cast in this scene; None, or a `shadow` of 0: none.
    """
    if shadow > 0 and cast is not None:
        placed = _with_room(placed, math.ceil(cast.length * placed.height), scene.shape)
    part = np.ascontiguousarray(scene[placed.window])
    ground, shaded = part, 0
    if shadow > 0:
        ground = darken(part, contact_shadow(placed.alpha, placed.height), shadow)
        if cast is not None:
            ground = darken(ground, lay_shadow(cast, placed.alpha, placed.height), 1)
        shaded = int(((ground != part).any(axis=2) & (placed.alpha == 0)).sum())
    picture = scene.copy()
    colours = relit(network, device, ground, placed.colours, placed.alpha, strength=strength)
    light = read_scene_light(scene, colours, placed.alpha, placed.window)
    colours = lay_on_light(light, part, colours, placed.alpha, original=placed.colours, strength=scene_light)
    picture[placed.window] = paste(ground, colours, placed.alpha)
    return FusedScene(picture, paste(part, placed.colours, placed.alpha), placed.window, shaded, light)


def paste(background: np.ndarray, colours: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Blend (H, W, 3) uint8 colours over a background by (H, W) float32 alpha; alpha 0 keeps the background exactly."""
    return cv2.blendLinear(colours, background, np.ascontiguousarray(alpha), 1 - alpha)


def _with_room(placed: PlacedCutout, room_px: int, scene_shape: tuple[int, ...]) -> PlacedCutout:
    """The same in a window that is wider by some pixels on each side, within the scene."""
    rows, columns = placed.window
    wider = tuple(
        slice(max(0, side.start - room_px), min(size, side.stop + room_px))
        for side, size in zip((rows, columns), scene_shape[:2], strict=True)
    )
    inside = tuple(
        slice(old.start - new.start, old.stop - new.start) for old, new in zip(placed.window, wider, strict=True)
    )
    shape = tuple(side.stop - side.start for side in wider)
    colours, alpha = np.zeros((*shape, 3), np.uint8), np.zeros(shape, np.float32)
    colours[inside], alpha[inside] = placed.colours, placed.alpha
    return replace(placed, colours=colours, alpha=alpha, window=(wider[0], wider[1]))


# ---- resampling ----


def _window(cutout: PersonCutout, scale: float, place: tuple[float, float], scene_shape: tuple[int, int]) -> Window:
    """Rows and columns of the scene that the model sees; the shadow does not extend beyond them.

    Raises:
        UserError: the person lies outside the scene.
    """
    spans = []
    for start, length, size in (
        (place[0], cutout.rgba.shape[1], scene_shape[1]),
        (place[1], cutout.rgba.shape[0], scene_shape[0]),
    ):
        spans.append((max(0, math.floor(start)), min(size, math.ceil(start + scale * length))))
    (left, right), (top, bottom) = spans
    if left >= right or top >= bottom:
        raise UserError(OUTSIDE)
    left, top, right, bottom = context_window((left, top, right, bottom), scene_shape, CONTEXT)
    return slice(top, bottom), slice(left, right)


def _resampled(pixels: np.ndarray, scale: float, place: tuple[float, float], window: Window) -> np.ndarray:
    """Scale the (H, W, 4) uint16 cut-out, put its upper left corner at `place` of the scene, and crop to the window."""
    shape = window[0].stop - window[0].start, window[1].stop - window[1].start
    left, top = place[0] - window[1].start, place[1] - window[0].start
    if scale < 1:
        height, width = pixels.shape[:2]
        size = max(1, round(width * scale)), max(1, round(height * scale))
        return _cropped(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), round(left), round(top), shape)
    middle = (scale - 1) / 2  # pixel centres lie at halves
    matrix = np.array([[scale, 0, round(left) + middle], [0, scale, round(top) + middle]])
    return cv2.warpAffine(pixels, matrix, shape[::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT)


def _cropped(pixels: np.ndarray, left: int, top: int, shape: tuple[int, int]) -> np.ndarray:
    """Copy pixels into an empty window of this shape, cropped at its edges."""
    result = np.zeros((*shape, pixels.shape[2]), pixels.dtype)
    bottom, right = min(shape[0], top + pixels.shape[0]), min(shape[1], left + pixels.shape[1])
    inside = slice(max(0, top), max(0, bottom)), slice(max(0, left), max(0, right))
    result[inside] = pixels[
        inside[0].start - top : inside[0].stop - top, inside[1].start - left : inside[1].stop - left
    ]
    return result
