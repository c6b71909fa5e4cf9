"""Step 1.5 for a million people of exactly 5,000 different pets, beyond matching; and one more person.

python -m tests.benchmarks.pet_millions
"""

import contextlib
import dataclasses
import io
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from common.workers import default_workers
from pet.choosing.choice_table import open_choices
from pet.choosing.matching import BestSets
from pet.choosing.recommender import Recommender
from pet.choosing.wardrobe import Wardrobe, load_bodies, load_wardrobe
from pet.data import get_some_data
from pet.drawing.designs import DesignNumbers
from pet.drawing.picture_batch import RenderSettings, plan, render_all, write_people
from tests.benchmarks.hardware import describe_machine

PEOPLE, PETS = 1_000_000, 5_000
DEFAULT_PEOPLE = 5_000  # of the table of synthetic users, in which nearly everybody has a pet of their own
SIZE_PX = 512


def people_of_so_many_pets(wardrobe: Wardrobe, count: int) -> tuple[list[str], NDArray[np.float32], BestSets]:
    """Synthetic users with pairwise different pets."""
    users = get_some_data(2 * count)
    names, tastes = users["user"].tolist(), users.drop(columns="user").to_numpy(np.float32)
    sets = Recommender(wardrobe).choose(names, tastes)
    numbers = DesignNumbers(wardrobe, load_bodies()).of(names, list(sets.indices.T.astype(np.int64)))
    first = np.sort(np.unique(numbers, return_index=True)[1])[:count]
    assert len(first) == count
    return [names[i] for i in first], tastes[first], some_of(sets, first)


def some_of(sets: BestSets, rows: NDArray[np.int64]) -> BestSets:
    """The sets of some people."""
    return BestSets(sets.indices[rows], sets.ranks[rows], sets.slot_scores[rows], sets.scores[rows])


def write_table(
    path: Path, wardrobe: Wardrobe, people: tuple[list[str], NDArray[np.float32], BestSets], rows: NDArray[np.int64]
) -> None:
    """A table of step 1 whose rows are these people's."""
    import pyarrow as pa

    names, tastes, sets = people
    ids = pa.array(names)
    with open_choices(path, wardrobe) as writer:
        for part in np.array_split(rows, max(1, len(rows) // 50_000)):
            writer.write(writer.encode(ids.take(pa.array(part)), tastes[part], some_of(sets, part)))


def draw(choices: Path, job: RenderSettings) -> tuple[int, float, float]:
    """Pictures drawn, seconds, and seconds of processor time of all processes together."""
    before, start = psutil.Process().cpu_times(), time.perf_counter()
    with contextlib.redirect_stderr(io.StringIO()):
        designs = plan(choices, job)
        with render_all(choices, job, designs, default_workers(), chunk=16) as outcome:
            write_people(choices, job, designs)
    seconds, after = time.perf_counter() - start, psutil.Process().cpu_times()
    return outcome.made, seconds, sum(after[:4]) - sum(before[:4])


def report(what: str, drawn: int, seconds: float, work: float) -> None:
    rate = f"{drawn / seconds:7.1f} a second, {2 * drawn / work:7.1f} by processor time of 2 cores" if drawn > 1 else ""
    print(f"{what:<58}{drawn:>6} drawn  {seconds:7.1f} s ({work:.1f} s of processor time)  {rate}", flush=True)


def main() -> None:
    print(describe_machine())
    wardrobe, bodies = load_wardrobe(), load_bodies()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        job = RenderSettings(
            folder=folder / "out", size_px=SIZE_PX, charts=False, combined=False, body="auto", bodies=bodies,
            wardrobe=wardrobe,
        )  # fmt: skip
        people = people_of_so_many_pets(wardrobe, PETS + 1)
        rows = np.random.default_rng(0).permutation(np.arange(PEOPLE) % PETS)
        choices = folder / "choices.csv"
        write_table(choices, wardrobe, people, rows)
        report(f"{PEOPLE:,} people of {PETS:,} pets, target 60 s", *draw(choices, job))
        write_table(choices, wardrobe, people, np.append(rows, PETS))
        report("one more person, with a pet of their own", *draw(choices, job))
        write_table(choices, wardrobe, people, np.arange(DEFAULT_PEOPLE))
        job = dataclasses.replace(job, folder=folder / "own")
        report(f"{DEFAULT_PEOPLE:,} people, each with their own, target 200 a second", *draw(choices, job))


if __name__ == "__main__":
    main()
