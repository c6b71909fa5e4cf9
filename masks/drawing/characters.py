"""The characters drawn by the project, their sets and sheets, and one frame of one of them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

import numpy as np

from masks.drawing import bodies, garments, hairstyles
from masks.drawing.garments import Garment, Piece, arm_slot, leg_slot
from masks.drawing.hairstyles import Hairstyle
from masks.drawing.palettes import CLOTHS, EYES, HAIRS, SKINS
from masks.drawing.pixel_style import PixelCanvas
from masks.drawing.smooth_style import SmoothCanvas
from masks.drawing.sprite_layers import SAME_LIGHT, FrameLight, SpriteLayer
from masks.drawing.walk_cycle import PHASES, VIEWS, BodyShape, View, WalkPose, pose
from masks.sets.pixel_art import enlarge

ArtStyle = Literal["pixel", "smooth"]

CANVASES: dict[ArtStyle, type[PixelCanvas] | type[SmoothCanvas]] = {"pixel": PixelCanvas, "smooth": SmoothCanvas}

ORDER: dict[View, tuple[str, ...]] = {  # slots from the furthest to the nearest
    "south": (
        "behind", "hanging hair", "far arm", "far leg", "near leg", "torso", "near arm", "neck", "head", "hair", "hat",
    ),
    "east": (
        "far arm", "far leg", "near leg", "torso", "cape", "hanging hair", "near arm", "neck", "head", "hair", "hat",
    ),
    "north": (
        "far arm", "far leg", "near leg", "torso", "near arm", "cape", "neck", "head", "hair", "hanging hair", "hat",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Character:
    """A character who walks.

    Attributes:
        name: name of the character.
        skin: name of a skin ramp.
        eyes: name of an eye ramp.
        hair: hairstyle, and name of a hair ramp.
        outfit: garments in the order in which they are worn.
        body: proportions.
    """

    name: str
    skin: str
    eyes: str
    hair: tuple[Hairstyle, str]
    outfit: tuple[Garment, ...]
    body: BodyShape = field(default_factory=BodyShape)


@dataclass(frozen=True)
class DrawnFrame:
    """A character without and with clothes, and the clothing mask.

    Attributes:
        base: (H, W, 4) uint8 RGBA.
        clothed: (H, W, 4) uint8 RGBA.
        mask: (H, W) uint8 of 0 or 255.
    """

    base: np.ndarray
    clothed: np.ndarray
    mask: np.ndarray


def draw_frame(
    character: Character, view: View, phase: int, style: ArtStyle, light: FrameLight = SAME_LIGHT
) -> DrawnFrame:
    """Draw one phase of the walk: 64 x 64 art pixels in the pixel style, 512 x 512 pixels in the smooth style.

    Args:
        character: the character.
        view: walking direction.
        phase: phase of the walk cycle, 0 to PHASES - 1.
        style: "pixel" or "smooth".
        light: light on the clothed frame, applied after the mask is made.
    """
    snap = CANVASES[style].SNAP
    return paint(layers_of(character, pose(character.body, view, phase, snap)), style, light)


def paint(layers: Sequence[SpriteLayer], style: ArtStyle, light: FrameLight = SAME_LIGHT) -> DrawnFrame:
    """Paint layers, given in drawing order, without and with clothes."""
    base, clothed = CANVASES[style](), CANVASES[style]()
    for layer in layers:
        clothed.paint(layer)
        if not layer.clothing:
            base.paint(layer)
    return DrawnFrame(base.picture(), clothed.picture(light), clothed.mask())


def layers_of(character: Character, stance: WalkPose) -> list[SpriteLayer]:
    """Return all layers in drawing order."""
    skin, (style, colour) = SKINS[character.skin], character.hair
    hair = HAIRS[colour]
    pieces: list[Piece] = []
    for side in bodies.SIDES:
        leg = leg_slot(stance, side)
        pieces.append((arm_slot(stance, side), bodies.arm(stance, side, skin)))
        pieces += [(leg, bodies.leg(stance, side, skin)), (leg, bodies.shorts(stance, side))]
    pieces += [("torso", bodies.trunk(stance, skin)), ("torso", bodies.vest(stance))]
    pieces.append(("head", bodies.head(stance, skin, EYES[character.eyes], hair)))
    pieces += [("hair", layer) for layer in hairstyles.hair_top(stance, style, hair)]
    pieces += [("hanging hair", layer) for layer in hairstyles.hair_back(stance, style, hair)]
    for garment in character.outfit:
        pieces += garment(stance)
    order = ORDER[stance.view]
    return [layer for _, layer in sorted(pieces, key=lambda piece: order.index(piece[0]))]


def wear(garment: Callable[..., list[Piece]], ramp: str, **details: float | str) -> Garment:
    """Return a garment in a colour; details that name a colour get its ramp. Skin colours are allowed too."""
    ramps = SKINS | CLOTHS
    looks = {"ramp": ramp, **details}
    return partial(garment, **{n: ramps.get(v, v) if isinstance(v, str) else v for n, v in looks.items()})


NIL = Character(
    "Nil", "peach", "blue", (hairstyles.TOUSLED, "chestnut"),
    (
        wear(garments.trousers, "denim"),
        wear(garments.boots, "leather", cuff="sand"),
        wear(garments.shirt, "red", second="cream"),
        wear(garments.belt, "bark", buckle="mustard"),
    ),
)  # fmt: skip
ADA = Character(
    "Ada", "umber", "brown", (hairstyles.CURLS, "ink"),
    (
        wear(garments.boots, "bark", shaft=0.6),
        wear(garments.dress, "mustard"),
        wear(garments.scarf, "teal", second="cream"),
    ),
    BodyShape(girth=0.96),
)  # fmt: skip
POL = Character(
    "Pol", "porcelain", "green", (hairstyles.SPIKES, "ginger"),
    (
        wear(garments.trousers, "coal", patch="stone"),
        wear(garments.shoes, "red"),
        wear(garments.shirt, "snow"),
        wear(garments.jacket, "leaf", patch="mustard"),
    ),
    BodyShape(leg=15.5, torso=11, arm=12.5, girth=0.94),
)  # fmt: skip
IRIS = Character(
    "Iris", "honey", "violet", (hairstyles.LONG, "silver"),
    (
        wear(garments.legwear, "orange", start=0.8, end=1.9, second="plum"),
        wear(garments.shoes, "coal"),
        wear(garments.dress, "plum", sleeve=1.7),
        wear(garments.pointed_hat, "plum", ribbon="mustard"),
    ),
    BodyShape(leg=12, torso=9.6, arm=11),
)  # fmt: skip
ROC = Character(
    "Roc", "honey", "brown", (hairstyles.CROPPED, "ink"),
    (
        wear(garments.trousers, "bark"),
        wear(garments.boots, "coal"),
        wear(garments.shirt, "honey", sleeve=1.8, bottom=1.6, emblem="bark"),
    ),
    BodyShape(leg=15, torso=11.5, arm=12.5, shoulders=7.4, girth=1.12),
)  # fmt: skip
MAR = Character(
    "Mar", "porcelain", "blue", (hairstyles.BOB, "wheat"),
    (
        wear(garments.shoes, "navy"),
        wear(garments.shirt, "snow", second="navy", sleeve=1.8),
        wear(garments.skirt, "navy"),
        wear(garments.beanie, "red", cuff="cream"),
    ),
)  # fmt: skip
LIA = Character(
    "Lia", "ebony", "brown", (hairstyles.BUNS, "ink"),
    (
        wear(garments.trousers, "rose", reach=1.2),
        wear(garments.shoes, "snow"),
        wear(garments.shirt, "sky", emblem="mustard"),
    ),
    BodyShape(leg=11.5, torso=9, arm=10, shoulders=6.2, hips=3.1),
)  # fmt: skip
BRU = Character(
    "Bru", "peach", "green", (hairstyles.PONYTAIL, "rose"),
    (
        wear(garments.trousers, "coal"),
        wear(garments.boots, "plum"),
        wear(garments.shirt, "cream", sleeve=0),
        wear(garments.jacket, "teal"),
        wear(garments.gloves, "plum"),
    ),
    BodyShape(leg=15, torso=10.5, girth=0.94),
)  # fmt: skip
GIL = Character(
    "Gil", "porcelain", "brown", (hairstyles.TOUSLED, "silver"),
    (
        wear(garments.shirt, "orange", second="cream", weave="checks", sleeve=1.3),
        wear(garments.dungarees, "denim"),
        wear(garments.boots, "bark"),
        wear(garments.straw_hat, "mustard", ribbon="red"),
    ),
    BodyShape(shoulders=7, girth=1.08),
)  # fmt: skip
SOL = Character(
    "Sol", "umber", "green", (hairstyles.BOB, "teal"),
    (
        wear(garments.trousers, "stone"),
        wear(garments.boots, "coal", shaft=0.7),
        wear(garments.shirt, "umber", sleeve=1.8, bottom=3),
        wear(garments.belt, "coal", buckle="mustard"),
        wear(garments.cape, "red"),
    ),
    BodyShape(leg=14.5, torso=11),
)  # fmt: skip

# ---- the shipped sets ----


@dataclass(frozen=True)
class DrawnSet:
    """One animation of five characters in five phases.

    Attributes:
        view: walking direction.
        style: art style.
        characters: the five characters.
    """

    view: View
    style: ArtStyle
    characters: tuple[Character, ...]


SETS = {  # in each, the clothes of one character have the colour of skin
    "walk_south": DrawnSet("south", "pixel", (NIL, ADA, POL, LIA, SOL)),
    "walk_east_smooth": DrawnSet("east", "smooth", (ADA, IRIS, MAR, GIL, ROC)),
    "walk_north": DrawnSet("north", "pixel", (MAR, BRU, GIL, IRIS, ROC)),
}
SET_PHASES = range(5)  # contact, down, passing, up, contact of the other foot
FRAME_PX = 512
LIGHTS = [  # one per character
    FrameLight(exposure, warmth)
    for exposure, warmth in ((1.05, 0), (0.94, 0.03), (1, -0.04), (1.03, 0.04), (0.95, -0.03))
]
FALL = 0.1  # fading of the light downwards in the smooth style; pixel art keeps its few colours


def draw_set(drawn: DrawnSet) -> Iterator[DrawnFrame]:
    """Yield the 25 frames of a set, FRAME_PX square: character by character, each in five phases."""
    for character, light in zip(drawn.characters, LIGHTS, strict=True):
        falling = light if drawn.style == "pixel" else replace(light, fall=FALL)
        for phase in SET_PHASES:
            frame = draw_frame(character, drawn.view, phase, drawn.style, falling)
            factor = FRAME_PX // len(frame.mask)
            yield DrawnFrame(*(enlarge(picture, factor) for picture in (frame.base, frame.clothed, frame.mask)))


def draw_sheets(character: Character, light: FrameLight = SAME_LIGHT) -> tuple[np.ndarray, np.ndarray]:
    """Draw the spritesheets of a character without and with clothes: one row per view, one column per phase.

    Returns:
        Two (rows * CELL, columns * CELL, 4) uint8 RGBA arrays in art pixels.
    """
    rows = [[draw_frame(character, view, phase, "pixel", light) for phase in range(PHASES)] for view in VIEWS]
    base = np.vstack([np.hstack([frame.base for frame in row]) for row in rows])
    return base, np.vstack([np.hstack([frame.clothed for frame in row]) for row in rows])


SHEET_CHARACTER = NIL
OTHER_BODY = replace(NIL, skin="umber", eyes="green", hair=(hairstyles.CURLS, "ink"), outfit=())
