"""A cast of characters."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from masks import bodies, garments, hairstyles
from masks.garments import Garment, Piece, arm_slot, leg_slot
from masks.hairstyles import Hairstyle
from masks.layers import Layer
from masks.palettes import CLOTHS, EYES, HAIRS, SKINS
from masks.walk_cycle import Body, Pose

ORDER = {
    "south": (
        "behind",
        "hanging hair",
        "far arm",
        "far leg",
        "near leg",
        "torso",
        "near arm",
        "neck",
        "head",
        "hair",
        "hat",
    ),
    "east": (
        "behind",
        "far arm",
        "far leg",
        "near leg",
        "torso",
        "cape",
        "hanging hair",
        "near arm",
        "neck",
        "head",
        "hair",
        "hat",
    ),
    "north": (
        "far arm",
        "far leg",
        "near leg",
        "torso",
        "near arm",
        "cape",
        "neck",
        "head",
        "hair",
        "hanging hair",
        "hat",
    ),
}


@dataclass(frozen=True)
class Character:
    name: str
    skin: str
    eyes: str
    hair: tuple[Hairstyle, str]
    outfit: tuple[Garment, ...]
    body: Body = Body()


def layers_of(character: Character, pose: Pose) -> list[Layer]:
    skin, hair = SKINS[character.skin], HAIRS[character.hair[1]]
    pieces: list[Piece] = []
    for side in ("left", "right"):
        pieces.append((arm_slot(pose, side), bodies.arm(pose, side, skin)))
        pieces.append((leg_slot(pose, side), bodies.leg(pose, side, skin)))
    pieces += [("torso", bodies.torso(pose, skin)), ("head", bodies.head(pose, skin, EYES[character.eyes]))]
    pieces += [("hanging hair", layer) for layer in hairstyles.hair_back(pose, character.hair[0], hair)]
    pieces += [("hair", layer) for layer in hairstyles.hair_top(pose, character.hair[0], hair)]
    for garment in character.outfit:
        pieces += garment(pose)
    order = ORDER[pose.view]
    return [layer for _, layer in sorted(pieces, key=lambda piece: order.index(piece[0]))]


def wear(garment: Callable[..., list[Piece]], colour: str, **more: object) -> Garment:
    colours = {name: CLOTHS[v] if isinstance(v, str) and v in CLOTHS else v for name, v in more.items()}
    ramp = CLOTHS[colour] if colour in CLOTHS else SKINS[colour]
    return partial(garment, ramp=ramp, **colours)


g = garments
CAST = (
    Character(
        "Nil",
        "peach",
        "blue",
        (hairstyles.TOUSLED, "chestnut"),
        (
            wear(g.trousers, "denim"),
            wear(g.boots, "leather"),
            wear(g.shirt, "red", stripes="cream"),
            wear(g.belt, "bark", buckle="mustard"),
        ),
    ),
    Character(
        "Ada",
        "umber",
        "brown",
        (hairstyles.CURLS, "ink"),
        (wear(g.boots, "bark"), wear(g.dress, "mustard"), wear(g.scarf, "teal")),
    ),
    Character(
        "Pol",
        "porcelain",
        "green",
        (hairstyles.SPIKES, "ginger"),
        (wear(g.trousers, "coal", patch="leaf"), wear(g.shoes, "red"), wear(g.shirt, "snow"), wear(g.jacket, "leaf")),
    ),
    Character(
        "Iris",
        "honey",
        "violet",
        (hairstyles.LONG, "plum"),
        (wear(g.shoes, "plum"), wear(g.dress, "plum", length=11), wear(g.pointed_hat, "plum", ribbon="mustard")),
    ),
    Character(
        "Roc",
        "honey",
        "brown",
        (hairstyles.CROPPED, "ink"),
        (wear(g.trousers, "bark"), wear(g.boots, "coal"), wear(g.shirt, "honey", reach=1.8)),
        Body(girth=1.12, leg=14.5, shoulders=7.4),
    ),
    Character(
        "Mar",
        "porcelain",
        "blue",
        (hairstyles.BOB, "wheat"),
        (
            wear(g.shoes, "navy"),
            wear(g.shirt, "snow", stripes="navy", reach=1.8),
            wear(g.skirt, "navy"),
            wear(g.beanie, "red", cuff="cream"),
        ),
    ),
    Character(
        "Lia",
        "ebony",
        "brown",
        (hairstyles.BUNS, "ink"),
        (wear(g.trousers, "rose", reach=1.2), wear(g.shoes, "snow"), wear(g.shirt, "sky", emblem="cream")),
        Body(leg=12, torso=9.5, arm=10.5),
    ),
    Character(
        "Bru",
        "peach",
        "green",
        (hairstyles.PONYTAIL, "rose"),
        (
            wear(g.trousers, "coal"),
            wear(g.boots, "plum"),
            wear(g.shirt, "coal", reach=0),
            wear(g.jacket, "teal"),
        ),
    ),
    Character(
        "Gil",
        "porcelain",
        "brown",
        (hairstyles.TOUSLED, "silver"),
        (
            wear(g.shirt, "orange", stripes="mustard", pattern="checks", reach=1.2),
            wear(g.trousers, "denim"),
            wear(g.bib, "denim"),
            wear(g.boots, "bark"),
            wear(g.brimmed_hat, "mustard", ribbon="red"),
        ),
    ),
    Character(
        "Sol",
        "umber",
        "green",
        (hairstyles.BOB, "teal"),
        (
            wear(g.trousers, "stone"),
            wear(g.boots, "leather"),
            wear(g.shirt, "stone", reach=1.8),
            wear(g.belt, "leather", buckle="mustard"),
            wear(g.cape, "red"),
        ),
    ),
)
