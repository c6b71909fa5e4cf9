"""Complete drawn scenes: a backdrop, people in its light, shadows and masks.

scene = draw_scene(np.random.default_rng(0), 384, 256)
"""

from dataclasses import dataclass

import cv2
import numpy as np

from carousel.drawing.backdrops import KINDS
from carousel.drawing.canvas import Canvas, bloom, blurred, develop, film_grain, to_picture
from carousel.drawing.characters import CALM, LIVELY, draw_figure, random_look, random_pose
from carousel.drawing.height_fields import DrawnFigure, relight
from carousel.drawing.scene_building import SceneBuilder

SUPERSAMPLING = 2  # everything is painted this much larger
BRIGHTEST = 1.8  # light is cut here before it is reduced, so that edges before lamps stay smooth
BEFORE_LAMPS = 0.6  # share of the glare that a person keeps off who stands before a lamp
MIN_GAP = 0.02  # between two people, in heights of the picture


@dataclass(frozen=True)
class Scene:
    """A drawn scene.

    Attributes:
        kind: key of KINDS.
        photo: (H, W, 3) uint8 sRGB with people.
        plate: the scene without them and their shadows.
        masks: one a person, (H, W) uint8 of 0 or 255, from far to near: where the person covers at least half of a
            pixel and nobody stands before it.
    """

    kind: str
    photo: np.ndarray
    plate: np.ndarray
    masks: list[np.ndarray]


@dataclass(frozen=True)
class PlacedFigure:
    """A person in a scene: the figure, its light, and the pixel of the painting at its upper left corner."""

    figure: DrawnFigure
    light: np.ndarray
    left: int
    top: int
    foot: float


def draw_scene(rng: np.random.Generator, width: int, height: int, kind: str = "") -> Scene:
    """Draw one scene, by the generator alone.

    Args:
        rng: random generator; equal states draw equal scenes.
        width, height: of the pictures, in pixels.
        kind: key of KINDS; empty: random.
    """
    kind = kind or str(rng.choice(list(KINDS)))
    canvas = Canvas(width * SUPERSAMPLING, height * SUPERSAMPLING)
    setting = KINDS[kind](rng, canvas)
    people = place_people(setting)
    grain = film_grain(rng, width, height)
    spread = bloom(canvas.light, setting.bloom)
    air = np.float32(0) if setting.front is None else setting.front
    painted, alphas = _with_people(setting, people)
    hidden = 1 - sum(alphas, np.zeros_like(spread[..., 0]))[..., None] * np.float32(BEFORE_LAMPS)
    photo, plate = (
        to_picture(develop(_reduce(np.minimum(light, BRIGHTEST), width, height), setting.film), grain, setting.film)
        for light in (painted + spread * hidden + air, canvas.light + spread + air)
    )
    masks = [np.where(_reduce(alpha, width, height) >= 0.5, 255, 0).astype(np.uint8) for alpha in alphas]
    return Scene(kind, photo, plate, masks)


def _reduce(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def place_people(setting: SceneBuilder) -> list[PlacedFigure]:
    """Place one to three people who do not overlap, from far to near."""
    rng = setting.rng
    count = int(rng.choice((1, 2, 2, 3)))
    feet = sorted(rng.uniform(0.86 if count > 1 else 0.93, 0.975) for _ in range(count))
    if rng.random() < 0.15:
        feet[-1] = rng.uniform(1.15, 1.4)  # somebody near, seen down to the hips
    shares = [float(share) for share in rng.permutation(np.linspace(0, 1, count + 2)[1:-1] if count > 1 else [0.5])]
    low, high = setting.floor
    placed: list[PlacedFigure] = []
    taken: list[tuple[float, float]] = []
    for foot, share in zip(feet, shares, strict=True):
        x = setting.aspect * (low + (high - low) * (share + rng.normal(0, 0.05 if count > 1 else 0.18)))
        person = _person(setting, x, foot)
        scale = setting.canvas.raster.scale
        sides = person.left / scale, (person.left + person.figure.alpha.shape[1]) / scale
        inside = sides[0] > -0.02 and sides[1] < setting.aspect + 0.02
        free = all(sides[1] + MIN_GAP < a or sides[0] - MIN_GAP > b for a, b in taken)
        if (inside and free) or (not placed and foot == feet[-1]):
            placed.append(person)
            taken.append(sides)
    return placed


def _person(setting: SceneBuilder, x: float, foot: float) -> PlacedFigure:
    rng, scale = setting.rng, setting.canvas.raster.scale
    child = bool(rng.random() < 0.12) and foot < 1
    look = random_look(rng, setting.style, child)
    pose = random_pose(rng, LIVELY if setting.poses == "lively" and rng.random() < 0.75 else CALM)
    metre = setting.ground.metre(foot)
    figure = draw_figure(rng, look, pose, 1.75 * metre * scale)
    chest = foot - 1.25 * metre
    lighting = setting.lighting(x, foot, chest, setting.ground.distance(foot))
    left, top = round(x * scale - figure.foot[0]), round(foot * scale - figure.foot[1])
    return PlacedFigure(figure, relight(figure, lighting), left, top, foot)


def _with_people(setting: SceneBuilder, people: list[PlacedFigure]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the painting with shadows and people, and the visible part of each person."""
    light = setting.canvas.light.copy()
    for person in people:
        _cast_shadows(setting, person, light)
    alphas: list[np.ndarray] = []
    for person in people:
        alpha = np.zeros(light.shape[:2], np.float32)
        window, inner = _overlap(person, light.shape)
        alpha[window] = person.figure.alpha[inner]
        light[window] += (person.light[inner] - light[window]) * alpha[window][..., None]
        alphas = [*(farther * (1 - alpha) for farther in alphas), alpha]
    return light, alphas


def _overlap(person: PlacedFigure, shape: tuple[int, ...]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    height, width = person.figure.alpha.shape
    top, left = max(person.top, 0), max(person.left, 0)
    bottom, right = min(person.top + height, shape[0]), min(person.left + width, shape[1])
    outer = slice(top, bottom), slice(left, right)
    inner = slice(top - person.top, bottom - person.top), slice(left - person.left, right - person.left)
    return outer, inner


def _cast_shadows(setting: SceneBuilder, person: PlacedFigure, light: np.ndarray) -> None:
    """Darken the ground around the feet, and a longer soft shadow away from the strongest lamp."""
    figure, scale = person.figure, setting.canvas.raster.scale
    tall = figure.height_px
    x, y = person.left + figure.foot[0], person.foot * scale + 0.010 * tall  # the toes reach a little nearer
    window = (
        slice(max(0, int(y - 0.5 * tall)), min(light.shape[0], int(y + 0.7 * tall))),
        slice(max(0, int(x - 1.1 * tall)), min(light.shape[1], int(x + 1.1 * tall))),
    )
    size = (window[1].stop - window[1].start, window[0].stop - window[0].start)
    if min(size) < 2:
        return
    shift = x - window[1].start, y - window[0].start
    share = np.zeros(size[::-1], np.float32)
    for lean, flat, soft, depth in _shadow_forms(setting):
        across = [1, -lean, shift[0] - figure.foot[0] + lean * figure.foot[1]]
        matrix = np.array([across, [0, -flat, shift[1] + flat * figure.foot[1]]], np.float32)
        thrown = blurred(cv2.warpAffine(figure.alpha, matrix, size), soft * tall)
        share = 1 - (1 - share) * (1 - thrown * np.float32(depth))
    left_over = setting.sky * 0.18
    light[window] *= 1 - share[..., None] * (1 - left_over)


def _shadow_forms(setting: SceneBuilder) -> list[tuple[float, float, float, float]]:
    """Return shear, flatness, softness and depth of each shadow: at the feet, and away from the sun."""
    deep = min(0.9, 1.35 * setting.shadow)
    forms = [(0.0, -0.03, 0.010, deep), (0.0, 0.05, 0.028, 0.7 * setting.shadow)]
    if setting.sun is not None:
        sx, sy, sz = setting.sun.direction
        strength = float(setting.sun.light.mean()) / float(setting.sun.light.mean() + 0.55 * setting.sky.mean())
        lean = -sx / max(sy, 0.25) * 0.9
        flat = float(np.clip(-sz / max(sy, 0.25) * 0.28, -0.30, 0.55))
        lean = float(np.clip(lean, -1.3, 1.3))
        flat = flat if abs(flat) > 0.06 else 0.06
        forms.append((lean, flat, 0.008 + 0.03 * setting.sun.wrap, 1.25 * strength * setting.shadow))
    return forms
