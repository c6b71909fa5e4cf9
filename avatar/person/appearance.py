"""What a person in a photo looks like: skin tone, hair, glasses, facial hair and headwear, each with a confidence.

Nothing here infers gender, race or age. What cannot be seen well stays empty, with the reason.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import numpy as np

from avatar.person.colour_measures import Colours, measure_colours
from avatar.person.features import AppearanceTrait
from avatar.person.head_view import WEIGHTS, HeadView, HeadViewer
from avatar.person.skin_tone import monk_step
from avatar.person.trait_classifiers import BLURRED, COVERED, Belief, TraitClassifiers
from common.people.selection import Box

MIN_PRESENCE = 0.5  # of the face mesh
MIN_FACE_PX = 32  # height of a face, hairline to chin, in the photo
MAX_TURN = 1.2  # of `HeadView.turn`; above it is a side view
MIN_CHROMA = 5.0  # of a head in a photo that is not black and white
SKIN_HUES = (8.0, 88.0)  # degrees in Lab between which skin is seen in white light
MAX_SKIN_CHROMA = 56.0  # more is coloured light or make-up
CLEARLY_LIGHT, DARKEST_CLEAR = 0.85, 3  # confidence from which light skin is at most of this Monk step
MIN_SKIN_L = 12.0  # less is too dark to tell
DYED_CHROMA = 22.0  # hair of more chroma, in a hue that no hair has by nature, is dyed
NATURAL_HUES = (5.0, 105.0)  # degrees in Lab
DYED_SCORE = 0.9  # so strong a colour is hardly mistaken
DYED = ((60.0, "pink"), (160.0, "green"), (285.0, "blue"), (330.0, "purple"), (360.0, "pink"))  # up to a hue, degrees
LIGHTEST_BROWN_L = 45.0  # of hair; of heads said to be brown above it, 4 in 9 are blonde, red or grey
MAYBE_BLONDE, BLONDE_B = 0.3, 15.0  # share of blonde, and b of Lab, from which hair taken for grey may be blonde
LEAST_FRINGE_LAB, LEAST_FRINGE_SCORE = 12.0, 0.6  # of the hair at the sides of a bald head
LEAST_SHADE_AB = 6.5  # by which cropped hair differs from the skin in a and b of Lab: less is skin in the shade ...
SHADE_CHROMA = 0.85  # ... if it has at least this share of the skin's chroma
FLAT = ("", "straight", "wavy")  # shapes of hair that may be layered
LAYERED = 0.4  # of `Colours.over_ears`, from which short hair that is not curly is layered
CLEAR_TIED, MOST_BEARD_TIED = 0.9, 0.3  # short hair is told as tied from this score on, and up to this facial hair
LEAST_CHEEKS = 0.42  # of `Colours.cheeks`; below it hair, a hand or a deep shadow covers a part of the face
CROPPED = ("bald", "receding", "very short")  # lengths of hair at which its shape cannot be seen
COMMON = ("none", "light")  # values of most people in the training: to say them falsely hides what somebody has
LEAST = {  # confidence below which a value stays empty: of COMMON ones, of others
    "skin_tone": (0.7, 0.5),
    "hair_colour": (0.45, 0.45),
    "hair_length": (0.42, 0.42),
    "hair_shape": (0.6, 0.6),
    "glasses": (0.45, 0.6),
    "facial_hair": (0.5, 0.45),
    "headwear": (0.7, 0.5),
}


@dataclass(frozen=True)
class Appearance:
    """What was measured of one person."""

    skin_tone: AppearanceTrait
    hair_colour: AppearanceTrait
    hair_length: AppearanceTrait
    hair_shape: AppearanceTrait
    glasses: AppearanceTrait
    facial_hair: AppearanceTrait
    headwear: AppearanceTrait

    def items(self) -> Iterator[tuple[str, AppearanceTrait]]:
        """Names and traits."""
        return ((field.name, getattr(self, field.name)) for field in fields(self))


@dataclass(frozen=True, eq=False)
class Examination:
    """What was measured of one person, and where.

    Attributes:
        appearance: the traits.
        view: the head that was looked at.
        colours: colours and their regions; None where nothing could be measured.
    """

    appearance: Appearance
    view: HeadView
    colours: Colours | None


class AppearanceMeter:
    """Measures appearance; networks are loaded once. Not thread-safe."""

    def __init__(self) -> None:
        """Load all networks. Raises UserError if their files are missing."""
        self._viewer = HeadViewer()
        self._classifiers = TraitClassifiers()
        self.weights = [*WEIGHTS, *self._classifiers.weights]

    def measure(self, photo: np.ndarray, box: Box) -> Appearance:
        """The traits that `examine` gives."""
        return self.examine(photo, box).appearance

    def examine(self, photo: np.ndarray, box: Box) -> Examination:
        """Measure one person.

        Args:
            photo: (H, W, 3) uint8 RGB.
            box: box of the face, XYXY px, from the brows to the chin.
        """
        view = self._viewer.look(photo, box)
        problem = unseen(view)
        if problem:
            return Examination(_empty(problem), view, None)
        colours = measure_colours(view)
        blurred = view.scale > BLURRED
        return Examination(judge(self._classifiers.classify(view, colours), colours, blurred), view, colours)


def unseen(view: HeadView) -> str:
    """Why nothing can be measured in a view; empty if it can."""
    if view.presence < MIN_PRESENCE:
        return "eyes, nose and mouth are not all visible"
    height = view.face_height / view.scale
    if height < MIN_FACE_PX:
        return f"the face is only {height:.0f} px high"
    return "the face looks aside" if view.turn > MAX_TURN else ""


def judge(beliefs: dict[str, Belief], colours: Colours, blurred: bool = False) -> Appearance:
    """Turn beliefs and colours into words, or into reasons why there is none.

    Args:
        beliefs: what the classifiers believe of every trait.
        colours: what was measured in the same head.
        blurred: the face is so small that neither the texture of hair nor what covers a cheek is seen.
    """
    traits = {trait: _told(trait, belief) for trait, belief in beliefs.items()}
    light = problem_of_light(colours)
    hidden = "something covers part of the face" if colours.cheeks < LEAST_CHEEKS and not blurred else ""
    masked = "a mask covers it" if beliefs["facial_hair"].word == COVERED else ""
    skin = _if(masked or light, traits["skin_tone"])
    if skin.value and colours.skin is not None:
        lightness = max(float(colours.skin[0]), colours.lit if beliefs["headwear"].word != "none" else 0)
        step = monk_step(skin.value, lightness)
        if skin.value == "light" and (skin.score or 0) >= CLEARLY_LIGHT:
            step = min(step, DARKEST_CLEAR)  # the photo or a hat's shade is dark, not the skin
        skin = replace(skin, monk=step, lab=_lab(colours.skin))
    covered = "covered by headwear" if beliefs["headwear"].word != "none" else ""
    cropped = traits["hair_length"].value in CROPPED
    bald = traits["hair_length"].value == "bald" and not has_fringe(traits, colours)
    pale = "between grey and blonde" if is_pale_blonde(beliefs["hair_colour"], colours) else ""
    hairless = "no hair is seen" if bald or (cropped and is_shaded_skin(colours)) else ""
    shapeless = "the hair is too short" if cropped else ""
    if blurred and traits["hair_shape"].value not in ("", "tied"):
        shapeless = "the photo shows too little of it"
    return Appearance(
        skin_tone=skin,
        hair_colour=_if(covered or hairless or light or pale, _hair_colour(traits["hair_colour"], colours)),
        hair_length=_if(covered, traits["hair_length"]),
        hair_shape=_if(covered or shapeless, _hair_shape(traits, colours, 1 - beliefs["facial_hair"].shares["none"])),
        glasses=_if(hidden, traits["glasses"]),
        facial_hair=_if(masked or hidden, traits["facial_hair"]),
        headwear=traits["headwear"],
    )


def has_fringe(traits: dict[str, AppearanceTrait], colours: Colours) -> bool:
    """Whether a bald head has hair at its sides whose colour is clear."""
    if colours.skin is None or colours.hair is None:
        return False
    unlike_skin = float(np.linalg.norm(colours.hair - colours.skin)) > LEAST_FRINGE_LAB
    return unlike_skin and (traits["hair_colour"].score or 0) >= LEAST_FRINGE_SCORE


def is_shaded_skin(colours: Colours) -> bool:
    """Whether what was taken for hair has the skin's own hue and chroma, in less light."""
    if colours.skin is None or colours.hair is None:
        return False
    skin, hair = colours.skin[1:], colours.hair[1:]
    as_strong = np.linalg.norm(hair) >= SHADE_CHROMA * np.linalg.norm(skin)
    return bool(as_strong and np.linalg.norm(hair - skin) < LEAST_SHADE_AB)


def problem_of_light(colours: Colours) -> str:
    """Why colours cannot be told; empty if they can."""
    if colours.chroma < MIN_CHROMA:
        return "the photo is black and white"
    if colours.skin is None:
        return "no clean skin is seen"
    lightness, a, b = colours.skin
    hue = np.degrees(np.arctan2(b, a))
    if not SKIN_HUES[0] <= hue <= SKIN_HUES[1] or np.hypot(a, b) > MAX_SKIN_CHROMA:
        return "the light is coloured"
    return "the face is too dark" if lightness < MIN_SKIN_L else ""


def is_pale_blonde(belief: Belief, colours: Colours) -> bool:
    """Whether hair that is taken for grey is rather a pale blonde."""
    if belief.word != "grey" or colours.hair is None:
        return False
    return belief.shares["blonde"] >= MAYBE_BLONDE and float(colours.hair[2]) >= BLONDE_B


def _hair_colour(told: AppearanceTrait, colours: Colours) -> AppearanceTrait:
    if colours.hair is None:
        return _nothing("no hair is seen")
    _, a, b = colours.hair
    hue = float(np.degrees(np.arctan2(b, a))) % 360
    if np.hypot(a, b) > DYED_CHROMA and not NATURAL_HUES[0] <= hue <= NATURAL_HUES[1]:
        word = next(word for end, word in DYED if hue <= end)
        return AppearanceTrait(word, DYED_SCORE, "measured", lab=_lab(colours.hair))
    if told.value == "brown" and colours.hair[0] > LIGHTEST_BROWN_L:
        return _nothing("between brown and blonde", told.score)
    return replace(told, lab=_lab(colours.hair)) if told.value else told


def _hair_shape(traits: dict[str, AppearanceTrait], colours: Colours, beard: float) -> AppearanceTrait:
    """`beard` is the share of all kinds of facial hair."""
    told, is_short = traits["hair_shape"], traits["hair_length"].value == "short"
    if colours.stands_off and told.value in FLAT and traits["hair_length"].value in ("short", "medium"):
        return _nothing("it stands off the head", told.score)
    if is_short and told.value == "tied" and ((told.score or 0) < CLEAR_TIED or beard > MOST_BEARD_TIED):
        return _nothing("short, or tied behind the head", told.score)
    if is_short and told.value in FLAT and colours.over_ears >= LAYERED:
        return AppearanceTrait("layered", round(colours.over_ears, 4), "measured")
    return told


def _told(trait: str, belief: Belief) -> AppearanceTrait:
    score = round(belief.score, 4)
    common, other = LEAST[trait]
    if score < (common if belief.word in COMMON else other):
        return _nothing("not clear enough", score)
    return AppearanceTrait(belief.word, score, "measured")


def _if(problem: str, trait: AppearanceTrait) -> AppearanceTrait:
    """The trait, or nothing where there is a problem."""
    return _nothing(problem) if problem else trait


def _empty(reason: str) -> Appearance:
    return Appearance(**{field.name: _nothing(reason) for field in fields(Appearance)})


def _nothing(reason: str, score: float | None = None) -> AppearanceTrait:
    return AppearanceTrait("", score, "unsure", reason)


def _lab(colour: np.ndarray) -> tuple[float, float, float]:
    lightness, a, b = (round(float(value), 1) for value in colour)
    return lightness, a, b
