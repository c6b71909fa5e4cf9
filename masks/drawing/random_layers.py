"""Random shapes, colours and shading for training figures.

Everything is drawn on a `FigureCanvas`, whose layers are composited twice, without and with clothing. All layers of a
figure share one random style (shading, outlines, light), as if drawn by one artist.
"""

import colorsys
from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np

from common.alpha import around

SUBPIXEL_BITS = 4  # OpenCV draws polygons at 1/16 px
Points = np.ndarray  # (N, 2) float, x and y in px
Texture = Callable[[np.ndarray, np.ndarray], np.ndarray]  # from x and y in px to a colour index


@dataclass(frozen=True)
class FigureStyle:
    """The art style of a figure.

    Attributes:
        pixel_art: whether edges are hard; else anti-aliased.
        tones: steps of the shading, 0 for smooth.
        contrast: contrast between light and dark tones, 0 (flat) to 1.
        light: direction to the light in the picture, a unit vector (x, y).
        outline_px: width of outlines, 0 for none.
        outline_body: whether body parts have outlines.
        outline_cloth: whether garments have outlines.
        outline_shade: brightness of outlines relative to the fill, 0 (black) to 0.8.
        outline_grey: 0 for outlines in the hue of the fill, 1 for grey ones.
        grain: strength of the noise in the tones.
    """

    pixel_art: bool
    tones: int
    contrast: float
    light: np.ndarray
    outline_px: int
    outline_body: bool
    outline_cloth: bool
    outline_shade: float
    outline_grey: float
    grain: float


@dataclass
class FigureLayer:
    """One drawn shape.

    Attributes:
        place: rows and columns on the canvas.
        alpha: (h, w) float32 in [0, 1].
        rgb: (h, w, 3) float32 in [0, 255].
        cloth: whether the layer is clothing.
    """

    place: tuple[slice, slice]
    alpha: np.ndarray
    rgb: np.ndarray
    cloth: bool


@dataclass
class FigureCanvas:
    """A square canvas with layers in drawing order."""

    side_px: int
    style: FigureStyle
    rng: np.random.Generator
    layers: list[FigureLayer] = field(default_factory=list)

    def fill(self, shape: Points) -> np.ndarray:
        """Return the coverage of a polygon, (side_px, side_px) float32 in [0, 1]."""
        line = cv2.LINE_8 if self.style.pixel_art else cv2.LINE_AA
        return fill_polygon(shape, (self.side_px, self.side_px), line).astype(np.float32) / 255

    def add(
        self, coverage: np.ndarray, colour: np.ndarray, cloth: bool = False, texture: Texture | None = None
    ) -> None:
        """Shade a shape in one colour (or by a texture) and add it on top."""
        layer = paint(self.rng, coverage, colour, cloth=cloth, texture=texture, style=self.style)
        if layer is not None:
            self.layers.append(layer)

    def flatten(self, clothed: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Composite the layers, with or without clothing.

        Returns:
            (H, W, 3) float32 premultiplied colours in [0, 255], (H, W) float32 alpha in [0, 1], and (H, W) float32:
            the part of the visible colour that is clothing, in [0, 1].
        """
        shape = (self.side_px, self.side_px)
        rgb, alpha, cloth = np.zeros((*shape, 3), np.float32), np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        for layer in self.layers:
            if layer.cloth and not clothed:
                continue
            place, rest = layer.place, 1 - layer.alpha
            rgb[place] = rgb[place] * rest[..., None] + layer.rgb * layer.alpha[..., None]
            alpha[place] = alpha[place] * rest + layer.alpha
            cloth[place] = cloth[place] * rest + (layer.alpha if layer.cloth else 0)
        return rgb, alpha, cloth


def fill_polygon(outline: Points, shape: tuple[int, int], line: int) -> np.ndarray:
    """Return the coverage of a polygon, (H, W) uint8 in [0, 255]; `line` is OpenCV's type of edge."""
    points = np.round(outline * (1 << SUBPIXEL_BITS)).astype(np.int32)
    return cv2.fillPoly(np.zeros(shape, np.uint8), [points], 255, line, SUBPIXEL_BITS)


def random_style(rng: np.random.Generator, pixel_art: bool, side_px: int) -> FigureStyle:
    """Return a random style."""
    angle = rng.uniform(0, 2 * np.pi)
    outlined = rng.random() < (0.8 if pixel_art else 0.4)
    width = 1 if pixel_art else int(rng.integers(1, max(2, side_px // 60)))
    return FigureStyle(
        pixel_art=pixel_art,
        tones=int(rng.integers(2, 7)) if rng.random() < (0.85 if pixel_art else 0.25) else 0,
        contrast=float(rng.choice([0.0, 0.3, 0.6, 1.0], p=[0.15, 0.2, 0.35, 0.3])) * rng.uniform(0.6, 1.2),
        light=np.array([np.cos(angle), np.sin(angle)], np.float32),
        outline_px=width if outlined else 0,
        outline_body=rng.random() < 0.9,
        outline_cloth=rng.random() < 0.8,
        outline_shade=float(rng.choice([0.0, rng.uniform(0.05, 0.7)], p=[0.2, 0.8])),
        outline_grey=float(rng.choice([0.0, 1.0, rng.uniform(0, 1)])),
        grain=float(rng.choice([0.0, rng.uniform(0.02, 0.25)], p=[0.6, 0.4])),
    )


def paint(
    rng: np.random.Generator,
    coverage: np.ndarray,
    colour: np.ndarray,
    *,
    cloth: bool,
    texture: Texture | None,
    style: FigureStyle,
) -> FigureLayer | None:
    """Shade a shape as if it were round, add its texture and outline; return None for an empty shape.

    Args:
        rng: random generator of the grain.
        coverage: (H, W) float32 in [0, 1].
        colour: (3,) RGB in [0, 255]; with a texture, the (N, 3) colours that it selects from.
        cloth: whether the layer is clothing.
        texture: returns the index of the colour at each pixel.
        style: style of the whole figure.
    """
    if not coverage.any():
        return None
    place = around(coverage > 0, 0)
    alpha = coverage[place]
    tone = shade(alpha, style, rng)
    if texture is None:
        fill = np.broadcast_to(colour, (*alpha.shape, 3))
    else:
        rows, columns = np.mgrid[place].astype(np.float32)
        fill = np.atleast_2d(colour)[texture(columns, rows) % len(np.atleast_2d(colour))]
    rgb = apply_tone(fill, tone)
    if style.outline_px and (style.outline_cloth if cloth else style.outline_body):
        rgb = draw_outline(rgb, alpha, style)
    return FigureLayer(place, alpha, rgb.astype(np.float32), cloth)


def shade(alpha: np.ndarray, style: FigureStyle, rng: np.random.Generator) -> np.ndarray:
    """Return the tone of each pixel of a shape, -1 (dark) to 1 (light): brighter where it faces the light."""
    reach = max(1.0, 0.35 * min(alpha.shape))
    padded = cv2.copyMakeBorder(alpha, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    soft = cv2.GaussianBlur(padded, (0, 0), reach / 2 + 0.3, borderType=cv2.BORDER_CONSTANT)
    slope_y, slope_x = np.gradient(soft)
    tone = -(style.light[0] * slope_x + style.light[1] * slope_y)[1:-1, 1:-1] * reach * 2 * style.contrast
    if style.grain:
        tone = tone + style.grain * rng.standard_normal(alpha.shape).astype(np.float32) * 0.5
    if style.tones:
        tone = np.round(tone * style.tones) / style.tones
    return np.clip(tone, -1, 1)


def apply_tone(rgb: np.ndarray, tone: np.ndarray) -> np.ndarray:
    """Darken towards a cool shadow by multiplication, lighten towards a warm white."""
    dark, light = np.clip(-tone, 0, 1)[..., None], np.clip(tone, 0, 1)[..., None]
    shadow = np.array([0.35, 0.30, 0.42], np.float32)
    return rgb * (1 - dark * (1 - shadow)) + (np.array([255, 250, 235], np.float32) - rgb) * light * 0.55


def draw_outline(rgb: np.ndarray, alpha: np.ndarray, style: FigureStyle) -> np.ndarray:
    """Darken the inner edge of a shape."""
    size = 2 * style.outline_px + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_CROSS if style.pixel_art else cv2.MORPH_ELLIPSE, (size, size))
    inner = cv2.erode(alpha, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    grey = rgb.mean(axis=2, keepdims=True)
    line = (rgb + (grey - rgb) * style.outline_grey) * style.outline_shade
    return line + (rgb - line) * (inner / np.maximum(alpha, 1e-3))[..., None]


# ---- colours ----


def random_colour(rng: np.random.Generator) -> np.ndarray:
    """Return any colour, (3,) float32 RGB in [0, 255], from vivid to grey."""
    saturation = rng.choice([rng.uniform(0, 0.2), rng.uniform(0.2, 1)])
    return np.array(colorsys.hsv_to_rgb(rng.random(), saturation, rng.uniform(0.08, 1)), np.float32) * 255


def skin_colour(rng: np.random.Generator) -> np.ndarray:
    """Return a skin colour from very dark to very light, sometimes a fantasy one."""
    if rng.random() < 0.25:
        return random_colour(rng)
    hue, value = rng.uniform(0.02, 0.12), rng.uniform(0.2, 1)
    return np.array(colorsys.hsv_to_rgb(hue, rng.uniform(0.15, 0.7), value), np.float32) * 255


def near_colour(rng: np.random.Generator, colour: np.ndarray, low: float = 12, high: float = 60) -> np.ndarray:
    """Return a colour at a Euclidean distance of `low` to `high` from another."""
    step = rng.standard_normal(3)
    step *= rng.uniform(low, high) / np.linalg.norm(step)
    return np.clip(colour + step, 0, 255).astype(np.float32)


def random_texture(rng: np.random.Generator, side_px: int) -> tuple[int, Texture | None]:
    """Return the number of colours and a pattern: mostly plain, else stripes, checks, dots or panels."""
    kind = rng.choice(["plain", "stripes", "checks", "dots", "panel"], p=[0.62, 0.14, 0.08, 0.08, 0.08])
    if kind == "plain":
        return 1, None
    period = max(2.0, rng.uniform(0.02, 0.12) * side_px)
    angle = rng.choice([0, np.pi / 2, rng.uniform(0, np.pi)])
    cos, sin = float(np.cos(angle)), float(np.sin(angle))
    offset, share = rng.uniform(0, period), rng.uniform(0.2, 0.8)

    def along(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return ((x * cos + y * sin + offset) % period) < share * period

    def texture(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        if kind == "stripes":
            return along(x, y).astype(int)
        if kind == "checks":
            return (along(x, y) ^ along(-y, x)).astype(int)
        if kind == "dots":
            return (along(x, y) & along(-y, x)).astype(int)
        return (x * cos + y * sin > (cos + sin) * side_px * (0.3 + 0.4 * share)).astype(int)

    return 2, texture
