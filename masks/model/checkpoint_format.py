"""Checkpoints of the mask model."""

from pathlib import Path
from typing import Any

import torch

from common import checkpoints
from common.devices import pick_device
from common.errors import UserError
from masks.model.onnx_runtime import OnnxNetwork
from masks.model.unet import CHANNELS, UNet, fold_normalisation

FORMAT = "re-live clothing mask U-Net 1"
PART = "masks"


def find_checkpoint(path: Path | str) -> Path:
    """Find a checkpoint as `common.checkpoints.find_checkpoint` does, for this part."""
    return checkpoints.find_checkpoint(path, PART)


def read_checkpoint(path: Path | str) -> dict[str, Any]:
    """Read a checkpoint of the mask model; see `common.checkpoints.read_checkpoint`.

    Returns:
        "format", "widths" (the network's), "model" (its state), "frames" (keys of the frames that it was trained on),
        "settings" and "figures" (plain values).
    """
    fields = {"widths": list, "frames": list}
    return checkpoints.read_checkpoint(find_checkpoint(path), FORMAT, "mask_model.py", fields)


def network_of(content: dict[str, Any], path: Path | str) -> UNet:
    """Build the network of a checkpoint, in evaluation mode.

    Raises:
        UserError: the tensors do not fit the network.
    """
    widths = tuple(content["widths"])
    try:
        if len(widths) > len(content["model"]):
            raise ValueError("more levels than tensors")
        return checkpoints.load_weights(lambda: UNet(widths), content["model"])
    except (RuntimeError, IndexError, TypeError, ValueError, OverflowError) as error:
        raise UserError(f"{path}: its tensors do not fit the network; it is a checkpoint of another one") from error


def write_checkpoint(path: Path, network: UNet, **plain: object) -> None:
    """Write a network and plain values atomically; convolutions are stored in half precision."""
    state = {name: tensor.cpu() for name, tensor in network.state_dict().items()}
    state = {name: tensor.half() if tensor.ndim == 4 else tensor for name, tensor in state.items()}
    checkpoints.save_plain(path, {"format": FORMAT, "widths": list(network.widths), "model": state, **plain})


def load_network(path: Path | str) -> tuple[UNet, torch.device]:
    """Load the network of a checkpoint for prediction (not for training); return it and its device.

    On a CPU, `runtime` of the network is what ONNX Runtime runs; prediction uses it.

    Raises:
        UserError: as `find_checkpoint`, `read_checkpoint` and `network_of`; or it answers the same for all pixels.
    """
    device = pick_device()
    network = fold_normalisation(network_of(read_checkpoint(path), path))
    with torch.inference_mode():
        noise = torch.rand(1, CHANNELS, 64, 64, generator=torch.Generator().manual_seed(0))
        if not float(network(noise).std()) > 0:  # nor NaN
            raise UserError(f"{path}: damaged, it gives all pixels the same value, or none; use another checkpoint")
    if device.type == "cpu":
        network.runtime = OnnxNetwork(network)
    return network.to(memory_format=torch.channels_last).to(device), device
