"""Pictures from which the reader learns: avatars as drawn, and as the small model gives them back.

A generated version starts from the drawing, at several strengths; at strength 0 it is the drawing after the
autoencoder. What img2img does to the skin is not known, so only the other traits of these count. Finished chunks are
kept in files, so that an interrupted run resumes.
"""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from tqdm import tqdm

from avatar.demo_model.drawn_pictures import NATIVE_PX, fingerprint
from avatar.drawing.attributes import Attributes
from avatar.drawing.avatars import Tones, caption, draw_avatar
from avatar.drawing.palette import HAIR_COLOURS, SKINS, rgb_u8
from avatar.drawing.picture_folder import character
from avatar.drawing.shown_traits import shown_traits
from avatar.sdxl.avatar_reader import PICTURE_PX, WORDS
from avatar.sdxl.generation import Recipe, generate_picture
from avatar.sdxl.pipelines import Pipelines
from common.files import atomic_path

STRENGTHS = (0.0, 0.0, 0.25, 0.4)  # of img2img, in turn
STEPS = 12  # of its whole schedule
CHUNK = 50  # pictures a file
LIGHTER, TINGED = 5.0, 3.0  # standard deviations of a person's own colours: of all channels together, and of each
Example = tuple[np.ndarray, np.ndarray, np.ndarray]  # what `Examples` holds, of one picture or of several


@dataclass(frozen=True, eq=False)
class Examples:
    """Pictures with what they show.

    Attributes:
        pixels: (n, PICTURE_PX, PICTURE_PX, 3) uint8 RGB.
        shares: (n, words of all traits) float32; see `shares_of`.
        skins: (n, 3) uint8 RGB, colour of the skin in daylight.
        generated: number of generated ones, the last.
    """

    pixels: np.ndarray
    shares: np.ndarray
    skins: np.ndarray
    generated: int


def make_examples(work: Path, load: Callable[[], Pipelines], *, drawn: int, generated: int, seed: int) -> Examples:
    """Make all pictures, or read those that are there.

    Args:
        work: parent of the folder of the chunks, whose name changes with the drawing.
        load: loads the small model; called only if pictures are missing.
        drawn: number of pictures as drawn.
        generated: number of generated ones, whose characters are others.
        seed: seed of the characters.
    """
    small_model = functools.cache(load)
    folder, last = work / fingerprint(seed), drawn + generated
    made = [
        *_chunks(folder, "drawn", range(drawn), functools.partial(drawn_one, seed)),
        *_chunks(folder, "generated", range(drawn, last), lambda number: generated_one(small_model(), seed, number)),
    ]
    pixels, shares, skins = map(np.concatenate, zip(*made, strict=True))
    return Examples(pixels, shares, skins, generated)


def _chunks(folder: Path, name: str, numbers: range, make: Callable[[int], Example]) -> Iterator[Example]:
    """What these numbers show, in parts: those whose files are there are read."""
    for first in tqdm(range(numbers.start, numbers.stop, CHUNK), desc=name, unit="chunk"):
        part_of = range(first, min(numbers.stop, first + CHUNK))
        path = folder / f"{name}-{part_of.start}-{part_of.stop}.npz"
        if not path.is_file():
            pixels, shares, skins = map(np.stack, zip(*map(make, part_of), strict=True))
            with atomic_path(path) as part, part.open("wb") as file:
                np.savez(file, pixels=pixels, shares=shares, skins=skins)
        with np.load(path) as kept:
            yield kept["pixels"], kept["shares"], kept["skins"]


def drawn_one(seed: int, number: int) -> Example:
    """A drawing, PICTURE_PX a side."""
    look, tones, _ = person_of(seed, number)
    pixels, _ = draw_avatar(look, PICTURE_PX, tones=tones)
    return pixels, shares_of(shown_traits(look)), _skin_of(tones)


def generated_one(pipelines: Pipelines, seed: int, number: int) -> Example:
    """What the small model makes of a drawing."""
    look, tones, rng = person_of(seed, number)
    strength = STRENGTHS[number % len(STRENGTHS)]
    start = Image.fromarray(draw_avatar(look, NATIVE_PX, tones=tones)[0])
    recipe = Recipe(mode="base", steps=STEPS, strength=strength)
    made = generate_picture(pipelines, caption(look, rng), "", start=start, seed=number, recipe=recipe).image
    traits = shown_traits(look)
    if strength:
        del traits["skin_tone"]
    pixels = cv2.resize(np.asarray(made), (PICTURE_PX, PICTURE_PX), interpolation=cv2.INTER_AREA)
    return pixels, shares_of(traits), _skin_of(tones)


def person_of(seed: int, number: int) -> tuple[Attributes, Tones, np.random.Generator]:
    """A character with skin and hair of its own, near the named colours."""
    look, rng = character(seed, number)
    skin, hair = (_near(colour, rng) for colour in (SKINS[look.skin], HAIR_COLOURS[look.hair_colour]))
    return look, Tones(skin, hair), rng


def _near(colour: str, rng: np.random.Generator) -> str:
    rgb = np.array(rgb_u8(colour)) + rng.normal(0, LIGHTER) + rng.normal(0, TINGED, 3)
    return "#" + bytes(rgb.round().clip(0, 255).astype(np.uint8)).hex()


def _skin_of(tones: Tones) -> np.ndarray:
    return np.array(rgb_u8(tones.skin or ""), np.uint8)


def shares_of(traits: dict[str, tuple[str, ...]]) -> np.ndarray:
    """(words of all traits,) float32: the accepted words of each trait share 1."""
    found = [
        float(word in traits.get(trait, ())) / len(traits.get(trait, (word,)))
        for trait, words in WORDS.items()
        for word in words
    ]
    return np.array(found, np.float32)
