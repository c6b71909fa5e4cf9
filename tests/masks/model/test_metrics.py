"""F1 of pixels and boundaries: known answers, naive versions, and what must hold for any two masks."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from masks.model.metrics import boundary_f1, f1_score

Point = tuple[int, int]


@st.composite
def two_masks(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Two masks of one size: blocks or noise, also empty and full ones."""
    shape = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    masks = []
    for _ in range(2):
        mask = draw(arrays(np.bool_, shape))
        if draw(st.booleans()):
            mask[:] = False
            top, left = draw(st.integers(0, shape[0])), draw(st.integers(0, shape[1]))
            mask[top : top + draw(st.integers(0, 9)), left : left + draw(st.integers(0, 9))] = True
        masks.append(mask)
    return masks[0], masks[1]


def block(top: int, left: int, height: int, width: int, side: int = 40) -> np.ndarray:
    mask = np.zeros((side, side), np.uint8)
    mask[top : top + height, left : left + width] = 255
    return mask


# ---- pixels ----


def naive_f1(predicted: np.ndarray, truth: np.ndarray) -> float:
    cells = list(zip(predicted.ravel().tolist(), truth.ravel().tolist(), strict=True))
    right, extra, lacking = cells.count((True, True)), cells.count((True, False)), cells.count((False, True))
    return 2 * right / (2 * right + extra + lacking) if right + extra + lacking else 1.0


@given(two_masks())
def test_f1_is_the_naive_one_for_bool_and_bytes(masks: tuple[np.ndarray, np.ndarray]) -> None:
    predicted, truth = masks
    expected = naive_f1(predicted, truth)
    assert f1_score(predicted, truth) == pytest.approx(expected)
    assert f1_score(np.uint8(255) * predicted, np.uint8(255) * truth) == pytest.approx(expected)
    assert f1_score(truth, predicted) == pytest.approx(expected)


def test_f1_of_known_masks() -> None:
    empty, ours, shifted = block(0, 0, 0, 0), block(10, 10, 10, 10), block(10, 15, 10, 10)
    assert f1_score(ours, ours) == 1
    assert f1_score(empty, empty) == 1
    assert f1_score(ours, empty) == f1_score(empty, ours) == 0
    assert f1_score(ours, shifted) == 0.5
    assert type(f1_score(ours, shifted)) is float


# ---- boundaries ----


def naive_boundary(mask: np.ndarray) -> set[Point]:
    inside = set(zip(*(places.tolist() for places in np.nonzero(mask)), strict=True))
    return {(y, x) for y, x in inside if not {(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)} <= inside}


def naive_boundary_f1(predicted: np.ndarray, truth: np.ndarray, tolerance_px: float) -> float:
    ours, true = naive_boundary(predicted), naive_boundary(truth)
    if not ours or not true:
        return float(ours == true)

    def share_near(points: set[Point], others: set[Point]) -> float:
        return sum(min(math.dist(point, other) for other in others) <= tolerance_px for point in points) / len(points)

    precision, recall = share_near(ours, true), share_near(true, ours)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


@given(two_masks(), st.sampled_from([0, 1, 1.5, 2, 2.3, 3]))
def test_boundary_f1_is_the_naive_one(masks: tuple[np.ndarray, np.ndarray], tolerance_px: float) -> None:
    predicted, truth = masks
    expected = naive_boundary_f1(predicted, truth, tolerance_px)
    assert boundary_f1(predicted, truth, tolerance_px) == pytest.approx(expected, abs=1e-6)
    assert boundary_f1(np.uint8(255) * predicted, np.uint8(255) * truth, tolerance_px) == pytest.approx(expected)
    assert boundary_f1(truth, predicted, tolerance_px) == pytest.approx(expected)


def test_boundary_f1_of_known_masks() -> None:
    empty, ours = block(0, 0, 0, 0), block(10, 10, 15, 15)
    assert boundary_f1(ours, ours) == 1
    assert boundary_f1(empty, empty) == 1
    assert boundary_f1(ours, empty) == boundary_f1(empty, ours) == 0
    assert boundary_f1(block(0, 0, 40, 40), empty) == 0, "a full mask has a boundary too: the picture's border"
    assert boundary_f1(ours, block(12, 10, 15, 15)) == 1, "2 px off is within 2 px"
    assert 0 < boundary_f1(ours, block(13, 10, 15, 15)) < 1
    assert boundary_f1(ours, block(9, 9, 17, 17)) == 1
    assert boundary_f1(block(0, 0, 5, 5), block(30, 30, 5, 5)) == 0


def test_a_hole_costs_the_boundary_more_than_the_pixels() -> None:
    whole, holed = block(5, 5, 30, 30), block(5, 5, 30, 30)
    holed[15:20, 15:20] = 0
    assert boundary_f1(holed, whole) < 0.95 < f1_score(holed, whole)


@pytest.mark.parametrize("score", [f1_score, boundary_f1])
def test_masks_of_other_shapes_are_refused(score: object) -> None:
    for one, other in (((4, 5), (5, 4)), ((4, 4, 1), (4, 4, 1)), ((4,), (4,))):
        with pytest.raises(ValueError, match="same shape"):
            score(np.zeros(one, np.uint8), np.zeros(other, np.uint8))  # type: ignore[operator]
