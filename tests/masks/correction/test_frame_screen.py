import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from masks.correction.boxes import Box, whole
from masks.correction.frame_screen import MASK_EDGE, SURROUND, FrameScreen, as_bytes, difference, packed, resampled
from masks.correction.viewport import KEPT_PX, MAX_ZOOM, MIN_ZOOM, Viewport
from masks.sets.pairs import MASK_COLOUR

VIEWPORTS = st.builds(Viewport, st.floats(0.1, 20), st.floats(-300, 300), st.floats(-300, 300))
POINT = st.tuples(st.floats(-500, 500), st.floats(-500, 500))
VIEW = (90, 120)


def random_picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    picture = np.random.default_rng(seed).integers(0, 255, (height, width, 4), dtype=np.uint8)
    picture[..., 3] = 255
    return picture


# ---- zoom ----


@given(VIEWPORTS, POINT)
def test_screen_and_frame_are_each_others_inverse(viewport: Viewport, point: tuple[float, float]) -> None:
    assert viewport.to_screen(viewport.to_frame(point)) == pytest.approx(point, abs=1e-6)
    path = viewport.path_on_screen(np.array([point, (0, 0)]))
    assert path[0] == pytest.approx(viewport.to_screen(point))


@given(VIEWPORTS, POINT, st.floats(0.01, 100))
def test_the_point_under_the_cursor_stays_there_while_zooming(
    viewport: Viewport, point: tuple[float, float], factor: float
) -> None:
    zoomed = viewport.zoomed(factor, point)
    assert MIN_ZOOM <= zoomed.zoom <= MAX_ZOOM
    assert zoomed.to_frame(point) == pytest.approx(viewport.to_frame(point), abs=1e-6)


@pytest.mark.parametrize("frame", [(8, 8), (512, 512), (2048, 1000), (60, 4000)])
def test_fit_shows_the_whole_frame_in_the_middle(frame: tuple[int, int]) -> None:
    viewport = Viewport.fit(Box(0, 0, *frame), (600, 1000))
    left, top = viewport.to_screen((0, 0))
    right, bottom = viewport.to_screen((frame[1], frame[0]))
    assert left >= 0 and top >= 0 and right <= 1000 and bottom <= 600
    assert abs(left - (1000 - right)) <= 1.5 and abs(top - (600 - bottom)) <= 1.5


@given(VIEWPORTS, st.floats(-9999, 9999), st.floats(-9999, 9999))
def test_a_frame_cannot_be_moved_out_of_view(viewport: Viewport, x: float, y: float) -> None:
    kept = viewport.moved(x, y).kept_in_view((512, 512), VIEW)
    left, top = kept.to_screen((0, 0))
    right, bottom = kept.to_screen((512, 512))
    assert left <= VIEW[1] - KEPT_PX and top <= VIEW[0] - KEPT_PX
    assert right >= KEPT_PX - 1e-6 and bottom >= KEPT_PX - 1e-6


# ---- pictures ----


def test_the_difference_is_dark_where_frames_are_equal_and_brightest_where_they_differ_most() -> None:
    base, clothed = np.zeros((1, 4, 4), np.uint8), np.zeros((1, 4, 4), np.uint8)
    base[0, :, :] = clothed[0, :, :] = (90, 90, 90, 255)
    clothed[0, 1, 0] += 4
    clothed[0, 2, 1] = 255
    base[0, 3], clothed[0, 3] = (0, 0, 0, 0), (255, 255, 255, 0)  # hidden colours
    light = difference(base, clothed)[0, :, :3].sum(axis=1, dtype=int)
    assert light[0] < light[1] < light[2] and light[3] == light[0]
    assert light[1] - light[0] > 20, "a difference of 4 in 255 can be seen"


def test_enlarged_pixels_are_hard_and_lie_where_the_viewport_says() -> None:
    picture = random_picture(6, 8)
    viewport = Viewport(7.3, -11, 4)
    box = Box(4, 0, 40, 40)
    shown = resampled(picture, viewport, box)
    for row, column in [(0, 0), (13, 27), (35, 39)]:
        x, y = viewport.to_frame((box.left + column + 0.5, box.top + row + 0.5))
        assert (shown[row, column] == picture[int(y), int(x)]).all()


def test_reduced_pictures_are_averages() -> None:
    picture = random_picture(400, 400)
    shown = resampled(picture, Viewport(0.1, 10, 20), Box(20, 10, 60, 50))
    means = picture.reshape(40, 10, 40, 10, 4).mean(axis=(1, 3))
    assert np.abs(shown - means).max() <= 1


# ---- the view ----


def test_the_mask_is_tinted_and_has_a_contour_and_the_rest_is_the_picture() -> None:
    picture, mask = random_picture(30, 30), np.zeros((30, 30), bool)
    mask[10:20, 5:25] = True
    screen = FrameScreen(VIEW)
    screen.lay_out(picture, Viewport(3, 10, 0), None, (MASK_COLOUR, 0.5))
    plain = screen.pixels.copy()
    screen.paint(None, whole(screen.pixels))
    plain = screen.pixels.copy()
    assert (plain[:, :10] == packed(SURROUND)).all() and (
        as_bytes(plain)[:, 10:100] == picture.repeat(3, 0).repeat(3, 1)
    ).all()
    screen.paint(mask, whole(screen.pixels))
    shown = as_bytes(screen.pixels)
    inner = shown[31:59, 26:84].astype(int)
    before = as_bytes(plain)[31:59, 26:84].astype(int)
    pink = np.array([255, 61, 154, 255])
    assert (np.abs(inner - (before + pink) / 2) <= 1).all()
    assert (screen.pixels[30, 25:85] == packed(MASK_EDGE)).all() and (
        screen.pixels[30:60, 84] == packed(MASK_EDGE)
    ).all()
    outside = np.ones(VIEW, bool)
    outside[29:61, 24:86] = False
    assert (screen.pixels[outside] == plain[outside]).all()


@given(
    st.integers(0, 10**6),
    st.floats(0.2, 9),
    st.floats(-60, 100),
    st.floats(-60, 80),
    st.tuples(st.integers(0, 25), st.integers(0, 25), st.integers(1, 15), st.integers(1, 15)),
)
def test_painting_the_touched_box_gives_what_painting_everything_gives(
    seed: int, zoom: float, left: float, top: float, changed: tuple[int, int, int, int]
) -> None:
    rng = np.random.default_rng(seed)
    picture, mask, onion = random_picture(40, 40, seed), rng.random((40, 40)) < 0.5, rng.random((40, 40)) < 0.5
    viewport = Viewport(zoom, left, top)
    screen = FrameScreen(VIEW)
    screen.lay_out(picture, viewport, onion, (MASK_COLOUR, 0.4))
    screen.paint(mask, whole(screen.pixels))
    row, column, height, width = changed
    box = Box(row, column, row + height, column + width)
    mask[box.slices] ^= rng.random((height, width)) < 0.5
    painted = screen.paint(mask, viewport.box_on_screen(box))
    in_part = screen.pixels.copy()
    everything = FrameScreen(VIEW)
    everything.lay_out(picture, viewport, onion, (MASK_COLOUR, 0.4))
    everything.paint(mask, whole(everything.pixels))
    assert (in_part == everything.pixels).all()
    assert painted.within(whole(in_part)) == painted


def test_a_mask_that_is_cut_by_the_edge_of_the_view_has_no_contour_there() -> None:
    screen = FrameScreen(VIEW)
    screen.lay_out(random_picture(40, 40), Viewport(9, -50, -50), None, (MASK_COLOUR, 0.4))
    screen.paint(np.ones((40, 40), bool), whole(screen.pixels))
    assert not (screen.pixels == packed(MASK_EDGE)).any()


def test_transparency_shows_a_checkerboard() -> None:
    screen = FrameScreen(VIEW)
    screen.lay_out(np.zeros((40, 40, 4), np.uint8), Viewport(2, 10, 5), None, None)
    screen.paint(None, whole(screen.pixels))
    inside = screen.pixels[5:85, 10:90]
    assert len(np.unique(inside)) == 2 and packed(SURROUND) not in inside
