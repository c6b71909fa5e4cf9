"""Scales of answers: found from how often each value was given, with the values that stand for no answer.

What the counts do not decide is asked: a UserError names the readings and the setting that chooses each.
"""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from common.errors import UserError
from common.genres import plain
from common.surveys.asking import setting

SCALES = ("0-1", "0-3", "0-5", "1-5", "1-7", "0-10", "1-10", "0-100")
CODES = (66, 77, 88, 97, 98, 99, 666, 777, 888, 997, 998, 999, 9999)  # "don't know", "no answer"
SHORT_CODES = (8, 9)  # the same where the scale ends at 5
NEGATIVE_CODES = (-1, -7, -8, -9, -66, -77, -88, -97, -98, -99, -999)
NEGATIVE = "is negative; a scale from -2 to 2 is said by --scale=-2-2"
GRADE_WORDS = frozenset("schulnote schulnoten zensur zensuren benotung benote".split())
ROMANCE_WORDS = frozenset(
    "nom prenom sur du le la les quelle votre vos ta tes donnez notez musique musiques nome voto di".split()
)
GERMAN_WORDS = frozenset(
    """klassik klassisch klassische volksmusik schlager deutschrap zeitstempel vorname nachname alter geschlecht wie
    bewertung bewerte bewerten musikrichtung musikrichtungen elektronisch elektronische elektronik weltmusik blasmusik
    volkstumliche und horst hore magst welche benutzer teilnehmer lieblingsmusik rockmusik popmusik deutschrock
    liedermacher""".split()
)
FEW = 3  # so often a value is given by chance
TOPS = (1, 3, 5, 7, 10)  # ends of scales below the longest one
APART, DOUBTFUL = 20, 8  # expected answers above the end of a question, had it the scale of another: none is no chance
NEARLY_ALL = 0.8  # of a question's answers
PILED_UP = 0.5  # answers at the end of a scale, where it is one, at least, beside an average value


@dataclass(frozen=True)
class Scale:
    """The answers for nothing and for most, which become 0 and 1; `low` above `high` is a reversed scale."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:.10g}-{self.high:.10g}"

    @property
    def ends(self) -> tuple[float, float]:
        """The smaller and the larger answer."""
        return min(self.low, self.high), max(self.low, self.high)


def parse_scale(text: str) -> Scale:
    """Read "1-5", "-2-2", or "5-1" where 1 is the best answer.

    Raises:
        UserError: not LOW-HIGH, two different numbers, from 0 up or from -HIGH.
    """
    match = re.fullmatch(r"\s*(-?\d+(?:\.\d+)?)\s*-\s*(-?\d+(?:\.\d+)?)\s*", text, re.ASCII)
    scale = Scale(float(match[1]), float(match[2])) if match else Scale(0, 0)
    low, high = scale.ends
    if low == high or not np.isfinite(scale.ends).all() or (low < 0 and low != -high):
        raise UserError(f"scale {text!r} is not LOW-HIGH, such as {', '.join(SCALES)}, or 5-1 where 1 is the best")
    return scale


def detect_scale(low: float, high: float, whole: bool) -> Scale:
    """The usual scale that fits answers from `low` to `high`.

    Whole answers that reach exactly from 1 to 7 or to 10 are a 1-7 or 1-10 scale; answers from 1 up that end by 5 a 1-5
    scale (also 1 to 3: a sample in which nobody answered more). Everything else starts at 0 and ends at the next of
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
    if low == 1 and high in (7, 10) and whole:
        return Scale(1, high)
    return Scale(0, next(top for top in (3, 5, 10, 100) if high <= top and (whole or top != 3)))


@dataclass
class Reading:
    """What the counts of a table's answers say.

    Attributes:
        scale: scale of all questions.
        sure: whether the scale was given, or follows from the answers.
        missing: values that count as no answer.
        outliers: values far from all others, or outside the scale.
    """

    scale: Scale
    sure: bool = True
    missing: set[float] = field(default_factory=set)
    outliers: set[float] = field(default_factory=set)


def read_counts(
    counts: Mapping[float, int], wanted: str = "auto", missing: str = "auto", *, german: bool = False
) -> Reading:
    """Find the scale of answers, what stands for no answer, and what cannot be an answer.

    Args:
        counts: how often each value was given.
        wanted: "auto", or the scale as the user gives it.
        missing: "auto", "none", or the values that count as no answer, "0, 99".
        german: whether answers from 1 to 6 may be school grades, of which 1 is the best.

    Raises:
        UserError: two readings are possible; or no usual scale fits.
    """
    said = Scale(0, 1) if wanted == "auto" else parse_scale(wanted)
    gone = _parse_missing(missing)
    left = Counter({value: count for value, count in counts.items() if value not in gone})
    if missing == "auto":
        gone |= _codes(left) if wanted == "auto" else _codes_outside(left, said)
    core = {value: count for value, count in left.items() if value not in gone}
    if wanted != "auto":
        low, high = said.ends
        return Reading(said, True, gone, {value for value in core if not low <= value <= high})
    outliers = _outliers(core)
    core = {value: count for value, count in core.items() if value not in outliers}
    if outliers or not core:
        return Reading(Scale(0, 1), False, gone, outliers)
    _ask_about_six(core, german, missing)
    _ask_where_in_doubt(core)
    low, high = min(core), max(core)
    whole = all(float(value).is_integer() for value in core)
    if low == 1 and 5 < high < 7 and whole:
        high = 7.0
    if low == 1 and 7 < high < 10 and whole:
        high = 10.0
    scale = detect_scale(low, high, whole)
    return Reading(scale, high <= 1 or low < 1 or (low == 1 and high == scale.high), gone)


def split_scales(text: str, columns: Collection[str]) -> tuple[str, dict[str, str]]:
    """Read a setting such as "1-5" or "1-5, Jazz=1-10": the scale of all questions, and of some of their own.

    Raises:
        UserError: a column that is not among `columns`, or two scales for all.
    """
    common, own = list[str](), dict[str, str]()
    for part in filter(str.strip, text.split(";" if ";" in text else ",")):
        name, equals, scale = part.rpartition("=")
        if equals and name.strip() not in columns:
            raise UserError(f"setting SCALE has no column {name.strip()!r}; the columns are {', '.join(columns)}")
        if equals:
            own[name.strip()] = scale.strip()
        else:
            common.append(scale.strip())
    if len(common) > 1:
        raise UserError(f"setting SCALE is {text!r}; it must be one scale, such as 1-5, or with COLUMN=1-10 for some")
    return common[0] if common else "auto", own


def questions_apart(counts: Mapping[str, Mapping[float, int]]) -> set[str]:
    """Questions with a shorter scale than others: many answers at its end, none above, where others have many.

    Args:
        counts: how often each value was given, by question.

    Raises:
        UserError: the answers of a question can be read in two ways.
    """
    kept = {name: _plain_answers(question) for name, question in counts.items()}
    _ask_about_ticks(kept)
    _ask_about_few(kept)
    apart = set()
    for name, own in kept.items():
        end, total = max(own, default=0), sum(own.values())
        if end not in TOPS or own[end] < FEW or not all(float(value).is_integer() for value in own):
            continue
        above = {other: _share_above(them, end) for other, them in kept.items()}
        longest = max(above, key=lambda other: above[other])
        expected = total * above[longest]
        if expected >= APART and own[end] >= PILED_UP * total / len(own):
            apart.add(name)
        elif expected >= DOUBTFUL:
            scales = detect_scale(min(own), end, True), detect_scale(*_ends(kept[longest]), True)
            raise UserError(
                f"the {total} answers of {name!r} end at {end:g}, those of {longest!r} at {max(kept[longest]):g}, "
                f"which can be read in two ways: {setting('scale', f'{name}={scales[0]}')} or --scale {scales[1]} "
                "(all questions)"
            )
    return apart


def _ask_about_ticks(counts: Mapping[str, Mapping[float, int]]) -> None:
    """Raise where some questions have few answers, all 0 or 1, and all others go from 1 up: ticks beside ratings."""
    ticks = [name for name, own in counts.items() if 0 in own and set(own) <= {0, 1} and max(own.values()) < FEW]
    others = Counter[float]()
    for name, own in counts.items():
        others.update({} if name in ticks else own)
    if len(ticks) > 1 and others and min(others) >= 1 and max(others) >= 3:
        scale = detect_scale(*_ends(others), all(value.is_integer() for value in others))
        own_scales = setting("scale", str(scale), *(f"{name}=0-1" for name in ticks))
        raise UserError(
            f"the answers of {', '.join(map(repr, ticks))} are 0 or 1, all others go from {min(others):g} to "
            f"{max(others):g}, which can be read in two ways: {own_scales} (ticks) or --scale 0-"
            f"{detect_scale(0, max(others), True).high:g} (all questions)"
        )


def _ask_about_few(counts: Mapping[str, Mapping[float, int]]) -> None:
    """Raise where some questions have few answers, all from 1 to 10, and others nearly all above 10: two scales."""
    short = {
        name: own
        for name, own in counts.items()
        if own and min(own) >= 1 and max(own) <= 10 and 1 < sum(own.values()) < APART
        and all(value.is_integer() for value in own)
    }  # fmt: skip
    long = {name: own for name, own in counts.items() if name not in short and own}
    if not short or not long or min(_share_above(own, 10) for own in long.values()) < NEARLY_ALL:
        return
    top = max(max(own) for own in short.values())
    most = max(max(own) for own in long.values())
    low, high = detect_scale(1, top, True), Scale(0, 100) if most <= 100 else Scale(0, float(np.ceil(most)))
    own_scales = [*(f"{name}={low}" for name in short), *(f"{name}={high}" for name in long)]
    raise UserError(
        f"the answers of {', '.join(map(repr, short))} end at {top:g}, those of {', '.join(map(repr, long))} at "
        f"{most:g}, which can be read in two ways: {setting('scale', *own_scales)} or --scale {high} (all questions)"
    )


def _plain_answers(counts: Mapping[float, int]) -> dict[float, int]:
    codes = _codes(counts)
    return {value: count for value, count in counts.items() if value >= 0 and value not in codes}


def _share_above(counts: Mapping[float, int], end: float) -> float:
    return sum(count for value, count in counts.items() if value > end) / max(1, sum(counts.values()))


def _ends(counts: Mapping[float, int]) -> tuple[float, float]:
    return min(counts), max(counts)


def _parse_missing(text: str) -> set[float]:
    if text.strip().lower() in ("auto", "none", ""):
        return set()
    try:
        return {float(part) for part in re.split(r"[,;\s]+", text.strip())}
    except ValueError as error:
        raise UserError(f"setting MISSING is {text!r}; it must be auto, none, or numbers such as 0, 99") from error


def _codes(counts: Mapping[float, int]) -> set[float]:
    """Values for "don't know": a usual code, parted by a gap from at least two other answers."""
    answers = {v: n for v, n in counts.items() if v >= 0 and v not in CODES}
    top = max((v for v in answers if v not in SHORT_CODES), default=0)
    found = {float(v) for v in CODES if v in counts and 2 <= top <= 10 and len(answers) > 1}
    found |= {float(v) for v in CODES if v >= 666 and v in counts and len(answers) > 1 and max(answers) <= 100}
    found |= {float(v) for v in NEGATIVE_CODES if v in counts and top >= 2 and -2 not in counts}
    scale = [v for v in answers if 1 <= v <= 5]
    if len(scale) >= 4 and top <= 5 and 9 in answers and 0 not in answers:
        found |= {float(v) for v in SHORT_CODES if v in answers}
    kept = {v: n for v, n in answers.items() if v not in found}
    zeros, ones, high = kept.get(0, 0), kept.get(1, 0), max(kept, default=0)
    often = 2 if high in (5, 7) else 4
    if zeros and high in (4, 5, 7, 10) and zeros * often <= ones and all(float(v).is_integer() for v in kept):
        found.add(0.0)
    return found


def _codes_outside(counts: Mapping[float, int], scale: Scale) -> set[float]:
    """Usual codes outside the scale that the user gives, where most answers are inside."""
    low, high = scale.ends
    outside = {v: n for v, n in counts.items() if not low <= v <= high}
    known = {v for v in outside if v in (0, *CODES, *SHORT_CODES, *NEGATIVE_CODES)}
    inside = sum(n for v, n in counts.items() if v not in outside)
    return known if 2 * sum(outside[v] for v in known) <= inside else set()


def _outliers(counts: Mapping[float, int]) -> set[float]:
    """Negative values; few values above 10 where all others are at most 10; a few above 1 among many 0 and 1."""
    negative = {value for value in counts if value < 0}
    for limit, least in ((10, 4), (1, 10)):
        above = {v: n for v, n in counts.items() if v > limit and (limit > 1 or v > 3)}
        others = {v: n for v, n in counts.items() if 0 <= v <= limit}
        few = sum(above.values()) <= max(2, 0.05 * sum(counts.values()))
        if (
            above
            and few
            and (len(others) >= 3 or (limit == 1 and {0.0, 1.0} <= set(others)))
            and sum(above.values()) * least <= sum(others.values())
            and len(above) + len(others) + len(negative) == len(counts)
            and (limit == 1 or max(others) * 3 < min(above))
        ):
            return negative | set(above)
    return negative


def _ask_where_in_doubt(counts: Mapping[float, int]) -> None:
    values, total = sorted(counts), sum(counts.values())
    low, high, whole = values[0], values[-1], all(float(v).is_integer() for v in values)
    if not whole:
        return
    if values == [1, 2] and total >= 4:
        ask_two_readings("all answers are 1 or 2", "1 = yes, 2 = no", "2-1", "more is better", "1-5")
    if low == 0 and high == 5 and counts[0] <= max(1, counts.get(1, 0)) and counts[0] * 10 <= total:
        raise UserError(
            "the answers go from 0 to 5, and 0 is rare: say --missing 0 if 0 means no answer on a scale from 1 to 5, "
            "or --scale 0-5"
        )
    _ask_about_short_codes(values)
    if high == 9 and 8 not in counts and low >= 1 and 5 <= values[-2] <= 7 and total >= 8:
        raise UserError(
            f"the answers go from {low:g} to {values[-2]:g}, and 9: say --missing 9 if 9 means no answer,"
            " else --scale 1-10"
        )
    if low >= 1 and 5 < high <= 10 and high != 7 and counts.get(1, 0) < FEW:
        ask_two_readings(
            f"the answers go from {low:g} to {high:g}", "from 1", "1-7" if high <= 7 else "1-10", "from 0", "0-10"
        )
    if low >= 2 and high == 7:
        ask_two_readings(f"the answers go from {low:g} to {high:g}", "from 1", "1-7", "from 0", "0-10")


def _ask_about_six(counts: Mapping[float, int], german: bool, missing: str) -> None:
    """Raise where answers go from 1 to 6: school grades, or 6 for "don't know", or a scale up to 6 or 7."""
    if (min(counts), max(counts)) != (1, 6):
        return
    if german:
        ask_two_readings("the answers go from 1 to 6", "school grades, 1 = best", "6-1", "6 = best", "1-6")
    if missing == "auto" and counts[6] and all(float(value).is_integer() for value in counts):
        raise UserError(
            "the answers go from 1 to 6: say --scale 1-6 (6 = most), --scale 6-1 (1 = most), --scale 1-7, or "
            "--missing 6 (6 = no answer)"
        )


def ask_about_grades(columns: Sequence[str], counts: Collection[float]) -> None:
    """Raise where questions ask for German school grades, and all answers are from 1 to 6."""
    asked = [name for name in columns if asks_for_grades(name, columns)]
    if asked and counts and min(counts) >= 1 and max(counts) <= 6:
        ask_two_readings(f"{asked[0]!r} may ask for school grades", "1 = best", "6-1", "6 = best", "1-6")


def asks_for_grades(name: str, columns: Sequence[str]) -> bool:
    """Whether a question asks for a German school grade; "note" is also French and Italian for a score upwards."""
    words = set(plain(name).split())
    others = set(plain(" ".join(columns)).split())
    return bool(words & GRADE_WORDS) or (bool(words & {"note", "noten"}) and not others & ROMANCE_WORDS)


def is_german(columns: Sequence[str]) -> bool:
    """Whether the questions are in German."""
    return not GERMAN_WORDS.isdisjoint(plain(" ".join(columns)).split())


def _ask_about_short_codes(values: list[float]) -> None:
    """Raise where all answers up to 5 at most were given, and then an 8 or 9 alone: 0, 1, 2, 3, 9."""
    answers = [value for value in values if value not in SHORT_CODES]
    codes = [f"{value:g}" for value in values if value in SHORT_CODES]
    if not codes or not 3 <= len(answers) <= 6 or answers != list(np.arange(answers[0], answers[0] + len(answers))):
        return
    if answers[0] in (0, 1) and answers[-1] <= 5:
        raise UserError(
            f"the answers go from {answers[0]:g} to {answers[-1]:g}, and {' and '.join(codes)}: say --missing "
            f"'{', '.join(codes)}' if that means no answer, else --scale {answers[0]:g}-10"
        )


def ask_two_readings(what: str, first: str, scale: str, second: str, other: str) -> None:
    """Raise with the two scales by which answers can be read, and what each means."""
    raise UserError(f"{what}, which can be read in two ways: --scale {scale} ({first}) or --scale {other} ({second})")


def ask_about_ranks(count: int, questions: int) -> None:
    """Raise where everybody gives each number from 1 to `count` once; the rest of the questions is blank."""
    worst = count if count == questions else count + 1  # what is not among the best ones counts as 0
    ask_two_readings(f"everybody gives each number from 1 to {count} once, as in ranks", "1 = best", f"{worst}-1",
         f"{count} = best", f"1-{count}")  # fmt: skip
