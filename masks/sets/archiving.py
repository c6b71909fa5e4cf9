"""The reviewed working set as an archived training set: checked, copied, verified, and put in place by renaming."""

import filecmp
import re
import shutil
from pathlib import Path

from tqdm import tqdm

from common.errors import UserError, raise_faults
from common.files import sha256_of
from masks.sets.frame_sets import (
    FRAMES_BACKUP,
    MASKS_BACKUP,
    MASKS_CORRECTED,
    MASKS_INITIAL,
    MASKS_INITIAL_BACKUP,
    Pair,
    archived_names,
    archived_set,
    base_name,
    check_pairs,
    clothed_name,
    holding_files,
    mask_name,
    put_away,
    repeated_frames,
    working_set,
)

PLAIN_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")


def check_name(name: str) -> None:
    """Raise UserError for a name that could mean another folder, or that some disks cannot hold."""
    if not name:
        raise UserError("setting ANIMATION is empty; say what the set is to be called, such as walk_east")
    if not PLAIN_NAME.fullmatch(name):
        raise UserError(f"setting ANIMATION is {name!r}; use plain letters, digits, _ and -, at most 80")


def reviewed_pairs(folder: Path, name: str) -> list[Pair]:
    """The reviewed pairs of the working set, which are fit to be archived under a name.

    Raises:
        UserError: no reviewed frames; or faults of any set (listed together), among them frames that stand in an
            archived set of another name already.
    """
    faults: list[str] = []
    working = working_set(folder, faults)
    if working is None and not faults:
        raise UserError(f"{folder / MASKS_CORRECTED}: no reviewed masks; review them in step 3 first")
    others = [archived_set(folder, other, faults) for other in archived_names(folder) if other != name]
    sets = [frame_set for frame_set in (*others, working) if frame_set is not None]
    faults += repeated_frames(sets, check_pairs(sets, faults))
    raise_faults("", faults)
    assert working is not None
    return working.pairs


def archive(folder: Path, name: str, pairs: list[Pair], with_initial: bool, replace: bool) -> Path | None:
    """Copy pairs and masks into the folders of an archived set; they appear when all copies are verified.

    Folders that hold the same already are left as they are.

    Args:
        folder: the training folder.
        name: of the animation.
        pairs: with their masks.
        with_initial: archive the proposed masks too.
        replace: an archive that holds something else goes to backups/.

    Returns:
        Where the archive that was replaced is kept, or None.

    Raises:
        UserError: an archive of this name holds something else, or the disk is full.
    """
    wanted = _contents(folder, name, pairs, with_initial)
    there = holding_files(folder, [prefix + name for prefix in (FRAMES_BACKUP, MASKS_BACKUP, MASKS_INITIAL_BACKUP)])
    kept = None
    if not all(_holds(folder / target, wanted[target]) for target in there if target in wanted):
        if not replace:
            raise UserError(
                f"{folder / (FRAMES_BACKUP + name)}: the archive of this name holds other frames or masks; "
                "take another name, or set REPLACE, which puts it into backups/"
            )
        kept, there = put_away(folder, there), []
    _copy_into_place(folder, {target: files for target, files in wanted.items() if target not in there}, name)
    return kept


def _contents(folder: Path, name: str, pairs: list[Pair], with_initial: bool) -> dict[str, dict[str, Path]]:
    """The folders of an archive: which file each name in them is copied from. The frames come last."""
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
    """Copy into a hidden folder, verify, then rename folder by folder."""
    stage = folder / f".{FRAMES_BACKUP}{name}.part"
    shutil.rmtree(stage, ignore_errors=True)  # of a run that was killed
    copies = [(path, stage / target / key) for target, files in wanted.items() for key, path in files.items()]
    try:
        for source, copy in tqdm(copies, "archiving", unit="file", delay=1, leave=False):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
            if sha256_of(copy) != sha256_of(source):
                raise UserError(f"{copy}: differs from {source} after copying; nothing was archived")
        for target in wanted:
            if (folder / target).exists():
                (folder / target).rmdir()  # empty
            (stage / target).rename(folder / target)
    except OSError as error:
        raise UserError(f"{folder}: cannot archive {name} ({error})") from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)
