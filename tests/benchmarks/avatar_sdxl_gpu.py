"""Measures time and memory of a full-size SDXL on a GPU; its weights are random, which changes neither.

    python -m tests.benchmarks.avatar_sdxl_gpu                     24 + 6 steps at 1024 px in bf16, plain and compiled
    python -m tests.benchmarks.avatar_sdxl_gpu --presets 8 12 24   every memory preset, plain

The sizes are those of stabilityai/stable-diffusion-xl-base-1.0 and -refiner-1.0: UNets of 2.57 and 2.26 billion
weights, text encoders of 123 and 695 million, an autoencoder of 84 million. Seconds are the median over the pictures
after two that warm up, from the prompt to the RGB picture; the target on an H100 is 2.0 s and 18 GB.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from avatar.sdxl.generation import Recipe, generate_picture
from avatar.sdxl.loading import compile_networks
from avatar.sdxl.pipelines import PRESETS, Pipelines, place, set_vae_precision
from tests.avatar.tiny_sdxl import END, scheduler, write_tokenizer
from tests.benchmarks.hardware import describe_machine

PROMPT = "portrait of one person, (black leather jacket with silver zips:1.3), sunglasses, soft light, plain backdrop"
NEGATIVE = "blurry, low quality, deformed hands, text, watermark"
RECIPE = Recipe(steps=30)
UNET = {
    "sample_size": 128,
    "layers_per_block": 2,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
}
BASE_UNET = UNET | {
    "block_out_channels": (320, 640, 1280),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "attention_head_dim": (5, 10, 20),
    "transformer_layers_per_block": (1, 2, 10),
    "cross_attention_dim": 2048,
    "projection_class_embeddings_input_dim": 2816,
}
REFINER_UNET = UNET | {
    "block_out_channels": (384, 768, 1536, 1536),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "attention_head_dim": (6, 12, 24, 24),
    "transformer_layers_per_block": 4,
    "cross_attention_dim": 1280,
    "projection_class_embeddings_input_dim": 2560,
}
AUTOENCODER = {
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "block_out_channels": (128, 256, 512, 512),
    "layers_per_block": 2,
    "latent_channels": 4,
    "sample_size": 1024,
    "scaling_factor": 0.13025,
    "force_upcast": True,
}
TEXT: dict[str, Any] = {
    "vocab_size": 49408,
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "projection_dim": 768,
    "hidden_act": "quick_gelu",
}
TEXT_2: dict[str, Any] = TEXT | {
    "hidden_size": 1280,
    "intermediate_size": 5120,
    "num_hidden_layers": 32,
    "num_attention_heads": 20,
    "projection_dim": 1280,
    "hidden_act": "gelu",
}


def main() -> None:
    """Print a line for each way of drawing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=5, help="that are measured, each way")
    parser.add_argument("--presets", type=int, nargs="*", default=[24], choices=list(PRESETS), help="of memory, in GB")
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        print("no CUDA GPU here; this benchmark needs one")
        return
    device = torch.device("cuda")
    print(f"{torch.cuda.get_device_name(device)}; {describe_machine()}, torch {torch.__version__}")
    print(f"{'':<24}   s a picture      s a step   peak GB   first picture s")
    for preset in sorted(arguments.presets, reverse=True):
        pipelines = build(device, torch.bfloat16)
        place(pipelines, preset)
        report(f"preset {preset} GB", pipelines, arguments.pictures)
        if preset == max(PRESETS) and not arguments.no_compile:
            compile_networks(pipelines)
            report(f"preset {preset} GB, compiled", pipelines, arguments.pictures)
        del pipelines
        torch.cuda.empty_cache()


def build(device: torch.device, dtype: torch.dtype) -> Pipelines:
    """A full-size SDXL with random weights, made on the device in this precision."""
    from diffusers import (
        AutoencoderKL,
        StableDiffusionXLImg2ImgPipeline,
        StableDiffusionXLPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

    networks: Any = UNet2DConditionModel
    autoencoders: Any = AutoencoderKL
    with tempfile.TemporaryDirectory() as folder:
        for name, padding in (("1", END), ("2", "!")):
            write_tokenizer(Path(folder) / name, padding)
        tokenizers = [CLIPTokenizer.from_pretrained(Path(folder) / name) for name in ("1", "2")]
    ends: dict[str, Any] = {"bos_token_id": len(tokenizers[0]) - 2, "eos_token_id": len(tokenizers[0]) - 1}
    torch.manual_seed(0)
    torch.set_default_dtype(dtype)
    try:
        with device:
            vae = autoencoders(**AUTOENCODER).eval()
            text_encoder: Any = CLIPTextModel(CLIPTextConfig(**TEXT, **ends)).eval()
            text_encoder_2: Any = CLIPTextModelWithProjection(CLIPTextConfig(**TEXT_2, **ends)).eval()
            unets = [networks(**sizes).eval() for sizes in (BASE_UNET, REFINER_UNET)]
    finally:
        torch.set_default_dtype(torch.float32)
    with torch.no_grad():
        vae.decoder.conv_out.weight.mul_(50)  # or random weights would draw nearly one colour, which is refused
    shared = {"vae": vae, "text_encoder_2": text_encoder_2, "tokenizer_2": tokenizers[1], "add_watermarker": False}
    first = {"text_encoder": text_encoder, "tokenizer": tokenizers[0]}
    base: Any = StableDiffusionXLPipeline(unet=unets[0], scheduler=scheduler(), **first, **shared)
    image_to_image: Any = StableDiffusionXLImg2ImgPipeline(**base.components, add_watermarker=False)
    refiner: Any = StableDiffusionXLImg2ImgPipeline(
        unet=unets[1],
        scheduler=scheduler(),
        text_encoder=None,
        tokenizer=None,
        requires_aesthetics_score=True,
        **shared,
    )
    for pipeline in (base, image_to_image, refiner):
        pipeline.set_progress_bar_config(disable=True)
    set_vae_precision(vae, dtype)
    return Pipelines(base, refiner, ["random"], device, dtype, image_to_image=image_to_image)


def report(label: str, pipelines: Pipelines, pictures: int) -> None:
    """Draw two pictures to warm up and then some more, and print the figures of these."""
    torch.cuda.empty_cache()
    began = time.perf_counter()
    generate_picture(pipelines, PROMPT, NEGATIVE, start=None, seed=0, recipe=RECIPE)
    first = time.perf_counter() - began
    generate_picture(pipelines, PROMPT, NEGATIVE, start=None, seed=1, recipe=RECIPE)
    torch.cuda.reset_peak_memory_stats()
    drawings = [
        generate_picture(pipelines, PROMPT, NEGATIVE, start=None, seed=seed, recipe=RECIPE)
        for seed in range(2, 2 + pictures)
    ]
    assert not any(drawing.retried for drawing in drawings)
    seconds = sorted(drawing.seconds for drawing in drawings)
    spread = f"{statistics.median(seconds):.2f} ({seconds[0]:.2f}-{seconds[-1]:.2f})"
    step = statistics.median(drawing.step_seconds for drawing in drawings)
    peak = torch.cuda.max_memory_allocated() / 1e9
    print(f"{label:<24}   {spread:<18} {step:.4f}   {peak:7.1f}   {first:.1f}", flush=True)


if __name__ == "__main__":
    main()
