"""Stages of the drawn scenes: trusses, screens, loudspeakers, beams."""

import math
from collections.abc import Sequence

import numpy as np

from carousel.drawing.canvas import Colour, colour, mix, smoothstep
from carousel.drawing.crowds import _onlooker
from carousel.drawing.scene_building import WHITE, SceneBuilder
from common.outlines import Outline, box, ellipse, hull, polygon


def beam(
    setting: SceneBuilder,
    start: tuple[float, float],
    end: tuple[float, float],
    *,
    width: float,
    light: Colour,
    strength: float,
) -> None:
    """Add a soft beam of light in haze, which fades on its way from the lamp at `start`."""
    canvas, (x, y), (to_x, to_y) = setting.canvas, start, end
    reach = max(math.hypot(to_x - x, to_y - y), 1e-6)
    ux, uy = (to_x - x) / reach, (to_y - y) / reach
    near = [(x - uy * width * 0.08, y + ux * width * 0.08), (x + uy * width * 0.08, y - ux * width * 0.08)]
    far = [(to_x + uy * width, to_y - ux * width), (to_x - uy * width, to_y + ux * width)]
    window = canvas.raster.window([polygon([*near, *far])])
    if window is None:
        return
    gx, gy = canvas.raster.grid(window)
    along = ((gx - x) * ux + (gy - y) * uy) / reach
    across = np.abs((gx - x) * uy - (gy - y) * ux) / (width * (0.08 + 0.92 * along.clip(0, None)) + 1e-4)
    soft = (1 - across.clip(0, 1)) ** 1.6
    fall = (1 - along).clip(0, 1) ** 1.2 * (0.35 + 0.65 / (1 + 6 * along.clip(0, None)))
    fall *= smoothstep(-0.002, 0.01, along)
    canvas.light[window] += light * (soft * fall * (strength * 2.2))[..., None]
    canvas.lamp(x, y, 0.006, mix(light, WHITE, 0.5), strength=2.0, blur=0.003, core=2.0)


def truss(
    setting: SceneBuilder, start: tuple[float, float], end: tuple[float, float], size: float, tone: Colour
) -> None:
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
        first = (ax + ux * p + s * nx, ay + uy * p + s * ny, bar * 0.6)
        parts.append(hull(first, (ax + ux * q - s * nx, ay + uy * q - s * ny, bar * 0.6)))
    setting.canvas.fill(parts, tone)


def led_wall(setting: SceneBuilder, screen: Outline, tones: Sequence[Colour], level: float) -> None:
    """Paint a shining screen, a box: rings, rays, bars or waves in three tones."""
    canvas = setting.canvas
    window = canvas.raster.window([screen])
    if window is None:
        return
    (left, top), (width, height) = screen[0].tolist(), np.ptp(screen, axis=0).tolist()
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
        wave = v * 6 + 1.1 * np.sin(u * 9 + setting.rng.uniform(0, 6))
    share = 0.5 + 0.5 * np.sin(wave * math.pi)
    picture = mix(tones[0], tones[1], share[..., None].astype(np.float32))
    spot = np.exp(-((u * ratio) ** 2 + (v - 0.15) ** 2) * 5).astype(np.float32)
    picture = mix(picture, tones[2], (spot * 0.8)[..., None])
    inside = ((np.abs(u) < 0.5) & (np.abs(v) < 0.5))[..., None]
    rows = 0.88 + 0.12 * np.sin(v * height * canvas.raster.scale * 1.6)
    canvas.light[window] = np.where(inside, picture * (rows[..., None] * np.float32(level)), canvas.light[window])


def stage(
    setting: SceneBuilder,
    x: float,
    distance: float,
    width: float,
    height: float,
    *,
    tones: Sequence[Colour],
    metal: Colour,
    level: float = 1.2,
) -> tuple[float, float]:
    """Paint a concert stage with screen, towers, loudspeakers and players; returns y of its deck and its lamps."""
    canvas, foot = setting.canvas, setting.ground.foot(distance)
    metre = setting.ground.metre(foot)
    w, h, deck = width * metre, height * metre, foot - 1.3 * metre
    left, roof = x - w / 2, foot - height * metre
    canvas.fill([box(left, roof, w, h)], setting.in_air(colour("#0d0c12"), distance))
    led_wall(setting, box(left + w * 0.12, roof + h * 0.14, w * 0.76, deck - roof - h * 0.20), tones, level)
    canvas.fill(
        [box(left - w * 0.04, deck, w * 1.08, foot - deck)],
        (setting.in_air(colour("#23202b"), distance), setting.in_air(colour("#0f0d14"), distance)),
    )
    canvas.shine([box(left, deck - 0.02 * metre, w, 0.06 * metre)], tones[2], 0.8 * level)
    _towers(setting, x, metal, foot, metre, roof=roof, w=w)
    truss(setting, (left - w * 0.03, roof), (left + w * 1.03, roof), 0.9 * metre, metal)
    truss(setting, (left, roof + h * 0.13), (left + w, roof + h * 0.13), 0.6 * metre, metal * 0.8)
    _players(setting, x, deck, metre, w)
    for i in range(9):
        lx = left + w * (0.06 + 0.11 * i)
        tone = mix(tones[i % 2], WHITE, 0.5)
        canvas.lamp(lx, roof + h * 0.16, 0.16 * metre, tone, strength=1.5, blur=0.1 * metre, core=3.0)
    return deck, roof + h * 0.15


def _towers(
    setting: SceneBuilder, x: float, metal: Colour, foot: float, metre: float, *, roof: float, w: float
) -> None:
    """Towers and hanging loudspeakers on both sides."""
    canvas = setting.canvas
    for side in (-1, 1):
        truss(setting, (x + side * w * 0.5, foot), (x + side * w * 0.5, roof), 0.9 * metre, metal)
        sx = x + side * w * 0.585
        for i in range(7):
            lean = 0.03 * metre * i * i * 0.4
            left, top = sx - 0.55 * metre - side * lean * 0.3, roof + 0.8 * metre + i * 0.62 * metre
            canvas.fill([box(left, top, 1.1 * metre, 0.56 * metre)], (metal * 1.1, metal * 0.5))
        canvas.fill([box(sx - 0.9 * metre, foot - 2.0 * metre, 1.8 * metre, 2.0 * metre)], (metal * 0.8, metal * 0.4))


def _players(setting: SceneBuilder, x: float, deck: float, metre: float, width: float) -> None:
    dark = np.full(3, 0.012, np.float32)
    shapes: list[Outline] = []
    for share in (-0.26, -0.06, 0.14, 0.30):
        px = x + width * (share + setting.rng.normal(0, 0.015))
        shapes += _onlooker(setting.rng, px, deck, metre * 1.12, 0.35)
    kit = x + width * 0.03
    shapes += [
        ellipse(kit, deck - 0.35 * metre, 0.4 * metre, 0.35 * metre),
        ellipse(kit - 0.6 * metre, deck - 0.95 * metre, 0.3 * metre, 0.05 * metre),
        ellipse(kit + 0.6 * metre, deck - 1.0 * metre, 0.3 * metre, 0.05 * metre),
    ]
    setting.canvas.fill(shapes, dark, 0.96)
