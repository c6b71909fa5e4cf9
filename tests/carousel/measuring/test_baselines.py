"""The methods that need no training: the scene untouched, and known answers for each."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carousel.fusion.training_samples import paste
from carousel.measuring.baselines import BASELINES, feathered_paste, poisson, reinhard

SIDE = 64


def noise(shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def disc(radius: int = 20) -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE]
    return np.where((y - 34) ** 2 + (x - 28) ** 2 <= radius**2, 255, 0).astype(np.uint8)


def lab(pixels: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(pixels[None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0]


@st.composite
def masks(draw: st.DrawFn) -> np.ndarray:
    """Boxes, single pixels, dust, all and nothing, in pictures of any size."""
    height, width = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    kind = draw(st.sampled_from(["box", "dust", "all", "none"]))
    if kind == "dust":
        share = draw(st.sampled_from([0.02, 0.5, 0.95]))
        on = np.random.default_rng(draw(st.integers(0, 99))).random((height, width)) < share
    else:
        on = np.full((height, width), kind == "all")
        if kind == "box":
            top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
            on[top : draw(st.integers(top + 1, height)), left : draw(st.integers(left + 1, width))] = True
    return np.where(on, 255, 0).astype(np.uint8)


@pytest.mark.parametrize("name", BASELINES)
@given(mask=masks(), seed=st.integers(0, 99))
def test_outside_the_mask_the_scene_comes_through_bit_for_bit(name: str, mask: np.ndarray, seed: int) -> None:
    scene, avatar = noise((*mask.shape, 3), seed), noise((*mask.shape, 3), seed + 1)
    before = [part.copy() for part in (scene, avatar, mask)]
    fused = BASELINES[name](scene, avatar, mask)
    assert fused.shape == scene.shape and fused.dtype == np.uint8
    assert (fused[mask == 0] == scene[mask == 0]).all()
    for part, was in zip((scene, avatar, mask), before, strict=True):
        assert (part == was).all(), "what was handed in is changed"


def test_copy_paste_takes_the_person_as_they_are() -> None:
    scene, avatar, mask = noise((SIDE, SIDE, 3), 0), noise((SIDE, SIDE, 3), 1), disc()
    fused = paste(scene, avatar, mask)
    for y in range(SIDE):
        for x in range(SIDE):
            assert (fused[y, x] == (avatar if mask[y, x] else scene)[y, x]).all()


def test_a_feathered_edge_grows_from_scene_to_person_inside_the_mask() -> None:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[:, 20:] = 255
    scene, avatar = np.zeros((SIDE, SIDE, 3), np.uint8), np.full((SIDE, SIDE, 3), 200, np.uint8)
    row = feathered_paste(scene, avatar, mask)[SIDE // 2, :, 0].astype(int)
    assert (row[:20] == 0).all() and 0 < row[20] < 80 and (row[27:] == 200).all()
    assert (np.diff(row[19:28]) >= 0).all(), "and is not feathered where the frame cuts the person"


def test_reinhard_gives_the_person_the_mean_and_spread_of_the_scene() -> None:
    rng = np.random.default_rng(0)
    scene = rng.normal(150, 12, (SIDE, SIDE, 3)).round().astype(np.uint8)
    avatar = rng.normal((90, 100, 80), 25, (SIDE, SIDE, 3)).clip(0, 255).round().astype(np.uint8)
    mask = disc()
    fused = lab(reinhard(scene, avatar, mask)[mask > 0])
    target = lab(scene[mask == 0])
    assert np.allclose(fused.mean(axis=0), target.mean(axis=0), atol=0.3)
    assert np.allclose(fused.std(axis=0), target.std(axis=0), rtol=0.05)


def test_reinhard_leaves_a_person_who_has_the_scenes_statistics() -> None:
    half = noise((SIDE, SIDE // 2, 3), 3)
    picture = np.concatenate([half, half], axis=1)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[:, SIDE // 2 :] = 255
    assert np.abs(reinhard(picture, picture, mask).astype(int) - picture).max() <= 1


def test_reinhard_of_one_flat_colour_is_the_scenes_mean() -> None:
    scene = np.full((SIDE, SIDE, 3), (120, 130, 140), np.uint8)
    flat = np.full_like(scene, (200, 20, 20))
    assert np.abs(reinhard(scene, flat, disc()).astype(int) - scene).max() <= 1


def test_poisson_takes_an_offset_off_and_keeps_detail_in_its_place() -> None:
    """The person is a scene of one colour plus an offset plus a mark off the middle: only the mark is left."""
    scene = np.full((SIDE, SIDE, 3), 100, np.uint8)
    avatar = np.full_like(scene, 150)
    avatar[38:42, 16:24] = 190
    detail = poisson(scene, avatar, disc()).astype(int) - 100
    mark = np.zeros((SIDE, SIDE), bool)
    mark[38:42, 16:24] = True
    assert np.abs(detail[~mark]).max() <= 3
    assert np.abs(detail[mark] - 40).max() <= 3


def test_poisson_harmonises_a_person_whom_the_frame_cuts_and_a_tiny_one() -> None:
    scene = np.full((SIDE, SIDE, 3), 100, np.uint8)
    avatar = np.full_like(scene, 160)
    cut = np.zeros((SIDE, SIDE), np.uint8)
    cut[30:, 20:50] = 255
    tiny = np.zeros_like(cut)
    tiny[5, 60] = 255
    for mask in (cut, tiny, np.full_like(cut, 255)):
        assert np.abs(poisson(scene, avatar, mask).astype(int) - 100).max() <= 3
