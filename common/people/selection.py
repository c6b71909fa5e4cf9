"""People found in a photo, and the rules that select some of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Pick = Literal["all", "largest", "nearest"]
Box = tuple[int, int, int, int]  # left, top, right, bottom in px, right and bottom exclusive


@dataclass(frozen=True, eq=False)
class SegmentedPerson:
    """A person in a photo.

    Attributes:
        mask: (H, W) bool, the pixels that show the person.
        box: smallest box around the mask.
        score: the segmenter's confidence that this is a person, 0 to 1.
    """

    mask: np.ndarray
    box: Box
    score: float


def person_of(mask: np.ndarray, score: float) -> SegmentedPerson:
    """A person from a mask, (H, W) bool with at least one pixel set, and a score."""
    return SegmentedPerson(mask, bounding_box(mask), float(score))


def bounding_box(mask: np.ndarray) -> Box:
    """The smallest box around a (H, W) bool mask.

    Raises:
        ValueError: the mask is empty.
    """
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        raise ValueError("an empty mask has no bounding box")
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


@dataclass(frozen=True, kw_only=True)
class SelectionRules:
    """Limits that people must meet; 1 switches a maximum off, 0 a minimum.

    Attributes:
        min_height_px: minimum height of a person's box.
        min_share: minimum share of the photo's pixels that show the person.
        max_cut: maximum share of the box's left, right or upper side that lies on the photo's edge. The lower side is
            free: half figures are people.
        max_overlap: maximum share of the person's box that other people cover.
        max_same: maximum intersection over union of two people's masks; above it the less certain one is a duplicate.
        pick: whom of several to keep: "all", the "largest", or the one whose mask is "nearest" to `point`.
        point: x and y, as shares of the photo's width and height.
    """

    min_height_px: int = 64
    min_share: float = 0.005
    max_cut: float = 0.15
    max_overlap: float = 0.25
    max_same: float = 0.6
    pick: Pick = "all"
    point: tuple[float, float] = (0.5, 0.5)


def select_people(
    people: Sequence[SegmentedPerson], photo_shape: tuple[int, ...], rules: SelectionRules | None = None
) -> tuple[list[SegmentedPerson], list[str]]:
    """Select the people who meet the rules.

    One of several is picked before the other rules, so that a picked person who is cut is not replaced by another one.
    People who are too small, cut or not picked still count as covering others; duplicates do not.

    Args:
        people: result of a segmenter, in any order.
        photo_shape: (H, W) or (H, W, 3).
        rules: None: the defaults.

    Returns:
        The selected people, the most certain first, and one reason for each other person, such as "cut by the left
        edge".
    """
    rules = rules or SelectionRules()
    reasons: list[str] = []
    distinct: list[SegmentedPerson] = []
    for person in sorted(people, key=lambda person: -person.score):
        if any(_overlap(person, other) > rules.max_same for other in distinct):
            reasons.append("found twice")
        else:
            distinct.append(person)
    picked = _pick(distinct, rules)
    reasons += [f"not the {rules.pick} person (setting PICK)"] * (len(distinct) - len(picked))
    kept: list[SegmentedPerson] = []
    for person in picked:
        others = [other for other in distinct if other is not person]
        reason = _too_small(person, photo_shape, rules) or _cut(person, rules) or _overlapped(person, others, rules)
        if reason:
            reasons.append(reason)
        else:
            kept.append(person)
    return kept, reasons


def _pick(people: list[SegmentedPerson], rules: SelectionRules) -> list[SegmentedPerson]:
    if rules.pick == "all" or not people:
        return people
    if rules.pick == "largest":
        return [max(people, key=lambda person: np.count_nonzero(person.mask))]
    return [min(people, key=lambda person: _distance(person.mask, rules.point))]


def _distance(mask: np.ndarray, point: tuple[float, float]) -> float:
    """Distance in px from a point, given in shares of width and height, to the nearest pixel of a (H, W) bool mask."""
    rows, columns = np.nonzero(mask)
    x, y = (share * side for share, side in zip(point, mask.shape[::-1], strict=True))
    return float(np.hypot(columns + 0.5 - x, rows + 0.5 - y).min())


def box_iou(one: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union of two boxes, XYXY px, 0 to 1; 0 where one is empty."""
    return float(box_ious(np.array(one), np.array([other]))[0])


def box_ious(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of one box with others, (N,) float64; the first four values of each are XYXY."""
    overlap = np.minimum(box[2:4], others[:, 2:4]) - np.maximum(box[:2], others[:, :2])
    shared = overlap.clip(0).prod(axis=1)
    areas = (others[:, 2:4] - others[:, :2]).prod(axis=1)
    union = (box[2:4] - box[:2]).prod() + areas - shared
    return np.divide(shared, union, out=np.zeros(len(others)), where=union > 0)


def mask_iou(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union of two bool masks of one shape, 0 to 1; 0 where both are empty."""
    either = int(np.count_nonzero(one | other))
    return int(np.count_nonzero(one & other)) / either if either else 0.0


def _overlap(one: SegmentedPerson, other: SegmentedPerson) -> float:
    """`mask_iou` of two people, computed inside their boxes only."""
    left, top = (min(one.box[side], other.box[side]) for side in (0, 1))
    right, bottom = (max(one.box[side], other.box[side]) for side in (2, 3))
    return mask_iou(*(_inside(person.mask, (left, top, right, bottom)) for person in (one, other)))


def _inside(mask: np.ndarray, box: Box) -> np.ndarray:
    left, top, right, bottom = box
    return mask[top:bottom, left:right]


def _too_small(person: SegmentedPerson, photo_shape: tuple[int, ...], rules: SelectionRules) -> str:
    height = person.box[3] - person.box[1]
    if height < rules.min_height_px:
        return f"too small: {height} px high"
    share = np.count_nonzero(person.mask) / (photo_shape[0] * photo_shape[1])
    return f"too small: {100 * share:.2g} % of the photo" if share < rules.min_share else ""


def _cut(person: SegmentedPerson, rules: SelectionRules) -> str:
    """Compare the pixels that lie on each edge of the photo with the side of the box along that edge."""
    sides = {
        "left": (person.mask[:, 0], person.box[3] - person.box[1]),
        "right": (person.mask[:, -1], person.box[3] - person.box[1]),
        "upper": (person.mask[0], person.box[2] - person.box[0]),
    }
    cut = [name for name, (pixels, side) in sides.items() if np.count_nonzero(pixels) > rules.max_cut * side]
    return f"cut by the {' and '.join(cut)} edge" if cut else ""


def _overlapped(person: SegmentedPerson, others: Sequence[SegmentedPerson], rules: SelectionRules) -> str:
    covered = np.zeros_like(_inside(person.mask, person.box))
    for other in others:
        covered |= _inside(other.mask, person.box)
    share = covered.mean() if covered.size else 0.0
    return f"overlapping: others cover {100 * share:.0f} % of the box" if share > rules.max_overlap else ""
