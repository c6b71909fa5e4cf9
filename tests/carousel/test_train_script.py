"""Train.py: whole runs, killed ones that go on bit for bit, and several devices."""

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from carousel.fusion.checkpoint_format import FORMAT, network_of, read_checkpoint
from carousel.fusion.training import FusionTrainingSettings, held_out_psnr
from carousel.fusion.training_run import fingerprint
from carousel.fusion.training_samples import load_entries
from common.checkpoints import load_plain
from common.runner import Report
from tests.carousel.fusion.test_training import EVERY, SHORT, sides, train
from tests.carousel.helpers import SIDE, assert_same, count_colours, write_collages
from tests.helpers import ROOT
from tests.masks.model.test_checkpoint_format import assert_plain

pytestmark = pytest.mark.slow
STEP = "carousel/Train.py"


@pytest.fixture(autouse=True, scope="module")
def _on_one_thread_of_the_cpu(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACCELERATE_USE_CPU", "true")
        patch.setenv("OMP_NUM_THREADS", "1")  # of the scripts: sums of floats depend on it
        patch.setenv("TORCH_HOME", str(tmp_path_factory.mktemp("no hub")))  # encoders start from random weights
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def collages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mis collages")
    write_collages(folder, 8)
    return folder


def flags(collages: Path, output: Path, run: FusionTrainingSettings = SHORT) -> list[str]:
    """The same as flags of the script."""
    values = asdict(run) | {"measure_every": EVERY, "collages": collages, "output": output}
    return list(itertools.chain(*((f"--{name.replace('_', '-')}", str(value)) for name, value in values.items())))


# ---- a run at once ----


@pytest.fixture(scope="module")
def reference(collages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Report]]:
    """A run at once, of which no weights of VGG16 were asked for."""
    output = tmp_path_factory.mktemp("reference") / "own model.pth"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("common.imagenet.perceptual_loss.load_vgg16", lambda: pytest.fail("PERCEPTUAL_WEIGHT is 0"))
        yield output, train(collages, output)
    shutil.rmtree(output.parent)  # states are large


def test_a_run_writes_what_it_promises(reference: tuple[Path, Report], collages: Path) -> None:
    output, report = reference
    parts = (".pth", ".state.pth", "_curves.png", "_samples.png")
    names = {".own model.state.pth.lock", *(f"own model{part}" for part in parts)}
    assert {path.name for path in output.parent.iterdir()} == names
    content = read_checkpoint(output)
    assert_plain(content)
    assert content["format"] == FORMAT and content["size_px"] == SIDE
    expected = asdict(replace(SHORT, collages=fingerprint(load_entries(collages, SIDE))))
    assert content["settings"] == expected and content["figures"] == report.figures
    assert report.figures["steps"] == report.figures["step"] == SHORT.steps and report.weights == []
    assert report.inputs == [collages / "index.csv"] and report.device.startswith("C")
    for name, size in (("curves", (1170, 546)), ("samples", None)):
        path = output.with_name(f"own model_{name}.png")
        assert count_colours(path) > 50
        with Image.open(path) as picture:
            assert picture.size[0] > 1000 and size in (None, picture.size)


def test_the_checkpoint_is_the_best_average_that_was_measured(reference: tuple[Path, Report], collages: Path) -> None:
    output, report = reference
    network = network_of(read_checkpoint(output), output)
    best = report.figures["best held-out foreground PSNR"]
    assert np.mean(held_out_psnr(network, sides(collages)[1], torch.device("cpu"))[0]) == pytest.approx(best, abs=0.05)
    state = load_plain(output.with_suffix(".state.pth"))
    assert best == max(entry["held-out foreground PSNR"] for entry in state["history"])
    assert [entry["step"] for entry in state["history"]] == [0, 2, 4]
    assert state["history"][0].keys() == {"step", "held-out foreground PSNR", "held-out gain"}
    for entry in state["history"][1:]:
        assert entry.keys() == {"step", "L1", "masked L1", "held-out foreground PSNR", "held-out gain"}
        assert 0 < entry["L1"] < entry["masked L1"] < 3


def test_the_light_that_was_taught_first_rests(reference: tuple[Path, Report]) -> None:
    state = load_plain(reference[0].with_suffix(".state.pth"))
    for name, value in state["network"].items():
        if name.startswith("light."):
            assert torch.equal(value, state["average"][name]), name
    assert state["network"]["light.members.0.7.weight"].any(), "it was taught"
    assert not torch.equal(state["network"]["local.weight"], state["average"]["local.weight"]), "this learns"


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_a_run_killed_by_the_system_goes_on_exactly(
    reference: tuple[Path, Report], collages: Path, tmp_path: Path
) -> None:
    output, state = tmp_path / "own model.pth", tmp_path / "own model.state.pth"
    command = [sys.executable, str(ROOT / STEP), *flags(collages, output)]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 300
    while not state.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    content = load_plain(state)
    assert content["steps"] == EVERY and not output.exists(), "it was killed in the middle"
    assert_plain({name: value for name, value in content.items() if name != "optimiser"})
    report = train(collages, output, resume=True)
    states = [load_plain(path) for path in (state, reference[0].with_suffix(".state.pth"))]
    for name in ("network", "average", "best"):
        assert_same(states[0][name], states[1][name])
    assert states[0]["history"] == states[1]["history"]
    assert_same(load_plain(output)["model"], load_plain(reference[0])["model"])
    assert report.figures == reference[1].figures
    state.unlink()


def test_a_finished_run_that_is_resumed_gives_its_result_again(
    reference: tuple[Path, Report], collages: Path, tmp_path: Path
) -> None:
    (tmp_path / "own.state.pth").hardlink_to(reference[0].with_suffix(".state.pth"))
    report = train(collages, tmp_path / "own.pth", resume=True)
    assert_same(load_plain(tmp_path / "own.pth")["model"], load_plain(reference[0])["model"])
    assert report.figures == reference[1].figures


def test_several_devices_train_together_and_one_writes(collages: Path, tmp_path: Path) -> None:
    """`accelerate launch` starts a process a device; here both are the CPU."""
    run = replace(SHORT, steps=1, light_samples=0, head="colours")
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
    launch += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]
    command = [*launch, str(ROOT / STEP), *flags(collages, tmp_path / "own.pth", run)]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    assert result.stdout.count("training on") == result.stdout.count("written: ") == 1
    state = load_plain(tmp_path / "own.state.pth")
    assert state["steps"] == 1 and len(state["history"]) == 1
    assert network_of(read_checkpoint(tmp_path / "own.pth"), "own.pth").settings["head"] == "colours"
    record = json.loads((tmp_path / "own.json").read_text(encoding="utf-8"))
    assert record["figures"]["steps"] == 1 and record["settings"]["head"] == "colours"
    names = {"own.pth", "own.json", "own.state.pth", ".own.state.pth.lock", "own_curves.png", "own_samples.png"}
    assert {path.name for path in tmp_path.iterdir()} == names
    (tmp_path / "own.state.pth").unlink()
