"""Hair of the drawn avatars: a layer behind the figure and one over the face, and grey streaks.

A hat cuts off the hair above its line; locks show at the temples. Headscarf and turban cover all hair.
"""

from contextlib import nullcontext

from avatar.drawing.attributes import Attributes
from avatar.drawing.faces import DrawnPerson
from avatar.drawing.hair_pieces import Draw
from avatar.drawing.headwear import COVERS, HATS, flattened_hair
from avatar.drawing.long_hair import LONG_HAIR, LOW_PONYTAIL
from avatar.drawing.pen import even
from avatar.drawing.short_hair import SHORT_HAIR

_HAIR = SHORT_HAIR | LONG_HAIR
_BELOW_HAT = "M 0 92 C 50 84 76 78 92 74 C 116 69 140 69 164 74 C 180 78 206 84 256 92 L 256 256 L 0 256 Z"
_TEMPLE = "M 82 70 C 79 84 81 96 84 106 C 87 100 88 94 89 88 C 95 87 103 82 108 74 Z"
_STREAKS = even(  # from the parting over the temple
    "M 150 42 C 164 54 171 74 173 108 M 160 46 C 173 62 178 84 179 120 M 138 40 C 156 56 166 70 170 92 "
    "M 170 56 C 182 76 184 100 184 132"
)


def draw_hair_behind(who: DrawnPerson) -> None:
    """Draw the hair behind neck and shoulders."""
    if who.looks.headwear in COVERS:
        return
    if who.looks.hair == "ponytail" and who.looks.headwear in HATS:
        LOW_PONYTAIL(who)
    else:
        _draw_below_hat(who, _HAIR[who.looks.hair].behind)


def draw_hair(who: DrawnPerson) -> None:
    """Draw the hair over face and shoulders."""
    if who.looks.headwear in COVERS:
        return
    _draw_below_hat(who, _HAIR[who.looks.hair].over)
    if who.looks.headwear in HATS and who.looks.hair != "bald":
        who.pen.form(flattened_hair(who) or even(_TEMPLE), who.hair, 1.8)
    elif greying_shows(who.looks):
        _draw_greying(who)


def greying_shows(looks: Attributes) -> bool:
    """Whether grey temples are drawn: in hair of a natural colour that no hat covers."""
    natural = looks.hair_colour in ("black", "brown", "blonde", "ginger")
    covered = looks.headwear in HATS or looks.headwear in COVERS
    return looks.greying == "temples" and natural and bool(_HAIR[looks.hair].shape) and not covered


def _draw_greying(who: DrawnPerson) -> None:
    grey = who.pen.ramp("#c4c0ba")
    with who.pen.inside(_HAIR[who.looks.hair].shape):
        who.pen.line(_STREAKS, grey.base, 3.2, 0.9)


def _draw_below_hat(who: DrawnPerson, draw: Draw | None) -> None:
    if draw:
        with who.pen.inside(_BELOW_HAT) if who.looks.headwear in HATS else nullcontext():
            draw(who)
