"""Checks of pairs and masks before they are used for training: faults, and frames that occur twice."""

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from common.errors import UserError
from masks.sets.differences import share_that_changed
from masks.sets.pairs import FramePair, read_pair, read_true_mask
from masks.sets.pixel_art import visible

ALIKE_SHARE = 0.1  # a mask is tested for inversion if at least this share of the pixels is equal in both frames
CHANGED_SHARE = 0.01  # an empty mask is refused if more than this share of the figure changed


@dataclass(frozen=True)
class CheckedPair:
    """Result of checking a pair and its mask.

    Attributes:
        faults: one line each.
        frames: fingerprint of the visible pixels of both frames; empty for a faulty or an empty clothed frame.
        truth: fingerprint of the mask.
    """

    faults: list[str]
    frames: str = ""
    truth: str = ""


def check_mask(pair: FramePair, base: np.ndarray, clothed: np.ndarray, mask: np.ndarray) -> None:
    """Reject a mask that cannot be the truth of its pair.

    Args:
        pair: named in the message.
        base: (H, W, 4) uint8.
        clothed: (H, W, 4) uint8.
        mask: (H, W) uint8 of 0 or 255.

    Raises:
        UserError: the mask has another size than the frames, is white over most of what both frames show alike (as an
            inverted mask is), or is all black although the frames clearly differ.
    """
    if mask.shape != clothed.shape[:2]:
        sizes = f"{mask.shape[1]} x {mask.shape[0]} px, the frames {clothed.shape[1]} x {clothed.shape[0]}"
        raise UserError(f"{pair.mask}: is {sizes}; mask and frames must have the same size")
    alike = visible(base) == visible(clothed)
    if alike.mean() > ALIKE_SHARE and mask[alike].mean() > 255 / 2:
        raise UserError(f"{pair.mask}: white where both frames are equal; is it inverted?")
    if not mask.any() and not alike.all() and share_that_changed(base, clothed) > CHANGED_SHARE:
        raise UserError(f"{pair.mask}: all black, but the clothed frame clearly differs from the base frame")


def check_pairs(pairs: Sequence[FramePair], faults: list[str]) -> dict[FramePair, CheckedPair]:
    """Read and check all pairs and masks on all processors; faults are appended to `faults`."""
    with ThreadPoolExecutor(os.cpu_count()) as readers:
        bar = tqdm(readers.map(_check_pair, pairs), "checking", len(pairs), unit="frame", delay=1, leave=False)
        checked = dict(zip(pairs, bar, strict=True))
    faults += [fault for result in checked.values() for fault in result.faults]
    return checked


def _check_pair(pair: FramePair) -> CheckedPair:
    faults, frames, mask = [], None, None
    try:
        frames = read_pair(pair)
    except UserError as error:
        faults.append(str(error))
    try:
        mask = read_true_mask(pair)
        if frames is not None:
            check_mask(pair, *frames, mask)
    except UserError as error:
        faults.append(str(error))
    if faults or frames is None or mask is None:
        return CheckedPair(faults)
    seen = [visible(frame) for frame in frames]
    return CheckedPair([], _fingerprint(*seen) if seen[1].any() else "", _fingerprint(mask))


def _fingerprint(*arrays: np.ndarray) -> str:
    """Hash of the shapes and values of arrays."""
    total = hashlib.sha256()
    for array in arrays:
        total.update(str(array.shape).encode())
        total.update(np.ascontiguousarray(array).data)
    return total.hexdigest()


def repeated_frames(pairs: Sequence[FramePair], checked: dict[FramePair, CheckedPair]) -> list[str]:
    """Return a fault for each frame that occurs in two folders; one folder may hold a pose twice."""
    faults = []
    first: dict[str, FramePair] = {}
    for pair in pairs:
        frames = checked[pair].frames
        other = first.setdefault(frames, pair) if frames else pair
        if other.base.parent != pair.base.parent:
            faults.append(f"{pair.clothed}: the same frame as {other.clothed}; a frame must belong to one set only")
    return faults
