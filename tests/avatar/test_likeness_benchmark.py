"""The benchmark of likeness on known answers: which words fit a label, and who is found in a line-up."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from avatar.drawing.avatars import Tones, draw_attributes, draw_avatar
from avatar.likeness.figures import lab_of
from avatar.sdxl.avatar_reader import WORDS
from common.images import read_image
from tests.benchmarks.avatar_judge import COLUMNS, LABELLED_SHEET, TILE_PX, fits, labelled_rows, skin_shares, to_lab
from tests.benchmarks.avatar_likeness import AVATAR_FACE, LINE_UP, head_colours, likelihoods, line_up

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
    scores = likelihoods(labels, [exactly(some) for some in labels])
    assert line_up(scores, labels, np.random.default_rng(1), apart) == 1.0


def test_avatars_that_are_all_alike_are_found_by_chance() -> None:
    labels = [person(number) for number in range(12)]
    found = line_up(likelihoods(labels, [exactly(labels[0])] * 12), labels, np.random.default_rng(1), apart=True)
    assert found == pytest.approx(1 / 12, abs=0.06)  # the one whose labels they show


def test_people_with_equal_labels_share_a_find() -> None:
    labels = [person(0)] * 12
    scores = likelihoods(labels, [exactly(some) for some in labels])
    assert line_up(scores, labels, np.random.default_rng(1), apart=False) == pytest.approx(1 / LINE_UP)


def test_too_few_different_people_make_no_line_up() -> None:
    labels = [person(0)] * 12
    scores = likelihoods(labels, [exactly(labels[0])] * 12)
    assert np.isnan(line_up(scores, labels, np.random.default_rng(1), apart=True))


def test_colours_of_a_drawn_head_are_those_of_its_skin_and_hair() -> None:
    look = draw_attributes(np.random.default_rng(3))
    look = replace(look, hair="side parting", glasses="none", headwear="none", beard="none", age="young")
    tones = Tones("#c08050", "#d8c070")
    found = head_colours(draw_avatar(look, 256, tones=tones)[0], AVATAR_FACE)
    for colour, named in zip(found, (tones.skin, tones.hair), strict=True):
        assert np.linalg.norm(colour - lab_of(named or "")) < 12


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
