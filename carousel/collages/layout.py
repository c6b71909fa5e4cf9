"""Layout of the collage [ground truth | clean background | avatar | mask], and the index of a folder of collages."""

import csv
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
from PIL import Image

from common.errors import UserError, raise_faults
from common.files import of_inert, write_csv
from common.images import png_bytes, read_image

PANELS = ("ground truth", "clean background", "avatar", "mask")
INDEX = "index.csv"
MIN_PANEL_PX = 64
MAX_PANEL_PX = 1024
MASK_TOLERANCE = 48  # grey levels; above the errors of JPEG at quality 75, below a soft edge
AVATAR_TOLERANCE = 8  # grey levels; mean difference of two panels that were equal before compression


@dataclass(frozen=True)
class Collage:
    """One person in one photo.

    Attributes:
        truth: (S, S, 3) uint8 RGB, the photo around the person.
        background: (S, S, 3) uint8, the same with the person removed.
        avatar: (S, S, 3) uint8, the person alone, black elsewhere.
        mask: (S, S) uint8, 255 where the person is, else 0.
    """

    truth: np.ndarray
    background: np.ndarray
    avatar: np.ndarray
    mask: np.ndarray


@dataclass(frozen=True)
class CollageEntry:
    """One row of the index: the origin of a collage.

    Attributes:
        collage: file name.
        source: label of the photo, "album.zip/in/it.jpg" or a path.
        scene: photos of one scene are never split between training and evaluation.
        window: part of the photo that the panels show: left, top, right, bottom in px.
        box: box of the person in px of the photo, right and bottom exclusive.
        score: confidence of the segmenter, 0 to 1.
        segmenter: name of the segmenter.
    """

    collage: str
    source: str
    scene: str
    window: tuple[int, int, int, int]
    box: tuple[int, int, int, int]
    score: float
    segmenter: str


def compose(truth: np.ndarray, background: np.ndarray, mask: np.ndarray) -> Collage:
    """Make a collage; the avatar is cut out of the ground truth.

    Args:
        truth: (S, S, 3) uint8.
        background: (S, S, 3) uint8.
        mask: (S, S) uint8 of 0 or 255.
    """
    return Collage(truth, background, black_outside(truth, mask), mask)


def black_outside(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A (H, W, 3) uint8 picture, black where the (H, W) mask is 0."""
    return np.where(mask[..., None] > 0, picture, 0).astype(np.uint8)


def collage_bytes(collage: Collage) -> bytes:
    """Encode the four panels side by side as a lossless RGB PNG."""
    mask = np.repeat(collage.mask[..., None], 3, axis=2)
    panels = np.concatenate([collage.truth, collage.background, collage.avatar, mask], axis=1)
    return png_bytes(Image.fromarray(panels), compress_level=1)


def read_collage(path: Path) -> Collage:
    """Read a collage; panels of a lossy copy become consistent again.

    Raises:
        UserError: not four square panels; a mask that is soft, empty, inverted or covers everything; or an avatar that
            is not the ground truth under the mask.
    """
    pixels = np.asarray(read_image(path, "RGB"))
    height, width = pixels.shape[:2]
    if width != 4 * height:
        raise UserError(f"{path}: {width} x {height} px is not a row of four square panels (4 x as wide as high)")
    if not MIN_PANEL_PX <= height <= MAX_PANEL_PX:
        raise UserError(f"{path}: the panels have {height} px; they must have {MIN_PANEL_PX} to {MAX_PANEL_PX} px")
    truth, background, avatar, grey = (part.copy() for part in np.split(pixels, 4, axis=1))  # not views of the whole
    soft = np.minimum(grey, 255 - grey).max(axis=2) > MASK_TOLERANCE
    if soft.mean() > 0.001:
        raise UserError(f"{path}: the mask panel is soft: {soft.mean():.1%} of it is neither black nor white")
    on = grey.mean(axis=2) > 127
    if on.all() or not on.any():
        raise UserError(f"{path}: the mask panel is {'completely white' if on.any() else 'empty'}")
    unlike = {side: np.abs(avatar.astype(int) - truth)[where].mean() for side, where in (("on", on), ("off", ~on))}
    if unlike["on"] > AVATAR_TOLERANCE:
        inverted = unlike["off"] <= AVATAR_TOLERANCE
        what = "the mask panel is inverted" if inverted else "the avatar panel is not the person of the first panel"
        raise UserError(f"{path}: {what}")
    return compose(truth, background, np.where(on, 255, 0).astype(np.uint8))


def write_index(folder: Path, entries: Iterable[CollageEntry]) -> None:
    """Write the index of a folder of collages atomically."""
    header = [field.name for field in fields(CollageEntry)]
    rows = ([" ".join(map(str, v)) if isinstance(v, tuple) else v for v in astuple(entry)] for entry in entries)
    write_csv(folder / INDEX, [header, *rows])


def read_index(folder: Path) -> list[CollageEntry]:
    """Read the index of a folder of collages; without an index, each PNG is a scene of its own.

    Raises:
        UserError: the folder does not exist or has no collages, or the index is damaged or lists missing files.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder of collages")
    if not (folder / INDEX).is_file():
        names = sorted(path.name for path in folder.glob("*.png"))
        if not names:
            raise UserError(f"{folder}: contains no collages; make them by Collage_segmentation.py")
        return [CollageEntry(name, name, name, (0, 0, 0, 0), (0, 0, 0, 0), 1.0, "unknown") for name in names]
    entries, faults = [], []
    try:
        with open(folder / INDEX, newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{folder / INDEX}: is not a CSV table in UTF-8") from error
    for number, row in enumerate(rows, start=2):
        try:
            entries.append(_parse(row))
        except (KeyError, TypeError, ValueError, AttributeError):
            faults.append(f"line {number}: needs {', '.join(field.name for field in fields(CollageEntry))}")
        except UserError as error:
            faults.append(f"line {number}: {error}")
    names_seen: set[str] = set()
    for entry in entries:
        if not (folder / entry.collage).is_file():
            faults.append(f"{entry.collage}: no such file")
        if entry.collage in names_seen:
            faults.append(f"{entry.collage}: listed twice")
        names_seen.add(entry.collage)
    raise_faults(str(folder / INDEX), faults)
    if not entries:
        raise UserError(f"{folder / INDEX}: lists no collages")
    return entries


def _parse(row: dict[str, str]) -> CollageEntry:
    """Parse a row of the index.

    Raises:
        UserError: the file name contains a folder, which could lead anywhere.
    """
    cells = {field.name: of_inert(row[field.name]) for field in fields(CollageEntry)}
    if not cells["collage"] or Path(cells["collage"]).name != cells["collage"]:
        raise UserError(f"{cells['collage']!r} must be a file name without a folder")
    window, box = ((*map(int, cells.pop(name).split()),) for name in ("window", "box"))
    if len(window) != 4 or len(box) != 4:
        raise ValueError(f"{window} {box}")
    score = float(cells.pop("score"))
    return CollageEntry(**cells, window=window, box=box, score=score)
