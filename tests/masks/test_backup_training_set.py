"""Step 7: archiving the reviewed working set, what it refuses, and that nothing is ever lost."""

import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.errors import UserError
from common.files import part_path
from common.journals import LOCK, locked
from masks.sets.archiving import archive, reviewed_pairs
from masks.sets.naming import base_name, clothed_name, mask_name
from masks.sets.pairs import read_mask
from masks.sets.training_sets import WORKING_SET, gather_training_data
from masks.sets.working_set import write_reviewed
from tests.helpers import REAL_DATA, assert_user_error, load_main, needs_real_data, run_script
from tests.masks.sample_sets import (
    damage,
    drawn_pair,
    files_of,
    save,
    touch,
    write_archive,
    write_pair,
    write_working_set,
)
from tests.masks.sets.test_training_sets import contents

pytestmark = pytest.mark.slow
STEP = "masks/7_backup_training_set.py"
main = load_main(STEP)


@pytest.fixture
def training_data(tmp_path: Path) -> Path:
    """One archived set, and five frames of which three are reviewed; all have proposals."""
    folder = tmp_path / "mi música [2]"
    write_archive(folder, "run_west", range(10, 13))
    write_working_set(folder, range(5), ["00", "02", "03"])
    for number in range(5):
        save(touch(folder / "masks_initial") / mask_name(f"{number:02d}"), drawn_pair(number)[2][::-1])
    return folder


def pictures_of(folder: Path) -> dict[str, bytes]:
    return {name: data for name, data in files_of(folder).items() if name.endswith(".png")}


def refused(folder: Path, animation: str = "walk_east", **settings: object) -> str:
    before = files_of(folder)
    with pytest.raises(UserError) as error:
        main(training_data=folder, animation=animation, **settings)
    assert files_of(folder) == before, "refused, and yet something changed"
    return str(error.value)


REVIEWED = ("00", "02", "03")


def assert_archived(folder: Path, name: str, working: dict[str, bytes]) -> None:
    """The archive holds the reviewed frames and masks, byte by byte, and nothing else."""
    names = [name(number) for number in REVIEWED for name in (base_name, clothed_name)]
    frames = {name: working[f"frames/{name}"] for name in names}
    masks = {mask_name(n): working[f"masks_corrected/{mask_name(n)}"] for n in REVIEWED}
    assert pictures_of(folder / f"frames_backup_{name}") == frames
    assert files_of(folder / f"masks_backup_{name}") == masks


# ---- what is archived ----


def test_the_reviewed_frames_are_archived_and_the_working_set_stays(training_data: Path) -> None:
    before = files_of(training_data)
    result = run_script(STEP, training_data.name, "walk_east", cwd=training_data.parent)
    assert result.returncode == 0, result.stderr
    assert "archived: 3 frames in" in result.stdout and "not reviewed, left out: 2" in result.stdout
    assert_archived(training_data, "walk_east", before)
    after = files_of(training_data)
    assert {name: after[name] for name in before} == before
    record = json.loads((training_data / "frames_backup_walk_east/run.json").read_text(encoding="utf-8"))
    assert record["figures"] == {"frames": 3, "left out": 2} and len(record["inputs"]) == 6
    assert not (training_data / "masks_initial_backup_walk_east").exists()
    assert [path.name for path in training_data.iterdir() if path.name.startswith(".")] == [LOCK]
    with pytest.warns(UserWarning, match="3 frames of frames/ are archived in walk_east"):
        found = contents(gather_training_data(training_data))
    assert found == {"run_west": ["00", "01", "02"], "walk_east": ["00", "02", "03"]}


def test_proposed_masks_are_archived_by_setting(training_data: Path) -> None:
    (training_data / "masks_initial/mask_02.png").unlink()
    before = files_of(training_data)
    main(training_data=training_data, animation="walk_east", with_initial=True)
    assert files_of(training_data / "masks_initial_backup_walk_east") == {
        mask_name(n): before[f"masks_initial/{mask_name(n)}"] for n in ("00", "03")
    }
    assert_archived(training_data, "walk_east", before)


def test_clearing_moves_the_whole_working_set_to_the_backups(
    training_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files_of(training_data)
    main(training_data=training_data, animation="walk_east", clear=True)
    (kept,) = (training_data / "backups").iterdir()
    assert kept.name in capsys.readouterr().out
    archived = ("frames_backup_run_west", "masks_backup_run_west", "frames_backup_walk_east", "masks_backup_walk_east")
    assert files_of(kept) == {name: data for name, data in before.items() if Path(name).parts[0] not in archived}
    assert {path.name for path in training_data.iterdir()} == {"backups", LOCK, *archived}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert WORKING_SET not in contents(gather_training_data(training_data))


def test_suffixes_in_upper_case_are_archived_by_the_convention(training_data: Path) -> None:
    (training_data / "frames/base_frame_02.png").rename(training_data / "frames/base_frame_02.PNG")
    main(training_data=training_data, animation="walk_east")
    assert (training_data / "frames_backup_walk_east/base_frame_02.png").is_file()


# ---- a name that is taken ----


def test_the_same_again_changes_nothing(training_data: Path) -> None:
    main(training_data=training_data, animation="walk_east")
    before = files_of(training_data)
    main(training_data=training_data, animation="walk_east")
    assert files_of(training_data) == before


def correct(folder: Path) -> None:
    """A reviewed mask is corrected once more."""
    mask = drawn_pair(2)[2]
    mask[:20] = 0
    save(folder / "masks_corrected/mask_02.png", mask)


def test_an_archive_that_holds_something_else_is_only_replaced_when_told_to(training_data: Path) -> None:
    main(training_data=training_data, animation="walk_east", with_initial=True)
    old = files_of(training_data)
    correct(training_data)
    assert "frames_backup_walk_east: an archive of this name" in refused(training_data)
    before = files_of(training_data)
    main(training_data=training_data, animation="walk_east", replace=True)
    assert_archived(training_data, "walk_east", before)
    (kept,) = (training_data / "backups").iterdir()
    archived = {name: data for name, data in old.items() if "backup_walk_east" in name}
    assert files_of(kept) == archived and len(archived) == 6 + 3 + 3
    assert not (training_data / "masks_initial_backup_walk_east").exists(), "it belonged to the old archive"


def test_an_archive_with_more_frames_is_something_else(training_data: Path) -> None:
    main(training_data=training_data, animation="walk_east")
    write_reviewed(training_data, ["00", "02"])
    assert "choose another name, or set REPLACE" in refused(training_data)


def test_the_name_of_another_animation_is_not_taken_over(training_data: Path) -> None:
    assert "frames_backup_run_west: an archive of this name" in refused(training_data, "run_west")


def test_empty_folders_of_that_name_are_no_archive(training_data: Path) -> None:
    touch(training_data / "frames_backup_walk_east"), touch(training_data / "masks_backup_walk_east")
    before = files_of(training_data)
    main(training_data=training_data, animation="walk_east")
    assert_archived(training_data, "walk_east", before)


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a/b", "../x", "walk east", "walk.east", "Júlia", "a\\b", "a" * 81, "walk_east\n", "🎸", "C:"],
)
def test_names_that_are_not_plain_are_refused(name: str, training_data: Path) -> None:
    assert "setting ANIMATION is" in refused(training_data, name)


@pytest.mark.parametrize("name", ["walk_east", "Walk-2", "7", "_"])
def test_plain_names_are_taken(name: str, training_data: Path) -> None:
    main(training_data=training_data, animation=name)
    assert name in contents_quietly(training_data)


def contents_quietly(folder: Path) -> dict[str, list[str]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return contents(gather_training_data(folder))


# ---- faults ----


def test_without_a_name_or_reviewed_frames_it_says_what_to_do(training_data: Path) -> None:
    assert_user_error(run_script(STEP, training_data), "ANIMATION is empty", "walk_east")
    write_reviewed(training_data, [])
    assert "no reviewed masks; review them in step 3 first" in refused(training_data)
    shutil.rmtree(training_data / "masks_corrected")
    assert "no reviewed masks" in refused(training_data)
    shutil.rmtree(training_data / "frames")
    assert "frames: no such folder" in refused(training_data)


def test_frames_that_stand_in_another_set_are_all_listed(training_data: Path) -> None:
    for number, seed in (("07", 0), ("08", 3)):
        write_pair(training_data / "frames_backup_run_west", training_data / "masks_backup_run_west", number, seed)
    message = refused(training_data)
    assert message.splitlines()[0] == "2 faults"
    for own, other in (("00", "07"), ("03", "08")):
        assert f"frames/clothed_frame_{own}.png: the same frame as" in message
        assert f"frames_backup_run_west/clothed_frame_{other}.png" in message


def test_the_same_frames_cannot_be_archived_under_two_names(training_data: Path) -> None:
    main(training_data=training_data, animation="walk_east")
    assert "3 faults" in refused(training_data, "walk_west")
    assert "the same frame as" in refused(training_data, "walk_west", replace=True)


def test_faults_of_frames_masks_and_sets_are_listed_at_once(training_data: Path) -> None:
    damage(training_data / "frames/base_frame_00.png", 0.5)
    save(training_data / "masks_corrected/mask_02.png", 255 - drawn_pair(2)[2])
    (training_data / "masks_corrected/mask_03.png").unlink()
    damage(training_data / "masks_backup_run_west/mask_01.png", 0.5)
    message = refused(training_data)
    assert message.splitlines()[0] == "4 faults"
    assert "base_frame_00.png: truncated" in message and "run_west/mask_01.png: truncated" in message
    assert "is it inverted?" in message and "has no mask masks_corrected/mask_03.png" in message


def test_a_bad_frame_that_is_not_reviewed_does_not_matter(training_data: Path) -> None:
    before = files_of(training_data)
    damage(training_data / "frames/base_frame_01.png", 0.5)
    save(training_data / "masks_corrected/mask_04.png", np.full((9, 9), 77, np.uint8))
    main(training_data=training_data, animation="walk_east")
    assert_archived(training_data, "walk_east", before)


# ---- runs that do not end ----


def test_a_copy_that_differs_archives_nothing(training_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a failing disk would: one byte of one copy is another one."""
    copyfile = shutil.copyfile

    def copy_badly(source: Path, copy: Path) -> None:
        copyfile(source, copy)
        if copy.name == "clothed_frame_03.png":
            data = bytearray(copy.read_bytes())
            data[len(data) // 2] ^= 1
            copy.write_bytes(data)

    monkeypatch.setattr(shutil, "copyfile", copy_badly)
    assert "clothed_frame_03.png: differs from" in refused(training_data)


def test_a_training_folder_that_another_run_writes_is_left_alone(training_data: Path) -> None:
    with locked(training_data):
        assert "another run is writing it" in refused(training_data)


def test_a_run_that_was_killed_while_copying_is_done_anew(training_data: Path) -> None:
    before = files_of(training_data)
    stage = touch(part_path(training_data / "frames_backup_walk_east") / "frames_backup_walk_east")
    (stage / "base_frame_99.png").write_bytes(b"half")
    main(training_data=training_data, animation="walk_east")
    assert_archived(training_data, "walk_east", before)
    assert not stage.parent.exists()


@pytest.mark.parametrize("missing", ["frames_backup_walk_east", "masks_backup_walk_east"])
def test_a_run_that_was_killed_between_renames_is_completed(missing: str, training_data: Path) -> None:
    before = files_of(training_data)
    main(training_data=training_data, animation="walk_east")
    shutil.rmtree(training_data / missing)
    main(training_data=training_data, animation="walk_east")
    assert_archived(training_data, "walk_east", before)
    assert not (training_data / "backups").exists()


def test_a_full_disk_is_one_line(training_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(source: Path, copy: Path) -> None:
        raise OSError(28, "No space left on device", str(copy))

    monkeypatch.setattr(shutil, "copyfile", no_space)
    assert "cannot archive walk_east" in refused(training_data)


# ---- real sprites ----


@needs_real_data("masks")
def test_a_real_set_goes_round(tmp_path: Path) -> None:
    source = REAL_DATA / "masks"
    shutil.copytree(source / "frames_backup_walk_east", tmp_path / "frames")
    shutil.copytree(source / "masks_backup_walk_east", tmp_path / "masks_corrected")
    for name in ("walk_north", "run_west"):
        for kind in ("frames", "masks"):
            shutil.copytree(source / f"{kind}_backup_{name}", tmp_path / f"{kind}_backup_{name}")
    write_reviewed(tmp_path, [f"{number:02d}" for number in range(25)])
    pairs = reviewed_pairs(tmp_path, "walk_east")
    assert len(pairs) == 25 and archive(tmp_path, "walk_east", pairs, with_initial=False, replace=False) is None
    for kind in ("frames", "masks"):
        name = f"{kind}_backup_walk_east"
        assert files_of(tmp_path / name) == files_of(source / name)
    assert read_mask(tmp_path / "masks_backup_walk_east/mask_03.png").any()
    with Image.open(tmp_path / "frames_backup_walk_east/base_frame_03.png") as image:
        assert image.size == (512, 512)
    assert contents_quietly(tmp_path).keys() == {"run_west", "walk_east", "walk_north"}
