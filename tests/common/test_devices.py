import importlib.util
import random

import numpy as np
import pytest

from common.devices import describe_device, pick_device, seed_everything

HAS_TORCH = importlib.util.find_spec("torch") is not None
needs_torch = pytest.mark.skipif(not HAS_TORCH, reason="torch is not installed; the parts that are here do not need it")


def draws(generator: np.random.Generator) -> list[float]:
    numbers = [random.random(), float(np.random.rand()), float(generator.random())]
    if HAS_TORCH:
        import torch

        numbers.append(float(torch.rand(())))
    return numbers


@pytest.mark.parametrize("seed", [0, 7, 2**32 - 1, 2**32, 2**40 + 3])
def test_one_seed_repeats_every_source_of_chance(seed: int) -> None:
    first = draws(seed_everything(seed))
    assert draws(seed_everything(seed)) == first
    other = draws(seed_everything(seed + 1))
    assert all(a != b for a, b in zip(first, other, strict=True))


def test_the_generator_is_numpys_own_of_that_seed() -> None:
    expected = np.random.default_rng(42).integers(0, 1000, 5)
    assert seed_everything(42).integers(0, 1000, 5).tolist() == expected.tolist()


@pytest.mark.skipif(HAS_TORCH, reason="torch is installed")
def test_without_torch_the_device_is_the_cpu_and_says_why() -> None:
    text = describe_device()
    assert text.startswith("CPU") and "torch is not installed" in text


@needs_torch
def test_the_device_is_one_that_can_compute() -> None:
    import torch

    device = pick_device()
    total = torch.ones(3, device=device).sum().item()
    assert total == 3
    best = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    assert device.type == best
    assert describe_device().startswith(best.upper())
    assert torch.__version__ in describe_device()
