"""The recommender: names that choose, pins, people who like nothing or everything; and that favourites show."""

import unicodedata
import zlib
from collections.abc import Sequence

import numpy as np
import pytest

from common.errors import UserError
from common.genres import GENRES
from pet.choosing.choice_table import choice_of
from pet.choosing.explaining import contributions, counterfactual, favourites, sentence
from pet.choosing.recommender import Recommender, Rule, name_numbers
from pet.choosing.wardrobe import SLOTS, load_wardrobe
from pet.choosing.words import ACCESSORY_WORDS, GENRE_WORDS, SENTENCES
from pet.data import data_transform
from tests.helpers import REAL_DATA, needs_real_data
from tests.pet.choosing.test_matching import naive_drawn_set

WARDROBE = load_wardrobe()
ROWS = [WARDROBE.vectors(slot).tolist() for slot in SLOTS]
SILENT = {"Head": "Earmuffs", "Torso": "Silence T-shirt", "Face": "Sleep mask"}


def naive_choice(name: str, taste: Sequence[float], n: int | None = 3, seed: int = 0) -> tuple[dict[str, str], float]:
    """What the rule gives a person, step by step: accessories by slot, and the cosine."""
    if not any(taste):
        return SILENT, 0.0
    number = zlib.crc32(f"{seed} {unicodedata.normalize('NFC', name)}".encode())
    indices, score = naive_drawn_set(taste, ROWS, n, number, 0.02)
    return {slot: WARDROBE.slots[slot][index].name for slot, index in zip(SLOTS, indices, strict=True)}, score


def worn(recommender: Recommender, name: str, taste: Sequence[float]) -> dict[str, str]:
    sets = recommender.choose([name], np.array([taste]))
    return {slot: WARDROBE.slots[slot][index].name for slot, index in zip(SLOTS, sets.indices[0], strict=True)}


def taste_of(**genres: float) -> list[float]:
    return [genres.get(genre, 0.0) for genre in GENRES]


@pytest.mark.parametrize("seed", [0, 9])
def test_people_get_what_the_rule_gives_step_by_step(seed: int) -> None:
    random = np.random.default_rng(5)
    recommender = Recommender(WARDROBE, Rule(seed=seed))
    for number in range(60):
        taste = (random.integers(0, 6, 14) / 5 * (random.random(14) < 0.6)).tolist()
        assert worn(recommender, f"Zoë {number}", taste) == naive_choice(f"Zoë {number}", taste, seed=seed)[0]


def test_a_name_has_one_pet_in_every_unicode_form_and_its_number_stays_for_ever() -> None:
    composed, apart = unicodedata.normalize("NFC", "Júlia"), unicodedata.normalize("NFD", "Júlia")
    assert composed != apart
    assert name_numbers([composed, apart, "Marc", "\ud800"], 0).tolist()[:3] == [2460750611, 2460750611, 2644542315]
    assert name_numbers(["Marc"], 0) != name_numbers(["Marc"], 1)


def test_friends_with_one_taste_differ_unless_identical_is_set() -> None:
    taste = taste_of(pop=1, electronic=0.8, soul=0.4)
    names = [f"friend {number}" for number in range(40)]
    assert len({tuple(worn(Recommender(WARDROBE), name, taste).values()) for name in names}) > 1
    strict = Recommender(WARDROBE, Rule(identical=True))
    assert len({tuple(worn(strict, name, taste).values()) for name in names}) == 1


def test_who_likes_nothing_or_a_little_of_everything_gets_a_pet_for_that() -> None:
    assert worn(Recommender(WARDROBE), "x", taste_of()) == SILENT
    everything = {"Head": "Propeller cap", "Torso": "Rainbow T-shirt", "Face": "Rainbow glasses"}
    for level in (0.2, 1.0):
        assert worn(Recommender(WARDROBE, Rule(identical=True)), "x", [level] * 14) == everything
        for number in range(20):
            assert len(everything.items() & worn(Recommender(WARDROBE), f"{number}", [level] * 14).items()) >= 2


@pytest.mark.parametrize("taste", [taste_of(jazz=1), taste_of(), [0.5] * 14])
def test_a_pinned_accessory_is_worn_by_everybody(taste: list[float]) -> None:
    found = worn(Recommender(WARDROBE, Rule(pins={"Head": "cowboy HAT"})), "x", taste)
    assert found["Head"] == "Cowboy hat"
    if taste == taste_of(jazz=1):
        assert found["Torso"] == "Saxophone"


def test_a_pin_that_is_not_there_is_refused_with_what_there_is() -> None:
    with pytest.raises(UserError, match=r"HEAD is 'Tiara'; .*Cowboy hat"):
        Recommender(WARDROBE, Rule(pins={"Head": "Tiara"}))
    with pytest.raises(UserError, match="HEAD is 'Monocle'"):
        Recommender(WARDROBE, Rule(pins={"Head": "Monocle"}))


@needs_real_data("pet")
@pytest.mark.parametrize("file", ["young_people_survey_music.csv", "mxmh_genre_frequency.csv"])
def test_a_clear_favourite_is_the_pet_s_first_genre_and_the_cosine_stays_high(file: str) -> None:
    """On the second half of the rows, which took no part in any choice; ties do not count."""
    people = data_transform(REAL_DATA / "pet" / file)
    tastes = people.vectors[1::2]
    sets = Recommender(WARDROBE).choose([f"{file} {user}" for user in people.users[1::2]], tastes)
    total = np.sum([WARDROBE.vectors(slot)[sets.indices[:, i]] for i, slot in enumerate(SLOTS)], axis=0)
    clear = (tastes == tastes.max(axis=1, keepdims=True)).sum(axis=1) == 1
    first = (total == total.max(axis=1, keepdims=True)).sum(axis=1) == 1
    reached = first & (total.argmax(axis=1) == tastes.argmax(axis=1))
    assert reached[clear].mean() >= 0.65
    assert sets.scores[tastes.any(axis=1)].mean() >= 0.83


# ---- explaining ----


@pytest.mark.parametrize(
    ("taste", "language", "words"),
    [
        (taste_of(jazz=1, rock=0.8), "en", ["jazz & blues and rock", "electric guitar"]),
        (taste_of(jazz=1, indie=0.8), "es", ["jazz y blues e indie", "saxofón"]),
        (taste_of(classical=1), "ca", ["música clàssica", "corona de partitura", "frac"]),
        ([0.4] * 14, "en", ["a little of everything", "rainbow glasses"]),
        (taste_of(), "es", ["Nada de esta música", "antifaz"]),
    ],
)
def test_a_sentence_says_why(taste: list[float], language: str, words: list[str]) -> None:
    recommender = Recommender(WARDROBE, Rule(identical=True))
    choice = choice_of("x", np.array(taste), recommender.choose([], np.array([taste])), WARDROBE)
    text = sentence(choice, language)  # type: ignore[arg-type]
    assert all(word in text for word in words), text


def test_what_one_point_more_would_change_is_true() -> None:
    recommender = Recommender(WARDROBE)
    random = np.random.default_rng(2)
    told = 0
    for number in range(30):
        taste = random.integers(0, 6, 14) / 5
        choice = choice_of(f"p{number}", taste, recommender.choose([f"p{number}"], taste[None]), WARDROBE)
        text = counterfactual(choice, recommender, WARDROBE, "en")
        if not text:
            continue
        told += 1
        genre = next(g for g in GENRES if f"for {GENRE_WORDS[g]['en']}," in text)
        more = taste.copy()
        more[list(GENRES).index(genre)] += 0.2
        after, before = naive_choice(f"p{number}", more.tolist())[0], {s: w.name for s, w in choice.worn.items()}
        new = [name for slot, name in after.items() if name != before[slot]]
        assert any(name.lower() in text.lower() for name in new)
    assert told > 20


def test_contributions_add_up_to_the_cosine() -> None:
    taste = np.array(taste_of(rock=1, jazz=0.6, pop=0.2))
    recommender = Recommender(WARDROBE)
    choice = choice_of("Anna", taste, recommender.choose(["Anna"], taste[None]), WARDROBE)
    parts = contributions(choice)
    assert sum(sum(slots.values()) for slots in parts.values()) == pytest.approx(choice.score, abs=1e-6)
    assert favourites(taste) == ["rock"] and max(parts, key=lambda genre: sum(parts[genre].values())) == "rock"


def test_every_accessory_and_genre_has_its_words() -> None:
    names = {accessory.name for slot in SLOTS for accessory in WARDROBE.slots[slot]}
    assert set(ACCESSORY_WORDS) == names and set(GENRE_WORDS) == set(GENRES)
    assert len({frozenset(words) for words in SENTENCES.values()}) == 1
