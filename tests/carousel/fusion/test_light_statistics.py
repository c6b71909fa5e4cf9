"""The figures about light: against naive versions, and what a change of light does to them."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from carousel.fusion.light_statistics import (
    BRIGHTNESS,
    CHROMA_BINS,
    CHROMA_RANGE,
    COLOURS,
    COUNT,
    DARK,
    HEAD_SHARE,
    NEIGHBOURS,
    QUANTILES,
    STEP_BINS,
    STEP_RANGE,
    TINT_BINS,
    TINT_RANGE,
    colour_statistics,
    edge_statistics,
    erode,
    head_mask,
    light_statistics,
    neighbour_sums,
    quantiles,
    shares,
    span_histogram,
)
from carousel.fusion.relighting import to_linear, to_srgb
from tests.carousel.helpers import draw_collage

SEEDS = st.integers(0, 2**32 - 1)


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def random_case(seed: int, side: int = 13) -> tuple[Tensor, Tensor, Tensor]:
    """Two pictures (1, 3, S, S) in [0, 1] and a mask (1, 1, S, S) of a blob, neither empty nor full."""
    rng = np.random.default_rng(seed)
    background, avatar = torch.from_numpy(rng.random((2, 1, 3, side, side), np.float32))
    mask = torch.zeros(1, 1, side, side)
    top, left = rng.integers(0, side // 2, 2)
    mask[..., top : top + side // 2, left : left + side // 2] = 1
    return background, avatar, mask * torch.from_numpy(rng.random((1, 1, side, side)) < 0.8)


def of_collage(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Background, avatar and mask of a drawn collage."""
    collage = draw_collage(seed)
    background, avatar = (
        torch.from_numpy(part).permute(2, 0, 1)[None].float() / 255 for part in (collage.background, collage.avatar)
    )
    return background, avatar, torch.from_numpy(collage.mask > 0)[None, None].float()


# ---- parts against naive versions ----


@settings(max_examples=30)
@given(SEEDS, st.integers(1, 40))
def test_quantiles_are_levels_with_the_wanted_share_below(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.random((count, 3), np.float32)
    samples = rng.integers(0, 2, count)
    found = quantiles(torch.from_numpy(values), torch.from_numpy(samples), 2).numpy().reshape(2, 3, -1)
    for sample in np.unique(samples):
        for channel in range(3):
            person = np.round(values[samples == sample, channel] * 255) / 255
            for level, share in zip(found[sample, channel], QUANTILES, strict=True):
                assert (person <= level + 1e-4).mean() >= share - 1e-5
                assert (person < level - 1e-4).mean() <= share + 1e-5


def test_quantiles_of_one_colour_are_that_colour() -> None:
    values = torch.tensor([0.2, 0.4, 1.0]).expand(36, 3)
    found = quantiles(values, torch.zeros(36, dtype=torch.long), 1).view(3, -1)
    torch.testing.assert_close(found, torch.tensor([0.2, 0.4, 1.0])[:, None].expand_as(found))


@settings(max_examples=30)
@given(SEEDS)
def test_histograms_are_shares_of_each_samples_values(seed: int) -> None:
    rng = np.random.default_rng(seed)
    index, samples = rng.integers(0, 7, 50), rng.integers(0, 2 - seed % 2, 50)  # sometimes none of the second
    found = shares(torch.from_numpy(index), torch.from_numpy(samples), 2, 7).numpy()
    for number, one in enumerate(found):
        mine = index[samples == number]
        np.testing.assert_allclose(one, np.bincount(mine, minlength=7) / max(1, len(mine)), atol=1e-6)


@settings(max_examples=30)
@given(SEEDS, st.sampled_from([(STEP_RANGE, STEP_BINS), (TINT_RANGE, TINT_BINS)]))
def test_values_out_of_the_span_fall_into_the_end_bins(seed: int, span: tuple[float, int]) -> None:
    reach, bins = span
    values = np.random.default_rng(seed).normal(0, reach, 81).astype(np.float32)
    found = span_histogram(torch.from_numpy(values), torch.zeros(81, dtype=torch.long), 1, reach, bins).numpy()[0]
    edges = np.linspace(-reach, reach, bins + 1)
    edges[[0, -1]] = -np.inf, np.inf
    naive = np.histogram(values, edges)[0] / 81
    np.testing.assert_allclose(found**2, naive, atol=1.01 / 81)  # one value on an edge may round to either side
    assert np.abs(found**2 - naive).sum() < 3 / 81


@settings(max_examples=20)
@given(SEEDS, st.integers(3, 12), st.integers(3, 12))
def test_neighbour_sums_are_naive_and_beyond_the_border_is_nothing(seed: int, height: int, width: int) -> None:
    picture = np.random.default_rng(seed).random((height, width), np.float32)
    rows, columns = np.mgrid[0:height, 0:width].reshape(2, -1)
    places = (torch.zeros(len(rows), dtype=torch.long), torch.from_numpy(rows), torch.from_numpy(columns))
    found = neighbour_sums(torch.from_numpy(picture)[None, None], *places).numpy()[:, 0]
    padded = np.pad(picture, NEIGHBOURS // 2)
    for total, row, column in zip(found, rows, columns, strict=True):
        assert total == pytest.approx(padded[row : row + NEIGHBOURS, column : column + NEIGHBOURS].sum(), abs=1e-4)


@settings(max_examples=20)
@given(SEEDS)
def test_eroding_keeps_what_has_all_its_neighbours(seed: int) -> None:
    mask = random_case(seed)[2]
    found, inside = erode(mask)[0, 0].numpy(), mask[0, 0].numpy()
    padded = np.pad(inside, 1, constant_values=1)
    for row in range(13):
        for column in range(13):
            assert found[row, column] == padded[row : row + 3, column : column + 3].min()


@pytest.mark.parametrize(("first", "last"), [(0, 13), (3, 11), (4, 5), (12, 13), (0, 7)])
def test_the_head_is_the_upper_seventh_of_the_person(first: int, last: int) -> None:
    mask = torch.zeros(2, 1, 13, 13)
    mask[0, :, first:last, 4:9] = 1
    mask[1, :, 2:9] = 1
    heads = head_mask(mask)
    rows = -(-(last - first) // round(1 / HEAD_SHARE))
    naive = torch.zeros_like(mask)
    naive[0, :, first : first + rows, 4:9] = 1
    naive[1, :, 2:3] = 1
    torch.testing.assert_close(heads, naive, rtol=0, atol=0)


def naive_chroma_histogram(rgb: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Shares of the pairs (log R/G, log B/G), by a loop over (3, h, w) float32."""
    counts = np.zeros((CHROMA_BINS, CHROMA_BINS))
    for red, green, blue in np.log(rgb[:, inside] + np.float32(DARK)).T:
        place = [
            int((np.clip(c - green, -CHROMA_RANGE, CHROMA_RANGE) + CHROMA_RANGE) / (2 * CHROMA_RANGE) * CHROMA_BINS)
            for c in (red, blue)
        ]
        counts[min(place[0], CHROMA_BINS - 1), min(place[1], CHROMA_BINS - 1)] += 1
    return counts / max(1, counts.sum())


@settings(max_examples=15)
@given(SEEDS)
def test_colour_statistics_are_quantiles_then_the_chroma_histogram(seed: int) -> None:
    _, rgb, mask = random_case(seed)
    found = colour_statistics(rgb, mask)[0].numpy()
    assert len(found) == COLOURS
    inside = mask[0, 0].numpy() > 0
    pixels = rgb[0].numpy()
    five = [*pixels, pixels.mean(0), pixels.max(0) - pixels.min(0)]
    for number, channel in enumerate(five):
        ours = (found[number * len(QUANTILES) : (number + 1) * len(QUANTILES)] + 1) / 2
        wanted = np.percentile(channel[inside], [100 * q for q in QUANTILES], method="inverted_cdf")
        np.testing.assert_allclose(ours, wanted, atol=0.5 / 255 + 1e-4)
    naive = naive_chroma_histogram(pixels, inside)
    assert np.abs(found[-(CHROMA_BINS**2) :] ** 2 - naive.ravel()).sum() < 2.01 / inside.sum()


def naive_edge_steps(background: np.ndarray, avatar: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(N, 3) logs of the person's edge over the mean of the scene within two pixels, and its brightness, by a loop."""
    steps, brightness = [], []
    reach, side = NEIGHBOURS // 2, len(mask)
    for row, column in zip(*np.nonzero(mask), strict=True):
        around = mask[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]
        rows = slice(max(0, row - reach), min(side, row + reach + 1))
        columns = slice(max(0, column - reach), min(side, column + reach + 1))
        outside = mask[rows, columns] == 0
        if around.all() or outside.sum() < 3:
            continue
        scene = background[:, rows, columns][:, outside].mean(axis=1)
        steps.append(np.log(avatar[:, row, column] + DARK) - np.log(scene + DARK))
        brightness.append(scene.mean())
    return np.array(steps).reshape(-1, 3), np.array(brightness)


@settings(max_examples=15)
@given(SEEDS)
def test_edge_statistics_are_histograms_of_the_naive_steps(seed: int) -> None:
    """The mask has a hole, around which there is too little scene to compare with."""
    background, avatar, _ = random_case(seed, 21)
    top, left = np.random.default_rng(seed).integers(0, 11, 2)
    mask = torch.zeros(1, 1, 21, 21)
    mask[..., top : top + 11, left : left + 11] = 1
    mask[..., top + 5, left + 5] = 0
    found = edge_statistics(background, avatar, mask)[0].numpy()
    steps, brightness = naive_edge_steps(background[0].numpy(), avatar[0].numpy(), mask[0, 0].numpy())
    level = steps.mean(axis=1)
    tint = steps - level[:, None]
    parts = [(steps[:, c], STEP_RANGE, STEP_BINS) for c in range(3)]
    parts += [(tint[:, c], TINT_RANGE, TINT_BINS) for c in range(3)]
    parts += [(level, STEP_RANGE, STEP_BINS)]
    kinds = np.digitize(brightness, BRIGHTNESS, right=True)
    parts += [(level[kinds == kind], STEP_RANGE, STEP_BINS) for kind in range(len(BRIGHTNESS) + 1)]
    place = 0
    for values, reach, bins in parts:
        edges = np.linspace(-reach, reach, bins + 1)
        edges[[0, -1]] = -np.inf, np.inf
        naive = np.histogram(values, edges)[0] / max(1, len(values))
        ours = found[place : place + bins] ** 2
        assert np.abs(ours - naive).sum() < 2.01 / max(1, len(values)), "at most one value on an edge went elsewhere"
        place += bins
    assert place == len(found)


# ---- the whole ----


def test_a_batch_is_described_sample_by_sample() -> None:
    cases = [of_collage(seed) for seed in range(3)]
    together = light_statistics(*(torch.cat(parts) for parts in zip(*cases, strict=True)))
    assert together.shape == (3, COUNT) and together.dtype == torch.float32
    for row, case in zip(together, cases, strict=True):
        torch.testing.assert_close(row, light_statistics(*case)[0], rtol=0, atol=1e-6)
    assert not torch.equal(together[0], together[1])
    assert float(together.min()) >= -1 and float(together.max()) <= 1.001


def test_the_scene_under_the_person_and_the_avatar_outside_say_nothing() -> None:
    background, avatar, mask = of_collage(1)
    noise = torch.rand(background.shape)
    hidden = torch.where(mask > 0, noise, background), torch.where(mask > 0, avatar, noise), mask
    torch.testing.assert_close(light_statistics(*hidden), light_statistics(background, avatar, mask), rtol=0, atol=1e-5)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_no_person_and_nothing_but_a_person_give_finite_figures(share: float) -> None:
    background, avatar, mask = of_collage(1)
    found = light_statistics(background, avatar, torch.full_like(mask, share))
    assert found.isfinite().all() and found.shape == (1, COUNT)


def peaks(statistics: Tensor) -> list[int]:
    """The fullest bin of each channel's step."""
    edge = statistics[0, 4 * COLOURS :]
    return [int(edge[c * STEP_BINS : (c + 1) * STEP_BINS].argmax()) for c in range(3)]


@pytest.mark.parametrize("stops", [-0.7, -0.3, 0.0, 0.3, 0.7])
def test_more_light_on_the_person_moves_the_peak_of_the_edge_steps_as_far(stops: float) -> None:
    """A person who took a rim of the scene along: there the step is the change of light alone."""
    scene = np.array([0.5, 0.42, 0.35])
    lit = to_srgb(to_linear(scene) * 2**stops)
    background = torch.tensor(scene, dtype=torch.float32).view(1, 3, 1, 1).expand(1, 3, 32, 32)
    avatar = torch.tensor(lit, dtype=torch.float32).view(1, 3, 1, 1).expand(1, 3, 32, 32)
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., 6:28, 9:23] = 1
    step = np.log(lit + DARK) - np.log(scene + DARK)
    bins = np.floor((step + STEP_RANGE) / (2 * STEP_RANGE) * STEP_BINS)
    found = peaks(light_statistics(background, avatar * mask, mask))
    assert np.abs(np.array(found) - bins).max() <= (1 if stops == 0 else 0)
    if stops == 0:
        assert set(found) <= {STEP_BINS // 2 - 1, STEP_BINS // 2}
