"""Opaque pairs: grounds are removed, also behind JPEG noise; art pixels are recognised; other frames stay."""

import cv2
import numpy as np
import pytest

from masks.model.opaque_pairs import block_median, find_noisy_pixel_size, on_transparency
from masks.sets.pixel_art import enlarge
from tests.masks.sample_sets import drawn_pair

GROUNDS = {"near-white": (250, 248, 245), "magenta": (255, 0, 255)}


def on_ground(picture: np.ndarray, ground: tuple[int, int, int]) -> np.ndarray:
    return np.where(picture[..., 3:] > 0, picture, np.array([*ground, 255], np.uint8))


def as_jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    file = cv2.imencode(".jpg", picture[..., 2::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    decoded = cv2.imdecode(file, cv2.IMREAD_COLOR)
    assert decoded is not None
    return np.dstack([decoded[..., ::-1], np.full(decoded.shape[:2], 255, np.uint8)])


@pytest.mark.parametrize("ground", GROUNDS.values(), ids=GROUNDS)
@pytest.mark.parametrize("seed", range(3))
def test_a_plain_ground_becomes_transparency(seed: int, ground: tuple[int, int, int]) -> None:
    pair = drawn_pair(seed)[:2]
    found = on_transparency(*(on_ground(picture, ground) for picture in pair))
    assert not found[2]
    for picture, original in zip(found[:2], pair, strict=True):
        assert np.array_equal(picture[..., 3], original[..., 3])
        assert np.array_equal(picture[original[..., 3] > 0], original[original[..., 3] > 0])


@pytest.mark.parametrize("ground", GROUNDS.values(), ids=GROUNDS)
@pytest.mark.parametrize(("factor", "quality"), [(4, 95), (8, 85), (8, 75)])
def test_enlarged_pixel_art_comes_out_of_jpeg_nearly_as_drawn(
    factor: int, quality: int, ground: tuple[int, int, int]
) -> None:
    pair = drawn_pair(2)[:2]
    grain = np.random.default_rng(3).integers(-30, 31, (48, 48, 1))
    for picture in pair:
        picture[..., :3] = (picture[..., :3] + grain).clip(0, 200) * (picture[..., 3:] > 0)
    noisy = [as_jpeg(enlarge(on_ground(picture, ground), factor), quality) for picture in pair]
    assert find_noisy_pixel_size(noisy) == factor
    found = on_transparency(noisy[0], noisy[1])
    assert found[2]
    for picture, original in zip(found[:2], pair, strict=True):
        small = picture[::factor, ::factor]
        assert np.array_equal(small[..., 3] > 0, original[..., 3] > 0)
        drawn = original[..., 3] > 0
        assert np.abs(small[drawn].astype(int) - original[drawn]).mean() < 6


def test_clothing_of_the_ground_s_colour_is_not_cut_out_of_the_body() -> None:
    base, clothed, mask = drawn_pair(1)
    clothed[mask > 0] = (250, 248, 245, 255)
    body = base[..., 3] > 0
    _, found, _ = on_transparency(*(on_ground(picture, GROUNDS["near-white"]) for picture in (base, clothed)))
    assert (found[body, 3] == 255).all()


def test_frames_without_a_ground_stay_as_they_are() -> None:
    rng = np.random.default_rng(0)
    base, clothed, _ = drawn_pair(0)
    photo = np.dstack([rng.integers(0, 256, (48, 48, 3)), np.full((48, 48), 255)]).astype(np.uint8)
    flat = np.full((48, 48, 4), 255, np.uint8)
    for pair in ((base, clothed), (photo, photo), (flat, flat), (on_ground(base, (9, 9, 9)), photo)):
        found = on_transparency(*pair)
        assert found[0] is pair[0]
        assert found[1] is pair[1]


def test_the_median_of_each_block() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (12, 9, 4)).astype(np.uint8)
    expected = [
        [np.median(picture[3 * y : 3 * y + 3, 3 * x : 3 * x + 3], axis=(0, 1)) for x in range(3)] for y in range(4)
    ]
    assert np.array_equal(block_median(picture, 3), np.array(expected).astype(np.uint8))
