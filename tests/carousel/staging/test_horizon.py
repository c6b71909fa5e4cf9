"""The horizon: where drawn parallels meet, and none where nothing does."""

import cv2
import numpy as np
import pytest

from carousel.staging.horizon import find_horizon
from common.images import read_image
from tests.helpers import REAL_DATA, needs_real_data


@pytest.mark.parametrize(("x", "y"), [(0.5, 0.6), (0.3, 0.45), (0.8, 0.7)])
def test_parallels_on_the_ground_meet_at_the_horizon(x: float, y: float) -> None:
    width, height = 480, 320
    scene = np.full((height, width, 3), 120, np.uint8)
    point = np.array([x * width, y * height])
    for foot in np.linspace(-0.6, 1.6, 7):
        end = np.array([foot * width, 1.2 * height])
        near, far = (tuple(int(v) for v in point + share * (end - point)) for share in (0.2, 1))
        cv2.line(scene, near, far, (220, 220, 220), 3, cv2.LINE_AA)
    horizon = find_horizon(scene)
    assert horizon is not None and horizon.row == pytest.approx(y, abs=0.02) and horizon.certainty == 1


def test_a_plain_scene_and_one_of_random_lines_say_nothing() -> None:
    assert find_horizon(np.full((200, 300, 3), 90, np.uint8)) is None
    rng = np.random.default_rng(4)
    scene = np.full((320, 480, 3), 120, np.uint8)
    for start, end in rng.integers(0, 480, (40, 2, 2)):
        cv2.line(scene, tuple(map(int, start)), tuple(map(int, end)), (220, 220, 220), 2, cv2.LINE_AA)
    assert find_horizon(scene) is None


@needs_real_data("carousel_cases")
def test_a_road_and_a_house_show_it() -> None:
    for name, row in (("gray_road", 0.78), ("dusk_house", 0.63)):
        scene = np.asarray(read_image(REAL_DATA / f"carousel_cases/{name}.png", "RGB"))
        horizon = find_horizon(scene)
        assert horizon is not None and horizon.row == pytest.approx(row, abs=0.04) and horizon.certainty > 0.9
