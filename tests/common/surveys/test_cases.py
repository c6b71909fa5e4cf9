"""Tables as people export them: read rightly, or asked about in one line that can be pasted back."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from common.errors import UserError
from common.genres import GENRES
from common.surveys.survey import Survey, open_survey
from tests.helpers import REAL_DATA, needs_real_data

CASES = REAL_DATA / "pet/cases"


def tastes(survey: Survey) -> dict[str, dict[str, float]]:
    people = {}
    for ids, vectors in survey.batches():
        for name, vector in zip(ids.to_pylist(), vectors.tolist(), strict=True):
            people[name] = {genre: round(x, 2) for genre, x in zip(GENRES, vector, strict=True) if x}
    return people


def table(folder: Path, text: str, name: str = "t.csv") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


READ: dict[str, tuple[str, dict[str, dict[str, float]]]] = {
    "codes for no answer": (
        "name,Rock,Pop,Jazz\nA,5,1,99\nB,1,5,2\n", {"A": {"rock": 1}, "B": {"pop": 1, "jazz": 0.25}},
    ),
    "minus one": ("name,Rock,Pop,Jazz\nA,5,1,-1\nB,1,5,2\n", {"A": {"rock": 1}, "B": {"pop": 1, "jazz": 0.25}}),
    "a rare 0": (
        "name,Rock,Pop,Jazz\nA,5,1,0\nB,1,5,1\nC,3,1,1\n", {"A": {"rock": 1}, "B": {"pop": 1}, "C": {"rock": 0.5}}
    ),
    "totals": ("name,Rock,Pop\nA,5,1\nB,1,5\nTotal,6,6\n", {"A": {"rock": 1}, "B": {"pop": 1}}),
    "means": ("nom,Rock,Pop\nA,5,1\nB,1,4\nMitjana:,3,2.5\n", {"A": {"rock": 1}, "B": {"pop": 0.75}}),
    "frequency": (
        "name,Rock,Pop\nA,Never,Very frequently\nB,Sometimes,Rarely\n",
        {"A": {"pop": 1}, "B": {"rock": 0.67, "pop": 0.33}},
    ),
    "liking": ("name,Rock,Pop\nA,Me encanta,No me gusta\nB,M'agrada,Me da igual\n",
               {"A": {"rock": 1}, "B": {"rock": 0.67, "pop": 0.33}}),
    "German agreement": ("Name,Rock,Pop\nA,Stimme voll zu,Stimme gar nicht zu\n", {"A": {"rock": 1}}),
    "labels": ("nom,Rock,Pop\nA,5 (molt),1 (gens)\nB,2,3\n", {"A": {"rock": 1}, "B": {"rock": 0.25, "pop": 0.5}}),
    "decimal commas": ('name,Rock,Pop\nA,"3,5","1"\nB,"1","5"\n', {"A": {"rock": 0.62}, "B": {"pop": 1}}),
    "ja and nein": ("Name;Rock;Pop\nA;Ja;Nein\nB;Nein;Ja\n", {"A": {"rock": 1}, "B": {"pop": 1}}),
    "tick list": ("name,Rock,Pop\nA,✓,\nB,,✓\n", {"A": {"rock": 1}, "B": {"pop": 1}}),
    "title": ("Our survey\n\nName,Rock,Pop\nA,5,1\nB,1,5\n", {"A": {"rock": 1}, "B": {"pop": 1}}),
    "sep": ("sep=;\nname;Rock;Pop\nA;5;1\nB;1;5\n", {"A": {"rock": 1}, "B": {"pop": 1}}),
    "ragged": ("name,Rock,Pop,\nA,5,1\nB,1,5,\n", {"A": {"rock": 1}, "B": {"pop": 1}}),
    "Qualtrics": (
        'ResponseId,Q1,Q2\nResponse ID,Like - Rock,Like - Pop\n"{""ImportId"":""a""}",'
        '"{""ImportId"":""b""}",x\nR1,5,1\nR2,1,5\n',
        {"R1": {"rock": 1}, "R2": {"pop": 1}},
    ),
    "ticks": (
        'name,genres\nA,"Pop 🎶, Jazz"\nB,Techno; Rap\n',
        {"A": {"pop": 1, "jazz": 1}, "B": {"electronic": 1, "hiphop": 1}},
    ),
    "three genres": (
        "name,Genre 1,Genre 2\nA,Rock,Jazz\nB,Pop,\n", {"A": {"rock": 1, "jazz": 1}, "B": {"pop": 1}}
    ),
    "long": (
        "person,genre,plays\nA,rock,10\nA,jazz,5\nB,spanish hip hop,10\n",
        {"A": {"rock": 1, "jazz": 0.5}, "B": {"hiphop": 1}},
    ),
    "first and last names": (
        "First name,Last name,Rock,Pop\nA,X,5,1\nB,Y,1,5\n", {"A X": {"rock": 1}, "B Y": {"pop": 1}},
    ),
    "percent": ("name,Rock,Pop\nA,80 %,20 %\n", {"A": {"rock": 0.8, "pop": 0.2}}),
    "1-10": ("name,Rock,Pop,Jazz\nA,10,1,1\nB,1,10,1\n", {"A": {"rock": 1}, "B": {"pop": 1}}),
}  # fmt: skip


@pytest.mark.parametrize("case", READ)
def test_a_table_is_read_rightly(case: str, tmp_path: Path) -> None:
    text, expected = READ[case]
    assert tastes(open_survey(table(tmp_path, text))) == expected


ASKED: dict[str, tuple[str, list[str]]] = {
    "a typing error": ("name,Rock,Pop,Jazz\nA,5,2,1\nB,2,55,1\nC,4,4,3\n", ["line 3", "'Pop'", "55"]),
    "1-7 without its ends": ("name,Rock,Pop\nA,6,2\nB,2,6\n", ["--scale 1-7", "--scale 0-10"]),
    "1-10 or 0-10": ("name,Rock,Pop\nA,10,2\nB,2,9\n", ["--scale 1-10", "--scale 0-10"]),
    "yes 1, no 2": ("name,Rock,Pop\nA,1,2\nB,2,1\n", ["--scale 2-1", "--scale 1-5"]),
    "ranks": ("name,Rock,Pop,Jazz\nA,1,2,3\nB,3,1,2\n", ["--scale 3-1", "--scale 1-3"]),
    "about the person": (
        "name,Age,Country,Latino,Rock\nA,30,34,1,5\nB,20,33,0,1\n", ["'Country'", "--columns 'Country=; Latino='"],
    ),
    "thousands": ("name;Rock;Pop\nA;1.234;5\nB;3;2.345\n", ["1.234", "1234"]),
    "labels upside down": ("nom,Rock,Pop\nA,1 (molt),5 (gens)\n", ["--scale 5-1"]),
    "unknown words once": ("name,Rock,Pop\nA,meh,meh\nB,meh,yay\n", ["2 faults", "meh=NUMBER", "yay=NUMBER", "line 2"]),
    "a 9 on 1-7": ("name,Rock,Pop\nA,1,7\nB,2,9\nC,3,5\nD,1,1\n", ["--missing 9", "--scale 1-10"]),
}  # fmt: skip


@pytest.mark.parametrize("case", ASKED)
def test_what_can_be_read_in_two_ways_is_asked(case: str, tmp_path: Path) -> None:
    text, words = ASKED[case]
    with pytest.raises(UserError) as error:
        open_survey(table(tmp_path, text))
    for word in words:
        assert word in str(error.value)


def mixed(folder: Path, people: int) -> Path:
    """Rock and Pop on 1-5, Jazz on 0-100, Metal ticked as 0 or 1, everybody at every place of the scales."""
    rows = [f"P{i},{1 + i % 5},{5 - i % 5},{i * 7 % 101},{i % 2}" for i in range(people)]
    return table(folder, "name,Rock,Pop,Jazz,Metal\n" + "\n".join(rows) + "\n")


def test_each_question_has_the_scale_of_its_answers(tmp_path: Path) -> None:
    survey = open_survey(mixed(tmp_path, 200))
    assert {name: str(scale) for name, scale in survey.scales.items()} == {
        "Rock": "1-5", "Pop": "1-5", "Jazz": "0-100", "Metal": "0-1",
    }  # fmt: skip
    assert tastes(survey)["P9"] == {"rock": 1, "jazz": 0.63, "metal": 1}
    assert "with a scale of their own: Metal 0-1, Jazz 0-100" in survey.describe()


def test_few_answers_are_asked_about_and_the_line_can_be_pasted_back(tmp_path: Path) -> None:
    path = mixed(tmp_path, 16)
    with pytest.raises(UserError, match="the 16 answers of 'Pop' end at 5, those of 'Jazz' at 98") as error:
        open_survey(path)
    assert "--scale 'Pop=1-5' or --scale 0-100" in str(error.value)
    survey = open_survey(path, scale="1-5, Jazz=0-100, Metal=0-1")
    assert tastes(survey)["P9"] == {"rock": 1, "jazz": 0.63, "metal": 1}
    for scale, words in (("Rok=1-5", "no column 'Rok'"), ("1-5, 1-7", "must be one scale")):
        with pytest.raises(UserError, match=words):
            open_survey(path, scale=scale)


def test_genres_that_nobody_likes_much_stay_on_the_scale_of_all(tmp_path: Path) -> None:
    """On 1-10, with answers to jazz that fade out at 5: no scale of its own."""
    jazz = [1] * 90 + [2] * 60 + [3] * 30 + [4] * 15 + [5] * 2
    rows = [f"P{i},{1 + i % 10},{10 - i % 10},{answer}" for i, answer in enumerate(jazz)]
    survey = open_survey(table(tmp_path, "name,Rock,Pop,Jazz\n" + "\n".join(rows) + "\n"))
    assert {str(scale) for scale in survey.scales.values()} == {"1-10"}


def test_ranks_of_the_three_best_are_suspected_and_can_be_said(tmp_path: Path) -> None:
    path = table(tmp_path, "name,Rock,Pop,Jazz,Folk\nA,1,2,3,\nB,3,,1,2\nC,,3,2,1\n")
    with pytest.raises(UserError, match="each number from 1 to 3 once, as in ranks") as error:
        open_survey(path)
    assert "--scale 4-1 (1 = best)" in str(error.value)
    assert tastes(open_survey(path, scale="4-1"))["A"] == {"rock": 1, "pop": 0.67, "jazz": 0.33}


def test_a_long_table_is_gathered_whatever_the_order_of_its_rows(tmp_path: Path) -> None:
    rows = ["B,rock,10", "A,jazz,4", "A,swing,8", "B,ambient,2,5", "C,unknown thing,9", "A,rock,", "B,rock,3"]
    text = "person;genre;plays\n" + "".join(row.replace(",", ";", 2) + "\n" for row in rows)
    survey = open_survey(table(tmp_path, text))
    assert tastes(survey) == {"B": {"rock": 1, "electronic": 0.25}, "A": {"jazz": 0.8}, "C": {}}
    for bad, words in (("A;jazz;many", "line 301: 'many' is not a score"), ("A;jazz", "line 301: 2 cells")):
        long = "person;genre;plays\n" + "".join(f"P{i % 50};{['rock', 'jazz'][i % 2]};{i % 11}\n" for i in range(299))
        with pytest.raises(UserError, match=words):
            open_survey(table(tmp_path, f"{long}{bad}\n", "bad.csv"))


def test_the_settings_that_are_asked_for_decide(tmp_path: Path) -> None:
    path = table(tmp_path, "code,Rock,Pop\nA,1,2\nB,2,1\n")
    assert tastes(open_survey(path, scale="2-1", name_column="code")) == {"A": {"rock": 1}, "B": {"pop": 1}}
    words = table(tmp_path, "name,Rock,Pop\nA,meh,yay\n", "w.csv")
    assert tastes(open_survey(words, scale="1-5", answers="meh=2, yay=5")) == {"A": {"rock": 0.25, "pop": 1}}
    zeros = table(tmp_path, "name,Rock,Pop\nA,5,1\nB,1,0\nC,1,1\n", "z.csv")
    assert tastes(open_survey(zeros, missing="none", scale="0-5"))["C"] == {"rock": 0.2, "pop": 0.2}
    assert tastes(open_survey(zeros, missing="0"))["C"] == {}


def test_missing_answers_are_named_with_their_lines_and_empty_tastes_with_their_names(tmp_path: Path) -> None:
    survey = open_survey(table(tmp_path, "name,Rock,Pop,Jazz\nA,5,1,99\nB,1,5,2\nZoe,1,1,1\n"))
    tastes(survey)
    assert "99 counts as no answer (line 2)" in survey.describe()
    assert survey.describe_empty().endswith(": Zoe")


def write_xlsx(path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (("Name", "Rock", "Pop"), ("A", 5, 1), ("B", 1.0, 5)):
        book.active.append(row)
    book.save(path)


def write_json(path: Path) -> None:
    path.write_text(
        json.dumps([{"name": "A", "tastes": {"Rock": 5, "Pop": 1}}, {"name": "B", "tastes": {"Rock": 1, "Pop": 5}}])
    )


@pytest.mark.parametrize(("name", "write"), [("t.xlsx", write_xlsx), ("t.json", write_json)])
def test_workbooks_and_records(name: str, write: Callable[[Path], None], tmp_path: Path) -> None:
    write(tmp_path / name)
    assert tastes(open_survey(tmp_path / name)) == {"A": {"rock": 1}, "B": {"pop": 1}}


@pytest.mark.parametrize("name", ["t.xlsx", "t.json"])
def test_a_damaged_workbook_or_record_file_is_refused(name: str, tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    with pytest.raises(UserError, match=name):
        open_survey(table(tmp_path, "no such thing", name))


ASKED_CASES = {
    "country_code", "demographics", "rank", "s17b", "thousands", "two_kiosks_b", "typo55", "yes1no2",
}  # fmt: skip


@needs_real_data("pet/cases")
def test_every_case_is_read_or_asked_about() -> None:
    asked = set()
    for path in sorted([*CASES.glob("*.csv"), *CASES.glob("*.tsv")]):
        try:
            assert any(tastes(open_survey(path)).values()), path
        except UserError as error:
            assert "--" in str(error), path
            asked.add(path.stem)
    assert asked == ASKED_CASES
