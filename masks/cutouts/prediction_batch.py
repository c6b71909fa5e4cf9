"""Step 5 as a batch: a mask and a cut-out for every pair, then contact sheet and sheets.

What a person made comes first: a mask or cut-out in the output that no run has signed stays as it is, and a mask that
was reviewed in step 3 replaces the prediction.
"""

import contextlib
import functools
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from common.alpha import on_checks
from common.batches import Batch, Item, Made, Outcome, run_batch
from common.errors import UserError
from common.files import open_plain, sha256_of
from common.grids import evenly, picture_grid
from common.images import png_bytes, read_image
from common.journals import JOURNAL
from common.ray_engine import RayCluster
from masks.correction.propagation import features_of, propagate
from masks.cutouts.matting import cut_out
from masks.model.checkpoint_format import load_network
from masks.model.inference import predict_probability
from masks.model.mask_threshold import threshold_mask
from masks.sets.frame_pictures import figure_box, marked, near_tile_size
from masks.sets.naming import CUTOUT, CUTOUTS, MASK, MASKS, files_of_kind, listed, mask_name, numbered_name
from masks.sets.pairs import MASK_COLOUR, FramePair, MaskedFrame, mask_image, read_mask, read_masked
from masks.sets.pixel_art import shrink
from masks.sets.signatures import is_signed, signed, write_signed
from masks.sheets.cells import SheetRecord
from masks.sheets.frame_sources import IN_PROCESS, FrameSource, stamp
from masks.sheets.joining import join_frames

CONTACT_SHEET = "contact_sheet.png"
METHOD = 6  # increase it when the same frames and weights give other masks or cut-outs
UNSIGNED = 1  # the method before pictures were signed
TILE_PX = 256
PREDICTED, REVIEWED, BY_HAND = "predicted", "reviewed", "by hand"  # where a mask comes from


@dataclass(frozen=True, kw_only=True)
class PredictionOutput:
    """What step 5 writes, and where.

    Attributes:
        folder: gets masks/ and cutouts/.
        cutouts: whether to write cut-outs too.
        compress_level: PNG compression, 0 to 9.
    """

    folder: Path
    cutouts: bool
    compress_level: int

    def mask(self, number: str) -> Path:
        """File of a mask."""
        return self.folder / MASKS / mask_name(number)

    def cutout(self, number: str) -> Path:
        """File of a cut-out."""
        return self.folder / CUTOUTS / numbered_name(CUTOUT, number)

    @functools.cached_property
    def made_by_hand(self) -> set[Path]:
        """Return the masks and cut-outs in the folder that no run has signed."""
        files = [*files_of_kind(self.folder / MASKS, MASK).values()]
        files += files_of_kind(self.folder / CUTOUTS, CUTOUT).values()
        return {path for path in files if path.is_file() and not is_signed(path)}


@dataclass(frozen=True)
class PredictionTask:
    """A pair, and what a person has made of it.

    Attributes:
        source: the pair.
        origin: PREDICTED, REVIEWED (in step 3) or BY_HAND (a mask that lies in the output).
        mask: the person's mask; None to predict one.
        kept: which of MASK and CUTOUT a person made in the output; these files stay as they are.
    """

    source: FrameSource
    origin: str
    mask: Path | None
    kept: tuple[str, ...]

    @property
    def inputs(self) -> list[Path]:
        """Return the files that the mask and the cut-out are made from."""
        files = (self.source.base, self.source.clothed, self.mask)
        return [path for path in files if path is not None]

    @property
    def version(self) -> str:
        """Changes with the pair and with what the person made."""
        own = (*self.kept, *(stamp(self.mask) if self.mask else ()))
        return " ".join(map(str, (self.source.version, *own)))

    def read_mask(self, shape: tuple[int, ...]) -> np.ndarray:
        """Read the person's mask at the size of the frames: those of step 1 may be larger than the sheet's.

        Raises:
            UserError: it cannot be read, or has another size.
        """
        assert self.mask is not None
        mask = read_mask(self.mask)
        factor = mask.shape[0] // shape[0]
        if factor < 1 or mask.shape != (shape[0] * factor, shape[1] * factor):
            sizes = f"{mask.shape[1]} x {mask.shape[0]} px, but its frame {shape[1]} x {shape[0]}"
            raise UserError(f"{self.mask}: is {sizes}; draw it at the frame's size, or delete it")
        return shrink(mask, factor)


def check_signed(folder: Path) -> None:
    """Raise UserError for an output of an earlier version, whose masks cannot be told from those that a person made."""
    try:
        with open_plain(folder / JOURNAL) as journal:
            method = json.loads(journal.readline())["settings"]["method"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return  # no run yet, or a damaged journal
    if method == UNSIGNED:
        raise UserError(
            f"{folder}: an earlier version wrote it, and its masks cannot be told from yours; delete it, or set OUTPUT "
            "to another folder"
        )


def plan_tasks(
    sources: Sequence[FrameSource], reviewed: Mapping[str, Path], output: PredictionOutput
) -> list[PredictionTask]:
    """Find out which masks and cut-outs a person has made.

    Args:
        sources: the pairs.
        reviewed: masks that were reviewed in step 3, by number.
        output: what is written.

    Raises:
        UserError: as `check_signed`.
    """
    check_signed(output.folder)
    kept = output.made_by_hand
    tasks = []
    for source in sources:
        names = {MASK: output.mask(source.number), CUTOUT: output.cutout(source.number)}
        own = tuple(kind for kind, path in names.items() if path in kept)
        if MASK in own:
            tasks.append(PredictionTask(source, BY_HAND, names[MASK], own))
        elif source.number in reviewed:
            tasks.append(PredictionTask(source, REVIEWED, reviewed[source.number], own))
        else:
            tasks.append(PredictionTask(source, PREDICTED, None, own))
    return tasks


def describe(tasks: Sequence[PredictionTask]) -> list[str]:
    """Describe in words what was taken from a person, one line per kind."""
    found = {
        "reviewed in step 3, used instead of predictions": [t for t in tasks if t.origin == REVIEWED],
        "masks that you made or changed, kept and used (delete them to have them made anew)": [
            t for t in tasks if MASK in t.kept
        ],
        "cut-outs that you made or changed, kept (delete them to have them made anew)": [
            t for t in tasks if CUTOUT in t.kept
        ],
    }
    return [f"{listed([t.source.number for t in some])}: {what}" for what, some in found.items() if some]


def predict_all(
    tasks: Sequence[PredictionTask],
    faults: Mapping[str, str],
    output: PredictionOutput,
    checkpoint: Path,
    *,
    propagates: bool,
    remembered: tuple[FramePair, ...] = (),
    workers: int,
    chunk: int = 1,
    ray: RayCluster | None = None,
) -> AbstractContextManager[Outcome[None]]:
    """Predict the pairs that have no up-to-date mask; see `run_batch`.

    Args:
        tasks: the pairs.
        faults: faults of other frames, by file name.
        output: what is written.
        checkpoint: weights of the mask model.
        propagates: whether a person's masks change the predictions alike.
        remembered: pairs with true masks of other sheets that change the predictions alike.
        workers: processes.
        chunk: pairs that a worker gets at a time.
        ray: where Ray predicts them; None: without Ray.

    Raises:
        UserError: as `run_batch`.
    """
    kept = output.made_by_hand
    teachers = tuple(task for task in tasks if propagates and task.mask is not None)
    settings = {"method": METHOD, "weights": sha256_of(checkpoint), "cutouts": output.cutouts}
    if teachers:
        settings["taught by"] = [f"{task.source.number} {task.version}" for task in teachers]
    if remembered:
        settings["remembered"] = [
            " ".join(map(str, stamp(path))) for p in remembered for path in (p.base, p.clothed, p.mask) if path
        ]
    batch: Batch[PredictionTask, None] = Batch(
        folder=output.folder,
        settings=settings,
        files=(_pattern(MASKS, MASK, kept), _pattern(CUTOUTS, CUTOUT, kept)),
        set_up=functools.partial(Predictor, checkpoint, output.cutouts, output.compress_level, teachers, remembered),
        tables=lambda records: None,
        what="predicting",
        unit="pair",
        workers=workers,
        few=IN_PROCESS,
        chunk=chunk,
        ray=ray,
        on_gpu=True,
    )
    return run_batch(batch, functools.partial(_items, tasks, faults))


def _pattern(folder: str, kind: str, kept: set[Path]) -> str:
    """Return the pattern of a kind's files; it leaves out what a person made, so that no run touches it."""
    names = "|".join(re.escape(path.name) for path in kept if path.parent.name == folder)
    return rf"{folder}/{f'(?!(?:{names})$)' if names else ''}{kind}_(\d+)\.png"


def _items(tasks: Sequence[PredictionTask], faults: Mapping[str, str]) -> Iterator[Item[PredictionTask]]:
    """Yield the faulty frames and then the pairs as items of a batch."""
    for name, fault in faults.items():
        yield Item(name, "", name, fault=fault)
    for task in tasks:
        yield Item(task.source.number, task.version, task.source.label, task)


class Predictor:
    """Makes the mask of one pair, unless a person made it, and cuts the clothing out."""

    def __init__(
        self,
        checkpoint: Path,
        cutouts: bool,
        compress_level: int,
        teachers: Sequence[PredictionTask] = (),
        remembered: Sequence[FramePair] = (),
    ) -> None:
        self._model, self._device = load_network(checkpoint)
        self._cutouts, self._compress_level = cutouts, compress_level
        self._known = [features_of(read_masked(pair)) for pair in remembered]
        for task in teachers:
            with contextlib.suppress(UserError):  # listed as a fault when its turn comes
                base, clothed = task.source.read()
                self._known.append(features_of(MaskedFrame(base, clothed, task.read_mask(base.shape[:2]) > 0)))

    def __call__(self, task: PredictionTask) -> Made:
        """Return the PNGs of one pair that no person made."""
        base, clothed = task.source.read()
        if task.mask is None:
            mask = threshold_mask(predict_probability(self._model, base, clothed, self._device))
            taught = propagate(self._known, MaskedFrame(base, clothed, mask > 0))
            mask = mask if taught is None else taught[0] * np.uint8(255)
        else:
            mask = task.read_mask(base.shape[:2])
        pictures: dict[str, Image.Image] = {}
        if MASK not in task.kept:
            pictures[f"{MASKS}/{mask_name(task.source.number)}"] = mask_image(mask)
        if self._cutouts and CUTOUT not in task.kept:
            cutout = Image.fromarray(cut_out(base, clothed, mask))
            pictures[f"{CUTOUTS}/{numbered_name(CUTOUT, task.source.number)}"] = cutout
        return Made({file: signed(png_bytes(picture, self._compress_level)) for file, picture in pictures.items()})


# ---- overviews ----


def write_overviews(
    tasks: Sequence[PredictionTask], record: SheetRecord | None, output: PredictionOutput, tiles: int
) -> dict[Path, bool]:
    """Write the contact sheet and, for frames from sheets, sheets of masks and cut-outs laid out as the clothed sheet.

    Args:
        tasks: pairs with results, at least one.
        record: where the frames lie on sheets, if they do.
        output: where the results are.
        tiles: largest number of pairs on the contact sheet.

    Returns:
        The files, and whether each was written; one that a person changed stays as it is.
    """
    pictures = {output.folder / CONTACT_SHEET: contact_sheet(tasks, output, tiles)}
    if record is not None:
        pair = record.sheets[0]
        for kind, file_of in ((MASK, output.mask), (CUTOUT, output.cutout))[: 1 + output.cutouts]:
            sheet, _ = join_frames({n: file_of(n) for n in (task.source.number for task in tasks)}, pair.clothed)
            picture = Image.fromarray(sheet[..., 0] if kind == MASK else sheet)
            pictures[output.folder / record.sheet_name(kind, pair)] = picture
    level = output.compress_level
    return {path: write_signed(path, png_bytes(picture, level)) for path, picture in pictures.items()}


def contact_sheet(tasks: Sequence[PredictionTask], output: PredictionOutput, tiles: int) -> Image.Image:
    """Draw the clothed frame, the mask over it and the cut-out of evenly chosen pairs, as an RGB picture.

    Args:
        tasks: pairs with results, at least one.
        output: where the results are.
        tiles: largest number of pairs shown.
    """
    chosen = evenly(tasks, tiles)
    views = ("clothed", "mask", "cut-out")[: 2 + output.cutouts]
    tiles_of = functools.lru_cache(maxsize=1)(functools.partial(_tiles, output))  # a pair's tiles are drawn in a row

    def tile(task: PredictionTask, place: int) -> Image.Image:
        return tiles_of(task.source)[place]

    pictures = [functools.partial(tile, task, place) for task in chosen for place in range(len(views))]
    return picture_grid(
        pictures,
        [f"{task.source.number} {_label(task, view)}" for task in chosen for view in views],
        columns=len(views) * min(len(chosen), math.ceil(math.sqrt(len(chosen) / 2))),
        tile_px=TILE_PX,
        title="Clothing masks and cut-outs" if output.cutouts else "Clothing masks",
        footer=f"{len(chosen)} of {len(tasks)} pairs",
    )


def _label(task: PredictionTask, view: str) -> str:
    return f"{view}, {task.origin}" if view == "mask" and task.origin != PREDICTED else view


def _tiles(output: PredictionOutput, source: FrameSource) -> list[Image.Image]:
    """Draw the tiles of a pair, cropped to its figure."""
    frames = source.read()
    box = figure_box(frames)
    clothed = on_checks(near_tile_size(frames[1][box], TILE_PX))
    mask = near_tile_size(read_mask(output.mask(source.number))[box], TILE_PX)
    tiles = [clothed, marked(clothed, [(mask, MASK_COLOUR)])]
    if output.cutouts:
        cutout = np.asarray(read_image(output.cutout(source.number)))
        tiles.append(on_checks(near_tile_size(cutout[box], TILE_PX)))
    return [Image.fromarray(picture) for picture in tiles]
