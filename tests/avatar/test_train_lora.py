"""TrainLoRA.py: what it learns from, its loss, whole runs, cut ones that go on bit for bit, and several devices."""

import copy
import gc
import json
import math
import weakref
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from avatar.lora_training.base_model import (
    drop_text_encoders,
    embed,
    latents_of,
    load_base,
    noise_levels,
    side_of,
    warn_of_long_captions,
)
from avatar.lora_training.captioned_pictures import CaptionedPicture, crop, read_folder
from avatar.lora_training.denoising_loss import SAYING_NOTHING, CaptionedLatents, denoising_errors, min_snr_weights
from avatar.lora_training.learning_texts import UNetWithTexts, parts_of, tokens_of
from avatar.lora_training.lora_task import LoraSettings, LoraTask, add_lora, pick_precision, with_defaults
from avatar.lora_training.samples import ClassPictures, SampleArtist, SampleSettings, class_pictures
from avatar.lora_training.training_run import train, write_lora
from avatar.sdxl.loading import load_pipelines
from avatar.sdxl.lora_files import METADATA, load_lora
from avatar.sdxl.pipelines import Pipelines
from avatar.sdxl.sources import AUTO, choose_model
from common.checkpoints import load_plain, save_plain
from common.errors import UserError
from common.paths import CHECKPOINTS
from common.runner import Report
from common.training import Training, start_accelerator
from tests.avatar.tiny_sdxl import NATIVE_PX, build_tiny_sdxl
from tests.helpers import assert_user_error, load_main, run_script
from tests.two_processes import reports_of_two

pytestmark = pytest.mark.slow
STEP = "avatar/TrainLoRA.py"
TARGETS = ("to_q", "to_k", "to_v", "to_out.0")
SHORT = LoraSettings(
    size_px=0,
    rank=4,
    alpha=2,
    target_modules=TARGETS,
    steps=4,
    batch=2,
    learning_rate=1e-2,
    snr_gamma=5.0,
    prior_weight=0.0,
    caption_dropout=0.3,
    flip=True,
    gradient_checkpointing=False,
    precision="no",
    seed=3,
    held_out_share=0.2,
)
SAMPLES = SampleSettings(prompts=("red hat",), every=2, steps=1, guidance=5.0)
NO_CLASSES = ClassPictures(prompt="", folder=None, count=2)


CPU = torch.device("cpu")


@pytest.fixture(autouse=True, scope="module")
def _on_one_thread_of_the_cpu() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACCELERATE_USE_CPU", "true")
        patch.setenv("OMP_NUM_THREADS", "1")  # of the scripts: sums of floats depend on it
        patch.setenv("CUDA_VISIBLE_DEVICES", "")
        patch.delenv("ACCELERATE_MIXED_PRECISION", raising=False)
        patch.setattr("avatar.sdxl.sources.pick_device", lambda: torch.device("cpu"))
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_sdxl(tmp_path_factory.mktemp("tiny"))


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def load(tiny: Path) -> Pipelines:
    return load_pipelines(choose_model(str(tiny), AUTO, with_refiner=False))


@pytest.fixture(scope="module")
def loaded(tiny: Path) -> Pipelines:
    """Nobody changes this one."""
    return load(tiny)


def draw_pictures(folder: Path, count: int = 5) -> Path:
    """Discs on loud grounds, of several sizes, with captions beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        rng = np.random.default_rng(number)
        colours = [tuple(colour) for colour in rng.integers(0, 256, (2, 3)).tolist()]
        picture = Image.new("RGB", (72 + 8 * (number % 3), 64 + 16 * (number % 2)), colours[0])
        ImageDraw.Draw(picture).ellipse((20, 10, 50, 50), fill=colours[1])
        picture.save(folder / f"disc {number}.png")
        (folder / f"disc {number}.txt").write_text(f"festival avatar {number % 3},\nred hat\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_pictures(tmp_path_factory.mktemp("mis imágenes"))


def go(
    tiny: Path,
    pictures: Path,
    output: Path,
    settings: LoraSettings = SHORT,
    classes: ClassPictures = NO_CLASSES,
    resume: bool = False,
    caption: str = "",
) -> Report:
    report = train(
        settings,
        model=str(tiny),
        config=None,
        pictures=pictures,
        output=output,
        classes=classes,
        samples=SAMPLES,
        resume=resume,
        caption=caption,
    )
    assert report is not None
    return report


def assert_same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    """Bit for bit."""
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert torch.equal(value, other[name]), name


def count_colours(path: Path) -> int:
    with Image.open(path) as picture:
        return len(picture.convert("RGB").getcolors(1 << 24) or [])


# ---- the folder ----


def test_captions_stand_beside_the_pictures(pictures: Path) -> None:
    found = read_folder(pictures, 64)
    assert [picture.path.name for picture in found] == [f"disc {number}.png" for number in range(5)]
    assert found[4].caption == "festival avatar 1, red hat"


def test_a_table_decides_alone(tmp_path: Path) -> None:
    draw_pictures(tmp_path, 2)
    rows = [{"file_name": f"disc {n}.png", "text": f"número {n}", "other": 1} for n in range(2)]
    table = "\n\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (tmp_path / "metadata.jsonl").write_text("\ufeff" + table, encoding="utf-8")
    assert [picture.caption for picture in read_folder(tmp_path, 64)] == ["número 0", "número 1"]


def test_class_pictures_may_have_no_captions(tmp_path: Path) -> None:
    draw_pictures(tmp_path, 2)
    (tmp_path / "disc 0.txt").unlink()
    found = read_folder(tmp_path, 64, "a person")
    assert [picture.caption for picture in found] == ["a person", "festival avatar 1, red hat"]


def test_all_faults_of_a_folder_are_listed_together(tmp_path: Path) -> None:
    draw_pictures(tmp_path, 8)
    (tmp_path / "disc 0.txt").unlink()
    (tmp_path / "disc 1.txt").write_text(" \n", encoding="utf-8")
    (tmp_path / "disc 2.txt").write_bytes(b"\xff\xfe\xfa")
    whole = (tmp_path / "disc 3.png").read_bytes()
    (tmp_path / "disc 3.png").write_bytes(whole[: len(whole) // 2])
    Image.new("RGB", (63, 900)).save(tmp_path / "disc 4.png")
    Image.new("RGB", (64, 257)).save(tmp_path / "disc 5.png")
    (tmp_path / "disc 6.jpg").write_bytes(whole)
    (tmp_path / "alone.txt").write_text("nothing to see", encoding="utf-8")
    (tmp_path / "phone.heic").write_bytes(b"....ftypheic")
    (tmp_path / "phone.txt").write_text("red hat", encoding="utf-8")
    with pytest.raises(UserError) as error:
        read_folder(tmp_path, 64)
    first, *faults = str(error.value).splitlines()
    assert first == f"{tmp_path}: 10 faults"
    for fault, words in zip(
        faults,
        (
            "alone.txt: a caption without a picture",
            "disc 0.png: no caption; write one into disc 0.txt",
            "disc 1.txt: an empty caption",
            "disc 2.txt: is not UTF-8 text",
            "disc 3.png: truncated or damaged",
            "disc 4.png: 63 x 900 px; both sides need at least SIZE_PX (64 px)",
            "disc 5.png: 64 x 257 px; the square in its middle shows less than a quarter",
            "disc 6.jpg: 2 pictures share the caption disc 6.txt; rename them",
            "disc 6.png: 2 pictures share the caption disc 6.txt; rename them",
            "phone.heic: is not a picture that can be read",
        ),
        strict=True,
    ):
        assert fault.strip().startswith(words)


def test_all_faults_of_a_table_are_listed_together(tmp_path: Path) -> None:
    draw_pictures(tmp_path, 3)
    rows = [
        '{"file_name": "disc 0.png", "text": "red hat"}',
        '{"file_name": "disc 0.png", "text": "red hat"}',
        '{"file_name": "../disc 1.png", "text": "red hat"}',
        '{"file_name": "disc 1.png", "text": ""}',
        '{"file_name": "disc 1.png"}',
        "[1, 2]",
        "[" * 100_000,
        '{"file_name": 3, "text": "red hat"}',
    ]
    (tmp_path / "metadata.jsonl").write_text("\n".join(rows), encoding="utf-8")
    with pytest.raises(UserError) as error:
        read_folder(tmp_path, 64)
    text = str(error.value)
    assert text.splitlines()[0] == f"{tmp_path}: 8 faults"
    for words in (
        "metadata.jsonl line 2: disc 0.png has a caption already",
        "metadata.jsonl line 3: '../disc 1.png' is not a picture in the folder",
        "metadata.jsonl line 4: an empty caption",
        *(f"metadata.jsonl line {number}: not of the form" for number in (5, 6, 7, 8)),
        "disc 2.png: no caption",
    ):
        assert words in text


def test_folders_without_pictures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="none: no such folder of pictures"):
        read_folder(tmp_path / "none", 64)
    (tmp_path / "notes.txt").write_text("red hat", encoding="utf-8")
    with pytest.raises(UserError, match="no pictures in it"):
        read_folder(tmp_path, 64)


@given(st.integers(32, 200), st.integers(32, 200), st.sampled_from([32, 24, 17]))
def test_a_crop_is_the_middle_and_says_where_it_lay(
    tmp_path_factory: pytest.TempPathFactory, width: int, height: int, side: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "ramp.png"
    across, down = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    Image.fromarray(np.stack([across, down, 0 * down], axis=2).astype(np.uint8)).save(path)
    found = crop(path, side)
    assert found.pixels.shape == (side, side, 3) and found.original_px == (height, width)
    scale = side / min(width, height)
    top, left = found.corner_px
    assert top == (round(height * scale) - side) // 2 and left == (round(width * scale) - side) // 2
    assert min(top, left) == 0
    middle = found.pixels[side // 2, side // 2, :2].astype(int)
    assert np.abs(middle - 127).max() < 255 / min(width, height) + 255 / side + 2, "the middle stays the middle"


# ---- loss ----


def scheduler_of(prediction: str) -> Any:
    from diffusers import DDPMScheduler

    return DDPMScheduler(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, prediction_type=prediction)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_the_loss_is_the_papers(prediction: str) -> None:
    """Noise and v by their definitions, min-SNR weights by Hang et al.'s formulas, on two samples."""
    scheduler = scheduler_of(prediction)
    mean = torch.linspace(-1, 1, 2 * 4 * 2 * 2).reshape(2, 4, 2, 2)
    samples = CaptionedLatents(
        mean=mean,
        spread=0.3 * mean.abs(),
        size_numbers=torch.ones(2, 6),
        caption=torch.tensor([0, 1]),
        text=torch.ones(2, 77, 3),
        pooled=mean[:, 0, 0],
    )
    times = torch.tensor([20, 800])
    seen: list[dict[str, Any]] = []

    def unet(noisy: Tensor, at: Tensor, **told: Any) -> Any:
        seen.append({"noisy": noisy, "at": at, **told})
        return SimpleNamespace(sample=0.5 * noisy)

    losses = denoising_errors(unet, scheduler, samples, times=times, draws=seeded(5), device=CPU)
    draws = seeded(5)
    latents = mean + 0.3 * mean.abs() * torch.randn(mean.shape, generator=draws)
    noise = torch.randn(mean.shape, generator=draws)
    kept = torch.cumprod(1 - torch.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2, 0)[times]
    a, s = kept.sqrt()[:, None, None, None], (1 - kept).sqrt()[:, None, None, None]
    noisy = a * latents + s * noise
    wanted = noise if prediction == "epsilon" else a * noise - s * latents
    naive = torch.stack([((0.5 * noisy[i] - wanted[i]) ** 2).mean() for i in range(2)])
    torch.testing.assert_close(losses, naive, rtol=1e-4, atol=1e-5)
    places = torch.zeros(2, 1, 2, 2)
    places[:, :, 0, 1] = 3
    weighted = denoising_errors(unet, scheduler, samples, times=times, draws=seeded(5), device=CPU, weights=places)
    there = [((0.5 * noisy[i] - wanted[i]) ** 2)[:, 0, 1].sum() * 3 / 16 for i in range(2)]
    torch.testing.assert_close(weighted, torch.stack(there), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(seen[0]["noisy"], noisy, rtol=1e-4, atol=1e-5)
    assert seen[0]["added_cond_kwargs"]["time_ids"] is samples.size_numbers
    snr = (kept / (1 - kept)).tolist()
    below = snr if prediction == "epsilon" else [value + 1 for value in snr]
    weights = [min(value, 5) / under for value, under in zip(snr, below, strict=True)]
    torch.testing.assert_close(min_snr_weights(scheduler, times, 5.0), torch.tensor(weights), rtol=1e-3, atol=1e-6)
    assert min_snr_weights(scheduler, times, 0.0).tolist() == [1, 1]


def test_latents_and_texts_are_those_of_the_pipeline(loaded: Pipelines) -> None:
    base = loaded.base
    pixels = np.random.default_rng(0).integers(0, 256, (NATIVE_PX, NATIVE_PX, 3), dtype=np.uint8)
    mean, spread = latents_of(base.vae, pixels)
    picture = base.image_processor.preprocess(Image.fromarray(pixels))
    with torch.no_grad():
        wanted = base.vae.encode(picture).latent_dist
    torch.testing.assert_close(mean, wanted.mean[0] * 0.13025, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(spread, wanted.std[0] * 0.13025, rtol=1e-4, atol=1e-6)
    texts = [f"avatar {number}" for number in range(18)]  # more than are embedded at once
    embedded = embed(base, texts)
    with torch.no_grad():
        text, _, pooled, _ = base.encode_prompt(prompt=texts[17], do_classifier_free_guidance=False)
    torch.testing.assert_close(embedded.text[17:], text, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(embedded.pooled[17:], pooled, rtol=1e-4, atol=1e-5)


def draw_samples(base: Any, count: int = 2) -> CaptionedLatents:
    """Latents of nothing in particular."""
    embedded = embed(base, ["red hat", "beard", *SAYING_NOTHING])
    mean = torch.randn(count, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    numbers = torch.tensor([[64.0, 64, 0, 0, 64, 64]]).repeat(count, 1)
    return CaptionedLatents(
        mean=mean,
        spread=0.1 * mean.abs(),
        size_numbers=numbers,
        caption=torch.arange(count) % 2,
        text=embedded.text,
        pooled=embedded.pooled,
        tokens=tokens_of(base, ["red hat", "beard", *SAYING_NOTHING]),
    )


def begin(loaded: Pipelines, settings: LoraSettings = SHORT, with_prior: bool = False) -> Training:
    """A training of pictures that are also the class pictures and the held-out ones."""
    learning = SimpleNamespace(
        **{part: copy.deepcopy(getattr(loaded.base, part)) for part in ("unet", "text_encoder", "text_encoder_2")}
    )
    network = add_lora(learning, settings)
    latents, accelerator = draw_samples(loaded.base), start_accelerator("no")
    task = LoraTask(
        settings,
        noise_levels(loaded.base),
        accelerator,
        learnt=latents,
        prior=latents if with_prior else None,
        held_out=latents,
        draw_samples=lambda step: None,
    )
    return Training(network, task, settings, settings.loop(2), accelerator)


def factors(training: Training) -> dict[str, Tensor]:
    return training.state()["network"]


@torch.no_grad()
def predict(unet: Any, samples: CaptionedLatents) -> Tensor:
    return unet(samples.mean, torch.tensor([500]), **samples.conditions(torch.device("cpu"))).sample


def test_an_untrained_lora_changes_nothing_and_only_its_factors_learn(loaded: Pipelines) -> None:
    samples = draw_samples(loaded.base)
    unet = begin(loaded, replace(SHORT, target_modules=("attn2.to_k", "conv1"))).network
    assert torch.equal(predict(unet, samples), predict(loaded.base.unet, samples))
    learning = {name for name, parameter in unet.named_parameters() if parameter.requires_grad}
    assert learning and all(".lora_" in name and ("attn2.to_k" in name or "conv1" in name) for name in learning)
    with pytest.raises(UserError, match=r"no layer is named 'to_x'; there are .*to_k.*to_q"):
        begin(loaded, replace(SHORT, target_modules=("to_q", "to_x")))


def step_once(training: Training) -> dict[str, float]:
    training.set_rate(0.1)
    training.step(training.steps)
    return training.read_losses()


def numbered(numbers: Tensor, caption: Tensor, captions: int) -> CaptionedLatents:
    """Latents that are their own numbers."""
    texts = torch.zeros(captions + len(SAYING_NOTHING), 1)
    return CaptionedLatents(
        mean=numbers, spread=numbers, size_numbers=numbers, caption=caption, text=texts, pooled=texts
    )


@given(count=st.integers(1, 40), share=st.floats(0, 1), seed=st.integers(0, 2**32))
def test_dropped_captions_become_texts_that_say_nothing(count: int, share: float, seed: int) -> None:
    captions = 3
    numbers = torch.arange(count)
    samples = numbered(numbers, numbers % captions, captions)
    found = samples.without_some_captions(share, seeded(seed))
    kept = found.caption < captions
    assert torch.equal(found.caption[kept], samples.caption[kept])
    assert found.caption.max() < captions + len(SAYING_NOTHING)
    assert torch.equal(found.mean, samples.mean)
    if share in (0, 1):
        assert bool((kept == (share == 0)).all())


def test_about_the_asked_share_of_captions_is_dropped_to_each_text() -> None:
    numbers = torch.zeros(4000, dtype=torch.long)
    counts = numbered(numbers, numbers, 1).without_some_captions(0.2, seeded(1)).caption.bincount() / 4000
    assert counts.tolist() == pytest.approx([0.8, 0.1, 0.1], abs=0.03)


def test_steps_lower_the_loss(loaded: Pipelines, tmp_path: Path) -> None:
    training = begin(loaded, replace(SHORT, steps=12, target_modules=(*TARGETS, "conv1", "conv2", "conv_out")))
    training.fit(tmp_path / "state.pth", resume=False)
    first, last = training.history[0], training.history[-1]
    assert last["held-out loss"] < 0.95 * first["held-out loss"]
    assert last["share of the base"] == pytest.approx(100 * last["held-out loss"] / first["held-out loss"])


def test_gradient_checkpointing_changes_nothing_but_memory(loaded: Pipelines) -> None:
    runs = [begin(loaded, replace(SHORT, gradient_checkpointing=choice)) for choice in (False, True)]
    assert [run.network.is_gradient_checkpointing for run in runs] == [False, True]
    losses = [step_once(run) for run in runs]
    assert losses[0]["training"] == pytest.approx(losses[1]["training"], rel=1e-5)
    gradients = [[p.grad for p in run.network.parameters() if p.requires_grad] for run in runs]
    for one, other in zip(*gradients, strict=True):
        assert one is not None and other is not None
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-6)


def test_the_prior_weighs_in(loaded: Pipelines) -> None:
    with_prior, weightless = (begin(loaded, replace(SHORT, prior_weight=w), with_prior=True) for w in (1.0, 0.0))
    without = begin(loaded)
    assert step_once(with_prior).keys() == {"training", "prior"}
    step_once(weightless)
    step_once(without)
    assert_same(factors(weightless), factors(without))
    assert any(not torch.equal(factors(with_prior)[name], tensor) for name, tensor in factors(without).items())


def test_gradients_of_several_batches_are_averaged(loaded: Pipelines) -> None:
    training, alone = (begin(loaded, replace(SHORT, accumulate=count)) for count in (3, 1))
    parts = [float(alone.task.losses(alone.network, number)["training"].detach()) for number in range(3)]
    for number in range(3):
        (alone.task.losses(alone.network, number)["training"] / 3).backward()
    wanted = [p.grad for p in alone.network.parameters() if p.requires_grad]
    norm = float(torch.stack([gradient.norm() for gradient in wanted if gradient is not None]).norm())
    training.set_rate(0.1)
    training.step(0, 1, 2)
    assert training.read_losses()["training"] == pytest.approx(sum(parts) / 3, rel=1e-5)
    found = [p.grad for p in training.network.parameters() if p.requires_grad]
    for one, other in zip(found, wanted, strict=True):
        assert one is not None and other is not None
        torch.testing.assert_close(one, other / max(1.0, norm), rtol=1e-3, atol=1e-6)


def test_small_unets_learn_by_more_layers_and_larger_steps_unless_these_are_set(loaded: Pipelines) -> None:
    unset = replace(SHORT, learning_rate=None, target_modules=())
    with torch.device("meta"):
        large = torch.nn.Linear(30_000, 30_000)
    small, of_large = (with_defaults(unset, unet) for unet in (loaded.base.unet, large))
    assert (small.learning_rate, of_large.learning_rate) == (2e-3, 1e-4)
    assert set(of_large.target_modules) < set(small.target_modules) and "conv1" in small.target_modules
    assert with_defaults(SHORT, loaded.base.unet) == with_defaults(SHORT, large) == SHORT
    add_lora(SimpleNamespace(unet=copy.deepcopy(loaded.base.unet)), small)


def test_text_encoders_learn_along_if_that_is_set(loaded: Pipelines, tiny: Path, tmp_path: Path) -> None:
    training = begin(loaded, replace(SHORT, text_encoders=True, steps=3))
    network, samples = training.network, draw_samples(loaded.base)
    assert isinstance(network, UNetWithTexts)
    read = network.read(samples)
    torch.testing.assert_close(read.text[read.caption], samples.text[samples.caption], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(read.pooled[read.caption], samples.pooled[samples.caption], rtol=1e-4, atol=1e-5)
    training.fit(tmp_path / "state.pth", resume=False)
    learnt = {name.partition(".")[0] for name, tensor in factors(training).items() if "lora_B" in name and tensor.any()}
    assert learnt == {"unet", "text_encoder", "text_encoder_2"}
    changed = network.read(samples)
    assert not torch.allclose(changed.text, read.text, atol=1e-4) and not torch.allclose(changed.pooled, read.pooled)

    write_lora(tmp_path / "own.safetensors", parts_of(network))
    ours, theirs = load(tiny), load(tiny)
    match = load_lora(ours, tmp_path / "own.safetensors")
    assert match.unmatched == () and set(match.layers) == learnt and match.matched == len(factors(training))
    theirs.base.load_lora_weights(tmp_path / "own.safetensors")
    with torch.no_grad():
        wanted = network.read(samples)
        for base in (ours.base, theirs.base):
            found = embed(base, ["red hat", "beard"])
            torch.testing.assert_close(found.text, wanted.text, rtol=1e-2, atol=2e-3)
            torch.testing.assert_close(found.pooled, wanted.pooled, rtol=1e-2, atol=2e-3)


# ---- a run at once ----


@pytest.fixture(scope="module")
def reference(tiny: Path, pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    output = tmp_path_factory.mktemp("reference") / "own style.safetensors"
    return output, go(tiny, pictures, output)


def test_a_run_writes_what_it_promises(reference: tuple[Path, Report], pictures: Path) -> None:
    output, report = reference
    parts = (".safetensors", ".state.pth", "_curves.png", "_samples.png", "_samples")
    names = {".own style.state.pth.lock", *(f"own style{part}" for part in parts)}
    assert {path.name for path in output.parent.iterdir()} == names
    samples = output.with_name("own style_samples")
    assert {path.name for path in samples.iterdir()} == {f"step {step:06d} 1.png" for step in (0, 2, 4)}
    assert all(count_colours(path) > 50 for path in [*samples.iterdir(), output.with_name("own style_samples.png")])
    assert count_colours(output.with_name("own style_curves.png")) > 50
    assert report.output == output and report.inputs == sorted(pictures.glob("*.png"))
    assert report.figures["steps"] == 4 and report.figures["size_bytes"] == output.stat().st_size < 2_000_000
    assert report.figures["share of the base"] != 100
    history = load_plain(output.with_suffix(".state.pth"))["history"]
    assert [entry["step"] for entry in history] == [0, 2, 4] and history[0]["share of the base"] == 100
    assert all(0 < entry["training"] < 10 for entry in history[1:])


def test_the_file_keeps_rank_and_alpha_and_acts_as_what_was_trained(
    reference: tuple[Path, Report], tiny: Path, loaded: Pipelines
) -> None:
    output, _ = reference
    with safe_open(output, framework="pt") as file:
        told = json.loads(file.metadata()[METADATA])
    assert told["unet.r"] == 4 and told["unet.lora_alpha"] == 2 and told["unet.target_modules"] == sorted(TARGETS)
    state = load_plain(output.with_suffix(".state.pth"))
    trained, ours, theirs = begin(loaded, LoraSettings(**state["settings"])), load(tiny), load(tiny)
    trained.restore(output.with_suffix(".state.pth"))
    match = load_lora(ours, output)
    assert match.matched == match.keys == len(factors(trained)) and match.ranks == (4,)
    theirs.base.load_lora_weights(output)
    samples = draw_samples(loaded.base)
    base, wanted, *others = (
        predict(unet, samples) for unet in (loaded.base.unet, trained.network, ours.base.unet, theirs.base.unet)
    )
    change = float((wanted - base).abs().max())
    assert change > 1e-3
    for other in others:  # which is of half precision
        assert float((wanted - other).abs().max()) < 0.01 * change


def test_a_whole_run_with_text_encoders_and_one_caption_for_the_folder(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures = draw_pictures(tmp_path / "pictures")
    for words in pictures.glob("*.txt"):
        words.unlink()
    with pytest.raises(UserError, match=r"disc 0\.png: no caption; .*, or set CAPTION for all"):
        go(tiny, pictures, tmp_path / "own.safetensors")
    run = replace(SHORT, steps=2, text_encoders=True, accumulate=2, learning_rate=None, target_modules=())
    go(tiny, pictures, tmp_path / "own.safetensors", run, caption="a red hat")
    assert "learning rate: up to 0.002" in capsys.readouterr().out
    assert set(load_lora(load(tiny), tmp_path / "own.safetensors").layers) == {"unet", "text_encoder", "text_encoder_2"}
    assert len(list((tmp_path / "own_samples").glob("*.png"))) == 2


def test_the_text_encoders_are_out_of_memory_while_training(tiny: Path) -> None:
    choice = choose_model(str(tiny), AUTO, with_refiner=False)
    base = load_base(choice, None, "no", CPU).base
    encoders = [weakref.ref(base.text_encoder), weakref.ref(base.text_encoder_2)]
    drop_text_encoders(base)
    gc.collect()
    assert [encoder() for encoder in encoders] == [None, None]


def test_class_pictures_are_made_once(tiny: Path, loaded: Pipelines, pictures: Path, tmp_path: Path) -> None:
    short = replace(SHORT, prior_weight=1.0, steps=1, held_out_share=0.0)
    classes = ClassPictures(prompt="portrait of a person", folder=None, count=3)
    output = tmp_path / "own.safetensors"
    report = go(tiny, pictures, output, short, classes)
    assert {"training", "prior"} <= report.figures.keys() and "held-out loss" not in report.figures
    (folder,) = tmp_path.glob("own_class_*")
    made = sorted(folder.glob("*.png"))
    assert [path.name for path in made] == ["0000.png", "0001.png", "0002.png"]
    assert all(Image.open(path).size == (NATIVE_PX, NATIVE_PX) for path in made)
    contents = [path.read_bytes() for path in made]
    assert len(set(contents)) == 3
    made[1].unlink()
    made[2].write_bytes(contents[0])
    run = LoraSettings(**load_plain(output.with_suffix(".state.pth"))["settings"])
    artist = SampleArtist(base=loaded.base, samples=SAMPLES, settings=run, accelerator=start_accelerator("no"))
    again = class_pictures(artist, classes, output)
    assert [(picture.path, picture.caption) for picture in again] == [(path, classes.prompt) for path in made]
    assert [path.read_bytes() for path in made] == [contents[0], contents[1], contents[0]]


def test_class_pictures_may_be_a_folder_and_need_a_prompt(tiny: Path, pictures: Path, tmp_path: Path) -> None:
    short = replace(SHORT, prior_weight=1.0)
    with pytest.raises(UserError, match="none: no such folder of pictures"):
        classes = ClassPictures(prompt="a person", folder=tmp_path / "none", count=3)
        go(tiny, pictures, tmp_path / "own.safetensors", short, classes)
    with pytest.raises(UserError, match="PRIOR_WEIGHT needs CLASS_PROMPT"):
        go(tiny, pictures, tmp_path / "own.safetensors", short, NO_CLASSES)


# ---- runs that are cut short ----


def flags(tiny: Path, pictures: Path, output: Path, *more: str) -> list[str]:
    """SHORT as flags of the script."""
    values = asdict(SHORT) | {"model": tiny, "pictures": pictures, "output": output, "precision": "fp32"}
    values |= {f"sample_{name}": getattr(SAMPLES, name) for name in ("every", "steps", "guidance")}
    found = []
    for name, value in values.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            found.append(f"--{'' if value else 'no-'}{flag}")
        elif name == "target_modules":
            found += [f"--{flag}", *TARGETS]
        elif name not in ("data", "base"):
            found += [f"--{flag}", str(value)]
    return [*found, "--sample-prompts", *SAMPLES.prompts, *more]


def test_a_run_cut_short_goes_on_exactly_from_the_shell(
    reference: tuple[Path, Report], tiny: Path, pictures: Path, tmp_path: Path
) -> None:
    output, state = tmp_path / "own.safetensors", tmp_path / "own.state.pth"
    take_step = Training.step

    def cut_short(training: Training, *batches: Any) -> None:
        if training.steps == 3:
            raise KeyboardInterrupt
        take_step(training, *batches)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Training, "step", cut_short)
        go(tiny, pictures, output)
    assert load_plain(state)["steps"] == 2 and not output.exists()
    result = run_script(STEP, *flags(tiny, pictures, output, "--resume"), cwd=tmp_path, timeout=300)
    said = result.stdout + result.stderr
    assert result.returncode == 0, said
    assert "base: " in said and "written: own.safetensors" in said and "device: CPU" in said
    assert_same(load_file(output), load_file(reference[0]))
    ours, theirs = load_plain(state), load_plain(reference[0].with_suffix(".state.pth"))
    assert_same(ours["network"], theirs["network"])
    assert ours["history"] == theirs["history"] and ours["settings"] == theirs["settings"]
    record = json.loads((tmp_path / "own.json").read_text(encoding="utf-8"))
    assert record["weights"] == [f"{tiny.name}/base"] and record["figures"]["steps"] == 4
    for step in (0, 2, 4):
        name = f"step {step:06d} 1.png"
        ours_png, theirs_png = tmp_path / "own_samples" / name, reference[0].with_name("own style_samples") / name
        assert ours_png.read_bytes() == theirs_png.read_bytes()


def test_other_runs_and_damaged_states_are_not_resumed(
    reference: tuple[Path, Report], loaded: Pipelines, tmp_path: Path
) -> None:
    state = tmp_path / "own.state.pth"
    whole = reference[0].with_suffix(".state.pth").read_bytes()
    content = load_plain(reference[0].with_suffix(".state.pth"))
    settings = LoraSettings(**content["settings"])
    save_plain(state, content | {"network": dict(list(content["network"].items())[1:])})
    cases: list[tuple[bytes, LoraSettings, str]] = [
        (whole, replace(settings, batch=8, learning_rate=1.0), "BATCH was 2, now 8, LEARNING_RATE was 0.01, now 1.0"),
        (whole, replace(settings, data="other"), "DATA was .*, now other"),
        (whole, replace(settings, base="other"), "BASE was .*, now other"),
        (whole[: len(whole) // 2], settings, "damaged; start without --resume"),
        (b"", settings, "damaged; start without --resume"),
        (state.read_bytes(), settings, "does not fit this run; start without --resume"),
    ]
    for data, run, words in cases:
        state.write_bytes(data)
        with pytest.raises(UserError, match=words):
            begin(loaded, run).restore(state)
        assert state.read_bytes() == data
    with pytest.raises(UserError, match="nothing to resume"):
        begin(loaded).restore(tmp_path / "other.state.pth")


def test_a_finished_run_goes_on_with_more_steps(
    reference: tuple[Path, Report], tiny: Path, pictures: Path, tmp_path: Path
) -> None:
    output = tmp_path / "own.safetensors"
    go(tiny, pictures, output)
    report = go(tiny, pictures, output, replace(SHORT, steps=6), resume=True)
    assert report.figures["steps"] == 6
    state = load_plain(output.with_suffix(".state.pth"))
    assert [entry["step"] for entry in state["history"]] == [0, 2, 4, 6] and state["settings"]["steps"] == 6
    assert any(not torch.equal(load_file(output)[name], old) for name, old in load_file(reference[0]).items())
    with pytest.raises(UserError, match="has had 6 steps already, more than 5"):
        go(tiny, pictures, output, replace(SHORT, steps=5), resume=True)


# ---- several devices ----


def test_several_devices_train_together_and_one_writes(tiny: Path, pictures: Path, tmp_path: Path) -> None:
    """Both devices are the CPU."""
    output = tmp_path / "own.safetensors"
    settings = replace(SHORT, steps=1, prior_weight=0.5, batch=1)
    work = partial(
        train,
        settings,
        model=str(tiny),
        config=None,
        pictures=pictures,
        output=output,
        classes=ClassPictures(prompt="a person", folder=None, count=2),
        samples=SAMPLES,
        resume=False,
    )
    assert reports_of_two(work, tmp_path) == ["0"]
    (folder,) = tmp_path.glob("own_class_*")
    assert len(list(folder.glob("*.png"))) == 2
    assert load_lora(load(tiny), output).unmatched == ()
    assert load_plain(tmp_path / "own.state.pth")["steps"] == 1


# ---- faults ----


def test_settings_and_bases_that_cannot_be_are_refused(
    tiny: Path, loaded: Pipelines, pictures: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own.safetensors"
    cases: list[tuple[Callable[[], object], str]] = [
        (lambda: load_main(STEP)(rank=0), "RANK is 0"),
        (lambda: load_main(STEP)(learning_rate=math.nan), "LEARNING_RATE is nan"),
        (lambda: load_main(STEP)(held_out_share=1.0), "HELD_OUT_SHARE is 1.0"),
        (lambda: pick_precision("fp16"), "PRECISION is fp16, which needs a GPU"),
        (lambda: side_of(loaded, 72), "SIZE_PX is 72; it must be a multiple of 16"),
        (lambda: go(tiny, pictures, own, replace(SHORT, size_px=128)), "both sides need at least SIZE_PX"),
        (lambda: go(tmp_path, pictures, own), "no model in diffusers' layout"),
        (lambda: go(tiny, tmp_path / "none", own), "no such folder of pictures"),
    ]
    for call, words in cases:
        with pytest.raises(UserError, match=words):
            call()
    assert list(tmp_path.iterdir()) == []


def test_a_base_that_predicts_the_picture_itself_is_refused(tiny: Path, pictures: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "base").mkdir(parents=True)
    for path in (tiny / "base").iterdir():
        if path.name != "scheduler":
            (other / "base" / path.name).symlink_to(path)
    (other / "base/scheduler").mkdir()
    config = json.loads((tiny / "base/scheduler/scheduler_config.json").read_text(encoding="utf-8"))
    text = json.dumps(config | {"prediction_type": "sample"})
    (other / "base/scheduler/scheduler_config.json").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"predicts 'sample'; a LoRA can be trained for epsilon or v_prediction"):
        go(other, pictures, tmp_path / "own.safetensors")


def test_a_loss_that_is_not_finite_leaves_the_last_state(
    tiny: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "own.state.pth"
    state.write_bytes(b"the last one")
    sick = replace(SHORT, held_out_share=0.0)
    monkeypatch.setattr("avatar.lora_training.base_model.latents_of", lambda *_: (torch.full((4, 8, 8), math.nan),) * 2)
    with pytest.raises(UserError, match="the loss is not finite in step 1: training nan; try PRECISION"):
        go(tiny, pictures, tmp_path / "own.safetensors", sick)
    assert state.read_bytes() == b"the last one" and not (tmp_path / "own.safetensors").exists()


def test_too_little_memory_names_the_settings_to_lower(
    tiny: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The GPU's error, which needs a GPU, is raised by hand."""

    def report_a_full_gpu(*_: object, **__: object) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr("avatar.lora_training.lora_task.denoising_errors", report_a_full_gpu)
    with pytest.raises(UserError, match=r"not enough memory; lower BATCH \(2\) or SIZE_PX, or turn GRADIENT"):
        go(tiny, pictures, tmp_path / "own.safetensors")


def test_captions_whose_end_is_not_read_are_named(loaded: Pipelines, capsys: pytest.CaptureFixture[str]) -> None:
    captions = {"a.png": "red hat", "b.png": "red hat, " * 60}
    warn_of_long_captions(loaded.base, [CaptionedPicture(Path(name), words) for name, words in captions.items()])
    assert capsys.readouterr().out == "captions of more than 75 tokens, whose ends are not read: b.png\n"


def test_the_shell_hears_of_faults_in_one_line(tmp_path: Path) -> None:
    none = tmp_path / "none"
    assert_user_error(run_script(STEP, "--pictures", none), f"{none}: no such folder of pictures")
    assert_user_error(run_script(STEP, "--output", tmp_path / "own.bin"), "it needs the suffix .safetensors")
    assert list(tmp_path.iterdir()) == []


def test_shipped_loras_are_not_replaced(tiny: Path, pictures: Path) -> None:
    with pytest.raises(UserError, match="checkpoints that ship are not replaced by training"):
        load_main(STEP)(pictures=pictures, model=str(tiny), output=CHECKPOINTS / "avatar/own.safetensors")
