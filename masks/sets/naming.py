"""The naming convention of frames and masks.

A training folder holds

    frames/                       base_frame_XX.png, clothed_frame_XX.png     the working set
    masks_initial/                mask_XX.png, proposals.csv                  proposed by step 2
    masks_corrected/              mask_XX.png, reviewed.json                  corrected by hand in step 3
    frames_backup_<animation>/    base_frame_XX.png, clothed_frame_XX.png     archived by step 7
    masks_backup_<animation>/     mask_XX.png
    masks_initial_backup_<animation>/   mask_XX.png, used if there is no masks_backup_<animation>/
    backups/                      dated copies of what a script replaced; never used for training

XX is the frame's number, with any number of digits. Files with the same XX, compared as text, belong together.
"""

import re
from collections.abc import Sequence
from pathlib import Path

FRAMES = "frames"
MASKS_INITIAL = "masks_initial"
MASKS_CORRECTED = "masks_corrected"
FRAMES_BACKUP = "frames_backup_"
MASKS_BACKUP = "masks_backup_"
MASKS_INITIAL_BACKUP = "masks_initial_backup_"
BACKUPS = "backups"
MASKS, CUTOUTS = "masks", "cutouts"  # folders that step 5 writes

BASE, CLOTHED, MASK = "base_frame", "clothed_frame", "mask"  # kinds: what file names start with
CUTOUT, DRESSED = "cutout", "dressed_frame"  # kinds made by steps 5 and 8

NUMBERED = re.compile(r"(.+)_([0-9]+)\.(?:png|PNG)")  # kind and number


def numbered_name(kind: str, number: str) -> str:
    """File name of a numbered picture, such as cutout_00.png."""
    return f"{kind}_{number}.png"


def base_name(number: str) -> str:
    """File name of a base frame."""
    return numbered_name(BASE, number)


def clothed_name(number: str) -> str:
    """File name of a clothed frame."""
    return numbered_name(CLOTHED, number)


def mask_name(number: str) -> str:
    """File name of a mask."""
    return numbered_name(MASK, number)


def numbered_files(folder: Path) -> dict[str, dict[str, Path]]:
    """All files `<kind>_XX.png` (or .PNG) in a folder, by kind and then by XX in numeric order."""
    kinds: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if match := NUMBERED.fullmatch(path.name):
            kinds.setdefault(match[1], {})[match[2]] = path
    return {kind: dict(sorted(files.items(), key=by_number)) for kind, files in kinds.items()}


def by_number(item: tuple[str, object]) -> tuple[int, str]:
    """Sort key of (XX, anything): numeric order, equal numbers such as "1" and "01" by their text."""
    return int(item[0]), item[0]


def files_of_kind(folder: Path, kind: str) -> dict[str, Path]:
    """All files `<kind>_XX.png` in a folder by XX, in numeric order; empty if the folder is missing."""
    return numbered_files(folder).get(kind, {})


def listed(numbers: Sequence[str]) -> str:
    """Return numbers of frames in words, at most 20 of them."""
    shown = ", ".join(numbers[:20])
    return shown if len(numbers) <= 20 else f"{shown} and {len(numbers) - 20} more"
