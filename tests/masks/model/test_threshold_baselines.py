"""The simple methods against known answers and naive versions, and the yardstick on real sprites."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from masks.model.metrics import f1_score
from masks.model.threshold_baselines import (
    DIFFERENCE_SCALES,
    best_threshold,
    propose_mask,
    tidy,
)
from masks.sets.differences import lab_distance, light_between, on_black, share_that_changed
from masks.sets.naming import mask_name
from masks.sets.pairs import find_pairs, read_mask, read_pair
from masks.sets.pixel_art import enlarge
from tests.helpers import REAL_DATA, needs_real_data

METHODS = list(DIFFERENCE_SCALES)
Triple = tuple[np.ndarray, np.ndarray, np.ndarray]


def propose_pair(
    base: np.ndarray,
    clothed: np.ndarray,
    method: str = "lab",
    threshold: float | None = None,
    even_light: bool = True,
    tidy_art_px: int = 8,
) -> tuple[np.ndarray, np.ndarray]:
    """As step 2 proposes masks by default."""
    return propose_mask(
        base, clothed, method=method, threshold=threshold, even_light=even_light, tidy_art_px=tidy_art_px
    )


def figure(seed: int = 0) -> Triple:
    """A shaded body of 40 x 20 art pixels, the same with a garment that reaches over its edge, and the garment."""
    rng = np.random.default_rng(seed)
    base = np.zeros((56, 48, 4), np.uint8)
    shade = np.linspace(0.7, 1.1, 20)[None, :, None] + rng.uniform(-0.05, 0.05, (40, 20, 1))
    base[8:48, 14:34, :3] = (np.array([210, 160, 125]) * shade).astype(np.uint8)
    base[8:48, 14:34, 3] = 255
    garment = np.zeros((56, 48), bool)
    garment[20:36, 12:36] = True
    clothed = base.copy()
    clothed[garment] = (50, 70, 160, 255)
    return base, clothed, garment


def in_light(rgba: np.ndarray, gain: tuple[float, float, float]) -> np.ndarray:
    lit = rgba.copy()
    lit[..., :3] = (rgba[..., :3] * np.array(gain)).clip(0, 255).round()
    return lit


# ---- proposals ----


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size_px", [1, 8])
def test_a_garment_is_found_exactly(method: str, size_px: int) -> None:
    base, clothed, garment = (enlarge(picture, size_px) for picture in figure())
    mask, probability = propose_pair(base, clothed, method)
    assert mask.dtype == np.uint8 and probability.dtype == np.float32
    np.testing.assert_array_equal(mask, np.where(garment, 255, 0))
    assert probability.min() >= 0 and probability.max() <= 1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("gain", [(0.8, 0.8, 0.8), (1.1, 1.0, 0.85), (0.75, 0.85, 1.0)])
def test_a_change_of_light_makes_no_garment(method: str, gain: tuple[float, float, float]) -> None:
    base, clothed, garment = figure()
    lit = in_light(clothed, gain)
    mask, _ = propose_pair(base, lit, method)
    np.testing.assert_array_equal(mask > 0, garment)
    least = DIFFERENCE_SCALES[method].least
    plain, _ = propose_pair(base, lit, method, threshold=least, even_light=False, tidy_art_px=0)
    assert f1_score(plain, garment) < 0.8, "without evening the light all of the body differs"


@pytest.mark.parametrize("method", METHODS)
def test_frames_that_are_the_same_have_no_garment(method: str) -> None:
    base, _, _ = figure()
    for picture in (base, in_light(base, (0.9, 0.95, 1.0)), base * 0):
        mask, probability = propose_pair(base, picture, method)
        assert not mask.any() and probability.max() < 0.5
    assert not propose_pair(base * 0, base * 0, method)[1].any()


def test_a_body_that_is_not_in_the_base_frame_is_all_garment() -> None:
    _, clothed, _ = figure()
    mask, _ = propose_pair(clothed * 0, clothed)
    np.testing.assert_array_equal(mask > 0, clothed[..., 3] > 0)


@given(arrays(np.uint8, (2, 16, 12, 4), elements=st.sampled_from([0, 90, 200, 255])), st.sampled_from(METHODS))
@settings(max_examples=100)
def test_mask_and_probability_agree_on_anything(pair: np.ndarray, method: str) -> None:
    mask, probability = propose_pair(pair[0], pair[1], method)
    np.testing.assert_array_equal(mask > 0, probability > 0.5)
    assert not mask[pair[1][..., 3] <= 127].any()
    assert np.isfinite(probability).all() and probability.min() >= 0 and probability.max() <= 1


@given(st.integers(0, 1000), st.integers(2, 5), st.sampled_from(METHODS))
@settings(max_examples=25)
def test_the_size_of_an_art_pixel_changes_nothing(seed: int, size_px: int, method: str) -> None:
    base, clothed, _ = figure(seed)
    noise = np.random.default_rng(seed).integers(-60, 60, (56, 48, 3))
    clothed[..., :3] = (clothed[..., :3] + noise).clip(0, 255)
    sizes = (2, 2 * size_px)
    small, large = (propose_pair(enlarge(base, size), enlarge(clothed, size), method) for size in sizes)
    for one, other in zip(small, large, strict=True):
        np.testing.assert_array_equal(enlarge(one, size_px), other)


def test_a_given_threshold_is_kept() -> None:
    base = np.zeros((8, 8, 4), np.uint8)
    base[..., 3] = 255
    clothed = base.copy()
    clothed[..., :3] = np.arange(64, dtype=np.uint8).reshape(8, 8, 1)
    for threshold in (10, 30.5, 63):
        mask, _ = propose_pair(base, clothed, "difference", threshold, even_light=False, tidy_art_px=0)
        np.testing.assert_array_equal(mask > 0, clothed[..., 0] > threshold)


def test_unknown_methods_are_an_error() -> None:
    with pytest.raises(KeyError):
        propose_pair(*figure()[:2], "hsv")


# ---- parts ----


@pytest.mark.parametrize("method", METHODS)
def test_the_threshold_lies_between_two_groups(method: str) -> None:
    rng = np.random.default_rng(0)
    low, high = rng.uniform(3, 6, 400).astype(np.float32), rng.uniform(40, 80, 100).astype(np.float32)
    assert low.max() <= DIFFERENCE_SCALES[method].pick_threshold(np.concatenate([low, high])) < high.min()
    assert DIFFERENCE_SCALES[method].pick_threshold(low[:0]) == DIFFERENCE_SCALES[method].least
    for flat in (0.0, 90.0):
        assert DIFFERENCE_SCALES[method].pick_threshold(np.full(9, flat, np.float32)) == DIFFERENCE_SCALES[method].least


@given(arrays(np.float32, st.integers(1, 30), elements=st.floats(0, 300, width=32)), st.floats(1, 100))
def test_probability_crosses_a_half_at_the_threshold(differences: np.ndarray, threshold: float) -> None:
    probability = DIFFERENCE_SCALES["lab"].probability(differences, threshold)
    np.testing.assert_array_equal(probability > 0.5, (differences - threshold) / (threshold + 1) > 1e-7)
    order = np.argsort(differences)
    assert (np.diff(probability[order]) >= 0).all()


@given(st.tuples(*[st.floats(0.6, 1.6)] * 3), st.integers(0, 100))
@settings(max_examples=50)
def test_the_light_is_found_where_a_third_shows_something_else(gain: tuple[float, ...], seed: int) -> None:
    body = np.random.default_rng(seed).uniform(20, 150, (600, 3)).astype(np.float32)
    dressed = body * np.array(gain, np.float32)
    found = light_between(body, dressed)
    towards_one = np.abs(found - 1) <= np.abs(np.array(gain) - 1) + 1e-3
    assert towards_one.all(), "the light is held to be the same where little speaks against it"
    if max(abs(g - 1) for g in gain) < 0.15:
        np.testing.assert_allclose(found, gain, atol=0.06)
        dressed[:200] = (250, 0, 250)
        np.testing.assert_allclose(light_between(body, dressed), gain, atol=0.08)


def test_without_pixels_the_light_is_the_same() -> None:
    nothing = np.zeros((0, 3), np.float32)
    assert light_between(nothing, nothing).tolist() == [1, 1, 1]
    assert light_between(np.zeros((9, 3), np.float32), np.ones((9, 3), np.float32)).tolist() == [1, 1, 1]


def naive_lab(rgb: tuple[float, float, float]) -> list[float]:
    """CIE Lab of an sRGB colour in [0, 255] under D65, by the definitions."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (value / 255 for value in rgb)]
    rows = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
    xyz = [sum(a * b for a, b in zip(row, linear, strict=True)) for row in rows]
    f = [t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in np.divide(xyz, (0.95047, 1, 1.08883))]
    return [116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])]


RGB = st.tuples(*[st.floats(0, 255)] * 3)


@given(RGB, RGB)
def test_the_distance_is_that_of_lab_with_half_the_lightness(
    one: tuple[float, float, float], other: tuple[float, float, float]
) -> None:
    first, second = naive_lab(one), naive_lab(other)
    weighted = [(a - b) * weight for a, b, weight in zip(first, second, (0.5, 1, 1), strict=True)]
    found = lab_distance(np.array([one], np.float32), np.array([other], np.float32))
    assert found.shape == (1,) and found[0] == pytest.approx(np.linalg.norm(weighted), abs=0.05)


def naive_parts(mask: np.ndarray) -> list[set[tuple[int, int]]]:
    """Parts joined by their sides."""
    left = {(int(y), int(x)) for y, x in zip(*np.nonzero(mask), strict=True)}
    parts = []
    while left:
        edge, part = [left.pop()], set()
        while edge:
            y, x = edge.pop()
            part.add((y, x))
            near = {(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)} & left
            left -= near
            edge += near
        parts.append(part)
    return parts


@given(arrays(np.bool_, (9, 11)), arrays(np.bool_, (9, 11)), st.integers(0, 12))
def test_tidying_is_the_naive_version(drawn: np.ndarray, some: np.ndarray, most_px: int) -> None:
    mask = drawn & some
    expected = mask.copy()
    for part in naive_parts(drawn & ~mask):
        if len(part) <= most_px:
            expected[tuple(zip(*part, strict=True))] = True
    for part in naive_parts(expected):
        if len(part) <= most_px:
            expected[tuple(zip(*part, strict=True))] = False
    np.testing.assert_array_equal(tidy(mask, drawn, most_px), expected)


def test_how_much_of_a_figure_changed() -> None:
    base, clothed, garment = figure()
    assert share_that_changed(base, base) == share_that_changed(base * 0, base * 0) == 0
    assert share_that_changed(base, in_light(base, (0.8, 0.9, 1.0))) == 0
    drawn = (base[..., 3] > 0) | garment
    assert share_that_changed(base, clothed) == pytest.approx(garment.sum() / drawn.sum())


def test_hidden_and_half_transparent_colours_lie_on_black() -> None:
    rgba = np.array([[[200, 100, 50, 255], [200, 100, 50, 0], [200, 100, 50, 51]]], np.uint8)
    np.testing.assert_allclose(on_black(rgba)[0], [[200, 100, 50], [0, 0, 0], [40, 20, 10]], atol=1e-4)


# ---- the yardstick ----


def naive_best_threshold(triples: list[Triple]) -> tuple[int, list[float]]:
    best: tuple[int, list[float]] = (0, [-1.0])
    for threshold in range(200):
        scores = []
        for base, clothed, mask in triples:
            shown = [p[..., :3].astype(float) * p[..., 3:] / 255 for p in (base, clothed)]
            predicted = np.abs(shown[1] - shown[0]).mean(axis=2) > threshold + 1e-4
            hits, total = (predicted & (mask > 0)).sum(), predicted.sum() + (mask > 0).sum()
            scores.append(2 * hits / total if total else 1.0)
        if np.mean(scores) > np.mean(best[1]):
            best = threshold, scores
    return best


@given(st.lists(arrays(np.uint8, (8, 8, 9)), min_size=1, max_size=3))
@settings(max_examples=20)
def test_the_best_threshold_is_the_naive_search(stacks: list[np.ndarray]) -> None:
    triples = [(s[..., :4], s[..., 4:8], np.where(s[..., 8] > 127, 255, 0).astype(np.uint8)) for s in stacks]
    threshold, scores = best_threshold(((b, c) for b, c, _ in triples), (m for *_, m in triples))
    expected, expected_scores = naive_best_threshold(triples)
    assert np.mean(scores) == pytest.approx(np.mean(expected_scores), abs=1e-9)
    assert threshold == expected and scores == pytest.approx(expected_scores)


def test_the_best_threshold_needs_as_many_masks_as_frames() -> None:
    base, clothed, garment = figure()
    with pytest.raises(ValueError, match="no frames"):
        best_threshold([], [])
    with pytest.raises(ValueError, match="shorter"):
        best_threshold([(base, clothed)] * 2, [garment])
    assert best_threshold([(base, base)], [garment & False]) == (0, [1.0])


REAL = {  # mean F1 score a frame of the best common threshold, as SOURCES.md there says
    "mh_walk_south": 0.876,
    "run_west": 0.795,
    "ulpc_walk_south": 0.858,
    "vector_bust": 0.823,
    "walk_east": 0.849,
    "walk_north": 0.880,
    "walk_south": 0.799,
}


def real_set(name: str, step: int = 1) -> list[Triple]:
    folder = REAL_DATA / "masks"
    pairs = find_pairs(folder / f"frames_backup_{name}")[::step]
    return [(*read_pair(pair), read_mask(folder / f"masks_backup_{name}" / mask_name(pair.number))) for pair in pairs]


@needs_real_data("masks")
@pytest.mark.parametrize("name", REAL)
def test_the_yardstick_on_real_sprites(name: str) -> None:
    triples = real_set(name)
    _, scores = best_threshold(((b, c) for b, c, _ in triples), (m for *_, m in triples))
    assert len(scores) == 25 and np.mean(scores) == pytest.approx(REAL[name], abs=5e-4)


@needs_real_data("masks")
def test_on_real_sprites_lab_is_better_than_the_difference_and_both_than_the_yardstick() -> None:
    means = {}
    sets = {name: real_set(name, step=6) for name in REAL}
    for method in METHODS:
        by_set = [[f1_score(propose_pair(b, c, method)[0], m) for b, c, m in triples] for triples in sets.values()]
        means[method] = np.mean([np.mean(scores) for scores in by_set])
    assert means["lab"] > 0.93 and means["lab"] > means["difference"] > np.mean(list(REAL.values()))
