"""Faces of the drawn avatars: neck, head, eyes, mouth and beard. The eyes are at the same height in every picture."""

from avatar.drawing.attributes import Attributes, face_build
from avatar.drawing.palette import ACCENTS, EYES, GARMENT_COLOURS, HAIR_COLOURS, SKINS, Tones, lerp
from avatar.drawing.pen import MIDDLE, Pen, both, disc, flip, loops, oval, placed

EYE_Y, MOUTH_Y = 106, 138
FACES = {  # half widths of cheeks, jaw and chin, and y of the chin
    "oval": (44.0, 35.0, 14.0, 156.0),
    "round": (47.0, 39.0, 17.0, 154.0),
    "square": (45.0, 41.5, 24.0, 156.0),
    "heart": (45.0, 31.0, 9.0, 157.0),
}
NECKS = {"woman": 17.0, "person": 19.5, "man": 22.5}  # half width of the neck
JAWS = {"woman": -1.5, "person": 0.0, "man": 2.5}  # addition to the half width of the jaw
BROWS = {"woman": 3.2, "person": 4.4, "man": 5.8}  # thickness of the brows
INK, WHITE, MOUTH, TONGUE = "#241532", "#fffaf4", "#5a1626", "#e2607a"

# Paths centred on an eye, a brow or a mouth.
_EYE = "M -10.2 1 C -7 -10.5 7 -10.5 10.2 1 C 6.6 9.4 -6.6 9.4 -10.2 1 Z"
_LID = "M -10.2 1 C -7 -10.5 7 -10.5 10.2 1"
_LID_SHADE = "M -14 -13 L 14 -13 L 14 -3.5 C 6 -6.5 -6 -6.5 -14 -3.5 Z"
_LASHES = "M 8.8 -1 L 14 -5 M 6 -4.6 L 10.4 -9.4"
_LAUGHING = "M -9.5 4 Q 0 -9 9.5 4"
_WINKING = "M -9.5 -1 Q 0 8 9.5 -1"
_BROW = "M -10 1.5 C -3 -3.5 5 -4 11 2.5 C 5 -0.4 -3 0.6 -10 5 Z"
_OPEN = "M -16 -4 Q 0 0 16 -4 C 15 8 8 13 0 13 C -8 13 -15 8 -16 -4 Z"
_TEETH = "M -18 -7 L 18 -7 L 13 1 Q 0 4.5 -13 1 Z"
_TONGUE = "M -8 6 C -9 17 -5 20.5 0 20.5 C 5 20.5 9 17 8 6 Q 0 2 -8 6 Z"
_MOUSTACHE = (
    "M 0 -9 C 5 -13 13 -11 18 -4 C 20 -2 22 -4 21 -7 C 25 -1 19 4 12 2 C 7 1 3 -2 0 -3 "
    "C -3 -2 -7 1 -12 2 C -19 4 -25 -1 -21 -7 C -22 -4 -20 -2 -18 -4 C -13 -11 -5 -13 0 -9 Z"
)
_GOATEE = both("128 148, 134 148 139 145 142 142, 149 147 145 169 128 170")


class DrawnPerson:
    """A character, and the pen that draws it: what all layers of the figure are drawn from.

    Attributes:
        looks: the character.
        pen: pen of the picture.
        build: individual proportions of the face.
        skin_hex, hair_hex: colours in daylight, "#rrggbb": those of `tones`, or else the named ones.
        skin, hair, garment: tones of the skin; of hair, beard and brows; of the garment.
        accent: tones of ties, seams and patches.
        half: half the width of the head at the ears.
        neck: half the width of the neck.
        face: outline of the head, an SVG path.
    """

    def __init__(self, looks: Attributes, pen: Pen, tones: Tones | None = None) -> None:
        self.looks, self.pen, self.build = looks, pen, face_build(looks.variation)
        tones = tones or Tones()
        self.skin_hex = tones.skin or SKINS[looks.skin]
        self.hair_hex = tones.hair or HAIR_COLOURS[looks.hair_colour]
        self.skin, self.hair = pen.skin(self.skin_hex), pen.ramp(self.hair_hex)
        self.garment = pen.ramp(GARMENT_COLOURS[looks.garment_colour])
        self.accent = pen.ramp(ACCENTS[looks.garment_colour])
        cheek, jaw, chin, low = FACES[looks.face]
        wider = JAWS[looks.person]
        self.half = cheek + self.build.width + wider / 2
        self.face = _face(self.half, jaw + self.build.width + wider, chin, low)
        self.neck = NECKS[looks.person]


def _face(cheek: float, jaw: float, chin: float, low: float) -> str:
    c, j = MIDDLE + cheek, MIDDLE + jaw
    return both(
        f"128 42, {128 + cheek * 0.62:.2f} 42 {c + 1:.2f} 62 {c:.2f} 96, {c:.2f} 112 {j + 6:.2f} 126 {j:.2f} 136, "
        f"{j - 6:.2f} 148 {128 + chin:.2f} {low} 128 {low}"
    )


# ---- neck and head ----


def draw_neck(who: DrawnPerson) -> None:
    """Draw neck and chest, with the shadow of the chin."""
    right = 128 + who.neck
    neck = both(
        f"128 130, {right} 130 {right} 140 {right} 150, {right} 172 {right + 2} 178 168 188, 172 236 150 240 128 240"
    )
    who.pen.form(neck, who.skin)
    with who.pen.inside(neck):
        who.pen.fill(both("128 140, 150 140 164 140 168 150, 156 168 142 176 128 176"), who.skin.deep, 0.55)
        who.pen.lines("M 137 200 C 146 196 154 195 164 197", who.skin.deep, 2, 0.45)


def draw_head(who: DrawnPerson) -> None:
    """Draw ears, face, nose and mouth, without hair."""
    pen, skin = who.pen, who.skin
    for x in (127 - who.half, 129 + who.half):
        pen.form(oval(x, 110, 8.5, 12), skin)
    inner = placed("M 2 -6 C 7 -8 6 2 2 4", 127 + who.half, 110)
    pen.lines(inner, skin.deep, 1.8, 0.7)
    pen.form(who.face, skin)
    with pen.inside(who.face):
        pen.glow(oval(104, 72, 46, 40), skin.light, 0.55)
        pen.fill("M 180 40 C 176 96 168 132 128 158 L 190 170 Z", skin.shade, 0.5)
        blush = lerp(who.skin_hex, "#e8485f", 0.55) if pen.style == "plain" else "#ff4fa8"
        for x in (101, 155):
            pen.glow(oval(x, 126, 15, 11), blush, 0.5)
        if who.build.freckles:
            places = ((20, 120), (25, 124), (30, 120), (14, 123))
            pen.fill(loops(tuple((128 + side * x, y, 1) for side in (-1, 1) for x, y in places)), skin.deep, 0.6)
    _draw_nose(who)
    _MOUTHS[who.looks.expression](who)


def _draw_nose(who: DrawnPerson) -> None:
    long, wide = ((0, 1.0), (1, 1.3), (-2, 0.85))[who.build.nose]
    pen, y = who.pen, 121 + long
    pen.fill(placed("M 0 -17 C 4 -9 6 -4 5 1 C 3 4 1 4 0 3 Z", 128, y, wide), who.skin.shade, 0.55)
    pen.line(placed("M -4.8 1 C -2.6 5 2.6 5 4.8 1", 128, y, wide), who.skin.deep, 2.2)
    pen.fill(oval(126.5, y - 3, 2.6, 2.2), who.skin.light, 0.7)


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


def _at_eyes(path: str, eyes: tuple[float, ...], across: float = 1, down: float = 1) -> str:
    return " ".join(placed(path, x, EYE_Y, across, down) for x in eyes)


def _open_eyes(who: DrawnPerson, eyes: tuple[float, ...]) -> None:
    pen, mood = who.pen, who.looks.expression
    wide = who.build.eyes * (1.1 if mood == "surprised" else 1.0)
    tall = wide * {"calm": 0.86, "surprised": 1.12}.get(mood, 1.0)
    eye = EYES[who.looks.eyes]
    white = _at_eyes(_EYE, eyes, wide, tall)
    pen.fill(white, WHITE)
    with pen.inside(white):
        pen.fill(_at_eyes(_LID_SHADE, eyes, wide, tall), "#b9a8c8", 0.7)
        pen.fill(_at_eyes(disc(0, 0.3, 6.9), eyes, wide, wide), lerp(eye, INK, 0.55))
        pen.fill(_at_eyes(disc(0, 1, 5.7), eyes, wide, wide), pen.fade(lerp(eye, INK, 0.2), lerp(eye, "#ffe9c0", 0.3)))
        pen.fill(_at_eyes(disc(0, 0.3, 3), eyes, wide, wide), INK)
    pen.fill(_at_eyes(loops(((-2.6, -2.6, 2.2), (2.6, 3, 1.1))), eyes), "#ffffff")
    pen.line(_at_eyes(_LID, eyes, wide, tall), _ink(who), 3.3 if who.looks.person == "woman" else 2.6)
    _lashes(who, eyes)


def _closed_eyes(who: DrawnPerson, eyes: tuple[float, ...], path: str) -> None:
    who.pen.line(_at_eyes(path, eyes), _ink(who), 3.2)
    _lashes(who, eyes)


def _lashes(who: DrawnPerson, eyes: tuple[float, ...]) -> None:
    if who.looks.person == "woman":
        paths = (placed(_LASHES, x, EYE_Y, 1 if x > MIDDLE else -1) for x in eyes)
        who.pen.line(" ".join(paths), _ink(who), 2.2)


def _brows(who: DrawnPerson, left: float, right: float) -> None:
    mood = who.looks.expression
    lift = {"surprised": 5.5, "laugh": 2.5, "calm": -1.5}.get(mood, 0) + who.build.brows
    tone = lerp(who.hair_hex, INK, 0.35) if who.pen.style == "plain" else who.hair.line
    thick = BROWS[who.looks.person] / 4.4
    lifts = (lift + 3.5, lift - 2.5) if mood == "wink" else (lift, lift)
    paths = (placed(_BROW, x, 88 - up, side, thick) for x, up, side in ((left, lifts[0], -1), (right, lifts[1], 1)))
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
    if who.looks.person == "woman":
        return lerp(who.skin_hex, "#c8243f", 0.68)
    return lerp(who.skin.deep, "#a8323c", 0.3)


def _calm_mouth(who: DrawnPerson) -> None:
    _lipstick(who, "M -10 0 Q -4 -5 0 -2.8 Q 4 -5 10 0 Q 0 10 -10 0 Z")
    who.pen.line(_at_mouth(who, "M -10 0 Q 0 2.2 10 0"), lerp(_lips(who), INK, 0.35), 2.4)
    who.pen.line(_at_mouth(who, "M -4.5 7.5 Q 0 9 4.5 7.5"), who.skin.deep, 1.6, 0.5)


def _smile(who: DrawnPerson) -> None:
    _lipstick(who, "M -14 -2 C -9 -2 -4 0 0 0 C 4 0 9 -2 14 -2 C 8 12 -8 12 -14 -2 Z")
    who.pen.line(_at_mouth(who, "M -14 -2 Q 0 10 14 -2"), lerp(_lips(who), INK, 0.3), 2.7)
    dimples = "M 15.5 -5 Q 17.5 -2.5 16 0 M -15.5 -5 Q -17.5 -2.5 -16 0"
    who.pen.line(_at_mouth(who, dimples), who.skin.deep, 1.5, 0.6)


def _wink_mouth(who: DrawnPerson) -> None:
    _lipstick(who, "M -11 1.5 C -5 0 -2 1 1 1 C 6 0 10 -3 15 -4.5 C 12 12 -4 12 -11 1.5 Z")
    who.pen.line(_at_mouth(who, "M -11 1.5 Q 4 10 15 -4.5"), lerp(_lips(who), INK, 0.3), 2.7)
    who.pen.line(_at_mouth(who, "M 16 -8 Q 18.5 -5 17 -2"), who.skin.deep, 1.7, 0.7)


def _lipstick(who: DrawnPerson, path: str) -> None:
    if who.looks.person == "woman":
        who.pen.fill(_at_mouth(who, path), _lips(who))


def _surprised_mouth(who: DrawnPerson) -> None:
    pen = who.pen
    pen.fill(_at_mouth(who, oval(0, 2, 8.2, 9.2)), _lips(who))
    pen.fill(_at_mouth(who, oval(0, 2, 5.6, 6.6)), MOUTH)
    pen.fill(_at_mouth(who, oval(0, 6, 4, 2.6)), TONGUE)


def _laughing_mouth(who: DrawnPerson) -> None:
    pen, mouth = who.pen, _at_mouth(who, _OPEN)
    pen.fill(mouth, MOUTH)
    with pen.inside(mouth):
        pen.fill(_at_mouth(who, _TEETH), WHITE)
        if who.looks.expression == "laugh":
            pen.fill(_at_mouth(who, oval(0, 13, 9, 5.5)), TONGUE)
    pen.line(mouth, lerp(_lips(who), INK, 0.15), 2.4)


def _tongue_out(who: DrawnPerson) -> None:
    _laughing_mouth(who)
    tongue = _at_mouth(who, _TONGUE)
    who.pen.fill(tongue, who.pen.fade(TONGUE, "#f58aa0"))
    who.pen.line(tongue, "#a8304e", 1.8)
    who.pen.line(_at_mouth(who, "M 0 6 L 0 13"), "#b83c58", 1.7)


_MOUTHS = {
    "calm": _calm_mouth,
    "smile": _smile,
    "laugh": _laughing_mouth,
    "wink": _wink_mouth,
    "surprised": _surprised_mouth,
    "tongue out": _tongue_out,
}


# ---- beard ----


def draw_beard(who: DrawnPerson) -> None:
    """Draw moustache and beard; the mouth stays free."""
    kind = who.looks.beard
    if kind in ("short beard", "long beard"):
        _full_beard(who, long=kind == "long beard")
    elif kind == "goatee":
        who.pen.form(_GOATEE, who.hair, 1.8)
        who.pen.form(_at_mouth(who, placed(_MOUSTACHE, 0, 0, 0.8, 0.9)), who.hair, 1.7)
    elif kind == "moustache":
        who.pen.form(_at_mouth(who, placed(_MOUSTACHE, 0, 0, 1.1, 1.15)), who.hair, 1.7)


def _full_beard(who: DrawnPerson, long: bool) -> None:
    """Draw a full beard: outer edge around the jaw, inner edge along cheeks and upper lip, a hole for the mouth."""
    x, y = 128 + who.half, MOUTH_Y
    side, low = (168, 198) if long else (150, 165)
    outer = f"M {x - 2} 96 C {x + 3} 112 {x + 1} 126 {x - 4} 136 C {x - 8} {side} 152 {low} 128 {low}"
    back = f"C 104 {low} {264 - x} {side} {260 - x} 136 C {255 - x} 126 {253 - x} 112 {258 - x} 96"
    inner = (
        f"C {262 - x} 116 96 128 106 131 C 112 126 122 125 128 129 C 134 125 144 126 150 131 "
        f"C 160 128 {x - 6} 116 {x - 2} 96 Z"
    )
    hole = (
        f"M 109 {y - 5} Q 128 {y} 147 {y - 5} C 147 {y + 10} 138 {y + 14} 128 {y + 14} "
        f"C 118 {y + 14} 109 {y + 10} 109 {y - 5} Z"
    )
    path = f"{outer} {back} {inner} {flip(hole)}"
    who.pen.fill(path, who.pen.lit(who.hair))
    who.pen.line(path, who.hair.line, 2)
    strands = "M 152 147 C 148 155 144 158 140 161 M 162 136 C 159 143 156 148 153 151"
    if long:
        strands += " M 144 166 C 142 176 138 184 134 188 M 131 164 L 129 182"
    who.pen.lines(strands, who.hair.detail, 1.6, 0.6)
