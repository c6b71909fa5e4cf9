"""Training of the fusion model: loss, order of the samples, and a loop that resumes exactly, on one device or more."""

import copy
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.utils.data import DataLoader, Sampler
from tqdm import tqdm

from carousel.fusion.light_pretraining import one_thread, pretrain_light
from carousel.fusion.metrics import foreground_psnr
from carousel.fusion.network import Decoder, Encoder, FusionNetwork, Head, check_size
from carousel.fusion.normalisation import to_uint8
from carousel.fusion.perceptual_loss import PerceptualLoss
from carousel.fusion.training_samples import AvatarFusionDataset, to_sample
from common.checkpoints import learning_rate, read_state, save_plain, update_average
from common.errors import UserError, check_range

CLIP_NORM = 1.0
WARM_UP = 0.03  # share of the steps in which the learning rate rises
WEIGHT_DECAY = 0.02
EMA_DECAY = 0.998
VALIDATION_BATCH = 16


@dataclass(frozen=True)
class TrainingSettings:
    """What one training run is.

    Attributes:
        encoder: of `FusionNetwork`, as are `decoder` and `head`.
        decoder: "transformer" or "cnn".
        head: "affine" or "colours".
        shrink: of `FusionNetwork`.
        size_px: side of the samples.
        steps: of the optimiser; 0: only the light estimate is taught.
        batch: samples a step, on each device.
        learning_rate: its highest value, of AdamW.
        l1_weight: of the mean absolute error over the whole picture.
        masked_weight: of the mean absolute error over the person.
        perceptual_weight: of the distance in VGG16's features; 0: not computed.
        light_samples: samples whose statistics teach the light estimate before the first step; 0: none.
        seed: of weights, order and variations.
        workers: processes that prepare samples.
        held_out_share: of the scenes, which only measure.
        collages: fingerprint of the samples, so that a run is not resumed on others.

    Raises:
        UserError: a value out of its range.
    """

    encoder: Encoder
    decoder: Decoder
    head: Head
    shrink: int
    size_px: int
    steps: int
    batch: int
    learning_rate: float
    l1_weight: float
    masked_weight: float
    perceptual_weight: float
    light_samples: int
    seed: int
    workers: int
    held_out_share: float = 0.1
    collages: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be trained with."""
        check_size(self.size_px, self.shrink)
        check_range("STEPS", self.steps, 0, 10_000_000)
        check_range("BATCH", self.batch, 2, 100_000)
        check_range("LEARNING_RATE", self.learning_rate, 1e-9, 10)
        for name in ("l1_weight", "masked_weight", "perceptual_weight"):
            check_range(name.upper(), getattr(self, name), 0, 1000)
        if self.l1_weight + self.masked_weight + self.perceptual_weight == 0:
            raise UserError("settings L1_WEIGHT, MASKED_WEIGHT and PERCEPTUAL_WEIGHT are all 0")
        check_range("LIGHT_SAMPLES", self.light_samples, 0, 10_000_000)
        if self.steps == 0 and not teaches_light(self):
            raise UserError(
                "setting STEPS is 0, and no light estimate is taught before the first step; raise one of them"
            )
        check_range("SEED", self.seed, 0, 2**63 - 1)
        check_range("WORKERS", self.workers, 0, 1024)
        check_range("HELD_OUT_SHARE", self.held_out_share, 0, 0.9)


class StepSampler(Sampler[int]):
    """The samples of each step, from any step on; every pass over the collages has its own order and variations.

    Args:
        length: collages.
        batch: samples a step and device.
        settings: of the run: seed and number of steps.
        first: step to begin with.
        rank: number of this device.
        devices: how many there are.
    """

    def __init__(self, length: int, settings: TrainingSettings, first: int, rank: int = 0, devices: int = 1) -> None:
        self.length = length
        self.settings = settings
        self.first = first
        self.rank = rank
        self.devices = devices

    def __len__(self) -> int:
        return (self.settings.steps - self.first) * self.settings.batch

    def __iter__(self) -> Iterator[int]:
        pass_number, order = -1, np.empty(0, int)
        for step in range(self.first, self.settings.steps):
            start = (step * self.devices + self.rank) * self.settings.batch
            for position in range(start, start + self.settings.batch):
                if position // self.length != pass_number:
                    pass_number = position // self.length
                    order = np.random.default_rng((self.settings.seed, pass_number)).permutation(self.length)
                yield int(order[position % self.length]) + pass_number * self.length


# ---- loss ----


def loss_parts(predicted: Tensor, target: Tensor, mask: Tensor, perceptual: PerceptualLoss | None) -> dict[str, Tensor]:
    """The parts of the loss, unweighted.

    Args:
        predicted: (B, 3, S, S) in the network's range.
        target: the same shape.
        mask: (B, 1, S, S) of 0 or 1.
        perceptual: None leaves that part out.
    """
    difference = (predicted - target).abs()
    over = (3 * mask.sum(dim=(1, 2, 3))).clamp(min=1)
    parts = {"L1": difference.mean(), "masked L1": ((difference * mask).sum(dim=(1, 2, 3)) / over).mean()}
    if perceptual is not None:
        parts["perceptual"] = perceptual(predicted, target)
    return parts


def weigh(parts: dict[str, Tensor], settings: TrainingSettings) -> Tensor:
    """The loss that is trained."""
    weights = (settings.l1_weight, settings.masked_weight, settings.perceptual_weight)
    return torch.stack([weight * part for weight, part in zip(weights, parts.values(), strict=False)]).sum()


# ---- the loop ----


@dataclass
class Training:
    """A run's state: everything that `--resume` needs to go on exactly.

    Attributes:
        settings: of the run.
        network: the weights that are trained.
        average: their exponential moving average, which is what is measured and kept.
        best: state of the average when the held-out foreground PSNR was best.
        best_psnr: that PSNR in dB, -1 before the first.
        steps: done.
        history: one entry a measurement.
        waiting_s: seconds in which the network waited for samples, in this call.
    """

    settings: TrainingSettings
    network: FusionNetwork
    average: FusionNetwork = field(init=False)
    optimiser: torch.optim.AdamW = field(init=False)
    best: dict[str, Tensor] = field(default_factory=dict)
    best_psnr: float = -1.0
    steps: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    waiting_s: float = 0.0

    def __post_init__(self) -> None:
        self.network.size_px = self.settings.size_px
        self.network.to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.network).eval().requires_grad_(False)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=self.settings.learning_rate, weight_decay=WEIGHT_DECAY, fused=True
        )

    def state(self) -> dict[str, Any]:
        """Tensors and plain values to continue from."""
        return {
            "settings": asdict(self.settings),
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "best": self.best,
            "best_psnr": self.best_psnr,
            "steps": self.steps,
            "history": self.history,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from what `state` gave."""
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.best, self.best_psnr = state["best"], state["best_psnr"]
        self.steps, self.history = state["steps"], state["history"]


def fit(
    training: Training,
    samples: AvatarFusionDataset,
    held_out: AvatarFusionDataset,
    accelerator: Accelerator,
    state: Path,
    resume: bool,
    every: int,
) -> Training:
    """Train to the last step of the settings, or go on with a run that was cut short.

    Args:
        training: where to begin.
        samples: what to learn from.
        held_out: the fixed form of held-out collages, whose foreground PSNR chooses the best weights.
        accelerator: of the devices.
        state: file that keeps the run's state.
        resume: go on from that file.
        every: steps between measurements, each of which saves the state.

    Returns:
        The finished run; `average` holds the best weights.

    Raises:
        UserError: nothing to resume, other settings than those of the state, or a loss that is not finite.
    """
    training.average.to(accelerator.device)
    if resume:
        go_on(training, state)
    elif teaches_light(training.settings):
        teach_light(training, samples)
        measure(training, held_out, accelerator, {"step": 0})
    if teaches_light(training.settings) and training.settings.encoder != "none":
        training.network.light.rest()
    network, optimiser = accelerator.prepare(training.network, training.optimiser)
    weight = training.settings.perceptual_weight
    perceptual = PerceptualLoss().to(accelerator.device) if weight else None
    bar = tqdm(
        total=training.settings.steps,
        initial=training.steps,
        desc="training",
        unit="step",
        disable=not accelerator.is_main_process,
    )
    losses: list[dict[str, float]] = []
    for batch in batches(training, samples, accelerator):
        losses.append(train_step(training, batch, network, optimiser, perceptual, accelerator))
        bar.update()
        if training.steps % every == 0 or training.steps == training.settings.steps:
            means = {name: sum(parts[name] for parts in losses) / len(losses) for name in losses[0]}
            entry = {"step": training.steps, **means}
            measure(training, held_out, accelerator, entry)
            bar.set_postfix_str(f"held out {entry['held-out gain']:+.2f} dB over pasting")
            losses = []
            if accelerator.is_main_process:
                save_plain(state, training.state())
    bar.close()
    training.average.load_state_dict(training.best)
    return training


def go_on(training: Training, state: Path) -> None:
    """Bring a run to where the one that was cut short stood.

    Raises:
        UserError: nothing to resume, other settings, or a state that does not fit.
    """
    content = read_state(state, training.settings)
    try:
        training.restore(content)
    except (RuntimeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{state}: does not fit this network; start without --resume") from error


def teach_light(training: Training, samples: AvatarFusionDataset) -> None:
    """Teach the light estimate by samples that no step has, before the first step."""
    settings = training.settings
    others = copy.copy(samples)
    others.seed = settings.seed + 1
    pretrain_light(training.network, others, settings.light_samples, settings.workers, settings.seed)
    training.average.load_state_dict(training.network.state_dict())


def teaches_light(settings: TrainingSettings) -> bool:
    """Whether the light estimate is taught before the first step."""
    return settings.light_samples > 0 and settings.head == "affine"


def batches(training: Training, samples: AvatarFusionDataset, accelerator: Accelerator) -> Iterator[dict[str, Tensor]]:
    """The batches of the steps that are left, on this device; counts the time that is spent waiting for them."""
    settings = training.settings
    place = accelerator.process_index, accelerator.num_processes
    loader = DataLoader(
        samples,
        settings.batch,
        sampler=StepSampler(len(samples), settings, training.steps, *place),
        num_workers=settings.workers,
        worker_init_fn=one_thread,
        multiprocessing_context="spawn" if settings.workers else None,
        pin_memory=accelerator.device.type == "cuda",
    )
    iterator = iter(loader)
    while True:
        started = time.perf_counter()
        batch = next(iterator, None)
        training.waiting_s += time.perf_counter() - started
        if batch is None:
            return
        yield {name: tensor.to(accelerator.device, non_blocking=True) for name, tensor in batch.items()}


def train_step(
    training: Training,
    batch: dict[str, Tensor],
    network: nn.Module,
    optimiser: Any,
    perceptual: PerceptualLoss | None,
    accelerator: Accelerator,
) -> dict[str, float]:
    """One step of the optimiser; returns the parts of the loss.

    Args:
        training: the run.
        batch: as `AvatarFusionDataset` gives it, on the device.
        network: the run's network as `accelerator.prepare` gives it.
        optimiser: as `accelerator.prepare` gives it.
        perceptual: as of `loss_parts`.
        accelerator: of the devices.

    Raises:
        UserError: the loss is not finite.
    """
    settings = training.settings
    for group in optimiser.param_groups:
        group["lr"] = learning_rate(settings.learning_rate, training.steps / settings.steps, WARM_UP)
    network.train()
    seed_dropout(settings.seed, training.steps, accelerator.process_index)
    seen = batch["input"].contiguous(memory_format=torch.channels_last)
    with accelerator.autocast():
        predicted = network(seen, batch["mask"])
    parts = loss_parts(predicted.float(), batch["target"], batch["mask"], perceptual)
    loss = weigh(parts, settings)
    values = {name: float(part.detach()) for name, part in parts.items()}
    if not math.isfinite(float(loss.detach())):
        detail = ", ".join(f"{name} {value}" for name, value in values.items())
        raise UserError(f"the loss is not finite in step {training.steps + 1}: {detail}")
    optimiser.zero_grad(set_to_none=True)
    accelerator.backward(loss)
    accelerator.clip_grad_norm_(network.parameters(), CLIP_NORM)
    optimiser.step()
    training.steps += 1
    update_average(training.average, training.network, training.steps, EMA_DECAY)
    return values


def seed_dropout(seed: int, step: int, device: int) -> None:
    """Tie what dropout draws to the step, so that a resumed run draws what an uninterrupted one does."""
    torch.manual_seed(int(np.random.default_rng((seed, step, device)).integers(2**63)))


def measure(
    training: Training, held_out: AvatarFusionDataset, accelerator: Accelerator, entry: dict[str, float]
) -> None:
    """Add the held-out foreground PSNR and its gain over pasting to a history entry, and keep the best weights."""
    fused, pasted = held_out_psnr(training.average, held_out, accelerator.device)
    entry["held-out foreground PSNR"] = float(np.mean(fused))
    entry["held-out gain"] = float(np.mean(fused) - np.mean(pasted))
    training.history.append(entry)
    if entry["held-out foreground PSNR"] > training.best_psnr:
        training.best_psnr = entry["held-out foreground PSNR"]
        training.best = copy.deepcopy(training.average.state_dict())


@torch.inference_mode()
def held_out_psnr(
    network: FusionNetwork, held_out: AvatarFusionDataset, device: torch.device
) -> tuple[Sequence[float], Sequence[float]]:
    """Foreground PSNR in dB of each sample as fused and as pasted."""
    fused: list[float] = []
    pasted: list[float] = []
    for first in range(0, len(held_out), VALIDATION_BATCH):
        examples = [held_out.example(index) for index in range(first, min(first + VALIDATION_BATCH, len(held_out)))]
        samples = [to_sample(example) for example in examples]
        inputs, masks = (torch.stack([sample[name] for sample in samples]).to(device) for name in ("input", "mask"))
        for example, picture in zip(examples, to_uint8(network(inputs, masks)), strict=True):
            fused.append(foreground_psnr(picture, example.truth, example.mask))
            pasted.append(foreground_psnr(example.avatar, example.truth, example.mask))
    return fused, pasted
