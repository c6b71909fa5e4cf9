"""Counting and shortening prompts."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avatar.prompt.syntax import Phrase, parse_prompt
from avatar.prompt.tokens import count_tokens, fit_tokens, tokenizers_of

pytestmark = pytest.mark.slow
PLAIN = "portrait of a young woman, black leather jacket, red hat, studio light"


def test_tokens_are_counted_without_weights_and_without_a_model(base: Any) -> None:
    tokenizers = tokenizers_of(base)
    assert len(tokenizers) == 2
    plain = len(base.tokenizer(PLAIN)["input_ids"]) - 2
    assert count_tokens(tokenizers, PLAIN) == plain > 10
    assert count_tokens(tokenizers, PLAIN.replace("leather jacket", "(leather (jacket):1.3)")) == plain
    assert count_tokens(tokenizers, "") == 0


@settings(deadline=None)
@given(st.text(max_size=30))
def test_any_plain_text_is_counted(base: Any, text: str) -> None:
    assert count_tokens(tokenizers_of(base), str(Phrase(text))) == len(base.tokenizer(text)["input_ids"]) - 2


def test_the_least_important_words_go_first(base: Any) -> None:
    tokenizers = tokenizers_of(base)
    text = "portrait, (red hat:1.3), (scarf:0.8), denim, (boots:0.9), (blue hat, hair:1.2)"
    sizes = {part: count_tokens(tokenizers, f"{part},") for part in ("scarf", "boots", "denim", "portrait")}
    most = count_tokens(tokenizers, text)
    assert fit_tokens(tokenizers, text, most) == (text, [])
    fitted, dropped = fit_tokens(tokenizers, text, most - 1)
    assert dropped == ["scarf"]
    assert fitted == "portrait, (red hat:1.3), denim, (boots:0.9), (blue hat, hair:1.2)"
    fitted, dropped = fit_tokens(tokenizers, text, most - sum(sizes.values()) + 1)
    assert dropped == ["portrait", "scarf", "denim", "boots"]
    assert parse_prompt(fitted)[-1] == Phrase("blue hat, hair", 1.2)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.sampled_from(["red hat", "[hair]", "denim,", "!!", "boots, (hat, face:0.7),", "BREAK"]), max_size=60),
    st.data(),
)
def test_what_is_left_fits(base: Any, words: list[str], data: st.DataObject) -> None:
    tokenizers = tokenizers_of(base)
    text = " ".join(words)
    most = data.draw(st.integers(0, 100))
    fitted, dropped = fit_tokens(tokenizers, text, most)
    assert count_tokens(tokenizers, fitted) <= most
    assert bool(dropped) == (count_tokens(tokenizers, text) > most)


def test_breaks_are_no_tokens_and_stay_when_a_prompt_is_shortened(base: Any) -> None:
    tokenizers = tokenizers_of(base)
    assert count_tokens(tokenizers, "red hat BREAK denim") == count_tokens(tokenizers, "red hat denim")
    fitted, dropped = fit_tokens(tokenizers, "red hat, (scarf:0.8) BREAK (boots:0.9), denim", 4)
    assert dropped == ["scarf", "boots"]
    assert fitted == "red hat,  BREAK denim"


def test_a_prompt_of_400_words_is_cut_between_words_where_it_has_no_commas(base: Any) -> None:
    tokenizers = tokenizers_of(base)
    text = "denim jacket " * 200
    fitted, dropped = fit_tokens(tokenizers, text, 75)
    assert count_tokens(tokenizers, fitted) <= 75 < count_tokens(tokenizers, f"{fitted} {dropped[0]} {dropped[1]}")
    assert fitted.split() + dropped == text.split()
