"""Drawn scenes under a wide sky: meadow, beach, balloons, lanterns over a lake."""

from collections.abc import Sequence

import numpy as np

from carousel.drawing.canvas import Canvas, Colour, Film, colour, mix, noise, points, smoothstep
from carousel.drawing.crowds import crowd, passers_by
from carousel.drawing.height_fields import Lamp
from carousel.drawing.nature import flowers, paint_grass, palm, sun_rays, tree
from carousel.drawing.props import LAMPS, balloon, bell_tent, bunting, dome_tent, lantern, string_lights
from carousel.drawing.scene_building import (
    WHITE,
    Bulb,
    Ground,
    SceneBuilder,
    Spot,
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
from common.outlines import curve, ellipse, hull


def meadow(rng: np.random.Generator, canvas: Canvas) -> SceneBuilder:
    """A meadow with tents by day."""
    palette = choose(rng, [
        ("#2f7fc8", "#8cc4e8", "#e3f0ee", "#7fae4e", "#fff0d0"),
        ("#3a8fb8", "#a5d6dd", "#fbeccb", "#9aaa4a", "#ffdf9e"),
        ("#5a86c0", "#b8c8e0", "#f6d9c0", "#88a052", "#ffcf94"),
    ])  # fmt: skip
    zenith, middle, haze, grass, sun = palette
    ground, side = random_view(rng), either_side(rng)
    front = rng.random() < 0.6
    setting = _meadow_light(
        rng, canvas, front, grass, ground, haze=haze, middle=middle, side=side, sun=sun, zenith=zenith
    )
    paint_sky(setting, [(0, zenith * 0.8), (0.6, middle * 0.85), (1.0, haze * 0.95)])
    paint_clouds(setting, sun * 1.1, mix(middle, zenith, 0.3) * 0.8, rng.uniform(0.35, 0.55), 0.7)
    for distance, high, tone in ((400, 0.10, "#5f8a8a"), (220, 0.065, "#5a8458"), (110, 0.035, "#5a8040")):
        paint_hills(setting, colour(tone), ground.horizon + 0.01, high, distance, tooth=0.0025 if distance < 300 else 0)
    paint_grass(
        setting,
        grass * (setting.sky * 0.6 + sun * 0.5),
        mix(grass, colour("#c9c070"), 0.4) * (setting.sky * 0.6 + sun * 0.6),
        1500,
    )
    canvas.soften(0.0012)
    _camp(setting, side)
    if not front:
        canvas.glow(setting.aspect * (0.5 + side * 0.42), 0.06, 0.9, sun, 0.55)
        sun_rays(setting, setting.aspect * (0.5 + side * 0.45), -0.05, sun, 0.10)
    setting.film = Film(1.06, (0.95, 1.0, 1.05), (1.04, 1.01, 0.95), 1.05, 0.22)
    return setting


def _meadow_light(
    rng: np.random.Generator,
    canvas: Canvas,
    front: bool,
    grass: Colour,
    ground: Ground,
    *,
    haze: Colour,
    middle: Colour,
    side: int,
    sun: Colour,
    zenith: Colour,
) -> SceneBuilder:
    """Sun in front or behind."""
    setting = SceneBuilder(
        rng,
        canvas,
        ground,
        sky=mix(zenith, WHITE, 0.45) * 0.62,
        bounce=grass * 0.38,
        haze=mix(haze, middle, 0.4) * 0.9,
        haze_per_metre=0.006,
        poses="lively" if rng.random() < 0.5 else "calm",
        bloom=0.25,
        shadow=0.62,
    )
    setting.sun = Lamp((side * 0.8, 0.75, 0.55 if front else -0.45), sun * 1.02, 0.08)
    return setting


def _camp(setting: SceneBuilder, side: int) -> None:
    """Tents, trees and bunting."""
    rng = setting.rng
    tones = [
        colour(t) for t in ("#e8633f", "#f2c14e", "#3f8fa8", "#d8e0d0", "#e87f9c", "#6aa060", "#f4efe0", "#8a6fb0")
    ]
    for distance in (55, 46, 38, 31, 26, 21, 17):
        for _ in range(2):
            x = rng.uniform(-0.05, 1.05) * setting.aspect
            if rng.random() < 0.35:
                bell_tent(setting, x, distance, 1.0, colour("#efe6d2"))
            else:
                dome_tent(setting, x, distance, rng.uniform(1.0, 1.4), rng.choice(tones))
    for edge in (-1, 1):
        tree(
            setting,
            setting.aspect * (0.5 + edge * rng.uniform(0.46, 0.56)),
            rng.uniform(16, 22),
            rng.uniform(7, 9),
            colour("#4f7a35"),
            trunk=colour("#5a4632"),
        )
    passers_by(setting, (42, 30, 22), 3, 0.6, WHITE * 0)
    tx = setting.aspect * (0.5 - side * rng.uniform(0.33, 0.44))
    dome_tent(setting, tx, rng.uniform(8.5, 11), 1.35, rng.choice(tones))
    for row in range(3):
        y = 0.06 + 0.075 * row
        bunting(
            setting,
            (-0.05, y + rng.normal(0, 0.03)),
            (setting.aspect + 0.05, y + rng.normal(0, 0.04)),
            0.07 - 0.012 * row,
            22 + 7 * row,
            size=0.055 - 0.013 * row,
            tones=[tones[k] for k in (0, 1, 6, 2, 4)],
        )
    flowers(setting, [colour(t) for t in ("#fff4e0", "#f6d04a", "#e8608a", "#b48ae0")], 260)


def beach(rng: np.random.Generator, canvas: Canvas) -> SceneBuilder:
    """A beach stage at sunset."""
    palette = choose(rng, [
        ("#3a4a86", "#e0808a", "#ffb35e", "#ffd98a", "#c98a6a"),
        ("#5a3f86", "#f0706a", "#ff9a4a", "#ffe09a", "#b87a70"),
        ("#2f6a96", "#f0a088", "#ffc878", "#fff0b8", "#d0a080"),
    ])  # fmt: skip
    zenith, middle, glow, sun, sand = palette
    ground, side = random_view(rng), either_side(rng)
    sun_x = canvas.aspect * (0.5 + side * rng.uniform(0.05, 0.28))
    sun_y = ground.horizon - rng.uniform(0.035, 0.10)
    setting = _beach_light(rng, canvas, glow, ground, middle, sand=sand, zenith=zenith)
    setting.sun = Lamp((sun_x - canvas.aspect / 2, 0.22, -0.75), sun * 1.7, 0.12)
    paint_sky(setting, [(0, zenith * 0.75), (0.5, middle * 0.8), (0.88, glow * 0.92), (1.0, sun)])
    paint_clouds(setting, glow * 1.15, mix(middle, zenith, 0.5) * 0.7, 0.45, 1.0)
    canvas.glow(sun_x, sun_y, 0.55, glow, 0.75)
    canvas.shine([ellipse(sun_x, sun_y, 0.036, 0.036)], sun, 1.6, blur=0.004, core=2.0)
    _sands(setting, glow, middle, sand, sun, sun_x=sun_x, zenith=zenith)
    _beach_props(setting, glow, side)
    setting.bulbs = [Bulb(setting.across(0.5 - side * 0.2), -0.1, 2.0, mix(middle, WHITE, 0.4) * 0.42, 0.9, 0.6)]
    setting.film = Film(1.04, (1.0, 0.94, 1.10), (1.05, 0.99, 0.93), 1.06, 0.26)
    return setting


def _beach_light(
    rng: np.random.Generator,
    canvas: Canvas,
    glow: Colour,
    ground: Ground,
    middle: Colour,
    *,
    sand: Colour,
    zenith: Colour,
) -> SceneBuilder:
    """The light of the evening sky."""
    setting = SceneBuilder(
        rng,
        canvas,
        ground,
        sky=mix(zenith, middle, 0.5) * 0.55 + 0.06,
        bounce=sand * 0.30,
        haze=glow * 0.85,
        haze_per_metre=0.004,
        poses="lively",
        bloom=0.55,
        shadow=0.55,
    )
    return setting


def _sands(
    setting: SceneBuilder, glow: Colour, middle: Colour, sand: Colour, sun: Colour, *, sun_x: float, zenith: Colour
) -> None:
    """Surf and sand."""
    rng, canvas, ground = setting.rng, setting.canvas, setting.ground
    _sea(setting, sun_x, zenith, middle, glow, sun=sun)
    shore = ground.foot(14)
    line = np.linspace(-0.1, setting.aspect + 0.1, 40)
    wave = shore + 0.008 * np.sin(line * 5 + rng.uniform(0, 6)) + 0.004 * np.sin(line * 13)
    window = (slice(int(shore * canvas.raster.height) - 2, canvas.raster.height), canvas.whole[1])
    relief = floor_noise(setting, window, 2.6, (2.2, 0.7))
    texture = np.zeros(canvas.light.shape[:2], np.float32)
    texture[window] = relief * 0.16
    dry = sand * (setting.sky * 1.5 + sun * 0.42)
    wet = mix(sand * 0.5, glow, 0.45)
    outline = np.concatenate([np.stack([line, wave], axis=1), [[line[-1], 1.1], [line[0], 1.1]]])
    canvas.fill([outline - np.array([0, 0.006])], colour("#fff2dc"), 0.75, blur=0.002)
    canvas.fill([outline], (wet, dry), texture=texture)
    canvas.glow(sun_x, shore + 0.03, 0.5, glow, 0.30, squash=0.16)


def _sea(setting: SceneBuilder, sun_x: float, zenith: Colour, middle: Colour, glow: Colour, *, sun: Colour) -> None:
    canvas, horizon = setting.canvas, setting.ground.horizon
    top, low = int(horizon * canvas.raster.height), int(min(1.0, setting.ground.foot(12)) * canvas.raster.height)
    window = (slice(top, low), canvas.whole[1])
    x, y = canvas.raster.grid(window)
    down = (y - horizon) / max(low / canvas.raster.height - horizon, 1e-3)
    tone = mix(mix(glow, middle, 0.4) * 0.75, mix(zenith, middle, 0.3) * 0.55, smoothstep(0.0, 0.9, down)[..., None])
    rows = low - top
    ripples = noise(
        setting.rng, canvas.raster.width, rows, (0.06 * canvas.raster.scale, 0.010 * canvas.raster.scale), 4
    )
    tone = tone * (1 + 0.28 * ripples * (0.3 + down))[..., None]
    path = np.exp(-(((x - sun_x) / (0.035 + 0.10 * down)) ** 2))
    sparkle = smoothstep(0.05, 0.55, ripples + path - 0.35) * path
    canvas.light[window] = tone + sun * (sparkle * 1.3)[..., None].astype(np.float32)


def _beach_props(setting: SceneBuilder, glow: Colour, side: int) -> None:
    """Palms, stage, crowd and lamps."""
    rng, ground = setting.rng, setting.ground
    dark = colour("#2a1c22")
    for _ in range(3):
        palm(
            setting,
            setting.across(0.5 - side * rng.uniform(0.36, 0.54)),
            rng.uniform(9, 13),
            rng.uniform(4.2, 6.2),
            dark,
            lean=rng.normal(side * 0.12, 0.06),
        )
    _beach_stage(
        setting, setting.across(0.5 + side * 0.30), 13.0, [colour(t) for t in ("#f6e3c0", "#e8735a", "#3f9a9c")]
    )
    crowd(
        setting,
        (12.4, 11.4, 10.6),
        dark * 0.8,
        glow * 0.9,
        arms=0.4,
        spacing=0.55,
        spread=(0.5 + side * 0.3 - 0.18, 0.5 + side * 0.3 + 0.18),
    )
    string_lights(
        setting,
        (setting.across(0.5 - side * 0.55), 0.10),
        (setting.across(0.5 + side * 0.22), ground.horizon - 0.22),
        0.09,
        20,
        size=(0.010, 0.004),
    )


def _beach_stage(setting: SceneBuilder, x: float, distance: float, tones: Sequence[Colour]) -> None:
    """A bamboo stage under sails of cloth."""
    canvas, foot = setting.canvas, setting.ground.foot(distance)
    m = setting.ground.metre(foot)
    at = Spot(x, foot, m)
    wood = setting.lit(colour("#4a3020"), 0.2, 0.6)
    canvas.fill([at.box(-3.2, 0.7, 6.4, 0.7)], (wood * 1.3, wood * 0.7))
    posts = points("-3 3.4, -1.2 4.3, 1.2 4.3, 3 3.4")
    canvas.fill([hull((x + px * m, foot, 0.07 * m), (x + px * m, foot - h * m, 0.06 * m)) for px, h in posts], wood)
    for (ax, ah), (bx, bh), tone in zip(posts, posts[1:], tones, strict=False):
        sail = curve(
            [
                (x + ax * m, foot - ah * m),
                (x + ax * m, foot - ah * m),
                (x + (ax + bx) / 2 * m, foot - ((ah + bh) / 2 - 0.35) * m),
                (x + bx * m, foot - bh * m),
                (x + bx * m, foot - bh * m),
                (x + (ax + bx) / 2 * m, foot - ((ah + bh) / 2 - 0.9) * m),
            ]
        )
        canvas.fill([sail], (setting.lit(tone, 0.55, 1), setting.lit(tone, 0.3, 0.6)))
    glow = at.box(-2.4, 2.6, 4.8, 1.9)
    canvas.shine([glow], colour("#ff9a5a"), 0.28, blur=0.3 * m)
    for k in range(7):
        canvas.shine(
            [ellipse(x + (k - 3) * 0.9 * m, foot - 2.9 * m - 0.2 * m * (k % 2), 0.06 * m, 0.06 * m)],
            LAMPS[k % len(LAMPS)],
            1.5,
            blur=0.03 * m,
            core=2.0,
        )


def balloons(rng: np.random.Generator, canvas: Canvas) -> SceneBuilder:
    """Hot-air balloons over hills in low sun."""
    palette = choose(rng, [
        ("#6aa0d0", "#f0cfa8", "#ffdf9a", "#ffc468", "#b8a04a"),
        ("#7a8ac8", "#f4b8a8", "#ffcf98", "#ffb07a", "#8f9a4c"),
        ("#5a9ac0", "#d8e4c8", "#fff0b0", "#ffdc80", "#98a84a"),
    ])  # fmt: skip
    zenith, middle, haze, sun, grass = palette
    ground, side = random_view(rng), either_side(rng)
    behind = rng.random() < 0.6
    setting = _balloons_light(
        rng, canvas, behind, grass, ground, haze=haze, middle=middle, side=side, sun=sun, zenith=zenith
    )
    paint_sky(setting, [(0, zenith * 0.85), (0.55, middle * 0.9), (1.0, haze)])
    paint_clouds(setting, sun * 1.1, mix(zenith, middle, 0.5) * 0.85, 0.35, 0.9)
    sun_x = setting.across(0.5 + side * 0.40)
    if behind:
        canvas.glow(sun_x, ground.horizon - 0.12, 0.75, sun, 0.65)
        canvas.shine([ellipse(sun_x, ground.horizon - 0.12, 0.030, 0.030)], haze, 1.4, blur=0.005, core=1.6)
    _hills_with_balloons(setting, side)
    paint_grass(
        setting,
        grass * (setting.sky * 0.6 + sun * 0.42),
        mix(grass, sun, 0.35) * (setting.sky * 0.6 + sun * 0.55),
        2400,
    )
    tree(setting, setting.across(0.5 + side * 0.52), 20, 6.5, colour("#7a8a3a"), trunk=colour("#5a4632"))
    passers_by(setting, (45, 32), 4, 0.5, WHITE * 0)
    for distance in (34, 26):
        bell_tent(setting, setting.across(rng.uniform(0.1, 0.9)), distance, 1.0, colour("#efe2c8"))
    flowers(setting, [colour(t) for t in ("#fff0d0", "#f2b03a", "#d8608a")], 340)
    if behind:
        sun_rays(setting, sun_x, ground.horizon - 0.16, sun, 0.07)
    setting.film = Film(1.03, (0.98, 0.97, 1.06), (1.05, 1.0, 0.93), 1.04, 0.25)
    return setting


def _balloons_light(
    rng: np.random.Generator,
    canvas: Canvas,
    behind: bool,
    grass: Colour,
    ground: Ground,
    *,
    haze: Colour,
    middle: Colour,
    side: int,
    sun: Colour,
    zenith: Colour,
) -> SceneBuilder:
    """A low sun from the side."""
    setting = SceneBuilder(
        rng,
        canvas,
        ground,
        sky=mix(zenith, middle, 0.5) * 0.50,
        bounce=grass * 0.32,
        haze=haze * 0.92,
        haze_per_metre=0.008,
        poses="lively" if rng.random() < 0.5 else "calm",
        bloom=0.4,
        shadow=0.55,
    )
    setting.sun = Lamp((side * 0.95, 0.30, -0.45 if behind else 0.45), sun * 1.55, 0.12)
    return setting


def _hills_with_balloons(setting: SceneBuilder, side: int) -> None:
    """Hills, each with balloons before it, and one near."""
    rng, ground = setting.rng, setting.ground
    sets = [
        [colour(t) for t in tones]
        for tones in (
            ("#e2583e", "#f6d27a"),
            ("#2f8f8a", "#f4ead7", "#e88a5a"),
            ("#c9486a", "#f2b84b", "#5a3f86"),
            ("#4f78b8", "#f4efe0"),
            ("#f0a03a", "#d9503f", "#8a2f4a"),
            ("#6a9a50", "#f6e3b0"),
        )
    ]
    for distance, high, tone in ((500, 0.13, "#8a90a8"), (300, 0.09, "#7f9080"), (160, 0.055, "#7a8a58")):
        paint_hills(setting, colour(tone), ground.horizon + 0.01, high, distance, tooth=0.002 if distance < 400 else 0)
        for _ in range(2 if distance > 200 else 3):
            size = {500: 0.055, 300: 0.10, 160: 0.17}[distance] * rng.uniform(0.8, 1.2)
            x, y = (setting.across(rng.uniform(0.04, 0.96)), rng.uniform(0.10, ground.horizon - 0.10 - size * 0.6))
            balloon(setting, x, y, size, sets[rng.integers(len(sets))], distance=distance * 0.5)
    big = setting.across(0.5 - side * rng.uniform(0.22, 0.34))
    balloon(setting, big, rng.uniform(0.20, 0.26), rng.uniform(0.30, 0.36), sets[rng.integers(len(sets))], distance=25)


def lanterns(rng: np.random.Generator, canvas: Canvas) -> SceneBuilder:
    """Paper lanterns rise over a lake at night."""
    palette = choose(rng, [
        ("#081030", "#1c3068", "#6a4a7a", "#ff9a4a"),
        ("#0c1a2e", "#1f5068", "#5a7a80", "#ffb45a"),
        ("#180c34", "#4a2a6a", "#a04a6a", "#ff7f50"),
    ])  # fmt: skip
    zenith, middle, haze, glow = palette
    ground = random_view(rng)
    setting = _lanterns_light(rng, canvas, glow, ground, haze, middle=middle)
    paint_sky(setting, [(0, zenith), (0.55, middle * 0.7), (1.0, haze * 0.8)])
    paint_clouds(setting, haze * 0.5, middle * 0.4, 0.3, 0.9)
    paint_stars(setting, 130, 0.9)
    side = either_side(rng)
    moon = (setting.across(0.5 + side * 0.36), 0.11)
    canvas.glow(*moon, 0.25, colour("#a8b8e8"), 0.22)
    canvas.shine([ellipse(*moon, 0.030, 0.030)], colour("#f0ecd8"), 0.2, blur=0.003, core=1.0)
    for distance, high, tone in ((500, 0.16, "#24305a"), (300, 0.10, "#182244"), (160, 0.04, "#0e162c")):
        paint_hills(setting, colour(tone) * 1.6, ground.horizon + 0.004, high, distance, rough=0.75, tooth=0.002)
    paint_ground(setting, zenith * 0.8, middle * 0.6, 0.1, (3.0, 0.6), metres=5.0)
    _lantern_sky(setting, glow)
    reflect(setting, 0.85, 0.004, 0.030)
    _lantern_shore(setting, glow)
    setting.sun = Lamp((side * 0.5, 0.8, -0.3), colour("#8fa4e0") * 0.35, 0.2)
    setting.bulbs = [
        Bulb(setting.across(0.5 - side * 0.4), 0.25, 0.9, glow * 0.95, 0.6, 0.4),
        Bulb(setting.across(0.5 + side * 0.5), 0.35, -1.0, glow * 0.75, 0.6, 0.2),
    ]
    setting.film = Film(1.18, (0.92, 0.97, 1.15), (1.05, 1.0, 0.94), 1.05, 0.34)
    return setting


def _lanterns_light(
    rng: np.random.Generator, canvas: Canvas, glow: Colour, ground: Ground, haze: Colour, *, middle: Colour
) -> SceneBuilder:
    """The night sky and the glow of the lanterns."""
    setting = SceneBuilder(
        rng,
        canvas,
        ground,
        sky=middle * 0.65 + 0.06 + glow * 0.04,
        bounce=middle * 0.2 + 0.02,
        haze=mix(haze, middle, 0.5) * 0.6,
        haze_per_metre=0.006,
        style="evening",
        bloom=0.55,
        shadow=0.5,
    )
    return setting


def _lantern_sky(setting: SceneBuilder, glow: Colour) -> None:
    rng = setting.rng
    sizes = sorted(0.010 + 0.07 * rng.random() ** 3.2 for _ in range(46))
    for size in sizes:
        x = rng.uniform(-0.02, setting.aspect + 0.02)
        y = rng.uniform(0.02, setting.ground.horizon - 0.06 - size)
        tone = mix(glow, colour("#ffd890"), rng.uniform(0, 0.6))
        lantern(setting, x, y, size, tone, level=0.8 + 8 * size)


def _lantern_shore(setting: SceneBuilder, glow: Colour) -> None:
    """The bank, and lanterns on the water."""
    rng, canvas, ground = setting.rng, setting.canvas, setting.ground
    shore = np.linspace(-0.1, setting.aspect + 0.1, 30)
    edge = ground.foot(6.5) + 0.012 * np.sin(shore * 3.1 + rng.uniform(0, 6)) + 0.004 * np.sin(shore * 9)
    bank = np.concatenate([np.stack([shore, edge], axis=1), [[shore[-1], 1.1], [shore[0], 1.1]]])
    texture = np.zeros(canvas.light.shape[:2], np.float32)
    window = (slice(int(ground.horizon * canvas.raster.height) + 2, canvas.raster.height), canvas.whole[1])
    texture[window] = floor_noise(setting, window, 2.2) * 0.45
    soil = colour("#3a3230") * (setting.sky * 0.9 + glow * 0.12)
    canvas.fill([bank], (mix(soil, glow, 0.06), soil * 0.9), texture=texture)
    for _ in range(9):
        x, y = setting.across(rng.uniform(0.02, 0.98)), ground.foot(rng.uniform(7.5, 14))
        m = ground.metre(y)
        lantern(setting, x, y - 0.12 * m, 0.28 * m, glow, level=1.3)
        canvas.glow(x, y + 0.10 * m, 0.7 * m, glow, 0.35, squash=0.4)
    for _ in range(4):
        canvas.glow(
            setting.across(rng.uniform(0.1, 0.9)), ground.foot(rng.uniform(3.6, 6)), 0.5, glow, 0.10, squash=0.22
        )
