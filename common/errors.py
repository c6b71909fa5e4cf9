"""Errors that a user can cause: shown as one line, never as a traceback."""

import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

FAULTS_SHOWN = 20
LINE_LETTERS = 1_000  # longest line of a message
CONTROLS = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # categories of Unicode: control, format, surrogate, line and paragraph
JOINERS = "\u200c\u200d"  # inside words of some scripts, and inside emoji


class UserError(Exception):
    """Says what is wrong, where, and what to do, in one line; the script ends with exit status 2."""


class FaultsError(UserError):
    """Several faults, one a line."""


def printable(text: str, kept: str = JOINERS) -> str:
    """Escape what could control a terminal: control characters, line ends, marks of direction, invalid letters.

    Args:
        text: anything, such as the name of somebody else's file.
        kept: characters that are not escaped although they are of these kinds.
    """
    if text.isprintable():
        return text
    return "".join(_escaped(c) if unicodedata.category(c) in CONTROLS and c not in kept else c for c in text)


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")


def message_line(text: str) -> str:
    """A printable line of a message; a long one is cut in its middle."""
    line = printable(text)
    half = LINE_LETTERS // 2
    return line if len(line) <= LINE_LETTERS else f"{line[:half]} ... {line[-half:]}"


def raise_faults(what: str, faults: Sequence[str]) -> None:
    """Raise one UserError that lists all faults of a data set together; do nothing where there are none.

    A single fault makes one line; several are listed one per line, at most FAULTS_SHOWN of them. `what` is the file
    or data set; it is empty where the caller adds it.
    """
    if not faults:
        return
    before = f"{what}: " if what else ""
    if len(faults) == 1:
        raise UserError(f"{before}{faults[0]}")
    shown = [f"  {message_line(fault)}" for fault in faults[:FAULTS_SHOWN]]
    if len(faults) > FAULTS_SHOWN:
        shown.append(f"  ... and {len(faults) - FAULTS_SHOWN} more")
    raise FaultsError("\n".join([f"{message_line(before)}{len(faults)} faults", *shown]))


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Raise UserError where a number setting is outside [low, high]."""
    if not low <= value <= high:
        raise UserError(f"setting {name} is {value}; it must be from {low} to {high}")


@contextmanager
def enough_memory(remedy: str) -> Iterator[None]:
    """Turn out-of-memory errors of NumPy, OpenCV and PyTorch into one that names a remedy.

    Raises:
        UserError: memory of the machine or its GPU is full.
    """
    try:
        yield
    except Exception as error:
        by_a_library = isinstance(error, RuntimeError) or type(error).__module__ == "cv2"
        if not isinstance(error, MemoryError) and not (by_a_library and "memory" in str(error).lower()):
            raise
        raise UserError(f"not enough memory; {remedy}") from error
