import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.path import Path as Polygon

from masks.correction.boxes import Box, Point
from masks.correction.tools import Brush, Region, brush_outline, brush_rows, flood, lasso, sweep

SHAPE = (48, 64)
POINT = st.tuples(st.floats(-30, 90, width=32), st.floats(-30, 80, width=32))
BRUSHES = st.builds(Brush, st.integers(1, 13), st.booleans(), st.sampled_from([1, 2, 8]))


def picture_of(region: Region, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[region.box.slices] = region.pixels
    return mask


def dabs(brush: Brush, start: Point, end: Point, shape: tuple[int, int]) -> np.ndarray:
    """A naive brush: stamped cell by cell along the line that it moves on."""
    mask = np.zeros(shape, bool)
    (row, column), (last_row, last_column) = brush.corner(start), brush.corner(end)
    steps = max(abs(last_row - row), abs(last_column - column), 1)
    for step in range(steps + 1):
        top = row + (2 * step * (last_row - row) + steps) // (2 * steps)
        left = column + (2 * step * (last_column - column) + steps) // (2 * steps)
        for i in range(brush.size):
            for j in range(brush.size):
                u, v = 2 * i + 1 - brush.size, 2 * j + 1 - brush.size
                if brush.is_round and u * u + v * v > max(brush.size**2 - 2, 0):
                    continue
                cell = brush.cell_px
                y, x = (top + i) * cell, (left + j) * cell
                if y >= 0 and x >= 0:
                    mask[y : y + cell, x : x + cell] = True
    return mask


# ---- boxes ----


def test_boxes_share_join_and_grow() -> None:
    a, b = Box(0, 0, 4, 6), Box(2, 3, 9, 5)
    assert a.within(b) == Box(2, 3, 4, 5) and a.joined(b) == Box(0, 0, 9, 6)
    assert a.within(Box(5, 0, 9, 9)).is_empty and not a.is_empty
    assert Box(0, 0, 0, 0).joined(b) == b == b.joined(Box(0, 0, 0, 0))
    assert b.grown(1) == Box(1, 2, 10, 6)


# ---- brush ----


@given(BRUSHES, POINT, POINT)
def test_a_stroke_is_the_brush_stamped_at_every_cell_of_the_way(brush: Brush, start: Point, end: Point) -> None:
    assert (picture_of(sweep(brush, start, end, SHAPE)) == dabs(brush, start, end, SHAPE)).all()


@given(st.integers(1, 8), st.integers(0, 7), st.integers(0, 5), st.floats(0, 7.99), st.floats(0, 7.99))
def test_one_click_of_a_brush_of_one_is_the_art_pixel_under_the_cursor(
    size: int, column: int, row: int, x: float, y: float
) -> None:
    mask = picture_of(sweep(Brush(1, cell_px=8), (column * 8 + x, row * 8 + y), (column * 8 + x, row * 8 + y), SHAPE))
    expected = np.zeros(SHAPE, bool)
    expected[row * 8 : row * 8 + 8, column * 8 : column * 8 + 8] = True
    assert (mask == expected).all()


@pytest.mark.parametrize(
    ("size", "rows"),
    [(1, [1]), (2, [2, 2]), (3, [1, 3, 1]), (4, [2, 4, 4, 2]), (5, [3, 5, 5, 5, 3]), (7, [3, 5, 7, 7, 7, 5, 3])],
)
def test_round_brushes_are_the_discs_that_pixel_artists_know(size: int, rows: list[int]) -> None:
    first, end = brush_rows(size, True)
    assert (end - first).tolist() == rows and (first == size - end).all()


def test_a_large_round_brush_covers_the_area_of_its_circle() -> None:
    region = sweep(Brush(200), (300, 300), (300, 300), (600, 600))
    assert region.pixels.sum() == pytest.approx(np.pi * 100**2, rel=0.01)
    assert region.box == Box(200, 200, 400, 400)


def test_a_stroke_outside_the_frame_changes_nothing() -> None:
    assert sweep(Brush(9), (-50, -50), (-20, 300), SHAPE).box.is_empty


@given(BRUSHES, st.tuples(st.floats(0, 63, width=32), st.floats(0, 47, width=32)))
def test_the_outline_runs_around_exactly_the_pixels_that_a_click_paints(brush: Brush, at: Point) -> None:
    outline = brush_outline(brush, at)
    assert (outline[0] == outline[-1]).all()
    assert (np.abs(np.diff(outline, axis=0)).min(axis=1) == 0).all(), "along the sides of pixels"
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5
    inside = Polygon(outline).contains_points(np.stack([x.ravel(), y.ravel()], axis=1)).reshape(SHAPE)
    assert (inside == picture_of(sweep(brush, at, at, SHAPE))).all()


# ---- flood ----


def naive_flood(picture: np.ndarray, row: int, column: int, tolerance: int) -> np.ndarray:
    seen = np.where(picture[..., 3:] > 0, picture, 0).astype(int)
    mask = np.zeros(picture.shape[:2], bool)
    waiting: list[tuple[int, int]] = [(row, column)]
    while waiting:
        y, x = waiting.pop()
        if not (0 <= y < len(mask) and 0 <= x < len(mask[0])) or mask[y, x]:
            continue
        if np.abs(seen[y, x] - seen[row, column]).max() <= tolerance:
            mask[y, x] = True
            waiting += [(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)]
    return mask


@given(st.integers(0, 10**6), st.integers(0, 120), st.sampled_from([1, 4]))
def test_flood_takes_what_a_naive_flood_takes(seed: int, tolerance: int, cell: int) -> None:
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 3, (10, 12, 4), dtype=np.uint8) * 60
    picture = small.repeat(cell, axis=0).repeat(cell, axis=1)
    row, column = (int(rng.integers(n)) for n in picture.shape[:2])
    region = flood(picture, (column + 0.5, row + 0.5), tolerance, cell)
    assert (region.pixels == naive_flood(picture, row, column, tolerance)).all()


def test_flood_does_not_leak_through_a_corner_or_into_another_alpha() -> None:
    picture = np.zeros((4, 4, 4), np.uint8)
    picture[:2, :2] = picture[2:, 2:] = (200, 30, 30, 255)
    picture[2:, :2] = (200, 30, 30, 90)
    region = flood(picture, (0.5, 0.5), 20)
    assert region.pixels.sum() == 4 and region.pixels[:2, :2].all()


def test_hidden_colours_of_transparent_pixels_do_not_stop_a_flood() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (9, 9, 4), dtype=np.uint8)
    picture[..., 3] = 0
    assert flood(picture, (4, 4), 0).pixels.all()


# ---- lasso ----


@settings(max_examples=40)
@given(st.lists(POINT, min_size=3, max_size=9), st.sampled_from([2, 8]))
def test_lasso_takes_the_cells_whose_middle_is_inside_by_the_even_odd_rule(points: list[Point], cell: int) -> None:
    mask = picture_of(lasso(points, SHAPE, cell))
    for row in range(SHAPE[0] // cell):
        for column in range(SHAPE[1] // cell):
            block = mask[row * cell : (row + 1) * cell, column * cell : (column + 1) * cell]
            x, y = (column + 0.5) * cell, (row + 0.5) * cell
            distance = distance_to_loop((x, y), points)
            assert block.all() or not block.any()
            if distance > 1e-6:
                assert block.all() == is_inside((x, y), points), (x, y)


def is_inside(point: Point, loop: list[Point]) -> bool:
    """How often a ray to the left crosses the loop, odd or even."""
    x, y = point
    crossings = 0
    for (x0, y0), (x1, y1) in zip(loop, [*loop[1:], loop[0]], strict=True):
        if (y0 <= y) != (y1 <= y) and x0 + (y - y0) * (x1 - x0) / (y1 - y0) < x:
            crossings += 1
    return crossings % 2 == 1


def distance_to_loop(point: Point, loop: list[Point]) -> float:
    starts = np.array(loop)
    sides = np.roll(starts, -1, axis=0) - starts
    shares = ((point - starts) * sides).sum(axis=1) / np.maximum((sides**2).sum(axis=1), 1e-12)
    nearest = starts + np.clip(shares, 0, 1)[:, None] * sides
    return float(np.hypot(*(point - nearest).T).min())


def test_a_lasso_of_a_rectangle_is_the_rectangle_and_a_click_is_nothing() -> None:
    mask = picture_of(lasso([(3, 5), (20, 5), (20, 11), (3, 11)], SHAPE))
    assert mask[5:11, 3:20].all() and mask.sum() == 6 * 17
    assert not lasso([(3, 3)], SHAPE).pixels.any() and not lasso([(3, 3), (30, 20)], SHAPE).pixels.any()


def test_a_lasso_that_leaves_the_frame_is_cut() -> None:
    mask = picture_of(lasso([(-100, -100), (500, -100), (500, 20), (-100, 20)], SHAPE))
    assert mask[:20].all() and not mask[20:].any()
