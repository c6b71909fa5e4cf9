"""Foreground prediction: which pixels belong to what stands out from the background.

1. "embedded", the default, applies U^2-Net in its small form (Qin et al. 2020, arXiv:2005.09007) to the whole picture,
   and again to the region around what it found. If BlazePose (Bazarevsky et al. 2020, arXiv:2006.10204) finds a person
   there, its mask is combined with it. Each network also sees the mirror image. It does not need rembg, whose first
   import after an installation compiles for a minute or more.
2. Any other name is that of a model of rembg, which predicts the foreground alone.
"""

import functools
import os
import shutil
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import cv2
import numpy as np
from PIL import Image

from common.errors import UserError
from common.files import atomic_path
from common.paths import shown
from common.people.embedded_segmenter import (
    MATTE,
    MIN_AGREEMENT,
    POSE,
    SECOND_LOOK,
    EmbeddedSegmenter,
    check_weights,
    largest_part,
)
from common.people.selection import Box, mask_iou, person_of
from common.weights import CACHE, EMBEDDED, is_present

if TYPE_CHECKING:
    from rembg.sessions.base import BaseSession

ModelName = Literal[
    "embedded",
    "u2netp",
    "u2net",
    "u2net_human_seg",
    "silueta",
    "isnet-general-use",
    "isnet-anime",
    "birefnet-general",
    "birefnet-general-lite",
    "birefnet-portrait",
    "bria-rmbg",
]
DEFAULT_MODEL: ModelName = "embedded"


@dataclass(frozen=True)
class WeightsLicence:
    """Licence of a model's weights, which differs from rembg's own.

    Attributes:
        name: name of the licence, such as "MIT".
        size_mb: approximate size of the weights, MB.
        is_free: whether any use is allowed.
    """

    name: str
    size_mb: int
    is_free: bool = True


LICENCES: dict[str, WeightsLicence] = {  # rembg's other models segment clothes, need clicks, or upload pictures
    "u2netp": WeightsLicence("Apache-2.0", 5),
    "u2net": WeightsLicence("Apache-2.0", 176),
    "u2net_human_seg": WeightsLicence("Apache-2.0", 176),
    "silueta": WeightsLicence("Apache-2.0", 44),
    "isnet-general-use": WeightsLicence("Apache-2.0", 179),
    "isnet-anime": WeightsLicence("Apache-2.0", 176),
    "birefnet-general": WeightsLicence("MIT", 973),
    "birefnet-general-lite": WeightsLicence("MIT", 224),
    "birefnet-portrait": WeightsLicence("MIT", 973),
    "bria-rmbg": WeightsLicence("CC BY-NC 4.0, commercial use needs an agreement with BRIA AI", 1024, is_free=False),
}

SHOWN = 0.5  # probability above which a pixel is foreground
DECIDED = 0.8  # a probability above this, or below 1 minus this, is decided
MOST_UNDECIDED = 0.5  # share of undecided pixels above which a map is discarded: rembg stretches each map to 0..1
CLOSER_MARGIN = 0.1  # margin of the region, as a share of its longer side
CLOSER_PX = 640  # longer side at which the region is predicted
LOGIT_LIMIT = 5.0  # maps have 8 bits: larger logits carry no information
POSE_WEIGHT = 0.5  # weight of BlazePose's logit; U^2-Net's is 1. `tests/benchmarks/avatar_cutouts.py --tune` finds both
BIAS = -0.3  # added to the sum of the two logits


@dataclass(frozen=True, eq=False)
class RegionPrediction:
    """Predictions for the region of a picture that contains the foreground.

    Attributes:
        region: XYXY px.
        matte: (h, w) float32, probability of foreground, for the region scaled to CLOSER_PX at most.
        pose: (h, w) float32, probability of the person in the middle; None if there is nobody.
    """

    region: Box
    matte: np.ndarray
    pose: np.ndarray | None

    def combined(self, pose_weight: float = POSE_WEIGHT, bias: float = BIAS) -> np.ndarray:
        """Combine both predictions in logit space; (h, w) float32, 0 to 1."""
        if self.pose is None:
            return self.matte
        return 1 / (1 + np.exp(-logit(self.matte) - pose_weight * logit(self.pose) - bias))


class ForegroundModel:
    """Predicts the foreground of a picture; see the module's docstring. `load_foreground_model` caches loaded ones."""

    def __init__(self, model: ModelName):
        """Load a model; "embedded" waits for the first picture. Raises UserError if it is unknown or weights lack."""
        self._session = None
        if model == "embedded":
            check_weights()
            self.weights, self.device = [MATTE, POSE], EmbeddedSegmenter.device
        else:
            self._session = _load_session(model)
            self.weights = [f"{model}.onnx"]
            self.device = self._session.inner_session.get_providers()[0].removesuffix("ExecutionProvider")

    @functools.cached_property
    def _people(self) -> EmbeddedSegmenter:
        return EmbeddedSegmenter()

    def probability(self, picture: np.ndarray) -> np.ndarray:
        """Predict the probability of foreground for each pixel.

        Args:
            picture: (H, W, 3) uint8 RGB.

        Returns:
            (H, W) float32, 0 to 1; all 0 if there is no foreground.
        """
        if self._session is not None:
            return self.matte(picture)
        whole = self.mirror_averaged(picture)
        if not (whole > SHOWN).any():
            return np.zeros_like(whole)
        closer = self.predict_region(picture, whole)
        left, top, right, bottom = closer.region
        result = whole if closer.pose is None else np.zeros_like(whole)
        result[top:bottom, left:right] = cv2.resize(closer.combined(), (right - left, bottom - top))
        return result

    def matte(self, picture: np.ndarray) -> np.ndarray:
        """Prediction of U^2-Net or the rembg model alone; shape and range as `probability`."""
        nothing = np.zeros(picture.shape[:2], np.float32)
        if np.ptp(picture) == 0:
            return nothing
        if self._session is None:
            found = self._people.matte(picture)
        else:
            found = np.asarray(self._session.predict(Image.fromarray(picture))[0], np.float32) / 255
        undecided = ((found > 1 - DECIDED) & (found < DECIDED)).mean()
        return found if undecided < MOST_UNDECIDED and (found > SHOWN).any() else nothing

    def predict_region(self, picture: np.ndarray, whole: np.ndarray) -> RegionPrediction:
        """Predict again for the region around the largest part of the foreground, at higher resolution.

        Args:
            picture: (H, W, 3) uint8 RGB.
            whole: (H, W) float32, `mirror_averaged` of the picture; has foreground.
        """
        box = person_of(largest_part(whole > SHOWN), 1.0).box
        region = left, top, right, bottom = _with_margin(box, picture.shape)
        scale = min(1.0, CLOSER_PX / max(right - left, bottom - top))
        size = max(1, round(scale * (right - left))), max(1, round(scale * (bottom - top)))
        crop = cv2.resize(picture[top:bottom, left:right], size, interpolation=cv2.INTER_AREA)
        matte = (cv2.resize(whole[top:bottom, left:right], size) + self.mirror_averaged(crop)) / 2
        pose = self._pose(picture, box, region, size)
        agreed = pose is not None and mask_iou(pose > SHOWN, matte > SHOWN) >= MIN_AGREEMENT
        return RegionPrediction(region, matte, pose if agreed else None)

    def mirror_averaged(self, picture: np.ndarray) -> np.ndarray:
        """Mean of the `matte` of a picture and of its mirror image."""
        return (self.matte(picture) + self.matte(_mirrored(picture))[:, ::-1]) / 2

    def _pose(self, picture: np.ndarray, box: Box, region: Box, size: tuple[int, int]) -> np.ndarray | None:
        """BlazePose's mirror-averaged mask of the region at `size`; None if it finds nobody in the box."""
        width = picture.shape[1]
        seen = self._people.look_at(picture, box, 1.0, SECOND_LOOK)
        mirrored = self._people.look_at(_mirrored(picture), _mirrored_box(box, width), 1.0, SECOND_LOOK)
        if seen is None or mirrored is None:
            return None
        return (seen.seen_in(region, size) + mirrored.seen_in(_mirrored_box(region, width), size)[:, ::-1]) / 2


@functools.cache
def load_foreground_model(model: ModelName = DEFAULT_MODEL) -> ForegroundModel:
    """Load a model once per process.

    Raises:
        UserError: the name is unknown, or the weights are missing.
    """
    return ForegroundModel(model)


def _load_session(name: str) -> "BaseSession":
    """Load a rembg model from a local file; never downloads."""
    if name not in LICENCES:
        raise UserError(
            f"no background removal model is called {name!r}; choose one of {', '.join(get_args(ModelName))}"
        )
    if "U2NET_HOME" not in os.environ:
        os.environ.setdefault("REMBG_HOME", str(CACHE / "rembg"))
    import onnxruntime
    import rembg
    from rembg.sessions import sessions

    licence = LICENCES[name]
    if not licence.is_free:
        warnings.warn(f"{name}: the licence of its weights is {licence.name}", stacklevel=2)
    target = Path(sessions[name].model_dir()) / f"{name}.onnx"
    if target.name == MATTE:
        _place_matte(target)
    elif sessions[name].resolve_existing(target.name) is None:
        command = f"REMBG_HOME={os.environ['REMBG_HOME']} " if "REMBG_HOME" in os.environ else ""
        command += f"python3 -c \"import rembg; rembg.new_session('{name}')\""
        raise UserError(
            f"the weights of {name} ({licence.size_mb} MB, {licence.name}) are missing; save them as {shown(target)}, "
            f"or download them: {command}; the model embedded needs no download"
        )
    options = onnxruntime.SessionOptions()
    options.enable_cpu_mem_arena = False  # the arena never releases memory
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED  # ALL needs more memory
    try:
        return rembg.new_session(name, sess_opts=options)
    except Exception as error:  # ONNX Runtime raises many kinds for damaged files
        reason = str(error).splitlines()[0]
        raise UserError(
            f"{shown(target)}: ONNX Runtime cannot load it ({reason}); delete it and download it again"
        ) from error


def _place_matte(target: Path) -> None:
    """Copy the embedded weights to where rembg looks for them."""
    source = EMBEDDED[MATTE]
    if is_present(replace(source, path=target)):
        return
    if not is_present(source):
        raise UserError(f"background removal needs weights that are missing; {source.command}")
    with atomic_path(target) as part:
        shutil.copyfile(source.path, part)


# ---- helpers ----


def logit(probability: np.ndarray) -> np.ndarray:
    """log(p / (1 - p)), clipped to +-LOGIT_LIMIT."""
    limit = 1 / (1 + np.exp(-LOGIT_LIMIT))
    p = probability.clip(1 - limit, limit)
    return np.log(p / (1 - p))


def _mirrored(picture: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(picture[:, ::-1])


def _mirrored_box(box: Box, width: int) -> Box:
    return width - box[2], box[1], width - box[0], box[3]


def _with_margin(box: Box, shape: tuple[int, ...]) -> Box:
    left, top, right, bottom = box
    margin = round(CLOSER_MARGIN * max(right - left, bottom - top))
    return max(0, left - margin), max(0, top - margin), min(shape[1], right + margin), min(shape[0], bottom + margin)
