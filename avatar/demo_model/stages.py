"""One stage of the demo model's training: a loop with averaged weights that resumes exactly, measured as it goes."""

import copy
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from common.checkpoints import learning_rate, read_state, save_plain, update_average
from common.curves import draw_curves
from common.errors import UserError, check_range

MEASUREMENTS = 20  # of a stage; each saves the state
EMA_DECAY = 0.999
WARM_UP = 0.04  # share of the steps in which the learning rate rises
CLIP_NORM = 1.0
BETAS = (0.9, 0.99)
WEIGHT_DECAY = 0.01


@dataclass(frozen=True)
class StageSettings:
    """What one stage is.

    Attributes:
        stage: its name, of its files as well.
        steps: of the optimiser.
        batch: samples a step.
        learning_rate: its highest value, of AdamW.
        seed: of first weights, order and noise.
        made_from: fingerprint of what it learns from, so that it does not go on with something else.

    Raises:
        UserError: a value out of its range.
    """

    stage: str
    steps: int
    batch: int
    learning_rate: float
    seed: int
    made_from: str

    def __post_init__(self) -> None:
        """Refuse what cannot be trained with."""
        check_range(f"{self.stage.upper()}_STEPS", self.steps, 1, 10_000_000)
        check_range(f"{self.stage.upper()}_BATCH", self.batch, 1, 100_000)


@dataclass
class Stage:
    """A stage and its state.

    Attributes:
        settings: of the stage.
        network: what learns, on its device.
        losses: parts of the loss of a step, by name; their sum is made small. All that is random in it hangs on seed
            and step alone.
        measure: a figure of the averaged network on held-out data.
        measured: what that is called.
        show: draws samples of the averaged network into a PNG; None: there is nothing to see.
    """

    settings: StageSettings
    network: nn.Module
    losses: Callable[[nn.Module, int], dict[str, Tensor]]
    measure: Callable[[nn.Module], float]
    measured: str
    show: Callable[[nn.Module, Path], None] | None
    average: nn.Module = field(init=False)
    optimiser: torch.optim.AdamW = field(init=False)
    steps: int = 0
    history: list[dict[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.network.to(memory_format=torch.channels_last)  # a tenth faster on CPUs
        self.average = copy.deepcopy(self.network).eval().requires_grad_(False)
        rate = self.settings.learning_rate
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), rate, betas=BETAS, weight_decay=WEIGHT_DECAY, fused=True
        )

    def state(self) -> dict[str, Any]:
        """Tensors and plain values to continue from."""
        return {
            "settings": asdict(self.settings),
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "steps": self.steps,
            "history": self.history,
        }

    def restore(self, path: Path) -> None:
        """Continue from what `state` gave; steps may have become more, the learning rate then rises to where it
        would be.

        Raises:
            UserError: damaged, of other settings, or of another network.
        """
        state = read_state(path, self.settings, free=["steps"])
        if state["steps"] > self.settings.steps:
            raise UserError(f"{path}: has had {state['steps']} steps already, more than {self.settings.steps}")
        try:
            self.network.load_state_dict(state["network"])
            self.average.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.steps, self.history = state["steps"], state["history"]
        except (RuntimeError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise UserError(f"{path}: does not fit this run; start without --resume") from error


def fit(stage: Stage, work: Path, resume: bool) -> nn.Module:
    """Train a stage to its last step, or go on where it stood; a stage that is done is only read.

    Writes STAGE.state.pth, STAGE_curves.png and STAGE_samples.png into the folder `work`.

    Returns:
        the averaged network, in evaluation mode, on the stage's device.

    Raises:
        UserError: the state of another run, or a loss that is not finite.
    """
    settings, name = stage.settings, stage.settings.stage
    state = work / f"{name}.state.pth"
    if resume and state.is_file():
        stage.restore(state)
    every = max(1, settings.steps // MEASUREMENTS)
    bar = tqdm(total=settings.steps, initial=stage.steps, desc=name, unit="step")
    sums: dict[str, Tensor] = {}
    taken, started = 0, time.perf_counter()
    while stage.steps < settings.steps:
        for part, value in train_step(stage).items():
            sums[part] = value + sums.get(part, 0)
        taken += 1
        bar.update()
        if stage.steps % every == 0 or stage.steps == settings.steps:
            entry = {"step": stage.steps, **{part: float(value) / taken for part, value in sums.items()}}
            _check_finite(stage, entry)
            entry["seconds a step"] = (time.perf_counter() - started) / taken
            _measure(stage, work, entry)
            save_plain(state, stage.state())
            bar.write(f"{name}: " + ", ".join(f"{key} {value:.4g}" for key, value in entry.items()))
            sums, taken, started = {}, 0, time.perf_counter()
    bar.close()
    return stage.average


def train_step(stage: Stage) -> dict[str, Tensor]:
    """One step of the optimiser; returns the parts of the loss, on the device: reading them would make a GPU wait."""
    settings = stage.settings
    for group in stage.optimiser.param_groups:
        group["lr"] = learning_rate(settings.learning_rate, stage.steps / settings.steps, WARM_UP)
    stage.network.train()
    parts = stage.losses(stage.network, stage.steps)
    loss = torch.stack(list(parts.values())).sum()
    stage.optimiser.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(stage.network.parameters(), CLIP_NORM)
    stage.optimiser.step()
    stage.steps += 1
    update_average(stage.average, stage.network, stage.steps, EMA_DECAY)
    return {name: part.detach() for name, part in parts.items()}


def _check_finite(stage: Stage, entry: dict[str, float]) -> None:
    """Refuse to measure or save what is no number any more; the last state stays.

    Raises:
        UserError: a part of the loss is not finite.
    """
    if not all(map(math.isfinite, entry.values())):
        detail = ", ".join(f"{name} {value}" for name, value in entry.items() if name != "step")
        before = int(stage.history[-1]["step"]) if stage.history else 0
        raise UserError(
            f"{stage.settings.stage}: the loss is not finite between steps {before} and {stage.steps}: {detail}"
        )


def _measure(stage: Stage, work: Path, entry: dict[str, float]) -> None:
    """Measure and show the averaged network, and draw the curves."""
    with torch.no_grad():
        entry[stage.measured] = stage.measure(stage.average)
        if stage.show is not None:
            stage.show(stage.average, work / f"{stage.settings.stage}_samples.png")
    losses = [name for name in entry if name not in ("step", "seconds a step", stage.measured)]
    stage.history.append(entry)
    curves = work / f"{stage.settings.stage}_curves.png"
    draw_curves(stage.history, curves, along="step", losses=losses, measure=stage.measured, label=stage.measured)


def numbers_of_step(settings: StageSettings, step: int) -> np.random.Generator:
    """The one source of all that is random in a step."""
    return np.random.default_rng((settings.seed, sum(settings.stage.encode()), step))


def noise_of_step(settings: StageSettings, step: int) -> torch.Generator:
    """The same for tensors, on the CPU, so that every device sees the same."""
    return torch.Generator().manual_seed(int(numbers_of_step(settings, step).integers(2**63)))


def in_mixed_precision(device: torch.device) -> torch.autocast:
    """bfloat16 on a GPU; plain float32 elsewhere, where it is no slower."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")
