"""Layers of a drawn character: outline, rounded form, material and details."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from common.outlines import Outline
from masks.drawing.palettes import Ramp

Segment = tuple[float, float, float, float, float]  # x and y of both ends, and the radius, of a rod with round ends

TO_LIGHT = (-0.48, -0.62, 0.62)  # direction from the figure to the light: left, up, out of the picture


@dataclass(frozen=True)
class Pattern:
    """A pattern of a second colour in a layer.

    Attributes:
        ramp: the second colour.
        kind: "stripes" or "checks".
        width: width of a stripe or a check, in art pixels.
        top: y of a boundary between two stripes.
        left: x of a boundary between two checks.
    """

    ramp: Ramp
    kind: str
    width: float
    top: float
    left: float

    def at(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return whether the second colour shows, at points given by x and y in art pixels."""
        rows = np.floor((y - self.top) / self.width).astype(int)
        columns = np.floor((x - self.left) / self.width).astype(int)
        if self.kind == "stripes":
            return rows % 2 == 1
        return (rows + columns) % 2 == 1


@dataclass(frozen=True)
class Mark:
    """A detail inside a layer in one flat tone, such as an eye, a button or a strand.

    Attributes:
        outline: shape; parts outside the layer are not drawn.
        ramp: material.
        tone: index of the ramp's tone.
        opacity: opacity in the smooth style, 0 to 1; below 1 its edges are soft too.
    """

    outline: Outline
    ramp: Ramp
    tone: int
    opacity: float = 1


@dataclass(frozen=True)
class SpriteLayer:
    """One piece of a character.

    Attributes:
        outlines: outlines whose union is the piece.
        form: rods whose rounded surface is lit.
        ramp: material.
        marks: details, drawn in order.
        clothing: whether it is clothing.
        shadow: length of the shadow on the layers below, in art pixels.
        seam: whether its edge is also drawn over the same material.
        lined: whether it has a dark edge.
        cut: outlines to subtract from the piece.
        pattern: a second colour.
    """

    outlines: Sequence[Outline]
    form: Sequence[Segment]
    ramp: Ramp
    marks: Sequence[Mark] = ()
    clothing: bool = False
    shadow: int = 0
    seam: bool = True
    lined: bool = True
    cut: Sequence[Outline] = ()
    pattern: Pattern | None = None


@dataclass(frozen=True)
class FrameLight:
    """Difference of the light between a clothed frame and its base frame.

    Attributes:
        exposure: factor for all channels.
        warmth: share by which red gains and blue loses.
        fall: share of the light lost from the top of the frame to its bottom.
    """

    exposure: float = 1
    warmth: float = 0
    fall: float = 0

    def factors(self, height: int) -> np.ndarray:
        """Return the factors of the three channels for each row, (height, 1, 3) float64."""
        rows = 1 - self.fall * ((np.arange(height) + 0.5) / height)
        channels = np.array([1 + self.warmth, 1, 1 - self.warmth]) * self.exposure
        return rows[:, None, None] * channels


SAME_LIGHT = FrameLight()


def light_on(form: Sequence[Segment], x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the light on a rounded form, about -0.8 to 1, at points given by x and y in art pixels."""
    nearest = light = np.full(x.shape, np.inf)
    for x0, y0, x1, y1, radius in form:
        length = (x1 - x0) * (x1 - x0) + (y1 - y0) * (y1 - y0)
        along = (((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length).clip(0, 1) if length else np.zeros(())
        across_x, across_y = (x - x0 - along * (x1 - x0)) / radius, (y - y0 - along * (y1 - y0)) / radius
        square = across_x * across_x + across_y * across_y
        beyond = np.sqrt(np.maximum(square, 1.0))  # past the edge the surface is seen from the side
        sideways = (TO_LIGHT[0] * across_x + TO_LIGHT[1] * across_y) / beyond
        here = sideways + TO_LIGHT[2] * np.sqrt(np.maximum(1 - square, 0.0))
        light = np.where(square < nearest, here, light)
        nearest = np.minimum(nearest, square)
    return light
