"""Drawn scenes under a wide sky: meadow, beach, balloons, lanterns over a lake."""

import numpy as np

from carousel.drawing.canvas import Canvas, Colour, Film, colour, colours, mix, noise, points, smoothstep
from carousel.drawing.crowds import crowd, passers_by
from carousel.drawing.height_fields import Lamp
from carousel.drawing.nature import flowers, paint_grass, palm, sun_rays, tree
from carousel.drawing.props import LAMPS, balloon, bell_tent, bunting, dome_tent, lantern, string_lights
from carousel.drawing.scene_building import (
    WHITE,
    Bulb,
    SceneBuilder,
    begin_scene,
    either_side,
    floor_noise,
    light_pools,
    paint_clouds,
    paint_ground,
    paint_hills,
    paint_sky,
    paint_stars,
    reflect,
)
from common.outlines import Outline, curve, hull


def meadow(rng: np.random.Generator, canvas: Canvas) -> SceneBuilder:
    """Paint a meadow with tents by day."""
    setting = begin_scene(rng, canvas, [
        ("#2f7fc8", "#8cc4e8", "#e3f0ee", "#7fae4e", "#fff0d0"),
        ("#3a8fb8", "#a5d6dd", "#fbeccb", "#9aaa4a", "#ffdf9e"),
        ("#5a86c0", "#b8c8e0", "#f6d9c0", "#88a052", "#ffcf94"),
    ])  # fmt: skip
    zenith, middle, haze, grass, sun = setting.palette
    side, front = either_side(rng), rng.random() < 0.6
    setting.poses = "lively" if rng.random() < 0.5 else "calm"
    setting.bloom, setting.shadow = 0.25, 0.62
    setting.sky, setting.bounce = mix(zenith, WHITE, 0.45) * 0.62, grass * 0.38
    setting.haze, setting.haze_per_metre = mix(haze, middle, 0.4) * 0.9, 0.006
    setting.sun = Lamp((side * 0.8, 0.75, 0.55 if front else -0.45), sun * 1.02, 0.08)
    setting.film = Film(1.06, (0.95, 1.0, 1.05), (1.04, 1.01, 0.95), 1.05, 0.22)
    paint_sky(setting, [(0, zenith * 0.8), (0.6, middle * 0.85), (1.0, haze * 0.95)])
    paint_clouds(setting, sun * 1.1, mix(middle, zenith, 0.3) * 0.8, rng.uniform(0.35, 0.55), 0.7)
    for distance, high, tone in ((400, 0.10, "#5f8a8a"), (220, 0.065, "#5a8458"), (110, 0.035, "#5a8040")):
        paint_hills(setting, colour(tone), high, distance, tooth=0.0025 if distance < 300 else 0)
    near, far = setting.sky * 0.6 + sun * 0.5, setting.sky * 0.6 + sun * 0.6
    paint_grass(setting, grass * near, mix(grass, colour("#c9c070"), 0.4) * far, 1500)
    canvas.soften(0.0012)
    _camp(setting, side)
    if not front:
        canvas.glow(setting.across(0.5 + side * 0.42), 0.06, 0.9, sun, 0.55)
        sun_rays(setting, setting.across(0.5 + side * 0.45), -0.05, sun, 0.10)
    return setting


def _camp(setting: SceneBuilder, side: int) -> None:
    """Paint tents, trees and bunting."""
    rng = setting.rng
    tones = colours("#e8633f", "#f2c14e", "#3f8fa8", "#d8e0d0", "#e87f9c", "#6aa060", "#f4efe0", "#8a6fb0")
    for distance in (55, 46, 38, 31, 26, 21, 17):
        for _ in range(2):
            x = rng.uniform(-0.05, 1.05) * setting.aspect
            if rng.random() < 0.35:
                bell_tent(setting, x, distance, colour("#efe6d2"))
            else:
                dome_tent(setting, x, distance, rng.uniform(1.0, 1.4), rng.choice(tones))
    for edge in (-1, 1):
        x, away = setting.across(0.5 + edge * rng.uniform(0.46, 0.56)), rng.uniform(16, 22)
        tree(setting, x, away, rng.uniform(7, 9), colour("#4f7a35"))
    passers_by(setting, (42, 30, 22), 3, 0.6, WHITE * 0)
    x = setting.across(0.5 - side * rng.uniform(0.33, 0.44))
    dome_tent(setting, x, rng.uniform(8.5, 11), 1.35, rng.choice(tones))
    flags = [tones[k] for k in (0, 1, 6, 2, 4)]
    for row in range(3):
        y = 0.06 + 0.075 * row
        start, end = (-0.05, y + rng.normal(0, 0.03)), (setting.aspect + 0.05, y + rng.normal(0, 0.04))
        bunting(setting, start, end, 0.07 - 0.012 * row, 22 + 7 * row, size=0.055 - 0.013 * row, tones=flags)
    flowers(setting, colours("#fff4e0", "#f6d04a", "#e8608a", "#b48ae0"), 260)


def beach(rng: np.random.Generator, canvas: Canvas) -> SceneBuilder:
    """Paint a beach stage at sunset."""
    setting = begin_scene(rng, canvas, [
        ("#3a4a86", "#e0808a", "#ffb35e", "#ffd98a", "#c98a6a"),
        ("#5a3f86", "#f0706a", "#ff9a4a", "#ffe09a", "#b87a70"),
        ("#2f6a96", "#f0a088", "#ffc878", "#fff0b8", "#d0a080"),
    ])  # fmt: skip
    zenith, middle, glow, sun, sand = setting.palette
    side = either_side(rng)
    sun_x = setting.across(0.5 + side * rng.uniform(0.05, 0.28))
    sun_y = setting.ground.horizon - rng.uniform(0.035, 0.10)
    setting.poses, setting.bloom, setting.shadow = "lively", 0.55, 0.55
    setting.sky, setting.bounce = mix(zenith, middle, 0.5) * 0.55 + 0.06, sand * 0.30
    setting.haze, setting.haze_per_metre = glow * 0.85, 0.004
    setting.sun = Lamp((sun_x - canvas.aspect / 2, 0.22, -0.75), sun * 1.7, 0.12)
    setting.film = Film(1.04, (1.0, 0.94, 1.10), (1.05, 0.99, 0.93), 1.06, 0.26)
    setting.bulbs = [Bulb(setting.across(0.5 - side * 0.2), -0.1, 2.0, mix(middle, WHITE, 0.4) * 0.42, 0.9, 0.6)]
    paint_sky(setting, [(0, zenith * 0.75), (0.5, middle * 0.8), (0.88, glow * 0.92), (1.0, sun)])
    paint_clouds(setting, glow * 1.15, mix(middle, zenith, 0.5) * 0.7, 0.45, 1.0)
    canvas.glow(sun_x, sun_y, 0.55, glow, 0.75)
    canvas.lamp(sun_x, sun_y, 0.036, sun, strength=1.6, blur=0.004, core=2.0)
    _sea(setting, sun_x)
    _sands(setting, sun_x)
    _beach_props(setting, side)
    return setting


def _sea(setting: SceneBuilder, sun_x: float) -> None:
    canvas, horizon = setting.canvas, setting.ground.horizon
    zenith, middle, glow, sun, _ = setting.palette
    top, low = int(horizon * canvas.raster.height), int(min(1.0, setting.ground.foot(12)) * canvas.raster.height)
    window = (slice(top, low), canvas.whole[1])
    x, y = canvas.raster.grid(window)
    down = (y - horizon) / max(low / canvas.raster.height - horizon, 1e-3)
    tone = mix(mix(glow, middle, 0.4) * 0.75, mix(zenith, middle, 0.3) * 0.55, smoothstep(0.0, 0.9, down)[..., None])
    cell_px = (0.06 * canvas.raster.scale, 0.010 * canvas.raster.scale)
    ripples = noise(setting.rng, canvas.raster.width, low - top, cell_px, 4)
    tone = tone * (1 + 0.28 * ripples * (0.3 + down))[..., None]
    path = np.exp(-(((x - sun_x) / (0.035 + 0.10 * down)) ** 2))
    sparkle = smoothstep(0.05, 0.55, ripples + path - 0.35) * path
    canvas.light[window] = tone + sun * (sparkle * 1.3)[..., None].astype(np.float32)


def _sands(setting: SceneBuilder, sun_x: float) -> None:
    """Paint surf and sand."""
    canvas, (_, _, glow, sun, sand) = setting.canvas, setting.palette
    shore = setting.ground.foot(14)
    line = np.linspace(-0.1, setting.aspect + 0.1, 40)
    wave = shore + 0.008 * np.sin(line * 5 + setting.rng.uniform(0, 6)) + 0.004 * np.sin(line * 13)
    outline = _nearer_than(line, wave)
    texture = _relief(setting, int(shore * canvas.raster.height) - 2, 2.6, (2.2, 0.7)) * 0.16
    canvas.fill([outline - np.array([0, 0.006])], colour("#fff2dc"), 0.75, blur=0.002)
    wet, dry = mix(sand * 0.5, glow, 0.45), sand * (setting.sky * 1.5 + sun * 0.42)
    canvas.fill([outline], (wet, dry), texture=texture)
    canvas.glow(sun_x, shore + 0.03, 0.5, glow, 0.30, squash=0.16)


def _nearer_than(line: np.ndarray, edge: np.ndarray) -> Outline:
    """Return the land in front of the water's edge."""
    return np.concatenate([np.stack([line, edge], axis=1), [[line[-1], 1.1], [line[0], 1.1]]])


def _relief(setting: SceneBuilder, first_row: int, metres: float, stretch: tuple[float, float]) -> np.ndarray:
    """Return noise on the ground from a row down, (H, W) of the whole picture."""
    canvas = setting.canvas
    relief = np.zeros(canvas.light.shape[:2], np.float32)
    window = canvas.below(first_row)
    relief[window] = floor_noise(setting, window, metres, stretch)
    return relief


def _beach_props(setting: SceneBuilder, side: int) -> None:
    """Paint palms, stage, crowd and lamps."""
    rng, glow = setting.rng, setting.palette[2]
    dark = colour("#2a1c22")
    for _ in range(3):
        x = setting.across(0.5 - side * rng.uniform(0.36, 0.54))
        distance, height = rng.uniform(9, 13), rng.uniform(4.2, 6.2)
        palm(setting, x, distance, height, dark, lean=rng.normal(side * 0.12, 0.06))
    place = 0.5 + side * 0.30
    _beach_stage(setting, setting.across(place), 13.0)
    spread = (place - 0.18, place + 0.18)
    crowd(setting, (12.4, 11.4, 10.6), dark * 0.8, glow * 0.9, arms=0.4, spacing=0.55, spread=spread)
    start = (setting.across(0.5 - side * 0.55), 0.10)
    end = (setting.across(0.5 + side * 0.22), setting.ground.horizon - 0.22)
    string_lights(setting, start, end, 0.09, 20, size=(0.010, 0.004))


def _beach_stage(setting: SceneBuilder, x: float, distance: float) -> None:
    """Paint a bamboo stage under sails of cloth."""
    canvas, at = setting.canvas, setting.spot(x, distance)
    m = at.metre
    wood = setting.lit(colour("#4a3020"), 0.2, 0.6)
    canvas.fill([at.box(-3.2, 0.7, 6.4, 0.7)], (wood * 1.3, wood * 0.7))
    posts = points("-3 3.4, -1.2 4.3, 1.2 4.3, 3 3.4")
    canvas.fill([hull((*at.at(px, 0), 0.07 * m), (*at.at(px, high), 0.06 * m)) for px, high in posts], wood)
    tones = colours("#f6e3c0", "#e8735a", "#3f9a9c")
    for (ax, ah), (bx, bh), tone in zip(posts, posts[1:], tones, strict=False):
        left, right, middle = at.at(ax, ah), at.at(bx, bh), (ax + bx) / 2
        top, low = at.at(middle, (ah + bh) / 2 - 0.35), at.at(middle, (ah + bh) / 2 - 0.9)
        sail = curve([left, left, top, right, right, low])
        canvas.fill([sail], (setting.lit(tone, 0.55, 1), setting.lit(tone, 0.3, 0.6)))
    canvas.shine([at.box(-2.4, 2.6, 4.8, 1.9)], colour("#ff9a5a"), 0.28, blur=0.3 * m)
    for k in range(7):
        lamp = at.at((k - 3) * 0.9, 2.9 + 0.2 * (k % 2))
        canvas.lamp(*lamp, 0.06 * m, LAMPS[k % len(LAMPS)], strength=1.5, blur=0.03 * m, core=2.0)


def balloons(rng: np.random.Generator, canvas: Canvas) -> SceneBuilder:
    """Paint hot-air balloons over hills in low sun."""
    setting = begin_scene(rng, canvas, [
        ("#6aa0d0", "#f0cfa8", "#ffdf9a", "#ffc468", "#b8a04a"),
        ("#7a8ac8", "#f4b8a8", "#ffcf98", "#ffb07a", "#8f9a4c"),
        ("#5a9ac0", "#d8e4c8", "#fff0b0", "#ffdc80", "#98a84a"),
    ])  # fmt: skip
    zenith, middle, haze, sun, grass = setting.palette
    horizon = setting.ground.horizon
    side, behind = either_side(rng), rng.random() < 0.6
    setting.poses = "lively" if rng.random() < 0.5 else "calm"
    setting.bloom, setting.shadow = 0.4, 0.55
    setting.sky, setting.bounce = mix(zenith, middle, 0.5) * 0.50, grass * 0.32
    setting.haze, setting.haze_per_metre = haze * 0.92, 0.008
    setting.sun = Lamp((side * 0.95, 0.30, -0.45 if behind else 0.45), sun * 1.55, 0.12)
    setting.film = Film(1.03, (0.98, 0.97, 1.06), (1.05, 1.0, 0.93), 1.04, 0.25)
    paint_sky(setting, [(0, zenith * 0.85), (0.55, middle * 0.9), (1.0, haze)])
    paint_clouds(setting, sun * 1.1, mix(zenith, middle, 0.5) * 0.85, 0.35, 0.9)
    sun_x = setting.across(0.5 + side * 0.40)
    if behind:
        canvas.glow(sun_x, horizon - 0.12, 0.75, sun, 0.65)
        canvas.lamp(sun_x, horizon - 0.12, 0.030, haze, strength=1.4, blur=0.005, core=1.6)
    _hills_with_balloons(setting, side)
    near, far = setting.sky * 0.6 + sun * 0.42, setting.sky * 0.6 + sun * 0.55
    paint_grass(setting, grass * near, mix(grass, sun, 0.35) * far, 2400)
    tree(setting, setting.across(0.5 + side * 0.52), 20, 6.5, colour("#7a8a3a"))
    passers_by(setting, (45, 32), 4, 0.5, WHITE * 0)
    for distance in (34, 26):
        bell_tent(setting, setting.across(rng.uniform(0.1, 0.9)), distance, colour("#efe2c8"))
    flowers(setting, colours("#fff0d0", "#f2b03a", "#d8608a"), 340)
    if behind:
        sun_rays(setting, sun_x, horizon - 0.16, sun, 0.07)
    return setting


def _hills_with_balloons(setting: SceneBuilder, side: int) -> None:
    """Paint hills, each with balloons in front of it, and one balloon near the camera."""
    rng, horizon = setting.rng, setting.ground.horizon
    for distance, high, tone, count, size in (
        (500, 0.13, "#8a90a8", 2, 0.055),
        (300, 0.09, "#7f9080", 2, 0.10),
        (160, 0.055, "#7a8a58", 3, 0.17),
    ):
        paint_hills(setting, colour(tone), high, distance, tooth=0.002 if distance < 400 else 0)
        for _ in range(count):
            wide = size * rng.uniform(0.8, 1.2)
            x, y = setting.across(rng.uniform(0.04, 0.96)), rng.uniform(0.10, horizon - 0.10 - wide * 0.6)
            balloon(setting, (x, y), wide, distance * 0.5)
    near = (setting.across(0.5 - side * rng.uniform(0.22, 0.34)), rng.uniform(0.20, 0.26))
    balloon(setting, near, rng.uniform(0.30, 0.36), 25)


def lanterns(rng: np.random.Generator, canvas: Canvas) -> SceneBuilder:
    """Paint paper lanterns that rise over a lake at night."""
    setting = begin_scene(rng, canvas, [
        ("#081030", "#1c3068", "#6a4a7a", "#ff9a4a"),
        ("#0c1a2e", "#1f5068", "#5a7a80", "#ffb45a"),
        ("#180c34", "#4a2a6a", "#a04a6a", "#ff7f50"),
    ])  # fmt: skip
    zenith, middle, haze, glow = setting.palette
    setting.style, setting.bloom, setting.shadow = "evening", 0.55, 0.5
    setting.sky, setting.bounce = middle * 0.65 + 0.06 + glow * 0.04, middle * 0.2 + 0.02
    setting.haze, setting.haze_per_metre = mix(haze, middle, 0.5) * 0.6, 0.006
    setting.film = Film(1.18, (0.92, 0.97, 1.15), (1.05, 1.0, 0.94), 1.05, 0.34)
    paint_sky(setting, [(0, zenith), (0.55, middle * 0.7), (1.0, haze * 0.8)])
    paint_clouds(setting, haze * 0.5, middle * 0.4, 0.3, 0.9)
    paint_stars(setting, 130, 0.9)
    side = either_side(rng)
    moon = (setting.across(0.5 + side * 0.36), 0.11)
    canvas.glow(*moon, 0.25, colour("#a8b8e8"), 0.22)
    canvas.lamp(*moon, 0.030, colour("#f0ecd8"), strength=0.2, blur=0.003, core=1.0)
    for distance, high, tone in ((500, 0.16, "#24305a"), (300, 0.10, "#182244"), (160, 0.04, "#0e162c")):
        paint_hills(setting, colour(tone) * 1.6, high, distance, rough=0.75, tooth=0.002, low=0.004)
    paint_ground(setting, zenith * 0.8, middle * 0.6, 0.1, (3.0, 0.6), metres=5.0)
    _lantern_sky(setting, glow)
    reflect(setting, 0.85, 0.004, 0.030)
    _lantern_shore(setting, glow)
    setting.sun = Lamp((side * 0.5, 0.8, -0.3), colour("#8fa4e0") * 0.35, 0.2)
    setting.bulbs = [
        Bulb(setting.across(0.5 - side * 0.4), 0.25, 0.9, glow * 0.95, 0.6, 0.4),
        Bulb(setting.across(0.5 + side * 0.5), 0.35, -1.0, glow * 0.75, 0.6, 0.2),
    ]
    return setting


def _lantern_sky(setting: SceneBuilder, glow: Colour) -> None:
    rng = setting.rng
    for size in sorted(0.010 + 0.07 * rng.random() ** 3.2 for _ in range(46)):
        x = rng.uniform(-0.02, setting.aspect + 0.02)
        y = rng.uniform(0.02, setting.ground.horizon - 0.06 - size)
        tone = mix(glow, colour("#ffd890"), rng.uniform(0, 0.6))
        lantern(setting, x, y, size, tone, level=0.8 + 8 * size)


def _lantern_shore(setting: SceneBuilder, glow: Colour) -> None:
    """Paint the bank, and lanterns on the water."""
    rng, canvas, ground = setting.rng, setting.canvas, setting.ground
    line = np.linspace(-0.1, setting.aspect + 0.1, 30)
    edge = ground.foot(6.5) + 0.012 * np.sin(line * 3.1 + rng.uniform(0, 6)) + 0.004 * np.sin(line * 9)
    texture = _relief(setting, int(ground.horizon * canvas.raster.height) + 2, 2.2, (1.0, 1.0)) * 0.45
    soil = colour("#3a3230") * (setting.sky * 0.9 + glow * 0.12)
    canvas.fill([_nearer_than(line, edge)], (mix(soil, glow, 0.06), soil * 0.9), texture=texture)
    for _ in range(9):
        at = setting.spot(setting.across(rng.uniform(0.02, 0.98)), rng.uniform(7.5, 14))
        lantern(setting, *at.at(0, 0.12), 0.28 * at.metre, glow, level=1.3)
        canvas.glow(*at.at(0, -0.10), 0.7 * at.metre, glow, 0.35, squash=0.4)
    light_pools(setting, glow, 4, (3.6, 6), 0.10, x=(0.1, 0.9), squash=0.22)
