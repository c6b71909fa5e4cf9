"""The shadow that a person casts in a scene's sun: as those of the people who stand in the scene, or none.

Around the feet of each person in the scene the ground is sampled in all directions. In sunlight one narrow sector is
darker than the ground on both sides of it, from the feet outwards; its direction, length and darkness are the shadow's.
Where no sector stands out, or the people disagree, there is no such shadow: in the shade, indoors, at night.

The figure's shadow is its silhouette, laid on the ground: a pixel at height z above the feet falls z times the length
away from them. It is blurred with the distance, as the sun is no point.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from common.people.selection import SegmentedPerson

DIRECTIONS = 48  # directions that are sampled
RADII = np.linspace(0.12, 0.7, 12)  # distances from the feet, in heights of the person
FLAT = 0.3  # foreshortening of the ground towards the camera
LEAST_HEIGHT = 48  # minimum height of a person around whom ground is sampled, px
FEET = 0.05  # lowest rows of a person, as a share of the height, whose middle is where the person stands
CLEAR = 0.02  # margin around people that is not sampled, in heights
LEAST_SEEN = 5  # minimum number of samples in a direction
FLANK = 5  # steps to the directions on both sides with which a direction is compared: 37 degrees
NEAR = 0.4  # radius up to which a shadow must be seen, in heights
STEADY = 0.75  # share of these samples that must be dark
LEAST_CONTRAST = 0.5  # darkness of the sector, natural logarithm of the linear light
AGREEMENT = 0.8  # minimum length of the mean of the people's unit directions
GAMMA = 2.2
SHORTEST, LONGEST = 0.2, 1.2  # limits of the length, in heights
SOFT, SOFT_FAR = 0.004, 0.02  # standard deviation of the blur at the feet and at the end, in heights of the figure
DEPTH = 0.18  # depth of a body, in heights: a shadow to the side is not thinner
MOST_DARK = 0.75  # maximum share of the light that a shadow takes


@dataclass(frozen=True)
class CastShadow:
    """A shadow on flat ground.

    Attributes:
        direction: (2,) unit vector on the ground: to the right, and towards the camera.
        length: length of the shadow in heights of the person.
        darkness: share of the linear light that is lost, 0 to 1.
    """

    direction: tuple[float, float]
    length: float
    darkness: float


def find_cast_shadow(scene: np.ndarray, people: Sequence[SegmentedPerson]) -> CastShadow | None:
    """Find the shadows of people who stand in a scene.

    Args:
        scene: (H, W, 3) uint8.
        people: people whose feet are in the scene; others count as obstacles if they are among them.

    Returns:
        The shadow that they agree on, or None.
    """
    if not people:
        return None
    light = np.log((scene.astype(np.float32).mean(axis=2) / 255 + 0.02) ** GAMMA)
    taken = np.any([person.mask for person in people], axis=0).astype(np.uint8)
    seen = [one for person in people if (one := _shadow_of(light, taken, person)) is not None]
    if not seen:
        return None
    weights = np.array([one.darkness for one in seen])
    mean = np.average([one.direction for one in seen], axis=0, weights=weights)
    if np.linalg.norm(mean) < AGREEMENT:
        return None
    right, near = mean / np.linalg.norm(mean)
    return CastShadow(
        (float(right), float(near)),
        float(np.average([one.length for one in seen], weights=weights)),
        float(np.average(weights, weights=weights)),
    )


def _shadow_of(light: np.ndarray, taken: np.ndarray, person: SegmentedPerson) -> CastShadow | None:
    """The dark sector of the ground around one person; `light` is logarithmic, `taken` is 1 on people."""
    _, top, _, bottom = person.box
    height = bottom - top
    if height < LEAST_HEIGHT or bottom > len(light) - 2:
        return None
    feet = np.flatnonzero(person.mask[bottom - max(1, round(FEET * height)) : bottom].any(axis=0))
    foot = np.array([(feet[0] + feet[-1]) / 2, bottom - FLAT * FEET * height])
    angles = np.linspace(0, 2 * np.pi, DIRECTIONS, endpoint=False)
    ways = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    points = foot + height * RADII[None, :, None] * ways[:, None] * (1, FLAT)
    columns, rows = (np.rint(points[..., axis]).astype(int) for axis in (0, 1))
    inside = (columns >= 0) & (columns < light.shape[1]) & (rows >= 0) & (rows < light.shape[0])
    columns, rows = columns.clip(0, light.shape[1] - 1), rows.clip(0, light.shape[0] - 1)
    margin = 2 * max(1, round(CLEAR * height)) + 1
    blocked = cv2.dilate(taken, np.ones((margin, margin), np.uint8)) > 0
    smooth = cv2.blur(light, (margin, margin))
    samples = np.where(inside & ~blocked[rows, columns], smooth[rows, columns], np.nan)
    contrast = np.fmin(np.roll(samples, FLANK, axis=0), np.roll(samples, -FLANK, axis=0)) - samples
    near = contrast[:, RADII <= NEAR]
    known = (~np.isnan(near)).sum(axis=1) >= LEAST_SEEN
    steady = known & ((near > LEAST_CONTRAST / 2).sum(axis=1) >= STEADY * (~np.isnan(near)).sum(axis=1))
    dark = np.array([np.nanmean(row) if is_steady else 0.0 for row, is_steady in zip(near, steady, strict=True)])
    best = int(dark.argmax())
    if dark[best] < LEAST_CONTRAST:
        return None
    along = np.flatnonzero(contrast[best] > dark[best] / 2)
    lost = 1 - float(np.exp(-dark[best]))
    right, near_by = ways[best]
    length = float(np.clip(RADII[along[-1]], SHORTEST, LONGEST))
    return CastShadow((float(right), float(near_by)), length, min(lost, MOST_DARK))


def lay_shadow(shadow: CastShadow, alpha: np.ndarray, figure_height: float) -> np.ndarray:
    """Lay a figure's shadow on the ground.

    Args:
        shadow: direction, length and darkness.
        alpha: (H, W) float32 in [0, 1], the figure and the ground around it.
        figure_height: px.

    Returns:
        (H, W) float32 in [0, 1], the share of the stored values that is lost.
    """
    rows = np.flatnonzero(alpha.max(axis=1) > 0.5)
    if not len(rows):
        return np.zeros_like(alpha)
    thick = max(1, round(FLAT * DEPTH * figure_height))
    foot = float(rows[-1] + 1) - thick / 2
    right, down = shadow.length * shadow.direction[0], shadow.length * shadow.direction[1] * FLAT
    down = float(np.copysign(max(abs(down), 0.02), down))  # the matrix must have an inverse
    # A pixel (x, y) of the figure falls on (x + z * right, foot + z * down), with z = foot - y.
    matrix = np.array([[1, -right, right * foot], [0, -down, foot * (1 + down)]])
    flat = cv2.warpAffine(alpha, matrix, alpha.shape[::-1], flags=cv2.INTER_LINEAR)
    flat = cv2.dilate(flat, np.ones((thick, 1), np.uint8))
    near, far = (
        cv2.GaussianBlur(flat, (0, 0), max(0.3, soft * figure_height), sigmaY=max(0.3, FLAT * soft * figure_height))
        for soft in (SOFT, SOFT_FAR)
    )
    away = np.abs(np.arange(len(alpha), dtype=np.float32) + 0.5 - foot) / max(1.0, abs(down) * figure_height)
    share = away.clip(0, 1)[:, None]
    lost = np.float32(1 - (1 - shadow.darkness) ** (1 / GAMMA))
    return lost * (near * (1 - share) + far * share).astype(np.float32)
