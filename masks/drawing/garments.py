"""Garments for any body in any pose: each function returns the pieces of one garment and their drawing slots."""

import functools
from collections.abc import Callable, Sequence

from common.outlines import Outline, box, curve, ellipse, hull, mirrored, moved, polygon, stroke
from masks.drawing import bodies
from masks.drawing.palettes import DEEP, HIGHLIGHT, LIGHT, SHADE, Ramp
from masks.drawing.sprite_layers import Mark, Pattern, SpriteLayer
from masks.drawing.walk_cycle import WalkPose

Piece = tuple[str, SpriteLayer]  # slot in the drawing order, and the layer
Garment = Callable[[WalkPose], list[Piece]]

cloth = functools.partial(SpriteLayer, clothing=True, shadow=1)


def arm_slot(pose: WalkPose, side: str) -> str:
    """Return the slot of an arm; an arm that swings back is drawn before the trunk."""
    return "near arm" if pose.joints[f"{side} hand"][2] > -2 else "far arm"


def leg_slot(pose: WalkPose, side: str) -> str:
    """Return the slot of a leg; the leg whose toes are further away is drawn first."""
    return "near leg" if pose.nearer("toes") == side else "far leg"


def details(outlines: Sequence[Outline], ramp: Ramp, tone: int, opacity: float = 1) -> list[Mark]:
    """Return marks of one tone."""
    return [Mark(outline, ramp, tone, opacity) for outline in outlines]


# ---- upper body ----


def shirt(
    pose: WalkPose,
    ramp: Ramp,
    sleeve: float = 0.85,
    bottom: float = 0.6,
    *,
    second: Ramp | None = None,
    weave: str = "stripes",
    emblem: Ramp | None = None,
) -> list[Piece]:
    """Return a shirt, jumper or tunic.

    Args:
        pose: pose of the wearer.
        ramp: material.
        sleeve: length of the sleeves: 0 none, 1 to the elbow, 2 to the hand.
        bottom: length below the hip joints, in art pixels.
        second: second colour.
        weave: pattern of the second colour: "stripes" or "checks".
        emblem: colour of a disc on the chest.
    """
    (x, y), (hip_x, hip_y) = pose.at("chest"), pose.at("pelvis")
    pattern = Pattern(second, weave, 2, y, x) if second else None
    marks = [] if second else details([box(hip_x - 12, hip_y + bottom - 2, 24, 1)], ramp, SHADE, 0.5)
    if emblem and pose.view == "south":
        marks.append(Mark(ellipse(x, y + 6, 2, 2), emblem, LIGHT))
    body = cloth([bodies.trunk_outline(pose, 0.6, bottom)], bodies.trunk_form(pose), ramp, marks, pattern=pattern)
    return [("torso", body), *sleeves(pose, ramp, sleeve, 0.5, pattern=pattern)]


def sleeves(
    pose: WalkPose, ramp: Ramp, reach: float, grow: float, *, pattern: Pattern | None = None, patch: Ramp | None = None
) -> list[Piece]:
    """Return both sleeves; patches go on the elbows."""
    pieces = []
    for side in bodies.SIDES if reach else ():
        circles = bodies.limb_circles(pose, side, grow)
        outlines, form = bodies.limb(circles, 0, reach)
        marks = details([ellipse(*circles[1][:2], 1.6, 1.8)], patch, SHADE) if patch else []
        pieces.append((arm_slot(pose, side), cloth(outlines, form, ramp, marks, pattern=pattern)))
    return pieces


def jacket(pose: WalkPose, ramp: Ramp, patch: Ramp | None = None) -> list[Piece]:
    """Return an open jacket with a waistband and patches on the elbows."""
    (x, y), (hip_x, hip_y) = pose.at("chest"), pose.at("pelvis")
    low = hip_y + 6
    opening = {
        "south": [(x - 2, y - 4), (x + 2, y - 4), (x + 1.4, y + 4), (x + 2, low), (x - 2, low), (x - 1.4, y + 4)],
        "east": [(x + 3, y - 4), (x + 9, y - 4), (x + 9, low), (hip_x + 3, low)],
    }
    cut = [polygon(opening[pose.view])] if pose.view in opening else []
    band = details([box(hip_x - 12, hip_y - 0.4, 24, 1)], ramp, DEEP, 0.6)
    body = cloth([bodies.trunk_outline(pose, 1, bottom=1.6)], bodies.trunk_form(pose), ramp, band, cut=cut)
    return [("torso", body), *sleeves(pose, ramp, 1.8, 0.9, patch=patch)]


def scarf(pose: WalkPose, ramp: Ramp, second: Ramp | None = None) -> list[Piece]:
    """Return a scarf with one hanging, swaying end."""
    x, y = pose.at("chest")
    wide = 3.2 if pose.view == "east" else 5
    ring = hull((x - wide, y + 0.4, 2.2), (x + wide, y + 0.4, 2.2))
    start, end = {"south": (3.2, 3.2), "east": (-3.4, -5.4), "north": (-3.2, -3.2)}[pose.view]
    tail = ((x + start, y + 1.6, 1.9), (x + end - pose.sway, y + 8, 2.2))
    pattern = Pattern(second, "stripes", 2, y + 3, x) if second else None
    return [
        ("neck", cloth([hull(*tail)], [(*tail[0][:2], *tail[1][:2], 2.4)], ramp, pattern=pattern)),
        ("neck", cloth([ring], [(x - wide, y, x + wide, y, 3)], ramp)),
    ]


def cape(pose: WalkPose, ramp: Ramp) -> list[Piece]:
    """Return a swaying cape from the shoulders over the hips."""
    (x, y), (hip_x, hip_y) = pose.at("chest"), pose.at("pelvis")
    low, swung = hip_y + 8, hip_x - pose.sway
    if pose.view == "east":
        hem = [(swung - 9, low - 2), (swung - 9, low - 2), (swung - 5, low), (swung - 1, low - 1), (swung - 1, low - 1)]
        back = [(x + 2, y - 2), (x + 2, y - 2), (x - 5, y - 0.5), (x - 7, y + 6)]
        return [("cape", cloth([curve([*back, *hem, (x - 1, y + 6)])], [(x - 3, y + 4, hip_x - 4, low, 7)], ramp))]
    wide = pose.body.shoulders * pose.body.girth + 2
    hem = [(swung + dx, low + dy) for dx, dy in ((wide + 2, -1), (3, 0.6), (-3, 0.6), (-wide - 2, -1))]
    hem = [hem[0], *hem, hem[-1]]  # corners
    right = [(3, -2), (wide, 1.6), (wide + 1.4, 8)]
    sides = [[(x + sign * dx, y + dy) for dx, dy in right] for sign in (1, -1)]
    folds = [fold for dx in (-4, 4) for fold in stroke([(x + dx, y + 6), (swung + dx * 1.35, low - 2)], 1)]
    outline = curve([*sides[0], *hem, *reversed(sides[1])])
    body = cloth([outline], [(x, y + 6, hip_x, low, wide + 3)], ramp, details(folds, ramp, SHADE, 0.6))
    if pose.view == "north":
        return [("cape", body)]
    collar = [hull((x + dx, y + 0.4, 1.6), (x, y + 1.4, 1.6)) for dx in (-6, 6)]
    return [("behind", body), ("neck", cloth(collar, [(x - 6, y, x + 6, y, 3)], ramp))]


# ---- lower body ----


def trousers(pose: WalkPose, ramp: Ramp, reach: float = 1.9, patch: Ramp | None = None) -> list[Piece]:
    """Return trousers to the knee (1) or to the ankle (2); a patch goes on one knee."""
    pieces = legwear(pose, ramp, 0, reach, patch=patch)
    seat = cloth([bodies.seat_outline(pose, 0.5)], bodies.trunk_form(pose), ramp, shadow=0, seam=False)
    return [*pieces, ("torso", seat)]


def legwear(
    pose: WalkPose, ramp: Ramp, start: float, end: float, *, second: Ramp | None = None, patch: Ramp | None = None
) -> list[Piece]:
    """Return trouser legs or striped stockings between two places on the leg: 0 hip, 1 knee, 2 ankle."""
    pieces = []
    for side in bodies.SIDES:
        circles = bodies.limb_circles(pose, side, 0.5, leg=True)
        outlines, form = bodies.limb(circles, start, end)
        knee = circles[1]
        marks = details([box(knee[0] - 1.6, knee[1] - 1.6, 3.2, 3.2)], patch, LIGHT) if patch and side == "left" else []
        pattern = Pattern(second, "stripes", 2, pose.at("pelvis")[1], 0) if second else None
        pieces.append((leg_slot(pose, side), cloth(outlines, form, ramp, marks, pattern=pattern)))
    return pieces


def dungarees(pose: WalkPose, ramp: Ramp) -> list[Piece]:
    """Return trousers with a bib and straps."""
    (x, y), (hip_x, hip_y) = pose.at("chest"), pose.at("pelvis")
    top, above = y + (5 if pose.view == "north" else 3.5), y - 9
    if pose.view == "east":
        bare = [(x + 12, top), (x + 0.6, top), (hip_x - 5, hip_y - 3), (hip_x - 12, hip_y - 3)]
        straps = stroke([(x + 1, top + 1), (x - 0.4, y - 0.6)], 2)
    else:
        side = [(14, hip_y - 0.5), (7, hip_y - 0.5), (4.5, hip_y - 3), (4, top)]
        bare = [(x + sign * dx, dy) for sign, part in ((1, side), (-1, side[::-1])) for dx, dy in part]
        straps = [o for sign in (-1, 1) for o in stroke([(x + sign * 3.2, top), (x + sign * 4, y - 0.6)], 2)]
    marks: list[Mark] = []
    if pose.view == "south":
        marks = [Mark(box(x + dx, y + 4, 1, 1), ramp, HIGHLIGHT) for dx in (-4, 3)]
        marks.append(Mark(box(x - 2, y + 7, 4, 1), ramp, DEEP, 0.7))
    form = bodies.trunk_form(pose)
    uncovered = polygon([(bare[-1][0], above), (bare[0][0], above), *bare])
    bib = cloth([bodies.trunk_outline(pose, 0.8)], form, ramp, marks, shadow=0, seam=False, cut=[uncovered])
    return [*trousers(pose, ramp), ("torso", cloth(straps, form, ramp, lined=False)), ("torso", bib)]


def skirt(pose: WalkPose, ramp: Ramp, length: float = 7, flare: float = 2.5) -> list[Piece]:
    """Return a swaying skirt to `length` art pixels below the hip joints; the legs push it out."""
    x, y = pose.at("pelvis")
    body, east = pose.body, pose.view == "east"
    top, low, swung = y - 4, y + length, x - 0.8 * pose.sway
    waist = (4.6 if east else body.hips + 2.4) * body.girth + 0.5
    stride = max(abs(pose.at(f"{side} knee")[0] - x) for side in bodies.SIDES) if east else body.hips
    wide = max(waist + flare, stride + 3.2 * body.girth + flare / 2)
    middle = waist + (wide - waist) * 0.55
    hem = [(swung + share * wide, low + dy) for share, dy in ((1, -0.8), (0.5, 0.3), (0, 0.7), (-0.5, 0.3), (-1, -0.8))]
    waistline = [(x - waist, top), (x - waist, top), (x + waist, top), (x + waist, top)]
    outline = curve([*waistline, (x + middle, (top + low) / 2), hem[0], *hem, hem[-1], (x - middle, (top + low) / 2)])
    marks = []
    for share, tone in ((-0.55, SHADE), (-0.05, SHADE), (0.5, DEEP)):
        fold = stroke([(x + waist * share, top + 4), (swung + wide * share, low - 1)], 1)
        marks += details(fold, ramp, tone, 0.6)
    return [("torso", cloth([outline], [(x, top, x, low, wide + 0.5)], ramp, marks, shadow=2, seam=False))]


def dress(pose: WalkPose, ramp: Ramp, sleeve: float = 0.6) -> list[Piece]:
    """Return a one-piece dress."""
    return [*shirt(pose, ramp, sleeve, -3), *skirt(pose, ramp, length=9, flare=3)]


def belt(pose: WalkPose, ramp: Ramp, buckle: Ramp) -> list[Piece]:
    """Return a belt two art pixels wide."""
    x, y = pose.at("pelvis")
    wide = (4.4 if pose.view == "east" else pose.body.hips + 2.6) * pose.body.girth + 0.6
    marks = [Mark(box(x - wide, y - 3, 2 * wide, 1), ramp, DEEP)]
    if pose.view != "north":
        marks.append(Mark(box(x - 1 if pose.view == "south" else x + 2, y - 4, 2, 2), buckle, LIGHT))
    return [("torso", cloth([box(x - wide, y - 4, 2 * wide, 2)], bodies.trunk_form(pose), ramp, marks, lined=False))]


# ---- feet and hands ----


def boots(pose: WalkPose, ramp: Ramp, shaft: float = 0.5, cuff: Ramp | None = None) -> list[Piece]:
    """Return boots whose shafts cover the share `shaft` of the shin."""
    pieces = []
    for side in bodies.SIDES:
        circles = bodies.limb_circles(pose, side, 0.8, leg=True)
        outlines, form = bodies.limb(circles, 2 - shaft, 1.9)
        x, y, radius = bodies.along(circles, 2 - shaft)
        marks = _sole(pose, side, ramp)
        if cuff:
            marks += details([ellipse(x, y - radius + 1.4, radius + 1, 1.4)], cuff, LIGHT)
        layer = cloth([*outlines, bodies.foot(pose, side, 0.6)], [*form, bodies.foot_form(pose, side)], ramp, marks)
        pieces.append((leg_slot(pose, side), layer))
    return pieces


def shoes(pose: WalkPose, ramp: Ramp) -> list[Piece]:
    """Return low shoes."""
    return [
        (
            leg_slot(pose, side),
            cloth([bodies.foot(pose, side, 0.4)], [bodies.foot_form(pose, side)], ramp, _sole(pose, side, ramp)),
        )
        for side in bodies.SIDES
    ]


def _sole(pose: WalkPose, side: str, ramp: Ramp) -> list[Mark]:
    (x, y), (toes_x, toes_y) = pose.at(f"{side} ankle"), pose.at(f"{side} toes")
    if pose.view == "east":
        line = [(x - 1.8, y + 2.6), (toes_x + 1, toes_y + 2.1)]
    else:
        low = min(max(y + 1.4, toes_y), y + 2.2) + 2.1
        line = [(x - 3, low), (x + 3, low)]
    return details(stroke(line, 1), ramp, DEEP, 0.7)


def gloves(pose: WalkPose, ramp: Ramp) -> list[Piece]:
    """Return gloves with short cuffs."""
    pieces = []
    for side in bodies.SIDES:
        wrist, form = bodies.limb(bodies.limb_circles(pose, side, 0.5), 1.6, 2)
        hand = hull((*pose.at(f"{side} hand"), 2.8))
        pieces.append((arm_slot(pose, side), cloth([hand, *wrist], form, ramp)))
    return pieces


# ---- hats ----


def beanie(pose: WalkPose, ramp: Ramp, cuff: Ramp) -> list[Piece]:
    """Return a knitted cap with a turned-up edge and a bobble."""
    x, y = pose.at("head")
    size = pose.body.head
    dome = curve(mirrored([(0, -15.2), (6.6, -14), (11, -9.6), (12.2, -4), (12.2, -4)]))
    edge = hull((-10.8, -4.6, 2), (10.8, -4.6, 2), (0, -4, 2.2))
    ribs = details([moved(box(dx, -5.6, 1, 3), x, y, size) for dx in range(-10, 10, 3)], cuff, SHADE, 0.7)
    top = y - 16 * size
    return [
        ("hat", cloth([moved(ellipse(0, -16, 3, 2.8), x, y, size)], [(x, top, x, top, 3.4)], cuff)),
        ("hat", cloth([moved(dome, x, y, size)], [(x, y - 2, x, y - 2, 13.5 * size)], ramp)),
        ("hat", cloth([moved(edge, x, y, size)], [(x - 8, y - 4, x + 8, y - 4, 4)], cuff, ribs)),
    ]


_ROUND_CROWN = mirrored([(0, -17), (6, -16.4), (10.6, -12.6), (12, -5.6), (12, -5.6), (6, -4), (0, -3.6)])
_POINTED_CROWN = [
    (12, -5.6), (12, -5.6), (6, -4), (0, -3.6), (-6, -4), (-12, -5.6), (-12, -5.6), (-9.6, -10.4), (-5.6, -15.4),
    (-1.6, -20.4), (2.4, -23), (7.4, -23), (7.4, -23), (4.6, -20.4), (6.6, -15.4), (9.8, -10.4),
]  # fmt: skip
_HAT_BAND = [
    (-14, -8.6), (-6, -7), (0, -6.6), (6, -7), (14, -8.6), (14, -8.6),
    (14, -5.8), (14, -5.8), (6, -4.2), (0, -3.8), (-6, -4.2), (-14, -5.8), (-14, -5.8),
]  # fmt: skip


def straw_hat(pose: WalkPose, ramp: Ramp, ribbon: Ramp) -> list[Piece]:
    """Return a hat with a wide brim."""
    return _hat(pose, ramp, ribbon, curve(_ROUND_CROWN), 17)


def pointed_hat(pose: WalkPose, ramp: Ramp, ribbon: Ramp) -> list[Piece]:
    """Return a tall hat with a wide brim and a bent tip that points backwards."""
    crown = curve(_POINTED_CROWN)
    if pose.view == "east":
        crown[:, 0] *= -1
    return _hat(pose, ramp, ribbon, crown, 18)


def _hat(pose: WalkPose, ramp: Ramp, ribbon: Ramp, crown: Outline, wide: float) -> list[Piece]:
    x, y = pose.at("head")
    size = pose.body.head
    band = curve(_HAT_BAND)
    brim = moved(ellipse(0, -5, wide, 4.6), x, y, size)
    marks = details([moved(band, x, y, size)], ribbon, LIGHT)
    return [
        ("hat", cloth([brim], [(x - 10, y - 4, x + 10, y - 4, 8)], ramp, shadow=2)),
        ("hat", cloth([moved(crown, x, y, size)], [(x, y - 5, x, y - 14, 12.5 * size)], ramp, marks)),
    ]
