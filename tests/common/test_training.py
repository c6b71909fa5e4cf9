"""The training loop: runs that resume bit for bit, averages and best weights, accumulation, processes, and faults."""

import itertools
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.data import Dataset

from common.checkpoints import load_plain, save_plain
from common.errors import UserError
from common.journals import locked
from common.training import (
    LoopSettings,
    Task,
    Training,
    load_batches,
    samples_of_batch,
    seed_of_step,
    start_accelerator,
)
from tests.masks.model.test_checkpoint_format import assert_plain
from tests.two_processes import reports_of_two


@pytest.fixture(autouse=True, scope="module")
def _on_one_thread_of_the_cpu() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACCELERATE_USE_CPU", "true")
        yield
    torch.set_num_threads(before)


@dataclass(frozen=True)
class Settings:
    steps: int = 8
    batch: int = 3
    seed: int = 5


SHORT = Settings()
LOOP = LoopSettings(steps=8, learning_rate=0.05, seed=5, measure_every=2, weight_decay=0.01, warm_up=0.2, ema_decay=0.9)
EPOCHS = replace(LOOP, epoch_steps=2, measure_every=4)


class Points(Dataset[Tensor]):
    """Points of a line, varied by their number."""

    def __len__(self) -> int:
        return 7

    def __getitem__(self, index: int) -> Tensor:
        return torch.tensor([math.sin(index), math.sin(index) * 3 - 1])


def small_network(seed: int = 0, dropout: float = 0.3) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(1, 6), nn.BatchNorm1d(6), nn.Dropout(dropout), nn.Linear(6, 1))


def line_network() -> nn.Sequential:
    """Neither dropout nor statistics of a batch, so that two halves of a batch make a whole."""
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(1, 6), nn.Tanh(), nn.Linear(6, 1))


class Line(Task):
    """The loader's kind of task; `fatal` is the batch that ends the run, as Ctrl-C would."""

    best = "held-out error"
    lower_is_better = True

    def __init__(self, settings: Settings = SHORT, fatal: int | None = None) -> None:
        self.settings, self.fatal = settings, fatal
        self.accelerator = start_accelerator()
        self.weights = {"square": 0.8, "absolute": 0.2}

    def batches(self, first: int, last: int) -> Iterator[Tensor]:
        loaded = load_batches(
            Points(),
            range(first, last),
            self.accelerator,
            batch=self.settings.batch,
            seed=self.settings.seed,
            workers=0,
        )
        for number, batch in enumerate(loaded, first):
            if number == self.fatal:
                raise KeyboardInterrupt
            yield batch

    def losses(self, network: Any, batch: Any) -> dict[str, Tensor]:
        error = network(batch[:, :1]) - batch[:, 1:]
        return {"square": error.square().mean(), "absolute": error.abs().mean()}

    def measure(self, network: Any, history: Sequence[Mapping[str, float]]) -> dict[str, float]:
        assert not network.training
        points = torch.linspace(-1, 1, 5)[:, None]
        return {"held-out error": float((network(points) - 3 * points + 1).square().mean())}


class Drawn(Line):
    """The other kind: its batches are numbers, and it draws what it learns from."""

    def batches(self, first: int, last: int) -> Iterator[Any]:
        return Task.batches(self, first, last)

    def losses(self, network: Any, batch: Any) -> dict[str, Tensor]:
        if batch == self.fatal:
            raise KeyboardInterrupt
        points = torch.randn(4, 1, generator=torch.Generator().manual_seed(batch))
        return super().losses(network, torch.cat([points, 3 * points - 1], dim=1))


def begin(task: Task, loop: LoopSettings = LOOP, settings: Settings = SHORT, seed: int = 0) -> Training:
    return Training(small_network(seed), task, settings, loop, start_accelerator())


def assert_same(one: Any, other: Any) -> None:
    """Bit for bit, through dicts and lists."""
    if isinstance(one, Tensor):
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for name, value in one.items():
            assert_same(value, other[name])
    elif isinstance(one, list):
        for value, same in zip(one, other, strict=True):
            assert_same(value, same)
    else:
        assert one == other


# ---- runs that repeat and resume ----


@pytest.mark.parametrize(("kind", "cut"), [(Line, 5), (Drawn, 6)])
@pytest.mark.parametrize(
    "loop",
    [LOOP, EPOCHS, replace(LOOP, accumulate=2, ema_decay=0.0)],
    ids=["steps", "epochs", "accumulated, no average"],
)
def test_a_run_cut_short_resumes_bit_for_bit(tmp_path: Path, kind: type[Line], cut: int, loop: LoopSettings) -> None:
    whole = begin(kind(), loop)
    whole.fit(tmp_path / "whole.pth", resume=False)
    with pytest.raises(KeyboardInterrupt):
        begin(kind(fatal=cut * loop.accumulate), loop).fit(tmp_path / "cut.pth", resume=False)
    assert load_plain(tmp_path / "cut.pth")["steps"] == (4 if loop.epoch_steps or kind is Line else 6)
    torch.rand(7)  # whatever else was drawn in between
    resumed = begin(kind(), loop, seed=99)
    resumed.fit(tmp_path / "cut.pth", resume=True)
    assert_same(load_plain(tmp_path / "cut.pth"), load_plain(tmp_path / "whole.pth"))
    assert_same(resumed.average.state_dict(), whole.average.state_dict())


def test_seeds_train_other_weights_and_the_loss_falls(tmp_path: Path) -> None:
    long = replace(LOOP, steps=150, measure_every=30)
    training = Training(line_network(), Line(), SHORT, long, start_accelerator())
    training.fit(tmp_path / "a.pth", resume=False)
    assert training.history[-1]["square"] < 0.5 * training.history[0]["square"]
    runs = [begin(Line(), replace(LOOP, seed=seed)) for seed in (5, 6)]
    for run in runs:
        run.fit(tmp_path / "b.pth", resume=False)
    assert not torch.equal(runs[0].network[0].weight, runs[1].network[0].weight), "dropout draws otherwise"


def test_a_finished_run_that_is_resumed_gives_its_result_again(tmp_path: Path) -> None:
    first, again = begin(Line()), begin(Line(), seed=3)
    first.fit(tmp_path / "a.pth", resume=False)
    again.fit(tmp_path / "a.pth", resume=True)
    assert_same(again.average.state_dict(), first.average.state_dict())
    assert again.history == first.history


def test_two_runs_never_train_into_one_file(tmp_path: Path) -> None:
    """What others write in the folder counts for nothing."""
    with locked(tmp_path), locked(tmp_path, file="a.pth"):
        with pytest.raises(UserError, match=r"a\.pth: another run is writing it.*OUTPUT"):
            begin(Line()).fit(tmp_path / "a.pth", resume=False)
        assert not (tmp_path / "a.pth").exists()
        begin(Line()).fit(tmp_path / "b.pth", resume=False)
    begin(Line()).fit(tmp_path / "a.pth", resume=False)


def test_a_free_setting_may_change_and_fewer_steps_are_refused(tmp_path: Path) -> None:
    state = tmp_path / "a.pth"
    begin(Line()).fit(state, resume=False)
    longer = begin(Line(), replace(LOOP, steps=11), Settings(steps=11))
    longer.fit(state, resume=True, free=["steps"])
    assert [entry["step"] for entry in longer.history] == [2, 4, 6, 8, 10, 11]
    shorter = begin(Line(), replace(LOOP, steps=3), Settings(steps=3))
    with pytest.raises(UserError, match=r"a\.pth: has had 11 steps already, more than 3$"):
        shorter.fit(state, resume=True, free=["steps"])


def test_history_counts_epochs_where_there_are_some(tmp_path: Path) -> None:
    training = begin(Line(), EPOCHS)
    training.fit(tmp_path / "a.pth", resume=False)
    assert [entry["epoch"] for entry in training.history] == [1, 2, 3, 4]
    assert ["held-out error" in entry for entry in training.history] == [False, True, False, True]


# ---- one step ----


def test_a_step_is_the_naive_one() -> None:
    """AdamW on the clipped gradient of the weighted sum, at the rate of the schedule, a factor for each group."""

    class Parts(Line):
        def groups(self, network: Any) -> list[dict[str, Any]]:
            return [{"params": network[0].parameters()}, {"params": network[3].parameters(), "factor": 0.1}]

    def network() -> Any:
        return small_network(dropout=0)

    training = Training(network(), Parts(), SHORT, replace(LOOP, ema_decay=0), start_accelerator())
    naive = network()
    rates = [{"params": naive[0].parameters()}, {"params": naive[3].parameters(), "lr": 0.1 * 0.05 * 0.5}]
    adam = torch.optim.AdamW(rates, 0.05 * 0.5, weight_decay=0.01)
    batch = 5 * torch.stack([Points()[index] for index in range(4)])
    for _ in range(3):
        training.set_rate(0.5)
        training.step(batch)
        error = naive(batch[:, :1]) - batch[:, 1:]
        square, absolute = error.square().mean(), error.abs().mean()
        values = {"square": square.item(), "absolute": absolute.item()}
        adam.zero_grad()
        (0.8 * square + 0.2 * absolute).backward()
        norm = torch.stack([p.grad.square().sum() for p in naive.parameters()]).sum().sqrt()
        assert norm > 1
        for parameter in naive.parameters():
            parameter.grad /= norm
        adam.step()
    assert training.read_losses() == pytest.approx(values, rel=1e-4)
    for ours, theirs in ((training.network[0], naive[0]), (training.network[3], naive[3])):
        torch.testing.assert_close(ours.weight, theirs.weight, rtol=1e-4, atol=1e-5)


def test_accumulated_batches_are_one_large_batch() -> None:
    batch = torch.stack([Points()[index] for index in range(6)])
    once, parted = (
        Training(nn.Linear(1, 1), Line(), SHORT, replace(LOOP, accumulate=number), start_accelerator())
        for number in (1, 3)
    )
    parted.network.load_state_dict(once.network.state_dict())
    for training, some in ((once, [batch]), (parted, batch.split(2))):
        training.step(*some)
        training.step(*some)
    torch.testing.assert_close(once.network.weight, parted.network.weight)
    assert once.read_losses() == pytest.approx(parted.read_losses(), rel=1e-5)
    assert once.steps == parted.steps == 2


def test_the_average_is_the_naive_one_and_rests() -> None:
    training = begin(Line())
    naive = {name: value.clone() for name, value in training.network.state_dict().items()}
    for step in range(1, 7):
        training.step(torch.randn(3, 2))
        decay = min(0.9, (1 + step) / (10 + step))
        for name, value in training.network.state_dict().items():  # statistics of the normalisations too
            naive[name] = decay * naive[name] + (1 - decay) * value if value.is_floating_point() else value.clone()
    for name, value in training.average.state_dict().items():
        torch.testing.assert_close(value, naive[name])
    assert not training.average.training and not any(value.requires_grad for value in training.average.parameters())


def test_a_schedule_sets_every_group() -> None:
    training = begin(Line())
    rates = []
    for progress in (0.0, 0.1, 0.2, 0.6, 1.0):
        training.set_rate(progress)
        rates.append(training.optimiser.param_groups[0]["lr"])
    assert rates[0] < 1e-9 < rates[1] < rates[2] <= 0.05 and rates[2] > rates[3] > rates[4] == pytest.approx(0)


# ---- best weights, what is kept ----


@pytest.mark.parametrize(("lower", "best"), [(True, 1), (False, 0)])
def test_the_best_weights_are_the_result(tmp_path: Path, lower: bool, best: int) -> None:
    """The earlier of equals."""
    scores, seen = iter([0.7, 0.2, 0.7, 0.2]), []

    class Scored(Line):
        lower_is_better = lower

        def measure(self, network: Any, history: Sequence[Mapping[str, float]]) -> dict[str, float]:
            seen.append({name: value.clone() for name, value in network.state_dict().items()})
            return {"held-out error": next(scores)}

    training = begin(Scored())
    training.fit(tmp_path / "a.pth", resume=False)
    assert training.best_score == (0.2 if lower else 0.7)
    assert_same(training.best, seen[best])
    assert_same(training.average.state_dict(), seen[best])
    assert_same(load_plain(tmp_path / "a.pth")["best"], seen[best])


def test_a_start_is_measured_and_every_measurement_shown(tmp_path: Path) -> None:
    shown: list[float] = []

    class Shown(Line):
        measures_start = True

        def show(self, network: Any, history: Sequence[Mapping[str, float]]) -> None:
            assert not torch.is_grad_enabled()
            shown.append(history[-1]["step"])

    training = begin(Shown())
    training.fit(tmp_path / "a.pth", resume=False)
    assert shown == [0, 2, 4, 6, 8] and training.history[0].keys() == {"step", "held-out error"}


def test_frozen_tensors_that_a_task_does_not_keep_are_not_in_the_state(tmp_path: Path) -> None:
    class Adapter(Line):
        def keeps(self, name: str) -> bool:
            return name.startswith("3.")

    def adapter(seed: int) -> Training:
        network: Any = small_network()
        network[0].requires_grad_(False)
        torch.manual_seed(seed)
        network[3].reset_parameters()
        return Training(network, Adapter(), SHORT, replace(LOOP, ema_decay=0.0), start_accelerator())

    whole = adapter(1)
    whole.task.best = ""
    before = whole.network[0].weight.clone()
    whole.fit(tmp_path / "a.pth", resume=False)
    state = load_plain(tmp_path / "a.pth")
    assert set(state["network"]) == {"3.weight", "3.bias"} and not state["average"] and not state["best"]
    resumed = adapter(2)
    resumed.restore(tmp_path / "a.pth")
    assert torch.equal(resumed.network[3].weight, whole.network[3].weight)
    assert torch.equal(whole.network[0].weight, before), "it is frozen"
    with pytest.raises(UserError, match="does not fit this run"):
        begin(Line()).restore(tmp_path / "a.pth")


# ---- order ----


@given(st.integers(1, 30), st.integers(1, 9), st.integers(1, 20), st.integers(1, 4), st.integers(0, 99))
def test_every_sample_comes_once_a_pass_whatever_the_processes(
    length: int, batch: int, batches: int, processes: int, seed: int
) -> None:
    together = [
        sample
        for number in range(batches)
        for process in range(processes)
        for sample in samples_of_batch(
            number, length=length, batch=batch, seed=seed, process=process, processes=processes
        )
    ]
    assert len(together) == batches * processes * batch
    assert len(set(together)) == len(together), "no two processes share a sample, and no variation comes twice"
    for start in range(0, len(together), length):
        one_pass = together[start : start + length]
        assert {number // length for number in one_pass} == {start // length}
        if len(one_pass) == length:
            assert sorted(number % length for number in one_pass) == list(range(length))


def test_passes_and_seeds_have_their_own_order() -> None:
    first, second = (samples_of_batch(number, length=20, batch=20, seed=1) for number in (0, 1))
    assert first != [number - 20 for number in second]
    assert first != samples_of_batch(0, length=20, batch=20, seed=2)


def test_what_a_step_draws_depends_on_seed_step_and_process() -> None:
    seeds = [seed_of_step(*place) for place in itertools.product((0, 1), (0, 1, 7), (0, 1))]
    assert len(set(seeds)) == len(seeds) == 12
    assert seeds == [seed_of_step(*place) for place in itertools.product((0, 1), (0, 1, 7), (0, 1))]


# ---- several processes ----


def train_in_pairs(state: Path) -> None:
    settings = Settings(batch=2)
    Training(line_network(), Line(settings), settings, LOOP, start_accelerator()).fit(state, resume=False)


def test_two_processes_learn_what_one_does_from_batches_twice_as_large(tmp_path: Path) -> None:
    state = tmp_path / "two.pth"
    reports_of_two(partial(train_in_pairs, state), tmp_path)
    whole = Settings(batch=4)
    alone = Training(line_network(), Line(whole), whole, LOOP, start_accelerator())
    alone.fit(tmp_path / "one.pth", resume=False)
    two, one = load_plain(state), load_plain(tmp_path / "one.pth")
    assert two["processes"] == 2 and one["processes"] == 1 and len(two["history"]) == 4
    for name, tensor in one["network"].items():
        torch.testing.assert_close(two["network"][name], tensor, rtol=1e-4, atol=1e-5)
    settings = Settings(batch=2)
    with pytest.raises(UserError, match=r"two\.pth: the run to resume had 2 processes, now 1; start it on 2 again$"):
        Training(line_network(), Line(settings), settings, LOOP, start_accelerator()).fit(state, resume=True)


# ---- faults ----


@pytest.mark.parametrize(
    ("loop", "words"),
    [
        (LOOP, "the loss is not finite in step 6: square nan, absolute nan; try less"),
        (replace(LOOP, name="toy"), "toy: the loss is not finite in step 6: square nan, absolute nan; try less"),
        (EPOCHS, "the loss is not finite in epoch 3, batch 2: square nan, absolute nan; try less"),
        (replace(EPOCHS, accumulate=2), "the loss is not finite in epoch 2, batch 1: square nan, .*"),
    ],
    ids=["steps", "named", "epochs", "accumulated"],
)
def test_a_loss_that_is_not_finite_names_place_and_parts_and_leaves_the_last_state(
    tmp_path: Path, loop: LoopSettings, words: str
) -> None:
    class Sick(Drawn):
        remedy = "try less"

        def losses(self, network: Any, batch: Any) -> dict[str, Tensor]:
            return {
                name: part * (math.nan if batch == 5 else 1) for name, part in super().losses(network, batch).items()
            }

    state = tmp_path / "a.pth"
    state.write_bytes(b"the last one")
    with pytest.raises(UserError, match=f"^{words}$"):
        begin(Sick(), loop).fit(state, resume=False)
    if loop.accumulate == 1:
        assert load_plain(state)["steps"] == 4, "no sick state replaces a sound one"
        assert all(tensor.isfinite().all() for tensor in load_plain(state)["network"].values())
    else:
        assert state.read_bytes() == b"the last one"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    path = tmp_path / "own.state.pth"
    save_plain(path, begin(Line()).state())
    return path


def test_a_state_holds_tensors_and_plain_values_alone(state: Path) -> None:
    content = load_plain(state)
    assert_plain({name: value for name, value in content.items() if name != "optimiser"})
    assert content["settings"] == asdict(SHORT) and content["steps"] == 0 and content["history"] == []


DAMAGE: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: os.truncate(path, path.stat().st_size // 2),
    "settings alone": lambda path: save_plain(path, {"settings": asdict(SHORT)}),
    "no history": lambda path: save_plain(path, {k: v for k, v in load_plain(path).items() if k != "history"}),
    "another network": lambda path: save_plain(
        path, load_plain(path) | {"network": nn.Sequential(nn.Linear(2, 2)).state_dict()}
    ),
    "other shapes": lambda path: save_plain(
        path,
        load_plain(path) | {"network": {k: v[:1] if v.ndim else v for k, v in small_network().state_dict().items()}},
    ),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_state_is_one_line_with_the_remedy(state: Path, kind: str) -> None:
    DAMAGE[kind](state)
    with pytest.raises(UserError) as error:
        begin(Line()).fit(state, resume=True)
    assert str(error.value).startswith(f"{state}: ") and str(error.value).endswith("start without --resume")
    assert "\n" not in str(error.value)


def test_other_settings_are_named_and_refused(state: Path) -> None:
    with pytest.raises(UserError, match="other settings: BATCH was 3, now 4"):
        begin(Line(), settings=Settings(batch=4)).fit(state, resume=True)
