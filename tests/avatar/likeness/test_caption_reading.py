"""Reading the attributes of a character back from captions and prompts."""

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatar.drawing.attributes import draw_attributes
from avatar.drawing.captions import caption
from avatar.likeness.caption_reading import read_attributes
from avatar.person.features import Features
from avatar.prompt.genre_outfits import GARMENTS
from avatar.prompt.wording import generate_weighted_prompt
from common.errors import UserError
from common.genres import GENRES


@given(st.integers(0, 2**32))
def test_what_a_caption_says_is_read_from_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    look = draw_attributes(rng)
    said = read_attributes(caption(look, rng))
    assert len(said) >= 3 and said.items() <= asdict(look).items()


@pytest.mark.parametrize(
    ("prompt", "attributes"),
    [
        ("a WOMAN with long Straight red hair", {"person": "woman", "hair": "long straight", "hair_colour": "ginger"}),
        ("(worn black leather jacket:1.2)", {"garment": "leather jacket", "garment_colour": "black"}),
        ("hoodie, no hat", {"garment": "hoodie", "headwear": "none"}),
        ("brown hair, violet hair", {"hair_colour": "purple"}),
        ("short beard and round glasses", {"beard": "short beard", "glasses": "round glasses"}),
        ("polished violin with its bow, festival", {}),
        ("a man, no big hoop earrings", {"person": "man", "jewellery": "none"}),
        ("no earrings, chunky gold chain", {"jewellery": "gold chain"}),
        ("25 years old", {"age": "young"}),
        ("68 years old", {"age": "old"}),
        ("", {}),
    ],
)
def test_typed_words_are_understood_wherever_they_are_those_of_the_captions(
    prompt: str, attributes: dict[str, str]
) -> None:
    assert read_attributes(prompt) == attributes


def test_the_garment_of_every_written_prompt_is_read_with_its_colour() -> None:
    for genre in GENRES:
        for seed in range(10):
            features = Features("Ada", "", "", taste=dict.fromkeys(GENRES, 0.0) | {genre: 1.0})
            said = read_attributes(generate_weighted_prompt(features, seed).text)
            assert said["garment"] == GARMENTS[genre].kind
            assert said["garment_colour"] in GARMENTS[genre].colours


def test_a_prompt_with_invalid_syntax_is_refused() -> None:
    with pytest.raises(UserError, match="never closed"):
        read_attributes("a hat(")
