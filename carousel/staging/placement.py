"""Position and size of a person in a scene, as requested by the user or estimated from the people in the scene.

For people on flat ground, seen by a level camera, the height in the picture is proportional to the distance of the feet
below the horizon (Hoiem, Efros and Hebert 2008, "Putting objects in perspective", International Journal of Computer
Vision 80, equation 2 with one camera height and one body height):

    height = slope * (foot row - horizon row),    slope = body height / camera height

A line fitted to the feet and heights of the people found gives the height for every other foot row.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from carousel.staging.horizon import Horizon
from common.errors import UserError
from common.people.selection import SegmentedPerson

SLOPE = 1.7 / 1.6  # body of 1.7 m, camera at 1.6 m
SLOPE_SPREAD = 0.3  # prior standard deviation of the slope
SLOPES = (0.2, 5.0)  # limits: a camera on a stage of 8 m, a camera on the grass
HORIZON = 0.5  # horizon in a scene without people, as a share of its height
HEIGHT_SPREAD = 0.1  # standard deviation of people's heights as a share: bodies and poses differ
ROUNDS = 30  # iterations of the robust fit
FOOT = 0.95  # foot row in a scene without people, as a share of its height
HALF_HEIGHT = 0.7  # visible height of a half figure, as a share of the scene's height
HEIGHTS = (0.25, 0.85)  # limits of a proposed whole figure's height, as shares of the scene's height
SCALES = (1.0, 0.9, 1.1, 0.8, 0.7, 0.6, 0.5)  # factors of the height that are tried where there is no room
HALF_SCALES = (1.0, 0.9, 1.1, 0.8)  # the same for half figures: nobody is small so near to the camera
POSITIONS = 41  # places that are tried along a foot row
EDGE = 0.02  # margin between a proposed figure and the scene's edges or other people, as a share of the scene
NO_COVER = 0.005  # share of the figure's box over people up to which a place counts as free


@dataclass(frozen=True)
class Silhouette:
    """Shape of a cut-out, as far as placement needs it.

    Attributes:
        aspect: width / height of its box.
        foot: position of the feet along the box, 0 (left) to 1 (right).
        is_half: whether the lower edge of its photo cuts it.
        stature: height of the box in heights of a standing adult: less for a child, and for somebody who crouches.
    """

    aspect: float
    foot: float
    is_half: bool
    stature: float = 1.0


@dataclass(frozen=True, kw_only=True)
class RequestedPlacement:
    """Placement set by the user, in shares of the scene; None: propose it.

    Attributes:
        x: position of the feet, 0 (left) to 1 (right).
        foot: row of the feet, 0 (top) to 1 (bottom); above 1 the feet are below the picture.
        height: height of the person, in heights of the scene.
    """

    x: float | None = None
    foot: float | None = None
    height: float | None = None

    @property
    def are_complete(self) -> bool:
        """Whether nothing has to be proposed."""
        return None not in (self.x, self.foot, self.height)


@dataclass(frozen=True)
class PersonPlacement:
    """Position and size of a figure, in px of the scene.

    Attributes:
        x: column of the feet.
        foot: row below the feet.
        height: height of the figure's box.
        covered: share of the figure's box that overlaps people found in the scene, 0 to 1.
        basis: what the height was derived from.
        plausibility: how well that determines the height, 0 to 1.
    """

    x: float
    foot: float
    height: float
    covered: float = 0.0
    basis: str = ""
    plausibility: float = 0.0


@dataclass(frozen=True)
class GroundPlane:
    """Flat ground under a level camera: height in the picture = slope * (foot row - horizon row), in px."""

    slope: float
    horizon: float

    def height_at(self, foot: float) -> float:
        """Height of a person whose feet are in this row; 0 or less above the horizon."""
        return self.slope * (foot - self.horizon)

    def foot_of(self, height: float) -> float:
        """Row of the feet of a person of this height."""
        return self.horizon + height / self.slope


def standing_people(people: Sequence[SegmentedPerson], scene_height: int) -> list[SegmentedPerson]:
    """People whose head and feet are both in the picture, and who are no wider than high."""
    edge = max(1.0, 0.005 * scene_height)
    boxes = [(person, *person.box) for person in people]
    return [
        person
        for person, left, top, right, bottom in boxes
        if top > edge and bottom < scene_height - edge and bottom - top > right - left
    ]


def estimate_ground(
    feet: Sequence[float], heights: Sequence[float], scene_height: int, horizon: Horizon | None = None
) -> GroundPlane:
    """Fit the line through feet and heights; outliers, such as people who sit, get low weights.

    Least squares with Cauchy weights and a Gaussian prior on the slope (SLOPE, SLOPE_SPREAD): one person determines the
    horizon only, many people on different rows also determine the slope.

    Args:
        feet: rows of the feet, px.
        heights: heights of the same people, px, above 0.
        scene_height: px.
        horizon: used without people; an uncertain one is drawn to HORIZON.
    """
    if not len(feet):
        row = HORIZON if horizon is None else HORIZON + horizon.certainty * (horizon.row - HORIZON)
        return GroundPlane(SLOPE, row * scene_height)
    y, h = np.asarray(feet, float) / scene_height, np.asarray(heights, float) / scene_height
    spread = HEIGHT_SPREAD * h
    slope, start = SLOPE, float(np.median(h - SLOPE * y))
    misfit = (h - start - SLOPE * y) / spread
    y_mean = h_mean = 0.0
    for _ in range(ROUNDS):
        weights = 1 / (spread**2 * (1 + (misfit / 2) ** 2))
        y_mean, h_mean = np.average(y, weights=weights), np.average(h, weights=weights)
        held = 1 / SLOPE_SPREAD**2
        along = (weights * (y - y_mean) * (h - h_mean)).sum() + held * SLOPE
        slope = float(np.clip(along / ((weights * (y - y_mean) ** 2).sum() + held), *SLOPES))
        misfit = (h - h_mean - slope * (y - y_mean)) / spread
    return GroundPlane(slope, float(y_mean - h_mean / slope) * scene_height)


def find_placement(
    silhouette: Silhouette,
    size: tuple[int, int],
    people: Sequence[SegmentedPerson],
    requested: RequestedPlacement,
    *,
    horizon: Horizon | None = None,
) -> PersonPlacement:
    """Place a figure as requested, and propose the rest: not over other people where there is room beside them.

    Where there is no room, the figure overlaps people as little as possible, and rather people behind it than people
    nearer to the camera.

    Args:
        silhouette: shape of the figure.
        size: width and height of the scene, px.
        people: people found in the scene.
        requested: the user's settings, within their ranges.
        horizon: result of `find_horizon`, used where nobody stands in the scene.

    Raises:
        UserError: feet above the horizon are requested without a height.
    """
    width, height = size
    whole = standing_people(people, height)
    feet = [float(person.box[3]) for person in whole]
    heights = [float(person.box[3] - person.box[1]) for person in whole]
    ground = estimate_ground(feet, heights, height, horizon)
    sizes = _sizes(silhouette, size, ground, heights, requested)
    taken = _taken(people, size)
    spots = [
        PersonPlacement(x, foot, tall, _covered(taken, silhouette, x, foot, tall))
        for foot, tall in sizes
        for x in ([requested.x * width] if requested.x is not None else _positions(silhouette, tall, width))
    ]
    costs = [spot.covered + _before_nearer(people, silhouette, spot) for spot in spots]
    fitting = [spot for spot, cost in zip(spots, costs, strict=True) if cost <= min(costs) + NO_COVER]
    best = min(fitting, key=lambda spot: 2 * abs(np.log(spot.height / sizes[0][1])) + abs(spot.x / width - 0.5))
    basis, plausibility = _evidence(silhouette, len(whole), requested, horizon)
    return replace(best, basis=basis, plausibility=plausibility)


def _evidence(
    silhouette: Silhouette, standing: int, requested: RequestedPlacement, horizon: Horizon | None
) -> tuple[str, float]:
    """What a height is derived from, and how well that determines it, 0 to 1."""
    if requested.height is not None:
        return "as set", 1.0
    if silhouette.is_half:
        return "half figure, at the lower edge", 0.5
    if standing:
        return f"from {standing} people who stand in the scene", 1 - 0.3 / standing
    if horizon:
        return "from lines that meet at the horizon", 0.3 + 0.3 * horizon.certainty
    return "for a camera at eye level", 0.3


def box_of(silhouette: Silhouette, spot: PersonPlacement) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of the figure in px of the scene; may extend beyond the scene."""
    wide = silhouette.aspect * spot.height
    left = spot.x - silhouette.foot * wide
    return left, spot.foot - spot.height, left + wide, spot.foot


def _sizes(
    silhouette: Silhouette,
    size: tuple[int, int],
    ground: GroundPlane,
    heights: Sequence[float],
    requested: RequestedPlacement,
) -> list[tuple[float, float]]:
    """Candidate foot rows and heights in px, the best first."""
    scene_height, stature = size[1], silhouette.stature
    foot = None if requested.foot is None else requested.foot * scene_height
    if requested.height is not None:
        tall = requested.height * scene_height
        below = scene_height if silhouette.is_half else min(ground.foot_of(tall / stature), (1 - EDGE) * scene_height)
        return [(below if foot is None else foot, tall)]
    if silhouette.is_half:
        return [
            (scene_height if foot is None else foot, tall)
            for tall in _heights(silhouette, size, HALF_HEIGHT, HALF_SCALES)
        ]
    if foot is not None:
        tall = stature * ground.height_at(foot)
        if tall < 0.02 * scene_height:
            line = ground.horizon / scene_height
            raise UserError(f"setting FOOT is {requested.foot}, at or above the horizon ({line:.2f}); set HEIGHT too")
        return [(foot, tall)]
    if not len(heights):
        share = ground.height_at(FOOT * scene_height) / scene_height
        return [(ground.foot_of(tall / stature), tall) for tall in _heights(silhouette, size, share, SCALES[:1])]
    share = float(np.clip(np.median(heights) / scene_height, *HEIGHTS))
    spots = [(ground.foot_of(tall / stature), tall) for tall in _heights(silhouette, size, share, SCALES)]
    seen = [
        (line, tall)
        for line, tall in spots
        if (line - tall) / scene_height >= EDGE and line <= (1 - EDGE) * scene_height
    ]
    return seen or [
        (float(np.clip(line, tall + EDGE * scene_height, (1 - EDGE) * scene_height)), tall) for line, tall in spots
    ]


def _heights(silhouette: Silhouette, size: tuple[int, int], share: float, scales: Sequence[float]) -> list[float]:
    """Candidate heights in px, for an adult's `share` of the scene; the figure is no wider than the scene."""
    width, height = size
    most = (1 - 2 * EDGE) * width / silhouette.aspect
    return [min(scale * share * silhouette.stature * height, most) for scale in scales]


def _positions(silhouette: Silhouette, tall: float, width: int) -> list[float]:
    """Candidate columns of the feet that keep the whole figure in the scene."""
    wide, edge = silhouette.aspect * tall, EDGE * width
    first, last = edge, width - edge - wide
    lefts = np.linspace(first, last, POSITIONS) if last > first else [(width - wide) / 2]
    return [float(left + silhouette.foot * wide) for left in lefts]


def _taken(people: Sequence[SegmentedPerson], size: tuple[int, int]) -> np.ndarray:
    """Summed area table of the people and a margin around them, (H + 1, W + 1) float64 in px."""
    width, height = size
    taken = np.zeros((height, width), np.uint8)
    for person in people:
        taken |= person.mask
    margin = max(1, round(EDGE * min(size) / 2))
    return cv2.integral(cv2.dilate(taken, np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)), sdepth=cv2.CV_64F)


def _covered(taken: np.ndarray, silhouette: Silhouette, x: float, foot: float, tall: float) -> float:
    """Share of the part of the figure's box inside the scene that people take up."""
    height, width = taken.shape[0] - 1, taken.shape[1] - 1
    left, top, right, bottom = (round(side) for side in box_of(silhouette, PersonPlacement(x, foot, tall)))
    left, right = np.clip((left, right), 0, width)
    top, bottom = np.clip((top, bottom), 0, height)
    area = (right - left) * (bottom - top)
    inside = taken[bottom, right] - taken[top, right] - taken[bottom, left] + taken[top, left]
    return float(inside / area) if area else 0.0


def _before_nearer(people: Sequence[SegmentedPerson], silhouette: Silhouette, spot: PersonPlacement) -> float:
    """Share of the figure's box that overlaps people whose feet are lower, who stand in front of the figure."""
    boxes = np.array([person.box for person in people if person.box[3] > spot.foot], float).reshape(-1, 4)
    left, top, right, bottom = box_of(silhouette, spot)
    wide = (np.minimum(right, boxes[:, 2]) - np.maximum(left, boxes[:, 0])).clip(0)
    high = (np.minimum(bottom, boxes[:, 3]) - np.maximum(top, boxes[:, 1])).clip(0)
    return float((wide * high).sum() / ((right - left) * (bottom - top)))
