"""Fusing a person into a scene of any size with a trained network."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch

from carousel.collages.context_window import context_window
from carousel.fusion.checkpoint_format import network_of, read_checkpoint
from carousel.fusion.light_estimate import PIVOT
from carousel.fusion.network import FOLD, FusionNetwork
from common.devices import pick_device
from common.errors import UserError
from common.imagenet.normalisation import to_tensor

CONTEXT = 1.4  # side of the window that the network sees, in longer sides of the person's box
PROBE_PX = 64  # side of a picture by which weights are tried
BAND_ROWS = 256  # rows that are transformed at once, which limits the memory at 4K


def load_model(path: Path | str) -> tuple[FusionNetwork, torch.device]:
    """Load the network of a checkpoint, ready to fuse, and its device.

    Args:
        path: a file, or the bare name of one in checkpoints/carousel/.

    Raises:
        UserError: missing, damaged, contains more than tensors and plain values, or belongs to another network.

    Warns where it changes nothing, as an untrained one does.
    """
    device = pick_device()
    network = network_of(read_checkpoint(path), path)
    noise = torch.rand(1, 7, PROBE_PX, PROBE_PX, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        transform = network.transform(noise[:, :6], noise[:, 6:])
    if not transform.isfinite().all():
        raise UserError(f"{path}: damaged, it gives values that are no numbers; use another checkpoint")
    if not transform.any():
        warnings.warn(f"{path}: changes no colours, as a network that was not trained", stacklevel=2)
    return network.to(memory_format=torch.channels_last).to(device), device


def fuse(
    network: FusionNetwork,
    device: torch.device,
    background: np.ndarray,
    avatar: np.ndarray,
    alpha: np.ndarray,
    *,
    strength: float = 1.0,
) -> np.ndarray:
    """Composite a person into a scene, in the scene's light.

    The network sees a reduced window around the person; its colour transform is applied at full resolution.

    Args:
        network: result of `load_model`.
        device: device of the network.
        background: (H, W, 3) uint8, the scene.
        avatar: (H, W, 3) uint8, the person in place; colours are ignored where alpha is 0.
        alpha: (H, W) float32 in [0, 1].
        strength: share of the predicted change of colour that is applied; 0 pastes.

    Returns:
        (H, W, 3) uint8, equal to the background where alpha is 0.

    Raises:
        ValueError: the pictures differ in size.
    """
    fused = background.copy()
    for band, colours in _relit_bands(network, device, background, avatar, alpha, strength=strength):
        fused[band] = blend(background[band], colours, alpha[band])
    return fused


def relit(
    network: FusionNetwork,
    device: torch.device,
    background: np.ndarray,
    avatar: np.ndarray,
    alpha: np.ndarray,
    *,
    strength: float = 1.0,
) -> np.ndarray:
    """The person alone in the scene's light, (H, W, 3) uint8, 0 where alpha is 0; arguments and errors as `fuse`."""
    colours = np.zeros_like(avatar)
    for band, values in _relit_bands(network, device, background, avatar, alpha, strength=strength):
        colours[band] = blend(colours[band], values, np.where(alpha[band] > 0, np.float32(1), 0))
    return colours


def _relit_bands(
    network: FusionNetwork,
    device: torch.device,
    background: np.ndarray,
    avatar: np.ndarray,
    alpha: np.ndarray,
    *,
    strength: float,
) -> Iterator[tuple[tuple[slice, slice], np.ndarray]]:
    """Bands of the person's box, and their colours (h, w, 3) float32 in the scene's light."""
    if not background.shape[:2] == avatar.shape[:2] == alpha.shape:
        raise ValueError(f"sizes differ: {background.shape}, {avatar.shape}, {alpha.shape}")
    x, y, width, height = cv2.boundingRect((alpha > 0).astype(np.uint8))
    if width == 0:
        return
    left, top, right, bottom = context_window((x, y, x + width, y + height), alpha.shape, CONTEXT)
    window = np.s_[top:bottom, left:right]
    transform = strength * predict_transform(network, device, background[window], avatar[window], alpha[window])
    size = (right - left, bottom - top)
    person = np.s_[y : y + height, x : x + width]
    for first in range(y, y + height, BAND_ROWS):
        rows = np.s_[first : min(first + BAND_ROWS, y + height)]
        band = np.s_[rows, person[1]]
        local = upsample_transform(transform, size, (x - left, rows.start - top, width, rows.stop - rows.start))
        yield band, apply_transform(network, local, avatar[band])


@torch.inference_mode()
def predict_transform(
    network: FusionNetwork, device: torch.device, background: np.ndarray, avatar: np.ndarray, alpha: np.ndarray
) -> np.ndarray:
    """Predict the colour transform of a window: (h, w, 12) float32 coefficients, or (S, S, 3) colour residuals."""
    size = (network.size_px, network.size_px)
    # Colours are weighted by alpha, so that the reduced person does not mix with the colours outside.
    parts = (background, avatar * alpha[..., None], alpha)
    scene, weighed, share = (cv2.resize(part, size, interpolation=cv2.INTER_AREA) for part in parts)
    mask = np.where(share > 0.5, 1, 0).astype(np.float32)
    person = np.rint(weighed / np.maximum(share, 0.5)[..., None])
    cut = np.where(mask[..., None] > 0, person, 0).astype(np.uint8)
    inputs = torch.cat([to_tensor(scene), to_tensor(cut)])[None].to(device)
    transform = network.transform(inputs, torch.from_numpy(mask)[None, None].to(device))
    if network.settings["head"] == "colours":
        transform = torch.nn.functional.pixel_shuffle(transform, FOLD * network.settings["shrink"])
    return np.ascontiguousarray(transform[0].float().permute(1, 2, 0).cpu().numpy())


def upsample_transform(transform: np.ndarray, size: tuple[int, int], box: tuple[int, int, int, int]) -> np.ndarray:
    """Interpolate a part of the transform at the window's full size, bilinearly.

    Args:
        transform: (h, w, C) float32, covers the whole window.
        size: width and height of the window, px.
        box: x, y, width, height of the part, in px of the window.

    Returns:
        (height, width, C) float32.
    """
    x, y, width, height = box
    scale_x, scale_y = transform.shape[1] / size[0], transform.shape[0] / size[1]
    columns = (np.arange(x, x + width, dtype=np.float32) + 0.5) * np.float32(scale_x) - 0.5
    rows = (np.arange(y, y + height, dtype=np.float32) + 0.5) * np.float32(scale_y) - 0.5
    across, down = np.meshgrid(columns, rows)
    channels = [
        cv2.remap(part, across, down, interpolation=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for part in np.array_split(transform, -(-transform.shape[2] // 4), axis=2)
    ]
    return np.concatenate(channels, axis=2)


def apply_transform(network: FusionNetwork, transform: np.ndarray, avatar: np.ndarray) -> np.ndarray:
    """Apply the transform to the person's colours.

    Args:
        network: network that predicted the transform.
        transform: (H, W, 12) or (H, W, 3) float32.
        avatar: (H, W, 3) uint8.

    Returns:
        (H, W, 3) float32 in [0, 255], or a little outside.
    """
    if network.settings["head"] == "colours":
        return avatar + 255 * transform
    rgb = avatar.astype(np.float32)
    centred = rgb - np.float32(255 * PIVOT)
    mixed = [(transform[..., 3 * row : 3 * row + 3] * centred).sum(axis=2) for row in range(3)]
    return rgb + 255 * transform[..., 9:] + np.stack(mixed, axis=2)


def blend(background: np.ndarray, person: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Composite by alpha: (H, W, 3) uint8, equal to the background where alpha is 0."""
    mixed = background + alpha[..., None] * (person - background)
    return np.where(alpha[..., None] > 0, np.clip(np.rint(mixed), 0, 255), background).astype(np.uint8)
