"""The undressed figure: an abstract body without features, and a head with a face."""

from collections.abc import Sequence

from masks.layers import Layer, Mark, Segment, stroke
from masks.outlines import Outline, box, curve, ellipse, hull, mirrored, moved
from masks.palettes import BLUSHES, DEEP, HIGHLIGHT, LIGHT, LINE, WHITE, Ramp
from masks.walk_cycle import Pose

HEAD_FRONT = curve(mirrored([(2, -10.2), (6.2, -8.8), (9.6, -4.6), (10.3, 0.6), (9.6, 4.8), (6.6, 8.4), (2.8, 9.9)]))
HEAD_EAST = curve([
    (-2, -10.2), (2, -10.2), (6.2, -8.8), (9.2, -4.6), (9.6, -0.6), (10.4, 2.6), (10, 4.2), (9.4, 6.8), (6.6, 9.4),
    (2, 9.9), (-3.4, 8.4), (-8, 5.2), (-10.2, 0.4), (-9.4, -5), (-6, -8.8),
])  # fmt: skip
ARM_RADII = (2.7, 2.5, 2.2)  # shoulder, elbow, hand
LEG_RADII = (3.5, 3.1, 2.6)  # hip, knee, ankle
ARM = ("shoulder", "elbow", "hand")
LEG = ("hip", "knee", "ankle")


def limb(
    pose: Pose, side: str, names: Sequence[str], radii: Sequence[float], end: float = 2, start: float = 0
) -> tuple[tuple[Outline, ...], tuple[Segment, ...]]:
    """Outlines and form of an arm or leg, or of a part of it.

    Args:
        pose: gives the joints.
        side: "left" or "right".
        names: three joints.
        radii: thickness at them.
        end: where the part ends, 1 at the middle joint, 2 at the last one.
        start: where it begins.
    """
    joints = [(*pose.at(f"{side} {name}"), radius) for name, radius in zip(names, radii, strict=True)]
    stops = [start, *([1.0] if start < 1 < end else []), end]
    circles = [_between(joints, stop) for stop in stops]
    pairs = list(zip(circles[:-1], circles[1:], strict=True))
    return tuple(hull(a, b) for a, b in pairs), tuple((*a[:2], *b[:2], max(a[2], b[2])) for a, b in pairs)


def _between(circles: Sequence[tuple[float, float, float]], stop: float) -> tuple[float, float, float]:
    index = min(int(stop), len(circles) - 2)
    share = stop - index
    x, y, radius = (a + (b - a) * share for a, b in zip(circles[index], circles[index + 1], strict=True))
    return x, y, radius


def foot(pose: Pose, side: str, grow: float = 0) -> Outline:
    """The outline of a foot."""
    x, y = pose.at(f"{side} ankle")
    toes_x, toes_y = pose.at(f"{side} toes")
    if pose.view == "east":
        return hull((x - 0.5, y + 0.4, 2.3 + grow), (toes_x - 0.4, toes_y, 1.9 + grow))
    spread = 0.6 if x > pose.at("pelvis")[0] else -0.6
    toes_y = min(max(y + 1.4, toes_y), y + 2.2)
    return hull(
        (x - 1, y + 0.4, 2 + grow),
        (x + 1, y + 0.4, 2 + grow),
        (x + spread - 0.9, toes_y, 2.1 + grow),
        (x + spread + 0.9, toes_y, 2.1 + grow),
    )


def arm(pose: Pose, side: str, skin: Ramp) -> Layer:
    """Arm and hand."""
    outlines, form = limb(pose, side, ARM, [radius * pose.body.girth for radius in ARM_RADII])
    return Layer((*outlines, hull((*pose.at(f"{side} hand"), 2.5))), form, skin, shadow=1)


def leg(pose: Pose, side: str, skin: Ramp) -> Layer:
    """Leg and foot."""
    outlines, form = limb(pose, side, LEG, [radius * pose.body.girth for radius in LEG_RADII])
    sole = (*pose.at(f"{side} ankle"), *pose.at(f"{side} toes"), 2.8)
    return Layer((*outlines, foot(pose, side)), (*form, sole), skin, shadow=1)


def torso_outline(pose: Pose, grow: float = 0, bottom: float = 3) -> Outline:
    """The trunk from the neck to `bottom` art pixels below the hip joints."""
    body, (x, y), (px, py) = pose.body, pose.at("chest"), pose.at("pelvis")
    girth = body.girth
    if pose.view == "east":
        back, front = -4.3 * girth - grow, 4.5 * girth + grow
        return curve([
            (x - 1.6, y - 2), (x + 1.8, y - 2), (x + front - 1, y + 0.6), (x + front, y + 4),
            (px + front - 0.4, py - 1), (px + front - 0.6, py + bottom), (px + front - 0.6, py + bottom),
            (px + back + 0.2, py + bottom), (px + back + 0.2, py + bottom), (px + back, py),
            (x + back + 0.5, py - 4), (x + back, y + 3), (x + back + 1, y),
        ])  # fmt: skip
    shoulder, hip = (body.shoulders - 0.2) * girth + grow, (body.hips + 3) * girth + grow
    waist = min(shoulder, hip) - 0.8
    half = [
        (0, y - 2.4), (3, y - 2), (shoulder - 1.4, y - 0.6), (shoulder, y + 1.8), (waist + 0.4, y + 5),
        (waist, py - 4), (hip, py), (hip - 0.2, py + bottom), (hip - 0.2, py + bottom),
    ]  # fmt: skip
    return moved(curve(mirrored([(dx, dy) for dx, dy in half])), x, 0)


def trunk_form(pose: Pose, radius: float) -> tuple[Segment, ...]:
    """The trunk and what hangs around it catch the light like an upright rod."""
    x, y = pose.at("chest")
    px, py = pose.at("pelvis")
    return ((x, y + radius * 0.6, px, py + 4, radius),)


def torso(pose: Pose, skin: Ramp) -> Layer:
    """Trunk and neck."""
    (x, y), (_, head_y) = pose.at("chest"), pose.at("head")
    neck = hull((x, head_y + 6, 2.6), (x, y, 2.6))
    return Layer((torso_outline(pose), neck), trunk_form(pose, 7.5 * pose.body.girth), skin, seam=False)


def head(pose: Pose, skin: Ramp, eyes: Ramp) -> Layer:
    """Head, ears and face."""
    x, y = pose.at("head")
    size = pose.body.head
    form = ((x + 3, y + 3, x + 3, y + 3, 16 * size),)
    if pose.view == "east":
        return Layer((moved(HEAD_EAST, x, y, size),), form, skin, shadow=2, marks=_profile(x, y, skin, eyes))
    ears = [moved(ellipse(side * 10.2, 2.6, 1.8, 2.4), x, y, size) for side in (-1, 1)]
    marks = _face(x, y, skin, eyes) if pose.view == "south" else ()
    return Layer((moved(HEAD_FRONT, x, y, size), *ears), form, skin, shadow=2, marks=marks)


def _eye(x: float, y: float, width: float, eyes: Ramp) -> list[Mark]:
    """An eye from its top left corner: rim, iris, pupil and a glint."""
    middle = x + width / 2
    return [
        Mark(ellipse(middle, y + 2, width / 2 + 0.1, 2.15), eyes, LINE),
        Mark(ellipse(middle, y + 2.9, width / 2 - 0.25, 1.25), eyes, LIGHT),
        Mark(ellipse(middle, y + 2, 0.62, 1.1), eyes, LINE),
        Mark(ellipse(x + 0.6, y + 1.5, 0.62, 0.62), WHITE, HIGHLIGHT),
    ]


def _face(x: float, y: float, skin: Ramp, eyes: Ramp) -> tuple[Mark, ...]:
    marks = []
    for side, left in ((-1, x - 6), (1, x + 3)):
        marks += _eye(left, y + 1, 3, eyes)
        marks.append(Mark(ellipse(x + side * 7, y + 6, 1.3, 0.75), BLUSHES[skin.name], LIGHT, 0.7))
    smile = stroke([(x - 1.6, y + 6.6), (x - 0.6, y + 7.4), (x + 0.6, y + 7.4), (x + 1.6, y + 6.6)], 0.9)
    return (*marks, *(Mark(line, skin, DEEP) for line in smile))


def _profile(x: float, y: float, skin: Ramp, eyes: Ramp) -> tuple[Mark, ...]:
    return (
        *_eye(x + 5, y + 1, 2.4, eyes),
        Mark(ellipse(x + 4.5, y + 6, 1.2, 0.75), BLUSHES[skin.name], LIGHT, 0.7),
        *(Mark(line, skin, DEEP) for line in stroke([(x + 6.4, y + 6.6), (x + 7.4, y + 7.4), (x + 8.8, y + 7.4)], 0.9)),
    )
