"""Contact sheets: all pets on pages, each with its person's name and cosine."""

import functools
import itertools
import math
import re
from pathlib import Path

from common.grids import picture_grid
from common.images import read_image, write_png
from pet.choosing.choice_table import read_choices
from pet.drawing.picture_batch import Job

PAGE_PX = 2560  # width that the tiles of a page share


def write_contact_sheets(choices: Path, job: Job, tiles: int) -> list[Path]:
    """Write pages of at most `tiles` pets into the job's folder; older pages beyond the last are removed."""
    rows = enumerate(read_choices(choices), 1)
    people = ((pet, choice) for row, (_, choice) in rows if (pet := job.pet(row, choice.user)).is_file())
    written: list[Path] = []
    while page := list(itertools.islice(people, tiles)):
        columns = min(20, math.ceil(math.sqrt(1.5 * len(page))))
        path = job.folder / f"contact_sheet_{len(written) + 1:02d}.png"
        sheet = picture_grid(
            [functools.partial(read_image, file) for file, _ in page],
            [f"{' '.join(choice.user.split())}\n{choice.score:.2f}" for _, choice in page],
            columns,
            tile_px=min(384, PAGE_PX // columns, job.size_px),
            title="Pets for music tastes",
            footer="Cosine between taste and pet; 1 is perfect.",
        )
        write_png(path, sheet)
        written.append(path)
    for path in job.folder.glob("contact_sheet_*.png"):
        if path not in written and re.fullmatch(r"contact_sheet_\d{2,}\.png", path.name):
            path.unlink()
    return written
