"""Training of a LoRA for an SDXL base: samples, loss, and a loop that resumes exactly, on one device or more.

The base's weights rest; what learns are the low-rank factors that peft adds to the chosen layers of its UNet. Pictures
are turned into latents and captions into embeddings once, before the first step.
"""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn
from tqdm import tqdm

from avatar.prompt.wording import NEGATIVE
from avatar.sdxl.lora_files import ADAPTER
from avatar.sdxl.pipelines import Precision, dtype_for
from common.checkpoints import learning_rate, read_state, save_plain
from common.devices import pick_device
from common.errors import UserError, check_range

MixedPrecision = Literal["no", "fp16", "bf16"]
CLIP_NORM = 1.0
WARM_UP = 0.05  # share of the steps in which the learning rate rises
WEIGHT_DECAY = 0.01
MEASURED_TIMES = (100, 300, 500, 700, 900)  # of 1000: at which the held-out loss is measured
SAYING_NOTHING = ("", NEGATIVE)  # texts that guidance leads away from
PREDICTIONS = ("epsilon", "v_prediction")


@dataclass(frozen=True)
class LoraSettings:
    """What one training run is.

    Attributes:
        size_px: side of the square pictures.
        rank: of the factors.
        alpha: the LoRA acts with alpha / rank.
        target_modules: ends of the names of the layers that get one.
        steps: of the optimiser.
        batch: pictures a step, on each device.
        learning_rate: its highest value, of AdamW.
        snr_gamma: of the min-SNR weights of the loss; 0: all noise levels weigh the same.
        prior_weight: of the loss on class pictures; 0: there are none.
        caption_dropout: share of the samples that are learnt with a text that says nothing instead of their caption.
        flip: learn the mirrored pictures too.
        gradient_checkpointing: compute parts twice instead of keeping them.
        precision: of the forward pass.
        seed: of first weights, order, noise and samples.
        held_out_share: of the pictures, which only measure.
        data: fingerprint of pictures and captions, so that a run is not resumed on others.
        base: beginning of the SHA-256 of the base.

    Raises:
        UserError: a value out of its range.
    """

    size_px: int
    rank: int
    alpha: int
    target_modules: tuple[str, ...]
    steps: int
    batch: int
    learning_rate: float
    snr_gamma: float
    prior_weight: float
    caption_dropout: float
    flip: bool
    gradient_checkpointing: bool
    precision: MixedPrecision
    seed: int
    held_out_share: float
    data: str = ""
    base: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be trained with."""
        check_range("RANK", self.rank, 1, 1024)
        check_range("ALPHA", self.alpha, 1, 1_000_000)
        check_range("STEPS", self.steps, 1, 10_000_000)
        check_range("BATCH", self.batch, 1, 100_000)
        check_range("LEARNING_RATE", self.learning_rate, 1e-9, 10)
        check_range("SNR_GAMMA", self.snr_gamma, 0, 1000)
        check_range("PRIOR_WEIGHT", self.prior_weight, 0, 1000)
        check_range("CAPTION_DROPOUT", self.caption_dropout, 0, 1)
        check_range("SEED", self.seed, 0, 2**63 - 1)
        check_range("HELD_OUT_SHARE", self.held_out_share, 0, 0.9)


def pick_precision(asked: Precision) -> MixedPrecision:
    """The precision of the forward pass in accelerate's words; "auto" is bf16 where `accelerate launch` says so, else
    the best of the device.

    Raises:
        UserError: fp16 without a GPU.
    """
    device = pick_device()
    if asked == "auto" and os.environ.get("ACCELERATE_MIXED_PRECISION") == "bf16":
        asked = "bf16"
    if asked == "auto" and device.type == "mps":  # whose half precision has no scaled gradients
        return "no"
    found: dict[torch.dtype, MixedPrecision] = {torch.float32: "no", torch.float16: "fp16", torch.bfloat16: "bf16"}
    return found[dtype_for(device, asked)]


# ---- samples ----


@dataclass(frozen=True)
class Samples:
    """Pictures and captions as the UNet learns from them, all on the CPU.

    Attributes:
        mean: (N, 4, h, w) of the latents' distribution, scaled as the UNet sees them; mirrored ones are samples.
        spread: its standard deviation, the same shape.
        size_numbers: (N, 6) original height and width, top and left of the crop, height and width, in px.
        caption: (N,) row of each sample in the two tables below.
        text: (U, 77, D) embeddings of the captions, and behind them of SAYING_NOTHING.
        pooled: (U, P) pooled ones.
    """

    mean: Tensor
    spread: Tensor
    size_numbers: Tensor
    caption: Tensor
    text: Tensor
    pooled: Tensor

    def __len__(self) -> int:
        return len(self.mean)

    def choose(self, places: Sequence[int]) -> "Samples":
        """Some of the samples, in this order; the tables of captions are shared."""
        rows = torch.tensor(places, dtype=torch.long)
        parts = (self.mean[rows], self.spread[rows], self.size_numbers[rows], self.caption[rows])
        return Samples(*parts, self.text, self.pooled)

    def without_some_captions(self, share: float, draws: torch.Generator) -> "Samples":
        """About this share of the samples with a text that says nothing instead of their caption.

        Classifier-free guidance leads away from what the base draws by such a text (Ho and Salimans 2022,
        arXiv:2207.12598): it must know the style as well, or guidance exaggerates the style.
        """
        dropped = torch.rand(len(self), generator=draws) < share
        nothing = len(self.text) - torch.randint(1, len(SAYING_NOTHING) + 1, (len(self),), generator=draws)
        return replace(self, caption=torch.where(dropped, nothing, self.caption))

    def conditions(self, device: torch.device) -> dict[str, Any]:
        """What the UNet is told about each sample, as its keyword arguments."""
        added = {"text_embeds": self.pooled[self.caption], "time_ids": self.size_numbers}
        return {
            "encoder_hidden_states": self.text[self.caption].to(device),
            "added_cond_kwargs": {name: tensor.to(device) for name, tensor in added.items()},
        }


def places_of_step(length: int, batch: int, seed: int, step: int, rank: int, devices: int) -> list[int]:
    """Which samples a step takes on one device: passes over all of them, each in an order of its own."""
    first = (step * devices + rank) * batch
    orders: dict[int, np.ndarray] = {}
    places = []
    for number in range(first, first + batch):
        turn, place = divmod(number, length)
        if turn not in orders:
            orders[turn] = np.random.default_rng((seed, turn)).permutation(length)
        places.append(int(orders[turn][place]))
    return places


# ---- loss ----


def spread_times(levels: int, chances: np.ndarray, power: float = 1.0) -> np.ndarray:
    """Noise levels, 0 to levels - 1, (N,) int64, one in each of as many equal parts of them: steadier than chance.

    Args:
        levels: how many there are.
        chances: (N,) float64 in [0, 1), which say where in its part each one lies.
        power: below 1 it moves them towards the noisy end.
    """
    count = len(chances)
    return (((np.arange(count) + chances) / count) ** power * levels).astype(np.int64)


def sample_losses(
    unet: Callable[..., Any],
    scheduler: Any,
    samples: Samples,
    times: Tensor,
    draws: torch.Generator,
    device: Any,
    weights: Tensor | float = 1.0,
) -> Tensor:
    """The squared error of the UNet's prediction for each sample, (B,).

    Args:
        unet: predicts the noise, or v where the scheduler says so (Salimans and Ho 2022, arXiv:2202.00512).
        scheduler: a DDPMScheduler with the base's own noise levels.
        samples: B of them.
        times: (B,) int64, 0 to 999.
        draws: of the latents and of the noise, on the CPU, so that every device sees the same.
        device: of the UNet.
        weights: of the errors of latent px, (B, 1, h, w).
    """
    shape = samples.mean.shape
    drawn, noise = (torch.randn(shape, generator=draws).to(device) for _ in range(2))
    latents = samples.mean.to(device) + samples.spread.to(device) * drawn
    times = times.to(device)
    target = noise
    if scheduler.config.prediction_type == "v_prediction":
        target = scheduler.get_velocity(latents, noise, times)
    noisy = scheduler.add_noise(latents, noise, times)
    predicted = unet(noisy, times, **samples.conditions(device)).sample
    return ((predicted.float() - target).square() * weights).mean(dim=(1, 2, 3))


def min_snr_weights(scheduler: Any, times: Tensor, gamma: float) -> Tensor:
    """Weight of each sample's loss, (B,): min(SNR, gamma) / SNR, or / (SNR + 1) where the UNet predicts v.

    Hang et al. 2023, arXiv:2303.09556; gamma 0 gives 1 for all.
    """
    from diffusers.training_utils import compute_snr

    if gamma == 0:
        return torch.ones(len(times))
    snr = compute_snr(scheduler, times)
    below = snr + 1 if scheduler.config.prediction_type == "v_prediction" else snr.clamp(min=1e-8)
    return snr.clamp(max=gamma) / below


# ---- the loop ----


@dataclass
class Training:
    """A run's state: everything that `--resume` needs to go on exactly.

    Attributes:
        settings: of the run.
        unet: the base's, with the LoRA in it.
        scheduler: a DDPMScheduler with the base's noise levels.
        steps: done.
        history: one entry a measurement.
    """

    settings: LoraSettings
    unet: Any
    scheduler: Any
    optimiser: torch.optim.AdamW = field(init=False)
    steps: int = 0
    history: list[dict[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.optimiser = torch.optim.AdamW(self.parameters(), lr=self.settings.learning_rate, weight_decay=WEIGHT_DECAY)

    def parameters(self) -> list[nn.Parameter]:
        """The factors that learn."""
        return [parameter for parameter in self.unet.parameters() if parameter.requires_grad]

    def factors(self) -> dict[str, Tensor]:
        """The LoRA's tensors by peft's names, on the CPU."""
        from peft import get_peft_model_state_dict

        state = get_peft_model_state_dict(self.unet, adapter_name=ADAPTER)
        return {name: tensor.detach().cpu().clone() for name, tensor in state.items()}

    def state(self, scaler: Any) -> dict[str, Any]:
        """Tensors and plain values to continue from."""
        return {
            "settings": asdict(self.settings),
            "factors": self.factors(),
            "optimiser": self.optimiser.state_dict(),
            "scaler": scaler.state_dict() if scaler is not None else {},
            "steps": self.steps,
            "history": self.history,
        }

    def restore(self, path: Path, scaler: Any) -> None:
        """Continue from what `state` gave.

        Raises:
            UserError: nothing to resume, damaged, of other settings, or of other layers.
        """
        from peft import set_peft_model_state_dict

        state = read_state(path, self.settings)
        try:
            if state["factors"].keys() != self.factors().keys():
                raise ValueError("other layers")
            set_peft_model_state_dict(self.unet, state["factors"], adapter_name=ADAPTER)
            self.optimiser.load_state_dict(state["optimiser"])
            if scaler is not None:
                scaler.load_state_dict(state["scaler"])
            self.steps, self.history = state["steps"], state["history"]
        except (RuntimeError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise UserError(f"{path}: does not fit this run; start without --resume") from error


def add_lora(unet: Any, settings: LoraSettings) -> None:
    """Freeze a UNet and give its chosen layers a LoRA that begins as no change.

    Raises:
        UserError: a name of TARGET_MODULES is no layer that can have one.
    """
    from diffusers.training_utils import cast_training_params
    from peft import LoraConfig

    names = [name for name, module in unet.named_modules() if isinstance(module, nn.Linear | nn.Conv2d)]
    for target in settings.target_modules:
        if not any(f".{name}".endswith(f".{target}") for name in names):
            known = sorted({name.rpartition(".")[2] for name in names if not name.rpartition(".")[2].isdigit()})
            raise UserError(f"setting TARGET_MODULES: no layer is named {target!r}; there are {', '.join(known)}")
    if not settings.target_modules:
        raise UserError("setting TARGET_MODULES is empty; nothing would learn")
    unet.requires_grad_(False)
    torch.manual_seed(settings.seed)
    unet.add_adapter(
        LoraConfig(
            r=settings.rank,
            lora_alpha=settings.alpha,
            target_modules=list(settings.target_modules),
            init_lora_weights="gaussian",
        ),
        adapter_name=ADAPTER,
    )
    cast_training_params(unet, dtype=torch.float32)
    if settings.gradient_checkpointing:
        unet.enable_gradient_checkpointing()


def fit(
    training: Training,
    samples: Samples,
    prior: Samples | None,
    held_out: Samples | None,
    accelerator: Accelerator,
    state: Path,
    resume: bool,
    every: int,
    show: Callable[[int], None],
) -> None:
    """Train to the last step of the settings, or go on with a run that was cut short.

    Args:
        training: where to begin.
        samples: what to learn.
        prior: pictures of the class at large, whose loss keeps the base's knowledge of it (Ruiz et al. 2022,
            arXiv:2208.12242); or None.
        held_out: what measures; or None.
        accelerator: of the devices.
        state: file that keeps the run's state.
        resume: go on from that file.
        every: steps between measurements, each of which saves the state.
        show: draws samples of this step; called by the main process.

    Raises:
        UserError: nothing to resume, other settings than those of the state, or a loss that is not finite.
    """
    settings = training.settings
    network, optimiser = accelerator.prepare(training.unet, training.optimiser)
    if resume:
        training.restore(state, accelerator.scaler)
    else:
        measure(training, held_out, accelerator, {"step": 0}, show)
    bar = tqdm(
        total=settings.steps,
        initial=training.steps,
        desc="training",
        unit="step",
        disable=not accelerator.is_main_process,
    )
    losses: list[dict[str, float]] = []
    while training.steps < settings.steps:
        losses.append(train_step(training, samples, prior, network, optimiser, accelerator))
        bar.update()
        if training.steps % every == 0 or training.steps == settings.steps:
            means = {name: sum(parts[name] for parts in losses) / len(losses) for name in losses[0]}
            measure(training, held_out, accelerator, {"step": training.steps, **means}, show)
            bar.set_postfix_str(", ".join(f"{name} {value:.4f}" for name, value in means.items()))
            losses = []
            if accelerator.is_main_process:
                save_plain(state, training.state(accelerator.scaler))
    bar.close()


def train_step(
    training: Training,
    samples: Samples,
    prior: Samples | None,
    network: nn.Module,
    optimiser: Any,
    accelerator: Accelerator,
) -> dict[str, float]:
    """One step of the optimiser; returns the parts of the loss.

    All that is random hangs on seed, step and device alone, so that a resumed run draws what an uninterrupted one does.

    Raises:
        UserError: the loss is not finite.
    """
    settings, step = training.settings, training.steps
    place = accelerator.process_index, accelerator.num_processes
    for group in optimiser.param_groups:
        group["lr"] = learning_rate(settings.learning_rate, step / settings.steps, WARM_UP)
    draws = torch.Generator().manual_seed(int(np.random.default_rng((settings.seed, step, place[0])).integers(2**63)))
    network.train()
    parts = {}
    for name, some in (("training", samples), ("prior", prior)):
        if some is None:
            continue
        chosen = some.choose(places_of_step(len(some), settings.batch, settings.seed, step, *place))
        if settings.caption_dropout:
            chosen = chosen.without_some_captions(settings.caption_dropout, draws)
        parts[name] = batch_loss(training, network, chosen, draws, accelerator)
    loss = parts["training"] + settings.prior_weight * parts.get("prior", torch.zeros(()))
    values = {name: float(part.detach()) for name, part in parts.items()}
    if not math.isfinite(float(loss.detach())):
        detail = ", ".join(f"{name} {value}" for name, value in values.items())
        raise UserError(f"the loss is not finite in step {step + 1}: {detail}; try PRECISION bf16 or fp32")
    optimiser.zero_grad(set_to_none=True)
    accelerator.backward(loss)
    accelerator.clip_grad_norm_(training.parameters(), CLIP_NORM)
    optimiser.step()
    training.steps += 1
    return values


def batch_loss(
    training: Training, network: nn.Module, samples: Samples, draws: torch.Generator, accelerator: Accelerator
) -> Tensor:
    """The weighted mean loss of a batch at random noise levels, one in each of as many equal parts of them."""
    chances = torch.rand(len(samples), generator=draws, dtype=torch.float64).numpy()
    times = torch.from_numpy(spread_times(training.scheduler.config.num_train_timesteps, chances))
    with accelerator.autocast():
        losses = sample_losses(network, training.scheduler, samples, times, draws, accelerator.device)
    weights = min_snr_weights(training.scheduler, times, training.settings.snr_gamma)
    return (losses * weights.to(losses.device)).mean()


def measure(
    training: Training,
    held_out: Samples | None,
    accelerator: Accelerator,
    entry: dict[str, float],
    show: Callable[[int], None],
) -> None:
    """Add the held-out loss and its share of the base's to a history entry, and draw samples; on the main process."""
    if accelerator.is_main_process:
        training.unet.eval()
        if held_out is not None:
            with accelerator.autocast():
                entry["held-out loss"] = held_out_loss(training, held_out, accelerator.device)
            first = training.history[0]["held-out loss"] if training.history else entry["held-out loss"]
            entry["share of the base"] = 100 * entry["held-out loss"] / first
        show(int(entry["step"]))
    training.history.append(entry)
    accelerator.wait_for_everyone()


@torch.no_grad()
def held_out_loss(training: Training, held_out: Samples, device: torch.device) -> float:
    """The mean unweighted loss at fixed noise levels with fixed noise."""
    levels = training.scheduler.config.num_train_timesteps
    losses = []
    for place, level in _measured(len(held_out)):
        draws = torch.Generator().manual_seed(place)
        times = torch.tensor([level * levels // 1000])
        losses.append(sample_losses(training.unet, training.scheduler, held_out.choose([place]), times, draws, device))
    return float(torch.cat(losses).mean())


def _measured(length: int) -> Iterator[tuple[int, int]]:
    return ((place, level) for place in range(length) for level in MEASURED_TIMES)
