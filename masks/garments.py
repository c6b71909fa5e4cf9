"""Clothes, cut to any body in any pose: each function gives the pieces of one garment and where they lie."""

from collections.abc import Callable

from masks.bodies import ARM, ARM_RADII, LEG, LEG_RADII, foot, limb, torso_outline, trunk_form
from masks.layers import Layer, Mark, Pattern, stroke
from masks.outlines import Outline, box, curve, ellipse, hull, moved, polygon
from masks.palettes import DEEP, HIGHLIGHT, LIGHT, LINE, SHADE, Ramp
from masks.walk_cycle import Pose

Piece = tuple[str, Layer]  # slot in the drawing order, and what lies there
Garment = Callable[[Pose], list[Piece]]


def arm_slot(pose: Pose, side: str) -> str:
    """An arm that is clearly behind the trunk is drawn before it."""
    return "near arm" if pose.joints[f"{side} hand"][2] > -2 else "far arm"


def leg_slot(pose: Pose, side: str) -> str:
    return "near leg" if pose.sides("toes")[1] == side else "far leg"


def _radii(pose: Pose, radii, grow):
    return [radius * pose.body.girth + grow for radius in radii]


def _cloth(outlines, form, ramp, **more) -> Layer:
    return Layer(outlines, form, ramp, clothing=True, **{"shadow": 1} | more)


def sleeves(
    pose: Pose, ramp: Ramp, reach: float, grow: float = 0.5, stripes: Ramp | None = None, patch: Ramp | None = None
) -> list[Piece]:
    pieces = []
    for side in ("left", "right"):
        outlines, form = limb(pose, side, ARM, _radii(pose, ARM_RADII, grow), end=reach)
        pattern = None
        if stripes:
            x, y = pose.at(f"{side} shoulder")
            ex, ey = pose.at(f"{side} elbow")
            pattern = Pattern(stripes, 2, axis=(x, y, 0, 1))
        marks = ()
        if patch:
            ex, ey = pose.at(f"{side} elbow")
            marks = (Mark(ellipse(ex, ey, 1.5, 1.7), patch, SHADE),)
        pieces.append((arm_slot(pose, side), _cloth(outlines, form, ramp, pattern=pattern, marks=marks)))
    return pieces


def shirt(
    pose: Pose,
    ramp: Ramp,
    reach: float = 0.85,
    bottom: float = 0.6,
    stripes: Ramp | None = None,
    patch: Ramp | None = None,
    emblem: Ramp | None = None,
    pattern: str = "stripes",
) -> list[Piece]:
    x, y = pose.at("chest")
    woven = Pattern(stripes, 2, pattern, (x, y, 0, 1)) if stripes else None
    marks = []
    if emblem and pose.view == "south":
        marks = [Mark(ellipse(x, y + 5.6, 2.1, 2.1), emblem, LIGHT)]
    body = _cloth(
        (torso_outline(pose, 0.6, bottom),),
        trunk_form(pose, 8 * pose.body.girth),
        ramp,
        pattern=woven,
        marks=tuple(marks),
    )
    arms = sleeves(pose, ramp, reach, stripes=stripes if pattern == "stripes" else None, patch=patch) if reach else []
    return [("torso", body), *arms]


def _hips(pose: Pose, grow: float, top: float = 4) -> Outline:
    x, y = pose.at("pelvis")
    girth = pose.body.girth
    left, right = pose.at("left hip"), pose.at("right hip")
    radius = (4.1 if pose.view == "east" else 3.4) * girth + grow
    waist = (3.6 if pose.view == "east" else pose.body.hips + 1.4) * girth
    return hull((*left, radius), (*right, radius), (x - waist, y - top, 1), (x + waist, y - top, 1))


def trousers(
    pose: Pose,
    ramp: Ramp,
    reach: float = 1.9,
    grow: float = 0.5,
    patch: Ramp | None = None,
    bib: bool = False,
    stripes: Ramp | None = None,
) -> list[Piece]:
    pieces = []
    for side in ("left", "right"):
        outlines, form = limb(pose, side, LEG, _radii(pose, LEG_RADII, grow), end=reach)
        marks = []
        if patch and side == "left":
            kx, ky = pose.at("left knee")
            marks.append(Mark(ellipse(kx, ky, 1.6, 1.6), patch, LIGHT))
        pieces.append((leg_slot(pose, side), _cloth(outlines, form, ramp, marks=tuple(marks))))
    pieces.append(("torso", _cloth((_hips(pose, grow),), trunk_form(pose, 8 * pose.body.girth), ramp, seam=False)))
    return pieces


def bib(pose: Pose, ramp: Ramp) -> list[Piece]:
    """The upper part of dungarees."""
    x, y = pose.at("chest")
    px, py = pose.at("pelvis")
    form = trunk_form(pose, 8 * pose.body.girth)
    if pose.view == "east":
        panel = polygon([(x + 0.6, y + 3), (x + 6, y + 3), (x + 6, py), (px - 5, py), (px - 5, py - 3)])
        strap = stroke([(x + 1, y + 4), (x - 0.4, y - 0.6)], 2)
    else:
        top = y + (3.5 if pose.view == "south" else 5)
        panel = polygon([(x - 4, top), (x + 4, top), (x + 4.5, py - 3), (x + 7, py), (x - 7, py), (x - 4.5, py - 3)])
        strap = [*stroke([(x - 3.2, top), (x - 4, y - 0.6)], 2), *stroke([(x + 3.2, top), (x + 4, y - 0.6)], 2)]
    marks = []
    if pose.view == "south":
        marks = [
            Mark(box(x - 4, y + 4, 1, 1), ramp, HIGHLIGHT),
            Mark(box(x + 3, y + 4, 1, 1), ramp, HIGHLIGHT),
            Mark(box(x - 2, y + 7, 4, 1), ramp, DEEP),
        ]
    return [
        ("torso", _cloth(tuple(strap), form, ramp, lined=False)),
        ("torso", _cloth((panel,), form, ramp, marks=tuple(marks), seam=False)),
    ]


def skirt(pose: Pose, ramp: Ramp, length: float = 7, flare: float = 2.5, hem: Ramp | None = None) -> list[Piece]:
    px, py = pose.at("pelvis")
    body = pose.body
    knees = [pose.at(f"{side} knee")[0] - px for side in ("left", "right")]
    reach = max(abs(knee) for knee in knees) if pose.view == "east" else body.hips
    top = py - 4
    waist = (4.6 if pose.view == "east" else body.hips + 2.4) * body.girth + 0.5
    wide = max(waist + flare, reach + 3.2 * body.girth + flare * 0.5)
    low = py + length
    sway = pose.sway * 0.8
    points = [
        (px - waist, top),
        (px - waist, top),
        (px + waist, top),
        (px + waist, top),
        (px + waist + (wide - waist) * 0.55, (top + low) / 2),
        (px + wide - sway, low - 0.8),
        (px + wide - sway, low - 0.8),
        (px + wide * 0.5 - sway, low + 0.3),
        (px - sway, low + 0.7),
        (px - wide * 0.5 - sway, low + 0.3),
        (px - wide - sway, low - 0.8),
        (px - wide - sway, low - 0.8),
        (px - waist - (wide - waist) * 0.55, (top + low) / 2),
    ]
    folds = [
        line
        for share in (-0.55, -0.05, 0.5)
        for line in stroke([(px + waist * share, top + 4), (px + wide * share - sway, low - 1)], 1)
    ]
    marks = [Mark(line, ramp, DEEP if i == 2 else SHADE, 0.6) for i, line in enumerate(folds)]
    pattern = Pattern(hem, 2.0, axis=(px, low - 3.2, 0, 1)) if hem else None
    return [
        (
            "torso",
            _cloth((curve(points),), ((px, top, px, low, wide + 0.5),), ramp, seam=False, shadow=2, marks=tuple(marks)),
        )
    ]


def dress(pose: Pose, ramp: Ramp, length: float = 9, reach: float = 0.6, flare: float = 3, **more) -> list[Piece]:
    return [*shirt(pose, ramp, reach, -3, **more), *skirt(pose, ramp, length, flare)]


def jacket(
    pose: Pose, ramp: Ramp, reach: float = 1.8, bottom: float = 1.6, patch: Ramp | None = None, fur: Ramp | None = None
) -> list[Piece]:
    x, y = pose.at("chest")
    px, py = pose.at("pelvis")
    cut: tuple[Outline, ...] = ()
    if pose.view == "south":
        cut = (
            polygon(
                [(x - 2, y - 4), (x + 2, y - 4), (x + 1.4, y + 4), (x + 2, py + 6), (x - 2, py + 6), (x - 1.4, y + 4)]
            ),
        )
    elif pose.view == "east":
        cut = (polygon([(x + 3, y - 4), (x + 8, y - 4), (x + 8, py + 6), (px + 3, py + 6)]),)
    body = _cloth((torso_outline(pose, 1, bottom),), trunk_form(pose, 8 * pose.body.girth), ramp, cut=cut)
    arms = sleeves(pose, ramp, reach, 0.9, patch=patch) if reach else []
    return [("torso", body), *arms]


def boots(pose: Pose, ramp: Ramp, shaft: float = 0.5, cuff: Ramp | None = None) -> list[Piece]:
    pieces = []
    for side in ("left", "right"):
        outlines, form = limb(pose, side, LEG, _radii(pose, LEG_RADII, 0.8), start=2 - shaft)
        sole = (*pose.at(f"{side} ankle"), *pose.at(f"{side} toes"), 3.2)
        pieces.append((leg_slot(pose, side), _cloth((*outlines, foot(pose, side, 0.6)), (*form, sole), ramp)))
    return pieces


def shoes(pose: Pose, ramp: Ramp) -> list[Piece]:
    return [
        (
            leg_slot(pose, side),
            _cloth((foot(pose, side, 0.4),), ((*pose.at(f"{side} ankle"), *pose.at(f"{side} toes"), 3),), ramp),
        )
        for side in ("left", "right")
    ]


def gloves(pose: Pose, ramp: Ramp) -> list[Piece]:
    return [
        (
            arm_slot(pose, side),
            _cloth(
                (
                    hull((*pose.at(f"{side} hand"), 2.8)),
                    *limb(pose, side, ARM, _radii(pose, ARM_RADII, 0.5), start=1.7)[0],
                ),
                ((*pose.at(f"{side} hand"),) * 2 + (3,),),
                ramp,
            ),
        )
        for side in ("left", "right")
    ]


def belt(pose: Pose, ramp: Ramp, buckle: Ramp | None = None) -> list[Piece]:
    px, py = pose.at("pelvis")
    wide = (4.4 if pose.view == "east" else pose.body.hips + 2.6) * pose.body.girth + 0.8
    marks = [Mark(box(px - wide, py - 3, 2 * wide, 1), ramp, DEEP)]
    if buckle and pose.view != "north":
        middle = px if pose.view == "south" else px + 3
        marks.append(Mark(box(middle - 1, py - 4, 2, 2), buckle, LIGHT))
    return [
        (
            "torso",
            _cloth((box(px - wide, py - 4, 2 * wide, 2),), trunk_form(pose, 8), ramp, lined=False, marks=tuple(marks)),
        )
    ]


def scarf(pose: Pose, ramp: Ramp, stripes: Ramp | None = None) -> list[Piece]:
    x, y = pose.at("chest")
    wide = 3.2 if pose.view == "east" else 5
    ring = hull((x - wide, y + 0.4, 2.2), (x + wide, y + 0.4, 2.2))
    side = {"south": 3.2, "east": -3.4, "north": -3.2}[pose.view]
    end = x + side - pose.sway - (2 if pose.view == "east" else 0)
    tail = hull((x + side, y + 1.6, 1.9), (end, y + 8, 2.2))
    woven = Pattern(stripes, 2, axis=(x, y + 3, 0, 1)) if stripes else None
    return [
        ("neck", _cloth((tail,), ((x + side, y, end, y + 8, 2.4),), ramp, pattern=woven)),
        ("neck", _cloth((ring,), ((x - wide, y, x + wide, y, 3),), ramp)),
    ]


def beanie(pose: Pose, ramp: Ramp, cuff: Ramp, bobble: bool = True) -> list[Piece]:
    x, y = pose.at("head")
    size = pose.body.head
    dome = moved(
        curve(
            [
                (-12.2, -4),
                (-12.2, -4),
                (-11, -9.6),
                (-6.6, -14),
                (0, -15.2),
                (6.6, -14),
                (11, -9.6),
                (12.2, -4),
                (12.2, -4),
            ]
        ),
        x,
        y,
        size,
    )
    band = moved(hull((-10.8, -4.6, 2), (10.8, -4.6, 2), (0, -4, 2.2)), x, y, size)
    ball = moved(ellipse(0, -16, 3, 2.8), x, y, size)
    form = ((x, y - 2, x, y - 2, 13.5 * size),)
    ribs = tuple(Mark(moved(box(dx, -5.6, 1, 3), x, y, size), cuff, SHADE) for dx in range(-10, 10, 3))
    return [
        *([("hat", _cloth((ball,), ((x, y - 16 * size, x, y - 16 * size, 3.4),), cuff))] if bobble else []),
        ("hat", _cloth((dome,), form, ramp)),
        ("hat", _cloth((band,), ((x - 8, y - 4, x + 8, y - 4, 4),), cuff, marks=ribs)),
    ]


def brimmed_hat(pose: Pose, ramp: Ramp, ribbon: Ramp, wide: float = 16, tall: float = 8) -> list[Piece]:
    x, y = pose.at("head")
    size = pose.body.head
    brim = moved(ellipse(0, -5, wide, 4.3), x, y, size)
    crown = moved(
        curve(
            [
                (-9.4, -5),
                (-9.4, -5),
                (-8.8, -8 - tall * 0.5),
                (-5, -7 - tall),
                (0, -7.4 - tall),
                (5, -7 - tall),
                (8.8, -8 - tall * 0.5),
                (9.4, -5),
                (9.4, -5),
            ]
        ),
        x,
        y,
        size,
    )
    band = tuple(
        Mark(moved(o, x, y, size), ribbon, tone)
        for o, tone in (
            (hull((-9, -7.4, 1.2), (0, -6.4, 1.4), (9, -7.4, 1.2)), LIGHT),
            (hull((2, -6.9, 1.5), (9, -7.4, 1.2)), SHADE),
        )
    )
    return [
        ("hat", _cloth((brim,), ((x - 10, y - 5, x + 10, y - 5, 7),), ramp, shadow=2)),
        ("hat", _cloth((crown,), ((x, y - 6, x, y - 6, 12 * size),), ramp, marks=band, seam=True)),
    ]


def pointed_hat(pose: Pose, ramp: Ramp, ribbon: Ramp) -> list[Piece]:
    x, y = pose.at("head")
    size = pose.body.head
    lean = {"south": 1, "east": -1, "north": -1}[pose.view]
    brim = moved(ellipse(0, -5, 17, 4.4), x, y, size)
    tip = [
        (-9, -5),
        (-9, -5),
        (-6.4, -11),
        (-2.6 + lean, -17),
        (2 * lean, -21),
        (5.4 * lean, -22),
        (5.4 * lean, -22),
        (3 + lean, -17),
        (6.6, -11),
        (9, -5),
        (9, -5),
    ]
    cone = moved(curve(tip), x, y, size)
    band = (Mark(moved(hull((-8.6, -7.2, 1.2), (0, -6.3, 1.4), (8.6, -7.2, 1.2)), x, y, size), ribbon, LIGHT),)
    return [
        ("hat", _cloth((brim,), ((x - 10, y - 5, x + 10, y - 5, 7),), ramp, shadow=2)),
        ("hat", _cloth((cone,), ((x, y - 4, x, y - 20, 9 * size),), ramp, marks=band)),
    ]


def cape(pose: Pose, ramp: Ramp, length: float = 8) -> list[Piece]:
    x, y = pose.at("chest")
    px, py = pose.at("pelvis")
    low, sway = py + length, pose.sway
    if pose.view == "east":
        points = [
            (x + 2, y - 2),
            (x + 2, y - 2),
            (x - 5, y - 0.5),
            (x - 7, y + 6),
            (px - 9 - sway, low - 2),
            (px - 9 - sway, low - 2),
            (px - 5 - sway, low),
            (px - 1 - sway, low - 1),
            (px - 1 - sway, low - 1),
            (x - 1, y + 6),
        ]
        return [("cape", _cloth((curve(points),), ((x - 3, y + 4, px - 4, low, 7),), ramp))]
    wide = pose.body.shoulders * pose.body.girth + 2
    points = [
        (x - 3, y - 2),
        (x + 3, y - 2),
        (x + wide, y + 1.6),
        (x + wide + 1.4, y + 8),
        (x + wide + 2 - sway, low - 1),
        (x + wide + 2 - sway, low - 1),
        (x + 3 - sway, low + 0.6),
        (x - 3 - sway, low + 0.6),
        (x - wide - 2 - sway, low - 1),
        (x - wide - 2 - sway, low - 1),
        (x - wide - 1.4, y + 8),
        (x - wide, y + 1.6),
    ]
    form = ((x, y + 6, px, low, wide + 3),)
    body = _cloth(
        (curve(points),),
        form,
        ramp,
        marks=tuple(
            Mark(o, ramp, SHADE, 0.6)
            for i, o in enumerate(
                [
                    *stroke([(x - 4, y + 6), (x - 5.4 - sway, low - 2)], 1),
                    *stroke([(x + 4, y + 6), (x + 5.4 - sway, low - 2)], 1),
                ]
            )
        ),
    )
    if pose.view == "north":
        return [("cape", body)]
    collar = _cloth(
        (hull((x - 6, y + 0.4, 1.6), (x, y + 1.4, 1.6)), hull((x + 6, y + 0.4, 1.6), (x, y + 1.4, 1.6))),
        ((x - 6, y, x + 6, y, 3),),
        ramp,
    )
    return [("behind", body), ("neck", collar)]
