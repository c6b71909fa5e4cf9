"""What a LoRA learns: low-rank factors that peft adds to chosen layers of a frozen UNet."""

import itertools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from avatar.lora_training.denoising_loss import (
    MEASURED_TIMES,
    CaptionedLatents,
    denoising_errors,
    min_snr_weights,
    spread_times,
)
from avatar.lora_training.learning_texts import TEXT_TARGETS, UNetWithTexts
from avatar.sdxl.lora_files import ADAPTER
from avatar.sdxl.pipelines import Precision, dtype_for
from common.devices import pick_device
from common.errors import UserError
from common.training import LoopSettings, Task, samples_of_batch, seed_of_step

MixedPrecision = Literal["no", "fp16", "bf16"]
WARM_UP = 0.05  # share of the steps in which the learning rate rises
WEIGHT_DECAY = 0.01
LARGE_UNET = 500_000_000  # parameters; SDXL has 2.6 billion
LARGE_RATE, SMALL_RATE = 1e-4, 2e-3  # highest learning rates that suit large and small UNets
ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
OTHER_LAYERS = ("ff.net.0.proj", "ff.net.2", "conv1", "conv2", "conv_in", "conv_out")


@dataclass(frozen=True, kw_only=True)
class LoraSettings:
    """Settings of a LoRA training.

    Attributes:
        size_px: side of the square pictures, px; 0: the base's own.
        rank: rank of the factors.
        alpha: the LoRA is scaled by alpha / rank.
        target_modules: ends of the names of the layers that get factors; empty: those of `with_defaults`.
        steps: steps of the optimiser.
        batch: pictures a step, on each device.
        learning_rate: highest learning rate of AdamW; None: that of `with_defaults`.
        snr_gamma: gamma of the min-SNR weights; 0: all noise levels weigh the same.
        prior_weight: weight of the loss on class pictures; 0: no class pictures.
        caption_dropout: share of the samples learnt with a text that says nothing instead of their caption.
        flip: learn the mirrored pictures too.
        gradient_checkpointing: recompute activations instead of keeping them.
        precision: precision of the forward pass.
        seed: seed of first weights, order, noise and samples.
        held_out_share: share of the pictures that only measure.
        accumulate: batches a step, whose gradients are averaged.
        text_encoders: the text encoders learn too.
        data: fingerprint of pictures and captions, so that a run is not resumed on others.
        base: start of the base's SHA-256.
    """

    size_px: int
    rank: int
    alpha: int
    target_modules: tuple[str, ...]
    steps: int
    batch: int
    learning_rate: float | None
    snr_gamma: float
    prior_weight: float
    caption_dropout: float
    flip: bool
    gradient_checkpointing: bool
    precision: MixedPrecision
    seed: int
    held_out_share: float
    accumulate: int = 1
    text_encoders: bool = False
    data: str = ""
    base: str = ""

    def loop(self, measure_every: int) -> LoopSettings:
        """Settings of the training loop, which measures and saves every so many steps."""
        assert self.learning_rate is not None, "set from the base"
        return LoopSettings(
            steps=self.steps,
            learning_rate=self.learning_rate,
            seed=self.seed,
            measure_every=measure_every,
            weight_decay=WEIGHT_DECAY,
            warm_up=WARM_UP,
            accumulate=self.accumulate,
        )


def pick_precision(asked: Precision) -> MixedPrecision:
    """Precision of the forward pass in accelerate's terms; "auto" is bf16 if `accelerate launch` asks for it, else the
    best of the device.

    Raises:
        UserError: fp16 without a GPU.
    """
    device = pick_device()
    if asked == "auto" and os.environ.get("ACCELERATE_MIXED_PRECISION") == "bf16":
        asked = "bf16"
    if asked == "auto" and device.type == "mps":  # half precision has no gradient scaling there
        return "no"
    found: dict[torch.dtype, MixedPrecision] = {torch.float32: "no", torch.float16: "fp16", torch.bfloat16: "bf16"}
    return found[dtype_for(device, asked)]


def with_defaults(settings: LoraSettings, unet: nn.Module) -> LoraSettings:
    """Fill in learning rate and target modules that suit a UNet: a small one learns a style by all layers, and fast."""
    large = sum(parameter.numel() for parameter in unet.parameters()) > LARGE_UNET
    rate, targets = (LARGE_RATE, ATTENTION) if large else (SMALL_RATE, (*ATTENTION, *OTHER_LAYERS))
    return replace(
        settings,
        learning_rate=settings.learning_rate or rate,
        target_modules=settings.target_modules or targets,
    )


def add_lora(base: Any, settings: LoraSettings) -> nn.Module:
    """Freeze a base and add to chosen layers a LoRA that changes nothing yet: in the UNet, and if set in text encoders.

    Returns:
        What learns: the UNet, alone or with the text encoders.

    Raises:
        UserError: a name in TARGET_MODULES matches no linear or convolutional layer.
    """
    unet = base.unet
    names = [name for name, module in unet.named_modules() if isinstance(module, nn.Linear | nn.Conv2d)]
    for target in settings.target_modules:
        if not any(f".{name}".endswith(f".{target}") for name in names):
            known = sorted({name.rpartition(".")[2] for name in names if not name.rpartition(".")[2].isdigit()})
            raise UserError(f"setting TARGET_MODULES: no layer is named {target!r}; there are {', '.join(known)}")
    torch.manual_seed(settings.seed)
    _add_factors(unet, settings, target_modules=list(settings.target_modules))
    if settings.gradient_checkpointing:
        unet.enable_gradient_checkpointing()
    if not settings.text_encoders:
        return unet
    used = range(base.text_encoder.config.num_hidden_layers - 1)  # nothing reads the last layer of the first encoder
    _add_factors(base.text_encoder, settings, target_modules=list(TEXT_TARGETS), layers_to_transform=list(used))
    _add_factors(base.text_encoder_2, settings, target_modules=list(TEXT_TARGETS))
    return UNetWithTexts(base)


def _add_factors(network: Any, settings: LoraSettings, **where: Any) -> None:
    from diffusers.training_utils import cast_training_params
    from peft import LoraConfig, inject_adapter_in_model

    network.requires_grad_(False)
    config = LoraConfig(r=settings.rank, lora_alpha=settings.alpha, init_lora_weights="gaussian", **where)
    inject_adapter_in_model(config, network, ADAPTER)
    cast_training_params(network, dtype=torch.float32)


class LoraTask(Task):
    """The denoising loss of captioned pictures, measured on held-out ones.

    Args:
        settings: settings of the training.
        scheduler: a DDPMScheduler with the noise levels of the base.
        accelerator: accelerator of the run.
        learnt: pictures to learn.
        prior: class pictures, whose loss keeps the base's knowledge of the class (Ruiz et al. 2022, arXiv:2208.12242).
        held_out: pictures that only measure.
        draw_samples: draws the samples of a step.
    """

    measures_start = True
    remedy = "try PRECISION bf16 or fp32"

    def __init__(
        self,
        settings: LoraSettings,
        scheduler: Any,
        accelerator: Accelerator,
        *,
        learnt: CaptionedLatents,
        prior: CaptionedLatents | None,
        held_out: CaptionedLatents | None,
        draw_samples: Callable[[int], None],
    ) -> None:
        self.settings, self.scheduler, self.accelerator = settings, scheduler, accelerator
        self.learnt, self.prior, self.held_out, self.draw_samples = learnt, prior, held_out, draw_samples
        self.weights = {"training": 1.0, "prior": settings.prior_weight}

    def losses(self, network: nn.Module, batch: int) -> dict[str, Tensor]:
        """Losses of the pictures, and of the class pictures where there are some, in step number `batch`."""
        process = self.accelerator.process_index
        draws = torch.Generator().manual_seed(seed_of_step(self.settings.seed, batch, process))
        parts = {}
        for name, latents in (("training", self.learnt), ("prior", self.prior)):
            if latents is None:
                continue
            numbers = samples_of_batch(
                batch,
                length=len(latents),
                batch=self.settings.batch,
                seed=self.settings.seed,
                process=process,
                processes=self.accelerator.num_processes,
            )
            chosen = latents.choose([number % len(latents) for number in numbers])
            if self.settings.caption_dropout:
                chosen = chosen.without_some_captions(self.settings.caption_dropout, draws)
            parts[name] = self._loss(network, chosen, draws)
        return parts

    def _loss(self, network: nn.Module, latents: CaptionedLatents, draws: torch.Generator) -> Tensor:
        """Weighted mean loss at random noise levels."""
        latents = network.read(latents) if isinstance(network, UNetWithTexts) else latents
        chances = torch.rand(len(latents), generator=draws, dtype=torch.float64).numpy()
        times = spread_times(self.scheduler.config.num_train_timesteps, chances)
        device = self.accelerator.device
        errors = denoising_errors(network, self.scheduler, latents, times=times, draws=draws, device=device)
        return (errors * min_snr_weights(self.scheduler, times, self.settings.snr_gamma).to(device)).mean()

    def measure(self, network: nn.Module, history: Sequence[Mapping[str, float]]) -> dict[str, float]:
        """Held-out loss, and its percentage of the base's, if pictures are held out."""
        if self.held_out is None:
            return {}
        loss = self._held_out_loss(network, self.held_out)
        base = history[0]["held-out loss"] if history else loss
        return {"held-out loss": loss, "share of the base": 100 * loss / base}

    def _held_out_loss(self, network: nn.Module, held_out: CaptionedLatents) -> float:
        """Mean unweighted loss at fixed noise levels with fixed noise."""
        device, losses = self.accelerator.device, []
        for place, time in itertools.product(range(len(held_out)), MEASURED_TIMES):
            times = torch.tensor([time * self.scheduler.config.num_train_timesteps // 1000])
            draws, one = torch.Generator().manual_seed(place), held_out.choose([place])
            with self.accelerator.autocast():
                one = network.read(one) if isinstance(network, UNetWithTexts) else one
                losses.append(denoising_errors(network, self.scheduler, one, times=times, draws=draws, device=device))
        return float(torch.cat(losses).mean())

    def show(self, network: nn.Module, history: Sequence[Mapping[str, float]]) -> None:
        """Draw the samples of the last step."""
        self.draw_samples(int(history[-1]["step"]))

    def keeps(self, name: str) -> bool:
        """Keep the factors alone; the base is loaded anew."""
        return ".lora_" in name
