"""The scene's own light on a person, after the model's estimate: hue, darkness, direction, black level and grain.

The model was trained on ordinary light, and hardly changes a person in a coloured or dark scene. What such a scene says
without doubt is read here by rules that find nothing in an ordinary one:

- hue: where even the least tinted part of a scene is tinted, the light is. A scene without hues has a person without.
- darkness: if the ground around the person is much darker than the person, so is the light (a ground of middle albedo).
- direction: the brighter side of a scene lights that side of the person, and a bright background its rim. The person's
  form is the silhouette, inflated. Only where hue or darkness show that the light is another one.
- black level and grain: the estimate may not lift blacks above the scene's; a grainy scene has a grainy person.

Values are compared as logarithms in a power law of 2.2, so that light multiplies them.
"""

from dataclasses import dataclass

import cv2
import numpy as np

GAMMA = 2.2  # power law of the stored values
WORK_PX = 192  # longer side of the scene in which light is read
FORM_PX = 256  # longer side of the person in which it is laid on
DARK, BRIGHT = 0.03, 0.97  # stored values between which hues are read
LEAST_TINTED = 0.2  # the share of the scene that is least tinted; the light's tint is theirs
AROUND = 0.5  # margin of the part around a person in which it is read again, in heights of the person
GREENERY = 0.2  # share of a green tint that is believed: meadows and trees are green in white light
TINT_SHARE = 0.8  # share of the tint that is applied
MOST_TINT = 2.2  # largest tint, natural logarithm of the ratio of two channels
GREY, NEARLY_GREY = 2.0, 4.0  # chroma in Lab below which a scene has no hues, and from which it has all
HUES = 0.95  # quantile of the chroma that says which hues there are
GROUND = 0.35  # quantile of the luminance around a person's feet that is the ground's: lamps and windows lie above
ALBEDO = 0.2  # share of the light that ground returns
WHITE = 0.9  # quantile of a person's luminance that is taken for white clothes
DOUBT_EV, DARK_SHARE, MOST_EV = 1.4, 0.65, 1.5  # darkness beyond doubt counts by this share, up to a limit
SIDES = 0.5  # strength of the light's direction
RIM, RIM_WIDTH = 0.5, 0.012  # strength of a bright background's rim light; its width in heights of the person
BLACK = 0.02  # quantile of the black level
GRAIN_PX = 512  # side of the part of a picture in which grain is measured
BLOCK_PX, FLATTEST = 16, 0.1  # grain is that of this share of all blocks, the flattest: others have texture
GRAIN, MOST_GRAIN = 2.0, 8.0  # standard deviation of grain from which it is added, and its maximum, grey levels
CERTAIN = 0.5  # sum of tint and darkness (in EV) from which the direction is applied in full

LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)  # ITU-R BT.709


@dataclass(frozen=True)
class SceneLight:
    """What the scene says about the light on the person.

    Attributes:
        tint: (3,) float32, natural logarithm of the gain of linear R, G and B; their weighted mean is 0.
        darker_ev: how much darker the light is than that of the person's photo, EV, 0 or more.
        colourless: 0 to 1, 1 in a scene without hues.
        sides: (2, 3) float32, contrast of right and left, and of lower and upper part, for R, G and B; -1 to 1.
    """

    tint: np.ndarray
    darker_ev: float
    colourless: float
    sides: np.ndarray

    @property
    def certainty(self) -> float:
        """How sure it is that the light is another than in the person's photo, 0 to 1."""
        return float(np.clip((np.abs(self.tint).max() + self.darker_ev) / CERTAIN, 0, 1))

    def __str__(self) -> str:
        return f"tint {', '.join(f'{value:+.2f}' for value in self.tint)}, darker by {self.darker_ev:.1f} EV"


def read_scene_light(
    scene: np.ndarray, colours: np.ndarray, alpha: np.ndarray, window: tuple[slice, slice]
) -> SceneLight:
    """Read the light of a scene, as it differs from the light on the person.

    Args:
        scene: (H, W, 3) uint8.
        colours: (h, w, 3) uint8, the person in the window.
        alpha: (h, w) float32 in [0, 1].
        window: rows and columns of the scene.
    """
    scale = min(1.0, WORK_PX / max(scene.shape[:2]))
    small = cv2.resize(scene, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    x, y, width, height = cv2.boundingRect((alpha > 0.5).astype(np.uint8))
    step = max(1, max(width, height) // WORK_PX)
    person = np.s_[y : y + height : step, x : x + width : step]
    pixels = colours[person][alpha[person] > 0.9]
    if not len(pixels):
        return SceneLight(np.zeros(3, np.float32), 0.0, 0.0, np.zeros((2, 3), np.float32))
    left, top = (scale * (x + window[1].start), scale * (y + window[0].start))
    placed = (left, top, left + scale * width, top + scale * height)
    return SceneLight(
        _tint(small, pixels, placed), _darker(small, pixels, placed), _colourless(small), _sides(small, placed)
    )


def _tint(scene: np.ndarray, person: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray:
    """The tint that nearly all of the scene has and the person lacks: mean of the whole and of the part around the box.

    Args:
        scene: (h, w, 3) uint8.
        person: (N, 3) uint8.
        box: XYXY px of the scene.
    """
    tall = box[3] - box[1]
    rows, columns = (
        slice(max(0, int(first - AROUND * tall)), int(last + AROUND * tall) + 1)
        for first, last in ((box[1], box[3]), (box[0], box[2]))
    )
    own, missing = _hues(person), np.zeros(2, np.float32)
    for there in (_hues(scene.reshape(-1, 3)), _hues(scene[rows, columns].reshape(-1, 3))):
        mean = there.mean(axis=0) if len(there) else np.zeros(2, np.float32)
        length = float(np.linalg.norm(mean))
        if not len(own) or length < 1e-3:
            continue
        least, already = (float(np.quantile(hues @ (mean / length), LEAST_TINTED)) for hues in (there, own))
        green = GREENERY if (mean < 0).all() else 1.0
        missing += green * min(max(0.0, least - max(0.0, already)), MOST_TINT) * mean / length / 2
    red, blue = TINT_SHARE * missing
    tint = np.array([red, 0, blue], np.float32)
    return tint - np.log(np.exp(tint) @ LUMA).astype(np.float32)


def _hues(pixels: np.ndarray) -> np.ndarray:
    """log R/G and log B/G of linear light, (N, 2) float32, of pixels that are neither black nor blown out."""
    values = pixels.astype(np.float32) / 255
    seen = values[(values.max(axis=1) > 2 * DARK) & (values.min(axis=1) < BRIGHT)]
    logs = GAMMA * np.log(seen + DARK)
    return logs[:, [0, 2]] - logs[:, [1]]


def _darker(scene: np.ndarray, person: np.ndarray, box: tuple[float, float, float, float]) -> float:
    """EV by which the ground around a person's lower half says that the light is darker than on the person."""
    left, top, right, bottom = box
    tall = bottom - top
    rows = slice(max(0, int(bottom - 0.15 * tall)), int(bottom + 0.2 * tall) + 1)
    columns = slice(max(0, int(left - 0.4 * tall)), int(right + 0.4 * tall) + 1)
    around = _luminance(scene[rows, columns].reshape(-1, 3))
    if not len(around):
        return 0.0
    white = float(np.quantile(around, GROUND)) / ALBEDO
    ev = np.log2((float(np.quantile(_luminance(person), WHITE)) + 1e-4) / (white + 1e-4))
    return float(np.clip(DARK_SHARE * (ev - DOUBT_EV), 0, MOST_EV))


def _luminance(pixels: np.ndarray) -> np.ndarray:
    return (pixels.astype(np.float32) / 255) ** GAMMA @ LUMA


def _colourless(scene: np.ndarray) -> float:
    """1 where a scene has one hue a brightness at most, as a monochrome or toned picture has; 0 in others."""
    lab = cv2.cvtColor(scene.astype(np.float32) / 255, cv2.COLOR_RGB2LAB).reshape(-1, 3)
    terms = np.stack([np.ones(len(lab)), lab[:, 0], lab[:, 0] ** 2], axis=1)
    rest = lab[:, 1:] - terms @ np.linalg.lstsq(terms, lab[:, 1:], rcond=None)[0]
    chroma = float(np.quantile(np.linalg.norm(rest, axis=1), HUES))
    return float(np.clip((NEARLY_GREY - chroma) / (NEARLY_GREY - GREY), 0, 1))


def _sides(scene: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray:
    """(2, 3) contrast of what lies right and left of the person, and below and above the middle."""
    values = (scene.astype(np.float32) / 255) ** GAMMA
    rows, columns = np.mgrid[: scene.shape[0], : scene.shape[1]].astype(np.float32)
    across = (columns - (box[0] + box[2]) / 2) / scene.shape[1]
    down = (rows - (box[1] + box[3]) / 2) / scene.shape[0]
    near = np.exp(-4 * (across**2 + down**2))
    contrasts = []
    for place in (across, down):
        after, before = (
            np.average(values, axis=(0, 1), weights=np.broadcast_to((near * side)[..., None], values.shape))
            for side in (place.clip(1e-6), (-place).clip(1e-6))
        )
        contrasts.append((after - before) / (after + before + 1e-3))
    return np.array(contrasts, np.float32)


# ---- laying it on ----


def lay_on_light(
    light: SceneLight,
    scene: np.ndarray,
    colours: np.ndarray,
    alpha: np.ndarray,
    *,
    original: np.ndarray,
    strength: float = 1.0,
) -> np.ndarray:
    """Change the person's colours to the scene's light.

    Args:
        light: result of `read_scene_light`.
        scene: (h, w, 3) uint8, the window of the scene.
        colours: (h, w, 3) uint8, the person in the window, in the light of the model's estimate.
        alpha: (h, w) float32 in [0, 1].
        original: (h, w, 3) uint8, the person before the model's estimate.
        strength: 0 changes nothing, 1 is the light as read.

    Returns:
        (h, w, 3) uint8.
    """
    x, y, width, height = cv2.boundingRect((alpha > 0).astype(np.uint8))
    if not width or not strength:
        return colours
    box = np.s_[y : y + height, x : x + width]
    person = colours[box]
    if light.colourless:
        lab = cv2.cvtColor(person, cv2.COLOR_RGB2LAB).astype(np.float32)
        lab[..., 1:] = 128 + (1 - strength * light.colourless) * (lab[..., 1:] - 128)
        person = cv2.cvtColor(np.rint(lab).astype(np.uint8), cv2.COLOR_LAB2RGB)
    if light.certainty:
        gain = _gain(light, alpha[box], strength)
        person = cv2.multiply(person, cv2.resize(gain, (width, height)), dtype=cv2.CV_32F)
        person = person + strength * light.certainty * _rim(scene, alpha, box)
        person = np.rint(person.clip(0, 255)).astype(np.uint8)
    solid = alpha[box] > 0.9
    if solid.any():
        person = _with_black_level(person, solid, original[box], scene, strength)
        person = _with_grain(person, scene, strength)
    result = colours.copy()
    result[box] = person
    return result


def _with_black_level(
    person: np.ndarray, solid: np.ndarray, original: np.ndarray, scene: np.ndarray, strength: float
) -> np.ndarray:
    """Blacks no lighter than the scene's, or than brightening makes those before the estimate; (h, w, 3) uint8."""
    some = np.s_[:: max(1, solid.shape[0] // WORK_PX), :: max(1, solid.shape[1] // WORK_PX)]
    after, before = (pixels[some][solid[some]].mean(axis=1) for pixels in (person, original))
    if not len(after):
        return person
    now = float(np.quantile(after, BLACK))
    brighter = max(1.0, float(np.median(after) / max(1.0, float(np.median(before)))))
    there = float(np.quantile(scene[:: max(1, len(scene) // WORK_PX), ::4].mean(axis=2), BLACK))
    lift = strength * min(0.0, max(brighter * float(np.quantile(before, BLACK)), there) - now)
    if lift > -1:
        return person
    # Black moves by the lift, white stays.
    levels = now + lift + (np.arange(256) - now) * (255 - now - lift) / (255 - now)
    return cv2.LUT(person, np.rint(levels.clip(0, 255)).astype(np.uint8))


def _with_grain(person: np.ndarray, scene: np.ndarray, strength: float) -> np.ndarray:
    """The scene's grain, where it has more than the person; (h, w, 3) uint8."""
    there, own = grain_of(scene), grain_of(person)
    if there < max(GRAIN, own):
        return person
    sigma = min(MOST_GRAIN, strength * float(np.sqrt(there**2 - own**2)))
    noise = np.random.default_rng(0).normal(0, sigma, person.shape[:2]).astype(np.float32)
    return np.rint((person + noise[..., None]).clip(0, 255)).astype(np.uint8)


def grain_of(picture: np.ndarray) -> float:
    """Standard deviation of the grain in the flattest blocks of (H, W, 3) uint8, grey levels (Immerkaer 1996)."""
    top, left = (max(0, (side - GRAIN_PX) // 2) for side in picture.shape[:2])
    grey = picture[top : top + GRAIN_PX, left : left + GRAIN_PX].astype(np.float32).mean(axis=2)
    response = cv2.filter2D(grey, -1, np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6)
    rows, columns = (side // BLOCK_PX * BLOCK_PX for side in grey.shape)
    if not rows or not columns:
        return 0.0
    blocks = response[:rows, :columns].reshape(rows // BLOCK_PX, BLOCK_PX, -1, BLOCK_PX)
    return float(np.quantile(blocks.std(axis=(1, 3)), FLATTEST))


def _gain(light: SceneLight, alpha: np.ndarray, strength: float) -> np.ndarray:
    """Gain of the stored values, (h, w, 3) float32, reduced: tint, darkness, sides of the inflated silhouette."""
    scale = min(1.0, FORM_PX / max(alpha.shape))
    small = cv2.resize(alpha, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    solid = np.pad((small > 0.5).astype(np.uint8), 1)
    depth = cv2.distanceTransform(solid, cv2.DIST_L2, 5)[1:-1, 1:-1]
    radius = max(1.0, float(depth.max()))
    form = radius * np.sqrt(1 - (1 - (depth / radius).clip(0, 1)) ** 2)
    form = cv2.GaussianBlur(form, (0, 0), 0.25 * radius)
    slope = np.stack([-cv2.Sobel(form, cv2.CV_32F, *order, scale=1 / 8) for order in ((1, 0), (0, 1))], axis=-1)
    normal = slope / np.sqrt(1 + (slope**2).sum(axis=-1, keepdims=True))
    direction = 1 + SIDES * light.certainty * strength * (normal @ light.sides)
    even = np.exp(strength * (light.tint - np.log(2) * light.darker_ev))
    return np.ascontiguousarray((direction * even).clip(1e-4) ** (1 / GAMMA), dtype=np.float32)


def _rim(scene: np.ndarray, alpha: np.ndarray, box: tuple[slice, slice]) -> np.ndarray:
    """Light of the background that falls on the person's rim, (h, w, 3) float32, grey levels."""
    height, width = (side.stop - side.start for side in box)
    scale = min(1.0, FORM_PX / max(height, width))
    sigma = max(0.3, RIM_WIDTH * height * scale)
    near, share = (cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) for part in (scene, alpha))
    behind = cv2.GaussianBlur(near.astype(np.float32), (0, 0), 2 * sigma)
    light = RIM * behind * (behind / 255) * (1 - cv2.GaussianBlur(share, (0, 0), sigma))[..., None]
    left, top = box[1].start * scale, box[0].start * scale
    part = light[round(top) : round(top + height * scale), round(left) : round(left + width * scale)]
    return cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR)
