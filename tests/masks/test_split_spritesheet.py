"""1_split_spritesheet.py: sheets into a training folder and back, and what it does with what is there already."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from common.errors import UserError
from common.journals import LOCK, locked
from masks.sets.pairs import find_pairs, read_pair
from masks.sets.pixel_art import enlarge, shifted, shrink
from masks.sheets.cells import Cell, SheetLayout
from masks.sheets.grid_finder import Grid, GridSettings
from masks.sheets.joining import join_folder
from masks.sheets.misalignment import find_shift
from masks.sheets.pairing import find_sheets, plan_split
from masks.sheets.splitting import make_room, unchanged_frames, write_frames
from tests.helpers import REAL_DATA, ROOT, assert_user_error, load_main, needs_real_data, run_script
from tests.masks.sheets.test_cells import META, PACKED, draw_sheet, figure

pytestmark = pytest.mark.slow
STEP = "masks/1_split_spritesheet.py"
GRID = Grid(4, 2, 32, 32)


def save(path: Path, picture: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)
    return path


def read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGBA"))


def pair_of_sheets(folder: Path, grid: Grid = GRID, name: str = "walk") -> tuple[Path, Path]:
    """A base sheet and the same clothed, saved; the last cell is empty in both."""
    sheets = (draw_sheet(grid, clothed, last_row=grid.columns - 1) for clothed in (False, True))
    base, clothed = (save(folder / half / f"{name}.png", sheet) for half, sheet in zip(("b", "c"), sheets, strict=True))
    return base, clothed


def split(base: Path, clothed: Path, folder: Path, **settings: Any) -> Any:
    """main() itself, without a process."""
    places = {"training_data": folder, "output": folder.parent / "contact.png"}
    return load_main(STEP)(base=(base,), clothed=(clothed,), **(places | settings))


def contents(folder: Path) -> dict[str, bytes]:
    """Contents of all files by name, except locks, which stay where a run was."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != LOCK]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


# ---- into frames ----


def test_a_pair_of_sheets_becomes_pairs_of_frames(tmp_path: Path) -> None:
    base, clothed = pair_of_sheets(tmp_path)
    result = run_script(
        STEP, "--base", base, "--clothed", clothed, "--training-data", "td", "--output", "o.png", cwd=tmp_path
    )
    assert result.returncode == 0, result.stderr
    for words in ("4 x 2 frames of 32 x 32 px", "7 to cut", "enlarged 16 times", "pairs of frames: 7"):
        assert words in result.stdout
    assert "shifted" not in result.stdout
    pairs = find_pairs(tmp_path / "td/frames")
    assert [pair.number for pair in pairs] == [f"{n:02d}" for n in range(7)]
    sheets = read(base), read(clothed)
    for pair, (left, top, width, height) in zip(pairs, GRID.boxes(), strict=False):
        for frame, sheet in zip(read_pair(pair), sheets, strict=True):
            assert np.array_equal(frame, enlarge(sheet[top : top + height, left : left + width], 16))
    with Image.open(tmp_path / "o.png") as contact:
        assert contact.format == "PNG" and contact.mode == "RGB" and len(contact.getcolors(1 << 20) or []) > 20
    record = json.loads((tmp_path / "o.json").read_text(encoding="utf-8"))
    assert record["figures"]["frames"] == 7 and record["figures"]["empty cells skipped"] == 1
    assert record["inputs"].keys() == {str(base), str(clothed)}


def test_numbers_are_places_of_cells_whatever_is_skipped(tmp_path: Path) -> None:
    base, clothed = pair_of_sheets(tmp_path)
    for path in (base, clothed):
        sheet = read(path).copy()
        sheet[:32, 32:64] = 0
        save(path, sheet)
    split(base, clothed, tmp_path / "td", columns=4, rows=2)
    assert [pair.number for pair in find_pairs(tmp_path / "td/frames")] == ["00", "02", "03", "04", "05", "06"]
    split(base, clothed, tmp_path / "all", columns=4, rows=2, keep_empty=True)
    assert [pair.number for pair in find_pairs(tmp_path / "all/frames")] == [f"{n:02d}" for n in range(8)]


def test_a_cell_that_is_empty_in_one_sheet_alone_is_kept(tmp_path: Path) -> None:
    base, clothed = pair_of_sheets(tmp_path)
    sheet = read(clothed).copy()
    sheet[32:, 96:] = (1, 2, 3, 255)
    save(clothed, sheet)
    split(base, clothed, tmp_path / "td", columns=4, rows=2)
    assert len(find_pairs(tmp_path / "td/frames")) == 8


@pytest.mark.parametrize(("scale", "factor"), [(None, 16), (1, 1), (3, 3)])
def test_frames_are_enlarged_by_whole_factors(scale: int | None, factor: int, tmp_path: Path) -> None:
    split(*pair_of_sheets(tmp_path), tmp_path / "td", scale=scale)
    frame = read(tmp_path / "td/frames/base_frame_05.png")
    assert frame.shape == (32 * factor, 32 * factor, 4)
    assert np.array_equal(shrink(frame, factor), read(tmp_path / "b/walk.png")[32:, 32:64])


def test_folders_of_sheets_go_by_name_and_numbers_go_on(tmp_path: Path) -> None:
    for name, columns in (("run", 3), ("walk", 4)):
        pair_of_sheets(tmp_path, Grid(columns, 2, 32, 32), name)
    split(tmp_path / "b", tmp_path / "c", tmp_path / "td")
    numbers = [pair.number for pair in find_pairs(tmp_path / "td/frames")]
    assert numbers == [f"{n:02d}" for n in (0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12)]  # run has 6 cells, its last empty
    written, faults, _ = join_folder(tmp_path / "td/frames", tmp_path / "td", tmp_path / "back", GridSettings())
    assert not faults and len(written) == 4
    for name in ("run", "walk"):
        for half, kind in (("b", "base_frame"), ("c", "clothed_frame")):
            assert np.array_equal(
                read(tmp_path / "back" / f"{name}.{kind}_sheet.png"), read(tmp_path / half / f"{name}.png")
            )


def test_sheets_that_a_person_changed_are_not_joined_over(tmp_path: Path) -> None:
    split(*pair_of_sheets(tmp_path), tmp_path / "td")

    def join() -> dict[str, bool]:
        written, _, _ = join_folder(tmp_path / "td/frames", tmp_path / "td", tmp_path / "back", GridSettings())
        return {path.name: is_written for path, is_written in written.items()}

    both = {"base_frame_sheet.png": True, "clothed_frame_sheet.png": True}
    assert join() == join() == both
    painted = save(tmp_path / "back/clothed_frame_sheet.png", np.full((8, 8, 4), 200, np.uint8)).read_bytes()
    assert join() == both | {"clothed_frame_sheet.png": False}
    assert (tmp_path / "back/clothed_frame_sheet.png").read_bytes() == painted


def packed_sheet(frames: list[np.ndarray], cells: list[Cell]) -> np.ndarray:
    sheet = np.zeros((20, 40, 4), np.uint8)
    for frame, cell in zip(frames, cells, strict=True):
        piece = frame[cell.in_frame]
        sheet[cell.on_sheet] = np.rot90(piece, 3) if cell.rotated else piece
    return sheet


def trimmed(cell: Cell, clothed: bool) -> np.ndarray:
    frame = np.zeros((16, 16, 4), np.uint8)
    frame[cell.in_frame] = figure(16, 16, 1, clothed)[cell.in_frame]
    return frame


def test_trimmed_and_rotated_frames_of_a_packer_are_restored(tmp_path: Path) -> None:
    """The clothed sheet is packed in another order than the base sheet."""
    cells = [Cell(2, 1, 10, 14, 16, 16, 3, 2), Cell(20, 3, 12, 9, 16, 16, 1, 4, rotated=True)]
    layouts = {"b": PACKED, "c": dict(reversed(PACKED.items()))}
    for half, clothed in (("b", False), ("c", True)):
        save(tmp_path / f"{half}.png", packed_sheet([trimmed(cell, clothed) for cell in cells], cells))
        text = json.dumps({"frames": layouts[half], "meta": META})
        (tmp_path / f"{half}.json").write_text(text, encoding="utf-8")
    split(
        tmp_path / "b.png", tmp_path / "c.png", tmp_path / "td", scale=1,
        layout=tmp_path / "b.json", clothed_layout=tmp_path / "c.json",
    )  # fmt: skip
    for pair, cell in zip(find_pairs(tmp_path / "td/frames"), cells, strict=True):
        for frame, clothed in zip(read_pair(pair), (False, True), strict=True):
            assert np.array_equal(frame, trimmed(cell, clothed))
    _, faults, _ = join_folder(tmp_path / "td/frames", tmp_path / "td", tmp_path / "back", GridSettings())
    assert not faults
    for half, kind in (("b", "base_frame"), ("c", "clothed_frame")):
        assert np.array_equal(read(tmp_path / "back" / f"{kind}_sheet.png"), read(tmp_path / f"{half}.png"))


def test_drawn_px_outside_of_all_frames_are_mentioned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base, clothed = pair_of_sheets(tmp_path)
    split(base, clothed, tmp_path / "td", frame_width=28, frame_height=32)
    assert "drawn px are in no frame" in capsys.readouterr().out


# ---- and back ----


@st.composite
def gridded(draw: st.DrawFn) -> tuple[Grid, tuple[int, int], int]:
    """A grid, px left over at the right and below it, and a scale."""
    sides = st.integers(8, 12)
    counts, gaps = st.integers(1, 4), st.integers(0, 3)
    grid = Grid(draw(counts), draw(counts), draw(sides), draw(sides), draw(gaps), draw(gaps))
    return grid, (draw(st.integers(0, 5)), draw(st.integers(0, 5))), draw(st.integers(1, 3))


@settings(max_examples=20)
@given(gridded(), st.integers(0, 2**32 - 1), st.booleans())
def test_split_and_join_give_the_identical_sheets(
    tmp_path_factory: pytest.TempPathFactory, drawn: tuple[Grid, tuple[int, int], int], seed: int, keep_empty: bool
) -> None:
    """Also what is hidden under alpha 0, in gutters, in empty cells and in px that are left over."""
    grid, rest, scale = drawn
    folder = tmp_path_factory.mktemp("round")
    rng = np.random.default_rng(seed)
    width, height = (side + more for side, more in zip(grid.sheet_size, rest, strict=True))
    sheets = [rng.integers(0, 255, (height, width, 4), np.uint8) for _ in "bc"]
    for left, top, w, h in grid.boxes():
        if rng.random() < 0.3:
            for sheet in sheets:
                sheet[top : top + h, left : left + w, 3] = 0
    sheets[0][grid.margin, grid.margin, 3] = 255  # something is drawn
    base, clothed = (save(folder / f"{half}.png", sheet) for half, sheet in zip("bc", sheets, strict=True))
    wanted = GridSettings(grid.columns, grid.rows, grid.frame_width, grid.frame_height, grid.margin, grid.spacing)
    plan = plan_split(find_sheets([base], [clothed], None, None), wanted, scale, keep_empty)
    write_frames(folder, plan, set())
    assert unchanged_frames(folder, plan) == set(plan.numbers)
    _, faults, _ = join_folder(folder / "frames", folder, folder / "back", GridSettings())
    assert not faults
    for sheet, kind in zip(sheets, ("base", "clothed"), strict=True):
        assert np.array_equal(read(folder / "back" / f"{kind}_frame_sheet.png"), sheet)
    shutil.rmtree(folder)


def test_masks_come_back_as_a_sheet_of_masks(tmp_path: Path) -> None:
    base, clothed = pair_of_sheets(tmp_path)
    split(base, clothed, tmp_path / "td")
    changed = (read(base) != read(clothed)).any(axis=2)
    for pair, (left, top, width, height) in zip(find_pairs(tmp_path / "td/frames"), GRID.boxes(), strict=False):
        mask = enlarge(changed[top : top + height, left : left + width], 16)
        save(tmp_path / "m" / f"mask_{pair.number}.png", np.where(mask, 255, 0).astype(np.uint8))
    shutil.copy(tmp_path / "m/mask_00.png", tmp_path / "m/mask_99.png")
    (tmp_path / "m/mask_03.png").unlink()
    result = run_script(STEP, "--join", "m", "--training-data", "td", "--joined", "j", cwd=tmp_path)
    assert_user_error(result, "mask_03.png", "missing", "mask_99.png", "no such frame", "2 skipped")
    assert "td/frames/sheet.json" in result.stdout
    with Image.open(tmp_path / "j/mask_sheet.png") as sheet:
        assert sheet.mode == "L"
        changed[:32, 96:] = False
        assert np.array_equal(np.asarray(sheet), np.where(changed, 255, 0))
    assert len((tmp_path / "j/faults.csv").read_text(encoding="utf-8").splitlines()) == 3


def test_frames_without_a_record_are_joined_into_a_plain_grid(tmp_path: Path) -> None:
    frames = [figure(24, 20, phase, clothed=True) for phase in range(5)]
    for number, frame in enumerate(frames):
        save(tmp_path / "f" / f"cutout_{number}.png", frame)
    load_main(STEP)(join=tmp_path / "f", training_data=tmp_path / "td", joined=tmp_path / "j", columns=2, spacing=3)
    sheet = read(tmp_path / "j/cutout_sheet.png")
    assert sheet.shape == (3 * 20 + 2 * 3, 2 * 24 + 3, 4)
    assert np.array_equal(sheet[23:43, 27:], frames[3])
    with pytest.raises(UserError, match="COLUMNS, MARGIN and SPACING"):
        load_main(STEP)(join=tmp_path / "f", training_data=tmp_path / "td", joined=tmp_path / "j", rows=2)


# ---- frames that do not match ----


@pytest.mark.parametrize("shift", [(1, 0), (0, -1), (-2, 1), (0, 0), (3, 3)])
def test_a_shifted_figure_is_found(shift: tuple[int, int]) -> None:
    base, clothed = (figure(48, 48, 1, clothed) for clothed in (False, True))
    assert find_shift(base, shifted(clothed, *shift[::-1])) == shift


@pytest.mark.parametrize("size", [(1, 1), (2, 9), (8, 8)])
def test_small_empty_and_equal_frames_match(size: tuple[int, int]) -> None:
    empty = np.zeros((*size, 4), np.uint8)
    full = np.full((*size, 4), 255, np.uint8)
    for base, clothed in ((empty, empty), (full, full), (empty, full), (full, empty)):
        assert find_shift(base, clothed) == (0, 0)


@given(st.integers(-12, 12), st.integers(-12, 12), st.integers(0, 2**32 - 1))
def test_moving_is_what_a_loop_over_pixels_does(right: int, down: int, seed: int) -> None:
    picture = np.random.default_rng(seed).integers(0, 255, (6, 9, 4), np.uint8)
    expected = np.zeros_like(picture)
    for row in range(6):
        for column in range(9):
            if 0 <= row - down < 6 and 0 <= column - right < 9:
                expected[row, column] = picture[row - down, column - right]
    assert np.array_equal(shifted(picture, down, right), expected)


def test_misaligned_pairs_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base, clothed = pair_of_sheets(tmp_path)
    sheet = read(clothed).copy()
    for column, shift in ((1, (1, 0)), (3, (-1, 2))):
        sheet[:32, column * 32 : column * 32 + 32] = shifted(sheet[:32, column * 32 : column * 32 + 32], *shift[::-1])
    save(clothed, sheet)
    report = split(base, clothed, tmp_path / "td", columns=4, rows=2)
    assert report.figures["shifted"] == {"01": "(+1, 0)", "03": "(-1, +2)"} and report.faults == 0
    printed = capsys.readouterr().out
    assert "frame 01: clothed is shifted by (+1, 0) art pixels" in printed
    assert "frame 03: clothed is shifted by (-1, +2) art pixels" in printed


@needs_real_data("masks")
@pytest.mark.parametrize("name", ["walk_north", "ulpc_walk_south", "run_west"])
def test_real_pairs_match_and_shifted_ones_are_found(name: str) -> None:
    """The clothed frames are re-lit and have shadows, which must not look like a shift."""
    for pair in find_pairs(REAL_DATA / f"masks/frames_backup_{name}")[::3]:
        base, clothed = (shrink(frame, 8) for frame in read_pair(pair))
        for shift in ((0, 0), (1, 0), (-1, -2)):
            assert find_shift(base, shifted(clothed, *shift[::-1])) == shift


# ---- what is there already ----


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sheets that were split, with proposed masks for all frames and corrected ones for frames 00 to 02."""
    home = tmp_path_factory.mktemp("prepared")
    split(*pair_of_sheets(home), home / "td")
    blank = np.zeros((512, 512), np.uint8)
    for number in range(7):
        save(home / f"td/masks_initial/mask_0{number}.png", blank)
    for number in range(3):
        save(home / f"td/masks_corrected/mask_0{number}.png", blank)
    (home / "td/masks_corrected/reviewed.json").write_text('{"reviewed": ["00", "01"]}', encoding="utf-8")
    return home


@pytest.fixture
def working_set(prepared: Path, tmp_path: Path) -> tuple[Path, Path, Path]:
    """A copy that a test may change: base sheet, clothed sheet, training folder."""
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    return tmp_path / "b/walk.png", tmp_path / "c/walk.png", tmp_path / "td"


def repaint(sheet: Path, cell: int) -> None:
    """Change one pixel of a cell of the upper row."""
    picture = read(sheet).copy()
    picture[20, cell * 32 + 16] = (250, 0, 0, 255)
    save(sheet, picture)


def test_splitting_again_changes_nothing(working_set: tuple[Path, Path, Path]) -> None:
    base, clothed, folder = working_set
    before = contents(folder)
    report = split(base, clothed, folder)
    assert contents(folder) == before and report.figures["unchanged"] == 7


def test_a_run_that_was_killed_goes_on_without_backups(working_set: tuple[Path, Path, Path]) -> None:
    base, clothed, folder = working_set
    before = contents(folder)
    for name in ("clothed_frame_04.png", "base_frame_05.png", "clothed_frame_05.png", "sheet.json"):
        (folder / "frames" / name).unlink()
    shutil.rmtree(folder / "masks_corrected")
    shutil.rmtree(folder / "masks_initial")
    split(base, clothed, folder)
    assert contents(folder) == {name: data for name, data in before.items() if name.startswith("frames/")}


def test_corrected_masks_are_never_orphaned_unasked(working_set: tuple[Path, Path, Path]) -> None:
    base, clothed, folder = working_set
    repaint(clothed, 1)
    before = contents(folder)
    with pytest.raises(UserError) as error:
        split(base, clothed, folder)
    for words in ("mask_01.png", "7_backup_training_set.py", "REPLACE_MASKS"):
        assert words in str(error.value)
    assert contents(folder) == before


def test_when_asked_only_the_masks_of_changed_frames_go_and_all_is_kept(working_set: tuple[Path, Path, Path]) -> None:
    base, clothed, folder = working_set
    before = contents(folder)
    repaint(clothed, 1)
    split(base, clothed, folder, replace_masks=True)
    (backup,) = (folder / "backups").iterdir()
    assert contents(backup) == before
    assert sorted(path.name for path in (folder / "masks_corrected").glob("*.png")) == ["mask_00.png", "mask_02.png"]
    assert json.loads((folder / "masks_corrected/reviewed.json").read_text(encoding="utf-8")) == {"reviewed": ["00"]}
    assert not list((folder / "masks_initial").glob("*"))
    assert np.array_equal(shrink(read(folder / "frames/clothed_frame_01.png"), 16), read(clothed)[:32, 32:64])


def test_frames_without_corrected_masks_are_replaced_with_a_copy(working_set: tuple[Path, Path, Path]) -> None:
    base, clothed, folder = working_set
    shutil.rmtree(folder / "masks_corrected")
    before = contents(folder)
    for path in (base, clothed):
        save(path, read(path)[:, :64])  # two columns are gone
    split(base, clothed, folder, columns=2, rows=2)
    (backup,) = (folder / "backups").iterdir()
    assert contents(backup) == before
    assert [pair.number for pair in find_pairs(folder / "frames")] == ["00", "01", "02", "03"]


@pytest.mark.parametrize(("place", "setting"), [("td", "TRAINING_DATA"), ("joined", "JOINED")])
def test_two_runs_into_one_folder_do_not_mix(working_set: tuple[Path, Path, Path], place: str, setting: str) -> None:
    base, clothed, folder = working_set
    settings: dict[str, Any] = {"join": folder / "frames", "joined": folder.parent / place} if place == "joined" else {}
    repaint(clothed, 1)
    before = contents(folder.parent)
    busy = settings.get("joined", folder)
    with locked(busy), pytest.raises(UserError, match=f"another run is writing it.*name another {setting}"):
        split(base, clothed, folder, replace_masks=True, **settings)
    assert contents(folder.parent) == before


@pytest.mark.parametrize("name", ["frames", "masks_initial", "masks_corrected"])
def test_a_subfolder_that_is_a_link_is_refused_before_anything_changes(
    working_set: tuple[Path, Path, Path], name: str
) -> None:
    base, clothed, folder = working_set
    (folder / name).rename(folder.parent / "elsewhere")
    (folder / name).symlink_to(folder.parent / "elsewhere")
    repaint(clothed, 1)
    before = contents(folder.parent)
    with pytest.raises(UserError, match=f"{name}: is a link that leads elsewhere; remove it"):
        split(base, clothed, folder, replace_masks=True)
    assert contents(folder.parent) == before and (folder / name).is_symlink()


def test_corrected_masks_without_frames_count_too(tmp_path: Path) -> None:
    save(tmp_path / "td/masks_corrected/mask_05.png", np.zeros((8, 8), np.uint8))
    base, clothed = pair_of_sheets(tmp_path)
    with pytest.raises(UserError, match=r"mask_05\.png"):
        split(base, clothed, tmp_path / "td")
    assert not (tmp_path / "td/frames").exists()


def test_pictures_of_the_user_beside_the_frames_stay(working_set: tuple[Path, Path, Path]) -> None:
    base, clothed, folder = working_set
    shutil.rmtree(folder / "masks_corrected")
    mine = save(folder / "frames/hero_base_sheet.png", read(base))
    (folder / "frames/sheet.json").write_text("damaged", encoding="utf-8")
    repaint(base, 2)
    split(base, clothed, folder)
    assert mine.is_file() and len(find_pairs(folder / "frames")) == 7
    plan = plan_split(find_sheets([base], [clothed], None, None), GridSettings(), None, False)
    assert make_room(folder, plan, unchanged_frames(folder, plan), False) is None


# ---- faults ----


def run_in_copy(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script without flags in a copy of the project that has no data and no outputs."""
    for part in ("common", "masks"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, str(folder / script)]
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=120, check=False, env=environment
    )


def test_without_settings_it_says_which_sheets_to_give(tmp_path: Path) -> None:
    result = run_in_copy(tmp_path, STEP)
    assert_user_error(result, "base.png: no such file; set BASE", "clothed.png: no such file; set CLOTHED")
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"base": (Path("none.png"),)}, ["none.png", "no such file", "set BASE"]),
        ({"clothed": (Path("none.png"), Path("nix.png"))}, ["none.png", "nix.png", "3 faults"]),
        ({"base": (), "clothed": ()}, ["BASE is empty", "CLOTHED is empty"]),
        ({"clothed": (Path("c/walk.png"), Path("wide.png"))}, ["1 base sheets, but 2 clothed"]),
        ({"clothed": (Path("b/walk.png"),)}, ["given as base and as clothed"]),
        ({"clothed": (Path("wide.png"),)}, ["walk.png", "wide.png", "differ in size, 32 x 32 but 40 x 32 px"]),
        ({"base": (Path("empty"),), "clothed": (Path("c"),)}, ["empty", "no sheets"]),
        ({"base": (Path("b"),), "clothed": (Path("more"),)}, ["run.png", "no base sheet has this name"]),
        ({"clothed": (Path("broken.png"),)}, ["broken.png", "not a picture"]),
        ({"columns": 3}, ["walk.png", "COLUMNS"]),
        ({"columns": 3, "rows": 2}, ["128 x 64", "COLUMNS 3, ROWS 2"]),
        ({"margin": -1}, ["MARGIN is -1"]),
        ({"scale": 0}, ["SCALE is 0"]),
        ({"scale": 64, "columns": 1, "rows": 1}, ["SCALE is 64", "4096"]),
        ({"scale": 1, "frame_width": 4, "frame_height": 4}, ["SCALE is 1", "4 to 4 px"]),
        ({"layout": Path("none.json")}, ["none.json", "no such file"]),
        ({"layout": Path("walk.json"), "columns": 4}, ["LAYOUT", "leave"]),
        ({"clothed_layout": Path("walk.json")}, ["CLOTHED_LAYOUT needs LAYOUT"]),
        ({"layout": Path("walk.json")}, ["walk.json", "40 x 20", "128 x 64"]),
        ({"output": Path("o.jpg")}, ["o.jpg", ".png"]),
        ({"output": Path("c/walk.png")}, ["walk.png", "an input"]),
        ({"join": Path("empty")}, ["empty", "no numbered pictures"]),
        ({"join": Path("none")}, ["none", "no such folder"]),
    ],
)
def test_what_cannot_be_split_is_refused_and_nothing_written(
    settings: dict[str, Any], words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pair_of_sheets(tmp_path)
    (tmp_path / "empty").mkdir()
    for path in ("more/walk.png", "more/run.png"):
        save(tmp_path / path, draw_sheet(GRID, True))
    save(tmp_path / "wide.png", draw_sheet(Grid(4, 2, 40, 32), True))
    (tmp_path / "broken.png").write_bytes(b"\x89PNG")
    (tmp_path / "walk.json").write_text(json.dumps({"frames": PACKED, "meta": META}), encoding="utf-8")
    before = contents(tmp_path)
    defaults = {"base": (Path("b/walk.png"),), "clothed": (Path("c/walk.png"),), "output": Path("o.png")}
    with pytest.raises(UserError) as error:
        load_main(STEP)(**(defaults | {"training_data": Path("td"), "joined": Path("j")} | settings))
    for word in words:
        assert word in str(error.value)
    assert contents(tmp_path) == before


def test_packed_frames_of_a_pair_must_have_one_size(tmp_path: Path) -> None:
    base, clothed = (save(tmp_path / f"{half}.png", np.full((20, 40, 4), 255, np.uint8)) for half in "bc")
    faulty = {"differ in size": PACKED | {"walk 1.png": {"frame": {"x": 0, "y": 0, "w": 9, "h": 12}}}}
    (tmp_path / "b.json").write_text(json.dumps({"frames": PACKED}), encoding="utf-8")
    for words, frames in faulty.items():
        (tmp_path / "c.json").write_text(json.dumps({"frames": frames}), encoding="utf-8")
        with pytest.raises(UserError, match=words):
            split(base, clothed, tmp_path / "td", layout=tmp_path / "b.json", clothed_layout=tmp_path / "c.json")


def test_one_layout_counts_for_both_sheets(tmp_path: Path) -> None:
    base, clothed = (save(tmp_path / f"{half}.png", draw_sheet(Grid(2, 1, 16, 16), half == "c")) for half in "bc")
    rows = [{"filename": f"f {n}", "frame": {"x": 16 * n, "y": 0, "w": 16, "h": 16}} for n in range(2)]
    (tmp_path / "l.json").write_text(json.dumps({"frames": rows}), encoding="utf-8")
    split(base, clothed, tmp_path / "td", layout=tmp_path / "l.json", scale=2)
    frame = read(tmp_path / "td/frames/clothed_frame_01.png")
    assert np.array_equal(frame, enlarge(read(clothed)[:, 16:], 2))


def test_layouts_of_several_sheets_are_found_by_name(tmp_path: Path) -> None:
    for name in ("run", "walk"):
        pair_of_sheets(tmp_path, Grid(2, 2, 32, 32), name)
        cells = SheetLayout(64, 64, {str(n): Cell(32 * n, 0, 32, 32, 32, 32) for n in range(2)}).cells
        rows = {key: {"frame": {"x": cell.left, "y": 0, "w": 32, "h": 32}} for key, cell in cells.items()}
        (tmp_path / f"{name}.json").write_text(json.dumps({"frames": rows}), encoding="utf-8")
    split(tmp_path / "b", tmp_path / "c", tmp_path / "td", layout=tmp_path)
    assert len(find_pairs(tmp_path / "td/frames")) == 4
    (tmp_path / "walk.json").unlink()
    with pytest.raises(UserError, match=r"walk\.json: no such file"):
        split(tmp_path / "b", tmp_path / "c", tmp_path / "td", layout=tmp_path)
