"""Registration: a known displacement is found; frames that match are left alone."""

import cv2
import numpy as np
import pytest

from masks.model.registration import find_field, registered_base
from masks.sets.pixel_art import enlarge
from tests.masks.sample_sets import drawn_pair

FACTOR = 6


def textured_pair(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A drawn pair whose body has a pattern, enlarged."""
    base, clothed, mask = drawn_pair(seed)
    grain = np.random.default_rng(seed).integers(-25, 26, (*mask.shape, 1))
    for picture in (base, clothed):
        noisy = (picture[..., :3] + grain).clip(0, 255).astype(np.uint8)
        picture[..., :3] = np.where(picture[..., 3:] > 0, noisy, 0)
    large = [enlarge(picture, FACTOR) for picture in (base, clothed, mask)]
    return large[0], large[1], large[2]


def moved(picture: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return cv2.warpAffine(picture, matrix, picture.shape[1::-1], flags=cv2.INTER_LINEAR)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("scale", "right", "down"), [(1.03, 0, 0), (0.97, 2, -1), (1.0, 3.4, 1.7), (1.02, -3, 4)])
def test_the_body_is_moved_to_where_the_clothed_frame_shows_it(
    seed: int, scale: float, right: float, down: float
) -> None:
    base, clothed, mask = textured_pair(seed)
    middle = mask.shape[0] / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), 0, scale)
    matrix = matrix + np.array([[0, 0, right], [0, 0, down]])
    again, cloth = moved(clothed, matrix), moved(mask, matrix)
    found = registered_base(base, again, cloth.astype(np.float32) / 255)
    assert found is not None
    body = (again[..., 3] > 250) & (cv2.dilate(cloth, np.ones((25, 25), np.uint8)) == 0)
    before, after = (np.abs(picture[body][:, :3].astype(int) - again[body][:, :3]).mean() for picture in (base, found))
    assert after < 0.5 * before
    shape = found[..., 3] > 127, again[..., 3] > 127
    assert np.mean((shape[0] != shape[1])[cv2.dilate(cloth, np.ones((25, 25), np.uint8)) == 0]) < 0.01


def test_a_field_points_from_the_clothed_frame_to_the_base() -> None:
    base = textured_pair(1)[0].astype(np.float32) / 255
    field = find_field(base, np.roll(base, (2, -3), axis=(0, 1)), np.ones(base.shape[:2], np.float32))
    inside = field[base[..., 3] > 0]
    assert np.allclose(np.median(inside, axis=0), [3, -2], atol=0.3)


@pytest.mark.parametrize("gain", [1.0, 0.85])
def test_frames_that_match_are_left_alone_in_any_light(gain: float) -> None:
    base, clothed, mask = textured_pair(2)
    clothed[..., :3] = (clothed[..., :3] * gain).astype(np.uint8)
    assert registered_base(base, clothed, mask.astype(np.float32) / 255) is None


@pytest.mark.parametrize("value", [0, 255])
def test_frames_without_a_figure_are_left_alone(value: int) -> None:
    flat = np.full((32, 24, 4), value, np.uint8)
    assert registered_base(flat, flat, np.zeros((32, 24), np.float32)) is None
