"""Files of Aseprite: what is written is read again; all depths; clothes in layers; damaged and hostile files."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.errors import UserError
from masks.sets.pairs import read_mask
from masks.sets.working_set import read_reviewed
from masks.sheets.aseprite_files import aseprite_bytes, read_aseprite
from masks.sheets.layered_sprites import FrameTag, LayeredSprite, NamedLayer
from tests.helpers import load_main
from tests.masks.sample_sets import drawn_pair

SIDE = 48


def sprite() -> LayeredSprite:
    """A body, a shirt that hangs over it, and hair in front of the shirt, in three frames."""
    layers: dict[str, list[np.ndarray]] = {"Body": [], "Hemd, grün": [], "hair": []}
    for seed in range(3):
        base, clothed, mask = drawn_pair(seed, SIDE)
        fringe = np.zeros_like(base)
        fringe[14:18] = np.where(base[14:18, :, 3:] > 0, np.array([60, 40, 30, 255], np.uint8), 0)
        for frames, frame in zip(layers.values(), (base, clothed * (mask > 0)[..., None], fringe), strict=True):
            frames.append(frame)
    tags = (FrameTag("walk", 0, 1), FrameTag("idle", 2, 2))
    return LayeredSprite([NamedLayer(*item) for item in layers.items()], (80, 120, 60_000), tags, "Ana Núñez, CC0")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "dressed.aseprite"
    path.write_bytes(aseprite_bytes(sprite()))
    return path


def test_what_is_written_is_read_again(file: Path) -> None:
    ours, read = sprite(), read_aseprite(file)
    assert [layer.name for layer in read.layers] == [layer.name for layer in ours.layers]
    assert (read.durations_ms, read.tags, read.credits) == (ours.durations_ms, ours.tags, ours.credits)
    for written, found in zip(ours.layers, read.layers, strict=True):
        assert all(np.array_equal(*frames) for frames in zip(written.frames, found.frames, strict=True))


def small_file(depth: int, chunks: list[tuple[int, bytes]], flags: int = 1) -> bytes:
    """A file of one frame of 8 x 8 px, from its documented parts."""
    body = b"".join(struct.pack("<IH", len(content) + 6, kind) + content for kind, content in chunks)
    frame = struct.pack("<IHHH2xI", len(body) + 16, 0xF1FA, len(chunks), 100, len(chunks)) + body
    head = struct.pack("<IHHHHHIH8xB3xH", 128 + len(frame), 0xA5E0, 1, 8, 8, depth, flags, 100, 0, 2)
    return head.ljust(128, b"\0") + frame


def layer(
    name: bytes, flags: int = 1, kind: int = 0, level: int = 0, opacity: int = 255, blend: int = 0
) -> tuple[int, bytes]:
    return 0x2004, struct.pack("<HHHHHHB3xH", flags, kind, level, 0, 0, blend, opacity, len(name)) + name


def cel(
    index: int, pixels: bytes, place: tuple[int, int] = (0, 0), size: tuple[int, int] = (2, 1), lift: int = 0
) -> tuple[int, bytes]:
    return 0x2005, struct.pack("<HhhBHh5xHH", index, *place, 255, 2, lift, *size) + zlib.compress(pixels)


PALETTE = (0x2019, struct.pack("<III8x", 2, 0, 1) + struct.pack("<HBBBB", 0, 1, 2, 3, 255) + b"\0\0\x0a\x14\x1e\xff")


@pytest.mark.parametrize(
    ("depth", "pixels", "seen"),
    [
        (32, bytes([9, 8, 7, 255, 1, 2, 3, 128]), [(9, 8, 7, 255), (1, 2, 3, 128)]),
        (16, bytes([50, 255, 60, 10]), [(50, 50, 50, 255), (60, 60, 60, 10)]),
        (8, bytes([1, 0]), [(10, 20, 30, 255), (0, 0, 0, 0)]),
    ],
)
def test_every_colour_depth(depth: int, pixels: bytes, seen: list[tuple[int, ...]], tmp_path: Path) -> None:
    path = tmp_path / "one.ase"
    path.write_bytes(small_file(depth, [PALETTE, layer(b"body"), cel(0, pixels, (3, 4))]))
    frame = read_aseprite(path).layers[0].frames[0]
    assert [tuple(map(int, pixel)) for pixel in frame[4, 3:5]] == seen
    assert np.count_nonzero(frame[..., 3]) == sum(pixel[3] > 0 for pixel in seen)


def test_cels_outside_the_canvas_are_cut_and_hidden_layers_and_groups_left_out(tmp_path: Path) -> None:
    path = tmp_path / "one.ase"
    pixels = bytes([9, 8, 7, 255, 1, 2, 3, 255])
    chunks = [
        layer(b"group", flags=0, kind=1),
        layer(b"child", level=1),
        layer(b"body", opacity=51),
        layer(b"off", flags=0),
    ]
    path.write_bytes(small_file(32, [*chunks, cel(1, pixels), cel(2, pixels, (-1, 0)), cel(3, pixels)]))
    read = read_aseprite(path)
    assert [layer.name for layer in read.layers] == ["body"]
    assert tuple(map(int, read.layers[0].frames[0][0, 0])) == (1, 2, 3, 51)
    assert np.count_nonzero(read.layers[0].frames[0]) == 4


def test_groups_say_what_is_body_and_hold_names_that_recur(tmp_path: Path) -> None:
    path = tmp_path / "one.ase"
    chunks = [
        layer(b"Body", kind=1, opacity=51),
        layer(b"legs", level=1),
        layer(b"Outfit", kind=1),
        layer(b"legs", level=1),
        layer(b"head", level=1),  # a hat
        layer(b"Headband"),
        layer(b"reference", flags=1 | 64),
    ]
    cels = [cel(index, bytes([index, 0, 0, 255]), (index, 0), (1, 1)) for index in (1, 3, 4, 5, 6)]
    path.write_bytes(small_file(32, [*chunks, *cels], flags=1 | 2))
    read = read_aseprite(path)
    assert [layer.name for layer in read.layers] == ["Body/legs", "Outfit/legs", "Outfit/head", "Headband"]
    assert [layer.name for layer in read.body()] == ["Body/legs"]
    assert read.flat(0)[0, :7, 3].tolist() == [0, 51, 0, 255, 255, 255, 0]
    assert read.clothing_mask(0, read.body())[0, :7].tolist() == [0, 0, 0, 255, 255, 255, 0]


def test_blend_modes_the_order_of_cels_and_opaque_backgrounds(tmp_path: Path) -> None:
    path = tmp_path / "one.ase"
    grey, red = bytes([100, 100, 100, 255]), bytes([255, 51, 0, 255])
    path.write_bytes(
        small_file(32, [layer(b"body"), layer(b"shade", blend=1), cel(0, grey, size=(1, 1)), cel(1, 2 * red)])
    )
    read = read_aseprite(path)
    assert read.flat(0)[0, :2].tolist() == [[100, 20, 0, 255], [255, 51, 0, 255]]  # multiplied, where there is a body
    assert read.clothing_mask(0, read.body())[0, :2].tolist() == [0, 255]  # a shade on the body is not clothing
    path.write_bytes(
        small_file(32, [layer(b"body"), layer(b"coat"), cel(0, grey, size=(1, 1), lift=2), cel(1, red, size=(1, 1))])
    )
    assert read_aseprite(path).flat(0)[0, 0].tolist() == list(grey)  # this cel of the body is drawn above the coat
    path.write_bytes(small_file(8, [PALETTE, layer(b"ground", flags=1 | 8), cel(0, bytes([0, 1]))]))
    assert read_aseprite(path).flat(0)[0, :2].tolist() == [[1, 2, 3, 255], [10, 20, 30, 255]]


def test_a_file_with_layers_is_the_pair_and_the_truth(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "training data"
    load_main("masks/1_split_spritesheet.py")(
        base=(file,), clothed=(file,), training_data=folder, output=tmp_path / "c.png", scale=1
    )
    assert read_reviewed(folder) == {"00", "01", "02"}
    for seed in range(3):
        truth = drawn_pair(seed, SIDE)[2]
        truth[14:18][drawn_pair(seed, SIDE)[0][14:18, :, 3] > 0] = 0  # hair in front
        assert np.array_equal(read_mask(folder / f"masks_corrected/mask_0{seed}.png"), truth)


def test_damaged_files_end_in_one_line(file: Path, tmp_path: Path) -> None:
    content = file.read_bytes()
    path = tmp_path / "damaged.ase"
    for keep in (0, 1, 20, 127, 128, 140, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:keep])
        with pytest.raises(UserError, match=r"damaged\.ase: "):
            read_aseprite(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.integers(0, 2**16), st.integers(0, 255))
def test_any_changed_byte_is_read_or_refused(file: Path, place: int, value: int) -> None:
    content = bytearray(file.read_bytes())
    content[place % len(content)] = value
    path = file.with_name("changed.ase")
    path.write_bytes(content)
    try:
        read_aseprite(path)
    except UserError as error:
        assert str(error).startswith(str(path))


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (small_file(32, [layer(b"body"), cel(0, b"", size=(65535, 65535))]), "limit of 64 megapixels"),
        (small_file(32, [layer(b"body"), cel(0, bytes(4))]), "lacks pixels"),
        (small_file(32, [layer(b"tiles", kind=2)]), "tilemap"),
        (small_file(32, [layer(b"body", flags=0)]), "hidden"),
        (small_file(32, [layer(b"x") for _ in range(300)]), "256 layers"),
        (small_file(24, [layer(b"body")]), "not a file of Aseprite"),
        (small_file(32, []), "no layers"),
    ],
)
def test_hostile_files_are_refused(content: bytes, fault: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.ase"
    path.write_bytes(content)
    with pytest.raises(UserError, match=fault):
        read_aseprite(path)
