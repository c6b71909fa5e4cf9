"""A walking skeleton: eight phases of a walk cycle, seen from three sides."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

View = Literal["south", "east", "north"]  # walking direction; the camera is in the south
VIEWS: tuple[View, ...] = ("south", "east", "north")
PHASES = 8
CELL = 64  # side of a frame in art pixels
MIDDLE, GROUND = 32, 60  # position of the character in the frame
TILT = 0.3  # art pixels downwards for each one nearer to the camera, which looks slightly down

# Angles in degrees of the leg that is in front in phase 0; the other leg is half a cycle later.
# Phases: contact, down, passing, up, then the same for the other leg.
THIGH = (27, 24, 3, -13, -25, -22, 10, 32)  # forward is positive
KNEE = (6, 42, 8, 0, 22, 58, 64, 44)
TOES = (20, 2, 0, -14, -34, -50, -18, 12)  # up is positive
UPPER_ARM = (-32, -24, -2, 16, 32, 24, 2, -18)  # arm on the same side, which swings against its leg
ELBOW = (14, 12, 18, 26, 38, 32, 20, 14)
SWAY = (0, 1, 1, 0, 0, -1, -1, 0)  # of hanging hair and cloth, in art pixels

Point = tuple[float, float, float]  # screen x, screen y (down), nearness to the camera; art pixels


@dataclass(frozen=True)
class BodyShape:
    """Proportions of a character in art pixels.

    Attributes:
        leg: length from hip to ankle.
        torso: length from hip to shoulder line.
        arm: length from shoulder to wrist.
        shoulders: half the distance between the shoulder joints.
        hips: half the distance between the hip joints.
        girth: factor for the thickness of torso and limbs.
        head: factor for the size of the head.
    """

    leg: float = 14
    torso: float = 10.5
    arm: float = 11.5
    shoulders: float = 6.6
    hips: float = 3.3
    girth: float = 1
    head: float = 1


@dataclass(frozen=True)
class WalkPose:
    """A body in one phase, seen from one side.

    Attributes:
        body: proportions.
        view: walking direction.
        phase: 0 to PHASES - 1.
        joints: "pelvis", "chest", "head", and for "left" and "right" sides "shoulder", "elbow", "hand", "hip",
            "knee", "ankle", "toes", such as "left knee".
    """

    body: BodyShape
    view: View
    phase: int
    joints: Mapping[str, Point] = field(repr=False)

    @property
    def sway(self) -> int:
        """Lag of hanging hair and cloth, in art pixels on the screen."""
        return SWAY[self.phase]

    def at(self, joint: str) -> tuple[float, float]:
        """Return x and y of a joint on the screen."""
        return self.joints[joint][:2]

    def nearer(self, joint: str) -> str:
        """Return the side, "left" or "right", whose joint is nearer to the camera."""
        left, right = (self.joints[f"{side} {joint}"][2] for side in ("left", "right"))
        return "left" if left > right else "right"


def pose(body: BodyShape, view: View, phase: int, snap: int = 1) -> WalkPose:
    """Bend the skeleton and place it on the ground.

    Args:
        body: proportions.
        view: walking direction.
        phase: 0 to PHASES - 1.
        snap: steps per art pixel to which pelvis, chest and head are rounded, to avoid shimmer.
    """
    legs = {"left": _leg(body, phase), "right": _leg(body, (phase + PHASES // 2) % PHASES)}
    arms = {"left": _arm(body, phase), "right": _arm(body, (phase + PHASES // 2) % PHASES)}
    lowest = min(min(chain["ankle"][1] - 2.2, chain["toes"][1] - 1.6) for chain in legs.values())
    height = round(-lowest * snap) / snap
    joints = {
        "pelvis": (0.0, height, 0.0),
        "chest": (0.0, height + body.torso, 0.5),
        "head": (0.0, height + body.torso + 0.6 + 10 * body.head, 1.0),
    }
    for side, sign in (("left", 1), ("right", -1)):
        for name, (up, forward) in ((n, p[1:]) for n, p in legs[side].items()):
            joints[f"{side} {name}"] = (sign * body.hips, height + up, forward)
        for name, (out, up, forward) in arms[side].items():
            shoulder = sign * (body.shoulders + out)
            joints[f"{side} {name}"] = (shoulder, height + body.torso - 1 + up, forward + 0.5)
    screen = {name: _project(point, view) for name, point in joints.items()}
    for name in ("pelvis", "chest", "head"):
        x, y, near = screen[name]
        screen[name] = (math.floor(x * snap + 0.5) / snap, math.floor(y * snap + 0.5) / snap, near)
    return WalkPose(body, view, phase, screen)


def _project(point: Point, view: View) -> Point:
    """Project (to the character's left, up, forward) to the screen."""
    left, up, forward = point
    across, near = {"south": (left, forward), "north": (-left, -forward), "east": (forward, -left)}[view]
    return MIDDLE + across, GROUND - up + TILT * near, near


def _leg(body: BodyShape, phase: int) -> dict[str, Point]:
    """Hip, knee, ankle and toes of the leg that is in front in phase 0, from the hip."""
    thigh, shin = THIGH[phase], THIGH[phase] - KNEE[phase]
    knee = _along((0.0, 0.0, 0.0), thigh, body.leg * 0.52)
    ankle = _along(knee, shin, body.leg * 0.48)
    toes = _along(ankle, 90 + TOES[phase], 4.2)
    return {"hip": (0.0, 0.0, 0.0), "knee": knee, "ankle": ankle, "toes": (0.0, toes[1] - 0.6, toes[2])}


def _arm(body: BodyShape, phase: int) -> dict[str, Point]:
    """Return shoulder, elbow and hand of the arm on that leg's side, relative to the shoulder."""
    elbow = _along((0.7, 0.0, 0.0), UPPER_ARM[phase], body.arm * 0.52)
    out, up, forward = _along(elbow, UPPER_ARM[phase] + ELBOW[phase], body.arm * 0.48)
    hand = (out - 0.22 * forward, up, forward)  # swings inwards in front, outwards behind
    return {"shoulder": (0.0, 0.0, 0.0), "elbow": elbow, "hand": hand}


def _along(start: Point, degrees: float, length: float) -> Point:
    """Return the end of a bone that hangs down at 0 degrees and points forward at 90."""
    angle = math.radians(degrees)
    out, up, forward = start
    return out, up - length * round(math.cos(angle), 4), forward + length * round(math.sin(angle), 4)
