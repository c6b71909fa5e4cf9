"""Tiny collages that tests draw, and an untrained network of the fusion model."""

from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from carousel.collages.layout import Collage, CollageEntry, collage_bytes, compose, write_index
from carousel.fusion.checkpoint_format import write_checkpoint
from carousel.fusion.network import Decoder, FusionNetwork, Head
from common.files import write_bytes

SIDE = 64


def draw_collage(seed: int, side: int = SIDE) -> Collage:
    """A figure of a head and a body in its own colours, before a wall whose light falls off to one side."""
    rng = np.random.default_rng((seed, 4711))
    down, across = np.mgrid[0:side, 0:side].astype(np.float32) / side
    slope = rng.uniform(-0.4, 0.4, 2)
    light = 1 + slope[0] * (across - 0.5) + slope[1] * (down - 0.5)
    wall = (light[..., None] * rng.uniform(70, 190, 3)).clip(0, 255).astype(np.uint8)
    person = wall.copy()
    mask = np.zeros((side, side), np.uint8)
    middle = round(side * rng.uniform(0.4, 0.6))
    body = (middle, round(0.68 * side)), (round(0.16 * side), round(0.28 * side))
    head = (middle, round(0.32 * side)), (round(0.1 * side), round(0.12 * side))
    for centre, axes in (body, head):
        cv2.ellipse(person, centre, axes, 0, 0, 360, rng.integers(40, 220, 3).tolist(), -1)
        cv2.ellipse(mask, centre, axes, 0, 0, 360, 255, -1)
    grain = rng.integers(-5, 6, person.shape)
    truth = np.where(mask[..., None] > 0, person * light[..., None] + grain, wall + grain)
    plate = np.clip(wall + rng.integers(-5, 6, wall.shape), 0, 255).astype(np.uint8)
    background = np.where(cv2.dilate(mask, np.ones((3, 3), np.uint8))[..., None] > 0, plate, truth)
    return compose(truth.clip(0, 255).astype(np.uint8), background.clip(0, 255).astype(np.uint8), mask)


def write_collage(path: Path, collage: Collage) -> None:
    write_bytes(path, collage_bytes(collage))


def entry_of(name: str, scene: str) -> CollageEntry:
    return CollageEntry(name, f"album.zip/{scene}.jpg", scene, (0, 0, 640, 640), (100, 80, 300, 630), 0.97, "drawn")


def write_collages(folder: Path, count: int = 8, side: int = SIDE) -> list[CollageEntry]:
    """Drawn collages, two a scene, with their index."""
    entries = []
    for number in range(count):
        name = f"scene {number // 2}_{number % 2}.png"
        write_collage(folder / name, draw_collage(number, side))
        entries.append(entry_of(name, f"scene {number // 2}"))
    write_index(folder, entries)
    return entries


def untrained(decoder: Decoder = "cnn", head: Head = "affine", shrink: int = 1, seed: int = 0) -> FusionNetwork:
    """A small network that pastes, as networks do before training."""
    torch.manual_seed(seed)
    network = FusionNetwork("resnet18", decoder, head, shrink).eval()
    network.size_px = SIDE
    return network


def lively(decoder: Decoder = "cnn", head: Head = "affine", shrink: int = 1, seed: int = 0) -> FusionNetwork:
    """A small network whose random heads change colours visibly."""
    network = untrained(decoder, head, shrink, seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.startswith("local.") or (name.startswith("light.members.") and ".7." in name):
                parameter.normal_(0, 0.02)
    return network


def write_lively(path: Path, shrink: int = 1) -> FusionNetwork:
    """A checkpoint as training leaves it, and its network."""
    network = lively(shrink=shrink)
    write_checkpoint(path, network, settings={"steps": 3}, figures={"held-out gain": 0.5})
    return network


def count_colours(path: Path) -> int:
    """How many colours a PNG has; a blank one has a single one."""
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        pixels = np.asarray(picture.convert("RGB")).astype(np.int64)
    return len(np.unique(pixels @ [1 << 16, 1 << 8, 1]))


def assert_same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    """Bit for bit."""
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert torch.equal(value, other[name]), name
