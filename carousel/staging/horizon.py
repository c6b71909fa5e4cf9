"""The horizon of a scene, from lines that run towards one vanishing point.

Edges of roads, walls and roofs that are parallel in the world meet in one point of the picture; if they are level, the
point lies on the horizon of a level camera (Hartley and Zisserman 2004, "Multiple view geometry", section 8.6). Every
meeting point of two segments is a candidate, and the one that most segments point at, by their length, wins.
"""

from dataclasses import dataclass

import cv2
import numpy as np

WORK_PX = 480  # longer side of the picture in which segments are found
LEAST_LENGTH = 0.05  # of a segment, as a share of the longer side
LEAST_ANGLE, MOST_ANGLE = 4.0, 70.0  # degrees from level: level lines meet nowhere, upright ones say nothing
LEAST_SEGMENTS = 5
PAIRS = 3000  # meeting points that are tried
SPREAD = np.radians(1.5)  # standard deviation of a segment's direction
ACROSS, DOWN = (-0.1, 1.1), (0.25, 0.85)  # where the point may lie, in widths and heights of the picture
LEAST_SHARE = 0.3  # share of the segments' length that must point at it
SURE_SHARE = 0.45  # share from which it is certain


@dataclass(frozen=True)
class Horizon:
    """The horizon of a scene.

    Attributes:
        row: 0 (top) to 1 (bottom).
        certainty: 0 to 1.
    """

    row: float
    certainty: float


def find_horizon(scene: np.ndarray) -> Horizon | None:
    """Find the horizon of a scene, (H, W, 3) uint8; None if no point is agreed on."""
    scale = min(1.0, WORK_PX / max(scene.shape[:2]))
    grey = cv2.resize(cv2.cvtColor(scene, cv2.COLOR_RGB2GRAY), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    middles, directions, lengths = _segments(grey)
    if len(lengths) < LEAST_SEGMENTS:
        return None
    normals = np.stack([-directions[:, 1], directions[:, 0]], axis=1)
    points = _meeting_points(normals, (normals * middles).sum(axis=1))
    height, width = grey.shape
    x, y = points[:, 0] / width, points[:, 1] / height
    points = points[(x > ACROSS[0]) & (x < ACROSS[1]) & (y > DOWN[0]) & (y < DOWN[1])]
    if not len(points):
        return None
    ways = points[:, None] - middles
    turned = np.abs((ways * normals).sum(axis=2)) / np.maximum(np.linalg.norm(ways, axis=2), 1)
    shares = np.exp(-((turned / SPREAD) ** 2)) @ lengths / lengths.sum()
    best = int(shares.argmax())
    certainty = float(np.clip((shares[best] - LEAST_SHARE) / (SURE_SHARE - LEAST_SHARE), 0, 1))
    return Horizon(float(points[best, 1]) / height, certainty) if certainty else None


def _segments(grey: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Middles (N, 2) px, unit directions (N, 2) and lengths (N,) px of the long, slanting segments."""
    found = cv2.createLineSegmentDetector().detect(grey)[0]
    ends = np.empty((0, 4)) if found is None else found[:, 0].astype(float)
    way = ends[:, 2:] - ends[:, :2]
    length = np.linalg.norm(way, axis=1)
    angle = np.degrees(np.arctan2(np.abs(way[:, 1]), np.abs(way[:, 0])))
    used = (length > LEAST_LENGTH * max(grey.shape)) & (angle > LEAST_ANGLE) & (angle < MOST_ANGLE)
    ends, way, length = ends[used], way[used], length[used]
    return (ends[:, :2] + ends[:, 2:]) / 2, way / length[:, None], length


def _meeting_points(normals: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Points (M, 2) where two of the lines normal * point = offset meet; nearly parallel ones are left out."""
    one, other = np.triu_indices(len(normals), 1)
    if len(one) > PAIRS:
        chosen = np.random.default_rng(0).choice(len(one), PAIRS, replace=False)
        one, other = one[chosen], other[chosen]
    determinant = normals[one, 0] * normals[other, 1] - normals[one, 1] * normals[other, 0]
    slanted = np.abs(determinant) > 0.1
    one, other, determinant = one[slanted], other[slanted], determinant[slanted]
    x = (offsets[one] * normals[other, 1] - offsets[other] * normals[one, 1]) / determinant
    y = (normals[one, 0] * offsets[other] - normals[other, 0] * offsets[one]) / determinant
    return np.stack([x, y], axis=1)
