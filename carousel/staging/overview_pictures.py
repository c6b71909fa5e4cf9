"""Overview pictures: before / after strips, the contact sheet of a carousel, and its animation."""

import io
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

from common.files import atomic_path
from common.grids import GREY, INK, PAPER, picture_grid
from common.lettering import fit_text, label_font

Window = tuple[slice, slice]

PANELS = ("scene", "pasted", "fused")
PANEL_PX = 640  # width of a panel of a strip
TALLEST = 1.6  # maximum height of a panel, in widths of a panel
CLOSE = 1.6  # a second row shows the person where it enlarges them at least by this factor
TILE_PX = 320
COLOURS = 128  # palette entries of the scene, and of the person of each frame
KMEANS = 3  # k-means iterations on the palette of median cut
SHRINK = 0.8  # factor by which an animation shrinks while its file is too large
CHANGED = 2  # grey levels; smaller differences from the scene are not drawn


def before_after(pictures: Sequence[np.ndarray], window: Window, title: str) -> Image.Image:
    """Show scene, pasted and fused side by side, with a second row of close-ups where the person is small.

    Args:
        pictures: one (H, W, 3) uint8 picture for each of PANELS, all of one shape.
        window: rows and columns around the person.
        title: line above the panels.

    Returns:
        RGB picture.
    """
    height, width = pictures[0].shape[:2]
    rows = [[_fitted(picture) for picture in pictures]]
    longer = max(window[0].stop - window[0].start, window[1].stop - window[1].start)
    if max(height, width) / longer > CLOSE:
        rows.append([_fitted(picture[window]) for picture in pictures])
    return _labelled_rows(rows, PANELS, title)


def contact_sheet(
    pictures: Sequence[Callable[[], Image.Image]], labels: Sequence[str], title: str, footer: str
) -> Image.Image:
    """Lay the pictures of a carousel out in a square grid.

    Args:
        pictures: functions that open one picture each.
        labels: one label a picture.
        title: line above the grid.
        footer: line below the grid.

    Returns:
        RGB picture.
    """
    columns = math.ceil(math.sqrt(len(pictures)))
    return picture_grid(pictures, labels, columns, TILE_PX, title, footer=footer)


# ---- animation ----


def write_animation(
    path: Path, scene: np.ndarray, frames: Iterable[np.ndarray], seconds: float, max_bytes: int
) -> tuple[int, int]:
    """Write a GIF that loops forever, reduced in size until its file has at most `max_bytes`.

    The scene is dithered once and reused where a frame equals it, so that nothing flickers around the people.

    Args:
        path: target file.
        scene: (H, W, 3) uint8 at the size of the animation.
        frames: pictures of the same shape.
        seconds: duration of each frame.
        max_bytes: maximum size of the file.

    Returns:
        Width and height in px.
    """
    frames = list(frames)
    while True:
        data = _encoded(scene, frames, seconds)
        if len(data) <= max_bytes or min(scene.shape[:2]) < 64:
            break
        scene, *frames = (_scaled(picture, SHRINK) for picture in (scene, *frames))
    with atomic_path(path) as part:
        part.write_bytes(data)
    return scene.shape[1], scene.shape[0]


def reduced(picture: np.ndarray, longer_px: int) -> np.ndarray:
    """Shrink a (H, W, 3) uint8 picture so that its longer side has at most `longer_px`."""
    return _scaled(picture, min(1.0, longer_px / max(picture.shape[:2])))


def _encoded(scene: np.ndarray, frames: Sequence[np.ndarray], seconds: float) -> bytes:
    base = _dithered(scene, _palette(scene))
    pictures = [_with_palettes(frame, scene, base) for frame in frames]
    file = io.BytesIO()
    duration_ms = round(1000 * seconds)
    pictures[0].save(file, "GIF", save_all=True, append_images=pictures[1:], duration=duration_ms, loop=0)
    return file.getvalue()


def _with_palettes(frame: np.ndarray, scene: np.ndarray, base: Image.Image) -> Image.Image:
    """Use the scene's palette where the frame equals the scene, and a second palette for the rest of the frame."""
    changed = cv2.absdiff(frame, scene).max(axis=2) >= CHANGED
    colours = _colours_of(base)
    indices = np.asarray(base)
    if changed.any():
        palette = _palette(frame[changed][None])
        colours = np.concatenate([colours, _colours_of(palette)])
        person = np.asarray(_dithered(frame, palette)) + np.uint8(COLOURS)
        indices = np.where(changed, person, indices)
    picture = Image.fromarray(indices, "P")
    picture.putpalette(colours.tobytes())
    return picture


def _palette(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels).quantize(COLOURS, kmeans=KMEANS)


def _dithered(picture: np.ndarray, palette: Image.Image) -> Image.Image:
    return Image.fromarray(picture).quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)


def _colours_of(picture: Image.Image) -> np.ndarray:
    """The palette as (COLOURS, 3) uint8, padded with black."""
    colours = np.zeros((COLOURS, 3), np.uint8)
    known = np.array(picture.getpalette(), np.uint8).reshape(-1, 3)[:COLOURS]
    colours[: len(known)] = known
    return colours


# ---- panels ----


def _labelled_rows(rows: Sequence[Sequence[Image.Image]], labels: Sequence[str], title: str) -> Image.Image:
    """Lay panels out in rows, with labels above the first row."""
    gap, font, title_font = PANEL_PX // 32, label_font(PANEL_PX // 24), label_font(PANEL_PX // 20, bold=True)
    columns = [max(row[column].width for row in rows) for column in range(len(labels))]
    top, label_px = gap + round(1.8 * title_font.size), round(2 * font.size)
    heights = [max(panel.height for panel in row) for row in rows]
    width = gap + sum(column + gap for column in columns)
    sheet = Image.new("RGB", (width, top + label_px + sum(height + gap for height in heights)), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((gap, gap), fit_text(title, title_font, width - 2 * gap), fill=INK, font=title_font)
    left = gap
    for column, (wide, label) in enumerate(zip(columns, labels, strict=True)):
        y = top
        draw.text((left + wide / 2, y + label_px / 2), label, fill=GREY, font=font, anchor="mm")
        y += label_px
        for row, height in zip(rows, heights, strict=True):
            panel = row[column]
            sheet.paste(panel, (left + (wide - panel.width) // 2, y + (height - panel.height) // 2))
            y += height + gap
        left += wide + gap
    return sheet


def _fitted(picture: np.ndarray) -> Image.Image:
    """Scale a picture to a panel's width, or to its maximum height."""
    height, width = picture.shape[:2]
    return Image.fromarray(_scaled(picture, PANEL_PX * min(1 / width, TALLEST / height)))


def _scaled(picture: np.ndarray, scale: float) -> np.ndarray:
    if scale == 1:
        return picture
    size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
