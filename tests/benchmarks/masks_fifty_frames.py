"""Training on fifty real frames (walk_north and walk_south), by the protocol that clothing-mask tools report.

    python -m tests.benchmarks.masks_fifty_frames scratch      ours and smp's network, from random weights, same epochs
    python -m tests.benchmarks.masks_fifty_frames fine-tuned   going on from the shipped model
    python -m tests.benchmarks.masks_fifty_frames loss         binary cross-entropy alone beside Dice + cross-entropy
    ... --epochs 40                                            a shorter run

All runs end with the averaged weights of the last epoch: no held-out frame chooses among them.
"""

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from masks.mask_model import DRAWN_SHARE_FINE_TUNING, EPOCHS, LEARNING_RATE_FINE_TUNING, LEARNING_RATE_SCRATCH
from masks.model.checkpoint_format import load_network, network_of, read_checkpoint
from masks.model.training import TrainingSettings, fit
from masks.model.training_samples import TrainingSamples, load_frames
from masks.model.unet import UNet
from masks.sets.training_sets import FrameSet
from tests.benchmarks.hardware import describe_machine
from tests.benchmarks.masks_setup import CPU, mean, peer_network, print_table, real_sets, score_set, threshold_scores

SEEN = ("walk_north", "walk_south")
SAME_STYLE = ("walk_east", "run_west")
SCRATCH = TrainingSettings(
    epochs=EPOCHS,
    batch=8,
    learning_rate=LEARNING_RATE_SCRATCH,
    dice_weight=0.7,
    drawn_share=0.0,
    seed=1,
    workers=0,
)
SHIPPED = "mask_model.pth"


def main() -> None:
    """Train what was asked for and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["scratch", "fine-tuned", "loss"])
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    arguments = parser.parse_args()
    print(f"{describe_machine()}, {torch.get_num_threads()} threads, {arguments.epochs} epochs of 50 frames")
    sets = real_sets(*SEEN, *SAME_STYLE)
    scratch = replace(SCRATCH, epochs=arguments.epochs)
    scores = {"best threshold": {name: threshold_scores(frame_set) for name, frame_set in sets.items()}}
    if arguments.what == "scratch":
        runs = {"ours": (UNet, scratch), "smp resnet34": (peer_network, scratch)}
    elif arguments.what == "loss":
        alone = replace(scratch, dice_weight=0.0)
        runs = {"Dice + cross-entropy": (UNet, scratch), "cross-entropy alone": (UNet, alone)}
    else:
        scores["shipped, zero-shot"] = score_sets(load_network(SHIPPED)[0].to(CPU), sets)
        going_on = replace(scratch, learning_rate=LEARNING_RATE_FINE_TUNING, drawn_share=DRAWN_SHARE_FINE_TUNING)
        runs = {"shipped, fine-tuned": (lambda: network_of(read_checkpoint(SHIPPED), SHIPPED), going_on)}
    for name, (make, settings) in runs.items():
        torch.manual_seed(settings.seed)
        started = make()
        if started is None:
            continue
        wall, processor = time.perf_counter(), time.process_time()
        network = train_frames(started, [sets[name] for name in SEEN], settings)
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        print(f"\n{name}: {wall / 60:.1f} min, {processor / 60:.1f} min of processor time")
        scores[name] = score_sets(network, sets)
        print_scores(scores)


def train_frames(network: nn.Module, sets: list[FrameSet], settings: TrainingSettings) -> nn.Module:
    """Train any network as `masks` does; returns the averaged weights."""
    frames = load_frames(sets)
    samples = TrainingSamples(frames, length=len(frames), drawn_share=settings.drawn_share, seed=settings.seed)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder, "model.pth")
        training = fit(settings, network, samples, held_out=[], checkpoint=checkpoint, resume=False)  # type: ignore[arg-type]
    return training.average.to(CPU)


def score_sets(network: nn.Module, sets: dict[str, FrameSet]) -> dict[str, list[float]]:
    """F1 of every frame of every set."""
    return {name: score_set(network, frame_set) for name, frame_set in sets.items()}


def print_scores(scores: dict[str, dict[str, list[float]]]) -> None:
    """Mean F1 a set, and the three figures of the protocol."""
    names = list(next(iter(scores.values())))
    rows = [(who, [mean(by_set[name]) for name in names]) for who, by_set in scores.items()]
    print_table("mean F1 a set", names, rows)
    groups = {"seen": SEEN, "same style": SAME_STYLE, "five others": [n for n in names if n not in SEEN]}
    rows = [
        (who, [mean([mean(by_set[name]) for name in group]) for group in groups.values()])
        for who, by_set in scores.items()
    ]
    print_table("mean of sets", list(groups), rows)


if __name__ == "__main__":
    main()
