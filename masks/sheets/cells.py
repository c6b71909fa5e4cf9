"""Sprite sheets: where every frame lies on them, cutting frames out, and joining frames into sheets."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from common.alpha import on_checks
from masks.sets.frame_pictures import enlarge_small
from masks.sets.naming import BASE
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
