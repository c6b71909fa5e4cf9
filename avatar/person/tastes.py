"""Tastes in music of the users in a table, as PET reads it."""

from collections.abc import Iterator
from pathlib import Path

from common.errors import UserError
from common.genres import GENRES

NAMES_SHOWN = 12
PLAIN_TABLE = "; give that setting to pet/data.py --survey {}, and use the tastes.parquet that it writes here"


def read_tastes(path: Path) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield name and taste (0 to 1 for every genre of GENRES) of each row.

    Args:
        path: table, .csv or .parquet.

    Raises:
        UserError: lists every fault of the table; raised before the first row is yielded.
    """
    from common.surveys.survey import open_survey

    try:
        survey = open_survey(path)  # checks the whole table, so it runs here and not in the generator
    except UserError as error:
        raise type(error)(f"{error}{PLAIN_TABLE.format(path)}" if " --" in str(error) else str(error)) from error
    return (
        (name, dict(zip(GENRES, vector, strict=True)))
        for names, vectors in survey.batches()
        for name, vector in zip(names.to_pylist(), vectors.tolist(), strict=True)
    )


def find_taste(path: Path, user: str) -> dict[str, float]:
    """Return the taste of one user of a table.

    Raises:
        UserError: the table is faulty, or has no such user; the message lists some of its users.
    """
    others: list[str] = []
    for name, taste in read_tastes(path):
        if name == user:
            return taste
        if len(others) < NAMES_SHOWN:
            others.append(name)
    more = ", ..." if len(others) == NAMES_SHOWN else ""
    raise UserError(f"{path}: has no user {user!r}; it has {', '.join(others)}{more}")
