"""What a run writes into object stores: its copies, and how the stores follow them.

Workers store each file whole, in one PUT, as soon as it is made; the process of the run stores the journal every few
seconds, and all else where a batch begins and where the run ends.
"""

import contextlib
import hashlib
import os
import time
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

from common import paths
from common.errors import UserError
from common.paths import store_url
from common.stores.locks import StoreLock
from common.stores.objects import Stamp, fetch, files_at, listed, mirror, remove, stamp_of, store

JOURNAL_S = 5  # time between two PUTs of a journal, or JOURNAL_SHARE times as long as one takes
JOURNAL_SHARE = 20


class Output:
    """An address that this run writes, as a file or a folder.

    All in its room is what the run found or wrote: the file or folder itself, and what stages write beside a file.

    Attributes:
        room: folder of its copies alone: an address below it may be another run's output.
        copy: copy of the address.
    """

    def __init__(self, url: str) -> None:
        """Takes the address."""
        self.room = paths.STORES / f"written-{hashlib.sha256(url.encode()).hexdigest()[:8]}"
        self.copy = self.room / url.replace("://", "/")
        self._lock = StoreLock(url)
        self._stored: dict[Path, Stamp | None] = {}  # stamps of files as they were when they were fetched or stored
        self._put: set[Path] = set()  # those of them that this run has stored
        self._elsewhere: list[Path] = []  # files that workers on other machines have stored
        self._next_journal = 0.0

    def has(self, address: str) -> bool:
        """Whether the run may write this address, which also goes for the run's JSON beside a file."""
        record = self.copy.with_suffix(".json")
        copy = self.room / address.replace("://", "/")
        return copy.is_relative_to(self.copy) or copy == record

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep other runs out, fetch what is there, and store what the block has changed."""
        with self._lock.held():
            there = self._listed()
            mirror(self.room, there)
            self._stored = {path: stamp_of(path) for path in there}
            try:
                yield
            except BaseException as error:
                self._finish_after(error)
                raise
            self._finish()

    def _listed(self) -> dict[Path, Stamp]:
        """What the store has of the output: also the run's JSON beside a file, and a hidden folder of its parts."""
        hidden = listed(self.copy.parent, prefix=f".{self.copy.name}.")
        return listed(self.copy) | listed(self.copy.with_suffix(".json")) | hidden

    def _finish(self) -> None:
        """Store what has changed. Raises UserError where the store then lacks it."""
        self.publish()
        there = self._listed()
        for path in self._put:
            stamp, found = self._stored[path], there.get(path) or listed(path).get(path)
            if stamp is None or found is None or found[0] != stamp[0]:
                raise UserError(f"{store_url(path)}: is not what was stored; something else writes there")
            with contextlib.suppress(FileNotFoundError):
                os.utime(path, ns=(found[1],) * 2)

    def _finish_after(self, error: BaseException) -> None:
        """Store what has changed before an error, which is what the user reads."""
        try:
            self._finish()
        except UserError as another:
            if not isinstance(error, UserError):
                warnings.warn(f"{another}; what was not stored is made again", stacklevel=1)

    def publish(self) -> None:
        """Bring the store into the state of the copies: first remove what is gone, then store what has changed."""
        self._lock.check()
        now = {path: stamp_of(path) for path in files_at(self.room)}
        gone = [path for path in self._stored if path not in now and not path.exists()]
        remove(gone)
        for path in gone:
            del self._stored[path]
        self._put.difference_update(gone)
        changed = [path for path, stamp in now.items() if self._stored.get(path) != stamp]
        store(changed)
        self._note({path: now[path] for path in changed})

    def publish_file(self, path: Path) -> None:
        """Store a file, unless the store has it as it is."""
        stamp = stamp_of(path)
        if self._stored.get(path) != stamp:
            self._lock.check()
            store([path])
            self._note({path: stamp})

    def publish_journal(self, journal: Path) -> None:
        """Store a journal that grows, if some seconds have passed since the last time."""
        started = time.monotonic()
        if started >= self._next_journal:
            self.publish_file(journal)
            now = time.monotonic()
            self._next_journal = now + max(JOURNAL_S, JOURNAL_SHARE * (now - started))

    def note_stored(self, path: Path) -> None:
        """Remember that a worker has stored this file."""
        if path.exists():
            self._note({path: stamp_of(path)})
        else:
            self._elsewhere.append(path)

    def collect(self) -> None:
        """Fetch what workers on other machines have stored."""
        if self._elsewhere:
            there = listed(self.copy)
            fetch({path: there[path] for path in self._elsewhere if path in there})
            self._note({path: stamp_of(path) for path in self._elsewhere})
            self._elsewhere.clear()

    def _note(self, stamps: dict[Path, Stamp | None]) -> None:
        self._stored |= stamps
        self._put |= stamps.keys()


_outputs: list[Output] = []  # of the run in this process; workers have none


@contextlib.contextmanager
def owned(url: str) -> Iterator[None]:
    """Let this run write an address as long as the block runs; see `Output.held`."""
    output = Output(url)
    with output.held():
        _outputs.append(output)
        try:
            yield
        finally:
            _outputs.remove(output)


def output_at(address: str) -> Output | None:
    """The output of this run that has an address."""
    return next((output for output in _outputs if output.has(address)), None)


def output_of(path: Path) -> Output | None:
    """The output of this run that a copy belongs to."""
    return next((output for output in _outputs if path.is_relative_to(output.room)), None)


def publish() -> None:
    """Store what has changed in all outputs that are in object stores."""
    for output in _outputs:
        output.publish()


def publish_journal(journal: Path) -> None:
    """Store a journal that grows, if it is in an object store and some seconds have passed since the last time."""
    if (output := output_of(journal)) is not None:
        output.publish_journal(journal)


def note_stored(files: Iterable[Path]) -> None:
    """Remember in the process of the run which files its workers have stored."""
    for path in files:
        if (output := output_of(path)) is not None:
            output.note_stored(path)


def collect() -> None:
    """Fetch results that workers on other machines have stored, for tables and overviews."""
    for output in _outputs:
        output.collect()
