"""Trees, grass, flowers and sun rays of the drawn scenes."""

import math
from collections.abc import Sequence

import numpy as np

from carousel.drawing.bodies import tube
from carousel.drawing.canvas import Colour, colour, mix, smoothstep
from carousel.drawing.props import ground_shadow, ribbon, sun_side
from carousel.drawing.scene_building import SceneBuilder, Spot, paint_ground
from carousel.drawing.stagecraft import beam
from common.outlines import Outline, ellipse, hull, polygon


def tree(setting: SceneBuilder, x: float, distance: float, height: float, leaves: Colour, *, trunk: Colour) -> None:
    """A broad-leaved tree of many blots of leaves, bright towards the sun."""
    rng, canvas, foot = setting.rng, setting.canvas, setting.ground.foot(distance)
    m = setting.ground.metre(foot) * height
    at = Spot(x, foot, m)
    ground_shadow(setting, x, foot, 0.45 * m, 0.035 * m)
    canvas.fill(
        tube(at.path("0 -0, .01 .3, -.01 .6"), [0.035 * m, 0.025 * m, 0.012 * m]),
        setting.lit(trunk, 0.3, 0.6, distance),
    )
    side = sun_side(setting)
    for layer, (count, toward, size) in enumerate(
        ((110, 0.05, 0.065), (150, 0.30, 0.042), (170, 0.62, 0.027), (130, 0.95, 0.017))
    ):
        blots = []
        for _ in range(count):
            a, r = rng.uniform(0, 2 * math.pi), math.sqrt(rng.uniform(0, 1))
            px = x + (0.31 * r * math.cos(a) * (1 - 0.06 * layer) + 0.035 * side * layer) * m
            py = foot - (0.66 + 0.27 * r * math.sin(a) + 0.022 * layer) * m
            rr = size * m * rng.uniform(0.6, 1.1)
            blots.append(ellipse(px, py, rr, rr * 0.8))
        tone = setting.lit(leaves * (0.65 + 0.17 * layer), toward, 0.4 + 0.2 * layer, distance)
        canvas.fill(blots, tone, 0.95, blur=0.002 * m)


def pine(
    setting: SceneBuilder, x: float, distance: float, height: float, needles: Colour, *, snow: float = 0.0
) -> None:
    """A fir tree in tiers, with snow on them where wanted."""
    canvas, foot = setting.canvas, setting.ground.foot(distance)
    m = setting.ground.metre(foot) * height
    at = Spot(x, foot, m)
    canvas.fill([at.box(-0.02, 0.1, 0.04, 0.1)], setting.lit(colour("#4a3526"), 0.3, 0.5, distance))
    for tier in range(7):
        t = tier / 6
        low, high = foot - (0.06 + 0.78 * t) * m, foot - (0.32 + 0.70 * t) * m
        wide = (0.30 * (1 - t) + 0.045) * m
        points = [(x, high)]
        for i in range(9):
            u = 1 - i / 4
            points.append((x + u * wide, low + (0.018 if i % 2 else -0.012) * m - abs(u) * 0.01 * m))
        outline = polygon(points)
        tone = setting.lit(needles, 0.2 + 0.5 * t, 0.6, distance)
        canvas.fill([outline], (tone * 1.2, tone * 0.7))
        if snow:
            cap = polygon(
                [
                    (x, high),
                    (x + wide * 0.75, low - 0.03 * m),
                    (x + wide * 0.35, low - 0.055 * m),
                    (x, low - 0.035 * m),
                    (x - wide * 0.4, low - 0.06 * m),
                    (x - wide * 0.75, low - 0.03 * m),
                ]
            )
            canvas.fill([cap], setting.lit(colour("#f4f7ff"), 0.5, 1, distance), snow, blur=0.003 * m)


def palm(setting: SceneBuilder, x: float, distance: float, height: float, tone: Colour, *, lean: float) -> None:
    """A palm, mostly a silhouette against the light."""
    rng, canvas, foot = setting.rng, setting.canvas, setting.ground.foot(distance)
    m = setting.ground.metre(foot)
    h = height * m
    top = (x + lean * h, foot - h)
    canvas.fill(
        tube([(x, foot), (x + lean * h * 0.3, foot - h * 0.5), top], [0.16 * m, 0.11 * m, 0.09 * m]),
        (setting.in_air(tone * 1.4, distance), setting.in_air(tone, distance)),
    )
    for angle in np.linspace(-2.5, 2.5, 11):
        a = float(angle + rng.normal(0, 0.12))
        long = rng.uniform(0.9, 1.2) * 1.9 * m
        droop = 0.35 + 0.35 * abs(math.sin(a))
        spine = [
            top,
            (top[0] + 0.5 * long * math.sin(a), top[1] - 0.5 * long * math.cos(a) * 0.8 + 0.05 * long),
            (top[0] + long * math.sin(a), top[1] - long * math.cos(a) * 0.55 + droop * long * 0.75),
        ]
        line = np.array(spine)
        t = np.linspace(0, 1, 26)[:, None]
        path = (1 - t) ** 2 * line[0] + 2 * t * (1 - t) * line[1] + t**2 * line[2]
        leaves: list[Outline] = ribbon(path, 0.03 * m)
        for i in range(3, 25):
            size = 0.42 * m * math.sin(math.pi * i / 25) ** 0.6
            px, py = path[i]
            dx, dy = path[i] - path[i - 1]
            n = math.hypot(dx, dy) or 1.0
            for s in (-1, 1):
                ex, ey = (
                    px + (dx / n * 0.7 - s * dy / n * 0.5) * size,
                    py + (dy / n * 0.7 + s * dx / n * 0.5) * size + 0.10 * m,
                )
                leaves.append(hull((px, py, 0.016 * m), (ex, ey, 0.004 * m)))
        canvas.fill(leaves, setting.in_air(tone * rng.uniform(0.7, 1.6), distance))


def paint_grass(setting: SceneBuilder, near: Colour, far: Colour, blades: int = 900) -> None:
    """A meadow: mottled ground, and blades that grow towards us."""
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
        share = smoothstep(18.0, 2.0, np.array(low))
        tone = mix(far, near, float(share))
        if dark:
            setting.canvas.fill(dark, tone * 0.62, 0.8)
        if bright:
            setting.canvas.fill(bright, tone * 1.45, 0.8)


def flowers(setting: SceneBuilder, tones: Sequence[Colour], count: int) -> None:
    """Small flowers all over a meadow, in several colours."""
    for tone in tones:
        spots = []
        for _ in range(count // len(tones)):
            y = setting.ground.foot(setting.rng.uniform(2.4, 11))
            m = setting.ground.metre(y)
            spots.append(ellipse(setting.rng.uniform(0, setting.aspect), y - 0.10 * m, 0.022 * m, 0.016 * m))
        setting.canvas.fill(spots, setting.lit(tone, 0.6), 0.92)


def sun_rays(setting: SceneBuilder, x: float, y: float, light: Colour, strength: float) -> None:
    """Broad shafts of sunlight from a place beyond the edge."""
    aim = setting.aspect / 2
    for _ in range(6):
        spread = setting.rng.normal(0, 0.7)
        beam(setting, x, y, aim + spread, 1.25, width=setting.rng.uniform(0.12, 0.26), light=light, strength=strength)
