"""The four functions of data.py."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from common.errors import UserError
from common.genres import GENRES
from common.paths import DATA
from pet.choosing.wardrobe import load_wardrobe
from pet.data import data_transform, get_some_data, get_specific_file
from tests.pet.choosing.test_wardrobe import small_wardrobe

INDEX = {genre: index for index, genre in enumerate(GENRES)}


# ---- get_specific_file ----


def test_every_accessory_is_found_with_its_picture_and_its_vector() -> None:
    for accessories in load_wardrobe().slots.values():
        for accessory in accessories[::5]:
            picture, vector = get_specific_file(accessory.name)
            assert picture.mode == "RGBA" and picture.size == (1024, 1024)
            assert picture.tobytes() == Image.open(accessory.file).tobytes()
            assert (vector == accessory.vector).all() and vector.shape == (len(GENRES),)


def test_a_cowboy_hat_is_country() -> None:
    _, vector = get_specific_file("Cowboy hat")
    assert int(vector.argmax()) == INDEX["folk"] and vector.max() == 1


@pytest.mark.parametrize("name", ["", "cowboy hat", "Cowboy", "../Cowboy hat"])
def test_a_name_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(UserError, match=r"AccessoryDataset\.csv: has no accessory"):
        get_specific_file(name)


def test_a_missing_picture_is_named(tmp_path: Path) -> None:
    table = small_wardrobe(tmp_path)
    (tmp_path / "Head/2.png").unlink()
    with pytest.raises(UserError, match=r"2\.png: no such file"):
        get_specific_file("Head 2", table)


# ---- get_some_data ----


def test_synthetic_users_are_scores_from_0_to_1_and_repeat_by_seed() -> None:
    frame = get_some_data(500, seed=3)
    scores = frame[list(GENRES)].to_numpy()
    assert list(frame.columns) == ["user", *GENRES]
    assert len(set(frame["user"])) == 500
    assert scores.min() >= 0 and scores.max() <= 1
    assert scores.mean(axis=0) == pytest.approx([0.5] * len(GENRES), abs=0.06)
    assert len(np.unique(scores, axis=0)) == 500
    pd.testing.assert_frame_equal(frame, get_some_data(500, seed=3))
    assert not frame.equals(get_some_data(500, seed=4))


def test_fewer_users_are_the_first_of_more() -> None:
    pd.testing.assert_frame_equal(get_some_data(10, seed=1), get_some_data(99, seed=1).head(10))


# ---- data_transform ----

TABLE: Mapping[str, Sequence[object]] = {
    "Nombre": ["Ana", "Bo", "Cy"],
    "Música Clásica": [5, 1, None],
    "HIP-HOP": [2, 3, 1],
    "Rap": [4, None, 1],
    "Heavy metal!": [None, None, 3],
    "Zapatos": [38, 41, 40],
}
EXPECTED = {"classical": [1, 0, 0], "hiphop": [0.75, 0.5, 0], "metal": [0, 0, 0.5]}


@pytest.mark.parametrize("form", ["frame", "csv", "text path", "parquet"])
def test_any_table_is_aligned_to_the_internal_order(form: str, tmp_path: Path) -> None:
    frame = pd.DataFrame(TABLE)
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    sources: dict[str, pd.DataFrame | Path | str] = {
        "frame": frame,
        "csv": tmp_path / "t.csv",
        "text path": str(tmp_path / "t.csv"),
        "parquet": tmp_path / "t.parquet",
    }
    found = data_transform(sources[form])
    assert found.users == ["Ana", "Bo", "Cy"]
    assert str(found.scale) == "1-5"
    assert found.alignment.unused == ("Zapatos",)
    assert found.vectors.dtype == np.float32 and found.vectors.shape == (3, len(GENRES))
    for genre in GENRES:
        assert found.vectors[:, INDEX[genre]] == pytest.approx(EXPECTED.get(genre, [0, 0, 0])), genre


def test_the_result_as_a_frame_is_a_table_again() -> None:
    frame = data_transform(pd.DataFrame(TABLE)).to_frame()
    assert list(frame.columns) == ["user", *GENRES]
    again = data_transform(frame)
    assert again.users == ["Ana", "Bo", "Cy"]
    assert (again.vectors == data_transform(pd.DataFrame(TABLE)).vectors).all()


def test_an_index_of_its_own_changes_nothing() -> None:
    frame = pd.DataFrame({"pop": [0.1, 0.9], "rock": [1.0, 0.0]}, index=[7, 7])
    found = data_transform(frame)
    assert found.users == ["1", "2"]
    assert found.vectors[:, 0] == pytest.approx([0.1, 0.9])


def test_own_columns_and_scale_are_taken() -> None:
    frame = pd.DataFrame({"user": ["a"], "Polka": [6], "pop": [3]})
    found = data_transform(frame, "Polka=folk, pop=", "0-12")
    assert found.alignment.sources == {"folk": ("Polka",)}
    assert found.vectors[0, INDEX["folk"]] == pytest.approx(0.5) and found.vectors.sum() == pytest.approx(0.5)


def test_the_table_that_came_in_is_left_as_it_was() -> None:
    frame = pd.DataFrame(TABLE)
    data_transform(frame)
    pd.testing.assert_frame_equal(frame, pd.DataFrame(TABLE))


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"user": ["a", "b"], "pop": [1, "lots"]}, ["row 2", "'pop'", "lots"]),
        ({"user": ["a", "b"], "pop": [1, -1]}, ["row 2", "'pop'", "-1"]),
        ({"user": ["a", "b"], "pop": [float("inf"), 1]}, ["row 1", "'pop'", "inf"]),
        ({"user": ["a"], "shoes": [1]}, ["no column is a genre"]),
        ({"user": [], "pop": []}, ["no rows"]),
        ({"user": ["a"], "pop": [101]}, ["--scale"]),
    ],
)
def test_faults_of_a_frame_are_those_of_a_file(columns: dict[str, list[object]], words: list[str]) -> None:
    with pytest.raises(UserError) as error:
        data_transform(pd.DataFrame(columns))
    for word in words:
        assert word in str(error.value)


def test_the_sample_users_come_through_unchanged() -> None:
    found = data_transform(DATA / "pet/users.csv")
    frame = pd.read_csv(DATA / "pet/users.csv")
    assert found.vectors == pytest.approx(frame[list(GENRES)].to_numpy(), abs=1e-7)
    assert found.users == frame["user"].tolist()
