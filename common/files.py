"""Files that are either whole or absent, and their hashes.

Standard library only: `run.py` uses it before anything is installed.
"""

import contextlib
import csv
import errno
import functools
import hashlib
import io
import json
import os
import re
import secrets
import stat
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from common.errors import FAULTS_SHOWN, UserError, message_line, printable
from common.paths import CHECKPOINTS, resolved, shown

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
JSON_BYTES = 1 << 20  # of the largest file that `read_json` reads; settings of models have about 2000
JSON_ERRORS = (  # of reading a damaged or hostile JSON, and of taking values out of it
    OSError, UserError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError,
)  # fmt: skip
PART_BYTES = 4  # of chance in a temporary name
LONGEST_PART_STEM = 255 - len(f"..{'0' * 2 * PART_BYTES}.part")  # bytes; disks allow names of 255
TAKEN = frozenset({"run", "con", "prn", "aux", "nul"})  # a run's record is run.json; the rest are devices of Windows


def part_path(target: Path) -> Path:
    """A new temporary name beside `target`: hidden, and with letters by chance, which nobody can occupy beforehand."""
    return target.with_name(f".{_part_stem(target.name)}.{secrets.token_hex(PART_BYTES)}.part")


def part_of(name: str) -> str | None:
    """The name of the file to which a temporary one belongs (see `part_path`); None where it is none."""
    half = re.fullmatch(rf"\.(.+)\.[0-9a-f]{{{2 * PART_BYTES}}}\.part", name, re.DOTALL)
    return half[1] if half else None


def leftovers(target: Path) -> list[Path]:
    """What killed runs left of `target`, half-written, and what other runs write; told once in a process."""
    return _parts_in(target.parent.absolute()).pop(_part_stem(target.name), [])


def remove_leftovers(target: Path) -> None:
    """Remove what killed runs left of a file, half-written; what another run still writes stays."""
    for part in leftovers(target):
        with contextlib.suppress(OSError):  # another run writes it, or has removed it
            if sys.platform != "win32" and stat.S_ISREG(part.lstat().st_mode):
                with open(os.open(part, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
                    lock(file.fileno())
                    part.unlink()
            else:
                part.unlink()


def _part_stem(name: str) -> str:
    """The name, or its hash where the temporary name would be longer than a disk allows."""
    whole = os.fsencode(name)
    return name if len(whole) <= LONGEST_PART_STEM else hashlib.sha256(whole).hexdigest()


@functools.lru_cache(maxsize=64)
def _parts_in(folder: Path) -> dict[str, list[Path]]:
    """Temporary files in a folder by `part_of`, as they were when this process first wrote there.

    A folder is read once, not for each of the many files that may be written there.
    """
    found: dict[str, list[Path]] = {}
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if (stem := part_of(entry.name)) is not None:
                found.setdefault(stem, []).append(folder / entry.name)
    return found


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Give a temporary path beside `target`; rename it to `target` when the block ends well.

    An error or a kill leaves the old file (or none). What a kill leaves half-written, the next run that writes this
    file removes. Of two runs that write one file at once, the one that ends last leaves its own, whole.

    Raises:
        UserError: the folder cannot be written, or the disk is full.
    """
    target = Path(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _check_free(target)
        remove_leftovers(target)
        part, handle = _new_part(target)
        try:
            with open(handle, "ab") as held:
                yield part
                if part.stat().st_mtime == 0:
                    raise UserError(f"cannot write {target}: nothing was written")
                if sys.platform == "win32":
                    held.close()  # Windows renames no open file; elsewhere the lock lasts until the file has its name
                part.replace(target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    except OSError as error:
        path = Path(error.filename or target)
        if path in (target, *target.parents) or part_of(path.name) == _part_stem(target.name):
            raise UserError(f"cannot write {target}: {error.strerror or error}") from error
        raise


def _check_free(target: Path) -> None:
    """Raise OSError or UserError where a file cannot get this name in the end: it is a folder's, too long or odd."""
    try:
        if stat.S_ISDIR(target.lstat().st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    except FileNotFoundError:
        pass
    except ValueError as error:  # letters that the system's encoding lacks
        raise UserError(f"cannot write {target}: {error}") from error


def _new_part(target: Path) -> tuple[Path, int]:
    """Make a temporary file, and hold it open, locked, by which other runs know that it is being written.

    Windows itself lets nobody remove an open file, and its locks would keep this process from writing.
    """
    while True:
        part = part_path(target)
        with contextlib.suppress(FileExistsError):
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o666)
            try:
                if sys.platform != "win32":
                    lock(handle)
                os.utime(part, (0, 0))  # still so afterwards: nothing was written
                return part, handle
            except OSError as error:
                os.close(handle)
                if not isinstance(error, BlockingIOError | FileNotFoundError):
                    part.unlink(missing_ok=True)
                    raise
                # another run took it for a leftover before the lock


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


def check_not_shipped(output: Path, part: str) -> None:
    """Refuse an output inside checkpoints/<part>/.

    Raises:
        UserError: it lies there.
    """
    if resolved(CHECKPOINTS / part) in resolved(output).parents:
        raise UserError(f"setting OUTPUT is {output}; checkpoints that ship are not replaced by training")


def check_output_folder(output: Path, sources: Iterable[Path], what: str) -> None:
    """Refuse an output folder from which a script reads all pictures: the next run would take results for photos.

    Raises:
        UserError: `output` is one of the `sources`; the message calls it the folder of `what`.
    """
    if any(resolved(output) == resolved(source) for source in sources):
        raise UserError(f"setting OUTPUT is {output}, the folder of the {what}; name another one")


def _safe(name: str) -> str:
    """Letters with their marks (as Hindi and Thai have them), digits and dashes; "_" for all else."""
    kept = [c if _is_mark(c) or re.match(r"[\w-]", c) else "_" for c in name]
    return re.sub("_+", "_", "".join(kept))


def _is_mark(letter: str) -> bool:
    return unicodedata.category(letter) in ("Mn", "Mc") and not "\ufe00" <= letter <= "\ufe0f"


def file_stem(name: str) -> str:
    """A file name without suffix for any name of a person: letters, digits and dashes, 60 and 180 bytes at most."""
    stem = _safe(name)[:60].encode()[:180].decode(errors="ignore").strip("_") or "person"
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
    part = part_path(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(target)
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


def read_json(path: Path) -> Any:
    """The content of a small JSON file, which may be anybody's; raises JSON_ERRORS."""
    with open_plain(path) as file:
        content = file.read(JSON_BYTES + 1)
    if len(content) > JSON_BYTES:
        raise ValueError(f"larger than {JSON_BYTES >> 20} MB")
    return json.loads(content.decode("utf-8-sig"))


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
        remove_leftovers(path)
        return
    write_csv(path, [("file", "fault"), *((printable(file), printable(fault)) for file, fault in faults.items())])


def print_faults(folder: Path, faults: Mapping[str, str]) -> None:
    """Say on stderr which files were skipped, the first of them at least, and that `write_faults` listed them all."""
    for name, fault in list(faults.items())[:FAULTS_SHOWN]:
        print(message_line(f"skipped: {name}: {fault}"), file=sys.stderr)
    if faults:
        print(f"{len(faults)} skipped, listed in {shown(folder / FAULTS)}", file=sys.stderr)
