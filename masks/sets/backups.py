"""Dated copies, in backups/, of the subfolders of a training folder that a script is about to replace."""

import re
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from common.errors import UserError
from common.files import part_of, part_path
from masks.sets.naming import BACKUPS

STAMP = r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d(_\d+)?"  # names in backups/


def copy_to_backups(folder: Path, names: Sequence[str]) -> Path | None:
    """Copy these subfolders of a training folder to backups/<date and time>/.

    Returns:
        The new folder, or None if none of the subfolders holds a file.

    Raises:
        UserError: they cannot be copied.
    """
    full = holding_files(folder, names)
    if not full:
        return None
    target = _new_backup(folder)
    part = part_path(target)
    try:
        _remove_half_copies(target.parent)
        for name in full:
            shutil.copytree(folder / name, part / name)
        part.rename(target)
    except OSError as error:  # shutil gathers several in one
        shutil.rmtree(part, ignore_errors=True)
        raise UserError(f"{folder}: cannot keep a copy of {', '.join(full)} in {target} ({error})") from error
    return target


def move_to_backups(folder: Path, names: Sequence[str]) -> Path | None:
    """Move these subfolders of a training folder to backups/<date and time>/; returns as `copy_to_backups`."""
    full = holding_files(folder, names)
    if not full:
        return None
    target = _new_backup(folder)
    target.mkdir(parents=True)
    for name in full:
        (folder / name).rename(target / name)
    return target


def holding_files(folder: Path, names: Sequence[str]) -> list[str]:
    """Return the names of the subfolders that exist and are not empty."""
    return [name for name in names if (folder / name).is_dir() and any((folder / name).iterdir())]


def _new_backup(folder: Path) -> Path:
    """Return a folder in backups/ that is named after the time and does not exist."""
    stamp = time.strftime("%Y-%m-%d_%H-%M-%S")
    target = folder / BACKUPS / stamp
    count = 1
    while target.exists():
        count += 1
        target = folder / BACKUPS / f"{stamp}_{count}"
    return target


def _remove_half_copies(folder: Path) -> None:
    """Remove copies in backups/ that a kill cut short; what they were copies of is still there."""
    for path in folder.glob(".*"):
        if re.fullmatch(STAMP, part_of(path.name) or ""):
            shutil.rmtree(path, ignore_errors=True)
