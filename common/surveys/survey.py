"""Tables of tastes: any column names, any usual scale, CSV of any dialect, Parquet, Excel or JSON.

`open_survey` checks a whole file before any work; `Survey.batches` then yields vectors in the internal order of
genres. Memory does not grow with the number of rows. A table of numbers is read in place by pyarrow; any other is
written once more, plainly, into a temporary folder.
"""

import itertools
import math
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from common.errors import UserError, raise_faults
from common.genres import GENRES, genres_of, plain
from common.surveys.alignment import ANONYMOUS, Alignment, align_columns, to_vectors
from common.surveys.answers import number_of, says_one_is_best, scale_in_name
from common.surveys.asking import setting
from common.surveys.dialects import check_table_path
from common.surveys.readers import Answers, CsvReader, ParquetReader, Part, is_summary, numbers_of
from common.surveys.rewriting import Rewritten, leading_cells, rewrite, write_plain
from common.surveys.scales import (
    NEGATIVE,
    Reading,
    Scale,
    ask_about_grades,
    ask_about_ranks,
    ask_two_readings,
    detect_scale,
    is_german,
    questions_apart,
    read_counts,
    split_scales,
)
from common.surveys.shapes import SAMPLE_ROWS, Rows, find_layout, is_twin, spread_lists, untwinned, unwrapped
from common.surveys.workbooks import write_records, write_workbook

if TYPE_CHECKING:
    import pyarrow as pa

SURVEY_SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".json", ".parquet")
PLACES_SHOWN = 5
UNKNOWN_SHOWN = 20
ROUNDED = 0.06  # a mean, written with one decimal place, is off by less
LOG_RANKS = math.log(0.02)  # less likely is no chance
RANK_WORDS = frozenset(
    """rank ranks ranking ranked rang rangfolge platz platzierung classement ranquing puesto posicion posicio posizione
    posto posicao lugar rangorde rangschik plaats""".split()
)


@dataclass(kw_only=True)
class Survey:
    """A checked file of tastes.

    Attributes:
        path: the file as the user named it.
        alignment: its columns.
        scale: scale of its numbers; `scales` has that of each question.
        sure: whether the scale was given, or follows from the answers.
        missing: numbers that count as no answer, question by question.
        rows: number of people.
        counts: how often each answer was given, question by question.
        notes: what else was understood, a line each.
        reader: reads `alignment` of the file, or of its plain copy.
        folder: temporary folder of the plain copy, if there is one.
        empty: the first people without any liking, filled by `batches`.
    """

    path: Path
    alignment: Alignment
    scale: Scale
    scales: dict[str, Scale]
    sure: bool
    missing: Mapping[str, set[float]]
    rows: int
    counts: Mapping[str, Counter[float]]
    notes: list[str]
    reader: CsvReader | ParquetReader
    folder: "tempfile.TemporaryDirectory[str] | None" = None
    empty: list[str] = field(default_factory=list)

    def batches(
        self, rows_before: int = 0, part: Part | None = None
    ) -> Iterator[tuple["pa.Array", NDArray[np.float32]]]:
        """Ids (n,) as strings and vectors (n, genres) float32 in [0, 1], in the order of the file, or of one part."""
        import pyarrow as pa

        self.empty.clear()
        first = rows_before + 1
        for batch in self.reader.batches(self.alignment, part):
            if self.alignment.id_column is None:
                ids = pa.array([str(number) for number in range(first, first + len(batch))], pa.string())
            else:
                ids = _without_blanks(batch.column(self.alignment.id_column), first)
            first += len(batch)
            columns = {name: numbers_of(batch.column(name)) for name in self.alignment.columns}
            for name, gone in self.missing.items():
                columns[name] = np.where(np.isin(columns[name], sorted(gone)), np.nan, columns[name])
            vectors = to_vectors(columns, self.alignment, self.scales)
            nothing = np.flatnonzero(~vectors.any(axis=1))
            if len(nothing) and len(self.empty) <= PLACES_SHOWN:
                self.empty += ids.take(pa.array(nothing[: PLACES_SHOWN + 1])).to_pylist()
            yield ids, vectors

    def describe(self) -> str:
        """A report of what was understood of the file."""
        doubt = (
            "" if self.sure else f" (assumed from these answers; set it where others may come: --scale {self.scale})"
        )
        lines = [f"{self.path.name}: {self.rows:,} people, scale {self.scale}{doubt}", *map("  {}".format, self.notes)]
        own = [f"{name} {scale}" for name, scale in self.scales.items() if scale != self.scale]
        lines += [f"  with a scale of their own: {', '.join(own)}"] if own else []
        return "\n".join([*lines, self.alignment.describe()])

    def describe_empty(self) -> str:
        """Who likes nothing, by name, after `batches` has run; empty where there is nobody."""
        if not self.empty:
            return ""
        names = ", ".join(self.empty[:PLACES_SHOWN]) + (", ..." if len(self.empty) > PLACES_SHOWN else "")
        return f"no liking at all in the answers of: {names}"


def _without_blanks(ids: "pa.Array", first: int) -> "pa.Array":
    """Names as written; who has none is called by the row."""
    import pyarrow as pa
    import pyarrow.compute as pc

    ids = ids.fill_null("")
    if not pc.any(pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(ids)), 0), min_count=0).as_py():
        return ids
    return pa.array(
        [name if name.strip() else f"row {row}" for row, name in enumerate(ids.to_pylist(), first)], pa.string()
    )


def open_survey(
    path: Path,
    columns: str = "",
    scale: str = "auto",
    *,
    missing: str = "auto",
    name_column: str = "",
    answers: str = "",
    sheet: str = "",
    folder: Path | None = None,
) -> Survey:
    """Check a whole file of tastes.

    Args:
        path: .csv, .tsv, .txt, .parquet, .xlsx or .json. Separator, decimal comma, byte order mark, encoding (UTF-8,
            UTF-16, else Windows-1252) and the lines above the header are detected.
        columns: see `align_columns`.
        scale: "auto", "LOW-HIGH", or "HIGH-LOW" where small numbers are the best; "COLUMN=LOW-HIGH" for some questions.
        missing: numbers that count as no answer; see `read_counts`.
        name_column: see `align_columns`.
        answers: meaning of words, "lots=5, meh=2"; see `read_words`.
        sheet: sheet of a workbook; empty: the one that has genres.
        folder: where the plain copy of a table goes that needs one; None: the system's temporary folder.

    Raises:
        UserError: every fault at once, with line or row numbers, before anything else is done; or two readings are
            possible, with the setting for each.
    """
    check_table_path(path, SURVEY_SUFFIXES)
    try:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        temporary = tempfile.TemporaryDirectory(prefix=".relive_", dir=folder)
        readings = {"missing": missing, "name_column": name_column, "own": answers, "sheet": sheet}
        return _open(path, columns, scale, **readings, folder=temporary)
    except UserError as error:
        text = str(error)
        raise type(error)(text if text.startswith(f"{path}:") else f"{path}: {text}") from error


def write_tastes(survey: Survey, path: Path) -> None:
    """Write names and tastes (0 to 1 for every genre) as .parquet, which is read without any setting."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([("name", pa.string()), *((genre, pa.float32()) for genre in GENRES)])
    with pa.OSFile(os.fsencode(path), "wb") as file, pq.ParquetWriter(file, schema) as writer:
        for ids, vectors in survey.batches():
            writer.write_table(pa.table([ids, *map(pa.array, np.ascontiguousarray(vectors.T))], schema=schema))


def _open(
    path: Path,
    columns: str,
    scale: str,
    *,
    missing: str,
    name_column: str,
    own: str,
    sheet: str,
    folder: "tempfile.TemporaryDirectory[str]",
) -> Survey:
    reader = _reader(path, Path(folder.name), sheet)
    rows: Rows = reader.rows
    names, notes = reader.names, list[str]()
    sample = [cells for _, cells in itertools.islice(reader.rows(), SAMPLE_ROWS)]
    spread = spread_lists(names, sample, rows, name_column=name_column, scale=scale)
    if spread is not None:
        names, rows, notes = spread.names, spread.rows, [spread.said]
        if spread.plain:
            gathered = Path(folder.name) / "gathered.csv"
            notes += [*write_plain(rows, names, gathered), *_unknown_words(spread.unknown)]
            reader, spread = CsvReader(gathered), None
            names, rows = reader.names, reader.rows
        sample = [cells for _, cells in itertools.islice(rows(), SAMPLE_ROWS)]
    notes += _equal_twins(names, columns, rows)
    alignment = align_columns(names, columns, name_column, _nameless(names, sample))
    found = reader.check(alignment) if spread is None and len(alignment.id_columns) < 2 else None
    below = _summary_below(reader.last_row(), names, alignment, found) if found else ""
    notes += [f"the last row has no name and the {below} of the rows above, left out"] if below else []
    rows = _without_last(rows) if below else rows
    done = Rewritten()
    if found is None or found.summaries or found.blanks or below:
        target = Path(folder.name) / "plain.csv"
        done = rewrite(rows, names, alignment, target, own=own, scale=scale)
        reader = CsvReader(target)
        alignment = Alignment(alignment.sources, alignment.id_columns[:1], alignment.unused)
        found = reader.check(alignment)
        notes += _unknown_words(spread.unknown if spread else {})
    if found is None or not found.rows:
        raise UserError("has a header but no rows" if found else "cannot be read as a table")
    readings = _read_scales(found, done, scale, missing)
    notes += _check_codes(readings, names, rows)
    _ask_about_thousands(found, scale)
    of_numbers = {name: reading for reading, names_ in readings for name in names_}
    found_scales = done.scales | {name: reading.scale for name, reading in of_numbers.items()}
    common = next(iter([*(reading.scale for reading, _ in readings), *found_scales.values(), Scale(0, 1)]))
    scales = {name: found_scales.get(name, common) for name in alignment.columns}
    return Survey(
        path=path,
        alignment=alignment,
        scale=common,
        scales=scales,
        sure=all(reading.sure for reading, _ in readings),
        missing={name: reading.missing for name, reading in of_numbers.items() if reading.missing},
        rows=found.rows,
        counts=found.counts,
        notes=notes + done.notes,
        reader=reader,
        folder=folder,
    )


def _check_codes(readings: Sequence[tuple[Reading, list[str]]], names: list[str], rows: Rows) -> list[str]:
    """Note the codes for no answer, with their places.

    Raises:
        UserError: lists all outliers.
    """
    faults, notes = list[str](), list[str]()
    for reading, columns in readings:
        strange = reading.missing | reading.outliers
        places = find_places(rows(), names, columns, strange) if strange else {}
        faults += [_fault(*hit, reading) for v in sorted(reading.outliers) for hit in places.get(v, [])]
        for value in sorted(reading.missing & {v for v, hits in places.items() if hits}):
            lines = ", ".join(place for place, *_ in places[value])
            notes.append(f"{value:g} counts as no answer ({lines}); if it is an answer, say --missing none")
    raise_faults("", faults)
    return notes


def _equal_twins(names: Sequence[str], columns: str, rows: Rows) -> list[str]:
    """Note the columns of a genre that have the header, and all the answers, of one before them.

    Raises:
        UserError: the answers differ, and `columns` does not say what the column is.
    """
    twins = [name for name in names if is_twin(name) and genres_of(untwinned(name)) and f"{name}=" not in columns]
    twins = [name for name in twins if untwinned(name) in names]  # the one before may have been a list of genres
    if not twins:
        return []
    places = {name: (names.index(untwinned(name)), names.index(name)) for name in twins}
    for _, cells in rows():
        for name in [n for n, (a, b) in places.items() if cells[a : a + 1] != cells[b : b + 1]]:
            raise UserError(
                f"column {untwinned(name)!r} appears twice, with other answers: say {setting('columns', f'{name}=')} "
                f"(left out) or {setting('columns', f'{name}={genres_of(untwinned(name))[0]}')} (the highest of both)"
            )
    return [f"{name!r} has the answers of the column before it of that name, used once" for name in twins]


def _nameless(names: Sequence[str], sample: Sequence[Sequence[str]]) -> list[str]:
    """Columns without a name in them: blank, or "anonymous" in every row."""
    found = []
    for place, name in enumerate(names):
        cells = [row[place] for row in sample if place < len(row)]
        if len(cells) > 1 and all(not cell.strip() or plain(cell) in ANONYMOUS for cell in cells):
            found.append(name)
    return found


def _summary_below(row: Sequence[str], names: Sequence[str], alignment: Alignment, found: Answers) -> str:
    """What a last row without a name holds: "sums" or "means" of the rows above; else "".

    Where it has a name for totals, this is noted in `found`.
    """
    lead = leading_cells(row, names, alignment) if row else []
    found.summaries = found.summaries or any(map(is_summary, lead))
    if not row or any(cell.strip() for cell in lead) or found.rounded or found.rows < 3:
        return ""
    columns = {name: number_of(row[list(names).index(name)]) for name in alignment.columns}
    answered = {name: value for name, value in columns.items() if value is not None and found.counts[name].total() > 2}
    if len(answered) < max(2, len(columns)):
        return ""
    above = {name: sum(v * n for v, n in found.counts[name].items()) - value for name, value in answered.items()}
    if all(math.isclose(answered[name], above[name]) for name in above) and any(above.values()):
        return "sums"
    broken = any(not value.is_integer() for value in answered.values()) or bool(alignment.id_columns)
    means = {name: total / (found.counts[name].total() - 1) for name, total in above.items()}
    return "means" if broken and all(abs(answered[name] - means[name]) < ROUNDED for name in means) else ""


def _without_last(rows: Rows) -> Rows:
    """The same rows but the last that is not blank."""

    def all_but_one() -> Iterator[tuple[str, list[str]]]:
        held = None
        for place, cells in rows():
            if any(map(str.strip, cells)):
                if held is not None:
                    yield held
                held = place, cells

    return all_but_one


def _unknown_words(unknown: Mapping[str, int]) -> list[str]:
    """A line on the words of lists that are no known genres, the most frequent ones first."""
    if not unknown:
        return []
    most = sorted(unknown, key=lambda word: -unknown[word])
    shown = ", ".join(f"{word} ({unknown[word]})" for word in most[:UNKNOWN_SHOWN])
    return [f"not known as genres, {len(most):,} of the lists' words: {shown}{', ...' * (len(most) > UNKNOWN_SHOWN)}"]


def _reader(path: Path, folder: Path, sheet: str) -> CsvReader | ParquetReader:
    suffix = path.suffix.lower()
    if sheet and suffix != ".xlsx":
        raise UserError("setting SHEET is for workbooks alone")
    if suffix == ".parquet":
        return ParquetReader(path)
    if suffix == ".xlsx":
        path = write_workbook(path, folder, sheet)
    elif suffix == ".json":
        write_records(path, folder / "table.csv")
        path = folder / "table.csv"
    else:
        path = unwrapped(path, folder)
    return CsvReader(path, find_layout(path))


def _read_scales(found: Answers, done: Rewritten, scale: str, missing: str) -> list[tuple[Reading, list[str]]]:
    """Readings of the questions that numbers answer, each with its questions; that of most questions first."""
    counts = {name: answers for name, answers in found.counts.items() if name not in done.scales and answers}
    wanted, own = split_scales(scale, counts)
    said = {name: scale_in_name(name) for name in counts} if wanted == "auto" else {}
    own = {name: str(scale) for name, scale in said.items() if scale is not None} | own
    if scale == "auto":
        ask_about_grades(list(found.counts), found.pooled().keys())
        _ask_about_one_as_best(found)
    if scale == "auto" and 3 <= found.ranked < math.inf and found.rows > 1:
        ask_about_ranks(int(found.ranked), len(found.counts))
    _ask_about_likely_ranks(found, scale)
    rest = {name: answers for name, answers in counts.items() if name not in own}
    apart = questions_apart(rest) if wanted == "auto" else set[str]()
    groups: dict[str, list[str]] = {}
    for name, answers in counts.items():
        kind = own.get(name) or (f"up to {max(answers):g}" if name in apart else "")
        groups.setdefault(kind, []).append(name)
    readings = []
    for kind, columns in sorted(groups.items(), key=lambda group: -len(group[1])):
        pooled: Counter[float] = Counter()
        for name in columns:
            pooled.update(counts[name])
        try:
            chosen = kind if kind in own.values() else wanted
            readings.append((read_counts(pooled, chosen, missing, german=is_german(list(found.counts))), columns))
        except UserError as error:
            raise UserError(f"{', '.join(columns)}: {error}" if len(groups) > 1 else str(error)) from error
    return readings


def _ask_about_one_as_best(found: Answers) -> None:
    """Raise where a question says that 1 is the best, and not what the worst is."""
    said = [name for name in found.counts if says_one_is_best(name)]
    if said:
        worst = f"{detect_scale(1, max(found.pooled(), default=5), True).high:g}"
        ask_two_readings(f"{said[0]!r} says what 1 is", "1 = best", f"{worst}-1", f"{worst} = best", f"1-{worst}")


def _ask_about_likely_ranks(found: Answers, scale: str) -> None:
    """Raise where the questions say "rank", or nobody gives a number twice, though by chance many would."""
    highest = max((value for counts in found.counts.values() for value in counts), default=0)
    said = sum(not RANK_WORDS.isdisjoint(plain(name).split()) for name in found.counts)
    likely = found.log_chance < LOG_RANKS and found.rows > 1 and highest >= 3
    if scale == "auto" and ((said == len(found.counts) and 3 <= highest <= len(found.counts)) or likely):
        what = "the questions ask for ranks" if said else "nobody gives a number twice, as in ranks"
        raise UserError(
            f"{what}, which can be read in two ways: --scale {highest:g}-1 (1 = best) or --scale 1-{highest:g} "
            f"({highest:g} = best)"
        )


def _fault(place: str, column: str, cell: str, reading: Reading) -> str:
    if cell.strip().startswith("-"):
        return f"{place}, column {column!r}: {cell.strip()} {NEGATIVE}"
    if reading.sure:
        return f"{place}, column {column!r}: {cell.strip()} is outside the scale {reading.scale}"
    return (
        f"{place}, column {column!r}: {cell.strip()} is far from all other answers; correct it, or say --missing "
        f"{cell.strip()} (no answer), --scale 0-100, or {setting('columns', f'{column}=')} (no genre)"
    )


def find_places(
    rows: Iterator[tuple[str, list[str]]], names: list[str], columns: list[str], values: set[float]
) -> dict[float, list[tuple[str, str, str]]]:
    """Place, column and cell of the first few answers of these values."""
    found: dict[float, list[tuple[str, str, str]]] = {value: [] for value in values}
    where = [(names.index(name), name) for name in columns]
    for place, cells in rows:
        for index, name in where:
            number = number_of(cells[index]) if index < len(cells) else None
            if number in found and len(found[number]) < PLACES_SHOWN:
                found[number].append((place, name, cells[index]))
        if all(len(hits) >= PLACES_SHOWN for hits in found.values()):
            break
    return found


def _ask_about_thousands(found: Answers, scale: str) -> None:
    """Raise where "1.234" stands beside whole numbers: it may be a decimal or 1,234."""
    counts = Counter(v for name, c in found.counts.items() if name not in found.rounded for v in c)
    parts = [v for v in counts if not float(v).is_integer()]
    if scale != "auto" or not parts or len(parts) == len(counts):
        return
    fine = all(v >= 1 and abs(v * 1000 - round(v * 1000)) < 1e-6 for v in parts)
    if fine and any(abs(v * 100 - round(v * 100)) > 1e-6 for v in parts):
        raise UserError(
            f"{min(parts):.3f} beside whole numbers may be {min(parts) * 1000:.0f} with a mark of thousands: write "
            "numbers without such marks, or say --scale LOW-HIGH, such as --scale 0-12, if it is a decimal"
        )
