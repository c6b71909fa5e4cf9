"""Batches: many items, each made once by a pure function; resumable, on one process or several.

What is whole and up to date is kept, the rest is made, and what is no longer in the list is removed. One bad item is
skipped and listed in faults.csv. However often a run is killed and however many workers it has, the folder ends up
the same, byte for byte.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any, Generic, TypeVar

from common.errors import UserError, raise_faults
from common.files import link_file, write_bytes, write_faults
from common.journals import LOCK, Record, Results, locked, note, owner_of
from common.paths import with_addresses
from common.ray_engine import RayCluster
from common.stores.handover import store_files
from common.stores.outputs import collect, note_stored, publish, publish_journal
from common.workers import map_in_order

Payload = TypeVar("Payload")
Tables = TypeVar("Tables")


@dataclass(frozen=True)
class Item(Generic[Payload]):
    """One thing to make.

    Attributes:
        name: unique in the batch; every file of the item carries it (see `Results.files`).
        version: changes when anything does that this item is made from, beside the settings of all.
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
        links: files to be hard links (or copies) of others, by path as in `files`.
    """

    files: Mapping[str, bytes] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""
    passing: Mapping[str, Any] = field(default_factory=dict)
    links: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Batch(Results, Generic[Payload, Tables]):
    """What is made of every item, and where; see `Results` for the folder.

    Attributes:
        set_up: loads what is loaded once a worker, and gives the function of one item. It must pickle. A UserError of
            the function skips the item, one of `set_up` ends the run.
        tables: draws up tables from the finished items, in the order of the list; called at the end, and also when
            the run is interrupted.
        watch: gets `Made.passing` of each item made now, in this process.
        what: title of the progress bar.
        unit: unit of the progress bar.
        workers: processes; 1 works in this one.
        few: up to this many items are made in this process, as they do not repay the start of workers.
        chunk: items that a worker gets at a time.
        ray: makes the items in place of our own processes, of which there are then none; None: without Ray.
        on_gpu: whether the function uses a GPU where there is one.
    """

    set_up: Callable[[], Callable[[Payload], Made]]
    tables: Callable[[Iterator[Record]], Tables]
    watch: Callable[[Mapping[str, Any]], object] = bool
    what: str
    unit: str
    workers: int = 1
    few: int = 0
    chunk: int = 1
    ray: RayCluster | None = None
    on_gpu: bool = False


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


@contextlib.contextmanager
def run_batch(batch: Batch[Payload, Tables], items: Callable[[], Iterable[Item[Payload]]]) -> Iterator[Outcome[Tables]]:
    """Make all items that are not there yet; the folder stays locked until the block ends.

    Args:
        batch: what is made.
        items: gives the list from its start; called twice, and never held in memory as a whole.

    Raises:
        UserError: every item is at fault, or two have one name; the folder cannot be written, is in use by another run
            or holds files of others; `Batch.set_up` failed; the system ended a worker.
    """
    versions = _versions(items())
    with locked(batch.folder):
        done = batch.start_or_resume(versions)
        publish()  # all names are in the store before the first file
        to_do = (item for item in items() if item.name in versions and item.name not in done)
        try:
            made = _work(batch, to_do, len(versions), len(done))
        except (KeyboardInterrupt, SystemExit):
            _finish(batch, versions)
            raise
        yield Outcome(made, len(done), *_finish(batch, versions))


def _versions(items: Iterable[Item[Any]]) -> dict[str, str]:
    """Versions by name; raises UserError before earlier results are removed where nothing can be made."""
    versions: dict[str, str] = {}
    faults = []
    for item in items:
        if item.name in versions:
            raise UserError(f"{item.label}: another item gets the file name {item.name!r} too; rename one of them")
        versions[item.name] = item.version
        if item.fault:
            faults.append(f"{item.label}: {item.fault}")
    if len(faults) == len(versions):
        raise_faults("", faults)
    return versions


def _work(batch: Batch[Any, Any], to_do: Iterator[Item[Any]], total: int, kept: int) -> int:
    """Make the items and note each in the journal; gives how many have no fault."""
    from tqdm import tqdm

    workers = batch.workers if total - kept > batch.few else 1
    size = batch.chunk if workers > 1 or batch.ray else 1
    chunks = iter(lambda: list(islice(to_do, size)), [])
    maker = _Maker(batch.folder, batch.files, batch.set_up)
    if batch.ray:
        mapped = batch.ray.map_unordered(maker, chunks, claim=batch.folder / LOCK, on_gpu=batch.on_gpu)
    else:
        mapped = map_in_order(maker, chunks, workers)
    made = faults = 0
    with (
        open(batch.journal, "ab") as journal,
        tqdm(total=total, initial=kept, desc=batch.what, unit=batch.unit) as bar,
        contextlib.closing(mapped) as results,
    ):
        for record, passing in chain.from_iterable(results):
            if not record.fault:
                batch.check_facts(record.facts)  # facts that would not be believed later are a bug, to be said now
            note(journal, record)
            note_stored(batch.folder / file for file in record.files)
            publish_journal(batch.journal)
            batch.watch(passing)
            made += not record.fault
            faults += bool(record.fault)
            bar.update()
            if faults:
                bar.set_postfix(faults=faults, refresh=False)
    return made


def _finish(batch: Batch[Any, Tables], names: Iterable[str]) -> tuple[dict[str, str], Tables]:
    """Bring the journal into the order of the list, list faults and draw up the tables."""
    collect()
    places = batch.settle(names)
    faults = {record.label: record.fault for record in batch.records(places) if record.fault}
    write_faults(batch.folder, faults)
    return faults, batch.tables(batch.records(places))


class _Maker(Generic[Payload]):
    """Makes items and writes their files, in any process; what `set_up` loads is loaded with the first of them."""

    def __init__(
        self, folder: Path, patterns: tuple[str, ...], set_up: Callable[[], Callable[[Payload], Made]]
    ) -> None:
        self._folder, self._patterns, self._set_up = folder, patterns, set_up
        self._function: Callable[[Payload], Made] | None = None

    def __call__(self, chunk: Iterable[Item[Payload]]) -> list[tuple[Record, Mapping[str, Any]]]:
        self._function = self._function or self._set_up()
        made = [self._make(item, self._function) for item in chunk]
        store_files(self._folder / file for record, _ in made for file in record.files)
        return made

    def _make(self, item: Item[Payload], function: Callable[[Payload], Made]) -> tuple[Record, Mapping[str, Any]]:
        made = Made(fault=item.fault)
        if item.payload is not None and not item.fault:
            try:
                made = function(item.payload)
            except UserError as error:
                made = Made(fault=with_addresses(str(error)))
        try:
            for file, content in made.files.items():
                write_bytes(self._own(item, file), content)
            for file, source in made.links.items():
                link_file(self._own(item, file), source)
        except FileNotFoundError as error:  # of a link's source, whose making failed
            made = Made(fault=f"{error.filename}: no such file")
        files = [*made.files, *made.links]
        return Record(item.name, item.version, item.label, files, dict(made.facts), made.fault), made.passing

    def _own(self, item: Item[Payload], file: str) -> Path:
        if owner_of(self._patterns, file) != item.name:
            raise ValueError(f"item {item.name!r} has no file {file!r}")
        return self._folder / file
