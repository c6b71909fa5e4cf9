"""Crops a picture to a square: head and shoulders around a face, or the centre; the top of the head stays in."""

import warnings

import numpy as np
from PIL import Image, ImageOps

from common.errors import UserError
from common.people.selection import Box, bounding_box

HEAD_AND_SHOULDERS = 3.0  # side of the crop, as a multiple of the longer side of the face box
FACE_LINE = 0.42  # height of the face's centre in the crop, 0 (top) to 1
USUAL_HAIR, HIGHEST_HAIR = 0.6, 1.3  # height of the hair above the face box, as multiples of the box's longer side
ROOM = 0.04  # space above the head and below the chin, as a share of the crop's side


def upright(image: Image.Image) -> Image.Image:
    """Apply the EXIF orientation, as `common.images.read_image` does and Pillow's `open` does not."""
    return ImageOps.exif_transpose(image)


def center_crop_to_square(
    image: Image.Image,
    face_box: Box | None = None,
    side_px: int | None = None,
    enlarge: bool = False,
    figure: np.ndarray | None = None,
) -> Image.Image:
    """Crop a picture to a square: head and shoulders if a face box is given, else the largest square.

    Around a face, the side is HEAD_AND_SHOULDERS times the longer side of its box, at most the picture's shorter side,
    and the face's centre lies at FACE_LINE, or lower where the hair would be cut off. Without a face, the square is
    that of the figure's upper end, or of the picture's centre. A square that would leave the picture is moved inside.

    Args:
        image: any mode; an EXIF orientation is applied first.
        face_box: XYXY px in the upright picture; may extend beyond it.
        side_px: side of the result. A smaller crop is returned as it is, with a warning.
        enlarge: enlarge a smaller crop to `side_px`.
        figure: (H, W) bool, pixels of the upright picture that show the person; None: unknown, hair has usual height.

    Returns:
        Square picture of the same mode.

    Raises:
        UserError: the box has no area, or lies outside the picture.
    """
    image = upright(image)
    if face_box is not None:
        left, top, side = _around_face(image.size, face_box, figure)
    else:
        left, top, side = _around_figure(image.size, figure)
    crop = image.crop((left, top, left + side, top + side))
    if side_px is None or side == side_px:
        return crop
    if side < side_px and not enlarge:
        warnings.warn(f"the crop has {side} x {side} px, less than SIDE_PX {side_px}; it is not enlarged", stacklevel=2)
        return crop
    return crop.resize((side_px, side_px), Image.Resampling.LANCZOS)


def _around_face(size: tuple[int, int], face_box: Box, figure: np.ndarray | None) -> tuple[int, int, int]:
    """Left, top and side of the crop around a face, px."""
    width, height = size
    left, top, right, bottom = face_box
    if not (left < right and top < bottom and left < width and top < height and right > 0 and bottom > 0):
        raise UserError(f"the face box {face_box} is not in the picture, which has {width} x {height} px")
    longer = max(right - left, bottom - top)
    side = max(1, min(width, height, round(HEAD_AND_SHOULDERS * longer)))
    hair = top - USUAL_HAIR * longer if figure is None else _hair_top(figure, face_box)
    y = min((top + bottom) / 2 - FACE_LINE * side, hair - ROOM * side)
    y = max(y, bottom + (ROOM - 1) * side)  # the chin matters more than high hair
    return _inside((left + right - side) / 2, size[0], side), _inside(y, size[1], side), side


def _hair_top(figure: np.ndarray, face_box: Box) -> int:
    """First row of the figure above a face, without anything that is higher than hair is."""
    left, top, right, bottom = face_box
    highest = max(0, round(top - HIGHEST_HAIR * max(right - left, bottom - top)))
    above = figure[highest : (top + bottom) // 2, max(0, left) : right].any(axis=1)
    gaps = np.flatnonzero(~above)
    return highest + (int(gaps[-1]) + 1 if len(gaps) else 0)


def _around_figure(size: tuple[int, int], figure: np.ndarray | None) -> tuple[int, int, int]:
    """Left, top and side of the largest square that begins above a figure, or that lies in the picture's centre."""
    side = min(size)
    if figure is None or not figure.any():
        return (size[0] - side) // 2, (size[1] - side) // 2, side
    left, top, right, _ = bounding_box(figure)
    return _inside((left + right - side) / 2, size[0], side), _inside(top - ROOM * side, size[1], side), side


def _inside(start: float, length: int, side: int) -> int:
    """The start, px, at which a span of this side lies inside a length."""
    return min(max(round(start), 0), length - side)
