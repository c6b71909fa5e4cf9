"""Words of a prompt for how a person looks, absences included: "receding grey hair", "fair skin", "no glasses".

They are the words of the captions from which the small model learnt.
"""

from collections.abc import Iterator, Mapping

from avatar.person.features import AppearanceTrait
from avatar.person.skin_tone import is_skin_step
from avatar.prompt.hairstyles import hairstyle_for

SKIN_BY_MONK_STEP = (
    *("porcelain", "fair", "light", "golden", "olive"),
    *("tan", "brown", "dark brown", "deep", "ebony"),
)
SKINS = {"medium": "tan", "dark": "dark brown"}  # of which no step is known
HAIR_BY_STYLE = {  # without a colour the space before it goes, too
    "bald": "bald",
    "crown bald": "bald on top with{} hair at the sides",
    "receding": "receding{} hair",
    "buzz cut": "very short{} hair",
    "side parting": "short{} hair with a side parting",
    "short layered": "short layered{} hair",
    "short curls": "short curly{} hair",
    "short coils": "short coily{} hair",
    "top bun": "{} hair in a top bun",
    "medium straight": "medium-length straight{} hair",
    "bob": "chin-length{} bob",
    "medium wavy": "medium-length wavy{} hair",
    "medium curly": "medium-length curly{} hair",
    "afro": "big round{} afro",
    "low bun": "{} hair in a low bun",
    "long straight": "long straight{} hair",
    "long wavy": "long wavy{} hair",
    "long curly": "long curly{} hair",
    "ponytail": "{} hair in a ponytail",
}
HAIR_COLOURS = {"red": "ginger"}  # other words are those of the captions
WORN = {
    "glasses": {"none": "no glasses", "spectacles": "thin-rimmed glasses"},
    "facial_hair": {"none": "clean-shaven", "moustache": "full moustache", "beard": "short beard"},
    "headwear": {"none": "bare-headed", "hat": "plain hat"},
}


def appearance_words(traits: Mapping[str, AppearanceTrait]) -> list[str]:
    """Words for each known trait, hair and skin first; what a person typed that is no such trait is said as typed."""
    known = {name: trait.value for name, trait in traits.items() if trait.value}
    words = list(_hair_words(known))
    if "skin_tone" in known:
        words.append(f"{_skin(traits['skin_tone'])} skin")
    return words + [forms.get(known[name], known[name]) for name, forms in WORN.items() if name in known]


def _hair_words(known: Mapping[str, str]) -> Iterator[str]:
    colour, length, shape = (known.get(f"hair_{part}", "") for part in ("colour", "length", "shape"))
    colour = HAIR_COLOURS.get(colour, colour)
    try:
        style = HAIR_BY_STYLE[hairstyle_for(length, shape, colour)]
    except KeyError:  # not known, or typed
        style = " ".join([length, shape]).strip() + "{} hair" if length or shape or colour else ""
    if style:
        yield style.format(f" {colour}" if colour else "").strip()


def _skin(trait: AppearanceTrait) -> str:
    """The tone by its Monk step, or else by the word."""
    if trait.monk and is_skin_step(trait.value, trait.monk):
        return SKIN_BY_MONK_STEP[trait.monk - 1]
    return SKINS.get(trait.value, trait.value)
