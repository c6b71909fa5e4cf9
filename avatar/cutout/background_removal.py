"""Backgrounds removed from photos, drawings and generated pictures, and squares cropped around a face.

1. A model of rembg marks what stands out. `model` names it; the session is loaded once.
2. "embedded", the default, looks closer: U^2-Net in its small form (Qin et al. 2020, arXiv:2005.09007) sees the whole
   picture, and then the part around what it found. Where BlazePose (Bazarevsky et al. 2020, arXiv:2006.10204) sees a
   person there, its mask joins in. Each network sees the mirror image as well.
3. Before a plain ground, parts that were missed are found by their colours, and so is alpha: `plain_backgrounds.py`.
4. Along the edge, alpha follows the picture and the colours of the old background are taken out: `common.people.edges`.
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
from PIL import Image, ImageOps

from avatar.cutout.plain_backgrounds import blend_alpha, complete_figure, find_plain_ground, subtract_ground
from common.alpha import on_checks
from common.errors import UserError, enough_memory
from common.files import atomic_path
from common.grids import picture_grid
from common.paths import shown
from common.people.edges import decontaminate, refine_edges
from common.people.embedded_segmenter import (
    MIN_AGREEMENT,
    POSE,
    SECOND_LOOK,
    EmbeddedSegmenter,
    largest_part,
    parts_touching,
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
class Licence:
    """Of a model's weights, which is not rembg's own.

    Attributes:
        name: such as "MIT".
        size_mb: of the file of weights, about.
        is_free: any use is allowed.
    """

    name: str
    size_mb: int
    is_free: bool = True


LICENCES: dict[str, Licence] = {  # rembg's other models cut clothes, want clicks, or send pictures to a server
    "u2netp": Licence("Apache-2.0", 5),
    "u2net": Licence("Apache-2.0", 176),
    "u2net_human_seg": Licence("Apache-2.0", 176),
    "silueta": Licence("Apache-2.0", 44),
    "isnet-general-use": Licence("Apache-2.0", 179),
    "isnet-anime": Licence("Apache-2.0", 176),
    "birefnet-general": Licence("MIT", 973),
    "birefnet-general-lite": Licence("MIT", 224),
    "birefnet-portrait": Licence("MIT", 973),
    "bria-rmbg": Licence("CC BY-NC 4.0, not for commercial use without an agreement with BRIA AI", 1024, is_free=False),
}
MATTE = "u2netp"  # the model of rembg inside "embedded"

HEAD_AND_SHOULDERS = 3.0  # side of the crop around a face, over the longer side of the face's box
FACE_LINE = 0.42  # height of the face's middle in that crop, 0 (top) to 1
SHOWN = 0.5  # probability above which a pixel is part of the cut-out
DECIDED = 0.8  # above it, or below the rest to 1, a map has an opinion
MOST_UNDECIDED = 0.5  # share of other pixels in a map that means nothing: rembg stretches each map to 0..1
LEAST_SHARE = 0.01  # of the picture's pixels, for something to have been found
CLOSER_MARGIN = 0.1  # around what was found at first, as a share of its longer side
CLOSER_PX = 640  # longer side at which the closer look is put together
LOGIT_LIMIT = 5.0  # maps are 8 bits deep: beyond this their logits say no more
POSE_WEIGHT = 0.5  # of BlazePose's logit beside that of U^2-Net; `tests/benchmarks/avatar_cutouts.py --tune` finds both
BIAS = -0.3  # added to these two


@dataclass(frozen=True, eq=False)
class CloserLook:
    """What the networks say of the part of a picture where something stands out.

    Attributes:
        region: that part, XYXY px.
        matte: (h, w) float32, 0 to 1, that a pixel stands out; the region at CLOSER_PX at most.
        pose: the same, that it shows the person in the middle; None where there is nobody.
    """

    region: Box
    matte: np.ndarray
    pose: np.ndarray | None

    def together(self, pose_weight: float = POSE_WEIGHT, bias: float = BIAS) -> np.ndarray:
        """The probability of both, (h, w) float32."""
        if self.pose is None:
            return self.matte
        return 1 / (1 + np.exp(-logit(self.matte) - pose_weight * logit(self.pose) - bias))


class Remover:
    """Tells what stands out from its background; see the module's docstring. `load_remover` keeps those loaded."""

    def __init__(self, model: ModelName):
        """Load a model. Raises UserError where its weights are not here, or the name is none."""
        name = MATTE if model == "embedded" else model
        self._session = _load_session(name)
        self._people = EmbeddedSegmenter() if model == "embedded" else None
        self.weights = [f"{name}.onnx", POSE] if self._people else [f"{name}.onnx"]
        self.device = self._session.inner_session.get_providers()[0].removesuffix("ExecutionProvider")

    def probability(self, picture: np.ndarray) -> np.ndarray:
        """How likely each pixel is part of what stands out.

        Args:
            picture: (H, W, 3) uint8 RGB.

        Returns:
            (H, W) float32, 0 to 1; all 0 where nothing stands out.
        """
        if self._people is None:
            return self.matte(picture)
        whole = self.both_ways(picture)
        if not (whole > SHOWN).any():
            return np.zeros_like(whole)
        look = self.look_closer(picture, whole)
        left, top, right, bottom = look.region
        result = whole if look.pose is None else np.zeros_like(whole)
        result[top:bottom, left:right] = cv2.resize(look.together(), (right - left, bottom - top))
        return result

    def matte(self, picture: np.ndarray) -> np.ndarray:
        """What the model of rembg says, as `probability`."""
        nothing = np.zeros(picture.shape[:2], np.float32)
        if np.ptp(picture) == 0:
            return nothing
        found = np.asarray(self._session.predict(Image.fromarray(picture))[0], np.float32) / 255
        undecided = ((found > 1 - DECIDED) & (found < DECIDED)).mean()
        return found if undecided < MOST_UNDECIDED and (found > SHOWN).any() else nothing

    def look_closer(self, picture: np.ndarray, whole: np.ndarray) -> CloserLook:
        """Look at the part of the picture around the largest thing that was found in it.

        Args:
            picture: (H, W, 3) uint8 RGB.
            whole: (H, W) float32, `both_ways` of it, with something in it.
        """
        assert self._people is not None
        box = person_of(largest_part(whole > SHOWN), 1.0).box
        region = left, top, right, bottom = _with_margin(box, picture.shape)
        scale = min(1.0, CLOSER_PX / max(right - left, bottom - top))
        size = max(1, round(scale * (right - left))), max(1, round(scale * (bottom - top)))
        crop = cv2.resize(picture[top:bottom, left:right], size, interpolation=cv2.INTER_AREA)
        matte = (cv2.resize(whole[top:bottom, left:right], size) + self.both_ways(crop)) / 2
        pose = self._pose(picture, box, region, size)
        agreed = pose is not None and mask_iou(pose > SHOWN, matte > SHOWN) >= MIN_AGREEMENT
        return CloserLook(region, matte, pose if agreed else None)

    def both_ways(self, picture: np.ndarray) -> np.ndarray:
        """The mean of `matte` of a picture and of its mirror image."""
        return (self.matte(picture) + self.matte(_mirrored(picture))[:, ::-1]) / 2

    def _pose(self, picture: np.ndarray, box: Box, region: Box, size: tuple[int, int]) -> np.ndarray | None:
        """BlazePose's mask over the region, drawn at `size`, likewise; None where it sees nobody in the box."""
        assert self._people is not None
        width = picture.shape[1]
        seen = self._people.look_at(picture, box, 1.0, SECOND_LOOK)
        mirrored = self._people.look_at(_mirrored(picture), _mirrored_box(box, width), 1.0, SECOND_LOOK)
        if seen is None or mirrored is None:
            return None
        return (seen.seen_in(region, size) + mirrored.seen_in(_mirrored_box(region, width), size)[:, ::-1]) / 2


@functools.cache
def load_remover(model: ModelName = DEFAULT_MODEL) -> Remover:
    """Load a model once in a process.

    Raises:
        UserError: an unknown name, or weights that are not here.
    """
    return Remover(model)


def _load_session(name: str) -> "BaseSession":
    """Load a model of rembg from a file that is here; nothing is fetched behind the user's back."""
    if name not in LICENCES:
        raise UserError(
            f"no model for removing backgrounds is called {name!r}; choose {', '.join(get_args(ModelName))}"
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
    if name == MATTE:
        _place_matte(target)
    elif sessions[name].resolve_existing(target.name) is None:
        command = f"REMBG_HOME={os.environ['REMBG_HOME']} " if "REMBG_HOME" in os.environ else ""
        command += f"python3 -c \"import rembg; rembg.new_session('{name}')\""
        raise UserError(
            f"the model {name} ({licence.size_mb} MB, {licence.name}) is not here; put it there as {shown(target)}, "
            f"or with a network run: {command}; the model embedded needs neither"
        )
    options = onnxruntime.SessionOptions()
    options.enable_cpu_mem_arena = False  # it keeps the most memory that was ever needed
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED  # ALL needs more
    try:
        return rembg.new_session(name, sess_opts=options)
    except Exception as error:  # ONNX Runtime has a dozen kinds for damaged files
        reason = str(error).splitlines()[0]
        raise UserError(
            f"{shown(target)}: ONNX Runtime cannot load it ({reason}); remove it and fetch it again"
        ) from error


def _place_matte(target: Path) -> None:
    """Put the embedded weights where rembg looks for them."""
    source = EMBEDDED[f"{MATTE}.onnx"]
    if is_present(replace(source, path=target)):
        return
    if not is_present(source):
        raise UserError(f"removing backgrounds needs weights that are not here; {source.command}")
    with atomic_path(target) as part:
        shutil.copyfile(source.path, part)


# ---- cut-outs ----


def remove_background(
    image: Image.Image,
    model: ModelName = DEFAULT_MODEL,
    only_largest: bool = False,
    fill_holes: bool = False,
    clean_edges: bool = True,
) -> Image.Image:
    """Cut out what stands in front.

    Args:
        image: RGB; of an EXIF orientation, the upright picture is meant.
        model: "embedded", or one of rembg's models.
        only_largest: keep nothing but the largest connected part.
        fill_holes: cover what the background shows through, unless it reaches the picture's edge.
        clean_edges: take the old background's colours out of the edge.

    Returns:
        RGBA of the same size, colours not premultiplied, 0 where nothing is visible.

    Raises:
        UserError: nothing stands out, weights that are not here, or too large a picture for the memory.
    """
    picture = np.asarray(upright(image).convert("RGB"))
    remover = load_remover(model)
    with enough_memory("take a smaller picture"):
        mask = remover.probability(picture) > SHOWN
        ground = find_plain_ground(picture, mask)
        if ground is not None:
            mask = complete_figure(picture, ground, mask)
        if only_largest:
            mask = largest_part(mask)
        if fill_holes:
            mask = without_holes(mask)
        if mask.mean() < LEAST_SHARE:
            raise UserError("nothing stands out from the background; take a picture of one person before a calm ground")
        return _with_soft_edges(picture, mask, ground, clean_edges)


def _with_soft_edges(
    picture: np.ndarray, mask: np.ndarray, ground: np.ndarray | None, clean_edges: bool
) -> Image.Image:
    """The cut-out of a mask that is not empty; `ground` is a plain one."""
    alpha = refine_edges(picture, mask)
    if ground is not None:
        alpha = blend_alpha(picture, mask, alpha)
    colours = decontaminate(picture, alpha) if clean_edges else picture
    if clean_edges and ground is not None:
        colours = subtract_ground(picture, ground, alpha, colours)
    alpha_u8 = np.round(alpha * 255).astype(np.uint8)[..., None]
    return Image.fromarray(np.dstack([colours * (alpha_u8 > 0), alpha_u8]))


def without_holes(mask: np.ndarray) -> np.ndarray:
    """A (H, W) bool mask with all set that does not reach the picture's edge without crossing it."""
    edge = np.ones_like(mask)
    edge[1:-1, 1:-1] = False
    return ~parts_touching(~mask, edge)


def previews(cutout: Image.Image, tile_px: int = 512) -> Image.Image:
    """An RGBA cut-out on a checkerboard, on white and on black, side by side; RGB."""
    grounds = [
        Image.alpha_composite(Image.new("RGBA", cutout.size, colour), cutout).convert("RGB")
        for colour in ("white", "black")
    ]
    tiles = [Image.fromarray(on_checks(np.asarray(cutout))), *grounds]
    return picture_grid(tiles, ["on a checkerboard", "on white", "on black"], columns=3, tile_px=tile_px)


# ---- crops ----


def center_crop_to_square(
    image: Image.Image, face_box: Box | None = None, side_px: int | None = None, enlarge: bool = False
) -> Image.Image:
    """Crop a picture to a square: head and shoulders where a face is known, else the largest one in the middle.

    Around a face, the side is HEAD_AND_SHOULDERS times the longer side of its box, or the picture's shorter side where
    that is less, and the face's middle comes to FACE_LINE; at the edge of the picture the square is moved inside.

    Args:
        image: of an EXIF orientation, the upright picture is meant.
        face_box: XYXY px of the upright picture, as the features have it; may reach beyond it.
        side_px: of the result. A smaller crop stays as it is, with a warning.
        enlarge: bring a smaller crop to `side_px`, too.

    Returns:
        A square of the same mode.

    Raises:
        UserError: a box without area or beside the picture.
    """
    image = upright(image)
    left, top, side = _square(image.size, face_box)
    crop = image.crop((left, top, left + side, top + side))
    if side_px is None or side == side_px:
        return crop
    if side < side_px and not enlarge:
        warnings.warn(
            f"the crop has {side} x {side} px, less than the {side_px} asked for; it is not enlarged", stacklevel=2
        )
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


# ---- helpers ----


def upright(image: Image.Image) -> Image.Image:
    """The picture as a person sees it: `common.images.read_image` has done so, Pillow's `open` has not."""
    return ImageOps.exif_transpose(image)


def logit(probability: np.ndarray) -> np.ndarray:
    """log(p / (1 - p)), within LOGIT_LIMIT."""
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
