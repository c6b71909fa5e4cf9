"""A LoRA training from the folder of pictures to the LoRA file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from avatar.lora_training.base_model import (
    drop_text_encoders,
    encode,
    load_base,
    noise_levels,
    side_of,
    warn_of_long_captions,
)
from avatar.lora_training.captioned_pictures import CaptionedPicture, fingerprint, read_folder
from avatar.lora_training.learning_texts import parts_of
from avatar.lora_training.lora_task import LoraSettings, LoraTask, add_lora, with_defaults
from avatar.lora_training.samples import ClassPictures, SampleArtist, SampleSettings, SampleSheet, class_pictures
from avatar.sdxl.lora_files import ADAPTER, METADATA
from avatar.sdxl.sources import AUTO, choose_model
from common.curves import draw_curves
from common.devices import describe_device
from common.errors import UserError, enough_memory
from common.files import atomic_path
from common.paths import shown
from common.runner import Report
from common.training import Training, start_accelerator

MOST_HELD_OUT = 16  # pictures, so that measuring stays short


def train(
    settings: LoraSettings,
    *,
    model: str,
    config: Path | None,
    pictures: Path,
    output: Path,
    classes: ClassPictures,
    samples: SampleSettings,
    resume: bool,
    caption: str = "",
) -> Report | None:
    """Train a LoRA and write it with curves and samples; under `accelerate launch` only the first process writes.

    Args:
        settings: settings of the training.
        model: the base, as in `avatar.sdxl.sources.choose_model`.
        config: folder of configs for a single file, as in `avatar.sdxl.pipelines.LoadSettings`.
        pictures: folder as in `avatar.lora_training.captioned_pictures`.
        output: the .safetensors file.
        classes: class pictures of the prior-preserving loss.
        samples: settings of samples and class pictures.
        resume: continue an interrupted run, or one that ended with fewer steps.
        caption: caption of pictures without one; "": each picture needs its own.

    Returns:
        Report of the run; None on all processes but the first.

    Raises:
        UserError: faulty pictures, a base that cannot be trained, the state of another run, a loss that is not finite,
            or too little memory.
    """
    if settings.prior_weight and not classes.prompt.strip():
        raise UserError("setting PRIOR_WEIGHT needs CLASS_PROMPT, a caption of the class pictures")
    choice = choose_model(model, AUTO, with_refiner=False)
    accelerator = start_accelerator(settings.precision)  # from here on, each process has its own GPU
    remedy = f"lower BATCH ({settings.batch}) or SIZE_PX, or turn GRADIENT_CHECKPOINTING on"
    with enough_memory(remedy):
        pipelines = load_base(choice, config, settings.precision, accelerator.device)
        side_px = side_of(pipelines, settings.size_px)
        found = read_folder(pictures, side_px, caption.strip())
        settings = with_defaults(settings, pipelines.base.unet)
        settings = replace(settings, size_px=side_px, base=choice.hashes[choice.base.label][:16])
        if accelerator.is_main_process:
            print(f"base: {pipelines.names[0]}, {choice.why}; {len(found)} pictures; {describe_device()}")
            print(f"learning rate: up to {settings.learning_rate:g}; layers: {', '.join(settings.target_modules)}")
            warn_of_long_captions(pipelines.base, found)
        artist = SampleArtist(base=pipelines.base, samples=samples, settings=settings, accelerator=accelerator)
        of_class = class_pictures(artist, classes, output)
        training = start_training(artist, found, of_class, output, clear=not resume)
        training.fit(output.with_suffix(".state.pth"), resume, free=("steps",))
    if not accelerator.is_main_process:
        return None
    return finish(training, output, pipelines.names, [picture.path for picture in found])


def start_training(
    artist: SampleArtist,
    pictures: list[CaptionedPicture],
    of_class: list[CaptionedPicture],
    output: Path,
    *,
    clear: bool,
) -> Training:
    """Encode all pictures and captions, free the text encoders unless they learn, and add the LoRA to the base.

    Args:
        artist: draws the samples; it holds base, settings and accelerator.
        pictures: pictures to learn and to hold out.
        of_class: class pictures.
        output: the .safetensors file.
        clear: remove the samples of an earlier run.
    """
    base, accelerator = artist.base, artist.accelerator
    settings = replace(artist.settings, data=fingerprint([*pictures, *of_class]))
    learnt, held_out = split(pictures, settings)
    learnt_latents = encode(base, learnt, settings)
    prior = encode(base, of_class, settings) if of_class else None
    measured = encode(base, held_out, replace(settings, flip=False)) if held_out else None
    sheet = SampleSheet(artist, pictures, output)
    if clear and accelerator.is_main_process:
        sheet.clear()
    if not settings.text_encoders:
        drop_text_encoders(base)
    network = add_lora(base, settings)
    task = LoraTask(
        settings,
        noise_levels(base),
        accelerator,
        learnt=learnt_latents,
        prior=prior,
        held_out=measured,
        draw_samples=sheet.draw,
    )
    return Training(network, task, settings, settings.loop(artist.samples.every), accelerator)


def split(
    pictures: Sequence[CaptionedPicture], settings: LoraSettings
) -> tuple[list[CaptionedPicture], list[CaptionedPicture]]:
    """Split at random into pictures to learn, at least one, and held-out pictures, in their order."""
    count = min(round(settings.held_out_share * len(pictures)), len(pictures) - 1, MOST_HELD_OUT)
    order = np.random.default_rng((settings.seed, len(pictures))).permutation(len(pictures))
    held_out = set(order[:count].tolist())
    return (
        [picture for number, picture in enumerate(pictures) if number not in held_out],
        [picture for number, picture in enumerate(pictures) if number in held_out],
    )


def finish(training: Training, output: Path, weights: list[str], inputs: list[Path]) -> Report:
    """Write the LoRA and the curves, and report."""
    write_lora(output, parts_of(training.network))
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


def write_lora(path: Path, networks: Mapping[str, Any]) -> None:
    """Write the factors in half precision, and peft's settings, which hold rank and alpha, as diffusers does.

    Args:
        path: the .safetensors file.
        networks: networks with a LoRA by their names in a pipeline.

    Raises:
        UserError: the folder cannot be written, or the disk is full.
    """
    from peft import get_peft_model_state_dict
    from safetensors.torch import save

    plain, tensors = dict[str, Any](), dict[str, Tensor]()
    for part, network in networks.items():
        config = network.peft_config[ADAPTER].to_dict()
        plain |= {f"{part}.{key}": sorted(value) if isinstance(value, set) else value for key, value in config.items()}
        factors = get_peft_model_state_dict(network, adapter_name=ADAPTER)
        tensors |= {f"{part}.{name}": tensor.detach().half().contiguous().cpu() for name, tensor in factors.items()}
    metadata = {"format": "pt", METADATA: json.dumps(plain, sort_keys=True)}
    with atomic_path(path) as part_file:
        part_file.write_bytes(save(tensors, metadata))
