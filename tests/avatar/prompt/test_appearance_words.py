"""The prompt says how the person looks, and taste does not hide it."""

from avatar.person.features import AppearanceTrait, Features
from avatar.person.skin_tone import STEPS
from avatar.prompt.appearance_words import SKIN_BY_MONK_STEP, appearance_words, places_kept_free
from avatar.prompt.genre_outfits import ACCESSORIES
from avatar.prompt.wording import generate_weighted_prompt
from common.genres import GENRES


def looks(**values: str) -> dict[str, AppearanceTrait]:
    return {name: AppearanceTrait(value, 0.9, "measured") for name, value in values.items()}


ADA = looks(
    skin_tone="dark", hair_colour="grey", hair_length="short", glasses="spectacles", facial_hair="none", headwear="none"
)


def test_every_known_trait_is_said_and_absences_too() -> None:
    words = ["short grey hair with a side parting", "dark skin", "round glasses", "no beard", "bare-headed"]
    assert appearance_words(ADA) == words
    assert appearance_words({}) == [] and appearance_words(looks(glasses="", hair_length="long")) == []
    assert appearance_words(looks(hair_length="bald")) == ["bald"]
    assert appearance_words(looks(hair_colour="red")) == ["ginger hair"]
    for word, (first, last) in STEPS.items():
        for step in range(first, last + 1):
            trait = AppearanceTrait(word, 0.9, "measured", monk=step)
            assert appearance_words({"skin_tone": trait}) == [f"{SKIN_BY_MONK_STEP[step - 1]} skin"]


def test_an_edited_word_for_the_skin_goes_before_the_measured_step() -> None:
    for word in ("dark", "freckled"):
        assert appearance_words({"skin_tone": AppearanceTrait(word, 0.9, "measured", monk=2)}) == [f"{word} skin"]


def test_taste_puts_nothing_on_head_and_face_but_where_the_person_wears_such_a_thing() -> None:
    assert places_kept_free(ADA) == {"head", "face"}
    assert places_kept_free(looks(skin_tone="light", glasses="sunglasses", headwear="cap")) == set()
    assert places_kept_free({}) == set()
    items = [item for items in ACCESSORIES.values() for item in items if item.place in ("head", "face")]
    hidden = {words for item in items for words in item.wordings}
    for genre in ACCESSORIES:
        features = Features("Ada", "", "", appearance=ADA, taste=dict.fromkeys(GENRES, 0.0) | {genre: 1.0})
        for seed in range(8):
            assert not any(words in generate_weighted_prompt(features, seed).text for words in hidden), genre


def test_words_about_looks_are_personal_and_a_description_goes_before_what_was_measured() -> None:
    prompt = generate_weighted_prompt(Features("Ada", "", "", appearance=ADA))
    assert "(dark skin:1.2)" in prompt.text and "skin" not in prompt.without_person().text
    own = ADA | {"glasses": AppearanceTrait("none", None, "self")}
    text = generate_weighted_prompt(Features("Ada", "", "", appearance=own, description="a tall woman")).text
    assert "a tall woman" in text and "no glasses" in text and "skin" not in text
