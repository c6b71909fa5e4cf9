"""Pretrained layers: only arrays come out of a pickle, only the pinned file is read, and it is the genuine one."""

import io
import os
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from common.array_pickle import read_arrays
from common.errors import UserError
from common.imagenet.features import Lpips
from common.imagenet.normalisation import to_tensor
from common.imagenet.weights import (
    ALEXNET_FILE,
    TORCHVISION_VGG16,
    VGG16_FILE,
    load_alexnet,
    load_vgg16,
    parse_packaged,
    read_packaged,
    read_torchvision,
)
from common.weights import EMBEDDED, is_present


def needs(name: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not is_present(EMBEDDED[name]), reason=f"{name} is not here: {EMBEDDED[name].command}")


class Runs:
    """Runs a function where it is unpickled."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


# ---- untrusted pickles ----


def test_dictionaries_of_arrays_come_back() -> None:
    content = {"a": {"kernel": np.arange(6, dtype=np.float32).reshape(2, 3)}, "b": np.zeros(2)}
    for protocol in (3, 4):
        back = read_arrays(io.BytesIO(pickle.dumps(content, protocol=protocol)))
        assert (back["a"]["kernel"] == content["a"]["kernel"]).all()  # type: ignore[index]


@pytest.mark.parametrize(
    "attack",
    [
        Runs(os.mkdir, "broken_in"),
        Runs(eval, "__import__('os').mkdir('broken_in')"),
        {"VGG16_0": Runs(exec, "open('broken_in', 'w')")},
        np.load,
        np.array([Runs(os.mkdir, "broken_in")], dtype=object),
    ],
    ids=["function", "eval", "nested", "other NumPy function", "array of objects"],
)
def test_a_pickle_that_runs_something_is_refused(
    attack: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(pickle.UnpicklingError, match="is not a NumPy array"):
        read_arrays(io.BytesIO(pickle.dumps(attack, protocol=3)))
    assert list(tmp_path.iterdir()) == []


# ---- which file is read ----


def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None) -> Path:
    """Have the AlexNet file lie in a folder of the test's own."""
    path = tmp_path / ALEXNET_FILE
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setitem(EMBEDDED, ALEXNET_FILE, replace(EMBEDDED[ALEXNET_FILE], path=path))
    return path


def test_weights_that_are_missing_say_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = place(monkeypatch, tmp_path, None)
    with pytest.raises(UserError) as error:
        load_alexnet()
    assert str(path) in str(error.value) and "python3 run.py fetch alexnet.ckpt" in str(error.value)


def test_another_file_is_not_even_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    place(monkeypatch, tmp_path, pickle.dumps(Runs(os.mkdir, "broken_in")))
    with pytest.raises(UserError, match=r"is not the pinned file; fetch it"):
        Lpips()
    assert not (tmp_path / "broken_in").exists()


def test_torchvisions_file_is_taken_where_its_cache_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    path = tmp_path / "hub/checkpoints" / TORCHVISION_VGG16
    path.parent.mkdir(parents=True)
    layers = {"features.0.weight": torch.rand(4, 3, 3, 3), "features.0.bias": torch.rand(4)}
    torch.save(layers | {"classifier.0.weight": torch.rand(2, 2)}, path)
    pretrained = load_vgg16()
    assert pretrained.name == TORCHVISION_VGG16 and len(pretrained.convolutions) == 1
    kernel, bias = pretrained.convolutions[0]
    assert (kernel == layers["features.0.weight"]).all() and (bias == layers["features.0.bias"]).all()


@pytest.mark.parametrize("content", [b"", b"no weights", pickle.dumps(Runs(os.mkdir, "broken_in"))])
def test_a_damaged_file_in_torchvisions_cache_is_named(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / TORCHVISION_VGG16
    path.write_bytes(content)
    with pytest.raises(UserError, match="damaged, or not weights of torchvision"):
        read_torchvision(path)
    assert not (tmp_path / "broken_in").exists()


def test_kernels_are_brought_to_pytorchs_layout_in_the_order_of_the_network() -> None:
    rng = np.random.default_rng(0)
    shapes = [(3, 3, 2, 4)] * 11
    backbone = {f"Conv_{i}": {"kernel": rng.random(s), "bias": rng.random(4)} for i, s in enumerate(shapes)}
    heads = {f"NetLinLayer_{i}": {"Conv_0": {"kernel": rng.random((1, 1, 4, 1))}} for i in range(2)}
    shuffled = dict(sorted((heads | {"Net_0": dict(sorted(backbone.items()))}).items()))
    pretrained = parse_packaged("file", shuffled)
    for index, (kernel, bias) in enumerate(pretrained.convolutions):
        given = backbone[f"Conv_{index}"]
        assert kernel.shape == (4, 2, 3, 3) and kernel.dtype == torch.float32
        assert float(kernel[3, 1, 0, 2]) == pytest.approx(given["kernel"][0, 2, 1, 3])
        assert np.allclose(bias, given["bias"])
    assert [head.shape for head in pretrained.heads] == [(4,), (4,)]


# ---- genuine ----


@needs(VGG16_FILE)
def test_vgg16_is_torchvisions() -> None:
    """First filter and biases as in torchvision's vgg16-397923af.pth."""
    layers = read_packaged(VGG16_FILE).convolutions
    kernel, bias = layers[0]
    published = [[-0.5537, 0.1427, 0.5290], [-0.5831, 0.3566, 0.7657], [-0.6902, -0.0480, 0.4841]]
    assert np.allclose(kernel[0, 0], published, atol=6e-5)
    assert np.allclose(bias[:4], [0.4034, 0.3778, 0.4644, -0.3228], atol=6e-5)
    assert len(layers) == 13 and sum(part.numel() for layer in layers for part in layer) == 14_714_688


@needs(ALEXNET_FILE)
def test_lpips_orders_pictures_as_people_do() -> None:
    """Zhang et al. 2018: blur is worse than a slightly brighter picture that is as far away by squared error."""
    from skimage import data, filters

    photo = data.astronaut()[:192, 128:320]
    blurred = np.round(filters.gaussian(photo, 2, channel_axis=2) * 255).astype(np.uint8)
    distance = np.sqrt(np.mean((blurred.astype(float) - photo) ** 2))
    brighter = np.clip(photo + distance, 0, 255).astype(np.uint8)
    lpips = Lpips()
    assert lpips.weights == ALEXNET_FILE
    with torch.inference_mode():
        batch = torch.stack([to_tensor(picture) for picture in (photo, brighter, blurred)])
        same, light, blur = lpips(batch, to_tensor(photo)[None]).tolist()
    assert same == pytest.approx(0, abs=1e-9) and 0.001 < light < 0.1 and 0.25 < blur < 0.6
    heads = [float(head.mean()) for head in lpips.heads]
    assert np.allclose(heads, [0.03671, 0.08408, 0.10226, 0.10624, 0.07936], atol=1e-5), "those of lpips 0.1.4"
