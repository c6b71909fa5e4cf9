"""SVG drawing of the avatars: paths on a canvas of 256 x 256 units, lit from the upper left.

Paths consist of absolute commands M, L, C, Q and Z only, so that they can be mirrored at the centre line x = 128.
"""

import functools
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import cv2
import numpy as np

from avatar.drawing.palette import Style, ToneRamp, ramp, skin_ramp

CANVAS = 256
MIDDLE = 128
COLLAR = 42  # half the width of the collar, beyond which the shoulders begin
OUTLINE = 2.3  # width of outlines, units of the canvas
_PAIR = re.compile(r"(-?[\d.]+)[ ,](-?[\d.]+)")


def placed(path: str, x: float = 0, y: float = 0, across: float = 1, down: float = 1) -> str:
    """Scale a path about the origin, then move it.

    >>> placed("M 1 2 L -3 4", 10, 20, 2)
    'M 12 22 L 4 24'
    """
    return _PAIR.sub(lambda pair: f"{float(pair[1]) * across + x:.6g} {float(pair[2]) * down + y:.6g}", path)


@functools.lru_cache(4096)
def flip(path: str) -> str:
    """Mirror a path at the centre line.

    >>> flip("M 100 20 L 128 30")
    'M 156 20 L 128 30'
    """
    return placed(path, CANVAS, 0, -1)


def even(path: str) -> str:
    """A path and its mirror image."""
    return f"{path} {flip(path)}"


@functools.cache
def both(right: str) -> str:
    """Complete a symmetric closed path from its right half.

    Args:
        right: cubic curves clockwise from the centre line back to it, "x y, cx cy cx cy x y, ...".
    """
    start, *curves = (
        [(float(x), float(y)) for x, y in _PAIR.findall(part)] for part in right.replace("\n", " ").split(",")
    )
    path, places = f"M {start[0][0]:g} {start[0][1]:g}", [start[0]]
    for curve in curves:
        path += " C " + " ".join(f"{x:g} {y:g}" for x, y in curve)
        places += curve
    back = [(CANVAS - x, y) for x, y in reversed(places)][1:]
    for at in range(0, len(back), 3):
        path += " C " + " ".join(f"{x:g} {y:g}" for x, y in back[at : at + 3])
    return path + " Z"


@functools.cache
def oval(x: float, y: float, radius_x: float, radius_y: float) -> str:
    """Path of an ellipse with this centre and these radii."""
    across, down = radius_x * 0.5523, radius_y * 0.5523
    left, right, top, bottom = x - radius_x, x + radius_x, y - radius_y, y + radius_y
    return (
        f"M {x:g} {top:g} C {x + across:g} {top:g} {right:g} {y - down:g} {right:g} {y:g} "
        f"C {right:g} {y + down:g} {x + across:g} {bottom:g} {x:g} {bottom:g} "
        f"C {x - across:g} {bottom:g} {left:g} {y + down:g} {left:g} {y:g} "
        f"C {left:g} {y - down:g} {x - across:g} {top:g} {x:g} {top:g} Z"
    )


def disc(x: float, y: float, radius: float) -> str:
    """Path of a circle."""
    return oval(x, y, radius, radius)


@functools.cache
def loops(places: tuple[tuple[float, float, float], ...]) -> str:
    """One path of several circles (x, y, radius)."""
    return " ".join(disc(x, y, radius) for x, y, radius in places)


def sparkle(x: float, y: float, size: float) -> str:
    """Path of a star with four points and concave sides."""
    return placed("M 0 -1 Q 0.16 -0.16 1 0 Q 0.16 0.16 0 1 Q -0.16 0.16 -1 0 Q -0.16 -0.16 0 -1 Z", x, y, size, size)


def star(x: float, y: float, size: float) -> str:
    """Path of a star with five points and straight sides."""
    places = []
    for index in range(10):
        angle, far = math.pi * (index / 5 - 0.5), size * (0.55 if index % 2 else 1)
        places.append(f"{x + far * math.cos(angle):.1f} {y + far * math.sin(angle):.1f}")
    return f"M {' L '.join(places)} Z"


class Pen:
    """Collects the elements of one SVG picture, from back to front; `style` is "plain" or "neon"."""

    def __init__(self, style: Style = "plain") -> None:
        self.style = style
        self._spread = 1.0
        self._body: list[str] = []
        self._definitions: dict[str, str] = {}

    def ramp(self, base: str) -> ToneRamp:
        """Tone ramp of a material in the picture's style."""
        return ramp(base, self.style)

    def skin(self, base: str) -> ToneRamp:
        """Tone ramp of skin in the picture's style."""
        return skin_ramp(base, self.style)

    def fill(self, path: str, paint: str, opacity: float = 1.0) -> None:
        """Add a filled shape without an outline."""
        self._body.append(f'<path d="{self._moved(path)}" fill="{paint}"{_opacity("fill", opacity)}/>')

    def line(self, path: str, paint: str, width: float, opacity: float = 1.0) -> None:
        """Add a line with round ends."""
        self._body.append(
            f'<path d="{self._moved(path)}" fill="none" stroke="{paint}" stroke-width="{width:g}"'
            f"{_opacity('stroke', opacity)}/>"
        )

    def form(self, path: str, tones: ToneRamp, width: float = OUTLINE) -> None:
        """Add a shape filled by `lit`, with an outline."""
        self._body.append(
            f'<path d="{self._moved(path)}" fill="{self.lit(tones)}" stroke="{tones.line}" stroke-width="{width:g}"/>'
        )

    def pair(self, path: str, tones: ToneRamp, width: float = OUTLINE) -> None:
        """Add a form and its mirror image."""
        self.form(flip(path), tones, width)
        self.form(path, tones, width)

    def lines(self, path: str, paint: str, width: float, opacity: float = 1.0) -> None:
        """Add a line and its mirror image."""
        self.line(even(path), paint, width, opacity)

    def tube(self, path: str, edge: str, width: float, paint: str, inner: float) -> None:
        """Add a line of width `inner` with an outline, `width` in all."""
        self.line(path, edge, width)
        self.line(path, paint, inner)

    def lit(self, tones: ToneRamp) -> str:
        """Define a gradient from light at the upper left to shade at the lower right; returns the paint."""
        stops = ((0, tones.light), (0.42, tones.base), (1, tones.shade))
        return self._gradient("linear", 'x1="0.12" y1="0" x2="0.85" y2="1"', stops)

    def fade(self, top: str, bottom: str) -> str:
        """Define a vertical gradient; returns the paint."""
        return self._gradient("linear", 'x1="0" y1="0" x2="0" y2="1"', ((0, top), (1, bottom)))

    def glow(self, path: str, colour: str, opacity: float) -> None:
        """Add a soft spot that fades out towards the edge of an `oval`."""
        stops = ((0, colour), (0.55, colour), (1, colour))
        name = self._gradient("radial", "", stops, (1, 0.45, 0))
        self.fill(path, name, opacity)

    @contextmanager
    def inside(self, path: str) -> Iterator[None]:
        """Clip what is drawn in the block to a path."""
        name = self._define("c", f'<clipPath id="%s"><path d="{self._moved(path)}"/></clipPath>')
        self._body.append(f'<g clip-path="url(#{name})">')
        yield
        self._body.append("</g>")

    @contextmanager
    def spread(self, factor: float) -> Iterator[None]:
        """Stretch sideways what is drawn in the block; what is within COLLAR of the centre line stays."""
        self._spread = factor
        yield
        self._spread = 1.0

    def _moved(self, path: str) -> str:
        if self._spread == 1:
            return path
        return _PAIR.sub(lambda pair: f"{_stretched(float(pair[1]), self._spread):.6g} {pair[2]}", path)

    def pattern(self, width: float, height: float, content: str, turn: float = 0) -> str:
        """Define a repeated pattern of SVG content, rotated by `turn` degrees; returns the paint."""
        name = self._define(
            "p",
            f'<pattern id="%s" width="{width:g}" height="{height:g}" patternUnits="userSpaceOnUse" '
            f'patternTransform="rotate({turn:g})">{content}</pattern>',
        )
        return f"url(#{name})"

    def svg(self) -> str:
        """The picture as SVG text."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {CANVAS} {CANVAS}">'
            f"<defs>{''.join(self._definitions.values())}</defs>"
            f'<g stroke-linecap="round" stroke-linejoin="round">{"".join(self._body)}</g></svg>'
        )

    def render(self, size_px: int) -> np.ndarray:
        """Render the picture, (size_px, size_px, 4) uint8 RGBA."""
        import resvg_py

        png = resvg_py.svg_to_bytes(svg_string=self.svg(), width=size_px, height=size_px, skip_system_fonts=True)
        picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
        assert picture is not None
        return cv2.cvtColor(picture, cv2.COLOR_BGRA2RGBA)

    def _gradient(
        self, kind: str, place: str, stops: Sequence[tuple[float, str]], opacities: Sequence[float] = ()
    ) -> str:
        text = "".join(
            f'<stop offset="{at:g}" stop-color="{colour}"'
            + (f' stop-opacity="{opacities[index]:g}"/>' if opacities else "/>")
            for index, (at, colour) in enumerate(stops)
        )
        return f'url(#{self._define("g", f"""<{kind}Gradient id="%s" {place}>{text}</{kind}Gradient>""")})'

    def _define(self, prefix: str, text: str) -> str:
        """Name of a definition; equal definitions are written once."""
        if text not in self._definitions:
            self._definitions[text] = text % f"{prefix}{len(self._definitions)}"
        return self._definitions[text].split('"')[1]


def _stretched(x: float, factor: float) -> float:
    collar = min(max(x, MIDDLE - COLLAR), MIDDLE + COLLAR)
    return collar + (x - collar) * factor


def _opacity(what: str, value: float) -> str:
    """Opacity attribute of fill or stroke; an opacity of the whole element would cost a layer of the picture's size."""
    return "" if value == 1 else f' {what}-opacity="{value:g}"'
