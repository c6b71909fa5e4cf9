"""Files that are either whole or absent, and their hashes.

Standard library only: `run.py` uses it before anything is installed.
"""

import csv
import hashlib
import io
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from common.errors import FAULTS_SHOWN, UserError
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
    """Hold a lock on the temporary file; Windows itself lets no other process replace a file that is open."""
    if sys.platform == "win32":
        yield
        return
    # a link or a pipe of that name is an error: it is neither followed nor waited for
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
    with open(handle, "ab"):
        try:
            lock(handle)
        except BlockingIOError as error:
            raise UserError(f"cannot write {target}: another run is writing it") from error
        os.utime(part, (0, 0))  # still so afterwards: nothing was written
        yield


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


def file_stem(name: str) -> str:
    """A file name without suffix for any name of a person: letters, digits and dashes, 60 characters at most."""
    stem = re.sub(r"[^\w-]+", "_", name)[:60].strip("_") or "person"
    return f"{stem}_" if stem.casefold() in TAKEN else stem


def row_file_name(row: int, name: str) -> str:
    """A PNG's file name for a person in a table: the row, then at most 40 letters, digits and dashes of the name."""
    safe = re.sub(r"[^\w-]+", "_", name)[:40].strip("_")
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
    """Write rows of cells, the header first, as CSV in UTF-8, atomically."""
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows(rows)
    write_text(target, table.getvalue())


def write_text(target: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    write_bytes(target, text.encode("utf-8"))


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_faults(folder: Path, faults: Mapping[str, str]) -> None:
    """List the files that were skipped in the folder's faults.csv, or remove an earlier one where there are none."""
    path = folder / FAULTS
    if not faults:
        path.unlink(missing_ok=True)
        return
    write_csv(path, [("file", "fault"), *faults.items()])


def print_faults(folder: Path, faults: Mapping[str, str]) -> None:
    """Say on stderr which files were skipped, the first of them at least, and that `write_faults` listed them all."""
    for name, fault in list(faults.items())[:FAULTS_SHOWN]:
        print(f"skipped: {name}: {fault}", file=sys.stderr)
    if faults:
        print(f"{len(faults)} skipped, listed in {shown(folder / FAULTS)}", file=sys.stderr)
