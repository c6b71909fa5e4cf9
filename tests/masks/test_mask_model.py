"""The training script and its functions: imports from anywhere, a whole run, and refusals."""

import csv
import hashlib
import json
import math
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from common.errors import UserError
from common.paths import DATA
from common.runner import Report
from masks.mask_model import load_model, main, predict_mask, predict_masks
from masks.model.checkpoint_format import read_checkpoint, write_checkpoint
from masks.model.inference import Picture
from masks.model.metrics import f1_score
from masks.model.training_run import split_sets
from masks.model.unet import WIDTHS, UNet
from masks.sets.pairs import FramePair, read_mask
from masks.sets.training_sets import FrameSet, frame_keys, gather_training_data
from tests.helpers import ROOT, assert_user_error, load_main, run_script, with_settings
from tests.masks.model.test_checkpoint_format import Attack
from tests.masks.sample_sets import damage, write_archive, write_working_set

pytestmark = pytest.mark.slow
STEP = "masks/mask_model.py"
BASE_STEP = "masks/0_Train_Base_Model.py"
FRAME = DATA / "masks/frames_backup_walk_north"
PAIR = (FRAME / "base_frame_03.png", FRAME / "clothed_frame_03.png")
QUICK: dict[str, Any] = {"epochs": 2, "batch": 4, "workers": 0, "drawn_share": 0.0}


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Here and in the scripts: sums do not depend on the number of processors."""
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        yield


def make_folder(target: Path) -> Path:
    """Two archived sets, and a working set of three frames of which one is reviewed."""
    write_archive(target, "walk_east", range(2))
    write_archive(target, "walk_west", range(10, 12))
    write_working_set(target, range(20, 23), ["01"])
    return target


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "datos ñ")


def small_start(path: Path, bias: float = 0.0) -> Path:
    """A checkpoint of a small network, so that training it takes no time, whose answers begin at `bias`."""
    torch.manual_seed(0)
    network = UNet((4, 6))
    torch.nn.init.constant_(network.state_dict()["head.bias"], bias)
    write_checkpoint(path, network, frames=["an older frame"], settings={}, figures={})
    return path


def train(folder: Path, **settings: Any) -> Report:
    """main() itself, from a small start, into a folder beside the data."""
    start = folder.parent / "start.pth"
    if not start.exists():
        small_start(start)
    usual: dict[str, Any] = {"start": str(start), "output": folder.parent / "out/model.pth"}
    report = with_settings(main)(training_data=folder, **(usual | QUICK | settings))
    assert report is not None
    return report


# ---- imports and use ----

USE = """
import hashlib, sys
from {module} import load_model, predict_mask, predict_masks
model, device = load_model("mask_model.pth")
base, clothed = sys.argv[1:]
mask = predict_mask(model, base, clothed, device)
many = list(predict_masks(model, [(base, clothed)] * 2, device))
assert all((other == mask).all() for other in many)
print(mask.shape, mask.dtype, sorted(set(mask.flat)), hashlib.sha256(mask.tobytes()).hexdigest())
"""


def test_it_is_imported_inside_its_folder_and_by_its_full_name_anywhere(tmp_path: Path) -> None:
    answers = []
    for module, place in (("mask_model", ROOT / "masks"), ("masks.mask_model", tmp_path)):
        command = [sys.executable, "-c", USE.format(module=module), *map(str, PAIR)]
        result = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=120, check=False)
        assert result.returncode == 0, result.stderr
        answers.append(result.stdout)
    model, device = load_model("mask_model.pth")
    mask = predict_mask(model, *PAIR, device)
    expected = f"{mask.shape} uint8 [np.uint8(0), np.uint8(255)] {hashlib.sha256(mask.tobytes()).hexdigest()}\n"
    assert answers == [expected, expected]
    assert f1_score(mask, read_mask(DATA / "masks/masks_backup_walk_north/mask_03.png")) > 0.95


def test_importing_it_and_asking_for_help_need_no_torch() -> None:
    code = "import sys, masks.mask_model; sys.exit('torch' in sys.modules or 'cv2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60, check=False).returncode == 0
    started = time.perf_counter()
    result = run_script(STEP, "--help")
    assert result.returncode == 0 and time.perf_counter() - started < 10
    text = " ".join(result.stdout.split())
    assert "continue an interrupted run" in text and "[PATH]" in text
    for line in (ROOT / STEP).read_text(encoding="utf-8").splitlines():
        name = line.split(" ")[0].rstrip(":")
        if " = " in line and "  # " in line and name.isupper():
            assert name == "TRAINING_DATA" or f"--{name.lower().replace('_', '-')}" in text, name


def test_a_model_predicts_and_does_not_train() -> None:
    model, device = load_model()
    assert not model.training and model.widths == WIDTHS
    mask = predict_mask(model, *PAIR, device)
    with Image.open(PAIR[0]) as base, Image.open(PAIR[1]) as clothed:
        np.testing.assert_array_equal(predict_mask(model, base, clothed, device), mask)
        pairs: list[tuple[Picture, Picture]] = [(base, clothed), (np.asarray(base), clothed), (str(PAIR[0]), PAIR[1])]
        for other in predict_masks(model, pairs, device):
            np.testing.assert_array_equal(other, mask)


# ---- a whole run ----

FLAGS = "--epochs 8 --batch 4 --workers 0 --drawn-share 0.2 --held-out walk_west".split()


def command_of(folder: Path, output: Path, *more: str) -> list[str]:
    start = small_start(folder.parent / "start.pth")
    return [str(folder), "--start", str(start), "--output", str(output), *FLAGS, *more]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    """A run from the shell: training folder, checkpoint, and what it printed."""
    folder = make_folder(tmp_path_factory.mktemp("whole") / "datos ñ")
    output = folder.parent / "out/own.pth"
    result = run_script(STEP, *command_of(folder, output), cwd=folder.parent)
    assert result.returncode == 0, result.stderr
    return folder, output, result.stdout


def test_a_run_says_what_it_trains_on_and_what_changed(whole: tuple[Path, Path, str]) -> None:
    _, _, printed = whole
    assert "trains on   working set (1), walk_east (2)" in printed
    assert "held out    walk_west (2)" in printed and "device: " in printed
    table = printed[printed.index("set  ") :]
    assert "before" in table and "change" in table and table.count("best threshold") >= 3
    roles = {line.split("  ")[0]: line for line in table.splitlines()}
    assert " seen " in roles["walk_east"] and " seen " in roles["working set"] and "held out" in roles["walk_west"]


def test_a_run_writes_curves_samples_scores_and_record(whole: tuple[Path, Path, str]) -> None:
    _, output, _ = whole
    others = {"own.json", "own.csv", "own.state.pth", ".own.state.pth.lock", "own_curves.png", "own_samples.png"}
    assert {path.name for path in output.parent.iterdir()} == {"own.pth", *others}
    for name in ("own_curves.png", "own_samples.png"):
        with Image.open(output.with_name(name)) as picture:
            assert picture.format == "PNG" and min(picture.size) > 200
            assert len(picture.convert("RGB").resize((64, 64)).getcolors(1 << 20) or []) > 20, "blank"
    with open(output.with_suffix(".csv"), encoding="utf-8", newline="") as file:
        rows = [(row["set"], row["role"], row["frame"]) for row in csv.DictReader(file)]
    east, west = ([(*which, n) for n in ("00", "01")] for which in (("walk_east", "seen"), ("walk_west", "held out")))
    assert rows == [("working set", "seen", "01"), *east, *west]
    record = json.loads(output.with_suffix(".json").read_text(encoding="utf-8"))
    assert record["settings"]["epochs"] == 8 and len(record["inputs"]) == 5
    assert set(record["figures"]) == {"seen working set", "seen walk_east", "held out walk_west"}
    assert read_checkpoint(output)["figures"] == record["figures"]


def test_a_checkpoint_knows_its_frames_reviewed_and_archived_and_those_before(whole: tuple[Path, Path, str]) -> None:
    folder, output, _ = whole
    sets = {frame_set.name: frame_set for frame_set in gather_training_data(folder)}
    trained = {*frame_keys(sets["working set"]), *frame_keys(sets["walk_east"])}
    assert len(trained) == 3 and set(read_checkpoint(output)["frames"]) == trained | {"an older frame"}
    model, device = load_model(output)
    pair = sets["walk_west"].pairs[0]
    assert predict_mask(model, pair.base, pair.clothed, device).shape == (48, 48)


def test_from_scratch_it_is_the_network_that_ships(folder: Path) -> None:
    report = train(folder, start="none", epochs=1, held_out="walk_west,working set", batch=2)
    content = read_checkpoint(report.output)
    assert tuple(content["widths"]) == WIDTHS and report.weights == []
    assert content["settings"] | {"learning_rate": 2e-3, "drawn_share": 0.0} == content["settings"]
    assert len(content["frames"]) == 2


# ---- sets that are held out ----


def sets_of(*names: str) -> list[FrameSet]:
    return [FrameSet(name, [FramePair("00", Path(name), Path(name), Path(name))] * 3) for name in names]


@pytest.mark.parametrize(
    ("held_out", "names", "measured"),
    [
        ("auto", "a", ""),
        ("auto", "a b", ""),
        ("auto", "a b c", "c"),
        ("auto", "a b c d", "d"),
        ("none", "a b c", ""),
        ("b", "a b c", "b"),
        ("c, a", "a b c", "a c"),
        ("", "a b c", ""),
    ],
)
def test_whole_animations_are_held_out(held_out: str, names: str, measured: str) -> None:
    sets = sets_of(*names.split())
    trained, held = split_sets(sets, held_out)
    assert [frame_set.name for frame_set in held] == measured.split()
    assert [*trained, *held] == sorted(sets, key=lambda frame_set: frame_set in held)
    assert all(len(frame_set.pairs) == 3 for frame_set in (*trained, *held)), "no animation stands on both sides"


def test_names_that_no_set_has_and_names_of_all_are_refused() -> None:
    with pytest.raises(UserError, match=r"HELD_OUT names d, e; the sets are a, b"):
        split_sets(sets_of("a", "b"), "d,a,e")
    with pytest.raises(UserError, match="nothing is left to train on"):
        split_sets(sets_of("a", "b"), "a,b")


# ---- refusals ----


def refusal(folder: Path, **settings: Any) -> str:
    with pytest.raises(UserError) as error:
        train(folder, **settings)
    assert not (folder.parent / "out").exists(), "nothing is written"
    return str(error.value)


SETTINGS: list[tuple[dict[str, Any], str]] = [
    ({"epochs": 0}, "EPOCHS is 0"),
    ({"batch": 0}, "BATCH is 0"),
    ({"dice_weight": 1.5}, "DICE_WEIGHT is 1.5"),
    ({"dice_weight": math.nan}, "DICE_WEIGHT is nan"),
    ({"drawn_share": -0.1}, "DRAWN_SHARE is -0.1"),
    ({"learning_rate": 0.0}, "LEARNING_RATE is 0"),
    ({"learning_rate": -1.0}, "LEARNING_RATE is -1"),
    ({"learning_rate": math.nan}, "LEARNING_RATE is nan"),
    ({"seed": -1}, "SEED is -1"),
    ({"workers": -1}, "WORKERS is -1"),
    ({"output": Path("model.png")}, "needs the suffix .pth"),
    ({"held_out": "walk_esat"}, "HELD_OUT names walk_esat; the sets are working set, walk_east, walk_west"),
    ({"start": "nothing.pth"}, "nothing.pth: no such checkpoint, neither here nor in"),
    ({"resume": True}, "nothing to resume; start without --resume"),
]


@pytest.mark.parametrize(("settings", "words"), SETTINGS, ids=lambda value: str(value)[:40])
def test_faulty_settings_stop_before_any_work(folder: Path, settings: dict[str, Any], words: str) -> None:
    assert words in refusal(folder, **settings)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project with a stand-in for the checkpoint that ships; no test may write near the real one."""
    copy = tmp_path / "copy"
    for part in ("common", "masks"):
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "checkpoints/masks").mkdir(parents=True)
    (copy / "checkpoints/masks/mask_model.pth").write_bytes(b"the one that ships")
    (copy / "link").symlink_to(copy / "checkpoints/masks")
    make_folder(copy / "sets")
    return copy


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
@pytest.mark.parametrize(
    ("script", "output"),
    [
        (STEP, "{copy}/checkpoints/masks/new.pth"),
        (BASE_STEP, "checkpoints/masks/sub/new.pth"),
        (STEP, "link/mask_model.pth"),
    ],
)
def test_checkpoints_that_ship_are_never_written_over(project: Path, script: str, output: str) -> None:
    data = ["sets", "--start", str(small_start(project / "start.pth"))] if script == STEP else ["--samples", "2"]
    flags = [*data, "--epochs", "1", "--batch", "2", "--workers", "0", "--output", output.format(copy=project)]
    result = subprocess.run(
        [sys.executable, str(project / script), *flags],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | {"PYTHONPATH": str(project)},
    )
    assert_user_error(result, "checkpoints that ship are not replaced by training")
    shipped = project / "checkpoints/masks"
    assert [path.name for path in shipped.iterdir()] == ["mask_model.pth"]
    assert (shipped / "mask_model.pth").read_bytes() == b"the one that ships"


def test_all_faults_of_the_data_are_listed_together_by_the_script(folder: Path) -> None:
    damage(folder / "frames_backup_walk_east/base_frame_01.png", 0.5)
    (folder / "masks_backup_walk_west/mask_00.png").unlink()
    output = folder.parent / "out/model.pth"
    result = run_script(STEP, folder, "--output", output, "--workers", 0, cwd=folder.parent)
    assert_user_error(result, "2 faults", "base_frame_01.png: truncated", "has no mask masks_backup_walk_west/mask_00")
    assert not output.parent.exists()


def test_folders_without_sets_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "no such folder" in refusal(tmp_path / "none")
    assert "nothing to train on" in refusal(tmp_path / "empty")


def test_a_malicious_start_is_refused_and_does_not_run(folder: Path) -> None:
    start, witness = folder.parent / "attack.pth", folder.parent / "witness"
    torch.save({"model": Attack(witness)}, start)
    assert "refused, it holds more than tensors and plain values" in refusal(folder, start=str(start))
    assert not witness.exists()


# ---- runs after one another ----


def test_a_second_run_keeps_the_first_and_a_sick_one_changes_nothing(folder: Path) -> None:
    output = folder.parent / "out/model.pth"
    train(folder, epochs=1)
    first = output.read_bytes()
    with pytest.raises(UserError, match="EPOCHS was 1, now 3"):
        train(folder, epochs=3, resume=True)
    sick = small_start(folder.parent / "sick.pth", bias=3e38)
    before = {path.name: path.read_bytes() for path in output.parent.iterdir()}
    with pytest.raises(UserError, match=r"not finite in epoch 1, batch 1: dice [0-9.na]+, cross-entropy (nan|inf)"):
        train(folder, start=str(sick))
    assert {path.name: path.read_bytes() for path in output.parent.iterdir()} == before
    os.utime(output, (1_700_000_000, 1_700_000_000))
    train(folder, epochs=1, seed=2)
    kept = list((output.parent / "previous").iterdir())
    assert [path.read_bytes() for path in kept] == [first] and kept[0].name.startswith("model_2023-11-1")
    assert output.read_bytes() != first


# ---- the base model ----


def test_the_base_model_trains_on_random_figures_alone(tmp_path: Path) -> None:
    output = tmp_path / "base/model.pth"
    report = load_main(BASE_STEP)(output=output, epochs=1, samples=2, batch=2, repeats=2, workers=0)
    content = read_checkpoint(output)
    assert content["frames"] == [] and tuple(content["widths"]) == WIDTHS
    assert content["figures"]["random figures"] == 2 and content["settings"]["drawn_share"] == 1
    assert report.inputs == [] and report.figures["random figures"] == 2
    load_model(output)
    again = load_main(BASE_STEP)(output=output, epochs=1, samples=2, batch=2, repeats=2, workers=0, resume=True)
    assert again.figures == report.figures


def test_the_base_model_refuses_faulty_settings(tmp_path: Path) -> None:
    train_base = load_main(BASE_STEP)
    usual: dict[str, Any] = {"epochs": 1, "samples": 2, "batch": 2, "workers": 0}
    faulty = {"epochs": 0, "samples": 0, "batch": 0, "repeats": 0, "dice_weight": 2.0, "seed": -1}
    for name, value in faulty.items():
        with pytest.raises(UserError, match=f"setting {name.upper()} is"):
            train_base(output=tmp_path / "model.pth", **(usual | {name: value}))
    assert not list(tmp_path.iterdir())
