"""Garments of the drawn avatars, one kind a genre; the main colour covers most of each."""

import math
from collections.abc import Callable

from avatar.drawing.faces import DrawnPerson
from avatar.drawing.palette import COAL, GOLD, PAPER, STEEL, ToneRamp, lerp
from avatar.drawing.pen import Pen, both, disc, even, flip, loops, placed, sparkle

_SHOULDER = "184 192, 214 200 232 218 238 262, 200 262 164 262 128 262"
CREW = both(f"128 198, 142 198 152 190 154 177, 162 186 172 189 {_SHOULDER}")
VEE = both(f"128 236, 134 222 150 196 153 175, 162 186 172 189 {_SHOULDER}")
ROUND = both(f"128 204, 146 204 156 194 158 180, 164 187 174 189 {_SHOULDER}")
_COLLAR = both("128 164, 144 164 154 168 160 178, 164 188 160 196 128 196")
_BEHIND = {  # hood or collar behind the neck
    "hoodie": both("128 150, 164 150 186 166 188 190, 188 204 170 210 128 210"),
    **dict.fromkeys(("windbreaker", "leather jacket", "tailcoat", "wide-lapel suit"), _COLLAR),
}
_ARM = "M 200 222 C 206 236 208 248 208 262"


def draw_garment(who: DrawnPerson) -> None:
    """Draw the garment."""
    with who.pen.spread(who.shoulders):
        _GARMENTS[who.looks.garment](who, who.pen, who.garment)


def draw_garment_behind(who: DrawnPerson) -> None:
    """Draw the hood or collar behind the neck."""
    behind = _BEHIND.get(who.looks.garment)
    if behind:
        with who.pen.spread(who.shoulders):
            who.pen.form(behind, _dark(who.garment))


def _dark(tones: ToneRamp) -> ToneRamp:
    return ToneRamp(tones.base, tones.shade, tones.deep, tones.deep, tones.line, tones.detail)


def _arms(who: DrawnPerson, tones: ToneRamp | None = None) -> None:
    """Draw the lines between arms and body, and light on the left shoulder."""
    tones = tones or who.garment
    who.pen.lines(_ARM, tones.detail, 2.4, 0.75)
    who.pen.line("M 40 226 C 46 212 56 204 72 199", tones.light, 4, 0.6)


def _shirt(who: DrawnPerson, path: str, colour: str) -> ToneRamp:
    tones = who.pen.ramp(colour)
    who.pen.form(path, tones)
    return tones


def _under(who: DrawnPerson, colour: str = PAPER) -> ToneRamp:
    """Draw a T-shirt below an open jacket; dark below a white one."""
    tones = _shirt(who, CREW, COAL if who.looks.garment_colour == "white" else colour)
    who.pen.line("M 103 179 C 106 192 114 198 128 198 C 142 198 150 192 153 179", tones.detail, 1.6, 0.7)
    return tones


# ---- kinds ----


def _sequin_jacket(who: DrawnPerson, pen: Pen, tones: ToneRamp) -> None:
    _under(who, COAL if who.looks.garment_colour != "black" else PAPER)
    panel = "M 152 174 C 156 196 146 226 140 262 L 238 262 C 232 218 214 200 184 192 C 172 189 162 186 152 174 Z"
    dots = (
        (2.2, 2.2, 1.9, tones.light),
        (6.2, 6.2, 1.9, lerp(tones.light, "#ffffff", 0.6)),
        (6.2, 2.2, 1.5, tones.shade),
        (2.2, 6.2, 1.5, tones.deep),
    )
    circles = (f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{paint}"/>' for x, y, radius, paint in dots)
    scales = pen.pattern(8, 8, "".join(circles), 12)
    pen.pair(panel, tones)
    for path in (panel, flip(panel)):
        with pen.inside(path):
            pen.fill(path, scales, 0.75)
    _arms(who)
    lapel = "M 152 174 C 158 184 166 190 174 196 C 164 210 152 222 146 236 C 150 212 156 196 152 174 Z"
    pen.pair(lapel, _dark(tones))
    for x, y, size in ((62, 216, 9), (98, 240, 7), (192, 212, 8), (168, 244, 9), (212, 240, 6), (44, 246, 6)):
        pen.fill(sparkle(x, y, size), "#ffffff", 0.95)


def _leather_jacket(who: DrawnPerson, pen: Pen, tones: ToneRamp) -> None:
    _under(who)
    panel = "M 154 172 C 158 196 142 224 136 262 L 238 262 C 232 218 214 200 184 192 C 172 189 162 184 154 172 Z"
    pen.pair(panel, tones)
    _arms(who)
    steel = pen.ramp(STEEL)
    pen.lines("M 146 230 C 142 240 139 250 137 262", steel.base, 2.6)
    lapel = "M 155 168 L 178 190 L 186 214 L 164 210 L 146 238 C 146 216 156 196 155 168 Z"
    pen.pair(lapel, tones)
    pen.lines("M 156 176 C 158 194 154 212 149 228", tones.light, 2, 0.6)
    pen.lines("M 178 190 L 166 204", tones.line, 2)
    pen.lines("M 184 240 L 204 232", steel.base, 2.6)
    pen.lines("M 196 204 C 210 208 220 218 224 230", lerp(tones.light, "#ffffff", 0.45), 4, 0.6)
    pen.line("M 62 216 C 70 210 76 208 84 208", lerp(tones.light, "#ffffff", 0.5), 4, 0.7)
    for x in (174, 82):
        pen.form(disc(x, 206, 2.4), steel, 1)


def _striped_jumper(who: DrawnPerson, pen: Pen, tones: ToneRamp) -> None:
    pen.form(CREW, tones)
    other = pen.ramp(PAPER if who.looks.garment_colour != "white" else "#35427e")
    with pen.inside(CREW):
        for y in (214, 236, 258):
            pen.line(f"M 10 {y + 14} C 60 {y - 2} 90 {y} 128 {y} C 166 {y} 196 {y - 2} 246 {y + 14}", other.base, 8)
            pen.line(f"M 128 {y} C 166 {y} 196 {y - 2} 246 {y + 14}", other.shade, 8, 0.5)
    pen.line(CREW, tones.line, 2.3)
    _arms(who)
    collar = both("128 188, 140 188 147 182 148 172, 153 172 156 175 157 179, 156 194 144 203 128 203")
    pen.form(collar, tones)
    with pen.inside(collar):
        pen.lines(
            "M 128 186 L 128 206 M 135 186 L 137 206 M 142 182 L 147 200 M 146 178 L 155 192",
            tones.detail,
            1.4,
            0.6,
        )


def _battle_vest(who: DrawnPerson, pen: Pen, tones: ToneRamp) -> None:
    tee = _shirt(who, CREW, COAL if who.looks.garment_colour != "black" else "#8d93a3")
    _arms(who, tee)
    vest = "M 152 173 C 156 190 148 216 142 262 L 206 262 C 210 240 206 218 198 197 C 184 192 162 188 152 173 Z"
    pen.pair(vest, tones)
    pen.lines("M 196 200 C 203 220 205 240 201 262", tones.detail, 1.6, 0.8)
    collar = "M 153 170 L 176 190 L 164 206 L 148 188 Z"
    pen.pair(collar, tones)
    steel = pen.ramp(STEEL)
    for x, y in ((182, 199), (192, 203)):
        pen.pair(f"M {x - 4} {y + 2} L {x + 1} {y - 9} L {x + 5} {y + 3} Z", steel, 1.2)
    for path, colour in (
        ("M 158 216 L 186 214 L 188 232 L 160 234 Z", "#e8d9a8"),
        (disc(92, 222, 10), "#d8434c"),
        ("M 66 240 L 100 240 L 100 254 L 66 254 Z", "#f0ece4"),
        ("M 172 240 L 190 256 L 156 256 Z", "#f0c23e"),
    ):
        pen.form(path, pen.ramp(colour), 1.6)
    pen.fill("M 166 230 L 170 219 L 174 226 L 178 218 L 182 229 L 177 227 L 173 231 Z", COAL)
    pen.fill(sparkle(92, 222, 8), PAPER)
    pen.line("M 71 250 L 76 244 L 80 250 L 84 244 L 88 250 L 92 244 L 95 250", COAL, 2)


def _tartan_shirt(who: DrawnPerson, pen: Pen, tones: ToneRamp) -> None:
    body = both(f"128 206, 138 200 150 190 153 176, 162 186 172 189 {_SHOULDER}")
    pen.form(body, tones)
    dark, thin = (COAL, "#f4ead2") if who.looks.garment_colour != "black" else ("#15131c", "#d9dbe6")
    if who.looks.garment_colour == "white":
        dark, thin = "#5b6478", "#d0575b"
    check = pen.pattern(
        28,
        28,
        f'<path d="M0 0H9V28H0Z" fill="{dark}" opacity="0.5"/><path d="M0 0H28V9H0Z" fill="{dark}" opacity="0.5"/>'
        f'<path d="M18.5 0V28M0 18.5H28" stroke="{thin}" stroke-width="2" opacity="0.85"/>',
        8,
    )
    with pen.inside(body):
        pen.fill(body, check)
    pen.line(body, tones.line, 2.3)
    _arms(who)
    pen.form("M 122 204 L 134 204 L 134 264 L 122 264 Z", tones, 1.8)
    for y in (216, 236, 254):
        pen.form(disc(128, y, 2.6), pen.ramp(PAPER), 1.2)
    collar = "M 128 206 L 152 170 C 162 178 168 186 170 194 L 146 216 Z"
    pen.pair(collar, tones)
    for path in (collar, flip(collar)):
        with pen.inside(path):
            pen.fill(path, check)


def _windbreaker(who: DrawnPerson, pen: Pen, tones: ToneRamp) -> None:
    pen.form(CREW, tones)
    pale = pen.ramp(PAPER if who.looks.garment_colour != "white" else "#5a6ad0")
    glow = pen.ramp("#d6ff4a")
    chevron = "M 128 244 L 186 214 L 250 214"
    with pen.inside(CREW):
        for down, paint, width in ((0, tones.line, 13), (0, pale.base, 10), (11, tones.line, 8), (11, glow.base, 5.5)):
            pen.lines(placed(chevron, 0, down), paint, width)
    pen.line(CREW, tones.line, 2.3)
    pen.lines(_ARM, tones.detail, 2.4, 0.75)
    pen.line("M 44 216 C 50 208 58 203 70 199", tones.light, 4, 0.7)
    collar = both("128 190, 140 188 150 180 153 160, 160 164 166 172 168 186, 156 200 142 206 128 208")
    pen.form(collar, tones)
    pen.tube("M 128 190 L 128 262", pen.ramp(STEEL).line, 3.2, glow.base, 1.6)
    pen.form("M 125.5 210 L 130.5 210 L 131.5 220 L 124.5 220 Z", pen.ramp(STEEL), 1.2)


def _hoodie(who: DrawnPerson, pen: Pen, tones: ToneRamp) -> None:
    pen.form(CREW, tones)
    _arms(who)
    with pen.inside(CREW):
        pocket = both("128 244, 150 244 160 244 164 246, 172 256 176 260 178 270, 160 270 140 270 128 270")
        pen.form(pocket, tones, 2)
    roll = both("128 208, 148 206 160 190 158 168, 170 166 182 178 182 192, 176 212 152 226 128 226")
    pen.form(roll, tones)
    pen.lines("M 166 178 C 168 194 158 208 140 215", tones.detail, 1.8, 0.6)
    cord = PAPER if who.looks.garment_colour != "white" else "#8a86a0"
    for x in (112, 144):
        pen.line(f"M {x} 214 C {x - 2} 224 {x + 2} 232 {x} 242", cord, 3.4)
        pen.line(f"M {x} 240 L {x} 246", pen.ramp(STEEL).line, 3.6)


_FRILL = (
    "M 153 176 C 166 176 170 184 164 190 C 174 194 174 204 165 207 C 172 213 170 222 161 224 C 166 231 163 239 154 240 "
    "C 157 248 152 255 144 256 L 140 264 L 128 264 L 128 238 C 136 222 150 198 153 176 Z"
)
_FOLDS = "M 150 190 L 163 190 M 146 202 L 163 207 M 141 214 L 159 223 M 136 225 L 152 239 M 131 236 L 142 255"


def _ruffled_shirt(who: DrawnPerson, pen: Pen, tones: ToneRamp) -> None:
    pen.form(VEE, tones)
    _arms(who)
    frill = ToneRamp(lerp(tones.light, "#ffffff", 0.5), tones.light, tones.base, tones.shade, tones.line, tones.deep)
    pen.pair(placed(_FRILL, -45, 2, 1.32, 1), tones, 2)
    pen.lines("M 172 200 L 184 202 M 168 218 L 180 222 M 160 236 L 172 242", tones.detail, 1.8, 0.7)
    pen.pair(_FRILL, frill, 2)
    pen.lines(_FOLDS, frill.detail, 1.7, 0.65)


def _spiral(arm: float, width: float) -> str:
    """Path of one arm of a spiral around the chest; `arm` and `width` are fractions of a turn."""
    there: list[str] = []
    back: list[str] = []
    for step in range(15):
        far = 5 * 1.27**step
        for edge, places in ((0.0, there), (width, back)):
            angle = 2 * math.pi * (arm + edge + step * 0.055)
            places.append(f"{128 + far * math.cos(angle):.1f} {238 + far * math.sin(angle):.1f}")
    return f"M {' L '.join([*there, *reversed(back)])} Z"


def _tie_dye_shirt(who: DrawnPerson, pen: Pen, tones: ToneRamp) -> None:
    pen.form(CREW, tones)
    pale = PAPER if who.looks.garment_colour not in ("white", "yellow") else "#f08fb0"
    with pen.inside(CREW):
        pen.fill(" ".join(_spiral(arm / 6, 0.055) for arm in range(6)), pale, 0.92)
        pen.fill(" ".join(_spiral(arm / 6 + 0.052, 0.03) for arm in range(6)), who.accent.base, 0.9)
    pen.line(CREW, tones.line, 2.3)
    _arms(who)
    pen.form(both("128 192, 141 192 149 185 150 174, 154 174 156 177 156 180, 155 193 144 201 128 201"), tones, 1.8)


def _wide_lapel_suit(who: DrawnPerson, pen: Pen, tones: ToneRamp) -> None:
    shirt = pen.ramp("#fbe6c8" if who.looks.garment_colour not in ("white", "yellow") else "#7a3f9a")
    pen.form(VEE, shirt)
    panel = "M 158 178 C 166 196 150 232 138 262 L 238 262 C 232 218 214 200 184 192 C 172 189 164 186 158 178 Z"
    pen.pair(panel, tones)
    _arms(who)
    lapel = "M 158 176 L 196 196 L 204 220 L 180 222 L 136 262 L 132 262 C 148 232 164 200 158 176 Z"
    satin = ToneRamp(lerp(tones.light, "#ffffff", 0.35), tones.light, tones.base, tones.shade, tones.line, tones.detail)
    pen.pair(lapel, satin)
    collar = "M 150 166 L 190 190 L 172 212 L 148 196 C 152 186 153 178 150 166 Z"
    pen.pair(collar, shirt)


def _waistcoat(who: DrawnPerson, pen: Pen, tones: ToneRamp) -> None:
    shirt = _shirt(who, CREW, PAPER if who.looks.garment_colour != "white" else "#8fb4e0")
    _arms(who, shirt)
    vest = (
        "M 154 178 C 160 188 170 192 180 194 C 188 214 190 240 186 264 L 128 264 L 128 246 C 140 226 152 204 154 178 Z"
    )
    pen.pair(vest, tones)
    pen.line("M 128 246 L 128 262", tones.line, 2)
    pen.form(disc(128, 255, 2.6), pen.ramp(GOLD), 1)
    pen.lines("M 160 240 L 176 236", tones.detail, 2.4, 0.8)
    tie = both("128 196, 132 196 135 198 136 200, 134 206 134 208 133 210, 138 226 138 236 128 246")
    pen.form(tie, who.accent, 2)
    pen.line("M 123 209 L 133 209", who.accent.line, 1.8)
    pen.pair("M 128 200 L 149 172 C 157 178 161 186 160 194 L 144 208 Z", shirt, 2)


def _fringed_jacket(who: DrawnPerson, pen: Pen, tones: ToneRamp) -> None:
    _shirt(who, CREW, "#fff3da" if who.looks.garment_colour != "white" else "#6f8db8")
    panel = "M 152 172 C 158 196 146 226 142 262 L 238 262 C 232 218 214 200 184 192 C 172 189 162 184 152 172 Z"
    pen.pair(panel, tones)
    for path in (panel, flip(panel)):
        with pen.inside(path):
            pen.tube(even(_FRINGE), tones.line, 5.6, tones.light, 3)
    pen.tube(even("M 146 212 C 168 224 196 222 230 208"), tones.line, 6, tones.base, 2.8)
    collar = "M 153 168 L 180 192 L 166 210 L 148 190 C 151 182 153 176 153 168 Z"
    pen.pair(collar, tones)


_FRINGE = " ".join(
    f"M {x} {219 - ((x - 180) / 34) ** 2 * 5:.1f} L {x + 2} {252 - ((x - 180) / 34) ** 2 * 4 - 6 * (i % 2):.1f}"
    for i, x in enumerate(range(148, 236, 7))
)


def _tailcoat(who: DrawnPerson, pen: Pen, tones: ToneRamp) -> None:
    shirt = _shirt(who, CREW, "#fffaf2" if who.looks.garment_colour != "white" else "#dfe6f2")
    for y in (214, 226, 238):
        pen.form(disc(128, y, 2.2), pen.ramp(COAL), 0.8)
    pen.lines("M 136 206 L 137 262 M 143 204 L 144 262", shirt.detail, 1.2, 0.4)
    panel = "M 156 178 C 166 200 154 234 146 264 L 238 262 C 232 218 214 200 184 192 C 172 189 162 184 156 178 Z"
    pen.pair(panel, tones)
    _arms(who)
    lapel = "M 158 180 C 176 192 180 212 172 232 C 166 246 158 256 150 264 L 144 264 C 156 234 164 204 158 180 Z"
    satin = pen.ramp(COAL if who.looks.garment_colour != "black" else "#6a667c")
    pen.pair(lapel, satin)
    pen.pair("M 134 190 L 150 168 L 160 184 L 148 198 Z", shirt, 1.8)
    bow = "M 130 200 L 152 189 C 156 196 156 208 152 214 L 130 204 Z"
    tie = pen.ramp("#2b2733" if who.looks.garment_colour != "black" else "#fbf6ec")
    pen.pair(bow, tie, 2)
    pen.form("M 123 196 L 133 196 L 133 208 L 123 208 Z", tie, 2)


def _embroidered_tunic(who: DrawnPerson, pen: Pen, tones: ToneRamp) -> None:
    pen.form(ROUND, tones)
    _arms(who)
    gold = pen.ramp(GOLD if who.looks.garment_colour not in ("yellow", "orange") else "#fff4dc")
    bib = both("128 204, 146 204 156 194 158 180, 166 184 172 188 176 190, 172 216 152 236 128 254")
    pen.form(bib, who.accent)
    with pen.inside(bib):
        pen.line("M 98 186 C 100 210 114 218 128 218 C 142 218 156 210 158 186", gold.base, 3)
        pen.line("M 84 192 C 92 222 112 238 128 246 C 144 238 164 222 172 192", gold.base, 3)
    sides = ((16, 223, 3.4), (29, 213, 3.2), (38, 200, 2.8))  # x from the centre line
    dots = loops(((128, 228, 4.2), (128, 239, 3), *((128 + side * x, y, r) for side in (-1, 1) for x, y, r in sides)))
    pen.fill(dots, tones.base)
    pen.line(dots, gold.light, 1.3)
    pen.line("M 128 206 L 128 218", gold.line, 2)


def _denim_jacket(who: DrawnPerson, pen: Pen, tones: ToneRamp) -> None:
    _under(who)
    panel = "M 153 172 C 158 196 148 226 145 262 L 238 262 C 232 218 214 200 184 192 C 172 189 162 184 153 172 Z"
    pen.pair(panel, tones)
    _arms(who)
    thread = "#f0c56a" if who.looks.garment_colour not in ("white", "yellow", "orange") else "#b06a2e"
    stitches = "M 155 222 C 166 218 184 217 199 219 M 153 226 L 151 262 M 196 222 C 200 236 202 248 202 262"
    pen.lines(stitches, thread, 1.5)
    pocket = "M 160 228 L 188 227 L 188 236 L 174 242 L 160 236 Z"
    pen.pair(pocket, tones, 1.8)
    pen.lines("M 162 238 L 163 262 M 186 238 L 186 262", tones.detail, 1.6, 0.8)
    for x in (174, 82):
        pen.form(disc(x, 236, 2.4), pen.ramp(STEEL), 1)
    collar = "M 154 168 L 182 191 L 168 212 L 147 192 C 151 184 154 178 154 168 Z"
    pen.pair(collar, tones)
    pen.lines("M 178 192 L 167.5 207.5 L 151 192", thread, 1.4)


_GARMENTS: dict[str, Callable[[DrawnPerson, Pen, ToneRamp], None]] = {
    "sequin jacket": _sequin_jacket,
    "leather jacket": _leather_jacket,
    "striped jumper": _striped_jumper,
    "battle vest": _battle_vest,
    "tartan shirt": _tartan_shirt,
    "windbreaker": _windbreaker,
    "hoodie": _hoodie,
    "ruffled shirt": _ruffled_shirt,
    "tie-dye shirt": _tie_dye_shirt,
    "wide-lapel suit": _wide_lapel_suit,
    "waistcoat": _waistcoat,
    "fringed jacket": _fringed_jacket,
    "tailcoat": _tailcoat,
    "embroidered tunic": _embroidered_tunic,
    "denim jacket": _denim_jacket,
}
