"""Tables as form tools and spreadsheets write them, in eight languages; odd single cells."""

import json
import shlex
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import UserError
from common.genres import genres_of
from common.surveys import rewriting
from common.surveys.answer_words import FAMILIES, NO_ANSWER
from common.surveys.survey import open_survey
from tests.common.surveys.test_cases import table, tastes

openpyxl = pytest.importorskip("openpyxl")

Tastes = dict[str, dict[str, float]]
TWO: Tastes = {"A": {"rock": 1}, "B": {"pop": 1}}
ROWS = "\nA,5,1\nB,1,5\n"
Sheets = dict[str, list[tuple[object, ...]]]


# ---- questions ----

QUESTIONS = {
    "English": """How much do you like [Rock]|Rock out of 10|Select all the genres you like: Rock|I enjoy rock music|
        To what extent do you enjoy listening to rock|
        Choose your favourite genres [Rock]|<p>Rock</p>|Rock &amp; Roll""",
    "Spanish": """¿Cuánto te gusta el rock?|¿En qué medida te gustan los siguientes géneros musicales? [Rock]|
        ¿Qué te parece el rock?|Ordena estos géneros según tu preferencia [Rock]|
        ¿Cuáles son tus géneros favoritos? [Rock]""",
    "Catalan": """Quant t'agrada el rock?|En quina mesura t'agraden els gèneres següents? [Rock]|
        Què et sembla el rock?|Tria els teus gèneres preferits [Rock]|Indica quant t'agrada cada gènere [Rock]""",
    "German": """Wie gern hörst du Rock?|Ich mag Rock|Inwieweit mögen Sie die folgenden Genres? [Rock]|Platz Rock|
        Wähle deine Lieblingsgenres [Rock]|Schulnote für Rock|Gib an, wie sehr du Rock magst""",
    "French": """À quel point aimez-vous ces genres ? [Rock]|Dans quelle mesure aimez-vous les genres suivants ? [Rock]|
        Classez ces genres par ordre de préférence [Rock]|Est-ce que tu aimes le rock ?|Votre avis sur le rock""",
    "Italian": """Quanto ti piace il rock?|Valuta i seguenti generi musicali [Rock]|Che ne pensi del rock?|
        Quali sono i tuoi generi preferiti? [Rock]|Su una scala da 1 a 10 quanto apprezzi il rock?""",
    "Portuguese": """O quanto você gosta de cada gênero? [Rock]|Avalie os seguintes gêneros musicais [Rock]|Ouço rock|
        Em que medida gosta dos seguintes géneros? [Rock]|O que acha do rock?|
        Quais são os teus géneros favoritos? [Rock]""",
    "Dutch": """Hoe leuk vind je deze muziekgenres? [Rock]|Hoe vaak luister je naar rock?|Ik hou van rock|
        Op een schaal van 1 tot 10, hoe leuk vind je rock?|Geef een cijfer voor rock|Rangorde rock|Rockmuziek""",
}
AGAINST = """I don't like rock|Odio el rock|No m'agrada el rock|Ich mag Rock nicht|Je n'aime pas le rock|
    Non mi piace il rock|Não gosto de rock|Ik haat rock|Een hekel aan rock|Welke genres vind je niet leuk? [Rock]"""


@pytest.mark.parametrize("language", QUESTIONS)
def test_what_stands_around_a_genre_is_known(language: str) -> None:
    for question in QUESTIONS[language].split("|"):
        assert genres_of(question.strip()) == ("rock",), question


def test_questions_against_a_genre_are_not_for_it() -> None:
    assert [question for question in AGAINST.split("|") if genres_of(question.strip())] == []


# ---- single cells ----


def with_cell(folder: Path, cell: str) -> Path:
    cell = cell.replace('"', '""')
    return table(folder, f'name,Rock,Pop,Jazz\nA,5,1,2\nB,1,5,3\nC,2,3,"{cell}"\nD,4,4,4\n')


SIGNS = ["–", "—", "...", "??", ".", "🤷", "🤷🏽‍♀️", "\u200b", "(blank)", "N.S./N.C.", "No sé / No ho sé"]


@settings(max_examples=60, deadline=None)
@given(cell=st.sampled_from([*sorted(NO_ANSWER), *SIGNS]),
       form=st.sampled_from([str, str.upper, str.title, " {} ".format]))  # fmt: skip
def test_words_for_no_answer_in_any_form(
    cell: str, form: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    people = tastes(open_survey(with_cell(tmp_path_factory.mktemp("cell"), form(cell))))
    assert people["C"] == {"rock": 0.25, "pop": 0.5}


FOURS = (
    "'4|4 |4\u00a0|4.|4 stars|4 (live)|4️⃣|⭐⭐⭐⭐|★★★★☆|4⭐|④|٤|4/5|4 out of 5|4 de 5|4 von 5|4 sur 5|Much (4)|<b>4</b>"
)


@pytest.mark.parametrize("cell", FOURS.split("|"))
def test_a_number_in_any_form(cell: str, tmp_path: Path) -> None:
    assert tastes(open_survey(with_cell(tmp_path, cell)))["C"]["jazz"] == 0.75


@pytest.mark.parametrize(
    "cell", "4-5|1/2|3/10|4 o 5|~4|>3|3?|5+|five|2026-05-01|1. Mai|May-05|01:05|4;5|#REF!".split("|")
)
def test_a_cell_that_may_be_anything_is_named_with_its_line(cell: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"line 4, column 'Jazz'"):
        open_survey(with_cell(tmp_path, cell))


# ---- words ----


@settings(max_examples=40, deadline=None)
@given(data=st.data(), family=st.sampled_from(sorted(FAMILIES)))
def test_words_of_a_scale_keep_their_order_in_every_language(
    data: st.DataObject, family: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    levels, scales = FAMILIES[family]
    scale = data.draw(st.sampled_from(scales))
    words = [data.draw(st.sampled_from(levels[place].split(","))).strip() for place in scale]
    rows = "".join(f'P{place},"{word}","{words[0]}","{words[-1]}"\n' for place, word in enumerate(words))
    file = table(tmp_path_factory.mktemp("words"), "name,Rock,Pop,Jazz\n" + rows)
    found = [tastes(open_survey(file))[f"P{place}"].get("rock", 0) for place in range(len(words))]
    assert found == sorted(found) and found[0] == 0 and found[-1] == 1 and len(set(found)) == len(found)


WORDS = {
    "quality": ("Excellent,Poor|Fair,Very good|Good,Poor", [(1, 0), (0.25, 0.75), (0.5, 0)]),
    "seven levels of agreement": (
        "Strongly agree,Strongly disagree|Agree,Disagree|Somewhat agree,Somewhat disagree",
        [(1, 0), (0.83, 0.17), (0.67, 0.33)],
    ),
    "Qualtrics' amounts": ("A great deal,None at all|A moderate amount,A little", [(1, 0), (0.5, 0.25)]),
    "half the time": ("Always,Never|About half the time,Sometimes", [(1, 0), (0.5, 0.25)]),
    "nada, poco, regular, bastante, mucho": ("Mucho,Nada|Bastante,Poco|Regular,Nada", [(1, 0), (0.75, 0.25), (0.5, 0)]),
    "gens, poc, bastant, molt": ("Molt,Gens|Bastant,Poc", [(1, 0), (0.67, 0.33)]),
    "Dutch": ("altijd,nooit|soms,vaak", [(1, 0), (0.5, 0.75)]),
    "two languages at once": (
        "Sempre / Siempre,Mai / Nunca|De vegades / A veces,Sovint / A menudo",
        [(1, 0), (0.5, 0.75)],
    ),
    "numbers behind": ("Mucho (5),Nada (1)|Poco (2),Bastante (4)", [(1, 0), (0.25, 0.75)]),
    "plus and minus": ("++,--|o,+|-,--", [(1, 0), (0.5, 0.75), (0.25, 0)]),
    "hearts": ("❤️❤️❤️❤️❤️,❤️|❤️❤️,❤️❤️❤️", [(1, 0), (0.25, 0.5)]),
    "thumbs with a tone": ("👍🏽,👎🏽|👎,👍", [(1, 0), (0, 1)]),
    "crosses and ticks": ("✅,❌|❌,✔️", [(1, 0), (0, 1)]),
    "vero, falso": ("V,F|F,V", [(1, 0), (0, 1)]),
    "school grades in words": ("sehr gut,mangelhaft|befriedigend,ungenügend", [(1, 0.2), (0.6, 0)]),
    "low, medium, high": ("High,Low|Medium,High", [(1, 0), (0.5, 1)]),
    "any case and blanks": ("STRONGLY AGREE , strongly disagree|Strongly  Disagree,Agree.", [(1, 0), (0, 0.75)]),
}


@pytest.mark.parametrize("case", WORDS)
def test_answers_in_words(case: str, tmp_path: Path) -> None:
    text, expected = WORDS[case]
    rows = "".join(f"P{place},{row}\n" for place, row in enumerate(text.split("|")))
    people = tastes(open_survey(table(tmp_path, "name,Rock,Pop\n" + rows))).values()
    assert [(taste.get("rock", 0), taste.get("pop", 0)) for taste in people] == expected


def test_a_question_of_one_word_follows_the_words_of_the_table(tmp_path: Path) -> None:
    people = tastes(open_survey(table(tmp_path, "name,Rock,Pop\nA,Strongly agree,Neutral\nB,Disagree,Neutral\n")))
    assert people["A"] == {"rock": 1, "pop": 0.5}


# ---- forms of tables ----


def workbook(path: Path, sheets: Sheets, hidden: str = "") -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        sheet.sheet_state = "hidden" if name == hidden else "visible"
    book.save(path)
    return path


ANSWERS: list[tuple[object, ...]] = [("Name", "Rock", "Pop"), ("A", 5, 1), ("B", 1, 5)]

READ: dict[str, tuple[str | bytes, Tastes]] = {
    "Google Forms in Dutch": (
        "Tijdstempel,Hoe heet je?,Hoe leuk vind je deze genres? [Rock],Hoe leuk vind je deze genres? [Pop]\n"
        "1,A,heel leuk,helemaal niet leuk\n2,B,helemaal niet leuk,heel leuk\n", TWO),
    "Microsoft Forms, anonymous": (
        "ID,Email,Name,Rock,Pop\n1,anonymous,anonymous,5,1\n2,anonymous,anonymous,1,5\n",
        {"1": {"rock": 1}, "2": {"pop": 1}}),
    "Kobo": (
        "_id,name,genres,genres/rock,genres/hip_hop\n1,A,rock,1,0\n2,B,hip_hop,0,1\n",
        {"A": {"rock": 1}, "B": {"hiphop": 1}}),
    "Jotform": ("Submission Date,Full Name,Rate the genres >> Rock,Rate the genres >> Pop\n1,A,5,1\n2,B,1,5\n", TWO),
    "Airtable": ("Name,Rock,Pop\nA,checked,\nB,,checked\n", TWO),
    "a pivot table": (
        "Summe von Plays;Spaltenbeschriftungen;;\nZeilenbeschriftungen;Rock;Pop;Gesamtergebnis\nA;1;;1\nB;;1;1\n"
        "Gesamtergebnis;1;1;2\n", TWO),
    "questions and answers": (
        "respondent,question,answer\n1,Name,Ann\n1,Age,31\n1,Rock,5\n1,Pop,1\n2,Name,Bo\n2,Rock,1\n2,Pop,5\n",
        {"1": {"rock": 1}, "2": {"pop": 1}}),
    "genres of one person": ("genre,minutes\nrock,120\npop,60\n", {"1": {"rock": 1, "pop": 0.5}}),
    "lines in quotes": ('"name,Rock,Pop"\n"A,5,1"\n"B,1,5"\n', TWO),
    "R's row numbers": ('"name","Rock","Pop"\n"1","A",5,1\n"2","B",1,5\n', TWO),
    "Markdown": ("| name | Rock | Pop |\n|---|---|---|\n| A | 5 | 1 |\n| B | 1 | 5 |\n", TWO),
    "UTF-16 without a mark": (f"name,Rock,Pop{ROWS}".encode("utf-16-le"), TWO),
    "commas in a header between semicolons": (
        "Name;Rock (1 = sehr gut, 5 = mangelhaft);Pop (1 = sehr gut, 5 = mangelhaft)\nA;1;5\nB;5;1\n", TWO),
    "the same column twice": ("name,Rock,Pop,Rock\nA,5,1,5\nB,1,5,1\n", TWO),
    "means below without a name": (
        "name,Rock,Pop,Jazz\nA,5,1,1\nB,1,5,1\nC,1,1,1\n,2.33,2.33,1\n", TWO | {"C": {}}),
    "sums below without a name": ("name,Rock,Pop,Jazz\nA,5,1,1\nB,1,5,1\nC,1,1,1\n,7,7,3\n", TWO | {"C": {}}),
    "a total in another column": ("id,name,Rock,Pop\n1,A,5,1\n2,B,1,5\nTotal,,6,6\n", TWO),
    "a mean in Dutch": ("Naam;Rock;Pop\nA;5;1\nB;1;5\nGemiddelde;3;3\n", TWO),
    "names with remarks": (f"Nom / Nombre (optional),Rock,Pop{ROWS}", TWO),
    "thousands with blanks": ("name;Rock;Pop\nA;1\u202f000;0\nB;0;1 000\n", TWO),
    "no scale of a question's own": (
        "name,Note Rock sur 20,Note Pop sur 20\nA,20,5\nB,0,10\n", {"A": {"rock": 1, "pop": 0.25}, "B": {"pop": 0.5}}),
    "people with short names are people": (
        "name,Rock,Pop\nN,5,1\nØystein,1,5\nMin,1,1\nMax,3,1\n",
        {"N": {"rock": 1}, "Øystein": {"pop": 1}, "Min": {}, "Max": {"rock": 0.5}}),
    "genres ticked, and asked for once more without an answer": (
        "#,Name,Rock,Hip-hop,Rock,Hip-hop\na,A,Rock,,,\nb,B,,Hip-hop,,\n", {"A": {"rock": 1}, "B": {"hiphop": 1}}),
}  # fmt: skip


@pytest.mark.parametrize("case", READ)
def test_an_export_is_read_rightly(case: str, tmp_path: Path) -> None:
    content, expected = READ[case]
    (tmp_path / "t.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    scale = "0-1000" if "thousands" in case else "auto"
    assert tastes(open_survey(tmp_path / "t.csv", scale=scale)) == expected


RECORDS = {
    "columns by row": {"name": {"0": "A", "1": "B"}, "rock": {"0": 5, "1": 1}, "pop": {"0": 1, "1": 5}},
    "columns": {"name": ["A", "B"], "rock": [5, 1], "pop": [1, 5]},
    "rows": [["name", "rock", "pop"], ["A", 5, 1], ["B", 1, 5]],
    "split": {"columns": ["name", "rock", "pop"], "index": [0, 1], "data": [["A", 5, 1], ["B", 1, 5]]},
    "nested": {
        "responses": [{"who": {"name": n}, "answers": {"rock": r, "pop": 6 - r}} for n, r in (("A", 5), ("B", 1))]
    },
}


@pytest.mark.parametrize("case", RECORDS)
def test_records_of_any_orientation(case: str, tmp_path: Path) -> None:
    assert tastes(open_survey(table(tmp_path, json.dumps(RECORDS[case]), "t.json"))) == TWO


@pytest.mark.parametrize(
    ("sheets", "hidden"),
    [
        ({"Read me": [("Festival",)], "Answers": ANSWERS}, ""),
        ({"Lists": [("Rock", "Pop"), ("Never", "Always")], "Answers": ANSWERS}, "Lists"),
        ({"Answers": [("Festival", None, None), (None, None, None), *ANSWERS, ("Total", 6, 6)]}, ""),
        ({"Answers": [("Name", "Rock", "Pop"), ("A", "5 ", "1"), ("B", "1", "5\u00a0")]}, ""),
    ],
)
def test_the_sheet_with_genres_is_found(sheets: Sheets, hidden: str, tmp_path: Path) -> None:
    assert tastes(open_survey(workbook(tmp_path / "t.xlsx", sheets, hidden))) == TWO


def test_of_two_sheets_with_genres_one_is_named(tmp_path: Path) -> None:
    path = workbook(tmp_path / "t.xlsx", {"Day 1": ANSWERS, "Day 2": [ANSWERS[0], ("C", 5, 1)]})
    with pytest.raises(UserError, match="--sheet 'Day 1' or --sheet 'Day 2'"):
        open_survey(path)
    assert tastes(open_survey(path, sheet="Day 2")) == {"C": {"rock": 1}}
    for name, sheet, words in (("t.xlsx", "Day 3", "no sheet 'Day 3'"), ("t.csv", "Day 1", "workbooks alone")):
        table(tmp_path, f"name,Rock,Pop{ROWS}")
        with pytest.raises(UserError, match=words):
            open_survey(tmp_path / name, sheet=sheet)


@pytest.mark.parametrize(
    ("cell", "words"), [("=2+3", "row 2: =2.3 is a formula"), (datetime(2026, 5, 1), "such dates")]
)
def test_formulas_without_values_and_dates_are_refused(cell: object, words: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=words):
        open_survey(workbook(tmp_path / "t.xlsx", {"S": [ANSWERS[0], ("A", cell, 1), ("B", 1, 5)]}))


# ---- two readings ----

ASKED: dict[str, tuple[str, list[str], dict[str, Tastes]]] = {
    # the table, words of the question, and what settings of it give
    "school grades": (
        "Name;Note Rock;Note Pop\nA;1;5\nB;5;1\nC;1;1\n", ["school grades"],
        {"--scale 6-1": {"A": {"rock": 1, "pop": 0.2}, "B": {"rock": 0.2, "pop": 1}, "C": {"rock": 1, "pop": 1}}}),
    "1 to 6 in German": (
        "Name;Rock;Klassik\nA;1;6\nB;6;1\n", ["school grades"],
        {"--scale 6-1": {"A": {"rock": 1}, "B": {"classical": 1}},
         "--scale 1-6": {"A": {"classical": 1}, "B": {"rock": 1}}}),
    "1 to 6": ("name,Rock,Pop\nA,5,6\nB,1,5\n", ["--scale 1-6"], {"--missing 6": {"A": {"rock": 1}, "B": {"pop": 1}}}),
    "1 = best": ("name,Rock (1 = best)\nA,1\nB,5\n", ["says what 1 is"], {"--scale 5-1": {"A": {"rock": 1}, "B": {}}}),
    "labels of unknown words": (
        'name,"Rock (1 = yay, 5 = meh)"\nA,1\nB,5\n', ["labels 1 and 5"], {"--scale 5-1": {"A": {"rock": 1}, "B": {}}}),
    "lists of the same genres": (
        'ID;Name;Order these\n1;A;"Rock;Pop;Jazz;"\n2;B;"Jazz;Rock;Pop;"\n', ["the same 3 genres"],
        {"--scale 3-1": {"A": {"rock": 1, "pop": 0.5}, "B": {"jazz": 1, "rock": 0.5}}}),
    "places": (
        "name,Rock,Pop,Jazz\nA,1st,2nd,3rd\nB,3rd,3rd,1st\n", ["'2nd' are places"],
        {"--scale 3-1": {"A": {"rock": 1, "pop": 0.5}, "B": {"jazz": 1}}}),
    "hours and minutes": (
        "name,Rock,Pop\nA,1 hour,30 min\nB,60 min,1 hour\n", ["different units"],
        {"--answers '1 hour=60'": {"A": {"rock": 0.6, "pop": 0.3}, "B": {"rock": 0.6, "pop": 0.6}}}),
    "shares beside %": (
        "name,Rock,Pop\nA,80%,0.2\nB,0.2,30%\n", ["beside answers in %"],
        {"--answers '0.2=20'": {"A": {"rock": 0.8, "pop": 0.2}, "B": {"rock": 0.2, "pop": 0.3}}}),
    "the same header, other answers": (
        "name,Rock,Rock,Pop\nA,5,4,1\nB,1,2,5\n", ["'Rock' appears twice"],
        {"--columns 'Rock (column 3)='": TWO,
         "--columns 'Rock (column 3)=rock'": {"A": {"rock": 1}, "B": {"rock": 0.25, "pop": 1}}}),
    "a typing error": (
        "name,Rock,Pop\nA,Strongly agree,Stongly disagree\nB,Agree,Strongly disagree\n", ["'Stongly disagree' is no"],
        {"--answers 'Stongly disagree=strongly disagree'": {"A": {"rock": 1}, "B": {"rock": 0.75}}}),
    "one strange word among known ones": (
        "name,Rock,Pop\nA,Always,Never\nB,Sometimes,Often\nC,purple,Never\n", ["line 4", "never < rarely"],
        {"--answers 'purple=sometimes'": {
            "A": {"rock": 1}, "B": {"rock": 0.5, "pop": 0.75}, "C": {"rock": 0.5}}}),
    "few answers on two scales": (
        "name,Rock,Pop,Jazz\nA,5,1,80\nB,1,5,20\n", ["end at 5"],
        {"--scale 'Pop=1-5; Rock=1-5; Jazz=0-100'": {"A": {"rock": 1, "jazz": 0.8}, "B": {"pop": 1, "jazz": 0.2}}}),
    "a comma in an answer": (
        'name,Rock\nA,"Yes, a lot"\nB,"Yes, a lot"\n', [],
        {"--answers 'Yes, a lot=5;'": {"A": {"rock": 1}, "B": {"rock": 1}}}),
}  # fmt: skip


@pytest.mark.parametrize("case", ASKED)
def test_what_has_two_readings_is_asked_and_each_setting_decides(case: str, tmp_path: Path) -> None:
    text, words, settled = ASKED[case]
    path = table(tmp_path, text)
    with pytest.raises(UserError) as error:
        open_survey(path)
    for word in [*words, *(setting.replace("lot=5", "lot=NUMBER") for setting in settled)]:
        assert word in str(error.value)
    for setting, expected in settled.items():
        name, value = shlex.split(setting)
        said: dict[str, Any] = {"scale": "0-100" if "hour" in setting else "1-5" if "lot" in setting else "auto"}
        said[name.removeprefix("--").replace("-", "_")] = value
        assert tastes(open_survey(path, **said)) == expected


# ---- long and large tables ----


@pytest.mark.parametrize("header", ["name,rock_share,pop_share", "name,genre,plays"])
def test_very_many_different_numbers_are_no_free_text(
    header: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewriting, "MOST_TEXTS", 50)
    wide = [f"P{i},{i / 997:.6f},{1 - i / 997:.6f}\n" for i in range(900)] + ["Total,450,450\n"]
    long = [f"P{i},rock,{i + 1}\nP{i},pop,{901 - i}\n" for i in range(900)] + ["Total,rock,405450\n"]
    path = table(tmp_path, f"{header}\n" + "".join(wide if "share" in header else long))
    people = tastes(open_survey(path))
    assert len(people) == 900 and people["P0"]["pop"] == 1 and people["P899"]["rock"] > 0.89
    with pytest.raises(UserError, match="'Rock' has free text; leave it out by --columns 'Rock='"):
        open_survey(table(tmp_path, "name,Rock,Pop\n" + "".join(f"P{i},text {i} of mine,1\n" for i in range(90))))
