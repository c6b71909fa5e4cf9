"""The sets of frames with true masks in a training folder: archived animations and the reviewed working set."""

import hashlib
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from common.errors import UserError, raise_faults
from common.grids import evenly
from common.images import read_image
from masks.sets.checking import CheckedPair, check_pairs, repeated_frames
from masks.sets.naming import (
    BASE,
    CLOTHED,
    FRAMES,
    FRAMES_BACKUP,
    MASK,
    MASKS_BACKUP,
    MASKS_CORRECTED,
    MASKS_INITIAL_BACKUP,
    files_of_kind,
    mask_name,
)
from masks.sets.pairs import FramePair, scan_pairs
from masks.sets.pixel_art import find_pixel_size, shrink, visible
from masks.sets.working_set import read_reviewed

WORKING_SET = "working set"
MOST_REMEMBERED = 16  # more frames take longer and teach hardly more
ARCHIVE_PREFIXES = (FRAMES_BACKUP, MASKS_BACKUP, MASKS_INITIAL_BACKUP)


@dataclass(frozen=True)
class FrameSet:
    """The frames of one animation; a train/validation split never divides a set."""

    name: str
    pairs: list[FramePair]


def gather_training_data(folder: Path) -> list[FrameSet]:
    """Find every set with masks in a training folder by the naming convention; the working set comes first.

    Of the working set, only reviewed frames count, and not those that are archived too: for these the archived mask
    is used. Every picture is read once, so that all faults of all sets are known before training starts.

    Raises:
        UserError: the folder or its sets are missing, or there are faults (listed together): pairs without a half or
            a mask, masks without a pair, pictures that are unreadable or differ in size, masks that are grey,
            inverted or of another size, the same frame in two archived sets.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    faults: list[str] = []
    archived = [frame_set for name in archived_names(folder) if (frame_set := archived_set(folder, name, faults))]
    working = reviewed_set(folder, faults)
    sets = ([working] if working else []) + archived
    checked = check_pairs(all_pairs(sets), faults)
    faults += repeated_frames(all_pairs(archived), checked)
    raise_faults("", faults)
    if working:
        working = _without_archived(working, archived, checked)
        sets = ([working] if working.pairs else []) + archived
    if not sets:
        raise UserError(
            f"{folder}: nothing to train on; it needs {FRAMES_BACKUP}<animation>/ with {MASKS_BACKUP}<animation>/, "
            f"or reviewed masks of {FRAMES}/ in {MASKS_CORRECTED}/"
        )
    for frame_set in archived:
        if len(frame_set.pairs) == 1:
            frames = frame_set.pairs[0].base.parent
            warnings.warn(f"{frames}: an animation of one frame; it is used all the same", stacklevel=2)
    return sets


def all_pairs(sets: Iterable[FrameSet]) -> list[FramePair]:
    """Return the pairs of all sets."""
    return [pair for frame_set in sets for pair in frame_set.pairs]


def remembered_pairs(folder: Path | None) -> tuple[FramePair, ...]:
    """Return pairs with true masks of a training folder, evenly chosen, that teach propagation; none without a folder.

    Raises:
        UserError: as `gather_training_data`.
    """
    return tuple(evenly(all_pairs(gather_training_data(folder)), MOST_REMEMBERED)) if folder else ()


def archived_names(folder: Path) -> list[str]:
    """Return the names of the archived animations in a training folder, whether complete or not."""
    folders = [(path, prefix) for prefix in ARCHIVE_PREFIXES for path in folder.glob(f"{prefix}*") if path.is_dir()]
    return sorted({path.name.removeprefix(prefix) for path, prefix in folders})


def archived_set(folder: Path, name: str, faults: list[str]) -> FrameSet | None:
    """Return the pairs with masks of an archived set; faults are appended to `faults`."""
    frames, corrected, initial = (folder / (prefix + name) for prefix in ARCHIVE_PREFIXES)
    masks = initial if initial.is_dir() and not corrected.is_dir() else corrected
    if not frames.is_dir():
        faults.append(f"{masks}: has no {frames.name}/")
    elif not masks.is_dir():
        faults.append(f"{frames}: has no {corrected.name}/")
    else:
        return _read_set(name, frames, masks, None, faults)
    return None


def reviewed_set(folder: Path, faults: list[str]) -> FrameSet | None:
    """Return the reviewed pairs of the working set, or None if there are none; faults are appended to `faults`."""
    try:
        reviewed = read_reviewed(folder)
    except UserError as error:
        faults.append(str(error))
        return None
    if not reviewed:
        return None
    return _read_set(WORKING_SET, folder / FRAMES, folder / MASKS_CORRECTED, reviewed, faults)


def _read_set(name: str, frames: Path, masks: Path, reviewed: set[str] | None, faults: list[str]) -> FrameSet | None:
    """Return the complete pairs with masks, all or only the reviewed ones; faults are appended to `faults`."""
    try:
        pairs, found = scan_pairs(frames)
    except UserError as error:
        faults.append(str(error))
        return None
    faults += [f"{frames / file_name}: {fault}" for file_name, fault in found.items()]
    there = files_of_kind(masks, MASK)
    if reviewed is not None:
        pairs = [pair for pair in pairs if pair.number in reviewed]
    known = files_of_kind(frames, BASE).keys() | files_of_kind(frames, CLOTHED).keys()
    for number in sorted(there if reviewed is None else reviewed):
        if number not in known:
            faults.append(f"{masks / mask_name(number)}: has no pair in {frames.name}/")
    for pair in pairs:
        if pair.number not in there:
            faults.append(f"{pair.base}: has no mask {masks.name}/{mask_name(pair.number)}")
    return FrameSet(name, [replace(p, mask=there[p.number]) for p in pairs if p.number in there])


def _without_archived(
    working: FrameSet, archived: Sequence[FrameSet], checked: dict[FramePair, CheckedPair]
) -> FrameSet:
    """Return the working set without the frames of archived sets; warns how many there are and whose masks differ."""
    homes = {checked[pair].frames: (frame_set.name, pair) for frame_set in archived for pair in frame_set.pairs}
    homes.pop("", None)
    twice = {pair for pair in working.pairs if checked[pair].frames in homes}
    if twice:
        names = sorted({homes[checked[pair].frames][0] for pair in twice})
        differ = sum(checked[pair].truth != checked[homes[checked[pair].frames][1]].truth for pair in twice)
        text = f"{len(twice)} frames of {FRAMES}/ are archived in {', '.join(names)}; the archived masks are used"
        if differ:
            text += f", although {differ} in {MASKS_CORRECTED}/ differ (step 7 with --replace archives those)"
        warnings.warn(text, stacklevel=3)
    return FrameSet(working.name, [pair for pair in working.pairs if pair not in twice])


# ---- what a model was trained on ----


def frame_keys(frame_set: FrameSet) -> list[str]:
    """Return a short hash of every clothed frame's art pixels; a checkpoint stores those that it was trained on.

    It is the same however the frame is enlarged or compressed.

    Raises:
        UserError: a frame cannot be read.
    """
    return [_art_hash(pair) for pair in frame_set.pairs]


def _art_hash(pair: FramePair) -> str:
    clothed = np.asarray(read_image(pair.clothed))
    art = visible(shrink(clothed, find_pixel_size([clothed])))
    return hashlib.sha256(repr(art.shape).encode() + art.tobytes()).hexdigest()[:16]


def split_seen(sets: Sequence[FrameSet], trained: set[str]) -> tuple[list[FrameSet], list[FrameSet]]:
    """Split sets into those with a frame whose key is in `trained` and those without."""
    seen = [frame_set for frame_set in sets if not trained.isdisjoint(frame_keys(frame_set))]
    return seen, [frame_set for frame_set in sets if frame_set not in seen]
