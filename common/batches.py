"""Batches: many items, each made once by a pure function, resumable, on one process or several.

A hidden journal in the output folder, `.journal.jsonl`, is the record of what is there. Its first line holds the
settings. The names of all items follow before any of their files is written, and then a line for each item that is
finished. The next run keeps what is whole and up to date, makes the rest, and removes what is no longer in the list.

Nothing in the journal is trusted: no path is built from it. Files are removed only where a scan of the folder finds
them by the names that the batch itself writes, and the journal knows the item. Other files of such names were made by
somebody else, and are never replaced.
"""

import contextlib
import json
import multiprocessing
import os
import re
import signal
import stat
import sys
import threading
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Generic, TypeVar

from common.errors import UserError, raise_faults
from common.files import FAULTS, atomic_path, write_bytes, write_faults

if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


JOURNAL = ".journal.jsonl"
LOCK = ".lock"  # an empty file; what counts is the lock on it, which ends with its process
AHEAD = 3  # chunks a worker that are handed over before their turn
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")

Payload = TypeVar("Payload")
Tables = TypeVar("Tables")


@dataclass(frozen=True)
class Item(Generic[Payload]):
    """One thing to make.

    Attributes:
        name: unique in the batch; every file of the item carries it (see `Batch.files`).
        version: changes when anything does that the item alone is made from.
        label: name of the item for people, in faults.csv.
        payload: argument of the function; must pickle.
        fault: why the item cannot be made, where that is known beforehand.
    """

    name: str
    version: str
    label: str
    payload: Payload | None = None
    fault: str = ""


@dataclass(frozen=True)
class Made:
    """Result of the function for one item.

    Attributes:
        files: contents by path relative to the folder, with "/".
        facts: JSON values for tables, kept in the journal; equal for equal items and settings.
        fault: why the item counts as skipped although it has files.
        passing: values that matter to this run alone (device, seconds); they reach `Batch.watch`, not the journal.
    """

    files: Mapping[str, bytes] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""
    passing: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Record:
    """A finished item as the journal keeps it; attributes as in `Item` and `Made`."""

    name: str
    version: str
    label: str
    files: list[str]
    facts: dict[str, Any]
    fault: str


def _ignore(_: Any) -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class Batch(Generic[Payload, Tables]):
    """What is made of every item, and where.

    Attributes:
        folder: output folder.
        settings: JSON values that decide what all results look like; other ones make everything anew.
        files: patterns of the paths relative to the folder of all files that items have, "pets/(.+)\\.png"; the first
            group is the item's name, and everything before the last slash is literal.
        overviews: patterns of other files that the caller writes there, such as tables and contact sheets.
        set_up: loads what is loaded once a worker, and gives the function of one item. It must pickle. A UserError of
            the function skips the item, one of `set_up` ends the run.
        tables: draws up tables from the finished items, in the order of the list; called at the end, and also when
            the run is interrupted.
        check_facts: raises ValueError, TypeError, KeyError or AttributeError where facts that were read back
            are not as they were written.
        watch: gets `Made.passing` of each item made now.
        what: title of the progress bar.
        unit: of the progress bar.
        workers: processes; 1 works in this one.
        few: up to this many items are made in this process, as they do not repay the start of workers.
        chunk: items that a worker gets at a time.
    """

    folder: Path
    settings: Mapping[str, Any]
    files: tuple[str, ...]
    overviews: tuple[str, ...] = ()
    set_up: Callable[[], Callable[[Payload], Made]]
    tables: Callable[[Iterator[Record]], Tables]
    check_facts: Callable[[Mapping[str, Any]], Any] = _ignore
    watch: Callable[[Mapping[str, Any]], Any] = _ignore
    what: str
    unit: str
    workers: int = 1
    few: int = 0
    chunk: int = 1


@dataclass(frozen=True)
class Outcome(Generic[Tables]):
    """Result of a run.

    Attributes:
        made: items made now, without faults.
        kept: items that were there.
        faults: why items were skipped, by label.
        tables: result of `Batch.tables`.
    """

    made: int
    kept: int
    faults: dict[str, str]
    tables: Tables


def default_workers() -> int:
    """One worker for each core that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def run_batch(batch: Batch[Payload, Tables], items: Callable[[], Iterable[Item[Payload]]]) -> Iterator[Outcome[Tables]]:
    """Make all items that are not there yet; the folder stays locked until the block ends.

    Args:
        batch: what is made.
        items: gives the list from its start; called twice, and never held in memory as a whole.

    Raises:
        UserError: every item is at fault, two have one name; the folder cannot be written, is in use by another run
            or holds files of others; `Batch.set_up` failed; the system ended a worker.
    """
    versions: dict[str, str] = {}
    faults = []
    for item in items():
        if item.name in versions:
            raise UserError(f"{item.label}: another item gets the file name {item.name!r} too; rename one of them")
        versions[item.name] = item.version
        if item.fault:
            faults.append(f"{item.label}: {item.fault}")
    if len(faults) == len(versions):  # before earlier results are removed
        raise_faults("", faults)
    with _locked(batch.folder):
        done = _start_or_resume(batch, versions)
        to_do = (item for item in items() if item.name in versions and item.name not in done)
        try:
            made = _work(batch, to_do, len(versions), len(done))
        except (KeyboardInterrupt, SystemExit):
            _finish(batch, versions)
            raise
        yield Outcome(made, len(done), *_finish(batch, versions))


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other runs out of the folder."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / LOCK, flags, 0o666)
    except OSError as error:
        raise UserError(f"cannot write {folder}: {error.strerror}") from error
    try:
        try:
            _lock(handle)
        except OSError as error:
            what = "another run is writing it; wait for its end, or set OUTPUT to another folder"
            raise UserError(f"cannot write {folder}: {what}") from error
        yield
    finally:
        os.close(handle)


# ---- what is there ----


def _start_or_resume(batch: Batch[Any, Any], versions: Mapping[str, str]) -> set[str]:
    """Remove results that are out of date or half done, and announce all items; gives the names of those that are done.

    Raises:
        UserError: the folder holds files of such names that no run in it has made.
    """
    there = _scan(batch)
    header, places = _read_journal(batch)
    _check_foreign(batch, there, places)
    kept_files: set[str] = set()
    kept: dict[str, int] = {}
    if header == _header(batch):
        for record, place in _records(batch, {name: places[name] for name in versions if places.get(name)}):
            is_whole = all(there.get(file) and _owner(batch.files, file) == record.name for file in record.files)
            if is_whole and not record.fault and record.version == versions[record.name]:
                kept[record.name] = place
                kept_files.update(record.files)
    for file in there.keys() - kept_files:
        (batch.folder / file).unlink()
    _write_journal(batch, versions, kept)
    return set(kept)


def _scan(batch: Batch[Any, Any]) -> dict[str, bool]:
    """The files of items in the folder, by relative path, and whether each is whole: a plain file, not empty.

    What a killed run left half-written is removed.
    """
    found = {}
    for name in dict.fromkeys(pattern.rpartition("/")[0] for pattern in batch.files):
        folder = batch.folder / name
        if folder.resolve() != batch.folder.resolve() / name:
            raise UserError(f"{folder}: leads elsewhere, it is a link; remove it or set OUTPUT to another folder")
        with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
            for entry in entries:
                half = re.fullmatch(r"\.(.+)\.part", entry.name)
                file = "/".join(filter(None, (name, half[1] if half else entry.name)))
                if _owner(batch.files, file) is None:
                    continue
                if half:
                    Path(entry).unlink()
                    continue
                facts = entry.stat(follow_symlinks=False)
                found[file] = stat.S_ISREG(facts.st_mode) and facts.st_size > 0
    return found


def _owner(patterns: Iterable[str], file: str) -> str | None:
    """Name of the item to which a file belongs; None where it is no file of an item."""
    for pattern in patterns:
        match = re.fullmatch(pattern, file)
        if match and not re.search(r"[/\\]", match[1]):
            return match[1]
    return None


def _check_foreign(batch: Batch[Any, Any], there: Iterable[str], known: Mapping[str, int]) -> None:
    foreign = [file for file in sorted(there) if _owner(batch.files, file) not in known]
    foreign += [file for file in there if (batch.folder / file).is_dir()]
    if not (batch.folder / JOURNAL).is_file():
        overviews = re.compile("|".join((*batch.overviews, re.escape(FAULTS))))
        foreign += sorted(path.name for path in batch.folder.iterdir() if overviews.fullmatch(path.name))
    if foreign:
        more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        path = batch.folder / foreign[0]
        raise UserError(f"{path}{more}: not made by a run in this folder; set OUTPUT to another one")


# ---- the journal ----


def _header(batch: Batch[Any, Any]) -> bytes:
    return json.dumps({"settings": batch.settings}, sort_keys=True).encode() + b"\n"


def _line(facts: Mapping[str, Any]) -> bytes:
    return json.dumps(facts).encode() + b"\n"


def _write_journal(batch: Batch[Any, Any], names: Iterable[str], places: Mapping[str, int]) -> dict[str, int]:
    """Write the settings, the names of all items, and the finished ones, whose lines are copied from the old journal.

    Returns:
        Where the lines of the finished ones begin now.
    """
    path = batch.folder / JOURNAL
    written = {}
    with atomic_path(path) as part, open(part, "wb") as new:
        new.write(_header(batch))
        new.writelines(_line({"name": name}) for name in names)
        if places:
            with open(path, "rb") as old:
                for name, place in places.items():
                    old.seek(place)
                    written[name] = new.tell()
                    new.write(old.readline())
    return written


def _read_journal(batch: Batch[Any, Any]) -> tuple[bytes, dict[str, int]]:
    """First line of the journal, and where the line of each finished item begins, by name; 0 for unfinished ones.

    A killed run may have left half a line at the end. Other damaged lines are ignored with a warning.
    """
    path = batch.folder / JOURNAL
    places: dict[str, int] = {}
    damaged = 0
    if not path.is_file() or path.is_symlink():
        return b"", places
    with open(path, "rb") as file:
        header = file.readline()
        place = len(header)
        for line in file:
            facts = _parsed(line)
            record = _record(batch, facts)
            if record is not None:
                places[record.name] = place
            elif isinstance(facts.get("name"), str):
                places.setdefault(facts["name"], 0)
            damaged += record is None and facts.keys() != {"name"} and line.endswith(b"\n")
            place += len(line)
    if damaged:
        warnings.warn(f"{path}: {damaged} damaged lines ignored; what they list is made again", stacklevel=1)
    return header, places


def _parsed(line: bytes) -> dict[str, Any]:
    """The facts of a line; none where it is damaged."""
    try:
        facts = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _record(batch: Batch[Any, Any], facts: dict[str, Any]) -> Record | None:
    """The finished item of a line, None where it is not one."""
    try:
        record = Record(**facts)
        texts = (record.name, record.version, record.label, record.fault, *record.files)
        if not all(isinstance(text, str) for text in texts) or not isinstance(record.facts, dict):
            return None
        if not record.fault:
            batch.check_facts(record.facts)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    return record


def _records(batch: Batch[Any, Any], places: Mapping[str, int]) -> Iterator[tuple[Record, int]]:
    """Finished items and where their lines begin, in the given order."""
    if not places:
        return
    with open(batch.folder / JOURNAL, "rb") as file:
        for place in places.values():
            file.seek(place)
            record = _record(batch, _parsed(file.readline()))
            if record is not None:
                yield record, place


def _finish(batch: Batch[Any, Tables], names: Mapping[str, str]) -> tuple[dict[str, str], Tables]:
    """Bring the journal into the order of the list, list faults and draw up the tables."""
    _, places = _read_journal(batch)
    finished = _write_journal(batch, names, {name: places[name] for name in names if places.get(name)})
    faults = {record.label: record.fault for record, _ in _records(batch, finished) if record.fault}
    write_faults(batch.folder, faults)
    return faults, batch.tables(record for record, _ in _records(batch, finished))


# ---- the work ----

Result = tuple[Record, Mapping[str, Any]]


def _work(batch: Batch[Any, Any], to_do: Iterable[Item[Any]], total: int, kept: int) -> int:
    """Make the items and note each in the journal; gives how many have no fault."""
    from tqdm import tqdm

    made = faults = 0
    workers = batch.workers if total - kept > batch.few else 1
    path = batch.folder / JOURNAL
    with (
        open(path, "ab") as journal,
        tqdm(total=total, initial=kept, desc=batch.what, unit=batch.unit) as bar,
        contextlib.closing(_results(batch, iter(to_do), workers)) as results,
    ):
        for record, passing in results:
            try:
                journal.write(_line(asdict(record)))
                journal.flush()
            except OSError as error:
                raise UserError(f"cannot write {path}: {error.strerror}") from error
            batch.watch(passing)
            if record.fault:
                faults += 1
                bar.set_postfix(faults=faults, refresh=False)
            made += not record.fault
            bar.update()
    return made


def _results(batch: Batch[Any, Any], to_do: Iterator[Item[Any]], workers: int) -> Generator[Result, None, None]:
    """Results in the order of the items; few items are in memory at once.

    An interrupted run still gives what its workers had finished.
    """
    maker = _Maker(batch.folder, batch.files, batch.set_up)
    if workers == 1:
        for item in to_do:
            yield from maker([item])
        return
    chunks = iter(lambda: list(islice(to_do, batch.chunk)), [])
    # "spawn" everywhere: forking a process that has threads may hang.
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _start_worker, (maker,))
    ahead: deque[Future[list[Result]]] = deque()
    try:
        for chunk in chunks:
            with _worker_environment():
                ahead.append(pool.submit(_make_here, chunk))
            if len(ahead) > AHEAD * workers:
                yield from ahead[0].result()
                ahead.popleft()
        while ahead:
            yield from ahead[0].result()
            ahead.popleft()
    except (KeyboardInterrupt, SystemExit):
        pool.shutdown(wait=True, cancel_futures=True)
        for future in ahead:
            if not future.cancelled() and future.exception() is None:
                yield from future.result()
        raise
    except BrokenProcessPool as error:
        raise UserError(
            f"a worker was ended by the system, most likely because memory ran out; set WORKERS below {workers}. "
            "What was written is whole, the same command resumes"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class _Maker(Generic[Payload]):
    """Makes items in any process; what `set_up` loads is loaded with the first of them."""

    def __init__(
        self, folder: Path, patterns: tuple[str, ...], set_up: Callable[[], Callable[[Payload], Made]]
    ) -> None:
        self._folder, self._patterns, self._set_up = folder, patterns, set_up
        self._function: Callable[[Payload], Made] | None = None

    def __call__(self, chunk: Iterable[Item[Payload]]) -> list[Result]:
        """Make items and write their files."""
        self._function = self._function or self._set_up()
        return [self._make(item, self._function) for item in chunk]

    def _make(self, item: Item[Payload], function: Callable[[Payload], Made]) -> Result:
        made = Made(fault=item.fault)
        if item.payload is not None and not item.fault:
            try:
                made = function(item.payload)
            except UserError as error:
                made = Made(fault=str(error))
        for file, content in made.files.items():
            if _owner(self._patterns, file) != item.name:
                raise ValueError(f"item {item.name!r} has no file {file!r}")
            write_bytes(self._folder / file, content)
        record = Record(item.name, item.version, item.label, list(made.files), dict(made.facts), made.fault)
        return record, made.passing


# ---- worker processes ----

_maker: _Maker[Any]  # of this worker


def _make_here(chunk: list[Item[Any]]) -> list[Result]:
    return _maker(chunk)


def _start_worker(maker: _Maker[Any]) -> None:
    """Leave Ctrl-C to the process that started this one, and end with it, even where it is killed."""
    global _maker  # noqa: PLW0603 (the only way to keep something between the calls of a worker)
    _maker = maker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


@contextlib.contextmanager
def _worker_environment() -> Iterator[None]:
    """Processes that start in the block use one thread a library, and never get Ctrl-C (on POSIX)."""
    environment = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if sys.platform != "win32" else None
    try:
        yield
    finally:
        for name, value in environment.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        if sys.platform != "win32" and before is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
