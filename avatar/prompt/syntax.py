r"""Syntax of weighted prompts, as in the Stable Diffusion web interfaces.

"(words:1.3)" multiplies the weight of the words by 1.3, "(words)" by 1.1, "[words]" by 1 / 1.1. Brackets nest. The word
BREAK starts a new chunk of the text encoders. A backslash makes `\(`, `\)`, `\[`, `\]`, `\:`, `\BREAK` and `\\` plain
text. What else such interfaces read, `<lora:...>`, `[a|b]` and `[a:b:0.5]`, is refused with the remedy.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from common.errors import UserError

BRACKET_FACTOR = 1.1
HEAVIEST = 3.0  # largest weight; pictures degrade well below
MOST_CHARACTERS = 20_000

_SYNTAX = re.compile(r"\\([\\():\[\]]|BREAK\b)|([(\[])|(?::([^\\():\[\]]*))?(\))|(\])|([^\\():\[\]]+|[:\\])")
_BREAK = re.compile(r" ?\bBREAK\b ?")
_NETWORK = re.compile(r"<(lora|lyco|hypernet):[^<>]*>", re.IGNORECASE)


@dataclass(frozen=True)
class Phrase:
    """Words of a prompt that share one weight, or a break between chunks.

    Attributes:
        text: the words, with brackets and colons unescaped; empty for a break.
        weight: 1 is plain text, 0 as if the words were missing.
        personal: whether the words describe the person; these need consent to enter a picture's metadata.
        is_break: what follows starts a new chunk of the text encoders.
    """

    text: str
    weight: float = 1.0
    personal: bool = False
    is_break: bool = False

    def __str__(self) -> str:
        """The phrase in prompt syntax, "(leather jacket:1.3)"; `parse_prompt` reads it."""
        if self.is_break:
            return " BREAK "
        escaped = re.sub(r"([\\():\[\]]|\bBREAK\b)", r"\\\1", self.text)
        return escaped if self.weight == 1 else f"({escaped}:{self.weight:g})"


class _Opened(NamedTuple):
    """An opening bracket: its position in the text, and the number of pieces before it."""

    bracket: str
    position: int
    first: int


def parse_prompt(text: str) -> list[Phrase]:
    """Parse a prompt into phrases, whose joined texts are the prompt without its syntax.

    Adjacent words of equal weight form one phrase; weights are rounded to 4 decimals.

    Raises:
        UserError: unbalanced brackets, a colon without a weight before a closing bracket, a weight outside 0 to
            HEAVIEST, more than MOST_CHARACTERS, or syntax that is not supported.
    """
    if len(text) > MOST_CHARACTERS:
        raise UserError(f"the prompt has {len(text)} characters; shorten it to {MOST_CHARACTERS}")
    _refuse_networks(text)
    pieces: list[tuple[str | None, float]] = []  # None: a break
    opened: list[_Opened] = []
    for match in _SYNTAX.finditer(text):
        escaped, opening, number, round_closing, square_closing, plain = match.groups()
        if opening:
            opened.append(_Opened(opening, match.start(), len(pieces)))
        elif round_closing or square_closing:
            first = _close(text, match.start(), "[" if square_closing else "(", opened)
            factor = 1 / BRACKET_FACTOR if square_closing else BRACKET_FACTOR
            factor = factor if number is None else _read_weight(text, match.start(), number)
            pieces[first:] = [(words, weight * factor) for words, weight in pieces[first:]]
        elif escaped:
            pieces.append((escaped, 1.0))
        else:
            if opened and opened[-1].bracket == "[" and re.search(r"[:|]", plain):
                raise _fault(text, match.start(), "[a:b:0.5] and [a|b], which change words while drawing, are not read")
            pieces += _split_at_breaks(plain)
    if opened:
        raise _fault(text, opened[-1].position, "a bracket is never closed")
    if not all(weight <= HEAVIEST for _, weight in pieces):
        raise UserError(f"prompt: nested brackets multiply to a weight above {HEAVIEST:g}, the largest allowed")
    return join_pieces((words, round(weight, 4)) for words, weight in pieces)


def _close(text: str, position: int, bracket: str, opened: list[_Opened]) -> int:
    """Remove the bracket that is closed here; returns the number of pieces before it."""
    if not opened:
        raise _fault(text, position, "a closing bracket has no opening one")
    last = opened.pop()
    if last.bracket != bracket:
        raise _fault(text, position, f"the bracket {last.bracket} is closed by one of the other kind")
    return last.first


def _refuse_networks(text: str) -> None:
    found = _NETWORK.search(text)
    if found is None:
        return
    remedy = "a prompt loads no LoRA; delete it, and set LORA of AvatarGen.py to the file and LORA_SCALE to the number"
    if found[1].lower() == "hypernet":
        remedy = "hypernetworks are not supported; delete it"
    raise UserError(f"prompt: {found[0][:40]}: {remedy}")


def _split_at_breaks(plain: str) -> Iterator[tuple[str | None, float]]:
    for number, words in enumerate(_BREAK.split(plain)):
        if number:
            yield None, 1.0
        if words:
            yield words, 1.0


def _read_weight(text: str, position: int, number: str) -> float:
    shown = number.strip()[:20]
    try:
        weight = float(number)
    except ValueError:
        raise _fault(text, position, f"the weight {shown!r} is not a number") from None
    if not 0 <= weight <= HEAVIEST:
        raise _fault(text, position, f"the weight {shown} is outside 0 to {HEAVIEST:g}")
    return weight


def _fault(text: str, position: int, what: str) -> UserError:
    place = " ".join(text[max(0, position - 15) : position + 15].split())
    return UserError(
        rf"prompt, character {position + 1}: {what}, at {place!r}; write (words:1.3), and \( \) \[ \] \: for plain text"
    )


def join_pieces(pieces: Iterable[tuple[str | None, float]]) -> list[Phrase]:
    """Join adjacent (text, weight) pieces of equal weight into phrases; the text None is a break."""
    groups = itertools.groupby(pieces, key=lambda piece: (piece[0] is None, piece[1]))
    return [
        Phrase("", is_break=True) if is_break else Phrase("".join(words or "" for words, _ in group), weight)
        for (is_break, weight), group in groups
    ]


def parts_between_breaks(phrases: Sequence[Phrase]) -> list[list[Phrase]]:
    """The phrases of each part between two breaks, one part at least; parts without words are left out."""
    parts: list[list[Phrase]] = [[]]
    for phrase in phrases:
        if phrase.is_break:
            parts.append([])
        else:
            parts[-1].append(phrase)
    return [part for part in parts if "".join(phrase.text for phrase in part).strip()] or [[]]
