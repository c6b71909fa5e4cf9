"""Proposed masks of a whole working set: made in flat memory, resumable, and put in place all at once.

Masks are collected in a hidden folder beside masks_initial/ with a note of what they are made from. A run that was
interrupted goes on there; only a finished one replaces masks_initial/, whose earlier state goes to backups/.
"""

import csv
import filecmp
import functools
import hashlib
import io
import json
import math
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from common.devices import describe_device
from common.errors import UserError, check_range
from common.files import sha256_of, write_faults, write_text
from common.grids import picture_grid
from common.images import read_image, write_png
from masks.correction.editing import whole
from masks.correction.viewing import FrameScreen, Viewport, as_bytes
from masks.model.mask_threshold import mask_unsureness, threshold_mask
from masks.model.threshold_baselines import DIFFERENCE_SCALES, propose_mask
from masks.sets.backups import move_to_backups
from masks.sets.naming import MASKS_INITIAL, mask_name
from masks.sets.pairs import FramePair, mask_image, read_mask, read_pair
from masks.sets.working_set import write_proposals

STAGE = f".{MASKS_INITIAL}.part"
NOTE = ".made_from"
JOURNAL = ".journal.csv"
PRINTED = 5  # most unsure frames in the terminal
TILE_PX = 256
TILE_MARGIN = 0.1  # around the figure, as a share of its longer side
TINT = 0.5  # opacity of the mask on the contact sheet

Frames = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Method:
    """A way to propose masks.

    Attributes:
        name: for proposals.csv.
        settings: all that decides what the masks look like, beside the frames.
        propose: from (H, W, 4) uint8 frames to masks, (H, W) uint8 of 0 or 255, each with its unsureness, 0 to 1.
        weights: its checkpoints.
        device: what computes.
    """

    name: str
    settings: Mapping[str, object]
    propose: Callable[[Iterator[Frames]], Iterator[tuple[np.ndarray, float]]]
    weights: tuple[Path, ...] = ()
    device: str = "CPU"


def by_model(checkpoint: Path) -> Method:
    """The method that asks the model.

    Raises:
        UserError: no such checkpoint, or not one of this model.
    """
    from masks.model.checkpoint_format import find_checkpoint, load_network
    from masks.model.inference import predict_probabilities

    try:
        path = find_checkpoint(checkpoint)
    except UserError as error:
        raise UserError(f"{error}; METHOD {' or '.join(DIFFERENCE_SCALES)} needs none") from error
    model, device = load_network(path)

    def propose(frames: Iterator[Frames]) -> Iterator[tuple[np.ndarray, float]]:
        for probability in predict_probabilities(model, frames, device):
            yield threshold_mask(probability), mask_unsureness(probability)

    return Method("model", {"model": sha256_of(path)}, propose, (path,), describe_device())


def by_threshold(kind: str, threshold: float | None, even_light: bool, tidy_art_px: int) -> Method:
    """The method that cuts differences at a threshold; arguments as of `propose_mask`.

    Raises:
        UserError: no such method, or numbers out of range.
    """
    if kind not in DIFFERENCE_SCALES:
        raise UserError(f"setting METHOD is {kind!r}; it must be model, {' or '.join(DIFFERENCE_SCALES)}")
    check_range("TIDY_ART_PX", tidy_art_px, 0, 10_000)
    if threshold is not None:
        check_range("THRESHOLD", threshold, 0, 255)

    def propose(frames: Iterator[Frames]) -> Iterator[tuple[np.ndarray, float]]:
        for base, clothed in frames:
            mask, probability = propose_mask(
                base, clothed, method=kind, threshold=threshold, even_light=even_light, tidy_art_px=tidy_art_px
            )
            yield mask, mask_unsureness(probability)

    return Method(kind, {"threshold": threshold, "even light": even_light, "tidy": tidy_art_px}, propose)


def propose_all(folder: Path, pairs: list[FramePair], method: Method) -> tuple[dict[str, float], dict[str, str]]:
    """Propose a mask for every pair that can be read, into the hidden folder; go on where an earlier run stopped.

    Args:
        folder: the training folder.
        pairs: in the order of the result.
        method: makes the masks.

    Returns:
        How unsure each mask is by frame number, 0 to 1; and what is wrong with the other frames, by file name.
    """
    stage = folder / STAGE
    _start_or_resume(stage, _made_from(pairs, method))
    unsureness = _read_journal(stage)
    faults: dict[str, str] = {}
    waiting: deque[FramePair] = deque()
    rest = [pair for pair in pairs if pair.number not in unsureness]
    with (
        open(stage / JOURNAL, "a", encoding="utf-8", newline="\n") as journal,
        tqdm(desc="proposing", total=len(pairs), initial=len(unsureness), unit="frame") as bar,
    ):
        for mask, value in method.propose(_readable(rest, waiting, faults)):
            pair = waiting.popleft()
            write_png(stage / mask_name(pair.number), mask_image(mask))
            journal.write(f"{pair.number},{value!r}\n")
            journal.flush()
            unsureness[pair.number] = value
            bar.update(len(unsureness) + len(faults) - bar.n)
    if not unsureness:
        shutil.rmtree(stage)
    return {pair.number: unsureness[pair.number] for pair in pairs if pair.number in unsureness}, faults


def _readable(pairs: Iterable[FramePair], waiting: deque[FramePair], faults: dict[str, str]) -> Iterator[Frames]:
    """The frames of each pair that can be read, noted in `waiting`; what is wrong with others goes to `faults`."""
    for pair in pairs:
        try:
            frames = read_pair(pair)
        except UserError as error:
            faults[pair.base.name] = str(error)
            continue
        waiting.append(pair)
        yield frames


def _made_from(pairs: list[FramePair], method: Method) -> str:
    """A hash that changes with the method and, by their sizes and times, with the files."""
    files = [(path.name, path.stat()) for pair in pairs for path in (pair.base, pair.clothed)]
    facts = [method.name, dict(method.settings), [(name, stat.st_size, stat.st_mtime_ns) for name, stat in files]]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _start_or_resume(stage: Path, made_from: str) -> None:
    note = stage / NOTE
    if not note.is_file() or note.read_text(encoding="utf-8") != made_from:
        shutil.rmtree(stage, ignore_errors=True)
        write_text(note, made_from)


def _read_journal(stage: Path) -> dict[str, float]:
    """How unsure each mask is that an interrupted run finished; it may have died within a line."""
    path = stage / JOURNAL
    if not path.is_file():
        return {}
    whole_lines, end, _ = path.read_text(encoding="utf-8").rpartition("\n")
    write_text(path, whole_lines + end)
    return {number: float(value) for number, value in csv.reader(io.StringIO(whole_lines))}


def put_in_place(
    folder: Path, unsureness: dict[str, float], faults: Mapping[str, str], method: Method
) -> tuple[bool, Path | None]:
    """Turn what `propose_all` made into masks_initial/, unless that holds the same already.

    Args:
        folder: the training folder.
        unsureness: by frame number, for proposals.csv.
        faults: by file name, for faults.csv.
        method: for proposals.csv.

    Returns:
        Whether masks_initial/ changed, and where its earlier state is kept, None where there was none.
    """
    stage, target = folder / STAGE, folder / MASKS_INITIAL
    write_proposals(stage, unsureness, method.name)
    write_faults(stage, faults)
    for name in (NOTE, JOURNAL):
        (stage / name).unlink()
    if _hold_the_same(stage, target):
        shutil.rmtree(stage)
        return False, None
    kept = move_to_backups(folder, [MASKS_INITIAL])
    if target.exists():
        target.rmdir()  # empty
    stage.rename(target)
    return True, kept


def _hold_the_same(one: Path, other: Path) -> bool:
    names = [{path.name for path in folder.iterdir()} if folder.is_dir() else set() for folder in (one, other)]
    return names[0] == names[1] and not any(filecmp.cmpfiles(one, other, names[0], shallow=False)[1:])


def most_unsure(unsureness: dict[str, float]) -> list[str]:
    """Frame numbers, the most unsure first."""
    return sorted(unsureness, key=lambda number: -unsureness[number])


def contact_sheet(
    folder: Path, pairs: list[FramePair], unsureness: dict[str, float], tiles: int, method: str
) -> Image.Image:
    """The masks of masks_initial/ over their clothed frames, the most unsure first, as an RGB picture.

    Args:
        folder: the training folder.
        pairs: those of the working set.
        unsureness: by frame number, at least one; frames without it are left out.
        tiles: how many are shown at most.
        method: for the title.
    """
    by_number = {pair.number: pair for pair in pairs}
    numbers = most_unsure(unsureness)[:tiles]
    mean = sum(unsureness.values()) / len(unsureness)
    return picture_grid(
        [functools.partial(_overlay, folder, by_number[number]) for number in numbers],
        [f"frame {number}\nunsureness {unsureness[number]:.3f}" for number in numbers],
        columns=max(4, math.ceil(math.sqrt(1.5 * len(numbers)))),
        tile_px=TILE_PX,
        title=f"Proposed masks (method: {method})",
        footer=f"{len(numbers)} of {len(unsureness)} frames, the most unsure first; mean unsureness {mean:.3f}",
    )


def _overlay(folder: Path, pair: FramePair) -> Image.Image:
    """The mask over the clothed frame, cut to its figure, as the correction tool shows it."""
    clothed = np.asarray(read_image(pair.clothed))
    mask = read_mask(folder / MASKS_INITIAL / mask_name(pair.number)) > 0
    drawn = mask | (clothed[..., 3] > 0)
    rows, columns = (np.flatnonzero(drawn.any(axis=axis)) if drawn.any() else np.arange(8) for axis in (1, 0))
    zoom = TILE_PX / (1 + TILE_MARGIN) / max(np.ptp(rows) + 1, np.ptp(columns) + 1)
    left, top = (TILE_PX / 2 - (places[0] + places[-1] + 1) / 2 * zoom for places in (columns, rows))
    screen = FrameScreen((TILE_PX, TILE_PX))
    screen.lay_out(clothed, Viewport(zoom, round(left), round(top)), None, TINT)
    screen.paint(mask, whole(screen.pixels))
    return Image.fromarray(as_bytes(screen.pixels))
