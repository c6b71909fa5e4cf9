import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.people import edges
from common.people.edges import decontaminate, guided_filter, refine_edges


def naive_guided_filter(guide: np.ndarray, values: np.ndarray, radius: int, epsilon: float) -> np.ndarray:
    """Window by window, as the paper writes it."""
    size = 2 * radius + 1
    padded = np.pad(guide, ((radius, radius), (radius, radius), (0, 0)), mode="symmetric").astype(float)
    targets = np.pad(values, radius, mode="symmetric").astype(float)
    slopes, offsets = np.empty(guide.shape), np.empty(values.shape)
    for y, x in np.ndindex(values.shape):
        colours = padded[y : y + size, x : x + size].reshape(-1, 3)
        target = targets[y : y + size, x : x + size].ravel()
        spread = np.cov(colours.T, bias=True) + epsilon * np.eye(3)
        together = ((colours - colours.mean(0)) * (target - target.mean())[:, None]).mean(0)
        slopes[y, x] = np.linalg.solve(spread, together)
        offsets[y, x] = target.mean() - slopes[y, x] @ colours.mean(0)
    slopes = np.pad(slopes, ((radius, radius), (radius, radius), (0, 0)), mode="symmetric")
    offsets = np.pad(offsets, radius, mode="symmetric")
    result = np.empty(values.shape)
    for y, x in np.ndindex(values.shape):
        near = slice(y, y + size), slice(x, x + size)
        result[y, x] = slopes[near].reshape(-1, 3).mean(0) @ guide[y, x] + offsets[near].mean()
    return result


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 3), st.sampled_from([1e-3, 1e-2]))
def test_the_guided_filter_is_that_of_the_paper(seed: int, radius: int, epsilon: float) -> None:
    rng = np.random.default_rng(seed)
    guide, values = rng.random((9, 11, 3), np.float32), rng.random((9, 11), np.float32)
    found = guided_filter(guide, values, radius, epsilon)
    np.testing.assert_allclose(found, naive_guided_filter(guide, values, radius, epsilon), atol=2e-3)


def scene(soft_px: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An orange disc on a blue ground with a soft rim: the photo, its alpha, and its colours alone."""
    y, x = np.indices((160, 160))
    hard = np.hypot(y - 80, x - 80) < 50
    alpha = cv2.GaussianBlur(hard.astype(np.float32), (0, 0), soft_px)
    colours = np.full((160, 160, 3), (220, 120, 30), np.float32)
    photo = alpha[..., None] * colours + (1 - alpha[..., None]) * np.array((30, 50, 160))
    return photo.round().astype(np.uint8), alpha, colours


def test_a_mask_that_is_off_by_a_pixel_comes_nearer_to_the_photos_edge() -> None:
    photo, alpha, _ = scene()
    for shift in (-1, 1):
        mask = np.roll(alpha, shift, axis=1) > 0.5
        refined = refine_edges(photo, mask)
        assert np.abs(refined - alpha).mean() < 0.7 * np.abs(mask - alpha).mean()


def test_alpha_changes_only_near_the_edge_and_stays_in_range() -> None:
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, (160, 160, 3), dtype=np.uint8)
    _, alpha, _ = scene()
    mask = alpha > 0.5
    refined = refine_edges(photo, mask)
    assert refined.dtype == np.float32 and refined.min() >= 0 and refined.max() <= 1
    kernel = np.ones((9, 9), np.uint8)
    far = cv2.dilate(mask.astype(np.uint8), kernel) == cv2.erode(mask.astype(np.uint8), kernel)
    np.testing.assert_array_equal(refined[far], mask[far])


@pytest.mark.parametrize("value", [False, True])
def test_a_mask_without_an_edge_is_its_own_alpha(value: bool) -> None:
    photo = np.zeros((30, 40, 3), np.uint8)
    np.testing.assert_array_equal(refine_edges(photo, np.full((30, 40), value)), np.full((30, 40), float(value)))


def test_a_mask_of_one_pixel_in_the_corner_is_no_trouble() -> None:
    photo, mask = np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), bool)
    mask[0, 0] = True
    alpha = refine_edges(photo, mask)
    assert np.isfinite(alpha).all() and decontaminate(photo, alpha).shape == photo.shape


def test_decontaminated_colours_have_no_halo_of_the_old_background() -> None:
    photo, alpha, colours = scene(soft_px=2.0)
    rim = (alpha > 0.05) & (alpha < 0.95)
    clean = decontaminate(photo, alpha).astype(float)
    assert np.abs(clean - colours)[rim].mean() < 0.25 * np.abs(photo - colours)[rim].mean()


def test_decontamination_keeps_every_pixel_that_is_the_persons_alone() -> None:
    rng = np.random.default_rng(1)
    photo = rng.integers(0, 256, (160, 160, 3), dtype=np.uint8)
    _, alpha, _ = scene()
    alpha[alpha > 0.99] = 1
    clean = decontaminate(photo, alpha)
    np.testing.assert_array_equal(clean[alpha == 1], photo[alpha == 1])
    assert clean.dtype == np.uint8
    np.testing.assert_array_equal(decontaminate(photo, np.zeros((160, 160), np.float32)), photo)


def test_a_large_picture_in_strips_gives_what_it_gives_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    photo = cv2.GaussianBlur(rng.integers(0, 256, (240, 180, 3), np.uint8), (0, 0), 2)
    mask = cv2.GaussianBlur(rng.random((240, 180), np.float32), (0, 0), 9) > 0.5
    whole = refine_edges(photo, mask)
    monkeypatch.setattr(edges, "STRIP_PX", 180 * 37)
    np.testing.assert_allclose(refine_edges(photo, mask), whole, atol=1e-3)
    assert ((whole > 0) & (whole < 1)).any()
