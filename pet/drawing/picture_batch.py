"""Pictures of all choices, as a batch.

Each different pet is drawn once. Its file is named by a hash of what it is drawn from, "pets/1f0c....png", and
`people.csv` names the file of each person. Charts and cards are a person's own: "combined/000007_Júlia.png" has the row
and the name, so that it stays in the folder and is unique. Where there are any, `sentences.csv` says why each pet wears
what it wears.
"""

import functools
import hashlib
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from common.batches import Batch, Item, Made, Outcome, run_batch
from common.errors import UserError, raise_faults
from common.files import atomic_path, row_file_name, sha256_of, write_csv
from common.images import drawing_png_bytes, png_bytes
from common.journals import Record
from common.lettering import warn_of_names
from common.ray_engine import RayCluster
from pet.choosing.choice_table import Choice, csv_cells, read_choices, read_worn
from pet.choosing.explaining import Language, counterfactual, sentence
from pet.choosing.recommender import Recommender
from pet.choosing.wardrobe import SLOTS, Wardrobe, check_pictures
from pet.drawing.charts import ChartPainter, beside
from pet.drawing.coats import coat_files
from pet.drawing.compositing import Dresser
from pet.drawing.designs import Design, DesignNumbers, design_of
from pet.drawing.share_cards import FORMS, ORIGIN, share_cards
from pet.drawing.vector_pets import draw_svg

IN_PROCESS = 32  # up to so many pictures, starting workers does not pay off
FAULTS_KEPT = 1000
METHOD = 3  # increase it when the same choice and settings give another picture
PETS, COMBINED, CHARTS, PEOPLE = "pets", "combined", "charts", "people"  # folders of the output; cards are in FORMS
PEOPLE_CSV, SENTENCES_CSV = "people.csv", "sentences.csv"
SENTENCE = ("user", "why", "change")  # columns of that table, and facts of a person
CARD_PET_PX = 1024
PERSON = r"(\d{6,}(?:_.*)?)\.png"
COMPRESS_LEVEL = 1  # of charts: compression takes a third of the time, and 1 costs little in size


@dataclass(frozen=True)
class Rows:
    """Rows of a table, counted from 0: the first one, and the one behind the last; None for the table's end."""

    first: int = 0
    end: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Rows":
        """Read "0:1000000", "1000000:" or "", all rows. Raises UserError for anything else."""
        match = re.fullmatch(r"\s*(\d*)\s*:\s*(\d*)\s*", text or ":", re.ASCII)
        rows = cls(int(match[1] or 0), int(match[2]) if match[2] else None) if match else None
        if rows is None or (rows.end is not None and rows.end <= rows.first):
            raise UserError(f"setting ROWS is {text!r}; it must be first:end, such as 0:1000000")
        return rows

    def named(self, file: str) -> str:
        """The file's name for these rows: "people.csv" is "people_0_1000.csv" where rows are left out."""
        stem, suffix = file.split(".")
        return file if self.are_all else f"{stem}_{self.first}_{self.end or 'end'}.{suffix}"

    @property
    def are_all(self) -> bool:
        """Whether no row is left out."""
        return self == Rows()


@dataclass(frozen=True, kw_only=True)
class RenderSettings:
    """What is drawn, and where.

    Attributes:
        folder: output folder for `pets/`, and `combined/` or `charts/`.
        size_px: side of the pet's square, and the height of the chart.
        charts: draw charts too.
        combined: pet and chart in one picture.
        cards: draw cards to share too.
        language: language of the sentences.
        expert: show cosines on charts.
        body: name of the base body, or "auto".
        bodies: base bodies by name.
        wardrobe: all accessories.
        published: what `draw_svg` needs; None: no SVG files.
        rows: rows of the table to draw.
    """

    folder: Path
    size_px: int
    charts: bool
    combined: bool
    cards: bool = False
    language: Language = "en"
    expert: bool = False
    body: str
    bodies: dict[str, Path]
    wardrobe: Wardrobe
    published: Mapping[str, Any] | None = None
    rows: Rows = Rows()

    def name_of(self, design: Design) -> str:
        """File name of a pet, without suffix: a hash of what it is drawn from."""
        body = self.bodies[design.body]
        files = [body, *(self.files[name] for name in design.worn), *(coat_files(body) if design.coat else [])]
        facts = (METHOD, self.size_px, design, [_hash_of(file) for file in files])
        return hashlib.sha256(repr(facts).encode("utf-8", "surrogatepass")).hexdigest()[:32]

    @functools.cached_property
    def files(self) -> dict[str, Path]:
        """Picture files by accessory name."""
        return self.wardrobe.pictures()

    @property
    def personal(self) -> bool:
        """Whether there are pictures of each person's own."""
        return self.charts or self.cards

    def worn_files(self, design: Design) -> dict[str, Path]:
        """Picture files of what a pet wears, by slot."""
        return {slot: self.files[name] for slot, name in zip(SLOTS, design.worn, strict=True)}


@dataclass(frozen=True)
class Plan:
    """Who has which pet.

    Attributes:
        numbers: (people,) the number of each person's design.
        pets: file name of each different pet, without suffix, and its design, by number.
    """

    numbers: NDArray[np.int64]
    pets: dict[int, tuple[str, Design]]


_hash_of = functools.cache(sha256_of)


def plan(choices: Path, job: RenderSettings) -> Plan:
    """Check all inputs before any work, and find the different pets.

    Raises:
        UserError: lists every unknown accessory and every faulty picture; or there are no people.
    """
    if job.body != "auto" and job.body not in job.bodies:
        raise UserError(f"setting BODY is {job.body!r}; it must be auto or one of {', '.join(job.bodies)}")
    code = DesignNumbers(job.wardrobe, job.bodies, job.body)
    parts = [code.of(users, worn) for users, worn in _people(choices, job)]
    if not parts:
        raise UserError(f"{choices}: has no rows" + ("" if job.rows.are_all else " in the range of ROWS"))
    check_pictures(job.wardrobe, list(job.bodies.values()))
    if job.personal:
        warn_of_names(choice.user for choice in _choices(choices, job.rows))
    numbers = np.concatenate(parts)
    designs = ((number, code.design(number)) for number in np.unique(numbers).tolist())
    _hash_of.cache_clear()
    return Plan(numbers, {number: (job.name_of(design), design) for number, design in designs})


def _people(choices: Path, job: RenderSettings) -> Iterator[tuple[list[str], list[NDArray[np.int64]]]]:
    """Batches of names, and of the places of what they wear in the wardrobe's slots."""
    import pyarrow as pa
    import pyarrow.compute as pc

    row, end = 0, job.rows.end
    known = [pa.array([accessory.name for accessory in job.wardrobe.slots[slot]]) for slot in SLOTS]
    for batch in read_worn(choices):
        start = max(0, job.rows.first - row)
        part = batch.slice(start, None if end is None else max(0, end - row - start))
        row += len(batch)
        if len(part):
            users, *names = part.columns
            worn = [pc.index_in(name, value_set=slot) for name, slot in zip(names, known, strict=True)]
            if any(places.null_count for places in worn):
                raise_faults(str(choices), _unknown_accessories(choices, job.wardrobe))
            yield users.to_pylist(), [places.to_numpy().astype(np.int64) for places in worn]
        if end is not None and row >= end:
            return


def _unknown_accessories(choices: Path, wardrobe: Wardrobe) -> list[str]:
    names = {slot: {accessory.name for accessory in wardrobe.slots[slot]} for slot in SLOTS}
    faults = (
        f"{place}, column {slot.lower()!r}: {wardrobe.path.name} has no accessory {worn.name!r} of type {slot}"
        for place, choice in read_choices(choices)
        for slot, worn in choice.worn.items()
        if worn.name not in names[slot]
    )
    return list(itertools.islice(faults, FAULTS_KEPT))


def _choices(choices: Path, rows: Rows) -> Iterator[Choice]:
    return (choice for _, choice in itertools.islice(read_choices(choices), rows.first, rows.end))


def render_all(
    choices: Path, job: RenderSettings, plan: Plan, workers: int, *, chunk: int = 1, ray: RayCluster | None = None
) -> AbstractContextManager[Outcome[None]]:
    """Draw all pets, and charts of all people, that have no up-to-date picture; see `run_batch`.

    Raises:
        UserError: as `run_batch`.
    """
    batch: Batch[tuple[str, Design | Choice], None] = Batch(
        folder=job.folder,
        settings={
            "method": METHOD,
            "size_px": job.size_px,
            "charts": job.charts,
            "combined": job.combined,
            "expert": job.expert,
            "svg": job.published is not None,
            "cards": job.cards and job.language,
        },
        files=(
            rf"{PETS}/([0-9a-f]{{32}})\.png",
            rf"{PETS}/([0-9a-f]{{32}})\.svg",
            rf"{COMBINED}/{PERSON}",
            rf"{CHARTS}/{PERSON}",
            *(rf"{form}/{PERSON}" for form in FORMS),
        ),
        overviews=(r"contact_sheet_\d{2,}\.png", r"(people|sentences)(_\d+_(\d+|end))?\.csv"),
        exclusive=job.rows.are_all,
        check_facts=_check_facts,
        set_up=functools.partial(Artist, job),
        tables=functools.partial(_write_sentences, job),
        what="drawing",
        unit="picture",
        workers=workers,
        few=IN_PROCESS,
        chunk=chunk,
        ray=ray,
    )
    return run_batch(batch, functools.partial(_items, choices, job, plan))


def _items(choices: Path, job: RenderSettings, plan: Plan) -> Iterator[Item[tuple[str, Design | Choice]]]:
    for name, design in plan.pets.values():
        yield Item(name, name, f"{PETS}/{name}.png", (name, design))
    if job.personal:
        numbers = plan.numbers.tolist()
        for row, (number, choice) in enumerate(zip(numbers, _choices(choices, job.rows), strict=True), job.rows.first):
            name = row_file_name(row + 1, choice.user)
            worn = [(w.name, w.score, w.rank, w.vector.tolist()) for w in choice.worn.values()]
            facts = (choice.user, choice.taste.tolist(), choice.score, worn, plan.pets[number][0])
            version = hashlib.sha256(repr(facts).encode("utf-8", "surrogatepass")).hexdigest()[:16]
            yield Item(Path(name).stem, version, name, (name, choice))


class Artist:
    """Draws the pictures of one batch; reuses the layers and the chart's figure."""

    def __init__(self, job: RenderSettings) -> None:
        self._job = job
        self._dresser = Dresser(job.size_px)
        self._card_dresser = Dresser(CARD_PET_PX)
        self._painter = ChartPainter(job.size_px, expert=job.expert) if job.charts else None
        self._recommender = Recommender(job.wardrobe)

    def __call__(self, item: tuple[str, Design | Choice]) -> Made:
        """Draw a pet, given its name and design, or a person's pictures, given the file name and the choice."""
        name, what = item
        return self._person(name, what) if isinstance(what, Choice) else Made(self._pet(name, what))

    def _pet(self, name: str, design: Design) -> dict[str, bytes]:
        files = {f"{PETS}/{name}.png": drawing_png_bytes(self._picture(design), ORIGIN)}
        if self._job.published is not None:
            files[f"{PETS}/{name}.svg"] = draw_svg(self._job.published, design).encode()
        return files

    def _person(self, name: str, choice: Choice) -> Made:
        worn = [choice.worn[slot].name for slot in SLOTS]
        design = design_of(choice.user, worn, self._job.bodies, self._job.body)
        why = sentence(choice, self._job.language)
        change = ""
        if self._recommender.choose([choice.user], choice.taste[None]).indices.tolist() == [self._places(worn)]:
            change = counterfactual(choice, self._recommender, self._job.wardrobe, self._job.language)
        pictures = {}
        if self._painter is not None:
            chart = self._painter.paint(choice)
            pictures = {COMBINED: beside(self._picture(design), chart)} if self._job.combined else {CHARTS: chart}
        if self._job.cards:
            pictures |= share_cards(self._picture(design, self._card_dresser), choice.user, [why, change])
        files = {f"{kind}/{name}": png_bytes(picture, COMPRESS_LEVEL, ORIGIN) for kind, picture in pictures.items()}
        return Made(files, facts=dict(zip(SENTENCE, (choice.user, why, change), strict=True)))

    def _places(self, worn: Sequence[str]) -> list[int]:
        slots = self._job.wardrobe.slots
        return [[item.name for item in slots[slot]].index(name) for slot, name in zip(SLOTS, worn, strict=True)]

    def _picture(self, design: Design, dresser: Dresser | None = None) -> Image.Image:
        body = self._job.bodies[design.body]
        return (dresser or self._dresser).dress(body, self._job.worn_files(design), design.coat)


def _check_facts(facts: Mapping[str, Any]) -> None:
    """Raise TypeError or KeyError where these are neither those of a pet, none, nor those of a person."""
    if facts and not all(isinstance(facts[name], str) for name in SENTENCE):
        raise TypeError("a sentence must be text")


def _write_sentences(job: RenderSettings, records: Iterator[Record]) -> None:
    """Write why each person's pet wears what it wears, and what one point more of a genre would change."""
    if job.personal:
        facts = (record.facts for record in records if record.facts)
        rows = ([fact[name] for name in SENTENCE] for fact in facts)
        write_csv(job.folder / job.rows.named(SENTENCES_CSV), [SENTENCE, *rows])


# ---- who has which pet ----


def write_people(choices: Path, job: RenderSettings, plan: Plan) -> Path:
    """Write the table of rows (from 1), names and picture files; return its path.

    Raises:
        UserError: the table cannot be written.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    order = np.unique(plan.numbers)
    files = pa.array([f"{PETS}/{plan.pets[number][0]}.png\n" for number in order.tolist()])
    path, start = job.folder / job.rows.named(PEOPLE_CSV), 0
    with atomic_path(path) as part, open(part, "wb") as file:
        file.write(b"row,user,pet\n")
        for users, _ in _people(choices, job):
            numbers = plan.numbers[start : start + len(users)]
            rows = pc.cast(pa.array(np.arange(len(users)) + job.rows.first + start + 1), pa.string())
            pets = files.take(pa.array(np.searchsorted(order, numbers)))
            lines = pc.binary_join_element_wise(rows, csv_cells(pa.array(users, pa.string())), pets, ",")
            file.write("".join(lines.to_pylist()).encode("utf-8", "surrogatepass"))
            start += len(users)
    return path


def first_people(choices: Path, job: RenderSettings, plan: Plan, count: int) -> Iterator[tuple[Path, Choice]]:
    """The picture file and the choice of so many people from the first one on."""
    pets = (job.folder / PETS / f"{plan.pets[number][0]}.png" for number in plan.numbers[:count].tolist())
    return zip(pets, _choices(choices, job.rows), strict=False)


def link_people(choices: Path, job: RenderSettings, plan: Plan) -> AbstractContextManager[Outcome[None]]:
    """Give everybody a file of their own, "people/000007_Júlia.png": a hard link to the pet, or a copy.

    Raises:
        UserError: as `run_batch`.
    """

    def items() -> Iterator[Item[tuple[str, Path]]]:
        row = job.rows.first
        for users, _ in _people(choices, job):
            for user in users:
                name, file = row_file_name(row + 1, user), plan.pets[int(plan.numbers[row - job.rows.first])][0]
                yield Item(Path(name).stem, file, name, (name, job.folder / PETS / f"{file}.png"))
                row += 1

    batch: Batch[tuple[str, Path], None] = Batch(
        folder=job.folder / PEOPLE,
        settings={},
        files=(PERSON,),
        exclusive=job.rows.are_all,
        set_up=lambda: _link,
        tables=lambda records: None,
        what="linking",
        unit="person",
    )
    return run_batch(batch, items)


def _link(person: tuple[str, Path]) -> Made:
    name, pet = person
    return Made(links={name: pet})
