"""Cut-outs that are older than the masks that a person made for them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from common.errors import UserError
from common.images import read_image
from masks.sets.naming import FRAMES, MASK, MASKS, MASKS_CORRECTED, clothed_name, files_of_kind
from masks.sets.pixel_art import enlarge
from masks.sets.signatures import is_signed
from masks.sets.working_set import read_reviewed

SAME_SHARE = 0.9  # share of a cut-out's opaque pixels that its frame shows alike; edges of smooth art differ


def stale_cutouts(cutouts: Mapping[str, Path], training_data: Path) -> list[str]:
    """Return the numbers of the cut-outs that are older than a mask that a person made for the same frame.

    Such a mask was reviewed in step 3, or was painted or changed in the folder of masks beside the cut-outs.

    Args:
        cutouts: files by number.
        training_data: the training folder with the reviewed masks.

    Raises:
        UserError: reviewed.json is damaged.
    """
    corrected = files_of_kind(training_data / MASKS_CORRECTED, MASK)
    reviewed = {number: corrected[number] for number in read_reviewed(training_data) & corrected.keys()}
    folders = {cutout.parent for cutout in cutouts.values()}
    painted = {n: path for folder in folders for n, path in files_of_kind(folder.parent / MASKS, MASK).items()}
    return [
        number
        for number, cutout in cutouts.items()
        if (number in painted and _is_newer(painted[number], cutout) and not is_signed(painted[number]))
        or (
            number in reviewed
            and _is_newer(reviewed[number], cutout)
            and _shows(training_data / FRAMES / clothed_name(number), cutout)
        )
    ]


def _is_newer(path: Path, other: Path) -> bool:
    """Whether a file was changed after another one; neither of what is none, such as a link to itself."""
    return path.is_file() and other.is_file() and path.stat().st_mtime_ns > other.stat().st_mtime_ns


def _shows(frame: Path, cutout: Path) -> bool:
    """Whether a cut-out comes from a frame, which may be a whole number of times as large."""
    try:
        theirs, ours = (np.asarray(read_image(path)) for path in (frame, cutout))
    except UserError:
        return False
    factor = max(1, theirs.shape[0] // ours.shape[0])
    ours = enlarge(ours, factor)
    if theirs.shape != ours.shape:
        return False
    opaque = ours[..., 3] == 255
    return bool((theirs[opaque] == ours[opaque]).all(axis=1).mean() > SAME_SHARE) if opaque.any() else False
