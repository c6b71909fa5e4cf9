"""Tables of tastes as people bring them: dialects, columns, scales, and what is said of faults."""

import codecs
import csv
import dataclasses
import io
import pickle
import zipfile
from collections.abc import Sequence
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
from common.surveys import readers
from common.surveys.alignment import align_columns
from common.surveys.dialects import BLOCK_BYTES, find_dialect
from common.surveys.readers import BATCH_ROWS, MISSING
from common.surveys.scales import detect_scale, parse_scale
from common.surveys.survey import open_survey

INDEX = {genre: index for index, genre in enumerate(GENRES)}


def read(path: Path, columns: str = "", scale: str = "auto") -> tuple[list[str], NDArray[np.float32]]:
    """Ids and vectors of a whole survey."""
    ids, vectors = zip(*open_survey(path, columns, scale).batches(), strict=True)
    return [user for batch in ids for user in batch.to_pylist()], np.concatenate(vectors)


def survey(folder: Path, content: str | bytes, name: str = "answers.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read_in_parts(path: Path) -> tuple[list[str], NDArray[np.float32]]:
    """The same, part by part, the last one first."""
    opened = open_survey(path)
    found = {}
    for before, part in reversed(list(opened.reader.parts())):
        batches = pickle.loads(pickle.dumps(dataclasses.replace(opened, folder=None))).batches(before, part)
        found[before] = [(ids.to_pylist(), vectors) for ids, vectors in batches]
    both = [batch for before in sorted(found) for batch in found[before]]
    return [user for ids, _ in both for user in ids], np.concatenate([vectors for _, vectors in both])


def fault_of(path: Path, columns: str = "", scale: str = "auto") -> str:
    with pytest.raises(UserError) as error:
        open_survey(path, columns, scale)
    return str(error.value)


# ---- dialects ----

PLAIN = "user,pop,rock\nJúlia,3.5,4\nMarc,1,5\n"
SEMICOLON = "user;pop;rock\nJúlia;3,5;4\nMarc;1;5\n"


DIALECTS: dict[str, str | bytes] = {
    "comma": PLAIN,
    "semicolon": PLAIN.replace(",", ";"),
    "semicolon and decimal comma": SEMICOLON,
    "tab": PLAIN.replace(",", "\t"),
    "tab and decimal comma": SEMICOLON.replace(";", "\t"),
    "bar": PLAIN.replace(",", "|"),
    "byte order mark": PLAIN.encode("utf-8-sig"),
    "UTF-16, little end first": codecs.BOM_UTF16_LE + PLAIN.encode("utf-16-le"),
    "UTF-16, big end first": codecs.BOM_UTF16_BE + PLAIN.encode("utf-16-be"),
    "UTF-16 with tabs, as a spreadsheet's 'Unicode text'": PLAIN.replace(",", "\t").encode("utf-16"),
    "Latin-1": PLAIN.encode("latin-1"),
    "Windows-1252 with semicolons": SEMICOLON.encode("cp1252"),
    "CRLF": PLAIN.replace("\n", "\r\n"),
    "CR": PLAIN.replace("\n", "\r"),
    "CRLF in UTF-16": PLAIN.replace("\n", "\r\n").encode("utf-16"),
    "no line break at the end": PLAIN.rstrip(),
    "blank lines": PLAIN.replace("\n", "\n\n"),
    "blank lines at the end": PLAIN + "\n\n\r\n",
    "trailing empty columns": "user,pop,rock,,\nJúlia,3.5,4,,\nMarc,1,5,,\n",
    "all quoted": '"user","pop","rock"\n"Júlia","3.5","4"\n"Marc","1","5"\n',
    "spaces around numbers": "user,pop,rock\nJúlia, 3.5 ,4\nMarc,1 , 5\n",
    "exponents": "user,pop,rock\nJúlia,35e-1,4.0\nMarc,1E0,5\n",
    "a header with a line break": 'user,pop,"rock\n(from 0 to 5)"\nJúlia,3.5,4\nMarc,1,5\n',
    "other columns between": 'user,age,pop,notes,rock\nJúlia,38,3.5,"a, b",4\nMarc,,1,x,5\n',
    "an unnamed index column": ",user,pop,rock\n0,Júlia,3.5,4\n1,Marc,1,5\n",
}


@pytest.mark.parametrize("content", DIALECTS.values(), ids=DIALECTS)
def test_parts_of_a_table_are_together_the_table(
    tmp_path: Path, content: str | bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = survey(tmp_path, content)
    monkeypatch.setattr(readers, "PART_BYTES", 1)
    users, vectors = read_in_parts(path)
    assert users == read(path)[0] and np.array_equal(vectors, read(path)[1])


def test_parts_know_the_row_of_people_without_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "PART_BYTES", 40)
    rows = "".join(f"{'' if n % 3 else f'u{n}'},{n % 5 + 1},{5 - n % 5}\r\n\r\n" for n in range(50))
    path = survey(tmp_path, "user,pop,rock\r\n" + rows)
    assert len(list(open_survey(path).reader.parts())) > 5
    assert read_in_parts(path)[0] == read(path)[0]
    table = pa.table({"pop": [1.0, 2, 3, 4, 5], "rock": [5.0, 4, 3, 2, 1]})
    parquet.write_table(table, tmp_path / "t.parquet", row_group_size=2)
    assert read_in_parts(tmp_path / "t.parquet")[0] == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_reads_the_same(dialect: str, tmp_path: Path) -> None:
    ids, vectors = read(survey(tmp_path, DIALECTS[dialect]), scale="0-5")
    assert ids == ["Júlia", "Marc"]
    assert vectors[:, INDEX["pop"]] == pytest.approx([0.7, 0.2])
    assert vectors[:, INDEX["rock"]] == pytest.approx([0.8, 1.0])
    assert vectors.sum() == pytest.approx(2.7)
    assert vectors.dtype == np.float32


@pytest.mark.parametrize("name", ['a "b", c', "two\nlines", "two\r\nlines", "a;b", "NA", "0", "🎸", "Ç", "'", " x "])
def test_quoted_names_come_out_as_they_are(name: str, tmp_path: Path) -> None:
    rows = [["user", "pop", "rock"], [name, "1", "2"], ["next", "3", "4"]]
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    ids, vectors = read(survey(tmp_path, buffer.getvalue()), scale="0-5")
    assert ids == [name, "next"]
    assert vectors[:, INDEX["rock"]] == pytest.approx([0.4, 0.8])


def write_csv(path: Path, rows: Sequence[Sequence[object]]) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


NAMES = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\t"), min_size=1, max_size=8
).filter(str.strip)
ANSWERS = st.none() | st.floats(0, 5) | st.sampled_from([0.0, 1.0, 5.0])


@settings(max_examples=60)
@given(table=st.dictionaries(NAMES, st.tuples(ANSWERS, ANSWERS), min_size=1, max_size=6))
def test_csv_and_parquet_of_any_table_read_the_same_numbers(
    table: dict[str, tuple[float | None, float | None]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("tables")
    rows = [(user, *("" if x is None else repr(x) for x in answers)) for user, answers in table.items()]
    write_csv(folder / "t.csv", [("user", "Hip hop", "jazz"), *rows])
    columns = {"user": list(table), "Hip hop": [a for a, _ in table.values()], "jazz": [b for _, b in table.values()]}
    schema = pa.schema([("user", pa.string()), ("Hip hop", pa.float64()), ("jazz", pa.float64())])
    parquet.write_table(pa.table(columns, schema=schema), folder / "t.parquet")
    for name in ("t.csv", "t.parquet"):
        ids, vectors = read(folder / name, scale="0-5")
        assert ids == list(table)
        for row, answers in zip(vectors, table.values(), strict=True):
            expected = dict.fromkeys(GENRES, 0.0)
            expected |= {genre: (x or 0) / 5 for genre, x in zip(("hiphop", "jazz"), answers, strict=True)}
            assert row.tolist() == pytest.approx(list(expected.values()), abs=1e-7)


@pytest.mark.parametrize("kind", [pa.int8(), pa.int64(), pa.float32(), pa.float64(), pa.decimal128(21, 2), pa.uint16()])
def test_parquet_numbers_of_any_type(kind: pa.DataType, tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    table = pa.table(
        {"id": pa.array([7, 8]), "rock": pa.array([1, 4]).cast(kind), "pop": pa.array([None, 5]).cast(kind)}
    )
    parquet.write_table(table, path)
    ids, vectors = read(path, scale="0-5")
    assert ids == ["7", "8"]
    assert vectors[:, INDEX["rock"]] == pytest.approx([0.2, 0.8])
    assert vectors[:, INDEX["pop"]] == pytest.approx([0, 1])


@pytest.mark.parametrize("kind", [pa.large_string(), pa.dictionary(pa.int32(), pa.string())], ids=str)
def test_parquet_names_of_any_type(kind: pa.DataType, tmp_path: Path) -> None:
    parquet.write_table(pa.table({"user": pa.array(["ann", "bob"]).cast(kind), "pop": [1, 2]}), tmp_path / "t.parquet")
    assert read(tmp_path / "t.parquet")[0] == ["ann", "bob"]


# ---- columns ----


@pytest.mark.parametrize(
    ("column", "genre"),
    [
        ("POP", "pop"),
        ("  Rock ", "rock"),
        ("música clàssica", "classical"),
        ("Música Electrónica", "electronic"),
        ("R&B", "soul"),
        ("hip-hop", "hiphop"),
        ("Hiphop, Rap", "hiphop"),
        ("How much do you like [Jazz]", "jazz"),
        ("rock_score", "rock"),
        ("Q7 Reggaetón", "latin"),
        ("cançó d'autor", "folk"),
    ],
)
def test_a_column_is_understood_whatever_its_form(column: str, genre: str, tmp_path: Path) -> None:
    write_csv(tmp_path / "t.csv", [("user", column), ("ann", 5)])
    _, vectors = read(tmp_path / "t.csv", scale="0-5")
    assert vectors[0].nonzero()[0].tolist() == [INDEX[genre]]


def test_columns_that_are_not_understood_are_listed_and_never_guessed(tmp_path: Path) -> None:
    path = survey(tmp_path, "user,rock,rock climbing,Fav genre,shoe size\nann,1,5,jazz,38\n")
    found = open_survey(path)
    assert found.alignment.unused == ("rock climbing", "Fav genre", "shoe size")
    assert found.alignment.sources == {"rock": ("rock",)}
    for name in ("rock climbing", "Fav genre", "shoe size", "not asked", "jazz"):
        assert name in found.describe()


@pytest.mark.parametrize("column", ["user", "User ID", "userid", "Nombre", "usuari", "Respondent", "ID"])
def test_the_column_that_names_the_person_is_found(column: str) -> None:
    assert align_columns(["pop", column]).id_column == column


def test_a_name_goes_before_an_id() -> None:
    alignment = align_columns(["id", "name", "pop"])
    assert (alignment.id_column, alignment.unused) == ("name", ("id",))


def test_several_columns_of_one_genre_count_by_their_highest_answer(tmp_path: Path) -> None:
    path = survey(tmp_path, "user,Rap,Hip hop,Trap\na,1,4,2\nb,,,3\nc,5,,0\nd,,,\n")
    _, vectors = read(path, scale="0-5")
    assert vectors[:, INDEX["hiphop"]] == pytest.approx([0.8, 0.6, 1.0, 0.0])


def test_one_column_of_two_genres_feeds_both(tmp_path: Path) -> None:
    _, vectors = read(survey(tmp_path, "user,Rap / R&B,pop\na,4,0\n"), scale="0-5")
    assert {genre: float(vectors[0, INDEX[genre]]) for genre in ("hiphop", "soul")} == pytest.approx(
        {"hiphop": 0.8, "soul": 0.8}
    )


def test_own_columns_go_before_the_vocabulary(tmp_path: Path) -> None:
    path = survey(tmp_path, "user,Video game music,rock,pop\nann,5,4,3\n")
    found = open_survey(path, "Video game music=techno, rock=", "0-5")
    assert found.alignment.sources == {"pop": ("pop",), "electronic": ("Video game music",)}
    assert found.alignment.unused == ("rock",)
    _, vectors = read(path, "Video game music=techno, rock=", "0-5")
    assert vectors[0].sum() == pytest.approx(1.6)


def test_an_id_column_can_be_left_out(tmp_path: Path) -> None:
    assert read(survey(tmp_path, "name,pop\nann,1\nann,0\n"), "name=")[0] == ["1", "2"]


@pytest.mark.parametrize(
    ("own", "word"), [("Polka=pop", "Polka"), ("pop=polka", "polka"), ("pop", "pop"), ("pop=rock, x=y", "x=y")]
)
def test_wrong_own_columns_are_refused_by_name(own: str, word: str, tmp_path: Path) -> None:
    message = fault_of(survey(tmp_path, "user,pop\nann,1\n"), own)
    assert "COLUMNS" in message and word in message and "answers.csv" in message


# ---- scales ----


@pytest.mark.parametrize(
    ("low", "high", "whole", "scale"),
    [
        (0, 0, True, "0-1"),
        (0, 1, True, "0-1"),
        (0, 0.95, False, "0-1"),
        (1, 1, True, "0-1"),
        (0, 2, True, "0-3"),
        (0, 3, True, "0-3"),
        (0, 2.5, False, "0-5"),
        (0, 5, True, "0-5"),
        (1, 5, True, "1-5"),
        (1, 3, True, "1-5"),
        (2, 5, True, "1-5"),
        (1.5, 4.5, False, "1-5"),
        (1, 7, True, "1-7"),
        (0, 7, True, "0-10"),
        (2, 7, True, "0-10"),
        (1, 6.5, False, "0-10"),
        (0, 10, True, "0-10"),
        (1, 10, True, "1-10"),
        (0, 10.5, False, "0-100"),
        (0, 87, True, "0-100"),
        (0, 100, True, "0-100"),
    ],
)
def test_scale_is_found_from_the_answers(low: float, high: float, whole: bool, scale: str) -> None:
    assert str(detect_scale(low, high, whole)) == scale


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([0, 0.25, 1], [0, 0.25, 1]),
        ([0, 1, 2, 3], [0, 1 / 3, 2 / 3, 1]),
        ([1, 2, 3, 5], [0, 0.25, 0.5, 1]),
        ([0, 4, 10], [0, 0.4, 1]),
        ([0, 37, 100], [0, 0.37, 1]),
        ([1, 4, 7], [0, 0.5, 1]),
    ],
)
def test_answers_become_0_to_1(answers: list[float], expected: list[float], tmp_path: Path) -> None:
    write_csv(tmp_path / "t.csv", [("user", "metal"), *((f"u{i}", x) for i, x in enumerate(answers))])
    _, vectors = read(tmp_path / "t.csv")
    assert vectors[:, INDEX["metal"]] == pytest.approx(expected, abs=1e-7)


def test_the_scale_is_that_of_the_whole_file_not_of_its_first_block(tmp_path: Path) -> None:
    rows = [(f"u{i}", 1, "x" * 100) for i in range(BLOCK_BYTES // 100)]
    write_csv(tmp_path / "t.csv", [("user", "pop", "notes"), *rows, ("last", 10, "")])
    _, vectors = read(tmp_path / "t.csv")
    assert (vectors[0, INDEX["pop"]], vectors[-1, INDEX["pop"]]) == pytest.approx((0.0, 1.0))


@pytest.mark.parametrize(
    ("scale", "value"), [("0-5", 0.6), ("1-5", 0.5), (" 0 - 10 ", 0.3), ("1-7", 1 / 3), ("0-4.5", 2 / 3)]
)
def test_a_named_scale_is_taken(scale: str, value: float, tmp_path: Path) -> None:
    _, vectors = read(survey(tmp_path, "user,pop\nann,3\n"), scale=scale)
    assert vectors[0, 0] == pytest.approx(value)


@pytest.mark.parametrize("scale", ["5", "3-3", "a-b", "", "1..2-5", "-1-5", "1-5-7"])
def test_a_scale_that_is_none_is_refused(scale: str) -> None:
    with pytest.raises(UserError, match="not LOW-HIGH"):
        parse_scale(scale)


@pytest.mark.parametrize(("answer", "scale"), [("6", "1-5"), ("0", "1-5"), ("0.5", "1-5")])
def test_answers_outside_the_named_scale_are_refused(answer: str, scale: str, tmp_path: Path) -> None:
    message = fault_of(survey(tmp_path, f"user,pop\nann,{answer}\n"), scale=scale)
    assert answer in message and scale in message and "answers.csv" in message


def test_a_score_above_100_asks_for_the_scale(tmp_path: Path) -> None:
    assert "--scale 0-120" in fault_of(survey(tmp_path, "user,pop\nann,120\n"))


# ---- missing answers ----


@pytest.mark.parametrize("blank", [*MISSING, " ", " NA", "NA "])
def test_a_missing_answer_counts_as_nothing(blank: str, tmp_path: Path) -> None:
    _, vectors = read(survey(tmp_path, f"user,pop,rock\nann,{blank},4\nbob,2,{blank}\n"), scale="0-5")
    assert vectors[:, :2].tolist() == [[0, pytest.approx(0.8)], [pytest.approx(0.4), 0]]


def test_on_a_scale_from_1_a_missing_answer_is_no_less_than_the_lowest(tmp_path: Path) -> None:
    _, vectors = read(survey(tmp_path, "user,pop,rock\nann,,5\nbob,1,5\n"))
    assert vectors[:, 0].tolist() == [0, 0]


def test_a_table_without_a_single_answer_is_people_who_scored_nothing(tmp_path: Path) -> None:
    ids, vectors = read(survey(tmp_path, "user,pop,rock\nann,,\nbob,,\n"))
    assert ids == ["ann", "bob"] and not vectors.any()


# ---- rows, ids and blocks ----


def test_without_an_id_column_row_numbers_are_the_ids_across_blocks(tmp_path: Path) -> None:
    count = 2 * BLOCK_BYTES // 400 + 10
    write_csv(tmp_path / "t.csv", [("pop", "notes"), *((i % 11, "x" * 400) for i in range(count))])
    found = open_survey(tmp_path / "t.csv")
    sizes = [len(ids) for ids, _ in found.batches()]
    ids, vectors = read(tmp_path / "t.csv")
    assert len(sizes) > 1 and found.rows == sum(sizes) == count
    assert ids == [str(number) for number in range(1, count + 1)]
    assert vectors[:, 0] == pytest.approx(np.arange(count) % 11 / 10)


def test_names_with_line_breaks_at_the_borders_of_blocks_stay_whole(tmp_path: Path) -> None:
    count = 2 * BLOCK_BYTES // 60
    names = ["line,\n" * 8 + str(i) for i in range(count)]
    write_csv(tmp_path / "t.csv", [("user", "pop"), *((name, i % 11) for i, name in enumerate(names))])
    ids, vectors = read(tmp_path / "t.csv")
    assert ids == names
    assert vectors[:, 0] == pytest.approx(np.arange(count) % 11 / 10)


def test_a_parquet_file_of_several_batches_keeps_its_order(tmp_path: Path) -> None:
    count = BATCH_ROWS + 1_000
    parquet.write_table(pa.table({"pop": np.arange(count) % 4, "note": ["x"] * count}), tmp_path / "t.parquet")
    ids, vectors = read(tmp_path / "t.parquet")
    assert ids == [str(number) for number in range(1, count + 1)]
    assert vectors[:, 0] == pytest.approx(np.arange(count) % 4 / 3)


def test_people_of_one_name_and_without_a_name_are_people(tmp_path: Path) -> None:
    path = survey(tmp_path, "name,Rock,Pop,Jazz\nMarc,5,1,1\nMarc,1,5,1\n,2,2,5\n")
    ids, vectors = read(path)
    assert ids == ["Marc", "Marc", "row 3"]
    assert vectors[:2, INDEX["rock"]].tolist() == [1, 0]


def test_ids_that_differ_by_case_or_space_are_different_people(tmp_path: Path) -> None:
    assert read(survey(tmp_path, "user,pop\nann,1\nANN,0\nann ,1\n"))[0] == ["ann", "ANN", "ann "]


# ---- faults ----


def test_all_faults_are_listed_at_once_with_their_lines(tmp_path: Path) -> None:
    path = survey(
        tmp_path,
        "user,pop,rock\nann,1,2\nbob,-2,lots\n\ncat,inf,1\nann,1,1\ndan,1\n,1,1\neve,nan,1\nfay,1,1,1,1\n",
    )
    message = fault_of(path)
    for place in (
        "line 3, column 'pop': -2",
        "line 3, column 'rock': 'lots'",
        "line 5, column 'pop': 'inf'",
        "line 7: 2 cells",
        "line 9, column 'pop': 'nan'",
        "line 10: 5 cells",
    ):
        assert place in message, f"{place!r} is not in {message}"
    assert "6 faults" in message and str(path) in message


def test_faults_in_the_last_of_many_blocks_are_found(tmp_path: Path) -> None:
    count = BLOCK_BYTES // 50
    write_csv(tmp_path / "t.csv", [("pop", "notes"), *((1, "x" * 100) for _ in range(count)), ("lots", "")])
    assert f"line {count + 2}, column 'pop': 'lots'" in fault_of(tmp_path / "t.csv")


def test_more_faults_than_a_person_reads_are_counted(tmp_path: Path) -> None:
    message = fault_of(survey(tmp_path, "user,pop\n" + "".join(f"u{i},w{'x' * i}\n" for i in range(50))))
    assert "50 faults" in message and "and 30 more" in message


@pytest.mark.parametrize("own", ["Swing, Jazz=soul;pop=", "pop=; Swing, Jazz = soul"])
def test_own_columns_with_commas_are_parted_by_semicolons(own: str, tmp_path: Path) -> None:
    path = survey(tmp_path, 'user,"Swing, Jazz",pop\nann,5,4\n')
    assert open_survey(path, own, "0-5").alignment.sources == {"soul": ("Swing, Jazz",)}


@pytest.mark.parametrize(
    "cell", ["1_0", "3.5.1", "1 2", "0x10", "five", "--1", "1.000,5", "1e999", "-0.001", "=1+1", "TRUE"]
)
def test_a_cell_that_is_no_score_is_named_with_its_line_and_column(cell: str, tmp_path: Path) -> None:
    message = fault_of(survey(tmp_path, f"user;pop;rock\nann;1;1\nbob;{cell};4\n"))
    assert "line 3" in message and "'pop'" in message and cell in message


def test_decimal_points_and_commas_in_one_file_are_read_or_named_with_their_line(tmp_path: Path) -> None:
    path = survey(tmp_path, "user;pop;rock\nann;3,5;1\nbob;4.5;1\n")
    try:
        _, vectors = read(path, scale="0-5")
    except UserError as error:
        assert "line 3" in str(error) or "line 2" in str(error), error
    else:
        assert vectors[:, 0] == pytest.approx([0.7, 0.9])


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"user": ["a", "b"], "pop": ["1", "lots"]}, ["'pop'"]),
        ({"user": ["a", "b"], "pop": [1.0, -2.0]}, ["row 2", "'pop'", "-2"]),
        ({"user": ["a", "b"], "pop": [float("inf"), 1.0]}, ["row 1", "'pop'", "inf"]),
        ({"user": ["a"], "shoe size": [1]}, ["no column is a genre", "'shoe size'"]),
        ({"user": pa.array([], pa.string()), "pop": pa.array([], pa.int8())}, ["no rows"]),
    ],
)
def test_faults_of_parquet_are_named_with_row_and_column(
    columns: dict[str, list[object]], words: list[str], tmp_path: Path
) -> None:
    parquet.write_table(pa.table(columns), tmp_path / "t.parquet")
    message = fault_of(tmp_path / "t.parquet")
    for word in [*words, "t.parquet"]:
        assert word in message


def test_a_damaged_parquet_file_is_named(tmp_path: Path) -> None:
    whole = tmp_path / "whole.parquet"
    parquet.write_table(pa.table({"user": [f"u{i}" for i in range(9_999)], "pop": np.arange(9_999) % 5}), whole)
    data = whole.read_bytes()
    middle = data[: len(data) // 3] + bytes(200) + data[len(data) // 3 + 200 :]
    for name, content in (("half", data[: len(data) // 2]), ("text", b"user,pop\n"), ("empty", b""), ("holed", middle)):
        path = survey(tmp_path, content, f"{name}.parquet")
        assert f"{name}.parquet" in fault_of(path)


# ---- files that are no tables ----


def excel_bytes() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as workbook:
        workbook.writestr("xl/workbook.xml", "<workbook/>")
    return buffer.getvalue()


ROWS = "user,pop,rock\n" + "".join(f"u{i},1,2\n" for i in range(20_000))


NO_TABLES: dict[str, tuple[bytes, list[str]]] = {
    "empty": (b"", ["is empty"]),
    "header alone": (b"user,pop\n", ["no rows"]),
    "header without a line break": (b"user,pop", ["no rows"]),
    "blank first line": (b"\nuser,pop\nann,1\n", ["first line"]),
    "Excel workbook": (excel_bytes(), ["Excel"]),
    "binary": (b"user,pop\n\0\0\0\n", ["not a text table"]),
    "column twice": (b"user,pop,pop\nann,1,2\n", ["'pop'", "twice"]),
    "no genre": (b"user,shoe size\nann,38\n", ["no column is a genre", "'shoe size'", "reggae"]),
    "an unclosed quote": (ROWS.replace("u3,", '"u3,').encode(), []),
    "a byte that no encoding has, early": (b"user,pop,rock\nJ\xfa\x81lia,1,2\n", []),
    "a byte that no encoding has, late": (ROWS.encode() + b"J\xfa\x81lia,1,2\n", []),
    "UTF-16 cut in a letter": (ROWS.encode("utf-16")[:-1], []),
    "UTF-16 with half a letter": (ROWS.encode("utf-16") + b"\x00\xd8x\x00", []),
}


@pytest.mark.parametrize("case", NO_TABLES)
def test_a_file_that_is_no_table_is_refused_in_one_message(case: str, tmp_path: Path) -> None:
    content, words = NO_TABLES[case]
    message = fault_of(survey(tmp_path, content))
    for word in [*words, "answers.csv"]:
        assert word in message
    assert len(message.splitlines()) <= 22


@pytest.mark.parametrize("name", ["answers.ods", "answers", "answers.csv.gz"])
def test_another_suffix_is_refused(name: str, tmp_path: Path) -> None:
    message = fault_of(survey(tmp_path, "user,pop\nann,1\n", name))
    assert name in message and ".csv" in message and ".parquet" in message


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    assert "no such file" in fault_of(tmp_path / "none.csv")
    assert "is a folder" in fault_of(tmp_path / "folder.csv")


# ---- tables ----


@pytest.mark.parametrize(
    ("content", "delimiter", "names"),
    [
        ("a,b;c;d\n", ";", ["a,b", "c", "d"]),
        ('"a;b;c",d\n', ",", ["a;b;c", "d"]),
        ("a\tb\n", "\t", ["a", "b"]),
        ("alone\n", ",", ["alone"]),
        ("a,,c\n", ",", ["a", "(column 2)", "c"]),
        (" a , b \n", ",", ["a", "b"]),
    ],
)
def test_the_separator_is_what_parts_most_columns(
    content: str, delimiter: str, names: list[str], tmp_path: Path
) -> None:
    dialect = find_dialect(survey(tmp_path, content))
    assert (dialect.delimiter, dialect.names) == (delimiter, names)


def test_line_numbers_count_the_lines_of_the_file(tmp_path: Path) -> None:
    path = survey(tmp_path, 'name,"ti\ntle"\na,1\n\n"b\nb",2\nc,3\n')
    dialect = find_dialect(path)
    assert dialect.header_lines == 2
    assert [(line, cells[0]) for line, cells in dialect.rows(path)] == [(3, "a"), (6, "b\nb"), (7, "c")]


@pytest.mark.parametrize(("delimiter", "cell", "number"), [(";", "3,5", 3.5), (";", "3.5", 3.5), (",", "3.5", 3.5)])
def test_commas_are_decimal_marks_where_they_do_not_part_cells(
    delimiter: str, cell: str, number: float, tmp_path: Path
) -> None:
    assert find_dialect(survey(tmp_path, f"a{delimiter}b\n")).number(cell) == number


def test_a_comma_is_no_decimal_mark_where_it_parts_cells(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="3,5"):
        find_dialect(survey(tmp_path, "a,b\n")).number("3,5")


def test_a_table_in_two_encodings_is_named_with_a_line_of_each(tmp_path: Path) -> None:
    lines = ["name,rock,jazz", "Ada,1,2", "Júlia,3,4", "Bob,5,1", "Núria,2,2"]
    encodings = ["utf-8", "utf-8", "utf-8", "utf-8", "cp1252"]
    content = b"\n".join(line.encode(encoding) for line, encoding in zip(lines, encodings, strict=True))
    (tmp_path / "mixed.csv").write_bytes(content)
    with pytest.raises(UserError, match=r"mixed\.csv: line 3 is in UTF-8, and line 5 is not; save the whole table"):
        open_survey(tmp_path / "mixed.csv")
