"""Pictures that the base draws while a LoRA is trained: samples of each measurement, and class pictures."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from PIL import Image
from tqdm import tqdm

from avatar.lora_training.base_model import TextEmbeddings, embed
from avatar.lora_training.captioned_pictures import CaptionedPicture, read_folder
from avatar.lora_training.lora_task import LoraSettings
from common.grids import picture_grid
from common.images import write_png

CAPTIONS_SHOWN = 4  # captions used as prompts if no prompts are given
ROWS_SHOWN = 6  # steps on the sheet
TILE_PX = 256


@dataclass(frozen=True, kw_only=True)
class SampleSettings:
    """How samples and class pictures are drawn.

    Attributes:
        prompts: prompts of the samples; empty: captions of the first pictures.
        every: training steps between samples, and between measurements.
        steps: scheduler steps of a picture.
        guidance: scale of classifier-free guidance.
    """

    prompts: tuple[str, ...]
    every: int
    steps: int
    guidance: float


@dataclass(frozen=True, kw_only=True)
class ClassPictures:
    """Pictures of the class that the subject belongs to, for the prior-preserving loss.

    Attributes:
        prompt: caption of these pictures, without the style.
        folder: folder of the pictures; None: the base draws them.
        count: number of pictures that the base draws.
    """

    prompt: str
    folder: Path | None
    count: int


@dataclass(frozen=True, kw_only=True)
class SampleArtist:
    """Draws pictures by the base as it is now, with or without its LoRA."""

    base: Any
    samples: SampleSettings
    settings: LoraSettings
    accelerator: Accelerator

    @torch.no_grad()
    def draw(self, texts: TextEmbeddings, row: int, seed: int) -> Image.Image:
        """Draw one text; the autoencoder decodes in full precision."""
        base, side_px = self.base, self.settings.size_px
        with self.accelerator.autocast():
            latents = base(
                **texts.as_prompt(row, self.accelerator.device),
                width=side_px,
                height=side_px,
                num_inference_steps=self.samples.steps,
                guidance_scale=self.samples.guidance,
                generator=torch.Generator().manual_seed(seed),
                output_type="latent",
            ).images
        decoded = base.vae.decode(latents.float() / base.vae.config.scaling_factor).sample
        return base.image_processor.postprocess(decoded, output_type="pil")[0]


def class_pictures(artist: SampleArtist, classes: ClassPictures, output: Path) -> list[CaptionedPicture]:
    """Read the class pictures of the folder, or let the base draw those that are missing beside the output."""
    settings, accelerator = artist.settings, artist.accelerator
    if not settings.prior_weight:
        return []
    if classes.folder is not None:
        return read_folder(classes.folder, settings.size_px, classes.prompt)
    steps, guidance = artist.samples.steps, artist.samples.guidance
    making = (settings.base, settings.size_px, settings.seed, classes.prompt, steps, guidance)
    name = hashlib.sha256(repr(making).encode()).hexdigest()[:8]
    folder = output.with_name(f"{output.stem}_class_{name}")
    files = [folder / f"{number:04d}.png" for number in range(classes.count)]
    mine = files[accelerator.process_index :: accelerator.num_processes]
    missing = [file for file in mine if not file.exists()]
    texts = embed(artist.base, [classes.prompt])
    for file in tqdm(missing, desc="class pictures", unit="picture", leave=False):
        seed = int(np.random.default_rng((settings.seed, int(file.stem))).integers(2**62))
        write_png(file, artist.draw(texts, 0, seed))
    accelerator.wait_for_everyone()
    return [CaptionedPicture(file, classes.prompt) for file in files]


class SampleSheet:
    """Samples of the same prompts and seeds at every measured step, and a sheet of them; step 0 is the base.

    Args:
        artist: draws the samples.
        pictures: pictures whose captions are the prompts if the settings name none.
        output: LoRA file, beside which the samples are written.
    """

    def __init__(self, artist: SampleArtist, pictures: Sequence[CaptionedPicture], output: Path) -> None:
        captions = tuple(dict.fromkeys(picture.caption for picture in pictures))[:CAPTIONS_SHOWN]
        self.artist, self.prompts = artist, artist.samples.prompts or captions
        self.texts = embed(artist.base, self.prompts)
        self.path = output.with_name(f"{output.stem}_samples.png")
        self.folder = self.path.with_suffix("")

    def clear(self) -> None:
        """Remove the samples of an earlier run."""
        for old in self.folder.glob("step [0-9]* [0-9]*.png"):
            old.unlink()

    def draw(self, step: int) -> None:
        """Draw the samples of a step, and the sheet."""
        learning = self.artist.settings.text_encoders
        texts = embed(self.artist.base, self.prompts) if learning and step else self.texts
        for row in range(len(self.prompts)):
            picture = self.artist.draw(texts, row, self.artist.settings.seed + row)
            write_png(self.folder / f"step {step:06d} {row + 1}.png", picture)
        write_png(self.path, self.sheet())

    def sheet(self) -> Image.Image:
        """Sheet with a row for each of some evenly chosen steps and a column for each prompt."""
        steps = sorted({int(path.stem.split()[1]) for path in self.folder.glob("step [0-9]* [0-9]*.png")})
        chosen = [steps[round(place)] for place in np.linspace(0, len(steps) - 1, min(ROWS_SHOWN, len(steps)))]
        pictures, labels = [], []
        for step in chosen:
            for row, prompt in enumerate(self.prompts):
                pictures.append(partial(Image.open, self.folder / f"step {step:06d} {row + 1}.png"))
                labels.append(f"{f'step {step}' if step else 'base'}\n{prompt}")
        columns = len(self.prompts) if len(self.prompts) > 1 else len(steps)
        return picture_grid(pictures, labels, columns, TILE_PX, "LoRA samples")
