"""Samples of the fusion model: collages with a relit avatar."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset
from tqdm import tqdm

from carousel.collages.inpainting import clean_background
from carousel.collages.layout import Collage, CollageEntry, black_outside, compose, read_collage, read_index
from carousel.fusion.light_estimate import MEMBERS
from carousel.fusion.relighting import grade, relight_fixed, relight_random
from common.errors import UserError, raise_faults
from common.imagenet.normalisation import to_tensor

CACHE_BYTES = 1_500_000_000  # size of the decoded collages that a process keeps
MIN_PERSON_PX = 64  # variations that show fewer pixels of the person are rejected
REGION_SHARE = 0.12  # share of the training samples in which a random region takes the person's place
HALF_SHARE = 0.3  # share of the training samples that show a half figure
HALF_FIGURES = (0.2, 0.8)  # their lower edge, as a share of the whole figure's height
GRADED_SHARE = 0.12  # share of the training samples whose scene is in a strong light that the person was not in
OWN_SHARE = 0.15  # share of the training samples in the own light, in which nothing is to be changed
FOREIGN_SHARE = 0.25  # share of the training samples whose edge takes colours of another place along
CLEAN_SHARE = 0.25  # share of the training samples whose scene is also inpainted around the person
SMALLER_SHARE, LARGER_SHARE = 0.15, 0.07  # shares of the training samples with too small and too large masks
CROP_SHARE = 0.4  # share of the training samples that show a part of the collage
REGION_RIM_PX = 4  # margin of the hole that inpainting fills below a random region
KERNEL = np.ones((3, 3), np.uint8)
HASHED = 2**64  # number of values of a hash


@dataclass(frozen=True)
class FusionExample:
    """One sample as pictures.

    Attributes:
        background: (S, S, 3) uint8, the scene, inpainted where the person was.
        avatar: (S, S, 3) uint8, the person in another light, black elsewhere.
        mask: (S, S) uint8, 255 where the person is, else 0.
        truth: (S, S, 3) uint8, the expected result.
    """

    background: np.ndarray
    avatar: np.ndarray
    mask: np.ndarray
    truth: np.ndarray


class AvatarFusionDataset(Dataset[dict[str, Tensor]]):
    """Collages as samples; as the avatar is cut out of its own ground truth, it is relit.

    Seed and number determine a sample. Evaluation uses the fixed protocol of `relight_fixed`. Training uses
    `relight_random` or the own light, half figures, random regions instead of people, flips, crops, both kinds of
    scenes, foreign colours along the edge, and masks that are a little too small or too large; numbers beyond the
    length are further variations.

    Args:
        folder: folder of the collages.
        entries: entries of its index, all or some.
        size_px: side of the samples; other collages are resized.
        training: True: random variations; False: the fixed form.
        seed: seed of all variations.
        clean: use in the fixed form the clean background, which is inpainted slightly beyond the person, instead of
            the true scene up to the mask's edge.
        erode_px: erosion of the mask in the fixed form.
    """

    def __init__(
        self,
        folder: Path,
        entries: Sequence[CollageEntry],
        size_px: int,
        training: bool,
        seed: int,
        *,
        clean: bool = False,
        erode_px: int = 0,
    ) -> None:
        self.folder = folder
        self.entries = list(entries)
        self.size_px = size_px
        self.training = training
        self.seed = seed
        self.clean = clean
        self.erode_px = erode_px
        self.cache: dict[int, Collage] = {}
        self.cached_bytes = 0

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """The sample's tensors.

        Normalised "input" (6, S, S), background and avatar, and "target" (3, S, S); "mask" (1, S, S) of 0 or 1; "fold",
        the member of the light estimate that does not learn the scene.
        """
        scene = self.entries[index % len(self.entries)].scene
        return to_sample(self.example(index)) | {"fold": torch.tensor(fold_of(scene))}

    def example(self, index: int) -> FusionExample:
        """The sample as pictures."""
        rng = np.random.default_rng((self.seed, index))
        collage = self.collage(index % len(self.entries))
        if self.training:
            return vary(rng, collage, self.size_px)
        return fixed_form(rng, resize(collage, self.size_px), self.clean, self.erode_px)

    def collage(self, number: int) -> Collage:
        """Read a collage, from memory if it was kept there."""
        if number not in self.cache:
            collage = read_collage(self.folder / self.entries[number].collage)
            size = 10 * collage.mask.size
            if self.cached_bytes + size > CACHE_BYTES:
                return collage
            self.cache[number] = collage
            self.cached_bytes += size
        return self.cache[number]


def to_sample(example: FusionExample) -> dict[str, Tensor]:
    """Convert an example to the network's tensors."""
    return {
        "input": torch.cat([to_tensor(example.background), to_tensor(example.avatar)]),
        "target": to_tensor(example.truth),
        "mask": torch.from_numpy(example.mask > 0)[None].float(),
    }


def fixed_form(rng: np.random.Generator, collage: Collage, clean: bool, erode_px: int) -> FusionExample:
    """The form that held-out figures are measured on; arguments as in `AvatarFusionDataset`."""
    lit = relight_fixed(rng, collage.truth, collage.mask)
    mask = erode(collage.mask, erode_px)
    background = collage.background if clean else keep_scene(collage)
    return FusionExample(background, black_outside(lit, mask), mask, collage.truth)


def vary(rng: np.random.Generator, collage: Collage, size_px: int) -> FusionExample:
    """A random variation of a collage."""
    return vary_light(rng, *vary_shape(rng, collage, size_px))


def vary_shape(rng: np.random.Generator, collage: Collage, size_px: int) -> tuple[FusionExample, np.ndarray]:
    """What a variation shows: the person, half of it or a random region, cropped and flipped.

    Returns:
        The example in its own light, and the photo (S, S, 3) uint8 from which the person comes. It differs from the
        truth where scene and truth are graded, as if by stage lamps or in black and white.
    """
    if rng.random() < REGION_SHARE:
        collage = region_collage(rng, collage)
    background = collage.background if rng.random() < CLEAN_SHARE else keep_scene(collage)
    pictures = [background, collage.truth, collage.mask]
    if rng.random() < HALF_SHARE:
        pictures = half_figure(rng, pictures)
    elif rng.random() < CROP_SHARE:
        pictures = crop(rng, pictures)
    if rng.random() < 0.5:
        pictures = [np.ascontiguousarray(picture[:, ::-1]) for picture in pictures]
    background, truth, person = (fit(picture, size_px) for picture in pictures)
    mask, photo = vary_mask(rng, person), truth
    if rng.random() < GRADED_SHARE:
        truth, background = grade(rng, [truth, background])
    return FusionExample(background, black_outside(truth, mask), mask, truth), photo


def vary_light(rng: np.random.Generator, example: FusionExample, photo: np.ndarray) -> FusionExample:
    """The same in another light, or in the own one, with an edge of its own or with foreign colours.

    Arguments as `vary_shape` returns them.
    """
    lit = example.truth if rng.random() < OWN_SHARE else relight_random(rng, photo, example.mask)
    if rng.random() < FOREIGN_SHARE:
        lit = mix_edge(rng, lit, example.mask)
    return replace(example, avatar=black_outside(lit, example.mask))


def region_collage(rng: np.random.Generator, collage: Collage) -> Collage:
    """The photo of a collage with a random region instead of the person, inpainted below it.

    As in LEMaRT (Liu et al. 2023, arXiv:2304.04748): what fits its surroundings can be learnt of anything, not of
    people only.
    """
    noise = cv2.resize(rng.random((5, 5), np.float32), collage.mask.shape, interpolation=cv2.INTER_CUBIC)
    mask = np.where(noise > np.quantile(noise, rng.uniform(0.7, 0.92)), 255, 0).astype(np.uint8)
    hole = cv2.dilate(mask, KERNEL, iterations=REGION_RIM_PX) > 0
    return compose(collage.truth, clean_background(collage.truth, hole, "rows"), mask)


def half_figure(rng: np.random.Generator, pictures: list[np.ndarray]) -> list[np.ndarray]:
    """Cut the person between knee and chest, with some of the scene beside and above; the last picture is the mask."""
    mask = pictures[-1]
    _, top, _, height = cv2.boundingRect(mask)
    lower = top + round(rng.uniform(*HALF_FIGURES) * height)
    left, _, width, _ = cv2.boundingRect(mask[top:lower])
    above, *beside = np.round(rng.uniform((0, 0.1, 0.1), (0.4, 0.7, 0.7)) * (lower - top)).astype(int)
    part = np.s_[max(0, top - above) : lower, max(0, left - beside[0]) : left + width + beside[1]]
    parts = [picture[part] for picture in pictures]
    enough = (parts[-1] > 0).sum() >= MIN_PERSON_PX and not parts[-1].all()
    return [square(picture) for picture in parts] if enough else pictures


def square(picture: np.ndarray) -> np.ndarray:
    """Stretch a picture or mask to a square of its longer side; masks stay 0 or 255."""
    side = max(picture.shape[:2])
    stretched = cv2.resize(picture, (side, side), interpolation=cv2.INTER_LINEAR)
    return stretched if picture.ndim == 3 else np.where(stretched > 127, 255, 0).astype(np.uint8)


def mix_edge(rng: np.random.Generator, lit: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Mix colours of another place into the person's edge, as a cut-out takes some of its own background along."""
    rim = (mask > 0) & (erode(mask, int(rng.integers(1, 3))) == 0)
    elsewhere = np.roll(lit, tuple(rng.integers(0, len(lit), 2)), axis=(0, 1))
    mixed = cv2.addWeighted(lit, share := rng.uniform(0.2, 0.8), elsewhere, 1 - share, 0)
    return np.where(rim[..., None], mixed, lit)


def vary_mask(rng: np.random.Generator, mask: np.ndarray) -> np.ndarray:
    """Imitate a segmenter's mask: often exact, otherwise a pixel or two too small or too large."""
    kind = rng.random()
    steps = int(rng.integers(1, 3))
    varied = mask
    if kind < SMALLER_SHARE:
        varied = erode(mask, steps)
    elif kind < SMALLER_SHARE + LARGER_SHARE:
        varied = cv2.dilate(mask, KERNEL, iterations=steps)
    return varied if (varied > 0).sum() >= MIN_PERSON_PX else mask


def crop(rng: np.random.Generator, pictures: list[np.ndarray]) -> list[np.ndarray]:
    """Crop a random square, at least 0.7 of the side, that shows part of the person; the last picture is the mask."""
    whole = len(pictures[-1])
    side = round(whole * rng.uniform(0.7, 1))
    top, left = rng.integers(0, whole - side + 1, 2)
    parts = [np.ascontiguousarray(picture[top : top + side, left : left + side]) for picture in pictures]
    return parts if (parts[-1] > 0).sum() >= MIN_PERSON_PX else pictures


def resize(collage: Collage, size_px: int) -> Collage:
    """Resize the panels of a collage."""
    if len(collage.mask) == size_px:
        return collage
    truth, background, mask = (fit(part, size_px) for part in (collage.truth, collage.background, collage.mask))
    return compose(truth, background, mask)


def fit(picture: np.ndarray, size_px: int) -> np.ndarray:
    """Resize a square picture or mask; masks stay 0 or 255."""
    if len(picture) == size_px:
        return picture
    how = cv2.INTER_AREA if len(picture) > size_px else cv2.INTER_LINEAR
    fitted = cv2.resize(picture, (size_px, size_px), interpolation=how)
    return fitted if picture.ndim == 3 else np.where(fitted > 127, 255, 0).astype(np.uint8)


def keep_scene(collage: Collage) -> np.ndarray:
    """The true scene outside the mask, and the inpainted background inside."""
    return paste(collage.truth, collage.background, collage.mask)


def paste(background: np.ndarray, person: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The person where the mask is, else the background: (S, S, 3) uint8."""
    return np.where(mask[..., None] > 0, person, background)


def erode(mask: np.ndarray, pixels: int) -> np.ndarray:
    """Erode a mask."""
    return cv2.erode(mask, KERNEL, iterations=pixels) if pixels else mask


def split(entries: Sequence[CollageEntry], held_out_share: float) -> tuple[list[CollageEntry], list[CollageEntry]]:
    """Split entries into training and held-out ones, by scene; the split is the same at each call."""
    held_out = [_place(entry.scene) < held_out_share for entry in entries]
    sides = list(zip(entries, held_out, strict=True))
    return [entry for entry, out in sides if not out], [entry for entry, out in sides if out]


def fold_of(scene: str, folds: int = MEMBERS) -> int:
    """The fold of a scene, the same at each call."""
    return int.from_bytes(hashlib.sha256(f"fold of {scene}".encode()).digest()[:8], "big") * folds // HASHED


def _place(scene: str) -> float:
    """Hash a scene's name to a number in [0, 1)."""
    return int.from_bytes(hashlib.sha256(scene.encode()).digest()[:8], "big") / HASHED


def load_entries(folder: Path, size_px: int) -> list[CollageEntry]:
    """Read the index of a folder, and check all its collages.

    Args:
        folder: folder of the collages.
        size_px: side at which they will be used.

    Raises:
        UserError: lists all faults, including people who are too small at that side.
    """
    entries = read_index(folder)
    faults = []
    for entry in tqdm(entries, "checking", unit="collage", delay=1, leave=False):
        path = folder / entry.collage
        try:
            if not fit(read_collage(path).mask, size_px).any():
                faults.append(f"{path}: the person disappears at {size_px} px; raise SIZE_PX")
        except UserError as error:
            faults.append(str(error))
    raise_faults("", faults)
    return entries
