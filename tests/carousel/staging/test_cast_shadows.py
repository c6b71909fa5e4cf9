"""Cast shadows: read from people in the scene, laid down like theirs, and none where there are none."""

import cv2
import numpy as np
import pytest

from carousel.staging.cast_shadows import FLAT, CastShadow, find_cast_shadow, lay_shadow
from common.people.selection import SegmentedPerson, person_of

SHAPE = (300, 400)


def standing(x: int, foot: int, height: int) -> np.ndarray:
    alpha = np.zeros(SHAPE, np.float32)
    alpha[foot - height : foot, x - height // 8 : x + height // 8] = 1
    return alpha


def sunny(
    shadow: CastShadow | None, places: tuple[tuple[int, int, int], ...]
) -> tuple[np.ndarray, list[SegmentedPerson]]:
    """A lawn with dark people at (x, foot, height), with this shadow."""
    scene = np.full((*SHAPE, 3), (120, 150, 90), np.float32) + np.random.default_rng(0).normal(0, 4, (*SHAPE, 1))
    figures = [standing(*place) for place in places]
    for figure, (_, _, height) in zip(figures, places, strict=True):
        if shadow:
            scene *= 1 - lay_shadow(shadow, figure, height)[..., None]
    for figure in figures:
        scene[figure > 0] = (60, 50, 70)
    return scene.clip(0, 255).astype(np.uint8), [person_of(figure > 0, 0.9) for figure in figures]


@pytest.mark.parametrize("direction", [(1.0, 0.0), (-0.8, -0.6), (0.9, -0.4), (-0.8, 0.6)])
def test_the_shadow_of_people_is_found_again(direction: tuple[float, float]) -> None:
    scene, people = sunny(CastShadow(direction, 0.8, 0.6), ((140, 210, 120), (270, 230, 130)))
    found = find_cast_shadow(scene, people)
    assert found is not None
    assert np.dot(found.direction, direction) > 0.9
    assert 0.4 <= found.length <= 1.0 and 0.4 < found.darkness < 0.7


def test_where_nobody_has_a_shadow_or_all_differ_there_is_none() -> None:
    places = ((140, 210, 120), (270, 230, 130))
    assert find_cast_shadow(*sunny(None, places)) is None
    assert find_cast_shadow(np.zeros((*SHAPE, 3), np.uint8), []) is None
    (one, first), (other, second) = (
        sunny(CastShadow(way, 0.8, 0.6), (place,)) for way, place in zip(((0.8, 0.6), (-0.8, 0.6)), places, strict=True)
    )
    assert find_cast_shadow(one, first) is not None and find_cast_shadow(other, second) is not None
    half = np.arange(SHAPE[1])[None, :, None] < 205
    assert find_cast_shadow(np.where(half, one, other).astype(np.uint8), [*first, *second]) is None


def test_a_dark_wall_behind_is_no_shadow() -> None:
    scene, people = sunny(None, ((200, 220, 120),))
    scene[:205] = 30
    scene[people[0].mask] = 80
    assert find_cast_shadow(scene, people) is None


def test_a_shadow_lies_where_its_direction_points_and_has_the_figures_length() -> None:
    alpha = standing(200, 200, 100)
    dark = lay_shadow(CastShadow((0.8, -0.6), 0.9, 0.5), alpha, 100)
    rows, columns = np.nonzero(dark > 0.05)
    assert dark.min() >= 0 and dark.max() == pytest.approx(1 - 0.5 ** (1 / 2.2), abs=0.02)
    assert columns.max() == pytest.approx(200 + 0.8 * 90 + 12, abs=5)
    assert rows.min() == pytest.approx(200 - 0.6 * 90 * FLAT, abs=5) and rows.max() <= 203
    near, far = dark[:, 205:215], dark[:, 265:275]
    assert cv2.Laplacian(near, cv2.CV_32F).std() > cv2.Laplacian(far, cv2.CV_32F).std(), "softer at the end"


def test_nothing_casts_no_shadow() -> None:
    assert not lay_shadow(CastShadow((1, 0), 1, 0.5), np.zeros(SHAPE, np.float32), 100).any()
