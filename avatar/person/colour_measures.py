"""Colours of skin and hair in Lab, with what the photo's light may be judged by.

Lab values are those of `cv2` for float pictures: L from 0 to 100, a and b around 0.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from avatar.person.head_view import LEFT, OUTER_EYES, OVAL, RIGHT, TOP, HeadView

CHEEKS = ((117, 118, 101, 205, 187, 123), (346, 347, 330, 425, 411, 352))
FOREHEAD = (109, 10, 338, 337, 151, 108)
LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
EYES = ((33, 160, 159, 158, 133, 153, 145, 144), (362, 385, 386, 387, 263, 373, 374, 380))
MOUTH = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95)  # inside the lips
NOSE_TIP = (220, 45, 4, 275, 440, 457, 274, 1, 44, 237)
BROWS = ((70, 63, 105, 66, 107, 55, 65, 52, 53, 46), (336, 296, 334, 293, 300, 276, 283, 282, 295, 285))
SHADOW, HIGHLIGHT = 0.25, 0.85  # quantiles of lightness between which skin is clean
OFF_TOP, OFF_SIDES = 0.45, 0.28  # of the face's height and width: how far hair stands off that is no hanging hair
LIT = 0.85  # quantile of lightness in a face that a hat shades in part
SURE_MATTE, LIKELY_MATTE = 0.8, 0.6
MOUTH_CORNERS = (61, 291)
EARS = (-0.02, 0.22)  # nearest and farthest place of an ear beside the face, over the face's width
FRONTAL = 0.3  # of `HeadView.turn`, up to which both cheeks get the same light
FEWEST_PX = 30  # of a region that is to be measured


@dataclass(frozen=True, eq=False)
class Colours:
    """What is measured in one head.

    Attributes:
        skin: (3,) median Lab of clean skin; None where too little is seen.
        hair: (3,) median Lab of the hair; None where none is seen.
        skin_mask: (H, W) bool of the view, what `skin` is the median of.
        hair_mask: (H, W) bool of the view, what `hair` is the median of.
        statistics: (n,) float32, what the classifiers of skin tone and hair colour read.
        chroma: mean chroma of the head, near 0 in black and white photos.
        cheeks: median L of the darker cheek over that of the lighter one; 1 where the face is turned.
        stands_off: whether the hair stands off the head all around, as an afro does.
        lit: L of the face's lit part; 0 where no face is seen.
        over_ears: share of hair in what is seen beside the face between eyes and mouth; 0 where no hair is seen.
    """

    skin: np.ndarray | None
    hair: np.ndarray | None
    skin_mask: np.ndarray
    hair_mask: np.ndarray
    statistics: np.ndarray
    chroma: float
    cheeks: float = 1.0
    over_ears: float = 0.0
    lit: float = 0.0
    stands_off: bool = False


def measure_colours(view: HeadView) -> Colours:
    """All colours of a head."""
    lab = cv2.cvtColor(view.pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    person = (view.matte > SURE_MATTE) & view.inside
    skin_mask = clean_skin(lab, view)
    hair_mask = _hair_region(view, person)
    skin = np.median(lab[skin_mask], axis=0) if np.count_nonzero(skin_mask) >= FEWEST_PX else None
    hair = np.median(lab[hair_mask], axis=0) if np.count_nonzero(hair_mask) >= FEWEST_PX else None
    chroma = float(np.hypot(lab[..., 1], lab[..., 2])[filled(view, OVAL)].mean())
    statistics = _statistics(lab, view, person, skin_mask, hair_mask)
    over_ears = _over_ears(lab, view, skin, hair)
    face = lab[filled(view, OVAL) & view.inside, 0]
    lit = float(np.quantile(face, LIT)) if face.size else 0.0
    stands_off = _stands_off(view, hair_mask)
    return Colours(skin, hair, skin_mask, hair_mask, statistics, chroma, _cheeks(lab, view), over_ears, lit, stands_off)


def _stands_off(view: HeadView, hair: np.ndarray) -> bool:
    """See `Colours.stands_off`."""
    rows, columns = np.nonzero(hair)
    if len(rows) < FEWEST_PX:
        return False
    left, right = view.points[LEFT, 0], view.points[RIGHT, 0]
    above = view.points[TOP, 1] - np.percentile(rows, 2)
    beside = min(left - np.percentile(columns, 3), np.percentile(columns, 97) - right)
    return bool(above >= OFF_TOP * view.face_height and beside >= OFF_SIDES * (right - left))


def _over_ears(lab: np.ndarray, view: HeadView, skin: np.ndarray | None, hair: np.ndarray | None) -> float:
    """See `Colours.over_ears`."""
    if skin is None or hair is None:
        return 0.0
    left, right = view.points[LEFT, 0], view.points[RIGHT, 0]
    eyes, mouth = (view.points[list(corners), 1].mean() for corners in (OUTER_EYES, MOUTH_CORNERS))
    rows, columns = np.mgrid[: lab.shape[0], : lab.shape[1]]
    beside = np.maximum(left - columns, columns - right) / (right - left)
    region = (beside > EARS[0]) & (beside < EARS[1]) & (rows > eyes) & (rows < mouth) & view.inside
    like_hair = np.linalg.norm(lab - hair, axis=2) < np.linalg.norm(lab - skin, axis=2)
    seen = np.count_nonzero(region)
    return np.count_nonzero(region & like_hair & (view.matte > LIKELY_MATTE)) / seen if seen >= FEWEST_PX else 0.0


def _cheeks(lab: np.ndarray, view: HeadView) -> float:
    """See `Colours.cheeks`."""
    sides = [lab[filled(view, cheek) & view.inside, 0] for cheek in CHEEKS]
    if view.turn > FRONTAL or min(map(len, sides)) < FEWEST_PX:
        return 1.0
    dark, light = sorted(float(np.median(side)) for side in sides)
    return dark / max(light, 1.0)


def clean_skin(lab: np.ndarray, view: HeadView) -> np.ndarray:
    """(H, W) bool: cheeks and forehead without shadows and highlights, and without what has another colour."""
    cheeks = np.logical_or.reduce([filled(view, cheek) for cheek in CHEEKS]) & view.inside
    region = cheeks | (filled(view, FOREHEAD) & view.inside)
    if not region.any():
        return region
    low, high = np.quantile(lab[region, 0], (SHADOW, HIGHLIGHT))
    middle = np.median(lab[cheeks if cheeks.any() else region], axis=0)
    alike = np.hypot(lab[..., 1] - middle[1], lab[..., 2] - middle[2]) < 10
    return region & alike & (lab[..., 0] >= low) & (lab[..., 0] <= high)


def _hair_region(view: HeadView, person: np.ndarray) -> np.ndarray:
    """(H, W) bool: what belongs to the person around the face, from the top of the head down to the ears."""
    rows, columns = np.mgrid[: person.shape[0], : person.shape[1]]
    oval = view.points[list(OVAL), :2]
    middle = oval.mean(axis=0)
    face = np.zeros(person.shape, np.uint8)
    cv2.fillPoly(face, [(middle + (oval - middle) * 1.06).astype(np.int32)], 1)
    eye_level = float(view.points[[33, 263], 1].mean())
    near = np.hypot(columns - middle[0], rows - middle[1]) < 1.1 * view.face_height
    return person & (face == 0) & (rows < eye_level) & near


def _statistics(lab: np.ndarray, view: HeadView, person: np.ndarray, skin: np.ndarray, hair: np.ndarray) -> np.ndarray:
    """(n,) float32: Lab of skin, hair, lips, brows, eye whites, face, teeth and nose, and how bright all else is."""
    whites = np.logical_or.reduce([filled(view, eye) for eye in EYES]) & view.inside
    brows = np.logical_or.reduce([filled(view, brow) for brow in BROWS]) & view.inside
    lips = filled(view, LIPS) & view.inside
    forehead = filled(view, FOREHEAD) & view.inside
    bright = np.quantile(lab[person, 0], (0.02, 0.25, 0.75, 0.98)) if person.any() else np.zeros(4)
    ground = (view.matte < 0.1) & view.inside
    bare = filled(view, OVAL) & view.inside & ~(whites | brows | lips)
    values = [
        *_quantiles(lab, skin, (0.5,)),
        *_quantiles(lab, hair, (0.15, 0.5, 0.85)),
        *_quantiles(lab, lips, (0.5,)),
        *_quantiles(lab, brows, (0.25,)),
        *_quantiles(lab, whites, (0.25, 0.9)),
        *_quantiles(lab, forehead, (0.5,)),
        bright,
        _quantiles(lab, ground, (0.5,))[0],
        np.array([np.count_nonzero(hair) / view.face_height**2, float(lab[hair, 0].std()) if hair.any() else 0]),
        *_quantiles(lab, bare, (0.05, 0.25, 0.5, 0.75, 0.95)),
        *_quantiles(lab, filled(view, MOUTH) & view.inside, (0.9,)),
        *_quantiles(lab, filled(view, NOSE_TIP) & view.inside, (0.5,)),
        np.quantile(lab[view.inside, 0], (0.02, 0.25, 0.5, 0.75, 0.98)) if view.inside.any() else np.zeros(5),
    ]
    return np.concatenate(values).astype(np.float32)


def _quantiles(lab: np.ndarray, mask: np.ndarray, shares: tuple[float, ...]) -> list[np.ndarray]:
    """(3,) Lab at each quantile of each channel; zeros where the mask is empty."""
    if not mask.any():
        return [np.zeros(3) for _ in shares]
    return list(np.quantile(lab[mask], shares, axis=0))


def filled(view: HeadView, outline: tuple[int, ...]) -> np.ndarray:
    """(H, W) bool inside a polygon of the face's points."""
    mask = np.zeros(view.matte.shape, np.uint8)
    cv2.fillPoly(mask, [np.round(view.points[list(outline), :2]).astype(np.int32)], 1)
    return mask > 0
