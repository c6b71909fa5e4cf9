"""From pairs to masks: round trips of every size, hard edges, all kinds of input, and many pairs in little memory."""

from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from common.errors import UserError
from common.paths import DATA
from masks.model.inference import (
    BATCH,
    Picture,
    as_rgba,
    place,
    place_mask,
    predict_masks,
    predict_probabilities,
    premultiply,
    put_back,
)
from masks.model.mask_threshold import threshold_mask
from masks.model.metrics import f1_score
from masks.model.unet import SIZE_PX, UNet
from masks.sets.pixel_art import enlarge, shrink
from tests.masks.model.test_unet import lively_network

CPU = torch.device("cpu")
Triple = tuple[np.ndarray, np.ndarray, np.ndarray]


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def model() -> UNet:
    """An untrained network: its answers mean nothing but vary from pixel to pixel."""
    return lively_network((6, 8), seed=3)


def noisy_pair(shape: tuple[int, int], figure: tuple[int, int], corner: tuple[int, int], seed: int = 0) -> Triple:
    """A figure of random colours somewhere on a transparent frame, the same clothed in random pixels, and those."""
    rng = np.random.default_rng(seed)
    base = np.zeros((*shape, 4), np.uint8)
    rows, columns = (slice(at, at + side) for at, side in zip(corner, figure, strict=True))
    base[rows, columns] = np.dstack([rng.integers(0, 120, (*figure, 3)), np.full(figure, 255)])
    mask = np.zeros(shape, bool)
    mask[rows, columns] = rng.random(figure) < 0.5
    clothed = base.copy()
    clothed[mask, :3] += 100
    return base, clothed, np.where(mask, 255, 0).astype(np.uint8)


@st.composite
def pairs_of_any_size(draw: st.DrawFn, most: int = 320) -> tuple[Triple, int]:
    """A pair at one value an art pixel, with any aspect and the figure anywhere, and a factor to enlarge it by."""
    shape = draw(st.integers(8, most)), draw(st.integers(8, most))
    figure = tuple(draw(st.integers(1, side)) for side in shape)
    corner = tuple(draw(st.integers(0, side - part)) for side, part in zip(shape, figure, strict=True))
    factor = draw(st.integers(1, max(1, min(9, 700 // max(shape)))))
    return noisy_pair(shape, (figure[0], figure[1]), (corner[0], corner[1]), draw(st.integers(0, 99))), factor


def there_and_back(base: np.ndarray, clothed: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The truth as the network would see it, taken as its answer."""
    pair, placement = place(base, clothed)
    assert pair.shape == (8, SIZE_PX, SIZE_PX) and pair.dtype == np.uint8 and pair.flags.c_contiguous
    seen = place_mask(mask, placement)
    assert seen.shape == (SIZE_PX, SIZE_PX) and set(np.unique(seen)) <= {0, 255}
    probability = put_back((seen.astype(np.float32) - 127.5) / 10, placement)
    assert probability.shape == mask.shape and probability.dtype == np.float32
    return threshold_mask(probability)


# ---- round trip of sizes ----


@given(pairs_of_any_size(240))
@settings(max_examples=120)
def test_the_truth_survives_exactly_where_the_art_fits_the_square(case: tuple[Triple, int]) -> None:
    triple, factor = case
    base, clothed, mask = (enlarge(picture, factor) for picture in triple)
    np.testing.assert_array_equal(there_and_back(base, clothed, mask), mask)


@pytest.mark.parametrize("shape", [(512, 512), (1024, 300), (301, 1999), (2048, 2047), (257, 9), (8, 3000)])
def test_the_truth_survives_up_to_its_edge_in_larger_art(shape: tuple[int, int]) -> None:
    y, x = np.mgrid[: shape[0], : shape[1]] / np.array(shape).reshape(2, 1, 1) - 0.5
    body, garment = (2 * x) ** 2 + (2 * y) ** 2 < 0.95, (4 * x) ** 2 + (3 * y) ** 2 < 1
    base = np.where(body[..., None], np.array([200, 150, 120, 255]), 0).astype(np.uint8)
    clothed = np.where((garment & body)[..., None], np.array([30, 60, 160, 255], np.uint8), base)
    mask = np.where(garment & body, 255, 0).astype(np.uint8)
    found = there_and_back(base, clothed, mask)
    reach = int(np.ceil(max(shape) * 1.06 / SIZE_PX))
    around = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    edge = cv2.dilate(mask, around) != cv2.erode(mask, around)
    assert not ((found != mask) & ~edge).any(), "only what the network cannot see may be lost"
    if min(shape) > 100:
        assert f1_score(found, mask) > 0.97


@given(pairs_of_any_size())
@settings(max_examples=60)
def test_nothing_that_is_drawn_is_left_out_of_the_square(case: tuple[Triple, int]) -> None:
    (base, clothed, _), factor = case
    base, clothed = enlarge(base, factor), enlarge(clothed, factor)
    drawn = np.where(base[..., 3] > 0, 255, 0).astype(np.uint8)
    pair, placement = place(base, clothed)
    (rows, columns), (inside_rows, inside_columns) = placement.overlap(shrink(drawn, placement.pixel_px).shape)
    assert shrink(drawn, placement.pixel_px)[rows, columns].sum() == shrink(drawn, placement.pixel_px).sum()
    assert 0 <= inside_rows.start < inside_rows.stop <= placement.side
    assert 0 <= inside_columns.start < inside_columns.stop <= placement.side
    assert (pair[3] > 0).any() and (pair[7] > 0).any()


def test_the_figure_fills_most_of_the_square_and_keeps_its_aspect() -> None:
    base, clothed, _ = noisy_pair((900, 700), (400, 100), (333, 21))
    pair, _ = place(base, clothed)
    _, _, width, height = cv2.boundingRect((pair[3] > 127).astype(np.uint8))
    assert SIZE_PX * 0.92 < height <= SIZE_PX and height / width == pytest.approx(4, rel=0.05)
    wider, placement = place(base, clothed, margin=0.5)
    _, _, _, height = cv2.boundingRect((wider[3] > 127).astype(np.uint8))
    assert height == pytest.approx(SIZE_PX / 1.5, abs=2) and placement.side == 600


def test_small_art_is_enlarged_by_a_whole_factor() -> None:
    base, clothed, _ = noisy_pair((64, 64), (48, 20), (10, 30))
    pair, placement = place(base, clothed)
    factor = SIZE_PX // placement.side
    assert factor == 5, "48 art pixels and a margin"
    side = factor * placement.side
    np.testing.assert_array_equal(enlarge(pair[0, :side:factor, :side:factor], factor), pair[0, :side, :side])
    assert set(np.unique(pair[0])) <= {0, *np.unique(base[..., 0])}, "no colour is blended"


def test_premultiplying_is_the_naive_version() -> None:
    rgba = np.random.default_rng(0).integers(0, 256, (40, 40, 4), dtype=np.uint8)
    expected = np.round(rgba[..., :3] * (rgba[..., 3:] / 255.0))
    np.testing.assert_array_equal(premultiply(rgba)[..., :3], expected)
    np.testing.assert_array_equal(premultiply(rgba)[..., 3], rgba[..., 3])


# ---- masks of a network ----


def one(model: UNet, base: Picture, clothed: Picture) -> np.ndarray:
    return next(predict_masks(model, [(base, clothed)], CPU))


@given(pairs_of_any_size(120))
@settings(max_examples=15)
def test_pixel_art_keeps_hard_edges_and_its_mask_at_every_size(model: UNet, case: tuple[Triple, int]) -> None:
    (base, clothed, _), factor = case
    small = one(model, base, clothed)
    large = one(model, enlarge(base, factor), enlarge(clothed, factor))
    assert large.dtype == np.uint8 and set(np.unique(large)) <= {0, 255}
    np.testing.assert_array_equal(large, enlarge(small, factor))


@pytest.mark.parametrize("corner", [(0, 0), (7, 0), (31, 44), (40, 60)])
def test_where_the_figure_stands_and_how_large_its_frame_is_change_nothing(
    model: UNet, corner: tuple[int, int]
) -> None:
    base, clothed, _ = noisy_pair((64, 49), (64, 49), (0, 0))
    expected = one(model, base, clothed)
    assert 0.02 < (expected > 0).mean() < 0.98
    frames = [np.zeros((131, 149, 4), np.uint8) for _ in range(2)]
    place_of_figure = (slice(corner[0], corner[0] + 64), slice(corner[1], corner[1] + 49))
    for frame, picture in zip(frames, (base, clothed), strict=True):
        frame[place_of_figure] = picture
    found = one(model, *frames)
    np.testing.assert_array_equal(found[place_of_figure], expected)
    assert (found > 0).sum() == (expected > 0).sum()


@pytest.mark.parametrize("shape", [(8, 8), (9, 31), (64, 64), (513, 8), (333, 1001)])
def test_every_size_gets_a_mask_of_its_own_size(model: UNet, shape: tuple[int, int]) -> None:
    base, clothed, _ = noisy_pair(shape, shape, (0, 0))
    mask = one(model, base, clothed)
    assert mask.shape == shape and mask.dtype == np.uint8 and set(np.unique(mask)) <= {0, 255}


@pytest.mark.parametrize("size_px", [1, 8])
def test_what_is_transparent_is_never_clothing(model: UNet, size_px: int) -> None:
    base, clothed, _ = (enlarge(p, size_px) for p in noisy_pair((40, 50), (30, 30), (5, 8)))
    empty = np.zeros_like(base)
    assert not one(model, empty, empty).any()
    assert not one(model, base, empty).any()
    assert not one(model, empty, clothed)[clothed[..., 3] == 0].any()
    clothed[: 20 * size_px, :, 3] = 0
    mask = one(model, base, clothed)
    assert not mask[clothed[..., 3] == 0].any() and mask.any()


def test_colours_under_alpha_0_change_nothing(model: UNet) -> None:
    base, clothed, _ = noisy_pair((40, 50), (30, 30), (5, 8))
    expected = one(model, base, clothed)
    for picture in (base, clothed):
        hidden = picture[..., 3] == 0
        picture[hidden, :3] = np.random.default_rng(5).integers(0, 256, (hidden.sum(), 3))
    np.testing.assert_array_equal(one(model, base, clothed), expected)


# ---- kinds of input ----


def pictures_of_one_kind(kind: str) -> tuple[list[Image.Image], list[np.ndarray]]:
    """Both frames as PIL images of a mode, and the RGBA that they show."""
    images = []
    for picture in noisy_pair((40, 50), (30, 30), (5, 8))[:2]:
        image = Image.fromarray(picture)
        if kind == "palette":
            image = image.quantize(32)
        elif kind == "palette without alpha":
            image = image.convert("RGB").quantize(32)
        elif kind == "key colour":
            image = image.convert("RGB").quantize(16)
            image.info["transparency"] = image.getpixel((0, 0))
        else:
            image = image.convert(kind)
        images.append(image)
    return images, [np.asarray(image.convert("RGBA")) for image in images]


KINDS = ["RGBA", "RGB", "L", "LA", "palette", "palette without alpha", "key colour"]


@pytest.mark.parametrize("kind", KINDS)
def test_file_text_picture_and_array_give_the_same_mask(model: UNet, tmp_path: Path, kind: str) -> None:
    images, arrays_of_both = pictures_of_one_kind(kind)
    paths = [tmp_path / f"{half} ñ.png" for half in ("base", "clothed")]
    for image, path in zip(images, paths, strict=True):
        image.save(path)
    if kind in ("palette", "key colour"):
        assert any((array[..., 3] == 0).any() for array in arrays_of_both)
    expected = one(model, *arrays_of_both)
    assert expected.any() and expected.shape == (40, 50)
    if kind == "RGB":
        np.testing.assert_array_equal(one(model, *(array[..., :3] for array in arrays_of_both)), expected)
    with Image.open(paths[0]) as base, Image.open(paths[1]) as clothed:
        np.testing.assert_array_equal(one(model, base, clothed), expected)
    np.testing.assert_array_equal(one(model, *paths), expected)
    np.testing.assert_array_equal(one(model, *map(str, paths)), expected)
    np.testing.assert_array_equal(one(model, images[0], paths[1]), expected)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bits_a_channel_are_scaled_to_8(tmp_path: Path, channels: int) -> None:
    rgba = noisy_pair((40, 50), (30, 30), (5, 8))[0]
    if channels == 4:
        deep, expected = rgba[..., [2, 1, 0, 3]], rgba
    else:
        expected = np.dstack([*[rgba[..., 0 if channels == 1 else c] for c in range(3)], np.full((40, 50), 255)])
        deep = rgba[..., 0] if channels == 1 else rgba[..., [2, 1, 0]]
    _, data = cv2.imencode(".png", deep.astype(np.uint16) * 257)
    path = tmp_path / "deep.png"
    path.write_bytes(data.tobytes())
    np.testing.assert_array_equal(as_rgba(path), expected)
    with Image.open(path) as image:
        np.testing.assert_array_equal(as_rgba(image), expected)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((9, 9), np.uint8),
        np.zeros((9, 9, 2), np.uint8),
        np.zeros((9, 9, 4), np.float32),
        np.zeros((1, 9, 9, 4), np.uint8),
    ],
)
def test_arrays_that_are_no_pictures_are_a_programming_error(array: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"\(H, W, 3 or 4\) uint8"):
        as_rgba(array)


def test_frames_of_different_sizes_are_refused_by_name(model: UNet, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("base_frame_07.png", "clothed_frame_07.png")]
    for path, size in zip(paths, ((40, 50), (40, 51)), strict=True):
        Image.new("RGBA", size, "red").save(path)
    with pytest.raises(UserError) as error:
        one(model, *paths)
    for words in (str(paths[0]), str(paths[1]), "sizes differ", "40 x 50 but 40 x 51 px"):
        assert words in str(error.value)
    with pytest.raises(UserError, match="sizes differ"):
        one(model, np.zeros((40, 50, 4), np.uint8), paths[0])


def test_files_that_cannot_be_read_are_refused_by_name(model: UNet, tmp_path: Path) -> None:
    good = tmp_path / "good.png"
    Image.fromarray(noisy_pair((40, 50), (30, 30), (5, 8))[0]).save(good)
    (tmp_path / "cut.png").write_bytes(good.read_bytes()[:-900])
    (tmp_path / "empty.png").touch()
    for name, words in (("none.png", "no such file"), ("cut.png", "truncated"), ("empty.png", "is empty")):
        for pair in ((good, tmp_path / name), (tmp_path / name, good)):
            with pytest.raises(UserError, match=f"{name}: .*{words}"):
                one(model, *pair)


# ---- many pairs ----


def many_pairs(number: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs of many sizes, so that a mask at another's place shows."""
    return [noisy_pair((20 + n, 60 - n), (18, 30), (n % 3, n % 5), seed=n)[:2] for n in range(number)]


@pytest.mark.parametrize("number", [1, BATCH, 2 * BATCH + 1, 23])
def test_many_pairs_get_the_masks_that_they_get_one_by_one(model: UNet, number: int) -> None:
    pairs = many_pairs(number)
    masks = list(predict_masks(model, pairs, CPU))
    assert len(masks) == number
    for mask, pair in zip(masks, pairs, strict=True):
        assert mask.shape == pair[0].shape[:2]
        np.testing.assert_array_equal(mask, one(model, *pair))


def test_no_pairs_have_no_masks(model: UNet) -> None:
    assert list(predict_masks(model, [], CPU)) == []


def test_pairs_are_taken_when_they_are_needed(model: UNet) -> None:
    taken = 0

    def endless() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        nonlocal taken
        for number in count():
            taken = number + 1
            yield noisy_pair((20, 20), (18, 18), (1, 1), seed=number % 7)[:2]

    masks = predict_masks(model, endless(), CPU)
    assert taken == 0, "nothing before the first mask is asked for"
    for given_out, _ in enumerate(islice(masks, 30), 1):
        assert given_out <= taken <= given_out + 3 * BATCH


def test_a_fault_comes_when_its_turn_comes(model: UNet) -> None:
    pairs: list[tuple[Any, Any]] = [*many_pairs(3 * BATCH), (Path("none.png"), Path("none.png"))]
    masks = predict_masks(model, pairs, CPU)
    assert len(list(islice(masks, 3 * BATCH))) == 3 * BATCH
    with pytest.raises(UserError, match=r"none\.png: no such file"):
        next(masks)


def test_masks_are_the_probabilities_above_a_half(model: UNet) -> None:
    pairs = many_pairs(5)
    probabilities = list(predict_probabilities(model, pairs, CPU))
    for probability, mask in zip(probabilities, predict_masks(model, pairs, CPU), strict=True):
        assert probability.dtype == np.float32 and probability.min() >= 0 and probability.max() <= 1
        np.testing.assert_array_equal(mask > 0, probability > 0.5)


def test_real_files_of_a_set_through_the_untrained_network(model: UNet) -> None:
    folder = DATA / "masks/frames_backup_walk_north"
    pairs = [(folder / f"base_frame_{n:02d}.png", folder / f"clothed_frame_{n:02d}.png") for n in range(3)]
    for pair, mask in zip(pairs, predict_masks(model, pairs, CPU), strict=True):
        alpha = as_rgba(pair[1])[..., 3]
        assert mask.shape == alpha.shape and not mask[alpha == 0].any()


def test_a_frame_whose_square_would_fill_the_memory_is_refused() -> None:
    thin = np.zeros((8, 8_001, 4), np.uint8)
    with pytest.raises(UserError, match="8001 x 8 px; the longer side of a frame can have 8000 px"):
        next(predict_masks(lively_network(), [(thin, thin)], torch.device("cpu")))
