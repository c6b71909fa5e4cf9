"""What a drawn avatar can look like: attributes that do not depend on one another, and their values."""

import itertools
import math
import random
from dataclasses import dataclass

import numpy as np

from avatar.drawing.palette import BACKDROPS, EYES, GARMENT_COLOURS, HAIR_COLOURS, SKINS
from avatar.prompt.genre_outfits import ACCESSORIES, GARMENTS, NEUTRAL_ACCESSORIES, NEUTRAL_GARMENT


def _kinds(*places: str) -> tuple[str, ...]:
    """What is worn there, each kind once, in the order of the genres."""
    worn = [*itertools.chain(*ACCESSORIES.values()), *NEUTRAL_ACCESSORIES]
    return tuple(dict.fromkeys(accessory.kind for accessory in worn if accessory.place in places))


CHOICES: dict[str, tuple[str, ...]] = {
    "person": ("person", "woman", "man"),
    "skin": tuple(SKINS),
    "face": ("oval", "round", "square", "heart"),
    "eyes": tuple(EYES),
    "hair": (
        "bald",
        "buzz cut",
        "quiff",
        "side parting",
        "short curls",
        "spikes",
        "mohawk",
        "mullet",
        "afro",
        "bob",
        "long straight",
        "long wavy",
        "ponytail",
        "top bun",
        "space buns",
        "braids",
        "dreadlocks",
    ),
    "hair_colour": tuple(HAIR_COLOURS),
    "beard": ("none", "moustache", "goatee", "short beard", "long beard"),
    "expression": ("calm", "smile", "laugh", "wink", "surprised", "tongue out"),
    "glasses": (
        "none",
        "round glasses",
        "square glasses",
        "sunglasses",
        "heart-shaped glasses",
        "star-shaped glasses",
    ),
    "garment": tuple(garment.kind for garment in (*GARMENTS.values(), NEUTRAL_GARMENT)),
    "garment_colour": tuple(GARMENT_COLOURS),
    "headwear": ("none", *_kinds("head")),
    "jewellery": ("none", *_kinds("neck", "ears")),
    "backdrop": tuple(BACKDROPS),
    "pattern": ("plain", "sun", "rays", "confetti", "lights", "stars", "stage", "waves", "bunting"),
}
LIKELY = {  # how often a value is drawn, where not as often as the others
    "beard": {"none": 0.6},
    "glasses": {"none": 0.4},
    "headwear": {"none": 0.3},
    "jewellery": {"none": 0.5},
    "expression": {"smile": 0.3},
}
VARIATIONS = 2**31


@dataclass(frozen=True)
class Attributes:
    """One character; every text is a value of CHOICES.

    Attributes:
        person: whom the face suggests: heavier brows and jaw, lashes and lipstick, or neither.
        skin, face, eyes: tone of the skin, form of the face, colour of the iris.
        hair, hair_colour: shape and colour; the colour is that of beard and brows too.
        beard, expression, glasses: as they say.
        garment, garment_colour: kind and main colour.
        headwear, jewellery: what is worn on the head, and at neck or ears.
        backdrop, pattern: colour and motif behind the person.
        variation: small differences of proportion, 0 to VARIATIONS - 1.
    """

    person: str
    skin: str
    face: str
    eyes: str
    hair: str
    hair_colour: str
    beard: str
    expression: str
    glasses: str
    garment: str
    garment_colour: str
    headwear: str
    jewellery: str
    backdrop: str
    pattern: str
    variation: int = 0

    def __post_init__(self) -> None:
        for name, values in CHOICES.items():
            if getattr(self, name) not in values:
                raise ValueError(f"{name} is {getattr(self, name)!r}, not one of {', '.join(values)}")


def draw_attributes(rng: np.random.Generator) -> Attributes:
    """A character at random: each attribute on its own, the values of LIKELY more often than the others."""
    chosen = {name: str(rng.choice(values, p=_chances(name))) for name, values in CHOICES.items()}
    return Attributes(**chosen, variation=int(rng.integers(VARIATIONS)))


def _chances(name: str) -> list[float]:
    likely = LIKELY.get(name, {})
    rest = (1 - sum(likely.values())) / (len(CHOICES[name]) - len(likely))
    return [likely.get(value, rest) for value in CHOICES[name]]


def characters() -> int:
    """How many characters there are, small differences of proportion not counted."""
    return math.prod(len(values) for values in CHOICES.values())


@dataclass(frozen=True)
class Build:
    """Small differences between faces, in units of the canvas or as factors.

    Attributes:
        width: added to half the width of the head.
        spacing: added to half the distance of the eyes.
        eyes, mouth: factors of size.
        brows: how far they are lifted.
        nose: form, 0 to 2.
        freckles: whether there are any.
    """

    width: float
    spacing: float
    eyes: float
    mouth: float
    brows: float
    nose: int
    freckles: bool


def build_of(variation: int) -> Build:
    """The differences that belong to a variation; Python keeps this sequence the same between versions."""
    draw = random.Random(variation).random
    return Build(
        width=5 * draw() - 2.5,
        spacing=2.4 * draw() - 1.2,
        eyes=0.93 + 0.16 * draw(),
        mouth=0.92 + 0.16 * draw(),
        brows=3 * draw() - 1.5,
        nose=int(3 * draw()),
        freckles=draw() < 0.2,
    )
