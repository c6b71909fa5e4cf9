"""Compares what an avatar shows with what was asked for, to keep the best of several candidates."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from avatar.drawing.shown_traits import shown_traits
from avatar.likeness.figures import Figure

ATTRIBUTES = {  # attribute of the drawn world by trait
    "skin_tone": "skin",
    "hair_colour": "hair_colour",
    "hair_length": "hair",
    "glasses": "glasses",
    "facial_hair": "beard",
    "headwear": "headwear",
}
LEAST_SHARE = 0.02  # one trait that is wholly wrong does not outweigh all others


@dataclass(frozen=True)
class Agreement:
    """How well a picture shows what was asked for.

    Attributes:
        score: mean logarithm of the probability of each trait; 0 is best.
        wrong: traits that the picture does not show, with the word that it shows instead.
    """

    score: float
    wrong: dict[str, str]


def asked_traits(figure: Figure) -> dict[str, set[str]]:
    """Words that fit each trait that the prompt or the person names; of skin the neighbouring steps, too."""
    shown = {name: set(words) for name, words in shown_traits(figure.looks).items()}
    if "skin_tone" in shown:
        shown["skin_tone"] |= {str(int(step) + apart) for step in shown["skin_tone"] for apart in (-1, 1)}
    return {name: words for name, words in shown.items() if ATTRIBUTES[name] in figure.said}


def compare_traits(asked: Mapping[str, Collection[str]], seen: Mapping[str, Mapping[str, float]]) -> Agreement:
    """Compare a picture with what was asked for.

    Args:
        asked: words that fit, by trait; not empty.
        seen: probabilities of all words by trait, as `AvatarReader.read` returns them.
    """
    right = {name: sum(seen[name].get(word, 0) for word in words) for name, words in asked.items()}
    likeliest = {name: max(seen[name], key=lambda word: seen[name][word]) for name in asked}
    return Agreement(
        sum(math.log(max(LEAST_SHARE, share)) for share in right.values()) / len(right),
        {name: word for name, word in likeliest.items() if word not in asked[name]},
    )
