"""Kills writing scripts at random moments; afterwards, a run must leave what an undisturbed one leaves.

python -m tests.benchmarks.kills --kills 200 --log kills.jsonl     goes on where an earlier run stopped
python -m tests.benchmarks.kills --kills 300 --at-files            kills just before a file is made, renamed or removed

Each script runs once undisturbed, which gives the tree to reach and the time that it takes. Then it runs into another
folder, is killed with all its workers (SIGKILL) after a random share of that time, five times in a row, and runs to
its end. With --at-files, it is killed once, just before a random one of its operations that change files. The two trees
must be equal by SHA-256: all files, with times and versions left out of the runs' JSONs, and without part files or live
workers. Prints a table; exit status 1 where a tree differs.
"""

import argparse
import hashlib
import importlib
import json
import math
import os
import random
import runpy
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import torch

from common.checkpoints import load_plain
from common.paths import DATA
from tests.benchmarks.hardware import describe_machine
from tests.helpers import ROOT

IN_A_ROW = 5  # kills before a run may end
KILLED, REFUSED = -signal.SIGKILL, 2
LIBRARIES = ("matplotlib.pyplot", "onnxruntime", "cv2", "scipy.ndimage", "skimage", "pyarrow.parquet", "diffusers",
             "transformers", "accelerate", "safetensors.torch", "tyro", "resvg_py")  # fmt: skip
CHANGES = {f"os.{name}" for name in ("rename", "remove", "rmdir", "mkdir", "link", "symlink", "truncate", "utime")}
PASSING = ("seconds", "versions", "figures", "device", "weights")  # times, what is new, and what made it
# settings that change how a run works, not what it leaves
HOW = ("resume", "engine", "ray_address", "workers", "worker_cpus", "chunk")


@dataclass(frozen=True)
class Work:
    """A script and its flags; `{out}` in a flag is the output folder.

    `start` are folders, and where their copies lie in the output folder before the first run. A training goes on with
    `--resume`, where there is something to resume.
    """

    script: str
    flags: tuple[str, ...]
    start: tuple[tuple[Path, str], ...] = ()
    resumes: bool = False

    def command(self, output: Path, *, resume: bool = False) -> list[str]:
        """Script and flags for this output folder."""
        flags = [flag.replace("{out}", str(output)) for flag in self.flags]
        return [str(ROOT / self.script), *flags, *(["--resume"] if resume else [])]


@dataclass(frozen=True)
class Kill:
    """When a script dies: after some seconds, or before its n-th operation that changes a file, counted from 1."""

    after_s: float = math.inf
    before: int = 0


def works(folder: Path) -> list[Work]:
    """All scripts that write, but three that train for hours; `folder` is for the inputs of `make_inputs`."""
    choices, sets = folder / "choices.csv", folder / "sets"
    frames, masks = sets / "frames_backup_walk_north", sets / "masks_backup_walk_north"
    training, cutouts = folder / "training", folder / "predicted"
    collages, style = folder / "collages", folder / "style"
    taste, photos, people = ("--taste", "rock=5", "--analyzer", "self"), folder / "photos", folder / "people"
    avatar = (
        "--features",
        str(folder / "features/person_01.json"),
        "--output",
        "{out}",
        "--steps",
        "4",
        "--size-px",
        "128",
    )
    small = ("--workers", "0", "--epochs", "2", "--batch", "4")
    bodies = str(DATA / "masks/sheets/other_body.png")
    scenes = ("--scenes", "3", "--people", "2", "--width", "192")
    table = str(DATA / "pet/users.csv")
    pet, scene = folder / "pet", str(photos / "beach_1.jpg")
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
        Work("masks/2_initial_masks.py", ("{out}", "--output", "{out}/sheet.png", "--method", "lab"),
             start=((training, ""),)),
        Work("masks/5_predict_masks.py", ("--frames", str(frames), "--output", "{out}", "--export", "ase", "ora")),
        Work("masks/6_evaluate_masks.py", (str(sets), "--output", "{out}/figure.png")),
        Work("masks/7_backup_training_set.py", ("{out}", "walk_up", "--clear"),
             start=((training, ""), (frames, "frames"), (masks, "masks_corrected"))),
        Work("masks/8_dress.py", ("--cutouts", str(cutouts / "cutouts"), "--bodies", bodies, "--output", "{out}")),
        Work("masks/mask_model.py", (str(sets), "--output", "{out}/model.pth", *small), resumes=True),
        Work("carousel/0_Draw_Scenes.py", ("--output", "{out}", "--sheet", "{out}/sheet.png", *scenes)),
        Work("carousel/Collage_segmentation.py", ("--photos", str(photos), "--output", "{out}", "--panel-px", "128")),
        Work("carousel/Dataset.py", ("--collages", str(collages), "--size-px", "64", "--output", "{out}/batch.png")),
        Work("carousel/Evaluate.py", ("--collages", str(collages), "--split", "all", "--output", "{out}/figure.png")),
        Work("carousel/Inference.py", ("--person", str(people), "--output", "{out}", "--no-find-people", "--gif-px",
                                       "64")),
        Work("carousel/Model.py", ("--output", "{out}/model.png", "--encoder", "resnet18", "--size-px", "64")),
        Work("carousel/Train.py", ("--collages", str(collages), "--encoder", "none", "--steps", "0", "--light-samples",
                                   "400", "--size-px", "64", "--workers", "0", "--output", "{out}/model.pth"),
             resumes=True),
        Work("avatar/0_Draw_Avatars.py", ("--folder", "{out}/drawn", "--count", "8", "--size-px", "64",
                                          "--avatars", "4", "--output", "{out}/sheet.png")),
        Work("avatar/FeatureExtractor.py", ("--photo", str(people), *taste, "--output", "{out}")),
        Work("avatar/utils.py", ("--photo", str(DATA / "carousel/people/person_01.png"), "--output", "{out}",
                                 "--model", "embedded")),
        Work("avatar/AvatarGen_Base.py", avatar),
        Work("avatar/AvatarGen.py", (*avatar, "--compare")),
        Work("avatar/TrainLoRA.py", ("--pictures", str(style), "--output", "{out}/lora.safetensors", "--steps", "3",
                                     "--sample-every", "1", "--sample-steps", "2", "--size-px", "64"), resumes=True),
        Work("postcard.py", ("--features", str(folder / "features/person_01.json"), "--avatars", str(people),
                             "--styled", str(people), "--scene", scene, "--pet", f"{pet}/main_pet.png",
                             "--pet-record", f"{pet}/main.json", "--output", "{out}/postcard.png")),
    ]  # fmt: skip


def make_inputs(folder: Path, todo: Sequence[Work]) -> None:
    """Copy a few of the samples, and run the scripts whose results these works read."""
    for source, target, kept in (
        ("masks/frames_backup_walk_north", "sets/frames_backup_walk_north", "*_0[0-4].png"),
        ("masks/masks_backup_walk_north", "sets/masks_backup_walk_north", "*_0[0-4].png"),
        ("masks/frames_backup_walk_south", "sets/frames_backup_walk_south", "*_0[0-2].png"),
        ("masks/masks_backup_walk_south", "sets/masks_backup_walk_south", "*_0[0-2].png"),
        ("carousel/photos", "photos", "beach_*.jpg"),
        ("carousel/people", "people", "person_0[1-4].png"),
    ):
        (folder / target).mkdir(parents=True)
        for path in (DATA / source).glob(kept):
            shutil.copy(path, folder / target)
    frames = folder / "sets/frames_backup_walk_north"
    makers: dict[str, tuple[str, ...]] = {
        "pet": ("pet/main.py", "--output", "{}/main.png", "--size-px", "128"),
        "choices.csv": ("pet/1_TopN.py", "--output", "{}"),
        "training": ("masks/1_split_spritesheet.py", "{}", "--output", str(folder / "sheet.png")),
        "predicted": ("masks/5_predict_masks.py", "--frames", str(frames), "--output", "{}"),
        "collages": ("carousel/Collage_segmentation.py", "--photos", str(folder / "photos"), "--output", "{}",
                     "--panel-px", "128"),
        "features": ("avatar/FeatureExtractor.py", "--photo", str(folder / "people"), "--taste", "rock=5",
                     "--analyzer", "self", "--output", "{}"),
        "style": ("avatar/0_Draw_Avatars.py", "--folder", "{}", "--count", "6", "--size-px", "64", "--avatars", "1",
                  "--output", str(folder / "avatars.png")),
    }  # fmt: skip
    read = " ".join(str(words) for work in todo for words in (*work.flags, *work.start))
    for name, (script, *flags) in makers.items():
        if str(folder / name) in read:
            run([str(ROOT / script), *(flag.format(folder / name) for flag in flags)])


def tree_of(folder: Path) -> dict[str, str]:
    """SHA-256 of every file by its path; a run's JSON without what differs from run to run."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        if path.suffix == ".json" and b'"versions"' in content:
            facts = json.loads(content.decode().replace(str(folder), "{out}"))
            facts = {key: value for key, value in facts.items() if key not in PASSING}
            facts["settings"] = {key: value for key, value in facts.get("settings", {}).items() if key not in HOW}
            content = json.dumps(facts).encode()
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


def run(command: Sequence[str], kill: Kill | None = None) -> tuple[int, int]:
    """Run a script in a session of its own, in a copy of this process, which has the libraries loaded.

    Args:
        command: script and flags.
        kill: when it dies; None: not at all.

    Returns:
        Its exit status, or KILLED; and its operations that changed files, 0 where it was killed.

    Raises:
        SystemExit: it ended with a traceback.
    """
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as counted:
        child = os.fork()
        if not child:
            _be_script(command, said.fileno(), counted.fileno(), kill.before if kill else 0)
        end = time.monotonic() + (kill.after_s if kill else math.inf)
        while not (waited := os.waitpid(child, os.WNOHANG))[0]:
            if time.monotonic() > end:
                os.killpg(child, signal.SIGKILL)
                os.waitpid(child, 0)
                return KILLED, 0
            time.sleep(0.005)
        status = os.waitstatus_to_exitcode(waited[1])
        said.seek(0)
        counted.seek(0)
        if status not in (0, REFUSED, KILLED):
            sys.exit(f"{' '.join(command)}: exit status {status}\n{said.read().decode()}")
        return status, int(counted.read() or 0)


def _be_script(command: Sequence[str], error: int, counted: int, before: int) -> NoReturn:
    """Run a script as its own process would; die before its operation of this number that changes a file."""
    count, status = 0, 1

    def hook(event: str, what: tuple[Any, ...]) -> None:
        nonlocal count
        if event in CHANGES or (event == "open" and isinstance(what[2], int) and what[2] & (os.O_WRONLY | os.O_RDWR)):
            count += 1
            if count == before:
                os.killpg(0, signal.SIGKILL)

    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream, handle in enumerate((nothing, nothing, error)):
        os.dup2(handle, stream)
    sys.argv = list(command)
    sys.addaudithook(hook)
    try:
        runpy.run_path(command[0], run_name="__main__")
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    os.write(counted, str(count).encode())
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def differences(wanted: dict[str, str], got: dict[str, str]) -> list[str]:
    """What is missing, too much or different."""
    return sorted(name for name in wanted.keys() | got.keys() if wanted.get(name) != got.get(name))


def finish(work: Work, output: Path) -> None:
    """Run to the end, resuming what can be resumed."""
    if not work.resumes or run(work.command(output, resume=True))[0] == REFUSED:
        run(work.command(output))


def measure(work: Work, kills: int, folder: Path, rng: random.Random, *, at_files: bool) -> tuple[int, list[str]]:
    """Kills that hit, and what differed afterwards."""
    wanted_folder = folder / "undisturbed"
    prepare(work, wanted_folder)
    start = time.monotonic()
    _, changes = run(work.command(wanted_folder))
    seconds = time.monotonic() - start
    wanted = tree_of(wanted_folder)
    if not wanted:
        sys.exit(f"{work.script} wrote nothing")
    hits, faults, in_a_row = 0, list[str](), 1 if at_files else IN_A_ROW
    for trial in range(-(-kills // in_a_row)):
        output = folder / f"trial {trial}"
        prepare(work, output)
        for turn in range(in_a_row):
            kill = Kill(before=rng.randint(1, changes)) if at_files else Kill(after_s=rng.uniform(0.1, 1) * seconds)
            status, _ = run(work.command(output, resume=work.resumes and turn > 0), kill)
            hits += status == KILLED
        finish(work, output)
        faults += differences(wanted, tree_of(output))
        shutil.rmtree(output)
    return hits, faults


def prepare(work: Work, output: Path) -> None:
    """Make the output folder, with what has to be there."""
    output.mkdir(parents=True)
    for source, place in work.start:
        shutil.copytree(source, output / place, dirs_exist_ok=True)


def show(done: Sequence[dict[str, Any]]) -> bool:
    """Print the table; True where all trees are right."""
    scripts = dict.fromkeys(line["script"] for line in done)
    for script in scripts:
        hits = sum(line["kills"] for line in done if line["script"] == script)
        differ = [name for line in done if line["script"] == script for name in line["differ"]]
        print(f"{script:36} {hits:4} kills, {len(differ)} files differ {', '.join(differ[:3])}")
    print(f"{sum(line['kills'] for line in done)} kills in all, over {len(scripts)} scripts")
    return not any(line["differ"] for line in done)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="scripts whose names hold this")
    parser.add_argument("--at-files", action="store_true", help="kill before operations that change files")
    parser.add_argument("--log", type=Path, help="file of results, one a line; works that it knows are left out")
    arguments = parser.parse_args()
    print(describe_machine())
    for library in LIBRARIES:
        importlib.import_module(library)
    log = arguments.log
    done = [json.loads(line) for line in log.read_text().splitlines()] if log and log.is_file() else []
    with tempfile.TemporaryDirectory() as name:
        all_works = list(enumerate(works(Path(name))))
        each = -(-arguments.kills // sum(arguments.only in work.script for _, work in all_works))
        known = {line["number"] for line in done}
        todo = [(n, work) for n, work in all_works if arguments.only in work.script and n not in known]
        make_inputs(Path(name), [work for _, work in todo])
        for number, work in todo:
            rng = random.Random(f"{arguments.seed} {number}")
            hits, faults = measure(work, each, Path(name) / str(number), rng, at_files=arguments.at_files)
            done.append({"number": number, "script": work.script, "kills": hits, "differ": faults})
            print(done[-1], flush=True)
            if log:
                with open(log, "a") as file:
                    file.write(json.dumps(done[-1]) + "\n")
    sys.exit(0 if show(done) else 1)


if __name__ == "__main__":
    main()
