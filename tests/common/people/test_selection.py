from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from common.people.selection import Box, SegmentedPerson, SelectionRules, mask_iou, person_of, select_people

SHAPE = (200, 300)
FREE = SelectionRules(min_height_px=0, min_share=0, max_cut=1, max_overlap=1, max_same=1)


def block(left: int, top: int, right: int, bottom: int, score: float = 0.9) -> SegmentedPerson:
    mask = np.zeros(SHAPE, bool)
    mask[top:bottom, left:right] = True
    return person_of(mask, score)


def reasons_of(people: Sequence[SegmentedPerson], rules: SelectionRules | None = None) -> list[str]:
    return select_people(people, SHAPE, rules)[1]


@given(arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))))
def test_a_box_is_the_smallest_one_around_the_mask(mask: np.ndarray) -> None:
    if not mask.any():
        with pytest.raises(ValueError, match="empty mask"):
            person_of(mask, 1)
        return
    left, top, right, bottom = person_of(mask, 1).box
    ys, xs = np.nonzero(mask)
    assert (left, top, right, bottom) == (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)


@given(arrays(bool, (6, 7)), arrays(bool, (6, 7)))
def test_intersection_over_union_against_sets(one: np.ndarray, other: np.ndarray) -> None:
    first, second = ({tuple(place) for place in np.argwhere(mask).tolist()} for mask in (one, other))
    assert mask_iou(one, other) == (len(first & second) / len(first | second) if first | second else 0)


def test_somebody_who_stands_free_is_kept() -> None:
    person = block(100, 40, 160, 180)
    assert select_people([person], SHAPE) == ([person], [])


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        ((100, 40, 160, 90), "too small: 50 px high"),
        ((100, 40, 103, 120), "too small: 0.4 % of the photo"),
        ((0, 40, 60, 180), "cut by the left edge"),
        ((240, 40, 300, 180), "cut by the right edge"),
        ((100, 0, 160, 150), "cut by the upper edge"),
        ((0, 0, 60, 150), "cut by the left and upper edge"),
    ],
)
def test_small_and_cut_people_are_dropped_with_a_reason(box: Box, reason: str) -> None:
    assert reasons_of([block(*box)]) == [reason]


def test_a_half_figure_and_a_hand_at_the_edge_are_no_cuts() -> None:
    half = block(100, 60, 200, 200)
    assert reasons_of([half]) == []
    mask = half.mask.copy()
    mask[100:110, 200:300] = True  # an arm of 10 px reaches the right edge
    assert reasons_of([person_of(mask, 1)]) == []


def test_of_somebody_found_twice_the_more_certain_one_is_kept() -> None:
    first, second = block(100, 40, 160, 180, 0.6), block(102, 40, 160, 180, 0.8)
    assert select_people([first, second], SHAPE) == ([second], ["found twice"])


def test_people_who_cover_one_another_are_dropped_and_those_who_touch_are_kept() -> None:
    left = block(60, 40, 120, 180)
    assert reasons_of([left, block(120, 40, 180, 180)]) == []
    mask = left.mask.copy()
    mask[100:180, 120:150] = True  # a coat that stands out: the other one is in its box
    front = block(120, 40, 180, 180)
    kept, reasons = select_people([person_of(mask & ~front.mask, 0.9), block(90, 40, 180, 180)], SHAPE)
    assert kept == [] and all(reason.startswith("overlapping: others cover") for reason in reasons)


def test_whoever_is_dropped_for_being_cut_still_covers_others() -> None:
    cut, covered = block(0, 40, 90, 180), block(50, 40, 100, 180)
    assert [reason.split(":")[0] for reason in reasons_of([cut, covered])] == ["cut by the left edge", "overlapping"]


boxes = st.builds(
    lambda x, y, width, height, score: block(x, y, min(300, x + width), min(200, y + height), score),
    st.integers(0, 290), st.integers(0, 190), st.integers(1, 200), st.integers(1, 200), st.floats(0, 1),
)  # fmt: skip


@given(st.lists(boxes, max_size=5))
def test_everybody_is_kept_or_has_a_reason_and_no_rule_drops_nobody(people: list[SegmentedPerson]) -> None:
    kept, reasons = select_people(people, SHAPE)
    assert len(kept) + len(reasons) == len(people)
    assert all(any(person is one for one in people) for person in kept)
    assert [person.score for person in kept] == sorted((person.score for person in kept), reverse=True)
    assert reasons_of(people, FREE) == []


@given(st.lists(boxes, max_size=4), st.integers(0, 120))
def test_a_stricter_rule_never_keeps_more(people: list[SegmentedPerson], height: int) -> None:
    strict = SelectionRules(min_height_px=height, min_share=0, max_cut=1, max_overlap=1, max_same=1)
    assert {id(person) for person in select_people(people, SHAPE, strict)[0]} == {
        id(person) for person in people if person.box[3] - person.box[1] >= height
    }


def test_a_person_is_picked_before_the_other_rules_so_that_nobody_takes_the_place_of_a_cut_one() -> None:
    cut, small = block(0, 20, 90, 190), block(150, 60, 200, 160)
    kept, reasons = select_people([cut, small], SHAPE, SelectionRules(pick="largest"))
    assert kept == [] and reasons == ["not the largest person (setting PICK)", "cut by the left edge"]
    nearest = SelectionRules(pick="nearest", point=(0.6, 0.5))
    assert select_people([cut, small], SHAPE, nearest) == ([small], ["not the nearest person (setting PICK)"])
