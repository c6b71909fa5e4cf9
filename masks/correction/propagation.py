"""Propagation: what a person corrected in one frame changes the other frames alike, without training.

Each pixel of a frame is compared with those of the corrected frames: colour of the base, difference between clothed and
base, the eight neighbours and the position relative to the body. Pixels that look like corrected clothing become
clothing, those that look like what the person left out leave the mask, and where nothing is alike the mask stays as it
was. The light of each clothed frame is undone first, so that frames lit differently can be compared. Frames in which
other clothes are worn do not change; in layered pixel art the same clothes have the same colours, bit by bit.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from masks.model.layered_pairs import is_layered, is_smooth
from masks.model.mask_threshold import mask_unsureness
from masks.sets.pairs import MaskedFrame
from masks.sets.pixel_art import enlarge, find_pixel_size, shrink, visible

WORK_PX = 80  # longer side of a smooth figure when its pixels are compared
MOST_KNOWN = 3000  # pixels of a corrected frame that are compared with
OPAQUE = 127  # alpha above which a pixel belongs to the figure

POSITION_WEIGHT = 1.2  # of the position, in heights of the body
LEVELS = 6.0  # added to colours in [0, 255] before logarithms, so that dark ones do not count too much
LIGHTNESS_WEIGHT, HUE_WEIGHT = 1.0, 6.0  # of the logarithm of clothed / base: light changes lightness, cloth also hue
NEIGHBOUR_SPREAD = 0.6  # of the weights of a pixel's neighbours, in px

MATCH_WIDTH = 0.17  # distance of features within which pixels are alike
MATCH_REACH = 1.5  # distance of features beyond which pixels say little about one another
MOST_EVIDENCE = 6.0  # largest evidence of a match, as a logit
SAME_CLOTHES = 0.6  # largest median of the squared distances of clothing to its matches if the clothes are the same
SAME_COLOURS = 0.9  # smallest share of changed pixels in layered pixel art whose colours recur with the same clothes
FAR = 1e6  # squared distance where there is no pixel
PRIOR = 0.9  # probability that the mask of a frame is right before anything is propagated

SMOOTHING = 1.2  # weight of a neighbour, as a logit
SMOOTHING_STEPS = 2
CROSS = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32)

LIGHT_PRIOR = np.diag([5.0, 5, 5, 60, 30, 30])  # strength of the prior that the light is unchanged, in pixels
LIGHT_STEPS = 10
LIGHT_SCALE = 0.05  # difference of logarithms above which a pixel hardly counts in the estimate of the light


@dataclass(frozen=True)
class PixelFeatures:
    """The visible pixels of a frame at working size.

    Attributes:
        values: (N, D) float32 features; alike pixels are near one another.
        mask: (N,) bool, whether each pixel is clothing.
        places: (h, w) bool, where the N pixels lie.
        colours: (M,) uint32, RGBA of what the clothing changed in layered pixel art, pixel by pixel; None in other art.
    """

    values: np.ndarray
    mask: np.ndarray
    places: np.ndarray
    colours: np.ndarray | None


def propagate(known: Sequence[PixelFeatures], frame: MaskedFrame) -> tuple[np.ndarray, float] | None:
    """Change the mask of a frame as corrected frames teach.

    Args:
        known: features of the corrected frames, by `features_of`.
        frame: the frame with its mask so far.

    Returns:
        The new mask, (H, W) bool, and how unsure it is: one minus the F1 score to expect, 0 to 1. None if no corrected
        frame shows the same clothes.
    """
    if not known:
        return None
    there = features_of(frame)
    alike = [_nearest(other, there.values) for other in known if _has_same_colours(other, there)]
    alike = [near for near in alike if _shows_same_clothes(near, there)]
    if not alike:
        return None
    says = evidence(np.minimum.reduce(alike))
    before = np.where(there.mask, 1, -1)
    logits = smoothed(before * math.log(PRIOR / (1 - PRIOR)) + says, there.places)
    logits = np.where((says > 0) == there.mask, before * np.abs(logits), logits)  # neighbours alone change no pixel
    unsureness = mask_unsureness(1 / (1 + np.exp(-logits)))
    return _put_back(logits, there, frame), unsureness


def features_of(frame: MaskedFrame) -> PixelFeatures:
    """Return the visible pixels of a frame: art pixels of pixel art, smooth art reduced to WORK_PX."""
    base, clothed, mask = _at_working_size(frame)
    body, drawn = base[..., 3] > OPAQUE, clothed[..., 3] > 0
    alphas = [picture[..., 3:].astype(np.float32) / 255 for picture in (base, clothed)]
    colours = [base[..., :3] * alphas[0], undo_light(base, clothed, body & (clothed[..., 3] > OPAQUE) & ~mask)]
    colours[1] = colours[1] * alphas[1]
    ratio = np.log(colours[1] + LEVELS) - np.log(colours[0] + LEVELS)
    lightness = ratio.mean(axis=2, keepdims=True)
    both = (alphas[0] > 0.5) & (alphas[1] > 0.5)
    changes = np.concatenate([LIGHTNESS_WEIGHT * lightness, HUE_WEIGHT * (ratio - lightness)], axis=2) * both
    here = np.concatenate([colours[0] / 255, alphas[0], colours[1] / 255, alphas[1], changes], axis=2)
    values = np.concatenate([here, *_neighbours(here), _positions(body if body.any() else drawn)], axis=2)
    return PixelFeatures(values[drawn].astype(np.float32), mask[drawn], drawn, _exact_colours(frame))


def evidence(nearest: np.ndarray) -> np.ndarray:
    """Return what the nearest corrected pixels say about each pixel, as a logit of clothing; 0 if none is alike.

    Args:
        nearest: (2, N) float32, squared distances to the nearest pixel outside and inside corrected masks.

    Returns:
        (N,) float32 in [-MOST_EVIDENCE, MOST_EVIDENCE].
    """
    strength = np.clip((nearest[0] - nearest[1]) / (2 * MATCH_WIDTH**2), -MOST_EVIDENCE, MOST_EVIDENCE)
    return strength * np.exp(-nearest.min(axis=0) / MATCH_REACH**2)


def _exact_colours(frame: MaskedFrame) -> np.ndarray | None:
    size = find_pixel_size([frame.base, frame.clothed])
    base, clothed, mask = (shrink(picture, size) for picture in (frame.base, frame.clothed, frame.mask))
    if is_smooth(base, clothed, 1) or not is_layered(base, clothed, mask.astype(np.float32)):
        return None
    return visible(clothed)[(visible(clothed) != visible(base)) & (clothed[..., 3] > 0)]


def _has_same_colours(known: PixelFeatures, there: PixelFeatures) -> bool:
    """Whether the colours of the clothing recur in the corrected frame, if both frames are layered pixel art."""
    if known.colours is None or there.colours is None or not there.colours.size:
        return True
    return bool(np.isin(there.colours, known.colours).mean() >= SAME_COLOURS)


def _shows_same_clothes(nearest: np.ndarray, there: PixelFeatures) -> bool:
    """Whether most of the clothing of a frame looks like pixels of the corrected frame."""
    return bool(there.mask.any() and np.median(nearest.min(axis=0)[there.mask]) < SAME_CLOTHES)


def smoothed(logits: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return (N,) logits at (h, w) bool places, each moved towards those of its four neighbours."""
    picture = np.zeros(places.shape, np.float32)
    picture[places] = logits
    for _ in range(SMOOTHING_STEPS):
        around = cv2.filter2D(np.tanh(picture / 2), -1, CROSS, borderType=cv2.BORDER_CONSTANT)
        picture[places] = logits + SMOOTHING * around[places]
    return picture[places]


def _nearest(frame: PixelFeatures, values: np.ndarray) -> np.ndarray:
    """Return the squared distances to the nearest pixel outside and inside the mask of a frame, (2, N) float32."""
    step = -(-len(frame.values) // MOST_KNOWN)
    theirs, mask = frame.values[::step], frame.mask[::step]
    apart = (values**2).sum(axis=1)[:, None] + (theirs**2).sum(axis=1) - 2 * values @ theirs.T
    return np.stack([apart[:, mask == inside].min(axis=1, initial=FAR).clip(0) for inside in (False, True)])


def undo_light(base: np.ndarray, clothed: np.ndarray, bare: np.ndarray) -> np.ndarray:
    """Return the colours that the clothed frame would have in the light of the base, (H, W, 3) float32 in [0, 255].

    The light is a gain for each channel, a common gamma and a gradient over the frame, fitted to the logarithms of the
    bare pixels by iteratively reweighted least squares; pixels that disagree hardly count.

    Args:
        base: (H, W, 4) uint8.
        clothed: (H, W, 4) uint8.
        bare: (H, W) bool, pixels that show the body in both frames.
    """
    before, after = (np.log((picture[..., :3] + 6.0) / 134) for picture in (base, clothed))
    height, width = bare.shape
    down, right = np.meshgrid(np.arange(height) / height - 0.5, np.arange(width) / width - 0.5, indexing="ij")
    count = int(np.count_nonzero(bare))
    terms = []
    for channel in range(3):
        offset = np.tile(np.eye(3)[channel], (count, 1))
        terms.append(np.column_stack([offset, before[bare][:, channel], right[bare], down[bare]]))
    design, wanted = np.concatenate(terms), after[bare].T.reshape(-1)
    start = np.array([0.0, 0, 0, 1, 0, 0])
    light, weight = start, np.ones(len(wanted))
    for step in range(LIGHT_STEPS if count else 0):
        weighted = design * weight[:, None]
        light = np.linalg.solve(weighted.T @ design + LIGHT_PRIOR, weighted.T @ wanted + LIGHT_PRIOR @ start)
        off = np.sqrt(((wanted - design @ light).reshape(3, -1) ** 2).mean(axis=0))
        weight = np.tile((1 + (off / (LIGHT_SCALE * max(1, 4 - step))) ** 2) ** -2.0, 3)
    field = light[4] * right + light[5] * down
    undone = (after - light[:3] - field[..., None]) / max(float(light[3]), 0.5)
    return (134 * np.exp(undone) - 6).clip(0, 255).astype(np.float32)


def _neighbours(here: np.ndarray) -> list[np.ndarray]:
    """Return the features of the nine pixels around each pixel, weighted by nearness."""
    height, width = here.shape[:2]
    padded = np.pad(here, ((1, 1), (1, 1), (0, 0)))
    places = [(down, right) for down in range(3) for right in range(3)]
    weights = [math.exp(-((down - 1) ** 2 + (right - 1) ** 2) / (2 * NEIGHBOUR_SPREAD**2)) for down, right in places]
    scale = 1 / math.sqrt(sum(weight**2 for weight in weights) + 1)
    return [
        padded[down : down + height, right : right + width] * (weight * scale)
        for (down, right), weight in zip(places, weights, strict=True)
    ]


def _positions(body: np.ndarray) -> np.ndarray:
    """Return where each pixel lies relative to the body, in heights of the body, weighted, (h, w, 2)."""
    rows, columns = np.nonzero(body) if body.any() else (np.array([0]), np.array([0]))
    top, height = rows.min(), np.ptp(rows) + 1
    down, right = np.mgrid[: body.shape[0], : body.shape[1]]
    return np.stack([(down - top) / height, (right - columns.mean()) / height], axis=2) * POSITION_WEIGHT


def _at_working_size(frame: MaskedFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return base, clothed and mask at one value an art pixel, or smooth art reduced until its figure fits WORK_PX."""
    size = find_pixel_size([frame.base, frame.clothed])
    base, clothed, mask = (shrink(picture, size) for picture in (frame.base, frame.clothed, frame.mask))
    drawn = np.argwhere((base[..., 3] > 0) | (clothed[..., 3] > 0))
    side = int(np.ptp(drawn, axis=0).max()) + 1 if len(drawn) else 1
    factor = min(1.0, WORK_PX / side)
    if factor == 1:
        return base, clothed, mask
    to = (max(1, round(base.shape[1] * factor)), max(1, round(base.shape[0] * factor)))
    smaller = [cv2.resize(p, to, interpolation=cv2.INTER_AREA) for p in (base, clothed, mask.astype(np.float32))]
    return smaller[0], smaller[1], smaller[2] > 0.5


def _put_back(logits: np.ndarray, there: PixelFeatures, frame: MaskedFrame) -> np.ndarray:
    """Return the mask at the frame's size; in smooth art, edges that stay where they were keep every pixel."""
    now = np.zeros(there.places.shape, np.float32)
    now[there.places] = logits
    size = find_pixel_size([frame.base, frame.clothed])
    if now.shape == shrink(frame.mask, size).shape:
        return enlarge(now > 0, size)
    flipped: np.ndarray = np.zeros(now.shape, np.uint8)
    flipped[there.places] = (logits > 0) != there.mask
    flipped = cv2.morphologyEx(flipped, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))  # single pixels are edges
    flipped = cv2.dilate(flipped, np.ones((3, 3), np.uint8))
    to = frame.mask.shape[::-1]
    where = cv2.resize(flipped, to, interpolation=cv2.INTER_NEAREST) > 0
    changed = cv2.resize(now, to, interpolation=cv2.INTER_LINEAR) > 0
    return np.where(where, changed, frame.mask) & (frame.clothed[..., 3] > 0)
