"""Tastes in memory: aligning a DataFrame or a file with the genres, synthetic users, one person of a table."""

import math
import tempfile
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from common.errors import UserError
from common.genres import GENRES
from common.surveys.alignment import Alignment
from common.surveys.scales import Scale
from common.surveys.survey import Survey, open_survey

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


def data_transform(
    table: "pd.DataFrame | Path | str",
    columns: str = "",
    scale: str = "auto",
    *,
    missing: str = "auto",
    name_column: str = "",
    answers: str = "",
    sheet: str = "",
) -> Aligned:
    """Align any table of genre scores to the internal order of genres.

    Column names are matched whatever their case, accents and punctuation, by synonyms in eight languages; of several
    columns of one genre the highest answer counts; a missing answer, and a genre that was not asked, is 0. Columns that
    are not understood are listed in the result's `alignment.unused`, never guessed.

    Args:
        table: a DataFrame, or a file. The whole table is read into memory.
        columns, scale, missing, name_column, answers, sheet: see `open_survey`.

    Raises:
        UserError: no genre column, no rows, answers that are not understood, or that can be read in two ways.
    """
    if not isinstance(table, str | Path):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "table.parquet"
            frame = table.reset_index(drop=True).set_axis([str(name) for name in table.columns], axis=1)
            for name in frame.columns[[kind == np.dtype(object) for kind in frame.dtypes]]:
                frame[name] = [None if _is_blank(value) else str(value) for value in frame[name]]
            frame.to_parquet(path)
            try:
                return data_transform(path, columns, scale, missing=missing, name_column=name_column, answers=answers)
            except UserError as error:
                raise UserError(str(error).replace(f"{path}: ", "table: ")) from error
    survey = open_survey(
        Path(table), columns, scale, missing=missing, name_column=name_column, answers=answers, sheet=sheet
    )
    ids, blocks = zip(*survey.batches(), strict=True)
    texts = [user for batch in ids for user in batch.to_pylist()]
    return Aligned(texts, np.concatenate(blocks), survey.alignment, survey.scale)


def _is_blank(value: object) -> bool:
    """Whether a cell of a DataFrame is blank."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def taste_of(user: str, survey: Survey) -> NDArray[np.float64]:
    """The vector (genres,) of one person in a table of tastes.

    Raises:
        UserError: the table has no such person, or several with different tastes.
    """
    found: list[tuple[str, NDArray[np.float32]]] = []
    row = 0
    for ids, vectors in survey.batches():
        for name, vector in zip(ids.to_pylist(), vectors, strict=True):
            row += 1
            if user in (name, f"row {row}") or unicodedata.normalize("NFC", user) == unicodedata.normalize("NFC", name):
                found.append((f"row {row}", vector))
    if not found:
        raise UserError(f"{survey.path}: has no user {user!r}")
    if any((vector != found[0][1]).any() for _, vector in found):
        rows = ", ".join(f"'{place}'" for place, _ in found[:9])
        raise UserError(f"{survey.path}: {len(found)} people are called {user!r}; name one by its row: {rows}")
    return found[0][1].astype(np.float64)
