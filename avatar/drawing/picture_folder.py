"""Files of drawn avatars: a folder of pictures with captions for training, and a contact sheet."""

import csv
import functools
import io
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from avatar.drawing.avatars import Attributes, caption, draw_attributes, draw_avatar
from avatar.drawing.palette import Style
from common.files import write_text
from common.grids import picture_grid
from common.images import write_png

TABLE = "attributes.csv"


def character(seed: int, number: int) -> tuple[Attributes, np.random.Generator]:
    """Character number `number` of a seed, and the random generator of its captions."""
    rng = np.random.default_rng((seed, number))
    return draw_attributes(rng), rng


def write_picture_folder(folder: Path, *, seed: int, count: int, size_px: int, style: Style) -> None:
    """Write NAME.png, caption NAME.txt and alpha mask masks/NAME.png of each avatar, and a table of all attributes.

    Captions do not name the style: a LoRA learns what the captions leave unexplained, and then draws it for any prompt.

    Raises:
        UserError: the folder cannot be written.
    """
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(["name", *(field.name for field in fields(Attributes))])
    for number in tqdm(range(count), desc="drawing", unit="avatar"):
        attributes, rng = character(seed, number)
        name = f"{number:06d}"
        picture, mask = draw_avatar(attributes, size_px, style)
        write_png(folder / f"masks/{name}.png", Image.fromarray(mask), compress_level=1)
        write_text(folder / f"{name}.txt", caption(attributes, rng) + "\n")
        write_png(folder / f"{name}.png", Image.fromarray(picture), compress_level=1)
        rows.writerow([name, *asdict(attributes).values()])
    write_text(folder / TABLE, table.getvalue())


def contact_sheet(*, seed: int, count: int, size_px: int, style: Style, columns: int) -> Image.Image:
    """Sheet of the first characters of a seed, labelled with garment and one more attribute."""
    tiles: list[Image.Image | Callable[[], Image.Image]] = []
    labels = []
    for number in range(count):
        look, _ = character(seed, number)
        worn = [kind for kind in (look.headwear, look.jewellery, look.glasses) if kind != "none"]
        tiles.append(functools.partial(_picture, look, size_px, style))
        labels.append(f"{look.garment}\n{worn[0] if worn else look.hair}")
    return picture_grid(tiles, labels, columns, size_px, title="Drawn avatars", footer=f"style {style}, seed {seed}")


def _picture(attributes: Attributes, size_px: int, style: Style) -> Image.Image:
    return Image.fromarray(draw_avatar(attributes, size_px, style)[0])
