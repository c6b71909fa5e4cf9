"""What stands before plain grounds: which grounds are plain, what belongs to the figure, and its edge."""

import cv2
import numpy as np
import pytest

from avatar.cutout.plain_backgrounds import blend_alpha, complete_figure, find_plain_ground, subtract_ground

SIZE = 160
Y, X = np.mgrid[:SIZE, :SIZE].astype(np.float32) / SIZE
DISC = np.hypot(X - 0.5, Y - 0.5) < 0.28
FLAT = np.full((SIZE, SIZE, 3), (0.9, 0.1, 0.7), np.float32)
SLOPE = FLAT * (0.5 + 0.3 * Y + 0.2 * X * X)[..., None]
STRIPES = np.where(((X + Y) * 10 % 2 < 1)[..., None], FLAT, FLAT[..., ::-1])


def scene(ground: np.ndarray, soft_px: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    """A green disc before a ground: the picture and its alpha."""
    alpha = cv2.GaussianBlur(DISC.astype(np.float32), (0, 0), soft_px)
    picture = alpha[..., None] * np.array((0.2, 0.7, 0.3), np.float32) + (1 - alpha[..., None]) * ground
    return (picture * 255).round().astype(np.uint8), alpha


@pytest.mark.parametrize("ground", [FLAT, SLOPE], ids=["flat", "smooth"])
def test_a_plain_ground_is_known_behind_the_figure_too(ground: np.ndarray) -> None:
    found = find_plain_ground(scene(ground)[0], DISC)
    assert found is not None
    np.testing.assert_allclose(found, ground, atol=4 / 255)


def test_other_grounds_are_not_plain_and_what_is_cut_on_all_sides_has_none() -> None:
    assert find_plain_ground(scene(STRIPES)[0], DISC) is None
    noise = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    assert find_plain_ground(noise, DISC) is None
    assert find_plain_ground(scene(FLAT)[0], np.ones_like(DISC)) is None


def test_a_large_picture_and_a_tiny_one_have_a_ground_of_their_own_size() -> None:
    for width, height in ((1500, 700), (9, 8)):
        picture = np.full((height, width, 3), (10, 200, 90), np.uint8)
        ground = find_plain_ground(picture, np.zeros((height, width), bool))
        assert ground is not None and ground.shape == picture.shape
        np.testing.assert_allclose(ground * 255, picture, atol=1)


def test_missed_parts_of_a_figure_are_found_but_neither_shadows_nor_what_stands_apart() -> None:
    picture, _ = scene(FLAT, soft_px=0.01)
    picture[130:150, 20:140] = (FLAT[0, 0] * 255 * 0.6).round()  # a shadow
    picture[115:135, 75:85] = (30, 60, 200)  # a foot that reaches into it
    picture[5:15, 5:15] = (30, 60, 200)  # something else
    found = complete_figure(picture, FLAT, DISC & (X > 0.45))
    wanted = DISC.copy()
    wanted[115:135, 75:85] = True
    np.testing.assert_array_equal(found, wanted)


def test_a_mask_of_nothing_but_ground_is_emptied() -> None:
    picture = (SLOPE * 255).round().astype(np.uint8)
    assert not complete_figure(picture, SLOPE, DISC).any()
    assert not complete_figure(picture, SLOPE, np.zeros_like(DISC)).any()


def test_alpha_comes_from_the_blend_of_colours_and_only_along_the_edge() -> None:
    picture, alpha = scene(FLAT)
    for shift in (-1, 1):
        mask = np.roll(alpha > 0.5, shift, axis=1)
        found = blend_alpha(picture, mask, mask.astype(np.float32))
        assert np.abs(found - alpha).mean() < 0.25 * np.abs(mask - alpha).mean()
        far = cv2.dilate(mask.astype(np.uint8), np.ones((9, 9))) == cv2.erode(mask.astype(np.uint8), np.ones((9, 9)))
        np.testing.assert_array_equal(found[far], mask[far])


def test_alpha_stays_where_colours_cannot_tell() -> None:
    grey = np.full((SIZE, SIZE, 3), 120, np.uint8)
    given = np.random.default_rng(0).random((SIZE, SIZE), np.float32)
    np.testing.assert_allclose(blend_alpha(grey, DISC, given), given, atol=1e-6)


def test_the_colours_without_the_ground_are_the_figures() -> None:
    picture, alpha = scene(SLOPE, soft_px=3)
    colours = subtract_ground(picture, SLOPE, alpha, picture)
    told = alpha > 0.7
    assert np.abs(colours[told] - np.array((0.2, 0.7, 0.3)) * 255).max() < 3
    hidden = alpha < 0.3
    np.testing.assert_array_equal(colours[hidden], picture[hidden])
