"""Checkpoints of the fusion model."""

from pathlib import Path
from typing import Any

import torch

from carousel.fusion.network import FusionNetwork, check_size
from common import checkpoints
from common.errors import UserError

FORMAT = "re-live fusion model 1"
PART = "carousel"


def find_checkpoint(path: Path | str) -> Path:
    """As `common.checkpoints.find_checkpoint`, with the ones of this part."""
    return checkpoints.find_checkpoint(path, PART)


def read_checkpoint(path: Path | str) -> dict[str, Any]:
    """Read a checkpoint, by `common.checkpoints.read_checkpoint`.

    Returns:
        "format", "network" (the settings of `FusionNetwork`), "size_px" (side that it was trained at), "model" (its
        state), "settings" and "figures" (plain values).
    """
    return checkpoints.read_checkpoint(find_checkpoint(path), FORMAT, "Train.py")


def held_out_share(path: Path) -> float:
    """Share of the scenes that the training of a checkpoint held out; 0 where it does not say."""
    share = read_checkpoint(path)["settings"].get("held_out_share", 0)
    if not isinstance(share, float | int) or not 0 <= share < 1:
        raise UserError(f"{path}: damaged, it says that {share!r} of the scenes were held out")
    return float(share)


def network_of(content: dict[str, Any], path: Path | str) -> FusionNetwork:
    """The network of a checkpoint, in evaluation mode.

    Raises:
        UserError: the tensors do not fit the network, as with the tensors of the other decoder.
    """
    try:
        check_size(content["size_px"], content["network"]["shrink"])
        network = FusionNetwork(**content["network"])
        network.load_state_dict({name: tensor.float() for name, tensor in content["model"].items()})
        network.size_px = content["size_px"]
    except (UserError, RuntimeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{path}: its tensors do not fit; they are of another encoder or decoder") from error
    return network.eval()


def write_checkpoint(path: Path, network: FusionNetwork, **plain: object) -> None:
    """Write a network and plain values atomically, weights in half precision; sums of normalisation stay whole."""
    state = {name: tensor.cpu() for name, tensor in network.state_dict().items()}
    state = {name: t.half() if t.ndim > 1 and t.dtype == torch.float32 else t for name, t in state.items()}
    content = {"format": FORMAT, "network": network.settings, "size_px": network.size_px, "model": state, **plain}
    checkpoints.save_plain(path, content)
