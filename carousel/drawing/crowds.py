"""Distant people in the drawn scenes: rows in front of a stage, passers-by, umbrellas."""

from collections.abc import Sequence

import numpy as np

from carousel.drawing.bodies import tube
from carousel.drawing.canvas import Colour, colour, colours, mix
from carousel.drawing.scene_building import SceneBuilder, Spot
from common.outlines import Outline, curve, hull

CLOTHES = ("#3a4258", "#5a3a3a", "#6a5a48", "#2f4a4a", "#4a3a5a", "#7a6a58", "#8a4a3a")
FACES = ("#e3ab80", "#b57448", "#74432b", "#3a2a22", "#3a2a22")  # the dark ones show the back of the head


def crowd(
    setting: SceneBuilder,
    distances: Sequence[float],
    albedo: Colour,
    rim: Colour,
    arms: float,
    *,
    spacing: float = 0.5,
    spread: tuple[float, float] = (0.0, 1.0),
) -> None:
    """Paint rows of people from behind, from far to near, lit from the front at heads and shoulders."""
    for distance in sorted(distances, reverse=True):
        foot = setting.ground.foot(distance)
        metre = setting.ground.metre(foot)
        shapes: list[Outline] = []
        x = setting.aspect * spread[0] + setting.rng.uniform(0, spacing) * metre
        while x < setting.aspect * spread[1]:
            shapes += onlooker(setting.rng, Spot(x, foot, metre), arms)
            x += metre * spacing * setting.rng.uniform(0.7, 1.35)
        if not shapes:
            continue
        dark, bright = setting.in_air(albedo, distance), setting.in_air(rim, distance)
        row = min(int(foot * setting.canvas.raster.height), setting.canvas.raster.height - 1)
        floor = setting.canvas.light[row].mean(axis=0)
        floor = floor * np.float32(0.3 if floor.mean() < 0.2 else 0.15)  # their feet are lost in the dark
        left, right = min(float(s[:, 0].min()) for s in shapes), max(float(s[:, 0].max()) for s in shapes)
        setting.canvas.shade([hull((left, foot, 0.12 * metre), (right, foot, 0.12 * metre))], 0.6, 0.09 * metre)
        raised = [shape - np.array([0, 0.016 * metre]) for shape in shapes]
        setting.canvas.fill(raised, (bright * 1.4, mix(dark, floor, 0.85)), blur=0.004 * metre)
        setting.canvas.fill(shapes, (mix(dark, bright, 0.26), mix(dark, floor, 0.85)), blur=0.004 * metre)


def onlooker(rng: np.random.Generator, at: Spot, arms: float) -> list[Outline]:
    """Return the silhouette of a person from behind; `arms` is the probability that an arm is raised."""
    tall = rng.normal(1.70, 0.10)
    shoulder, wide = tall - 0.36, rng.uniform(0.17, 0.23)
    chest, hips = 0.9 * wide, 0.7 * wide
    neck_and_belly = f"0 {shoulder + 0.1} .055, 0 {shoulder - 0.2} {0.8 * wide}"
    parts = [
        at.disc(0, tall - 0.12075, 0.105 * rng.uniform(0.82, 1.05), 0.12075),
        at.hull(f"{-chest} {shoulder} .065, {chest} {shoulder} .065, {neck_and_belly}"),
        at.hull(f"{-hips} {shoulder} .1, {hips} {shoulder} .1, {-0.5 * wide} 0 .06, {0.5 * wide} 0 .06"),
    ]
    for side in (-1, 1):
        if rng.random() < arms:
            lean = rng.uniform(-0.1, 0.35)
            elbow = at.at(side * (wide + 0.10 * (1 + lean)), shoulder + 0.14)
            x, y = side * (wide + 0.10 * lean), shoulder + rng.uniform(0.40, 0.52)
            arm = [at.at(side * wide, shoulder - 0.02), elbow, at.at(x, y)]
            parts += tube(arm, [0.06 * at.metre, 0.048 * at.metre, 0.036 * at.metre], 3)
            parts.append(at.disc(x, y + 0.05, 0.04, 0.06))
    return parts


def passers_by(
    setting: SceneBuilder,
    distances: Sequence[float],
    count: int,
    toward: float,
    glow: Colour,
    *,
    spread: tuple[float, float] = (0.05, 0.95),
) -> None:
    """Paint `count` small people at each distance, without detail; `glow` is warm light on them."""
    rng = setting.rng
    for distance in sorted(distances, reverse=True):
        foot = setting.ground.foot(distance)
        for _ in range(count):
            at = Spot(setting.aspect * rng.uniform(*spread), foot, setting.ground.metre(foot))
            _passer_by(setting, at, distance, toward, glow * np.float32(0.16))


def _passer_by(setting: SceneBuilder, at: Spot, distance: float, toward: float, glow: Colour) -> None:
    rng, canvas = setting.rng, setting.canvas
    upper, lower = (colour(rng.choice(CLOTHES)) for _ in range(2))
    skin = colour(rng.choice(FACES))
    step, wide, swing = (float(value) for value in rng.uniform((0.03, 0.16, 0.02), (0.16, 0.20, 0.12)))
    canvas.shade([at.disc(0, 0, 0.30, 0.05)], 0.5, 0.03 * at.metre)
    legs = [at.hull(f"{s * 0.08} .85 .085, {s * (0.06 + step / 2):.4f} .06 .05") for s in (-1, 1)]
    canvas.fill(legs, setting.lit(lower, toward, 0.5, distance) + glow * lower * 4)
    a, b = 0.8 * wide, 0.55 * wide
    trunk = [at.hull(f"{-a:.4f} 1.4 .06, {a:.4f} 1.4 .06, {-b:.4f} .85 .06, {b:.4f} .85 .06")]
    trunk += [at.hull(f"{s * 0.95 * wide:.4f} 1.37 .05, {s * (wide + swing):.4f} .88 .04") for s in (-1, 1)]
    shirt = setting.lit(upper, toward, 0.8, distance) + glow * upper * 5
    canvas.fill(trunk, (shirt * 1.2, shirt * 0.8))
    canvas.fill([at.disc(0, 1.60, 0.085, 0.115)], setting.lit(skin, toward, 0.9, distance) + glow * skin * 4)


def umbrellas(setting: SceneBuilder, distances: Sequence[float]) -> None:
    """Paint people under umbrellas, in rows."""
    rng, ground = setting.rng, setting.ground
    tones = colours("#c8483f", "#e0b040", "#3f7f9a", "#d8d4cc", "#7a5a96", "#3f8a6a", "#2a2c34")
    for distance in distances:
        foot = ground.foot(distance)
        m = ground.metre(foot)
        x = rng.uniform(0, 1.5) * m
        while x < setting.aspect:
            _under_umbrella(setting, Spot(x, foot, m), distance, tones)
            x += m * rng.uniform(1.3, 2.6)


def _under_umbrella(setting: SceneBuilder, at: Spot, distance: float, tones: Sequence[Colour]) -> None:
    rng, canvas = setting.rng, setting.canvas
    dome, coat = (rng.choice(tones) for _ in range(2))
    coat = setting.lit(coat * 0.35, 0.3, 0.7, distance)
    legs = [at.hull(f"{side * 0.07} .8 .08, {side * rng.uniform(0.06, 0.13):.4f} .05 .05") for side in (-1, 1)]
    canvas.fill(legs, setting.in_air(colour("#23282e"), distance))
    trunk = at.hull("-.13 1.38 .07, .13 1.38 .07, -.14 .72 .07, .14 .72 .07")
    canvas.fill([trunk, at.disc(0, 1.58, 0.1, 0.13)], (coat * 1.2, coat * 0.8))
    cloth = "-.62 1.62, -.62 1.62, -.45 1.94, 0 2.12, .45 1.94, .62 1.62, .62 1.62, .42 1.67, .21 1.62, 0 1.67"
    shape = curve(at.path(f"{cloth}, -.21 1.62, -.42 1.67"))
    canvas.fill([shape], (setting.lit(dome, 0.6, 1, distance), setting.lit(dome * 0.6, 0.1, 0.5, distance)))
