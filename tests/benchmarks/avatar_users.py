"""Runs many users through the whole chain: measures memory, and checks the results after a kill in the middle.

    python -m tests.benchmarks.avatar_users               200 users
    python -m tests.benchmarks.avatar_users --users 12    fewer users
    python -m tests.benchmarks.avatar_users --tiny        with a tiny SDXL of random weights, without cut-out

Every user has a photo (FeatureExtractor.py's sample, recoloured) and a taste. FeatureExtractor.py extracts features;
AvatarGen_Base.py generates the avatars with the project's small model and cuts them out. It is killed (SIGKILL) when
half of them exist, and started again. Then every user must have one avatar, those from before the kill must be
unchanged, and the last one must equal that of a run for its user alone.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from PIL import Image
from skimage.data import astronaut

from avatar.sdxl.sources import DEMO_MODEL
from common.genres import GENRES
from tests.avatar.tiny_sdxl import build_tiny_sdxl
from tests.benchmarks.hardware import describe_machine
from tests.helpers import ROOT

SAMPLED_EVERY = 0.5  # seconds


def main() -> None:
    """Print figures; raise where anything is lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--tiny", action="store_true")
    arguments = parser.parse_args()
    print(describe_machine())
    with tempfile.TemporaryDirectory() as name:
        run_chain(Path(name), arguments.users, arguments.steps, arguments.tiny)


def run_chain(folder: Path, users: int, steps: int, tiny: bool) -> None:
    """Features for all, avatars with a kill in the middle, and the checks."""
    write_users(folder, users)
    began = time.perf_counter()
    flags = ["--photo", folder / "photos", "--users", folder / "users.csv", "--analyzer", "self"]
    run(script("FeatureExtractor.py", *flags, "--output", folder / "features"))
    print(f"features of {users}: {time.perf_counter() - began:.1f} s")
    model = build_tiny_sdxl(folder / "tiny") if tiny else DEMO_MODEL
    settings = ["--model", model, "--steps", steps, "--no-cut-out" if tiny else "--cut-out"]
    command = script("AvatarGen_Base.py", "--features", folder / "features", "--output", folder / "out", *settings)

    before, _ = watch(command, folder / "out/avatars", kill_at=users // 2)
    there = contents(folder / "out/avatars")
    print(f"killed (status {before}) with {len(there)} of {users} avatars there")
    assert users // 2 <= len(there) < users, "it was done before it could be killed; take more users"
    status, memory = watch(command, folder / "out/avatars", kill_at=None)
    after = contents(folder / "out/avatars")
    assert status == 0 and len(after) == users, (status, len(after))
    assert all(after[name] == content for name, content in there.items()), "an avatar from before the kill was replaced"
    assert not list((folder / "out").rglob("*.part")) and len(set(after.values())) == users
    alone = sorted(after)[-1]
    command = script("AvatarGen_Base.py", "--features", folder / f"features/{alone}.json", *settings)
    run([*command, "--output", str(folder / "alone")])
    assert contents(folder / "alone/avatars")[alone] == after[alone], "an avatar of the batch differs from one alone"
    settled = memory[len(memory) // 4 :]
    third = max(1, len(settled) // 3)
    early, late = np.mean(settled[:third]), np.mean(settled[-third:])
    growth = f"{100 * (late / early - 1):+.1f} %"
    print(f"memory: {early:.0f} MB early, {late:.0f} MB late ({growth}), {max(memory):.0f} MB at most")
    print(f"{users} users, one avatar each, none lost or doubled")


def write_users(folder: Path, users: int) -> None:
    """A photo and a row of tastes for everybody."""
    rng = np.random.default_rng(0)
    portrait = astronaut()
    (folder / "photos").mkdir()
    rows = [f"user,{','.join(GENRES)}"]
    for number in range(users):
        light = rng.uniform(0.8, 1.2, 3)
        Image.fromarray((portrait * light).clip(0, 255).astype(np.uint8)).save(folder / f"photos/user {number}.jpg")
        rows.append(f"user {number},{','.join(f'{value:.2f}' for value in rng.uniform(0, 1, len(GENRES)))}")
    (folder / "users.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def script(name: str, *flags: object) -> list[str]:
    """The command that runs a script of this part."""
    return [sys.executable, str(ROOT / "avatar" / name), *map(str, flags)]


def run(command: list[str]) -> None:
    """Run a command to its end, and show why it failed where it did."""
    result = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def watch(command: list[str], folder: Path, kill_at: int | None) -> tuple[int, list[float]]:
    """Run a command, and kill it when the folder holds so many avatars; its status and memory in MB while drawing."""
    memory = []
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        start = len(contents(folder))
        while process.poll() is None:
            time.sleep(SAMPLED_EVERY if kill_at is None else 0.02)
            count = len(list(folder.glob("[!.]*.png")))
            if kill_at is not None and count >= kill_at:
                process.kill()
            if count > start and process.poll() is None:
                memory.append(psutil.Process(process.pid).memory_info().rss / 1e6)
        log.seek(0)
        text = log.read()
    if process.returncode == 0:
        seconds = re.search(r"seconds a picture: ([\d.]+)", text)
        print(f"run: {time.perf_counter() - began:.1f} s, of which a picture {seconds[1] if seconds else '?'} s")
    elif process.returncode > 0:
        raise AssertionError(text)
    return process.returncode, memory


def contents(folder: Path) -> dict[str, bytes]:
    """The avatars of a folder by the name of their person."""
    return {path.stem: path.read_bytes() for path in folder.glob("[!.]*.png")}


if __name__ == "__main__":
    main()
