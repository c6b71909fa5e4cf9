"""Attributes of drawn avatars: their possible values, and random characters; attributes are independent."""

import math
import random
from dataclasses import dataclass

import numpy as np

from avatar.drawing import wordings
from avatar.drawing.palette import BACKDROPS, EYES, GARMENT_COLOURS, HAIR_COLOURS, SKINS


def _kinds(*places: str) -> tuple[str, ...]:
    """Kinds of accessories that are worn in these places, each once, in the order of the genres."""
    return tuple(dict.fromkeys(item.kind for item in wordings.EVERY_ACCESSORY if item.place in places))


JEWELLERY = (  # for neck and ears, in the order by which seeds draw it
    *("bead necklace", "scarf", "studded choker", "safety-pin earrings", "gold chain", "hoop earrings"),
    *("wooden necklace", "neck scarf", "neckerchief", "pearl necklace", "festival pass"),
)
CHOICES: dict[str, tuple[str, ...]] = {
    "person": ("person", "woman", "man"),
    "age": tuple(wordings.AGES),
    "skin": tuple(SKINS),
    "face": ("oval", "round", "square", "heart"),
    "eyes": tuple(EYES),
    "hair": tuple(wordings.HAIRSTYLES),
    "hair_colour": tuple(HAIR_COLOURS),
    "greying": ("none", "temples"),
    "beard": tuple(wordings.BEARDS),
    "expression": tuple(wordings.EXPRESSIONS),
    "glasses": (
        "none",
        *("round glasses", "square glasses", *wordings.OWN_GLASSES),
        *("sunglasses", "heart-shaped glasses", "star-shaped glasses"),
    ),
    "garment": tuple(garment.kind for garment in wordings.EVERY_GARMENT),
    "garment_colour": tuple(GARMENT_COLOURS),
    "headwear": ("none", *_kinds("head"), *wordings.OWN_HEADWEAR),
    "jewellery": ("none", *JEWELLERY),
    "backdrop": tuple(BACKDROPS),
    "pattern": tuple(wordings.PATTERNS),
}
LIKELY = {  # probability of a value; the other values of the attribute share the rest equally
    "beard": {"none": 0.55},
    "hair_colour": {"black": 0.16, "brown": 0.17, "blonde": 0.13, "ginger": 0.08, "grey": 0.12, "white": 0.09},
    "greying": {"none": 0.85},
    "glasses": {"none": 0.5, "sunglasses": 0.035, "heart-shaped glasses": 0.035, "star-shaped glasses": 0.035},
    "headwear": {"none": 0.55},
    "jewellery": {"none": 0.5},
    "age": {"young": 0.5},
    "expression": {"smile": 0.3},
}
VARIATIONS = 2**31
NOSES = 6  # shapes of the nose


@dataclass(frozen=True)
class Attributes:
    """One character; every text is a value of CHOICES.

    Attributes:
        person: how the face reads: man (heavier brows and jaw), woman (lashes and lipstick), or person (neither).
        age: how old the face looks.
        skin, face, eyes: skin tone, shape of the face, colour of the irises.
        hair, hair_colour: hairstyle, and colour of hair, beard and brows.
        greying: grey streaks at the temples, in hair of a natural colour.
        beard, expression, glasses: kind of each.
        garment, garment_colour: kind and main colour of the garment.
        headwear, jewellery: accessory on the head, and at neck or ears.
        backdrop, pattern: colour and motif behind the person.
        variation: number of the individual proportions, 0 to VARIATIONS - 1; see `face_build`.

    Raises:
        ValueError: a text is not a value of CHOICES.
    """

    person: str
    age: str
    skin: str
    face: str
    eyes: str
    hair: str
    hair_colour: str
    greying: str
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
    """Draw a random character; the values of each attribute have the probabilities of LIKELY."""
    chosen = {name: str(rng.choice(values, p=_chances(name))) for name, values in CHOICES.items()}
    return Attributes(**chosen, variation=int(rng.integers(VARIATIONS)))


def _chances(name: str) -> list[float]:
    likely = LIKELY.get(name, {})
    rest = (1 - sum(likely.values())) / (len(CHOICES[name]) - len(likely))
    return [likely.get(value, rest) for value in CHOICES[name]]


def characters() -> int:
    """Number of different characters, not counting individual proportions."""
    return math.prod(len(values) for values in CHOICES.values())


@dataclass(frozen=True)
class FaceBuild:
    """Individual proportions of a face; lengths are in units of the canvas (256 a side).

    Attributes:
        width: addition to half the width of the head.
        fullness: -0.5 (lean) to 1.2 (a round jaw and a double chin).
        chin: addition to the length of the face.
        spacing: addition to half the distance between the eyes.
        eyes, mouth: scale factors.
        lips: scale factor of their thickness.
        brows: height to which the brows are lifted.
        brow_weight: scale factor of their thickness.
        brow_arch: addition to the height of their middle.
        nose: number of the nose shape, 0 to NOSES - 1.
        freckles: whether the face has freckles.
        undertone: turn of the skin's hue, degrees; above 0 warm, below 0 cool.
        shoulders: scale factor of their width.
    """

    width: float
    fullness: float
    chin: float
    spacing: float
    eyes: float
    mouth: float
    lips: float
    brows: float
    brow_weight: float
    brow_arch: float
    nose: int
    freckles: bool
    undertone: float
    shoulders: float


def face_build(variation: int) -> FaceBuild:
    """Proportions of a variation."""
    draw = random.Random(variation).uniform  # Python guarantees the same sequence in all versions
    return FaceBuild(
        width=draw(-2.5, 2.5),
        fullness=draw(-0.5, 1.2),
        chin=draw(-2, 3),
        spacing=draw(-1.4, 1.4),
        eyes=draw(0.9, 1.1),
        mouth=draw(0.88, 1.12),
        lips=draw(0.6, 1.5),
        brows=draw(-2, 2),
        brow_weight=draw(0.7, 1.35),
        brow_arch=draw(-2, 3),
        nose=int(draw(0, NOSES)),
        freckles=draw(0, 1) < 0.15,
        undertone=draw(-8, 8),
        shoulders=draw(0.84, 1.12),
    )
