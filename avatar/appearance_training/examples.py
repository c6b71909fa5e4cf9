"""Training examples for the classifiers of appearance: portraits as they are, painted over, and made harder.

A portrait is painted over by `painting_over`, put on another ground, re-lit, its skin darkened, turned, shrunk and
compressed; then it is looked at as any photo is.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from avatar.appearance_training.painting_over import (
    paint_facial_hair,
    paint_headwear,
    paint_mask,
    paint_spectacles,
    paint_sunglasses,
)
from avatar.person.head_view import CLOSER, HeadView, HeadViewer
from avatar.person.trait_classifiers import COVERED

CANVAS_PX = 512
FACIAL_HAIR = ("stubble", "moustache", "goatee", "beard")
HEADWEAR = ("hat", "cap", "headscarf")
HARD = 0.6  # share of examples whose ground is filled in or another one, and of those that are re-lit
OTHER_GROUND = 0.5  # share of another ground among these
GROUND_PX = 64  # side at which a ground is filled in


@dataclass(frozen=True, eq=False)
class Portrait:
    """A portrait with its labels, as `HeadViewer` sees it.

    Attributes:
        canvas: (CANVAS_PX, CANVAS_PX, 3) uint8 RGB, the head upright.
        points: (468, 2), the face mesh, px of the canvas.
        matte: (CANVAS_PX, CANVAS_PX) float32, 0 to 1.
        labels: words by trait; traits that cannot be told are left out.
    """

    canvas: np.ndarray
    points: np.ndarray
    matte: np.ndarray
    labels: Mapping[str, str]


def portrait_of(view: HeadView, labels: Mapping[str, str]) -> Portrait:
    """Enlarge a head to the canvas, the face in it as sharp as in the photo."""
    zoom = CANVAS_PX / view.pixels.shape[0]
    size = (CANVAS_PX, CANVAS_PX)
    canvas = cv2.resize(view.pixels, size, interpolation=cv2.INTER_CUBIC)
    close = cv2.resize(view.close, None, fx=zoom / CLOSER, fy=zoom / CLOSER)
    first = (CANVAS_PX - close.shape[0]) // 2
    canvas[first : first + close.shape[0], first : first + close.shape[1]] = close
    return Portrait(canvas, view.points[:, :2] * zoom, cv2.resize(view.matte, size), labels)


def vary(portrait: Portrait, rng: np.random.Generator, painted: bool) -> Portrait:
    """One variation: painted over (or not), then made harder."""
    bare = portrait
    if painted:
        portrait = paint(portrait, rng)
    canvas, matte, labels = portrait.canvas, portrait.matte, dict(portrait.labels)
    if rng.random() < 0.3:
        canvas = darken_skin(canvas, portrait.points, matte, rng)
        if labels.get("skin_tone") == "light":
            labels["skin_tone"] = "dark|medium"
    if painted or rng.random() < HARD:
        ground = random_ground(rng) if rng.random() < OTHER_GROUND else own_ground(bare.canvas, bare.matte)
        canvas = (canvas * matte[..., None] + ground * (1 - matte[..., None])).astype(np.uint8)
    if rng.random() < HARD:
        canvas = relight(canvas, rng)
    canvas, points = turn(canvas, portrait.points, rng)
    return Portrait(shrink(canvas, rng), points, matte, labels)


def paint(portrait: Portrait, rng: np.random.Generator) -> Portrait:
    """Put on some of glasses, facial hair, a mask and headwear, each with its label."""
    canvas, matte, labels = portrait.canvas, portrait.matte, dict(portrait.labels)
    if labels.get("facial_hair") == "none" and rng.random() < 0.55:
        labels["facial_hair"] = str(rng.choice(FACIAL_HAIR, p=[0.1, 0.3, 0.25, 0.35]))
        canvas = paint_facial_hair(canvas, portrait.points, rng, labels["facial_hair"])
    if "facial_hair" in labels and rng.random() < 0.12:
        canvas, labels["facial_hair"] = paint_mask(canvas, portrait.points, rng), COVERED
    worn = rng.random()
    if worn < 0.3:
        canvas, labels["glasses"] = paint_sunglasses(canvas, portrait.points, rng), "sunglasses"
    elif worn < 0.6 and labels.get("glasses") == "none":
        canvas, labels["glasses"] = paint_spectacles(canvas, portrait.points, rng), "spectacles"
    if labels.get("headwear") == "none" and rng.random() < 0.55:
        labels["headwear"] = str(rng.choice(HEADWEAR, p=[0.35, 0.4, 0.25]))
        canvas, matte = paint_headwear(canvas, portrait.points, rng, labels["headwear"], matte)
        for hidden in ("hair_length", "hair_shape"):
            labels.pop(hidden, None)
    return Portrait(canvas, portrait.points, matte, labels)


def darken_skin(canvas: np.ndarray, points: np.ndarray, matte: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same person with darker skin: what has the cheeks' hue gets a lower lightness."""
    lab = cv2.cvtColor(canvas.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    cheeks = np.stack([lab[int(y), int(x)] for x, y in points[[50, 280, 205, 425, 151], :2].clip(0, CANVAS_PX - 1)])
    distance = np.linalg.norm((lab - np.median(cheeks, axis=0)) / (30, 8, 10), axis=2)
    skin = cv2.GaussianBlur((distance < 1.8).astype(np.float32) * (matte > 0.5), (0, 0), 2)[..., None]
    darker = lab * (rng.uniform(0.4, 0.75), rng.uniform(0.7, 1.1), rng.uniform(0.6, 1.0))
    mixed = (lab + skin * (darker - lab)).astype(np.float32)
    return (cv2.cvtColor(mixed, cv2.COLOR_LAB2RGB) * 255).clip(0, 255).astype(np.uint8)


def random_ground(rng: np.random.Generator) -> np.ndarray:
    """(CANVAS_PX, CANVAS_PX, 3) float32: blurred patches of random colours, seldom with edges."""
    cells = int(rng.integers(1, 9))
    patches = rng.uniform(0, 255, (cells, cells, 3)).astype(np.float32)
    grey = patches.mean(axis=2, keepdims=True)
    patches = grey + (patches - grey) * rng.uniform(0, 1) ** 2
    way = cv2.INTER_NEAREST if rng.random() < 0.3 else cv2.INTER_CUBIC
    ground = cv2.resize(patches, (CANVAS_PX, CANVAS_PX), interpolation=way)
    if rng.random() < 0.4:
        noise = rng.standard_normal((CANVAS_PX // 4, CANVAS_PX // 4, 1)).astype(np.float32)
        ground = ground + 25 * cv2.resize(noise, (CANVAS_PX, CANVAS_PX))[..., None]
    return ground.clip(0, 255)


def own_ground(canvas: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """(CANVAS_PX, CANVAS_PX, 3) uint8: the picture without the person, whose place is filled from around it."""
    size, kernel = (GROUND_PX, GROUND_PX), np.ones((5, 5), np.uint8)
    person = cv2.dilate((cv2.resize(matte, size) > 0.1).astype(np.uint8), kernel)
    filled = cv2.inpaint(cv2.resize(canvas, size, interpolation=cv2.INTER_AREA), person, 3, cv2.INPAINT_TELEA)
    near = cv2.GaussianBlur(cv2.resize(person.astype(np.float32), canvas.shape[1::-1]), (0, 0), 3)[..., None]
    return (canvas + near * (cv2.resize(filled, canvas.shape[1::-1]).astype(np.float32) - canvas)).astype(np.uint8)


def relight(canvas: np.ndarray, rng: np.random.Generator, grey: float = 0.2) -> np.ndarray:
    """Another exposure, contrast, colour and direction of the light; black and white with the chance `grey`."""
    light = (canvas.astype(np.float32) / 255) ** rng.uniform(0.6, 1.7) * rng.uniform(0.7, 1.2)
    light = light * rng.uniform(0.85, 1.15, 3)
    light = light * (1 + rng.uniform(-0.4, 0.4) * np.linspace(-1, 1, canvas.shape[1])[:, None])
    if rng.random() < grey:
        light = np.repeat(light.mean(axis=2, keepdims=True), 3, axis=2)
    return (255 * light).clip(0, 255).astype(np.uint8)


def turn(canvas: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Tilt and mirror the picture and its points."""
    matrix = cv2.getRotationMatrix2D(
        (CANVAS_PX / 2, CANVAS_PX / 2), float(rng.normal(0, 8)), float(rng.uniform(0.8, 1.05))
    )
    canvas = cv2.warpAffine(canvas, matrix, (CANVAS_PX, CANVAS_PX), borderMode=cv2.BORDER_REPLICATE)
    points = points @ matrix[:, :2].T + matrix[:, 2]
    if rng.random() < 0.5:
        canvas, points = np.ascontiguousarray(canvas[:, ::-1]), points * (-1, 1) + (CANVAS_PX - 1, 0)
    return canvas, points


def shrink(canvas: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As if the photo had been small, and compressed; the size in px stays."""
    side = int(CANVAS_PX * rng.uniform(0.2, 1) ** 1.2)
    small = cv2.resize(canvas, (side, side), interpolation=cv2.INTER_AREA)
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(40, 98))]
    read = np.asarray(cv2.imdecode(cv2.imencode(".jpg", small, quality)[1], cv2.IMREAD_COLOR))
    return cv2.resize(read, (CANVAS_PX, CANVAS_PX), interpolation=cv2.INTER_LINEAR)


def look_at(portrait: Portrait, viewer: HeadViewer, rng: np.random.Generator) -> HeadView:
    """The view of a variation, from a box as a detector might place it."""
    face = portrait.points[OWN_BOX]
    low, high = face.min(axis=0), face.max(axis=0)
    size = (high - low).max()
    low, high = low + rng.normal(0, 0.05, 2) * size, high + rng.normal(0, 0.05, 2) * size
    box = int(low[0]), int(low[1]), int(high[0]), int(high[1])
    return viewer.look(portrait.canvas, box)


OWN_BOX = [70, 300, 152, 234, 454]  # points that lie on the edges of a detector's box: brows, chin, cheeks
