"""Drawing one picture by SDXL's base and refiner: from a photo or from text alone, in two passes, checked.

The schedule runs from noise (0) to picture (1). The base draws it up to HANDOVER and hands its latents, noise and all,
to the refiner, which draws the rest: an ensemble of experts (Balaji et al. 2022, arXiv:2211.01324). Or the base
finishes, and the refiner adds a little noise and redraws that ("refine": SDEdit, Meng et al. 2021, arXiv:2108.01073, by
which a photo is the start of the base's pass as well).
"""

import copy
import functools
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from avatar.prompt.weighting import embed_prompts
from avatar.sdxl.pipelines import FEW_STEP, Pipelines, Scheduler
from common.errors import UserError, check_range

Mode = Literal["handover", "refine", "base"]
HANDOVER = 0.8  # of the schedule
REFINE_STRENGTH = 0.3
FEW_STEPS, LOW_GUIDANCE = 12, 2.0  # most that distilled models are made for
LEAST_CONTRAST = 0.01  # standard deviation of a channel, 0 to 1, under which a picture is of one colour
REMEDY = "set VRAM_GB to 8, MODE to base, or choose a smaller MODEL"


@dataclass(frozen=True)
class Recipe:
    """How pictures are drawn.

    Attributes:
        mode: "handover", "refine", or "base" for the base alone.
        steps: of the whole schedule, of which a start from a photo skips the first 1 - strength.
        handover: share of the steps after which the refiner takes over; for "handover".
        refine_strength: share of the schedule that the refiner redraws; for "refine".
        strength: share of the schedule that redraws the photo; 0 leaves it as the VAE sees it, 1 nearly forgets it.
        guidance: scale of classifier-free guidance (Ho and Salimans 2022, arXiv:2207.12598); 1 or less: none.
        scheduler: one of Scheduler.
    """

    mode: Mode = "handover"
    steps: int = 30
    handover: float = HANDOVER
    refine_strength: float | None = None
    strength: float = 0.5
    guidance: float = 5.0
    scheduler: Scheduler = "euler"

    def check(self) -> None:
        """Refuse values out of their ranges, and settings that contradict one another.

        Raises:
            UserError: the first of them.
        """
        for name, value, known in (("MODE", self.mode, Mode), ("SCHEDULER", self.scheduler, Scheduler)):
            if value not in get_args(known):
                raise UserError(f"setting {name} is {value!r}; it must be one of {', '.join(get_args(known))}")
        check_range("STEPS", self.steps, 1, 500)
        check_range("STRENGTH", self.strength, 0, 1)
        check_range("GUIDANCE", self.guidance, 0, 50)
        check_range("HANDOVER", self.handover, 0.01, 0.99)
        if self.refine_strength is not None:
            check_range("REFINE_STRENGTH", self.refine_strength, 0.01, 1)
            if self.mode != "refine":
                raise UserError(f"setting REFINE_STRENGTH is for MODE refine, and MODE is {self.mode}; choose one")
        if self.mode != "handover" and self.handover != HANDOVER:
            raise UserError(f"setting HANDOVER is for MODE handover, and MODE is {self.mode}; choose one of the two")
        if self.scheduler in FEW_STEP:
            self._check_few_steps()

    def _check_few_steps(self) -> None:
        name = self.scheduler
        if self.mode == "handover":
            raise UserError(
                f"setting SCHEDULER is {name}, whose few steps the refiner cannot share; set MODE to base or refine"
            )
        if self.steps > FEW_STEPS or self.guidance > LOW_GUIDANCE:
            raise UserError(
                f"setting SCHEDULER is {name}, for distilled models: it goes with STEPS up to {FEW_STEPS} (here "
                f"{self.steps}) and GUIDANCE up to {LOW_GUIDANCE:g} (here {self.guidance:g})"
            )


@dataclass(frozen=True)
class Plan:
    """Steps of each pass."""

    base: int
    refiner: int

    @property
    def total(self) -> int:
        """Of both."""
        return self.base + self.refiner

    def __str__(self) -> str:
        return f"{self.base} + {self.refiner} steps"


@dataclass(frozen=True)
class Drawing:
    """A picture and how it was drawn.

    Attributes:
        image: RGB, a square of the model's own size.
        plan: steps that were taken.
        seconds: for all of it.
        step_seconds: median of the steps; 0 where none was taken.
        retried: whether only full precision gave a picture.
    """

    image: Image.Image
    plan: Plan
    seconds: float
    step_seconds: float
    retried: bool


class FaultyPictureError(Exception):
    """The networks gave no picture: values that are not finite, or a blank."""


# ---- the plan ----


def plan_steps(pipelines: Pipelines, recipe: Recipe, from_photo: bool) -> Plan:
    """Count the steps of both passes before any network runs.

    Args:
        pipelines: loaded.
        recipe: checked.
        from_photo: a photo is the start, so that only `strength` of the schedule is drawn.

    Raises:
        UserError: a pass would have no step to draw, or a refiner is asked for that is not there.
    """
    if recipe.mode != "base" and pipelines.refiner is None:
        raise UserError(f"setting MODE is {recipe.mode}, and no refiner is loaded; set MODE to base")
    if from_photo and recipe.strength == 0:
        return Plan(0, 0)
    total = _share_of(recipe.steps, recipe.strength, "STRENGTH") if from_photo else recipe.steps
    if recipe.mode == "base":
        return Plan(total, 0)
    if recipe.mode == "refine":
        return Plan(total, _share_of(recipe.steps, _refine_strength(recipe), "REFINE_STRENGTH"))
    after = recipe.steps - round(recipe.steps * recipe.handover)
    before = total - after
    if before <= 0:
        raise UserError(
            f"settings STRENGTH {recipe.strength:g} and HANDOVER {recipe.handover:g} contradict: the base would have "
            "no step before the refiner takes over; raise one of them, or set MODE to base or refine"
        )
    if after == 0:
        raise UserError(
            f"setting HANDOVER {recipe.handover:g} leaves the refiner none of {recipe.steps} steps; "
            "lower it, raise STEPS, or set MODE to base"
        )
    return Plan(before, after)


def _handover_share(pipelines: Pipelines, recipe: Recipe) -> float:
    """The share of training's time that lies between the last step of the base and the first of the refiner.

    diffusers splits a schedule there; for 30 steps and 0.8 its own rounding would give 23 and 7 instead of 24 and 6.
    """
    times = _times(pipelines.base.scheduler, recipe.steps)
    first = round(recipe.steps * recipe.handover)
    between = (float(times[first - 1]) + float(times[first])) / 2
    return 1 - between / int(pipelines.base.scheduler.config.num_train_timesteps)


def _times(scheduler: Any, steps: int) -> np.ndarray:
    """The time steps of a schedule, from noise to picture."""
    unused = copy.deepcopy(scheduler)
    unused.set_timesteps(steps)
    return unused.timesteps.numpy()


def _share_of(steps: int, share: float, setting: str) -> int:
    """Steps in a share of the schedule, rounded down as diffusers does."""
    count = int(steps * share)
    if count == 0:
        raise UserError(f"setting {setting} {share:g} leaves none of {steps} steps; raise it or STEPS")
    return count


def _refine_strength(recipe: Recipe) -> float:
    return REFINE_STRENGTH if recipe.refine_strength is None else recipe.refine_strength


# ---- drawing ----


def draw(
    pipelines: Pipelines,
    prompt: str,
    negative: str,
    start: Image.Image | None,
    seed: int,
    recipe: Recipe,
    on_step: Callable[[], None] = lambda: None,
) -> Drawing:
    """Draw one picture; the same arguments on the same device give the same picture, on a CPU bit for bit.

    A picture with values that are not finite, or a blank one, is drawn once more in float32.

    Args:
        pipelines: loaded.
        prompt: with weights, "(leather jacket:1.3)".
        negative: what the picture shall not show.
        start: a photo, cropped to a square; None: from text alone.
        seed: of the picture's own generator, on the CPU, so that all devices start from the same noise.
        recipe: checked.
        on_step: called after each step of either pass.

    Raises:
        UserError: no picture in full precision either, or as `plan_steps`.
    """
    plan = plan_steps(pipelines, recipe, start is not None)
    began = time.perf_counter()
    once = functools.partial(_draw_once, pipelines, prompt, negative, start, seed, recipe, on_step)
    try:
        image, step_seconds = once()
        return Drawing(image, plan, time.perf_counter() - began, step_seconds, retried=False)
    except FaultyPictureError as fault:
        if pipelines.in_full_precision:
            raise UserError(_no_picture(fault)) from fault
    with pipelines.raised_to_full_precision():
        try:
            image, step_seconds = once()
        except FaultyPictureError as fault:
            raise UserError(_no_picture(fault)) from fault
    return Drawing(image, plan, time.perf_counter() - began, step_seconds, retried=True)


def _no_picture(fault: FaultyPictureError) -> str:
    return f"the model drew {fault} in full precision; take another SEED, a lower GUIDANCE, or another MODEL or LoRA"


@torch.no_grad()
def _draw_once(
    pipelines: Pipelines,
    prompt: str,
    negative: str,
    start: Image.Image | None,
    seed: int,
    recipe: Recipe,
    on_step: Callable[[], None],
) -> tuple[Image.Image, float]:
    latents = None if start is None else encode(pipelines, start)
    if latents is not None and recipe.strength == 0:
        return decode(pipelines, latents), 0.0
    clock = _Clock(on_step)
    facts: dict[str, Any] = {
        "generator": torch.Generator("cpu").manual_seed(seed),
        "guidance_scale": recipe.guidance,
        "num_inference_steps": recipe.steps,
        "output_type": "latent",
        "callback_on_step_end": clock.step,
    }
    texts = embed_prompts(pipelines.base, prompt, negative)
    refiner_texts = None if recipe.mode == "base" else embed_prompts(pipelines.refiner, prompt, negative)
    handover = _handover_share(pipelines, recipe) if recipe.mode == "handover" else None
    first = facts | texts | {"denoising_end": handover}
    clock.start()
    if latents is None:
        side = pipelines.native_px
        latents = pipelines.base(height=side, width=side, **first).images
    else:
        latents = pipelines.image_to_image(image=latents, strength=recipe.strength, **first).images
        pipelines.base.maybe_free_model_hooks()  # image_to_image has none of its own
    if refiner_texts is not None:
        share = {"strength": _refine_strength(recipe)} if handover is None else {"denoising_start": handover}
        clock.start()
        latents = pipelines.refiner(image=latents, **facts, **refiner_texts, **share).images  # type: ignore[misc]
    return decode(pipelines, latents), clock.median


class _Clock:
    """Takes the time of the steps, as diffusers' callback at the end of each."""

    def __init__(self, on_step: Callable[[], None]) -> None:
        self.on_step = on_step
        self.seconds: list[float] = []
        self.last = 0.0

    def start(self) -> None:
        """A pass begins."""
        self.last = time.perf_counter()

    def step(self, pipeline: Any, number: int, timestep: Any, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """A step ended; the arguments are those that diffusers gives."""
        if tensors["latents"].is_cuda:
            torch.cuda.synchronize()
        now = time.perf_counter()
        self.seconds.append(now - self.last)
        self.last = now
        self.on_step()
        return tensors

    @property
    def median(self) -> float:
        """Seconds of a step, whatever the first one takes to warm up."""
        return statistics.median(self.seconds)


# ---- between pictures and latents ----


@torch.no_grad()
def encode(pipelines: Pipelines, image: Image.Image) -> Tensor:
    """A picture as the VAE's latents, (1, channels, side / 8, side / 8) in the UNet's dtype; their mode.

    Args:
        pipelines: its VAE works in its own precision.
        image: RGB, brought to the model's own size.
    """
    vae, side = pipelines.base.vae, pipelines.native_px
    if image.size != (side, side):
        image = image.resize((side, side), Image.Resampling.LANCZOS)
    values = torch.from_numpy(np.asarray(image.convert("RGB"), np.float32).transpose(2, 0, 1)[None] / 127.5 - 1)
    values = values.to(device=pipelines.device, dtype=vae.dtype)
    latents = vae.encode(values).latent_dist.mode() * vae.config.scaling_factor
    return latents.to(pipelines.base.unet.dtype)


@torch.no_grad()
def decode(pipelines: Pipelines, latents: Tensor) -> Image.Image:
    """The VAE's latents as an RGB picture.

    Raises:
        FaultyPictureError: values that are not finite, or a blank picture.
    """
    vae = pipelines.base.vae
    values = vae.decode(latents.to(vae.dtype) / vae.config.scaling_factor, return_dict=False)[0][0]
    return to_picture(values.float().cpu())


def to_picture(values: Tensor) -> Image.Image:
    """(3, H, W) float32 in [-1, 1] as an RGB picture.

    Raises:
        FaultyPictureError: values that are not finite, or hardly any difference between them.
    """
    if not bool(torch.isfinite(values).all()):
        raise FaultyPictureError("a picture with values that are not finite")
    shown = (values / 2 + 0.5).clamp(0, 1)
    if float(shown.flatten(1).std(dim=1).max()) < LEAST_CONTRAST:
        raise FaultyPictureError("a blank picture")
    return Image.fromarray((shown * 255).round().byte().numpy().transpose(1, 2, 0))


def peak_memory_gb(device: torch.device) -> float:
    """The most that this process has held, of the GPU where one computes, else of the machine; 10^9 bytes."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e9
    if device.type == "mps":
        return torch.mps.driver_allocated_memory() / 1e9
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9
