"""What a drawn avatar shows, in the words in which the appearance of a person is measured."""

from avatar.drawing.attributes import Attributes
from avatar.drawing.hair import greying_shows
from avatar.drawing.headwear import COVERS, HATS, HIDDEN_HAIR
from avatar.drawing.palette import SKINS

SKIN_STEPS = {name: step for step, name in enumerate(SKINS, start=1)}  # of the Monk Skin Tone scale
HAIR_COLOURS = {"ginger": "red"}  # the other words are the same
HAIR_LENGTHS = {  # every word that fits, the best one first
    "bald": ("bald",),
    "buzz cut": ("very short",),
    "receding": ("receding",),
    "crown bald": ("receding", "bald"),
    "quiff": ("short",),
    "side parting": ("short",),
    "short layered": ("short", "medium"),
    "short curls": ("short",),
    "short coils": ("short", "very short"),
    "cornrows": ("very short", "short"),
    "spikes": ("short",),
    "mohawk": ("short", "very short"),
    "mullet": ("medium",),
    "afro": ("medium", "short"),
    "bob": ("medium",),
    "medium straight": ("medium",),
    "medium wavy": ("medium",),
    "medium curly": ("medium",),
    "long straight": ("long",),
    "long wavy": ("long",),
    "long curly": ("long",),
    "ponytail": ("long", "medium"),
    "top bun": ("short", "medium", "long"),
    "low bun": ("short", "medium", "long"),
    "space buns": ("short", "medium", "long"),
    "braids": ("long",),
    "dreadlocks": ("long",),
}
FLATTENED = ("short", "very short")  # lengths of hair of which a hat leaves a fringe
TINTED = ("sunglasses", "heart-shaped glasses", "star-shaped glasses")
FACIAL_HAIR = {"full moustache": "moustache", "short beard": "beard", "long beard": "beard"}  # others are the same
HEADWEAR = {  # all others are none
    "cap": ("cap",),
    "bandana": ("none", "headscarf"),
    **dict.fromkeys(HATS - {"cap"}, ("hat",)),
    **dict.fromkeys(COVERS, ("headscarf",)),
}


def shown_traits(look: Attributes) -> dict[str, tuple[str, ...]]:
    """Every word that fits, by trait, the best one first; a trait that is not seen is left out.

    Skin tones are steps of the Monk Skin Tone scale, "1" to "10".
    """
    traits = {
        "skin_tone": (str(SKIN_STEPS[look.skin]),),
        "glasses": (_glasses(look.glasses),),
        "facial_hair": (FACIAL_HAIR.get(look.beard, look.beard),),
        "headwear": HEADWEAR.get(look.headwear, ("none",)),
    }
    if look.headwear in COVERS:
        return traits
    hidden = look.headwear in HATS and look.hair in HIDDEN_HAIR
    traits["hair_length"] = FLATTENED if hidden else HAIR_LENGTHS[look.hair]
    if look.hair != "bald":
        colour = HAIR_COLOURS.get(look.hair_colour, look.hair_colour)
        traits["hair_colour"] = (colour, "grey") if greying_shows(look) else (colour,)
    return traits


def _glasses(kind: str) -> str:
    if kind == "none":
        return kind
    return "sunglasses" if kind in TINTED else "spectacles"
