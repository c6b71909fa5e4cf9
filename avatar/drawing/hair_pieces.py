"""Pieces of which the hair of the drawn avatars is made: masses with strands, and curls."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from avatar.drawing.faces import DrawnPerson
from avatar.drawing.pen import MIDDLE, OUTLINE, loops, placed

Draw = Callable[[DrawnPerson], None]
Circles = tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class HairLayers:
    """Layers of a hairstyle.

    Attributes:
        behind: draws the layer behind neck and shoulders.
        over: draws the layer over the face.
        shape: outline of the layer over the face, an SVG path; grey streaks show within it.
    """

    behind: Draw | None = None
    over: Draw | None = None
    shape: str = ""


@dataclass(frozen=True)
class HairMass:
    """A mass of hair with strands, a band of light, and its shadow on the face.

    Attributes:
        path: outline, an SVG path.
        strands: lines within the outline.
        shine: line of the band of light.
        shadow: distance by which the shadow is shifted down, units of the canvas; 0: no shadow.
    """

    path: str
    strands: str = ""
    shine: str = ""
    shadow: float = 0

    def __call__(self, who: DrawnPerson) -> None:
        """Draw the mass."""
        pen, hair = who.pen, who.hair
        if self.shadow:
            with pen.inside(who.face):
                pen.fill(placed(self.path, 0, self.shadow), who.skin.deep, 0.4)
        pen.form(self.path, hair)
        with pen.inside(self.path):
            if self.shine:
                pen.line(self.shine, hair.light, 7, 0.55)
            if self.strands:
                pen.line(self.strands, hair.detail, 1.7, 0.65)


def fitted(mass: HairMass, who: DrawnPerson) -> HairMass:
    """Stretch a mass to the width of the head; as drawn, it fits a head of half the width 45."""
    across = who.half / 45
    move = MIDDLE * (1 - across)
    path, strands, shine = (placed(part, move, 0, across) for part in (mass.path, mass.strands, mass.shine))
    return HairMass(path, strands, shine, mass.shadow)


def ring(
    middle: tuple[float, float],
    radii: tuple[float, float],
    turn: tuple[float, float],
    count: int,
    sizes: Sequence[float],
) -> Circles:
    """Circles along an arc of an ellipse; `turn` is degrees clockwise from the right, `sizes` are used in rotation."""
    places = []
    for index in range(count):
        angle = math.radians(turn[0] + (turn[1] - turn[0]) * index / (count - 1))
        x, y = middle[0] + radii[0] * math.cos(angle), middle[1] + radii[1] * math.sin(angle)
        places.append((round(x, 1), round(y, 1), sizes[index % len(sizes)]))
    return tuple(places)


def curls(circles: Circles, size: float = 1) -> str:
    """Path of an arc on each curl, towards the light; of the shade at the other side if `size` is below 0."""
    arc = "M -0.55 -0.1 Q -0.45 -0.6 0.15 -0.6"
    return " ".join(placed(arc, x, y, r * size, r * size) for x, y, r in circles)


def draw_curls(who: DrawnPerson, circles: Circles) -> None:
    """Draw one form made of many circles."""
    pen, hair, whole = who.pen, who.hair, loops(circles)
    pen.line(whole, hair.line, 2 * OUTLINE)
    pen.fill(whole, pen.lit(hair))
    pen.line(curls(circles, -0.9), hair.detail, 1.5, 0.35)
    pen.line(curls(circles), hair.light, 1.8, 0.6)


def shadow_of_curls(who: DrawnPerson, circles: Circles) -> None:
    """Draw the shadow of curls on the face."""
    with who.pen.inside(who.face):
        who.pen.fill(loops(tuple((x, y + 4, r) for x, y, r in circles)), who.skin.deep, 0.4)


def ringlet(start: tuple[float, float], end: tuple[float, float], turns: int, swing: float) -> str:
    """Path of a curled lock, which swings to both sides of the line from start to end."""
    path = f"M {start[0]:g} {start[1]:g}"
    for index in range(turns):
        middle, after = ((index + share) / turns for share in (0.5, 1.0))
        side = swing if index % 2 else -swing
        x, y = (start[at] + (end[at] - start[at]) * middle for at in (0, 1))
        path += f" Q {x + side:.1f} {y:.1f} " + " ".join(
            f"{start[at] + (end[at] - start[at]) * after:.1f}" for at in (0, 1)
        )
    return path
