"""Matching columns with genres and answers with a scale, to get vectors in the internal order of genres."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.errors import UserError, raise_faults
from common.genres import GENRES, genres_of, plain

SCALES = ("0-1", "0-3", "0-5", "1-5", "1-7", "0-10", "0-100")
ID_NAMES = frozenset(
    re.split(
        r",\s+",
        """user, users, user id, userid, user name, username, id, uid, name, nick, nickname, person, person id, subject,
        subject id, respondent, respondent id, response id, participant, participant id, usuari, usuaria, usuaris,
        id usuari, nom, usuario, usuarios, id usuario, nombre, persona, participante""",
    )
)


# ---- columns -> genres ----


@dataclass(frozen=True)
class Alignment:
    """Which columns of a table supply which genre.

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
        """A report of what was understood and what was not."""
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
            for a column to leave out; separated by semicolons where a name has a comma. It overrides the vocabulary.

    Raises:
        UserError: a column appears twice, `own` names a column or a genre that is not there, or no column is a genre.
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
    raise_faults("", [f"column {name!r} appears twice" for name in sorted({n for n in used if used.count(n) > 1})])
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
    """The lowest and highest possible answer; they become 0 and 1."""

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
    """The usual scale that fits answers from `low` to `high`.

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


# ---- vectors ----


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
