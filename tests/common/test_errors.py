import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import FAULTS_SHOWN, UserError, check_range, message_line, printable, raise_faults


def message_of(what: str, faults: list[str]) -> str:
    with pytest.raises(UserError) as caught:
        raise_faults(what, faults)
    return str(caught.value)


def test_no_faults_raise_nothing() -> None:
    raise_faults("users.csv", [])


def test_one_fault_makes_one_line() -> None:
    assert message_of("users.csv", ["line 3: no name"]) == "users.csv: line 3: no name"


def test_without_a_name_the_fault_stands_alone() -> None:
    assert message_of("", ["line 3: no name"]) == "line 3: no name"


def test_several_faults_come_one_a_line_in_order_under_their_count() -> None:
    lines = message_of("users.csv", ["first", "second", "third"]).splitlines()
    assert "users.csv" in lines[0] and "3" in lines[0]
    assert [line.strip() for line in lines[1:]] == ["first", "second", "third"]


@pytest.mark.parametrize("count", [FAULTS_SHOWN, FAULTS_SHOWN + 1, 10_000])
def test_a_long_list_is_cut_and_says_how_many_are_left_out(count: int) -> None:
    faults = [f"fault {number}" for number in range(count)]
    lines = message_of("users.csv", faults).splitlines()
    assert str(count) in lines[0]
    assert [line.strip() for line in lines[1 : 1 + FAULTS_SHOWN]] == faults[:FAULTS_SHOWN]
    rest = lines[1 + FAULTS_SHOWN :]
    hidden = count - FAULTS_SHOWN
    assert len(rest) == (1 if hidden else 0)
    assert not rest or f"{hidden} more" in rest[0]


@pytest.mark.parametrize("value", [64, 65, 4096, 64.0])
def test_a_number_inside_its_range_ends_included_passes(value: float) -> None:
    check_range("SIZE_PX", value, 64, 4096)


@pytest.mark.parametrize("value", [63, 63.999, 4097, -64, float("nan"), float("inf")])
def test_a_number_outside_its_range_is_named_with_the_range(value: float) -> None:
    with pytest.raises(UserError) as caught:
        check_range("SIZE_PX", value, 64, 4096)
    for word in ("SIZE_PX", str(value), "64", "4096"):
        assert word in str(caught.value)


@given(st.text())
def test_printable_text_is_one_line_without_controls_and_tells_texts_apart(text: str) -> None:
    shown = printable(text)
    assert len(shown.splitlines()) <= 1 and "\x1b" not in shown and "\u202e" not in shown
    shown.encode("utf-8")
    assert printable(shown) == shown
    assert shown == text or not text.isprintable()


@pytest.mark.parametrize("text", ["Júlia", "नमस्ते", "👩\u200d🚀", "a\u00a0b", "日本"])
def test_text_of_any_script_is_shown_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_a_long_line_keeps_both_of_its_ends() -> None:
    line = message_line("a" * 600 + "b" * 1_000_000 + "c" * 600)
    assert line.startswith("aaa") and line.endswith("ccc") and len(line) < 1_010
    assert message_line("short") == "short"
