"""Object stores (s3://bucket/folder, gs://...): runs work on copies in STORES, which follow what is in the store.

Inputs and earlier results are fetched before a run. Workers store each file whole, in one PUT, as soon as it is made;
the process of the run stores the journal every few seconds, and all else where a batch begins and where the run ends.
A store has no rename and no file locks: who creates the lock's object, by a conditional PUT, has the output. The
libraries below fsspec (https://filesystem-spec.readthedocs.io) find credentials and endpoints as they always do.
"""

import contextlib
import functools
import hashlib
import importlib.util
import json
import os
import pickle
import platform
import re
import secrets
import sys
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from common.errors import UserError
from common.files import part_of
from common.paths import STORE_PACKAGES, STORES, store_url

RENEW_S = 10  # how often a run renews its lock
STALE_S = 45  # a lock that is not renewed for so long belongs to a run that was killed
SETTLE_S = 5  # longer than a PUT takes: who has taken over a lock waits for others who did so at the same time
POLL_S = 1
JOURNAL_S = 5  # time between two PUTs of a journal, or JOURNAL_SHARE times as long as one takes
JOURNAL_SHARE = 20
AT_ONCE = 256  # files on their way at the same time
MANY = 100  # from so many files on, a bar shows how far they are
OPTIONS: dict[str, dict[str, Any]] = {"s3": {"config_kwargs": {"connect_timeout": 10, "read_timeout": 60}}}

Stamp = tuple[int, int]  # size in bytes, and time of the last change in ns


@contextlib.contextmanager
def working_copies(settings: Mapping[str, Any], written: Collection[str]) -> Iterator[dict[str, Any]]:
    """Settings with addresses in object stores replaced by copies, which go back to the store when the block ends.

    Args:
        settings: values by name, of which paths and tuples of paths may be addresses.
        written: names of those that the run writes; another run that writes there is kept out. None: no addresses.

    Raises:
        UserError: a library is not installed; a store cannot be reached or lacks the bucket; another run writes there.
    """
    found = {name: [v for v in _values(value) if _is_address(v)] for name, value in settings.items()}
    for name, path in ((name, path) for name, paths in found.items() for path in paths):
        if not written:
            raise UserError(f"setting {name} is {store_url(path)}; only stages with ENGINE use object stores: copy it")
        _check(store_url(path), f"setting {name} is {store_url(path)}")
    with contextlib.ExitStack() as stack:
        _outputs.clear()
        stack.callback(_outputs.clear)
        for path in {path: None for name in written for path in found.get(name, ())}:
            output = _Output(store_url(path))
            stack.enter_context(output.owned())
            _outputs.append(output)
        local = {name: _replaced(value) if found[name] else value for name, value in settings.items()}
        for path in {path: None for name, paths in found.items() if name not in written for path in paths}:
            if _output_of(copy := _copy(path)) is None:
                _bring(copy, _objects(store_url(path)))
        yield local


def brought(path: Path) -> Path:
    """The copy of an input that is named in a file and not in a setting; other paths as they are.

    Raises:
        UserError: the store cannot be reached.
    """
    if path.is_relative_to(STORES) or not _is_address(path):
        return path
    copy = _copy(path)
    if _output_of(copy) is None:
        _check(store_url(path), store_url(path))
        _bring(copy, _objects(store_url(path)))
    return copy


def _values(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _is_address(value: Any) -> bool:
    return isinstance(value, Path) and bool(store_url(value))


def _check(url: str, what: str) -> None:
    """Raise UserError, which begins with `what`, where an address is none, or its library is not installed."""
    scheme, _, place = url.partition("://")
    if not re.fullmatch(r"[^/]+(/[^/]+)+", place):
        raise UserError(f"{what}; it must name a file or folder in a bucket, {scheme}://bucket/folder")
    package = STORE_PACKAGES[scheme]
    if importlib.util.find_spec(package) is None:
        wanted = "-e '.[s3]'" if scheme == "s3" else package
        raise UserError(f"{what}, which needs {package}: python -m pip install {wanted}")


def _replaced(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_replaced, value))
    return _copy(value) if _is_address(value) else value


def _copy(path: Path) -> Path:
    """The copy of an address: of one that the run writes, or below it, or else of one that it reads."""
    place = store_url(path).replace("://", "/")
    ours = (output.room / place for output in _outputs if output.has(output.room / place))
    return next(ours, STORES / "read" / place)


# ---- a store ----


@contextlib.contextmanager
def _said(url: str) -> Iterator[None]:
    """Say in one line what a library of a store raises: each has errors of its own kinds."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        reason = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
        raise UserError(f"{url}: {reason}") from error


def _system(url: str) -> Any:
    """The file system of fsspec for an address."""
    import fsspec

    scheme = url.partition("://")[0]
    return fsspec.filesystem(scheme, use_listings_cache=False, **OPTIONS.get(scheme, {}))


def _objects(url: str, room: Path | None = None) -> dict[Path, Stamp]:
    """Stamps of the objects at an address and below it, by the paths of their copies.

    Args:
        url: the address.
        room: folder of the copies of a run that writes there; then also of the files that it writes beside a file,
            such as its JSON. None: that of inputs.
    """
    system = _system(url)
    parent, _, name = url.rpartition("/")
    with _said(url):
        found = system.find(url, detail=True)
        if room is not None and _is_file(name):
            with contextlib.suppress(FileNotFoundError):
                for entry in system.ls(parent, detail=True):
                    beside = entry["name"].rstrip("/")
                    if _is_beside(name, beside.rpartition("/")[2]):
                        found |= system.find(beside, detail=True)
    root = (room or STORES / "read") / url.partition("://")[0]
    return {_safe(root, name): _stamp(facts) for name, facts in found.items() if not name.endswith("/")}


def _is_file(name: str) -> bool:
    """Whether a name looks like that of a file, "1_TopN.csv" and not "1.5_Plot_Pet"."""
    return bool(re.fullmatch(r".+\.[A-Za-z]+", name))


def _is_beside(name: str, other: str) -> bool:
    """Whether a run that writes a file of this name also writes this one beside it."""
    stem = name.rpartition(".")[0]
    return other.startswith((f"{stem}.", f"{stem}_", f".{name}.")) and other not in (name, _lock_name(name))


def _lock_name(name: str) -> str:
    return f".{name}.lock"


def _safe(root: Path, name: str) -> Path:
    """Path of an object's copy. Raises UserError where its name, which anybody may have chosen, is no file's."""
    parts = name.split("/")
    if any(part in ("", ".", "..") or re.search(r"[\\\0]", part) for part in parts):
        raise UserError(f"{root.name}://{name}: no file can have this name; rename the object")
    return root.joinpath(*parts)


def _stamp(facts: Mapping[str, Any]) -> Stamp:
    moment: datetime = facts.get("LastModified") or facts["mtime"]
    return facts["size"], int(moment.timestamp()) * 10**9


def _stamp_of(path: Path) -> Stamp | None:
    """Size and time of a file; None where there is none."""
    with contextlib.suppress(OSError):
        stat = path.lstat()
        return stat.st_size, stat.st_mtime_ns
    return None


def _bring(copy: Path, there: Mapping[Path, Stamp], beside: Iterable[Path] = ()) -> None:
    """Make the copy of an address equal to what is in the store, and remove what is no more."""
    for path in _files(copy, *beside):
        if path not in there:
            path.unlink()
    for folder in sorted((path for path in copy.rglob("*") if path.is_dir()), reverse=True):
        with contextlib.suppress(OSError):  # it is not empty
            folder.rmdir()
    _fetch({path: stamp for path, stamp in there.items() if _stamp_of(path) != stamp})


def _files(*roots: Path) -> Iterator[Path]:
    """The plain files in folders, or the files themselves, except those that are half-written."""
    for root in roots:
        paths = [root] if root.is_file() else (Path(place, name) for place, _, names in os.walk(root) for name in names)
        for path in paths:
            if not path.is_symlink() and part_of(path.name) is None:
                yield path


def _fetch(wanted: Mapping[Path, Stamp]) -> None:
    """Fetch objects into their copies, each of which is whole or absent, with the object's time."""
    folder = STORES / "arriving" / f"{os.getpid()}-{threading.get_ident()}"
    for paths in _in_portions(list(wanted), "fetching"):
        folder.mkdir(parents=True, exist_ok=True)
        parts = [folder / str(number) for number in range(len(paths))]
        with _said(store_url(paths[0])):
            _system(store_url(paths[0])).get(list(map(store_url, paths)), list(map(str, parts)))
            for path, part in zip(paths, parts, strict=True):
                os.utime(part, ns=(wanted[path][1],) * 2)
                path.parent.mkdir(parents=True, exist_ok=True)
                part.replace(path)
    with contextlib.suppress(OSError):
        folder.rmdir()


def _store(paths: Sequence[Path]) -> None:
    for portion in _in_portions(paths, "storing"):
        with _said(store_url(portion[0])):
            _system(store_url(portion[0])).put(list(map(str, portion)), list(map(store_url, portion)))


def _remove(paths: Sequence[Path]) -> None:
    for portion in _in_portions(paths, "removing"):
        with _said(store_url(portion[0])), ThreadPoolExecutor(32) as pool:
            list(pool.map(_system(store_url(portion[0])).rm_file, map(store_url, portion)))


def _in_portions(paths: Sequence[Path], what: str) -> Iterator[list[Path]]:
    from tqdm import tqdm

    with tqdm(total=len(paths), desc=what, unit="file", disable=len(paths) < MANY) as bar:
        for start in range(0, len(paths), AT_ONCE):
            portion = list(paths[start : start + AT_ONCE])
            yield portion
            bar.update(len(portion))


# ---- what a run writes ----


@dataclass
class _Output:
    """An address that this run writes, and its copy.

    Attributes:
        url: the address.
        stored: stamps of files as they were when they were fetched or stored.
        elsewhere: files that workers on other machines have stored.
        lost: why the lock is no longer ours; empty as long as it is.
        next_journal: when the journal is due.
    """

    url: str
    stored: dict[Path, Stamp | None] = field(default_factory=dict)
    elsewhere: list[Path] = field(default_factory=list)
    lost: str = ""
    next_journal: float = 0.0

    @property
    def room(self) -> Path:
        """The folder of its copies alone: an address below it may be another run's output."""
        return STORES / f"written-{hashlib.sha256(self.url.encode()).hexdigest()[:8]}"

    @property
    def copy(self) -> Path:
        """The copy on this machine."""
        return self.room / self.url.replace("://", "/")

    @contextlib.contextmanager
    def owned(self) -> Iterator[None]:
        """Keep other runs out, bring what is there, and store what the block has changed."""
        parent, _, name = self.url.rpartition("/")
        lock = _Lock(f"{parent}/{_lock_name(name)}", self)
        lock.take()
        try:
            there = _objects(self.url, self.room)
            _bring(self.copy, there, self._beside())
            self.stored = {path: _stamp_of(path) for path in there}
            with lock.renewed():
                try:
                    yield
                finally:
                    if not self.lost:
                        self.publish()
                        self._check()
        finally:
            if not self.lost:
                lock.give_up()
        if self.lost:
            raise UserError(self.lost)

    def has(self, path: Path) -> bool:
        """Whether a copy belongs to this output."""
        beside = _is_file(self.copy.name) and path.is_relative_to(self.copy.parent)
        first = path.relative_to(self.copy.parent).parts[0] if beside and path != self.copy.parent else ""
        return path.is_relative_to(self.copy) or bool(first and _is_beside(self.copy.name, first))

    def _beside(self) -> list[Path]:
        if not _is_file(self.copy.name) or not self.copy.parent.is_dir():
            return []
        return [path for path in self.copy.parent.iterdir() if _is_beside(self.copy.name, path.name)]

    def publish(self) -> None:
        """Bring the store into the state of the copy: first remove what is gone, then store what has changed."""
        if self.lost:
            raise UserError(self.lost)
        now = {path: _stamp_of(path) for path in _files(self.copy, *self._beside())}
        gone = [path for path in self.stored if path not in now and not path.exists()]
        _remove(gone)
        for path in gone:
            del self.stored[path]
        changed = [path for path, stamp in now.items() if self.stored.get(path) != stamp]
        _store(changed)
        self.stored |= {path: now[path] for path in changed}

    def _check(self) -> None:
        """Raise UserError where the store lacks a file; give the copies the times of their objects."""
        there = _objects(self.url, self.room)
        for path, stamp in self.stored.items():
            if stamp is None or there.get(path, (-1, 0))[0] != stamp[0]:
                raise UserError(f"{store_url(path)}: is not what was stored; something else writes there")
            with contextlib.suppress(FileNotFoundError):
                os.utime(path, ns=(there[path][1],) * 2)

    def note(self, paths: Iterable[Path]) -> None:
        """Remember that workers have stored these files."""
        for path in paths:
            stamp = _stamp_of(path)
            if stamp is None:
                self.elsewhere.append(path)
            else:
                self.stored[path] = stamp

    def collect(self) -> None:
        """Fetch what workers on other machines have stored."""
        there = _objects(self.url, self.room) if self.elsewhere else {}
        _fetch({path: there[path] for path in self.elsewhere if path in there})
        self.stored |= {path: _stamp_of(path) for path in self.elsewhere}
        self.elsewhere.clear()


_outputs: list[_Output] = []  # of the run in this process; workers have none


def _output_of(path: Path) -> _Output | None:
    return next((output for output in _outputs if output.has(path)), None)


def publish() -> None:
    """Store what has changed in all outputs that are in object stores."""
    for output in _outputs:
        output.publish()


def publish_journal(journal: Path) -> None:
    """Store a journal that grows, if it is in an object store and some seconds have passed since the last time."""
    output = _output_of(journal) if _outputs else None
    if output is not None and time.monotonic() >= output.next_journal:
        if output.lost:
            raise UserError(output.lost)
        started = time.monotonic()
        stamp = _stamp_of(journal)
        _store([journal])
        output.stored[journal] = stamp
        now = time.monotonic()
        output.next_journal = now + max(JOURNAL_S, JOURNAL_SHARE * (now - started))


def note_stored(paths: Iterable[Path]) -> None:
    """Remember in the process of the run which files its workers have stored."""
    for path in paths if _outputs else ():
        output = _output_of(path)
        if output is not None:
            output.note([path])


def collect() -> None:
    """Fetch results that workers on other machines have stored, for tables and overviews."""
    for output in _outputs:
        output.collect()


# ---- the lock ----


class _Lock:
    """An object that exists as long as a run writes an address, and is renewed by it."""

    def __init__(self, url: str, output: _Output) -> None:
        self._url, self._output = url, output
        self._mine = {"run": secrets.token_hex(16), "machine": platform.node(), "process": os.getpid()}

    def take(self) -> None:
        """Create the lock, or take over that of a run that was killed. Raises UserError where another run has it."""
        while not self._create():
            held = self._read()
            if held is None:
                continue
            facts = _parsed(held)
            who = f"{facts.get('machine', 'another machine')}, {facts.get('time', 'at an unknown time')}"
            print(f"{self._output.url}: locked by a run on {who}; waiting to see whether it lives", file=sys.stderr)
            later = self._watched(held)
            if later is None:
                continue
            if later == held:
                self._write()
                time.sleep(SETTLE_S)
                if self._is_mine():
                    return
            what = "another run is writing it; wait for its end, or set OUTPUT to another folder"
            raise UserError(f"cannot write {self._output.url}: {what}")

    def _watched(self, held: bytes) -> bytes | None:
        """The lock as soon as it changes, or after STALE_S; None: it is gone."""
        deadline, now = time.monotonic() + STALE_S, self._read()
        while now == held and time.monotonic() < deadline:
            time.sleep(POLL_S)
            now = self._read()
        return now

    @contextlib.contextmanager
    def renewed(self) -> Iterator[None]:
        """Renew the lock in the background; sets `lost` of the output where it is no longer ours."""
        ended = threading.Event()
        thread = threading.Thread(target=self._renew, args=(ended,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _renew(self, ended: threading.Event) -> None:
        last = time.monotonic()
        while not ended.wait(RENEW_S) and not self._output.lost:
            with contextlib.suppress(UserError):  # the network may come back
                if self._is_mine():
                    self._write()
                    last = time.monotonic()
                else:
                    self._output.lost = f"{self._output.url}: another run has taken over; nothing more is written"
            if time.monotonic() - last > STALE_S:
                self._output.lost = f"{self._output.url}: cannot be reached since {STALE_S} s; the same command resumes"

    def give_up(self) -> None:
        """Remove the lock."""
        with contextlib.suppress(UserError), _said(self._url):  # it goes stale
            _system(self._url).rm_file(self._url)

    def _content(self) -> bytes:
        return json.dumps(self._mine | {"time": datetime.now(UTC).isoformat()}).encode()

    def _create(self) -> bool:
        with _said(self._output.url):
            try:
                _system(self._url).pipe_file(self._url, self._content(), mode="create")
            except FileExistsError:
                return False
        return True

    def _write(self) -> None:
        with _said(self._output.url):
            _system(self._url).pipe_file(self._url, self._content())

    def _read(self) -> bytes | None:
        with _said(self._output.url):
            try:
                return bytes(_system(self._url).cat_file(self._url))
            except FileNotFoundError:
                return None

    def _is_mine(self) -> bool:
        return _parsed(self._read() or b"").get("run") == self._mine["run"]


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        facts = json.loads(content)
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}


# ---- in workers, and on their way to workers ----


def store_files(paths: Iterable[Path]) -> None:
    """Store files that were made, as far as they are copies of a store's."""
    if copies := [path for path in paths if path.is_relative_to(STORES)]:
        _store(copies)


def write_claim(path: Path, text: str) -> None:
    """Write a small file, also into the store that it is a copy of."""
    path.write_text(text)
    store_files([path])


def read_claim(path: Path) -> str:
    """Read what `write_claim` wrote, as the store has it. Raises OSError or UserError where it is not there."""
    if not path.is_relative_to(STORES):
        return path.read_text()
    with _said(store_url(path)):
        return bytes(_system(store_url(path)).cat_file(store_url(path))).decode()


def packed(value: Any, pickler: type[pickle.Pickler] = pickle.Pickler) -> bytes:
    """Pickle a value. Inputs in object stores are fetched where it is unpacked."""
    kind = type("Packer", (pickler,), {"persistent_id": lambda _, part: _reference(part)})
    content = BytesIO()
    kind(content).dump(value)
    return content.getvalue()


def unpacked(content: bytes) -> Any:
    """The value that `packed` pickled; raises UserError where an input cannot be fetched."""
    return _Unpacker(BytesIO(content)).load()


class _Unpacker(pickle.Unpickler):
    def persistent_load(self, pid: Any) -> Path:
        return _present(pid)


def _reference(value: Any) -> tuple[str, Stamp | None] | None:
    """An input's path and stamp, None as the stamp of a folder; None for all that is no input in an object store."""
    if not isinstance(value, Path) or not value.is_relative_to(STORES):
        return None
    output = _output_of(value)
    if value.is_dir():
        return None if output is not None else (str(value), None)
    if not value.is_file():
        return None
    if output is not None and output.stored.get(value) != _stamp_of(value):
        publish()  # written for workers, such as the plain copy of a table
    return str(value), _stamp_of(value)


@functools.cache
def _present(reference: tuple[str, Stamp | None]) -> Path:
    """The path of an input that is on this machine, as the run has it."""
    path, stamp = Path(reference[0]), reference[1]
    if stamp is None:
        _bring(path, _objects(store_url(path)))
    elif _stamp_of(path) != stamp:
        _fetch({path: stamp})
    return path
