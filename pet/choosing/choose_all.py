"""Choosing for everybody in a survey: batch by batch on all processors, in constant memory."""

import dataclasses
import functools
import math
import os
import re
import shutil
import tempfile
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from common.batches import Batch, Item, Made, run_batch
from common.errors import UserError, raise_faults
from common.files import sha256_of
from common.journals import Record
from common.paths import location
from common.ray_engine import RayCluster
from common.surveys.readers import Part
from common.surveys.survey import Survey
from pet.choosing.choice_table import CsvWriter, ParquetWriter, open_choices
from pet.choosing.matching import BestSets
from pet.choosing.recommender import Recommender, Rule
from pet.choosing.wardrobe import Wardrobe

if TYPE_CHECKING:
    import pyarrow as pa

MAX_SETS = 1_000_000
SHORT_LIST = 3  # what the exact optimum is compared with


def check_rule(wardrobe: Wardrobe, rule: Rule) -> None:
    """Refuse a rule that does not fit the wardrobe, or compares more than MAX_SETS sets for every person.

    Raises:
        UserError: says what to change.
    """
    sets = math.prod(Recommender(wardrobe, rule).sizes)
    if sets > MAX_SETS:
        raise UserError(f"setting TOP_N makes {sets:,} sets, more than {MAX_SETS:,}; choose a smaller TOP_N")


class Totals:
    """Running totals of the figures of a run."""

    def __init__(self, exact: bool) -> None:
        self.people = self.nothing_scored = self.lost = 0
        self.score_sum = self.loss_sum = self.loss_max = 0.0
        self.exact = exact

    def add(self, vectors: NDArray[np.float32], sets: BestSets, pair: tuple[BestSets, BestSets] | None) -> None:
        """Add a batch; `pair`, given where all sets compete: the exact optimum and the best of short lists."""
        self.people += len(vectors)
        self.nothing_scored += int((~vectors.any(axis=1)).sum())
        self.score_sum += float(sets.scores.sum(dtype=np.float64))
        if pair is not None:
            best, short = pair
            loss = np.where((best.indices == short.indices).all(axis=1), 0, best.scores - short.scores)
            self.lost += int((loss > 0).sum())
            self.loss_sum += float(loss.clip(0).sum(dtype=np.float64))
            self.loss_max = max(self.loss_max, float(loss.max()))

    def include(self, other: Mapping[str, Any]) -> None:
        """Add the totals, by attribute, of other people."""
        for name in ("people", "nothing_scored", "lost", "score_sum", "loss_sum"):
            setattr(self, name, getattr(self, name) + other[name])
        self.loss_max = max(self.loss_max, other["loss_max"])

    def figures(self) -> dict[str, object]:
        """The figures by name, for the terminal and the run's JSON."""
        result: dict[str, object] = {
            "people": self.people,
            "mean cosine of the sets": round(self.score_sum / self.people, 4),
        }
        if self.nothing_scored:
            result["people who scored nothing"] = self.nothing_scored
        if self.exact:
            result[f"top {SHORT_LIST} would miss the optimum for"] = f"{self.lost / self.people:.2%} of people"
            result["and lose there, in cosine"] = (
                f"{self.loss_sum / max(self.lost, 1):.4f} on average, {self.loss_max:.4f} at most"
            )
        return result


class Chooser:
    """Chooses for batches of people; where all sets compete, also finds what a short list would lose."""

    def __init__(self, wardrobe: Wardrobe, rule: Rule) -> None:
        self._recommender = Recommender(wardrobe, rule)
        self._optimum = Recommender(wardrobe, dataclasses.replace(rule, identical=True))
        top_n = min(SHORT_LIST, *self._recommender.sizes)
        self._short = Recommender(wardrobe, dataclasses.replace(rule, identical=True, top_n=top_n))

    def __call__(
        self, ids: "pa.Array", vectors: NDArray[np.float32]
    ) -> tuple[BestSets, tuple[BestSets, BestSets] | None]:
        """The sets, and what `Totals.add` calls a pair."""
        rule = self._recommender.rule
        sets = self._recommender.choose(() if rule.identical else ids.to_pylist(), vectors, threads=1)
        if rule.top_n is not None:
            return sets, None
        return sets, (self._optimum.choose((), vectors, threads=1), self._short.choose((), vectors, threads=1))


def choose_for_all(
    survey: Survey, wardrobe: Wardrobe, rule: Rule, output: Path, ray: RayCluster | None = None
) -> dict[str, object]:
    """Choose for everybody in the survey, write the table, and return the run's figures.

    Where all sets compete, their best one is compared with that of SHORT_LIST.

    Args:
        survey: the people.
        wardrobe: what they may get.
        rule: how it is chosen.
        output: the table.
        ray: where Ray chooses, in parts of the survey that never pass through this process; None: without Ray.

    Raises:
        UserError: the output cannot be written; see `run_batch`.
    """
    totals = Totals(exact=rule.top_n is None)
    if ray is not None:
        _choose_on_ray(survey, wardrobe, rule, output, totals=totals, ray=ray)
        return totals.figures()
    from tqdm import tqdm

    chooser = Chooser(wardrobe, rule)

    def work(
        writer: CsvWriter | ParquetWriter, ids: "pa.Array", vectors: NDArray[np.float32]
    ) -> tuple[Any, NDArray[np.float32], BestSets, tuple[BestSets, BestSets] | None]:
        sets, pair = chooser(ids, vectors)
        return writer.encode(ids, vectors, sets), vectors, sets, pair

    with (
        threadpool_limits(1, "blas"),  # batches run in threads; BLAS threads would compete with them
        open_choices(output, wardrobe) as writer,
        tqdm(total=survey.rows, desc="matching", unit="person") as bar,
    ):
        jobs = ((writer, ids, vectors) for ids, vectors in survey.batches())
        for encoded, vectors, sets, pair in _in_order(work, jobs):
            writer.write(encoded)
            totals.add(vectors, sets, pair)
            bar.update(len(vectors))
    return totals.figures()


def _in_order(work: Any, jobs: Iterator[tuple[Any, ...]]) -> Iterator[Any]:
    """Results of work(*job) in the order of jobs, computed on all processors; only a few jobs are in memory at once."""
    workers = os.cpu_count() or 1
    waiting: deque[Future[Any]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for job in jobs:
            waiting.append(pool.submit(work, *job))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


# ---- on Ray ----


def _choose_on_ray(
    survey: Survey, wardrobe: Wardrobe, rule: Rule, output: Path, *, totals: Totals, ray: RayCluster
) -> None:
    """Let workers read the parts of a survey and write those of the table, then join them in order."""
    folder = output.with_name(f".{output.name}.parts")
    remote = dataclasses.replace(survey, folder=None)
    size = survey.path.stat()
    batch: Batch[tuple[str, int, Part | None], list[Record]] = Batch(
        folder=folder,
        settings={
            "people": [location(survey.path), size.st_size, size.st_mtime_ns],
            "read as": repr((survey.alignment, survey.scales, {k: sorted(v) for k, v in survey.missing.items()})),
            "rule": repr(rule),
            "wardrobe": sha256_of(wardrobe.path),
        },
        files=(rf"(\d+){re.escape(output.suffix)}",),
        check_facts=_check_facts,
        set_up=functools.partial(PartMaker, remote, wardrobe, rule, output.suffix),
        tables=list,
        what="matching",
        unit="part",
        ray=ray,
    )

    def items() -> Iterator[Item[tuple[str, int, Part | None]]]:
        for number, (before, part) in enumerate(survey.reader.parts()):
            name = f"{number:08d}"
            yield Item(name, f"{before} {part}", f"part {number + 1}", (name, before, part))

    with run_batch(batch, items) as outcome:
        raise_faults("", [f"{label}: {fault}" for label, fault in outcome.faults.items()])
        with open_choices(output, wardrobe) as writer:
            for record in outcome.tables:
                writer.append(folder / record.files[0])
                totals.include(record.facts["totals"])
                survey.empty += record.facts["empty"]
    shutil.rmtree(folder)


def _check_facts(facts: Mapping[str, Any]) -> None:
    """Raise TypeError, KeyError or OverflowError where these are not the facts of a part."""
    Totals(exact=True).include(facts["totals"])
    if not all(isinstance(name, str) for name in facts["empty"]):
        raise TypeError("who likes nothing must be named by texts")


class PartMaker:
    """Chooses for the people of a part of a survey, and gives that part of the table."""

    def __init__(self, survey: Survey, wardrobe: Wardrobe, rule: Rule, suffix: str) -> None:
        self._survey, self._wardrobe, self._rule, self._suffix = survey, wardrobe, rule, suffix
        self._chooser = Chooser(wardrobe, rule)

    def __call__(self, piece: tuple[str, int, Part | None]) -> Made:
        """The part with this name, which has so many rows before it."""
        name, before, part = piece
        totals = Totals(exact=self._rule.top_n is None)
        with tempfile.TemporaryDirectory(prefix="relive_") as folder, threadpool_limits(1, "blas"):
            table = Path(folder) / f"{name}{self._suffix}"
            with open_choices(table, self._wardrobe) as writer:
                for ids, vectors in self._survey.batches(before, part):
                    sets, pair = self._chooser(ids, vectors)
                    writer.write(writer.encode(ids, vectors, sets))
                    totals.add(vectors, sets, pair)
            return Made({table.name: table.read_bytes()}, {"totals": vars(totals), "empty": self._survey.empty})
