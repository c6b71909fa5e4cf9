"""Coats: a colour and a marking by name, on the fur alone."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pet.choosing.wardrobe import load_bodies
from pet.drawing.coats import COATS, DRAWN_IN, LOOKS, Coat, coat_files, coat_for
from pet.drawing.compositing import Dresser


def test_a_coat_stays_for_ever_and_all_of_them_come_up() -> None:
    assert coat_for("Júlia") == coat_for("Ju\u0301lia") == Coat("ash", "dark spots")
    found = {coat_for(f"person {number}") for number in range(2_000)}
    assert len(found) == len(COATS) * len(LOOKS) >= 12


@pytest.mark.parametrize("name", DRAWN_IN)
def test_the_coat_of_the_drawing_changes_nothing_and_all_others_differ(name: str) -> None:
    body = load_bodies()[name]
    dresser = Dresser(96)
    drawn = dresser.dress(body, {})
    assert dresser.dress(body, {}, Coat(DRAWN_IN[name], "plain")).tobytes() == drawn.tobytes()
    looks = {dresser.dress(body, {}, Coat(colour, look)).tobytes() for colour in COATS for look in LOOKS}
    assert len(looks) == len(COATS) * len(LOOKS)


def test_a_coat_leaves_eyes_outlines_and_transparency_alone() -> None:
    body = load_bodies()["Bear"]
    drawn, blue = (np.asarray(Dresser(1024).dress(body, {}, coat), int) for coat in (None, Coat("sky", "plain")))
    assert (drawn[..., 3] == blue[..., 3]).all()
    assert np.abs(drawn - blue)[412, 408].max() == 0  # the middle of an eye
    ink = (drawn[..., :3] == (0x2B, 0x1F, 0x3D)).all(axis=-1)
    assert np.abs(drawn - blue)[ink].max() <= 1
    assert blue[300, 512].tolist() == [0x6E, 0xC4, 0xFF, 255]


def test_a_body_of_one_s_own_has_no_coats(tmp_path: Path) -> None:
    Image.new("RGBA", (64, 64), (9, 99, 9, 255)).save(tmp_path / "Bear.png")
    assert coat_files(tmp_path / "Bear.png") == []
    assert Dresser(64).dress(tmp_path / "Bear.png", {}, Coat("sky", "plain")).getpixel((9, 9)) == (9, 99, 9, 255)
