"""The estimate of light: one colour transform for the whole person, and how far it can be trusted."""

from typing import Self

import torch
from torch import Tensor, nn

from carousel.fusion.light_statistics import COUNT

COEFFICIENTS = 12  # a 3 x 3 matrix and an offset
PIVOT = 0.5  # grey level that the matrix leaves unchanged
MEMBERS = 5  # estimates whose mean is taken
INPUT_DROPOUT, DROPOUT = 0.2, 0.3
WIDTHS = (512, 128)  # of the hidden layers of a member
CONFIDENCE_WIDTH = 64
LARGEST = 6  # limit of standardised statistics: some bins are almost always empty


class LightEstimate(nn.Module):
    """Several estimates from colour statistics, whose mean is shrunk towards pasting by a learnt confidence."""

    def __init__(self) -> None:
        super().__init__()
        self.normalise = nn.BatchNorm1d(COUNT, eps=1e-4, affine=False).eval()
        self.members = nn.ModuleList(member() for _ in range(MEMBERS))
        self.confidence = nn.Sequential(
            nn.Dropout(DROPOUT),
            nn.Linear(COUNT, CONFIDENCE_WIDTH),
            nn.GELU(),
            nn.Linear(CONFIDENCE_WIDTH, 1),
            nn.Sigmoid(),
        )

    def train(self, mode: bool = True) -> Self:
        """Set the mode of all modules; statistics are standardised by fixed figures in both."""
        super().train(mode)
        self.normalise.eval()
        return self

    def standardise(self, statistics: Tensor) -> None:
        """Fix the figures by which statistics are standardised, from (N, COUNT) samples."""
        assert self.normalise.running_mean is not None and self.normalise.running_var is not None
        self.normalise.running_mean.copy_(statistics.mean(0))
        self.normalise.running_var.copy_(statistics.var(0, correction=0))

    def standardised(self, statistics: Tensor) -> Tensor:
        """Statistics (B, COUNT) in standard deviations from their mean."""
        return self.normalise(statistics).clamp(-LARGEST, LARGEST)

    def forward(self, statistics: Tensor, fold: Tensor | None = None) -> Tensor:
        """Estimate the transform.

        Args:
            statistics: (B, COUNT), result of `light_statistics`.
            fold: (B,) int64, numbers of the members that have not learnt these scenes: they alone are asked; None: the
                mean of all.

        Returns:
            (B, 12) coefficients.
        """
        inputs = self.standardised(statistics)
        said = torch.stack([one(inputs) for one in self.members])
        chosen = said.mean(0) if fold is None else said[fold, torch.arange(len(fold), device=fold.device)]
        return self.confidence(inputs) * chosen


def member() -> nn.Sequential:
    """One estimate, which changes nothing until it is trained."""
    layers: list[nn.Module] = [nn.Dropout(INPUT_DROPOUT)]
    before = COUNT
    for width in WIDTHS:
        layers += [nn.Linear(before, width), nn.GELU(), nn.Dropout(DROPOUT)]
        before = width
    last = nn.Linear(before, COEFFICIENTS)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(*layers, last)
