"""Pairing of base and clothed sheets, and the plan of the frames to cut from them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from common.errors import UserError, raise_faults
from common.images import MIN_SIDE_PX, PHOTO_SUFFIXES
from masks.sets.naming import listed
from masks.sheets.cells import SheetLayout, SheetPair, SheetRecord, cut_frame, grid_layout
from masks.sheets.frame_matching import match_poses, pair_by_name
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

    def animation_grids(self) -> tuple[Grid, Grid] | None:
        """Return where the frames of two animations lie; None for still pictures.

        Raises:
            UserError: only one of the files is an animation.
        """
        base, clothed = (read_sheet(path).grid for path in (self.base, self.clothed))
        if base is None and clothed is None:
            return None
        if base is None or clothed is None:
            moving, still = (self.base, self.clothed) if base else (self.clothed, self.base)
            raise UserError(f"{moving} is an animation, but {still} a single picture; export both alike")
        return base, clothed


@dataclass(frozen=True)
class SplitPlan:
    """The frames to cut from sheets.

    Attributes:
        files: the sheets.
        record: layouts of the sheets, in the order of `files`.
        skipped: number of cells left out because they are empty on both sheets.
        stray: number of drawn px that lie in no frame.
        remarks: what an artist should know of how frames were paired.
    """

    files: Sequence[SheetFiles]
    record: SheetRecord
    skipped: int
    stray: int
    remarks: Sequence[str] = ()

    @property
    def numbers(self) -> list[str]:
        """Return the numbers of all frames, in order."""
        return [number for pair in self.record.sheets for number in pair.base.cells]

    def describe(self) -> list[str]:
        """Describe in words what will be cut, one line per sheet."""
        lines = []
        for files, pair in zip(self.files, self.record.sheets, strict=True):
            how = f"{pair.grid}" if pair.grid else f"frames of {files.base_layout or 'two grids'}"
            lines.append(f"{files.base.name}, {files.clothed.name}: {how}; {len(pair.base.cells)} to cut")
        lines += self.remarks
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
    planned: list[_PlannedPair] = []
    for files in tqdm(sheets, desc="reading", unit="sheet", leave=False):
        try:
            pair = _plan_pair(files, grid)
            if not keep_empty and not pair.drawn:
                raise UserError(f"{files.base}: nothing is drawn in any frame")
            planned.append(pair)
        except UserError as error:
            faults.append(str(error))
    raise_faults("", faults)
    count = sum(pair.count for pair in planned)
    if count > MAX_FRAMES:
        raise UserError(f"{len(sheets)} sheets with {count} frames: the limit is {MAX_FRAMES}; split fewer at a time")
    pairs, remarks = _number(planned, keep_empty)
    record = SheetRecord(_choose_scale(pairs, scale), pairs)
    cut = sum(len(pair.base.cells) for pair in pairs)
    return SplitPlan(sheets, record, count - cut, sum(pair.stray for pair in planned), remarks)


@dataclass(frozen=True)
class _PlannedPair:
    """How two sheets will be cut.

    Attributes:
        pair: their layouts, named by the place of the base frame.
        count: number of cells of the base sheet, with those that are left out.
        drawn: places in which something is drawn.
        alone: places of base frames without a clothed one.
        blank: places where only the base is drawn.
        surplus: number of drawn clothed frames without a base frame.
        is_matched: whether frames were paired by their poses, against the order of the sheets.
        stray: number of drawn px that lie in no frame.
    """

    pair: SheetPair
    count: int
    drawn: set[str]
    alone: list[str]
    blank: list[str]
    surplus: int
    is_matched: bool
    stray: int


def _plan_pair(files: SheetFiles, wanted: GridSettings) -> _PlannedPair:
    sheets = files.read()
    layouts, grid = _layouts(files, sheets, wanted)
    drawn = [drawn_pixels(sheet) for sheet in sheets]
    busy = [
        {name: None for name, cell in own.cells.items() if here[cell.on_sheet].any()}
        for here, own in zip(drawn, layouts, strict=True)
    ]
    given = _given_pairs(files, layouts, busy)
    shown = [np.where(here[..., None], sheet, np.uint8(0)) for here, sheet in zip(drawn, sheets, strict=True)]
    paired = _matched_by_pose(given, layouts, busy, shown)
    _check_sizes(files, layouts, paired)
    cells = {place: (name, paired[name]) for place, name in enumerate(layouts[0].cells) if name in paired}
    for here, own in zip(drawn, layouts, strict=True):
        for cell in own.cells.values():
            here[cell.on_sheet] = False
    return _PlannedPair(
        SheetPair(
            files.base.stem,
            _renamed(layouts[0], {str(place): name for place, (name, _) in cells.items()}),
            _renamed(layouts[1], {str(place): other for place, (_, other) in cells.items()}),
            grid,
        ),
        count=len(layouts[0].cells),
        drawn={str(place) for place, (name, other) in cells.items() if name in busy[0] or other in busy[1]},
        alone=[str(place) for place, name in enumerate(layouts[0].cells) if name in busy[0] and name not in paired],
        blank=[str(place) for place, (name, other) in cells.items() if name in busy[0] and other not in busy[1]],
        surplus=len(busy[1].keys() - paired.values()),
        is_matched=paired != given,
        stray=sum(int(here.sum()) for here in drawn),
    )


def _layouts(
    files: SheetFiles, sheets: Sequence[np.ndarray], wanted: GridSettings
) -> tuple[tuple[SheetLayout, SheetLayout], Grid | None]:
    """Return both layouts, and the grid if both sheets have the same."""
    sizes = [(sheet.shape[1], sheet.shape[0]) for sheet in sheets]
    if files.base_layout is not None and files.clothed_layout is not None:
        return (read_layout(files.base_layout, sizes[0]), read_layout(files.clothed_layout, sizes[1])), None
    grids = None if wanted.given else files.animation_grids()
    if grids is None and sizes[0] == sizes[1]:
        grids = (find_grid(sheets, wanted, str(files.base)),) * 2
    elif grids is None:
        both = " but ".join(f"{width} x {height}" for width, height in sizes)
        try:
            grids = find_grid(sheets[:1], wanted, str(files.base)), find_grid(sheets[1:], wanted, str(files.clothed))
        except UserError as error:
            raise UserError(f"{files.base} and {files.clothed}: sizes differ, {both} px, and {error}") from error
    layouts = grid_layout(grids[0], *sizes[0]), grid_layout(grids[1], *sizes[1])
    return layouts, grids[0] if grids[0] == grids[1] else None


def _given_pairs(
    files: SheetFiles, layouts: Sequence[SheetLayout], busy: Sequence[Mapping[str, None]]
) -> dict[str, str]:
    """Return for cells of the base the cell of the clothed sheet with the same name, or place, or else rank."""
    base, clothed = (list(layout.cells) for layout in layouts)
    if files.base_layout is None and base != clothed:  # two grids: empty cells do not count
        return dict(zip(*busy, strict=False))
    matches = pair_by_name(base, clothed)
    return {name: clothed[place] for name, place in zip(base, matches, strict=True) if place is not None}


def _matched_by_pose(
    given: dict[str, str],
    layouts: Sequence[SheetLayout],
    busy: Sequence[Mapping[str, None]],
    sheets: Sequence[np.ndarray],
) -> dict[str, str]:
    """Return the given pairs of cells, or those with the same poses where these are clearly others."""
    frames = [
        [cut_frame(sheet, layout.cells[name]) for name in names]
        for sheet, layout, names in zip(sheets, layouts, busy, strict=True)
    ]
    if len({frame.shape for frame in (*frames[0], *frames[1])}) != 1:
        return given
    ranks = {name: rank for rank, name in enumerate(busy[1])}
    order = [ranks.get(given.get(name, "")) for name in busy[0]]
    matches = match_poses(frames[0], frames[1], order)
    if matches == order:
        return given
    names = list(busy[1])
    return {name: names[rank] for name, rank in zip(busy[0], matches, strict=True) if rank is not None}


def _check_sizes(files: SheetFiles, layouts: Sequence[SheetLayout], paired: Mapping[str, str]) -> None:
    """Raise UserError if the frames of a pair differ in size."""
    for name, other in paired.items():
        a, b = layouts[0].cells[name], layouts[1].cells[other]
        if (a.frame_width, a.frame_height) != (b.frame_width, b.frame_height):
            sizes = f"{a.frame_width} x {a.frame_height} but {b.frame_width} x {b.frame_height} px"
            where = f"{files.base_layout or files.base}: frame {name!r} and {other!r}"
            of = (files.clothed_layout or files.clothed).name
            raise UserError(f"{where} of {of} differ in size, {sizes}; export both alike")


def _renamed(layout: SheetLayout, names: Mapping[str, str]) -> SheetLayout:
    """Return the layout with some of its cells under new names; `names` gives the old one of each."""
    return replace(layout, cells={new: layout.cells[old] for new, old in names.items()})


def _number(planned: Sequence[_PlannedPair], keep_empty: bool) -> tuple[list[SheetPair], list[str]]:
    """Name the cells that are kept by numbers counted over all sheets; also return remarks with these numbers."""
    digits = max(2, len(str(sum(pair.count for pair in planned) - 1)))
    numbered: list[SheetPair] = []
    remarks: list[str] = []
    first = 0
    for plan in planned:
        number_of = {str(place): f"{first + place:0{digits}d}" for place in range(plan.count)}
        kept = {number_of[place]: place for place in plan.pair.base.cells if keep_empty or place in plan.drawn}
        pair = plan.pair
        numbered.append(replace(pair, base=_renamed(pair.base, kept), clothed=_renamed(pair.clothed, kept)))
        if plan.is_matched:
            remarks.append(f"{pair.name}: the clothed frames are in another order; paired by their poses")
        for places, what in ((plan.alone, "no clothed frame, left out"), (plan.blank, "nothing on the clothed sheet")):
            if places:
                remarks.append(f"{pair.name}: {listed([number_of[place] for place in places])}: {what}")
        if plan.surplus:
            remarks.append(f"{pair.name}: {plan.surplus} clothed frames have no base frame and are left out")
        first += plan.count
    return numbered, remarks


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
