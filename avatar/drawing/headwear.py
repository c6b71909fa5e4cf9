"""Headwear of the drawn avatars; all hats sit on the same line across the forehead."""

import math
from collections.abc import Callable

from avatar.drawing.faces import DrawnPerson
from avatar.drawing.palette import PAPER, ToneRamp
from avatar.drawing.pen import OUTLINE, Pen, both, disc, even, flip, loops, oval, placed, star

_BELOW_CUFF = both("128 60, 160 60 186 72 188 100, 176 92 156 87 128 87")  # shadows on the forehead
_BELOW_BRIM = both("128 70, 164 70 186 78 188 104, 176 100 156 97 128 97")

_FLATTENED_HAIR = both(  # a tuft over each ear, and locks on the forehead
    "128 66, 135 66 142 70 148 72, 168 66 182 76 186 92, 190 90 192 88 194 85, 194 94 192 101 188 106, "
    "191 106 193 105 196 103, 193 113 186 121 177 124, 172 120 169 113 168 105, 166 108 165 110 164 113, "
    "161 107 160 102 160 97, 155 99 152 102 150 105, 147 97 144 90 138 84, 135 82 132 81 128 81"
)
_NEAT_HAIR = even(  # in front of each ear
    "M 158 74 C 176 74 189 84 190 97 C 190 107 187 118 181 125 C 176 121 174 113 173 105 C 172 98 168 92 158 90 Z"
)
HATS = frozenset(  # headwear that flattens the hair
    {"beanie", "horned helmet", "cap", "straw hat", "tam", "fedora", "cowboy hat", "bucket hat", "hat"}
)
COVERS = frozenset({"headscarf", "turban"})  # headwear that covers all hair
COVERS_NECK = frozenset({"headscarf"})  # headwear that covers all jewellery
SIDES_ONLY = frozenset({"buzz cut", "receding", "crown bald", "side parting", "short coils", "cornrows"})  # no locks
HIDDEN_HAIR = SIDES_ONLY | {  # hairstyles that look like plain short hair below a hat
    *("quiff", "short curls", "spikes", "mohawk", "top bun", "space buns"),
}


def draw_headwear_behind(who: DrawnPerson) -> None:
    """Draw the far side of a wide brim."""
    if who.looks.headwear == "straw hat":
        who.pen.form(oval(128, 74, 88, 20), who.pen.ramp("#c9974a"))


def draw_headwear_at_neck(who: DrawnPerson) -> None:
    """Draw the part of a headscarf that lies around neck and shoulders, below chin and beard."""
    if who.looks.headwear not in COVERS_NECK:
        return
    pen, tones = who.pen, who.headwear or who.accent
    pen.form(_SCARF_AT_NECK, tones)
    pen.fill(oval(128, 112, 56, 56), tones.deep)
    with pen.inside(_SCARF_AT_NECK):
        pen.line(_SCARF_FOLDS, tones.detail, 2, 0.6)
        pen.fill(both("128 140, 152 140 168 144 172 152, 160 170 144 178 128 178"), tones.deep, 0.4)


def draw_headwear(who: DrawnPerson) -> None:
    """Draw the headwear."""
    if who.looks.headwear != "none":
        draw, colour = _HEADWEAR[who.looks.headwear]
        draw(who, who.pen, who.headwear or (who.pen.ramp(colour) if colour else who.accent))


def flattened_hair(who: DrawnPerson) -> str:
    """Outline of short hair below a hat; "" without a hat, or with a hairstyle that stays visible."""
    if who.looks.headwear not in HATS or who.looks.hair not in HIDDEN_HAIR:
        return ""
    return _NEAT_HAIR if who.looks.hair in SIDES_ONLY else _FLATTENED_HAIR


def _shadow(who: DrawnPerson, path: str) -> None:
    with who.pen.inside(who.face):
        who.pen.fill(path, who.skin.deep, 0.45)
    hair = flattened_hair(who)
    if hair:
        with who.pen.inside(hair):
            who.pen.fill(path, who.hair.deep, 0.45)


def _bow(who: DrawnPerson, pen: Pen, tones: ToneRamp) -> None:
    right = "M 170 46 C 176 24 204 12 212 26 C 218 38 212 60 204 68 C 194 70 178 60 170 52 Z"
    left = "M 166 46 C 152 28 126 26 124 40 C 122 54 136 70 146 72 C 156 70 164 58 168 52 Z"
    pen.form(f"{right} {left}", tones)
    creases = "M 176 46 C 186 40 196 36 204 34 M 176 52 C 186 54 194 56 200 58 M 160 50 C 150 44 142 42 134 42"
    pen.line(f"{creases} M 160 54 C 152 58 148 60 144 64", tones.line, 1.8, 0.7)
    pen.form(oval(168, 49, 9, 10), tones)


def _bandana(who: DrawnPerson, pen: Pen, tones: ToneRamp) -> None:
    band = both("128 58, 158 58 176 66 182 78, 183 86 182 92 180 98, 168 84 150 78 128 78")
    down = "M 180 84 C 196 84 208 92 216 106 C 206 106 200 104 196 108 C 192 98 186 92 178 92 Z"
    up = "M 180 84 C 194 76 206 74 220 78 C 214 84 212 90 212 94 C 202 90 190 90 180 92 Z"
    pen.form(down, tones)
    pen.form(up, tones)
    _shadow(who, placed(band, 0, 6))
    pen.form(band, tones)
    with pen.inside(band):
        dots = loops(tuple((x, 68 + ((x - 128) / 60) ** 2 * 16, 2.8) for x in range(80, 184, 12)))
        pen.fill(dots, PAPER)
        pen.line(dots, tones.line, 0.8)
    pen.form(oval(181, 87, 6.5, 8), tones)


def _beanie(who: DrawnPerson, pen: Pen, tones: ToneRamp) -> None:
    dome = both("128 18, 164 18 184 44 184 80, 176 86 150 76 128 76")
    cuff = both("128 56, 160 56 182 64 188 78, 190 88 188 94 184 98, 170 84 150 80 128 80")
    _shadow(who, _BELOW_CUFF)
    pen.form(dome, tones)
    with pen.inside(dome):
        right = "M 144 22 C 150 36 152 50 152 62 M 158 30 C 166 44 170 56 172 70"
        pen.line(f"M 128 18 L 128 60 {even(right)}", tones.detail, 1.7, 0.6)
    if who.headwear is None:  # a pompom that a real person's need not have
        pen.form(disc(128, 16, 13), pen.ramp("#fff1d8"))
    pen.form(cuff, tones)
    with pen.inside(cuff):
        ribs = ((x, x - 128, ((x - 128) / 60) ** 2) for x in range(74, 188, 9))
        lines = (f"M {x} {54 + sag * 14:.1f} L {x + out * 0.04:.1f} {82 + sag * 18:.1f}" for x, out, sag in ribs)
        pen.line(" ".join(lines), tones.detail, 1.8, 0.7)


def _horned_helmet(who: DrawnPerson, pen: Pen, bone: ToneRamp) -> None:
    brass = pen.ramp("#d9a441")
    horn = "M 172 62 C 196 66 214 48 210 8 C 226 30 232 74 190 90 C 182 84 176 74 172 62 Z"
    rings = "M 184 50 L 200 92 M 196 44 L 214 80 M 204 32 L 226 60"
    pen.form(horn, bone)
    pen.form(flip(horn), bone)
    with pen.inside(even(horn)):
        pen.lines(rings, bone.detail, 2, 0.6)
    _shadow(who, _BELOW_CUFF)
    pen.form(both("128 22, 164 22 184 46 184 82, 170 76 150 74 128 74"), pen.ramp("#aab2c2"))
    pen.line("M 90 60 C 92 46 100 36 112 32", "#ffffff", 5, 0.6)
    pen.form(both("128 20, 133 20 136 22 136 24, 136 44 136 60 136 76, 132 78 130 78 128 78"), brass)
    pen.form(both("128 62, 160 62 182 70 188 82, 190 90 188 96 185 99, 170 86 150 80 128 80"), brass)
    rivets = loops(tuple((x, 71 + ((x - 128) / 60) ** 2 * 17, 2.6) for x in range(80, 177, 16)))
    pen.fill(rivets, "#fff3c8")
    pen.line(rivets, "#6b4418", 1)


def _headphones(who: DrawnPerson, pen: Pen, tones: ToneRamp) -> None:
    dark, x = pen.ramp("#37324a"), who.half + 9
    arc = f"M {128 - x} 104 C {122 - x} 4 {134 + x} 4 {128 + x} 104"
    pen.tube(arc, dark.line, 13, dark.base, 8.5)
    pen.line(f"M {130 - x} 72 C {136 - x} 44 106 32 124 30", dark.light, 2.6, 0.9)
    for side in (-1, 1):
        pen.form(oval(128 + side * (x + 2), 108, 13, 21), tones)
        pen.form(oval(128 + side * (x + 6), 108, 7, 14), dark, 1.8)
        pen.fill(oval(126.5 + side * (x + 6), 103, 2.5, 4.5), tones.light, 0.9)


def _cap(who: DrawnPerson, pen: Pen, tones: ToneRamp) -> None:
    peak = who.headwear or pen.ramp("#f2563f")
    _shadow(who, _BELOW_BRIM)
    pen.form(both("128 18, 166 18 186 44 184 82, 170 74 150 72 128 72"), tones)
    pen.lines("M 134 20 C 154 30 164 46 166 70", tones.detail, 1.6, 0.7)
    pen.form(oval(128, 18.5, 6, 3.5), peak, 1.6)
    if who.headwear is None:  # a badge that a real person's cap need not have
        pen.form(star(128, 47, 13), pen.ramp("#fff2d0"), 1.6)
    pen.form(both("128 62, 166 62 190 70 200 86, 196 94 190 94 184 92, 166 82 150 80 128 80"), peak)
    pen.line("M 66 84 C 80 72 104 67 124 66", peak.light, 3, 0.8)


def _straw_hat(who: DrawnPerson, pen: Pen, straw: ToneRamp) -> None:
    crown = both("128 20, 158 20 172 28 176 64, 170 74 150 76 128 76")
    brim = both("128 64, 160 64 176 62 182 58, 206 62 220 70 222 78, 214 92 170 88 128 88")
    weave = pen.pattern(6, 6, f'<path d="M0 3H6M3 0V6" stroke="{straw.deep}" stroke-width="0.9"/>', 20)
    _shadow(who, _BELOW_BRIM)
    for path in (brim, crown):
        pen.form(path, straw)
        pen.fill(path, weave, 0.5)
    pen.form(both("128 54, 150 54 166 52 175 48, 176 56 177 60 178 64, 166 72 150 73 128 73"), pen.ramp("#d9473f"))


def _tam(who: DrawnPerson, pen: Pen, green: ToneRamp) -> None:
    whole = both("128 8, 176 6 206 30 200 62, 194 80 176 80 128 78")
    _shadow(who, _BELOW_CUFF)
    pen.form(whole, green)
    with pen.inside(whole):
        for y, colour in ((56, "#d8343c"), (34, "#f3c43a")):
            tones = pen.ramp(colour)
            pen.line(f"M 40 {y + 22} C 80 {y - 4} 176 {y - 4} 216 {y + 22}", tones.base, 17)
            pen.line(f"M 128 {y + 2.5} C 160 {y + 2.5} 190 {y + 8} 216 {y + 22}", tones.shade, 17, 0.5)
        knit = pen.pattern(6, 5, '<path d="M0 1L3 4L6 1" fill="none" stroke="#20102e" stroke-width="1"/>')
        pen.fill(whole, knit, 0.28)
    pen.line(whole, green.line, OUTLINE)
    pen.form(both("128 64, 160 64 180 70 186 82, 188 90 186 96 184 98, 170 86 150 82 128 82"), pen.ramp("#33303f"))


def _brimmed(who: DrawnPerson, felt: ToneRamp, *, band: str, crown: str, brim: str, ribbon: str) -> None:
    _shadow(who, _BELOW_BRIM)
    who.pen.form(crown, felt)
    who.pen.form(ribbon, who.pen.ramp(band))
    who.pen.form(brim, felt)


def _fedora(who: DrawnPerson, pen: Pen, felt: ToneRamp) -> None:
    crown = "M 80 72 C 80 46 86 22 104 20 C 116 18 120 26 128 26 C 136 26 140 18 152 20 C 170 22 176 46 176 72 Z"
    brim = both("128 68, 160 68 190 64 204 58, 210 66 206 76 190 82, 172 86 150 84 128 84")
    ribbon = both("128 54, 150 54 166 53 175 52, 177 60 177 66 177 74, 166 74 150 74 128 74")
    _brimmed(who, felt, band="#c23a48", crown=crown, brim=brim, ribbon=ribbon)
    who.pen.line("M 90 48 C 92 36 98 28 106 27", felt.light, 4, 0.7)


def _cowboy_hat(who: DrawnPerson, pen: Pen, felt: ToneRamp) -> None:
    crown = "M 84 74 C 82 46 86 14 106 12 C 118 12 122 22 128 22 C 134 22 138 12 150 12 C 170 14 174 46 172 74 Z"
    brim = both("128 70, 168 72 204 66 222 34, 234 44 234 62 222 76, 200 92 160 88 128 88")
    ribbon = both("128 56, 150 56 164 55 172 53, 174 62 174 68 174 76, 166 76 150 76 128 76")
    _brimmed(who, felt, band="#f2dcae", crown=crown, brim=brim, ribbon=ribbon)
    who.pen.line("M 36 60 C 50 78 80 80 112 79", felt.light, 3, 0.7)
    who.pen.line("M 128 24 C 126 34 126 42 127 50 M 94 44 C 94 34 98 24 106 20", felt.light, 3, 0.6)


def _bucket_hat(who: DrawnPerson, pen: Pen, tones: ToneRamp) -> None:
    _shadow(who, placed(_BELOW_BRIM, 0, 3))
    pen.form(both("128 20, 156 20 168 24 172 32, 176 48 178 58 180 68, 164 74 148 74 128 74"), tones)
    pen.line("M 92 34 C 90 44 88 52 86 62", tones.light, 4, 0.6)
    brim = both("128 62, 152 62 170 62 180 66, 194 76 204 86 208 96, 186 90 158 86 128 86")
    pen.form(brim, tones)
    with pen.inside(brim):
        seams = "M 60 80 C 90 70 166 70 196 80 M 54 87 C 90 77 166 77 202 87"
        pen.line(seams, tones.detail, 1.4, 0.7)
    pen.form(placed(star(0, 0, 9), 128, 46), pen.ramp("#f6d04e"), 1.6)


def _hat(who: DrawnPerson, pen: Pen, felt: ToneRamp) -> None:
    crown = both("128 18, 156 18 172 28 174 46, 176 56 177 64 177 74, 164 78 146 78 128 78")
    brim = both("128 70, 164 70 190 70 208 70, 218 72 220 80 212 84, 190 92 160 90 128 90")
    ribbon = both("128 58, 150 58 166 57 176 55, 177 62 177 68 177 76, 166 78 150 78 128 78")
    _brimmed(who, felt, band="#4b3a3c", crown=crown, brim=brim, ribbon=ribbon)
    pen.line("M 94 46 C 95 36 102 28 112 26", felt.light, 4, 0.6)


_SCARF = (  # around the face
    "M 128 22 C 172 22 194 62 190 110 C 188 138 178 160 160 172 C 168 156 173 140 174 122 C 176 96 168 74 150 66 "
    "C 136 61 120 61 106 66 C 88 74 80 96 82 122 C 83 140 88 156 96 172 C 78 160 68 138 66 110 "
    "C 62 62 84 22 128 22 Z"
)
_SCARF_AT_NECK = (
    "M 72 140 C 82 160 108 162 128 162 C 148 162 174 160 184 140 C 192 160 204 178 208 198 C 190 214 160 222 128 222 "
    "C 96 222 66 214 48 198 C 52 178 64 160 72 140 Z"
)
_SCARF_FOLDS = "M 70 164 C 100 186 150 190 190 170 M 60 184 C 96 206 156 208 202 184 M 84 160 C 104 176 130 180 150 176"


def _headscarf(who: DrawnPerson, pen: Pen, tones: ToneRamp) -> None:
    with pen.inside(who.face):
        pen.fill(placed(_SCARF, 0, 4), who.skin.deep, 0.4)
    pen.form(_SCARF, tones)
    with pen.inside(_SCARF):
        pen.line("M 104 32 C 86 46 78 66 74 100 M 152 30 C 172 44 182 70 184 108", tones.light, 5, 0.45)
        pen.line("M 118 26 C 96 40 86 58 80 86 M 134 26 C 160 36 176 58 180 90", tones.detail, 1.8, 0.6)
    under = "M 88 82 C 100 64 156 64 168 82"
    pen.tube(under, tones.line, 6.5, pen.ramp(PAPER).base, 3.4)


_TURBAN = both("128 8, 170 6 200 30 198 66, 197 84 190 94 182 98, 176 84 152 76 128 66")


def _turban(who: DrawnPerson, pen: Pen, tones: ToneRamp) -> None:
    with pen.inside(who.face):
        pen.fill(placed(_TURBAN, 0, 6), who.skin.deep, 0.45)
    pen.form(_TURBAN, tones)
    with pen.inside(_TURBAN):
        left = "M 62 84 C 84 60 110 48 150 12 M 70 94 C 92 72 120 62 172 22 M 58 68 C 80 44 100 34 128 12"
        right = "M 128 66 C 150 60 180 40 196 44 M 134 68 C 158 66 184 54 200 60 M 146 74 C 166 74 184 70 198 76"
        pen.line(f"{left} {right}", tones.detail, 2, 0.7)
        pen.line("M 66 76 C 84 54 106 42 138 16", tones.light, 5, 0.5)


def _flower_crown(who: DrawnPerson, pen: Pen, green: ToneRamp) -> None:
    pen.tube("M 78 78 C 90 54 110 48 128 48 C 146 48 166 54 178 78", green.line, 8, green.base, 4.6)
    leaf = "M 0 10 Q 2 -4 9 -8 Q 12 6 0 10 Z"
    leaves = " ".join(placed(leaf, x, y) for x, y in ((146, 38), (166, 50), (184, 70)))
    pen.form(even(leaves), green, 1.6)
    for colour, heart, places in (
        ("#f7a8c4", "#f3b632", ((80, 72, 10), (176, 72, 10))),
        ("#ef5b6c", "#f3b632", ((110, 49, 12),)),
        ("#a98ae6", "#f3b632", ((146, 49, 12),)),
        ("#fff3e0", "#f3b632", ((94, 57, 12), (128, 46, 14))),
        ("#f6c445", "#b5652a", ((162, 57, 12),)),
    ):
        _flowers(who, places, colour, heart)


def _petals(x: float, y: float, far: float, radius: float, count: int) -> tuple[tuple[float, float, float], ...]:
    angles = (2 * math.pi * (index / count - 0.25) for index in range(count))
    return tuple((round(x + far * math.cos(a), 1), round(y + far * math.sin(a), 1), radius) for a in angles)


def _flowers(who: DrawnPerson, places: tuple[tuple[float, float, float], ...], petals: str, heart: str) -> None:
    pen, tones = who.pen, who.pen.ramp(petals)
    whole = " ".join(loops(_petals(x, y, size * 0.55, size * 0.48, 5)) for x, y, size in places)
    pen.line(whole, tones.line, 3)
    pen.fill(whole, pen.lit(tones))
    pen.form(loops(tuple((x, y, size * 0.34) for x, y, size in places)), pen.ramp(heart), 1.2)


def _carnation(_: DrawnPerson, pen: Pen, green: ToneRamp) -> None:
    x, y = 178, 62
    leaves = "M 172 84 Q 190 96 206 90 Q 198 76 178 76 Z M 160 48 Q 150 34 154 22 Q 170 28 174 46 Z"
    pen.form(leaves, green, 1.8)
    for size, colour, count in ((25, "#d3263b", 9), (18, "#ea3f50", 8), (11, "#f8707a", 6)):
        tones = pen.ramp(colour)
        whole = loops((*_petals(x, y, size * 0.62, size * 0.42, count), (x, y, size * 0.6)))
        pen.line(whole, tones.line, 2.4)
        pen.fill(whole, pen.lit(tones))


_HEADWEAR: dict[
    str, tuple[Callable[[DrawnPerson, Pen, ToneRamp], None], str]
] = {  # its colour; "": that of the accents
    "bow": (_bow, "#ee3f6c"),
    "bandana": (_bandana, "#d6303c"),
    "beanie": (_beanie, "#e5a52c"),
    "horned helmet": (_horned_helmet, "#f4e4c4"),
    "headphones": (_headphones, "#20b8c4"),
    "cap": (_cap, "#3d5bd0"),
    "straw hat": (_straw_hat, "#f0cf82"),
    "tam": (_tam, "#2f9a52"),
    "fedora": (_fedora, "#4a4a60"),
    "cowboy hat": (_cowboy_hat, "#a9683a"),
    "bucket hat": (_bucket_hat, "#8fae62"),
    "hat": (_hat, "#8a6a4a"),
    "headscarf": (_headscarf, ""),
    "turban": (_turban, ""),
    "flower crown": (_flower_crown, "#57b36a"),
    "carnation": (_carnation, "#4aa35c"),
}
