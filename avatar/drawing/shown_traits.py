"""What a drawn avatar shows, in the words in which the appearance of a person is measured."""

from avatar.drawing.attributes import Attributes
from avatar.drawing.headwear import HATS, HIDDEN_HAIR

SKIN_STEPS = {  # steps of the Monk Skin Tone scale
    "porcelain": 1,
    "fair": 2,
    "light": 3,
    "golden": 4,
    "olive": 5,
    "tan": 6,
    "brown": 7,
    "dark brown": 8,
    "deep": 9,
    "ebony": 10,
}
HAIR_COLOURS = {"ginger": "red", "silver": "grey"}  # the other words are the same
HAIR_LENGTHS = {  # every word that fits, the best one first
    "bald": ("bald",),
    "buzz cut": ("very short",),
    "quiff": ("short",),
    "side parting": ("short",),
    "short curls": ("short",),
    "spikes": ("short",),
    "mohawk": ("short", "very short"),
    "mullet": ("medium",),
    "afro": ("medium", "short"),
    "bob": ("medium",),
    "long straight": ("long",),
    "long wavy": ("long",),
    "ponytail": ("long",),
    "top bun": ("medium", "long", "short"),
    "space buns": ("medium", "long", "short"),
    "braids": ("long",),
    "dreadlocks": ("long",),
}
FLATTENED = ("short", "very short")  # lengths of hair that a hat hides but for a fringe
GLASSES = {"none": "none"} | dict.fromkeys(
    ("sunglasses", "heart-shaped glasses", "star-shaped glasses"), "sunglasses"
)  # all others are spectacles
FACIAL_HAIR = {"short beard": "beard", "long beard": "beard"}  # the other words are the same
HEADWEAR = {"cap": "cap", "bandana": "headscarf"} | dict.fromkeys(HATS - {"cap"}, "hat")  # all others are none


def shown_traits(look: Attributes) -> dict[str, tuple[str, ...]]:
    """Every word that fits, by trait, the best one first; a trait that is not seen is left out.

    Skin tones are steps of the Monk Skin Tone scale, "1" to "10".
    """
    hidden = look.headwear in HATS and look.hair in HIDDEN_HAIR
    traits = {
        "skin_tone": (str(SKIN_STEPS[look.skin]),),
        "hair_length": FLATTENED if hidden else HAIR_LENGTHS[look.hair],
        "glasses": (GLASSES.get(look.glasses, "spectacles"),),
        "facial_hair": (FACIAL_HAIR.get(look.beard, look.beard),),
        "headwear": (HEADWEAR.get(look.headwear, "none"),),
    }
    if look.hair != "bald":
        traits["hair_colour"] = (HAIR_COLOURS.get(look.hair_colour, look.hair_colour),)
    return traits
