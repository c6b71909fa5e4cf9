"""The network: a small U-Net that maps a pair of frames to one logit per pixel."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from common.layers import Residual

CHANNELS = 8  # base RGBA, clothed RGBA
SIZE_PX = 256  # side of the square input
WIDTHS = (24, 48, 96, 192, 320)  # channels at 1/2, 1/4, 1/8, 1/16 and 1/32 of the input's side


class UNet(nn.Module):
    """U-Net (Ronneberger et al. 2015, arXiv:1505.04597) at half resolution, with pixel (un)shuffle at both ends.

    Space to depth (Shi et al. 2016, arXiv:1609.05158) keeps every input pixel and quarters the cost of the first
    level; skip connections are added, not concatenated; blocks are residual.
    """

    def __init__(self, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        self.widths = widths
        self.runtime: Callable[[np.ndarray], np.ndarray] | None = None  # runs the network instead of `forward`
        stem = nn.Conv2d(4 * (CHANNELS + 3), widths[0], 3, padding=1, bias=False)
        self.stem = nn.Sequential(stem, nn.BatchNorm2d(widths[0]), nn.ReLU(inplace=True))
        self.encoders = nn.ModuleList(Residual(width) for width in widths)
        self.downs = nn.ModuleList(Down(a, b) for a, b in pairwise(widths))
        self.ups = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairwise(widths))
        self.decoders = nn.ModuleList(Residual(width) for width in widths[:-1])
        self.head = nn.Conv2d(widths[0], 4, 1)

    def forward(self, pairs: Tensor) -> Tensor:
        """Map (B, 8, H, W) float32 in [0, 1], colours premultiplied by alpha, to (B, 1, H, W) logits.

        H and W must be multiples of 32.
        """
        seen = torch.cat([pairs, 2 * (pairs[:, 4:7] - pairs[:, :3])], dim=1)
        x = self.stem(functional.pixel_unshuffle(2 * seen - 1, 2))
        skips = []
        for level, encoder in enumerate(self.encoders):
            x = encoder(x)
            if level < len(self.downs):
                skips.append(x)
                x = self.downs[level](x)
        for up, decoder, skip in zip(reversed(self.ups), reversed(self.decoders), reversed(skips), strict=True):
            x = decoder(skip + functional.interpolate(up(x), scale_factor=2.0, mode="nearest"))
        return functional.pixel_shuffle(self.head(x), 2)


class Down(nn.Sequential):
    """Halve height and width by a 2 x 2 convolution of stride 2."""

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__(
            nn.Conv2d(width_in, width_out, 2, stride=2, bias=False), nn.BatchNorm2d(width_out), nn.ReLU(inplace=True)
        )


def fold_normalisation(network: UNet) -> UNet:
    """Fold every batch normalisation into the convolution before it: same output, faster; for prediction only."""
    for block in network.modules():
        if isinstance(block, nn.Sequential):
            for place, (layer, after) in enumerate(pairwise(block)):
                if isinstance(layer, nn.Conv2d) and isinstance(after, nn.BatchNorm2d):
                    block[place], block[place + 1] = fuse_conv_bn_eval(layer, after), nn.Identity()
    return network
