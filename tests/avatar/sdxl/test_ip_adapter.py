"""Image prompt adapters: the whole path by a tiny one, and files that are refused."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from avatar.sdxl.generation import Mode, Recipe, generate_picture
from avatar.sdxl.ip_adapter import adapter_facts, find_image_encoder
from avatar.sdxl.loading import load_pipelines
from avatar.sdxl.lora_files import load_lora, set_lora_scale
from avatar.sdxl.pipelines import LoadSettings, Pipelines, offload
from avatar.sdxl.sources import AUTO, choose_model
from common.errors import UserError
from common.files import sha256_of
from tests.avatar.tiny_ip_adapter import PROJECTED, build_tiny_ip_adapter, cross_attentions, write_image_encoder
from tests.avatar.tiny_sdxl import build_tiny_sdxl

pytestmark = pytest.mark.slow
PROMPT, NEGATIVE = "portrait of a person, (black leather jacket:1.3)", "blurry, low quality"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield str(build_tiny_sdxl(tmp_path_factory.mktemp("tiny")))
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def plain(tiny: str) -> Pipelines:
    return load_pipelines(choose_model(tiny, AUTO, with_refiner=True))


@pytest.fixture(scope="module", params=["plain", "plus"])
def file(request: pytest.FixtureRequest, plain: Pipelines, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_ip_adapter(tmp_path_factory.mktemp(request.param), plain.base.unet, plus=request.param == "plus")


@pytest.fixture(scope="module")
def adapted(tiny: str, file: Path) -> Pipelines:
    return load(tiny, file)


@pytest.fixture
def adapter(plain: Pipelines, tmp_path: Path) -> Path:
    return build_tiny_ip_adapter(tmp_path / "adapter", plain.base.unet)


def load(model: str, file: Path, likeness: float = 1.0, **more: Any) -> Pipelines:
    settings = LoadSettings(ip_adapter=file, likeness=likeness, **more)
    return load_pipelines(choose_model(model, AUTO, with_refiner=True), settings)


def photo(seed: int = 0) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), np.uint8)
    return Image.fromarray(noise).resize((90, 90), Image.Resampling.BICUBIC)


def drawn(pipelines: Pipelines, mode: Mode = "handover", likeness: float | None = None, **more: Any) -> np.ndarray:
    if likeness is not None:
        pipelines.likeness = likeness
    recipe = Recipe(mode=mode, steps=5, strength=0.7)
    facts: dict[str, Any] = {"start": None, "reference": photo()} | more
    return np.asarray(generate_picture(pipelines, PROMPT, NEGATIVE, seed=1, recipe=recipe, **facts).image)


@pytest.mark.parametrize("start", [None, photo(3)], ids=["text", "photo"])
@pytest.mark.parametrize("mode", ["base", "refine", "handover"])
def test_scale_0_and_no_reference_equal_no_adapter_and_scale_1_does_not(
    plain: Pipelines, adapted: Pipelines, mode: Mode, start: Image.Image | None
) -> None:
    without = drawn(plain, mode, start=start)
    assert np.array_equal(drawn(adapted, mode, 0.0, start=start), without)
    assert np.array_equal(drawn(adapted, mode, 1.0, start=start, reference=None), without)
    assert not np.array_equal(drawn(adapted, mode, 1.0, start=start), without)


def test_the_picture_follows_the_reference_more_at_a_higher_scale(adapted: Pipelines) -> None:
    pictures = [drawn(adapted, "base", scale).astype(int) for scale in (0.0, 0.3, 1.0)]
    far = [np.abs(picture - pictures[0]).mean() for picture in pictures]
    assert 0 == far[0] < far[1] < far[2]
    assert np.array_equal(drawn(adapted, "base", 1.0), pictures[2]), "repeatable"
    assert not np.array_equal(drawn(adapted, "base", 1.0, reference=photo(1)), pictures[2])


def test_an_adapter_and_a_guidance_of_1_go_together(adapted: Pipelines) -> None:
    recipe = Recipe(mode="base", steps=2, guidance=1.0)
    made = generate_picture(adapted, PROMPT, NEGATIVE, start=None, reference=photo(), seed=1, recipe=recipe)
    assert made.image.size == (64, 64)


def test_in_half_precision_and_again_in_full(tiny: str, file: Path) -> None:
    half = load(tiny, file, precision="bf16")
    assert half.base.image_encoder.dtype == half.base.unet.dtype == torch.bfloat16
    assert drawn(half, "base").shape == (64, 64, 3)
    with half.raised_to_full_precision():
        assert half.base.image_encoder.dtype == torch.float32
        assert drawn(half, "base").shape == (64, 64, 3)


def test_offloading_changes_nothing_but_rounding(tiny: str, file: Path, adapted: Pipelines) -> None:
    other = load(tiny, file)
    offload(other)
    for start in (None, photo(3)):
        apart = drawn(other, start=start).astype(int) - drawn(adapted, likeness=1.0, start=start)
        assert np.abs(apart).max() <= 1, "rounding"


def test_a_lora_and_an_adapter_go_together(tiny: str, file: Path, tmp_path: Path) -> None:
    both, name = load(tiny, file), "mid_block.attentions.0.transformer_blocks.0.attn2.to_k"
    weight = both.base.unet.get_submodule(name).weight
    factors = {"A": torch.ones(2, weight.shape[1]), "B": torch.ones(weight.shape[0], 2)}
    save_file({f"unet.{name}.lora_{kind}.weight": tensor for kind, tensor in factors.items()}, tmp_path / "lora")
    without = drawn(both, "base")
    match = load_lora(both, tmp_path / "lora")
    assert match.matched == 2 and not np.array_equal(drawn(both, "base"), without)
    set_lora_scale(both, 0)
    assert np.array_equal(drawn(both, "base"), without)


def test_layers_have_the_adapters_own_weights(adapted: Pipelines, file: Path) -> None:
    tensors = load_file(file)
    for number, (_, module) in enumerate(cross_attentions(adapted.base.unet)):
        for kind in ("to_k_ip", "to_v_ip"):
            found = getattr(module.processor, kind)[0].weight
            assert torch.equal(found, tensors[f"ip_adapter.{2 * number + 1}.{kind}.weight"])


def test_provenance_names_the_files_by_their_hashes(file: Path) -> None:
    facts = adapter_facts(file.parent, 0.6)
    assert facts["sha256"] == sha256_of(file) and facts["scale"] == 0.6 and facts["file"] == file.name
    assert facts["image_encoder"] == {"model.safetensors": sha256_of(file.parent / "image_encoder/model.safetensors")}


# ---- what is refused ----


def without_encoder(file: Path) -> None:
    shutil.rmtree(file.parent / "image_encoder")


def with_another_encoder(file: Path) -> None:
    import tests.avatar.tiny_ip_adapter as sizes

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sizes, "PROJECTED", 2 * PROJECTED)
        write_image_encoder(file.parent / "image_encoder")


def changed(change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path], None]:
    def apply(file: Path) -> None:
        tensors = load_file(file)
        change(tensors)
        save_file(tensors, file)

    return apply


def narrower(tensors: dict[str, torch.Tensor]) -> None:
    for name in [name for name in tensors if "_ip." in name]:
        tensors[name] = tensors[name][:, :24].contiguous()


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda file: file.unlink(), "no such file or folder; python3 run.py check lists"),
    "empty": (lambda file: file.write_bytes(b""), "truncated, damaged, or not a .safetensors file"),
    "cut": (lambda file: file.write_bytes(file.read_bytes()[:-99]), "truncated, damaged, or not a .safetensors file"),
    "text": (lambda file: file.write_text("hello"), "truncated, damaged, or not a .safetensors file"),
    "a lora": (
        lambda file: save_file({"unet.a.lora_A.weight": torch.ones(2, 2)}, file),
        "not an IP-Adapter; it has no",
    ),
    "FaceID": (
        changed(lambda all: all.update({"ip_adapter.0.to_q_lora.down.weight": torch.ones(2, 2)})),
        "is an IP-Ad",
    ),
    "no projection": (changed(lambda all: all.pop("image_proj.proj.weight")), "not an IP-Adapter of a kind that is"),
    "no bias": (changed(lambda all: all.pop("image_proj.proj.bias")), "cannot be loaded as an IP-Adapter"),
    "a layer less": (changed(lambda all: all.pop("ip_adapter.1.to_k_ip.weight")), "an IP-Adapter for another base: "),
    "another width": (changed(narrower), "for another base: .* texts of width 24, this one has .* and 80"),
    "not finite": (
        changed(lambda all: all["image_proj.norm.bias"].fill_(float("nan"))),
        "has values that are not finite",
    ),
    "no encoder": (
        without_encoder,
        "its image encoder is missing; it belongs in .*image_encoder or .*models/image_enc",
    ),
    "another encoder": (with_another_encoder, "needs an image encoder of width 48, and .* has 96"),
    "damaged encoder": (
        lambda file: (file.parent / "image_encoder/model.safetensors").write_bytes(b"x"),
        "cannot be loaded as an image encoder",
    ),
    "damaged config": (
        lambda file: (file.parent / "image_encoder/config.json").write_text("{"),
        "config.json: damaged, or not a CLIP image encoder's",
    ),
    "deep config": (
        lambda file: (file.parent / "image_encoder/config.json").write_text("[" * 100_000),
        "config.json: damaged, or not a CLIP image encoder's",
    ),
    "infinite config": (
        lambda file: (file.parent / "image_encoder/config.json").write_text('{"projection_dim": Infinity}'),
        "config.json: damaged, or not a CLIP image encoder's",
    ),
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_or_other_file_is_refused_in_one_line(tiny: str, adapter: Path, kind: str) -> None:
    damage, words = DAMAGES[kind]
    damage(adapter)
    with pytest.raises(UserError, match=words) as caught:
        load(tiny, adapter)
    assert "\n" not in str(caught.value)


def test_pickles_are_read_only_if_they_are_allowed(tiny: str, plain: Pipelines, adapter: Path) -> None:
    state: dict[str, dict[str, torch.Tensor]] = {"image_proj": {}, "ip_adapter": {}}
    for name, tensor in load_file(adapter).items():
        part, _, rest = name.partition(".")
        state[part][rest] = tensor
    pickled = adapter.with_suffix(".bin")
    torch.save(state, pickled)
    with pytest.raises(UserError, match=r"a pickle, which can run foreign code.*ALLOW_PICKLE"):
        load(tiny, pickled)
    allowed = drawn(load(tiny, pickled, allow_pickle=True), "base")
    assert np.array_equal(allowed, drawn(load(tiny, adapter), "base"))


def test_a_folder_must_have_one_adapter(adapter: Path) -> None:
    shutil.copy(adapter, adapter.with_name("other.safetensors"))
    with pytest.raises(
        UserError, match=r"contains ip-adapter_tiny\.safetensors, other\.safetensors; set IP_ADAPTER to a"
    ):
        adapter_facts(adapter.parent, 1.0)
    with pytest.raises(UserError, match="contains none; set IP_ADAPTER to a file"):
        adapter_facts(adapter.parent.parent, 1.0)


def test_of_two_image_encoders_the_one_of_the_right_width_is_used(adapter: Path) -> None:
    published = adapter.parent / "sdxl_models"
    published.mkdir()
    shutil.copytree(adapter.parent / "image_encoder", adapter.parent / "models/image_encoder")
    shutil.copytree(adapter.parent / "image_encoder", published / "image_encoder")
    file = Path(shutil.copy(adapter, published))
    assert find_image_encoder(file) == published / "image_encoder"
    with_another_encoder(file)
    assert find_image_encoder(file) == adapter.parent / "models/image_encoder"
