"""The reader of avatars: what it says of drawn people that it has not learnt from, and what it refuses."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from avatar.drawing.attributes import CHOICES, Attributes
from avatar.drawing.avatars import draw_avatar
from avatar.drawing.picture_folder import character
from avatar.drawing.shown_traits import shown_traits
from avatar.person.features import APPEARANCE
from avatar.sdxl.avatar_reader import WORDS, AvatarReader
from common.errors import UserError

SEED = 9_900_001  # of characters; no training uses it
PICTURES = 100

Read = dict[str, dict[str, float]]


@pytest.fixture(scope="module")
def reader() -> AvatarReader:
    return AvatarReader()


@pytest.fixture(scope="module")
def people() -> list[Attributes]:
    return [character(SEED, number)[0] for number in range(PICTURES)]


@pytest.fixture(scope="module")
def read(reader: AvatarReader, people: list[Attributes]) -> list[Read]:
    return [reader.read(draw_avatar(look, 128)[0]) for look in people]


def said(read: Read, trait: str) -> str:
    return max(read[trait], key=lambda word: read[trait][word])


@pytest.mark.parametrize(
    ("trait", "least"),
    [("glasses", 0.95), ("facial_hair", 0.85), ("headwear", 0.95), ("hair_colour", 0.9), ("hair_length", 0.82)],
)
def test_traits_of_people_that_it_has_not_learnt_from(
    people: list[Attributes], read: list[Read], trait: str, least: float
) -> None:
    shown = [(shown_traits(look), found) for look, found in zip(people, read, strict=True)]
    right = [said(found, trait) in traits[trait] for traits, found in shown if trait in traits]
    assert len(right) > PICTURES / 2
    assert np.mean(right) >= least


def test_skin_is_read_within_one_step_of_the_monk_scale(people: list[Attributes], read: list[Read]) -> None:
    steps = [int(shown_traits(look)["skin_tone"][0]) for look in people]
    apart = [abs(int(said(found, "skin_tone")) - step) for found, step in zip(read, steps, strict=True)]
    assert np.mean(np.array(apart) <= 1) >= 0.95
    assert set(steps) == set(range(1, 11))


def test_every_trait_has_probabilities_of_its_words(reader: AvatarReader) -> None:
    for picture in (np.zeros((64, 64, 3), np.uint8), np.full((300, 300, 3), 255, np.uint8)):
        found = reader.read(picture)
        assert {trait: tuple(shares) for trait, shares in found.items()} == WORDS
        assert set(found) <= set(APPEARANCE)
        for shares in found.values():
            assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
            assert min(shares.values()) >= 0


def test_a_larger_picture_reads_the_same(reader: AvatarReader, people: list[Attributes], read: list[Read]) -> None:
    for look, small in zip(people[:4], read, strict=False):
        large = reader.read(draw_avatar(look, 512)[0])
        assert all(said(large, trait) == said(small, trait) for trait in ("glasses", "headwear", "skin_tone"))


@pytest.mark.parametrize("content", [None, b"", b"\x08\x07not a network"])
def test_a_missing_or_damaged_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "avatar_reader.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"avatar_reader\.onnx: (missing|damaged)"):
        AvatarReader(path)


@pytest.mark.parametrize("name", ["skin", "hair", "hair_colour", "beard", "glasses", "headwear"])
def test_all_that_is_drawn_has_words(people: list[Attributes], name: str) -> None:
    bare = replace(people[0], headwear="none", hair="side parting")
    for value in CHOICES[name]:
        look = replace(bare, **{name: value})  # type: ignore[arg-type]
        for trait, accepted in shown_traits(look).items():
            assert accepted and set(accepted) <= set(WORDS[trait]), (value, trait)


def test_what_is_hidden_has_no_words(people: list[Attributes]) -> None:
    bare = replace(people[0], headwear="none", hair="side parting", hair_colour="ginger", greying="none")
    assert shown_traits(bare)["hair_colour"] == ("red",)
    assert "hair_colour" not in shown_traits(replace(bare, hair="bald"))
    covered = shown_traits(replace(bare, headwear="turban"))
    assert covered["headwear"] == ("headscarf",)
    assert {"hair_colour", "hair_length"}.isdisjoint(covered)
    assert shown_traits(replace(bare, hair="mohawk", headwear="fedora"))["hair_length"] == ("short", "very short")
