"""Tastes in memory: aligning a DataFrame or a file with the genres, synthetic users, one person of a table."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from common.errors import UserError, raise_faults
from common.genres import GENRES
from common.surveys.alignment import Alignment, Scale, align_columns, to_vectors
from common.surveys.readers import Answers
from common.surveys.survey import open_survey

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Aligned:
    """A table of tastes, aligned with the genres.

    Attributes:
        users: the id column as text, or row numbers from 1; one per row.
        vectors: (rows, genres) float32 in [0, 1], in the order of `common.genres.GENRES`.
        alignment: which columns were used for which genre, and which not.
        scale: scale of the answers.
    """

    users: list[str]
    vectors: NDArray[np.float32]
    alignment: Alignment
    scale: Scale

    def to_frame(self) -> "pd.DataFrame":
        """The table as a DataFrame: `user` and one column per genre."""
        import pandas as pd

        return pd.DataFrame(self.vectors, columns=list(GENRES)).assign(user=self.users)[["user", *GENRES]]


def get_some_data(count: int = 100, seed: int = 0) -> "pd.DataFrame":
    """Synthetic users: `user` and a random score from 0 to 1, in steps of 0.001, for every genre."""
    import pandas as pd

    scores = np.random.default_rng(seed).integers(0, 1001, (count, len(GENRES))) / 1000
    frame = pd.DataFrame(scores, columns=list(GENRES))
    frame.insert(0, "user", [f"user {number}" for number in range(1, count + 1)])
    return frame


def data_transform(table: "pd.DataFrame | Path | str", columns: str = "", scale: str = "auto") -> Aligned:
    """Align any table of genre scores to the internal order of genres.

    Column names are matched whatever their case, accents and punctuation, by synonyms in English, Spanish and
    Catalan; of several columns of one genre the highest answer counts; a missing answer, and a genre that was not
    asked, is 0. Columns that are not understood are listed in the result's `alignment.unused`, never guessed.

    Args:
        table: a DataFrame, or a .csv or .parquet file. The whole file is read into memory.
        columns: meaning of columns, "Polka=folk, Country="; see `align_columns`.
        scale: "auto" (0-1, 0-3, 0-5, 1-5, 1-7, 0-10 or 0-100) or "LOW-HIGH".

    Raises:
        UserError: no genre column, no rows, or answers that are text, negative, infinite or outside the scale.
    """
    if isinstance(table, str | Path):
        survey = open_survey(Path(table), columns, scale)
        ids, blocks = zip(*survey.batches(), strict=True)
        texts = [user for batch in ids for user in batch.to_pylist()]
        return Aligned(texts, np.concatenate(blocks), survey.alignment, survey.scale)
    names = [str(name) for name in table.columns]
    frame = table.set_axis(names, axis=1)
    alignment = align_columns(names, columns)
    users, faults = _names_of(frame, alignment.id_column)
    scores = {}
    for name in alignment.columns:
        scores[name], more = _scores_of(frame, name)
        faults += more
    raise_faults("table", faults)
    answers = Answers(rows=len(frame))
    for values in scores.values():
        answers.include(values[~np.isnan(values)])
    found = answers.scale(scale)
    return Aligned(users, to_vectors(scores, alignment, found), alignment, found)


def _names_of(frame: "pd.DataFrame", column: str | None) -> tuple[list[str], list[str]]:
    """The id column as text, or row numbers; and its faults."""
    if column is None:
        return [str(number) for number in range(1, len(frame) + 1)], []
    names = ["" if missing else str(name) for name, missing in zip(frame[column], frame[column].isna(), strict=True)]
    faults = [f"row {row}, column {column!r}: no name or id" for row, name in enumerate(names, 1) if not name.strip()]
    first: dict[str, int] = {}
    for row, name in enumerate(names, 1):
        if first.setdefault(name, row) != row and name.strip():
            faults.append(f"row {row}: user {name!r} is already in row {first[name]}")
    return names, faults


def _scores_of(frame: "pd.DataFrame", column: str) -> tuple[NDArray[np.float64], list[str]]:
    """A column as numbers, NaN for no answer; and its faults."""
    import pandas as pd

    numbers = pd.to_numeric(frame[column], errors="coerce").to_numpy(np.float64)
    bad = np.flatnonzero((np.isnan(numbers) & frame[column].notna().to_numpy()) | (numbers < 0) | np.isinf(numbers))
    cells = frame[column]
    return numbers, [f"row {n + 1}, column {column!r}: {cells.iloc[n]!r} is not a number from 0 up" for n in bad]


def taste_of(user: str, users: Path) -> NDArray[np.float64]:
    """The vector (genres,) of one person in a table of tastes.

    Raises:
        UserError: the table cannot be read, or has no such person.
    """
    for ids, vectors in open_survey(users).batches():
        names = ids.to_pylist()
        if user in names:
            return vectors[names.index(user)].astype(np.float64)
    raise UserError(f"{users}: has no user {user!r}")
