"""Painting tools of the drawn scenes and people: coverage of outlines, noise, colours in linear light.

Places are measured in a unit of the caller's (heights of a picture, heights of a body), x to the right, y downwards;
`Raster` says where they lie in pixels. Light is linear; `finish` develops it into an 8-bit picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from carousel.fusion.relighting import to_linear, to_srgb, to_u8
from common.outlines import Outline, ellipse

SHIFT = 4  # OpenCV takes places as whole 16ths of a pixel
Window = tuple[slice, slice]
Colour = np.ndarray  # linear RGB, float32, (3,) or broadcast against (h, w, 3)


def colour(hexadecimal: str) -> np.ndarray:
    """Convert "#rrggbb" to linear RGB, (3,) float32."""
    digits = hexadecimal.lstrip("#")
    srgb = np.array([int(digits[at : at + 2], 16) for at in (0, 2, 4)]) / 255
    return to_linear(srgb).astype(np.float32)


def colours(*hexadecimals: str) -> list[np.ndarray]:
    """Convert several "#rrggbb" to linear RGB."""
    return [colour(hexadecimal) for hexadecimal in hexadecimals]


def points(text: str, left: float = 0.0, top: float = 0.0) -> list[tuple[float, float]]:
    """Read places from one text, "x y, x y, ...", and move them by (left, top)."""
    return [(left + float(x), top + float(y)) for x, y in (place.split() for place in text.split(","))]


def mix(first: np.ndarray, second: np.ndarray, share: float | np.ndarray) -> np.ndarray:
    """Interpolate between two colours; `share` 0 gives the first, 1 the second."""
    return first + (second - first) * share


def smoothstep(low: float, high: float, values: np.ndarray) -> np.ndarray:
    """Rise smoothly from 0 at `low` to 1 at `high`; `high` may be below `low`."""
    t = ((values - low) / (high - low)).clip(0, 1)
    return t * t * (3 - 2 * t)


@dataclass(frozen=True)
class Raster:
    """A grid of pixels over the places of a drawing.

    Attributes:
        width, height: in pixels.
        scale: pixels in a unit.
        left, top: place of the upper left corner.
    """

    width: int
    height: int
    scale: float
    left: float = 0.0
    top: float = 0.0

    def pixels(self, outline: Outline) -> np.ndarray:
        """Convert places to pixels, (N, 2); pixel (0, 0) reaches from 0 to 1."""
        return (np.asarray(outline, float) - (self.left, self.top)) * self.scale

    def window(self, outlines: Sequence[Outline], margin: float = 0.0) -> Window | None:
        """Return rows and columns that hold the outlines and a margin (in units); None if all are outside."""
        points = self.pixels(np.concatenate(outlines))
        low = np.floor(points.min(axis=0) - margin * self.scale).astype(int) - 1
        high = np.ceil(points.max(axis=0) + margin * self.scale).astype(int) + 2
        columns = slice(max(int(low[0]), 0), min(int(high[0]), self.width))
        rows = slice(max(int(low[1]), 0), min(int(high[1]), self.height))
        return (rows, columns) if rows.start < rows.stop and columns.start < columns.stop else None

    def grid(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Return the places of the pixels' centres: x as (1, w) and y as (h, 1), float32."""
        rows, columns = window
        x = (np.arange(columns.start, columns.stop, dtype=np.float32) + 0.5) / np.float32(self.scale)
        y = (np.arange(rows.start, rows.stop, dtype=np.float32) + 0.5) / np.float32(self.scale)
        return x[None] + np.float32(self.left), y[:, None] + np.float32(self.top)

    def coverage(self, outlines: Sequence[Outline], window: Window, blur: float = 0.0) -> np.ndarray:
        """Return how much of each pixel the union of the outlines covers, (h, w) float32 in 0..1.

        Args:
            outlines: closed.
            window: what of the grid is wanted.
            blur: standard deviation of a Gaussian over it, in units.
        """
        rows, columns = window
        mask = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint8)
        fixed = self._fixed(np.concatenate(outlines), window)  # all at once: there may be hundreds
        start = 0
        for outline in outlines:
            cv2.fillPoly(mask, [fixed[start : start + len(outline)]], 255, cv2.LINE_AA, SHIFT)
            start += len(outline)
        return blurred(mask.astype(np.float32) / 255, blur * self.scale)

    def strokes(self, lines: Sequence[Outline], width: float, values: Sequence[float], window: Window) -> np.ndarray:
        """Draw open lines of one width, each with its value in 0..1, over 0.5; (h, w) float32 in -0.5..0.5."""
        rows, columns = window
        picture = np.full((rows.stop - rows.start, columns.stop - columns.start), 128, np.uint8)
        thickness = max(1, round(width * self.scale))
        for line, value in zip(lines, values, strict=True):
            fixed = self._fixed(line, window)
            cv2.polylines(picture, [fixed], False, round(value * 255), thickness, cv2.LINE_AA, SHIFT)
        return (picture.astype(np.float32) - 128) / 255

    def _fixed(self, outline: Outline, window: Window) -> np.ndarray:
        points = self.pixels(outline) - (window[1].start + 0.5, window[0].start + 0.5)
        return np.rint(points * (1 << SHIFT)).clip(-(1 << 26), 1 << 26).astype(np.int32)


def blurred(values: np.ndarray, sigma_px: float) -> np.ndarray:
    """Blur with a Gaussian; a wide one is computed on a smaller picture to save time."""
    if sigma_px < 0.3:
        return values
    factor = int(sigma_px / 2.5)
    if factor < 2:
        return _gaussian(values, sigma_px)
    small = _gaussian(_reduced(values, factor), sigma_px / factor)
    return cv2.resize(small, values.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def slopes(values: np.ndarray, sigma_px: float) -> np.ndarray:
    """Return the change per pixel, to the right and downwards, of the blurred values: (h, w, 2)."""
    factor = max(1, int(sigma_px / 2.5))
    small = _reduced(values, factor) if factor > 1 else values
    if sigma_px >= 0.3:
        small = _gaussian(small, sigma_px / factor)
    kernel, one = np.array([-0.5, 0, 0.5], np.float32) / factor, np.ones(1, np.float32)
    across = cv2.sepFilter2D(small, cv2.CV_32F, kernel, one, borderType=cv2.BORDER_REPLICATE)
    down = cv2.sepFilter2D(small, cv2.CV_32F, one, kernel, borderType=cv2.BORDER_REPLICATE)
    both = np.dstack([across, down])
    return cv2.resize(both, values.shape[1::-1], interpolation=cv2.INTER_CUBIC) if factor > 1 else both


def _reduced(values: np.ndarray, factor: int) -> np.ndarray:
    height, width = values.shape[:2]
    return cv2.resize(values, (-(-width // factor), -(-height // factor)), interpolation=cv2.INTER_AREA)


def _gaussian(values: np.ndarray, sigma_px: float) -> np.ndarray:
    return cv2.GaussianBlur(values, (0, 0), sigma_px, borderType=cv2.BORDER_REPLICATE)


def noise(rng: np.random.Generator, width: int, height: int, cell_px: tuple[float, float], octaves: int) -> np.ndarray:
    """Return smooth noise of several sizes, mean 0, about -1..1, (height, width) float32.

    Args:
        rng: random generator.
        width, height: in pixels.
        cell_px: width and height of the largest blots.
        octaves: each has half the size and half the strength of the one before.
    """
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        columns = max(2, round(width / cell_px[0] * 2**octave) + 1)
        rows = max(2, round(height / cell_px[1] * 2**octave) + 1)
        cells = rng.uniform(-1, 1, (min(rows, height), min(columns, width))).astype(np.float32)
        total += cv2.resize(cells, (width, height), interpolation=cv2.INTER_CUBIC) / 2**octave
    return total


class Canvas:
    """A picture in linear light, painted from far to near; places in heights of the picture.

    Attributes:
        light: (H, W, 3) float32 linear RGB; lamps reach beyond 1.
        raster: the grid.
        aspect: x of the right edge; y of the lower edge is 1.
    """

    def __init__(self, width: int, height: int) -> None:
        self.raster = Raster(width, height, float(height))
        self.aspect = width / height
        self.light = np.zeros((height, width, 3), np.float32)

    @property
    def whole(self) -> Window:
        """Return all rows and columns."""
        return slice(0, self.raster.height), slice(0, self.raster.width)

    def below(self, row: int) -> Window:
        """Return the window of a row and all rows below it."""
        return slice(row, self.raster.height), slice(0, self.raster.width)

    def fill(
        self,
        outlines: Sequence[Outline],
        paint: Colour | tuple[Colour, Colour],
        opacity: float = 1.0,
        blur: float = 0.0,
        texture: np.ndarray | None = None,
    ) -> None:
        """Lay a shape over what is there.

        Args:
            outlines: their union is painted.
            paint: a colour, or the colours of its top and its bottom.
            opacity: 0 to 1.
            blur: softness of the edge, a standard deviation.
            texture: (H, W) of the whole picture, about -1..1; the colour is multiplied by 1 + texture.
        """
        window = self.raster.window(outlines, margin=3 * blur)
        if window is None:
            return
        share = self.raster.coverage(outlines, window, blur)[..., None] * np.float32(opacity)
        tone = self._tone(outlines, window, paint)
        if texture is not None:
            tone = tone * (1 + texture[window][..., None])
        self.light[window] += (tone - self.light[window]) * share

    def shine(
        self, outlines: Sequence[Outline], light: Colour, strength: float = 1.0, blur: float = 0.0, core: float = 0.0
    ) -> None:
        """Add light in a shape; `core` is the strength of the unblurred shape that is added to the blurred one."""
        window = self.raster.window(outlines, margin=3 * blur)
        if window is None:
            return
        sharp = self.raster.coverage(outlines, window)
        share = blurred(sharp, blur * self.raster.scale) * np.float32(strength) + sharp * np.float32(core)
        self.light[window] += light * share[..., None]

    def lamp(
        self, x: float, y: float, radius: float, light: Colour, *, strength: float, blur: float = 0.0, core: float = 0.0
    ) -> None:
        """Add the light of a round lamp; see `shine`."""
        self.shine([ellipse(x, y, radius, radius)], light, strength, blur, core)

    def shade(self, outlines: Sequence[Outline], opacity: float, blur: float, tint: Colour | None = None) -> None:
        """Darken a shape: a shadow. `tint` is the share of the light that remains at opacity 1, none by default."""
        window = self.raster.window(outlines, margin=3 * blur)
        if window is not None:
            share = self.raster.coverage(outlines, window, blur)[..., None] * np.float32(opacity)
            self.light[window] *= 1 - share * (1 - (np.zeros(3, np.float32) if tint is None else tint))

    def glow(self, x: float, y: float, radius: float, light: Colour, strength: float, *, squash: float = 1.0) -> None:
        """Add a soft round glow: full in the middle, nothing at `radius`; `squash` is its height over its width."""
        reach = np.array([[x - radius, y - radius * squash], [x + radius, y + radius * squash]])
        window = self.raster.window([reach])
        if window is None:
            return
        gx, gy = self.raster.grid(window)
        near = (1 - (((gx - x) / radius) ** 2 + ((gy - y) / (radius * squash)) ** 2)).clip(0, 1)
        self.light[window] += (near * near * np.float32(strength))[..., None] * light

    def veil(self, light: Colour, opacity: float | np.ndarray) -> None:
        """Lay haze over everything; `opacity` may be (H, 1) or (H, W)."""
        share = np.asarray(opacity, np.float32)
        self.light += (light - self.light) * (share[..., None] if share.ndim else share)

    def soften(self, sigma: float) -> None:
        """Blur everything painted so far: the background is out of focus."""
        self.light = blurred(self.light, sigma * self.raster.scale)

    def noise(self, rng: np.random.Generator, cell: tuple[float, float], octaves: int) -> np.ndarray:
        """Return (H, W) smooth noise with cells in heights of the picture."""
        cell_px = (cell[0] * self.raster.scale, cell[1] * self.raster.scale)
        return noise(rng, self.raster.width, self.raster.height, cell_px, octaves)

    def _tone(self, outlines: Sequence[Outline], window: Window, paint: Colour | tuple[Colour, Colour]) -> np.ndarray:
        if not isinstance(paint, tuple):
            return paint
        points = np.concatenate(outlines)
        top, bottom = points[:, 1].min(), points[:, 1].max()
        _, y = self.raster.grid(window)
        share = ((y - top) / max(bottom - top, 1e-6)).clip(0, 1).astype(np.float32)
        return mix(paint[0], paint[1], share[..., None])


@dataclass(frozen=True)
class Film:
    """Conversion of light to a picture.

    Attributes:
        exposure: factor of the light.
        shadows, highlights: linear RGB factors by which dark and bright parts are tinted.
        saturation: 1 leaves it.
        vignette: darkening of the corners, 0 to 1.
        grain: standard deviation of the grain, in 8-bit levels.
    """

    exposure: float = 1.0
    shadows: tuple[float, float, float] = (1.0, 1.0, 1.0)
    highlights: tuple[float, float, float] = (1.0, 1.0, 1.0)
    saturation: float = 1.0
    vignette: float = 0.25
    grain: float = 1.7


def bloom(light: np.ndarray, strength: float) -> np.ndarray:
    """Return the light that bright parts spread in lens and haze, (H, W, 3) linear RGB."""
    height = light.shape[0]
    bright = (light - 0.8).clip(0, 6)
    small = cv2.resize(bright, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    spread = sum(
        blurred(small, height * sigma / 4) * share for sigma, share in ((0.012, 0.5), (0.045, 0.35), (0.12, 0.3))
    )
    return cv2.resize(np.asarray(spread), light.shape[1::-1], interpolation=cv2.INTER_LINEAR) * np.float32(strength)


def develop(light: np.ndarray, film: Film) -> np.ndarray:
    """Convert light to sRGB in [0, 1], float32: exposure, soft shoulder, split toning and vignette; no grain."""
    height, width = light.shape[:2]
    y, x = np.linspace(-1, 1, height, dtype=np.float32)[:, None], np.linspace(-1, 1, width, dtype=np.float32)[None]
    fall = 1 - np.float32(film.vignette) * smoothstep(0.35, 1.7, x * x * 0.9 + y * y * 0.8)
    exposed = light * (fall * np.float32(film.exposure))[..., None]
    luma = exposed @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    exposed = luma[..., None] + (exposed - luma[..., None]) * np.float32(film.saturation)
    tone = smoothstep(0.0, 0.5, luma)[..., None]
    tint = mix(np.array(film.shadows, np.float32), np.array(film.highlights, np.float32), tone)
    return to_srgb(shoulder(exposed.clip(0, None) * tint)).astype(np.float32)


def shoulder(light: np.ndarray) -> np.ndarray:
    """Leave light below the knee unchanged and compress light above it to less than 1."""
    knee = 0.55
    over = (light - knee).clip(0, None) / (1 - knee)
    return np.minimum(light, knee) + (1 - knee) * over / (1 + over)


def film_grain(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """Return grain about one pixel wide, standard deviation about 1, (H, W, 3) float32."""
    grey = rng.standard_normal((height, width, 1), np.float32)
    own = rng.standard_normal((height, width, 3), np.float32)
    return cv2.GaussianBlur(grey * np.float32(0.95) + own * np.float32(0.4), (0, 0), 0.55) * np.float32(1.7)


def to_picture(srgb: np.ndarray, grain: np.ndarray, film: Film) -> np.ndarray:
    """Add grain, strongest in the middle tones, and round; (H, W, 3) uint8."""
    middle = 0.35 + 2.6 * srgb * (1 - srgb)
    return to_u8(srgb + grain * middle * np.float32(film.grain / 255))
