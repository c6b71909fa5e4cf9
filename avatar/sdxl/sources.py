"""Which SDXL a run uses: finding base and refiner on this machine or on a hub, and checking that they are whole."""

import functools
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from avatar.sdxl.pipelines import LEAST_VRAM_GB, device_memory_gb, first_line
from common.devices import pick_device
from common.errors import UserError
from common.files import sha256_of
from common.paths import CHECKPOINTS, shown
from common.weights import REAL, SDXL_GB

AUTO = "auto"
BASE, REFINER = "base", "refiner"  # folders of a model that has both
SDXL = REAL["sdxl-base"].path.parents[2]  # where the commands in common/weights.py put it
HUB = {BASE: "stabilityai/stable-diffusion-xl-base-1.0", REFINER: "stabilityai/stable-diffusion-xl-refiner-1.0"}
DEMO_MODEL = CHECKPOINTS / "avatar/demo-sdxl"
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
INDEX = "model_index.json"
PICKLES = (".ckpt", ".bin", ".pt", ".pth")
REACH_SECONDS = 3.0  # that a hub gets to answer
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
    sdxl, demo = find_installed(HUB[BASE], BASE), DEMO_MODEL / BASE
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
    here = find_installed(name, role)
    return here if here is not None and _holds_weights(here.path) else _download(name, role)


def _holds_weights(folder: Path) -> bool:
    """Whether there are any; configs alone are kept for single files, or are what a broken download left."""
    return any(weight_files(folder / part) for part in _components(folder))


def find_installed(hub_id: str, role: str) -> Source | None:
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
