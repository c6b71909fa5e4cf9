"""Conversion between pixels and the normalised range of networks."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

NORM_MEAN = (0.485, 0.456, 0.406)  # mean of ImageNet's pixels: R, G, B
NORM_STD = (0.229, 0.224, 0.225)  # their standard deviation


def norm(pixels: Tensor) -> Tensor:
    """Normalise pixels by ImageNet's mean and standard deviation.

    Args:
        pixels: (..., 3, H, W) float in [0, 1].
    """
    return (pixels - _channels(NORM_MEAN, pixels)) / _channels(NORM_STD, pixels)


def denorm(images: Tensor) -> Tensor:
    """Invert `norm`; a network's output may lie outside [0, 1] and is not clipped."""
    return images * _channels(NORM_STD, images) + _channels(NORM_MEAN, images)


def _channels(values: Sequence[float], like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=like.dtype, device=like.device).view(3, 1, 1)


def to_tensor(picture: np.ndarray) -> Tensor:
    """Convert (H, W, 3) uint8 to (3, H, W) float32 in the network's range."""
    return norm(torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1).float() / 255)


def to_uint8(images: Tensor) -> np.ndarray:
    """Convert (..., 3, H, W) in the network's range to (..., H, W, 3) uint8 RGB, clipped and rounded."""
    pixels = denorm(images.detach().float()).clamp(0, 1).mul(255).round()
    return pixels.movedim(-3, -1).to(torch.uint8).cpu().numpy()
