"""Reviewed flags and unsureness of the working set."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import UserError
from masks.sets.working_set import read_reviewed, read_unsureness, write_proposals, write_reviewed
from tests.masks.sample_sets import touch


@given(st.sets(st.text("0123456789", min_size=1, max_size=20)))
@settings(max_examples=30)
def test_flags_come_back(numbers: set[str]) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        write_reviewed(Path(temporary), numbers)
        assert read_reviewed(Path(temporary)) == numbers


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", "null", '{"reviewed": "00"}', '{"reviewed": [0]}', '{"reviewed": ["0a"]}', '{"seen": []}',
     '{"reviewed": {"00": 1}}', '{"reviewed": ["../0"]}', "[" * 100_000, "\x00", "\ufeff{}"],
)  # fmt: skip
def test_damaged_flags_are_refused_with_what_to_do(text: str, tmp_path: Path) -> None:
    path = touch(tmp_path / "masks_corrected") / "reviewed.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"reviewed\.json: damaged.*mark the frames as reviewed again in step 3"):
        read_reviewed(tmp_path)
    path.write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(UserError, match="damaged"):
        read_reviewed(tmp_path)


def test_without_a_file_nothing_is_reviewed_and_nothing_proposed(tmp_path: Path) -> None:
    assert read_reviewed(tmp_path) == set() and read_unsureness(tmp_path) == {}


@given(st.dictionaries(st.text("0123456789", min_size=1, max_size=9), st.floats(0, 1), max_size=9))
@settings(max_examples=30)
def test_proposals_come_back_in_their_order(unsureness: dict[str, float]) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        write_proposals(Path(temporary) / "masks_initial", unsureness, "lab")
        found = read_unsureness(Path(temporary))
    assert list(found) == list(unsureness)
    assert list(found.values()) == pytest.approx(list(unsureness.values()), abs=5e-5)


@pytest.mark.parametrize(
    "text",
    ["", "frame;unsureness_0_1\n00;0,5\n", "frame,unsureness_0_1\n00,much\n", "frame,unsureness_0_1\n00,nan\n",
     "frame,unsureness_0_1\n00,1.5\n", "frame,unsureness_0_1\n00\n", "frame,unsureness_0_1\n,0.5\n", "frame\n00\n"],
)  # fmt: skip
def test_damaged_proposals_are_refused_with_what_to_do(text: str, tmp_path: Path) -> None:
    path = touch(tmp_path / "masks_initial") / "proposals.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"proposals\.csv: damaged; run step 2 again"):
        read_unsureness(tmp_path)


def test_a_table_that_a_spreadsheet_saved_is_read(tmp_path: Path) -> None:
    path = touch(tmp_path / "masks_initial") / "proposals.csv"
    path.write_bytes(b"\xef\xbb\xbfframe,unsureness_0_1,method\r\n07,0.25,lab\r\n")
    assert read_unsureness(tmp_path) == {"07": 0.25}
