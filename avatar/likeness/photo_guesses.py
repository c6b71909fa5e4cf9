"""What a photo tells of a figure beyond the measured traits: the shape of the face, and how light the skin is."""

import functools
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from avatar.cutout.square_crop import FACE_LINE, center_crop_to_square
from avatar.drawing.palette import SKINS
from avatar.person.appearance import unseen
from avatar.person.head_view import CHIN, LEFT, RIGHT, TOP, HeadView, HeadViewer
from avatar.person.skin_tone import LIGHTNESS, monk_step
from common.errors import UserError
from common.images import read_image
from common.people.selection import Box

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
        guesses = {"skin": skin_in(center_crop_to_square(image, face_box))}
        if face_box is not None:
            view = _viewer().look(np.asarray(image), face_box)
            guesses |= {} if unseen(view) else {"face": face_shape(view)}
        return guesses
    except UserError:  # to be said where the photo is needed
        return {}


def skin_in(photo: Image.Image) -> str:
    """Drawn skin tone that is likeliest by the lightness of a face, where its colour could not be measured.

    Args:
        photo: RGB, a square with head and shoulders, as `center_crop_to_square` makes it.
    """
    left, top, reach = photo.width / 2, photo.height * FACE_LINE, photo.width / 12
    face = np.asarray(photo.crop((round(left - reach), round(top - reach), round(left + reach), round(top + reach))))
    lightness = float(np.median(cv2.cvtColor(face.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[..., 0]))
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
