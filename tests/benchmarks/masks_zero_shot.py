"""How well the shipped mask model does on real sprites that it has never seen.

    python -m tests.benchmarks.masks_zero_shot                 the shipped model beside the best threshold
    python -m tests.benchmarks.masks_zero_shot --minutes 20    and our network and smp's, each trained that long, here,
                                                               on the same random figures

Sets used while the random figures were designed are reported apart from the four that were not.
"""

import argparse
import time

import torch
from accelerate.utils import send_to_device
from torch import nn

from masks.model.checkpoint_format import load_network
from masks.model.training import TrainingSettings, prepare
from masks.model.training_samples import TrainingSamples, collate
from masks.model.unet import UNet
from tests.benchmarks.hardware import describe_machine
from tests.benchmarks.masks_setup import (
    CPU,
    TUNED_ON,
    mean,
    peer_network,
    print_table,
    real_sets,
    score_set,
    threshold_scores,
)

BATCH = 8
LEARNING_RATE = 2e-3


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=0)
    minutes = parser.parse_args().minutes
    print(describe_machine())
    sets = real_sets()
    threshold = {name: threshold_scores(frame_set) for name, frame_set in sets.items()}
    networks: dict[str, nn.Module] = {"shipped model": load_network("mask_model.pth")[0].to(CPU)}
    if minutes:
        networks[f"ours, {minutes:g} min here"] = train_for(minutes, UNet())
        if peer := peer_network():
            networks[f"smp resnet34, {minutes:g} min here"] = train_for(minutes, peer)
    scores = {name: {s: score_set(network, sets[s]) for s in sets} for name, network in networks.items()}
    scores["best threshold"] = threshold
    for title, names in (
        ("used while designing", [s for s in sets if s in TUNED_ON]),
        ("not used", [s for s in sets if s not in TUNED_ON]),
    ):
        rows = [(f"{who}, mean F1", [mean(by_set[s]) for s in names]) for who, by_set in scores.items()]
        rows += [("shipped model, worst frame", [min(scores["shipped model"][s]) for s in names])]
        print_table(title, names, rows)
    for who, by_set in scores.items():
        means = [mean(values) for values in by_set.values()]
        print(f"{who:<34} mean over all sets {mean(means):.3f}, worst set {min(means):.3f}")


def train_for(minutes: float, network: nn.Module) -> nn.Module:
    """Train on fresh random figures for a time; the learning rate falls with it."""
    torch.manual_seed(1)
    settings = TrainingSettings(
        epochs=1, batch=BATCH, learning_rate=LEARNING_RATE, dice_weight=0.7, drawn_share=1.0, seed=1, workers=0
    )
    samples = TrainingSamples([], length=10**9, drawn_share=1.0, seed=settings.seed)
    training = prepare(settings, network, samples, held_out=[])  # type: ignore[arg-type]
    started, step, progress = time.perf_counter(), 0, 0.0
    while progress < 1:
        training.set_rate(progress)
        batch = collate([samples[step * BATCH + index] for index in range(BATCH)])
        training.step(send_to_device(batch, training.accelerator.device))
        step += 1
        progress = (time.perf_counter() - started) / (60 * minutes)
    print(f"{type(network).__name__} of {type(network).__module__}: {step * BATCH} figures in {minutes:g} min")
    return training.average.to(CPU)


if __name__ == "__main__":
    main()
