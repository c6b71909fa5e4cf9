"""People found in a photo, and the rules by which some of them are left out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Box = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Person:
    """Somebody in a photo.

    Attributes:
        mask: (H, W) bool, the pixels that show the person.
        box: XYXY pixels around the mask, right and bottom exclusive.
        score: 0 to 1, how sure the segmenter is that this is a person.
    """

    mask: np.ndarray
    box: Box
    score: float


def person_of(mask: np.ndarray, score: float) -> Person:
    """A person with the smallest box around the mask, (H, W) bool with at least one pixel set."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        raise ValueError("an empty mask is nobody")
    return Person(mask, (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1), float(score))


@dataclass(frozen=True)
class Rules:
    """Who is left out; a share of 1 switches a rule off (0 for the least ones).

    Attributes:
        min_height_px: least height of a person's box.
        min_share: least share of the photo's pixels that show the person.
        max_cut: the frame may cut at most this share of the box's left, right or upper side. The lower side is free:
            a half figure is a person.
        max_overlap: other people may cover at most this share of the person's box.
        max_same: of two people whose masks overlap by more than this intersection over union, the less certain one is
            the other found twice.
    """

    min_height_px: int = 64
    min_share: float = 0.005
    max_cut: float = 0.15
    max_overlap: float = 0.25
    max_same: float = 0.6


def keep_people(
    people: Sequence[Person], photo_shape: tuple[int, ...], rules: Rules | None = None
) -> tuple[list[Person], list[str]]:
    """Apply the rules: who goes on to a collage, the most certain first, and why others do not.

    People who are too small or cut still cover others; only somebody who was found twice does not.

    Args:
        people: as a segmenter gives them, in any order.
        photo_shape: (H, W) or (H, W, 3).
        rules: the defaults where None.

    Returns:
        People kept, and one reason for each that was dropped, such as "cut by the left edge".
    """
    rules = rules or Rules()
    reasons: list[str] = []
    distinct: list[Person] = []
    for person in sorted(people, key=lambda person: -person.score):
        if any(_overlap(person, other) > rules.max_same for other in distinct):
            reasons.append("found twice")
        else:
            distinct.append(person)
    kept: list[Person] = []
    for person in distinct:
        others = [other for other in distinct if other is not person]
        reason = _too_small(person, photo_shape, rules) or _cut(person, rules) or _overlapped(person, others, rules)
        if reason:
            reasons.append(reason)
        else:
            kept.append(person)
    return kept, reasons


def mask_iou(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union of two bool masks of one shape, 0 to 1; 0 where both are empty."""
    either = int(np.count_nonzero(one | other))
    return int(np.count_nonzero(one & other)) / either if either else 0.0


def _overlap(one: Person, other: Person) -> float:
    """`mask_iou` of two people, looked at no further than their boxes reach."""
    left, top = (min(one.box[side], other.box[side]) for side in (0, 1))
    right, bottom = (max(one.box[side], other.box[side]) for side in (2, 3))
    return mask_iou(*(_inside(person.mask, (left, top, right, bottom)) for person in (one, other)))


def _inside(mask: np.ndarray, box: Box) -> np.ndarray:
    left, top, right, bottom = box
    return mask[top:bottom, left:right]


def _too_small(person: Person, photo_shape: tuple[int, ...], rules: Rules) -> str:
    height = person.box[3] - person.box[1]
    if height < rules.min_height_px:
        return f"too small: {height} px high"
    share = np.count_nonzero(person.mask) / (photo_shape[0] * photo_shape[1])
    return f"too small: {100 * share:.2g} % of the photo" if share < rules.min_share else ""


def _cut(person: Person, rules: Rules) -> str:
    """Compare what of the person lies on the photo's edge with the side of the box along it."""
    sides = {
        "left": (person.mask[:, 0], person.box[3] - person.box[1]),
        "right": (person.mask[:, -1], person.box[3] - person.box[1]),
        "upper": (person.mask[0], person.box[2] - person.box[0]),
    }
    cut = [name for name, (pixels, side) in sides.items() if np.count_nonzero(pixels) > rules.max_cut * side]
    return f"cut by the {' and '.join(cut)} edge" if cut else ""


def _overlapped(person: Person, others: Sequence[Person], rules: Rules) -> str:
    covered = np.zeros_like(_inside(person.mask, person.box))
    for other in others:
        covered |= _inside(other.mask, person.box)
    share = covered.mean() if covered.size else 0.0
    return f"overlapping: others cover {100 * share:.0f} % of the box" if share > rules.max_overlap else ""
