"""Backdrops of the drawn avatars: a colour and a festival motif."""

import functools
import itertools
import math
import random
from collections.abc import Callable

import numpy as np

from avatar.drawing.palette import BACKDROPS, Backdrop, Style, lerp
from avatar.drawing.pen import Pen, disc, oval, sparkle


@functools.lru_cache(maxsize=256)
def draw_backdrop(colour: str, pattern: str, size_px: int, style: Style) -> np.ndarray:
    """Draw a backdrop, (size_px, size_px, 3) uint8 RGB; read-only, since it is cached."""
    pen, tones = Pen(style), backdrop_tones(colour, style)
    pen.fill("M 0 0 L 256 0 L 256 256 L 0 256 Z", pen.fade(tones.top, tones.bottom))
    pen.glow(oval(128, 120, 150, 140), tones.glow, 0.55)
    _PATTERNS[pattern](pen, tones)
    picture = np.ascontiguousarray(pen.render(size_px)[..., :3])
    picture.setflags(write=False)
    return picture


def backdrop_tones(colour: str, style: Style) -> Backdrop:
    """Colours of a backdrop in a style."""
    return _at_night(BACKDROPS[colour]) if style == "neon" else BACKDROPS[colour]


def _at_night(day: Backdrop) -> Backdrop:
    vivid = lerp(day.bottom, day.glow, 0.15)
    return Backdrop(lerp("#0a0620", day.bottom, 0.16), lerp("#140a33", day.bottom, 0.34), vivid, "#39f3ff")


def _plain(pen: Pen, tones: Backdrop) -> None:
    pen.glow(oval(128, 110, 110, 110), tones.glow, 0.5)


def _sun(pen: Pen, tones: Backdrop) -> None:
    sun = lerp(tones.glow, "#ffd45e", 0.5)
    pen.fill(disc(128, 112, 106), sun, 0.32)
    pen.fill(disc(128, 112, 90), pen.fade(sun, lerp(sun, tones.bottom, 0.55)), 0.85)


def _rays(pen: Pen, tones: Backdrop) -> None:
    path = ""
    for index in range(12):
        edges = (2 * math.pi * (index + half) / 12 for half in (-0.27, 0.27))
        places = (f"{128 + 260 * math.cos(angle):.1f} {124 + 260 * math.sin(angle):.1f}" for angle in edges)
        path += f"M 128 124 L {' L '.join(places)} Z "
    pen.fill(path, tones.glow, 0.5)


def _confetti(pen: Pen, tones: Backdrop) -> None:
    draw = random.Random(7)
    colours = (tones.glow, "#ff6f7d", "#ffd257", "#6fd3c0", "#8a8cf0", "#ffffff")
    for index in range(46):
        x, y, a = draw.uniform(2, 254), draw.uniform(2, 200), draw.uniform(0, math.pi)
        dx, dy = 5 * math.cos(a), 5 * math.sin(a)
        if index % 3:
            pen.line(f"M {x - dx:.1f} {y - dy:.1f} L {x + dx:.1f} {y + dy:.1f}", colours[index % 6], 4.2, 0.9)
        else:
            pen.fill(disc(round(x, 1), round(y, 1), 3.2), colours[index % 6], 0.9)


def _lights(pen: Pen, tones: Backdrop) -> None:
    for start, dip, count in ((14, 44, 9), (62, 40, 9)):
        pen.line(f"M -4 {start} Q 128 {start + 2 * dip} 260 {start}", lerp(tones.bottom, "#241532", 0.5), 1.8, 0.8)
        for index in range(count):
            t = (index + 0.5) / count
            x, y = -4 + 264 * t, start + 4 * dip * t * (1 - t) + 5
            pen.glow(oval(x, y, 19, 19), "#fff2b8", 0.85)
            pen.fill(disc(round(x, 1), round(y, 1), 4.6), "#fffbe6")


def _stars(pen: Pen, tones: Backdrop) -> None:
    draw = random.Random(11)
    for column, row in itertools.product(range(6), range(5)):
        x, y = 20 + 43 * column + draw.uniform(-13, 13), 18 + 40 * row + draw.uniform(-12, 12)
        pen.fill(sparkle(round(x, 1), round(y, 1), draw.choice((6, 8, 12))), "#ffffff", 0.9)


def _stage(pen: Pen, tones: Backdrop) -> None:
    for x, to in ((30, 120), (84, 20), (172, 236), (226, 136)):
        pen.fill(f"M {x - 5} 6 L {x + 5} 6 L {to + 44} 256 L {to - 44} 256 Z", tones.glow, 0.36)
    bar = lerp(tones.bottom, "#1c1030", 0.5)
    pen.fill("M 0 0 L 256 0 L 256 8 L 0 8 Z", bar)
    for x in (30, 84, 172, 226):
        pen.fill(f"M {x - 9} 6 L {x + 9} 6 L {x + 6} 19 L {x - 6} 19 Z", bar)
        pen.glow(oval(x, 20, 15, 9), "#fffbe0", 1.0)


def _waves(pen: Pen, tones: Backdrop) -> None:
    for index in range(8):
        y = 10 + 27 * index
        path = f"M -16 {y} " + " ".join(
            f"Q {-16 + 32 * i + 16} {y + (14 if i % 2 else -14)} {-16 + 32 * (i + 1)} {y}" for i in range(9)
        )
        pen.line(path, tones.glow, 7, 0.5)


def _bunting(pen: Pen, tones: Backdrop) -> None:
    colours = ("#ff6f7d", "#ffd257", "#5fc9b8", "#8a8cf0", "#fff6e6")
    for start, dip, count, shift in ((6, 34, 8, 0), (70, 30, 8, 2)):
        pen.line(f"M -4 {start} Q 128 {start + 2 * dip} 260 {start}", "#4a3560", 1.8)
        for index in range(count):
            a, b = (index + 0.12) / count, (index + 0.88) / count
            ax, bx = -4 + 264 * a, -4 + 264 * b
            ay, by = start + 4 * dip * a * (1 - a), start + 4 * dip * b * (1 - b)
            pen.fill(
                f"M {ax:.1f} {ay:.1f} L {bx:.1f} {by:.1f} L {(ax + bx) / 2:.1f} {(ay + by) / 2 + 27:.1f} Z",
                colours[(index + shift) % 5],
            )


_PATTERNS: dict[str, Callable[[Pen, Backdrop], None]] = {
    "plain": _plain,
    "sun": _sun,
    "rays": _rays,
    "confetti": _confetti,
    "lights": _lights,
    "stars": _stars,
    "stage": _stage,
    "waves": _waves,
    "bunting": _bunting,
}
