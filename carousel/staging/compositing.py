"""A figure put into a scene: resampled, pasted, fused by the model, with a shadow; all else stays as it is.

Only the window around the figure is computed; a scene of any size costs what the person in it costs.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from carousel.collages.context_window import context_window
from carousel.fusion.inference import CONTEXT, fuse
from carousel.fusion.network import FusionNetwork
from carousel.staging.figures import VISIBLE, Figure
from carousel.staging.placement import Spot
from carousel.staging.shadows import contact_shadow, darken
from common.errors import UserError

OUTSIDE = "settings X, FOOT and HEIGHT put the person outside the scene"
FULL = 255 * 255  # of a premultiplied channel, 16 bits

Window = tuple[slice, slice]


@dataclass(frozen=True)
class Placed:
    """A figure at its size and place in the scene, as far as it lies inside.

    Attributes:
        colours: (h, w, 3) uint8 of the window, 0 where nothing of the figure is.
        alpha: (h, w) float32 in [0, 1].
        window: rows and columns of the scene: the figure and what the model sees around it.
        height: of the whole figure, px.
        enlarged: factor from the cut-out's pixels to the scene's.
    """

    colours: np.ndarray
    alpha: np.ndarray
    window: Window
    height: float
    enlarged: float


@dataclass(frozen=True)
class Fused:
    """A finished picture and what it is compared with.

    Attributes:
        picture: (H, W, 3) uint8, what the model made of scene and figure, with the shadow.
        pasted: (h, w, 3) uint8 of the window: the figure on the scene by nothing but its alpha.
        window: rows and columns outside of which the picture is the scene.
        shaded: pixels beside the figure that the shadow changed.
    """

    picture: np.ndarray
    pasted: np.ndarray
    window: Window
    shaded: int


def put(figure: Figure, spot: Spot, scene_shape: tuple[int, int]) -> Placed:
    """Resample a figure for its place in a scene.

    Colours are premultiplied by alpha in 16 bits, without rounding, so that nothing of what is transparent mixes in.
    Downwards every pixel is the mean of the area that it covers, upwards cubic.

    Args:
        figure: the cut-out.
        spot: where it stands.
        scene_shape: its height and width.

    Raises:
        UserError: nothing of the figure lies inside the scene.
    """
    scale = spot.height / figure.height
    left = spot.x - scale * (figure.box[0] + figure.silhouette.foot * (figure.box[2] - figure.box[0]))
    top = spot.foot - scale * figure.box[3]
    window = _window(figure, scale, (left, top), scene_shape)
    premultiplied = _resampled(_premultiplied(figure.rgba), scale, (left, top), window)
    colours, alpha = _straight(premultiplied)
    if alpha.max(initial=0) < VISIBLE / 255:
        raise UserError(OUTSIDE)
    return Placed(colours, alpha, window, spot.height, scale)


def fuse_into(scene: np.ndarray, placed: Placed, network: FusionNetwork, device: torch.device, shadow: float) -> Fused:
    """Paste and fuse a figure.

    Args:
        scene: (H, W, 3) uint8, not changed.
        placed: the figure, from `put`.
        network: from `carousel.fusion.inference.load_model`.
        device: where it lies.
        shadow: strength of the contact shadow, 0 to 1; above 0 it alone changes pixels beside the figure.
    """
    part = np.ascontiguousarray(scene[placed.window])
    ground, shaded = part, 0
    if shadow > 0:
        ground = darken(part, contact_shadow(placed.alpha, placed.height), shadow)
        shaded = int(((ground != part).any(axis=2) & (placed.alpha == 0)).sum())
    picture = scene.copy()
    picture[placed.window] = fuse(network, device, ground, placed.colours, placed.alpha)
    return Fused(picture, paste(part, placed.colours, placed.alpha), placed.window, shaded)


def paste(background: np.ndarray, colours: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Alpha blending, (H, W, 3) uint8 twice and (H, W) float32: where alpha is 0 the background stays bit for bit."""
    return cv2.blendLinear(colours, background, np.ascontiguousarray(alpha), 1 - alpha)


# ---- resampling ----


def _window(figure: Figure, scale: float, place: tuple[float, float], scene_shape: tuple[int, int]) -> Window:
    """Rows and columns of the scene that the model sees; the shadow does not reach beyond them.

    Raises:
        UserError: the figure lies outside the scene.
    """
    spans = []
    for start, length, size in (
        (place[0], figure.rgba.shape[1], scene_shape[1]),
        (place[1], figure.rgba.shape[0], scene_shape[0]),
    ):
        spans.append((max(0, math.floor(start)), min(size, math.ceil(start + scale * length))))
    (left, right), (top, bottom) = spans
    if left >= right or top >= bottom:
        raise UserError(OUTSIDE)
    left, top, right, bottom = context_window((left, top, right, bottom), scene_shape, CONTEXT)
    return slice(top, bottom), slice(left, right)


def _premultiplied(rgba: np.ndarray) -> np.ndarray:
    """(H, W, 4) uint8 to uint16 in 0 to FULL."""
    alpha = rgba[..., 3]
    by = cv2.merge([alpha, alpha, alpha, np.full_like(alpha, 255)])
    return cv2.multiply(rgba, by, dtype=cv2.CV_16U)


def _resampled(pixels: np.ndarray, scale: float, place: tuple[float, float], window: Window) -> np.ndarray:
    """The (H, W, 4) uint16 cut-out, scaled, its upper left corner at `place` of the scene, as the window shows it."""
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
    """Pixels laid on an empty window of this shape, what lies outside cut off."""
    result = np.zeros((*shape, pixels.shape[2]), pixels.dtype)
    bottom, right = min(shape[0], top + pixels.shape[0]), min(shape[1], left + pixels.shape[1])
    inside = slice(max(0, top), max(0, bottom)), slice(max(0, left), max(0, right))
    result[inside] = pixels[
        inside[0].start - top : inside[0].stop - top, inside[1].start - left : inside[1].stop - left
    ]
    return result


def _straight(premultiplied: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Undo `_premultiplied`: (H, W, 3) uint8, 0 where nothing is visible, and (H, W) float32 alpha in [0, 1]."""
    weight = np.ascontiguousarray(premultiplied[..., 3])
    weight[weight < FULL // 255] = 0
    colours = cv2.divide(premultiplied[..., :3], cv2.merge([weight] * 3), scale=255, dtype=cv2.CV_8U)
    return colours, np.divide(np.minimum(weight, FULL), FULL, dtype=np.float32)  # cubic interpolation overshoots
