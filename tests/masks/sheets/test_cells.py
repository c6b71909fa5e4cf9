"""Sheets: cells, layouts as JSON, grids that are found, frames cut out and joined."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from common.errors import UserError
from masks.sets.pixel_art import enlarge
from masks.sheets.cells import Cell, SheetLayout, SheetPair, SheetRecord, cut_frame, paste_frame
from masks.sheets.grid_finder import Grid, GridSettings, drawn_pixels, find_grid
from masks.sheets.joining import find_numbered, join_frames, plain_record
from masks.sheets.layout_files import read_layout, read_record, write_record
from tests.helpers import REAL_DATA, needs_real_data

SKIN, SHIRT, TROUSERS, HAIR = (224, 172, 130, 255), (60, 90, 170, 255), (70, 60, 50, 255), (90, 50, 20, 255)


def figure(width: int, height: int, phase: float, clothed: bool, reach: float = 0.7, thin: bool = False) -> np.ndarray:
    """A walking figure, (height, width, 4): head with hair, trunk, arms and legs that swing."""
    rows, columns = np.mgrid[:height, :width] + 0.5
    tall, wide, floor = height * reach, width * reach, height - 1
    top, middle = floor - tall, width / 2
    swing = 0.14 * wide * np.sin(phase)
    limb = max(0.7, 0.06 * wide)
    frame = np.zeros((height, width, 4), np.uint8)
    for side in (-1, 1):
        arm = np.abs(columns - middle - side * 0.28 * wide - side * swing * (rows - top) / tall) < limb
        leg = np.abs(columns - middle - side * (0.1 * wide + swing * (rows - top - 0.5 * tall) / tall)) < limb
        frame[arm & (rows > top + 0.3 * tall) & (rows < top + 0.6 * tall)] = SKIN
        frame[leg & (rows > top + 0.6 * tall) & (rows < floor)] = TROUSERS if clothed else SKIN
    trunk = (np.abs(columns - middle) < (0.1 if thin else 0.22) * wide) & (rows > top + 0.25 * tall)
    frame[trunk & (rows < top + 0.65 * tall)] = SHIRT if clothed else SKIN
    head = ((columns - middle) / (0.2 * wide + 1)) ** 2 + ((rows - top - 0.14 * tall) / (0.14 * tall + 0.5)) ** 2 < 1
    frame[head] = SKIN
    frame[head & (rows < top + 0.1 * tall)] = HAIR
    return frame


def draw_sheet(grid: Grid, clothed: bool = False, last_row: int = 0, **look: Any) -> np.ndarray:
    """A figure in every cell of a grid, but in the last row only in the first `last_row` cells where that is not 0."""
    width, height = grid.sheet_size
    sheet = np.zeros((height, width, 4), np.uint8)
    for place, (left, top, w, h) in enumerate(grid.boxes()):
        row, column = divmod(place, grid.columns)
        if not (last_row and row == grid.rows - 1 and column >= last_row):
            phase = 2 * np.pi * column / grid.columns + row
            sheet[top : top + h, left : left + w] = figure(w, h, phase, clothed, **look)
    return sheet


# ---- cells ----


def test_a_rotated_frame_lies_turned_clockwise_on_the_sheet() -> None:
    upright = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)  # 3 wide, 2 high
    sheet = np.zeros((5, 4, 4), np.uint8)
    for row in range(2):
        for column in range(3):
            sheet[1 + column, 2 + 1 - row] = upright[row, column]  # the first row becomes the last column
    cell = Cell(2, 1, 2, 3, 3, 2, rotated=True)
    assert np.array_equal(cut_frame(sheet, cell), upright)
    again = np.zeros_like(sheet)
    paste_frame(again, cell, upright)
    assert np.array_equal(again, sheet)


def test_a_trimmed_frame_gets_its_border_back() -> None:
    sheet = np.full((4, 4, 4), 9, np.uint8)
    frame = cut_frame(sheet, Cell(1, 0, 2, 3, 10, 8, inset_left=5, inset_top=4))
    assert frame.shape == (8, 10, 4)
    assert (frame[4:7, 5:7] == 9).all() and np.count_nonzero(frame) == 3 * 2 * 4


@st.composite
def cells(draw: st.DrawFn) -> tuple[Cell, int]:
    width, height = draw(st.integers(0, 6)), draw(st.integers(0, 6))
    left, top, inset_left, inset_top, *more = (draw(st.integers(0, 5)) for _ in range(6))
    rotated = draw(st.booleans())
    upright = (height, width) if rotated else (width, height)
    whole = (upright[0] + inset_left + more[0], upright[1] + inset_top + more[1])
    return Cell(left, top, width, height, *whole, inset_left, inset_top, rotated), draw(st.integers(1, 3))


@given(cells(), st.integers(0, 2**32 - 1))
def test_cut_and_paste_undo_each_other(drawn: tuple[Cell, int], seed: int) -> None:
    cell, factor = drawn
    sheet = np.random.default_rng(seed).integers(1, 255, (12, 12, 4), np.uint8)
    frame = cut_frame(sheet, cell)
    blank = sheet.copy()
    blank[cell.on_sheet] = 0
    assert paste_frame(blank, cell, frame) == 0
    assert np.array_equal(blank, sheet)
    assert np.array_equal(cut_frame(enlarge(sheet, factor), cell.times(factor)), enlarge(frame, factor))


def test_what_lies_outside_a_trimmed_rectangle_is_counted() -> None:
    frame = np.full((4, 4, 4), 255, np.uint8)
    assert paste_frame(np.zeros((8, 8, 4), np.uint8), Cell(0, 0, 2, 3, 4, 4, 1, 1), frame) == 16 - 6


# ---- layouts as JSON ----

PACKED: dict[str, Any] = {
    "walk 0.png": {
        "frame": {"x": 2, "y": 1, "w": 10, "h": 14},
        "rotated": False,
        "trimmed": True,
        "spriteSourceSize": {"x": 3, "y": 2, "w": 10, "h": 14},
        "sourceSize": {"w": 16, "h": 16},
        "duration": 100,
    },
    "walk 1.png": {
        "frame": {"x": 20, "y": 3, "w": 9, "h": 12},  # as TexturePacker says it: the size before it was turned
        "rotated": True,
        "trimmed": True,
        "spriteSourceSize": {"x": 1, "y": 4, "w": 9, "h": 12},
        "sourceSize": {"w": 16, "h": 16},
    },
}
META = {"app": "https://www.aseprite.org/", "image": "walk.png", "size": {"w": 40, "h": 20}, "scale": "1"}


def write_layout(path: Path, frames: Any = None, meta: Any = META) -> Path:
    path.write_text(json.dumps({"frames": PACKED if frames is None else frames, "meta": meta}), encoding="utf-8")
    return path


def test_hash_and_array_form_say_the_same(tmp_path: Path) -> None:
    rows = [{"filename": name} | entry for name, entry in PACKED.items()]
    as_hash, as_array = (read_layout(write_layout(tmp_path / "a.json", f), (40, 20)) for f in (PACKED, rows))
    assert as_hash == as_array
    assert as_hash.cells == {
        "walk 0.png": Cell(2, 1, 10, 14, 16, 16, 3, 2),
        "walk 1.png": Cell(20, 3, 12, 9, 16, 16, 1, 4, rotated=True),
    }


def test_a_frame_needs_no_more_than_its_rectangle(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'\xef\xbb\xbf{"frames": {"a": {"frame": {"x": 1.0, "y": 0, "w": 8, "h": 9}}}}')
    assert read_layout(tmp_path / "a.json", (9, 9)).cells == {"a": Cell(1, 0, 8, 9, 8, 9)}


def test_packers_that_give_the_turned_size_are_understood(tmp_path: Path) -> None:
    entry = PACKED["walk 1.png"] | {"frame": {"x": 20, "y": 3, "w": 12, "h": 9}}
    layout = read_layout(write_layout(tmp_path / "a.json", {"a": entry}), (40, 20))
    assert layout.cells["a"] == Cell(20, 3, 12, 9, 16, 16, 1, 4, rotated=True)


def changed(key: str, value: object, name: str = "walk 0.png") -> dict[str, Any]:
    """PACKED with one value replaced, or removed where it is None."""
    frames = json.loads(json.dumps(PACKED))
    *path, last = key.split(".")
    parent = frames[name]
    for step in path:
        parent = parent[step]
    parent[last] = value
    if value is None:
        del parent[last]
    return frames


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        (changed("frame.x", "2"), ["walk 0.png", "frame.x", "a whole number", "'2'"]),
        (changed("frame.x", 2.5), ["frame.x", "2.5"]),
        (changed("frame.x", True), ["frame.x", "True"]),
        (changed("frame.x", -1), ["frame.x", "-1"]),
        (changed("frame.x", float("nan")), ["frame.x", "nan"]),
        (changed("frame.x", 10**30), ["frame.x"]),
        (changed("frame.w", None), ["frame.w", "missing"]),
        (changed("frame", [1, 2, 3, 4]), ["frame", "an object"]),
        (changed("frame", None), ["frame", "missing"]),
        (changed("rotated", "no"), ["rotated", "true or false"]),
        (changed("frame.x", 31), ["frame", "outside the sheet of 40 x 20"]),
        (changed("frame.y", 12, "walk 1.png"), ["walk 1.png", "outside the sheet"]),
        (changed("frame.w", 11), ["11 x 14", "spriteSourceSize"]),
        (changed("spriteSourceSize.x", 7), ["spriteSourceSize", "outside sourceSize", "16 x 16"]),
        (changed("sourceSize.w", 0), ["sourceSize.w", "0"]),
        (changed("sourceSize.w", 65536), ["sourceSize", "8192"]),
        ({}, ["0 frames"]),
        ([], ["0 frames"]),
        ([{"frame": {}}], ["frames[0].filename", "missing"]),
        ([7], ["frames[0]", "object"]),
        ([{"filename": "a", "frame": {"x": 0, "y": 0, "w": 8, "h": 8}}] * 2, ["same filename"]),
        ("walk", ["frames", "an object"]),
        (7, ["frames", "an object"]),
    ],
)
def test_a_faulty_layout_is_refused_by_key(frames: Any, words: list[str], tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        read_layout(write_layout(tmp_path / "walk.json", frames), (40, 20))
    for word in ["walk.json", *words]:
        assert word in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["not JSON"]),
        (b"{", ["not JSON"]),
        (b"[" * 100_000, ["not JSON"]),
        (b"\xff\xfe", ["not JSON"]),
        (b"[]", ["'frames'"]),
        (b"{}", ["walk.json: frames: is missing"]),
        (b'{"frames": {}, "meta": 7}', ["0 frames"]),
        (b'{"frames": {}, "meta": {"size": 7}}', ["meta.size", "an object"]),
        (b'{"frames": {}, "meta": {"size": {"w": 8, "h": 8}}}', ["made for a sheet of 8 x 8", "40 x 20"]),
        (b'{"textures": [{"frames": []}]}', ["0 frames"]),
        (b" " * 33_000_000, ["32 MB"]),
    ],
)
def test_what_is_no_layout_is_refused(content: bytes, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "walk.json").write_bytes(content)
    with pytest.raises(UserError) as error:
        read_layout(tmp_path / "walk.json", (40, 20))
    for word in ["walk.json", *words]:
        assert word in str(error.value)


def test_layouts_with_absurdly_many_or_large_frames_are_refused(tmp_path: Path) -> None:
    frame = {"frame": {"x": 0, "y": 0, "w": 8, "h": 8}, "spriteSourceSize": {"x": 0, "y": 0, "w": 8, "h": 8}}
    many = {str(place): frame for place in range(10_001)}
    large = {str(place): frame | {"sourceSize": {"w": 8192, "h": 8192}} for place in range(10)}
    for frames, word in ((many, "10001 frames"), (large, "megapixels")):
        with pytest.raises(UserError, match=word):
            read_layout(write_layout(tmp_path / "a.json", frames), (40, 20))


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 60) | st.floats() | st.sampled_from(["frames", "x", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*"xywh", "frame", "rotated", "spriteSourceSize", "sourceSize"]), inner)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["frames", "meta"]), st.dictionaries(st.sampled_from("ab"), JUNK) | JUNK))
def test_any_json_is_either_understood_or_refused(tmp_path_factory: pytest.TempPathFactory, content: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "junk.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    try:
        layout = read_layout(path, (40, 20))
    except UserError as error:
        assert "junk.json" in str(error)
        return
    sheet = np.zeros((20, 40, 4), np.uint8)
    for cell in layout.cells.values():
        assert sheet[cell.on_sheet].shape[:2] == (cell.height, cell.width)
        assert cut_frame(sheet, cell).shape == (cell.frame_height, cell.frame_width, 4)


@given(st.lists(cells(), min_size=1, max_size=5), st.integers(1, 64), st.booleans())
def test_a_record_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[Cell, int]], scale: int, regular: bool
) -> None:
    whole = [cell for cell, _ in drawn if cell.frame_width and cell.frame_height]
    layout = SheetLayout(
        12, 13, {f"{number:02d}": cell for number, cell in enumerate(whole or [Cell(0, 0, 8, 8, 8, 8)])}
    )
    record = SheetRecord(scale, [SheetPair("walk", layout, layout, Grid(3, 2, 8, 9, 1, 2) if regular else None)])
    folder = tmp_path_factory.getbasetemp()
    write_record(folder, record)
    assert read_record(folder) == record


@pytest.mark.parametrize("name", ["../walk", "a/b", "a\\b", "", ".x", "C:x"])
def test_a_record_cannot_name_files_elsewhere(name: str, tmp_path: Path) -> None:
    layout = SheetLayout(8, 8, {"00": Cell(0, 0, 8, 8, 8, 8)})
    write_record(tmp_path, SheetRecord(1, [SheetPair(name, layout, layout)]))
    with pytest.raises(UserError, match=r"sheets\[0\].name"):
        read_record(tmp_path)


def test_a_damaged_record_is_refused(tmp_path: Path) -> None:
    assert read_record(tmp_path) is None
    layout = SheetLayout(8, 8, {"00": Cell(0, 0, 8, 8, 8, 8)})
    write_record(tmp_path, SheetRecord(1, [SheetPair("walk", layout, layout)]))
    text = (tmp_path / "sheet.json").read_text(encoding="utf-8")
    faults = {'"scale": 1': '"scale": 0', '"00"': '"aa"', '"grid": null': '"grid": {}', '"meta"': '"mata"'}
    for whole, damaged in faults.items():
        (tmp_path / "sheet.json").write_text(text.replace(whole, damaged), encoding="utf-8")
        with pytest.raises(UserError, match=r"sheet\.json"):
            read_record(tmp_path)


# ---- grids ----


@pytest.mark.parametrize(
    "grid",
    [
        Grid(8, 1, 64, 64),
        Grid(1, 6, 32, 48),
        Grid(3, 4, 48, 48),
        Grid(9, 4, 64, 64),
        Grid(13, 21, 32, 32),
        Grid(4, 4, 24, 32),
        Grid(5, 5, 16, 16),
        Grid(6, 2, 100, 80),
        Grid(4, 2, 256, 256),
        Grid(8, 4, 64, 64, margin=2, spacing=2),
        Grid(9, 4, 32, 48, margin=0, spacing=1),
        Grid(4, 3, 64, 64, margin=1, spacing=0),
    ],
    ids=str,
)
def test_the_grid_of_drawn_sheets_is_found(grid: Grid) -> None:
    sheets = [draw_sheet(grid, clothed) for clothed in (False, True)]
    found = find_grid(sheets, GridSettings(), "walk.png")
    assert (found.columns, found.rows) == (grid.columns, grid.rows)
    if grid.margin == grid.spacing == 0:
        assert found == grid


def test_short_rows_and_opaque_grounds_do_not_hide_a_grid() -> None:
    grid = Grid(6, 3, 48, 64)
    sheet = draw_sheet(grid, last_row=2)
    assert find_grid([sheet], GridSettings(), "walk.png") == grid
    sheet[sheet[..., 3] == 0] = (255, 0, 255, 255)
    assert find_grid([sheet], GridSettings(), "walk.png") == grid


def test_random_sheets_are_cut_rightly_or_refused() -> None:
    rng = random.Random(4)
    found = refused = 0
    for _ in range(60):
        size = rng.choice([(16, 16), (32, 32), (24, 32), (32, 48), (64, 64), (40, 56)])
        gaps = rng.choice([(0, 0), (0, 0), (0, 0), (1, 1), (2, 2), (0, 2)])
        grid = Grid(rng.choice([3, 4, 6, 8, 9]), rng.choice([1, 2, 4, 5]), *size, *gaps)
        last_row = rng.randint(1, grid.columns) if grid.rows > 1 else 0
        sheet = draw_sheet(grid, reach=rng.uniform(0.5, 0.95), last_row=last_row, thin=rng.random() < 0.3)
        try:
            got = find_grid([sheet], GridSettings(), "walk.png")
        except UserError:
            refused += 1
            continue
        found += 1
        assert (got.columns, got.rows) == (grid.columns, grid.rows), grid
    assert found >= 54 and found + refused == 60


def unclear(kind: str) -> np.ndarray:
    rng = np.random.default_rng(3)
    sheet = np.zeros((192, 256, 4), np.uint8)
    if kind == "noise":
        sheet[...] = rng.integers(0, 255, sheet.shape)
    elif kind == "one figure":
        sheet[:] = figure(256, 192, 0, clothed=False)
    elif kind == "packed":  # an atlas: figures of all sizes where there was room
        for left, top, width, height in [(0, 0, 70, 90), (75, 4, 40, 60), (130, 0, 120, 100), (3, 96, 110, 95)]:
            sheet[top : top + height, left : left + width] = figure(width, height, 1, clothed=False, reach=0.95)
    elif kind == "filled":
        sheet[..., :] = (10, 200, 30, 255)
        sheet[0, 0] = 0
    return sheet


@pytest.mark.parametrize("kind", ["noise", "one figure", "packed", "filled"])
def test_a_grid_that_is_not_clear_is_refused_with_the_settings_to_give(kind: str) -> None:
    with pytest.raises(UserError) as error:
        find_grid([unclear(kind)], GridSettings(), "walk.png")
    for word in ("walk.png", "COLUMNS and ROWS", "FRAME_WIDTH and FRAME_HEIGHT"):
        assert word in str(error.value)
    assert "\n" not in str(error.value)


def test_figures_that_touch_are_refused_with_a_guess() -> None:
    sheet = np.zeros((64, 256, 4), np.uint8)
    for column in range(4):
        sheet[8:60, column * 64 + 16 : column * 64 + 48] = SKIN
        sheet[30:40, column * 64 : (column + 1) * 64] = SKIN  # arms stretched over the whole cell
    with pytest.raises(UserError, match="perhaps 4 x 1 frames of 64 x 64 px"):
        find_grid([sheet], GridSettings(), "walk.png")


def test_a_sheet_without_anything_is_refused() -> None:
    with pytest.raises(UserError, match=r"walk.png: nothing is drawn"):
        find_grid([np.zeros((64, 64, 4), np.uint8)], GridSettings(), "walk.png")


@pytest.mark.parametrize(
    ("wanted", "size", "grid"),
    [
        (GridSettings(columns=4, rows=2), (128, 64), Grid(4, 2, 32, 32)),
        (GridSettings(frame_width=32, frame_height=16), (128, 64), Grid(4, 4, 32, 16)),
        (GridSettings(frame_width=32, frame_height=16), (140, 70), Grid(4, 4, 32, 16)),  # px left over
        (GridSettings(columns=4, frame_height=16, spacing=2), (38, 34), Grid(4, 2, 8, 16, 0, 2)),
        (GridSettings(columns=2, rows=1, margin=3, spacing=1), (23, 14), Grid(2, 1, 8, 8, 3, 1)),
        (GridSettings(columns=2, frame_width=8, rows=1, frame_height=8), (99, 99), Grid(2, 1, 8, 8)),
        (GridSettings(frame_width=8, frame_height=8, margin=3, spacing=1), (23, 14), Grid(2, 1, 8, 8, 3, 1)),
        (GridSettings(frame_width=8, frame_height=8, margin=3), (19, 11), Grid(2, 1, 8, 8, 3)),  # on two sides only
    ],
)
def test_a_grid_that_is_given_counts_as_given(wanted: GridSettings, size: tuple[int, int], grid: Grid) -> None:
    sheet = np.zeros((size[1], size[0], 4), np.uint8)
    assert find_grid([sheet], wanted, "walk.png") == grid


def test_what_is_given_of_a_grid_helps_to_find_the_rest() -> None:
    grid = Grid(4, 3, 48, 48)
    sheet = draw_sheet(grid)
    for wanted in (GridSettings(columns=4), GridSettings(frame_height=48), GridSettings(margin=0, spacing=0)):
        assert find_grid([sheet], wanted, "walk.png") == grid


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"columns": 3, "rows": 1}, ["64 x 64", "COLUMNS 3"]),
        ({"columns": 65, "rows": 1}, ["COLUMNS 65"]),
        ({"frame_width": 65, "frame_height": 8}, ["FRAME_WIDTH 65"]),
        ({"frame_width": 32, "columns": 3, "rows": 1}, ["COLUMNS 3", "FRAME_WIDTH 32"]),
        ({"columns": 2, "rows": 2, "margin": 40}, ["MARGIN 40"]),
        ({"columns": 0}, ["COLUMNS is 0"]),
        ({"spacing": -1}, ["SPACING is -1"]),
    ],
)
def test_a_grid_that_cannot_be_is_refused(wanted: dict[str, int], words: list[str]) -> None:
    with pytest.raises(UserError) as error:
        find_grid([np.zeros((64, 64, 4), np.uint8)], GridSettings(**wanted), "walk.png")
    for word in words:
        assert word in str(error.value)


def test_a_million_frames_are_refused() -> None:
    with pytest.raises(UserError, match="more than the limit of 10000"):
        find_grid([np.zeros((1000, 1000, 4), np.uint8)], GridSettings(frame_width=1, frame_height=1), "walk.png")


@needs_real_data("masks")
@pytest.mark.parametrize("name", ["walk_north", "run_west", "vector_bust", "mh_walk_south"])
def test_the_grid_of_real_frames_is_found(name: str) -> None:
    frames = [REAL_DATA / f"masks/frames_backup_{name}/clothed_frame_{place:02d}.png" for place in range(12)]
    for columns in (4, 6, 12):
        grid = Grid(columns, 12 // columns, 64, 64)
        sheet = np.zeros((grid.sheet_size[1], grid.sheet_size[0], 4), np.uint8)
        for path, (left, top, width, height) in zip(frames, grid.boxes(), strict=True):
            small = Image.open(path).resize((64, 64), Image.Resampling.NEAREST)
            sheet[top : top + height, left : left + width] = np.asarray(small)
        assert find_grid([sheet], GridSettings(), name) == grid


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_what_is_drawn_is_what_is_not_ground(seed: int, opaque: bool) -> None:
    drawn = np.random.default_rng(seed).random((5, 7)) < 0.5
    drawn[0, 0] = False
    sheet = np.full((5, 7, 4), (9, 8, 7, 255 if opaque else 0), np.uint8)
    sheet[drawn] = (1, 2, 3, 255)
    assert np.array_equal(drawn_pixels(sheet), drawn)


# ---- joining ----


def save(path: Path, frame: np.ndarray) -> Path:
    Image.fromarray(frame).save(path)
    return path


LAYOUT = SheetLayout(20, 10, {"00": Cell(0, 0, 8, 8, 8, 8), "01": Cell(10, 1, 8, 8, 8, 8)})


def test_frames_of_any_whole_size_are_joined_without_loss(tmp_path: Path) -> None:
    one, two = figure(8, 8, 0, True), figure(8, 8, 1, True)
    expected = np.zeros((10, 20, 4), np.uint8)
    expected[:8, :8], expected[1:9, 10:18] = one, two
    files = {"00": save(tmp_path / "a_00.png", enlarge(one, 4)), "01": save(tmp_path / "a_01.png", two)}
    sheet, faults = join_frames(files, LAYOUT)
    assert not faults and np.array_equal(sheet, expected)

    fine = enlarge(two, 2)
    fine[0, 0] = (1, 2, 3, 255)  # half an art pixel: the sheet must be twice as large
    save(tmp_path / "a_01.png", fine)
    sheet, faults = join_frames(files, LAYOUT)
    expected = enlarge(expected, 2)
    expected[2, 20] = (1, 2, 3, 255)
    assert not faults and np.array_equal(sheet, expected)


def test_frames_that_are_missing_or_do_not_fit_are_left_out(tmp_path: Path) -> None:
    frame = figure(8, 8, 0, True)
    layout = SheetLayout(40, 10, {f"0{n}": Cell(10 * n, 0, 8, 8, 8, 8) for n in range(4)})
    (tmp_path / "a_02.png").write_bytes(b"no picture")
    files = {
        "00": save(tmp_path / "a_00.png", frame),
        "01": save(tmp_path / "a_01.png", np.zeros((8, 12, 4), np.uint8)),
    }
    sheet, faults = join_frames(files | {"02": tmp_path / "a_02.png"}, layout, np.full((10, 40, 4), 7, np.uint8))
    assert faults.keys() == {"01", "02", "03"}
    assert "12 x 8" in faults["01"] and "not a picture" in faults["02"] and "missing" in faults["03"]
    assert np.array_equal(sheet[:8, :8], frame) and (sheet[:, 10:] == 7).all()


def test_a_sheet_that_would_be_too_large_is_refused(tmp_path: Path) -> None:
    layout = SheetLayout(60_000, 60_000, {"00": Cell(0, 0, 8, 8, 8, 8)})
    with pytest.raises(UserError, match="too large"):
        join_frames({"00": save(tmp_path / "a_00.png", figure(8, 8, 0, True))}, layout)


def test_drawn_pixels_beyond_a_trimmed_rectangle_are_a_fault(tmp_path: Path) -> None:
    layout = SheetLayout(8, 8, {"00": Cell(0, 0, 4, 4, 8, 8, 2, 2)})
    _, faults = join_frames({"00": save(tmp_path / "a_00.png", np.full((8, 8, 4), 255, np.uint8))}, layout)
    assert "48 drawn px" in faults["00"]


@settings(max_examples=40)
@given(st.integers(1, 12), st.none() | st.integers(1, 20), st.integers(0, 3), st.integers(0, 3))
def test_a_plain_grid_holds_every_frame(
    tmp_path_factory: pytest.TempPathFactory, count: int, columns: int | None, margin: int, spacing: int
) -> None:
    path = save(tmp_path_factory.getbasetemp() / "plain.png", np.zeros((9, 11, 4), np.uint8))
    record = plain_record({f"{n:02d}": path for n in range(count)}, columns, margin, spacing)
    layout = record.sheets[0].base
    covered = np.zeros((layout.height, layout.width), int)
    for cell in layout.cells.values():
        covered[cell.on_sheet] += 1
    assert covered.max() == 1 and covered.sum() == count * 9 * 11
    inner = covered[margin : layout.height - margin, margin : layout.width - margin]
    assert covered.sum() == inner.sum()
    rows = -(-count // min(columns or 99, count)) if columns else None
    assert rows is None or inner.shape[0] == rows * (9 + spacing) - spacing


def test_numbered_pictures_are_sorted_by_kind_and_number(tmp_path: Path) -> None:
    for name in ("mask_10.png", "mask_9.png", "base_frame_03.PNG", "notes.txt", "sheet.png", "base_sheet.png"):
        (tmp_path / name).touch()
    kinds = find_numbered(tmp_path)
    assert {kind: list(files) for kind, files in kinds.items()} == {"mask": ["9", "10"], "base_frame": ["03"]}
    with pytest.raises(UserError, match="no such folder"):
        find_numbered(tmp_path / "none")
