"""The kinds of drawn scenes: each paints a festival without its people and says what light falls there."""

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np

from carousel.drawn_bodies import tube
from carousel.drawn_canvas import Canvas, Colour, Film, blurred, colour, mix, noise, points, smoothstep
from carousel.drawn_figures import Lamp
from carousel.drawn_props import (
    BULB,
    LAMPS,
    WARM,
    balloon,
    beam,
    bell_tent,
    bunting,
    crowd,
    dome_tent,
    ferris_wheel,
    food_truck,
    house,
    lantern,
    led_wall,
    palm,
    passers_by,
    pine,
    stage,
    stall,
    string_lights,
    tree,
    truss,
)
from carousel.drawn_settings import (
    Bulb,
    Ground,
    Setting,
    Spot,
    air,
    bokeh,
    floor_noise,
    paint_clouds,
    paint_ground,
    paint_hills,
    paint_sky,
    paint_stars,
    reflect,
)
from masks.outlines import box, curve, ellipse, hull, polygon

WHITE = np.ones(3, np.float32)


def _choose(rng: np.random.Generator, options: Sequence[tuple[str, ...]]) -> list[Colour]:
    return [colour(tone) for tone in options[int(rng.integers(len(options)))]]


def _side(rng: np.random.Generator) -> int:
    return 1 if rng.random() < 0.5 else -1


def _view(rng: np.random.Generator) -> Ground:
    """A camera between a crouching person's eyes and the top of a step; the lower, the more sky."""
    height = float(rng.uniform(0, 1))
    return Ground(0.60 - 0.15 * height + float(rng.normal(0, 0.012)), 1.2 + 0.9 * height)


def _grass(setting: Setting, near: Colour, far: Colour, blades: int = 900) -> None:
    """A meadow: mottled ground, and blades that grow towards us."""
    paint_ground(setting, near, mix(far, setting.haze, 0.30), grain=0.30, metres=7.0)
    rng, ground = setting.rng, setting.ground
    for low, high, count in ((9.0, 16.0, blades), (5.0, 9.0, blades), (2.6, 5.0, blades)):
        bright, dark = [], []
        for _ in range(count // 3):
            y = ground.foot(float(rng.uniform(low, high)))
            if y > 1.05:
                continue
            x, m = float(rng.uniform(0, setting.aspect)), ground.metre(y)
            lean, tall = float(rng.normal(0, 0.05)) * m, float(rng.uniform(0.06, 0.16)) * m
            blade = np.array([(x - 0.010 * m, y), (x + lean, y - tall), (x + 0.010 * m, y)])
            (bright if rng.random() < 0.5 else dark).append(blade)
        share = smoothstep(18.0, 2.0, np.array(low))
        tone = mix(far, near, float(share))
        if dark:
            setting.canvas.fill(dark, tone * 0.62, 0.8)
        if bright:
            setting.canvas.fill(bright, tone * 1.45, 0.8)


def main_stage(rng: np.random.Generator, canvas: Canvas) -> Setting:
    """The main stage at dusk, from the meadow before it."""
    palette = _choose(rng, [
        ("#1d2350", "#6a3f86", "#f08a6a", "#ffb05a", "#ff3f8e", "#4f7bff", "#ffd27a"),
        ("#0e1c3c", "#24558a", "#e79a7c", "#f7b98a", "#22d3c5", "#ff6a3d", "#fff0b0"),
        ("#2a1440", "#8a2f6a", "#ff7a5c", "#ff9a6a", "#ffb02e", "#b03bff", "#ffe6a0"),
        ("#0a1230", "#2a2a6a", "#7a4f92", "#9a6aa8", "#3fa0ff", "#ff4fb0", "#e8f4ff"),
    ])  # fmt: skip
    zenith, middle, glow, haze, first, second, third = palette
    ground = _view(rng)
    setting = Setting(
        rng,
        canvas,
        ground,
        sky=mix(zenith, middle, 0.6) * 0.9 + 0.10,
        bounce=mix(middle, colour("#20301c"), 0.6) * 0.5 + 0.03,
        haze=haze * 0.55,
        haze_per_metre=0.010,
        style="evening",
        poses="lively",
        bloom=0.55,
    )
    paint_sky(setting, [(0, zenith * 0.7), (0.45, middle * 0.8), (0.85, glow * 0.85), (1.0, haze)])
    paint_clouds(setting, glow * 1.0, middle * 0.5, 0.35, 0.8)
    paint_stars(setting, 40, 0.5)
    setting.sun = Lamp((0.0, 0.3, -1.0), mix(first, second, 0.5) * 0.3, 0.1)
    paint_hills(setting, colour("#2a3050"), ground.horizon + 0.01, 0.05, 120, tooth=0.004)
    _grass(setting, colour("#2b3a2a") * (setting.sky + 0.15), colour("#3a3040") * (setting.sky + 0.1), 500)
    x = setting.aspect * float(rng.uniform(0.36, 0.64))
    _, deck, roof = stage(setting, x, 24, 17, 9.5, (first, second, third), colour("#15161f") + haze * 0.03)
    for i in range(9):
        lx = x + (i - 4) * 0.075
        aim = lx + float(rng.normal(0, 0.10)) + (i - 4) * 0.11
        beam(
            setting,
            lx,
            roof,
            aim,
            float(rng.choice((-0.1, 0.98))),
            float(rng.uniform(0.05, 0.10)),
            (first, second, third)[i % 3],
            0.30,
        )
    canvas.glow(x, deck, 0.62, mix(first, second, 0.5), 0.16, 0.7)
    rim = mix(first, second, float(rng.uniform(0.3, 0.7))) * 0.45 + third * 0.12
    crowd(setting, (21, 18, 15.5, 13.5, 12, 10.8, 9.8), colour("#0a0a12"), rim, arms=0.35)
    setting.bulbs = [
        Bulb(x - 0.35, roof, -2.0, first * 0.95, 0.55, 0.15),
        Bulb(x + 0.35, roof, -2.0, second * 0.95, 0.55, 0.15),
        Bulb(x + _side(rng) * 0.9, 0.1, 1.6, mix(third, WHITE, 0.3) * 0.75, 0.7, 0.3),
    ]
    canvas.glow(x, ground.foot(6.0), 1.2, rim, 0.13, 0.30)
    setting.film = Film(1.08, (0.92, 0.96, 1.12), (1.04, 1.0, 0.96), 1.08, 0.35)
    return setting


def meadow(rng: np.random.Generator, canvas: Canvas) -> Setting:
    """A meadow with tents by day."""
    palette = _choose(rng, [
        ("#2f7fc8", "#8cc4e8", "#e3f0ee", "#7fae4e", "#fff0d0"),
        ("#3a8fb8", "#a5d6dd", "#fbeccb", "#9aaa4a", "#ffdf9e"),
        ("#5a86c0", "#b8c8e0", "#f6d9c0", "#88a052", "#ffcf94"),
    ])  # fmt: skip
    zenith, middle, haze, grass, sun = palette
    ground, side = _view(rng), _side(rng)
    front = rng.random() < 0.6
    setting = Setting(
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
    paint_sky(setting, [(0, zenith * 0.8), (0.6, middle * 0.85), (1.0, haze * 0.95)])
    paint_clouds(setting, sun * 1.1, mix(middle, zenith, 0.3) * 0.8, float(rng.uniform(0.35, 0.55)), 0.7)
    for distance, high, tone in ((400, 0.10, "#5f8a8a"), (220, 0.065, "#5a8458"), (110, 0.035, "#5a8040")):
        paint_hills(setting, colour(tone), ground.horizon + 0.01, high, distance, tooth=0.0025 if distance < 300 else 0)
    _grass(
        setting,
        grass * (setting.sky * 0.6 + sun * 0.5),
        mix(grass, colour("#c9c070"), 0.4) * (setting.sky * 0.6 + sun * 0.6),
        1500,
    )
    canvas.soften(0.0012)
    tones = [
        colour(t) for t in ("#e8633f", "#f2c14e", "#3f8fa8", "#d8e0d0", "#e87f9c", "#6aa060", "#f4efe0", "#8a6fb0")
    ]
    for distance in (55, 46, 38, 31, 26, 21, 17):
        for _ in range(2):
            x = float(rng.uniform(-0.05, 1.05)) * setting.aspect
            if rng.random() < 0.35:
                bell_tent(setting, x, distance, 1.0, colour("#efe6d2"))
            else:
                dome_tent(setting, x, distance, float(rng.uniform(1.0, 1.4)), tones[int(rng.integers(len(tones)))])
    for edge in (-1, 1):
        tree(
            setting,
            setting.aspect * (0.5 + edge * float(rng.uniform(0.46, 0.56))),
            float(rng.uniform(16, 22)),
            float(rng.uniform(7, 9)),
            colour("#4f7a35"),
            colour("#5a4632"),
        )
    passers_by(setting, (42, 30, 22), 3, 0.6, WHITE * 0)
    tx = setting.aspect * (0.5 - side * float(rng.uniform(0.33, 0.44)))
    dome_tent(setting, tx, float(rng.uniform(8.5, 11)), 1.35, tones[int(rng.integers(len(tones)))])
    for row in range(3):
        y = 0.06 + 0.075 * row
        bunting(
            setting,
            (-0.05, y + float(rng.normal(0, 0.03))),
            (setting.aspect + 0.05, y + float(rng.normal(0, 0.04))),
            0.07 - 0.012 * row,
            22 + 7 * row,
            0.055 - 0.013 * row,
            [tones[k] for k in (0, 1, 6, 2, 4)],
        )
    _flowers(setting, [colour(t) for t in ("#fff4e0", "#f6d04a", "#e8608a", "#b48ae0")], 260)
    if not front:
        canvas.glow(setting.aspect * (0.5 + side * 0.42), 0.06, 0.9, sun, 0.55)
        _rays(setting, setting.aspect * (0.5 + side * 0.45), -0.05, sun, 0.10)
    setting.film = Film(1.06, (0.95, 1.0, 1.05), (1.04, 1.01, 0.95), 1.05, 0.22)
    return setting


def _flowers(setting: Setting, tones: Sequence[Colour], count: int) -> None:
    for tone in tones:
        spots = []
        for _ in range(count // len(tones)):
            y = setting.ground.foot(float(setting.rng.uniform(2.4, 11)))
            m = setting.ground.metre(y)
            spots.append(ellipse(float(setting.rng.uniform(0, setting.aspect)), y - 0.10 * m, 0.022 * m, 0.016 * m))
        setting.canvas.fill(spots, setting.lit(tone, 0.6), 0.92)


def _rays(setting: Setting, x: float, y: float, light: Colour, strength: float) -> None:
    """Broad shafts of sunlight from a place beyond the edge."""
    aim = setting.aspect / 2
    for _ in range(6):
        spread = float(setting.rng.normal(0, 0.7))
        beam(setting, x, y, aim + spread, 1.25, float(setting.rng.uniform(0.12, 0.26)), light, strength)


def food_trucks(rng: np.random.Generator, canvas: Canvas) -> Setting:
    """Food trucks in the evening, under strings of lights."""
    palette = _choose(rng, [
        ("#101c3e", "#27477e", "#8a6f8e", "#e8a070"),
        ("#1a1236", "#4a3a7a", "#c0708a", "#ff9f6f"),
        ("#08182c", "#1d5068", "#6fa0a0", "#f0c890"),
    ])  # fmt: skip
    zenith, middle, haze, glow = palette
    ground = _view(rng)
    setting = Setting(
        rng,
        canvas,
        ground,
        sky=middle * 0.75 + 0.08,
        bounce=WARM * 0.13 + 0.02,
        haze=mix(haze, middle, 0.4) * 0.7,
        haze_per_metre=0.012,
        style="evening",
        bloom=0.6,
    )
    paint_sky(setting, [(0, zenith * 0.75), (0.55, middle * 0.8), (0.9, haze * 0.8), (1.0, glow * 0.8)])
    paint_clouds(setting, glow * 0.8, middle * 0.5, 0.3, 0.9)
    paint_stars(setting, 50, 0.6)
    setting.sun = Lamp((0.2, 0.9, 0.5), middle * 0.35 + 0.03, 0.5)
    paint_hills(setting, colour("#1e2638"), ground.horizon + 0.01, 0.07, 60, tooth=0.010)
    paint_ground(
        setting, colour("#2c2a30") * (setting.sky + 0.5), colour("#4a3a3c") * (setting.sky + 0.6), 0.22, metres=3.0
    )
    bokeh(setting, LAMPS, 34, (0.008, 0.022), (ground.horizon - 0.10, ground.horizon + 0.01), 0.5)
    bodies = [colour(t) for t in ("#e0543f", "#3f9a9c", "#f0c24e", "#e88aa4", "#5a78b8", "#efe4cf", "#7fae6a")]
    order = rng.permutation(len(bodies))
    gap = float(rng.uniform(-0.1, 0.1))
    for i, (share, distance) in enumerate(((0.5 + gap, 17.0), (0.12 + gap * 0.3, 11.5), (0.90 + gap * 0.3, 10.0))):
        food_truck(setting, setting.aspect * share, distance, bodies[order[i]], bodies[order[i + 3]], 1.0)
    passers_by(setting, (15, 12.5, 10.5), 4, 0.3, WARM, (0.2, 0.85))
    far = setting.aspect * (0.5 + gap)
    for i in range(7):
        start = setting.aspect * (i / 6) * 1.3 - 0.22
        string_lights(
            setting,
            (start, -0.03 + 0.03 * (i % 2)),
            (far + (i - 3) * 0.06, ground.horizon - 0.16),
            0.05,
            15,
            (float(rng.uniform(0.012, 0.017)), 0.0028),
        )
    for share in (0.12, 0.5, 0.90):
        setting.bulbs.append(
            Bulb(setting.aspect * share, ground.horizon - 0.05, -1.2 if share == 0.5 else 0.2, BULB * 0.62, 0.5, 0.3)
        )
    setting.bulbs.append(Bulb(setting.aspect * 0.5, -0.15, 1.5, BULB * 0.60, 0.8, 0.45))
    for _ in range(5):
        canvas.glow(
            float(rng.uniform(0, setting.aspect)), ground.foot(float(rng.uniform(3.5, 7))), 0.5, WARM, 0.09, 0.25
        )
    setting.film = Film(1.12, (0.90, 0.97, 1.14), (1.06, 1.0, 0.93), 1.05, 0.34)
    return setting


def beach(rng: np.random.Generator, canvas: Canvas) -> Setting:
    """A beach stage at sunset."""
    palette = _choose(rng, [
        ("#3a4a86", "#e0808a", "#ffb35e", "#ffd98a", "#c98a6a"),
        ("#5a3f86", "#f0706a", "#ff9a4a", "#ffe09a", "#b87a70"),
        ("#2f6a96", "#f0a088", "#ffc878", "#fff0b8", "#d0a080"),
    ])  # fmt: skip
    zenith, middle, glow, sun, sand = palette
    ground, side = _view(rng), _side(rng)
    sun_x, sun_y = (
        setting_x(canvas, 0.5 + side * float(rng.uniform(0.05, 0.28))),
        ground.horizon - float(rng.uniform(0.035, 0.10)),
    )
    setting = Setting(
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
    setting.sun = Lamp((sun_x - canvas.aspect / 2, 0.22, -0.75), sun * 1.7, 0.12)
    paint_sky(setting, [(0, zenith * 0.75), (0.5, middle * 0.8), (0.88, glow * 0.92), (1.0, sun)])
    paint_clouds(setting, glow * 1.15, mix(middle, zenith, 0.5) * 0.7, 0.45, 1.0)
    canvas.glow(sun_x, sun_y, 0.55, glow, 0.75)
    canvas.shine([ellipse(sun_x, sun_y, 0.036, 0.036)], sun, 1.6, blur=0.004, core=2.0)
    _sea(setting, sun_x, zenith, middle, glow, sun)
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
    canvas.glow(sun_x, shore + 0.03, 0.5, glow, 0.30, 0.16)
    dark = colour("#2a1c22")
    for _ in range(3):
        palm(
            setting,
            setting_x(canvas, 0.5 - side * float(rng.uniform(0.36, 0.54))),
            float(rng.uniform(9, 13)),
            float(rng.uniform(4.2, 6.2)),
            dark,
            float(rng.normal(side * 0.12, 0.06)),
        )
    _beach_stage(
        setting, setting_x(canvas, 0.5 + side * 0.30), 13.0, [colour(t) for t in ("#f6e3c0", "#e8735a", "#3f9a9c")]
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
        (setting_x(canvas, 0.5 - side * 0.55), 0.10),
        (setting_x(canvas, 0.5 + side * 0.22), ground.horizon - 0.22),
        0.09,
        20,
        (0.010, 0.004),
    )
    setting.bulbs = [Bulb(setting_x(canvas, 0.5 - side * 0.2), -0.1, 2.0, mix(middle, WHITE, 0.4) * 0.42, 0.9, 0.6)]
    setting.film = Film(1.04, (1.0, 0.94, 1.10), (1.05, 0.99, 0.93), 1.06, 0.26)
    return setting


def setting_x(canvas: Canvas, share: float) -> float:
    """A share of the picture's width as a place."""
    return canvas.aspect * share


def _sea(setting: Setting, sun_x: float, zenith: Colour, middle: Colour, glow: Colour, sun: Colour) -> None:
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


def _beach_stage(setting: Setting, x: float, distance: float, tones: Sequence[Colour]) -> None:
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


def forest(rng: np.random.Generator, canvas: Canvas) -> Setting:
    """A small stage in a forest, with strings of lights."""
    palette = _choose(rng, [
        ("#0c2a2e", "#1f5a50", "#f2c070", "#ffd89a", "#23402c"),
        ("#12203c", "#3a4f86", "#f0a0b0", "#ffd0a0", "#26384a"),
        ("#2c3a18", "#7f9a3a", "#ffe08a", "#fff0b8", "#3a4a20"),
    ])  # fmt: skip
    deep, middle, glow, light, floor = palette
    bright = float(middle.mean()) > 0.17
    ground = _view(rng)
    setting = Setting(
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
    x = setting_x(canvas, float(rng.uniform(0.38, 0.62)))
    paint_sky(setting, [(0, deep), (0.5, mix(deep, middle, 0.8)), (1.0, mix(middle, glow, 0.55))])
    canvas.glow(x, ground.horizon - 0.08, 0.75, glow, 0.70, 0.9)
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
        _rays(setting, setting_x(canvas, 0.5 + _side(rng) * 0.4), -0.25, light, 0.16)
    for _ in range(8):
        y0, y1 = float(rng.uniform(0.0, 0.30)), float(rng.uniform(0.05, 0.34))
        a, b = float(rng.uniform(-0.05, 0.4)), float(rng.uniform(0.6, 1.05))
        near = float(rng.uniform(0.002, 0.0085))
        string_lights(
            setting,
            (setting_x(canvas, a), y0),
            (setting_x(canvas, b), y1),
            float(rng.uniform(0.05, 0.13)),
            24,
            (near, near * 0.6),
            (light, WARM),
        )
    canvas.glow(x, ground.foot(9), 0.7, glow, 0.26, 0.22)
    setting.bulbs = [
        Bulb(x, ground.horizon - 0.15, -2.5, glow * 1.0, 0.5, 0.25),
        Bulb(setting_x(canvas, 0.2), 0.1, 0.8, light * 0.42, 0.7, 0.4),
        Bulb(setting_x(canvas, 0.8), 0.1, 0.9, light * 0.42, 0.7, 0.4),
    ]
    setting.film = Film(1.15, (0.94, 1.04, 1.05), (1.05, 1.0, 0.92), 1.05, 0.36)
    return setting


def _trunks(setting: Setting, distance: float, count: int, bark: Colour, keep: float | None = None) -> None:
    """Tree trunks at a distance; none before `keep`, where the stage is."""
    rng, foot = setting.rng, setting.ground.foot(distance)
    m = setting.ground.metre(foot)
    for _ in range(count):
        x = float(rng.uniform(-0.05, 1.05)) * setting.aspect
        if keep is not None and abs(x - keep) < 0.36:
            continue
        thick, lean = float(rng.uniform(0.16, 0.34)) * m, float(rng.normal(0, 0.03))
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
                y = float(rng.uniform(0, foot - 0.3 * m))
                setting.canvas.fill(
                    [hull((x - thick * 0.4, y, 0.006 * m), (x + thick * 0.3, y + 0.1 * m, 0.004 * m))], tone * 0.5, 0.5
                )


def _canopy(setting: Setting, tone: Colour) -> None:
    """Leaves that hang in from above."""
    rng, canvas = setting.rng, setting.canvas
    for size, low, share in ((0.034, 0.20, 0.75), (0.020, 0.25, 0.95), (0.012, 0.29, 1.5)):
        blots = []
        for _ in range(int(90 + 4.5 / size)):
            x = float(rng.uniform(-0.02, setting.aspect + 0.02))
            edge = abs(x / setting.aspect - 0.5) * 2
            y = float(rng.uniform(-0.03, low * (0.35 + 0.85 * edge**2)))
            blots.append(ellipse(x, y, size * float(rng.uniform(0.5, 1.1)), size * float(rng.uniform(0.35, 0.7))))
        canvas.fill(blots, mix(tone, setting.haze, 0.10) * share, 0.95, blur=size * 0.05)


def _forest_stage(setting: Setting, x: float, distance: float, glow: Colour, light: Colour) -> None:
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
            beam(setting, ax, ay, x + float(setting.rng.normal(0, 0.25)), foot + 0.2, 0.08, light, 0.22)
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


def market(rng: np.random.Generator, canvas: Canvas) -> Setting:
    """A market street of an old town, with bunting."""
    evening = rng.random() < 0.45
    palette = _choose(rng, [
        ("#274a86", "#7a86b0", "#f0b48a", "#ffc890"),
        ("#332a6a", "#a06a96", "#ffab7a", "#ffb070"),
    ] if evening else [
        ("#3a86c8", "#9fcde8", "#f2ead6", "#fff0cf"),
        ("#4a9ac0", "#bfe0e0", "#f8e6c8", "#ffe2a8"),
    ])  # fmt: skip
    zenith, middle, haze, sun = palette
    ground, side = _view(rng), _side(rng)
    level = 0.42 if evening else 1.0
    setting = Setting(
        rng,
        canvas,
        ground,
        sky=mix(zenith, WHITE, 0.35) * (0.42 if evening else 0.58),
        bounce=colour("#b89a78") * 0.35 * level,
        haze=mix(haze, middle, 0.3) * 0.9,
        haze_per_metre=0.009,
        style="evening" if evening else "summer",
        bloom=0.5 if evening else 0.25,
    )
    setting.sun = Lamp((side * 0.9, 0.7, 0.35), sun * level * 0.95, 0.12)
    paint_sky(setting, [(0, zenith * 0.85), (0.6, middle * 0.9), (1.0, haze)])
    paint_clouds(setting, sun * 1.05, middle * 0.75, 0.4, 0.7)
    vanish = setting_x(canvas, float(rng.uniform(0.44, 0.56)))
    paint_ground(
        setting,
        colour("#9a8672") * (setting.sky * 0.7 + sun * level * 0.4),
        colour("#b8a48c") * (setting.sky * 0.7 + sun * level * 0.5),
        0.26,
        (1.0, 0.5),
        2.4,
    )
    _cobbles(setting)
    walls = [
        colour(t) for t in ("#e3b088", "#d98f6f", "#efd9a8", "#b7c4b0", "#e8c4b0", "#c9a0a0", "#a9bcc8", "#f0e2c4")
    ]
    house(setting, vanish - 0.16, ground.foot(75), 0.32, 0.20, walls[0], 0.3 if evening else 0.0, 75, colour("#9a4f3a"))
    tower = vanish + 0.05 * side
    house(setting, tower - 0.022, ground.foot(70), 0.044, 0.33, walls[2], 0.1, 75, colour("#5a6a7a"))
    for edge in (-1, 1):
        _row_of_houses(setting, vanish, edge, walls, 0.5 if evening else 0.02)
    tones = [(colour(a), colour("#f6ecd8")) for a in ("#d9503f", "#2f8f8a", "#e3a53d", "#4f6fb0", "#c9608a", "#6a9a50")]
    for distance in (34, 25, 18.5, 13.5, 10.0):
        for edge in (-1, 1):
            x = vanish + edge * 4.3 * ground.metre(ground.foot(distance))
            stall(setting, x, distance, 3.0, tones[int(rng.integers(len(tones)))], 0.9 if evening else 0.12)
    passers_by(setting, (45, 36, 29, 23, 18), 4, 0.4, WARM if evening else WARM * 0, (0.40, 0.60))
    flags = [colour(t) for t in ("#e2583e", "#f2c14e", "#2f8f8a", "#f4efe0", "#c9608a", "#4f78b8")]
    for distance in (40, 27, 19, 13, 9, 6):
        m = ground.metre(ground.foot(distance))
        y = ground.horizon - 3.6 * m - 0.004
        if evening and distance in (27, 13, 6):
            string_lights(
                setting,
                (vanish - 5.8 * m, y),
                (vanish + 5.8 * m, y + 0.2 * m * side),
                0.8 * m,
                17,
                (0.045 * m, 0.045 * m),
            )
        else:
            bunting(
                setting, (vanish - 5.8 * m, y), (vanish + 5.8 * m, y + 0.2 * m * side), 0.8 * m, 20, 0.30 * m, flags
            )
    if evening:
        setting.bulbs = [
            Bulb(setting_x(canvas, s), ground.horizon - 0.08, 0.3, BULB * 0.55, 0.5, 0.3) for s in (0.05, 0.95)
        ]
        setting.bulbs.append(Bulb(vanish, 0.05, 0.9, BULB * 0.45, 0.7, 0.4))
    setting.floor = (0.26, 0.74)
    setting.film = Film(1.05, (0.95, 0.98, 1.08), (1.04, 1.0, 0.95), 1.05, 0.26)
    return setting


def _row_of_houses(setting: Setting, vanish: float, edge: int, walls: Sequence[Colour], lit: float) -> None:
    """Houses along one side of a street, drawn as fronts in perspective."""
    rng, canvas, ground = setting.rng, setting.canvas, setting.ground
    facing = 0.65 if setting.sun is not None and setting.sun.direction[0] * edge < 0 else 0.08
    depths = [90.0, 62, 45, 34, 26, 20, 15.5, 12, 9, 6.5, 4.0]
    for far, near in itertools.pairwise(depths):
        high = float(rng.uniform(7.5, 11.5))
        tone = walls[int(rng.integers(len(walls)))]
        xs = [vanish + edge * 7.2 * ground.metre(ground.foot(z)) for z in (far, near)]
        feet = [ground.foot(z) for z in (far, near)]
        tops = [ground.foot(z) - high * ground.metre(ground.foot(z)) for z in (far, near)]
        wall = setting.lit(tone, facing, 0.75, far)
        canvas.fill(
            [polygon([(xs[0], feet[0]), (xs[1], feet[1]), (xs[1], tops[1]), (xs[0], tops[0])])],
            (wall * 1.08, wall * 0.75),
        )
        eaves = polygon(
            [
                (xs[0], tops[0]),
                (xs[1], tops[1]),
                (xs[1], tops[1] + 0.35 * ground.metre(feet[1])),
                (xs[0], tops[0] + 0.35 * ground.metre(feet[0])),
            ]
        )
        canvas.fill([eaves], setting.lit(colour("#8a4a38"), facing + 0.2, 0.7, far))
        _windows(setting, vanish, edge, (far, near), high, tone, lit, facing)


def _windows(
    setting: Setting,
    vanish: float,
    edge: int,
    depths: tuple[float, float],
    high: float,
    tone: Colour,
    lit: float,
    facing: float,
) -> None:
    rng, canvas, ground = setting.rng, setting.canvas, setting.ground
    columns = 3
    inverse = np.linspace(depths[0], depths[1], columns * 4 + 1)
    for c in range(columns):
        z0, z1 = float(inverse[c * 4 + 1]), float(inverse[c * 4 + 3])
        for floor in np.arange(3.4, high - 1.2, 2.6):
            corners = []
            for z, up in ((z0, floor), (z1, floor), (z1, floor + 1.6), (z0, floor + 1.6)):
                m = ground.metre(ground.foot(z))
                corners.append((vanish + edge * 7.2 * m, ground.foot(z) - up * m))
            middle = np.mean(corners, axis=0)
            frame = middle + (np.array(corners) - middle) * 1.22
            canvas.fill([frame], setting.lit(mix(tone, WHITE, 0.55), facing, 0.8, depths[0]))
            if rng.random() < lit:
                canvas.fill([np.array(corners)], WARM * np.float32(rng.uniform(0.6, 1.2)))
            else:
                canvas.fill(
                    [np.array(corners)],
                    (
                        setting.lit(colour("#3a4a5a"), 0.1, 1, depths[0]),
                        setting.lit(colour("#7f9ab0"), 0.2, 1, depths[0]),
                    ),
                )


def _cobbles(setting: Setting) -> None:
    """Joints of paving stones."""
    ground, canvas = setting.ground, setting.canvas
    window = (slice(int(ground.horizon * canvas.raster.height) + 2, canvas.raster.height), canvas.whole[1])
    x, y = canvas.raster.grid(window)
    depth = 1.1 * ground.camera / np.maximum(y - ground.horizon, 1e-3)
    row = depth / 0.34
    across = (x - setting.aspect / 2) * depth / 1.1 / 0.30 + 0.5 * (np.floor(row) % 2)
    joint = np.maximum(smoothstep(0.38, 0.5, np.abs(row % 1 - 0.5)), smoothstep(0.38, 0.5, np.abs(across % 1 - 0.5)))
    stones = np.sin(np.floor(across) * 12.9 + np.floor(row) * 78.2) * 0.10
    fade = smoothstep(16.0, 3.0, depth)
    canvas.light[window] *= (1 - fade * (0.42 * joint - stones))[..., None].astype(np.float32)


def club(rng: np.random.Generator, canvas: Canvas) -> Setting:
    """A club with coloured beams in haze."""
    palette = _choose(rng, [
        ("#ff2f8e", "#28c8ff", "#8a4bff", "#160a24"),
        ("#ff5a2a", "#ff2f6a", "#ffc04a", "#1c0a12"),
        ("#2affb0", "#3f6aff", "#c84bff", "#06141e"),
        ("#3f8aff", "#f03fff", "#f4f6ff", "#0a0c24"),
    ])  # fmt: skip
    first, second, third, room = palette
    ground = _view(rng)
    setting = Setting(
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
    paint_sky(setting, [(0, room * 0.5), (1.0, room * 1.6)])
    paint_ground(setting, room * 0.9, room * 2.0, 0.12, metres=2.0)
    x, back = setting_x(canvas, float(rng.uniform(0.4, 0.6))), ground.foot(15)
    m = ground.metre(back)
    led_wall(setting, x - 5.0 * m, back - 5.2 * m, 10.0 * m, 4.0 * m, (first * 0.9, second * 0.8, third), 1.1)
    for edge in (-1, 1):
        for k in range(3):
            left = x + edge * (6.3 + 2.0 * k) * m - 0.7 * m
            led_wall(setting, left, back - 5.0 * m, 1.4 * m, 4.4 * m, (second, first, third), 0.6)
    canvas.fill([box(x - 2.2 * m, back - 1.35 * m, 4.4 * m, 1.35 * m)], (colour("#15121c"), colour("#08070c")))
    led_wall(setting, x - 2.0 * m, back - 1.15 * m, 4.0 * m, 0.7 * m, (third, first, second), 0.8)
    player = [
        ellipse(x, back - 2.35 * m, 0.15 * m, 0.19 * m),
        hull(
            (x - 0.24 * m, back - 1.95 * m, 0.12 * m),
            (x + 0.24 * m, back - 1.95 * m, 0.12 * m),
            (x, back - 1.4 * m, 0.2 * m),
        ),
    ]
    canvas.fill(player, colour("#0a080e"))
    roof = 0.06
    for y, size in ((roof, 0.045), (roof + 0.09, 0.03)):
        truss(setting, (-0.05, y), (setting.aspect + 0.05, y), size, colour("#1c1a24"))
    cells = noise(
        rng, canvas.raster.width, canvas.raster.height, (0.4 * canvas.raster.scale, 0.25 * canvas.raster.scale), 4
    )
    _, gy = canvas.raster.grid(canvas.whole)
    near_back = np.exp(-(((gy - ground.horizon + 0.08) / 0.22) ** 2))
    canvas.light += setting.haze * (near_back * (0.75 + 0.5 * cells))[..., None].clip(0, None).astype(np.float32)
    count = int(rng.integers(8, 12))
    for i in range(count):
        lx = setting.aspect * (i + 0.5) / count
        aim = lx + float(rng.normal(0, 0.22)) + (x - lx) * float(rng.uniform(-0.3, 1.0))
        beam(
            setting,
            lx,
            roof + 0.10 * (i % 2),
            aim,
            float(rng.uniform(0.8, 1.1)),
            float(rng.uniform(0.05, 0.09)),
            (first, second, third)[i % 3],
            0.42,
        )
    _mirror_ball(setting, x + float(rng.uniform(-0.2, 0.2)), 0.17, 0.045, (first, second, third))
    crowd(setting, (12.5, 10.2, 8.4), colour("#08070e"), mix(first, second, 0.5) * 0.55, arms=0.45, spacing=0.62)
    reflect(setting, 0.34, 0.012, 0.010, top=ground.foot(8.0))
    setting.bulbs = [
        Bulb(-0.1, 0.1, float(rng.uniform(-0.6, 0.9)), first * 1.5, 0.7, 0.2),
        Bulb(setting.aspect + 0.1, 0.1, float(rng.uniform(-0.6, 0.9)), second * 1.5, 0.7, 0.2),
        Bulb(x, ground.horizon - 0.2, -2.0, third * 0.9, 0.5, 0.1),
    ]
    setting.film = Film(1.2, (0.95, 0.95, 1.1), (1.02, 1.0, 1.0), 1.08, 0.4)
    return setting


def _mirror_ball(setting: Setting, x: float, y: float, radius: float, tones: Sequence[Colour]) -> None:
    canvas, rng = setting.canvas, setting.rng
    canvas.fill([box(x - 0.001, 0, 0.002, y - radius)], colour("#3a3844"))
    canvas.fill([ellipse(x, y, radius, radius)], (colour("#6a6a7a"), colour("#14141c")))
    for row in range(-6, 7):
        v = row / 6.5
        wide = math.sqrt(1 - v * v)
        for column in range(-6, 7):
            u = math.sin(column / 6.5 * math.pi / 2) * wide
            bright = float(rng.random()) ** 4
            px, py, size = x + u * radius, y + v * radius, radius * 0.062
            canvas.fill(
                [box(px - size * wide, py - size, size * 2 * max(0.25, math.sqrt(1 - u * u)), size * 1.7)],
                mix(colour("#5a5a6c"), tones[int(rng.integers(len(tones)))], 0.4) * np.float32(0.15 + 2.2 * bright),
                0.9,
            )
    canvas.glow(x, y, radius * 3.2, tones[2], 0.25)
    for _ in range(90):
        px, py = float(rng.uniform(0, setting.aspect)), float(rng.uniform(0.02, 1.0))
        size = 0.0022 + 0.002 * float(rng.random())
        canvas.shine([ellipse(px, py, size * 1.3, size)], tones[int(rng.integers(len(tones)))], 0.35, blur=size * 0.3)


def fairground(rng: np.random.Generator, canvas: Canvas) -> Setting:
    """A fairground with a ferris wheel at night."""
    palette = _choose(rng, [
        ("#060a22", "#1a2460", "#5a3a7a", "#ff4f8e", "#3fd0ff", "#ffd25a"),
        ("#0a0820", "#2a1a56", "#8a3a6a", "#ff8a3a", "#ff3f6a", "#ffe08a"),
        ("#04121e", "#0f3a56", "#2f6a7a", "#3fffc0", "#4f8aff", "#f4f0c0"),
    ])  # fmt: skip
    zenith, middle, haze, first, second, third = palette
    ground, side = _view(rng), _side(rng)
    setting = Setting(
        rng,
        canvas,
        ground,
        sky=middle * 0.8 + 0.07,
        bounce=mix(first, third, 0.5) * 0.12 + 0.02,
        haze=mix(haze, middle, 0.4) * 0.7,
        haze_per_metre=0.008,
        style="evening",
        bloom=0.6,
    )
    paint_sky(setting, [(0, zenith), (0.6, middle * 0.75), (1.0, haze * 0.9)])
    paint_clouds(setting, haze * 0.5, middle * 0.35, 0.3, 0.9)
    paint_stars(setting, 90, 0.8)
    setting.sun = Lamp((-side * 0.4, 0.8, 0.5), middle * 0.4 + 0.04, 0.5)
    x = setting_x(canvas, 0.5 + side * float(rng.uniform(0.14, 0.24)))
    paint_hills(setting, colour("#10142a"), ground.horizon + 0.005, 0.03, 80, tooth=0.006)
    ferris_wheel(
        setting, x, max(0.27, ground.horizon - 0.27), float(rng.uniform(0.235, 0.26)), (first, second, third), 1.25
    )
    paint_ground(setting, colour("#1c1c2a") * 0.9, mix(colour("#2a2430"), haze, 0.35), 0.2, metres=3.0)
    bokeh(setting, (first, second, third), 26, (0.006, 0.018), (ground.horizon - 0.07, ground.horizon - 0.005), 0.6)
    _carousel(setting, setting_x(canvas, 0.5 - side * 0.26), 30.0, (first, second, third))
    stripes = [
        (first, colour("#f4ead7")),
        (second, colour("#f4ead7")),
        (third, colour("#a03a4a")),
        (colour("#d9503f"), colour("#f4ead7")),
    ]
    for share, distance in ((0.50, 34.0), (0.60, 27.0), (0.04, 15.0), (0.97, 14.0)):
        stall(setting, setting_x(canvas, share), distance, 3.4, stripes[int(rng.integers(len(stripes)))], 1.0)
    passers_by(setting, (30, 24, 19, 16), 8, 0.3, mix(first, third, 0.6))
    reflect(setting, 0.42, 0.010, 0.014, top=ground.foot(13))
    string_lights(
        setting,
        (-0.05, 0.02),
        (setting_x(canvas, 0.55), ground.horizon - 0.18),
        0.10,
        18,
        (0.014, 0.004),
        (first, second, third),
    )
    string_lights(
        setting,
        (setting.aspect + 0.05, 0.04),
        (setting_x(canvas, 0.45), ground.horizon - 0.18),
        0.10,
        18,
        (0.014, 0.004),
        (third, first, second),
    )
    setting.bulbs = [
        Bulb(x, 0.2, -2.2, mix(first, second, 0.5) * 0.9, 0.6, 0.15),
        Bulb(setting_x(canvas, 0.5 - side * 0.65), 0.35, 1.0, third * 0.85, 0.7, 0.3),
        Bulb(setting_x(canvas, 0.5 + side * 0.65), 0.4, 0.2, first * 0.55, 0.6, 0.2),
    ]
    setting.film = Film(1.15, (0.92, 0.96, 1.14), (1.04, 1.0, 0.96), 1.06, 0.36)
    return setting


def _carousel(setting: Setting, x: float, distance: float, tones: Sequence[Colour]) -> None:
    """A merry-go-round, lit from inside."""
    canvas, foot = setting.canvas, setting.ground.foot(distance)
    m = setting.ground.metre(foot)
    at = Spot(x, foot, m)
    canvas.fill([at.box(-4.6, 4.2, 9.2, 3.6)], (tones[2] * 0.75, tones[2] * 0.30))
    canvas.fill([at.hull("-5 .35 .3, 5 .35 .3")], (tones[0] * 0.5, tones[0] * 0.15))
    for k in range(7):
        px = x + (-4.2 + 1.4 * k) * m
        canvas.fill([box(px - 0.05 * m, foot - 4.2 * m, 0.1 * m, 3.8 * m)], tones[2] * 1.2)
        y = foot - (1.5 + 0.3 * (k % 2)) * m
        canvas.fill(
            [
                hull((px - 0.5 * m, y, 0.28 * m), (px + 0.4 * m, y, 0.26 * m)),
                hull((px + 0.5 * m, y - 0.2 * m, 0.16 * m), (px + 0.8 * m, y - 0.65 * m, 0.16 * m)),
                *(
                    hull((px + q * m, y, 0.08 * m), (px + q * 1.3 * m, y + 0.7 * m, 0.05 * m))
                    for q in (-0.5, -0.35, 0.3, 0.5)
                ),
            ],
            mix(tones[k % 3], WHITE, 0.5) * 0.7,
        )
    for k in range(12):
        a, b = x + (-5.2 + k * 10.4 / 12) * m, x + (-5.2 + (k + 1) * 10.4 / 12) * m
        tone = (tones[0] if k % 2 else mix(tones[2], WHITE, 0.3)) * np.float32(0.55)
        canvas.fill([polygon([(a, foot - 4.3 * m), (b, foot - 4.3 * m), (x, foot - 6.9 * m)])], (tone * 0.8, tone))
        canvas.fill([ellipse((a + b) / 2, foot - 4.25 * m, (b - a) / 2, 0.4 * m)], tone * 1.3)
    for k in range(27):
        canvas.shine(
            [ellipse(x + (-5.2 + 0.4 * k) * m, foot - 4.35 * m, 0.08 * m, 0.08 * m)],
            tones[2],
            1.2,
            blur=0.04 * m,
            core=2.4,
        )
    canvas.glow(x, foot - 2.5 * m, 8 * m, tones[2], 0.30, 0.8)


def rain(rng: np.random.Generator, canvas: Canvas) -> Setting:
    """Rain and mist before the stage; the ground is wet."""
    palette = _choose(rng, [
        ("#5a6a78", "#8fa0a8", "#c4d0d0", "#ff8a4a", "#3fc0d0"),
        ("#3f4a62", "#6f7f9a", "#a8b4c4", "#ff4f8a", "#5a8aff"),
        ("#4a5a52", "#80948a", "#c0ccb8", "#ffd05a", "#40c8a0"),
    ])  # fmt: skip
    zenith, middle, haze, first, second = palette
    ground = _view(rng)
    setting = Setting(
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
    setting.sun = Lamp((float(rng.normal(0, 0.4)), 1.0, 0.35), haze * 0.35, 0.6)
    paint_sky(setting, [(0, zenith * 0.8), (0.6, middle * 0.9), (1.0, haze * 0.9)])
    paint_clouds(setting, haze * 0.95, zenith * 0.7, 0.75, 1.0)
    paint_hills(setting, colour("#4a5a56"), ground.horizon + 0.01, 0.06, 60, tooth=0.008)
    paint_ground(setting, middle * 0.42, haze * 0.62, 0.30, (1.6, 1.0), 4.0)
    x = setting_x(canvas, float(rng.uniform(0.36, 0.64)))
    _, _, roof = stage(
        setting, x, 26, 16, 9, (first * 0.9, second * 0.9, mix(first, WHITE, 0.6)), colour("#3a4248"), 1.0
    )
    for i in range(6):
        lx = x + (i - 2.5) * 0.10
        beam(
            setting,
            lx,
            roof,
            lx + (i - 2.5) * 0.12 + float(rng.normal(0, 0.05)),
            0.95,
            0.07,
            (first, second)[i % 2],
            0.34,
        )
    canvas.veil(haze * 0.86, 0.14)
    tents = [colour(t) for t in ("#d8d2c4", "#b84a3f", "#3f6f8a")]
    for share, distance in ((0.04, 19.0), (0.95, 17.0), (0.86, 24.0)):
        bell_tent(setting, setting_x(canvas, share), distance, 1.0, tents[int(rng.integers(3))], glow=0.25)
    crowd(setting, (21, 17), colour("#2a3036"), mix(haze, first, 0.25) * 0.7, arms=0.1, spacing=0.8)
    _umbrellas(setting, (15.5, 13.0, 11.0))
    puddles = smoothstep(-0.05, 0.45, floor_noise(setting, canvas.whole, 9.0, (1.4, 1.0)))
    dry = canvas.light.copy()
    reflect(setting, 0.62, 0.006, 0.008, top=ground.foot(10))
    start = int(ground.foot(10) * canvas.raster.height)
    share = (0.25 + 0.75 * puddles)[start:, :, None].astype(np.float32)
    canvas.light[start:] = mix(dry[start:], canvas.light[start:], share)
    _falling_rain(setting, haze)
    setting.bulbs = [Bulb(x, ground.horizon - 0.2, -2.5, mix(first, second, 0.4) * 0.55, 0.5, 0.3)]
    setting.film = Film(1.06, (0.95, 1.0, 1.05), (1.0, 1.0, 1.0), 0.96, 0.26)
    return setting


def _umbrellas(setting: Setting, distances: Sequence[float]) -> None:
    rng, canvas, ground = setting.rng, setting.canvas, setting.ground
    tones = [colour(t) for t in ("#c8483f", "#e0b040", "#3f7f9a", "#d8d4cc", "#7a5a96", "#3f8a6a", "#2a2c34")]
    for distance in distances:
        foot = ground.foot(distance)
        m = ground.metre(foot)
        x = float(rng.uniform(0, 1.5)) * m
        while x < setting.aspect:
            tone = tones[int(rng.integers(len(tones)))]
            dark = setting.in_air(colour("#23282e"), distance)
            y = foot - 1.62 * m
            coat = setting.lit(tones[int(rng.integers(len(tones)))] * 0.35, 0.3, 0.7, distance)
            canvas.fill(
                [
                    hull(
                        (x + s * 0.07 * m, foot - 0.8 * m, 0.08 * m),
                        (x + s * float(rng.uniform(0.06, 0.13)) * m, foot - 0.05 * m, 0.05 * m),
                    )
                    for s in (-1, 1)
                ],
                dark,
            )
            canvas.fill(
                [
                    hull(
                        (x - 0.13 * m, foot - 1.38 * m, 0.07 * m),
                        (x + 0.13 * m, foot - 1.38 * m, 0.07 * m),
                        (x - 0.14 * m, foot - 0.72 * m, 0.07 * m),
                        (x + 0.14 * m, foot - 0.72 * m, 0.07 * m),
                    ),
                    ellipse(x, foot - 1.58 * m, 0.1 * m, 0.13 * m),
                ],
                (coat * 1.2, coat * 0.8),
            )
            dome = curve(
                [
                    (x - 0.62 * m, y),
                    (x - 0.62 * m, y),
                    (x - 0.45 * m, y - 0.32 * m),
                    (x, y - 0.50 * m),
                    (x + 0.45 * m, y - 0.32 * m),
                    (x + 0.62 * m, y),
                    (x + 0.62 * m, y),
                    (x + 0.42 * m, y - 0.05 * m),
                    (x + 0.21 * m, y),
                    (x, y - 0.05 * m),
                    (x - 0.21 * m, y),
                    (x - 0.42 * m, y - 0.05 * m),
                ]
            )
            canvas.fill([dome], (setting.lit(tone, 0.6, 1, distance), setting.lit(tone * 0.6, 0.1, 0.5, distance)))
            x += m * float(rng.uniform(1.3, 2.6))


def _falling_rain(setting: Setting, haze: Colour) -> None:
    """Streaks before everything."""
    rng, canvas = setting.rng, setting.canvas
    front = air(setting)
    slant = float(rng.normal(0, 0.10))
    for count, long, width, level in ((420, 0.022, 1, 0.10), (110, 0.05, 2, 0.09)):
        lines, values = [], []
        for _ in range(count):
            x, y = float(rng.uniform(-0.1, setting.aspect + 0.1)), float(rng.uniform(-0.05, 1))
            lines.append(np.array([(x, y), (x + slant * long, y + long)]))
            values.append(0.502 + 0.498 * float(rng.uniform(0.3, 1)))
        drawn = canvas.raster.strokes(lines, width / canvas.raster.scale, values, canvas.whole)
        front += haze * (blurred(drawn, 0.6) * np.float32(level * 2))[..., None]


def winter_market(rng: np.random.Generator, canvas: Canvas) -> Setting:
    """A market in the snow."""
    palette = _choose(rng, [
        ("#16244a", "#4a6a9a", "#d8b0a8", "#f4d0b0"),
        ("#2a2456", "#7a6aa6", "#f0b0b0", "#ffcfa8"),
        ("#6a8aac", "#a8c0d8", "#e8eef2", "#fff4e0"),
    ])  # fmt: skip
    zenith, middle, haze, glow = palette
    day = float(zenith.mean()) > 0.15
    ground = _view(rng)
    setting = Setting(
        rng,
        canvas,
        ground,
        sky=mix(middle, WHITE, 0.25) * (0.62 if day else 0.48),
        bounce=mix(middle, WHITE, 0.3) * (0.42 if day else 0.28),
        haze=mix(haze, middle, 0.4) * 0.85,
        haze_per_metre=0.010,
        style="winter",
        bloom=0.5,
        shadow=0.4,
    )
    side = _side(rng)
    setting.sun = Lamp((side * 0.7, 0.6, 0.4), glow * (0.5 if day else 0.18), 0.35)
    paint_sky(setting, [(0, zenith * 0.9), (0.6, middle * 0.85), (1.0, haze * 0.9)])
    paint_clouds(setting, glow * 0.8, middle * 0.7, 0.45, 0.9)
    paint_hills(setting, colour("#8fa0bc"), ground.horizon + 0.01, 0.13, 220, rough=0.7)
    paint_hills(setting, colour("#4a5a72"), ground.horizon + 0.01, 0.05, 110, tooth=0.010)
    walls = [colour(t) for t in ("#c9a88a", "#b0888a", "#d8c8a8", "#8fa0a8")]
    edge = -0.02
    while edge < setting.aspect:
        wide = float(rng.uniform(0.09, 0.15))
        house(
            setting,
            edge,
            ground.foot(60),
            wide,
            float(rng.uniform(0.13, 0.20)),
            walls[int(rng.integers(4))],
            0.5,
            60,
            colour("#e8eef8"),
        )
        edge += wide * 1.04
    snow = colour("#eef2fb")
    paint_ground(
        setting, snow * (setting.sky * 0.95 + 0.05), snow * (setting.sky * 1.05 + glow * 0.10), 0.10, metres=5.0
    )
    x = setting_x(canvas, 0.5 + side * float(rng.uniform(0.10, 0.18)))
    _lit_fir(setting, x, 22.0, 9.0)
    tones = [(colour(a), colour("#f6ecd8")) for a in ("#b83a34", "#2f6f5a", "#8a3f5a", "#c98a3a")]
    for distance, shares in ((24.0, (0.30, 0.86)), (17.0, (0.14, 0.72)), (12.0, (0.02, 0.97))):
        for share in shares:
            stall(
                setting,
                setting_x(canvas, share + float(rng.normal(0, 0.012))),
                distance,
                3.4,
                tones[int(rng.integers(len(tones)))],
                0.55 if day else 1.0,
                snow=True,
            )
    passers_by(setting, (28, 22, 18, 14.5), 5, 0.4, WARM, (0.12, 0.9))
    for share, distance in ((0.30, 40.0), (0.62, 44.0), (0.78, 38.0)):
        pine(setting, setting_x(canvas, share), distance, 7.0, colour("#3f5f50"), 0.8)
    for i in range(3):
        string_lights(
            setting,
            (-0.05, 0.06 + 0.05 * i),
            (setting.aspect + 0.05, 0.05 + 0.06 * ((i + 1) % 3)),
            0.10,
            24,
            (0.006 + 0.003 * i, 0.006 + 0.003 * i),
        )
    for _ in range(4):
        canvas.glow(
            float(rng.uniform(0, setting.aspect)), ground.foot(float(rng.uniform(5, 9))), 0.45, WARM, 0.10, 0.22
        )
    _falling_snow(setting)
    warm = 0.32 if day else 0.62
    setting.bulbs = [Bulb(setting_x(canvas, s), ground.horizon - 0.08, 0.5, BULB * warm, 0.5, 0.3) for s in (0.0, 1.0)]
    setting.bulbs.append(Bulb(x, ground.horizon - 0.2, -2.0, WARM * warm, 0.5, 0.2))
    setting.film = Film(1.04, (0.94, 0.98, 1.10), (1.03, 1.0, 0.97), 1.02, 0.25)
    return setting


def _lit_fir(setting: Setting, x: float, distance: float, height: float) -> None:
    """A big fir with balls and lamps."""
    pine(setting, x, distance, height, colour("#2f5a46"), 0.5)
    canvas, rng = setting.canvas, setting.rng
    foot = setting.ground.foot(distance)
    m = setting.ground.metre(foot) * height
    for _ in range(110):
        t = 1 - math.sqrt(float(rng.uniform(0.0, 1)))
        px = x + float(rng.uniform(-1, 1)) * (0.29 * (1 - t) + 0.01) * m
        py = foot - (0.07 + 0.88 * t) * m
        if rng.random() < 0.3:
            canvas.fill(
                [ellipse(px, py, 0.012 * m, 0.012 * m)], setting.lit(LAMPS[int(rng.integers(len(LAMPS)))], 0.5), 0.9
            )
        else:
            canvas.shine([ellipse(px, py, 0.007 * m, 0.007 * m)], LAMPS[0], 1.0, blur=0.004 * m, core=2.6)
    star = [
        (
            x + (0.05 if i % 2 else 0.02) * m * math.sin(i * math.pi / 5),
            foot - m * 1.03 - (0.05 if i % 2 else 0.02) * m * math.cos(i * math.pi / 5),
        )
        for i in range(10)
    ]
    canvas.shine([np.array(star)], LAMPS[0], 1.5, blur=0.01 * m, core=2.5)
    canvas.glow(x, foot - 0.4 * m, 0.7 * m, WARM, 0.30)


def _falling_snow(setting: Setting) -> None:
    """Flakes, the near ones large and soft, before everything."""
    rng, canvas = setting.rng, setting.canvas
    front = air(setting)
    cool = setting.sky * 0.7 + 0.25
    for count, size, level in ((260, 0.0016, 0.60), (90, 0.0034, 0.45), (16, 0.010, 0.16)):
        for _ in range(count):
            x, y = float(rng.uniform(0, setting.aspect)), float(rng.uniform(0, 1))
            radius = size * float(rng.uniform(0.7, 1.4))
            flake = ellipse(x, y, radius, radius)
            window = canvas.raster.window([flake], margin=radius)
            if window is not None:
                front[window] += (cool * np.float32(level * rng.uniform(0.5, 1))) * canvas.raster.coverage(
                    [flake], window, radius * 0.35
                )[..., None]


def balloons(rng: np.random.Generator, canvas: Canvas) -> Setting:
    """Hot-air balloons over hills in low sun."""
    palette = _choose(rng, [
        ("#6aa0d0", "#f0cfa8", "#ffdf9a", "#ffc468", "#b8a04a"),
        ("#7a8ac8", "#f4b8a8", "#ffcf98", "#ffb07a", "#a8964f"),
        ("#5a9ac0", "#d8e4c8", "#fff0b0", "#ffdc80", "#98a84a"),
    ])  # fmt: skip
    zenith, middle, haze, sun, grass = palette
    ground, side = _view(rng), _side(rng)
    behind = rng.random() < 0.6
    setting = Setting(
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
    paint_sky(setting, [(0, zenith * 0.85), (0.55, middle * 0.9), (1.0, haze)])
    paint_clouds(setting, sun * 1.1, mix(zenith, middle, 0.5) * 0.85, 0.35, 0.9)
    sun_x = setting_x(canvas, 0.5 + side * 0.40)
    if behind:
        canvas.glow(sun_x, ground.horizon - 0.12, 0.75, sun, 0.65)
        canvas.shine([ellipse(sun_x, ground.horizon - 0.12, 0.030, 0.030)], haze, 1.4, blur=0.005, core=1.6)
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
            size = {500: 0.055, 300: 0.10, 160: 0.17}[distance] * float(rng.uniform(0.8, 1.2))
            x, y = (
                setting_x(canvas, float(rng.uniform(0.04, 0.96))),
                float(rng.uniform(0.10, ground.horizon - 0.10 - size * 0.6)),
            )
            balloon(setting, x, y, size, sets[int(rng.integers(len(sets)))], distance * 0.5)
    big = setting_x(canvas, 0.5 - side * float(rng.uniform(0.22, 0.34)))
    balloon(
        setting,
        big,
        float(rng.uniform(0.20, 0.26)),
        float(rng.uniform(0.30, 0.36)),
        sets[int(rng.integers(len(sets)))],
        25,
    )
    _grass(
        setting,
        grass * (setting.sky * 0.6 + sun * 0.42),
        mix(grass, sun, 0.35) * (setting.sky * 0.6 + sun * 0.55),
        2400,
    )
    tree(setting, setting_x(canvas, 0.5 + side * 0.52), 20, 6.5, colour("#7a8a3a"), colour("#5a4632"))
    passers_by(setting, (45, 32), 4, 0.5, WHITE * 0)
    for distance in (34, 26):
        bell_tent(setting, setting_x(canvas, float(rng.uniform(0.1, 0.9))), distance, 1.0, colour("#efe2c8"))
    _flowers(setting, [colour(t) for t in ("#fff0d0", "#f2b03a", "#d8608a")], 340)
    if behind:
        _rays(setting, sun_x, ground.horizon - 0.16, sun, 0.07)
    setting.film = Film(1.03, (0.98, 0.97, 1.06), (1.05, 1.0, 0.93), 1.04, 0.25)
    return setting


def lanterns(rng: np.random.Generator, canvas: Canvas) -> Setting:
    """Paper lanterns rise over a lake at night."""
    palette = _choose(rng, [
        ("#081030", "#1c3068", "#6a4a7a", "#ff9a4a"),
        ("#0c1a2e", "#1f5068", "#5a7a80", "#ffb45a"),
        ("#180c34", "#4a2a6a", "#a04a6a", "#ff7f50"),
    ])  # fmt: skip
    zenith, middle, haze, glow = palette
    ground = _view(rng)
    setting = Setting(
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
    paint_sky(setting, [(0, zenith), (0.55, middle * 0.7), (1.0, haze * 0.8)])
    paint_clouds(setting, haze * 0.5, middle * 0.4, 0.3, 0.9)
    paint_stars(setting, 130, 0.9)
    side = _side(rng)
    moon = (setting_x(canvas, 0.5 + side * 0.36), 0.11)
    canvas.glow(*moon, 0.25, colour("#a8b8e8"), 0.22)
    canvas.shine([ellipse(*moon, 0.030, 0.030)], colour("#f0ecd8"), 0.2, blur=0.003, core=1.0)
    for distance, high, tone in ((500, 0.16, "#24305a"), (300, 0.10, "#182244"), (160, 0.04, "#0e162c")):
        paint_hills(setting, colour(tone) * 1.6, ground.horizon + 0.004, high, distance, rough=0.75, tooth=0.002)
    paint_ground(setting, zenith * 0.8, middle * 0.6, 0.1, (3.0, 0.6), 5.0)
    _lantern_sky(setting, glow)
    reflect(setting, 0.85, 0.004, 0.030)
    shore = np.linspace(-0.1, setting.aspect + 0.1, 30)
    edge = ground.foot(6.5) + 0.012 * np.sin(shore * 3.1 + rng.uniform(0, 6)) + 0.004 * np.sin(shore * 9)
    bank = np.concatenate([np.stack([shore, edge], axis=1), [[shore[-1], 1.1], [shore[0], 1.1]]])
    texture = np.zeros(canvas.light.shape[:2], np.float32)
    window = (slice(int(ground.horizon * canvas.raster.height) + 2, canvas.raster.height), canvas.whole[1])
    texture[window] = floor_noise(setting, window, 2.2) * 0.45
    soil = colour("#3a3230") * (setting.sky * 0.9 + glow * 0.12)
    canvas.fill([bank], (mix(soil, glow, 0.06), soil * 0.9), texture=texture)
    for _ in range(9):
        x, y = setting_x(canvas, float(rng.uniform(0.02, 0.98))), ground.foot(float(rng.uniform(7.5, 14)))
        m = ground.metre(y)
        lantern(setting, x, y - 0.12 * m, 0.28 * m, glow, 1.3)
        canvas.glow(x, y + 0.10 * m, 0.7 * m, glow, 0.35, 0.4)
    for _ in range(4):
        canvas.glow(
            setting_x(canvas, float(rng.uniform(0.1, 0.9))),
            ground.foot(float(rng.uniform(3.6, 6))),
            0.5,
            glow,
            0.10,
            0.22,
        )
    setting.sun = Lamp((side * 0.5, 0.8, -0.3), colour("#8fa4e0") * 0.35, 0.2)
    setting.bulbs = [
        Bulb(setting_x(canvas, 0.5 - side * 0.4), 0.25, 0.9, glow * 0.95, 0.6, 0.4),
        Bulb(setting_x(canvas, 0.5 + side * 0.5), 0.35, -1.0, glow * 0.75, 0.6, 0.2),
    ]
    setting.film = Film(1.18, (0.92, 0.97, 1.15), (1.05, 1.0, 0.94), 1.05, 0.34)
    return setting


def _lantern_sky(setting: Setting, glow: Colour) -> None:
    rng = setting.rng
    sizes = sorted(0.010 + 0.07 * float(rng.random()) ** 3.2 for _ in range(46))
    for size in sizes:
        x = float(rng.uniform(-0.02, setting.aspect + 0.02))
        y = float(rng.uniform(0.02, setting.ground.horizon - 0.06 - size))
        tone = mix(glow, colour("#ffd890"), float(rng.uniform(0, 0.6)))
        lantern(setting, x, y, size, tone, 0.8 + 8 * size)


def rooftop(rng: np.random.Generator, canvas: Canvas) -> Setting:
    """A roof terrace over a city at the blue hour."""
    palette = _choose(rng, [
        ("#142a5a", "#3f6aa8", "#f0a088", "#ffc08a"),
        ("#2a1a4a", "#7a4a8a", "#ff8a70", "#ffb27a"),
        ("#0c2438", "#2f6a80", "#e0b890", "#ffd8a0"),
    ])  # fmt: skip
    zenith, middle, haze, glow = palette
    ground = _view(rng)
    setting = Setting(
        rng,
        canvas,
        ground,
        sky=middle * 0.75 + 0.10,
        bounce=colour("#a07a58") * 0.2,
        haze=mix(haze, middle, 0.45) * 0.7,
        haze_per_metre=0.0022,
        style="evening",
        bloom=0.55,
    )
    paint_sky(setting, [(0, zenith * 0.85), (0.5, middle * 0.85), (0.85, haze * 0.9), (1.0, glow)])
    paint_clouds(setting, glow * 1.0, mix(middle, zenith, 0.4) * 0.8, 0.45, 0.9)
    setting.sun = Lamp((_side(rng) * 0.8, 0.35, -0.7), glow * 0.75, 0.25)
    for distance, high, wide in ((420, 0.20, 0.045), (240, 0.30, 0.065), (120, 0.20, 0.10)):
        _skyline(setting, distance, high, wide)
    canvas.soften(0.0016)
    edge = ground.foot(8.5)
    paint_ground(
        setting,
        colour("#8a6446") * (setting.sky * 0.8 + WARM * 0.16),
        colour("#8a6a50") * (setting.sky + WARM * 0.2),
        0.18,
        (4.0, 0.4),
        3.0,
        top=edge,
    )
    _planks(setting, edge)
    m = ground.metre(edge)
    wall = setting.lit(colour("#4a3f3a"), 0.2, 0.7)
    canvas.fill([box(-0.1, edge - 0.35 * m, setting.aspect + 0.2, 0.36 * m)], (wall * 1.3, wall * 0.8))
    canvas.fill([box(-0.1, edge - 1.12 * m, setting.aspect + 0.2, 0.05 * m)], wall * 0.8)
    canvas.fill(
        [box(k * 0.9 * m, edge - 1.12 * m, 0.035 * m, 0.8 * m) for k in range(int(setting.aspect / (0.9 * m)) + 1)],
        wall * 0.7,
    )
    canvas.fill([box(-0.1, edge - 1.08 * m, setting.aspect + 0.2, 0.74 * m)], mix(haze, WHITE, 0.3), 0.10)
    for share in (0.03, 0.16, 0.86, 0.97):
        _plant(setting, setting_x(canvas, share + float(rng.normal(0, 0.015))), float(rng.uniform(6.6, 8.0)))
    for share in (-0.02, 0.5, 1.02):
        canvas.fill([box(setting_x(canvas, share) - 0.05 * m, edge - 3.4 * m, 0.10 * m, 3.2 * m)], wall * 0.6)
    for i in range(6):
        start = (setting_x(canvas, -0.15 + 0.26 * i), -0.02)
        string_lights(
            setting, start, (setting_x(canvas, (-0.02, 0.5, 1.02)[i % 3]), edge - 3.3 * m), 0.06, 15, (0.015, 0.005)
        )
    for _ in range(4):
        canvas.glow(
            float(rng.uniform(0, setting.aspect)), ground.foot(float(rng.uniform(3.5, 6))), 0.5, WARM, 0.08, 0.25
        )
    setting.bulbs = [
        Bulb(setting_x(canvas, 0.3), -0.1, 1.4, BULB * 0.70, 0.7, 0.4),
        Bulb(setting_x(canvas, 0.85), 0.0, 0.2, BULB * 0.5, 0.7, 0.3),
    ]
    setting.film = Film(1.10, (0.93, 0.97, 1.12), (1.05, 1.0, 0.94), 1.05, 0.32)
    return setting


def _skyline(setting: Setting, distance: float, high: float, wide: float) -> None:
    """Towers with lit windows, their sunny side brighter."""
    rng, canvas, base = setting.rng, setting.canvas, setting.ground.horizon + 0.22
    side = 1 if setting.sun is None or setting.sun.direction[0] > 0 else -1
    edge = -0.05
    while edge < setting.aspect + 0.05:
        w, h = wide * float(rng.uniform(0.6, 1.3)), high * float(rng.uniform(0.25, 1.0)) ** 1.3
        top = setting.ground.horizon - h
        albedo = colour(("#232a48", "#33294a", "#1f3048")[int(rng.integers(3))])
        tone = setting.lit(albedo, 0.12, 0.7, distance)
        canvas.fill([box(edge, top, w, base - top)], (tone * 0.9, mix(tone, setting.haze, 0.45)))
        flank = edge + (w * 0.72 if side > 0 else 0)
        bright = setting.lit(albedo * 1.3, 0.45, 0.9, distance)
        canvas.fill([box(flank, top, w * 0.28, base - top)], (bright, mix(bright, setting.haze, 0.45)))
        if rng.random() < 0.5:
            crown = float(rng.uniform(0.2, 0.6)) * w
            canvas.fill([box(edge + (w - crown) / 2, top - h * 0.10, crown, h * 0.11)], tone * 0.9)
        if rng.random() < 0.3:
            canvas.fill([hull((edge + w / 2, top - h * 0.08, 0.0016), (edge + w / 2, top - h * 0.34, 0.0007))], tone)
            canvas.shine(
                [ellipse(edge + w / 2, top - h * 0.34, 0.002, 0.002)], colour("#ff4a3a"), 1.0, blur=0.002, core=2.0
            )
        _tower_windows(setting, (edge, top, w, base - top), distance)
        edge += w * float(rng.uniform(0.92, 1.2))


def _tower_windows(setting: Setting, tower: tuple[float, float, float, float], distance: float) -> None:
    rng, (left, top, width, height) = setting.rng, tower
    step = 0.0036 + 0.9 / distance
    lamps: dict[int, list[np.ndarray]] = {0: [], 1: [], 2: []}
    busy = float(rng.uniform(0.12, 0.42))
    for y in np.arange(top + step, top + height - step, step * 1.5):
        for x in np.arange(left + step * 0.6, left + width - step, step * 1.15):
            if rng.random() < busy:
                lamps[int(rng.integers(3))].append(box(float(x), float(y), step * 0.55, step * 0.7))
    for tone, panes in zip((WARM, colour("#ffe2b0"), colour("#bcd4ff")), lamps.values(), strict=True):
        if panes:
            setting.canvas.fill(panes, setting.in_air(tone * np.float32(rng.uniform(0.5, 1.0)), distance), 0.85)


def _planks(setting: Setting, top: float) -> None:
    """Joints of boards that run to the horizon."""
    canvas, ground = setting.canvas, setting.ground
    window = (slice(int(top * canvas.raster.height) + 1, canvas.raster.height), canvas.whole[1])
    x, y = canvas.raster.grid(window)
    depth = 1.1 * ground.camera / np.maximum(y - ground.horizon, 1e-3)
    across = (x - setting.aspect / 2) * depth / 1.1 / 0.16
    joint = smoothstep(0.42, 0.5, np.abs(across % 1 - 0.5))
    shade = np.sin(np.floor(across) * 12.9) * 0.13
    fade = smoothstep(12.0, 3.0, depth)
    canvas.light[window] *= (1 + fade * (shade - 0.55 * joint))[..., None].astype(np.float32)


def _plant(setting: Setting, x: float, distance: float) -> None:
    """A shrub in a pot."""
    rng, canvas, foot = setting.rng, setting.canvas, setting.ground.foot(distance)
    m = setting.ground.metre(foot)
    at = Spot(x, foot, m)
    canvas.shade([at.disc(0, -0, 0.4, 0.06)], 0.5, 0.03 * m)
    pot = polygon(at.path("-.3 .5, .3 .5, .22 -0, -.22 -0"))
    clay = setting.lit(colour("#a05a3c"), 0.4, 0.8) + WARM * 0.03
    canvas.fill([pot], (clay * 1.2, clay * 0.6))
    for shade, count in ((0.55, 26), (1.0, 26), (1.6, 16)):
        leaves = []
        for _ in range(count):
            a, r = float(rng.uniform(-1.3, 1.3)), float(rng.uniform(0.3, 0.95)) * m
            px, py = x + r * 0.75 * math.sin(a), foot - 0.5 * m - r * math.cos(a)
            leaves.append(
                hull((px, py, 0.05 * m), (px + 0.12 * m * math.sin(a * 1.5), py - 0.10 * m * math.cos(a), 0.012 * m))
            )
        canvas.fill(leaves, setting.lit(colour("#4a7040"), 0.2, 0.7) * np.float32(shade))


KINDS: dict[str, Callable[[np.random.Generator, Canvas], Setting]] = {
    "main_stage": main_stage,
    "meadow": meadow,
    "food_trucks": food_trucks,
    "beach": beach,
    "forest": forest,
    "market": market,
    "club": club,
    "fairground": fairground,
    "rain": rain,
    "winter_market": winter_market,
    "balloons": balloons,
    "lanterns": lanterns,
    "rooftop": rooftop,
}
