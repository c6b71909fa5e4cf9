"""Step 2 as a batch: a proposed mask and its unsureness for every frame; all masks are put in place at once.

Masks are collected in a hidden folder beside masks_initial/, where an interrupted run resumes. Only a finished run
replaces masks_initial/, whose earlier state goes to backups/.
"""

import filecmp
import functools
import math
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from common.alpha import around
from common.batches import Batch, Made, run_batch
from common.devices import describe_device
from common.errors import UserError, raise_faults
from common.files import leftovers, part_path, sha256_of
from common.grids import picture_grid
from common.images import png_bytes, read_image
from common.journals import JOURNAL, LOCK, Record
from common.ray_engine import RayCluster
from masks.correction.boxes import whole
from masks.correction.frame_screen import FrameScreen, as_bytes, overlay_colour
from masks.correction.viewport import Viewport
from masks.model.layered_pairs import contested_share
from masks.model.mask_threshold import calibrated_unsureness, threshold_mask
from masks.model.threshold_baselines import DIFFERENCE_SCALES, propose_mask
from masks.sets.backups import move_to_backups
from masks.sets.naming import MASK, MASKS_INITIAL, mask_name
from masks.sets.pairs import mask_image, read_mask
from masks.sets.working_set import write_proposals
from masks.sheets.frame_sources import IN_PROCESS, FrameSource, batch_items

PART = f".{MASKS_INITIAL}.part"  # the hidden folder, in which the next run resumes
VERSION = 5  # increase it when the same frames and settings give other masks
PRINTED = 5  # most unsure frames in the terminal
TILE_PX = 256
TILE_MARGIN = 0.1  # margin around the figure, as a share of its longer side
TINT = 0.5  # opacity of the mask on the contact sheet

MaskFunction = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class ProposalMethod:
    """A way to propose masks.

    Attributes:
        name: name for proposals.csv.
        settings: JSON values that decide what the masks look like.
        set_up: returns the function from a pair of frames, (H, W, 4) uint8, to mask and probability; it must pickle.
        weights: checkpoints that it loads.
        device: the device that does the computing.
    """

    name: str
    settings: Mapping[str, object]
    set_up: Callable[[], MaskFunction]
    weights: tuple[Path, ...] = ()
    device: str = "CPU"


def model_method(checkpoint: Path | None) -> ProposalMethod:
    """Return the method that uses the mask model; None: the default one.

    Raises:
        UserError: the checkpoint is missing or not one of this model.
    """
    from masks.model.checkpoint_format import network_of, read_checkpoint
    from masks.model.default_model import default_checkpoint

    try:
        path = default_checkpoint(checkpoint)
    except UserError as error:
        raise UserError(f"{error}; METHOD {' or '.join(DIFFERENCE_SCALES)} needs none") from error
    network_of(read_checkpoint(path), path)  # checks it before any work
    set_up = functools.partial(_load_model, path)
    return ProposalMethod("model", {"model": sha256_of(path)}, set_up, (path,), describe_device())


def _load_model(checkpoint: Path) -> MaskFunction:
    from masks.model.checkpoint_format import load_network
    from masks.model.inference import predict_probability

    model, device = load_network(checkpoint)

    def propose(base: np.ndarray, clothed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        probability = predict_probability(model, base, clothed, device)
        return threshold_mask(probability), probability

    return propose


def threshold_method(name: str, *, threshold: float | None, even_light: bool, tidy_art_px: int) -> ProposalMethod:
    """Return the method that thresholds colour differences; arguments as for `propose_mask`."""
    settings: dict[str, Any] = {"threshold": threshold, "even_light": even_light, "tidy_art_px": tidy_art_px}
    set_up = functools.partial(functools.partial, propose_mask, method=name, **settings)  # there is nothing to load
    return ProposalMethod(name, settings, set_up)


def propose_all(
    folder: Path,
    sources: Sequence[FrameSource],
    faults: Mapping[str, str],
    method: ProposalMethod,
    *,
    workers: int,
    chunk: int = 1,
    ray: RayCluster | None = None,
) -> tuple[dict[str, float], dict[str, str]]:
    """Propose a mask for every readable pair, into the hidden folder; resumes an interrupted run.

    Args:
        folder: the training folder.
        sources: pairs in the order of the result.
        faults: faults of other frames, by file name.
        method: makes the masks.
        workers: processes.
        chunk: pairs that a worker gets at a time.
        ray: where Ray proposes them; None: without Ray.

    Returns:
        The unsureness of each mask by frame number, 0 to 1; and the faults of all skipped frames by file name.

    Raises:
        UserError: as `run_batch`; or no frame can be read.
    """
    batch: Batch[FrameSource, dict[str, float]] = Batch(
        folder=folder / PART,
        settings={"version": VERSION, "method": method.name, **method.settings},
        files=(rf"{MASK}_(\d+)\.png",),
        check_facts=_check_facts,
        set_up=functools.partial(Proposer, method.set_up),
        tables=_unsureness_of,
        what="proposing",
        unit="frame",
        workers=workers,
        few=IN_PROCESS,
        chunk=chunk,
        ray=ray,
        on_gpu=bool(method.weights),
    )
    if batch.folder.is_symlink():
        raise UserError(f"{batch.folder}: is a link that leads elsewhere; remove it")
    for left in leftovers(folder / MASKS_INITIAL):
        shutil.rmtree(left, ignore_errors=True)
    with run_batch(batch, functools.partial(batch_items, sources, faults)) as outcome:
        pass
    if not outcome.tables:
        shutil.rmtree(folder / PART)
        raise_faults("", [f"{name}: {fault}" for name, fault in outcome.faults.items()])
    return outcome.tables, outcome.faults


def _check_facts(facts: Mapping[str, Any]) -> None:
    """Raise ValueError, TypeError or KeyError where these are not the facts of a mask."""
    if not 0 <= facts["unsureness"] <= 1:
        raise ValueError("unsureness must be 0 to 1")


def _unsureness_of(records: Iterator[Record]) -> dict[str, float]:
    return {record.name: float(record.facts["unsureness"]) for record in records if not record.fault}


class Proposer:
    """Proposes the mask of one pair."""

    def __init__(self, set_up: Callable[[], MaskFunction]) -> None:
        self._propose = set_up()

    def __call__(self, source: FrameSource) -> Made:
        """Return the mask's PNG and its unsureness."""
        base, clothed = source.read()
        mask, probability = self._propose(base, clothed)
        files = {mask_name(source.number): png_bytes(mask_image(mask))}
        return Made(
            files, {"unsureness": calibrated_unsureness(probability, contested_share(base, clothed, probability))}
        )


def put_in_place(folder: Path, unsureness: dict[str, float], method: ProposalMethod) -> tuple[bool, Path | None]:
    """Turn the hidden folder into masks_initial/, unless that holds the same already.

    Args:
        folder: the training folder.
        unsureness: 0 to 1 by frame number, for proposals.csv.
        method: named in proposals.csv.

    Returns:
        Whether masks_initial/ changed, and the backup of its earlier state, None if there was none.
    """
    target = folder / MASKS_INITIAL
    part = part_path(target)
    (folder / PART).rename(part)  # from here on, a kill leaves what the next run removes
    write_proposals(part, unsureness, method.name)
    for name in (JOURNAL, LOCK):
        (part / name).unlink()
    if _hold_the_same(part, target):
        shutil.rmtree(part)
        return False, None
    kept = move_to_backups(folder, [MASKS_INITIAL])
    if target.exists():
        target.rmdir()  # empty
    part.rename(target)
    return True, kept


def _hold_the_same(one: Path, other: Path) -> bool:
    names = [{path.name for path in folder.iterdir()} if folder.is_dir() else set() for folder in (one, other)]
    return names[0] == names[1] and not any(filecmp.cmpfiles(one, other, names[0], shallow=False)[1:])


# ---- contact sheet ----


def most_unsure(unsureness: dict[str, float]) -> list[str]:
    """Return the frame numbers, the most unsure first."""
    return sorted(unsureness, key=lambda number: -unsureness[number])


def contact_sheet(
    folder: Path, sources: Sequence[FrameSource], unsureness: dict[str, float], tiles: int, method: str
) -> Image.Image:
    """Draw the masks of masks_initial/ over their clothed frames, the most unsure first, as an RGB picture.

    Args:
        folder: the training folder.
        sources: the pairs of the working set.
        unsureness: 0 to 1 by frame number, at least one; other frames are left out.
        tiles: largest number of frames shown.
        method: name for the title.
    """
    by_number = {source.number: source for source in sources}
    numbers = most_unsure(unsureness)[:tiles]
    mean = sum(unsureness.values()) / len(unsureness)
    return picture_grid(
        [functools.partial(_overlay, folder, by_number[number]) for number in numbers],
        [f"frame {number}\nunsureness {unsureness[number]:.4f}" for number in numbers],
        columns=max(4, math.ceil(math.sqrt(1.5 * len(numbers)))),
        tile_px=TILE_PX,
        title=f"Proposed masks (method: {method})",
        footer=f"{len(numbers)} of {len(unsureness)} frames, the most unsure first; mean unsureness {mean:.4f}",
    )


def _overlay(folder: Path, source: FrameSource) -> Image.Image:
    """Draw the mask over the clothed frame, cropped to the figure, as the correction tool shows it."""
    clothed = np.asarray(read_image(source.clothed))
    mask = read_mask(folder / MASKS_INITIAL / mask_name(source.number)) > 0
    drawn = mask | (clothed[..., 3] > 0)
    rows, columns = around(drawn if drawn.any() else ~drawn, 0)
    zoom = TILE_PX / (1 + TILE_MARGIN) / max(rows.stop - rows.start, columns.stop - columns.start)
    left, top = (TILE_PX / 2 - (line.start + line.stop) / 2 * zoom for line in (columns, rows))
    screen = FrameScreen((TILE_PX, TILE_PX))
    screen.lay_out(clothed, Viewport(zoom, round(left), round(top)), None, (overlay_colour(clothed, mask), TINT))
    screen.paint(mask, whole(screen.pixels))
    return Image.fromarray(as_bytes(screen.pixels))
