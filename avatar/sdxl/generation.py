"""Generates one picture by SDXL's base and refiner, from a photo or from text alone, and checks it.

The denoising schedule runs from noise (0) to picture (1). The base denoises up to HANDOVER and passes its noisy latents
to the refiner, which denoises the rest: an ensemble of experts (Balaji et al. 2022, arXiv:2211.01324). With MODE
"refine" the base finishes, and the refiner adds a little noise and denoises again: SDEdit (Meng et al. 2021,
arXiv:2108.01073). A photo is the start of the base's pass in the same way.
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

from avatar.prompt.embeddings import embed_prompts
from avatar.sdxl.ip_adapter import image_prompt
from avatar.sdxl.pipelines import FEW_STEP, Pipelines, Scheduler
from common.errors import UserError, check_range

Mode = Literal["handover", "refine", "base"]
HANDOVER = 0.8  # share of the schedule
REFINE_STRENGTH = 0.3
PHOTO_STRENGTH = 0.5
FEW_STEPS, LOW_GUIDANCE = 12, 2.0  # largest values for distilled models
LEAST_CONTRAST = 0.01  # standard deviation of a channel, 0 to 1, below which a picture is blank
REMEDY = "set VRAM_GB to 8, MODE to base, or choose a smaller MODEL"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Settings of the denoising.

    Attributes:
        mode: "handover", "refine", or "base" for the base alone.
        steps: steps of the whole schedule; a start from a photo skips the first 1 - strength of them.
        handover: share of the steps after which the refiner takes over, for mode "handover".
        refine_strength: share of the schedule that the refiner repeats, for mode "refine"; None: REFINE_STRENGTH.
        strength: share of the schedule that is applied to the start; 0 keeps it as the VAE encodes it, 1 almost
            ignores it; None: PHOTO_STRENGTH.
        guidance: scale of classifier-free guidance (Ho and Salimans 2022, arXiv:2207.12598); 1 or less turns it off.
        scheduler: sampling method.
    """

    mode: Mode = "handover"
    steps: int = 30
    handover: float = HANDOVER
    refine_strength: float | None = None
    strength: float | None = None
    guidance: float = 5.0
    scheduler: Scheduler = "euler"

    def check(self) -> None:
        """Raise UserError for the first value outside its range, or combination of settings that is contradictory."""
        check_choices(MODE=(self.mode, Mode), SCHEDULER=(self.scheduler, Scheduler))
        check_range("STEPS", self.steps, 1, 500)
        check_range("STRENGTH", PHOTO_STRENGTH if self.strength is None else self.strength, 0, 1)
        check_range("GUIDANCE", self.guidance, 0, 50)
        check_range("HANDOVER", self.handover, 0.01, 0.99)
        if self.refine_strength is not None:
            check_range("REFINE_STRENGTH", self.refine_strength, 0.01, 1)
            if self.mode != "refine":
                raise UserError(
                    f"setting REFINE_STRENGTH needs MODE refine, and MODE is {self.mode}; change one of them"
                )
        if self.mode != "handover" and self.handover != HANDOVER:
            raise UserError(f"setting HANDOVER needs MODE handover, and MODE is {self.mode}; change one of them")
        if self.scheduler in FEW_STEP:
            self._check_few_steps()

    def _check_few_steps(self) -> None:
        name = self.scheduler
        if self.mode == "handover":
            raise UserError(f"setting SCHEDULER is {name}, whose few steps cannot be split; set MODE to base or refine")
        if self.steps > FEW_STEPS or self.guidance > LOW_GUIDANCE:
            raise UserError(
                f"setting SCHEDULER is {name}, which is for distilled models: it needs STEPS up to {FEW_STEPS} (now "
                f"{self.steps}) and GUIDANCE up to {LOW_GUIDANCE:g} (now {self.guidance:g})"
            )


def check_choices(**settings: tuple[object, object]) -> None:
    """Raise UserError if the value of a setting is not one of its Literal's; settings are (value, Literal) by name."""
    for name, (value, literal) in settings.items():
        if value not in get_args(literal):
            raise UserError(f"setting {name} is {value!r}; it must be one of {', '.join(map(str, get_args(literal)))}")


@dataclass(frozen=True)
class StepCounts:
    """Number of steps of each pass."""

    base: int
    refiner: int

    @property
    def total(self) -> int:
        """Steps of both passes."""
        return self.base + self.refiner

    def __str__(self) -> str:
        return f"{self.base} + {self.refiner} steps"


@dataclass(frozen=True)
class GeneratedPicture:
    """A picture and how it was generated.

    Attributes:
        image: RGB, square, at the model's native size.
        steps: steps of both passes.
        seconds: total time.
        step_seconds: median time of a step; 0 if there was none.
        retried: whether it needed a second attempt in full precision.
    """

    image: Image.Image
    steps: StepCounts
    seconds: float
    step_seconds: float
    retried: bool


class FaultyPictureError(Exception):
    """The networks returned values that are not finite, or a blank picture."""


# ---- number of steps ----


def count_steps(recipe: Recipe, from_photo: bool) -> StepCounts:
    """Count the steps of both passes.

    Args:
        recipe: checked settings.
        from_photo: start from a photo, so that only `strength` of the schedule is run.

    Raises:
        UserError: a pass would have no steps.
    """
    if from_photo and _start_strength(recipe) == 0:
        return StepCounts(0, 0)
    total = _share_of(recipe.steps, _start_strength(recipe), "STRENGTH") if from_photo else recipe.steps
    if recipe.mode == "base":
        return StepCounts(total, 0)
    if recipe.mode == "refine":
        return StepCounts(total, _share_of(recipe.steps, _refine_strength(recipe), "REFINE_STRENGTH"))
    after = recipe.steps - round(recipe.steps * recipe.handover)
    before = total - after
    if before <= 0:
        raise UserError(
            f"settings STRENGTH {_start_strength(recipe):g} and HANDOVER {recipe.handover:g} contradict: the base "
            "would have no step before the refiner takes over; raise one of them, or set MODE to base or refine"
        )
    if after == 0:
        raise UserError(
            f"setting HANDOVER {recipe.handover:g} leaves the refiner none of {recipe.steps} steps; "
            "lower it, raise STEPS, or set MODE to base"
        )
    return StepCounts(before, after)


def least_strength(recipe: Recipe) -> float:
    """Smallest strength that leaves every pass a step."""
    refiner = recipe.steps - round(recipe.steps * recipe.handover) if recipe.mode == "handover" else 0
    return min(1.0, (refiner + 1.5) / recipe.steps)  # the half step is for rounding down


def _handover_share(pipelines: Pipelines, recipe: Recipe) -> float:
    """The point in training time between the last step of the base and the first of the refiner, as a share.

    diffusers splits the schedule there; for 30 steps and 0.8 its own rounding would give 23 and 7 instead of 24 and 6.
    """
    times = _times(pipelines.base.scheduler, recipe.steps)
    first = round(recipe.steps * recipe.handover)
    between = (float(times[first - 1]) + float(times[first])) / 2
    return 1 - between / int(pipelines.base.scheduler.config.num_train_timesteps)


def _times(scheduler: Any, steps: int) -> np.ndarray:
    """Time steps of a schedule, from noise to picture."""
    unused = copy.deepcopy(scheduler)
    unused.set_timesteps(steps)
    return unused.timesteps.numpy()


def _share_of(steps: int, share: float, setting: str) -> int:
    """Number of steps in a share of the schedule, rounded down as in diffusers."""
    count = int(steps * share)
    if count == 0:
        raise UserError(f"setting {setting} {share:g} leaves none of {steps} steps; raise it or STEPS")
    return count


def _start_strength(recipe: Recipe) -> float:
    return PHOTO_STRENGTH if recipe.strength is None else recipe.strength


def _refine_strength(recipe: Recipe) -> float:
    return REFINE_STRENGTH if recipe.refine_strength is None else recipe.refine_strength


# ---- generation ----


def generate_picture(
    pipelines: Pipelines,
    prompt: str,
    negative: str,
    *,
    start: Image.Image | None,
    seed: int,
    recipe: Recipe,
    on_step: Callable[[], object] = bool,
    reference: Image.Image | None = None,
) -> GeneratedPicture:
    """Generate one picture; equal arguments give equal pictures on one device, on a CPU bit for bit.

    If the picture is blank or has values that are not finite, it is generated once more in float32.

    Args:
        pipelines: loaded pipelines.
        prompt: prompt with weights, "(leather jacket:1.3)".
        negative: what the picture should not show.
        start: photo, cropped to a square; None: from text alone.
        seed: seed of the noise, which comes from the CPU's generator so that it is the same on all devices.
        recipe: checked settings.
        on_step: called after each step of either pass.
        reference: photo that the picture should resemble, if an image prompt adapter is loaded.

    Raises:
        UserError: full precision fails too, a pass would have no steps, or MODE needs a refiner and none is loaded.
    """
    if recipe.mode != "base" and pipelines.refiner is None:
        raise UserError(f"setting MODE is {recipe.mode}, and no refiner is loaded; set MODE to base")
    steps = count_steps(recipe, start is not None)
    began = time.perf_counter()
    once = functools.partial(
        _generate_once,
        pipelines,
        prompt,
        negative,
        start=start,
        seed=seed,
        recipe=recipe,
        on_step=on_step,
        reference=reference,
    )
    try:
        image, step_seconds = once()
        return GeneratedPicture(image, steps, time.perf_counter() - began, step_seconds, retried=False)
    except FaultyPictureError as fault:
        if pipelines.in_full_precision:
            raise UserError(_no_picture(fault)) from fault
    with pipelines.raised_to_full_precision():
        try:
            image, step_seconds = once()
        except FaultyPictureError as fault:
            raise UserError(_no_picture(fault)) from fault
    return GeneratedPicture(image, steps, time.perf_counter() - began, step_seconds, retried=True)


def _no_picture(fault: FaultyPictureError) -> str:
    return (
        f"the model generated {fault} in full precision; try another SEED, a lower GUIDANCE, or another MODEL or LoRA"
    )


@torch.no_grad()
def _generate_once(
    pipelines: Pipelines,
    prompt: str,
    negative: str,
    *,
    start: Image.Image | None,
    seed: int,
    recipe: Recipe,
    on_step: Callable[[], object],
    reference: Image.Image | None,
) -> tuple[Image.Image, float]:
    latents = None if start is None else encode(pipelines, start)
    if latents is not None and _start_strength(recipe) == 0:
        return decode(pipelines, latents), 0.0
    timer = _StepTimer(on_step)
    facts: dict[str, Any] = {
        "generator": torch.Generator("cpu").manual_seed(seed),
        "guidance_scale": recipe.guidance,
        "num_inference_steps": recipe.steps,
        "output_type": "latent",
        "callback_on_step_end": timer.step,
    }
    texts = embed_prompts(pipelines.base, prompt, negative)
    refiner_texts = None if recipe.mode == "base" else embed_prompts(pipelines.refiner, prompt, negative)
    handover = _handover_share(pipelines, recipe) if recipe.mode == "handover" else None
    first = facts | texts | {"denoising_end": handover} | image_prompt(pipelines, reference)
    timer.start()
    if latents is None:
        side = pipelines.native_px
        latents = pipelines.base(height=side, width=side, **first).images
    else:
        latents = pipelines.image_to_image(image=latents, strength=_start_strength(recipe), **first).images
        pipelines.base.maybe_free_model_hooks()  # image_to_image has no hooks of its own
    if refiner_texts is not None:
        share = {"strength": _refine_strength(recipe)} if handover is None else {"denoising_start": handover}
        timer.start()
        latents = pipelines.refiner(image=latents, **facts, **refiner_texts, **share).images  # type: ignore[misc]
    return decode(pipelines, latents), timer.median


class _StepTimer:
    """Measures the time of each step, as diffusers' callback at the end of a step."""

    def __init__(self, on_step: Callable[[], object]) -> None:
        self.on_step = on_step
        self.seconds: list[float] = []
        self.last = 0.0

    def start(self) -> None:
        """Start a pass."""
        self.last = time.perf_counter()

    def step(self, pipeline: Any, number: int, timestep: Any, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """End a step; the arguments are those of diffusers' callback."""
        if tensors["latents"].is_cuda:
            torch.cuda.synchronize()
        now = time.perf_counter()
        self.seconds.append(now - self.last)
        self.last = now
        self.on_step()
        return tensors

    @property
    def median(self) -> float:
        """Median time of a step, which the first step's warm-up does not affect."""
        return statistics.median(self.seconds)


# ---- pictures and latents ----


@torch.no_grad()
def encode(pipelines: Pipelines, image: Image.Image) -> Tensor:
    """Encode a picture by the VAE: the mode of its latents, (1, channels, side / 8, side / 8) in the UNet's dtype.

    Args:
        pipelines: loaded pipelines; the VAE computes in its own precision.
        image: RGB, resized to the model's native size.
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
    """Decode latents by the VAE to an RGB picture.

    Raises:
        FaultyPictureError: values that are not finite, or a blank picture.
    """
    vae = pipelines.base.vae
    values = vae.decode(latents.to(vae.dtype) / vae.config.scaling_factor, return_dict=False)[0][0]
    return to_picture(values.float().cpu())


def to_picture(values: Tensor) -> Image.Image:
    """Convert (3, H, W) float32 in [-1, 1] to an RGB picture.

    Raises:
        FaultyPictureError: values that are not finite, or a blank picture.
    """
    if not bool(torch.isfinite(values).all()):
        raise FaultyPictureError("a picture with values that are not finite")
    shown = (values / 2 + 0.5).clamp(0, 1)
    if float(shown.flatten(1).std(dim=1).max()) < LEAST_CONTRAST:
        raise FaultyPictureError("a blank picture")
    return Image.fromarray((shown * 255).round().byte().numpy().transpose(1, 2, 0))


def peak_memory_gb(device: torch.device) -> float:
    """Peak memory of this process, of the GPU if one computes, else of the machine; 10^9 bytes."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e9
    if device.type == "mps":
        return torch.mps.driver_allocated_memory() / 1e9
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9
