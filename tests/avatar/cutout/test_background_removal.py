"""Cut-outs of people and drawings with known edges, the models behind them, and squares around faces."""

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from scipy.ndimage import binary_fill_holes

from avatar.cutout.background_removal import is_solid, keep_largest_part, previews, remove_background, without_holes
from avatar.cutout.foreground_models import (
    DEFAULT_MODEL,
    LICENCES,
    ForegroundModel,
    ModelName,
    load_foreground_model,
    logit,
)
from avatar.cutout.square_crop import FACE_LINE, HEAD_AND_SHOULDERS, ROOM, center_crop_to_square
from common.errors import UserError
from common.images import read_image
from common.paths import ROOT
from common.people.embedded_segmenter import WEIGHTS
from common.people.selection import Box, mask_iou
from common.weights import EMBEDDED, is_present
from tests.benchmarks.avatar_cutouts import FIGURES, GROUNDS, alpha_of, before, edge_error, framed, look_error
from tests.helpers import REAL_DATA, needs_real_data

pytestmark = pytest.mark.slow
needs_weights = pytest.mark.skipif(
    not all(is_present(EMBEDDED[name]) for name in WEIGHTS), reason="python3 run.py fetch, for the embedded model"
)


# ---- cut-outs ----


@needs_real_data("people")
@needs_weights
def test_a_real_person_is_cut_out_as_somebody_marked_them_by_hand() -> None:
    folder = REAL_DATA / "people"
    file = min((folder / "photos").glob("*.jpg"))
    photo = read_image(file, "RGB")
    cutout = remove_background(photo)
    assert (cutout.mode, cutout.size) == ("RGBA", photo.size)
    rgba = np.asarray(cutout)
    marked = np.asarray(read_image(folder / "masks" / f"{file.stem}.png", "L")) > 127
    assert mask_iou(rgba[..., 3] > 127, marked) > 0.95
    assert not rgba[rgba[..., 3] == 0].any(), "what is cut off leaves no colour behind"
    solid = rgba[..., 3] == 255
    np.testing.assert_array_equal(rgba[solid, :3], np.asarray(photo)[solid])


@needs_weights
@pytest.mark.parametrize(("figure", "ground"), [(1, "lime"), (4, "magenta")])
def test_no_halo_of_a_loud_ground_stays_around_a_drawn_figure(figure: int, ground: str) -> None:
    truth = framed(read_image(FIGURES[figure]))
    picture = before(truth, GROUNDS[ground])
    cleaned = remove_background(picture, "u2netp")  # the edge does not depend on the model
    assert mask_iou(alpha_of(cleaned) > 127, alpha_of(truth) > 127) > 0.95
    as_found = Image.merge("RGBA", (*picture.split(), cleaned.getchannel("A")))
    assert edge_error(cleaned, truth) < 0.6 * edge_error(as_found, truth)
    assert look_error(cleaned, truth) < 0.6 * look_error(as_found, truth)


def discs() -> Image.Image:
    """A red ring and a small red disc on a pale ground."""
    picture = Image.new("RGB", (800, 640), "#e8eef0")
    draw = ImageDraw.Draw(picture)
    draw.ellipse((80, 100, 520, 540), outline="#b01020", width=112)
    draw.ellipse((640, 260, 760, 380), fill="#b01020")
    return picture.reduce(4)


@needs_weights
def test_a_drawing_needs_no_person_and_parts_and_holes_are_kept_or_not() -> None:
    red = np.asarray(discs())[..., 1] < 100
    ring = red & (np.arange(200) < 145)
    plain = alpha_of(remove_background(discs())) > 127
    assert mask_iou(plain, red) > 0.8 and not plain[80, 75]
    alone = alpha_of(remove_background(discs(), "u2netp", only_largest=True, fill_holes=True)) > 127
    assert mask_iou(alone, binary_fill_holes(ring)) > 0.9 and not alone[:, 150:].any()


@needs_weights
def test_without_clean_edges_the_colours_are_the_pictures_own() -> None:
    cutout = np.asarray(remove_background(discs(), "u2netp", clean_edges=False))
    shown = cutout[..., 3] > 0
    np.testing.assert_array_equal(cutout[shown, :3], np.asarray(discs())[shown])
    assert (cutout[..., 3] % 255 > 0).any(), "the edge is soft"


@needs_weights
@pytest.mark.parametrize(("kind", "model"), [("one colour", "embedded"), ("noise", "u2netp")])
def test_a_picture_of_nothing_says_so(kind: str, model: ModelName) -> None:
    pixels = np.full((96, 96, 3), 120, np.uint8)
    if kind == "noise":
        pixels = np.random.default_rng(0).integers(0, 256, pixels.shape, np.uint8)
    with pytest.raises(UserError, match="nothing stands out from the background"):
        remove_background(Image.fromarray(pixels), model)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.3, 0.7))
def test_holes_are_what_the_edge_of_the_picture_does_not_reach(seed: int, share: float) -> None:
    mask = np.random.default_rng(seed).random((12, 15)) < share
    np.testing.assert_array_equal(without_holes(mask), binary_fill_holes(mask, np.ones((3, 3))))


def test_previews_show_the_grounds_through() -> None:
    cutout = Image.new("RGBA", (40, 40))
    cutout.paste("#ff0000", (10, 10, 30, 30))
    sheet = np.asarray(previews(cutout, tile_px=96))
    colours = {tuple(pixel) for pixel in sheet.reshape(-1, 3).tolist()}
    assert {(255, 0, 0), (255, 255, 255), (0, 0, 0), (222, 222, 222), (196, 196, 196)} <= colours
    assert sheet.shape[1] > 3 * 96


# ---- models ----


@needs_weights
def test_a_session_is_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_foreground_model("u2netp")

    def refuse(*_: object) -> None:
        raise AssertionError("loaded again")

    monkeypatch.setattr("rembg.new_session", refuse)
    assert load_foreground_model("u2netp") is first


def test_the_default_may_be_used_for_anything_and_every_model_has_a_licence() -> None:
    assert DEFAULT_MODEL == "embedded"
    assert [name for name, licence in LICENCES.items() if not licence.is_free] == ["bria-rmbg"]
    assert set(get_args(ModelName)) == {"embedded", *LICENCES}


def test_models_that_are_not_here_are_named_with_size_licence_folder_and_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("U2NET_HOME", raising=False)
    monkeypatch.setenv("REMBG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))  # where models of older versions lie
    place = re.escape(str(tmp_path / "home/models/isnet-anime/isnet-anime.onnx"))
    with pytest.raises(UserError, match=rf"isnet-anime \(176 MB, Apache-2.0\) are missing; .* {place}, .*new_session"):
        ForegroundModel("isnet-anime")
    with (
        pytest.warns(UserWarning, match="bria-rmbg: .* commercial use needs an agreement"),
        pytest.raises(UserError, match="bria-rmbg"),
    ):
        ForegroundModel("bria-rmbg")
    with pytest.raises(UserError, match="'sam'; choose one of embedded, u2netp"):
        ForegroundModel("sam")  # type: ignore[arg-type]
    damaged = tmp_path / "home/models/silueta/silueta.onnx"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"no model")
    with pytest.raises(UserError, match=r"silueta.onnx: ONNX Runtime cannot load it"):
        ForegroundModel("silueta")


@needs_weights
def test_the_embedded_weights_are_put_where_rembg_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("U2NET_HOME", raising=False)
    monkeypatch.setenv("REMBG_HOME", str(tmp_path))
    target = tmp_path / "models/u2netp/u2netp.onnx"
    target.parent.mkdir(parents=True)
    target.write_bytes(b"half a file")
    assert ForegroundModel("u2netp").weights == ["u2netp.onnx"]
    assert target.read_bytes() == EMBEDDED["u2netp.onnx"].path.read_bytes()


def test_weights_that_are_not_there_are_named_with_the_command_that_gets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.people.embedded_segmenter.is_present", lambda _: False)
    with pytest.raises(UserError, match=r"run\.py fetch .*u2netp\.onnx"):
        ForegroundModel("embedded")


@needs_weights
def test_the_embedded_model_loads_no_network_before_the_first_picture_and_never_rembg() -> None:
    code = f"""
import sys
import numpy as np
from PIL import Image
from avatar.cutout.background_removal import remove_background
from avatar.cutout.foreground_models import load_foreground_model
load_foreground_model("embedded")
print("onnxruntime" in sys.modules)
remove_background(Image.open({str(FIGURES[1])!r}).convert("RGB"))
print("onnxruntime" in sys.modules, "rembg" in sys.modules)
"""
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "True", "False"]


def test_logits_are_the_inverse_of_the_logistic_function_and_bounded() -> None:
    probability = np.array([0.0, 0.01, 0.5, 0.9, 1.0])
    np.testing.assert_allclose(1 / (1 + np.exp(-logit(probability)))[1:4], probability[1:4])
    assert np.isfinite(logit(probability)).all()


# ---- crops ----


@given(st.integers(8, 60), st.integers(8, 60))
def test_without_a_face_the_largest_square_in_the_middle(width: int, height: int) -> None:
    pixels = np.arange(width * height, dtype=np.int32).reshape(height, width)
    side = min(width, height)
    top, left = (height - side) // 2, (width - side) // 2
    crop = center_crop_to_square(Image.fromarray(pixels))
    np.testing.assert_array_equal(np.asarray(crop), pixels[top : top + side, left : left + side])


boxes = st.tuples(st.integers(-20, 99), st.integers(-20, 79), st.integers(1, 60), st.integers(1, 60)).filter(
    lambda box: box[0] + box[2] > 0 and box[1] + box[3] > 0
)


@given(boxes)
def test_a_square_around_a_face_lies_in_the_picture_and_shows_head_and_shoulders(place: Box) -> None:
    left, top, width, height = place
    across, down = np.meshgrid(np.arange(100, dtype=np.uint8), np.arange(80, dtype=np.uint8))
    picture = Image.fromarray(np.dstack([across, down, down]))
    crop = np.asarray(center_crop_to_square(picture, (left, top, left + width, top + height)))
    side = min(80, round(HEAD_AND_SHOULDERS * max(width, height)))
    assert crop.shape == (side, side, 3)
    start = crop[0, 0, :2].astype(float)
    wanted = np.array([left + width / 2 - side / 2, top + height / 2 - FACE_LINE * side]).clip(
        0, (100 - side, 80 - side)
    )
    assert abs(start[0] - wanted[0]) <= 0.5
    if side >= HEAD_AND_SHOULDERS * height:  # room enough for the usual place
        assert abs(start[1] - wanted[1]) <= 0.5
    else:
        assert start[1] <= wanted[1] + 0.5, "never less of the head"


@pytest.mark.parametrize("hair_top", [10, 40, 70])
@pytest.mark.parametrize("width", [120, 170, 400])
def test_no_hair_is_cut_off_where_the_figure_is_known(hair_top: int, width: int) -> None:
    figure = np.zeros((300, width), bool)
    figure[hair_top:, width // 2 - 30 : width // 2 + 30] = True
    face = (width // 2 - 30, 80, width // 2 + 30, 140)
    rows = Image.fromarray(np.arange(300, dtype=np.int32)[:, None].repeat(width, axis=1))
    crop = np.asarray(center_crop_to_square(rows, face, figure=figure))
    assert crop[0, 0] < hair_top or crop[-1, 0] < 140 + 0.1 * len(crop), "all of the hair, or at least the chin"
    assert crop[-1, 0] >= 140
    if hair_top >= 40:
        assert crop[0, 0] < hair_top


def test_what_is_far_above_a_head_does_not_move_the_crop() -> None:
    figure = np.ones((300, 200), bool)
    crop = center_crop_to_square(Image.new("L", (200, 300)), (85, 140, 115, 170), figure=figure)
    rows = Image.fromarray(np.arange(300, dtype=np.int32)[:, None].repeat(200, axis=1))
    first = np.asarray(center_crop_to_square(rows, (85, 140, 115, 170), figure=figure))[0, 0]
    assert crop.size == (90, 90) and 95 < first < 105


@pytest.mark.parametrize("file", FIGURES[:3], ids=lambda file: file.stem)
def test_without_a_face_the_square_keeps_the_head_of_a_whole_figure(file: Path) -> None:
    drawn = read_image(file)
    tall = Image.new("RGBA", (drawn.width, drawn.height + 300))
    tall.paste(drawn, (0, 200))
    crop = center_crop_to_square(tall, figure=is_solid(tall))
    top = np.flatnonzero(is_solid(crop).any(axis=1))[0]
    assert top == pytest.approx(ROOM * crop.width, abs=1)
    assert is_solid(crop)[top + 3 :].any(axis=1).all(), "the figure goes on to the lower edge"


def test_the_largest_part_of_a_cutout_stays_as_it_is() -> None:
    cutout = np.zeros((20, 20, 4), np.uint8)
    cutout[2:12, 2:12] = (10, 20, 30, 128)
    cutout[15:18, 15:18] = 255
    kept = np.asarray(keep_largest_part(Image.fromarray(cutout)))
    np.testing.assert_array_equal(kept[:12, :12], cutout[:12, :12])
    assert not kept[13:].any()


@pytest.mark.parametrize("box", [(10, 10, 10, 40), (40, 10, 10, 40), (100, 0, 130, 30), (-30, 0, 0, 30)])
def test_a_face_box_beside_the_picture_or_without_area_is_refused(box: Box) -> None:
    with pytest.raises(UserError, match=r"face box .* is not in the picture, which has 100 x 80 px"):
        center_crop_to_square(Image.new("RGB", (100, 80)), box)


def test_crops_get_smaller_but_never_larger_unless_asked() -> None:
    picture = Image.new("RGBA", (100, 80), "#123456ff")
    smaller = center_crop_to_square(picture, side_px=40)
    assert (smaller.size, smaller.mode, smaller.getpixel((20, 20))) == ((40, 40), "RGBA", (0x12, 0x34, 0x56, 0xFF))
    with pytest.warns(UserWarning, match="80 x 80 px, less than SIDE_PX 200; it is not enlarged"):
        assert center_crop_to_square(picture, side_px=200).size == (80, 80)
    assert center_crop_to_square(picture, side_px=200, enlarge=True).size == (200, 200)


def test_a_photo_of_a_turned_camera_is_cropped_upright(tmp_path: Path) -> None:
    upright = Image.fromarray(np.arange(60 * 90 * 3, dtype=np.uint32).astype(np.uint8).reshape(90, 60, 3))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it by 90 degrees clockwise to see it upright
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png", exif=exif)
    with Image.open(tmp_path / "turned.png") as turned:
        crop = center_crop_to_square(turned, (20, 0, 30, 10))
    np.testing.assert_array_equal(np.asarray(crop), np.asarray(upright)[0:30, 10:40])
