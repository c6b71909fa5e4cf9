"""AxisDivision-outs over bodies: compositing, sizes, offsets, and which frames belong together."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from common.errors import UserError
from common.images import png_bytes
from masks.cutouts.dressing import BareBody, dress, dress_body, find_cutouts, open_bodies, preview, same_size
from masks.sets.pixel_art import enlarge, shifted
from masks.sets.signatures import write_signed
from masks.sheets.cells import Cell, SheetLayout, SheetPair, SheetRecord
from masks.sheets.grid_finder import Grid, GridSettings
from masks.sheets.layout_files import write_record
from tests.masks.sheets.test_cells import SHIRT, TROUSERS, draw_sheet, figure

HERE = GridSettings()


def save(path: Path, picture: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)
    return path


def read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def clothes_of(clothed: np.ndarray) -> np.ndarray:
    """What is shirt or trousers, the rest transparent."""
    worn = (clothed == SHIRT).all(axis=-1) | (clothed == TROUSERS).all(axis=-1)
    return np.where(worn[..., None], clothed, 0).astype(np.uint8)


# ---- one frame ----


def naive_over(body: list[int], clothes: list[int]) -> list[float]:
    """Porter and Duff's "over" of one pixel, straight alpha, in exact numbers."""
    alpha_body, alpha_clothes = body[3] / 255, clothes[3] / 255
    alpha = alpha_clothes + alpha_body * (1 - alpha_clothes)
    if not alpha:
        return [0, 0, 0, 0]
    both = [(clothes[c] * alpha_clothes + body[c] * alpha_body * (1 - alpha_clothes)) / alpha for c in range(3)]
    return [*both, 255 * alpha]


@given(st.integers(0, 2**32 - 1))
def test_compositing_is_the_naive_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    body, clothes = rng.integers(0, 256, (2, 4, 6, 4), np.uint8)
    for picture in (body, clothes):  # as often fully transparent or opaque as not
        picture[..., 3] = np.choose(rng.integers(0, 3, (4, 6)), [0, 255, picture[..., 3]])
    dressed = dress(body, clothes)
    for row in range(4):
        for column in range(6):
            expected = naive_over(body[row, column].tolist(), clothes[row, column].tolist())
            assert abs(dressed[row, column, 3] - expected[3]) <= 1
            if expected[3] >= 8:  # colours of nearly transparent pixels are known to few bits only
                assert np.abs(dressed[row, column, :3] - np.array(expected[:3])).max() <= 1 + 255 / expected[3]


def test_colours_hidden_under_transparency_draw_no_halo() -> None:
    body = np.full((8, 8, 4), (100, 150, 200, 255), np.uint8)
    clothes = np.full((8, 8, 4), (255, 255, 255, 0), np.uint8)  # white hidden everywhere
    clothes[2:6, 2:6] = (20, 30, 40, 255)
    clothes[2:6, 6] = (20, 30, 40, 128)  # a soft edge
    dressed = dress(body, clothes).copy()
    assert (dressed[2:6, 2:6] == (20, 30, 40, 255)).all()
    assert np.abs(dressed[2:6, 6, :3].astype(int) - (60, 90, 120)).max() <= 1  # half way, and no white in it
    dressed[2:6, 2:7] = body[2:6, 2:7]
    assert np.array_equal(dressed, body)


def test_clothes_reach_beyond_the_body() -> None:
    clothes = np.zeros((8, 8, 4), np.uint8)
    clothes[:4] = (1, 2, 3, 70)
    dressed = dress(np.zeros((8, 8, 4), np.uint8), clothes)
    assert np.array_equal(dressed, clothes)


@pytest.mark.parametrize(("body_px", "clothes_px"), [(1, 8), (8, 1), (2, 6), (3, 3)])
def test_the_smaller_picture_is_enlarged_with_hard_edges(body_px: int, clothes_px: int) -> None:
    body, clothed = (figure(16, 24, 1, clothed) for clothed in (False, True))
    clothes = clothes_of(clothed)
    dressed = dress(enlarge(body, body_px), enlarge(clothes, clothes_px))
    assert np.array_equal(dressed, enlarge(dress(body, clothes), max(body_px, clothes_px)))


@pytest.mark.parametrize(
    ("body", "clothes"), [((8, 8), (12, 12)), ((8, 8), (16, 24)), ((16, 24), (8, 8)), ((9, 8), (8, 9))]
)
def test_sizes_without_a_whole_factor_are_refused(body: tuple[int, int], clothes: tuple[int, int]) -> None:
    with pytest.raises(UserError) as error:
        same_size(np.zeros((*body, 4), np.uint8), np.zeros((*clothes, 4), np.uint8))
    assert f"{clothes[1]} x {clothes[0]} px" in str(error.value) and f"body {body[1]} x {body[0]}" in str(error.value)


@given(st.integers(-20, 20), st.integers(-20, 20), st.sampled_from([1, 4]))
def test_an_offset_counts_art_pixels(right: int, down: int, clothes_px: int) -> None:
    body, clothed = (figure(16, 24, 1, clothed) for clothed in (False, True))
    clothes = clothes_of(clothed)
    dressed = dress(body, enlarge(clothes, clothes_px), (right, down))
    assert np.array_equal(dressed, enlarge(dress(body, shifted(clothes, down, right)), clothes_px))


# ---- bodies ----


@pytest.fixture
def wardrobe(tmp_path: Path) -> dict[str, Path]:
    """AxisDivision-outs 00 to 03, eight times enlarged."""
    for number in range(4):
        clothes = clothes_of(figure(16, 24, number, clothed=True))
        save(tmp_path / f"cutouts/cutout_0{number}.png", enlarge(clothes, 8))
    return find_cutouts(tmp_path / "cutouts")


def bodies_in(folder: Path, count: int = 4) -> Path:
    for number in range(count):
        save(folder / f"base_frame_0{number}.png", figure(16, 24, number, clothed=False))
    return folder


def test_bodies_are_folders_or_sheets_and_have_names_of_their_own(tmp_path: Path, wardrobe: dict[str, Path]) -> None:
    sheet = save(tmp_path / "cat.png", draw_sheet(Grid(4, 1, 16, 24)))
    folders = [bodies_in(tmp_path / name) for name in ("cat", "bear/frames", "x/cat", "dog.v2")]
    bodies = open_bodies([sheet, *folders], tmp_path, GridSettings(columns=4, rows=1), wardrobe)
    assert [body.name for body in bodies] == ["cat", "cat_2", "bear", "cat_2_2", "dog.v2"]
    for body in bodies:
        assert list(body.frames) == ["00", "01", "02", "03"]
        assert body.frames["02"]().shape == (24, 16, 4)


def test_a_sheet_lies_as_the_record_says(tmp_path: Path, wardrobe: dict[str, Path]) -> None:
    """Also where it is larger by a whole factor; the dressed sheet then has its size."""
    cells = {f"0{n}": Cell(2 + 20 * n, 1, 16, 24, 16, 24) for n in range(4)}
    layout = SheetLayout(82, 26, cells)
    write_record(tmp_path / "frames", SheetRecord(8, [SheetPair("walk", layout, layout)]))
    sheet = np.zeros((26, 82, 4), np.uint8)
    for number, cell in enumerate(cells.values()):
        sheet[cell.on_sheet] = figure(16, 24, number, clothed=False)
    (body,) = open_bodies([save(tmp_path / "cat.png", enlarge(sheet, 2))], tmp_path, HERE, wardrobe)
    dressed = dress_body(body, wardrobe, (0, 0), tmp_path / "out")
    assert (len(dressed.frames), dressed.faults, dressed.kept) == (4, {}, [])
    expected = np.zeros_like(sheet)
    for number, cell in enumerate(cells.values()):
        frame = figure(16, 24, number, clothed=False)
        expected[cell.on_sheet] = dress(frame, clothes_of(figure(16, 24, number, clothed=True)))
    assert np.array_equal(read(tmp_path / "out/dressed_frame_sheet.png"), enlarge(expected, 2))


def test_the_right_sheet_of_several_is_taken_by_name(tmp_path: Path, wardrobe: dict[str, Path]) -> None:
    layouts = [
        SheetLayout(32, 24, {f"0{n}": Cell(16 * (n % 2), 0, 16, 24, 16, 24) for n in pair}) for pair in ((0, 1), (2, 3))
    ]
    pairs = [SheetPair(name, layout, layout) for name, layout in zip(("run", "walk"), layouts, strict=True)]
    write_record(tmp_path / "frames", SheetRecord(8, pairs))
    walk = save(tmp_path / "walk.png", draw_sheet(Grid(2, 1, 16, 24)))
    (body,) = open_bodies([walk], tmp_path, HERE, wardrobe)
    assert list(body.frames) == ["02", "03"]
    with pytest.raises(UserError, match=r"cat.png: .* run, walk"):
        open_bodies([save(tmp_path / "cat.png", read(walk))], tmp_path, HERE, wardrobe)
    folder = bodies_in(tmp_path / "all")
    (body,) = open_bodies([folder], tmp_path, HERE, wardrobe)
    dressed = dress_body(body, wardrobe, (0, 0), tmp_path / "out")
    assert (len(dressed.frames), dressed.faults) == (4, {})
    for name in ("run", "walk"):
        assert read(tmp_path / f"out/{name}.dressed_frame_sheet.png").shape == (24, 32, 4)


def test_bodies_that_cannot_be_used_are_listed_together(tmp_path: Path, wardrobe: dict[str, Path]) -> None:
    layout = SheetLayout(64, 24, {f"0{n}": Cell(16 * n, 0, 16, 24, 16, 24) for n in range(4)})
    write_record(tmp_path / "frames", SheetRecord(8, [SheetPair("walk", layout, layout)]))
    (tmp_path / "empty").mkdir()
    save(tmp_path / "masks/mask_00.png", np.zeros((8, 8), np.uint8))
    save(tmp_path / "later/base_frame_77.png", np.zeros((24, 16, 4), np.uint8))
    save(tmp_path / "wide.png", np.zeros((24, 70, 4), np.uint8))
    paths = [tmp_path / name for name in ("none", "empty", "masks", "later", "wide.png")]
    with pytest.raises(UserError) as error:
        open_bodies(paths, tmp_path, HERE, wardrobe)
    lines = str(error.value).splitlines()
    assert lines[0] == "5 faults"
    for line, words in zip(
        lines[1:], ("none", "empty", "base_frame_00.png", "number of a cut-out", "70 x 24"), strict=True
    ):
        assert words in line


# ---- all frames ----


def test_every_frame_is_dressed_and_joined_into_a_plain_grid(tmp_path: Path, wardrobe: dict[str, Path]) -> None:
    (body,) = open_bodies([bodies_in(tmp_path / "cat")], tmp_path, HERE, wardrobe)
    dressed = dress_body(body, wardrobe, (0, 0), tmp_path / "out")
    assert (len(dressed.frames), dressed.faults) == (4, {})
    for number in range(4):
        expected = dress(figure(16, 24, number, clothed=False), clothes_of(figure(16, 24, number, clothed=True)))
        assert np.array_equal(read(tmp_path / f"out/frames/dressed_frame_0{number}.png"), enlarge(expected, 8))
    assert read(tmp_path / "out/dressed_frame_sheet.png").shape == (2 * 24 * 8, 2 * 16 * 8, 4)
    with Image.open(tmp_path / "out/preview.png") as picture:
        assert picture.mode == "RGB" and picture.width > picture.height / 2


def test_frames_that_cannot_be_dressed_are_listed_and_the_rest_finished(
    tmp_path: Path, wardrobe: dict[str, Path]
) -> None:
    folder = bodies_in(tmp_path / "cat", 8)
    wardrobe["07"] = save(tmp_path / "cutouts/cutout_07.png", np.full((24, 16, 3), 90, np.uint8))
    save(folder / "base_frame_01.png", np.zeros((25, 16, 4), np.uint8))
    (folder / "base_frame_02.png").write_bytes(b"no picture")
    (folder / "base_frame_03.png").unlink()
    save(folder / "base_frame_06.png", np.zeros((24, 16, 4), np.uint8))  # shows nothing, so it needs no clothes
    earlier = tmp_path / "out/frames/dressed_frame_02.png"
    write_signed(earlier, png_bytes(Image.new("RGBA", (16, 24))))  # of an earlier run
    (body,) = open_bodies([folder], tmp_path, HERE, wardrobe)
    dressed = dress_body(body, wardrobe, (0, 0), tmp_path / "out")
    faults = dressed.faults
    assert list(dressed.frames) == ["00"]
    assert faults.keys() == {"cutout_03.png", *(f"base_frame_0{number}.png" for number in (1, 2, 4, 5, 7))}
    assert "no transparency" in faults["base_frame_07.png"]
    assert "whole number" in faults["base_frame_01.png"] and "no cut-out" in faults["base_frame_04.png"]
    assert [path.name for path in (tmp_path / "out/frames").iterdir()] == ["dressed_frame_00.png"]


def test_pictures_that_a_person_made_or_changed_stay(tmp_path: Path, wardrobe: dict[str, Path]) -> None:
    """Sheets show the person's frames; what no run has signed, such as the output of an earlier version, stays too."""
    (body,) = open_bodies([bodies_in(tmp_path / "cat")], tmp_path, HERE, wardrobe)
    out = tmp_path / "out"
    dress_body(body, wardrobe, (0, 0), out)
    painted = read(out / "frames/dressed_frame_01.png").copy()
    painted[:8, :8] = (255, 0, 255, 255)
    own = [save(out / f"frames/dressed_frame_0{number}.png", painted) for number in (1, 7)]  # there is no frame 07
    before = {path: path.read_bytes() for path in own}
    dressed = dress_body(body, wardrobe, (1, 0), out)
    assert dressed.kept == own[:1]
    assert {path: path.read_bytes() for path in own} == before
    sheet = read(out / "dressed_frame_sheet.png")
    assert np.array_equal(sheet[: 24 * 8, 16 * 8 :], painted)  # a plain grid of 2 x 2
    edited = sheet.copy()
    edited[:5, :5] = 9
    save(out / "dressed_frame_sheet.png", edited)
    assert dress_body(body, wardrobe, (0, 0), out).kept == [own[0], out / "dressed_frame_sheet.png"]
    assert np.array_equal(read(out / "dressed_frame_sheet.png"), edited)


def test_clothes_that_a_trimmed_sheet_has_no_room_for_are_a_fault(tmp_path: Path, wardrobe: dict[str, Path]) -> None:
    layout = SheetLayout(8, 8, {"00": Cell(0, 0, 8, 8, 16, 24, 4, 2)})
    write_record(tmp_path / "frames", SheetRecord(8, [SheetPair("walk", layout, layout)]))
    (body,) = open_bodies([bodies_in(tmp_path / "cat", 1)], tmp_path, HERE, wardrobe)
    faults = dress_body(body, {"00": wardrobe["00"]}, (0, 0), tmp_path / "out").faults
    assert faults.keys() == {"dressed_frame_00.png"} and "drawn px" in faults["dressed_frame_00.png"]


def test_a_preview_of_many_frames_shows_some_from_all_over(tmp_path: Path) -> None:
    paths = {f"{n:03d}": save(tmp_path / f"cutout_{n:03d}.png", figure(16, 24, n, clothed=True)) for n in range(100)}
    read_numbers: list[str] = []

    def reader(number: str) -> np.ndarray:
        read_numbers.append(number)
        return figure(16, 24, 0, clothed=False)

    frames = {number: (lambda number=number: reader(number)) for number in paths}
    preview(BareBody("cat", frames, None), paths, paths)
    assert len(read_numbers) == 24 and read_numbers[0] == "000" and read_numbers[-1] > "090"
    assert read_numbers == sorted(set(read_numbers))
