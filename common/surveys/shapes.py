"""Forms of tables: where the header is, lists of ticked genres, one row a genre, and rewriting odd rows plainly."""

import csv
import functools
import itertools
import re
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from common.errors import UserError
from common.genre_words import FILLER, NOT_A_QUALIFIER
from common.genres import GENRES, genres_of, plain, turns_the_sense
from common.surveys.alignment import ID_WORDS, NAME_WORDS, USER_WORDS, is_called
from common.surveys.answers import is_no_answer, read_words
from common.surveys.dialects import Dialect, find_dialect

Rows = Callable[[], Iterator[tuple[str, list[str]]]]
HEADER_ROWS = 12  # rows among which the header is searched
SAMPLE_ROWS = 200
MOST, SOME = 0.6, 0.2  # cells that are genres, at least, in a column of genres, and of questions beside answers
MOST_UNKNOWN = 10_000  # different words of lists that are counted
SAME_PEOPLE = 0.75  # different names a row, at most, where the rows of one name are one person's

AMOUNTS = frozenset(
    "plays, play count, playcount, times played, scrobbles, listens, listen count, streams, stream count, count, "
    "minutes, mins, minutes played, hours, hours played, seconds, ms played, msplayed, duration ms, total ms, tracks, "
    "songs, reproducciones, minutos, horas, veces, reproduccions, minuts, hores, vegades, minuten, stunden, ecoutes, "
    "minutes ecoutees, heures, ascolti, minuti, ore, percent, percentage, pct, share, porcentaje, percentatge, anteil, "
    "prozent, pourcentage, percentuale, porcentagem, percentagem, aandeel, uren".split(", ")
)  # what is added up
RATINGS = frozenset(
    "score, rating, rate, answer, value, weight, stars, points, grade, level, response, puntuacion, nota, valoracion, "
    "respuesta, valor, puntuacio, valoracio, resposta, bewertung, note, antwort, wert, reponse, voto, risposta, "
    "punteggio, avaliacao, pontuacao".split(", ")
)
NO_AMOUNTS = frozenset(
    "timestamp, time, date, day, month, year, unix time, uts, age, edad, edat, alter, eta, idade, born, year of birth, "
    "birth year, id, index, number, position, zip, postcode, phone, height, weight kg, duration".split(", ")
)  # numbers that are about the row
QUESTION_WORDS = frozenset(
    "question, questions, item, variable, key, field, attribute, pregunta, frage, domanda, pergunta, vraag".split(", ")
)
TRACK_WORDS = frozenset(
    "track, track name, track uri, track id, trackname, song, song name, song title, song id, title, artist, artists, "
    "artist name s, artistname, artist uri, album, album name, album uri, isrc, danceability, popularity, followers, "
    "canco, cancion, artista, album artist".split(", ")
)


def find_layout(path: Path) -> Dialect:
    """The dialect of a CSV file, and its header: the first row with genres, below titles and "sep=;".

    Two columns of one name are called "Rock" and "Rock (column 5)".

    Raises:
        UserError: empty, not text, or no header.
    """
    dialect = _with_row_names(path, _find_header(path))
    names = [
        f"{name}{_TWIN.format(number)}" if name in dialect.names[: number - 1] else name
        for number, name in enumerate(dialect.names, 1)
    ]
    return replace(dialect, names=names)


_TWIN = " (column {})"


def is_twin(name: str) -> bool:
    """Whether a column has the header of one before it."""
    return untwinned(name) not in ("", name)


def untwinned(name: str) -> str:
    """The header of a column as the file has it: "Rock" of "Rock (column 5)"."""
    return re.sub(r" \(column \d+\)$", "", name)


def unwrapped(path: Path, folder: Path) -> Path:
    """The table; or a plain copy, where each line is one quoted cell that holds the whole row, or is of Markdown.

    Raises:
        UserError: empty, or not text.
    """
    dialect = find_dialect(path)
    target = folder / "unwrapped.csv"
    if dialect.delimiter == "|" and dialect.names[0] == "(column 1)":
        with open(target, "w", encoding="utf-8", newline="") as file:
            rows = itertools.chain([dialect.names], _cells(path, dialect))
            csv.writer(file).writerows([cell.strip() for cell in cells[1:-1]] for cells in rows)
        return target
    lines = [dialect.names, *_sample(path, dialect)]
    delimiter = ";" if ";" in dialect.names[0] else ","
    try:
        inner = {len(cells) for cells in csv.reader((line[0] for line in lines), delimiter=delimiter)}
    except csv.Error:  # line breaks in cells
        return path
    if any(len(line) > 1 for line in lines) or len(inner) != 1 or inner == {1}:
        return path
    with open(target, "w", encoding="utf-8") as file:
        file.writelines(f"{cells[0]}\n" for cells in itertools.chain([dialect.names], _cells(path, dialect)))
    return target


def has_genres(path: Path) -> bool:
    """Whether the columns of a CSV file are genres or lists of them."""
    try:
        dialect = find_layout(path)
    except UserError:
        return False
    return bool(_genres_in(dialect.names) or _list_columns(dialect.names, _sample(path, dialect)))


def _with_row_names(path: Path, dialect: Dialect) -> Dialect:
    """A header for the row numbers that R's write.table() writes without one."""
    sample = _sample(path, dialect)
    longer = all(len(cells) == len(dialect.names) + 1 for cells in sample)
    numbered = [cells[0] for cells in sample] == [str(number) for number in range(1, len(sample) + 1)]
    return replace(dialect, names=["(row)", *dialect.names]) if sample and longer and numbered else dialect


def _find_header(path: Path) -> Dialect:
    dialect = find_dialect(path)
    top = _top_rows(path, dialect.encoding, dialect.delimiter, 1)[0][1]
    if re.fullmatch(r"sep=.?", dialect.delimiter.join(top).strip(), re.IGNORECASE) or "sep=" in top:
        delimiter = dialect.delimiter.join(top).strip()[4:5] or dialect.delimiter
        rows = _top_rows(path, dialect.encoding, delimiter, 2)
        return replace(dialect, delimiter=delimiter, names=_named(rows[-1][1]), header_lines=rows[-1][0])
    rows = _top_rows(path, dialect.encoding, dialect.delimiter, 2)
    if len(rows) == 2 and _is_second_header(rows[0][1], rows[1][1]):
        return replace(dialect, names=_merged(rows[0][1], rows[1][1]), header_lines=rows[1][0])
    if _genres_in(dialect.names) or _list_columns(dialect.names, _sample(path, dialect)):
        return _below_import_ids(path, dialect)
    for delimiter in dict.fromkeys((dialect.delimiter, *",;\t|")):
        rows = _top_rows(path, dialect.encoding, delimiter, HEADER_ROWS)
        for (line, cells), following in zip(rows, [*rows[1:], (0, [])], strict=True):
            if _genres_in(cells) >= 2 and _genres_in(following[1]) < 2:
                found = replace(dialect, delimiter=delimiter, names=_named(cells), header_lines=line)
                return _below_import_ids(path, found)
    return dialect


def _is_second_header(top: Sequence[str], below: Sequence[str]) -> bool:
    """Whether a question stands above its choices, as in SurveyMonkey's exports."""
    pairs = [(upper.strip(), lower.strip()) for upper, lower in itertools.zip_longest(top, below, fillvalue="")]
    choices = [lower for upper, lower in pairs if lower and not genres_of(upper)]
    id_alone = bool(pairs and pairs[0][0] and not pairs[0][1])  # else the row below is a person's
    return id_alone and any(lower and not upper for upper, lower in pairs) and _genres_in(choices) >= 2


def _merged(top: Sequence[str], below: Sequence[str]) -> list[str]:
    """The names of two header rows: the choices, with their question where it turns the sense."""
    names, question = list[str](), ""
    for number, (upper, lower) in enumerate(itertools.zip_longest(top, below, fillvalue=""), 1):
        question = upper.strip() or question
        choice = f"{question} [{lower.strip()}]" if turns_the_sense(question) else lower.strip()
        names.append(choice if lower.strip() else upper.strip() or f"(column {number})")
    return names


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


def _cells(path: Path, dialect: Dialect) -> Iterator[list[str]]:
    return (cells for _, cells in dialect.rows(path))


def _sample(path: Path, dialect: Dialect) -> list[list[str]]:
    return list(itertools.islice(_cells(path, dialect), SAMPLE_ROWS))


# ---- lists of genres ----


@dataclass(frozen=True)
class Spread:
    """A table of lists of genres as one of a column a genre.

    Attributes:
        names: its columns.
        rows: gives its rows, each with its place, each time anew.
        said: what was understood.
        unknown: words of the lists that are no known genres, counted when `rows` was read last.
        plain: all cells but the first of a row are numbers already.
    """

    names: list[str]
    rows: Rows
    said: str
    unknown: Counter[str]
    plain: bool = False


def genres_in_list(cell: str) -> tuple[str, ...]:
    """Genres of a cell such as "Pop 🎶, Jazz; Rock"."""
    return tuple(dict.fromkeys(genre for _, genres in _parts(cell) for genre in genres))


def _parts(cell: str) -> list[tuple[str, tuple[str, ...]]]:
    parts = [part.strip() for part in re.split(r"[;,|\n]", cell)]
    return [(part, genres_of(part)) for part in parts if part]


def _list_columns(names: Sequence[str], sample: Sequence[Sequence[str]]) -> list[int]:
    """Columns whose cells are mostly lists of genres, and whose header does not ask for dislike."""
    found = []
    for place, name in enumerate(names):
        cells = [row[place] for row in sample if place < len(row) and row[place].strip()]
        hits = sum(bool(genres_in_list(cell)) for cell in cells)
        least = SOME if plain(name) in QUESTION_WORDS and any(plain(n) in AMOUNTS | RATINGS for n in names) else MOST
        if cells and hits >= least * len(cells) and not turns_the_sense(name) and not _names_person(name):
            found.append(place)
    return found


def _names_person(name: str) -> bool:
    called = any(is_called(name, words) for words in (NAME_WORDS, USER_WORDS, ID_WORDS))
    return called and plain(name) not in TRACK_WORDS


def spread_lists(
    names: Sequence[str], sample: Sequence[Sequence[str]], rows: Rows, *, name_column: str = "", scale: str = "auto"
) -> Spread | None:
    """A table of lists of genres as one of a column a genre; None where it has no such column.

    Args:
        names: the columns.
        sample: the first rows.
        rows: gives place ("line 3") and cells of every row, each time anew.
        name_column: the column that names the person, if the user says it.
        scale: "auto", or the scale as the user gives it, by which the order of a list counts: "3-1" where the first of
            three is the best.

    Raises:
        UserError: the rows seem to be tracks or artists, not people; or all lists have the same genres, as ranks have.
    """
    lists = _list_columns(names, sample)
    if not lists or _genres_in(names) > _genres_in([names[place] for place in lists]):
        return None
    others = [place for place in range(len(names)) if place not in lists]
    person = next((place for place in others if names[place] == name_column.strip()), None)
    if person is None:
        person = next((place for place in others if _names_person(names[place])), None)
        _ask_about_tracks(names, person)
    unknown: Counter[str] = Counter()
    if len(lists) == 1 and person is None and _is_transposed(names, sample, lists[0], others):
        said = f"a column a person, and a row a genre: {names[lists[0]]!r}"
        columns, people = _turn(names, sample, lists[0], others)
        return Spread(columns, lambda: iter(people), said, unknown)
    with_genre = [row for row in sample if lists[0] < len(row) and genres_in_list(row[lists[0]])]
    amount = _amount(names, with_genre, others, person) if len(lists) == 1 and person is not None else None
    if amount is not None and person is not None:
        said = f"a row a person and genre: {names[lists[0]]!r}, {amount}"
        gather = functools.partial(_gather, rows, person, lists[0], amount, unknown=unknown)
        return Spread([names[person], *GENRES], gather, said, unknown, plain=not amount.words)

    alone = _amount_of_one(names, sample, lists, others) if person is None else None
    if alone is not None:
        said = f"a row a genre, of one person: {names[lists[0]]!r}, {alone}"
        gather = functools.partial(_gather, rows, None, lists[0], alone, unknown=unknown)
        return Spread(["(row)", *GENRES], gather, said, unknown, plain=True)
    ordered = scale != "auto"
    if not ordered:
        _ask_about_order(lists, sample)

    def spread() -> Iterator[tuple[str, list[str]]]:
        unknown.clear()
        for place, cells in rows():
            row = [*cells, *[""] * (len(names) - len(cells))]
            ticked = list(dict.fromkeys(genre for column in lists for genre in _known(row[column], unknown)))
            places = {genre: str(number) for number, genre in enumerate(ticked, 1)} if ordered else {}
            marks = [places.get(genre, "") if ordered else "01"[genre in ticked] for genre in GENRES]
            yield place, [*(row[column] for column in others), *marks]

    counts = "by its place" if ordered else "1"
    said = f"genres listed in {', '.join(repr(names[place]) for place in lists)}, each counts {counts}"
    return Spread([*(names[place] for place in others), *GENRES], spread, said, unknown)


def _ask_about_order(lists: Sequence[int], sample: Sequence[Sequence[str]]) -> None:
    """Raise where everybody lists the same genres, at least three, in different orders."""
    orders = {tuple(dict.fromkeys(g for c in lists if c < len(row) for g in genres_in_list(row[c]))) for row in sample}
    orders.discard(())
    if len(orders) > 1 and len({frozenset(order) for order in orders}) == 1 and len(next(iter(orders))) >= 3:
        count = len(next(iter(orders)))
        raise UserError(
            f"all lists have the same {count} genres, as ranks: say --scale {count}-1 (the first is the best) or "
            f"--scale 1-{count} (the last is the best)"
        )


def _amount_of_one(
    names: Sequence[str], sample: Sequence[Sequence[str]], lists: Sequence[int], others: Sequence[int]
) -> "Amount | None":
    """What the rows count where each is another genre of one person, "genre,minutes"; None where they are people."""
    cells = [row[lists[0]].strip() for row in sample if lists[0] < len(row)]
    if len(lists) > 1 or len(cells) < 2 or len(set(cells)) < len(cells) or any(len(_parts(c)) > 1 for c in cells):
        return None
    numeric = _numeric(sample, others)
    found = next((place for place in numeric if plain(names[place]) in AMOUNTS), None)
    return Amount(found, names[found], True) if found is not None else None


def _known(cell: str, unknown: Counter[str]) -> list[str]:
    """Genres of a list; its other words are counted, as long as they are not too many."""
    known = list[str]()
    for part, genres in _parts(cell):
        known += genres
        if not genres and (part in unknown or len(unknown) < MOST_UNKNOWN):
            unknown[part] += 1
    return known


def _ask_about_tracks(names: Sequence[str], person: int | None) -> None:
    tracks = [name for name in names if plain(name) in TRACK_WORDS]
    if tracks and (person is None or plain(names[person]) in ("name", "id")):
        raise UserError(
            f"{tracks[0]!r}: the rows seem to be tracks or artists, not people; add a column with the listener's name, "
            f"or say --name-column '{names[person] if person is not None else tracks[0]}' if each is a person"
        )


# ---- a column a person ----


def _is_transposed(names: Sequence[str], sample: Sequence[Sequence[str]], genre: int, others: Sequence[int]) -> bool:
    """Whether each row is another genre, and all other columns are the answers of people."""
    cells = [row[genre].strip() for row in sample if genre < len(row)]
    about = FILLER | NOT_A_QUALIFIER | AMOUNTS | RATINGS | NO_AMOUNTS
    if genre or len(others) < 2 or len(sample) >= SAMPLE_ROWS or len(set(cells)) < len(cells) or len(cells) < 2:
        return False
    named = all(plain(names[place]) not in about and not names[place].startswith("(column") for place in others)
    return named and all(place in _numeric(sample, others) for place in others)


def _turn(
    names: Sequence[str], sample: Sequence[Sequence[str]], genre: int, others: Sequence[int]
) -> tuple[list[str], list[tuple[str, list[str]]]]:
    people = [
        (f"column {names[place]!r}", [names[place], *(row[place] if place < len(row) else "" for row in sample)])
        for place in others
    ]
    return ["name", *(row[genre].strip() for row in sample)], people


# ---- a row a person and genre ----


@dataclass(frozen=True)
class Amount:
    """How much a row of a long table counts: a column, or 1 where it has none; several rows of a genre are summed, or
    the highest counts."""

    column: int | None
    name: str
    summed: bool
    words: bool = False

    def __str__(self) -> str:
        if self.column is None:
            return "each counts 1, as a share of the person's largest"
        return f"with {self.name!r} " + (
            "added up, as a share of the person's largest" if self.summed else "as the score"
        )


def _amount(names: Sequence[str], sample: Sequence[Sequence[str]], others: Sequence[int], person: int) -> Amount | None:
    """What the rows of a long table count; None where each row is a person of its own. `sample`: rows with a genre."""
    people = [row[person] for row in sample if person < len(row)]
    if len(set(people)) == len(people):
        return None
    often = len(set(people)) <= SAME_PEOPLE * len(people)
    free = [place for place in others if place != person and plain(names[place]) not in NO_AMOUNTS]
    numeric = _numeric(sample, free)
    for words, summed in ((AMOUNTS, True), (RATINGS, False)):
        for place in numeric:
            if plain(names[place]) in words:
                return Amount(place, names[place], summed)
    if not often:
        return None
    if len(numeric) == 1:
        return Amount(numeric[0], names[numeric[0]], False)
    for place in free:
        texts = Counter(row[place] for row in sample if place < len(row) and not is_no_answer(row[place]))
        if texts and place not in numeric and not read_words({"": texts})[1]:
            return Amount(place, names[place], False, words=True)
    return Amount(None, "", True)


def _numeric(sample: Sequence[Sequence[str]], places: Sequence[int]) -> list[int]:
    """Columns of numbers alone."""
    found = []
    for place in places:
        cells = [row[place].strip() for row in sample if place < len(row) and row[place].strip()]
        if cells and all(map(_SCORE.fullmatch, cells)):
            found.append(place)
    return found


def _gather(
    rows: Rows, person: int | None, genre: int, amount: Amount, *, unknown: Counter[str]
) -> Iterator[tuple[str, list[str]]]:
    """One row a person, in the order of their first rows. Where amounts are added up, each genre is a share from 0 to 1
    of the person's largest one; else a genre without a row has no answer.

    The rows are gathered in a database on the disk, so that memory does not grow with them.
    """
    unknown.clear()
    keys, least = list(GENRES), max(person or 0, genre, amount.column or 0)
    combine = _SUM if amount.summed else _FIRST if amount.words else _HIGHEST
    marked, decimals = "", False
    with tempfile.TemporaryDirectory(prefix="relive_") as folder, closing(sqlite3.connect(f"{folder}/rows")) as base:
        base.executescript(_GATHERED)
        for place, cells in rows():
            if len(cells) <= least:
                raise UserError(f"{place}: {len(cells)} cells, too few for a person, a genre and a score")
            genres = _known(cells[genre], unknown)
            text = "1" if amount.column is None else cells[amount.column].strip()
            if genres and text and not amount.words and not _SCORE.fullmatch(text):
                raise UserError(f"{place}: {text!r} is not a score from 0 up")
            if genres:
                marked = marked or (f"{place}: {text}" if _THOUSANDS.fullmatch(text) else "")
                decimals = decimals or (not text.isdecimal() and not _THOUSANDS.fullmatch(text))
            name = "" if person is None else cells[person]
            base.execute("INSERT OR IGNORE INTO people (name, place) VALUES (?, ?)", (name, place))
            value = text if amount.words else float(text.replace(",", ".")) if text and genres else None
            for key in genres if value not in (None, "") else ():
                base.execute(combine, (name, keys.index(key), value))
        if marked and not decimals:
            raise UserError(
                f"{marked} beside whole numbers may have a mark of thousands; write numbers without such marks"
            )
        for (_, who, place), rows_ in itertools.groupby(base.execute(_EVERYBODY), key=lambda row: row[:3]):
            scores = {row[3]: row[4] for row in rows_ if row[3] is not None}
            yield place, [who, *_answers(scores, amount)]


def _answers(scores: dict[int, float | str], amount: Amount) -> list[str]:
    """The cells of a person, genre by genre."""
    if not amount.summed:
        return [f"{scores.get(number, '')}" for number in range(len(GENRES))]
    most = max(map(float, scores.values()), default=0) or 1
    return [f"{float(scores.get(number, 0)) / most:.10g}" for number in range(len(GENRES))]


_SCORE = re.compile(r"\d+([.,]\d+)?", re.ASCII)
_THOUSANDS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}", re.ASCII)
_GATHERED = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT UNIQUE, place TEXT);
    CREATE TABLE scores (person INTEGER, genre INTEGER, value, PRIMARY KEY (person, genre)) WITHOUT ROWID;
"""
_FIRST = "INSERT OR IGNORE INTO scores VALUES ((SELECT id FROM people WHERE name = ?), ?, ?)"
_HIGHEST = _FIRST.replace("OR IGNORE ", "") + " ON CONFLICT DO UPDATE SET value = max(value, excluded.value)"
_SUM = _HIGHEST.replace("max(value, excluded.value)", "value + excluded.value")
_EVERYBODY = "SELECT id, name, place, genre, value FROM people LEFT JOIN scores ON person = id ORDER BY id"
