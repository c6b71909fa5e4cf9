"""Loads SDXL from a folder or a single file, checks its structure, and sets the schedulers."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from avatar.sdxl.ip_adapter import load_ip_adapter
from avatar.sdxl.pipelines import (
    LoadSettings,
    Pipelines,
    Scheduler,
    all_of,
    dtype_for,
    first_line,
    place,
    quiet,
    set_vae_precision,
)
from avatar.sdxl.sources import (
    BASE,
    HUB,
    INDEX,
    MODELS,
    REFINER,
    SDXL,
    ModelChoice,
    ModelSource,
    find_installed,
    variant_of,
    weight_files,
)
from common.checkpoints import load_plain
from common.devices import pick_device
from common.errors import UserError, enough_memory


def load_pipelines(choice: ModelChoice, settings: LoadSettings | None = None) -> Pipelines:
    """Load base and refiner onto the device.

    Raises:
        UserError: model or adapter are damaged or of another kind, memory is insufficient, or the device lacks the
            precision.
    """
    settings = settings or LoadSettings()
    device = pick_device()
    dtype = dtype_for(device, settings.precision)
    from diffusers import StableDiffusionXLImg2ImgPipeline, StableDiffusionXLPipeline

    with enough_memory("set VRAM_GB to 8, or choose a smaller MODEL"):
        base = _load(StableDiffusionXLPipeline, choice.base, dtype, settings, {})
        check_structure(base, choice.base)
        if base.text_encoder is None:
            raise UserError(f"{choice.base.path}: a refiner, without a first text encoder; MODEL must be a base")
        if settings.ip_adapter is not None:
            load_ip_adapter(base, settings.ip_adapter, dtype, settings.allow_pickle)
        shared = {"vae": base.vae, "text_encoder_2": base.text_encoder_2, "tokenizer_2": base.tokenizer_2}
        refiner = None
        if choice.refiner is not None:
            refiner = _load(StableDiffusionXLImg2ImgPipeline, choice.refiner, dtype, settings, shared)
            check_structure(refiner, choice.refiner)
        pipelines = Pipelines(base, refiner, list(choice.hashes), device, dtype)
        pipelines.likeness = settings.likeness if settings.ip_adapter is not None else None
        set_vae_precision(base.vae, dtype)
        pipelines.image_to_image = StableDiffusionXLImg2ImgPipeline(**base.components, add_watermarker=False)
        place(pipelines, settings.vram_gb)
    _set_schedulers(pipelines, settings.scheduler)
    for pipeline in all_of(pipelines):
        pipeline.set_progress_bar_config(disable=True)
    return pipelines


def _load(kind: Any, source: ModelSource, dtype: torch.dtype, settings: LoadSettings, shared: Mapping[str, Any]) -> Any:
    """Load one pipeline; `shared` are networks of the other one. The VAE is loaded in float32."""
    facts = {"add_watermarker": False, "local_files_only": True, **shared}
    try:
        with quiet():
            if source.is_file:
                return _load_file(kind, source, dtype, settings.config, facts)
            return kind.from_pretrained(
                source.path,
                dtype={"vae": torch.float32, "default": dtype},
                variant=variant_of(source.path),
                use_safetensors=None if settings.allow_pickle else True,
                **facts,
            )
    except (MemoryError, UserError):
        raise
    except Exception as error:  # diffusers, transformers and safetensors raise many kinds on damaged files
        if "memory" in str(error).lower():
            raise
        raise UserError(f"{source.path}: cannot be loaded as an SDXL pipeline ({first_line(error)})") from error


def _load_file(kind: Any, source: ModelSource, dtype: torch.dtype, config: Path | None, facts: dict[str, Any]) -> Any:
    """Load a pipeline from a single file, with configs and tokenizers from a folder."""
    from diffusers import AutoencoderKL

    role = BASE if kind.__name__ == "StableDiffusionXLPipeline" else REFINER
    folder = find_config(config, role)
    if "vae" not in facts:
        facts["vae"] = AutoencoderKL.from_single_file(
            str(source.path), config=str(folder), subfolder="vae", dtype=torch.float32, local_files_only=True
        )
    return kind.from_single_file(str(source.path), config=str(folder), dtype=dtype, **facts)


def find_config(config: Path | None, role: str) -> Path:
    """Find the folder of configs and tokenizers for a single file.

    Raises:
        UserError: there is none.
    """
    if config is None:
        sdxl = find_installed(HUB[role], role)
        if sdxl is None:
            raise UserError(
                "a single file needs SDXL's configs and tokenizers, which are missing: set MODEL_CONFIG to a folder "
                f"in diffusers' layout, or download them: hf download {HUB[role]} --include '*.json' '*.txt' "
                f"--local-dir {SDXL / role}"
            )
        return sdxl.path
    for folder in (config / role, config):
        if (folder / INDEX).is_file():
            return folder
    raise UserError(f"setting MODEL_CONFIG is {config}, which contains no {INDEX}")


def check_structure(pipeline: Any, source: ModelSource) -> None:
    """Check that a pipeline is SDXL, complete, and consistent.

    Raises:
        UserError: names the part that is wrong.
    """
    unet, second = pipeline.unet, pipeline.text_encoder_2
    if unet is None or second is None or unet.config.addition_embed_type != "text_time":
        raise UserError(
            f"{source.path}: not an SDXL pipeline; its UNet has no size conditioning and no second text encoder"
        )
    for name in MODELS:
        lacking = _lacking(getattr(pipeline, name, None), source, name)
        if lacking:
            raise UserError(
                f"{source.path}: {name} lacks {len(lacking)} weights, such as {lacking[0]}; download it again"
            )
        faulty = _not_finite(getattr(pipeline, name, None))
        if faulty:
            raise UserError(f"{source.path}: {name} has NaN or infinite values in {faulty}; download it again")
    encoders = [encoder for encoder in (pipeline.text_encoder, second) if encoder is not None]
    width = sum(int(encoder.config.hidden_size) for encoder in encoders)
    if unet.config.cross_attention_dim != width:
        raise UserError(
            f"{source.path}: its UNet takes texts of width {unet.config.cross_attention_dim}, "
            f"and the text encoders give {width}; base and refiner do not belong together"
        )


def _lacking(network: torch.nn.Module | None, source: ModelSource, name: str) -> list[str]:
    """Weights that a network's files lack; transformers would silently initialise them at random."""
    wanted = {} if network is None else network.state_dict()
    if source.is_file or not (source.path / name).is_dir():
        return [key for key, value in wanted.items() if value.is_meta]
    have = {key.removeprefix("text_model.") for key in _keys_of(weight_files(source.path / name))}
    return [key for key in wanted if key.removeprefix("text_model.") not in have]


def _not_finite(network: torch.nn.Module | None) -> str:
    """Name of the first weight that has NaN or infinite values; empty if there is none."""
    for name, tensor in {} if network is None else network.state_dict().items():
        if tensor.is_floating_point() and tensor.numel() and not torch.stack(torch.aminmax(tensor)).isfinite().all():
            return str(name)
    return ""


def _keys_of(files: Sequence[Path]) -> Iterator[str]:
    from safetensors import safe_open

    for path in files:
        if path.suffix == ".safetensors":
            with safe_open(path, framework="pt") as opened:
                yield from opened.keys()
        else:
            yield from load_plain(path)


def _set_schedulers(pipelines: Pipelines, name: Scheduler) -> None:
    """Give every pipeline a scheduler of this kind, with the noise schedule on which its model was trained.

    "lcm" (Luo et al. 2023, arXiv:2310.04378) and "lightning" (Lin et al. 2024, arXiv:2402.13929) are for distilled
    models or LoRAs; "dpm++" is the second-order multistep solver of Lu et al. 2022, arXiv:2211.01095.
    """
    from diffusers import DPMSolverMultistepScheduler, EulerDiscreteScheduler, LCMScheduler

    kinds: dict[str, tuple[Any, dict[str, Any]]] = {
        "euler": (EulerDiscreteScheduler, {}),
        "dpm++": (DPMSolverMultistepScheduler, {}),
        "lcm": (LCMScheduler, {}),
        "lightning": (EulerDiscreteScheduler, {"timestep_spacing": "trailing"}),
    }
    kind, changes = kinds[name]
    with quiet():
        for pipeline in all_of(pipelines):
            pipeline.scheduler = kind.from_config(pipeline.scheduler.config, **changes)


def compile_networks(pipelines: Pipelines) -> None:
    """Compile the UNets by torch.compile; call it after LoRAs are loaded.

    Only the transformer blocks are compiled: they share one compilation, which takes seconds instead of minutes.
    """
    for pipeline in (pipelines.base, pipelines.refiner):
        if pipeline is not None:
            pipeline.unet.compile_repeated_blocks()
