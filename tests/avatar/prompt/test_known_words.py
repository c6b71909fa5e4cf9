"""Which words the small model knows."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatar.demo_model.drawn_pictures import UNSEEN
from avatar.drawing.captions import MOST_WORDS
from avatar.person.features import Features
from avatar.prompt.known_words import VOCABULARY, known_words, unknown_words
from avatar.prompt.syntax import Phrase
from avatar.prompt.wording import NEGATIVE, generate_weighted_prompt
from avatar.sdxl.sources import BASE, DEMO_MODEL
from common.errors import UserError
from common.genres import GENRES

KNOWN = known_words(DEMO_MODEL / BASE)


@pytest.mark.parametrize(
    ("prompt", "unknown"),
    [
        ("", []),
        ("portrait of a woman, (black leather jacket:1.3), [round glasses] BREAK 34 years old", []),
        ("(pink hijab:1.2)", ["hijab"]),
        ("Astronaut on a horse, an ASTRONAUT", ["astronaut", "horse"]),
        ("noia amb ulleres i cabell roig, L·L", ["noia", "amb", "ulleres", "cabell", "roig"]),
        ("gla(sses:1.2)", []),
        (r"snow \(man\)", ["snow"]),
        ("naïve 帽子 hat", ["naïve", "帽子"]),
    ],
)
def test_words_of_no_caption_are_named_once(prompt: str, unknown: list[str]) -> None:
    assert unknown_words([prompt], KNOWN) == unknown


def test_all_words_of_written_prompts_and_of_things_never_drawn_are_known() -> None:
    likings = [{name: 1.0 if name == genre else 0.0 for name in GENRES} for genre in GENRES]
    people = [Features("Ada", "", "", taste=taste) for taste in likings]
    written = [generate_weighted_prompt(person, seed).text for person in people for seed in range(MOST_WORDS)]
    assert unknown_words([*written, NEGATIVE, *UNSEEN], KNOWN) == []


@given(st.lists(st.sampled_from(["hat", "Hat", "zebra", "red", "gos", "(", ",", "3"]), max_size=9))
def test_weights_and_breaks_make_no_word_unknown(words: list[str]) -> None:
    expected = [word for word in dict.fromkeys(words) if word in ("zebra", "gos")]
    weighted = [str(Phrase(word, 1 + number / 10)) for number, word in enumerate(words)]
    assert unknown_words([" BREAK ".join(weighted)], KNOWN) == expected
    assert unknown_words(weighted, KNOWN) == expected


@pytest.mark.parametrize("text", ["[" * 100_000, "[1]", "{", "3"])
def test_a_damaged_vocabulary_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / VOCABULARY).parent.mkdir()
    (tmp_path / VOCABULARY).write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"vocab\.json: damaged"):
        known_words(tmp_path)
