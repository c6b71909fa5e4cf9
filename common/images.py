"""Reading and writing pictures: upright, without metadata, of a stated mode and a bounded size."""

import contextlib
import functools
import io
import mmap
import re
import struct
import warnings
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from common.errors import UserError
from common.files import no_file, open_plain, write_bytes

Mode = Literal["RGBA", "RGB", "L"]
PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif", ".gif", ".bmp", ".tif", ".tiff"}
MAX_PIXELS = 64_000_000
MIN_SIDE_PX = 8
FORMATS = ("PNG", "JPEG", "WEBP", "HEIF", "AVIF", "GIF", "BMP", "TIFF")  # none that runs another program, as EPS does
SEVERAL_STILLS = ("MPO", "HEIF")  # formats of phones: previews or other shots beside the photo
MAX_SCANS = 100  # of a JPEG, as libtiff has it; usual are 10, and each costs a decoding of all pixels
JPEG_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")  # one that a length follows, or the end
ORIENTATIONS = {  # EXIF orientation: what turns the picture upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_image(path: Path, mode: Mode = "RGBA", max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Read a picture file as a person sees it: EXIF orientation applied, then all metadata dropped.

    Grey of 16 bits is scaled to 8; of an animation the first frame is taken, and said so. Converting to RGB
    or L puts transparent pixels on white, so that colours hidden under alpha 0 never show.

    Args:
        path: one of FORMATS.
        mode: "RGBA", "RGB" or "L", 8 bits a channel.
        max_pixels: refused above this, before any pixel is decoded.

    Raises:
        UserError: missing, a folder, empty, no picture, truncated or corrupt, a side under MIN_SIDE_PX, too large.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise UserError(f"{path}: {no_file(path, 'a picture')}")
    except OSError as error:  # a name longer than the disk allows
        raise UserError(f"{path}: {error.strerror}") from error
    return decode_image(path, path, mode, max_pixels)


def decode_image(path: Path, source: Path | bytes, mode: Mode = "RGBA", max_pixels: int = MAX_PIXELS) -> Image.Image:
    """`read_image` for a file or its bytes.

    Args:
        path: file name for messages.
        source: a file, or the bytes of one.
        mode: see `read_image`.
        max_pixels: see `read_image`.

    Raises:
        UserError: empty, no picture, truncated or corrupt, a side under MIN_SIDE_PX, too large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # max_pixels decides, below
            with _open(source) as check:
                _check_size(path, check.size, max_pixels)
                if check.format in ("JPEG", "MPO"):
                    _check_scans(path, source)
                if check.format == "PNG":
                    check.verify()  # load() does not compare the checksums of pixel data
            with _open(source) as opened:
                if _is_animation(opened):
                    warnings.warn(f"{path}: an animation; its first frame is used", stacklevel=2)
                opened.load()
                image = to_mode(path, _upright(opened), mode)
    except UserError:
        raise
    except Image.DecompressionBombError as error:
        raise UserError(f"{path}: larger than the limit of {max_pixels / 1e6:.0f} megapixels") from error
    except UnidentifiedImageError as error:
        is_empty = (len(source) if isinstance(source, bytes) else source.stat().st_size) == 0
        raise UserError(f"{path}: {'is empty' if is_empty else 'is not a picture that can be read'}") from error
    except MemoryError as error:
        raise UserError(f"{path}: not enough memory for a picture of this size") from error
    except Exception as error:  # Pillow's readers raise nearly anything on damaged files
        if "MAX_TEXT" in str(error):  # of PNG alone; Pillow's way to say it
            raise UserError(f"{path}: its metadata are larger than is safe to read; save it without them") from error
        raise UserError(f"{path}: truncated or damaged ({error})") from error
    image.info = {}
    return image


def _open(source: Path | bytes) -> Image.Image:
    _add_heif()
    return Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS)


@functools.cache
def _add_heif() -> None:
    """Let Pillow open HEIF, which has the photos of phones (.heic)."""
    import pillow_heif

    pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)


def _is_animation(image: Image.Image) -> bool:
    """Whether a second frame follows; counting all of them would take as long as reading the whole file, or longer."""
    if image.format in SEVERAL_STILLS:
        return False
    if image.format not in ("GIF", "TIFF"):
        return getattr(image, "n_frames", 1) > 1  # said in the header
    try:
        image.seek(1)
    except EOFError:
        return False
    image.seek(0)
    return True


def _upright(image: Image.Image) -> Image.Image:
    """Apply the EXIF orientation alone; other tags may hold nonsense and are not needed."""
    turn = ORIENTATIONS.get(image.getexif().get(0x0112, 1))
    return image.transpose(turn) if turn is not None else image.copy()


def _check_size(path: Path, size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        limit = f"{max_pixels / 1e6:.0f} megapixels"
        raise UserError(f"{path}: {width} x {height} px is larger than the limit of {limit}")
    if min(width, height) < MIN_SIDE_PX:
        raise UserError(f"{path}: {width} x {height} px is too small, both sides need {MIN_SIDE_PX} px")


def _check_scans(path: Path, source: Path | bytes) -> None:
    """Refuse a JPEG of so many scans that decoding them would take hours, although the file is small."""
    with contextlib.ExitStack() as opened:
        content: bytes | mmap.mmap = source if isinstance(source, bytes) else b""
        if isinstance(source, Path):
            file = opened.enter_context(open_plain(source))
            content = opened.enter_context(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        place = scans = 0
        while (marker := JPEG_MARKER.search(content, place)) and marker[0] != b"\xff\xd9":
            scans += marker[0] == b"\xff\xda"
            if scans > MAX_SCANS:
                raise UserError(f"{path}: a JPEG of more than {MAX_SCANS} scans; save it anew")
            place = marker.end() + int.from_bytes(content[marker.end() : marker.end() + 2])


def to_mode(path: Path, image: Image.Image, mode: Mode) -> Image.Image:
    """Convert a picture as `read_image` does; `path` is for the message.

    Raises:
        UserError: floating-point pixels, or a fully transparent picture where RGB is wanted.
    """
    if image.mode.startswith("I"):  # 16-bit grey; convert() would clip it to white
        image = _grey_to_8_bits(image)
    if image.mode == "F":
        raise UserError(f"{path}: floating-point pixels; save it with 8 or 16 bits a channel")
    if image.mode in ("LAB", "HSV", "YCbCr"):
        image = _from_lab(image) if image.mode == "LAB" else image.convert("RGB")
    if mode == "RGBA" or not image.has_transparency_data:
        return image.convert(mode)
    rgba = image.convert("RGBA")
    if mode == "RGB" and not rgba.getchannel("A").getbbox():
        raise UserError(f"{path}: is fully transparent")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert(mode)


def _from_lab(image: Image.Image) -> Image.Image:
    profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(image, *profiles, outputMode="RGB")
    assert converted is not None
    return converted


def _grey_to_8_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(np.int64).clip(0, 65535)
    grey = Image.fromarray((values >> 8).astype(np.uint8))
    transparent = image.info.get("transparency")
    if not isinstance(transparent, int):
        return grey
    alpha = Image.fromarray(np.where(values == transparent, 0, 255).astype(np.uint8))
    return Image.merge("LA", (grey, alpha))


def png_bytes(image: Image.Image, compress_level: int = 6, text: Mapping[str, str] | None = None) -> bytes:
    """The content of a PNG file, without metadata but for `text`.

    Args:
        image: mode RGBA, RGB or L.
        compress_level: 0 (fast, large) to 9 (slow, small), as in zlib.
        text: keywords of the PNG specification and what they say, such as "Copyright".
    """
    if image.mode not in ("RGBA", "RGB", "L"):
        raise ValueError(f"mode must be RGBA, RGB or L, got {image.mode}")
    bare = image if not image.info else Image.frombytes(image.mode, image.size, image.tobytes())
    content = io.BytesIO()
    chunks = PngInfo()
    for keyword, words in (text or {}).items():
        chunks.add_text(keyword, words)
    bare.save(content, "PNG", compress_level=compress_level, pnginfo=chunks)
    return content.getvalue()


def drawing_png_bytes(image: Image.Image, text: Mapping[str, str] | None = None) -> bytes:
    """`png_bytes` for drawings of flat colours, in half the time: those pack best without filters between rows.

    Args:
        image: mode RGBA.
        text: see `png_bytes`.
    """
    pixels = np.asarray(image)
    height, width, channels = pixels.shape
    rows = np.zeros((height, 1 + width * channels), np.uint8)  # each row begins with its filter, 0: none
    rows[:, 1:] = pixels.reshape(height, -1)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0))]
    chunks += [(b"tEXt", f"{keyword}\0{words}".encode("latin-1")) for keyword, words in (text or {}).items()]
    chunks += [(b"IDAT", zlib.compress(rows.tobytes(), 1)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(content, zlib.crc32(kind)))
        for kind, content in chunks
    )


def write_png(path: Path, image: Image.Image, compress_level: int = 6, text: Mapping[str, str] | None = None) -> None:
    """Write a PNG atomically; `image`, `compress_level` and `text` as in `png_bytes`.

    Raises:
        UserError: the folder cannot be written, or the disk is full.
    """
    write_bytes(path, png_bytes(image, compress_level, text))
