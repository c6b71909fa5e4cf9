"""Beards of the drawn avatars; the mouth stays free."""

from collections.abc import Callable

from avatar.drawing.faces import INK, MOUTH_Y, DrawnPerson
from avatar.drawing.palette import lerp, to_oklab
from avatar.drawing.pen import MIDDLE, both, flip, placed

_CURLED = (
    "M 0 -9 C 5 -13 13 -11 18 -4 C 20 -2 22 -4 21 -7 C 25 -1 19 4 12 2 C 7 1 3 -2 0 -3 "
    "C -3 -2 -7 1 -12 2 C -19 4 -25 -1 -21 -7 C -22 -4 -20 -2 -18 -4 C -13 -11 -5 -13 0 -9 Z"
)
_CHIN_TUFT = both("128 151, 134 151 139 148 142 145, 149 150 145 172 128 173")
_WALRUS = both("128 -11, 134 -15 145 -12 150 -4, 153 1 154 6 151.5 10.5, 147 6 141 3 135 1, 132 0 130 -0.6 128 -0.6")
_WALRUS = placed(_WALRUS, -128)
_WALRUS_STRANDS = (
    "M 1 -11 L 1 -2 M 6 -11 C 8 -6 9 -3 10 1 M 12 -9 C 16 -4 18 0 19 5 M -5 -11 C -7 -6 -8 -3 -9 1 "
    "M -12 -9 C -16 -4 -18 0 -19 5"
)
_STUBBLE = both(
    "128 126, 136 124 146 126 151 132, 160 128 168 118 176 98, 190 110 186 172 128 172, 128 172 128 172 128 172"
)


def draw_beard(who: DrawnPerson) -> None:
    """Draw moustache or beard."""
    if who.looks.beard in _BEARDS:
        _BEARDS[who.looks.beard](who)


def _at_mouth(path: str, who: DrawnPerson, across: float = 1, down: float = 1) -> str:
    return placed(path, MIDDLE, MOUTH_Y, across * who.build.mouth, down)


def draw_stubble(who: DrawnPerson) -> None:
    """Darken jaw and upper lip, with dots, below the mouth; dots of the skin's lightness would not be seen."""
    if who.looks.beard != "stubble":
        return
    pen = who.pen
    tone, shadow = (lerp(who.hair_hex, INK, 0.25), 0.42) if pen.style == "plain" else (who.hair.line, 0.14)
    unseen = abs(to_oklab(tone)[0] - to_oklab(who.skin_hex)[0]) < 0.15
    dot = f'<circle cx="1.2" cy="1.2" r="0.75" fill="{who.skin.light if unseen else tone}"/>'
    with pen.inside(who.face):
        pen.fill(_STUBBLE, lerp(tone, who.skin_hex, 0.35), shadow)
        pen.fill(_STUBBLE, pen.pattern(4, 4, dot, 30), 0.75)


def _moustache(who: DrawnPerson) -> None:
    who.pen.form(_at_mouth(_CURLED, who, 1.1, 1.15), who.hair, 1.7)


def _full_moustache(who: DrawnPerson) -> None:
    path = _at_mouth(_WALRUS, who)
    who.pen.form(path, who.hair, 1.8)
    with who.pen.inside(path):
        who.pen.line(_at_mouth(_WALRUS_STRANDS, who), who.hair.detail, 1.5, 0.7)


def _goatee(who: DrawnPerson) -> None:
    who.pen.form(_CHIN_TUFT, who.hair, 1.8)
    who.pen.form(_at_mouth(_CURLED, who, 0.8, 0.9), who.hair, 1.7)


def _short_beard(who: DrawnPerson) -> None:
    _full_beard(who, 150, 167, "")


def _long_beard(who: DrawnPerson) -> None:
    _full_beard(who, 170, 204, " M 144 166 C 142 178 138 188 133 195 M 131 164 L 129 188")


def _full_beard(who: DrawnPerson, side: float, low: float, strands: str) -> None:
    """Draw a full beard: outer edge around the jaw, inner edge along cheeks and upper lip, a hole for the mouth."""
    x, y = 128 + who.half, MOUTH_Y
    edge = max(x - 4, 129 + who.jaw)
    outer = f"M {x - 2} 98 C {x + 3} 112 {edge + 5} 126 {edge} 136 C {edge - 4} {side} 152 {low} 128 {low}"
    back = f"C 104 {low} {260 - edge} {side} {256 - edge} 136 C {251 - edge} 126 {253 - x} 112 {258 - x} 98"
    inner = (
        f"C {262 - x} 116 96 128 106 131 C 112 126 122 125 128 129 C 134 125 144 126 150 131 "
        f"C 160 128 {x - 6} 116 {x - 2} 98 Z"
    )
    hole = (
        f"M 109 {y - 5} Q 128 {y} 147 {y - 5} C 147 {y + 10} 138 {y + 14} 128 {y + 14} "
        f"C 118 {y + 14} 109 {y + 10} 109 {y - 5} Z"
    )
    path = f"{outer} {back} {inner} {flip(hole)}"
    who.pen.fill(path, who.pen.lit(who.hair))
    who.pen.line(path, who.hair.line, 2)
    jaw = "M 152 147 C 148 155 144 158 140 161 M 162 136 C 159 143 156 148 153 151"
    who.pen.lines(jaw + strands, who.hair.detail, 1.6, 0.6)


_BEARDS: dict[str, Callable[[DrawnPerson], None]] = {
    "moustache": _moustache,
    "full moustache": _full_moustache,
    "goatee": _goatee,
    "short beard": _short_beard,
    "long beard": _long_beard,
}
