"""Step 5's work: masks and cut-outs of many pairs, in flat memory, resumable.

A hidden journal, `.made_from`, holds for each frame number the hash of the files and weights that its mask was made
from. A number is written there before its files are, and its mask is written last: a mask with the right hash is
whole and up to date. Files that the journal does not know were made by somebody else, and are never replaced.
"""

import functools
import hashlib
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from tqdm import tqdm

from common.alpha import on_checks
from common.errors import UserError
from common.files import write_text
from common.grids import picture_grid
from common.images import read_image, write_png
from masks.cutouts.dressing import CUTOUT
from masks.cutouts.matting import cut_out
from masks.model.inference import predict_masks
from masks.sets.frame_pictures import figure_box, marked, near_tile_size
from masks.sets.naming import MASK, mask_name
from masks.sets.pairs import MASK_COLOUR, mask_image, read_mask, read_pair, scan_pairs
from masks.sheets.cells import Cell, Record, cut_frame, join_frames
from masks.sheets.grid_finder import GridSettings
from masks.sheets.pairing import find_sheets, plan_split

MASKS, CUTOUTS = "masks", "cutouts"  # folders of the output
NOTE = ".made_from"
CONTACT_SHEET = "contact_sheet.png"
AHEAD = 3  # pairs that are read before the network asks for them, and masks that wait to be written
THREADS = 2
TILE_PX = 256

Frames = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Source:
    """A pair of frames to predict.

    Attributes:
        number: for the names of its mask and cut-out.
        name: for messages.
        files: where it comes from.
        read: gives base and clothed frame, (H, W, 4) uint8, or raises UserError.
        place: where in the files it lies.
    """

    number: str
    name: str
    files: tuple[Path, ...]
    read: Callable[[], Frames]
    place: str = ""


@dataclass(frozen=True)
class Job:
    """What is made of every pair, and where.

    Attributes:
        folder: gets masks/ and cutouts/.
        weights: hash of the checkpoint.
        cutouts: write cut-outs too.
        compress_level: of PNG, 0 to 9.
    """

    folder: Path
    weights: str
    cutouts: bool
    compress_level: int

    def mask(self, number: str) -> Path:
        """File of a mask."""
        return self.folder / MASKS / mask_name(number)

    def cutout(self, number: str) -> Path:
        """File of a cut-out."""
        return self.folder / CUTOUTS / f"{CUTOUT}_{number}.png"

    def is_done(self, number: str) -> bool:
        """Whether all that is wanted of a number exists."""
        return self.mask(number).is_file() and (not self.cutouts or self.cutout(number).is_file())

    def made_from(self, source: Source) -> str:
        """A hash that changes with the weights and, by their names, sizes and times, with the source's files."""
        stats = [(str(path.resolve()), path.stat()) for path in source.files]
        facts = [self.weights, source.place, *((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)]
        return hashlib.sha256(repr(facts).encode()).hexdigest()

    def remove(self, number: str) -> None:
        """Remove what exists of a number."""
        for path in (self.mask(number), self.cutout(number)):
            path.unlink(missing_ok=True)


# ---- what there is to predict ----


def find_sources(
    frames: Path, base: Path | None, clothed: Path | None, layout: Path | None, grid: GridSettings
) -> tuple[list[Source], dict[str, str], Record | None]:
    """What the settings name: the pairs of a folder, or the frames of two sheets where both are given.

    Returns:
        The pairs, what is wrong with other frames by name, and where the frames lie on sheets.

    Raises:
        UserError: settings that do not go together, or nothing that can be read.
    """
    if base is not None and clothed is not None:
        sources, record = sources_on_sheets(base, clothed, layout, grid)
        return sources, {}, record
    if base is not None or clothed is not None:
        raise UserError("settings BASE and CLOTHED go together; give both sheets, or FRAMES alone")
    if layout is not None or grid.given:
        raise UserError("settings of the grid and LAYOUT are for sheets; give BASE and CLOTHED too")
    return *sources_in(frames), None


def sources_in(folder: Path) -> tuple[list[Source], dict[str, str]]:
    """The pairs of a folder, in numeric order, and what is wrong with other frames, by file name.

    Raises:
        UserError: no such folder, or no frames in it.
    """
    pairs, faults = scan_pairs(folder)
    return [
        Source(pair.number, pair.base.name, (pair.base, pair.clothed), functools.partial(read_pair, pair))
        for pair in pairs
    ], faults


def sources_on_sheets(
    base: Path, clothed: Path, layout: Path | None, grid: GridSettings
) -> tuple[list[Source], Record]:
    """The frames of a pair of sheets that show anything, in the sheets' own size, and where they lie.

    Raises:
        UserError: sheets that cannot be read or cut.
    """
    files = find_sheets([base], [clothed], layout, None)
    plan = plan_split(files, grid, scale=1, keep_empty=False)
    for line in plan.describe():
        print(line)
    sheets, pair = files[0].read(), plan.record.sheets[0]
    cells = {number: (own, pair.clothed.cells[number]) for number, own in pair.base.cells.items()}
    return [
        Source(number, f"frame {number}", (base, clothed), functools.partial(_cut_pair, sheets, own), repr(own))
        for number, own in cells.items()
    ], plan.record


def _cut_pair(sheets: Frames, cells: tuple[Cell, Cell]) -> Frames:
    return cut_frame(sheets[0], cells[0]), cut_frame(sheets[1], cells[1])


# ---- what is there already ----


def start_or_resume(sources: Sequence[Source], job: Job) -> list[Source]:
    """Remove results that are out of date, and say which pairs are left to predict.

    Raises:
        UserError: the folder holds files of such names that this script did not write.
    """
    journal = _read_journal(job.folder)
    wanted = {source.number: job.made_from(source) for source in sources}
    files = [file for number in wanted if number not in journal for file in (job.mask(number), job.cutout(number))]
    foreign = [path for path in files if path.exists()]
    if foreign:
        more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        raise UserError(f"{foreign[0]}{more}: not made by this script; set OUTPUT to another folder")
    kept = {number: mark for number, mark in journal.items() if wanted.get(number) == mark and job.is_done(number)}
    for number in journal.keys() - kept.keys():
        job.remove(number)
    write_text(job.folder / NOTE, "".join(f"{number} {mark}\n" for number, mark in kept.items()))
    return [source for source in sources if source.number not in kept]


def _read_journal(folder: Path) -> dict[str, str]:
    """Hash by number; a run that was killed may have left half a line at the end."""
    path = folder / NOTE
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    whole_lines = text[: text.rfind("\n") + 1]
    fields = (line.partition(" ") for line in whole_lines.splitlines())
    return {number: mark for number, _, mark in fields}


# ---- the work ----


def predict_all(sources: Sequence[Source], job: Job, model: nn.Module, device: torch.device) -> dict[str, str]:
    """Predict pairs and write their masks and cut-outs; memory does not grow with their number.

    Args:
        sources: what `start_or_resume` left to do.
        job: what is made.
        model: as `load_model` gives it.
        device: where it lies.

    Returns:
        What is wrong with pairs that were skipped, by name.

    Raises:
        UserError: the folder cannot be written.
    """
    faults: dict[str, str] = {}
    predicted: deque[Source] = deque()  # pairs that the network has
    writing: deque[Future[None]] = deque()
    with (
        ThreadPoolExecutor(THREADS) as pool,
        open(job.folder / NOTE, "a", encoding="utf-8", newline="\n") as journal,
        tqdm(total=len(sources), desc="predicting", unit="pair") as bar,
    ):
        for count, mask in enumerate(predict_masks(model, _readable(sources, pool, predicted, faults), device), 1):
            source = predicted.popleft()
            journal.write(f"{source.number} {job.made_from(source)}\n")
            journal.flush()
            writing.append(pool.submit(_write, job, source, mask))
            if len(writing) > AHEAD:
                writing.popleft().result()
            bar.update(count + len(faults) - bar.n)
        for result in writing:
            result.result()
        bar.update(len(sources) - bar.n)
    return faults


def _readable(
    sources: Iterable[Source], pool: ThreadPoolExecutor, predicted: deque[Source], faults: dict[str, str]
) -> Iterator[Frames]:
    """The frames of each pair that can be read, noted in `predicted`; what is wrong with others goes to `faults`."""
    ahead: deque[tuple[Source, Future[Frames]]] = deque()
    rest = iter(sources)
    while True:
        while len(ahead) < AHEAD and (source := next(rest, None)) is not None:
            ahead.append((source, pool.submit(source.read)))
        if not ahead:
            return
        source, reading = ahead.popleft()
        try:
            frames = reading.result()
        except UserError as error:
            faults[source.name] = str(error)
            continue
        predicted.append(source)
        yield frames


def _write(job: Job, source: Source, mask: np.ndarray) -> None:
    """Write what is wanted of a pair; the mask last, it says that all is there.

    The frames are read once more, which takes less than keeping those of all pairs that the network has.
    """
    if job.cutouts:
        cutout = Image.fromarray(cut_out(*source.read(), mask))
        write_png(job.cutout(source.number), cutout, job.compress_level)
    write_png(job.mask(source.number), mask_image(mask), job.compress_level)


# ---- all at a glance ----


def write_overviews(sources: Sequence[Source], record: Record | None, job: Job, tiles: int) -> list[Path]:
    """Write the contact sheet; put masks and cut-outs back where their frames lie on the clothed sheet, if on any.

    Args:
        sources: pairs that have results, at least one.
        record: where they lie.
        job: where the results are.
        tiles: pairs on the contact sheet at most.

    Returns:
        The files.
    """
    written = [job.folder / CONTACT_SHEET]
    write_png(written[0], contact_sheet(sources, job, tiles))
    if record is not None:
        pair = record.sheets[0]
        for kind, file_of in ((MASK, job.mask), (CUTOUT, job.cutout))[: 1 + job.cutouts]:
            sheet, _ = join_frames({source.number: file_of(source.number) for source in sources}, pair.clothed)
            written.append(job.folder / record.sheet_name(kind, pair))
            write_png(written[-1], Image.fromarray(sheet[..., 0] if kind == MASK else sheet))
    return written


def contact_sheet(sources: Sequence[Source], job: Job, tiles: int) -> Image.Image:
    """Clothed frame, mask over it and cut-out of pairs from the whole batch, as an RGB picture.

    Args:
        sources: pairs that have results, at least one.
        job: where the results are.
        tiles: how many pairs are shown at most.
    """
    count = min(tiles, len(sources))
    shown = [sources[place * len(sources) // count] for place in range(count)]
    views = ("clothed", "mask", "cut-out")[: 2 + job.cutouts]
    tiles_of = functools.lru_cache(maxsize=1)(functools.partial(_tiles, job))  # those of a pair are drawn in a row

    def tile(source: Source, place: int) -> Image.Image:
        return tiles_of(source)[place]

    pictures = [functools.partial(tile, source, place) for source in shown for place in range(len(views))]
    return picture_grid(
        pictures,
        [f"{source.number} {view}" for source in shown for view in views],
        columns=len(views) * min(len(shown), math.ceil(math.sqrt(len(shown) / 2))),
        tile_px=TILE_PX,
        title="Clothing masks and cut-outs" if job.cutouts else "Clothing masks",
        footer=f"{len(shown)} of {len(sources)} pairs",
    )


def _tiles(job: Job, source: Source) -> list[Image.Image]:
    """The pictures of a pair, cut to its figure."""
    frames = source.read()
    box = figure_box(frames)
    clothed = on_checks(near_tile_size(frames[1][box], TILE_PX))
    mask = near_tile_size(read_mask(job.mask(source.number))[box], TILE_PX)
    tiles = [clothed, marked(clothed, [(mask, MASK_COLOUR)])]
    if job.cutouts:
        cutout = np.asarray(read_image(job.cutout(source.number)))
        tiles.append(on_checks(near_tile_size(cutout[box], TILE_PX)))
    return [Image.fromarray(picture) for picture in tiles]
