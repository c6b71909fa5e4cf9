"""Where a person stands: the ground told by people in the scene, room beside them, and what the user requested."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from carousel.staging.horizon import Horizon
from carousel.staging.placement import (
    FOOT,
    HALF_HEIGHT,
    HORIZON,
    NO_COVER,
    SLOPE,
    GroundPlane,
    RequestedPlacement,
    Silhouette,
    box_of,
    estimate_ground,
    find_placement,
    standing_people,
)
from common.errors import UserError
from common.people.selection import SegmentedPerson, person_of

SIZE = (800, 600)
SLIM = Silhouette(aspect=0.35, foot=0.5, is_half=False)
HALF = Silhouette(aspect=0.8, foot=0.5, is_half=True)
NOTHING = RequestedPlacement()

shares = st.floats(0.05, 0.95)


def person_in(box: tuple[int, int, int, int], size: tuple[int, int] = SIZE) -> SegmentedPerson:
    mask = np.zeros(size[::-1], bool)
    mask[box[1] : box[3], box[0] : box[2]] = True
    return person_of(mask, 0.9)


def people_on(ground: GroundPlane, feet: Sequence[int], lefts: Sequence[int]) -> list[SegmentedPerson]:
    boxes = []
    for foot, left in zip(feet, lefts, strict=True):
        tall = round(ground.height_at(foot))
        boxes.append((left, foot - tall, left + max(1, round(0.3 * tall)), foot))
    return [person_in(box) for box in boxes]


# ---- the ground ----


@given(
    camera_m=st.floats(1.2, 2.6),
    horizon=st.floats(100, 250),
    depths=st.lists(st.floats(4, 30), min_size=8, max_size=30),
)
def test_people_before_a_pinhole_camera_tell_the_height_at_their_feet(
    camera_m: float, horizon: float, depths: list[float]
) -> None:
    """A camera at this height with a focal length of 600 px sees people of 1.7 m at these distances, in m."""
    feet = [horizon + 600 * camera_m / depth for depth in depths]
    heights = [600 * 1.7 / depth for depth in depths]
    ground = estimate_ground(feet, heights, SIZE[1])
    for foot, height in zip(feet, heights, strict=True):
        assert ground.height_at(foot) == pytest.approx(height, rel=0.15)
    assert ground.foot_of(ground.height_at(400)) == pytest.approx(400)


def test_many_people_are_fitted_as_by_plain_least_squares() -> None:
    rng = np.random.default_rng(3)
    feet = rng.uniform(250, 550, 60)
    heights = (feet - 180) * 0.8 * rng.normal(1, 0.04, 60)
    ground = estimate_ground(feet.tolist(), heights.tolist(), 600)
    slope, offset = np.polyfit(feet, heights, 1, w=1 / heights)
    for foot in (260, 400, 540):
        assert ground.height_at(foot) == pytest.approx(slope * foot + offset, rel=0.03)


@pytest.mark.parametrize("seated", [1, 2, 3])
def test_people_who_sit_are_outvoted(seated: int) -> None:
    feet = [300.0, 340.0, 380.0, 420.0, 460.0, 500.0, 540.0]
    heights = [(foot - 200) * 0.9 for foot in feet]
    for number in range(seated):
        feet.append(350.0 + 60 * number)
        heights.append((feet[-1] - 200) * 0.9 * 0.55)
    ground = estimate_ground(feet, heights, 600)
    assert ground.height_at(420) == pytest.approx(220 * 0.9, rel=0.06)


def test_one_person_tells_the_horizon_and_eye_level_tells_the_rest() -> None:
    ground = estimate_ground([500], [300], 600)
    assert ground.slope == pytest.approx(SLOPE)
    assert ground.height_at(500) == pytest.approx(300)
    assert ground.horizon == pytest.approx(500 - 300 / SLOPE)


def test_people_on_one_foot_line_tell_no_slope() -> None:
    ground = estimate_ground([500, 500], [290, 310], 600)
    assert ground.slope == pytest.approx(SLOPE)
    assert ground.height_at(500) == pytest.approx(300, rel=0.01)


def test_two_people_at_different_distances_move_the_slope_towards_theirs() -> None:
    """A camera at twice the height: feet move twice as fast."""
    ground = estimate_ground([300, 560], [60, 190], 600)
    assert 0.5 <= ground.slope < 0.75 * SLOPE


def test_nobody_leaves_the_horizon_in_the_middle() -> None:
    assert estimate_ground([], [], 600) == GroundPlane(SLOPE, HORIZON * 600)


@given(st.lists(st.tuples(st.floats(1, 600), st.floats(1, 600)), min_size=1, max_size=12))
def test_whatever_is_found_the_ground_is_finite(found: list[tuple[float, float]]) -> None:
    ground = estimate_ground([foot for foot, _ in found], [height for _, height in found], 600)
    assert np.isfinite([ground.slope, ground.horizon]).all() and ground.slope > 0


def test_only_whole_upright_people_stand() -> None:
    whole, cut, lying = (
        person_in((100, 100, 160, 300)),
        person_in((300, 300, 400, 600)),
        person_in((500, 400, 700, 450)),
    )
    headless = person_in((10, 0, 60, 200))
    assert standing_people([whole, cut, lying, headless], SIZE[1]) == [whole]


# ---- requested ----


@given(x=shares, foot=st.floats(0.2, 1.4), height=st.floats(0.05, 2), is_half=st.booleans())
def test_requests_are_kept(x: float, foot: float, height: float, is_half: bool) -> None:
    figure = Silhouette(0.4, 0.3, is_half)
    people = [person_in((300, 100, 500, 500))]
    spot = find_placement(figure, SIZE, people, RequestedPlacement(x=x, foot=foot, height=height))
    assert (spot.x, spot.foot, spot.height) == pytest.approx((x * SIZE[0], foot * SIZE[1], height * SIZE[1]))


def test_a_foot_line_alone_gets_the_height_that_people_there_have() -> None:
    ground = GroundPlane(SLOPE, 200)
    people = people_on(ground, [320, 400, 480, 520], [20, 120, 500, 700])
    spot = find_placement(SLIM, SIZE, people, RequestedPlacement(foot=0.75))
    assert spot.foot == 450 and spot.height == pytest.approx(ground.height_at(450), rel=0.03)


def test_a_height_alone_gets_the_foot_line_where_people_are_so_high() -> None:
    ground = GroundPlane(SLOPE, 200)
    people = people_on(ground, [320, 400, 480, 520], [20, 120, 500, 700])
    spot = find_placement(SLIM, SIZE, people, RequestedPlacement(height=0.4))
    assert spot.height == pytest.approx(240) and spot.foot == pytest.approx(ground.foot_of(240), rel=0.03)


def test_feet_above_the_horizon_need_a_height() -> None:
    with pytest.raises(UserError, match=r"FOOT is 0\.4, at or above the horizon \(0\.50\); set HEIGHT too"):
        find_placement(SLIM, SIZE, [], RequestedPlacement(foot=0.4))
    assert find_placement(SLIM, SIZE, [], RequestedPlacement(foot=0.4, height=0.3)).height == pytest.approx(180)


# ---- proposals ----


def test_without_people_the_default_stands_in_the_middle_at_eye_level() -> None:
    spot = find_placement(SLIM, SIZE, [], NOTHING)
    left, top, right, bottom = box_of(SLIM, spot)
    assert spot.foot == pytest.approx(FOOT * 600) and spot.height == pytest.approx(SLOPE * (FOOT - HORIZON) * 600)
    assert (left + right) / 2 == pytest.approx(400, abs=10) and top > 0 and bottom < 600


@given(
    aspect=st.floats(0.15, 3),
    foot=st.floats(0, 1),
    is_half=st.booleans(),
    size=st.tuples(st.integers(64, 900), st.integers(64, 900)),
    boxes=st.lists(st.tuples(shares, shares, shares, shares), max_size=4),
)
@example(aspect=2.0, foot=0.0, is_half=False, size=(64, 359), boxes=[(0.5, 0.5, 0.5, 0.875), (0.5, 0.5, 0.5625, 0.25)])
def test_a_proposed_figure_lies_inside_the_scene(
    aspect: float, foot: float, is_half: bool, size: tuple[int, int], boxes: list[tuple[float, float, float, float]]
) -> None:
    people = []
    for a, b, c, d in boxes:
        (x1, x2), (y1, y2) = (
            sorted((round(a * size[0]), round(b * size[0]))),
            sorted((round(c * size[1]), round(d * size[1]))),
        )
        people.append(person_in((x1, y1, x2 + 1, y2 + 1), size))
    figure = Silhouette(aspect, foot, is_half)
    spot = find_placement(figure, size, people, NOTHING)
    left, top, right, bottom = box_of(figure, spot)
    assert left >= -0.5 and right <= size[0] + 0.5 and top >= -0.5 and bottom <= size[1] + 0.5
    assert spot.height > 0 and 0 <= spot.covered <= 1


@pytest.mark.parametrize("left", [60, 330, 620])
def test_nobody_is_covered_where_there_is_room(left: int) -> None:
    person = person_in((left, 150, left + 120, 500))
    spot = find_placement(SLIM, SIZE, [person], NOTHING)
    sides = box_of(SLIM, spot)
    assert spot.covered <= NO_COVER
    assert sides[2] <= left or sides[0] >= left + 120
    assert spot.height == pytest.approx(350, rel=0.11) and spot.foot == pytest.approx(500, rel=0.07)


def test_a_figure_too_wide_for_the_gaps_stands_further_back_and_is_smaller() -> None:
    people = [person_in((left, 320, left + 70, 560)) for left in range(0, 800, 130)]
    spot = find_placement(SLIM, SIZE, people, NOTHING)
    assert spot.covered <= NO_COVER and spot.height < 240 and spot.foot < 560


def test_before_a_closed_row_the_figure_stands_in_front_and_not_on_top_from_behind() -> None:
    people = [person_in((left, 260, left + 80, 500)) for left in range(0, 800, 80)]
    spot = find_placement(SLIM, SIZE, people, NOTHING)
    assert spot.covered > NO_COVER and spot.foot >= 500


def test_a_full_scene_is_covered_as_little_as_can_be() -> None:
    crowd = np.ones(SIZE[::-1], bool)
    crowd[:, 560:780] = False  # less than the figure needs
    wide = Silhouette(1.5, 0.5, False)
    spot = find_placement(wide, SIZE, [person_of(crowd, 0.9)], NOTHING)
    assert NO_COVER < spot.covered < 0.6
    left, _, right, _ = box_of(wide, spot)
    assert left <= 570 and right >= 770


def test_half_figures_stand_at_the_lower_edge() -> None:
    spot = find_placement(HALF, SIZE, [], NOTHING)
    assert spot.foot == 600 and spot.height == pytest.approx(HALF_HEIGHT * 600)
    beside = find_placement(HALF, SIZE, [person_in((330, 150, 470, 500))], NOTHING)
    assert beside.foot == 600 and beside.covered <= NO_COVER
    assert find_placement(HALF, SIZE, [], RequestedPlacement(height=0.5)).foot == 600


# ---- stature and horizon ----


@given(stature=st.floats(0.4, 1.2), is_empty=st.booleans())
def test_a_child_stands_on_the_line_of_adults_and_is_smaller(stature: float, is_empty: bool) -> None:
    ground = GroundPlane(SLOPE, 200)
    people = [] if is_empty else people_on(ground, [320, 400, 480, 520], [20, 120, 500, 700])
    adult = find_placement(SLIM, SIZE, people, RequestedPlacement(foot=0.8))
    child = find_placement(replace(SLIM, stature=stature), SIZE, people, RequestedPlacement(foot=0.8))
    assert child.foot == adult.foot and child.height == pytest.approx(stature * adult.height)
    free = find_placement(replace(SLIM, stature=stature), SIZE, people, NOTHING)
    base = estimate_ground(
        [person.box[3] for person in people], [person.box[3] - person.box[1] for person in people], SIZE[1]
    )
    assert free.height == pytest.approx(stature * base.height_at(free.foot), rel=0.02)


def test_a_horizon_gives_the_scale_of_an_empty_scene_and_people_overrule_it() -> None:
    low = Horizon(0.75, 1.0)
    spot = find_placement(SLIM, SIZE, [], NOTHING, horizon=low)
    assert spot.height == pytest.approx(SLOPE * (FOOT - 0.75) * 600) and "horizon" in spot.basis
    unsure = find_placement(SLIM, SIZE, [], NOTHING, horizon=Horizon(0.75, 0.5))
    assert spot.height < unsure.height < find_placement(SLIM, SIZE, [], NOTHING).height
    assert spot.plausibility > unsure.plausibility > find_placement(SLIM, SIZE, [], NOTHING).plausibility
    people = people_on(GroundPlane(SLOPE, 200), [320, 400, 480, 520], [20, 120, 500, 700])
    among = find_placement(SLIM, SIZE, people, NOTHING, horizon=low)
    assert among == find_placement(SLIM, SIZE, people, NOTHING) and among.plausibility > 0.9
