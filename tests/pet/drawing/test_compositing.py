"""Layers onto a body: their order, their edges, and pets as they should look."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from common.errors import UserError
from common.paths import DATA
from pet.choosing.wardrobe import LAYERS, body_for, load_bodies, load_wardrobe
from pet.drawing.compositing import Dresser

GOLDEN = Path(__file__).parent / "golden"
LOUD = np.array([255.0, 0.0, 255.0])
PET_DATA = DATA / "pet"
FILTER = Image.Resampling.HAMMING  # one that overshoots would draw rings around outlines


def assert_like_golden(actual: Image.Image, name: str, kept_in: Path) -> None:
    """Nearly the golden picture; else the actual one is kept, and the message says where."""
    kept = kept_in / f"actual_{name}"
    actual.save(kept)
    expected = Image.open(GOLDEN / name)
    assert (actual.mode, actual.size) == (expected.mode, expected.size), f"compare {kept} with {GOLDEN / name}"
    difference = np.abs(np.asarray(actual, np.int16) - np.asarray(expected, np.int16)).max(axis=-1)
    far = float((difference > 24).mean())
    assert difference.mean() < 1 and far < 0.003, (
        f"mean difference {difference.mean():.2f}, {far:.2%} of pixels are far off: compare {kept} with {GOLDEN / name}"
    )
    kept.unlink()


def square(path: Path, colour: tuple[int, int, int, int], box: tuple[int, int, int, int], side_px: int = 64) -> Path:
    picture = Image.new("RGBA", (side_px, side_px), (0, 0, 0, 0))
    picture.paste(colour, box)
    picture.save(path)
    return path


def soft_disc(path: Path, hidden: tuple[int, int, int], side_px: int = 256) -> Path:
    """An orange disc with an anti-aliased edge; `hidden` is the colour of its fully transparent pixels."""
    y, x = np.mgrid[:side_px, :side_px] - side_px / 2 + 0.5
    alpha = np.clip(side_px * 0.35 - np.hypot(x, y) + 0.5, 0, 1)
    pixels = np.empty((side_px, side_px, 4), np.uint8)
    pixels[..., :3] = np.where(alpha[..., None] > 0, (250, 140, 40), hidden)
    pixels[..., 3] = np.round(255 * alpha)
    Image.fromarray(pixels).save(path)
    return path


def exact_premultiplied(path: Path, size_px: int) -> NDArray[np.float64]:
    """The layer scaled with premultiplied alpha in floating point: (size, size, 4) from 0 to 255."""
    pixels = np.asarray(Image.open(path).convert("RGBA"), np.float32)
    pixels = np.concatenate([pixels[..., :3] * pixels[..., 3:] / 255, pixels[..., 3:]], axis=-1)
    bands = [
        np.asarray(Image.fromarray(band).resize((size_px, size_px), FILTER), np.float64)
        for band in np.moveaxis(pixels, -1, 0)
    ]
    alpha = bands[3].clip(0, 255)
    return np.stack([*(np.clip(band, 0, alpha) for band in bands[:3]), alpha], axis=-1)


def exact_over_loud(paths: Sequence[Path], size_px: int) -> NDArray[np.float64]:
    result = np.broadcast_to(LOUD, (size_px, size_px, 3))
    for path in paths:
        layer = exact_premultiplied(path, size_px)
        result = layer[..., :3] + result * (1 - layer[..., 3:] / 255)
    return result


def over_loud(picture: Image.Image) -> NDArray[np.float64]:
    pixels = np.asarray(picture, np.float64)
    return pixels[..., :3] * pixels[..., 3:] / 255 + LOUD * (1 - pixels[..., 3:] / 255)


# ---- order ----


def test_torso_lies_on_the_body_face_on_torso_and_head_on_face(tmp_path: Path) -> None:
    colours = {
        "Body": (10, 20, 30, 255), "Torso": (200, 0, 0, 255), "Face": (0, 200, 0, 255), "Head": (0, 0, 200, 255),
    }  # fmt: skip
    boxes = {"Body": (0, 0, 64, 64), "Torso": (0, 0, 48, 64), "Face": (0, 0, 32, 64), "Head": (0, 0, 16, 64)}
    files = {kind: square(tmp_path / f"{kind}.png", colours[kind], boxes[kind]) for kind in colours}
    worn = {slot: files[slot] for slot in ("Head", "Face", "Torso")}
    pet = Dresser(64).dress(files["Body"], worn)
    assert [pet.getpixel((x, 32)) for x in (8, 24, 40, 56)] == [colours[k] for k in ("Head", "Face", "Torso", "Body")]


def test_a_slot_may_be_absent_and_the_background_stays_transparent(tmp_path: Path) -> None:
    body = square(tmp_path / "body.png", (10, 20, 30, 255), (16, 16, 48, 48))
    head = square(tmp_path / "head.png", (0, 0, 200, 255), (16, 16, 32, 32))
    pet = Dresser(64).dress(body, {"Head": head})
    assert pet.mode == "RGBA" and pet.size == (64, 64)
    assert pet.getpixel((20, 20)) == (0, 0, 200, 255) and pet.getpixel((40, 40)) == (10, 20, 30, 255)
    assert pet.getpixel((4, 4)) == (0, 0, 0, 0)


def test_half_transparent_layers_mix_as_they_should(tmp_path: Path) -> None:
    body = square(tmp_path / "body.png", (200, 100, 0, 255), (0, 0, 64, 64))
    lens = square(tmp_path / "lens.png", (0, 0, 255, 128), (0, 0, 64, 64))
    pet = Dresser(64).dress(body, {"Face": lens})
    share = 128 / 255
    assert pet.getpixel((30, 30)) == pytest.approx((200 * (1 - share), 100 * (1 - share), 255 * share, 255), abs=1)


def test_a_dresser_keeps_no_trace_of_the_pet_before(tmp_path: Path) -> None:
    body = square(tmp_path / "body.png", (10, 20, 30, 255), (16, 16, 48, 48))
    hats = [square(tmp_path / f"{i}.png", (99 * i, 0, 99, 255), (8 * i, 0, 8 * i + 30, 30)) for i in range(3)]
    dresser = Dresser(48)
    first = [dresser.dress(body, {"Head": hat}).tobytes() for hat in hats]
    again = [Dresser(48).dress(body, {"Head": hat}).tobytes() for hat in reversed(hats)]
    assert first == again[::-1] and len(set(first)) == 3


# ---- edges ----


@pytest.mark.parametrize("hidden", [(0, 0, 0), (255, 255, 255), (0, 255, 0)], ids=["black", "white", "green"])
@pytest.mark.parametrize("size_px", [64, 100, 256, 400])
def test_edges_have_no_halo_whatever_colour_hides_under_transparency(
    hidden: tuple[int, int, int], size_px: int, tmp_path: Path
) -> None:
    path = soft_disc(tmp_path / "disc.png", hidden)
    pet = Dresser(size_px).dress(path, {})
    assert np.abs(over_loud(pet) - exact_over_loud([path], size_px)).max() <= 2


@pytest.mark.parametrize("size_px", [64, 100, 256, 400])
def test_no_ring_of_another_colour_stands_around_a_disc(size_px: int, tmp_path: Path) -> None:
    """Over a loud colour there is nothing but the disc's colour, the loud one, and mixtures of both."""
    pixels = over_loud(Dresser(size_px).dress(soft_disc(tmp_path / "disc.png", (0, 0, 0)), {}))
    disc = np.array([250.0, 140.0, 40.0])
    share = np.clip((LOUD - pixels)[..., 2:] / (LOUD - disc)[2], 0, 1)
    assert np.abs(pixels - (share * disc + (1 - share) * LOUD)).max() <= 2


@pytest.mark.parametrize(
    "file",
    ["Head/Earmuffs.png", "Face/Glitter_Tears.png", "Face/Guitar_Shades.png", "Torso/Battle_Vest.png", "Body/Cat.png"],
)
def test_edges_of_the_artwork_have_no_halo(file: str) -> None:
    pet = Dresser(300).dress(PET_DATA / file, {})
    assert np.abs(over_loud(pet) - exact_over_loud([PET_DATA / file], 300)).max() <= 2


def test_a_whole_pet_has_no_halo() -> None:
    worn = {"Torso": "Tie_Dye_Tee.png", "Face": "Heart_Sunglasses.png", "Head": "Flower_Crown.png"}
    files = {slot: PET_DATA / slot / file for slot, file in worn.items()}
    pet = Dresser(256).dress(PET_DATA / "Body/Bunny.png", files)
    exact = exact_over_loud([PET_DATA / "Body/Bunny.png", *(files[slot] for slot in LAYERS)], 256)
    assert np.abs(over_loud(pet) - exact).max() <= 3  # each of four layers rounds once more


# ---- bodies ----


def test_the_body_depends_on_nothing_but_the_name() -> None:
    bodies = load_bodies()
    turned = dict(reversed(bodies.items()))
    users = [f"user {i}" for i in range(400)]
    chosen = [body_for(user, bodies) for user in users]
    assert chosen == [body_for(user, turned) for user in users]
    assert all(chosen.count(body) > 400 / len(bodies) / 2 for body in bodies.values())
    assert {body_for(user, bodies, "Cat") for user in users} == {bodies["Cat"]}


# ---- golden pictures ----


@pytest.mark.parametrize(
    ("body", "head", "torso", "face"),
    [
        ("Bear", "Cowboy hat", "Fringe vest", "Wheat stalk"),
        ("Cat", "Mohawk", "Studded collar", "Punk piercings"),
        ("Bunny", "DJ headphones", "Equaliser T-shirt", "Rave visor"),
    ],
)
def test_pets_look_as_they_did(body: str, head: str, torso: str, face: str, tmp_path: Path) -> None:
    wardrobe = load_wardrobe()
    worn = {slot: wardrobe.find(name).file for slot, name in (("Head", head), ("Torso", torso), ("Face", face))}
    pet = Dresser(128).dress(load_bodies()[body], worn)
    assert_like_golden(pet, f"pet_{body}.png", tmp_path)


# ---- faults ----


def test_a_broken_layer_is_named(tmp_path: Path) -> None:
    body = square(tmp_path / "body.png", (10, 20, 30, 255), (16, 16, 48, 48))
    (tmp_path / "hat.png").write_bytes(body.read_bytes()[:60])
    with pytest.raises(UserError, match=r"hat\.png"):
        Dresser(64).dress(body, {"Head": tmp_path / "hat.png"})
