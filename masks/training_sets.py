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
import io
import json
import re
import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from common.errors import UserError, raise_faults
from common.files import sha256_of, write_text
from common.images import read_image

FRAMES = "frames"
MASKS_INITIAL = "masks_initial"
MASKS_CORRECTED = "masks_corrected"
BACKUPS = "backups"
WORKING_SET = "working set"
PROPOSALS = "proposals.csv"
REVIEWED = "reviewed.json"
MASK_FAULT_SHARE = 0.001  # share of pixels beside 0 and 255 above which a mask is called soft


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


def base_name(number: str) -> str:
    """File name of a base frame."""
    return f"base_frame_{number}.png"


def clothed_name(number: str) -> str:
    """File name of a clothed frame."""
    return f"clothed_frame_{number}.png"


def mask_name(number: str) -> str:
    """File name of a mask."""
    return f"mask_{number}.png"


def numbers_in(folder: Path, prefix: str) -> list[str]:
    """The XX of all files `<prefix>_XX.png` in a folder, in numeric order; empty where the folder is missing."""
    pattern = re.compile(rf"{prefix}_(\d+)\.png")
    found = [m[1] for path in folder.glob(f"{prefix}_*.png") if (m := pattern.fullmatch(path.name))]
    return sorted(found, key=lambda number: (int(number), number))


def find_pairs(folder: Path) -> list[Pair]:
    """All pairs of base and clothed frames in a folder, in numeric order.

    Raises:
        UserError: no such folder, no frames in it, or halves of pairs missing (all listed at once).
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder of frames")
    base, clothed = numbers_in(folder, "base_frame"), numbers_in(folder, "clothed_frame")
    if not base and not clothed:
        raise UserError(f"{folder}: no frames; they are named {base_name('00')} and {clothed_name('00')}")
    faults = [f"{base_name(n)} has no {clothed_name(n)}" for n in base if n not in clothed]
    faults += [f"{clothed_name(n)} has no {base_name(n)}" for n in clothed if n not in base]
    raise_faults(str(folder), faults)
    return [Pair(n, folder / base_name(n), folder / clothed_name(n)) for n in base]


# ---- pictures ----


def read_pair(pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    """Base and clothed frame as (H, W, 4) uint8 RGBA of one size.

    Raises:
        UserError: a file cannot be read, or the sizes differ.
    """
    base, clothed = (np.asarray(read_image(path)) for path in (pair.base, pair.clothed))
    if base.shape != clothed.shape:
        sizes = " but ".join(f"{a.shape[1]} x {a.shape[0]}" for a in (base, clothed))
        raise UserError(f"{pair.base} and {pair.clothed.name}: sizes differ, {sizes} px")
    return base, clothed


def read_mask(path: Path) -> np.ndarray:
    """A mask file as (H, W) uint8 of 0 or 255.

    Raises:
        UserError: cannot be read, has colours, or has more than MASK_FAULT_SHARE of values between 0 and 255.
    """
    rgb = np.asarray(read_image(path, "RGB"))
    if (rgb != rgb[..., :1]).any():
        raise UserError(f"{path}: has colours; a mask is black (0) and white (255)")
    grey = rgb[..., 0]
    soft = float(((grey > 0) & (grey < 255)).mean())
    if soft > MASK_FAULT_SHARE:
        raise UserError(f"{path}: {soft:.1%} of its pixels are neither 0 nor 255; a mask is black and white only")
    return np.where(grey > 127, 255, 0).astype(np.uint8)


def check_mask(pair: Pair, base: np.ndarray, clothed: np.ndarray, mask: np.ndarray) -> None:
    """Refuse a mask that cannot be the truth of its pair.

    Args:
        pair: for the message.
        base: (H, W, 4) uint8.
        clothed: (H, W, 4) uint8.
        mask: (H, W) uint8 of 0 or 255.

    Raises:
        UserError: another size than the frames; inverted (white where both frames are transparent, black where not);
            all black although the frames show different things.
    """
    if mask.shape != clothed.shape[:2]:
        sizes = f"{mask.shape[1]} x {mask.shape[0]} px, the frames {clothed.shape[1]} x {clothed.shape[0]}"
        raise UserError(f"{pair.mask}: is {sizes}")
    empty = (base[..., 3] == 0) & (clothed[..., 3] == 0)
    on = mask > 0
    if empty.any() and on[empty].mean() > 0.5:
        raise UserError(f"{pair.mask}: white where both frames are transparent; is it inverted?")
    changed = np.abs(base.astype(int) * (base[..., 3:] > 0) - clothed.astype(int) * (clothed[..., 3:] > 0)).max(axis=2)
    if not on.any() and (changed > 64).mean() > 0.01:
        raise UserError(f"{pair.mask}: all black, but the clothed frame differs from the base frame")


# ---- sets that train ----


def gather_training_data(folder: Path) -> list[FrameSet]:
    """Every set in a training folder that has masks, found by the naming convention; the working set comes first.

    The working set counts with its reviewed frames alone. Every picture is read once, so that all faults of all
    sets are known before anything trains.

    Raises:
        UserError: no such folder, no set in it, or faults (listed together): pairs without halves or mask, masks
            without pair, unreadable or unequal pictures, masks that are soft, inverted or of another size, the same
            frame in two sets.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    faults: list[str] = []
    sets: list[FrameSet] = []
    for name, frames, masks in _set_folders(folder):
        try:
            pairs = find_pairs(frames)
        except UserError as error:
            faults.append(str(error))
            continue
        wanted = None if name != WORKING_SET else read_reviewed(folder)
        if wanted is not None:
            pairs = [pair for pair in pairs if pair.number in wanted]
            if not pairs:
                continue
        else:
            numbers = {pair.number for pair in pairs}
            faults += [f"{masks / mask_name(n)} has no pair" for n in numbers_in(masks, "mask") if n not in numbers]
        lacking = [pair.number for pair in pairs if not (masks / mask_name(pair.number)).is_file()]
        faults += [f"{frames}: frame {number} has no {masks / mask_name(number)}" for number in lacking]
        pairs = [Pair(p.number, p.base, p.clothed, masks / mask_name(p.number)) for p in pairs]
        sets.append(FrameSet(name, [pair for pair in pairs if pair.number not in lacking]))
    seen: dict[tuple[str, str], Path] = {}
    for frame_set in sets:
        for pair in frame_set.pairs:
            faults += _faults_of(pair, seen)
    raise_faults(str(folder), faults)
    if not sets:
        raise UserError(
            f"{folder}: nothing to train on; it needs {FRAMES}_backup_<animation>/ with masks_backup_<animation>/, "
            f"or reviewed masks of {FRAMES}/ in {MASKS_CORRECTED}/"
        )
    return sets


def _set_folders(folder: Path) -> list[tuple[str, Path, Path]]:
    """Name, frames and masks of every set that the folders name, whether complete or not."""
    found = []
    if (folder / FRAMES).is_dir() and (folder / MASKS_CORRECTED).is_dir():
        found.append((WORKING_SET, folder / FRAMES, folder / MASKS_CORRECTED))
    for frames in sorted(folder.glob("frames_backup_*")):
        name = frames.name.removeprefix("frames_backup_")
        corrected, initial = folder / f"masks_backup_{name}", folder / f"masks_initial_backup_{name}"
        found.append((name, frames, initial if initial.is_dir() and not corrected.is_dir() else corrected))
    return found


def _faults_of(pair: Pair, seen: dict[tuple[str, str], Path]) -> list[str]:
    """What is wrong with one pair and its mask; remembers it in `seen` to find frames that stand in two sets."""
    try:
        base, clothed = read_pair(pair)
        assert pair.mask is not None
        check_mask(pair, base, clothed, read_mask(pair.mask))
    except UserError as error:
        return [str(error)]
    if not clothed[..., 3].any():
        return []  # empty frames are alike and valid
    key = sha256_of(pair.base), sha256_of(pair.clothed)
    first = seen.setdefault(key, pair.clothed)
    if first.parent != pair.clothed.parent:
        return [f"{pair.clothed}: the same frame as {first}; a frame belongs to one set"]
    return []


# ---- state of the working set ----


def read_reviewed(folder: Path) -> set[str]:
    """Numbers of the frames of the working set whose masks a person has reviewed."""
    path = folder / MASKS_CORRECTED / REVIEWED
    if not path.exists():
        return set()
    try:
        numbers = json.loads(path.read_text(encoding="utf-8"))["reviewed"]
        if not all(isinstance(number, str) for number in numbers):
            raise TypeError
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f'{path}: damaged; it holds {{"reviewed": ["00", "01"]}}') from error
    return set(numbers)


def write_reviewed(folder: Path, numbers: Iterable[str]) -> None:
    """Write the numbers of the reviewed frames, atomically."""
    text = json.dumps({"reviewed": sorted(numbers, key=lambda n: (int(n), n))})
    write_text(folder / MASKS_CORRECTED / REVIEWED, text + "\n")


def write_proposals(folder: Path, unsureness: dict[str, float], method: str) -> None:
    """Write how unsure each proposed mask is (0 sure, 1 a guess) and which method proposed it."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["frame", "unsureness_0_1", "method"])
    writer.writerows([number, f"{value:.4f}", method] for number, value in unsureness.items())
    write_text(folder / MASKS_INITIAL / PROPOSALS, table.getvalue())


def read_unsureness(folder: Path) -> dict[str, float]:
    """Unsureness of each proposed mask, 0 to 1, by frame number; empty where step 2 has not run."""
    path = folder / MASKS_INITIAL / PROPOSALS
    if not path.exists():
        return {}
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return {row["frame"]: float(row["unsureness_0_1"]) for row in csv.DictReader(file)}
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: damaged; step 2 writes it anew") from error


def keep_copy(folder: Path, names: Sequence[str]) -> Path | None:
    """Copy these subfolders of a training folder into backups/<date and time>/, before something replaces them.

    Returns:
        The new folder, or None where none of the subfolders holds a file.
    """
    full = [name for name in names if (folder / name).is_dir() and any((folder / name).iterdir())]
    if not full:
        return None
    stamp = time.strftime("%Y-%m-%d_%H-%M-%S")
    target = folder / BACKUPS / stamp
    count = 1
    while target.exists():
        count += 1
        target = folder / BACKUPS / f"{stamp}_{count}"
    for name in full:
        shutil.copytree(folder / name, target / name)
    return target


def mask_image(mask: np.ndarray) -> Image.Image:
    """A mask as the picture that is written: mode L, strictly 0 and 255."""
    return Image.fromarray(np.where(mask > 127, 255, 0).astype(np.uint8))
