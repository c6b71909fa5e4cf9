"""Reading and checking survey files batch by batch: CSV of any dialect, and Parquet.

pyarrow checks a file at full speed; only a faulty file is read again, slowly, to report what is wrong and where.
"""

import csv
import itertools
import math
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from common.errors import UserError, raise_faults
from common.surveys.alignment import Alignment
from common.surveys.dialects import BLOCK_BYTES, Dialect, find_dialect

if TYPE_CHECKING:
    import pyarrow as pa

MISSING = ("", "NA", "N/A", "n/a", "#N/A", "N.A.", "NS/NC", "null", "NULL", "None", "-")  # no answer; it counts as 0
BATCH_ROWS = 1 << 16
PART_BYTES = 4 << 20  # of a CSV file
Part = tuple[int, int]  # a part of a file, from and to: bytes of a CSV file, row groups of a Parquet file
MOST_VALUES = 256  # different answers of a question in a block; more are rounded
SUMMARIES = frozenset(
    " ".join(phrase.split())
    for phrase in """
    total, totals, grand total, subtotal, subtotals, zwischensumme, sous total, subtotale, subtotaal, sum, mean,
    means, average, averages, avg, median, std, stdev, std dev,
    standard deviation, count, counts, ø, ∅, x̄,
    totales, total general, suma, sumas, media, medias, promedio, mediana, recuento, desviación estándar,
    mitjana, mitjanes, recompte, desviació estàndard,
    summe, summen, gesamt, gesamtergebnis, gesamtsumme, insgesamt, mittelwert, durchschnitt, schnitt, anzahl,
    standardabweichung,
    totaux, total général, somme, moyenne, moyennes, médiane, effectif, écart type,
    totale, totale complessivo, somma, conteggio, deviazione standard,
    totais, total geral, soma, média, contagem, desvio padrão,
    totaal, eindtotaal, gemiddelde, gemiddeld, mediaan, aantal, standaardafwijking""".split(",")
)  # rows that are no people


def numbers_of(column: "pa.Array") -> NDArray[np.float64]:
    """A column as float64, NaN for no answer."""
    import pyarrow as pa

    numbers: NDArray[np.float64] = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return numbers


@dataclass
class Answers:
    """How often each answer was given, question by question, updated batch by batch.

    `ranked` numbers from 1 on are given by everybody once each, as ranks are; 0: not so. `log_chance` is the natural
    logarithm of the chance that nobody gives an answer twice, infinite where somebody does. `summaries`: a name is
    that of totals; `blanks`: a row has neither a name nor an answer.
    """

    rows: int = 0
    counts: dict[str, Counter[float]] = field(default_factory=dict)
    rounded: set[str] = field(default_factory=set)
    ranked: float = math.inf
    log_chance: float = 0
    summaries: bool = False
    blanks: bool = False

    def add(self, batch: "pa.RecordBatch", alignment: Alignment) -> bool:
        """Add a batch; False where a score is not finite (a missing answer is fine)."""
        self.rows += len(batch)
        if alignment.id_column is not None:
            self.summaries = self.summaries or has_summary(batch.column(alignment.id_column))
        table = []
        for name in alignment.columns:
            column = batch.column(name)
            numbers = numbers_of(column)
            if np.isnan(numbers).sum() != column.null_count or np.isinf(numbers).any():
                return False
            self.include(name, numbers[~np.isnan(numbers)] if column.null_count else numbers)
            table.append(numbers)
        if all(batch.column(name).null_count for name in alignment.columns):
            empty = np.isnan(table).all(axis=0)
            if alignment.id_column is not None and empty.any():
                empty &= is_blank(batch.column(alignment.id_column))
            self.blanks = self.blanks or bool(empty.any())
        self.ranked = min(self.ranked, _ranked(table))
        if self.log_chance < math.inf:
            self.log_chance += _log_chance_of_no_repeats(table)
        return True

    def include(self, name: str, numbers: NDArray[np.float64]) -> None:
        """Add finite scores of a question; where there are very many different ones, they are rounded up."""
        import pyarrow as pa

        counts = self.counts.setdefault(name, Counter())
        if name in self.rounded:
            numbers = np.ceil(numbers)
        found = pa.array(numbers).value_counts()
        if len(found) > MOST_VALUES and name not in self.rounded:
            self.rounded.add(name)
            found = pa.array(np.ceil(numbers)).value_counts()
            counts = self.counts[name] = _rounded_up(counts)
        if len(found) > MOST_VALUES:
            found = pa.array(np.array([numbers.min(), numbers.max()])).value_counts()
        values = found.field("values").to_numpy(zero_copy_only=False).tolist()
        counts.update(dict(zip(values, found.field("counts").to_numpy().tolist(), strict=True)))

    def pooled(self) -> Counter[float]:
        """Counts of all questions together."""
        total: Counter[float] = Counter()
        for counts in self.counts.values():
            total.update(counts)
        return total


def _rounded_up(counts: Counter[float]) -> Counter[float]:
    result: Counter[float] = Counter()
    for value, count in counts.items():
        result[float(np.ceil(value))] += count
    return result


def _ranked(columns: list[NDArray[np.float64]]) -> float:
    """How many numbers, from 1 on, everybody gives once each and no others; 0 where that is not so."""
    if len(columns) < 3 or not len(columns[0]):
        return 0
    table = np.sort(np.array(columns).T, axis=1)  # NaN goes last
    count = int(np.isfinite(table[0]).sum())
    return (
        count
        if np.array_equal(table[:, :count], np.tile(np.arange(1.0, count + 1), (len(table), 1)))
        and np.isnan(table[:, count:]).all()
        else 0
    )


def _log_chance_of_no_repeats(columns: list[NDArray[np.float64]]) -> float:
    """Logarithm of the chance that people who answer at random give no number twice; +inf where somebody does.

    Args:
        columns: answers by question, (n,) each, NaN for none. Only whole numbers from 1 to their number can be ranks.
    """
    table = np.sort(np.array(columns).T, axis=1)
    with np.errstate(invalid="ignore"):
        odd = (table < 1) | (table > table.shape[1]) | (table != np.floor(table))
        repeats = table[:, 1:] == table[:, :-1]
    if (odd & ~np.isnan(table)).any() or repeats.any():
        return math.inf
    levels = max(5, table.shape[1])
    given = np.isfinite(table).sum(axis=1)
    chances = [sum(math.log((levels - k) / levels) for k in range(count)) for count in range(table.shape[1] + 1)]
    return float(np.take(chances, given).sum())


def is_blank(ids: "pa.Array") -> NDArray[np.bool_]:
    """Which names are blank, (n,)."""
    import pyarrow.compute as pc

    length = pc.utf8_length(pc.utf8_trim_whitespace(ids.fill_null("")))
    blank: NDArray[np.bool_] = pc.equal(length, 0).to_numpy(zero_copy_only=False)
    return blank


def has_summary(ids: "pa.Array") -> bool:
    """Whether a name is that of a row of totals or means."""
    import pyarrow as pa
    import pyarrow.compute as pc

    words = pc.utf8_trim(pc.utf8_lower(ids), " :.")
    return bool(pc.any(pc.is_in(words, value_set=pa.array(sorted(SUMMARIES), pa.string())), min_count=0).as_py())


def is_summary(name: str) -> bool:
    """Whether a name is that of a row of totals or means."""
    return name.lower().strip(" :.") in SUMMARIES


def arrow_file(path: Path) -> "pa.OSFile":
    """A file opened for pyarrow, which itself opens none whose name is not UTF-8."""
    import pyarrow as pa

    return pa.OSFile(os.fsencode(path))


class CsvReader:
    """A CSV file of any dialect, read by pyarrow in blocks."""

    def __init__(self, path: Path, dialect: Dialect | None = None) -> None:
        self.path = path
        self.dialect = dialect or find_dialect(path)
        self.names = self.dialect.names
        self.decimal = "."
        self.newlines_in_cells = False

    def check(self, alignment: Alignment) -> Answers | None:
        """Read the file once, with the first dialect that fits; None where none does: words, or ragged rows."""
        import pyarrow as pa

        decimals = [".", ","] if self.dialect.delimiter != "," else ["."]
        for self.newlines_in_cells, self.decimal in itertools.product([False, True], decimals):
            answers = Answers()
            try:
                if all(answers.add(batch, alignment) for batch in self.batches(alignment)):
                    return answers
                return None
            except (pa.ArrowInvalid, UnicodeDecodeError):
                continue
        return None

    def rows(self) -> Iterator[tuple[str, list[str]]]:
        """Place, "line 3", and cells of every row."""
        for line, cells in self.dialect.rows(self.path):
            yield f"line {line}", cells

    def last_row(self) -> list[str]:
        """Cells of the last row that is not blank; empty where the end of the file does not show it."""
        with open(self.path, "rb") as file:
            file.seek(max(0, file.seek(0, 2) - BLOCK_BYTES // 16) & ~1)
            lines = file.read().decode(self.dialect.encoding.removesuffix("-sig"), errors="replace").splitlines()
        delimiter = self.dialect.delimiter
        rows = [cells for cells in csv.reader(lines[-5:], delimiter=delimiter) if any(map(str.strip, cells))]
        return rows[-1] if rows and len(rows[-1]) == len(self.names) else []

    def parts(self) -> Iterator[tuple[int, Part | None]]:
        """The rows before each part, and the part; None: all, where lines do not say where cells end."""
        with open(self.path, "rb") as file:
            if self.newlines_in_cells or self.dialect.encoding.startswith("utf-16") or b"\r" in file.readline()[:-2]:
                yield 0, None
                return
            file.seek(0)
            for _ in range(self.dialect.header_lines):
                file.readline()
            row, start = 0, file.tell()
            while block := file.read(PART_BYTES) + file.readline():
                yield row, (start, start + len(block))
                row += sum(line not in (b"", b"\r") for line in block.split(b"\n"))
                start += len(block)

    def batches(self, alignment: Alignment, part: Part | None = None) -> Iterator["pa.RecordBatch"]:
        """Batches of the id column (string) and the genre columns (float64, null for no answer)."""
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        wanted = {name: pa.float64() for name in alignment.columns}
        if alignment.id_column is not None:
            wanted[alignment.id_column] = pa.string()
        try:
            yield from arrow_csv.open_csv(
                arrow_file(self.path) if part is None else pa.BufferReader(_bytes_of(self.path, part)),
                arrow_csv.ReadOptions(
                    block_size=BLOCK_BYTES,
                    encoding=self.dialect.encoding.removesuffix("-sig"),
                    column_names=self.names,
                    skip_rows=self.dialect.header_lines if part is None else 0,
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


def _bytes_of(path: Path, part: Part) -> bytes:
    with open(path, "rb") as file:
        file.seek(part[0])
        return file.read(part[1] - part[0])


class ParquetReader:
    """A Parquet file, read in row groups."""

    def __init__(self, path: Path) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        self.path = path
        try:
            self._file = parquet.ParquetFile(arrow_file(path))
        except (pa.ArrowInvalid, OSError) as error:
            raise UserError(f"{path}: is not a Parquet file that can be read ({error})") from error
        self.names: list[str] = self._file.schema_arrow.names

    def __reduce__(self) -> tuple[type["ParquetReader"], tuple[Path]]:
        """Another process opens the file anew."""
        return ParquetReader, (self.path,)

    def check(self, alignment: Alignment) -> Answers | None:
        """Read the file once; None where a column holds texts or a value is no number."""
        import pyarrow as pa

        schema = self._file.schema_arrow
        numeric = {
            name: pa.types.is_integer(kind)
            or pa.types.is_floating(kind)
            or pa.types.is_boolean(kind)
            or pa.types.is_decimal(kind)
            for name, kind in zip(schema.names, schema.types, strict=True)
        }
        nested = [name for name in alignment.id_columns if pa.types.is_nested(schema.field(name).type)]
        raise_faults("", [f"column {name!r} holds lists, not names" for name in nested])
        answers = Answers()
        if not all(numeric[name] for name in alignment.columns):
            return None
        return answers if all(answers.add(batch, alignment) for batch in self.batches(alignment)) else None

    def last_row(self) -> list[str]:
        """Not looked for: totals are cells of spreadsheets."""
        return []

    def rows(self) -> Iterator[tuple[str, list[str]]]:
        """Place, "row 3", and cells of every row, as texts."""
        import pyarrow as pa

        row = 0
        try:
            for batch in self._file.iter_batches(BATCH_ROWS):
                for cells in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    row += 1
                    yield f"row {row}", ["" if value is None else str(value) for value in cells]
        except (pa.ArrowInvalid, OSError) as error:
            raise UserError(f"damaged ({error})") from error

    def parts(self) -> Iterator[tuple[int, Part | None]]:
        """The rows before each row group, and the group."""
        row = 0
        for group in range(self._file.num_row_groups):
            yield row, (group, group + 1)
            row += self._file.metadata.row_group(group).num_rows

    def batches(self, alignment: Alignment, part: Part | None = None) -> Iterator["pa.RecordBatch"]:
        """Batches of the id column (string) and the genre columns (numbers, null for no answer)."""
        import pyarrow as pa

        id_column = alignment.id_column
        wanted = [*alignment.columns, *([id_column] if id_column is not None else [])]
        try:
            groups = None if part is None else range(*part)
            for batch in self._file.iter_batches(BATCH_ROWS, row_groups=groups, columns=wanted):
                if id_column is not None:
                    place = batch.schema.get_field_index(id_column)
                    batch = batch.set_column(place, id_column, batch.column(id_column).cast(pa.string()))  # noqa: PLW2901
                yield batch
        except (pa.ArrowInvalid, OSError) as error:
            raise UserError(f"damaged ({error})") from error
