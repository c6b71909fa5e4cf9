"""Another light on a person: against naive versions, neutral values, ranges, and the same by the same seed."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carousel.fusion.relighting import (
    CONTRAST,
    EXPOSURE_EV,
    GAIN,
    LEVELS,
    SATURATION,
    adjust,
    bend_curves,
    borrow_statistics,
    grade,
    light_gradient,
    move_statistics,
    relight_fixed,
    relight_random,
    soften,
    to_linear,
    to_srgb,
    to_u8,
)
from tests.carousel.helpers import draw_collage

SEEDS = st.integers(0, 2**32 - 1)
Relight = Callable[[np.random.Generator, np.ndarray, np.ndarray], np.ndarray]
WAYS: list[Relight] = [
    relight_fixed,
    relight_random,
    move_statistics,
    light_gradient,
    lambda rng, rgb, _: soften(rng, rgb),
]


def random_picture(seed: int, height: int = 12, width: int = 9) -> tuple[np.ndarray, np.ndarray]:
    """(H, W, 3) uint8 with black and white in it, and a mask that is not empty."""
    rng = np.random.default_rng(seed)
    rgb = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    rgb[0], rgb[1] = 0, 255
    mask = np.where(rng.random((height, width)) < 0.4, 255, 0).astype(np.uint8)
    mask[height // 2] = 255
    return rgb, mask


# ---- the curve of sRGB ----


def naive_linear(value: float) -> float:
    """IEC 61966-2-1."""
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def naive_srgb(value: float) -> float:
    value = min(max(value, 0.0), 1.0)
    return value * 12.92 if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055


def test_linear_light_is_that_of_the_norm() -> None:
    values = np.linspace(0, 1, 1001)
    np.testing.assert_allclose(to_linear(values), [naive_linear(value) for value in values], atol=1e-12)
    wide = np.linspace(-0.5, 1.5, 1001)
    np.testing.assert_allclose(to_srgb(wide), [naive_srgb(value) for value in wide], atol=1e-12)
    assert float(to_linear(np.array(0.5))) == pytest.approx(0.21404, abs=1e-5), "half grey has a fifth of the light"


def test_every_8_bit_value_survives_the_way_to_linear_light_and_back() -> None:
    np.testing.assert_array_equal(to_u8(to_srgb(to_linear(LEVELS))), np.arange(256))


def test_values_are_clipped_and_rounded() -> None:
    np.testing.assert_array_equal(to_u8(np.array([-3, 0, 0.4 / 255, 0.6 / 255, 1, 7])), [0, 0, 0, 1, 255, 255])


# ---- the fixed protocol ----


def naive_adjust(
    rgb: np.ndarray, mask: np.ndarray, gains: np.ndarray, contrast: float, saturation: float, linear: bool
) -> np.ndarray:
    curve = (lambda v, g: naive_srgb(naive_linear(v) * g)) if linear else (lambda v, g: min(v * g, 1.0))
    lit = np.array([[[curve(v / 255, g) for v, g in zip(p, gains, strict=True)] for p in row] for row in rgb])
    lit = (lit - lit[mask > 0].mean(axis=0)) * contrast + lit[mask > 0].mean(axis=0)
    luma = (lit @ [0.299, 0.587, 0.114])[..., None]
    return ((lit - luma) * saturation + luma).clip(0, 1) * 255


@settings(max_examples=25)
@given(SEEDS)
def test_the_fixed_protocol_is_the_naive_one(seed: int) -> None:
    rgb, mask = random_picture(seed)
    lit = relight_fixed(np.random.default_rng(seed), rgb, mask)
    rng = np.random.default_rng(seed)
    gains = 2 ** rng.uniform(-0.7, 0.7) * rng.uniform(0.85, 1.15, 3)
    naive = naive_adjust(rgb, mask, gains, rng.uniform(0.8, 1.2), rng.uniform(0.7, 1.3), linear=True)
    np.testing.assert_allclose(lit, naive, atol=0.51)


@settings(max_examples=25)
@given(SEEDS, st.floats(0.3, 3), st.floats(0.5, 1.5), st.floats(0, 2), st.booleans())
def test_any_adjustment_is_the_naive_one(
    seed: int, exposure: float, contrast: float, saturation: float, linear: bool
) -> None:
    rgb, mask = random_picture(seed)
    gains = exposure * np.random.default_rng(seed).uniform(0.8, 1.2, 3)
    lit = adjust(rgb, mask, gains, contrast, saturation, linear=linear)
    np.testing.assert_allclose(lit, naive_adjust(rgb, mask, gains, contrast, saturation, linear), atol=0.51)


@pytest.mark.parametrize("linear", [True, False])
def test_neutral_values_change_nothing(linear: bool) -> None:
    ramp = np.arange(256, dtype=np.uint8)
    rgb = np.stack([ramp, ramp[::-1], np.roll(ramp, 90)], axis=1).reshape(16, 16, 3)
    mask = np.full((16, 16), 255, np.uint8)
    np.testing.assert_array_equal(adjust(rgb, mask, np.ones(3), 1.0, 1.0, linear=linear), rgb)


def test_the_values_that_are_drawn_fill_the_ranges_of_the_protocol() -> None:
    """Of a grey picture contrast changes nothing, so that exposure and gains can be read from it."""
    assert (EXPOSURE_EV, GAIN, CONTRAST, SATURATION) == (0.7, 0.15, 0.2, 0.3)
    grey, mask = np.full((4, 4, 3), 120, np.uint8), np.full((4, 4), 255, np.uint8)
    pictures = [relight_fixed(np.random.default_rng((0, seed)), grey, mask)[0, 0] for seed in range(400)]
    light = to_linear(np.array(pictures) / 255) / to_linear(np.array(120 / 255))
    assert 2**-0.7 * 0.8 < light.min() < 0.6 and 1.6 < light.max() < 2**0.7 * 1.25
    spread = light.max(axis=1) / light.min(axis=1)
    assert 1.25 < spread.max() < (1.15 / 0.85) ** 1.5, "the channels differ by up to 15 % each, and saturation"


def test_brighter_light_is_brighter_everywhere_and_keeps_black() -> None:
    rgb, mask = random_picture(1)
    rgb[0] = 0
    lit = adjust(rgb, mask, np.full(3, 1.5), 1.0, 1.0, linear=True)
    assert (lit >= rgb).all() and (lit[0] == 0).all() and lit.mean() > rgb.mean() + 10


# ---- all ways ----


@pytest.mark.parametrize("way", WAYS, ids=["fixed", "random", "statistics", "gradient", "soften"])
@settings(max_examples=15)
@given(seed=SEEDS)
def test_the_same_seed_gives_the_same_light_and_the_input_stays(way: Relight, seed: int) -> None:
    rgb, mask = random_picture(seed)
    before = rgb.copy(), mask.copy()
    first, second = (way(np.random.default_rng(seed), rgb, mask) for _ in range(2))
    assert first.dtype == np.uint8 and first.shape == rgb.shape
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(rgb, before[0])
    np.testing.assert_array_equal(mask, before[1])


@pytest.mark.parametrize("way", WAYS, ids=["fixed", "random", "statistics", "gradient", "soften"])
def test_another_seed_gives_another_light_and_a_plausible_one(way: Relight) -> None:
    collage = draw_collage(0)
    lit = [way(np.random.default_rng((1, seed)), collage.truth, collage.mask) for seed in range(12)]
    assert len({picture.tobytes() for picture in lit}) >= 11
    person = collage.mask > 0
    differences = [np.abs(picture.astype(int) - collage.truth)[person].mean() for picture in lit]
    assert 0.2 < np.mean(differences) < 60
    for picture in lit:
        assert np.corrcoef(picture[person].ravel(), collage.truth[person].ravel())[0, 1] > 0.7, "it is still the same"


def test_training_sees_stronger_light_than_the_protocol_and_of_more_kinds() -> None:
    collage = draw_collage(1)
    person = collage.mask > 0

    def strongest(way: Relight) -> float:
        lit = [way(np.random.default_rng((2, seed)), collage.truth, collage.mask) for seed in range(150)]
        return max(float(np.abs(picture.astype(int) - collage.truth)[person].mean()) for picture in lit)

    assert strongest(relight_random) > strongest(relight_fixed)


def naive_lab(rgb: np.ndarray) -> np.ndarray:
    """CIE Lab of sRGB under D65, by scikit-image."""
    from skimage.color import rgb2lab

    return np.asarray(rgb2lab(rgb))


def test_moved_statistics_are_the_drawn_ones_in_lab() -> None:
    rgb, mask = random_picture(5, 40, 40)
    rgb = (rgb // 4 + 96).astype(np.uint8)  # far from the ends, so that nothing clips
    moved = move_statistics(np.random.default_rng(11), rgb, mask)
    rng = np.random.default_rng(11)
    ratio = np.clip(np.exp(rng.normal(0, 0.3, 3)), 0.65, 1.55)
    shift = rng.normal(0, (11, 5, 9))
    before, after = (naive_lab(picture)[mask > 0] for picture in (rgb, moved))
    np.testing.assert_allclose(after.mean(axis=0), before.mean(axis=0) + shift, atol=0.6)
    np.testing.assert_allclose(after.std(axis=0), before.std(axis=0) * ratio, rtol=0.06)


def test_borrowed_statistics_go_a_part_of_the_way_to_those_of_another_region() -> None:
    rgb = np.full((40, 40, 3), 150, np.uint8)
    rgb[:, :20] = (60, 90, 170)
    rgb[::2] += 10
    mask = np.zeros((40, 40), np.uint8)
    mask[10:30, 5:15] = 255
    before, target = (naive_lab(rgb)[part].mean(axis=0) for part in (mask > 0, np.s_[:, 20:]))
    far = np.linalg.norm(before - target)
    went = []
    for seed in range(30):
        lit = borrow_statistics(np.random.default_rng(seed), rgb, mask)
        went.append(1 - np.linalg.norm(naive_lab(lit)[mask > 0].mean(axis=0) - target) / far)
    assert min(went) > -0.1 and 0.3 < max(went) < 0.85


def test_graded_pictures_share_one_strong_light_which_is_sometimes_grey() -> None:
    rgb, _ = random_picture(3, 20, 20)
    grey = 0
    for seed in range(60):
        first, second = grade(np.random.default_rng(seed), [rgb, rgb[::-1]])
        np.testing.assert_array_equal(first, second[::-1])
        grey += np.ptp(first.astype(int), axis=2).mean() < 0.3 * np.ptp(rgb.astype(int), axis=2).mean()
    assert 8 < grey < 30


def test_bent_curves_keep_black_and_white_and_the_order_of_levels() -> None:
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    for seed in range(20):
        bent = bend_curves(np.random.default_rng(seed), ramp)[0].astype(int)
        assert (bent[0] == 0).all() and (bent[-1] == 255).all() and (np.diff(bent, axis=0) >= 0).all()
        assert (bent[128] != bent[128, :1]).any(), "the channels differ"


def test_a_gradient_is_stronger_on_one_side_and_leaves_the_middle() -> None:
    rgb, mask = np.full((41, 41, 3), 100, np.uint8), np.full((41, 41), 255, np.uint8)
    for seed in range(20):
        lit = light_gradient(np.random.default_rng(seed), rgb, mask)[..., 0].astype(float)
        assert lit[20, 20] == 100
        corners = np.array([lit[0, 0], lit[0, -1], lit[-1, -1], lit[-1, 0]])
        assert corners.max() > 101 and corners.min() < 99
        np.testing.assert_allclose(corners[:2] * corners[2:], 100**2, rtol=0.02)  # opposite corners cancel
        assert corners.max() < 100 * 2 ** (0.4 / 2.2 * np.sqrt(2)) + 1


def test_softening_blurs_or_adds_noise() -> None:
    rgb = np.full((16, 16, 3), 100, np.uint8)
    rgb[8:] = 160
    kinds = set()
    for seed in range(20):
        difference = soften(np.random.default_rng(seed), rgb).astype(int) - rgb
        flat = difference[:3]
        kinds.add("noise" if flat.any() else "blur")
        assert np.abs(difference).max() < 40 and flat.std() < 7
        if not flat.any():
            assert difference[7].min() >= 0 and difference[8].max() <= 0, "the edge became softer"
    assert kinds == {"blur", "noise"}
