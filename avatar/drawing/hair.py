"""Hair of the drawn avatars: for each hairstyle a layer behind the figure and one over the face.

A hat cuts off the hair above its line; locks show at the temples.
"""

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from avatar.drawing.faces import DrawnPerson
from avatar.drawing.headwear import HATS, flattened_hair
from avatar.drawing.palette import lerp
from avatar.drawing.pen import OUTLINE, both, disc, even, loops, placed

Draw = Callable[[DrawnPerson], None]
Circles = tuple[tuple[float, float, float], ...]
_BELOW_HAT = "M 0 92 C 50 84 76 78 92 74 C 116 69 140 69 164 74 C 180 78 206 84 256 92 L 256 256 L 0 256 Z"
_TEMPLE = "M 82 70 C 79 84 81 96 84 106 C 87 100 88 94 89 88 C 95 87 103 82 108 74 Z"


def draw_hair_behind(who: DrawnPerson) -> None:
    """Draw the hair behind neck and shoulders."""
    if who.looks.hair == "ponytail" and who.looks.headwear in HATS:
        _LOW_PONYTAIL(who)
    else:
        _draw_below_hat(who, _HAIR[who.looks.hair][0])


def draw_hair(who: DrawnPerson) -> None:
    """Draw the hair over face and shoulders."""
    _draw_below_hat(who, _HAIR[who.looks.hair][1])
    if who.looks.headwear in HATS and who.looks.hair != "bald":
        who.pen.form(flattened_hair(who) or even(_TEMPLE), who.hair, 1.8)


def _draw_below_hat(who: DrawnPerson, draw: Draw | None) -> None:
    if draw:
        with who.pen.inside(_BELOW_HAT) if who.looks.headwear in HATS else nullcontext():
            draw(who)


# ---- pieces ----


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


def _ring(
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


def _curls(circles: Circles) -> str:
    """Path of the light on each curl."""
    return " ".join(placed("M -0.55 -0.1 Q -0.45 -0.6 0.15 -0.6", x, y, r, r) for x, y, r in circles)


def _draw_curls(who: DrawnPerson, circles: Circles) -> None:
    """Draw one form made of many circles."""
    pen, hair, whole = who.pen, who.hair, loops(circles)
    pen.line(whole, hair.line, 2 * OUTLINE)
    pen.fill(whole, pen.lit(hair))
    pen.line(_curls(circles), hair.light, 1.8, 0.6)


def _shadow_of_curls(who: DrawnPerson, circles: Circles) -> None:
    with who.pen.inside(who.face):
        who.pen.fill(loops(tuple((x, y + 4, r) for x, y, r in circles)), who.skin.deep, 0.4)


# ---- short ----

_SKULL = both("128 36, 160 36 179 60 176 104, 174 104 173 103 172 102, 171 84 164 73 152 69, 144 66 136 65 128 65")


def _buzz_cut(who: DrawnPerson) -> None:
    pen = who.pen
    tones = pen.ramp(lerp(who.hair_hex, who.skin_hex, 0.22))
    dots = pen.pattern(5, 5, f'<circle cx="1.4" cy="1.4" r="0.8" fill="{tones.detail}"/>', 30)
    pen.fill(_SKULL, pen.lit(tones))
    pen.fill(_SKULL, dots, 0.55)
    pen.line(_SKULL, tones.line, 1.8)


_QUIFF_SIDES = HairMass(_SKULL, shadow=3)
_QUIFF_TOP = HairMass(
    "M 86 84 C 78 62 84 42 98 38 C 102 20 138 8 168 20 C 184 26 186 50 174 76 C 170 70 166 68 160 66 "
    "C 148 72 116 76 104 62 C 98 66 92 74 90 84 Z",
    "M 104 60 C 104 42 120 28 146 24 M 116 66 C 116 50 130 38 158 32 M 134 70 C 138 58 150 48 172 46 "
    "M 94 68 C 90 56 94 48 100 42",
    "M 106 40 C 114 30 128 24 142 22",
    shadow=4,
)


def _quiff(who: DrawnPerson) -> None:
    _QUIFF_SIDES(who)
    _QUIFF_TOP(who)


_SIDE_PARTING = HairMass(
    "M 81 108 C 70 70 82 30 130 30 C 172 30 187 64 175 108 C 173 102 172 100 171 96 C 169 82 164 72 154 62 "
    "C 140 78 112 86 91 86 C 88 92 86 98 86 108 C 84 108 82 108 81 108 Z",
    "M 154 60 C 136 72 110 80 88 80 M 152 56 C 130 62 104 70 84 70 M 150 50 C 128 50 104 56 88 60 "
    "M 158 60 C 168 70 173 84 174 96",
    "M 96 64 C 106 50 120 44 136 42",
    shadow=4,
)
_SPIKES = HairMass(
    "M 82 106 C 78 96 74 88 66 80 C 74 80 76 76 77 72 C 72 60 66 52 60 46 C 72 48 80 48 84 46 "
    "C 84 34 82 24 78 14 C 92 22 100 28 106 30 C 112 20 116 12 118 4 C 126 14 130 22 134 28 "
    "C 142 20 150 14 160 8 C 160 20 160 28 162 36 C 172 34 182 34 194 36 C 186 44 180 52 178 60 "
    "C 184 68 188 76 192 84 C 184 86 180 92 175 106 C 173 98 172 92 170 86 C 166 82 162 76 160 70 "
    "C 154 76 150 80 144 84 C 143 78 142 74 140 70 C 134 76 128 82 118 86 C 118 80 118 76 116 72 "
    "C 108 80 98 86 88 88 C 86 94 85 100 85 106 Z",
    "M 118 24 L 116 58 M 84 28 C 92 44 98 54 104 62 M 156 22 C 150 40 146 50 142 58 "
    "M 182 44 C 170 54 164 60 160 66 M 72 56 C 82 64 88 70 92 78",
    "M 92 56 C 100 46 108 42 118 40",
    shadow=4,
)
_OUTER_CURLS = _ring((128, 84), (47, 46), (172, 368), 12, (12.5, 14))
_INNER_CURLS = _ring((128, 86), (32, 30), (200, 340), 7, (11.5, 12.5))


def _short_curls(who: DrawnPerson) -> None:
    who.pen.form(_SKULL, who.hair)
    _shadow_of_curls(who, _INNER_CURLS)
    _draw_curls(who, _OUTER_CURLS + _INNER_CURLS)


_CREST = HairMass(
    "M 128 78 C 122 66 108 60 104 48 C 100 44 96 40 90 36 C 96 34 100 33 103 33 C 102 24 99 18 95 12 "
    "C 102 14 107 16 111 19 C 112 12 112 8 112 2 C 117 6 120 10 123 14 C 124 10 126 6 129 1 C 132 6 134 10 135 14 "
    "C 138 10 141 6 146 2 C 146 8 146 12 146 19 C 150 16 155 14 162 12 C 158 18 155 24 154 33 "
    "C 157 33 161 34 167 36 C 161 40 157 44 152 48 C 148 60 134 66 128 78 Z",
    "M 114 10 C 116 32 120 50 126 68 M 129 8 L 128 66 M 143 10 C 140 32 136 50 130 68 "
    "M 101 20 C 106 38 114 50 122 62 M 156 20 C 150 38 142 50 134 62",
    "M 105 44 C 106 36 108 30 110 26",
    shadow=4,
)


def _mohawk(who: DrawnPerson) -> None:
    shaved = who.pen.skin(lerp(who.hair_hex, who.skin_hex, 0.72))
    who.pen.fill(_SKULL, shaved.base, 0.75)
    _CREST(who)


_MULLET_BEHIND = HairMass(
    both(
        "128 60, 172 60 188 90 184 120, 184 146 198 170 202 190, 192 188 186 186 180 188, 176 184 170 182 160 182, "
        "150 182 140 182 128 182"
    ),
    even("M 184 130 C 184 150 190 168 196 182 M 174 140 C 174 158 176 170 178 184"),
)
_MULLET = HairMass(
    "M 80 116 C 70 84 76 50 92 42 C 94 34 98 30 104 26 C 110 30 114 30 118 30 C 124 24 130 22 138 20 "
    "C 140 26 144 28 150 30 C 158 28 164 28 170 32 C 180 44 188 84 176 116 C 173 106 172 98 171 90 "
    "C 164 84 160 78 157 70 C 150 78 146 80 142 82 C 140 76 138 74 136 72 C 130 78 124 82 118 84 "
    "C 116 78 114 76 113 72 C 106 80 96 86 86 90 C 85 98 84 106 80 116 Z",
    "M 104 34 C 100 50 98 62 98 76 M 122 32 C 118 46 118 56 118 72 M 140 30 C 140 46 142 56 146 70 "
    "M 164 36 C 166 52 168 64 170 78 M 88 56 C 82 70 80 84 82 98",
    "M 92 60 C 98 48 108 42 120 40",
    shadow=4,
)

# ---- long ----

_AFRO_EDGE = (*_ring((128, 76), (62, 60), (120, 420), 20, (15, 17, 14)), (128, 76, 66))
_AFRO_FRINGE = _ring((128, 94), (43, 34), (182, 358), 11, (10, 11.5, 9.5))
_AFRO_TOP = (*_AFRO_FRINGE, *_ring((128, 80), (38, 36), (185, 355), 9, (14,)))
_AFRO_CURLS = (
    *_ring((128, 80), (50, 46), (170, 370), 13, (9,)),
    *_ring((128, 84), (34, 34), (190, 350), 8, (9,)),
    *_ring((128, 66), (24, 30), (190, 350), 6, (9,)),
)


def _afro_behind(who: DrawnPerson) -> None:
    _draw_curls(who, _AFRO_EDGE)


def _afro(who: DrawnPerson) -> None:
    _shadow_of_curls(who, _AFRO_FRINGE)
    who.pen.fill(loops(_AFRO_TOP), who.hair.base)
    who.pen.line(_curls(_AFRO_CURLS), who.hair.light, 1.8, 0.55)


_BOB_BEHIND = HairMass(
    both("128 30, 176 30 194 66 190 108, 190 132 192 150 186 168, 172 176 150 176 128 176"),
    even("M 180 120 C 180 140 180 156 176 168"),
)
_BOB = HairMass(
    both(
        "128 30, 176 30 194 66 190 108, 190 132 192 150 186 168, 180 170 174 170 168 168, 174 146 175 118 170 92, "
        "158 90 146 88 128 88"
    ),
    even("M 138 44 C 140 60 140 74 139 88 M 156 50 C 160 64 161 76 159 88 M 176 90 C 180 116 178 140 176 164"),
    "M 84 84 C 86 66 96 54 110 50",
    shadow=4,
)
_LONG_STRAIGHT_BEHIND = HairMass(
    both("128 32, 178 32 194 70 190 120, 192 160 198 200 202 236, 176 244 150 244 128 244"),
    even("M 186 150 L 192 236 M 174 160 L 176 238"),
)
_LONG_STRAIGHT = HairMass(
    both(
        "128 32, 178 32 194 70 190 120, 192 160 198 200 202 234, 192 240 180 240 170 236, 166 200 164 170 170 140, "
        "173 120 170 96 162 84, 150 76 136 66 128 50"
    ),
    even("M 128 36 C 144 60 172 68 179 110 C 184 150 182 190 188 234 M 134 44 C 152 68 170 80 174 120"),
    "M 80 86 C 84 68 94 56 106 50",
    shadow=4,
)
_LONG_WAVY_BEHIND = HairMass(
    both(
        "128 28, 180 28 200 66 194 104, 206 116 204 134 196 144, 210 156 212 176 200 188, 214 202 212 222 198 234, "
        "176 244 150 240 128 240"
    )
)
_LONG_WAVY = HairMass(
    "M 146 32 C 90 20 60 60 64 102 C 52 116 54 134 62 144 C 46 158 48 176 58 186 C 44 202 48 222 60 232 "
    "C 76 236 88 226 88 212 C 98 198 96 184 86 174 C 96 160 94 146 86 136 C 82 120 84 104 90 94 "
    "C 116 90 138 76 148 56 C 154 72 164 82 170 94 C 174 106 174 122 170 136 C 162 146 160 160 170 174 "
    "C 160 184 158 198 168 212 C 168 226 180 236 196 232 C 208 222 212 202 198 186 C 208 176 210 158 194 144 "
    "C 202 134 204 116 192 102 C 198 64 184 36 146 32 Z",
    "M 146 38 C 118 62 84 70 76 104 C 64 120 78 132 74 148 C 60 164 78 176 72 190 C 60 204 70 220 74 228 "
    "M 140 36 C 100 44 76 66 72 100 M 150 42 C 164 62 180 76 182 106 C 192 120 178 134 182 148 "
    "C 196 164 180 178 184 190 C 196 206 186 220 182 228",
    "M 78 86 C 82 66 96 52 114 46",
    shadow=4,
)

# ---- tied ----

_PULLED_BACK = both(
    "128 35, 162 35 181 60 177 106, 175 105 174 103 173 100, 172 82 160 66 128 57, 128 57 128 57 128 57"
)
_BACK_SHINE = "M 92 70 C 96 56 106 48 118 44"
_PONYTAIL_BEHIND = HairMass(
    "M 160 30 C 190 14 226 40 224 86 C 224 116 214 136 220 166 C 204 160 192 140 192 112 C 192 84 186 66 164 54 Z",
    "M 172 40 C 200 36 210 66 206 96 C 204 120 204 136 212 156 M 172 46 C 192 50 200 74 198 104",
    "M 190 34 C 204 42 212 58 212 76",
)
_LOW_PONYTAIL = HairMass(
    "M 164 124 C 190 116 204 138 200 168 C 198 188 204 200 210 214 C 190 214 178 198 178 172 "
    "C 178 154 174 142 160 136 Z",
    "M 182 134 C 194 150 188 182 202 208",
)
_PONYTAIL = HairMass(
    _PULLED_BACK,
    "M 92 92 C 94 70 120 44 164 42 M 106 66 C 120 52 140 44 166 44 M 172 92 C 172 74 170 58 168 46 "
    "M 128 58 C 140 50 152 46 166 46",
    _BACK_SHINE,
    shadow=3,
)


def _ponytail(who: DrawnPerson) -> None:
    _PONYTAIL(who)
    who.pen.form("M 158 30 C 166 32 172 42 172 54 C 166 58 160 56 156 50 C 152 42 152 34 158 30 Z", who.accent, 2)


_TOP_BUN_BEHIND = HairMass(
    disc(128, 24, 20),
    "M 114 26 C 116 12 136 8 144 20 M 118 36 C 110 24 126 14 138 18 M 138 36 C 148 28 142 14 132 14",
    "M 116 20 C 118 12 124 9 130 8",
)
_TOP_BUN = HairMass(
    _PULLED_BACK,
    even("M 166 94 C 164 72 150 54 132 42 M 148 68 C 142 56 136 48 130 42"),
    _BACK_SHINE,
    shadow=3,
)


def _top_bun(who: DrawnPerson) -> None:
    _TOP_BUN(who)
    who.pen.form(both("128 43, 136 43 141 41 144 38, 144 44 142 48 140 48, 136 50 132 50.5 128 50.5"), who.accent, 1.8)


_SPACE_BUN = "M -12 4 C -12 -12 8 -16 12 -2 M -4 14 C -16 2 -2 -10 8 -6"
_SPACE_BUNS_BEHIND = HairMass(
    f"{disc(80, 38, 20)} {disc(176, 38, 20)}",
    f"{placed(_SPACE_BUN, 80, 38)} {placed(_SPACE_BUN, 176, 38)}",
    "M 68 34 C 70 26 76 23 82 23 M 164 34 C 166 26 172 23 178 23",
)
_SPACE_BUNS = HairMass(
    both("128 36, 160 36 180 60 177 108, 176 106 174 103 173 100, 172 82 150 74 128 52, 128 52 128 52 128 52"),
    even(
        "M 128 38 L 128 54 M 164 92 C 164 76 166 62 170 52 M 152 76 C 154 64 158 54 164 48 "
        "M 138 62 C 142 52 150 46 160 44"
    ),
    "M 96 66 C 98 56 106 48 116 46",
    shadow=3,
)
_BRAID_KNOT = "M 0 -10 C 15 -14 14 4 -2 10 C -16 4 -15 -14 0 -10 Z"
_BRAID_CREASE = "M 1 -8 C 2 -2 1 3 -2 8"
_BRAID_KNOTS = ((58, 219), (60, 204), (63, 188), (67, 172), (72, 156), (78, 140))  # from the end upwards
_BRAID_END = "M 50 226 C 46 236 48 246 52 252 C 58 248 64 248 68 250 C 70 240 68 232 64 226 Z"
_BRAID_TIE = "M 51 224 L 66 226 L 65 232 L 50 230 Z"
_BRAIDED = HairMass(
    both(
        "128 34, 166 34 186 62 184 104, 188 122 188 136 182 146, 176 148 172 146 170 142, 174 124 174 108 170 94, "
        "164 82 142 74 128 52"
    ),
    even("M 128 36 L 128 54 M 132 50 C 148 68 172 74 178 110 M 134 42 C 156 52 176 70 180 104"),
    "M 88 82 C 92 66 102 54 114 48",
    shadow=4,
)


def _braids(who: DrawnPerson) -> None:
    pen, hair = who.pen, who.hair
    pen.form(even(_BRAID_END), hair, 2)
    for x, y in _BRAID_KNOTS:
        pen.form(even(placed(_BRAID_KNOT, x, y)), hair, 2)
    pen.lines(" ".join(placed(_BRAID_CREASE, x, y) for x, y in _BRAID_KNOTS), hair.detail, 1.5, 0.6)
    pen.form(even(_BRAID_TIE), who.accent, 1.6)
    _BRAIDED(who)


_LOCKS_BEHIND = " ".join(
    f"M {128 + 8 * i} 60 C {128 + 11 * i} 90 {128 + 10 * i} 140 {128 + 10 * i} {200 - 2.5 * abs(i):g}"
    for i in (-7, 7, -6, 6, -5, 5, -4, 4, -3, 3)
)
_LOCKS = (  # from the parting over the side of the head, the outer ones first
    "M 131 38 C 166 34 190 62 188 110 C 188 140 192 164 194 180",
    "M 130 40 C 156 38 180 62 180 108 C 178 140 182 170 182 192",
    "M 129 44 C 150 46 171 68 173 104 C 173 140 172 176 170 198",
    "M 128.5 50 C 144 56 163 74 166 96",
)
_LOCKED = both("128 34, 160 34 182 60 180 104, 176 104 174 103 172 102, 168 84 150 76 128 54, 128 54 128 54 128 54")


def _draw_locks(who: DrawnPerson, path: str, paint: str, opacity: float) -> None:
    who.pen.tube(path, who.hair.line, 12.5, paint, 8.4)
    who.pen.line(placed(path, -1.5), who.hair.light, 2.2, opacity)


def _dreadlocks_behind(who: DrawnPerson) -> None:
    _draw_locks(who, _LOCKS_BEHIND, who.hair.shade, 0.15)


def _dreadlocks(who: DrawnPerson) -> None:
    with who.pen.inside(who.face):
        who.pen.fill(placed(_LOCKED, 0, 8), who.skin.deep, 0.4)
    who.pen.form(_LOCKED, who.hair)
    for lock in _LOCKS:
        _draw_locks(who, even(lock), who.hair.base, 0.5)
    who.pen.lines("M 178 150 L 187 149 M 169 168 L 177 168", who.accent.base, 4)


_HAIR: dict[str, tuple[Draw | None, Draw | None]] = {  # layer behind the figure, layer over it
    "bald": (None, None),
    "buzz cut": (None, _buzz_cut),
    "quiff": (None, _quiff),
    "side parting": (None, _SIDE_PARTING),
    "short curls": (None, _short_curls),
    "spikes": (None, _SPIKES),
    "mohawk": (None, _mohawk),
    "mullet": (_MULLET_BEHIND, _MULLET),
    "afro": (_afro_behind, _afro),
    "bob": (_BOB_BEHIND, _BOB),
    "long straight": (_LONG_STRAIGHT_BEHIND, _LONG_STRAIGHT),
    "long wavy": (_LONG_WAVY_BEHIND, _LONG_WAVY),
    "ponytail": (_PONYTAIL_BEHIND, _ponytail),
    "top bun": (_TOP_BUN_BEHIND, _top_bun),
    "space buns": (_SPACE_BUNS_BEHIND, _SPACE_BUNS),
    "braids": (None, _braids),
    "dreadlocks": (_dreadlocks_behind, _dreadlocks),
}
