"""Which files form a pair, by the naming convention; masks as pictures."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import UserError
from masks.sets.naming import base_name, clothed_name, files_of_kind
from masks.sets.pairs import FramePair, find_pairs, mask_image, read_mask, scan_pairs
from tests.masks.sample_sets import touch


@given(st.sets(st.text("0123456789", min_size=1, max_size=30), min_size=1, max_size=8))
@settings(max_examples=50)
def test_pairs_come_in_numeric_order_and_equal_numbers_are_faults(numbers: set[str]) -> None:
    names = [name for number in numbers for name in (base_name(number), clothed_name(number))]
    with tempfile.TemporaryDirectory() as temporary:
        folder = touch(Path(temporary), *names)
        pairs, faults = scan_pairs(folder)
    values = {int(number) for number in numbers}
    assert [int(pair.number) for pair in pairs] == sorted(values)
    assert {pair.number for pair in pairs} <= numbers
    assert len(faults) == 2 * (len(numbers) - len(values))
    assert all("has the same number as" in fault for fault in faults.values())
    for pair in pairs:
        assert (pair.base, pair.clothed) == (folder / base_name(pair.number), folder / clothed_name(pair.number))


@given(st.sets(st.integers(0, 12)), st.sets(st.integers(0, 12)))
@settings(max_examples=50)
def test_all_missing_halves_are_listed_at_once(base: set[int], clothed: set[int]) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = touch(Path(temporary), *(base_name(f"{n:02d}") for n in base))
        touch(folder, *(clothed_name(f"{n:02d}") for n in clothed))
        if not base and not clothed:
            with pytest.raises(UserError, match=r"no frames; they must be named base_frame_00\.png"):
                find_pairs(folder)
            return
        pairs, faults = scan_pairs(folder)
        assert [int(pair.number) for pair in pairs] == sorted(base & clothed)
        assert faults.keys() == {base_name(f"{n:02d}") for n in base - clothed} | {
            clothed_name(f"{n:02d}") for n in clothed - base
        }
        if faults:
            with pytest.raises(UserError) as error:
                find_pairs(folder)
            assert all(f"{name} has no " in str(error.value) for name in faults)


def test_numbers_are_compared_as_text_and_the_message_says_so(tmp_path: Path) -> None:
    touch(tmp_path, "base_frame_1.png", "clothed_frame_01.png")
    with pytest.raises(UserError) as error:
        find_pairs(tmp_path)
    for words in ("base_frame_1.png has no clothed_frame_1.png; there is clothed_frame_01.png", "compared as text"):
        assert words in str(error.value)


@pytest.mark.parametrize(
    "name",
    ["base_frame00.png", "base_frame_0 (1).png", "base_frame_a.png", "Base_Frame_07.png", "base_frame_07.jpg",
     "clothed_frame_-7.png", "clothed_frame_٣.png", "base_frame_07.PNG.png"],
)  # fmt: skip
def test_a_frame_whose_name_has_no_number_is_not_lost_in_silence(name: str, tmp_path: Path) -> None:
    touch(tmp_path, base_name("1"), clothed_name("1"), name)
    pairs, faults = scan_pairs(tmp_path)
    assert [pair.number for pair in pairs] == ["1"]
    assert list(faults) == [name] and "is not named" in faults[name]


def test_other_files_do_not_count(tmp_path: Path) -> None:
    names = ["._base_frame_00.png", ".base_frame_03.png.0a1b2c3d.part", "base_sheet.png", "sheet.json", "notes.txt",
             "base_frame_03.png.bak", "mask_00.png", "Thumbs.db"]  # fmt: skip
    touch(tmp_path, base_name("1"), clothed_name("1"), *names)
    assert [pair.number for pair in find_pairs(tmp_path)] == ["1"]


def test_suffixes_in_upper_case_count(tmp_path: Path) -> None:
    touch(tmp_path, "base_frame_1.PNG", "clothed_frame_1.png", "mask_7.PNG")
    assert find_pairs(tmp_path) == [FramePair("1", tmp_path / "base_frame_1.PNG", tmp_path / "clothed_frame_1.png")]
    assert list(files_of_kind(tmp_path, "mask")) == ["7"]


def test_no_folder_has_no_numbers_and_no_pairs(tmp_path: Path) -> None:
    assert files_of_kind(tmp_path / "none", "mask") == {}
    with pytest.raises(UserError, match="no such folder of frames"):
        find_pairs(tmp_path / "none")


def test_a_mask_is_written_as_black_and_white(tmp_path: Path) -> None:
    image = mask_image(np.array([[0, 1, 127, 128, 254, 255, 0, 255]] * 8, np.uint8))
    image.save(tmp_path / "m.png")
    assert image.mode == "L"
    assert read_mask(tmp_path / "m.png")[0].tolist() == [0, 0, 0, 255, 255, 255, 0, 255]
