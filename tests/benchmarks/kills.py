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
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from common.checkpoints import load_plain
from common.paths import DATA
from tests.benchmarks.hardware import describe_machine
from tests.helpers import ROOT

IN_A_ROW = 3  # kills before a run may end
KILLED, REFUSED = -signal.SIGKILL, 2
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
    """A script and its flags; `{out}` in a flag is the output folder, a copy of `start` before the first run.

    A training goes on with `--resume`, where there is something to resume.
    """

    script: str
    flags: tuple[str, ...]
    start: Path | None = None
    resumes: bool = False

    def command(self, output: Path, *, resume: bool = False) -> list[str]:
        """The command line for this output folder."""
        flags = [flag.replace("{out}", str(output)) for flag in self.flags]
        return [sys.executable, str(ROOT / self.script), *flags, *(["--resume"] if resume else [])]


def works(folder: Path) -> list[Work]:
    """All scripts that write, but three that train for hours; `folder` is for inputs that have to be made."""
    choices, frames = folder / "choices.csv", DATA / "masks/frames_backup_walk_north"
    features, collages, style = folder / "features", folder / "collages", folder / "style"
    training, cutouts, reviewed = folder / "training", folder / "predicted", folder / "reviewed"
    taste = ("--taste", "rock=5", "--analyzer", "self")
    photo = DATA / "carousel/people"
    for script, *flags in (
        ("pet/1_TopN.py", "--output", choices),
        ("masks/1_split_spritesheet.py", training, "--output", folder / "sheet.png"),
        ("masks/5_predict_masks.py", "--frames", frames, "--output", cutouts),
        ("carousel/Collage_segmentation.py", "--output", collages, "--panel-px", "128"),
        ("avatar/FeatureExtractor.py", "--photo", photo, *taste, "--output", features),
        ("avatar/0_Draw_Avatars.py", "--folder", style, "--count", "6", "--size-px", "64", "--avatars", "1",
         "--output", folder / "avatars.png"),
    ):  # fmt: skip
        run([sys.executable, str(ROOT / script), *map(str, flags)])
    shutil.copytree(training, reviewed)
    shutil.copytree(frames, reviewed / "frames", dirs_exist_ok=True)
    shutil.copytree(DATA / "masks/masks_backup_walk_north", reviewed / "masks_corrected", dirs_exist_ok=True)
    one = next(iter(sorted(features.glob("*.json"))))
    avatar = ("--features", str(one), "--output", "{out}", "--steps", "4", "--size-px", "128")
    small = ("--workers", "0", "--epochs", "2", "--batch", "4")
    bodies = str(DATA / "masks/sheets/other_body.png")
    scenes = ("--scenes", "3", "--people", "2", "--width", "192")
    sets = DATA / "masks"
    table = str(DATA / "pet/users.csv")
    return [
        Work("pet/0_Draw_Data.py", ("--output", "{out}", "--sheet", "{out}/sheet.png")),
        Work("pet/data.py", ("--survey", table, "--synthetic-users", "20000", "--output", "{out}/data.png")),
        Work("pet/1_TopN.py", ("--output", "{out}/choices.csv")),
        Work("pet/1.5_Plot_Pet.py", ("--choices", str(choices), "--size-px", "128", "--output", "{out}")),
        Work("pet/1.5_Plot_Pet.py", ("--choices", str(choices), "--size-px", "96", "--no-charts", "--cards", "--svg",
                                     "--copy", "--output", "{out}")),
        Work("pet/2_Publish.py", ("--output", "{out}", "--vectors", "20")),
        Work("pet/PetEval.py", ("--output", "{out}/PetEval.png")),
        Work("pet/main.py", ("--output", "{out}/main.png", "--svg", "--size-px", "128")),
        Work("masks/0_Draw_Sprites.py", ("--output", "{out}", "--sheet", "{out}/sheet.png")),
        Work("masks/0_Train_Base_Model.py", ("--output", "{out}/model.pth", "--samples", "32", *small), resumes=True),
        Work("masks/1_split_spritesheet.py", ("{out}", "--output", "{out}/sheet.png")),
        Work("masks/2_initial_masks.py", ("{out}", "--output", "{out}/sheet.png"), start=training),
        Work("masks/5_predict_masks.py", ("--frames", str(frames), "--output", "{out}", "--export", "ase", "ora")),
        Work("masks/6_evaluate_masks.py", ("--output", "{out}/figure.png")),
        Work("masks/7_backup_training_set.py", ("{out}", "walk_up", "--clear"), start=reviewed),
        Work("masks/8_dress.py", ("--cutouts", str(cutouts / "cutouts"), "--bodies", bodies, "--output", "{out}")),
        Work("masks/mask_model.py", (str(sets), "--output", "{out}/model.pth", *small), resumes=True),
        Work("carousel/0_Draw_Scenes.py", ("--output", "{out}", "--sheet", "{out}/sheet.png", *scenes)),
        Work("carousel/Collage_segmentation.py", ("--output", "{out}", "--panel-px", "128")),
        Work("carousel/Dataset.py", ("--collages", str(collages), "--size-px", "64", "--output", "{out}/batch.png")),
        Work("carousel/Evaluate.py", ("--collages", str(collages), "--split", "all", "--output", "{out}/figure.png")),
        Work("carousel/Inference.py", ("--output", "{out}", "--no-find-people", "--gif-px", "64")),
        Work("carousel/Model.py", ("--output", "{out}/model.png", "--encoder", "resnet18", "--size-px", "64")),
        Work("carousel/Train.py", ("--collages", str(collages), "--encoder", "none", "--steps", "0", "--light-samples",
                                   "400", "--size-px", "64", "--workers", "0", "--output", "{out}/model.pth"),
             resumes=True),
        Work("avatar/0_Draw_Avatars.py", ("--folder", "{out}/drawn", "--count", "8", "--size-px", "64",
                                          "--avatars", "4", "--output", "{out}/sheet.png")),
        Work("avatar/FeatureExtractor.py", ("--photo", str(photo), *taste, "--output", "{out}")),
        Work("avatar/utils.py", ("--photo", str(next(iter(sorted(photo.glob("*.[pj][np]g"))))), "--output", "{out}",
                                 "--model", "embedded")),
        Work("avatar/AvatarGen_Base.py", avatar),
        Work("avatar/AvatarGen.py", (*avatar, "--compare")),
        Work("avatar/TrainLoRA.py", ("--pictures", str(style), "--output", "{out}/lora.safetensors", "--steps", "3",
                                     "--sample-every", "1", "--sample-steps", "2", "--size-px", "64"), resumes=True),
    ]  # fmt: skip


def tree_of(folder: Path) -> dict[str, str]:
    """SHA-256 of every file by its path; a run's JSON without what differs from run to run."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        if path.suffix == ".json" and b'"versions"' in content:
            facts = json.loads(content)
            content = json.dumps({key: value for key, value in facts.items() if key not in PASSING}).encode()
        if path.suffix == ".pth":  # equal values may be pickled in several ways
            content = "\n".join(values_of(load_plain(path))).encode()
        found[str(path.relative_to(folder))] = hashlib.sha256(content).hexdigest()
    return found


def values_of(content: object, name: str = "") -> Iterator[str]:
    """A line for each value in a checkpoint: its place, and the value or, of tensors, its SHA-256."""
    if isinstance(content, dict | list | tuple):
        for key, value in content.items() if isinstance(content, dict) else enumerate(content):
            yield from values_of(value, f"{name}/{key}")
    elif isinstance(content, torch.Tensor):
        plain = content.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        yield f"{name} {content.dtype} {tuple(content.shape)} {hashlib.sha256(plain.numpy().tobytes()).hexdigest()}"
    else:
        yield f"{name} {content!r}"


def run(command: Sequence[str], kill_after_s: float | None = None) -> int:
    """Run a command in a session of its own; its exit status, or KILLED if it was killed before its end.

    Raises:
        SystemExit: it ended with a traceback.
    """
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _, error = process.communicate(timeout=kill_after_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return KILLED
    if process.returncode not in (0, REFUSED):
        sys.exit(f"{' '.join(command)}: exit status {process.returncode}\n{error.decode()}")
    return process.returncode


def differences(wanted: dict[str, str], got: dict[str, str]) -> list[str]:
    """What is missing, too much or different."""
    return sorted(name for name in wanted.keys() | got.keys() if wanted.get(name) != got.get(name))


def finish(work: Work, output: Path) -> None:
    """Run to the end, resuming what can be resumed."""
    if not work.resumes or run(work.command(output, resume=True)) == REFUSED:
        run(work.command(output))


def measure(work: Work, kills: int, folder: Path, rng: random.Random) -> tuple[int, list[str]]:
    """Kills that hit, and what differed afterwards."""
    wanted_folder = folder / "undisturbed"
    prepare(work, wanted_folder)
    start = time.monotonic()
    run(work.command(wanted_folder))
    seconds = time.monotonic() - start
    wanted = tree_of(wanted_folder)
    if not wanted:
        sys.exit(f"{work.script} wrote nothing")
    hits, faults = 0, list[str]()
    for trial in range(-(-kills // IN_A_ROW)):
        output = folder / f"trial {trial}"
        prepare(work, output)
        for turn in range(IN_A_ROW):
            command = work.command(output, resume=work.resumes and turn > 0)
            hits += run(command, rng.uniform(0.1, 1) * seconds) == KILLED
        finish(work, output)
        faults += differences(wanted, tree_of(output))
        shutil.rmtree(output)
    return hits, faults


def prepare(work: Work, output: Path) -> None:
    """Make the output folder, with what has to be there."""
    if work.start is None:
        output.mkdir(parents=True)
    else:
        shutil.copytree(work.start, output)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="scripts whose names hold this")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    print(describe_machine())
    total, is_bad = 0, False
    with tempfile.TemporaryDirectory() as name:
        todo = [work for work in works(Path(name)) if arguments.only in work.script]
        for number, work in enumerate(todo):
            hits, faults = measure(work, -(-arguments.kills // len(todo)), Path(name) / str(number), rng)
            total += hits
            is_bad |= bool(faults)
            print(f"{work.script:36} {hits:4} kills, {len(faults)} files differ {', '.join(faults[:3])}", flush=True)
    print(f"{total} kills in all")
    sys.exit(1 if is_bad else 0)


if __name__ == "__main__":
    main()
