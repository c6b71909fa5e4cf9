"""Training of the mask model: settings, loss and task for the training loop in common/training.py."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor
from torch.nn import functional

from common.training import LoopSettings, Task, Training, load_batches, start_accelerator
from masks.model.inference import predict_masks
from masks.model.metrics import f1_score
from masks.model.training_samples import TrainingSamples, collate, vary
from masks.model.unet import UNet
from masks.sets.pairs import read_true_mask
from masks.sets.training_sets import FrameSet

DICE_SMOOTH_PX = 32.0  # smoothing term; keeps the Dice loss of empty masks finite and that of small figures stable
SAVE_EVERY = 5  # epochs between measurements
WARM_UP = 0.03  # share of the steps in which the learning rate rises
WEIGHT_DECAY = 1e-4
EMA_DECAY = 0.999


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """Settings of one training run.

    Attributes:
        epochs: passes over the data.
        batch: pairs per step, on each process.
        learning_rate: peak learning rate of AdamW.
        dice_weight: weight of the Dice loss; binary cross-entropy has the rest of 1.
        drawn_share: share of random figures among the samples, 0 to 1.
        seed: seed of weights, order and augmentation.
        workers: processes that prepare samples.
        repeats: steps per batch, each with another rotation and other colours; useful if preparing samples takes
            longer than training on them, as with a GPU (Hoffer et al. 2020, arXiv:1901.09335).
        frames: fingerprint of the frames, so that a run is not resumed on others.
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


# ---- loss ----


def dice_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Return one minus the soft Dice coefficient (Milletari et al. 2016, arXiv:1606.04797), mean over the batch.

    Args:
        logits: (B, 1, H, W) float.
        truth: (B, 1, H, W) float of 0 or 1.
    """
    probability = torch.sigmoid(logits)
    overlap = (probability * truth).sum(dim=(1, 2, 3))
    total = probability.sum(dim=(1, 2, 3)) + truth.sum(dim=(1, 2, 3))
    return (1 - (2 * overlap + DICE_SMOOTH_PX) / (total + DICE_SMOOTH_PX)).mean()


def loss_parts(logits: Tensor, truth: Tensor) -> dict[str, Tensor]:
    """Return the Dice loss and the binary cross-entropy of a batch."""
    return {
        "dice": dice_loss(logits, truth),
        "cross-entropy": functional.binary_cross_entropy_with_logits(logits, truth),
    }


# ---- the run ----


class MaskTask(Task):
    """The mask model's task; the mean F1 on held-out sets selects the best weights.

    Args:
        settings: settings of the run.
        samples: training samples.
        held_out: sets used only for measuring.
        accelerator: the run's accelerator.
    """

    best = "held-out F1"

    def __init__(
        self, settings: TrainingSettings, samples: TrainingSamples, held_out: list[FrameSet], accelerator: Accelerator
    ) -> None:
        self.settings, self.samples, self.held_out, self.accelerator = settings, samples, held_out, accelerator
        self.weights = {"dice": settings.dice_weight, "cross-entropy": 1 - settings.dice_weight}

    def batches(self, first: int, last: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield pairs and masks as `collate` returns them, each batch `repeats` times in other variations."""
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
        """Return the parts of the loss of pairs (B, 8, H, W) and masks (B, 1, H, W), both uint8."""
        pairs, masks = batch
        logits = network(pairs.contiguous(memory_format=torch.channels_last).float() / 255)
        return loss_parts(logits.float(), (masks > 127).float())

    def measure(self, network: UNet, history: Sequence[Mapping[str, float]]) -> dict[str, float]:
        """Return the mean F1 over the held-out sets, or nothing if there are none."""
        return {self.best: mean_f1(network, self.held_out, self.accelerator.device)} if self.held_out else {}


def prepare(
    settings: TrainingSettings,
    start: UNet,
    samples: TrainingSamples,
    *,
    held_out: list[FrameSet],
    every: int = SAVE_EVERY,
) -> Training:
    """Return a run that is ready to start or resume.

    Args:
        settings: settings of the run; a resumed run must have the same.
        start: the network to start from.
        samples: training samples.
        held_out: sets whose mean F1 selects the best weights; if there are none, the last average is kept.
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
    samples: TrainingSamples,
    *,
    held_out: list[FrameSet],
    checkpoint: Path,
    resume: bool,
    every: int = SAVE_EVERY,
) -> Training:
    """Train or resume; the state is kept beside the checkpoint, with the suffix .state.pth. Arguments as `prepare`.

    Returns:
        The finished run; its `average` holds the weights to keep.

    Raises:
        UserError: as `Training.fit`.
    """
    training = prepare(settings, start, samples, held_out=held_out, every=every)
    training.fit(checkpoint.with_suffix(".state.pth"), resume)
    return training


def mean_f1(network: UNet, sets: list[FrameSet], device: torch.device) -> float:
    """Return the mean over the sets of the mean F1 over their frames."""
    return float(np.mean([np.mean(frame_f1(network, frame_set, device)) for frame_set in sets]))


def frame_f1(network: UNet, frame_set: FrameSet, device: torch.device) -> list[float]:
    """Return the F1 of the predicted mask of each frame of a set."""
    masks = predict_masks(network, [(pair.base, pair.clothed) for pair in frame_set.pairs], device)
    return [f1_score(mask, read_true_mask(pair)) for mask, pair in zip(masks, frame_set.pairs, strict=True)]
