"""Pairs of frames as the items of a batch: read from a folder, or cut from a base sheet and the same sheet clothed."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.batches import Item
from common.errors import UserError
from common.paths import location
from common.workers import default_workers
from masks.sets.naming import FRAMES, MASK, MASKS_CORRECTED, base_name, clothed_name, files_of_kind
from masks.sets.pairs import FramePair, read_pair, scan_pairs
from masks.sets.pixel_art import enlarge
from masks.sets.working_set import read_reviewed
from masks.sheets.cells import Cell, SheetRecord, cut_frame
from masks.sheets.grid_finder import GridSettings
from masks.sheets.pairing import find_sheets, plan_split
from masks.sheets.sheet_pictures import read_pair_of_sheets

MOST_WORKERS = 4  # each loads the model anew
IN_PROCESS = 32  # up to this many pairs do not repay the start of workers


@dataclass(frozen=True)
class FrameSource:
    """A pair of frames that a batch reads when its turn comes.

    Attributes:
        number: number of the frame, for file names.
        label: name for people.
        base: file of the base frame, or of the base sheet.
        clothed: file of the clothed frame or sheet.
        cells: where the frames lie on the sheets; None if each file is one frame.
    """

    number: str
    label: str
    base: Path
    clothed: Path
    cells: tuple[Cell, Cell] | None = None

    @property
    def version(self) -> str:
        """A hash that changes with the files' paths, sizes and times, and with the cells."""
        facts = [self.cells, stamp(self.base), stamp(self.clothed)]
        return hashlib.sha256(repr(facts).encode()).hexdigest()

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the base and the clothed frame, (H, W, 4) uint8 of one size.

        Raises:
            UserError: a file cannot be read, or the sizes differ.
        """
        if self.cells is None:
            return read_pair(FramePair(self.number, self.base, self.clothed))
        base, clothed = read_pair_of_sheets(self.base, self.clothed)
        return cut_frame(base, self.cells[0]), cut_frame(clothed, self.cells[1])


def stamp(path: Path) -> tuple[str, int, int]:
    """Return path, size and time of a file, which change with it; zeros where reading it will fail, too."""
    try:
        stat = path.stat()
    except OSError:
        return location(path), 0, 0
    return location(path), stat.st_size, stat.st_mtime_ns


def find_sources(
    *, frames: Path, base: Path | None, clothed: Path | None, layout: Path | None, grid: GridSettings
) -> tuple[list[FrameSource], dict[str, str], SheetRecord | None]:
    """Return the pairs of a folder, or the frames of two sheets if both are given.

    Returns:
        The pairs, the faults of other frames by file name, and where the frames lie on sheets (None for a folder).

    Raises:
        UserError: the settings do not go together, or nothing can be read.
    """
    if base is not None and clothed is not None:
        return sources_on_sheets(base, clothed, layout, grid)
    if base is not None or clothed is not None:
        raise UserError("settings BASE and CLOTHED go together; give both sheets, or FRAMES alone")
    if layout is not None or grid.given:
        raise UserError("settings of the grid and LAYOUT are for sheets; give BASE and CLOTHED too")
    return *sources_in(frames), None


def sources_in(folder: Path) -> tuple[list[FrameSource], dict[str, str]]:
    """Return the pairs of a folder in numeric order, and the faults of other frames by file name.

    Raises:
        UserError: the folder is missing or has no frames.
    """
    pairs, faults = scan_pairs(folder)
    return [FrameSource(pair.number, pair.base.name, pair.base, pair.clothed) for pair in pairs], faults


def sources_on_sheets(
    base: Path, clothed: Path, layout: Path | None, grid: GridSettings
) -> tuple[list[FrameSource], dict[str, str], SheetRecord]:
    """Return the frames of a pair of sheets that are not empty, at the sheets' own size; returns as `find_sources`.

    Raises:
        UserError: the sheets cannot be read or cut.
    """
    plan = plan_split(find_sheets([base], [clothed], layout, None), grid, scale=1, keep_empty=False)
    for line in plan.describe():
        print(line)
    pair = plan.record.sheets[0]
    sources = [
        FrameSource(number, f"frame {number}", base, clothed, (cell, pair.clothed.cells[number]))
        for number, cell in pair.base.cells.items()
    ]
    return sources, {}, plan.record


def reviewed_masks(sources: Sequence[FrameSource], training_data: Path) -> dict[str, Path]:
    """Return the masks, by number, that a person reviewed in a training folder for these very pictures.

    Frames of the training folder may be a whole number of times as large as those of a sheet.

    Raises:
        UserError: reviewed.json is damaged.
    """
    files = files_of_kind(training_data / MASKS_CORRECTED, MASK)
    reviewed = read_reviewed(training_data) & files.keys()
    own = [source for source in sources if source.number in reviewed and _is_shown_in(training_data / FRAMES, source)]
    return {source.number: files[source.number] for source in own}


def _is_shown_in(frames: Path, source: FrameSource) -> bool:
    """Whether the pair with this number in a folder shows the same pictures."""
    names = frames / base_name(source.number), frames / clothed_name(source.number)
    if not all(name.is_file() for name in names):
        return False
    try:
        if source.base.samefile(names[0]) and source.clothed.samefile(names[1]):
            return True
        theirs, ours = read_pair(FramePair(source.number, *names)), source.read()
    except (UserError, OSError):
        return False
    factor = max(1, theirs[0].shape[0] // ours[0].shape[0])
    return all(np.array_equal(a, enlarge(b, factor)) for a, b in zip(theirs, ours, strict=True))


def batch_items(sources: Sequence[FrameSource], faults: Mapping[str, str]) -> Iterator[Item[FrameSource]]:
    """Yield the faulty frames and then the pairs as items of a batch."""
    for name, fault in faults.items():
        yield Item(name, "", name, fault=fault)
    for source in sources:
        yield Item(source.number, source.version, source.label, source)


def workers_on(device: str) -> int:
    """Return the number of processes for a batch of frames: 1 on a GPU, else one a core, at most MOST_WORKERS."""
    return min(default_workers(), MOST_WORKERS) if device.startswith("CPU") else 1
