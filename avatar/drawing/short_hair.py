"""Short hairstyles of the drawn avatars."""

from avatar.drawing.faces import DrawnPerson
from avatar.drawing.hair_pieces import HairLayers, HairMass, draw_curls, fitted, ring, shadow_of_curls
from avatar.drawing.palette import lerp
from avatar.drawing.pen import OUTLINE, both, even, loops

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
_OUTER_CURLS = ring((128, 84), (47, 46), (172, 368), 12, (12.5, 14))
_INNER_CURLS = ring((128, 86), (32, 30), (200, 340), 7, (11.5, 12.5))


def _short_curls(who: DrawnPerson) -> None:
    who.pen.form(_SKULL, who.hair)
    shadow_of_curls(who, _INNER_CURLS)
    draw_curls(who, _OUTER_CURLS + _INNER_CURLS)


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

_RECEDED = HairMass(
    both(
        "128 34, 163 33 186 58 181 114, 177 114 172 107 170 99, 171 88 169 76 162 65, 160 56 156 51 152 52, "
        "147 55 146 59 142 60, 138 64 133 61 128 63"
    ),
    even("M 166 58 C 175 70 177 88 176 106"),
    "M 87 82 C 88 72 92 62 97 55",
    shadow=2,
)
_THIN_STRANDS = even("M 131 38 C 131 46 132 52 132 58 M 138 38 C 140 44 141 50 141 56 M 146 39 C 150 42 152 46 153 48")


def _receding(who: DrawnPerson) -> None:
    _RECEDED(who)
    with who.pen.inside(_RECEDED.path):
        who.pen.fill(_THIN_TOP, who.skin_hex if who.pen.style == "plain" else who.skin.base, 0.15)
        who.pen.line(_THIN_STRANDS, who.hair.line, 1.8, 0.55)


_THIN_TOP = both("128 36, 146 36 160 44 166 52, 160 60 150 66 140 66, 136 66 132 66 128 66")
_BALD_BEHIND = HairMass(
    both(
        "128 76, 164 68 178 72 182 80, 187 84 187 90 187 94, 191 98 191 104 188 109, 190 115 187 120 183 122, "
        "182 127 177 130 172 130, 160 134 140 134 128 134"
    ),
    even("M 180 84 C 184 92 186 102 184 116"),
)
_SIDEBURNS = HairMass(
    even(
        "M 166 70 C 171 70 175 74 177 80 C 180 86 181 92 180 98 C 178 97 177 98 176 101 C 176 107 174 112 171 114 "
        "C 170 108 170 102 169 96 C 168 90 165 86 161 83 C 165 80 165 75 166 70 Z"
    ),
    even("M 170 76 C 174 84 175 92 173 104"),
    shadow=2,
)


def _crown_bald_behind(who: DrawnPerson) -> None:
    fitted(_BALD_BEHIND, who)(who)


def _crown_bald(who: DrawnPerson) -> None:
    fitted(_SIDEBURNS, who)(who)
    who.pen.line("M 98 64 C 102 57 108 53 115 51", "#ffffff", 5, 0.4)


_LAYERED_BEHIND = HairMass(
    both("128 60, 172 60 186 90 184 116, 184 134 180 146 172 156, 164 152 158 154 152 158, 144 154 136 154 128 154")
)
_LAYERED = HairMass(
    "M 106 33 C 124 12 178 16 187 62 C 189 76 188 88 184 98 C 188 104 192 108 197 110 C 192 114 188 115 184 115 "
    "C 186 121 189 125 192 128 C 184 130 180 129 177 127 C 177 132 176 137 173 142 C 169 136 168 130 168 122 "
    "C 171 112 171 104 169 96 C 160 94 154 92 148 87 C 149 91 150 93 152 96 C 132 90 114 76 108 58 "
    "C 103 72 95 84 88 92 C 86 102 87 114 89 122 C 88 130 86 136 83 142 C 80 137 79 132 79 127 "
    "C 76 129 72 130 64 128 C 67 125 70 121 72 115 C 68 115 64 114 59 110 C 64 108 68 104 72 98 "
    "C 66 66 76 38 106 33 Z",
    "M 110 38 C 122 64 142 80 164 88 M 114 34 C 134 56 160 66 176 92 M 120 28 C 148 36 172 52 180 84 "
    "M 104 40 C 92 54 82 70 79 94 M 106 46 C 98 64 88 78 82 108 M 180 98 C 180 106 181 110 183 114 "
    "M 76 98 C 76 106 75 110 73 114",
    "M 124 24 C 142 24 160 34 170 50",
    shadow=4,
)
_COILS = tuple(
    (x, y, 5.6)
    for row, y in enumerate(range(40, 112, 8))
    for x in range(82 + 4 * (row % 2), 178, 8)
    if ((x - 128) / 50) ** 2 + ((y - 92) / 56) ** 2 < 1 and ((x - 128) / 42) ** 4 + ((y - 112) / 44) ** 4 > 1
)
_COILED = f"{_SKULL} {loops(_COILS)}"


def _short_coils(who: DrawnPerson) -> None:
    who.pen.line(_SKULL, who.hair.line, 2 * OUTLINE)
    shadow_of_curls(who, _COILS)
    draw_curls(who, _COILS)


_CORNROWS = tuple(
    f"M {128 + 14.5 * i:g} {76 + 3 * i * i:g} C {128 + 15.5 * i:g} {56 + 2.2 * i * i:g} "
    f"{128 + 14.5 * i:g} {44 + 1.8 * i * i:g} {128 + 11 * i:g} {30 + 1.2 * i * i:g}"
    for i in (-3, 3, -2, 2, -1, 1, 0)
)


def _cornrows(who: DrawnPerson) -> None:
    who.pen.form(_SKULL, who.pen.ramp(lerp(who.skin_hex, who.hair_hex, 0.45)), 1.8)
    with who.pen.inside(_SKULL):
        for row in _CORNROWS:
            who.pen.tube(row, who.hair.line, 11.5, who.hair.base, 8.6)
            who.pen.line(row, who.hair.detail, 2.2, 0.8)
    who.pen.line(_SKULL, who.hair.line, 1.8)


SHORT_HAIR = {
    "bald": HairLayers(),
    "buzz cut": HairLayers(over=_buzz_cut, shape=_SKULL),
    "receding": HairLayers(over=_receding, shape=_RECEDED.path),
    "crown bald": HairLayers(_crown_bald_behind, _crown_bald),
    "quiff": HairLayers(over=_quiff, shape=_SKULL),
    "side parting": HairLayers(over=_SIDE_PARTING, shape=_SIDE_PARTING.path),
    "short layered": HairLayers(_LAYERED_BEHIND, _LAYERED, _LAYERED.path),
    "short curls": HairLayers(over=_short_curls, shape=loops(_OUTER_CURLS + _INNER_CURLS)),
    "short coils": HairLayers(over=_short_coils, shape=_COILED),
    "cornrows": HairLayers(over=_cornrows, shape=_SKULL),
    "spikes": HairLayers(over=_SPIKES, shape=_SPIKES.path),
    "mohawk": HairLayers(over=_mohawk),
    "mullet": HairLayers(_MULLET_BEHIND, _MULLET, _MULLET.path),
}
