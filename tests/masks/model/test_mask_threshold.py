"""The mask of a probability and its unsureness, against the F1 score to expect."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from masks.model.mask_threshold import calibrated_unsureness, mask_unsureness, threshold_mask
from masks.model.metrics import f1_score

PROBABILITIES = arrays(np.float32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.floats(0, 1, width=32))


@given(PROBABILITIES)
def test_unsureness_lies_between_0_and_1(probability: np.ndarray) -> None:
    assert 0 <= mask_unsureness(probability) <= 1


@given(arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_a_certain_mask_is_sure_even_where_it_is_empty(mask: np.ndarray) -> None:
    assert mask_unsureness(mask.astype(np.float32)) == pytest.approx(0, abs=1e-6)


@given(PROBABILITIES, st.floats(0.1, 1))
def test_nearer_to_a_half_is_more_unsure(probability: np.ndarray, share: float) -> None:
    doubtful = (0.5 + (probability - 0.5) * share).astype(np.float32)
    np.testing.assert_array_equal(doubtful > 0.5, probability > 0.5)
    assert mask_unsureness(doubtful) >= mask_unsureness(probability) - 1e-5


def test_unsureness_is_the_f1_that_is_to_be_expected() -> None:
    """Truths that are drawn by the probabilities themselves."""
    rng = np.random.default_rng(0)
    for sharpness in (0.5, 2, 6):
        probability = (1 / (1 + np.exp(-sharpness * rng.normal(-0.5, 1, (64, 64))))).astype(np.float32)
        scores = [f1_score(probability > 0.5, rng.random((64, 64)) < probability) for _ in range(20)]
        assert mask_unsureness(probability) == pytest.approx(1 - np.mean(scores), abs=0.01)


def expected_f1(probability: np.ndarray) -> float:
    """Mean F1 of the mask over all truths that the probabilities allow, weighted by how likely each is."""
    mask = (threshold_mask(probability) > 0).ravel().tolist()
    total = 0.0
    for truth in product((True, False), repeat=probability.size):
        likely = math.prod(p if on else 1 - p for p, on in zip(probability.ravel().tolist(), truth, strict=True))
        total += likely * f1_score(np.array([mask]), np.array([truth]))
    return total


def test_unsureness_is_about_one_minus_the_f1_to_expect() -> None:
    rng = np.random.default_rng(3)
    for sharpness in (0.05, 0.5, 2.0):
        probability = rng.beta(sharpness, sharpness, (2, 5)).astype(np.float32)
        assert mask_unsureness(probability) == pytest.approx(1 - expected_f1(probability), abs=0.15)
    assert mask_unsureness(np.zeros((5, 5), np.float32)) == 0
    assert mask_unsureness(np.ones((5, 5), np.float32)) == 0


def test_calibrated_unsureness_is_larger_and_keeps_the_order() -> None:
    grades = [np.full((8, 8), value, np.float32) for value in (1.0, 0.999, 0.99, 0.9, 0.7, 0.51)]
    plain, calibrated = ([f(grade) for grade in grades] for f in (mask_unsureness, calibrated_unsureness))
    assert calibrated == sorted(calibrated) and plain == sorted(plain)
    assert plain[0] == calibrated[0] == 0 and all(a < b <= 1 for a, b in zip(plain[1:], calibrated[1:], strict=True))


def test_in_layered_pairs_the_unsureness_grows_with_what_did_not_change() -> None:
    grade = np.full((8, 8), 0.9, np.float32)
    shares = [calibrated_unsureness(grade, contested) for contested in (0.0, 0.1, 0.5, 1.0)]
    assert shares == sorted(shares) and 0 < shares[0] < mask_unsureness(grade) < shares[-1] <= 1
    assert calibrated_unsureness(np.ones((8, 8), np.float32), 1.0) == 0
