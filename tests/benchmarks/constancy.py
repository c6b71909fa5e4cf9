"""Time and memory an item, from few items to many: neither may grow with their number.

python -m tests.benchmarks.constancy --sizes 100 1000 10000

Each script that works through many items runs on folders or tables of these sizes, cheap items each. Time is that of
the processors, of the script and all its workers, less that of a run on one item; memory is the peak of the largest
process. Prints a table; exit status 1 where an item of the largest run costs half as much again as one of the smallest,
or the memory grows by more than a tenth and 64 MB.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tests.benchmarks.hardware import describe_machine
from tests.helpers import ROOT

DEARER, MORE_MB = 1.5, 64


@dataclass(frozen=True)
class Batch:
    """A script, what makes its items in a folder, and its flags; `{in}` and `{out}` stand for folders."""

    script: str
    make: Callable[[Path, int], None]
    flags: tuple[str, ...]


def make_tastes(folder: Path, count: int) -> None:
    """A table of `count` people, each with another taste."""
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 6, (count, 5))
    rows = [f"P{number},{','.join(map(str, row))}" for number, row in enumerate(scores)]
    (folder / "tastes.csv").write_text("\n".join(["name,rock,pop,jazz,folk,metal", *rows]) + "\n", encoding="utf-8")


def make_choices(folder: Path, count: int) -> None:
    """What step 1 of pet chooses for so many people, all of 500 tastes."""
    make_tastes(folder, min(count, 500))
    lines = (folder / "tastes.csv").read_text(encoding="utf-8").splitlines()
    rows = [f"N{number},{lines[1 + number % (len(lines) - 1)].partition(',')[2]}" for number in range(count)]
    (folder / "tastes.csv").write_text("\n".join([lines[0], *rows]) + "\n", encoding="utf-8")
    flags = ("--users", "{in}/tastes.csv", "--scale", "0-5", "--identical", "--output", "{in}/choices.csv")
    run("pet/1_TopN.py", flags, folder, folder)


def make_frames(folder: Path, count: int) -> None:
    """Pairs of sprites of 32 x 32 px: a figure, and the same with a coloured shirt."""
    for number in range(count):
        body = np.zeros((32, 32, 4), np.uint8)
        body[4:28, 10:22] = (200, 150, 120 + number % 100, 255)
        clothed = body.copy()
        clothed[12:20, 10:22] = (40, 60, 200, 255)
        Image.fromarray(body).save(folder / f"base_frame_{number:05}.png")
        Image.fromarray(clothed).save(folder / f"clothed_frame_{number:05}.png")


def make_photos(folder: Path, count: int) -> None:
    """Photos of 96 x 96 px, and a mask of each."""
    (folder / "photos").mkdir()
    (folder / "masks").mkdir()
    scene = np.random.default_rng(0).integers(0, 256, (96, 96, 3)).astype(np.uint8)
    mask = np.zeros((96, 96), np.uint8)
    mask[12:84, 34:62] = 255
    for number in range(count):
        scene[0, 0] = number % 256, number // 256, 0
        Image.fromarray(scene).save(folder / f"photos/{number:05}.png", compress_level=1)
        Image.fromarray(mask).save(folder / f"masks/{number:05}.png", compress_level=1)


def make_people(folder: Path, count: int) -> None:
    """Cut-outs of 24 x 48 px, and a small scene."""
    Image.fromarray(np.full((64, 96, 3), 128, np.uint8)).save(folder.parent / "scene.png")
    person = np.zeros((48, 24, 4), np.uint8)
    person[2:46, 6:18] = (180, 90, 60, 255)
    for number in range(count):
        person[2, 6, 0], person[2, 7, 0] = number % 256, number // 256
        Image.fromarray(person).save(folder / f"person_{number:05}.png", compress_level=1)


def make_training_folder(folder: Path, count: int) -> None:
    """The sprites of `make_frames` as a training folder has them."""
    (folder / "frames").mkdir()
    make_frames(folder / "frames", count)


def make_features(folder: Path, count: int) -> None:
    """Features of so many people, without photos."""
    for number in range(count):
        features = {"name": f"P{number:05}", "taste": {"rock": 1.0, "pop": number % 100 / 100}}
        (folder / f"{number:05}.json").write_text(json.dumps(features), encoding="utf-8")


BATCHES = [
    Batch("pet/1_TopN.py", make_tastes, ("--users", "{in}/tastes.csv", "--scale", "0-5", "--output", "{out}/t.csv")),
    Batch("pet/1.5_Plot_Pet.py", make_choices, ("--choices", "{in}/choices.csv", "--no-charts", "--size-px", "64",
                                                "--workers", "1", "--output", "{out}")),
    Batch("masks/2_initial_masks.py", make_training_folder, ("{in}", "--method", "lab", "--workers", "1", "--output",
                                                             "{out}/sheet.png")),
    Batch("masks/5_predict_masks.py", make_frames, ("--frames", "{in}", "--workers", "1", "--output", "{out}")),
    Batch("carousel/Collage_segmentation.py", make_photos, (
        "--photos", "{in}/photos", "--segmenter", "files", "--masks", "{in}/masks", "--panel-px", "64",
        "--inpainter", "rows", "--min-height-px", "16", "--workers", "1", "--output", "{out}")),
    Batch("carousel/Inference.py", make_people, (
        "--person", "{in}", "--scene", "{in}/../scene.png", "--no-find-people", "--gif-px", "64", "--output", "{out}")),
    Batch("avatar/FeatureExtractor.py", make_people, (
        "--photo", "{in}", "--taste", "rock=5", "--analyzer", "self", "--no-appearance", "--output", "{out}")),
    Batch("avatar/AvatarGen_Base.py", make_features, (
        "--features", "{in}", "--steps", "1", "--mode", "base", "--size-px", "64", "--no-cut-out",
        "--output", "{out}")),
]  # fmt: skip


def run(script: str, flags: Sequence[str], items: Path, output: Path) -> None:
    """Run a script to its end.

    Raises:
        SystemExit: it failed.
    """
    said = [flag.replace("{in}", str(items)).replace("{out}", str(output)) for flag in flags]
    done = subprocess.run([sys.executable, str(ROOT / script), *said], capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"{script}: exit status {done.returncode}\n{done.stderr.decode()[-2000:]}")


def measure(batch: Batch, count: int) -> tuple[float, float]:
    """Seconds of the processors, and peak memory in MB, of a run in a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        items, output = Path(name) / "items", Path(name) / "output"
        items.mkdir()
        output.mkdir()
        batch.make(items, count)
        command = [sys.executable, "-m", "tests.benchmarks.constancy", "--run", batch.script, str(items), str(output)]
        done = subprocess.run(command, capture_output=True, check=False, cwd=ROOT)
        if done.returncode:
            sys.exit(done.stderr.decode())
        seconds, memory_mb = map(float, done.stdout.decode().split())
        return seconds, memory_mb


def run_one(script: str, items: Path, output: Path) -> None:
    """Run a batch alone in this process's children, and print what they took."""
    batch = next(batch for batch in BATCHES if batch.script == script)
    run(batch.script, batch.flags, items, output)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(used.ru_utime + used.ru_stime, used.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1000, 10_000])
    parser.add_argument("--only", default="", help="scripts whose names hold this")
    parser.add_argument("--run", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        script, items, output = arguments.run
        run_one(script, Path(items), Path(output))
        return
    print(describe_machine())
    print(f"{'':34}" + "".join(f"{f'{size:,} items':>26}" for size in arguments.sizes))
    is_bad = False
    for batch in (batch for batch in BATCHES if arguments.only in batch.script):
        start, _ = measure(batch, 1)
        found = [measure(batch, size) for size in arguments.sizes]
        each = [max(seconds - start, 0) / size for (seconds, _), size in zip(found, arguments.sizes, strict=True)]
        cells = [f"{1000 * cost:10.3f} ms {memory:8.0f} MB" for cost, (_, memory) in zip(each, found, strict=True)]
        least, most = found[0][1], found[-1][1]
        grows = each[-1] > DEARER * max(each[0], 1e-6) or most > 1.1 * least + MORE_MB
        is_bad |= grows
        print(f"{batch.script:34}" + "".join(f"{cell:>26}" for cell in cells) + "  grows" * grows, flush=True)
    sys.exit(1 if is_bad else 0)


if __name__ == "__main__":
    main()
