"""One stage of the demo model's training: its settings, what all its tasks share, and its run on the training loop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from accelerate import Accelerator
from torch import nn
from tqdm import tqdm

from avatar.demo_model.drawn_pictures import DrawnPictures
from common.curves import draw_curves
from common.errors import UserError
from common.training import LoopSettings, Task, Training, samples_of_batch

MEASUREMENTS = 20  # of a stage; each saves the state
EMA_DECAY = 0.999
WARM_UP = 0.04  # share of the steps in which the learning rate rises
BETAS = (0.9, 0.99)
WEIGHT_DECAY = 0.01
History = Sequence[Mapping[str, float]]
FREE = ("steps", "schedule_steps")  # settings that may change when a stage is resumed


@dataclass(frozen=True, kw_only=True)
class StageSettings:
    """Settings of one stage; a stage is resumed with the same settings only, but for FREE.

    Attributes:
        stage: name of the stage and of its files.
        steps: steps of the optimiser.
        schedule_steps: steps over which the learning rate falls to 0; with more than `steps` it stops above 0.
        batch: samples a step, on each device.
        pictures: number of pictures learnt from, the first ones.
        learning_rate: highest learning rate of AdamW.
        seed: seed of first weights, order and noise.
        made_from: fingerprint of pictures and networks that the stage starts from.
    """

    stage: str
    steps: int
    schedule_steps: int
    batch: int
    pictures: int
    learning_rate: float
    seed: int
    made_from: str


@dataclass(frozen=True, kw_only=True)
class StageTask(Task):
    """What the tasks of all stages share: random numbers, order of the pictures, curves.

    Attributes:
        settings: settings of the stage.
        pictures: the drawn pictures.
        accelerator: accelerator of the run.
        work: folder of states, curves and samples.
        measured: name of the held-out figure.
    """

    measured: ClassVar[str]
    settings: StageSettings
    pictures: DrawnPictures
    accelerator: Accelerator
    work: Path

    @property
    def device(self) -> torch.device:
        """Device that computes."""
        return self.accelerator.device

    def numbers_of_step(self, step: int) -> np.random.Generator:
        """Source of all that is random in a step on this process."""
        settings, process = self.settings, self.accelerator.process_index
        return np.random.default_rng((settings.seed, sum(settings.stage.encode()), step, process))

    def noise_of_step(self, step: int) -> torch.Generator:
        """The same for tensors, on the CPU so that all devices draw the same."""
        return torch.Generator().manual_seed(int(self.numbers_of_step(step).integers(2**63)))

    def rows_of_step(self, step: int, count: int) -> list[int]:
        """Numbers of the pictures of a step on this process; `count` is the same in consecutive steps."""
        settings = self.settings
        found = samples_of_batch(
            step,
            length=settings.pictures,
            batch=count,
            seed=settings.seed,
            process=self.accelerator.process_index,
            processes=self.accelerator.num_processes,
        )
        return [number % settings.pictures for number in found]

    def show(self, network: Any, history: History) -> None:
        """Print the measurement, draw samples into STAGE_samples.png and curves into STAGE_curves.png."""
        entry, stage = history[-1], self.settings.stage
        tqdm.write(f"{stage}: " + ", ".join(f"{name} {value:.4g}" for name, value in entry.items()))
        self.draw_samples(network, self.work / f"{stage}_samples.png")
        losses = [name for name in entry if name not in ("step", self.measured)]
        curves = self.work / f"{stage}_curves.png"
        entries = [dict(some) for some in history]
        draw_curves(entries, curves, along="step", losses=losses, measure=self.measured, label=self.measured)

    def draw_samples(self, network: Any, path: Path) -> None:
        """Draw samples of the averaged network; nothing by default."""


class StageTraining(Training):
    """The training loop with a schedule of the learning rate that may be longer than the run."""

    def set_rate(self, progress: float) -> None:
        """Set the learning rates at this share of the run's steps."""
        super().set_rate(progress * self.settings.steps / self.settings.schedule_steps)


def prepare_stage(network: nn.Module, task: StageTask) -> StageTraining:
    """Make a stage that can begin or resume."""
    settings = task.settings
    loop = LoopSettings(
        steps=settings.steps,
        learning_rate=settings.learning_rate,
        seed=settings.seed,
        measure_every=max(1, settings.steps // MEASUREMENTS),
        weight_decay=WEIGHT_DECAY,
        warm_up=WARM_UP,
        betas=BETAS,
        ema_decay=EMA_DECAY,
        name=settings.stage,
    )
    network = network.to(memory_format=torch.channels_last)  # a tenth faster on CPUs
    return StageTraining(network, task, settings, loop, task.accelerator)


def train_stage(network: nn.Module, task: StageTask, *, resume: bool) -> StageTraining:
    """Train a stage to its last step, or resume it; a finished stage is only read.

    Args:
        network: network to train.
        task: what it learns.
        resume: continue from STAGE.state.pth in the task's folder, if it is there.

    Returns:
        The finished stage; its `average` is the result.

    Raises:
        UserError: the state of another run, or a loss that is not finite.
    """
    stage, state = prepare_stage(network, task), _state_of(task)
    stage.fit(state, resume and state.is_file(), FREE)
    task.accelerator.free_memory()  # it would keep the optimisers of all stages
    return stage


def read_stage(network: nn.Module, task: StageTask) -> StageTraining:
    """Read a stage that another run has finished.

    Raises:
        UserError: it has not been trained, or not to its last step; or the state of another run.
    """
    stage, state, name = prepare_stage(network, task), _state_of(task), task.settings.stage
    if not state.is_file():
        raise UserError(f"{state}: not found; train stage {name!r} first (setting STAGES)")
    stage.restore(state, FREE)
    if stage.steps < task.settings.steps:
        raise UserError(
            f"{state}: has had {stage.steps} of {task.settings.steps} steps; finish stage {name!r} first "
            "(settings STAGES, RESUME)"
        )
    task.accelerator.free_memory()
    return stage


def _state_of(task: StageTask) -> Path:
    return task.work / f"{task.settings.stage}.state.pth"
