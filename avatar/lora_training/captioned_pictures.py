"""A folder of pictures with captions, as LoRA training reads it, and their square crops.

Captions stand in NAME.txt beside each picture; or, where the folder has a metadata.jsonl, in its lines
{"file_name": "a.png", "text": "..."}, as the training scripts of diffusers read it. The table then decides alone.
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
from common.files import sha256_of
from common.images import PHOTO_SUFFIXES, UNREAD_SUFFIXES, read_image

TABLE = "metadata.jsonl"
MOST_ELONGATED = 4  # long side by short side; the square crop would hold less than a quarter


@dataclass(frozen=True)
class CaptionedPicture:
    """A picture file and the words that it is learnt by."""

    path: Path
    caption: str


@dataclass(frozen=True)
class Crop:
    """A picture as the model sees it.

    Attributes:
        pixels: (S, S, 3) uint8 RGB.
        original_px: height and width of the file's picture.
        corner_px: top and left of the crop in the picture that was scaled to S px on its short side.
    """

    pixels: np.ndarray
    original_px: tuple[int, int]
    corner_px: tuple[int, int]


def read_folder(folder: Path, side_px: int, caption: str = "") -> list[CaptionedPicture]:
    """All pictures of a folder with their captions, sorted by name, each opened once.

    Args:
        folder: as above.
        side_px: what the shorter side of every picture must have at least, so that none is scaled up.
        caption: of pictures that have none of their own; empty: each needs one.

    Raises:
        UserError: no such folder, no pictures; else all faults together: captions that are missing, empty or
            unreadable or have no picture, pictures that are damaged, too small or too elongated.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder of pictures")
    files = [path for path in folder.iterdir() if not path.name.startswith(".")]
    pictures = sorted(path for path in files if path.suffix.lower() in PHOTO_SUFFIXES | UNREAD_SUFFIXES)
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
            faults.append(f"{path.name}: no caption; write one into {path.stem}.txt, or a line into {TABLE}")
        faults += _picture_faults(path, side_px)
    raise_faults(str(folder), sorted(faults))
    return found


def _captions_beside(folder: Path, pictures: Sequence[Path], faults: list[str]) -> dict[str, str]:
    """The captions of NAME.txt files by the pictures' names; an empty one is an entry that is empty."""
    captions = {}
    stems = Counter(path.stem for path in pictures)
    for path in pictures:
        words = path.with_suffix(".txt")
        if stems[path.stem] > 1:
            faults.append(f"{path.name}: {stems[path.stem]} pictures of that name share one caption; rename")
        if words.is_file():
            captions[path.name] = _one_line(words.name, _read_text(words, faults), faults)
    for words in folder.glob("*.txt"):
        if words.stem not in stems:
            faults.append(f"{words.name}: a caption without its picture")
    return captions


def _captions_of_table(folder: Path, pictures: Sequence[Path], faults: list[str]) -> dict[str, str]:
    """The captions of metadata.jsonl by the pictures' names."""
    names = {path.name for path in pictures}
    captions: dict[str, str] = {}
    for place, (name, words) in _rows(_read_text(folder / TABLE, faults), faults):
        if name not in names:
            faults.append(f"{place}: {name!r} is no picture in the folder")
        elif name in captions:
            faults.append(f"{place}: {name} for the second time")
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
        return path.read_text(encoding="utf-8-sig")
    except (UnicodeDecodeError, OSError) as error:
        reason = "is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else error.strerror
        faults.append(f"{path.name}: {reason}")
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
        return [f"{path.name}: {width} x {height} px; both sides need SIZE_PX ({side_px} px)"]
    if max(width, height) > MOST_ELONGATED * min(width, height):
        return [f"{path.name}: {width} x {height} px; the square in its middle holds less than a quarter of it"]
    return []


def crop(path: Path, side_px: int) -> Crop:
    """The square in the middle of a picture, its short side scaled to `side_px`."""
    picture = read_image(path, "RGB")
    scale = side_px / min(picture.size)
    width, height = (max(side_px, round(length * scale)) for length in picture.size)
    left, top = (width - side_px) // 2, (height - side_px) // 2
    scaled = picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3)
    pixels = np.asarray(scaled.crop((left, top, left + side_px, top + side_px)))
    return Crop(pixels, (picture.height, picture.width), (top, left))


def fingerprint(pictures: Sequence[CaptionedPicture]) -> str:
    """What tells one set of captioned pictures from another: contents and captions."""
    lines = [f"{picture.path.name} {sha256_of(picture.path)} {picture.caption}" for picture in pictures]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
