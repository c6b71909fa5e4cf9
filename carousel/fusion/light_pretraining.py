"""Pretraining of the light estimate on colour statistics, before the whole network is trained.

Statistics are small: once computed, thousands of samples can be reused for many epochs in seconds. The mean squared
error of a colour transform over the person's pixels follows from their moments, so that no pictures are needed.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from carousel.fusion.light_statistics import light_statistics
from carousel.fusion.network import COEFFICIENTS, PIVOT, FusionNetwork
from carousel.fusion.training_samples import AvatarFusionDataset
from common.checkpoints import learning_rate
from common.training import one_thread

BATCH = 128
EPOCHS = 40
LEARNING_RATE = 1e-3
WARM_UP = 0.03
WEIGHT_DECAY = 0.1


class LightSamples(Dataset[dict[str, Tensor]]):
    """Each sample's statistics, (COUNT,), and moments of the person's pasted and true pixels.

    The moments are "second" (4, 4) and "cross" (4, 3), means of products with the homogeneous pasted colour, and
    "power", the mean square of the true one; colours are centred at PIVOT.
    """

    def __init__(self, samples: AvatarFusionDataset, count: int) -> None:
        self.samples = samples
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        example = self.samples.example(index)
        on = example.mask > 0
        pictures = [torch.from_numpy(p).permute(2, 0, 1)[None] / 255 for p in (example.background, example.avatar)]
        statistics = light_statistics(pictures[0], pictures[1], torch.from_numpy(on)[None, None].float())[0]
        pasted = np.column_stack([example.avatar[on] / 255 - PIVOT, np.ones(on.sum())])
        truth = example.truth[on] / 255 - PIVOT
        moments = {"second": pasted.T @ pasted, "cross": pasted.T @ truth, "power": (truth**2).sum()}
        pixels = max(1, len(truth))
        return {"statistics": statistics} | {n: torch.tensor(m / pixels).float() for n, m in moments.items()}


def pretrain_light(network: FusionNetwork, samples: AvatarFusionDataset, count: int, workers: int, seed: int) -> None:
    """Train the part of the light estimate that uses statistics, in place.

    Args:
        network: network with an affine head.
        samples: training samples.
        count: number of samples.
        workers: processes that compute statistics.
        seed: seed of the order.
    """
    loader = DataLoader(
        LightSamples(samples, count),
        batch_size=32,
        num_workers=workers,
        multiprocessing_context="spawn" if workers else None,
        worker_init_fn=one_thread,
    )
    taken = list(tqdm(loader, desc="statistics of light", unit="batch"))
    data = {name: torch.cat([batch[name] for batch in taken]) for name in taken[0]}
    estimate = nn.Sequential(network.light.statistics, network.light.mix).train()
    optimiser = torch.optim.AdamW(estimate.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=True)
    order = np.random.default_rng(seed)
    steps = max(1, EPOCHS * count // BATCH)
    for step in tqdm(range(steps), desc="estimate of light", unit="step"):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(LEARNING_RATE, step / steps, WARM_UP)
        chosen = torch.from_numpy(order.integers(0, count, BATCH))
        batch = {name: values[chosen] for name, values in data.items()}
        error = squared_error(estimate(batch["statistics"]), batch["second"], batch["cross"], batch["power"])
        optimiser.zero_grad()
        error.sqrt().mean().backward()
        optimiser.step()


def squared_error(coefficients: Tensor, second: Tensor, cross: Tensor, power: Tensor) -> Tensor:
    """Compute a transform's mean squared error over pixels and channels from moments.

    Args:
        coefficients: (B, 12), see `apply_affine`.
        second: (B, 4, 4), from `LightSamples`, as are the others.
        cross: (B, 4, 3).
        power: (B,).

    Returns:
        (B,), clamped to at least 1e-6.
    """
    assert coefficients.shape[1] == COEFFICIENTS
    matrix = coefficients[:, :9].unflatten(1, (3, 3)) + torch.eye(3)
    rows = torch.cat([matrix, coefficients[:, 9:, None]], dim=2)
    squares = (rows @ second * rows).sum(dim=(1, 2)) - 2 * (rows * cross.transpose(1, 2)).sum(dim=(1, 2)) + power
    return (squares / 3).clamp(min=1e-6)
