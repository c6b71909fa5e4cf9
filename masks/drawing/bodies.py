"""The undressed figure: an abstract doll in plain underwear, and a head with a face."""

import itertools
from collections.abc import Sequence
from dataclasses import replace

from common.outlines import Outline, curve, ellipse, hull, mirrored, moved, stroke
from masks.drawing.palettes import BLUSHES, DEEP, HIGHLIGHT, LIGHT, LINE, SHADE, UNDERWEAR, WHITE, Ramp
from masks.drawing.sprite_layers import Mark, Segment, SpriteLayer
from masks.drawing.walk_cycle import WalkPose

Circle = tuple[float, float, float]  # x, y, radius

SIDES = ("left", "right")
ARM = ("shoulder", "elbow", "hand")
ARM_RADII = (2.7, 2.5, 2.2)
LEG = ("hip", "knee", "ankle")
LEG_RADII = (3.5, 3.1, 2.6)
TRUNK_RADIUS = 7.5
HEAD_FRONT = curve(mirrored([(2, -10.2), (6.2, -8.8), (9.6, -4.6), (10.3, 0.6), (9.6, 4.8), (6.6, 8.4), (2.8, 9.9)]))
HEAD_EAST = curve([
    (-2, -10.2), (2, -10.2), (6.2, -8.8), (9.2, -4.6), (9.6, -0.6), (10.4, 2.6), (10, 4.2), (9.4, 6.8), (6.6, 9.4),
    (2, 9.9), (-3.4, 8.4), (-8, 5.2), (-10.2, 0.4), (-9.4, -5), (-6, -8.8),
])  # fmt: skip


# ---- limbs ----


def limb_circles(pose: WalkPose, side: str, grow: float = 0, leg: bool = False) -> list[Circle]:
    """Return the three joints of an arm or leg with the thickness there.

    Args:
        pose: pose of the body.
        side: "left" or "right".
        grow: extra thickness, in art pixels.
        leg: whether it is the leg instead of the arm.
    """
    names, radii = (LEG, LEG_RADII) if leg else (ARM, ARM_RADII)
    girth = pose.body.girth
    return [(*pose.at(f"{side} {name}"), radius * girth + grow) for name, radius in zip(names, radii, strict=True)]


def along(circles: Sequence[Circle], place: float) -> Circle:
    """Return the limb's cross-section at a place: 0 at the first joint, 1 at the middle one, 2 at the last."""
    index = min(int(place), len(circles) - 2)
    share = place - index
    x, y, radius = (a + (b - a) * share for a, b in zip(circles[index], circles[index + 1], strict=True))
    return x, y, radius


def limb(circles: Sequence[Circle], start: float = 0, end: float = 2) -> tuple[list[Outline], list[Segment]]:
    """Return outlines and form of a limb between two places (see `along`)."""
    places = [start, 1, end] if start < 1 < end else [start, end]
    stops = [along(circles, place) for place in places]
    pairs = list(itertools.pairwise(stops))
    return [hull(a, b) for a, b in pairs], [(*a[:2], *b[:2], max(a[2], b[2])) for a, b in pairs]


def foot(pose: WalkPose, side: str, grow: float = 0) -> Outline:
    """Return the outline of a foot."""
    (x, y), (toes_x, toes_y) = pose.at(f"{side} ankle"), pose.at(f"{side} toes")
    if pose.view == "east":
        return hull((x - 0.5, y + 0.4, 2.3 + grow), (toes_x - 0.4, toes_y, 1.9 + grow))
    spread = 0.6 if x > pose.at("pelvis")[0] else -0.6
    toes_y = min(max(y + 1.4, toes_y), y + 2.2)
    heel = [(x + side_x, y + 0.4, 2 + grow) for side_x in (-1, 1)]
    return hull(*heel, *((x + spread + side_x, toes_y, 2.1 + grow) for side_x in (-0.9, 0.9)))


def foot_form(pose: WalkPose, side: str) -> Segment:
    """Return the rod along a foot."""
    return (*pose.at(f"{side} ankle"), *pose.at(f"{side} toes"), 2.9)


def arm(pose: WalkPose, side: str, skin: Ramp) -> SpriteLayer:
    """Return arm and hand."""
    outlines, form = limb(limb_circles(pose, side))
    return SpriteLayer([*outlines, hull((*pose.at(f"{side} hand"), 2.5))], form, skin, shadow=1)


def leg(pose: WalkPose, side: str, skin: Ramp) -> SpriteLayer:
    """Return leg and foot."""
    outlines, form = limb(limb_circles(pose, side, leg=True), end=1.9)
    return SpriteLayer([*outlines, foot(pose, side)], [*form, foot_form(pose, side)], skin, shadow=1)


# ---- trunk ----


def trunk_outline(pose: WalkPose, grow: float = 0, bottom: float = 0) -> Outline:
    """Return the trunk from the neck to `bottom` art pixels below the hip joints, `grow` art pixels wider."""
    body, (x, y), (hip_x, hip_y) = pose.body, pose.at("chest"), pose.at("pelvis")
    low = hip_y + bottom
    if pose.view == "east":
        back, front = -4.3 * body.girth - grow, 4.5 * body.girth + grow
        return curve([
            (x - 1.8, y - 2.2), (x + 2, y - 2.2), (x + front - 1, y + 0.4), (x + front, y + 4),
            (hip_x + front - 0.4, hip_y - 1), (hip_x + front - 0.6, low), (hip_x + front - 0.6, low),
            (hip_x + back + 0.2, low), (hip_x + back + 0.2, low), (hip_x + back, hip_y),
            (x + back + 0.5, hip_y - 4), (x + back, y + 3), (x + back + 1, y - 0.2),
        ])  # fmt: skip
    shoulder, hip = (body.shoulders - 0.2) * body.girth + grow, (body.hips + 3) * body.girth + grow
    waist = min(shoulder, hip) - 0.8
    half = [
        (3.4, y - 2.2), (shoulder - 1.4, y - 0.9), (shoulder, y + 1.6), (waist + 0.4, y + 5), (waist, hip_y - 4),
        (hip, hip_y), (hip - 0.2, low), (hip - 0.2, low),
    ]  # fmt: skip
    return moved(curve(mirrored(half)), x, 0)


def trunk_form(pose: WalkPose) -> list[Segment]:
    """Return the form that lights the trunk and what hangs around it: an upright rod."""
    (x, y), (hip_x, hip_y) = pose.at("chest"), pose.at("pelvis")
    return [(x, y + 0.6 * TRUNK_RADIUS, hip_x, hip_y + 4, TRUNK_RADIUS * pose.body.girth)]


def trunk(pose: WalkPose, skin: Ramp) -> SpriteLayer:
    """Return trunk and neck."""
    (x, y), (_, head_y) = pose.at("chest"), pose.at("head")
    neck = hull((x, head_y + 6, 2.6), (x, y, 2.6))
    return SpriteLayer([trunk_outline(pose), neck], trunk_form(pose), skin, seam=False)


def seat_outline(pose: WalkPose, grow: float = 0) -> Outline:
    """Return the outline around the hips and the top of both legs."""
    x, y = pose.at("pelvis")
    east, girth = pose.view == "east", pose.body.girth
    radius = (4.1 if east else 3.4) * girth + grow
    waist = (2.8 if east else pose.body.hips + 1.4) * girth
    hips = [(*pose.at(f"{side} hip"), radius) for side in SIDES]
    return hull(*hips, (x - waist, y - 4, 1), (x + waist, y - 4, 1))


def vest(pose: WalkPose) -> SpriteLayer:
    """Return the upper part of the plain underwear, which belongs to the body."""
    x, y = pose.at("chest")
    outlines = [trunk_outline(pose, 0.2, 1), seat_outline(pose, 0.2)]
    return SpriteLayer(outlines, trunk_form(pose), UNDERWEAR, seam=False, cut=[ellipse(x, y - 2, 3.8, 4)])


def shorts(pose: WalkPose, side: str) -> SpriteLayer:
    """Return one leg of the underwear."""
    outlines, form = limb(limb_circles(pose, side, 0.2, leg=True), 0, 0.45)
    return SpriteLayer(outlines, form, UNDERWEAR)


# ---- head ----


def head(pose: WalkPose, skin: Ramp, eyes: Ramp, brows: Ramp) -> SpriteLayer:
    """Return head, ears and face."""
    x, y = pose.at("head")
    size = pose.body.head
    outlines = [HEAD_EAST] if pose.view == "east" else [HEAD_FRONT, *(ellipse(e, 2.6, 1.8, 2.4) for e in (-10.2, 10.2))]
    marks = {"south": _face, "east": _profile, "north": lambda *_: []}[pose.view](skin, eyes, brows)
    placed = [replace(mark, outline=moved(mark.outline, x, y)) for mark in marks]
    form = [(x + 3, y + 3, x + 3, y + 3, 16 * size)]
    return SpriteLayer([moved(outline, x, y, size) for outline in outlines], form, skin, placed, shadow=2)


def _face(skin: Ramp, eyes: Ramp, brows: Ramp) -> list[Mark]:
    """Return the marks of a face around the middle of the head; eyes lie on whole art pixels, to stay crisp."""
    marks = [*_eye(-6, 3, eyes), *_eye(3, 3, eyes)]
    marks += [Mark(ellipse(x, 6, 1.3, 0.75), BLUSHES[skin.name], LIGHT, 0.7) for x in (-7, 7)]
    for sign in (-1, 1):
        marks += [Mark(o, brows, DEEP, 0.8) for o in stroke([(sign * 5.6, -1.2), (sign * 3.4, -1.6)], 0.8)]
    smile = [(-1.6, 6.6), (-0.9, 7.3), (0, 7.5), (0.9, 7.3), (1.6, 6.6)]
    return marks + [Mark(outline, skin, DEEP, 0.8) for outline in stroke(smile, 0.9)]


def _profile(skin: Ramp, eyes: Ramp, brows: Ramp) -> list[Mark]:
    marks = [
        *_eye(5, 2.4, eyes),
        Mark(ellipse(4.5, 6, 1.2, 0.75), BLUSHES[skin.name], LIGHT, 0.7),
        Mark(ellipse(-1.6, 3, 1.6, 2.2), skin, SHADE, 0.9),
        Mark(ellipse(-1.4, 3.4, 0.7, 1.2), skin, DEEP, 0.6),
    ]
    marks += [Mark(outline, brows, DEEP, 0.8) for outline in stroke([(5.4, -1.4), (7.6, -1.2)], 0.8)]
    smile = [(6.4, 6.6), (7.1, 7.3), (7.9, 7.5), (8.8, 7.3)]
    return marks + [Mark(outline, skin, DEEP, 0.8) for outline in stroke(smile, 0.9)]


def _eye(left: float, width: float, eyes: Ramp) -> list[Mark]:
    """Return rim, iris, pupil and glint of an eye below the line y = 1."""
    middle = left + width / 2
    return [
        Mark(ellipse(middle, 3, width / 2 + 0.1, 2.15), eyes, LINE),
        Mark(ellipse(middle, 3.9, width / 2 - 0.25, 1.25), eyes, LIGHT),
        Mark(ellipse(middle, 3, 0.62, 1.1), eyes, LINE),
        Mark(ellipse(left + 0.6, 2.5, 0.62, 0.62), WHITE, HIGHLIGHT),
    ]
