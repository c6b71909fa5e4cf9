"""Random figures, undressed and clothed, with the true mask: the training data of the shipped model.

Domain randomisation (Tobin et al. 2017, arXiv:1703.06907): nothing here looks like one particular sprite; bodies,
garments, styles, palettes, lights and shadows vary so widely that real sprites are one more variation.
"""

import itertools
from dataclasses import dataclass

import cv2
import numpy as np

from masks.drawing.random_layers import (
    FigureCanvas,
    Points,
    Texture,
    near_colour,
    random_colour,
    random_style,
    random_texture,
    skin_colour,
)

Fabric = tuple[np.ndarray, Texture | None]  # colours (one, or one a row) and the pattern that chooses among them

ARM, LEG = ("arm", "forearm", "hand"), ("thigh", "shin", "foot")  # parts of limbs, from the torso outwards


@dataclass(frozen=True)
class BodyPart:
    """A body part around an axis.

    Attributes:
        name: name, such as "torso" or "left forearm".
        ends: (2, 2) start and end in px; the start is nearer to the middle of the body.
        radii: two or more half widths in px along the axis.
    """

    name: str
    ends: np.ndarray
    radii: tuple[float, ...]

    def outline(self, grow_px: float = 0) -> Points:
        """Return the part as a polygon with round ends, optionally grown on all sides."""
        axis = self.ends[1] - self.ends[0]
        length = max(float(np.linalg.norm(axis)), 1e-3)
        along = axis / length
        across = np.array([-along[1], along[0]])
        steps = np.linspace(0, 1, 4 * len(self.radii))
        radii = np.interp(steps, np.linspace(0, 1, len(self.radii)), self.radii) + grow_px
        left = self.ends[0] + steps[:, None] * axis + radii[:, None] * across
        right = self.ends[0] + steps[:, None] * axis - radii[:, None] * across
        turn = np.linspace(0, np.pi, 8)[1:-1, None]
        far = self.ends[1] + radii[-1] * (np.cos(turn) * across + np.sin(turn) * along * 0.7)
        near = self.ends[0] - radii[0] * (np.cos(turn) * across + np.sin(turn) * along * 0.7)
        return np.concatenate([left, far, right[::-1], near])

    def position(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the positions of pixels along the axis (0 start, 1 end) and across it (1 at the mean radius)."""
        axis = self.ends[1] - self.ends[0]
        square = max(float(axis @ axis), 1e-3)
        dx, dy = x - self.ends[0][0], y - self.ends[0][1]
        across = (dy * axis[0] - dx * axis[1]) / np.sqrt(square) / np.mean(self.radii)
        return (dx * axis[0] + dy * axis[1]) / square, across


def random_pair(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw one figure twice.

    Returns:
        Base and clothed frame, (S, S, 4) uint8 RGBA with straight alpha, and the mask, (S, S) uint8 of 0 or 255:
        255 where more than half of the visible colour is clothing. Pixel art comes at one value an art pixel.
    """
    pixel_art = rng.random() < 0.6
    side_px = int(rng.integers(24, 100)) if pixel_art else int(rng.integers(180, 290))
    canvas = FigureCanvas(side_px, random_style(rng, pixel_art, side_px), rng)
    kind = rng.choice(["walker", "bust", "shapes"], p=[0.62, 0.16, 0.22])
    draw = {"walker": draw_walker, "bust": draw_bust, "shapes": draw_shapes}[kind]
    draw(FigureClothes(canvas))
    return finish(canvas)


# ---- garments ----


class FigureClothes:
    """The colours of one figure, and the cuts of its clothing."""

    def __init__(self, canvas: FigureCanvas) -> None:
        self.canvas, self.rng = canvas, canvas.rng
        self.skin, self.hair = skin_colour(self.rng), random_colour(self.rng)
        self.near_skin = 0.9 if self.rng.random() < 0.12 else 0.25  # share of garments close to the skin's colour
        size = canvas.side_px
        self.grow_px = float(self.rng.choice([0.0, self.rng.uniform(0, 0.02), self.rng.uniform(0.02, 0.06)])) * size
        self.y, self.x = np.mgrid[:size, :size].astype(np.float32)

    def colours(self) -> Fabric:
        """Return colours and pattern of a new garment, sometimes close to the skin or like the hair."""
        count, texture = random_texture(self.rng, self.canvas.side_px)
        kind = self.rng.random()
        first = random_colour(self.rng)
        if kind < self.near_skin:
            first = near_colour(self.rng, self.skin)
        elif kind < self.near_skin + 0.06:
            first = near_colour(self.rng, self.hair, 0, 30)
        second = near_colour(self.rng, first, 20, 120) if self.rng.random() < 0.6 else random_colour(self.rng)
        return (first if texture is None else np.stack([first, second])[:count]), texture

    def wear(self, coverage: np.ndarray, colours: Fabric) -> None:
        """Add a garment on top, sometimes with seams or folds."""
        self.canvas.add(coverage, colours[0], cloth=True, texture=colours[1])
        if self.rng.random() < 0.15 and coverage.any():
            rows, columns = np.nonzero(coverage)
            for _ in range(int(self.rng.integers(1, 4))):
                at = self.rng.integers(len(rows), size=2)
                ends = np.stack([columns[at], rows[at]], axis=1).astype(float)
                seam = BodyPart("seam", ends, (max(0.5, self.canvas.side_px * self.rng.uniform(0.002, 0.012)),) * 2)
                shade = np.atleast_2d(colours[0])[0] * self.rng.uniform(0.4, 1.3)
                self.canvas.add(self.canvas.fill(seam.outline()) * coverage, np.clip(shade, 0, 255), cloth=True)

    def on_part(self, part: BodyPart, start: float, end: float, loose: float = 1.0) -> np.ndarray:
        """Return the coverage of a garment on a body part from `start` to `end` of its axis, with a random hem."""
        coverage = self.canvas.fill(part.outline(self.grow_px * loose))
        along, across = part.position(self.x, self.y)
        hem = self.rng.uniform(-0.12, 0.12) * across + self.rng.choice([0, self.rng.uniform(-0.12, 0.12)]) * across**2
        keep = np.ones_like(along, bool)
        if start > 0:
            keep &= along > start + hem
        if end < 1:
            keep &= along < end + hem
        return coverage * keep


@dataclass(frozen=True)
class FigureOutfit:
    """The clothes of a figure: for each kind of body part the span along its axis, and the colours."""

    spans: dict[str, tuple[float, float, int]]
    colours: list[Fabric]
    jacket: Fabric | None


def random_outfit(wardrobe: FigureClothes) -> FigureOutfit:
    """Choose a top with or without sleeves, trousers of any length, shoes, gloves: any combination, at least one."""
    rng = wardrobe.rng
    colours = [wardrobe.colours() for _ in range(4)]
    spans: dict[str, tuple[float, float, int]] = {}
    top, bottom, shoes, gloves = rng.random(4) < (0.8, 0.75, 0.55, 0.15)
    if rng.random() < 0.2:
        colours[1] = colours[0]  # one suit
    if top or not (bottom or shoes):
        spans["torso"] = (rng.choice([0.0, rng.uniform(0.05, 0.3)]), rng.uniform(0.5, 1.0), 0)
        sleeve = rng.choice([0.0, rng.uniform(0.2, 1), 2.0], p=[0.3, 0.4, 0.3])
        if sleeve > 0:
            spans["arm"] = (0, min(sleeve, 1), 0)
        if sleeve > 1:
            spans["forearm"] = (0, rng.uniform(0.2, 1.05), 0)
    if bottom:
        spans["hips"] = (rng.uniform(0.6, 0.95), 1.0, 1)
        length = rng.choice([rng.uniform(0.2, 1), 2.0])
        spans["thigh"] = (0, min(length, 1), 1)
        if length > 1:
            spans["shin"] = (0, rng.uniform(0.2, 1.05), 1)
    if shoes:
        spans["foot"] = (0, 1, 2)
        spans["boot"] = (rng.uniform(0.3, 1.0), 1, 2)
    if gloves:
        spans["hand"] = (0, 1, 3)
        spans["glove"] = (rng.uniform(0.3, 1.0), 1, 3)
    jacket = wardrobe.colours() if rng.random() < 0.15 else None
    return FigureOutfit(spans, colours, jacket)


SPANS_OF_PART = {  # body part: the entries of an outfit that it wears, from below to above
    "torso": ("hips", "torso"),
    "arm": ("arm",),
    "forearm": ("forearm", "glove"),
    "hand": ("hand",),
    "thigh": ("thigh",),
    "shin": ("shin", "boot"),
    "foot": ("foot",),
}


def dress_part(wardrobe: FigureClothes, outfit: FigureOutfit, part: BodyPart, hidden: np.ndarray | None = None) -> None:
    """Dress a body part with what the outfit has for it; `hidden` is covered by something in front."""
    kind = part.name.split()[-1]
    worn = [name for name in SPANS_OF_PART.get(kind, ()) if name in outfit.spans]
    for name in worn:
        start, end, which = outfit.spans[name]
        coverage = wardrobe.on_part(part, start, end)
        if name == "torso":
            coverage = coverage * neckline(wardrobe, part)
        if hidden is not None:
            coverage = coverage * (1 - hidden)
        wardrobe.wear(coverage, outfit.colours[which])
        if name == "torso" and outfit.jacket is not None:
            wardrobe.wear(wardrobe.on_part(part, 0, end) * neckline(wardrobe, part, "open"), outfit.jacket)


NECKLINES = {"high": 0.25, "round": 0.25, "v": 0.18, "straps": 0.14, "open": 0.1, "one shoulder": 0.08}  # shares


def neckline(wardrobe: FigureClothes, torso: BodyPart, kind: str = "") -> np.ndarray:
    """Return 1 where a top stays, 0 in its neckline, arm holes or open front; the kind is random if not given."""
    rng = wardrobe.rng
    along, across = torso.position(wardrobe.x, wardrobe.y)
    keep = np.ones_like(along)
    kind = kind or str(rng.choice(list(NECKLINES), p=list(NECKLINES.values())))
    depth, width = rng.uniform(0.1, 0.45), rng.uniform(0.25, 0.8)
    if kind == "round":
        keep[(along / depth) ** 2 + (across / width) ** 2 < 1] = 0
    elif kind == "v":
        keep[along / depth + np.abs(across) / width < 1] = 0
    elif kind == "straps":
        keep[(along < depth) & (np.abs(np.abs(across) - width) > rng.uniform(0.06, 0.2))] = 0
    elif kind == "open":
        keep[np.abs(across) < width * 0.4 * (0.5 + along)] = 0
    elif kind == "one shoulder":
        keep[along < depth * (1 + across)] = 0
    return keep


# ---- bodies ----


def draw_walker(wardrobe: FigureClothes) -> None:
    """Draw a standing, walking or running figure from the front, the back or the side."""
    canvas, rng, skin = wardrobe.canvas, wardrobe.rng, wardrobe.skin
    outfit = random_outfit(wardrobe)
    parts = walker_parts(rng, canvas.side_px)
    far, near = ("left", "right") if rng.random() < 0.5 else ("right", "left")
    side_view = rng.random() < 0.4
    far_arm, near_arm, far_leg, near_leg = ([f"{s} {n}" for n in limb] for limb in (ARM, LEG) for s in (far, near))
    order = [*far_arm, *far_leg, *near_leg, "torso", *near_arm]
    if not side_view and rng.random() < 0.6:  # seen from the front, both arms lie beside or before the torso
        order = [*far_leg, *near_leg, "torso", *far_arm, *near_arm]
    if rng.random() < 0.12:
        draw_cape(wardrobe, parts)
    at_the_end = rng.random() < 0.5  # clothes as one layer over the whole body, as sprite sheets have them
    in_front = np.zeros((canvas.side_px, canvas.side_px), np.float32)
    if at_the_end and rng.random() < 0.5:
        for name in (f"{near} forearm", f"{near} hand"):
            in_front = np.maximum(in_front, canvas.fill(parts[name].outline()))
    for name in order:
        canvas.add(canvas.fill(parts[name].outline()), skin if rng.random() < 0.97 else near_colour(rng, skin))
        if name == "torso":
            draw_marks(canvas, parts[name], skin)
        if not at_the_end:
            dress_part(wardrobe, outfit, parts[name])
    if at_the_end:
        for name in order:
            dress_part(wardrobe, outfit, parts[name], None if name in far_arm + near_arm else in_front)
    draw_extras(wardrobe, parts)
    draw_head(wardrobe, parts["head"])
    if rng.random() < 0.1:
        draw_hat(wardrobe, parts["head"])


def walker_parts(rng: np.random.Generator, side_px: int) -> dict[str, BodyPart]:
    """Return the parts of a random body that fills most of the canvas."""
    height = side_px * rng.uniform(0.75, 0.95)
    head = height * rng.uniform(0.13, 0.42)
    torso = (height - head) * rng.uniform(0.38, 0.55)
    leg = height - head - torso
    top = np.array([side_px / 2 + rng.uniform(-0.05, 0.05) * side_px, (side_px - height) / 2 + head * 0.9])
    lean = rng.normal(0, 0.12)
    bottom = top + torso * np.array([np.sin(lean), np.cos(lean)])
    shoulder, waist, hip = (torso * rng.uniform(*bounds) for bounds in ((0.25, 0.6), (0.18, 0.45), (0.2, 0.5)))
    limb = torso * rng.uniform(0.1, 0.22)
    parts = {"torso": BodyPart("torso", np.stack([top, bottom]), (shoulder * 0.8, shoulder, waist, hip))}
    head_middle = top - np.array([rng.uniform(-0.1, 0.1) * head, head * 0.45])
    half = np.array([0, head * rng.uniform(0.05, 0.2)])
    parts["head"] = BodyPart(
        "head", np.stack([head_middle - half, head_middle + half]), (head * rng.uniform(0.35, 0.55),) * 2
    )
    for sign, side in ((-1, "left"), (1, "right")):
        start = top + np.array([sign * shoulder * rng.uniform(0.5, 1), limb * 0.8])
        length = torso * rng.uniform(0.7, 1.1)
        parts |= limb_chain(rng, [f"{side} {n}" for n in ARM], start, length, sign=sign, radius=limb, swing=0.35)
        start = bottom + np.array([sign * hip * rng.uniform(0.3, 0.7), 0])
        length, radius = leg * rng.uniform(0.85, 0.97), limb * rng.uniform(1.1, 1.6)
        parts |= limb_chain(rng, [f"{side} {n}" for n in LEG], start, length, sign=sign, radius=radius, swing=0.3)
    return parts


def limb_chain(
    rng: np.random.Generator,
    names: list[str],
    start: np.ndarray,
    length: float,
    *,
    sign: int,
    radius: float,
    swing: float,
) -> dict[str, BodyPart]:
    """Return upper part, lower part and hand or foot, so named, of a limb that hangs or swings by about `swing` rad."""
    angle = sign * rng.uniform(0, 0.25) + rng.normal(0, swing)
    bend = rng.normal(0, 0.35)
    joint = start + length * 0.5 * np.array([np.sin(angle), np.cos(angle)])
    end = joint + length * 0.5 * np.array([np.sin(angle + bend), np.cos(angle + bend)])
    tip = end + radius * rng.uniform(0.3, 1.4) * np.array([np.sin(angle + bend + sign * rng.uniform(0, 1.2)), 0.6])
    thin = radius * rng.uniform(0.6, 0.95)
    ends = [np.stack(pair) for pair in itertools.pairwise([start, joint, end, tip])]
    radii = [(radius, thin), (thin, radius * rng.uniform(0.5, 0.8)), (radius * rng.uniform(0.6, 0.95),) * 2]
    return {part[0]: BodyPart(*part) for part in zip(names, ends, radii, strict=True)}


def draw_marks(canvas: FigureCanvas, torso: BodyPart, skin: np.ndarray) -> None:
    """Draw lines and spots on the skin, which must not be mistaken for clothing."""
    rng = canvas.rng
    for _ in range(int(rng.integers(0, 4))):
        middle = torso.ends[0] + (torso.ends[1] - torso.ends[0]) * rng.uniform(0.1, 0.9)
        middle = middle + rng.normal(0, 0.4, 2) * torso.radii[0]
        shape = ellipse(middle, torso.radii[0] * rng.uniform(0.05, 0.4), torso.radii[0] * 0.08, rng.uniform(0, np.pi))
        canvas.add(canvas.fill(shape), skin * rng.uniform(0.5, 0.9))


def draw_head(wardrobe: FigureClothes, head: BodyPart) -> None:
    """Draw the head with a face (or its back) and hair, over the clothing."""
    canvas, rng = wardrobe.canvas, wardrobe.rng
    middle, radius = head.ends.mean(axis=0), head.radii[0]
    canvas.add(canvas.fill(head.outline()), wardrobe.skin)
    if rng.random() < 0.75:
        dark = random_colour(rng) * 0.4
        for sign in (-1, 1):
            eye = middle + np.array([sign * 0.4 * radius, rng.uniform(0, 0.25) * radius])
            canvas.add(canvas.fill(ellipse(eye, radius * 0.16, radius * rng.uniform(0.1, 0.25))), dark)
        mouth = middle + np.array([0, 0.6 * radius])
        canvas.add(canvas.fill(ellipse(mouth, radius * 0.25, radius * 0.08)), wardrobe.skin * 0.6)
    if rng.random() < 0.85:
        cap = blob(rng, middle - np.array([0, 0.45 * radius]), radius * rng.uniform(0.9, 1.2), 0.15)
        canvas.add(canvas.fill(cap), wardrobe.hair)
        for _ in range(int(rng.integers(0, 5))):
            start = middle + np.array([rng.uniform(-1, 1), rng.uniform(-0.6, 0.1)]) * radius
            end = start + np.array([rng.normal(0, 0.3), rng.uniform(0.3, 2.2)]) * radius
            lock = BodyPart("lock", np.stack([start, end]), (radius * rng.uniform(0.15, 0.5), radius * 0.1))
            canvas.add(canvas.fill(lock.outline()), wardrobe.hair)


def draw_hat(wardrobe: FigureClothes, head: BodyPart) -> None:
    """Draw a hat, helmet or headband."""
    rng, radius, middle = wardrobe.rng, head.radii[0], head.ends.mean(axis=0)
    colours = wardrobe.colours()
    crown = blob(rng, middle - np.array([0, radius * rng.uniform(0.5, 0.9)]), radius * rng.uniform(0.8, 1.2), 0.1)
    cut = (wardrobe.y < middle[1] - radius * rng.uniform(0.1, 0.5)).astype(np.float32)
    wardrobe.wear(wardrobe.canvas.fill(crown) * cut, colours)
    if rng.random() < 0.5:
        brim = ellipse(middle - np.array([0, radius * 0.4]), radius * rng.uniform(1, 1.6), radius * 0.2)
        wardrobe.wear(wardrobe.canvas.fill(brim), colours)


def draw_cape(wardrobe: FigureClothes, parts: dict[str, BodyPart]) -> None:
    """Draw a cape behind everything."""
    rng, torso = wardrobe.rng, parts["torso"]
    wide, low = max(torso.radii) * rng.uniform(1.1, 2.2), rng.uniform(0.8, 2.4)
    hem = torso.ends[0] + (torso.ends[1] - torso.ends[0]) * low
    cape = BodyPart("cape", np.stack([torso.ends[0], hem]), (torso.radii[0] * 1.1, wide))
    wardrobe.wear(wardrobe.canvas.fill(cape.outline()), wardrobe.colours())


def draw_extras(wardrobe: FigureClothes, parts: dict[str, BodyPart]) -> None:
    """Draw skirts, belts, scarves, straps, pads and buttons over the clothes."""
    rng, canvas, torso = wardrobe.rng, wardrobe.canvas, parts["torso"]
    axis, wide = torso.ends[1] - torso.ends[0], max(torso.radii)
    if rng.random() < 0.22:  # skirt or the lower half of a dress
        top, low = torso.ends[0] + axis * rng.uniform(0.5, 0.95), rng.uniform(0.3, 1.3)
        skirt = BodyPart("skirt", np.stack([top, top + axis * low]), (wide * 0.8, wide * rng.uniform(0.9, 1.8)))
        wardrobe.wear(wardrobe.on_part(skirt, 0.02, rng.uniform(0.85, 1.0)), wardrobe.colours())
    if rng.random() < 0.2:  # belt
        at = rng.uniform(0.5, 0.95)
        wardrobe.wear(wardrobe.on_part(torso, at, at + rng.uniform(0.05, 0.2), 1.2), wardrobe.colours())
    if rng.random() < 0.12:  # scarf or collar
        shape = ellipse(torso.ends[0], wide * rng.uniform(0.4, 0.9), wide * rng.uniform(0.15, 0.4))
        wardrobe.wear(canvas.fill(shape), wardrobe.colours())
    if rng.random() < 0.1:  # strap across
        ends = torso.ends + np.array([[-1, 0], [1, 0]]) * wide * rng.choice([-0.8, 0.8])
        strap = BodyPart("strap", ends, (wide * rng.uniform(0.06, 0.2),) * 2)
        wardrobe.wear(canvas.fill(strap.outline()) * canvas.fill(torso.outline(wardrobe.grow_px)), wardrobe.colours())
    if rng.random() < 0.1:  # pads
        colours = wardrobe.colours()
        for side in ("left", "right"):
            shape = ellipse(parts[f"{side} arm"].ends[0], wide * rng.uniform(0.25, 0.5), wide * rng.uniform(0.2, 0.4))
            wardrobe.wear(canvas.fill(shape), colours)
    if rng.random() < 0.2:  # a bag, shield, apron, buttons: anything
        for _ in range(int(rng.integers(1, 4))):
            middle = torso.ends[0] + axis * rng.uniform(0, 1.5) + rng.normal(0, 0.5, 2) * wide
            wardrobe.wear(canvas.fill(blob(rng, middle, wide * rng.uniform(0.08, 0.6), 0.3)), wardrobe.colours())


def draw_bust(wardrobe: FigureClothes) -> None:
    """Draw head and shoulders, cut by the lower edge of the picture."""
    canvas, rng, side = wardrobe.canvas, wardrobe.rng, wardrobe.canvas.side_px
    head = side * rng.uniform(0.15, 0.26)
    middle = np.array([side / 2, side * rng.uniform(0.3, 0.45)])
    shoulder = middle[1] + head * rng.uniform(1.3, 1.9)
    if rng.random() < 0.4:  # hair behind
        canvas.add(
            canvas.fill(blob(rng, middle + np.array([0, head * 0.5]), head * rng.uniform(1.2, 1.9), 0.15)),
            wardrobe.hair,
        )
    neck = BodyPart("neck", np.stack([middle, [side / 2, shoulder]]), (head * rng.uniform(0.4, 0.7),) * 2)
    wide = side * rng.uniform(0.25, 0.45)
    torso = BodyPart("torso", np.array([[side / 2, shoulder], [side / 2, side * 1.3]]), (wide * 0.7, wide, wide))
    for part in (torso, neck):
        canvas.add(canvas.fill(part.outline()), wardrobe.skin)
    colours = wardrobe.colours()
    top = wardrobe.on_part(torso, 0, 1) * neckline(wardrobe, torso)
    wardrobe.wear(top * (1 - canvas.fill(neck.outline()) * rng.integers(0, 2)), colours)
    if rng.random() < 0.3:
        wardrobe.wear(wardrobe.on_part(torso, 0, 1) * neckline(wardrobe, torso, "open"), wardrobe.colours())
    if rng.random() < 0.3:  # lapel, collar, print
        for _ in range(int(rng.integers(1, 4))):
            spot = np.array([side / 2 + rng.normal(0, 0.6) * wide, shoulder + rng.uniform(0, 0.5) * (side - shoulder)])
            shape = canvas.fill(blob(rng, spot, wide * rng.uniform(0.1, 0.6), 0.4))
            wardrobe.wear(shape * (canvas.fill(torso.outline(wardrobe.grow_px))), wardrobe.colours())
    half = np.array([0, head * 0.25])
    draw_head(wardrobe, BodyPart("head", np.stack([middle - half, middle + half]), (head, head * rng.uniform(0.8, 1))))


def draw_shapes(wardrobe: FigureClothes) -> None:
    """Draw an abstract figure: blobs as body, as garments and in front."""
    canvas, rng, side = wardrobe.canvas, wardrobe.rng, wardrobe.canvas.side_px
    body = np.zeros((side, side), np.float32)
    middles = []
    middle = np.full(2, side / 2)
    for _ in range(int(rng.integers(2, 9))):
        shape = canvas.fill(blob(rng, middle, side * rng.uniform(0.05, 0.25), rng.uniform(0, 0.35)))
        canvas.add(shape, wardrobe.skin if rng.random() < 0.7 else random_colour(rng))
        body = np.maximum(body, shape)
        middles.append(middle)
        middle = np.clip(middle + rng.normal(0, 0.16, 2) * side, side * 0.15, side * 0.85)
    reach = cv2.dilate(body, np.ones((3, 3), np.uint8), iterations=int(rng.integers(0, max(1, side // 30)) + 1))
    for _ in range(int(rng.integers(1, 6))):
        near = middles[int(rng.integers(len(middles)))] + rng.normal(0, 0.08, 2) * side
        shape = canvas.fill(blob(rng, near, side * rng.uniform(0.04, 0.25), rng.uniform(0, 0.4)))
        kind = rng.random()
        inside = body if kind < 0.35 else reach if kind < 0.85 else np.ones_like(body)
        wardrobe.wear(shape * inside, wardrobe.colours())
    for _ in range(int(rng.integers(0, 4))):
        near = middles[int(rng.integers(len(middles)))] + rng.normal(0, 0.12, 2) * side
        canvas.add(canvas.fill(blob(rng, near, side * rng.uniform(0.03, 0.15), 0.3)), wardrobe.hair)


# ---- outlines ----


def ellipse(middle: np.ndarray, half_width: float, half_height: float, turn: float = 0.0) -> Points:
    """Return a polygon near an ellipse."""
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    points = np.stack([np.cos(angle) * half_width, np.sin(angle) * half_height], axis=1)
    cos, sin = np.cos(turn), np.sin(turn)
    return points @ np.array([[cos, sin], [-sin, cos]]) + middle


def blob(rng: np.random.Generator, middle: np.ndarray, radius: float, rough: float) -> Points:
    """Return a closed shape around a point: an ellipse, a polygon or a wavy line."""
    count = int(rng.choice([3, 4, 5, 24, 32]))
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False) + rng.uniform(0, 2 * np.pi)
    wave = np.ones(count)
    for order in range(2, 6):
        wave += rough * rng.normal(0, 1 / order) * np.cos(order * angle + rng.uniform(0, 2 * np.pi))
    stretch = rng.uniform(0.4, 1.6)
    points = np.stack([np.cos(angle) * stretch, np.sin(angle) / stretch], axis=1) * wave[:, None] * radius
    turn = rng.uniform(0, np.pi)
    return points @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) + middle


# ---- light ----


def finish(canvas: FigureCanvas) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Composite the two frames; only the clothed one gets shadows and another light."""
    rng = canvas.rng
    base_rgb, base_alpha, _ = canvas.flatten(clothed=False)
    rgb, alpha, cloth = canvas.flatten(clothed=True)
    mask = (cloth > 0.5) & (alpha > 0.5)
    if rng.random() < 0.7:
        rgb = cast_shadow(rng, rgb, cloth, canvas.style.pixel_art)
    if rng.random() < 0.7:
        rgb = relight(rng, rgb, alpha, canvas.style.pixel_art)
    base, clothed = to_rgba(base_rgb, base_alpha), to_rgba(rgb, alpha)
    if rng.random() < 0.06:
        ground = random_colour(rng)
        base, clothed = on_ground(base, ground), on_ground(clothed, ground)
    base, clothed, mask_u8 = spoil(rng, base, clothed, np.where(mask, 255, 0).astype(np.uint8))
    return base, clothed, mask_u8


def spoil(
    rng: np.random.Generator, base: np.ndarray, clothed: np.ndarray, mask: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Damage some sprites as careless saving does: JPEG artefacts, a blurred enlargement, a shift by one pixel."""
    kind = rng.random()
    if kind < 0.05:
        base, clothed = (as_jpeg(picture, int(rng.integers(60, 96))) for picture in (base, clothed))
    elif kind < 0.10 and len(mask) < 128:
        size = (round(len(mask) * rng.uniform(1.3, 2.6)),) * 2
        base, clothed, mask = (cv2.resize(p, size, interpolation=cv2.INTER_LINEAR) for p in (base, clothed, mask))
        mask = np.where(mask > 127, 255, 0).astype(np.uint8)
    elif kind < 0.13:
        step = rng.integers(-1, 2, 2)
        clothed, mask = (np.roll(picture, step, axis=(0, 1)) for picture in (clothed, mask))
    return base, clothed, mask


def as_jpeg(rgba: np.ndarray, quality: int) -> np.ndarray:
    """Compress the colours as JPEG and decode them; alpha is kept."""
    _, file = cv2.imencode(".jpg", np.ascontiguousarray(rgba[..., :3]), [cv2.IMWRITE_JPEG_QUALITY, quality])
    rgb = cv2.imdecode(file, cv2.IMREAD_COLOR)
    assert rgb is not None
    return np.dstack([rgb, rgba[..., 3]])


def cast_shadow(rng: np.random.Generator, rgb: np.ndarray, cloth: np.ndarray, pixel_art: bool) -> np.ndarray:
    """Darken what lies below or beside clothing: a contact shadow with or without fall-off, or a drop shadow."""
    height, width = cloth.shape
    side = max(height, width)
    reach = int(rng.integers(1, 3)) if pixel_art else int(rng.integers(1, max(3, side // 25)))
    angle = rng.choice([0.0, rng.normal(0, 0.6)])
    shadow = np.zeros_like(cloth)
    steps = [reach] if rng.random() < 0.3 else list(range(1, reach + 1))
    for step in steps:
        strength = 1 - (step - 1) / (reach if rng.random() < 0.9 else 1e9)
        x, y = round(step * np.sin(angle)), round(step * np.cos(angle))
        shift = np.array([[1, 0, x], [0, 1, y]], np.float32)
        shadow = np.maximum(shadow, cv2.warpAffine(cloth, shift, (width, height), flags=cv2.INTER_NEAREST) * strength)
    if rng.random() < 0.6:
        around = cv2.dilate(cloth, np.ones((1, 2 * reach + 1), np.uint8))
        shadow = np.maximum(shadow, around * rng.uniform(0.2, 0.8))
    if not pixel_art and rng.random() < 0.4:
        shadow = cv2.GaussianBlur(shadow, (0, 0), reach * 0.6)
    return rgb * (1 - shadow * (1 - cloth) * rng.uniform(0.1, 0.55))[..., None]


def relight(rng: np.random.Generator, rgb: np.ndarray, alpha: np.ndarray, pixel_art: bool) -> np.ndarray:
    """Change exposure, colour, gamma and direction of the light over the whole figure."""
    height, width = alpha.shape
    side = max(height, width)
    strength = rng.uniform(0.2, 1)
    gain = np.exp(strength * (rng.normal(0, 0.08) + rng.normal(0, 0.06, 3)))
    y, x = np.mgrid[:height, :width].astype(np.float32) / side - 0.5
    angle = rng.uniform(0, 2 * np.pi)
    field_of_light = 1 + strength * rng.uniform(0, 0.5) * (x * np.cos(angle) + y * np.sin(angle))
    if rng.random() < 0.4:
        coarse = rng.normal(0, 0.08 * strength, (4, 4)).astype(np.float32)
        field_of_light *= 1 + cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    if not pixel_art and rng.random() < 0.5:  # the figure turns in the light
        soft = cv2.GaussianBlur(alpha, (0, 0), side * rng.uniform(0.01, 0.06))
        slope_y, slope_x = np.gradient(soft)
        tone = (slope_x * np.cos(angle) + slope_y * np.sin(angle)) * side * 0.05
        field_of_light *= np.clip(1 + strength * rng.uniform(0, 0.8) * tone, 0.5, 1.5)
    gamma = np.exp(strength * rng.normal(0, 0.1))
    straight = np.clip(rgb / np.maximum(alpha, 1e-3)[..., None], 0, 255) / 255
    return np.clip(straight**gamma * gain * field_of_light[..., None], 0, 1) * 255 * alpha[..., None]


def to_rgba(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Convert premultiplied float colours and alpha to (H, W, 4) uint8 with straight alpha."""
    straight = rgb / np.maximum(alpha, 1e-3)[..., None]
    return np.round(np.dstack([np.clip(straight, 0, 255), alpha * 255])).astype(np.uint8)


def on_ground(rgba: np.ndarray, ground: np.ndarray) -> np.ndarray:
    """Fill the transparent part with one colour, as in sheets saved without alpha."""
    alpha = rgba[..., 3:].astype(np.float32) / 255
    rgb = rgba[..., :3] * alpha + ground * (1 - alpha)
    return np.dstack([np.round(rgb), np.full(rgba.shape[:2], 255)]).astype(np.uint8)
