"""From a person's features to the words that a text-to-image model reads: weighted phrases and a negative prompt.

Its text is a line like "festival portrait of one person, woman, (worn black leather jacket:1.2), (beanie:0.95), ..."
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from avatar.prompt.genre_outfits import ACCESSORIES, GARMENTS, NEUTRAL_ACCESSORIES, NEUTRAL_GARMENT

if TYPE_CHECKING:
    from avatar.person.features import Features

__all__ = ["ACCESSORIES", "GARMENTS", "NEGATIVE", "Phrase", "Prompt", "generate_weighted_prompt"]

LEAST_WEIGHT, MOST_WEIGHT = 0.8, 1.4  # of a genre without and with all of the preference
WEIGHT_STEP = 0.05
STATED_WEIGHT = 1.2  # of what people say of themselves
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
class Phrase:
    """Words of a prompt that share one weight.

    Attributes:
        text: the words themselves, brackets and colons unescaped.
        weight: 1 is plain text, 0 as if the words were not there.
        personal: whether they are about the person and so stay out of a picture's metadata without consent.
    """

    text: str
    weight: float = 1.0
    personal: bool = False

    def __str__(self) -> str:
        """As people write it, "(leather jacket:1.3)"; `parse_prompt` reads it back."""
        escaped = re.sub(r"([\\():])", r"\\\1", self.text)
        return escaped if self.weight == 1 else f"({escaped}:{self.weight:g})"


@dataclass(frozen=True)
class Prompt:
    """What a picture shall show, phrase by phrase, and what it shall not show."""

    phrases: list[Phrase]
    negative: str = NEGATIVE

    @property
    def text(self) -> str:
        """The phrases with their weights, as `embed_prompts` reads them."""
        return ", ".join(str(phrase) for phrase in self.phrases)

    def without_person(self) -> "Prompt":
        """The same without its words about the person."""
        return replace(self, phrases=[phrase for phrase in self.phrases if not phrase.personal])


def generate_weighted_prompt(features: "Features", seed: int = 0) -> Prompt:
    """Dress a person by taste: a garment of the favourite genre, accessories of the three favourites.

    A genre's phrases weigh 0.8 + 0.6 s, rounded to 0.05, where s is its share among the three favourites (they sum
    to 1): 1.4 for an only love, 1.0 for each of three equal ones, 0.85 for the tenth part. Without any preference
    the outfit is a neutral one of weight 1. What people say of themselves goes in as typed and weighs 1.2; then
    nothing that was inferred goes in beside it. Empty traits and an empty description leave no trace.

    Args:
        features: of the person.
        seed: which of the wordings, colours and accessories; the same seed gives the same prompt.
    """
    rng = random.Random(seed)
    phrases = [
        Phrase(rng.choice(OPENINGS)),
        *_person_phrases(features),
        *_outfit_phrases(features.top_genres, rng),
        Phrase(rng.choice(CLOSINGS)),
    ]
    return Prompt(phrases)


def weight_of_share(share: float) -> float:
    """The weight of a genre that has this share, 0 to 1, of the favourites' preferences."""
    weight = LEAST_WEIGHT + (MOST_WEIGHT - LEAST_WEIGHT) * share
    return round(round(weight / WEIGHT_STEP) * WEIGHT_STEP, 2)


def _person_phrases(features: "Features") -> list[Phrase]:
    said = _one_line(features.description)
    phrases = []
    for form, trait in (("{}", features.gender), ("{} person", features.race), ("{} years old", features.age)):
        words, stated = _one_line(trait.value), trait.source == "self"
        if words and (stated or not said):
            complete = stated if trait is not features.age else not words[-1].isdecimal()
            text = words if complete else form.format(words.lower())
            phrases.append(Phrase(text, STATED_WEIGHT if stated else 1.0, personal=True))
    return [*phrases, Phrase(said, STATED_WEIGHT, personal=True)] if said else phrases


def _outfit_phrases(favourites: Sequence[tuple[str, float]], rng: random.Random) -> list[Phrase]:
    """Garment and accessories; the favourites take turns, and each place of the body is used once."""
    garment = GARMENTS[favourites[0][0]] if favourites else NEUTRAL_GARMENT
    turns = [(ACCESSORIES[genre], weight_of_share(share)) for genre, share in favourites]
    turns = turns or [(NEUTRAL_ACCESSORIES, 1.0)]
    words = rng.choice(garment.wordings).format(colour=rng.choice(garment.colours))
    phrases = [Phrase(words, turns[0][1])]
    taken: set[str] = set()
    for turn in range(ACCESSORIES_WORN):
        accessories, weight = turns[turn % len(turns)]
        accessory = rng.choice([item for item in accessories if item.place not in taken])
        taken.add(accessory.place)
        phrases.append(Phrase(rng.choice(accessory.wordings), weight))
    return phrases


def _one_line(text: str) -> str:
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.split()).strip(" ,")
