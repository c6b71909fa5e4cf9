"""Training samples of the mask model: augmented frames and random figures, one at a time and as batches."""

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, default_collate

from common.alpha import around
from masks.drawing.random_figures import random_pair
from masks.model.augmentation import Sample, augment
from masks.model.inference import MARGIN, place, place_mask
from masks.sets.pairs import read_pair, read_true_mask
from masks.sets.pixel_art import find_pixel_size, shrink
from masks.sets.training_sets import FrameSet, all_pairs

NETWORK_STEP_PX = 32  # the network's input sides must be multiples of it


class TrainingSamples(Dataset[tuple[Tensor, Tensor]]):
    """Random samples, each determined by the seed and its number alone.

    Args:
        frames: pairs and masks at one value an art pixel, to be augmented; may be empty if all samples are drawn.
        length: samples per epoch.
        drawn_share: share of random figures, 0 to 1.
        seed: seed of all samples.
    """

    def __init__(self, frames: list[Sample], *, length: int, drawn_share: float, seed: int) -> None:
        self.frames, self.length = frames, length
        self.drawn_share, self.seed = drawn_share, seed

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng((self.seed, index))
        drawn = rng.random() < self.drawn_share
        sample = random_pair(rng) if drawn else augment(rng, self.frames[index % self.length % len(self.frames)])
        return to_tensors(rng, *sample)


def to_tensors(
    rng: np.random.Generator, base: np.ndarray, clothed: np.ndarray, mask: np.ndarray
) -> tuple[Tensor, Tensor]:
    """Return a sample as network input and truth, (8, S, S) and (1, S, S) uint8, with a random margin."""
    margin = float(rng.choice([MARGIN, rng.uniform(0, 0.6)]))
    pair, placement = place(base, clothed, margin)
    return torch.from_numpy(pair), torch.from_numpy(place_mask(mask, placement))[None]


def load_frames(sets: list[FrameSet]) -> list[Sample]:
    """Load all frames of the sets at one value an art pixel, cropped to the figure."""
    frames = []
    for pair in all_pairs(sets):
        sample = *read_pair(pair), read_true_mask(pair)
        size = find_pixel_size(sample)
        frames.append(crop(*(shrink(picture, size) for picture in sample)))
    return frames


def crop(base: np.ndarray, clothed: np.ndarray, mask: np.ndarray) -> Sample:
    """Crop a sample to what is drawn in either frame, with a margin of one eighth of the longer side."""
    drawn = (base[..., 3] > 0) | (clothed[..., 3] > 0)
    if not drawn.any():
        return base, clothed, mask
    border = max(drawn[around(drawn, 0)].shape) // 8
    box = around(drawn, border)
    return base[box], clothed[box], mask[box]


# ---- batches ----


def collate(samples: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Return a batch of samples, cropped by `cut_empty`."""
    pairs, masks = default_collate(samples)
    return cut_empty(pairs, masks)


def cut_empty(pairs: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
    """Crop rows and columns that are empty in every pair of the batch: figures are rarely square.

    Args:
        pairs: (B, 8, S, S) uint8.
        masks: (B, 1, S, S) uint8.

    Returns:
        Pairs and masks whose sides are multiples of NETWORK_STEP_PX.
    """
    drawn = ((pairs[:, 3] > 0) | (pairs[:, 7] > 0)).any(dim=0)
    if not drawn.any():
        return pairs, masks
    spans = []
    for along in (1, 0):
        places = drawn.any(dim=along).nonzero().flatten()
        first, last = int(places[0]), int(places[-1]) + 1
        side = -(-(last - first) // NETWORK_STEP_PX) * NETWORK_STEP_PX
        first = min(first, drawn.shape[0] - side)
        spans.append(slice(first, first + side))
    rows, columns = spans
    return pairs[:, :, rows, columns], masks[:, :, rows, columns]


def vary(pairs: Tensor, masks: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Apply a random symmetry of the square and a random permutation of the colour channels to a whole batch.

    Args:
        pairs: (B, 8, S, S).
        masks: (B, 1, S, S).
        rng: random generator.
    """
    order = rng.permutation(3).tolist()
    pairs = pairs[:, [*order, 3, *(4 + channel for channel in order), 7]]
    mirror, quarter = bool(rng.integers(2)), int(rng.integers(4))
    turned = [torch.rot90(x.flip(3) if mirror else x, quarter, (2, 3)) for x in (pairs, masks)]
    return turned[0], turned[1]
