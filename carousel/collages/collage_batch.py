"""Collages of many photos: parallel, in flat memory, resumable.

A hidden journal, `.journal.jsonl`, is the record of a folder of collages. Its first line tells the settings. A photo's
name goes there before its collages are written, and what came out of it afterwards: a photo with its outcome there is
done. index.csv, dropped.csv and faults.csv are drawn up from it when a run ends. Files that the journal does not know
were made by somebody else, and are never replaced.
"""

import contextlib
import csv
import functools
import hashlib
import io
import itertools
import json
import multiprocessing
import os
import re
import signal
import threading
import warnings
from collections import Counter, deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TextIO

import cv2
from PIL import Image
from tqdm import tqdm

from carousel.collages.archives import Fault, Limits, Photo, find_photos
from carousel.collages.layout import INDEX, PANELS, Entry, read_collage, write_index
from carousel.collages.photo_to_collages import (
    HASH_LENGTH,
    Job,
    Outcome,
    Task,
    collage_name,
    find_plate,
    make_collages,
    remove_collages,
)
from carousel.segmenters.mask_files import find_mask_files, is_mask_file
from common.errors import FAULTS_SHOWN, UserError, raise_faults
from common.files import FAULTS, atomic_path, write_text
from common.grids import picture_grid
from common.images import PHOTO_SUFFIXES

JOURNAL = ".journal.jsonl"
RUNNING = ".running"  # held while a run goes on, so that no second one writes into the folder
DROPPED, CONTACT_SHEET = "dropped.csv", "contact_sheet.png"
TILE_PX = 192
PHOTO_NAME = re.compile(rf"[A-Za-z0-9_-]+-[0-9a-f]{{{HASH_LENGTH}}}")
COLLAGE_NAME = re.compile(rf"{PHOTO_NAME.pattern}_\d+\.png")
METHOD = 1  # goes up when the same photo and settings give other collages
AHEAD = 3  # photos a worker that are read before their turn


@dataclass
class Summary:
    """What a run comes to, with what earlier ones left.

    Attributes:
        counts: photos, collages, and people by what became of them.
        faults: of the photos and archives that were left out, by label.
        entries: of all collages, sorted by photo.
        sha256: over the names and contents of all photos.
        made: collages of this run.
        device: what the segmenter ran on; empty where nothing was left to do.
        weights: what it ran with.
    """

    counts: Counter[str]
    faults: dict[str, str]
    entries: list[Entry]
    sha256: str = ""
    made: int = 0
    device: str = ""
    weights: tuple[str, ...] = ()


def default_workers() -> int:
    """One a core that may be used, at most 8: each holds a segmenter of its own."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, 8)


def make_all(job: Job, inputs: list[Path], limits: Limits, workers: int) -> Summary:
    """Make the collages of all photos that have none yet, and draw up the tables.

    Args:
        job: what is made.
        inputs: as `check_inputs` gives them.
        limits: what is read at most.
        workers: processes; 1 works in this one.

    Raises:
        UserError: no photos, or none that can be read; the folder cannot be written, holds collages of another
            origin or is in use by another run; the segmenter cannot be loaded; a worker was ended by the system.
    """
    versions: dict[str, str] = {}
    faults = []
    for found in _find(job, inputs, limits):
        name, versions[name] = _facts(job, found)
        if isinstance(found, Fault):
            faults.append(f"{found.label}: {found.reason}")
    if len(faults) == len(versions):  # before collages of earlier photos are removed
        raise_faults("", faults)
    if not versions:
        raise UserError(f"no photos in {', '.join(map(str, inputs))} ({', '.join(sorted(PHOTO_SUFFIXES))})")
    with atomic_path(job.output / RUNNING) as running:
        running.write_text(f"{os.getpid()}\n", encoding="ascii")
        done = start_or_resume(job, versions)
        try:
            made, device, weights = _work(job, _find(job, inputs, limits), done, len(versions), workers)
        except (KeyboardInterrupt, SystemExit):
            write_tables(job.output)
            raise
        return replace(write_tables(job.output), made=made, device=device, weights=weights)


def _find(job: Job, inputs: list[Path], limits: Limits) -> Iterator[Photo | Fault]:
    """All photos; not what lies in the folders of masks, plates and collages, nor masks beside photos."""
    others = [folder for folder in (job.output, job.masks, job.plates) if folder is not None]
    beside = job.segmenter == "files" and job.masks is None
    return find_photos(inputs, limits, others, is_mask_file if beside else lambda path: False)


def _facts(job: Job, found: Photo | Fault) -> tuple[str, str]:
    """Name of a photo's collages, and what changes when the photo, its masks or its plate do."""
    if isinstance(found, Fault):
        return collage_name(found.label, Path(found.label)), ""
    files: list[Path] = []
    with contextlib.suppress(UserError):  # it is said when the photo's turn comes
        if job.plates is not None:
            files.append(find_plate(job.plates, found.label, found.path))
        if job.segmenter == "files":
            files += find_mask_files(found.path, job.masks)
    stats = [path.stat() for path in files]
    facts = (found.version, *((stat.st_size, stat.st_mtime_ns) for stat in stats))
    return collage_name(found.label, found.path), hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


# ---- the journal ----


def start_or_resume(job: Job, versions: dict[str, str]) -> set[str]:
    """Bring folder and journal in line with the settings and photos of this run.

    What is out of date is removed: collages made with other settings, of photos that changed or are gone, and what a
    killed run left half done. Only files that the journal knows are.

    Args:
        job: what is to be made.
        versions: of all photos, by name.

    Returns:
        Names of the photos that are done.

    Raises:
        UserError: the folder holds files of such names that this script did not write.
    """
    _check_foreign(job.output)
    settings = _settings_line(job)
    same = next(_raw_lines(job.output), "") == settings
    done: set[str] = set()
    half: set[str] = set()
    with atomic_path(job.output / JOURNAL) as part, open(part, "w", encoding="utf-8", newline="\n") as journal:
        journal.write(settings)
        for line in _lines(job.output):
            name = line["name"]
            if "version" not in line:
                half.add(name)
                continue
            half.discard(name)
            files = [job.output / entry["collage"] for entry in line["entries"]]
            up_to_date = same and not line["fault"] and versions.get(name) == line["version"]
            if up_to_date and all(file.is_file() for file in files):
                _note(journal, line)
                done.add(name)
            else:
                for file in files:
                    file.unlink(missing_ok=True)
    for name in half:
        remove_collages(job.output, name)
    return done


def _check_foreign(folder: Path) -> None:
    """Refuse a folder that holds files of the names written here which the journal does not know."""
    known = {line["name"] for line in _lines(folder)}
    pictures = (path.name for path in folder.glob("*.png") if COLLAGE_NAME.fullmatch(path.name))
    foreign = [name for name in pictures if name.rpartition("_")[0] not in known]
    if not (folder / JOURNAL).is_file():
        foreign += [name for name in (INDEX, DROPPED, FAULTS, CONTACT_SHEET) if (folder / name).exists()]
    if foreign:
        more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        raise UserError(f"{folder / foreign[0]}{more}: not made by a run in this folder; set OUTPUT to another one")


def _settings_line(job: Job) -> str:
    """First line of the journal: all that decides what a collage looks like."""
    settings = asdict(job) | {"method": METHOD}
    del settings["output"], settings["max_pixels"]
    return json.dumps(settings, default=lambda path: str(path.resolve())) + "\n"


def _raw_lines(folder: Path) -> Iterator[str]:
    """Whole lines of the journal; a run that was killed may have left half of one at the end."""
    path = folder / JOURNAL
    if path.is_file():
        with open(path, encoding="utf-8", errors="replace", newline="\n") as file:
            yield from (line for line in file if line.endswith("\n"))


def _lines(folder: Path) -> Iterator[dict[str, Any]]:
    """What the journal says of photos; damaged lines are passed over, which costs their work.

    Names are checked: by them files are removed.
    """
    for text in itertools.islice(_raw_lines(folder), 1, None):
        with contextlib.suppress(ValueError, TypeError, KeyError):
            line = json.loads(text)
            names = [entry.collage for entry in map(_entry, line.get("entries", ()))]
            if PHOTO_NAME.fullmatch(line["name"]) and all(COLLAGE_NAME.fullmatch(name) for name in names):
                yield line


def _note(journal: TextIO, line: Mapping[str, object]) -> None:
    journal.write(json.dumps(line, ensure_ascii=False) + "\n")
    journal.flush()


# ---- the work ----


def _work(
    job: Job, found: Iterable[Photo | Fault], done: set[str], total: int, workers: int
) -> tuple[int, str, tuple[str, ...]]:
    """Work through what is not done; gives the number of collages, the device and the weights."""
    made, notes, device = 0, 0, ""
    weights: tuple[str, ...] = ()
    with (
        open(job.output / JOURNAL, "a", encoding="utf-8", newline="\n") as journal,
        tqdm(total=total, initial=len(done), desc="collages", unit="photo") as bar,
        contextlib.closing(_outcomes(job, _to_do(job, found, done, journal), workers)) as outcomes,
    ):
        for outcome in outcomes:
            _note(journal, _line(outcome))
            for note in outcome.notes[: max(0, FAULTS_SHOWN - notes)]:
                warnings.warn(note, stacklevel=1)
            notes += len(outcome.notes)
            made += len(outcome.entries)
            device, weights = outcome.device or device, outcome.weights or weights
            bar.update()
    return made, device, weights


def _line(outcome: Outcome) -> dict[str, object]:
    """What the journal keeps of an outcome."""
    facts = asdict(outcome)
    return {key: facts[key] for key in ("name", "label", "version", "sha256", "entries", "dropped", "fault")}


def _to_do(job: Job, found: Iterable[Photo | Fault], done: set[str], journal: TextIO) -> Iterator[Task | Outcome]:
    """Photos that are not done, read; the outcome at once where they cannot be."""
    for item in found:
        name, version = _facts(job, item)
        if name in done:
            continue
        if isinstance(item, Fault):
            yield Outcome(name, item.label, version, fault=item.reason)
            continue
        try:
            data = item.read()
        except UserError as error:
            yield Outcome(name, item.label, version, fault=str(error))
            continue
        _note(journal, {"name": name})
        yield Task(name, item.label, item.path, version, data)


def _outcomes(job: Job, to_do: Iterable[Task | Outcome], workers: int) -> Generator[Outcome, None, None]:
    """Outcomes in the order of the photos; few photos are in memory at once."""
    if workers == 1:
        yield from (make_collages(job, item) if isinstance(item, Task) else item for item in to_do)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, _start_worker)
    ahead: deque[Future[Outcome] | Outcome] = deque()
    try:
        for item in to_do:
            ahead.append(_submit(pool, job, item) if isinstance(item, Task) else item)
            if len(ahead) > AHEAD * workers:
                yield _result(ahead.popleft())
        while ahead:
            yield _result(ahead.popleft())
    except BrokenProcessPool as error:
        raise UserError(
            f"a worker was ended by the system, most likely because memory ran out; set WORKERS below {workers}. "
            "What was written is whole, the same command goes on"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _submit(pool: ProcessPoolExecutor, job: Job, task: Task) -> Future[Outcome]:
    """Hand a task over. Workers are started here; they inherit that Ctrl-C is blocked, which is for this process."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        return pool.submit(make_collages, job, task)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return pool.submit(make_collages, job, task)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _result(item: Future[Outcome] | Outcome) -> Outcome:
    return item.result() if isinstance(item, Future) else item


def _start_worker() -> None:
    """One thread for each library; and a worker ends with the process that started it, even where that is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["OMP_NUM_THREADS"] = "1"  # read when PyTorch is imported, after this
    cv2.setNumThreads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


# ---- all at a glance ----


def write_tables(folder: Path) -> Summary:
    """Draw up index.csv, dropped.csv and faults.csv from the journal; the latter two only where they list anything."""
    summary = Summary(Counter(), {}, [])
    dropped: list[tuple[str, str]] = []
    contents = []
    for line in _lines(folder):
        if "version" not in line:  # only begun
            continue
        if line["fault"]:
            summary.faults[line["label"]] = line["fault"]
            continue
        contents.append(f"{line['label']} {line['sha256']}\n")
        summary.counts["photos"] += 1
        summary.counts["photos without a person"] += not (line["entries"] or line["dropped"])
        summary.entries += (_entry(facts) for facts in line["entries"])
        dropped += ((line["label"], reason) for reason in line["dropped"])
    summary.counts["collages"] = len(summary.entries)
    summary.counts.update(f"dropped: {reason.partition(':')[0]}" for _, reason in dropped)
    summary.sha256 = hashlib.sha256("".join(sorted(contents)).encode()).hexdigest()
    summary.entries.sort(key=lambda entry: (entry.source, entry.collage))
    write_index(folder, summary.entries)
    _write_table(folder / DROPPED, ("source", "reason"), dropped)
    _write_table(folder / FAULTS, ("file", "fault"), list(summary.faults.items()))
    return summary


def _entry(facts: dict[str, Any]) -> Entry:
    return Entry(**facts | {name: tuple(facts[name]) for name in ("window", "box")})


def _write_table(path: Path, header: tuple[str, ...], rows: list[tuple[str, str]]) -> None:
    """A CSV file, or none where it has no rows."""
    if not rows:
        path.unlink(missing_ok=True)
        return
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows([header, *sorted(rows)])
    write_text(path, table.getvalue())


def describe(counts: Mapping[str, int]) -> str:
    """The counts on one line."""
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def contact_sheet(folder: Path, entries: list[Entry], tiles: int) -> Image.Image:
    """The four panels of collages from the whole folder, labelled, as an RGB picture.

    Args:
        folder: where the collages are.
        entries: of all collages, at least one.
        tiles: how many collages are shown at most.
    """
    count = min(tiles, len(entries))
    shown = [entries[place * len(entries) // count] for place in range(count)]
    panels = functools.lru_cache(maxsize=1)(functools.partial(_panels, folder))  # those of a collage come in a row

    def panel(entry: Entry, place: int) -> Image.Image:
        """One of a collage's four."""
        return panels(entry.collage)[place]

    facts = [(entry.source.rpartition("/")[2], "", f"score {entry.score:.2f}", "") for entry in shown]
    return picture_grid(
        [functools.partial(panel, entry, place) for entry in shown for place in range(len(PANELS))],
        [f"{name}\n{fact}" for lines in facts for name, fact in zip(PANELS, lines, strict=True)],
        columns=len(PANELS) * (1 if count < 4 else 2 if count < 13 else 3),
        tile_px=TILE_PX,
        title="Collages",
        footer=f"{count} of {len(entries)} collages",
    )


def _panels(folder: Path, name: str) -> list[Image.Image]:
    collage = read_collage(folder / name)
    return [Image.fromarray(panel) for panel in (collage.truth, collage.background, collage.avatar, collage.mask)]
