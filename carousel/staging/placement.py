"""Where a person stands in a scene, and how large: as the user says, or as the people say who stand there already.

Of people who stand on one flat ground, seen by a camera that is held level, the height in the picture grows in
proportion to how far below the horizon their feet are (Hoiem, Efros and Hebert 2008, "Putting objects in perspective",
International Journal of Computer Vision 80, equation 2 with one camera height and one body height):

    height = slope * (foot row - horizon row),    slope = body height / camera height

So a straight line through the feet and heights of the people found gives the height for every other foot line.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from common.errors import UserError, check_range
from common.people.selection import Person

SLOPE = 1.7 / 1.6  # a body of 1.7 m, a camera held at 1.6 m
SLOPE_SPREAD = 0.3  # standard deviation of the slope where nobody stands there to tell it
SLOPES = (0.2, 5.0)  # from a camera on a stage of 8 m to one on the grass
HORIZON = 0.5  # share of the scene's height, where nobody stands there
HEIGHT_SPREAD = 0.1  # standard deviation of people's heights in the picture, as a share: bodies and poses differ
ROUNDS = 30
FOOT = 0.95  # where nobody stands there: the foot line as a share of the scene's height
HALF_HEIGHT = 0.7  # what is seen of a half figure, as a share of the scene's height
HEIGHTS = (0.25, 0.85)  # of a proposed whole figure, as shares of the scene's height
SCALES = (1.0, 0.9, 1.1, 0.8, 0.7, 0.6, 0.5)  # of the height that is tried where there is no room
HALF_SCALES = (1.0, 0.9, 1.1, 0.8)  # the same for half figures: so near to the camera nobody is small
POSITIONS = 41  # places along a foot line
EDGE = 0.02  # share of the scene that stays free between a proposed figure and its edges, and beside people
NO_COVER = 0.005  # share of the figure's box over people that counts as room


@dataclass(frozen=True)
class Silhouette:
    """The form of a cut-out, all that placing needs.

    Attributes:
        aspect: width / height of the box around it.
        foot: where the feet are along the box, 0 (left) to 1.
        is_half: cut by the lower edge of its photo.
    """

    aspect: float
    foot: float
    is_half: bool


@dataclass(frozen=True)
class Wishes:
    """What the user says, as shares of the scene; None where it is to be proposed.

    Attributes:
        x: of the feet, 0 (left) to 1.
        foot: of the line that the feet stand on, 0 (top) to 1; beyond 1 they are below the picture.
        height: of the person, in heights of the scene.
    """

    x: float | None = None
    foot: float | None = None
    height: float | None = None

    def check(self) -> None:
        """Raise UserError where a value is out of range."""
        for name, value, low, high in (
            ("X", self.x, 0, 1),
            ("FOOT", self.foot, 0, 2),
            ("HEIGHT", self.height, 0.02, 3),
        ):
            if value is not None:
                check_range(name, value, low, high)

    @property
    def are_complete(self) -> bool:
        """Whether nothing is left to propose."""
        return None not in (self.x, self.foot, self.height)


@dataclass(frozen=True)
class Spot:
    """Where a figure stands, in px of the scene.

    Attributes:
        x: of the feet.
        foot: row below the feet.
        height: of the figure's box.
        covered: share of the figure's box that lies over people found in the scene, 0 to 1.
    """

    x: float
    foot: float
    height: float
    covered: float = 0.0


@dataclass(frozen=True)
class Ground:
    """Flat ground under a level camera: height in the picture = slope * (foot row - horizon row), all in px."""

    slope: float
    horizon: float

    def height_at(self, foot: float) -> float:
        """Height of a person whose feet are on this row; 0 or less above the horizon."""
        return self.slope * (foot - self.horizon)

    def foot_of(self, height: float) -> float:
        """The row of the feet of a person so high."""
        return self.horizon + height / self.slope


def standing(people: Sequence[Person], scene_height: int) -> list[Person]:
    """Those whose head and feet are both in the picture, and who are no wider than high."""
    edge = max(1.0, 0.005 * scene_height)
    boxes = [(person, *person.box) for person in people]
    return [
        person
        for person, left, top, right, bottom in boxes
        if top > edge and bottom < scene_height - edge and bottom - top > right - left
    ]


def estimate_ground(feet: Sequence[float], heights: Sequence[float], scene_height: int) -> Ground:
    """Fit the line of feet and heights; people who sit, or are none, weigh little.

    Least squares with Cauchy weights, whose slope is held towards SLOPE as strongly as one would expect of people of
    different bodies: one person tells the horizon alone, two on one foot line tell no more, and many tell all.

    Args:
        feet: rows of the feet, px.
        heights: of the same people, px, above 0.
        scene_height: px; where nobody is found, the horizon is at HORIZON of it.
    """
    if not len(feet):
        return Ground(SLOPE, HORIZON * scene_height)
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
    return Ground(slope, float(y_mean - h_mean / slope) * scene_height)


def place(figure: Silhouette, size: tuple[int, int], people: Sequence[Person], wishes: Wishes) -> Spot:
    """Where the figure stands: as the user wishes, the rest proposed; not over people where there is room beside them.

    Where there is none, it covers as little as can be, and rather people behind than people nearer to the camera.

    Args:
        figure: its form.
        size: width and height of the scene, px.
        people: found in the scene.
        wishes: of the user, in their ranges.

    Raises:
        UserError: a wish for feet above the horizon without a height.
    """
    width, height = size
    whole = standing(people, height)
    feet = [float(person.box[3]) for person in whole]
    heights = [float(person.box[3] - person.box[1]) for person in whole]
    ground = estimate_ground(feet, heights, height)
    sizes = _sizes(figure, size, ground, heights, wishes)
    taken = _taken(people, size)
    spots = [
        Spot(x, foot, tall, _covered(taken, figure, x, foot, tall))
        for foot, tall in sizes
        for x in ([wishes.x * width] if wishes.x is not None else _positions(figure, tall, width))
    ]
    costs = [spot.covered + _before_nearer(people, figure, spot) for spot in spots]
    fitting = [spot for spot, cost in zip(spots, costs, strict=True) if cost <= min(costs) + NO_COVER]
    return min(fitting, key=lambda spot: 2 * abs(np.log(spot.height / sizes[0][1])) + abs(spot.x / width - 0.5))


def box_of(figure: Silhouette, spot: Spot) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of the figure in px of the scene; it may reach beyond the scene."""
    wide = figure.aspect * spot.height
    left = spot.x - figure.foot * wide
    return left, spot.foot - spot.height, left + wide, spot.foot


def _sizes(
    figure: Silhouette, size: tuple[int, int], ground: Ground, heights: Sequence[float], wishes: Wishes
) -> list[tuple[float, float]]:
    """Foot lines and heights in px that come into question, the best first."""
    scene_height = size[1]
    foot = None if wishes.foot is None else wishes.foot * scene_height
    if wishes.height is not None:
        tall = wishes.height * scene_height
        below = scene_height if figure.is_half else min(ground.foot_of(tall), (1 - EDGE) * scene_height)
        return [(below if foot is None else foot, tall)]
    if figure.is_half:
        return [
            (scene_height if foot is None else foot, tall) for tall in _heights(figure, size, HALF_HEIGHT, HALF_SCALES)
        ]
    if foot is not None:
        tall = ground.height_at(foot)
        if tall < 0.02 * scene_height:
            line = ground.horizon / scene_height
            raise UserError(f"setting FOOT is {wishes.foot}, at or above the horizon ({line:.2f}); give HEIGHT too")
        return [(foot, tall)]
    if not len(heights):
        share = ground.height_at(FOOT * scene_height) / scene_height
        return [(ground.foot_of(tall), tall) for tall in _heights(figure, size, share, SCALES[:1])]
    share = float(np.clip(np.median(heights) / scene_height, *HEIGHTS))
    spots = [(ground.foot_of(tall), tall) for tall in _heights(figure, size, share, SCALES)]
    seen = [
        (line, tall)
        for line, tall in spots
        if (line - tall) / scene_height >= EDGE and line <= (1 - EDGE) * scene_height
    ]
    return seen or [
        (float(np.clip(line, tall + EDGE * scene_height, (1 - EDGE) * scene_height)), tall) for line, tall in spots
    ]


def _heights(figure: Silhouette, size: tuple[int, int], share: float, scales: Sequence[float]) -> list[float]:
    """Heights to try in px; none makes the figure wider than the scene."""
    width, height = size
    most = (1 - 2 * EDGE) * width / figure.aspect
    return [min(scale * share * height, most) for scale in scales]


def _positions(figure: Silhouette, tall: float, width: int) -> list[float]:
    """Where the feet may be along the scene with the whole figure in it."""
    wide, edge = figure.aspect * tall, EDGE * width
    first, last = edge, width - edge - wide
    lefts = np.linspace(first, last, POSITIONS) if last > first else [(width - wide) / 2]
    return [float(left + figure.foot * wide) for left in lefts]


def _taken(people: Sequence[Person], size: tuple[int, int]) -> np.ndarray:
    """Summed area table of where people are, with a margin around them; (H + 1, W + 1) float64 in px."""
    width, height = size
    taken = np.zeros((height, width), np.uint8)
    for person in people:
        taken |= person.mask
    margin = max(1, round(EDGE * min(size) / 2))
    return cv2.integral(cv2.dilate(taken, np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)), sdepth=cv2.CV_64F)


def _covered(taken: np.ndarray, figure: Silhouette, x: float, foot: float, tall: float) -> float:
    """Share of the figure's box, as far as it is in the scene, that people take."""
    height, width = taken.shape[0] - 1, taken.shape[1] - 1
    left, top, right, bottom = (round(side) for side in box_of(figure, Spot(x, foot, tall)))
    left, right = np.clip((left, right), 0, width)
    top, bottom = np.clip((top, bottom), 0, height)
    area = (right - left) * (bottom - top)
    inside = taken[bottom, right] - taken[top, right] - taken[bottom, left] + taken[top, left]
    return float(inside / area) if area else 0.0


def _before_nearer(people: Sequence[Person], figure: Silhouette, spot: Spot) -> float:
    """Share of the figure's box that lies over people whose feet are lower: who stand before it, not behind."""
    boxes = np.array([person.box for person in people if person.box[3] > spot.foot], float).reshape(-1, 4)
    left, top, right, bottom = box_of(figure, spot)
    wide = (np.minimum(right, boxes[:, 2]) - np.maximum(left, boxes[:, 0])).clip(0)
    high = (np.minimum(bottom, boxes[:, 3]) - np.maximum(top, boxes[:, 1])).clip(0)
    return float((wide * high).sum() / ((right - left) * (bottom - top)))
