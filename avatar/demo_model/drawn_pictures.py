"""Training data of the demo model: drawn avatars with captions, drawn ahead into files by several processes.

A chunk is a .npy of pictures, read through a memory map, a .hair.npy of hair masks, and a .json of captions and
attributes. The .json is written last, so that an interrupted run draws only the chunks that are missing.
"""

import hashlib
import json
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from tqdm import tqdm

from avatar.drawing.attributes import CHOICES, Attributes
from avatar.drawing.avatars import caption, draw_avatar
from avatar.drawing.picture_folder import character
from avatar.prompt.genre_outfits import ACCESSORIES
from avatar.prompt.wording import NEGATIVE
from common.files import atomic_path, write_text

NATIVE_PX = 256
LATENT_PX = NATIVE_PX // 8
HAIR = ".hair.npy"  # suffix of the hair masks
HAIR_CHANGE = 40  # smallest sum of channel differences of a changed px
CHUNK = 250  # pictures a file
CAPTIONS = 8  # captions of each picture
UNSEEN_SHARE = 0.25  # share of the captions that name a thing which is not drawn
MOST_WORDS = 42  # words of a caption to which such a thing may be added
_RACES = ("asian", "indian", "black", "white", "middle eastern", "latino hispanic")
_NOT_DRAWN = {accessory.kind for accessory in chain(*ACCESSORIES.values()) if accessory.place == "hands"} | {
    "nose ring"
}
UNSEEN = (  # what prompts say and pictures never show: the model learns to ignore it
    *(f"{race} person" for race in _RACES),
    *(f"{age} years old" for age in range(16, 80, 3)),
    *(
        words
        for item in chain(*ACCESSORIES.values())
        if item.kind in _NOT_DRAWN
        for words in (item.kind, *item.wordings)
    ),
)


@dataclass(frozen=True)
class DrawnPictures:
    """Drawn pictures on disk.

    Attributes:
        folder: folder of the chunks.
        count: number of pictures.
        held_out: number of pictures, the last ones, that only measure.
    """

    folder: Path
    count: int
    held_out: int

    @property
    def trained(self) -> int:
        """Number of pictures to learn from, the first ones."""
        return self.count - self.held_out

    def rows_held_out(self, most: int | None = None) -> list[int]:
        """Numbers of the held-out pictures, at most `most`."""
        return list(range(self.trained, self.count))[:most]

    @cached_property
    def _chunks(self) -> list[np.ndarray]:
        return [np.load(self.folder / f"{name}.npy", mmap_mode="r") for name in chunks_of(self.count)]

    def pixels(self, rows: np.ndarray | list[int]) -> np.ndarray:
        """Read these pictures, (N, 256, 256, 3) uint8 RGB."""
        return self.parts(rows, np.zeros((len(rows), 2), int), NATIVE_PX)

    def parts(self, rows: np.ndarray | list[int], corners: np.ndarray, side: int) -> np.ndarray:
        """Read a square part of each picture, (N, side, side, 3) uint8 RGB; `corners`, (N, 2), are their y and x."""
        places = zip(rows, corners, strict=True)
        return np.stack([self._chunks[r // CHUNK][r % CHUNK, y : y + side, x : x + side] for r, (y, x) in places])

    @cached_property
    def hair(self) -> np.ndarray:
        """Hair masks of all pictures, (N, 32, 32) uint8; see `hair_of`."""
        return np.concatenate([np.load(self.folder / f"{name}{HAIR}") for name in chunks_of(self.count)])

    @cached_property
    def _facts(self) -> list[dict[str, list[list[str]] | list[list[int]]]]:
        return [json.loads((self.folder / f"{name}.json").read_text("utf-8")) for name in chunks_of(self.count)]

    @cached_property
    def captions(self) -> list[list[str]]:
        """Captions of all pictures, CAPTIONS each."""
        return [list(map(str, some)) for facts in self._facts for some in facts["captions"]]

    @cached_property
    def attributes(self) -> np.ndarray:
        """Attributes of all pictures, (N, number of attributes) int64 places in the values of CHOICES, in its order."""
        return np.array([row for facts in self._facts for row in facts["attributes"]], np.int64)


def chunks_of(count: int) -> dict[str, range]:
    """Chunks of so many pictures: numbers of the pictures by file name; the last chunk may be shorter."""
    ranges = (range(first, min(count, first + CHUNK)) for first in range(0, count, CHUNK))
    return {f"{places.start:06d}-{places.stop:06d}": places for places in ranges}


def draw_ahead(work: Path, seed: int, count: int, workers: int) -> DrawnPictures:
    """Draw the pictures that are missing, in a folder whose name changes with the seed and its first picture.

    Args:
        work: parent of the folder.
        seed: seed of the characters.
        count: number of pictures.
        workers: number of processes that draw; 0: draw in this one.
    """
    folder = work / f"pictures-{fingerprint(seed)}"
    missing = {n: places for n, places in chunks_of(count).items() if not (folder / f"{n}.json").is_file()}
    bar = tqdm(total=sum(map(len, missing.values())), desc="drawing", unit="picture", disable=not missing)
    if workers == 0 or not missing:
        for name, places in missing.items():
            bar.update(draw_chunk(folder / name, seed, places))
    else:
        pool = ProcessPoolExecutor(min(workers, len(missing)), get_context("spawn"))
        try:
            tasks = [pool.submit(draw_chunk, folder / name, seed, places) for name, places in missing.items()]
            for done in as_completed(tasks):
                bar.update(done.result())
        finally:
            pool.shutdown(cancel_futures=True)  # after an interruption, finish only the chunks that have begun
    bar.close()
    return DrawnPictures(folder, count, held_out=max(1, min(500, count // 10)))


def fingerprint(seed: int) -> str:
    """Eight hex digits that change with the seed, and with the first picture or captions that it gives."""
    look, rng = character(seed, 0)
    words = f"{caption(look, rng)} {seed} {CAPTIONS} {UNSEEN}".encode()
    content = draw_avatar(look, NATIVE_PX)[0].tobytes() + hair_of(look).tobytes() + words
    return hashlib.sha256(content).hexdigest()[:8]


def draw_chunk(target: Path, seed: int, places: range) -> int:
    """Draw the pictures of these numbers into `target` with suffixes .npy, .hair.npy and .json; return their number."""
    pictures, hair, captions, attributes = [], [], [], []
    for place in places:
        look, rng = character(seed, place)
        pictures.append(draw_avatar(look, NATIVE_PX)[0])
        hair.append(hair_of(look))
        captions.append([words_for(caption(look, rng), rng) for _ in range(CAPTIONS)])
        attributes.append([values.index(getattr(look, name)) for name, values in CHOICES.items()])
    for suffix, content in ((".npy", pictures), (HAIR, hair)):
        with atomic_path(target.with_suffix(suffix)) as part, part.open("wb") as file:
            np.save(file, np.stack(content))
    write_text(target.with_suffix(".json"), json.dumps({"captions": captions, "attributes": attributes}))
    return len(places)


def hair_of(look: Attributes) -> np.ndarray:
    """Mask of hair, beard and brows, (32, 32) uint8: share of each latent px that has their colour, 255: all."""
    colours = CHOICES["hair_colour"]
    other = colours[(colours.index(look.hair_colour) + len(colours) // 2) % len(colours)]
    drawn = [draw_avatar(some, 2 * LATENT_PX)[0].astype(int) for some in (look, replace(look, hair_colour=other))]
    changed = np.abs(drawn[0] - drawn[1]).sum(axis=2) > HAIR_CHANGE
    return (255 * changed.reshape(LATENT_PX, 2, LATENT_PX, 2).mean(axis=(1, 3))).astype(np.uint8)


def words_for(words: str, rng: np.random.Generator) -> str:
    """Add to some captions a thing that the picture does not show, as prompts do."""
    if rng.random() >= UNSEEN_SHARE or len(words.replace("-", " ").split()) > MOST_WORDS:
        return words
    phrases = words.split(", ")
    phrases.insert(int(rng.integers(1, len(phrases) + 1)), UNSEEN[int(rng.integers(len(UNSEEN)))])
    return ", ".join(phrases)


def negative_texts(count: int, seed: int) -> list[str]:
    """Negative texts, which guidance leads away from: the empty text, the usual negative prompt, and parts of it."""
    rng = np.random.default_rng(seed)
    phrases = NEGATIVE.split(", ")
    parts = [
        ", ".join(phrases[place] for place in sorted(rng.choice(len(phrases), int(size), replace=False)))
        for size in rng.integers(1, len(phrases), count - 2)
    ]
    return ["", NEGATIVE, *parts]
