"""A tiny SDXL on disk: base and refiner in diffusers' real layout with random weights, made anew by every test run.

The sizes are the smallest that keep SDXL's form: two text encoders (the second with a projection), UNets with
`text_time` conditioning, an autoencoder with three halvings (8 px a latent), tokenizers with CLIP's byte-level BPE.
"""

import itertools
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import torch

from avatar.sdxl.pipelines import quiet
from avatar.sdxl.sources import BASE, REFINER

NATIVE_PX = 64
TEXT_WIDTH, TEXT_WIDTH_2 = 32, 48  # of the text encoders, and of the second one's projection
HEADS = 4
TIME_WIDTH = 8  # of each number of size, crop and score
START, END = "<|startoftext|>", "<|endoftext|>"
CORPUS = """portrait of a person wearing a black leather jacket, festival avatar, red and blue colours, with sunglasses,
a young woman, a man with a beard, denim, hat, scarf, studio light, detailed illustration, plain background, blurry,
low quality, deformed hands, watermark, text, headphones, boots, shirt, dress, hair, face, looking at the viewer"""


def build_tiny_sdxl(folder: Path, seed: int = 0) -> Path:
    """Write base/ and refiner/ with weights of this seed; the refiner shares autoencoder and second text encoder.

    Returns:
        The folder.
    """
    from diffusers import StableDiffusionXLImg2ImgPipeline, StableDiffusionXLPipeline
    from transformers import CLIPTokenizer

    torch.manual_seed(seed)
    tokenizers = {folder / BASE / "tokenizer": END, **{folder / part / "tokenizer_2": "!" for part in (BASE, REFINER)}}
    for place, padding in tokenizers.items():
        write_tokenizer(place, padding)
    tokenizer, tokenizer_2, _ = (CLIPTokenizer.from_pretrained(place) for place in tokenizers)
    text_encoder, text_encoder_2 = text_encoders(len(tokenizer))
    vae = autoencoder()
    base: Any = StableDiffusionXLPipeline(
        vae=vae,
        text_encoder=text_encoder,
        text_encoder_2=text_encoder_2,
        tokenizer=tokenizer,
        tokenizer_2=tokenizer_2,
        unet=unet(TEXT_WIDTH + TEXT_WIDTH_2, 6),
        scheduler=scheduler(),
        add_watermarker=False,
    )
    refiner: Any = StableDiffusionXLImg2ImgPipeline(
        vae=vae,
        text_encoder=None,
        text_encoder_2=text_encoder_2,
        tokenizer=None,
        tokenizer_2=tokenizer_2,
        unet=unet(TEXT_WIDTH_2, 5),
        scheduler=scheduler(),
        requires_aesthetics_score=True,
        add_watermarker=False,
    )
    with quiet():
        base.save_pretrained(folder / BASE)
        refiner.save_pretrained(folder / REFINER)
    for place, padding in tokenizers.items():  # in the form of SDXL's repository, not that of save_pretrained
        (place / "tokenizer.json").unlink()
        write_tokenizer(place, padding)
    return folder


def text_encoders(vocabulary: int) -> tuple[Any, Any]:
    """CLIP's text model and the one with a projection, of two layers each."""
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    common: dict[str, Any] = {
        "vocab_size": vocabulary,
        "num_hidden_layers": 2,
        "num_attention_heads": HEADS,
        "projection_dim": TEXT_WIDTH_2,
        "max_position_embeddings": 77,
        "bos_token_id": vocabulary - 2,
        "eos_token_id": vocabulary - 1,
    }
    sizes: dict[str, Any] = {"hidden_size": TEXT_WIDTH, "intermediate_size": 2 * TEXT_WIDTH, "hidden_act": "quick_gelu"}
    first = CLIPTextModel(CLIPTextConfig(**common, **sizes))
    sizes = {"hidden_size": TEXT_WIDTH_2, "intermediate_size": 2 * TEXT_WIDTH_2, "hidden_act": "gelu"}
    second = CLIPTextModelWithProjection(CLIPTextConfig(**common, **sizes))
    with torch.no_grad():  # CLIP's own start is so small that no prompt would change a picture
        for model in (first, second):
            for name, parameter in model.named_parameters():
                if "embedding" in name or "proj" in name:
                    parameter.normal_(0, 0.2)
    return first.eval(), second.eval()


def unet(text_width: int, numbers: int) -> Any:
    """A UNet of two levels, attention in the lower one; `numbers` is 6 for the base and 5 for the refiner."""
    from diffusers import UNet2DConditionModel

    network: Any = UNet2DConditionModel(
        sample_size=NATIVE_PX // 8,
        block_out_channels=(16, 32),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=(2, 4),
        transformer_layers_per_block=(1, 1),
        norm_num_groups=8,
        use_linear_projection=True,
        cross_attention_dim=text_width,
        addition_embed_type="text_time",
        addition_time_embed_dim=TIME_WIDTH,
        projection_class_embeddings_input_dim=TEXT_WIDTH_2 + numbers * TIME_WIDTH,
    )
    return network.eval()


def autoencoder() -> Any:
    """An autoencoder with SDXL's latents: 4 channels, 8 px a latent."""
    from diffusers import AutoencoderKL

    network: Any = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(8, 8, 16, 16),
        layers_per_block=1,
        norm_num_groups=4,
        latent_channels=4,
        sample_size=NATIVE_PX,
        scaling_factor=0.13025,
        force_upcast=True,
    )
    return network.eval()


def scheduler() -> Any:
    """SDXL's own."""
    from diffusers import EulerDiscreteScheduler

    return EulerDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        num_train_timesteps=1000,
        steps_offset=1,
        timestep_spacing="leading",
        use_karras_sigmas=False,
    )


# ---- a single file, in the names of SDXL's first release ----


def write_single_file(pipeline: Path, target: Path) -> Path:
    """Write what a diffusers folder (base/ or refiner/) holds as one .safetensors file; returns the file."""
    from safetensors.torch import load_file, save_file

    tensors: dict[str, torch.Tensor] = {}
    unet_tensors = load_file(pipeline / "unet/diffusion_pytorch_model.safetensors")
    tensors |= {f"model.diffusion_model.{first_name(name)}": value for name, value in unet_tensors.items()}
    for name, value in load_file(pipeline / "vae/diffusion_pytorch_model.safetensors").items():
        tensors[f"first_stage_model.{first_name_in_vae(name)}"] = as_convolution(name, value)
    has_two = (pipeline / "text_encoder").is_dir()
    if has_two:
        for name, value in load_file(pipeline / "text_encoder/model.safetensors").items():
            tensors[f"conditioner.embedders.0.transformer.text_model.{name.removeprefix('text_model.')}"] = value
    second = load_file(pipeline / "text_encoder_2/model.safetensors")
    tensors |= {f"conditioner.embedders.{int(has_two)}.model.{k}": v for k, v in openclip_names(second).items()}
    save_file({name: value.contiguous() for name, value in tensors.items()}, target)
    return target


def first_name(name: str) -> str:
    """A UNet's layer as the first release called it; `unet` above has blocks of one layer (two in the way up)."""
    from diffusers.loaders.single_file_utils import DIFFUSERS_TO_LDM_MAPPING

    tables: Any = DIFFUSERS_TO_LDM_MAPPING["unet"]
    whole = tables["layers"] | tables["addition_embed_type"]
    if name in whole:
        return whole[name]
    way, *rest = name.split(".")
    if way == "mid_block":
        kind, number, *layer = rest
        return ".".join(["middle_block", str(1 if kind == "attentions" else 2 * int(number)), *resnet_names(layer)])
    block, kind, number, *layer = rest
    if kind in ("downsamplers", "upsamplers"):
        place = f"input_blocks.{2 * int(block) + 2}.0.op" if kind == "downsamplers" else "output_blocks.1.2.conv"
        return ".".join([place, layer[-1]])
    place = f"input_blocks.{2 * int(block) + 1}"
    if way == "up_blocks":
        place = f"output_blocks.{2 * int(block) + int(number)}"
    return ".".join([place, "1" if kind == "attentions" else "0", *resnet_names(layer)])


def resnet_names(layer: list[str]) -> list[str]:
    """["norm1", "weight"] as ["in_layers", "0", "weight"]."""
    names = {"norm1": "in_layers.0", "conv1": "in_layers.2", "norm2": "out_layers.0", "conv2": "out_layers.3"}
    names |= {"time_emb_proj": "emb_layers.1", "conv_shortcut": "skip_connection"}
    return [names.get(layer[0], layer[0]), *layer[1:]] if len(layer) == 2 else layer


def first_name_in_vae(name: str) -> str:
    """A layer of the autoencoder as the first release called it; its decoder's levels counted from the picture."""
    name = re.sub(r"up_blocks\.(\d)", lambda match: f"up.{3 - int(match[1])}", name)
    for ours, theirs in (
        ("down_blocks", "down"),
        ("mid_block.attentions.0.group_norm", "mid.attn_1.norm"),
        ("mid_block.attentions.0.to_out.0", "mid.attn_1.proj_out"),
        ("mid_block.attentions.0.to_", "mid.attn_1."),
        ("mid_block.resnets.0", "mid.block_1"),
        ("mid_block.resnets.1", "mid.block_2"),
        ("downsamplers.0", "downsample"),
        ("upsamplers.0", "upsample"),
        ("resnets", "block"),
        ("conv_norm_out", "norm_out"),
        ("conv_shortcut", "nin_shortcut"),
    ):
        name = name.replace(ours, theirs)
    return name


def as_convolution(name: str, value: torch.Tensor) -> torch.Tensor:
    """The attention of the autoencoder's middle was once made of convolutions of 1 px."""
    return value[..., None, None] if "attentions" in name and value.ndim == 2 else value


def openclip_names(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The second text encoder as OpenCLIP stores it: query, key and value in one, the projection transposed."""
    names = {"encoder.layers.": "transformer.resblocks.", "layer_norm": "ln_", "self_attn": "attn"}
    names |= {"fc1": "c_fc", "fc2": "c_proj"}
    names |= {"embeddings.position_embedding.weight": "positional_embedding", "embeddings.token": "token"}
    found: dict[str, torch.Tensor] = {}
    for name, value in sorted(tensors.items()):
        new = name.removeprefix("text_model.").replace("final_layer_norm", "ln_final")
        for ours, theirs in names.items():
            new = new.replace(ours, theirs)
        found[new] = value
    found["text_projection"] = found.pop("text_projection.weight").T
    for kind in ("weight", "bias"):
        for start in {name.partition("attn.")[0] for name in list(found) if f"q_proj.{kind}" in name}:
            parts = [found.pop(f"{start}attn.{letter}_proj.{kind}") for letter in "qkv"]
            found[f"{start}attn.in_proj_{kind}"] = torch.cat(parts)
    return found


# ---- the tokenizer ----


def write_tokenizer(folder: Path, padding: str, merges: int = 200) -> None:
    """vocab.json, merges.txt and tokenizer_config.json in CLIP's form, the merges learnt from CORPUS."""
    letters = byte_letters()
    pairs = learn_merges([[*word[:-1], f"{word[-1]}</w>"] for word in CORPUS.replace(",", "").split()], merges)
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), *(a + b for a, b in pairs), START, END]
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {token: number for number, token in enumerate(tokens)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    lines = ["#version: 0.2", *(f"{a} {b}" for a, b in pairs)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    config = {
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": 77,
        "bos_token": START,
        "eos_token": END,
        "unk_token": END,
        "pad_token": padding,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")


def byte_letters() -> list[str]:
    """One printable letter for each of the 256 bytes, "!" first, as GPT-2's and CLIP's tokenizers have them."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + place) for place in range(len(others))]


def learn_merges(words: list[list[str]], count: int) -> list[tuple[str, str]]:
    """Byte-pair encoding (Sennrich et al. 2016, arXiv:1508.07909): join the most frequent pair, again and again."""
    pairs: list[tuple[str, str]] = []
    while len(pairs) < count:
        found = Counter(pair for word in words for pair in itertools.pairwise(word))
        if not found:
            break
        best = max(sorted(found), key=found.__getitem__)
        pairs.append(best)
        words = [joined(word, best) for word in words]
    return pairs


def joined(word: list[str], pair: tuple[str, str]) -> list[str]:
    """The word with every occurrence of the pair made one token."""
    result: list[str] = []
    for token in word:
        if result and (result[-1], token) == pair:
            result[-1] += token
        else:
            result.append(token)
    return result
