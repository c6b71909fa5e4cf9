"""Two surveys that real people answered, mapped without any editing."""

import csv
from pathlib import Path

import numpy as np
import pytest

from common.genres import GENRES, genres_of
from pet.choosing.choice_table import read_choices
from pet.choosing.wardrobe import SLOTS, load_wardrobe
from pet.data import Aligned, data_transform
from tests.helpers import REAL_DATA, needs_real_data, run_script

pytestmark = [pytest.mark.slow, needs_real_data("pet")]
FREQUENCY = REAL_DATA / "pet/mxmh_genre_frequency.csv"
YOUNG = REAL_DATA / "pet/young_people_survey_music.csv"
PEOPLE = {FREQUENCY: 510, YOUNG: 700}
SOURCES = {
    FREQUENCY: {
        "pop": ("K pop", "Pop"), "rock": ("Rock",), "metal": ("Metal",), "electronic": ("EDM", "Lofi"),
        "hiphop": ("Hip hop", "Rap"), "latin": ("Latin",), "soul": ("Gospel", "R&B"), "jazz": ("Jazz",),
        "folk": ("Country", "Folk"), "classical": ("Classical",),
    },
    YOUNG: {
        "pop": ("Pop",), "rock": ("Rock", "Rock n roll"), "indie": ("Alternative",), "metal": ("Metal or Hardrock",),
        "punk": ("Punk",), "electronic": ("Dance", "Techno, Trance"), "hiphop": ("Hiphop, Rap",), "latin": ("Latino",),
        "reggae": ("Reggae, Ska",), "jazz": ("Swing, Jazz",), "folk": ("Folk", "Country"),
        "classical": ("Classical music", "Opera"),
    },
}  # fmt: skip
UNUSED = {
    FREQUENCY: ("Video game music", "Fav genre", "Hours per day", "Age"),
    YOUNG: ("Music", "Slow songs or fast songs", "Musical", "Age", "Gender"),
}
SCALE = {FREQUENCY: (0, 3), YOUNG: (1, 5)}
both = pytest.mark.parametrize("path", PEOPLE, ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def aligned() -> dict[Path, Aligned]:
    return {path: data_transform(path) for path in PEOPLE}


@both
def test_every_column_is_used_for_its_genre_or_listed_as_unused(path: Path, aligned: dict[Path, Aligned]) -> None:
    alignment = aligned[path].alignment
    assert alignment.sources == SOURCES[path]
    assert alignment.unused == UNUSED[path]
    assert alignment.id_column == "respondent"
    assert (aligned[path].scale.low, aligned[path].scale.high) == SCALE[path]


@both
def test_every_vector_is_the_naive_reading_of_its_row(path: Path, aligned: dict[Path, Aligned]) -> None:
    found = aligned[path]
    low, high = SCALE[path]
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == PEOPLE[path] and found.users == [row["respondent"] for row in rows]
    for row, vector in zip(rows, found.vectors, strict=True):
        for genre, value in zip(GENRES, vector, strict=True):
            answers = [float(row[column]) for column in SOURCES[path].get(genre, ()) if row[column]]
            assert value == pytest.approx(max(((x - low) / (high - low) for x in answers), default=0), abs=1e-6)


def test_the_favourite_genre_is_among_the_highest(aligned: dict[Path, Aligned]) -> None:
    with open(FREQUENCY, encoding="utf-8", newline="") as file:
        favourites = [genres_of(row["Fav genre"]) for row in csv.DictReader(file)]
    hits = [
        any(vector[list(GENRES).index(genre)] == vector.max() for genre in genres)
        for genres, vector in zip(favourites, aligned[FREQUENCY].vectors, strict=True)
        if genres
    ]
    assert len(hits) > 450
    assert np.mean(hits) >= 0.95


@both
def test_everybody_gets_a_pet(path: Path, tmp_path: Path) -> None:
    chosen = tmp_path / "chosen.parquet"
    result = run_script("pet/1_TopN.py", "--users", path, "--output", chosen)
    assert result.returncode == 0, result.stderr
    for column in UNUSED[path]:
        assert column in result.stdout
    wardrobe = load_wardrobe()
    names = {slot: {accessory.name for accessory in wardrobe.slots[slot]} for slot in SLOTS}
    rows = [choice for _, choice in read_choices(chosen)]
    assert len(rows) == PEOPLE[path]
    scores = []
    for row in rows:
        assert all(row.worn[slot].name in names[slot] for slot in SLOTS)
        if row.taste.any():
            scores.append(row.score)
    assert min(scores) > 0.4 and np.mean(scores) > 0.75
    worn = {row.worn[slot].name for row in rows for slot in SLOTS}
    assert len(worn) > 30, "the same few accessories for all"
