"""The classifiers of appearance as PyTorch networks, how they are fitted, and how they are written for OpenCV."""

import warnings
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from common.files import atomic_path

CLIP = 2.5  # deviations beyond which a measured value counts no more: photos unlike those of the training
LBFGS_STEPS = 50


class LinearClassifier(nn.Module):
    """Multinomial logistic regression on standardised, clipped values."""

    def __init__(self, columns: torch.Tensor, words: int) -> None:
        """Standardise by these examples, (n, values) float32."""
        super().__init__()
        self.mean = nn.Parameter(columns.mean(dim=0), requires_grad=False)
        self.scale = nn.Parameter(1 / (columns.std(dim=0) + 1e-3), requires_grad=False)
        self.linear = nn.Linear(columns.shape[1], words)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Log-odds (n, words)."""
        return self.linear(((values - self.mean) * self.scale).clamp(-CLIP, CLIP))


class SkinClassifier(LinearClassifier):
    """Reads `Colours.statistics`: skin, and how lips, brows, eye whites, hair and forehead differ from it."""

    def __init__(self, statistics: torch.Tensor, words: int) -> None:
        """See LinearClassifier."""
        super().__init__(self.choose(statistics), words)

    @staticmethod
    def choose(s: torch.Tensor) -> torch.Tensor:
        """The columns of the regression."""
        skin = s[:, 0:3]
        parts = [s[:, first : first + 3] - skin for first in (12, 15, 21, 18, 6, 24)]
        return torch.cat([skin, *parts, s[:, 27:31]], dim=1)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Log-odds (n, words)."""
        return super().forward(self.choose(values))


class HairClassifier(LinearClassifier):
    """Reads `Colours.statistics` without the ground behind the person."""

    def __init__(self, statistics: torch.Tensor, words: int) -> None:
        """See LinearClassifier."""
        super().__init__(self.choose(statistics), words)

    @staticmethod
    def choose(s: torch.Tensor) -> torch.Tensor:
        """The columns of the regression."""
        return torch.cat([s[:, :31], s[:, 34:]], dim=1)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Log-odds (n, words)."""
        return super().forward(self.choose(values))


def fit_linear(
    network: LinearClassifier, values: torch.Tensor, shares: torch.Tensor, rarity: float, decay: float
) -> None:
    """Fit by L-BFGS.

    Args:
        network: fitted in place.
        values: (n, values) float32.
        shares: (n, words) float32, accepted words of each example, which sum to 1.
        rarity: 0 weighs all examples alike, 1 all words alike.
        decay: L2 penalty of the weights.
    """
    weights = (shares / shares.sum(dim=0).clamp(min=1) ** rarity).sum(dim=1)
    weights = weights / weights.mean()
    trained = [network.linear.weight, network.linear.bias]
    optimizer = torch.optim.LBFGS(trained, max_iter=LBFGS_STEPS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        likelihood = (torch.log_softmax(network(values), dim=1) * shares).sum(dim=1)
        total = -(likelihood * weights).mean() + decay * (network.linear.weight**2).sum()
        total.backward()
        return total

    optimizer.step(loss)


def convolutional_classifier(size_px: int, outputs: int) -> nn.Sequential:
    """A small network for pictures of size_px a side, mean 0 and deviation 1."""
    layers: list[nn.Module] = []
    for inputs, channels, stride in ((3, 16, 2), (16, 32, 2), (32, 48, 1), (48, 64, 2), (64, 64, 1)):
        layers += [nn.Conv2d(inputs, channels, 3, stride, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(True)]
    side = size_px // 16
    layers += [nn.AvgPool2d(2), nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * side * side, outputs)]
    return nn.Sequential(*layers)


def shifted(pictures: torch.Tensor, size_px: int, shown: tuple[float, float], rng: torch.Generator) -> torch.Tensor:
    """Cut, mirror, tilt and re-light each picture a little differently, and standardise.

    Args:
        pictures: (n, 3, H, W) uint8.
        size_px: side of the squares that come out.
        shown: least and largest share of each side that is kept.
        rng: random generator.
    """
    count = len(pictures)

    def spread(low: float, high: float, *shape: int) -> torch.Tensor:
        return torch.rand(count, *shape, generator=rng) * (high - low) + low

    share, mirror = spread(*shown), (spread(0, 1) < 0.5).float() * 2 - 1
    tilt = 0.06 * torch.randn(count, generator=rng)
    matrix = torch.zeros(count, 2, 3)
    matrix[:, 0, 0], matrix[:, 1, 1] = share * mirror, share * (1 + 0.06 * torch.randn(count, generator=rng))
    matrix[:, 0, 1], matrix[:, 1, 0] = tilt, -tilt
    matrix[:, :, 2] = 0.04 * torch.randn(count, 2, generator=rng)
    grid = functional.affine_grid(matrix, [count, 3, size_px, size_px], align_corners=False)
    cut = functional.grid_sample(pictures.float() / 255, grid, align_corners=False, padding_mode="border")
    lit = cut ** spread(0.65, 1.45, 1, 1, 1) * spread(0.9, 1.1, 3, 1, 1)
    return (lit - lit.mean((1, 2, 3), keepdim=True)) / (lit.std((1, 2, 3), keepdim=True) + 0.05)


def write_onnx(network: nn.Module, shape: tuple[int, ...], path: Path) -> None:
    """Write a network for OpenCV; `shape` is that of one input with its batch of 1."""
    with atomic_path(path) as part, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the new exporter needs one more package
        torch.onnx.export(network.eval(), (torch.zeros(shape),), str(part), dynamo=False)
