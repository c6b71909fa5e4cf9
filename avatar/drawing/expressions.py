"""Expressions of the drawn avatars: eyes, brows and mouth. The eyes are at the same height in every picture."""

from avatar.drawing.faces import EYE_Y, INK, MOUTH_Y, DrawnPerson
from avatar.drawing.palette import EYES, lerp
from avatar.drawing.pen import MIDDLE, disc, loops, oval, placed

BROWS = {"woman": 0.75, "person": 1.0, "man": 1.25}  # scale factor of the thickness of the brows
LIDS = {"young": 1.0, "middle-aged": 0.95, "old": 0.86}  # scale factor of the height of the open eyes
WHITE, MOUTH, TONGUE = "#fffaf4", "#5a1626", "#e2607a"

# Paths centred on an eye or a mouth.
_EYE = "M -10.2 1 C -7 -10.5 7 -10.5 10.2 1 C 6.6 9.4 -6.6 9.4 -10.2 1 Z"
_LID = "M -10.2 1 C -7 -10.5 7 -10.5 10.2 1"
_LID_SHADE = "M -14 -13 L 14 -13 L 14 -3.5 C 6 -6.5 -6 -6.5 -14 -3.5 Z"
_FOLDS = {"young": "", "middle-aged": "M -9 -9.5 Q 2 -15 12 -6", "old": "M -10 -8 C -4 -14.5 7 -13.5 14 -2"}
_LASHES = "M 8.8 -1 L 14 -5 M 6 -4.6 L 10.4 -9.4"
_LAUGHING = "M -9.5 4 Q 0 -9 9.5 4"
_WINKING = "M -9.5 -1 Q 0 8 9.5 -1"
_OPEN = "M -16 -4 Q 0 0 16 -4 C 15 8 8 13 0 13 C -8 13 -15 8 -16 -4 Z"
_TEETH = "M -18 -7 L 18 -7 L 13 1 Q 0 4.5 -13 1 Z"
_TONGUE = "M -8 6 C -9 17 -5 20.5 0 20.5 C 5 20.5 9 17 8 6 Q 0 2 -8 6 Z"


# ---- eyes ----


def draw_eyes(who: DrawnPerson) -> None:
    """Draw brows and eyes of the expression."""
    mood = who.looks.expression
    left, right = 107.5 - who.build.spacing, 148.5 + who.build.spacing
    if mood == "laugh":
        _closed_eyes(who, (left, right), _LAUGHING)
    elif mood == "wink":
        _open_eyes(who, (left,))
        _closed_eyes(who, (right,), _WINKING)
    else:
        _open_eyes(who, (left, right))
    _brows(who, left, right)


def _outwards(path: str, eyes: tuple[float, ...]) -> str:
    """Paths at these eyes, mirrored at the left one."""
    return " ".join(placed(path, x, EYE_Y, 1 if x > MIDDLE else -1) for x in eyes)


def _at_eyes(path: str, eyes: tuple[float, ...], across: float = 1, down: float = 1) -> str:
    return " ".join(placed(path, x, EYE_Y, across, down) for x in eyes)


def _open_eyes(who: DrawnPerson, eyes: tuple[float, ...]) -> None:
    pen, mood = who.pen, who.looks.expression
    wide = who.build.eyes * (1.1 if mood == "surprised" else 1.0)
    tall = wide * {"calm": 0.86, "surprised": 1.12}.get(mood, 1.0) * LIDS[who.looks.age]
    eye = EYES[who.looks.eyes]
    white = _at_eyes(_EYE, eyes, wide, tall)
    pen.fill(white, WHITE)
    with pen.inside(white):
        pen.fill(_at_eyes(_LID_SHADE, eyes, wide, tall), "#b9a8c8", 0.7)
        pen.fill(_at_eyes(disc(0, 0.3, 6.9), eyes, wide, wide), lerp(eye, INK, 0.55))
        pen.fill(_at_eyes(disc(0, 1, 5.7), eyes, wide, wide), pen.fade(lerp(eye, INK, 0.2), lerp(eye, "#ffe9c0", 0.3)))
        pen.fill(_at_eyes(disc(0, 0.3, 3), eyes, wide, wide), INK)
    pen.fill(_at_eyes(loops(((-2.6, -2.6, 2.2), (2.6, 3, 1.1))), eyes), "#ffffff")
    pen.line(_outwards(_FOLDS[who.looks.age], eyes), who.crease, 1.9)
    pen.line(_at_eyes(_LID, eyes, wide, tall), _ink(who), 3.3 if who.looks.person == "woman" else 2.6)
    _lashes(who, eyes)


def _closed_eyes(who: DrawnPerson, eyes: tuple[float, ...], path: str) -> None:
    who.carve(_at_eyes(path, eyes), _ink(who), 3.2)
    _lashes(who, eyes)


def _lashes(who: DrawnPerson, eyes: tuple[float, ...]) -> None:
    if who.looks.person == "woman":
        who.pen.line(_outwards(_LASHES, eyes), _ink(who), 2.2)


def _brows(who: DrawnPerson, left: float, right: float) -> None:
    mood = who.looks.expression
    lift = {"surprised": 5.5, "laugh": 2.5, "calm": -1.5}.get(mood, 0) + who.build.brows
    tone = lerp(who.hair_hex, INK, 0.35) if who.pen.style == "plain" else who.hair.line
    thick, up = BROWS[who.looks.person] * who.build.brow_weight, who.build.brow_arch
    brow = f"M -10 1.5 C -3 {-3.5 - up:.2f} 5 {-4 - up:.2f} 11 2.5 C 5 {-0.4 - up:.2f} -3 {0.6 - up:.2f} -10 5 Z"
    lifts = (lift + 3.5, lift - 2.5) if mood == "wink" else (lift, lift)
    paths = (placed(brow, x, 88 - lift, side, thick) for x, lift, side in ((left, lifts[0], -1), (right, lifts[1], 1)))
    who.pen.fill(" ".join(paths), tone)


# ---- mouth ----


def _at_mouth(who: DrawnPerson, path: str) -> str:
    return placed(path, MIDDLE, MOUTH_Y, who.build.mouth)


def _ink(who: DrawnPerson) -> str:
    """Colour of lids and lashes: dark; in neon that of the outlines."""
    return who.skin.line if who.pen.style == "neon" else INK


def _lips(who: DrawnPerson) -> str:
    if who.pen.style == "neon":
        return "#ff3f8e"
    if who.lipstick:
        return who.lipstick
    if who.looks.person == "woman":
        return lerp(who.skin_hex, "#c8243f", 0.68)
    return lerp(lerp(who.skin_hex, who.skin.light, 0.5), "#a8323c", 0.45)


def _calm_mouth(who: DrawnPerson) -> None:
    _fill_lips(who, "M -10 0 Q -4 -5 0 -2.8 Q 4 -5 10 0 Q 0 10 -10 0 Z")
    who.carve(_at_mouth(who, "M -10 0 Q 0 2.2 10 0"), lerp(_lips(who), INK, 0.35), 2.4)
    who.pen.line(_at_mouth(who, "M -4.5 7.5 Q 0 9 4.5 7.5"), who.skin.deep, 1.6, 0.5)


def _smile(who: DrawnPerson) -> None:
    _fill_lips(who, "M -14 -2 C -9 -2 -4 0 0 0 C 4 0 9 -2 14 -2 C 8 12 -8 12 -14 -2 Z")
    who.carve(_at_mouth(who, "M -14 -2 Q 0 10 14 -2"), lerp(_lips(who), INK, 0.3), 2.7)
    dimples = "M 15.5 -5 Q 17.5 -2.5 16 0 M -15.5 -5 Q -17.5 -2.5 -16 0"
    who.pen.line(_at_mouth(who, dimples), who.skin.deep, 1.5, 0.6)


def _wink_mouth(who: DrawnPerson) -> None:
    _fill_lips(who, "M -11 1.5 C -5 0 -2 1 1 1 C 6 0 10 -3 15 -4.5 C 12 12 -4 12 -11 1.5 Z")
    who.carve(_at_mouth(who, "M -11 1.5 Q 4 10 15 -4.5"), lerp(_lips(who), INK, 0.3), 2.7)
    who.pen.line(_at_mouth(who, "M 16 -8 Q 18.5 -5 17 -2"), who.skin.deep, 1.7, 0.7)


def _fill_lips(who: DrawnPerson, path: str) -> None:
    thick = who.build.lips * LIDS[who.looks.age]
    lips = placed(path, MIDDLE, MOUTH_Y, who.build.mouth, thick)
    who.pen.fill(lips, _lips(who), 1 if who.looks.person == "woman" or who.lipstick else 0.65)


def _surprised_mouth(who: DrawnPerson) -> None:
    pen = who.pen
    rim = 2.6 * who.build.lips
    pen.fill(_at_mouth(who, oval(0, 2, 5.6 + rim, 6.6 + rim)), _lips(who))
    pen.fill(_at_mouth(who, oval(0, 2, 5.6, 6.6)), MOUTH)
    pen.fill(_at_mouth(who, oval(0, 6, 4, 2.6)), TONGUE)


def _laughing_mouth(who: DrawnPerson) -> None:
    pen, mouth = who.pen, _at_mouth(who, _OPEN)
    pen.fill(mouth, MOUTH)
    with pen.inside(mouth):
        pen.fill(_at_mouth(who, _TEETH), WHITE)
        if who.looks.expression == "laugh":
            pen.fill(_at_mouth(who, oval(0, 13, 9, 5.5)), TONGUE)
    pen.line(mouth, lerp(_lips(who), INK, 0.15), 1.2 + 1.4 * who.build.lips)


def _tongue_out(who: DrawnPerson) -> None:
    _laughing_mouth(who)
    tongue = _at_mouth(who, _TONGUE)
    who.pen.fill(tongue, who.pen.fade(TONGUE, "#f58aa0"))
    who.pen.line(tongue, "#a8304e", 1.8)
    who.pen.line(_at_mouth(who, "M 0 6 L 0 13"), "#b83c58", 1.7)


def draw_mouth(who: DrawnPerson) -> None:
    """Draw the mouth of the expression."""
    _MOUTHS[who.looks.expression](who)


_MOUTHS = {
    "calm": _calm_mouth,
    "smile": _smile,
    "laugh": _laughing_mouth,
    "wink": _wink_mouth,
    "surprised": _surprised_mouth,
    "tongue out": _tongue_out,
}
