"""Sheets as pixels: pictures as they are; animations as a sheet of their frames, with durations."""

import functools
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from common.errors import UserError
from common.images import read_image
from masks.sets.pixel_art import enlarge, shrink
from masks.sheets import aseprite_files
from masks.sheets.grid_finder import Grid
from masks.sheets.layered_sprites import FrameTag
from masks.sheets.sheet_limits import check_frames

ANIMATED = ("GIF", "PNG", "WEBP")  # formats of files that may hold several frames
DEFAULT_MS = 100  # duration of a frame whose file gives none


@dataclass(frozen=True)
class SheetPicture:
    """A sheet, or the frames of an animation row by row.

    Attributes:
        pixels: (H, W, 4) uint8 RGBA.
        grid: where the frames of an animation lie; None for a still picture.
        durations_ms: duration of each frame; empty for a still picture.
        tags: named animations, of Aseprite files alone.
        credits: who drew it, of Aseprite files alone.
    """

    pixels: np.ndarray
    grid: Grid | None = None
    durations_ms: tuple[int, ...] = ()
    tags: tuple[FrameTag, ...] = ()
    credits: str = ""


@functools.lru_cache(maxsize=2)
def read_sheet(path: Path, body_alone: bool = False) -> SheetPicture:
    """Read a sheet, or an animation (GIF, APNG, animated WebP, Aseprite) as a sheet of its frames.

    Args:
        path: the file.
        body_alone: whether to leave out the layers of an Aseprite file that are not the body.

    Raises:
        UserError: the file cannot be read, is too large, or has too many frames.
    """
    if has_layers(path):
        sprite = aseprite_files.read_aseprite(path)
        layers = sprite.body() if body_alone else None
        sheet = frames_as_sheet([sprite.flat(n, layers) for n in range(len(sprite.durations_ms))], sprite.durations_ms)
        return replace(sheet, tags=sprite.tags, credits=sprite.credits)
    if path.is_file():
        frames = _read_frames(path)
        if frames is not None:
            return frames_as_sheet(*frames)
    return SheetPicture(np.asarray(read_image(path)))


def has_layers(path: Path) -> bool:
    """Whether a file may hold body and clothes as layers."""
    return path.suffix.lower() in aseprite_files.SUFFIXES


def is_same(one: Path, other: Path) -> bool:
    """Whether two paths name the same existing file."""
    return one.exists() and other.exists() and one.samefile(other)


def read_pair_of_sheets(base: Path, clothed: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read both sheets as (H, W, 4) uint8; the same file twice gives its body layers, and all layers.

    If one is the larger by a whole factor, and its pixel art is enlarged by it, it is reduced to the other's size.
    """
    sheets = read_sheet(base, body_alone=is_same(base, clothed)).pixels, read_sheet(clothed).pixels
    sides = min(sheets[0].shape[:2], sheets[1].shape[:2])
    return _reduced(sheets[0], sides), _reduced(sheets[1], sides)


def _reduced(sheet: np.ndarray, sides: tuple[int, int]) -> np.ndarray:
    """Reduce an enlarged sheet to `sides` (height, width) if that loses nothing."""
    factor = sheet.shape[0] // sides[0]
    if factor < 2 or sheet.shape[:2] != (sides[0] * factor, sides[1] * factor):
        return sheet
    small = shrink(sheet, factor)
    return small if np.array_equal(enlarge(small, factor), sheet) else sheet


def true_masks(path: Path) -> np.ndarray:
    """Return where clothing layers are uppermost, in the layout of `read_sheet`: (H, W, 1) uint8 of 0 or 255.

    Raises:
        UserError: as `read_aseprite`.
    """
    sprite = aseprite_files.read_aseprite(path)
    body = sprite.body()
    masks = [sprite.clothing_mask(n, body)[..., None] for n in range(len(sprite.durations_ms))]
    return frames_as_sheet(masks, sprite.durations_ms).pixels


def frames_as_sheet(frames: list[np.ndarray], durations_ms: Sequence[int]) -> SheetPicture:
    """Lay frames, (H, W, C) uint8 of one size, out in about as many columns as rows."""
    columns = math.ceil(math.sqrt(len(frames)))
    height, width = frames[0].shape[:2]
    grid = Grid(columns, -(-len(frames) // columns), width, height)
    sheet = np.zeros((grid.rows * height, grid.columns * width, frames[0].shape[2]), np.uint8)
    for (left, top, _, _), frame in zip(grid.boxes(), frames, strict=False):
        sheet[top : top + height, left : left + width] = frame
    return SheetPicture(sheet, grid, tuple(durations_ms))


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
