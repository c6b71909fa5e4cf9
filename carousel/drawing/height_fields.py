"""Drawn figures as height fields (normals), so that they can be relit.

A figure is painted layer by layer. Each layer also gets surface normals, estimated from its outline: round at the edge,
facing the viewer in the middle (Johnston 2002, "Lumo: illumination for cel animation", NPAR). Light falls on all layers
at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from carousel.drawing.canvas import Raster, Window, blurred, mix, noise, slopes, smoothstep
from common.outlines import Outline

Pattern = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]  # x, y, colour -> colour at each pixel
STEEPEST = 0.985  # of a normal's sine: an edge is never quite turned away


@dataclass(frozen=True)
class Lamp:
    """A directional light.

    Attributes:
        direction: towards the light: x to the right, y up, z to the viewer; any length.
        light: linear RGB.
        wrap: 0 for a point light, towards 1 for a large soft light that wraps around the form.
    """

    direction: tuple[float, float, float]
    light: np.ndarray
    wrap: float = 0.15


@dataclass(frozen=True)
class Lighting:
    """All light at one place of a scene.

    Attributes:
        sky: light from above, linear RGB.
        ground: light from below.
        lamps: directional lights.
        haze: colour of the air.
        haze_share: opacity of the haze in front of the figure, 0 to 1.
    """

    sky: np.ndarray
    ground: np.ndarray
    lamps: tuple[Lamp, ...]
    haze: np.ndarray = field(default_factory=lambda: np.zeros(3, np.float32))
    haze_share: float = 0.0


@dataclass(frozen=True)
class DrawnFigure:
    """An unlit person.

    Attributes:
        albedo: (H, W, 3) linear RGB.
        normal: (H, W, 3) unit vectors, x to the right, y up, z to the viewer.
        alpha: (H, W) 0..1.
        openness: (H, W) 0..1, share of the ambient light that reaches the surface.
        gloss: (H, W) 0..1.
        flesh: (H, W) 0..1, skin, where light scatters beyond the edge of shadows.
        foot: x, y in pixels of the point on the ground below the middle of the body.
        height_px: height of the standing body.
    """

    albedo: np.ndarray
    normal: np.ndarray
    alpha: np.ndarray
    openness: np.ndarray
    gloss: np.ndarray
    flesh: np.ndarray
    foot: tuple[float, float]
    height_px: float


@dataclass(frozen=True)
class Material:
    """Material of a layer.

    Attributes:
        colour: linear RGB.
        gloss: 0 (matt) to 1.
        flesh: 1 for skin, in which light scatters.
        weave: strength of a fine texture.
        pattern: printed pattern.
    """

    colour: np.ndarray
    gloss: float = 0.0
    flesh: bool = False
    weave: float = 0.05
    pattern: Pattern | None = None


class Sculpture:
    """A figure while it is painted; places are in heights of a standing adult, the ground at y = 0."""

    def __init__(self, rng: np.random.Generator, raster: Raster) -> None:
        height, width = raster.height, raster.width
        self.raster = raster
        self.albedo = np.zeros((height, width, 3), np.float32)
        self.slope = np.zeros((height, width, 2), np.float32)  # x and y of the normal, y downwards
        self.alpha, self.gloss, self.flesh = (np.zeros((height, width), np.float32) for _ in range(3))
        self.openness = np.ones((height, width), np.float32)
        cell = 0.05 * raster.scale
        self._blots = noise(rng, width, height, (cell, cell), 4)

    def add(
        self,
        outlines: Sequence[Outline],
        stuff: Material,
        rounding: float,
        shadow: float = 0.0,
        seam: tuple[float, float, float] | None = None,
        *,
        cut: Sequence[Outline] = (),
    ) -> None:
        """Add a part on top of the figure.

        Args:
            outlines: their union is the part.
            stuff: what it is made of.
            rounding: how far from its edge the part is round; about half its width for a limb.
            shadow: how strongly it darkens what lies below and around it, 0 to 1.
            seam: x, y, radius of a place where its form passes into what lies below (a shoulder).
            cut: outlines of what is taken away.
        """
        window = self.raster.window(outlines, margin=2 * rounding + 0.02)
        if window is None:
            return
        mask = self.raster.coverage(outlines, window)
        if cut:
            mask *= 1 - self.raster.coverage(cut, window)
        if shadow:
            self._shadow(mask, window, shadow, rounding, seam)
        slope = self._rounded(mask, rounding)
        weight = mask if seam is None else mask * self._away_from(seam, window)
        self.slope[window] += (slope - self.slope[window]) * weight[..., None]
        self.openness[window] += (1 - self.openness[window]) * weight
        tone = self._tone(stuff, window)
        self.albedo[window] += (tone - self.albedo[window]) * mask[..., None]
        for layer, value in ((self.gloss, stuff.gloss), (self.flesh, float(stuff.flesh)), (self.alpha, 1.0)):
            layer[window] += (np.float32(value) - layer[window]) * mask

    def paint(
        self,
        outlines: Sequence[Outline],
        colour: np.ndarray,
        opacity: float = 1.0,
        blur: float = 0.0,
        gloss: float = -1,
    ) -> None:
        """Colour a shape without changing its form: lips, a print, a blush."""
        window = self.raster.window(outlines, margin=3 * blur)
        if window is None:
            return
        share = self.raster.coverage(outlines, window, blur) * np.float32(opacity)
        self.albedo[window] += (colour - self.albedo[window]) * share[..., None]
        if gloss >= 0:
            self.gloss[window] += (np.float32(gloss) - self.gloss[window]) * share

    def darken(self, outlines: Sequence[Outline], opacity: float, blur: float) -> None:
        """Reduce the ambient light in a shape: under a brim, between the legs."""
        window = self.raster.window(outlines, margin=3 * blur)
        if window is not None:
            self.openness[window] *= 1 - self.raster.coverage(outlines, window, blur) * np.float32(opacity)

    def emboss(self, outlines: Sequence[Outline], height: float, blur: float) -> None:
        """Raise the surface in a soft shape, or lower it with a negative height: a nose, a fold."""
        window = self.raster.window(outlines, margin=3 * blur)
        if window is not None:
            bump = slopes(self.raster.coverage(outlines, window), blur * self.raster.scale)
            self.slope[window] -= bump * np.float32(height * self.raster.scale)

    def comb(
        self,
        lines: Sequence[Outline],
        values: Sequence[float],
        width: float,
        height: float,
        within: Sequence[Outline],
        *,
        tint: float = 0.0,
    ) -> None:
        """Raise and lower fine open lines within a shape: strands of hair, creases; `tint` varies their colour."""
        window = self.raster.window(within)
        if window is None or not lines:
            return
        inside = self.raster.coverage(within, window)
        drawn = self.raster.strokes(lines, width, values, window) * inside
        soft = 0.4 * width * self.raster.scale
        self.slope[window] -= slopes(drawn, soft) * np.float32(height * self.raster.scale)
        if tint:
            self.albedo[window] *= (1 + blurred(drawn, soft) * np.float32(tint))[..., None].clip(0.2, 2)

    def finish(self, foot: tuple[float, float], height: float) -> DrawnFigure:
        """Normalise the normals and crop the figure to its covered part; `foot` and `height` in units."""
        raster = self.raster
        rows, columns = (np.flatnonzero(self.alpha.max(axis=axis) > 0.002) for axis in (1, 0))
        window = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
        slope = self.slope[window]
        length = np.sqrt((slope**2).sum(axis=2))
        slope = slope * (np.minimum(length, STEEPEST) / np.maximum(length, 1e-6))[..., None]
        facing = np.sqrt(1 - (slope**2).sum(axis=2))
        normal = np.dstack([slope[..., 0], -slope[..., 1], facing])
        x, y = raster.pixels(np.array([foot]))[0]
        return DrawnFigure(
            self.albedo[window],
            normal,
            self.alpha[window],
            self.openness[window],
            self.gloss[window],
            self.flesh[window],
            foot=(float(x - window[1].start), float(y - window[0].start)),
            height_px=height * raster.scale,
        )

    def _rounded(self, mask: np.ndarray, rounding: float) -> np.ndarray:
        """Return slopes of a rounded form: the gradient of the blurred mask, 1 at a straight edge."""
        sigma = rounding * self.raster.scale
        wide = slopes(mask, sigma) * np.float32(sigma * 2.2)
        narrow = slopes(mask, sigma * 0.3) * np.float32(sigma * 0.3 * 2.2)
        return -(wide * 0.85 + narrow * 0.3)

    def _shadow(
        self,
        mask: np.ndarray,
        window: Window,
        strength: float,
        rounding: float,
        seam: tuple[float, float, float] | None,
    ) -> None:
        offset = rounding * 0.35 * self.raster.scale
        moved = cv2.warpAffine(mask, np.array([[1, 0, 0], [0, 1, offset]], np.float32), mask.shape[::-1])
        fallen = blurred(np.maximum(mask, moved), 0.45 * rounding * self.raster.scale) * np.float32(strength)
        if seam is not None:
            fallen = fallen * self._away_from(seam, window)
        self.openness[window] *= 1 - fallen

    def _away_from(self, seam: tuple[float, float, float], window: Window) -> np.ndarray:
        x, y = self.raster.grid(window)
        distance = np.sqrt((x - seam[0]) ** 2 + (y - seam[1]) ** 2) / np.float32(seam[2])
        return smoothstep(0.55, 1.6, distance)

    def _tone(self, stuff: Material, window: Window) -> np.ndarray:
        tone = np.broadcast_to(stuff.colour, (*self.alpha[window].shape, 3))
        if stuff.pattern is not None:
            x, y = self.raster.grid(window)
            tone = stuff.pattern(x + 0 * y, y + 0 * x, tone)
        return tone * (1 + self._blots[window] * np.float32(stuff.weave))[..., None]


def relight(figure: DrawnFigure, lighting: Lighting) -> np.ndarray:
    """Light a figure: (H, W, 3) linear RGB, not multiplied by alpha.

    Ambient light from sky and ground by the direction of the surface (hemisphere lighting), wrapped diffuse light and a
    Blinn-Phong highlight of each lamp; through skin, red light reaches further around the form.
    """
    normal, flesh = figure.normal, figure.flesh[..., None]
    upward = (0.5 + 0.5 * normal[..., 1:2]) * 0.8 + 0.2
    light = mix(lighting.ground, lighting.sky, upward) * (0.25 + 0.75 * figure.openness[..., None])
    shine = np.zeros_like(light)
    closed = (0.35 + 0.65 * figure.openness)[..., None]
    for lamp in lighting.lamps:
        direction = np.array(lamp.direction, np.float32)
        direction /= np.sqrt((direction**2).sum())
        cosine = (normal @ direction)[..., None]
        wrap = np.float32(lamp.wrap) + flesh * np.array([0.15, 0.06, 0.04], np.float32)
        diffuse = ((cosine + wrap) / (1 + wrap)).clip(0, 1)
        light = light + lamp.light * diffuse * closed
        half = direction + np.array([0, 0, 1], np.float32)
        half /= np.sqrt((half**2).sum())
        sharp = (normal @ half).clip(0, 1) ** 18
        shine += lamp.light * (sharp * figure.gloss * figure.openness)[..., None]
    lit = figure.albedo * light + shine * 0.5
    return mix(lit, lighting.haze, lighting.haze_share).astype(np.float32)
