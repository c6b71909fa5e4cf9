"""The figure of a person: attributes, colours, backdrop."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from avatar.drawing.avatars import draw_avatar
from avatar.drawing.palette import GARMENT_COLOURS, HAIR_COLOURS, SKINS, Style, to_oklab
from avatar.drawing.shown_traits import shown_traits
from avatar.likeness.caption_reading import read_attributes
from avatar.likeness.colour_keeping import keep_colours, thin_lines
from avatar.likeness.figures import CLEAR_LAB, MOST_SKIN_LAB, WORN_COLOUR, Figure, draw_up_figure, lab_of
from avatar.person.features import AppearanceTrait, Features, TraitSource
from avatar.person.skin_tone import STEPS
from avatar.person.trait_classifiers import WORDS
from avatar.prompt.appearance_words import HAIR_BY_STYLE, SKIN_BY_MONK_STEP
from avatar.prompt.hairstyles import hairstyle_for
from avatar.prompt.wording import generate_weighted_prompt
from common.genres import GENRES

LENGTHS = ("", *WORDS["hair_length"], "very short")
SHAPES = ("", "straight", "wavy", "curly", "coily", "parting", "fringe", "layered", "tied")
TASTE = dict.fromkeys(GENRES, 0.0) | {"jazz": 1.0}
COLOURS = ("", *WORDS["hair_colour"], "white", "pink", "green", "blue", "purple")


def measured(**values: str) -> dict[str, AppearanceTrait]:
    return {name: AppearanceTrait(value, 0.9, "measured") for name, value in values.items() if value}


def figure_of(looks: dict[str, AppearanceTrait], seed: int = 1, said: str = "") -> Figure:
    features = Features("Ada", "", "", appearance=looks, description=said, taste=TASTE)
    return draw_up_figure(features, generate_weighted_prompt(features, seed).text, seed)


@given(
    *(st.sampled_from(words) for words in (LENGTHS, SHAPES, COLOURS)),
    *(st.sampled_from(["", *(w for w in WORDS[t] if w != "covered")]) for t in ("glasses", "facial_hair", "headwear")),
    st.integers(1, 10),
)
def test_the_figure_shows_every_known_trait(
    length: str, shape: str, colour: str, glasses: str, facial_hair: str, headwear: str, monk: int
) -> None:
    looks = measured(hair_length=length, hair_shape=shape, hair_colour=colour, glasses=glasses, facial_hair=facial_hair)
    looks |= measured(headwear=headwear)
    word = next(word for word, (first, last) in STEPS.items() if first <= monk <= last)
    looks["skin_tone"] = AppearanceTrait(word, 0.9, "measured", monk=monk)
    figure = figure_of(looks)
    shown = shown_traits(figure.looks)
    asked = {"glasses": glasses, "facial_hair": facial_hair, "headwear": headwear, "skin_tone": str(monk)}
    if headwear in ("", "none") and length:
        assert figure.looks.hair == hairstyle_for(length, shape, colour)
    if headwear in ("", "none") and length:
        asked["hair_colour"] = colour
    for trait, value in asked.items():
        assert not value or shown[trait][0] == value, (trait, value, shown[trait])


def test_words_of_the_prompt_are_words_of_the_captions() -> None:
    for style, words in HAIR_BY_STYLE.items():
        assert read_attributes(words.format(" brown"))["hair"] == style
        assert read_attributes(words.format("").strip()).get("hair", style) == style
    assert tuple(SKINS) == SKIN_BY_MONK_STEP


def test_what_is_not_known_hides_and_invents_nothing() -> None:
    looks = figure_of({}).looks
    assert (looks.beard, looks.glasses, looks.headwear, looks.pattern) == ("none", "none", "none", "plain")


@pytest.mark.parametrize("kind", ["hat", "cap", "headscarf"])
def test_headwear_has_the_colour_of_the_photo(kind: str) -> None:
    features = Features("Ada", "", "", appearance=measured(headwear=kind))
    crowns = []
    for lab in ("40 55 30", "60 -40 30"):
        figure = draw_up_figure(features, "", 1, {WORN_COLOUR: lab})
        crowns.append(lab_of("#%02x%02x%02x" % tuple(np.asarray(figure.draw(256))[35, 128])))  # noqa: UP031
        assert figure.looks.headwear == kind
    (_, red_a, _), (_, green_a, _) = crowns
    assert red_a > 30 and green_a < -20
    bare = draw_up_figure(Features("Ada", "", "", appearance=measured(headwear="none")), "", 1, {WORN_COLOUR: lab})
    assert bare.tones.headwear is None


def test_a_headscarf_that_is_likely_is_drawn_and_what_the_person_says_goes_before_it() -> None:
    guesses = {"headwear": "headscarf", WORN_COLOUR: "40 55 30"}
    assert draw_up_figure(Features("Ada", "", ""), "", 1, guesses).looks.headwear == "headscarf"
    said = Features("Ada", "", "", appearance={"headwear": AppearanceTrait("none", None, "self")})
    assert draw_up_figure(said, "", 1, guesses).looks.headwear == "none"


def skin_of(figure: Figure) -> np.ndarray:
    """(3,) median RGB of the face of a bald figure."""
    return np.median(np.asarray(figure.draw(128))[28:72, 52:76].reshape(-1, 3), axis=0)


@pytest.mark.parametrize("monk", [2, 3, 6, 8, 9])
def test_the_skin_has_the_measured_colour(monk: int) -> None:
    named = lab_of(SKINS[SKIN_BY_MONK_STEP[monk - 1]])
    word = next(word for word, (first, last) in STEPS.items() if first <= monk <= last)
    for apart in ((0.0, 4.0, -4.0), (-3.0, -3.0, 3.0)):
        colour = named + apart
        trait = AppearanceTrait(word, 0.9, "measured", "", monk, tuple(colour.tolist()))
        figure = figure_of({"skin_tone": trait} | measured(hair_length="bald"))
        assert figure.tones.skin is not None
        assert np.abs(lab_of(figure.tones.skin) - colour).max() < 0.5
        drawn = lab_of("#" + "".join(f"{round(value):02x}" for value in skin_of(figure)))
        assert np.linalg.norm(drawn - colour) < 9


def test_a_colour_unlike_its_word_is_moved_towards_it_and_an_edited_word_goes_first() -> None:
    def skin(word: str, source: TraitSource, lab: tuple[float, float, float]) -> str | None:
        return figure_of({"skin_tone": AppearanceTrait(word, 0.9, source, "", 2, lab)}).tones.skin

    moved = skin("light", "measured", (30.0, 10.0, 10.0))
    assert moved is not None
    assert np.linalg.norm(lab_of(moved) - lab_of(SKINS["fair"])) == pytest.approx(MOST_SKIN_LAB, abs=0.5)
    assert skin("dark", "measured", (70.0, 10.0, 10.0)) is None, "the step is not one of the word's"
    assert skin("light", "self", (70.0, 10.0, 10.0)) is None


def test_hair_in_a_dark_photo_becomes_lighter_as_its_skin_does() -> None:
    def hair(skin_l: float) -> float:
        skin = AppearanceTrait("light", 0.9, "measured", "", 2, (skin_l, 14.0, 18.0))
        grey = AppearanceTrait("grey", 0.9, "measured", "", None, (60.0, 0.0, 3.0))
        tone = figure_of({"skin_tone": skin, "hair_colour": grey} | measured(hair_length="short")).tones.hair
        assert tone is not None
        return float(lab_of(tone)[0])

    named = float(lab_of(SKINS["fair"])[0])
    assert hair(named) == pytest.approx(60, abs=1)
    assert hair(60.0) == pytest.approx((60 + 16) * (named - MOST_SKIN_LAB + 16) / (60 + 16) - 16, abs=4)


@given(st.integers(1, 10), st.tuples(st.floats(10, 90), st.floats(0, 30), st.floats(0, 45)))
def test_no_measured_colour_makes_light_skin_of_dark_or_dark_of_light(
    monk: int, lab: tuple[float, float, float]
) -> None:
    word = next(word for word, (first, last) in STEPS.items() if first <= monk <= last)
    drawn = figure_of({"skin_tone": AppearanceTrait(word, 0.9, "measured", "", monk, lab)}).tones.skin
    assert drawn is not None
    apart = [float(np.linalg.norm(lab_of(colour) - lab_of(drawn))) for colour in SKINS.values()]
    first, last = STEPS[word]
    others = apart[: first - 1] + apart[last:]
    assert min(apart[first - 1 : last]) + CLEAR_LAB < min(others) + 0.5, "but for rounding"


def test_own_words_and_the_prompt_go_before_what_was_measured() -> None:
    looks = measured(hair_colour="brown", hair_length="short", glasses="none")
    assert figure_of(looks, said="a woman with violet hair").looks.hair_colour == "purple"
    assert figure_of(looks, said="a woman with violet hair").looks.person == "woman"
    features = Features("Ada", "", "", appearance=looks)
    worn = draw_up_figure(features, "pink hoodie, round glasses", 1).looks
    assert (worn.garment, worn.garment_colour, worn.glasses) == ("hoodie", "pink", "round glasses")


def test_seeds_change_the_picture_and_not_the_person() -> None:
    looks = measured(hair_colour="brown", hair_length="long", glasses="spectacles", facial_hair="none")
    figures = [figure_of(looks, seed) for seed in range(40)]
    same = {(f.looks.skin, f.looks.hair, f.looks.glasses, f.looks.variation, f.looks.eyes, f.tones) for f in figures}
    assert len(same) == 1
    assert len({(f.looks.garment_colour, f.looks.backdrop, f.looks.expression) for f in figures}) > 8


def test_the_backdrop_differs_from_skin_hair_and_garment() -> None:
    for monk in range(1, 11):
        word = next(word for word, (first, last) in STEPS.items() if first <= monk <= last)
        for colour in WORDS["hair_colour"]:
            looks = measured(hair_colour=colour, hair_length="short")
            looks["skin_tone"] = AppearanceTrait(word, 0.9, "measured", monk=monk)
            figure = figure_of(looks, seed=monk)
            ground = np.median(np.asarray(figure.draw(64))[2:8].reshape(-1, 3), axis=0)
            ground_lab = to_oklab("#" + "".join(f"{round(value):02x}" for value in ground))
            worn = (SKINS[figure.looks.skin], HAIR_COLOURS[figure.looks.hair_colour])
            for tone in (*worn, GARMENT_COLOURS[figure.looks.garment_colour]):
                assert np.linalg.norm(np.subtract(to_oklab(tone), ground_lab)) > 0.1, (monk, colour, figure.looks)


def test_a_picture_is_cut_out_along_the_figure() -> None:
    figure = figure_of(measured(hair_colour="blonde", hair_length="long"))
    cut = np.asarray(figure.cut_out(figure.draw(128, "neon"), "neon"))
    assert cut.shape == (128, 128, 4) and (cut[cut[..., 3] == 0] == 0).all()
    assert (cut[2:6, :, 3] == 0).all() and (cut[52:120, 64, 3] == 255).all()
    inside = cut[..., 3] == 255
    assert (cut[inside][:, :3] == np.asarray(figure.draw(128, "neon"))[inside]).all()


def test_detail_is_kept_and_colour_comes_from_the_start() -> None:
    figure = figure_of(measured(hair_colour="brown", hair_length="short"))
    start = figure.draw(128)
    tinted = np.add(np.asarray(start).astype(int), (30, -20, 10))
    kept = np.asarray(keep_colours(figure.draw(128), start)).astype(int)
    assert np.abs(kept - np.asarray(start)).max() <= 1
    corrected = keep_colours(Image.fromarray(tinted.clip(0, 255).astype(np.uint8)), start)
    assert np.abs(np.asarray(corrected).astype(int) - np.asarray(start)).mean() < 4


@pytest.mark.parametrize("style", ["plain", "neon"])
def test_thin_lines_that_a_model_loses_come_back_and_surfaces_stay_the_model_s(style: Style) -> None:
    bare, worn = (
        figure_of(measured(hair_colour="brown", hair_length="short", glasses=glasses))
        for glasses in ("none", "spectacles")
    )
    drawn = np.asarray(worn.draw(256, style)).astype(int)
    grain = np.indices((256, 256)).sum(axis=0)[..., None] % 2 * 8 - 4
    lost = np.asarray(worn.draw(256, style).filter(ImageFilter.GaussianBlur(4))).astype(int) + grain
    kept = np.asarray(worn.keep(Image.fromarray(lost.clip(0, 255).astype(np.uint8)), style)).astype(int)
    spectacles = np.abs(drawn - np.asarray(bare.draw(256, style))).max(axis=2) > 60
    assert np.abs(kept - drawn)[spectacles].mean() < 0.2 * np.abs(lost - drawn)[spectacles].mean()
    lines = thin_lines(drawn.astype(np.float32))
    surfaces = (cv2.dilate(lines, np.ones((5, 5))) == 0) & (draw_avatar(worn.looks, 256, style, worn.tones)[1] == 255)
    assert spectacles.sum() > 100 and surfaces.sum() > 1000
    assert (np.abs(kept - drawn) >= 2)[surfaces].mean() > 0.9, "the model's grain"
