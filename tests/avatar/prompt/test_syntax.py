"""Weights and brackets: what is read, refused, written."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatar.prompt.syntax import HEAVIEST, Phrase, parse_prompt
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
        ("[hat] line\nline", [("[hat] line\nline", 1)]),
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
        ("((hat:2):2)", "multiply to a weight above 3"),
        ("(" * 9000 + "hat" + ")" * 9000, "multiply to a weight above 3"),
        ("hat " * 6000, "has 24000 characters; shorten it to 20000"),
    ],
)
def test_nonsense_is_named_with_its_place_and_remedy(text: str, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        parse_prompt(text)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


phrases = st.builds(
    Phrase,
    st.text("ab (),:\\é\n", min_size=1, max_size=12),
    st.integers(0, 3000).map(lambda thousandths: thousandths / 1000),
)


@given(st.lists(phrases, max_size=6))
def test_phrases_that_are_written_are_read_back(given_phrases: list[Phrase]) -> None:
    read = parse_prompt("".join(map(str, given_phrases)))
    assert [(a, p.weight) for p in read for a in p.text] == [(a, p.weight) for p in given_phrases for a in p.text]
    assert all(first.weight != second.weight for first, second in itertools.pairwise(read))


@given(st.text("ab(:1.)\\ ", max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read = parse_prompt(text)
    except UserError:
        return
    assert all(0 <= phrase.weight <= HEAVIEST and phrase.text for phrase in read)
    assert re.sub(r"[\\():1.]", "", "".join(phrase.text for phrase in read)) == re.sub(r"[\\():1.]", "", text)
