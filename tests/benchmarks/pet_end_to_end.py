"""Step 1 from CSV to CSV for 1,000,000 and 2,000,000 users: time beside pyarrow's own reading and writing, and memory.

python -m tests.benchmarks.pet_end_to_end
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

from common.genres import GENRES
from tests.benchmarks.hardware import describe_machine
from tests.helpers import ROOT

USERS = 1_000_000
REPEATS = 3  # ours and pyarrow's in turn; the medians count


def write_users(path: Path, count: int) -> None:
    """Random scores from 0 to 1 with three decimals."""
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 1001, (count, len(GENRES))) / 1000
    columns = {"user": [f"user{n}" for n in range(count)]} | dict(zip(GENRES, scores.T, strict=True))
    csv.write_csv(pa.table(columns), path)


def run_ours(users: Path, output: Path) -> tuple[float, float]:
    """Seconds of the whole process, and its peak memory in MB."""
    command = [sys.executable, str(ROOT / "pet/1_TopN.py"), "--users", str(users), "--output", str(output)]
    watch = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, "
        "stderr=subprocess.DEVNULL); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    start = time.perf_counter()
    result = subprocess.run([sys.executable, "-c", watch, *command], check=True, capture_output=True, text=True)
    return time.perf_counter() - start, int(result.stdout) / (1e6 if sys.platform == "darwin" else 1e3)


def run_pyarrow(users: Path, table: pa.Table, output: Path) -> float:
    """Seconds to read the users and to write a table of the size of ours."""
    start = time.perf_counter()
    csv.read_csv(users)
    csv.write_csv(table, output)
    return time.perf_counter() - start


def main() -> None:
    print(describe_machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        users, output = folder / "users.csv", folder / "choices.csv"
        write_users(users, USERS)
        run_ours(users, output)
        table = csv.read_csv(output)
        print(f"{USERS:,} users: {users.stat().st_size / 1e6:.0f} MB in, {output.stat().st_size / 1e6:.0f} MB out")
        ours, theirs, memory = [], [], 0.0
        for _ in range(REPEATS):
            seconds, memory = run_ours(users, output)
            ours.append(seconds)
            theirs.append(run_pyarrow(users, table, folder / "pyarrow.csv"))
        del table
        ratio = float(np.median(ours) / np.median(theirs))
        print(f"ours, whole process   {np.median(ours):6.2f} s   ({min(ours):.2f} to {max(ours):.2f})")
        print(f"pyarrow, read + write {np.median(theirs):6.2f} s   ({min(theirs):.2f} to {max(theirs):.2f})")
        print(f"ratio                 {ratio:6.2f}     (target at most 1.5)")
        write_users(users, 2 * USERS)
        seconds, double = run_ours(users, output)
        print(
            f"peak memory           {memory:6.0f} MB for {USERS:,}, {double:.0f} MB for twice as many ({seconds:.2f} s)"
        )
        print(f"growth                {double / memory - 1:6.1%}     (targets under 700 MB, within 10 %)")


if __name__ == "__main__":
    main()
