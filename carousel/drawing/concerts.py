"""Drawn scenes in front of a stage: at dusk, in rain, in a club, in a forest."""

import math
from collections.abc import Sequence

import numpy as np

from carousel.drawing.bodies import tube
from carousel.drawing.canvas import Canvas, Colour, Film, blurred, colour, mix, smoothstep
from carousel.drawing.crowds import crowd, umbrellas
from carousel.drawing.height_fields import Lamp
from carousel.drawing.nature import paint_grass, sun_rays
from carousel.drawing.props import WARM, bell_tent, string_lights
from carousel.drawing.scene_building import (
    WHITE,
    Bulb,
    SceneBuilder,
    Spot,
    air,
    begin_scene,
    either_side,
    floor_noise,
    paint_clouds,
    paint_ground,
    paint_hills,
    paint_sky,
    paint_stars,
    reflect,
)
from carousel.drawing.stagecraft import beam, led_wall, stage, truss
from common.outlines import box, ellipse, hull


def main_stage(rng: np.random.Generator, canvas: Canvas) -> SceneBuilder:
    """Paint the main stage at dusk, from the meadow in front of it."""
    setting = begin_scene(rng, canvas, [
        ("#1d2350", "#6a3f86", "#f08a6a", "#ffb05a", "#ff3f8e", "#4f7bff", "#ffd27a"),
        ("#0e1c3c", "#24558a", "#e79a7c", "#f7b98a", "#22d3c5", "#ff6a3d", "#fff0b0"),
        ("#2a1440", "#8a2f6a", "#ff7a5c", "#ff9a6a", "#ffb02e", "#b03bff", "#ffe6a0"),
        ("#0a1230", "#2a2a6a", "#7a4f92", "#9a6aa8", "#3fa0ff", "#ff4fb0", "#e8f4ff"),
    ])  # fmt: skip
    zenith, middle, _, haze, *tones = setting.palette
    first, second, third = tones
    setting.style, setting.poses, setting.bloom = "evening", "lively", 0.55
    setting.sky = mix(zenith, middle, 0.6) * 0.9 + 0.10
    setting.bounce = mix(middle, colour("#20301c"), 0.6) * 0.5 + 0.03
    setting.haze, setting.haze_per_metre = haze * 0.45, 0.005
    setting.film = Film(1.08, (0.92, 0.96, 1.12), (1.04, 1.0, 0.96), 1.08, 0.35)
    _stage_dusk(setting)
    x = setting.across(rng.uniform(0.36, 0.64))
    deck, roof = stage(setting, x, 24, 17, 9.5, tones=tones, metal=colour("#15161f") + haze * 0.03)
    for i in range(9):
        start = x + (i - 4) * 0.075
        end = (start + rng.normal(0, 0.10) + (i - 4) * 0.11, float(rng.choice((-0.1, 0.98))))
        beam(setting, (start, roof), end, width=rng.uniform(0.05, 0.10), light=tones[i % 3], strength=0.30)
    canvas.glow(x, deck, 0.62, mix(first, second, 0.5), 0.16, squash=0.7)
    rim = mix(first, second, float(rng.choice((0.12, 0.88)))) * 0.45 + third * 0.12
    crowd(setting, (21, 18, 15.5, 13.5, 12, 10.8, 9.8), colour("#0a0a12"), rim, arms=0.35)
    setting.bulbs = [
        Bulb(x - 0.35, roof, -2.0, first * 0.95, 0.55, 0.15),
        Bulb(x + 0.35, roof, -2.0, second * 0.95, 0.55, 0.15),
        Bulb(x + either_side(rng) * 0.9, 0.1, 1.6, mix(third, WHITE, 0.3) * 0.75, 0.7, 0.3),
    ]
    canvas.glow(x, setting.ground.foot(6.0), 1.2, rim, 0.13, squash=0.30)
    return setting


def _stage_dusk(setting: SceneBuilder) -> None:
    """Paint sky, hills and meadow."""
    zenith, middle, glow, haze, first, second, _ = setting.palette
    paint_sky(setting, [(0, zenith * 0.7), (0.45, middle * 0.8), (0.85, glow * 0.85), (1.0, haze)])
    paint_clouds(setting, glow * 1.0, middle * 0.5, 0.35, 0.8)
    paint_stars(setting, 40, 0.5)
    setting.sun = Lamp((0.0, 0.3, -1.0), mix(first, second, 0.5) * 0.3, 0.1)
    paint_hills(setting, colour("#2a3050"), 0.05, 120, tooth=0.004)
    near, far = colour("#24382c") * (setting.sky * 0.8 + 0.12), colour("#2c3040") * (setting.sky * 0.7 + 0.08)
    paint_grass(setting, near, far, 500)


def rain(rng: np.random.Generator, canvas: Canvas) -> SceneBuilder:
    """Paint rain and mist in front of the stage; the ground is wet."""
    setting = begin_scene(rng, canvas, [
        ("#5a6a78", "#8fa0a8", "#c4d0d0", "#ff8a4a", "#3fc0d0"),
        ("#3f4a62", "#6f7f9a", "#a8b4c4", "#ff4f8a", "#5a8aff"),
        ("#4a5a52", "#80948a", "#c0ccb8", "#ffd05a", "#40c8a0"),
    ])  # fmt: skip
    zenith, middle, haze, first, second = setting.palette
    setting.style, setting.shadow = "rain", 0.35
    setting.sky, setting.bounce = haze * 0.72, middle * 0.35
    setting.haze, setting.haze_per_metre = haze * 0.86, 0.030
    setting.film = Film(1.06, (0.95, 1.0, 1.05), (1.0, 1.0, 1.0), 0.96, 0.26)
    setting.sun = Lamp((rng.normal(0, 0.4), 1.0, 0.35), haze * 0.35, 0.6)
    paint_sky(setting, [(0, zenith * 0.8), (0.6, middle * 0.9), (1.0, haze * 0.9)])
    paint_clouds(setting, haze * 0.95, zenith * 0.7, 0.75, 1.0)
    paint_hills(setting, colour("#4a5a56"), 0.06, 60, tooth=0.008)
    paint_ground(setting, middle * 0.42, haze * 0.62, 0.30, (1.6, 1.0), metres=4.0)
    x = setting.across(rng.uniform(0.36, 0.64))
    tones = (first * 0.9, second * 0.9, mix(first, WHITE, 0.6))
    _, roof = stage(setting, x, 26, 16, 9, tones=tones, metal=colour("#3a4248"), level=1.0)
    for i in range(6):
        start = x + (i - 2.5) * 0.10
        end = (start + (i - 2.5) * 0.12 + rng.normal(0, 0.05), 0.95)
        beam(setting, (start, roof), end, width=0.07, light=(first, second)[i % 2], strength=0.34)
    canvas.veil(haze * 0.86, 0.14)
    for share, distance in ((0.04, 19.0), (0.95, 17.0), (0.86, 24.0)):
        tent = colour(rng.choice(("#d8d2c4", "#b84a3f", "#3f6f8a")))
        bell_tent(setting, setting.across(share), distance, tent, glow=0.25)
    crowd(setting, (21, 17), colour("#2a3036"), mix(haze, first, 0.25) * 0.7, arms=0.1, spacing=0.8)
    umbrellas(setting, (15.5, 13.0, 11.0))
    _puddles(setting)
    _falling_rain(setting, haze)
    setting.bulbs = [Bulb(x, setting.ground.horizon - 0.2, -2.5, mix(first, second, 0.4) * 0.55, 0.5, 0.3)]
    return setting


def _puddles(setting: SceneBuilder) -> None:
    """Paint puddles that mirror the stage."""
    canvas, ground = setting.canvas, setting.ground
    puddles = smoothstep(-0.05, 0.45, floor_noise(setting, canvas.whole, 9.0, (1.4, 1.0)))
    dry = canvas.light.copy()
    reflect(setting, 0.62, 0.006, 0.008, top=ground.foot(10))
    start = int(ground.foot(10) * canvas.raster.height)
    share = (0.25 + 0.75 * puddles)[start:, :, None].astype(np.float32)
    canvas.light[start:] = mix(dry[start:], canvas.light[start:], share)


def _falling_rain(setting: SceneBuilder, haze: Colour) -> None:
    """Paint streaks of rain in front of everything."""
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
    """Paint a club with coloured beams in haze."""
    setting = begin_scene(rng, canvas, [
        ("#ff2f8e", "#28c8ff", "#8a4bff", "#160a24"),
        ("#ff5a2a", "#ff2f6a", "#ffc04a", "#1c0a12"),
        ("#2affb0", "#3f6aff", "#c84bff", "#06141e"),
        ("#3f8aff", "#f03fff", "#f4f6ff", "#0a0c24"),
    ])  # fmt: skip
    first, second, third, room = setting.palette
    ground = setting.ground
    setting.style, setting.poses, setting.bloom, setting.shadow = "evening", "lively", 0.65, 0.45
    setting.sky = room * 1.8 + mix(first, second, 0.5) * 0.10 + 0.05
    setting.bounce = second * 0.08 + 0.015
    setting.haze, setting.haze_per_metre = mix(first, second, 0.5) * 0.30, 0.020
    setting.film = Film(1.2, (0.95, 0.95, 1.1), (1.02, 1.0, 1.0), 1.08, 0.4)
    paint_sky(setting, [(0, room * 0.5), (1.0, room * 1.6)])
    paint_ground(setting, room * 0.9, room * 2.0, 0.12, metres=2.0)
    x = setting.across(rng.uniform(0.4, 0.6))
    _club_wall(setting, setting.spot(x, 15))
    roof = 0.06
    for y, size in ((roof, 0.045), (roof + 0.09, 0.03)):
        truss(setting, (-0.05, y), (setting.aspect + 0.05, y), size, colour("#1c1a24"))
    _club_haze(setting, x, roof)
    _mirror_ball(setting, x + rng.uniform(-0.2, 0.2), 0.17, 0.045, (first, second, third))
    crowd(setting, (12.5, 10.2, 8.4), colour("#08070e"), mix(first, second, 0.5) * 0.55, arms=0.45, spacing=0.62)
    reflect(setting, 0.34, 0.012, 0.010, top=ground.foot(8.0))
    setting.bulbs = [
        Bulb(-0.1, 0.1, rng.uniform(-0.6, 0.9), first * 1.5, 0.7, 0.2),
        Bulb(setting.aspect + 0.1, 0.1, rng.uniform(-0.6, 0.9), second * 1.5, 0.7, 0.2),
        Bulb(x, ground.horizon - 0.2, -2.0, third * 0.9, 0.5, 0.1),
    ]
    return setting


def _club_wall(setting: SceneBuilder, at: Spot) -> None:
    """Paint screens, and the player behind the desk."""
    canvas, (first, second, third, _) = setting.canvas, setting.palette
    led_wall(setting, at.box(-5.0, 5.2, 10.0, 4.0), (first * 0.9, second * 0.8, third), 1.1)
    for edge in (-1, 1):
        for k in range(3):
            led_wall(setting, at.box(edge * (6.3 + 2.0 * k) - 0.7, 5.0, 1.4, 4.4), (second, first, third), 0.6)
    canvas.fill([at.box(-2.2, 1.35, 4.4, 1.35)], (colour("#15121c"), colour("#08070c")))
    led_wall(setting, at.box(-2.0, 1.15, 4.0, 0.7), (third, first, second), 0.8)
    player = [at.disc(0, 2.35, 0.15, 0.19), at.hull("-.24 1.95 .12, .24 1.95 .12, 0 1.4 .2")]
    canvas.fill(player, colour("#0a080e"))


def _club_haze(setting: SceneBuilder, x: float, roof: float) -> None:
    """Paint haze and beams."""
    rng, canvas = setting.rng, setting.canvas
    cells = canvas.noise(rng, (0.4, 0.25), 4)
    _, gy = canvas.raster.grid(canvas.whole)
    near_back = np.exp(-(((gy - setting.ground.horizon + 0.08) / 0.22) ** 2))
    canvas.light += setting.haze * (near_back * (0.75 + 0.5 * cells))[..., None].clip(0, None).astype(np.float32)
    count = int(rng.integers(8, 12))
    for i in range(count):
        start = setting.aspect * (i + 0.5) / count
        end = (start + rng.normal(0, 0.22) + (x - start) * rng.uniform(-0.3, 1.0), rng.uniform(0.8, 1.1))
        width, light = rng.uniform(0.05, 0.09), setting.palette[i % 3]
        beam(setting, (start, roof + 0.10 * (i % 2)), end, width=width, light=light, strength=0.42)


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
            tile = box(px - size * wide, py - size, size * 2 * max(0.25, math.sqrt(1 - u * u)), size * 1.7)
            canvas.fill([tile], mix(colour("#5a5a6c"), rng.choice(tones), 0.4) * (0.15 + 2.2 * bright), 0.9)
    canvas.glow(x, y, radius * 3.2, tones[2], 0.25)
    for _ in range(90):
        px, py = rng.uniform(0, setting.aspect), rng.uniform(0.02, 1.0)
        size = 0.0022 + 0.002 * rng.random()
        canvas.shine([ellipse(px, py, size * 1.3, size)], rng.choice(tones), 0.35, blur=size * 0.3)


def forest(rng: np.random.Generator, canvas: Canvas) -> SceneBuilder:
    """Paint a small stage in a forest, with strings of lights."""
    setting = begin_scene(rng, canvas, [
        ("#0c2a2e", "#1f5a50", "#f2c070", "#ffd89a", "#23402c"),
        ("#12203c", "#3a4f86", "#f0a0b0", "#ffd0a0", "#26384a"),
        ("#2c3a18", "#7f9a3a", "#ffe08a", "#fff0b8", "#3a4a20"),
    ])  # fmt: skip
    deep, middle, glow, light, floor = setting.palette
    bright = float(middle.mean()) > 0.17
    ground = setting.ground
    setting.style, setting.bloom = "evening", 0.6
    setting.sky, setting.bounce = middle * 0.75 + 0.07, floor * 0.8 + 0.02
    setting.haze, setting.haze_per_metre = mix(middle, glow, 0.45) * (0.95 if bright else 0.62), 0.030
    setting.film = Film(1.15, (0.94, 1.04, 1.05), (1.05, 1.0, 0.92), 1.05, 0.36)
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
    _forest_strings(setting, light)
    canvas.glow(x, ground.foot(9), 0.7, glow, 0.26, squash=0.22)
    setting.bulbs = [
        Bulb(x, ground.horizon - 0.15, -2.5, glow * 1.0, 0.5, 0.25),
        Bulb(setting.across(0.2), 0.1, 0.8, light * 0.42, 0.7, 0.4),
        Bulb(setting.across(0.8), 0.1, 0.9, light * 0.42, 0.7, 0.4),
    ]
    return setting


def _trunks(setting: SceneBuilder, distance: float, count: int, bark: Colour, keep: float | None = None) -> None:
    """Paint tree trunks at a distance; none at x = `keep`, where the stage is."""
    rng, canvas, foot = setting.rng, setting.canvas, setting.ground.foot(distance)
    m = setting.ground.metre(foot)
    tone = setting.lit(bark, 0.15, 0.6, distance)
    for _ in range(count):
        x = rng.uniform(-0.05, 1.05) * setting.aspect
        if keep is not None and abs(x - keep) < 0.36:
            continue
        thick, lean = rng.uniform(0.16, 0.34) * m, rng.normal(0, 0.03)
        roots = [(x + side * thick * 0.6, foot, thick * 0.35) for side in (-1, 1)]
        bole = hull(*roots, (x, foot - 1.2 * m, thick * 0.62))
        stem = hull((x, foot - 0.6 * m, thick * 0.66), (x + lean, -0.05, thick * 0.42))
        canvas.fill([bole, stem], tone)
        side = thick if setting.aspect / 2 > x else -thick
        edge = hull((x + side * 0.52, foot - 0.3 * m, thick * 0.12), (x + lean + side * 0.34, -0.05, thick * 0.08))
        canvas.fill([edge], mix(tone, setting.haze, 0.6) * 1.25, 0.75, blur=thick * 0.12)
        for _ in range(12 if distance < 25 else 0):
            y = rng.uniform(0, foot - 0.3 * m)
            crack = hull((x - thick * 0.4, y, 0.006 * m), (x + thick * 0.3, y + 0.1 * m, 0.004 * m))
            canvas.fill([crack], tone * 0.5, 0.5)


def _forest_stage(setting: SceneBuilder, x: float, distance: float, glow: Colour, light: Colour) -> None:
    """Paint a wooden stage with an arch and lamps."""
    canvas, at = setting.canvas, setting.spot(x, distance)
    m = at.metre
    wood = setting.lit(colour("#5a3c26"), 0.3, 0.6, distance)
    canvas.fill([at.box(-3.6, 4, 7.2, 3.2)], (glow * 0.75, glow * 1.15), blur=0.15 * m)
    for k in range(15):
        board = at.box(-3.5 + 0.5 * k, 3.9, 0.24, 3.2)
        canvas.fill([board], colour("#a0522d") * light * 0.5, 0.5, blur=0.03 * m)
    arch = [at.at(3.8 * math.cos(a), 0.7 + 4.2 * math.sin(a)) for a in np.linspace(0, math.pi, 15)]
    canvas.fill(tube(arch, [0.22 * m]), wood * 0.8)
    canvas.fill([at.box(-4.2, 0.85, 8.4, 0.85)], (wood * 1.2, wood * 0.5))
    for i, place in enumerate(arch):
        canvas.lamp(*place, 0.07 * m, light, strength=1.4, blur=0.04 * m, core=2.6)
        if i % 3 == 1:
            end = (x + setting.rng.normal(0, 0.25), at.foot + 0.2)
            beam(setting, place, end, width=0.08, light=light, strength=0.22)
    for px in (-1.5, 0.0, 1.4):
        player = Spot(x + px * m, at.foot, m)
        figure = [player.disc(0, 2.4, 0.13, 0.16), player.hull("-.18 2 .1, .18 2 .1, 0 .85 .18")]
        canvas.fill(figure, np.full(3, 0.02, np.float32), 0.94)


def _canopy(setting: SceneBuilder, tone: Colour) -> None:
    """Paint leaves that hang in from above."""
    rng, canvas = setting.rng, setting.canvas
    for size, low, share in ((0.034, 0.20, 0.75), (0.020, 0.25, 0.95), (0.012, 0.29, 1.5)):
        blots = []
        for _ in range(int(90 + 4.5 / size)):
            x = rng.uniform(-0.02, setting.aspect + 0.02)
            edge = abs(x / setting.aspect - 0.5) * 2
            y = rng.uniform(-0.03, low * (0.35 + 0.85 * edge**2))
            blots.append(ellipse(x, y, size * rng.uniform(0.5, 1.1), size * rng.uniform(0.35, 0.7)))
        canvas.fill(blots, mix(tone, setting.haze, 0.10) * share, 0.95, blur=size * 0.05)


def _forest_strings(setting: SceneBuilder, light: Colour) -> None:
    """Paint strings of lights between the trunks."""
    rng = setting.rng
    for _ in range(8):
        y0, y1 = rng.uniform(0.0, 0.30), rng.uniform(0.05, 0.34)
        start, end = (setting.across(rng.uniform(-0.05, 0.4)), y0), (setting.across(rng.uniform(0.6, 1.05)), y1)
        near = rng.uniform(0.002, 0.0085)
        sag = rng.uniform(0.05, 0.13)
        string_lights(setting, start, end, sag, 24, size=(near, near * 0.6), tones=(light, WARM))
