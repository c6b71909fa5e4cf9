"""Props of the drawn scenes: lights, tents, stalls, trucks, a ferris wheel, houses."""

import itertools
import math
from collections.abc import Sequence

import numpy as np

from carousel.drawing.bodies import tube
from carousel.drawing.canvas import Colour, colour, colours, mix
from carousel.drawing.scene_building import WHITE, SceneBuilder, Spot
from common.outlines import Outline, box, curve, ellipse, hull, polygon

WARM = colour("#ffb45e")
BULB = colour("#ffdcb4")  # what warm lamps cast on people: less yellow than they look themselves
LAMPS = colours("#ffcf87", "#ff8f6b", "#8fe0ff", "#ff7fb0", "#b9f08a")
SNOW = colour("#f4f7ff")
BALLOONS = (
    colours("#e2583e", "#f6d27a"),
    colours("#2f8f8a", "#f4ead7", "#e88a5a"),
    colours("#c9486a", "#f2b84b", "#5a3f86"),
    colours("#4f78b8", "#f4efe0"),
    colours("#f0a03a", "#d9503f", "#8a2f4a"),
    colours("#6a9a50", "#f6e3b0"),
)


def catenary(start: tuple[float, float], end: tuple[float, float], sag: float, count: int) -> np.ndarray:
    """Return places along a hanging line, (count, 2)."""
    t = np.linspace(0, 1, count)
    x = start[0] + (end[0] - start[0]) * t
    y = start[1] + (end[1] - start[1]) * t + sag * 4 * t * (1 - t)
    return np.stack([x, y], axis=1)


def ribbon(line: np.ndarray, width: float) -> list[Outline]:
    """Return a line of some width as one outline."""
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
) -> None:
    """Paint bulbs on a wire; `size` is their radius at its start and at its end: a string may run into the depth."""
    canvas, rng = setting.canvas, setting.rng
    canvas.fill(ribbon(catenary(start, end, sag, 40), 0.0022 + 0.1 * min(size)), setting.lit(colour("#1c1a1e")), 0.8)
    radii = np.linspace(*size, count).tolist()
    for (x, y), radius in zip(catenary(start, end, sag, count).tolist(), radii, strict=True):
        tone = rng.choice(tones)
        level = 3 * rng.uniform(0.75, 1.1)
        if radius > 0.011:  # near the camera: out of focus
            canvas.lamp(x, y + radius, radius * 1.5, tone, strength=level * 0.22, blur=radius * 0.18)
        else:
            bulb = ellipse(x, y + radius * 1.3, radius, radius * 1.15)
            canvas.shine([bulb], tone, level * 0.4, blur=radius * 0.6, core=level)
        canvas.glow(x, y + radius * 1.3, min(radius * 9, 0.05 + radius * 2), tone, 0.075 * level / 3)


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
    """Paint pennants on a line."""
    line = catenary(start, end, sag, count + 1)
    setting.canvas.fill(ribbon(line, size * 0.07), setting.lit(colour("#4a4038")))
    for index, ((ax, ay), (bx, by)) in enumerate(itertools.pairwise(line.tolist())):
        sway = setting.rng.normal(0, 0.12) * size
        ex, ey = ax + (bx - ax) * 0.86, ay + (by - ay) * 0.86
        flag = polygon([(ax, ay), (ex, ey), ((ax + ex) / 2 + sway, (ay + ey) / 2 + size * 1.25)])
        tone = tones[index % len(tones)]
        shade = setting.rng.uniform(0.3, 0.75)
        setting.canvas.fill([flag], (setting.lit(tone, shade), setting.lit(tone, shade * 0.8)))


def sun_side(setting: SceneBuilder) -> int:
    """Return the side from which the sun shines, -1 left or 1 right."""
    return -1 if setting.sun is None or setting.sun.direction[0] < 0 else 1


def ground_shadow(setting: SceneBuilder, at: Spot, wide: float, high: float) -> None:
    """Paint the shadow of a thing on the ground, away from the sun; `wide` and `high` are radii in its metres."""
    wide, high = wide * at.metre, high * at.metre
    shadow = ellipse(at.x - 0.35 * sun_side(setting) * wide, at.foot + high * 0.2, wide, high)
    setting.canvas.shade([shadow], 0.55 * setting.shadow / 0.6, high * 0.5, setting.sky * 0.25)


def dome_tent(setting: SceneBuilder, x: float, distance: float, size: float, albedo: Colour) -> None:
    """Paint a camping tent with a dark door."""
    canvas, at, side = setting.canvas, setting.spot(x, distance, size), sun_side(setting)
    ground_shadow(setting, at, 1.5, 0.14)
    shell = curve(at.path("-1.35 -0, -1.35 -0, -1.05 .75, -.3 1.28, .35 1.25, 1.05 .7, 1.35 -0, 1.35 -0"))
    canvas.fill([shell], (setting.lit(albedo, 0.75, 1.0, distance), setting.lit(albedo, 0.3, 0.5, distance)))
    shade = (setting.lit(albedo * 0.8, 0.25, 0.8, distance), setting.lit(albedo * 0.7, 0.1, 0.4, distance))
    canvas.fill([curve(at.path("-1.35 -0, -1.35 -0, -1.05 .75, -.3 1.26, -.05 1.25, -.35 -0, -.35 -0", side))], shade)
    door = curve(at.path(".1 -0, .1 -0, .22 .62, .48 .85, .75 .55, .92 -0, .92 -0", side))
    canvas.fill([door], setting.lit(albedo * 0.25, 0.1, 0.4, distance))
    seam = tube(at.path("-1.2 .45, -.3 1, 1.2 .45"), [0.02 * at.metre])
    canvas.fill(seam, setting.lit(mix(albedo, WHITE, 0.5), 0.6, 1, distance), 0.7)


def bell_tent(setting: SceneBuilder, x: float, distance: float, albedo: Colour, *, glow: float = 0.0) -> None:
    """Paint a round tent with a pointed roof; `glow` lights it from inside."""
    canvas, at, side = setting.canvas, setting.spot(x, distance), sun_side(setting)
    ground_shadow(setting, at, 2.4, 0.2)
    wall = at.box(-2.1, 1, 4.2, 1)
    canvas.fill([wall], (setting.lit(albedo, 0.4, 0.6, distance), setting.lit(albedo * 0.85, 0.25, 0.4, distance)))
    for i, (left, right) in enumerate(itertools.pairwise(np.linspace(-2.25, 2.25, 9).tolist())):
        facing = 0.5 + 0.5 * math.sin((i + 0.5) / 8 * math.pi - math.pi / 2) * side
        tone = setting.lit(albedo, 0.15 + 0.75 * facing, 0.9, distance)
        canvas.fill([polygon([at.at(left, 1), at.at(right, 1), at.at(0, 3.2)])], (tone * 1.02, tone * 0.9))
    door = polygon(at.path("-.5 -0, 0 1.1, .5 -0"))
    canvas.fill([door], setting.lit(albedo * 0.2, 0.1, 0.3, distance))
    canvas.fill([at.hull("0 3.2 .02, 0 3.7 .02")], setting.lit(colour("#5a4630"), 0.4, 1, distance))
    if glow:
        canvas.shine([wall, door], WARM, glow, blur=0.15 * at.metre)
        canvas.glow(*at.at(0, 0.9), 2.4 * at.metre, WARM, glow * 0.8, squash=0.9)


def awning(
    setting: SceneBuilder, cloth: Outline, tones: tuple[Colour, Colour], distance: float, glow: Colour | None
) -> None:
    """Paint a striped awning with a scalloped edge within a box; `glow` shines through the edge."""
    (left, top), (width, drop) = cloth[0].tolist(), np.ptp(cloth, axis=0).tolist()
    stripes = max(4, round(width / drop * 2.4))
    spread = 0.06 * width
    for i in range(stripes):
        a, b = left + width * i / stripes, left + width * (i + 1) / stripes
        top_a, top_b = (left + spread + (width - 2 * spread) * k / stripes for k in (i, i + 1))
        tone = setting.lit(tones[i % 2], 0.6, 0.9, distance)
        stripe = polygon([(top_a, top), (top_b, top), (b, top + drop * 0.75), (a, top + drop * 0.75)])
        setting.canvas.fill([stripe], (tone, tone * 0.86))
        scallop = ellipse((a + b) / 2, top + drop * 0.86, (b - a) / 2, drop * 0.13)
        edge = [box(a, top + drop * 0.74, b - a, drop * 0.12), scallop]
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
    """Paint a market stall: counter with wares, awning, warm light inside, and snow on the awning where wanted."""
    canvas, at, left = setting.canvas, setting.spot(x, distance), -width / 2
    wood = colour("#7a5233")
    ground_shadow(setting, at, width * 0.6, 0.16)
    _stall_wares(setting, at, distance, width, lit)
    for post in (left, -left - 0.12):
        canvas.fill([at.box(post, 2.5, 0.12, 2.5)], setting.lit(wood, 0.4, 0.7, distance))
    planks = setting.lit(wood, 0.45, 0.7, distance)
    canvas.fill([at.box(left, 0.95, width, 0.95)], (planks * 1.15, planks * 0.6))
    for i in range(1, 5):
        canvas.fill([at.box(left, 0.95 - i * 0.19, width, 0.015)], planks * 0.4, 0.8)
    counter = setting.lit(wood * 1.3, 0.6, 0.9, distance) + WARM * (0.2 * lit)
    canvas.fill([at.box(left - 0.05, 1.02, width + 0.1, 0.09)], counter)
    awning(setting, at.box(left - 0.25, 3, width + 0.5, 0.9), tones, distance, WARM * lit)
    if snow:
        cover = [
            (left - 0.05, 2.9),
            (left + 0.1, 3.1),
            (-0.3, 3.2),
            (0.4, 3.16),
            (-left - 0.1, 3.1),
            (0.05 - left, 2.9),
        ]
        white = (setting.lit(SNOW, 0.6, 1, distance), setting.lit(colour("#cfdcf4"), 0.3, 0.8, distance))
        canvas.fill([curve([at.at(px, py) for px, py in (*cover, (0, 2.84))])], white)
    for k in range(3):
        lamp = at.disc(width * (0.25 * k - 0.25), 2.05, 0.06, 0.07)
        canvas.shine([lamp], WARM, 2.0 * lit, blur=0.03 * at.metre, core=3.0 * lit)
    canvas.glow(*at.at(0, 1.6), 1.6 * width * at.metre, WARM, 0.28 * lit, squash=0.7)
    canvas.glow(*at.at(0, -0.2), 1.3 * width * at.metre, WARM, 0.16 * lit, squash=0.22)


def _stall_wares(setting: SceneBuilder, at: Spot, distance: float, width: float, lit: float) -> None:
    """Paint the lit inside and its shelves."""
    rng, canvas, left = setting.rng, setting.canvas, -width / 2
    inside = setting.lit(colour("#7a5233") * 0.5, 0.1, 0.3, distance) + WARM * (0.55 * lit)
    canvas.fill([at.box(left + 0.1, 2.3, width - 0.2, 1.5)], (inside * 1.15, inside * 0.7))
    for i in range(3):
        for k in range(int((width - 0.5) / 0.19) + 1):
            tone = rng.choice(LAMPS) if rng.random() < 0.4 else colour("#c98a4a")
            high = rng.uniform(0.10, 0.24)
            ware = at.box(left + 0.25 + k * 0.19, 1.35 + 0.32 * i + high, 0.13, high)
            canvas.fill([ware], setting.lit(tone * 0.6, 0.2, 0.3, distance) + tone * WARM * (0.5 * lit))


def food_truck(setting: SceneBuilder, x: float, distance: float, body: Colour, trim: Colour) -> None:
    """Paint a food truck from its side, with a lit window and an awning."""
    canvas, at = setting.canvas, setting.spot(x, distance)
    ground_shadow(setting, at, 2.9, 0.22)
    canvas.shade([at.box(-2.4, 0.35, 4.8, 0.4)], 0.7, 0.08 * at.metre)
    front = "1.3 2.85, 1.7 2.6, 1.95 1.75, 2.55 1.45, 2.65 .35, 2.65 .35"
    shell = curve(at.path(f"-2.5 .35, -2.5 .35, -2.52 2.5, -2.3 2.85, {front}"))
    canvas.fill([shell], (setting.lit(body, 0.7, 1, distance), setting.lit(body * 0.7, 0.25, 0.5, distance)))
    canvas.fill([at.box(-2.5, 0.98, 5.12, 0.22)], setting.lit(trim, 0.5, 0.7, distance))
    glass = (setting.lit(colour("#9fc3d6"), 0.4, 1, distance), setting.lit(colour("#2a3848"), 0.2, 0.5, distance))
    canvas.fill([polygon(at.path("1.35 2.45, 1.62 2.42, 1.86 1.62, 1.35 1.6"))], glass)
    _truck_window(setting, at, distance, trim)
    for side in (-1.55, 1.65):
        canvas.fill([at.disc(side, 0.36, 0.40, 0.40)], setting.lit(colour("#17151a"), 0.3, 0.4, distance))
        canvas.fill([at.disc(side, 0.36, 0.20, 0.20)], setting.lit(colour("#8d8a8c"), 0.5, 0.6, distance))
    _truck_lamps(setting, at, distance, trim)


def _truck_window(setting: SceneBuilder, at: Spot, distance: float, trim: Colour) -> None:
    """Paint the lit window, the cook and the awning."""
    canvas = setting.canvas
    inside = WARM * 1.35
    canvas.fill([at.box(-1.9, 2.25, 2.7, 1.05)], (inside * 1.1, inside * 0.55))
    for k in range(9):
        canvas.fill([at.box(-1.75 + 0.29 * k, 2.13, 0.16, 0.22)], LAMPS[k % len(LAMPS)] * WARM * 0.9)
    cook = Spot(at.x - setting.rng.uniform(0.0, 1.1) * at.metre, at.foot, at.metre)
    person = [cook.disc(0, 1.83, 0.11, 0.14), cook.hull("-.15 1.47 .1, .15 1.47 .1, 0 1.2 .2")]
    canvas.fill(person, colour("#2a1710"), 0.85)
    canvas.fill([at.box(-2.0, 1.2, 2.9, 0.10)], setting.lit(colour("#d8d2c8"), 0.6, 1, distance) + WARM * 0.4)
    awning(setting, at.box(-2.1, 2.67, 3.1, 0.6), (trim, colour("#f4ead7")), distance, WARM)


def _truck_lamps(setting: SceneBuilder, at: Spot, distance: float, trim: Colour) -> None:
    """Paint sign, bulbs, neon and their glow."""
    canvas, m = setting.canvas, at.metre
    canvas.fill([at.box(-1.5, 3.3, 1.9, 0.42)], setting.lit(trim * 0.5, 0.4, 1, distance))
    for k in range(11):
        pair = [at.disc(-1.5 + 0.19 * k, y, 0.028, 0.028) for y in (3.30, 2.88)]
        canvas.shine(pair, LAMPS[0], 1.2, blur=0.012 * m, core=2.5)
    neon = tube(at.path("-1.35 3.02, -1.09 3.16, -.83 3.02, -.57 3.16, -.31 3.02, -.05 3.16, .21 3.02"), [0.025 * m], 2)
    canvas.shine(neon, setting.rng.choice(LAMPS), 0.9, blur=0.012 * m, core=1.6)
    canvas.glow(*at.at(-0.5, 1.6), 3.4 * m, WARM, 0.30, squash=0.8)
    canvas.glow(*at.at(-0.5, -0.5), 4.6 * m, WARM, 0.16, squash=0.24)


def ferris_wheel(setting: SceneBuilder, hub: tuple[float, float], radius: float, tones: Sequence[Colour]) -> None:
    """Paint a wheel with lit spokes and cabins."""
    canvas, at = setting.canvas, Spot(*hub, radius)
    steel = setting.lit(colour("#3a3f55"), 0.3)
    for side in (-1, 1):
        foot = (hub[0] + side * radius * 0.5, setting.ground.horizon + 0.02, radius * 0.04)
        canvas.fill([hull((*hub, radius * 0.03), foot)], steel)
    spokes = 20
    start = setting.rng.uniform(0, 0.3)
    turns = [start + i / spokes * 2 * math.pi for i in range(spokes)]
    for ring in (0.97, 0.90, 0.45):
        circle = at.disc(0, 0, ring, ring)
        canvas.fill(ribbon(np.concatenate([circle, circle[:1]]), radius * 0.014), steel)
    for i, turn in enumerate(turns):
        canvas.fill([hull((*hub, radius * 0.005), (*_on_wheel(at, 0.95, turn), radius * 0.005))], steel)
        for share in np.linspace(0.12, 0.97, 17).tolist():
            lamp = _on_wheel(at, share, turn)
            canvas.lamp(*lamp, radius * 0.0085, tones[i % len(tones)], strength=0.75, core=1.75)
    for i in range(84):
        for ring in (0.90, 0.985):
            lamp = _on_wheel(at, ring, i / 84 * 2 * math.pi)
            canvas.lamp(*lamp, radius * 0.009, tones[(i // 7) % len(tones)], strength=0.75, core=1.75)
    for i, turn in enumerate(turns):
        cabin = Spot(*_on_wheel(at, 1.02, turn), radius).hull("-.03 -.05 .022, .03 -.05 .022, 0 -.085 .028")
        paint = tones[(i + 1) % len(tones)]
        canvas.fill([cabin], setting.lit(paint, 0.4) + paint * 0.2)
    canvas.lamp(*hub, radius * 0.07, tones[0], strength=1.25, blur=radius * 0.02, core=1.25)
    canvas.glow(*hub, radius * 1.7, mix(tones[0], tones[1], 0.5), 0.125)


def _on_wheel(wheel: Spot, share: float, turn: float) -> tuple[float, float]:
    """Return a place on a wheel, at a share of its radius."""
    return wheel.at(share * math.cos(turn), -share * math.sin(turn))


def house(
    setting: SceneBuilder,
    corner: tuple[float, float],
    size: tuple[float, float],
    distance: float,
    albedo: Colour,
    *,
    roof: Colour,
    lit: float,
) -> None:
    """Paint the front of a house with a gable and rows of windows.

    Args:
        setting: the scene.
        corner: x and y of the lower left corner.
        size: width and height without the gable.
        distance: metres from the camera.
        albedo, roof: colours of wall and gable.
        lit: share of lit windows.
    """
    canvas, left, (width, height) = setting.canvas, corner[0], size
    top = corner[1] - height
    tone = setting.lit(albedo, 0.55, 0.8, distance)
    canvas.fill([box(left, top, width, height)], (tone * 1.05, tone * 0.8))
    peak = top - height * setting.rng.uniform(0.22, 0.34)
    gable = polygon([(left - width * 0.04, top), (left + width / 2, peak), (left + width * 1.04, top)])
    canvas.fill([gable], (setting.lit(roof, 0.7, 1, distance), setting.lit(roof, 0.45, 0.9, distance)))
    columns = max(2, round(width / (height * 0.26)))
    rows = max(2, round(height / (width / columns) / 1.5))
    cw, rh = width / columns, height / (rows + 0.4)
    frame = setting.lit(mix(albedo, WHITE, 0.5), 0.6, 1, distance)
    glass = (setting.lit(colour("#6f8aa5"), 0.3, 1, distance), setting.lit(colour("#2a3442"), 0.1, 0.6, distance))
    for r, c in itertools.product(range(rows), range(columns)):
        x, y = left + cw * (c + 0.28), top + rh * (r + 0.32)
        canvas.fill([box(x - cw * 0.04, y - rh * 0.04, cw * 0.52, rh * 0.60)], frame)
        paint = (WARM * 1.1, WARM * 0.6) if setting.rng.random() < lit else glass
        canvas.fill([box(x, y, cw * 0.44, rh * 0.52)], paint)


def lantern(setting: SceneBuilder, x: float, y: float, size: float, tone: Colour, *, level: float) -> None:
    """Paint a floating paper lantern, brightest at its lower end."""
    right = "0 .62, .36 .5, .46 .1, .3 -.5, .3 -.5"
    body = curve(Spot(x, y, size).path(f"-.3 -.5, -.3 -.5, -.46 .1, -.36 .5, {right}"))
    setting.canvas.fill([body], (tone * (0.42 * level), mix(tone, WHITE, 0.25) * (1.3 * level)))
    setting.canvas.glow(x, y + 0.1 * size, size * 2.6, tone, 0.22 * level)


def balloon(setting: SceneBuilder, middle: tuple[float, float], size: float, distance: float) -> None:
    """Paint a hot-air balloon of gores, round in the light, around the middle of its envelope."""
    canvas, side, (x, y) = setting.canvas, sun_side(setting), middle
    tones = BALLOONS[int(setting.rng.integers(len(BALLOONS)))]
    edges = np.sin(np.linspace(-math.pi / 2, math.pi / 2, 13))
    t = np.linspace(0, 1, 22)
    dome, skirt = np.sqrt(1 - (1 - np.minimum(t / 0.55, 1)) ** 2), np.cos((t - 0.55) / 0.45 * math.pi / 2 * 0.86)
    radius = size * 0.5 * np.where(t < 0.55, dome, skirt)
    rows = y - size * 0.55 + t * size * 1.2
    for i, (a, b) in enumerate(itertools.pairwise(edges)):
        left, right = (np.stack([x + radius * edge, rows], axis=1) for edge in (a, b))
        toward = 0.10 + 0.85 * max(0.0, 0.55 + 0.5 * ((a + b) / 2) * side)
        tone = tones[i % len(tones)]
        paint = (setting.lit(tone, toward, 1.0, distance), setting.lit(tone, toward * 0.55, 0.5, distance))
        canvas.fill([np.concatenate([left, right[::-1]])], paint)
    basket = Spot(x, y + size * 0.65, size)
    for s in (-1, 1):
        rope = basket.hull(f"{s * 0.10} .02 .004, {s * 0.05} -.13 .004")
        canvas.fill([rope], setting.lit(colour("#4a3a2c"), 0.4, 1, distance))
    canvas.fill([basket.box(-0.055, -0.12, 0.11, 0.085)], setting.lit(colour("#7a5534"), 0.5, 0.8, distance))
    canvas.shine([basket.disc(0, -0.01, 0.035, 0.05)], WARM, 0.9, blur=size * 0.02)
