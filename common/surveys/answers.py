"""Answers in words: cells become numbers by a documented vocabulary, or are asked about once a word."""

import difflib
import functools
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from common.genres import plain, turns_the_sense
from common.surveys.answer_words import FAMILIES, MONTHS, NO_ANSWER, NOUNS, ORDINALS, TICKS, UNITS
from common.surveys.scales import Scale, ask_two_readings

_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)(e[+-]?\d+)?", re.IGNORECASE)
_OUT_OF = re.compile(r"\s*(?:/|\b(?:out of|of|de|von|sur|su|di|van|em)\b)\s*(\d+)$", re.IGNORECASE)
_LABELLED = re.compile(r"[(\[]?(-?\d+(?:[.,]\d+)?)[)\]]?\s*(?:[-–—:=.)(]\s*|\s+)?([^\d]*)")
_LABEL_FIRST = re.compile(r"([^\d()\[\]]*[^\W\d_][^\d()\[\]]*)(?:[(\[](-?\d+)[)\]]|\s[-–—:=]\s*(\d+))")
_THOUSANDS = re.compile(r"[1-9]\d{0,2}([ '’]\d{3})+")  # "1 234", "1'234"
_DATE = re.compile(r"\d{4}-\d\d-\d\d.*|\d{1,2}[/.-]\d{1,2}([/.-]\d{2,4})?|\d{1,2}:\d\d(:\d\d)?")
_TONES = re.compile("[\u200b\u200d\u2060\ufeff\ufe0f\u20e3\U0001f3fb-\U0001f3ff♀♂]")  # invisible, or of an emoji's look
_TYPING_ERROR = 0.85  # likeness of a mistyped word to the one that was meant


@functools.lru_cache(1 << 16)
def clean(cell: str) -> str:
    """A cell without marks of markup and looks: "<b>4</b>", "'4", "4️⃣" are "4"."""
    text = _TONES.sub("", unicodedata.normalize("NFKC", re.sub(r"</?\w+[^<>]*>", "", cell))).strip()
    return text[1:] if re.match(r"['’][\d.,-]", text) else text


def _key(text: str) -> str:
    """A word as it is compared: as `plain()` leaves it, or as it is where nothing would be left (emoji, 好き)."""
    return plain(text) or clean(text)


_LEVELS = {
    family: {_key(phrase): place for place, level in enumerate(levels) for phrase in level.split(",")}
    for family, (levels, _) in FAMILIES.items()
}
_NO_ANSWER = frozenset(map(plain, NO_ANSWER))


@functools.lru_cache(1 << 16)
def is_no_answer(cell: str) -> bool:
    """Whether a cell is blank, or dashes or dots, or says "don't know"."""
    text = clean(cell)
    if set(text) <= set("-–—−.…?_ ") or text in ("🤷", "/", "./."):
        return True
    return plain(text) in _NO_ANSWER or ("/" in text and all(plain(part) in _NO_ANSWER for part in text.split("/")))


@functools.lru_cache(1 << 16)
def number_of(cell: str) -> float | None:
    """The number of a cell: "3,5", "80 %", "５", "5 (molt)", "molt (5)", "4/5", "4 out of 5"; None for a word."""
    text = clean(cell).removesuffix("%").strip().replace("\u2212", "-")
    if text and set(text) <= {"★", "☆", "⭐"}:
        return float(text.count("★") + text.count("⭐"))
    if _is_counted(text):
        return float(len(text))
    if _THOUSANDS.fullmatch(text):
        text = re.sub("[ '’]", "", text)
    if not _NUMBER.fullmatch(text):
        found = _labelled_number(text)
        if found is None:
            return None
        text = found
    number = float(text.replace(",", "."))
    return number if math.isfinite(number) else None


def _is_counted(text: str) -> bool:
    """Whether a text is one sign several times, as "❤❤❤"."""
    return len(text) > 1 and text == text[0] * len(text) and unicodedata.category(text[0]) == "So"


def _labelled_number(text: str) -> str | None:
    """The number of "5 (molt)", "molt (5)" or "4/5"."""
    whole = _OUT_OF.search(text)
    if whole:
        part = text[: whole.start()].strip()
        return part if _NUMBER.fullmatch(part) and float(part.replace(",", ".")) <= float(whole[1]) else None
    first = _LABEL_FIRST.fullmatch(text)
    if first:
        return None if plain(first[1]) in MONTHS else first[2] or first[3]
    labelled = _LABELLED.fullmatch(text)
    if labelled is None or plain(labelled[2]) in MONTHS:  # a spreadsheet turns "1-5" into "01-May"
        return None
    says = any(c.isalpha() or unicodedata.category(c) == "So" for c in labelled[2]) or text[0] in "(["
    return labelled[1] if says else None


def out_of(cell: str) -> float | None:
    """The 5 of "4/5"."""
    found = _OUT_OF.search(clean(cell))
    return float(found[1]) if found and number_of(cell) is not None else None


def unit_of(cell: str) -> int | None:
    """Seconds of the unit of time in "2 hours"; None where there is none."""
    labelled = _LABELLED.fullmatch(clean(cell))
    return UNITS.get(plain(labelled[2])) if labelled and number_of(cell) is not None else None


def is_ordinal(cell: str) -> bool:
    """Whether a cell is a place, "1st" or "2.º"."""
    found = re.fullmatch(r"\d+\s*\.?\s*([a-zèé]+)", clean(cell), re.IGNORECASE)
    return found is not None and plain(found[1]) in ORDINALS


def looks_like_date(cell: str) -> bool:
    """Whether a cell is a date or a time, as spreadsheets make of "1-5"."""
    text = clean(cell)
    return bool(_DATE.fullmatch(text)) or any(word in MONTHS for word in plain(text).split())


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
        name, _, meaning = part.rpartition("=")
        said[_key(name)] = meaning.strip()
    meant = {text: said.get(_key(text), text) for texts in cells.values() for text in texts}
    numbers = {text: number_of(cell) for text, cell in meant.items() if cell}
    counted = {symbol[0] for symbol in map(clean, meant) if _is_counted(symbol)}
    numbers |= {text: 1.0 for text, cell in meant.items() if clean(cell) in counted}
    table = _Table(meant, numbers, *_families(meant[text] for text, number in numbers.items() if number is None))
    unknown: dict[str, str] = {}
    return {column: _read_column(column, texts, table, unknown) for column, texts in cells.items()}, unknown


@dataclass(frozen=True)
class _Table:
    """What holds for all questions.

    Attributes:
        meant: text of a cell -> what it means, by the user.
        numbers: text of a cell -> its number, None for a word; those without an answer are absent.
        families: families of words, those first that have all words of the table.
        scales: the scale of each family: the first in use that has all levels that occur in the table.
    """

    meant: dict[str, str]
    numbers: dict[str, float | None]
    families: list[str]
    scales: dict[str, tuple[int, ...]]


def _level(family: str, text: str) -> int | None:
    """The level of a word; of "Molt / Mucho" that of both, where they agree."""
    levels, key = _LEVELS[family], _key(text)
    if key in levels:
        return levels[key]
    stem, _, noun = key.rpartition(" ")
    if noun in NOUNS:
        return levels.get(stem)
    parts = {levels.get(_key(part)) for part in re.split(r"[/|]", text)}
    return parts.pop() if len(parts) == 1 and "/" in text.replace("|", "/") else None


def _families(words: Iterable[str]) -> tuple[list[str], dict[str, tuple[int, ...]]]:
    words, scales, missed = set(words), {}, {}
    for family, (_, known) in FAMILIES.items():
        found = [_level(family, word) for word in words]
        levels = {level for level in found if level is not None}
        missed[family] = found.count(None)
        scales[family] = next((scale for scale in known if levels <= set(scale)), known[-1])
    return sorted(FAMILIES, key=lambda family: missed[family] > 0), scales


def _read_column(column: str, texts: Counter[str], table: _Table, unknown: dict[str, str]) -> Words:
    values = {text: table.numbers.get(text, float("nan")) for text in texts}
    words = [text for text, number in values.items() if number is None]
    numbers = {text: number for text, number in values.items() if number is not None}
    if words and all(clean(table.meant[text]) in TICKS for text in words) and not set(numbers.values()) - {0.0, 1.0}:
        return Words(numbers | dict.fromkeys(words, 1.0), Scale(0, 1), "tick")
    signs = bool(words) and all(_level("signs", table.meant[text]) is not None for text in words)
    if signs and set(numbers.values()) == {0.0}:  # "-", "0", "+"
        words, numbers = [*words, *numbers], {}
    family = max(table.families, key=lambda f: sum(_level(f, table.meant[word]) is not None for word in words))
    strange = [text for text in words if _level(family, table.meant[text]) is None]
    if not words or 2 * len(strange) >= len(words) or not all(map(math.isnan, numbers.values())):
        for text in words:
            unknown.setdefault(text, column)
        percent = bool(numbers) and all("%" in text for text in numbers)
        return Words(numbers, Scale(0, 100) if percent else None)
    for text in strange:
        unknown.setdefault(text, column)
    scale = table.scales[family]
    for text in words:
        level = _level(family, table.meant[text])
        numbers[text] = float(scale.index(level)) if level in scale else float("nan")
    order = " < ".join(FAMILIES[family][0][place].split(",")[0] for place in scale)
    return Words(numbers, Scale(0, len(scale) - 1), order)


def likely_meant(word: str) -> str:
    """The known answer that a word is when mistyped; "" where it resembles none."""
    known = {key for levels in _LEVELS.values() for key in levels if len(key) > 4}
    return (
        ""
        if _key(word) in known
        else next(iter(difflib.get_close_matches(_key(word), sorted(known), 1, _TYPING_ERROR)), "")
    )


def _parted(cell: str) -> tuple[float | None, str]:
    """Number and label of "5 (molt)" or "molt (5)"."""
    text = clean(cell)
    first, labelled = _LABEL_FIRST.fullmatch(text), _LABELLED.fullmatch(text)
    label = first[1] if first else labelled[2] if labelled else ""
    return number_of(cell), label


def reversed_by_labels(texts: Iterable[str]) -> str:
    """The scale, "5-1", where labels beside numbers say that small ones are the best: "1 (molt)", "5 (gens)"."""
    pairs = []
    for text in texts:
        number, word = _parted(text)
        level = next((found for f in FAMILIES if (found := _level(f, word)) is not None), None)
        if number is not None and level is not None:
            pairs.append((number, level))
    if len(pairs) < 2 or max(pairs)[1] >= min(pairs)[1]:
        return ""
    high = max(pairs)[0]
    return f"{high:g}-{min(1, min(pairs)[0]):g}"


# ---- scales that questions say ----


def scale_in_name(name: str) -> Scale | None:
    """The scale that a question says: "Rock (1-5)", "Valora del 1 al 10 [Rock]", "Rock (1 = love, 5 = hate)".

    Raises:
        UserError: it says "5-1", by which 1 or 5 may be the best, or labels of unknown words.
    """
    text = unicodedata.normalize("NFKC", name).casefold()
    labels = sorted((float(number), label.strip()) for number, label in _LABEL.findall(text))
    if len(labels) >= 2 and labels[0][0] in (0, 1):
        (low, least), (high, most) = labels[0], labels[-1]
        upwards = _goes_up(least, most)
        if upwards is None:
            what = f"{name!r} labels {low:g} and {high:g}"
            ask_two_readings(what, f"{low:g} = best", f"{high:g}-{low:g}", f"{high:g} = best", f"{low:g}-{high:g}")
        return Scale(low, high) if upwards else Scale(high, low)
    whole = _WHOLE.search(text)
    if whole:
        return Scale(0, int(whole[1]))
    for match in _ENDS.finditer(text):
        low_end, high_end = int(match[1]), int(match[2])
        if high_end in (0, 1) and 2 <= low_end <= 10:
            what = f"{name!r} says {low_end}-{high_end}"
            ask_two_readings(
                what, f"{high_end} = best", f"{low_end}-{high_end}", f"{low_end} = best", f"{high_end}-{low_end}"
            )
        if low_end in (0, 1) and (2 <= high_end <= 10 or high_end == 100):
            return Scale(low_end, high_end)
    return None


def says_one_is_best(name: str) -> bool:
    """Whether a question labels its small end alone, with a word for most: "Rock (1 = best)"."""
    labels = _LABEL.findall(unicodedata.normalize("NFKC", name).casefold())
    if len(labels) != 1 or int(labels[0][0]) > 1:
        return False
    found = [(level, family) for family in FAMILIES if (level := _level(family, labels[0][1])) is not None]
    return any(2 * level > max(_LEVELS[family].values()) for level, family in found)


def _goes_up(least: str, most: str) -> bool | None:
    """Whether the second label is more than the first; None where the words do not say it."""
    for family in FAMILIES:
        levels = _level(family, least), _level(family, most)
        if None not in levels and levels[0] != levels[1]:
            return (levels[0] or 0) < (levels[1] or 0)
    turned = turns_the_sense(least), turns_the_sense(most)
    return turned[0] if turned[0] != turned[1] else None


_TO = r"-|–|—|…|\.{2,3}|to|al?|à|bis(?: zu)?|fins a|até|hasta"
_ENDS = re.compile(rf"(?<![\w.])(\d{{1,3}})\s*(?:{_TO})\s*(\d{{1,3}})(?![\w.])")
_WHOLE = re.compile(r"(?:\bout of|\bsur|\bsobre|\bvon|\bsu|\bvan de|/)\s*(10|20|100)(?![\w.])")
_LABEL = re.compile(r"(?<![\w.])(\d{1,3})\s*[=:]\s*([^\d,;/)\]]+)")
