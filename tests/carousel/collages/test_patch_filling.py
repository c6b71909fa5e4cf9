"""Filling by patches: textures go on, layers keep their places, nothing barred is copied."""

import numpy as np
import pytest

from carousel.collages.inpainting import clean_background
from carousel.collages.patch_filling import COMPONENTS, MOST_PAIRS, PATCH, _patches, _search, _sources, fill_by_patches


def hole_in(height: int, width: int, rows: slice, columns: slice) -> np.ndarray:
    hole = np.zeros((height, width), bool)
    hole[rows, columns] = True
    return hole


def test_a_texture_goes_on_where_a_smooth_filling_is_grey() -> None:
    rows, columns = np.mgrid[:96, :128]
    photo = np.repeat((255 * ((rows // 6 + columns // 6) % 2)).astype(np.uint8)[..., None], 3, axis=2)
    hole = hole_in(96, 128, slice(30, 66), slice(48, 84))
    wrong = {
        method: np.abs(clean_background(photo, hole, method).astype(int) - photo)[hole].mean()
        for method in ("patches", "rows")
    }
    assert wrong["patches"] < 20 and wrong["rows"] > 80


def test_a_horizon_behind_the_person_goes_on() -> None:
    rng = np.random.default_rng(0)
    photo = np.where(np.arange(120)[:, None, None] < 60, (90, 140, 230), (70, 120, 40)) + rng.integers(
        -12, 13, (120, 160, 1)
    )
    photo = photo.astype(np.uint8)
    filled = clean_background(photo, hole_in(120, 160, slice(20, 115), slice(60, 95)))
    is_sky = filled[..., 2].astype(int) > filled[..., 1]
    assert is_sky[:57].all() and not is_sky[63:].any()
    assert filled[70:110, 65:90].std(axis=(0, 1)).min() > 3, "the ground keeps its grain"


def test_what_is_barred_is_not_copied() -> None:
    photo = np.full((80, 100, 3), (40, 90, 160), np.uint8)
    other = hole_in(80, 100, slice(20, 70), slice(60, 75))
    photo[other] = (200, 30, 30)
    hole = hole_in(80, 100, slice(15, 75), slice(30, 60))
    filled = fill_by_patches(photo, hole, guess=np.where(hole[..., None], 120, photo).astype(np.uint8), avoid=other)
    assert filled[hole][:, 0].max() < 130, "no red"


def test_without_a_whole_patch_outside_the_guess_remains() -> None:
    photo = np.zeros((40, 40, 3), np.uint8)
    hole = hole_in(40, 40, slice(3, 40), slice(0, 40))
    guess = np.full_like(photo, 77)
    assert (fill_by_patches(photo, hole, guess) == guess).all()


@pytest.mark.parametrize("size", [(9, 120), (120, 9), (8, 8), (300, 40)])
def test_odd_shapes_are_filled(size: tuple[int, int]) -> None:
    photo = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    hole = hole_in(*size, slice(2, 6), slice(2, 6))
    filled = clean_background(photo, hole)
    assert (filled[~hole] == photo[~hole]).all() and (clean_background(photo, hole) == filled).all()


def test_the_search_finds_what_comparing_each_pair_finds() -> None:
    """With few colours, all components are kept, and the naive comparison is of the same distances."""
    rng = np.random.default_rng(2)
    basis = rng.normal(size=(COMPONENTS // 6, 3))
    smooth = rng.integers(0, 2, (30, 34, 1)) * 20.0
    picture = (128 + smooth * basis[0]).astype(np.float32)
    inside = hole_in(30, 34, slice(12, 16), slice(14, 18))
    sources = _sources(~inside, inside)
    matches = _search(picture, inside, sources)
    away = np.array([67, 20]) / 30
    for place, move, error in zip(matches.places, matches.moves, matches.errors, strict=True):
        ours, theirs = _patches(picture, place[None]), _patches(picture, sources)
        naive = ((ours - theirs) ** 2).mean(axis=1) + (((sources - place) * away) ** 2).sum(axis=1)
        found = naive[(sources == place + move).all(axis=1)][0]
        assert found <= 1.6 * naive.min() + 1 and error**2 <= naive.min() + 1
    assert _patches(picture, sources).shape[1] == 3 * PATCH * PATCH


def test_the_work_of_a_search_does_not_grow_with_the_hole() -> None:
    compared = []
    for side in (40, 120, 180):
        inside = hole_in(256, 256, slice(40, 40 + side), slice(40, 40 + side))
        sources = _sources(~inside, inside)
        matches = _search(np.zeros((256, 256, 3), np.float32), inside, sources[:50])
        compared.append(len(matches.places) * len(sources))
    assert compared[0] < compared[1] <= 1.1 * MOST_PAIRS and compared[2] <= 1.1 * MOST_PAIRS
