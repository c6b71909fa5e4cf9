"""A folder of people, each in the same scene: one picture a person, a contact sheet and an animation; resumable.

A hidden journal in the folder of the results, `.made_from`, holds for each picture the hash of the files and settings
that it was made from. A name is written there before its files are, and its fused picture is written last: a fused
picture with the right hash is whole and up to date. Files that the journal does not know were made by somebody else,
and are never replaced.
"""

import functools
import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from carousel.staging.overview_pictures import TILE_PX, contact_sheet, reduced, write_animation
from carousel.staging.staged_scene import STRIP, Outcome, SegmenterError, Stage, make, write
from common.errors import UserError, raise_faults
from common.files import check_output, sha256_of, write_faults, write_text
from common.grids import evenly
from common.images import PHOTO_SUFFIXES, read_image, write_png
from common.paths import shown

FUSED = "fused"
NOTE = ".made_from"
CONTACT_SHEET, ANIMATION = "contact_sheet.png", "carousel.gif"
MAX_FRAMES = 60  # of the animation
MAX_BYTES = 10_000_000


@dataclass(frozen=True)
class Job:
    """A carousel: where it is written, and what all of its pictures are made from."""

    folder: Path
    made_from: str

    def picture(self, name: str) -> Path:
        """File of a fused picture."""
        return self.folder / FUSED / f"{name}.png"

    def strip(self, name: str) -> Path:
        """File of a before / after strip."""
        return self.folder / STRIP / f"{name}.png"

    def mark(self, person: Path) -> str:
        """A hash that changes with the person, the scene, the model and the settings; empty for what is no file."""
        if not person.is_file():
            return ""
        return hashlib.sha256(f"{self.made_from} {sha256_of(person)}".encode()).hexdigest()


@dataclass(frozen=True)
class Overviews:
    """The pictures of a whole carousel.

    Attributes:
        tiles: people on the contact sheet at most.
        animation_px: longer side of the animation.
        seconds: that it shows each person.
    """

    tiles: int
    animation_px: int
    seconds: float


def fuse_folder(stage: Stage, scene: Path, folder: Path, job: Job, overviews: Overviews) -> Outcome:
    """Fuse the people of a folder who have no up-to-date picture, then draw the overviews.

    Raises:
        UserError: nobody who can be used, a segmenter that cannot be loaded, or a folder that cannot be written.
    """
    people = people_in(folder, scene)
    missing = start_or_resume(people, job)
    faults, notes = fuse_people(stage, people, missing, job)
    write_faults(job.folder, faults)
    there = [name for name in people if people[name].name not in faults]
    if not there:
        raise_faults("", list(faults.values()))
    new = len(missing) - len(faults)
    counts = f"{len(there)} people in {shown(job.folder)}: {new} fused now, {len(there) - new} were there"
    return Outcome(
        [str(stage), *notes, counts],
        write_overviews(scene, there, job, overviews),
        [people[name] for name in there],
        {"people": len(there), "fused now": new, "people in the scene": len(stage.people)},
        faults,
    )


def check_folders(scene: Path, person: Path, output: Path) -> None:
    """Raise UserError where OUTPUT is no folder of its own for the carousel, or would replace an input."""
    if output.suffix.lower() in PHOTO_SUFFIXES or output.is_file():
        raise UserError(f"setting OUTPUT is {output}; PERSON is a folder, so OUTPUT must be one too")
    if _is_same(output, person):
        raise UserError(f"setting OUTPUT is {output}, the folder of the people; name another one")
    for name in (CONTACT_SHEET, ANIMATION):
        check_output(output / name, [Path(name).suffix], [scene])


def hash_of(files: Sequence[Path], settings: Sequence[object]) -> str:
    """What all pictures of a carousel are made from, for `Job`."""
    content = [sha256_of(path) for path in files], settings
    return hashlib.sha256(repr(content).encode()).hexdigest()


# ---- what there is to do ----


def people_in(folder: Path, scene: Path) -> dict[str, Path]:
    """The pictures of a folder but the scene, as a person would order them, by the name that each gets in the results.

    Raises:
        UserError: none there.
    """
    files = [
        path
        for path in sorted(folder.iterdir(), key=_natural)
        if path.suffix.lower() in PHOTO_SUFFIXES and not path.name.startswith(".") and not _is_same(path, scene)
    ]
    if not files:
        raise UserError(f"{folder}: no pictures of people in it ({', '.join(sorted(PHOTO_SUFFIXES))})")
    taken = Counter(name.casefold() for path in files for name in (path.stem, path.name))
    return {path.stem if taken[path.stem.casefold()] == 1 else path.name: path for path in files}


def _natural(path: Path) -> list[tuple[int, str]]:
    """Sorts person_2 before person_10."""
    parts = re.split(r"(\d+)", path.name.casefold())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _is_same(path: Path, other: Path) -> bool:
    return path.exists() and other.exists() and path.samefile(other)


def start_or_resume(people: Mapping[str, Path], job: Job) -> list[str]:
    """Remove pictures that are out of date, and say who is left to do.

    Raises:
        UserError: the folder holds files of such names that this script did not write.
    """
    journal = _read_journal(job.folder)
    files = [file for name in people if name not in journal for file in (job.picture(name), job.strip(name))]
    foreign = [path for path in files if path.exists()]
    if foreign:
        more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        raise UserError(f"{foreign[0]}{more}: not made by this script; set OUTPUT to another folder")
    marks = {name: job.mark(path) for name, path in people.items()}
    kept = {name: mark for name, mark in journal.items() if marks.get(name) == mark and job.picture(name).is_file()}
    for name in journal.keys() - kept.keys():
        job.picture(name).unlink(missing_ok=True)
        job.strip(name).unlink(missing_ok=True)
    write_text(job.folder / NOTE, "".join(_line(name, mark) for name, mark in kept.items()))
    return [name for name in people if name not in kept]


def _read_journal(folder: Path) -> dict[str, str]:
    """Hash by name; a run that was killed may have left half a line at the end."""
    path = folder / NOTE
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    whole_lines = text[: text.rfind("\n") + 1]
    fields = (line.partition(" ") for line in whole_lines.splitlines())
    return {json.loads(name): mark for mark, _, name in fields}


def _line(name: str, mark: str) -> str:
    """A line of the journal; a name may hold anything that a disk allows."""
    return f"{mark} {json.dumps(name)}\n"


# ---- the work ----


def fuse_people(
    stage: Stage, people: Mapping[str, Path], names: Sequence[str], job: Job
) -> tuple[dict[str, str], list[str]]:
    """Fuse these people and write their pictures; memory does not grow with their number.

    Args:
        stage: the scene and how.
        people: from `people_in`.
        names: of those that `start_or_resume` left to do.
        job: where they are written.

    Returns:
        What is wrong with people who were skipped, by file name, and notes about the others.

    Raises:
        UserError: the folder cannot be written, or the segmenter cannot be loaded.
    """
    faults: dict[str, str] = {}
    notes: list[str] = []
    with open(job.folder / NOTE, "a", encoding="utf-8", newline="\n") as journal:
        for name in tqdm(names, desc="fusing", unit="person"):
            try:
                made = make(stage, people[name])
            except SegmenterError:
                raise
            except UserError as error:
                faults[people[name].name] = str(error)
                continue
            journal.write(_line(name, job.mark(people[name])))
            journal.flush()
            write(stage, made, job.picture(name), job.strip(name), name)
            notes += made.notes
    return faults, notes


def write_overviews(scene: Path, names: Sequence[str], job: Job, overviews: Overviews) -> list[Path]:
    """Write the contact sheet and the animation; memory does not grow with the number of people.

    Args:
        scene: the scene.
        names: of people who have pictures, at least one.
        job: where these are.
        overviews: how large they are.

    Returns:
        The files.
    """
    written = [job.folder / CONTACT_SHEET, job.folder / ANIMATION]
    chosen = evenly(names, overviews.tiles)
    pictures = [functools.partial(_opened, path, 2 * TILE_PX) for path in (scene, *map(job.picture, chosen))]
    footer = f"{len(chosen)} of {len(names)} people"
    write_png(written[0], contact_sheet(pictures, ["scene", *chosen], f"Carousel: {scene.stem}", footer))
    files = (scene, *map(job.picture, evenly(names, MAX_FRAMES)))
    still, *frames = (np.asarray(_opened(path, overviews.animation_px)) for path in files)
    write_animation(written[1], still, frames, overviews.seconds, MAX_BYTES)
    return written


def _opened(path: Path, longer_px: int) -> Image.Image:
    return Image.fromarray(reduced(np.asarray(read_image(path, "RGB")), longer_px))
