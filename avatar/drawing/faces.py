"""Faces of the drawn avatars: the person that all layers draw from, neck, head, nose and lines of age."""

from avatar.drawing.attributes import Attributes, face_build
from avatar.drawing.palette import ACCENTS, GARMENT_COLOURS, HAIR_COLOURS, SKINS, Tones, lerp, to_oklab, with_undertone
from avatar.drawing.pen import MIDDLE, Pen, both, even, loops, oval, placed

EYE_Y, MOUTH_Y = 106, 138
FACES = {  # half widths of cheeks, jaw and chin, and y of the chin
    "oval": (44.0, 34.0, 13.0, 156.0),
    "round": (47.0, 39.0, 17.0, 154.0),
    "square": (45.0, 41.0, 24.0, 156.0),
    "heart": (45.0, 30.0, 8.0, 157.0),
}
NECKS = {"woman": 16.5, "person": 19.0, "man": 21.5}  # half width of the neck
JAWS = {"woman": -1.5, "person": 0.0, "man": 2.5}  # addition to the half width of the jaw
SHOULDERS = {"woman": -0.03, "person": 0.0, "man": 0.03}  # addition to the scale of the shoulders
FULLER = {"young": 0.0, "middle-aged": 0.25, "old": 0.4}  # addition to the fullness of the face
FULL = 0.8  # fullness above which there is a double chin
INK = "#241532"

# Right halves of the lines of age, and their width: on the forehead, at and below the eye, at nose and mouth.
_CREASES = {
    "young": {},
    "middle-aged": {
        "M 128 78 C 136 77 144 78 150 80": 1.7,
        "M 162 106.5 L 168 105.5 M 161.5 110 L 166.5 112": 1.6,
        "M 138 121.5 C 143 124 147 128 148.5 132.5": 2.0,
    },
    "old": {
        "M 128 66 C 139 65 149 66 158 70 M 128 74 C 138 73 146 74 154 77 M 128 81 C 136 80 143 81 149 83": 2.0,
        "M 162 106 L 169 104.5 M 161.5 110 L 168 112 M 161 102 L 167 98": 2.0,
        "M 140 116.5 C 145 120 152 120 157.5 116": 2.1,
        "M 137.5 121 C 144 124.5 149 130 150 138": 2.6,
        "M 147.5 143 C 149.5 147 149.5 150 148 153": 2.1,
    },
}
_DOUBLE_CHIN = both("128 140, 150 140 162 142 164 148, 158 160 144 169 128 169")
_NOSES = (  # shade beside the bridge, and line; centred on the tip
    ("M 0 -15 C 3 -9 5 -4 4.5 1 C 3 4 1 4 0 3 Z", "M -4.4 1 C -2.4 5 2.4 5 4.4 1"),
    (
        "M 0 -17 C 5 -10 9 -5 8 1 C 5 4 1 4 0 3 Z",
        "M -8.6 -1.5 C -10.4 4 -6 5.4 -3.6 3 C -1.8 5.8 1.8 5.8 3.6 3 C 6 5.4 10.4 4 8.6 -1.5",
    ),
    ("M 0.5 -19 C 3 -10 5.5 -4 5 1 C 3 4 1.5 5 0.5 5 Z", "M -4.8 0.8 Q -1.4 2.4 0.4 5.4 Q 2.4 3.2 5 0.6"),
    ("M 0 -22 C 3 -14 5 -6 5.6 2 C 4 5 1 5 0 5 Z", "M 3 -21 C 3.2 -12 4 -5 5.8 2 C 4 6 -2.4 6 -4.8 2.6"),
    ("M 0 -20 C 7 -15 8 -8 5 1 C 4 6 1 7 0 6 Z", "M 2.4 -20 C 7.4 -15 7.6 -8 5.6 0 C 4.6 7.4 -1 8 -5 3.4"),
    (
        "M 0 -15 C 4 -11 8 -6 6 0 C 4 4 1 4 0 4 Z",
        "M -5.4 -1 C -6.4 6 6.4 6 5.4 -1 M -6.6 1.6 C -9.6 1.4 -9.8 -4 -6.8 -4.6 M 6.6 1.6 C 9.6 1.4 9.8 -4 6.8 -4.6",
    ),
)


class DrawnPerson:
    """A character, and the pen that draws it: what all layers of the figure are drawn from.

    Attributes:
        looks: the character.
        pen: pen of the picture.
        build: individual proportions of the face.
        skin_hex, hair_hex: colours in daylight, "#rrggbb": those of `tones`, or else the named ones.
        skin, hair, garment: tones of the skin; of hair, beard and brows; of the garment.
        crease: colour of nose and lines of age.
        accent: tones of ties, seams and patches.
        headwear: tones of a real person's headwear; None: those of its kind.
        lipstick: colour of a real person's lipstick, "#rrggbb"; None: there is none, or that of the looks.
        half, jaw, neck: half the width of the head at the ears, of the jaw, and of the neck.
        double_chin: whether there is one.
        shoulders: scale factor of the shoulders' width.
        face: outline of the head, an SVG path.
    """

    def __init__(self, looks: Attributes, pen: Pen, tones: Tones | None = None) -> None:
        self.looks, self.pen, self.build = looks, pen, face_build(looks.variation)
        tones = tones or Tones()
        self.skin_hex = tones.skin or with_undertone(SKINS[looks.skin], self.build.undertone)
        self.hair_hex = tones.hair or HAIR_COLOURS[looks.hair_colour]
        self.skin, self.hair = pen.skin(self.skin_hex), pen.ramp(self.hair_hex)
        neon = pen.style == "neon"
        self.crease = lerp(self.skin.base, self.skin.line, 0.5) if neon else lerp(self.skin.deep, self.skin.line, 0.15)
        self.garment = pen.ramp(tones.garment or GARMENT_COLOURS[looks.garment_colour])
        self.accent = pen.ramp(ACCENTS[looks.garment_colour])
        self.headwear = pen.ramp(tones.headwear) if tones.headwear else None
        self.lipstick = tones.lips
        cheek, jaw, chin, low = FACES[looks.face]
        full, wider = self.build.fullness + FULLER[looks.age], JAWS[looks.person]
        self.double_chin = full > FULL
        self.half = cheek + self.build.width + (wider + full) / 2
        self.jaw = min(jaw + self.build.width + wider + 5 * full, self.half - 1)
        self.face = _face(self.half, self.jaw, chin + 7 * full, low + self.build.chin)
        self.neck = NECKS[looks.person] + 3 * full
        self.shoulders = self.build.shoulders + SHOULDERS[looks.person]

    def carve(self, path: str, paint: str, width: float) -> None:
        """Draw a line in the skin, with light on its lower side, so that it is seen on every skin."""
        light = 1.03 - 0.65 * to_oklab(self.skin_hex)[0]  # more on dark skin
        self.pen.line(placed(path, 0, 1.9), self.skin.light, width, light)
        self.pen.line(path, paint, width)


def _face(cheek: float, jaw: float, chin: float, low: float) -> str:
    c, j = MIDDLE + cheek, MIDDLE + jaw
    return both(
        f"128 42, {128 + cheek * 0.62:.2f} 42 {c + 1:.2f} 62 {c:.2f} 96, {c:.2f} 112 {j + 6:.2f} 126 {j:.2f} 136, "
        f"{j - 6:.2f} 148 {128 + chin:.2f} {low:.2f} 128 {low:.2f}"
    )


# ---- neck and head ----


def draw_neck(who: DrawnPerson) -> None:
    """Draw neck and chest, with the shadow of the chin."""
    right = 128 + who.neck
    neck = both(
        f"128 130, {right:.2f} 130 {right:.2f} 140 {right:.2f} 150, "
        f"{right:.2f} 172 {right + 2:.2f} 178 168 188, 172 236 150 240 128 240"
    )
    who.pen.form(neck, who.skin)
    with who.pen.inside(neck):
        who.pen.fill(both("128 140, 150 140 164 140 168 150, 156 168 142 176 128 176"), who.skin.deep, 0.55)
        who.pen.lines("M 137 200 C 146 196 154 195 164 197", who.skin.deep, 2, 0.45)
        if who.double_chin:
            who.pen.form(_DOUBLE_CHIN, who.skin, 2)
        if who.looks.age == "old":
            who.pen.lines("M 136 168 C 136 176 135 182 133 190", who.crease, 2, 0.7)


def draw_head(who: DrawnPerson) -> None:
    """Draw ears, face, nose and lines of age, without hair."""
    pen, skin = who.pen, who.skin
    for x in (127 - who.half, 129 + who.half):
        pen.form(oval(x, 110, 8.5, 12), skin)
    inner = placed("M 2 -6 C 7 -8 6 2 2 4", 127 + who.half, 110)
    pen.lines(inner, skin.deep, 1.8, 0.7)
    pen.form(who.face, skin)
    with pen.inside(who.face):
        pen.glow(oval(104, 72, 46, 40), skin.light, 0.55)
        pen.fill("M 180 40 C 176 96 168 132 128 158 L 190 170 Z", skin.shade, 0.4)
        blush = lerp(who.skin_hex, "#e8485f", 0.55) if pen.style == "plain" else "#ff4fa8"
        for x in (101, 155):
            pen.glow(oval(x, 126, 15, 11), blush, 0.42)
        if who.build.freckles:
            places = ((20, 120), (25, 124), (30, 120), (14, 123))
            pen.fill(loops(tuple((128 + side * x, y, 1) for side in (-1, 1) for x, y in places)), skin.deep, 0.6)
        _draw_creases(who)
    _draw_nose(who)


def _draw_creases(who: DrawnPerson) -> None:
    for path, width in _CREASES[who.looks.age].items():
        who.carve(even(path), who.crease, width)


def _draw_nose(who: DrawnPerson) -> None:
    shade, line = _NOSES[who.build.nose]
    who.pen.fill(placed(shade, 128, 121), who.skin.shade, 0.6)
    who.carve(placed(line, 128, 121), who.crease, 2.2)
    who.pen.fill(oval(126.5, 118, 2.6, 2.2), who.skin.light, 0.7)
