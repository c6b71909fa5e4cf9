"""The prompt says how the person looks, and taste does not hide it."""

from typing import Any

import pytest

from avatar.person.features import AppearanceTrait, Features
from avatar.person.skin_tone import STEPS
from avatar.prompt.appearance_words import SKIN_BY_MONK_STEP, appearance_words
from avatar.prompt.genre_outfits import ACCESSORIES
from avatar.prompt.wording import generate_weighted_prompt
from common.genres import GENRES


def looks(**values: str) -> dict[str, AppearanceTrait]:
    return {name: AppearanceTrait(value, 0.9, "measured") for name, value in values.items()}


ADA = looks(
    skin_tone="dark", hair_colour="grey", hair_length="short", glasses="spectacles", facial_hair="none", headwear="none"
)


def test_every_known_trait_is_said_and_absences_too() -> None:
    words = [
        "short grey hair with a side parting",
        "dark brown skin",
        "thin-rimmed glasses",
        "clean-shaven",
        "bare-headed",
    ]
    assert appearance_words(ADA) == words
    assert appearance_words({}) == [] and appearance_words(looks(glasses="", skin_tone="")) == []
    for word, (first, last) in STEPS.items():
        for step in range(first, last + 1):
            trait = AppearanceTrait(word, 0.9, "measured", monk=step)
            assert appearance_words({"skin_tone": trait}) == [f"{SKIN_BY_MONK_STEP[step - 1]} skin"]


@pytest.mark.parametrize(
    ("hair", "words"),
    [
        ({"length": "bald"}, "bald"),
        ({"length": "receding", "colour": "white"}, "receding white hair"),
        ({"length": "very short", "shape": "curly"}, "short coily hair"),
        ({"length": "short", "colour": "red", "shape": "wavy"}, "short ginger hair with a side parting"),
        ({"length": "medium", "colour": "black", "shape": "coily"}, "big round black afro"),
        ({"length": "long", "colour": "blonde"}, "long straight blonde hair"),
        ({"length": "long", "shape": "tied"}, "hair in a ponytail"),
        ({"colour": "red"}, "ginger hair"),
        ({"length": "down to the knees", "colour": "green"}, "down to the knees green hair"),
    ],
)
def test_hair_is_said_in_the_words_of_the_captions_and_typed_words_as_typed(hair: dict[str, str], words: str) -> None:
    assert appearance_words(looks(**{f"hair_{part}": value for part, value in hair.items()})) == [words]


@pytest.mark.parametrize(
    ("trait", "value", "words"),
    [
        *(("facial_hair", "stubble", "stubble"), ("facial_hair", "moustache", "full moustache")),
        *(("facial_hair", "goatee", "goatee"), ("facial_hair", "beard", "short beard")),
        *(("glasses", "sunglasses", "sunglasses"), ("glasses", "thick-rimmed glasses", "thick-rimmed glasses")),
        *(("headwear", "hat", "plain hat"), ("headwear", "cap", "cap"), ("headwear", "headscarf", "headscarf")),
        *(("skin_tone", "medium", "tan skin"), ("skin_tone", "freckled", "freckled skin")),
    ],
)
def test_what_is_worn_is_said(trait: str, value: str, words: str) -> None:
    assert appearance_words(looks(**{trait: value})) == [words]


def test_an_edited_word_for_the_skin_goes_before_the_measured_step() -> None:
    assert appearance_words({"skin_tone": AppearanceTrait("dark", 0.9, "measured", monk=2)}) == ["dark brown skin"]


def worn(features: Features, **more: Any) -> set[str]:
    """Places of the accessories in some prompts."""
    places = {words: item.place for items in ACCESSORIES.values() for item in items for words in item.wordings}
    texts = [generate_weighted_prompt(features, seed, **more).text for seed in range(12)]
    return {place for words, place in places.items() if any(words in text for text in texts)}


def test_taste_hides_neither_head_nor_face_unless_that_is_wanted() -> None:
    for genre in ACCESSORIES:
        taste = dict.fromkeys(GENRES, 0.0) | {genre: 1.0}
        there = {item.place for item in ACCESSORIES[genre]}
        for features in (Features("Ada", "", "", taste=taste), Features("Ada", "", "", appearance=ADA, taste=taste)):
            assert worn(features) == there - {"head", "face"}
            assert worn(features, held=False) == there - {"head", "face", "hands"}
            assert worn(features, accessories="free") == there


def test_nothing_is_worn_at_ears_that_long_hair_covers() -> None:
    taste = dict.fromkeys(GENRES, 0.0) | {"soul": 1.0}
    assert "ears" in worn(Features("Ada", "", "", appearance=looks(hair_length="short"), taste=taste))
    assert "ears" not in worn(Features("Ada", "", "", appearance=looks(hair_length="long"), taste=taste))


def test_words_about_looks_are_personal_and_a_description_goes_before_what_was_measured() -> None:
    prompt = generate_weighted_prompt(Features("Ada", "", "", appearance=ADA))
    assert "(dark brown skin:1.2)" in prompt.text and "skin" not in prompt.without_person().text
    own = ADA | {"glasses": AppearanceTrait("none", None, "self")}
    text = generate_weighted_prompt(Features("Ada", "", "", appearance=own, description="a tall woman")).text
    assert "a tall woman" in text and "no glasses" in text and "skin" not in text
