"""State of the working set: which masks a person has reviewed, and how unsure each proposed mask is."""

import csv
import io
import json
import re
from collections.abc import Iterable
from pathlib import Path

from common.errors import UserError
from common.files import read_plain, write_csv, write_text
from masks.sets.naming import MASKS_CORRECTED, MASKS_INITIAL

REVIEWED = "reviewed.json"
PROPOSALS = "proposals.csv"


def read_reviewed(folder: Path) -> set[str]:
    """Read the numbers of the frames whose masks a person has reviewed, in the training folder `folder`.

    Raises:
        UserError: the file is damaged.
    """
    path = folder / MASKS_CORRECTED / REVIEWED
    if not path.exists():
        return set()
    try:
        numbers = json.loads(read_plain(path))["reviewed"]
        if not isinstance(numbers, list) or not all(re.fullmatch("[0-9]+", number) for number in numbers):
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        remedy = "repair it, or delete it and mark the frames as reviewed again in step 3"
        raise UserError(f'{path}: damaged, it should hold {{"reviewed": ["00", "01"]}}; {remedy}') from error
    return set(numbers)


def write_reviewed(folder: Path, numbers: Iterable[str]) -> None:
    """Write the numbers of the reviewed frames, atomically."""
    text = json.dumps({"reviewed": sorted(numbers, key=lambda number: (int(number), number))})
    write_text(folder / MASKS_CORRECTED / REVIEWED, text + "\n")


def write_proposals(masks: Path, unsureness: dict[str, float], method: str) -> None:
    """Write proposals.csv: how unsure each proposed mask is and which method proposed it.

    Args:
        masks: the folder of the proposed masks.
        unsureness: 0 (sure) to 1 (a guess), by frame number.
        method: name of the method.
    """
    rows = [(number, f"{value:.4f}", method) for number, value in unsureness.items()]
    write_csv(masks / PROPOSALS, [("frame", "unsureness_0_1", "method"), *rows])


def read_unsureness(folder: Path) -> dict[str, float]:
    """Read the unsureness of each proposed mask, 0 to 1, by frame number; empty if step 2 has not run.

    Raises:
        UserError: the file is damaged.
    """
    path = folder / MASKS_INITIAL / PROPOSALS
    if not path.exists():
        return {}
    try:
        table = csv.DictReader(io.StringIO(read_plain(path), newline=""))
        unsureness = {row["frame"]: float(row["unsureness_0_1"]) for row in table}
        if not table.fieldnames or not all(n and 0 <= value <= 1 for n, value in unsureness.items()):
            raise ValueError
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        raise UserError(f"{path}: damaged; run step 2 again to write a new one, or delete it") from error
    return unsureness
