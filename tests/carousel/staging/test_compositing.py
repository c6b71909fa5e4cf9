"""Cut-outs and their way into a scene: form, resampling without fringes, and what stays bit for bit."""

import functools
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from carousel.fusion.inference import fuse
from carousel.fusion.network import FusionNetwork
from carousel.staging.compositing import PlacedCutout, fuse_cutout, paste, place_cutout
from carousel.staging.person_cutout import PersonCutout, read_cutout, trim_cutout
from carousel.staging.placement import PersonPlacement
from common.errors import UserError, enough_memory
from common.people.selection import SegmentedPerson, person_of

CPU = torch.device("cpu")
SHAPE = (150, 200)


@functools.cache
def lively_network() -> FusionNetwork:
    """A small network whose answers mean nothing but are far from the identity."""
    torch.manual_seed(0)
    network = FusionNetwork("resnet18", "cnn", "affine", shrink=1).eval()
    network.size_px = 64
    with torch.no_grad():
        network.local.weight.normal_(0, 0.01)
        assert network.local.bias is not None
        network.local.bias[9:] = torch.tensor([0.2, -0.1, 0.1])
    return network


def drawn_person(height: int = 120, seed: int = 0) -> np.ndarray:
    """A head, a body and two legs in noise, soft at the edges, on a transparent ground with hidden colours."""
    width = height // 2
    alpha = np.zeros((height, width), np.uint8)
    unit = height / 12
    cv2.ellipse(alpha, (width // 2, round(2 * unit)), (round(unit), round(1.4 * unit)), 0, 0, 360, 255, -1)
    cv2.rectangle(alpha, (round(1.6 * unit), round(3 * unit)), (round(4.4 * unit), round(7.5 * unit)), 255, -1)
    for left in (1.9, 3.3):
        cv2.rectangle(alpha, (round(left * unit), round(7 * unit)), (round((left + 0.8) * unit), height - 5), 255, -1)
    rgb = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return np.dstack([rgb, cv2.GaussianBlur(alpha, (0, 0), 0.8)])


def scene_of(seed: int = 1, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    """Soft spots of colour."""
    spots = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), np.uint8)
    return cv2.resize(spots, shape[::-1], interpolation=cv2.INTER_CUBIC)


def fused(placed: PlacedCutout, shadow: float = 0, scene: np.ndarray | None = None) -> np.ndarray:
    return fuse_cutout(
        scene_of() if scene is None else scene, placed, lively_network(), CPU, strength=1, shadow=shadow, scene_light=0
    ).picture


def whole_alpha(placed: PlacedCutout, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    alpha = np.zeros(shape, np.float32)
    alpha[placed.window] = placed.alpha
    return alpha


# ---- figures ----


def test_a_cut_out_is_trimmed_and_hides_its_colours() -> None:
    rgba = drawn_person()
    rgba[0, 0, 3] = 3  # what background removers leave everywhere
    figure = trim_cutout(rgba)
    assert figure.rgba.shape[0] < 120 and figure.rgba.shape[1] < 60
    assert not figure.rgba[figure.rgba[..., 3] == 0].any()
    left, top, right, bottom = figure.box
    solid = figure.rgba[..., 3] >= 128
    assert solid[top:bottom, left:right].sum() == solid.sum()
    assert solid[bottom - 1].any() and solid[top].any() and figure.height == bottom - top
    assert figure.silhouette.aspect == (right - left) / (bottom - top)
    assert 0.4 < figure.silhouette.foot < 0.6


def standing_forms() -> dict[str, tuple[np.ndarray, bool]]:
    """Silhouettes, and whether each is cut by its lower edge."""
    forms = {}
    bust = np.zeros((100, 110), np.uint8)
    cv2.ellipse(bust, (55, 30), (18, 25), 0, 0, 360, 255, -1)
    cv2.ellipse(bust, (55, 110), (45, 55), 0, 0, 360, 255, -1)
    forms["bust"] = bust, True
    floating = np.zeros((200, 160), np.uint8)
    floating[40:140, 20:130] = bust
    forms["bust with space around it"] = floating, True
    forms["whole person, trimmed"] = drawn_person()[:116, ..., 3], False
    gown = np.zeros((200, 90), np.uint8)
    cv2.fillPoly(gown, [np.array([[40, 0], [50, 0], [75, 199], [15, 199]])], 255)
    forms["gown"] = gown, False
    spread = np.zeros((150, 140), np.uint8)
    for foot in (15, 125):
        cv2.line(spread, (70, 5), (foot, 145), 255, 12)
    forms["legs apart"] = spread, False
    return forms


@pytest.mark.parametrize("name", standing_forms())
def test_half_figures_are_told_by_their_form(name: str) -> None:
    alpha, is_half = standing_forms()[name]
    rgba = np.dstack([np.full((*alpha.shape, 3), 90, np.uint8), alpha])
    assert trim_cutout(rgba).silhouette.is_half == is_half
    assert trim_cutout(rgba, is_half=not is_half).silhouette.is_half != is_half


def people_finder(*boxes: tuple[int, int, int, int]) -> Any:
    def find_people(photo: np.ndarray, source: Path) -> list[SegmentedPerson]:
        people = []
        for left, top, right, bottom in boxes:
            mask = np.zeros(photo.shape[:2], bool)
            mask[top:bottom, left:right] = True
            people.append(person_of(mask, 0.9))
        return people

    return find_people


def test_of_a_photo_the_largest_person_is_cut_out_and_said(tmp_path: Path) -> None:
    Image.fromarray(scene_of()).save(tmp_path / "photo.png")
    figure = read_cutout(tmp_path / "photo.png", people_finder((10, 10, 30, 60), (80, 20, 120, 140)))
    assert figure.notes[0] == "photo.png: shows 2 people, the largest one is used"
    assert "person and background have alike colours" in figure.notes[1], "as nobody is drawn there"
    assert abs(figure.height - 120) <= 8 and abs((figure.box[2] - figure.box[0]) - 40) <= 8
    assert not figure.silhouette.is_half


def test_a_choice_among_people_of_one_size_can_be_refused(tmp_path: Path) -> None:
    Image.fromarray(scene_of()).save(tmp_path / "photo.png")
    small, large, other = (10, 10, 30, 60), (80, 20, 120, 140), (130, 20, 160, 140)
    assert read_cutout(tmp_path / "photo.png", people_finder(small, large), refuse_several=True).height > 100
    with pytest.raises(UserError, match=r"photo\.png: shows 2 people; crop the photo, or set SEVERAL to largest"):
        read_cutout(tmp_path / "photo.png", people_finder(large, other), refuse_several=True)


@pytest.mark.parametrize(("bottom", "is_half"), [(150, True), (140, False)])
def test_a_photo_that_ends_above_the_feet_gives_a_half_figure(tmp_path: Path, bottom: int, is_half: bool) -> None:
    Image.fromarray(scene_of()).save(tmp_path / "photo.png")
    figure = read_cutout(tmp_path / "photo.png", people_finder((80, 20, 130, bottom)))
    assert figure.silhouette.is_half == is_half


@pytest.mark.parametrize(("left", "right", "is_half"), [(60, 140, True), (85, 115, False)])
def test_a_mask_that_fades_just_above_the_lower_edge_is_a_half_figure_if_it_is_wide(
    tmp_path: Path, left: int, right: int, is_half: bool
) -> None:
    photo = scene_of()
    Image.fromarray(photo).save(tmp_path / "photo.png")
    figure = read_cutout(tmp_path / "photo.png", people_finder((left, 20, right, round(0.975 * len(photo)))))
    assert figure.silhouette.is_half == is_half


def test_a_photo_without_anybody_is_refused(tmp_path: Path) -> None:
    Image.fromarray(scene_of()).save(tmp_path / "photo.png")
    with pytest.raises(UserError, match=r"photo\.png: no person found"):
        read_cutout(tmp_path / "photo.png", people_finder())


@pytest.mark.parametrize("alpha", [0, 5, 100])
def test_a_cut_out_of_nothing_is_refused(tmp_path: Path, alpha: int) -> None:
    rgba = drawn_person()
    rgba[..., 3] = alpha
    Image.fromarray(rgba).save(tmp_path / "ghost.png")
    with pytest.raises(UserError, match=r"ghost\.png: nothing to see"):
        read_cutout(tmp_path / "ghost.png", people_finder())


# ---- resampling ----


def test_at_its_own_size_a_figure_keeps_every_pixel() -> None:
    figure = trim_cutout(drawn_person())
    left, _, right, bottom = figure.box
    middle = figure.silhouette.foot * (right - left) + left
    placed = place_cutout(figure, PersonPlacement(30 + middle, 20 + bottom, figure.height), SHAPE)
    height, width = figure.rgba.shape[:2]
    rows, columns = placed.window
    inside = np.s_[20 - rows.start : 20 - rows.start + height, 30 - columns.start : 30 - columns.start + width]
    assert np.abs(placed.alpha[inside] - figure.rgba[..., 3] / 255).max() < 1e-6
    assert (placed.colours[inside] == figure.rgba[..., :3] * (figure.rgba[..., 3:] > 0)).all()
    assert placed.alpha.sum() == pytest.approx(placed.alpha[inside].sum())


def test_reduction_is_the_mean_of_premultiplied_pixels() -> None:
    rgba = drawn_person(480)
    rgba[..., 3] = np.where(rgba[..., 3] >= 8, rgba[..., 3], 0)
    full = PersonCutout(rgba, (0, 0, 240, 480), trim_cutout(rgba).silhouette)
    placed = place_cutout(full, PersonPlacement(100, 140, 120), SHAPE)
    premultiplied = rgba.astype(float)
    premultiplied[..., :3] *= rgba[..., 3:] / 255
    naive = premultiplied.reshape(120, 4, 60, 4, 4).mean(axis=(1, 3))
    rows, columns = placed.window
    top, left = 20 - rows.start, round(100 - full.silhouette.foot * 60) - columns.start
    ours = np.dstack([placed.colours * placed.alpha[..., None], 255 * placed.alpha])[top : top + 120, left : left + 60]
    assert np.abs(ours - naive).max() < 1.1


def test_hidden_colours_never_show() -> None:
    rgba = np.zeros((80, 40, 4), np.uint8)
    rgba[..., 0] = 255  # red where nothing is seen
    rgba[10:70, 10:30] = (0, 0, 255, 255)
    for height in (31, 45, 97, 140):
        placed = place_cutout(trim_cutout(rgba), PersonPlacement(100, 145, height), SHAPE)
        assert placed.colours[..., 0].max() == 0 and placed.colours[placed.alpha > 0.5][:, 2].min() >= 250
        straight = PersonCutout(rgba, (10, 10, 30, 70), trim_cutout(rgba).silhouette)
        assert place_cutout(straight, PersonPlacement(100, 145, height), SHAPE).colours[..., 0].max() == 0


@given(x=st.floats(0, 1), foot=st.floats(0.3, 1.3), height=st.floats(0.1, 2.5), source=st.sampled_from([30, 120, 700]))
def test_feet_and_head_are_where_the_spot_says(x: float, foot: float, height: float, source: int) -> None:
    figure = trim_cutout(drawn_person(source))
    spot = PersonPlacement(x * SHAPE[1], foot * SHAPE[0], height * SHAPE[0])
    try:
        placed = place_cutout(figure, spot, SHAPE)
    except UserError as error:
        assert "outside the scene" in str(error)
        return
    assert placed.alpha.shape == placed.colours.shape[:2] and placed.alpha.min() >= 0 and placed.alpha.max() <= 1
    rows = np.flatnonzero(whole_alpha(placed).max(axis=1) > 0.5)
    tolerance = 2 + spot.height / figure.height
    if len(rows) and spot.foot < SHAPE[0]:
        assert rows[-1] + 1 == pytest.approx(spot.foot, abs=tolerance)
    if len(rows) and spot.foot - spot.height > 0:
        assert rows[0] == pytest.approx(spot.foot - spot.height, abs=tolerance)


def test_a_person_outside_the_scene_is_refused() -> None:
    with pytest.raises(UserError, match="X, FOOT and HEIGHT place the person outside the scene"):
        place_cutout(trim_cutout(drawn_person()), PersonPlacement(100, 400, 100), SHAPE)


# ---- fusing ----


@settings(max_examples=12)
@given(
    shape=st.tuples(st.integers(8, 120), st.integers(8, 120)),
    x=st.floats(0, 1),
    foot=st.floats(0.2, 1.2),
    height=st.floats(0.2, 2),
)
def test_outside_the_alpha_the_scene_stays_bit_for_bit(
    shape: tuple[int, int], x: float, foot: float, height: float
) -> None:
    scene = scene_of(2, shape)
    before = scene.copy()
    try:
        placed = place_cutout(
            trim_cutout(drawn_person()), PersonPlacement(x * shape[1], foot * shape[0], height * shape[0]), shape
        )
    except UserError:
        return
    picture = fused(placed, scene=scene)
    alpha = whole_alpha(placed, shape)
    assert (picture[alpha == 0] == scene[alpha == 0]).all() and picture.dtype == np.uint8
    assert (scene == before).all()
    if (alpha > 0.9).sum() > 20:
        assert (picture[alpha > 0.9] != scene[alpha > 0.9]).mean() > 0.5


@pytest.mark.parametrize(
    "spot",
    [
        PersonPlacement(100, 130, 90),
        PersonPlacement(12, 145, 120),
        PersonPlacement(190, 160, 80),
        PersonPlacement(100, 150, 300),
    ],
)
def test_the_window_alone_gives_what_the_whole_scene_gives(spot: PersonPlacement) -> None:
    scene = scene_of()
    placed = place_cutout(trim_cutout(drawn_person()), spot, SHAPE)
    colours = np.zeros_like(scene)
    colours[placed.window] = placed.colours
    whole = fuse(lively_network(), CPU, scene, colours, whole_alpha(placed))
    assert np.abs(whole.astype(int) - fused(placed)).mean() < 0.5


def test_the_shadow_alone_changes_pixels_beside_the_figure_and_only_darkens() -> None:
    scene = scene_of()
    placed = place_cutout(trim_cutout(drawn_person()), PersonPlacement(100, 130, 100), SHAPE)
    result = fuse_cutout(scene, placed, lively_network(), CPU, strength=1, shadow=0.8, scene_light=0)
    beside = whole_alpha(placed) == 0
    changed = (result.picture != scene).any(axis=2) & beside
    assert changed.sum() == result.shaded > 20
    assert (result.picture[beside] <= scene[beside]).all()
    rows, columns = np.nonzero(changed)
    assert rows.min() > 110 and rows.max() < 145 and columns.min() > 60 and columns.max() < 140


def test_pasting_is_alpha_blending() -> None:
    rng = np.random.default_rng(4)
    background, colours = rng.integers(0, 256, (2, 40, 50, 3), np.uint8)
    alpha = rng.random((40, 50), np.float32).round(1)
    pasted = paste(background, colours, alpha)
    naive = alpha[..., None] * colours + (1 - alpha[..., None]) * background
    assert np.abs(pasted - naive).max() < 0.51
    assert (pasted[alpha == 0] == background[alpha == 0]).all() and (pasted[alpha == 1] == colours[alpha == 1]).all()


REMEDY = "make the scene smaller"


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        cv2.error("OpenCV(4.14.0) alloc.cpp:73: error: (-4:Insufficient memory) Failed to allocate 9 bytes"),
    ],
)
def test_full_memory_is_said_with_a_remedy(error: Exception) -> None:
    with (
        pytest.raises(UserError, match=r"not enough memory.*make the scene smaller"),
        enough_memory("make the scene smaller"),
    ):
        raise error


def test_other_errors_are_bugs_and_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="shapes differ"), enough_memory(REMEDY):
        raise RuntimeError("shapes differ")
