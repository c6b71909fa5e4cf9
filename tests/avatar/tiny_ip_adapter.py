"""A tiny image prompt adapter on disk in the published form, with random weights, for any SDXL base."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

IMAGE_PX = 32
HIDDEN, PROJECTED = 64, 48  # widths of the image encoder's hidden states and of its pooled embedding
TOKENS = 4


def build_tiny_ip_adapter(folder: Path, unet: Any, plus: bool = False) -> Path:
    """Write an adapter for a UNet, IP-Adapter or IP-Adapter Plus, and its image encoder beside it.

    Returns:
        The adapter's file.
    """
    from safetensors.torch import save_file

    torch.manual_seed(0)
    write_image_encoder(folder / "image_encoder")
    file = folder / ("ip-adapter-plus_tiny.safetensors" if plus else "ip-adapter_tiny.safetensors")
    width = int(unet.config.cross_attention_dim)
    projection = plus_projection(width) if plus else plain_projection(width)
    tensors = {f"image_proj.{name}": tensor for name, tensor in projection.items()}
    for number, (name, module) in enumerate(cross_attentions(unet)):
        del name
        for kind in ("to_k_ip", "to_v_ip"):
            layer = torch.randn(module.to_k.weight.shape) / width**0.5
            tensors[f"ip_adapter.{2 * number + 1}.{kind}.weight"] = layer
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, file)
    return file


def cross_attentions(unet: Any) -> list[tuple[str, Any]]:
    """Cross-attentions in the order of the UNet's attention processors, which adapters number."""
    names = [name.removesuffix(".processor") for name in unet.attn_processors if "attn2" in name]
    return [(name, unet.get_submodule(name)) for name in names]


def write_image_encoder(folder: Path) -> None:
    """Write CLIP's image encoder with a projection, of two layers."""
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    config = CLIPVisionConfig(
        hidden_size=HIDDEN,
        intermediate_size=2 * HIDDEN,
        projection_dim=PROJECTED,
        num_hidden_layers=2,
        num_attention_heads=4,
        image_size=IMAGE_PX,
        patch_size=8,
    )
    encoder: Any = CLIPVisionModelWithProjection(config)
    with torch.no_grad():  # CLIP's own start is so small that all pictures would look the same
        for parameter in encoder.parameters():
            if parameter.ndim > 1:
                parameter.normal_(0, 0.15)
    encoder.save_pretrained(folder)


def plain_projection(width: int) -> dict[str, Tensor]:
    """One linear layer from the pooled embedding to the tokens, and their norm."""
    return {
        "proj.weight": torch.randn(TOKENS * width, PROJECTED) / PROJECTED**0.5,
        "proj.bias": torch.zeros(TOKENS * width),
        "norm.weight": torch.ones(width),
        "norm.bias": torch.zeros(width),
    }


def plus_projection(width: int) -> dict[str, Tensor]:
    """A resampler of the encoder's patches, as IP-Adapter Plus names its layers; one head of 64."""
    inner = 64
    state = {
        "latents": torch.randn(1, TOKENS, inner),
        "proj_in.weight": torch.randn(inner, HIDDEN) / HIDDEN**0.5,
        "proj_in.bias": torch.zeros(inner),
        "proj_out.weight": torch.randn(width, inner) / inner**0.5,
        "proj_out.bias": torch.zeros(width),
        "norm_out.weight": torch.ones(width),
        "norm_out.bias": torch.zeros(width),
    }
    for layer in range(4):
        for name in ("0.norm1", "0.norm2", "1.0"):
            state |= {
                f"layers.{layer}.{name}.weight": torch.ones(inner),
                f"layers.{layer}.{name}.bias": torch.zeros(inner),
            }
        sizes = {"0.to_q": (64, inner), "0.to_kv": (128, inner), "0.to_out": (inner, 64)}
        sizes |= {"1.1": (4 * inner, inner), "1.3": (inner, 4 * inner)}
        state |= {f"layers.{layer}.{name}.weight": torch.randn(size) / size[1] ** 0.5 for name, size in sizes.items()}
    return state
