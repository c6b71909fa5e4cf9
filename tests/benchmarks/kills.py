"""Kills writing scripts at random moments; afterwards, a run must leave what an undisturbed one leaves.

python -m tests.benchmarks.kills --kills 200

Each script runs once undisturbed, which gives the tree to reach and the time that it takes. Then it runs into another
folder, is killed with all its workers (SIGKILL) after a random share of that time, three times in a row, and runs to
its end. The two trees must be equal by SHA-256: all files, with times and versions left out of the runs' JSONs, and
without part files or live workers. Prints a table; exit status 1 where a tree differs.
"""

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from common.paths import DATA
from tests.benchmarks.hardware import describe_machine
from tests.helpers import ROOT

IN_A_ROW = 3  # kills before a run may end
PASSING = (
    "seconds",
    "settings",
    "inputs",
    "versions",
    "figures",
    "device",
    "weights",
)  # times, paths, what is new


@dataclass(frozen=True)
class Work:
    """A script and its flags; `{out}` in a flag is the output folder."""

    script: str
    flags: tuple[str, ...]

    def command(self, output: Path) -> list[str]:
        """The command line for this output folder."""
        flags = [flag.replace("{out}", str(output)) for flag in self.flags]
        return [sys.executable, str(ROOT / self.script), *flags]


def works(folder: Path) -> list[Work]:
    """All scripts that write, with small inputs; `folder` is for inputs that have to be made."""
    choices, frames = folder / "choices.csv", DATA / "masks/frames_backup_walk_north"
    subprocess.run(
        [sys.executable, str(ROOT / "pet/1_TopN.py"), "--output", str(choices)], check=True, stdout=subprocess.DEVNULL
    )
    taste = ("--taste", "rock=5", "--analyzer", "self")
    return [
        Work("pet/1_TopN.py", ("--output", "{out}/choices.csv")),
        Work("pet/1.5_Plot_Pet.py", ("--choices", str(choices), "--size-px", "128", "--output", "{out}")),
        Work("masks/5_predict_masks.py", ("--frames", str(frames), "--output", "{out}")),
        Work("carousel/Collage_segmentation.py", ("--output", "{out}", "--size-px", "128")),
        Work("carousel/Inference.py", ("--output", "{out}", "--no-find-people", "--gif-px", "64")),
        Work("avatar/FeatureExtractor.py", ("--photo", str(DATA / "carousel/people"), *taste, "--output", "{out}")),
    ]


def tree_of(folder: Path) -> dict[str, str]:
    """SHA-256 of every file by its path; a run's JSON without what differs from run to run."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        if path.suffix == ".json" and b'"versions"' in content:
            facts = json.loads(content)
            content = json.dumps({key: value for key, value in facts.items() if key not in PASSING}).encode()
        found[str(path.relative_to(folder))] = hashlib.sha256(content).hexdigest()
    return found


def run(command: Sequence[str], kill_after_s: float | None = None) -> bool:
    """Run a command in a session of its own; True if it was killed before its end.

    Raises:
        SystemExit: it ended by itself with an error.
    """
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _, error = process.communicate(timeout=kill_after_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return True
    if process.returncode not in (0, 2):
        sys.exit(f"{' '.join(command)}: exit status {process.returncode}\n{error.decode()}")
    return False


def differences(wanted: dict[str, str], got: dict[str, str]) -> list[str]:
    """What is missing, too much or different."""
    return sorted(name for name in wanted.keys() | got.keys() if wanted.get(name) != got.get(name))


def measure(work: Work, kills: int, folder: Path, rng: random.Random) -> tuple[int, list[str]]:
    """Kills that hit, and what differed afterwards."""
    start = time.monotonic()
    run(work.command(folder / "undisturbed"))
    seconds = time.monotonic() - start
    wanted = tree_of(folder / "undisturbed")
    hits, faults = 0, list[str]()
    for trial in range(-(-kills // IN_A_ROW)):
        output = folder / f"trial {trial}"
        hits += sum(run(work.command(output), rng.uniform(0.1, 1) * seconds) for _ in range(IN_A_ROW))
        run(work.command(output))
        faults += differences(wanted, tree_of(output))
    return hits, faults


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    print(describe_machine())
    total, is_bad = 0, False
    with tempfile.TemporaryDirectory() as name:
        todo = works(Path(name))
        for number, work in enumerate(todo):
            hits, faults = measure(work, -(-arguments.kills // len(todo)), Path(name) / str(number), rng)
            total += hits
            is_bad |= bool(faults)
            print(f"{work.script:36} {hits:4} kills, {len(faults)} files differ {', '.join(faults[:3])}", flush=True)
    print(f"{total} kills in all")
    sys.exit(1 if is_bad else 0)


if __name__ == "__main__":
    main()
