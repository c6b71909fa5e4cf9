"""Copies in backups/."""

from collections.abc import Callable
from pathlib import Path

import pytest

from common.errors import UserError
from common.files import part_path
from masks.sets.backups import copy_to_backups, move_to_backups
from masks.sets.training_sets import WORKING_SET, gather_training_data
from tests.masks.sample_sets import files_of, touch
from tests.masks.sets.test_training_sets import contents


def test_copies_are_whole_dated_and_never_written_over(training_data: Path) -> None:
    before = files_of(training_data / "masks_corrected")
    kept = [copy_to_backups(training_data, ["masks_corrected", "masks_initial"]) for _ in range(3)]
    assert len(set(kept)) == 3 and files_of(training_data / "masks_corrected") == before
    for copy in kept:
        assert copy is not None and copy.parent == training_data / "backups"
        assert files_of(copy / "masks_corrected") == before and not (copy / "masks_initial").exists()
    assert WORKING_SET in contents(gather_training_data(training_data)), "copies are not gathered"


def test_what_a_kill_cut_short_is_removed_with_the_next_copy(training_data: Path) -> None:
    backups = training_data / "backups"
    stage, mine = part_path(backups / "2026-01-31_10-00-00_2"), part_path(backups / "holidays")
    touch(stage / "masks_corrected")
    touch(mine)
    copy = copy_to_backups(training_data, ["masks_corrected"])
    assert set(backups.iterdir()) == {mine, copy}


def test_putting_away_moves(training_data: Path) -> None:
    before = files_of(training_data / "frames")
    kept = move_to_backups(training_data, ["frames", "masks_corrected"])
    assert kept is not None and files_of(kept / "frames") == before
    assert not (training_data / "frames").exists() and not (training_data / "masks_corrected").exists()


@pytest.mark.parametrize("way", [copy_to_backups, move_to_backups])
def test_nothing_to_keep_leaves_no_folder(way: Callable[[Path, list[str]], Path | None], tmp_path: Path) -> None:
    touch(tmp_path / "masks_initial")
    assert way(tmp_path, ["masks_initial", "masks_corrected"]) is None
    assert not (tmp_path / "backups").exists()


def test_a_copy_that_cannot_be_made_is_a_user_error(training_data: Path) -> None:
    (training_data / "backups").write_text("a file", encoding="utf-8")
    with pytest.raises(UserError, match="cannot keep a copy of masks_corrected"):
        copy_to_backups(training_data, ["masks_corrected"])
