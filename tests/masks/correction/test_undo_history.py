"""Undo and redo of strokes against a list of copies; memory and depth of the history."""

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from masks.correction.boxes import Box, whole
from masks.correction.tools import Brush, Region, sweep
from masks.correction.undo_history import MaskEditor, PackedPixels, UndoHistory

SHAPE = (48, 64)


@given(st.integers(0, 10**6))
def test_packed_bits_come_back_as_they_were(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.random(rng.integers(1, 40, 2)) < rng.random()
    bits = PackedPixels(pixels)
    assert bits.shape == pixels.shape and (bits.unpacked() == pixels).all() and bits.unpacked().dtype == bool


def random_stroke(editor: MaskEditor, rng: random.Random) -> None:
    for _ in range(rng.randint(1, 4)):
        start, end = ((rng.uniform(-5, 70), rng.uniform(-5, 55)) for _ in range(2))
        editor.set_pixels(sweep(Brush(rng.randint(1, 9)), start, end, SHAPE), True)
    editor.end_stroke()


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.lists(st.sampled_from(["paint", "erase", "undo", "redo", "replace"]), max_size=40))
def test_undo_and_redo_walk_through_the_same_masks_as_a_list_of_copies(seed: int, steps: list[str]) -> None:
    rng = random.Random(seed)
    editor = MaskEditor(np.zeros(SHAPE, bool))
    copies, now = [editor.mask.copy()], 0
    for step in steps:
        if step == "undo":
            assert (editor.undo() is None) == (now == 0)
            now = max(now - 1, 0)
        elif step == "redo":
            assert (editor.redo() is None) == (now == len(copies) - 1)
            now = min(now + 1, len(copies) - 1)
        else:
            if step == "replace":
                editor.replace(np.random.default_rng(rng.randint(0, 99)).random(SHAPE) < 0.5)
            else:
                start, end = ((rng.uniform(0, 64), rng.uniform(0, 48)) for _ in range(2))
                editor.set_pixels(sweep(Brush(rng.randint(1, 9)), start, end, SHAPE), step == "paint")
                editor.end_stroke()
            if (editor.mask != copies[now]).any():
                copies, now = [*copies[: now + 1], editor.mask.copy()], now + 1
        assert (editor.mask == copies[now]).all()


def test_a_stroke_of_many_moves_is_undone_at_once() -> None:
    editor = MaskEditor(np.zeros(SHAPE, bool))
    random_stroke(editor, random.Random(1))
    assert editor.mask.any()
    editor.undo()
    assert not editor.mask.any() and editor.undo() is None


def test_150_strokes_can_be_undone_and_redone() -> None:
    rng = np.random.default_rng(0)
    editor = MaskEditor(np.zeros(SHAPE, bool))
    masks = [editor.mask.copy()]
    for _ in range(150):
        editor.replace(rng.random(SHAPE) < 0.5)
        masks.append(editor.mask.copy())
    for mask in masks[-2::-1]:
        assert editor.undo() is not None and (editor.mask == mask).all()
    for mask in masks[1:]:
        assert editor.redo() is not None and (editor.mask == mask).all()


def test_the_history_forgets_the_oldest_strokes_beyond_its_depth() -> None:
    editor = MaskEditor(np.zeros(SHAPE, bool), UndoHistory(depth=3))
    for column in range(5):
        editor.set_pixels(Region(Box(0, column, 1, column + 1), np.ones((1, 1), bool)), True)
        editor.end_stroke()
    assert [editor.undo() is not None for _ in range(4)] == [True, True, True, False]
    assert editor.mask.sum() == 2


def test_a_stroke_that_changes_nothing_is_not_remembered_and_keeps_what_can_be_redone() -> None:
    editor = MaskEditor(np.ones(SHAPE, bool))
    editor.replace(np.zeros(SHAPE, bool))
    editor.undo()
    editor.is_changed = False
    editor.set_pixels(Region(whole(editor.mask), np.ones(SHAPE, bool)), True)
    editor.end_stroke()
    assert not editor.is_changed and len(editor.history) == 0
    assert editor.redo() is not None and not editor.mask.any() and editor.is_changed


def test_undo_in_the_middle_of_a_stroke_takes_what_was_painted_of_it() -> None:
    editor = MaskEditor(np.zeros(SHAPE, bool))
    editor.set_pixels(sweep(Brush(5), (9, 9), (30, 30), SHAPE), True)
    assert editor.undo() is not None and not editor.mask.any()


def test_500_strokes_on_a_frame_of_2048_px_take_little_memory() -> None:
    shape = (2048, 2048)
    editor = MaskEditor(np.zeros(shape, bool))
    rng = random.Random(0)
    for _ in range(500):
        x, y = rng.uniform(0, 2048), rng.uniform(0, 2048)
        editor.set_pixels(sweep(Brush(40), (x, y), (x + 60, y + 25), shape), rng.random() < 0.7)
        editor.end_stroke()
    assert editor.history.size_bytes < 1_000_000
