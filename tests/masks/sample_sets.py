"""Small training folders that tests write: drawn pairs, archives, working sets; and damaged or hostile files."""

import runpy
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from common.journals import LOCK
from masks.sets.naming import base_name, clothed_name, mask_name
from masks.sets.pairs import mask_image
from masks.sets.working_set import write_reviewed
from tests.helpers import BAD_INPUTS

SIDE = 48


SKIN, SHIRT, HAIR = (224, 172, 136), (40, 90, 200), (60, 40, 30)


def drawn_pair(seed: int, side: int = SIDE) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A body of hair and skin, the same in a shirt, and the shirt's mask; every seed has another pose and colours."""
    rng = np.random.default_rng(seed)
    base = np.zeros((side, side, 4), np.uint8)
    left = int(rng.integers(2, side // 2))
    base[4:12, left : left + 12] = (*HAIR, 255)
    base[12:44, left : left + 12] = (*(np.array(SKIN) - rng.integers(0, 20, 3)), 255)
    mask = np.zeros((side, side), np.uint8)
    mask[16:32, left : left + 14] = 255
    clothed = base.copy()
    clothed[mask > 0] = (*(np.array(SHIRT) + rng.integers(0, 40, 3)), 255)
    return base, clothed, mask


def write_pair(frames: Path, masks: Path | None, number: str, seed: int) -> None:
    base, clothed, mask = drawn_pair(seed)
    frames.mkdir(parents=True, exist_ok=True)
    Image.fromarray(base).save(frames / base_name(number))
    Image.fromarray(clothed).save(frames / clothed_name(number))
    if masks is not None:
        masks.mkdir(parents=True, exist_ok=True)
        mask_image(mask).save(masks / mask_name(number))


def write_archive(folder: Path, name: str, seeds: range, masks: str = "masks_backup") -> None:
    for number, seed in enumerate(seeds):
        write_pair(folder / f"frames_backup_{name}", folder / f"{masks}_{name}", f"{number:02d}", seed)


def write_working_set(folder: Path, seeds: range, reviewed: list[str]) -> None:
    for number, seed in enumerate(seeds):
        write_pair(folder / "frames", folder / "masks_corrected", f"{number:02d}", seed)
    write_reviewed(folder, reviewed)


def touch(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def save(path: Path, array: np.ndarray, compress_level: int = 6) -> None:
    Image.fromarray(array).save(path, compress_level=compress_level)


def damage(path: Path, keep: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])


def hostile_pictures(folder: Path) -> list[tuple[Path, bool]]:
    """The pictures of the collection of bad inputs, and whether each is valid as a frame: even an empty one is."""
    tool = runpy.run_path(str(BAD_INPUTS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tool["images"](folder)
    empty = {"images/transparent.png", "images/hidden_colour.png"}
    return [(folder / Path(file).name, expect == "accept" or file in empty) for file, _, expect in tool["rows"]]


def files_of(folder: Path) -> dict[str, bytes]:
    """Contents of all files by name, except locks, which stay where a run was."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != LOCK]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
