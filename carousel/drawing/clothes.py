"""Clothes of drawn people: tops, trousers, skirts, shoes, and what people carry."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from carousel.drawing.bodies import (
    Limb,
    Point,
    PosedBody,
    along,
    arm_radii,
    hand_outlines,
    leg_radii,
    limb_tube,
    smooth_line,
    trunk_outline,
    tube,
)
from carousel.drawing.canvas import colour, mix, points, smoothstep
from carousel.drawing.height_fields import Material, Pattern, Sculpture
from common.outlines import Outline, box, curve, ellipse, hull, moved

INK = colour("#1d1820")
WHITE = colour("#efe9df")
BRASS = colour("#c99a3f")


@dataclass(frozen=True)
class Outfit:
    """What a body wears.

    Attributes:
        top: one of TOPS.
        bottom: one of BOTTOMS; "" under a dress.
        shoes: "sneakers", "sandals", or a key of BOOTS.
        top_colour, under_colour, bottom_colour, shoe_colour, accent: linear RGB.
        pattern: one of PATTERNS, on the top.
        extras: some of EXTRAS.
    """

    top: str
    bottom: str
    shoes: str
    top_colour: np.ndarray
    under_colour: np.ndarray
    bottom_colour: np.ndarray
    shoe_colour: np.ndarray
    accent: np.ndarray
    pattern: str = ""
    extras: tuple[str, ...] = ()


class ClothesPainter:
    """Dresses one body, part after part."""

    def __init__(
        self, rng: np.random.Generator, sculpture: Sculpture, body: PosedBody, skin: np.ndarray, outfit: Outfit
    ) -> None:
        self.rng, self.sculpture, self.body, self.outfit = rng, sculpture, body, outfit
        self.skin = Material(skin, gloss=0.10, flesh=True, weave=0.02)
        self.behind = body.pose.from_behind
        pattern = PATTERNS[outfit.pattern](rng, outfit, body) if outfit.pattern else None
        self.top = Material(outfit.top_colour, weave=0.06, pattern=pattern)
        self.bottom = Material(outfit.bottom_colour, weave=0.06)

    # ---- from the ground up ----

    def legs(self) -> None:
        """Draw legs, shoes and trousers or skirt; a lifted leg lies behind."""
        order = sorted(self.body.legs, key=lambda leg: leg.end[1])
        form = BOTTOMS[self.outfit.bottom]
        high_shoes = self.outfit.shoes in BOOTS and self.outfit.bottom not in ("wide trousers", "cargos")
        for leg in order:
            if form.last < 1.9:
                seam = (*leg.start, 0.05)
                self.sculpture.add(limb_tube(leg, leg_radii(self.body.build)), self.skin, 0.036, shadow=0.35, seam=seam)
                self._knee(leg)
            if not high_shoes:
                self._shoe(leg)
            if form.radii:
                self._trouser_leg(leg, form)
            if high_shoes:
                self._shoe(leg)
        if form.radii:
            hips = trunk_outline(self.body, -0.13, 0.44, form.ease)
            seam_leg = order[-1]
            self.sculpture.add([hips], self.bottom, 0.07, seam=(*along(seam_leg, 0.25), 0.001))
            self._blend_hips()
        elif form.last and form.last < 2:
            self._skirt(form)

    def _blend_hips(self) -> None:
        """Draw creases that run from the crotch, and the fly."""
        crotch = self.body.trunk(-0.15, 0)
        lines, values = [], []
        for side in (-1, 1):
            for i in range(4):
                end = self.body.trunk(0.0 + 0.05 * i, side * (0.045 + 0.012 * i))
                middle = (crotch[0] + (end[0] - crotch[0]) * 0.5, crotch[1] + (end[1] - crotch[1]) * 0.35)
                lines.append(smooth_line([crotch, middle, end]))
                values.append(0.15 if i % 2 else 0.9)
        self.crease(lines, values, [trunk_outline(self.body, -0.2, 0.3, 0.01)], width=0.008, height=0.006)
        self.sculpture.darken([ellipse(crotch[0], crotch[1] + 0.03, 0.018, 0.045)], 0.6, 0.012)

    def _knee(self, leg: Limb) -> None:
        x, y = leg.middle
        self.sculpture.emboss([ellipse(x, y - 0.008, 0.014, 0.016)], 0.006, 0.006)

    def _trouser_leg(self, leg: Limb, form: "BottomGarment") -> None:
        if self.outfit.shoes in BOOTS and form.last > 1.9 and self.outfit.bottom in TUCKED:
            form = replace(form, last=BOOTS[self.outfit.shoes][0] + 0.06)
        bare = spread(leg_radii(self.body.build), form.last)
        radii = [radius + extra for radius, extra in zip(bare, form.radii, strict=True)]
        pieces = limb_tube(leg, radii, 0.0, form.last)
        cut = [beyond(leg, form.last, 0.10)]
        self.sculpture.add(pieces, self.bottom, 0.04, shadow=0.35, seam=(*leg.start, 0.07), cut=cut)
        lines, values = [], []
        for share, count in ((0.95, 5), (form.last - 0.12, 4), (0.25, 3)):
            x, y = along(leg, min(share, form.last - 0.05))
            for i in range(count):
                side = 1 if i % 2 else -1
                dy, wide = self.rng.normal(0, 0.02), self.rng.uniform(0.012, 0.035)
                fold = [(0.04, dy - 0.01), (0.02, dy + 0.003), ((0.04 - wide) * -0.3, dy + 0.012)]
                lines.append(smooth_line([(x + side * u, y + v) for u, v in fold]))
                values.append(float(self.rng.choice((0.15, 0.85))))
        self.crease(lines, values, pieces, width=0.008, height=0.007)
        if form.last < 1.5 or self.outfit.bottom == "jeans":
            (ax, ay), (bx, by) = along(leg, form.last - 0.015), along(leg, form.last)
            hem = hull((ax - radii[-1], ay, 0.002), (ax + radii[-1], ay, 0.002), (bx, by + radii[-1] * 0.2, 0.004))
            self.sculpture.darken([hem], 0.15, 0.003)

    def _skirt(self, form: "BottomGarment") -> None:
        hem = "1 -.01, 1 -.01, .44 .012, 0 .004, -.44 .014, -1 -.008, -1 -.008"
        sway = self.body.pose.shift * -0.4
        outline, places = self.skirt_outline(form, hem, 0.46, (0.05, 0.014), sway)
        self.sculpture.add([outline], self.bottom, 0.06, shadow=0.45)
        self.skirt_folds(outline, places, 13, 0.04, bend=0.01, drop=0.012, height=0.016)

    def skirt_outline(
        self, form: "BottomGarment", hem: str, waist: float, hips: tuple[float, float], sway: float
    ) -> tuple[Outline, tuple[float, float, float]]:
        """Return the outline of a skirt that is wider at its hem.

        Args:
            form: the garment.
            hem: places "x y, x y, ..." from right to left, x from the middle in half widths, y from the lower knee.
            waist: level of its upper edge.
            hips: level of the hips, and how far outside them the skirt is.
            sway: shift of the hem to the right.

        Returns:
            The outline; x of the hem's middle, half its width, and its y.
        """
        body = self.body
        knees = [along(leg, form.last) for leg in body.legs]
        low = max(y for _, y in knees)
        left, right = min(x for x, _ in knees) - form.flare, max(x for x, _ in knees) + form.flare
        middle, half = (left + right) / 2 + sway, (right - left) / 2
        (waist_left, hip_left), (waist_right, hip_right) = (
            (body.edge(waist, side, 0.004), body.edge(hips[0], side, hips[1])) for side in (-1, 1)
        )
        edge = [(middle + u * half, low + y) for u, y in points(hem)]
        outline = curve([waist_right, waist_right, hip_right, *edge, hip_left, waist_left, waist_left])
        return outline, (middle, half, low)

    def skirt_folds(
        self,
        outline: Outline,
        hem: tuple[float, float, float],
        count: int,
        jitter: float,
        *,
        bend: float,
        drop: float,
        height: float,
    ) -> None:
        """Draw folds from the waist to a hem, given as `skirt_outline` returns it."""
        middle, half, low = hem
        lines, values = [], []
        for place in np.linspace(-0.95, 0.95, count):
            u = float(place + self.rng.normal(0, jitter))
            x, y = self.body.trunk(0.42, u * self.body.half_width(0.42))
            end = (middle + u * half, low + drop)
            lines.append(smooth_line([(x, y), ((x + end[0]) / 2 + u * bend, (y + end[1]) / 2), end]))
            values.append(self.rng.uniform(0, 1))
        self.crease(lines, values, [outline], width=0.014, height=height)

    def _shoe(self, leg: Limb) -> None:
        (x, y), side = leg.end, leg.side
        lifted = max(0.0, -0.045 - y)
        toe = (x + side * (0.016 + lifted * 0.2), y + 0.030 - lifted * 0.1)
        if self.behind:
            toe = (x + side * 0.006, y + 0.022)
        {"sandals": self._sandal, "sneakers": self._sneaker}.get(self.outfit.shoes, self._boot)(leg, toe)

    def _foot(self, leg: Limb, toe: Point) -> Outline:
        x, y = leg.end
        return hull((x, y + 0.004, 0.0215), (x, y + 0.018, 0.0235), (*toe, 0.0225))

    def _sandal(self, leg: Limb, toe: Point) -> None:
        (x, y), (tx, ty) = leg.end, toe
        sole = hull((x, y + 0.02, 0.02), (tx, ty + 0.004, 0.022))
        self.sculpture.add([sole], Material(colour("#7a5738")), 0.012, 0.2)
        self.sculpture.add([hull((x, y + 0.004, 0.018), (tx, ty - 0.002, 0.0185))], self.skin, 0.02)
        straps = [
            hull((tx - 0.018, ty - 0.008, 0.004), (tx + 0.018, ty - 0.008, 0.004)),
            hull((x - 0.016, y + 0.004, 0.0035), (x + 0.016, y + 0.004, 0.0035)),
        ]
        self.sculpture.add(straps, Material(colour("#5a3b26")), 0.006, 0.2)

    def _boot(self, leg: Limb, toe: Point) -> None:
        (x, y), tone = leg.end, self.outfit.shoe_colour
        high, gloss = BOOTS[self.outfit.shoes]
        wide = spread(leg_radii(self.body.build), high)[-1] + 0.010  # trousers are inside
        boot = [*limb_tube(leg, [wide, 0.031, 0.025, 0.024], high, 2.0), self._foot(leg, toe)]
        mx, my = along(leg, high)
        above = box(mx - 0.07, my - 0.07, 0.14, 0.062)
        heel = hull((x - leg.side * 0.004, y + 0.026, 0.022), (toe[0], toe[1] + 0.007, 0.0235))
        self.sculpture.add([heel], Material(mix(tone, INK, 0.75)), 0.012, 0.3)
        self.sculpture.add(boot, Material(tone, gloss=gloss), 0.026, 0.3, cut=[above])
        self.sculpture.emboss([ellipse(toe[0], toe[1] - 0.006, 0.014, 0.010)], 0.012, 0.008)
        lines = [
            smooth_line([(x - 0.03, y + d), (x, y + d + 0.006), (x + 0.03, y + d)]) for d in (-0.012, -0.002, 0.008)
        ]
        self.crease(lines, [0.1, 0.9, 0.1], boot, 0.006, 0.006)

    def _sneaker(self, leg: Limb, toe: Point) -> None:
        (x, y), (tx, ty) = leg.end, toe
        sole = hull((x, y + 0.022, 0.0235), (tx, ty + 0.005, 0.0235))
        self.sculpture.add([sole], Material(WHITE * 0.9), 0.012, 0.2)
        self.sculpture.add([self._foot(leg, toe)], Material(self.outfit.shoe_colour, gloss=0.08), 0.022)
        if not self.behind:
            for low in (0.0, 0.007, 0.014):
                lace = hull((tx - 0.009, y + 0.006 + low, 0.0022), (tx + 0.006, y + 0.004 + low, 0.0022))
                self.sculpture.paint([lace], WHITE, 0.9)
            self.sculpture.paint([ellipse(tx, ty + 0.006, 0.016, 0.009)], WHITE * 0.92, 0.9, 0.002)

    # ---- trunk ----

    def trunk(self) -> None:
        """Draw neck, skin of the shoulders, and the top."""
        body, build = self.body, self.body.build
        neck_low = body.trunk(1.0, 0)
        wide = 0.0265 * build.width * (1.1 - 0.12 * build.female)
        head = body.head
        neck_high = (head[0] + (body.neck[0] - head[0]) * 0.35, head[1] + (body.neck[1] - head[1]) * 0.35)
        neck = tube([neck_low, body.neck, neck_high], [wide * 1.25, wide, wide])
        shoulders = trunk_outline(body, 0.55, 1.05)
        self.sculpture.add([shoulders], self.skin, 0.05)
        self.sculpture.add(neck, self.skin, 0.025, seam=(*neck_low, 0.055))
        if not self.behind:
            for side in (-1, 1):
                bone = smooth_line(body.path("1 .012, .985 .045, 1 .082", side))
                self.crease([bone], [0.95], [shoulders], width=0.007, height=0.005)
        TOPS[self.outfit.top].trunk(self)

    def shirt(
        self, stuff: Material, low: float, ease: float, neckline: tuple[float, float], folds: float = 0.0
    ) -> None:
        """Draw a top down to level `low`; `neckline` is its reach to the side and the level of its lowest point."""
        outline = trunk_outline(self.body, low, 1.045, ease)
        deep = 1.01 if self.behind else neckline[1]
        wide = neckline[0]
        right = [(1.12, wide * 1.2), (1.02, wide), (deep + 0.012, wide * 0.55)]
        left = [(level, -across) for level, across in reversed(right)]
        cut = curve([self.body.trunk(*place) for place in (*right, (deep, 0), *left)])
        self.sculpture.add([outline], stuff, 0.065, shadow=0.35, cut=[cut])
        self.chest()
        self.trunk_creases(outline, low, folds)

    def chest(self) -> None:
        """Emboss the chest, or the shoulder blades."""
        build = self.body.build
        if self.behind:
            for side in (-1, 1):
                self.sculpture.emboss([ellipse(*self.body.trunk(0.78, side * 0.045), 0.022, 0.035)], 0.012, 0.018)
            spine = hull((*self.body.trunk(0.25, 0), 0.004), (*self.body.trunk(0.9, 0), 0.004))
            self.sculpture.emboss([spine], -0.010, 0.010)
            return
        for side in (-1, 1):
            x, y = self.body.trunk(0.70, side * 0.040 * build.width)
            self.sculpture.emboss([ellipse(x, y, 0.030, 0.028)], 0.008 + 0.020 * build.female, 0.014)
        if build.belly:
            self.sculpture.emboss([ellipse(*self.body.trunk(0.30, 0), 0.06, 0.05)], build.belly * 1.2, 0.03)

    def trunk_creases(self, outline: Outline, low: float, extra: float) -> None:
        """Draw folds from the sides of the trunk, `extra` deeper than usual."""
        lines, values = [], []
        for _ in range(16):
            side = float(self.rng.choice((-1, 1)))
            level = float(self.rng.choice((self.rng.uniform(low, max(low, 0.5)), self.rng.uniform(0.72, 0.9))))
            half = self.body.half_width(level)
            reach = self.rng.uniform(0.25, 0.75)
            drop = self.rng.uniform(0.02, 0.12)
            inner = [(level - drop * share, side * half * (1 - reach * deep)) for share, deep in ((0.6, 0.5), (1, 1))]
            fold = [(level, side * (half + 0.01)), *inner]
            lines.append(smooth_line([self.body.trunk(*place) for place in fold]))
            values.append(float(self.rng.choice((0.1, 0.3, 0.75, 0.9))))
        self.crease(lines, values, [outline], width=0.010, height=0.009 + extra)

    def crease(
        self, lines: Sequence[Outline], values: Sequence[float], within: Sequence[Outline], width: float, height: float
    ) -> None:
        """Raise and lower lines of cloth within a shape; values above 0.5 raise, below 0.5 lower."""
        self.sculpture.comb(lines, values, width, height, within, tint=0.10)

    # ---- arms ----

    def arm(self, index: int) -> None:
        """Draw an arm with its sleeve and hand; `index` 0 is the left one in the picture."""
        limb, kind = self.body.arms[index], self.body.pose.hands[index]
        top = TOPS[self.outfit.top]
        bare = arm_radii(self.body.build)
        seam = (*limb.start, 0.045)
        if top.sleeve < 1.9:
            self.sculpture.add(limb_tube(limb, bare), self.skin, 0.020, shadow=0.35, seam=seam)
        gloves = "gloves" in self.outfit.extras
        hand = Material(self.outfit.accent, weave=0.1) if gloves else self.skin
        self.sculpture.add(hand_outlines(limb, kind), hand, 0.012, shadow=0.3)
        if top.sleeve:
            radii = [radius + top.loose for radius in spread(bare, top.sleeve)]
            radii[0] -= top.loose * 0.75
            radii[1] -= top.loose * 0.2
            if top.sleeve > 1.5:  # a cuff
                radii[-1] -= top.loose * 0.45
            pieces = limb_tube(limb, radii, -0.02, top.sleeve)
            stuff = Material(self.outfit.top_colour, gloss=top.gloss, weave=0.06, pattern=self.top.pattern)
            cut = [beyond(limb, top.sleeve, 0.08)]
            self.sculpture.add(pieces, stuff, 0.024, shadow=0.35, seam=seam, cut=cut)
            self._sleeve_creases(limb, pieces, top.sleeve)
        if "wristband" in self.outfit.extras and top.sleeve < 1.7:
            (ax, ay), (bx, by) = along(limb, 1.84), along(limb, 1.93)
            band = [hull((ax, ay, 0.0148), (bx, by, 0.0142))]
            self.sculpture.add(band, Material(self.outfit.accent, gloss=0.2), 0.012, 0.15)

    def _sleeve_creases(self, limb: Limb, pieces: Sequence[Outline], sleeve: float) -> None:
        lines, values = [], []
        for share in (*self.rng.uniform(0.75, 1.25, 5), *self.rng.uniform(0.15, sleeve, 4)):
            x, y = along(limb, min(float(share), sleeve))
            tilt = self.rng.normal(0, 0.012)
            lines.append(smooth_line([(x - 0.03, y + tilt), (x, y + 0.006), (x + 0.03, y - tilt)]))
            values.append(float(self.rng.choice((0.15, 0.85))))
        self.crease(lines, values, pieces, width=0.007, height=0.006)

    # ---- what is carried ----

    def extras_below(self) -> None:
        """Draw what lies behind the arms: scarves, bags, necklaces, a guitar."""
        for name in self.outfit.extras:
            if name in EXTRAS:
                EXTRAS[name](self)
        if self.body.pose.holds == "guitar":
            guitar(self)

    def held(self) -> None:
        """Draw the thing in the hand."""
        if self.body.pose.holds in HELD:
            HELD[self.body.pose.holds](self)


def spread(radii: Sequence[float], last: float) -> list[float]:
    """Return five radii of a bare limb from its start to share `last`."""
    return [float(np.interp(share, np.linspace(0, 2, len(radii)), radii)) for share in np.linspace(0, last, 5)]


def beyond(limb: Limb, share: float, width: float) -> Outline:
    """Return the outline of a limb beyond a share; cutting it away leaves a straight hem."""
    (ax, ay), (bx, by) = along(limb, share - 0.08), along(limb, share)
    reach = math.hypot(bx - ax, by - ay)
    ux, uy = (bx - ax) / reach, (by - ay) / reach
    x, y = bx + ux * 0.004, by + uy * 0.004
    corners = ((0.0, width), (0.12, width), (0.12, -width), (0.0, -width), (0.004, 0.0))
    return np.array([(x + ux * f - uy * s, y + uy * f + ux * s) for f, s in corners])


# ---- tops ----


@dataclass(frozen=True)
class TopGarment:
    """A kind of top: how it is cut on the trunk, and its sleeves.

    Attributes:
        trunk: draws it on the trunk.
        sleeve: how far it reaches: 0 none, 0.5 half the upper arm, 2 the wrist.
        loose: how much larger the sleeve's radius is than the arm's.
        gloss: gloss of the sleeve.
    """

    trunk: Callable[[ClothesPainter], None]
    sleeve: float
    loose: float
    gloss: float = 0.0


def _tee(d: ClothesPainter) -> None:
    d.shirt(d.top, -0.06, 0.008, (0.040, 0.955))
    _print(d)


def _print(d: ClothesPainter) -> None:
    """Draw a printed sign on the chest."""
    if d.outfit.pattern or d.rng.random() < 0.35 or d.behind:
        return
    x, y = d.body.trunk(0.70, 0)
    form = int(d.rng.integers(4))
    if form == 0:
        reach = [0.034 * (1 if i % 2 else 0.62) for i in range(20)]
        star = [(r * math.cos(t), r * math.sin(t)) for r, t in zip(reach, np.arange(20) * math.pi / 10, strict=True)]
        shapes: list[Outline] = [moved(np.array(star), x, y)]
    elif form == 1:
        bolt = points(".006 -.036, -.022 .006, -.003 .004, -.01 .036, .022 -.01, .002 -.008", x, y)
        shapes = [np.array(bolt)]
    elif form == 2:
        lines = [(y + 0.016 * i - 0.02, x + 0.03 - 0.012 * (i % 2)) for i in range(4)]
        shapes = [hull((x - 0.03, level, 0.004), (end, level, 0.004)) for level, end in lines]
    else:
        shapes = [ellipse(x, y, 0.032, 0.032)]
    d.sculpture.paint(shapes, d.outfit.accent, 0.92, 0.001)


def _tank(d: ClothesPainter) -> None:
    body = d.body
    low = trunk_outline(body, -0.04, 0.80, 0.005)
    straps = [tube(body.path(".72 .06, .92 .055, 1 .056", side), [0.025, 0.013, 0.011]) for side in (-1, 1)]
    neck = curve(body.path(".9 .045, .79 .028, .765 0, .79 -.028, .9 -.045"))
    d.sculpture.add([low, *straps[0], *straps[1]], d.top, 0.055, shadow=0.3, cut=[neck])
    d.chest()
    d.trunk_creases(low, -0.04, 0.0)


def _crop(d: ClothesPainter) -> None:
    d.sculpture.add([trunk_outline(d.body, 0.42, 0.75)], d.skin, 0.055)
    d.sculpture.emboss([hull((*d.body.trunk(0.3, 0), 0.003), (*d.body.trunk(0.5, 0), 0.003))], -0.004, 0.006)
    d.sculpture.darken([ellipse(*d.body.trunk(0.47, 0), 0.004, 0.005)], 0.6, 0.002)
    d.shirt(d.top, 0.52, 0.006, (0.050, 0.90))


def _sweater(d: ClothesPainter) -> None:
    d.shirt(d.top, -0.08, 0.016, (0.036, 0.99), 0.004)
    collar = d.body.path("1.02 -.04, .985 0, 1.02 .04")
    d.sculpture.add(tube(collar, [0.007]), d.top, 0.008, 0.2)


def _hoodie(d: ClothesPainter) -> None:
    d.shirt(d.top, -0.10, 0.018, (0.030, 0.975), 0.004)
    body = d.body
    hood = body.path("1.07 -.062, .99 -.048, .955 0, .99 .048, 1.07 .062")
    d.sculpture.add(tube(hood, [0.020, 0.022, 0.014, 0.022, 0.020]), d.top, 0.018, 0.4)
    if d.behind:
        d.sculpture.add([curve(body.path("1.08 -.06, .9 -.05, .78 0, .9 .05, 1.08 .06"))], d.top, 0.03, 0.4)
        return
    for side in (-1, 1):
        cord = hull((*body.trunk(0.95, side * 0.016), 0.0022), (*body.trunk(0.78, side * 0.019), 0.0022))
        d.sculpture.paint([cord], d.outfit.accent, 1.0)
    pocket = body.path(".34 .035, .16 .058, .08 .058, .08 -.058, .16 -.058, .34 -.035")
    within = trunk_outline(body, -0.1, 0.6, 0.02)
    d.crease([np.array([*pocket, pocket[0]])], [0.05], [within], width=0.005, height=0.008)


def _open_jacket(d: ClothesPainter) -> None:
    """Draw a jacket that is worn open over a tee."""
    body, under = d.body, Material(d.outfit.under_colour, weave=0.05)
    d.shirt(under, -0.06, 0.006, (0.040, 0.955))
    gloss = TOPS[d.outfit.top].gloss
    stuff = Material(d.outfit.top_colour, gloss=gloss, weave=0.07, pattern=d.top.pattern)
    low = -0.02 if d.outfit.top != "shirt" else -0.14
    if d.behind:
        outline = trunk_outline(body, low, 1.05, 0.014)
        d.sculpture.add([outline], stuff, 0.06, 0.3)
        d.chest()
        d.trunk_creases(outline, low, 0.002)
        return
    for side in (-1, 1):
        levels = (low, 0.1, 0.3, 0.5, 0.7, 0.88, 0.97, 1.02, 1.05)
        outer = [body.edge(level, side, 0.013) for level in levels]
        inner = [*body.path("1.05 .034, .93 .034, .7 .03, .4 .036, .15 .044", side), body.trunk(low, side * 0.05)]
        panel = curve([outer[0], *outer, outer[-1], *inner, inner[-1]])
        d.sculpture.add([panel], stuff, 0.035, 0.45)
        d.trunk_creases(panel, low, 0.002)
        lapel = curve(body.path("1.06 .03, 1 .062, .86 .058, .8 .028", side))
        d.sculpture.add([lapel], stuff, 0.015, 0.3)
        if d.outfit.top == "denim jacket":
            _pocket(d, body.trunk(0.66, side * 0.068), panel)


def _pocket(d: ClothesPainter, at: Point, panel: Outline) -> None:
    """Draw a patch pocket with a button."""
    edge = np.array(points("-.018 0, .018 0, .018 .03, 0 .038, -.018 .03, -.018 0", *at))
    d.crease([edge], [0.05], [panel], 0.003, 0.006)
    d.sculpture.paint([ellipse(at[0], at[1] + 0.006, 0.003, 0.003)], BRASS, 1.0, gloss=0.8)


def _dress(d: ClothesPainter) -> None:
    body = d.body
    hem = "1 -.015, 1 -.015, .4 .012, 0 0, -.4 .014, -1 -.012, -1 -.012"
    sway = d.rng.normal(0, 0.012) - body.pose.shift * 0.5
    outline, places = d.skirt_outline(BOTTOMS["dress"], hem, 0.44, (0.0, 0.022), sway)
    d.sculpture.add([outline], d.top, 0.06, shadow=0.5)
    d.skirt_folds(outline, places, 15, 0.03, bend=0.012, drop=0.01, height=0.018)
    bodice = trunk_outline(body, 0.36, 0.80, 0.004)
    straps = [tube(body.path(".76 .055, .93 .05, 1 .054", side), [0.016, 0.007, 0.006]) for side in (-1, 1)]
    neck = curve(body.path(".87 .04, .8 .016, .775 0, .8 -.016, .87 -.04"))
    d.sculpture.add([bodice, *straps[0], *straps[1]], d.top, 0.055, shadow=0.2, cut=[neck])
    d.chest()
    d.sculpture.add(tube(body.girdle(0.43, 0.015, 0.002), [0.008]), Material(d.outfit.accent), 0.008, 0.2)


def _raincoat(d: ClothesPainter) -> None:
    body = d.body
    coat = Material(d.outfit.top_colour, gloss=0.55, weave=0.03)
    outline = trunk_outline(body, -0.42, 1.05, 0.024, flare=0.026)
    d.sculpture.add([outline], coat, 0.06, shadow=0.5)
    d.trunk_creases(outline, -0.4, 0.006)
    hood = body.path("1.1 -.062, 1 -.056, .95 0, 1 .056, 1.1 .062")
    d.sculpture.add(tube(hood, [0.022, 0.024, 0.016, 0.024, 0.022]), coat, 0.018, 0.4)
    if not d.behind:
        d.crease([np.array([body.trunk(0.96, 0), body.trunk(-0.4, 0.004)])], [0.0], [outline], 0.006, 0.012)
        for level in (0.85, 0.62, 0.38, 0.14, -0.1):
            button = Material(mix(d.outfit.top_colour, INK, 0.35), gloss=0.6)
            d.sculpture.add([ellipse(*body.trunk(level, 0.012), 0.006, 0.006)], button, 0.004, 0.3)


def _coat(d: ClothesPainter) -> None:
    """Draw a quilted winter coat."""
    body = d.body
    cloth = Material(d.outfit.top_colour, gloss=0.18, weave=0.05)
    outline = trunk_outline(body, -0.30, 1.06, 0.030, flare=0.008)
    d.sculpture.add([outline], cloth, 0.07, shadow=0.5)
    seams = [smooth_line(body.girdle(level, 0.03, 0.04)) for level in np.arange(-0.2, 1.0, 0.125)]
    d.crease(seams, [0.0] * len(seams), [outline], 0.016, 0.022)
    collar = body.path("1.12 -.05, 1.03 -.047, 1 0, 1.03 .047, 1.12 .05")
    d.sculpture.add(tube(collar, [0.022, 0.026, 0.022, 0.026, 0.022]), cloth, 0.02, 0.4)
    if not d.behind:
        d.crease([np.array([body.trunk(0.98, 0), body.trunk(-0.3, 0.0)])], [0.0], [outline], 0.006, 0.012)


TOPS = {
    "tee": TopGarment(_tee, 0.72, 0.012),
    "tank": TopGarment(_tank, 0.0, 0.0),
    "crop": TopGarment(_crop, 0.45, 0.009),
    "sweater": TopGarment(_sweater, 1.92, 0.010),
    "hoodie": TopGarment(_hoodie, 1.92, 0.012),
    "shirt": TopGarment(_open_jacket, 1.35, 0.011),
    "denim jacket": TopGarment(_open_jacket, 1.92, 0.010),
    "leather jacket": TopGarment(_open_jacket, 1.94, 0.009, gloss=0.45),
    "dress": TopGarment(_dress, 0.0, 0.0),
    "raincoat": TopGarment(_raincoat, 1.90, 0.016, gloss=0.55),
    "coat": TopGarment(_coat, 1.92, 0.020, gloss=0.18),
}


# ---- bottoms ----


@dataclass(frozen=True)
class BottomGarment:
    """A kind of trousers or skirt.

    Attributes:
        last: how far it reaches along the legs: 1 the knee, 2 the ankle.
        radii: how much larger a trouser leg's five radii are than the leg's; empty for a skirt.
        ease: how much wider the garment is than the hips.
        flare: how much wider a skirt's hem is than the knees, on each side.
    """

    last: float
    radii: tuple[float, ...] = ()
    ease: float = 0.006
    flare: float = 0.0


BOTTOMS = {
    "jeans": BottomGarment(1.97, (0.006, 0.005, 0.006, 0.006, 0.010)),
    "wide trousers": BottomGarment(1.95, (0.006, 0.008, 0.011, 0.016, 0.023)),
    "leggings": BottomGarment(1.95, (0.002, 0.002, 0.002, 0.002, 0.002), 0.002),
    "cargos": BottomGarment(1.94, (0.008, 0.010, 0.011, 0.011, 0.010)),
    "shorts": BottomGarment(0.62, (0.006, 0.007, 0.009, 0.011, 0.014)),
    "skirt": BottomGarment(0.68, flare=0.045),
    "long skirt": BottomGarment(1.62, flare=0.05),
    "dress": BottomGarment(0.92, flare=0.055),
    "": BottomGarment(0.0),
}
BOOTS = {"boots": (1.62, 0.25), "rain boots": (1.42, 0.8)}  # how high up the leg, as a share; and their gloss
TUCKED = ("jeans", "leggings")  # worn inside boots


# ---- patterns ----


def _blend(tone: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    return tone + (second - tone) * share[..., None]


def _stripes(rng: np.random.Generator, outfit: Outfit, body: PosedBody) -> Pattern:
    period = float(rng.choice((0.022, 0.032, 0.05)))

    def pattern(x: np.ndarray, y: np.ndarray, tone: np.ndarray) -> np.ndarray:
        wave = np.abs(((y + 1.2 * (x - body.pelvis[0]) ** 2) / period) % 1 - 0.5) * 2
        return _blend(tone, outfit.accent, smoothstep(0.45, 0.62, wave))

    return pattern


def _plaid(rng: np.random.Generator, outfit: Outfit, body: PosedBody) -> Pattern:
    dark = outfit.top_colour * 0.25

    def pattern(x: np.ndarray, y: np.ndarray, tone: np.ndarray) -> np.ndarray:
        accent = outfit.accent
        for place, ink in ((x, dark), (y, dark), (x + 0.012, accent), (y + 0.012, accent)):
            line = np.abs((place / 0.036) % 1 - 0.5) * 2
            wide = 0.40 if ink is dark else 0.86
            tone = _blend(tone, ink, smoothstep(wide, wide + 0.1, line) * np.float32(0.45))
        return tone

    return pattern


def _dots(rng: np.random.Generator, outfit: Outfit, body: PosedBody) -> Pattern:
    period = float(rng.choice((0.018, 0.026)))

    def pattern(x: np.ndarray, y: np.ndarray, tone: np.ndarray) -> np.ndarray:
        row = np.floor(y / period)
        u, v = (x / period + 0.5 * (row % 2)) % 1 - 0.5, (y / period) % 1 - 0.5
        return _blend(tone, outfit.accent, smoothstep(0.30, 0.24, np.sqrt(u * u + v * v)))

    return pattern


def _flowers(rng: np.random.Generator, outfit: Outfit, body: PosedBody) -> Pattern:
    period = 0.040
    jitter = rng.uniform(-0.2, 0.2, (64, 2)).astype(np.float32)
    petals = mix(outfit.accent, WHITE, 0.15)

    def pattern(x: np.ndarray, y: np.ndarray, tone: np.ndarray) -> np.ndarray:
        row = np.floor(y / period)
        place = x / period + 0.5 * (row % 2)
        pick = (np.floor(place) * 7 + row * 13).astype(int) % 64
        u, v = place % 1 - 0.5 + jitter[pick, 0], (y / period) % 1 - 0.5 + jitter[pick, 1]
        reach, angle = np.sqrt(u * u + v * v), np.arctan2(v, u)
        bloom = 0.21 + 0.07 * np.cos(5 * angle + pick)
        tone = _blend(tone, petals, smoothstep(0.03, -0.03, reach - bloom))
        return _blend(tone, colour("#f0c04a"), smoothstep(0.09, 0.05, reach))

    return pattern


def _tie_dye(rng: np.random.Generator, outfit: Outfit, body: PosedBody) -> Pattern:
    cx, cy = body.trunk(0.65, 0)
    tones = [outfit.accent, mix(outfit.accent, WHITE, 0.6), outfit.top_colour, outfit.under_colour]

    def pattern(x: np.ndarray, y: np.ndarray, tone: np.ndarray) -> np.ndarray:
        reach, angle = np.sqrt((x - cx) ** 2 + (y - cy) ** 2), np.arctan2(y - cy, x - cx)
        turn = (reach / 0.06 + angle / (2 * math.pi) * len(tones) + 0.12 * np.sin(9 * angle)) % len(tones)
        for index, ink in enumerate(tones):
            away = np.abs((turn - index + len(tones) / 2) % len(tones) - len(tones) / 2)
            tone = _blend(tone, ink, smoothstep(0.75, 0.25, away))
        return tone

    return pattern


PATTERNS: dict[str, Callable[[np.random.Generator, Outfit, PosedBody], Pattern]] = {
    "stripes": _stripes,
    "plaid": _plaid,
    "dots": _dots,
    "flowers": _flowers,
    "tie-dye": _tie_dye,
}


# ---- what is carried ----


def _scarf(d: ClothesPainter) -> None:
    body, wool = d.body, Material(d.outfit.accent, weave=0.14)
    d.sculpture.add(tube(body.path("1.07 -.04, 1 0, 1.07 .04"), [0.022, 0.026, 0.022]), wool, 0.02, 0.45)
    if not d.behind:
        tail = tube(body.path("1 .02, .8 .032, .52 .03"), [0.018, 0.021, 0.024])
        d.sculpture.add(tail, wool, 0.018, 0.45)
        for level in (0.60, 0.66, 0.72):
            (ax, ay), (bx, by) = body.trunk(level, 0.0), body.trunk(level, 0.06)
            d.sculpture.paint([hull((ax + 0.012, ay, 0.003), (bx - 0.012, by, 0.003))], WHITE, 0.7)


def _bag(d: ClothesPainter) -> None:
    body, leather = d.body, Material(mix(colour("#7a4a2b"), d.outfit.accent, 0.25), gloss=0.2)
    strap = tube(body.path("1 -.058, .6 .01, .1 .088"), [0.0055])
    d.sculpture.add(strap, leather, 0.006, 0.35)
    x, y = body.trunk(0.02, 0.10)
    bag = curve(points("-.034 -.028, .03 -.028, .038 .03, 0 .038, -.038 .03", x, y))
    d.sculpture.add([bag], leather, 0.018, 0.5)
    flap = smooth_line(points("-.036 -.004, 0 .01, .034 -.004", x, y))
    d.crease([flap], [0.0], [bag], 0.004, 0.01)


def _backpack(d: ClothesPainter) -> None:
    body, cloth = d.body, Material(d.outfit.accent, weave=0.06)
    if d.behind:
        pack = curve(body.path("1 -.055, 1 .055, .7 .075, .25 .07, .2 0, .25 -.07, .7 -.075"))
        d.sculpture.add([pack], cloth, 0.03, 0.5)
        d.crease([smooth_line(body.path(".55 -.06, .5 0, .55 .06"))], [0.0], [pack], 0.005, 0.012)
        return
    for side in (-1, 1):
        strap = tube(body.path("1 .066, .85 .064, .66 .086, .52 .096", side), [0.009])
        d.sculpture.add(strap, cloth, 0.009, 0.35)


def _necklace(d: ClothesPainter) -> None:
    if d.behind:
        return
    line = smooth_line(d.body.path("1.02 -.034, .9 -.018, .865 0, .9 .018, 1.02 .034"), 8)
    beads = [ellipse(float(x), float(y), 0.0036, 0.0036) for x, y in line[::2]]
    d.sculpture.add(beads, Material(mix(d.outfit.accent, BRASS, 0.5), gloss=0.6), 0.003, 0.2)


def _belt(d: ClothesPainter) -> None:
    if TOPS[d.outfit.top].trunk not in (_tank, _crop):
        return
    belt = tube(d.body.girdle(0.36, 0.015, 0.004), [0.0075])
    d.sculpture.add(belt, Material(colour("#4a3020"), gloss=0.2), 0.008, 0.2)
    d.sculpture.add([ellipse(*d.body.trunk(0.345, 0), 0.010, 0.009)], Material(BRASS, gloss=0.7), 0.005)


EXTRAS: dict[str, Callable[[ClothesPainter], None]] = {
    "belt": _belt,
    "necklace": _necklace,
    "scarf": _scarf,
    "bag": _bag,
    "backpack": _backpack,
}


def guitar(d: ClothesPainter) -> None:
    """Draw an electric guitar on a strap, its neck up to the left of the picture."""
    body = d.body
    x, y = body.trunk(0.20, 0.045)
    strap = tube([body.trunk(1.02, -0.055), body.trunk(0.6, 0.02), (x + 0.06, y)], [0.007])
    d.sculpture.add(strap, Material(colour("#3a2a22")), 0.006, 0.3)
    (hx, hy) = body.arms[0].end
    angle = math.atan2(hy - y, hx - 0.01 - x)
    c, s = math.cos(angle), math.sin(angle)

    def at(text: str) -> list[Point]:
        return [(x + u * c - v * s, y + u * s + v * c) for u, v in points(text)]

    def bar(text: str, *radii: float) -> Outline:
        return hull(*((*end, radius) for end, radius in zip(at(text), radii, strict=True)))

    treble = ".07 -.012, .1 -.055, .05 -.062, 0 -.044, -.05 -.062, -.1 -.05, -.112 0"
    bass = "-.09 .055, -.04 .062, 0 .046, .05 .07, .105 .066, .075 .014"
    lacquer = Material(d.outfit.accent, gloss=0.9, weave=0.02)
    d.sculpture.add([curve(at(f"{treble}, {bass}"))], lacquer, 0.02, 0.5)
    d.sculpture.paint([curve(at(".05 -.03, .04 .045, -.03 .044, -.05 .01, -.02 -.02"))], WHITE, 0.95)
    neck = [bar("0 0, .3 0", 0.010, 0.0085), bar(".3 0, .36 -.006", 0.010, 0.014)]
    d.sculpture.add(neck, Material(colour("#b98a55"), gloss=0.3), 0.01, 0.4)
    for i in range(9):
        place = 0.03 + 0.03 * i
        d.sculpture.paint([bar(f"{place} -.01, {place} .01", 0.0012, 0.0012)], BRASS, 0.8)
    for string in (-0.005, 0.0, 0.005):
        d.sculpture.paint([bar(f"-.06 {string}, .33 {string}", 0.0007, 0.0007)], WHITE * 0.7, 0.8)
    for pickup in (-0.02, 0.015):
        d.sculpture.paint([bar(f"{pickup} -.014, {pickup} .014", 0.004, 0.004)], INK, 1.0, gloss=0.5)


def _cup(d: ClothesPainter) -> None:
    x, y = along(d.body.arms[1], 2.0)
    _, my = d.body.arms[1].middle
    y -= 0.012 if y < my else 0.0
    body = np.array([(x - 0.018, y - 0.052), (x + 0.020, y - 0.052), (x + 0.015, y + 0.022), (x - 0.013, y + 0.022)])
    d.sculpture.add([body], Material(mix(d.outfit.accent, WHITE, 0.3), gloss=0.35), 0.014, 0.3)
    d.sculpture.paint([ellipse(x + 0.001, y - 0.051, 0.018, 0.004)], colour("#e9b44c"), 1.0)
    d.sculpture.paint([hull((x + 0.006, y - 0.052, 0.0018), (x + 0.016, y - 0.085, 0.0018))], colour("#d9576e"), 1.0)


def _phone(d: ClothesPainter) -> None:
    x, y = along(d.body.arms[1], 2.0)
    corners = points("-.01 -.06, .022 -.06, .022 0, -.01 0", x, y)
    d.sculpture.add([hull(*((*corner, 0.006) for corner in corners))], Material(INK, gloss=0.6), 0.006, 0.3)


def _flag(d: ClothesPainter) -> None:
    x, y = along(d.body.arms[1], 2.0)
    upper = ".03 -.33, .03 -.33, .11 -.35, .19 -.31, .19 -.31"
    cloth = curve(points(f"{upper}, .175 -.2, .175 -.2, .1 -.235, .021 -.215, .021 -.215", x, y))
    pole = hull((x - 0.01, y + 0.10, 0.004), (x + 0.03, y - 0.33, 0.004))
    d.sculpture.add([pole], Material(colour("#8a6a48")), 0.004, 0.1)
    d.sculpture.add([cloth], Material(d.outfit.accent), 0.03)
    waves = [smooth_line(points(".03 -.36, .035 -.27, .02 -.18", x + 0.045 * i, y)) for i in range(5)]
    d.crease(waves, [0.9, 0.1, 0.9, 0.1, 0.9], [cloth], 0.02, 0.02)
    d.sculpture.paint([ellipse(x + 0.105, y - 0.282, 0.026, 0.026)], WHITE, 0.9)


HELD: dict[str, Callable[[ClothesPainter], None]] = {"cup": _cup, "phone": _phone, "flag": _flag}
