"""Fusing at any size: identity outside the person, soft edges, bands, and the same as the network at its own size."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from carousel.fusion import inference
from carousel.fusion.inference import apply_transform, blend, fuse, load_model, predict_transform, upsample_transform
from carousel.fusion.light_estimate import PIVOT
from carousel.fusion.network import FusionNetwork, Head
from carousel.fusion.training_samples import fixed_form, to_sample
from common.errors import UserError
from common.imagenet.normalisation import to_uint8
from common.paths import DATA
from tests.carousel.helpers import SIDE, draw_collage, lively, untrained, write_lively

CPU = torch.device("cpu")
SEEDS = st.integers(0, 2**32 - 1)
HEADS: list[Head] = ["affine", "colours"]


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def networks() -> dict[str, FusionNetwork]:
    return {head: lively("cnn", head) for head in HEADS}


def random_case(seed: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scene, avatar and a soft alpha about an ellipse that may reach over the border."""
    rng = np.random.default_rng(seed)
    scene, avatar = rng.integers(0, 256, (2, height, width, 3), dtype=np.uint8)
    alpha = np.zeros((height, width), np.float32)
    centre = int(rng.integers(0, width)), int(rng.integers(0, height))
    axes = 1 + int(rng.integers(0, width // 2 + 1)), 1 + int(rng.integers(0, height // 2 + 1))
    cv2.ellipse(alpha, centre, axes, 0, 0, 360, 1, -1)
    return scene, avatar, alpha * rng.choice([1, rng.random()], alpha.shape).astype(np.float32)


# ---- what stays ----


@pytest.mark.parametrize("head", HEADS)
def test_outside_alpha_the_scene_comes_through_bit_for_bit_at_any_size(
    networks: dict[str, FusionNetwork], head: Head
) -> None:
    @settings(max_examples=25)
    @given(SEEDS, st.integers(1, 150), st.integers(1, 150))
    def check(seed: int, height: int, width: int) -> None:
        scene, avatar, alpha = random_case(seed, height, width)
        before = scene.copy(), avatar.copy(), alpha.copy()
        fused = fuse(networks[head], CPU, scene, avatar, alpha)
        assert fused.shape == scene.shape and fused.dtype == np.uint8 and fused is not scene
        np.testing.assert_array_equal(fused[alpha == 0], scene[alpha == 0])
        for part, was in zip((scene, avatar, alpha), before, strict=True):
            np.testing.assert_array_equal(part, was)

    check()


def test_without_a_person_the_scene_is_given_back_as_a_copy() -> None:
    scene, avatar, alpha = random_case(0, 33, 47)
    fused = fuse(untrained(), CPU, scene, avatar, 0 * alpha)
    np.testing.assert_array_equal(fused, scene)
    assert not np.shares_memory(fused, scene)


def test_parts_of_other_sizes_are_a_bug_of_the_caller() -> None:
    scene, avatar, alpha = random_case(0, 33, 47)
    for parts in ((scene[1:], avatar, alpha), (scene, avatar[:, 1:], alpha), (scene, avatar, alpha[1:])):
        with pytest.raises(ValueError, match="sizes differ"):
            fuse(untrained(), CPU, *parts)


# ---- what changes ----


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("seed", [0, 1])
def test_at_the_size_of_training_it_is_the_networks_own_composite(
    networks: dict[str, FusionNetwork], head: Head, seed: int
) -> None:
    example = fixed_form(np.random.default_rng(seed), draw_collage(seed), clean=False, erode_px=0)
    person = np.nonzero(example.mask)
    assert 1.4 * (1 + np.ptp(person[0])) > SIDE, "the person is so large that the window is the whole picture"
    alpha = (example.mask / 255).astype(np.float32)
    fused = fuse(networks[head], CPU, example.background, example.avatar, alpha)
    sample = to_sample(example)
    with torch.inference_mode():
        own = to_uint8(networks[head](sample["input"][None], sample["mask"][None]))[0]
    difference = np.abs(fused.astype(int) - own)
    assert difference.max() <= 1 and (difference > 0).mean() < 0.01
    changed = np.abs(fused.astype(int) - np.where(alpha[..., None] > 0, example.avatar, example.background))
    assert changed[person].mean() > 1, "the network did something"


@settings(max_examples=25)
@given(SEEDS, st.integers(8, 120), st.integers(8, 120))
def test_an_untrained_network_pastes_by_alpha(seed: int, height: int, width: int) -> None:
    scene, avatar, alpha = random_case(seed, height, width)
    fused = fuse(PASTING, CPU, scene, avatar, alpha)
    naive = scene + alpha[..., None].astype(float) * (avatar.astype(float) - scene)
    assert np.abs(fused - naive).max() <= 0.501


PASTING = untrained()


def test_a_known_transform_is_applied_at_full_resolution_pixel_by_pixel() -> None:
    network = untrained()
    matrix = np.array([[0.1, -0.05, 0], [0, -0.2, 0.1], [0.05, 0, 0.15]])
    offset = np.array([0.05, -0.04, 0.02])
    with torch.no_grad():
        assert network.local.bias is not None
        network.local.bias[:] = torch.tensor(np.concatenate([matrix.ravel(), offset]))
    scene, avatar, alpha = random_case(3, 301, 207)
    fused = fuse(network, CPU, scene, avatar, np.ceil(alpha))
    rgb = avatar / 255
    naive = rgb + offset + (rgb - PIVOT) @ matrix.T
    on = alpha > 0
    assert np.abs(fused[on] - (255 * naive).clip(0, 255)[on]).max() <= 0.51


@pytest.mark.parametrize("head", HEADS)
def test_strength_goes_in_a_straight_line_from_pasting_to_fusing(networks: dict[str, FusionNetwork], head: str) -> None:
    scene, avatar, alpha = random_case(4, 90, 70)
    pasted, half, whole = (
        fuse(networks[head], CPU, scene, 64 + avatar // 2, np.ceil(alpha), strength=s).astype(int) for s in (0, 0.5, 1)
    )
    inside = (np.minimum(pasted, whole) > 0) & (np.maximum(pasted, whole) < 255)
    np.testing.assert_array_equal(pasted[alpha > 0], (64 + avatar // 2)[alpha > 0])
    assert np.abs(2 * half - pasted - whole)[inside].max() <= 2 and np.abs(whole - pasted).mean() > 1


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("rows", [1, 7, 64])
def test_bands_do_not_show(
    networks: dict[str, FusionNetwork], head: Head, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, avatar, alpha = random_case(8, 263, 181)
    monkeypatch.setattr(inference, "BAND_ROWS", 10_000)
    whole = fuse(networks[head], CPU, scene, avatar, alpha)
    monkeypatch.setattr(inference, "BAND_ROWS", rows)
    np.testing.assert_array_equal(fuse(networks[head], CPU, scene, avatar, alpha), whole)


@pytest.mark.parametrize("corner", [(0, 0), (0, 140), (100, 0), (100, 140)])
def test_a_person_in_any_corner_is_fused_whole(networks: dict[str, FusionNetwork], corner: tuple[int, int]) -> None:
    scene, avatar, _ = random_case(2, 130, 160)
    alpha = np.zeros((130, 160), np.float32)
    alpha[corner[0] : corner[0] + 30, corner[1] : corner[1] + 20] = 1
    fused = fuse(networks["affine"], CPU, scene, avatar, alpha)
    pasted = np.where(alpha[..., None] > 0, avatar, scene)
    difference = np.abs(fused.astype(int) - pasted)
    assert (difference[alpha > 0].sum(axis=1) > 0).mean() > 0.8 and not difference[alpha == 0].any()


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("size", [(64, 64), (200, 150)])
def test_colours_under_alpha_0_do_not_matter(
    networks: dict[str, FusionNetwork], head: Head, size: tuple[int, int]
) -> None:
    """Not even at the rim, where a smaller picture mixes neighbours."""
    scene, avatar, alpha = random_case(8, *size)
    alpha = np.ceil(alpha)
    ours, theirs = (
        fuse(networks[head], CPU, scene, np.where(alpha[..., None] > 0, avatar, hidden).astype(np.uint8), alpha)
        for hidden in (0, 255)
    )
    np.testing.assert_array_equal(ours, theirs)


def test_what_lies_far_from_the_person_does_not_matter(networks: dict[str, FusionNetwork]) -> None:
    scene, avatar, _ = random_case(4, 200, 200)
    alpha = np.zeros((200, 200), np.float32)
    alpha[80:120, 90:110] = 1
    other = scene.copy()
    other[:60], other[140:] = 0, 255  # the window is 56 px about the middle
    ours, theirs = (fuse(networks["affine"], CPU, picture, avatar, alpha)[alpha > 0] for picture in (scene, other))
    np.testing.assert_array_equal(ours, theirs)


def test_the_surroundings_do_matter(networks: dict[str, FusionNetwork]) -> None:
    scene, avatar, _ = random_case(4, 200, 200)
    alpha = np.zeros((200, 200), np.float32)
    alpha[80:120, 90:110] = 1
    ours, theirs = (fuse(networks["affine"], CPU, part, avatar, alpha)[alpha > 0] for part in (scene, scene // 3))
    assert (ours != theirs).any()


# ---- parts ----


@settings(max_examples=25)
@given(SEEDS, st.integers(1, 16), st.integers(1, 200), st.integers(1, 200), st.sampled_from([3, 12]))
def test_enlarging_is_the_bilinear_one_of_pytorch(seed: int, side: int, width: int, height: int, channels: int) -> None:
    rng = np.random.default_rng(seed)
    transform = rng.random((side, side, channels), np.float32)
    whole = upsample_transform(transform, (width, height), (0, 0, width, height))
    tensor = torch.from_numpy(transform).permute(2, 0, 1)[None]
    theirs = torch.nn.functional.interpolate(tensor, (height, width), mode="bilinear", align_corners=False)
    assert whole.shape == (height, width, channels) and whole.dtype == np.float32
    # OpenCV rounds places to a 32nd of a pixel
    np.testing.assert_allclose(whole, theirs[0].permute(1, 2, 0).numpy(), atol=1 / 32 + 1e-4)
    x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
    part = upsample_transform(transform, (width, height), (x, y, width - x, height - y))
    np.testing.assert_array_equal(part, whole[y:, x:])


def test_the_network_sees_the_person_cut_out_and_the_scene_at_its_own_size() -> None:
    seen = {}

    class Watching(FusionNetwork):
        def transform(self, inputs: torch.Tensor, mask: torch.Tensor, fold: torch.Tensor | None = None) -> torch.Tensor:
            seen["inputs"], seen["mask"] = inputs, mask
            return super().transform(inputs, mask, fold)

    network = Watching("resnet18", "cnn", "affine", 1).eval()
    network.size_px = SIDE
    collage = draw_collage(0, 2 * SIDE)
    alpha = (collage.mask / 255).astype(np.float32)
    assert predict_transform(network, CPU, collage.background, collage.truth, alpha).shape == (8, 8, 12)
    background, avatar = to_uint8(seen["inputs"][0].view(2, 3, SIDE, SIDE))
    mask = seen["mask"][0, 0].numpy()
    assert set(np.unique(mask)) == {0, 1}
    halves = alpha.reshape(SIDE, 2, SIDE, 2)
    np.testing.assert_array_equal(mask, halves.mean(axis=(1, 3)) > 0.5)
    mean = collage.background.reshape(SIDE, 2, SIDE, 2, 3).mean(axis=(1, 3))
    assert np.abs(background - mean).max() <= 0.51
    weighed = (collage.truth * alpha[..., None]).reshape(SIDE, 2, SIDE, 2, 3).sum(axis=(1, 3))
    naive = weighed / np.maximum(halves.sum(axis=(1, 3)), 1)[..., None]
    assert np.abs(avatar - naive)[mask > 0].max() <= 0.51 and not avatar[mask == 0].any()


def test_blending_clips_rounds_and_takes_the_scene_where_alpha_is_0() -> None:
    scene = np.full((1, 5, 3), 100, np.uint8)
    person = np.full((1, 5, 3), 300.0, np.float32)
    person[0, 3], person[0, 4] = -80, np.nan
    blended = blend(scene, person, np.array([[0, 0.255, 1, 1, 0]], np.float32))
    np.testing.assert_array_equal(blended[0, :, 0], [100, 151, 255, 0, 100])


@pytest.mark.parametrize("head", HEADS)
def test_a_transform_of_zeros_changes_no_colour(networks: dict[str, FusionNetwork], head: Head) -> None:
    avatar = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    nothing = np.zeros((9, 7, 12 if head == "affine" else 3), np.float32)
    np.testing.assert_array_equal(apply_transform(networks[head], nothing, avatar), avatar)


# ---- a network from its checkpoint ----


def test_a_loaded_network_fuses_as_the_one_that_was_written(tmp_path: Path) -> None:
    written = write_lively(tmp_path / "my model.pth")
    loaded, device = load_model(tmp_path / "my model.pth")
    assert not loaded.training and loaded.size_px == SIDE and loaded.settings == written.settings
    scene, avatar, alpha = random_case(5, 90, 120)
    ours, theirs = fuse(written, CPU, scene, avatar, alpha), fuse(loaded, device, scene, avatar, alpha)
    assert np.abs(ours.astype(int) - theirs).max() <= 2, "weights are kept in half precision"


def test_what_is_no_checkpoint_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.pth: no such checkpoint, neither here nor in .*carousel"):
        load_model("none.pth")
    (tmp_path / "text.pth").write_text("hello", encoding="utf-8")
    with pytest.raises(UserError, match=r"text\.pth: (damaged|refused)"):
        load_model(tmp_path / "text.pth")


# ---- the model that ships ----


@pytest.mark.parametrize("number", [1, 4, 7])
@pytest.mark.parametrize("name", ["fusion_model.pth", "fusion_resnet18.pth"])
def test_fusing_the_fused_person_again_settles(name: str, number: int) -> None:
    """Each round changes the person less than the one before, so that nobody darkens or fades away."""
    network, device = load_model(name)
    scene = np.asarray(Image.open(sorted(DATA.glob("carousel/plates/*.jpg"))[number]).convert("RGB").resize((384, 256)))
    cutout = Image.open(DATA / f"carousel/people/person_{number:02d}.png").convert("RGBA")
    sheet = Image.new("RGBA", (384, 256))
    cutout.thumbnail((200, 220))
    sheet.paste(cutout, (150, 256 - cutout.height))
    person, alpha = np.asarray(sheet)[..., :3], np.asarray(sheet)[..., 3] / np.float32(255)
    solid = alpha == 1
    changes = []
    for _ in range(4):
        fused = fuse(network, device, scene, person, alpha)
        changes.append(np.abs(fused.astype(int) - person)[solid].mean())
        person = np.where(solid[..., None], fused, person)
    assert changes[0] > 0.2, "it does change"
    assert changes[1] <= changes[0] and changes[3] < 0.5 * changes[0] + 0.2, changes
