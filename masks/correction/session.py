"""A correction session: which frame of the working set is open, what is saved, and what is not yet.

Changed masks stay in memory until `save` has written them; if it cannot, the next `save` tries again. Every frame
keeps its undo history until the session ends.
"""

import math
import os
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from tqdm import tqdm

from common.errors import UserError, raise_faults
from common.files import lock
from common.images import write_png
from common.journals import LOCK
from masks.correction.boxes import Box, whole
from masks.correction.undo_history import MaskEditor, PackedPixels, UndoHistory
from masks.sets.backups import copy_to_backups
from masks.sets.naming import FRAMES, MASKS_CORRECTED, MASKS_INITIAL, files_of_kind, listed, mask_name
from masks.sets.pairs import FramePair, MaskedFrame, find_pairs, mask_image, read_mask, read_masked, read_pair
from masks.sets.pixel_art import find_pixel_size
from masks.sets.working_set import read_reviewed, read_unsureness, write_reviewed

FIGURE_MARGIN = 12  # a margin is the figure's longer side divided by it
NOTHING = Box(0, 0, 0, 0)


@dataclass
class OpenFrame:
    """The open frame.

    Attributes:
        number: the XX of its file names.
        base: base frame, (H, W, 4) uint8 RGBA.
        clothed: clothed frame, (H, W, 4) uint8 RGBA.
        cell_px: side of an art pixel in px, 1 for smooth art.
        proposal: the proposed mask, (H, W) bool, or None.
        editor: its mask with undo history.
    """

    number: str
    base: np.ndarray
    clothed: np.ndarray
    cell_px: int
    proposal: np.ndarray | None
    editor: MaskEditor


@dataclass(frozen=True)
class Propagated:
    """A new mask that corrected frames taught.

    Attributes:
        mask: (H, W) bool.
        unsureness: one minus the F1 score to expect, 0 to 1.
    """

    mask: np.ndarray
    unsureness: float


@dataclass
class ClosedFrame:
    """What is kept of a frame that was open before: its mask and undo history."""

    mask: PackedPixels
    history: UndoHistory
    is_changed: bool


class CorrectionSession:
    """The working set of a training folder, locked against other sessions until `close`.

    Attributes:
        folder: the training folder.
        numbers: all frames, in the order of correction.
        by_unsureness: whether the most unsure frames come first (those without a value before them); else by number.
        unsureness: unsureness of the masks, 0 to 1, by frame number: of the proposals, or of propagated masks.
        reviewed: frames that a person has reviewed.
        frame: the open frame.
        saved: frames whose masks were written in this session.
        fault: the first reason why the last `save` could not write everything; empty if all is on disk.
    """

    def __init__(self, folder: Path, by_unsureness: bool = True, memory: Sequence[FramePair] = ()) -> None:
        """Check all frames and masks, and open the first frame that is not reviewed.

        Args:
            folder: the training folder.
            by_unsureness: whether the most unsure frames come first.
            memory: pairs with true masks of other sheets, which teach too.

        Raises:
            UserError: another session has the folder open, or there are no frames, or there are faults (listed
                together): missing halves of pairs, unreadable pictures, unequal sizes, masks that are not black and
                white.
        """
        self.folder, self._memory = folder, memory
        self._pairs = {pair.number: pair for pair in find_pairs(folder / FRAMES)}
        self._lock = _lock(folder)
        try:
            self._figures = _check_frames(self, list(self._pairs.values()))
            self.unsureness = read_unsureness(folder)
            # A flag without its mask would let an untouched frame train.
            self.reviewed = {number for number in read_reviewed(folder) if self.corrected_file(number).is_file()}
        except BaseException:
            self.close()
            raise
        self.by_unsureness = by_unsureness
        self.numbers = self._ordered()
        self.fault = ""
        self.saved: set[str] = set()
        self._closed: dict[str, ClosedFrame] = {}
        self._has_copy = self._flags_changed = False
        self._propagated: dict[str, int] = {}  # strokes in the history of each frame after the last propagation
        self._source = ""  # the frame from which they came
        self._unsureness_before: dict[str, float] = {}
        first = next((number for number in self.numbers if number not in self.reviewed), self.numbers[0])
        self.frame = self._open(first)
        self._previous: np.ndarray | None = None

    def __enter__(self) -> "CorrectionSession":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Unlock the folder; saves nothing."""
        if self._lock is not None:
            self._lock.close()

    # ---- files ----

    def corrected_file(self, number: str) -> Path:
        """Return the file of a frame's corrected mask."""
        return self.folder / MASKS_CORRECTED / mask_name(number)

    def proposed_file(self, number: str) -> Path:
        """Return the file of a frame's proposed mask."""
        return self.folder / MASKS_INITIAL / mask_name(number)

    def _mask_files(self, number: str) -> tuple[Path, Path]:
        """Return where a frame's mask may be, the preferred file first."""
        return self.corrected_file(number), self.proposed_file(number)

    def notes(self) -> list[str]:
        """Return what a person should know at the start, in sentences."""
        lacking = [n for n in self._pairs if not any(path.is_file() for path in self._mask_files(n))]
        strange = [n for n in files_of_kind(self.folder / MASKS_INITIAL, "mask") if n not in self._pairs]
        notes = [f"{len(self.numbers)} frames, {len(self.reviewed_frames)} reviewed"]
        if lacking:
            notes.append(f"without a proposal, starting from an empty mask: {listed(lacking)}")
        if strange:
            notes.append(f"{self.folder / MASKS_INITIAL}: masks of missing frames: {listed(strange)}")
        return notes

    def files(self) -> list[Path]:
        """Return the files of all frames."""
        return [path for pair in self._pairs.values() for path in (pair.base, pair.clothed)]

    # ---- frames ----

    @property
    def reviewed_frames(self) -> list[str]:
        """Return the reviewed frames among those that exist."""
        return [number for number in self.numbers if number in self.reviewed]

    @property
    def position(self) -> int:
        """Index of the open frame in `numbers`."""
        return self.numbers.index(self.frame.number)

    def go_to(self, number: str) -> None:
        """Save, then open another frame; what cannot be saved stays in memory.

        Raises:
            UserError: the frame can no longer be read; the old one stays open.
        """
        self.save()
        if number == self.frame.number:
            return
        frame = self._open(number)
        old = self.frame
        self._closed[old.number] = ClosedFrame(PackedPixels(old.editor.mask), old.editor.history, old.editor.is_changed)
        self._closed.pop(number, None)
        self.frame, self._previous = frame, None

    def step(self, count: int) -> None:
        """Go to the next (1) or previous (-1) frame; the last one is followed by the first."""
        self.go_to(self.numbers[(self.position + count) % len(self.numbers)])

    def go_to_unreviewed(self) -> bool:
        """Save, then go to the next unreviewed frame; return whether there is one."""
        start = self.position + 1
        for number in self.numbers[start:] + self.numbers[: start - 1]:
            if number not in self.reviewed:
                self.go_to(number)
                return True
        self.save()
        return False

    def toggle_order(self) -> None:
        """Switch between order by unsureness and by number; the open frame stays open."""
        self.by_unsureness = not self.by_unsureness
        self.numbers = self._ordered()

    def toggle_reviewed(self) -> None:
        """Mark the open frame as reviewed, or as not reviewed."""
        number = self.frame.number
        self.reviewed ^= {number}
        self._flags_changed = True
        if number in self.reviewed and not self.corrected_file(number).is_file():
            self.frame.editor.is_changed = True  # the mask is right as it is, so it must be written

    def previous_mask(self) -> np.ndarray | None:
        """Return the current mask, (H, W) bool, of the frame before the open one by number; None for the first."""
        numbers = list(self._pairs)
        place = numbers.index(self.frame.number)
        if self._previous is None and place:  # it cannot change while another frame is open
            self._previous = self._mask_of(numbers[place - 1])
        return self._previous

    @property
    def in_order(self) -> list[str]:
        """Return all frames by number, as they are played."""
        return list(self._pairs)

    def picture_of(self, number: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the clothed frame, (H, W, 4) uint8, and the current mask, (H, W) bool, of any frame.

        Raises:
            UserError: the frame can no longer be read.
        """
        clothed = read_pair(self._pairs[number])[1]
        mask = self.frame.editor.mask if number == self.frame.number else self._mask_of(number)
        return clothed, np.zeros(clothed.shape[:2], bool) if mask is None else mask.copy()

    def masked_frame(self, number: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return base and clothed frame, (H, W, 4) uint8, and the current mask, (H, W) bool, of any frame.

        Raises:
            UserError: the frame can no longer be read.
        """
        return read_pair(self._pairs[number])[0], *self.picture_of(number)

    def figure_box(self, shape: tuple[int, int]) -> Box:
        """Return the box, with a margin, around what frames of this (height, width) show; if that is nothing, all."""
        box, frame = self._figures.get(shape, NOTHING), Box(0, 0, *shape)
        margin = max(box.bottom - box.top, box.right - box.left) // FIGURE_MARGIN
        return frame if box.is_empty else box.grown(margin).within(frame)

    # ---- propagation ----

    def propagated_masks(self) -> Generator[tuple[str, Propagated | None], None, None]:
        """Yield each frame that is neither open nor reviewed, and its new mask; None if it stays as it is.

        The open frame, the reviewed ones and the memory teach. Nothing changes before `take_over`.

        Raises:
            UserError: a frame can no longer be read.
        """
        from masks.correction.propagation import features_of, propagate  # OpenCV, which Qt must precede

        opened = self.frame
        known = [features_of(MaskedFrame(opened.base, opened.clothed, opened.editor.mask.copy()))]
        known += [features_of(read_masked(pair)) for pair in self._memory]
        others = [number for number in self._pairs if number != opened.number]
        for number in others:
            mask = self._mask_of(number)
            if number in self.reviewed and mask is not None:
                known.append(features_of(MaskedFrame(*read_pair(self._pairs[number]), mask)))
        for number in others:
            if number in self.reviewed:
                continue
            mask = self._mask_of(number)
            found = None if mask is None else propagate(known, MaskedFrame(*read_pair(self._pairs[number]), mask))
            yield number, found and Propagated(*found)

    def take_over(self, masks: dict[str, Propagated]) -> list[str]:
        """Replace masks of frames that are not open, as one stroke each; return the numbers of those that changed."""
        self._unsureness_before = {n: self.unsureness[n] for n in masks if n in self.unsureness}
        self._source = self.frame.number
        self._propagated = {self._source: len(self.frame.editor.history)}
        for number, new in masks.items():
            before = self._mask_of(number)
            assert before is not None
            closed = self._closed.get(number) or ClosedFrame(PackedPixels(before), UndoHistory(), False)
            self.unsureness[number] = new.unsureness
            if closed.history.record(before, new.mask, whole(before)):
                self._closed[number] = ClosedFrame(PackedPixels(new.mask), closed.history, True)
                self._propagated[number] = len(closed.history)
        self._previous = None
        return [number for number in self._propagated if number != self._source]

    @property
    def can_take_back(self) -> bool:
        """Whether the last change of the open frame is the last propagation."""
        number = self.frame.number
        return number in self._propagated and len(self.frame.editor.history) == self._propagated[number]

    def take_back(self) -> list[str]:
        """Undo the last propagation on all frames that were not painted since; return their numbers."""
        undone = []
        for number, strokes in self._propagated.items():
            is_open = number == self.frame.number
            history = self.frame.editor.history if is_open else self._closed[number].history
            if number == self._source or len(history) != strokes:
                continue
            if is_open:
                self.frame.editor.undo()
            else:
                mask = self._closed[number].mask.unpacked()
                history.undo(mask)
                self._closed[number] = ClosedFrame(PackedPixels(mask), history, True)
            undone.append(number)
        self.unsureness |= self._unsureness_before
        self._propagated, self._previous = {}, None
        return undone

    def _ordered(self) -> list[str]:
        if not self.by_unsureness:
            return list(self._pairs)
        return sorted(self._pairs, key=lambda number: -self.unsureness.get(number, math.inf))

    def _open(self, number: str) -> OpenFrame:
        base, clothed = read_pair(self._pairs[number])
        proposed = self.proposed_file(number)
        proposal = read_mask(proposed) > 0 if proposed.is_file() else None
        closed = self._closed.get(number)
        mask = self._mask_of(number)
        if mask is None:
            mask = np.zeros(base.shape[:2], bool)
        editor = MaskEditor(mask, closed.history, closed.is_changed) if closed else MaskEditor(mask)
        return OpenFrame(number, base, clothed, find_pixel_size([base, clothed]), proposal, editor)

    def _mask_of(self, number: str) -> np.ndarray | None:
        """Return the mask of a frame that is not open: as left in memory, else corrected on disk, else proposed."""
        if number in self._closed:
            return self._closed[number].mask.unpacked()
        for path in self._mask_files(number):
            if path.is_file():
                return read_mask(path) > 0
        return None

    # ---- saving ----

    @property
    def unsaved(self) -> list[str]:
        """Return the frames whose masks differ between memory and disk."""
        changed = {number for number, closed in self._closed.items() if closed.is_changed}
        if self.frame.editor.is_changed:
            changed.add(self.frame.number)
        return [number for number in self._pairs if number in changed]

    @property
    def is_saved(self) -> bool:
        """Whether all masks and flags are on disk."""
        return not self.unsaved and not self._flags_changed

    def save(self) -> list[str]:
        """Write all changed masks, then the reviewed flags, each atomically; never raises, see `fault`.

        Before a mask of an earlier session is replaced, the folder of corrected masks is copied to backups/, once.

        Returns:
            The numbers of the masks written.
        """
        self.fault = ""
        written = [number for number in self.unsaved if self._write_mask(number)]
        if self._flags_changed:
            try:
                write_reviewed(self.folder, self.reviewed - set(self.unsaved))  # the mask first, then its flag
                self._flags_changed = bool(self.unsaved)
            except UserError as error:
                self.fault = self.fault or str(error)
        return written

    def _write_mask(self, number: str) -> bool:
        mask = self.frame.editor.mask if number == self.frame.number else self._closed[number].mask.unpacked()
        path = self.corrected_file(number)
        try:
            if path.exists() and number not in self.saved and not self._has_copy:
                copy_to_backups(self.folder, [MASKS_CORRECTED])
                self._has_copy = True
            write_png(path, mask_image(mask.astype(np.uint8) * 255))
        except UserError as error:
            self.fault = self.fault or str(error)
            return False
        self.saved.add(number)
        if number == self.frame.number:
            self.frame.editor.is_changed = False
        else:
            self._closed[number].is_changed = False
        return True


def _check_frames(session: CorrectionSession, pairs: list[FramePair]) -> dict[tuple[int, int], Box]:
    """Read everything once, on all processors, so that all faults are known before the window opens.

    Returns:
        The box around what any frame shows, by the frames' (height, width).

    Raises:
        UserError: there are faults (listed together).
    """

    def check(pair: FramePair) -> tuple[list[str], tuple[int, int] | None, Box]:
        faults, shape, box = [], None, NOTHING
        try:
            base, clothed = read_pair(pair)
            shape, box = base.shape[:2], _drawn_box((base[..., 3] | clothed[..., 3]) > 0)
        except UserError as error:
            faults.append(str(error))
        for path in (session.proposed_file(pair.number), session.corrected_file(pair.number)):
            try:
                mask = read_mask(path) if path.exists() else None
            except UserError as error:
                faults.append(str(error))
                continue
            if mask is not None and shape is not None and mask.shape != shape:
                sizes = f"{mask.shape[1]} x {mask.shape[0]} px, the frames {shape[1]} x {shape[0]}"
                faults.append(f"{path}: is {sizes}")
        return faults, shape, box

    boxes: dict[tuple[int, int], Box] = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        checked = list(tqdm(pool.map(check, pairs), "checking", len(pairs), unit="frame", delay=1, leave=False))
    raise_faults(str(session.folder), [fault for faults, _, _ in checked for fault in faults])
    for _, shape, box in checked:
        if shape is not None:
            boxes[shape] = boxes.get(shape, NOTHING).joined(box)
    return boxes


def _drawn_box(drawn: np.ndarray) -> Box:
    """Return the box around the True pixels of (H, W) bool."""
    if not drawn.any():
        return NOTHING
    rows, columns = (np.flatnonzero(drawn.any(axis=axis)) for axis in (1, 0))
    return Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


# ---- one session per folder ----


def _lock(folder: Path) -> BinaryIO | None:
    """Lock a training folder, as the scripts that write it do; the lock ends with the process, however that ends.

    Returns:
        The open lock file; None if the folder is read-only, so that nothing can be destroyed.

    Raises:
        UserError: another process has the lock.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        file = open(os.open(folder / LOCK, flags, 0o666), "ab")  # noqa: SIM115 (held as long as the session)
    except OSError:
        return None
    try:
        lock(file.fileno())
    except (BlockingIOError, PermissionError) as error:
        file.close()
        where = "open in another window of the correction tool, or written by another run"
        raise UserError(f"{folder}: {where}; close that one first, or wait for its end") from error
    return file
