"""Samples of the fusion model: shapes, seeds, geometry, what a model must not see, and splits by scene."""

import tempfile
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from carousel.collages.layout import Collage, black_outside, compose, read_collage, write_index
from carousel.fusion import training_samples
from carousel.fusion.light_estimate import MEMBERS
from carousel.fusion.relighting import relight_fixed
from carousel.fusion.training_samples import (
    CROP_SHARE,
    HALF_SHARE,
    LARGER_SHARE,
    MIN_PERSON_PX,
    SMALLER_SHARE,
    AvatarFusionDataset,
    FusionExample,
    crop,
    erode,
    fit,
    fixed_form,
    half_figure,
    keep_scene,
    load_entries,
    mix_edge,
    paste,
    region_collage,
    resize,
    split,
    to_sample,
    vary,
    vary_light,
    vary_mask,
    vary_shape,
)
from common.errors import UserError
from common.imagenet.normalisation import to_uint8
from tests.carousel.helpers import SIDE, draw_collage, entry_of, write_collage, write_collages

SEEDS = st.integers(0, 2**32 - 1)
COUNT = 6


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mis collages")
    write_collages(path, COUNT)
    return path


def dataset(
    folder: Path, training: bool = False, size_px: int = SIDE, seed: int = 0, **form: int
) -> AvatarFusionDataset:
    return AvatarFusionDataset(folder, load_entries(folder, SIDE), size_px, training, seed)


def same(one: FusionExample, other: FusionExample) -> bool:
    return all(np.array_equal(getattr(one, field.name), getattr(other, field.name)) for field in fields(FusionExample))


# ---- shapes and ranges ----


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("size_px", [64, 96])
def test_a_sample_has_six_channels_in_three_out_and_a_mask_of_0_or_1(
    folder: Path, training: bool, size_px: int
) -> None:
    samples = dataset(folder, training, size_px)
    assert len(samples) == COUNT
    for index in range(COUNT):
        sample = samples[index]
        assert 0 <= int(sample.pop("fold")) < MEMBERS
        assert sample.keys() == {"input", "target", "mask"}
        assert sample["input"].shape == (6, size_px, size_px) and sample["target"].shape == (3, size_px, size_px)
        assert sample["mask"].shape == (1, size_px, size_px)
        assert all(tensor.dtype == torch.float32 and tensor.isfinite().all() for tensor in sample.values())
        assert set(sample["mask"].unique().tolist()) == {0.0, 1.0}


def test_a_sample_is_its_example_normalised(folder: Path) -> None:
    samples = dataset(folder)
    example, sample = samples.example(1), samples[1]
    np.testing.assert_array_equal(to_uint8(sample["input"][:3]), example.background)
    np.testing.assert_array_equal(to_uint8(sample["input"][3:]), example.avatar)
    np.testing.assert_array_equal(to_uint8(sample["target"]), example.truth)
    np.testing.assert_array_equal(sample["mask"][0].numpy(), example.mask / 255)


def test_the_loader_of_pytorch_makes_batches_of_them(folder: Path) -> None:
    batch = next(iter(torch.utils.data.DataLoader(dataset(folder, training=True), batch_size=4)))
    assert {name: tuple(tensor.shape) for name, tensor in batch.items()} == {
        "input": (4, 6, SIDE, SIDE),
        "target": (4, 3, SIDE, SIDE),
        "mask": (4, 1, SIDE, SIDE),
        "fold": (4,),
    }


# ---- seeds ----


def test_the_fixed_form_is_the_same_at_each_call_and_in_each_dataset(folder: Path) -> None:
    first, second = dataset(folder), dataset(folder)
    for index in range(COUNT):
        example = first.example(index)
        assert same(example, first.example(index)) and same(example, second.example(index))
        np.testing.assert_array_equal(example.truth, read_collage(folder / first.entries[index].collage).truth)
    assert not same(first.example(0), dataset(folder, seed=1).example(0))


def test_training_varies_from_pass_to_pass_and_repeats_by_seed(folder: Path) -> None:
    samples, again, other = (dataset(folder, training=True, seed=seed) for seed in (3, 3, 4))
    for index in range(COUNT):
        passes = [samples.example(index + number * COUNT) for number in range(3)]
        assert not same(passes[0], passes[1]) and not same(passes[1], passes[2])
        assert all(same(one, again.example(index + n * COUNT)) for n, one in enumerate(passes))
        assert not same(passes[0], other.example(index))


def test_the_order_of_access_changes_nothing(folder: Path) -> None:
    forward, backward = dataset(folder, training=True), dataset(folder, training=True)
    there = [forward.example(index) for index in range(COUNT)]
    back = [backward.example(index) for index in reversed(range(COUNT))][::-1]
    assert all(same(one, other) for one, other in zip(there, back, strict=True))


def test_collages_that_do_not_fit_into_memory_are_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_samples, "CACHE_BYTES", 2 * 10 * SIDE * SIDE)
    small, whole = dataset(folder), None
    examples = [small.example(index) for index in range(COUNT)]
    assert len(small.cache) == 2
    monkeypatch.undo()
    whole = dataset(folder)
    assert all(same(example, whole.example(index)) for index, example in enumerate(examples))
    assert len(whole.cache) == COUNT


# ---- the fixed form ----


def test_the_fixed_form_is_the_protocol_on_the_true_scene() -> None:
    collage = draw_collage(2)
    example = fixed_form(np.random.default_rng(5), collage, clean=False, erode_px=0)
    lit = relight_fixed(np.random.default_rng(5), collage.truth, collage.mask)
    on = collage.mask > 0
    np.testing.assert_array_equal(example.avatar[on], lit[on])
    assert not example.avatar[~on].any()
    np.testing.assert_array_equal(example.background[~on], collage.truth[~on])
    np.testing.assert_array_equal(example.background[on], collage.background[on])
    np.testing.assert_array_equal(example.mask, collage.mask)
    np.testing.assert_array_equal(example.truth, collage.truth)


def test_the_clean_form_takes_the_clean_background_everywhere() -> None:
    collage = draw_collage(2)
    example = fixed_form(np.random.default_rng(5), collage, clean=True, erode_px=0)
    np.testing.assert_array_equal(example.background, collage.background)


@settings(max_examples=20)
@given(SEEDS, st.booleans(), st.integers(0, 3), st.sampled_from([SIDE, 48, 96]))
def test_no_form_shows_true_pixels_of_the_person(seed: int, clean: bool, erode_px: int, size_px: int) -> None:
    """The person is marked by a colour that nothing else has: it is in no background, under no mask."""
    collage = draw_collage(seed % 7)
    on = collage.mask > 0
    marked = compose(
        np.where(on[..., None], (255, 0, 255), 90).astype(np.uint8), np.full_like(collage.truth, 90), collage.mask
    )
    example = fixed_form(np.random.default_rng(seed), resize(marked, size_px), clean, erode_px)
    person = fit(marked.mask, size_px) > 0
    assert (example.background[person] == 90).all(), "what inpainting made of the hole, and nothing else"
    if clean:
        assert (example.background == 90).all()
    inside = example.mask > 0
    assert inside[~person].sum() == 0 and (not example.avatar[~inside].any())
    naive = cv2.erode(fit(marked.mask, size_px), np.ones((2 * erode_px + 1, 2 * erode_px + 1), np.uint8))
    np.testing.assert_array_equal(example.mask, naive)


@settings(max_examples=30)
@given(SEEDS)
def test_no_variation_of_training_shows_the_person_in_the_background(seed: int) -> None:
    collage = draw_collage(seed % 7)
    on = collage.mask > 0
    marked = compose(
        np.where(on[..., None], (255, 0, 255), 90).astype(np.uint8), np.full_like(collage.truth, 90), collage.mask
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_samples, "REGION_SHARE", 0)  # regions are parts of the photo, the person included
        patch.setattr(training_samples, "GRADED_SHARE", 0)
        for size_px in (SIDE, 40, 90):
            example = vary(np.random.default_rng(seed), marked, size_px)
            assert (example.background == 90).all()


@settings(max_examples=20)
@given(SEEDS)
def test_no_random_region_is_seen_in_its_background(seed: int) -> None:
    collage = region_collage(np.random.default_rng(seed), draw_collage(seed % 7))
    assert 0.05 < (collage.mask > 0).mean() < 0.35
    marked = compose(
        np.where(collage.mask[..., None] > 0, (255, 0, 255), 90).astype(np.uint8), collage.truth, collage.mask
    )
    again = region_collage(np.random.default_rng(seed), marked)
    np.testing.assert_array_equal(again.mask, collage.mask)
    assert (again.background == 90).all()


@settings(max_examples=10)
@given(SEEDS)
def test_a_graded_scene_and_its_truth_are_in_one_light_and_the_person_comes_from_the_photo(seed: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_samples, "GRADED_SHARE", 1)
        patch.setattr(training_samples, "OWN_SHARE", 0)
        patch.setattr(training_samples, "FOREIGN_SHARE", 0)
        patch.setattr(training_samples, "relight_random", neutral)
        rng = np.random.default_rng(seed)
        example, photo = vary_shape(rng, draw_collage(seed % 7), SIDE)
        shown = vary_light(rng, example, photo)
    on = example.mask > 0
    far = cv2.dilate(example.mask, np.ones((9, 9), np.uint8)) == 0
    np.testing.assert_allclose(example.background[far].astype(int), example.truth[far], atol=2)
    assert not np.array_equal(example.truth, photo)
    np.testing.assert_array_equal(shown.avatar[on], photo[on])
    np.testing.assert_array_equal(example.avatar[on], example.truth[on])


@settings(max_examples=30)
@given(SEEDS)
def test_a_half_figure_ends_at_the_frame(seed: int) -> None:
    collage = draw_collage(seed % 7)
    mask, truth = half_figure(np.random.default_rng(seed), [collage.truth, collage.mask])[::-1]
    assert mask.shape == truth.shape[:2] and len(set(mask.shape)) == 1 and set(np.unique(mask)) <= {0, 255}
    assert mask[-1].any() and not mask.all() and mask.any(axis=0).sum() > 1
    tiny = np.zeros((SIDE, SIDE), np.uint8)
    tiny[:6, :6] = 255
    assert half_figure(np.random.default_rng(seed), [tiny])[0] is tiny, "too little of the person would be left"


@settings(max_examples=20)
@given(SEEDS)
def test_foreign_colours_are_mixed_into_the_edge_alone(seed: int) -> None:
    collage = draw_collage(seed % 7)
    mixed = mix_edge(np.random.default_rng(seed), collage.truth, collage.mask)
    changed = (mixed != collage.truth).any(axis=2)
    rim = (collage.mask > 0) & (erode(collage.mask, 2) == 0)
    assert changed.any() and not changed[~rim].any()


# ---- joint geometry ----


def neutral(_: np.random.Generator, rgb: np.ndarray, __: np.ndarray) -> np.ndarray:
    return rgb


@settings(max_examples=40)
@given(SEEDS, st.sampled_from([SIDE, 48, 100]))
def test_in_neutral_light_every_variation_shows_the_person_where_the_truth_has_them(seed: int, size_px: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_samples, "relight_random", neutral)
        patch.setattr(training_samples, "FOREIGN_SHARE", 0)
        patch.setattr(training_samples, "GRADED_SHARE", 0)
        example = vary(np.random.default_rng(seed), draw_collage(seed % 7), size_px)
    on = example.mask > 0
    assert on.any() and set(np.unique(example.mask)) <= {0, 255}
    np.testing.assert_array_equal(example.avatar[on], example.truth[on])
    assert not example.avatar[~on].any()
    for part in (example.background, example.avatar, example.truth):
        assert part.shape == (size_px, size_px, 3) and part.dtype == np.uint8


@settings(max_examples=40)
@given(SEEDS)
def test_background_and_truth_are_cut_alike(seed: int) -> None:
    """Away from the person both show the same part of the scene: here a map of its own coordinates."""
    down, across = np.mgrid[0:SIDE, 0:SIDE].astype(np.uint8)
    places = np.stack([down * 3, across * 3, down + across], axis=2)
    collage = compose(places, places, draw_collage(seed % 7).mask)
    example = vary(np.random.default_rng(seed), collage, SIDE)
    far = cv2.dilate(example.mask, np.ones((9, 9), np.uint8)) == 0
    np.testing.assert_allclose(
        example.background[far].astype(int), example.truth[far], atol=2
    )  # half figures are resized


def test_variations_flip_crop_and_change_masks_in_the_stated_shares() -> None:
    collage = draw_collage(0)
    down, across = np.mgrid[0:SIDE, 0:SIDE].astype(np.uint8)
    places = np.stack([down * 3, across * 3, 0 * down], axis=2)
    marked = compose(places, np.where(collage.mask[..., None] > 0, 255, places).astype(np.uint8), collage.mask)
    flipped = whole = 0
    for seed in range(300):
        truth = vary(np.random.default_rng(seed), marked, SIDE).truth.astype(int)
        flipped += truth[0, -1, 1] < truth[0, 0, 1]
        whole += truth[0, 0, 0] == 0 and truth[-1, 0, 0] == 3 * (SIDE - 1)
    assert flipped == pytest.approx(150, abs=30) and whole == pytest.approx(
        300 * (1 - HALF_SHARE) * (1 - CROP_SHARE), abs=35
    )


@settings(max_examples=40)
@given(SEEDS)
def test_a_crop_is_a_square_part_with_enough_of_the_person(seed: int) -> None:
    collage = draw_collage(seed % 7)
    pictures = [collage.truth, collage.mask]
    truth, mask = crop(np.random.default_rng(seed), pictures)
    side = len(mask)
    assert truth.shape == (side, side, 3) and 0.65 * SIDE - 1 <= side <= SIDE
    assert (mask > 0).sum() >= MIN_PERSON_PX
    places = [
        (top, left)
        for top in range(SIDE - side + 1)
        for left in range(SIDE - side + 1)
        if np.array_equal(collage.truth[top : top + side, left : left + side], truth)
    ]
    assert any(np.array_equal(collage.mask[top : top + side, left : left + side], mask) for top, left in places), (
        "all pictures are cut at one place"
    )


def test_a_crop_that_would_lose_the_person_is_not_taken() -> None:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[:6, :6] = 255
    mask[:2, :2] = 0  # 32 px: too few for any crop
    for seed in range(20):
        assert crop(np.random.default_rng(seed), [mask])[0] is mask


# ---- masks and sizes ----


@settings(max_examples=60)
@given(SEEDS)
def test_a_varied_mask_is_the_person_a_little_smaller_or_larger(seed: int) -> None:
    mask = draw_collage(seed % 7).mask
    varied = vary_mask(np.random.default_rng(seed), mask)
    grown, shrunk = cv2.dilate(mask, np.ones((5, 5), np.uint8)), cv2.erode(mask, np.ones((5, 5), np.uint8))
    assert (shrunk <= varied).all() and (varied <= grown).all()
    assert set(np.unique(varied)) == {0, 255}


def test_masks_vary_in_both_directions_and_are_mostly_exact() -> None:
    mask = draw_collage(1).mask
    areas = np.array([int((vary_mask(np.random.default_rng(seed), mask) > 0).sum()) for seed in range(300)])
    area = int((mask > 0).sum())
    assert (areas < area).sum() == pytest.approx(300 * SMALLER_SHARE, abs=25)
    assert (areas > area).sum() == pytest.approx(300 * LARGER_SHARE, abs=18)


def test_a_tiny_person_is_not_eroded_away() -> None:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[10:18, 10:18] = 255
    for seed in range(60):
        assert (vary_mask(np.random.default_rng(seed), mask) > 0).sum() >= MIN_PERSON_PX


@settings(max_examples=30)
@given(SEEDS, st.integers(8, 200), st.integers(8, 200))
def test_resized_masks_stay_0_or_255_and_pictures_keep_their_mean(seed: int, before: int, after: int) -> None:
    rng = np.random.default_rng(seed)
    mask = np.where(rng.random((before, before)) < 0.5, 255, 0).astype(np.uint8)
    assert set(np.unique(fit(mask, after))) <= {0, 255} and fit(mask, after).shape == (after, after)
    flat = np.full((before, before, 3), rng.integers(0, 256), np.uint8)
    np.testing.assert_array_equal(fit(flat, after), np.full((after, after, 3), flat[0, 0, 0], np.uint8))


def test_halving_a_mask_is_the_majority_of_four() -> None:
    mask = np.where(np.random.default_rng(0).random((32, 32)) < 0.6, 255, 0).astype(np.uint8)
    means = mask.reshape(16, 2, 16, 2).mean(axis=(1, 3))
    np.testing.assert_array_equal(fit(mask, 16), np.where(means > 127, 255, 0))


def test_a_resized_collage_is_a_collage() -> None:
    for size_px in (40, 64, 100):
        small = resize(draw_collage(4), size_px)
        assert isinstance(small, Collage) and small.mask.shape == (size_px, size_px)
        np.testing.assert_array_equal(small.avatar, compose(small.truth, small.background, small.mask).avatar)


def test_pasting_cutting_and_keeping_are_what_they_say() -> None:
    collage = draw_collage(0)
    on = collage.mask > 0
    np.testing.assert_array_equal(black_outside(collage.truth, collage.mask), collage.avatar)
    np.testing.assert_array_equal(paste(collage.background, collage.avatar, collage.mask)[on], collage.truth[on])
    np.testing.assert_array_equal(keep_scene(collage)[~on], collage.truth[~on])
    np.testing.assert_array_equal(keep_scene(collage)[on], collage.background[on])
    assert erode(collage.mask, 0) is collage.mask


def test_an_example_of_an_empty_mask_is_still_a_sample() -> None:
    example = replace(
        fixed_form(np.random.default_rng(0), draw_collage(0), False, 0), mask=np.zeros((SIDE, SIDE), np.uint8)
    )
    assert to_sample(example)["mask"].sum() == 0


# ---- splits ----

SCENES = st.lists(st.text(max_size=12), min_size=1, max_size=20)
SHARES = st.floats(0, 1)


@settings(max_examples=40)
@given(SCENES, SHARES)
def test_no_scene_stands_on_both_sides_and_no_collage_is_lost(scenes: list[str], share: float) -> None:
    entries = [entry_of(f"{number}.png", scene) for number, scene in enumerate(scenes)]
    trained, held_out = split(entries, share)
    assert {entry.scene for entry in trained}.isdisjoint(entry.scene for entry in held_out)
    assert sorted(entry.collage for entry in trained + held_out) == sorted(entry.collage for entry in entries)


@settings(max_examples=40)
@given(SCENES, SCENES, SHARES, st.randoms())
def test_a_scene_stays_on_its_side_whatever_is_added_or_reordered(
    scenes: list[str],
    others: list[str],
    share: float,
    random: st.randoms,  # type: ignore[valid-type]
) -> None:
    entries = [entry_of(f"{number}.png", scene) for number, scene in enumerate(scenes)]
    more = entries + [entry_of(f"more {number}.png", scene) for number, scene in enumerate(others)]
    random.shuffle(more)  # type: ignore[attr-defined]
    held_out = {entry.collage for entry in split(entries, share)[1]}
    assert held_out == {entry.collage for entry in split(more, share)[1]} & {entry.collage for entry in entries}


@settings(max_examples=40)
@given(SCENES, SHARES, SHARES)
def test_a_larger_share_holds_out_the_same_scenes_and_more(scenes: list[str], one: float, other: float) -> None:
    entries = [entry_of(f"{number}.png", scene) for number, scene in enumerate(scenes)]
    few, many = ({entry.collage for entry in split(entries, share)[1]} for share in sorted((one, other)))
    assert few <= many


def test_the_share_is_about_kept_and_its_ends_are_exact() -> None:
    entries = [entry_of(f"{number}.png", f"photo {number}") for number in range(2000)]
    assert len(split(entries, 0)[1]) == 0 and len(split(entries, 1)[0]) == 0
    assert 160 < len(split(entries, 0.1)[1]) < 240


# ---- reading a folder ----


def test_all_faults_of_a_folder_are_listed_together() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_collages(folder, 5)
        (folder / "scene 0_0.png").write_bytes(b"")
        collage = draw_collage(0)
        write_collage(folder / "scene 0_1.png", replace(collage, mask=255 - collage.mask))
        write_collage(folder / "scene 1_0.png", replace(collage, mask=0 * collage.mask))
        with pytest.raises(UserError) as error:
            load_entries(folder, SIDE)
        first, *faults = str(error.value).splitlines()
        assert first == "3 faults" and len(faults) == 3
        for fault, words in zip(faults, ("scene 0_0.png: is empty", "inverted", "mask panel is empty"), strict=True):
            assert words in fault and str(folder) in fault


def test_a_person_who_vanishes_at_the_size_of_the_samples_is_a_fault(tmp_path: Path) -> None:
    collage = draw_collage(0, 256)
    mask = np.zeros_like(collage.mask)
    mask[100:102, 100:101] = 255
    write_collage(tmp_path / "tiny.png", compose(collage.truth, collage.background, mask))
    assert len(load_entries(tmp_path, 256)) == 1
    with pytest.raises(UserError, match=r"tiny\.png: the person disappears at 64 px; raise SIZE_PX$"):
        load_entries(tmp_path, 64)


def test_a_folder_without_index_and_with_one_give_the_same_samples(tmp_path: Path) -> None:
    entries = write_collages(tmp_path, 3)
    with_index = dataset(tmp_path).example(2)
    (tmp_path / "index.csv").unlink()
    assert same(dataset(tmp_path).example(2), with_index)
    write_index(tmp_path, entries[::-1])
    assert dataset(tmp_path).entries == entries[::-1]
