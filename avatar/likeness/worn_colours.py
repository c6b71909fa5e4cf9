"""Colours of what a person wears, measured in a photo: headwear, garment, lipstick. All are Lab, L from 0 to 100."""

import cv2
import numpy as np

from avatar.person.colour_measures import LIPS, MOUTH, Colours, filled
from avatar.person.head_view import CHIN, LEFT, NOSE, RIGHT, TOP, HeadView

SURELY_PERSON = 0.8  # of the matte
LEAST_WORN_PX = 200  # px of a head's view above the face, or below it, from which a colour is clear
BELOW_CHIN = 0.25  # of the face's height: where the garment may begin
LIKE_SKIN_LAB, LIKE_HAIR_LAB = 16.0, 14.0  # distances up to which something below the chin may be skin, hair
HANGING = 0.4  # of `Colours.over_ears`, from which hair may fall over the shoulders
HAIR_SHARE = 0.6  # of what is seen below the chin, up to which it may be hair: the rest is the garment
KINDS, SHADES_LAB = 3, 14.0  # kinds of colour in a garment, and the distance up to which two are shades of one
MOST_PX = 20_000  # of a garment, by which its colours are told apart
BETWEEN_BROWS = (107, 9, 336, 285, 8, 55)  # points of the face mesh
LOWER_CHEEKS = ((205, 187, 207, 216, 206), (425, 411, 427, 436, 426))
VISOR_SHADE = 0.73  # lightness between the brows, over that of the lighter cheek, below which a visor shades it
BESIDE, SCARF_SHARE, LIKE_SCARF_LAB = 0.2, 0.4, 25.0  # width of a scarf beside the face; its share of that; distance
LEAST_LIPSTICK_A = 12.0  # by which the lips are redder than the skin: nine in ten of half A have less than 9
SMALLEST_LIPS_PX = 60  # in the head's view
COARSE = 3.0  # `HeadView.scale` from which the lips' colour is not seen


def colour_above_face(view: HeadView) -> np.ndarray | None:
    """Median Lab, (3,), of what the person wears above the face; None where too little of it is seen."""
    rows = np.arange(len(view.matte))[:, None]
    seen = (view.matte > SURELY_PERSON) & view.inside & (rows < view.points[TOP, 1])
    return np.median(lab_of(view)[seen], axis=0) if int(seen.sum()) >= LEAST_WORN_PX else None


def colour_below_face(view: HeadView, colours: Colours, torso: np.ndarray) -> np.ndarray | None:
    """Lab, (3,), of what covers most of the chest, or of what is seen below the chin where the photo ends above it.

    Args:
        view: the head.
        colours: what was measured in it.
        torso: (H, W, 3) uint8 RGB, the photo below the shoulders; it may be empty.
    """
    pixels = _without(to_lab(torso).reshape(-1, 3), colours) if torso.size else np.empty((0, 3))
    if len(pixels) >= LEAST_WORN_PX:
        return _main_colour(pixels)
    rows, columns = np.mgrid[: len(view.matte), : view.matte.shape[1]]
    chin, middle = view.points[CHIN, 1], view.points[[LEFT, RIGHT], 0].mean()
    body = (view.matte > SURELY_PERSON) & view.inside & (rows > chin + BELOW_CHIN * view.face_height)
    body &= np.abs(columns - middle) < (rows - chin) * 1.5 + view.face_height / 4  # between the shoulders
    pixels = _without(lab_of(view)[body], colours)
    return _main_colour(pixels) if len(pixels) >= LEAST_WORN_PX else None


def _without(pixels: np.ndarray, colours: Colours) -> np.ndarray:
    """(N, 3) Lab without what may be skin, or hair that falls over the shoulders."""
    if colours.skin is not None:
        pixels = pixels[np.linalg.norm((pixels - colours.skin) * (0.5, 1, 1), axis=1) > LIKE_SKIN_LAB]
    if colours.hair is not None and colours.over_ears >= HANGING:
        other = np.linalg.norm(pixels - colours.hair, axis=1) > LIKE_HAIR_LAB
        if np.count_nonzero(other) > (1 - HAIR_SHARE) * len(pixels):
            return pixels[other]
    return pixels


def _main_colour(pixels: np.ndarray) -> np.ndarray:
    """(3,) median of the kind of colour, with its shades, that most of (N, 3) Lab pixels have."""
    pixels = pixels[:: max(1, len(pixels) // MOST_PX)].astype(np.float32)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)
    cv2.setRNGSeed(1)
    _, kinds, middles = cv2.kmeans(pixels, KINDS, np.empty(0), stop, 2, cv2.KMEANS_PP_CENTERS)
    most = middles[np.bincount(kinds[:, 0], minlength=KINDS).argmax()]
    shades = np.linalg.norm(middles - most, axis=1) < SHADES_LAB
    return np.median(pixels[shades[kinds[:, 0]]], axis=0)


def has_visor(view: HeadView) -> bool:
    """Whether what is worn shades the face between the brows."""
    lightness = lab_of(view)[..., 0]
    between, *cheeks = (filled(view, outline) & view.inside for outline in (BETWEEN_BROWS, *LOWER_CHEEKS))
    if not between.any() or not any(cheek.any() for cheek in cheeks):
        return False
    lit = max(float(np.median(lightness[cheek])) for cheek in cheeks if cheek.any())
    return float(np.median(lightness[between])) < VISOR_SHADE * lit


def covers_cheeks(view: HeadView) -> bool:
    """Whether what is worn above the face is seen beside it, too, from the nose to the chin."""
    above = colour_above_face(view)
    if above is None:
        return True
    rows, columns = np.mgrid[: len(view.matte), : view.matte.shape[1]]
    left, right = view.points[LEFT, 0], view.points[RIGHT, 0]
    beside = np.maximum(left - columns, columns - right) / max(right - left, 1e-6)
    region = (beside > 0) & (beside < BESIDE) & (rows > view.points[NOSE, 1]) & (rows < view.points[CHIN, 1])
    region &= view.inside
    alike = np.linalg.norm(lab_of(view) - above, axis=2) < LIKE_SCARF_LAB
    covered = region & alike & (view.matte > SURELY_PERSON)
    return bool(np.count_nonzero(covered) >= SCARF_SHARE * np.count_nonzero(region))


def lipstick(view: HeadView, skin: np.ndarray) -> np.ndarray | None:
    """Lab, (3,), of lips that are clearly redder than lips are by nature; None for others.

    Args:
        view: the head.
        skin: (3,) Lab of its skin.
    """
    seen = filled(view, LIPS) & ~filled(view, MOUTH) & view.inside
    if view.scale > COARSE or int(seen.sum()) < SMALLEST_LIPS_PX:
        return None
    colour = np.median(lab_of(view)[seen], axis=0)
    return colour if colour[1] - skin[1] >= LEAST_LIPSTICK_A else None


def lab_of(view: HeadView) -> np.ndarray:
    """(H, W, 3) float32 Lab of a view."""
    return to_lab(view.pixels)


def to_lab(pixels: np.ndarray) -> np.ndarray:
    """(H, W, 3) float32 Lab of uint8 RGB."""
    return cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
