"""Collage_segmentation.py on 1,000 real photos in a zip: photos a second, and memory while it goes on.

    python -m tests.benchmarks.carousel_collages                       the embedded segmenter
    python -m tests.benchmarks.carousel_collages --segmenter files     hand-made masks: all but finding people
    ... --photos 60 --workers 1                                        a shorter run

Needs real data: people/more/ or people/; its photos repeat under other names until there are enough. Memory is the
proportional set size (PSS) of all processes together, which counts what they share once.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

import psutil

from tests.benchmarks.hardware import describe_machine
from tests.benchmarks.needs import real_files
from tests.helpers import ROOT

ROWS = 10  # of the table of memory over time


def main() -> None:
    """Run the script and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--segmenter", default="embedded")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    print(f"{describe_machine()}, {arguments.workers} workers, segmenter {arguments.segmenter}")
    with tempfile.TemporaryDirectory() as folder:
        photos = real_files("people/more/photos/*.jpg", "people/photos/*.jpg")
        album, output = pack_photos(Path(folder) / "album.zip", photos, arguments.photos), Path(folder) / "out"
        command = [sys.executable, str(ROOT / "carousel/Collage_segmentation.py"), "--photos", str(album)]
        command += ["--output", str(output), "--segmenter", arguments.segmenter, "--workers", str(arguments.workers)]
        if arguments.segmenter == "files":
            command += ["--masks", str(photos[0].parent.parent / "masks")]
        samples = watch(command, output / ".journal.jsonl")
        report(samples, arguments.photos, json.loads((output / "run.json").read_text(encoding="utf-8")))


def pack_photos(path: Path, photos: Sequence[Path], count: int) -> Path:
    """A zip of the photos, in as many folders as it takes."""
    with zipfile.ZipFile(path, "w") as archive:
        for number, photo in enumerate(islice(cycle(photos), count)):
            archive.write(photo, f"{number // len(photos)}/{photo.name}")
    return path


def watch(command: list[str], journal: Path) -> list[tuple[float, int, float]]:
    """Run the command; seconds, photos done and MB of all its processes, twice a second."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    samples = []
    while process.poll() is None:
        done = journal.read_text(encoding="utf-8").count('"version"') if journal.is_file() else 0
        samples.append((time.perf_counter() - started, done, memory_mb(psutil.Process(process.pid))))
        time.sleep(0.5)
    if process.returncode:
        sys.exit(f"it ended with {process.returncode}")
    return samples


def memory_mb(process: psutil.Process) -> float:
    """Memory of a process and all that it started; 0 where it has just ended."""
    total = 0
    try:
        for each in (process, *process.children(recursive=True)):
            total += getattr(each.memory_full_info(), "pss", each.memory_info().rss)
    except psutil.NoSuchProcess:
        pass
    return total / 1e6


def report(samples: list[tuple[float, int, float]], photos: int, record: dict[str, object]) -> None:
    """Print the rate, leaving out the start until the first photo, and memory at every tenth of the way."""
    print(f"device: {record['device']}, weights: {record['weights']}")
    print(f"{'photos':>8} {'seconds':>8} {'MB':>8}")
    for part in range(1, ROWS + 1):
        seconds, done, megabytes = next((s for s in samples if s[1] * ROWS >= part * photos), samples[-1])
        print(f"{done:8} {seconds:8.1f} {megabytes:8.0f}")
    first = next(s for s in samples if s[1])
    last = samples[-1]
    print(
        f"{(last[1] - first[1]) / max(last[0] - first[0], 1e-9):.2f} photos/s, peak {max(s[2] for s in samples):.0f} MB"
    )
    print(record["figures"])


if __name__ == "__main__":
    main()
