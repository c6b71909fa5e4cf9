"""Props of the drawn scenes: lights, tents, stalls, trucks, a ferris wheel, houses."""

import math
from collections.abc import Sequence

import numpy as np

from carousel.drawing.bodies import tube
from carousel.drawing.canvas import Colour, colour, mix
from carousel.drawing.scene_building import SceneBuilder, Spot
from common.outlines import Outline, box, curve, ellipse, hull, polygon

WARM = colour("#ffb45e")
BULB = colour("#ffdcb4")  # what warm lamps cast on people: less yellow than they look themselves
LAMPS = tuple(colour(tone) for tone in ("#ffcf87", "#ff8f6b", "#8fe0ff", "#ff7fb0", "#b9f08a"))


def catenary(start: tuple[float, float], end: tuple[float, float], sag: float, count: int) -> np.ndarray:
    """Places along a hanging line, (count, 2)."""
    t = np.linspace(0, 1, count)
    x = start[0] + (end[0] - start[0]) * t
    y = start[1] + (end[1] - start[1]) * t + sag * 4 * t * (1 - t)
    return np.stack([x, y], axis=1)


def ribbon(line: np.ndarray, width: float) -> list[Outline]:
    """A line of some width as one outline."""
    step = np.gradient(line, axis=0)
    side = np.stack([-step[:, 1], step[:, 0]], axis=1)
    side /= np.maximum(np.sqrt((side**2).sum(axis=1, keepdims=True)), 1e-9)
    return [np.concatenate([line + side * width / 2, (line - side * width / 2)[::-1]])]


def string_lights(
    setting: SceneBuilder,
    start: tuple[float, float],
    end: tuple[float, float],
    sag: float,
    count: int,
    *,
    size: tuple[float, float],
    tones: Sequence[Colour] = (WARM,),
    strength: float = 3.0,
) -> None:
    """Bulbs on a wire; `size` is their radius at the start and at the end, so that strings run into the depth."""
    canvas = setting.canvas
    canvas.fill(ribbon(catenary(start, end, sag, 40), 0.0022 + 0.1 * min(size)), setting.lit(colour("#1c1a1e")), 0.8)
    for index, (x, y) in enumerate(catenary(start, end, sag, count)):
        t = index / max(count - 1, 1)
        radius = size[0] + (size[1] - size[0]) * t
        tone = setting.rng.choice(tones)
        level = strength * setting.rng.uniform(0.75, 1.1)
        bulb = ellipse(float(x), float(y) + radius * 1.3, radius, radius * 1.15)
        if radius > 0.011:  # near the camera: out of focus
            canvas.shine(
                [ellipse(float(x), float(y) + radius, radius * 1.5, radius * 1.5)],
                tone,
                level * 0.22,
                blur=radius * 0.18,
            )
        else:
            canvas.shine([bulb], tone, level * 0.4, blur=radius * 0.6, core=level)
        canvas.glow(float(x), float(y) + radius * 1.3, min(radius * 9, 0.05 + radius * 2), tone, 0.075 * level / 3)


def bunting(
    setting: SceneBuilder,
    start: tuple[float, float],
    end: tuple[float, float],
    sag: float,
    count: int,
    *,
    size: float,
    tones: Sequence[Colour],
) -> None:
    """Pennants on a line."""
    line = catenary(start, end, sag, count + 1)
    setting.canvas.fill(ribbon(line, size * 0.07), setting.lit(colour("#4a4038")))
    for index in range(count):
        (ax, ay), (bx, by) = line[index], line[index + 1]
        sway = setting.rng.normal(0, 0.12) * size
        ex, ey = ax + (bx - ax) * 0.86, ay + (by - ay) * 0.86
        flag = polygon([(ax, ay), (ex, ey), ((ax + ex) / 2 + sway, (ay + ey) / 2 + size * 1.25)])
        tone = tones[index % len(tones)]
        shade = setting.rng.uniform(0.3, 0.75)
        setting.canvas.fill([flag], (setting.lit(tone, shade), setting.lit(tone, shade * 0.8)))


def sun_side(setting: SceneBuilder) -> int:
    """From which side the sun shines, -1 left or 1 right."""
    return -1 if setting.sun is None or setting.sun.direction[0] < 0 else 1


def ground_shadow(setting: SceneBuilder, x: float, y: float, wide: float, high: float) -> None:
    """The shadow of a thing on the ground, away from the sun."""
    shift = -0.35 * sun_side(setting) * wide
    setting.canvas.shade(
        [ellipse(x + shift, y + high * 0.2, wide, high)], 0.55 * setting.shadow / 0.6, high * 0.5, setting.sky * 0.25
    )


def dome_tent(setting: SceneBuilder, x: float, distance: float, size: float, albedo: Colour) -> None:
    """A camping tent with a dark door."""
    canvas, foot = setting.canvas, setting.ground.foot(distance)
    m = setting.ground.metre(foot) * size
    at = Spot(x, foot, m)
    ground_shadow(setting, x, foot, 1.5 * m, 0.14 * m)
    side = sun_side(setting)
    shell = curve(at.path("-1.35 -0, -1.35 -0, -1.05 .75, -.3 1.28, .35 1.25, 1.05 .7, 1.35 -0, 1.35 -0"))
    canvas.fill([shell], (setting.lit(albedo, 0.75, 1.0, distance), setting.lit(albedo, 0.3, 0.5, distance)))
    dark_side = curve(at.path("-1.35 -0, -1.35 -0, -1.05 .75, -.3 1.26, -.05 1.25, -.35 -0, -.35 -0", side))
    canvas.fill(
        [dark_side], (setting.lit(albedo * 0.8, 0.25, 0.8, distance), setting.lit(albedo * 0.7, 0.1, 0.4, distance))
    )
    door = curve(at.path(".1 -0, .1 -0, .22 .62, .48 .85, .75 .55, .92 -0, .92 -0", side))
    canvas.fill([door], setting.lit(albedo * 0.25, 0.1, 0.4, distance))
    line = np.array(at.path("-1.2 .45, -.3 1, 1.2 .45"))
    canvas.fill(
        tube([(float(a), float(b)) for a, b in line], [0.02 * m]),
        setting.lit(mix(albedo, np.ones(3, np.float32), 0.5), 0.6, 1, distance),
        0.7,
    )


def bell_tent(
    setting: SceneBuilder, x: float, distance: float, size: float, albedo: Colour, *, glow: float = 0.0
) -> None:
    """A round tent with a pointed roof; `glow` lights it from inside."""
    canvas, foot = setting.canvas, setting.ground.foot(distance)
    m = setting.ground.metre(foot) * size
    ground_shadow(setting, x, foot, 2.4 * m, 0.2 * m)
    eave, peak, side = foot - 1.0 * m, foot - 3.2 * m, sun_side(setting)
    wall = polygon([(x - 2.1 * m, eave), (x + 2.1 * m, eave), (x + 2.1 * m, foot), (x - 2.1 * m, foot)])
    canvas.fill([wall], (setting.lit(albedo, 0.4, 0.6, distance), setting.lit(albedo * 0.85, 0.25, 0.4, distance)))
    edges = np.linspace(-2.25, 2.25, 9)
    for i in range(8):
        a, b = x + edges[i] * m, x + edges[i + 1] * m
        facing = 0.5 + 0.5 * math.sin((i + 0.5) / 8 * math.pi - math.pi / 2) * side
        roof = polygon([(a, eave), (b, eave), (x, peak)])
        tone = setting.lit(albedo, 0.15 + 0.75 * facing, 0.9, distance)
        canvas.fill([roof], (tone * 1.02, tone * 0.9))
    door = polygon([(x - 0.5 * m, foot), (x, eave - 0.1 * m), (x + 0.5 * m, foot)])
    canvas.fill([door], setting.lit(albedo * 0.2, 0.1, 0.3, distance))
    canvas.fill(
        [hull((x, peak, 0.02 * m), (x, peak - 0.5 * m, 0.02 * m))], setting.lit(colour("#5a4630"), 0.4, 1, distance)
    )
    if glow:
        canvas.shine([wall, door], WARM, glow, blur=0.15 * m)
        canvas.glow(x, foot - 0.9 * m, 2.4 * m, WARM, glow * 0.8, squash=0.9)


def awning(
    setting: SceneBuilder,
    left: float,
    top: float,
    width: float,
    drop: float,
    *,
    tones: tuple[Colour, Colour],
    toward: float,
    distance: float,
    glow: Colour | None = None,
) -> None:
    """A striped awning with a scalloped edge."""
    stripes = max(4, round(width / drop * 2.4))
    for i in range(stripes):
        a, b = left + width * i / stripes, left + width * (i + 1) / stripes
        spread = 0.06 * width
        ta, tb = (
            left + spread + (width - 2 * spread) * i / stripes,
            left + spread + (width - 2 * spread) * (i + 1) / stripes,
        )
        tone = setting.lit(tones[i % 2], toward, 0.9, distance)
        cloth = polygon([(ta, top), (tb, top), (b, top + drop * 0.75), (a, top + drop * 0.75)])
        setting.canvas.fill([cloth], (tone, tone * 0.86))
        edge = [
            box(a, top + drop * 0.74, b - a, drop * 0.12),
            ellipse((a + b) / 2, top + drop * 0.86, (b - a) / 2, drop * 0.13),
        ]
        setting.canvas.fill(edge, tone * 0.8)
        if glow is not None:
            setting.canvas.shine(edge, glow * tones[i % 2], 0.35)


def stall(
    setting: SceneBuilder,
    x: float,
    distance: float,
    width: float,
    tones: tuple[Colour, Colour],
    *,
    lit: float,
    snow: bool = False,
) -> None:
    """A market stall: counter with wares, awning, warm light inside."""
    canvas, foot = setting.canvas, setting.ground.foot(distance)
    m = setting.ground.metre(foot)
    w, left = width * m, x - width * m / 2
    ground_shadow(setting, x, foot, w * 0.6, 0.16 * m)
    wood = _stall_wares(setting, distance, width, lit, foot, left=left, m=m, w=w)
    for side in (0, 1):
        canvas.fill(
            [box(left + side * (w - 0.12 * m), foot - 2.5 * m, 0.12 * m, 2.5 * m)],
            setting.lit(wood, 0.4, 0.7, distance),
        )
    planks = setting.lit(wood, 0.45, 0.7, distance)
    canvas.fill([box(left, foot - 0.95 * m, w, 0.95 * m)], (planks * 1.15, planks * 0.6))
    for i in range(1, 5):
        canvas.fill([box(left, foot - 0.95 * m + i * 0.19 * m, w, 0.015 * m)], planks * 0.4, 0.8)
    canvas.fill(
        [box(left - 0.05 * m, foot - 1.02 * m, w + 0.1 * m, 0.09 * m)],
        setting.lit(wood * 1.3, 0.6, 0.9, distance) + WARM * np.float32(0.2 * lit),
    )
    awning(
        setting,
        left - 0.25 * m,
        foot - 3.0 * m,
        w + 0.5 * m,
        0.9 * m,
        tones=tones,
        toward=0.6,
        distance=distance,
        glow=WARM * np.float32(lit) if lit else None,
    )
    _stall_extras(setting, x, distance, lit, snow, foot=foot, left=left, m=m, w=w)


def _stall_wares(
    setting: SceneBuilder, distance: float, width: float, lit: float, foot: float, *, left: float, m: float, w: float
) -> Colour:
    """The lit inside and its shelves."""
    rng, canvas = setting.rng, setting.canvas
    wood = colour("#7a5233")
    inside = setting.lit(wood * 0.5, 0.1, 0.3, distance) + WARM * np.float32(0.55 * lit)
    canvas.fill([box(left + 0.1 * m, foot - 2.3 * m, w - 0.2 * m, 1.5 * m)], (inside * 1.15, inside * 0.7))
    for i in range(3):
        shelf = foot - (1.35 + 0.32 * i) * m
        for k in range(int(width * 5)):
            px = left + (0.25 + k * 0.19) * m
            if px > left + w - 0.25 * m:
                break
            tone = rng.choice(LAMPS) if rng.random() < 0.4 else colour("#c98a4a")
            high = rng.uniform(0.10, 0.24) * m
            canvas.fill(
                [box(px, shelf - high, 0.13 * m, high)],
                setting.lit(tone * 0.6, 0.2, 0.3, distance) + tone * WARM * np.float32(0.5 * lit),
            )
    return wood


def _stall_extras(
    setting: SceneBuilder,
    x: float,
    distance: float,
    lit: float,
    snow: bool,
    *,
    foot: float,
    left: float,
    m: float,
    w: float,
) -> None:
    """Snow on the awning, and lamps."""
    canvas = setting.canvas
    if snow:
        top = foot - 3.0 * m
        cover = curve(
            [
                (left - 0.05 * m, top + 0.1 * m),
                (left + 0.1 * m, top - 0.10 * m),
                (x - 0.3 * m, top - 0.20 * m),
                (x + 0.4 * m, top - 0.16 * m),
                (left + w - 0.1 * m, top - 0.10 * m),
                (left + w + 0.05 * m, top + 0.1 * m),
                (x, top + 0.16 * m),
            ]
        )
        canvas.fill(
            [cover],
            (setting.lit(colour("#f4f7ff"), 0.6, 1, distance), setting.lit(colour("#cfdcf4"), 0.3, 0.8, distance)),
        )
    if lit:
        for k in range(3):
            lx = left + w * (0.25 + 0.25 * k)
            canvas.shine(
                [ellipse(lx, foot - 2.05 * m, 0.06 * m, 0.07 * m)], WARM, 2.0 * lit, blur=0.03 * m, core=3.0 * lit
            )
        canvas.glow(x, foot - 1.6 * m, 1.6 * w, WARM, 0.28 * lit, squash=0.7)
        canvas.glow(x, foot + 0.2 * m, 1.3 * w, WARM, 0.16 * lit, squash=0.22)


def food_truck(setting: SceneBuilder, x: float, distance: float, body: Colour, trim: Colour, *, lit: float) -> None:
    """A food truck, seen from its side, with a lit window and an awning."""
    canvas, foot = setting.canvas, setting.ground.foot(distance)
    m = setting.ground.metre(foot)
    at = Spot(x, foot, m)
    ground_shadow(setting, x, foot, 2.9 * m, 0.22 * m)
    canvas.shade([at.box(-2.4, 0.35, 4.8, 0.4)], 0.7, 0.08 * m)
    shell = curve(
        at.path("-2.5 .35, -2.5 .35, -2.52 2.5, -2.3 2.85, 1.3 2.85, 1.7 2.6, 1.95 1.75, 2.55 1.45, 2.65 .35, 2.65 .35")
    )
    canvas.fill([shell], (setting.lit(body, 0.7, 1, distance), setting.lit(body * 0.7, 0.25, 0.5, distance)))
    canvas.fill([at.box(-2.5, 0.98, 5.12, 0.22)], setting.lit(trim, 0.5, 0.7, distance))
    cab = polygon(at.path("1.35 2.45, 1.62 2.42, 1.86 1.62, 1.35 1.6"))
    canvas.fill(
        [cab], (setting.lit(colour("#9fc3d6"), 0.4, 1, distance), setting.lit(colour("#2a3848"), 0.2, 0.5, distance))
    )
    _truck_window(setting, x, distance, trim, lit, foot=foot, m=m)
    for side in (-1.55, 1.65):
        wheel = (x + side * m, foot - 0.36 * m)
        canvas.fill([ellipse(*wheel, 0.40 * m, 0.40 * m)], setting.lit(colour("#17151a"), 0.3, 0.4, distance))
        canvas.fill([ellipse(*wheel, 0.20 * m, 0.20 * m)], setting.lit(colour("#8d8a8c"), 0.5, 0.6, distance))
    _truck_lamps(setting, x, distance, trim, lit, at=at, foot=foot, m=m)


def _truck_window(
    setting: SceneBuilder, x: float, distance: float, trim: Colour, lit: float, *, foot: float, m: float
) -> None:
    """The lit window, the cook and the awning."""
    canvas = setting.canvas
    left, top, w, h = x - 1.9 * m, foot - 2.25 * m, 2.7 * m, 1.05 * m
    inside = WARM * np.float32(0.25 + 1.1 * lit)
    canvas.fill([box(left, top, w, h)], (inside * 1.1, inside * 0.55))
    for k in range(9):
        px = left + (0.15 + 0.29 * k) * m
        tone = LAMPS[k % len(LAMPS)]
        canvas.fill([box(px, top + 0.12 * m, 0.16 * m, 0.22 * m)], tone * WARM * np.float32(0.2 + 0.7 * lit))
    cook = x - setting.rng.uniform(0.0, 1.1) * m
    canvas.fill(
        [
            ellipse(cook, top + 0.42 * m, 0.11 * m, 0.14 * m),
            hull(
                (cook - 0.15 * m, top + 0.78 * m, 0.1 * m),
                (cook + 0.15 * m, top + 0.78 * m, 0.1 * m),
                (cook, top + h, 0.2 * m),
            ),
        ],
        colour("#2a1710"),
        0.85,
    )
    canvas.fill(
        [box(left - 0.1 * m, top + h, w + 0.2 * m, 0.10 * m)],
        setting.lit(colour("#d8d2c8"), 0.6, 1, distance) + WARM * np.float32(0.4 * lit),
    )
    awning(
        setting,
        left - 0.2 * m,
        top - 0.42 * m,
        w + 0.4 * m,
        0.6 * m,
        tones=(trim, colour("#f4ead7")),
        toward=0.6,
        distance=distance,
        glow=WARM * np.float32(lit),
    )


def _truck_lamps(
    setting: SceneBuilder, x: float, distance: float, trim: Colour, lit: float, *, at: Spot, foot: float, m: float
) -> None:
    """Sign, bulbs, neon and their glow."""
    canvas = setting.canvas
    sign = at.box(-1.5, 3.3, 1.9, 0.42)
    canvas.fill([sign], setting.lit(trim * 0.5, 0.4, 1, distance))
    for k in range(11):
        canvas.shine(
            [
                ellipse(x + (-1.5 + 0.19 * k) * m, foot - 3.30 * m, 0.028 * m, 0.028 * m),
                ellipse(x + (-1.5 + 0.19 * k) * m, foot - 2.88 * m, 0.028 * m, 0.028 * m),
            ],
            LAMPS[0],
            1.2 * lit,
            blur=0.012 * m,
            core=2.5 * lit,
        )
    zig = [(x - 1.35 * m + 0.26 * k * m, foot - (3.16 if k % 2 else 3.02) * m) for k in range(7)]
    canvas.shine(tube(zig, [0.025 * m], 2), setting.rng.choice(LAMPS), 0.9 * lit, blur=0.012 * m, core=1.6 * lit)
    canvas.glow(x - 0.5 * m, foot - 1.6 * m, 3.4 * m, WARM, 0.30 * lit, squash=0.8)
    canvas.glow(x - 0.5 * m, foot + 0.5 * m, 4.6 * m, WARM, 0.16 * lit, squash=0.24)


def ferris_wheel(
    setting: SceneBuilder, x: float, y: float, radius: float, tones: Sequence[Colour], *, level: float
) -> None:
    """A wheel with lit spokes and cabins; (x, y) is its hub."""
    canvas, rng = setting.canvas, setting.rng
    steel = setting.lit(colour("#3a3f55"), 0.3)
    base = setting.ground.horizon + 0.02
    for side in (-1, 1):
        canvas.fill([hull((x, y, radius * 0.03), (x + side * radius * 0.5, base, radius * 0.04))], steel)
    spokes = 20
    turn = rng.uniform(0, 0.3)
    _wheel_lamps(setting, x, y, radius, tones, level=level, spokes=spokes, steel=steel, turn=turn)
    _cabins(setting, x, y, radius, tones, level=level, spokes=spokes, turn=turn)
    canvas.shine([ellipse(x, y, radius * 0.07, radius * 0.07)], tones[0], level, blur=radius * 0.02, core=level)
    canvas.glow(x, y, radius * 1.7, mix(tones[0], tones[1], 0.5), 0.10 * level)


def _cabins(
    setting: SceneBuilder,
    x: float,
    y: float,
    radius: float,
    tones: Sequence[Colour],
    *,
    level: float,
    spokes: int,
    turn: float,
) -> None:
    canvas = setting.canvas
    for i in range(spokes):
        a = turn + i / spokes * 2 * math.pi
        cx, cy = x + radius * 1.02 * math.cos(a), y + radius * 1.02 * math.sin(a)
        cabin = hull(
            (cx - radius * 0.03, cy + radius * 0.05, radius * 0.022),
            (cx + radius * 0.03, cy + radius * 0.05, radius * 0.022),
            (cx, cy + radius * 0.085, radius * 0.028),
        )
        paint = tones[(i + 1) % len(tones)]
        canvas.fill([cabin], setting.lit(paint, 0.4) + paint * np.float32(0.16 * level))


def _wheel_lamps(
    setting: SceneBuilder,
    x: float,
    y: float,
    radius: float,
    tones: Sequence[Colour],
    *,
    level: float,
    spokes: int,
    steel: Colour,
    turn: float,
) -> None:
    """Rings, and spokes with lamps."""
    canvas = setting.canvas
    for ring in (0.97, 0.90, 0.45):
        circle = ellipse(x, y, radius * ring, radius * ring)
        canvas.fill(ribbon(np.concatenate([circle, circle[:1]]), radius * 0.014), steel)
    for i in range(spokes):
        a = turn + i / spokes * 2 * math.pi
        ex, ey = x + radius * 0.95 * math.cos(a), y + radius * 0.95 * math.sin(a)
        canvas.fill([hull((x, y, radius * 0.005), (ex, ey, radius * 0.005))], steel)
        tone = tones[i % len(tones)]
        for share in np.linspace(0.12, 0.97, 17):
            bx, by = x + radius * share * math.cos(a), y + radius * share * math.sin(a)
            canvas.shine([ellipse(bx, by, radius * 0.0085, radius * 0.0085)], tone, level * 0.6, core=level * 1.4)
    count = 84
    for i in range(count):
        a = i / count * 2 * math.pi
        for ring in (0.90, 0.985):
            bx, by = x + radius * ring * math.cos(a), y + radius * ring * math.sin(a)
            canvas.shine(
                [ellipse(bx, by, radius * 0.009, radius * 0.009)],
                tones[(i // 7) % len(tones)],
                level * 0.6,
                core=level * 1.4,
            )


def house(
    setting: SceneBuilder,
    left: float,
    foot: float,
    width: float,
    height: float,
    *,
    albedo: Colour,
    lit: float,
    distance: float,
    roof: Colour | None = None,
) -> None:
    """The front of a house with rows of windows, some of them lit."""
    canvas, rng = setting.canvas, setting.rng
    tone = setting.lit(albedo, 0.55, 0.8, distance)
    canvas.fill([box(left, foot - height, width, height)], (tone * 1.05, tone * 0.8))
    if roof is not None:
        peak = height * rng.uniform(0.22, 0.34)
        gable = polygon(
            [
                (left - width * 0.04, foot - height),
                (left + width / 2, foot - height - peak),
                (left + width * 1.04, foot - height),
            ]
        )
        canvas.fill([gable], (setting.lit(roof, 0.7, 1, distance), setting.lit(roof, 0.45, 0.9, distance)))
    _house_windows(setting, left, foot, width, height, albedo=albedo, lit=lit, distance=distance)


def _house_windows(
    setting: SceneBuilder,
    left: float,
    foot: float,
    width: float,
    height: float,
    *,
    albedo: Colour,
    lit: float,
    distance: float,
) -> None:
    """Rows of windows."""
    rng, canvas = setting.rng, setting.canvas
    columns, rows = (
        max(2, round(width / (height * 0.26))),
        max(2, round(height / (width / max(2, round(width / (height * 0.26)))) / 1.5)),
    )
    cw, rh = width / columns, height / (rows + 0.4)
    for r in range(rows):
        for c in range(columns):
            wx, wy = left + cw * (c + 0.28), foot - height + rh * (r + 0.32)
            frame = box(wx - cw * 0.04, wy - rh * 0.04, cw * 0.52, rh * 0.60)
            canvas.fill([frame], setting.lit(mix(albedo, np.ones(3, np.float32), 0.5), 0.6, 1, distance))
            pane = box(wx, wy, cw * 0.44, rh * 0.52)
            if rng.random() < lit:
                canvas.fill([pane], (WARM * np.float32(1.1), WARM * np.float32(0.6)))
            else:
                canvas.fill(
                    [pane],
                    (
                        setting.lit(colour("#6f8aa5"), 0.3, 1, distance),
                        setting.lit(colour("#2a3442"), 0.1, 0.6, distance),
                    ),
                )


def lantern(setting: SceneBuilder, x: float, y: float, size: float, tone: Colour, *, level: float = 1.6) -> None:
    """A paper lantern that floats, brightest at its lower end."""
    body = curve(
        [
            (x - 0.30 * size, y + 0.5 * size),
            (x - 0.30 * size, y + 0.5 * size),
            (x - 0.46 * size, y - 0.1 * size),
            (x - 0.36 * size, y - 0.5 * size),
            (x, y - 0.62 * size),
            (x + 0.36 * size, y - 0.5 * size),
            (x + 0.46 * size, y - 0.1 * size),
            (x + 0.30 * size, y + 0.5 * size),
            (x + 0.30 * size, y + 0.5 * size),
        ]
    )
    setting.canvas.fill(
        [body], (tone * np.float32(0.42 * level), mix(tone, np.ones(3, np.float32), 0.25) * np.float32(1.3 * level))
    )
    setting.canvas.glow(x, y + 0.1 * size, size * 2.6, tone, 0.22 * level)


def balloon(
    setting: SceneBuilder, x: float, y: float, size: float, tones: Sequence[Colour], *, distance: float
) -> None:
    """A hot-air balloon of gores, round in the light; (x, y) is the middle of its envelope."""
    canvas, side = setting.canvas, sun_side(setting)
    gores = 12
    edges = np.sin(np.linspace(-math.pi / 2, math.pi / 2, gores + 1))
    t = np.linspace(0, 1, 22)
    radius = (
        size
        * 0.5
        * np.where(
            t < 0.55, np.sqrt(1 - (1 - np.minimum(t / 0.55, 1)) ** 2), np.cos((t - 0.55) / 0.45 * math.pi / 2 * 0.86)
        )
    )
    rows = y - size * 0.55 + t * size * 1.2
    for i in range(gores):
        left, right = (
            np.stack([x + radius * edges[i], rows], axis=1),
            np.stack([x + radius * edges[i + 1], rows], axis=1),
        )
        middle = (edges[i] + edges[i + 1]) / 2
        toward = 0.10 + 0.85 * max(0.0, 0.55 + 0.5 * middle * side)
        tone = tones[i % len(tones)]
        canvas.fill(
            [np.concatenate([left, right[::-1]])],
            (setting.lit(tone, toward, 1.0, distance), setting.lit(tone, toward * 0.55, 0.5, distance)),
        )
    _basket(setting, x, y, size, distance)


def _basket(setting: SceneBuilder, x: float, y: float, size: float, distance: float) -> None:
    """Ropes, basket and flame."""
    canvas = setting.canvas
    low = y + size * 0.65
    for s in (-1, 1):
        canvas.fill(
            [
                hull(
                    (x + s * size * 0.10, low - size * 0.02, size * 0.004),
                    (x + s * size * 0.05, low + size * 0.13, size * 0.004),
                )
            ],
            setting.lit(colour("#4a3a2c"), 0.4, 1, distance),
        )
    canvas.fill(
        [box(x - size * 0.055, low + size * 0.12, size * 0.11, size * 0.085)],
        setting.lit(colour("#7a5534"), 0.5, 0.8, distance),
    )
    canvas.shine([ellipse(x, low + size * 0.01, size * 0.035, size * 0.05)], WARM, 0.9, blur=size * 0.02)
