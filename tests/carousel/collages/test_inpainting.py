"""Filling the hole that a person leaves: nothing changes outside it, layers go on, LaMa runs where its weights are."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from carousel.collages.inpainting import Method, check_method, clean_background
from common.errors import UserError


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def hole_in(height: int, width: int, rows: slice, columns: slice) -> np.ndarray:
    hole = np.zeros((height, width), bool)
    hole[rows, columns] = True
    return hole


# ---- without weights ----


@given(st.integers(8, 60), st.integers(8, 60), st.integers(0, 1000), st.sampled_from(["patches", "rows", "opencv"]))
def test_outside_the_hole_nothing_changes(height: int, width: int, seed: int, method: Method) -> None:
    photo = noise(height, width, seed)
    hole = np.random.default_rng(seed).random((height, width)) < 0.3
    hole[0, 0] = False
    before = photo.copy()
    filled = clean_background(photo, hole, method)
    assert filled.shape == photo.shape and filled.dtype == np.uint8
    assert (filled[~hole] == photo[~hole]).all() and (photo == before).all()


@pytest.mark.parametrize("method", ["patches", "rows", "opencv"])
def test_one_colour_goes_on(method: Method) -> None:
    photo = np.full((64, 64, 3), (10, 120, 230), np.uint8)
    hole = hole_in(64, 64, slice(20, 64), slice(25, 45))
    wounded = np.where(hole[..., None], 0, photo).astype(np.uint8)
    assert (clean_background(wounded, hole, method) == photo).all(), "and nothing of the person shows"


def test_rows_are_interpolated_from_side_to_side() -> None:
    """Where all rows are alike, smoothing them changes nothing: known answer by the naive formula."""
    photo = np.repeat(noise(1, 50), 40, axis=0)
    hole = hole_in(40, 50, slice(0, 40), slice(10, 31))
    naive = photo.astype(float)
    for x in range(10, 31):
        share = (x - 9) / (31 - 9)
        naive[:, x] = (1 - share) * naive[:, 9] + share * naive[:, 31]
    filled = clean_background(photo, hole, "rows")
    assert np.abs(filled[hole] - naive[hole]).max() <= 1


def test_at_the_edge_of_the_photo_the_one_side_goes_on() -> None:
    photo = np.repeat(noise(1, 50), 40, axis=0)
    filled = clean_background(photo, hole_in(40, 50, slice(0, 40), slice(30, 50)), "rows")
    assert (filled[:, 30:] == photo[:, 29:30]).all()


def test_layers_keep_their_places_and_whole_rows_lie_between_their_neighbours() -> None:
    photo = np.zeros((100, 80, 3), np.uint8)
    photo[50:] = 200
    filled = clean_background(photo, hole_in(100, 80, slice(0, 100), slice(20, 60)), "rows")
    assert (filled[:45] == 0).all() and (filled[55:] == 200).all()
    gap = clean_background(photo, hole_in(100, 80, slice(45, 55), slice(0, 80)), "rows")
    middle = gap[:, 40, 0].astype(int)
    assert (np.diff(middle) >= 0).all() and 80 <= middle[50] <= 120


def test_no_hole_and_no_scene() -> None:
    photo = noise(16, 16)
    assert (clean_background(photo, np.zeros((16, 16), bool)) == photo).all()
    with pytest.raises(ValueError, match="smaller hole"):
        clean_background(photo, np.ones((16, 16), bool))
    with pytest.raises(ValueError, match="smaller hole"):
        clean_background(photo, np.zeros((16, 15), bool))


def test_an_unknown_method_is_said() -> None:
    with pytest.raises(UserError, match="INPAINTER is 'magic'"):
        check_method("magic")


# ---- LaMa ----


def small_lama(path: Path, scale: float, side: int | str = 512, channels: int = 1) -> Path:
    """A graph of LaMa's form that paints the hole in a middle grey."""
    onnx = pytest.importorskip("onnx")
    helper, real = onnx.helper, onnx.TensorProto.FLOAT
    inputs = [
        helper.make_tensor_value_info("image", real, [1, 3, side, side]),
        helper.make_tensor_value_info("mask", real, [1, channels, side, side]),
    ]
    output = helper.make_tensor_value_info("output", real, [1, 3, side, side])
    constants = [helper.make_tensor(n, real, [], [v]) for n, v in (("one", 1), ("grey", 0.5), ("to", scale))]
    steps = [("Sub", "one mask", "seen"), ("Mul", "image seen", "kept"), ("Mul", "mask grey", "paint")]
    steps += [("Add", "kept paint", "whole"), ("Mul", "whole to", "output")]
    nodes = [helper.make_node(kind, sources.split(), [name]) for kind, sources, name in steps]
    graph = helper.make_graph(nodes, "lama", inputs, [output], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, str(path))
    return path


@pytest.mark.parametrize(("scale", "side"), [(255.0, 512), (1.0, 512), (255.0, "s"), (255.0, 32)])
def test_lama_fills_the_hole(scale: float, side: int | str, tmp_path: Path) -> None:
    lama = small_lama(tmp_path / "lama.onnx", scale, side)
    check_method("lama", lama)
    photo, hole = noise(60, 40), hole_in(60, 40, slice(10, 40), slice(10, 30))
    filled = clean_background(photo, hole, "lama", lama)
    assert (filled[~hole] == photo[~hole]).all()
    assert np.abs(filled[14:36, 14:26].astype(int) - 128).max() <= 1


class Grey(torch.nn.Module):
    """LaMa's form as TorchScript: paints the hole in a middle grey; refuses sides that are no multiple of 8."""

    def forward(self, image: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        assert image.shape[2] % 8 == 0 and image.shape[3] % 8 == 0
        return image * (1 - mask) + 0.5 * mask


def test_lama_as_torchscript_fills_the_hole(tmp_path: Path) -> None:
    torch.jit.script(Grey()).save(str(tmp_path / "lama.pt"))
    check_method("lama", tmp_path / "lama.pt")
    photo, hole = noise(61, 43), hole_in(61, 43, slice(10, 40), slice(10, 30))
    filled = clean_background(photo, hole, "lama", tmp_path / "lama.pt")
    assert (filled[~hole] == photo[~hole]).all()
    assert np.abs(filled[14:36, 14:26].astype(int) - 128).max() <= 1
    torch.jit.script(torch.nn.Identity()).save(str(tmp_path / "other.pt"))
    with pytest.raises(UserError, match=r"other\.pt: is not LaMa as TorchScript"):
        check_method("lama", tmp_path / "other.pt")


def test_weights_that_are_not_there_or_not_lama_are_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"lama\.onnx: LaMa's weights are missing; save lama_fp32\.onnx"):
        check_method("lama", tmp_path / "lama.onnx")
    (tmp_path / "text.onnx").write_text("cbuiltins\nopen\n(VPWNED\nVw\ntR.")
    with pytest.raises(UserError, match=r"text\.onnx: is not a readable ONNX model"):
        check_method("lama", tmp_path / "text.onnx")
    assert not Path("PWNED").exists()
    with pytest.raises(UserError, match=r"other\.onnx: is not LaMa"):
        check_method("lama", small_lama(tmp_path / "other.onnx", 1.0, channels=3))
