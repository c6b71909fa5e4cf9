"""Reading and writing checkpoints of the fusion model."""

from pathlib import Path
from typing import Any

import torch

from carousel.fusion.network import FusionNetwork, check_size
from common import checkpoints
from common.errors import UserError

FORMAT = "re-live fusion model 1"
PART = "carousel"


def find_checkpoint(path: Path | str) -> Path:
    """Find a checkpoint by path, or by its bare name in checkpoints/carousel; see `common.checkpoints`."""
    return checkpoints.find_checkpoint(path, PART)


def read_checkpoint(path: Path | str) -> dict[str, Any]:
    """Read a checkpoint by `common.checkpoints.read_checkpoint`.

    Returns:
        "format", "network" (settings of `FusionNetwork`), "size_px" (side of the training samples), "model" (state
        dict), "settings" and "figures" (plain values).
    """
    fields = {"network": dict, "size_px": int}
    return checkpoints.read_checkpoint(find_checkpoint(path), FORMAT, "Train.py", fields)


def held_out_share(path: Path) -> float:
    """Share of the scenes that the checkpoint's training held out; 0 where it is not recorded."""
    settings = read_checkpoint(path).get("settings")
    if not isinstance(settings, dict):
        raise UserError(f"{path}: does not say which scenes its training held out; use another checkpoint")
    share = settings.get("held_out_share", 0)
    if not isinstance(share, float | int) or not 0 <= share < 1:
        raise UserError(f"{path}: damaged, its held_out_share is {share!r}; use another checkpoint")
    return float(share)


def network_of(content: dict[str, Any], path: Path | str) -> FusionNetwork:
    """Build the network of a checkpoint, in evaluation mode.

    Raises:
        UserError: the tensors do not match the network.
    """
    try:
        check_size(content["size_px"], content["network"]["shrink"])
        network = checkpoints.load_weights(lambda: FusionNetwork(**content["network"]), content["model"])
        network.size_px = content["size_px"]
    except (UserError, RuntimeError, KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise UserError(
            f"{path}: its tensors do not match its network; they belong to another encoder or decoder"
        ) from error
    return network


def write_checkpoint(path: Path, network: FusionNetwork, **plain: object) -> None:
    """Write a network and plain values atomically: weights in half precision, other tensors unchanged."""
    state = {name: tensor.cpu() for name, tensor in network.state_dict().items()}
    state = {name: t.half() if t.ndim > 1 and t.dtype == torch.float32 else t for name, t in state.items()}
    content = {"format": FORMAT, "network": network.settings, "size_px": network.size_px, "model": state, **plain}
    checkpoints.save_plain(path, content)
