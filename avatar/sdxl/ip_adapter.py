"""Loads an image prompt adapter into an SDXL base: pictures then follow a reference photo as well as the prompt.

An IP-Adapter (Ye et al. 2023, arXiv:2308.06721) embeds the reference by a CLIP image encoder, projects it to a few
tokens, and lets every cross-attention of the UNet attend to these as well, through keys and values of its own
(`to_k_ip`, `to_v_ip`), scaled by LIKENESS. IP-Adapter Plus projects all patches of the image instead of the pooled
embedding. The refiner has no adapter.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from avatar.sdxl.pipelines import Pipelines, first_line, quiet
from avatar.sdxl.sources import PICKLES, pickle_refused, weight_files
from common.checkpoints import load_plain
from common.errors import UserError
from common.files import JSON_ERRORS, read_json, sha256_of
from common.paths import resolved

PARTS = ("image_proj", "ip_adapter")
ENCODERS = ("image_encoder", "../models/image_encoder")  # beside the file, as the published ones are
BLANK_PX = 224  # side of the picture that stands for a missing reference, whose scale is 0


def find_ip_adapter(path: Path) -> Path:
    """The file of an adapter: the one that is named, or the only one in a folder.

    Raises:
        UserError: there is none, or there are several.
    """
    if path.is_file():
        return path
    if not path.is_dir():
        raise UserError(f"{path}: no such file or folder; python3 run.py check lists how to download an adapter")
    found = sorted(path.glob("*.safetensors")) or sorted(file for file in path.iterdir() if file.suffix in PICKLES)
    if len(found) != 1:
        names = ", ".join(file.name for file in found) or "none"
        raise UserError(f"{path}: has to contain one adapter, and contains {names}; set IP_ADAPTER to a file")
    return found[0]


def adapter_facts(path: Path, scale: float) -> dict[str, Any]:
    """Name, scale and hashes of an adapter and its image encoder, for the pictures' provenance."""
    file = find_ip_adapter(path)
    encoder = {weights.name: sha256_of(weights) for weights in weight_files(find_image_encoder(file))}
    return {"file": file.name, "scale": scale, "sha256": sha256_of(file), "image_encoder": encoder}


def find_image_encoder(file: Path) -> Path:
    """The folder of the image encoder that belongs to an adapter's file.

    Of several, it is the one whose width the file needs.

    Raises:
        UserError: there is none.
    """
    folders = [resolved(file.parent / place) for place in ENCODERS]
    found = [folder for folder in folders if (folder / "config.json").is_file()]
    if not found:
        raise UserError(
            f"{file}: its image encoder is missing; it belongs in {folders[0]} or {folders[1]} (config.json and "
            "model.safetensors), where the commands of python3 run.py check put it"
        )
    if len(found) == 1 or file.suffix in PICKLES:
        return found[0]
    wanted = _image_width(_read_safetensors(file, only=PARTS[0])[PARTS[0]])
    return next((folder for folder in found if wanted in _widths(folder)), found[0])


def _widths(encoder: Path) -> tuple[int, int]:
    """Widths of an image encoder's embeddings: of the pooled one and of its hidden states."""
    try:
        config = read_json(encoder / "config.json")
        return int(config["projection_dim"]), int(config["hidden_size"])
    except JSON_ERRORS as error:
        raise UserError(
            f"{encoder / 'config.json'}: damaged, or not a CLIP image encoder's; download it again"
        ) from error


# ---- loading ----


def load_ip_adapter(base: Any, path: Path, dtype: torch.dtype, allow_pickle: bool) -> None:
    """Load an adapter into a base's UNet and its image encoder into the pipeline, before LoRAs are loaded.

    Args:
        base: StableDiffusionXLPipeline on the CPU.
        path: file or folder.
        dtype: dtype of UNet and image encoder.
        allow_pickle: also read .bin, tensors only.

    Raises:
        UserError: the file is missing, a pickle, damaged, of another kind, or for another base; or its image encoder is
            missing, damaged or another one.
    """
    file = find_ip_adapter(path)
    if file.suffix in PICKLES and not allow_pickle:
        raise UserError(f"{file}: {pickle_refused()}")
    state = _read_pickle(file) if file.suffix in PICKLES else _read_safetensors(file)
    check_adapter(file, state, base.unet)
    folder = find_image_encoder(file)
    wanted = _image_width(state[PARTS[0]])
    if wanted not in _widths(folder):
        raise UserError(f"{file}: needs an image encoder of width {wanted}, and {folder} has {_widths(folder)[0]}")
    base.register_modules(image_encoder=_load_image_encoder(folder, dtype, allow_pickle))
    try:
        with quiet():
            base.load_ip_adapter(state, "", "", image_encoder_folder=None, low_cpu_mem_usage=False)
    except Exception as error:  # diffusers raises many kinds on other shapes and missing weights
        raise UserError(f"{file}: cannot be loaded as an IP-Adapter ({first_line(error)})") from error


def _load_image_encoder(folder: Path, dtype: torch.dtype, allow_pickle: bool) -> Any:
    from transformers import CLIPVisionModelWithProjection

    if not allow_pickle and all(path.suffix in PICKLES for path in weight_files(folder)):
        raise UserError(f"{folder}: contains no model.safetensors; download the image encoder again")
    try:
        with quiet():
            model: Any = CLIPVisionModelWithProjection
            encoder, loading = model.from_pretrained(
                folder, dtype=dtype, local_files_only=True, output_loading_info=True
            )
    except Exception as error:  # transformers and safetensors raise many kinds on damaged files
        raise UserError(f"{folder}: cannot be loaded as an image encoder ({first_line(error)})") from error
    if loading["missing_keys"]:
        raise UserError(f"{folder}: lacks {len(loading['missing_keys'])} weights; download the image encoder again")
    return encoder


def _read_safetensors(file: Path, only: str = "") -> dict[str, dict[str, Tensor]]:
    from safetensors import SafetensorError, safe_open

    state: dict[str, dict[str, Tensor]] = {part: {} for part in PARTS}
    try:
        with safe_open(file, framework="pt") as opened:
            for key in opened.keys():  # noqa: SIM118 (not a dictionary)
                part, _, name = key.partition(".")
                if part in PARTS and only in ("", part):
                    state[part][name] = opened.get_tensor(key)
    except (SafetensorError, OSError) as error:
        raise UserError(f"{file}: truncated, damaged, or not a .safetensors file ({first_line(error)})") from error
    return state


def _read_pickle(file: Path) -> dict[str, dict[str, Tensor]]:
    try:
        content = load_plain(file)
        return {part: {str(name): tensor.float() for name, tensor in content[part].items()} for part in PARTS}
    except Exception as error:  # torch's readers raise many kinds on damaged files
        raise UserError(f"{file}: damaged, or not an IP-Adapter; no code in it was run") from error


# ---- checking ----


def check_adapter(file: Path, state: Mapping[str, Mapping[str, Tensor]], unet: Any) -> None:
    """Check that the weights are those of an IP-Adapter for this UNet.

    Raises:
        UserError: they are of another kind, for another base, or not finite.
    """
    projection, layers = state[PARTS[0]], state[PARTS[1]]
    if not projection or not layers:
        raise UserError(f"{file}: not an IP-Adapter; it has no weights named image_proj and ip_adapter")
    face_id = "proj.2.weight" in projection and "proj.3.weight" not in projection
    if face_id or any("_lora." in key for key in layers) or any("perceiver" in key for key in projection):
        raise UserError(
            f"{file}: is an IP-Adapter FaceID, which is not supported; supported are IP-Adapter and IP-Adapter Plus, "
            "such as ip-adapter-plus-face_sdxl_vit-h.safetensors"
        )
    _image_width(projection, file)
    wanted: dict[str, torch.Size] = {}
    cross = [module.to_k for name, module in unet.named_modules() if name.endswith("attn2")]
    for number, to_k in enumerate(cross):
        wanted |= {f"{2 * number + 1}.{name}.weight": to_k.weight.shape for name in ("to_k_ip", "to_v_ip")}
    found = {key: tensor.shape for key, tensor in layers.items()}
    if {key: sorted(shape) for key, shape in found.items()} != {key: sorted(shape) for key, shape in wanted.items()}:
        text = next(iter(found.values()))[-1]
        raise UserError(
            f"{file}: an IP-Adapter for another base: {len(found) // 2} layers and texts of width {text}, this one has "
            f"{len(cross)} and {unet.config.cross_attention_dim}"
        )
    if not all(bool(torch.isfinite(tensor).all()) for part in (projection, layers) for tensor in part.values()):
        raise UserError(f"{file}: has values that are not finite; download it again")


def _image_width(projection: Mapping[str, Tensor], file: Path | None = None) -> int:
    """Width of the image encoder's embeddings that a projection takes."""
    for key in ("proj.weight", "proj_in.weight", "proj.0.weight"):  # IP-Adapter, Plus, full face
        if key in projection and projection[key].ndim == 2:
            return int(projection[key].shape[1])
    raise UserError(f"{file}: not an IP-Adapter of a kind that is supported; use IP-Adapter or IP-Adapter Plus")


# ---- generation ----


def image_prompt(pipelines: Pipelines, reference: Image.Image | None) -> dict[str, Any]:
    """Arguments by which the base's pipelines see a reference; none without an adapter.

    Args:
        pipelines: loaded pipelines.
        reference: RGB, a square around the face; None: the picture follows the prompt alone.
    """
    if pipelines.likeness is None:
        return {}
    pipelines.base.set_ip_adapter_scale(0.0 if reference is None else pipelines.likeness)
    return {"ip_adapter_image": reference or Image.new("RGB", (BLANK_PX, BLANK_PX))}
