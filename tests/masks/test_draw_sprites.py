"""0_Draw_Sprites.py: everything in data/masks is drawn again to the pixel, and is a training folder without faults."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.paths import DATA
from masks.drawing.characters import SETS
from masks.drawing.walk_cycle import CELL, PHASES, VIEWS
from masks.sets.pairs import read_mask, read_pair
from masks.sets.pixel_art import find_pixel_size
from masks.sets.training_sets import gather_training_data
from tests.helpers import assert_user_error, run_script

pytestmark = pytest.mark.slow
DRAWN = DATA / "masks"
SCRIPT = "masks/0_Draw_Sprites.py"
PICTURES = sorted(str(path.relative_to(DRAWN)) for path in DRAWN.rglob("*.png"))


@pytest.fixture(scope="module")
def redrawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("redrawn")
    result = run_script(SCRIPT, "--output", folder / "masks", "--sheet", folder / "sheet.png")
    assert result.returncode == 0, result.stderr
    assert "75 frames in 3 sets" in result.stdout
    return folder


def test_every_picture_is_drawn_again_to_the_pixel(redrawn: Path) -> None:
    again = sorted(str(path.relative_to(redrawn / "masks")) for path in (redrawn / "masks").rglob("*.png"))
    assert again == PICTURES and len(PICTURES) == 3 * 25 * 3 + 3
    different = []
    for file in PICTURES:
        with Image.open(DRAWN / file) as ours, Image.open(redrawn / "masks" / file) as new:
            assert ours.mode == new.mode == ("L" if "mask_" in file else "RGBA")
            assert not ours.info, "metadata"
            if not np.array_equal(np.asarray(ours), np.asarray(new)):
                different.append(file)
    assert not different


def test_the_overview_shows_base_clothed_and_mask_of_every_character(redrawn: Path) -> None:
    with Image.open(redrawn / "sheet.png") as sheet:
        assert sheet.mode == "RGB" and sheet.width > 15 * 192 and sheet.height > 3 * 192
        assert len(sheet.reduce(2).getcolors(1 << 22) or []) > 1000
    record = json.loads((redrawn / "sheet.json").read_text(encoding="utf-8"))
    assert record["script"] == SCRIPT and record["figures"] == {"frames": 75, "sets": 3}


def test_the_folder_gathers_without_faults() -> None:
    sets = {found.name: found.pairs for found in gather_training_data(DRAWN)}
    assert sets.keys() == SETS.keys()
    for name, pairs in sets.items():
        assert [pair.number for pair in pairs] == [f"{index:02d}" for index in range(25)]
        pixel_sizes = {find_pixel_size([*read_pair(pair)]) for pair in pairs[::6]}
        assert pixel_sizes == {8 if SETS[name].style == "pixel" else 1}


@pytest.mark.parametrize("name", SETS)
def test_frames_are_512_px_and_masks_black_and_white_on_the_figure(name: str) -> None:
    contents = set()
    for path in sorted((DRAWN / f"masks_backup_{name}").glob("*.png")):
        with Image.open(path) as image:
            assert set(np.unique(np.asarray(image))) == {0, 255}
        mask = read_mask(path)
        number = path.stem.removeprefix("mask_")
        with Image.open(DRAWN / f"frames_backup_{name}/clothed_frame_{number}.png") as image:
            clothed = np.asarray(image)
        assert mask.shape == clothed.shape[:2] == (512, 512)
        assert not mask[clothed[..., 3] == 0].any()
        assert 0.02 < (mask > 0).mean() < 0.4
        contents.add(clothed.tobytes())
    assert len(contents) == 25, "no frame twice"


def test_the_sheets_are_a_grid_of_cells_with_a_figure_in_each() -> None:
    for file in ("base", "clothed", "other_body"):
        with Image.open(DRAWN / f"sheets/{file}.png") as image:
            sheet = np.asarray(image)
        assert sheet.shape == (len(VIEWS) * CELL, PHASES * CELL, 4)
        cells = sheet.reshape(len(VIEWS), CELL, PHASES, CELL, 4).swapaxes(1, 2)
        for cell in cells.reshape(-1, CELL, CELL, 4):
            alpha = cell[..., 3]
            assert (alpha == 255).mean() > 0.1
            assert not np.concatenate([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]]).any()


def test_all_of_it_stays_small() -> None:
    assert sum((DRAWN / file).stat().st_size for file in PICTURES) < 3_000_000


def test_an_overview_that_is_no_png_is_refused(tmp_path: Path) -> None:
    assert_user_error(run_script(SCRIPT, "--output", tmp_path / "o", "--sheet", tmp_path / "o.jpg"), "o.jpg", ".png")
    assert not list(tmp_path.iterdir())
