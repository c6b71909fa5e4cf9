"""Glasses and jewellery of the drawn avatars."""

from collections.abc import Callable

from avatar.drawing.faces import EYE_Y, DrawnPerson
from avatar.drawing.headwear import COVERS_NECK
from avatar.drawing.palette import COAL, GOLD, PAPER, STEEL, lerp
from avatar.drawing.pen import both, disc, even, flip, loops, oval, placed, star

# ---- glasses ----

_LENSES = {  # paths centred on the right eye
    "thin-rimmed glasses": (
        "M -9 -10 L 9 -10 Q 16.5 -10 16.5 -2 "
        "L 16 4 Q 15 13 6 13 L -5 13 Q -14 13 -15.5 4 L -16.5 -2 Q -16.5 -10 -9 -10 Z"
    ),
    "thick-rimmed glasses": (
        "M -14 -11 L 10 -13 Q 18 -13.5 18 -7 "
        "L 16 8 Q 14.5 15 5 15 L -5 15 Q -13 14.5 -14.5 6 L -16 -6 Q -16.5 -11 -14 -11 Z"
    ),
    "round glasses": disc(0, 1, 16.5),
    "square glasses": (
        "M -13 -13 L 13 -13 Q 17 -13 17 -9 L 15 9 Q 14.5 15 9 15 L -9 15 Q -14.5 15 -15 9 L -17 -9 Q -17 -13 -13 -13 Z"
    ),
    "sunglasses": "M -16 -10 C -8 -14 10 -14 18 -10 C 21 4 14 19 3 19 C -9 19 -17 4 -16 -10 Z",
    "heart-shaped glasses": (
        "M 0 20 C -12 10 -19 2 -18 -6 C -17 -16 -4 -17 0 -7 C 4 -17 17 -16 18 -6 C 19 2 12 10 0 20 Z"
    ),
    "star-shaped glasses": star(0, 1, 21),
}
_FRAMES = {  # colour and line width of the frame, colour and opacity of the lenses
    "round glasses": (GOLD, 3.0, "#eaf6ff", 0.16),
    "square glasses": ("#3f6cb8", 3.8, "#eaf6ff", 0.16),
    "thin-rimmed glasses": ("#d3d7de", 1.6, "#eaf6ff", 0.14),
    "thick-rimmed glasses": ("#2a2226", 6.6, "#eaf6ff", 0.14),
    "sunglasses": ("#2a2433", 3.0, "#1e1a2c", 0.94),
    "heart-shaped glasses": ("#e32a48", 3.8, "#ff6f84", 0.55),
    "star-shaped glasses": ("#ee4fa6", 3.8, "#ff9fd0", 0.55),
}


def draw_glasses(who: DrawnPerson) -> None:
    """Draw the glasses."""
    if who.looks.glasses == "none":
        return
    pen, right = who.pen, 149 + who.build.spacing
    frame, width, glass, opacity = _FRAMES[who.looks.glasses]
    tones = pen.ramp(frame)
    rim = tones.base if pen.style == "plain" else tones.line
    lens = placed(_LENSES[who.looks.glasses], right, EYE_Y)
    lenses = f"{flip(lens)} {lens}"
    arm = f"M {right + 15} {EYE_Y - 3} L {128 + who.half} {EYE_Y - 5}"
    bridge = f"M {268 - right} {EYE_Y - 2} Q 128 {EYE_Y - 8} {right - 12} {EYE_Y - 2}"
    with pen.inside(who.face):
        pen.line(placed(lenses, 0, 1.5), who.skin.deep, width + 2, 0.35)
    pen.line(f"{even(arm)} {bridge}", rim, width)
    pen.fill(lenses, glass, opacity)
    glints = (("M -12 6 L 2 -14", 4.5), ("M -3 8 L 8 -8", 2)) if opacity > 0.5 else (("M -15 -2 L -5 -14", 3.5),)
    with pen.inside(lenses):
        for path, wide in glints:
            pen.line(f"{placed(path, right, EYE_Y)} {placed(path, 256 - right, EYE_Y)}", "#ffffff", wide, 0.42)
    pen.tube(lenses, tones.line, width + 1.6, rim, width)
    if width > 5:
        pen.line(placed(lenses, -0.8, -1.2), tones.detail, 1.3, 0.8)


# ---- neck and ears ----


def draw_jewellery(who: DrawnPerson) -> None:
    """Draw necklaces, scarves and earrings."""
    if who.looks.jewellery != "none" and who.looks.headwear not in COVERS_NECK:
        _JEWELLERY[who.looks.jewellery](who)


def _string(wide: float, deep: float, top: float, count: int) -> list[tuple[float, float]]:
    """Points (x, y) along a string that hangs around the neck."""
    ends = ((index / (count - 1) * 2 - 1) for index in range(count))
    return [(round(128 + wide * t, 1), round(top + deep * (1 - 0.85 * t * t - 0.15 * t**4), 1)) for t in ends]


def _beads(who: DrawnPerson, places: list[tuple[float, float]], radius: float, colours: tuple[str, ...]) -> None:
    """Draw beads in rotating colours, each with a highlight."""
    for turn, colour in enumerate(colours):
        beads = tuple((x, y, radius) for x, y in places[turn :: len(colours)])
        who.pen.form(loops(beads), who.pen.ramp(colour), 1.8)
    lights = tuple((x - radius * 0.3, y - radius * 0.35, radius * 0.3) for x, y in places)
    who.pen.fill(loops(lights), "#ffffff", 0.85)


def _studded_choker(who: DrawnPerson) -> None:
    pen, wide = who.pen, who.neck + 4
    pen.form(
        both(
            f"128 172, {128 + wide * 0.6} 172 {128 + wide} 168 {128 + wide} 162, {129 + wide} 168 {129 + wide} 174 "
            f"{128 + wide} 178, {128 + wide} 184 {128 + wide * 0.6} 188 128 188"
        ),
        pen.ramp("#2c2836"),
    )
    spikes = ""
    for i in range(-3, 4):
        x, y, lean = 128 + i * (wide - 1) / 3.1, 181 - i * i * 0.9, i * 1.6
        spikes += f"M {x - 3.8:.1f} {y - 3:.1f} L {x + 3.8:.1f} {y - 3:.1f} L {x + lean:.1f} {y + 12:.1f} Z "
    pen.form(spikes, pen.ramp("#e4e8f0"), 1.3)


def _gold_chain(who: DrawnPerson) -> None:
    pen, gold = who.pen, who.pen.ramp(GOLD)
    places = _string(33, 44, 184, 15)
    pen.form(loops(tuple((x, y, 4.6) for x, y in places)), gold, 1.9)
    pen.fill(loops(tuple((x, y, 1.5) for x, y in places)), gold.deep)
    pen.form(disc(128, 240, 13), gold)
    pen.fill(star(128, 240, 8.5), lerp(gold.light, "#ffffff", 0.5))


def _pearl_necklace(who: DrawnPerson) -> None:
    _beads(who, _string(30, 34, 178, 13), 5.2, ("#fff4ee",))


def _bead_necklace(who: DrawnPerson) -> None:
    _beads(who, _string(32, 40, 180, 13), 6, ("#f4568c", "#ffd24a", "#4cc9c0", "#8f6fe8"))


def _wooden_necklace(who: DrawnPerson) -> None:
    _beads(who, _string(32, 44, 180, 11), 6.6, ("#9a5f33", "#c98d4e"))
    pen = who.pen
    pen.form("M 128 228 L 137 236 L 132 254 L 124 254 L 119 236 Z", pen.ramp("#8a5430"))
    pen.line("M 123 240 L 133 240 M 124.5 246 L 131.5 246", "#f1d9ae", 1.8)


def _neckerchief(who: DrawnPerson) -> None:
    pen, tones = who.pen, who.pen.ramp("#3b62c4")
    cloth = both("128 178, 144 178 152 172 156 166, 162 174 165 182 164 190, 154 206 138 222 128 232")
    pen.form(cloth, tones)
    with pen.inside(cloth):
        pen.fill(cloth, pen.pattern(11, 11, f'<circle cx="3" cy="3" r="2.3" fill="{PAPER}"/>', 45))
        pen.line("M 104 176 C 114 188 142 188 152 176", tones.deep, 2, 0.7)
    pen.form("M 120 180 L 136 180 L 137 190 L 119 190 Z", tones, 2)


def _neck_scarf(who: DrawnPerson) -> None:
    pen, tones = who.pen, who.pen.ramp("#d8489a")
    gold = pen.ramp("#ffd77a")
    for tail in (
        "M 152 186 C 164 190 170 208 168 226 C 162 222 156 222 152 226 C 150 212 148 198 146 190 Z",
        "M 150 186 C 166 182 182 190 190 202 C 182 202 178 206 176 212 C 166 204 156 196 148 192 Z",
    ):
        pen.form(tail, tones)
    band = both("128 174, 142 174 150 170 154 164, 157 172 157 180 154 186, 148 194 140 196 128 196")
    pen.form(band, tones)
    spots = ((112, 184, 2.2), (122, 188, 2.2), (132, 183, 2.2), (142, 187, 2.2), (160, 206, 2.4), (172, 198, 2.2))
    pen.fill(loops(spots), gold.base)
    pen.form(oval(150, 187, 7, 7.5), tones)


def _scarf(who: DrawnPerson) -> None:
    pen, tones = who.pen, who.pen.ramp("#e2703a")
    end = "M 142 196 L 168 194 C 172 214 174 236 172 262 L 144 262 C 146 236 146 214 142 196 Z"
    pen.form(end, tones)
    with pen.inside(end):
        pen.line("M 138 216 L 180 212 M 138 238 L 180 235", PAPER, 7)
    roll = both("128 168, 148 168 160 164 166 160, 178 168 180 186 174 196, 162 208 146 212 128 212")
    pen.form(roll, tones)
    with pen.inside(roll):
        pen.line("M 96 166 L 90 202 M 160 166 L 166 202", PAPER, 7)
        pen.line("M 78 184 C 100 198 156 198 178 184", tones.deep, 2.2, 0.8)


def _festival_pass(who: DrawnPerson) -> None:
    pen, purple = who.pen, who.pen.ramp("#7a3fc0")
    pen.tube(even("M 152 180 C 148 200 138 214 128 224"), purple.line, 7, purple.base, 4.4)
    pen.form("M 112 222 L 144 222 L 144 256 L 112 256 Z", pen.ramp("#fff8ec"))
    pen.fill("M 113 223 L 143 223 L 143 233 L 113 233 Z", "#f2566e")
    pen.line("M 118 240 L 138 240 M 118 248 L 130 248", COAL, 2.4)


def _hoop_earrings(who: DrawnPerson) -> None:
    pen, gold, x = who.pen, who.pen.ramp(GOLD), who.half + 7
    pen.tube(loops(((128 - x, 138, 15), (128 + x, 138, 15))), gold.line, 6.8, gold.base, 4)
    lit = "M -13 -6 C -11 -11 -7 -14 -2 -14.5"
    pen.line(f"{placed(lit, 128 - x, 138)} {placed(lit, 128 + x, 138)}", gold.light, 2)


def _safety_pin_earrings(who: DrawnPerson) -> None:
    pen, steel, x = who.pen, who.pen.ramp(STEEL), who.half + 5
    pin = "M -3.5 14 L -3.5 -10 C -3.5 -15 3.5 -15 3.5 -10 L 3.5 14 C 3.5 20 -3.5 20 -3.5 14"
    pins = f"{placed(pin, 128 - x, 133)} {placed(pin, 128 + x, 133)}"
    pen.tube(pins, steel.line, 5, steel.light, 2.6)
    pen.form(f"{oval(128 - x, 121, 5.5, 5)} {oval(128 + x, 121, 5.5, 5)}", pen.ramp("#ff5470"), 1.6)


_JEWELLERY: dict[str, Callable[[DrawnPerson], None]] = {
    "studded choker": _studded_choker,
    "gold chain": _gold_chain,
    "pearl necklace": _pearl_necklace,
    "bead necklace": _bead_necklace,
    "wooden necklace": _wooden_necklace,
    "neckerchief": _neckerchief,
    "neck scarf": _neck_scarf,
    "scarf": _scarf,
    "festival pass": _festival_pass,
    "hoop earrings": _hoop_earrings,
    "safety-pin earrings": _safety_pin_earrings,
}
