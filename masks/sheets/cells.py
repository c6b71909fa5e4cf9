"""Layouts of sprite sheets: the cell of every frame; cutting frames out of a sheet and pasting them back."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from common.alpha import on_checks
from masks.sets.frame_pictures import enlarge_small
from masks.sets.naming import BASE
from masks.sheets.grid_finder import Grid


@dataclass(frozen=True)
class Cell:
    """The place of one frame on its sheet; all lengths in px.

    Attributes:
        left: first column of the frame's rectangle on the sheet.
        top: first row of the rectangle.
        width: width of the rectangle.
        height: height of the rectangle.
        frame_width: width of the whole frame, with the transparent border that a packer trimmed off.
        frame_height: height of the whole frame.
        inset_left: width of the trimmed border on the left.
        inset_top: height of the trimmed border at the top.
        rotated: whether the frame is rotated clockwise by 90 degrees on the sheet.
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
        """Rows and columns of the rectangle on the sheet."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)

    @property
    def in_frame(self) -> tuple[slice, slice]:
        """Rows and columns of the rectangle in the frame."""
        height, width = (self.width, self.height) if self.rotated else (self.height, self.width)
        return slice(self.inset_top, self.inset_top + height), slice(self.inset_left, self.inset_left + width)

    def times(self, factor: int) -> "Cell":
        """Return the same for a sheet enlarged by a whole factor."""
        sides = {name: side * factor for name, side in dataclasses.asdict(self).items() if name != "rotated"}
        return Cell(**sides, rotated=self.rotated)


@dataclass(frozen=True)
class SheetLayout:
    """The cells of one sheet.

    Attributes:
        width: width of the sheet in px.
        height: height of the sheet in px.
        cells: cells by the frame's name or number, in order.
    """

    width: int
    height: int
    cells: Mapping[str, Cell]

    def times(self, factor: int) -> "SheetLayout":
        """Return the same for a sheet enlarged by a whole factor."""
        cells = {name: cell.times(factor) for name, cell in self.cells.items()}
        return SheetLayout(self.width * factor, self.height * factor, cells)


@dataclass(frozen=True)
class SheetPair:
    """The layouts of a base sheet and of the same sheet clothed; both have the same numbers.

    Attributes:
        name: name of the sheets, without suffix.
        base: layout of the base sheet.
        clothed: layout of the clothed sheet; differs from `base` if a packer arranged each on its own.
        grid: the regular grid, if there is one.
    """

    name: str
    base: SheetLayout
    clothed: SheetLayout
    grid: Grid | None = None

    def layout_of(self, kind: str) -> SheetLayout:
        """Return the layout for a kind of frames: masks, cut-outs and dressed frames have that of the clothed sheet."""
        return self.base if kind == BASE else self.clothed


@dataclass(frozen=True)
class SheetRecord:
    """How the frames of a folder were cut from sheets.

    Attributes:
        scale: the whole factor by which the frames were enlarged.
        sheets: layouts of the sheets.
    """

    scale: int
    sheets: Sequence[SheetPair]

    def sheet_name(self, kind: str, pair: SheetPair) -> str:
        """Return the file name of a sheet of frames of a kind."""
        return f"{kind}_sheet.png" if len(self.sheets) == 1 else f"{pair.name}.{kind}_sheet.png"


def grid_layout(grid: Grid, width: int, height: int) -> SheetLayout:
    """Return the layout of a grid on a sheet of that size; cells are named "0", "1", ... row by row."""
    return SheetLayout(width, height, {str(place): Cell(*box, *box[2:]) for place, box in enumerate(grid.boxes())})


def cut_frame(sheet: np.ndarray, cell: Cell) -> np.ndarray:
    """Cut a frame out of a sheet, upright and with its border; (H, W, 4) to (frame_height, frame_width, 4) uint8."""
    piece = sheet[cell.on_sheet]
    frame = np.zeros((cell.frame_height, cell.frame_width, sheet.shape[2]), sheet.dtype)
    frame[cell.in_frame] = np.rot90(piece) if cell.rotated else piece
    return frame


def paste_frame(sheet: np.ndarray, cell: Cell, frame: np.ndarray) -> int:
    """Paste a frame into its cell on the sheet, in place.

    Returns:
        The number of its drawn px that are outside the cell's rectangle and so are lost.
    """
    piece = frame[cell.in_frame]
    sheet[cell.on_sheet] = np.rot90(piece, -1) if cell.rotated else piece
    return int(np.count_nonzero(frame[..., 3]) - np.count_nonzero(piece[..., 3]))


def tile(picture: np.ndarray, least_px: int) -> Image.Image:
    """Draw a picture in the middle of a square checkerboard, for a contact sheet; small art is enlarged.

    Args:
        picture: (H, W, 4) uint8.
        least_px: smallest side of the square.
    """
    large = enlarge_small(picture, least_px)
    side = max(large.shape[:2])
    top, left = ((side - length) // 2 for length in large.shape[:2])
    square = np.zeros((side, side, 4), np.uint8)
    square[top : top + large.shape[0], left : left + large.shape[1]] = large
    return Image.fromarray(on_checks(square))
