"""Numbered pictures joined into sheets, in the layout from which the frames were cut or in a plain grid."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from common.errors import UserError, raise_faults
from common.images import MAX_PIXELS, png_bytes, read_image
from masks.sets.naming import FRAMES, MASK, numbered_files
from masks.sets.pixel_art import enlarge, shrink
from masks.sets.signatures import write_signed
from masks.sheets.cells import Cell, SheetLayout, SheetPair, SheetRecord, grid_layout, paste_frame
from masks.sheets.grid_finder import Grid, GridSettings
from masks.sheets.layout_files import RECORD, read_record
from masks.sheets.splitting import HALVES


def join_folder(
    folder: Path, training_data: Path, output: Path, wanted: GridSettings
) -> tuple[dict[Path, bool], dict[str, str], Path | None]:
    """Join the numbered pictures of a folder into sheets: one per kind and per sheet from which frames were cut.

    The layout is that of sheet.json in the folder itself or in the working set, or else a plain grid. Base and clothed
    frames beside their sheet.json are pasted on the copy of their sheet, which restores what was in no frame.

    Args:
        folder: folder of base_frame_XX.png, clothed_frame_XX.png, mask_XX.png or any other <kind>_XX.png.
        training_data: the training folder.
        output: folder for the sheets.
        wanted: columns, margin and spacing of a plain grid; if any is given, sheet.json is ignored.

    Returns:
        The sheets, and whether each was written (one that a person made or changed stays as it is); the faults by file
        name; and the sheet.json that was used, if any.

    Raises:
        UserError: there are no pictures, the record is damaged, or nothing fits it.
    """
    if wanted != GridSettings(columns=wanted.columns, margin=wanted.margin, spacing=wanted.spacing):
        raise UserError("with JOIN only COLUMNS, MARGIN and SPACING of the grid count; leave the others out")
    kinds = find_numbered(folder)
    homes = [] if wanted.given else [home for home in (folder, training_data / FRAMES) if (home / RECORD).is_file()]
    record = read_record(homes[0]) if homes else None
    written: dict[Path, bool] = {}
    faults: dict[str, str] = {}
    for kind, files in kinds.items():
        own = record or plain_record(files, wanted.columns, wanted.margin or 0, wanted.spacing or 0)
        known = {number for pair in own.sheets for number in pair.base.cells}
        faults |= {path.name: "the sheet has no such frame" for number, path in files.items() if number not in known}
        for pair in own.sheets:
            ground = _ground(folder, own, kind, pair) if homes[:1] == [folder] else None
            try:
                sheet, missing = join_frames(files, pair.layout_of(kind), ground)
            except UserError as error:
                faults[own.sheet_name(kind, pair)] = str(error)
                continue
            faults |= {f"{kind}_{number}.png": fault for number, fault in missing.items()}
            path = output / own.sheet_name(kind, pair)
            written[path] = write_signed(path, png_bytes(Image.fromarray(sheet[..., 0] if kind == MASK else sheet)))
    if not written:
        raise_faults(str(folder), [f"{name}: {fault}" for name, fault in faults.items()])
    return written, faults, homes[0] / RECORD if homes else None


def _ground(folder: Path, record: SheetRecord, kind: str, pair: SheetPair) -> np.ndarray | None:
    """Return the copy of a sheet beside its frames; None for other kinds, or if it was deleted or resized."""
    path = folder / record.sheet_name(HALVES[kind], pair) if kind in HALVES else None
    if path is None or not path.is_file():
        return None
    ground = np.asarray(read_image(path))
    layout = pair.layout_of(kind)
    return ground if ground.shape[:2] == (layout.height, layout.width) else None


def find_numbered(folder: Path) -> dict[str, dict[str, Path]]:
    """Return the numbered pictures `<kind>_XX.png` in a folder, by kind and then by number in numeric order.

    Raises:
        UserError: the folder is missing or has no such picture.
    """
    kinds = numbered_files(folder)
    if not kinds:
        what = "no numbered pictures, such as mask_00.png" if folder.is_dir() else "no such folder"
        raise UserError(f"{folder}: {what}")
    return kinds


def plain_record(files: Mapping[str, Path], columns: int | None, margin: int, spacing: int) -> SheetRecord:
    """Lay out frames that were not cut from a sheet as a grid; cells have the size of the first readable frame.

    Args:
        files: frames by number.
        columns: frames in a row; None for about as many columns as rows.
        margin: px around the grid.
        spacing: px between the cells.

    Raises:
        UserError: no frame can be read.
    """
    sizes = (size for path in files.values() if (size := _size_of(path)))
    width, height = next(sizes, None) or read_image(next(iter(files.values()))).size
    columns = min(columns or math.ceil(math.sqrt(len(files))), len(files))
    grid = Grid(columns, -(-len(files) // columns), width, height, margin, spacing)
    places = grid_layout(grid, *grid.sheet_size)
    layout = replace(places, cells=dict(zip(files, places.cells.values(), strict=False)))
    return SheetRecord(1, [SheetPair("frames", layout, layout, grid)])


def _size_of(path: Path) -> tuple[int, int] | None:
    try:
        return read_image(path).size
    except UserError:
        return None


def join_frames(
    files: Mapping[str, Path], layout: SheetLayout, ground: np.ndarray | None = None
) -> tuple[np.ndarray, dict[str, str]]:
    """Join numbered frames into one sheet.

    Frames may be larger than their cells by whole factors. The sheet has the layout's size if that loses nothing, as
    with pixel art that was enlarged when it was cut; otherwise it is larger by the least common factor.

    Args:
        files: frames by number; those that the layout lacks are left out.
        layout: layout of the sheet.
        ground: (H, W, 4) uint8 background of the layout's size; None for a transparent one.

    Returns:
        (H, W, 4) uint8, and the faults of frames that are missing or left out, by number.

    Raises:
        UserError: no frame fits, or the sheet would be too large.
    """
    faults = {number: "is missing" for number in layout.cells if number not in files}
    wanted = [number for number in layout.cells if number in files]
    factors: dict[str, int] = {}
    for number in tqdm(wanted, desc="measuring", unit="frame", leave=False):
        try:
            factors[number] = _least_factor(np.asarray(read_image(files[number])), layout.cells[number])
        except UserError as error:
            faults[number] = str(error).removeprefix(f"{files[number]}: ")
    if not factors:
        raise_faults("nothing fits the sheet", [f"frame {number} {fault}" for number, fault in faults.items()])

    factor = math.lcm(*factors.values())
    if layout.width * layout.height * factor**2 > MAX_PIXELS:
        raise UserError(f"the sheet would be {layout.width * factor} x {layout.height * factor} px, too large")
    large = layout.times(factor)
    sheet = np.zeros((large.height, large.width, 4), np.uint8) if ground is None else enlarge(ground, factor)
    for number, least in tqdm(factors.items(), desc="joining", unit="frame", leave=False):
        frame = np.asarray(read_image(files[number]))
        small = shrink(frame, _times_as_large(frame, layout.cells[number]) // least)
        lost = paste_frame(sheet, large.cells[number], enlarge(small, factor // least))
        if lost:
            faults[number] = f"{lost} drawn px are outside the part of the frame that the sheet holds"
    return sheet, faults


def _least_factor(frame: np.ndarray, cell: Cell) -> int:
    """Return the smallest factor, relative to its cell, at which a frame loses nothing."""
    factor = _times_as_large(frame, cell)
    return 1 if np.array_equal(enlarge(shrink(frame, factor), factor), frame) else factor


def _times_as_large(frame: np.ndarray, cell: Cell) -> int:
    """Return the whole factor by which a frame is larger than its cell.

    Raises:
        UserError: there is none.
    """
    factor = frame.shape[1] // cell.frame_width
    if factor < 1 or frame.shape[:2] != (cell.frame_height * factor, cell.frame_width * factor):
        sizes = f"{frame.shape[1]} x {frame.shape[0]} px, the sheet's frames {cell.frame_width} x {cell.frame_height}"
        raise UserError(f"is {sizes}; it must be a whole number of times as large")
    return factor
