"""Variations of real frames: the three pictures stay together, the mask stays true, the originals stay untouched."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.paths import DATA
from masks.model.augmentation import (
    FAITHFUL,
    Sample,
    add_shapes,
    augment,
    mirror,
    new_light,
    random_colours,
    random_shape,
    recolour,
    soften,
    take_off,
    turn,
)
from masks.model.training_samples import load_frames
from masks.sets.training_sets import FrameSet, archived_set
from tests.masks.sample_sets import drawn_pair

SEEDS = st.integers(0, 100_000)


def frozen(sample: Sample) -> Sample:
    """The same pictures, which raise an error where something writes into them."""
    base, clothed, mask = (picture.copy() for picture in sample)
    for picture in (base, clothed, mask):
        picture.flags.writeable = False
    return base, clothed, mask


def rng_of(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def real() -> list[Sample]:
    """Frames that the project draws, at one value an art pixel; smooth ones too."""
    sets = [archived_set(DATA / "masks", name, []) for name in ("walk_north", "walk_east_smooth")]
    return [frozen(s) for s in load_frames([FrameSet(s.name, s.pairs[::12]) for s in sets if s is not None])]


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    """Frames of any shape with a body and a garment anywhere, or neither."""
    height, width = draw(st.integers(8, 70)), draw(st.integers(8, 70))
    rng = rng_of(draw(SEEDS))
    base = np.zeros((height, width, 4), np.uint8)
    body = [sorted(rng.integers(0, side + 1, 2)) for side in (height, width)]
    garment = [sorted(rng.integers(0, side + 1, 2)) for side in (height, width)]
    base[slice(*body[0]), slice(*body[1])] = (*rng.integers(0, 256, 3), rng.choice([255, 120]))
    mask = np.zeros((height, width), np.uint8)
    mask[slice(*garment[0]), slice(*garment[1])] = 255
    clothed = base.copy()
    clothed[mask > 0] = (*rng.integers(0, 256, 3), 255)
    return frozen((base, clothed, mask))


def assert_sound(sample: Sample) -> None:
    base, clothed, mask = sample
    assert base.shape == clothed.shape == (*mask.shape, 4)
    assert base.dtype == clothed.dtype == mask.dtype == np.uint8
    assert set(np.unique(mask)) <= {0, 255}


# ---- the whole ----


@given(samples(), SEEDS)
@settings(max_examples=150)
def test_any_sample_gives_a_sound_one_and_is_not_changed_itself(sample: Sample, seed: int) -> None:
    before = [picture.copy() for picture in sample]
    assert_sound(augment(rng_of(seed), sample))
    for picture, old in zip(sample, before, strict=True):
        np.testing.assert_array_equal(picture, old)


def test_the_same_seed_gives_the_same_and_others_do_not(real: list[Sample]) -> None:
    for sample in real:
        variations = [augment(rng_of(seed), sample) for seed in range(12)]
        for seed in (3, 5):
            again = augment(rng_of(seed), sample)
            for one, other in zip(variations[seed], again, strict=True):
                np.testing.assert_array_equal(one, other)
        assert len({clothed.tobytes() for _, clothed, _ in variations}) > 5


def test_some_variations_stay_true_to_the_frame(real: list[Sample]) -> None:
    sample = real[0]
    mirrored = [picture[:, ::-1] for picture in sample]
    plain = 0
    for seed in range(200):
        found = augment(rng_of(seed), sample)
        plain += any(
            all(a.shape == b.shape and (a == b).all() for a, b in zip(found, wanted, strict=True))
            for wanted in (sample, mirrored)
        )
    assert abs(plain / 200 - FAITHFUL) < 0.12


def test_the_others_vary_in_everything(real: list[Sample]) -> None:
    masks, garments, sides = set(), [], set()
    for seed in range(80):
        base, clothed, mask = augment(rng_of(seed), real[seed % len(real)])
        assert_sound((base, clothed, mask))
        assert (mask[clothed[..., 3] == 0] > 0).sum() <= 0.02 * max(1, (mask > 0).sum()), "clothing is drawn"
        if mask.any():
            garments.append(np.median(clothed[mask > 0][:, :3], axis=0))
        masks.add(mask.tobytes())
        sides.add(mask.shape)
    assert len(masks) > 40 and len(sides) > 10
    assert np.std(garments, axis=0).min() > 30, "colours of clothing"
    assert 65 < len(garments) < 80, "now and then nothing is worn"


# ---- one by one ----


@given(samples(), SEEDS)
def test_all_three_are_mirrored_and_turned_alike(sample: Sample, seed: int) -> None:
    code = np.arange(sample[2].size, dtype=np.uint32).reshape(sample[2].shape)
    as_bytes = code.view(np.uint8).reshape(*code.shape, 4)
    for change, wanted in (
        (mirror, [code, code[:, ::-1]]),
        (turn, [np.rot90(code, quarter) for quarter in range(4)]),
    ):
        base, clothed, mask = change(rng_of(seed), (as_bytes, as_bytes, as_bytes[..., 0]))
        np.testing.assert_array_equal(base, clothed)
        np.testing.assert_array_equal(base[..., 0], mask)
        assert all(picture.flags.c_contiguous for picture in (base, clothed, mask))
        found = base.copy().view(np.uint32)[..., 0]
        assert any(found.shape == one.shape and (found == one).all() for one in wanted)


def test_figures_stand_upright_mostly_and_look_both_ways() -> None:
    code = np.arange(12, dtype=np.uint8).reshape(3, 4)
    picture = np.dstack([code] * 4)
    mirrored = [mirror(rng_of(seed), (picture, picture, code))[2][0, 0] for seed in range(300)]
    turned = [turn(rng_of(seed), (picture, picture, code))[2].tobytes() for seed in range(300)]
    assert set(mirrored) == {0, 3} and 0.4 < np.mean(np.array(mirrored) == 3) < 0.6
    assert len(set(turned)) == 4 and 0.88 < np.mean([mask == code.tobytes() for mask in turned]) < 0.98


@given(SEEDS)
@settings(max_examples=40)
def test_soft_figures_are_larger_and_keep_their_shape(seed: int) -> None:
    sample = frozen(drawn_pair(seed % 50))
    base, clothed, mask = soften(rng_of(seed), sample)
    assert_sound((base, clothed, mask))
    assert 1.4 < len(mask) / len(sample[2]) < 4.1
    for new, old in ((base[..., 3], sample[0][..., 3]), (clothed[..., 3], sample[1][..., 3]), (mask, sample[2])):
        assert (new > 127).mean() == pytest.approx((old > 127).mean(), rel=0.15)
    assert (clothed[mask > 0][:, 3] > 60).mean() > 0.97


def test_soft_figures_have_soft_edges() -> None:
    sample = drawn_pair(1)
    assert set(np.unique(sample[0][..., 3])) == {0, 255}
    alphas = [soften(rng_of(seed), sample)[0][..., 3] for seed in range(20)]
    partly = [np.mean((alpha > 0) & (alpha < 255)) for alpha in alphas]
    assert min(partly) > 0 and np.median(partly) > 0.005


@given(samples(), SEEDS)
def test_new_colours_leave_shapes_alone_and_change_the_body_alike_in_both_frames(sample: Sample, seed: int) -> None:
    base, clothed, mask = sample
    new_base, new_clothed = recolour(rng_of(seed), base, clothed, mask)
    np.testing.assert_array_equal(new_base[..., 3], base[..., 3])
    np.testing.assert_array_equal(new_clothed[..., 3], clothed[..., 3])
    same = (mask == 0) & (base == clothed).all(axis=2)
    np.testing.assert_array_equal(new_base[same], new_clothed[same])


def test_some_garments_come_near_the_skin() -> None:
    base, clothed, mask = drawn_pair(3)
    skin = (base[..., 3] > 0) & (mask == 0)
    distances = []
    for seed in range(120):
        new_base, new_clothed = recolour(rng_of(seed), base, clothed, mask)
        colours = [np.median(p[where][:, :3], axis=0) for p, where in ((new_clothed, mask > 0), (new_base, skin))]
        distances.append(np.linalg.norm(colours[0] - colours[1]))
    assert 0.2 < np.mean(np.array(distances) < 62) < 0.75 and max(distances) > 150


@given(SEEDS)
def test_a_change_of_colours_is_one_of_colours_alone(seed: int) -> None:
    """Equal colours stay equal, alpha stays, and greys keep their order from dark to light."""
    change = random_colours(rng_of(seed))
    grey = np.repeat(np.linspace(0, 255, 32).astype(np.uint8)[None, :, None], 4, axis=2)
    changed = change(grey)
    np.testing.assert_array_equal(changed[..., 3], grey[..., 3])
    assert (np.diff(changed[0, :, :3].astype(int), axis=0) >= 0).all()
    assert changed[0, -1, :3].max() > 80, "light stays light"
    np.testing.assert_array_equal(change(np.tile(grey, (3, 2, 1)))[2, 32:], changed[0])


@given(samples(), SEEDS)
def test_what_is_taken_off_shows_the_base_again(sample: Sample, seed: int) -> None:
    base, clothed, mask = sample
    new_clothed, new_mask = take_off(rng_of(seed), base, clothed, mask)
    assert_sound((base, new_clothed, new_mask))
    assert not (new_mask[mask == 0]).any(), "nothing is added"
    gone = (mask > 0) & (new_mask == 0)
    np.testing.assert_array_equal(new_clothed[gone], base[gone])
    np.testing.assert_array_equal(new_clothed[new_mask > 0], clothed[new_mask > 0])


def test_a_piece_is_taken_off_and_now_and_then_all() -> None:
    base, clothed, mask = drawn_pair(3)
    shares = [(take_off(rng_of(seed), base, clothed, mask)[1] > 0).sum() / (mask > 0).sum() for seed in range(80)]
    assert 0.05 < np.mean(np.array(shares) == 0) < 0.5 and np.mean(np.array(shares) < 1) > 0.9
    assert 0.3 < np.median(shares) < 1


@given(samples(), SEEDS, st.booleans())
@settings(max_examples=150)
def test_added_shapes_are_clothing_or_hang_in_front_of_both(sample: Sample, seed: int, pixel_art: bool) -> None:
    base, clothed, mask = (picture.copy() for picture in sample)
    new_base, new_clothed, new_mask = add_shapes(rng_of(seed), base, clothed, mask, pixel_art)
    assert_sound((new_base, new_clothed, new_mask))
    old_base, old_clothed, old_mask = sample
    worn = (new_mask > 0) & (old_mask == 0)
    in_front = (new_base != old_base).any(axis=2)
    assert (new_clothed[worn, 3] == 255).all()
    last = in_front & (new_mask == 0)
    np.testing.assert_array_equal(new_clothed[last], new_base[last])
    untouched = ~in_front & (new_clothed == old_clothed).all(axis=2) & (new_mask == old_mask)
    assert (new_mask[~untouched & ~in_front] == 255).all(), "what changed on the clothed frame alone is clothing"


@given(samples(), SEEDS, st.floats(0.05, 0.5))
def test_a_shape_lies_on_what_it_should(sample: Sample, seed: int, size: float) -> None:
    near = sample[2] > 0
    shape = random_shape(rng_of(seed), sample[2].shape, near, size)
    assert shape.shape == near.shape and shape.dtype == bool
    if near.any() and shape.any():
        gap = np.abs(np.argwhere(shape)[:, None] - np.argwhere(near)[None]).max(axis=2).min()
        assert gap <= 2 * size * max(near.shape)


def test_shapes_are_small_and_large() -> None:
    near = np.zeros((64, 64), bool)
    near[30:34, 30:34] = True
    areas = [random_shape(rng_of(seed), near.shape, near, 0.3).sum() for seed in range(100)]
    assert min(areas) < 60 and max(areas) > 400


@given(samples(), SEEDS, st.booleans())
@settings(max_examples=60)
def test_new_light_leaves_shapes_alone(sample: Sample, seed: int, pixel_art: bool) -> None:
    _, clothed, mask = sample
    lit = new_light(rng_of(seed), clothed, mask, pixel_art)
    assert lit.dtype == np.uint8
    np.testing.assert_array_equal(lit[..., 3], clothed[..., 3])
    assert not lit[clothed[..., 3] == 0, :3].any(), "nothing is hidden under alpha 0"


def test_light_is_nearly_the_same_in_some_and_clearly_another_in_others() -> None:
    _, clothed, mask = drawn_pair(3)
    drawn = clothed[..., 3] > 0
    steps = [
        np.abs(new_light(rng_of(seed), clothed, mask, True)[drawn].astype(int) - clothed[drawn]).mean()
        for seed in range(60)
    ]
    assert np.mean(np.array(steps) < 0.5) > 0.1 and np.mean(np.array(steps) > 5) > 0.2 and max(steps) < 90


@pytest.mark.parametrize("change", [soften, mirror, turn, augment], ids=lambda change: change.__name__)
def test_empty_frames_stay_empty(change: Callable[[np.random.Generator, Sample], Sample]) -> None:
    empty = frozen((np.zeros((20, 30, 4), np.uint8), np.zeros((20, 30, 4), np.uint8), np.zeros((20, 30), np.uint8)))
    for seed in range(5):
        assert not any(picture.any() for picture in change(rng_of(seed), empty))
