"""Pairing of base and clothed sheets, and the plan of the frames to cut from them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from common.errors import UserError, raise_faults
from common.images import MIN_SIDE_PX, PHOTO_SUFFIXES
from masks.sheets.cells import SheetLayout, SheetPair, SheetRecord, cut_frame, grid_layout
from masks.sheets.grid_finder import MAX_FRAMES, Grid, GridSettings, drawn_pixels, find_grid
from masks.sheets.layout_files import read_layout
from masks.sheets.sheet_pictures import has_layers, is_same, read_pair_of_sheets, read_sheet, true_masks

FRAME_PX = 512  # largest side to which SCALE = None enlarges frames
MAX_FRAME_PX = 4096


@dataclass(frozen=True)
class SheetFiles:
    """A base sheet, the same sheet clothed, and the JSON with the layout of each, if any."""

    base: Path
    clothed: Path
    base_layout: Path | None = None
    clothed_layout: Path | None = None

    @property
    def paths(self) -> list[Path]:
        """Return all files that are read."""
        return [path for path in (self.base, self.clothed, self.base_layout, self.clothed_layout) if path is not None]

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """Read both sheets as (H, W, 4) uint8."""
        return read_pair_of_sheets(self.base, self.clothed)

    def animation_grid(self) -> Grid | None:
        """Return where the frames of two animations lie; None for still pictures.

        Raises:
            UserError: one of the files has other frames.
        """
        grids = [read_sheet(path).grid for path in (self.base, self.clothed)]
        if grids == [None, None]:
            return None
        counts = [len(read_sheet(path).durations_ms) or 1 for path in (self.base, self.clothed)]
        if counts[0] != counts[1] or grids[0] != grids[1]:
            frames = [_frames_of(count, grid) for count, grid in zip(counts, grids, strict=True)]
            raise UserError(f"{self.base} has {frames[0]}, but {self.clothed} {frames[1]}")
        return grids[0]


@dataclass(frozen=True)
class SplitPlan:
    """The frames to cut from sheets.

    Attributes:
        files: the sheets.
        record: layouts of the sheets, in the order of `files`.
        skipped: number of cells left out because they are empty on both sheets.
        stray: number of drawn px that lie in no frame.
    """

    files: Sequence[SheetFiles]
    record: SheetRecord
    skipped: int
    stray: int

    @property
    def numbers(self) -> list[str]:
        """Return the numbers of all frames, in order."""
        return [number for pair in self.record.sheets for number in pair.base.cells]

    def describe(self) -> list[str]:
        """Describe in words what will be cut, one line per sheet."""
        lines = []
        for files, pair in zip(self.files, self.record.sheets, strict=True):
            how = f"{pair.grid}" if pair.grid else f"frames of {files.base_layout}"
            lines.append(f"{files.base.name}, {files.clothed.name}: {how}; {len(pair.base.cells)} to cut")
        if self.record.scale > 1:
            lines.append(f"frames are enlarged {self.record.scale} times")
        if self.stray:
            lines.append(f"{self.stray} drawn px are in no frame; is the grid right?")
        return lines

    def true_masks(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yield number and true mask, (H, W) uint8 of 0 or 255, of each frame whose clothes are layers of the file."""
        for files, pair in zip(self.files, self.record.sheets, strict=True):
            if is_same(files.base, files.clothed):
                sheet = true_masks(files.base)
                for number, cell in pair.base.cells.items():
                    yield number, cut_frame(sheet, cell)[..., 0]

    def frames(self) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        """Yield number, base and clothed frame of each pair, (H, W, 4) uint8 at the sheet's size."""
        for files, pair in zip(self.files, self.record.sheets, strict=True):
            base, clothed = files.read()
            for number, cell in pair.base.cells.items():
                yield number, cut_frame(base, cell), cut_frame(clothed, pair.clothed.cells[number])


def _frames_of(count: int, grid: Grid | None) -> str:
    return f"{count} frames of {grid.frame_width} x {grid.frame_height} px" if grid else "a single picture"


# ---- which sheets ----


def find_sheets(
    base: Sequence[Path], clothed: Sequence[Path], base_layout: Path | None, clothed_layout: Path | None
) -> list[SheetFiles]:
    """Find the pairs of sheets that the settings name, and their layouts.

    Args:
        base: sheets in order, or folders of sheets.
        clothed: clothed sheets in the same order, or folders of sheets with the same names.
        base_layout: JSON for all base sheets, or a folder with one named like each; None for a grid.
        clothed_layout: JSON or folder for the clothed sheets; None for that of the base sheets.

    Raises:
        UserError: files or halves of pairs are missing (listed together).
    """
    faults: list[str] = []
    sheets = [_expand(paths, name, faults) for paths, name in ((base, "BASE"), (clothed, "CLOTHED"))]
    if any(path.is_dir() for path in (*base, *clothed)):
        by_name = [{path.stem: path for path in paths} for paths in sheets]
        for ours, others, half in ((by_name[0], by_name[1], "clothed"), (by_name[1], by_name[0], "base")):
            faults += [f"{path}: no {half} sheet has this name" for stem, path in ours.items() if stem not in others]
        pairs = [(path, by_name[1][stem]) for stem, path in by_name[0].items() if stem in by_name[1]]
    else:
        if len(sheets[0]) != len(sheets[1]):
            faults.append(f"{len(sheets[0])} base sheets, but {len(sheets[1])} clothed ones; give them in pairs")
        pairs = list(zip(*sheets, strict=False))
    faults += [f"{a}: is given as base and as clothed sheet" for a, b in pairs if is_same(a, b) and not has_layers(a)]
    raise_faults("", faults)
    clothed_layout = clothed_layout or base_layout
    return [SheetFiles(a, b, _layout_for(a, base_layout), _layout_for(b, clothed_layout)) for a, b in pairs]


def _expand(paths: Sequence[Path], name: str, faults: list[str]) -> list[Path]:
    found: list[Path] = []
    if not paths:
        faults.append(f"setting {name} is empty; name a sheet")
    for path in paths:
        if path.is_dir():
            pictures = [file for file in path.iterdir() if file.suffix.lower() in PHOTO_SUFFIXES]
            inside = sorted(file for file in pictures if not file.name.startswith("."))
            found += inside
            faults += [] if inside else [f"{path}: no sheets in this folder"]
        elif path.is_file():
            found.append(path)
        else:
            faults.append(f"{path}: no such file; set {name} to your sheet")
    stems = [path.stem for path in found]
    faults += [f"{path}: two sheets of {name} have this name" for path in found if stems.count(path.stem) > 1]
    return found


def _layout_for(sheet: Path, layout: Path | None) -> Path | None:
    return layout / f"{sheet.stem}.json" if layout is not None and layout.is_dir() else layout


# ---- which frames ----


def plan_split(sheets: Sequence[SheetFiles], grid: GridSettings, scale: int | None, keep_empty: bool) -> SplitPlan:
    """Read all sheets and decide what will be cut, before anything is written.

    Frames are numbered by their cells, counted over all sheets and including skipped empty cells.

    Args:
        sheets: the pairs of sheets that `find_sheets` returned.
        grid: what is known of the grid of sheets without a layout.
        scale: whole factor for the frames; None for the largest that keeps them within FRAME_PX.
        keep_empty: whether to cut cells that are empty on both sheets too.

    Raises:
        UserError: sheets cannot be read or cut, or are empty (listed together); or the frames are too small, too large
            or too many.
    """
    faults: list[str] = []
    pairs: list[SheetPair] = []
    busy: list[bool] = []
    stray = 0
    for files in tqdm(sheets, desc="reading", unit="sheet", leave=False):
        try:
            pair, drawn, outside = _plan_pair(files, grid)
            if not keep_empty and not any(drawn):
                raise UserError(f"{files.base}: nothing is drawn in any frame")
        except UserError as error:
            faults.append(str(error))
            continue
        pairs.append(pair)
        busy += drawn
        stray += outside
    raise_faults("", faults)
    kept = [True] * len(busy) if keep_empty else busy
    if len(busy) > MAX_FRAMES:
        raise UserError(
            f"{len(sheets)} sheets with {len(busy)} frames: the limit is {MAX_FRAMES}; split fewer at a time"
        )
    pairs = _number(pairs, kept)
    record = SheetRecord(_choose_scale(pairs, scale), pairs)
    return SplitPlan(sheets, record, len(kept) - sum(kept), stray)


def _plan_pair(files: SheetFiles, wanted: GridSettings) -> tuple[SheetPair, list[bool], int]:
    """Return the layouts of a pair, named by place; whether each frame is drawn; and the number of px outside all."""
    sheets = files.read()
    sizes = [(sheet.shape[1], sheet.shape[0]) for sheet in sheets]
    grid = None
    if files.base_layout is None or files.clothed_layout is None:
        if sizes[0] != sizes[1]:
            both = " but ".join(f"{width} x {height}" for width, height in sizes)
            raise UserError(f"{files.base} and {files.clothed}: sizes differ, {both} px; export both alike")
        grid = None if wanted.given else files.animation_grid()
        grid = grid or find_grid(sheets, wanted, str(files.base))
        base = clothed = grid_layout(grid, *sizes[0])
    else:
        base, clothed = _matching_layouts(files, sizes)
    drawn = [drawn_pixels(sheet) for sheet in sheets]
    halves = list(zip(drawn, (base, clothed), strict=True))
    busy = [any(here[own.cells[place].on_sheet].any() for here, own in halves) for place in base.cells]
    for here, own in halves:
        for cell in own.cells.values():
            here[cell.on_sheet] = False
    return SheetPair(files.base.stem, base, clothed, grid), busy, sum(int(here.sum()) for here in drawn)


def _matching_layouts(files: SheetFiles, sizes: Sequence[tuple[int, int]]) -> tuple[SheetLayout, SheetLayout]:
    """Return both layouts, named by place; frames are paired by name, or by order if the names differ."""
    paths = [path for path in (files.base_layout, files.clothed_layout) if path is not None]
    base, clothed = (read_layout(path, size) for path, size in zip(paths, sizes, strict=True))
    if len(base.cells) != len(clothed.cells):
        raise UserError(f"{paths[0]} has {len(base.cells)} frames, but {paths[1]} has {len(clothed.cells)}")
    names = list(base.cells)
    others = names if base.cells.keys() == clothed.cells.keys() else list(clothed.cells)
    for name, other in zip(names, others, strict=True):
        a, b = base.cells[name], clothed.cells[other]
        if (a.frame_width, a.frame_height) != (b.frame_width, b.frame_height):
            sizes_text = f"{a.frame_width} x {a.frame_height} but {b.frame_width} x {b.frame_height} px"
            raise UserError(f"{paths[0]}: frame {name!r} and {other!r} of {paths[1].name} differ in size, {sizes_text}")
    places = [str(place) for place in range(len(names))]
    return _renamed(base, dict(zip(places, names, strict=True))), _renamed(
        clothed, dict(zip(places, others, strict=True))
    )


def _renamed(layout: SheetLayout, names: Mapping[str, str]) -> SheetLayout:
    """Return the layout with some of its cells under new names; `names` gives the old one of each."""
    return replace(layout, cells={new: layout.cells[old] for new, old in names.items()})


def _number(pairs: Sequence[SheetPair], kept: Sequence[bool]) -> list[SheetPair]:
    """Name the cells that are kept by numbers counted over all sheets."""
    digits = max(2, len(str(len(kept) - 1)))
    numbered: list[SheetPair] = []
    first = 0
    for pair in pairs:
        numbers = {f"{first + int(place):0{digits}d}": place for place in pair.base.cells if kept[first + int(place)]}
        numbered.append(replace(pair, base=_renamed(pair.base, numbers), clothed=_renamed(pair.clothed, numbers)))
        first += len(pair.base.cells)
    return numbered


def _choose_scale(pairs: Sequence[SheetPair], scale: int | None) -> int:
    cells = [cell for pair in pairs for cell in pair.base.cells.values()]
    least = min(min(cell.frame_width, cell.frame_height) for cell in cells)
    most = max(max(cell.frame_width, cell.frame_height) for cell in cells)
    if scale is None:
        scale = max(1, FRAME_PX // most)
    if least * scale < MIN_SIDE_PX or most * scale > MAX_FRAME_PX:
        sizes = f"{least} to {most} px would be enlarged to {least * scale} to {most * scale} px"
        raise UserError(
            f"setting SCALE is {scale}: frames of {sizes}; they must be from {MIN_SIDE_PX} to {MAX_FRAME_PX} px"
        )
    return scale
