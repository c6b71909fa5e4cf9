"""Stages of the drawn scenes: trusses, screens, loudspeakers, beams."""

import math
from collections.abc import Sequence

import numpy as np

from carousel.drawing.canvas import Colour, colour, mix, smoothstep
from carousel.drawing.crowds import onlooker
from carousel.drawing.scene_building import WHITE, SceneBuilder, Spot
from common.outlines import Outline, hull, polygon


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
    """Paint a lattice girder."""
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
    """Paint a concert stage with screen, towers, loudspeakers and players; returns y of its deck and its lamps.

    Args:
        setting: the scene.
        x, distance: middle of the stage, and metres from the camera.
        width, height: metres.
        tones: three colours of the screen.
        metal: colour of towers and loudspeakers.
        level: brightness of the screen.
    """
    canvas, at = setting.canvas, setting.spot(x, distance)
    left = -width / 2
    canvas.fill([at.box(left, height, width, height)], setting.in_air(colour("#0d0c12"), distance))
    led_wall(setting, at.box(0.76 * left, 0.86 * height, 0.76 * width, 0.8 * height - 1.3), tones, level)
    front = (setting.in_air(colour("#23202b"), distance), setting.in_air(colour("#0f0d14"), distance))
    canvas.fill([at.box(1.08 * left, 1.3, 1.08 * width, 1.3)], front)
    canvas.shine([at.box(left, 1.32, width, 0.06)], tones[2], 0.8 * level)
    _towers(setting, at, width, height, metal)
    for share, y, size, tone in ((1.06, height, 0.9, metal), (1.0, 0.87 * height, 0.6, metal * 0.8)):
        truss(setting, at.at(share * left, y), at.at(-share * left, y), size * at.metre, tone)
    _players(setting, at, width)
    for i in range(9):
        lamp, tone = at.at(left + width * (0.06 + 0.11 * i), 0.84 * height), mix(tones[i % 2], WHITE, 0.5)
        canvas.lamp(*lamp, 0.16 * at.metre, tone, strength=1.5, blur=0.1 * at.metre, core=3.0)
    return at.at(0, 1.3)[1], at.at(0, 0.85 * height)[1]


def _towers(setting: SceneBuilder, at: Spot, width: float, height: float, metal: Colour) -> None:
    """Paint towers and hanging loudspeakers on both sides."""
    canvas = setting.canvas
    for side in (-1, 1):
        truss(setting, at.at(side * width * 0.5, 0), at.at(side * width * 0.5, height), 0.9 * at.metre, metal)
        x = side * width * 0.585
        for i in range(7):
            box = at.box(x - 0.55 - side * 0.0036 * i * i, height - 0.8 - i * 0.62, 1.1, 0.56)
            canvas.fill([box], (metal * 1.1, metal * 0.5))
        canvas.fill([at.box(x - 0.9, 2.0, 1.8, 2.0)], (metal * 0.8, metal * 0.4))


def _players(setting: SceneBuilder, at: Spot, width: float) -> None:
    """Paint musicians and drums on the deck."""
    shapes: list[Outline] = []
    for share in (-0.26, -0.06, 0.14, 0.30):
        place = at.at(width * (share + setting.rng.normal(0, 0.015)), 1.3)
        shapes += onlooker(setting.rng, Spot(*place, at.metre * 1.12), 0.35)
    kit = width * 0.03
    shapes += [at.disc(kit, 1.65, 0.4, 0.35), at.disc(kit - 0.6, 2.25, 0.3, 0.05), at.disc(kit + 0.6, 2.3, 0.3, 0.05)]
    setting.canvas.fill(shapes, np.full(3, 0.012, np.float32), 0.96)
