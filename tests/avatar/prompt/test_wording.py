import functools
import re
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatar.drawing.palette import GARMENT_COLOURS
from avatar.person.features import AppearanceTrait, Features, Trait
from avatar.prompt.genre_outfits import (
    ACCESSORIES,
    GARMENTS,
    NEUTRAL_ACCESSORIES,
    NEUTRAL_GARMENT,
    Adornment,
    Garment,
)
from avatar.prompt.syntax import Phrase, parse_prompt
from avatar.prompt.wording import Prompt, generate_weighted_prompt, weight_of_share
from common.genres import GENRES

SEEDS = range(40)
free_prompt = functools.partial(generate_weighted_prompt, accessories="free")


def listener(**taste: float) -> Features:
    return Features(name="Ada", photo="", photo_sha256="", taste=dict.fromkeys(GENRES, 0.0) | taste)


def outfit(prompt: Prompt) -> list[Phrase]:
    """Garment and accessories: what stands between opening, words about the person, and closing."""
    return [phrase for phrase in prompt.phrases[1:-1] if not phrase.personal]


def wordings_of(items: Garment | tuple[Adornment, ...]) -> set[str]:
    if isinstance(items, Garment):
        return {wording.format(colour=colour) for wording in items.wordings for colour in items.colours}
    return {wording for item in items for wording in item.wordings}


# ---- the wardrobe ----


def test_every_genre_has_a_garment_in_colours_and_accessories_for_three_places() -> None:
    assert list(GARMENTS) == list(ACCESSORIES) == list(GENRES)
    for genre in GENRES:
        assert len(wordings_of(GARMENTS[genre])) >= 9, genre
        assert len({item.place for item in ACCESSORIES[genre]}) >= 3, genre
    assert len({item.place for item in NEUTRAL_ACCESSORIES}) == 3


def test_wordings_hold_their_kind_and_nothing_that_a_prompt_reads_as_a_sign() -> None:
    garments = [*GARMENTS.values(), NEUTRAL_GARMENT]
    accessories = [item for items in (*ACCESSORIES.values(), NEUTRAL_ACCESSORIES) for item in items]
    items: list[Garment | Adornment] = [*garments, *accessories]
    for item in items:
        assert len(item.wordings) >= 2 and len(set(item.wordings)) == len(item.wordings)
        for wording in item.wordings:
            assert item.kind in wording, wording
            assert wording.count("{colour}") == isinstance(item, Garment)
            assert not re.search(r"[():\\]|  |\b(a|an) \{colour\}", wording), wording
    assert {item.place for item in accessories} == {"head", "face", "ears", "neck", "hands"}


def test_the_drawn_world_has_every_colour() -> None:
    for garment in (*GARMENTS.values(), NEUTRAL_GARMENT):
        assert set(garment.colours) <= set(GARMENT_COLOURS)


# ---- taste ----


@pytest.mark.parametrize("genre", GENRES)
def test_an_only_love_gives_the_whole_outfit_its_full_weight(genre: str) -> None:
    for seed in SEEDS:
        garment, *accessories = outfit(free_prompt(listener(**{genre: 0.4}), seed))
        assert garment.text in wordings_of(GARMENTS[genre])
        assert len(accessories) == 3 and {phrase.text for phrase in accessories} <= wordings_of(ACCESSORIES[genre])
        assert {phrase.weight for phrase in (garment, *accessories)} == {1.4}


def test_weights_are_in_proportion_to_the_preferences() -> None:
    garment, *accessories = outfit(free_prompt(listener(rock=0.9, jazz=0.6, folk=0.3, pop=0.1), seed=2))
    assert garment.text in wordings_of(GARMENTS["rock"])
    for phrase, genre, weight in zip(accessories, ("rock", "jazz", "folk"), (1.1, 1.0, 0.9), strict=True):
        assert phrase.text in wordings_of(ACCESSORIES[genre])
        assert phrase.weight == weight
    assert garment.weight == 1.1
    assert [weight_of_share(share) for share in (0, 0.1, 1 / 3, 0.5, 1)] == [0.8, 0.85, 1.0, 1.1, 1.4]


@given(st.dictionaries(st.sampled_from(list(GENRES)), st.floats(0, 1), max_size=14), st.integers(0, 2**40))
def test_any_taste_gives_a_readable_prompt(taste: dict[str, float], seed: int) -> None:
    prompt = free_prompt(listener(**taste), seed)
    assert prompt == free_prompt(listener(**taste), seed)
    assert len(outfit(prompt)) == 4
    assert all(
        0.8 <= phrase.weight <= 1.4 and round(phrase.weight * 20) == pytest.approx(phrase.weight * 20)
        for phrase in prompt.phrases
    )
    assert "".join(phrase.text for phrase in parse_prompt(prompt.text)) == ", ".join(p.text for p in prompt.phrases)
    assert 20 <= len(prompt.text.split()) <= 50


def test_no_two_things_are_worn_at_one_place() -> None:
    places = {wording: item.place for items in ACCESSORIES.values() for item in items for wording in item.wordings}
    genres = list(GENRES)
    for seed in range(300):
        taste = {genres[(seed * step) % 14]: 1 - step / 10 for step in (1, 3, 5)}
        _, *accessories = outfit(free_prompt(listener(**taste), seed))
        assert max(Counter(places[phrase.text] for phrase in accessories).values()) == 1


@pytest.mark.parametrize(
    ("words", "refused"),
    [
        ("a man who wears no earrings", {"ears"}),
        ("without any necklace", {"neck"}),
        ("No jewellery!", {"ears", "neck"}),
        ("no hat, big earrings", set()),
    ],
)
def test_taste_adorns_nobody_who_refuses_it(words: str, refused: set[str]) -> None:
    places = {wording: item.place for items in ACCESSORIES.values() for item in items for wording in item.wordings}
    for seed in range(30):
        taste = listener(latin=1, punk=0.8, soul=0.6)
        worn = {places[p.text] for p in outfit(generate_weighted_prompt(taste, seed)) if p.text in places}
        assert len(worn & {"ears", "neck"}) == 1
        bare = generate_weighted_prompt(replace(taste, description=words), seed)
        assert not refused & {places[phrase.text] for phrase in outfit(bare) if phrase.text in places}


@pytest.mark.parametrize("genre", ["latin", "world", "soul"])
def test_lovers_of_one_genre_do_not_all_wear_the_same_jewellery(genre: str) -> None:
    places = {wording: item.place for item in ACCESSORIES[genre] for wording in item.wordings}
    worn = Counter(
        places[phrase.text]
        for seed in range(100)
        for phrase in outfit(generate_weighted_prompt(listener(**{genre: 1}), seed, held=False))[1:]
    )
    assert set(worn) == {"ears", "neck"} and min(worn.values()) >= 25


@pytest.mark.parametrize("genre", GENRES)
def test_each_genre_adorns_somebody_whose_hair_covers_the_ears(genre: str) -> None:
    long_hair = replace(listener(**{genre: 1}), appearance={"hair_length": AppearanceTrait("long", 0.9, "measured")})
    assert len(outfit(generate_weighted_prompt(long_hair, held=False))) == 2


def test_a_garment_in_the_photos_colour_is_a_word_about_the_person() -> None:
    prompt = generate_weighted_prompt(listener(rock=1), 3, garment_colour="green")
    assert "green leather jacket" in prompt.text.replace("worn ", "").replace("vintage ", "")
    assert "green" not in prompt.without_person().text


def test_nobody_without_a_taste_is_left_without_clothes() -> None:
    garment, *accessories = outfit(generate_weighted_prompt(listener()))
    assert garment.text in wordings_of(NEUTRAL_GARMENT)
    assert {phrase.text for phrase in accessories} <= wordings_of(NEUTRAL_ACCESSORIES)
    assert {phrase.weight for phrase in (garment, *accessories)} == {1.0}


def test_seeds_choose_the_wording() -> None:
    texts = [free_prompt(listener(rock=1, soul=0.5, world=0.4), seed).text for seed in SEEDS]
    assert len(set(texts)) == len(texts)
    assert generate_weighted_prompt(listener(rock=1)).negative.startswith("blurry, low quality")


# ---- the person ----

INFERRED = {
    "gender": Trait("Woman", 0.99, "deepface"),
    "race": Trait("latino hispanic", 0.9, "deepface"),
    "age": Trait("31", None, "embedded"),
}


def person(**changes: object) -> list[Phrase]:
    prompt = generate_weighted_prompt(replace(listener(jazz=1), **changes))  # type: ignore[arg-type]
    return [phrase for phrase in prompt.phrases if phrase.personal]


def test_nothing_is_said_of_a_person_of_whom_nothing_is_known() -> None:
    assert person() == []
    assert person(gender=Trait("", 0.4, "unsure"), age=Trait(" ", None, "self"), description=" \n ") == []
    prompt = generate_weighted_prompt(listener(jazz=1))
    assert prompt.without_person() == prompt
    assert not re.search(r"\b(man|woman|male|female|he|she)\b", prompt.text)


def test_inferred_traits_go_in_plain() -> None:
    texts = [phrase.text for phrase in person(**INFERRED)]
    assert texts == ["woman", "latino hispanic person", "31 years old"]
    assert {phrase.weight for phrase in person(**INFERRED)} == {1.0}


def test_stated_traits_go_in_as_typed() -> None:
    stated = {"gender": Trait("Non-binary", None, "self"), "race": Trait("half Basque, half Inuk", None, "self")}
    assert person(**stated, age=Trait("40", None, "self")) == [
        Phrase("Non-binary", 1.2, True), Phrase("half Basque, half Inuk", 1.2, True), Phrase("40 years old", 1.2, True),
    ]  # fmt: skip
    assert person(age=Trait("in my best years", None, "self"))[0].text == "in my best years"


def test_a_description_wins_over_all_that_was_inferred() -> None:
    words = "a (bald) man: C++ and \\o/,\n curly  beard,"
    assert person(**INFERRED, description=words) == [Phrase("a (bald) man: C++ and \\o/, curly beard", 1.2, True)]
    stated = INFERRED | {"gender": Trait("Man", None, "self")}
    assert [phrase.text for phrase in person(**stated, description="red beard")] == ["Man", "red beard"]


@given(st.text(max_size=60))
def test_any_description_is_read_back_as_typed(words: str) -> None:
    prompt = generate_weighted_prompt(replace(listener(jazz=1), description=words))
    (said,) = [phrase.text for phrase in prompt.phrases if phrase.personal] or [""]
    assert said.split() == "".join(c if c.isprintable() else " " for c in words).strip(" ,").split() or not said
    assert said in "".join(phrase.text for phrase in parse_prompt(prompt.text))


def test_without_the_person_the_outfit_stays() -> None:
    prompt = generate_weighted_prompt(replace(listener(jazz=1), age=INFERRED["age"], gender=INFERRED["gender"]), seed=5)
    bare = prompt.without_person()
    assert bare == generate_weighted_prompt(listener(jazz=1), seed=5)
    assert "31" in prompt.text and "31" not in bare.text and "woman" not in bare.text
