r"""Syntax of weighted prompts, as in the Stable Diffusion web interfaces.

"(words:1.3)" multiplies the weight of the words by 1.3, "(words)" by 1.1. Brackets nest. A backslash makes `\(`, `\)`,
`\:` and `\\` plain text; square brackets are plain text.
"""

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from common.errors import UserError

BRACKET_FACTOR = 1.1
HEAVIEST = 3.0  # largest weight; pictures degrade well below
MOST_CHARACTERS = 20_000

_SYNTAX = re.compile(r"\\([\\():])|(\()|(?::([^():\\]*))?(\))|([^\\():]+|[:\\])")


@dataclass(frozen=True)
class Phrase:
    """Words of a prompt that share one weight.

    Attributes:
        text: the words, with brackets and colons unescaped.
        weight: 1 is plain text, 0 as if the words were missing.
        personal: whether the words describe the person; these need consent to enter a picture's metadata.
    """

    text: str
    weight: float = 1.0
    personal: bool = False

    def __str__(self) -> str:
        """The phrase in prompt syntax, "(leather jacket:1.3)"; `parse_prompt` reads it."""
        escaped = re.sub(r"([\\():])", r"\\\1", self.text)
        return escaped if self.weight == 1 else f"({escaped}:{self.weight:g})"


def parse_prompt(text: str) -> list[Phrase]:
    """Parse a prompt into phrases, whose joined texts are the prompt without its syntax.

    Adjacent words of equal weight form one phrase; weights are rounded to 4 decimals.

    Raises:
        UserError: unbalanced brackets, a colon without a weight before a closing bracket, a weight outside 0 to
            HEAVIEST, or more than MOST_CHARACTERS.
    """
    if len(text) > MOST_CHARACTERS:
        raise UserError(f"the prompt has {len(text)} characters; shorten it to {MOST_CHARACTERS}")
    pieces: list[tuple[str, float]] = []
    opened: list[tuple[int, int]] = []  # position in the text, pieces before it
    for match in _SYNTAX.finditer(text):
        escaped, opening, number, closing, plain = match.groups()
        if opening:
            opened.append((match.start(), len(pieces)))
        elif closing:
            if not opened:
                raise _fault(text, match.start(), "a closing bracket has no opening one")
            factor = BRACKET_FACTOR if number is None else _read_weight(text, match.start(), number)
            _, first = opened.pop()
            pieces[first:] = [(words, weight * factor) for words, weight in pieces[first:]]
        else:
            pieces.append((escaped or plain, 1.0))
    if opened:
        raise _fault(text, opened[-1][0], "a bracket is never closed")
    if not all(weight <= HEAVIEST for _, weight in pieces):
        raise UserError(f"prompt: nested brackets multiply to a weight above {HEAVIEST:g}, the largest allowed")
    return join_pieces((words, round(weight, 4)) for words, weight in pieces)


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
        rf"prompt, character {position + 1}: {what}, at {place!r}; write (words:1.3), and \( \) \: for plain characters"
    )


def join_pieces(pieces: Iterable[tuple[str, float]]) -> list[Phrase]:
    """Join adjacent (text, weight) pieces of equal weight into phrases."""
    groups = itertools.groupby(pieces, key=lambda piece: piece[1])
    return [Phrase("".join(words for words, _ in group), weight) for weight, group in groups]
