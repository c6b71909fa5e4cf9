"""Pairing of frames by name and by pose: other orders, missing frames, sheets of other sizes."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from masks.sets.pixel_art import enlarge, shifted
from masks.sheets.frame_matching import match_poses, pair_by_name
from masks.sheets.grid_finder import Grid, GridSettings
from masks.sheets.pairing import SplitPlan, find_sheets, plan_split
from tests.helpers import REAL_DATA, needs_real_data
from tests.masks.sheets.test_cells import figure

SIDE, COUNT = 32, 8


def frames(clothed: bool, count: int = COUNT) -> list[np.ndarray]:
    """A walking figure that grows a little, so that no two poses are alike."""
    return [figure(SIDE, SIDE, 2 * np.pi * n / count, clothed, reach=0.6 + 0.03 * n) for n in range(count)]


def sheet(pictures: Sequence[np.ndarray], columns: int, margin: int = 0) -> np.ndarray:
    grid = Grid(columns, -(-len(pictures) // columns), SIDE, SIDE, margin)
    width, height = grid.sheet_size
    result = np.zeros((height, width, 4), np.uint8)
    for (left, top, w, h), picture in zip(grid.boxes(), pictures, strict=False):
        result[top : top + h, left : left + w] = picture
    return result


def plan_of(folder: Path, base: np.ndarray, clothed: np.ndarray) -> SplitPlan:
    for name, picture in (("base.png", base), ("clothed.png", clothed)):
        Image.fromarray(picture).save(folder / name)
    sheets = find_sheets([folder / "base.png"], [folder / "clothed.png"], None, None)
    return plan_split(sheets, GridSettings(), scale=1, keep_empty=False)


def assert_pairs(plan: SplitPlan, places: Sequence[int]) -> None:
    """The plan cuts base and clothed frames of these poses, in this order."""
    base, clothed = frames(False), frames(True)
    cut = list(plan.frames())
    assert len(cut) == len(places)
    for (number, ours, theirs), place in zip(cut, places, strict=True):
        assert int(number) == place
        assert np.array_equal(ours, base[place]) and np.array_equal(theirs, clothed[place])


@pytest.mark.parametrize("seed", range(3))
def test_clothed_frames_in_another_order_are_paired_by_their_poses(seed: int, tmp_path: Path) -> None:
    order = np.random.default_rng(seed).permutation(COUNT)
    clothed = frames(True)
    plan = plan_of(tmp_path, sheet(frames(False), 4), sheet([clothed[place] for place in order], 4))
    assert_pairs(plan, range(COUNT))
    assert "paired by their poses" in " ".join(plan.describe())


def test_a_clothed_frame_that_is_missing_leaves_its_base_frame_out(tmp_path: Path) -> None:
    clothed = frames(True)
    plan = plan_of(tmp_path, sheet(frames(False), 4), sheet([*clothed[:3], *clothed[4:]], 4))
    assert_pairs(plan, [0, 1, 2, 4, 5, 6, 7])
    assert "03: no clothed frame, left out" in " ".join(plan.describe())


def test_a_cell_that_is_blank_on_the_clothed_sheet_is_named(tmp_path: Path) -> None:
    clothed = frames(True)
    clothed[2] = np.zeros_like(clothed[2])
    plan = plan_of(tmp_path, sheet(frames(False), 4), sheet(clothed, 4))
    assert len(plan.numbers) == COUNT
    assert "02: nothing on the clothed sheet" in " ".join(plan.describe())


@pytest.mark.parametrize(
    "clothed", [sheet(frames(True), 8), sheet(frames(True), 4, 3), enlarge(sheet(frames(True), 4), 3)]
)
def test_sheets_of_other_columns_margins_and_whole_factors_go_together(clothed: np.ndarray, tmp_path: Path) -> None:
    assert_pairs(plan_of(tmp_path, sheet(frames(False), 4), clothed), range(COUNT))


def test_the_given_order_stays_where_no_other_is_clearly_better() -> None:
    base, clothed = frames(False), frames(True)
    given = list(range(COUNT))
    assert match_poses(base, clothed, given) == given
    twice = [0, 0, 2, 2, 4, 4, 6, 6]  # equal frames fit one another equally well
    assert match_poses([base[n] for n in twice], [clothed[n] for n in twice], given) == given
    assert match_poses(base, [shifted(frame, -1, 2) for frame in clothed], given) == given


def test_names_that_begin_differently_are_paired_by_the_rest(tmp_path: Path) -> None:
    assert pair_by_name(["body_1", "body_2", "body_3"], ["coat_3", "coat_1", "coat_2"]) == [1, 2, 0]
    assert pair_by_name(["a_1", "a_2", "a_3"], ["b_3", "b_1"]) == [1, None, 0]
    assert pair_by_name(["a 9", "a 10", "a 11"], ["b 10", "b 11"]) == [None, 0, 1]
    assert pair_by_name(["x", "y"], ["p", "q"]) == [0, 1]
    order = [5, 2, 0, 7, 4, 1, 6, 3]
    clothed = frames(True)
    for name, pictures, numbers in (
        ("base", frames(False), range(COUNT)),
        ("clothed", [clothed[n] for n in order], order),
    ):
        Image.fromarray(sheet(pictures, COUNT)).save(tmp_path / f"{name}.png")
        cells = {
            f"{name} {n}.png": {"frame": {"x": SIDE * at, "y": 0, "w": SIDE, "h": SIDE}} for at, n in enumerate(numbers)
        }
        (tmp_path / f"{name}.json").write_text(json.dumps({"frames": cells}), encoding="utf-8")
    paths = [tmp_path / name for name in ("base.png", "clothed.png", "base.json", "clothed.json")]
    assert_pairs(
        plan_split(find_sheets(paths[:1], paths[1:2], paths[2], paths[3]), GridSettings(), scale=1, keep_empty=False),
        range(COUNT),
    )


@needs_real_data("masks")
@pytest.mark.parametrize("name", ["walk_south", "run_west", "tmw64"])
def test_real_frames_keep_their_order_and_find_it_again(name: str) -> None:
    pairs = [
        [
            np.asarray(Image.open(REAL_DATA / f"masks/frames_backup_{name}/{kind}_frame_{n:02d}.png"))[::8, ::8]
            for n in range(15)
        ]
        for kind in ("base", "clothed")
    ]
    given: list[int | None] = list(range(15))
    assert match_poses(pairs[0], pairs[1], given) == given
    order = np.random.default_rng(0).permutation(15)
    found = match_poses(pairs[0], [pairs[1][place] for place in order], given)
    assert [order[place] for place in found if place is not None] == given
