"""Loss, validation and training task of the fusion model."""

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
from carousel.fusion.training_samples import AvatarFusionDataset, to_sample
from common.errors import UserError
from common.imagenet.normalisation import to_uint8
from common.imagenet.perceptual_loss import PerceptualLoss
from common.training import LoopSettings, Task, Training, load_batches

WARM_UP = 0.03  # share of the steps in which the learning rate rises
WEIGHT_DECAY = 0.02
EMA_DECAY = 0.998
VALIDATION_BATCH = 16
LOSSES = ("L1", "masked L1", "perceptual")


@dataclass(frozen=True, kw_only=True)
class FusionTrainingSettings:
    """Settings of a training, saved in the checkpoint.

    Attributes:
        encoder: argument of `FusionNetwork`, as are `decoder`, `head` and `shrink`.
        decoder: "transformer" or "cnn".
        head: "affine" or "colours".
        shrink: factor by which the encoder's input is reduced.
        size_px: side of the samples.
        steps: optimiser steps; 0: only the light estimate is pretrained.
        batch: samples a step, on each device.
        learning_rate: peak learning rate of AdamW.
        l1_weight: weight of the mean absolute error over the whole picture.
        masked_weight: weight of the mean absolute error over the person.
        perceptual_weight: weight of the distance in VGG16's features; 0: not computed.
        light_samples: samples that pretrain the light estimate before the first step; 0: none.
        seed: seed of weights, order and variations.
        workers: processes that prepare samples.
        held_out_share: share of the scenes that are held out for measuring.
        collages: fingerprint of the samples; a run is resumed on the same samples only.

    Raises:
        UserError: the settings contradict each other.
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
        """Check what the ranges of single settings cannot express."""
        check_size(self.size_px, self.shrink)
        if self.l1_weight + self.masked_weight + self.perceptual_weight == 0:
            raise UserError("settings L1_WEIGHT, MASKED_WEIGHT and PERCEPTUAL_WEIGHT are all 0; raise one of them")
        if self.encoder == "none" and self.steps:
            raise UserError('setting ENCODER is "none", which trains the light estimate alone; set STEPS to 0')
        if self.steps == 0 and not teaches_light(self):
            raise UserError("setting STEPS is 0 and the light estimate is not pretrained; raise STEPS or LIGHT_SAMPLES")


# ---- loss ----


def loss_parts(predicted: Tensor, target: Tensor, mask: Tensor, perceptual: PerceptualLoss | None) -> dict[str, Tensor]:
    """Compute the unweighted parts of the loss.

    Args:
        predicted: (B, 3, S, S) in the network's range.
        target: same shape.
        mask: (B, 1, S, S) of 0 or 1.
        perceptual: perceptual loss; None: leave that part out.
    """
    difference = (predicted - target).abs()
    over = (3 * mask.sum(dim=(1, 2, 3))).clamp(min=1)
    parts = {"L1": difference.mean(), "masked L1": ((difference * mask).sum(dim=(1, 2, 3)) / over).mean()}
    if perceptual is not None:
        parts["perceptual"] = perceptual(predicted, target)
    return parts


# ---- the run ----


class FusionTask(Task):
    """Training of the fusion model; the foreground PSNR of held-out collages selects the best weights.

    Args:
        settings: settings of the run.
        samples: training samples.
        held_out: held-out collages in their fixed form.
        accelerator: result of `start_accelerator`.
    """

    best = "held-out foreground PSNR"

    def __init__(
        self,
        settings: FusionTrainingSettings,
        samples: AvatarFusionDataset,
        held_out: AvatarFusionDataset,
        accelerator: Accelerator,
    ) -> None:
        self.settings, self.samples, self.held_out, self.accelerator = settings, samples, held_out, accelerator
        weights = (settings.l1_weight, settings.masked_weight, settings.perceptual_weight)
        self.weights = dict(zip(LOSSES, weights, strict=True))
        self.perceptual = PerceptualLoss().to(accelerator.device) if settings.perceptual_weight else None
        self.measures_start = settings.head == "affine"

    def batches(self, first: int, last: int) -> Iterator[dict[str, Tensor]]:
        """Batches of the samples of `AvatarFusionDataset`."""
        run = self.settings
        numbers = range(first, last)
        return load_batches(
            self.samples, numbers, self.accelerator, batch=run.batch, seed=run.seed, workers=run.workers
        )

    def losses(self, network: FusionNetwork, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The unweighted parts of the loss of a batch."""
        network.light.eval()  # no dropout, as when it is used
        inputs = batch["input"].contiguous(memory_format=torch.channels_last)
        predicted = network(inputs, batch["mask"], batch["fold"]).float()
        with torch.autocast(predicted.device.type, enabled=False):  # VGG16 runs in full precision
            return loss_parts(predicted, batch["target"], batch["mask"], self.perceptual)

    def measure(self, network: FusionNetwork, history: Sequence[Mapping[str, float]]) -> dict[str, float]:
        """Mean foreground PSNR of the held-out collages, and its gain over pasting, in dB."""
        fused, pasted = held_out_psnr(network, self.held_out, self.accelerator.device)
        return {self.best: float(np.mean(fused)), "held-out gain": float(np.mean(fused) - np.mean(pasted))}


def prepare_training(
    network: FusionNetwork,
    settings: FusionTrainingSettings,
    samples: AvatarFusionDataset,
    held_out: AvatarFusionDataset,
    *,
    accelerator: Accelerator,
    measure_every: int,
    resume: bool = False,
) -> Training:
    """Prepare a run; pretrains the light estimate where the settings say so.

    Args:
        network: initial network.
        settings: settings of the run.
        samples: training samples.
        held_out: held-out collages in their fixed form.
        accelerator: result of `start_accelerator`.
        measure_every: steps between measurements, each of which saves the state.
        resume: whether a saved state will replace the weights, so that the light estimate need not be pretrained.
    """
    if teaches_light(settings) and not resume:
        teach_light(settings, network, samples)
    if settings.encoder != "none":
        network.light.requires_grad_(False)  # it is trained before the rest, not with it
    network.size_px = settings.size_px
    loop = LoopSettings(
        steps=settings.steps,
        measure_every=measure_every,
        learning_rate=settings.learning_rate,
        seed=settings.seed,
        weight_decay=WEIGHT_DECAY,
        warm_up=WARM_UP,
        ema_decay=EMA_DECAY,
    )
    task = FusionTask(settings, samples, held_out, accelerator)
    return Training(network.to(memory_format=torch.channels_last), task, settings, loop, accelerator)


def teach_light(settings: FusionTrainingSettings, network: FusionNetwork, samples: AvatarFusionDataset) -> None:
    """Pretrain the light estimate on samples that no training step uses."""
    others = copy.copy(samples)
    others.seed = settings.seed + 1
    pretrain_light(network.light, others, settings.light_samples, settings.workers, settings.seed)


def teaches_light(settings: FusionTrainingSettings) -> bool:
    """Whether the light estimate is pretrained."""
    return settings.light_samples > 0 and settings.head == "affine"


@torch.inference_mode()
def held_out_psnr(
    network: FusionNetwork, held_out: AvatarFusionDataset, device: torch.device
) -> tuple[Sequence[float], Sequence[float]]:
    """Measure the foreground PSNR in dB of each sample, fused and pasted."""
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
