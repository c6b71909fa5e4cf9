"""LoRA files: every spelling gives the weights that the method asks for, and what does not fit is refused."""

import json
import math
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save, save_file
from torch import Tensor, nn

from avatar.sdxl.loading import load_pipelines
from avatar.sdxl.lora_files import COMPONENTS, METADATA, layer_names, load_lora, lora_scales, read_lora, set_lora_scale
from avatar.sdxl.pipelines import Pipelines
from avatar.sdxl.sources import AUTO, choose_model
from common.errors import UserError
from tests.avatar.tiny_sdxl import build_tiny_sdxl

pytestmark = pytest.mark.slow
ENDS = ("to_q", "to_k", "to_out.0", "proj_in", "ff.net.2", "q_proj", "out_proj", "fc1")
CONVOLUTIONS = ("conv1", "conv_shortcut", "upsamplers.0.conv", "downsamplers.0.conv", "conv_in", "conv_out")
EMBEDDINGS = ("time_emb_proj", "embedding.linear_1", "embedding.linear_2")
Factors = dict[tuple[str, str], tuple[Tensor, Tensor, float]]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipelines]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    folder = build_tiny_sdxl(tmp_path_factory.mktemp("tiny"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("avatar.sdxl.sources.pick_device", lambda: torch.device("cpu"))
        yield load_pipelines(choose_model(str(folder), AUTO, with_refiner=True))
    torch.set_num_threads(threads)


@pytest.fixture
def pipelines(loaded: Pipelines) -> Iterator[Pipelines]:
    """The tiny SDXL without any LoRA, before and after."""
    yield loaded
    loaded.base.unload_lora_weights()


def draw_factors(
    base: Any, ends: tuple[str, ...] = ENDS, parts: tuple[str, ...] = COMPONENTS, rank: int = 3
) -> Factors:
    """Random factors for the layers of these names; rank and alpha differ from layer to layer."""
    generator = torch.Generator().manual_seed(0)
    factors: Factors = {}
    for part in parts:
        for name, module in getattr(base, part).named_modules():
            if isinstance(module, nn.Linear | nn.Conv2d) and name.endswith(ends):
                weight, own_rank = module.weight, rank + len(factors) % 2
                down = torch.randn(own_rank, *weight.shape[1:], generator=generator) / 4
                up = torch.randn(len(weight), own_rank, *(1,) * (weight.ndim - 2), generator=generator) / 4
                factors[part, name] = (down, up, 1.0 + len(factors) % 3)
    return factors


@torch.no_grad()
def see(base: Any) -> list[Tensor]:
    """What the base makes of a prompt: the embeddings, and a prediction of the UNet."""
    text, _, pooled, _ = base.encode_prompt(prompt="a man with a red beard", do_classifier_free_guidance=False)
    noise = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    added = {"text_embeds": pooled, "time_ids": torch.tensor([[64.0, 64, 0, 0, 64, 64]])}
    predicted = base.unet(noise, torch.tensor([500]), encoder_hidden_states=text, added_cond_kwargs=added).sample
    return [text, pooled, predicted]


@torch.no_grad()
def see_by_hand(base: Any, factors: Factors, scale: float = 1.0) -> list[Tensor]:
    """The same with `scale * alpha / rank * up @ down` added to each weight, and taken away again."""
    weights = {layer: getattr(base, layer[0]).get_submodule(layer[1]).weight for layer in factors}
    before = {layer: weight.clone() for layer, weight in weights.items()}
    for layer, (down, up, alpha) in factors.items():
        change = (up.flatten(1) @ down.flatten(1)).reshape(weights[layer].shape)
        weights[layer] += scale * alpha / len(down) * change
    seen = see(base)
    for layer, weight in weights.items():
        weight.copy_(before[layer])
    return seen


def assert_close(ones: list[Tensor], others: list[Tensor], tolerance: float = 1e-4) -> None:
    for one, other in zip(ones, others, strict=True):
        torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance)


# ---- spellings ----


def as_peft(factors: Factors, prefixes: dict[str, str] | None = None) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for (part, name), (down, up, alpha) in factors.items():
        layer = (prefixes or {}).get(part, f"{part}.") + name
        tensors |= {f"{layer}.lora_A.weight": down, f"{layer}.lora_B.weight": up * alpha / len(down)}
    return tensors


def as_early_diffusers(factors: Factors) -> dict[str, Tensor]:
    """As diffusers wrote them until 2023: a processor for each attention."""
    tensors: dict[str, Tensor] = {}
    for (part, name), (down, up, alpha) in factors.items():
        parent, _, last = name.removesuffix(".0").rpartition(".")
        if last in ("to_q", "to_k", "to_out"):
            layer = f"{part}.{parent}.processor.{last}_lora"
        elif last in ("q_proj", "out_proj"):
            layer = f"{part}.text_model.{parent.removeprefix('text_model.')}.to_{last.removesuffix('_proj')}_lora"
        else:
            layer = f"{part}.{name}.{'lora' if part == 'unet' else 'lora_linear_layer'}"
        tensors |= {f"{layer}.down.weight": down, f"{layer}.up.weight": up * alpha / len(down)}
    return tensors


def as_kohya(factors: Factors, rename: Callable[[str], str] = str) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    starts = {"unet": "lora_unet_", "text_encoder": "lora_te1_text_model_", "text_encoder_2": "lora_te2_text_model_"}
    for (part, name), (down, up, alpha) in factors.items():
        own = rename(name) if part == "unet" else name.removeprefix("text_model.")
        layer = starts[part] + own.replace(".", "_")
        tensors |= {f"{layer}.lora_down.weight": down, f"{layer}.lora_up.weight": up}
        tensors[f"{layer}.alpha"] = torch.tensor(alpha)
    return tensors


FIRST_RELEASE = {  # of a UNet of two levels with one layer each, written down by hand
    "conv_in": "input_blocks.0.0",
    "down_blocks.0.resnets.0": "input_blocks.1.0",
    "down_blocks.0.downsamplers.0.conv": "input_blocks.2.0.op",
    "down_blocks.1.resnets.0": "input_blocks.3.0",
    "down_blocks.1.attentions.0": "input_blocks.3.1",
    "mid_block.resnets.0": "middle_block.0",
    "mid_block.attentions.0": "middle_block.1",
    "mid_block.resnets.1": "middle_block.2",
    "up_blocks.0.resnets.0": "output_blocks.0.0",
    "up_blocks.0.attentions.0": "output_blocks.0.1",
    "up_blocks.0.resnets.1": "output_blocks.1.0",
    "up_blocks.0.attentions.1": "output_blocks.1.1",
    "up_blocks.0.upsamplers.0.conv": "output_blocks.1.2.conv",
    "up_blocks.1.resnets.0": "output_blocks.2.0",
    "up_blocks.1.resnets.1": "output_blocks.3.0",
    "conv_out": "out.2",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
}
IN_RESNETS = {"conv1": "in_layers.2", "conv2": "out_layers.3", "time_emb_proj": "emb_layers.1"}
IN_RESNETS |= {"conv_shortcut": "skip_connection"}


def to_first_release(name: str) -> str:
    for ours, theirs in FIRST_RELEASE.items():
        if name == ours or name.startswith(f"{ours}."):
            rest = name.removeprefix(ours)
            return f"{theirs}.{IN_RESNETS[rest[1:]]}" if ".resnets." in name else theirs + rest
    raise AssertionError(name)


EVERYTHING = (*ENDS, *CONVOLUTIONS, *EMBEDDINGS)
SPELLINGS: dict[str, tuple[tuple[str, ...], tuple[str, ...], Callable[[Factors], dict[str, Tensor]], str]] = {
    "diffusers": (EVERYTHING, COMPONENTS, as_peft, "diffusers"),
    "early diffusers": (ENDS, COMPONENTS, as_early_diffusers, "diffusers"),
    "a UNet's own": (EVERYTHING, ("unet",), lambda f: as_peft(f, {"unet": ""}), "diffusers"),
    "peft": (ENDS, ("unet",), lambda f: as_peft(f, {"unet": "base_model.model."}), "diffusers"),
    "kohya": (EVERYTHING, COMPONENTS, as_kohya, "kohya"),
    "kohya, first release's blocks": (EVERYTHING, COMPONENTS, lambda f: as_kohya(f, to_first_release), "kohya"),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_gives_the_weights_of_the_method(pipelines: Pipelines, tmp_path: Path, spelling: str) -> None:
    ends, parts, write, form = SPELLINGS[spelling]
    factors = draw_factors(pipelines.base, ends, parts)
    plain, wanted = see(pipelines.base), see_by_hand(pipelines.base, factors)
    assert (wanted[2] - plain[2]).abs().max() > 0.1, "it does something"
    tensors = write(factors)
    save_file(tensors, tmp_path / "own.safetensors")
    match = load_lora(pipelines, tmp_path / "own.safetensors")
    assert_close(see(pipelines.base), wanted)
    assert match.keys == match.matched == len(tensors) and match.unmatched == () and match.form == form
    assert sum(match.layers.values()) == len(factors) and tuple(match.layers) == parts
    assert match.ranks == (3, 4)
    assert f"{len(tensors)} of {len(tensors)} keys matched" in match.in_words()


def test_blocks_of_sdxl_have_the_first_releases_numbers() -> None:
    """Three levels of two layers, attention in the lower two, as SDXL has them; numbers as files in the wild."""
    from diffusers import UNet2DConditionModel

    unet: Any = UNet2DConditionModel(
        block_out_channels=(8, 8, 8),
        layers_per_block=2,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=(1, 2, 2),
        attention_head_dim=4,
        norm_num_groups=4,
        cross_attention_dim=8,
        use_linear_projection=True,
    )
    names = layer_names(unet)
    for theirs, ours in {
        "input_blocks_3_0_op": "down_blocks.0.downsamplers.0.conv",
        "input_blocks_4_1_proj_in": "down_blocks.1.attentions.0.proj_in",
        "input_blocks_5_1_transformer_blocks_1_attn2_to_out_0": (
            "down_blocks.1.attentions.1.transformer_blocks.1.attn2.to_out.0"
        ),
        "input_blocks_6_0_op": "down_blocks.1.downsamplers.0.conv",
        "input_blocks_8_1_transformer_blocks_0_ff_net_0_proj": (
            "down_blocks.2.attentions.1.transformer_blocks.0.ff.net.0.proj"
        ),
        "middle_block_1_transformer_blocks_0_attn1_to_k": "mid_block.attentions.0.transformer_blocks.0.attn1.to_k",
        "output_blocks_0_1_proj_out": "up_blocks.0.attentions.0.proj_out",
        "output_blocks_2_2_conv": "up_blocks.0.upsamplers.0.conv",
        "output_blocks_5_1_transformer_blocks_1_attn1_to_v": (
            "up_blocks.1.attentions.2.transformer_blocks.1.attn1.to_v"
        ),
        "output_blocks_5_2_conv": "up_blocks.1.upsamplers.0.conv",
        "output_blocks_8_0_in_layers_2": "up_blocks.2.resnets.2.conv1",
    }.items():
        assert names[theirs] == ours
    assert not [name for name in names if name.startswith(("input_blocks_9", "output_blocks_9"))]


def test_a_linear_layer_may_be_written_as_a_convolution(pipelines: Pipelines, tmp_path: Path) -> None:
    factors = draw_factors(pipelines.base, ("proj_in",), ("unet",))
    wanted = see_by_hand(pipelines.base, factors)
    tensors = {k: t[..., None, None] if t.ndim == 2 else t for k, t in as_kohya(factors).items()}
    save_file(tensors, tmp_path / "own.safetensors")
    load_lora(pipelines, tmp_path / "own.safetensors")
    assert_close(see(pipelines.base), wanted)


# ---- rank and alpha ----


def write_with_metadata(path: Path, factors: Factors, **metadata: object) -> Path:
    tensors: dict[str, Tensor] = {}
    for (part, name), (down, up, _) in factors.items():
        tensors |= {f"{part}.{name}.lora_A.weight": down, f"{part}.{name}.lora_B.weight": up}
    content = {f"unet.{key}": value for key, value in metadata.items()}
    save_file(tensors, path, metadata={METADATA: json.dumps(content)})
    return path


@pytest.mark.parametrize("stable", [False, True], ids=["plain", "rank-stabilised"])
def test_alphas_of_the_metadata_count(pipelines: Pipelines, tmp_path: Path, stable: bool) -> None:
    factors = draw_factors(pipelines.base, ("to_q", "to_k"), ("unet",))
    ranks = {name: len(down) for (_, name), (down, _, _) in factors.items() if len(down) != 3}
    alphas = dict.fromkeys(list(ranks)[:3], 8.0)
    told = {"r": 3, "lora_alpha": 2, "rank_pattern": ranks, "alpha_pattern": alphas, "use_rslora": stable}
    path = write_with_metadata(tmp_path / "own.safetensors", factors, **told)
    by_hand = {
        (part, name): (down, up, alphas.get(name, 2.0) * (math.sqrt(len(down)) if stable else 1))
        for (part, name), (down, up, _) in factors.items()
    }
    wanted = see_by_hand(pipelines.base, by_hand)
    load_lora(pipelines, path)
    assert_close(see(pipelines.base), wanted)


# ---- scales ----


def test_scale_0_is_the_base_bit_for_bit_and_larger_scales_change_more(pipelines: Pipelines, tmp_path: Path) -> None:
    factors = draw_factors(pipelines.base)
    save_file(as_kohya(factors), tmp_path / "own.safetensors")
    plain = see(pipelines.base)
    half = see_by_hand(pipelines.base, factors, 0.5)
    load_lora(pipelines, tmp_path / "own.safetensors", scale=0.0)
    assert all(torch.equal(one, other) for one, other in zip(see(pipelines.base), plain, strict=True))
    changes = []
    for scale in (0.1, 0.25, 0.5):
        set_lora_scale(pipelines, scale)
        changes.append([float((a - b).square().mean()) for a, b in zip(see(pipelines.base), plain, strict=True)])
    assert all(0 < a < b < c for a, b, c in zip(*changes, strict=True))
    assert_close(see(pipelines.base), half)


def test_two_loras_add_up_and_each_keeps_its_scale(pipelines: Pipelines, tmp_path: Path) -> None:
    one = draw_factors(pipelines.base, ("to_q", "q_proj"))
    other = draw_factors(pipelines.base, ("to_q", "to_k"), ("unet",), rank=2)
    for name, factors in (("one", one), ("other", other)):
        save_file(as_kohya(factors, to_first_release), tmp_path / f"{name}.safetensors")
    load_lora(pipelines, tmp_path / "one.safetensors", 0.5, adapter="fast")
    load_lora(pipelines, tmp_path / "other.safetensors", 1.0)
    assert lora_scales(pipelines) == {"fast": 0.5, "style": 1.0}
    both = {layer: (down, up, 0.5 * alpha) for layer, (down, up, alpha) in one.items()}
    joined: Factors = {}
    for layer in both.keys() | other.keys():
        found = [factors[layer] for factors in (both, other) if layer in factors]
        down = torch.cat([down * alpha / len(down) for down, _, alpha in found])
        joined[layer] = (down, torch.cat([up for _, up, _ in found], dim=1), float(len(down)))
    assert_close(see(pipelines.base), see_without_loras(pipelines, joined))
    load_lora(pipelines, tmp_path / "one.safetensors", 0.5, adapter="fast")
    load_lora(pipelines, tmp_path / "other.safetensors", 0.0)
    assert_close(see(pipelines.base), see_without_loras(pipelines, both))


def see_without_loras(pipelines: Pipelines, factors: Factors) -> list[Tensor]:
    pipelines.base.unload_lora_weights()
    return see_by_hand(pipelines.base, factors)


def test_the_refiners_unet_stays_and_a_lora_of_the_unet_alone_leaves_the_texts(
    pipelines: Pipelines, tmp_path: Path
) -> None:
    plain = see(pipelines.base)
    save_file(as_peft(draw_factors(pipelines.base, parts=("unet",))), tmp_path / "own.safetensors")
    assert tuple(load_lora(pipelines, tmp_path / "own.safetensors").layers) == ("unet",)
    seen = see(pipelines.base)
    assert torch.equal(seen[0], plain[0]) and torch.equal(seen[1], plain[1]) and not torch.equal(seen[2], plain[2])
    assert pipelines.refiner is not None
    assert not any(".lora_" in name for name, _ in pipelines.refiner.unet.named_modules())


# ---- what does not fit ----


def test_keys_without_a_layer_are_counted_and_named(pipelines: Pipelines, tmp_path: Path) -> None:
    factors = draw_factors(pipelines.base, ("to_q",), ("unet",))
    extra = {
        "lora_unet_input_blocks_17_1_proj_in.lora_down.weight": torch.ones(3, 32),
        "lora_unet_input_blocks_17_1_proj_in.lora_up.weight": torch.ones(32, 3),
        "note": torch.ones(1),
    }
    save_file(as_kohya(factors) | extra, tmp_path / "own.safetensors")
    wanted = see_by_hand(pipelines.base, factors)
    match = load_lora(pipelines, tmp_path / "own.safetensors")
    assert (match.matched, match.keys) == (3 * len(factors), 3 * len(factors) + 3)
    assert set(match.unmatched) == set(extra) and "not matched: lora_unet_input_blocks_17" in match.in_words()
    assert_close(see(pipelines.base), wanted)


Tensors = dict[str, Tensor]


def with_value(tensors: Tensors, end: str, change: Callable[[Tensor], Tensor]) -> Tensors:
    key = next(key for key in tensors if key.endswith(end))
    return tensors | {key: change(tensors[key]).contiguous()}


def widened(tensors: Tensors, width: int) -> Tensors:
    """Layers that read the text have another width of text, as those of another base."""
    return {
        key: tensor[:, :1].repeat(1, width) if "attn2_to_k.lora_down" in key else tensor
        for key, tensor in tensors.items()
    }


FLUX = "transformer.single_transformer_blocks.{}.attn.to_q.lora_{}.weight"
REFUSED: dict[str, tuple[Callable[[Tensors], Tensors], str]] = {
    "wrong rank": (lambda t: with_value(t, "lora_up.weight", lambda x: x[:, :2]), "wrong rank: 3 in one factor, 2 in"),
    "half a pair": (lambda t: {k: v for k, v in t.items() if not k.endswith("to_k.lora_up.weight")}, "incomplete"),
    "Stable Diffusion 1": (lambda t: widened(t, 768), "another base.*made for Stable Diffusion 1"),
    "the refiner's": (lambda t: widened(t, 1280), "another base.*made for SDXL's refiner"),
    "larger layers": (lambda t: with_value(t, "lora_up.weight", lambda x: x.repeat(2, 1)), "64 x 32.* has 32 x 32"),
    "foreign": (
        lambda t: {FLUX.format(n, half): torch.ones(4, 4) for n in range(3) for half in "AB"},
        "another base: 0 of its 6 keys match the UNet",
    ),
    "foreign, but for a text encoder": (
        lambda t: (
            {FLUX.format(0, half): torch.ones(4, 4) for half in "AB"}
            | {
                "text_encoder.encoder.layers.0.mlp.fc1.lora_A.weight": torch.ones(4, 32),
                "text_encoder.encoder.layers.0.mlp.fc1.lora_B.weight": torch.ones(64, 4),
            }
        ),
        "another base: 0 of its 4 keys match the UNet",
    ),
    "a whole model": (lambda t: {"model.diffusion_model.out.2.weight": torch.ones(4, 16)}, "none of its 1 keys"),
    "nothing": (lambda t: {}, "none of its 0 keys"),
    "LoHa": (
        lambda t: {"lora_unet_conv_in.hada_w1_a": torch.ones(4, 4)},
        r"is a LoHa \(LyCORIS\), which is not supported",
    ),
    "LoKr": (
        lambda t: {"lora_unet_conv_in.lokr_w1": torch.ones(4, 4)},
        r"is a LoKr \(LyCORIS\), which is not supported; su",
    ),
    "DoRA": (lambda t: t | {"lora_unet_conv_in.dora_scale": torch.ones(4)}, "is a DoRA, which is not supported"),
    "MLP layers of a text encoder": (
        lambda t: {
            "text_encoder.encoder.layers.0.mlp.fc1.lora_A.weight": torch.ones(4, 32),
            "text_encoder.encoder.layers.0.mlp.fc1.lora_B.weight": torch.ones(64, 4),
        },
        "changes only MLP layers of the text encoders, which is not supported",
    ),
    "not finite": (lambda t: with_value(t, "lora_up.weight", lambda x: x / 0), "values that are not finite"),
    "whole numbers": (lambda t: with_value(t, "lora_down.weight", lambda x: x.int()), "is stored as int32; convert"),
    "8 bits": (
        lambda t: with_value(t, "lora_up.weight", lambda x: x.to(torch.float8_e4m3fn)),
        "is stored as float8_e4m3fn; convert the file to half precision",
    ),
    "no dimension": (
        lambda t: {name: tensor if name.endswith(".alpha") else torch.tensor(1.0) for name, tensor in t.items()},
        "are not factors",
    ),
    "a huge alpha": (lambda t: with_value(t, ".alpha", lambda x: x * 0 + 1e30), "its alpha is 1e"),
    "one dimension": (lambda t: with_value(t, "lora_down.weight", lambda x: x[0]), "are not factors"),
    "rank 0": (
        lambda t: with_value(with_value(t, "lora_up.weight", lambda x: x[:, :0]), "lora_down.weight", lambda x: x[:0]),
        "wrong rank: 0",
    ),
    "alpha": (lambda t: with_value(t, ".alpha", lambda x: x * math.nan), "its alpha is nan"),
    "many alphas": (lambda t: with_value(t, ".alpha", lambda x: x.repeat(3)), "its alpha is nan"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_does_not_fit_is_refused_in_one_line_and_changes_nothing(
    pipelines: Pipelines, tmp_path: Path, kind: str
) -> None:
    change, words = REFUSED[kind]
    path = tmp_path / "own.safetensors"
    save_file(change(as_kohya(draw_factors(pipelines.base, ("to_q", "to_k"), ("unet",)))), path)
    with pytest.raises(UserError, match=words) as error:
        load_lora(pipelines, path)
    assert str(error.value).startswith(f"{path}: ") and len(str(error.value).splitlines()) == 1
    assert lora_scales(pipelines) == {}


def test_metadata_of_another_rank_or_without_sense_is_refused(pipelines: Pipelines, tmp_path: Path) -> None:
    factors = draw_factors(pipelines.base, ("ff.net.2",), ("unet",))
    cases: list[tuple[dict[str, object], str]] = [
        ({"r": 8, "lora_alpha": 8}, "wrong rank: 3 in the factors, 8 in the file's metadata"),
        ({"r": 3, "rank_pattern": {"ff.net.2": 5}, "lora_alpha": 8}, "wrong rank: 3 in the factors, 5"),
        (
            {"r": 3, "rank_pattern": dict.fromkeys([n for (_, n), (d, _, _) in factors.items() if len(d) == 4], 4)},
            "alpha",
        ),
    ]
    for told, words in cases:
        with pytest.raises(UserError, match=words):
            load_lora(pipelines, write_with_metadata(tmp_path / "own.safetensors", factors, **told))
    alpha_of_400_digits = {"unet.r": 3, "unet.lora_alpha": int("9" * 400)}
    for text in ("{not json", "[" * 100_000, json.dumps(alpha_of_400_digits), f'{{"unet.r": {"9" * 5_000}}}'):
        save_file(as_peft(factors), tmp_path / "own.safetensors", metadata={METADATA: text})
        with pytest.raises(UserError, match=r"truncated, damaged, or no|alpha in the file's metadata|wrong rank"):
            load_lora(pipelines, tmp_path / "own.safetensors")


def test_scales_out_of_their_range_are_refused(pipelines: Pipelines, tmp_path: Path) -> None:
    for scale in (4.1, -5.0, math.nan, math.inf):
        with pytest.raises(UserError, match="LORA_SCALE is"):
            load_lora(pipelines, tmp_path / "none.safetensors", scale)


# ---- files ----

SMALL = {
    "lora_unet_conv_in.lora_down.weight": torch.ones(2, 4, 3, 3),
    "lora_unet_conv_in.lora_up.weight": torch.ones(16, 2, 1, 1),
}


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    whole = save(SMALL)
    contents: dict[str, tuple[bytes, str]] = {
        "empty": (b"", "is empty"),
        "text": (b"version https://example.org/spec/v1\noid sha256:12\n", "not a .safetensors file"),
        **{
            f"cut at {n}": (whole[:n], "truncated, damaged, or not a .safetensors file")
            for n in (4, 60, len(whole) - 1)
        },
        "long": (whole + b"more", "truncated, damaged, or not a .safetensors file"),
    }
    for name, (content, words) in contents.items():
        path = tmp_path / f"{name}.safetensors"
        path.write_bytes(content)
        with pytest.raises(UserError, match=words):
            read_lora(path)
    for path, words in ((tmp_path / "none.safetensors", "no such file"), (tmp_path, "is a folder")):
        with pytest.raises(UserError, match=words):
            read_lora(path)


@settings(max_examples=60)
@given(st.binary(max_size=200), st.booleans())
def test_no_bytes_do_anything_but_end_in_a_user_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, framed: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "random.safetensors"
    path.write_bytes(len(data).to_bytes(8, "little") + b"{" + data if framed else data)
    with pytest.raises(UserError):
        read_lora(path, allow_pickle=True)


class Bomb:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (Path.touch, (Path("bomb went off"),))  # type: ignore[return-value]


def test_pickles_are_refused_unless_allowed_and_never_run(
    pipelines: Pipelines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    factors = draw_factors(pipelines.base, ("to_q",), ("unet",))
    wanted = see_by_hand(pipelines.base, factors)
    for name in ("own.bin", "own.ckpt", "own.pt", "hidden.safetensors"):
        torch.save({"state_dict": as_kohya(factors)} if name == "own.ckpt" else as_kohya(factors), tmp_path / name)
        with pytest.raises(UserError, match=r"a pickle, which can run foreign code.*ALLOW_PICKLE"):
            load_lora(pipelines, tmp_path / name)
        if name.startswith("hidden"):
            continue  # PyTorch itself goes by the name
        load_lora(pipelines, tmp_path / name, allow_pickle=True)
        assert_close(see(pipelines.base), wanted)
        pipelines.base.unload_lora_weights()
    (tmp_path / "bomb.bin").write_bytes(pickle.dumps({"a": Bomb()}))
    torch.save({"a": Bomb()}, tmp_path / "bomb.ckpt")
    torch.save([torch.ones(2)], tmp_path / "list.bin")
    for name in ("bomb.bin", "bomb.ckpt", "list.bin"):
        with pytest.raises(UserError, match=r"no code in it was run|is not a dictionary of tensors"):
            load_lora(pipelines, tmp_path / name, allow_pickle=True)
    assert not (tmp_path / "bomb went off").exists()
