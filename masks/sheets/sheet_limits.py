"""Limits of what is read from files that hold several frames."""

from pathlib import Path

from common.errors import UserError
from common.images import MAX_PIXELS, MIN_SIDE_PX
from masks.sheets.grid_finder import MAX_FRAMES


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
