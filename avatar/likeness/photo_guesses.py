"""What a photo tells of a figure beyond the measured traits: the face's shape, likely skin and hair, what is worn."""

import functools
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from avatar.cutout.square_crop import FACE_LINE, center_crop_to_square
from avatar.drawing.palette import GARMENT_COLOURS, SKINS
from avatar.likeness.figures import GARMENT_COLOUR, LIP_COLOUR, WORN_COLOUR, lab_of
from avatar.likeness.worn_colours import (
    SURELY_PERSON,
    colour_above_face,
    colour_below_face,
    covers_cheeks,
    has_visor,
    lipstick,
    to_lab,
)
from avatar.person.appearance import FLAT, LAYERED, LEAST, is_pale_blonde, is_shaded_skin, unseen
from avatar.person.colour_measures import Colours, measure_colours
from avatar.person.head_view import CHIN, LEFT, OUTER_EYES, OVAL, RIGHT, TOP, HeadView, HeadViewer
from avatar.person.skin_tone import LIGHTNESS, STEPS, monk_step
from avatar.person.trait_classifiers import Belief, TraitClassifiers
from avatar.prompt.hairstyles import hairstyle_for
from common.errors import UserError
from common.images import read_image
from common.people.selection import Box

LIKELY_HAIR = ("black", "brown", "blonde", "grey")  # red hair is rare, and hardly ever what an unsure red is
BESIDE = 0.35  # of the face's width: where hair is looked for on each side, from the eyes to the chin
CROPPED = "buzz cut"
CHEST, CHEST_WIDTH = (0.9, 2.2), 0.9  # rows below a face's box, and columns beside its middle, over its height
LEAST_PRESENCE = 0.1  # of the face mesh; with less, nothing that it finds is where it is looked for
BEARDS = {"stubble": "stubble", "moustache": "full moustache", "goatee": "goatee", "beard": "short beard"}  # as drawn
SURELY_GROWN = 0.65  # share of all kinds of facial hair from which the likeliest is drawn where none is clear
OF_THE_FACE = ("face", "hair", "beard", LIP_COLOUR)  # guesses that need a face seen from the front, and not too small
SHORN = ("bald", "receding", "very short")
MOST_SHORN = 0.5  # share of these lengths from which a head is bald whose "hair" is skin in the shade
MIDDLES = {word: sum(steps) / 2 for word, steps in STEPS.items()}  # of the Monk steps of a word
UNLIKE_SKIN_LAB = 20.0  # distance from the skin's colour
HAIR_BESIDE = ((0.65, "long straight"), (0.5, "medium straight"), (0.0, CROPPED))  # by the least share of it
BELOW_CHIN = 0.3  # of the height from eyes to chin: how far below the chin its colour is looked for
SKIN_L = 65.0  # lightness of skin to which that of hair is related: hats shade both
BLACK_L, BROWN_L, BROWN_B = 20.0, 38.0, 6.0  # lightness up to which hair is black, brown; b from which it is not black
LIT_SKIN = 0.75  # quantile of lightness in a face's box: hair, beard and shadows are darker than skin
JAW, CHIN_SIDES = (172, 397), (150, 379)  # points of the face mesh, left and right
ROUND, SQUARE_JAW, HEART_CHIN = 1.19, 0.82, 0.553  # height, jaw and chin over the width of the face; 1/4 of 30 faces


@functools.lru_cache(1024)
def guess_from_photo(photo: Path, photo_sha256: str, face_box: Box | None) -> dict[str, str]:
    """Attributes of a figure by a photo, where nothing else says them; empty if the photo cannot be read.

    Args:
        photo: file of the photo.
        photo_sha256: its hash: a photo that has changed is read again.
        face_box: XYXY px in the upright photo.
    """
    try:
        image = read_image(photo, "RGB")
        skin = skin_in(_face_in(image, face_box))
        view = None if face_box is None else _viewer().look(np.asarray(image), face_box)
        if face_box is None or view is None or view.presence < LEAST_PRESENCE:
            return {"skin": skin}
        guesses = {"skin": skin} | _guess_from_head(view, _torso_below(np.asarray(image), face_box))
        if unseen(view):  # from the side or small: what is worn and the hair's colour are seen, the face is not
            seen = {name: value for name, value in guesses.items() if name not in OF_THE_FACE}
            return seen if "headwear" in seen else seen | {"skin": skin}  # which a hat shades
        return guesses
    except UserError:  # to be said where the photo is needed
        return {}


def _face_in(image: Image.Image, face_box: Box | None) -> np.ndarray:
    """Pixels in the box of a face; without a box, those where people's faces mostly are.

    Raises:
        UserError: the box lies outside the picture.
    """
    if face_box is None:
        image = center_crop_to_square(image)
        left, top, reach = image.width / 2, image.height * FACE_LINE, image.width / 12
        face_box = round(left - reach), round(top - reach), round(left + reach), round(top + reach)
    left, top, right, bottom = face_box
    face = np.asarray(image)[top:bottom, left:right]
    if not face.size:
        raise UserError(f"the face box {face_box} is not in the picture")
    return face


def _torso_below(photo: np.ndarray, face_box: Box) -> np.ndarray:
    """The part of an (H, W, 3) photo where the chest of an upright person is; empty where the photo ends above it."""
    left, top, right, bottom = face_box
    side, middle = bottom - top, (left + right) / 2
    rows = slice(round(bottom + CHEST[0] * side), round(bottom + CHEST[1] * side))
    return photo[rows, max(0, round(middle - CHEST_WIDTH * side)) : round(middle + CHEST_WIDTH * side)]


def _guess_from_head(view: HeadView, torso: np.ndarray) -> dict[str, str]:
    """The likeliest colours, however unsure: a figure has some skin and hair in any case."""
    colours = measure_colours(view)
    beliefs = _classifiers().classify(view, colours)
    guesses = {"face": face_shape(view)}
    if colours.skin is not None:
        lightness = max(float(colours.skin[0]), colours.lit if beliefs["headwear"].word != "none" else 0)
        guesses["skin"] = tuple(SKINS)[_likely_step(beliefs["skin_tone"], lightness) - 1]
        if (lips := lipstick(view, colours.skin)) is not None:
            guesses[LIP_COLOUR] = as_text(lips)
    if (garment := colour_below_face(view, colours, torso)) is not None:
        apart = {name: float(np.linalg.norm(lab_of(colour) - garment)) for name, colour in GARMENT_COLOURS.items()}
        guesses |= {GARMENT_COLOUR: as_text(garment), "garment_colour": min(apart, key=lambda name: apart[name])}
    guesses |= likely_beard(beliefs["facial_hair"])
    worn = beliefs["headwear"].word
    if worn != "none":  # where it is unsure which, hair that nobody sees is not invented
        guesses["headwear"] = _closest_headwear(worn, view)
        if (lab := colour_above_face(view)) is not None:
            guesses[WORN_COLOUR] = as_text(lab)
        if colours.skin is not None:
            guesses |= hair_beside_face(view, colours.skin)
    elif colours.hair is not None:
        shares = beliefs["hair_colour"].shares
        likely = max(LIKELY_HAIR, key=lambda word: shares[word])
        guesses["hair_colour"] = "blonde" if is_pale_blonde(beliefs["hair_colour"], colours) else likely
        guesses["hair"] = likely_hairstyle(beliefs, colours)
    return guesses


def as_text(lab: np.ndarray) -> str:
    """A colour as "L a b"."""
    return " ".join(f"{value:.1f}" for value in lab)


def _likely_step(belief: Belief, lightness: float) -> int:
    """Monk step of the likeliest skin; of an unsure one, between the words in question."""
    if belief.score < LEAST["skin_tone"][0]:
        return round(sum(share * MIDDLES[word] for word, share in belief.shares.items()))
    mean = round(sum(share * monk_step(word, lightness) for word, share in belief.shares.items()))
    first, last = STEPS[belief.word]
    return min(max(mean, first), last)


def _closest_headwear(word: str, view: HeadView) -> str:
    """The drawn headwear that is most like what is worn: caps without a visor are knitted, wraps leave the cheeks."""
    if word == "cap" and not has_visor(view):
        return "beanie"
    return "turban" if word == "headscarf" and not covers_cheeks(view) else word


def likely_beard(belief: Belief) -> dict[str, str]:
    """The likeliest kind of facial hair, where there surely is some; else empty."""
    grown = {BEARDS[word]: share for word, share in belief.shares.items() if word in BEARDS}
    return {"beard": max(grown, key=lambda kind: grown[kind])} if sum(grown.values()) >= SURELY_GROWN else {}


def likely_hairstyle(beliefs: Mapping[str, Belief], colours: Colours) -> str:
    """The likeliest drawn hairstyle, however unsure.

    Args:
        beliefs: what the classifiers believe of "hair_length" and "hair_shape".
        colours: what was measured in the same head.
    """
    lengths, shapes = beliefs["hair_length"].shares, beliefs["hair_shape"].shares
    is_unsure = beliefs["hair_length"].score < LEAST["hair_length"][0]
    if is_unsure and is_shaded_skin(colours) and sum(lengths[word] for word in SHORN) >= MOST_SHORN:
        return hairstyle_for("bald", "")
    length = beliefs["hair_length"].word
    able = [word for word in shapes if length != "short" or word != "tied"]  # short hair is rather short than tied
    shape = max(able, key=lambda word: shapes[word])
    if colours.stands_off and length in ("short", "medium"):
        return hairstyle_for("medium", "coily")
    if length == "short" and shape in FLAT and colours.over_ears >= LAYERED:
        shape = "layered"
    return hairstyle_for(length, shape, "any" if lengths["bald"] < lengths["receding"] else "")


def hair_beside_face(view: HeadView, skin: np.ndarray) -> dict[str, str]:
    """Hairstyle and likely colour of hair that is seen below headwear.

    Args:
        view: the head.
        skin: (3,) Lab of the skin.
    """
    points = view.points[:, :2]
    oval = points[list(OVAL)]
    middle, width = oval.mean(axis=0), float(np.ptp(oval[:, 0]))
    height_px, width_px = view.matte.shape
    face = np.zeros((height_px, width_px), np.uint8)
    cv2.fillPoly(face, [(middle + (oval - middle) * 1.06).astype(np.int32)], 1)
    rows, columns = np.mgrid[:height_px, :width_px]
    eyes, chin = points[list(OUTER_EYES), 1].mean(), points[CHIN, 1]
    beside = np.abs(columns - middle[0]) < (0.5 + BESIDE) * width
    beside &= (rows > eyes) & (face == 0) & view.inside
    seen = beside & (view.matte > SURELY_PERSON)
    share = int(seen[rows < chin].sum()) / max(1, int(beside[rows < chin].sum()))
    style = next(style for least, style in HAIR_BESIDE if share >= least)
    if style == CROPPED:
        return {"hair": style}
    hair = seen & (rows < chin + BELOW_CHIN * (chin - eyes))
    lab = to_lab(view.pixels)
    unlike = hair & (np.linalg.norm(lab - skin, axis=2) > UNLIKE_SKIN_LAB)  # without ears, but not without blonde hair
    return {"hair": style, "hair_colour": _likely_colour(lab[unlike if 2 * unlike.sum() > hair.sum() else hair], skin)}


def _likely_colour(hair: np.ndarray, skin: np.ndarray) -> str:
    """Word for hair of (N, 3) Lab beside skin of (3,) Lab."""
    middle = float(np.median(hair[:, 0]))
    lightness = middle * SKIN_L / max(float(skin[0]), SKIN_L / 2)
    yellow = float(np.median(hair[hair[:, 0] >= middle, 2]))
    if lightness <= BLACK_L and yellow < BROWN_B:
        return "black"
    return "brown" if lightness <= BROWN_L else "blonde"


def skin_in(face: np.ndarray) -> str:
    """Drawn skin tone that is likeliest by the lightness of a face, where the face cannot be looked at closely.

    Args:
        face: (H, W, 3) uint8 RGB, what lies in the box of a face.
    """
    lab = to_lab(face)
    lightness = float(np.quantile(lab[..., 0], LIT_SKIN))
    word = min(LIGHTNESS, key=lambda word: abs(sum(LIGHTNESS[word]) / 2 - lightness))
    return tuple(SKINS)[monk_step(word, lightness) - 1]


def face_shape(view: HeadView) -> str:
    """Drawn shape of the face that comes closest: "round", "square", "heart" or "oval"."""
    points = view.points[:, :2]

    def apart(pair: tuple[int, int]) -> float:
        return float(np.linalg.norm(points[pair[0]] - points[pair[1]]))

    width = max(apart((LEFT, RIGHT)), 1e-6)
    if apart((TOP, CHIN)) < ROUND * width:
        return "round"
    if apart(JAW) > SQUARE_JAW * width:
        return "square"
    return "heart" if apart(CHIN_SIDES) < HEART_CHIN * width else "oval"


@functools.cache
def _viewer() -> HeadViewer:
    return HeadViewer()


@functools.cache
def _classifiers() -> TraitClassifiers:
    return TraitClassifiers()
