"""Tables that pyarrow cannot read as numbers are written once more, plainly: words as numbers, rows of full length."""

import csv
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from common.errors import UserError, raise_faults
from common.surveys.alignment import Alignment
from common.surveys.answers import (
    Words,
    clean,
    is_no_answer,
    is_ordinal,
    likely_meant,
    looks_like_date,
    number_of,
    out_of,
    read_words,
    reversed_by_labels,
    unit_of,
)
from common.surveys.asking import setting
from common.surveys.readers import is_summary
from common.surveys.scales import NEGATIVE, NEGATIVE_CODES, Scale
from common.surveys.shapes import Rows

_SIGNS = ("-", "--", "---")  # answers where others are "+", else none
MOST_NOTES = 20
MOST_TEXTS = 20_000  # different texts of a question that are looked at; more are numbers, or no answers


@dataclass
class Rewritten:
    """What was found while a table was rewritten.

    Attributes:
        scales: questions whose words decide their scale.
        notes: lines for the report.
    """

    scales: dict[str, Scale] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def rewrite(
    rows: Rows, names: Sequence[str], alignment: Alignment, target: Path, *, own: str = "", scale: str = "auto"
) -> Rewritten:
    """Write a table of the person's name and the genre columns, all numbers, as plain CSV.

    Args:
        rows: gives place ("line 3") and cells of every row, each time anew.
        names: the columns.
        own: meaning of words, see `read_words`.
        scale: the scale as the user gives it.

    Raises:
        UserError: all faults at once.
    """
    seen = _look_through(rows, names, alignment)
    texts, first, faults, notes = seen.texts, seen.first, seen.faults, seen.notes
    if not any("+" in clean(text) for counts in texts.values() for text in counts):
        for counts in texts.values():
            for text in [text for text in counts if is_no_answer(text)]:
                del counts[text]
    every = list(dict.fromkeys(text for counts in texts.values() for text in counts))
    said = _said_words(own)
    if scale == "auto":
        _ask_about_wholes(texts)
        _ask_about_ordinals(every, len(texts))
    _ask_about_units([text for text in every if text not in said])
    _ask_about_shares([text for text in every if text not in said])
    for name, counts in texts.items():
        negative = {text for text in counts if (number_of(text) or 0) < 0 and number_of(text) not in NEGATIVE_CODES}
        if not scale.strip().startswith("-"):
            faults += [f"{first[text]}, column {name!r}: {text.strip()} {NEGATIVE}" for text in sorted(negative)]
    words, unknown = read_words(texts, own)
    odd = _odd_wholes(every) - said
    unknown |= {text: column for column, counts in texts.items() for text in counts if text in odd}
    faults += [
        f"{first[word]}, column {column!r}: {_unknown(word, column, words[column].order)}"
        for word, column in unknown.items()
        if (number_of(word) or 0) >= 0
    ]
    raise_faults("", faults)
    downwards = reversed_by_labels(every)
    if downwards and scale == "auto":
        upwards = "-".join(reversed(downwards.split("-")))
        raise UserError(
            f"the labels of the answers say that small numbers are the best: say --scale {downwards}, or --scale "
            f"{upwards}"
        )
    orders = {meaning.order for meaning in words.values() if meaning.order}
    notes += [f"words in order: {order}" for order in sorted(orders)]
    _write(rows, names, alignment, target, words=words)
    return Rewritten({name: w.scale for name, w in words.items() if w.scale is not None}, notes)


def write_plain(rows: Rows, names: Sequence[str], target: Path) -> list[str]:
    """Write rows of which all cells are names or numbers already; those of totals are left out, and said.

    Raises:
        UserError: there are no rows.
    """
    notes, count = list[str](), 0
    with open(target, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for place, cells in rows():
            if is_summary(cells[0]):
                notes.append(f"{place}: {cells[0].strip()!r} is no person, left out")
            else:
                writer.writerow(cells)
                count += 1
    if not count:
        raise UserError("has a header but no rows")
    return notes


def _said_words(own: str) -> set[str]:
    """Answers whose meaning the user gives."""
    return {part.rpartition("=")[0].strip() for part in own.split(";" if ";" in own else ",")}


def _unknown(word: str, column: str, order: str) -> str:
    """What to say of an answer that is not understood, in a question whose other answers are words in this order."""
    shown, leave_out = word.strip(), setting("columns", f"{column}=")
    what = f"{shown!r} is no {'' if order else 'number and no '}known answer"
    if ";" in shown:  # which parts answers in the setting
        return f"{what}; correct it, or say {leave_out} if the column is no genre"
    meant = likely_meant(word)
    if order:
        levels = order.split(" < ")
        said = setting("answers", f"{shown}={meant or levels[len(levels) // 2]}")
        return f"{what}; set {said}, or another of {order} (nothing behind the sign: no answer)"
    number = setting("answers", f"{shown}=NUMBER")
    if looks_like_date(word):
        return f"{what}; spreadsheets make such dates of answers: correct it, or set {number} (no NUMBER: no answer)"
    if meant:
        mistyped = setting("answers", f"{shown}={meant}")
        return f"{what}; set {mistyped} if it is mistyped, else {number} (no NUMBER: no answer)"
    return f"{what}; set {number} (no NUMBER: no answer), or {leave_out} if the column is no genre"


@dataclass(frozen=True)
class _Seen:
    """What the rows of a table hold.

    Attributes:
        texts: how often each answer occurs, by column.
        first: place of the first cell with each answer.
        faults: rows that cannot be read.
        notes: rows that are left out.
    """

    texts: dict[str, Counter[str]]
    first: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def _look_through(rows: Rows, names: Sequence[str], alignment: Alignment) -> _Seen:
    """Read every row once, and keep no more than its answers. Arguments as in `rewrite`.

    Raises:
        UserError: there are no rows, or a genre column has free text.
    """
    places = {name: list(names).index(name) for name in [*alignment.id_columns, *alignment.columns]}
    seen = _Seen({name: Counter() for name in alignment.columns})
    count = 0
    for place, cells in rows():
        left_out = _no_person(cells, names)
        if left_out is not None:
            seen.notes.extend([f"{place}: {left_out}"] if left_out and len(seen.notes) < MOST_NOTES else [])
            continue
        count += 1
        row, fault = _full(cells, names)
        if fault:
            seen.faults.append(f"{place}: {fault}")
            continue
        summary = _summary(row, names, alignment)
        if summary:
            seen.notes.append(f"{place}: {summary!r} is no person, left out")
            continue
        for name in alignment.columns:
            cell = row[places[name]]
            if is_no_answer(cell) and clean(cell) not in _SIGNS:
                continue
            if cell in seen.texts[name] or len(seen.texts[name]) < MOST_TEXTS:
                seen.texts[name][cell] += 1
                seen.first.setdefault(cell, place)
            elif not re.fullmatch(r"\d+([.,]\d+)?", cell.strip(), re.ASCII):
                raise UserError(f"column {name!r} has free text; leave it out by {setting('columns', f'{name}=')}")
    if not count:
        raise UserError("has a header but no rows")
    return seen


def _ask_about_wholes(texts: Mapping[str, Mapping[str, int]]) -> None:
    """Raise where some answers are out of 5 and others out of 10, as "4/5" and "8/10"."""
    odd = _odd_wholes([text for counts in texts.values() for text in counts])
    wholes = {
        name: {whole for text in counts if (whole := out_of(text)) and text not in odd}
        for name, counts in texts.items()
    }
    if len(set().union(*wholes.values())) < 2:
        return
    said = [f"{name}=0-{max(found):g}" for name, found in wholes.items() if found]
    raise UserError(f"answers are out of different wholes, as 4/5 and 8/10: say {setting('scale', *said)}")


def _odd_wholes(texts: Iterable[str]) -> set[str]:
    """Answers such as "1/2" beside numbers up to 5: dates or fractions."""
    plain = [number for text in texts if out_of(text) is None and (number := number_of(text)) is not None]
    most = max(plain, default=0)
    return {text for text in texts if (whole := out_of(text)) and plain and not most <= whole < 2 * most}


def _ask_about_ordinals(texts: Iterable[str], questions: int) -> None:
    """Raise where answers are places, "1st"."""
    places = [text for text in texts if is_ordinal(text)]
    if places:
        worst = max(questions, int(max(number_of(text) or 0 for text in places)))
        raise UserError(
            f"answers such as {places[0].strip()!r} are places, which can be read in two ways: --scale {worst}-1 "
            f"(1 = best) or --scale 1-{worst} ({worst} = best)"
        )


def _ask_about_units(texts: Iterable[str]) -> None:
    """Raise where some answers are in hours and others in minutes."""
    units = {text: unit for text in texts if (unit := unit_of(text))}
    least = min(units.values(), default=1)
    other = {text: (number_of(text) or 0) * unit / least for text, unit in units.items() if unit != least}
    if other:
        smaller = next(text for text, unit in units.items() if unit == least)
        said = setting("answers", *(f"{text.strip()}={number:g}" for text, number in other.items()))
        raise UserError(
            f"answers are in different units, as {next(iter(other)).strip()!r} and {smaller.strip()!r}: say {said}"
        )


def _ask_about_shares(texts: Iterable[str]) -> None:
    """Raise where some answers are "80 %" and others 0.2."""
    shares = [t for t in texts if "%" not in t and 0 < (number_of(t) or 0) < 1]
    if shares and any("%" in text and number_of(text) is not None for text in texts):
        said = setting("answers", *(f"{text.strip()}={100 * (number_of(text) or 0):g}" for text in shares))
        raise UserError(f"{shares[0].strip()} beside answers in % may be a share of 1: say {said}, or give % to all")


def _write(rows: Rows, names: Sequence[str], alignment: Alignment, target: Path, *, words: Mapping[str, Words]) -> None:
    """Write the person's name and the answers as numbers, without summary rows."""
    places = {name: list(names).index(name) for name in [*alignment.id_columns, *alignment.columns]}
    with open(target, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*alignment.id_columns[:1], *alignment.columns])
        for _, cells in rows():
            if _no_person(cells, names) is not None:
                continue
            row, _ = _full(cells, names)
            if not _summary(row, names, alignment):
                numbers = [_number(row[places[column]], words[column]) for column in alignment.columns]
                name = [_name(row, alignment, places)] if alignment.id_columns else []
                writer.writerow([*name, *numbers])


def _no_person(cells: Sequence[str], names: Sequence[str]) -> str | None:
    """Why a row is no person: "" for a blank one, else what to say of it; None for a person."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    if not filled or (len(filled) > 1 and all(re.fullmatch(":?-{3,}:?", cell) for cell in filled)):
        return ""  # blank, or the rule of a table in Markdown
    if [cell.strip() for cell in cells] == list(names) and len(names) > 1:
        return "the header once more, left out"
    if len(cells) == 1 < len(names):
        return f"{filled[0][:60]!r} has no answers, left out"
    return None


def _full(cells: Sequence[str], names: Sequence[str]) -> tuple[list[str], str]:
    """A row as long as the header, where only unnamed or blank cells differ; else the fault."""
    missing = names[len(cells) :]
    if any(cell.strip() for cell in cells[len(names) :]) or not all(name.startswith("(column ") for name in missing):
        return [], f"{len(cells)} cells, the header has {len(names)}"
    return [*cells[: len(names)], *[""] * len(missing)], ""


def _summary(row: Sequence[str], names: Sequence[str], alignment: Alignment) -> str:
    """The word of a row of totals or means, in a column that names the person or before the first genre; else ""."""
    lead = leading_cells(row, names, alignment)
    return next((cell.strip() for cell in lead if is_summary(cell)), "")


def leading_cells(row: Sequence[str], names: Sequence[str], alignment: Alignment) -> list[str]:
    """Cells of the columns that name the person, and of those before the first genre."""
    genres = set(alignment.columns)
    first = next(place for place, name in enumerate(names) if name in genres)
    return [cell for place, cell in enumerate(row) if place < first or names[place] in alignment.id_columns]


def _name(row: Sequence[str], alignment: Alignment, places: dict[str, int]) -> str:
    if len(alignment.id_columns) == 1:
        return row[places[alignment.id_columns[0]]]
    return " ".join(filter(None, (row[places[name]].strip() for name in alignment.id_columns)))


def _number(cell: str, words: Words) -> str:
    value = words.values.get(cell, number_of(cell))
    return "" if value is None or math.isnan(value) else repr(value)
