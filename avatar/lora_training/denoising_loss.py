"""The denoising loss of SDXL's UNets: captioned latents, noise levels, squared errors and their weights."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from avatar.prompt.wording import NEGATIVE

MEASURED_TIMES = (100, 300, 500, 700, 900)  # noise levels, of 1000, at which a held-out loss is measured
SAYING_NOTHING = ("", NEGATIVE)  # texts that guidance leads away from


@dataclass(frozen=True, kw_only=True)
class CaptionedLatents:
    """Pictures and captions as a UNet learns from them, on the CPU.

    Attributes:
        mean: (N, 4, h, w) means of the latent distributions, scaled as the UNet sees them.
        spread: (N, 4, h, w) standard deviations of the latent distributions.
        size_numbers: (N, 6) original height and width, top and left of the crop, height and width, px; the refiner
            has (N, 5).
        caption: (N,) row of each picture in the two tables below.
        text: (U, 77, D) embeddings of the captions; in LoRA training followed by those of SAYING_NOTHING.
        pooled: (U, P) pooled embeddings of the same texts.
        tokens: (U, 77) token numbers of the same texts for each text encoder, where these learn too.
    """

    mean: Tensor
    spread: Tensor
    size_numbers: Tensor
    caption: Tensor
    text: Tensor
    pooled: Tensor
    tokens: tuple[Tensor, ...] = ()

    def __len__(self) -> int:
        return len(self.mean)

    def choose(self, places: Sequence[int]) -> "CaptionedLatents":
        """Select pictures in this order; the tables of texts are shared."""
        rows = torch.tensor(places, dtype=torch.long)
        chosen = {name: getattr(self, name)[rows] for name in ("mean", "spread", "size_numbers", "caption")}
        return replace(self, **chosen)

    def without_some_captions(self, share: float, draws: torch.Generator) -> "CaptionedLatents":
        """Replace about this share of the captions by texts that say nothing.

        Classifier-free guidance leads away from what the UNet predicts for such a text (Ho and Salimans 2022,
        arXiv:2207.12598): it must know the style as well, or guidance exaggerates the style.
        """
        dropped = torch.rand(len(self), generator=draws) < share
        nothing = len(self.text) - torch.randint(1, len(SAYING_NOTHING) + 1, (len(self),), generator=draws)
        return replace(self, caption=torch.where(dropped, nothing, self.caption))

    def conditions(self, device: torch.device) -> dict[str, Any]:
        """Keyword arguments by which the UNet is conditioned on texts and sizes."""
        added = {"text_embeds": self.pooled[self.caption], "time_ids": self.size_numbers}
        return {
            "encoder_hidden_states": self.text[self.caption].to(device),
            "added_cond_kwargs": {name: tensor.to(device) for name, tensor in added.items()},
        }


def spread_times(levels: int, chances: np.ndarray, power: float = 1.0) -> Tensor:
    """Draw noise levels, one in each of N equal parts of the range, which varies less than independent draws.

    Args:
        levels: number of noise levels.
        chances: (N,) float64 in [0, 1), position of each within its part.
        power: below 1, noisier levels are drawn more often.

    Returns:
        (N,) int64, 0 to levels - 1.
    """
    count = len(chances)
    return torch.from_numpy((((np.arange(count) + chances) / count) ** power * levels).astype(np.int64))


def denoising_errors(
    unet: Callable[..., Any],
    scheduler: Any,
    latents: CaptionedLatents,
    *,
    times: Tensor,
    draws: torch.Generator,
    device: torch.device,
    weights: Tensor | float = 1.0,
) -> Tensor:
    """Mean squared error of the UNet's prediction for each picture, (B,).

    Args:
        unet: predicts the noise, or v if the scheduler says so (Salimans and Ho 2022, arXiv:2202.00512).
        scheduler: a DDPMScheduler with the noise levels of the base.
        latents: B pictures.
        times: (B,) int64 noise levels, 0 to 999.
        draws: random source of latents and noise, on the CPU so that all devices draw the same.
        device: device of the UNet.
        weights: weights of the latent px, (B, 1, h, w).
    """
    shape = latents.mean.shape
    drawn, noise = (torch.randn(shape, generator=draws).to(device) for _ in range(2))
    clean = latents.mean.to(device) + latents.spread.to(device) * drawn
    times = times.to(device)
    target = noise
    if scheduler.config.prediction_type == "v_prediction":
        target = scheduler.get_velocity(clean, noise, times)
    noisy = scheduler.add_noise(clean, noise, times)
    predicted = unet(noisy, times, **latents.conditions(device)).sample
    return ((predicted.float() - target).square() * weights).mean(dim=(1, 2, 3))


def min_snr_weights(scheduler: Any, times: Tensor, gamma: float) -> Tensor:
    """Weight of each picture's error, (B,): min(SNR, gamma) / SNR, or / (SNR + 1) if the UNet predicts v.

    Hang et al. 2023, arXiv:2303.09556; gamma 0 weighs all alike.
    """
    from diffusers.training_utils import compute_snr

    if gamma == 0:
        return torch.ones(len(times))
    snr = compute_snr(scheduler, times)
    below = snr + 1 if scheduler.config.prediction_type == "v_prediction" else snr.clamp(min=1e-8)
    return snr.clamp(max=gamma) / below
