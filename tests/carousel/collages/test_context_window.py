"""The window around a person: it lies inside the picture, holds the person, and is square where there is room."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carousel.collages.context_window import context_window
from common.people.selection import Box


@st.composite
def people(draw: st.DrawFn) -> tuple[Box, tuple[int, int], float]:
    """A box in a picture of any shape, and a context."""
    height, width = draw(st.tuples(st.integers(1, 4000), st.integers(1, 4000)))
    left, top = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    right, bottom = draw(st.integers(left + 1, width)), draw(st.integers(top + 1, height))
    return (left, top, right, bottom), (height, width), draw(st.floats(1, 5))


@given(people())
def test_the_window_holds_the_person_and_lies_inside_the_picture(case: tuple[Box, tuple[int, int], float]) -> None:
    box, (height, width), context = case
    left, top, right, bottom = context_window(box, (height, width), context)
    assert 0 <= left <= box[0] and box[2] <= right <= width
    assert 0 <= top <= box[1] and box[3] <= bottom <= height


@given(people())
def test_each_side_is_the_context_or_the_whole_picture(case: tuple[Box, tuple[int, int], float]) -> None:
    box, (height, width), context = case
    left, top, right, bottom = context_window(box, (height, width), context)
    side = round(context * max(box[2] - box[0], box[3] - box[1]))
    assert (right - left, bottom - top) == (min(side, width), min(side, height))


@given(people())
def test_it_is_centred_unless_the_picture_ends_there(case: tuple[Box, tuple[int, int], float]) -> None:
    box, (height, width), context = case
    window = context_window(box, (height, width), context)
    for axis, limit in ((0, width), (1, height)):
        first, last = window[axis], window[axis + 2]
        off = (first + last) - (box[axis] + box[axis + 2])
        assert abs(off) <= 1 or first == 0 or last == limit
        assert not (off > 1 and first > 0) and not (off < -1 and last < limit), "moved no further than needed"


@pytest.mark.parametrize(
    ("box", "window"),
    [
        ((40, 30, 60, 70), (10, 10, 90, 90)),  # 80 px about (50, 50)
        ((0, 30, 20, 70), (0, 10, 80, 90)),  # at the left border
        ((90, 60, 100, 100), (20, 20, 100, 100)),  # in the corner
        ((0, 0, 100, 100), (0, 0, 100, 100)),  # all of it
    ],
)
def test_known_windows(box: Box, window: Box) -> None:
    assert context_window(box, (100, 100), 2.0) == window
    left, top, right, bottom = box
    assert context_window((top, left, bottom, right), (100, 100), 2.0) == tuple(window[i] for i in (1, 0, 3, 2))


def test_shape_is_height_and_width() -> None:
    assert context_window((0, 0, 100, 50), (50, 400), 2.0) == (0, 0, 200, 50)
    assert context_window((350, 0, 400, 50), (50, 400), 2.0) == (300, 0, 400, 50)
