"""Heads of drawn people: faces, hair, beards and what is worn on them.

Places are in heights of the head before it is tilted: the chin at y = 0.5, the crown at y = -0.5, x to the right.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from carousel.drawing.bodies import HEAD, Point, PosedBody, smooth_line, tube
from carousel.drawing.canvas import colour, mix, points
from carousel.drawing.height_fields import Material, Sculpture
from common.outlines import Outline, curve, ellipse, hull, mirrored

Points = Sequence[Point]
WIDEST = 0.37  # half the head's width
TURN = 0.5  # radians at a turn of 1
SKULL = mirrored(points("0 -.5, .2 -.475, .325 -.34, .365 -.1, .352 .08, .315 .25, .2 .425, .08 .495, 0 .503"))
NARROW = mirrored(points("0 -.5, .2 -.475, .325 -.34, .36 -.1, .345 .08, .29 .26, .16 .435, .06 .5, 0 .508"))
ROUND = mirrored(points("0 -.5, .2 -.475, .33 -.34, .375 -.1, .372 .1, .335 .29, .21 .435, .09 .49, 0 .497"))
FACES = (SKULL, NARROW, ROUND)
INK = colour("#2a1a1c")
WHITE = colour("#f2ece4")


@dataclass(frozen=True)
class Face:
    """Appearance of a face.

    Attributes:
        skin: linear RGB.
        lips: linear RGB.
        iris: linear RGB.
        form: index of FACES.
        mood: "smile", "laugh" or "calm".
        hair: name of HAIR.
        hair_colour: linear RGB.
        beard: "", "stubble", "short" or "full".
        lashes: how strong the line of the eyes is, 0 to 1.
        wear: some of WEAR, drawn in this order.
        wear_colour, trim: linear RGB.
        glitter: sparkling paint on the cheeks.
        old: lines of age.
    """

    skin: np.ndarray
    lips: np.ndarray
    iris: np.ndarray
    form: int
    mood: str
    hair: str
    hair_colour: np.ndarray
    beard: str
    lashes: float
    wear: tuple[str, ...]
    wear_colour: np.ndarray
    trim: np.ndarray
    glitter: bool = False
    old: bool = False


class HeadPainter:
    """Draws one head; `at` brings local places onto the figure."""

    def __init__(self, rng: np.random.Generator, sculpture: Sculpture, body: PosedBody, face: Face) -> None:
        self.rng, self.sculpture, self.face = rng, sculpture, face
        self.size = HEAD * body.build.head
        self.middle, self.behind, self.turn = body.head, body.pose.from_behind, body.pose.turn
        angle = math.radians(body.pose.tilts[-1])
        self.eyes, self.nose, self.mouth = (
            float(value) for value in rng.uniform((0.90, 0.75, 0.88), (1.12, 1.35, 1.15))
        )
        self._matrix = self.size * np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])

    def at(self, points: Points | Outline) -> Outline:
        """Convert local places to places on the figure."""
        return np.asarray(points, float) @ self._matrix + np.array(self.middle)

    def shape(self, right: str) -> Outline:
        """Return a symmetrical smooth outline on the figure, given its right half as "x y, x y, ..."."""
        return self.at(curve(mirrored(points(right))))

    def around(self, points: Points | Outline) -> Outline:
        """Convert places on the front of the head, turning them around its axis."""
        here = np.asarray(points, float)
        angle = np.arcsin((here[:, 0] / WIDEST).clip(-1, 1)) + self.turn * TURN
        return self.at(np.stack([WIDEST * np.sin(angle.clip(-1.5, 1.5)), here[:, 1]], axis=1))

    def add(self, outlines: Sequence[Outline], stuff: Material, rounding: float, shadow: float = 0.0) -> None:
        """Add a part, its outlines on the figure; `rounding` in heights of the head."""
        self.sculpture.add(outlines, stuff, rounding * self.size, shadow=shadow)

    # ---- the face ----

    def draw(self) -> None:
        """Draw head, face, hair in front, and headwear."""
        skin = Material(self.face.skin, gloss=0.16, flesh=True, weave=0.02)
        for side in (-1, 1):
            if side * self.turn < 0.55 or self.behind:
                self.add([self.at(ellipse(side * 0.365 - self.turn * 0.03, 0.07, 0.055, 0.105))], skin, 0.05)
        outline = np.array(FACES[self.face.form])
        outline[:, 0] += self.turn * 0.045 * (outline[:, 1] + 0.5)
        self.add([self.at(curve(outline.tolist()))], skin, 0.26, shadow=0.55)
        if not self.behind:
            self._features()
        HAIR[self.face.hair][1](self)
        for name in self.face.wear:
            WEAR[name](self)

    def _features(self) -> None:
        self._relief()
        blush = mix(self.face.skin, colour("#c8453c"), 0.5)
        for side in (-1, 1):
            self.paint(ellipse(side * 0.215, 0.19, 0.085, 0.06), blush, 0.34, 0.045)
            self._eye(side)
        self._nose()
        self._mouth()
        if self.face.beard:
            self._beard()
        if self.face.old:
            self._age()
        if self.face.glitter:
            for _ in range(16):
                side = self.rng.choice((-1, 1))
                x, y = side * self.rng.uniform(0.13, 0.30), self.rng.uniform(0.08, 0.22)
                tone = mix(self.face.trim, WHITE, self.rng.uniform(0, 0.8))
                self.paint(ellipse(x, y, 0.012, 0.014), tone, 0.95, 0.0, gloss=1.0)

    def paint(self, outline: Outline, tone: np.ndarray, opacity: float, blur: float = 0.006, gloss: float = -1) -> None:
        """Colour a shape on the face that turns with the head; `blur` in heights of the head."""
        self.sculpture.paint([self.around(outline)], tone, opacity, blur * self.size, gloss)

    def _bump(self, outline: Outline, height: float, blur: float) -> None:
        self.sculpture.emboss([self.around(outline)], height * self.size, blur * self.size)

    def _relief(self) -> None:
        for side in (-1, 1):
            self._bump(ellipse(side * 0.15, 0.03, 0.09, 0.05), -0.055, 0.035)
            self._bump(ellipse(side * 0.21, 0.17, 0.07, 0.05), 0.05, 0.05)
        self._bump(ellipse(0, -0.06, 0.26, 0.025), 0.03, 0.03)
        self._bump(ellipse(0, 0.385, 0.07, 0.02), -0.035, 0.025)
        self._bump(ellipse(0, 0.44, 0.08, 0.04), 0.05, 0.04)

    def _eye(self, side: int) -> None:
        x, y, half = side * 0.152, 0.035, 0.072 * self.eyes
        sly = 0.55 if self.face.mood == "laugh" else 0.85 if self.face.mood == "smile" else 1.0
        open_up, open_down = 0.044 * sly, 0.026
        upper = [(x - half, y + 0.008), (x - 0.03, y - open_up), (x + 0.025, y - open_up), (x + half, y + 0.008)]
        lower = [(x + 0.03, y + open_down), (x - 0.03, y + open_down)]
        self.paint(ellipse(x, y - 0.005, 0.095, 0.06), mix(self.face.skin, INK, 0.5), 0.28, 0.02)
        self.paint(curve([*upper, *lower]), mix(WHITE, self.face.skin, 0.22), 1.0, 0.004, gloss=0.3)
        look = x + self.turn * 0.012
        self.paint(ellipse(look, y - 0.006, 0.035, 0.036 * min(1.0, sly + 0.12)), self.face.iris, 1.0, 0.003)
        self.paint(ellipse(look, y - 0.006, 0.018, 0.020), INK * 0.4, 1.0, 0.003)
        line = smooth_line(upper)
        lid = mix(self.face.skin, INK, 0.72 + 0.28 * self.face.lashes)
        self.stroke(line, 0.010 + 0.007 * self.face.lashes, lid)
        if self.face.lashes > 0.5:
            flick = [(x + side * half * 0.9, y + 0.004), (x + side * (half + 0.022), y - 0.018)]
            self.stroke(np.array(flick), 0.008, lid)
        self.paint(ellipse(look + 0.012, y - 0.018, 0.009, 0.010), WHITE * 1.1, 0.95, 0.0)
        fold = [(x + s * half * 0.8, y - open_up - (0.022 if s else 0.036)) for s in (-1, 0, 1)]
        self.stroke(smooth_line(fold), 0.004, mix(self.face.skin, INK, 0.4))
        brow = mix(self.face.hair_colour, INK, 0.45)
        high = -0.105 - (0.015 if self.face.mood == "laugh" else 0)
        arch = [(x - side * 0.075, high + 0.022), (x + side * 0.02, high - 0.006), (x + side * 0.09, high + 0.020)]
        self.stroke(smooth_line(arch), 0.013 + 0.008 * (1 - self.face.lashes), brow, 0.85)

    def stroke(self, line: np.ndarray, half: float, tone: np.ndarray, opacity: float = 1.0) -> None:
        """Draw a line on the face that is thin at its ends and `half` wide on both sides in its middle."""
        taper = half * np.sin(np.linspace(0.35, math.pi - 0.35, len(line)))
        ends = [(float(x), float(y), float(r)) for (x, y), r in zip(line, taper, strict=True)]
        pieces = [self.around(hull(a, b)) for a, b in itertools.pairwise(ends)]
        self.sculpture.paint(pieces, tone, opacity, 0.003 * self.size)

    def _nose(self) -> None:
        tip = self.turn * 0.035
        self._bump(hull((tip * 0.2, -0.03, 0.018), (tip, 0.17, 0.038)), 0.075, 0.022)
        for side in (-1, 1):
            self._bump(ellipse(side * 0.045 * self.nose + tip, 0.185, 0.022, 0.018), 0.03, 0.012)
        shade = mix(self.face.skin, INK, 0.55)
        self.paint(ellipse(tip, 0.212, 0.052 * self.nose, 0.010), shade, 0.5, 0.012)
        for side in (-1, 1):
            nostril = ellipse(side * 0.028 * self.nose + tip, 0.208, 0.012, 0.006)
            self.paint(nostril, mix(self.face.skin, INK, 0.8), 0.75, 0.005)
        self.paint(ellipse(tip + 0.004, 0.165, 0.016, 0.02), mix(self.face.skin, WHITE, 0.5), 0.35, 0.012, gloss=0.3)

    def _mouth(self) -> None:
        x, y, mood = self.turn * 0.02, 0.308, self.face.mood
        half = {"smile": 0.108, "laugh": 0.112, "calm": 0.078}[mood] * self.mouth
        lift = {"smile": 0.032, "laugh": 0.036, "calm": 0.004}[mood]
        corners = (x - half, y - lift), (x + half, y - lift)
        if mood == "laugh":
            inside = _between_lips(*corners, points("0 -.008, .06 .052, 0 .068, -.06 .052", x, y))
            self.paint(inside, colour("#571a20"), 1.0, 0.006)
            left, right = ((x + side * half * 0.82, y - lift + 0.006) for side in (-1, 1))
            teeth = _between_lips(left, right, points("0 0, .05 .022, 0 .028, -.05 .022", x, y))
            self.paint(teeth, WHITE * 0.92, 1.0, 0.004)
            lower = smooth_line([(x - half * 0.75, y + 0.028), (x, y + 0.082), (x + half * 0.75, y + 0.028)])
        else:
            if mood == "smile":
                teeth = _between_lips(*corners, points("0 -.004, .05 .022, 0 .03, -.05 .022", x, y))
                self.paint(teeth, WHITE * 0.9, 1.0, 0.005)
            ends = y + 0.010 - lift * 0.3
            lower = smooth_line([(x - half * 0.8, ends), (x, y + 0.042), (x + half * 0.8, ends)])
        upper = smooth_line([corners[0], (x - 0.03, y - 0.014), (x, y - 0.008), (x + 0.03, y - 0.014), corners[1]])
        self.stroke(upper, 0.013, self.face.lips)
        self.stroke(lower, 0.019, mix(self.face.lips, self.face.skin, 0.15))
        if mood == "calm":
            self.stroke(smooth_line([corners[0], (x, y + 0.006), corners[1]]), 0.006, mix(self.face.lips, INK, 0.7))
        for side, (cx, cy) in zip((-1, 1), corners, strict=True):
            self.paint(ellipse(cx + side * 0.008, cy, 0.010, 0.012), mix(self.face.skin, INK, 0.6), 0.5, 0.008)

    def _beard(self) -> None:
        tone = mix(self.face.hair_colour, INK, 0.25)
        long = {"stubble": 0.0, "short": 0.02, "full": 0.12}[self.face.beard]
        edge = [*points(".35 .05, .345 .16, .325 .3"), (0.22, 0.45 + long), (0.08, 0.515 + long), (0, 0.52 + long)]
        inner = points("0 .4, .1 .375, .14 .3, .11 .255, .05 .236, 0 .245")
        cheek = points(".315 .06, .27 .19, .16 .245, .06 .238, 0 .245")
        right = [*edge, *inner[:4], *reversed(cheek[:3])]
        pieces = [self.around(curve([(side * px, py) for px, py in right])) for side in (-1, 1)]
        moustache = points("-.12 .262, 0 .238, .12 .262, .135 .3, .06 .272, 0 .28, -.06 .272, -.135 .3")
        pieces.append(self.around(curve(moustache)))
        if self.face.beard == "stubble":
            self.sculpture.paint(pieces, mix(self.face.skin, tone, 0.75), 0.5, 0.02 * self.size)
            return
        self.add(pieces, Material(tone, gloss=0.08, weave=0.15), 0.10)
        lines, values = [], []
        for _ in range(60):
            x, y = self.rng.uniform(-0.34, 0.34), self.rng.uniform(0.1, 0.45)
            lines.append(self.around([(x, y), (x * 1.02, y + 0.05), (x * 0.98, y + 0.10)]))
            values.append(self.rng.uniform(0.1, 0.9))
        self.sculpture.comb(lines, values, 0.014 * self.size, 0.02 * self.size, pieces, tint=0.7)

    def _age(self) -> None:
        crease = mix(self.face.skin, INK, 0.5)
        for text, half, opacity in (
            (".085 .22, .135 .27, .15 .33", 0.006, 0.55),
            (".225 .045, .26 .065", 0.005, 0.5),
            (".1 .085, .15 .098, .2 .085", 0.005, 0.4),
        ):
            for side in (-1, 1):
                self.stroke(smooth_line([(side * x, y) for x, y in points(text)]), half, crease, opacity)
        for y in (-0.2, -0.245):
            self.stroke(smooth_line([(-0.12, y + 0.008), (0, y), (0.12, y + 0.008)]), 0.005, crease, 0.35)

    # ---- hair ----

    @property
    def hair(self) -> Material:
        """Return the material of the hair."""
        return Material(self.face.hair_colour, gloss=0.35, weave=0.10)

    def cloth(self, weave: float) -> Material:
        """Return the material of the headwear."""
        return Material(self.face.wear_colour, weave=weave)

    def mass(
        self, points: Points, rounding: float = 0.16, *, length: float, shadow: float = 0.0, strands: int = 46
    ) -> None:
        """Draw a mass of hair with strands that fall from the parting."""
        outline = self.at(curve(list(points)))
        self.add([outline], self.hair, rounding, shadow)
        part = self.rng.uniform(-0.12, 0.12)
        lines, values = [], []
        for place in np.linspace(-1, 1, strands):
            u = float(place + self.rng.normal(0, 0.03))
            wave = self.rng.normal(0, 0.03)
            path = [(part + 0.08 * u, -0.56), (part * 0.5 + 0.34 * u, -0.44), (0.46 * u, -0.16)]
            path += [(0.47 * u + wave, 0.1 * length + 0.05), (0.45 * u - wave, length)]
            lines.append(self.at(smooth_line(path)))
            values.append(self.rng.uniform(0.05, 0.95))
        self.sculpture.comb(lines, values, 0.022 * self.size, 0.03 * self.size, [outline], tint=0.9)

    def locks(self, lines: Sequence[Points], radii: Sequence[float], shadow: float = 0.25) -> None:
        """Draw single locks, each a tapering tube."""
        for line in lines:
            self.add([self.at(piece) for piece in tube(line, radii)], self.hair, max(radii), shadow)

    def blobs(self, blobs: Sequence[tuple[float, float, float]]) -> None:
        """Draw round curls, given as x, y and radius."""
        order = self.rng.permutation(len(blobs))
        for start in range(0, len(order), 6):  # several at once, those of a group mostly lie apart
            group = [self.at(ellipse(x, y, r, r)) for x, y, r in (blobs[i] for i in order[start : start + 6])]
            self.add(group, self.hair, 0.05, 0.2)

    def cap(self, out: float, sides: float, line: float, top: float = 0.0) -> list[tuple[float, float]]:
        """Return the outline of hair on the skull: `out` beyond it, down to y = `sides`, hairline at y = `line`."""
        w = WIDEST + out * 0.9
        right = [(w - 0.025, sides), (w + 0.005, -0.14), (w - 0.06, -0.36 - top * 0.5), (0.19, -0.52 - out - top)]
        crown = (0.0, -0.54 - out - top)
        if self.behind:
            return mirrored([crown, *reversed(right), (0.20, 0.40), (0, 0.43)])
        shift = self.turn * 0.10
        inner = [(0.325, -0.10), (0.29, -0.20), (0.21, line + 0.02), (0.08, line - 0.01)]
        hairline = [(-x + shift, y) for x, y in inner] + [(x + shift, y) for x, y in reversed(inner)]
        left = [(-x, y) for x, y in reversed(right)]
        return [*right, crown, *left, (-0.335, sides), *hairline, (0.335, sides)]


def _between_lips(left: Point, right: Point, middle: Points) -> Outline:
    """Return an outline through both corners of the mouth; `middle` is its top, and its lower edge from the right."""
    return curve([left, middle[0], right, *middle[1:]])


def _nothing(_: HeadPainter) -> None:
    pass


def _short(head: HeadPainter) -> None:
    head.mass(head.cap(0.045, 0.0, -0.31), length=0.2)


def _buzz(head: HeadPainter) -> None:
    outline = head.at(curve(head.cap(0.006, -0.02, -0.33)))
    head.add([outline], Material(mix(head.face.hair_colour, head.face.skin, 0.28), weave=0.2), 0.22)


def _messy(head: HeadPainter) -> None:
    head.mass(head.cap(0.06, 0.03, -0.27, top=0.04), length=0.2)
    tufts = []
    for angle in np.linspace(-1.25, 1.25, 15):
        a = float(angle + head.rng.normal(0, 0.06))
        long = head.rng.uniform(0.10, 0.19)
        x, y = 0.40 * math.sin(a), -0.13 - 0.44 * math.cos(a)
        bend = head.rng.uniform(-0.4, 0.4)
        tip = (x + long * 0.7 * math.sin(a + bend), y - long * 0.7 * math.cos(a + bend))
        tufts.append([(x * 0.8, y * 0.82), (x, y), tip])
    head.locks(tufts, (0.085, 0.07, 0.008), shadow=0.1)
    if not head.behind:
        fringe = [
            [(x, -0.42), (x + 0.05, -0.32), (x + 0.07 + head.rng.normal(0, 0.02), -0.205)]
            for x in (-0.27, -0.17, -0.06, 0.05, 0.15)
        ]
        head.locks(fringe, (0.08, 0.06, 0.01))


def _quiff(head: HeadPainter) -> None:
    head.mass(head.cap(0.025, -0.03, -0.31), length=0.1)
    lean = 1 if head.rng.random() < 0.5 else -1
    swoop = []
    for i in range(5):
        x = 0.1 * i
        swoop.append(
            [(lean * (x - 0.22), -0.34), (lean * (x - 0.20), -0.52), (lean * (0.02 + 0.9 * x), 0.2 * x - 0.60)]
        )
    head.locks(swoop, (0.09, 0.10, 0.03))


def _long_back(head: HeadPainter) -> None:
    wave = [head.rng.normal(0, 0.02) for _ in range(6)]
    wide, length = 0.50, 1.05
    right = [*points(".26 -.53, .43 -.3, .46 0"), (wide + wave[0], 0.4), (wide + wave[1], 0.75)]
    right.append((wide * 0.8 + wave[2], length))
    left = [(-x - (wave[i] if i else 0), y) for i, (x, y) in enumerate(right)]
    outline = [(0, -0.58), *right, (0, length - 0.06), *reversed(left)]
    head.mass(outline, 0.22, shadow=0.35, strands=70, length=length)


def _long_front(head: HeadPainter) -> None:
    if head.behind:
        _long_back(head)
        return
    locks = []
    for side in (-1, 1):
        for i in range(4):
            end = head.rng.uniform(0.65, 1.0)
            x = 0.385 + 0.028 * i
            lock = [(x - 0.03, -0.10), (x + 0.01, 0.15), (x + 0.03, 0.42), (x + head.rng.normal(0, 0.03), end)]
            locks.append([(side * px, py) for px, py in lock])
    head.locks(locks, (0.045, 0.06, 0.055, 0.012), shadow=0.2)
    head.mass(head.cap(0.055, 0.12, -0.33), length=0.4)


def _bob_back(head: HeadPainter) -> None:
    outline = mirrored(points("0 -.57, .26 -.53, .43 -.3, .47 .05, .48 .34, .36 .48, 0 .46"))
    head.mass(outline, 0.2, strands=60, length=0.5)


def _bob_front(head: HeadPainter) -> None:
    if head.behind:
        _bob_back(head)
        return
    locks = [[(side * 0.385, -0.15), (side * 0.42, 0.1), (side * 0.40, 0.28), (side * 0.345, 0.42)] for side in (-1, 1)]
    head.locks(locks, (0.05, 0.085, 0.08, 0.02))
    head.mass(head.cap(0.06, 0.10, -0.20), length=0.3)


def _bun_front(head: HeadPainter) -> None:
    head.blobs([(0.02, -0.66, 0.15), (-0.05, -0.70, 0.11), (0.08, -0.64, 0.10)])
    head.mass(head.cap(0.03, -0.02, -0.34), length=0.1)
    wisps = [[(side * 0.33, -0.15), (side * 0.37, 0.06), (side * 0.34, 0.22)] for side in (-1, 1)]
    if not head.behind:
        head.locks(wisps, (0.018, 0.015, 0.004), shadow=0)


def _tail_back(head: HeadPainter) -> None:
    side = -1 if head.turn > 0 else 1
    tail = [(side * 0.2, -0.42), (side * 0.50, -0.34), (side * 0.60, 0.05), (side * 0.52, 0.45), (side * 0.58, 0.70)]
    head.locks([[(x + d, y) for x, y in tail] for d in (-0.05, 0.05, 0.0)], (0.07, 0.10, 0.12, 0.10, 0.01))


def _tail_front(head: HeadPainter) -> None:
    head.mass(head.cap(0.03, -0.02, -0.33), length=0.1)
    if head.behind:
        tail = points("0 -.3, .03 -.05, -.02 .4, .02 .85")
        head.locks([[(x + d, y) for x, y in tail] for d in (-0.05, 0.05, 0.0)], (0.07, 0.11, 0.10, 0.01))


def _braids_front(head: HeadPainter) -> None:
    head.mass(head.cap(0.04, 0.06, -0.33), length=0.3)
    for side in (-1, 1):
        for i in range(7):
            y = 0.14 + 0.105 * i
            x = side * (0.40 + 0.03 * math.sin(i * 0.7))
            wide = 0.075 * (1 - 0.045 * i)
            tilt = 0.02 * (-1) ** i
            strand = hull((x - 0.02 + tilt, y, wide * 0.75), (x + 0.02 - tilt, y + 0.06, wide * 0.75))
            head.add([head.at(strand)], head.hair, 0.05, 0.3)
        knot = (side * 0.41, 0.14 + 0.105 * 7)
        head.add([head.at(ellipse(*knot, 0.045, 0.035))], Material(head.face.trim), 0.04, 0.2)


def _afro_back(head: HeadPainter) -> None:
    outlines = [head.at(ellipse(0, -0.16, 0.54, 0.54))]
    for a in np.linspace(-2.35, 2.35, 26):
        reach = 0.50 + head.rng.normal(0, 0.015)
        outlines.append(head.at(ellipse(reach * math.sin(a), -0.16 - reach * math.cos(a), 0.105, 0.105)))
    head.add(outlines, head.hair, 0.3, 0.3)
    _frizz(head, (0, -0.16, 0.6))


def _frizz(head: HeadPainter, circle: tuple[float, float, float]) -> None:
    lines, values = [], []
    for _ in range(420):
        a, r = head.rng.uniform(0, 2 * math.pi), circle[2] * math.sqrt(head.rng.uniform(0, 1))
        x, y = circle[0] + r * math.sin(a), circle[1] - r * math.cos(a)
        dx, dy = head.rng.normal(0, 0.03, 2)
        lines.append(head.at([(x, y), (x + dx, y + dy), (x + dx - dy, y + dy + dx)]))
        values.append(head.rng.uniform(0.1, 0.9))
    within = head.at(ellipse(*circle, circle[2]) if circle[2] > 0.5 else curve(head.cap(0.10, 0.02, -0.30)))
    head.sculpture.comb(lines, values, 0.018 * head.size, 0.03 * head.size, [within], tint=0.4)


def _afro_front(head: HeadPainter) -> None:
    if head.behind:
        _afro_back(head)
        return
    wool = Material(head.face.hair_colour, gloss=0.03, weave=0.2)
    head.add([head.at(curve(head.cap(0.10, 0.02, -0.30)))], wool, 0.18, 0.25)
    _frizz(head, (0, -0.40, 0.40))


def _curls(head: HeadPainter) -> None:
    blobs: list[tuple[float, float, float]] = []
    for angle in np.linspace(-1.75, 1.75, 13):
        for reach in (0.30, 0.42):
            a = float(angle + head.rng.normal(0, 0.05))
            if reach > 0.35 or abs(a) < 1.2:
                y = -0.14 - (reach + 0.04) * math.cos(a)
                blobs.append((reach * math.sin(a), y, head.rng.uniform(0.075, 0.115)))
    if head.behind:
        blobs += [(float(x), float(y), 0.11) for x in np.linspace(-0.28, 0.28, 5) for y in (-0.3, -0.12, 0.06, 0.24)]
    head.mass(head.cap(0.02, 0.0, -0.31), length=0.1)
    head.blobs(blobs)


def _locs_back(head: HeadPainter) -> None:
    lines = []
    for x in np.linspace(-0.46, 0.46, 15).tolist():
        end = head.rng.uniform(0.7, 1.05)
        lines.append([(x * 0.8, -0.3), (x, 0.1), (x * 1.12, 0.45), (x * 1.15 + head.rng.normal(0, 0.03), end)])
    head.locks(lines, (0.05, 0.042, 0.042, 0.03))


def _locs_front(head: HeadPainter) -> None:
    head.mass(head.cap(0.05, 0.05, -0.30), length=0.2)
    if head.behind:
        _locs_back(head)
    else:
        places = [(side, d) for side in (-1, 1) for d in (0, 0.05)]
        lines = [[(s * (0.36 + d), -0.2), (s * (0.41 + d), 0.15), (s * (0.43 + d), 0.6)] for s, d in places]
        head.locks(lines, (0.04, 0.042, 0.03))


def _mohawk(head: HeadPainter) -> None:
    outline = head.at(curve(head.cap(0.004, -0.02, -0.34)))
    head.add([outline], Material(mix(head.face.hair_colour * 0.4, head.face.skin, 0.55), weave=0.1), 0.22)
    roots = np.linspace(-0.16, 0.16, 6).tolist()
    spikes = [[(x * 0.6, -0.40), (x * 0.8, -0.58), (x * 1.5, -0.84 + abs(x))] for x in roots]
    head.locks(spikes, (0.07, 0.06, 0.008))


def _hijab_back(head: HeadPainter) -> None:
    cloth = head.shape("0 -.56, .28 -.5, .43 -.2, .44 .2, .5 .55, .68 .78, .3 .95, 0 1")
    head.add([cloth], head.cloth(0.04), 0.2, 0.3)


def _hijab_front(head: HeadPainter) -> None:
    opening = mirrored(points("0 -.37, .2 -.32, .3 -.12, .295 .12, .24 .32, .1 .46, 0 .49"))
    cut = [] if head.behind else [head.around(curve(opening))]
    outline = head.shape("0 -.57, .27 -.51, .42 -.2, .42 .15, .4 .45, .56 .7, .4 .88, 0 .92")
    head.sculpture.add([outline], head.cloth(0.04), 0.14 * head.size, shadow=0.3, cut=cut)
    folds = [
        head.at(smooth_line([(-0.36, 0.3 + d), (-0.05, 0.60 + d), (0.34, 0.42 + d)])) for d in (0.05, 0.14, 0.24, 0.33)
    ]
    head.sculpture.comb(folds, [0.1, 0.9, 0.1, 0.9], 0.05 * head.size, 0.05 * head.size, [outline])


Part = Callable[[HeadPainter], None]
HAIR: dict[str, tuple[Part, Part]] = {  # behind the body, and over the face
    "bald": (_nothing, _nothing),
    "short": (_nothing, _short),
    "buzz": (_nothing, _buzz),
    "messy": (_nothing, _messy),
    "quiff": (_nothing, _quiff),
    "long": (_long_back, _long_front),
    "bob": (_bob_back, _bob_front),
    "bun": (_nothing, _bun_front),
    "ponytail": (_tail_back, _tail_front),
    "braids": (_nothing, _braids_front),
    "afro": (_afro_back, _afro_front),
    "curls": (_nothing, _curls),
    "locs": (_locs_back, _locs_front),
    "mohawk": (_nothing, _mohawk),
    "hijab": (_hijab_back, _hijab_front),
}
TALL = ("afro", "bun", "mohawk", "curls", "hijab", "messy", "quiff")  # no hat sits on these


def _glasses(head: HeadPainter, lens: Callable[[float], Outline], tone: np.ndarray, opacity: float) -> None:
    if head.behind:
        return
    frame = mix(head.face.trim, INK, 0.75)
    for side in (-1, 1):
        shape = lens(side * 0.158)
        middle = shape.mean(axis=0)
        rim = head.around(middle + (shape - middle) * 1.16)
        head.sculpture.add([rim], Material(frame, gloss=0.5), 0.02 * head.size, shadow=0.2)
        head.sculpture.paint([head.around(shape)], tone, opacity, 0.002, gloss=0.9)
        shine = middle + (shape - middle) * 0.35 + np.array([-0.02, -0.025])
        head.sculpture.paint([head.around(shine)], mix(tone, WHITE, 0.5), 0.5, 0.012 * head.size)
    head.stroke(smooth_line(points("-.06 .02, 0 .005, .06 .02")), 0.012, frame)
    for side in (-1, 1):
        head.stroke(np.array([(side * 0.25, 0.02), (side * 0.355, 0.015)]), 0.011, frame)


def _round_glasses(head: HeadPainter) -> None:
    _glasses(head, lambda x: ellipse(x, 0.04, 0.095, 0.09), mix(head.face.trim, INK, 0.55), 0.88)


def _heart_glasses(head: HeadPainter) -> None:
    heart = 0.105 * curve(points("0 -.55, .45 -.9, .95 -.6, .9 0, 0 .95, 0 .95, -.9 0, -.95 -.6, -.45 -.9"))
    _glasses(head, lambda x: np.array([x, 0.035]) + heart, mix(colour("#d8325f"), INK, 0.2), 0.9)


def _spectacles(head: HeadPainter) -> None:
    _glasses(head, lambda x: ellipse(x, 0.04, 0.095, 0.08), mix(WHITE, head.face.skin, 0.6), 0.12)


def _brim(head: HeadPainter, points: Points, stuff: Material) -> None:
    if not head.behind:
        shadow = head.at(curve([(x * 0.8, y + 0.14) for x, y in points]))
        head.sculpture.darken([shadow], 0.55, 0.05 * head.size)
    head.add([head.at(curve(points))], stuff, 0.06, 0.3)


def _straw_hat(head: HeadPainter) -> None:
    straw = Material(mix(colour("#d9b673"), head.face.wear_colour, 0.15), weave=0.14)
    _brim(head, mirrored(points("0 -.32, .3 -.3, .62 -.2, .7 -.13, .45 -.1, 0 -.14")), straw)
    head.add([head.shape("0 -.74, .22 -.71, .33 -.55, .385 -.22, .2 -.17, 0 -.16")], straw, 0.16, 0.2)
    band = head.shape("0 -.33, .2 -.34, .366 -.37, .386 -.25, .2 -.2, 0 -.19")
    head.sculpture.paint([band], head.face.trim, 1.0)


def _cowboy_hat(head: HeadPainter) -> None:
    felt = head.cloth(0.06)
    _brim(head, mirrored(points("0 -.3, .32 -.3, .6 -.42, .74 -.44, .62 -.24, .34 -.13, 0 -.12")), felt)
    head.add([head.shape("0 -.72, .14 -.8, .27 -.72, .34 -.5, .375 -.24, .2 -.19, 0 -.18")], felt, 0.14, 0.2)
    band = head.shape("0 -.3, .2 -.31, .362 -.34, .38 -.25, .2 -.205, 0 -.2")
    head.sculpture.paint([band], head.face.trim, 1.0)


def _bucket_hat(head: HeadPainter) -> None:
    cloth = head.cloth(0.06)
    _brim(head, mirrored(points("0 -.36, .34 -.36, .46 -.22, .53 -.08, .3 -.12, 0 -.14")), cloth)
    head.add([head.shape("0 -.64, .24 -.63, .33 -.58, .4 -.3, .2 -.26, 0 -.25")], cloth, 0.14, 0.15)


def _cap(head: HeadPainter) -> None:
    cloth = head.cloth(0.05)
    if not head.behind:
        lean = head.turn * 0.22
        front = [(0.33 + lean, -0.13), (lean, -0.085), (-0.33 + lean, -0.13)]
        _brim(head, [(-0.36, -0.25), (0, -0.33), (0.36, -0.25), *front], cloth)
    head.add([head.shape("0 -.63, .22 -.59, .37 -.42, .405 -.2, .2 -.27, 0 -.29")], cloth, 0.2, 0.2)
    if not head.behind:
        head.paint(ellipse(0, -0.42, 0.09, 0.075), head.face.trim, 0.95, 0.004)


def _beanie(head: HeadPainter) -> None:
    dome = head.shape("0 -.7, .22 -.66, .37 -.48, .42 -.24, .2 -.2, 0 -.2")
    head.add([dome], head.cloth(0.12), 0.2, 0.3)
    ribs = [
        head.at(smooth_line([(0.1 * u, -0.68), (0.32 * u, -0.5), (0.41 * u, -0.2)])) for u in np.linspace(-1, 1, 17)
    ]
    values = [0.1 + 0.8 * (i % 2) for i in range(17)]
    head.sculpture.comb(ribs, values, 0.03 * head.size, 0.05 * head.size, [dome], tint=0.5)
    cuff = head.shape("0 -.34, .25 -.33, .405 -.3, .42 -.15, .25 -.165, 0 -.175")
    head.add([cuff], Material(mix(head.face.wear_colour, INK, 0.12), weave=0.12), 0.06, 0.2)
    head.add([head.at(ellipse(0, -0.73, 0.10, 0.09))], Material(head.face.trim, weave=0.25), 0.07)


def _flowers(head: HeadPainter) -> None:
    tones = [head.face.trim, head.face.wear_colour, colour("#f4d9d0"), colour("#e8b33f"), colour("#d9576e")]
    for a in np.linspace(-1.25, 1.25, 11).tolist():
        x, y = 0.39 * math.sin(a), -0.20 - 0.20 * math.cos(a) - (0.02 if head.behind else 0.0)
        leaf = hull((x - 0.07, y + 0.02, 0.02), (x + 0.06, y - 0.02, 0.03))
        head.add([head.at(leaf)], Material(colour("#4f7a3d")), 0.03, 0.2)
    for angle in np.linspace(-1.2, 1.2, 9):
        a = float(angle + head.rng.normal(0, 0.04))
        x, y = 0.39 * math.sin(a), -0.21 - 0.20 * math.cos(a)
        radius = head.rng.uniform(0.055, 0.085)
        ring = [(x + radius * 0.62 * math.cos(t), y + radius * 0.62 * math.sin(t)) for t in np.arange(5) * 1.2566]
        petals = [head.at(ellipse(px, py, radius * 0.5, radius * 0.5)) for px, py in ring]
        head.add(petals, Material(head.rng.choice(tones)), 0.04, 0.25)
        head.sculpture.paint([head.at(ellipse(x, y, radius * 0.3, radius * 0.3))], colour("#f2c14a"), 1.0)


def _bandana(head: HeadPainter) -> None:
    cloth = head.shape("0 -.4, .22 -.38, .385 -.28, .39 -.17, .2 -.26, 0 -.285")
    head.add([cloth], Material(head.face.trim, weave=0.05), 0.06, 0.2)
    dots = [head.at(ellipse(x, -0.32 + 0.25 * x * x, 0.014, 0.014)) for x in np.linspace(-0.32, 0.32, 9)]
    head.sculpture.paint(dots, WHITE, 0.9)


def _headphones(head: HeadPainter) -> None:
    shell = Material(mix(head.face.trim, INK, 0.5), gloss=0.5)
    band = [(0.40 * math.sin(a), -0.12 - 0.50 * math.cos(a)) for a in np.linspace(-1.5, 1.5, 13)]
    head.add([head.at(piece) for piece in tube(band, [0.035])], shell, 0.03, 0.2)
    for side in (-1, 1):
        head.add([head.at(ellipse(side * 0.41, 0.06, 0.065, 0.13))], Material(head.face.trim, gloss=0.4), 0.06, 0.3)


WEAR: dict[str, Part] = {
    "round glasses": _round_glasses,
    "heart glasses": _heart_glasses,
    "spectacles": _spectacles,
    "straw hat": _straw_hat,
    "cowboy hat": _cowboy_hat,
    "bucket hat": _bucket_hat,
    "cap": _cap,
    "beanie": _beanie,
    "flowers": _flowers,
    "bandana": _bandana,
    "headphones": _headphones,
}
