"""Pictures of all choices: in parallel, in flat memory, and resumable.

Every picture is named by its row and its person, "000007_Júlia.png", so that no name can leave the folder or meet
another one. A file beside them, `.made_from`, holds the hash of all that they were made from: when it is the same,
pictures that exist are kept, else all are drawn anew.
"""

import hashlib
import itertools
import json
import multiprocessing
import os
import re
import signal
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from common.errors import UserError, raise_faults
from common.files import row_file_name, sha256_of, write_text
from common.images import write_png
from pet.choosing.choice_table import Choice, read_choices
from pet.choosing.wardrobe import SLOTS, Wardrobe, check_pictures
from pet.drawing.charts import ChartPainter, beside
from pet.drawing.compositing import Dresser, body_for

CHUNK = 8  # people whom a process draws at a time; Ctrl-C waits for it
IN_PROCESS = 32  # as few people are not worth starting processes
FAULTS_KEPT = 1000
OUR_PICTURE = re.compile(r"\d{6,}(_.*)?\.png")
COMPRESS_LEVEL = 1  # of PNG: writing is a third of the work, and 1 costs little in size


@dataclass(frozen=True)
class Job:
    """What is drawn of every person, and where.

    Attributes:
        folder: gets `pets/`, and `combined/` or `charts/`.
        size_px: side of the pet's square, and the height of the chart.
        charts: draw charts too.
        combined: pet and chart in one picture.
        body: name of the base body, or "auto".
        bodies: base bodies by name.
        pictures: picture files by accessory name.
    """

    folder: Path
    size_px: int
    charts: bool
    combined: bool
    body: str
    bodies: dict[str, Path]
    pictures: dict[str, Path]

    def files(self, row: int, user: str) -> dict[str, Path]:
        """The picture files of one person by kind: "pet", and "combined" or "chart"."""
        name = row_file_name(row, user)
        files = {"pet": self.folder / "pets" / name}
        if self.charts and self.combined:
            files["combined"] = self.folder / "combined" / name
        elif self.charts:
            files["chart"] = self.folder / "charts" / name
        return files


def plan(choices: Path, wardrobe: Wardrobe, job: Job) -> int:
    """Check all that will be read, before any work; return the number of people.

    Raises:
        UserError: every accessory that the wardrobe lacks and every picture at fault, or no people at all.
    """
    if job.body != "auto" and job.body not in job.bodies:
        raise UserError(f"setting BODY is {job.body!r}; it must be auto or one of {', '.join(job.bodies)}")
    people = 0
    faults: list[str] = []
    names = {slot: {accessory.name for accessory in wardrobe.slots[slot]} for slot in SLOTS}
    for place, choice in read_choices(choices):
        people += 1
        for slot, worn in choice.worn.items():
            if worn.name not in names[slot] and len(faults) < FAULTS_KEPT:
                where = f"{place}, column {slot.lower()!r}"
                faults.append(f"{where}: {wardrobe.path.name} has no accessory {worn.name!r} of type {slot}")
    raise_faults(str(choices), faults if people else ["has a header but no rows"])
    check_pictures(wardrobe, list(job.bodies.values()))
    return people


def start_or_resume(choices: Path, job: Job) -> None:
    """Remove pictures that were made from something else, and note what these are made from.

    Raises:
        UserError: the folder cannot be written.
    """
    inputs = [choices, *job.bodies.values(), *job.pictures.values()]
    facts = {name: str(value) for name, value in asdict(job).items()} | {"inputs": [sha256_of(p) for p in inputs]}
    made_from = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    note = job.folder / ".made_from"
    if note.is_file() and note.read_text(encoding="utf-8") == made_from:
        return
    note.unlink(missing_ok=True)
    for kind in ("pets", "combined", "charts"):
        for path in (job.folder / kind).glob("*.png"):
            if OUR_PICTURE.fullmatch(path.name):
                path.unlink()
    write_text(note, made_from)


def render_all(choices: Path, job: Job) -> Iterator[int]:
    """Draw what is missing, on all processors; yields how many people each finished piece of work holds.

    Raises:
        UserError: a picture cannot be read or written.
    """
    missing = (
        (row, choice)
        for row, (_, choice) in enumerate(read_choices(choices), 1)
        if not all(path.is_file() for path in job.files(row, choice.user).values())
    )
    first = list(itertools.islice(missing, IN_PROCESS))
    if len(first) < IN_PROCESS:
        artist = Artist(job)
        for person in first:
            yield artist.draw([person])
        return
    # "spawn" everywhere: forking a process that has threads (pyarrow's) may hang.
    context = multiprocessing.get_context("spawn")
    workers = os.cpu_count() or 1
    pool = ProcessPoolExecutor(workers, context, _start_worker, (job,))
    try:
        running: set[Future[int]] = set()
        everybody = itertools.chain(first, missing)
        while chunk := list(itertools.islice(everybody, CHUNK)):
            with _interrupts_held():
                running.add(pool.submit(_draw, chunk))
            if len(running) > 2 * workers:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    finally:
        pool.shutdown(cancel_futures=True)


class Artist:
    """Draws people for one job; keeps the layers and the chart's figure between them."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._dresser = Dresser(job.size_px)
        self._painter = ChartPainter(job.size_px) if job.charts else None

    def draw(self, people: Iterable[tuple[int, Choice]]) -> int:
        """Draw some people, by row; the pet's file last, so that a person with a pet is complete."""
        count = 0
        for row, choice in people:
            files = self._job.files(row, choice.user)
            worn = {slot: self._job.pictures[choice.worn[slot].name] for slot in SLOTS}
            pet = self._dresser.dress(body_for(choice.user, self._job.bodies, self._job.body), worn)
            if self._painter is not None:
                chart = self._painter.paint(choice)
                if self._job.combined:
                    write_png(files["combined"], beside(pet, chart), COMPRESS_LEVEL)
                else:
                    write_png(files["chart"], chart, COMPRESS_LEVEL)
            write_png(files["pet"], pet, COMPRESS_LEVEL)
            count += 1
        return count


# ---- worker processes ----

_artist: Artist  # of this process


def _start_worker(job: Job) -> None:
    """Leave Ctrl-C, which reaches every process, to the parent; do not outlive it; and lay out the tools."""
    global _artist  # noqa: PLW0603 (the only way to keep something between the calls of a worker)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
    _artist = Artist(job)


def _draw(people: Sequence[tuple[int, Choice]]) -> int:
    return _artist.draw(people)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Let Ctrl-C wait for the end of the block; processes that start in it never get it (on POSIX)."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
