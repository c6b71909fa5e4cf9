"""Medium, long and tied hairstyles of the drawn avatars."""

from avatar.drawing.faces import DrawnPerson
from avatar.drawing.hair_pieces import HairLayers, HairMass, curls, draw_curls, ring, ringlet, shadow_of_curls
from avatar.drawing.pen import both, disc, even, loops, placed

_AFRO_EDGE = (*ring((128, 76), (62, 60), (120, 420), 20, (15, 17, 14)), (128, 76, 66))
_AFRO_FRINGE = ring((128, 94), (43, 34), (182, 358), 11, (10, 11.5, 9.5))
_AFRO_TOP = (*_AFRO_FRINGE, *ring((128, 80), (38, 36), (185, 355), 9, (14,)))
_AFRO_CURLS = (
    *ring((128, 80), (50, 46), (170, 370), 13, (9,)),
    *ring((128, 84), (34, 34), (190, 350), 8, (9,)),
    *ring((128, 66), (24, 30), (190, 350), 6, (9,)),
)


def _afro_behind(who: DrawnPerson) -> None:
    draw_curls(who, _AFRO_EDGE)


def _afro(who: DrawnPerson) -> None:
    shadow_of_curls(who, _AFRO_FRINGE)
    who.pen.fill(loops(_AFRO_TOP), who.hair.base)
    who.pen.line(curls(_AFRO_CURLS, -1), who.hair.detail, 1.5, 0.35)
    who.pen.line(curls(_AFRO_CURLS), who.hair.light, 1.8, 0.55)


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
_MEDIUM_STRAIGHT_BEHIND = HairMass(
    both("128 30, 178 30 194 66 190 112, 190 140 194 164 197 184, 176 194 150 194 128 194"),
    even("M 182 130 C 184 152 186 168 187 184"),
)
_MEDIUM_STRAIGHT = HairMass(
    "M 110 34 C 164 20 195 60 190 112 C 190 140 193 164 197 184 C 186 192 174 192 163 188 C 170 164 173 136 171 98 "
    "C 152 92 126 80 110 58 C 100 74 90 86 85 98 C 83 136 86 164 93 188 C 82 192 70 192 59 184 "
    "C 63 164 66 140 66 112 C 61 62 76 36 110 34 Z",
    "M 114 40 C 130 66 166 78 178 108 C 181 140 182 164 185 184 M 118 36 C 146 52 180 74 183 112 "
    "M 106 42 C 92 60 78 76 75 108 C 73 140 72 164 70 184 M 100 46 C 88 58 78 72 72 92",
    "M 132 40 C 152 44 170 58 178 78",
    shadow=4,
)
_MEDIUM_WAVY_BEHIND = HairMass(
    both("128 30, 178 30 199 66 193 102, 205 116 203 132 195 142, 208 158 206 180 190 190, 170 192 150 190 128 190")
)
_MEDIUM_WAVY = HairMass(
    "M 112 32 C 168 20 198 58 191 100 C 204 114 202 130 193 140 C 206 156 204 180 188 190 C 176 194 166 188 162 180 "
    "C 172 168 173 154 167 142 C 175 128 175 110 170 96 C 146 92 122 78 110 58 C 104 74 94 86 86 96 "
    "C 81 110 81 128 89 142 C 83 154 84 168 94 180 C 90 188 80 194 68 190 C 52 180 50 156 63 140 "
    "C 54 130 52 114 65 100 C 59 60 76 33 112 32 Z",
    "M 116 38 C 132 64 166 74 180 102 C 190 118 176 132 181 146 C 194 162 180 174 178 184 "
    "M 122 34 C 152 46 182 70 186 100 M 106 42 C 94 62 80 76 76 102 C 66 118 80 132 75 146 C 62 162 76 174 78 184 "
    "M 100 44 C 86 58 76 74 72 94",
    "M 134 40 C 154 44 170 58 177 76",
    shadow=4,
)
_CURLY_TOP = (*ring((128, 84), (52, 46), (165, 375), 13, (13, 14.5)), (128, 80, 46))
_CURLY_FRINGE = (*ring((122, 88), (37, 30), (186, 318), 6, (10, 11.5)), (158, 74, 12), (166, 84, 10))
_CURLY_CAP = ring((128, 70), (36, 22), (175, 365), 9, (15,))
_CURLY_LIGHTS = (
    *ring((128, 84), (50, 44), (185, 355), 11, (11,)),
    *ring((128, 78), (32, 26), (195, 345), 7, (10,)),
    *ring((122, 88), (37, 30), (190, 318), 6, (9,)),
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


def _curly(end: float) -> HairLayers:
    """Ringlets down to this y."""
    behind = [ringlet((128 + 14 * i, 90), (128 + 14.5 * i, end - 3 * abs(i)), 6, 7) for i in (-4, 4, -3, 3, -2, 2)]
    turns = round((end - 80) / 20)
    before = [
        even(ringlet((x, y), (low_x, low), turns, 8))
        for x, y, low_x, low in (
            (187, 84, 208, end - 16),
            (184, 88, 196, end - 4),
            (178, 94, 183, end),
            (173, 98, 170, end - 8),
        )
    ]

    def draw_behind(who: DrawnPerson) -> None:
        draw_curls(who, _CURLY_TOP)
        for lock in behind:
            _draw_locks(who, lock, who.hair.shade, 0.2, 20)

    def draw_over(who: DrawnPerson) -> None:
        shadow_of_curls(who, _CURLY_FRINGE)
        for lock in before:
            _draw_locks(who, lock, who.hair.base, 0.55, 18)
        draw_curls(who, _CURLY_FRINGE)
        who.pen.fill(loops(_CURLY_CAP), who.hair.base)
        who.pen.line(curls(_CURLY_LIGHTS, -1), who.hair.detail, 1.5, 0.35)
        who.pen.line(curls(_CURLY_LIGHTS), who.hair.light, 1.8, 0.6)

    return HairLayers(draw_behind, draw_over, loops(_CURLY_TOP))


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
LOW_PONYTAIL = HairMass(
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


_LOW_BUN_BEHIND = HairMass(
    "M 128 124 C 162 124 178 134 178 149 C 178 166 158 176 128 176 C 98 176 78 166 78 149 C 78 134 94 124 128 124 Z",
    even("M 156 132 C 168 142 168 158 154 168 M 166 132 C 175 144 174 158 164 168"),
    "M 84 146 C 85 140 89 134 95 131",
)
_LOW_BUN = HairMass(
    both(
        "128 34, 164 33 186 58 184 96, 184 108 182 116 177 122, 173 120 172 114 172 106, 172 94 166 84 158 78, "
        "148 72 138 64 128 52"
    ),
    even("M 128 36 L 128 52 M 132 48 C 148 64 170 74 176 112 M 134 41 C 158 50 176 68 180 104"),
    "M 88 80 C 92 66 102 54 114 48",
    shadow=4,
)
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


def _draw_locks(who: DrawnPerson, path: str, paint: str, opacity: float, width: float = 12.5) -> None:
    who.pen.tube(path, who.hair.line, width, paint, width - 4.1)
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


LONG_HAIR = {
    "afro": HairLayers(_afro_behind, _afro, loops(_AFRO_TOP)),
    "bob": HairLayers(_BOB_BEHIND, _BOB, _BOB.path),
    "medium straight": HairLayers(_MEDIUM_STRAIGHT_BEHIND, _MEDIUM_STRAIGHT, _MEDIUM_STRAIGHT.path),
    "medium wavy": HairLayers(_MEDIUM_WAVY_BEHIND, _MEDIUM_WAVY, _MEDIUM_WAVY.path),
    "medium curly": _curly(182),
    "long straight": HairLayers(_LONG_STRAIGHT_BEHIND, _LONG_STRAIGHT, _LONG_STRAIGHT.path),
    "long wavy": HairLayers(_LONG_WAVY_BEHIND, _LONG_WAVY, _LONG_WAVY.path),
    "long curly": _curly(238),
    "ponytail": HairLayers(_PONYTAIL_BEHIND, _ponytail, _PONYTAIL.path),
    "top bun": HairLayers(_TOP_BUN_BEHIND, _top_bun, _TOP_BUN.path),
    "low bun": HairLayers(_LOW_BUN_BEHIND, _LOW_BUN, _LOW_BUN.path),
    "space buns": HairLayers(_SPACE_BUNS_BEHIND, _SPACE_BUNS, _SPACE_BUNS.path),
    "braids": HairLayers(None, _braids, _BRAIDED.path),
    "dreadlocks": HairLayers(_dreadlocks_behind, _dreadlocks, _LOCKED),
}
