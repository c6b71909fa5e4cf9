"""Second stage of the demo model: the autoencoder, which makes pictures of 256 px of latents of 32 x 32 x 4 and back.

Its loss is the mean absolute error of the colours and of their differences between neighbours, which keeps outlines
sharp without another network, and a little of the latents' divergence from a normal distribution (Rombach et al. 2022,
arXiv:2112.10752). Most steps see parts of pictures, sixteen times as many for the same time; the last ones whole
pictures. Colours are changed in some, so that it can draw what the drawn world does not have: photos, styles.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from tqdm import tqdm

from avatar.demo_model.examples import LATENT_PX, NATIVE_PX, DrawnPictures, chunks_of
from avatar.demo_model.networks import LATENT_CHANNELS, autoencoder, normalise_latents
from avatar.demo_model.stages import Stage, StageSettings, in_mixed_precision, noise_of_step, numbers_of_step
from avatar.lora_training.training import places_of_step
from common.files import atomic_path
from common.grids import picture_grid
from common.images import write_png

PART_PX = 64
WHOLE_SHARE = 0.2  # of the steps, the last, which see whole pictures
RECOLOURED_SHARE = 0.3
EDGE_WEIGHT = 1.0
DIVERGENCE_WEIGHT = 1e-6
MEASURED, SHOWN = 32, 8  # held-out pictures
NORMALISED = 500  # pictures whose latents say what their mean and deviation are
ENCODED_AT_ONCE, ENCODED_AT_ONCE_BY_CPU = 50, 4  # more do not fit a CPU's cache, and take longer each
PEAK = 2.0  # of values from -1 to 1


def to_values(pixels: np.ndarray, device: torch.device) -> Tensor:
    """(N, S, S, 3) uint8 RGB as (N, 3, S, S) float32 in [-1, 1]."""
    return torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1  # channels last, as CPUs like


def to_pictures(values: Tensor) -> list[Image.Image]:
    """The way back."""
    pixels = ((values.float().clamp(-1, 1) + 1) * 127.5).round().byte().cpu().numpy()
    return [Image.fromarray(picture) for picture in pixels.transpose(0, 2, 3, 1)]


def pixels_of_step(pictures: DrawnPictures, settings: StageSettings, step: int) -> np.ndarray:
    """`batch` parts of pictures, or as many whole ones as take the same time, in the last steps; (N, S, S, 3) uint8."""
    rng = numbers_of_step(settings, step)
    whole = step >= settings.steps * (1 - WHOLE_SHARE)
    count = max(1, settings.batch * PART_PX**2 // NATIVE_PX**2) if whole else settings.batch
    side = NATIVE_PX if whole else PART_PX
    corners = rng.integers(NATIVE_PX - side + 1, size=(count, 2))
    pixels = pictures.parts(places_of_step(pictures.trained, count, settings.seed, step, 0, 1), corners, side)
    changed = rng.random(count) < RECOLOURED_SHARE
    return np.stack([recolour(p, rng) if change else p for p, change in zip(pixels, changed, strict=True)])


def recolour(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Exchange the channels, invert, and change contrast and brightness at random; uint8 in and out."""
    values = pixels[..., rng.permutation(3)].astype(np.float32)
    values = 255 - values if rng.random() < 0.3 else values
    gain, level = rng.uniform(0.4, 1.2, 3), rng.uniform(-60, 40)
    return (values * gain + level).round().clip(0, 255).astype(np.uint8)


@dataclass(frozen=True)
class AutoencoderTask:
    """What the autoencoder learns, and how it is measured and shown."""

    settings: StageSettings
    pictures: DrawnPictures
    device: torch.device

    def losses(self, network: Any, step: int) -> dict[str, Tensor]:
        """Parts of a step's loss: colours, edges, and the latents' divergence."""
        wanted = to_values(pixels_of_step(self.pictures, self.settings, step), self.device)
        with in_mixed_precision(self.device):
            found = network.encode(wanted).latent_dist
            predicted = network.decode(found.sample(noise_of_step(self.settings, step))).sample.float()
        return {
            "L1": (predicted - wanted).abs().mean(),
            "edges": EDGE_WEIGHT * edge_distance(predicted, wanted),
            "divergence": DIVERGENCE_WEIGHT * found.kl().mean(),
        }

    def measure(self, network: Any) -> float:
        """Mean PSNR of held-out pictures, dB."""
        wanted = self._held_out(MEASURED)
        error = (_rebuilt(network, wanted) - wanted).square().mean(dim=(1, 2, 3))
        return float((10 * torch.log10(PEAK**2 / error)).mean())

    def show(self, network: Any, path: Path) -> None:
        """Write held-out pictures above what the network makes of them."""
        wanted = self._held_out(SHOWN)
        tiles = [*to_pictures(wanted), *to_pictures(_rebuilt(network, wanted))]
        labels = ["drawn"] * len(wanted) + ["decoded"] * len(wanted)
        write_png(path, picture_grid(tiles, labels, len(wanted), NATIVE_PX, title="Autoencoder"))

    def _held_out(self, most: int) -> Tensor:
        return to_values(self.pictures.pixels(self.pictures.rows_held_out(most)), self.device)


def autoencoder_stage(settings: StageSettings, pictures: DrawnPictures, device: torch.device) -> Stage:
    """The stage that trains the autoencoder; its figure is the PSNR of held-out pictures."""
    torch.manual_seed(settings.seed)
    task = AutoencoderTask(settings, pictures, device)
    return Stage(settings, autoencoder().to(device), task.losses, task.measure, "held-out PSNR, dB", task.show)


def edge_distance(first: Tensor, second: Tensor) -> Tensor:
    """Mean absolute error of the differences between neighbours, one and two px apart, in both directions."""
    difference = first - second
    steps = [difference.diff(dim=dim) for dim in (2, 3)]
    steps += [difference[..., 2:, :] - difference[..., :-2, :], difference[..., 2:] - difference[..., :-2]]
    return torch.stack([step.abs().mean() for step in steps]).mean()


def _rebuilt(network: Any, values: Tensor) -> Tensor:
    with in_mixed_precision(values.device):
        parts = [network.decode(network.encode(some).latent_dist.mode()).sample.float() for some in values.split(16)]
    return torch.cat(parts)


# ---- latents ----


@torch.no_grad()
def normalise(vae: nn.Module, pictures: DrawnPictures, device: torch.device) -> None:
    """Make the latents of drawn pictures have mean 0 and deviation 1 in each channel."""
    found = _encode(vae, pictures, range(min(pictures.trained, NORMALISED)), device)
    normalise_latents(vae, found.mean(dim=(0, 2, 3)).to(device), found.std(dim=(0, 2, 3)).to(device))


@torch.no_grad()
def encode_all(vae: nn.Module, pictures: DrawnPictures, folder: Path, device: torch.device) -> Tensor:
    """Latents of all pictures, (N, 4, 32, 32) float16 on the CPU, kept in a folder; only those not there are made."""
    found = []
    for name, places in tqdm(chunks_of(pictures.count).items(), desc="pictures to latents", unit="chunk"):
        path = folder / f"{name}.npy"
        if not path.is_file():
            with atomic_path(path) as part, part.open("wb") as file:
                np.save(file, _encode(vae, pictures, places, device).half().numpy())
        found.append(np.load(path))
    latents = torch.from_numpy(np.concatenate(found))
    assert latents.shape[1:] == (LATENT_CHANNELS, LATENT_PX, LATENT_PX)
    return latents


def _encode(vae: Any, pictures: DrawnPictures, rows: range, device: torch.device) -> Tensor:
    at_once = ENCODED_AT_ONCE_BY_CPU if device.type == "cpu" else ENCODED_AT_ONCE
    some = [list(rows[at : at + at_once]) for at in range(0, len(rows), at_once)]
    with in_mixed_precision(device):
        found = [vae.encode(to_values(pictures.pixels(part), device)).latent_dist.mode() for part in some]
    return torch.cat(found).float().cpu()
