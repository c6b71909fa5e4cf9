"""Stage "autoencoder" of the demo model: pictures of 256 px to latents of 32 x 32 x 4 and back.

The loss is the mean absolute error of the colours and of their differences between neighbours, which keeps outlines
sharp without a second network, and a little of the latents' divergence from a normal distribution (Rombach et al. 2022,
arXiv:2112.10752). Most steps learn from parts of pictures, sixteen times as many in the same time; the last steps from
whole pictures. Some are recoloured, so that it can also reproduce photos and styles that the drawn pictures lack.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from accelerate import Accelerator
from PIL import Image
from torch import Tensor, nn
from tqdm import tqdm

from avatar.demo_model.drawn_pictures import LATENT_PX, NATIVE_PX, DrawnPictures, chunks_of
from avatar.demo_model.networks import LATENT_CHANNELS, normalise_latents
from avatar.demo_model.stages import History, StageTask
from common.files import atomic_path
from common.grids import picture_grid
from common.imagenet.normalisation import norm
from common.imagenet.perceptual_loss import PerceptualLoss
from common.images import write_png

PART_PX = 64
WHOLE_SHARE = 0.2  # share of the steps, the last ones, that learn from whole pictures
RECOLOURED_SHARE = 0.3
EDGE_WEIGHT = 1.0
DIVERGENCE_WEIGHT = 1e-6
PERCEPTUAL_WEIGHT = 0.1
MEASURED, SHOWN = 32, 8  # held-out pictures
NORMALISED = 500  # pictures from which mean and deviation of the latents are estimated
ENCODED_AT_ONCE, ENCODED_AT_ONCE_BY_CPU = 50, 4  # more exceed a CPU's cache and take longer each
PEAK = 2.0  # range of values from -1 to 1


def to_values(pixels: np.ndarray, device: torch.device) -> Tensor:
    """Convert (N, S, S, 3) uint8 RGB to (N, 3, S, S) float32 in [-1, 1]."""
    return torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1  # channels last: fast on CPUs


def to_pictures(values: Tensor) -> list[Image.Image]:
    """Convert (N, 3, S, S) in [-1, 1] to pictures."""
    pixels = ((values.float().clamp(-1, 1) + 1) * 127.5).round().byte().cpu().numpy()
    return [Image.fromarray(picture) for picture in pixels.transpose(0, 2, 3, 1)]


def recolour(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Permute the channels, perhaps invert, and change contrast and brightness at random; uint8 in and out."""
    values = pixels[..., rng.permutation(3)].astype(np.float32)
    values = 255 - values if rng.random() < 0.3 else values
    gain, level = rng.uniform(0.4, 1.2, 3), rng.uniform(-60, 40)
    return (values * gain + level).round().clip(0, 255).astype(np.uint8)


@dataclass(frozen=True, kw_only=True)
class AutoencoderTask(StageTask):
    """Reconstruction of drawn pictures, measured by the PSNR of held-out ones."""

    measured: ClassVar[str] = "held-out PSNR, dB"

    def losses(self, network: Any, batch: int) -> dict[str, Tensor]:
        """Losses of colours, edges and divergence in step number `batch`."""
        wanted = to_values(self.pixels_of_step(batch), self.device)
        found = network.encode(wanted).latent_dist
        predicted = network.decode(found.sample(self.noise_of_step(batch))).sample.float()
        return {
            "L1": (predicted - wanted).abs().mean(),
            "edges": EDGE_WEIGHT * edge_distance(predicted, wanted),
            "divergence": DIVERGENCE_WEIGHT * found.kl().mean(),
        }

    def pixels_of_step(self, step: int) -> np.ndarray:
        """Parts of pictures, or in the last steps as many whole ones as take the same time; (N, S, S, 3) uint8."""
        settings, rng = self.settings, self.numbers_of_step(step)
        whole = step >= settings.steps * (1 - WHOLE_SHARE)
        count = max(1, settings.batch * PART_PX**2 // NATIVE_PX**2) if whole else settings.batch
        side = NATIVE_PX if whole else PART_PX
        corners = rng.integers(NATIVE_PX - side + 1, size=(count, 2))
        pixels = self.pictures.parts(self.rows_of_step(step, count), corners, side)
        changed = rng.random(count) < RECOLOURED_SHARE
        return np.stack([recolour(p, rng) if change else p for p, change in zip(pixels, changed, strict=True)])

    def measure(self, network: Any, history: History) -> dict[str, float]:
        """Mean PSNR of held-out pictures."""
        wanted = self._held_out(MEASURED)
        error = (self._rebuilt(network, wanted) - wanted).square().mean(dim=(1, 2, 3))
        return {self.measured: float((10 * torch.log10(PEAK**2 / error)).mean())}

    def draw_samples(self, network: Any, path: Path) -> None:
        """Draw held-out pictures above their reconstructions."""
        wanted = self._held_out(SHOWN)
        tiles = [*to_pictures(wanted), *to_pictures(self._rebuilt(network, wanted))]
        labels = ["drawn"] * len(wanted) + ["decoded"] * len(wanted)
        write_png(path, picture_grid(tiles, labels, len(wanted), NATIVE_PX, title="Autoencoder"))

    def _held_out(self, most: int) -> Tensor:
        return to_values(self.pictures.pixels(self.pictures.rows_held_out(most)), self.device)

    def _rebuilt(self, network: Any, values: Tensor) -> Tensor:
        with self.accelerator.autocast():
            parts = [
                network.decode(network.encode(some).latent_dist.mode()).sample.float() for some in values.split(16)
            ]
        return torch.cat(parts)


@dataclass(frozen=True, kw_only=True)
class DecoderTask(AutoencoderTask):
    """Reconstruction by the decoder alone, whose pictures the perceptual loss makes sharper.

    Latents of the frozen encoder stay valid for UNets that have learnt them.
    """

    perceptual: PerceptualLoss = field(default_factory=PerceptualLoss)

    def losses(self, network: Any, batch: int) -> dict[str, Tensor]:
        """Losses of colours, edges and features of VGG16 in step number `batch`."""
        wanted = to_values(self.pixels_of_step(batch), self.device)
        with torch.no_grad():
            latents = network.encode(wanted).latent_dist.mode()
        predicted = network.decode(latents).sample.float()
        return {
            "L1": (predicted - wanted).abs().mean(),
            "edges": EDGE_WEIGHT * edge_distance(predicted, wanted),
            "features": PERCEPTUAL_WEIGHT * self.perceptual(norm(predicted / 2 + 0.5), norm(wanted / 2 + 0.5)),
        }


def edge_distance(first: Tensor, second: Tensor) -> Tensor:
    """Mean absolute error of the differences between neighbours, one and two px apart, in both directions."""
    difference = first - second
    steps = [difference.diff(dim=dim) for dim in (2, 3)]
    steps += [difference[..., 2:, :] - difference[..., :-2, :], difference[..., 2:] - difference[..., :-2]]
    return torch.stack([step.abs().mean() for step in steps]).mean()


# ---- latents ----


@torch.no_grad()
def normalise(vae: nn.Module, pictures: DrawnPictures, accelerator: Accelerator) -> None:
    """Normalise the latents of drawn pictures to mean 0 and deviation 1 in each channel."""
    found = _encode(vae, pictures, range(min(pictures.trained, NORMALISED)), accelerator)
    device = accelerator.device
    normalise_latents(vae, found.mean(dim=(0, 2, 3)).to(device), found.std(dim=(0, 2, 3)).to(device))


@torch.no_grad()
def encode_all(vae: nn.Module, pictures: DrawnPictures, folder: Path, accelerator: Accelerator) -> Tensor:
    """Encode all pictures, (N, 4, 32, 32) float16 on the CPU; chunks that are in the folder already are only read."""
    found = []
    for name, places in tqdm(chunks_of(pictures.count).items(), desc="pictures to latents", unit="chunk"):
        path = folder / f"{name}.npy"
        if not path.is_file():
            with atomic_path(path) as part, part.open("wb") as file:
                np.save(file, _encode(vae, pictures, places, accelerator).half().numpy())
        found.append(np.load(path))
    latents = torch.from_numpy(np.concatenate(found))
    assert latents.shape[1:] == (LATENT_CHANNELS, LATENT_PX, LATENT_PX)
    return latents


def _encode(vae: Any, pictures: DrawnPictures, rows: range, accelerator: Accelerator) -> Tensor:
    at_once = ENCODED_AT_ONCE_BY_CPU if accelerator.device.type == "cpu" else ENCODED_AT_ONCE
    some = [list(rows[at : at + at_once]) for at in range(0, len(rows), at_once)]
    with accelerator.autocast():
        found = [vae.encode(to_values(pictures.pixels(part), accelerator.device)).latent_dist.mode() for part in some]
    return torch.cat(found).float().cpu()
