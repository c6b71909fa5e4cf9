import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageColor

from common.grids import CARD, GREY, INK, PAPER, picture_grid
from common.lettering import fit_text, label_font

Pixels = NDArray[np.int64]
Box = tuple[int, int, int, int]  # left, top, right, bottom, both ends inside


def pixels_of(image: Image.Image) -> Pixels:
    return np.asarray(image).astype(np.int64)


def box_where(mask: NDArray[np.bool_]) -> Box:
    ys, xs = np.nonzero(mask)
    assert len(xs), "nothing found"
    return int(xs.min()), int(ys.min()), int(xs.max()), int(ys.max())


def box_of(sheet: Image.Image, colour: tuple[int, int, int]) -> Box:
    return box_where(np.abs(pixels_of(sheet) - colour).max(axis=2) <= 2)


def colours(count: int) -> list[tuple[int, int, int]]:
    """Distinct strong colours, far from paper, card and ink: steps of 40 in one channel, 255 and 0 in the others."""
    steps = range(0, 240, 40)
    return [c for step in steps for c in ((255, step, 0), (0, 255, step), (step, 0, 255))][:count]


def has_colour(sheet: Image.Image, colour: str) -> bool:
    return bool((pixels_of(sheet) == ImageColor.getrgb(colour)).all(axis=2).any())


# ---- texts ----

texts = st.text(st.characters(codec="utf-8"), max_size=80)


@given(text=texts, width_px=st.integers(15, 400), size_px=st.integers(8, 40))
@settings(max_examples=100)
def test_a_fitted_text_is_never_wider_than_its_place(text: str, width_px: int, size_px: int) -> None:
    font = label_font(size_px)
    fitted = fit_text(text, font, width_px)
    assert font.getlength(fitted) <= max(width_px, font.getlength("…"))
    assert fitted.isprintable() and "\n" not in fitted


@given(words=st.lists(st.sampled_from(["pet", "Júlia", "электро", "μ", "flamenc·o", "a"]), max_size=12))
def test_a_text_that_has_room_is_kept_and_a_cut_one_is_its_longest_beginning(words: list[str]) -> None:
    font = label_font(16)
    text = " ".join(words)
    length = font.getlength(text)
    assert fit_text(text, font, length) == text
    fitted = fit_text(text, font, length * 0.6)
    if text and length * 0.6 > font.getlength("…"):
        kept = fitted.removesuffix("…")
        assert fitted.endswith("…") and text.startswith(kept) and len(kept) < len(text)
        next_letter = text[: len(kept) + (2 if text[len(kept)] == " " else 1)]
        assert font.getlength(next_letter + "…") > length * 0.6


def test_line_breaks_and_control_characters_become_single_spaces() -> None:
    assert fit_text("  a\tb\r\n\x00c\u200bd  ", label_font(12), 500) == "a b c d"


def test_a_very_long_text_is_cut_with_an_ellipsis_even_where_its_place_is_wide() -> None:
    fitted = fit_text("i" * 2000, label_font(10), 100_000)
    assert fitted == "i" * 2000 or fitted.endswith("…")


@pytest.mark.parametrize("letter", list("AzÀçñ·ŀİßœЖжΩω€–…“"))
def test_the_font_has_the_letters_that_names_in_europe_need(letter: str) -> None:
    """A letter that the font lacks is drawn as the box of an unassigned character."""
    for bold in (False, True):
        font = label_font(32, bold)
        drawn, missing = font.getmask(letter), font.getmask("\U0010ffff")
        assert drawn.getbbox() is not None
        assert bytes(drawn) != bytes(missing)


# ---- the grid ----


@given(count=st.integers(1, 12), columns=st.integers(1, 15), tile_px=st.integers(24, 90))
@settings(max_examples=40)
def test_tiles_stand_in_rows_from_left_to_right_whole_and_apart(count: int, columns: int, tile_px: int) -> None:
    pictures = [Image.new("RGB", (40, 40), colour) for colour in colours(count)]
    sheet = picture_grid(pictures, [""] * count, columns, tile_px)
    boxes = [box_of(sheet, colour) for colour in colours(count)]
    for left, top, right, bottom in boxes:
        assert (right - left + 1, bottom - top + 1) == (tile_px, tile_px)
        assert left > 0 and top > 0 and right < sheet.width - 1 and bottom < sheet.height - 1
    used = min(columns, count)
    for index, (left, top, _, _) in enumerate(boxes):
        row, column = divmod(index, used)
        assert left == boxes[column][0], "columns are aligned"
        assert top == boxes[row * used][1], "rows are aligned"
        if column:
            assert left > boxes[index - 1][2] + 1, "there is a gap"
        if row:
            assert top > boxes[index - used][3] + 1, "there is room for the label"
    pitches = {boxes[i][0] - boxes[i - 1][0] for i in range(1, used)}
    assert len(pitches) <= 1
    assert boxes[0][0] == sheet.width - 1 - boxes[used - 1][2], "the margins are equal"
    assert len({top for _, top, _, _ in boxes}) == math.ceil(count / used)


@given(width=st.integers(1, 300), height=st.integers(1, 300), tile_px=st.integers(32, 80))
@settings(max_examples=40)
def test_a_picture_is_scaled_into_its_tile_aspect_kept_and_centred(width: int, height: int, tile_px: int) -> None:
    first, last = Image.new("RGB", (9, 9), (0, 0, 255)), Image.new("RGB", (9, 9), (0, 255, 0))
    picture = Image.new("RGB", (width, height), (255, 0, 0))
    sheet = picture_grid([first, picture, last], [""] * 3, columns=1, tile_px=tile_px)
    tile_left, first_top, tile_right, _ = box_of(sheet, (0, 0, 255))
    tile_top = (first_top + box_of(sheet, (0, 255, 0))[1]) / 2
    left, top, right, bottom = box_of(sheet, (255, 0, 0))
    scale = tile_px / max(width, height)
    assert abs((right - left + 1) - max(1, width * scale)) <= 0.5
    assert abs((bottom - top + 1) - max(1, height * scale)) <= 0.5
    assert abs((left + right) - (tile_left + tile_right)) <= 1
    assert abs((top + bottom) - (2 * tile_top + tile_px - 1)) <= 1


def test_small_pictures_grow_and_large_ones_shrink() -> None:
    sizes = [(4, 4), (900, 900)]
    sheet = picture_grid([Image.new("RGB", s, c) for s, c in zip(sizes, colours(2), strict=True)], ["", ""], 2, 50)
    for colour in colours(2):
        left, top, right, bottom = box_of(sheet, colour)
        assert (right - left, bottom - top) == (49, 49)


def test_transparency_shows_the_card_and_hidden_colours_do_not_bleed() -> None:
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[...] = (0, 255, 0, 0)  # green, hidden
    pixels[:, :32] = (255, 0, 0, 255)
    sheet = pixels_of(picture_grid([Image.fromarray(pixels)], [""], 1, 41))
    assert (sheet[..., 1] <= sheet[..., 0]).all()  # true of red, white, paper and all between them
    left, top, right, bottom = box_where(np.abs(sheet - (255, 0, 0)).max(axis=2) <= 2)
    middle = (top + bottom) // 2
    assert sheet[middle, right + 8].tolist() == list(ImageColor.getrgb(CARD))
    assert 19 <= right - left + 1 <= 21


@pytest.mark.parametrize("mode", ["RGBA", "RGB", "L", "LA", "P", "1"])
def test_every_mode_gives_an_rgb_sheet(mode: str) -> None:
    sheet = picture_grid([Image.new(mode, (16, 16))], ["black"], 1, 40)
    assert sheet.mode == "RGB"


def test_pictures_given_as_functions_are_opened_one_after_the_other_and_look_the_same() -> None:
    opened: list[int] = []

    def opener(index: int) -> Callable[[], Image.Image]:
        def open_it() -> Image.Image:
            opened.append(index)
            return pictures[index]

        return open_it

    pictures = [Image.new("RGB", (20, 20), colour) for colour in colours(7)]
    labels = [f"pet {index}" for index in range(7)]
    lazy = picture_grid([opener(index) for index in range(7)], labels, 3, 48)
    assert opened == list(range(7))
    assert lazy.tobytes() == picture_grid(pictures, labels, 3, 48).tobytes()


def test_a_label_stands_below_its_own_picture_inside_its_card() -> None:
    plain = [Image.new("RGB", (20, 20), colour) for colour in colours(4)]
    bare = pixels_of(picture_grid(plain, [""] * 4, 2, 80))
    for index, colour in enumerate(colours(4)):
        labels = [""] * 4
        labels[index] = "W" * 60
        sheet = picture_grid(plain, labels, 2, 80)
        left, _, right, bottom = box_of(sheet, colour)
        label = box_where((pixels_of(sheet) != bare).any(axis=2))
        assert left <= label[0] and label[2] <= right
        assert bottom < label[1] and label[3] < bottom + 30
        assert abs((label[0] + label[2]) - (left + right)) <= 4


def test_the_first_line_of_a_label_is_in_ink_and_the_others_in_grey_each_lower() -> None:
    pictures = [Image.new("RGB", (20, 20), (255, 0, 0))]
    one = picture_grid(pictures, ["HEH"], 1, 240)
    three = picture_grid(pictures, ["HEH\nHEH\nHEH"], 1, 240)
    assert has_colour(one, INK) and not has_colour(one, GREY)
    grey = box_where((pixels_of(three) == ImageColor.getrgb(GREY)).all(axis=2))
    ink = box_where((pixels_of(three) == ImageColor.getrgb(INK)).all(axis=2))
    assert ink[3] < grey[1]
    assert grey[3] - grey[1] > 1.5 * (ink[3] - ink[1])  # two lines
    assert three.height > one.height and three.width == one.width
    card = (pixels_of(three) == ImageColor.getrgb(CARD)).all(axis=2)
    assert box_where(card)[3] > grey[3]  # the card grew with them


def test_title_above_and_footer_below_move_the_tiles_but_not_their_sizes() -> None:
    pictures = [Image.new("RGB", (20, 20), colour) for colour in colours(4)]
    bare = picture_grid(pictures, [""] * 4, 2, 100)
    full = picture_grid(pictures, [""] * 4, 2, 100, title="Pets", footer="4 people")
    boxes = [box_of(full, colour) for colour in colours(4)]
    shift = boxes[0][1] - box_of(bare, colours(1)[0])[1]
    assert shift > 0
    for colour, (left, top, right, bottom) in zip(colours(4), boxes, strict=True):
        old = box_of(bare, colour)
        assert (left, top - shift, right, bottom - shift) == old
    title = box_where((pixels_of(full) == ImageColor.getrgb(INK)).all(axis=2))
    footer = box_where((pixels_of(full) == ImageColor.getrgb(GREY)).all(axis=2))
    assert title[3] < boxes[0][1] and footer[1] > boxes[3][3]
    assert footer[3] < full.height - 1 and title[0] > 0


@given(title=texts, footer=texts, label=texts)
@settings(max_examples=30)
def test_no_text_changes_the_width_or_escapes_the_sheet(title: str, footer: str, label: str) -> None:
    pictures = [Image.new("RGB", (20, 20), (255, 0, 0))] * 2
    assert (
        picture_grid(pictures, [label, ""], 2, 60, title, footer=footer).width
        == picture_grid(pictures, ["", ""], 2, 60).width
    )
    sheet = pixels_of(picture_grid(pictures, [label, ""], 2, 60, title * 20, footer=footer * 20))
    edges = np.concatenate([sheet[:, 0], sheet[:, -1]])
    assert (edges == ImageColor.getrgb(PAPER)).all()


def test_a_label_too_few_is_a_bug_of_the_caller() -> None:
    with pytest.raises(ValueError, match="2 pictures but 1 labels"):
        picture_grid([Image.new("RGB", (9, 9))] * 2, ["one"], 2, 50)
