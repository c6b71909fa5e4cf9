"""Baselines for the model: compositing methods without training.

Each takes the scene (H, W, 3) uint8, the avatar (H, W, 3) uint8 in place, and the mask (H, W) uint8, above 0 where the
person is, and returns (H, W, 3) uint8, equal to the scene outside the mask.
"""

from collections.abc import Callable

import cv2
import numpy as np

from carousel.fusion.training_samples import paste

Baseline = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]

FEATHER_PX = 1.5  # standard deviation of the soft edge
CLONE_EROSION_PX = 3  # cv2.seamlessClone erodes each mask by this first
CLONE_MARGIN_PX = 8  # margin around the picture, as seamlessClone drops people who touch the border


def feathered_paste(background: np.ndarray, avatar: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Paste the person with an edge that fades from opaque to transparent inside the mask."""
    blurred = cv2.GaussianBlur(
        (mask > 0).astype(np.float32), (0, 0), FEATHER_PX, borderType=cv2.BORDER_REPLICATE
    )  # one half at a straight edge
    alpha = np.clip(2 * blurred - 1, 0, 1)[..., None]
    mixed = np.rint(alpha * avatar + (1 - alpha) * background).astype(np.uint8)
    return paste(background, mixed, mask)


def reinhard(background: np.ndarray, avatar: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Give the person the mean and standard deviation of the scene outside the mask, for each channel in Lab.

    Reinhard et al. 2001, "Color Transfer between Images", in CIELAB instead of their l-alpha-beta, as is usual. Without
    a scene or a person, nothing changes.
    """
    inside = mask > 0
    if inside.all() or not inside.any():
        return paste(background, avatar, mask)
    person, scene = _lab(avatar[inside]), _lab(background[~inside])
    spread = person.std(axis=0)
    ratio = np.divide(scene.std(axis=0), spread, out=np.ones_like(spread), where=spread > 1e-3)
    moved = (person - person.mean(axis=0)) * ratio + scene.mean(axis=0)
    fused = background.copy()
    fused[inside] = _rgb(moved.astype(np.float32))
    return fused


def poisson(background: np.ndarray, avatar: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Blend the person's gradients into the scene by cv2.seamlessClone (Pérez et al. 2003).

    seamlessClone erodes the mask in place, drops people who touch the border, reads gradients outside the mask, and
    leaves rounding errors around it. Therefore the mask is dilated first, the person's colours are extended beyond it,
    the picture gets a margin, and pixels outside the mask are restored.
    """
    if not mask.any():
        return background.copy()
    inside, person = (np.pad(part, _margin(part)) for part in ((mask > 0).astype(np.uint8), avatar))
    scene = np.pad(background, _margin(background), mode="edge")
    reached = cv2.dilate(inside, np.ones((3, 3), np.uint8), iterations=CLONE_EROSION_PX)
    # seamlessClone centres the mask's box at the given place; this one does not move the person.
    x, y, width, height = cv2.boundingRect(reached)
    place = (x + width // 2, y + height // 2)
    cloned = cv2.seamlessClone(_extend(person, inside), scene, reached * 255, place, cv2.NORMAL_CLONE)
    inner = cloned[CLONE_MARGIN_PX:-CLONE_MARGIN_PX, CLONE_MARGIN_PX:-CLONE_MARGIN_PX]
    return paste(background, inner, mask)


BASELINES: dict[str, Baseline] = {  # in the order of the tables
    "copy-paste": paste,
    "feathered paste": feathered_paste,
    "Reinhard": reinhard,
    "Poisson": poisson,
}


def _margin(picture: np.ndarray) -> list[tuple[int, int]]:
    return [(CLONE_MARGIN_PX, CLONE_MARGIN_PX)] * 2 + [(0, 0)] * (picture.ndim - 2)


def _extend(picture: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Fill the outside of the mask with the colour of its nearest pixel."""
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
