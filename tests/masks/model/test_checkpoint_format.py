"""Checkpoints: what they hold, what they refuse, what a kill leaves, and how good the one that ships is."""

import functools
import io
import os
import pickle
import random
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from common.errors import UserError
from common.paths import CHECKPOINTS, DATA
from masks.model import onnx_runtime
from masks.model.checkpoint_format import (
    FORMAT,
    find_checkpoint,
    load_network,
    network_of,
    read_checkpoint,
    write_checkpoint,
)
from masks.model.inference import predict_masks
from masks.model.metrics import f1_score
from masks.model.unet import SIZE_PX, UNet, fold_normalisation
from masks.sets.pairs import read_mask
from masks.sets.training_sets import FrameSet, gather_training_data
from tests.helpers import REAL_DATA, ROOT, needs_real_data
from tests.masks.model.test_unet import lively_network, random_pairs

SHIPPED = CHECKPOINTS / "masks/mask_model.pth"


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A whole checkpoint of a small network."""
    target = tmp_path / "own model ñ.pth"
    write_checkpoint(target, lively_network(), frames=["a", "b"], settings={"epochs": 3}, figures={"seen x": 0.5})
    return target


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as error:
        load_network(path)
    message = str(error.value)
    assert str(path) in message and "\n" not in message
    return message


# ---- what they hold ----


def assert_plain(value: Any) -> None:
    """Tensors, and what JSON could hold."""
    if isinstance(value, dict):
        assert type(value).__name__ in ("dict", "OrderedDict")
        assert all(type(key) is str for key in value)
        value = list(value.values())
    if isinstance(value, list | tuple):
        for part in value:
            assert_plain(part)
    else:
        assert type(value) in (Tensor, str, int, float, bool, type(None)), type(value)


@torch.inference_mode()
def test_a_network_comes_back_in_half_precision_with_its_facts(path: Path) -> None:
    content = read_checkpoint(path)
    assert content["frames"] == ["a", "b"] and content["settings"] == {"epochs": 3}
    assert content["figures"] == {"seen x": 0.5} and content["widths"] == [8, 12]
    network, written = network_of(content, path), lively_network()
    assert not network.training and network.widths == (8, 12)
    for name, value in written.state_dict().items():
        expected = value.half().float() if value.ndim == 4 else value.float()
        torch.testing.assert_close(network.state_dict()[name].float(), expected, rtol=0, atol=0)
    loaded, device = load_network(path)
    assert next(loaded.parameters()).device.type == device.type
    logits = loaded(random_pairs(2, 32, 32).to(device)).cpu()
    torch.testing.assert_close(logits, written(random_pairs(2, 32, 32)), rtol=0.02, atol=0.02 * float(logits.std()))


def test_only_tensors_and_plain_values_are_in_it(path: Path) -> None:
    for checkpoint in (path, SHIPPED):
        content = torch.load(checkpoint, weights_only=True)
        assert_plain(content)
        assert content["format"] == FORMAT


def test_writing_leaves_one_file_and_replaces_the_old_one(path: Path) -> None:
    old = path.read_bytes()
    write_checkpoint(path, lively_network(seed=1), frames=[], settings={}, figures={})
    assert path.read_bytes() != old and [file.name for file in path.parent.iterdir()] == [path.name]


# ---- where they are looked up ----


def test_a_bare_name_is_looked_up_here_and_then_among_those_that_ship(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_checkpoint("mask_model.pth") == find_checkpoint(Path("mask_model.pth")) == SHIPPED
    with pytest.raises(UserError, match=r"other\.pth: no such checkpoint, neither here nor in .*masks"):
        find_checkpoint("other.pth")
    Path("mask_model.pth").write_bytes(b"mine")
    assert find_checkpoint("mask_model.pth").resolve() == tmp_path / "mask_model.pth"


@pytest.mark.parametrize("name", ["./none/mask_model.pth", "none/mask_model.pth", "../mask_model.pth"])
def test_a_path_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(UserError, match=r"mask_model\.pth: no such checkpoint$"):
        find_checkpoint(name)


def test_a_folder_is_no_checkpoint(tmp_path: Path) -> None:
    assert "no such checkpoint" in refusal(tmp_path)


# ---- what they refuse ----


class Attack:
    """Creates a file where it is unpickled."""

    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return os.mkdir, (str(self.witness),)


def attack_in_a_zip(content: Any, path: Path) -> None:
    """As torch writes it, with a pickle of everything."""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", pickle.dumps(content, protocol=2))
        file.writestr("archive/version", "3\n")


ATTACKS: dict[str, Callable[[Any, Path], object]] = {
    "raw pickle": lambda content, path: path.write_bytes(pickle.dumps(content, protocol=2)),
    "raw pickle, newest protocol": lambda content, path: path.write_bytes(pickle.dumps(content)),
    "zip": attack_in_a_zip,
    "torch.save": torch.save,
    "torch.save, old format": functools.partial(torch.save, _use_new_zipfile_serialization=False),
}


@pytest.mark.parametrize("kind", ATTACKS)
@pytest.mark.parametrize("inside", [False, True])
def test_a_malicious_pickle_is_refused_and_does_not_run(tmp_path: Path, kind: str, inside: bool) -> None:
    witness, path = tmp_path / "witness", tmp_path / "attack.pth"
    attack = Attack(witness)
    state = UNet((8, 12)).state_dict()
    content = {"format": FORMAT, "widths": [8, 12], "model": state, "figures": attack} if inside else attack
    ATTACKS[kind](content, path)
    assert "refused, it holds more than tensors and plain values" in refusal(path)
    assert not witness.exists()
    if not inside and kind != "torch.save, old format":  # the attack itself is real
        data = zipfile.ZipFile(path).read("archive/data.pkl") if kind == "zip" else path.read_bytes()
        if kind != "torch.save":
            pickle.loads(data)
            assert witness.exists()


def test_whole_networks_and_arrays_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "whole.pth"
    for content in (UNet((8, 12)), {"format": FORMAT, "widths": [8, 12], "model": {"a": np.zeros(3)}}):
        torch.save(content, path)
        assert "refused" in refusal(path)


TEXTS = {
    "empty": "",
    "a line": "hello world\n",
    "a pointer": "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
    "a web page": "<!DOCTYPE html>\n<html><title>Sign in</title></html>\n",
    "JSON": '{"format": "re-live clothing mask U-Net 1"}',
    "a table": "a,b\n1,2\n",
    "two letters": "MZ",
    "an archive's beginning": "PK\x03\x04 and no more",
    "a picture's beginning": "\x89PNG\r\n\x1a\n",
}


@pytest.mark.parametrize("name", TEXTS)
def test_files_of_other_kinds_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "text.pth"
    path.write_text(TEXTS[name], encoding="utf-8")
    message = refusal(path)
    assert "damaged" in message or "another model" in message


def test_random_bytes_are_refused(tmp_path: Path) -> None:
    source, path = random.Random(0), tmp_path / "noise.pth"
    for _ in range(300):
        path.write_bytes(source.randbytes(source.randrange(1, 60)))
        refusal(path)


@pytest.mark.parametrize("old_format", [False, True])
def test_files_cut_short_are_refused_at_every_length(path: Path, old_format: bool) -> None:
    data = path.read_bytes()
    if old_format:
        buffer = io.BytesIO()
        torch.save(read_checkpoint(path), buffer, _use_new_zipfile_serialization=False)
        data = buffer.getvalue()
    source = random.Random(1)
    for length in [*range(0, 200, 7), *(source.randrange(len(data)) for _ in range(60)), len(data) - 1]:
        path.write_bytes(data[:length])
        assert "damaged" in refusal(path) or "refused" in refusal(path)


def test_changed_bytes_are_refused_or_harmless(path: Path) -> None:
    data, source = path.read_bytes(), random.Random(2)
    refused = 0
    for _ in range(150):
        spoilt = bytearray(data)
        for _ in range(source.randrange(1, 4)):
            spoilt[source.randrange(len(spoilt))] = source.randrange(256)
        path.write_bytes(spoilt)
        try:
            load_network(path)
        except UserError as error:
            refused += 1
            assert str(path) in str(error)
    assert refused > 50, "the checksums of the weights hold most of the file"


OTHERS: dict[str, Callable[[], Any]] = {
    "bare weights": lambda: nn.Conv2d(3, 3, 3).state_dict(),
    "a list": lambda: [torch.zeros(3)],
    "a tensor": lambda: torch.zeros(3),
    "another format": lambda: {"format": "other", "widths": [8, 12], "model": UNet((8, 12)).state_dict()},
    "no format": lambda: {"widths": [8, 12], "model": UNet((8, 12)).state_dict()},
    "the state of a run": lambda: {"settings": {}, "network": UNet((8, 12)).state_dict()},
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "other.pth"
    torch.save(OTHERS[name](), path)
    assert "a checkpoint of another model; it must be one that mask_model.py wrote" in refusal(path)


MISFITS: dict[str, dict[str, Any]] = {
    "other widths": {"widths": [8, 16]},
    "more levels": {"widths": [8, 12, 16]},
    "no widths": {"widths": []},
    "widths of nothing": {"widths": [0, 0]},
    "fractions": {"widths": [8.5, 12.5]},
    "texts": {"widths": ["8", "12"]},
    "one number": {"widths": 8},
    "too large for any memory": {"widths": [10**9, 10**9]},
    "large": {"widths": [4000] * 5},
    "very many levels": {"widths": [8] * 10**6},
    "another network": {"model": nn.Conv2d(3, 3, 3).state_dict()},
    "no tensors": {"model": {"stem.weight": 1}},
    "nothing": {"model": None},
    "tensors without names": {"model": {1: torch.zeros(1)}},
}


@pytest.mark.parametrize("name", MISFITS)
def test_tensors_that_do_not_fit_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "misfit.pth"
    whole = {"format": FORMAT, "widths": [8, 12], "frames": [], "model": UNet((8, 12)).state_dict()}
    torch.save(whole | MISFITS[name], path)
    assert re.search("do not fit the network|damaged, its (field|weight)", refusal(path))
    torch.save({"format": FORMAT}, path)
    assert "its field 'widths' is missing" in refusal(path)


# ---- what a kill or a full disk leaves ----

WRITES_FOREVER = """
import sys
from pathlib import Path
import torch
from masks.model.checkpoint_format import write_checkpoint
from masks.model.unet import SIZE_PX, UNet, fold_normalisation
torch.manual_seed(0)
network = UNet((48, 96, 192))
number = 0
while True:
    write_checkpoint(Path(sys.argv[1]), network, frames=[], number=number)
    number += 1
    print(number, flush=True)
"""

HANGS_WHILE_WRITING = """
import sys, time
from pathlib import Path
from masks.model.checkpoint_format import write_checkpoint
from masks.model.unet import SIZE_PX, UNet, fold_normalisation

class Slow:
    def __reduce__(self):
        print("writing", flush=True)
        time.sleep(60)

write_checkpoint(Path(sys.argv[1]), UNet((8, 12)), figures=Slow())
"""

HAS_LITTLE_SPACE = """
import resource, signal, sys
from pathlib import Path
from common.errors import UserError
from masks.model.checkpoint_format import write_checkpoint
from masks.model.unet import SIZE_PX, UNet, fold_normalisation
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    write_checkpoint(Path(sys.argv[1]), UNet())
except UserError as error:
    print(error)
"""


def start(code: str, path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", code, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def kill(process: subprocess.Popen[str]) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_a_network_that_gives_all_pixels_the_same_value_is_refused(path: Path) -> None:
    network = lively_network()
    for parameter in network.parameters():
        nn.init.zeros_(parameter)
    write_checkpoint(path, network, frames=["a"], settings={}, figures={})
    assert "gives all pixels the same value" in refusal(path)


def test_a_kill_in_the_middle_of_writing_leaves_the_old_checkpoint(path: Path) -> None:
    old = path.read_bytes()
    process = start(HANGS_WHILE_WRITING, path)
    assert process.stdout is not None and process.stdout.readline() == "writing\n"
    kill(process)
    assert path.read_bytes() == old
    write_checkpoint(path, lively_network(seed=1), frames=[])
    assert read_checkpoint(path)["frames"] == [], "what the kill left is in nobody's way"
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_a_kill_at_any_moment_leaves_a_whole_checkpoint(path: Path) -> None:
    process = start(WRITES_FOREVER, path)
    assert process.stdout is not None
    process.stdout.readline()
    seen = []
    for moment in range(40):  # the file is whole whenever one looks at it
        time.sleep(0.003 * (moment % 7))
        seen.append(read_checkpoint(path)["number"])
    assert seen == sorted(seen) and seen[-1] > seen[0]
    kill(process)
    content = read_checkpoint(path)
    assert content["number"] >= seen[-1]
    network_of(content, path)


@pytest.mark.skipif(sys.platform == "win32", reason="the limit on the size of files is POSIX")
def test_a_full_disk_is_one_line_and_leaves_the_old_checkpoint(path: Path) -> None:
    old = path.read_bytes()
    process = start(HAS_LITTLE_SPACE, path)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and f"cannot write {path}" in output
    assert path.read_bytes() == old and [file.name for file in path.parent.iterdir()] == [path.name]


# ---- the one that ships ----


def every(frame_set: FrameSet, step: int) -> FrameSet:
    return FrameSet(frame_set.name, frame_set.pairs[::step])


def set_scores(sets: list[FrameSet]) -> dict[str, float]:
    """Mean F1 of the shipped model a set."""
    network, device = load_network(SHIPPED)
    scores = {}
    for frame_set in sets:
        masks = predict_masks(network, [(pair.base, pair.clothed) for pair in frame_set.pairs], device)
        truths = [read_mask(pair.mask) for pair in frame_set.pairs if pair.mask]
        scores[frame_set.name] = float(np.mean([f1_score(m, t) for m, t in zip(masks, truths, strict=True)]))
    return scores


def test_the_shipped_model_is_small_and_saw_no_frame_of_any_set() -> None:
    assert SHIPPED.stat().st_size < 10e6
    content = read_checkpoint(SHIPPED)
    assert content["frames"] == []
    assert content["settings"]["drawn_share"] == 1 and content["figures"]["random figures"] > 100_000


def test_the_shipped_model_masks_the_drawn_sets() -> None:
    scores = set_scores([every(frame_set, 8) for frame_set in gather_training_data(DATA / "masks")])
    assert len(scores) >= 2 and min(scores.values()) > 0.95, scores


@needs_real_data("masks")
def test_the_shipped_model_masks_real_sprites_that_it_never_saw() -> None:
    folder = REAL_DATA / "masks"
    sets = [every(frame_set, 25) for frame_set in gather_training_data(folder)]
    scores = set_scores(sets)
    assert scores and np.mean(list(scores.values())) > 0.9, scores


def test_onnx_runtime_gives_what_pytorch_gives_and_converts_a_network_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_runtime, "CACHE", tmp_path / "cache")
    network = fold_normalisation(lively_network((6, 8), seed=2).eval())
    pairs = np.random.default_rng(0).random((3, 8, SIZE_PX, SIZE_PX), np.float32)
    with torch.inference_mode():
        expected = network(torch.from_numpy(pairs)).numpy()
    assert np.abs(onnx_runtime.OnnxNetwork(network)(pairs) - expected).max() < 1e-4
    (file,) = (tmp_path / "cache").iterdir()
    written = file.stat().st_mtime_ns
    assert np.abs(onnx_runtime.OnnxNetwork(network)(pairs) - expected).max() < 1e-4
    assert file.stat().st_mtime_ns == written
    onnx_runtime.OnnxNetwork(fold_normalisation(lively_network((6, 8), seed=3).eval()))
    assert len(list((tmp_path / "cache").iterdir())) == 2, "other weights have a file of their own"
