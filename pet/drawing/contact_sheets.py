"""Contact sheets: pages of pets, each with its person's name and cosine; and all accessories with their genres."""

import functools
import itertools
import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from common.genres import GENRES
from common.grids import picture_grid
from common.images import read_image, write_png
from pet.choosing.choice_table import Choice
from pet.choosing.wardrobe import Accessory

PAGE_PX = 2560  # width that the tiles of a page share


def write_contact_sheets(
    pets: Iterable[tuple[Path, Choice]], folder: Path, size_px: int, tiles: int, *, expert: bool = False
) -> list[Path]:
    """Write pages of at most `tiles` pets into the folder; older pages beyond the last are removed.

    Args:
        pets: picture file of each person's pet, and the person's choice; missing pictures are left out.
        folder: gets `contact_sheet_01.png`, ...
        size_px: side of the pictures, which are not enlarged.
        tiles: pets per page.
        expert: write the cosine below each name.

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
            [" ".join(choice.user.split()) + (f"\n{choice.score:.2f}" if expert else "") for _, choice in page],
            columns,
            tile_px=min(384, PAGE_PX // columns, size_px),
            title="Pets for music tastes",
            footer="Cosine between taste and pet; 1 is perfect." if expert else "",
        )
        write_png(path, sheet)
        written.append(path)
    for path in folder.glob("contact_sheet_*.png"):
        if path not in written and re.fullmatch(r"contact_sheet_\d{2,}\.png", path.name):
            path.unlink()
    return written


def accessory_sheet(accessories: Sequence[Accessory]) -> Image.Image:
    """Every accessory, cut to what is visible, with its name and main genres; RGB."""
    labels = []
    for accessory in accessories:
        main = [list(GENRES)[index] for index in np.argsort(-accessory.vector)[:2] if accessory.vector[index]]
        if np.ptp(accessory.vector) == 0:
            main = ["everything" if accessory.vector.any() else "nothing"]
        labels.append(f"{accessory.name}\n{', '.join(main)}")
    pictures = [functools.partial(_cut_out, accessory.file) for accessory in accessories]
    return picture_grid(pictures, labels, 8, 224, title="Accessories and their genres")


def _cut_out(path: Path) -> Image.Image:
    """The visible part of a picture, with a margin, on a transparent square."""
    picture = read_image(path)
    part = picture.crop(picture.getbbox())
    side = round(1.15 * max(part.size))
    square = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    square.paste(part, ((side - part.width) // 2, (side - part.height) // 2))
    return square
