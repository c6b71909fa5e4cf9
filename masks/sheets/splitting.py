"""Frames cut from sheets into a training folder, with copies of what they replace."""

import functools
import math
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from common.errors import UserError
from common.grids import picture_grid
from common.images import read_image, write_png
from masks.sets.backups import copy_to_backups
from masks.sets.naming import (
    BACKUPS,
    BASE,
    CLOTHED,
    FRAMES,
    MASK,
    MASKS_CORRECTED,
    MASKS_INITIAL,
    base_name,
    clothed_name,
    files_of_kind,
    mask_name,
)
from masks.sets.pairs import mask_image
from masks.sets.pixel_art import enlarge, find_pixel_size, shrink
from masks.sets.working_set import read_reviewed, write_reviewed
from masks.sheets.cells import tile
from masks.sheets.layout_files import RECORD, read_record, write_record
from masks.sheets.misalignment import find_shift
from masks.sheets.pairing import SplitPlan

HALVES = {BASE: "base", CLOTHED: "clothed"}  # names of the sheets' copies, by kind of frame
TILES = 400  # frames on the contact sheet
TILE_PX = 256


def unchanged_frames(folder: Path, plan: SplitPlan) -> set[str]:
    """Return the numbers of the frames in a training folder that equal those of the plan, pixel by pixel.

    If an interrupted run wrote only one half of a pair, that half decides.
    """
    frames = folder / FRAMES
    there = files_of_kind(frames, BASE).keys() | files_of_kind(frames, CLOTHED).keys()
    if not there:
        return set()
    found = tqdm(plan.frames(), desc="comparing", total=len(plan.numbers), unit="frame", leave=False)
    return {
        number
        for number, base, clothed in found
        if number in there
        and _shows(frames / base_name(number), base, plan.record.scale)
        and _shows(frames / clothed_name(number), clothed, plan.record.scale)
    }


def _shows(path: Path, frame: np.ndarray, scale: int) -> bool:
    """Whether a file shows this frame or does not exist."""
    try:
        return not path.exists() or np.array_equal(np.asarray(read_image(path)), enlarge(frame, scale))
    except UserError:
        return False


def make_room(folder: Path, plan: SplitPlan, unchanged: set[str], replace_masks: bool) -> Path | None:
    """Remove the frames that will be replaced, and their masks; copies of everything go to backups/.

    Corrected masks of unchanged frames stay. Proposed masks are removed; step 2 makes new ones.

    Args:
        folder: the training folder.
        plan: what will be cut.
        unchanged: numbers of frames that stay.
        replace_masks: whether corrected masks may be removed.

    Returns:
        The folder of the copies; None if nothing had to be removed.

    Raises:
        UserError: corrected masks would lose their frames, and `replace_masks` is False; or a subfolder is a link.
    """
    frames = folder / FRAMES
    for path in (frames, folder / MASKS_INITIAL, folder / MASKS_CORRECTED):
        if path.is_symlink():
            raise UserError(f"{path}: is a link that leads elsewhere; remove it, or choose another TRAINING_DATA")
    old = {number for kind in (BASE, CLOTHED) for number in files_of_kind(frames, kind)} - unchanged
    corrected = [number for number in files_of_kind(folder / MASKS_CORRECTED, MASK) if number not in unchanged]
    proposed = [number for number in files_of_kind(folder / MASKS_INITIAL, MASK) if number not in unchanged]
    if corrected and not replace_masks:
        more = f" and {len(corrected) - 1} more" if len(corrected) > 1 else ""
        raise UserError(
            f"{folder / MASKS_CORRECTED / mask_name(corrected[0])}{more}: made for other frames than these sheets "
            "have; archive them with 7_backup_training_set.py --clear, choose another TRAINING_DATA, or set "
            f"REPLACE_MASKS (copies go to {BACKUPS}/)"
        )
    reviewed = read_reviewed(folder)
    if not old and not corrected and not proposed and reviewed <= unchanged:
        return None
    kept = copy_to_backups(folder, [FRAMES, MASKS_INITIAL, MASKS_CORRECTED])
    if not reviewed <= unchanged:
        write_reviewed(folder, reviewed & unchanged)
    _remove(folder / MASKS_CORRECTED, MASK, corrected)
    if proposed:
        shutil.rmtree(folder / MASKS_INITIAL)
    for name in _sheet_files(frames):
        (frames / name).unlink(missing_ok=True)
    for kind in (BASE, CLOTHED):
        _remove(frames, kind, old)
    return kept


def _sheet_files(frames: Path) -> list[str]:
    """Return the names of the record beside the frames and of the copies of its sheets."""
    try:
        record = read_record(frames)
    except UserError:  # it is damaged and will be replaced
        record = None
    if record is None:
        return [RECORD]
    return [RECORD, *(record.sheet_name(half, pair) for pair in record.sheets for half in HALVES.values())]


def _remove(folder: Path, kind: str, numbers: Iterable[str]) -> None:
    for number in numbers:
        for suffix in ("png", "PNG"):
            (folder / f"{kind}_{number}.{suffix}").unlink(missing_ok=True)


def write_frames(folder: Path, plan: SplitPlan, unchanged: set[str]) -> dict[str, str]:
    """Write the frames, copies of their sheets and the record of how they were cut.

    Args:
        folder: the training folder.
        plan: what is cut.
        unchanged: numbers of frames that need not be written.

    Returns:
        The shift of misaligned pairs by number: how far right of and below the base figure the clothed one lies, such
        as "(+1, 0)" in art pixels.
    """
    frames, scale = folder / FRAMES, plan.record.scale
    shifts: dict[str, str] = {}
    for number, base, clothed in tqdm(plan.frames(), desc="cutting", total=len(plan.numbers), unit="frame"):
        for path, frame in ((frames / base_name(number), base), (frames / clothed_name(number), clothed)):
            if number not in unchanged or not path.exists():
                write_png(path, Image.fromarray(enlarge(frame, scale)))
        pixel_px = find_pixel_size([base, clothed])
        right, down = find_shift(shrink(base, pixel_px), shrink(clothed, pixel_px))
        if right or down:
            signed = [f"{way:+d}" if way else "0" for way in (right, down)]
            shifts[number] = f"({signed[0]}, {signed[1]})"
    for files, pair in zip(plan.files, plan.record.sheets, strict=True):
        for half, sheet in zip(HALVES.values(), files.read(), strict=True):
            write_png(frames / plan.record.sheet_name(half, pair), Image.fromarray(sheet))
    write_record(frames, plan.record)
    return shifts


def write_true_masks(folder: Path, plan: SplitPlan) -> int:
    """Write the masks that layers of a file give as reviewed ones; corrected masks that are there stay.

    Returns:
        The number of masks written.
    """
    there = files_of_kind(folder / MASKS_CORRECTED, MASK).keys()
    written = []
    for number, mask in plan.true_masks():
        if number not in there:
            write_png(folder / MASKS_CORRECTED / mask_name(number), mask_image(enlarge(mask, plan.record.scale)))
            written.append(number)
    if written:
        write_reviewed(folder, read_reviewed(folder) | set(written))
    return len(written)


def contact_sheet(folder: Path, plan: SplitPlan, shifts: Mapping[str, str]) -> Image.Image:
    """Draw every frame that was written, base over clothed, as an RGB picture; misaligned pairs are labelled."""
    numbers = plan.numbers
    shown = numbers[:TILES]
    columns = min(10, math.ceil(math.sqrt(1.5 * len(shown))))
    return picture_grid(
        [functools.partial(_base_over_clothed, folder / FRAMES, number, plan.record.scale) for number in shown],
        [f"{number} shifted {shifts[number]}" if number in shifts else number for number in shown],
        columns,
        TILE_PX,
        title="Frames: base over clothed",
        footer=f"{len(shown)} of {len(numbers)} frames, {len(shifts)} misaligned",
    )


def _base_over_clothed(frames: Path, number: str, scale: int) -> Image.Image:
    names = base_name(number), clothed_name(number)
    pair = [shrink(np.asarray(read_image(frames / name)), scale) for name in names]
    return tile(np.vstack(pair), 2 * TILE_PX)
