"""First weights of the demo model's autoencoder: it shrinks a picture by 8 and enlarges it smoothly again.

An autoencoder spends a third of its training on learning to pass colours through its layers. Here three channels of
each layer carry them from the start, and residual branches begin at zero (Goyal et al. 2017, arXiv:1706.02677). Each
colour is carried with its negative and a large constant, which make the last normalisation and SiLU of encoder and
decoder linear: silu(x) - silu(-x) = x.
"""

from typing import Any

import torch
from torch import Tensor, nn

COLOURS = 3  # each has three channels: itself, its negative, the constant
CONSTANT = 4.0
LOG_VARIANCE = -6.0  # of the latents: little noise
SMOOTH = torch.tensor([0.25, 0.5, 0.25])


@torch.no_grad()
def start_as_thumbnail(vae: Any) -> None:
    """Set the first weights of an AutoencoderKL without attention and with at least 9 channels in each layer."""
    for name, module in vae.named_modules():
        if name.endswith("conv2"):
            nn.init.zeros_(module.weight)
            nn.init.zeros_(module.bias)
        elif name.endswith("conv_shortcut"):
            _carry(module, _centre(module), _centre(module))
        elif name.endswith("downsamplers.0.conv"):
            mean, corner = torch.zeros(3, 3), torch.zeros(3, 3)
            mean[:2, :2], corner[0, 0] = 0.25, 1
            _carry(module, mean, corner)
        elif name.endswith("upsamplers.0.conv"):
            _carry(module, SMOOTH[:, None] * SMOOTH, _centre(module))
    for half in (vae.encoder, vae.decoder):
        _enter(half.conv_in)
        _leave(half.conv_norm_out, half.conv_out)
    for conv in (vae.quant_conv, vae.post_quant_conv):
        for colour in range(COLOURS):
            _set(conv, colour, colour, _centre(conv))
    latents = vae.config.latent_channels
    vae.quant_conv.weight[latents:] = 0
    vae.quant_conv.bias[latents:] = LOG_VARIANCE


def _set(conv: nn.Conv2d, to: int, of: int, kernel: Tensor, bias: float = 0.0) -> None:
    """Make an output channel one input channel convolved with a kernel."""
    assert conv.bias is not None
    conv.weight[to] = 0
    conv.weight[to, of] = kernel
    conv.bias[to] = bias


def _centre(conv: nn.Conv2d) -> Tensor:
    kernel = torch.zeros(conv.kernel_size[0], conv.kernel_size[1])
    kernel[conv.kernel_size[0] // 2, conv.kernel_size[1] // 2] = 1
    return kernel


def _enter(conv: nn.Conv2d) -> None:
    centre = _centre(conv)
    for colour in range(COLOURS):
        for place, (kernel, bias) in enumerate(((centre, 0.0), (-centre, 0.0), (0 * centre, CONSTANT))):
            _set(conv, 3 * colour + place, colour, kernel, bias)


def _carry(conv: nn.Conv2d, kernel: Tensor, of_constant: Tensor) -> None:
    constants = [3 * colour + 2 for colour in range(COLOURS)]
    conv.weight[3 * COLOURS :, constants] = 0  # only the carried channels read the constants
    for channel in range(3 * COLOURS):
        _set(conv, channel, channel, of_constant if channel in constants else kernel)


def _leave(norm: nn.GroupNorm, conv: nn.Conv2d) -> None:
    """Undo the normalisation, whose mean and deviation depend almost only on the constants."""
    size = norm.num_channels // norm.num_groups
    share = sum(3 * colour + 2 < size for colour in range(COLOURS)) / size  # share of constants in a group
    deviation = CONSTANT * (share * (1 - share)) ** 0.5
    norm.bias[: 3 * COLOURS] = CONSTANT * share / deviation
    for colour in range(COLOURS):
        _set(conv, colour, 3 * colour, deviation * _centre(conv))
        conv.weight[colour, 3 * colour + 1] = -deviation * _centre(conv)
