"""Trees, grass, flowers and sun rays of the drawn scenes."""

import math
from collections.abc import Sequence

import numpy as np

from carousel.drawing.bodies import tube
from carousel.drawing.canvas import Colour, colour, mix, points, smoothstep
from carousel.drawing.props import SNOW, ground_shadow, ribbon, sun_side
from carousel.drawing.scene_building import SceneBuilder, paint_ground
from carousel.drawing.stagecraft import beam
from common.outlines import Outline, ellipse, hull, polygon


def tree(setting: SceneBuilder, x: float, distance: float, height: float, leaves: Colour) -> None:
    """Paint a broad-leaved tree of many blots of leaves, bright towards the sun."""
    rng, canvas, at = setting.rng, setting.canvas, setting.spot(x, distance, height)
    m = at.metre
    ground_shadow(setting, at, 0.45, 0.035)
    stem = tube(at.path("0 -0, .01 .3, -.01 .6"), [0.035 * m, 0.025 * m, 0.012 * m])
    canvas.fill(stem, setting.lit(colour("#5a4632"), 0.3, 0.6, distance))
    side = sun_side(setting)
    for layer, (count, toward, size) in enumerate(
        ((110, 0.05, 0.065), (150, 0.30, 0.042), (170, 0.62, 0.027), (130, 0.95, 0.017))
    ):
        blots = []
        for _ in range(count):
            a, r = rng.uniform(0, 2 * math.pi), math.sqrt(rng.uniform(0, 1))
            px = 0.31 * r * math.cos(a) * (1 - 0.06 * layer) + 0.035 * side * layer
            radius = size * rng.uniform(0.6, 1.1)
            blots.append(at.disc(px, 0.66 + 0.27 * r * math.sin(a) + 0.022 * layer, radius, radius * 0.8))
        tone = setting.lit(leaves * (0.65 + 0.17 * layer), toward, 0.4 + 0.2 * layer, distance)
        canvas.fill(blots, tone, 0.95, blur=0.002 * m)


def pine(setting: SceneBuilder, x: float, distance: float, height: float, needles: Colour, *, snow: float) -> None:
    """Paint a fir tree in tiers, with snow of an opacity on them."""
    canvas, at = setting.canvas, setting.spot(x, distance, height)
    canvas.fill([at.box(-0.02, 0.1, 0.04, 0.1)], setting.lit(colour("#4a3526"), 0.3, 0.5, distance))
    for tier in range(7):
        t = tier / 6
        low, high, wide = 0.06 + 0.78 * t, 0.32 + 0.70 * t, 0.30 * (1 - t) + 0.045
        outline = [at.at(0, high)]
        for i in range(9):
            u = 1 - i / 4
            outline.append(at.at(u * wide, low - (0.018 if i % 2 else -0.012) + abs(u) * 0.01))
        tone = setting.lit(needles, 0.2 + 0.5 * t, 0.6, distance)
        canvas.fill([polygon(outline)], (tone * 1.2, tone * 0.7))
        edge = points(".75 .03, .35 .055, 0 .035, -.4 .06, -.75 .03")
        cap = polygon([at.at(0, high), *(at.at(px * wide, low + py) for px, py in edge)])
        canvas.fill([cap], setting.lit(SNOW, 0.5, 1, distance), snow, blur=0.003 * at.metre)


def palm(setting: SceneBuilder, x: float, distance: float, height: float, tone: Colour, *, lean: float) -> None:
    """Paint a palm, mostly a silhouette against the light."""
    rng, canvas, at = setting.rng, setting.canvas, setting.spot(x, distance)
    m = at.metre
    top = at.at(lean * height, height)
    stem = tube([at.at(0, 0), at.at(lean * height * 0.3, height * 0.5), top], [0.16 * m, 0.11 * m, 0.09 * m])
    canvas.fill(stem, (setting.in_air(tone * 1.4, distance), setting.in_air(tone, distance)))
    for angle in np.linspace(-2.5, 2.5, 11):
        a = float(angle + rng.normal(0, 0.12))
        long = rng.uniform(0.9, 1.2) * 1.9 * m
        across, up = long * math.sin(a), long * math.cos(a)
        droop = (0.35 + 0.35 * abs(math.sin(a))) * long * 0.75
        bend = (top[0] + 0.5 * across, top[1] - 0.4 * up + 0.05 * long)
        line = np.array([top, bend, (top[0] + across, top[1] - 0.55 * up + droop)])
        t = np.linspace(0, 1, 26)[:, None]
        path = (1 - t) ** 2 * line[0] + 2 * t * (1 - t) * line[1] + t**2 * line[2]
        leaves: list[Outline] = ribbon(path, 0.03 * m)
        for i in range(3, 25):
            size = 0.42 * m * math.sin(math.pi * i / 25) ** 0.6
            px, py = path[i]
            dx, dy = path[i] - path[i - 1]
            n = math.hypot(dx, dy) or 1.0
            for s in (-1, 1):
                ex = px + (dx / n * 0.7 - s * dy / n * 0.5) * size
                ey = py + (dy / n * 0.7 + s * dx / n * 0.5) * size + 0.10 * m
                leaves.append(hull((px, py, 0.016 * m), (ex, ey, 0.004 * m)))
        canvas.fill(leaves, setting.in_air(tone * rng.uniform(0.7, 1.6), distance))


def paint_grass(setting: SceneBuilder, near: Colour, far: Colour, blades: int) -> None:
    """Paint a meadow: mottled ground, and blades of grass that grow larger towards the camera."""
    paint_ground(setting, near, mix(far, setting.haze, 0.30), grain=0.30, metres=7.0)
    rng, ground = setting.rng, setting.ground
    for low, high, count in ((9.0, 16.0, blades), (5.0, 9.0, blades), (2.6, 5.0, blades)):
        bright: list[Outline] = []
        dark: list[Outline] = []
        for _ in range(count // 3):
            y = ground.foot(rng.uniform(low, high))
            if y > 1.05:
                continue
            x, m = rng.uniform(0, setting.aspect), ground.metre(y)
            lean, tall = rng.normal(0, 0.05) * m, rng.uniform(0.06, 0.16) * m
            blade = np.array([(x - 0.010 * m, y), (x + lean, y - tall), (x + 0.010 * m, y)])
            (bright if rng.random() < 0.5 else dark).append(blade)
        tone = mix(far, near, float(smoothstep(18.0, 2.0, np.array(low))))
        for group, level in ((dark, 0.62), (bright, 1.45)):
            if group:
                setting.canvas.fill(group, tone * level, 0.8)


def flowers(setting: SceneBuilder, tones: Sequence[Colour], count: int) -> None:
    """Paint small flowers all over a meadow, in several colours."""
    for tone in tones:
        spots = []
        for _ in range(count // len(tones)):
            y = setting.ground.foot(setting.rng.uniform(2.4, 11))
            m = setting.ground.metre(y)
            spots.append(ellipse(setting.rng.uniform(0, setting.aspect), y - 0.10 * m, 0.022 * m, 0.016 * m))
        setting.canvas.fill(spots, setting.lit(tone, 0.6), 0.92)


def sun_rays(setting: SceneBuilder, x: float, y: float, light: Colour, strength: float) -> None:
    """Paint broad shafts of sunlight from a place beyond the edge."""
    aim = setting.aspect / 2
    for _ in range(6):
        spread = setting.rng.normal(0, 0.7)
        width = setting.rng.uniform(0.12, 0.26)
        beam(setting, (x, y), (aim + spread, 1.25), width=width, light=light, strength=strength)
