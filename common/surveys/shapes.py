"""Forms of tables: where the header is, lists of ticked genres, one row a genre, and rewriting odd rows plainly."""

import csv
import functools
import itertools
import re
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from common.errors import UserError
from common.genres import GENRES, genres_of, plain, turns_the_sense
from common.surveys.alignment import ID_WORDS, NAME_WORDS, USER_WORDS
from common.surveys.dialects import Dialect, find_dialect

HEADER_ROWS = 12  # rows among which the header is searched
SAMPLE_ROWS = 200


def find_layout(path: Path) -> Dialect:
    """The dialect of a CSV file, and its header: the first row with genres, below titles and "sep=;".

    Raises:
        UserError: empty, not text, or no header.
    """
    dialect = find_dialect(path)
    top = _top_rows(path, dialect.encoding, dialect.delimiter, 1)[0][1]
    if re.fullmatch(r"sep=.?", dialect.delimiter.join(top).strip(), re.IGNORECASE) or "sep=" in top:
        delimiter = dialect.delimiter.join(top).strip()[4:5] or dialect.delimiter
        rows = _top_rows(path, dialect.encoding, delimiter, 2)
        return replace(dialect, delimiter=delimiter, names=_named(rows[-1][1]), header_lines=rows[-1][0])
    if _genres_in(dialect.names) or _list_columns(dialect.names, _sample(path, dialect)):
        return _below_import_ids(path, dialect)
    for delimiter in dict.fromkeys((dialect.delimiter, *",;\t|")):
        rows = _top_rows(path, dialect.encoding, delimiter, HEADER_ROWS)
        for (line, cells), following in zip(rows, [*rows[1:], (0, [])], strict=True):
            if _genres_in(cells) >= 2 and _genres_in(following[1]) < 2:
                found = replace(dialect, delimiter=delimiter, names=_named(cells), header_lines=line)
                return _below_import_ids(path, found)
    return dialect


def _top_rows(path: Path, encoding: str, delimiter: str, count: int) -> list[tuple[int, list[str]]]:
    with open(path, encoding=encoding, newline="") as file:
        reader = csv.reader(file, delimiter=delimiter)
        try:
            return [(reader.line_num, cells) for cells in itertools.islice(reader, count)]
        except (csv.Error, UnicodeDecodeError) as error:
            raise UserError(f"{path}: cannot be read as a table ({error})") from error


def _below_import_ids(path: Path, dialect: Dialect) -> Dialect:
    """Qualtrics writes names, questions and import ids; the data begin below the last."""
    for line, cells in _top_rows(path, dialect.encoding, dialect.delimiter, HEADER_ROWS):
        if any('"ImportId"' in cell for cell in cells):
            return replace(dialect, header_lines=line)
    return dialect


def _named(cells: Sequence[str]) -> list[str]:
    return [cell.strip() or f"(column {number})" for number, cell in enumerate(cells, 1)]


def _genres_in(cells: Sequence[str]) -> int:
    return sum(bool(genres_of(cell)) for cell in cells)


def _sample(path: Path, dialect: Dialect) -> list[list[str]]:
    return [cells for _, cells in itertools.islice(dialect.rows(path), SAMPLE_ROWS)]


# ---- lists of genres ----


def genres_in_list(cell: str) -> tuple[str, ...]:
    """Genres of a cell such as "Pop 🎶, Jazz; Rock"."""
    found = [genre for part in re.split(r"[;,|\n]", cell) for genre in genres_of(part.strip())]
    return tuple(dict.fromkeys(found))


def _list_columns(names: Sequence[str], sample: Sequence[Sequence[str]]) -> list[int]:
    """Columns whose cells are mostly lists of genres, and whose header does not ask for dislike."""
    found = []
    for place, name in enumerate(names):
        cells = [row[place] for row in sample if place < len(row) and row[place].strip()]
        hits = sum(bool(genres_in_list(cell)) for cell in cells)
        if cells and hits >= 0.6 * len(cells) and not turns_the_sense(name) and not _names_person(name):
            found.append(place)
    return found


def _names_person(name: str) -> bool:
    return any(plain(name) in words for words in (NAME_WORDS, USER_WORDS, ID_WORDS))


def spread_lists(
    names: Sequence[str], sample: Sequence[Sequence[str]], rows: Iterator[tuple[str, list[str]]]
) -> tuple[list[str], Iterator[tuple[str, list[str]]], str] | None:
    """A table of lists of genres as one of a column a genre; None where it has no such column.

    Returns:
        Columns, rows, and what was understood.
    """
    lists = _list_columns(names, sample)
    if not lists or _genres_in(names) > _genres_in([names[place] for place in lists]):
        return None
    others = [place for place in range(len(names)) if place not in lists]
    columns = [*(names[place] for place in others), *GENRES]
    amount = _amount_column(names, sample, others) if len(lists) == 1 else None
    person = next((place for place in others if _names_person(names[place])), None)
    people = [row[person] for row in sample if person is not None and person < len(row)]
    if amount is not None and person is not None and len(set(people)) < len(people):
        said = f"a row a person and genre: {names[lists[0]]!r}, with {names[amount]!r} as the score"
        return [names[person], *GENRES], _gather(rows, person, lists[0], amount), said

    def spread() -> Iterator[tuple[str, list[str]]]:
        for place, cells in rows:
            row = [*cells, *[""] * (len(names) - len(cells))]
            ticked = {genre for column in lists for genre in genres_in_list(row[column])}
            yield place, [*(row[column] for column in others), *("1" if genre in ticked else "0" for genre in GENRES)]

    return columns, spread(), f"genres listed in {', '.join(repr(names[place]) for place in lists)}, each counts 1"


def _amount_column(names: Sequence[str], sample: Sequence[Sequence[str]], places: Sequence[int]) -> int | None:
    def numeric(place: int) -> bool:
        cells = [row[place].strip() for row in sample if place < len(row) and row[place].strip()]
        return bool(cells) and all(map(_SCORE.fullmatch, cells))

    found = [place for place in places if numeric(place) and not _names_person(names[place])]
    return found[-1] if found else None


def _gather(
    rows: Iterator[tuple[str, list[str]]], person: int, genre: int, amount: int
) -> Iterator[tuple[str, list[str]]]:
    """One row a person, in the order of their first rows; of several rows of a genre the highest amount counts.

    The rows are gathered in a database on the disk, so that memory does not grow with them.
    """
    keys = list(GENRES)
    find_genres = functools.lru_cache(1 << 16)(genres_of)
    with tempfile.TemporaryDirectory(prefix="relive_") as folder, closing(sqlite3.connect(f"{folder}/rows")) as base:
        base.executescript(_GATHERED)
        for place, cells in rows:
            if len(cells) <= max(person, genre, amount):
                raise UserError(f"{place}: {len(cells)} cells, too few for a person, a genre and a score")
            text = cells[amount].strip()
            if text and not _SCORE.fullmatch(text):
                raise UserError(f"{place}: {text!r} is not a score from 0 up")
            base.execute("INSERT OR IGNORE INTO people (name, place) VALUES (?, ?)", (cells[person], place))
            for key in find_genres(cells[genre].strip()):
                value = float(text.replace(",", ".") or 0)
                base.execute(_HIGHEST, (cells[person], keys.index(key), value))
        for (_, name, place), scores in itertools.groupby(base.execute(_EVERYBODY), key=lambda row: row[:3]):
            values = {row[3]: row[4] for row in scores}
            yield place, [name, *(f"{values.get(number, 0):g}" for number in range(len(keys)))]


_SCORE = re.compile(r"\d+([.,]\d+)?", re.ASCII)
_GATHERED = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT UNIQUE, place TEXT);
    CREATE TABLE scores (person INTEGER, genre INTEGER, value REAL, PRIMARY KEY (person, genre)) WITHOUT ROWID;
"""
_HIGHEST = """
    INSERT INTO scores VALUES ((SELECT id FROM people WHERE name = ?), ?, ?)
    ON CONFLICT DO UPDATE SET value = max(value, excluded.value)
"""
_EVERYBODY = "SELECT id, name, place, genre, value FROM people LEFT JOIN scores ON person = id ORDER BY id"
