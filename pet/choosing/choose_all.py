"""Choosing for everybody in a survey: batch by batch on all processors, in constant memory."""

import dataclasses
import math
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from common.errors import UserError
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


def choose_for_all(survey: Survey, wardrobe: Wardrobe, rule: Rule, output: Path) -> dict[str, object]:
    """Choose for everybody in the survey, write the table, and return the run's figures.

    Where all sets compete, their best one is compared with that of SHORT_LIST.

    Raises:
        UserError: the output cannot be written.
    """
    from tqdm import tqdm

    recommender = Recommender(wardrobe, rule)
    optimum = Recommender(wardrobe, dataclasses.replace(rule, identical=True))
    short = Recommender(wardrobe, dataclasses.replace(rule, identical=True, top_n=min(SHORT_LIST, *recommender.sizes)))
    totals = Totals(exact=rule.top_n is None)

    def work(
        writer: CsvWriter | ParquetWriter, ids: "pa.Array", vectors: NDArray[np.float32]
    ) -> tuple[Any, NDArray[np.float32], BestSets, tuple[BestSets, BestSets] | None]:
        names = () if rule.identical else ids.to_pylist()
        sets = recommender.choose(names, vectors, threads=1)
        pair = None
        if rule.top_n is None:
            pair = optimum.choose((), vectors, threads=1), short.choose((), vectors, threads=1)
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
