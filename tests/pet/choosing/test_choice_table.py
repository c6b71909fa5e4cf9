"""The table between step 1 and step 1.5: what is written comes back, as CSV and as Parquet."""

import csv
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyarrow import parquet

from common.errors import UserError
from common.genres import GENRES
from pet.choosing.choice_table import Choice, columns, open_choices, read_choices
from pet.choosing.matching import BestSets, best_sets
from pet.choosing.wardrobe import SLOTS, Wardrobe, load_wardrobe
from tests.pet.choosing.test_wardrobe import edited, small_wardrobe

FORMATS = ["t.csv", "t.parquet"]
ODD_NAMES = [
    "Júlia", 'say "hi"', '"', "a, b", "two\nlines", "two\r\nlines", "🎸 rocker 👩‍🎤", "=1+1", "+34 600", "-5", "@you",
    "\ttab", '=HYPERLINK("http://x","y")', "'", "'quoted'", "'=x", "''=x", " spaces ", "0", "NA", "null", "../../evil",
    "CON", "x" * 300, "日本語", "a;b", "l·l", "\u202eright to left",
]  # fmt: skip


@pytest.fixture(scope="module")
def wardrobe(tmp_path_factory: pytest.TempPathFactory) -> Wardrobe:
    table = small_wardrobe(tmp_path_factory.mktemp("choices") / "pet")
    edited(table, ("Head 1,", '"Hat, ""big""",'), ("Torso 2,", '"two\nlines",'), ("Face 3,", "Ülleres 🕶,"))
    return load_wardrobe(table)


def write(
    path: Path, wardrobe: Wardrobe, names: list[str], vectors: NDArray[np.float32], n: int | None = 2
) -> BestSets:
    """Choose for the users and write their table, in two batches."""
    sets = best_sets(vectors, [wardrobe.vectors(slot) for slot in SLOTS], n)
    half = len(names) // 2
    with open_choices(path, wardrobe) as writer:
        for part in (slice(0, half), slice(half, None)):
            some = BestSets(sets.indices[part], sets.ranks[part], sets.slot_scores[part], sets.scores[part])
            writer.write(writer.encode(pa.array(names[part], pa.string()), vectors[part], some))
    return sets


def read(path: Path) -> list[Choice]:
    return [choice for _, choice in read_choices(path)]


def random_tastes(count: int) -> NDArray[np.float32]:
    return np.random.default_rng(5).random((count, len(GENRES))).astype(np.float32)


# ---- round trip ----


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("n", [2, None])
def test_everything_comes_back_to_a_millionth(name: str, n: int | None, wardrobe: Wardrobe, tmp_path: Path) -> None:
    users, tastes = [f"user {i}" for i in range(50)], random_tastes(50)
    tastes[3], tastes[4] = 0, 1
    sets = write(tmp_path / name, wardrobe, users, tastes, n)
    rows = read(tmp_path / name)
    assert [row.user for row in rows] == users
    for number, row in enumerate(rows):
        assert row.taste == pytest.approx(tastes[number], abs=1e-6)
        assert row.score == pytest.approx(sets.scores[number], abs=1e-6)
        for place, slot in enumerate(SLOTS):
            accessory = wardrobe.slots[slot][sets.indices[number, place]]
            worn = row.worn[slot]
            assert (worn.name, worn.rank) == (accessory.name, sets.ranks[number, place])
            assert worn.vector == pytest.approx(accessory.vector, abs=1e-6)
            assert worn.score == pytest.approx(sets.slot_scores[number, place], abs=1e-6)


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_come_back_as_they_were(format_: str, name: str, wardrobe: Wardrobe, tmp_path: Path) -> None:
    write(tmp_path / format_, wardrobe, ["before", name, "after"], random_tastes(3))
    assert [row.user for row in read(tmp_path / format_)] == ["before", name, "after"]


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12).filter(str.strip)
FORMULAS = st.builds(str.__add__, st.sampled_from(["=", "+", "-", "@", "\t", "\r", "'", "'=", "''-"]), TEXTS)


@settings(max_examples=80)
@given(names=st.lists(TEXTS | FORMULAS, min_size=1, max_size=5))
def test_any_names_come_back_and_are_inert_in_csv(
    names: list[str], wardrobe: Wardrobe, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("names")
    for format_ in FORMATS:
        write(folder / format_, wardrobe, names, random_tastes(len(names)))
        assert [row.user for row in read(folder / format_)] == names
    with open(folder / "t.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    assert len(rows) == len(names)
    for cells in rows:
        assert len(cells) == len(columns())
        assert cells[0][0] not in "=+-@\t\r"


def test_names_that_need_care_and_names_that_do_not_mix_in_one_batch(wardrobe: Wardrobe, tmp_path: Path) -> None:
    names = [name for odd in ODD_NAMES if odd not in ("'=x", "''=x") for name in (odd, f"plain {ODD_NAMES.index(odd)}")]
    write(tmp_path / "t.csv", wardrobe, names, random_tastes(len(names)))
    assert [row.user for row in read(tmp_path / "t.csv")] == names


def test_a_formula_as_the_name_of_an_accessory_is_inert_too(tmp_path: Path) -> None:
    table = edited(small_wardrobe(tmp_path / "pet"), ("Head 1,", "=1+1,"))
    odd = load_wardrobe(table)
    taste = np.eye(1, len(GENRES), dtype=np.float32)
    write(tmp_path / "t.csv", odd, ["ann"], taste)
    with open(tmp_path / "t.csv", encoding="utf-8", newline="") as file:
        cell = next(csv.DictReader(file))["head"]
    assert not cell.startswith("=")
    assert read(tmp_path / "t.csv")[0].worn["Head"].name == "=1+1"


def test_the_columns_are_the_same_in_both_formats_and_each_vector_is_whole(wardrobe: Wardrobe, tmp_path: Path) -> None:
    for name in FORMATS:
        write(tmp_path / name, wardrobe, ["ann", "bob"], random_tastes(2))
    header = (tmp_path / "t.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    assert header == columns() == parquet.read_schema(tmp_path / "t.parquet").names
    for owner in ("user", *map(str.lower, SLOTS)):
        assert [name for name in header if name.startswith(f"{owner}_") and name.partition("_")[2] in GENRES] == [
            f"{owner}_{genre}" for genre in GENRES
        ]
        assert owner in header


def test_a_spreadsheet_that_saves_the_csv_with_semicolons_does_not_break_it(wardrobe: Wardrobe, tmp_path: Path) -> None:
    write(tmp_path / "t.csv", wardrobe, ["ann", 'b "c", d'], random_tastes(2))
    with open(tmp_path / "t.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    with open(tmp_path / "again.csv", "w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=";").writerows(rows)
    again, before = read(tmp_path / "again.csv"), read(tmp_path / "t.csv")
    assert [row.user for row in again] == ["ann", 'b "c", d']
    assert all((a.taste == b.taste).all() for a, b in zip(again, before, strict=True))


# ---- whole or absent ----


@pytest.mark.parametrize("name", FORMATS)
def test_an_error_in_the_middle_leaves_the_old_table(name: str, wardrobe: Wardrobe, tmp_path: Path) -> None:
    path = tmp_path / name
    write(path, wardrobe, ["ann"], random_tastes(1))
    old = path.read_bytes()
    with pytest.raises(ZeroDivisionError), open_choices(path, wardrobe):
        raise ZeroDivisionError
    assert path.read_bytes() == old
    assert [file.name for file in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["t.xlsx", "t", "t.csv.gz"])
def test_another_suffix_is_refused(name: str, wardrobe: Wardrobe, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="suffix"), open_choices(tmp_path / name, wardrobe):
        raise AssertionError
    assert not list(tmp_path.iterdir())


# ---- faults on reading ----


@pytest.mark.parametrize(
    ("column", "cell", "words"),
    [
        ("user", "", ["line 3", "'user'"]),
        ("user_rock", "lots", ["line 3", "'user_rock'", "lots"]),
        ("user_rock", "", ["line 3", "'user_rock'"]),
        ("score", "nan", ["line 3", "'score'", "nan"]),
        ("head_jazz", "-1", ["line 3", "'head_jazz'", "-1"]),
        ("torso_rank", "inf", ["line 3", "'torso_rank'"]),
    ],
)
def test_a_spoilt_cell_is_named_with_its_line_and_column(
    column: str, cell: str, words: list[str], wardrobe: Wardrobe, tmp_path: Path
) -> None:
    path = tmp_path / "t.csv"
    write(path, wardrobe, ["ann", "bob"], random_tastes(2))
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    rows[1][columns().index("torso")] = rows[2][columns().index("torso")] = "Torso 1"  # without its line break
    rows[2][columns().index(column)] = cell
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    with pytest.raises(UserError) as error:
        read(path)
    for word in [*words, str(path)]:
        assert word in str(error.value)


@pytest.mark.parametrize("name", FORMATS)
def test_a_cut_table_is_refused(name: str, wardrobe: Wardrobe, tmp_path: Path) -> None:
    path = tmp_path / name
    write(path, wardrobe, [f"u{i}" for i in range(20)], random_tastes(20))
    data = path.read_bytes()
    path.write_bytes(data[: 3 * len(data) // 4])
    with pytest.raises(UserError, match=name):
        read(path)


def test_another_table_is_told_from_one_of_step_1(tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("user,pop\nann,1\n", encoding="utf-8")
    parquet.write_table(pa.table({"user": ["ann"], "pop": [1]}), tmp_path / "users.parquet")
    for name in ("users.csv", "users.parquet"):
        with pytest.raises(UserError, match=r"no column 'user_pop'.*1_TopN\.py"):
            read(tmp_path / name)
