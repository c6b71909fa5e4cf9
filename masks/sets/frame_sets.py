"""Frames and masks on disk: the naming convention, the working set, and the sets that train.

A training folder holds

    frames/                       base_frame_XX.png, clothed_frame_XX.png     the working set
    masks_initial/                mask_XX.png, proposals.csv                  proposed by step 2
    masks_corrected/              mask_XX.png, reviewed.json                  made by hand in step 3
    frames_backup_<animation>/    base_frame_XX.png, clothed_frame_XX.png     archived by step 7
    masks_backup_<animation>/     mask_XX.png
    masks_initial_backup_<animation>/   mask_XX.png, used where there is no masks_backup_<animation>/
    backups/                      dated copies of what a script replaced; never gathered

XX is the frame's number, of any number of digits. Two files belong together where it is the same text.
"""

import csv
import hashlib
import io
import json
import os
import re
import shutil
import time
import warnings
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from common.errors import UserError, raise_faults
from common.files import sha256_of, write_text
from common.images import read_image
from masks.sets.pixel_art import visible

FRAMES = "frames"
MASKS_INITIAL = "masks_initial"
MASKS_CORRECTED = "masks_corrected"
FRAMES_BACKUP = "frames_backup_"
MASKS_BACKUP = "masks_backup_"
MASKS_INITIAL_BACKUP = "masks_initial_backup_"
BACKUPS = "backups"
WORKING_SET = "working set"
PROPOSALS = "proposals.csv"
REVIEWED = "reviewed.json"
MASK_COLOUR = "#ff3d9a"  # in which masks are shown everywhere
BASE, CLOTHED, MASK = "base_frame", "clothed_frame", "mask"  # what file names begin with
ALIKE_SHARE = 0.1  # share of pixels that must be alike in both frames before a mask is judged by them
CHANGED_SHARE = 0.01  # share of the figure that may change although nobody wears anything
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True)
class Pair:
    """A base frame, the same frame clothed, and its mask where there is one.

    Attributes:
        number: the XX of the file names, as text.
        base: file of the base body.
        clothed: file of the clothed body.
        mask: file of the clothing mask.
    """

    number: str
    base: Path
    clothed: Path
    mask: Path | None = None


@dataclass(frozen=True)
class FrameSet:
    """The frames of one animation; frames of one set never stand on both sides of a split."""

    name: str
    pairs: list[Pair]


# ---- names ----


def base_name(number: str) -> str:
    """File name of a base frame."""
    return f"{BASE}_{number}.png"


def clothed_name(number: str) -> str:
    """File name of a clothed frame."""
    return f"{CLOTHED}_{number}.png"


def mask_name(number: str) -> str:
    """File name of a mask."""
    return f"{MASK}_{number}.png"


def numbers_in(folder: Path, prefix: str) -> list[str]:
    """The XX of all files `<prefix>_XX.png` in a folder, in numeric order; empty where the folder is missing."""
    return list(_files_in(folder, prefix))


def _files_in(folder: Path, prefix: str) -> dict[str, Path]:
    """All files `<prefix>_XX.png` (or .PNG) by XX, in numeric order."""
    paths = folder.iterdir() if folder.is_dir() else []
    found = [(match[1], path) for path in paths if (match := _pattern(prefix).fullmatch(path.name))]
    return dict(sorted(found, key=lambda item: (int(item[0]), *item)))


def _pattern(prefix: str) -> re.Pattern[str]:
    return re.compile(rf"{prefix}_([0-9]+)\.(?:png|PNG)")


def find_pairs(folder: Path) -> list[Pair]:
    """All pairs of base and clothed frames in a folder, in numeric order.

    Raises:
        UserError: no such folder, no frames in it, or the faults that `scan_pairs` finds (all listed at once).
    """
    pairs, faults = scan_pairs(folder)
    raise_faults(str(folder), [f"{name} {fault}" for name, fault in faults.items()])
    return pairs


def scan_pairs(folder: Path) -> tuple[list[Pair], dict[str, str]]:
    """The pairs of a folder that are whole, in numeric order, and what is wrong with other frames, by file name.

    Faults are a missing half, a number that stands twice ("1" and "01"), and a name that has no number.

    Raises:
        UserError: no such folder, or no frames in it.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder of frames")
    base, clothed = _files_in(folder, BASE), _files_in(folder, CLOTHED)
    faults = _strange_names(folder, BASE) | _strange_names(folder, CLOTHED)
    if not base and not clothed and not faults:
        raise UserError(f"{folder}: no frames; they are named {base_name('00')} and {clothed_name('00')}")
    faults |= _halves(base, clothed, CLOTHED) | _halves(clothed, base, BASE)
    pairs = [Pair(number, base[number], clothed[number]) for number in base if number in clothed]
    return [pair for pair in pairs if not {pair.base.name, pair.clothed.name} & faults.keys()], faults


def _halves(ours: dict[str, Path], others: dict[str, Path], prefix: str) -> dict[str, str]:
    """The files that lack their other half, whose name begins with `prefix`."""
    by_value = {int(number): path.name for number, path in others.items()}
    faults = {}
    for number, path in ours.items():
        if number not in others:
            near = by_value.get(int(number))
            hint = f"; {near} is there, but numbers are compared as text" if near else ""
            faults[path.name] = f"has no {prefix}_{number}.png{hint}"
    return faults


def _strange_names(folder: Path, prefix: str) -> dict[str, str]:
    """What is wrong with the names of pictures that seem meant as frames, by file name."""
    strange: dict[str, str] = {}
    first: dict[int, str] = {}
    for name in sorted(path.name for path in folder.iterdir()):
        match = _pattern(prefix).fullmatch(name)
        if match:
            other = first.setdefault(int(match[1]), name)
            if other != name:
                strange[name] = f"has the same number as {other}"
        elif name.lower().startswith(prefix) and name.lower().endswith(PICTURE_SUFFIXES):
            strange[name] = f"is not named {prefix}_XX.png with a number XX"
    return strange


# ---- pictures ----


def read_pair(pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    """Base and clothed frame as (H, W, 4) uint8 RGBA of one size.

    Raises:
        UserError: a file cannot be read, or the sizes differ.
    """
    base, clothed = (np.asarray(read_image(path)) for path in (pair.base, pair.clothed))
    if base.shape != clothed.shape:
        sizes = " but ".join(f"{a.shape[1]} x {a.shape[0]}" for a in (base, clothed))
        raise UserError(f"{pair.base} and {pair.clothed.name}: sizes differ, {sizes} px; export both alike")
    return base, clothed


def read_mask(path: Path) -> np.ndarray:
    """A mask file as (H, W) uint8 of 0 or 255.

    Raises:
        UserError: cannot be read, or has transparency, colours or greys.
    """
    rgba = np.asarray(read_image(path))
    grey = rgba[..., 0]
    remedy = "a mask is opaque, black (0) and white (255)"
    if (rgba[..., 3] != 255).any():
        raise UserError(f"{path}: has transparent pixels; {remedy}")
    if (grey != rgba[..., 1]).any() or (grey != rgba[..., 2]).any():
        raise UserError(f"{path}: has colours; {remedy}")
    soft = np.count_nonzero((grey > 0) & (grey < 255))
    if soft:
        raise UserError(f"{path}: {soft} of its {grey.size} pixels are neither 0 nor 255; {remedy}")
    return grey.copy()


def check_mask(pair: Pair, base: np.ndarray, clothed: np.ndarray, mask: np.ndarray) -> None:
    """Refuse a mask that cannot be the truth of its pair.

    Args:
        pair: for the message.
        base: (H, W, 4) uint8.
        clothed: (H, W, 4) uint8.
        mask: (H, W) uint8 of 0 or 255.

    Raises:
        UserError: another size than the frames; white over most of what both frames show alike, as an inverted mask
            is; all black although the frames clearly show different things.
    """
    from masks.sets.differences import share_that_changed  # brings OpenCV, which the correction tool must not load

    if mask.shape != clothed.shape[:2]:
        sizes = f"{mask.shape[1]} x {mask.shape[0]} px, the frames {clothed.shape[1]} x {clothed.shape[0]}"
        raise UserError(f"{pair.mask}: is {sizes}; mask and frames need one size")
    alike = visible(base) == visible(clothed)
    if alike.mean() > ALIKE_SHARE and mask[alike].mean() > 255 / 2:
        raise UserError(f"{pair.mask}: white where both frames show the same; is it inverted?")
    if not mask.any() and not alike.all() and share_that_changed(base, clothed) > CHANGED_SHARE:
        raise UserError(f"{pair.mask}: all black, but the clothed frame clearly differs from the base frame")


# ---- sets that train ----


@dataclass(frozen=True)
class CheckedPair:
    """What reading a pair and its mask showed.

    Attributes:
        faults: what is wrong, one line each.
        frames: fingerprint of what both frames show; empty for a clothed frame that shows nothing, or a fault.
        truth: fingerprint of the mask.
    """

    faults: list[str]
    frames: str = ""
    truth: str = ""


def gather_training_data(folder: Path) -> list[FrameSet]:
    """Every set in a training folder that has masks, found by the naming convention; the working set comes first.

    The working set counts with its reviewed frames alone, and without those that are archived too: there the
    archived mask trains. Every picture is read once, so that all faults of all sets are known before anything trains.

    Raises:
        UserError: no such folder, no set in it, or faults (listed together): pairs without halves or mask, masks
            without pair, unreadable or unequal pictures, masks that are soft, inverted or of another size, the same
            frame in two archived sets.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    faults: list[str] = []
    archived = [frame_set for name in archived_names(folder) if (frame_set := archived_set(folder, name, faults))]
    working = working_set(folder, faults)
    sets = ([working] if working else []) + archived
    checked = check_pairs(sets, faults)
    faults += repeated_frames(archived, checked)
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
            warnings.warn(f"{frames}: an animation of one frame; it trains all the same", stacklevel=2)
    return sets


def archived_names(folder: Path) -> list[str]:
    """The animations that a training folder names in archived frames or masks, whether complete or not."""
    prefixes = (FRAMES_BACKUP, MASKS_BACKUP, MASKS_INITIAL_BACKUP)
    names = {path.name.removeprefix(p) for p in prefixes for path in folder.glob(f"{p}*") if path.is_dir()}
    return sorted(names)


def archived_set(folder: Path, name: str, faults: list[str]) -> FrameSet | None:
    """The pairs of an archived set that have masks; what is wrong goes to `faults`."""
    frames, corrected, initial = (folder / (p + name) for p in (FRAMES_BACKUP, MASKS_BACKUP, MASKS_INITIAL_BACKUP))
    masks = initial if initial.is_dir() and not corrected.is_dir() else corrected
    if not frames.is_dir():
        faults.append(f"{masks}: has no {frames.name}/")
    elif not masks.is_dir():
        faults.append(f"{frames}: has no {corrected.name}/")
    else:
        return _read_set(name, frames, masks, None, faults)
    return None


def working_set(folder: Path, faults: list[str]) -> FrameSet | None:
    """The reviewed pairs of the working set, or None where there are none; what is wrong goes to `faults`."""
    try:
        reviewed = read_reviewed(folder)
    except UserError as error:
        faults.append(str(error))
        return None
    if not reviewed:
        return None
    return _read_set(WORKING_SET, folder / FRAMES, folder / MASKS_CORRECTED, reviewed, faults)


def _read_set(name: str, frames: Path, masks: Path, reviewed: set[str] | None, faults: list[str]) -> FrameSet | None:
    """The whole pairs with masks, of all numbers or of those reviewed; what is wrong goes to `faults`."""
    try:
        pairs, found = scan_pairs(frames)
    except UserError as error:
        faults.append(str(error))
        return None
    faults += [f"{frames / file_name}: {fault}" for file_name, fault in found.items()]
    there = _files_in(masks, MASK)
    if reviewed is not None:
        pairs = [pair for pair in pairs if pair.number in reviewed]
    known = {*numbers_in(frames, BASE), *numbers_in(frames, CLOTHED)}
    for number in sorted(there if reviewed is None else reviewed):
        if number not in known:
            faults.append(f"{masks / mask_name(number)}: has no pair in {frames.name}/")
    for pair in pairs:
        if pair.number not in there:
            faults.append(f"{pair.base}: has no mask {masks.name}/{mask_name(pair.number)}")
    return FrameSet(name, [replace(p, mask=there[p.number]) for p in pairs if p.number in there])


def check_pairs(sets: Sequence[FrameSet], faults: list[str]) -> dict[Pair, CheckedPair]:
    """Read all pairs and masks on all processors, with a bar where it takes long; what is wrong goes to `faults`."""
    pairs = [pair for frame_set in sets for pair in frame_set.pairs]
    with ThreadPoolExecutor(os.cpu_count()) as readers:
        results = readers.map(_check_pair, pairs)
        bar = tqdm(results, "checking", len(pairs), unit="frame", delay=1, leave=False)
        checked = dict(zip(pairs, bar, strict=True))
    faults += [fault for facts in checked.values() for fault in facts.faults]
    return checked


def _check_pair(pair: Pair) -> CheckedPair:
    assert pair.mask is not None
    faults, pictures, mask = [], None, None
    try:
        pictures = read_pair(pair)
    except UserError as error:
        faults.append(str(error))
    try:
        mask = read_mask(pair.mask)
        if pictures is not None:
            check_mask(pair, *pictures, mask)
    except UserError as error:
        faults.append(str(error))
    if faults or pictures is None or mask is None:
        return CheckedPair(faults)
    shown = [visible(picture) for picture in pictures]
    return CheckedPair([], _fingerprint(*shown) if shown[1].any() else "", _fingerprint(mask))


def _fingerprint(*arrays: np.ndarray) -> str:
    """The same for arrays of the same shapes and values alone."""
    total = hashlib.sha256()
    for array in arrays:
        total.update(str(array.shape).encode())
        total.update(np.ascontiguousarray(array).data)
    return total.hexdigest()


def repeated_frames(sets: Sequence[FrameSet], checked: dict[Pair, CheckedPair]) -> list[str]:
    """The frames that stand in two sets, as faults; one set may hold a pose twice."""
    faults = []
    first: dict[str, Pair] = {}
    for frame_set in sets:
        for pair in frame_set.pairs:
            frames = checked[pair].frames
            other = first.setdefault(frames, pair) if frames else pair
            if other.base.parent != pair.base.parent:
                faults.append(f"{pair.clothed}: the same frame as {other.clothed}; a frame belongs to one set")
    return faults


def _without_archived(working: FrameSet, archived: list[FrameSet], checked: dict[Pair, CheckedPair]) -> FrameSet:
    """The working set without the frames that an archived set holds; says how many, and how many masks differ."""
    homes = {checked[pair].frames: (frame_set.name, pair) for frame_set in archived for pair in frame_set.pairs}
    homes.pop("", None)
    twice = {pair for pair in working.pairs if checked[pair].frames in homes}
    if twice:
        names = sorted({homes[checked[pair].frames][0] for pair in twice})
        differ = sum(checked[pair].truth != checked[homes[checked[pair].frames][1]].truth for pair in twice)
        text = f"{len(twice)} frames of {FRAMES}/ are archived in {', '.join(names)}; the archived masks train"
        if differ:
            text += f", though {differ} in {MASKS_CORRECTED}/ differ (step 7 with --replace archives those)"
        warnings.warn(text, stacklevel=3)
    return FrameSet(working.name, [pair for pair in working.pairs if pair not in twice])


# ---- state of the working set ----


def read_reviewed(folder: Path) -> set[str]:
    """Numbers of the frames of the working set whose masks a person has reviewed.

    Raises:
        UserError: the file is damaged.
    """
    path = folder / MASKS_CORRECTED / REVIEWED
    if not path.exists():
        return set()
    try:
        numbers = json.loads(path.read_text(encoding="utf-8"))["reviewed"]
        if not isinstance(numbers, list) or not all(re.fullmatch("[0-9]+", number) for number in numbers):
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        remedy = "mend it, or remove it and mark the frames as reviewed again in step 3"
        raise UserError(f'{path}: damaged, it should hold {{"reviewed": ["00", "01"]}}; {remedy}') from error
    return set(numbers)


def write_reviewed(folder: Path, numbers: Iterable[str]) -> None:
    """Write the numbers of the reviewed frames, atomically."""
    text = json.dumps({"reviewed": sorted(numbers, key=lambda n: (int(n), n))})
    write_text(folder / MASKS_CORRECTED / REVIEWED, text + "\n")


def write_proposals(folder: Path, unsureness: dict[str, float], method: str, masks: str = MASKS_INITIAL) -> None:
    """Write how unsure each proposed mask is (0 sure, 1 a guess) and which method proposed it.

    Args:
        folder: the training folder.
        unsureness: by frame number.
        method: for the reader.
        masks: the subfolder that holds the masks.
    """
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["frame", "unsureness_0_1", "method"])
    writer.writerows([number, f"{value:.4f}", method] for number, value in unsureness.items())
    write_text(folder / masks / PROPOSALS, table.getvalue())


def read_unsureness(folder: Path) -> dict[str, float]:
    """Unsureness of each proposed mask, 0 to 1, by frame number; empty where step 2 has not run.

    Raises:
        UserError: the file is damaged.
    """
    path = folder / MASKS_INITIAL / PROPOSALS
    if not path.exists():
        return {}
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            unsureness = {row["frame"]: float(row["unsureness_0_1"]) for row in table}
        if not table.fieldnames or not all(n and 0 <= value <= 1 for n, value in unsureness.items()):
            raise ValueError
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        raise UserError(f"{path}: damaged; run step 2 again, which writes it anew, or remove it") from error
    return unsureness


# ---- copies of what is replaced ----


def keep_copy(folder: Path, names: Sequence[str]) -> Path | None:
    """Copy these subfolders of a training folder into backups/<date and time>/, before something replaces them.

    Returns:
        The new folder, or None where none of the subfolders holds a file.

    Raises:
        UserError: cannot be copied.
    """
    full = holding_files(folder, names)
    if not full:
        return None
    target = _new_backup(folder)
    part = target.with_name(f".{target.name}.part")
    try:
        for name in full:
            shutil.copytree(folder / name, part / name)
        part.rename(target)
    except OSError as error:  # shutil gathers several in one
        shutil.rmtree(part, ignore_errors=True)
        raise UserError(f"{folder}: cannot keep a copy of {', '.join(full)} in {target} ({error})") from error
    return target


def put_away(folder: Path, names: Sequence[str]) -> Path | None:
    """Move these subfolders of a training folder into backups/<date and time>/; as `keep_copy` otherwise."""
    full = holding_files(folder, names)
    if not full:
        return None
    target = _new_backup(folder)
    target.mkdir(parents=True)
    for name in full:
        (folder / name).rename(target / name)
    return target


def holding_files(folder: Path, names: Sequence[str]) -> list[str]:
    """Those of the subfolders that exist and are not empty."""
    return [name for name in names if (folder / name).is_dir() and any((folder / name).iterdir())]


def _new_backup(folder: Path) -> Path:
    """A folder in backups/ that is named after the time and does not exist."""
    stamp = time.strftime("%Y-%m-%d_%H-%M-%S")
    target = folder / BACKUPS / stamp
    count = 1
    while target.exists() or target.with_name(f".{target.name}.part").exists():
        count += 1
        target = folder / BACKUPS / f"{stamp}_{count}"
    return target


def mask_image(mask: np.ndarray) -> Image.Image:
    """A mask as the picture that is written: mode L, strictly 0 and 255."""
    return Image.fromarray(np.where(mask > 127, 255, 0).astype(np.uint8))


def frame_keys(frame_set: FrameSet) -> list[str]:
    """A short hash of every clothed frame, by which a checkpoint remembers what it was trained on."""
    return [sha256_of(pair.clothed)[:16] for pair in frame_set.pairs]


def split_seen(sets: Sequence[FrameSet], trained: set[str]) -> tuple[list[FrameSet], list[FrameSet]]:
    """The sets that hold a frame whose key is in `trained`, and those that hold none."""
    seen = [frame_set for frame_set in sets if not trained.isdisjoint(frame_keys(frame_set))]
    return seen, [frame_set for frame_set in sets if frame_set not in seen]
