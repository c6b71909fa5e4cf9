"""One picture at a time: passes and their handover, seeds, starts from a photo, and pictures that are none."""

import functools
import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from avatar.sdxl.generation import (
    FaultyPictureError,
    Mode,
    Recipe,
    StepCounts,
    count_steps,
    decode,
    encode,
    generate_picture,
    least_strength,
    peak_memory_gb,
    to_picture,
)
from avatar.sdxl.loading import load_pipelines
from avatar.sdxl.pipelines import LoadSettings, Pipelines, Scheduler
from avatar.sdxl.sources import AUTO, choose_model
from common.errors import UserError
from tests.avatar.tiny_sdxl import build_tiny_sdxl

pytestmark = pytest.mark.slow
PROMPT, NEGATIVE = "portrait of a person, (black leather jacket:1.3)", "blurry, low quality"
QUICK = Recipe(steps=5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield str(build_tiny_sdxl(tmp_path_factory.mktemp("tiny")))
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def pipelines(folder: str) -> Pipelines:
    return load_pipelines(choose_model(folder, AUTO, with_refiner=True))


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    """Soft colours, larger than the model's own size."""
    noise = np.random.default_rng(0).integers(0, 256, (6, 6, 3), np.uint8)
    return Image.fromarray(noise).resize((100, 100), Image.Resampling.BICUBIC)


def drawn(pipelines: Pipelines, recipe: Recipe = QUICK, start: Image.Image | None = None, **more: Any) -> np.ndarray:
    facts: dict[str, Any] = {"prompt": PROMPT, "negative": NEGATIVE, "seed": 1} | more
    return np.asarray(generate_picture(pipelines, start=start, recipe=recipe, **facts).image)


def same(a: np.ndarray, b: np.ndarray) -> bool:
    return bool((a == b).all())


# ---- seeds ----


@pytest.mark.parametrize("mode", ["handover", "refine", "base"])
def test_the_same_seed_gives_the_same_picture_bit_for_bit(pipelines: Pipelines, photo: Image.Image, mode: Mode) -> None:
    recipe = replace(QUICK, mode=mode)
    for start in (None, photo):
        first = drawn(pipelines, recipe, start)
        assert first.shape == (64, 64, 3) and first.std() > 10
        assert same(first, drawn(pipelines, recipe, start))
        assert not same(first, drawn(pipelines, recipe, start, seed=2, prompt="a hat" if start else PROMPT))


def test_the_modes_differ(pipelines: Pipelines) -> None:
    modes: list[Mode] = ["handover", "refine", "base"]
    pictures = [drawn(pipelines, replace(QUICK, mode=mode)) for mode in modes]
    assert not any(same(a, b) for a, b in itertools.combinations(pictures, 2))


def test_without_guidance_the_negative_prompt_does_not_matter(pipelines: Pipelines) -> None:
    for guidance, matters in ((1.0, False), (5.0, True)):
        recipe = replace(QUICK, guidance=guidance)
        assert same(drawn(pipelines, recipe), drawn(pipelines, recipe, negative="a dress")) != matters


@pytest.mark.parametrize("name", ["dpm++", "lcm", "lightning"])
def test_every_scheduler_draws(folder: str, photo: Image.Image, name: Scheduler) -> None:
    pipelines = load_pipelines(choose_model(folder, AUTO, with_refiner=True), LoadSettings(scheduler=name))
    few = name != "dpm++"
    recipe = Recipe(mode="base" if few else "handover", steps=8, guidance=1 if few else 5, scheduler=name)
    recipe.check()
    for start in (None, photo):
        picture = drawn(pipelines, recipe, start)
        assert picture.std() > 10 and same(picture, drawn(pipelines, recipe, start))


# ---- handover ----


@pytest.mark.parametrize(("handover", "steps"), [(0.8, 10), (0.5, 7), (0.4, 5)])
def test_a_handover_between_equal_networks_equals_one_uninterrupted_schedule(
    pipelines: Pipelines, photo: Image.Image, handover: float, steps: int
) -> None:
    twice_the_base = replace(pipelines, refiner=pipelines.image_to_image)
    for start, strength in ((None, 0.6), (photo, 1.0), (photo, 0.8)):
        two = Recipe(steps=steps, handover=handover, strength=strength)
        one = Recipe(mode="base", steps=steps, strength=strength)
        assert count_steps(two, start is not None).refiner > 0
        assert same(drawn(twice_the_base, two, start), drawn(pipelines, one, start))


def test_the_steps_of_both_passes_are_counted_before_any_network_runs(pipelines: Pipelines) -> None:
    recipe = Recipe()
    assert count_steps(recipe, from_photo=False) == StepCounts(24, 6)
    assert count_steps(recipe, from_photo=True) == StepCounts(9, 6)
    assert count_steps(replace(recipe, mode="base"), from_photo=True) == StepCounts(15, 0)
    assert count_steps(replace(recipe, mode="refine"), from_photo=False) == StepCounts(30, 9)
    assert count_steps(replace(recipe, strength=0), from_photo=True) == StepCounts(0, 0)


@pytest.mark.parametrize("mode", ["handover", "refine", "base"])
def test_each_step_is_reported_once(pipelines: Pipelines, photo: Image.Image, mode: Mode) -> None:
    recipe = Recipe(mode=mode, steps=10)
    for start in (None, photo):
        steps = itertools.count()
        drawing = generate_picture(
            pipelines, PROMPT, NEGATIVE, start=start, seed=1, recipe=recipe, on_step=functools.partial(next, steps)
        )
        count = next(steps)
        assert drawing.steps == count_steps(recipe, start is not None)
        assert count == drawing.steps.base + drawing.steps.refiner
        assert 0 < drawing.step_seconds < drawing.seconds and not drawing.retried


# ---- from a photo ----


@pytest.mark.parametrize("mode", ["base", "refine", "handover"])
@pytest.mark.parametrize("steps", [4, 7, 30, 49])
def test_the_least_strength_leaves_every_pass_a_step(mode: Mode, steps: int) -> None:
    recipe = Recipe(mode=mode, steps=steps)
    least = least_strength(recipe)
    assert count_steps(replace(recipe, strength=least), from_photo=True).base == 1
    with pytest.raises(UserError):
        count_steps(replace(recipe, strength=least - 1 / steps), from_photo=True)


def test_strength_0_skips_denoising_and_equals_decode_of_encode(pipelines: Pipelines, photo: Image.Image) -> None:
    steps: list[int] = []
    drawing = generate_picture(
        pipelines, PROMPT, NEGATIVE, start=photo, seed=1, recipe=Recipe(strength=0), on_step=lambda: steps.append(1)
    )
    assert steps == [] and drawing.steps == StepCounts(0, 0)
    small = photo.resize((64, 64), Image.Resampling.LANCZOS)
    values = torch.from_numpy(np.asarray(small, np.float32) / 255).permute(2, 0, 1)[None] * 2 - 1
    with torch.no_grad():
        vae = pipelines.base.vae
        naive = vae.decode(vae.encode(values).latent_dist.mode()).sample[0]
    expected = ((naive / 2 + 0.5).clamp(0, 1) * 255).round().permute(1, 2, 0).numpy()
    assert np.abs(np.asarray(drawing.image, float) - expected).max() <= 1
    assert same(np.asarray(decode(pipelines, encode(pipelines, photo))), np.asarray(drawing.image))


def test_the_photo_shows_less_the_higher_the_strength(pipelines: Pipelines, photo: Image.Image) -> None:
    """Of two photos, the same noise makes pictures that are the more alike the more of the schedule is drawn."""
    other = photo.transpose(Image.Transpose.ROTATE_90)
    apart = []
    for strength in (0.1, 0.5, 1.0):
        recipe = Recipe(mode="base", steps=10, strength=strength)
        one, two = (drawn(pipelines, recipe, start).astype(float) for start in (photo, other))
        apart.append(np.abs(one - two).mean())
    assert apart[0] > apart[1] > apart[2]


# ---- what is refused ----


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"strength": 1.01}, "STRENGTH is 1.01; it must be from 0 to 1"),
        ({"strength": -0.1}, "STRENGTH is -0.1"),
        ({"strength": math.nan}, "STRENGTH is nan"),
        ({"steps": 0}, "STEPS is 0"),
        ({"guidance": -1.0}, "GUIDANCE is -1"),
        ({"handover": 1.0}, "HANDOVER is 1.0"),
        ({"mode": "both"}, "MODE is 'both'; it must be one of handover, refine, base"),
        ({"scheduler": "ddim"}, "SCHEDULER is 'ddim'"),
        ({"mode": "refine", "handover": 0.7}, "HANDOVER needs MODE handover, and MODE is refine"),
        ({"mode": "base", "handover": 0.7}, "HANDOVER needs MODE handover, and MODE is base"),
        ({"refine_strength": 0.3}, "REFINE_STRENGTH needs MODE refine, and MODE is handover"),
        ({"mode": "refine", "refine_strength": 1.5}, "REFINE_STRENGTH is 1.5"),
        ({"scheduler": "lcm"}, "SCHEDULER is lcm, whose few steps cannot be split; set MODE"),
        ({"scheduler": "lightning", "mode": "base"}, "STEPS up to 12 .now 30. and GUIDANCE up to 2 .now 5."),
    ],
)
def test_values_out_of_range_and_contradictions_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        Recipe(**settings).check()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"strength": 0.01}, "STRENGTH 0.01 leaves none of 30 steps"),
        ({"strength": 0.15}, "STRENGTH 0.15 and HANDOVER 0.8 contradict"),
        ({"handover": 0.99}, "HANDOVER 0.99 leaves the refiner none of 30 steps"),
        ({"mode": "refine", "steps": 3}, "REFINE_STRENGTH 0.3 leaves none of 3 steps"),
    ],
)
def test_passes_without_steps_are_refused(pipelines: Pipelines, settings: dict[str, Any], words: str) -> None:
    recipe = Recipe(**settings)
    recipe.check()
    with pytest.raises(UserError, match=words):
        count_steps(recipe, from_photo=True)


def test_a_refiner_that_is_not_loaded_is_said(pipelines: Pipelines) -> None:
    with pytest.raises(UserError, match="MODE is handover, and no refiner is loaded; set MODE to base"):
        generate_picture(replace(pipelines, refiner=None), PROMPT, NEGATIVE, start=None, seed=1, recipe=QUICK)


# ---- pictures that are none ----


def test_only_finite_pictures_with_some_contrast_are_pictures() -> None:
    ramp = torch.linspace(-1.2, 1.2, 64).repeat(3, 64, 1)
    picture = np.asarray(to_picture(ramp))
    expected = [min(255, max(0, float(v) * 127.5 + 127.5)) for v in ramp[0, 0]]
    assert np.abs(picture - np.array(expected)[None, :, None]).max() <= 0.51
    red = torch.tensor([1.0, -1.0, -1.0])[:, None, None].repeat(1, 8, 8)
    for blank in (torch.zeros(3, 8, 8), torch.full((3, 8, 8), 7.0), 0.001 * torch.randn(3, 8, 8), red):
        with pytest.raises(FaultyPictureError, match="blank"):
            to_picture(blank)
    for value in (math.nan, math.inf):
        ramp[1, 2, 3] = value
        with pytest.raises(FaultyPictureError, match="not finite"):
            to_picture(ramp)


def overflow_below(precision: torch.dtype | None) -> Any:
    """A hook that makes a network fail, as overflow does, in half precision or (None) always."""

    def spoil(network: Any, inputs: Any, output: tuple[Tensor]) -> tuple[Tensor] | None:
        return None if output[0].dtype == precision else (output[0] * math.nan,)

    return spoil


def test_an_overflow_is_drawn_again_in_full_precision_and_the_weights_come_back(folder: str) -> None:
    half = load_pipelines(choose_model(folder, AUTO, with_refiner=True), LoadSettings(precision="bf16"))
    before = {name: value.clone() for name, value in half.base.unet.state_dict().items()}
    hook = half.base.unet.register_forward_hook(overflow_below(torch.float32))
    drawing = generate_picture(half, PROMPT, NEGATIVE, start=None, seed=1, recipe=QUICK)
    assert drawing.retried and np.asarray(drawing.image).std() > 10
    hook.remove()
    after = half.base.unet.state_dict()
    assert all(after[name].dtype == torch.bfloat16 and after[name].equal(before[name]) for name in before)
    assert not generate_picture(half, PROMPT, NEGATIVE, start=None, seed=1, recipe=QUICK).retried


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_no_picture_in_full_precision_either_is_a_clear_failure(folder: str, precision: Any) -> None:
    broken = load_pipelines(choose_model(folder, AUTO, with_refiner=True), LoadSettings(precision=precision))
    broken.refiner.unet.register_forward_hook(overflow_below(None))  # type: ignore[union-attr]
    with pytest.raises(UserError, match="values that are not finite in full precision; try another SEED"):
        generate_picture(broken, PROMPT, NEGATIVE, start=None, seed=1, recipe=QUICK)


def test_a_blank_picture_is_a_clear_failure(folder: str) -> None:
    blank = load_pipelines(choose_model(folder, AUTO, with_refiner=False))
    torch.nn.init.zeros_(blank.base.vae.decoder.conv_out.weight)
    with pytest.raises(UserError, match="the model generated a blank picture"):
        generate_picture(blank, PROMPT, NEGATIVE, start=None, seed=1, recipe=replace(QUICK, mode="base"))


def test_the_peak_of_memory_is_that_of_this_process() -> None:
    assert 0.1 < peak_memory_gb(torch.device("cpu")) < 100
