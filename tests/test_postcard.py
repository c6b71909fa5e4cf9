"""The postcard: every picture in its place, whatever its shape, and what is missing said."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from avatar.person.features import Features, features_json
from common.genres import GENRES
from common.lettering import WORDS, fit_lines, name_width, wrap
from tests.helpers import assert_user_error, run_script

pytestmark = pytest.mark.slow
RED, GREEN, BLUE = (200, 30, 30), (30, 160, 40), (20, 40, 200)


@pytest.fixture
def made(tmp_path: Path) -> list[str | Path]:
    """Pictures of one colour in the places of the parts' results; returns the flags."""
    taste = dict.fromkeys(GENRES, 0.0) | {"rock": 0.4, "jazz": 0.2}
    features = features_json(Features("Júlia", "", "", taste=taste))
    (tmp_path / "Júlia.json").write_text(features, encoding="utf-8")
    for folder in ("avatars", "styled"):
        (tmp_path / folder).mkdir()
    Image.new("RGB", (640, 360), RED).save(tmp_path / "scene.png")
    Image.new("RGB", (90, 200), BLUE).save(tmp_path / "styled/Júlia.png")
    cut_out = Image.new("RGBA", (300, 200))
    cut_out.paste((*GREEN, 255), (50, 20, 250, 200))
    cut_out.save(tmp_path / "avatars/Júlia.png")
    cut_out.save(tmp_path / "pet.png")
    worn = {"Head": "A hat of very many words indeed", "Face": "", "Torso": "Poncho"}
    (tmp_path / "pet.json").write_text(json.dumps({"figures": worn}), encoding="utf-8")
    return [
        *("--features", tmp_path / "Júlia.json", "--avatars", tmp_path / "avatars", "--styled", tmp_path / "styled"),
        *("--scene", tmp_path / "scene.png", "--pet", tmp_path / "pet.png", "--pet-record", tmp_path / "pet.json"),
        *("--output", tmp_path / "out/card.png"),
    ]


def test_every_picture_is_in_its_place(made: list[str | Path], tmp_path: Path) -> None:
    result = run_script("postcard.py", *made, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    card = np.asarray(Image.open(tmp_path / "out/card.png"))
    assert card.shape == (1200, 1800, 3)
    for (x, y), colour in {(624, 437): RED, (1651, 169): BLUE, (1480, 700): GREEN, (1379, 1100): GREEN}.items():
        np.testing.assert_allclose(card[y, x], colour, atol=2)
    record = json.loads((tmp_path / "out/card.json").read_text(encoding="utf-8"))
    assert record["figures"]["Torso"] == "Poncho" and len(record["inputs"]) == 6


@given(st.text(alphabet="abc -é", min_size=1, max_size=60), st.integers(60, 400))
@settings(max_examples=40, deadline=None)
def test_lines_have_every_word_and_fit(text: str, width: int) -> None:
    lines = wrap(text, 20, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    for line in lines:
        assert name_width(line, 20) <= width or len(WORDS.findall(line)) == 1


def test_a_long_name_gets_smaller_and_breaks_before_it_is_cut() -> None:
    name = "Maximiliana Theodora von Hohenstein-Württemberg-Sigmaringen"
    size, lines = fit_lines(name, 34, (326, 66))
    assert 17 <= size < 34 and len(lines) == 3
    assert all(name_width(line, size) <= 326 for line in lines)
    assert "".join(lines).replace(" ", "") == name.replace(" ", "")
    assert fit_lines("Ada", 34, (326, 66)) == (34, ["Ada"])
    assert fit_lines("word " * 99, 34, (326, 66))[0] == 17


def test_who_likes_nothing_has_no_favourites(made: list[str | Path], tmp_path: Path) -> None:
    text = features_json(Features("Иван", "", "", taste=dict.fromkeys(GENRES, 0.0)))
    (tmp_path / "Júlia.json").write_text(text, encoding="utf-8")
    result = run_script("postcard.py", *made, cwd=tmp_path)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("missing", ["scene.png", "avatars/Júlia.png", "styled/Júlia.png", "pet.png", "Júlia.json"])
def test_what_is_missing_is_named_and_nothing_is_written(made: list[str | Path], tmp_path: Path, missing: str) -> None:
    (tmp_path / missing).unlink()
    assert_user_error(run_script("postcard.py", *made, cwd=tmp_path), missing)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("empty", ["avatars/Júlia.png", "pet.png"])
def test_a_cut_out_that_shows_nothing_is_refused(made: list[str | Path], tmp_path: Path, empty: str) -> None:
    Image.new("RGBA", (40, 30)).save(tmp_path / empty)
    assert_user_error(run_script("postcard.py", *made, cwd=tmp_path), empty, "shows nothing")


@pytest.mark.parametrize("text", ["{}", "[" * 100_000, '{"figures": []}'], ids=["empty", "brackets", "a list"])
def test_another_json_than_that_of_the_pet_is_refused(made: list[str | Path], tmp_path: Path, text: str) -> None:
    (tmp_path / "pet.json").write_text(text, encoding="utf-8")
    assert_user_error(run_script("postcard.py", *made, cwd=tmp_path), "pet.json: not the JSON of a run of pet/main.py")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipes")
def test_a_pipe_in_place_of_that_json_is_not_waited_for(made: list[str | Path], tmp_path: Path) -> None:
    (tmp_path / "pet.json").unlink()
    os.mkfifo(tmp_path / "pet.json")
    assert_user_error(run_script("postcard.py", *made, cwd=tmp_path), "pet.json: is a folder, a pipe or a device")
