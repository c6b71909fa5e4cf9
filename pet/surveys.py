"""Tables of tastes as people bring them: any column names, any usual scale, CSV of any dialect or Parquet.

`open_survey` checks a whole file before any work and then gives it out batch by batch, as vectors in the internal
order of genres; memory does not grow with the number of rows.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from common.errors import UserError, raise_faults
from common.genres import GENRES, genres_of, plain
from pet.tables import BLOCK_BYTES, Dialect, check_table_path, find_dialect

if TYPE_CHECKING:
    import pyarrow as pa

SCALES = ("0-1", "0-3", "0-5", "1-5", "1-7", "0-10", "0-100")
MISSING = ("", "NA", "N/A", "n/a", "#N/A", "N.A.", "NS/NC", "null", "NULL", "None", "-")  # no answer; it counts as 0
ID_NAMES = frozenset(
    re.split(
        r",\s+",
        """user, users, user id, userid, user name, username, id, uid, name, nick, nickname, person, person id, subject,
        subject id, respondent, respondent id, response id, participant, participant id, usuari, usuaria, usuaris,
        id usuari, nom, usuario, usuarios, id usuario, nombre, persona, participante""",
    )
)
BATCH_ROWS = 1 << 16


# ---- columns -> genres ----


@dataclass(frozen=True)
class Alignment:
    """Which columns of a table feed which genre.

    Attributes:
        sources: genre -> its columns, in the order of GENRES; genres without a column are absent.
        id_column: the column that names the person, or None.
        unused: all other columns.
    """

    sources: dict[str, tuple[str, ...]]
    id_column: str | None
    unused: tuple[str, ...]

    @property
    def columns(self) -> list[str]:
        """All columns that feed a genre, once each."""
        return list(dict.fromkeys(itertools.chain.from_iterable(self.sources.values())))

    def describe(self) -> str:
        """What was understood and what was not, for a person to check."""
        same = [genre for genre, columns in self.sources.items() if columns == (genre,)]
        lines = [f"  by their own names: {', '.join(same)}"] if same else []
        lines += [f"  {g:<11} <- {' + '.join(names)}" for g, names in self.sources.items() if g not in same]
        absent = [genre for genre in GENRES if genre not in self.sources]
        lines.append(f"  person      <- {self.id_column or 'row number'}")
        if absent:
            lines.append(f"  not asked, counted as 0: {', '.join(absent)}")
        if self.unused:
            lines.append(f"  not used: {', '.join(self.unused)}")
        return "\n".join(lines)


def align_columns(names: Sequence[str], own: str = "") -> Alignment:
    """Find the genre of every column by `common.genres.genres_of`; nothing is guessed.

    Args:
        names: the table's columns.
        own: what the user says about columns, "Video game music=electronic, Country=": a genre word, or nothing
            for a column to leave out; parted by semicolons where a name has a comma. It goes before the vocabulary.

    Raises:
        UserError: a column stands twice, `own` names a column or a genre that is not there, or no column is a genre.
    """
    said = _parse_own(own, names)
    found: dict[str, tuple[str, ...]] = {}
    id_column = None
    for name in names:
        if id_column is None and name not in said and plain(name) in ID_NAMES:
            id_column = name
        else:
            found[name] = said[name] if name in said else genres_of(name)
    used = [name for name in names if name == id_column or found.get(name)]
    raise_faults("", [f"column {name!r} stands twice" for name in sorted({n for n in used if used.count(n) > 1})])
    sources = {g: tuple(name for name, genres in found.items() if g in genres) for g in GENRES}
    sources = {genre: columns for genre, columns in sources.items() if columns}
    if not sources:
        raise UserError(
            f"no column is a genre that is known (columns: {', '.join(map(repr, names[:12]))}); "
            f"the genres are {', '.join(GENRES)}; name others by --columns 'COLUMN=genre'"
        )
    return Alignment(sources, id_column, tuple(name for name, genres in found.items() if not genres))


def _parse_own(own: str, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    said: dict[str, tuple[str, ...]] = {}
    faults = []
    for part in filter(str.strip, own.split(";" if ";" in own else ",")):
        name, equals, word = (text.strip() for text in part.partition("="))
        said[name] = genres_of(word) if word else ()
        if not equals or name not in names:
            faults.append(f"{part.strip()!r} does not name a column of the table; write COLUMN=genre")
        elif word and not said[name]:
            faults.append(f"{word!r} is not a genre; the genres are {', '.join(GENRES)}")
    raise_faults("setting COLUMNS", faults)
    return said


# ---- scores -> 0 to 1 ----


@dataclass(frozen=True)
class Scale:
    """The lowest and the highest answer that a table allows; they become 0 and 1."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:.10g}-{self.high:.10g}"


def parse_scale(text: str) -> Scale:
    """Read "1-5" as a Scale.

    Raises:
        UserError: not LOW-HIGH with 0 <= LOW < HIGH.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*-\s*(\d+(?:\.\d+)?)\s*", text, re.ASCII)
    scale = Scale(float(match[1]), float(match[2])) if match else Scale(1, 0)
    if not scale.low < scale.high < np.inf:
        raise UserError(f"scale {text!r} is not LOW-HIGH, such as {', '.join(SCALES)}")
    return scale


def detect_scale(low: float, high: float, whole: bool) -> Scale:
    """The usual scale that answers from `low` to `high` were given on.

    Whole answers that reach exactly from 1 to 7 are a 1-7 scale; answers from 1 up that end by 5 a 1-5 scale
    (also 1 to 3: a sample in which nobody answered more). Everything else starts at 0 and ends at the next of
    1, 3, 5, 10, 100, where 3 holds for whole answers only.

    Raises:
        UserError: above 100; the user must name the scale.
    """
    if high > 100:
        raise UserError(
            f"the largest score, {high:.10g}, fits no usual scale; name it, such as --scale 0-{np.ceil(high):.0f}"
        )
    if high <= 1:
        return Scale(0, 1)
    if low >= 1 and high <= 5:
        return Scale(1, 5)
    if (low, high) == (1, 7) and whole:
        return Scale(1, 7)
    return Scale(0, next(top for top in (3, 5, 10, 100) if high <= top and (whole or top != 3)))


# ---- a file of tastes ----


@dataclass
class Survey:
    """A checked file of tastes; `sure` tells whether the scale was named, or reached by the lowest answers."""

    path: Path
    alignment: Alignment
    scale: Scale
    sure: bool
    rows: int
    reader: "CsvReader | ParquetReader"

    def batches(self) -> Iterator[tuple["pa.Array", NDArray[np.float32]]]:
        """Ids (n,) as strings and vectors (n, genres) float32 in [0, 1], in the order of the file."""
        import pyarrow as pa

        first = 1
        for batch in self.reader.batches():
            if self.alignment.id_column is None:
                ids = pa.array([str(number) for number in range(first, first + len(batch))], pa.string())
            else:
                ids = batch.column(self.alignment.id_column)
            first += len(batch)
            columns = {name: _numbers(batch.column(name)) for name in self.alignment.columns}
            yield ids, to_vectors(columns, self.alignment, self.scale)

    def describe(self) -> str:
        """What was understood of the file, for a person to check."""
        doubt = "" if self.sure else f" (taken for it; if the lowest answer is not {self.scale.low:g}, say --scale 1-7)"
        return f"{self.path.name}: {self.rows:,} people, scale {self.scale}{doubt}\n{self.alignment.describe()}"


def open_survey(path: Path, columns: str = "", scale: str = "auto") -> Survey:
    """Check a whole .csv or .parquet file of tastes.

    Args:
        path: separator (comma, semicolon, tab), decimal comma, byte order mark and encoding (UTF-8, UTF-16, else
            Windows-1252) are found by themselves.
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
        return Survey(path, alignment, found, sure, answers.rows, reader)
    except UserError as error:
        text = str(error)
        raise UserError(text if text.startswith(f"{path}:") else f"{path}: {text}") from error


def to_vectors(columns: dict[str, NDArray[Any]], alignment: Alignment, scale: Scale) -> NDArray[np.float32]:
    """Scores by column, (n,) each with NaN for no answer -> vectors (n, genres) float32 in [0, 1].

    Of several columns of one genre the highest answer counts; a genre without an answer is 0.
    """
    count = len(next(iter(columns.values())))
    vectors = np.zeros((count, len(GENRES)), np.float32)
    for index, genre in enumerate(GENRES):
        for name in alignment.sources.get(genre, ()):
            shares = (columns[name].astype(np.float64) - scale.low) / (scale.high - scale.low)
            np.fmax(vectors[:, index], shares, out=vectors[:, index], casting="same_kind")
    return vectors


def _numbers(column: "pa.Array") -> NDArray[np.float64]:
    import pyarrow as pa

    numbers: NDArray[np.float64] = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return numbers


# ---- checking ----


@dataclass
class Answers:
    """What all scores of a file have in common; grows batch by batch."""

    rows: int = 0
    low: float = np.inf
    high: float = -np.inf
    whole: bool = True

    def add(self, batch: "pa.RecordBatch", alignment: Alignment) -> bool:
        """Take a batch in; False where a score is negative or not finite (no answer is fine)."""
        self.rows += len(batch)
        for name in alignment.columns:
            column = batch.column(name)
            numbers = _numbers(column)
            if np.isnan(numbers).sum() != column.null_count or np.isinf(numbers).any():
                return False
            self.include(numbers[~np.isnan(numbers)] if column.null_count else numbers)
        return self.low >= 0

    def include(self, numbers: NDArray[np.float64]) -> None:
        """Take finite scores in."""
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
    """Tells whether an id came before, in 8 bytes an id."""

    def __init__(self) -> None:
        self._hashes: list[NDArray[np.int64]] = []

    def add(self, ids: "pa.Array") -> bool:
        """Take ids in; False where one is missing or blank."""
        texts = ids.to_pylist()
        if not all(text and text.strip() for text in texts):
            return False
        self._hashes.append(np.fromiter(map(hash, texts), np.int64, len(texts)))
        return True

    def repeated(self) -> set[int]:
        """Hashes that came more than once."""
        if not self._hashes:
            return set()
        hashes = np.concatenate(self._hashes)
        hashes.sort()
        return set(hashes[1:][hashes[1:] == hashes[:-1]].tolist())


class CsvReader:
    """A CSV file, whatever its dialect, read by pyarrow in blocks."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.dialect = find_dialect(path)
        self.names = self.dialect.names
        self.decimal = "."
        self.newlines_in_cells = False
        self._alignment: Alignment | None = None

    def check(self, alignment: Alignment) -> Answers:
        """Read all once, by the first dialect that fits; where none does, say what is wrong line by line."""
        import pyarrow as pa

        self._alignment = alignment
        decimals = [".", ","] if self.dialect.delimiter != "," else ["."]
        for self.newlines_in_cells, self.decimal in itertools.product([False, True], decimals):
            try:
                answers, ids = Answers(), SeenIds()
                for batch in self.batches():
                    fine = answers.add(batch, alignment)
                    if alignment.id_column is not None:
                        fine = ids.add(batch.column(alignment.id_column)) and fine
                    if not fine:
                        break
                else:
                    repeated = ids.repeated()
                    if not repeated:
                        return answers
                    self._explain(repeated)
                    return answers  # two ids of one hash, but not the same
                break
            except (pa.ArrowInvalid, UnicodeDecodeError):
                continue
        self._explain(set())
        raise UserError("cannot be read as a table")

    def batches(self) -> Iterator["pa.RecordBatch"]:
        """Batches of the id column (string) and the genre columns (float64, null for no answer)."""
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        assert self._alignment is not None
        wanted = {name: pa.float64() for name in self._alignment.columns}
        if self._alignment.id_column is not None:
            wanted[self._alignment.id_column] = pa.string()
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

    def _explain(self, repeated: set[int]) -> None:
        """Walk through the file slowly and raise all its faults with line numbers."""
        assert self._alignment is not None
        faults: list[str] = []
        first_line: dict[str, int] = {}
        marks: dict[str, int] = {}
        line = 0
        for line, cells in self.dialect.rows(self.path):
            faults += self._faults_of(line, cells, repeated, first_line)
            for name, cell in zip(self.names, cells, strict=False):
                if name in self._alignment.columns:
                    marks |= {mark: line for mark in ".," if mark in cell and mark not in marks}
        raise_faults("", faults if line else ["has a header but no rows"])
        if len(marks) == 2 and not repeated:
            raise UserError(f"decimal points (line {marks['.']}) and decimal commas (line {marks[',']}) are mixed")

    def _faults_of(self, line: int, cells: list[str], repeated: set[int], first_line: dict[str, int]) -> list[str]:
        assert self._alignment is not None
        if len(cells) != len(self.names):
            return [f"line {line}: {len(cells)} cells, the header has {len(self.names)}"]
        row = dict(zip(self.names, cells, strict=True))
        faults = []
        if self._alignment.id_column is not None:
            user = row[self._alignment.id_column]
            if not user.strip():
                faults.append(f"line {line}, column {self._alignment.id_column!r}: no name or id")
            elif not repeated or hash(user) in repeated:
                if user in first_line:
                    faults.append(f"line {line}: user {user!r} is already on line {first_line[user]}")
                first_line.setdefault(user, line)
        for name in self._alignment.columns:
            fault = _fault_of_score(row[name], self.dialect)
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
        self._alignment: Alignment | None = None

    def check(self, alignment: Alignment) -> Answers:
        """Read all once; the first batch with faults is explained row by row."""
        import pyarrow as pa

        self._alignment = alignment
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
        for batch in self.batches():
            first = answers.rows + 1
            fine = answers.add(batch, alignment)
            if alignment.id_column is not None:
                fine = ids.add(batch.column(alignment.id_column)) and fine
            if not fine:
                self._explain(batch, first)
        repeated = ids.repeated()
        if repeated:
            self._explain_repeated(repeated)
        return answers

    def batches(self) -> Iterator["pa.RecordBatch"]:
        """Batches of the id column (string) and the genre columns (numbers, null for no answer)."""
        import pyarrow as pa

        assert self._alignment is not None
        id_column = self._alignment.id_column
        wanted = [*self._alignment.columns, *([id_column] if id_column is not None else [])]
        try:
            for batch in self._file.iter_batches(BATCH_ROWS, columns=wanted):
                if id_column is not None:
                    place = batch.schema.get_field_index(id_column)
                    batch = batch.set_column(place, id_column, batch.column(id_column).cast(pa.string()))  # noqa: PLW2901
                yield batch
        except (pa.ArrowInvalid, OSError) as error:
            raise UserError(f"damaged ({error})") from error

    def _explain(self, batch: "pa.RecordBatch", first_row: int) -> None:
        assert self._alignment is not None
        faults = []
        for offset, row in enumerate(batch.to_pylist()):
            if self._alignment.id_column is not None and not (row[self._alignment.id_column] or "").strip():
                faults.append(f"row {first_row + offset}, column {self._alignment.id_column!r}: no name or id")
            for name in self._alignment.columns:
                value = row[name]
                if value is not None and not (np.isfinite(float(value)) and value >= 0):
                    faults.append(
                        f"row {first_row + offset}, column {name!r}: {value} is not a finite number from 0 up"
                    )
        raise_faults("", faults)

    def _explain_repeated(self, repeated: set[int]) -> None:
        assert self._alignment is not None and self._alignment.id_column is not None
        first_row: dict[str, int] = {}
        faults = []
        row = 0
        for batch in self.batches():
            for user in batch.column(self._alignment.id_column).to_pylist():
                row += 1
                if hash(user) in repeated and user in first_row:
                    faults.append(f"row {row}: user {user!r} is already in row {first_row[user]}")
                elif hash(user) in repeated:
                    first_row[user] = row
        raise_faults("", faults)
