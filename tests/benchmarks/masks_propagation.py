"""How far one, three or five corrected frames lift the rest of a set by propagation, beside retraining.

    python -m tests.benchmarks.masks_propagation                               propagation
    python -m tests.benchmarks.masks_propagation --retrain walk_south tmw64    and a short training on the same frames

Masks are those of the shipped model; corrected frames get their true mask, the most unsure ones first. Real sets hold
frames of several characters: "one character" corrects frames of each group of five that wears the same clothes, and
scores the rest of the group; "whole set" corrects frames of the set, whoever they show. "2 % wrong" flips 2 % of the
art pixels of the corrected figures, as a hurried person may. Constants of the propagation were chosen on the LPC
Revised sets; crawl32 showed that layered frames need a gate; the other sets were not used.
"""

import argparse
import copy
import time
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch

from masks.correction.propagation import features_of, propagate
from masks.model.checkpoint_format import load_network, network_of, read_checkpoint
from masks.model.inference import predict_masks, predict_probabilities
from masks.model.mask_threshold import mask_unsureness, threshold_mask
from masks.model.metrics import f1_score
from masks.model.training import TrainingSettings, prepare
from masks.model.training_samples import TrainingSamples, collate, load_frames
from masks.sets.pairs import MaskedFrame, read_pair, read_true_mask
from masks.sets.pixel_art import enlarge, find_pixel_size, shrink
from masks.sets.training_sets import FrameSet
from tests.benchmarks.hardware import describe_machine
from tests.benchmarks.masks_setup import CPU, real_sets

TUNED_ON = ("walk_north", "walk_south", "walk_east", "run_west", "crawl32")
CHARACTER_FRAMES = 5  # frames of one character in a set
COUNTS = (1, 3, 5)
WRONG_SHARE = 0.02  # of the art pixels of corrected figures, in the rows of hurried corrections
RETRAIN_STEPS, RETRAIN_BATCH, RETRAIN_RATE = 30, 4, 3e-4
RETRAINED = 2  # characters of a set for which both are compared with --retrain, as each takes a minute


@dataclass
class Frame:
    """A frame, its true mask, what the shipped model finds, and how unsure that is."""

    base: np.ndarray
    clothed: np.ndarray
    truth: np.ndarray
    mask: np.ndarray
    unsureness: float


def main() -> None:
    """Print a row for each set and number of corrected frames."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", help="names of sets; none: all")
    parser.add_argument("--retrain", action="store_true")
    arguments = parser.parse_args()
    retrains = arguments.retrain
    print(describe_machine())
    network = load_network("mask_model.pth")[0].to(CPU)
    print(
        f"{'set':<17}{'corrected':<24}{'before':>8}{'after':>8}{'worst':>8}{'worse':>7}{'s':>7}{'retrained':>11}{'s':>7}"
    )
    for name, frame_set in real_sets(*arguments.sets).items():
        if arguments.sets and name not in arguments.sets:
            continue
        frames = frames_of(frame_set, network)
        count = len(frames)
        single = [range(start, min(start + CHARACTER_FRAMES, count)) for start in range(0, count, CHARACTER_FRAMES)]
        single = single[:RETRAINED] if retrains else single
        for groups, what in ((single, "character"), *([] if retrains else [([range(count)], "whole set")])):
            for corrected in COUNTS:
                if corrected < min(map(len, groups)):
                    mark = "" if name in TUNED_ON else "*"
                    row = measure(frames, groups, corrected)
                    more = retrained(frame_set, frames, groups, corrected) if retrains else ""
                    print(f"{name + mark:<17}{f'{corrected} of a {what}':<24}{row}{more}", flush=True)
        hurried = measure(frames, single, 1, WRONG_SHARE)
        print(f"{name + mark:<17}{f'1 of a character, {WRONG_SHARE:.0%} wrong':<24}{hurried}", flush=True)
    print("* not used while the constants were chosen; worse: share of frames whose F1 fell")


def frames_of(frame_set: FrameSet, network: torch.nn.Module) -> list[Frame]:
    """All frames of a set with the shipped model's masks."""
    pairs = [read_pair(pair) for pair in frame_set.pairs]
    found = predict_probabilities(network, pairs, CPU)
    return [
        Frame(base, clothed, read_true_mask(pair) > 0, threshold_mask(chance) > 0, mask_unsureness(chance))
        for pair, (base, clothed), chance in zip(frame_set.pairs, pairs, found, strict=True)
    ]


def most_unsure(frames: list[Frame], group: Iterable[int], count: int) -> list[int]:
    """The frames of a group that a person corrects first."""
    return sorted(group, key=lambda index: -frames[index].unsureness)[:count]


def corrected_mask(frame: Frame, wrong_share: float) -> np.ndarray:
    """The true mask with a share of the art pixels of the figure flipped."""
    size = find_pixel_size([frame.base, frame.clothed])
    flipped = np.random.default_rng(1).random(shrink(frame.truth, size).shape) < wrong_share
    return np.where(frame.clothed[..., 3] > 0, frame.truth ^ enlarge(flipped, size), frame.truth)


def measure(frames: list[Frame], groups: list[range], count: int, wrong_share: float = 0.0) -> str:
    """Mean F1 before and after, worst after, share made worse, and seconds for a set."""
    before, after, seconds = [], [], 0.0
    for group in groups:
        chosen = most_unsure(frames, group, count)
        started = time.perf_counter()
        masks = [corrected_mask(frames[i], wrong_share) for i in chosen]
        known = [
            features_of(MaskedFrame(frames[i].base, frames[i].clothed, mask))
            for i, mask in zip(chosen, masks, strict=True)
        ]
        rest = [frames[i] for i in group if i not in chosen]
        found = [propagate(known, MaskedFrame(frame.base, frame.clothed, frame.mask)) for frame in rest]
        seconds += time.perf_counter() - started
        before += [f1_score(frame.mask, frame.truth) for frame in rest]
        masks = [frame.mask if new is None else new[0] for frame, new in zip(rest, found, strict=True)]
        after += [f1_score(mask, frame.truth) for mask, frame in zip(masks, rest, strict=True)]
    worse = float(np.mean(np.array(after) < np.array(before) - 1e-9))
    return f"{np.mean(before):>8.4f}{np.mean(after):>8.4f}{min(after):>8.4f}{worse:>7.0%}{seconds:>7.1f}"


def retrained(frame_set: FrameSet, frames: list[Frame], groups: list[range], count: int) -> str:
    """Mean F1 of the rest of each group after a few steps of training on its corrected frames, and seconds."""
    scores: list[float] = []
    started = time.perf_counter()
    for group in groups:
        chosen = most_unsure(frames, group, count)
        network = trained_on(FrameSet("corrected", [frame_set.pairs[i] for i in chosen]))
        rest = [frames[i] for i in group if i not in chosen]
        masks = predict_masks(network, [(frame.base, frame.clothed) for frame in rest], CPU)
        scores += [f1_score(mask > 0, frame.truth) for mask, frame in zip(masks, rest, strict=True)]
    return f"{np.mean(scores):>11.4f}{time.perf_counter() - started:>7.1f}"


def trained_on(corrected: FrameSet) -> torch.nn.Module:
    """The shipped model after a few steps on some frames, on the CPU."""
    settings = TrainingSettings(
        epochs=1, batch=RETRAIN_BATCH, learning_rate=RETRAIN_RATE, dice_weight=0.7, drawn_share=0.0, seed=1, workers=0
    )
    start = copy.deepcopy(network_of(read_checkpoint("mask_model.pth"), "mask_model.pth"))
    samples = TrainingSamples(load_frames([corrected]), length=10**9, drawn_share=0.0, seed=1)
    training = prepare(settings, start, samples, held_out=[])
    for step in range(RETRAIN_STEPS):
        training.set_rate(step / RETRAIN_STEPS)
        training.step(collate([samples[step * RETRAIN_BATCH + place] for place in range(RETRAIN_BATCH)]))
    return training.average.to(CPU).eval()


if __name__ == "__main__":
    main()
