"""Checkpoints and states of runs: plain values come back, anything else is refused; schedule and average are naive."""

import math
import os
import re
import runpy
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from common import files
from common.checkpoints import (
    find_checkpoint,
    learning_rate,
    load_plain,
    load_weights,
    read_checkpoint,
    read_state,
    save_plain,
    update_average,
)
from common.errors import UserError
from common.files import check_not_shipped
from common.paths import CHECKPOINTS
from tests.helpers import BAD_INPUTS, ROOT, needs_bad_inputs
from tests.masks.model.test_checkpoint_format import ATTACKS, Attack, assert_plain

FORM = "a model 1"


@dataclass(frozen=True)
class Settings:
    rate: float = 0.5
    steps: int = 7
    workers: int = 2


def plain_content() -> dict[str, Any]:
    torch.manual_seed(0)
    tensors = {"a": torch.randn(3, 4), "b": torch.randn(2).half(), "n": torch.tensor(7), "flat": torch.ones(4)[::2]}
    values = {"text": "ñ", "none": None, "yes": True, "list": [1, 2.5, ("x", {"y": -1})], "huge": 2**62}
    return {"format": FORM, "model": tensors, **values}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    target = tmp_path / "mis modelos/own ñ.pth"
    save_plain(target, plain_content())
    return target


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as error:
        read_checkpoint(path, FORM, "Maker.py", {})
    assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value)
    return str(error.value)


# ---- reading what was written ----


def test_tensors_and_plain_values_come_back(path: Path) -> None:
    content, written = read_checkpoint(path, FORM, "Maker.py", {}), plain_content()
    assert_plain(content)
    for name, tensor in written.pop("model").items():
        back = content["model"][name]
        assert torch.equal(back, tensor) and back.dtype == tensor.dtype and back.device.type == "cpu"
    content.pop("model")
    assert content == written
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"frames": 3}, "its field 'frames' is of type int"),
        ({"frames": None}, "its field 'frames' is of type NoneType"),
        ({"model": [1]}, "its field 'model' is of type list"),
        ({"model": {"a": 1}}, "its weight 'a'"),
        ({"model": {"a": torch.zeros(2), "b": torch.tensor([0.0, torch.nan])}}, "its weight 'b'"),
        ({"model": {"a": torch.tensor(torch.inf).half()}}, "its weight 'a'"),
    ],
)
def test_missing_and_odd_fields_and_weights_are_named(path: Path, change: dict[str, Any], words: str) -> None:
    whole = {**plain_content(), "frames": ["x"]}
    save_plain(path, whole)
    assert read_checkpoint(path, FORM, "Maker.py", {"frames": list})["frames"] == ["x"]
    save_plain(path, whole | change)
    with pytest.raises(UserError, match=re.escape(f"{path}: damaged, {words}")):
        read_checkpoint(path, FORM, "Maker.py", {"frames": list})
    save_plain(path, {key: value for key, value in whole.items() if key not in change})
    with pytest.raises(UserError, match="is missing"):
        read_checkpoint(path, FORM, "Maker.py", {"frames": list})


def test_weights_come_back_in_a_network_and_untrue_sizes_cost_no_memory() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    loaded = load_weights(lambda: nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)), network.state_dict())
    assert not loaded.training
    for name, tensor in network.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor)
    with pytest.raises(RuntimeError, match="differ from those of the network"):  # this one would take 400 TB
        load_weights(lambda: nn.Sequential(nn.Linear(10**7, 10**7), nn.BatchNorm1d(4)), network.state_dict())


def test_another_format_names_who_writes_the_right_one(path: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a checkpoint of another model; it must be one that Maker\.py wrote"):
        read_checkpoint(path, "a model 2", "Maker.py", {})
    for number, content in enumerate(([1, 2], torch.zeros(3), {"format": None}, {}, "text", None)):
        other = tmp_path / f"{number}.pth"
        torch.save(content, other)
        assert "a checkpoint of another model" in refusal(other)


@pytest.mark.parametrize("kind", ATTACKS)
@pytest.mark.parametrize("deep", [False, True])
def test_a_malicious_pickle_is_refused_and_does_not_run(tmp_path: Path, kind: str, deep: bool) -> None:
    witness, path = tmp_path / "witness", tmp_path / "attack.pth"
    attack = Attack(witness)
    ATTACKS[kind]({"format": FORM, "settings": [attack]} if deep else attack, path)
    assert "refused, it holds more than tensors and plain values, or is damaged" in refusal(path)
    with pytest.raises(UserError, match="damaged; start without --resume"):
        read_state(path, Settings())
    assert not witness.exists()


@needs_bad_inputs
def test_hostile_weights_of_the_collection_are_refused(tmp_path: Path) -> None:
    runpy.run_path(str(BAD_INPUTS))["checkpoints"](tmp_path)
    files = sorted(tmp_path.iterdir())
    assert len(files) >= 5
    for file in files:
        assert "damaged" in refusal(file) or "refused" in refusal(file)


def test_a_file_that_was_cut_short_is_refused(path: Path) -> None:
    data = path.read_bytes()
    for length in (0, 1, 30, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        assert "damaged" in refusal(path)


# ---- where they lie ----


def test_a_bare_name_is_looked_up_here_and_then_among_those_that_ship(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"^own\.pth: no such checkpoint, neither here nor in .*a part$"):
        find_checkpoint("own.pth", "a part")
    monkeypatch.setattr("common.checkpoints.CHECKPOINTS", tmp_path / "shipped")
    shipped = tmp_path / "shipped/a part/own.pth"
    save_plain(shipped, {})
    assert find_checkpoint("own.pth", "a part") == shipped
    save_plain(tmp_path / "own.pth", {})
    assert find_checkpoint(Path("own.pth"), "a part").resolve() == tmp_path / "own.pth"
    for other in ("sub/own.pth", str(tmp_path / "none.pth"), str(tmp_path)):
        with pytest.raises(UserError, match=r"no such checkpoint$"):
            find_checkpoint(other, "a part")


def test_no_output_lies_among_the_checkpoints_that_ship(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    around = CHECKPOINTS / "carousel/../carousel/sub"
    (tmp_path / "link").symlink_to(CHECKPOINTS / "carousel")
    for folder in (CHECKPOINTS / "carousel", around, tmp_path / "link", Path("link")):
        with pytest.raises(UserError, match="checkpoints that ship are not replaced by training"):
            check_not_shipped(folder / "fusion_model.pth", "carousel")
    check_not_shipped(tmp_path / "fusion_model.pth", "carousel")
    check_not_shipped(CHECKPOINTS / "carousel2/fusion_model.pth", "carousel")


# ---- what a kill or a full disk leaves ----

HANGS_WHILE_WRITING = """
import os, sys, time
from pathlib import Path
from common.checkpoints import save_plain
original = Path.write_bytes
def half(path, data):
    original(path, bytes(data)[: len(data) // 2])
    print("writing", flush=True)
    time.sleep(60)
Path.write_bytes = half
save_plain(Path(sys.argv[1]), {"format": "new"})
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_a_kill_in_the_middle_of_writing_leaves_the_old_one_and_is_in_nobodys_way(path: Path) -> None:
    old = path.read_bytes()
    command = [sys.executable, "-c", HANGS_WHILE_WRITING, str(path)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "writing\n"
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    assert path.read_bytes() == old
    files._parts_in.cache_clear()  # what the next process sees
    save_plain(path, {"format": "newer"})
    assert load_plain(path) == {"format": "newer"} and [file.name for file in path.parent.iterdir()] == [path.name]


# ---- the state of a run ----


def save_state(path: Path, **changed: Any) -> Path:
    save_plain(path, {"settings": asdict(Settings()) | changed, "steps": 3})
    return path


def test_a_state_is_read_where_the_settings_are_the_same(tmp_path: Path) -> None:
    state = save_state(tmp_path / "own.state.pth")
    assert read_state(state, Settings())["steps"] == 3
    assert read_state(state, Settings(workers=9))["steps"] == 3, "it changes nothing but the time"


def test_every_other_setting_is_named_and_refused(tmp_path: Path) -> None:
    state = save_state(tmp_path / "own.state.pth")
    with pytest.raises(UserError) as error:
        read_state(state, replace(Settings(), rate=0.25, steps=8, workers=1))
    expected = f"{state}: the run to resume had other settings: RATE was 0.5, now 0.25, STEPS was 7, now 8"
    assert str(error.value) == expected


def test_nothing_to_resume_and_a_damaged_state_are_told_apart(tmp_path: Path) -> None:
    state = tmp_path / "own.state.pth"
    with pytest.raises(UserError, match=r"own\.state\.pth: nothing to resume; start without --resume$"):
        read_state(state, Settings())
    contents: list[object] = [
        {},
        {"settings": None},
        {"settings": {"colour": 1}},
        {"settings": {"rate": 1, "x": 2}},
        [1],
    ]
    for content in contents:
        torch.save(content, state)
        with pytest.raises(UserError, match=r"own\.state\.pth: damaged; start without --resume$"):
            read_state(state, Settings())
    save_state(state)
    state.write_bytes(state.read_bytes()[:-50])
    with pytest.raises(UserError, match="damaged"):
        read_state(state, Settings())


# ---- schedule and average ----


@given(st.floats(1e-6, 1), st.floats(0, 1), st.floats(0.01, 0.5))
def test_the_learning_rate_never_leaves_its_range(highest: float, progress: float, warm_up: float) -> None:
    rate = learning_rate(highest, progress, warm_up)
    cosine = highest * 0.5 * (1 + math.cos(math.pi * progress))
    assert 0 <= rate <= cosine and (rate > 0 or progress > 0.999)
    if progress >= warm_up:
        assert rate == pytest.approx(cosine)
    else:
        assert rate == pytest.approx(cosine * (progress + 1e-9) / warm_up)


def test_it_rises_then_falls_to_nothing() -> None:
    rates = [learning_rate(2.0, step / 1000, 0.05) for step in range(1001)]
    top = rates.index(max(rates))
    assert rates[:top] == sorted(rates[:top]) and rates[top:] == sorted(rates[top:], reverse=True)
    assert 40 <= top <= 60 and rates[top] > 1.98 and rates[-1] < 1e-12 < rates[0] < 1e-6


def test_the_average_is_naive_faster_at_first_and_copies_counters() -> None:
    torch.manual_seed(0)
    network, average = (nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)) for _ in range(2))
    naive = {name: value.clone() for name, value in average.state_dict().items()}
    for step in (1, 2, 50, 5000):
        for value in network.state_dict().values():
            value.add_(torch.randn(value.shape) if value.is_floating_point() else 1)
        update_average(average, network, step, 0.99)
        decay = min(0.99, (1 + step) / (10 + step))
        for name, value in network.state_dict().items():
            naive[name] = decay * naive[name] + (1 - decay) * value if value.is_floating_point() else value
            torch.testing.assert_close(average.state_dict()[name], naive[name])
    assert int(average.state_dict()["1.num_batches_tracked"]) == 4
