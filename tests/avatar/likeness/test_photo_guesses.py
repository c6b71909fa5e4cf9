"""Guesses from a photo: lightness of the skin and shape of the face."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor

from avatar.drawing.palette import SKINS
from avatar.likeness.figures import draw_up_figure, lab_of
from avatar.likeness.photo_guesses import (
    face_shape,
    guess_from_photo,
    hair_beside_face,
    likely_beard,
    likely_hairstyle,
    skin_in,
)
from avatar.likeness.worn_colours import colour_above_face
from avatar.person.colour_measures import Colours
from avatar.person.features import AppearanceTrait, Features
from avatar.person.head_view import CHIN, LEFT, OUTER_EYES, OVAL, RIGHT, TOP, HeadView
from avatar.person.trait_classifiers import HAIR_LENGTHS, HAIR_SHAPES, Belief
from avatar.person.user_photos import sample_photo


@pytest.mark.parametrize(("colour", "found"), [("#e8bc9b", "light"), ("#6a6a6a", "olive"), ("#2a1d18", "ebony")])
def test_skin_whose_colour_is_not_known_is_as_light_as_in_the_photo(colour: str, found: str) -> None:
    tones = list(SKINS)
    assert abs(tones.index(skin_in(np.asarray(Image.new("RGB", (60, 60), colour)))) - tones.index(found)) <= 2


@pytest.mark.parametrize(
    ("height", "jaw", "chin", "shape"),
    [(1.1, 0.9, 0.5, "round"), (1.25, 0.85, 0.5, "square"), (1.25, 0.8, 0.53, "heart"), (1.25, 0.8, 0.58, "oval")],
)
def test_shapes_of_faces(height: float, jaw: float, chin: float, shape: str) -> None:
    points = np.zeros((468, 3))
    for pair, length, axis in (((LEFT, RIGHT), 1, 0), ((172, 397), jaw, 0), ((150, 379), chin, 0)):
        points[pair[0], axis], points[pair[1], axis] = 100, 100 + 80 * length
    points[CHIN, 1] = points[TOP, 1] + 80 * height
    empty = np.zeros((1, 1))
    assert face_shape(HeadView(empty, empty, empty, empty, points, 1.0, 1.0, empty, empty, empty)) == shape


def test_what_is_measured_goes_before_a_guess_and_photos_that_cannot_be_read_give_none(tmp_path: Path) -> None:
    looks = {"skin_tone": AppearanceTrait("dark", 0.9, "measured", monk=9)}
    figure = draw_up_figure(Features("Ada", "", "", appearance=looks), "", 1, {"skin": "fair", "face": "heart"})
    assert (figure.looks.skin, figure.looks.face) == ("deep", "heart")
    assert guess_from_photo(tmp_path / "gone.png", "", None) == {}
    Image.new("RGB", (40, 40), "#2a1d18").save(tmp_path / "dark.png")
    assert guess_from_photo(tmp_path / "dark.png", "", None).keys() == {"skin"}


def head_with(above: str, beside: str) -> HeadView:
    """A head whose skin, headwear and sides have one colour each; without sides the ground is beside the face."""
    side = 256
    angles = np.linspace(0, 2 * np.pi, len(OVAL), endpoint=False) - np.pi / 2
    points = np.full((468, 3), 128.0)
    points[list(OVAL), :2] = np.column_stack([128 + 38 * np.cos(angles), 128 + 48 * np.sin(angles)])
    points[list(OUTER_EYES), :2] = (108, 118), (148, 118)
    pixels = np.full((side, side, 3), 240, np.uint8)
    matte = np.zeros((side, side), np.float32)
    for colour, box in ((beside, (62, 60, 194, 200)), ("#e0b090", (88, 78, 168, 178)), (above, (80, 40, 176, 78))):
        if colour:
            left, top, right, bottom = box
            pixels[top:bottom, left:right] = ImageColor.getrgb(colour)
            matte[top:bottom, left:right] = 1
    empty = np.zeros((1, 1))
    return HeadView(pixels, empty, matte, np.ones((side, side), bool), points, 1.0, 1.0, empty, empty, empty)


@pytest.mark.parametrize(
    ("beside", "guesses"),
    [
        ("#1a1614", {"hair": "long straight", "hair_colour": "black"}),
        ("#5a3c28", {"hair": "long straight", "hair_colour": "brown"}),
        ("#c8a070", {"hair": "long straight", "hair_colour": "blonde"}),
        ("", {"hair": "buzz cut"}),
    ],
)
def test_hair_is_seen_beside_the_face_below_headwear(beside: str, guesses: dict[str, str]) -> None:
    assert hair_beside_face(head_with("#a01820", beside), lab_of("#e0b090")) == guesses


def test_headwear_has_the_colour_above_the_face() -> None:
    found = colour_above_face(head_with("#a01820", ""))
    assert found is not None and np.linalg.norm(found - lab_of("#a01820")) < 1
    nobody = head_with("", "")
    nobody.matte[:] = 0
    assert colour_above_face(nobody) is None


def test_a_real_face_has_a_shape_and_likely_colours() -> None:
    guesses = guess_from_photo(sample_photo(), "", (180, 66, 268, 154))
    assert guesses.keys() == {"skin", "face", "hair", "hair_colour", "garment_colour", "garment_lab"}
    assert guesses["garment_colour"] in ("orange", "red", "brown")  # a space suit
    assert guesses["hair_colour"] in ("brown", "black") and guesses["skin"] in list(SKINS)[:6]


@pytest.mark.parametrize(
    ("length", "shape", "hair", "over_ears", "style"),
    [
        ("long", "wavy", "#302018", 0.8, "long wavy"),
        ("short", "tied", "#302018", 0.1, "side parting"),
        ("short", "straight", "#302018", 0.6, "short layered"),
        ("short", "curly", "#302018", 0.1, "short curls"),
        ("very short", "straight", "#c89a7c", 0.1, "bald"),
        ("very short", "straight", "#302018", 0.1, "buzz cut"),
    ],
)
def test_an_unsure_hairstyle_is_the_likeliest_one(
    length: str, shape: str, hair: str, over_ears: float, style: str
) -> None:
    nothing = np.zeros((1, 1), bool)
    skin, seen = lab_of("#e0b090"), lab_of(hair)
    colours = Colours(skin, seen, nothing, nothing, np.zeros(1, np.float32), 20.0, over_ears=over_ears)
    lengths = dict.fromkeys(HAIR_LENGTHS, 0.2) | {length: 0.4}  # unsure
    shapes = dict.fromkeys(HAIR_SHAPES, 0.1) | {"straight": 0.2} | {shape: 0.6}
    beliefs = {"hair_length": Belief(lengths), "hair_shape": Belief(shapes)}
    assert likely_hairstyle(beliefs, colours) == style
    if length == "short":
        assert likely_hairstyle(beliefs, replace(colours, stands_off=True)) == "afro"


def test_a_beard_of_unsure_kind_is_drawn_and_an_unsure_one_is_not() -> None:
    shares = {"none": 0.3, "stubble": 0.2, "moustache": 0.0, "goatee": 0.35, "beard": 0.15, "covered": 0.0}
    assert likely_beard(Belief(shares)) == {"beard": "goatee"}
    assert likely_beard(Belief(shares | {"none": 0.45, "goatee": 0.2})) == {}
