"""train_demo_model.py: the tokenizer, what each stage learns from, and whole tiny runs, interrupted and resumed."""

import itertools
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import Tensor, nn

import avatar.demo_model.networks
import avatar.demo_model.stages
import avatar.demo_model.unets
import common.imagenet.perceptual_loss
from avatar.demo_model.autoencoder import edge_distance, recolour, to_pictures, to_values
from avatar.demo_model.drawn_pictures import (
    CAPTIONS,
    LATENT_PX,
    NATIVE_PX,
    DrawnPictures,
    draw_ahead,
    hair_of,
    negative_texts,
)
from avatar.demo_model.networks import SdxlNetworks, autoencoder, normalise_latents
from avatar.demo_model.stages import StageSettings, StageTask, StageTraining, prepare_stage, read_stage, train_stage
from avatar.demo_model.text_encoders import AttributeClassifier, CaptionTokens, TextTask, tokenize_captions
from avatar.demo_model.tokenizer import END, PAD, PAD_2, START, count_words, encode_texts, learn_merges, write_tokenizer
from avatar.demo_model.training_run import prompt_parts
from avatar.demo_model.unets import PromptNetworks, PromptTask, UNetSettings, UNetTask, size_numbers
from avatar.drawing.attributes import CHOICES
from avatar.drawing.avatars import draw_avatar
from avatar.drawing.picture_folder import character
from avatar.lora_training.denoising_loss import spread_times
from avatar.prompt.wording import NEGATIVE
from avatar.sdxl.generation import Recipe, generate_picture
from avatar.sdxl.loading import load_pipelines
from avatar.sdxl.sources import AUTO, BASE, REFINER, choose_model
from common.checkpoints import load_plain
from common.errors import UserError
from common.imagenet.features import VGG16_WIDTHS
from common.imagenet.weights import PretrainedLayers
from common.training import start_accelerator
from tests.helpers import ROOT, assert_user_error, load_main, run_script
from tests.two_processes import reports_of_two

pytestmark = pytest.mark.slow
TEXTS = ["a red leather jacket, red hair", "leather-soled shoes", "a tie-dye shirt, café"]
TINY = {
    "pictures": 20,
    "workers": 0,
    "text_steps": 2,
    "autoencoder_steps": 2,
    "decoder_steps": 2,
    "base_steps": 2,
    "prompt_steps": (1, 1),
    "prompt_pictures": (0, 4),
    "prompt_hair_weight": (0.0, 5.0),
    "prompt_captions": (0, 6),
    "prompt_batch": 2,
    "refiner_steps": 1,
    "batch": 2,
}
Script = Callable[..., Any]


@pytest.fixture(autouse=True, scope="module")
def _on_one_thread_of_the_cpu() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACCELERATE_USE_CPU", "true")
        yield
    torch.set_num_threads(before)


def random_vgg16() -> PretrainedLayers:
    """VGG16 as it is initialised, for the published one is a download of 59 MB."""
    draws = torch.Generator().manual_seed(0)
    widths = [3, *itertools.chain(*VGG16_WIDTHS)]
    kernels = [0.05 * torch.randn(out, into, 3, 3, generator=draws) for into, out in itertools.pairwise(widths)]
    return PretrainedLayers("random, for a test", [(kernel, torch.zeros(len(kernel))) for kernel in kernels])


@contextmanager
def tiny_networks() -> Iterator[None]:
    """The same forms with fewer channels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(avatar.demo_model.networks, "AUTOENCODER_CHANNELS", (24, 24, 24, 24))
        patch.setattr(avatar.demo_model.networks, "BASE_CHANNELS", (32, 32, 32))
        patch.setattr(avatar.demo_model.networks, "REFINER_CHANNELS", (32, 32, 32))
        patch.setattr(avatar.demo_model.networks, "TEXT_LAYERS", 2)
        patch.setattr(avatar.demo_model.stages, "MEASUREMENTS", 1)
        patch.setattr(avatar.demo_model.unets, "SHOWN_STEPS", 5)
        patch.setattr(common.imagenet.perceptual_loss, "load_vgg16", random_vgg16)
        yield


@pytest.fixture(scope="module")
def tiny() -> Iterator[None]:
    with tiny_networks():
        yield


# ---- tokenizer ----


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    from transformers import CLIPTokenizer

    folder = tmp_path_factory.mktemp("tokenizers")
    for padding, name in ((PAD, "tokenizer"), (PAD_2, "tokenizer_2")):
        write_tokenizer(folder / name, learn_merges(count_words(TEXTS)), padding)
    return [CLIPTokenizer.from_pretrained(folder / name) for name in ("tokenizer", "tokenizer_2")]


def test_the_most_frequent_pair_is_joined_first_and_all_words_become_whole() -> None:
    merges = learn_merges({"low": 5, "lot": 2, "wet": 1})
    assert merges[0] == ("l", "o") and merges[1] == ("lo", "w</w>")
    assert {"".join(pair) for pair in merges} >= {"low</w>", "lot</w>", "wet</w>"}
    assert learn_merges({"low": 5, "lot": 2}, most=1) == [("l", "o")]


@given(st.dictionaries(st.text("abc", min_size=1, max_size=6), st.integers(1, 9), max_size=8), st.integers(0, 12))
def test_merges_are_those_of_the_naive_loop(words: dict[str, int], most: int) -> None:
    spelt = {word: [*word[:-1], f"{word[-1]}</w>"] for word in words}
    merges: list[tuple[str, str]] = []
    while len(merges) < most:
        found = Counter(pair for w, n in words.items() for pair in itertools.pairwise(spelt[w]) for _ in range(n))
        if not found:
            break
        merges.append(max(found, key=lambda pair: (found[pair], pair)))
        for word, pieces in spelt.items():
            joined: list[str] = []
            for piece in pieces:
                pair_found = bool(joined) and (joined[-1], piece) == merges[-1]
                joined = [*joined[:-1], joined[-1] + piece] if pair_found else [*joined, piece]
            spelt[word] = joined
    assert learn_merges(words, most) == merges


def test_every_word_of_the_texts_is_one_token(tokenizers: list[Any]) -> None:
    words = list(count_words(TEXTS))
    assert "café" in words and "," in words
    for word in words:
        assert len(tokenizers[0](word, add_special_tokens=False).input_ids) == 1, word


@given(st.text("abcdefgxyz äöé12", max_size=20))
def test_any_other_text_is_spelt_out_and_comes_back(tokenizers: list[Any], text: str) -> None:
    numbers = tokenizers[0](text, add_special_tokens=False).input_ids
    assert tokenizers[0].decode(numbers).replace(" ", "") == text.replace(" ", "")


def test_texts_are_filled_up_and_cut_as_the_pipelines_do(tokenizers: list[Any]) -> None:
    texts = ["a red jacket", "red " * 200, ""]
    first, second = (encode_texts(tokenizer, texts) for tokenizer in tokenizers)
    start, end = (tokenizers[0].convert_tokens_to_ids(token) for token in (START, END))
    assert first.shape == (3, 77) and (first[:, 0] == start).all() and (first[:, -1] == end).all()
    assert start == len(tokenizers[0]) - 2 and end == len(tokenizers[0]) - 1
    pad_2 = int(tokenizers[0].convert_tokens_to_ids(PAD_2))
    tokens = CaptionTokens(captions=first[None], negatives=first, end=end, pad_2=pad_2)
    np.testing.assert_array_equal(tokens.for_second(torch.from_numpy(first)).numpy(), second)


# ---- what is learnt from ----


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> DrawnPictures:
    return draw_ahead(tmp_path_factory.mktemp("pictures"), seed=3, count=12, workers=0)


def test_pictures_captions_and_attributes_belong_together(pictures: DrawnPictures) -> None:
    look, _ = character(3, 7)
    np.testing.assert_array_equal(pictures.pixels([7])[0], draw_avatar(look, NATIVE_PX)[0])
    assert pictures.attributes[7].tolist() == [values.index(getattr(look, name)) for name, values in CHOICES.items()]
    assert len(pictures.captions) == 12 and all(len(set(some)) == CAPTIONS for some in pictures.captions)
    assert sum(look.garment in words for words in pictures.captions[7]) > CAPTIONS / 2
    assert pictures.trained == 11


def test_where_the_hair_is_only_its_colour_changes() -> None:
    look = replace(character(3, 7)[0], hair="afro", hair_colour="blonde", headwear="none", beard="none")
    drawn = draw_avatar(look, LATENT_PX)[0].astype(int)
    hair = hair_of(look)
    assert hair.shape == (LATENT_PX, LATENT_PX) and 0.05 < (hair == 255).mean() < 0.5
    red, green, blue = np.median(drawn[hair == 255], axis=0)
    assert red > green > blue + 40, "blonde"
    assert not hair[-4:].any() and not hair[:4, :4].any(), "neither garment nor backdrop"


def test_only_missing_pictures_are_drawn(pictures: DrawnPictures) -> None:
    file = pictures.folder / "000000-000012.json"
    file.write_text(json.dumps({"captions": [], "attributes": []}))
    assert draw_ahead(pictures.folder.parent, 3, 12, 0).captions == []
    file.unlink()
    assert draw_ahead(pictures.folder.parent, 3, 12, 0).captions == pictures.captions
    assert draw_ahead(pictures.folder.parent, 4, 1, 0).folder != pictures.folder


def test_negative_texts_are_nothing_all_and_parts() -> None:
    texts = negative_texts(20, seed=1)
    assert len(texts) == 20 and texts[:2] == ["", NEGATIVE]
    assert all(set(text.split(", ")) < set(NEGATIVE.split(", ")) for text in texts[2:])


def test_values_and_pictures_are_each_others_inverse(pictures: DrawnPictures) -> None:
    pixels = pictures.pixels([0, 5])
    back = np.stack([np.asarray(picture) for picture in to_pictures(to_values(pixels, torch.device("cpu")))])
    np.testing.assert_array_equal(back, pixels)
    changed = recolour(pixels[0], np.random.default_rng(1))
    assert changed.dtype == np.uint8 and changed.shape == pixels[0].shape and (changed != pixels[0]).any()


def test_edge_distance_is_that_of_the_naive_loop() -> None:
    first, second = (torch.randn(1, 2, 5, 6, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2))
    d = (first - second).numpy()[0]
    naive = []
    for gap in (1, 2):
        naive.append(
            np.mean([abs(d[c, y + gap, x] - d[c, y, x]) for c in range(2) for y in range(5 - gap) for x in range(6)])
        )
        naive.append(
            np.mean([abs(d[c, y, x + gap] - d[c, y, x]) for c in range(2) for y in range(5) for x in range(6 - gap)])
        )
    assert float(edge_distance(first, second)) == pytest.approx(np.mean(naive), rel=1e-5)
    assert float(edge_distance(first, first + 0.5)) == pytest.approx(0, abs=1e-6)  # a flat error has no edge


@given(st.integers(1, 1000), st.integers(1, 64), st.integers(0, 99))
def test_noise_levels_of_a_batch_lie_in_equal_parts(reach: int, count: int, seed: int) -> None:
    chances = np.random.default_rng(seed).random(count)
    times = spread_times(reach, chances).numpy()
    assert times.shape == (count,) and times.min() >= 0 and times.max() < reach
    edges = np.arange(count + 1) * reach / count
    assert all(np.floor(low) <= time <= high for time, low, high in zip(times, edges[:-1], edges[1:], strict=True))
    assert (spread_times(reach, chances, power=0.7).numpy() >= times).all()


def test_the_score_of_an_empty_text_is_what_the_pipelines_give_the_negative_prompt() -> None:
    empty = torch.tensor([False, True])
    assert size_numbers(BASE, empty).tolist() == [[NATIVE_PX, NATIVE_PX, 0, 0, NATIVE_PX, NATIVE_PX]] * 2
    assert size_numbers(REFINER, empty).tolist() == [
        [NATIVE_PX, NATIVE_PX, 0, 0, 6.0],
        [NATIVE_PX, NATIVE_PX, 0, 0, 2.5],
    ]


def test_the_autoencoder_begins_as_a_thumbnail_that_is_enlarged(pictures: DrawnPictures) -> None:
    values = to_values(pictures.pixels([0, 1]), torch.device("cpu"))
    vae = autoencoder()
    with torch.no_grad():
        latents = vae.encode(values).latent_dist.mean
        decoded = vae.decode(latents).sample
    small = nn.functional.avg_pool2d(values, 8)
    torch.testing.assert_close(latents[:, :3], small, rtol=0, atol=0.1)
    large = nn.functional.interpolate(small, scale_factor=8, mode="bilinear")
    assert float((decoded - large)[..., 8:-8, 8:-8].abs().mean()) < 0.05


def test_normalised_latents_decode_to_the_same_pictures(tiny: None) -> None:
    torch.manual_seed(1)
    vae = autoencoder()
    values = torch.rand(3, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        before = vae.encode(values).latent_dist
        decoded = vae.decode(before.mean).sample
        mean, deviation = before.mean.mean(dim=(0, 2, 3)), before.mean.std(dim=(0, 2, 3))
        normalise_latents(vae, mean, deviation)
        after = vae.encode(values).latent_dist
        torch.testing.assert_close(vae.decode(after.mean).sample, decoded, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(after.mean.mean(dim=(0, 2, 3)), torch.zeros(len(mean)), rtol=0, atol=1e-4)
    torch.testing.assert_close(after.mean.std(dim=(0, 2, 3)), torch.ones(len(mean)), rtol=1e-3, atol=0)
    torch.testing.assert_close(after.std * deviation[:, None, None], before.std, rtol=1e-3, atol=1e-5)


# ---- the loop ----


@dataclass(frozen=True, kw_only=True)
class LineTask(StageTask):
    """A line fitted to points that depend on the step; `fatal` is the step that ends the run, as Ctrl-C would."""

    measured: ClassVar[str] = "at one"
    fatal: int | None = None

    def losses(self, network: nn.Module, batch: int) -> dict[str, Tensor]:
        if batch == self.fatal:
            raise KeyboardInterrupt
        points = torch.rand(8, 1, generator=self.noise_of_step(batch))
        return {"square": (network(points) - (3 * points - 1)).square().mean()}

    def measure(self, network: nn.Module, history: Any) -> dict[str, float]:
        return {self.measured: float(network(torch.ones(1)))}


def line(work: Path, steps: int = 30, fatal: int | None = None, **changes: Any) -> tuple[nn.Module, LineTask]:
    settings = StageSettings(
        stage="line",
        steps=steps,
        schedule_steps=steps,
        batch=8,
        pictures=1,
        learning_rate=0.05,
        seed=1,
        made_from="x",
    )
    settings = replace(settings, **changes)
    pictures = DrawnPictures(work, 1, 0)
    torch.manual_seed(settings.seed)
    task = LineTask(settings=settings, pictures=pictures, accelerator=start_accelerator(), work=work, fatal=fatal)
    return nn.Linear(1, 1), task


@pytest.fixture
def few_measurements(monkeypatch: pytest.MonkeyPatch) -> None:
    """Curves take most of a short stage's time."""
    monkeypatch.setattr(avatar.demo_model.stages, "MEASUREMENTS", 3)


@pytest.mark.usefixtures("few_measurements")
def test_a_killed_stage_resumes_bit_for_bit(tmp_path: Path) -> None:
    whole = train_stage(*line(tmp_path / "whole"), resume=False).average
    with pytest.raises(KeyboardInterrupt):
        train_stage(*line(tmp_path / "cut", fatal=17), resume=False)
    resumed = train_stage(*line(tmp_path / "cut"), resume=True)
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.average.state_dict()[name])
    assert [entry["step"] for entry in resumed.history] == [10, 20, 30]
    finished = train_stage(*line(tmp_path / "cut", fatal=30), resume=True)
    assert torch.equal(finished.average.weight, whole.weight)
    assert (tmp_path / "cut/line_curves.png").is_file()


@pytest.mark.usefixtures("few_measurements")
def test_a_state_of_other_settings_or_sources_is_refused(tmp_path: Path) -> None:
    train_stage(*line(tmp_path, 4), resume=False)
    for change in ({"seed": 2}, {"made_from": "y"}):
        with pytest.raises(UserError, match="other settings"):
            train_stage(*line(tmp_path, 4, **change), resume=True)
    with pytest.raises(UserError, match="has had 4 steps already, more than 3"):
        train_stage(*line(tmp_path, 3), resume=True)
    (tmp_path / "line.state.pth").write_bytes(b"damaged")
    with pytest.raises(UserError, match="damaged"):
        train_stage(*line(tmp_path, 4), resume=True)


@pytest.mark.usefixtures("few_measurements")
def test_only_a_finished_stage_is_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"line\.state\.pth: not found; train stage 'line' first \(setting STAGES\)"):
        read_stage(*line(tmp_path, 4))
    trained = train_stage(*line(tmp_path, 4), resume=False)
    assert torch.equal(read_stage(*line(tmp_path, 4)).average.weight, trained.average.weight)
    with pytest.raises(UserError, match="has had 4 of 5 steps; finish stage 'line' first"):
        read_stage(*line(tmp_path, 5))


@pytest.mark.usefixtures("few_measurements")
def test_a_stage_can_get_more_steps(tmp_path: Path) -> None:
    train_stage(*line(tmp_path, 6), resume=False)
    longer = train_stage(*line(tmp_path, 9), resume=True)
    assert [entry["step"] for entry in longer.history] == [2, 4, 6, 9]


def test_a_longer_schedule_stops_at_a_higher_learning_rate(tmp_path: Path) -> None:
    def rates(training: StageTraining) -> list[float]:
        found = []
        for step in range(6):
            training.set_rate(step / training.loop.steps)
            found.append(training.optimiser.param_groups[0]["lr"])
        return found

    stopped = rates(prepare_stage(*line(tmp_path, 6, schedule_steps=10)))
    assert stopped == pytest.approx(rates(prepare_stage(*line(tmp_path, 10))))


def test_a_loss_that_is_not_finite_ends_the_run(tmp_path: Path) -> None:
    network, task = line(tmp_path)
    nn.init.constant_(network.bias, float("nan"))  # type: ignore[arg-type]
    with pytest.raises(UserError, match="line: the loss is not finite in step 1: square nan"):
        train_stage(network, task, resume=False)


def test_settings_of_the_stage_prompt_have_one_value_or_one_a_part() -> None:
    values: dict[str, Sequence[float]] = {
        "steps": (640, 600),
        "pictures": (5000,),
        "learning_rate": (2e-4, 3e-4),
        "noise_power": (0.5,),
        "hair_weight": (0.0, 3.0),
        "captions": (0,),
    }
    first, second = prompt_parts(**values)
    assert (first.steps, first.pictures, first.learning_rate, first.hair_weight) == (640, 5000, 2e-4, 0)
    assert (second.steps, second.pictures, second.learning_rate, second.hair_weight) == (600, 5000, 3e-4, 3)
    assert prompt_parts(**values | {"steps": (), "learning_rate": (2e-4,), "hair_weight": (1.0,)}) == ()
    with pytest.raises(UserError, match=r"PROMPT_NOISE_POWER has 3 values; it needs 1, or one for each of the 2"):
        prompt_parts(**values | {"noise_power": (1.0, 0.7, 0.5)})
    with pytest.raises(UserError, match="PROMPT_STEPS is 0"):
        prompt_parts(**values | {"steps": (640, 0)})


# ---- whole runs ----


@pytest.fixture(scope="module")
def script() -> Script:
    return load_main("avatar/train_demo_model.py")


@pytest.fixture(scope="module")
def model(tiny: None, script: Script, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    report = script(output=folder / "model", work=folder / "work", samples=1, **TINY)
    assert report.figures["base step"] == 2 and report.figures["megabytes"] < 60
    return folder


def pictures_of(model: Path, folder: Path, stages: Sequence[str] = ()) -> Path:
    """A work folder with the pictures of that run, so that none is drawn again, and its states of these stages."""
    shutil.copytree(model / "work", folder / "work", ignore=shutil.ignore_patterns("*.pth", "*.png"))
    for stage in stages:
        shutil.copy(model / f"work/{stage}.state.pth", folder / "work")
    return folder / "work"


def test_the_model_has_the_layout_of_sdxl_in_half_precision(model: Path) -> None:
    base, refiner = ({path.name for path in (model / "model" / role).iterdir()} for role in (BASE, REFINER))
    assert base - refiner == {"text_encoder", "tokenizer"}
    assert refiner == {"model_index.json", "scheduler", "text_encoder_2", "tokenizer_2", "unet", "vae"}
    assert {p.name for p in (model / "model/base/tokenizer").iterdir()} == {
        "merges.txt",
        "vocab.json",
        "tokenizer_config.json",
    }
    for file in (model / "model").rglob("*.safetensors"):
        assert all(tensor.dtype in (torch.float16, torch.int64) for tensor in load_file(file).values()), file


def test_curves_and_samples_of_the_stages_are_there(model: Path) -> None:
    names = {path.name for path in (model / "work").glob("*.png")}
    stages = ("text", "autoencoder", "decoder", "base", "prompt", "prompt_2", "refiner")
    assert names == {f"{s}_curves.png" for s in stages} | {f"{s}_samples.png" for s in stages[1:]}


@pytest.mark.parametrize("captions", [0, 6])
def test_in_the_stage_prompt_text_encoders_learn_from_the_pictures_too(
    model: Path, pictures: DrawnPictures, captions: int
) -> None:
    base = load_pipelines(choose_model(str(model / "model"), AUTO, with_refiner=False)).base
    networks = SdxlNetworks(base.tokenizer, base.tokenizer_2, base.text_encoder, base.text_encoder_2, base.vae)
    settings = UNetSettings(
        stage="prompt",
        steps=1,
        schedule_steps=1,
        batch=2,
        pictures=pictures.trained,
        learning_rate=1e-3,
        seed=1,
        made_from="",
        snr_gamma=0,
        hair_weight=5.0,
        captions=captions,
    )
    shared: dict[str, Any] = {
        "settings": settings,
        "pictures": pictures,
        "accelerator": start_accelerator(),
        "work": model,
        "tokens": tokenize_captions(base.tokenizer, pictures, seed=1),
    }
    of_unet = UNetTask(
        role=BASE, networks=networks, latents=torch.randn(pictures.count, 4, 32, 32), samples=0, **shared
    )
    of_texts = TextTask(**shared) if captions else None
    shared.pop("tokens")
    task = PromptTask(of_unet=of_unet, of_texts=of_texts, **shared)
    classifier = AttributeClassifier(len(base.tokenizer))
    network = PromptNetworks(base.unet, classifier, learn_texts=captions > 0)
    losses = task.losses(network, 0)
    assert losses.keys() == {"weighted"} | ({"first encoder", "second encoder"} if captions else set())
    losses["weighted"].backward()
    learning = {name for name, parameter in network.named_parameters() if parameter.grad is not None}
    assert any(name.startswith("unet.") for name in learning)
    for part in ("classifier.encoders.0.", "classifier.encoders.1."):
        assert any(name.startswith(part) for name in learning) == (captions > 0), part


def test_the_scripts_draw_with_it_without_a_special_case(model: Path) -> None:
    pipelines = load_pipelines(choose_model(str(model / "model"), AUTO, with_refiner=True))
    assert pipelines.native_px == NATIVE_PX
    prompt = "(black leather jacket:1.3), (fedora:0.5), pink hair"
    pictures = [
        generate_picture(pipelines, prompt, "blurry", start=None, seed=seed, recipe=Recipe(steps=5)).image
        for seed in (1, 2)
    ]
    assert pictures[0].size == (NATIVE_PX, NATIVE_PX) and pictures[0].tobytes() != pictures[1].tobytes()
    again = generate_picture(
        pipelines, prompt, "blurry", start=pictures[0], seed=1, recipe=Recipe(steps=5, mode="refine")
    ).image
    assert again.size == (NATIVE_PX, NATIVE_PX)


def test_a_run_cut_short_in_any_stage_gives_the_same_model(
    model: Path, script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stages are trained apart, and interrupted; the first ones are read from the work folder."""
    step, taken = StageTraining.step, [0]

    def cut_short(training: StageTraining, *batches: Any) -> None:
        taken[0] += 1
        if taken[0] in (2, 6):  # in the stage "base", and in the second part of "prompt"
            raise KeyboardInterrupt
        step(training, *batches)

    monkeypatch.setattr(StageTraining, "step", cut_short)
    folder = pictures_of(model, tmp_path, ("text", "autoencoder", "decoder"))
    work: dict[str, Any] = {"output": tmp_path / "model", "work": folder, "samples": 0}
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            script(**work, **TINY, resume=True)
    assert script(**work, **TINY, stages=("prompt",), resume=True).output == tmp_path / "work"
    assert not (tmp_path / "model").exists()
    script(**work, **TINY, stages=("refiner",))
    files = sorted(path.relative_to(model / "model") for path in (model / "model").rglob("*.*") if path.is_file())
    assert len(files) > 20
    for file in files:
        assert (tmp_path / "model" / file).read_bytes() == (model / "model" / file).read_bytes(), file


def test_a_finished_model_is_trained_on(model: Path, script: Script, tmp_path: Path) -> None:
    """Tokenizers and encoder stay, so that what was learnt before stays valid; all other networks learn."""
    settings = TINY | {"start_from": model / "model", "work": pictures_of(model, tmp_path), "samples": 0}
    settings |= {"prompt_steps": (3, 3), "refiner_steps": 3}  # the first step of each has a learning rate of nearly 0
    with pytest.raises(
        UserError, match="START_FROM trains a finished model on; take autoencoder and base out of STAGES"
    ):
        script(output=tmp_path / "model", **settings)
    with pytest.raises(UserError, match=r"START_FROM is .*none, which is no folder of a model"):
        script(output=tmp_path / "model", **settings | {"start_from": tmp_path / "none"}, stages=("text",))
    script(output=tmp_path / "model", **settings, stages=("text", "decoder", "prompt", "refiner"))
    tokens = "base/tokenizer/merges.txt"
    assert (tmp_path / "model" / tokens).read_bytes() == (model / "model" / tokens).read_bytes()
    for part in ("base/vae", "base/unet", "base/text_encoder", "refiner/unet"):
        (file,) = (model / "model" / part).glob("*.safetensors")
        before, after = load_file(file), load_file(tmp_path / "model" / part / file.name)
        changed = {name for name, tensor in before.items() if not torch.equal(tensor, after[name])}
        assert changed, part
        assert "vae" not in part or all(name.startswith(("decoder.", "post_quant_conv.")) for name in changed), changed


ONE_OF_EACH = ("text", "autoencoder", "decoder", "base", "prompt")  # the stage "refiner" is of the kind of "base"


def train_tiny(output: Path, work: Path) -> Any:
    short = TINY | {
        "prompt_steps": (1,),
        "prompt_pictures": (4,),
        "prompt_hair_weight": (5.0,),
        "prompt_captions": (6,),
    }
    with tiny_networks():
        script = load_main("avatar/train_demo_model.py")
        return script(output=output, work=work, samples=0, stages=ONE_OF_EACH, **short)


def test_two_processes_train_together_and_one_writes(model: Path, tmp_path: Path) -> None:
    work = pictures_of(model, tmp_path)
    assert reports_of_two(partial(train_tiny, tmp_path / "model", work), tmp_path) == ["0"]
    for stage in ONE_OF_EACH:
        state = load_plain(work / f"{stage}.state.pth")
        assert state["processes"] == 2 and state["steps"] == state["settings"]["steps"]


def test_settings_that_cannot_be_are_refused(script: Script, tmp_path: Path) -> None:
    result = run_script("avatar/train_demo_model.py", "--output", ROOT / "checkpoints/avatar/demo-sdxl")
    assert_user_error(result, "OUTPUT", "models that ship")
    folders = {"output": tmp_path / "model", "work": tmp_path / "work"}
    for name, value in (("pictures", 3), ("batch", 0), ("workers", -1), ("samples", 65), ("seed", -1)):
        with pytest.raises(UserError, match=name.upper()):
            script(**folders, **TINY | {name: value})
    with pytest.raises(UserError, match="BASE_STEPS"):
        script(**folders, **TINY | {"base_steps": 0})
    with pytest.raises(UserError, match="BASE_SCHEDULE_STEPS is 1"):
        script(**folders, **TINY, base_schedule_steps=1)
    assert not any(tmp_path.iterdir()), "refused before anything is drawn"


@pytest.mark.parametrize("place", ["checkpoints", "other"])
def test_a_folder_that_holds_other_things_is_never_replaced(script: Script, place: str, tmp_path: Path) -> None:
    (tmp_path / "chapter.tex").write_text("mine", encoding="utf-8")
    folder = ROOT / "checkpoints" if place == "checkpoints" else tmp_path
    with pytest.raises(UserError, match="OUTPUT"):
        script(output=folder, work=tmp_path / "work")
    assert (tmp_path / "chapter.tex").read_text(encoding="utf-8") == "mine"
    assert not (tmp_path / "work").exists()
