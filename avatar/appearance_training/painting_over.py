"""Spectacles, sunglasses, beards, masks and headwear, painted over a portrait by the points of its face.

All functions take a canvas, (H, W, 3) uint8 RGB with an upright head, and the points of its face, (468, 2) px of the
canvas; they give a new canvas.
"""

from collections.abc import Callable

import cv2
import numpy as np

from avatar.person.head_view import CHIN, LEFT, OVAL, RIGHT, TOP

EYES = ((33, 133, 159, 145), (362, 263, 386, 374))  # corners, upper and lower lid: left and right for the viewer
BRIDGE, NOSE_BASE, UPPER_LIP = 168, 2, 0
LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
JAW = (127, 234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 323, 454, 356)
MOUSTACHE = (61, 57, 186, 92, 165, 167, 164, 393, 391, 322, 410, 287, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
CHIN_PATCH = (57, 43, 106, 182, 83, 18, 313, 406, 335, 273, 287, 364, 379, 378, 400, 377, 152, 148, 176, 149, 150, 135)
HAIR_RGB = ((28, 22, 20), (52, 38, 28), (86, 60, 38), (128, 92, 60), (150, 80, 40), (120, 118, 116), (205, 203, 200))
Seat = tuple[np.ndarray, float, float]  # middle of the line at which headwear sits, half its width, top of the crown
RIMS = ((20, 20, 22), (60, 40, 30), (110, 90, 60), (150, 150, 155))
FABRICS = ("plain", "stripes", "checks", "dots", "knit")
CLOTH_RGB = (  # what most headwear has: hats and scarves are seldom loud
    (22, 22, 26), (30, 30, 30), (52, 50, 52), (88, 88, 90), (140, 138, 136), (232, 230, 224), (198, 184, 160),
    (150, 122, 90), (92, 66, 48), (28, 36, 62), (60, 84, 120), (104, 30, 38), (170, 36, 40), (70, 74, 50),
    (40, 78, 70), (196, 150, 52), (206, 158, 166), (120, 100, 140),
)  # fmt: skip
LOUD = 0.3  # share of cloth in any other colour
Parts = list[tuple[np.ndarray, np.ndarray]]  # masks (H, W) uint8 with their colours (H, W, 3) or (3,), one over another


def paint_spectacles(canvas: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Clear lenses in thin or thick rims."""
    return _paint_glasses(canvas, points, rng, lens_alpha=float(rng.uniform(0, 0.12)))


def paint_sunglasses(canvas: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Dark or mirrored lenses."""
    return _paint_glasses(canvas, points, rng, lens_alpha=float(rng.uniform(0.75, 1)))


def _paint_glasses(canvas: np.ndarray, points: np.ndarray, rng: np.random.Generator, lens_alpha: float) -> np.ndarray:
    dark = lens_alpha > 0.5
    face_width = float(points[RIGHT, 0] - points[LEFT, 0])
    grow, aspect, power = rng.uniform(0.82, 1.35 if dark else 1.15), rng.uniform(0.62, 1.0), rng.uniform(2, 4.5)
    thickness = max(1, round(face_width * float(rng.choice([0.008, 0.014, 0.03, 0.045]))))
    random_rim = tuple(rng.integers(0, 255, 3).tolist())
    rim = np.array([*RIMS, random_rim][rng.integers(len(RIMS) + 1)])
    lens = rng.integers(0, 70, 3) if dark and rng.random() < 0.8 else rng.integers(60, 230, 3)
    lenses = [_lens(points, eye, grow, aspect, power) for eye in EYES]
    painted = canvas.astype(np.float32)
    mask = np.zeros(canvas.shape[:2], np.uint8)
    cv2.fillPoly(mask, [outline.astype(np.int32) for outline in lenses], 255, cv2.LINE_AA)
    shade = np.linspace(rng.uniform(0.7, 1.1), rng.uniform(0.9, 1.6), len(canvas))[:, None, None]
    painted = _blend(painted, lens * shade, mask * lens_alpha)
    glare = mask * (np.abs(_ramp(mask.shape, rng) % 0.35 - 0.1) < 0.04) * rng.uniform(0, 0.45)
    painted = _blend(painted, np.array([255.0, 255, 255]), cv2.GaussianBlur(glare.astype(np.float32), (0, 0), 3))
    lines = np.zeros_like(mask)
    rimless = not dark and rng.random() < 0.25
    lower_rim = 1 if rng.random() < 0.75 else 0.45  # half rims have none below
    for outline in lenses:
        if not rimless:
            shown = outline[: max(3, round(len(outline) * (lower_rim + 0.05)))] if lower_rim < 1 else outline
            cv2.polylines(lines, [shown.astype(np.int32)], lower_rim == 1, 255, thickness, cv2.LINE_AA)
    inner_left, inner_right = lenses[0][np.argmax(lenses[0][:, 0])], lenses[1][np.argmin(lenses[1][:, 0])]
    middle = (inner_left + inner_right) / 2 - (0, 0.03 * face_width)
    cv2.polylines(lines, [np.array([inner_left, middle, inner_right], np.int32)], False, 255, thickness, cv2.LINE_AA)
    for outline, side, pick in ((lenses[0], LEFT, np.argmin), (lenses[1], RIGHT, np.argmax)):
        ear = points[side, :2] * (1, 0) + (0, points[127 if side == LEFT else 356, 1])
        ends = np.array([outline[pick(outline[:, 0])], ear], np.int32)
        cv2.polylines(lines, [ends], False, 255, max(1, thickness // 2), cv2.LINE_AA)
    return _finish(_blend(painted, rim.astype(np.float32), lines))


def _lens(points: np.ndarray, eye: tuple[int, ...], grow: float, aspect: float, power: float) -> np.ndarray:
    """(n, 2) outline of one lens, a superellipse that begins at its outer upper side."""
    outer, inner = points[list(eye[:2]), :2]
    middle = points[list(eye), :2].mean(axis=0)
    half_width = grow * abs(float(inner[0] - outer[0]))
    half_height = aspect * grow * 0.27 * float(np.linalg.norm(points[EYES[1][1], :2] - points[EYES[0][0], :2]))
    angles = np.linspace(np.pi, 3 * np.pi, 60, endpoint=False)
    unit = np.column_stack([np.cos(angles), np.sin(angles)])
    unit = np.sign(unit) * np.abs(unit) ** (2 / power)
    return middle + (0, 0.12 * half_height) + unit * (half_width * 0.92, half_height)


def paint_facial_hair(canvas: np.ndarray, points: np.ndarray, rng: np.random.Generator, kind: str) -> np.ndarray:
    """Stubble, a moustache, a goatee or a beard, in a hair colour."""
    height = float(points[CHIN, 1] - points[TOP, 1])
    mask = np.zeros(canvas.shape[:2], np.uint8)
    if kind in ("beard", "stubble"):
        _fill(mask, _beard_outline(points, height, 0 if kind == "stubble" else rng.uniform(0, 0.3) ** 1.5, rng))
    elif kind == "goatee":
        chin = points[list(CHIN_PATCH), :2].copy()
        chin[:, 0] += (chin[:, 0] - points[CHIN, 0]) * rng.uniform(-0.25, 0.1)
        chin[9:, 1] += rng.uniform(0, 0.12) * height
        _fill(mask, chin)
    if (kind != "stubble" or rng.random() < 0.9) and (kind in ("moustache", "stubble") or rng.random() < 0.85):
        _fill(mask, _moustache_outline(points, height, rng))
    lips = np.zeros_like(mask)
    cv2.fillPoly(lips, [points[list(LIPS), :2].astype(np.int32)], 255)
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), float(height * rng.uniform(0.006, 0.025)))
    soft = soft * (1 - cv2.GaussianBlur(lips.astype(np.float32), (0, 0), height * 0.006) / 255)
    shades = 4 if kind == "stubble" else len(HAIR_RGB)  # pale stubble is not seen
    hair = np.array(HAIR_RGB[rng.integers(shades)], np.float32) * rng.uniform(0.8, 1.2)
    strands = _strands(canvas.shape[:2], height, rng)
    if kind == "stubble":
        fine = cv2.GaussianBlur(rng.random(mask.shape).astype(np.float32), (0, 0), 0.8) * 2
        return _finish(_blend(canvas.astype(np.float32), hair, soft * fine.clip(0, 1) * rng.uniform(0.3, 0.55)))
    cover = (0.75 + 0.5 * strands).clip(0, 1) * rng.uniform(0.7, 1)
    light = cv2.GaussianBlur(cv2.cvtColor(canvas, cv2.COLOR_RGB2GRAY), (0, 0), height * 0.04).astype(np.float32)
    light = (light / max(1.0, float(light[mask > 0].mean() if (mask > 0).any() else 1))).clip(0.5, 1.5)
    colour = hair * (1 + 0.9 * strands[..., None]) * light[..., None]
    return _finish(_blend(canvas.astype(np.float32), colour, soft * cover))


def _beard_outline(points: np.ndarray, height: float, length: float, rng: np.random.Generator) -> np.ndarray:
    """From ear to ear along the jaw, back over the cheeks and below the nose."""
    jaw = points[list(JAW[1:-1]), :2].copy()
    lower = (jaw[:, 1] - jaw[:, 1].min()) / max(1.0, np.ptp(jaw[:, 1]))
    jaw[:, 1] += lower**2 * length * height
    jaw[:, 0] += (jaw[:, 0] - points[CHIN, 0]) * 0.05
    high = float(rng.uniform(0, 0.7))
    cheeks = points[[361, 367, 416, 434, 410, 186, 214, 192, 138, 132], :2]
    upper = points[[323, 401, 376, 425, 391, 165, 205, 147, 177, 93], :2]
    return np.concatenate([jaw, cheeks + high * (upper - cheeks)])


def _moustache_outline(points: np.ndarray, height: float, rng: np.random.Generator) -> np.ndarray:
    outline = points[list(MOUSTACHE), :2].copy()
    middle = points[UPPER_LIP, 0]
    outline[:, 0] += (outline[:, 0] - middle) * rng.uniform(-0.3, 0.15)
    outline[-8:, 1] += rng.uniform(-0.01, 0.02) * height
    return outline


def _strands(shape: tuple[int, int], height: float, rng: np.random.Generator) -> np.ndarray:
    """(H, W) float32 around 0, streaks that run mostly downwards."""
    noise = rng.standard_normal(shape).astype(np.float32)
    size = max(3, round(height * rng.uniform(0.02, 0.08))) | 1
    kernel = np.zeros((size, size), np.float32)
    lean = float(rng.uniform(-0.5, 0.5)) * size
    cv2.line(kernel, (round(size / 2 - lean / 2), 0), (round(size / 2 + lean / 2), size - 1), 1.0)
    streaks = cv2.filter2D(noise, -1, kernel / kernel.sum())
    return (streaks / max(1e-6, float(streaks.std())) * rng.uniform(0.12, 0.4)).clip(-0.8, 0.8)


def paint_mask(canvas: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A cloth or medical mask over nose, mouth and chin."""
    height = float(points[CHIN, 1] - points[TOP, 1])
    lower = points[list(JAW[3:-3]), :2].copy()
    lower[:, 1] += rng.uniform(-0.01, 0.04) * height
    nose = points[[5, 195, 197][rng.integers(3)], :2]
    cheeks = points[[(50, 280), (123, 352), (187, 411)][rng.integers(3)], :2]
    mask = _mask(canvas.shape[:2], np.array([cheeks[0], *lower, cheeks[1], nose]))
    pale = np.array([(150, 190, 215), (238, 240, 242), (30, 30, 34)][rng.integers(3)], np.float32)
    cloth = _fabric(canvas.shape[:2], rng)
    if rng.random() < 0.6:
        cloth = cloth / max(1.0, float(cloth.mean())) * pale
    rows = np.arange(len(canvas), dtype=np.float32)[:, None, None]
    pleats = 1 + rng.uniform(0, 0.15) * np.sin(rows / height * rng.uniform(25, 60))
    loops = np.zeros_like(mask)
    for cheek, side in ((cheeks[0], 127), (cheeks[1], 356)):
        cv2.line(loops, cheek.astype(int).tolist(), points[side, :2].astype(int).tolist(), 255, 2, cv2.LINE_AA)
    return _finish(_blend(_blend(canvas.astype(np.float32), pale, loops), cloth * pleats, mask))


def paint_headwear(
    canvas: np.ndarray, points: np.ndarray, rng: np.random.Generator, kind: str, matte: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """A hat, a cap (with a visor, knitted, or a beret) or a headscarf (a hijab, or a cloth wound around the head).

    Args:
        canvas: see the module.
        points: see the module.
        rng: random generator.
        kind: a key of _HEADWEAR: "hat", "cap", "headscarf", or one sort of these.
        matte: (H, W) float32, 0 to 1, of the person.

    Returns:
        The canvas, and the matte with the headwear and without the hair that it hides.
    """
    seat = _seat(points, matte, rng)
    parts = _HEADWEAR[kind](canvas.shape[:2], points, rng, seat)
    line = seat[0]
    rows = np.arange(len(canvas))[:, None]
    above = rows < line[1] - 2
    face = _mask(canvas.shape[:2], points[list(OVAL), :2]) > 127
    kept = np.where(above & ~face, 0, matte)
    painted: np.ndarray = canvas.astype(np.float32)
    shadow = cv2.GaussianBlur(np.maximum.reduce([mask for mask, _ in parts]), (0, 0), 9)
    shadow = np.roll(shadow, round(0.04 * (points[CHIN, 1] - points[TOP, 1])), axis=0) * rng.uniform(0, 0.5)
    painted = painted * (1 - shadow[..., None] / 255)
    for mask, colour in parts:
        painted = _blend(painted, colour, mask)
        kept = np.maximum(kept, mask / 255)
    return _finish(painted), kept.astype(np.float32)


def _seat(points: np.ndarray, matte: np.ndarray, rng: np.random.Generator) -> Seat:
    """Middle of the line at which headwear sits, half its width, and the y up to which it must reach."""
    height = float(points[CHIN, 1] - points[TOP, 1])
    brow = float(points[[105, 334], 1].mean())
    y = points[TOP, 1] + rng.uniform(-0.25, 0.75) * (brow - points[TOP, 1])
    x = float(points[[LEFT, RIGHT], 0].mean())
    row = np.flatnonzero(matte[int(np.clip(y, 0, len(matte) - 1))] > 0.5)
    face_half = float(points[RIGHT, 0] - points[LEFT, 0]) / 2
    half = max(abs(row[0] - x), abs(row[-1] - x)) if len(row) else face_half
    half = float(np.clip(half * rng.uniform(0.92, 1.05), 1.0 * face_half, 1.45 * face_half))
    own_top = np.flatnonzero((matte > 0.5).any(axis=1))
    top = min(y - rng.uniform(0.35, 0.8) * height, float(own_top[0]) + 0.05 * height if len(own_top) else y)
    return np.array([x, y]), half, max(top, 2.0)


def _dome(line: np.ndarray, half: float, top: float, power: float, sag: float) -> np.ndarray:
    """(n, 2) outline of a crown: a superellipse above the line, whose lower edge sags in the middle."""
    angles = np.linspace(np.pi, 2 * np.pi, 40)
    unit = np.column_stack([np.cos(angles), np.sin(angles)])
    unit = np.sign(unit) * np.abs(unit) ** (2 / power)
    lower = np.linspace(1, -1, 20)
    edge = np.column_stack([line[0] + lower * half, line[1] + sag * (1 - lower**2)])
    return np.concatenate([line + unit * (half, line[1] - top), edge])


def _hat(shape: tuple[int, int], points: np.ndarray, rng: np.random.Generator, seat: Seat) -> Parts:
    """A crown with a brim all round."""
    line, half, top = seat
    fabric = _fabric(shape, rng)
    sag = rng.uniform(-0.05, 0.15) * half
    crown = _mask(shape, _dome(line, half * rng.uniform(0.9, 1.05), top, rng.uniform(2, 6), sag))
    brim = np.zeros(shape, np.uint8)
    axes = half * rng.uniform(1.35, 2.3), half * rng.uniform(0.1, 0.45)
    cv2.ellipse(
        brim, (line.astype(int).tolist(), (2 * axes[0], 2 * axes[1]), float(rng.uniform(-6, 6))), 255, -1, cv2.LINE_AA
    )
    band_top = line[1] - rng.uniform(0.05, 0.3) * (line[1] - top)
    band = crown * (np.arange(shape[0])[:, None] > band_top)
    round_off = _roundness(shape, seat, rng)
    return [
        (brim, fabric * rng.uniform(0.6, 1.1)),
        (crown, fabric * round_off),
        (band.astype(np.uint8), (_fabric(shape, rng) if rng.random() < 0.7 else fabric) * round_off),
    ]


def _cap(shape: tuple[int, int], points: np.ndarray, rng: np.random.Generator, seat: Seat) -> Parts:
    """A cap with a visor, a knitted one or a beret."""
    paint = (_visor_cap, _knitted_cap, _beret)[rng.choice(3, p=[0.45, 0.4, 0.15])]
    return paint(shape, points, rng, seat)


def _visor_cap(shape: tuple[int, int], points: np.ndarray, rng: np.random.Generator, seat: Seat) -> Parts:
    """A baseball cap, or a flat cap whose crown is wider than the head."""
    line, half, top = seat
    fabric = _fabric(shape, rng) * _roundness(shape, seat, rng)
    sag = rng.uniform(0, 0.3) * half
    if rng.random() < 0.35:
        crown = _mask(shape, _dome(line, half * rng.uniform(1.05, 1.3), top, rng.uniform(2.2, 3.2), sag))
    else:
        crown = _mask(shape, _dome(line, half, top, rng.uniform(1.9, 2.8), sag))
    visor = np.zeros(shape, np.uint8)
    middle = line[0] + rng.uniform(-0.4, 0.4) * half, line[1] + sag * rng.uniform(0.3, 1)
    size = 2 * half * rng.uniform(0.75, 1.1), 2 * half * rng.uniform(0.12, 0.4)
    cv2.ellipse(visor, (middle, size, float(rng.uniform(-10, 10))), 255, -1, cv2.LINE_AA)
    rows = np.arange(shape[0], dtype=np.float32)[:, None, None]
    falling = 1 - 0.5 * ((rows - middle[1]) / max(1.0, size[1])).clip(-0.5, 0.5)  # the visor bends down
    colour = fabric * rng.uniform(0.5, 1) if rng.random() < 0.7 else _fabric(shape, rng)
    sign = np.zeros(shape, np.uint8)
    place = int(line[0] + rng.uniform(-0.2, 0.2) * half), int((line[1] + top) / 2)
    cv2.circle(sign, place, int(half * rng.uniform(0, 0.3)), 255, -1, cv2.LINE_AA)
    return [(crown, fabric), (sign, _fabric(shape, rng)), (visor, colour * falling)]


def _knitted_cap(shape: tuple[int, int], points: np.ndarray, rng: np.random.Generator, seat: Seat) -> Parts:
    """A beanie: ribs that meet at the top, mostly a cuff, sometimes slack or with a ball."""
    line, half, top = seat
    half, sag = half * rng.uniform(0.9, 1.05), rng.uniform(0, 0.3) * half
    outline = _dome(line, half, top, rng.uniform(1.8, 2.6), sag)
    if rng.random() < 0.35:  # slack, to one side
        rising = ((line[1] - outline[:, 1]) / max(1.0, line[1] - top)).clip(0, 1)
        outline[:, 0] += rng.uniform(-0.35, 0.35) * half * rising**2
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    up = ((line[1] - rows) / max(1.0, line[1] - top)).clip(0, 0.99)
    across = (columns - line[0]) / (half * np.sqrt(1 - up**2))
    ribs = 1 + rng.uniform(0, 0.22) * np.sin(across.clip(-1.3, 1.3) * float(rng.uniform(20, 60)))
    wool = _fabric(shape, rng) * (ribs[..., None] * _roundness(shape, seat, rng))
    parts = [(_mask(shape, outline), wool)]
    if rng.random() < 0.7:
        upper = line[1] - rng.uniform(0.25, 0.6) * half
        cuff = _mask(shape, _dome(line + np.array([0, 0.03 * half]), half * 1.04, upper, 6, sag))
        parts.append((cuff, wool * rng.uniform(0.8, 1.2)))
    if rng.random() < 0.2:
        ball = np.zeros(shape, np.uint8)
        cv2.circle(ball, (int(line[0]), int(top)), int(half * rng.uniform(0.2, 0.45)), 255, -1, cv2.LINE_AA)
        parts.append((ball, _fabric(shape, rng)))
    return parts


def _beret(shape: tuple[int, int], points: np.ndarray, rng: np.random.Generator, seat: Seat) -> Parts:
    """A soft round cap that hangs over one side."""
    line, half, top = seat
    felt = np.zeros(shape, np.uint8)
    side = float(rng.choice([-1, 1]))
    middle = line[0] + side * rng.uniform(0.05, 0.4) * half, line[1] - rng.uniform(0.15, 0.45) * half
    size = 2 * half * rng.uniform(1.1, 1.45), max(2 * half * rng.uniform(0.6, 0.95), float(line[1] - top))
    cv2.ellipse(felt, (middle, size, side * float(rng.uniform(0, 25))), 255, -1, cv2.LINE_AA)
    felt[int(line[1] + 0.25 * half) :] = 0
    return [(cv2.GaussianBlur(felt, (0, 0), 1.5), _fabric(shape, rng) * _roundness(shape, seat, rng))]


def _scarf(shape: tuple[int, int], points: np.ndarray, rng: np.random.Generator, seat: Seat) -> Parts:
    """A scarf around face, ears and neck, or a cloth wound around the head alone."""
    return (_head_wrap if rng.random() < 0.4 else _hijab)(shape, points, rng, seat)


def _head_wrap(shape: tuple[int, int], points: np.ndarray, rng: np.random.Generator, seat: Seat) -> Parts:
    """A turban or head wrap: bands that cross in front, mostly with a knot."""
    line, half, top = seat
    half, top = half * rng.uniform(1, 1.25), max(2.0, top - rng.uniform(0, 0.35) * half)
    cloth = _fabric(shape, rng) * _roundness(shape, seat, rng)
    crown = _mask(shape, _dome(line, half, top, rng.uniform(1.8, 2.6), rng.uniform(0, 0.25) * half))
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    bands, reach = np.ones(shape, np.float32), float(line[1] - top)
    for side in (-1, 1):
        slope, width = side * rng.uniform(0.3, 0.9), reach * rng.uniform(0.12, 0.3)
        phase = (rows - line[1] + slope * (columns - line[0])) / width
        here = side * (columns - line[0]) > rng.uniform(-0.3, 0.1) * half
        bands = np.where(here, 1 - rng.uniform(0.15, 0.5) * (phase % 1) ** 2, bands)
    parts = [(crown, cloth * bands[..., None])]
    if rng.random() < 0.5:
        knot = np.zeros(shape, np.uint8)
        place = line[0] + rng.uniform(-0.3, 0.3) * half, line[1] - rng.uniform(0.2, 1.0) * reach
        size = half * rng.uniform(0.3, 0.9), half * rng.uniform(0.2, 0.5)
        cv2.ellipse(knot, (place, size, float(rng.uniform(0, 180))), 255, -1, cv2.LINE_AA)
        parts.append((cv2.GaussianBlur(knot, (0, 0), 1.5), cloth * rng.uniform(0.75, 1.15)))
    return parts


def _hijab(shape: tuple[int, int], points: np.ndarray, rng: np.random.Generator, seat: Seat) -> Parts:
    """A scarf from the forehead over ears and neck to the shoulders, some with a band of another colour below it."""
    line, half, top = seat
    height, chin = float(points[CHIN, 1] - points[TOP, 1]), points[CHIN, :2]
    oval = points[list(OVAL), :2]
    middle = oval.mean(axis=0)
    opening = middle + (oval - middle) * (rng.uniform(0.86, 1.02), rng.uniform(0.88, 1.04))
    width, slack = half * rng.uniform(1.0, 1.22), rng.uniform(-0.05, 0.25)
    crown = _dome(line, width, top, rng.uniform(1.9, 2.5), 0)[:40]
    neck, wide, low = (
        width * rng.uniform(0.85, 1.1),
        half * rng.uniform(1.3, 2.4),
        chin[1] + rng.uniform(0.45, 1.3) * height,
    )
    lower = np.array([
        (line[0] + width * (1 + slack * 0.3), middle[1]), (chin[0] + neck, chin[1]),
        (chin[0] + wide, chin[1] + rng.uniform(0.35, 0.8) * height), (chin[0] + 0.8 * wide, low),
        (chin[0] + rng.uniform(-0.5, 0.5) * half, low + rng.uniform(0, 0.4) * height),
        (chin[0] - 0.8 * wide, low), (chin[0] - wide, chin[1] + rng.uniform(0.35, 0.8) * height),
        (chin[0] - neck, chin[1]), (line[0] - width * (1 + slack * 0.3), middle[1]),
    ])  # fmt: skip
    hole = _mask(shape, opening)
    cloth = _fabric(shape, rng) * _roundness(shape, (middle, 1.3 * width, top), rng) * _draping(shape, chin, half, rng)
    near = cv2.GaussianBlur(hole, (0, 0), 0.05 * height).astype(np.float32)[..., None] / 255
    cloth = cloth * (1 - rng.uniform(0, 0.5) * near)  # the hem turns in towards the face
    parts = []
    if rng.random() < 0.35:
        band = middle + (oval - middle) * (1.0, 1.06)
        parts.append((np.minimum(_mask(shape, band), 255 - hole), _fabric(shape, rng)))
        wider = _mask(shape, middle + (opening - middle) * (1.03, 1.12) - (0, 0.03 * height))
        outside = 255 - wider
    else:
        outside = 255 - hole
    scarf = cv2.GaussianBlur(_mask(shape, np.concatenate([crown, lower])), (0, 0), 2)
    return [*parts, (np.minimum(scarf, outside), cloth)]


_HEADWEAR: dict[str, Callable[[tuple[int, int], np.ndarray, np.random.Generator, Seat], Parts]] = {
    **{"hat": _hat, "cap": _cap, "headscarf": _scarf},
    **{"visor cap": _visor_cap, "knitted cap": _knitted_cap, "beret": _beret, "hijab": _hijab, "head wrap": _head_wrap},
}


def _draping(shape: tuple[int, int], chin: np.ndarray, half: float, rng: np.random.Generator) -> np.ndarray:
    """(H, W, 1) shading of folds that fall from one side of the head to the other shoulder, and around the head."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    start = chin + np.array([rng.choice([-1, 1]) * rng.uniform(0.4, 1.2) * half, -rng.uniform(0, 1.5) * half])
    angle = np.arctan2(rows - start[1], columns - start[0])
    wander = cv2.resize(rng.standard_normal((6, 6)).astype(np.float32), shape[::-1], interpolation=cv2.INTER_CUBIC)
    falling = np.sin(angle * float(rng.uniform(8, 22)) + 1.5 * wander)
    around = np.sin(np.hypot(columns - chin[0], rows - chin[1] + 1.2 * half) / float(rng.uniform(6, 20)) + 2 * wander)
    below = ((rows - chin[1]) / half + 0.5).clip(0, 1)
    return (1 + rng.uniform(0.05, 0.3) * (below * falling + (1 - below) * around))[..., None]


def _roundness(shape: tuple[int, int], seat: Seat, rng: np.random.Generator) -> np.ndarray:
    """(H, W, 1) shading of what lies around a head: darker where it turns away, lit from one side."""
    line, half, top = seat
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    across, up = (columns - line[0]) / half, (line[1] - rows) / max(1.0, line[1] - top)
    away = (across**2 + 0.3 * up.clip(0, 1) ** 2).clip(0, 1.2)
    return (1 - rng.uniform(0.1, 0.55) * away + rng.uniform(-0.25, 0.25) * across.clip(-1, 1)).clip(0.2, 1.4)[..., None]


def _fabric(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """(H, W, 3) float32 of cloth in one or two colours, shaded from one side."""
    first, second = (_cloth_colour(rng) for _ in range(2))
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    period = float(rng.uniform(5, 30))
    kind = FABRICS[rng.choice(len(FABRICS), p=[0.66, 0.07, 0.06, 0.05, 0.16])]
    lean = rng.uniform(-1, 1)
    pattern = {
        "plain": lambda: np.zeros(shape),
        "stripes": lambda: (rows + lean * columns) % period < period / 2,
        "checks": lambda: ((rows % period < period / 2) + 0.0 + (columns % period < period / 2)) / 2,
        "dots": lambda: np.hypot(rows % period - period / 2, columns % period - period / 2) < period / 4,
        "knit": lambda: 0.15 + 0.15 * np.sin(columns * (2 * np.pi / max(4.0, period / 3))),
    }[kind]().astype(np.float32)
    cloth = first + pattern[..., None] * (second - first)
    noise: np.ndarray = cv2.GaussianBlur(
        rng.standard_normal(shape).astype(np.float32), (0, 0), float(rng.uniform(0.6, 3))
    )
    noise = 1 + noise / max(1e-6, float(noise.std())) * rng.uniform(0, 0.08)
    wave = cv2.resize(rng.standard_normal((5, 5)).astype(np.float32), shape[::-1], interpolation=cv2.INTER_CUBIC)
    light: np.ndarray = 1 + 0.12 * wave + rng.uniform(-0.4, 0.4) * (columns / shape[1] - 0.5)
    return cloth * (noise * light)[..., None]


def _cloth_colour(rng: np.random.Generator) -> np.ndarray:
    """RGB of cloth: mostly a usual one, else dark, pale or coloured."""
    if rng.random() >= LOUD:
        usual = np.array(CLOTH_RGB[rng.integers(len(CLOTH_RGB))], np.float32)
        return (usual * rng.uniform(0.75, 1.2) + rng.normal(0, 5, 3)).clip(0, 255).astype(np.float32)
    hue, saturation = rng.integers(180), int(255 * rng.random() ** 1.5)
    value = int(255 * rng.uniform(0.06, 0.98))
    return cv2.cvtColor(np.array([[[hue, saturation, value]]], np.uint8), cv2.COLOR_HSV2RGB)[0, 0].astype(np.float32)


def _ramp(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return (columns + rng.uniform(-1, 1) * rows) / shape[1] + rng.random()


def _mask(shape: tuple[int, int], outline: np.ndarray) -> np.ndarray:
    """(H, W) uint8, 255 inside the outline."""
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [outline.astype(np.int32)], 255, cv2.LINE_AA)
    return cv2.GaussianBlur(mask, (0, 0), 1.0)


def _fill(mask: np.ndarray, outline: np.ndarray) -> None:
    cv2.fillPoly(mask, [outline.astype(np.int32)], 255, cv2.LINE_AA)


def _blend(canvas: np.ndarray, colour: np.ndarray, alpha_255: np.ndarray) -> np.ndarray:
    """`colour` over the canvas, both float32."""
    alpha = (alpha_255.astype(np.float32) / 255)[..., None]
    return canvas + alpha * (colour - canvas)


def _finish(canvas: np.ndarray) -> np.ndarray:
    return canvas.clip(0, 255).astype(np.uint8)
