"""Posed bodies: builds, poses, joints, and the outlines of trunk, limbs, hands and feet.

Places are in heights of a standing adult: x to the right of the picture, y downwards, the ground at y = 0. Angles are
in degrees, 0 hanging straight down, growing outwards from the body.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from carousel.drawing.canvas import points
from common.outlines import Outline, curve, hull

Point = tuple[float, float]
SIDES = (-1, 1)  # left and right of the picture
LEVELS = (-0.14, 0.0, 0.18, 0.42, 0.70, 0.86, 0.965, 1.01, 1.055)  # of the trunk, 0 hip joints, 1 line of the shoulders
FEMALE = (0.082, 0.094, 0.088, 0.067, 0.080, 0.086, 0.098, 0.084, 0.040)  # half widths of the trunk at LEVELS
MALE = (0.078, 0.084, 0.080, 0.074, 0.091, 0.102, 0.115, 0.098, 0.045)
SHOULDER, NECK = 0.30, 0.030  # height of the shoulders above the hips, of the neck above the shoulders
THIGH, SHIN, ANKLE = 0.245, 0.235, 0.04
UPPER_ARM, FOREARM = 0.155, 0.135
HEAD = 0.155  # from chin to crown


@dataclass(frozen=True)
class Build:
    """Proportions of a body.

    Attributes:
        female: 0 to 1, how the trunk's widths are mixed.
        width: factor of all widths, 1 slim to 1.3 stout.
        belly: extra half width of the waist, in heights of an adult.
        height: height in metres.
        head: factor of the head's size: a child's is larger.
    """

    female: float
    width: float
    belly: float
    height: float
    head: float = 1.0


@dataclass(frozen=True)
class Pose:
    """Pose of a body; pairs are for the left and the right of the picture.

    Attributes:
        arms: upper arm and forearm, degrees; the forearm's angle is its own, not relative to the upper arm.
        legs: thigh and shin, degrees.
        hands: "relaxed", "open", "fist", "horns", "peace" or "grip".
        tilts: degrees by which hips, trunk, shoulders and head lean, positive to the right of the picture.
        shins: factors of the shins' lengths; a foot that is lifted backwards looks shorter.
        shift: sideways shift of the hips, in heights.
        turn: direction of the face, -1 left to 1 right.
        from_behind: whether the person looks away from the camera.
        holds: thing in the hand: "", "guitar", "cup", "phone" or "flag".
    """

    arms: tuple[tuple[float, float], tuple[float, float]]
    legs: tuple[tuple[float, float], tuple[float, float]]
    hands: tuple[str, str]
    tilts: tuple[float, float, float, float]
    shins: tuple[float, float] = (1.0, 1.0)
    shift: float = 0.0
    turn: float = 0.0
    from_behind: bool = False
    holds: str = ""


@dataclass(frozen=True)
class Limb:
    """Three joints: shoulder, elbow, wrist, or hip, knee, ankle; `side` is -1 or 1."""

    start: Point
    middle: Point
    end: Point
    side: int


@dataclass(frozen=True)
class PosedBody:
    """Joints of a body in its pose.

    Attributes:
        arms, legs: left and right of the picture.
        pelvis, chest, neck: middle of the hip joints, of the shoulders, and the base of the neck.
        head: middle of the head.
        axes: directions of the line of the hips and of the shoulders, towards the right.
        build, pose: the inputs of `pose_body`.
    """

    arms: tuple[Limb, Limb]
    legs: tuple[Limb, Limb]
    pelvis: Point
    chest: Point
    neck: Point
    head: Point
    axes: tuple[Point, Point]
    build: Build
    pose: Pose

    def trunk(self, level: float, across: float) -> Point:
        """Return a place on the trunk: `level` 0 at the hip joints, 1 at the shoulders; `across` to the right."""
        t = min(max(level, 0.0), 1.0)
        bend = math.sin(math.pi * t) * self.pose.shift * 0.35
        x = self.pelvis[0] + (self.chest[0] - self.pelvis[0]) * level + bend
        y = self.pelvis[1] + (self.chest[1] - self.pelvis[1]) * level
        (hx, hy), (sx, sy) = self.axes
        return x + (hx + (sx - hx) * t) * across, y + (hy + (sy - hy) * t) * across

    def path(self, text: str, side: int = 1) -> list[Point]:
        """Return places on the trunk, "level across, level across, ..."; a `side` of -1 mirrors them."""
        return [self.trunk(level, side * across) for level, across in points(text)]

    def half_width(self, level: float) -> float:
        """Return half the trunk's width at a level."""
        build = self.build
        widths = [m + (f - m) * build.female for f, m in zip(FEMALE, MALE, strict=True)]
        slim = float(np.interp(level, LEVELS, widths))
        bulge = build.belly * math.exp(-(((level - 0.30) / 0.22) ** 2))
        return slim * (1 + (build.width - 1) * (0.8 if level > 0.9 else 1.0)) + bulge

    def edge(self, level: float, side: int, ease: float) -> Point:
        """Return a place on one side of the trunk, `ease` outside it."""
        return self.trunk(level, side * (self.half_width(level) + ease))

    def girdle(self, level: float, drop: float, ease: float) -> list[Point]:
        """Return places of a belt from side to side, its middle `drop` levels lower."""
        return [self.edge(level, -1, ease), self.trunk(level - drop, 0), self.edge(level, 1, ease)]


def _turned(start: Point, length: float, degrees: float, side: int) -> Point:
    angle = math.radians(degrees)
    return start[0] + side * length * math.sin(angle), start[1] + length * math.cos(angle)


def _limb(start: Point, lengths: tuple[float, float], angles: tuple[float, float], side: int) -> Limb:
    middle = _turned(start, lengths[0], angles[0], side)
    return Limb(start, middle, _turned(middle, lengths[1], angles[1], side), side)


def _raised(limb: Limb, by: float) -> Limb:
    start, middle, end = ((x, y - by) for x, y in (limb.start, limb.middle, limb.end))
    return Limb(start, middle, end, limb.side)


def _axis(degrees: float) -> Point:
    return math.cos(math.radians(degrees)), math.sin(math.radians(degrees))


def pose_body(build: Build, pose: Pose) -> PosedBody:
    """Place the joints of a pose; the lower foot stands on the ground, and the hips are above it."""
    hips, lean, shoulders, head_tilt = pose.tilts
    hip_axis, shoulder_axis = _axis(hips), _axis(shoulders)
    widths = PosedBody((), (), (0, 0), (0, 0), (0, 0), (0, 0), (hip_axis, shoulder_axis), build, pose)  # type: ignore[arg-type]
    reach = widths.half_width(0.0) * 0.52
    legs = []
    for side, angles, shin in zip(SIDES, pose.legs, pose.shins, strict=True):
        hip = (pose.shift + hip_axis[0] * reach * side, hip_axis[1] * reach * side)
        legs.append(_limb(hip, (THIGH, SHIN * shin), angles, side))
    drop = max(leg.end[1] for leg in legs) + ANKLE
    legs = [_raised(leg, drop) for leg in legs]
    pelvis = (pose.shift, -drop)
    lean = math.radians(lean)
    chest = (pelvis[0] * 0.55 + SHOULDER * math.sin(lean), pelvis[1] - SHOULDER * math.cos(lean))
    neck = (chest[0] + NECK * math.sin(lean), chest[1] - NECK * math.cos(lean))
    tilt = math.radians(head_tilt)
    raised = 0.012 + HEAD * build.head * 0.5
    head = (neck[0] + raised * math.sin(tilt), neck[1] - raised * math.cos(tilt))
    shoulder = widths.half_width(0.93) - 0.018
    arms = []
    for side, angles in zip(SIDES, pose.arms, strict=True):
        lift = max(0.0, (angles[0] - 60) / 120) * 0.03
        x, y = chest[0] + shoulder_axis[0] * shoulder * side, chest[1] + shoulder_axis[1] * shoulder * side
        shrink = (0.94 if build.head > 1.1 else 1.0) * (1 + 0.04 * (1 - build.female))
        arms.append(_limb((x, y + 0.030 - lift), (UPPER_ARM * shrink, FOREARM * shrink), angles, side))
    axes = (hip_axis, shoulder_axis)
    return PosedBody((arms[0], arms[1]), (legs[0], legs[1]), pelvis, chest, neck, head, axes, build, pose)


def tube(points: Sequence[Point], radii: Sequence[float], steps: int = 4) -> list[Outline]:
    """Return overlapping pieces of a round limb along a smooth line; radii are interpolated between the points."""
    line = smooth_line(points, steps)
    places = np.linspace(0, len(points) - 1, len(line))
    thickness = np.interp(places, np.arange(len(radii)), radii)
    ends = [(float(x), float(y), float(r)) for (x, y), r in zip(line, thickness, strict=True)]
    return [hull(first, second) for first, second in itertools.pairwise(ends)]


def smooth_line(points: Sequence[Point], steps: int = 6) -> np.ndarray:
    """Return an open Catmull-Rom line through the points, (N, 2)."""
    here = np.array([points[0], *points, points[-1]], float)
    t = np.arange(steps)[:, None] / steps
    pieces = []
    for a, b, c, d in zip(here, here[1:], here[2:], here[3:], strict=False):
        pieces.append(b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a))))
    return np.concatenate([*pieces, here[-1:]])


def along(limb: Limb, share: float) -> Point:
    """Return a place on the bones of a limb: 0 start, 1 the middle joint, 2 its end."""
    (ax, ay), (bx, by) = (limb.start, limb.middle) if share <= 1 else (limb.middle, limb.end)
    t = share if share <= 1 else share - 1
    return ax + (bx - ax) * t, ay + (by - ay) * t


def limb_tube(limb: Limb, radii: Sequence[float], first: float = 0.0, last: float = 2.0) -> list[Outline]:
    """Return a sleeve over a limb from share `first` to `last`; radii are spread evenly over that length."""
    shares = np.linspace(first, last, len(radii))
    points = [along(limb, float(share)) for share in shares]
    return tube(points, radii)


def arm_radii(build: Build) -> list[float]:
    """Return radii of a bare arm from shoulder to wrist."""
    strength = build.width * (1.08 - 0.14 * build.female)
    return [r * strength for r in (0.0265, 0.0245, 0.0215, 0.0185, 0.0195, 0.0165, 0.0125)]


def leg_radii(build: Build) -> list[float]:
    """Return radii of a bare leg from hip to ankle."""
    strength = build.width * (1.0 + 0.04 * build.female)
    return [r * strength for r in (0.046, 0.045, 0.038, 0.029, 0.031, 0.027, 0.0175)]


def hand_outlines(limb: Limb, kind: str) -> list[Outline]:
    """Return palm and fingers at the end of an arm, about 0.075 long."""
    (mx, my), (ex, ey) = limb.middle, limb.end
    length = math.hypot(ex - mx, ey - my) or 1.0
    ux, uy = (ex - mx) / length, (ey - my) / length
    vx, vy = -uy * limb.side, ux * limb.side  # towards the thumb: the inner side of a hanging hand

    def at(forward: float, thumbward: float) -> Point:
        return ex + ux * forward + vx * thumbward, ey + uy * forward + vy * thumbward

    palm = [hull((*at(0.004, 0.0), 0.0125), (*at(0.026, 0.002), 0.0155), (*at(0.034, -0.004), 0.013))]
    fingers = {"relaxed": _RELAXED, "open": _OPEN, "fist": _FIST, "horns": _HORNS, "peace": _PEACE, "grip": _FIST}[kind]
    for base, middle, tip in fingers:
        palm += [hull((*at(*base), 0.0062), (*at(*middle), 0.0058)), hull((*at(*middle), 0.0058), (*at(*tip), 0.0048))]
    return palm


_Finger = tuple[Point, Point, Point]
_THUMB: _Finger = ((0.012, 0.012), (0.026, 0.021), (0.040, 0.023))
_RELAXED: tuple[_Finger, ...] = (
    _THUMB,
    ((0.038, 0.010), (0.056, 0.011), (0.069, 0.007)),
    ((0.040, 0.002), (0.060, 0.003), (0.074, -0.001)),
    ((0.038, -0.006), (0.056, -0.006), (0.069, -0.009)),
    ((0.034, -0.013), (0.048, -0.014), (0.058, -0.015)),
)
_OPEN: tuple[_Finger, ...] = (
    ((0.012, 0.012), (0.024, 0.027), (0.034, 0.038)),
    ((0.036, 0.011), (0.055, 0.018), (0.070, 0.022)),
    ((0.040, 0.003), (0.062, 0.005), (0.079, 0.006)),
    ((0.038, -0.006), (0.058, -0.010), (0.074, -0.013)),
    ((0.033, -0.013), (0.047, -0.021), (0.059, -0.027)),
)
_FIST: tuple[_Finger, ...] = (
    ((0.016, 0.012), (0.034, 0.014), (0.042, 0.004)),
    ((0.036, 0.009), (0.044, 0.009), (0.042, 0.006)),
    ((0.037, 0.0), (0.046, 0.0), (0.043, 0.0)),
    ((0.036, -0.008), (0.043, -0.008), (0.041, -0.006)),
)
_HORNS: tuple[_Finger, ...] = (
    *_FIST,
    ((0.036, 0.010), (0.056, 0.013), (0.072, 0.016)),
    ((0.033, -0.012), (0.047, -0.017), (0.060, -0.021)),
)
_PEACE: tuple[_Finger, ...] = (
    *_FIST,
    ((0.036, 0.008), (0.058, 0.014), (0.076, 0.019)),
    ((0.038, 0.001), (0.061, -0.004), (0.079, -0.010)),
)


def trunk_outline(body: PosedBody, low: float, high: float, ease: float = 0.0, flare: float = 0.0) -> Outline:
    """Return the outline of the trunk between two levels, `ease` outside it, and `flare` wider at its lower end."""
    levels = [low, *(level for level in np.arange(-0.1, 1.05, 0.12) if low + 0.04 < level < high - 0.02), high]
    eases = [ease + flare * max(0.0, 1 - (level - low) / 0.45) for level in levels]
    left, right = (
        [body.edge(level, side, extra) for level, extra in zip(levels, eases, strict=True)] for side in SIDES
    )
    return curve([right[0], *right, right[-1], left[-1], *reversed(left), left[0]])
