"""Loads LoRA files into an SDXL base: matches their keys to layers, and reports what does not match.

A low-rank adaptation (Hu et al. 2021, arXiv:2106.09685) adds `scale * alpha / rank * up @ down` to the weight of a
layer. Files differ in how they name the layers: diffusers has "unet.down_blocks.1....to_q.lora_A.weight", trainers of
the kohya family "lora_unet_input_blocks_4_1_..._to_q.lora_down.weight" with an alpha for each layer, after the block
names of the model's first release.
"""

import json
import math
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from avatar.sdxl.pipelines import Pipelines, first_line, quiet
from avatar.sdxl.sources import PICKLES, pickle_refused
from common.checkpoints import load_plain
from common.errors import UserError, check_range

ADAPTER = "style"
COMPONENTS = ("unet", "text_encoder", "text_encoder_2")
PREFIXES = {  # prefix of a key: component of the pipeline
    "unet.": "unet",
    "text_encoder.": "text_encoder",
    "text_encoder_2.": "text_encoder_2",
    "lora_unet_": "unet",
    "lora_te_": "text_encoder",
    "lora_te1_": "text_encoder",
    "lora_te2_": "text_encoder_2",
    "base_model.model.": "unet",  # peft's own
}
PAIR_KEY = re.compile(r"(.+?)(?:\.lora_(A|B|down|up)|(?:\.lora|\.lora_linear_layer|_lora)\.(down|up))\.weight")
ALPHA = ".alpha"
METADATA = "lora_adapter_metadata"  # diffusers' entry in the header of a .safetensors file
OTHER_METHODS = {  # part of a key: an unsupported method, which would give wrong pictures if the part were ignored
    "dora_scale": "DoRA",
    "lora_magnitude_vector": "DoRA",
    "lora_mid": "LoCon with Tucker factors (LyCORIS)",
    "hada_": "LoHa (LyCORIS)",
    "lokr_": "LoKr (LyCORIS)",
    ".oft_": "OFT",
    "lora_B.bias": "LoRA with biases",
}
BASES_BY_TEXT_WIDTH = {768: "Stable Diffusion 1", 1024: "Stable Diffusion 2", 1280: "SDXL's refiner", 2048: "SDXL"}
SHOWN = 3  # names in a message
PRECISIONS = {torch.float16, torch.bfloat16, torch.float32, torch.float64}  # others, as float8, need conversion
HIGHEST_ALPHA = 1e6  # files have alphas up to a few thousand
HIGHEST_SCALE = 4.0  # largest absolute LORA_SCALE


@dataclass(frozen=True)
class LoraMatch:
    """How a file matches the base.

    Attributes:
        path: the file.
        form: "diffusers" or "kohya".
        scale: scale of its effect.
        keys: number of keys in the file.
        matched: number of keys that match a layer.
        layers: number of changed layers by component of the pipeline.
        ranks: ranks that occur, ascending.
        unmatched: keys without a layer in the base.
    """

    path: Path
    form: str
    scale: float
    keys: int
    matched: int
    layers: dict[str, int]
    ranks: tuple[int, ...]
    unmatched: tuple[str, ...]

    def in_words(self) -> str:
        """One line for the terminal."""
        layers = ", ".join(f"{count} layers of {part}" for part, count in self.layers.items())
        rank = f"rank {', '.join(map(str, self.ranks))}"
        matched = f"{self.matched} of {self.keys} keys matched ({self.form}), scale {self.scale:g}"
        text = f"LoRA {self.path.name}: {matched}; {layers}; {rank}"
        return f"{text}; not matched: {_some(self.unmatched)}" if self.unmatched else text


@dataclass
class LoraFactors:
    """The factors of one layer as they are in the file: `down` (rank, in, ...), `up` (out, rank, ...)."""

    down: Tensor | None = None
    up: Tensor | None = None
    alpha: float | None = None
    keys: list[str] = field(default_factory=list)


# ---- loading ----


def load_lora(
    pipelines: Pipelines, path: Path, scale: float = 1.0, adapter: str = ADAPTER, allow_pickle: bool = False
) -> LoraMatch:
    """Load a LoRA into the base's UNet, and into its text encoders if the file has keys for them.

    The refiner's UNet does not change; a text encoder that it shares with the base changes for both.

    Args:
        pipelines: loaded pipelines; LoRAs with other adapter names stay active.
        path: .safetensors in the format of diffusers, peft or kohya.
        scale: 0 equals the base, 1 is the trained effect.
        adapter: name of this LoRA; several can be active.
        allow_pickle: also read .bin and .ckpt, tensors only.

    Raises:
        UserError: the file is missing, damaged or a pickle, no key matches, a layer has another size or rank, or the
            scale is out of range.
    """
    check_range("LORA_SCALE", scale, -HIGHEST_SCALE, HIGHEST_SCALE)
    tensors, metadata = read_lora(Path(path), allow_pickle)
    pairs, unmatched = match_layers(path, tensors, pipelines.base)
    state = fit_layers(path, pairs, pipelines.base, metadata)
    try:
        with quiet(), warnings.catch_warnings(action="ignore"):
            pipelines.base.load_lora_weights(state, adapter_name=adapter)
    except (ValueError, RuntimeError, KeyError) as error:  # peft does not support what the file needs
        raise UserError(f"{path}: cannot be loaded into this base ({first_line(error)})") from error
    loaded = _layers_with(pipelines.base, adapter)
    if loaded != pairs.keys():
        raise RuntimeError(f"{path}: diffusers loaded {len(loaded)} layers of {len(pairs)}")
    set_lora_scale(pipelines, scale, adapter)
    parts = [part for part, _ in pairs]
    return LoraMatch(
        path=Path(path),
        form="kohya" if any(key.startswith("lora_") for key in tensors) else "diffusers",
        scale=scale,
        keys=len(tensors),
        matched=len(tensors) - len(unmatched),
        layers={part: parts.count(part) for part in COMPONENTS if part in parts},
        ranks=tuple(sorted({state[f"{part}.{name}.lora_A.weight"].shape[0] for part, name in pairs})),
        unmatched=tuple(unmatched),
    )


def set_lora_scale(pipelines: Pipelines, scale: float, adapter: str = ADAPTER) -> None:
    """Set the scale of a loaded LoRA; others keep theirs."""
    scales = lora_scales(pipelines) | {adapter: scale}
    pipelines.base.set_adapters(list(scales), list(scales.values()))


def lora_scales(pipelines: Pipelines) -> dict[str, float]:
    """Scale of every loaded LoRA by adapter name."""
    from peft.tuners.lora import LoraLayer

    layers = (m for _, model in _models(pipelines.base) for m in model.modules() if isinstance(m, LoraLayer))
    return {name: float(scale) for layer in layers for name, scale in layer.scaling.items()}


def _layers_with(base: Any, adapter: str) -> set[tuple[str, str]]:
    """Component and name of the layers that have weights of this adapter."""
    from peft.tuners.lora import LoraLayer

    return {
        (part, name)
        for part, model in _models(base)
        for name, module in model.named_modules()
        if isinstance(module, LoraLayer) and adapter in module.lora_A
    }


def _models(base: Any) -> Iterator[tuple[str, nn.Module]]:
    for part in COMPONENTS:
        model = getattr(base, part, None)
        if model is not None:
            yield part, model


# ---- the file ----


def read_lora(path: Path, allow_pickle: bool = False) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read the tensors of a LoRA file, and diffusers' metadata (empty if there is none).

    No code in the file is run. A file without LoRA layers, such as a whole model, is refused before its tensors are
    read.

    Raises:
        UserError: the file is missing, a folder, empty, truncated, a pickle, or has no LoRA layers.
    """
    if not path.is_file():
        remedy = "is a folder; name the .safetensors file in it" if path.is_dir() else "no such file"
        raise UserError(f"{path}: {remedy}")
    with open(path, "rb") as file:
        start = file.read(9)
    if not start:
        raise UserError(f"{path}: is empty")
    is_safetensors = start[8:] == b"{"
    is_pickle = start[:1] == b"\x80" or start[:4] == b"PK\x03\x04" or path.suffix.lower() in PICKLES
    if is_pickle and not is_safetensors:
        if not allow_pickle:
            raise UserError(f"{path}: {pickle_refused()}")
        return _read_pickle(path), {}
    return _read_safetensors(path)


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
            _check_has_layers(path, names)
            metadata = json.loads((file.metadata() or {}).get(METADATA, "{}"))
            tensors = {name: file.get_tensor(name) for name in names}
    except (SafetensorError, ValueError, RecursionError) as error:  # the last two also for invalid JSON
        raise UserError(f"{path}: truncated, damaged, or not a .safetensors file ({first_line(error)})") from error
    return tensors, metadata if isinstance(metadata, dict) else {}


def _read_pickle(path: Path) -> dict[str, Tensor]:
    try:
        content = load_plain(path)
    except Exception as error:  # torch's readers raise many kinds on damaged files
        raise UserError(f"{path}: damaged, or contains more than tensors; no code in it was run") from error
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise UserError(f"{path}: is not a dictionary of tensors")
    _check_has_layers(path, list(content))
    return content


def _check_has_layers(path: Path, names: Sequence[str]) -> None:
    others = {kind for part, kind in OTHER_METHODS.items() if any(part in name for name in names)}
    if others:
        raise UserError(
            f"{path}: is a {' and '.join(sorted(others))}, which is not supported; supported are plain LoRAs in the "
            "form of diffusers, peft or kohya"
        )
    if not any(PAIR_KEY.fullmatch(name) for name in names):
        raise UserError(f"{path}: none of its {len(names)} keys belongs to a LoRA ({_some(names)})")


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


# ---- matching keys to layers ----


def match_layers(
    path: Path, tensors: Mapping[str, Tensor], base: Any
) -> tuple[dict[tuple[str, str], LoraFactors], list[str]]:
    """Match the tensors of a file to the layers of a base.

    Returns:
        The factors of each layer by component and name, and the keys without a layer.

    Raises:
        UserError: no key, or no key of the UNet, matches a layer; or only MLP layers of text encoders match.
    """
    names = {part: layer_names(model) for part, model in _models(base)}
    pairs: dict[tuple[str, str], LoraFactors] = {}
    unmatched = []
    for key, tensor in tensors.items():
        found = PAIR_KEY.fullmatch(key)
        layer = found[1] if found else key.removesuffix(ALPHA)
        part, plain = _part_and_name(layer)
        name = names.get(part, {}).get(plain)
        if name is None or (not found and not key.endswith(ALPHA)):
            unmatched.append(key)
            continue
        pair = pairs.setdefault((part, name), LoraFactors())
        pair.keys.append(key)
        if not found:
            pair.alpha = float(tensor.float().reshape(-1)[0]) if tensor.numel() == 1 else math.nan
        elif (found[2] or found[3]) in ("A", "down"):
            pair.down = tensor
        else:
            pair.up = tensor
    in_unet = any(part == "unet" for part, _ in pairs)
    if not pairs or (not in_unet and any(_part_and_name(key)[0] == "unet" for key in unmatched)):
        raise UserError(
            f"{path}: a LoRA for another base: 0 of its {len(tensors)} keys match the UNet of this one "
            f"(unmatched: {_some(unmatched)})"
        )
    if not in_unet and not any("attn" in name for _, name in pairs):
        raise UserError(
            f"{path}: changes only MLP layers of the text encoders, which is not supported; supported are LoRAs with "
            "layers of the UNet, or of the text encoders' attention"
        )
    return pairs, unmatched


def _part_and_name(layer: str) -> tuple[str, str]:
    """Component of the pipeline and name of the layer in it, with underscores for dots."""
    part = "unet"
    for prefix, of in PREFIXES.items():
        if layer.startswith(prefix):
            layer, part = layer.removeprefix(prefix), of
            break
    return part, layer.replace(".processor.", ".").replace(".", "_").removeprefix("text_model_")


def layer_names(model: nn.Module) -> dict[str, str]:
    """Names of the layers that can have a LoRA, by every spelling (with underscores for dots)."""
    names: dict[str, str] = {}
    first_release = dict(_first_release_blocks(model.config)) if hasattr(model, "down_blocks") else {}
    for full_name, module in model.named_modules():
        if not isinstance(module, nn.Linear | nn.Conv2d) or ".lora_" in full_name:
            continue
        name = full_name.removesuffix(".base_layer")
        for spelling in (name, *_other_spellings(name, first_release)):
            names[spelling.replace(".", "_").removeprefix("text_model_")] = name
    return names


def _other_spellings(name: str, first_release: Mapping[str, str]) -> Iterator[str]:
    block, _, layer = name.rpartition(".")
    if block.endswith("self_attn"):  # in a text encoder, in early versions of diffusers
        yield f"{block}.to_{layer.removesuffix('_proj')}"
    if name.endswith(".to_out.0"):
        yield name.removesuffix(".0")
    for ours, theirs in first_release.items():
        if name == ours or name.startswith(f"{ours}."):
            rest = name.removeprefix(ours)
            yield theirs + (FIRST_RELEASE_RESNET.get(rest, rest) if ".resnets." in ours else rest)


FIRST_RELEASE_RESNET = {
    ".conv1": ".in_layers.2",
    ".time_emb_proj": ".emb_layers.1",
    ".conv2": ".out_layers.3",
    ".conv_shortcut": ".skip_connection",
}


def _first_release_blocks(config: Any) -> Iterator[tuple[str, str]]:
    """Names of a UNet's blocks in diffusers, and in the model's first release."""
    yield from (("conv_in", "input_blocks.0.0"), ("conv_out", "out.2"))
    yield from (("time_embedding.linear_1", "time_embed.0"), ("time_embedding.linear_2", "time_embed.2"))
    yield from (("add_embedding.linear_1", "label_emb.0.0"), ("add_embedding.linear_2", "label_emb.0.2"))
    yield from (("mid_block.resnets.0", "middle_block.0"), ("mid_block.resnets.1", "middle_block.2"))
    yield "mid_block.attentions.0", "middle_block.1"
    layers = config.layers_per_block
    for level in range(len(config.block_out_channels)):
        first = level * (layers + 1)
        for layer in range(layers):
            yield f"down_blocks.{level}.resnets.{layer}", f"input_blocks.{first + layer + 1}.0"
            yield f"down_blocks.{level}.attentions.{layer}", f"input_blocks.{first + layer + 1}.1"
        yield f"down_blocks.{level}.downsamplers.0.conv", f"input_blocks.{first + layers + 1}.0.op"
        for layer in range(layers + 1):
            yield f"up_blocks.{level}.resnets.{layer}", f"output_blocks.{first + layer}.0"
            yield f"up_blocks.{level}.attentions.{layer}", f"output_blocks.{first + layer}.1"
        place = 2 if "Attn" in config.up_block_types[level] else 1
        yield f"up_blocks.{level}.upsamplers.0.conv", f"output_blocks.{first + layers}.{place}.conv"


# ---- checking sizes and ranks ----


def fit_layers(
    path: Path, pairs: Mapping[tuple[str, str], LoraFactors], base: Any, metadata: Mapping[str, Any]
) -> dict[str, Tensor]:
    """Convert the factors to peft's form: in the layer's precision, with `up` multiplied by alpha / rank.

    Raises:
        UserError: a factor is missing, or ranks or sizes differ; names the first fault and the number of others.
    """
    weights = {part: _weights(model) for part, model in _models(base)}
    state, faults = {}, []
    for (part, name), pair in pairs.items():
        weight = weights[part][name]
        try:
            down, up = _checked(pair, weight)
            factor = _alpha(pair, metadata, part, name, down.shape[0]) / down.shape[0]
        except ValueError as error:
            faults.append(f"{part}.{name}: {error}")
            continue
        state[f"{part}.{name}.lora_A.weight"] = down.to(weight.dtype)
        state[f"{part}.{name}.lora_B.weight"] = (up.float() * factor).to(weight.dtype)
    if faults:
        more = f" (and {len(faults) - 1} more of {len(pairs)} layers)" if len(faults) > 1 else ""
        raise UserError(f"{path}: {faults[0]}{more}{_made_for(pairs, base)}")
    return state


def _weights(model: nn.Module) -> dict[str, Tensor]:
    return {
        name.removesuffix(".base_layer"): module.weight
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d)
    }


def _checked(pair: LoraFactors, weight: Tensor) -> tuple[Tensor, Tensor]:
    """The factors in the shape that the layer needs; raises ValueError if they do not fit."""
    if pair.down is None or pair.up is None:
        raise ValueError(f"has {', '.join(pair.keys)} only; the file is incomplete")
    down, up = pair.down, pair.up
    if not {down.dtype, up.dtype} <= PRECISIONS:
        odd = ({down.dtype, up.dtype} - PRECISIONS).pop()
        raise ValueError(f"is stored as {str(odd).removeprefix('torch.')}; convert the file to half precision")
    if min(down.ndim, up.ndim) < 2:
        raise ValueError("its tensors are not factors of a LoRA")
    if not (torch.isfinite(down).all() and torch.isfinite(up).all()):
        raise ValueError("has values that are not finite")
    if down.shape[0] != up.shape[1] or not down.shape[0]:
        raise ValueError(f"wrong rank: {down.shape[0]} in one factor, {up.shape[1]} in the other")
    sides = (1,) * (weight.ndim - 2)
    if (
        down.shape[2:].numel() == 1 and weight.shape[2:].numel() == 1
    ):  # a linear layer stored as a convolution, or the reverse
        down = down.reshape(*down.shape[:2], *sides)
    if up.shape[2:].numel() == 1:
        up = up.reshape(*up.shape[:2], *sides)
    if down.shape[1:] != weight.shape[1:] or up.shape[0] != weight.shape[0] or up.shape[2:] != sides:
        theirs, ours = (up.shape[0], *down.shape[1:]), tuple(weight.shape)
        raise ValueError(f"is for a layer of {_times(theirs)}, this base has {_times(ours)}; a LoRA for another base")
    return down, up


def _times(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def _made_for(pairs: Mapping[tuple[str, str], LoraFactors], base: Any) -> str:
    """Name the base for which the file was made, if its text width differs from this base's."""
    for (part, name), pair in pairs.items():
        if part == "unet" and name.endswith("attn2.to_k") and pair.down is not None and pair.down.ndim:
            width = pair.down.shape[-1]
            if width in BASES_BY_TEXT_WIDTH and width != base.unet.config.cross_attention_dim:
                return f"; it was made for {BASES_BY_TEXT_WIDTH[width]}"
    return ""


def _alpha(pair: LoraFactors, metadata: Mapping[str, Any], part: str, name: str, rank: int) -> float:
    """Alpha of a layer: its own tensor, else the metadata's, else the rank, which all loaders assume.

    Rank-stabilised adapters (Kalajdzievski 2023, arXiv:2312.03732) divide by the root of the rank.
    """
    if pair.alpha is not None:
        if not abs(pair.alpha) <= HIGHEST_ALPHA:
            raise ValueError(f"its alpha is {pair.alpha:g}, not a sensible number")
        return pair.alpha
    config = {key.removeprefix(f"{part}."): value for key, value in metadata.items() if key.startswith(f"{part}.")}
    if not config:
        return rank
    stated = _of_layer(config.get("rank_pattern"), name, config.get("r"))
    if stated != rank:
        raise ValueError(f"wrong rank: {rank} in the factors, {stated} in the file's metadata")
    alpha = _of_layer(config.get("alpha_pattern"), name, config.get("lora_alpha"))
    if not isinstance(alpha, int | float) or not abs(alpha) <= HIGHEST_ALPHA:
        raise ValueError(f"the alpha in the file's metadata is {str(alpha)[:20]}")
    return alpha * math.sqrt(rank) if config.get("use_rslora") else alpha


def _of_layer(pattern: Any, name: str, default: Any) -> Any:
    """A layer's own value, if peft's pattern names the layer or the end of its name."""
    if isinstance(pattern, dict):
        for end, value in pattern.items():
            if f".{name}".endswith(f".{end.removeprefix('^')}"):
                return value
    return default
