"""How fast masks are predicted, beside smp's U-Net with a ResNet-34 encoder; and in how much memory.

python -m tests.benchmarks.masks_speed               one pair, from disk to disk, and the network alone
python -m tests.benchmarks.masks_speed --memory      10,000 pairs: peak memory at each thousand
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import torch
from torch import nn

from common.images import write_png
from masks.model.checkpoint_format import load_network
from masks.model.inference import predict_masks
from masks.model.unet import SIZE_PX
from masks.sets.naming import mask_name
from masks.sets.pairs import mask_image
from tests.benchmarks.hardware import describe_machine
from tests.benchmarks.masks_setup import CPU, peer_network, real_sets

RUNS = 60
PAIRS = 10_000


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--memory", action="store_true")
    print(f"{describe_machine()}, {torch.get_num_threads()} threads")
    ours = load_network("mask_model.pth")[0].to(CPU)
    if parser.parse_args().memory:
        measure_memory(ours)
        return
    measure_speed("ours", ours)
    if peer := peer_network():
        measure_speed("smp resnet34", peer.eval().to(memory_format=torch.channels_last))


def measure_speed(name: str, network: nn.Module) -> None:
    """Time of the network alone, and of the real pairs from disk to disk."""
    square = torch.rand(1, 8, SIZE_PX, SIZE_PX).to(memory_format=torch.channels_last)
    with torch.inference_mode():
        report(f"{name}: network alone, {SIZE_PX} x {SIZE_PX}", lambda: network(square))
    pairs = [(pair.base, pair.clothed) for frame_set in real_sets().values() for pair in frame_set.pairs]
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        count = write_masks(network, iter(pairs), Path(folder))
        seconds = time.perf_counter() - started
    print(f"{name}: {1000 * seconds / count:.1f} ms a pair of 512 x 512, disk to disk, {count} pairs")


def report(name: str, work: Callable[[], object]) -> None:
    """Median and range of a call."""
    for _ in range(5):
        work()
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - started))
    print(f"{name}: {statistics.median(times):.1f} ms (from {min(times):.1f} to {max(times):.1f})")


def write_masks(network: nn.Module, pairs: Iterator[tuple[Path, Path]], folder: Path) -> int:
    """Predict and write a mask a pair; returns their number."""
    count = 0
    for count, mask in enumerate(predict_masks(network, pairs, CPU), start=1):
        write_png(folder / mask_name(f"{count % 100:02d}"), mask_image(mask), compress_level=1)
    return count


def measure_memory(network: nn.Module) -> None:
    """Predict the real pairs over and over; resident memory while it goes on."""
    pairs = [(pair.base, pair.clothed) for frame_set in real_sets().values() for pair in frame_set.pairs]
    process = psutil.Process()
    highest = 0
    repeated = (pairs[index % len(pairs)] for index in range(PAIRS))
    for count, _ in enumerate(predict_masks(network, repeated, CPU), start=1):
        highest = max(highest, process.memory_info().rss)
        if count % 1000 == 0:
            print(f"{count:>6} pairs: highest so far {highest / 1e6:.0f} MB", flush=True)


if __name__ == "__main__":
    main()
