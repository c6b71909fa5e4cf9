"""SDXL in memory: the pipelines, their precision, and the placement of their networks.

SDXL (Podell et al. 2023, arXiv:2307.01952) has two pipelines: a base with two text encoders, and a refiner that uses
only the second one and denoises the last part of the schedule. Both share this text encoder and the autoencoder (VAE).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from common.errors import UserError

Precision = Literal["auto", "bf16", "fp16", "fp32"]
Scheduler = Literal["euler", "dpm++", "lcm", "lightning"]
DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
FEW_STEP: tuple[Scheduler, ...] = ("lcm", "lightning")  # for distilled models and LoRAs
LEAST_VRAM_GB = 7.0  # what a card sold with 8 GB reports


@dataclass(frozen=True)
class Preset:
    """Measures that reduce GPU memory.

    Attributes:
        offload: keep only the computing network in GPU memory.
        tiling: let the VAE process overlapping tiles.
    """

    offload: bool
    tiling: bool


PRESETS = {
    8: Preset(offload=True, tiling=True),
    12: Preset(offload=True, tiling=False),
    24: Preset(offload=False, tiling=False),
}


@dataclass(frozen=True, kw_only=True)
class LoadSettings:
    """How the pipelines are loaded.

    Attributes:
        precision: precision of UNets and text encoders; "auto": bf16 on a GPU that has it, else fp16; fp32 on a CPU.
        vram_gb: key of PRESETS; None: chosen by the GPU's memory.
        scheduler: sampling method.
        config: folder of configs and tokenizers for single files; None: SDXL's own.
        allow_pickle: also open .bin and .ckpt files, reading tensors only.
        ip_adapter: file or folder of an image prompt adapter; None: none.
        likeness: scale of the adapter, 0 to 1.
    """

    precision: Precision = "auto"
    vram_gb: int | None = None
    scheduler: Scheduler = "euler"
    config: Path | None = None
    allow_pickle: bool = False
    ip_adapter: Path | None = None
    likeness: float = 1.0


@dataclass
class Pipelines:
    """The loaded pipelines.

    Attributes:
        base: StableDiffusionXLPipeline.
        refiner: StableDiffusionXLImg2ImgPipeline, or None.
        names: names of the weights, for the report.
        device: device that computes.
        dtype: dtype of UNets and text encoders.
        image_to_image: StableDiffusionXLImg2ImgPipeline of the base's networks.
        likeness: scale of the image prompt adapter; None if there is none.
    """

    base: Any
    refiner: Any | None
    names: list[str]
    device: torch.device
    dtype: torch.dtype
    image_to_image: Any = None
    likeness: float | None = None

    @property
    def native_px(self) -> int:
        """Side of the pictures on which the base was trained."""
        return int(self.base.unet.config.sample_size) * int(self.base.vae_scale_factor)

    @property
    def networks(self) -> list[torch.nn.Module]:
        """UNets and encoders of texts and references, which compute in `dtype`; the VAE has its own precision."""
        found = [self.base.unet, self.base.text_encoder, self.base.text_encoder_2, self.base.image_encoder]
        found += [self.refiner.unet] if self.refiner is not None else []
        return [network for network in found if network is not None]

    @property
    def in_full_precision(self) -> bool:
        """Whether all networks compute in float32."""
        return self.dtype == torch.float32 == self.base.vae.dtype

    @contextmanager
    def raised_to_full_precision(self) -> Iterator[None]:
        """Compute in float32 within the block; the weights are unchanged afterwards."""
        try:
            for network in self.networks:
                network.to(dtype=torch.float32)
            set_vae_precision(self.base.vae, torch.float32)
            yield
        finally:
            for network in self.networks:
                network.to(dtype=self.dtype)
            set_vae_precision(self.base.vae, self.dtype)


def all_of(pipelines: Pipelines) -> list[Any]:
    """The pipelines that are loaded."""
    return [p for p in (pipelines.base, pipelines.image_to_image, pipelines.refiner) if p is not None]


@contextmanager
def quiet() -> Iterator[None]:
    """Silence progress bars and notes of diffusers and transformers within the block."""
    import diffusers
    import transformers

    libraries = (diffusers.utils.logging, transformers.utils.logging)
    levels = [library.get_verbosity() for library in libraries]
    try:
        for library in libraries:
            library.set_verbosity_error()
            library.disable_progress_bar()
        yield
    finally:
        for library, level in zip(libraries, levels, strict=True):
            library.set_verbosity(level)
            library.enable_progress_bar()


def first_line(error: Exception) -> str:
    """First line of a library's error message, at most 200 characters."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__


def dtype_for(device: torch.device, precision: Precision) -> torch.dtype:
    """Dtype of UNets and text encoders.

    Raises:
        UserError: fp16 on a CPU, which is slow or unsupported.
    """
    if precision != "auto":
        if precision == "fp16" and device.type == "cpu":
            raise UserError("setting PRECISION is fp16, which needs a GPU; choose auto, fp32 or bf16")
        return DTYPES[precision]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    return torch.float16 if device.type == "mps" else torch.float32


def set_vae_precision(vae: Any, dtype: torch.dtype) -> None:
    """Set the VAE's dtype; with `force_upcast`, as in SDXL's own, it stays in float32, because it overflows in half."""
    with quiet():
        vae.to(dtype=torch.float32 if vae.config.force_upcast else dtype)


def device_memory_gb(device: torch.device) -> float:
    """Memory of the GPU, 10^9 bytes; 0 for a CPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory / 1e9
    return torch.mps.recommended_max_memory() / 1e9 if device.type == "mps" else 0.0


def preset_for(device: torch.device, vram_gb: int | None) -> Preset | None:
    """The preset of the setting, or the largest that fits the GPU's memory; None for a CPU.

    Raises:
        UserError: no such preset.
    """
    if vram_gb is not None and vram_gb not in PRESETS:
        raise UserError(f"setting VRAM_GB is {vram_gb}; it must be one of {', '.join(map(str, PRESETS))}, or None")
    if device.type == "cpu":
        return None
    memory = device_memory_gb(device)
    fitting = [preset for size, preset in PRESETS.items() if memory >= 0.9 * size]
    return PRESETS[vram_gb] if vram_gb is not None else (fitting or [PRESETS[8]])[-1]


def place(pipelines: Pipelines, vram_gb: int | None) -> None:
    """Move the networks to the device, or set up offloading as the preset requires."""
    preset = preset_for(pipelines.device, vram_gb)
    if preset is None or not preset.offload:
        for pipeline in all_of(pipelines):
            pipeline.to(pipelines.device)
    else:
        offload(pipelines)
    if preset is not None and preset.tiling:
        pipelines.base.vae.enable_tiling()


def offload(pipelines: Pipelines) -> None:
    """Keep only the computing network on the device; costs a second or two for each picture."""
    for pipeline in (pipelines.refiner, pipelines.base):
        if pipeline is not None:
            pipeline.enable_model_cpu_offload(device=pipelines.device)
