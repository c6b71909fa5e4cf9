"""Training of the fusion model: loss and run."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

from carousel.fusion.light_pretraining import pretrain_light
from carousel.fusion.metrics import foreground_psnr
from carousel.fusion.network import Decoder, Encoder, FusionNetwork, Head, check_size
from carousel.fusion.normalisation import to_uint8
from carousel.fusion.perceptual_loss import PerceptualLoss
from carousel.fusion.training_samples import AvatarFusionDataset, to_sample
from common.errors import UserError, check_range
from common.training import LoopSettings, Task, Training, load_batches

WARM_UP = 0.03  # share of the steps in which the learning rate rises
WEIGHT_DECAY = 0.02
EMA_DECAY = 0.998
VALIDATION_BATCH = 16
LOSSES = ("L1", "masked L1", "perceptual")


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


# ---- the run ----


class FusionTask(Task):
    """What the fusion model learns, and the held-out collages whose foreground PSNR selects the best weights.

    Args:
        settings: of the run.
        samples: what to learn from.
        held_out: the fixed form of held-out collages.
        accelerator: of the run.
    """

    best = "held-out foreground PSNR"

    def __init__(
        self,
        settings: TrainingSettings,
        samples: AvatarFusionDataset,
        held_out: AvatarFusionDataset,
        accelerator: Accelerator,
    ) -> None:
        self.settings, self.samples, self.held_out, self.accelerator = settings, samples, held_out, accelerator
        weights = (settings.l1_weight, settings.masked_weight, settings.perceptual_weight)
        self.weights = dict(zip(LOSSES, weights, strict=True))
        self.perceptual = PerceptualLoss().to(accelerator.device) if settings.perceptual_weight else None
        self.measures_start = teaches_light(settings)

    def batches(self, first: int, last: int) -> Iterator[dict[str, Tensor]]:
        """Batches of samples as `AvatarFusionDataset` gives them."""
        run = self.settings
        numbers = range(first, last)
        return load_batches(
            self.samples, numbers, self.accelerator, batch=run.batch, seed=run.seed, workers=run.workers
        )

    def losses(self, network: FusionNetwork, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The parts of the loss of a batch."""
        predicted = network(batch["input"].contiguous(memory_format=torch.channels_last), batch["mask"]).float()
        with torch.autocast(predicted.device.type, enabled=False):  # VGG16's features stay exact
            return loss_parts(predicted, batch["target"], batch["mask"], self.perceptual)

    def measure(self, network: FusionNetwork, history: Sequence[Mapping[str, float]]) -> dict[str, float]:
        """Mean foreground PSNR of held-out collages, and its gain over pasting, dB."""
        fused, pasted = held_out_psnr(network, self.held_out, self.accelerator.device)
        return {self.best: float(np.mean(fused)), "held-out gain": float(np.mean(fused) - np.mean(pasted))}


def prepare(
    settings: TrainingSettings,
    network: FusionNetwork,
    samples: AvatarFusionDataset,
    held_out: AvatarFusionDataset,
    accelerator: Accelerator,
    every: int,
    resume: bool = False,
) -> Training:
    """A run that can begin or resume; where the light estimate is taught first, it is taught here.

    Args:
        settings: of the run.
        network: where to begin.
        samples: what to learn from.
        held_out: as of `FusionTask`.
        accelerator: of the run.
        every: steps between measurements, each of which saves the state.
        resume: whether a state will replace the weights, so that the light estimate need not be taught.
    """
    if teaches_light(settings):
        if not resume:
            teach_light(settings, network, samples)
        if settings.encoder != "none":
            network.light.rest()
    network.size_px = settings.size_px
    loop = LoopSettings(
        steps=settings.steps,
        measure_every=every,
        learning_rate=settings.learning_rate,
        seed=settings.seed,
        weight_decay=WEIGHT_DECAY,
        warm_up=WARM_UP,
        ema_decay=EMA_DECAY,
    )
    task = FusionTask(settings, samples, held_out, accelerator)
    return Training(network.to(memory_format=torch.channels_last), task, settings, loop, accelerator)


def teach_light(settings: TrainingSettings, network: FusionNetwork, samples: AvatarFusionDataset) -> None:
    """Teach the light estimate by samples that no step has, before the first step."""
    others = copy.copy(samples)
    others.seed = settings.seed + 1
    pretrain_light(network, others, settings.light_samples, settings.workers, settings.seed)


def teaches_light(settings: TrainingSettings) -> bool:
    """Whether the light estimate is taught before the first step."""
    return settings.light_samples > 0 and settings.head == "affine"


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
