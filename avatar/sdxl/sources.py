"""Chooses the SDXL model: finds base and refiner on this machine or on a hub, and checks that they are complete."""

import functools
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from avatar.sdxl.pipelines import LEAST_VRAM_GB, device_memory_gb, first_line
from common.devices import pick_device
from common.errors import UserError
from common.files import JSON_ERRORS, read_json, sha256_of
from common.paths import CHECKPOINTS, resolved, shown
from common.weights import REAL, SDXL_GB

AUTO = "auto"
BASE, REFINER = "base", "refiner"  # subfolders of a model that has both
SDXL = REAL["sdxl-base"].path.parents[2]  # where the commands in common/weights.py download it
HUB = {BASE: "stabilityai/stable-diffusion-xl-base-1.0", REFINER: "stabilityai/stable-diffusion-xl-refiner-1.0"}
DEMO_MODEL = CHECKPOINTS / "avatar/demo-sdxl"
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
INDEX = "model_index.json"
PICKLES = (".ckpt", ".bin", ".pt", ".pth")
SMALL_LATENTS = 32  # side of a small model's latents
REACH_SECONDS = 3.0  # time within which a hub must answer
MODELS = ("unet", "vae", "text_encoder", "text_encoder_2")


@dataclass(frozen=True)
class ModelSource:
    """Location of a pipeline: a folder in diffusers' layout, or a single file.

    Attributes:
        path: path of the folder or file.
        label: name for messages and records.
    """

    path: Path
    label: str

    @property
    def is_file(self) -> bool:
        """Whether it is a single .safetensors (or .ckpt) file."""
        return self.path.is_file()

    @property
    def is_small(self) -> bool:
        """Whether it is of the size of the project's small model, which knows drawn avatars and nothing else."""
        try:
            return int(read_json(self.path / "unet/config.json")["sample_size"]) <= SMALL_LATENTS
        except JSON_ERRORS:
            return False


@dataclass(frozen=True)
class ModelChoice:
    """The chosen base and refiner, and the reason in words."""

    base: ModelSource
    refiner: ModelSource | None
    why: str

    @functools.cached_property
    def hashes(self) -> dict[str, str]:
        """SHA-256 of the weights by name."""
        found = {self.base.label: hash_of(self.base)}
        if self.refiner is not None:
            label = self.refiner.label
            found[f"{label} (refiner)" if label in found else label] = hash_of(self.refiner)
        return found


# ---- choosing ----


def choose_model(model: str, refiner: str, with_refiner: bool, allow_pickle: bool = False) -> ModelChoice:
    """Find the pipelines that the settings name.

    Args:
        model: "auto" (SDXL if it is installed and fits the GPU, else the demo model), a hub id, a folder with base/
            and refiner/, a folder in diffusers' layout, or a single file.
        refiner: "auto" (the one that belongs to the model), or any value that `model` can have.
        with_refiner: whether a refiner is needed.
        allow_pickle: accept .bin and .ckpt files.

    Raises:
        UserError: the model is missing (the message has the command that downloads it), incomplete, or a pickle.
    """
    base, why = _auto_model() if model == AUTO else (find_source(model, BASE), "set by MODEL")
    found = None
    if with_refiner:
        found = _own_refiner(base) if refiner == AUTO else find_source(refiner, REFINER)
    for source in (base, found):
        if source is not None:
            check_source(source, allow_pickle)
    return ModelChoice(base, found, why)


def _auto_model() -> tuple[ModelSource, str]:
    sdxl, demo = find_installed(HUB[BASE], BASE), DEMO_MODEL / BASE
    if sdxl is not None and not _holds_weights(sdxl.path):
        sdxl = None
    memory = device_memory_gb(pick_device())
    if sdxl is not None and memory >= LEAST_VRAM_GB:
        return sdxl, f"SDXL is installed and fits the GPU's {memory:.0f} GB"
    lacks = "SDXL is not installed" if sdxl is None else "SDXL is installed, but there is no GPU of 8 GB or more"
    if (demo / INDEX).is_file():
        return ModelSource(demo, f"{DEMO_MODEL.name}/{BASE}"), f"{lacks}: using the project's small model"
    raise UserError(
        f"setting MODEL is auto, and {lacks}; the project's small model is missing in {shown(DEMO_MODEL)}, too. "
        f"{_how_to_get(BASE)}. Or set MODEL to a folder or .safetensors file of an SDXL model"
    )


def find_source(name: str, role: str) -> ModelSource:
    """Find a pipeline by folder, file or hub id; downloads it from the hub if necessary.

    Args:
        name: folder, file or hub id.
        role: BASE or REFINER.

    Raises:
        UserError: it is neither on this machine nor on a hub that can be reached.
    """
    path = Path(name).expanduser()
    if path.is_file():
        return ModelSource(path, path.name)
    if path.is_dir():
        inner = path / role
        if (inner / INDEX).is_file():
            return ModelSource(inner, f"{path.name}/{role}")
        if (path / INDEX).is_file():
            return ModelSource(path, path.name)
        raise UserError(f"{path}: contains no model in diffusers' layout; it needs {INDEX}, or {role}/{INDEX}")
    if not HUB_ID.fullmatch(name) or path.suffix in (".safetensors", *PICKLES):
        raise UserError(f"{name}: no such file or folder, and not a hub id")
    here = find_installed(name, role)
    return here if here is not None and _holds_weights(here.path) else _download(name, role)


def _holds_weights(folder: Path) -> bool:
    """Whether a model folder has weights; configs alone serve single files, or remain from a broken download."""
    return any(weight_files(folder / part) for part in _components(folder))


def find_installed(hub_id: str, role: str) -> ModelSource | None:
    """Find a hub model on this machine: where our command downloads SDXL, or in the hub's cache."""
    if hub_id == HUB[role] and (SDXL / role / INDEX).is_file():
        return ModelSource(SDXL / role, hub_id)
    from huggingface_hub import try_to_load_from_cache

    index = try_to_load_from_cache(hub_id, INDEX)
    return ModelSource(Path(index).parent, hub_id) if isinstance(index, str) else None


def _download(hub_id: str, role: str) -> ModelSource:
    """Download a model's folder from the hub into its cache; fails at once if the hub cannot be reached."""
    from huggingface_hub import model_info, snapshot_download

    try:
        siblings = model_info(hub_id, timeout=REACH_SECONDS).siblings or []
    except Exception as error:  # every HTTP library has its own kinds
        raise UserError(
            f"{hub_id} is not on this machine, and the hub cannot be reached ({first_line(error)}). "
            f"{_how_to_get(role, hub_id)}. Or set MODEL to auto for the project's small model"
        ) from error
    half = any(sibling.rfilename.endswith(".fp16.safetensors") for sibling in siblings)
    patterns = ["*.json", "*.txt", f"*/*{'.fp16' if half else ''}.safetensors"]
    print(f"downloading {hub_id} from the hub into its cache", flush=True)
    try:
        return ModelSource(Path(snapshot_download(hub_id, allow_patterns=patterns)), hub_id)
    except Exception as error:
        raise UserError(f"{hub_id}: cannot be downloaded ({first_line(error)}); the same command resumes") from error


def _how_to_get(role: str, hub_id: str = "") -> str:
    weights = REAL[f"sdxl-{role}"]
    if hub_id in ("", HUB[role]):
        return f"To download {HUB[role]} ({SDXL_GB[role]} GB): {weights.command}; or copy its folder there" + (
            f". The refiner ({SDXL_GB[REFINER]} GB) is downloaded in the same way" if role == BASE else ""
        )
    return f"To download it: hf download {hub_id} --local-dir FOLDER, and set {role.upper()} to that folder"


def _own_refiner(base: ModelSource) -> ModelSource:
    """Find the refiner that belongs to a base.

    Raises:
        UserError: there is none beside it.
    """
    if base.label == HUB[BASE]:
        return find_source(HUB[REFINER], REFINER)
    beside = base.path.parent / REFINER
    if (beside / INDEX).is_file():
        return ModelSource(beside, f"{base.label.removesuffix(f'/{BASE}')}/{REFINER}")
    raise UserError(f"{base.path}: there is no refiner beside it; set REFINER, or MODE to base")


# ---- completeness ----


def check_source(source: ModelSource, allow_pickle: bool) -> None:
    """Check that diffusers can load a model without running code from its files.

    Raises:
        UserError: lists all missing weights, or names a pickle.
    """
    if source.is_file:
        if source.path.suffix.lower() in PICKLES and not allow_pickle:
            raise UserError(f"{source.path}: {pickle_refused()}")
        if source.path.suffix.lower() not in (".safetensors", *PICKLES):
            raise UserError(f"{source.path}: not a file of weights; it must be .safetensors")
        return
    missing = []
    for name in _components(source.path):
        files = weight_files(source.path / name)
        if not files:
            missing.append(f"{name}/ has no weights")
        elif not allow_pickle and any(file.suffix in PICKLES for file in files):
            raise UserError(f"{files[0]}: {pickle_refused()}")
    if missing:
        raise UserError(f"{source.path}: incomplete: {', '.join(missing)}; download it again")


def pickle_refused() -> str:
    """Message for a pickle: the risk and what to do."""
    return (
        "a pickle, which can run foreign code when it is opened; use the .safetensors form, "
        "or turn the setting ALLOW_PICKLE on"
    )


def _components(folder: Path) -> list[str]:
    """Names of the networks in a folder in diffusers' layout."""
    try:
        index = read_json(folder / INDEX)
        return [name for name in MODELS if index.get(name, [None])[0] is not None]
    except JSON_ERRORS as error:
        raise UserError(f"{folder / INDEX}: missing or damaged; download the model again") from error


def weight_files(folder: Path) -> list[Path]:
    """Files of weights that are loaded; prefers .safetensors to pickles, and full precision to half."""
    found = sorted(path for path in folder.glob("*") if path.suffix in (".safetensors", ".bin"))
    safe = [path for path in found if path.suffix == ".safetensors"]
    files = safe or found
    return [path for path in files if ".fp16." not in path.name] or files


def variant_of(folder: Path) -> str | None:
    """The variant "fp16" if a folder has half precision only."""
    return "fp16" if all(".fp16." in path.name for path in weight_files(folder / "unet")) else None


def hash_of(source: ModelSource) -> str:
    """SHA-256 of a pipeline's weights; the hub's cache names files by their hashes, which are not computed again."""
    if source.is_file:
        return sha256_of(source.path)
    digest = hashlib.sha256()
    for name in _components(source.path):
        for path in weight_files(source.path / name):
            blob = resolved(path).name
            known = blob if re.fullmatch(r"[0-9a-f]{64}", blob) else sha256_of(path)
            digest.update(f"{name}/{path.name} {known}\n".encode())
    return digest.hexdigest()
