"""Which SDXL draws the avatars, whether it is there, and loading it the way that the device allows.

SDXL (Podell et al. 2023, arXiv:2307.01952) is two pipelines: a base with two text encoders, and a refiner that knows
the second one alone and draws the last part of the schedule. Both share that text encoder and the autoencoder (VAE).
"""

import functools
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from common.checkpoints import load_plain
from common.devices import pick_device
from common.errors import UserError, enough_memory
from common.files import sha256_of
from common.paths import CHECKPOINTS, shown
from common.weights import REAL, SDXL_GB

Precision = Literal["auto", "bf16", "fp16", "fp32"]
Scheduler = Literal["euler", "dpm++", "lcm", "lightning"]
DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
FEW_STEP: tuple[Scheduler, ...] = ("lcm", "lightning")  # for models and LoRAs that were distilled

AUTO = "auto"
BASE, REFINER = "base", "refiner"  # folders of a model that has both
SDXL = REAL["sdxl-base"].path.parents[2]  # where the commands in common/weights.py put it
HUB = {BASE: "stabilityai/stable-diffusion-xl-base-1.0", REFINER: "stabilityai/stable-diffusion-xl-refiner-1.0"}
DEMO_MODEL = CHECKPOINTS / "avatar/demo-sdxl"
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
INDEX = "model_index.json"
PICKLES = (".ckpt", ".bin", ".pt", ".pth")
REACH_SECONDS = 3.0  # that a hub gets to answer
LEAST_VRAM_GB = 7.0  # what a card sold with 8 GB says that it has
MODELS = ("unet", "vae", "text_encoder", "text_encoder_2")


@dataclass(frozen=True)
class Source:
    """Where a pipeline comes from: a folder in diffusers' layout, or a single file.

    Attributes:
        path: absolute, or as the user gave it.
        label: what people call it.
    """

    path: Path
    label: str

    @property
    def is_file(self) -> bool:
        """A single .safetensors (or .ckpt) file."""
        return self.path.is_file()


@dataclass(frozen=True)
class Choice:
    """The pipelines that a run uses, and one line that says why."""

    base: Source
    refiner: Source | None
    why: str

    @functools.cached_property
    def hashes(self) -> dict[str, str]:
        """SHA-256 of the weights, by name."""
        found = {self.base.label: hash_of(self.base)}
        if self.refiner is not None:
            label = self.refiner.label
            found[f"{label} (refiner)" if label in found else label] = hash_of(self.refiner)
        return found


@dataclass(frozen=True)
class Preset:
    """What is done to fit a GPU.

    Attributes:
        offload: keep in the GPU's memory only the network that computes.
        tiling: let the VAE work on overlapping tiles.
    """

    offload: bool
    tiling: bool


PRESETS = {
    8: Preset(offload=True, tiling=True),
    12: Preset(offload=True, tiling=False),
    24: Preset(offload=False, tiling=False),
}


@dataclass(frozen=True)
class Loading:
    """How the pipelines are loaded.

    Attributes:
        precision: of UNets and text encoders; "auto": bf16 on a GPU that has it, else fp16; fp32 on a CPU.
        vram_gb: a key of PRESETS; None: from the GPU's memory.
        scheduler: one of Scheduler.
        config: for single files, the folder of their configs and tokenizers; None: SDXL's own.
        allow_pickle: open .bin and .ckpt files as well, tensors alone.
    """

    precision: Precision = "auto"
    vram_gb: int | None = None
    scheduler: Scheduler = "euler"
    config: Path | None = None
    allow_pickle: bool = False


@dataclass
class Pipelines:
    """SDXL, loaded.

    Attributes:
        base: StableDiffusionXLPipeline.
        refiner: StableDiffusionXLImg2ImgPipeline, or None.
        names: of the weights, for the report.
        device: where they compute.
        dtype: of UNets and text encoders.
        image_to_image: StableDiffusionXLImg2ImgPipeline of the base's own networks.
    """

    base: Any
    refiner: Any | None
    names: list[str]
    device: torch.device
    dtype: torch.dtype
    image_to_image: Any = None

    @property
    def native_px(self) -> int:
        """Side of the pictures that the base was trained on."""
        return int(self.base.unet.config.sample_size) * int(self.base.vae_scale_factor)

    @property
    def networks(self) -> list[torch.nn.Module]:
        """UNets and text encoders, which compute in `dtype`; the VAE has its own precision."""
        found = [self.base.unet, self.base.text_encoder, self.base.text_encoder_2]
        return found + ([self.refiner.unet] if self.refiner is not None else [])

    @property
    def in_full_precision(self) -> bool:
        """Whether all of it computes in float32."""
        return self.dtype == torch.float32 == self.base.vae.dtype

    @contextmanager
    def raised_to_full_precision(self) -> Iterator[None]:
        """Compute in float32 for a while; the weights come back as they were."""
        try:
            for network in self.networks:
                network.to(dtype=torch.float32)
            set_vae_precision(self.base.vae, torch.float32)
            yield
        finally:
            for network in self.networks:
                network.to(dtype=self.dtype)
            set_vae_precision(self.base.vae, self.dtype)


# ---- which model ----


def choose_model(model: str, refiner: str, with_refiner: bool, allow_pickle: bool = False) -> Choice:
    """Find the pipelines that the settings name.

    Args:
        model: "auto" (SDXL where it is here and a GPU fits it, else the demo model), a hub's id, a folder with base/
            and refiner/, a folder in diffusers' layout, or a single file.
        refiner: "auto" (the one that belongs to the model), or as `model`.
        with_refiner: whether one is needed.
        allow_pickle: take .bin and .ckpt files as well.

    Raises:
        UserError: nothing there, with the command to fetch it and what else would do; not whole; or a pickle.
    """
    base, why = _auto_model() if model == AUTO else (find_source(model, BASE), "as the setting MODEL says")
    found = None
    if with_refiner:
        found = _own_refiner(base) if refiner == AUTO else find_source(refiner, REFINER)
    for source in (base, found):
        if source is not None:
            check_source(source, allow_pickle)
    return Choice(base, found, why)


def _auto_model() -> tuple[Source, str]:
    sdxl, demo = _present(HUB[BASE], BASE), DEMO_MODEL / BASE
    if sdxl is not None and not _holds_weights(sdxl.path):
        sdxl = None
    memory = device_memory_gb(pick_device())
    if sdxl is not None and memory >= LEAST_VRAM_GB:
        return sdxl, f"SDXL is here, and the GPU's {memory:.0f} GB fit it"
    lacks = "SDXL is not here" if sdxl is None else "SDXL is here, but no GPU of 8 GB or more"
    if (demo / INDEX).is_file():
        return Source(demo, f"{DEMO_MODEL.name}/{BASE}"), f"{lacks}: the project's own small model"
    raise UserError(
        f"setting MODEL is auto, and {lacks}; the project's own small model is not in {shown(DEMO_MODEL)} either. "
        f"{_how_to_get(BASE)}. Or set MODEL to a folder or .safetensors file of SDXL's form"
    )


def find_source(name: str, role: str) -> Source:
    """A setting's folder, file or hub id as a pipeline on this disk; a hub that can be reached is asked for it.

    Args:
        name: as `choose_model` says.
        role: BASE or REFINER.

    Raises:
        UserError: no such thing here, nor on a hub that can be reached.
    """
    path = Path(name).expanduser()
    if path.is_file():
        return Source(path, path.name)
    if path.is_dir():
        inner = path / role
        if (inner / INDEX).is_file():
            return Source(inner, f"{path.name}/{role}")
        if (path / INDEX).is_file():
            return Source(path, path.name)
        raise UserError(f"{path}: no model in diffusers' layout; it needs {INDEX}, or {role}/{INDEX}")
    if not HUB_ID.fullmatch(name) or path.suffix in (".safetensors", *PICKLES):
        raise UserError(f"{name}: no such file or folder, and no id of a model on the hub")
    here = _present(name, role)
    return here if here is not None and _holds_weights(here.path) else _download(name, role)


def _holds_weights(folder: Path) -> bool:
    """Whether there are any; configs alone are kept for single files, or are what a broken download left."""
    return any(weight_files(folder / part) for part in _components(folder))


def _present(hub_id: str, role: str) -> Source | None:
    """A model of the hub that is on this disk: where our command puts SDXL, or in the hub's own cache."""
    if hub_id == HUB[role] and (SDXL / role / INDEX).is_file():
        return Source(SDXL / role, hub_id)
    from huggingface_hub import try_to_load_from_cache

    index = try_to_load_from_cache(hub_id, INDEX)
    return Source(Path(index).parent, hub_id) if isinstance(index, str) else None


def _download(hub_id: str, role: str) -> Source:
    """Fetch a model's folder from the hub into its cache; a hub that cannot be reached is said at once."""
    from huggingface_hub import model_info, snapshot_download

    try:
        siblings = model_info(hub_id, timeout=REACH_SECONDS).siblings or []
    except Exception as error:  # every HTTP library has kinds of its own
        raise UserError(
            f"{hub_id} is not on this machine, and the hub cannot be reached ({first_line(error)}). "
            f"{_how_to_get(role, hub_id)}. Or set MODEL to auto for the project's own small model"
        ) from error
    half = any(sibling.rfilename.endswith(".fp16.safetensors") for sibling in siblings)
    patterns = ["*.json", "*.txt", f"*/*{'.fp16' if half else ''}.safetensors"]
    print(f"fetching {hub_id} from the hub into its cache", flush=True)
    try:
        return Source(Path(snapshot_download(hub_id, allow_patterns=patterns)), hub_id)
    except Exception as error:
        raise UserError(f"{hub_id}: cannot be fetched ({first_line(error)}); the same command goes on") from error


def _how_to_get(role: str, hub_id: str = "") -> str:
    weights = REAL[f"sdxl-{role}"]
    if hub_id in ("", HUB[role]):
        return f"To get {HUB[role]} ({SDXL_GB[role]} GB): {weights.command}; or put its folder there by hand" + (
            f". Its refiner ({SDXL_GB[REFINER]} GB) is fetched alike" if role == BASE else ""
        )
    return f"To get it: hf download {hub_id} --local-dir FOLDER, and set {role.upper()} to that folder"


def _own_refiner(base: Source) -> Source:
    """The refiner that belongs to a base.

    Raises:
        UserError: none beside it.
    """
    if base.label == HUB[BASE]:
        return find_source(HUB[REFINER], REFINER)
    beside = base.path.parent / REFINER
    if (beside / INDEX).is_file():
        return Source(beside, f"{base.label.removesuffix(f'/{BASE}')}/{REFINER}")
    raise UserError(f"{base.path}: no refiner beside it; set REFINER to one, or MODE to base")


# ---- whether it is whole ----


def check_source(source: Source, allow_pickle: bool) -> None:
    """Refuse what diffusers could not load, or would only load by running what is in the file.

    Raises:
        UserError: lists all that is missing.
    """
    if source.is_file:
        if source.path.suffix.lower() in PICKLES and not allow_pickle:
            raise UserError(f"{source.path}: {pickle_refused()}")
        if source.path.suffix.lower() not in (".safetensors", *PICKLES):
            raise UserError(f"{source.path}: no file of weights; it must be .safetensors")
        return
    missing = []
    for name in _components(source.path):
        files = weight_files(source.path / name)
        if not files:
            missing.append(f"{name}/ has no weights")
        elif not allow_pickle and any(file.suffix in PICKLES for file in files):
            raise UserError(f"{files[0]}: {pickle_refused()}")
    if missing:
        raise UserError(f"{source.path}: not whole: {', '.join(missing)}; fetch it again")


def pickle_refused() -> str:
    """What is wrong with a file that is a pickle, and what to do."""
    return (
        "a pickle, which can run a stranger's code when it is opened; take the .safetensors form, "
        "or turn the setting ALLOW_PICKLE on"
    )


def _components(folder: Path) -> list[str]:
    """Names of the networks in a folder in diffusers' layout."""
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        return [name for name in MODELS if index.get(name, [None])[0] is not None]
    except (OSError, ValueError, TypeError, AttributeError, LookupError) as error:
        raise UserError(f"{folder / INDEX}: missing or damaged; fetch the model again") from error


def weight_files(folder: Path) -> list[Path]:
    """The files of weights that are loaded: .safetensors before pickles, whole precision before half."""
    found = sorted(path for path in folder.glob("*") if path.suffix in (".safetensors", ".bin"))
    safe = [path for path in found if path.suffix == ".safetensors"]
    files = safe or found
    return [path for path in files if ".fp16." not in path.name] or files


def variant_of(folder: Path) -> str | None:
    """ "fp16" where a folder holds half precision alone."""
    return "fp16" if all(".fp16." in path.name for path in weight_files(folder / "unet")) else None


def hash_of(source: Source) -> str:
    """SHA-256 over the weights of a pipeline; in the hub's cache their names tell it."""
    if source.is_file:
        return sha256_of(source.path)
    digest = hashlib.sha256()
    for name in _components(source.path):
        for path in weight_files(source.path / name):
            blob = path.resolve().name
            known = blob if re.fullmatch(r"[0-9a-f]{64}", blob) else sha256_of(path)
            digest.update(f"{name}/{path.name} {known}\n".encode())
    return digest.hexdigest()


# ---- loading ----


def load_pipelines(choice: Choice, loading: Loading | None = None) -> Pipelines:
    """Load base and refiner onto the device.

    Raises:
        UserError: damaged or of another form than SDXL's, not enough memory, or a precision that the device lacks.
    """
    loading = loading or Loading()
    device = pick_device()
    dtype = dtype_for(device, loading.precision)
    from diffusers import StableDiffusionXLImg2ImgPipeline, StableDiffusionXLPipeline

    with enough_memory("set VRAM_GB to 8, or choose a smaller MODEL"):
        base = _load(StableDiffusionXLPipeline, choice.base, dtype, loading, {})
        check_form(base, choice.base)
        if base.text_encoder is None:
            raise UserError(f"{choice.base.path}: a refiner, which has no first text encoder; MODEL must be a base")
        shared = {"vae": base.vae, "text_encoder_2": base.text_encoder_2, "tokenizer_2": base.tokenizer_2}
        refiner = None
        if choice.refiner is not None:
            refiner = _load(StableDiffusionXLImg2ImgPipeline, choice.refiner, dtype, loading, shared)
            check_form(refiner, choice.refiner)
        pipelines = Pipelines(base, refiner, list(choice.hashes), device, dtype)
        set_vae_precision(base.vae, dtype)
        pipelines.image_to_image = StableDiffusionXLImg2ImgPipeline(**base.components, add_watermarker=False)
        place(pipelines, loading.vram_gb)
    _set_schedulers(pipelines, loading.scheduler)
    for pipeline in _all(pipelines):
        pipeline.set_progress_bar_config(disable=True)
    return pipelines


def _all(pipelines: Pipelines) -> list[Any]:
    return [p for p in (pipelines.base, pipelines.image_to_image, pipelines.refiner) if p is not None]


def _load(kind: Any, source: Source, dtype: torch.dtype, loading: Loading, shared: Mapping[str, Any]) -> Any:
    """One pipeline, with the networks that it shares handed in; the VAE keeps whole precision, see below."""
    facts = {"add_watermarker": False, "local_files_only": True, **shared}
    try:
        with quiet():
            if source.is_file:
                return _load_file(kind, source, dtype, loading.config, facts)
            return kind.from_pretrained(
                source.path,
                dtype={"vae": torch.float32, "default": dtype},
                variant=variant_of(source.path),
                use_safetensors=None if loading.allow_pickle else True,
                **facts,
            )
    except MemoryError:
        raise
    except Exception as error:  # diffusers, transformers and safetensors raise nearly anything on damaged files
        if "memory" in str(error).lower():
            raise
        raise UserError(f"{source.path}: cannot be loaded as an SDXL pipeline ({first_line(error)})") from error


def _load_file(kind: Any, source: Source, dtype: torch.dtype, config: Path | None, facts: dict[str, Any]) -> Any:
    """A single file, whose configs and tokenizers lie elsewhere."""
    from diffusers import AutoencoderKL

    role = BASE if kind.__name__ == "StableDiffusionXLPipeline" else REFINER
    folder = find_config(config, role)
    if "vae" not in facts:
        facts["vae"] = AutoencoderKL.from_single_file(
            str(source.path), config=str(folder), subfolder="vae", dtype=torch.float32, local_files_only=True
        )
    return kind.from_single_file(str(source.path), config=str(folder), dtype=dtype, **facts)


def find_config(config: Path | None, role: str) -> Path:
    """The folder of configs and tokenizers for a single file.

    Raises:
        UserError: none there.
    """
    if config is None:
        sdxl = _present(HUB[role], role)
        if sdxl is None:
            raise UserError(
                "a single file needs SDXL's configs and tokenizers, which are not here: set MODEL_CONFIG to a folder "
                f"in diffusers' layout, or get them by hf download {HUB[role]} --include '*.json' '*.txt' "
                f"--local-dir {SDXL / role}"
            )
        return sdxl.path
    for folder in (config / role, config):
        if (folder / INDEX).is_file():
            return folder
    raise UserError(f"setting MODEL_CONFIG is {config}; no {INDEX} there")


def check_form(pipeline: Any, source: Source) -> None:
    """Refuse a pipeline whose parts do not belong together, or which is no SDXL.

    Raises:
        UserError: says which part.
    """
    unet, second = pipeline.unet, pipeline.text_encoder_2
    if unet is None or second is None or unet.config.addition_embed_type != "text_time":
        raise UserError(f"{source.path}: no SDXL pipeline; its UNet takes no sizes and no second text")
    for name in MODELS:
        lacking = _lacking(getattr(pipeline, name, None), source, name)
        if lacking:
            raise UserError(f"{source.path}: {name} lacks {len(lacking)} weights, such as {lacking[0]}; fetch it again")
    encoders = [encoder for encoder in (pipeline.text_encoder, second) if encoder is not None]
    width = sum(int(encoder.config.hidden_size) for encoder in encoders)
    if unet.config.cross_attention_dim != width:
        raise UserError(
            f"{source.path}: its UNet takes texts of width {unet.config.cross_attention_dim}, "
            f"and the text encoders give {width}; base and refiner do not belong together"
        )


def _lacking(network: torch.nn.Module | None, source: Source, name: str) -> list[str]:
    """Weights of a network that its file does not have: transformers would fill them with noise and go on."""
    wanted = {} if network is None else network.state_dict()
    if source.is_file or not (source.path / name).is_dir():
        return [key for key, value in wanted.items() if value.is_meta]
    have = {key.removeprefix("text_model.") for key in _keys_of(weight_files(source.path / name))}
    return [key for key in wanted if key.removeprefix("text_model.") not in have]


def _keys_of(files: Sequence[Path]) -> Iterator[str]:
    from safetensors import safe_open

    for path in files:
        if path.suffix == ".safetensors":
            with safe_open(path, framework="pt") as opened:
                yield from opened.keys()
        else:
            yield from load_plain(path)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the bars and notes of diffusers and transformers while they load."""
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
    """What an error of a library says, in one line of at most 200 characters."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__


# ---- device, memory, schedule ----


def dtype_for(device: torch.device, precision: Precision) -> torch.dtype:
    """The precision of UNets and text encoders.

    Raises:
        UserError: fp16 on a CPU, which computes it slowly or not at all.
    """
    if precision != "auto":
        if precision == "fp16" and device.type == "cpu":
            raise UserError("setting PRECISION is fp16, which needs a GPU; choose auto, fp32 or bf16")
        return DTYPES[precision]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    return torch.float16 if device.type == "mps" else torch.float32


def set_vae_precision(vae: Any, dtype: torch.dtype) -> None:
    """SDXL's own VAE overflows in half precision, which its config says by force_upcast: that one stays in float32."""
    with quiet():
        vae.to(dtype=torch.float32 if vae.config.force_upcast else dtype)


def device_memory_gb(device: torch.device) -> float:
    """Of the GPU, in 10^9 bytes; 0 for a CPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory / 1e9
    return torch.mps.recommended_max_memory() / 1e9 if device.type == "mps" else 0.0


def preset_for(device: torch.device, vram_gb: int | None) -> Preset | None:
    """The preset that the setting names, or the largest that the GPU's memory holds; None for a CPU.

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
    """Move the networks to the device, or have each moved there when its turn comes."""
    preset = preset_for(pipelines.device, vram_gb)
    if preset is None or not preset.offload:
        for pipeline in _all(pipelines):
            pipeline.to(pipelines.device)
    else:
        offload(pipelines)
    if preset is not None and preset.tiling:
        pipelines.base.vae.enable_tiling()


def offload(pipelines: Pipelines) -> None:
    """Keep on the device only the network that computes; takes a second or two more for each picture."""
    for pipeline in (pipelines.refiner, pipelines.base):
        if pipeline is not None:
            pipeline.enable_model_cpu_offload(device=pipelines.device)


def _set_schedulers(pipelines: Pipelines, name: Scheduler) -> None:
    """Give every pipeline its own scheduler of this kind, with the noise schedule that its model was trained on.

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
        for pipeline in _all(pipelines):
            pipeline.scheduler = kind.from_config(pipeline.scheduler.config, **changes)


def compile_networks(pipelines: Pipelines) -> None:
    """Have torch.compile make the UNets faster; after any LoRA is loaded.

    Their transformer blocks alone: all of them share one compilation, which takes seconds instead of minutes.
    """
    for pipeline in (pipelines.base, pipelines.refiner):
        if pipeline is not None:
            pipeline.unet.compile_repeated_blocks()
