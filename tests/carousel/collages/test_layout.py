"""The collage and its index: round trips bit for bit, and every fault that a file or a table can have."""

import csv
import re
import runpy
import tempfile
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from carousel.collages.layout import (
    INDEX,
    MAX_PANEL_PX,
    MIN_PANEL_PX,
    PANELS,
    Collage,
    CollageEntry,
    compose,
    read_collage,
    read_index,
    write_index,
)
from common.errors import FAULTS_SHOWN, UserError
from tests.carousel.helpers import SIDE, draw_collage, entry_of, write_collage, write_collages
from tests.helpers import BAD_INPUTS, needs_bad_inputs


def assert_equal(one: Collage, other: Collage) -> None:
    for field in fields(Collage):
        ours, theirs = getattr(one, field.name), getattr(other, field.name)
        assert ours.dtype == theirs.dtype == np.uint8
        np.testing.assert_array_equal(ours, theirs, err_msg=field.name)


def panels_of(collage: Collage) -> np.ndarray:
    """(S, 4 S, 3) uint8, as it lies in a file."""
    mask = np.repeat(collage.mask[..., None], 3, axis=2)
    return np.concatenate([collage.truth, collage.background, collage.avatar, mask], axis=1)


# ---- round trip ----


@settings(max_examples=25)
@given(side=st.integers(MIN_PANEL_PX, 150), seed=st.integers(0, 2**32 - 1), share=st.floats(0.01, 0.99))
def test_a_collage_comes_back_bit_for_bit(side: int, seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    truth, background = rng.integers(0, 256, (2, side, side, 3), dtype=np.uint8)
    mask = np.where(rng.random((side, side)) < share, 255, 0).astype(np.uint8)
    collage = compose(truth, background, mask)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ñ a.png"
        write_collage(path, collage)
        assert_equal(read_collage(path), collage)
        with Image.open(path) as written:
            assert (written.format, written.mode, written.size) == ("PNG", "RGB", (len(PANELS) * side, side))
            np.testing.assert_array_equal(np.asarray(written), panels_of(collage))


@pytest.mark.parametrize("side", [MIN_PANEL_PX, MAX_PANEL_PX])
def test_the_smallest_and_the_largest_panels(tmp_path: Path, side: int) -> None:
    collage = draw_collage(1, side)
    write_collage(tmp_path / "c.png", collage)
    assert_equal(read_collage(tmp_path / "c.png"), collage)


def test_the_avatar_is_the_truth_under_the_mask_and_black_elsewhere() -> None:
    collage = draw_collage(3)
    naive = collage.truth.copy()
    naive[collage.mask == 0] = 0
    np.testing.assert_array_equal(collage.avatar, naive)
    assert collage.avatar.any()


# ---- faults of a file ----


def saved(folder: Path, pixels: np.ndarray, name: str = "spoilt.png", **options: object) -> Path:
    path = folder / name
    Image.fromarray(pixels).save(path, **options)  # type: ignore[arg-type]
    return path


def spoil_mask(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    def spoil(pixels: np.ndarray) -> np.ndarray:
        spoilt = pixels.copy()
        spoilt[:, 3 * SIDE :] = change(pixels[:, 3 * SIDE :].astype(int))
        return spoilt

    return spoil


def blurred(panel: np.ndarray) -> np.ndarray:
    neighbours = [np.roll(panel, (down, across), (0, 1)) for down in (-1, 0, 1) for across in (-1, 0, 1)]
    return np.mean(neighbours, axis=0)


def roll_avatar(pixels: np.ndarray) -> np.ndarray:
    rolled = pixels.copy()
    rolled[:, 2 * SIDE : 3 * SIDE] = np.roll(pixels[:, 2 * SIDE : 3 * SIDE], 5, axis=1)
    return rolled


SPOILT: dict[str, tuple[Callable[[np.ndarray], np.ndarray], str]] = {
    "a column too few": (
        lambda p: p[:, :-1],
        "255 x 64 px is not a row of four square panels (4 x as wide as high)",
    ),
    "a row too many": (lambda p: np.concatenate([p, p[:1]]), "256 x 65 px is not a row of four square panels"),
    "three panels": (lambda p: p[:, : 3 * SIDE], "192 x 64 px is not a row"),
    "upright": (lambda p: p.transpose(1, 0, 2), "64 x 256 px is not a row"),
    "panels too small": (lambda p: p[::2, ::2], "panels have 32 px; they must have 64 to 1024 px"),
    "panels too large": (lambda p: p.repeat(17, 0).repeat(17, 1), "panels have 1088 px; they must have 64 to 1024 px"),
    "panels of other sizes": (
        lambda p: np.concatenate([p[:, 10:64], p[:, 64:74], p[:, 64:]], axis=1),
        "the avatar panel is not the person of the first panel",
    ),
    "soft edge": (spoil_mask(blurred), "the mask panel is soft: "),
    "grey mask": (spoil_mask(lambda m: m // 2), "neither black nor white"),
    "inverted mask": (spoil_mask(lambda m: 255 - m), "the mask panel is inverted"),
    "empty mask": (spoil_mask(lambda m: 0 * m), "the mask panel is empty"),
    "full mask": (spoil_mask(lambda m: 0 * m + 255), "the mask panel is completely white"),
    "a photo as mask": (lambda p: np.concatenate([p[:, :192], p[:, :64]], axis=1), "the mask panel is soft"),
    "avatar elsewhere": (roll_avatar, "the avatar panel is not the person of the first panel"),
    "panels in another order": (lambda p: np.roll(p, SIDE, axis=1), "the mask panel is soft"),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_what_is_no_collage_is_refused_by_its_name_and_fault(tmp_path: Path, kind: str) -> None:
    spoil, words = SPOILT[kind]
    path = saved(tmp_path, spoil(panels_of(draw_collage(0))).astype(np.uint8))
    with pytest.raises(UserError) as error:
        read_collage(path)
    assert str(error.value).startswith(f"{path}: ") and words in str(error.value) and "\n" not in str(error.value)


def test_a_file_that_is_missing_empty_cut_or_no_picture_is_refused(tmp_path: Path) -> None:
    whole = tmp_path / "whole.png"
    write_collage(whole, draw_collage(0))
    contents = {"empty": b"", "cut": whole.read_bytes()[:3000], "text": b"a,b\n1,2\n"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    for name in ("missing", *contents):
        with pytest.raises(UserError, match=name):
            read_collage(tmp_path / name)


@needs_bad_inputs
@pytest.mark.filterwarnings("ignore:.*animation")
def test_no_hostile_picture_is_taken_for_a_collage(tmp_path: Path) -> None:
    """Those that `make_bad_inputs.py` writes, among them ones that are fine as photos."""
    runpy.run_path(str(BAD_INPUTS))["images"](tmp_path)
    paths = sorted(tmp_path.iterdir())
    assert len(paths) > 20
    for path in paths:
        with pytest.raises(UserError, match=re.escape(path.name)):
            read_collage(path)


# ---- copies that are as good ----


@pytest.mark.parametrize("quality", [95, 85, 75])
def test_a_lossy_copy_is_brought_back_to_its_layout(tmp_path: Path, quality: int) -> None:
    collage = draw_collage(2, 128)
    path = saved(tmp_path, panels_of(collage), "copy.jpg", quality=quality)
    copy = read_collage(path)
    np.testing.assert_array_equal(copy.mask, collage.mask)
    assert np.abs(copy.truth.astype(int) - collage.truth).mean() < 6
    np.testing.assert_array_equal(copy.avatar, compose(copy.truth, copy.background, copy.mask).avatar)


def test_a_copy_with_alpha_or_in_a_palette_is_as_good(tmp_path: Path) -> None:
    collage = draw_collage(2)
    path = tmp_path / "alpha.png"
    Image.fromarray(panels_of(collage)).convert("RGBA").save(path)
    assert_equal(read_collage(path), collage)


# ---- the index ----

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\\0"), min_size=1, max_size=12)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=20)
BOXES = st.tuples(*[st.integers(-5000, 100_000)] * 4)


@settings(max_examples=30)
@given(st.lists(st.tuples(NAMES, TEXTS, TEXTS, BOXES, BOXES, st.floats(0, 1)), min_size=1, max_size=4))
def test_an_index_comes_back_as_it_was(rows: list[tuple[str, str, str, CollageEntry, CollageEntry, float]]) -> None:
    entries = [
        CollageEntry(f"{number}{name}.png", source, scene, window, box, score, "embedded")  # type: ignore[arg-type]
        for number, (name, source, scene, window, box, score) in enumerate(rows)
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for entry in entries:
            (folder / entry.collage).touch()
        write_index(folder, entries)
        assert read_index(folder) == entries


def test_an_index_of_a_spreadsheet_with_a_byte_order_mark_and_more_columns_is_read(tmp_path: Path) -> None:
    entries = write_collages(tmp_path, 3)
    lines = (tmp_path / INDEX).read_text(encoding="utf-8").splitlines()
    more = [f"{line},remark" if number else f"{line},notes" for number, line in enumerate(lines)]
    (tmp_path / INDEX).write_text("\r\n".join(more) + "\r\n", encoding="utf-8-sig")
    assert read_index(tmp_path) == entries


def test_without_an_index_each_collage_is_a_scene_of_its_own(tmp_path: Path) -> None:
    write_collages(tmp_path, 3)
    (tmp_path / INDEX).unlink()
    (tmp_path / "notes.txt").touch()
    entries = read_index(tmp_path)
    assert [entry.collage for entry in entries] == ["scene 0_0.png", "scene 0_1.png", "scene 1_0.png"]
    assert len({entry.scene for entry in entries}) == 3


def index_fault(folder: Path) -> str:
    with pytest.raises(UserError) as error:
        read_index(folder)
    return str(error.value)


def rewrite_row(folder: Path, number: int, **values: str) -> None:
    """Change cells of one row of an index."""
    with open(folder / INDEX, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    rows[number] |= values
    with open(folder / INDEX, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


BROKEN_ROWS = [
    ({"window": "1 2 3"}, "line 3: needs collage, source, scene, window, box, score, segmenter"),
    ({"box": "1 2 3 four"}, "line 3: needs collage"),
    ({"score": "sure"}, "line 3: needs collage"),
    ({"collage": ""}, "line 3: '' must be a file name without a folder"),
    ({"collage": "../secret.png"}, "line 3: '../secret.png' must be a file name without a folder"),
    ({"collage": "/etc/passwd"}, "line 3: '/etc/passwd' must be a file name without a folder"),
    ({"collage": "sub/c.png"}, "line 3: 'sub/c.png' must be a file name without a folder"),
    ({"collage": ".."}, "..: no such file"),
    ({"collage": "gone.png"}, "gone.png: no such file"),
    ({"collage": "a\0b.png"}, "no such file"),
    ({"collage": "scene 0_0.png"}, "scene 0_0.png: listed twice"),
]


@pytest.mark.parametrize(("values", "words"), BROKEN_ROWS)
def test_a_broken_row_is_named(tmp_path: Path, values: dict[str, str], words: str) -> None:
    write_collages(tmp_path, 3)
    rewrite_row(tmp_path, 1, **values)
    fault = index_fault(tmp_path)
    assert fault.startswith(f"{tmp_path / INDEX}: ") and words in fault and "\n" not in fault


def test_all_faults_of_an_index_are_listed_together(tmp_path: Path) -> None:
    entries = write_collages(tmp_path, 4)
    write_index(tmp_path, [*entries, entries[0], entry_of("gone.png", "x"), replace(entries[1], collage="../up.png")])
    rewrite_row(tmp_path, 2, score="?")
    fault = index_fault(tmp_path)
    assert fault.splitlines()[0] == f"{tmp_path / INDEX}: 4 faults"
    for words in (
        "line 4: needs collage",
        "listed twice",
        "gone.png: no such file",
        "'../up.png' must be a file name without a folder",
    ):
        assert fault.count(words) == 1


def test_of_very_many_faults_the_first_are_shown_and_the_rest_counted(tmp_path: Path) -> None:
    write_index(tmp_path, [entry_of(f"{number}.png", "s") for number in range(FAULTS_SHOWN + 7)])
    lines = index_fault(tmp_path).splitlines()
    assert len(lines) == FAULTS_SHOWN + 2 and lines[-1].strip() == "... and 7 more"


TABLES: dict[str, tuple[str | bytes, str]] = {
    "no columns of ours": ("name,age\nAna,7\n", "line 2: needs collage"),
    "no rows": ("collage,source,scene,window,box,score,segmenter\n", "lists no collages"),
    "empty": ("", "lists no collages"),
    "another encoding": (b"collage,source\n\xff\xfe\n", "is not a CSV table in UTF-8"),
    "a cell without end": ('collage\n"' + "x" * 200_000 + "\n", "is not a CSV table in UTF-8"),
}


@pytest.mark.parametrize("kind", TABLES)
def test_what_is_no_index_is_refused(tmp_path: Path, kind: str) -> None:
    content, words = TABLES[kind]
    (tmp_path / INDEX).write_bytes(content if isinstance(content, bytes) else content.encode())
    fault = index_fault(tmp_path)
    assert str(tmp_path / INDEX) in fault and words in fault


def test_a_folder_that_is_missing_or_holds_no_collages_is_named_with_the_remedy(tmp_path: Path) -> None:
    assert index_fault(tmp_path / "none") == f"{tmp_path / 'none'}: no such folder of collages"
    assert index_fault(tmp_path) == f"{tmp_path}: contains no collages; make them by Collage_segmentation.py"
