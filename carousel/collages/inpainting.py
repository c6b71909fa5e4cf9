"""Inpainting of the hole that a person leaves in a scene.

"rows" interpolates each row across the hole and blurs neighbouring rows together deep inside it. It needs no weights
and keeps the layers that people usually stand in front of: ground, walls, sky. "opencv" continues lines of equal
brightness (Bertalmio et al. 2001, "Navier-Stokes, fluid dynamics, and image and video inpainting"). "lama" generates
plausible texture (Suvorov et al. 2022, "Resolution-robust large mask inpainting with Fourier convolutions").

PSNR in person-shaped holes of 40 photos without people at 256 px: rows 18.2 dB, OpenCV's Navier-Stokes 17.1, its Telea
17.1, each at its best radius below 10 px.
"""

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import cv2
import numpy as np

from common.errors import UserError
from common.weights import CACHE

if TYPE_CHECKING:
    import onnxruntime

Method = Literal["rows", "opencv", "lama"]
LAMA = CACHE / "lama.onnx"
LAMA_PX = 512  # side of LaMa's input where its file does not fix one
RADIUS_PX = 4  # neighbourhood of Navier-Stokes; larger ones are slower and no better
SMOOTH = 0.016  # standard deviation of the vertical blur, as a share of the picture's height
DEEP = 0.03  # depth inside the hole from which the blur is complete, as a share of the picture's height


def clean_background(photo: np.ndarray, hole: np.ndarray, method: Method = "rows", lama: Path = LAMA) -> np.ndarray:
    """Fill a hole in a photo; pixels outside the hole do not change.

    Args:
        photo: (H, W, 3) uint8 RGB.
        hole: (H, W) bool, the person with a rim for the soft edge; must not cover the whole photo.
        method: see the module's docstring.
        lama: file of LaMa's weights.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        UserError: LaMa's weights are missing or invalid.
        ValueError: the hole covers everything, or the sizes differ.
    """
    if photo.shape != (*hole.shape, 3) or hole.all():
        raise ValueError(f"a photo and a smaller hole in it are needed, got {photo.shape}, {hole.shape}, {hole.mean()}")
    if not hole.any():
        return photo.copy()
    if method == "rows":
        filled = _fill_rows(photo, hole)
    elif method == "opencv":
        filled = cv2.inpaint(photo, hole.astype(np.uint8), RADIUS_PX, cv2.INPAINT_NS)
    else:
        filled = _fill_by_lama(photo, hole, load_lama(lama))
    return np.where(hole[..., None], filled, photo)


def check_method(method: str, lama: Path = LAMA) -> None:
    """Raise UserError for an unknown method, or where its weights are missing or invalid."""
    if method not in get_args(Method):
        raise UserError(f"setting BACKGROUND is {method!r}; it must be one of {', '.join(get_args(Method))}")
    if method == "lama":
        load_lama(lama)


def _fill_rows(photo: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Interpolate linearly along each row, then blur across rows, increasingly with the depth inside the hole."""
    filled = photo.astype(np.float32)
    known_rows = np.flatnonzero(~hole.all(axis=1))
    for row in known_rows:
        missing, known = np.flatnonzero(hole[row]), np.flatnonzero(~hole[row])
        for channel in range(3):
            filled[row, missing, channel] = np.interp(missing, known, filled[row, known, channel])
    place = np.interp(np.arange(len(hole)), known_rows, np.arange(len(known_rows)))
    above, share = np.floor(place).astype(int), (place % 1).astype(np.float32)[:, None, None]
    below = np.ceil(place).astype(int)
    filled = filled[known_rows[above]] * (1 - share) + filled[known_rows[below]] * share
    smooth = cv2.GaussianBlur(filled, (1, 0), sigmaX=0, sigmaY=SMOOTH * len(hole))
    depth = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 5) / (DEEP * len(hole))
    weight = np.clip(depth, 0, 1)[..., None]
    return (filled * (1 - weight) + smooth * weight).round().clip(0, 255).astype(np.uint8)


# ---- LaMa ----


@functools.cache
def load_lama(path: Path = LAMA) -> "onnxruntime.InferenceSession":
    """Load LaMa's weights, an ONNX graph, which cannot run arbitrary code; once per process, on one thread.

    Raises:
        UserError: missing, not an ONNX graph, or not one that maps picture and mask to a picture.
    """
    if not path.is_file():
        raise UserError(
            f"{path}: LaMa's weights are missing; save lama_fp32.onnx of Carve/LaMa-ONNX (Hugging Face, 208 MB, "
            'Apache-2.0) under this name, or set BACKGROUND to "opencv"'
        )
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own errors have no common class
        raise UserError(f"{path}: is not a readable ONNX model ({str(error).splitlines()[0]})") from error
    channels = [value.shape[1] if len(value.shape) == 4 else None for value in session.get_inputs()]
    if channels != [3, 1] or len(session.get_outputs()) != 1:
        raise UserError(f"{path}: is not LaMa: expected inputs of 3 and 1 channels, got {channels}")
    return session


def _fill_by_lama(photo: np.ndarray, hole: np.ndarray, session: "onnxruntime.InferenceSession") -> np.ndarray:
    """Run LaMa, resized to the photo. Its inputs are 0 to 1; its output is 0 to 255, or 0 to 1 in some exports."""
    picture, mask = session.get_inputs()
    size = tuple(side if isinstance(side, int) else LAMA_PX for side in picture.shape[:1:-1])
    small = cv2.resize(photo, size, interpolation=cv2.INTER_AREA if size[1] < len(photo) else cv2.INTER_CUBIC)
    there = cv2.resize(hole.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
    values = small.astype(np.float32).transpose(2, 0, 1)[None] / 255
    answer = session.run(None, {picture.name: values, mask.name: there.astype(np.float32)[None, None]})[0][0]
    scale = 1 if answer.max() > 2 else 255
    filled = (answer.transpose(1, 2, 0) * scale).round().clip(0, 255).astype(np.uint8)
    back = cv2.INTER_AREA if size[1] > len(photo) else cv2.INTER_CUBIC
    return cv2.resize(filled, photo.shape[1::-1], interpolation=back)
