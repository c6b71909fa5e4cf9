"""Files that are either whole or absent, and their hashes.

Standard library only: `run.py` uses it before anything is installed.
"""

import csv
import hashlib
import io
import os
import re
import stat
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from common.errors import FAULTS_SHOWN, UserError, message_line, printable
from common.paths import shown

if sys.platform == "win32":
    import msvcrt

    def lock(handle: int) -> None:
        """Lock an open file until it is closed or the process ends. Raises OSError if another process has the lock."""
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def lock(handle: int) -> None:
        """Lock an open file until it is closed or the process ends. Raises OSError if another process has the lock."""
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


FAULTS = "faults.csv"  # what a batch skipped
FORMULA_STARTS = "=+-@\t\r'"  # a spreadsheet runs a cell that starts so; a leading apostrophe turns it into text
TAKEN = frozenset({"run", "con", "prn", "aux", "nul"})  # a run's record is run.json; the rest are devices of Windows


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Give a temporary path beside `target`; rename it to `target` when the block ends well.

    An error or a kill leaves the old file (or none). The temporary name is always the same, so that the next
    run replaces what a killed one left; two runs that write one file at once are kept apart by a lock.

    Raises:
        UserError: the folder cannot be written, the disk is full, or another run is writing the same file.
    """
    target = Path(target)
    part = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _locked(part, target):
            try:
                yield part
                if part.stat().st_mtime == 0:
                    raise UserError(f"cannot write {target}: nothing was written")
                part.replace(target)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
    except OSError as error:
        if error.filename is None or Path(error.filename) in (part, target, *target.parents):
            raise UserError(f"cannot write {target}: {error.strerror or error}") from error
        raise


@contextmanager
def _locked(part: Path, target: Path) -> Iterator[None]:
    """Make the temporary file and hold a lock on it; Windows itself lets no other process replace an open file.

    Whatever had its name is removed, never written to: the rest of a killed run, a pipe, or a link to another file.
    """
    if sys.platform == "win32":
        yield
        return
    in_use = UserError(f"cannot write {target}: another run is writing it")
    _remove_unlocked(part, in_use)
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
    except FileExistsError as error:
        raise in_use from error
    with open(handle, "ab"):
        try:
            lock(handle)
            is_ours = part.stat().st_ino == os.fstat(handle).st_ino  # another run may have removed it before the lock
        except (BlockingIOError, FileNotFoundError) as error:
            raise in_use from error
        if not is_ours:
            raise in_use
        os.utime(part, (0, 0))  # still so afterwards: nothing was written
        yield


def _remove_unlocked(part: Path, in_use: UserError) -> None:
    """Remove a temporary file that no run has locked; raises `in_use` where one has."""
    try:
        if not stat.S_ISREG(part.lstat().st_mode):
            part.unlink()
            return
        handle = os.open(part, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    with open(handle, "rb"):
        try:
            lock(handle)
        except BlockingIOError as error:
            raise in_use from error
        part.unlink()


def check_output(output: Path, suffixes: Sequence[str], inputs: Sequence[Path] = ()) -> None:
    """Refuse an output of the wrong kind, or one that would replace an input or lie where the run's JSON goes.

    Raises:
        UserError: another suffix than `suffixes`, a folder, or the same file as one of `inputs`.
    """
    if output.suffix.lower() not in suffixes:
        raise UserError(f"setting OUTPUT is {output}; it needs the suffix {' or '.join(suffixes)}")
    if output.is_dir():
        raise UserError(f"setting OUTPUT is {output}, which is a folder")
    for path in inputs:
        if path.exists() and any(o.exists() and o.samefile(path) for o in (output, output.with_suffix(".json"))):
            raise UserError(f"setting OUTPUT is {output}, which would replace {path}, an input")


def _safe(name: str) -> str:
    """Letters with their marks (as Hindi and Thai have them), digits and dashes; "_" for all else."""
    kept = [c if _is_mark(c) or re.match(r"[\w-]", c) else "_" for c in name]
    return re.sub("_+", "_", "".join(kept))


def _is_mark(letter: str) -> bool:
    return unicodedata.category(letter) in ("Mn", "Mc") and not "\ufe00" <= letter <= "\ufe0f"


def file_stem(name: str) -> str:
    """A file name without suffix for any name of a person: letters, digits and dashes, 60 characters at most."""
    stem = _safe(name)[:60].strip("_") or "person"
    return f"{stem}_" if stem.casefold() in TAKEN else stem


def row_file_name(row: int, name: str) -> str:
    """A PNG's file name for a person in a table: the row, then at most 40 letters, digits and dashes of the name."""
    safe = _safe(name)[:40].strip("_")
    return f"{row:06d}_{safe}.png" if safe else f"{row:06d}.png"


def write_bytes(target: Path, content: bytes) -> None:
    """Write a file atomically."""
    with atomic_path(target) as part:
        part.write_bytes(content)


def link_file(target: Path, source: Path) -> None:
    """Make `target` another name of the file `source`, atomically; a copy where the disk has no such links.

    Raises:
        FileNotFoundError: no `source`.
        UserError: the folder cannot be written, or the disk is full.
    """
    source.stat()
    part = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        os.link(source, part)
        part.replace(target)
        part.unlink(missing_ok=True)  # still there where both were one file already
    except OSError:
        write_bytes(target, source.read_bytes())


def write_csv(target: Path, rows: Iterable[Iterable[object]]) -> None:
    """Write rows of cells, the header first, as CSV in UTF-8, atomically; a spreadsheet runs none of them."""
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows(map(inert, rows))
    write_text(target, table.getvalue())


def inert(row: Iterable[object]) -> list[object]:
    """Cells with an apostrophe before texts that a spreadsheet would run, which `of_inert` takes away again.

    A carriage return is written out: Python does not quote it where lines end otherwise.
    """
    texts = (cell.replace("\r", "\\r") if isinstance(cell, str) else cell for cell in row)
    return [f"'{cell}" if isinstance(cell, str) and _is_formula(cell) else cell for cell in texts]


def of_inert(cell: str) -> str:
    """The text of a cell that `inert` wrote."""
    return cell.removeprefix("'")


def _is_formula(cell: str) -> bool:
    if not cell.startswith(tuple(FORMULA_STARTS)):
        return False
    try:
        float(cell)  # a number below 0
    except ValueError:
        return True
    return False


def utf8(text: str) -> bytes:
    """Text in UTF-8; letters that are none, as in file names that are not UTF-8, come as \\udce9, as JSON has them."""
    return text.encode("utf-8", "backslashreplace")


def write_text(target: Path, text: str) -> None:
    """Write `utf8` text atomically."""
    write_bytes(target, utf8(text))


def open_plain(path: Path) -> io.BufferedReader:
    """Open a file for reading, and nothing else: a pipe may say nothing for ever, and a device may have no end.

    Raises:
        OSError: it cannot be opened.
        UserError: a folder, a pipe or a device.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise UserError(f"{path}: is a folder, a pipe or a device, not a file")
    return open(handle, "rb")


def read_plain(path: Path) -> str:
    """The text of a file in UTF-8, with or without a byte order mark; raises as `open_plain`, and ValueError."""
    with open_plain(path) as file:
        return file.read().decode("utf-8-sig")


def no_file(path: Path, what: str = "a file") -> str:
    """Why a path is not "a table" or whatever `what` is, where `Path.is_file` denies it; part of a message."""
    try:
        if path.exists():
            return f"is a {'folder' if path.is_dir() else 'pipe or device'}, not {what}"
        return "no such file"
    except OSError as error:  # a link to itself, a name longer than the disk allows
        return error.strerror or "no such file"


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file; raises as `open_plain`."""
    with open_plain(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_faults(folder: Path, faults: Mapping[str, str]) -> None:
    """List the files that were skipped in the folder's faults.csv, or remove an earlier one where there are none."""
    path = folder / FAULTS
    if not faults:
        path.unlink(missing_ok=True)
        return
    write_csv(path, [("file", "fault"), *((printable(file), printable(fault)) for file, fault in faults.items())])


def print_faults(folder: Path, faults: Mapping[str, str]) -> None:
    """Say on stderr which files were skipped, the first of them at least, and that `write_faults` listed them all."""
    for name, fault in list(faults.items())[:FAULTS_SHOWN]:
        print(message_line(f"skipped: {name}: {fault}"), file=sys.stderr)
    if faults:
        print(f"{len(faults)} skipped, listed in {shown(folder / FAULTS)}", file=sys.stderr)
