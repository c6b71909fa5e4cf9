"""The table that step 1 writes and step 1.5 draws: one row per person, with all vectors that explain the choice.

Columns: `user`; `user_<genre>` (the taste, 0 to 1); `score` (cosine between the taste and the set); then for each
of Head, Torso and Face: `<slot>_score` (its cosine alone), `<slot>_rank` (its rank in that slot's short list, from
1; 0 where there was no short list), `<slot>` (its name) and `<slot>_<genre>` (its vector).
"""

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from common.errors import UserError
from common.files import FORMULA_STARTS, atomic_path
from common.genres import GENRES
from common.surveys.dialects import TABLE_SUFFIXES, check_table_path, find_dialect
from common.surveys.readers import arrow_file
from pet.choosing.matching import BestSets
from pet.choosing.wardrobe import SLOTS, Wardrobe

if TYPE_CHECKING:
    import pyarrow as pa

GROUP_ROWS = 1 << 16  # of a row group, whatever the batches
NAME_COLUMNS = ["user", *map(str.lower, SLOTS)]


def columns() -> list[str]:
    """Names of all columns, in order."""
    names = ["user", *(f"user_{genre}" for genre in GENRES), "score"]
    for slot in map(str.lower, SLOTS):
        names += [f"{slot}_score", f"{slot}_rank", slot, *(f"{slot}_{genre}" for genre in GENRES)]
    return names


@dataclass(frozen=True)
class Worn:
    """One chosen accessory: its name, its own cosine, its rank in the short list, and its vector (genres,)."""

    name: str
    score: float
    rank: int
    vector: NDArray[np.float64]


@dataclass(frozen=True)
class Choice:
    """One row: the person, the taste (genres,), the cosine of the set, and what is worn in each slot."""

    user: str
    taste: NDArray[np.float64]
    score: float
    worn: dict[str, Worn]


def choice_of(user: str, taste: NDArray[np.float64], sets: BestSets, wardrobe: Wardrobe) -> Choice:
    """The choice of one person, from sets of this person alone."""
    worn = {}
    for i, slot in enumerate(SLOTS):
        item = wardrobe.slots[slot][sets.indices[0, i]]
        worn[slot] = Worn(item.name, float(sets.slot_scores[0, i]), int(sets.ranks[0, i]), item.vector)
    return Choice(user, taste, float(sets.scores[0]), worn)


# ---- writing ----


class CsvWriter:
    """Writes CSV. `encode` may run in several threads; `write` appends its results in order."""

    def __init__(self, part: Path, wardrobe: Wardrobe) -> None:
        import pyarrow as pa

        # There are few accessories: format each one once.
        self._blocks = [
            pa.array([",".join([_cell(a.name), *(f"{x:g}" for x in a.vector)]) for a in wardrobe.slots[slot]])
            for slot in SLOTS
        ]
        self._file = open(part, "wb")  # noqa: SIM115 (closed by close())
        self.write((",".join(columns()) + "\n").encode())

    def encode(self, ids: "pa.Array", vectors: NDArray[np.float32], sets: BestSets) -> memoryview:
        """The CSV lines of a batch: ids (n,) strings, vectors (n, genres)."""
        import pyarrow as pa
        import pyarrow.compute as pc

        cells = [csv_cells(ids), *(_decimal_texts(vectors[:, genre]) for genre in range(len(GENRES)))]
        cells.append(_decimal_texts(sets.scores))
        for slot, block in enumerate(self._blocks):
            cells.append(_decimal_texts(sets.slot_scores[:, slot]))
            cells.append(pc.cast(pa.array(sets.ranks[:, slot]), pa.string()))
            cells.append(pc.take(block, pa.array(sets.indices[:, slot])))
        cells[-1] = pc.binary_join_element_wise(cells[-1], "", "\n")
        lines = pc.binary_join_element_wise(*cells, ",")
        ends = np.frombuffer(lines.buffers()[1], np.int32)
        return memoryview(lines.buffers()[2])[: ends[len(lines)]]

    def write(self, lines: bytes | memoryview) -> None:
        """Append encoded lines."""
        self._file.write(lines)

    def append(self, table: Path) -> None:
        """Append the rows of a table that such a writer wrote."""
        with open(table, "rb") as file:
            file.readline()
            shutil.copyfileobj(file, self._file)

    def close(self) -> None:
        """Flush and close the file."""
        self._file.close()


class ParquetWriter:
    """Writes Parquet row groups, numbers as float32 and int32; used like CsvWriter."""

    def __init__(self, part: Path, wardrobe: Wardrobe) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        self._wardrobe = wardrobe
        names = [pa.field(name, pa.float32()) for name in columns()]
        for index, field in enumerate(names):
            if field.name == "user" or field.name in map(str.lower, SLOTS):
                names[index] = field.with_type(pa.string())
            elif field.name.endswith("_rank"):
                names[index] = field.with_type(pa.int32())
        self._schema = pa.schema(names)
        self._vectors = [np.stack([a.vector for a in wardrobe.slots[slot]]).astype(np.float32) for slot in SLOTS]
        self._sink = pa.OSFile(os.fsencode(part), "wb")
        self._file = parquet.ParquetWriter(self._sink, self._schema)
        self._waiting = self._schema.empty_table()

    def encode(self, ids: "pa.Array", vectors: NDArray[np.float32], sets: BestSets) -> "pa.Table":
        """The Arrow table of a batch: ids (n,) strings, vectors (n, genres)."""
        import pyarrow as pa

        arrays: list[Any] = [ids, *np.ascontiguousarray(vectors.T), sets.scores]
        for slot, chosen in enumerate(sets.indices.T):
            names = pa.array([accessory.name for accessory in self._wardrobe.slots[SLOTS[slot]]])
            arrays += [np.ascontiguousarray(sets.slot_scores[:, slot]), np.ascontiguousarray(sets.ranks[:, slot])]
            arrays += [names.take(pa.array(chosen)), *np.ascontiguousarray(self._vectors[slot][chosen].T)]
        return pa.table(arrays, schema=self._schema)

    def write(self, table: "pa.Table") -> None:
        """Append an encoded table."""
        import pyarrow as pa

        table = pa.concat_tables([self._waiting, table])
        while len(table) >= GROUP_ROWS:
            self._file.write_table(table.slice(0, GROUP_ROWS))
            table = table.slice(GROUP_ROWS)
        self._waiting = table

    def append(self, table: Path) -> None:
        """Append the rows of a table that such a writer wrote."""
        import pyarrow as pa
        from pyarrow import parquet

        for batch in parquet.ParquetFile(arrow_file(table)).iter_batches(GROUP_ROWS):
            self.write(pa.Table.from_batches([batch]))

    def close(self) -> None:
        """Flush and close the file."""
        if len(self._waiting):
            self._file.write_table(self._waiting)
        self._file.close()
        self._sink.close()


@contextmanager
def open_choices(path: Path, wardrobe: Wardrobe) -> Iterator[CsvWriter | ParquetWriter]:
    """A writer for `path`, by its suffix; the file appears, whole, when the block ends well.

    Raises:
        UserError: another suffix, a folder that cannot be written, a full disk.
    """
    if path.suffix.lower() not in TABLE_SUFFIXES:
        raise UserError(f"{path}: needs the suffix {' or '.join(TABLE_SUFFIXES)}")
    with atomic_path(path) as part:
        kind = CsvWriter if path.suffix.lower() == ".csv" else ParquetWriter
        with closing(kind(part, wardrobe)) as writer:
            yield writer


def _decimal_texts(values: NDArray[np.float32]) -> "pa.Array":
    """Numbers from 0 to 1 as text with at most 6 decimals, the precision of float32."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.cast(pa.array(np.round(values.astype(np.float64), 6)), pa.string())


def csv_cells(names: "pa.Array") -> "pa.Array":
    """Names as CSV cells."""
    import pyarrow as pa
    import pyarrow.compute as pc

    special = pc.match_substring_regex(names, f'^[{re.escape(FORMULA_STARTS)}]|[",\r\n]')
    if not pc.any(special).as_py():
        return names
    return pa.array([_cell(name) for name in names.to_pylist()], pa.string())


def _cell(name: str) -> str:
    """A name as a CSV cell: no formula, quoted where needed."""
    inert = "'" + name if name.startswith(tuple(FORMULA_STARTS)) else name
    return '"' + inert.replace('"', '""') + '"' if any(c in inert for c in '",\r\n') else inert


def _name(cell: str) -> str:
    """The name that `_cell` wrote."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in tuple(FORMULA_STARTS) else cell


# ---- reading ----


def read_choices(path: Path) -> Iterator[tuple[str, Choice]]:
    """("line 2" or "row 1", choice) for every row of a table that step 1 wrote.

    Raises:
        UserError: no such table, columns missing, or the first cell that is not what it should be.
    """
    check_table_path(path)
    rows = _parquet_rows(path) if path.suffix.lower() == ".parquet" else _csv_rows(path)
    for place, row in rows:
        try:
            yield place, _to_choice(row)
        except (ValueError, TypeError) as error:
            raise UserError(f"{path}: {place}: {error}") from error


def read_worn(path: Path) -> Iterator["pa.RecordBatch"]:
    """The columns `user`, `head`, `torso` and `face` alone, as texts: much faster than `read_choices`.

    Raises:
        UserError: as `read_choices`, but for numbers, which are not looked at.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    check_table_path(path)
    try:
        for batch in _parquet_names(path) if path.suffix.lower() == ".parquet" else _csv_names(path):
            if pc.any(pc.equal(pc.utf8_trim_whitespace(pc.fill_null(batch.column("user"), "")), "")).as_py():
                raise pa.ArrowInvalid("no name or id")
            yield batch
    except (pa.ArrowInvalid, pa.ArrowKeyError, OSError, UnicodeDecodeError) as error:
        for _ in read_choices(path):  # says what is wrong, and where
            pass
        raise UserError(f"{path}: cannot be read ({error})") from error


def _to_choice(row: dict[str, Any]) -> Choice:
    user = str(row["user"] or "")
    if not user.strip():
        raise ValueError("column 'user': no name or id")
    worn = {}
    for slot in SLOTS:
        key = slot.lower()
        worn[slot] = Worn(str(row[key]), _number(row, f"{key}_score"), _rank(row, f"{key}_rank"), _vector(row, key))
    return Choice(user, _vector(row, "user"), _number(row, "score"), worn)


def _vector(row: dict[str, Any], prefix: str) -> NDArray[np.float64]:
    return np.array([_number(row, f"{prefix}_{genre}") for genre in GENRES])


def _number(row: dict[str, Any], column: str) -> float:
    try:
        number = float(row[column])
    except (TypeError, ValueError):
        number = np.nan
    if not 0 <= number <= 1 + 1e-5:  # float32 may exceed 1 slightly
        raise ValueError(f"column {column!r}: {row[column]!r} is not a number from 0 to 1")
    return number


def _rank(row: dict[str, Any], column: str) -> int:
    try:
        return int(row[column])
    except (TypeError, ValueError) as error:
        raise ValueError(f"column {column!r}: {row[column]!r} is not a whole number") from error


def _check_columns(path: Path, names: Sequence[str]) -> None:
    missing = [name for name in columns() if name not in names]
    if missing:
        raise UserError(f"{path}: has no column {missing[0]!r}; it must be a table that 1_TopN.py wrote")


def _csv_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    dialect = find_dialect(path)
    _check_columns(path, dialect.names)
    for line, cells in dialect.rows(path):
        if len(cells) != len(dialect.names):
            raise UserError(f"{path}: line {line}: {len(cells)} cells, the header has {len(dialect.names)}")
        row = dict(zip(dialect.names, cells, strict=True))
        yield f"line {line}", row | {name: _name(row[name]) for name in ("user", *map(str.lower, SLOTS))}


def _csv_names(path: Path) -> Iterator["pa.RecordBatch"]:
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import csv as arrow_csv

    dialect = find_dialect(path)
    _check_columns(path, dialect.names)
    encoding = dialect.encoding.removesuffix("-sig")
    try:
        batches = arrow_csv.open_csv(
            arrow_file(path),
            arrow_csv.ReadOptions(encoding=encoding, column_names=dialect.names, skip_rows=dialect.header_lines),
            arrow_csv.ParseOptions(delimiter=dialect.delimiter, newlines_in_values=True),
            arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(NAME_COLUMNS, pa.string()),
                include_columns=NAME_COLUMNS,
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):
            return
        raise
    for batch in batches:
        inert = f"^'([{re.escape(FORMULA_STARTS)}])"
        columns_ = [pc.replace_substring_regex(column, inert, r"\1") for column in batch.columns]
        yield pa.record_batch(columns_, names=NAME_COLUMNS)


def _parquet_names(path: Path) -> Iterator["pa.RecordBatch"]:
    import pyarrow as pa
    from pyarrow import parquet

    file = parquet.ParquetFile(arrow_file(path))
    _check_columns(path, file.schema_arrow.names)
    for batch in file.iter_batches(columns=NAME_COLUMNS):
        yield pa.record_batch([batch.column(name).cast(pa.string()) for name in NAME_COLUMNS], names=NAME_COLUMNS)


def _parquet_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    import pyarrow as pa
    from pyarrow import parquet

    number = 0
    try:
        file = parquet.ParquetFile(arrow_file(path))
        _check_columns(path, file.schema_arrow.names)
        for batch in file.iter_batches(1 << 12, columns=columns()):
            for row in batch.to_pylist():
                number += 1
                yield f"row {number}", row
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f"{path}: is not a Parquet file that can be read ({error})") from error
