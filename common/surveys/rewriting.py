"""Tables that pyarrow cannot read as numbers are written once more, plainly: words as numbers, rows of full length."""

import csv
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from common.errors import UserError, raise_faults
from common.surveys.alignment import Alignment
from common.surveys.answers import Words, is_no_answer, number_of, out_of, read_words, reversed_by_labels
from common.surveys.readers import is_summary
from common.surveys.scales import NEGATIVE, NEGATIVE_CODES, Scale
from common.surveys.shapes import Rows

MOST_NOTES = 20
MOST_TEXTS = 20_000  # different texts of a question; more are no answers


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
    _ask_about_wholes(texts, scale)
    for name, counts in texts.items():
        negative = {text for text in counts if (number_of(text) or 0) < 0 and number_of(text) not in NEGATIVE_CODES}
        if not scale.strip().startswith("-"):
            faults += [f"{first[text]}, column {name!r}: {text.strip()} {NEGATIVE}" for text in sorted(negative)]
    words, unknown = read_words(texts, own)
    faults += [
        f"{first[word]}, column {column!r}: {word!r} is no number and no known answer; set "
        f"--answers '{word}=NUMBER' (no NUMBER: no answer), or --columns '{column}=' if the column is no genre"
        for word, column in unknown.items()
        if (number_of(word) or 0) >= 0
    ]
    raise_faults("", faults)
    downwards = reversed_by_labels(dict.fromkeys(text for counts in texts.values() for text in counts))
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
        if is_summary(_name(row, alignment, places)):
            seen.notes.append(f"{place}: {_name(row, alignment, places)!r} is no person, left out")
            continue
        for name in alignment.columns:
            cell = row[places[name]]
            if not is_no_answer(cell):
                seen.texts[name][cell] += 1
                seen.first.setdefault(cell, place)
        if any(len(counts) > MOST_TEXTS for counts in seen.texts.values()):
            raise UserError("a genre column has free text; leave it out by --columns 'COLUMN='")
    if not count:
        raise UserError("has a header but no rows")
    return seen


def _ask_about_wholes(texts: Mapping[str, Mapping[str, int]], scale: str) -> None:
    """Raise where some answers are out of 5 and others out of 10, as "4/5" and "8/10"."""
    wholes = {name: {whole for text in counts if (whole := out_of(text))} for name, counts in texts.items()}
    if scale != "auto" or len(set().union(*wholes.values())) < 2:
        return
    said = "; ".join(f"{name}=0-{max(found):g}" for name, found in wholes.items() if found)
    raise UserError(f"answers are out of different wholes, as 4/5 and 8/10: say --scale '{said}'")


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
            name = _name(row, alignment, places)
            if not is_summary(name):
                numbers = [_number(row[places[column]], words[column]) for column in alignment.columns]
                writer.writerow([*([name] if alignment.id_columns else []), *numbers])


def _no_person(cells: Sequence[str], names: Sequence[str]) -> str | None:
    """Why a row is no person: "" for a blank one, else what to say of it; None for a person."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    if not filled:
        return ""
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


def _name(row: Sequence[str], alignment: Alignment, places: dict[str, int]) -> str:
    if len(alignment.id_columns) == 1:
        return row[places[alignment.id_columns[0]]]
    return " ".join(filter(None, (row[places[name]].strip() for name in alignment.id_columns)))


def _number(cell: str, words: Words) -> str:
    value = float("nan") if is_no_answer(cell) else words.values[cell]
    return "" if math.isnan(value) else repr(value)
