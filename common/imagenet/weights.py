"""Reading the pretrained layers of VGG16 and AlexNet.

The files of the registry package are pickled NumPy arrays. As a pickle can run any code, they are read by an unpickler
that accepts NumPy arrays only, and only after their SHA-256 has been checked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from common.array_pickle import read_arrays
from common.errors import UserError
from common.weights import EMBEDDED, is_present

Convolution = tuple[Tensor, Tensor]  # kernel (out, in, height, width) and bias (out,), float32

VGG16_FILE = "vgg16.ckpt"
ALEXNET_FILE = "alexnet.ckpt"
TORCHVISION_VGG16 = "vgg16-397923af.pth"  # as torchvision names it in the hub's cache


@dataclass(frozen=True)
class PretrainedLayers:
    """Layers of a network trained on ImageNet.

    Attributes:
        name: name of the weights, for the record of a run.
        convolutions: convolutions in the order of the network.
        heads: LPIPS weights, (channels,) for each stage; empty where the file has none.
    """

    name: str
    convolutions: Sequence[Convolution]
    heads: Sequence[Tensor] = ()


def load_vgg16() -> PretrainedLayers:
    """Load the 13 convolutions of VGG16 (Simonyan & Zisserman 2015) from torchvision's cache or the registry package.

    Raises:
        UserError: both files are missing.
    """
    cached = Path(torch.hub.get_dir()) / "checkpoints" / TORCHVISION_VGG16
    return read_torchvision(cached) if cached.is_file() else read_packaged(VGG16_FILE)


def load_alexnet() -> PretrainedLayers:
    """Load the five convolutions of AlexNet (Krizhevsky 2014) and the heads of LPIPS 0.1.

    Raises:
        UserError: the file is missing.
    """
    return read_packaged(ALEXNET_FILE)


def read_torchvision(path: Path) -> PretrainedLayers:
    """Read the convolutions of a state dict that torchvision published; other layers are not read from the disk.

    Raises:
        UserError: damaged, or weights of another network.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        names = [name.removesuffix(".weight") for name in state if name.startswith("features.") and "weight" in name]
        return PretrainedLayers(path.name, [(state[f"{name}.weight"], state[f"{name}.bias"]) for name in names])
    except Exception as error:  # torch's readers raise nearly anything on damaged files
        raise UserError(f"{path}: damaged, or not weights of torchvision; delete it") from error


def read_packaged(name: str) -> PretrainedLayers:
    """Read the layers of a file of the registry package after checking its SHA-256.

    Raises:
        UserError: missing, or not the pinned file.
    """
    weights = EMBEDDED[name]
    if not is_present(weights):
        what = "is not the pinned file" if weights.path.is_file() else "is not here"
        raise UserError(f"{weights.path}: {what}; fetch it: {weights.command}")
    with open(weights.path, "rb") as file:
        return parse_packaged(name, read_arrays(file))


def parse_packaged(name: str, tree: Mapping[str, Any]) -> PretrainedLayers:
    """Convert {"VGG16_0": {"Conv_0": {"kernel": HWIO, "bias"}, ...}, "NetLinLayer_0": ...} to PyTorch's layout."""
    backbone = next(layers for key, layers in tree.items() if not key.startswith("NetLinLayer"))
    layers = [backbone[f"Conv_{index}"] for index in range(len(backbone))]
    heads = [tree[f"NetLinLayer_{index}"]["Conv_0"]["kernel"] for index in range(len(tree) - 1)]
    return PretrainedLayers(
        name,
        [(_tensor(layer["kernel"].transpose(3, 2, 0, 1)), _tensor(layer["bias"])) for layer in layers],
        [_tensor(head.reshape(-1)) for head in heads],
    )


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(array, np.float32, order="C"))
