"""Training of the mask model: samples, loss, and the run."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor
from torch.nn import functional
from torch.utils.data import Dataset, default_collate

from common.errors import check_range
from common.training import LoopSettings, Task, Training, load_batches, start_accelerator
from masks.drawing.random_figures import random_pair
from masks.model.augmentation import Sample, augment
from masks.model.inference import MARGIN, place, place_mask, predict_masks
from masks.model.metrics import f1_score
from masks.model.unet import UNet
from masks.sets.frame_sets import FrameSet, read_mask, read_pair
from masks.sets.pixel_art import find_pixel_size, shrink

DICE_SMOOTH_PX = 32.0  # keeps the Dice loss of empty masks finite and small figures calm
SAVE_EVERY = 5  # epochs
WARM_UP = 0.03  # share of the steps in which the learning rate rises
WEIGHT_DECAY = 1e-4
EMA_DECAY = 0.999
NETWORK_STEP_PX = 32  # sides that the network takes are multiples of it


@dataclass(frozen=True)
class TrainingSettings:
    """What one training run is.

    Attributes:
        epochs: passes over the data.
        batch: pairs a step, on each process.
        learning_rate: its highest value, of AdamW.
        dice_weight: weight of the Dice loss; the binary cross-entropy has the rest of 1.
        drawn_share: share of the samples that are random figures, 0 to 1.
        seed: of weights, order and augmentation.
        workers: processes that prepare samples beside the training one.
        repeats: steps on each batch, each in another turn and with other colours; worth it where preparing samples
            takes longer than training on them, as it does with a GPU (Hoffer et al. 2020, arXiv:1901.09335).
        frames: fingerprint of the frames, so that a run is not resumed on others.

    Raises:
        UserError: a value out of its range.
    """

    epochs: int
    batch: int
    learning_rate: float
    dice_weight: float
    drawn_share: float
    seed: int
    workers: int
    repeats: int = 1
    frames: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be trained with."""
        check_range("EPOCHS", self.epochs, 1, 1_000_000)
        check_range("BATCH", self.batch, 1, 100_000)
        check_range("LEARNING_RATE", self.learning_rate, 1e-9, 10)
        check_range("DICE_WEIGHT", self.dice_weight, 0, 1)
        check_range("DRAWN_SHARE", self.drawn_share, 0, 1)
        check_range("SEED", self.seed, 0, 2**63 - 1)
        check_range("WORKERS", self.workers, 0, 1024)
        check_range("REPEATS", self.repeats, 1, 1000)


# ---- samples ----


class Samples(Dataset[tuple[Tensor, Tensor]]):
    """Random samples, each determined by the seed and its number alone.

    Args:
        frames: pairs and masks at one value an art pixel, which are augmented; may be empty where all are drawn.
        length: samples an epoch.
        settings: of the run.
    """

    def __init__(self, frames: list[Sample], length: int, settings: TrainingSettings) -> None:
        self.frames = frames
        self.length = length
        self.drawn_share = settings.drawn_share
        self.seed = settings.seed

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
    """A sample as the network sees it: (8, S, S) and (1, S, S) uint8, with a random free border around the figure."""
    margin = float(rng.choice([MARGIN, rng.uniform(0, 0.6)]))
    pair, placement = place(base, clothed, margin)
    return torch.from_numpy(pair), torch.from_numpy(place_mask(mask, placement))[None]


def load_frames(sets: list[FrameSet]) -> list[Sample]:
    """All frames of the sets at one value an art pixel, cut to what is drawn."""
    frames = []
    for pair in (pair for frame_set in sets for pair in frame_set.pairs):
        assert pair.mask is not None
        base, clothed = read_pair(pair)
        mask = read_mask(pair.mask)
        size = find_pixel_size([base, clothed, mask])
        frames.append(crop(*(shrink(picture, size) for picture in (base, clothed, mask))))
    return frames


def crop(base: np.ndarray, clothed: np.ndarray, mask: np.ndarray) -> Sample:
    """Cut a sample to what is drawn in either frame, with a border of one eighth."""
    drawn = (base[..., 3] > 0) | (clothed[..., 3] > 0)
    x, y, width, height = cv2.boundingRect(drawn.astype(np.uint8))
    if width == 0:
        return base, clothed, mask
    border = max(width, height) // 8
    rows, columns = slice(max(y - border, 0), y + height + border), slice(max(x - border, 0), x + width + border)
    return base[rows, columns], clothed[rows, columns], mask[rows, columns]


# ---- loss ----


def dice_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """One minus the soft Dice coefficient (Milletari et al. 2016, arXiv:1606.04797), mean over the batch.

    Args:
        logits: (B, 1, H, W) float.
        truth: (B, 1, H, W) float of 0 or 1.
    """
    probability = torch.sigmoid(logits)
    overlap = (probability * truth).sum(dim=(1, 2, 3))
    total = probability.sum(dim=(1, 2, 3)) + truth.sum(dim=(1, 2, 3))
    return (1 - (2 * overlap + DICE_SMOOTH_PX) / (total + DICE_SMOOTH_PX)).mean()


def loss_parts(logits: Tensor, truth: Tensor) -> dict[str, Tensor]:
    """Dice loss and binary cross-entropy of a batch."""
    return {
        "dice": dice_loss(logits, truth),
        "cross-entropy": functional.binary_cross_entropy_with_logits(logits, truth),
    }


# ---- the run ----


class MaskTask(Task):
    """What the mask model learns, and the held-out sets whose mean F1 selects the best weights.

    Args:
        settings: of the run.
        samples: what to learn from.
        held_out: sets that only measure.
        accelerator: of the run.
    """

    best = "held-out F1"

    def __init__(
        self, settings: TrainingSettings, samples: Samples, held_out: list[FrameSet], accelerator: Accelerator
    ) -> None:
        self.settings, self.samples, self.held_out, self.accelerator = settings, samples, held_out, accelerator
        self.weights = {"dice": settings.dice_weight, "cross-entropy": 1 - settings.dice_weight}

    def batches(self, first: int, last: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Pairs and masks as `cut_empty` returns them, each batch `repeats` times in other forms."""
        repeats, seed = self.settings.repeats, self.settings.seed
        numbers = range(first // repeats, math.ceil(last / repeats))
        batches = load_batches(
            self.samples,
            numbers,
            self.accelerator,
            batch=self.settings.batch,
            seed=seed,
            workers=self.settings.workers,
            collate=collate,
        )
        for number, (pairs, masks) in zip(numbers, batches, strict=True):
            for step in range(max(first, number * repeats), (number + 1) * repeats):
                yield vary(pairs, masks, np.random.default_rng((seed, step))) if repeats > 1 else (pairs, masks)

    def losses(self, network: UNet, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        """The parts of the loss of pairs (B, 8, H, W) and masks (B, 1, H, W) uint8."""
        pairs, masks = batch
        logits = network(pairs.contiguous(memory_format=torch.channels_last).float() / 255)
        return loss_parts(logits.float(), (masks > 127).float())

    def measure(self, network: UNet, history: Sequence[Mapping[str, float]]) -> dict[str, float]:
        """Mean F1 over the held-out sets; nothing where there are none."""
        return {self.best: mean_f1(network, self.held_out, self.accelerator.device)} if self.held_out else {}


def collate(samples: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """A batch of samples, cut to what is drawn."""
    pairs, masks = default_collate(samples)
    return cut_empty(pairs, masks)


def cut_empty(pairs: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
    """Cut off rows and columns that no pair of the batch draws in: figures are rarely square, nothing is learnt there.

    Args:
        pairs: (B, 8, S, S) uint8.
        masks: (B, 1, S, S) uint8.

    Returns:
        The same with sides that are multiples of NETWORK_STEP_PX.
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
    """Turn a whole batch by a symmetry of the square and permute its colour channels.

    Args:
        pairs: (B, 8, S, S).
        masks: (B, 1, S, S).
        rng: source of the choice.
    """
    order = rng.permutation(3).tolist()
    pairs = pairs[:, [*order, 3, *(4 + channel for channel in order), 7]]
    mirror, quarter = bool(rng.integers(2)), int(rng.integers(4))
    turned = [torch.rot90(x.flip(3) if mirror else x, quarter, (2, 3)) for x in (pairs, masks)]
    return turned[0], turned[1]


def prepare(
    settings: TrainingSettings,
    start: UNet,
    samples: Samples,
    held_out: list[FrameSet],
    every: int = SAVE_EVERY,
) -> Training:
    """A run that can begin or resume.

    Args:
        settings: of the run; a resumed run must have the same.
        start: the network to begin with.
        samples: what to learn from.
        held_out: sets whose mean F1 selects the best weights; where there are none, the last average is kept.
        every: epochs between measurements, each of which saves the state.
    """
    accelerator = start_accelerator()
    batches = math.ceil(len(samples) / (settings.batch * accelerator.num_processes))
    loop = LoopSettings(
        steps=settings.epochs * batches * settings.repeats,
        epoch_steps=batches * settings.repeats,
        measure_every=every * batches * settings.repeats,
        learning_rate=settings.learning_rate,
        seed=settings.seed,
        weight_decay=WEIGHT_DECAY,
        warm_up=WARM_UP,
        ema_decay=EMA_DECAY,
    )
    network = start.to(memory_format=torch.channels_last)
    return Training(network, MaskTask(settings, samples, held_out, accelerator), settings, loop, accelerator)


def fit(
    settings: TrainingSettings,
    start: UNet,
    samples: Samples,
    held_out: list[FrameSet],
    checkpoint: Path,
    resume: bool,
    every: int = SAVE_EVERY,
) -> Training:
    """Train as `prepare` has it, or resume, and keep the state beside the checkpoint, with the suffix .state.pth.

    Returns:
        The finished run; `average` holds the weights to keep.

    Raises:
        UserError: as `Training.fit`.
    """
    training = prepare(settings, start, samples, held_out, every)
    training.fit(checkpoint.with_suffix(".state.pth"), resume)
    return training


def mean_f1(network: UNet, sets: list[FrameSet], device: torch.device) -> float:
    """Mean F1 over the sets, each being the mean over its frames."""
    return float(np.mean([np.mean(frame_f1(network, frame_set, device)) for frame_set in sets]))


def frame_f1(network: UNet, frame_set: FrameSet, device: torch.device) -> list[float]:
    """F1 of the predicted mask of each frame of a set."""
    masks = predict_masks(network, [(pair.base, pair.clothed) for pair in frame_set.pairs], device)
    truths = (read_mask(pair.mask) for pair in frame_set.pairs if pair.mask is not None)
    return [f1_score(mask, truth) for mask, truth in zip(masks, truths, strict=True)]
