"""Networks of the demo model: the architecture of SDXL, small enough to draw in seconds on a laptop's CPU.

Like SDXL (Podell et al. 2023, arXiv:2307.01952) it has a UNet of three levels with attention in the two lower ones, and
two text encoders, whose penultimate layers the attention reads. It predicts v (Salimans and Ho 2022, arXiv:2202.00512),
which keeps colours stable in few steps, and its schedule begins at the noisiest level.
"""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from avatar.demo_model.autoencoder_initialisation import start_as_thumbnail
from avatar.demo_model.drawn_pictures import LATENT_PX, NATIVE_PX
from avatar.demo_model.tokenizer import PAD, PAD_2, write_tokenizer
from avatar.sdxl.loading import load_pipelines
from avatar.sdxl.pipelines import LoadSettings
from avatar.sdxl.sources import AUTO, BASE, REFINER, choose_model
from common.paths import resolved

TEXT_WIDTH, TEXT_WIDTH_2, POOLED_WIDTH = 64, 128, 128
TEXT_LAYERS, TEXT_HEADS = 3, 4
LATENT_CHANNELS = 4
AUTOENCODER_CHANNELS, AUTOENCODER_GROUPS = (24, 48, 96, 128), 8  # from full resolution down
BASE_CHANNELS = (64, 128, 192)  # at 32, 16 and 8 latent px
REFINER_CHANNELS = (64, 96, 128)
TIME_WIDTH = 256
NUMBER_WIDTH = 8  # width of the embedding of each size or score
BASE_NUMBERS = (NATIVE_PX, NATIVE_PX, 0, 0, NATIVE_PX, NATIVE_PX)
GOOD_SCORE, BAD_SCORE = 6.0, 2.5  # aesthetic scores of prompt and negative prompt in the pipelines
GROUPS = 8


@dataclass
class SdxlNetworks:
    """Networks and tokenizers of both pipelines; None: not trained yet."""

    tokenizer: Any
    tokenizer_2: Any
    text_encoder: Any
    text_encoder_2: Any
    vae: Any
    unet: Any = None
    refiner: Any = None


def text_encoders(vocabulary: int) -> nn.ModuleList:
    """CLIP's text model, and the one with a projection; the last two tokens of `vocabulary` are start and end."""
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    def config(width: int, activation: str) -> CLIPTextConfig:
        return CLIPTextConfig(
            vocab_size=vocabulary,
            hidden_size=width,
            intermediate_size=4 * width,
            hidden_act=activation,
            num_hidden_layers=TEXT_LAYERS,
            num_attention_heads=TEXT_HEADS,
            projection_dim=POOLED_WIDTH,
            max_position_embeddings=77,
            bos_token_id=vocabulary - 2,
            eos_token_id=vocabulary - 1,
        )

    first: Any = CLIPTextModel(config(TEXT_WIDTH, "quick_gelu"))
    second: Any = CLIPTextModelWithProjection(config(TEXT_WIDTH_2, "gelu"))
    for model in (first, second):  # CLIP's own initialisation suits batches of 32 thousand
        for name, parameter in model.named_parameters():
            if "embedding.weight" in name:
                nn.init.normal_(parameter, std=0.3 if "token" in name else 0.1)
    return nn.ModuleList([first, second])


def autoencoder() -> Any:
    """AutoencoderKL (Rombach et al. 2022, arXiv:2112.10752) that downscales by 8 as SDXL's does, without attention.

    `normalise_latents` gives its latents mean 0 and deviation 1, so the scaling factor in its config is 1.
    """
    from diffusers import AutoencoderKL

    vae = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=AUTOENCODER_CHANNELS,
        layers_per_block=1,
        norm_num_groups=AUTOENCODER_GROUPS,
        latent_channels=LATENT_CHANNELS,
        sample_size=NATIVE_PX,
        scaling_factor=1.0,
        force_upcast=False,
        mid_block_add_attention=False,
    )
    start_as_thumbnail(vae)
    return vae


@torch.no_grad()
def normalise_latents(vae: Any, mean: Tensor, deviation: Tensor) -> None:
    """Normalise latents of this mean and deviation, (C,), to 0 and 1, in the 1 x 1 convolutions around them."""
    channels = len(mean)
    into, out_of = vae.quant_conv, vae.post_quant_conv
    into.weight[:channels] /= deviation[:, None, None, None]
    into.bias[:channels] = (into.bias[:channels] - mean) / deviation
    into.bias[channels:] -= 2 * deviation.log()
    out_of.bias += out_of.weight[..., 0, 0] @ mean
    out_of.weight *= deviation[None, :, None, None]


def unet(role: str) -> Any:
    """The UNet of BASE, or of REFINER, which reads the second text encoder alone, and a score instead of a size."""
    from diffusers import UNet2DConditionModel

    is_base = role == BASE
    channels = BASE_CHANNELS if is_base else REFINER_CHANNELS
    numbers = len(BASE_NUMBERS) if is_base else len(BASE_NUMBERS) - 1
    network: Any = UNet2DConditionModel(
        sample_size=LATENT_PX,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        block_out_channels=channels,
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=tuple(width // 32 for width in channels),  # number of heads, despite its name
        norm_num_groups=GROUPS,
        use_linear_projection=True,
        cross_attention_dim=TEXT_WIDTH + TEXT_WIDTH_2 if is_base else TEXT_WIDTH_2,
        time_embedding_dim=TIME_WIDTH,
        addition_embed_type="text_time",
        addition_time_embed_dim=NUMBER_WIDTH,
        projection_class_embeddings_input_dim=POOLED_WIDTH + numbers * NUMBER_WIDTH,
    )
    for name, module in network.named_modules():  # residual branches begin at zero (Goyal et al. 2017)
        if name.endswith(("conv2", "proj_out")) or name == "conv_out":
            nn.init.zeros_(module.weight)
            nn.init.zeros_(module.bias)
    return network


def scheduler(kind: str = "EulerDiscreteScheduler") -> Any:
    """A scheduler of diffusers with SDXL's noise levels; "DDPMScheduler" for training."""
    import diffusers

    return getattr(diffusers, kind)(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        num_train_timesteps=1000,
        prediction_type="v_prediction",
        timestep_spacing="trailing",
    )


def base_pipeline(networks: SdxlNetworks) -> Any:
    """The base, a StableDiffusionXLPipeline."""
    from diffusers import StableDiffusionXLPipeline

    first = {"text_encoder": networks.text_encoder, "tokenizer": networks.tokenizer}
    return _pipeline(StableDiffusionXLPipeline, networks, unet=networks.unet, **first)


def refiner_pipeline(networks: SdxlNetworks) -> Any:
    """The refiner, an image-to-image pipeline without the first text encoder."""
    from diffusers import StableDiffusionXLImg2ImgPipeline

    own = {"text_encoder": None, "tokenizer": None, "requires_aesthetics_score": True}
    return _pipeline(StableDiffusionXLImg2ImgPipeline, networks, unet=networks.refiner, **own)


def _pipeline(kind: Any, networks: SdxlNetworks, **own: Any) -> Any:
    pipeline = kind(
        vae=networks.vae,
        text_encoder_2=networks.text_encoder_2,
        tokenizer_2=networks.tokenizer_2,
        scheduler=scheduler(),
        add_watermarker=False,
        **own,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def load_networks(folder: Path) -> SdxlNetworks:
    """Load a model that `save_model` wrote, in single precision.

    Raises:
        UserError: the folder holds no such model.
    """
    found = load_pipelines(choose_model(str(folder), AUTO, with_refiner=True), LoadSettings(precision="fp32"))
    assert found.refiner is not None  # or choose_model had refused
    names = ("tokenizer", "tokenizer_2", "text_encoder", "text_encoder_2", "vae", "unet")
    return SdxlNetworks(**{name: getattr(found.base, name) for name in names}, refiner=found.refiner.unet)


def save_model(networks: SdxlNetworks, merges: list[tuple[str, str]], folder: Path) -> int:
    """Write base/ and refiner/ in half precision in diffusers' layout, replacing an old folder at the end.

    Returns:
        Size of all files, bytes.
    """
    folder = resolved(folder)
    for network in (networks.text_encoder, networks.text_encoder_2, networks.vae, networks.unet, networks.refiner):
        network.to(device="cpu", dtype=torch.float16, memory_format=torch.contiguous_format)  # as files need them
    new, old = (folder.with_name(f".{folder.name}.{word}") for word in ("part", "old"))
    for path in (new, old):
        shutil.rmtree(path, ignore_errors=True)
    base_pipeline(networks).save_pretrained(new / BASE)
    refiner_pipeline(networks).save_pretrained(new / REFINER)
    tokenizers = {f"{BASE}/tokenizer": PAD, f"{BASE}/tokenizer_2": PAD_2, f"{REFINER}/tokenizer_2": PAD_2}
    for place, padding in tokenizers.items():
        shutil.rmtree(new / place)
        write_tokenizer(new / place, merges, padding)
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def digest(network: nn.Module) -> str:
    """Twelve hex digits that change with the weights."""
    found = hashlib.sha256()
    for tensor in network.state_dict().values():
        found.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()[:12]


def millions(network: nn.Module) -> float:
    """Number of parameters, millions."""
    return sum(parameter.numel() for parameter in network.parameters()) / 1e6
