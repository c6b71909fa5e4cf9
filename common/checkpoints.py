"""Checkpoints and the states of training runs: tensors and plain values, loaded without running anything in them."""

import contextlib
import io
import math
import pickle
import warnings
import zipfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from common.errors import UserError
from common.files import atomic_path
from common.paths import CHECKPOINTS

Network = TypeVar("Network", bound=nn.Module)
DTYPES = {torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int64, torch.int32, torch.bool}
SPEED_ALONE = ("workers",)  # settings that change nothing but the time; a resumed run may have others


def find_checkpoint(path: Path | str, part: str) -> Path:
    """The file itself, or, for a bare name that is not in the current folder, the one in checkpoints/<part>/.

    Raises:
        UserError: neither exists.
    """
    path = Path(path)
    if path.exists() or path.name != str(path):
        if not path.is_file():
            raise UserError(f"{path}: no such checkpoint")
        return path
    shipped = CHECKPOINTS / part / path
    if not shipped.is_file():
        raise UserError(f"{path}: no such checkpoint, neither here nor in {shipped.parent}")
    return shipped


def read_checkpoint(path: Path, form: str, maker: str, fields: Mapping[str, type]) -> dict[str, Any]:
    """Read a checkpoint onto the CPU; only tensors and plain values are allowed in it.

    Args:
        path: the file.
        form: what its "format" must be.
        maker: the script that writes such checkpoints, for the message.
        fields: type of each other field that it must have; "model", its tensors by name, is always one.

    Raises:
        UserError: damaged, holding anything but tensors and plain values, of another format, without a field, or with
            a weight that is NaN or infinite.
    """
    try:
        content = load_plain(path)
    except pickle.UnpicklingError as error:
        raise UserError(f"{path}: refused, it holds more than tensors and plain values, or is damaged") from error
    except Exception as error:  # torch's readers raise nearly anything on damaged files
        raise UserError(f"{path}: damaged, or no checkpoint at all") from error
    if not isinstance(content, dict) or content.get("format") != form:
        raise UserError(f"{path}: a checkpoint of another model; it must be one that {maker} wrote")
    for name, kind in {**fields, "model": dict}.items():
        if not isinstance(content.get(name), kind):
            what = f"is of type {type(content[name]).__name__}" if name in content else "is missing"
            raise UserError(f"{path}: damaged, its field {name!r} {what}; use another checkpoint")
    for name, tensor in content["model"].items():
        if fault := fault_of(tensor):
            raise UserError(f"{path}: damaged, its weight {name!r} {fault}")
    return content


def fault_of(tensor: Any) -> str:
    """Why something read from a file is no tensor of weights, as the end of a message; empty where it is one."""
    if not isinstance(tensor, torch.Tensor):
        return "is no tensor"
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.dtype not in DTYPES:
        return f"is of a type that weights do not have, {tensor.dtype} {tensor.layout}"
    if tensor.device.type != "cpu" or tensor.untyped_storage().nbytes() < tensor.numel() * tensor.element_size():
        return "has fewer values than its size says"
    return "" if torch.isfinite(tensor).all() else "has values that are no numbers"


def load_weights(build: Callable[[], Network], weights: Mapping[str, torch.Tensor]) -> Network:
    """Build a network and give it these weights, in evaluation mode.

    It is built without memory first, so that sizes which the weights do not bear out cost nothing.

    Raises:
        RuntimeError: the weights do not fit; or what else `build` raises where its arguments are nonsense.
    """
    with torch.device("meta"):
        planned = {name: (t.shape, t.is_floating_point()) for name, t in build().state_dict().items()}
    if planned != {name: (tensor.shape, tensor.is_floating_point()) for name, tensor in weights.items()}:
        raise RuntimeError("names, types or sizes of the weights differ from those of the network")
    network = build()
    network.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
    return network.eval()


def save_plain(path: Path, content: dict[str, Any]) -> None:
    """Write tensors and plain values atomically; a full disk is an OSError here, which torch.save hides."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with atomic_path(path) as part:
        part.write_bytes(buffer.getbuffer())


def load_plain(path: Path) -> Any:
    """Read tensors and plain values onto the CPU; torch's guesses at what a foreign file is are not shown.

    Raises:
        pickle.UnpicklingError: more than that, or packed: torch itself packs nothing, and unpacks whatever there is.
        Exception: damaged; torch's readers raise nearly anything.
    """
    with contextlib.suppress(zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
        if sum(member.file_size for member in archive.infolist()) > path.stat().st_size:
            raise pickle.UnpicklingError("more bytes than the file has")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.load(path, map_location="cpu", weights_only=True)


def read_state(path: Path, settings: Any, free: Collection[str] = ()) -> dict[str, Any]:
    """The state of a training run to go on with: a dict whose "settings" are those of the run.

    Args:
        path: the file.
        settings: a dataclass of plain values, of the run that goes on.
        free: names of settings that may have changed.

    Raises:
        UserError: missing, damaged, or of a run with other settings.
    """
    if not path.is_file():
        raise UserError(f"{path}: nothing to resume; start without --resume")
    try:
        state = load_plain(path)
        before = type(settings)(**state["settings"])
    except Exception as error:  # torch's readers raise nearly anything on damaged files
        raise UserError(f"{path}: damaged; start without --resume") from error
    changed = [
        f"{name.upper()} was {value}, now {getattr(settings, name)}"
        for name, value in asdict(before).items()
        if value != getattr(settings, name) and name not in {*SPEED_ALONE, *free}
    ]
    if changed:
        raise UserError(f"{path}: the run to resume had other settings: {', '.join(changed)}")
    return state


def learning_rate(highest: float, progress: float, warm_up: float) -> float:
    """Warm-up over a share of the run, then a cosine to nothing; `progress` goes from 0 to 1 over the whole run."""
    rising = min(1.0, (progress + 1e-9) / warm_up)
    return highest * rising * 0.5 * (1 + math.cos(math.pi * progress))


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, steps: int, decay: float) -> None:
    """Move averaged weights and statistics a little towards the trained ones; faster in the first steps."""
    means, values = [], []
    for mean, value in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if mean.dtype.is_floating_point:
            means.append(mean)
            values.append(value)
        else:
            mean.copy_(value)
    get_ema_multi_avg_fn(min(decay, (1 + steps) / (10 + steps)))(means, values, steps)  # all of them at once
