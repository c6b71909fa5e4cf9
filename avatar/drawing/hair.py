"""Hair of the drawn avatars: a layer behind the figure and one over the face, and grey streaks.

A hat cuts off the hair above its line; locks show at the temples. Headscarf and turban cover all hair.
"""

from contextlib import nullcontext

from avatar.drawing.attributes import Attributes
from avatar.drawing.faces import DrawnPerson
from avatar.drawing.hair_pieces import Draw
from avatar.drawing.headwear import COVERS, HATS, flattened_hair
from avatar.drawing.long_hair import LONG_HAIR, LOW_PONYTAIL
from avatar.drawing.pen import even, oval
from avatar.drawing.short_hair import SHORT_HAIR

_HAIR = SHORT_HAIR | LONG_HAIR
_BELOW_HAT = "M 0 92 C 50 84 76 78 92 74 C 116 69 140 69 164 74 C 180 78 206 84 256 92 L 256 256 L 0 256 Z"
_TEMPLE = "M 82 70 C 79 84 81 96 84 106 C 87 100 88 94 89 88 C 95 87 103 82 108 74 Z"
_STREAKS = even(  # over the temples
    "M 158 52 C 167 62 171 76 172 100 M 163 50 C 173 64 176 82 176 112 M 152 48 C 162 58 167 68 169 84 "
    "M 169 58 C 178 72 181 92 181 128 M 174 66 C 183 84 185 104 185 122 M 146 44 C 154 50 160 56 164 64"
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
    grey = who.pen.ramp("#c9c5bf").base
    with who.pen.inside(_HAIR[who.looks.hair].shape):
        for x in (80, 176):
            who.pen.glow(oval(x, 92, 17, 42), grey, 0.85)
        who.pen.line(_STREAKS, grey, 1.7, 0.85)


def _draw_below_hat(who: DrawnPerson, draw: Draw | None) -> None:
    if draw:
        with who.pen.inside(_BELOW_HAT) if who.looks.headwear in HATS else nullcontext():
            draw(who)
