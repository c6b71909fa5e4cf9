"""What a pet says of its person, in one sentence of their language; and what would change it."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from common.genres import GENRES
from pet.choosing.choice_table import Choice
from pet.choosing.recommender import Recommender
from pet.choosing.wardrobe import SLOTS, Wardrobe
from pet.choosing.words import ACCESSORY_WORDS, GENRE_WORDS, SENTENCES

Language = Literal["en", "es", "ca"]
FAVOURITE_SHARE = 0.7  # of the highest score: genres from there on are named, three at most
POINT = 0.2  # one point of five


def favourites(taste: NDArray[np.float64]) -> list[str]:
    """Keys of one to three genres that are liked most, the first of them most; none where nothing is liked."""
    order = np.argsort(-taste, kind="stable")[:3]
    return [
        list(GENRES)[genre] for genre in order if taste[genre] > 0 and taste[genre] >= FAVOURITE_SHARE * taste.max()
    ]


def sentence(choice: Choice, language: Language) -> str:
    """Why this person's pet wears what it wears."""
    words = SENTENCES[language]
    worn = _join([accessory_words(choice.worn[slot].name, language) for slot in SLOTS], language)
    if not choice.taste.any():
        return words["nothing"].format(worn=worn)
    if sum(bool(np.ptp(item.vector) == 0) for item in choice.worn.values()) >= 2:
        return words["everything"].format(worn=worn)
    genres = [GENRE_WORDS[genre][language] for genre in favourites(choice.taste)]
    return words["favourites"].format(genres=_join(genres, language), worn=worn)


def counterfactual(choice: Choice, recommender: Recommender, wardrobe: Wardrobe, language: Language) -> str:
    """The genre of which one point more, of five, would change the pet, and what it would wear; "" where none would.

    Genres are tried from the most to the least liked, first those that bring an accessory of their own; the accessory
    named is the new one that stands most for the genre.
    """
    order = [genre for genre in np.argsort(-choice.taste, kind="stable") if choice.taste[genre] < 1]
    if not order:
        return ""
    tastes = np.tile(choice.taste, (len(order), 1))
    tastes[np.arange(len(order)), order] = np.minimum(choice.taste[order] + POINT, 1)
    sets = recommender.choose([choice.user] * len(order), tastes)
    found = []
    for genre, indices in zip(order, sets.indices, strict=True):
        items = [wardrobe.slots[slot][index] for slot, index in zip(SLOTS, indices, strict=True)]
        new = [item for item, slot in zip(items, SLOTS, strict=True) if item.name != choice.worn[slot].name]
        item = max(new, key=lambda item: item.vector[genre], default=None)
        if item is not None and item.vector[genre]:
            found.append((item.vector[genre] < item.vector.max(), genre, item))
    if not found:
        return ""
    _, genre, item = min(found, key=lambda change: change[0])
    name = GENRE_WORDS[list(GENRES)[genre]][language]
    return SENTENCES[language]["more"].format(genre=name, worn=accessory_words(item.name, language))


def contributions(choice: Choice) -> dict[str, dict[str, float]]:
    """How much of the cosine each genre brings, by slot: the values of all genres and slots add up to the cosine."""
    total = np.sum([worn.vector for worn in choice.worn.values()], axis=0)
    length = float(np.linalg.norm(total) * np.linalg.norm(choice.taste))
    return {
        genre: {slot: float(choice.taste[i] * worn.vector[i]) / length for slot, worn in choice.worn.items()}
        for i, genre in enumerate(GENRES)
        if length and choice.taste[i] * total[i]
    }


def accessory_words(name: str, language: Language) -> str:
    """An accessory's name within a sentence; one that the project did not draw keeps its own name."""
    if language != "en" and name in ACCESSORY_WORDS:
        return ACCESSORY_WORDS[name][language]
    return name[0].lower() + name[1:] if name[1:2].islower() else name


def _join(words: list[str], language: Language) -> str:
    """ "a, b and c" """
    if len(words) == 1:
        return words[0]
    link = SENTENCES[language]["and_before_i" if words[-1].startswith("i") else "and"]
    return f"{', '.join(words[:-1])} {link} {words[-1]}"
