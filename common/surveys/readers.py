"""Reading and checking survey files batch by batch: CSV of any dialect, and Parquet.

pyarrow checks a file at full speed; only a faulty file is read again, slowly, to report what is wrong and where.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from common.errors import UserError, raise_faults
from common.surveys.alignment import Alignment, Scale, detect_scale, parse_scale
from common.surveys.dialects import BLOCK_BYTES, Dialect, find_dialect

if TYPE_CHECKING:
    import pyarrow as pa

MISSING = ("", "NA", "N/A", "n/a", "#N/A", "N.A.", "NS/NC", "null", "NULL", "None", "-")  # no answer; it counts as 0
BATCH_ROWS = 1 << 16


def numbers_of(column: "pa.Array") -> NDArray[np.float64]:
    """A column as float64, NaN for no answer."""
    import pyarrow as pa

    numbers: NDArray[np.float64] = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return numbers


@dataclass
class Answers:
    """Range and kind of all scores of a file, updated batch by batch."""

    rows: int = 0
    low: float = np.inf
    high: float = -np.inf
    whole: bool = True

    def add(self, batch: "pa.RecordBatch", alignment: Alignment) -> bool:
        """Add a batch; False where a score is negative or not finite (a missing answer is fine)."""
        self.rows += len(batch)
        for name in alignment.columns:
            column = batch.column(name)
            numbers = numbers_of(column)
            if np.isnan(numbers).sum() != column.null_count or np.isinf(numbers).any():
                return False
            self.include(numbers[~np.isnan(numbers)] if column.null_count else numbers)
        return self.low >= 0

    def include(self, numbers: NDArray[np.float64]) -> None:
        """Add finite scores."""
        if len(numbers):
            self.low, self.high = min(self.low, float(numbers.min())), max(self.high, float(numbers.max()))
            self.whole = self.whole and bool((numbers == np.floor(numbers)).all())

    def scale(self, wanted: str) -> Scale:
        """The wanted scale, "LOW-HIGH", or for "auto" the one that the answers fit.

        Raises:
            UserError: no rows, or answers outside the scale.
        """
        if self.rows == 0:
            raise UserError("has a header but no rows")
        low, high = (self.low, self.high) if self.low <= self.high else (0.0, 0.0)  # not a single answer
        scale = detect_scale(low, high, self.whole) if wanted == "auto" else parse_scale(wanted)
        if not scale.low <= low <= high <= scale.high:
            raise UserError(f"scores go from {low:g} to {high:g}, outside the scale {scale}")
        return scale


class SeenIds:
    """Finds repeated ids, in 8 bytes per id."""

    def __init__(self) -> None:
        self._hashes: list[NDArray[np.int64]] = []

    def add(self, ids: "pa.Array") -> bool:
        """Add ids; False where one is missing or blank."""
        texts = ids.to_pylist()
        if not all(text and text.strip() for text in texts):
            return False
        self._hashes.append(np.fromiter(map(hash, texts), np.int64, len(texts)))
        return True

    def repeated(self) -> set[int]:
        """Hashes that occurred more than once."""
        if not self._hashes:
            return set()
        hashes = np.concatenate(self._hashes)
        hashes.sort()
        return set(hashes[1:][hashes[1:] == hashes[:-1]].tolist())


class CsvReader:
    """A CSV file of any dialect, read by pyarrow in blocks."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.dialect = find_dialect(path)
        self.names = self.dialect.names
        self.decimal = "."
        self.newlines_in_cells = False

    def check(self, alignment: Alignment) -> Answers:
        """Read the file once, with the first dialect that fits; where none does, report the faults line by line."""
        import pyarrow as pa

        decimals = [".", ","] if self.dialect.delimiter != "," else ["."]
        for self.newlines_in_cells, self.decimal in itertools.product([False, True], decimals):
            try:
                answers, ids = Answers(), SeenIds()
                for batch in self.batches(alignment):
                    fine = answers.add(batch, alignment)
                    if alignment.id_column is not None:
                        fine = ids.add(batch.column(alignment.id_column)) and fine
                    if not fine:
                        break
                else:
                    repeated = ids.repeated()
                    if not repeated:
                        return answers
                    self._explain(alignment, repeated)
                    return answers  # two different ids share a hash
                break
            except (pa.ArrowInvalid, UnicodeDecodeError):
                continue
        self._explain(alignment, set())
        raise UserError("cannot be read as a table")

    def batches(self, alignment: Alignment) -> Iterator["pa.RecordBatch"]:
        """Batches of the id column (string) and the genre columns (float64, null for no answer)."""
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        wanted = {name: pa.float64() for name in alignment.columns}
        if alignment.id_column is not None:
            wanted[alignment.id_column] = pa.string()
        try:
            yield from arrow_csv.open_csv(
                self.path,
                arrow_csv.ReadOptions(
                    block_size=BLOCK_BYTES,
                    encoding=self.dialect.encoding.removesuffix("-sig"),
                    column_names=self.names,
                    skip_rows=self.dialect.header_lines,
                ),
                arrow_csv.ParseOptions(delimiter=self.dialect.delimiter, newlines_in_values=self.newlines_in_cells),
                arrow_csv.ConvertOptions(
                    column_types=wanted,
                    include_columns=list(wanted),
                    null_values=[a + blank + b for blank in MISSING for a in ("", " ") for b in ("", " ")],
                    strings_can_be_null=False,
                    decimal_point=self.decimal,
                ),
            )
        except pa.ArrowInvalid as error:
            if "Empty CSV" not in str(error):
                raise

    def _explain(self, alignment: Alignment, repeated: set[int]) -> None:
        """Read the file slowly and raise all its faults with line numbers."""
        faults: list[str] = []
        first_line: dict[str, int] = {}
        marks: dict[str, int] = {}
        line = 0
        for line, cells in self.dialect.rows(self.path):
            faults += self._faults_of(alignment, line, cells, repeated, first_line)
            for name, cell in zip(self.names, cells, strict=False):
                if name in alignment.columns:
                    marks |= {mark: line for mark in ".," if mark in cell and mark not in marks}
        raise_faults("", faults if line else ["has a header but no rows"])
        if len(marks) == 2 and not repeated:
            raise UserError(f"decimal points (line {marks['.']}) and decimal commas (line {marks[',']}) are mixed")

    def _faults_of(
        self, alignment: Alignment, line: int, cells: list[str], repeated: set[int], first_line: dict[str, int]
    ) -> list[str]:
        if len(cells) != len(self.names):
            return [f"line {line}: {len(cells)} cells, the header has {len(self.names)}"]
        row = dict(zip(self.names, cells, strict=True))
        faults = []
        if alignment.id_column is not None:
            user = row[alignment.id_column]
            if not user.strip():
                faults.append(f"line {line}, column {alignment.id_column!r}: no name or id")
            elif not repeated or hash(user) in repeated:
                if user in first_line:
                    faults.append(f"line {line}: user {user!r} is already on line {first_line[user]}")
                first_line.setdefault(user, line)
        for name in alignment.columns:
            fault = _fault_of_score(row[name], self.dialect)
            if fault.endswith("is not a number"):
                fault += f" (no genre after all? --columns '{name}=')"
            if fault:
                faults.append(f"line {line}, column {name!r}: {fault}")
        return faults


def _fault_of_score(cell: str, dialect: Dialect) -> str:
    if cell.strip() in MISSING:
        return ""
    try:
        number = dialect.number(cell)
    except ValueError:
        return f"{cell!r} is not a number"
    if not np.isfinite(number):
        return f"{cell!r} is not a finite number"
    return f"{cell.strip()} is negative" if number < 0 else ""


class ParquetReader:
    """A Parquet file, read in row groups."""

    def __init__(self, path: Path) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        self.path = path
        try:
            self._file = parquet.ParquetFile(path)
        except (pa.ArrowInvalid, OSError) as error:
            raise UserError(f"{path}: is not a Parquet file that can be read ({error})") from error
        self.names: list[str] = self._file.schema_arrow.names

    def check(self, alignment: Alignment) -> Answers:
        """Read the file once; the first faulty batch is reported row by row."""
        import pyarrow as pa

        schema = self._file.schema_arrow
        numeric = {
            name: pa.types.is_integer(kind)
            or pa.types.is_floating(kind)
            or pa.types.is_boolean(kind)
            or pa.types.is_decimal(kind)
            for name, kind in zip(schema.names, schema.types, strict=True)
        }
        faults = [f"column {n!r} holds no numbers" for n in alignment.columns if not numeric[n]]
        if alignment.id_column is not None and pa.types.is_nested(schema.field(alignment.id_column).type):
            faults.append(f"column {alignment.id_column!r} holds lists, not names")
        raise_faults("", faults)
        answers, ids = Answers(), SeenIds()
        for batch in self.batches(alignment):
            first = answers.rows + 1
            fine = answers.add(batch, alignment)
            if alignment.id_column is not None:
                fine = ids.add(batch.column(alignment.id_column)) and fine
            if not fine:
                self._explain(alignment, batch, first)
        repeated = ids.repeated()
        if repeated:
            self._explain_repeated(alignment, repeated)
        return answers

    def batches(self, alignment: Alignment) -> Iterator["pa.RecordBatch"]:
        """Batches of the id column (string) and the genre columns (numbers, null for no answer)."""
        import pyarrow as pa

        id_column = alignment.id_column
        wanted = [*alignment.columns, *([id_column] if id_column is not None else [])]
        try:
            for batch in self._file.iter_batches(BATCH_ROWS, columns=wanted):
                if id_column is not None:
                    place = batch.schema.get_field_index(id_column)
                    batch = batch.set_column(place, id_column, batch.column(id_column).cast(pa.string()))  # noqa: PLW2901
                yield batch
        except (pa.ArrowInvalid, OSError) as error:
            raise UserError(f"damaged ({error})") from error

    def _explain(self, alignment: Alignment, batch: "pa.RecordBatch", first_row: int) -> None:
        faults = []
        for offset, row in enumerate(batch.to_pylist()):
            if alignment.id_column is not None and not (row[alignment.id_column] or "").strip():
                faults.append(f"row {first_row + offset}, column {alignment.id_column!r}: no name or id")
            for name in alignment.columns:
                value = row[name]
                if value is not None and not (np.isfinite(float(value)) and value >= 0):
                    faults.append(
                        f"row {first_row + offset}, column {name!r}: {value} is not a finite number from 0 up"
                    )
        raise_faults("", faults)

    def _explain_repeated(self, alignment: Alignment, repeated: set[int]) -> None:
        first_row: dict[str, int] = {}
        faults = []
        row = 0
        for batch in self.batches(alignment):
            for user in batch.column(alignment.id_column).to_pylist():
                row += 1
                if hash(user) in repeated and user in first_row:
                    faults.append(f"row {row}: user {user!r} is already in row {first_row[user]}")
                elif hash(user) in repeated:
                    first_row[user] = row
        raise_faults("", faults)
