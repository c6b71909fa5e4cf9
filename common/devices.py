"""The device that models run on, and the seed that makes a run repeatable."""

import importlib.util
import random
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def pick_device() -> "torch.device":
    """CUDA where there is one, then Apple's MPS, then the CPU."""
    import torch

    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def describe_device() -> str:
    """The device in words, for `run.py check`; works without torch."""
    if importlib.util.find_spec("torch") is None:
        return "CPU (torch is not installed; the parts that are here do not need it)"
    import torch

    device = pick_device()
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{torch.get_num_threads()} threads"
    return f"{device.type.upper()} ({name}, torch {torch.__version__})"


def seed_everything(seed: int) -> np.random.Generator:
    """Seed Python, NumPy and (where installed) torch; return a NumPy generator of the same seed."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    if importlib.util.find_spec("torch") is not None:
        import torch

        torch.manual_seed(seed)
    return np.random.default_rng(seed)
