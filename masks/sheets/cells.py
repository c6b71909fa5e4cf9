"""Sprite sheets: where every frame lies on them, cutting frames out, and joining frames into sheets."""

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from common.alpha import on_checks
from common.errors import UserError, raise_faults
from common.images import MAX_PIXELS, read_image
from masks.sets.frame_pictures import enlarge_small
from masks.sets.naming import BASE
from masks.sets.pixel_art import enlarge, shrink
from masks.sheets.grid_finder import Grid

NUMBERED = re.compile(r"(.+)_([0-9]+)\.(?:png|PNG)")  # kind and number


@dataclass(frozen=True)
class Cell:
    """Where one frame lies on its sheet.

    Attributes:
        left: first column of its rectangle on the sheet, in px.
        top: first row.
        width: width of the rectangle as it lies on the sheet.
        height: its height.
        frame_width: width of the whole frame, with the transparent border that a packer trimmed off.
        frame_height: its height.
        inset_left: columns of that border to the left of what lies on the sheet.
        inset_top: rows of it above.
        rotated: lies on the sheet turned clockwise by a right angle.
    """

    left: int
    top: int
    width: int
    height: int
    frame_width: int
    frame_height: int
    inset_left: int = 0
    inset_top: int = 0
    rotated: bool = False

    @property
    def on_sheet(self) -> tuple[slice, slice]:
        """Rows and columns of the sheet."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)

    @property
    def in_frame(self) -> tuple[slice, slice]:
        """Rows and columns of the frame."""
        height, width = (self.width, self.height) if self.rotated else (self.height, self.width)
        return slice(self.inset_top, self.inset_top + height), slice(self.inset_left, self.inset_left + width)

    def times(self, factor: int) -> "Cell":
        """The same on a sheet enlarged by a whole factor."""
        sides = {name: side * factor for name, side in dataclasses.asdict(self).items() if name != "rotated"}
        return Cell(**sides, rotated=self.rotated)


@dataclass(frozen=True)
class SheetLayout:
    """All frames of one sheet.

    Attributes:
        width: of the sheet, in px.
        height: of the sheet, in px.
        cells: by the frame's name or number, in order.
    """

    width: int
    height: int
    cells: Mapping[str, Cell]

    def times(self, factor: int) -> "SheetLayout":
        """The same on a sheet enlarged by a whole factor."""
        cells = {name: cell.times(factor) for name, cell in self.cells.items()}
        return SheetLayout(self.width * factor, self.height * factor, cells)


@dataclass(frozen=True)
class SheetPair:
    """A base sheet and the same sheet clothed; both layouts have the same numbers.

    Attributes:
        name: of the sheets, without suffix.
        base: where the base frames lie.
        clothed: where the clothed frames lie; differs from `base` where a packer arranged each by itself.
        grid: the regular grid, where there is one.
    """

    name: str
    base: SheetLayout
    clothed: SheetLayout
    grid: Grid | None = None

    def layout_of(self, kind: str) -> SheetLayout:
        """Masks, cut-outs and dressed frames lie as the clothed ones do."""
        return self.base if kind == BASE else self.clothed


@dataclass(frozen=True)
class SheetRecord:
    """How a folder of frames was cut.

    Attributes:
        scale: the whole factor by which the frames were enlarged.
        sheets: where they came from.
    """

    scale: int
    sheets: Sequence[SheetPair]

    def sheet_name(self, kind: str, pair: SheetPair) -> str:
        """File name of a sheet of frames of that kind."""
        return f"{kind}_sheet.png" if len(self.sheets) == 1 else f"{pair.name}.{kind}_sheet.png"


def grid_layout(grid: Grid, width: int, height: int) -> SheetLayout:
    """The layout of a grid on a sheet of that size; the cells' names are their places from "0", row by row."""
    return SheetLayout(width, height, {str(place): Cell(*box, *box[2:]) for place, box in enumerate(grid.boxes())})


def cut_frame(sheet: np.ndarray, cell: Cell) -> np.ndarray:
    """One frame of a sheet, upright and with its border: (frame_height, frame_width, 4) uint8 from (H, W, 4) uint8."""
    piece = sheet[cell.on_sheet]
    frame = np.zeros((cell.frame_height, cell.frame_width, sheet.shape[2]), sheet.dtype)
    frame[cell.in_frame] = np.rot90(piece) if cell.rotated else piece
    return frame


def paste_frame(sheet: np.ndarray, cell: Cell, frame: np.ndarray) -> int:
    """Put a frame where it lies on the sheet, in place.

    Returns:
        How many drawn px of it are outside the rectangle that the sheet has for it, and so are lost.
    """
    piece = frame[cell.in_frame]
    sheet[cell.on_sheet] = np.rot90(piece, -1) if cell.rotated else piece
    return int(np.count_nonzero(frame[..., 3]) - np.count_nonzero(piece[..., 3]))


# ---- frames into a sheet ----


def kinds_in(folder: Path) -> dict[str, dict[str, Path]]:
    """The numbered pictures `<kind>_XX.png` in a folder: by kind, files by number, in numeric order.

    Raises:
        UserError: no such folder, or no such picture in it.
    """
    kinds: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if match := NUMBERED.fullmatch(path.name):
            kinds.setdefault(match[1], {})[match[2]] = path
    if not kinds:
        what = "no numbered pictures, such as mask_00.png" if folder.is_dir() else "no such folder"
        raise UserError(f"{folder}: {what}")
    return {kind: dict(sorted(files.items(), key=lambda item: int(item[0]))) for kind, files in kinds.items()}


def plain_record(files: Mapping[str, Path], columns: int | None, margin: int, spacing: int) -> SheetRecord:
    """A grid for frames that were not cut from a sheet; all cells have the size of the first that can be read.

    Args:
        files: frames by number.
        columns: None for about as many as rows.
        margin: px around the grid.
        spacing: px between the cells.

    Raises:
        UserError: not one frame can be read.
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
    """Put numbered frames into one sheet.

    Frames may be any whole number of times as large as their cells. The sheet has the layout's size where that loses
    nothing, as with pixel art that was enlarged for the frames alone; else it is larger by that number.

    Args:
        files: frames by number; those that the layout lacks are left out.
        layout: where they lie.
        ground: (H, W, 4) uint8 of the layout's size to put them on; transparent without.

    Returns:
        (H, W, 4) uint8, and what is wrong with frames that are missing or left out, by number.

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
    """How many times as large as its cell a frame must stay so that nothing of it is lost."""
    factor = _times_as_large(frame, cell)
    return 1 if np.array_equal(enlarge(shrink(frame, factor), factor), frame) else factor


def _times_as_large(frame: np.ndarray, cell: Cell) -> int:
    """By which whole factor a frame is larger than its cell.

    Raises:
        UserError: by none.
    """
    factor = frame.shape[1] // cell.frame_width
    if factor < 1 or frame.shape[:2] != (cell.frame_height * factor, cell.frame_width * factor):
        sizes = f"{frame.shape[1]} x {frame.shape[0]} px, the sheet's frames {cell.frame_width} x {cell.frame_height}"
        raise UserError(f"is {sizes}; it must be a whole number of times as large")
    return factor


def tile(picture: np.ndarray, least_px: int) -> Image.Image:
    """A picture in the middle of a square checkerboard, as a contact sheet shows it; small art is enlarged.

    Args:
        picture: (H, W, 4) uint8.
        least_px: what the square's side reaches at least.
    """
    large = enlarge_small(picture, least_px)
    side = max(large.shape[:2])
    top, left = ((side - length) // 2 for length in large.shape[:2])
    square = np.zeros((side, side, 4), np.uint8)
    square[top : top + large.shape[0], left : left + large.shape[1]] = large
    return Image.fromarray(on_checks(square))
