"""AccessoryDataset.csv and its pictures: what is read, and how all that is wrong is listed at once."""

import struct
import time
import zlib
from pathlib import Path

import pytest
from PIL import Image

from common.errors import UserError
from common.genres import GENRES
from pet.choosing.wardrobe import SLOTS, load_bodies, load_wardrobe, picture_faults
from pet.data import check_dataset
from tests.helpers import assert_user_error, run_script

SIDE_PX = 64


def small_wardrobe(folder: Path) -> Path:
    """A dataset of three accessories a slot and two bodies, plain 64 px pictures; returns the table."""
    lines = [",".join(["name", "type", "file", *GENRES])]
    keys = list(GENRES)
    for row in range(9):
        slot = SLOTS[row // 3]
        weights = dict.fromkeys(GENRES, "0") | {keys[row]: "1", keys[row + 5]: "0.5"}
        lines.append(",".join([f"{slot} {row % 3 + 1}", slot, f"{slot}/{row % 3 + 1}.png", *weights.values()]))
        save_plain(folder / f"{slot}/{row % 3 + 1}.png", (20 * row, 99, 240 - 20 * row, 255), (8 * (row // 3), 4))
    save_plain(folder / "Body/Bear.png", (140, 90, 60, 255), (20, 30))
    save_plain(folder / "Body/Cat.png", (240, 180, 90, 255), (18, 28))
    table = folder / "AccessoryDataset.csv"
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return table


def save_plain(path: Path, colour: tuple[int, int, int, int], place: tuple[int, int], side_px: int = SIDE_PX) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.new("RGBA", (side_px, side_px), (0, 0, 0, 0))
    picture.paste(colour, (*place, place[0] + 24, place[1] + 24))
    picture.save(path)


def edited(table: Path, *changes: tuple[str, str]) -> Path:
    text = table.read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
        text = text.replace(old, new)
    table.write_text(text, encoding="utf-8")
    return table


def huge_png(width: int, height: int) -> bytes:
    """A few bytes that claim to be a picture of width x height."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(100_000))) + chunk(b"IEND", b"")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return small_wardrobe(tmp_path / "pet")


def fault_of(table: Path) -> str:
    with pytest.raises(UserError) as error:
        check_dataset(table)
    return str(error.value)


# ---- what is read ----


def test_accessories_are_kept_by_slot_in_the_order_of_names(table: Path) -> None:
    edited(table, ("Head 1,", "zebra,"), ("Head 2,", "Apple,"))
    wardrobe = load_wardrobe(table)
    assert [accessory.name for accessory in wardrobe.slots["Head"]] == ["Apple", "Head 3", "zebra"]
    assert list(wardrobe.slots) == list(SLOTS)
    assert wardrobe.vectors("Head").shape == (3, len(GENRES))


def test_vectors_follow_the_internal_order_whatever_the_order_and_names_of_columns(tmp_path: Path) -> None:
    names = {"hiphop": "Hip-Hop", "classical": "Música clàssica", "soul": "R&B", "pop": " POP "}
    header = ["file", *(names.get(genre, genre) for genre in reversed(GENRES)), "Type", "NAME"]
    rows = [header]
    for slot in SLOTS:
        values = dict.fromkeys(GENRES, "0") | {"hiphop": "1", "classical": "0.25"}
        rows.append([f"{slot}.png", *reversed(list(values.values())), slot, f"a {slot}"])
    path = tmp_path / "AccessoryDataset.csv"
    path.write_text("\n".join(",".join(row) for row in rows), encoding="utf-8")
    found = dict(zip(GENRES, load_wardrobe(path).vectors("Torso")[0], strict=True))
    assert {genre: weight for genre, weight in found.items() if weight} == {"hiphop": 1.0, "classical": 0.25}


def test_a_spreadsheet_with_semicolons_and_decimal_commas_is_read(table: Path) -> None:
    before = load_wardrobe(table).vectors("Face")
    text = table.read_text(encoding="utf-8").replace(",", ";").replace("0.5", "0,5")
    table.write_text("\ufeff" + text.replace("\n", "\r\n"), encoding="utf-8")
    assert (load_wardrobe(table).vectors("Face") == before).all()


def test_find_and_pictures_go_by_name(table: Path) -> None:
    wardrobe = load_wardrobe(table)
    assert wardrobe.find("Face 2").file == table.parent / "Face/2.png" == wardrobe.pictures()["Face 2"]
    with pytest.raises(UserError, match="no accessory named 'face 2'"):
        wardrobe.find("face 2")


def test_bodies_are_found_by_name_in_order(table: Path) -> None:
    assert list(load_bodies(table.parent / "Body")) == ["Bear", "Cat"]
    for folder in (table.parent / "Bodies", table.parent):
        with pytest.raises(UserError, match="no base body"):
            load_bodies(folder)


def test_the_project_s_own_dataset_is_in_order() -> None:
    assert sum(len(slot) for slot in check_dataset().slots.values()) >= 48


# ---- faults of the table ----


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("Head 2,", "Head 1,"), ["line 3", "'Head 1'", "already on line 2"]),
        (("Torso 3,Torso", "Face 3,Torso"), ["line 10", "'Face 3'", "already on line 7"]),
        (("Head 2,", ","), ["line 3", "no name"]),
        (("Head 2,Head", "Head 2,Hat"), ["line 3", "'Hat'", "Head, Torso, Face"]),
        (("Head/2.png", ""), ["line 3", "file"]),
        (("Head/2.png", "../2.png"), ["line 3", "'../2.png'", "below"]),
        (("Head/2.png", "Head/../../../2.png"), ["line 3", "below"]),
        (("Head/2.png", "..\\2.png"), ["line 3", "below"]),
        (("Head/2.png", "/etc/passwd"), ["line 3", "below"]),
        (("Head/2.png,0,1", "Head/2.png,0,1.01"), ["line 3", "'rock'", "1.01"]),
        (("Head/2.png,0,1", "Head/2.png,0,-0.1"), ["line 3", "'rock'", "-0.1"]),
        (("Head/2.png,0,1", "Head/2.png,0,lots"), ["line 3", "'rock'", "lots"]),
        (("Head/2.png,0,1", "Head/2.png,0,"), ["line 3", "'rock'"]),
        (("Head/2.png,0,1", "Head/2.png,0,nan"), ["line 3", "'rock'", "nan"]),
        (("Head/2.png,0,1", "Head/2.png,0,inf"), ["line 3", "'rock'", "inf"]),
        (("Head/2.png,0,1", "Head/2.png,0"), ["line 3", "16 cells", "17"]),
        (("Head/2.png,0,1", "Head/2.png,0,1,0"), ["line 3", "18 cells", "17"]),
        (("type,file,pop", "type,file,polka"), ["no column 'pop'"]),
        (("type,file,pop", "type,picture,pop"), ["no column 'file'"]),
        (("type,file,pop,rock", "type,file,pop,Pop"), ["'pop'", "twice"]),
    ],
)
def test_a_fault_of_the_table_is_named_with_its_line(change: tuple[str, str], words: list[str], table: Path) -> None:
    message = fault_of(edited(table, change))
    for word in [*words, str(table)]:
        assert word in message


def test_an_accessory_that_nobody_could_match_is_refused(table: Path) -> None:
    message = fault_of(edited(table, ("Head/1.png,1,0,0,0,0,0.5", "Head/1.png,0,0,0,0,0,0")))
    assert "line 2" in message and "every genre is 0" in message


def test_a_slot_without_accessories_is_refused(table: Path) -> None:
    lines = [line for line in table.read_text(encoding="utf-8").splitlines() if ",Torso," not in line]
    table.write_text("\n".join(lines), encoding="utf-8")
    assert "no accessory of type Torso" in fault_of(table)


@pytest.mark.parametrize(
    ("content", "words"), [("", "is empty"), ("name,type,file\n", "no column 'pop'"), (None, "no such")]
)
def test_a_table_that_is_none_is_refused(content: str | None, words: str, table: Path) -> None:
    table.unlink()
    if content is not None:
        table.write_text(content, encoding="utf-8")
    assert words in fault_of(table) and table.name in fault_of(table)


def test_a_table_without_rows_is_refused(table: Path) -> None:
    table.write_text(table.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    assert "no rows" in fault_of(table)


def test_all_faults_of_the_table_are_listed_at_once(table: Path) -> None:
    edited(table, ("Head 2,", "Head 1,"), ("Torso/2.png", "../x.png"), ("Face/3.png,0,0", "Face/3.png,7,0"))
    message = fault_of(table)
    for place in ("line 3:", "line 6:", "line 10, column 'pop'"):
        assert place in message


# ---- faults of pictures ----


def spoil(table: Path) -> None:
    """A missing, a truncated, an odd-sized, a huge, a text and an empty picture, on lines 2 to 7."""
    folder = table.parent
    (folder / "Head/1.png").unlink()
    whole = (folder / "Head/2.png").read_bytes()
    (folder / "Head/2.png").write_bytes(whole[: len(whole) // 2])
    save_plain(folder / "Head/3.png", (1, 2, 3, 255), (0, 0), side_px=63)
    (folder / "Torso/1.png").write_bytes(huge_png(60_000, 60_000))
    (folder / "Torso/2.png").write_text("not a picture", encoding="utf-8")
    (folder / "Torso/3.png").write_bytes(b"")


SPOILT = {
    "line 2": ("Head/1.png", "no such file"),
    "line 3": ("Head/2.png", "damaged"),
    "line 4": ("Head/3.png", "63 x 63 px"),
    "line 5": ("Torso/1.png", "larger than the limit"),
    "line 6": ("Torso/2.png", "not a picture"),
    "line 7": ("Torso/3.png", "empty"),
}


def test_all_faults_of_pictures_are_listed_at_once(table: Path) -> None:
    spoil(table)
    message = fault_of(table)
    for file, what in SPOILT.values():
        assert any(str(Path(file)) in line and what in line for line in message.splitlines()), (file, what, message)


def test_faults_of_pictures_are_listed_with_their_lines_in_the_table(table: Path) -> None:
    spoil(table)
    lines = fault_of(table).splitlines()
    for place, (file, _) in SPOILT.items():
        assert any(place in line and str(Path(file)) in line for line in lines), (place, lines)


def test_faults_of_the_table_and_of_pictures_are_listed_together(table: Path) -> None:
    spoil(table)
    edited(table, ("Face/3.png,0,0", "Face/3.png,7,0"))
    message = fault_of(table)
    assert "line 10, column 'pop'" in message
    for file, _ in SPOILT.values():
        assert str(Path(file)) in message


def test_a_body_at_fault_is_named_too(table: Path) -> None:
    save_plain(table.parent / "Body/Cat.png", (1, 2, 3, 255), (0, 0), side_px=70)
    message = fault_of(table)
    assert "Cat.png" in message and "70 x 70" in message


def test_a_picture_of_3_6_gigapixels_is_refused_without_reading_it(tmp_path: Path) -> None:
    (tmp_path / "bomb.png").write_bytes(huge_png(60_000, 60_000))
    started = time.perf_counter()
    (fault,) = picture_faults([tmp_path / "bomb.png"], [])
    assert "bomb.png" in fault and "larger than the limit of 64 megapixels" in fault
    assert time.perf_counter() - started < 2


def test_pictures_are_compared_with_the_first_readable_one(tmp_path: Path) -> None:
    for name, side_px in (("b", 64), ("c", 32), ("d", 64)):
        save_plain(tmp_path / f"{name}.png", (1, 2, 3, 255), (0, 0), side_px)
    missing, small = picture_faults([tmp_path / f"{name}.png" for name in "abcd"], [])
    assert "a.png: no such file" in missing
    assert "c.png: 32 x 32 px, the canvas is 64 x 64" in small


# ---- the scripts ----


def test_data_py_and_step_1_5_list_all_faults_of_pictures_and_draw_nothing(table: Path, tmp_path: Path) -> None:
    users = tmp_path / "users.csv"
    users.write_text("user,pop,rock\nann,1,0.5\n", encoding="utf-8")
    chosen = tmp_path / "chosen.csv"
    made = run_script("pet/1_TopN.py", "--users", users, "--accessories", table, "--output", chosen)
    assert made.returncode == 0, made.stderr
    spoil(table)
    files = [Path(file).name for file, _ in SPOILT.values()]
    result = run_script("pet/data.py", "--accessories", table, "--output", tmp_path / "out/data.png")
    assert_user_error(result, *files, "63 x 63")
    result = run_script(
        "pet/1.5_Plot_Pet.py", "--choices", chosen, "--accessories", table,
        "--bodies", table.parent / "Body", "--output", tmp_path / "out/pets",
    )  # fmt: skip
    assert_user_error(result, *files, "63 x 63")
    assert not (tmp_path / "out").exists()


def test_step_1_5_names_accessories_that_the_table_lost(table: Path, tmp_path: Path) -> None:
    users = tmp_path / "users.csv"
    users.write_text("user,pop,rock\nann,1,0.5\nbob,0,1\n", encoding="utf-8")
    chosen = tmp_path / "chosen.csv"
    run_script("pet/1_TopN.py", "--users", users, "--accessories", table, "--output", chosen)
    edited(table, ("Head 1,", "Hat,"), ("Head 2,", "Cap,"))
    result = run_script(
        "pet/1.5_Plot_Pet.py", "--choices", chosen, "--accessories", table,
        "--bodies", table.parent / "Body", "--output", tmp_path / "pets",
    )  # fmt: skip
    assert_user_error(result, "line 2", "'head'", "'Head 1'", "line 3", "'Head 2'", "chosen.csv")
