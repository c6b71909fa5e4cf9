"""Words of a prompt for how a person looks, absences included: "short grey hair", "fair skin", "no glasses"."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from avatar.person.skin_tone import is_skin_step

if TYPE_CHECKING:
    from avatar.person.features import AppearanceTrait

SKIN_BY_MONK_STEP = (
    *("very pale", "fair", "light", "warm beige", "olive"),
    *("tan", "brown", "dark brown", "very dark", "very dark"),
)
HAIR_BY_LENGTH = {
    "bald": "bald",
    "receding": "very short {} hair",
    "very short": "very short {} hair",
    "short": "short {} hair with a side parting",
    "medium": "chin-length {} bob",
    "long": "long straight {} hair",
}
HAIR_COLOURS = {"red": "ginger"}  # other words are those of the captions
WORN = {
    "glasses": {"none": "no glasses", "spectacles": "round glasses"},
    "facial_hair": {"none": "no beard", "stubble": "short beard", "beard": "short full beard"},
    "headwear": {"none": "bare-headed"},
}


def appearance_words(traits: "Mapping[str, AppearanceTrait]") -> list[str]:
    """Words for each known trait, hair and skin first."""
    known = {name: trait.value for name, trait in traits.items() if trait.value}
    colour = HAIR_COLOURS.get(known.get("hair_colour", ""), known.get("hair_colour", ""))
    length = known.get("hair_length", "")
    words = []
    if length == "bald" or colour:
        words.append(HAIR_BY_LENGTH.get(length, "{} hair").format(colour))
    if "skin_tone" in known:
        words.append(f"{_skin(traits['skin_tone'])} skin")
    return words + [forms.get(known[name], known[name]) for name, forms in WORN.items() if name in known]


def _skin(trait: "AppearanceTrait") -> str:
    """The tone by its Monk step, or else the word."""
    fits = is_skin_step(trait.value, trait.monk)
    return SKIN_BY_MONK_STEP[trait.monk - 1] if trait.monk and fits else trait.value

