"""Clothes on bodies of other proportions: drawn figures get the clothes that are drawn for them."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from masks.cutouts.fitting import find_places, fit_to_body
from masks.drawing.characters import OTHER_BODY, SHEET_CHARACTER, draw_sheets
from masks.drawing.walk_cycle import CELL
from masks.model.metrics import f1_score
from masks.sets.pixel_art import enlarge, shifted
from tests.masks.cutouts.test_dressing import clothes_of
from tests.masks.sheets.test_cells import figure


def drawn(width: int, height: int, phase: float = 0.5, **look: Any) -> tuple[np.ndarray, np.ndarray]:
    """A bare figure and its clothes."""
    return figure(width, height, phase, False, **look), clothes_of(figure(width, height, phase, True, **look))


@given(st.integers(16, 48), st.integers(24, 64), st.floats(0, 6))
def test_clothes_on_their_own_body_stay_as_they_are(width: int, height: int, phase: float) -> None:
    body, clothes = drawn(width, height, phase)
    assert np.array_equal(fit_to_body(clothes, body, body), clothes)


@pytest.mark.parametrize(
    "look",
    [
        {"width": 64, "height": 64, "reach": 0.45},
        {"width": 40, "height": 72},
        {"width": 48, "height": 48, "thin": True},
        {"width": 96, "height": 96},
    ],
)
def test_clothes_cover_what_they_cover_on_the_other_body(look: dict[str, Any]) -> None:
    body, clothes = drawn(48, 48)
    other, theirs = drawn(**look)
    fitted = fit_to_body(clothes, body, other)
    assert fitted.shape == other.shape
    assert f1_score(fitted[..., 3] > 0, theirs[..., 3] > 0) > 0.9
    there = {tuple(colour) for colour in clothes.reshape(-1, 4).tolist()}
    assert {tuple(colour) for colour in fitted.reshape(-1, 4).tolist()} <= there  # pixel art gets no new colours


def test_enlarged_frames_and_moved_bodies_make_no_difference() -> None:
    body, clothes = drawn(48, 48)
    other, _ = drawn(48, 48, reach=0.5)
    fitted = fit_to_body(clothes, body, other)
    assert np.array_equal(fit_to_body(enlarge(clothes, 2), enlarge(body, 2), enlarge(other, 3)), enlarge(fitted, 3))
    moved = fit_to_body(clothes, body, shifted(other, -2, 3))
    assert np.array_equal(moved[:-2, 3:], fitted[2:, :-3])


def test_other_hair_pulls_no_clothes_up() -> None:
    """The sample's other body is the base with bigger hair, which covers the shoulders when it is seen from behind."""
    sheets = [draw_sheets(character) for character in (SHEET_CHARACTER, OTHER_BODY)]
    for top, left in product(range(0, sheets[0][0].shape[0], CELL), range(0, sheets[0][0].shape[1], CELL)):
        (base, clothed), (body, _) = (
            (sheet[top : top + CELL, left : left + CELL] for sheet in pair) for pair in sheets
        )
        _, rows = find_places(base[..., 3] > 127, body[..., 3] > 127)
        dressed = np.flatnonzero((base != clothed).any(axis=(1, 2)))
        below = dressed[dressed > CELL // 2]
        assert np.abs(rows[below, 0] - below).max() <= 1


def test_a_frame_without_a_body_gets_no_clothes() -> None:
    body, clothes = drawn(48, 48)
    assert not fit_to_body(clothes, body, np.zeros_like(body)).any()
    assert not fit_to_body(clothes, np.zeros_like(body), body).any()


def test_stretches_of_a_row_are_matched_and_gaps_stay_open() -> None:
    old, new = np.zeros((1, 12), bool), np.zeros((1, 12), bool)
    old[0, 2:10] = True
    new[0, [1, 2, 3, 4, 7, 8, 9, 10]] = True  # two legs where the old body has one stretch
    columns, _ = find_places(old, new)
    assert columns[0, 1:5].tolist() == [2, 3, 4, 5] and columns[0, 7:11].tolist() == [6, 7, 8, 9]
    assert (columns[0, 5:7] < -1000).all()
    back, _ = find_places(new, old)
    assert back[0, 2:10].tolist() == [1, 2, 3, 4, 7, 8, 9, 10]
