"""What the demo model learns from: drawn avatars with captions, drawn ahead by several processes into files.

Each chunk is one .npy of pictures, read through a memory map, one of where their hair is, and one .json of captions and
attributes, written last: a run that was cut short draws only the chunks that are not there.
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
HAIR = ".hair.npy"  # suffix of files
HAIR_CHANGE = 40  # of the sum of a px's channels, beyond which it has changed
CHUNK = 250
CAPTIONS = 8  # wordings of each picture
UNSEEN_SHARE = 0.25  # of the captions that name a thing which is not drawn
MOST_WORDS = 42  # of a caption that still takes one
_RACES = ("asian", "indian", "black", "white", "middle eastern", "latino hispanic")
_NOT_DRAWN = {accessory.kind for accessory in chain(*ACCESSORIES.values()) if accessory.place == "hands"} | {
    "nose ring"
}
UNSEEN = (  # what prompts say and pictures do not show: the model learns that it changes nothing
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
    """Pictures on disk.

    Attributes:
        folder: of the chunks.
        count: of all pictures.
        held_out: the last so many only measure.
    """

    folder: Path
    count: int
    held_out: int

    @property
    def trained(self) -> int:
        """Pictures that are learnt from."""
        return self.count - self.held_out

    def rows_held_out(self, most: int | None = None) -> list[int]:
        """Numbers of the pictures that only measure; at most the first so many of them."""
        return list(range(self.trained, self.count))[:most]

    @cached_property
    def _chunks(self) -> list[np.ndarray]:
        return [np.load(self.folder / f"{name}.npy", mmap_mode="r") for name in chunks_of(self.count)]

    def pixels(self, rows: np.ndarray | list[int]) -> np.ndarray:
        """(N, 256, 256, 3) uint8 RGB of these pictures."""
        return self.parts(rows, np.zeros((len(rows), 2), int), NATIVE_PX)

    def parts(self, rows: np.ndarray | list[int], corners: np.ndarray, side: int) -> np.ndarray:
        """(N, side, side, 3) uint8 RGB: of each picture the square whose corner, y and x, is in `corners`, (N, 2)."""
        places = zip(rows, corners, strict=True)
        return np.stack([self._chunks[r // CHUNK][r % CHUNK, y : y + side, x : x + side] for r, (y, x) in places])

    @cached_property
    def hair(self) -> np.ndarray:
        """(N, 32, 32) uint8: how much of each latent px has the colour of the hair, 255: all; see `hair_of`."""
        return np.concatenate([np.load(self.folder / f"{name}{HAIR}") for name in chunks_of(self.count)])

    @cached_property
    def _facts(self) -> list[dict[str, list[list[str]] | list[list[int]]]]:
        return [json.loads((self.folder / f"{name}.json").read_text("utf-8")) for name in chunks_of(self.count)]

    @cached_property
    def captions(self) -> list[list[str]]:
        """CAPTIONS wordings of each picture."""
        return [list(map(str, some)) for facts in self._facts for some in facts["captions"]]

    @cached_property
    def attributes(self) -> np.ndarray:
        """(N, 15) places in the values of CHOICES, in its order."""
        return np.array([row for facts in self._facts for row in facts["attributes"]], np.int64)


def chunks_of(count: int) -> dict[str, range]:
    """The chunks that so many pictures make: names of files, and which pictures are in each; the last may be short."""
    ranges = (range(first, min(count, first + CHUNK)) for first in range(0, count, CHUNK))
    return {f"{places.start:06d}-{places.stop:06d}": places for places in ranges}


def draw_ahead(work: Path, seed: int, count: int, workers: int) -> DrawnPictures:
    """Draw what is not there yet, in a folder whose name changes with the seed and with how its first avatar is drawn.

    Args:
        work: folder for it.
        seed: of the characters.
        count: of pictures.
        workers: processes; 0: this one draws.
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
            pool.shutdown(cancel_futures=True)  # an interrupted run draws no more than what it has begun
    bar.close()
    return DrawnPictures(folder, count, held_out=max(1, min(500, count // 10)))


def fingerprint(seed: int) -> str:
    """Eight letters that change with the seed and with the pictures or words that it gives."""
    look, rng = character(seed, 0)
    words = f"{caption(look, rng)} {seed} {CAPTIONS} {UNSEEN}".encode()
    content = draw_avatar(look, NATIVE_PX)[0].tobytes() + hair_of(look).tobytes() + words
    return hashlib.sha256(content).hexdigest()[:8]


def draw_chunk(target: Path, seed: int, places: range) -> int:
    """Draw the pictures of these numbers into `target` with suffixes .npy, .hair.npy and .json; returns how many."""
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
    """(32, 32) uint8: how much of each latent px changes with the colour of hair, beard and brows, 255: all."""
    colours = CHOICES["hair_colour"]
    other = colours[(colours.index(look.hair_colour) + len(colours) // 2) % len(colours)]
    drawn = [draw_avatar(some, 2 * LATENT_PX)[0].astype(int) for some in (look, replace(look, hair_colour=other))]
    changed = np.abs(drawn[0] - drawn[1]).sum(axis=2) > HAIR_CHANGE
    return (255 * changed.reshape(LATENT_PX, 2, LATENT_PX, 2).mean(axis=(1, 3))).astype(np.uint8)


def words_for(words: str, rng: np.random.Generator) -> str:
    """A caption, now and then with something that the picture does not show, as prompts have it."""
    if rng.random() >= UNSEEN_SHARE or len(words.replace("-", " ").split()) > MOST_WORDS:
        return words
    phrases = words.split(", ")
    phrases.insert(int(rng.integers(1, len(phrases) + 1)), UNSEEN[int(rng.integers(len(UNSEEN)))])
    return ", ".join(phrases)


def negative_texts(count: int, seed: int) -> list[str]:
    """The empty text, the usual negative prompt, and parts of it: what guidance leads away from."""
    rng = np.random.default_rng(seed)
    phrases = NEGATIVE.split(", ")
    parts = [
        ", ".join(phrases[place] for place in sorted(rng.choice(len(phrases), int(size), replace=False)))
        for size in rng.integers(1, len(phrases), count - 2)
    ]
    return ["", NEGATIVE, *parts]
