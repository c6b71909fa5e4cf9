"""8_dress.py as a user runs it: one garment, many bodies."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from common.errors import UserError
from common.journals import locked
from masks.model.metrics import f1_score
from masks.sets.pixel_art import enlarge
from masks.sheets.grid_finder import Grid
from tests.helpers import REAL_DATA, assert_user_error, load_main, needs_real_data, run_script
from tests.masks.cutouts.test_dressing import clothes_of, read, save
from tests.masks.sheets.test_cells import draw_sheet
from tests.masks.test_split_spritesheet import contents, run_in_copy

pytestmark = pytest.mark.slow
STEP = "masks/8_dress.py"
GRID = Grid(4, 2, 32, 32)


def blue_skin(sheet: np.ndarray) -> np.ndarray:
    """Another body of the same poses."""
    return np.where(sheet[..., 3:] > 0, sheet // 2 + np.array((0, 0, 90, 128), np.uint8), 0).astype(np.uint8)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sheets that were split, cut-outs of all frames, and another body as a sheet and as a folder of frames."""
    tmp_path = tmp_path_factory.mktemp("prepared")
    base, clothed = (draw_sheet(GRID, half == "c") for half in "bc")
    sheets = save(tmp_path / "b.png", base), save(tmp_path / "c.png", clothed)
    places = {"training_data": tmp_path / "td", "output": tmp_path / "split.png"}
    load_main("masks/1_split_spritesheet.py")(base=sheets[:1], clothed=sheets[1:], **places)
    for path in (tmp_path / "td/frames").glob("clothed_frame_*.png"):
        save(tmp_path / "cutouts" / path.name.replace("clothed_frame", "cutout"), clothes_of(read(path)))
    save(tmp_path / "blue.png", blue_skin(base))
    for place, (left, top, width, height) in enumerate(GRID.boxes()):
        save(tmp_path / f"folder/base_frame_0{place}.png", blue_skin(base)[top : top + height, left : left + width])
    return tmp_path


@pytest.fixture
def workplace(prepared: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    return tmp_path


def dressed_sheet() -> np.ndarray:
    """What must come out: the garment over the other body, painted on whole sheets."""
    body, clothes = blue_skin(draw_sheet(GRID)), clothes_of(draw_sheet(GRID, True))
    return np.where(clothes[..., 3:] > 0, clothes, body)


def test_bodies_as_sheets_and_folders_are_dressed_alike(workplace: Path) -> None:
    flags = ("--cutouts", "cutouts", "--output", "out")
    result = run_script(STEP, "td", "--bodies", "blue.png", "folder", *flags, cwd=workplace)
    assert result.returncode == 0, result.stderr
    for name in ("blue", "folder"):
        assert f"{name}: 8 of 8 cut-outs used" in result.stdout
        assert np.array_equal(read(workplace / f"out/{name}/dressed_frame_sheet.png"), dressed_sheet())
        for place, (left, top, width, height) in enumerate(GRID.boxes()):
            frame = read(workplace / f"out/{name}/frames/dressed_frame_0{place}.png")
            assert np.array_equal(frame, enlarge(dressed_sheet()[top : top + height, left : left + width], 16))
        with Image.open(workplace / f"out/{name}/preview.png") as preview:
            assert preview.format == "PNG" and preview.mode == "RGB"
            assert len(preview.resize((64, 64)).getcolors(1 << 20) or []) > 20
    record = json.loads((workplace / "out/run.json").read_text(encoding="utf-8"))
    assert record["figures"] == {"blue": 8, "folder": 8} and len(record["inputs"]) == 8
    assert not (workplace / "out/faults.csv").exists()


def test_the_own_body_gets_its_clothes_back(workplace: Path) -> None:
    flags: dict[str, Any] = {"cutouts": workplace / "cutouts", "training_data": workplace / "td"}
    load_main(STEP)(bodies=(workplace / "td/frames",), output=workplace / "out", **flags)
    assert np.array_equal(read(workplace / "out/td/dressed_frame_sheet.png"), draw_sheet(GRID, True))


def test_a_sheet_without_a_record_is_cut_by_the_settings_or_what_can_be_seen(workplace: Path) -> None:
    flags: dict[str, Any] = {"cutouts": workplace / "cutouts", "training_data": workplace / "none"}
    for name, grid in (("seen", {}), ("said", {"frame_width": 32, "frame_height": 32})):
        load_main(STEP)(bodies=(workplace / "blue.png",), output=workplace / name, **flags, **grid)
        frame = read(workplace / name / "blue/frames/dressed_frame_05.png")
        assert np.array_equal(frame, enlarge(dressed_sheet()[32:, 32:64], 16))


def test_clothes_can_be_moved_by_art_pixels(workplace: Path) -> None:
    flags: dict[str, Any] = {"cutouts": workplace / "cutouts", "training_data": workplace / "td"}
    bodies = (workplace / "blue.png",)
    for name, offset in (("here", 0), ("there", 2)):
        load_main(STEP)(bodies=bodies, output=workplace / name, offset_x=offset, offset_y=-offset, **flags)
    here, there = (read(workplace / name / "blue/frames/dressed_frame_01.png") for name in ("here", "there"))
    body = enlarge(blue_skin(draw_sheet(GRID))[:32, 32:64], 16)
    garment = (here != body).any(axis=2)
    moved = np.roll(garment, (-32, 32), axis=(0, 1))
    assert np.array_equal(there[moved], here[garment]) and np.array_equal(there[~moved], body[~moved])


def test_a_bad_file_among_many_is_left_out_and_listed(workplace: Path) -> None:
    (workplace / "cutouts/cutout_02.png").write_bytes((workplace / "cutouts/cutout_02.png").read_bytes()[:200])
    (workplace / "cutouts/cutout_05.png").unlink()
    (workplace / "folder/base_frame_07.png").unlink()
    (workplace / "cutouts/cutout_01.png").unlink()
    (workplace / "cutouts/cutout_01.png").symlink_to("cutout_01.png")
    flags = ("--bodies", "folder", "--cutouts", "cutouts", "--training-data", "td", "--output", "out")
    result = run_script(STEP, *flags, cwd=workplace)
    assert_user_error(result, "cutout_02.png", "base_frame_05.png", "cutout_07.png", "4 skipped")
    assert "4 of 7 cut-outs used" in result.stdout
    assert len(list((workplace / "out/folder/frames").iterdir())) == 4
    record = json.loads((workplace / "out/run.json").read_text(encoding="utf-8"))
    assert [Path(name).stem for name in record["inputs"]] == ["cutout_00", "cutout_03", "cutout_04", "cutout_06"]
    with open(workplace / "out/faults.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    expected = {
        "folder/base_frame_01.png",
        "folder/base_frame_02.png",
        "folder/base_frame_05.png",
        "folder/cutout_07.png",
    }
    assert {row[0] for row in rows[1:]} == expected


def test_a_second_run_keeps_what_a_person_painted_and_names_stale_cut_outs(workplace: Path) -> None:
    """Here masks that a person painted lie beside the cut-outs and are newer."""
    settings: dict[str, Any] = {"cutouts": workplace / "cutouts", "bodies": (workplace / "folder",)}
    load_main(STEP)(output=workplace / "out", training_data=workplace / "td", **settings)
    painted = save(workplace / "out/folder/frames/dressed_frame_01.png", np.full((512, 512, 4), 77, np.uint8))
    save(workplace / "masks/mask_03.png", np.zeros((32, 32), np.uint8))
    flags = ("--bodies", "folder", "--cutouts", "cutouts", "--output", "out")
    result = run_script(STEP, "td", *flags, cwd=workplace)
    assert result.returncode == 0, result.stderr
    assert "cut-outs 03; run step 5 again" in result.stdout
    (kept,) = [line for line in result.stdout.splitlines() if "you or an earlier version made them" in line]
    assert kept.endswith(": dressed_frame_01.png")
    assert (read(painted) == 77).all()
    assert (read(workplace / "out/folder/dressed_frame_sheet.png")[:32, 32:64] == 77).all()


def test_two_runs_into_one_folder_do_not_mix(workplace: Path) -> None:
    settings: dict[str, Any] = {"cutouts": workplace / "cutouts", "bodies": (workplace / "folder",)}
    settings |= {"output": workplace / "out", "training_data": workplace / "td"}
    load_main(STEP)(**settings)
    before = contents(workplace / "out")
    with locked(workplace / "out"), pytest.raises(UserError, match="another run is writing it"):
        load_main(STEP)(**settings, offset_x=2)
    assert contents(workplace / "out") == before


def test_without_cut_outs_it_says_which_step_makes_them(tmp_path: Path) -> None:
    assert_user_error(run_in_copy(tmp_path, STEP), "cutouts", "run masks/5_predict_masks.py first")
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"cutouts": Path("none")}, ["none", "no such folder"]),
        ({"cutouts": Path("folder")}, ["folder", "cutout_00.png"]),
        ({"bodies": (Path("none"),)}, ["none", "no such file"]),
        ({"bodies": (Path("cutouts"),)}, ["cutouts", "base_frame_00.png"]),
        ({"bodies": (Path("broken.png"),)}, ["broken.png", "not a picture"]),
        ({"bodies": ()}, ["BODIES"]),
        ({"bodies": (Path("blue.png"),), "columns": 3, "rows": 2}, ["128 x 64", "COLUMNS 3"]),
        ({"offset_x": 999}, ["OFFSET_X is 999"]),
        ({"columns": 0}, ["COLUMNS is 0"]),
        ({"training_data": Path("damaged")}, ["sheet.json", "scale"]),
    ],
)
def test_what_cannot_be_dressed_is_refused_and_nothing_written(
    settings: dict[str, Any], words: list[str], workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workplace)
    (workplace / "broken.png").write_bytes(b"\x89PNG")
    (workplace / "damaged/frames").mkdir(parents=True)
    (workplace / "damaged/frames/sheet.json").write_text('{"sheets": []}', encoding="utf-8")
    defaults: dict[str, Any] = {
        "cutouts": Path("cutouts"), "bodies": (Path("folder"),), "training_data": Path("td"), "output": Path("out")
    }  # fmt: skip
    with pytest.raises(UserError) as error:
        load_main(STEP)(**(defaults | settings))
    for word in words:
        assert word in str(error.value)
    assert not (workplace / "out").exists()


@needs_real_data("masks")
def test_real_garments_on_real_bodies(tmp_path: Path) -> None:
    """The character of frames 10 to 14 puts on what that of frames 0 to 4 wears; poses are the same."""
    frames = REAL_DATA / "masks/frames_backup_walk_south"
    for number in range(5):
        mask = read(REAL_DATA / f"masks/masks_backup_walk_south/mask_{number:02d}.png") > 0
        cutout = np.where(mask[..., None], read(frames / f"clothed_frame_{number:02d}.png"), 0).astype(np.uint8)
        save(tmp_path / f"cutouts/cutout_{number:02d}.png", cutout)
        save(
            tmp_path / f"body/base_frame_{number:02d}.png", read(frames / f"base_frame_{number + 10:02d}.png")[::8, ::8]
        )
    load_main(STEP)(
        cutouts=tmp_path / "cutouts", bodies=(tmp_path / "body",), training_data=tmp_path, output=tmp_path / "out"
    )
    for number in range(5):
        dressed = read(tmp_path / f"out/body/frames/dressed_frame_{number:02d}.png")
        cutout = read(tmp_path / f"cutouts/cutout_{number:02d}.png")
        body = read(frames / f"base_frame_{number + 10:02d}.png")
        worn = cutout[..., 3] == 255
        assert worn.any() and np.array_equal(dressed[worn], cutout[worn])
        assert np.array_equal(dressed[cutout[..., 3] == 0], body[cutout[..., 3] == 0])


def test_clothes_are_fitted_to_a_sheet_of_another_size(workplace: Path) -> None:
    grid = Grid(4, 2, 40, 48)
    save(workplace / "tall.png", blue_skin(draw_sheet(grid)))
    places = ("--training-data", "td", "--cutouts", "cutouts", "--output", "out", "--bodies", "tall.png")
    assert_user_error(run_script(STEP, *places, cwd=workplace), "tall.png", "160 x 96 px, but")
    result = run_script(STEP, *places, "--fit", cwd=workplace)
    assert result.returncode == 0, result.stderr
    sheet, clothes = read(workplace / "out/tall/dressed_frame_sheet.png"), clothes_of(draw_sheet(grid, True))
    covered = clothes_of(sheet)[..., 3] > 0
    assert f1_score(covered, clothes[..., 3] > 0) > 0.85
    assert np.array_equal(sheet[~covered], blue_skin(draw_sheet(grid))[~covered])
