"""Sheets as pixels: pictures as they are; animations as a sheet of their frames, with durations."""

import functools
import math
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from common.errors import UserError
from common.images import MAX_PIXELS, MIN_SIDE_PX, read_image
from masks.sheets.grid_finder import MAX_FRAMES, Grid

ANIMATED = ("GIF", "PNG", "WEBP")  # formats of files that may hold several frames
DEFAULT_MS = 100  # duration of a frame whose file gives none


@dataclass(frozen=True)
class SheetPicture:
    """A sheet, or the frames of an animation row by row.

    Attributes:
        pixels: (H, W, 4) uint8 RGBA.
        grid: where the frames of an animation lie; None for a still picture.
        durations_ms: duration of each frame; empty for a still picture.
    """

    pixels: np.ndarray
    grid: Grid | None = None
    durations_ms: tuple[int, ...] = ()


@functools.lru_cache(maxsize=2)
def read_sheet(path: Path) -> SheetPicture:
    """Read a sheet, or an animation (GIF, APNG, animated WebP) as a sheet of its frames.

    Raises:
        UserError: the file cannot be read, is too large, or has too many frames.
    """
    if path.is_file():
        frames = _read_frames(path)
        if frames is not None:
            return frames_as_sheet(*frames)
    return SheetPicture(np.asarray(read_image(path)))


def frames_as_sheet(frames: list[np.ndarray], durations_ms: list[int]) -> SheetPicture:
    """Lay frames, (H, W, 4) uint8 of one size, out in about as many columns as rows."""
    columns = math.ceil(math.sqrt(len(frames)))
    height, width = frames[0].shape[:2]
    grid = Grid(columns, -(-len(frames) // columns), width, height)
    sheet = np.zeros((grid.rows * height, grid.columns * width, 4), np.uint8)
    for (left, top, _, _), frame in zip(grid.boxes(), frames, strict=False):
        sheet[top : top + height, left : left + width] = frame
    return SheetPicture(sheet, grid, tuple(durations_ms))


def check_frames(path: Path, count: int, size: tuple[int, int]) -> None:
    """Raise UserError if an animation of `count` frames of `size` (width, height) px is too large or too small."""
    width, height = size
    if count > MAX_FRAMES:
        raise UserError(f"{path}: has {count} frames; the limit is {MAX_FRAMES}")
    if count * width * height > MAX_PIXELS:
        limit = f"{MAX_PIXELS / 1e6:.0f} megapixels"
        raise UserError(f"{path}: {count} frames of {width} x {height} px are larger than the limit of {limit}")
    if min(width, height) < MIN_SIDE_PX:
        raise UserError(f"{path}: {width} x {height} px is too small, both sides need {MIN_SIDE_PX} px")


def _read_frames(path: Path) -> tuple[list[np.ndarray], list[int]] | None:
    """Return frames and durations of an animation; None for anything else, also for what cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            opened = Image.open(path, formats=ANIMATED)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None  # `read_image` says why
    with opened:
        count = getattr(opened, "n_frames", 1)
        if count < 2:
            return None
        check_frames(path, count, opened.size)
        try:
            frames, durations = [], []
            for frame in ImageSequence.Iterator(opened):
                frames.append(np.asarray(frame.convert("RGBA")))
                durations.append(round(frame.info.get("duration") or DEFAULT_MS))
        except Exception as error:  # Pillow's readers raise nearly anything on damaged files
            raise UserError(f"{path}: truncated or damaged ({error})") from error
    return frames, durations
