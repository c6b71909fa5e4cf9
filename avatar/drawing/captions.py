"""Captions of drawn avatars: phrases separated by commas, as in the prompts of `generate_weighted_prompt`.

Captions describe what is visible, in varied wordings and without prompt weights. Clothes are named by colour and kind,
or by the wordings of avatar/prompt/genre_outfits.py.
"""

import itertools
from collections.abc import Sequence

import numpy as np

from avatar.drawing.attributes import Attributes
from avatar.drawing.headwear import HATS, HIDDEN_HAIR
from avatar.prompt.genre_outfits import ACCESSORIES, GARMENTS, NEUTRAL_ACCESSORIES, NEUTRAL_GARMENT
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
_SKIN_WORDS = {
    "porcelain": ("porcelain", "very pale"),
    "fair": ("fair", "light"),
    "golden": ("golden", "warm beige"),
    "olive": ("olive", "light brown"),
    "tan": ("tan", "bronze"),
    "brown": ("brown", "medium brown"),
    "dark brown": ("dark brown", "rich brown"),
    "deep": ("deep", "very dark"),
}
_HAIR_COLOURS = {
    "black": ("black", "black", "jet-black"),
    "brown": ("brown", "brown", "chestnut"),
    "blonde": ("blonde", "blond", "golden blonde"),
    "ginger": ("ginger", "red", "copper"),
    "silver": ("silver", "grey", "silver-grey"),
    "pink": ("pink", "pink", "bubblegum pink"),
    "blue": ("blue", "blue", "bright blue"),
    "green": ("green", "green", "emerald green"),
    "purple": ("purple", "purple", "violet"),
}
_HAIR = {
    "bald": ("bald", "shaved head", "no hair, bald head"),
    "buzz cut": ("{} buzz cut", "very short {} hair", "{} hair in a buzz cut"),
    "quiff": ("{} quiff", "{} hair in a quiff", "short {} hair swept up in a quiff"),
    "side parting": ("short {} hair with a side parting", "neat {} side parting", "side-parted {} hair"),
    "short curls": ("short curly {} hair", "{} short curls", "short {} curls"),
    "spikes": ("spiky {} hair", "{} spikes", "{} hair in wild spikes"),
    "mohawk": ("{} mohawk", "tall {} mohawk", "{} mohawk with shaved sides"),
    "mullet": ("{} mullet", "{} mullet with a choppy fringe", "shaggy {} mullet"),
    "afro": ("{} afro", "big round {} afro", "{} afro hair"),
    "bob": ("{} bob with a fringe", "{} bob", "chin-length {} bob"),
    "long straight": ("long straight {} hair", "straight long {} hair", "sleek long {} hair"),
    "long wavy": ("long wavy {} hair", "wavy {} hair over the shoulders", "long {} waves"),
    "ponytail": ("{} ponytail", "{} hair in a ponytail", "high {} ponytail"),
    "top bun": ("{} top bun", "{} hair in a top bun", "{} bun on top of the head"),
    "space buns": ("{} space buns", "{} hair in two space buns", "two {} buns"),
    "braids": ("{} braids", "two long {} braids", "{} hair in braids"),
    "dreadlocks": ("{} dreadlocks", "long {} dreadlocks", "{} locs"),
}
_UNDER_A_HAT = ("{} hair", "short {} hair", "{} hair under the hat")
_BEARDS = {
    "none": ("clean-shaven", "no beard"),
    "moustache": ("moustache", "curled moustache"),
    "goatee": ("goatee", "goatee with a moustache"),
    "short beard": ("short beard", "trimmed beard", "short full beard"),
    "long beard": ("long beard", "long full beard", "big long beard"),
}
_EXPRESSIONS = {
    "calm": ("calm", "calm expression", "serious look"),
    "smile": ("smiling", "gentle smile", "friendly smile"),
    "laugh": ("laughing", "laughing with closed eyes", "big laugh"),
    "wink": ("winking", "playful wink", "wink and a smirk"),
    "surprised": ("surprised", "surprised face", "amazed, mouth open"),
    "tongue out": ("tongue out", "sticking the tongue out", "cheeky, tongue out"),
}
_NO_GLASSES = ("no glasses", "without glasses")
_NO_HEADWEAR = ("no hat", "bare-headed")
_PATTERNS = {
    "plain": ("plain {} backdrop", "{} background", "soft {} backdrop"),
    "sun": ("{} backdrop with a round sun", "big sun on {a} {} background"),
    "rays": ("{} backdrop with rays", "sunburst rays on {a} {} background"),
    "confetti": ("{} backdrop with confetti", "confetti on {a} {} background"),
    "lights": ("{} backdrop with fairy lights", "strings of lights on {a} {} background"),
    "stars": ("{} backdrop with stars", "sparkling stars on {a} {} background"),
    "stage": ("{} backdrop with stage lights", "stage light beams on {a} {} background"),
    "waves": ("{} backdrop with waves", "wavy lines on {a} {} background"),
    "bunting": ("{} backdrop with bunting", "festival bunting on {a} {} background"),
}


def caption(attributes: Attributes, rng: np.random.Generator) -> str:
    """Write a random caption of a character.

    Most captions name each visible attribute; some also name what is absent (no beard, no glasses, no hat). Below a hat
    that hides the hairstyle, only the hair colour is named.
    """
    look = attributes
    phrases = [
        _maybe(rng, 0.95, garment_words(look.garment, look.garment_colour, rng)),
        _maybe(rng, 0.95, _hair_words(look, rng)),
        _maybe(rng, 0.95 if look.glasses != "none" else 0.2, _worn_words(look.glasses, rng, _NO_GLASSES)),
        _maybe(rng, 0.95 if look.beard != "none" else 0.2, _pick(rng, _BEARDS[look.beard])),
        _maybe(rng, 0.95 if look.headwear != "none" else 0.15, _worn_words(look.headwear, rng, _NO_HEADWEAR)),
        _maybe(rng, 0.95 if look.jewellery != "none" else 0, _worn_words(look.jewellery, rng, ("",))),
        _maybe(rng, 0.85, _pick(rng, _SKIN).format(_pick(rng, _SKIN_WORDS[look.skin]))),
        _maybe(rng, 0.85, _pick(rng, _EXPRESSIONS[look.expression])),
        _maybe(rng, 0.8, _pick(rng, _PATTERNS[look.pattern]).format(look.backdrop, a=_article(look.backdrop))),
        _maybe(rng, 0.5 if look.glasses in ("none", "round glasses") else 0.1, f"{look.eyes} eyes"),
        _maybe(rng, 0.15, f"{look.face} face"),
    ]
    said = [phrase for phrase in phrases if phrase]
    order = rng.permutation(len(said)) if rng.random() < 0.7 else range(len(said))
    return _fitted([*_opening(look.person, rng), *(said[index] for index in order)], rng)


def garment_words(kind: str, colour: str, rng: np.random.Generator) -> str:
    """Name a garment by colour and kind, or by a random wording of its genre."""
    plain = f"{colour} {kind}"
    wordings = next(g.wordings for g in (*GARMENTS.values(), NEUTRAL_GARMENT) if g.kind == kind)
    return plain if rng.random() < 0.5 else _pick(rng, wordings).format(colour=colour)


def _hair_words(look: Attributes, rng: np.random.Generator) -> str:
    hidden = look.headwear in HATS and look.hair in HIDDEN_HAIR
    wordings = _UNDER_A_HAT if hidden else _HAIR[look.hair]
    return _pick(rng, wordings).format(_pick(rng, _HAIR_COLOURS[look.hair_colour]))


def _worn_words(kind: str, rng: np.random.Generator, absent: Sequence[str]) -> str:
    """Name an accessory by its kind, or by a random wording of a genre that wears it."""
    if kind == "none":
        return _pick(rng, absent)
    everything = itertools.chain(*ACCESSORIES.values(), NEUTRAL_ACCESSORIES)
    wordings = [words for accessory in everything if accessory.kind == kind for words in accessory.wordings]
    return kind if rng.random() < 0.5 else _pick(rng, wordings)


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


def _pick(rng: np.random.Generator, wordings: Sequence[str]) -> str:
    return wordings[int(rng.integers(len(wordings)))]
