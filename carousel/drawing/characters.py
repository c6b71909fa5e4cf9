"""Drawn people: random builds, faces, festival clothes and poses, ready to be lit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from carousel.drawing.bodies import Build, Pose, PosedBody, pose_body
from carousel.drawing.canvas import Raster, colour, mix
from carousel.drawing.clothes import BOTTOMS, TOPS, ClothesPainter, Outfit
from carousel.drawing.heads import HAIR, TALL, Face, HeadPainter
from carousel.drawing.height_fields import DrawnFigure, Lamp, Lighting, Sculpture

SKINS = ("#f6d7c0", "#efc3a0", "#e3ab80", "#d0905f", "#b57448", "#93593a", "#74432b", "#573021")
HAIRS = ("#1c1614", "#2a1c17", "#47301f", "#6b4428", "#8f5a2f", "#b9803f", "#d6ab66", "#9c3f22", "#e0cfa8")
DYES = ("#e0508c", "#3f8fc4", "#7b4fb0", "#35a08c", "#e8743b")
GREYS = ("#b9b4ad", "#dcd8d0", "#8d8a88")
IRISES = ("#3a2416", "#4f3420", "#5c4a26", "#3d5a4a", "#4a6a86")
OUTFITS = (  # top, under, bottom, shoes, accent
    ("#d9a441", "#f2e9d8", "#3d5a80", "#efe9df", "#b5403a"),
    ("#c65f3f", "#f4ead7", "#44506b", "#7a4a2b", "#f0c05a"),
    ("#2f7f86", "#f1e7d0", "#d8c39a", "#efe9df", "#f28f6b"),
    ("#f2e6d0", "#c9574a", "#5b7553", "#8a5a38", "#d65a4a"),
    ("#26242c", "#e9e2d6", "#3b3f52", "#1f1b20", "#e8505b"),
    ("#7a3b5e", "#f3d9c4", "#2f3550", "#2a2026", "#f2b84b"),
    ("#e88aa0", "#fff1e6", "#5f86a8", "#f4efe6", "#fff0c2"),
    ("#4f6b4a", "#efe4cd", "#8a6b4a", "#4a3425", "#e3a53d"),
    ("#3f6fb0", "#f4efe4", "#d9cdb8", "#efe9df", "#f5d04c"),
    ("#efe9dc", "#3b3a48", "#6a7f9a", "#b5503c", "#2f8f8a"),
    ("#8c6bb1", "#f4e8f0", "#3a3f5c", "#efe9df", "#62c3b0"),
    ("#e2583e", "#f6ecd8", "#2e4a5e", "#efe9df", "#f6d27a"),
    ("#39424f", "#c9b79a", "#22252e", "#5a3b26", "#6fb3c8"),
    ("#f0c9b4", "#8f4d3f", "#a8574a", "#6b4428", "#3f7f6f"),
)
STYLES = ("summer", "evening", "rain", "winter")


@dataclass(frozen=True)
class PersonLook:
    """One person: body, face and clothes."""

    build: Build
    face: Face
    outfit: Outfit


POSES: dict[str, Pose] = {  # arms, legs, hands, tilts of hips, trunk, shoulders and head
    "standing": Pose(((9, 3), (11, 2)), ((3, 1), (6, 4)), ("relaxed", "relaxed"), (3, 0, -2, 3), shift=0.012),
    "hand on hip": Pose(
        ((10, 4), (42, -52)), ((2, 0), (9, 6)), ("relaxed", "fist"), (-4, 0, 3, -4), shift=-0.018, turn=0.3
    ),
    "arms up": Pose(((152, 172), (150, 168)), ((5, 3), (5, 3)), ("open", "open"), (0, 0, 0, 0)),
    "one fist up": Pose(((14, 8), (160, 178)), ((5, 2), (8, 5)), ("relaxed", "fist"), (-3, 0, -5, 6), shift=-0.012),
    "horns": Pose(((148, 170), (35, -60)), ((7, 4), (6, 3)), ("horns", "fist"), (0, 0, 4, -5), turn=-0.2),
    "dancing": Pose(
        ((118, 168), (70, 128)), ((12, -14), (20, 4)), ("open", "relaxed"), (8, -5, -9, 8), shift=0.035, turn=0.35
    ),
    "swinging": Pose(
        ((62, 20), (135, 95)),
        ((4, -2), (24, -10)),
        ("open", "open"),
        (-8, 6, 8, -8),
        shins=(1.0, 0.86),
        shift=-0.03,
        turn=-0.4,
    ),
    "clapping": Pose(((38, -128), (38, -128)), ((3, 1), (6, 3)), ("open", "open"), (2, 0, 0, 4), shift=0.01),
    "walking": Pose(
        ((20, 4), (26, 30)), ((13, 6), (9, 4)), ("relaxed", "fist"), (-3, 1, 3, 2), shins=(1.0, 0.8), turn=0.5
    ),
    "waving": Pose(((8, 4), (125, 178)), ((3, 1), (7, 4)), ("relaxed", "open"), (3, 0, -4, 5), shift=0.012, turn=0.15),
    "peace": Pose(((36, -58), (70, 165)), ((4, 2), (6, 4)), ("fist", "peace"), (4, 0, -3, 8), shift=0.016, turn=0.2),
    "with a drink": Pose(
        ((10, 6), (24, 118)),
        ((3, 1), (8, 5)),
        ("relaxed", "grip"),
        (-3, 0, 2, -3),
        shift=-0.014,
        turn=0.35,
        holds="cup",
    ),
    "filming": Pose(
        ((12, 6), (128, 176)), ((3, 1), (6, 3)), ("relaxed", "grip"), (0, 0, 0, 3), holds="phone", from_behind=True
    ),
    "with a flag": Pose(
        ((14, 8), (118, 168)), ((6, 3), (7, 5)), ("relaxed", "grip"), (2, 0, -5, 4), turn=0.25, holds="flag"
    ),
    "guitar": Pose(
        ((34, 62), (28, -62)),
        ((7, 4), (12, 8)),
        ("grip", "relaxed"),
        (4, -2, 4, -6),
        shift=0.012,
        turn=-0.45,
        holds="guitar",
    ),
    "watching": Pose(
        ((10, 5), (12, 4)), ((4, 2), (6, 4)), ("relaxed", "relaxed"), (3, 0, 0, 2), shift=0.012, from_behind=True
    ),
    "cheering": Pose(((148, 168), (158, 175)), ((5, 3), (7, 4)), ("open", "horns"), (-2, 0, 0, 3), from_behind=True),
    "hands in pockets": Pose(
        ((16, -14), (16, -14)), ((3, 1), (6, 4)), ("fist", "fist"), (3, 0, -1, -2), shift=0.012, turn=-0.3
    ),
}
LIVELY = ("arms up", "one fist up", "horns", "dancing", "swinging", "clapping", "waving", "peace", "with a flag")
CALM = (
    "standing",
    "hand on hip",
    "walking",
    "with a drink",
    "hands in pockets",
    "watching",
    "filming",
    "peace",
    "waving",
)


def pick(rng: np.random.Generator, options: Sequence[str]) -> str:
    """Choose one of the options."""
    return options[int(rng.integers(len(options)))]


def random_build(rng: np.random.Generator, child: bool) -> Build:
    """Choose a body: slim to stout, small to tall, female to male."""
    female = float(rng.choice((0.0, 1.0)) * 0.8 + rng.uniform(0, 0.2))
    if child:
        return Build(0.35, 1.0, 0.006, rng.uniform(1.12, 1.38), head=1.32)
    stout = rng.uniform(0, 1) ** 2
    width = 0.96 + 0.26 * stout
    return Build(female, width, 0.022 * stout, rng.normal(1.79 - 0.13 * female, 0.06))


def random_face(rng: np.random.Generator, build: Build, style: str) -> Face:
    """Choose a face with hair and headwear; random_look sets the colours of the headwear."""
    child, old = build.head > 1.1, bool(rng.random() < 0.16) and build.head <= 1.1
    shade = int(rng.integers(len(SKINS)))
    skin = colour(SKINS[shade])
    female = build.female > 0.5
    styles = (
        ["long", "bob", "bun", "ponytail", "braids", "curls", "long", "short", "hijab"]
        if female
        else ["short", "messy", "quiff", "buzz", "short", "curls", "bald", "bun"]
    )
    if shade >= 4:
        styles += ["afro", "locs", "braids", "afro"] if female else ["afro", "locs", "buzz"]
    if rng.random() < 0.05 and not old and not child:
        styles = ["mohawk"]
    hair = pick(rng, ["bob", "braids", "messy", "ponytail", "curls"] if child else styles)
    tones = HAIRS[:3] if shade >= 4 else HAIRS
    tone = pick(rng, GREYS if old else DYES if rng.random() < 0.08 and shade < 5 else tones)
    beard = "" if female or child else pick(rng, ("", "", "stubble", "stubble", "short", "full"))
    wear = _headwear(rng, style, hair, child, old)
    lips = mix(skin, colour("#a8343c"), (0.55 if female and not child else 0.30))
    return Face(
        skin=skin,
        lips=lips,
        iris=colour(pick(rng, IRISES[:2] if shade >= 4 else IRISES)),
        form=2 if child else int(rng.integers(3)),
        mood=pick(rng, ("smile", "laugh", "smile", "calm")),
        hair=hair,
        hair_colour=colour(tone),
        beard=beard,
        lashes=0.9 if female else 0.25,
        wear=wear,
        wear_colour=skin,
        trim=skin,
        glitter=bool(rng.random() < 0.18) and style in ("summer", "evening"),
        old=old,
    )


def _headwear(rng: np.random.Generator, style: str, hair: str, child: bool, old: bool) -> tuple[str, ...]:
    wear: list[str] = []
    if style == "winter" and hair not in ("hijab", "afro", "bun"):
        wear.append("beanie")
    elif hair not in TALL and rng.random() < 0.45:
        hats = {
            "summer": ("straw hat", "bucket hat", "cap", "flowers", "cowboy hat", "bandana"),
            "rain": ("bucket hat", "cap"),
        }
        wear.append(pick(rng, hats.get(style, ("bucket hat", "cap", "beanie", "headphones", "flowers", "cowboy hat"))))
    if not child and rng.random() < 0.32:
        shades = ("round glasses", "heart glasses") if style in ("summer", "evening") else ("spectacles",)
        wear.insert(0, "spectacles" if old or rng.random() < 0.3 else pick(rng, shades))
    return tuple(wear)


TOPS_FOR = {
    "summer": ("tee", "tank", "shirt", "tee"),
    "evening": ("tee", "hoodie", "denim jacket", "leather jacket", "shirt", "sweater"),
    "rain": ("raincoat", "raincoat", "hoodie"),
    "winter": ("coat", "coat", "sweater"),
}
BOTTOMS_FOR = {
    "summer": ("shorts", "shorts", "jeans", "wide trousers"),
    "evening": ("jeans", "cargos", "wide trousers", "jeans"),
    "rain": ("jeans", "cargos"),
    "winter": ("jeans", "cargos", "leggings"),
}
SHOES_FOR = {
    "summer": ("sneakers", "sandals", "boots"),
    "evening": ("sneakers", "boots", "sneakers"),
    "rain": ("rain boots",),
    "winter": ("boots",),
}
COLOURS_OF = {  # of clothes that come in few colours
    "denim jacket": ("#5a7ca3", "#3f5f86"),
    "leather jacket": ("#2b2226", "#4a2c22"),
    "raincoat": ("#e8b52e", "#d9573f", "#3f7f9c", "#6aa06a", "#c96a9c"),
    "jeans": ("#3d5a80", "#2c3e57", "#6d8bad", "#25262c"),
    "boots": ("#5a3b26", "#2a2226", "#8a5a38", "#efe9df"),
    "rain boots": ("#d9b23a", "#3f5f4a", "#2a3a5a", "#b8483f"),
}


def random_outfit(rng: np.random.Generator, build: Build, style: str, covered: bool) -> Outfit:
    """Choose clothes for a style, in matching colours; `covered` requires long sleeves and legs."""
    top, under, bottom, shoe, accent = (colour(tone) for tone in rng.choice(OUTFITS))
    warm = style in ("summer", "evening")
    female, child = build.female > 0.5, build.head > 1.1
    worn = pick(rng, TOPS_FOR[style] + (("dress", "crop") if warm and female and not child else ()))
    pants = pick(rng, BOTTOMS_FOR[style] + (("skirt", "long skirt") if warm and female else ()))
    if covered:
        worn = worn if TOPS[worn].sleeve > 1.8 else "sweater"
        pants = pants if BOTTOMS[pants].last > 1.5 else "wide trousers"
    shoes = pick(rng, SHOES_FOR[style])
    top, bottom, shoe = (
        colour(pick(rng, COLOURS_OF[kind])) if kind in COLOURS_OF else tone
        for kind, tone in ((worn, top), (pants, bottom), (shoes, shoe))
    )
    patterns = ("plaid",) if worn == "shirt" else ("", "", "stripes", "dots", "flowers", "tie-dye", "plaid")
    pattern = pick(rng, patterns) if worn in ("tee", "tank", "dress", "crop", "sweater", "shirt") else ""
    pants = "" if worn == "dress" else pants
    return Outfit(worn, pants, shoes, top, under, bottom, shoe, accent, pattern, _extras(rng, style))


def _extras(rng: np.random.Generator, style: str) -> tuple[str, ...]:
    extras = ["wristband"] if rng.random() < 0.6 else []
    if style == "winter":
        return ("scarf", "gloves", *extras)
    if rng.random() < 0.3:
        extras.append(pick(rng, ("bag", "backpack")))
    if rng.random() < 0.3 and style in ("summer", "evening"):
        extras.append("necklace")
    return (*extras, "belt")


def random_look(rng: np.random.Generator, style: str, child: bool = False) -> PersonLook:
    """Choose a person for a style: "summer", "evening", "rain" or "winter"."""
    build = random_build(rng, child)
    face = random_face(rng, build, style)
    outfit = random_outfit(rng, build, style, covered=face.hair == "hijab")
    worn = outfit.under_colour if rng.random() < 0.4 else outfit.top_colour
    return PersonLook(build, replace(face, trim=outfit.accent, wear_colour=worn), outfit)


def random_pose(rng: np.random.Generator, names: Sequence[str]) -> Pose:
    """Choose one of the named poses, mirror it or not, and vary it a little."""
    pose = POSES[pick(rng, names)]
    if rng.random() < 0.5 and not pose.holds:
        pose = mirrored(pose)
    arms = tuple((a + rng.normal(0, 4), b + rng.normal(0, 5)) for a, b in pose.arms)
    legs = tuple((a + rng.normal(0, 1.2), b + rng.normal(0, 1.2)) for a, b in pose.legs)
    turn = float(np.clip(pose.turn + rng.normal(0, 0.15), -0.7, 0.7))
    hips, lean, shoulders, head = pose.tilts
    tilts = (hips, lean, shoulders, head + rng.normal(0, 2))
    return replace(pose, arms=(arms[0], arms[1]), legs=(legs[0], legs[1]), turn=turn, tilts=tilts)


def mirrored(pose: Pose) -> Pose:
    """Return the pose as seen in a mirror."""
    hips, lean, shoulders, head = pose.tilts
    return replace(
        pose,
        arms=pose.arms[::-1],
        legs=pose.legs[::-1],
        shins=pose.shins[::-1],
        hands=pose.hands[::-1],
        shift=-pose.shift,
        tilts=(-hips, -lean, -shoulders, -head),
        turn=-pose.turn,
    )


def draw_figure(rng: np.random.Generator, look: PersonLook, pose: Pose, height_px: float) -> DrawnFigure:
    """Draw a person; a standing adult of 1.75 m would be `height_px` high.

    Args:
        rng: random generator of creases, strands and other details.
        look: the person.
        pose: how it is held.
        height_px: height in px of a person of 1.75 m at these feet.

    Returns:
        Its layers, as light needs them.
    """
    scale = height_px * look.build.height / 1.75
    raster = Raster(int(1.3 * scale), int(1.55 * scale), scale, left=-0.65, top=-1.48)
    sculpture = Sculpture(rng, raster)
    body = pose_body(look.build, pose)
    head = HeadPainter(rng, sculpture, body, look.face)
    dresser = ClothesPainter(rng, sculpture, body, look.face.skin, look.outfit)
    if not pose.from_behind:
        HAIR[look.face.hair][0](head)
    dresser.legs()
    dresser.trunk()
    layers = (head.draw, dresser.extras_below) if pose.from_behind else (dresser.extras_below, head.draw)
    for draw in layers:
        draw()
    _arms(dresser, body)
    middle = sum(leg.end[0] for leg in body.legs) / 2
    return sculpture.finish((middle, 0.0), 1.0)


def _arms(dresser: ClothesPainter, body: PosedBody) -> None:
    """Draw both arms, the higher one last; a held thing lies behind the fingers."""
    for index in sorted((0, 1), key=lambda index: -body.arms[index].end[1]):
        if index == 1 and body.pose.holds:
            dresser.held()
        dresser.arm(index)


def neutral_light() -> Lighting:
    """Return soft studio light: from all sides, a large lamp at the upper left, a weak one behind."""
    grey = np.ones(3, np.float32)
    lamps = (Lamp((-0.55, 0.6, 0.8), grey * 0.58, 0.35), Lamp((0.8, 0.3, -0.25), grey * 0.30, 0.1))
    return Lighting(grey * 0.62, grey * 0.40, lamps)
