"""Crops a picture to a square: head and shoulders around a face, or the centre."""

import warnings

from PIL import Image, ImageOps

from common.errors import UserError
from common.people.selection import Box

HEAD_AND_SHOULDERS = 3.0  # side of the crop, as a multiple of the longer side of the face box
FACE_LINE = 0.42  # height of the face's centre in the crop, 0 (top) to 1


def upright(image: Image.Image) -> Image.Image:
    """Apply the EXIF orientation, as `common.images.read_image` does and Pillow's `open` does not."""
    return ImageOps.exif_transpose(image)


def center_crop_to_square(
    image: Image.Image, face_box: Box | None = None, side_px: int | None = None, enlarge: bool = False
) -> Image.Image:
    """Crop a picture to a square: head and shoulders if a face box is given, else the largest centred square.

    Around a face, the side is HEAD_AND_SHOULDERS times the longer side of its box, at most the picture's shorter side,
    and the face's centre lies at FACE_LINE. A square that would leave the picture is moved inside.

    Args:
        image: any mode; an EXIF orientation is applied first.
        face_box: XYXY px in the upright picture; may extend beyond it.
        side_px: side of the result. A smaller crop is returned as it is, with a warning.
        enlarge: enlarge a smaller crop to `side_px`.

    Returns:
        Square picture of the same mode.

    Raises:
        UserError: the box has no area, or lies outside the picture.
    """
    image = upright(image)
    left, top, side = _square(image.size, face_box)
    crop = image.crop((left, top, left + side, top + side))
    if side_px is None or side == side_px:
        return crop
    if side < side_px and not enlarge:
        warnings.warn(f"the crop has {side} x {side} px, less than SIDE_PX {side_px}; it is not enlarged", stacklevel=2)
        return crop
    return crop.resize((side_px, side_px), Image.Resampling.LANCZOS)


def _square(size: tuple[int, int], face_box: Box | None) -> tuple[int, int, int]:
    """Left, top and side of the crop, px."""
    width, height = size
    if face_box is None:
        side = min(size)
        return (width - side) // 2, (height - side) // 2, side
    left, top, right, bottom = face_box
    if not (left < right and top < bottom and left < width and top < height and right > 0 and bottom > 0):
        raise UserError(f"the face box {face_box} is not in the picture, which has {width} x {height} px")
    side = max(1, min(width, height, round(HEAD_AND_SHOULDERS * max(right - left, bottom - top))))
    corner = (left + right - side) / 2, (top + bottom) / 2 - FACE_LINE * side
    x, y = (min(max(round(start), 0), length - side) for start, length in zip(corner, size, strict=True))
    return x, y, side
