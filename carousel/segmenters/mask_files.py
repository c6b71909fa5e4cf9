"""The segmenter "files": people by masks that the user supplies.

One file a person, white (255) on black (0), of the photo's size. For the photo NAME.jpg

    in a folder of masks     NAME.png, or for several people NAME_person1.png, NAME_person2.png, ...
    beside the photo         NAME_mask.png, or NAME_mask_person1.png, NAME_mask_person2.png, ...
"""

import functools
import re
import time
from pathlib import Path

import numpy as np

from common.errors import UserError
from common.images import read_image
from common.people.selection import SegmentedPerson, person_of

SUFFIX = "_mask"  # ending of the names of masks beside their photo
SETTLED_NS = 2_000_000_000  # a folder that did not change for so long has not changed unseen
INVERTED_SHARE = 0.75  # a mask that covers a larger share of its border is inverted


def is_mask_file(path: Path) -> bool:
    """Whether a file in a folder of photos is a mask, by its name."""
    return path.suffix.lower() == ".png" and re.fullmatch(rf".+{SUFFIX}(_person\d+)?", path.stem) is not None


def find_mask_files(source: Path, masks_folder: Path | None) -> list[Path]:
    """Find the mask files of a photo, one for each person, in the order of their numbers.

    Args:
        source: path of the photo.
        masks_folder: folder of masks; None: beside the photo.

    Raises:
        UserError: there is no mask, or both a single mask and numbered ones.
    """
    folder = source.parent if masks_folder is None else masks_folder
    stem = source.stem if masks_folder is not None else source.stem + SUFFIX
    single = folder / f"{stem}.png"
    numbered = [folder / name for name in _numbered_in(folder).get(stem, [])]
    if single.is_file() and numbered:
        raise UserError(f"{source.name}: has both {single.name} and {numbered[0].name}; keep one kind of them")
    if single.is_file():
        return [single]
    if not numbered:
        raise UserError(f"{source.name}: no mask; {folder} has neither {single.name} nor {stem}_person1.png")
    return numbered


def _numbered_in(folder: Path) -> dict[str, list[str]]:
    """Names of the numbered masks of a folder in the order of their numbers, by what precedes "_person1.png".

    A folder of thousands is read once, not once a photo. One that changed just now may change again within one tick of
    the file system's clock, so it is read each time.
    """
    try:
        changed_ns = folder.stat().st_mtime_ns
    except OSError:
        return {}
    is_settled = time.time_ns() - changed_ns > SETTLED_NS
    return (_read_numbered if is_settled else _read_numbered.__wrapped__)(folder, changed_ns)


@functools.lru_cache(maxsize=4)
def _read_numbered(folder: Path, changed_ns: int) -> dict[str, list[str]]:
    found: dict[str, list[tuple[int, str]]] = {}
    for name in (path.name for path in folder.iterdir()):
        match = re.fullmatch(r"(.+)_person(\d+)\.png", name, re.DOTALL)
        if match:
            found.setdefault(match[1], []).append((int(match[2]), name))
    return {stem: [name for _, name in sorted(masks)] for stem, masks in found.items()}


def read_person_mask(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """Read and check a mask.

    Args:
        path: a picture of 0 and 255.
        shape: (H, W) of its photo.

    Returns:
        (H, W) bool with at least one pixel set.

    Raises:
        UserError: unreadable, not of the photo's size, soft, empty or inverted.
    """
    values = np.asarray(read_image(path, "L"))
    if values.shape != shape:
        mask_size, photo_size = (f"{width} x {height} px" for height, width in (values.shape, shape))
        raise UserError(f"{path}: is {mask_size}, its photo {photo_size}; make their sizes equal")
    soft = np.count_nonzero((values > 0) & (values < 255))
    if soft:
        raise UserError(f"{path}: {soft} pixels are neither 0 nor 255; save the mask without soft edges, as PNG")
    mask = values > 0
    if not mask.any():
        raise UserError(f"{path}: is empty; paint the person white (255)")
    border = np.concatenate([mask[0], mask[-1], mask[1:-1, 0], mask[1:-1, -1]])
    if border.mean() > INVERTED_SHARE:
        raise UserError(f"{path}: is white along its border; it looks inverted, the person must be white on black")
    return mask


class FileSegmenter:
    """Reads masks from a folder, or from beside the photos; see `Segmenter`."""

    name = "files"
    device = "CPU"

    def __init__(self, masks_folder: Path | None):
        """Args: masks_folder: folder of masks; None: beside the photos. Raises UserError if there is no such folder."""
        if masks_folder is not None and not masks_folder.is_dir():
            raise UserError(f"{masks_folder}: no such folder of masks (setting MASKS)")
        self.masks_folder = masks_folder
        self.weights: list[str] = []

    def find_people(self, photo: np.ndarray, source: Path | None = None) -> list[SegmentedPerson]:
        """The people whose masks the user supplies for `source`, each with score 1; see `Segmenter`."""
        if source is None:
            raise UserError('the segmenter "files" finds masks by the names of photos; this photo has no file')
        files = find_mask_files(source, self.masks_folder)
        return [person_of(read_person_mask(file, photo.shape[:2]), score=1.0) for file in files]
