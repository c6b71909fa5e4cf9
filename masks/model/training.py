"""Training of the mask model: samples, loss, and the loop that resumes exactly."""

import copy
import functools
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

from common.checkpoints import learning_rate, read_state, save_plain, update_average
from common.devices import pick_device
from common.errors import UserError, check_range
from masks.drawing.random_figures import random_pair
from masks.model.augmentation import Sample, augment
from masks.model.inference import MARGIN, place, place_mask, predict_masks
from masks.model.metrics import f1_score
from masks.model.unet import UNet
from masks.sets.pairs import read_mask, read_pair
from masks.sets.pixel_art import find_pixel_size, shrink
from masks.sets.training_sets import FrameSet

DICE_SMOOTH_PX = 32.0  # keeps the Dice loss of empty masks finite and small figures calm
SAVE_EVERY = 5  # epochs
CLIP_NORM = 1.0
WARM_UP = 0.03  # share of the steps in which the learning rate rises
WEIGHT_DECAY = 1e-4
EMA_DECAY = 0.999
NETWORK_STEP_PX = 32  # sides that the network takes are multiples of it


@dataclass(frozen=True)
class TrainingSettings:
    """What one training run is.

    Attributes:
        epochs: passes over the data.
        batch: pairs a step.
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
        steps: steps of the optimiser done.
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
    steps: int = 0
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
            "steps": self.steps,
            "best_f1": self.best_f1,
            "history": self.history,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from what `state` gave."""
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.best, self.epoch, self.steps = state["best"], state["epoch"], state["steps"]
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
    steps = math.ceil(len(samples) / settings.batch) * settings.repeats
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
        for number, batch in enumerate(loader):
            for step in range(number * settings.repeats, (number + 1) * settings.repeats):
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
    """Set what the schedule wants; `progress` goes from 0 to 1 over the whole run."""
    for group in training.optimiser.param_groups:
        group["lr"] = learning_rate(training.settings.learning_rate, progress, WARM_UP)


def train_step(training: Training, batch: list[Tensor], step: int) -> dict[str, float]:
    """One step of the optimiser; returns the parts of the loss.

    Raises:
        UserError: the loss is not finite.
    """
    device, settings = training.device, training.settings
    seen, mask = (part.to(device, non_blocking=True) for part in cut_empty(*batch))
    if settings.repeats > 1:
        seen, mask = vary(seen, mask, np.random.default_rng((settings.seed, training.steps)))
    pairs = seen.contiguous(memory_format=torch.channels_last).float() / 255
    truth = (mask > 127).float()
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
    training.steps += 1
    update_average(training.average, training.network, training.steps, EMA_DECAY)
    return values


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


def fit(
    settings: TrainingSettings,
    start: UNet,
    samples: Samples,
    held_out: list[FrameSet],
    checkpoint: Path,
    resume: bool,
    every: int = SAVE_EVERY,
) -> Training:
    """Train, or go on with a run that was cut short, and keep its state beside the checkpoint.

    Args:
        settings: of the run; a resumed run must have the same.
        start: the network to begin with.
        samples: what to learn from.
        held_out: sets whose mean F1 chooses the best weights; where there are none, the last average is taken.
        checkpoint: where the result will lie; the state lies beside it, with the suffix .state.pth.
        resume: go on from that state.
        every: epochs between validations and saves.

    Returns:
        The finished run; `average` holds the weights to keep.

    Raises:
        UserError: nothing to resume, other settings than the ones of the state, or a loss that is not finite.
    """
    training = Training(settings, start, pick_device())
    state = checkpoint.with_suffix(".state.pth")
    if resume:
        content = read_state(state, settings)
        try:
            training.restore(content)
        except (RuntimeError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise UserError(f"{state}: does not fit this network; start without --resume") from error
    validate = functools.partial(mean_f1, sets=held_out, device=training.device) if held_out else None
    train(training, samples, validate, every, functools.partial(save_state, state))
    if training.best:
        training.average.load_state_dict(training.best)
    return training


def mean_f1(network: UNet, sets: list[FrameSet], device: torch.device) -> float:
    """Mean F1 over the sets, each being the mean over its frames."""
    return float(np.mean([np.mean(frame_f1(network, frame_set, device)) for frame_set in sets]))


def frame_f1(network: UNet, frame_set: FrameSet, device: torch.device) -> list[float]:
    """F1 of the predicted mask of each frame of a set."""
    masks = predict_masks(network, [(pair.base, pair.clothed) for pair in frame_set.pairs], device)
    truths = (read_mask(pair.mask) for pair in frame_set.pairs if pair.mask is not None)
    return [f1_score(mask, truth) for mask, truth in zip(masks, truths, strict=True)]


def save_state(path: Path, training: Training) -> None:
    """Write the state of a run atomically."""
    save_plain(path, training.state())
