"""One training from a folder of pictures to the LoRA file and its pictures."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from avatar.lora_training.captioned_pictures import CaptionedPicture, crop, fingerprint, read_folder
from avatar.lora_training.training import (
    PREDICTIONS,
    SAYING_NOTHING,
    LoraSettings,
    MixedPrecision,
    Samples,
    Training,
    add_lora,
    fit,
)
from avatar.prompt.wording import NEGATIVE
from avatar.sdxl.loading import load_pipelines
from avatar.sdxl.lora_files import ADAPTER, METADATA
from avatar.sdxl.pipelines import Loading, Pipelines, Precision, quiet
from avatar.sdxl.sources import AUTO, Choice, choose_model
from common.curves import draw_curves
from common.devices import describe_device
from common.errors import UserError, check_range, enough_memory
from common.files import atomic_path
from common.grids import picture_grid
from common.images import write_png
from common.paths import shown
from common.runner import Report

CAPTIONS_AT_ONCE = 16
MOST_MEASURED = 16  # held-out pictures, so that measuring stays short
CAPTIONS_SHOWN = 4  # as prompts, where none are given
ROWS_SHOWN = 6  # steps on the sheet of samples
TILE_PX = 256
PRECISIONS: dict[MixedPrecision, Precision] = {"no": "fp32", "fp16": "fp16", "bf16": "bf16"}


@dataclass(frozen=True)
class Prior:
    """Pictures of the class at large, for the prior-preserving loss.

    Attributes:
        prompt: what they show, without the style.
        pictures: a folder of them; None: the base makes them.
        count: how many it makes.
    """

    prompt: str
    pictures: Path | None
    count: int

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        check_range("CLASS_COUNT", self.count, 1, 100_000)


@dataclass(frozen=True)
class Painting:
    """How samples and class pictures are made.

    Attributes:
        prompts: of the samples; none: captions of the first pictures.
        every: steps of the training between samples, and between measurements.
        steps: of the scheduler.
        guidance: of classifier-free guidance.
    """

    prompts: tuple[str, ...]
    every: int
    steps: int
    guidance: float

    def __post_init__(self) -> None:
        """Refuse what cannot be painted with."""
        check_range("SAMPLE_EVERY", self.every, 1, 10_000_000)
        check_range("SAMPLE_STEPS", self.steps, 1, 1000)
        check_range("SAMPLE_GUIDANCE", self.guidance, 0, 100)


@dataclass(frozen=True)
class Embedded:
    """Texts as the base sees them: (U, 77, D), (U, P), and the same of the scripts' negative prompt for each."""

    text: Tensor
    pooled: Tensor
    negative: Tensor
    negative_pooled: Tensor


def train(
    model: str,
    config: Path | None,
    pictures: Path,
    output: Path,
    settings: LoraSettings,
    prior: Prior,
    painting: Painting,
    resume: bool,
) -> Report | None:
    """Train and write all that `TrainLoRA.py` promises; under `accelerate launch` only the first process writes.

    Args:
        model: the base, as `avatar.sdxl.sources.choose_model` takes it.
        config: of a single file, as `avatar.sdxl.pipelines.Loading` takes it.
        pictures: folder as `avatar.lora_training.captioned_pictures` reads it.
        output: the .safetensors file.
        settings: of the run; 0 as size_px: the base's own size.
        prior: of the prior-preserving loss.
        painting: of the samples.
        resume: go on with the run that was cut short.

    Raises:
        UserError: faults of the pictures, a base that cannot be trained so, the state of another run, a loss that is
            not finite, no memory.
    """
    if settings.prior_weight and not prior.prompt.strip():
        raise UserError("setting PRIOR_WEIGHT needs CLASS_PROMPT, which says what the class pictures show")
    choice = choose_model(model, AUTO, with_refiner=False)
    accelerator = Accelerator(mixed_precision=settings.precision)  # from here on, each process has a GPU of its own
    remedy = f"lower BATCH ({settings.batch}) or SIZE_PX, or turn GRADIENT_CHECKPOINTING on"
    with enough_memory(remedy):
        pipelines = load_base(choice, config, settings, accelerator.device)
        side_px = side_of(pipelines, settings.size_px)
        found = read_folder(pictures, side_px)
        base_hash = choice.hashes[choice.base.label][:16]
        settings = replace(settings, size_px=side_px, base=base_hash)
        if accelerator.is_main_process:
            print(f"base: {pipelines.names[0]}, {choice.why}; {len(found)} pictures; {describe_device()}")
            warn_of_long_captions(pipelines.base, found)
        run = Run(pipelines.base, found, output, settings, prior, painting, accelerator)
        training = run.train(resume)
    if not accelerator.is_main_process:
        return None
    return finish(training, output, pipelines.names, [picture.path for picture in found])


@dataclass(frozen=True)
class Run:
    """One run on one base, on this process's device."""

    base: Any
    pictures: list[CaptionedPicture]
    output: Path
    settings: LoraSettings
    prior: Prior
    painting: Painting
    accelerator: Accelerator

    def train(self, resume: bool) -> Training:
        """Encode everything once, free the text encoders, and train."""
        base, painting = self.base, self.painting
        of_class = prior_pictures(base, self.prior, painting, self.settings, self.output, self.accelerator)
        settings = replace(self.settings, data=fingerprint([*self.pictures, *of_class]))
        learnt, held_out = split(self.pictures, settings)
        samples = encode(base, learnt, settings)
        prior = encode(base, of_class, settings) if of_class else None
        measured = encode(base, held_out, replace(settings, flip=False)) if held_out else None
        prompts = sample_prompts(painting, self.pictures)
        studio = Studio(base, prompts, embed(base, prompts), painting, settings, self.output, self.accelerator)
        drop_text_encoders(base)
        add_lora(base.unet, settings)
        training = Training(settings, base.unet, noise_levels(base))
        if self.accelerator.is_main_process and not resume:
            studio.clear()
        state = self.output.with_suffix(".state.pth")
        fit(training, samples, prior, measured, self.accelerator, state, resume, painting.every, studio.paint)
        return training


def finish(training: Training, output: Path, weights: list[str], inputs: list[Path]) -> Report:
    """Write the LoRA and the curves, and report."""
    write_lora(output, training)
    last = training.history[-1]
    losses = [name for name in ("training", "prior") if name in last]
    curves = output.with_name(f"{output.stem}_curves.png")
    draw_curves(
        training.history,
        curves,
        along="step",
        losses=losses,
        measure="share of the base",
        label="held-out loss, % of the base's",
    )
    figures = {"steps": training.steps, **last, "size_bytes": output.stat().st_size}
    if "share of the base" in last:
        print(f"held out: the loss is {last['share of the base']:.1f} % of the base's")
    print(f"written: {shown(output)} ({output.stat().st_size / 1e6:.2f} MB), beside it _curves.png, _samples.png")
    return Report(output, inputs, figures, device=describe_device(), weights=weights)


def write_lora(path: Path, training: Training) -> None:
    """Write the factors in half precision and, so that rank and alpha are kept, peft's settings as diffusers has them.

    Raises:
        UserError: the folder cannot be written, or the disk is full.
    """
    from safetensors.torch import save

    config = training.unet.peft_config[ADAPTER].to_dict()
    plain = {f"unet.{key}": sorted(value) if isinstance(value, set) else value for key, value in config.items()}
    tensors = {f"unet.{name}": tensor.half().contiguous() for name, tensor in training.factors().items()}
    metadata = {"format": "pt", METADATA: json.dumps(plain, sort_keys=True)}
    with atomic_path(path) as part:
        part.write_bytes(save(tensors, metadata))


# ---- the base ----


def load_base(choice: Choice, config: Path | None, settings: LoraSettings, device: torch.device) -> Pipelines:
    """Load the base, frozen, onto this process's device; the autoencoder in full precision, where none overflows.

    Args:
        choice: whose base is taken.
        config: for a single file, the folder of configs and tokenizers.
        settings: of the run.
        device: where to.

    Raises:
        UserError: as `load_pipelines`; or a base that predicts neither noise nor v.
    """
    with quiet():
        loading = Loading(PRECISIONS[settings.precision], vram_gb=24, config=config)  # 24: nothing is moved away
        pipelines = load_pipelines(choice, loading)
        base = pipelines.base.to(device)  # accelerate may have been told another than the best
        base.vae.to(dtype=torch.float32)
    pipelines.image_to_image = None  # it would hold the text encoders when the base gives them up
    kind = base.scheduler.config.get("prediction_type", PREDICTIONS[0])
    if kind not in PREDICTIONS:
        raise UserError(f"{choice.base.path}: predicts {kind!r}; a LoRA is trained on {' or '.join(PREDICTIONS)} alone")
    for network in (base.unet, base.text_encoder, base.text_encoder_2, base.vae):
        network.requires_grad_(False)
    return pipelines


def side_of(pipelines: Pipelines, size_px: int) -> int:
    """The side of the pictures; 0 asks for the base's own.

    Raises:
        UserError: not a multiple of what base and autoencoder halve.
    """
    base = pipelines.base
    unit = base.vae_scale_factor * 2 ** (len(base.unet.config.block_out_channels) - 1)
    if size_px and (size_px < unit or size_px % unit):
        raise UserError(f"setting SIZE_PX is {size_px}; it must be a multiple of {unit}, or 0 for the base's own")
    return size_px or pipelines.native_px


def drop_text_encoders(base: Any) -> None:
    """Free their memory; all texts are embedded."""
    base.register_modules(text_encoder=None, text_encoder_2=None, tokenizer=None, tokenizer_2=None)
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def noise_levels(base: Any) -> Any:
    """The base's own noise levels as training uses them: the base's scheduler may take other steps."""
    from diffusers import DDPMScheduler

    return DDPMScheduler.from_config(base.scheduler.config)


# ---- samples ----


def split(pictures: list[CaptionedPicture], settings: LoraSettings) -> tuple[list[CaptionedPicture], ...]:
    """Pictures to learn from, and held-out ones; at least one learns."""
    count = min(round(settings.held_out_share * len(pictures)), len(pictures) - 1, MOST_MEASURED)
    order = np.random.default_rng((settings.seed, len(pictures))).permutation(len(pictures))
    held_out = set(order[:count].tolist())
    return (
        [picture for number, picture in enumerate(pictures) if number not in held_out],
        [picture for number, picture in enumerate(pictures) if number in held_out],
    )


def warn_of_long_captions(base: Any, pictures: list[CaptionedPicture]) -> None:
    """Name the captions that have more tokens than the text encoders read."""
    lengths = base.tokenizer([picture.caption for picture in pictures], truncation=False, verbose=False)["input_ids"]
    most = base.tokenizer.model_max_length
    names = [picture.path.name for picture, tokens in zip(pictures, lengths, strict=True) if len(tokens) > most]
    if names:
        print(f"captions of more than {most - 2} tokens, whose ends are not read: {', '.join(names)}")


def sample_prompts(painting: Painting, pictures: list[CaptionedPicture]) -> tuple[str, ...]:
    """The prompts of the settings, else the captions of the first pictures."""
    if painting.prompts:
        return painting.prompts
    return tuple(dict.fromkeys(picture.caption for picture in pictures))[:CAPTIONS_SHOWN]


def encode(base: Any, pictures: list[CaptionedPicture], settings: LoraSettings) -> Samples:
    """Turn pictures into latents and captions into embeddings, which is done once."""
    captions = list(dict.fromkeys(picture.caption for picture in pictures))
    rows: list[tuple[Tensor, Tensor, list[float], int]] = []
    for picture in tqdm(pictures, desc="pictures to latents", unit="picture", leave=False):
        cut = crop(picture.path, settings.size_px)
        numbers = [*map(float, cut.original_px), *map(float, cut.corner_px), *[float(settings.size_px)] * 2]
        for pixels in (cut.pixels, cut.pixels[:, ::-1]) if settings.flip else (cut.pixels,):
            mean, spread = latents_of(base.vae, pixels)
            rows.append((mean, spread, numbers, captions.index(picture.caption)))
    embedded = embed(base, [*captions, *SAYING_NOTHING])
    return Samples(
        mean=torch.stack([row[0] for row in rows]),
        spread=torch.stack([row[1] for row in rows]),
        size_numbers=torch.tensor([row[2] for row in rows]),
        caption=torch.tensor([row[3] for row in rows]),
        text=embedded.text,
        pooled=embedded.pooled,
    )


@torch.no_grad()
def latents_of(vae: Any, pixels: np.ndarray) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the latents of (S, S, 3) uint8 RGB, scaled as the UNet sees them, (4, h, w)."""
    picture = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].to(vae.device).float() / 127.5 - 1
    latents = vae.encode(picture).latent_dist
    scale = vae.config.scaling_factor
    return (latents.mean[0] * scale).cpu(), (latents.std[0] * scale).cpu()


@torch.no_grad()
def embed(base: Any, texts: Sequence[str]) -> Embedded:
    """Embed texts by both encoders of the base, onto the CPU."""
    parts = []
    for first in range(0, len(texts), CAPTIONS_AT_ONCE):
        some = list(texts[first : first + CAPTIONS_AT_ONCE])
        text, negative, pooled, negative_pooled = base.encode_prompt(
            prompt=some, negative_prompt=[NEGATIVE] * len(some), do_classifier_free_guidance=True
        )
        parts.append((text, pooled, negative, negative_pooled))
    return Embedded(*(torch.cat(part).cpu() for part in zip(*parts, strict=True)))


def prior_pictures(
    base: Any, prior: Prior, painting: Painting, settings: LoraSettings, output: Path, accelerator: Accelerator
) -> list[CaptionedPicture]:
    """The class pictures: of the folder, or made by the base beside the output; those that are there are kept."""
    if not settings.prior_weight:
        return []
    if prior.pictures is not None:
        return read_folder(prior.pictures, settings.size_px, prior.prompt)
    making = (settings.base, settings.size_px, settings.seed, prior.prompt, painting.steps, painting.guidance)
    name = hashlib.sha256(repr(making).encode()).hexdigest()[:8]
    folder = output.with_name(f"{output.stem}_class_{name}")
    files = [folder / f"{number:04d}.png" for number in range(prior.count)]
    mine = files[accelerator.process_index :: accelerator.num_processes]
    missing = [file for file in mine if not file.exists()]
    embedded = embed(base, [prior.prompt])
    for file in tqdm(missing, desc="class pictures", unit="picture", leave=False):
        seed = int(np.random.default_rng((settings.seed, int(file.stem))).integers(2**62))
        write_png(file, paint(base, embedded, 0, seed, painting, settings.size_px, accelerator))
    accelerator.wait_for_everyone()
    return [CaptionedPicture(file, prior.prompt) for file in files]


# ---- pictures ----


@torch.no_grad()
def paint(
    base: Any, embedded: Embedded, row: int, seed: int, painting: Painting, side_px: int, accelerator: Accelerator
) -> Image.Image:
    """A picture by the base as it is now; the autoencoder decodes in full precision."""
    one = slice(row, row + 1)
    with accelerator.autocast():
        latents = base(
            prompt_embeds=embedded.text[one].to(accelerator.device),
            pooled_prompt_embeds=embedded.pooled[one].to(accelerator.device),
            negative_prompt_embeds=embedded.negative[one].to(accelerator.device),
            negative_pooled_prompt_embeds=embedded.negative_pooled[one].to(accelerator.device),
            width=side_px,
            height=side_px,
            num_inference_steps=painting.steps,
            guidance_scale=painting.guidance,
            generator=torch.Generator().manual_seed(seed),
            output_type="latent",
        ).images
    decoded = base.vae.decode(latents.float() / base.vae.config.scaling_factor).sample
    return base.image_processor.postprocess(decoded, output_type="pil")[0]


@dataclass(frozen=True)
class Studio:
    """Draws samples while training: the same prompts and seeds at every measured step, step 0 being the base."""

    base: Any
    prompts: Sequence[str]
    embedded: Embedded
    painting: Painting
    settings: LoraSettings
    output: Path
    accelerator: Accelerator

    @property
    def folder(self) -> Path:
        """Where the single samples lie."""
        return self.output.with_name(f"{self.output.stem}_samples")

    def clear(self) -> None:
        """Remove the samples of an earlier run."""
        for old in self.folder.glob("step [0-9]* [0-9]*.png"):
            old.unlink()

    def paint(self, step: int) -> None:
        """Draw the samples of a step, and the sheet of the steps so far."""
        for row in range(len(self.prompts)):
            seed = self.settings.seed + row
            picture = paint(self.base, self.embedded, row, seed, self.painting, self.settings.size_px, self.accelerator)
            write_png(self.folder / f"step {step:06d} {row + 1}.png", picture)
        write_png(self.output.with_name(f"{self.output.stem}_samples.png"), self.sheet())

    def sheet(self) -> Image.Image:
        """A row a step, evenly taken, a column a prompt."""
        steps = sorted({int(path.stem.split()[1]) for path in self.folder.glob("step [0-9]* [0-9]*.png")})
        chosen = [steps[round(place)] for place in np.linspace(0, len(steps) - 1, min(ROWS_SHOWN, len(steps)))]
        pictures, labels = [], []
        for step in chosen:
            for row, prompt in enumerate(self.prompts):
                pictures.append(partial(Image.open, self.folder / f"step {step:06d} {row + 1}.png"))
                labels.append(f"{f'step {step}' if step else 'base'}\n{prompt}")
        columns = len(self.prompts) if len(self.prompts) > 1 else len(steps)
        return picture_grid(pictures, labels, columns, TILE_PX, "LoRA samples")
