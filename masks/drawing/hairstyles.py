"""Hairstyles as outlines around the head for each view: the hair on top and the hanging hair."""

import re
from dataclasses import dataclass, field

import numpy as np

from common.outlines import Outline, curve, ellipse, moved, stroke
from masks.drawing.palettes import DEEP, HIGHLIGHT, Ramp
from masks.drawing.sprite_layers import Mark, SpriteLayer
from masks.drawing.walk_cycle import WalkPose

ViewOutlines = dict[str, tuple[Outline, ...]]  # outlines by view: "south", "east", "north"


@dataclass(frozen=True)
class Hairstyle:
    """Outlines around the middle of the head, by view.

    Attributes:
        top: hair on the head.
        back: swaying hair behind head and shoulders, or over them when seen from behind.
        wisps: darker lines between the strands of the top.
    """

    top: ViewOutlines
    back: ViewOutlines = field(default_factory=dict)
    wisps: ViewOutlines = field(default_factory=dict)


def hair_top(pose: WalkPose, style: Hairstyle, ramp: Ramp) -> list[SpriteLayer]:
    """Return the hair on the head."""
    x, y = pose.at("head")
    size = pose.body.head
    outlines = [moved(outline, x, y, size) for outline in style.top[pose.view]]
    low = max(outline[:, 1].max() for outline in outlines)
    marks = [Mark(moved(wisp, x, y, size), ramp, DEEP, 0.3) for wisp in style.wisps.get(pose.view, ())]
    shine = Mark(moved(SHINE, x, y, size), ramp, HIGHLIGHT, 0.5)
    radius = 13.5 * size
    form = [(x, y - 1, x, max(y - 1, float(low) - radius), radius)]
    return [SpriteLayer(outlines, form, ramp, [shine, *marks], shadow=1)]


def hair_back(pose: WalkPose, style: Hairstyle, ramp: Ramp) -> list[SpriteLayer]:
    """Return the hanging hair; nothing for short hair."""
    x, y = pose.at("head")
    outlines = [moved(_swung(outline, pose.sway), x, y, pose.body.head) for outline in style.back.get(pose.view, ())]
    if not outlines:
        return []
    points = np.concatenate(outlines)
    (left, top), (right, low) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    middle, radius = (left + right) / 2, (right - left) / 2 + 0.8
    form = [(middle, top + radius, middle, max(top + radius, low - radius), radius)]
    return [SpriteLayer(outlines, form, ramp, shadow=1)]


def _swung(outline: Outline, sway: float) -> Outline:
    """Shift lower points by up to `sway` art pixels."""
    share = ((outline[:, 1] + 4) / 24).clip(0, 1)
    return np.stack([outline[:, 0] - sway * share, outline[:, 1]], axis=1)


def _hairstyle(table: str) -> Hairstyle:
    """Read a hairstyle from entries "<part> <view>: <shapes>"; see `_outlines` and `_wisps`."""
    parts: dict[str, ViewOutlines] = {"top": {}, "back": {}, "wisps": {}}
    for part, view, shapes in re.findall(r"(\w+) (south|east|north): ([^a-z]+)", table):
        parts[part][view] = _wisps(shapes) if part == "wisps" else _outlines(shapes)
    return Hairstyle(**parts)


def _outlines(text: str) -> tuple[Outline, ...]:
    """Return circles "x,y,radius", and a smooth outline through points "x,y"; "!" after a point makes a corner."""
    circles: list[Outline] = []
    points: list[tuple[float, float]] = []
    for word in text.split():
        x, y, *radius = map(float, word.rstrip("!").split(","))
        if radius:
            circles.append(ellipse(x, y, radius[0], radius[0]))
        else:
            points += [(x, y)] * (2 if word.endswith("!") else 1)
    return (*circles, curve(points)) if points else tuple(circles)


def _wisps(text: str) -> tuple[Outline, ...]:
    """Return thin strokes through points "x,y", separated by semicolons."""
    strokes: list[Outline] = []
    for line in text.split(";"):
        points = [word.split(",") for word in line.split()]
        strokes += stroke([(float(x), float(y)) for x, y in points], 1.1, 0.8)
    return tuple(strokes)


(SHINE,) = _outlines("-8.6,-3.4! -7,-7.4 -3,-9.8 0.6,-10.2! -2.4,-8.2 -5.6,-6.2!")
TOUSLED = _hairstyle("""
top south: -11.4,4! -11.6,-2 -10.6,-8 -7,-11.8 -3,-13! -1.4,-15.2! 0.8,-13! 3.6,-14.2! 4.6,-12.4! 8,-10.6 10.8,-7
    11.6,-2 11.4,4! 9.4,2 9,-3! 7,0! 5.6,-4! 2.4,0.6! 0.6,-4.4! -3,0.4! -4.6,-4! -7.4,0! -8.8,-3.4! -9.4,2
top east: -9.4,7.5! -11.4,1 -11.4,-6 -8,-11 -3,-13 -0.6,-12.8! 0.8,-15! 2.8,-12.4! 7,-11 10,-7 10.8,-3 9.6,0.6! 7.8,-3!
    5.4,0.4! 4,-3! 2,1.4 0.6,4.8! -1.4,1! -3.4,2 -4.4,5! -5.4,9.2! -7.4,7!
top north: -11.4,3 -11.6,-2 -10.6,-8 -7,-11.8 -4,-13! -2,-15! -0.4,-13! 2,-14! 3,-12.8! 8,-10.6 10.8,-7 11.6,-2 11.4,3
    9.8,6! 8.6,9! 6.4,8! 4.6,10.6! 2,8.8! 0,11! -2.4,8.8! -4.6,10.4! -6.6,8! -9,9! -9.8,6!
wisps south: -2,-9 -3.6,-4; 4,-9 5.4,-5
wisps east: 2,-9 4,-4; -6,-3 -7,3
wisps north: -2,-3 -3.4,3; 3,-1 4,4
""")
BOB = _hairstyle("""
top south: -10.6,9.4! -12.2,2 -11.6,-5 -8,-11 -3,-13 3,-13 8,-11 11.6,-5 12.2,2 10.6,9.4! 8,8.6! 8.8,2 8.4,-3! 6,-0.6
    2.6,0.2! 0.4,-4! -2.4,0.2! -6,-0.4 -8.4,-3! -8.8,2 -8,8.6!
top east: -9.6,10! -12,4 -12,-3 -9,-9.6 -4,-12.8 2,-13 7.4,-10.8 10.6,-6 10.4,-0.6! 8,0.6! 6.4,-3! 4.2,0.4 4.2,5
    2.8,9.6! -3,10.6
top north: -10.8,9.6! -12.2,2 -11.6,-5 -8,-11 -3,-13 3,-13 8,-11 11.6,-5 12.2,2 10.8,9.6! 5,11 0,11.2 -5,11
wisps south: -5,-9 -5.6,-3; 5,-9 5.6,-3
wisps east: -2,-4 -3,6; 2,-8 4,-3
wisps north: -4,-4 -5,7; 4,-4 5,7; 0,-2 0,8
""")
LONG = _hairstyle("""
top south: -11,16! -12.4,6 -12,-3 -9,-10 -4,-13 4,-13 9,-10 12,-3 12.4,6 11,16! 8.2,10 8.9,2 8.2,-3.4! 4,-1.4 -0.6,-6!
    -4.6,-0.6 -8.6,-1.8! -8.9,3 -8.2,10
top east: -9,10 -12,4 -12,-3 -9,-9.6 -4,-12.8 2,-13 7.4,-10.8 10.6,-6 10,-1! 7.6,-3.4! 4.6,0 3.6,6 2.4,11.6! 0.4,8
    -2,10! -5,11
top north: -12.4,4 -12.2,-3 -9,-10 -4,-13 4,-13 9,-10 12.2,-3 12.4,4 12.6,10 11.6,17 8.6,24! 5,22.6! 2,25.4! -1,23!
    -4.6,25! -8,23.4! -11.6,17 -12.6,10
back south: -12,0! -12.8,10 -11.8,19 -9,25 0,26 9,25 11.8,19 12.8,10 12,0!
back east: -4,-8! -12,-4 -12.8,6 -13,15 -11.6,24! -8.4,22.4! -5.6,24.6! -3.4,17 -1,10 2,4!
wisps south: -6,-9 -7,-3; 3,-10 5.4,-4
wisps east: -4,-4 -5,7; 2,-8 3,-2
wisps north: -5,0 -6,16; 5,2 6,18; 0,6 0.4,20
""")
PONYTAIL = _hairstyle("""
top south: -11.2,3! -11.5,-3 -9.6,-9 -5,-12.4 0,-13 5,-12.4 9.6,-9 11.5,-3 11.2,3! 9.8,1 9,-3! 5,-1.6 0.4,-6.6!
    -3.6,-2.4 -8.2,-1! -9.6,2
top east: -8.6,6! -11.2,1 -11.4,-5 -8,-11 -2,-13 5,-12.2 9.6,-8.6 10.6,-4 9.8,-1.2! 6,-4.4! 4,-2 2.6,1 1.2,4.6! 0,1.4!
    -3,0.6 -5,3
top north: -11.2,3 -11.6,-3 -9.6,-9 -5,-12.4 0,-13 5,-12.4 9.6,-9 11.6,-3 11.2,3 8.4,7.6 4,9.8! 0,8.4! -4,9.8! -8.4,7.6
back south: 7,-10! 12,-12 15,-8 15.6,0 13.4,8! 12,2 9,-4!
back east: -8,-10! -13,-9.4 -16.4,-4 -17,5 -14,13! -13,6 -11.4,1 -7,-2!
back north: -2,-7! -5.4,-2 -5.8,8 -3.6,16 0.4,20! 3.8,15 5.6,7 5.4,-2 2,-7!
wisps south: -3,-10 -5,-4; 4,-10 6.4,-4
wisps east: 3,-9 -6,-5; -1,-3 -7,-1
wisps north: -8,0 -3,-6; 8,0 3,-6
""")
CURLS = _hairstyle("""
top south: -10.4,3,3.6 -10.8,-2,4.6 -9,-7.6,5 -4.6,-11,5.4 1,-12,5.4 6.2,-10.4,5.2 10,-6.6,4.6 11,-1.4,4.4 10.4,3.4,3.4
    -5.4,-5.6,3.6 -1,-6.4,3.8 3.6,-6,3.6 6.6,-4.6,3
top east: -9,5.4,4 -11,0.6,4.8 -10.6,-5,5 -6.8,-9.8,5.4 -1,-12,5.4 4.6,-10.8,5 8.6,-7.4,4 -6,-2,7 -5,4,4 0,-6,6
    5.4,-6,3.6 -0.6,1.4,2.8
top north: -10,5,4.2 -11.4,0,4.8 -10,-6,5.2 -5,-10.8,5.6 1,-12,5.6 6.6,-10,5.4 10.8,-5.2,5 11.4,0.6,4.6 9.6,5.6,4.2
    5,8,4 0,8.6,4.2 -5,8.2,4 0,-1,10.5
wisps south: -7,-6 -5.6,-5 -4,-6; -5,-10 -3.6,-9 -2,-10; 1,-8 2.4,-7 4,-8; 6,-5 7.4,-4 9,-5; 4,-12 5.4,-11 7,-12; -10,-1
    -8.6,0
wisps east: -9,-5 -7.6,-4 -6,-5; -8,1 -6.6,2 -5,1; -3,-9 -1.6,-8 0,-9; 3,-8 4.4,-7 6,-8; -3,-3 -1.6,-2 0,-3; -9,6 -7.6,7
wisps north: -7,-6 -5.6,-5 -4,-6; 1,-8 2.4,-7 4,-8; -3,-1 -1.6,0 0,-1; 5,-1 6.4,0 8,-1; -8,3 -6.6,4 -5,3; 1,5 2.4,6 4,5
""")
BUNS = _hairstyle("""
top south: -8.8,-12.4,4.4 8.8,-12.4,4.4 -10.6,6.4! -11.8,0 -11,-6 -7.6,-11 -3,-12.8 3,-12.8 7.6,-11 11,-6 11.8,0
    10.6,6.4! 9,2 8.8,-2.6! 5,-0.8 0.6,-1 0,-4.4! -0.6,-1 -5,-0.8 -8.8,-2.6! -9,2
top east: -4,-13.2,4.6 -9,7! -11.6,1 -11.4,-5 -8.4,-10.4 -3,-12.8 3,-12.8 8,-10.4 10.6,-5.6 10.4,-1! 7,-0.4! 5.6,-3!
    3.4,0 2.6,6! 0.8,2! -2,1.6 -4.4,4 -6,8!
top north: -8.8,-12.4,4.4 8.8,-12.4,4.4 -11.2,4 -11.8,-1 -10.8,-6.6 -7.6,-11 -3,-12.8 3,-12.8 7.6,-11 10.8,-6.6 11.8,-1
    11.2,4 8,8.4 4,9.6 0,7.6! -4,9.6 -8,8.4
wisps south: 0,-12 0,-6; -10,-13 -8,-11.6; 8,-13 10,-11.6
wisps east: -5.4,-14 -3.4,-12.6; -3,-8 -6,0
wisps north: 0,-12 0,6; -10,-13 -8,-11.6; 8,-13 10,-11.6
""")
CROPPED = _hairstyle("""
top south: -10.8,1! -11,-4 -9,-9.2 -4.6,-12 0,-12.4 4.6,-12 9,-9.2 11,-4 10.8,1! 9.6,-1 8.6,-5.4! 4,-6.2 0,-5.4 -4,-6.2
    -8.6,-5.4! -9.6,-1
top east: -9,5! -10.9,1 -11,-5 -7.6,-10.4 -2,-12.4 4,-12 8.4,-9.2 9.8,-5.4! 6,-5.2 2.4,-3.4 1.6,1.6! 0.2,3! -1,0!
    -4.4,0.6 -5.6,5 -7,7!
top north: -10.8,2 -11,-4 -9,-9.2 -4.6,-12 0,-12.4 4.6,-12 9,-9.2 11,-4 10.8,2 8,6.6 0,8 -8,6.6
wisps north: -5,4 -4,5.4; 0,5 0,6.4; 5,4 4,5.4
""")
SPIKES = _hairstyle("""
top south: -11,4! -13.4,-1! -11.2,-3! -13.6,-8! -9.6,-8.4! -9.4,-13.6! -5.4,-11.6! -3,-16.4! 0,-12.6! 4.6,-16!
    5.8,-11.4! 10.4,-12.6! 9.8,-8! 13.6,-7! 11.2,-3! 13.4,0! 11,4! 9.4,1 8.8,-3.6! 6.6,-0.6! 5,-4.6! 1.4,0! -1,-4.8!
    -4,-0.4! -6,-4.4! -8,-0.6! -9.4,1
top east: -8.6,8.6! -10.4,5! -13.8,5! -12,0! -15.4,-3! -11.8,-5.4! -13.4,-10.4! -8.6,-10! -7.4,-15! -3,-12.6! 0.6,-16.2!
    2.8,-12.4! 8,-14! 8,-10! 12.4,-8.4! 10.4,-4! 9.8,0! 7.4,-3.6! 5,0.4! 3.6,-3.6! 2,1 0.6,5! -1.4,1! -4,2 -5,7!
top north: -11,4! -13.4,0! -11.2,-3! -13.6,-7! -9.8,-8! -10.4,-12.6! -5.8,-11.4! -4.6,-16! 0,-12.6! 3,-16.4! 5.4,-11.6!
    9.4,-13.6! 9.6,-8.4! 13.6,-8! 11.2,-3! 13.4,-1! 11,4! 8.6,9! 6,7.4! 3,10.6! 0,8.4! -3,10.6! -6,7.4! -8.6,9!
wisps south: -2,-11 -3,-5; 4,-11 4,-6
wisps east: -4,-8 -8,-5; 1,-10 3,-5; -4,-2 -8,1
wisps north: -4,-8 -6,-2; 4,-8 5,-2; -1,-2 -2,5; 3,1 3,6
""")
