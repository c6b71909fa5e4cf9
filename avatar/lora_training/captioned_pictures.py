"""Folders of pictures with captions, as LoRA training reads them, and square crops of the pictures.

The caption of NAME.png is in NAME.txt beside it. If the folder has a metadata.jsonl with lines {"file_name": "a.png",
"text": "..."}, as in the training scripts of diffusers, all captions are read from there and .txt files are ignored.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from common.errors import UserError, raise_faults
from common.files import read_plain, sha256_of
from common.images import PHOTO_SUFFIXES, read_image

TABLE = "metadata.jsonl"
MOST_ELONGATED = 4  # longest side by shortest; a square crop of more would show less than a quarter


@dataclass(frozen=True)
class CaptionedPicture:
    """A picture file and its caption."""

    path: Path
    caption: str


@dataclass(frozen=True)
class Crop:
    """A square crop of a picture.

    Attributes:
        pixels: (S, S, 3) uint8 RGB.
        original_px: height and width of the picture in the file.
        corner_px: top and left of the crop in the picture scaled to S px on its short side.
    """

    pixels: np.ndarray
    original_px: tuple[int, int]
    corner_px: tuple[int, int]


def read_folder(folder: Path, side_px: int, caption: str = "") -> list[CaptionedPicture]:
    """Read the captions of a folder and check its pictures; sorted by name.

    Args:
        folder: folder as described above.
        side_px: smallest side that a picture may have, px, so that none is scaled up.
        caption: caption of pictures without one; "": each picture needs its own.

    Raises:
        UserError: no such folder, or no pictures in it; otherwise one message with all faults: captions that are
            missing, empty, unreadable or without a picture; pictures that are damaged, too small or too elongated.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder of pictures")
    files = [path for path in folder.iterdir() if not path.name.startswith(".")]
    pictures = sorted(path for path in files if path.suffix.lower() in PHOTO_SUFFIXES)
    if not pictures:
        raise UserError(f"{folder}: no pictures in it ({', '.join(sorted(PHOTO_SUFFIXES))})")
    faults: list[str] = []
    reader = _captions_of_table if (folder / TABLE).exists() else _captions_beside
    captions = reader(folder, pictures, faults)
    found = []
    for path in pictures:
        words = captions.get(path.name, caption)
        if words:
            found.append(CaptionedPicture(path, words))
        elif path.name not in captions:
            remedy = f"write one into {path.stem}.txt, add a line to {TABLE}, or set CAPTION for all"
            faults.append(f"{path.name}: no caption; {remedy}")
        faults += _picture_faults(path, side_px)
    raise_faults(str(folder), sorted(faults))
    return found


def _captions_beside(folder: Path, pictures: Sequence[Path], faults: list[str]) -> dict[str, str]:
    """Captions of NAME.txt files by name of the picture; "" for an empty file."""
    captions = {}
    stems = Counter(path.stem for path in pictures)
    for path in pictures:
        words = path.with_suffix(".txt")
        if stems[path.stem] > 1:
            faults.append(f"{path.name}: {stems[path.stem]} pictures share the caption {words.name}; rename them")
        if words.is_file():
            captions[path.name] = _one_line(words.name, _read_text(words, faults), faults)
    for words in folder.glob("*.txt"):
        if words.stem not in stems:
            faults.append(f"{words.name}: a caption without a picture")
    return captions


def _captions_of_table(folder: Path, pictures: Sequence[Path], faults: list[str]) -> dict[str, str]:
    """Captions of metadata.jsonl by name of the picture."""
    names = {path.name for path in pictures}
    captions: dict[str, str] = {}
    for place, (name, words) in _rows(_read_text(folder / TABLE, faults), faults):
        if name not in names:
            faults.append(f"{place}: {name!r} is not a picture in the folder")
        elif name in captions:
            faults.append(f"{place}: {name} has a caption already")
        else:
            captions[name] = _one_line(place, words, faults)
    return captions


def _rows(text: str, faults: list[str]) -> Iterator[tuple[str, tuple[str, str]]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        place = f"{TABLE} line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        name, words = (row.get("file_name"), row.get("text")) if isinstance(row, dict) else (None, None)
        if isinstance(name, str) and isinstance(words, str):
            yield place, (name, words)
        else:
            faults.append(f'{place}: not of the form {{"file_name": "a.png", "text": "..."}}')


def _read_text(path: Path, faults: list[str]) -> str:
    try:
        return read_plain(path)
    except UnicodeDecodeError:
        faults.append(f"{path.name}: is not UTF-8 text")
    except OSError as error:
        faults.append(f"{path.name}: {error.strerror}")
    except UserError as error:
        faults.append(str(error))
    return ""


def _one_line(place: str, words: str, faults: list[str]) -> str:
    line = " ".join(words.split())
    if not line and not any(fault.startswith(f"{place}: ") for fault in faults):
        faults.append(f"{place}: an empty caption")
    return line


def _picture_faults(path: Path, side_px: int) -> list[str]:
    try:
        width, height = read_image(path, "RGB").size
    except UserError as error:
        return [str(error).removeprefix(f"{path.parent}/")]
    if min(width, height) < side_px:
        return [f"{path.name}: {width} x {height} px; both sides need at least SIZE_PX ({side_px} px)"]
    if max(width, height) > MOST_ELONGATED * min(width, height):
        return [f"{path.name}: {width} x {height} px; the square in its middle shows less than a quarter of it"]
    return []


def crop(path: Path, side_px: int) -> Crop:
    """Scale the short side of a picture to `side_px` and cut out the square in its middle."""
    picture = read_image(path, "RGB")
    scale = side_px / min(picture.size)
    width, height = (max(side_px, round(length * scale)) for length in picture.size)
    left, top = (width - side_px) // 2, (height - side_px) // 2
    scaled = picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3)
    pixels = np.asarray(scaled.crop((left, top, left + side_px, top + side_px)))
    return Crop(pixels, (picture.height, picture.width), (top, left))


def fingerprint(pictures: Sequence[CaptionedPicture]) -> str:
    """Sixteen hex digits that change with names, contents and captions."""
    lines = [f"{picture.path.name} {sha256_of(picture.path)} {picture.caption}" for picture in pictures]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
