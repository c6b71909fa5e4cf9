"""The folder of a batch's results, and the journal that says what is in it.

A hidden file, `.journal.jsonl`, is the record of the folder. Its first line holds the settings. The names of all items
follow before any of their files is written, and then a line for each item that is finished.

Nothing in the journal is trusted: no path is built from it. Files are removed only where a scan of the folder finds
them by the names that the batch itself writes, and the journal knows the item. Other files of such names were made by
somebody else, and are never replaced.
"""

import contextlib
import json
import os
import re
import stat
import warnings
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from common.errors import UserError
from common.files import FAULTS, atomic_path, lock, part_of
from common.paths import resolved

JOURNAL = ".journal.jsonl"
LOCK = ".lock"  # what counts is the lock on it, which ends with its process; Ray's workers read whose it is
Places = dict[str, int]  # where the line of an item begins in the journal, by name; 0: it is not finished


@dataclass(frozen=True)
class Record:
    """A finished item as the journal keeps it.

    Attributes:
        name: unique in the batch.
        version: changes when anything does that the item is made from.
        label: name for people.
        files: paths relative to the folder.
        facts: JSON values for tables.
        fault: why the item was skipped; empty where it was not.
    """

    name: str
    version: str
    label: str
    files: list[str]
    facts: dict[str, Any]
    fault: str


@dataclass(frozen=True, kw_only=True)
class Results:
    """A folder of results.

    Attributes:
        folder: output folder.
        settings: JSON values that decide what all results look like; other ones make everything anew.
        files: patterns of the paths relative to the folder of all files that items have, "pets/(.+)\\.png"; the first
            group is the item's name, and everything before the last slash is literal.
        overviews: patterns of other files that the caller writes there, such as tables and contact sheets.
        exclusive: True: results of items that are not in the list are removed; False: they do not change.
        check_facts: raises ValueError, TypeError, AttributeError, or an ArithmeticError, LookupError or RecursionError
            where facts that were read back are not as they were written.
    """

    folder: Path
    settings: Mapping[str, Any]
    files: tuple[str, ...]
    overviews: tuple[str, ...] = ()
    exclusive: bool = True
    check_facts: Callable[[Mapping[str, Any]], object] = bool

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return self.folder / JOURNAL

    def start_or_resume(self, versions: Mapping[str, str]) -> set[str]:
        """Remove results that are out of date or half done, and announce all items.

        Args:
            versions: version of each item by name, in the order of the list.

        Returns:
            Names of the items that are done.

        Raises:
            UserError: the folder holds files of such names that no run in it has made.
        """
        there = self._scan()
        header, places = self._read()
        others = self._others(places, versions)
        if not self.exclusive:
            there = {file: is_whole for file, is_whole in there.items() if owner_of(self.files, file) in versions}
        self._check_foreign(there, places)
        kept_files: set[str] = set()
        kept: Places = {}
        if header == self._header():
            for record, place in self._records({name: places.get(name, 0) for name in versions}):
                is_whole = all(there.get(file) and owner_of(self.files, file) == record.name for file in record.files)
                if is_whole and not record.fault and record.version == versions[record.name]:
                    kept[record.name] = place
                    kept_files.update(record.files)
        for file in there.keys() - kept_files:
            (self.folder / file).unlink()
        self._write([*others, *versions], others | kept)
        return set(kept)

    def settle(self, names: Iterable[str]) -> Places:
        """Bring the journal into this order, without lines of earlier attempts."""
        _, places = self._read()
        mine = {name: places.get(name, 0) for name in names}
        others = self._others(places, mine)
        written = self._write([*others, *mine], others | mine)
        return {name: written[name] for name in mine if name in written}

    def records(self, places: Places) -> Iterator[Record]:
        """The finished items, in the order that `settle` gave."""
        return (record for record, _ in self._records(places))

    def _others(self, places: Places, names: Container[str]) -> Places:
        """The items outside the list whose results stay."""
        return {} if self.exclusive else {name: place for name, place in places.items() if name not in names}

    # ---- what is there ----

    def _scan(self) -> dict[str, bool]:
        """The files of items in the folder, by relative path, and whether each is whole: a plain file, not empty.

        What a killed run left half-written is removed.
        """
        found = {}
        for name in dict.fromkeys(pattern.rpartition("/")[0] for pattern in self.files):
            folder = self.folder / name
            if resolved(folder) != resolved(self.folder) / name:
                raise UserError(f"{folder}: is a link that leads elsewhere; remove it, or set OUTPUT to another folder")
            with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
                for entry in entries:
                    half = part_of(entry.name)
                    file = "/".join(filter(None, (name, half or entry.name)))
                    if owner_of(self.files, file) is None or entry.is_dir(follow_symlinks=False):
                        continue
                    if half:
                        Path(entry).unlink()
                        continue
                    facts = entry.stat(follow_symlinks=False)
                    found[file] = stat.S_ISREG(facts.st_mode) and facts.st_size > 0
        return found

    def _check_foreign(self, there: Iterable[str], known: Places) -> None:
        foreign = sorted(file for file in there if owner_of(self.files, file) not in known)
        if not self.journal.is_file():
            overviews = re.compile("|".join((*self.overviews, re.escape(FAULTS))))
            foreign += sorted(path.name for path in self.folder.iterdir() if overviews.fullmatch(path.name))
        if foreign:
            more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
            path = self.folder / foreign[0]
            remedy = "set OUTPUT to another one, or delete this one if an older version made it"
            raise UserError(f"{path}{more}: not made by a run in this folder; {remedy}")

    # ---- the journal ----

    def _header(self) -> bytes:
        return _line({"settings": dict(sorted(self.settings.items()))})

    def _write(self, names: Iterable[str], places: Places) -> Places:
        """Write settings, names and finished items, whose lines come from the old journal; gives the new places."""
        written = {}
        with atomic_path(self.journal) as part, contextlib.ExitStack() as files:
            new = files.enter_context(open(part, "wb"))
            new.write(self._header())
            new.writelines(_line({"name": name}) for name in names)
            places = {name: place for name, place in places.items() if place}
            old = files.enter_context(open(self.journal, "rb")) if places else None
            for name, place in places.items():
                assert old is not None
                old.seek(place)
                written[name] = new.tell()
                new.write(old.readline())
        return written

    def _read(self) -> tuple[bytes, Places]:
        """The journal's first line, and all items that it knows.

        A killed run may have left half a line at the end. Other damaged lines are ignored with a warning.
        """
        places: Places = {}
        damaged = 0
        if not self.journal.is_file() or self.journal.is_symlink():
            return b"", places
        with open(self.journal, "rb") as file:
            header = file.readline()
            place = len(header)
            for line in file:
                facts = _parsed(line)
                name = facts.get("name")
                record = self._record(facts)
                if record is not None:
                    places[record.name] = place
                elif isinstance(name, str):
                    places.setdefault(name, 0)
                is_name = isinstance(name, str) and len(facts) == 1
                damaged += record is None and not is_name and line.endswith(b"\n")
                place += len(line)
        if damaged:
            what = f"{damaged} damaged lines ignored; what they list is made again"
            warnings.warn(f"{self.journal}: {what}", stacklevel=1)
        return header, places

    def _records(self, places: Places) -> Iterator[tuple[Record, int]]:
        """The finished ones of these items, and where their lines begin."""
        if not any(places.values()):
            return
        with open(self.journal, "rb") as file:
            for place in filter(None, places.values()):
                file.seek(place)
                record = self._record(_parsed(file.readline()))
                if record is not None:
                    yield record, place

    def _record(self, facts: dict[str, Any]) -> Record | None:
        """The finished item of a line, None where it is not one."""
        try:
            record = Record(**facts)
            texts = (record.name, record.version, record.label, record.fault, *record.files)
            if not all(isinstance(text, str) for text in texts) or not isinstance(record.facts, dict):
                return None
            if not record.fault:
                self.check_facts(record.facts)
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
            return None
        return record


@contextlib.contextmanager
def locked(folder: Path, setting: str = "OUTPUT", file: str = "") -> Iterator[None]:
    """Keep other runs out of a folder of results, by a file that stays in it; a killed run's lock ends with it.

    Args:
        folder: made if it is not there.
        setting: name of the setting that says which folder, for the message.
        file: keep other runs from this file alone, whose folder others may write.

    Raises:
        UserError: another run is in it, or it cannot be written.
    """
    place, name = (folder / file, f".{file}.lock") if file else (folder, LOCK)
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / name, flags, 0o666)
    except OSError as error:
        why = "there is something else of that name" if isinstance(error, FileExistsError) else error.strerror
        raise UserError(f"cannot write {folder}: {why}") from error
    try:
        try:
            lock(handle)
        except OSError as error:
            what = f"another run is writing it or has it open; wait for its end, or name another {setting}"
            raise UserError(f"cannot write {place}: {what}") from error
        if stat.S_ISREG(os.fstat(handle).st_mode):
            os.ftruncate(handle, 0)  # workers that outlive a killed run read here whose the folder is
        yield
    finally:
        os.close(handle)


def owner_of(patterns: Iterable[str], file: str) -> str | None:
    """Name of the item to which a file belongs; None where it is no file of an item."""
    for pattern in patterns:
        match = re.fullmatch(pattern, file, re.DOTALL)
        if match and not re.search(r"[/\\]", match[1]):
            return match[1]
    return None


def note(journal: IO[bytes], record: Record) -> None:
    """Add a finished item to an open journal. Raises UserError where the disk is full."""
    try:
        journal.write(_line(asdict(record)))
        journal.flush()
    except OSError as error:
        raise UserError(f"cannot write {journal.name}: {error.strerror}") from error


def _line(facts: Mapping[str, Any]) -> bytes:
    return json.dumps(facts).encode() + b"\n"


def _parsed(line: bytes) -> dict[str, Any]:
    """The facts of a line; none where it is damaged."""
    try:
        facts = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}
