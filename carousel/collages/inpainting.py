"""Inpainting of the hole that a person leaves in a scene.

"patches" copies patches of the rest of the picture (`patch_filling.py`). "rows" interpolates each row across the hole
and blurs neighbouring rows together deep inside it: a smooth picture that keeps the layers that people usually stand
in front of, ground, walls and sky. "opencv" continues lines of equal brightness (Bertalmio et al. 2001,
"Navier-Stokes, fluid dynamics, and image and video inpainting"). "lama" generates plausible texture (Suvorov et al.
2022, "Resolution-robust large mask inpainting with Fourier convolutions"), by weights of the user.

`python -m tests.benchmarks.carousel_inpainting` compares them.
"""

import functools
import warnings
from pathlib import Path
from typing import Literal, Protocol, get_args

import cv2
import numpy as np

from carousel.collages.patch_filling import fill_by_patches
from common.errors import UserError
from common.weights import CACHE

Method = Literal["patches", "rows", "opencv", "lama"]
LAMA = CACHE / "lama.onnx"
TORCHSCRIPT = (".pt", ".pth", ".jit")  # suffixes of LaMa's weights as TorchScript
LAMA_STEP = 8  # LaMa's input has a multiple of this side
RADIUS_PX = 4  # neighbourhood of Navier-Stokes; larger ones are slower and no better
SMOOTH = 0.016  # standard deviation of the vertical blur, as a share of the picture's height
DEEP = 0.03  # depth inside the hole from which the blur is complete, as a share of the picture's height


def clean_background(
    photo: np.ndarray,
    hole: np.ndarray,
    method: Method = "patches",
    lama: Path = LAMA,
    *,
    avoid: np.ndarray | None = None,
) -> np.ndarray:
    """Fill a hole in a photo; pixels outside the hole do not change.

    Args:
        photo: (H, W, 3) uint8 RGB.
        hole: (H, W) bool, the person with a rim for the soft edge; must not cover the whole photo.
        method: see the module's docstring.
        lama: file of LaMa's weights.
        avoid: (H, W) bool, pixels that "patches" does not copy, such as other people; None: there are none.

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
    if method == "patches":
        filled = fill_by_patches(photo, hole, _fill_rows(photo, hole), avoid)
    elif method == "rows":
        filled = _fill_rows(photo, hole)
    elif method == "opencv":
        filled = cv2.inpaint(photo, hole.astype(np.uint8), RADIUS_PX, cv2.INPAINT_NS)
    else:
        filled = _fill_by_lama(photo, hole, load_lama(lama))
    return np.where(hole[..., None], filled, photo)


def check_method(method: str, lama: Path = LAMA) -> None:
    """Raise UserError for an unknown method, or where its weights are missing or invalid."""
    if method not in get_args(Method):
        raise UserError(f"setting INPAINTER is {method!r}; it must be one of {', '.join(get_args(Method))}")
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


class Lama(Protocol):
    """LaMa, loaded.

    Attributes:
        size_px: height and width of its input; None: any multiple of LAMA_STEP.
    """

    size_px: tuple[int, int] | None

    def __call__(self, picture: np.ndarray, hole: np.ndarray) -> np.ndarray:
        """Fill (1, 3, H, W) float32 in [0, 1] where (1, 1, H, W) is 1: (1, 3, H, W), 0 to 1 or 0 to 255."""
        ...


@functools.cache
def load_lama(path: Path = LAMA) -> Lama:
    """Load LaMa's weights, once per process.

    Raises:
        UserError: missing, damaged, or not a network that maps picture and mask to a picture.
    """
    if not path.is_file():
        raise UserError(
            f"{path}: LaMa's weights are missing; save lama_fp32.onnx of Carve/LaMa-ONNX (Hugging Face, 208 MB, "
            'Apache-2.0) under this name, or set INPAINTER to "patches"'
        )
    return ScriptedLama(path) if path.suffix.lower() in TORCHSCRIPT else OnnxLama(path)


class OnnxLama:
    """LaMa as an ONNX graph, on one thread. See `Lama`."""

    def __init__(self, path: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's own errors have no common class
            raise UserError(f"{path}: is not a readable ONNX model ({str(error).splitlines()[0]})") from error
        inputs = self._session.get_inputs()
        channels = [value.shape[1] if len(value.shape) == 4 else None for value in inputs]
        if channels != [3, 1] or len(self._session.get_outputs()) != 1:
            raise UserError(f"{path}: is not LaMa: expected inputs of 3 and 1 channels, got {channels}")
        self._names = [value.name for value in inputs]
        sides = inputs[0].shape[2:]
        self.size_px: tuple[int, int] | None = (
            (sides[0], sides[1]) if all(isinstance(side, int) for side in sides) else None
        )

    def __call__(self, picture: np.ndarray, hole: np.ndarray) -> np.ndarray:
        """See `Lama`."""
        return self._session.run(None, dict(zip(self._names, (picture, hole), strict=True)))[0]


class ScriptedLama:
    """LaMa as TorchScript, such as big-lama.pt. See `Lama`."""

    size_px: tuple[int, int] | None = None

    def __init__(self, path: Path) -> None:
        import torch

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # PyTorch would rather export models than script them
                self._module = torch.jit.load(str(path), map_location="cpu").eval()
            made = self(np.zeros((1, 3, 64, 64), np.float32), np.zeros((1, 1, 64, 64), np.float32))
        except Exception as error:  # PyTorch's readers and the graph itself raise nearly anything
            raise UserError(f"{path}: is not LaMa as TorchScript ({str(error).strip().splitlines()[-1]})") from error
        if made.shape != (1, 3, 64, 64):
            raise UserError(f"{path}: is not LaMa: expected an output of 1 x 3 x 64 x 64, got {made.shape}")

    def __call__(self, picture: np.ndarray, hole: np.ndarray) -> np.ndarray:
        """See `Lama`."""
        import torch

        with torch.inference_mode():
            return self._module(torch.from_numpy(picture), torch.from_numpy(hole)).numpy()


def _fill_by_lama(photo: np.ndarray, hole: np.ndarray, lama: Lama) -> np.ndarray:
    """Run LaMa on the photo, resized to its input: the size of its file, or the nearest multiple of LAMA_STEP."""
    height, width = lama.size_px or (max(1, round(side / LAMA_STEP)) * LAMA_STEP for side in hole.shape)
    small = cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA if height < len(photo) else cv2.INTER_CUBIC)
    there = cv2.resize(hole.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA) > 0
    values = np.ascontiguousarray(small.astype(np.float32).transpose(2, 0, 1)[None] / 255)
    answer = lama(values, there.astype(np.float32)[None, None])[0]
    scale = 1 if answer.max() > 2 else 255
    filled = (answer.transpose(1, 2, 0) * scale).round().clip(0, 255).astype(np.uint8)
    return cv2.resize(
        filled, photo.shape[1::-1], interpolation=cv2.INTER_AREA if height > len(photo) else cv2.INTER_CUBIC
    )
