"""Parts of every drawn scene: a ground in perspective, haze, light, and functions that paint sky and ground.

Sizes of things are in metres; `Ground` converts them to heights of the picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from carousel.drawing.canvas import Canvas, Colour, Film, Window, blurred, colour, colours, mix, points, smoothstep
from carousel.drawing.height_fields import Lamp, Lighting
from common.outlines import Outline, box, ellipse, hull

FOCAL = 1.1  # focal length in heights of the picture: a moderate wide angle
NOISE_SIDE = 256
FILL = np.float32(1.2)  # extra ambient light on people: a photographer exposes for faces
WHITE = np.ones(3, np.float32)


@dataclass(frozen=True)
class Ground:
    """Flat ground below a camera.

    Attributes:
        horizon: y of the horizon in the picture.
        camera: height of the camera over the ground, in metres.
    """

    horizon: float
    camera: float

    def foot(self, distance: float) -> float:
        """Return y of the ground at a distance in metres."""
        return self.horizon + FOCAL * self.camera / distance

    def metre(self, y: float) -> float:
        """Return the heights of the picture in a metre of a thing whose foot is at y."""
        return (y - self.horizon) / self.camera

    def distance(self, y: float) -> float:
        """Return the metres to the ground at y."""
        return FOCAL * self.camera / max(y - self.horizon, 1e-4)


@dataclass(frozen=True)
class Spot:
    """A place on the ground where a thing stands; its shapes are given in metres from there, y upwards.

    Attributes:
        x, foot: the place in the picture.
        metre: heights of the picture in a metre of the thing.
    """

    x: float
    foot: float
    metre: float

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Convert a place of the thing to the picture."""
        return self.x + x * self.metre, self.foot - y * self.metre

    def path(self, text: str, side: int = 1) -> list[tuple[float, float]]:
        """Convert places "x y, x y, ..." to the picture; a `side` of -1 mirrors them."""
        return [(self.x + side * x * self.metre, self.foot - y * self.metre) for x, y in points(text)]

    def hull(self, text: str) -> Outline:
        """Return the rubber band around circles "x y radius, ..."."""
        circles = [[float(number) for number in circle.split()] for circle in text.split(",")]
        m = self.metre
        return hull(*((self.x + x * m, self.foot - y * m, radius * m) for x, y, radius in circles))

    def disc(self, x: float, y: float, radius_x: float, radius_y: float) -> Outline:
        """Return an ellipse around (x, y)."""
        m = self.metre
        return ellipse(self.x + x * m, self.foot - y * m, radius_x * m, radius_y * m)

    def box(self, left: float, top: float, width: float, height: float) -> Outline:
        """Return a rectangle from its upper left corner."""
        m = self.metre
        return box(self.x + left * m, self.foot - top * m, width * m, height * m)


@dataclass(frozen=True)
class Bulb:
    """A lamp in the scene.

    Attributes:
        x, y: place in the picture.
        depth: metres nearer to the camera (positive) or farther (negative) than the thing it lights.
        light: linear RGB at `reach`.
        reach: distance in heights of the picture at which its light is `light`.
        wrap: softness, see Lamp.
    """

    x: float
    y: float
    depth: float
    light: Colour
    reach: float = 0.6
    wrap: float = 0.2


@dataclass
class SceneBuilder:
    """A scene while it is painted, and the light on the people in it.

    Attributes:
        rng: random generator.
        canvas: the picture so far.
        ground: the perspective.
        palette: the main colours of the scene, linear RGB.
        sky, bounce: ambient light from above and below.
        sun: the distant light, or None.
        bulbs: lamps in the scene.
        haze, haze_per_metre: colour of the air, and how fast its opacity grows.
        style: a style of clothes, one of STYLES.
        poses: "lively" or "calm".
        film: conversion of light to the picture.
        bloom: strength of the glare around bright parts.
        front: light in front of the people, such as flakes, or None.
        shadow: opacity of shadows on the ground, 0 to 1.
        floor: range of x where people may stand, as shares of the width.
    """

    rng: np.random.Generator
    canvas: Canvas
    ground: Ground
    palette: list[Colour]
    sky: Colour = field(default_factory=lambda: np.full(3, 0.4, np.float32))
    bounce: Colour = field(default_factory=lambda: np.full(3, 0.2, np.float32))
    sun: Lamp | None = None
    bulbs: list[Bulb] = field(default_factory=list)
    haze: Colour = field(default_factory=lambda: np.zeros(3, np.float32))
    haze_per_metre: float = 0.0
    style: str = "summer"
    poses: str = "calm"
    film: Film = field(default_factory=Film)
    bloom: float = 0.5
    front: np.ndarray | None = None
    shadow: float = 0.6
    floor: tuple[float, float] = (0.1, 0.9)

    @property
    def aspect(self) -> float:
        """Return x of the right edge."""
        return self.canvas.aspect

    def across(self, share: float) -> float:
        """Return x at a share of the picture's width."""
        return self.canvas.aspect * share

    def spot(self, x: float, distance: float, size: float = 1.0) -> Spot:
        """Return the place of a thing on the ground at a distance in metres; `size` scales the thing."""
        foot = self.ground.foot(distance)
        return Spot(x, foot, self.ground.metre(foot) * size)

    def in_air(self, tone: Colour, distance: float) -> Colour:
        """Return a colour seen through the haze."""
        return mix(tone, self.haze, 1 - float(np.exp(-self.haze_per_metre * distance)))

    def lit(self, albedo: Colour, toward: float = 0.5, open_to: float = 1.0, distance: float = 0.0) -> Colour:
        """Return a thing's colour in this light: `toward` the sun 0 to 1, `open_to` the sky 0 to 1."""
        light = self.sky * (0.3 + 0.5 * open_to) + self.bounce * 0.4
        if self.sun is not None:
            light = light + self.sun.light * toward
        return self.in_air(albedo * light, distance)

    def lighting(self, x: float, y: float, chest: float, distance: float) -> Lighting:
        """Return all light on a person with the chest at (x, chest) and the feet at y."""
        metre = self.ground.metre(y)
        lamps = [self.sun] if self.sun is not None else []
        for bulb in self.bulbs:
            away = np.array([bulb.x - x, chest - bulb.y, bulb.depth * metre * 0.5])
            reach = float(np.sqrt((away**2).sum()))
            strength = min(1.6, (bulb.reach / max(reach, 0.05)) ** 1.2)
            direction = (float(away[0]), float(away[1]), float(away[2]))
            lamps.append(Lamp(direction, calmed(bulb.light) * strength, bulb.wrap))
        share = 1 - float(np.exp(-self.haze_per_metre * distance))
        return Lighting(self.sky * FILL, self.bounce * FILL, tuple(lamps), self.haze, share)


def begin_scene(rng: np.random.Generator, canvas: Canvas, palettes: Sequence[tuple[str, ...]]) -> SceneBuilder:
    """Start a scene with a random camera and one of several palettes of "#rrggbb"."""
    palette = colours(*rng.choice(palettes))
    return SceneBuilder(rng, canvas, random_view(rng), palette)


def either_side(rng: np.random.Generator) -> int:
    """Choose -1 for left or 1 for right."""
    return 1 if rng.random() < 0.5 else -1


def random_view(rng: np.random.Generator) -> Ground:
    """Choose a camera between 1.2 m and 2.1 m high; a low camera sees more sky."""
    height = rng.uniform(0, 1)
    return Ground(0.60 - 0.15 * height + rng.normal(0, 0.012), 1.2 + 0.9 * height)


def calmed(light: Colour) -> Colour:
    """Reduce the saturation of a lamp's light: no place is lit by one lamp alone."""
    return mix(light, np.full(3, light.mean(), np.float32), 0.22)


def paint_sky(setting: SceneBuilder, tones: Sequence[tuple[float, Colour]]) -> None:
    """Paint a sky from tones and their places, 0 at the top, 1 at the horizon."""
    canvas, horizon = setting.canvas, setting.ground.horizon
    _, y = canvas.raster.grid(canvas.whole)
    at = (y[:, 0] / max(horizon, 0.01)).clip(0, 1.4)
    places = [place for place, _ in tones]
    channels = [np.interp(at, places, [float(tone[i]) for _, tone in tones]) for i in range(3)]
    canvas.light[:] = np.stack(channels, axis=1).astype(np.float32)[:, None]


def paint_clouds(setting: SceneBuilder, bright: Colour, dark: Colour, cover: float, size: float) -> None:
    """Paint clouds that flatten towards the horizon, lit from above; `cover` 0 to 1."""
    canvas, horizon = setting.canvas, setting.ground.horizon
    window = (slice(0, int(horizon * canvas.raster.height)), canvas.whole[1])
    shape = canvas.noise(setting.rng, (size, size * 0.36), 5)[window]
    _, y = canvas.raster.grid(window)
    edge = 0.75 - 1.1 * cover
    density = smoothstep(edge, edge + 0.55, shape)
    risen = np.roll(shape, -max(1, int(0.018 * canvas.raster.height)), axis=0)
    lit = smoothstep(-0.10, 0.16, shape - risen) * 0.7 + 0.3 * (1 - density)
    tone = mix(dark, bright, lit[..., None])
    fade = smoothstep(1.0, 0.72, y / horizon)
    canvas.light[window] += (tone - canvas.light[window]) * (density * fade * np.float32(0.92))[..., None]


def paint_stars(setting: SceneBuilder, count: int, strength: float) -> None:
    """Paint stars above the horizon."""
    rng, canvas = setting.rng, setting.canvas
    for _ in range(count):
        x, y = rng.uniform(0, setting.aspect), setting.ground.horizon * rng.uniform(0, 0.9) ** 1.3
        size = 0.0011 + 0.0012 * rng.random() ** 3
        canvas.shine([ellipse(x, y, size, size)], colour("#cfd8ff"), strength * rng.uniform(0.2, 1))


def paint_hills(
    setting: SceneBuilder,
    albedo: Colour,
    height: float,
    distance: float,
    *,
    rough: float = 0.5,
    tooth: float = 0.0,
    low: float = 0.01,
) -> None:
    """Paint a ridge across the picture, its foot `low` below the horizon; `tooth` adds treetops."""
    rng, canvas, y = setting.rng, setting.canvas, setting.ground.horizon + low
    x = np.linspace(-0.05, setting.aspect + 0.05, 160)
    line = np.zeros_like(x)
    for wave in range(1, 6):
        line += np.sin(x * wave * rng.uniform(1.2, 2.6) + rng.uniform(0, 6.3)) * rough ** (wave - 1) / 2
    top = y - height * (0.6 + 0.4 * line) - tooth * np.abs(rng.normal(0, 1, len(x)))
    outline = np.concatenate([np.stack([x, top], axis=1), [[x[-1], y + 0.3], [x[0], y + 0.3]]])
    near = setting.lit(albedo, 0.35, distance=distance)
    canvas.fill([outline], (near, mix(near, setting.haze, 0.35)))


def paint_ground(
    setting: SceneBuilder,
    near: Colour,
    far: Colour,
    grain: float,
    stretch: tuple[float, float] = (1.0, 1.0),
    *,
    metres: float,
    top: float | None = None,
) -> None:
    """Paint ground from the horizon to the lower edge, with noise in perspective.

    Args:
        setting: the scene.
        near, far: lit colour of the ground at the lower edge and at the horizon.
        grain: strength of the noise.
        stretch: stretch of the noise along x and into the depth.
        metres: side of the noise's tile.
        top: y where it begins; the horizon where None.
    """
    canvas, horizon = setting.canvas, setting.ground.horizon
    start = int((horizon if top is None else top) * canvas.raster.height) + 1
    window = (slice(max(start, 0), canvas.raster.height), canvas.whole[1])
    relief = floor_noise(setting, window, metres, stretch)
    _, y = canvas.raster.grid(window)
    share = smoothstep(0.0, 0.75, (y - horizon) / (1 - horizon))
    tone = mix(far, near, share[..., None]) * np.ones((1, canvas.raster.width, 1), np.float32)
    canvas.light[window] = tone * (1 + relief * np.float32(grain))[..., None].clip(0.1, 2.5)


def floor_places(setting: SceneBuilder, window: Window) -> tuple[np.ndarray, np.ndarray]:
    """Return metres of the ground to the right of the middle (h, w) and into the depth (h, 1) at each pixel."""
    x, y = setting.canvas.raster.grid(window)
    depth = FOCAL * setting.ground.camera / np.maximum(y - setting.ground.horizon, 1e-3)
    return (x - setting.aspect / 2) * depth / FOCAL, depth


def floor_noise(
    setting: SceneBuilder, window: tuple[slice, slice], metres: float, stretch: tuple[float, float]
) -> np.ndarray:
    """Return noise on the ground in perspective, fading in the distance, about -1..1."""
    tile = _tile(setting.rng)
    across, depth = floor_places(setting, window)
    u = across / (metres * stretch[0]) * NOISE_SIDE
    v = np.broadcast_to(depth / (metres * stretch[1]) * NOISE_SIDE, u.shape)
    places = [np.ascontiguousarray(values, np.float32) % NOISE_SIDE for values in (u, v)]
    sampled = cv2.remap(tile, places[0], places[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return sampled * smoothstep(60.0, 3.0, depth)


def _tile(rng: np.random.Generator) -> np.ndarray:
    """Return noise that repeats without a seam, (NOISE_SIDE, NOISE_SIDE)."""
    total = np.zeros((NOISE_SIDE, NOISE_SIDE), np.float32)
    for sigma, share in ((0.7, 0.55), (2.0, 0.6), (6.0, 0.6), (20.0, 0.5)):
        cells = rng.standard_normal((NOISE_SIDE, NOISE_SIDE), np.float32)
        cells = np.tile(cells, (3, 3)) if sigma > 5 else np.pad(cells, 32, mode="wrap")
        soft = blurred(cells, sigma)
        edge = (soft.shape[0] - NOISE_SIDE) // 2
        part = soft[edge : edge + NOISE_SIDE, edge : edge + NOISE_SIDE]
        total += part / part.std() * np.float32(share * 0.55)
    return total


def reflect(setting: SceneBuilder, strength: float, blur: float, ripple: float, top: float | None = None) -> None:
    """Mirror the picture above the horizon in wet or polished ground, stronger towards the horizon."""
    canvas, horizon = setting.canvas, setting.ground.horizon if top is None else top
    start = int(horizon * canvas.raster.height)
    rows = canvas.raster.height - start
    above = canvas.light[max(0, start - rows) : start][::-1]
    if above.shape[0] < rows:
        above = np.concatenate([above, np.repeat(above[-1:], rows - above.shape[0], axis=0)])
    mirrored = blurred(np.ascontiguousarray(above), blur * canvas.raster.scale)
    height, width = mirrored.shape[:2]
    sigmas = 0.6 + blur * canvas.raster.scale * 0.2, 1 + blur * canvas.raster.scale * 1.6
    mirrored = cv2.GaussianBlur(mirrored, (0, 0), sigmaX=sigmas[0], sigmaY=sigmas[1])
    wave = floor_noise(setting, canvas.below(start), 3.0, (2.5, 0.5)) * (ripple * canvas.raster.scale)
    gx, gy = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    mirrored = cv2.remap(mirrored, gx + wave * 0.4, gy + wave, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    fade = np.linspace(1, 0.35, rows, dtype=np.float32)[:, None, None]
    canvas.light[start:] = canvas.light[start:] * (1 - fade * strength * 0.6) + mirrored * fade * strength


def light_pools(
    setting: SceneBuilder,
    light: Colour,
    count: int,
    distances: tuple[float, float],
    strength: float,
    *,
    x: tuple[float, float] = (0.0, 1.0),
    radius: float = 0.5,
    squash: float = 0.25,
) -> None:
    """Paint pools of light on the ground; `x` and `distances` are the ranges of their random places."""
    for _ in range(count):
        place = setting.across(setting.rng.uniform(*x)), setting.ground.foot(setting.rng.uniform(*distances))
        setting.canvas.glow(*place, radius, light, strength, squash=squash)


def bokeh(
    setting: SceneBuilder,
    tones: Sequence[Colour],
    count: int,
    size: tuple[float, float],
    y: tuple[float, float],
    *,
    strength: float,
) -> None:
    """Paint lamps out of focus: discs with a brighter rim."""
    rng = setting.rng
    for _ in range(count):
        x, at = rng.uniform(-0.02, setting.aspect + 0.02), rng.uniform(*y)
        radius = rng.uniform(*size)
        tone = rng.choice(tones) * np.float32(strength * rng.uniform(0.3, 1))
        setting.canvas.lamp(x, at, radius, tone, strength=0.55, blur=radius * 0.06)
        setting.canvas.lamp(x, at, radius * 0.82, tone, strength=-0.18, blur=radius * 0.12)


def air(setting: SceneBuilder) -> np.ndarray:
    """Return the light in front of the people, created on first use: (H, W, 3)."""
    if setting.front is None:
        setting.front = np.zeros_like(setting.canvas.light)
    return setting.front
