"""Checkpoints of the mask model: tensors and plain values, loaded without running anything in them."""

import pickle
from pathlib import Path
from typing import Any

import torch

from common.errors import UserError
from common.files import atomic_path
from common.paths import CHECKPOINTS
from masks.unet import UNet

FORMAT = "re-live clothing mask U-Net 1"


def find_checkpoint(path: Path | str) -> Path:
    """The file itself, or, for a bare name that is not in the current folder, the one in checkpoints/masks/.

    Raises:
        UserError: neither exists.
    """
    path = Path(path)
    if path.exists() or path.name != str(path):
        if not path.is_file():
            raise UserError(f"{path}: no such checkpoint")
        return path
    shipped = CHECKPOINTS / "masks" / path
    if not shipped.is_file():
        raise UserError(f"{path}: no such checkpoint, neither here nor in {shipped.parent}")
    return shipped


def read_checkpoint(path: Path | str) -> dict[str, Any]:
    """Read a checkpoint onto the CPU; only tensors and plain values are allowed in it.

    Returns:
        "format", "widths" (of the network), "model" (its state), "sets" ({"trained": names, "held out": names}),
        "settings" and "figures" (plain values).

    Raises:
        UserError: missing, damaged, holding anything but tensors and plain values, or of another network.
    """
    path = find_checkpoint(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UserError(f"{path}: refused, it holds more than tensors and plain values, or is damaged") from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise UserError(f"{path}: damaged, or no checkpoint at all") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise UserError(f"{path}: a checkpoint of another model; it must be one that mask_model.py wrote")
    return content


def network_of(content: dict[str, Any], path: Path | str) -> UNet:
    """The network of a checkpoint, in evaluation mode.

    Raises:
        UserError: the tensors do not fit the network.
    """
    try:
        network = UNet(tuple(content["widths"]))
        network.load_state_dict({name: tensor.float() for name, tensor in content["model"].items()})
    except (RuntimeError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: its tensors do not fit the network; it is a checkpoint of another one") from error
    return network.eval()


def write_checkpoint(path: Path, network: UNet, **plain: object) -> None:
    """Write a network and plain values atomically; convolutions are kept in half precision."""
    state = {name: tensor.half() if tensor.ndim == 4 else tensor for name, tensor in network.state_dict().items()}
    with atomic_path(path) as part:
        torch.save({"format": FORMAT, "widths": list(network.widths), "model": state, **plain}, part)
