"""Layered pairs: what changed is clothing, what did not is not; other pairs are left to the network."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from masks.model.checkpoint_format import load_network
from masks.model.inference import predict_masks
from masks.model.layered_pairs import contested_share, is_layered, use_layers
from masks.model.metrics import f1_score
from masks.sets.pairs import read_mask
from masks.sets.pixel_art import enlarge
from tests.helpers import REAL_DATA, needs_real_data
from tests.masks.sample_sets import HAIR, drawn_pair

CASES = REAL_DATA / "masks/cases"


def unsure(mask: np.ndarray, wrong: np.ndarray | None = None) -> np.ndarray:
    """A network's answer: right, but for the pixels of `wrong`."""
    right = np.where(mask > 0, 0.9, 0.05)
    return (right if wrong is None else np.where(wrong, 1 - right, right)).astype(np.float32)


@given(st.integers(0, 1000), st.integers(1, 4))
def test_what_changed_is_clothing_whatever_the_network_says(seed: int, factor: int) -> None:
    base, clothed, mask = (enlarge(picture, factor) for picture in drawn_pair(seed))
    wrong = np.random.default_rng(seed).random((48, 48)) < 0.2
    wrong &= drawn_pair(seed)[1][..., :3].max(axis=2) != HAIR[0]  # which is as dark as an outline
    answer = unsure(mask, enlarge(wrong, factor))
    found = use_layers(base, clothed, answer, factor)
    assert is_layered(base, clothed, answer)
    assert np.array_equal(found > 0.5, mask > 0)


def test_a_soft_rim_beside_the_body_is_clothing_and_a_hole_stays_open() -> None:
    base, clothed, mask = drawn_pair(3)
    rows, columns = np.nonzero(mask)
    clothed[rows.max() + 1, columns.max()] = (90, 90, 200, 40)
    clothed[20, columns.min() + 3] = base[20, columns.min() + 3]
    mask[rows.max() + 1, columns.max()], mask[20, columns.min() + 3] = 255, 0
    found = use_layers(base, clothed, unsure(mask, mask > 0), 1)  # the network saw it all the other way round
    assert np.array_equal(found > 0.5, (base != clothed).any(axis=2))


def test_hair_that_the_base_alone_wears_is_no_clothing() -> None:
    base, clothed, mask = drawn_pair(3)
    bare = clothed.copy()
    columns = np.flatnonzero(base[13, :, 3])
    base[13:16, columns] = (70, 40, 20, 255)
    bare[13:16, columns] = clothed[12, columns[3]]  # the skin below it
    found = use_layers(base, bare, unsure(mask), 1)
    assert np.array_equal(found > 0.5, mask > 0)
    assert (base != bare)[13:16, columns].any()


@pytest.mark.parametrize("says", [0.9, 0.05])
def test_a_line_that_both_frames_share_goes_by_the_network(says: float) -> None:
    base, clothed, mask = drawn_pair(4)
    body = base[..., 3] > 0
    for frame in (base, clothed):
        frame[28, body[28]] = (0, 0, 0, 255)  # an outline in both
    clothed[30, mask[30] > 0] = (0, 0, 0, 255)  # and one of the clothing alone
    answer = unsure(mask)
    answer[28, body[28]] = says
    found = use_layers(base, clothed, answer, 1)
    assert ((found[28, body[28]] > 0.5) == (says > 0.5)).all()


def test_a_dark_line_that_both_frames_share_goes_by_the_network_though_no_clothing_has_its_colour() -> None:
    base, clothed, mask = drawn_pair(4)
    body = base[..., 3] > 0
    for frame in (base, clothed):
        frame[28, body[28]] = (40, 20, 20, 255)
        frame[30, body[30]] = (140, 120, 120, 255)  # no outline: a stretch of the body that shows
    found = use_layers(base, clothed, unsure(mask), 1) > 0.5
    assert (found[28, body[28]]).all() and not (found[30, body[30]]).any()


def test_a_darker_outline_is_no_shadow() -> None:
    base, clothed, mask = drawn_pair(5)
    hem = np.zeros(mask.shape, bool)
    hem[32] = base[32, :, 3] > 0
    base[hem], clothed[hem] = (60, 30, 24, 255), (30, 15, 12, 255)
    assert np.array_equal(use_layers(base, clothed, unsure(mask), 1) > 0.5, (mask > 0) | hem)


@pytest.mark.parametrize("factor", [1, 3])
def test_the_contested_share_is_what_did_not_change_of_the_mask(factor: int) -> None:
    base, clothed, mask = drawn_pair(5)
    answer = np.where(mask > 0, 0.95, 0.02).astype(np.float32)
    answer[36:38, base[36, :, 3] > 0] = 0.95  # two rows of the body, 24 px, beside the shirt
    expected = 24 / (np.count_nonzero(mask) + 24)
    assert contested_share(*(enlarge(part, factor) for part in (base, clothed, answer))) == pytest.approx(expected)
    lit = clothed.copy()
    lit[..., :3] //= 2
    assert contested_share(base, lit, answer) is None


def test_a_shadow_below_the_clothing_goes_by_the_network() -> None:
    base, clothed, mask = drawn_pair(5)
    hem = np.zeros(mask.shape, bool)
    hem[32:34] = base[32:34, :, 3] > 0
    clothed[hem, :3] = (clothed[hem, :3] * 0.7).round().astype(np.uint8)
    assert np.array_equal(use_layers(base, clothed, unsure(mask), 1) > 0.5, mask > 0)


@given(st.integers(0, 200))
def test_a_pair_in_another_light_is_not_layered(seed: int) -> None:
    base, clothed, mask = drawn_pair(seed)
    clothed[..., :3] = (clothed[..., :3] * 0.93).astype(np.uint8)
    answer = unsure(mask)
    assert not is_layered(base, clothed, answer)


@pytest.mark.parametrize("nothing", [np.zeros((16, 16, 4), np.uint8), np.full((16, 16, 4), 255, np.uint8)])
def test_empty_and_equal_frames_have_no_clothing(nothing: np.ndarray) -> None:
    answer = np.full((16, 16), 0.3, np.float32)
    assert not is_layered(nothing, nothing, np.ones_like(answer))
    assert (use_layers(nothing, nothing, answer, 1) < 0.5).all()


@needs_real_data("masks/cases")
@pytest.mark.parametrize(("case", "number", "least"), [("rim", "05", 0.995), ("seethrough", "12", 0.83)])
def test_real_layered_sprites(case: str, number: str, least: float) -> None:
    """A soft rim all round a dress, which the network misses; a robe at half opacity, of which it finds one half."""
    folder = CASES / case
    frames = folder / f"base_frame_{number}.png", folder / f"clothed_frame_{number}.png"
    model, device = load_network("mask_model.pth")
    truth = read_mask(folder / f"mask_{number}.png")
    assert f1_score(next(predict_masks(model, [frames], device)), truth) > least
