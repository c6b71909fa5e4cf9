"""Training the fusion model: the two decoders on the same data and steps, and what a step costs beside smp's U-Net.

    python -m tests.benchmarks.carousel_training decoders --collages FOLDER [--steps 500]
    python -m tests.benchmarks.carousel_training step --collages FOLDER

The decoders train from random weights without the light estimate being taught first, so that what differs is theirs.
"""

import argparse
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from accelerate import Accelerator
from torch import nn

from carousel.fusion.network import Decoder, FusionNetwork
from carousel.fusion.training import FusionTrainingSettings, prepare_training
from carousel.fusion.training_samples import AvatarFusionDataset, load_entries, split
from tests.benchmarks.hardware import describe_machine
from tests.benchmarks.needs import find_peer

SHRUNK = FusionTrainingSettings(
    encoder="resnet18",
    decoder="transformer",
    head="affine",
    shrink=2,
    size_px=256,
    steps=500,
    batch=8,
    learning_rate=5e-4,
    l1_weight=0.5,
    masked_weight=1.0,
    perceptual_weight=0.0,
    light_samples=0,
    seed=1,
    workers=1,
)
FULL = replace(SHRUNK, encoder="resnet50", shrink=1)
DECODERS: tuple[Decoder, ...] = ("transformer", "cnn")
WARM_UP_STEPS, TIMED_STEPS = 2, 12


def main() -> None:
    """Run what was asked for and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["decoders", "step"])
    parser.add_argument("--collages", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=SHRUNK.steps)
    arguments = parser.parse_args()
    print(f"{describe_machine()}, {torch.get_num_threads()} threads")
    entries = split(load_entries(arguments.collages, SHRUNK.size_px), SHRUNK.held_out_share)
    trained = AvatarFusionDataset(arguments.collages, entries[0], SHRUNK.size_px, training=True, seed=SHRUNK.seed)
    held_out = AvatarFusionDataset(arguments.collages, entries[1], SHRUNK.size_px, training=False, seed=0)
    print(f"{len(trained)} collages to train on, {len(held_out)} held out")
    if arguments.what == "decoders":
        for decoder in DECODERS:
            compare(replace(SHRUNK, decoder=decoder, steps=arguments.steps), trained, held_out)
    else:
        time_steps(trained)


def compare(settings: FusionTrainingSettings, trained: AvatarFusionDataset, held_out: AvatarFusionDataset) -> None:
    """Train one decoder and print its row."""
    torch.manual_seed(settings.seed)
    network = FusionNetwork(settings.encoder, settings.decoder, settings.head, settings.shrink)
    every, accelerator = max(1, settings.steps // 4), Accelerator(cpu=True)
    training = prepare_training(network, settings, trained, held_out, accelerator=accelerator, measure_every=every)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        training.fit(Path(folder, "state.pth"), resume=False)
    minutes = (time.perf_counter() - started) / 60
    gains = ", ".join(f"{entry['held-out gain']:+.2f}" for entry in training.history)
    print(
        f"{settings.encoder} + {settings.decoder}: {millions(network):.1f} M parameters, {settings.steps} steps of "
        f"{settings.batch} in {minutes:.1f} min; held-out gain over pasting, dB, at each quarter: {gains}"
    )


def time_steps(trained: AvatarFusionDataset) -> None:
    """Print seconds of a step and the share of it spent waiting for samples, ours and smp's."""
    ours = FusionNetwork(FULL.encoder, FULL.decoder, FULL.head, FULL.shrink)
    report_step("ours, resnet50 + transformer", ours, trained)
    if smp := find_peer("segmentation_models_pytorch"):
        report_step("smp U-Net, resnet50", SmpFusion(smp), trained)


def report_step(name: str, network: nn.Module, trained: AvatarFusionDataset) -> None:
    """Print one row."""
    seconds, waited = step_seconds(network, trained)
    print(
        f"{name}: {millions(network):.1f} M parameters, {statistics.median(seconds):.2f} s a step of {FULL.batch} "
        f"at {FULL.size_px} px (lowest {min(seconds):.2f}), {waited / sum(seconds):.1%} of it waiting for samples"
    )


def step_seconds(network: Any, trained: AvatarFusionDataset) -> tuple[list[float], float]:
    """Seconds of each timed step with its wait, and of all waits together."""
    settings = replace(FULL, steps=WARM_UP_STEPS + TIMED_STEPS)
    accelerator = Accelerator(cpu=True)
    training = prepare_training(
        network, settings, trained, trained, accelerator=accelerator, measure_every=settings.steps
    )
    batches = training.task.batches(0, settings.steps)
    seconds: list[float] = []
    waited = 0.0
    for number in range(settings.steps):
        started = time.perf_counter()
        batch = next(batches)
        waiting = time.perf_counter() - started
        training.set_rate(number / settings.steps)
        training.step(batch)
        if number >= WARM_UP_STEPS:
            waited += waiting
            seconds.append(time.perf_counter() - started)
    return seconds, waited


class SmpFusion(nn.Module):
    """smp's U-Net from the same six channels to colours, composited as ours is."""

    def __init__(self, smp: ModuleType) -> None:
        super().__init__()
        self.unet = smp.Unet("resnet50", encoder_weights=None, in_channels=6, classes=3)
        self.size_px = FULL.size_px

    def forward(self, inputs: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """As of `FusionNetwork`."""
        background = inputs[:, :3]
        person: torch.Tensor = inputs[:, 3:] + self.unet(inputs)
        return background + mask * (person - background)


def millions(network: nn.Module) -> float:
    """Parameters in millions."""
    return sum(parameter.numel() for parameter in network.parameters()) / 1e6


if __name__ == "__main__":
    main()
