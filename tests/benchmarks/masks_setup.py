"""What the benchmarks of masks share: the real sets, the peer network, scores."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from masks.model.inference import predict_masks
from masks.model.metrics import f1_score
from masks.model.threshold_baselines import best_threshold
from masks.sets.pairs import read_mask, read_pair
from masks.sets.training_sets import FrameSet, gather_training_data
from tests.benchmarks.needs import find_peer, real_files

TUNED_ON = ("walk_north", "walk_south", "vector_bust")  # sets used while the random figures were designed
CPU = torch.device("cpu")


def real_sets(*needed: str) -> dict[str, FrameSet]:
    """The real sprites by name of set, the needed ones among them."""
    for name in needed or ("*",):
        folder = real_files(f"masks/frames_backup_{name}")[0].parent
    return {frame_set.name: frame_set for frame_set in gather_training_data(folder)}


def peer_network() -> nn.Module | None:
    """smp's U-Net with a ResNet-34 encoder and no pretrained weights; None where smp is not installed."""
    smp = find_peer("segmentation_models_pytorch")
    return smp and smp.Unet("resnet34", encoder_weights=None, in_channels=8, classes=1)


def score_set(network: nn.Module, frame_set: FrameSet) -> list[float]:
    """F1 of every frame of a set."""
    masks = predict_masks(network.eval(), [(pair.base, pair.clothed) for pair in frame_set.pairs], CPU)
    return [f1_score(mask, read_mask(_mask(pair.mask))) for mask, pair in zip(masks, frame_set.pairs, strict=True)]


def threshold_scores(frame_set: FrameSet) -> list[float]:
    """F1 of every frame by the best single threshold of the set: the trivial baseline."""
    frames = [read_pair(pair) for pair in frame_set.pairs]
    return list(best_threshold(frames, [read_mask(_mask(pair.mask)) for pair in frame_set.pairs])[1])


def _mask(path: Path | None) -> Path:
    assert path is not None
    return path


def print_table(title: str, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[float]]]) -> None:
    """A table of scores with three digits after the point."""
    print(f"\n{title}\n{'':<34}" + "".join(f"{name:>17}" for name in columns))
    for name, values in rows:
        print(f"{name:<34}" + "".join(f"{value:>17.3f}" for value in values))


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean."""
    return float(np.mean(values))
