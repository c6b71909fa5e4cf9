"""Colours and shapes of what a person wears, in heads that are painted here."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageColor, ImageDraw

from avatar.likeness.figures import draw_up_figure, lab_of
from avatar.likeness.worn_colours import colour_below_face, covers_cheeks, has_visor, lipstick
from avatar.person.colour_measures import LIPS, MOUTH, Colours
from avatar.person.features import AppearanceTrait, Features
from avatar.person.head_view import HeadView, HeadViewer
from avatar.person.user_photos import sample_photo

SKIN = "#e0b090"
NO_CHEST = np.zeros((0, 0, 3), np.uint8)
Box = tuple[int, int, int, int]


@pytest.fixture(scope="module")
def real() -> HeadView:
    """A real face, for its points."""
    return HeadViewer().look(np.asarray(Image.open(sample_photo()).convert("RGB")), (180, 66, 268, 154))


def painted(real: HeadView, *boxes: tuple[str, Box]) -> HeadView:
    """A head in the skin's colour on white, with boxes painted over it."""
    left, top = real.points[:, :2].min(axis=0).astype(int)
    right, bottom = real.points[:, :2].max(axis=0).astype(int)
    pixels, matte = np.full((256, 256, 3), 255, np.uint8), np.zeros((256, 256), np.float32)
    for colour, (x0, y0, x1, y1) in ((SKIN, (left, top, right, bottom)), *boxes):
        pixels[y0:y1, x0:x1] = ImageColor.getrgb(colour)
        matte[y0:y1, x0:x1] = 1
    return replace(real, pixels=pixels, matte=matte, inside=np.ones((256, 256), bool), scale=1.0)


def colours(hair: str = "", over_ears: float = 0.0) -> Colours:
    nothing = np.zeros((1, 1), bool)
    seen = lab_of(hair) if hair else None
    return Colours(lab_of(SKIN), seen, nothing, nothing, np.zeros(1, np.float32), 20.0, over_ears=over_ears)


def near(lab: np.ndarray | None, colour: str) -> bool:
    return lab is not None and float(np.linalg.norm(lab - lab_of(colour))) < 2


def test_the_garment_is_what_covers_most_below_the_chin(real: HeadView) -> None:
    suit = painted(real, ("#28304a", (30, 190, 226, 256)), ("#f4f4f4", (115, 190, 141, 256)))
    assert near(colour_below_face(suit, colours("#30201c"), NO_CHEST), "#28304a")
    assert colour_below_face(painted(real), colours(), NO_CHEST) is None


def test_long_hair_over_the_shoulders_is_no_garment(real: HeadView) -> None:
    long_hair = painted(real, ("#b02030", (30, 190, 226, 256)), ("#30201c", (40, 190, 108, 256)))
    assert near(colour_below_face(long_hair, colours("#30201c", 0.8), NO_CHEST), "#b02030")


def test_the_chest_goes_before_what_is_near_the_chin(real: HeadView) -> None:
    collar = painted(real, ("#202020", (30, 190, 226, 256)))
    chest = np.full((60, 80, 3), ImageColor.getrgb("#e07020"), np.uint8)
    chest[:, 30:45] = ImageColor.getrgb("#f4f4f4")
    assert near(colour_below_face(collar, colours(), chest), "#e07020")


def test_a_visor_shades_the_brows(real: HeadView) -> None:
    brows = real.points[[107, 336, 9], :2]
    low = int(brows[:, 1].max()) + 12
    assert has_visor(painted(real, ("#604838", (60, 40, 196, low))))
    assert not has_visor(painted(real))


def test_a_headscarf_covers_the_cheeks_sides_and_a_wrap_does_not(real: HeadView) -> None:
    above = ("#a01820", (70, 20, 186, int(real.points[10, 1])))
    around = ("#a01820", (70, 20, 186, 200))
    face = (SKIN, tuple(int(v) for v in (*real.points[:, :2].min(axis=0), *real.points[:, :2].max(axis=0))))
    assert covers_cheeks(painted(real, around, face))  # type: ignore[arg-type]
    assert not covers_cheeks(painted(real, above))


@pytest.mark.parametrize(("colour", "found"), [("#b01830", True), ("#c08070", False)])
def test_lipstick_is_redder_than_lips_are(real: HeadView, colour: str, found: bool) -> None:
    view = painted(real)
    canvas = Image.fromarray(view.pixels)
    draw = ImageDraw.Draw(canvas)
    draw.polygon([tuple(point) for point in real.points[list(LIPS), :2]], fill=colour)
    draw.polygon([tuple(point) for point in real.points[list(MOUTH), :2]], fill="#401018")
    view = replace(view, pixels=np.asarray(canvas))
    assert (lipstick(view, lab_of(SKIN)) is not None) == found
    assert lipstick(replace(view, scale=9.0), lab_of(SKIN)) is None


def test_what_the_photo_shows_is_drawn_where_the_words_leave_it_open() -> None:
    looks = {
        "hair_length": AppearanceTrait("short", 0.9, "measured"),
        "hair_shape": AppearanceTrait("", 0.4, "unsure"),
        "headwear": AppearanceTrait("cap", 0.9, "measured"),
    }
    guesses = {"hair": "short curls", "headwear": "beanie", "headwear_lab": "30 40 20"}
    figure = draw_up_figure(Features("Ada", "", "", appearance=looks), "", 1, guesses)
    assert (figure.looks.hair, figure.looks.headwear) == ("short curls", "beanie")
    said = looks | {
        "headwear": AppearanceTrait("cap", None, "self"),
        "hair_shape": AppearanceTrait("straight", 1.0, "self"),
    }
    figure = draw_up_figure(Features("Ada", "", "", appearance=said), "", 1, guesses)
    assert (figure.looks.hair, figure.looks.headwear) == ("side parting", "cap")


def test_the_garment_has_the_photos_colour_unless_the_prompt_says_another_one() -> None:
    guesses = {"garment_colour": "red", "garment_lab": "40 50 20", "lips_lab": "40 60 20"}
    same = draw_up_figure(Features("Ada", "", ""), "red hoodie", 1, guesses).tones
    assert same.garment is not None and np.linalg.norm(lab_of(same.garment) - (40, 50, 20)) < 2 and same.lips
    assert draw_up_figure(Features("Ada", "", ""), "blue hoodie", 1, guesses).tones.garment is None
