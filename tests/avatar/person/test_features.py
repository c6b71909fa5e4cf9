"""The JSON of features: what is written is read back, edits count, nonsense is refused with all its faults."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatar.person.features import (
    ABOUT,
    AppearanceTrait,
    Features,
    Trait,
    features_json,
    is_edited,
    parse_appearance,
    read_features,
)
from avatar.person.tastes import find_taste, read_tastes
from common.errors import UserError
from common.genres import GENRES, parse_taste
from common.paths import DATA
from common.surveys.survey import open_survey, write_tastes

USERS = DATA / "pet/users.csv"
HASH = "0123456789abcdef" * 4
SHARES = st.integers(0, 10_000).map(lambda tenths: tenths / 10_000)
TASTES = st.fixed_dictionaries(dict.fromkeys(GENRES, SHARES))
TRAITS = st.one_of(
    st.builds(Trait, st.text(min_size=1).map(str.strip), SHARES, st.sampled_from(["deepface", "embedded"])),
    st.builds(Trait, st.text().map(str.strip), st.none(), st.just("self")),
    st.builds(Trait, st.just(""), SHARES, st.just("unsure")),
    st.just(Trait()),
)
PLACES = st.integers(0, 10_000)
BOXES = st.tuples(PLACES, PLACES, PLACES, PLACES).map(lambda b: (b[0], b[1], b[0] + b[2] + 1, b[1] + b[3] + 1))
FEATURES = st.builds(
    Features,
    name=st.text(),
    photo=st.text(),
    photo_sha256=st.just(HASH),
    face_box=st.none() | BOXES,
    face_confidence=st.none() | SHARES,
    gender=TRAITS,
    race=TRAITS,
    age=TRAITS,
    description=st.text(),
    taste=TASTES,
)


def features_of(taste: str = "rock=5, jazz=3") -> Features:
    gender = Trait("woman", 0.93, "embedded")
    return Features("Júlia", "/photos/júlia.jpg", HASH, (1, 2, 30, 40), 0.9, gender, taste=parse_taste(taste))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "Júlia.json"
    path.write_text(features_json(features_of(), "origin"), encoding="utf-8")
    return path


def edit(path: Path, **values: Any) -> None:
    """Change values as a person does, "taste.rock" inside "taste"."""
    content = json.loads(path.read_text(encoding="utf-8"))
    for name, value in values.items():
        inner = content
        *outer, last = name.split("__")
        for key in outer:
            inner = inner[key]
        inner[last] = value
    path.write_text(json.dumps(content), encoding="utf-8")


# ---- own words ----


def test_words_for_the_appearance_are_read_by_trait() -> None:
    traits = parse_appearance(" hair_colour = dark grey,glasses=none, ")
    assert traits == {
        "hair_colour": AppearanceTrait("dark grey", None, "self"),
        "glasses": AppearanceTrait("none", None, "self"),
    }
    assert parse_appearance("") == {}


@pytest.mark.parametrize("text", ["grey hair", "hair=grey", "glasses=none, Hair_colour=grey"])
def test_words_for_an_unknown_trait_name_the_known_ones(text: str) -> None:
    with pytest.raises(UserError, match="must be trait=word, with a trait of skin_tone, hair_colour"):
        parse_appearance(text)


# ---- round trip ----


@given(FEATURES)
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, features: Features) -> None:
    path = tmp_path_factory.getbasetemp() / "round trip.json"
    path.write_text(features_json(features), encoding="utf-8")
    assert read_features(path) == features
    assert not is_edited(path)


def test_the_file_says_how_to_edit_it_and_holds_the_favourites_with_weights(file: Path) -> None:
    content = json.loads(file.read_text(encoding="utf-8"))
    assert content["about"] == ABOUT
    assert content["top_genres"] == {"rock": 0.625, "jazz": 0.375}
    assert content["gender"] == {"value": "woman", "score": 0.93, "source": "embedded"}
    assert content["race"] == {"value": "", "score": None, "source": "off"}
    assert "Júlia" in file.read_text(encoding="utf-8"), "names stay readable"


def test_only_an_edit_makes_a_file_edited(file: Path) -> None:
    assert not is_edited(file)
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8"))), encoding="utf-8")
    assert not is_edited(file), "the layout is no content"
    edit(file, description="I wear red")
    assert is_edited(file)
    file.write_text("{", encoding="utf-8")
    assert is_edited(file), "what cannot be read is somebody's work, too"
    assert is_edited(file.with_name("none.json"))


# ---- edits ----


def test_edits_are_what_is_read(file: Path) -> None:
    edit(
        file, name="Ada", description="curly red hair", taste__jazz=1, gender={"value": "", "source": "self"}, face=None
    )
    features = read_features(file)
    assert (features.name, features.description) == ("Ada", "curly red hair")
    assert features.gender == Trait("", None, "self")
    assert features.face_box is None and features.face_confidence is None
    assert features.top_genres == [("rock", 0.5), ("jazz", 0.5)]


@pytest.mark.parametrize("source", ["off", "unsure"])
def test_a_value_typed_into_an_empty_trait_is_the_persons_own(file: Path, source: str) -> None:
    edit(file, race={"value": " Catalan ", "score": 0.4, "source": source})
    assert read_features(file).race == Trait("Catalan", None, "self")


def test_what_is_missing_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "short.json"
    path.write_text('{"name": "Ada", "taste": {"rock": 1}}', encoding="utf-8")
    features = read_features(path)
    assert features == replace(Features("Ada", "", ""), taste=parse_taste("rock=1"))


NONSENSE: list[tuple[str, Any, str]] = [
    ("name", 7, "text in quotes"),
    ("photo_sha256", "xyz", "64 hexadecimal"),
    ("face", [1, 2, 3, 4], '"box", "confidence"'),
    ("face__box", [1, 2, 3], "[left, top, right, bottom]"),
    ("face__box", [30, 2, 1, 40], "left < right"),
    ("face__box", [1.5, 2, 30, 40], "whole pixels"),
    ("face__box", [True, 2, 30, 40], "whole pixels"),
    ("face__box", [-1, 2, 30, 40], "0 <= left"),
    ("face__confidence", 1.2, "from 0 to 1"),
    ("gender__source", "guess", "deepface, embedded, measured, self, off, unsure"),
    ("gender__score", "high", "from 0 to 1"),
    ("gender__value", None, "text in quotes"),
    ("gender__sure", True, "'sure' is unknown"),
    ("gender", "woman", '"value"'),
    ("description", ["a", "b"], "text in quotes"),
    ("taste__rock", -0.1, "from 0 to 1"),
    ("taste__rock", 5, "from 0 to 1"),
    ("taste__rock", True, "from 0 to 1"),
    ("taste__rock", math.nan, "from 0 to 1"),
    ("taste__rock", math.inf, "from 0 to 1"),
    ("taste__rock", 10**400, "from 0 to 1"),
    ("taste__rokc", 0.5, "'rokc' is unknown"),
    ("taste", "rock", "taste is"),
    ("photo_sha256", "", "photo_sha256 is empty"),
    ("descripton", "red hair", "'descripton' is unknown"),
]


@pytest.mark.parametrize(("name", "value", "fault"), NONSENSE)
def test_nonsense_is_refused_by_name(file: Path, name: str, value: Any, fault: str) -> None:
    edit(file, **{name: value})
    with pytest.raises(UserError) as caught:
        read_features(file)
    message = str(caught.value)
    assert message.startswith(f"{file}: ") and fault in message and "\n" not in message


def test_all_faults_are_listed_together(file: Path) -> None:
    edit(file, name=1, face__box="here", taste__rock=7, gender__source="me", colour="red")
    with pytest.raises(UserError, match="5 faults") as caught:
        read_features(file)
    for word in ("name is 1", 'face.box is "here"', "taste.rock is 7", 'gender.source is "me"', "'colour'"):
        assert word in str(caught.value)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["name", "photo", "face", "gender", "age", "taste", "made", "x"]), JSON_VALUES))
def test_any_json_is_features_or_a_clear_fault(tmp_path_factory: pytest.TempPathFactory, content: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    assert is_edited(path)
    try:
        features = read_features(path)
    except UserError as error:
        assert str(error).startswith(str(path))
    else:
        assert set(features.taste) == set(GENRES) and all(0 <= value <= 1 for value in features.taste.values())


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "line 1"),
        (b'{"name": "Ada",}', "line 1, column"),
        (b'{\n"name": "Ada"', "line 2"),
        (b"[1, 2]", "it must be an object"),
        (b"null", "it must be an object"),
        (b"\x89PNG\r\n\x1a\n\x00", "cannot be read as JSON"),
        (b"[" * 100_000, "cannot be read as JSON"),
        (b'{"name": ' + b"9" * 10_000 + b"}", "cannot be read as JSON"),
        (b" " * (1 << 20) + b"{}", "larger than 1 MB"),
    ],
)
def test_what_is_no_json_is_refused(tmp_path: Path, content: bytes, fault: str) -> None:
    path = tmp_path / "no.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match=fault):
        read_features(path)
    assert is_edited(path)


def test_no_depth_of_brackets_is_too_much(tmp_path: Path) -> None:
    """Writing passes the limit of levels sooner than reading does."""
    path = tmp_path / "deep.json"
    for depth in range(800, 1_000):
        path.write_text(f'{{"name": {"[" * depth}{"]" * depth}}}', encoding="utf-8")
        with pytest.raises(UserError):
            read_features(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        read_features(tmp_path / "none.json")
    with pytest.raises(UserError, match="is a folder"):
        read_features(tmp_path)


def test_a_byte_order_mark_is_no_fault(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert read_features(file) == features_of()


# ---- tastes ----


@given(TASTES)
def test_the_favourites_are_the_three_strongest(taste: dict[str, float]) -> None:
    top = replace(features_of(), taste=taste).top_genres
    naive = sorted((-taste[genre], place, genre) for place, genre in enumerate(GENRES) if taste[genre] > 0)[:3]
    assert [genre for genre, _ in top] == [genre for _, _, genre in naive]
    if top:
        assert math.isclose(sum(weight for _, weight in top), 1)
        assert all(math.isclose(weight * -sum(n[0] for n in naive), taste[genre]) for genre, weight in top)


def test_without_a_taste_there_are_no_favourites() -> None:
    assert features_of("").top_genres == []
    assert features_of("rock=0").top_genres == []


def test_the_taste_of_a_user_is_the_row_of_pets_table() -> None:
    assert find_taste(USERS, "Marc")["rock"] == 1
    rows = dict(read_tastes(USERS))
    assert rows["Marc"] == find_taste(USERS, "Marc")
    first = USERS.read_text(encoding="utf-8").splitlines()
    assert list(rows) == [line.partition(",")[0] for line in first[1:]]
    numbers = [float(cell) for cell in first[1].split(",")[1:]]
    assert list(rows["Júlia"].values()) == pytest.approx(numbers)


def test_an_unknown_user_and_a_bad_table_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"users.csv: has no user 'marc'; it has Júlia, Marc, .*, \.\.\.$"):
        find_taste(USERS, "marc")
    table = tmp_path / "users.csv"
    table.write_text("user,rock\nAda,zebra\n", encoding="utf-8")
    with pytest.raises(UserError, match="line 2"):
        read_tastes(table)


def test_a_table_that_can_be_read_in_two_ways_says_how_a_plain_one_is_made(tmp_path: Path) -> None:
    table = tmp_path / "ranks.csv"
    table.write_text("user,rock,pop,jazz\nAda,1,2,3\nBen,3,1,2\nEva,2,3,1\nIda,1,3,2\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"--scale 3-1.* give that setting to pet/data.py --survey .*ranks.csv"):
        read_tastes(table)
    plain = tmp_path / "tastes.parquet"
    write_tastes(open_survey(table, scale="3-1"), plain)
    assert [(name, [taste[genre] for genre in ("rock", "pop", "jazz")]) for name, taste in read_tastes(plain)] == [
        ("Ada", [1, 0.5, 0]),
        ("Ben", [0, 1, 0.5]),
        ("Eva", [0.5, 0, 1]),
        ("Ida", [1, 0, 0.5]),
    ]


def test_measured_appearance_is_read_back_and_a_typed_value_is_a_persons_own(tmp_path: Path) -> None:
    skin = AppearanceTrait("light", 0.9, "measured", monk=2, lab=(71.4, 8.0, 18.8))
    glasses = AppearanceTrait("", 0.3, "unsure", "not clear enough")
    path = tmp_path / "Ada.json"
    features = Features("Ada", "", "", appearance={"skin_tone": skin, "glasses": glasses})
    path.write_text(features_json(features), encoding="utf-8")
    assert read_features(path).appearance == features.appearance
    edit(path, appearance={"glasses": {"value": "spectacles", "source": "unsure"}})
    assert read_features(path).appearance == {"glasses": AppearanceTrait("spectacles", None, "self")}


@pytest.mark.parametrize(
    ("appearance", "fault"),
    [
        ({"nose": {"value": "long"}}, "'nose' is unknown"),
        ({"glasses": "none"}, "appearance.glasses"),
        ({"skin_tone": {"value": "light", "monk": 11}}, "from 1 to 10"),
        ({"skin_tone": {"value": "light", "lab": [1, 2]}}, "[L, a, b]"),
    ],
)
def test_nonsense_in_the_appearance_is_refused(tmp_path: Path, appearance: Any, fault: str) -> None:
    path = tmp_path / "Ada.json"
    path.write_text(features_json(Features("Ada", "", "")), encoding="utf-8")
    assert "appearance" not in json.loads(path.read_text(encoding="utf-8"))
    edit(path, appearance=appearance)
    with pytest.raises(UserError, match="appearance") as caught:
        read_features(path)
    assert fault in str(caught.value)
