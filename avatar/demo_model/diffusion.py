"""Last stages of the demo model: the UNets of base and refiner, which learn to take noise out of latents.

The base learns all noise levels, the refiner the fine ones alone (eDiff-I, Balaji et al. 2022, arXiv:2211.01324). The
noise levels of a batch are spread evenly, and the loss has min-SNR weights (Hang et al. 2023, arXiv:2303.09556). These
make pictures clean soon, but hardly weigh the levels at which colours and garments are decided: in a stage between the
two, "prompt", all levels weigh the same, noisy ones come more often, and px of the hair, whose colour is learnt last,
weigh more. The text encoders learn along in it, from the loss of the pictures as well as from their own: a prompt that
they misread is drawn wrong by every seed. By this stage the base follows prompts.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from avatar.demo_model.autoencoder import to_pictures
from avatar.demo_model.examples import NATIVE_PX, DrawnPictures
from avatar.demo_model.networks import (
    BAD_SCORE,
    BASE_NUMBERS,
    GOOD_SCORE,
    Parts,
    base_pipeline,
    refiner_pipeline,
    scheduler,
    unet,
)
from avatar.demo_model.stages import Stage, StageSettings, in_mixed_precision, noise_of_step, numbers_of_step
from avatar.demo_model.text_encoders import TextLearner, TextTask, Tokens, embed
from avatar.lora_training.training import (
    MEASURED_TIMES,
    Samples,
    min_snr_weights,
    places_of_step,
    sample_losses,
    spread_times,
)
from avatar.prompt.wording import NEGATIVE
from avatar.sdxl.generation import HANDOVER
from avatar.sdxl.sources import BASE, REFINER
from common.grids import picture_grid
from common.images import write_png

REFINER_LEVELS = 350  # of 1000, from the finest: a little more than any handover leaves it
SNR_GAMMA = 5.0
PROMPT = "prompt"  # the stage
NOISY = 0.5  # power of its noise levels, 0 to 1: below 1 the noisy ones come more often
HAIR_WEIGHT = 5.0  # of px of the hair in it, beside 1 of all
MEASURED = 32  # held-out pictures, each at a few noise levels
SHOWN_STEPS = 20
GUIDANCE = 5.0
SHOWN_SEED = 1


@dataclass(frozen=True)
class DiffusionTask:
    """What a UNet learns, and how it is measured and shown.

    Attributes:
        role: BASE or REFINER.
        settings: of the stage.
        parts: with text encoders and autoencoder on the device; for the refiner the base's UNet too, for its samples.
        latents: (N, 4, 32, 32) of all pictures.
        pictures: that they are of.
        tokens: of their captions.
        device: that computes.
        samples: pictures that are drawn at each measurement.
        levels: scheduler with the noise levels.
    """

    role: str
    settings: StageSettings
    parts: Parts
    latents: Tensor
    pictures: DrawnPictures
    tokens: Tokens
    device: torch.device
    samples: int
    levels: Any = field(default_factory=lambda: scheduler("DDPMScheduler"))

    @property
    def reach(self) -> int:
        """How many of the noise levels, from the finest, are learnt."""
        return int(self.levels.config.num_train_timesteps) if self.role == BASE else REFINER_LEVELS

    def losses(self, network: nn.Module, step: int) -> dict[str, Tensor]:
        """The loss on the noise, weighted as the stage has it."""
        follows_prompts = self.settings.stage == PROMPT
        rng = numbers_of_step(self.settings, step)
        rows = places_of_step(self.pictures.trained, self.settings.batch, self.settings.seed, step, 0, 1)
        chosen = self._batch(rows, *self.tokens.of_step(rows, rng))
        times = torch.from_numpy(spread_times(self.reach, rng.random(len(rows)), NOISY if follows_prompts else 1.0))
        levels, places = min_snr_weights(self.levels, times, SNR_GAMMA), torch.ones(1)
        if follows_prompts:
            hair = torch.from_numpy(self.pictures.hair[rows, None] / np.float32(255))
            levels, places = torch.ones(1), 1 + HAIR_WEIGHT * hair
        draws = noise_of_step(self.settings, step)
        with in_mixed_precision(self.device):
            each = sample_losses(network, self.levels, chosen, times, draws, self.device, places.to(self.device))
        return {"weighted": (each * levels.to(self.device)).mean()}

    def measure(self, network: nn.Module) -> float:
        """Mean loss on held-out pictures at a few noise levels."""
        rows = self.pictures.rows_held_out(MEASURED)
        numbers = torch.from_numpy(self.tokens.captions[rows, 0].astype(np.int64))
        chosen = self._batch(rows, numbers, torch.zeros(len(rows), dtype=torch.bool))
        found = []
        for time in MEASURED_TIMES:
            times = torch.full((len(rows),), time * self.reach // 1000)
            with in_mixed_precision(self.device):
                draws = torch.Generator().manual_seed(time)
                found.append(sample_losses(network, self.levels, chosen, times, draws, self.device).mean())
        return float(torch.stack(found).mean())

    def show(self, network: nn.Module, path: Path) -> None:
        """Write held-out pictures above what the network draws by their captions."""
        if self.samples:
            ours = {"unet" if self.role == BASE else "refiner": network}
            show_samples(replace(self.parts, **ours), self.pictures, self.samples, path, self.device)

    def _batch(self, rows: list[int], numbers: Tensor, empty: Tensor) -> Samples:
        text, pooled = embed(self.parts, self.tokens, numbers, self.role == BASE, self.device)
        mean = self.latents[rows].float().contiguous(memory_format=torch.channels_last)  # as CPUs like
        sizes = numbers_for(self.role, empty)
        return Samples(mean, torch.zeros_like(mean), sizes, torch.arange(len(rows)), text.float(), pooled.float())


def diffusion_stage(task: DiffusionTask) -> Stage:
    """The stage that trains one UNet; its figure is the loss on held-out pictures."""
    torch.manual_seed(task.settings.seed)
    network = unet(task.role).to(task.device)
    return Stage(task.settings, network, task.losses, task.measure, "held-out loss", task.show)


class PromptLearner(nn.Module):
    """The base's UNet with the text encoders, which learn together in the stage "prompt"."""

    def __init__(self, network: nn.Module, words: TextLearner) -> None:
        super().__init__()
        self.unet, self.words = network, words

    def put_into(self, parts: Parts) -> Parts:
        """The parts with these networks instead of theirs."""
        first, second = self.words.encoders
        return replace(parts, text_encoder=first, text_encoder_2=second, unet=self.unet)


@dataclass(frozen=True)
class PromptTask:
    """What UNet and text encoders learn together: the losses of both.

    Attributes:
        pictures: of the UNet, with settings of the stage PROMPT.
        words: of the text encoders.
    """

    pictures: DiffusionTask
    words: TextTask

    def losses(self, network: Any, step: int) -> dict[str, Tensor]:
        """The loss on the noise, which reaches the text encoders too, and theirs on the attributes."""
        return self._read_by(network).losses(network.unet, step) | self.words.losses(network.words, step)

    def measure(self, network: Any) -> float:
        """Mean loss on held-out pictures at a few noise levels."""
        return self._read_by(network).measure(network.unet)

    def show(self, network: Any, path: Path) -> None:
        """Write held-out pictures above what the network draws by their captions."""
        self._read_by(network).show(network.unet, path)

    def _read_by(self, network: PromptLearner) -> DiffusionTask:
        """The UNet's task, with the captions read by the network's own text encoders."""
        return replace(self.pictures, parts=network.put_into(self.pictures.parts))


def prompt_stage(task: PromptTask, network: nn.Module, learner: TextLearner) -> Stage:
    """The stage that goes on with a trained UNet and trained text encoders, both on the device."""
    both = PromptLearner(copy.deepcopy(network), copy.deepcopy(learner)).requires_grad_(True)
    return Stage(task.pictures.settings, both, task.losses, task.measure, "held-out loss", task.show)


def numbers_for(role: str, empty: Tensor) -> Tensor:
    """Size and crop, (B, 6), or for the refiner (B, 5) with a score, low for empty texts as the pipelines have it."""
    numbers = torch.tensor(BASE_NUMBERS, dtype=torch.float32).repeat(len(empty), 1)
    if role == REFINER:
        numbers = numbers[:, :5]
        numbers[:, 4] = torch.where(empty, BAD_SCORE, GOOD_SCORE)
    return numbers


# ---- samples ----


def show_samples(parts: Parts, pictures: DrawnPictures, count: int, path: Path, device: torch.device) -> None:
    """Held-out pictures above what is drawn by one caption of each, by the base alone and with the refiner."""
    rows = pictures.rows_held_out(count)
    prompts = [pictures.captions[row][0] for row in rows]
    tiles = [Image.fromarray(pixels) for pixels in pictures.pixels(rows)] + paint(parts, prompts, False, device)
    labels = [f"drawn\n{words}" for words in prompts] + ["base"] * len(rows)
    if parts.refiner is not None:
        tiles += paint(parts, prompts, True, device)
        labels += ["base and refiner"] * len(rows)
    footer = f"{SHOWN_STEPS} steps, guidance {GUIDANCE:g}"
    write_png(path, picture_grid(tiles, labels, len(rows), NATIVE_PX, footer=footer))


@torch.no_grad()
def paint(parts: Parts, prompts: Sequence[str], refined: bool, device: torch.device) -> list[Image.Image]:
    """Pictures of plain prompts, each of a seed of its own."""
    count = len(prompts)
    facts: dict[str, Any] = {
        "prompt": list(prompts),
        "negative_prompt": [NEGATIVE] * count,
        "num_inference_steps": SHOWN_STEPS,
        "guidance_scale": GUIDANCE,
        "generator": [torch.Generator().manual_seed(SHOWN_SEED + place) for place in range(count)],
        "output_type": "latent",
    }
    with in_mixed_precision(device):
        share = HANDOVER if refined else None
        base: Any = base_pipeline(parts)
        latents = base(height=NATIVE_PX, width=NATIVE_PX, denoising_end=share, **facts).images
        if refined:
            latents = refiner_pipeline(parts)(image=latents, denoising_start=share, **facts).images
        return to_pictures(parts.vae.decode(latents / parts.vae.config.scaling_factor).sample)
