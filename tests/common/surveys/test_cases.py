"""Tables as people export them: read rightly, or asked about in one line that can be pasted back."""

import json
import re
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
    "two header rows, a question above its choices": (
        "Respondent ID,First Name,Last Name,How often do you listen to these?,,,\n,,,Rock,Pop,Other (specify)\n"
        "114,Ann,Lee,Always,Never,\n115,Bo,Xu,Rarely,Always,polka\n",
        {"Ann Lee": {"rock": 1}, "Bo Xu": {"rock": 0.25, "pop": 1}},
    ),
    "a first person below unnamed columns": (
        "name,Genres,,,notes\nA,Rock,Jazz,Pop,\nB,Punk,,,hi\n",
        {"A": {"rock": 1, "jazz": 1, "pop": 1}, "B": {"punk": 1}},
    ),
    "two header rows of ticks": (
        "Respondent ID,Start Date,Which do you like? Select all,,\n"
        ",,Rock,Pop,None of the above\n1,5/1,Rock,,\n2,5/1,,Pop,\n",
        {"1": {"rock": 1}, "2": {"pop": 1}},
    ),
    "a column an answer, its header the answer": (
        "#,Hi! What's your name?,Rock,Hip-hop,Other\na,Ann,Rock,,\nb,Bo,,Hip-hop,gospel\n",
        {"Ann": {"rock": 1}, "Bo": {"hiphop": 1, "soul": 1}},
    ),
    "LimeSurvey's codes before the question": (
        '"id. Response ID","G[SQ001]. Which genres? [Rock]","G[SQ002]. Which genres? [Pop]"\n'
        '"1","Yes","No"\n"2","N/A","Yes"\n',
        {"1": {"rock": 1}, "2": {"pop": 1}},
    ),
    "Qualtrics' words of liking": (
        "name,Rock,Pop\nA,Like a great deal,Dislike somewhat\nB,Dislike a great deal,Neither like nor dislike\n",
        {"A": {"rock": 1, "pop": 0.25}, "B": {"pop": 0.5}},
    ),
    "sehr gern": (
        "Name;Wie gern hörst du [Rock];Wie gern hörst du [Schlager]\n"
        "A;sehr gern;gar nicht gern\nB;teils/teils;weniger gern\n",
        {"A": {"rock": 1}, "B": {"rock": 0.5, "pop": 0.25}},
    ),
    "how often in a week": (
        "name,Rock,Pop\nA,Every day,Once a week\nB,Less than once a month,Several times a week\n",
        {"A": {"rock": 1, "pop": 0.6}, "B": {"rock": 0.2, "pop": 0.8}},
    ),
    "tous les jours": ("prénom,Rock,Rap\nZoé,Souvent,Jamais\nLéo,Parfois,Tous les jours\n",
                       {"Zoé": {"rock": 0.75}, "Léo": {"rock": 0.5, "hiphop": 1}}),
    "more or less": ("nome,Rock,Pop\nAna,Sim,Mais ou menos\nRui,Não,Sim\n",
                     {"Ana": {"rock": 1, "pop": 0.5}, "Rui": {"pop": 1}}),
    "faces": ("name,Rock,Pop\nA,😍,😐\nB,😡,🙂\n", {"A": {"rock": 1, "pop": 0.5}, "B": {"pop": 0.75}}),
    "thumbs": ("name,Rock,Pop\nA,👍,👎\nB,,👍\n", {"A": {"rock": 1}, "B": {"pop": 1}}),
    "the scale in the question, 1 the best": (
        'name,"Rock (1 = love, 5 = hate)","Pop (1 = love, 5 = hate)"\nA,5,1\nB,1,4\n',
        {"A": {"pop": 1}, "B": {"rock": 1, "pop": 0.25}},
    ),
    "the scale in the question": (
        'name,"Rock (0 = hate, 10 = love)","Pop (0 = hate, 10 = love)"\nA,5,1\nB,1,4\n',
        {"A": {"rock": 0.5, "pop": 0.1}, "B": {"rock": 0.1, "pop": 0.4}},
    ),
    "valora de l'1 al 10": (
        "Com et dius?,Valora de l'1 al 10: [Rock],Valora de l'1 al 10: [Havaneres]\nJúlia,10,3\nPau,3,9\n",
        {"Júlia": {"rock": 1, "world": 0.22}, "Pau": {"rock": 0.22, "world": 0.89}},
    ),
    "a column a person": (
        "genre,Ann,Bo\nRock,5,1\nPop,1,4\nJazz,2,2\n",
        {"Ann": {"rock": 1, "jazz": 0.25}, "Bo": {"pop": 0.75, "jazz": 0.25}},
    ),
    "plays of artists are added up": (
        "user,genre,artist,plays\na,rock,x,5\na,rock,y,5\na,pop,z,7\nb,pop,z,1\n",
        {"a": {"rock": 1, "pop": 0.7}, "b": {"pop": 1}},
    ),
    "thousands of plays": ("user,tag,playcount\na,shoegaze,1203\na,pop,88\nb,jazz,2004\n",
                           {"a": {"indie": 1, "pop": 0.07}, "b": {"jazz": 1}}),
    "a log of what was played": (
        "user,timestamp,genre\na,1,rock\na,2,rock\na,3,pop\nb,4,jazz\n",
        {"a": {"rock": 1, "pop": 0.5}, "b": {"jazz": 1}},
    ),
    "long with ratings": (
        "respondent,question,answer\n1,Rock,5\n1,Pop,1\n2,Rock,2\n2,Pop,4\n",
        {"1": {"rock": 1}, "2": {"rock": 0.25, "pop": 0.75}},
    ),
    "long with words": (
        "respondent,genre,answer\n1,Rock,Always\n1,Pop,Never\n2,Rock,Rarely\n2,Pop,Often\n",
        {"1": {"rock": 1}, "2": {"rock": 0.25, "pop": 0.75}},
    ),
    "two of one name in a list": (
        "name,age,genres\nMarc,20,rock\nMarc,30,jazz\nAda,25,pop\nBo,2,soul\nCy,4,punk\n",
        {"Marc": {"jazz": 1}, "Ada": {"pop": 1}, "Bo": {"soul": 1}, "Cy": {"punk": 1}},
    ),
    "blank rows below": ("name;Rock;Pop\nA;5;1\nB;1;5\n;;\n;;\n", {"A": {"rock": 1}, "B": {"pop": 1}}),
    "notes below": ("name,Rock,Pop\nA,5,1\nB,1,5\n\nSource: festival\n", {"A": {"rock": 1}, "B": {"pop": 1}}),
    "the header once more": ("name,Rock,Pop\nA,5,1\nname,Rock,Pop\nB,1,5\n", {"A": {"rock": 1}, "B": {"pop": 1}}),
    "blanks before quotes": ('"name" , "Rock" , "Pop"\n"A" , "5" , "1"\n', {"A ": {"rock": 1}}),
    "a minus sign of typographers": ("name,Rock,Pop\nA,\u22121,5\nB,4,1\n", {"A": {"pop": 1}, "B": {"rock": 0.75}}),
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
    "dates made of answers": ("name,Rock,Pop\nA,01-May,3\nB,2,5/1\n", ["'01-May' is no number", "'5/1' is no number"]),
    "ranks with a gap": ("name,Rock,Pop,Jazz,Folk\nA,1,2,3,4\nB,4,3,1,2\nC,2,1,4,\n", ["--scale 4-1", "--scale 1-4"]),
    "ranks with ties": ("nom,Rank - Rock,Rank - Pop,Rank - Jazz\nA,1,2,3\nB,3,1,1\n", ["ask for ranks", "--scale 3-1"]),
    "a scale written downwards": ("name,Rock (5-1),Pop (5-1)\nA,5,1\nB,2,5\n", ["--scale 5-1", "--scale 1-5"]),
    "instruments": ("name,Rock,Pop,Guitar,Piano\nA,5,1,1,5\nB,1,4,4,1\n", ["--columns 'Guitar=; Piano='"]),
    "ticks beside ratings": (
        "id,Q5_Rock,Q5_Pop,Q6_Rock,Q6_Pop\n1,5,1,1,0\n2,1,4,0,1\n", ["'1-5; Q6_Pop=0-1; Q6_Rock=0-1'", "--scale 0-5"],
    ),
    "wholes that differ": ("name,Rock,Pop\nA,4/5,8/10\nB,2/5,5/10\n", ["--scale 'Pop=0-10; Rock=0-5'"]),
    "yes 1, no 2, with labels": ("name,Rock,Pop\nA,1 - Yes,2 - No\nB,2 - No,1 - Yes\n", ["--scale 2-1"]),
    "a 9 on 0-3": ("name,Rock,Pop\nA,3,0\nB,9,1\nC,2,3\n", ["--missing '9'", "--scale 0-10"]),
    "a country's code": ("name,Rock,age,country_ES\nA,5,20,1\nB,1,30,0\n", ["--columns 'country_ES='"]),
    "tracks": ("Track Name,Genres,Energy\nX,indie rock,0.5\nY,jazz,0.1\n", ["tracks or artists", "--name-column"]),
    "thousands of minutes": ("user;genre;minutes\na;rock;1.203\na;pop;88\n", ["line 2: 1.203 beside whole numbers"]),
    "answers below 0": ("name,Rock,Pop\nA,2,-2\nB,-1,1\n", ["line 2", "--scale=-2-2"]),
    "a 9 on 1-7": ("name,Rock,Pop\nA,1,7\nB,2,9\nC,3,5\nD,1,1\n", ["--missing 9", "--scale 1-10"]),
}  # fmt: skip


@pytest.mark.parametrize("case", ASKED)
def test_what_can_be_read_in_two_ways_is_asked(case: str, tmp_path: Path) -> None:
    text, words = ASKED[case]
    with pytest.raises(UserError) as error:
        open_survey(table(tmp_path, text))
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize("case", ASKED)
def test_what_is_proposed_can_be_pasted_back(case: str, tmp_path: Path) -> None:
    path = table(tmp_path, ASKED[case][0])
    with pytest.raises(UserError) as error:
        open_survey(path)
    proposed = re.findall(r"--(scale|missing|columns|answers|name-column)[ =]('[^']*'|[^\s,;:]+)", str(error.value))
    for setting, value in proposed:
        said = value.strip("'").replace("NUMBER", "3")
        try:
            open_survey(path, **{setting.replace("-", "_"): said})
        except UserError as again:  # of several words or columns, the others are asked about
            assert str(again) != str(error.value), (setting, said)


def test_emoji_and_words_of_other_scripts_keep_their_own_meanings(tmp_path: Path) -> None:
    survey = open_survey(
        table(tmp_path, "name,Rock,Pop\nA,🎉,🎃\nB,好き,嫌い\n"), scale="1-5", answers="🎉=5; 🎃=1; 好き=4; 嫌い=2"
    )
    assert tastes(survey) == {"A": {"rock": 1}, "B": {"rock": 0.75, "pop": 0.25}}


def test_answers_from_minus_two_to_two(tmp_path: Path) -> None:
    path = table(tmp_path, "name,Rock,Pop\nA,2,-2\nB,-1,1\nC,0,weiß nicht\n")
    assert tastes(open_survey(path, scale="-2-2")) == {
        "A": {"rock": 1},
        "B": {"rock": 0.25, "pop": 0.75},
        "C": {"rock": 0.5},
    }


def test_words_of_lists_that_are_no_genres_are_listed(tmp_path: Path) -> None:
    survey = open_survey(
        table(tmp_path, "name,genres\nA,'rock, seen live'\nB,jazz\nC,pop; seen live; xyzzy\n".replace("'", '"'))
    )
    assert "2 of the lists' words: seen live (2), xyzzy (1)" in survey.describe()


def test_records_by_name_are_people_and_none_is_overwritten(tmp_path: Path) -> None:
    named = table(tmp_path, json.dumps({"ann": {"Rock": 5, "Pop": 1}, "bo": {"Rock": 1, "Pop": 5}}), "named.json")
    assert tastes(open_survey(named)) == {"ann": {"rock": 1}, "bo": {"pop": 1}}
    twice = table(tmp_path, json.dumps([{"name": "A", "now": {"Rock": 5}, "before": {"Rock": 1}}]), "twice.json")
    with pytest.raises(UserError, match="'Rock' twice"):
        open_survey(twice)


def test_lists_of_records_are_genres_with_scores(tmp_path: Path) -> None:
    records = [{"name": "A", "tastes": [{"genre": "rock", "score": 5}, {"genre": "pop", "score": 1}]}]
    assert tastes(open_survey(table(tmp_path, json.dumps(records), "t.json"), scale="1-5")) == {"A": {"rock": 1}}
    records[0]["tastes"] = [{"genre": "rock"}]
    with pytest.raises(UserError, match="'tastes' is not a list such as"):
        open_survey(table(tmp_path, json.dumps(records), "t.json"))


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
    assert tastes(survey) == {"B": {"rock": 1, "electronic": 0.19}, "A": {"jazz": 1}, "C": {}}
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
