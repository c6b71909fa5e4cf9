"""The scene's own light: nothing in ordinary scenes, hue in tinted ones, darkness, direction, and grey scenes."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carousel.staging.scene_light import SceneLight, grain_of, lay_on_light, read_scene_light

SHAPE = (200, 300)
WINDOW = (slice(40, 190), slice(100, 200))
NOTHING = np.zeros(3, np.float32), 0.0, 0.0, np.zeros((2, 3), np.float32)


def figure(colour: tuple[int, int, int] = (180, 150, 130)) -> tuple[np.ndarray, np.ndarray]:
    """An ellipse of one colour with white and black parts, in the window."""
    alpha = np.zeros((150, 100), np.float32)
    cv2.ellipse(alpha, (50, 75), (25, 65), 0, 0, 360, 1.0, -1)
    colours = np.full((150, 100, 3), colour, np.uint8)
    colours[60:90], colours[100:120] = 225, 25
    return np.where(alpha[..., None] > 0, colours, 0).astype(np.uint8), alpha


def scene_of(gain: tuple[float, float, float] = (1, 1, 1), seed: int = 0) -> np.ndarray:
    """Patches of many colours, greys among them, in light of this colour."""
    rng = np.random.default_rng(seed)
    patches = rng.uniform(0.15, 0.9, (10, 15, 1)) + rng.normal(0, 0.12, (10, 15, 3)) * (rng.random((10, 15, 1)) < 0.5)
    patches[5, 7] = 0.05  # something black in the window
    linear = patches.clip(0.05, 0.95) ** 2.2 * np.array(gain)
    values = (255 * linear.clip(0, 1) ** (1 / 2.2)).astype(np.uint8)
    return cv2.resize(values, SHAPE[::-1], interpolation=cv2.INTER_NEAREST)


def mean_of(colours: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return colours[alpha > 0.5].astype(float).mean(axis=0)


def lit(scene: np.ndarray) -> tuple[np.ndarray, np.ndarray, SceneLight]:
    """The figure before and after, and the light."""
    colours, alpha = figure()
    light = read_scene_light(scene, colours, alpha, WINDOW)
    after = lay_on_light(light, scene[WINDOW], colours, alpha, original=colours)
    return mean_of(colours, alpha), mean_of(after, alpha), light


@pytest.mark.parametrize("seed", range(5))
def test_an_ordinary_scene_changes_nothing(seed: int) -> None:
    colours, alpha = figure()
    scene = scene_of(seed=seed)
    light = read_scene_light(scene, colours, alpha, WINDOW)
    assert light.certainty < 0.2 and light.colourless == 0
    after = lay_on_light(light, scene[WINDOW], colours, alpha, original=colours)
    assert np.abs(after.astype(int) - colours)[alpha > 0].mean() < 3


@pytest.mark.parametrize("gain", [(1.0, 0.25, 0.8), (1.0, 0.5, 0.2), (0.3, 0.5, 1.0)])
def test_in_tinted_light_the_person_is_tinted_alike(gain: tuple[float, float, float]) -> None:
    before, after, light = lit(scene_of(gain))
    wanted = np.log(gain) - np.log(gain)[1]
    found = light.tint - light.tint[1]
    assert found @ wanted / (np.linalg.norm(found) * np.linalg.norm(wanted)) > 0.9
    assert 0.4 * np.linalg.norm(wanted) < np.linalg.norm(found) < np.linalg.norm(wanted)
    ratio = after / before
    assert np.argmax(ratio) == np.argmax(gain) and np.argmin(ratio) == np.argmin(gain)


def test_a_person_who_is_tinted_already_stays() -> None:
    """The figure in the light of the scene it comes from."""
    gain = (1.0, 0.25, 0.8)
    colours, alpha = figure()
    own = (255 * ((colours / 255) ** 2.2 * gain) ** (1 / 2.2)).astype(np.uint8)
    light = read_scene_light(scene_of(gain), own, alpha, WINDOW)
    assert np.abs(light.tint).max() < 0.15


def test_meadows_are_green_in_white_light() -> None:
    colours, alpha = figure()
    rng = np.random.default_rng(3)
    meadow = (np.array([70, 120, 40]) + rng.integers(-25, 26, (*SHAPE, 3))).astype(np.uint8)
    assert np.abs(read_scene_light(meadow, colours, alpha, WINDOW).tint).max() < 0.3


@pytest.mark.parametrize("toned", [False, True])
def test_a_monochrome_scene_makes_a_monochrome_person(toned: bool) -> None:
    grey = cv2.cvtColor(cv2.cvtColor(scene_of(), cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    scene = (grey * np.array([1.0, 0.93, 0.8])).astype(np.uint8) if toned else grey
    colours, alpha = figure()
    light = read_scene_light(scene, colours, alpha, WINDOW)
    after = lay_on_light(light, scene[WINDOW], colours, alpha, original=colours)[alpha > 0.9].astype(int)
    assert light.colourless == 1
    assert (after[:, 0] >= after[:, 2]).mean() > 0.9 if toned else np.ptp(after, axis=1).max() <= 4


def test_on_dark_ground_the_person_is_darker_and_on_bright_ground_nothing_is_said() -> None:
    dark, bright = np.full((*SHAPE, 3), 25, np.uint8), np.full((*SHAPE, 3), 170, np.uint8)
    before, after, light = lit(dark)
    assert light.darker_ev > 0.8 and after.mean() < 0.85 * before.mean()
    assert lit(bright)[2].darker_ev == 0


def test_the_brighter_side_lights_that_side() -> None:
    colours, alpha = figure()
    scene = np.full((*SHAPE, 3), 20, np.uint8)
    scene[:120, :110] = (250, 180, 90)
    light = read_scene_light(scene, colours, alpha, WINDOW)
    assert light.sides[0].max() < -0.3, "the left one"
    after = lay_on_light(light, scene[WINDOW], np.full_like(colours, 128), alpha, original=colours).astype(float)
    left, right = after[70:80, 30:40].mean(), after[70:80, 60:70].mean()
    assert left > 1.1 * right


@given(st.integers(0, 1000), st.floats(0, 1))
def test_where_alpha_is_0_nothing_changes_and_a_strength_of_0_changes_nothing(seed: int, strength: float) -> None:
    rng = np.random.default_rng(seed)
    colours, alpha = figure()
    light = SceneLight(rng.normal(0, 1, 3).astype(np.float32), 1.0, rng.random(), rng.uniform(-1, 1, (2, 3)))
    scene = scene_of(seed=seed)[WINDOW]
    assert (lay_on_light(light, scene, colours, alpha, strength=0, original=colours) == colours).all()
    after = lay_on_light(light, scene, colours, alpha, strength=strength, original=colours)
    assert after.dtype == np.uint8 and (after[:10] == colours[:10]).all(), "outside the figure's box"


def test_a_figure_without_solid_pixels_is_no_error() -> None:
    colours, alpha = figure()
    light = read_scene_light(scene_of(), colours, alpha * 0.3, WINDOW)
    assert light.certainty == 0 and str(light)


def test_blacks_are_not_lifted_above_the_scenes() -> None:
    colours, alpha = figure()
    light = SceneLight(*NOTHING)
    lifted = np.where(alpha[..., None] > 0, 40 + colours * (215 / 255), 0).astype(np.uint8)
    dark, fog = scene_of()[WINDOW].copy(), np.full((150, 100, 3), 140, np.uint8)
    dark[:, :10] = 5
    black = (slice(105, 115), slice(40, 60))
    assert lay_on_light(light, dark, lifted, alpha, original=colours)[black].mean() < 36, "of 61"
    assert (lay_on_light(light, fog, lifted, alpha, original=colours) == lifted).all()
    assert (lay_on_light(light, dark, colours, alpha, original=colours) == colours).all()


def test_a_grainy_scene_makes_a_grainy_person() -> None:
    colours, alpha = figure()
    grainy = (128 + np.random.default_rng(0).normal(0, 6, (150, 100, 1)).repeat(3, axis=2)).astype(np.uint8)
    assert grain_of(grainy) == pytest.approx(6, rel=0.25)
    after = lay_on_light(SceneLight(*NOTHING), grainy, colours, alpha, original=colours)
    skin = (slice(30, 55), slice(42, 58))
    assert 3 < after[skin].std(axis=(0, 1)).mean() < 9 and colours[skin].std(axis=(0, 1)).max() == 0
