"""The grid of pixel art against a naive search, and what must not be taken for one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from masks.sets.pixel_art import LEAST_ART_PX, enlarge, find_pixel_size, shrink, visible
from tests.helpers import REAL_DATA, needs_real_data


def naive_pixel_size(pictures: list[np.ndarray]) -> int:
    """The largest factor by which shrinking and enlarging changes nothing that shows."""
    shown = [np.where(picture[..., 3:] > 0, picture, 0) for picture in pictures]
    if all((picture == picture[0, 0]).all() for picture in shown):
        return 1
    height, width = pictures[0].shape[:2]
    for size in range(min(height, width) // LEAST_ART_PX, 1, -1):
        fits = height % size == 0 and width % size == 0
        if fits and all((enlarge(shrink(picture, size), size) == picture).all() for picture in shown):
            return size
    return 1


@st.composite
def sprites(draw: st.DrawFn) -> list[np.ndarray]:
    """One or two pictures of few colours, enlarged by a common factor, some with a pixel that breaks the grid."""
    shape = draw(st.integers(1, 24)), draw(st.integers(1, 24)), 4
    size = draw(st.integers(1, 6))
    values = st.sampled_from([0, 255])
    art = [enlarge(draw(arrays(np.uint8, shape, elements=values)), size) for _ in range(draw(st.integers(1, 2)))]
    if draw(st.booleans()):
        picture = draw(st.sampled_from(art))
        y, x = draw(st.integers(0, picture.shape[0] - 1)), draw(st.integers(0, picture.shape[1] - 1))
        picture[y, x] = draw(st.tuples(*[values] * 4))
    return art


@given(sprites())
@settings(max_examples=300)
def test_it_is_the_naive_search(pictures: list[np.ndarray]) -> None:
    assert find_pixel_size(pictures) == naive_pixel_size(pictures)


@given(arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4))), st.integers(1, 5))
def test_enlarging_is_undone_by_shrinking(picture: np.ndarray, size: int) -> None:
    large = enlarge(picture, size)
    assert large.shape == (picture.shape[0] * size, picture.shape[1] * size, picture.shape[2])
    np.testing.assert_array_equal(shrink(large, size), picture)


def sprite(size_px: int = 8, side: int = 64, offset: tuple[int, int] = (13, 21)) -> np.ndarray:
    """A figure of 24 x 17 art pixels, each of another colour, somewhere on a transparent frame."""
    art = np.zeros((side, side, 4), np.uint8)
    y, x = offset
    art[y : y + 24, x : x + 17] = np.random.default_rng(0).integers(1, 256, (24, 17, 4))
    return enlarge(art, size_px)


@pytest.mark.parametrize("offset", [(0, 0), (1, 3), (13, 21), (40, 47)])
@pytest.mark.parametrize("size_px", [2, 3, 8, 16])
def test_a_figure_may_stand_anywhere_on_the_grid(size_px: int, offset: tuple[int, int]) -> None:
    assert find_pixel_size([sprite(size_px, offset=offset)]) == size_px


def test_the_finest_of_several_pictures_counts() -> None:
    assert find_pixel_size([sprite(8), sprite(4, side=128)]) == 4
    assert find_pixel_size([sprite(8), sprite(1, side=512)]) == 1


def test_one_anti_aliased_pixel_makes_smooth_art() -> None:
    picture = sprite()
    picture[13 * 8 + 3, 21 * 8 - 1] = (9, 9, 9, 40)
    assert find_pixel_size([picture]) == find_pixel_size([sprite(), picture]) == 1


@pytest.mark.parametrize("axis", [0, 1])
def test_a_grid_that_starts_elsewhere_is_none(axis: int) -> None:
    assert find_pixel_size([np.roll(sprite(), 1, axis)]) == 1
    assert find_pixel_size([np.roll(sprite(), 2, axis)]) == 2, "2 px still divide all"


def test_hidden_colours_do_not_count() -> None:
    noisy = sprite()
    hidden = noisy[..., 3] == 0
    noisy[hidden, :3] = np.random.default_rng(1).integers(0, 256, (hidden.sum(), 3))
    assert find_pixel_size([noisy]) == 8


def test_flat_pictures_and_single_blocks_keep_a_useful_grid() -> None:
    flat = np.full((64, 64, 4), 200, np.uint8)
    block = np.zeros((512, 512, 4), np.uint8)
    block[128:256, 256:384] = 255
    assert find_pixel_size([flat]) == find_pixel_size([flat * 0]) == 1
    assert find_pixel_size([block]) == 64


def test_odd_sizes_have_no_grid_and_masks_may_have_one() -> None:
    assert find_pixel_size([sprite()[:509, :503]]) == 1
    assert find_pixel_size([sprite()[..., 3] > 0]) == 8


def test_visible_tells_all_shown_colours_apart() -> None:
    colours = np.array([[[1, 2, 3, 255], [1, 2, 3, 254], [2, 1, 3, 255], [9, 9, 9, 0], [0, 0, 0, 0]]], np.uint8)
    assert len({*visible(colours)[0].tolist()}) == 4 and visible(colours)[0, 3] == visible(colours)[0, 4] == 0


@needs_real_data("masks")
@pytest.mark.parametrize(
    ("name", "size_px"), [("walk_east", 8), ("ulpc_walk_south", 8), ("vector_bust", 1), ("mh_walk_south", 1)]
)
def test_real_sprites(name: str, size_px: int) -> None:
    folder = REAL_DATA / "masks" / f"frames_backup_{name}"
    for number in ("00", "12", "24"):
        pair = [np.asarray(Image.open(folder / f"{half}_frame_{number}.png")) for half in ("base", "clothed")]
        assert find_pixel_size(pair) == size_px
