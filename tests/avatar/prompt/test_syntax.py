"""Weights and brackets: what is read, refused, written."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatar.prompt.syntax import HEAVIEST, Phrase, join_pieces, parse_prompt, parts_between_breaks
from common.errors import UserError


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("", []),
        ("leather jacket", [("leather jacket", 1)]),
        ("(leather jacket:1.3)", [("leather jacket", 1.3)]),
        ("a (red)b", [("a ", 1), ("red", 1.1), ("b", 1)]),
        ("((red))", [("red", 1.21)]),
        ("(a (b:1.5) c:0.5)", [("a ", 0.5), ("b", 0.75), (" c", 0.5)]),
        ("(hat: 1.20 )", [("hat", 1.2)]),
        ("(hat:.5)(scarf:0.5)", [("hatscarf", 0.5)]),
        ("(set: two hats:2)", [("set: two hats", 2)]),
        (r"hat \(blue\)", [("hat (blue)", 1)]),
        (r"(10\:30 \(am\):1.2)", [("10:30 (am)", 1.2)]),
        (r"C:\hats, 3:4", [(r"C:\hats, 3:4", 1)]),
        (r"\\(a)", [("\\", 1), ("a", 1.1)]),
        ("[hat] line\nline", [("hat", 0.9091), (" line\nline", 1)]),
        ("[[hat]], ((scarf))", [("hat", 0.8264), (", ", 1), ("scarf", 1.21)]),
        ("([hat] scarf:1.2)", [("hat", 1.0909), (" scarf", 1.2)]),
        ("[(hat:1.1)]", [("hat", 1)]),
        (r"\[hat\]", [("[hat]", 1)]),
        (r"lunch \BREAK, BREAKS", [("lunch BREAK, BREAKS", 1)]),
        ("no hat (hat:0)", [("no hat ", 1), ("hat", 0)]),
        ("()(:1.3)", []),
    ],
)
def test_weights_and_brackets_are_read(text: str, phrases: list[tuple[str, float]]) -> None:
    assert [(phrase.text, phrase.weight) for phrase in parse_prompt(text)] == phrases


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a (hat", "character 3: a bracket is never closed, at 'a .hat'"),
        ("a (b (c)", "character 3: a bracket is never closed"),
        ("smile :)", "character 7: a closing bracket has no opening one"),
        ("(hat:1,3)", r"the weight '1,3' is not a number.*write \(words:1.3\)"),
        ("(hat:warm)", "the weight 'warm' is not a number"),
        (f"(hat:{'warm ' * 99})", "the weight 'warm warm warm warm ' is not a number"),
        ("(hat:)", "the weight '' is not a number"),
        ("(hat:-1)", "the weight -1 is outside 0 to 3"),
        ("(hat:99)", "the weight 99 is outside 0 to 3"),
        ("(hat:nan)", "the weight nan is outside 0 to 3"),
        ("(hat]", r"character 5: the bracket \( is closed by one of the other kind"),
        ("[hat", "character 1: a bracket is never closed"),
        ("hat]", "character 4: a closing bracket has no opening one"),
        ("[hat:scarf:0.5]", r"character 5: \[a:b:0.5\] and \[a|b\], which change words while drawing, are not read"),
        ("[hat|scarf]", "which change words while drawing, are not read"),
        ("a hat <lora:neon:0.8>", "prompt: <lora:neon:0.8>: a prompt loads no LoRA; delete it, and set LORA of"),
        ("(<LoRA:neon>)", "<LoRA:neon>: a prompt loads no LoRA"),
        ("<hypernet:a:1>", "hypernetworks are not supported; delete it"),
        ("((hat:2):2)", "multiply to a weight above 3"),
        ("(" * 9000 + "hat" + ")" * 9000, "multiply to a weight above 3"),
        ("hat " * 6000, "has 24000 characters; shorten it to 20000"),
    ],
)
def test_nonsense_is_named_with_its_place_and_remedy(text: str, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        parse_prompt(text)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


texts = st.lists(st.sampled_from([*"ab (),:\\[]<>é\n", "BREAK", "<lora:a>"]), min_size=1, max_size=12).map("".join)
phrases = st.builds(Phrase, texts, st.integers(0, 3000).map(lambda thousandths: thousandths / 1000))


def letters(phrases: list[Phrase]) -> list[tuple[str, float]]:
    return [(letter, phrase.weight) for phrase in phrases for letter in ("BREAK" if phrase.is_break else phrase.text)]


@given(st.lists(phrases | st.just(Phrase("", is_break=True)), max_size=6))
def test_phrases_that_are_written_are_read_back(given_phrases: list[Phrase]) -> None:
    given_phrases = join_pieces((None if phrase.is_break else phrase.text, phrase.weight) for phrase in given_phrases)
    read = parse_prompt("".join(map(str, given_phrases)))
    assert letters(read) == letters(given_phrases)
    kinds = [(phrase.weight, phrase.is_break) for phrase in read]
    assert all(first != second for first, second in itertools.pairwise(kinds))


@given(st.lists(st.sampled_from(["()", "[]", "(:1.2)"]), max_size=5))
def test_nested_brackets_multiply_as_in_the_web_interfaces(brackets: list[str]) -> None:
    text, weight = "hat", 1.0
    for bracket in brackets:
        text = bracket[0] + text + bracket[1:]
        weight *= {"()": 1.1, "[]": 1 / 1.1, "(:1.2)": 1.2}[bracket]
    assert parse_prompt(text) == [Phrase("hat", round(weight, 4))]


@given(st.lists(st.lists(st.sampled_from(["hat", "(scarf)", "[a hat]", ","])), min_size=1, max_size=5))
def test_break_separates_parts_and_changes_no_weight(parts: list[list[str]]) -> None:
    texts = [" ".join(words) for words in parts]
    found = parts_between_breaks(parse_prompt(" BREAK ".join(texts)))
    assert found == [parse_prompt(text) for text in texts if text] or not any(texts)
    assert found == parts_between_breaks(parse_prompt(f"({' BREAK '.join(texts)}:1)"))


@given(st.text("ab(:1.)[]|\\ ", max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read = parse_prompt(text)
    except UserError:
        return
    assert all(0 <= phrase.weight <= HEAVIEST and phrase.text for phrase in read)
    syntax = r"[\\():1.\[\]]"
    assert re.sub(syntax, "", "".join(phrase.text for phrase in read)) == re.sub(syntax, "", text)
