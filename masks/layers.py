"""What a drawn character is made of: layers with an outline, a rounded form, a material and details."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from masks.outlines import Outline, hull
from masks.palettes import Ramp

Segment = tuple[float, float, float, float, float]  # x and y of both ends, radius: a rod with round ends


@dataclass(frozen=True)
class Pattern:
    """A second colour woven into a layer.

    Attributes:
        ramp: the second colour.
        width: of a stripe or of the gap between dots, in art pixels.
        kind: "stripes" across the axis, "checks" or "dots".
        axis: x and y of a point on a border between stripes, and the direction from stripe to stripe (length 1).
    """

    ramp: Ramp
    width: float
    kind: str = "stripes"
    axis: tuple[float, float, float, float] = (0, 0, 0, 1)


@dataclass(frozen=True)
class Mark:
    """A detail inside a layer in one flat tone: an eye, a button, a strand.

    Attributes:
        outline: its shape.
        ramp: material.
        tone: of the ramp.
        opacity: how much it covers in the smooth style, 0 to 1; below 1 its edges are soft too.
    """

    outline: Outline
    ramp: Ramp
    tone: int
    opacity: float = 1


@dataclass(frozen=True)
class Layer:
    """One piece of a character.

    Attributes:
        outlines: their union is the piece.
        form: rods whose rounded surface catches the light.
        ramp: material.
        clothing: whether it belongs to the clothes.
        seam: whether its edge is drawn also where the same material goes on below.
        shadow: how far it casts a shadow on what lies below, art pixels.
        cut: outlines of what is taken away from the piece.
        lined: whether it has a dark edge.
        pattern: a second colour.
        marks: details, drawn in order.
    """

    outlines: tuple[Outline, ...]
    form: tuple[Segment, ...]
    ramp: Ramp
    clothing: bool = False
    seam: bool = True
    shadow: float = 0
    cut: tuple[Outline, ...] = ()
    lined: bool = True
    pattern: Pattern | None = None
    marks: tuple[Mark, ...] = ()


def stroke(points: Sequence[tuple[float, float]], width: float) -> list[Outline]:
    """A line of some width through points."""
    return [hull((*a, width / 2), (*b, width / 2)) for a, b in zip(points[:-1], points[1:], strict=True)]


def light_on(form: Sequence[Segment], x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """How much light falls on a rounded form from the top left, at points given by x and y; about -1 to 1."""
    best = light = None
    for x0, y0, x1, y1, radius in form:
        length = (x1 - x0) * (x1 - x0) + (y1 - y0) * (y1 - y0)
        along = (((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length).clip(0, 1) if length else 0.0
        nx, ny = (x - x0 - along * (x1 - x0)) / radius, (y - y0 - along * (y1 - y0)) / radius
        flat = nx * nx + ny * ny
        size = np.sqrt(np.maximum(flat, 1.0))
        here = LIGHT_X * nx / size + LIGHT_Y * ny / size + LIGHT_Z * np.sqrt(np.maximum(1 - flat, 0.0))
        light = here if light is None else np.where(flat < best, here, light)
        best = flat if best is None else np.minimum(best, flat)
    assert light is not None
    return light


LIGHT_X, LIGHT_Y, LIGHT_Z = -0.48, -0.62, 0.62  # direction to the light
