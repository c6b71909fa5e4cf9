"""Labelled picture grids: contact sheets, strips and comparisons, as one picture."""

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

from PIL import Image, ImageDraw

from common.lettering import draw_name, fit_text, label_font

INK = "#2b1f3d"
GREY = "#84789a"
PAPER = "#faf6f0"
CARD = "#ffffff"
PINK, TEAL, YELLOW, VIOLET = "#f47094", "#28a8b0", "#ffd654", "#54426e"

Item = TypeVar("Item")


def evenly(items: Sequence[Item], count: int) -> list[Item]:
    """At most `count` items, evenly spaced, in order."""
    count = min(count, len(items))
    return [items[place * len(items) // count] for place in range(count)]


def picture_grid(
    pictures: Sequence[Image.Image | Callable[[], Image.Image]],
    labels: Sequence[str],
    columns: int,
    tile_px: int,
    title: str = "",
    *,
    footer: str = "",
) -> Image.Image:
    """Lay pictures out in rows, each fitted into a square card with its label below.

    Args:
        pictures: images, or functions that open one on demand, so that few are in memory at once.
        labels: one per picture, lines separated by "\\n", the first in ink; too wide ones end in an ellipsis.
        columns: tiles in a row.
        tile_px: side of a tile's square.
        title: one line above the grid.
        footer: one line below it.

    Returns:
        RGB image.
    """
    if len(pictures) != len(labels):
        raise ValueError(f"{len(pictures)} pictures but {len(labels)} labels")
    gap = max(6, tile_px // 16)
    font = label_font(max(10, tile_px // 12))
    lines = max(label.count("\n") + 1 for label in labels)
    label_px = round(font.size * (0.4 + 1.3 * lines))
    columns = min(columns, len(pictures))
    rows = math.ceil(len(pictures) / columns)
    width = gap + columns * (tile_px + gap)
    title_font = label_font(max(16, min(tile_px // 5, 64)), bold=True)
    top = gap + (round(title_font.size * 1.8) if title else 0)
    bottom = round(font.size * 2.2) if footer else 0
    sheet = Image.new("RGB", (width, top + rows * (tile_px + label_px + gap) + bottom), PAPER)
    draw = ImageDraw.Draw(sheet)
    if title:
        draw.text((2 * gap, gap), fit_text(title, title_font, width - 4 * gap), fill=INK, font=title_font)
    if footer:
        text = fit_text(footer, font, width - 4 * gap)
        draw.text((2 * gap, sheet.height - bottom), text, fill=GREY, font=font)
    for index, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        x = gap + index % columns * (tile_px + gap)
        y = top + index // columns * (tile_px + label_px + gap)
        box = (x, y, x + tile_px - 1, y + tile_px + label_px - 1)
        draw.rounded_rectangle(box, radius=gap, fill=CARD)
        _paste_fitted(sheet, picture() if callable(picture) else picture, x, y, tile_px)
        for line, text in enumerate(label.split("\n")):
            size, room = round(font.size), tile_px - gap
            place = (x + tile_px / 2, y + tile_px + size * (0.95 + 1.3 * line))
            draw_name(draw, text, place, size, room, fill=GREY if line else INK, bold=False, centred=True)
    return sheet


def _paste_fitted(sheet: Image.Image, picture: Image.Image, x: int, y: int, tile_px: int) -> None:
    """Scale the picture into the tile, aspect kept, centred; transparency shows the card."""
    scale = tile_px / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    fitted = picture.convert("RGBA").resize(size, Image.Resampling.LANCZOS, reducing_gap=3)
    place = (x + (tile_px - size[0]) // 2, y + (tile_px - size[1]) // 2)
    sheet.paste(fitted, place, fitted)
