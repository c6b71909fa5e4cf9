"""The benchmark of likeness on known answers: which words fit a label, and who is found in a line-up."""

import numpy as np
import pytest
import torch

from avatar.sdxl.avatar_reader import WORDS
from common.images import read_image
from tests.benchmarks.avatar_judge import COLUMNS, LABELLED_SHEET, TILE_PX, fits, labelled_rows, skin_shares, to_lab
from tests.benchmarks.avatar_likeness import LINE_UP, line_up

Labels = dict[str, list[str]]


def person(number: int) -> Labels:
    """One of twelve people, no two of whom share all labels."""
    colours, glasses = ("black", "brown", "grey"), ("none", "spectacles")
    return {
        "hair_colour": [colours[number % 3]],
        "glasses": [glasses[number // 3 % 2]],
        "facial_hair": [("none", "beard")[number // 6]],
    }


def exactly(labels: Labels) -> dict[str, dict[str, float]]:
    """What a perfect judge sees of an avatar with these labels."""
    return {trait: {word: float(word == accepted[0]) for word in WORDS[trait]} for trait, accepted in labels.items()}


@pytest.mark.parametrize("apart", [False, True])
def test_perfect_avatars_are_always_found_among_different_people(apart: bool) -> None:
    labels = [person(number) for number in range(12)]
    assert line_up(labels, [exactly(some) for some in labels], np.random.default_rng(1), apart) == (1.0, 1.0)


def test_avatars_that_are_all_alike_are_found_by_chance() -> None:
    labels = [person(number) for number in range(12)]
    found, best = line_up(labels, [exactly(labels[0])] * 12, np.random.default_rng(1), apart=True)
    assert best == 1
    assert found == pytest.approx(1 / 12, abs=0.06)  # the one whose labels they show


def test_people_with_equal_labels_share_a_find() -> None:
    labels = [person(0)] * 12
    found, best = line_up(labels, [exactly(some) for some in labels], np.random.default_rng(1), apart=False)
    assert found == best == pytest.approx(1 / LINE_UP)


def test_too_few_different_people_make_no_line_up() -> None:
    labels = [person(0)] * 12
    assert np.isnan(line_up(labels, [exactly(labels[0])] * 12, np.random.default_rng(1), apart=True)).all()


@pytest.mark.parametrize(
    ("trait", "word", "accepted", "right"),
    [
        ("hair_length", "receding", ["bald"], True),
        ("hair_length", "very short", ["short"], True),
        ("hair_length", "medium", ["long"], True),
        ("hair_length", "short", ["bald", "long"], False),
        ("hair_colour", "white", ["grey"], True),
        ("hair_colour", "red", ["brown", "red"], True),
        ("glasses", "sunglasses", ["spectacles"], False),
    ],
)
def test_words_that_fit_a_label(trait: str, word: str, accepted: list[str], right: bool) -> None:
    assert fits(trait, word, accepted) is right


def test_colours_in_lab() -> None:
    found = to_lab(torch.tensor([[1.0, 1, 1], [-1, -1, -1], [1, -1, -1]])).numpy()
    assert found == pytest.approx(np.array([[100, 0, 0], [0, 0, 0], [53.2, 80.1, 67.2]]), abs=0.6)


def test_skin_is_light_or_dark_by_its_colour() -> None:
    for lab, word in (((87.0, 8, 16), "light"), ((30.0, 9, 11), "dark")):
        shares = skin_shares(np.array(lab))
        assert sum(shares.values()) == pytest.approx(1)
        assert max(shares, key=lambda name: shares[name]) == word


def test_the_labels_by_eye_have_their_pictures() -> None:
    rows = labelled_rows()
    assert len(rows) == 100
    assert read_image(LABELLED_SHEET, "RGB").size == (COLUMNS * TILE_PX, len(rows) // COLUMNS * TILE_PX)
    for row in rows:
        skins = {"light", "medium", "dark"}
        for trait, words in WORDS.items():
            allowed = skins if trait == "skin_tone" else set(words)
            assert set(filter(None, row[trait].split("|"))) <= allowed, row
