"""One training loop: exact resume, averaged weights, best weights; on one process, or several of `accelerate launch`.

A `Task` is what is learnt, `LoopSettings` how, and `Training` the run with its state. All that is random in a step
depends on seed, step and process alone, so that a resumed run equals an uninterrupted one bit for bit.
"""

import copy
import functools
import itertools
import math
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator, PartialState
from accelerate.utils import parse_flag_from_env, send_to_device
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from common.checkpoints import learning_rate, read_state, save_plain, update_average
from common.errors import UserError
from common.journals import locked

CLIP_NORM = 1.0
SMOOTHING = 0.98  # share of the old value in the losses beside the progress bar


class Task:
    """What a network learns. Subclasses override `losses` and what else they need.

    Attributes:
        weights: weight of each part of the loss, by name; empty: all weigh 1.
        best: key of the measurement that selects the best weights; "": the last weights are the result.
        lower_is_better: whether a lower measurement is better.
        measures_start: whether the network is measured before the first step too.
        remedy: what to try if the loss is not finite.
    """

    weights: Mapping[str, float] = MappingProxyType({})
    best: str = ""
    lower_is_better: bool = False
    measures_start: bool = False
    remedy: str = ""

    def batches(self, first: int, last: int) -> Iterator[Any]:
        """The batches from number `first` up to `last`, which is excluded; the numbers themselves by default."""
        return iter(range(first, last))

    def losses(self, network: Any, batch: Any) -> dict[str, Tensor]:
        """The parts of the loss of a batch, by name; runs under the accelerator's mixed precision."""
        raise NotImplementedError

    def measure(self, network: Any, history: Sequence[Mapping[str, float]]) -> dict[str, float]:
        """Held-out figures of the averaged network, given the entries so far; called by the main process."""
        return {}

    def show(self, network: Any, history: Sequence[Mapping[str, float]]) -> None:
        """Draw samples or curves after a measurement, the last entry of the history; called by the main process."""

    def groups(self, network: nn.Module) -> list[dict[str, Any]]:
        """AdamW's groups of parameters; a group's "factor" multiplies its learning rate."""
        return [{"params": [parameter for parameter in network.parameters() if parameter.requires_grad]}]

    def keeps(self, name: str) -> bool:
        """Whether a tensor of the network belongs to the state; false for frozen ones that are loaded anyway."""
        return True


@dataclass(frozen=True, kw_only=True)
class LoopSettings:
    """How a network is trained.

    Attributes:
        steps: steps of the optimiser.
        learning_rate: highest learning rate of AdamW.
        seed: seed of what is drawn in a step.
        measure_every: steps between measurements, each of which saves the state; a multiple of `epoch_steps`.
        weight_decay: weight decay of AdamW.
        warm_up: share of the steps in which the learning rate rises.
        betas: decay rates of AdamW's moments.
        ema_decay: decay of the averaged weights; 0: no average, the trained network itself is measured.
        accumulate: batches a step, whose gradients are averaged.
        epoch_steps: steps of an epoch, where history and messages count epochs; 0: they count steps.
        name: name of the run in progress bar and messages.
    """

    steps: int
    learning_rate: float
    seed: int
    measure_every: int
    weight_decay: float
    warm_up: float
    betas: tuple[float, float] = (0.9, 0.999)
    ema_decay: float = 0.0
    accumulate: int = 1
    epoch_steps: int = 0
    name: str = ""


class Training:
    """A run and its state.

    Args:
        network: what learns; it is moved to the accelerator's device.
        task: what it learns.
        settings: dataclass of plain values; a state of other settings is not resumed.
        loop: how it learns.
        accelerator: result of `start_accelerator`.

    Attributes:
        average: averaged weights, in evaluation mode, or the network itself; the result of the run.
        best: state of `average` at its best measurement; empty before the first.
        best_score: that measurement.
        steps: steps done.
        history: one entry an epoch, or one a measurement.
        waiting_s: seconds spent waiting for batches, since this process started.
    """

    def __init__(self, network: Any, task: Task, settings: Any, loop: LoopSettings, accelerator: Accelerator) -> None:
        self.network = network.to(accelerator.device)
        self.task, self.settings, self.loop, self.accelerator = task, settings, loop, accelerator
        self.average = copy.deepcopy(network).eval().requires_grad_(False) if loop.ema_decay else network
        self.optimiser = torch.optim.AdamW(
            task.groups(network), loop.learning_rate, betas=loop.betas, weight_decay=loop.weight_decay, fused=True
        )
        self.best: dict[str, Tensor] = {}
        self.best_score = math.inf if task.lower_is_better else -math.inf
        self.steps = 0
        self.history: list[dict[str, float]] = []
        self.waiting_s = 0.0
        self._losses, self._optimiser = accelerator.prepare(_Losses(network, task), self.optimiser)
        self._pending: dict[str, Tensor] = {}  # losses of the last step, not read yet
        self._recent: list[dict[str, float]] = []  # losses since the last entry of the history
        self._shown: dict[str, float] = {}  # smoothed losses and the last measurement

    # ---- state ----

    def state(self) -> dict[str, Any]:
        """Tensors and plain values to continue from."""
        scaler = self.accelerator.scaler
        return {
            "settings": asdict(self.settings),
            "processes": self.accelerator.num_processes,
            "network": self._kept(),
            "average": self.average.state_dict() if self.loop.ema_decay else {},
            "optimiser": self.optimiser.state_dict(),
            "scaler": scaler.state_dict() if scaler is not None else {},
            "best": self.best,
            "best_score": self.best_score,
            "steps": self.steps,
            "history": self.history,
        }

    def restore(self, path: Path, free: Collection[str] = ()) -> None:
        """Continue from a file that holds what `state` returned; `free` settings may have changed.

        Raises:
            UserError: nothing to resume, damaged, or the state of a run that differs in settings, network, or number
                of processes; or that has had more steps.
        """
        state = read_state(path, self.settings, free)
        try:
            before, done = int(state["processes"]), int(state["steps"])
            if state["network"].keys() != self._kept().keys():
                raise ValueError("other layers")
            self.network.load_state_dict(state["network"], strict=False)
            if self.loop.ema_decay:
                self.average.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
            if self.accelerator.scaler is not None:
                self.accelerator.scaler.load_state_dict(state["scaler"])
            self.best, self.best_score = state["best"], state["best_score"]
            self.steps, self.history = done, state["history"]
        except (RuntimeError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise UserError(f"{path}: does not fit this run; start without --resume") from error
        if before != self.accelerator.num_processes:
            now = self.accelerator.num_processes
            raise UserError(f"{path}: the run to resume had {before} processes, now {now}; start it on {before} again")
        if done > self.loop.steps:
            raise UserError(f"{path}: has had {done} steps already, more than {self.loop.steps}")

    def _kept(self) -> dict[str, Tensor]:
        return {name: tensor for name, tensor in self.network.state_dict().items() if self.task.keeps(name)}

    # ---- the loop ----

    def fit(self, state: Path, resume: bool, free: Collection[str] = ()) -> None:
        """Train to the last step, or resume; `average` then holds the best weights, where a measurement selects them.

        Args:
            state: file that keeps the run's state; written by the main process.
            resume: continue from that file.
            free: names of settings that may have changed.

        Raises:
            UserError: as `restore`; or the loss is not finite; or another run trains into that file.
        """
        if resume:
            self.restore(state, free)
        is_main = self.accelerator.is_main_process
        with locked(state.parent, file=state.name) if is_main else nullcontext():
            if not resume and self.task.measures_start:
                self._measure({self.unit: 0})
            self._learn(state)
        if self.best:
            self.average.load_state_dict(self.best)

    def _learn(self, state: Path) -> None:
        total, each = self.loop.steps, self.loop.accumulate
        batches = self.task.batches(self.steps * each, total * each)
        name, quiet = self.loop.name or "training", not self.accelerator.is_main_process
        with tqdm(total=total, initial=self.steps, desc=name, unit="step", disable=quiet) as bar:
            while self.steps < total:
                started = time.perf_counter()
                some = list(itertools.islice(batches, each))
                self.waiting_s += time.perf_counter() - started
                self.set_rate(self.steps / total)
                self.step(*some)
                bar.update()
                self._note(state)
                bar.set_postfix({key: f"{value:.4f}" for key, value in self._shown.items()}, refresh=False)

    @property
    def unit(self) -> str:
        """What history and messages count."""
        return "epoch" if self.loop.epoch_steps else "step"

    def set_rate(self, progress: float) -> None:
        """Set the learning rates of the schedule; `progress` goes from 0 to 1 over the whole run."""
        for group in self.optimiser.param_groups:
            highest = self.loop.learning_rate * group.get("factor", 1.0)
            group["lr"] = learning_rate(highest, progress, self.loop.warm_up)

    def step(self, *batches: Any) -> None:
        """Take one step of the optimiser on `accumulate` batches, and check the losses of the step before.

        Losses are read one step late so that a GPU need not wait for the processor.

        Raises:
            UserError: the loss of the step before is not finite.
        """
        self.network.train()
        torch.manual_seed(seed_of_step(self.loop.seed, self.steps, self.accelerator.process_index))
        self._optimiser.zero_grad(set_to_none=True)
        found = []
        for number, batch in enumerate(batches, 1):
            alone = nullcontext() if number == len(batches) else self.accelerator.no_sync(self._losses)
            with alone:
                parts = self._losses(batch)
                weights = self.task.weights or dict.fromkeys(parts, 1.0)
                loss = torch.stack([weights[name] * part for name, part in parts.items()]).sum()
                self.accelerator.backward(loss / len(batches))
            found.append({name: part.detach() for name, part in parts.items()})
        self.accelerator.clip_grad_norm_(self._losses.parameters(), CLIP_NORM)
        self._optimiser.step()
        self.read_losses()
        self.steps += 1
        self._pending = {name: torch.stack([parts[name] for parts in found]).mean() for name in found[0]}
        if self.loop.ema_decay:
            update_average(self.average, self.network, self.steps, self.loop.ema_decay)

    def read_losses(self) -> dict[str, float]:
        """The parts of the loss of the last step.

        Raises:
            UserError: one of them is not finite; it names step or epoch and batch, and all parts.
        """
        if self._pending:
            values = torch.stack([part.float() for part in self._pending.values()]).tolist()
            self._recent.append(dict(zip(self._pending, values, strict=True)))
            self._pending = {}
            for name, value in self._recent[-1].items():
                self._shown[name] = value + SMOOTHING * (self._shown.get(name, value) - value)
            if not all(map(math.isfinite, values)):
                raise UserError(self._not_finite(self._recent[-1]))
        return self._recent[-1] if self._recent else {}

    def _not_finite(self, parts: Mapping[str, float]) -> str:
        place = f"step {self.steps}"
        if self.loop.epoch_steps:
            epoch, step = divmod(self.steps - 1, self.loop.epoch_steps)
            place = f"epoch {epoch + 1}, batch {step + 1}"
        words = f"the loss is not finite in {place}: " + ", ".join(f"{name} {value}" for name, value in parts.items())
        words = f"{self.loop.name}: {words}" if self.loop.name else words
        return f"{words}; {self.task.remedy}" if self.task.remedy else words

    def _note(self, state: Path) -> None:
        """Add an entry to the history if an epoch ends or a measurement is due; then measure, and save the state."""
        last = self.steps == self.loop.steps
        measured = last or self.steps % self.loop.measure_every == 0
        if measured or (self.loop.epoch_steps and self.steps % self.loop.epoch_steps == 0):
            self.read_losses()
            entry: dict[str, float] = {self.unit: self.steps // (self.loop.epoch_steps or 1)}
            entry |= {name: sum(parts[name] for parts in self._recent) / len(self._recent) for name in self._recent[0]}
            self._recent.clear()
            if not measured:
                self.history.append(entry)
                return
            self._measure(entry)
            if self.accelerator.is_main_process:
                save_plain(state, self.state())

    def _measure(self, entry: dict[str, float]) -> None:
        """Measure, keep the best weights, and append the entry; the other processes wait."""
        if self.accelerator.is_main_process:
            self.average.eval()
            with torch.no_grad():
                measured = self.task.measure(self.average, self.history)
            entry |= measured
            self._shown |= measured
            score = entry.get(self.task.best, math.nan)
            if score < self.best_score if self.task.lower_is_better else score > self.best_score:
                self.best, self.best_score = copy.deepcopy(self.average.state_dict()), score
        self.history.append(entry)
        if self.accelerator.is_main_process:
            with torch.no_grad():
                self.task.show(self.average, self.history)
        self.accelerator.wait_for_everyone()


class _Losses(nn.Module):
    """Network and task as one module, so that all of a task runs distributed and in mixed precision."""

    def __init__(self, network: nn.Module, task: Task) -> None:
        super().__init__()
        self.network, self.task = network, task

    def forward(self, batch: Any) -> dict[str, Tensor]:
        return self.task.losses(self.network, batch)


def start_accelerator(precision: str | None = None) -> Accelerator:
    """An accelerator; None as precision: bfloat16 on a GPU that computes with it, else float32."""
    if precision is None:
        on_gpu = PartialState(cpu=parse_flag_from_env("ACCELERATE_USE_CPU")).device.type == "cuda"
        precision = "bf16" if on_gpu and torch.cuda.is_bf16_supported() else "no"
    return Accelerator(mixed_precision=precision)


# ---- order of the samples ----


def samples_of_batch(
    number: int, *, length: int, batch: int, seed: int, process: int = 0, processes: int = 1
) -> list[int]:
    """Numbers of the samples of a batch on one process.

    Passes over the data follow one another without a gap, each in its own order. A sample's number is its place in the
    data plus `length` for each pass before, so that every pass can vary it in its own way.
    """
    first = (number * processes + process) * batch
    places = (divmod(position, length) for position in range(first, first + batch))
    return [int(_order(length, seed, turn)[place]) + turn * length for turn, place in places]


@functools.lru_cache(maxsize=4)
def _order(length: int, seed: int, turn: int) -> np.ndarray:
    return np.random.default_rng((seed, turn)).permutation(length)


def seed_of_step(seed: int, step: int, process: int) -> int:
    """The seed of all that is drawn in a step on one process."""
    return int(np.random.default_rng((seed, step, process)).integers(2**63))


def load_batches(
    samples: Dataset[Any],
    numbers: range,
    accelerator: Accelerator,
    *,
    batch: int,
    seed: int,
    workers: int,
    collate: Callable[[list[Any]], Any] | None = None,
) -> Iterator[Any]:
    """Batches of samples on the accelerator's device.

    Args:
        samples: a sized data set, whose samples are determined by their numbers as of `samples_of_batch`.
        numbers: numbers of the batches.
        accelerator: gives the device, and this process's share of the samples.
        batch: samples a batch, on each process.
        seed: seed of the order.
        workers: processes that prepare samples; 0: this one.
        collate: makes a batch of samples; by default they are stacked.
    """
    of_batch = functools.partial(
        samples_of_batch,
        length=len(samples),  # type: ignore[arg-type]
        batch=batch,
        seed=seed,
        process=accelerator.process_index,
        processes=accelerator.num_processes,
    )
    loader = DataLoader(
        samples,
        batch_sampler=map(of_batch, numbers),  # any iterable will do
        num_workers=workers,
        collate_fn=collate,
        worker_init_fn=one_thread,
        multiprocessing_context="spawn" if workers else None,
        pin_memory=accelerator.device.type == "cuda",
    )
    return (send_to_device(content, accelerator.device, non_blocking=True) for content in loader)


def one_thread(_: int) -> None:
    """Let a worker use one thread, as workers share the processor with the training."""
    import cv2

    cv2.setNumThreads(0)
    torch.set_num_threads(1)
