"""Dataset.py and Model.py as a user runs them, the names that they hand on, and checkpoints of the model."""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import carousel.Dataset
import carousel.Model
from carousel.fusion.checkpoint_format import FORMAT, network_of, read_checkpoint, write_checkpoint
from carousel.fusion.diagram import HEIGHT_PX, WIDTH_PX, describe_layers
from carousel.fusion.network import FusionNetwork
from common.errors import UserError
from common.runner import Report
from tests.carousel.helpers import (
    SIDE,
    count_colours,
    draw_collage,
    lively,
    untrained,
    write_collage,
    write_collages,
    write_lively,
)
from tests.helpers import ROOT, run_script, with_settings
from tests.masks.model.test_checkpoint_format import ATTACKS, Attack, assert_plain

pytestmark = pytest.mark.slow
SCRIPTS = ["carousel/Dataset.py", "carousel/Model.py", "carousel/Train.py"]


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        yield
    torch.set_num_threads(before)


@pytest.fixture
def collages(tmp_path: Path) -> Path:
    folder = tmp_path / "mis collages ñ"
    write_collages(folder, 8)
    return folder


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("written") / "own.pth"
    write_lively(path)
    return path


@pytest.fixture(scope="module")
def content(written: Path) -> dict[str, Any]:
    return read_checkpoint(written)


@pytest.fixture
def checkpoint(written: Path, tmp_path: Path) -> Path:
    """A copy that may be spoilt."""
    return Path(shutil.copy(written, tmp_path / "own model ñ.pth"))


def pixels_of(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture.convert("RGB"))


# ---- names ----

IMPORTS = """
import sys
from carousel.Dataset import AvatarFusionDataset
from carousel.Model import build_model, load_model
import carousel.Dataset
from carousel.fusion.training_samples import AvatarFusionDataset as same
assert AvatarFusionDataset is same
try:
    carousel.Dataset.Nothing
except AttributeError:
    print("fine")
"""


def test_the_promised_names_can_be_imported_from_any_folder(tmp_path: Path) -> None:
    result = subprocess.run([sys.executable, "-c", IMPORTS], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.stdout == "fine\n", result.stderr


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_is_quick_and_explains_every_setting(script: str) -> None:
    started = time.process_time()
    result = run_script(script, "--help")
    assert result.returncode == 0 and "Reads" in result.stdout and "Writes" in result.stdout
    assert time.process_time() - started < 1
    source = (ROOT / script).read_text(encoding="utf-8")
    names = re.findall(r"^([A-Z_]+)(?::.*)? = ", source, flags=re.MULTILINE)
    assert len(names) >= 6
    for name in names:
        assert f"--{name.lower().replace('_', '-')}" in result.stdout


def test_help_loads_neither_torch_nor_opencv() -> None:
    for script in SCRIPTS:
        module = script.removesuffix(".py").replace("/", ".")
        code = f"import sys, {module}; print([name for name in ('torch', 'cv2', 'torchvision') if name in sys.modules])"
        result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
        assert result.stdout == "[]\n", script


# ---- Dataset.py ----


def draw_dataset(collages: Path, output: Path, **others: Any) -> Report:
    values: dict[str, Any] = {"samples": 4, "size_px": SIDE, "held_out_share": 0.5}
    return with_settings(carousel.Dataset.main)(collages=collages, output=output, **(values | others))


def test_dataset_as_a_script_counts_and_draws_a_batch(collages: Path, tmp_path: Path) -> None:
    output = tmp_path / "a batch.png"
    flags = ("--samples", 4, "--size-px", SIDE, "--held-out-share", 0.5)
    result = run_script("carousel/Dataset.py", "--collages", collages, "--output", output, *flags, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    counts = re.search(r"collages: 8, scenes: 4, trained on: (\d), held out: (\d)", result.stdout)
    assert counts and int(counts[1]) + int(counts[2]) == 8 and int(counts[1]) % 2 == 0
    assert "written: a batch.png" in result.stdout
    record = json.loads(output.with_suffix(".json").read_text(encoding="utf-8"))
    assert record["figures"]["collages"] == 8 and list(record["inputs"]) == [str(collages / "index.csv")]
    picture = pixels_of(output)
    assert picture.shape[0] > 4 * 200 and picture.shape[1] > 5 * 200
    assert count_colours(output) > 1000


def test_the_picture_shows_scene_avatar_mask_pasted_and_truth_of_each_sample(collages: Path, tmp_path: Path) -> None:
    draw_dataset(collages, tmp_path / "one.png", samples=1, training=False)
    picture = pixels_of(tmp_path / "one.png").astype(int)
    columns = np.split(picture[:, : picture.shape[1] // 5 * 5], 5, axis=1)
    scene, avatar, mask, pasted, truth = (column[:-60] for column in columns)
    assert (mask == 0).all(axis=2).mean() > 0.3 and (mask == 255).all(axis=2).mean() > 0.05
    assert (avatar == 0).all(axis=2).mean() > 0.3
    assert 0 < np.abs(pasted - truth).mean() < np.abs(scene - truth).mean(), "pasted differs from the truth by light"


def test_the_seed_and_the_form_decide_what_is_drawn(collages: Path, tmp_path: Path) -> None:
    outputs = [tmp_path / f"{number}.png" for number in range(4)]
    forms: list[dict[str, Any]] = [{}, {}, {"seed": 1}, {"training": False}]
    for output, form in zip(outputs, forms, strict=True):
        draw_dataset(collages, output, **form)
    pictures = [pixels_of(output) for output in outputs]
    assert np.array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[0], pictures[2]) and not np.array_equal(pictures[0], pictures[3])


def test_more_samples_than_collages_draws_them_all(collages: Path, tmp_path: Path) -> None:
    heights = []
    for samples in (8, 64):
        draw_dataset(collages, tmp_path / "all.png", samples=samples)
        heights.append(len(pixels_of(tmp_path / "all.png")))
    assert heights[0] == heights[1]


def test_all_faults_of_the_folder_are_listed_and_nothing_is_written(collages: Path, tmp_path: Path) -> None:
    (collages / "scene 0_0.png").write_bytes(b"")
    (collages / "scene 1_0.png").write_bytes((collages / "scene 1_0.png").read_bytes()[:999])
    Image.new("RGB", (256, 64)).save(collages / "scene 2_0.png")
    collage = draw_collage(9, 48)
    write_collage(collages / "scene 3_0.png", collage)
    with pytest.raises(UserError) as error:
        draw_dataset(collages, tmp_path / "batch.png")
    first, *faults = str(error.value).splitlines()
    words = ("scene 0_0.png: is empty", "scene 1_0.png: truncated", "scene 2_0.png: the mask panel is empty", "48 px")
    assert first == "4 faults" and all(word in fault for word, fault in zip(words, faults, strict=True))
    assert not (tmp_path / "batch.png").exists()


def test_settings_of_dataset_out_of_range_are_named(collages: Path, tmp_path: Path) -> None:
    for form, words in (
        ({"samples": 0}, "SAMPLES is 0"),
        ({"size_px": 32}, "SIZE_PX is 32"),
        ({"held_out_share": 1.0}, "HELD_OUT_SHARE is 1"),
        ({"seed": -1}, "SEED is -1"),
        ({"output": Path("batch.jpg")}, "OUTPUT is batch.jpg; it needs the suffix .png"),
        ({"collages": tmp_path / "none"}, "none: no such folder of collages"),
    ):
        with pytest.raises(UserError, match=words):
            draw_dataset(**({"collages": collages, "output": tmp_path / "batch.png"} | form))


# ---- Model.py ----


def draw_model(output: Path, **others: Any) -> Report:
    values: dict[str, Any] = {"encoder": "resnet18", "size_px": SIDE}
    return with_settings(carousel.Model.main)(output=output, **(values | others))


def test_model_as_a_script_prints_the_table_and_draws_the_diagram(checkpoint: Path, tmp_path: Path) -> None:
    output = tmp_path / "Model.png"
    flags = ("--checkpoint", checkpoint, "--output", output, "--size-px", SIDE)
    result = run_script("carousel/Model.py", *flags, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    rows = [line.split() for line in result.stdout.splitlines() if line.startswith(("encoder", "entries", "all"))]
    assert ["encoder.stem", "64", "x", "16", "x", "16", "18,944"] in rows
    total = sum(parameter.numel() for parameter in lively().parameters())
    assert ["all", f"{total:,}"] in rows
    record = json.loads(output.with_suffix(".json").read_text(encoding="utf-8"))
    assert record["figures"]["parameters"] == total and record["weights"] == [str(checkpoint)]
    assert pixels_of(output).shape == (HEIGHT_PX, WIDTH_PX, 3)


@pytest.mark.parametrize(("decoder", "head", "shrink"), [("transformer", "affine", 2), ("cnn", "colours", 1)])
def test_the_table_counts_every_parameter_once(
    tmp_path: Path, decoder: str, head: str, shrink: int, capsys: pytest.CaptureFixture[str]
) -> None:
    report = draw_model(tmp_path / "Model.png", decoder=decoder, head=head, shrink=shrink)
    network = untrained(decoder, head, shrink)  # type: ignore[arg-type]
    used = [p for name, p in network.named_parameters() if head == "affine" or not name.startswith("light.")]
    assert report.figures["parameters"] == sum(parameter.numel() for parameter in used)
    printed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert printed[:6] == ["encoder.stem", *(f"encoder.stages.{n}" for n in range(4)), "entries.0"]
    assert ("light" in printed) == (head == "affine")
    assert count_colours(tmp_path / "Model.png") > 50


def test_the_light_estimate_alone_has_one_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = draw_model(tmp_path / "Model.png", encoder="none")
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed[:2]] == ["light", "all"]
    assert report.figures["parameters"] == sum(
        p.numel() for p in FusionNetwork("none", "cnn", "affine", 1).parameters()
    )
    assert count_colours(tmp_path / "Model.png") > 50


def test_shapes_of_the_table_are_those_of_the_size() -> None:
    shapes = {layer.name: layer.shape for layer in describe_layers(untrained("transformer"), 128)}
    assert shapes["encoder.stages.0"] == "64 x 32 x 32" and shapes["levels.2"] == "128 x 16 x 16"
    assert shapes["local"] == "12 x 16 x 16" and shapes["light"] == "12"


def test_a_built_model_has_the_asked_parts_and_pastes() -> None:
    network = carousel.Model.build_model("resnet18", "cnn", "colours", 2)
    assert network.settings == {"encoder": "resnet18", "decoder": "cnn", "head": "colours", "shrink": 2}
    loaded = carousel.Model.load_model
    assert loaded.__doc__ and callable(loaded)


def test_settings_of_model_out_of_range_are_named(tmp_path: Path, checkpoint: Path) -> None:
    other = tmp_path / "shrunk.pth"
    write_checkpoint(other, lively(shrink=2))
    for form, words in (
        ({"size_px": 100}, "SIZE_PX is 100; it must be a multiple of 32"),
        ({"size_px": 96, "shrink": 2}, "SIZE_PX is 96; it must be a multiple of 64"),
        ({"size_px": 96, "checkpoint": other}, "SIZE_PX is 96; it must be a multiple of 64"),
        ({"shrink": 0}, "SHRINK is 0"),
        ({"checkpoint": tmp_path / "none.pth"}, r"none\.pth: no such checkpoint"),
        ({"output": tmp_path / "Model.pdf"}, r"Model\.pdf; it needs the suffix \.png"),
    ):
        with pytest.raises(UserError, match=words):
            draw_model(**({"output": tmp_path / "Model.png"} | form))
    assert not (tmp_path / "Model.png").exists()


# ---- checkpoints ----


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as error:
        carousel.Model.load_model(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)
    return str(error.value)


def test_a_network_comes_back_in_half_precision_with_its_facts(content: dict[str, Any]) -> None:
    assert_plain(content)
    assert content["format"] == FORMAT and content["settings"] == {"steps": 3} and content["size_px"] == SIDE
    network, written = network_of(content, "own.pth"), lively()
    assert not network.training and network.settings == written.settings and network.size_px == SIDE
    for name, value in written.state_dict().items():
        expected = value.half().float() if value.ndim > 1 else value.float()
        assert torch.equal(network.state_dict()[name].float(), expected), name


@pytest.mark.parametrize(
    "changed", [{"decoder": "transformer"}, {"encoder": "resnet34"}, {"head": "colours"}, {"encoder": "resnet50"}]
)
def test_tensors_of_another_network_do_not_fit(content: dict[str, Any], changed: dict[str, str]) -> None:
    with pytest.raises(
        UserError, match=r"own\.pth: its tensors do not match its network; they belong to another encoder or decoder"
    ):
        network_of(content | {"network": content["network"] | changed}, "own.pth")


MISFITS: dict[str, dict[str, Any]] = {
    "no encoder": {"network": {"decoder": "cnn", "head": "affine", "shrink": 1}},
    "unknown encoder": {"network": {"encoder": "os", "decoder": "cnn", "head": "affine", "shrink": 1}},
    "not a ResNet": {"network": {"encoder": "vgg11", "decoder": "cnn", "head": "affine", "shrink": 1}},
    "a function": {"network": {"encoder": "list_models", "decoder": "cnn", "head": "affine", "shrink": 1}},
    "not to be shrunk by nothing": {
        "network": {"encoder": "resnet18", "decoder": "cnn", "head": "affine", "shrink": 0}
    },
    "too large for any memory": {
        "network": {"encoder": "resnet18", "decoder": "cnn", "head": "colours", "shrink": 10**7}
    },
    "no network": {"network": None},
    "another model": {"model": nn.Conv2d(3, 3, 3).state_dict()},
    "no tensors": {"model": {"local.bias": 1}},
    "nothing": {"model": None},
    "no size": {"size_px": None},
    "size 0": {"size_px": 0},
    "a size that cannot be halved": {"size_px": 100},
}


@pytest.mark.parametrize("kind", MISFITS)
def test_what_does_not_fit_is_refused(content: dict[str, Any], kind: str) -> None:
    with pytest.raises(UserError, match=r"own\.pth: its tensors do not match"):
        network_of(content | MISFITS[kind], "own.pth")


def test_a_file_of_the_other_decoder_is_one_line(checkpoint: Path, content: dict[str, Any]) -> None:
    torch.save(content | {"network": content["network"] | {"decoder": "transformer"}}, checkpoint)
    assert "its tensors do not match its network; they belong to another encoder or decoder" in refusal(checkpoint)


@pytest.mark.parametrize("kind", ATTACKS)
def test_a_malicious_pickle_is_refused_and_does_not_run(tmp_path: Path, kind: str) -> None:
    witness, path = tmp_path / "witness", tmp_path / "attack.pth"
    ATTACKS[kind]({"format": FORMAT, "size_px": SIDE, "model": {}, "settings": Attack(witness)}, path)
    assert "refused, it holds more than tensors and plain values" in refusal(path)
    assert not witness.exists()


FILES: dict[str, Callable[[Path], object]] = {
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-3000]),
    "empty": lambda path: path.write_bytes(b""),
    "a picture": lambda path: Image.new("RGB", (64, 64)).save(path, "PNG"),
    "of the mask model": lambda path: torch.save({"format": "re-live clothing mask U-Net 1"}, path),
    "a whole network": lambda path: torch.save(FusionNetwork("resnet18", "cnn", "affine", 1), path),
}


@pytest.mark.parametrize("kind", FILES)
def test_other_files_are_refused(checkpoint: Path, kind: str) -> None:
    FILES[kind](checkpoint)
    assert re.search(
        "damaged|refused|a checkpoint of another model; it must be one that Train.py wrote", refusal(checkpoint)
    )
