"""Collages of many photos, as a batch, and the index, the table of what was dropped and the contact sheet."""

import contextlib
import functools
import hashlib
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from carousel.collages.archives import ArchiveLimits, PhotoFault, PhotoSource, find_photos
from carousel.collages.layout import INDEX, PANELS, CollageEntry, read_collage, write_index
from carousel.collages.photo_to_collages import HASH_LENGTH, CollageMaker, CollageSettings, collage_name, find_plate
from carousel.segmenters.mask_files import find_mask_files, is_mask_file
from common.batches import Batch, Item, Outcome, run_batch
from common.errors import FAULTS_SHOWN, UserError
from common.files import sha256_of, write_csv
from common.grids import evenly, picture_grid
from common.images import PHOTO_SUFFIXES
from common.journals import Record
from common.paths import location
from common.ray_engine import RayCluster

DROPPED, CONTACT_SHEET = "dropped.csv", "contact_sheet.png"
TILE_PX = 192
COLLAGE_NAME = rf"([A-Za-z0-9_-]+-[0-9a-f]{{{HASH_LENGTH}}})_\d+\.png"
METHOD = 3  # increase it when the same photo and settings give other collages


@dataclass
class CollageTables:
    """Results of all runs in a folder.

    Attributes:
        counts: numbers of photos, of collages, and of dropped people and photos by reason.
        entries: all collages, sorted by photo.
        sha256: hash of the names and contents of all photos.
    """

    counts: Counter[str]
    entries: list[CollageEntry]
    sha256: str


@dataclass
class RunFacts:
    """Facts of this run alone: device and weights of the segmenter (empty where it did not run), and new collages."""

    device: str = ""
    weights: list[str] = field(default_factory=list)
    collages: int = 0
    notes: int = 0

    def add(self, facts: Mapping[str, Any]) -> None:
        """Add the facts of a photo, and print the first notes."""
        self.device, self.weights = facts.get("device", self.device), facts.get("weights", self.weights)
        self.collages += facts.get("collages", 0)
        notes = facts.get("notes", [])
        for note in notes[: max(0, FAULTS_SHOWN - self.notes)]:
            warnings.warn(note, stacklevel=1)
        self.notes += len(notes)


def run_collages(
    settings: CollageSettings,
    inputs: list[Path],
    *,
    limits: ArchiveLimits,
    workers: int,
    ran: RunFacts,
    ray: RayCluster | None = None,
) -> AbstractContextManager[Outcome[CollageTables]]:
    """Make the collages of all photos that have none yet, and draw up the tables; see `run_batch`.

    Args:
        settings: settings of all collages.
        inputs: result of `check_inputs`.
        limits: limits of what is read.
        workers: number of processes; 1: this process.
        ran: receives the facts of this run.
        ray: where Ray makes them; None: without Ray.

    Raises:
        UserError: as `run_batch`, or there are no photos.
    """
    facts = asdict(settings) | {"method": METHOD} | _weights(settings)
    plain = {name: location(value) if isinstance(value, Path) else value for name, value in facts.items()}
    batch: Batch[PhotoSource, CollageTables] = Batch(
        folder=settings.output,
        settings={name: value for name, value in plain.items() if name not in ("output", "max_pixels")},
        files=(COLLAGE_NAME,),
        overviews=tuple(map(re.escape, (INDEX, DROPPED, CONTACT_SHEET))),
        set_up=functools.partial(CollageMaker, settings),
        tables=functools.partial(write_tables, settings.output),
        check_facts=_check_facts,
        watch=ran.add,
        what="collages",
        unit="photo",
        workers=workers,
        ray=ray,
        on_gpu=settings.segmenter != "files",
    )
    return run_batch(batch, functools.partial(_items, settings, inputs, limits))


def _weights(settings: CollageSettings) -> dict[str, str]:
    """The user's own files of weights, as far as they are used, by their contents."""
    lama = settings.lama if settings.inpainter == "lama" and settings.plates is None else None
    used = {"segmenter_weights": settings.segmenter_weights, "lama": lama}
    return {name: sha256_of(path) if path and path.is_file() else "" for name, path in used.items()}


def _items(settings: CollageSettings, inputs: list[Path], limits: ArchiveLimits) -> Iterator[Item[PhotoSource]]:
    """All photos, except files in the folders of masks, plates and collages, and masks beside photos."""
    others = [folder for folder in (settings.output, settings.masks, settings.plates) if folder is not None]
    beside = settings.segmenter == "files" and settings.masks is None
    item = None
    for found in find_photos(inputs, limits, others, is_mask_file if beside else lambda path: False):
        if isinstance(found, PhotoFault):
            name = collage_name(found.label, Path(found.label))
            item = Item[PhotoSource](name, "", found.label, fault=found.reason)
        else:
            item = Item(collage_name(found.label, found.path), _version(settings, found), found.label, found)
        yield item
    if item is None:
        raise UserError(f"no photos in {', '.join(map(str, inputs))} ({', '.join(sorted(PHOTO_SUFFIXES))})")


def _version(settings: CollageSettings, photo: PhotoSource) -> str:
    """A hash that changes with the photo, its masks or its plate."""
    files: list[Path] = []
    with contextlib.suppress(UserError):  # reported when the photo is processed
        if settings.plates is not None:
            files.append(find_plate(settings.plates, photo.label, photo.path))
        if settings.segmenter == "files":
            files += find_mask_files(photo.path, settings.masks)
    stats = [path.stat() for path in files]
    facts = (photo.version, *((stat.st_size, stat.st_mtime_ns) for stat in stats))
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _check_facts(facts: Mapping[str, Any]) -> None:
    """Raise ValueError, TypeError or KeyError where these are not the facts of a photo."""
    texts = [facts["sha256"], *facts["dropped"]]
    for entry in map(_entry, facts["entries"]):
        texts += [entry.collage, entry.source, entry.scene, entry.segmenter]
        is_name = re.fullmatch(COLLAGE_NAME, entry.collage)
        boxes = [entry.window, entry.box]
        if not is_name or not 0 <= entry.score <= 1 or any([*map(type, box)] != [int] * 4 for box in boxes):
            raise ValueError(f"no row of the index: {entry}")
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("names, labels and reasons must be texts")


# ---- tables and contact sheet ----


def write_tables(folder: Path, records: Iterable[Record]) -> CollageTables:
    """Write index.csv, and dropped.csv where people, or photos without people, were dropped."""
    counts: Counter[str] = Counter()
    entries: list[CollageEntry] = []
    dropped: list[tuple[str, str]] = []
    contents = []
    for record in records:
        if record.fault:
            continue
        facts = record.facts
        contents.append(f"{record.label} {facts['sha256']}\n")
        counts["photos"] += 1
        entries += map(_entry, facts["entries"])
        dropped += ((record.label, reason) for reason in facts["dropped"])
    counts["collages"] = len(entries)
    counts.update(f"dropped: {reason.partition(':')[0]}" for _, reason in dropped)
    entries.sort(key=lambda entry: (entry.source, entry.collage))
    write_index(folder, entries)
    _write_dropped(folder / DROPPED, dropped)
    return CollageTables(counts, entries, hashlib.sha256("".join(sorted(contents)).encode()).hexdigest())


def _entry(facts: dict[str, Any]) -> CollageEntry:
    return CollageEntry(**facts | {name: tuple(facts[name]) for name in ("window", "box")})


def _write_dropped(path: Path, rows: list[tuple[str, str]]) -> None:
    if not rows:
        path.unlink(missing_ok=True)
        return
    write_csv(path, [("source", "reason"), *sorted(rows)])


def describe(counts: Mapping[str, int]) -> str:
    """The counts on one line."""
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def contact_sheet(folder: Path, entries: list[CollageEntry], tiles: int) -> Image.Image:
    """Draw the labelled panels of collages, evenly chosen from the whole folder, as an RGB picture.

    Args:
        folder: folder of the collages.
        entries: entries of all collages, at least one.
        tiles: maximum number of collages.
    """
    shown = evenly(entries, tiles)
    count = len(shown)
    panels = functools.lru_cache(maxsize=1)(functools.partial(_panels, folder))  # the four of a collage follow in turn

    def panel(entry: CollageEntry, place: int) -> Image.Image:
        """One of the four panels of a collage."""
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
