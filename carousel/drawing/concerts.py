"""Drawn scenes in front of a stage: at dusk, in rain, in a club, in a forest."""

import math
from collections.abc import Sequence

import numpy as np

from carousel.drawing.bodies import tube
from carousel.drawing.canvas import Canvas, Colour, Film, blurred, colour, mix, noise, smoothstep
from carousel.drawing.crowds import crowd, umbrellas
from carousel.drawing.height_fields import Lamp
from carousel.drawing.nature import paint_grass, sun_rays
from carousel.drawing.props import WARM, bell_tent, string_lights
from carousel.drawing.scene_building import (
    WHITE,
    Bulb,
    Ground,
    SceneBuilder,
    Spot,
    air,
    choose,
    either_side,
    floor_noise,
    paint_clouds,
    paint_ground,
    paint_hills,
    paint_sky,
    paint_stars,
    random_view,
    reflect,
)
from carousel.drawing.stagecraft import beam, led_wall, stage, truss
from common.outlines import box, ellipse, hull


def main_stage(rng: np.random.Generator, canvas: Canvas) -> SceneBuilder:
    """The main stage at dusk, from the meadow before it."""
    palette = choose(rng, [
        ("#1d2350", "#6a3f86", "#f08a6a", "#ffb05a", "#ff3f8e", "#4f7bff", "#ffd27a"),
        ("#0e1c3c", "#24558a", "#e79a7c", "#f7b98a", "#22d3c5", "#ff6a3d", "#fff0b0"),
        ("#2a1440", "#8a2f6a", "#ff7a5c", "#ff9a6a", "#ffb02e", "#b03bff", "#ffe6a0"),
        ("#0a1230", "#2a2a6a", "#7a4f92", "#9a6aa8", "#3fa0ff", "#ff4fb0", "#e8f4ff"),
    ])  # fmt: skip
    zenith, middle, glow, haze, first, second, third = palette
    ground = random_view(rng)
    setting = _main_stage_light(rng, canvas, ground, haze, middle, zenith=zenith)
    _stage_dusk(setting, first, glow, haze, middle, second=second, zenith=zenith)
    x = setting.aspect * rng.uniform(0.36, 0.64)
    _, deck, roof = stage(setting, x, 24, 17, 9.5, tones=(first, second, third), metal=colour("#15161f") + haze * 0.03)
    _stage_beams(setting, deck, first, roof, second, third=third, x=x)
    rim = mix(first, second, float(rng.choice((0.12, 0.88)))) * 0.45 + third * 0.12
    crowd(setting, (21, 18, 15.5, 13.5, 12, 10.8, 9.8), colour("#0a0a12"), rim, arms=0.35)
    setting.bulbs = [
        Bulb(x - 0.35, roof, -2.0, first * 0.95, 0.55, 0.15),
        Bulb(x + 0.35, roof, -2.0, second * 0.95, 0.55, 0.15),
        Bulb(x + either_side(rng) * 0.9, 0.1, 1.6, mix(third, WHITE, 0.3) * 0.75, 0.7, 0.3),
    ]
    canvas.glow(x, ground.foot(6.0), 1.2, rim, 0.13, squash=0.30)
    setting.film = Film(1.08, (0.92, 0.96, 1.12), (1.04, 1.0, 0.96), 1.08, 0.35)
    return setting


def _main_stage_light(
    rng: np.random.Generator, canvas: Canvas, ground: Ground, haze: Colour, middle: Colour, *, zenith: Colour
) -> SceneBuilder:
    """Dusk, and what the stage throws."""
    setting = SceneBuilder(
        rng,
        canvas,
        ground,
        sky=mix(zenith, middle, 0.6) * 0.9 + 0.10,
        bounce=mix(middle, colour("#20301c"), 0.6) * 0.5 + 0.03,
        haze=haze * 0.45,
        haze_per_metre=0.005,
        style="evening",
        poses="lively",
        bloom=0.55,
    )
    return setting


def _stage_dusk(
    setting: SceneBuilder, first: Colour, glow: Colour, haze: Colour, middle: Colour, *, second: Colour, zenith: Colour
) -> None:
    """Sky, hills and meadow."""
    ground = setting.ground
    paint_sky(setting, [(0, zenith * 0.7), (0.45, middle * 0.8), (0.85, glow * 0.85), (1.0, haze)])
    paint_clouds(setting, glow * 1.0, middle * 0.5, 0.35, 0.8)
    paint_stars(setting, 40, 0.5)
    setting.sun = Lamp((0.0, 0.3, -1.0), mix(first, second, 0.5) * 0.3, 0.1)
    paint_hills(setting, colour("#2a3050"), ground.horizon + 0.01, 0.05, 120, tooth=0.004)
    near, far = colour("#24382c") * (setting.sky * 0.8 + 0.12), colour("#2c3040") * (setting.sky * 0.7 + 0.08)
    paint_grass(setting, near, far, 500)


def _stage_beams(
    setting: SceneBuilder, deck: float, first: Colour, roof: float, second: Colour, *, third: Colour, x: float
) -> None:
    """Beams from the roof, and the glow of the screen."""
    rng, canvas = setting.rng, setting.canvas
    for i in range(9):
        lx = x + (i - 4) * 0.075
        aim = lx + rng.normal(0, 0.10) + (i - 4) * 0.11
        beam(
            setting,
            lx,
            roof,
            aim,
            float(rng.choice((-0.1, 0.98))),
            width=rng.uniform(0.05, 0.10),
            light=(first, second, third)[i % 3],
            strength=0.30,
        )
    canvas.glow(x, deck, 0.62, mix(first, second, 0.5), 0.16, squash=0.7)


def rain(rng: np.random.Generator, canvas: Canvas) -> SceneBuilder:
    """Rain and mist before the stage; the ground is wet."""
    palette = choose(rng, [
        ("#5a6a78", "#8fa0a8", "#c4d0d0", "#ff8a4a", "#3fc0d0"),
        ("#3f4a62", "#6f7f9a", "#a8b4c4", "#ff4f8a", "#5a8aff"),
        ("#4a5a52", "#80948a", "#c0ccb8", "#ffd05a", "#40c8a0"),
    ])  # fmt: skip
    zenith, middle, haze, first, second = palette
    ground = random_view(rng)
    setting = _rain_light(rng, canvas, ground, haze, middle)
    paint_sky(setting, [(0, zenith * 0.8), (0.6, middle * 0.9), (1.0, haze * 0.9)])
    paint_clouds(setting, haze * 0.95, zenith * 0.7, 0.75, 1.0)
    paint_hills(setting, colour("#4a5a56"), ground.horizon + 0.01, 0.06, 60, tooth=0.008)
    paint_ground(setting, middle * 0.42, haze * 0.62, 0.30, (1.6, 1.0), metres=4.0)
    x = setting.across(rng.uniform(0.36, 0.64))
    _, _, roof = stage(
        setting,
        x,
        26,
        16,
        9,
        tones=(first * 0.9, second * 0.9, mix(first, WHITE, 0.6)),
        metal=colour("#3a4248"),
        level=1.0,
    )
    for i in range(6):
        lx = x + (i - 2.5) * 0.10
        beam(
            setting,
            lx,
            roof,
            lx + (i - 2.5) * 0.12 + rng.normal(0, 0.05),
            0.95,
            width=0.07,
            light=(first, second)[i % 2],
            strength=0.34,
        )
    canvas.veil(haze * 0.86, 0.14)
    tents = [colour(t) for t in ("#d8d2c4", "#b84a3f", "#3f6f8a")]
    for share, distance in ((0.04, 19.0), (0.95, 17.0), (0.86, 24.0)):
        bell_tent(setting, setting.across(share), distance, 1.0, tents[int(rng.integers(3))], glow=0.25)
    crowd(setting, (21, 17), colour("#2a3036"), mix(haze, first, 0.25) * 0.7, arms=0.1, spacing=0.8)
    umbrellas(setting, (15.5, 13.0, 11.0))
    _puddles(setting)
    _falling_rain(setting, haze)
    setting.bulbs = [Bulb(x, ground.horizon - 0.2, -2.5, mix(first, second, 0.4) * 0.55, 0.5, 0.3)]
    setting.film = Film(1.06, (0.95, 1.0, 1.05), (1.0, 1.0, 1.0), 0.96, 0.26)
    return setting


def _rain_light(rng: np.random.Generator, canvas: Canvas, ground: Ground, haze: Colour, middle: Colour) -> SceneBuilder:
    """Even light from clouds."""
    setting = SceneBuilder(
        rng,
        canvas,
        ground,
        sky=haze * 0.72,
        bounce=middle * 0.35,
        haze=haze * 0.86,
        haze_per_metre=0.030,
        style="rain",
        bloom=0.5,
        shadow=0.35,
    )
    setting.sun = Lamp((rng.normal(0, 0.4), 1.0, 0.35), haze * 0.35, 0.6)
    return setting


def _puddles(setting: SceneBuilder) -> None:
    """Wet ground that mirrors in puddles."""
    canvas, ground = setting.canvas, setting.ground
    puddles = smoothstep(-0.05, 0.45, floor_noise(setting, canvas.whole, 9.0, (1.4, 1.0)))
    dry = canvas.light.copy()
    reflect(setting, 0.62, 0.006, 0.008, top=ground.foot(10))
    start = int(ground.foot(10) * canvas.raster.height)
    share = (0.25 + 0.75 * puddles)[start:, :, None].astype(np.float32)
    canvas.light[start:] = mix(dry[start:], canvas.light[start:], share)


def _falling_rain(setting: SceneBuilder, haze: Colour) -> None:
    """Streaks before everything."""
    rng, canvas = setting.rng, setting.canvas
    front = air(setting)
    slant = rng.normal(0, 0.10)
    for count, long, width, level in ((420, 0.022, 1, 0.10), (110, 0.05, 2, 0.09)):
        lines, values = [], []
        for _ in range(count):
            x, y = rng.uniform(-0.1, setting.aspect + 0.1), rng.uniform(-0.05, 1)
            lines.append(np.array([(x, y), (x + slant * long, y + long)]))
            values.append(0.502 + 0.498 * rng.uniform(0.3, 1))
        drawn = canvas.raster.strokes(lines, width / canvas.raster.scale, values, canvas.whole)
        front += haze * (blurred(drawn, 0.6) * np.float32(level * 2))[..., None]


def club(rng: np.random.Generator, canvas: Canvas) -> SceneBuilder:
    """A club with coloured beams in haze."""
    palette = choose(rng, [
        ("#ff2f8e", "#28c8ff", "#8a4bff", "#160a24"),
        ("#ff5a2a", "#ff2f6a", "#ffc04a", "#1c0a12"),
        ("#2affb0", "#3f6aff", "#c84bff", "#06141e"),
        ("#3f8aff", "#f03fff", "#f4f6ff", "#0a0c24"),
    ])  # fmt: skip
    first, second, third, room = palette
    ground = random_view(rng)
    setting = _club_light(rng, canvas, first, ground, room, second=second)
    paint_sky(setting, [(0, room * 0.5), (1.0, room * 1.6)])
    paint_ground(setting, room * 0.9, room * 2.0, 0.12, metres=2.0)
    x, back = setting.across(rng.uniform(0.4, 0.6)), ground.foot(15)
    _club_wall(setting, back, first, second, third, x=x)
    roof = 0.06
    for y, size in ((roof, 0.045), (roof + 0.09, 0.03)):
        truss(setting, (-0.05, y), (setting.aspect + 0.05, y), size, colour("#1c1a24"))
    _club_haze(setting, first, roof, second, third, x=x)
    _mirror_ball(setting, x + rng.uniform(-0.2, 0.2), 0.17, 0.045, (first, second, third))
    crowd(setting, (12.5, 10.2, 8.4), colour("#08070e"), mix(first, second, 0.5) * 0.55, arms=0.45, spacing=0.62)
    reflect(setting, 0.34, 0.012, 0.010, top=ground.foot(8.0))
    setting.bulbs = [
        Bulb(-0.1, 0.1, rng.uniform(-0.6, 0.9), first * 1.5, 0.7, 0.2),
        Bulb(setting.aspect + 0.1, 0.1, rng.uniform(-0.6, 0.9), second * 1.5, 0.7, 0.2),
        Bulb(x, ground.horizon - 0.2, -2.0, third * 0.9, 0.5, 0.1),
    ]
    setting.film = Film(1.2, (0.95, 0.95, 1.1), (1.02, 1.0, 1.0), 1.08, 0.4)
    return setting


def _club_light(
    rng: np.random.Generator, canvas: Canvas, first: Colour, ground: Ground, room: Colour, *, second: Colour
) -> SceneBuilder:
    """Little light but that of the lamps."""
    setting = SceneBuilder(
        rng,
        canvas,
        ground,
        sky=room * 1.8 + mix(first, second, 0.5) * 0.10 + 0.05,
        bounce=second * 0.08 + 0.015,
        haze=mix(first, second, 0.5) * 0.30,
        haze_per_metre=0.020,
        style="evening",
        poses="lively",
        bloom=0.65,
        shadow=0.45,
    )
    return setting


def _club_wall(setting: SceneBuilder, back: float, first: Colour, second: Colour, third: Colour, *, x: float) -> None:
    """Screens, and the player behind the desk."""
    canvas, ground = setting.canvas, setting.ground
    m = ground.metre(back)
    led_wall(
        setting, x - 5.0 * m, back - 5.2 * m, 10.0 * m, 4.0 * m, tones=(first * 0.9, second * 0.8, third), level=1.1
    )
    for edge in (-1, 1):
        for k in range(3):
            left = x + edge * (6.3 + 2.0 * k) * m - 0.7 * m
            led_wall(setting, left, back - 5.0 * m, 1.4 * m, 4.4 * m, tones=(second, first, third), level=0.6)
    canvas.fill([box(x - 2.2 * m, back - 1.35 * m, 4.4 * m, 1.35 * m)], (colour("#15121c"), colour("#08070c")))
    led_wall(setting, x - 2.0 * m, back - 1.15 * m, 4.0 * m, 0.7 * m, tones=(third, first, second), level=0.8)
    player = [
        ellipse(x, back - 2.35 * m, 0.15 * m, 0.19 * m),
        hull(
            (x - 0.24 * m, back - 1.95 * m, 0.12 * m),
            (x + 0.24 * m, back - 1.95 * m, 0.12 * m),
            (x, back - 1.4 * m, 0.2 * m),
        ),
    ]
    canvas.fill(player, colour("#0a080e"))


def _club_haze(setting: SceneBuilder, first: Colour, roof: float, second: Colour, third: Colour, *, x: float) -> None:
    """Haze and beams."""
    rng, canvas, ground = setting.rng, setting.canvas, setting.ground
    cells = noise(
        rng, canvas.raster.width, canvas.raster.height, (0.4 * canvas.raster.scale, 0.25 * canvas.raster.scale), 4
    )
    _, gy = canvas.raster.grid(canvas.whole)
    near_back = np.exp(-(((gy - ground.horizon + 0.08) / 0.22) ** 2))
    canvas.light += setting.haze * (near_back * (0.75 + 0.5 * cells))[..., None].clip(0, None).astype(np.float32)
    count = int(rng.integers(8, 12))
    for i in range(count):
        lx = setting.aspect * (i + 0.5) / count
        aim = lx + rng.normal(0, 0.22) + (x - lx) * rng.uniform(-0.3, 1.0)
        beam(
            setting,
            lx,
            roof + 0.10 * (i % 2),
            aim,
            rng.uniform(0.8, 1.1),
            width=rng.uniform(0.05, 0.09),
            light=(first, second, third)[i % 3],
            strength=0.42,
        )


def _mirror_ball(setting: SceneBuilder, x: float, y: float, radius: float, tones: Sequence[Colour]) -> None:
    canvas, rng = setting.canvas, setting.rng
    canvas.fill([box(x - 0.001, 0, 0.002, y - radius)], colour("#3a3844"))
    canvas.fill([ellipse(x, y, radius, radius)], (colour("#6a6a7a"), colour("#14141c")))
    for row in range(-6, 7):
        v = row / 6.5
        wide = math.sqrt(1 - v * v)
        for column in range(-6, 7):
            u = math.sin(column / 6.5 * math.pi / 2) * wide
            bright = rng.random() ** 4
            px, py, size = x + u * radius, y + v * radius, radius * 0.062
            canvas.fill(
                [box(px - size * wide, py - size, size * 2 * max(0.25, math.sqrt(1 - u * u)), size * 1.7)],
                mix(colour("#5a5a6c"), rng.choice(tones), 0.4) * np.float32(0.15 + 2.2 * bright),
                0.9,
            )
    canvas.glow(x, y, radius * 3.2, tones[2], 0.25)
    for _ in range(90):
        px, py = rng.uniform(0, setting.aspect), rng.uniform(0.02, 1.0)
        size = 0.0022 + 0.002 * rng.random()
        canvas.shine([ellipse(px, py, size * 1.3, size)], rng.choice(tones), 0.35, blur=size * 0.3)


def forest(rng: np.random.Generator, canvas: Canvas) -> SceneBuilder:
    """A small stage in a forest, with strings of lights."""
    palette = choose(rng, [
        ("#0c2a2e", "#1f5a50", "#f2c070", "#ffd89a", "#23402c"),
        ("#12203c", "#3a4f86", "#f0a0b0", "#ffd0a0", "#26384a"),
        ("#2c3a18", "#7f9a3a", "#ffe08a", "#fff0b8", "#3a4a20"),
    ])  # fmt: skip
    deep, middle, glow, light, floor = palette
    bright = float(middle.mean()) > 0.17
    ground = random_view(rng)
    setting = _forest_light(rng, canvas, bright, floor, glow, ground=ground, middle=middle)
    x = setting.across(rng.uniform(0.38, 0.62))
    paint_sky(setting, [(0, deep), (0.5, mix(deep, middle, 0.8)), (1.0, mix(middle, glow, 0.55))])
    canvas.glow(x, ground.horizon - 0.08, 0.75, glow, 0.70, squash=0.9)
    setting.sun = Lamp((x - canvas.aspect / 2, 0.8, -0.8), glow * (1.1 if bright else 0.7), 0.2)
    for distance in (60, 42, 30):
        _trunks(setting, distance, int(900 / distance) + 6, colour("#2a2a20"))
    paint_ground(setting, floor * (setting.sky + 0.25), mix(floor, glow, 0.35) * 0.8, 0.42, metres=3.5)
    _forest_stage(setting, x, 17.0, glow, light)
    crowd(setting, (15, 13.2, 11.8), colour("#0d1210"), glow * 0.5, arms=0.2, spacing=0.6, spread=(0.2, 0.8))
    _trunks(setting, 20, 7, colour("#241f18"), keep=x)
    _trunks(setting, 12, 4, colour("#1d1914"), keep=x)
    _canopy(setting, deep * 0.45)
    if bright:
        sun_rays(setting, setting.across(0.5 + either_side(rng) * 0.4), -0.25, light, 0.16)
    _forest_strings(setting, glow, light, x)
    setting.bulbs = [
        Bulb(x, ground.horizon - 0.15, -2.5, glow * 1.0, 0.5, 0.25),
        Bulb(setting.across(0.2), 0.1, 0.8, light * 0.42, 0.7, 0.4),
        Bulb(setting.across(0.8), 0.1, 0.9, light * 0.42, 0.7, 0.4),
    ]
    setting.film = Film(1.15, (0.94, 1.04, 1.05), (1.05, 1.0, 0.92), 1.05, 0.36)
    return setting


def _forest_light(
    rng: np.random.Generator,
    canvas: Canvas,
    bright: bool,
    floor: Colour,
    glow: Colour,
    *,
    ground: Ground,
    middle: Colour,
) -> SceneBuilder:
    """Light through leaves."""
    setting = SceneBuilder(
        rng,
        canvas,
        ground,
        sky=middle * 0.75 + 0.07,
        bounce=floor * 0.8 + 0.02,
        haze=mix(middle, glow, 0.45) * (0.95 if bright else 0.62),
        haze_per_metre=0.030,
        style="evening",
        bloom=0.6,
    )
    return setting


def _trunks(setting: SceneBuilder, distance: float, count: int, bark: Colour, keep: float | None = None) -> None:
    """Tree trunks at a distance; none before `keep`, where the stage is."""
    rng, foot = setting.rng, setting.ground.foot(distance)
    m = setting.ground.metre(foot)
    for _ in range(count):
        x = rng.uniform(-0.05, 1.05) * setting.aspect
        if keep is not None and abs(x - keep) < 0.36:
            continue
        thick, lean = rng.uniform(0.16, 0.34) * m, rng.normal(0, 0.03)
        outline = [
            hull(
                (x - thick * 0.6, foot, thick * 0.35),
                (x + thick * 0.6, foot, thick * 0.35),
                (x, foot - 1.2 * m, thick * 0.62),
            ),
            hull((x, foot - 0.6 * m, thick * 0.66), (x + lean, -0.05, thick * 0.42)),
        ]
        tone = setting.lit(bark, 0.15, 0.6, distance)
        setting.canvas.fill(outline, tone)
        side = 1 if setting.aspect / 2 > x else -1
        edge = [
            hull(
                (x + side * thick * 0.52, foot - 0.3 * m, thick * 0.12),
                (x + lean + side * thick * 0.34, -0.05, thick * 0.08),
            )
        ]
        setting.canvas.fill(edge, mix(tone, setting.haze, 0.6) * 1.25, 0.75, blur=thick * 0.12)
        if distance < 25:
            for _ in range(12):
                y = rng.uniform(0, foot - 0.3 * m)
                setting.canvas.fill(
                    [hull((x - thick * 0.4, y, 0.006 * m), (x + thick * 0.3, y + 0.1 * m, 0.004 * m))], tone * 0.5, 0.5
                )


def _forest_stage(setting: SceneBuilder, x: float, distance: float, glow: Colour, light: Colour) -> None:
    """A wooden stage with an arch and lamps."""
    canvas, foot = setting.canvas, setting.ground.foot(distance)
    m = setting.ground.metre(foot)
    at = Spot(x, foot, m)
    wood = setting.lit(colour("#5a3c26"), 0.3, 0.6, distance)
    canvas.fill([at.box(-3.6, 4, 7.2, 3.2)], (glow * 0.75, glow * 1.15), blur=0.15 * m)
    for k in range(15):
        canvas.fill(
            [box(x + (-3.5 + 0.5 * k) * m, foot - 3.9 * m, 0.24 * m, 3.2 * m)],
            colour("#a0522d") * light * 0.5,
            0.5,
            blur=0.03 * m,
        )
    arch = [(x + 3.8 * m * math.cos(a), foot - 0.7 * m - 4.2 * m * math.sin(a)) for a in np.linspace(0, math.pi, 15)]
    canvas.fill(tube(arch, [0.22 * m]), wood * 0.8)
    canvas.fill([at.box(-4.2, 0.85, 8.4, 0.85)], (wood * 1.2, wood * 0.5))
    for i, (ax, ay) in enumerate(arch):
        canvas.shine([ellipse(ax, ay, 0.07 * m, 0.07 * m)], light, 1.4, blur=0.04 * m, core=2.6)
        if i % 3 == 1:
            beam(setting, ax, ay, x + setting.rng.normal(0, 0.25), foot + 0.2, width=0.08, light=light, strength=0.22)
    shade = np.full(3, 0.02, np.float32)
    for px in (-1.5, 0.0, 1.4):
        figure = [
            ellipse(x + px * m, foot - 2.4 * m, 0.13 * m, 0.16 * m),
            hull(
                (x + (px - 0.18) * m, foot - 2.0 * m, 0.1 * m),
                (x + (px + 0.18) * m, foot - 2.0 * m, 0.1 * m),
                (x + px * m, foot - 0.85 * m, 0.18 * m),
            ),
        ]
        canvas.fill(figure, shade, 0.94)


def _canopy(setting: SceneBuilder, tone: Colour) -> None:
    """Leaves that hang in from above."""
    rng, canvas = setting.rng, setting.canvas
    for size, low, share in ((0.034, 0.20, 0.75), (0.020, 0.25, 0.95), (0.012, 0.29, 1.5)):
        blots = []
        for _ in range(int(90 + 4.5 / size)):
            x = rng.uniform(-0.02, setting.aspect + 0.02)
            edge = abs(x / setting.aspect - 0.5) * 2
            y = rng.uniform(-0.03, low * (0.35 + 0.85 * edge**2))
            blots.append(ellipse(x, y, size * rng.uniform(0.5, 1.1), size * rng.uniform(0.35, 0.7)))
        canvas.fill(blots, mix(tone, setting.haze, 0.10) * share, 0.95, blur=size * 0.05)


def _forest_strings(setting: SceneBuilder, glow: Colour, light: Colour, x: float) -> None:
    """Strings of lights between the trunks."""
    rng, canvas, ground = setting.rng, setting.canvas, setting.ground
    for _ in range(8):
        y0, y1 = rng.uniform(0.0, 0.30), rng.uniform(0.05, 0.34)
        a, b = rng.uniform(-0.05, 0.4), rng.uniform(0.6, 1.05)
        near = rng.uniform(0.002, 0.0085)
        string_lights(
            setting,
            (setting.across(a), y0),
            (setting.across(b), y1),
            rng.uniform(0.05, 0.13),
            24,
            size=(near, near * 0.6),
            tones=(light, WARM),
        )
    canvas.glow(x, ground.foot(9), 0.7, glow, 0.26, squash=0.22)
