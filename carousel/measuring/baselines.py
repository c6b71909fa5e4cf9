"""What the model is measured against: ways to put a person into a scene that need no training.

Each takes the scene (H, W, 3) uint8, the avatar (H, W, 3) uint8 at its place, and the mask (H, W) uint8, above 0 where
the person is; each gives (H, W, 3) uint8 with the scene bit for bit outside the mask.
"""

from collections.abc import Callable

import cv2
import numpy as np

Baseline = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]

FEATHER_PX = 1.5  # standard deviation of the soft edge
CLONE_EROSION_PX = 3  # by which cv2.seamlessClone erodes each mask before it works
CLONE_MARGIN_PX = 8  # around the picture, as seamlessClone drops what touches the border


def copy_paste(background: np.ndarray, avatar: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The person as they are."""
    return np.where(mask[..., None] > 0, avatar, background)


def feathered_paste(background: np.ndarray, avatar: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The person with an edge that grows from transparent to opaque inside the mask."""
    blurred = cv2.GaussianBlur(
        (mask > 0).astype(np.float32), (0, 0), FEATHER_PX, borderType=cv2.BORDER_REPLICATE
    )  # one half at a straight edge
    alpha = np.clip(2 * blurred - 1, 0, 1)[..., None]
    mixed = np.rint(alpha * avatar + (1 - alpha) * background).astype(np.uint8)
    return copy_paste(background, mixed, mask)


def reinhard(background: np.ndarray, avatar: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The person with the mean and the standard deviation of the scene outside the mask, channel by channel in Lab.

    Reinhard et al. 2001, "Color Transfer between Images", in CIELAB instead of their l-alpha-beta, as is usual. Where
    there is no scene, or no person, nothing changes.
    """
    inside = mask > 0
    if inside.all() or not inside.any():
        return copy_paste(background, avatar, mask)
    person, scene = _lab(avatar[inside]), _lab(background[~inside])
    spread = person.std(axis=0)
    ratio = np.divide(scene.std(axis=0), spread, out=np.ones_like(spread), where=spread > 1e-3)
    moved = (person - person.mean(axis=0)) * ratio + scene.mean(axis=0)
    fused = background.copy()
    fused[inside] = _rgb(moved.astype(np.float32))
    return fused


def poisson(background: np.ndarray, avatar: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The person's gradients with the scene's colours at the seam, by cv2.seamlessClone (Pérez et al. 2003).

    seamlessClone erodes the mask, changes the one that it is given, drops what touches the border of the picture, takes
    the gradient at the seam from pixels outside the mask, and leaves rounding errors around it. So that the person is
    not made the worse by that, the mask is dilated by as much before, the person's colours go on a little beyond it,
    the picture gets a margin, and the pixels outside the mask are those of the scene.
    """
    if not mask.any():
        return background.copy()
    inside, person = (np.pad(part, _margin(part)) for part in ((mask > 0).astype(np.uint8), avatar))
    scene = np.pad(background, _margin(background), mode="edge")
    reached = cv2.dilate(inside, np.ones((3, 3), np.uint8), iterations=CLONE_EROSION_PX)
    # It puts the middle of the mask's box at a given place; this one leaves the person where they are.
    x, y, width, height = cv2.boundingRect(reached)
    place = (x + width // 2, y + height // 2)
    cloned = cv2.seamlessClone(_extend(person, inside), scene, reached * 255, place, cv2.NORMAL_CLONE)
    inner = cloned[CLONE_MARGIN_PX:-CLONE_MARGIN_PX, CLONE_MARGIN_PX:-CLONE_MARGIN_PX]
    return copy_paste(background, inner, mask)


BASELINES: dict[str, Baseline] = {  # in the order of the tables
    "copy-paste": copy_paste,
    "feathered paste": feathered_paste,
    "Reinhard": reinhard,
    "Poisson": poisson,
}


def _margin(picture: np.ndarray) -> list[tuple[int, int]]:
    return [(CLONE_MARGIN_PX, CLONE_MARGIN_PX)] * 2 + [(0, 0)] * (picture.ndim - 2)


def _extend(picture: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Outside the mask, the colour of its nearest pixel."""
    _, labels = cv2.distanceTransformWithLabels(1 - inside, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    nearest = np.zeros((labels.max() + 1, 3), np.uint8)
    nearest[labels[inside > 0]] = picture[inside > 0]
    return nearest[labels]


def _lab(pixels: np.ndarray) -> np.ndarray:
    """(N, 3) uint8 RGB as (N, 3) float64 CIELAB."""
    return cv2.cvtColor(pixels[None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0].astype(np.float64)


def _rgb(lab: np.ndarray) -> np.ndarray:
    """(N, 3) float32 CIELAB as (N, 3) uint8 RGB."""
    rgb = cv2.cvtColor(lab[None], cv2.COLOR_LAB2RGB)[0]
    return np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8)
