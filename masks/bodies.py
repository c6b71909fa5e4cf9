"""The undressed figure: an abstract body without features, and a head with a face."""

from collections.abc import Sequence

from masks.layers import Layer, Mark, Segment
from masks.outlines import Outline, curve, ellipse, hull, mirrored, moved, polygon
from masks.palettes import BLUSHES, DEEP, HIGHLIGHT, LIGHT, LINE, SHADE, Ramp
from masks.walk_cycle import Pose

HEAD_FRONT = curve(mirrored([(0, -9.5), (5.6, -8.3), (8.9, -4.4), (9.6, 0.6), (8.8, 4.8), (5.8, 8.2), (2.4, 9.5)]))
HEAD_EAST = curve([
    (0, -9.5), (5.4, -8.3), (8.4, -4.4), (9, -0.4), (9.7, 2.4), (9.4, 4), (8.6, 6.6), (6, 9.2), (2, 9.5),
    (-3.4, 8), (-7.4, 5), (-9.4, 0.4), (-8.8, -4.6), (-5.4, -8.3),
])  # fmt: skip


def limb(pose: Pose, side: str, names: Sequence[str], radii: Sequence[float]) -> tuple[tuple[Outline, ...], tuple[Segment, ...]]:
    """Outlines and form of an arm or leg from joint to joint, with the radius at each."""
    girth = pose.body.girth
    circles = [(*pose.at(f"{side} {name}"), radius * girth) for name, radius in zip(names, radii, strict=True)]
    pairs = list(zip(circles[:-1], circles[1:], strict=True))
    return tuple(hull(a, b) for a, b in pairs), tuple((*a[:2], *b[:2], max(a[2], b[2])) for a, b in pairs)


def foot(pose: Pose, side: str, grow: float = 0) -> Outline:
    """The outline of a foot."""
    x, y = pose.at(f"{side} ankle")
    toes_x, toes_y = pose.at(f"{side} toes")
    if pose.view == "east":
        return hull((x, y + 0.3, 2.1 + grow), (toes_x - 0.6, toes_y, 1.6 + grow), (x - 0.4, y + 0.8, 1.8 + grow))
    spread = 0.7 if x > pose.at("pelvis")[0] else -0.7
    return hull((x, y, 2.2 + grow), (x + spread, max(y + 0.9, toes_y + 0.2), 2.4 + grow))


def arm(pose: Pose, side: str, skin: Ramp) -> Layer:
    outlines, form = limb(pose, side, ("shoulder", "elbow", "hand"), (2.4, 2.2, 1.9))
    hand = hull((*pose.at(f"{side} hand"), 2.2))
    return Layer((*outlines, hand), form, skin, shadow=1)


def leg(pose: Pose, side: str, skin: Ramp) -> Layer:
    outlines, form = limb(pose, side, ("hip", "knee", "ankle"), (3.1, 2.8, 2.3))
    x, y = pose.at(f"{side} ankle")
    toes = pose.at(f"{side} toes")
    return Layer((*outlines, foot(pose, side)), (*form, (x, y, *toes, 2.4)), skin, shadow=1)


def torso_outline(pose: Pose, grow: float = 0, bottom: float = 3) -> Outline:
    """The trunk from the neck to `bottom` art pixels below the hip joints."""
    body, (x, y), (px, py) = pose.body, pose.at("chest"), pose.at("pelvis")
    girth = body.girth
    if pose.view == "east":
        back, front = -3.7 * girth - grow, 3.9 * girth + grow
        return curve([
            (x - 1.6, y - 2), (x + 1.8, y - 2), (x + front - 0.6, y + 1), (x + front, y + 4),
            (px + front - 0.4, py - 1), (px + front - 0.6, py + bottom), (px + front - 0.6, py + bottom),
            (px + back + 0.2, py + bottom), (px + back + 0.2, py + bottom), (px + back, py),
            (x + back + 0.5, py - 4), (x + back, y + 3), (x + back + 0.8, y),
        ])  # fmt: skip
    shoulder, hip = body.shoulders * girth + grow, (body.hips + 2.7) * girth + grow
    waist = min(shoulder, hip) - 0.8
    half = [
        (0, y - 2), (2, y - 2), (shoulder - 1.2, y - 0.6), (shoulder, y + 1.4), (waist + 0.4, y + 5),
        (waist, py - 4), (hip, py), (hip - 0.2, py + bottom), (hip - 0.2, py + bottom),
    ]  # fmt: skip
    return moved(curve(mirrored([(dx, dy) for dx, dy in half])), x, 0)


def torso_form(pose: Pose, radius: float) -> tuple[Segment, ...]:
    """Torso and what hangs around it catch the light like an upright rod."""
    x, y = pose.at("chest")
    px, py = pose.at("pelvis")
    return ((x, y + radius * 0.6, px, py + 4, radius),)


def torso(pose: Pose, skin: Ramp) -> Layer:
    (x, y), (_, head_y) = pose.at("chest"), pose.at("head")
    neck = hull((x, head_y + 6, 2.4), (x, y, 2.4))
    return Layer((torso_outline(pose), neck), torso_form(pose, 7), skin, seam=False)


def head(pose: Pose, skin: Ramp, eyes: Ramp, brows: Ramp) -> Layer:
    x, y = pose.at("head")
    size = pose.body.head
    form = ((x, y, x, y, 10.5 * size),)
    if pose.view == "east":
        return Layer((moved(HEAD_EAST, x, y, size),), form, skin, shadow=2, marks=_profile(x, y, skin, eyes, brows))
    ears = [moved(ellipse(side * 9.7, 2.4, 1.7, 2.2), x, y, size) for side in (-1, 1)]
    marks = _face(x, y, skin, eyes, brows) if pose.view == "south" else ()
    return Layer((moved(HEAD_FRONT, x, y, size), *ears), form, skin, shadow=2, marks=marks)


def box(x: float, y: float, width: float, height: float) -> Outline:
    """A rectangle from its top left corner."""
    return polygon([(x, y), (x + width, y), (x + width, y + height), (x, y + height)])


def _eye(x: float, y: float, width: float, eyes: Ramp, white: Ramp) -> list[Mark]:
    middle = x + width / 2
    return [
        Mark(ellipse(middle, y + 2, width / 2 + 0.06, 2.1), eyes, LINE),
        Mark(ellipse(middle, y + 2.75, width / 2 - 0.35, 1.1), eyes, LIGHT),
        Mark(ellipse(middle, y + 1.9, width / 2 - 0.75, 1), eyes, DEEP),
        Mark(ellipse(x + 0.8, y + 1.1, 0.62, 0.62), white, HIGHLIGHT),
    ]


def _face(x: float, y: float, skin: Ramp, eyes: Ramp, brows: Ramp) -> tuple[Mark, ...]:
    from masks.palettes import CLOTHS
    white = CLOTHS["snow"]
    marks = []
    for side in (-1, 1):
        left = x - 6 if side < 0 else x + 3
        marks += _eye(left, y, 3, eyes, white)
        marks.append(Mark(ellipse(x + side * 6.5, y + 5.1, 1.3, 0.7), BLUSHES[skin.name], LIGHT))
    marks.append(Mark(ellipse(x, y + 6.5, 1.1, 0.55), skin, DEEP))
    return tuple(marks)


def _profile(x: float, y: float, skin: Ramp, eyes: Ramp, brows: Ramp) -> tuple[Mark, ...]:
    from masks.palettes import CLOTHS
    white = CLOTHS["snow"]
    return (
        *_eye(x + 4, y, 2.4, eyes, white),
        Mark(ellipse(x + 3.5, y + 5.1, 1.2, 0.7), BLUSHES[skin.name], LIGHT),
        Mark(ellipse(x + 7.2, y + 6.5, 0.9, 0.55), skin, DEEP),
    )
