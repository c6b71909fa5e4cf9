"""Checkpoints of the mask model: tensors and plain values, loaded without running anything in them."""

import io
import pickle
import warnings
from pathlib import Path
from typing import Any

import torch

from common.devices import pick_device
from common.errors import UserError
from common.files import atomic_path
from common.paths import CHECKPOINTS
from masks.unet import UNet, fold_normalisation

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
        "format", "widths" (of the network), "model" (its state), "frames" (keys of the frames that it was trained
        on), "settings" and "figures" (plain values).

    Raises:
        UserError: missing, damaged, holding anything but tensors and plain values, or of another network.
    """
    path = find_checkpoint(path)
    try:
        content = load_plain(path)
    except pickle.UnpicklingError as error:
        raise UserError(f"{path}: refused, it holds more than tensors and plain values, or is damaged") from error
    except Exception as error:  # torch's readers raise nearly anything on damaged files
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
    except (RuntimeError, KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{path}: its tensors do not fit the network; it is a checkpoint of another one") from error
    return network.eval()


def write_checkpoint(path: Path, network: UNet, **plain: object) -> None:
    """Write a network and plain values atomically; convolutions are kept in half precision."""
    state = {name: tensor.cpu() for name, tensor in network.state_dict().items()}
    state = {name: tensor.half() if tensor.ndim == 4 else tensor for name, tensor in state.items()}
    save_plain(path, {"format": FORMAT, "widths": list(network.widths), "model": state, **plain})


def save_plain(path: Path, content: dict[str, Any]) -> None:
    """Write tensors and plain values atomically; a full disk is an OSError here, which torch.save hides."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with atomic_path(path) as part:
        part.write_bytes(buffer.getbuffer())


def load_plain(path: Path) -> Any:
    """Read tensors and plain values onto the CPU; torch's guesses at what a foreign file is are not shown."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.load(path, map_location="cpu", weights_only=True)


def check_not_shipped(output: Path) -> None:
    """Refuse an output inside checkpoints/masks/.

    Raises:
        UserError: it lies there.
    """
    if (CHECKPOINTS / "masks").resolve() in output.resolve().parents:
        raise UserError(f"setting OUTPUT is {output}; checkpoints that ship are not replaced by training")


def load_network(path: Path | str) -> tuple[UNet, torch.device]:
    """The network of a checkpoint, ready to predict (not to train), and the device that it lies on.

    Raises:
        UserError: as `find_checkpoint`, `read_checkpoint` and `network_of`.
    """
    device = pick_device()
    network = fold_normalisation(network_of(read_checkpoint(path), path))
    return network.to(memory_format=torch.channels_last).to(device), device
