"""Captions of drawn avatars: phrases separated by commas, as in the prompts of `generate_weighted_prompt`.

Captions describe what is visible, in varied wordings and without prompt weights. Clothes are named by colour and kind,
or by the wordings of avatar/prompt/genre_outfits.py.
"""

from collections.abc import Sequence

import numpy as np

from avatar.drawing import wordings
from avatar.drawing.attributes import Attributes
from avatar.drawing.hair import greying_shows
from avatar.drawing.headwear import COVERS, COVERS_NECK, HATS, HIDDEN_HAIR
from avatar.prompt.wording import CLOSINGS, OPENINGS

MOST_WORDS = 50  # longest caption; with its commas it fits the 75 tokens of a CLIP text encoder

_SHORT_OPENINGS = (
    "portrait of a {person}",
    "festival avatar of a {person}",
    "drawing of a {person} at a festival",
    "a {person}, head and shoulders",
    "illustrated {person}, facing the viewer",
)
_SKIN = ("{} skin", "{} skin tone", "{} complexion")
_UNDER_A_HAT = ("{} hair", "short {} hair", "{} hair under the hat")
_TINTED = ("sunglasses", "heart-shaped glasses", "star-shaped glasses")  # glasses behind which eyes are hard to see
_NO_GLASSES = ("no glasses", "without glasses")
_NO_HEADWEAR = ("no hat", "bare-headed")


def caption(attributes: Attributes, rng: np.random.Generator) -> str:
    """Write a random caption of a character.

    Most captions name each visible attribute; some also name what is absent (no beard, no glasses, no hat). Below a hat
    that hides the hairstyle, only the hair colour is named; below a headscarf or turban nothing of the hair, and of a
    headscarf's wearer no jewellery, which it covers.
    """
    look = attributes
    phrases = [
        _maybe(rng, 0.95, garment_words(look.garment, look.garment_colour, rng)),
        _maybe(rng, 0.95 if look.headwear not in COVERS else 0, _hair_words(look, rng)),
        _maybe(rng, 0.8 if greying_shows(look) else 0, _pick(rng, wordings.GREYING)),
        _maybe(rng, 0.95 if look.glasses != "none" else 0.2, _worn_words(look.glasses, rng, _NO_GLASSES)),
        _maybe(rng, 0.95 if look.beard != "none" else 0.2, _pick(rng, wordings.BEARDS[look.beard])),
        _maybe(rng, 0.95 if look.headwear != "none" else 0.15, _worn_words(look.headwear, rng, _NO_HEADWEAR)),
        _maybe(
            rng,
            0.95 if look.jewellery != "none" and look.headwear not in COVERS_NECK else 0,
            _worn_words(look.jewellery, rng, ("",)),
        ),
        _maybe(rng, 0.85, _pick(rng, _SKIN).format(_pick(rng, wordings.SKINS[look.skin]))),
        _maybe(rng, 0.85 if look.age != "young" else 0.3, _pick(rng, wordings.AGES[look.age])),
        _maybe(rng, 0.85, _pick(rng, wordings.EXPRESSIONS[look.expression])),
        _maybe(rng, 0.8, _pick(rng, wordings.PATTERNS[look.pattern]).format(look.backdrop, a=_article(look.backdrop))),
        _maybe(rng, 0.5 if look.glasses not in _TINTED else 0.1, f"{look.eyes} eyes"),
        _maybe(rng, 0.15, f"{look.face} face"),
    ]
    said = [phrase for phrase in phrases if phrase]
    order = rng.permutation(len(said)) if rng.random() < 0.7 else range(len(said))
    return _fitted([*_opening(look.person, rng), *(said[index] for index in order)], rng)


def garment_words(kind: str, colour: str, rng: np.random.Generator) -> str:
    """Name a garment by colour and kind, or by a random wording of its genre."""
    plain = f"{colour} {kind}"
    templates = next(garment.wordings for garment in wordings.EVERY_GARMENT if garment.kind == kind)
    return plain if rng.random() < 0.5 else _pick(rng, templates).format(colour=colour)


def _hair_words(look: Attributes, rng: np.random.Generator) -> str:
    hidden = look.headwear in HATS and look.hair in HIDDEN_HAIR
    templates = _UNDER_A_HAT if hidden else wordings.HAIRSTYLES[look.hair]
    return _pick(rng, templates).format(_pick(rng, wordings.HAIR_COLOURS[look.hair_colour]))


def _worn_words(kind: str, rng: np.random.Generator, absent: Sequence[str]) -> str:
    """Name an accessory by its kind, or by a random wording: its own, or that of a genre that wears it."""
    if kind == "none":
        return _pick(rng, absent)
    own = (wordings.OWN_GLASSES | wordings.OWN_HEADWEAR).get(kind, ())
    said = [*own, *(words for item in wordings.EVERY_ACCESSORY if item.kind == kind for words in item.wordings)]
    return kind if rng.random() < 0.5 else _pick(rng, said)


def _opening(person: str, rng: np.random.Generator) -> list[str]:
    """First phrases: the person within the opening, or after it as in prompts."""
    if rng.random() < 0.6:
        return [_pick(rng, _SHORT_OPENINGS).format(person=person)]
    return [_pick(rng, OPENINGS), *([] if person == "person" else [person])]


def _fitted(phrases: list[str], rng: np.random.Generator) -> str:
    """Join the phrases and perhaps a closing, up to MOST_WORDS words."""
    kept: list[str] = []
    words = 0
    for phrase in [*phrases, *([_pick(rng, CLOSINGS)] if rng.random() < 0.3 else [])]:
        words += len(phrase.replace("-", " ").split())
        if words > MOST_WORDS:
            break
        kept.append(phrase)
    return ", ".join(kept)


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


def _maybe(rng: np.random.Generator, chance: float, words: str) -> str:
    return words if rng.random() < chance else ""


def _pick(rng: np.random.Generator, choices: Sequence[str]) -> str:
    return choices[int(rng.integers(len(choices)))]
