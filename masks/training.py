"""Training of the mask model: samples, loss, and the loop that resumes exactly."""

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, Sampler
from tqdm import tqdm

from common.errors import UserError
from common.files import atomic_path
from masks.augmentation import Sample, augment
from masks.pixel_art import enlarge, find_pixel_size, shrink
from masks.prediction import place, place_mask
from masks.random_figures import random_pair
from masks.training_sets import FrameSet, read_mask, read_pair
from masks.unet import UNet

DICE_SMOOTH_PX = 32.0  # keeps the Dice loss of empty masks finite and small figures calm
CLIP_NORM = 1.0
WARM_UP = 0.03  # share of the steps in which the learning rate rises
WEIGHT_DECAY = 1e-4
EMA_DECAY = 0.998


@dataclass(frozen=True)
class TrainingSettings:
    """What one training run is.

    Attributes:
        epochs: passes over the data.
        batch: pairs a step.
        learning_rate: its highest value, of AdamW.
        dice_weight: weight of the Dice loss; the binary cross-entropy has the rest of 1.
        seed: of weights, order and augmentation.
        workers: processes that prepare samples beside the training one.
    """

    epochs: int
    batch: int
    learning_rate: float
    dice_weight: float
    seed: int
    workers: int


# ---- samples ----


class Samples(Dataset[tuple[Tensor, Tensor]]):
    """Random samples, each determined by the seed and its number alone.

    Args:
        frames: pairs and masks at one value an art pixel, which are augmented.
        drawn: number of random figures an epoch that are mixed in.
        seed: of the run.
    """

    def __init__(self, frames: list[Sample], drawn: int, seed: int) -> None:
        self.frames = frames
        self.drawn = drawn
        self.seed = seed

    def __len__(self) -> int:
        """Samples an epoch."""
        return len(self.frames) + self.drawn

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng((self.seed, index))
        place = index % len(self)
        pair = augment(rng, self.frames[place]) if place < len(self.frames) else random_pair(rng)
        return to_tensors(rng, *pair)


class EpochSampler(Sampler[int]):
    """The samples of one epoch in random order, by numbers that no other epoch has."""

    def __init__(self, length: int, seed: int) -> None:
        self.length = length
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[int]:
        order = np.random.default_rng((self.seed, self.epoch)).permutation(self.length)
        return iter((order + self.epoch * self.length).tolist())


def to_tensors(
    rng: np.random.Generator, base: np.ndarray, clothed: np.ndarray, mask: np.ndarray
) -> tuple[Tensor, Tensor]:
    """A sample as the network sees it: (8, S, S) and (1, S, S) uint8, with a random free border around the figure."""
    margin = float(rng.choice([0.06, rng.uniform(0, 0.6)]))
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


def weigh(parts: dict[str, Tensor], dice_weight: float) -> Tensor:
    """The loss that is trained."""
    return dice_weight * parts["dice"] + (1 - dice_weight) * parts["cross-entropy"]


# ---- the loop ----


@dataclass
class Training:
    """A run's state: everything that `--resume` needs to go on exactly.

    Attributes:
        network: the weights that are trained.
        average: their exponential moving average, which is what ships.
        best: state of the average when the held-out F1 was best.
        epoch: epochs done.
        best_f1: held-out F1 of `best`, -1 before the first.
        history: one entry an epoch.
    """

    settings: TrainingSettings
    network: UNet
    device: torch.device
    average: UNet = field(init=False)
    optimiser: torch.optim.AdamW = field(init=False)
    best: dict[str, Tensor] = field(default_factory=dict)
    epoch: int = 0
    best_f1: float = -1.0
    history: list[dict[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.network.to(memory_format=torch.channels_last).to(self.device)
        self.average = copy.deepcopy(self.network).eval().requires_grad_(False)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=self.settings.learning_rate, weight_decay=WEIGHT_DECAY
        )

    def state(self) -> dict[str, Any]:
        """Tensors and plain values to continue from."""
        return {
            "settings": asdict(self.settings),
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "best": self.best,
            "epoch": self.epoch,
            "best_f1": self.best_f1,
            "history": self.history,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from what `state` gave."""
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.best, self.epoch = state["best"], state["epoch"]
        self.best_f1, self.history = state["best_f1"], state["history"]


def train(
    training: Training,
    samples: Samples,
    validate: Callable[[UNet], float] | None,
    every: int,
    save: Callable[[Training], None],
) -> None:
    """Train to the last epoch of the settings.

    Args:
        training: where to begin.
        samples: what to learn from.
        validate: mean F1 on held-out sets of the averaged weights; None where nothing is held out.
        every: epochs between validations and saves.
        save: keeps the state.

    Raises:
        UserError: the loss is not finite.
    """
    settings = training.settings
    steps = math.ceil(len(samples) / settings.batch)
    sampler = EpochSampler(len(samples), settings.seed)
    loader = DataLoader(
        samples,
        settings.batch,
        sampler=sampler,
        num_workers=settings.workers,
        worker_init_fn=_one_thread,
        multiprocessing_context="spawn" if settings.workers else None,
        persistent_workers=settings.workers > 0,
    )
    bar = tqdm(total=settings.epochs, initial=training.epoch, desc="training", unit="epoch")
    while training.epoch < settings.epochs:
        sampler.epoch = training.epoch
        sums: dict[str, float] = {}
        for step, batch in enumerate(loader):
            set_learning_rate(training, (training.epoch * steps + step) / (steps * settings.epochs))
            for name, value in train_step(training, batch, step).items():
                sums[name] = sums.get(name, 0) + value / steps
        training.epoch += 1
        if validate and (training.epoch % every == 0 or training.epoch == settings.epochs):
            f1 = validate(training.average)
            sums["held-out F1"] = f1
            if f1 > training.best_f1:
                training.best_f1 = f1
                training.best = copy.deepcopy(training.average.state_dict())
        training.history.append(sums | {"epoch": training.epoch})
        if training.epoch % every == 0 or training.epoch == settings.epochs:
            save(training)
        bar.set_postfix({name: f"{value:.4f}" for name, value in sums.items()})
        bar.update()
    bar.close()


def _one_thread(_: int) -> None:
    """Workers share the processor with the training itself."""
    cv2.setNumThreads(0)
    torch.set_num_threads(1)


def set_learning_rate(training: Training, progress: float) -> None:
    """Warm-up, then a cosine to nothing; `progress` goes from 0 to 1 over the whole run."""
    rising = min(1.0, (progress + 1e-9) / WARM_UP)
    for group in training.optimiser.param_groups:
        group["lr"] = training.settings.learning_rate * rising * 0.5 * (1 + math.cos(math.pi * progress))


def train_step(training: Training, batch: list[Tensor], step: int) -> dict[str, float]:
    """One step of the optimiser; returns the parts of the loss.

    Raises:
        UserError: the loss is not finite.
    """
    device, settings = training.device, training.settings
    pairs = batch[0].to(device, memory_format=torch.channels_last, non_blocking=True).float() / 255
    truth = (batch[1].to(device, non_blocking=True) > 127).float()
    training.network.train()
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
        logits = training.network(pairs)
    parts = loss_parts(logits.float(), truth)
    loss = weigh(parts, settings.dice_weight)
    values = {name: float(part.detach()) for name, part in parts.items()}
    if not math.isfinite(float(loss.detach())):
        detail = ", ".join(f"{name} {value}" for name, value in values.items())
        raise UserError(f"the loss is not finite in epoch {training.epoch + 1}, batch {step + 1}: {detail}")
    training.optimiser.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(training.network.parameters(), CLIP_NORM)
    training.optimiser.step()
    update_average(training.average, training.network, training.epoch)
    return values


@torch.no_grad()
def update_average(average: UNet, network: UNet, epoch: int) -> None:
    """Move the averaged weights a little towards the trained ones; statistics of the normalisation are copied."""
    for mean, value in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if mean.dtype.is_floating_point:
            mean.lerp_(value, 1 - EMA_DECAY)
        else:
            mean.copy_(value)


def state_path(checkpoint: Path) -> Path:
    """Where the state for `--resume` lies."""
    return checkpoint.with_suffix(".state.pth")


def save_state(path: Path, training: Training) -> None:
    """Write the state atomically."""
    with atomic_path(path) as part:
        torch.save(training.state(), part)
