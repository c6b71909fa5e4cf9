"""Tables of tastes: any column names, any usual scale, CSV of any dialect or Parquet.

`open_survey` checks a whole file before any work; `Survey.batches` then yields vectors in the internal order of
genres. Memory does not grow with the number of rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from common.errors import UserError
from common.surveys.alignment import Alignment, Scale, align_columns, to_vectors
from common.surveys.dialects import check_table_path
from common.surveys.readers import CsvReader, ParquetReader, numbers_of

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(kw_only=True)
class Survey:
    """A checked file of tastes; `sure` is whether the scale was given, or follows from the lowest answers."""

    path: Path
    alignment: Alignment
    scale: Scale
    sure: bool
    rows: int
    reader: CsvReader | ParquetReader

    def batches(self) -> Iterator[tuple["pa.Array", NDArray[np.float32]]]:
        """Ids (n,) as strings and vectors (n, genres) float32 in [0, 1], in the order of the file."""
        import pyarrow as pa

        first = 1
        for batch in self.reader.batches(self.alignment):
            if self.alignment.id_column is None:
                ids = pa.array([str(number) for number in range(first, first + len(batch))], pa.string())
            else:
                ids = batch.column(self.alignment.id_column)
            first += len(batch)
            columns = {name: numbers_of(batch.column(name)) for name in self.alignment.columns}
            yield ids, to_vectors(columns, self.alignment, self.scale)

    def describe(self) -> str:
        """A report of what was understood of the file."""
        doubt = "" if self.sure else f" (assumed; if answers do not start at {self.scale.low:g}, set it: --scale 1-7)"
        return f"{self.path.name}: {self.rows:,} people, scale {self.scale}{doubt}\n{self.alignment.describe()}"


def open_survey(path: Path, columns: str = "", scale: str = "auto") -> Survey:
    """Check a whole .csv or .parquet file of tastes.

    Args:
        path: separator (comma, semicolon, tab), decimal comma, byte order mark and encoding (UTF-8, UTF-16, else
            Windows-1252) are detected.
        columns: see `align_columns`.
        scale: "auto" (`detect_scale`) or "LOW-HIGH".

    Raises:
        UserError: every fault at once, with line or row numbers, before anything else is done.
    """
    check_table_path(path)
    reader = ParquetReader(path) if path.suffix.lower() == ".parquet" else CsvReader(path)
    try:
        alignment = align_columns(reader.names, columns)
        answers = reader.check(alignment)
        found = answers.scale(scale)
        sure = scale != "auto" or found.high <= 1 or answers.low < 1 or found.low == 1
        return Survey(path=path, alignment=alignment, scale=found, sure=sure, rows=answers.rows, reader=reader)
    except UserError as error:
        text = str(error)
        raise UserError(text if text.startswith(f"{path}:") else f"{path}: {text}") from error
