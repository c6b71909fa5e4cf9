"""Writes the prompt for a person's features: weighted phrases, and a negative prompt.

Example: "festival portrait of one person, woman, (worn black leather jacket:1.2), (beanie:0.95), ..."
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from avatar.person.features import Features, Trait
from avatar.prompt.appearance_words import appearance_words
from avatar.prompt.genre_outfits import ACCESSORIES, GARMENTS, NEUTRAL_ACCESSORIES, NEUTRAL_GARMENT
from avatar.prompt.syntax import Phrase

Accessories = Literal["fitting", "free"]
HIDING = frozenset({"head", "face"})  # places where an accessory hides who the person is
HELD = frozenset({"hands"})
JEWELLERY = frozenset({"ears", "neck"})  # places of which "fitting" adorns one
COVERED, OVER_THE_EARS = frozenset({"ears"}), ("medium", "long")  # lengths of hair that cover a place
REFUSING = r"(?:no|without|never) (?:[\w-]+ ){0,2}"  # before a word for what is not worn
REFUSED = {  # places that stay bare if a person's own words say so: "no earrings"
    place: re.compile(rf"(?<![\w-]){REFUSING}(?:{words}|jewell?e?ry|accessories)(?!\w)", re.IGNORECASE)
    for place, words in {"ears": "earrings?", "neck": "necklaces?|chains?|scar(?:f|ves)"}.items()
}
LEAST_WEIGHT, MOST_WEIGHT = 0.8, 1.4  # weights of a genre with none and with all of the preference
WEIGHT_STEP = 0.05
STATED_WEIGHT = 1.2  # weight of a person's own words
ACCESSORIES_WORN = 3

OPENINGS = (
    "festival portrait of one person, head and shoulders",
    "vivid character portrait of one music lover, facing the viewer",
    "festival avatar of one person, looking at the viewer",
    "half-length portrait of one concert-goer",
)
CLOSINGS = (
    "charming detailed illustration, warm stage light, plain soft backdrop",
    "expressive face, fine fabric texture, soft rim light, plain studio backdrop",
    "clean shapes, rich colours, golden hour light, simple plain backdrop",
    "polished character design, crisp focus, gentle key light, plain pale backdrop",
)
NEGATIVE = (
    "blurry, low quality, grainy, deformed hands, extra fingers, extra limbs, disfigured face, crossed eyes, "
    "cropped head, two people, crowd, busy background, text, watermark, signature, frame"
)


@dataclass(frozen=True)
class Prompt:
    """What a picture should show, as phrases, and what it should not show."""

    phrases: list[Phrase]
    negative: str = NEGATIVE

    @property
    def text(self) -> str:
        """The prompt with its weights, in prompt syntax."""
        return ", ".join(str(phrase) for phrase in self.phrases)

    def adding(self, phrases: Sequence[Phrase]) -> "Prompt":
        """Copy of the prompt with more phrases at its end."""
        return replace(self, phrases=[*self.phrases, *phrases])

    def without_person(self) -> "Prompt":
        """Copy of the prompt without its words about the person."""
        return replace(self, phrases=[phrase for phrase in self.phrases if not phrase.personal])


def generate_weighted_prompt(
    features: Features,
    seed: int = 0,
    *,
    accessories: Accessories = "fitting",
    held: bool = True,
    garment_colour: str = "",
) -> Prompt:
    """Write the prompt: a garment of the favourite genre, accessories of the three favourites, the person's traits.

    A genre's phrases have weight 0.8 + 0.6 s, rounded to 0.05, where s is its share among the three favourites: 1.4
    for a single favourite, 1.0 for each of three equal ones, 0.85 for a share of one tenth. Without any preference the
    outfit is neutral and has weight 1. A person's own words are used as typed, with weight 1.2; if there is a
    description, no inferred trait is used. Empty traits and an empty description add nothing.

    Args:
        features: features of the person.
        seed: selects wordings, colours and accessories; the same seed gives the same prompt.
        accessories: "fitting" keeps those of the taste off head and face, and adorns either ears or neck; "free" allows
            them everywhere. Either keeps them off ears or neck of somebody whose description says "no earrings",
            "no necklace" or "no jewellery".
        held: name instruments and other things that are held.
        garment_colour: what the person wears in the photo; it counts as a word about the person. "": one by taste.
    """
    rng, is_fitting = random.Random(seed), accessories == "fitting"
    length = features.appearance.get("hair_length", Trait()).value
    no_place = {
        *(HIDING if is_fitting else ()),
        *(() if held else HELD),
        *(COVERED if length in OVER_THE_EARS else ()),
        *(place for place, words in REFUSED.items() if words.search(features.description)),
    }
    phrases = [
        Phrase(rng.choice(OPENINGS)),
        *_person_phrases(features),
        *_outfit_phrases(
            features.top_genres, rng, frozenset(no_place), JEWELLERY if is_fitting else frozenset(), garment_colour
        ),
        Phrase(rng.choice(CLOSINGS)),
    ]
    return Prompt(phrases)


def weight_of_share(share: float) -> float:
    """Weight of a genre with this share, 0 to 1, of the favourites' preferences."""
    weight = LEAST_WEIGHT + (MOST_WEIGHT - LEAST_WEIGHT) * share
    return round(round(weight / WEIGHT_STEP) * WEIGHT_STEP, 2)


def _person_phrases(features: Features) -> list[Phrase]:
    said = _one_line(features.description)
    phrases = []
    for form, trait in (("{}", features.gender), ("{} person", features.race), ("{} years old", features.age)):
        words, stated = _one_line(trait.value), trait.source == "self"
        if words and (stated or not said):
            complete = stated if trait is not features.age else not words[-1].isdecimal()
            text = words if complete else form.format(words.lower())
            phrases.append(Phrase(text, STATED_WEIGHT if stated else 1.0, personal=True))
    looks = {name: trait for name, trait in features.appearance.items() if trait.source == "self" or not said}
    phrases += [Phrase(_one_line(words), STATED_WEIGHT, personal=True) for words in appearance_words(looks)]
    return [*phrases, Phrase(said, STATED_WEIGHT, personal=True)] if said else phrases


def _outfit_phrases(
    favourites: Sequence[tuple[str, float]],
    rng: random.Random,
    used: frozenset[str],
    one_of: frozenset[str],
    garment_colour: str,
) -> list[Phrase]:
    """Garment and accessories; the favourite genres alternate, and each place on the body is used once.

    `used` are the places where no accessory may be, `one_of` those of which only one gets any.
    """
    garment = GARMENTS[favourites[0][0]] if favourites else NEUTRAL_GARMENT
    turns = [(ACCESSORIES[genre], weight_of_share(share)) for genre, share in favourites]
    turns = turns or [(NEUTRAL_ACCESSORIES, 1.0)]
    wording, by_taste = rng.choice(garment.wordings), rng.choice(garment.colours)
    words = wording.format(colour=garment_colour or by_taste)
    phrases = [Phrase(words, turns[0][1], personal=bool(garment_colour))]
    for turn in range(ACCESSORIES_WORN):
        accessories, weight = turns[turn % len(turns)]
        free = [item for item in accessories if item.place not in used]
        if not free:
            continue
        accessory = rng.choice(free)
        used = used | (one_of if accessory.place in one_of else {accessory.place})
        phrases.append(Phrase(rng.choice(accessory.wordings), weight))
    return phrases


def _one_line(text: str) -> str:
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.split()).strip(" ,")
