"""Pictures of all choices, as a batch.

A picture's name has the row and the person, "000007_Júlia.png", so that it stays in the folder and is unique.
"""

import functools
import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from common.batches import Batch, Item, Made, Outcome, run_batch
from common.errors import UserError, raise_faults
from common.files import row_file_name, sha256_of
from common.images import png_bytes
from common.lettering import warn_of_names
from pet.choosing.choice_table import Choice, read_choices
from pet.choosing.wardrobe import SLOTS, Wardrobe, body_for, check_pictures
from pet.drawing.charts import ChartPainter, beside
from pet.drawing.coats import coat_files, coat_for
from pet.drawing.compositing import Dresser
from pet.drawing.share_cards import ORIGIN

CHUNK = 8  # people per task of a worker; Ctrl-C waits for it
IN_PROCESS = 32  # up to so many people, starting workers does not pay off
FAULTS_KEPT = 1000
METHOD = 2  # increase it when the same choice and settings give another picture
PETS, COMBINED, CHARTS = KINDS = ("pets", "combined", "charts")  # folders of the output
COMPRESS_LEVEL = 1  # of PNG: compression takes a third of the time, and 1 costs little in size


@dataclass(frozen=True, kw_only=True)
class RenderSettings:
    """What is drawn for every person, and where.

    Attributes:
        folder: output folder for `pets/`, and `combined/` or `charts/`.
        size_px: side of the pet's square, and the height of the chart.
        charts: draw charts too.
        combined: pet and chart in one picture.
        expert: show cosines on charts.
        body: name of the base body, or "auto".
        bodies: base bodies by name.
        pictures: picture files by accessory name.
    """

    folder: Path
    size_px: int
    charts: bool
    combined: bool
    expert: bool = False
    body: str
    bodies: dict[str, Path]
    pictures: dict[str, Path]

    def pet(self, row: int, user: str) -> Path:
        """The picture file of one person's pet."""
        return self.folder / PETS / row_file_name(row, user)


def plan(choices: Path, wardrobe: Wardrobe, job: RenderSettings) -> int:
    """Check all inputs before any work; return the number of people.

    Raises:
        UserError: lists every unknown accessory and every faulty picture; or there are no people.
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
    if job.charts:
        warn_of_names(choice.user for _, choice in read_choices(choices))
    return people


def render_all(choices: Path, job: RenderSettings, workers: int) -> AbstractContextManager[Outcome[None]]:
    """Draw everybody who has no up-to-date picture; see `run_batch`.

    Raises:
        UserError: as `run_batch`.
    """
    batch: Batch[tuple[str, Choice], None] = Batch(
        folder=job.folder,
        settings={
            "method": METHOD,
            "size_px": job.size_px,
            "charts": job.charts,
            "combined": job.combined,
            "expert": job.expert,
        },
        files=tuple(rf"{kind}/(\d{{6,}}(?:_.*)?)\.png" for kind in KINDS),
        overviews=(r"contact_sheet_\d{2,}\.png",),
        set_up=functools.partial(Artist, job),
        tables=lambda records: None,
        what="drawing",
        unit="pet",
        workers=workers,
        few=IN_PROCESS,
        chunk=CHUNK,
    )
    return run_batch(batch, functools.partial(_items, choices, job))


def _items(choices: Path, job: RenderSettings) -> Iterator[Item[tuple[str, Choice]]]:
    hash_of = functools.cache(sha256_of)
    for row, (_, choice) in enumerate(read_choices(choices), 1):
        name = row_file_name(row, choice.user)
        worn = [
            (w.name, w.score, w.rank, w.vector.tolist(), hash_of(job.pictures[w.name])) for w in choice.worn.values()
        ]
        body = body_for(choice.user, job.bodies, job.body)
        coat = [coat_for(choice.user), *map(hash_of, coat_files(body))]
        facts = (choice.user, choice.taste.tolist(), choice.score, worn, hash_of(body), coat)
        version = hashlib.sha256(repr(facts).encode("utf-8", "surrogatepass")).hexdigest()[:16]
        yield Item(Path(name).stem, version, name, (name, choice))


class Artist:
    """Draws the pets of one batch; reuses the layers and the chart's figure."""

    def __init__(self, job: RenderSettings) -> None:
        self._job = job
        self._dresser = Dresser(job.size_px)
        self._painter = ChartPainter(job.size_px, expert=job.expert) if job.charts else None

    def __call__(self, person: tuple[str, Choice]) -> Made:
        """Draw the pictures of one person, given the file name and the choice."""
        name, choice = person
        worn = {slot: self._job.pictures[choice.worn[slot].name] for slot in SLOTS}
        body = body_for(choice.user, self._job.bodies, self._job.body)
        pet = self._dresser.dress(body, worn, coat_for(choice.user))
        pictures = {PETS: pet}
        if self._painter is not None:
            chart = self._painter.paint(choice)
            pictures |= {COMBINED: beside(pet, chart)} if self._job.combined else {CHARTS: chart}
        return Made(
            {f"{kind}/{name}": png_bytes(picture, COMPRESS_LEVEL, ORIGIN) for kind, picture in pictures.items()}
        )
