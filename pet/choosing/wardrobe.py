"""The accessories that pets wear and their base bodies: `AccessoryDataset.csv` and its pictures."""

import unicodedata
import warnings
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from common.errors import UserError, raise_faults
from common.genres import GENRES, genres_of
from common.images import read_image
from common.paths import DATA
from common.surveys.dialects import Dialect, check_table_path, find_dialect

SLOTS = ("Head", "Torso", "Face")  # order of output columns, and of names when sets tie
NOTHING = "nothing"  # optional column: 1 for an accessory of those who like no genre
LAYERS = ("Torso", "Face", "Head")  # order of pasting onto the body
ACCESSORIES_CSV = DATA / "pet/AccessoryDataset.csv"
BODIES = DATA / "pet/Body"


@dataclass(frozen=True)
class Accessory:
    """One row of AccessoryDataset.csv; `vector` has one value from 0 to 1 for each of GENRES.

    A vector of zeros belongs to what people wear who like nothing (1 in the column NOTHING).
    """

    line: int
    name: str
    type: str
    file: Path
    vector: NDArray[np.float64]


@dataclass(frozen=True)
class Wardrobe:
    """All accessories by slot, sorted by name: where scores tie, the first name wins.

    Those without any genre, for people who like nothing, come last.
    """

    path: Path
    slots: dict[str, list[Accessory]]

    def vectors(self, slot: str) -> NDArray[np.float64]:
        """(accessories of the slot that have genres, genres) float64 in [0, 1]."""
        return np.stack([accessory.vector for accessory in self.slots[slot] if accessory.vector.any()])

    def pictures(self) -> dict[str, Path]:
        """Picture files by the accessories' names."""
        return {accessory.name: accessory.file for slot in self.slots.values() for accessory in slot}

    def find(self, name: str) -> Accessory:
        """The accessory with this name.

        Raises:
            UserError: no accessory has this name.
        """
        for accessories in self.slots.values():
            for accessory in accessories:
                if accessory.name == name:
                    return accessory
        raise UserError(f"{self.path}: has no accessory named {name!r}")


def load_wardrobe(path: Path = ACCESSORIES_CSV) -> Wardrobe:
    """Read and check AccessoryDataset.csv. Pictures are not opened here (`check_dataset` in `pet/data.py` does).

    Raises:
        UserError: every fault of the table at once, with line numbers.
    """
    accessories, faults = read_accessories(path)
    raise_faults(str(path), faults)
    by_name = sorted(accessories, key=lambda accessory: (not accessory.vector.any(), accessory.name))
    return Wardrobe(path, {slot: [a for a in by_name if a.type == slot] for slot in SLOTS})


def read_accessories(path: Path) -> tuple[list[Accessory], list[str]]:
    """All rows of AccessoryDataset.csv, and their faults.

    Raises:
        UserError: the file as a whole cannot be used (missing, no rows, columns missing, ragged).
    """
    dialect, rows = _read_rows(path)
    faults: list[str] = []
    accessories: list[Accessory] = []
    seen: dict[str, int] = {}
    for line, row in rows:
        name, kind, file = (row[column].strip() for column in ("name", "type", "file"))
        if not name:
            faults.append(f"line {line}: no name")
        elif name in seen:
            faults.append(f"line {line}: name {name!r} is already on line {seen[name]}")
        seen.setdefault(name, line)
        if kind not in SLOTS:
            faults.append(f"line {line}: type {kind!r} is not one of {', '.join(SLOTS)}")
        if not file or Path(file).is_absolute() or ".." in Path(file.replace("\\", "/")).parts:
            faults.append(f"line {line}: file {file!r} must be a path below the table's folder")
        vector, vector_faults = _read_vector(line, row, dialect)
        faults += vector_faults
        accessories.append(Accessory(line, name, kind, path.parent / file, vector))
    matched = {accessory.type for accessory in accessories if accessory.vector.any()}
    faults += [f"no accessory of type {slot} with a genre" for slot in SLOTS if slot not in matched]
    return accessories, faults


def _read_rows(path: Path) -> tuple[Dialect, list[tuple[int, dict[str, str]]]]:
    """(line number, cells by column) of every row, genre columns under their keys; raises faults of form."""
    check_table_path(path, suffixes=(".csv",))
    dialect = find_dialect(path)
    header = [_column_key(name) for name in dialect.names]
    missing = [column for column in ("name", "type", "file", *GENRES) if column not in header]
    twice = sorted({column for column in header if header.count(column) > 1})
    raise_faults(str(path), [f"no column {c!r}" for c in missing] + [f"column {c!r} appears twice" for c in twice])
    rows = list(dialect.rows(path))
    faults = [
        f"line {n}: {len(cells)} cells, the header has {len(header)}" for n, cells in rows if len(cells) != len(header)
    ]
    raise_faults(str(path), faults if rows else ["has a header but no rows"])
    return dialect, [(line, dict(zip(header, cells, strict=True))) for line, cells in rows]


def _column_key(cell: str) -> str:
    name = cell.strip()
    if name.lower() in ("name", "type", "file", NOTHING):
        return name.lower()
    genres = genres_of(name)
    return genres[0] if len(genres) == 1 else name


def _read_vector(line: int, row: dict[str, str], dialect: Dialect) -> tuple[NDArray[np.float64], list[str]]:
    vector, faults = np.zeros(len(GENRES)), []
    for index, genre in enumerate(GENRES):
        try:
            vector[index] = dialect.number(row[genre])
        except ValueError:
            vector[index] = np.nan
        if not 0 <= vector[index] <= 1:
            faults.append(f"line {line}, column {genre!r}: {row[genre]!r} is not a number from 0 to 1")
    if not faults and not vector.any() and row.get(NOTHING, "").strip() != "1":
        faults.append(f"line {line}: every genre is 0, so it matches nobody (for those who like nothing: {NOTHING} 1)")
    return vector, faults


def load_bodies(folder: Path = BODIES) -> dict[str, Path]:
    """Base bodies by name, sorted by name.

    Raises:
        UserError: the folder is missing or has no PNG.
    """
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    bodies = {path.stem: path for path in files if path.suffix.lower() == ".png"}
    if not bodies:
        raise UserError(f"{folder}: no base body (*.png) there")
    return bodies


def picture_faults(bodies: Sequence[Path], accessories: Sequence[Accessory]) -> list[str]:
    """Faults of pictures: each must open, show something, and be as large as the first body.

    Faults of accessories begin with their line in the table. A picture without transparency causes a warning.
    """
    canvas: tuple[int, int] | None = None
    faults: list[str] = []
    places = [("", path) for path in bodies] + [(f"line {a.line}: ", a.file) for a in accessories]
    for place, path in places:
        try:
            image = read_image(path)
        except UserError as error:
            faults.append(f"{place}{error}")
            continue
        canvas = canvas or image.size
        alpha = np.asarray(image.getchannel("A"))
        if image.size != canvas:
            sizes = f"{image.width} x {image.height} px, the canvas is {canvas[0]} x {canvas[1]} px"
            faults.append(f"{place}{path}: {sizes} ({places[0][1].name})")
        elif not alpha.any():
            faults.append(f"{place}{path}: nothing is visible, every pixel is transparent")
        elif alpha.all():
            warnings.warn(f"{place}{path}: no pixel is transparent, it covers what is below it", stacklevel=2)
    return faults


def check_pictures(wardrobe: Wardrobe, bodies: Sequence[Path], worn: Sequence[Accessory] | None = None) -> None:
    """Raise all faults of the bodies' pictures and those of `worn` (default: of every accessory) at once.

    Raises:
        UserError: see `picture_faults`.
    """
    everything = [accessory for slot in wardrobe.slots.values() for accessory in slot]
    raise_faults(str(wardrobe.path), picture_faults(bodies, everything if worn is None else worn))


def get_specific_file(name: str, accessories: Path = ACCESSORIES_CSV) -> tuple[Image.Image, NDArray[np.float64]]:
    """Picture (RGBA) and vector (genres,) of an accessory, by its name.

    Raises:
        UserError: no accessory of that name, or its picture cannot be read.
    """
    accessory = load_wardrobe(accessories).find(name)
    return read_image(accessory.file, "RGBA"), accessory.vector


def check_dataset(accessories: Path = ACCESSORIES_CSV) -> Wardrobe:
    """Validate AccessoryDataset.csv, and open every picture that it names and every base body beside it.

    Raises:
        UserError: all faults at once, with line numbers.
    """
    rows, faults = read_accessories(accessories)
    bodies = load_bodies(accessories.parent / "Body")
    raise_faults(
        str(accessories), faults + picture_faults(list(bodies.values()), [row for row in rows if row.file.suffix])
    )
    return load_wardrobe(accessories)


def body_for(user: str, bodies: Mapping[str, Path], wanted: str = "auto") -> Path:
    """The base body of a user: the wanted one, or for "auto" one chosen by the name alone, in any Unicode form."""
    if wanted != "auto":
        return bodies[wanted]
    return bodies[sorted(bodies)[zlib.crc32(name_bytes(user)) % len(bodies)]]


def name_bytes(user: str) -> bytes:
    """A name as what depends on it hashes it: the same for all its Unicode forms."""
    return unicodedata.normalize("NFC", user).encode("utf-8", "surrogatepass")
