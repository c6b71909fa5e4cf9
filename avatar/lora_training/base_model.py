"""The base that a LoRA is trained for: loading it frozen, and encoding pictures and texts by it once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from avatar.lora_training.captioned_pictures import CaptionedPicture, crop
from avatar.lora_training.denoising_loss import SAYING_NOTHING, CaptionedLatents
from avatar.lora_training.learning_texts import tokens_of
from avatar.lora_training.lora_task import LoraSettings, MixedPrecision
from avatar.prompt.wording import NEGATIVE
from avatar.sdxl.loading import load_pipelines
from avatar.sdxl.pipelines import LoadSettings, Pipelines, Precision, quiet
from avatar.sdxl.sources import ModelChoice
from common.errors import UserError

TEXTS_AT_ONCE = 16
PRECISIONS: dict[MixedPrecision, Precision] = {"no": "fp32", "fp16": "fp16", "bf16": "bf16"}
PREDICTIONS = ("epsilon", "v_prediction")


def load_base(choice: ModelChoice, config: Path | None, precision: MixedPrecision, device: torch.device) -> Pipelines:
    """Load the base, frozen, onto a device; the autoencoder in full precision, as half precision can overflow.

    Args:
        choice: model whose base is loaded.
        config: folder of configs and tokenizers, for a single file.
        precision: precision of UNet and text encoders.
        device: device of this process.

    Raises:
        UserError: as `load_pipelines`; or the base predicts neither noise nor v.
    """
    with quiet():
        precise = PRECISIONS[precision]
        loading = LoadSettings(precision=precise, vram_gb=24, config=config)  # with 24 GB nothing is offloaded
        pipelines = load_pipelines(choice, loading)
        base = pipelines.base.to(device)  # accelerate may use another device than the best
        base.vae.to(dtype=torch.float32)
    pipelines.image_to_image = None  # it would keep the text encoders in memory
    kind = base.scheduler.config.get("prediction_type", PREDICTIONS[0])
    if kind not in PREDICTIONS:
        raise UserError(f"{choice.base.path}: predicts {kind!r}; a LoRA can be trained for {' or '.join(PREDICTIONS)}")
    for network in (base.unet, base.text_encoder, base.text_encoder_2, base.vae):
        network.requires_grad_(False)
    return pipelines


def side_of(pipelines: Pipelines, size_px: int) -> int:
    """Side of the training pictures, px; for 0 the base's own.

    Raises:
        UserError: not a multiple of the factor by which autoencoder and UNet downscale.
    """
    base = pipelines.base
    unit = base.vae_scale_factor * 2 ** (len(base.unet.config.block_out_channels) - 1)
    if size_px and (size_px < unit or size_px % unit):
        raise UserError(f"setting SIZE_PX is {size_px}; it must be a multiple of {unit}, or 0 for the base's own")
    return size_px or pipelines.native_px


def drop_text_encoders(base: Any) -> None:
    """Free the memory of text encoders and tokenizers."""
    base.register_modules(text_encoder=None, text_encoder_2=None, tokenizer=None, tokenizer_2=None)
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def noise_levels(base: Any) -> Any:
    """Training scheduler with the noise levels of the base."""
    from diffusers import DDPMScheduler

    return DDPMScheduler.from_config(base.scheduler.config)


# ---- pictures and texts ----


@dataclass(frozen=True, kw_only=True)
class TextEmbeddings:
    """Texts as the base reads them.

    Attributes:
        text: (U, 77, D) embeddings.
        pooled: (U, P) pooled embeddings.
        negative: (U, 77, D) embeddings of the negative prompt, once a text.
        negative_pooled: (U, P) pooled embeddings of the negative prompt, once a text.
    """

    text: Tensor
    pooled: Tensor
    negative: Tensor
    negative_pooled: Tensor

    def as_prompt(self, row: int, device: torch.device) -> dict[str, Tensor]:
        """One text as keyword arguments of the pipeline."""
        found = {
            "prompt_embeds": self.text,
            "pooled_prompt_embeds": self.pooled,
            "negative_prompt_embeds": self.negative,
            "negative_pooled_prompt_embeds": self.negative_pooled,
        }
        return {name: tensor[row : row + 1].to(device) for name, tensor in found.items()}


@torch.no_grad()
def embed(base: Any, texts: Sequence[str]) -> TextEmbeddings:
    """Embed texts by both text encoders; the result is on the CPU."""
    parts = []
    for first in range(0, len(texts), TEXTS_AT_ONCE):
        some = list(texts[first : first + TEXTS_AT_ONCE])
        parts.append(
            base.encode_prompt(prompt=some, negative_prompt=[NEGATIVE] * len(some), do_classifier_free_guidance=True)
        )
    text, negative, pooled, negative_pooled = (torch.cat(part).cpu() for part in zip(*parts, strict=True))
    return TextEmbeddings(text=text, pooled=pooled, negative=negative, negative_pooled=negative_pooled)


def encode(base: Any, pictures: list[CaptionedPicture], settings: LoraSettings) -> CaptionedLatents:
    """Encode pictures, and their mirror images if the settings say so, as latents, and captions as embeddings."""
    captions = list(dict.fromkeys(picture.caption for picture in pictures))
    rows: list[tuple[Tensor, Tensor, list[float], int]] = []
    for picture in tqdm(pictures, desc="pictures to latents", unit="picture", leave=False):
        cut = crop(picture.path, settings.size_px)
        numbers = [*map(float, cut.original_px), *map(float, cut.corner_px), *[float(settings.size_px)] * 2]
        for pixels in (cut.pixels, cut.pixels[:, ::-1]) if settings.flip else (cut.pixels,):
            rows.append((*latents_of(base.vae, pixels), numbers, captions.index(picture.caption)))
    texts = [*captions, *SAYING_NOTHING]
    embedded = embed(base, texts)
    return CaptionedLatents(
        mean=torch.stack([row[0] for row in rows]),
        spread=torch.stack([row[1] for row in rows]),
        size_numbers=torch.tensor([row[2] for row in rows]),
        caption=torch.tensor([row[3] for row in rows]),
        text=embedded.text,
        pooled=embedded.pooled,
        tokens=tokens_of(base, texts),
    )


@torch.no_grad()
def latents_of(vae: Any, pixels: np.ndarray) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the latents of (S, S, 3) uint8 RGB, scaled as the UNet sees them, (4, h, w)."""
    picture = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].to(vae.device).float() / 127.5 - 1
    latents = vae.encode(picture).latent_dist
    scale = vae.config.scaling_factor
    return (latents.mean[0] * scale).cpu(), (latents.std[0] * scale).cpu()


def warn_of_long_captions(base: Any, pictures: list[CaptionedPicture]) -> None:
    """Print which captions have more tokens than the text encoders read."""
    lengths = base.tokenizer([picture.caption for picture in pictures], truncation=False, verbose=False)["input_ids"]
    most = base.tokenizer.model_max_length
    names = [picture.path.name for picture, tokens in zip(pictures, lengths, strict=True) if len(tokens) > most]
    if names:
        print(f"captions of more than {most - 2} tokens, whose ends are not read: {', '.join(names)}")
