"""Answers in words: cells become numbers by a documented vocabulary, or are asked about once a word."""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from common.genres import plain
from common.surveys.answer_words import FAMILIES, MONTHS, NO_ANSWER, TICKS
from common.surveys.scales import Scale

_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)(e[+-]?\d+)?", re.IGNORECASE)
_OUT_OF = re.compile(r"/\s*(\d+)$")
_LABELLED = re.compile(r"[(\[]?(-?\d+(?:[.,]\d+)?)[)\]]?\s*(?:[-–—:=.)(]\s*|\s+|/\s*\d+$)?([^\d]*)")


def _key(text: str) -> str:
    """A word as it is compared: as `plain()` leaves it, or as it is where nothing would be left (emoji, 好き)."""
    return plain(text) or text.strip().rstrip("\ufe0f")


_LEVELS = {
    family: {_key(phrase): place for place, level in enumerate(levels) for phrase in level.split(",")}
    for family, (levels, _) in FAMILIES.items()
}
_NO_ANSWER = frozenset(map(plain, NO_ANSWER))


def is_no_answer(cell: str) -> bool:
    """Whether a cell is blank or says "don't know"."""
    return cell.strip() in ("", "-", "--", "?") or plain(cell) in _NO_ANSWER


def number_of(cell: str) -> float | None:
    """The number of a cell: "3,5", "80 %", "５", "5 (molt)", "4/5"; None where it is a word."""
    text = unicodedata.normalize("NFKC", cell).strip().strip("\u200b\ufeff").strip()
    text = text.removesuffix("%").strip().replace("\u2212", "-")
    if text and set(text) <= {"★", "☆", "⭐", "️"}:
        return float(text.count("★") + text.count("⭐"))
    labelled = _LABELLED.fullmatch(text)
    if not _NUMBER.fullmatch(text):
        if labelled is None or not (any(c.isalpha() for c in labelled[2]) or "/" in text or text[0] in "(["):
            return None
        whole = _OUT_OF.search(text)
        if plain(labelled[2]) in MONTHS or (
            whole and float(labelled[1].replace(",", ".")) > float(whole[1])
        ):  # a spreadsheet turns "1-5" into "01-May", or 5/1
            return None
        text = labelled[1]
    number = float(text.replace(",", "."))
    return number if math.isfinite(number) else None


def out_of(cell: str) -> float | None:
    """The 5 of "4/5"."""
    found = _OUT_OF.search(cell.strip())
    return float(found[1]) if found and number_of(cell) is not None else None


@dataclass(frozen=True)
class Words:
    """The meaning of the words of one question.

    Attributes:
        values: text of a cell -> its number.
        scale: scale of these numbers where words decide it, else None.
        order: the words of the scale from nothing to most, for the report.
    """

    values: dict[str, float]
    scale: Scale | None
    order: str = ""


def read_words(cells: Mapping[str, Counter[str]], own: str = "") -> tuple[dict[str, Words], dict[str, str]]:
    """Find the meaning of all texts of a table, question by question.

    Args:
        cells: column -> how often each text was given, missing answers left out.
        own: what the user says, "meh=2, lots=5, no idea=": a number, a known word, or nothing for no answer.

    Returns:
        The meaning by column; and the words that are unknown, each with the first column that has it.
    """
    said = {}
    for part in filter(str.strip, own.split(";" if ";" in own else ",")):
        name, _, meaning = part.partition("=")
        said[_key(name)] = meaning.strip()
    unknown: dict[str, str] = {}
    families = _families(cells, said)
    result = {column: _read_column(column, texts, said, families, unknown) for column, texts in cells.items()}
    return result, unknown


def _families(cells: Mapping[str, Counter[str]], said: Mapping[str, str]) -> dict[str, tuple[int, ...]]:
    """The scale of each family: the first in use that has all levels that occur in the table."""
    words = {_key(said.get(_key(text)) or text) for texts in cells.values() for text in texts}
    scales = {}
    for family, (_, known) in FAMILIES.items():
        levels = {_LEVELS[family][word] for word in words if word in _LEVELS[family]}
        scales[family] = next((scale for scale in known if levels <= set(scale)), known[-1])
    return scales


def _read_column(
    column: str,
    texts: Counter[str],
    said: Mapping[str, str],
    families: Mapping[str, tuple[int, ...]],
    unknown: dict[str, str],
) -> Words:
    meant = {text: said.get(_key(text), text) for text in texts}
    numbers = {text: number_of(cell) for text, cell in meant.items() if cell}
    words = {text: _key(meant[text]) for text, number in numbers.items() if number is None}
    values = {text: number for text, number in numbers.items() if number is not None}
    values |= {text: float("nan") for text, cell in meant.items() if not cell}
    if words and all(meant[text].strip() in TICKS for text in words) and not set(values.values()) - {0.0, 1.0}:
        return Words(values | dict.fromkeys(words, 1.0), Scale(0, 1), "tick")
    family = next((f for f in FAMILIES if words and all(w in _LEVELS[f] for w in words.values())), None)
    if family is None or not all(map(math.isnan, values.values())):
        for text in words:
            unknown.setdefault(text, column)
        percent = bool(values) and all("%" in text for text in values)
        return Words(values, Scale(0, 100) if percent else None)
    scale = families[family]
    for text, word in words.items():
        values[text] = float(scale.index(_LEVELS[family][word]))
    order = " < ".join(FAMILIES[family][0][place].split(",")[0] for place in scale)
    return Words(values, Scale(0, len(scale) - 1), order)


def reversed_by_labels(texts: Iterable[str]) -> str:
    """The scale, "5-1", where labels beside numbers say that small ones are the best: "1 (molt)", "5 (gens)"."""
    pairs = []
    for text in texts:
        labelled = _LABELLED.fullmatch(text.strip())
        word = _key(labelled[2]) if labelled else ""
        level = next((levels[word] for levels in _LEVELS.values() if word in levels), None)
        if labelled and level is not None:
            pairs.append((float(labelled[1].replace(",", ".")), level))
    if len(pairs) < 2 or max(pairs)[1] >= min(pairs)[1]:
        return ""
    high = max(pairs)[0]
    return f"{high:g}-{min(1, min(pairs)[0]):g}"
