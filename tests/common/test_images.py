import io
import json
import os
import random
import struct
import subprocess
import sys
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from common.errors import UserError
from common.images import MAX_PIXELS, MIN_SIDE_PX, Mode, decode_image, drawing_png_bytes, read_image, write_png
from tests.helpers import BAD_INPUTS, ROOT, heic_bytes, needs_bad_inputs

MODES: list[Mode] = ["RGBA", "RGB", "L"]
Pixels = NDArray[np.uint8]
posix_only = pytest.mark.skipif(os.name == "nt", reason="Windows has no file size limit of a process")


def noise(height: int, width: int, channels: int, seed: int = 0) -> Pixels:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)
    return pixels[..., 0] if channels == 1 else pixels


def photo(width: int = 40, height: int = 24) -> Image.Image:
    """Smooth colours, which JPEG keeps within a few steps."""
    low = Image.fromarray(np.random.default_rng(0).integers(0, 256, (3, 4, 3), dtype=np.uint8))
    return low.resize((width, height), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    if kind == "HEIF":
        return heic_bytes(image, **options)
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    chunks, start = [], 8
    while start < len(data):
        (length,) = struct.unpack_from(">I", data, start)
        chunks.append((data[start + 4 : start + 8], data[start + 8 : start + 8 + length]))
        start += 12 + length
    return chunks


def png_of_chunks(chunks: list[tuple[bytes, bytes]]) -> bytes:
    parts = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def refused(path: Path, *words: str, **options: Any) -> None:
    """Every mode refuses it in one line that names the file, and gives no stray warning."""
    for mode in MODES:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(UserError) as caught:
                read_image(path, mode, **options)
        message = str(caught.value)
        assert path.name in message and "\n" not in message
        for word in words:
            assert word in message, message


@contextmanager
def said() -> Iterator[list[str]]:
    """Collect the texts of warnings."""
    texts: list[str] = []
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        yield texts
    texts += [str(warning.message) for warning in seen]


# ---- what is read is what a person sees ----


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pixels_come_back_exactly_in_their_own_mode(tmp_path: Path, channels: int) -> None:
    modes: dict[int, Mode] = {1: "L", 3: "RGB", 4: "RGBA"}
    mode = modes[channels]
    pixels = noise(17, 29, channels)
    Image.fromarray(pixels).save(tmp_path / "in.png")
    image = read_image(tmp_path / "in.png", mode)
    assert image.mode == mode
    assert np.array_equal(np.asarray(image), pixels)


def test_an_opaque_picture_gets_full_alpha_and_keeps_its_colours(tmp_path: Path) -> None:
    pixels = noise(12, 13, 3)
    Image.fromarray(pixels).save(tmp_path / "in.png")
    rgba = np.asarray(read_image(tmp_path / "in.png"))
    assert np.array_equal(rgba[..., :3], pixels)
    assert (rgba[..., 3] == 255).all()


ORIENTED = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: stored.swapaxes(0, 1)[:, ::-1],
    7: lambda stored: stored[::-1, ::-1].swapaxes(0, 1),
    8: lambda stored: stored.swapaxes(0, 1)[::-1],
}


@pytest.mark.parametrize("orientation", ORIENTED)
@pytest.mark.parametrize("mode", MODES)
def test_the_exif_orientation_is_applied(tmp_path: Path, orientation: int, mode: Mode) -> None:
    stored = noise(10, 15, 3)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(stored).save(tmp_path / "in.png", exif=exif)
    upright = Image.fromarray(np.ascontiguousarray(ORIENTED[orientation](stored))).convert(mode)
    assert np.array_equal(np.asarray(read_image(tmp_path / "in.png", mode)), np.asarray(upright))


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_photos_of_phones_are_read_upright_without_metadata(tmp_path: Path, kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "SECRET-CAMERA"
    stored = photo(96, 64)
    (tmp_path / "photo").write_bytes(encoded(stored, kind, exif=exif.tobytes()))
    assert b"SECRET" in (tmp_path / "photo").read_bytes()
    with said() as texts:
        image = read_image(tmp_path / "photo", "RGB")
    upright = ORIENTED[orientation](np.asarray(stored)).astype(int)
    assert np.asarray(image).shape == upright.shape and not texts
    assert np.abs(np.asarray(image) - upright).mean() < 3
    assert not image.info and not image.getexif()


def test_of_several_photos_in_a_heic_the_main_one_is_read_without_a_word(tmp_path: Path) -> None:
    shots = pillow_heif.HeifFile()
    for colour in ("red", "lime", "blue"):
        shots.add_from_pillow(Image.new("RGB", (64, 64), colour))
    shots.save(tmp_path / "burst.heic", primary_index=1, quality=95)
    with said() as texts:
        image = read_image(tmp_path / "burst.heic", "RGB")
    assert not texts
    assert np.asarray(image)[32, 32].argmax() == 1


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_a_huge_photo_of_a_phone_is_refused(tmp_path: Path, kind: str) -> None:
    (tmp_path / "huge").write_bytes(encoded(photo(400, 300), kind))
    refused(tmp_path / "huge", "400 x 300 px is larger than the limit", max_pixels=100_000)


def test_an_exif_block_that_makes_no_sense_does_not_stop_a_good_photo(tmp_path: Path) -> None:
    """A rotated photo whose unknown tag is said to be a number but holds text, as some cameras write it."""
    exif = (
        b"Exif\0\0MM\0*\0\0\0\x08\0\x02"
        b"\x01\x00\0\x02\0\0\0\x04CAM\0"  # ImageWidth, as text
        b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0"  # Orientation 6
        b"\0\0\0\0"
    )
    photo(40, 24).save(tmp_path / "in.jpg", exif=exif)
    assert read_image(tmp_path / "in.jpg").size == (24, 40)


def test_no_metadata_of_a_photo_reaches_the_saved_png(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "SECRET-CAMERA"
    exif.get_ifd(0x8825)[1] = "SECRET-PLACE"
    photo().save(
        tmp_path / "in.jpg", exif=exif, comment=b"SECRET-COMMENT", icc_profile=b"SECRET-PROFILE", dpi=(301, 301)
    )
    assert (tmp_path / "in.jpg").read_bytes().count(b"SECRET") >= 4
    for mode in MODES:
        image = read_image(tmp_path / "in.jpg", mode)
        assert not image.info and not image.getexif()
        write_png(tmp_path / "out.png", image)
        data = (tmp_path / "out.png").read_bytes()
        assert b"SECRET" not in data
        assert {kind for kind, _ in png_chunks(data)} == {b"IHDR", b"IDAT", b"IEND"}


@pytest.mark.parametrize("mode", MODES)
def test_a_picture_opened_elsewhere_is_written_without_its_metadata(tmp_path: Path, mode: Mode) -> None:
    exif = Image.Exif()
    exif[0x010F] = "SECRET-CAMERA"
    photo().convert(mode).save(tmp_path / "in.png", exif=exif, dpi=(301, 301), icc_profile=b"SECRET-PROFILE")
    with Image.open(tmp_path / "in.png") as opened:
        opened.load()
        opened.info["transparency"] = 0
        write_png(tmp_path / "out.png", opened)
        expected = np.asarray(opened)
        assert opened.info["icc_profile"] == b"SECRET-PROFILE"  # the caller's picture is left as it was
    data = (tmp_path / "out.png").read_bytes()
    assert {kind for kind, _ in png_chunks(data)} == {b"IHDR", b"IDAT", b"IEND"}
    assert np.array_equal(np.asarray(read_image(tmp_path / "out.png", mode)), expected)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("mode", MODES)
def test_grey_of_16_bits_is_scaled_not_clipped(tmp_path: Path, kind: str, mode: Mode) -> None:
    deep = np.linspace(0, 65535, 16 * 20).astype(np.uint16).reshape(16, 20)
    Image.fromarray(deep).save(tmp_path / "deep", kind)
    read = np.asarray(read_image(tmp_path / "deep", mode)).reshape(16, 20, -1)[..., 0].astype(int)
    assert np.abs(read - deep / 257).max() <= 1
    assert read.min() == 0 and read.max() == 255


def test_a_transparent_value_of_16_bit_grey_stays_transparent(tmp_path: Path) -> None:
    deep = np.full((10, 10), 30_000, np.uint16)
    deep[:, 5:] = 500
    Image.fromarray(deep).save(tmp_path / "deep.png", transparency=500)
    alpha = np.asarray(read_image(tmp_path / "deep.png"))[..., 3]
    assert (alpha[:, :5] == 255).all() and (alpha[:, 5:] == 0).all()
    assert (np.asarray(read_image(tmp_path / "deep.png", "RGB"))[:, 5:] == 255).all()


def test_a_palette_with_a_transparent_index(tmp_path: Path) -> None:
    indices = np.arange(100, dtype=np.uint8).reshape(10, 10) % 4
    palette = [255, 0, 0, 0, 255, 0, 0, 0, 255, 90, 91, 92]
    image = Image.fromarray(indices).convert("L")
    image = Image.frombytes("P", image.size, image.tobytes())
    image.putpalette(palette)
    image.save(tmp_path / "palette.png", transparency=3)
    colours = np.array(palette, np.uint8).reshape(4, 3)[indices]
    rgba = np.asarray(read_image(tmp_path / "palette.png"))
    hidden = indices == 3
    assert np.array_equal(rgba[..., 3], np.where(hidden, 0, 255))
    assert np.array_equal(rgba[..., :3][~hidden], colours[~hidden])
    rgb = np.asarray(read_image(tmp_path / "palette.png", "RGB"))
    assert np.array_equal(rgb, np.where(hidden[..., None], 255, colours))


def test_grey_with_alpha(tmp_path: Path) -> None:
    pixels = noise(9, 11, 2)
    pixels[..., 1] = np.where(pixels[..., 1] > 128, 255, 0)
    Image.fromarray(pixels, "LA").save(tmp_path / "la.png")
    grey, alpha = pixels[..., 0], pixels[..., 1]
    rgba = np.asarray(read_image(tmp_path / "la.png"))
    assert np.array_equal(rgba[..., 3], alpha)
    assert np.array_equal(rgba[..., 1][alpha > 0], grey[alpha > 0])
    assert np.array_equal(np.asarray(read_image(tmp_path / "la.png", "L")), np.where(alpha > 0, grey, 255))


@pytest.mark.parametrize(("ink", "seen"), [((0, 255, 255, 0), (255, 0, 0)), ((0, 0, 0, 0), (255, 255, 255))])
def test_cmyk_is_not_inverted(tmp_path: Path, ink: tuple[int, ...], seen: tuple[int, ...]) -> None:
    Image.new("CMYK", (16, 16), ink).save(tmp_path / "print.jpg", quality=95)
    pixels = np.asarray(read_image(tmp_path / "print.jpg", "RGB")).astype(int)
    assert np.abs(pixels - np.array(seen)).max() <= 4


@pytest.mark.parametrize("mode", MODES)
def test_a_picture_in_lab_colours_is_read_or_refused(tmp_path: Path, mode: Mode) -> None:
    Image.new("LAB", (16, 16), (128, 128, 128)).save(tmp_path / "lab.tiff")
    try:
        assert read_image(tmp_path / "lab.tiff", mode).mode == mode
    except UserError as error:
        assert "lab.tiff" in str(error)


def test_floating_point_pixels_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((16, 16), np.float32)).save(tmp_path / "depth.tiff")
    refused(tmp_path / "depth.tiff", "floating-point")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(seed=st.integers(0, 10**6))
def test_transparency_lies_on_white_by_the_over_operator(tmp_path: Path, seed: int) -> None:
    pixels = noise(8, 9, 4, seed)
    Image.fromarray(pixels).save(tmp_path / "in.png")
    alpha = pixels[..., 3:].astype(float) / 255
    expected = pixels[..., :3] * alpha + 255 * (1 - alpha)
    rgb = np.asarray(read_image(tmp_path / "in.png", "RGB")).astype(float)
    assert np.abs(rgb - expected).max() <= 1
    grey = np.asarray(read_image(tmp_path / "in.png", "L")).astype(float)
    assert np.abs(grey - expected @ [0.299, 0.587, 0.114]).max() <= 2


def test_colours_hidden_under_alpha_0_never_show(tmp_path: Path) -> None:
    first, second = noise(10, 12, 4, seed=1), noise(10, 12, 4, seed=2)
    for pixels, name in ((first, "first.png"), (second, "second.png")):
        pixels[..., 3] = 0
        Image.fromarray(pixels).save(tmp_path / name)
        assert (np.asarray(read_image(tmp_path / name, "L")) == 255).all()
        with pytest.raises(UserError, match="is fully transparent"):
            read_image(tmp_path / name, "RGB")
        pixels[3, 4, 3] = 255
        Image.fromarray(pixels).save(tmp_path / name)
        rgb = np.asarray(read_image(tmp_path / name, "RGB"))
        assert (rgb[3, 4] == pixels[3, 4, :3]).all() and (
            np.delete(rgb.reshape(-1, 3), 3 * 12 + 4, axis=0) == 255
        ).all()


def test_metadata_that_are_too_large_are_called_so(tmp_path: Path) -> None:
    text = PngInfo()
    text.add_text("prompt", "x" * 3_000_000, zip=True)
    Image.new("RGB", (20, 16)).save(tmp_path / "talkative.png", pnginfo=text)
    with pytest.raises(UserError, match="its metadata are larger than is safe to read"):
        read_image(tmp_path / "talkative.png")


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_an_animation_the_first_frame_is_taken_and_said_once(tmp_path: Path, kind: str) -> None:
    colours = [(250, 0, 0), (0, 250, 0), (0, 0, 250)]
    frames = [Image.new("RGB", (20, 16), colour) for colour in colours]
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    path = tmp_path / "wave.img"
    frames[0].save(path, kind, save_all=True, append_images=frames[1:], **options)
    with said() as texts:
        image = read_image(path, "RGB")
    assert np.abs(np.asarray(image).astype(int) - colours[0]).max() <= 4
    assert len(texts) == 1 and "wave.img" in texts[0] and "first frame" in texts[0]


def test_a_still_picture_gives_no_warning(tmp_path: Path) -> None:
    for kind in ("PNG", "GIF", "WEBP", "JPEG", "HEIF", "AVIF", "BMP", "TIFF"):
        (tmp_path / "still").write_bytes(encoded(photo(), kind))
        with said() as texts:
            read_image(tmp_path / "still")
        assert texts == []


@pytest.mark.parametrize("name", ["Júlia – CRUÏLLA 🎸.png", "ñandú (1).png", "日本語.png", "a.b.c", "no_suffix"])
def test_names_in_any_script_are_read_and_written(tmp_path: Path, name: str) -> None:
    pixels = noise(9, 9, 4)
    path = tmp_path / "fotos d'estiu 🌊" / name
    write_png(path, Image.fromarray(pixels))
    assert np.array_equal(np.asarray(read_image(path)), pixels)
    assert [entry.name for entry in path.parent.iterdir()] == [name]


# ---- what cannot be read is refused in one line ----


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "missing.png", "no such file")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    refused(tmp_path / "folder.png", "folder")


def test_a_name_that_no_disk_can_hold_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / ("x" * 300 + ".png"))


def test_a_name_with_a_null_character_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "pet\0.png")


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"this is not an image\n" * 20, "not a picture"),
        (b"<!doctype html><title>404</title>", "not a picture"),
        (b"\x89PNG\r\n\x1a\n", ""),
        (b"GIF89a", ""),
        (b"\xff\xd8\xff\xe0", ""),
    ],
    ids=["empty", "text", "html", "png signature", "gif signature", "jpeg signature"],
)
def test_a_file_that_is_no_picture_is_refused(tmp_path: Path, content: bytes, word: str) -> None:
    (tmp_path / "thing.png").write_bytes(content)
    refused(tmp_path / "thing.png", word)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "HEIF", "AVIF"])
def test_a_truncated_picture_is_refused(tmp_path: Path, kind: str, share: float) -> None:
    data = encoded(Image.fromarray(noise(64, 64, 3)), kind)
    path = tmp_path / f"cut.{kind.lower()}"
    path.write_bytes(data[: int(len(data) * share)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's own about a cut TIFF directory
        for mode in MODES:
            with pytest.raises(UserError, match=path.name):
                read_image(path, mode)


@pytest.mark.parametrize("place", ["pixels", "checksum"])
def test_a_png_with_one_flipped_bit_is_refused(tmp_path: Path, place: str) -> None:
    """Among pixels that are stored, not compressed, or in their chunk's checksum, which decoding alone passes over."""
    pixels = noise(16, 16, 3)
    data = bytearray(encoded(Image.fromarray(pixels), "PNG", compress_level=0))
    data[data.index(b"IEND") - 5 if place == "checksum" else data.index(pixels[8].tobytes()[:12]) + 5] ^= 1
    (tmp_path / "flipped.png").write_bytes(data)
    refused(tmp_path / "flipped.png", "damaged")


def test_a_png_that_lacks_its_end_of_pixel_data_is_refused(tmp_path: Path) -> None:
    chunks = png_chunks(encoded(Image.fromarray(noise(64, 64, 3)), "PNG"))
    short = [(kind, body[: len(body) // 2] if kind == b"IDAT" else body) for kind, body in chunks]
    (tmp_path / "short.png").write_bytes(png_of_chunks(short))  # every checksum is right
    refused(tmp_path / "short.png", "damaged")


@pytest.mark.parametrize("size", [(1, 1), (30_000, 1), (1, 30_000), (MIN_SIDE_PX - 1, 50), (50, MIN_SIDE_PX - 1)])
def test_a_side_too_short_is_refused_with_its_size(tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size, "red").save(tmp_path / "thin.png")
    refused(tmp_path / "thin.png", f"{size[0]} x {size[1]}")


def test_the_smallest_sides_are_read(tmp_path: Path) -> None:
    Image.new("RGB", (MIN_SIDE_PX, MIN_SIDE_PX), "red").save(tmp_path / "small.png")
    assert read_image(tmp_path / "small.png").size == (MIN_SIDE_PX, MIN_SIDE_PX)


@pytest.mark.parametrize("side", [8_001, 15_000, 60_000])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(tmp_path: Path, side: int) -> None:
    """Above our limit, above Pillow's warning, above Pillow's error; the data would not fill the picture."""
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    body = zlib.compress(b"\0" * (side + 1) * 4, 9)
    (tmp_path / "bomb.png").write_bytes(png_of_chunks([(b"IHDR", header), (b"IDAT", body), (b"IEND", b"")]))
    assert side * side > MAX_PIXELS
    refused(tmp_path / "bomb.png", "larger than the limit of 64 megapixels")


def test_the_pixel_limit_is_a_limit_of_the_whole_picture(tmp_path: Path) -> None:
    Image.new("RGB", (50, 40), "red").save(tmp_path / "photo.png")
    assert read_image(tmp_path / "photo.png", max_pixels=2000).size == (50, 40)
    refused(tmp_path / "photo.png", "larger than the limit", max_pixels=1999)


TURNED = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"  # orientation 6
GOOD_FILES = {
    "PNG": encoded(photo(), "PNG", exif=TURNED),
    "JPEG": encoded(photo(), "JPEG", exif=TURNED),
    "GIF": encoded(photo(), "GIF", save_all=True, append_images=[photo().rotate(180)]),
    "WEBP": encoded(photo(), "WEBP"),
    "HEIF": encoded(photo(), "HEIF", exif=TURNED),
    "AVIF": encoded(photo(), "AVIF", exif=TURNED),
    "BMP": encoded(photo(), "BMP"),
}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(kind=st.sampled_from(sorted(GOOD_FILES)), mode=st.sampled_from(MODES), seed=st.integers(0, 2**32))
def test_a_damaged_file_is_read_or_refused_but_never_a_crash(tmp_path: Path, kind: str, mode: Mode, seed: int) -> None:
    chance = random.Random(seed)
    data = bytearray(GOOD_FILES[kind])
    for _ in range(chance.randint(1, 5)):
        start = chance.randrange(min(len(data), chance.choice([64, len(data)])))
        data[start : start + chance.randint(0, 4)] = chance.randbytes(chance.randint(0, 4))
    path = tmp_path / "damaged.img"
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = read_image(path, mode)
        except UserError as error:
            assert "damaged.img" in str(error)
        else:
            assert image.mode == mode and min(image.size) >= MIN_SIDE_PX


# ---- the collection of hostile inputs that every part of the project is tried on ----

JUDGED_BY_PARTS = {"images/transparent.png", "images/hidden_colour.png"}  # sound files without a visible pixel


@pytest.fixture(scope="module")
def bad_inputs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[str, str, str]]]:
    """The tool's images with the rows of its index; its archives, of no use here, would take 15 s."""
    folder = tmp_path_factory.mktemp("bad inputs")
    code = (
        "import json, runpy, sys; from pathlib import Path; tool = runpy.run_path(sys.argv[1]); "
        "tool['images'](Path(sys.argv[2]) / 'images'); print(json.dumps(tool['rows']))"
    )
    command = [sys.executable, "-W", "ignore", "-c", code, str(BAD_INPUTS), str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True)
    return folder, [tuple(row) for row in json.loads(result.stdout)]


@needs_bad_inputs
def test_every_broken_picture_of_the_collection_is_refused(
    bad_inputs: tuple[Path, list[tuple[str, str, str]]],
) -> None:
    folder, rows = bad_inputs
    broken = [file for file, _, expect in rows if expect == "reject" and file not in JUDGED_BY_PARTS]
    assert len(broken) >= 9
    for file in broken:
        refused(folder / file)


@needs_bad_inputs
def test_every_sound_picture_of_the_collection_is_read(bad_inputs: tuple[Path, list[tuple[str, str, str]]]) -> None:
    folder, rows = bad_inputs
    sound = [file for file, _, expect in rows if expect == "accept"]
    assert len(sound) >= 12
    plain_photo = np.asarray(read_image(folder / "images/Júlia – CRUÏLLA 🎸.png", "RGB")).astype(float)
    grey_photo = plain_photo @ [0.299, 0.587, 0.114]
    for file in sound:
        with said() as texts:
            image = read_image(folder / file, "RGB")
        assert len(texts) == ("animated" in file), file
        if "rotated" in file:
            assert image.size == (240, 320), file
            image = image.transpose(Image.Transpose.ROTATE_90)
        if "odd" in file:
            assert image.size == (317, 251)
            continue
        assert image.size == (320, 240), file
        pixels = np.asarray(image).astype(float)
        colourless = any(word in file for word in ("grey", "one_bit", "la.png"))
        reference = np.repeat(grey_photo[..., None], 3, axis=2) if colourless else plain_photo
        # a picture of few colours is dithered: it agrees with the photo on the average of 16 x 16 px
        means = [values.reshape(15, 16, 20, 16, 3).mean((1, 3)) for values in (pixels, reference)]
        limit = 60 if "palette_alpha" in file else 25
        assert np.abs(means[0] - means[1]).mean() < limit, file


@needs_bad_inputs
def test_pictures_without_a_visible_pixel_are_refused_where_there_is_no_alpha(
    bad_inputs: tuple[Path, list[tuple[str, str, str]]],
) -> None:
    folder, _ = bad_inputs
    for file in JUDGED_BY_PARTS:
        assert (np.asarray(read_image(folder / file))[..., 3] == 0).all()
        with pytest.raises(UserError, match="is fully transparent"):
            read_image(folder / file, "RGB")


# ---- writing ----


@pytest.mark.parametrize("compress_level", [0, 1, 6, 9])
def test_a_png_holds_the_same_pixels_at_every_compression(tmp_path: Path, compress_level: int) -> None:
    pixels = noise(20, 31, 4)
    write_png(tmp_path / "out.png", Image.fromarray(pixels), compress_level=compress_level)
    with Image.open(tmp_path / "out.png") as image:
        assert image.format == "PNG"
        assert np.array_equal(np.asarray(image), pixels)


def test_one_picture_gives_one_file_bit_for_bit(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        write_png(tmp_path / name, Image.fromarray(noise(20, 31, 4)))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize("mode", ["P", "LA", "CMYK", "1", "I;16", "F"])
def test_another_mode_is_a_bug_of_the_caller_and_writes_nothing(tmp_path: Path, mode: str) -> None:
    with pytest.raises(ValueError, match=mode):
        write_png(tmp_path / "out.png", Image.new(mode, (9, 9)))
    assert list(tmp_path.iterdir()) == []


def test_a_failing_encoder_leaves_the_old_picture(tmp_path: Path) -> None:
    old = noise(9, 9, 3, seed=1)
    write_png(tmp_path / "out.png", Image.fromarray(old))
    with pytest.raises((ValueError, SystemError)):  # by the version of Pillow
        write_png(tmp_path / "out.png", Image.new("RGB", (0, 0)))
    assert [path.name for path in tmp_path.iterdir()] == ["out.png"]
    assert np.array_equal(np.asarray(read_image(tmp_path / "out.png", "RGB")), old)


@posix_only
@pytest.mark.parametrize("old_is_there", [False, True])
@pytest.mark.parametrize("limit", [0, 4096])
def test_a_full_disk_is_a_user_error_and_leaves_no_half_picture(tmp_path: Path, old_is_there: bool, limit: int) -> None:
    target = tmp_path / "pet.png"
    if old_is_there:
        write_png(target, photo())
    before = target.read_bytes() if old_is_there else None
    code = (
        "import os, resource, sys\nfrom pathlib import Path\nfrom PIL import Image\n"
        "from common.errors import UserError\nfrom common.images import write_png\n"
        "picture = Image.frombytes('RGB', (200, 200), os.urandom(120_000))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))\n"
        "try:\n    write_png(Path(sys.argv[1]), picture)\n"
        "except UserError as error:\n    print(error)\n    sys.exit(2)\n"
    )
    command = [sys.executable, "-c", code, str(target), str(limit)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)
    assert result.returncode == 2, result.stderr
    assert "cannot write" in result.stdout and "pet.png" in result.stdout
    assert [path.name for path in tmp_path.iterdir()] == (["pet.png"] if old_is_there else [])
    assert not old_is_there or target.read_bytes() == before


@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 2**32 - 1))
def test_a_drawing_s_png_holds_its_pixels_and_its_text(width: int, height: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 4), np.uint8)
    content = drawing_png_bytes(Image.fromarray(pixels), {"Title": "a pet", "Copyright": "CC0"})
    with Image.open(io.BytesIO(content)) as image:
        image.verify()
    with Image.open(io.BytesIO(content)) as image:
        assert (image.format, image.mode, image.info) == ("PNG", "RGBA", {"Title": "a pet", "Copyright": "CC0"})
        assert np.array_equal(np.asarray(image), pixels)


def scan_bomb(scans: int) -> bytes:
    """A small JPEG whose last scan, 95 bytes or so, comes again and again; each takes a decoding of all pixels."""
    content = io.BytesIO()
    Image.new("L", (3000, 3000), 90).save(content, "JPEG", progressive=True)
    start = content.getvalue().rindex(b"\xff\xda")
    return content.getvalue()[:-2] + content.getvalue()[start:-2] * scans + b"\xff\xd9"


def test_a_jpeg_of_very_many_scans_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    (tmp_path / "bomb.jpg").write_bytes(scan_bomb(1_000_000))
    with pytest.raises(UserError, match="more than 100 scans"):
        read_image(tmp_path / "bomb.jpg")
    behind = np.random.default_rng(0).bytes(
        30_000_000
    )  # as the films behind photos of phones; some bytes look like scans
    assert decode_image(Path("film.jpg"), scan_bomb(0) + behind).size == (3000, 3000)
