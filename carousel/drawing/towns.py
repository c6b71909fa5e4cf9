"""Drawn scenes in town: food trucks, market street, fairground, winter market, roof terrace."""

import itertools
import math
from collections.abc import Sequence

import numpy as np

from carousel.drawing.canvas import Canvas, Colour, Film, colour, colours, mix, smoothstep
from carousel.drawing.crowds import passers_by
from carousel.drawing.height_fields import Lamp
from carousel.drawing.nature import pine
from carousel.drawing.props import BULB, LAMPS, WARM, bunting, ferris_wheel, food_truck, house, stall, string_lights
from carousel.drawing.scene_building import (
    WHITE,
    Bulb,
    SceneBuilder,
    Spot,
    air,
    begin_scene,
    bokeh,
    either_side,
    floor_places,
    light_pools,
    paint_clouds,
    paint_ground,
    paint_hills,
    paint_sky,
    paint_stars,
    reflect,
)
from common.outlines import box, ellipse, hull, polygon

CREAM = colour("#f6ecd8")
IVORY = colour("#f4ead7")


def food_trucks(rng: np.random.Generator, canvas: Canvas) -> SceneBuilder:
    """Paint food trucks in the evening, under strings of lights."""
    setting = begin_scene(rng, canvas, [
        ("#101c3e", "#27477e", "#8a6f8e", "#e8a070"),
        ("#1a1236", "#4a3a7a", "#c0708a", "#ff9f6f"),
        ("#08182c", "#1d5068", "#6fa0a0", "#f0c890"),
    ])  # fmt: skip
    _, middle, haze, _ = setting.palette
    setting.style, setting.bloom = "evening", 0.6
    setting.sky, setting.bounce = middle * 0.75 + 0.08, WARM * 0.13 + 0.02
    setting.haze, setting.haze_per_metre = mix(haze, middle, 0.4) * 0.7, 0.012
    setting.film = Film(1.12, (0.90, 0.97, 1.14), (1.06, 1.0, 0.93), 1.05, 0.34)
    _evening_yard(setting)
    paints = rng.permutation(colours("#e0543f", "#3f9a9c", "#f0c24e", "#e88aa4", "#5a78b8", "#efe4cf", "#7fae6a"))
    gap = rng.uniform(-0.1, 0.1)
    for i, (share, distance) in enumerate(((0.5 + gap, 17.0), (0.12 + gap * 0.3, 11.5), (0.90 + gap * 0.3, 10.0))):
        food_truck(setting, setting.across(share), distance, paints[i], paints[i + 3])
    passers_by(setting, (15, 12.5, 10.5), 4, 0.3, WARM, spread=(0.2, 0.85))
    end = (setting.across(0.5 + gap), setting.ground.horizon - 0.16)
    for i in range(7):
        start = (setting.aspect * (i / 6) * 1.3 - 0.22, -0.03 + 0.03 * (i % 2))
        size = (rng.uniform(0.012, 0.017), 0.0028)
        string_lights(setting, start, (end[0] + (i - 3) * 0.06, end[1]), 0.05, 15, size=size)
    setting.bulbs = [
        Bulb(setting.across(share), setting.ground.horizon - 0.05, depth, BULB * 0.62, 0.5, 0.3)
        for share, depth in ((0.12, 0.2), (0.5, -1.2), (0.90, 0.2))
    ]
    setting.bulbs.append(Bulb(setting.across(0.5), -0.15, 1.5, BULB * 0.60, 0.8, 0.45))
    light_pools(setting, WARM, 5, (3.5, 7), 0.09)
    return setting


def _evening_yard(setting: SceneBuilder) -> None:
    """Paint sky, trees, asphalt and far lamps."""
    zenith, middle, haze, glow = setting.palette
    horizon = setting.ground.horizon
    paint_sky(setting, [(0, zenith * 0.75), (0.55, middle * 0.8), (0.9, haze * 0.8), (1.0, glow * 0.8)])
    paint_clouds(setting, glow * 0.8, middle * 0.5, 0.3, 0.9)
    paint_stars(setting, 50, 0.6)
    setting.sun = Lamp((0.2, 0.9, 0.5), middle * 0.35 + 0.03, 0.5)
    paint_hills(setting, colour("#1e2638"), 0.07, 60, tooth=0.010)
    near, far = colour("#2c2a30") * (setting.sky + 0.5), colour("#4a3a3c") * (setting.sky + 0.6)
    paint_ground(setting, near, far, 0.22, metres=3.0)
    bokeh(setting, LAMPS, 34, (0.008, 0.022), (horizon - 0.10, horizon + 0.01), strength=0.5)


def market(rng: np.random.Generator, canvas: Canvas) -> SceneBuilder:
    """Paint a market street of an old town, with bunting."""
    evening = rng.random() < 0.45
    setting = begin_scene(rng, canvas, [
        ("#274a86", "#7a86b0", "#f0b48a", "#ffc890"),
        ("#332a6a", "#a06a96", "#ffab7a", "#ffb070"),
    ] if evening else [
        ("#3a86c8", "#9fcde8", "#f2ead6", "#fff0cf"),
        ("#4a9ac0", "#bfe0e0", "#f8e6c8", "#ffe2a8"),
    ])  # fmt: skip
    zenith, middle, haze, sun = setting.palette
    side = either_side(rng)
    level = 0.42 if evening else 1.0
    setting.style, setting.bloom = ("evening", 0.5) if evening else ("summer", 0.25)
    setting.sky = mix(zenith, WHITE, 0.35) * (0.42 if evening else 0.58)
    setting.bounce = colour("#b89a78") * 0.35 * level
    setting.haze, setting.haze_per_metre = mix(haze, middle, 0.3) * 0.9, 0.009
    setting.floor = (0.26, 0.74)
    setting.sun = Lamp((side * 0.9, 0.7, 0.35), sun * level * 0.95, 0.12)
    setting.film = Film(1.05, (0.95, 0.98, 1.08), (1.04, 1.0, 0.95), 1.05, 0.26)
    paint_sky(setting, [(0, zenith * 0.85), (0.6, middle * 0.9), (1.0, haze)])
    paint_clouds(setting, sun * 1.05, middle * 0.75, 0.4, 0.7)
    vanish = setting.across(rng.uniform(0.44, 0.56))
    near = colour("#9a8672") * (setting.sky * 0.7 + sun * level * 0.4)
    far = colour("#b8a48c") * (setting.sky * 0.7 + sun * level * 0.5)
    paint_ground(setting, near, far, 0.26, (1.0, 0.5), metres=2.4)
    _cobbles(setting)
    _street(setting, evening, side, vanish)
    _over_the_street(setting, evening, side, vanish)
    return setting


def _cobbles(setting: SceneBuilder) -> None:
    """Paint joints of paving stones."""
    window = setting.canvas.below(int(setting.ground.horizon * setting.canvas.raster.height) + 2)
    right, depth = floor_places(setting, window)
    row = depth / 0.34
    across = right / 0.30 + 0.5 * (np.floor(row) % 2)
    joint = np.maximum(smoothstep(0.38, 0.5, np.abs(row % 1 - 0.5)), smoothstep(0.38, 0.5, np.abs(across % 1 - 0.5)))
    stones = np.sin(np.floor(across) * 12.9 + np.floor(row) * 78.2) * 0.10
    fade = smoothstep(16.0, 3.0, depth)
    setting.canvas.light[window] *= (1 - fade * (0.42 * joint - stones))[..., None].astype(np.float32)


def _street(setting: SceneBuilder, evening: bool, side: int, vanish: float) -> None:
    """Paint houses, stalls and people."""
    rng, ground = setting.rng, setting.ground
    walls = colours("#e3b088", "#d98f6f", "#efd9a8", "#b7c4b0", "#e8c4b0", "#c9a0a0", "#a9bcc8", "#f0e2c4")
    hall, tower = (vanish - 0.16, ground.foot(75)), (vanish + 0.05 * side - 0.022, ground.foot(70))
    house(setting, hall, (0.32, 0.20), 75, walls[0], roof=colour("#9a4f3a"), lit=0.3 if evening else 0.0)
    house(setting, tower, (0.044, 0.33), 75, walls[2], roof=colour("#5a6a7a"), lit=0.1)
    for edge in (-1, 1):
        _row_of_houses(setting, vanish, edge, walls, 0.5 if evening else 0.02)
    cloths = colours("#d9503f", "#2f8f8a", "#e3a53d", "#4f6fb0", "#c9608a", "#6a9a50")
    for distance in (34, 25, 18.5, 13.5, 10.0):
        for edge in (-1, 1):
            x = vanish + edge * 4.3 * ground.metre(ground.foot(distance))
            stall(setting, x, distance, 3.0, (rng.choice(cloths), CREAM), lit=0.9 if evening else 0.12)
    passers_by(setting, (45, 36, 29, 23, 18), 4, 0.4, WARM if evening else WARM * 0, spread=(0.40, 0.60))


def _row_of_houses(setting: SceneBuilder, vanish: float, edge: int, walls: Sequence[Colour], lit: float) -> None:
    """Paint houses along one side of a street, drawn as fronts in perspective."""
    rng, canvas = setting.rng, setting.canvas
    facing = 0.65 if setting.sun is not None and setting.sun.direction[0] * edge < 0 else 0.08
    depths = [90.0, 62, 45, 34, 26, 20, 15.5, 12, 9, 6.5, 4.0]
    for far, near in itertools.pairwise(depths):
        high, tone = rng.uniform(7.5, 11.5), rng.choice(walls)
        ends = [setting.spot(vanish, distance) for distance in (far, near)]
        feet, eaves, tops = ([end.at(edge * 7.2, y) for end in ends] for y in (0, high - 0.35, high))
        wall = setting.lit(tone, facing, 0.75, far)
        canvas.fill([polygon([*feet, *reversed(tops)])], (wall * 1.08, wall * 0.75))
        canvas.fill([polygon([*tops, *reversed(eaves)])], setting.lit(colour("#8a4a38"), facing + 0.2, 0.7, far))
        _windows(setting, vanish, edge, (far, near), high, tone=tone, lit=lit, facing=facing)


def _windows(
    setting: SceneBuilder,
    vanish: float,
    edge: int,
    depths: tuple[float, float],
    high: float,
    *,
    tone: Colour,
    lit: float,
    facing: float,
) -> None:
    rng, canvas, far = setting.rng, setting.canvas, depths[0]
    columns = 3
    places = np.linspace(*depths, columns * 4 + 1).tolist()
    glass = (setting.lit(colour("#3a4a5a"), 0.1, 1, far), setting.lit(colour("#7f9ab0"), 0.2, 1, far))
    for left, right in zip(places[1::4], places[3::4], strict=True):
        ends = [setting.spot(vanish, distance) for distance in (left, right, right, left)]
        for floor in np.arange(3.4, high - 1.2, 2.6):
            levels = (floor, floor, floor + 1.6, floor + 1.6)
            pane = np.array([end.at(edge * 7.2, up) for end, up in zip(ends, levels, strict=True)])
            middle = pane.mean(axis=0)
            canvas.fill([middle + (pane - middle) * 1.22], setting.lit(mix(tone, WHITE, 0.55), facing, 0.8, far))
            canvas.fill([pane], WARM * rng.uniform(0.6, 1.2) if rng.random() < lit else glass)


def _over_the_street(setting: SceneBuilder, evening: bool, side: int, vanish: float) -> None:
    """Paint bunting and strings across the street, and set their light."""
    ground = setting.ground
    flags = colours("#e2583e", "#f2c14e", "#2f8f8a", "#f4efe0", "#c9608a", "#4f78b8")
    for distance in (40, 27, 19, 13, 9, 6):
        m = ground.metre(ground.foot(distance))
        y = ground.horizon - 3.6 * m - 0.004
        start, end, sag = (vanish - 5.8 * m, y), (vanish + 5.8 * m, y + 0.2 * m * side), 0.8 * m
        if evening and distance in (27, 13, 6):
            string_lights(setting, start, end, sag, 17, size=(0.045 * m, 0.045 * m))
        else:
            bunting(setting, start, end, sag, 20, size=0.30 * m, tones=flags)
    if evening:
        setting.bulbs = [
            Bulb(setting.across(0.05), ground.horizon - 0.08, 0.3, BULB * 0.55, 0.5, 0.3),
            Bulb(setting.across(0.95), ground.horizon - 0.08, 0.3, BULB * 0.55, 0.5, 0.3),
            Bulb(vanish, 0.05, 0.9, BULB * 0.45, 0.7, 0.4),
        ]


def fairground(rng: np.random.Generator, canvas: Canvas) -> SceneBuilder:
    """Paint a fairground with a ferris wheel at night."""
    setting = begin_scene(rng, canvas, [
        ("#060a22", "#1a2460", "#5a3a7a", "#ff4f8e", "#3fd0ff", "#ffd25a"),
        ("#0a0820", "#2a1a56", "#8a3a6a", "#ff8a3a", "#ff3f6a", "#ffe08a"),
        ("#04121e", "#0f3a56", "#2f6a7a", "#3fffc0", "#4f8aff", "#f4f0c0"),
    ])  # fmt: skip
    zenith, middle, haze, *lamps = setting.palette
    first, second, third = lamps
    ground, side = setting.ground, either_side(rng)
    setting.style, setting.bloom = "evening", 0.6
    setting.sky, setting.bounce = middle * 0.8 + 0.07, mix(first, third, 0.5) * 0.12 + 0.02
    setting.haze, setting.haze_per_metre = mix(haze, middle, 0.4) * 0.7, 0.008
    setting.film = Film(1.15, (0.92, 0.96, 1.14), (1.04, 1.0, 0.96), 1.06, 0.36)
    paint_sky(setting, [(0, zenith), (0.6, middle * 0.75), (1.0, haze * 0.9)])
    paint_clouds(setting, haze * 0.5, middle * 0.35, 0.3, 0.9)
    paint_stars(setting, 90, 0.8)
    setting.sun = Lamp((-side * 0.4, 0.8, 0.5), middle * 0.4 + 0.04, 0.5)
    x = setting.across(0.5 + side * rng.uniform(0.14, 0.24))
    paint_hills(setting, colour("#10142a"), 0.03, 80, tooth=0.006, low=0.005)
    ferris_wheel(setting, (x, max(0.27, ground.horizon - 0.27)), rng.uniform(0.235, 0.26), lamps)
    _fair_stalls(setting, side)
    reflect(setting, 0.42, 0.010, 0.014, top=ground.foot(13))
    left, right = (-0.05, 0.02), (setting.aspect + 0.05, 0.04)
    high = ground.horizon - 0.18
    string_lights(setting, left, (setting.across(0.55), high), 0.10, 18, size=(0.014, 0.004), tones=lamps)
    tones = (third, first, second)
    string_lights(setting, right, (setting.across(0.45), high), 0.10, 18, size=(0.014, 0.004), tones=tones)
    setting.bulbs = [
        Bulb(x, 0.2, -2.2, mix(first, second, 0.5) * 0.9, 0.6, 0.15),
        Bulb(setting.across(0.5 - side * 0.65), 0.35, 1.0, third * 0.85, 0.7, 0.3),
        Bulb(setting.across(0.5 + side * 0.65), 0.4, 0.2, first * 0.55, 0.6, 0.2),
    ]
    return setting


def _fair_stalls(setting: SceneBuilder, side: int) -> None:
    """Paint ground, carousel, stalls and people."""
    rng, horizon = setting.rng, setting.ground.horizon
    _, _, haze, *lamps = setting.palette
    first, second, third = lamps
    paint_ground(setting, colour("#1c1c2a") * 0.9, mix(colour("#2a2430"), haze, 0.35), 0.2, metres=3.0)
    bokeh(setting, lamps, 26, (0.006, 0.018), (horizon - 0.07, horizon - 0.005), strength=0.6)
    _carousel(setting, setting.across(0.5 - side * 0.26), 30.0, lamps)
    stripes = [(first, IVORY), (second, IVORY), (third, colour("#a03a4a")), (colour("#d9503f"), IVORY)]
    for share, distance in ((0.50, 34.0), (0.60, 27.0), (0.04, 15.0), (0.97, 14.0)):
        stall(setting, setting.across(share), distance, 3.4, rng.choice(stripes), lit=1.0)
    passers_by(setting, (30, 24, 19, 16), 8, 0.3, mix(first, third, 0.6))


def _carousel(setting: SceneBuilder, x: float, distance: float, tones: Sequence[Colour]) -> None:
    """Paint a merry-go-round, lit from inside."""
    canvas, at = setting.canvas, setting.spot(x, distance)
    m = at.metre
    canvas.fill([at.box(-4.6, 4.2, 9.2, 3.6)], (tones[2] * 0.75, tones[2] * 0.30))
    canvas.fill([at.hull("-5 .35 .3, 5 .35 .3")], (tones[0] * 0.5, tones[0] * 0.15))
    for k in range(7):
        pole = -4.2 + 1.4 * k
        canvas.fill([at.box(pole - 0.05, 4.2, 0.1, 3.8)], tones[2] * 1.2)
        horse = Spot(x + pole * m, at.foot - (1.5 + 0.3 * (k % 2)) * m, m)
        legs = [horse.hull(f"{q} 0 .08, {q * 1.3:.4f} -.7 .05") for q in (-0.5, -0.35, 0.3, 0.5)]
        body = [horse.hull("-.5 0 .28, .4 0 .26"), horse.hull(".5 .2 .16, .8 .65 .16")]
        canvas.fill([*body, *legs], mix(tones[k % 3], WHITE, 0.5) * 0.7)
    wide = 10.4 / 12
    for k in range(12):
        left = k * wide - 5.2
        tone = (tones[0] if k % 2 else mix(tones[2], WHITE, 0.3)) * 0.55
        canvas.fill([polygon([at.at(left, 4.3), at.at(left + wide, 4.3), at.at(0, 6.9)])], (tone * 0.8, tone))
        canvas.fill([at.disc(left + wide / 2, 4.25, wide / 2, 0.4)], tone * 1.3)
    for k in range(27):
        canvas.lamp(*at.at(0.4 * k - 5.2, 4.35), 0.08 * m, tones[2], strength=1.2, blur=0.04 * m, core=2.4)
    canvas.glow(*at.at(0, 2.5), 8 * m, tones[2], 0.30, squash=0.8)


def winter_market(rng: np.random.Generator, canvas: Canvas) -> SceneBuilder:
    """Paint a market in the snow."""
    setting = begin_scene(rng, canvas, [
        ("#16244a", "#4a6a9a", "#d8b0a8", "#f4d0b0"),
        ("#2a2456", "#7a6aa6", "#f0b0b0", "#ffcfa8"),
        ("#6a8aac", "#a8c0d8", "#e8eef2", "#fff4e0"),
    ])  # fmt: skip
    zenith, middle, haze, glow = setting.palette
    ground, side = setting.ground, either_side(rng)
    day = float(zenith.mean()) > 0.15
    setting.style, setting.bloom, setting.shadow = "winter", 0.5, 0.4
    setting.sky = mix(middle, WHITE, 0.25) * (0.62 if day else 0.48)
    setting.bounce = mix(middle, WHITE, 0.3) * (0.42 if day else 0.28)
    setting.haze, setting.haze_per_metre = mix(haze, middle, 0.4) * 0.85, 0.010
    setting.film = Film(1.04, (0.94, 0.98, 1.10), (1.03, 1.0, 0.97), 1.02, 0.25)
    setting.sun = Lamp((side * 0.7, 0.6, 0.4), glow * (0.5 if day else 0.18), 0.35)
    paint_sky(setting, [(0, zenith * 0.9), (0.6, middle * 0.85), (1.0, haze * 0.9)])
    paint_clouds(setting, glow * 0.8, middle * 0.7, 0.45, 0.9)
    paint_hills(setting, colour("#8fa0bc"), 0.13, 220, rough=0.7)
    paint_hills(setting, colour("#4a5a72"), 0.05, 110, tooth=0.010)
    _snowy_houses(setting)
    snow = colour("#eef2fb")
    near, far = setting.sky * 0.95 + 0.05, setting.sky * 1.05 + glow * 0.10
    paint_ground(setting, snow * near, snow * far, 0.10, metres=5.0)
    x = setting.across(0.5 + side * rng.uniform(0.10, 0.18))
    _lit_fir(setting, x, 22.0, 9.0)
    cloths = colours("#b83a34", "#2f6f5a", "#8a3f5a", "#c98a3a")
    for share, distance in ((0.30, 24.0), (0.86, 24.0), (0.14, 17.0), (0.72, 17.0), (0.02, 12.0), (0.97, 12.0)):
        at = setting.across(share + rng.normal(0, 0.012))
        stall(setting, at, distance, 3.4, (rng.choice(cloths), CREAM), lit=0.55 if day else 1.0, snow=True)
    passers_by(setting, (28, 22, 18, 14.5), 5, 0.4, WARM, spread=(0.12, 0.9))
    _winter_lamps(setting)
    _falling_snow(setting)
    warm = 0.40 if day else 0.80
    setting.bulbs = [
        Bulb(0.0, ground.horizon - 0.08, 0.5, BULB * warm, 0.5, 0.3),
        Bulb(setting.aspect, ground.horizon - 0.08, 0.5, BULB * warm, 0.5, 0.3),
        Bulb(x, ground.horizon - 0.2, -2.0, WARM * warm, 0.5, 0.2),
    ]
    return setting


def _snowy_houses(setting: SceneBuilder) -> None:
    """Paint a row of houses with white roofs."""
    rng, foot = setting.rng, setting.ground.foot(60)
    walls = colours("#c9a88a", "#b0888a", "#d8c8a8", "#8fa0a8")
    left = -0.02
    while left < setting.aspect:
        size = rng.uniform(0.09, 0.15), rng.uniform(0.13, 0.20)
        house(setting, (left, foot), size, 60, rng.choice(walls), roof=colour("#e8eef8"), lit=0.5)
        left += size[0] * 1.04


def _lit_fir(setting: SceneBuilder, x: float, distance: float, height: float) -> None:
    """Paint a big fir with balls and lamps."""
    pine(setting, x, distance, height, colour("#2f5a46"), snow=0.5)
    canvas, rng, at = setting.canvas, setting.rng, setting.spot(x, distance, height)
    m = at.metre
    for _ in range(110):
        t = 1 - math.sqrt(rng.uniform(0.0, 1))
        place = at.at(rng.uniform(-1, 1) * (0.29 * (1 - t) + 0.01), 0.07 + 0.88 * t)
        if rng.random() < 0.3:
            canvas.fill([ellipse(*place, 0.012 * m, 0.012 * m)], setting.lit(rng.choice(LAMPS), 0.5), 0.9)
        else:
            canvas.lamp(*place, 0.007 * m, LAMPS[0], strength=1.0, blur=0.004 * m, core=2.6)
    tips = [((0.05 if i % 2 else 0.02), i * math.pi / 5) for i in range(10)]
    star = polygon([at.at(reach * math.sin(turn), 1.03 + reach * math.cos(turn)) for reach, turn in tips])
    canvas.shine([star], LAMPS[0], 1.5, blur=0.01 * m, core=2.5)
    canvas.glow(*at.at(0, 0.4), 0.7 * m, WARM, 0.30)


def _winter_lamps(setting: SceneBuilder) -> None:
    """Paint firs, strings of lights, and their glow on the snow."""
    for share, distance in ((0.30, 40.0), (0.62, 44.0), (0.78, 38.0)):
        pine(setting, setting.across(share), distance, 7.0, colour("#3f5f50"), snow=0.8)
    for i in range(3):
        start, end = (-0.05, 0.06 + 0.05 * i), (setting.aspect + 0.05, 0.05 + 0.06 * ((i + 1) % 3))
        string_lights(setting, start, end, 0.10, 24, size=(0.006 + 0.003 * i, 0.006 + 0.003 * i))
    light_pools(setting, WARM, 4, (5, 9), 0.10, radius=0.45, squash=0.22)


def _falling_snow(setting: SceneBuilder) -> None:
    """Paint flakes, the near ones large and soft, in front of everything."""
    rng, raster = setting.rng, setting.canvas.raster
    front = air(setting)
    cool = setting.sky * 0.7 + 0.25
    for count, size, level in ((260, 0.0016, 0.60), (90, 0.0034, 0.45), (16, 0.010, 0.16)):
        for _ in range(count):
            x, y = rng.uniform(0, setting.aspect), rng.uniform(0, 1)
            radius = size * rng.uniform(0.7, 1.4)
            flake = ellipse(x, y, radius, radius)
            window = raster.window([flake], margin=radius)
            if window is not None:
                light = cool * (level * rng.uniform(0.5, 1))
                front[window] += light * raster.coverage([flake], window, radius * 0.35)[..., None]


def rooftop(rng: np.random.Generator, canvas: Canvas) -> SceneBuilder:
    """Paint a roof terrace over a city at the blue hour."""
    setting = begin_scene(rng, canvas, [
        ("#142a5a", "#3f6aa8", "#f0a088", "#ffc08a"),
        ("#2a1a4a", "#7a4a8a", "#ff8a70", "#ffb27a"),
        ("#0c2438", "#2f6a80", "#e0b890", "#ffd8a0"),
    ])  # fmt: skip
    zenith, middle, haze, glow = setting.palette
    setting.style, setting.bloom = "evening", 0.55
    setting.sky, setting.bounce = middle * 0.75 + 0.10, colour("#a07a58") * 0.2
    setting.haze, setting.haze_per_metre = mix(haze, middle, 0.45) * 0.7, 0.0022
    setting.film = Film(1.10, (0.93, 0.97, 1.12), (1.05, 1.0, 0.94), 1.05, 0.32)
    setting.bulbs = [
        Bulb(setting.across(0.3), -0.1, 1.4, BULB * 0.70, 0.7, 0.4),
        Bulb(setting.across(0.85), 0.0, 0.2, BULB * 0.5, 0.7, 0.3),
    ]
    paint_sky(setting, [(0, zenith * 0.85), (0.5, middle * 0.85), (0.85, haze * 0.9), (1.0, glow)])
    paint_clouds(setting, glow * 1.0, mix(middle, zenith, 0.4) * 0.8, 0.45, 0.9)
    setting.sun = Lamp((either_side(rng) * 0.8, 0.35, -0.7), glow * 0.75, 0.25)
    for distance, high, wide in ((420, 0.20, 0.045), (240, 0.30, 0.065), (120, 0.20, 0.10)):
        _skyline(setting, distance, high, wide)
    canvas.soften(0.0016)
    edge = setting.ground.foot(8.5)
    near, far = colour("#8a6446") * (setting.sky * 0.8 + WARM * 0.16), colour("#8a6a50") * (setting.sky + WARM * 0.2)
    paint_ground(setting, near, far, 0.18, (4.0, 0.4), metres=3.0, top=edge)
    _planks(setting, edge)
    _terrace(setting, edge)
    return setting


def _skyline(setting: SceneBuilder, distance: float, high: float, wide: float) -> None:
    """Paint towers with lit windows, their sunny side brighter."""
    rng, canvas, base = setting.rng, setting.canvas, setting.ground.horizon + 0.22
    side = 1 if setting.sun is None or setting.sun.direction[0] > 0 else -1
    edge = -0.05
    while edge < setting.aspect + 0.05:
        w, h = wide * rng.uniform(0.6, 1.3), high * rng.uniform(0.25, 1.0) ** 1.3
        top, middle = setting.ground.horizon - h, edge + w / 2
        albedo = colour(rng.choice(("#232a48", "#33294a", "#1f3048")))
        tone = setting.lit(albedo, 0.12, 0.7, distance)
        canvas.fill([box(edge, top, w, base - top)], (tone * 0.9, mix(tone, setting.haze, 0.45)))
        flank = edge + (w * 0.72 if side > 0 else 0)
        bright = setting.lit(albedo * 1.3, 0.45, 0.9, distance)
        canvas.fill([box(flank, top, w * 0.28, base - top)], (bright, mix(bright, setting.haze, 0.45)))
        if rng.random() < 0.5:
            crown = rng.uniform(0.2, 0.6) * w
            canvas.fill([box(edge + (w - crown) / 2, top - h * 0.10, crown, h * 0.11)], tone * 0.9)
        if rng.random() < 0.3:
            canvas.fill([hull((middle, top - h * 0.08, 0.0016), (middle, top - h * 0.34, 0.0007))], tone)
            canvas.lamp(middle, top - h * 0.34, 0.002, colour("#ff4a3a"), strength=1.0, blur=0.002, core=2.0)
        _tower_windows(setting, (edge, top, w, base - top), distance)
        edge += w * rng.uniform(0.92, 1.2)


def _tower_windows(setting: SceneBuilder, tower: tuple[float, float, float, float], distance: float) -> None:
    rng, (left, top, width, height) = setting.rng, tower
    step = 0.0036 + 0.9 / distance
    lamps: dict[int, list[np.ndarray]] = {0: [], 1: [], 2: []}
    busy = rng.uniform(0.12, 0.42)
    for y in np.arange(top + step, top + height - step, step * 1.5):
        for x in np.arange(left + step * 0.6, left + width - step, step * 1.15):
            if rng.random() < busy:
                lamps[int(rng.integers(3))].append(box(float(x), float(y), step * 0.55, step * 0.7))
    for tone, panes in zip((WARM, colour("#ffe2b0"), colour("#bcd4ff")), lamps.values(), strict=True):
        if panes:
            setting.canvas.fill(panes, setting.in_air(tone * rng.uniform(0.5, 1.0), distance), 0.85)


def _planks(setting: SceneBuilder, top: float) -> None:
    """Paint joints of boards that run to the horizon."""
    window = setting.canvas.below(int(top * setting.canvas.raster.height) + 1)
    right, depth = floor_places(setting, window)
    across = right / 0.16
    joint = smoothstep(0.42, 0.5, np.abs(across % 1 - 0.5))
    shade = np.sin(np.floor(across) * 12.9) * 0.13
    fade = smoothstep(12.0, 3.0, depth)
    setting.canvas.light[window] *= (1 + fade * (shade - 0.55 * joint))[..., None].astype(np.float32)


def _terrace(setting: SceneBuilder, edge: float) -> None:
    """Paint parapet, railing, plants and strings of lights."""
    rng, canvas, haze = setting.rng, setting.canvas, setting.palette[2]
    m = setting.ground.metre(edge)
    wall = setting.lit(colour("#4a3f3a"), 0.2, 0.7)
    left, wide = -0.1, setting.aspect + 0.2
    canvas.fill([box(left, edge - 0.35 * m, wide, 0.36 * m)], (wall * 1.3, wall * 0.8))
    canvas.fill([box(left, edge - 1.12 * m, wide, 0.05 * m)], wall * 0.8)
    bars = range(int(setting.aspect / (0.9 * m)) + 1)
    canvas.fill([box(k * 0.9 * m, edge - 1.12 * m, 0.035 * m, 0.8 * m) for k in bars], wall * 0.7)
    canvas.fill([box(left, edge - 1.08 * m, wide, 0.74 * m)], mix(haze, WHITE, 0.3), 0.10)
    for share in (0.03, 0.16, 0.86, 0.97):
        _plant(setting, setting.across(share + rng.normal(0, 0.015)), rng.uniform(6.6, 8.0))
    masts = [setting.across(share) for share in (-0.02, 0.5, 1.02)]
    for x in masts:
        canvas.fill([box(x - 0.05 * m, edge - 3.4 * m, 0.10 * m, 3.2 * m)], wall * 0.6)
    for i in range(6):
        start, end = (setting.across(-0.15 + 0.26 * i), -0.02), (masts[i % 3], edge - 3.3 * m)
        string_lights(setting, start, end, 0.06, 15, size=(0.015, 0.005))
    light_pools(setting, WARM, 4, (3.5, 6), 0.08)


def _plant(setting: SceneBuilder, x: float, distance: float) -> None:
    """Paint a shrub in a pot."""
    rng, canvas, at = setting.rng, setting.canvas, setting.spot(x, distance)
    m, foot = at.metre, at.foot
    canvas.shade([at.disc(0, -0, 0.4, 0.06)], 0.5, 0.03 * m)
    pot = polygon(at.path("-.3 .5, .3 .5, .22 -0, -.22 -0"))
    clay = setting.lit(colour("#a05a3c"), 0.4, 0.8) + WARM * 0.03
    canvas.fill([pot], (clay * 1.2, clay * 0.6))
    for shade, count in ((0.55, 26), (1.0, 26), (1.6, 16)):
        leaves = []
        for _ in range(count):
            a, r = rng.uniform(-1.3, 1.3), rng.uniform(0.3, 0.95) * m
            px, py = x + r * 0.75 * math.sin(a), foot - 0.5 * m - r * math.cos(a)
            tip = (px + 0.12 * m * math.sin(a * 1.5), py - 0.10 * m * math.cos(a), 0.012 * m)
            leaves.append(hull((px, py, 0.05 * m), tip))
        canvas.fill(leaves, setting.lit(colour("#4a7040"), 0.2, 0.7) * shade)
