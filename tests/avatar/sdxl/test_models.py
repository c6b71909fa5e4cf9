"""Which SDXL is taken, whether it is whole, and that every form of it loads to the same networks."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from avatar.sdxl import sources
from avatar.sdxl.generation import Recipe, generate_picture
from avatar.sdxl.loading import load_pipelines
from avatar.sdxl.pipelines import PRESETS, LoadSettings, Pipelines, Scheduler, dtype_for, offload, preset_for
from avatar.sdxl.sources import AUTO, HUB, ModelChoice, ModelSource, choose_model, hash_of
from common.errors import UserError
from common.weights import REAL
from tests.avatar.tiny_sdxl import build_tiny_sdxl, write_single_file

pytestmark = pytest.mark.slow
RECIPE = Recipe(steps=5)
UNET = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield build_tiny_sdxl(tmp_path_factory.mktemp("tiny") / "sdxl")
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def pipelines(tiny: Path) -> Pipelines:
    return load_pipelines(choose_model(str(tiny), AUTO, with_refiner=True))


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(tiny, tmp_path / "copy"))


def drawn(pipelines: Pipelines) -> np.ndarray:
    return np.asarray(
        generate_picture(pipelines, "a (leather jacket:1.3)", "blurry", start=None, seed=1, recipe=RECIPE).image
    )


# ---- loading ----


def test_the_refiner_shares_autoencoder_and_second_text_encoder(pipelines: Pipelines) -> None:
    assert pipelines.refiner is not None
    assert pipelines.refiner.vae is pipelines.base.vae is pipelines.image_to_image.vae
    assert pipelines.refiner.text_encoder_2 is pipelines.base.text_encoder_2
    assert pipelines.refiner.unet is not pipelines.base.unet is pipelines.image_to_image.unet
    assert pipelines.refiner.text_encoder is None
    assert pipelines.native_px == 64 and pipelines.names == ["sdxl/base", "sdxl/refiner"]


def test_single_files_give_the_picture_of_the_folders_they_were_made_from(
    tiny: Path, tmp_path: Path, pipelines: Pipelines
) -> None:
    base, refiner = (write_single_file(tiny / name, tmp_path / f"{name}.safetensors") for name in ("base", "refiner"))
    choice = choose_model(str(base), str(refiner), with_refiner=True)
    single = load_pipelines(choice, LoadSettings(config=tiny))
    assert single.names == ["base.safetensors", "refiner.safetensors"]
    assert (drawn(single) == drawn(pipelines)).all()
    with pytest.raises(UserError, match=r"MODEL_CONFIG is .*nothing, which contains no model_index\.json"):
        load_pipelines(choice, LoadSettings(config=tmp_path / "nothing"))


def test_offloading_changes_nothing(tiny: Path, pipelines: Pipelines) -> None:
    other = load_pipelines(choose_model(str(tiny), AUTO, with_refiner=True))
    offload(other)
    first, second = drawn(other), drawn(other)
    assert (first == drawn(pipelines)).all() and (second == first).all()


def test_half_precision_keeps_the_autoencoder_whole_where_its_config_asks_for_that(copy: Path) -> None:
    half = load_pipelines(choose_model(str(copy), AUTO, with_refiner=False), LoadSettings(precision="bf16"))
    assert half.base.unet.dtype == half.base.text_encoder_2.dtype == half.dtype == torch.bfloat16
    assert half.base.vae.dtype == torch.float32
    config = json.loads((copy / "base/vae/config.json").read_text(encoding="utf-8"))
    (copy / "base/vae/config.json").write_text(json.dumps(config | {"force_upcast": False}), encoding="utf-8")
    half = load_pipelines(choose_model(str(copy), AUTO, with_refiner=False), LoadSettings(precision="bf16"))
    assert half.base.vae.dtype == torch.bfloat16
    with half.raised_to_full_precision():
        assert half.base.vae.dtype == half.base.unet.dtype == torch.float32
    assert half.base.vae.dtype == half.base.unet.dtype == torch.bfloat16


def test_a_folder_of_half_precision_alone_is_loaded(copy: Path, pipelines: Pipelines) -> None:
    for path in copy.rglob("*.safetensors"):
        path.rename(path.with_name(path.name.replace(".safetensors", ".fp16.safetensors")))
    assert (drawn(load_pipelines(choose_model(str(copy), AUTO, with_refiner=True))) == drawn(pipelines)).all()


@pytest.mark.parametrize("name", ["euler", "dpm++", "lcm", "lightning"])
def test_every_pipeline_gets_the_scheduler_with_the_noise_of_its_model(tiny: Path, name: Scheduler) -> None:
    pipelines = load_pipelines(choose_model(str(tiny), AUTO, with_refiner=True), LoadSettings(scheduler=name))
    found = [pipelines.base.scheduler, pipelines.image_to_image.scheduler, pipelines.refiner.scheduler]  # type: ignore[union-attr]
    assert len({id(scheduler) for scheduler in found}) == 3
    assert {(type(scheduler), scheduler.config.beta_end) for scheduler in found} == {(type(found[0]), 0.012)}
    assert (found[0].config.timestep_spacing == "trailing") == (name == "lightning")


# ---- presets ----


def test_presets_follow_the_memory_of_the_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = torch.device("cuda")
    for memory, expected in ((6.2, 8), (8.3, 8), (11.9, 12), (16.9, 12), (25.4, 24), (85.0, 24)):
        monkeypatch.setattr("avatar.sdxl.pipelines.device_memory_gb", lambda device, memory=memory: memory)
        assert preset_for(cuda, None) == PRESETS[expected]
    assert preset_for(cuda, 8) == PRESETS[8]
    assert preset_for(torch.device("cpu"), None) is None
    with pytest.raises(UserError, match="VRAM_GB is 10; it must be one of 8, 12, 24"):
        preset_for(cuda, 10)


def test_a_cpu_computes_in_whole_precision_and_refuses_fp16() -> None:
    cpu = torch.device("cpu")
    assert dtype_for(cpu, "auto") == dtype_for(cpu, "fp32") == torch.float32
    assert dtype_for(cpu, "bf16") == torch.bfloat16
    with pytest.raises(UserError, match="PRECISION is fp16, which needs a GPU"):
        dtype_for(cpu, "fp16")


# ---- which model ----


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without SDXL, demo model, network, and GPU."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr(sources, "SDXL", tmp_path / "sdxl")
    monkeypatch.setattr(sources, "DEMO_MODEL", tmp_path / "demo-sdxl")
    monkeypatch.setattr(sources, "device_memory_gb", lambda device: 0.0)
    return tmp_path


def test_auto_takes_the_demo_model_and_says_why(nowhere: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(tiny, nowhere / "demo-sdxl")
    choice = choose_model(AUTO, AUTO, with_refiner=True)
    assert list(choice.hashes) == ["demo-sdxl/base", "demo-sdxl/refiner"]
    assert choice.why == "SDXL is not installed: using the project's small model"

    shutil.copytree(tiny, nowhere / "sdxl")
    choice = choose_model(AUTO, AUTO, with_refiner=True)
    assert choice.base.label == "demo-sdxl/base" and "no GPU of 8 GB" in choice.why

    monkeypatch.setattr(sources, "device_memory_gb", lambda device: 12.4)
    choice = choose_model(AUTO, AUTO, with_refiner=True)
    assert list(choice.hashes) == [HUB["base"], HUB["refiner"]] and "fits the GPU's 12 GB" in choice.why
    assert choice.base.path == nowhere / "sdxl/base" and choice.refiner is not None


def test_without_any_model_auto_stops_with_all_that_helps(nowhere: Path) -> None:
    with pytest.raises(UserError) as caught:
        choose_model(AUTO, AUTO, with_refiner=True)
    message = str(caught.value)
    for words in ("MODEL is auto", "6.9 GB", REAL["sdxl-base"].command, str(nowhere / "demo-sdxl"), "folder"):
        assert words in message
    assert "\n" not in message


@pytest.mark.parametrize(("hub_id", "words"), [(HUB["base"], REAL["sdxl-base"].command), ("you/your-xl", "your-xl")])
def test_a_hub_model_that_is_neither_cached_nor_reachable_is_said(nowhere: Path, hub_id: str, words: str) -> None:
    with pytest.raises(UserError, match=f"{hub_id} is not on this machine, and the hub cannot be reached") as caught:
        choose_model(hub_id, AUTO, with_refiner=False)
    assert words in str(caught.value) and "Or set MODEL to auto" in str(caught.value)


def test_a_model_in_the_hubs_cache_is_taken_and_hashed_by_its_names(nowhere: Path, tiny: Path) -> None:
    repository = nowhere / "hub/models--you--your-xl"
    snapshot = repository / "snapshots/0123abc"
    shutil.copytree(tiny / "base", snapshot)
    (repository / "refs").mkdir()
    (repository / "refs/main").write_text("0123abc", encoding="utf-8")
    plain = hash_of(ModelSource(snapshot, ""))
    (repository / "blobs").mkdir()
    for path in [*snapshot.rglob("*.safetensors")]:
        blob = repository / "blobs" / hashlib.sha256(path.read_bytes()).hexdigest()
        shutil.move(path, blob)
        path.symlink_to(blob)
    choice = choose_model("you/your-xl", AUTO, with_refiner=False)
    assert choice.base.path == snapshot and choice.hashes == {"you/your-xl": plain}
    with pytest.raises(UserError, match="there is no refiner beside it; set REFINER, or MODE to base"):
        choose_model("you/your-xl", AUTO, with_refiner=True)


def test_the_hash_follows_the_weights(tiny: Path, copy: Path) -> None:
    source = ModelSource(copy / "base", "")
    assert hash_of(source) == hash_of(ModelSource(tiny / "base", "of another name"))
    weights = load_file(copy / "base" / UNET)
    weights["conv_in.bias"][0] += 1
    save_file(weights, copy / "base" / UNET)
    assert hash_of(source) != hash_of(ModelSource(tiny / "base", ""))


# ---- what is refused ----


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gone", "gone: no such file or folder, and not a hub id"),
        ("gone/model.safetensors", "no such file or folder"),
        ("empty", r"empty: contains no model in diffusers' layout; it needs model_index\.json"),
        ("notes.txt", r"notes\.txt: not a file of weights; it must be \.safetensors"),
        ("model.ckpt", r"model\.ckpt: a pickle, which can run .*ALLOW_PICKLE"),
    ],
)
def test_what_is_no_model_is_refused(nowhere: Path, monkeypatch: pytest.MonkeyPatch, name: str, words: str) -> None:
    monkeypatch.chdir(nowhere)
    Path("empty").mkdir()
    Path("notes.txt").touch()
    Path("model.ckpt").touch()
    with pytest.raises(UserError, match=words):
        choose_model(name, AUTO, with_refiner=False)


def test_pickles_in_a_folder_are_refused_unless_the_setting_allows_them(copy: Path, pipelines: Pipelines) -> None:
    for folder, name in (("unet", "diffusion_pytorch_model"), ("text_encoder", "pytorch_model")):
        (weights,) = (copy / "base" / folder).glob("*.safetensors")
        torch.save(load_file(weights), copy / "base" / folder / f"{name}.bin")
        weights.unlink()
    with pytest.raises(UserError, match=r"pytorch_model\.bin: a pickle.*ALLOW_PICKLE"):
        choose_model(str(copy), AUTO, with_refiner=True)
    choice = choose_model(str(copy), AUTO, with_refiner=True, allow_pickle=True)
    loaded = load_pipelines(choice, LoadSettings(allow_pickle=True))
    assert (drawn(loaded) == drawn(pipelines)).all()


def test_a_malicious_pickle_runs_nothing_even_where_pickles_are_allowed(copy: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[Path]]:
            return Path.touch, (tmp_path / "owned",)

    (copy / "base" / UNET).unlink()
    torch.save({"conv_in.weight": Evil()}, copy / "base/unet/diffusion_pytorch_model.bin")
    choice = choose_model(str(copy), AUTO, with_refiner=False, allow_pickle=True)
    with pytest.raises(UserError, match="cannot be loaded as an SDXL pipeline"):
        load_pipelines(choice, LoadSettings(allow_pickle=True))
    assert not (tmp_path / "owned").exists()


def load_base(folder: Path) -> Pipelines:
    return load_pipelines(ModelChoice(ModelSource(folder / "base", "copy"), None, ""))


def test_a_folder_that_is_not_whole_is_refused_with_all_that_is_missing(copy: Path) -> None:
    (copy / "base" / UNET).unlink()
    shutil.rmtree(copy / "base/vae")
    with pytest.raises(UserError, match="incomplete: unet/ has no weights, vae/ has no weights; download it again"):
        choose_model(str(copy), AUTO, with_refiner=False)
    (copy / "base/model_index.json").write_text("[1]", encoding="utf-8")
    with pytest.raises(UserError, match=r"model_index\.json: missing or damaged"):
        choose_model(str(copy), AUTO, with_refiner=False)


DEEP, LARGE = "[" * 100_000, "{}" + " " * (1 << 20)


@pytest.mark.parametrize("index", [DEEP, LARGE, '{"unet": 1}'], ids=["deep", "large", "other"])
def test_a_hostile_index_of_a_model_is_damaged(copy: Path, index: str) -> None:
    (copy / "base/model_index.json").write_text(index, encoding="utf-8")
    with pytest.raises(UserError, match=r"model_index\.json: missing or damaged"):
        choose_model(str(copy), AUTO, with_refiner=False)


@pytest.mark.parametrize("config", [DEEP, LARGE, '{"sample_size": Infinity}'], ids=["deep", "large", "infinite"])
def test_a_model_with_a_hostile_config_is_no_small_one_and_is_refused(copy: Path, config: str) -> None:
    (copy / "base/unet/config.json").write_text(config, encoding="utf-8")
    assert not ModelSource(copy / "base", "copy").is_small
    with pytest.raises(UserError, match="cannot be loaded as an SDXL pipeline"):
        load_base(copy)


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_truncated_weights_are_refused(copy: Path, share: float) -> None:
    content = (copy / "base" / UNET).read_bytes()
    (copy / "base" / UNET).write_bytes(content[: round(share * len(content))])
    with pytest.raises(UserError, match="cannot be loaded as an SDXL pipeline"):
        load_base(copy)


@pytest.mark.parametrize("name", [UNET, "vae/diffusion_pytorch_model.safetensors", "text_encoder_2/model.safetensors"])
def test_weights_that_lack_tensors_are_refused_and_never_filled_with_noise(copy: Path, name: str) -> None:
    weights = load_file(copy / "base" / name)
    for key in sorted(weights)[:3]:
        del weights[key]
    save_file(weights, copy / "base" / name, metadata={"format": "pt"})
    with pytest.raises(UserError, match=r"copy.base: "):
        load_base(copy)


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
@pytest.mark.parametrize(
    "name",
    [UNET, "vae/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors",
     "text_encoder_2/model.safetensors"],
)  # fmt: skip
def test_weights_that_are_no_numbers_are_refused_before_anything_is_drawn(copy: Path, name: str, value: float) -> None:
    weights = load_file(copy / "base" / name)
    key = sorted(weights)[len(weights) // 2]
    weights[key].view(-1)[-1] = value
    save_file(weights, copy / "base" / name, metadata={"format": "pt"})
    with pytest.raises(UserError, match=f"{name.partition('/')[0]} has NaN or infinite values in .*{key[-12:]}"):
        load_base(copy)


def test_a_refiner_as_base_is_refused(tiny: Path) -> None:
    with pytest.raises(UserError, match="refiner: a refiner, without a first text encoder; MODEL must be a base"):
        load_pipelines(ModelChoice(ModelSource(tiny / "refiner", "refiner"), None, ""))


def test_a_base_as_refiner_is_taken(tiny: Path) -> None:
    base = ModelSource(tiny / "base", "base")
    picture = generate_picture(
        load_pipelines(ModelChoice(base, base, "")),
        "a hat",
        "",
        start=None,
        seed=1,
        recipe=Recipe(mode="refine", steps=5),
    ).image
    assert picture.size == (64, 64)


def test_another_model_than_sdxl_is_refused(copy: Path) -> None:
    config = json.loads((copy / "base/unet/config.json").read_text(encoding="utf-8"))
    config |= {"addition_embed_type": None, "projection_class_embeddings_input_dim": None}
    (copy / "base/unet/config.json").write_text(json.dumps(config), encoding="utf-8")
    weights = load_file(copy / "base" / UNET)
    save_file({k: v for k, v in weights.items() if "add_embedding" not in k}, copy / "base" / UNET, {"format": "pt"})
    with pytest.raises(UserError, match="not an SDXL pipeline; its UNet has no size conditioning and no second text"):
        load_base(copy)
