"""The classifiers of appearance as PyTorch networks, how they are fitted, and how they are written for OpenCV."""

import warnings
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from common.files import atomic_path

CLIP = 2.5  # deviations beyond which a measured value counts no more: photos unlike those of the training
LBFGS_STEPS = 50
COLOUR_STEPS = 250
MEMBERS = 5  # networks of a colour classifier, whose log-odds are averaged: one alone depends on its first weights


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


class ColourClassifier(nn.Module):
    """Reads `Colours.statistics`: Lab of skin and hair, and how other parts differ from the skin."""

    HIDDEN = 32

    def __init__(self, statistics: torch.Tensor, words: int) -> None:
        """Standardise by these examples, (n, values) float32."""
        super().__init__()
        columns = self.choose(statistics)
        self.mean = nn.Parameter(columns.mean(dim=0), requires_grad=False)
        self.scale = nn.Parameter(1 / (columns.std(dim=0) + 1e-3), requires_grad=False)
        self.members = nn.ModuleList(
            nn.Sequential(nn.Linear(columns.shape[1], self.HIDDEN), nn.Tanh(), nn.Linear(self.HIDDEN, words))
            for _ in range(MEMBERS)
        )

    @staticmethod
    def choose(s: torch.Tensor) -> torch.Tensor:
        """The columns of the network."""
        parts = [s[:, first : first + 3] - s[:, 0:3] for first in range(3, 27, 3)]
        return torch.cat([s[:, 0:3], s[:, 6:9], *parts, s[:, 27:36]], dim=1)

    def standardise(self, statistics: torch.Tensor) -> torch.Tensor:
        """(n, columns), within CLIP deviations."""
        return ((self.choose(statistics) - self.mean) * self.scale).clamp(-CLIP, CLIP)

    def forward(self, statistics: torch.Tensor) -> torch.Tensor:
        """Log-odds (n, words)."""
        columns = self.standardise(statistics)
        return torch.stack([member(columns) for member in self.members]).mean(dim=0)


class SkinClassifier(ColourClassifier):
    """Reads the rest of `Colours.statistics`, too: the spread over the face, teeth, nose and the whole picture."""

    @staticmethod
    def choose(s: torch.Tensor) -> torch.Tensor:
        """See ColourClassifier."""
        parts = [s[:, first : first + 3] - s[:, 0:3] for first in range(36, 57, 3)]
        return torch.cat([ColourClassifier.choose(s), *parts, s[:, 57:]], dim=1)


def example_weights(accepted: torch.Tensor, rarity: float) -> torch.Tensor:
    """(n,) weights with mean 1: at 0 all examples count alike, at 1 all words. Without an accepted word it is 0.

    Args:
        accepted: (n, words) float32, 1 where a word is accepted.
        rarity: 0 to 1.
    """
    shares = accepted / accepted.sum(dim=1, keepdim=True).clamp(min=1)
    weights = (shares / shares.sum(dim=0).clamp(min=1) ** rarity).sum(dim=1)
    return weights / weights.mean()


def set_loss(odds: torch.Tensor, accepted: torch.Tensor) -> torch.Tensor:
    """(n,) minus log of the share that all accepted words have together."""
    return -torch.logsumexp(torch.log_softmax(odds, dim=1) + torch.log(accepted.clamp(min=1e-9)), dim=1)


def fit_linear(network: LinearClassifier, values: torch.Tensor, accepted: torch.Tensor, decay: float) -> None:
    """Fit by L-BFGS.

    Args:
        network: fitted in place.
        values: (n, values) float32.
        accepted: (n, words) float32, 1 where a word is accepted.
        decay: L2 penalty of the weights.
    """
    weights = example_weights(accepted, 0.5)
    trained = [network.linear.weight, network.linear.bias]
    optimizer = torch.optim.LBFGS(trained, max_iter=LBFGS_STEPS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        total = (set_loss(network(values), accepted) * weights).mean() + decay * (network.linear.weight**2).sum()
        total.backward()
        return total

    optimizer.step(loss)


def fit_colours(
    network: ColourClassifier, statistics: torch.Tensor, accepted: torch.Tensor, rarity: float, noise: float
) -> None:
    """Fit by AdamW on all examples at once.

    Args:
        network: fitted in place.
        statistics: (n, values) float32, `Colours.statistics`.
        accepted: (n, words) float32, 1 where a word is accepted.
        rarity: see `example_weights`.
        noise: deviation of what is added to the standardised columns, against learning examples by heart.
    """
    weights, columns = example_weights(accepted, rarity), network.standardise(statistics)
    optimizer = torch.optim.AdamW(network.members.parameters(), 1e-2, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0, COLOUR_STEPS)
    for _ in range(COLOUR_STEPS):
        optimizer.zero_grad()
        for member in network.members:  # each learns alone
            odds = member(columns + noise * torch.randn_like(columns))
            (set_loss(odds, accepted) * weights).mean().backward()
        optimizer.step()
        schedule.step()


def convolutional_classifier(size: tuple[int, int], outputs: int) -> nn.Sequential:
    """A small network for pictures of this width and height in px, mean 0 and deviation 1."""
    layers: list[nn.Module] = []
    for inputs, channels, stride in ((3, 16, 2), (16, 32, 2), (32, 48, 1), (48, 64, 2), (64, 64, 1)):
        layers += [nn.Conv2d(inputs, channels, 3, stride, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(True)]
    cells = (size[0] // 16) * (size[1] // 16)
    layers += [nn.AvgPool2d(2), nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * cells, outputs)]
    return nn.Sequential(*layers)


def shifted(
    pictures: torch.Tensor, size: tuple[int, int], shown: tuple[float, float], rng: torch.Generator
) -> torch.Tensor:
    """Cut, mirror, tilt and re-light each picture a little differently, and standardise.

    Args:
        pictures: (n, 3, H, W) uint8.
        size: width and height of the pictures that come out, px.
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
    grid = functional.affine_grid(matrix, [count, 3, size[1], size[0]], align_corners=False)
    cut = functional.grid_sample(pictures.float() / 255, grid, align_corners=False, padding_mode="border")
    lit = cut ** spread(0.65, 1.45, 1, 1, 1) * spread(0.9, 1.1, 3, 1, 1)
    return (lit - lit.mean((1, 2, 3), keepdim=True)) / (lit.std((1, 2, 3), keepdim=True) + 0.05)


def write_onnx(network: nn.Module, shape: tuple[int, ...], path: Path) -> None:
    """Write a network for OpenCV; `shape` is that of one input with its batch of 1."""
    with atomic_path(path) as part, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the new exporter needs one more package
        torch.onnx.export(network.eval(), (torch.zeros(shape),), str(part), dynamo=False)
