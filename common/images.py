"""Reading and writing pictures: upright, without metadata, of a stated mode and a bounded size."""

import warnings
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from common.errors import UserError
from common.files import atomic_path

Mode = Literal["RGBA", "RGB", "L"]
MAX_PIXELS = 64_000_000
MIN_SIDE_PX = 8


def read_image(path: Path, mode: Mode = "RGBA", max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Read a picture file as a person sees it: EXIF orientation applied, then all metadata dropped.

    Grey of 16 bits is scaled to 8; of an animation the first frame is taken, and said so. Converting to RGB
    or L puts transparent pixels on white, so that colours hidden under alpha 0 never show.

    Args:
        path: any format that Pillow reads.
        mode: "RGBA", "RGB" or "L", 8 bits a channel.
        max_pixels: refused above this, before any pixel is decoded.

    Raises:
        UserError: missing, a folder, empty, no picture, truncated or corrupt, a side under MIN_SIDE_PX, too large.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: {'is a folder, not a picture' if path.is_dir() else 'no such file'}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # max_pixels decides, below
            with Image.open(path) as check:
                _check_size(path, check.size, max_pixels)
                if check.format == "PNG":
                    check.verify()  # load() does not compare the checksums of pixel data
            with Image.open(path) as opened:
                if getattr(opened, "n_frames", 1) > 1:
                    warnings.warn(f"{path}: an animation, its first frame is taken", stacklevel=2)
                opened.load()
                image = ImageOps.exif_transpose(opened)
    except Image.DecompressionBombError as error:
        raise UserError(f"{path}: larger than the limit of {max_pixels / 1e6:.0f} megapixels") from error
    except UnidentifiedImageError as error:
        what = "is empty" if path.stat().st_size == 0 else "is not a picture that can be read"
        raise UserError(f"{path}: {what}") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise UserError(f"{path}: truncated or damaged ({error})") from error
    image = _to_mode(path, image, mode)
    image.info = {}
    return image


def _check_size(path: Path, size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        limit = f"{max_pixels / 1e6:.0f} megapixels"
        raise UserError(f"{path}: {width} x {height} px is larger than the limit of {limit}")
    if min(width, height) < MIN_SIDE_PX:
        raise UserError(f"{path}: {width} x {height} px is too small, both sides need {MIN_SIDE_PX} px")


def _to_mode(path: Path, image: Image.Image, mode: Mode) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit grey; convert() would clip it to white
        image = Image.fromarray((np.asarray(image).astype(np.uint32).clip(0, 65535) >> 8).astype(np.uint8))
    if image.mode == "F":
        raise UserError(f"{path}: floating-point pixels; save it with 8 or 16 bits a channel")
    if mode == "RGBA" or not image.has_transparency_data:
        return image.convert(mode)
    rgba = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert(mode)


def write_png(path: Path, image: Image.Image, compress_level: int = 6) -> None:
    """Write a PNG atomically and without metadata.

    Args:
        path: its folder is made where missing.
        image: mode RGBA, RGB or L.
        compress_level: 0 (fast, large) to 9 (slow, small), as in zlib.

    Raises:
        UserError: the folder cannot be written, or the disk is full.
    """
    if image.mode not in ("RGBA", "RGB", "L"):
        raise ValueError(f"mode must be RGBA, RGB or L, got {image.mode}")
    bare = image if not image.info else Image.frombytes(image.mode, image.size, image.tobytes())
    with atomic_path(path) as part:
        bare.save(part, "PNG", compress_level=compress_level)
