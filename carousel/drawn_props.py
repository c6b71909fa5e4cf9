"""Things that stand in the drawn scenes: crowds, stages, tents, trees, stalls, trucks, wheels, strings of lights."""

import math
from collections.abc import Sequence

import numpy as np

from carousel.drawn_bodies import tube
from carousel.drawn_canvas import Colour, colour, mix, smoothstep
from carousel.drawn_settings import Setting, Spot
from masks.outlines import Outline, box, curve, ellipse, hull, polygon

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
    setting: Setting,
    start: tuple[float, float],
    end: tuple[float, float],
    sag: float,
    count: int,
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
        tone = tones[int(setting.rng.integers(len(tones)))]
        level = strength * float(setting.rng.uniform(0.75, 1.1))
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
    setting: Setting,
    start: tuple[float, float],
    end: tuple[float, float],
    sag: float,
    count: int,
    size: float,
    tones: Sequence[Colour],
) -> None:
    """Pennants on a line."""
    line = catenary(start, end, sag, count + 1)
    setting.canvas.fill(ribbon(line, size * 0.07), setting.lit(colour("#4a4038")))
    for index in range(count):
        (ax, ay), (bx, by) = line[index], line[index + 1]
        sway = float(setting.rng.normal(0, 0.12)) * size
        ex, ey = ax + (bx - ax) * 0.86, ay + (by - ay) * 0.86
        flag = polygon([(ax, ay), (ex, ey), ((ax + ex) / 2 + sway, (ay + ey) / 2 + size * 1.25)])
        tone = tones[index % len(tones)]
        shade = float(setting.rng.uniform(0.3, 0.75))
        setting.canvas.fill([flag], (setting.lit(tone, shade), setting.lit(tone, shade * 0.8)))


def crowd(
    setting: Setting,
    distances: Sequence[float],
    albedo: Colour,
    rim: Colour,
    arms: float = 0.25,
    spacing: float = 0.5,
    spread: tuple[float, float] = (0.0, 1.0),
) -> None:
    """Rows of people from behind, from far to near, the light before them on their heads and shoulders."""
    for distance in sorted(distances, reverse=True):
        foot = setting.ground.foot(distance)
        metre = setting.ground.metre(foot)
        shapes: list[Outline] = []
        x = setting.aspect * spread[0] + float(setting.rng.uniform(0, spacing)) * metre
        while x < setting.aspect * spread[1]:
            shapes += _onlooker(setting.rng, x, foot, metre, arms)
            x += metre * spacing * float(setting.rng.uniform(0.7, 1.35))
        if not shapes:
            continue
        dark, bright = setting.in_air(albedo, distance), setting.in_air(rim, distance)
        row = min(int(foot * setting.canvas.raster.height), setting.canvas.raster.height - 1)
        floor = setting.canvas.light[row].mean(axis=0)
        floor = floor * np.float32(0.5 if floor.mean() < 0.2 else 0.15)  # their feet are lost in the dark
        left, right = min(float(s[:, 0].min()) for s in shapes), max(float(s[:, 0].max()) for s in shapes)
        setting.canvas.shade([hull((left, foot, 0.12 * metre), (right, foot, 0.12 * metre))], 0.6, 0.09 * metre)
        setting.canvas.fill(
            [s - np.array([0, 0.016 * metre]) for s in shapes],
            (bright * 1.4, mix(dark, floor, 0.85)),
            blur=0.004 * metre,
        )
        setting.canvas.fill(shapes, (mix(dark, bright, 0.34), mix(dark, floor, 0.85)), blur=0.004 * metre)


def passers_by(
    setting: Setting,
    distances: Sequence[float],
    count: int,
    toward: float,
    glow: Colour,
    spread: tuple[float, float] = (0.05, 0.95),
) -> None:
    """A few people at a distance who stand and stroll, small and without detail."""
    rng = setting.rng
    tones = [colour(t) for t in ("#3a4258", "#5a3a3a", "#6a5a48", "#2f4a4a", "#4a3a5a", "#7a6a58", "#8a4a3a")]
    for distance in sorted(distances, reverse=True):
        foot = setting.ground.foot(distance)
        m = setting.ground.metre(foot)
        for _ in range(count):
            x = setting.aspect * float(rng.uniform(*spread))
            upper, lower = (tones[int(rng.integers(len(tones)))] for _ in range(2))
            step = float(rng.uniform(0.03, 0.16)) * m
            setting.canvas.shade([ellipse(x, foot, 0.30 * m, 0.05 * m)], 0.5, 0.03 * m)
            lit = glow * np.float32(0.16)
            legs = [
                hull(
                    (x + s * 0.08 * m, foot - 0.85 * m, 0.085 * m),
                    (x + s * (0.06 * m + step * 0.5), foot - 0.06 * m, 0.05 * m),
                )
                for s in (-1, 1)
            ]
            setting.canvas.fill(legs, setting.lit(lower, toward, 0.5, distance) + lit * lower * 4)
            wide = float(rng.uniform(0.16, 0.20)) * m
            swing = float(rng.uniform(0.02, 0.12)) * m
            trunk = [
                hull(
                    (x - wide * 0.8, foot - 1.40 * m, 0.06 * m),
                    (x + wide * 0.8, foot - 1.40 * m, 0.06 * m),
                    (x - wide * 0.55, foot - 0.85 * m, 0.06 * m),
                    (x + wide * 0.55, foot - 0.85 * m, 0.06 * m),
                )
            ]
            trunk += [
                hull(
                    (x + s * wide * 0.95, foot - 1.37 * m, 0.05 * m),
                    (x + s * (wide + swing), foot - 0.88 * m, 0.04 * m),
                )
                for s in (-1, 1)
            ]
            shirt = setting.lit(upper, toward, 0.8, distance) + lit * upper * 5
            setting.canvas.fill(trunk, (shirt * 1.2, shirt * 0.8))
            head = [ellipse(x, foot - 1.60 * m, 0.085 * m, 0.115 * m)]
            skin = colour(("#e3ab80", "#b57448", "#74432b", "#3a2a22", "#3a2a22")[int(rng.integers(5))])
            setting.canvas.fill(head, setting.lit(skin, toward, 0.9, distance) + lit * skin * 4)


def _onlooker(rng: np.random.Generator, x: float, foot: float, metre: float, arms: float) -> list[Outline]:
    tall = float(rng.normal(1.70, 0.10)) * metre
    top = foot - tall
    head = 0.105 * metre
    shoulder = top + 0.36 * metre
    wide = float(rng.uniform(0.17, 0.23)) * metre
    parts = [
        ellipse(x, top + head * 1.15, head * float(rng.uniform(0.82, 1.05)), head * 1.15),
        hull(
            (x - wide * 0.9, shoulder, 0.065 * metre),
            (x + wide * 0.9, shoulder, 0.065 * metre),
            (x, shoulder - 0.10 * metre, 0.055 * metre),
            (x, shoulder + 0.2 * metre, wide * 0.8),
        ),
        hull(
            (x - wide * 0.7, shoulder, 0.1 * metre),
            (x + wide * 0.7, shoulder, 0.1 * metre),
            (x - wide * 0.5, foot, 0.06 * metre),
            (x + wide * 0.5, foot, 0.06 * metre),
        ),
    ]
    for side in (-1, 1):
        if rng.random() < arms:
            lean = float(rng.uniform(-0.1, 0.35))
            elbow = (x + side * (wide + 0.10 * metre * (1 + lean)), shoulder - 0.14 * metre)
            hand = (x + side * (wide + 0.10 * metre * lean), shoulder - float(rng.uniform(0.40, 0.52)) * metre)
            parts += tube(
                [(x + side * wide, shoulder + 0.02 * metre), elbow, hand],
                [0.06 * metre, 0.048 * metre, 0.036 * metre],
                3,
            )
            parts.append(ellipse(hand[0], hand[1] - 0.05 * metre, 0.04 * metre, 0.06 * metre))
    return parts


def beam(
    setting: Setting, x: float, y: float, to_x: float, to_y: float, width: float, light: Colour, strength: float = 0.5
) -> None:
    """A beam of light in haze, from a lamp to a place; it fades on its way and its edges are soft."""
    canvas = setting.canvas
    reach = max(math.hypot(to_x - x, to_y - y), 1e-6)
    ux, uy = (to_x - x) / reach, (to_y - y) / reach
    corner = [(x - uy * width * 0.08, y + ux * width * 0.08), (x + uy * width * 0.08, y - ux * width * 0.08)]
    end = [(to_x + uy * width, to_y - ux * width), (to_x - uy * width, to_y + ux * width)]
    window = canvas.raster.window([polygon([*corner, *end])])
    if window is None:
        return
    gx, gy = canvas.raster.grid(window)
    along = ((gx - x) * ux + (gy - y) * uy) / reach
    across = np.abs((gx - x) * uy - (gy - y) * ux) / (width * (0.08 + 0.92 * along.clip(0, None)) + 1e-4)
    soft = (1 - across.clip(0, 1)) ** 1.6
    fall = (
        smoothstep(-0.002, 0.01, along) * (1 - along).clip(0, 1) ** 1.2 * (0.35 + 0.65 / (1 + 6 * along.clip(0, None)))
    )
    canvas.light[window] += light * (soft * fall * np.float32(strength * 2.2))[..., None]
    canvas.shine([ellipse(x, y, 0.006, 0.006)], mix(light, np.ones(3, np.float32), 0.5), 2.0, blur=0.003, core=2.0)


def truss(setting: Setting, start: tuple[float, float], end: tuple[float, float], size: float, tone: Colour) -> None:
    """A lattice girder."""
    (ax, ay), (bx, by) = start, end
    reach = math.hypot(bx - ax, by - ay)
    ux, uy = (bx - ax) / reach, (by - ay) / reach
    nx, ny = -uy * size / 2, ux * size / 2
    bar = size * 0.09
    parts: list[Outline] = [hull((ax + s * nx, ay + s * ny, bar), (bx + s * nx, by + s * ny, bar)) for s in (-1, 1)]
    count = max(2, round(reach / size))
    for i in range(count):
        s = 1 if i % 2 else -1
        p, q = i / count * reach, (i + 1) / count * reach
        parts.append(
            hull(
                (ax + ux * p + s * nx, ay + uy * p + s * ny, bar * 0.6),
                (ax + ux * q - s * nx, ay + uy * q - s * ny, bar * 0.6),
            )
        )
    setting.canvas.fill(parts, tone)


def led_wall(
    setting: Setting, left: float, top: float, width: float, height: float, tones: Sequence[Colour], level: float = 1.0
) -> None:
    """A screen that shines: rings, rays, bars or waves in three tones."""
    canvas = setting.canvas
    window = canvas.raster.window([box(left, top, width, height)])
    if window is None:
        return
    gx, gy = canvas.raster.grid(window)
    u, v = (gx - left) / width - 0.5, (gy - top) / height - 0.5
    form = int(setting.rng.integers(4))
    ratio = width / height
    if form == 0:
        wave = np.sqrt((u * ratio) ** 2 + (v - 0.25) ** 2) * 9
    elif form == 1:
        wave = np.arctan2(v - 0.5, u * ratio) / math.pi * 11
    elif form == 2:
        heights = setting.rng.uniform(0.15, 0.95, 24).astype(np.float32)
        bars = heights[(((u + 0.5) * 24).astype(int)).clip(0, 23)]
        wave = np.where(0.5 - v < bars, 0.4 + v * 1.2, 1.45) + 0 * v
    else:
        wave = v * 6 + 1.1 * np.sin(u * 9 + float(setting.rng.uniform(0, 6)))
    share = 0.5 + 0.5 * np.sin(wave * math.pi)
    picture = mix(tones[0], tones[1], share[..., None].astype(np.float32))
    spot = np.exp(-((u * ratio) ** 2 + (v - 0.15) ** 2) * 5).astype(np.float32)
    picture = mix(picture, tones[2], (spot * 0.8)[..., None])
    inside = ((np.abs(u) < 0.5) & (np.abs(v) < 0.5))[..., None]
    rows = 0.88 + 0.12 * np.sin(v * height * canvas.raster.scale * 1.6)
    canvas.light[window] = np.where(inside, picture * (rows[..., None] * np.float32(level)), canvas.light[window])


def stage(
    setting: Setting,
    x: float,
    distance: float,
    width: float,
    height: float,
    tones: Sequence[Colour],
    metal: Colour,
    level: float = 1.2,
) -> tuple[float, float, float]:
    """A concert stage with screen, towers, loudspeakers and players; gives the middle of its deck and its roof's y."""
    canvas, foot = setting.canvas, setting.ground.foot(distance)
    metre = setting.ground.metre(foot)
    w, h, deck = width * metre, height * metre, foot - 1.3 * metre
    left, roof = x - w / 2, foot - height * metre
    canvas.fill([box(left, roof, w, h)], setting.in_air(colour("#0d0c12"), distance))
    led_wall(setting, left + w * 0.12, roof + h * 0.14, w * 0.76, deck - roof - h * 0.20, tones, level)
    canvas.fill(
        [box(left - w * 0.04, deck, w * 1.08, foot - deck)],
        (setting.in_air(colour("#23202b"), distance), setting.in_air(colour("#0f0d14"), distance)),
    )
    canvas.shine([box(left, deck - 0.02 * metre, w, 0.06 * metre)], tones[2], 0.8 * level)
    for side in (-1, 1):
        truss(setting, (x + side * w * 0.5, foot), (x + side * w * 0.5, roof), 0.9 * metre, metal)
        sx = x + side * w * 0.585
        for i in range(7):
            lean = 0.03 * metre * i * i * 0.4
            canvas.fill(
                [
                    box(
                        sx - 0.55 * metre - side * lean * 0.3,
                        roof + 0.8 * metre + i * 0.62 * metre,
                        1.1 * metre,
                        0.56 * metre,
                    )
                ],
                (metal * 1.1, metal * 0.5),
            )
        canvas.fill([box(sx - 0.9 * metre, foot - 2.0 * metre, 1.8 * metre, 2.0 * metre)], (metal * 0.8, metal * 0.4))
    truss(setting, (left - w * 0.03, roof), (left + w * 1.03, roof), 0.9 * metre, metal)
    truss(setting, (left, roof + h * 0.13), (left + w, roof + h * 0.13), 0.6 * metre, metal * 0.8)
    _players(setting, x, deck, metre, w)
    for i in range(9):
        lx = left + w * (0.06 + 0.11 * i)
        canvas.shine(
            [ellipse(lx, roof + h * 0.16, 0.16 * metre, 0.16 * metre)],
            mix(tones[i % 2], np.ones(3, np.float32), 0.5),
            1.5,
            blur=0.1 * metre,
            core=3.0,
        )
    return x, deck, roof + h * 0.15


def _players(setting: Setting, x: float, deck: float, metre: float, width: float) -> None:
    dark = np.full(3, 0.012, np.float32)
    shapes: list[Outline] = []
    for share in (-0.26, -0.06, 0.14, 0.30):
        px = x + width * (share + float(setting.rng.normal(0, 0.015)))
        shapes += _onlooker(setting.rng, px, deck, metre * 1.12, 0.35)
    kit = x + width * 0.03
    shapes += [
        ellipse(kit, deck - 0.35 * metre, 0.4 * metre, 0.35 * metre),
        ellipse(kit - 0.6 * metre, deck - 0.95 * metre, 0.3 * metre, 0.05 * metre),
        ellipse(kit + 0.6 * metre, deck - 1.0 * metre, 0.3 * metre, 0.05 * metre),
    ]
    setting.canvas.fill(shapes, dark, 0.96)


def dome_tent(setting: Setting, x: float, distance: float, size: float, albedo: Colour) -> None:
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


def bell_tent(setting: Setting, x: float, distance: float, size: float, albedo: Colour, glow: float = 0.0) -> None:
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
        canvas.glow(x, foot - 0.9 * m, 2.4 * m, WARM, glow * 0.8, 0.9)


def sun_side(setting: Setting) -> int:
    """From which side the sun shines, -1 left or 1 right."""
    return -1 if setting.sun is None or setting.sun.direction[0] < 0 else 1


def ground_shadow(setting: Setting, x: float, y: float, wide: float, high: float) -> None:
    """The shadow of a thing on the ground, away from the sun."""
    shift = -0.35 * sun_side(setting) * wide
    setting.canvas.shade(
        [ellipse(x + shift, y + high * 0.2, wide, high)], 0.55 * setting.shadow / 0.6, high * 0.5, setting.sky * 0.25
    )


def tree(setting: Setting, x: float, distance: float, height: float, leaves: Colour, trunk: Colour) -> None:
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
            rr = size * m * float(rng.uniform(0.6, 1.1))
            blots.append(ellipse(px, py, rr, rr * 0.8))
        tone = setting.lit(leaves * (0.65 + 0.17 * layer), toward, 0.4 + 0.2 * layer, distance)
        canvas.fill(blots, tone, 0.95, blur=0.002 * m)


def pine(setting: Setting, x: float, distance: float, height: float, needles: Colour, snow: float = 0.0) -> None:
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


def palm(setting: Setting, x: float, distance: float, height: float, tone: Colour, lean: float) -> None:
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
        long = float(rng.uniform(0.9, 1.2)) * 1.9 * m
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
        canvas.fill(leaves, setting.in_air(tone * float(rng.uniform(0.7, 1.6)), distance))


def awning(
    setting: Setting,
    left: float,
    top: float,
    width: float,
    drop: float,
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
    setting: Setting,
    x: float,
    distance: float,
    width: float,
    tones: tuple[Colour, Colour],
    lit: float,
    snow: bool = False,
) -> None:
    """A market stall: counter with wares, awning, warm light inside."""
    rng, canvas, foot = setting.rng, setting.canvas, setting.ground.foot(distance)
    m = setting.ground.metre(foot)
    w, left = width * m, x - width * m / 2
    ground_shadow(setting, x, foot, w * 0.6, 0.16 * m)
    wood = colour("#7a5233")
    inside = setting.lit(wood * 0.5, 0.1, 0.3, distance) + WARM * np.float32(0.55 * lit)
    canvas.fill([box(left + 0.1 * m, foot - 2.3 * m, w - 0.2 * m, 1.5 * m)], (inside * 1.15, inside * 0.7))
    for i in range(3):
        shelf = foot - (1.35 + 0.32 * i) * m
        for k in range(int(width * 5)):
            px = left + (0.25 + k * 0.19) * m
            if px > left + w - 0.25 * m:
                break
            tone = LAMPS[int(rng.integers(len(LAMPS)))] if rng.random() < 0.4 else colour("#c98a4a")
            high = float(rng.uniform(0.10, 0.24)) * m
            canvas.fill(
                [box(px, shelf - high, 0.13 * m, high)],
                setting.lit(tone * 0.6, 0.2, 0.3, distance) + tone * WARM * np.float32(0.5 * lit),
            )
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
        tones,
        0.6,
        distance,
        WARM * np.float32(lit) if lit else None,
    )
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
        canvas.glow(x, foot - 1.6 * m, 1.6 * w, WARM, 0.28 * lit, 0.7)
        canvas.glow(x, foot + 0.2 * m, 1.3 * w, WARM, 0.16 * lit, 0.22)


def food_truck(setting: Setting, x: float, distance: float, body: Colour, trim: Colour, lit: float) -> None:
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
    left, top, w, h = x - 1.9 * m, foot - 2.25 * m, 2.7 * m, 1.05 * m
    inside = WARM * np.float32(0.25 + 1.1 * lit)
    canvas.fill([box(left, top, w, h)], (inside * 1.1, inside * 0.55))
    for k in range(9):
        px = left + (0.15 + 0.29 * k) * m
        tone = LAMPS[k % len(LAMPS)]
        canvas.fill([box(px, top + 0.12 * m, 0.16 * m, 0.22 * m)], tone * WARM * np.float32(0.2 + 0.7 * lit))
    cook = x - float(setting.rng.uniform(0.0, 1.1)) * m
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
        (trim, colour("#f4ead7")),
        0.6,
        distance,
        WARM * np.float32(lit),
    )
    for side in (-1.55, 1.65):
        wheel = (x + side * m, foot - 0.36 * m)
        canvas.fill([ellipse(*wheel, 0.40 * m, 0.40 * m)], setting.lit(colour("#17151a"), 0.3, 0.4, distance))
        canvas.fill([ellipse(*wheel, 0.20 * m, 0.20 * m)], setting.lit(colour("#8d8a8c"), 0.5, 0.6, distance))
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
    canvas.shine(
        tube(zig, [0.025 * m], 2),
        LAMPS[int(setting.rng.integers(len(LAMPS)))],
        0.9 * lit,
        blur=0.012 * m,
        core=1.6 * lit,
    )
    canvas.glow(x - 0.5 * m, foot - 1.6 * m, 3.4 * m, WARM, 0.30 * lit, 0.8)
    canvas.glow(x - 0.5 * m, foot + 0.5 * m, 4.6 * m, WARM, 0.16 * lit, 0.24)


def ferris_wheel(setting: Setting, x: float, y: float, radius: float, tones: Sequence[Colour], level: float) -> None:
    """A wheel with lit spokes and cabins; (x, y) is its hub."""
    canvas, rng = setting.canvas, setting.rng
    steel = setting.lit(colour("#3a3f55"), 0.3)
    base = setting.ground.horizon + 0.02
    for side in (-1, 1):
        canvas.fill([hull((x, y, radius * 0.03), (x + side * radius * 0.5, base, radius * 0.04))], steel)
    spokes = 20
    turn = float(rng.uniform(0, 0.3))
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
    canvas.shine([ellipse(x, y, radius * 0.07, radius * 0.07)], tones[0], level, blur=radius * 0.02, core=level)
    canvas.glow(x, y, radius * 1.7, mix(tones[0], tones[1], 0.5), 0.10 * level)


def house(
    setting: Setting,
    left: float,
    foot: float,
    width: float,
    height: float,
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
        peak = height * float(rng.uniform(0.22, 0.34))
        gable = polygon(
            [
                (left - width * 0.04, foot - height),
                (left + width / 2, foot - height - peak),
                (left + width * 1.04, foot - height),
            ]
        )
        canvas.fill([gable], (setting.lit(roof, 0.7, 1, distance), setting.lit(roof, 0.45, 0.9, distance)))
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


def lantern(setting: Setting, x: float, y: float, size: float, tone: Colour, level: float = 1.6) -> None:
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


def balloon(setting: Setting, x: float, y: float, size: float, tones: Sequence[Colour], distance: float) -> None:
    """A hot-air balloon of gores, round in the light; (x, y) is the middle of its envelope."""
    canvas, side = setting.canvas, sun_side(setting)
    gores = 12
    edges = np.sin(np.linspace(-math.pi / 2, math.pi / 2, gores + 1))
    t = np.linspace(0, 1, 22)
    radius = (
        size
        * 0.5
        * np.where(
            t < 0.55, np.sin(np.minimum(t / 0.55, 1) * math.pi / 2), np.cos((t - 0.55) / 0.45 * math.pi / 2 * 0.86)
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
