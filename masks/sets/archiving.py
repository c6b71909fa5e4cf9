"""Archives the reviewed working set as a training set: checked, copied, verified, then renamed into place."""

import filecmp
import re
import shutil
from pathlib import Path

from tqdm import tqdm

from common.errors import UserError, raise_faults
from common.files import leftovers, part_path, sha256_of
from masks.sets.backups import holding_files, move_to_backups
from masks.sets.checking import check_pairs, repeated_frames
from masks.sets.naming import (
    FRAMES_BACKUP,
    MASKS_BACKUP,
    MASKS_CORRECTED,
    MASKS_INITIAL,
    MASKS_INITIAL_BACKUP,
    base_name,
    clothed_name,
    mask_name,
)
from masks.sets.pairs import FramePair
from masks.sets.training_sets import ARCHIVE_PREFIXES, all_pairs, archived_names, archived_set, reviewed_set

PLAIN_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")


def check_name(name: str) -> None:
    """Raise UserError for a name that could lead to another folder or that some disks cannot store."""
    if not name:
        raise UserError("setting ANIMATION is empty; give the set a name, such as walk_east")
    if not PLAIN_NAME.fullmatch(name):
        raise UserError(f"setting ANIMATION is {name!r}; use plain letters, digits, _ and -, at most 80")


def reviewed_pairs(folder: Path, name: str) -> list[FramePair]:
    """Return the reviewed pairs of the working set, checked for being archived under a name.

    Raises:
        UserError: there are no reviewed frames, or any set has faults (listed together), among them frames that
            an archived set of another name already holds.
    """
    faults: list[str] = []
    working = reviewed_set(folder, faults)
    if working is None and not faults:
        raise UserError(f"{folder / MASKS_CORRECTED}: no reviewed masks; review them in step 3 first")
    others = [archived_set(folder, other, faults) for other in archived_names(folder) if other != name]
    pairs = all_pairs(frame_set for frame_set in (*others, working) if frame_set is not None)
    faults += repeated_frames(pairs, check_pairs(pairs, faults))
    raise_faults("", faults)
    assert working is not None
    return working.pairs


def archive(folder: Path, name: str, pairs: list[FramePair], *, with_initial: bool, replace: bool) -> Path | None:
    """Copy pairs and masks to the folders of an archived set; these appear when all copies are verified.

    Folders that already hold the same files are left as they are.

    Args:
        folder: the training folder.
        name: the animation's name.
        pairs: pairs with masks.
        with_initial: whether to archive the proposed masks too.
        replace: whether an archive that holds other files may be moved to backups/.

    Returns:
        The backup of the replaced archive, or None.

    Raises:
        UserError: an archive of this name holds other files, or the disk is full.
    """
    wanted = _contents(folder, name, pairs, with_initial)
    there = holding_files(folder, [prefix + name for prefix in ARCHIVE_PREFIXES])
    kept = None
    if not all(_holds(folder / target, wanted[target]) for target in there if target in wanted):
        if not replace:
            raise UserError(
                f"{folder / (FRAMES_BACKUP + name)}: an archive of this name holds other frames or masks; "
                "choose another name, or set REPLACE to move the old archive to backups/"
            )
        kept, there = move_to_backups(folder, there), []
    _copy_into_place(folder, {target: files for target, files in wanted.items() if target not in there}, name)
    return kept


def _contents(folder: Path, name: str, pairs: list[FramePair], with_initial: bool) -> dict[str, dict[str, Path]]:
    """Return the source file of each file name in each folder of an archive. The frames come last."""
    contents = {MASKS_BACKUP + name: {mask_name(pair.number): pair.mask for pair in pairs if pair.mask is not None}}
    if with_initial:
        proposed = {mask_name(pair.number): folder / MASKS_INITIAL / mask_name(pair.number) for pair in pairs}
        contents[MASKS_INITIAL_BACKUP + name] = {key: path for key, path in proposed.items() if path.is_file()}
    frames = {base_name(pair.number): pair.base for pair in pairs}
    frames |= {clothed_name(pair.number): pair.clothed for pair in pairs}
    return contents | {FRAMES_BACKUP + name: frames}


def _holds(folder: Path, files: dict[str, Path]) -> bool:
    """Whether a folder holds copies of these files and no other pictures."""
    if {path.name for path in folder.glob("*.png")} != files.keys():
        return False
    return all(filecmp.cmp(path, folder / name, shallow=False) for name, path in files.items())


def _copy_into_place(folder: Path, wanted: dict[str, dict[str, Path]], name: str) -> None:
    """Copy to a hidden folder, verify, then rename folder by folder."""
    for left in leftovers(folder / f"{FRAMES_BACKUP}{name}"):
        shutil.rmtree(left, ignore_errors=True)
    part = part_path(folder / f"{FRAMES_BACKUP}{name}")
    copies = [(path, part / target / key) for target, files in wanted.items() for key, path in files.items()]
    try:
        for source, copy in tqdm(copies, "archiving", unit="file", delay=1, leave=False):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
            if sha256_of(copy) != sha256_of(source):
                raise UserError(f"{copy}: differs from {source} after copying; nothing was archived")
        for target in wanted:
            if (folder / target).exists():
                (folder / target).rmdir()  # empty
            (part / target).rename(folder / target)
    except OSError as error:
        raise UserError(f"{folder}: cannot archive {name} ({error})") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
