"""Contact sheets: all pets on pages, each with its person's name and cosine."""

import functools
import itertools
import math
import re
from collections.abc import Iterable
from pathlib import Path

from common.grids import picture_grid
from common.images import read_image, write_png
from pet.choosing.choice_table import Choice

PAGE_PX = 2560  # width that the tiles of a page share


def write_contact_sheets(pets: Iterable[tuple[Path, Choice]], folder: Path, size_px: int, tiles: int) -> list[Path]:
    """Write pages of at most `tiles` pets into the folder; older pages beyond the last are removed.

    Args:
        pets: picture file of each person's pet, and the person's choice; missing pictures are left out.
        folder: gets `contact_sheet_01.png`, ...
        size_px: side of the pictures, which are not enlarged.
        tiles: pets per page.

    Returns:
        The pages.
    """
    people = ((file, choice) for file, choice in pets if file.is_file())
    written: list[Path] = []
    while page := list(itertools.islice(people, tiles)):
        columns = min(20, math.ceil(math.sqrt(1.5 * len(page))))
        path = folder / f"contact_sheet_{len(written) + 1:02d}.png"
        sheet = picture_grid(
            [functools.partial(read_image, file) for file, _ in page],
            [f"{' '.join(choice.user.split())}\n{choice.score:.2f}" for _, choice in page],
            columns,
            tile_px=min(384, PAGE_PX // columns, size_px),
            title="Pets for music tastes",
            footer="Cosine between taste and pet; 1 is perfect.",
        )
        write_png(path, sheet)
        written.append(path)
    for path in folder.glob("contact_sheet_*.png"):
        if path not in written and re.fullmatch(r"contact_sheet_\d{2,}\.png", path.name):
            path.unlink()
    return written
