"""Pairs of a base and a clothed frame, and their masks: which files form a pair, reading them, masks as pictures."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from common.errors import UserError, raise_faults
from common.images import PHOTO_SUFFIXES, read_image
from masks.sets.naming import (
    BASE,
    CLOTHED,
    NUMBERED,
    base_name,
    clothed_name,
    files_of_kind,
    numbered_name,
)

MASK_COLOUR = "#ff3d9a"  # tint of masks in all figures and in the correction tool


@dataclass(frozen=True)
class MaskedFrame:
    """A pair of frames and its mask.

    Attributes:
        base: (H, W, 4) uint8 RGBA.
        clothed: (H, W, 4) uint8 RGBA of the same size.
        mask: (H, W) bool.
    """

    base: np.ndarray
    clothed: np.ndarray
    mask: np.ndarray


@dataclass(frozen=True)
class FramePair:
    """A base frame, the same frame clothed, and its mask if there is one.

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


# ---- which files form a pair ----


def find_pairs(folder: Path) -> list[FramePair]:
    """Return all pairs of base and clothed frames in a folder, in numeric order.

    Raises:
        UserError: the folder is missing or has no frames, or `scan_pairs` found faults (listed together).
    """
    pairs, faults = scan_pairs(folder)
    raise_faults(str(folder), [f"{name} {fault}" for name, fault in faults.items()])
    return pairs


def scan_pairs(folder: Path) -> tuple[list[FramePair], dict[str, str]]:
    """Return the complete pairs of a folder, in numeric order, and the faults of other frames by file name.

    Faults are a missing half, a number that occurs twice ("1" and "01"), and a name without a number.

    Raises:
        UserError: the folder is missing or has no frames.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder of frames")
    base, clothed = files_of_kind(folder, BASE), files_of_kind(folder, CLOTHED)
    faults = _name_faults(folder, BASE) | _name_faults(folder, CLOTHED)
    if not base and not clothed and not faults:
        raise UserError(f"{folder}: no frames; they must be named {base_name('00')} and {clothed_name('00')}")
    faults |= _missing_halves(base, clothed, CLOTHED) | _missing_halves(clothed, base, BASE)
    pairs = [FramePair(number, base[number], clothed[number]) for number in base if number in clothed]
    return [pair for pair in pairs if not {pair.base.name, pair.clothed.name} & faults.keys()], faults


def _missing_halves(ours: dict[str, Path], others: dict[str, Path], kind: str) -> dict[str, str]:
    """Faults of the files without another half of that kind, by file name."""
    by_value = {int(number): path.name for number, path in others.items()}
    faults = {}
    for number, path in ours.items():
        if number not in others:
            near = by_value.get(int(number))
            hint = f"; there is {near}, but numbers are compared as text" if near else ""
            faults[path.name] = f"has no {numbered_name(kind, number)}{hint}"
    return faults


def _name_faults(folder: Path, kind: str) -> dict[str, str]:
    """Faults in the names of pictures that seem meant as frames of a kind, by file name."""
    faults: dict[str, str] = {}
    first: dict[int, str] = {}
    for name in sorted(path.name for path in folder.iterdir()):
        match = NUMBERED.fullmatch(name)
        if match and match[1] == kind:
            other = first.setdefault(int(match[2]), name)
            if other != name:
                faults[name] = f"has the same number as {other}"
        elif name.lower().startswith(kind) and Path(name).suffix.lower() in PHOTO_SUFFIXES:
            faults[name] = f"is not named {kind}_XX.png with a number XX"
    return faults


# ---- pictures ----


def read_pair(pair: FramePair) -> tuple[np.ndarray, np.ndarray]:
    """Read the base and the clothed frame as (H, W, 4) uint8 RGBA of one size.

    Raises:
        UserError: a file cannot be read, or the sizes differ.
    """
    base, clothed = (np.asarray(read_image(path)) for path in (pair.base, pair.clothed))
    if base.shape != clothed.shape:
        sizes = " but ".join(f"{a.shape[1]} x {a.shape[0]}" for a in (base, clothed))
        raise UserError(f"{pair.base} and {pair.clothed.name}: sizes differ, {sizes} px; export both at one size")
    return base, clothed


def read_mask(path: Path) -> np.ndarray:
    """Read a mask file as (H, W) uint8 of 0 or 255.

    Raises:
        UserError: the file cannot be read, or has transparency, colours or greys.
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


def read_true_mask(pair: FramePair) -> np.ndarray:
    """Read the mask of a pair that has one; as `read_mask`."""
    assert pair.mask is not None
    return read_mask(pair.mask)


def read_masked(pair: FramePair) -> MaskedFrame:
    """Read a pair that has a mask; as `read_pair` and `read_mask`."""
    return MaskedFrame(*read_pair(pair), read_true_mask(pair) > 0)


def mask_image(mask: np.ndarray) -> Image.Image:
    """Return an (H, W) uint8 mask as the picture to write: mode L, strictly 0 and 255."""
    return Image.fromarray(np.where(mask > 127, 255, 0).astype(np.uint8))
