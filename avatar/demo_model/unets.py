"""Stages "base", "prompt" and "refiner" of the demo model: the UNets, which learn to remove noise from latents.

The base learns all noise levels, the refiner the fine ones alone (eDiff-I, Balaji et al. 2022, arXiv:2211.01324). The
noise levels of a batch are spread evenly, and the loss has min-SNR weights (Hang et al. 2023, arXiv:2303.09556). These
make pictures clean soon, but give little weight to the levels at which colours and garments are decided. So in the
stage "prompt", between the two, all levels weigh the same, noisy ones come more often, and hair, whose colour is learnt
last, weighs more. The text encoders may learn along, from the loss of the pictures and from their own: a prompt that
they misread is drawn wrong by every seed. After this stage the base follows prompts.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from accelerate import Accelerator
from PIL import Image
from torch import Tensor, nn

from avatar.demo_model.autoencoder import to_pictures
from avatar.demo_model.drawn_pictures import NATIVE_PX
from avatar.demo_model.networks import (
    BAD_SCORE,
    BASE_NUMBERS,
    GOOD_SCORE,
    SdxlNetworks,
    base_pipeline,
    refiner_pipeline,
    scheduler,
)
from avatar.demo_model.stages import History, StageSettings, StageTask
from avatar.demo_model.text_encoders import AttributeClassifier, CaptionTokens, TextTask, embed
from avatar.lora_training.denoising_loss import (
    MEASURED_TIMES,
    CaptionedLatents,
    denoising_errors,
    min_snr_weights,
    spread_times,
)
from avatar.prompt.wording import NEGATIVE
from avatar.sdxl.generation import HANDOVER
from avatar.sdxl.sources import BASE, REFINER
from common.grids import picture_grid
from common.images import write_png

REFINER_LEVELS = 350  # noise levels of the refiner, of 1000, the finest: slightly more than any handover needs
MEASURED = 32  # held-out pictures, each at a few noise levels
SHOWN_STEPS = 20
GUIDANCE = 5.0
SHOWN_SEED = 1


@dataclass(frozen=True, kw_only=True)
class UNetSettings(StageSettings):
    """Settings of a stage that trains a UNet.

    Attributes:
        snr_gamma: gamma of the min-SNR weights of the noise levels; 0: all weigh the same.
        noise_power: exponent of the noise levels, 0 to 1: below 1 noisier ones come more often.
        hair_weight: additional weight of px of the hair, beside 1 of all px.
        captions: captions a step for the text encoders, on each device; 0: the text encoders are frozen.
    """

    snr_gamma: float = 5.0
    noise_power: float = 1.0
    hair_weight: float = 0.0
    captions: int = 0


@dataclass(frozen=True, kw_only=True)
class UNetTask(StageTask):
    """The denoising loss of a UNet, measured on held-out pictures.

    Attributes:
        role: BASE or REFINER.
        networks: text encoders and autoencoder on the device; for the refiner also the base's UNet, for its samples.
        latents: (N, 4, 32, 32) latents of all pictures.
        tokens: captions of the pictures.
        samples: number of pictures drawn at each measurement.
        levels: scheduler with the noise levels.
    """

    measured: ClassVar[str] = "held-out loss"
    settings: UNetSettings
    role: str
    networks: SdxlNetworks
    latents: Tensor
    tokens: CaptionTokens
    samples: int
    levels: Any = field(default_factory=lambda: scheduler("DDPMScheduler"))

    @property
    def reach(self) -> int:
        """Number of noise levels, from the finest, that are learnt."""
        return int(self.levels.config.num_train_timesteps) if self.role == BASE else REFINER_LEVELS

    def losses(self, network: nn.Module, batch: int) -> dict[str, Tensor]:
        """Weighted loss of step number `batch`."""
        settings, rng = self.settings, self.numbers_of_step(batch)
        rows = self.rows_of_step(batch, settings.batch)
        chosen = self._choose(rows, *self.tokens.of_step(rows, rng))
        times = spread_times(self.reach, rng.random(len(rows)), settings.noise_power)
        errors = denoising_errors(
            network,
            self.levels,
            chosen,
            times=times,
            draws=self.noise_of_step(batch),
            device=self.device,
            weights=self._px_weights(rows),
        )
        return {"weighted": (errors * min_snr_weights(self.levels, times, settings.snr_gamma).to(self.device)).mean()}

    def _px_weights(self, rows: list[int]) -> Tensor | float:
        """Weights of latent px, (B, 1, 32, 32)."""
        if self.settings.hair_weight == 0:
            return 1.0
        hair = torch.from_numpy(self.pictures.hair[rows, None] / np.float32(255))
        return (1 + self.settings.hair_weight * hair).to(self.device)

    def measure(self, network: nn.Module, history: History) -> dict[str, float]:
        """Mean unweighted loss of held-out pictures at a few noise levels."""
        rows = self.pictures.rows_held_out(MEASURED)
        numbers = torch.from_numpy(self.tokens.captions[rows, 0].astype(np.int64))
        found = []
        with self.accelerator.autocast():
            chosen = self._choose(rows, numbers, torch.zeros(len(rows), dtype=torch.bool))
            for time in MEASURED_TIMES:
                times = torch.full((len(rows),), time * self.reach // 1000)
                draws = torch.Generator().manual_seed(time)
                errors = denoising_errors(network, self.levels, chosen, times=times, draws=draws, device=self.device)
                found.append(errors.mean())
        return {self.measured: float(torch.stack(found).mean())}

    def draw_samples(self, network: nn.Module, path: Path) -> None:
        """Draw held-out pictures above what the network draws by their captions, alone and with the refiner."""
        if self.samples == 0:
            return
        networks = replace(self.networks, **{"unet" if self.role == BASE else "refiner": network})
        rows = self.pictures.rows_held_out(self.samples)
        prompts = [self.pictures.captions[row][0] for row in rows]
        tiles = [Image.fromarray(pixels) for pixels in self.pictures.pixels(rows)]
        tiles += draw_prompts(networks, prompts, refined=False, accelerator=self.accelerator)
        labels = [f"drawn\n{words}" for words in prompts] + ["base"] * len(rows)
        if networks.refiner is not None:
            tiles += draw_prompts(networks, prompts, refined=True, accelerator=self.accelerator)
            labels += ["base and refiner"] * len(rows)
        footer = f"{SHOWN_STEPS} steps, guidance {GUIDANCE:g}"
        write_png(path, picture_grid(tiles, labels, len(rows), NATIVE_PX, footer=footer))

    def _choose(self, rows: list[int], numbers: Tensor, empty: Tensor) -> CaptionedLatents:
        """Latents of these pictures with the texts of these token numbers; `empty`: which texts are negative."""
        text, pooled = embed(self.networks, self.tokens, numbers, both=self.role == BASE, device=self.device)
        mean = self.latents[rows].float().contiguous(memory_format=torch.channels_last)  # fast on CPUs
        return CaptionedLatents(
            mean=mean,
            spread=torch.zeros_like(mean),
            size_numbers=size_numbers(self.role, empty),
            caption=torch.arange(len(rows)),
            text=text.float(),
            pooled=pooled.float(),
        )


class PromptNetworks(nn.Module):
    """The base's UNet and the text encoders, which learn together in the stage "prompt"; copies of those given.

    Args:
        unet: UNet on the device.
        classifier: text encoders on the device.
        learn_texts: train the text encoders too.
    """

    def __init__(self, unet: nn.Module, classifier: AttributeClassifier, *, learn_texts: bool) -> None:
        super().__init__()
        self.unet = copy.deepcopy(unet).requires_grad_(True)
        self.classifier = copy.deepcopy(classifier).requires_grad_(learn_texts)

    def put_into(self, networks: SdxlNetworks) -> SdxlNetworks:
        """The networks with these in place of theirs."""
        first, second = self.classifier.encoders
        return replace(networks, text_encoder=first, text_encoder_2=second, unet=self.unet)


@dataclass(frozen=True, kw_only=True)
class PromptTask(StageTask):
    """The denoising loss of the base, and the attribute loss of the text encoders where they learn too.

    Attributes:
        of_unet: task of the UNet, with the settings of this stage.
        of_texts: task of the text encoders; None: they are frozen.
    """

    measured: ClassVar[str] = UNetTask.measured
    of_unet: UNetTask
    of_texts: TextTask | None

    def losses(self, network: Any, batch: int) -> dict[str, Tensor]:
        """Loss of the pictures, which reaches the text encoders too, and that of the attributes, in step `batch`."""
        losses = self._read_by(network).losses(network.unet, batch)
        return losses if self.of_texts is None else losses | self.of_texts.losses(network.classifier, batch)

    def measure(self, network: Any, history: History) -> dict[str, float]:
        """Mean unweighted loss of held-out pictures at a few noise levels."""
        return self._read_by(network).measure(network.unet, history)

    def draw_samples(self, network: Any, path: Path) -> None:
        """Draw held-out pictures above what the network draws by their captions."""
        self._read_by(network).draw_samples(network.unet, path)

    def _read_by(self, network: PromptNetworks) -> UNetTask:
        """The UNet's task with captions embedded by the network's own text encoders."""
        return replace(self.of_unet, networks=network.put_into(self.of_unet.networks))


def size_numbers(role: str, empty: Tensor) -> Tensor:
    """Size and crop, (B, 6); for the refiner (B, 5) with a score, low for negative texts as in the pipelines."""
    numbers = torch.tensor(BASE_NUMBERS, dtype=torch.float32).repeat(len(empty), 1)
    if role == REFINER:
        numbers = numbers[:, :5]
        numbers[:, 4] = torch.where(empty, BAD_SCORE, GOOD_SCORE)
    return numbers


@torch.no_grad()
def draw_prompts(
    networks: SdxlNetworks, prompts: Sequence[str], *, refined: bool, accelerator: Accelerator
) -> list[Image.Image]:
    """Draw prompts without weights, each with its own seed."""
    count = len(prompts)
    facts: dict[str, Any] = {
        "prompt": list(prompts),
        "negative_prompt": [NEGATIVE] * count,
        "num_inference_steps": SHOWN_STEPS,
        "guidance_scale": GUIDANCE,
        "generator": [torch.Generator().manual_seed(SHOWN_SEED + place) for place in range(count)],
        "output_type": "latent",
    }
    with accelerator.autocast():
        share = HANDOVER if refined else None
        base: Any = base_pipeline(networks)
        latents = base(height=NATIVE_PX, width=NATIVE_PX, denoising_end=share, **facts).images
        if refined:
            latents = refiner_pipeline(networks)(image=latents, denoising_start=share, **facts).images
        return to_pictures(networks.vae.decode(latents / networks.vae.config.scaling_factor).sample)
