"""Half figures that their photo cuts at the sides become busts."""

import numpy as np
import pytest

from carousel.staging.cut_sides import shape_cut_sides
from carousel.staging.person_cutout import trim_cutout

HEIGHT, WIDTH = 200, 160


def figure(body: slice = slice(0, WIDTH), head: slice = slice(60, 100), top: int = 10) -> np.ndarray:
    """A head above shoulders that reach the lower edge."""
    rgba = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    rgba[top:90, head], rgba[90:, body] = (200, 150, 120, 255), (40, 40, 60, 255)
    return rgba


def test_a_cut_side_is_drawn_in_more_and_more_towards_the_lower_edge() -> None:
    alpha = shape_cut_sides(figure(), (0, 10, WIDTH, HEIGHT), left=True, right=True, top=False)[..., 3]
    wide = (alpha >= 128).sum(axis=1)[90:]
    assert wide[1] > 0.97 * WIDTH and (np.diff(wide.astype(int)) <= 0).all() and 0.5 * WIDTH < wide[-1] < 0.6 * WIDTH
    assert np.abs(alpha.astype(int) - alpha[:, ::-1])[90:].max() <= 1
    assert (alpha[10:90, 60:100] == 255).all()  # the head is as it was


@pytest.mark.parametrize(("left", "right"), [(True, False), (False, True), (False, False)])
def test_a_side_that_the_photo_does_not_cut_stays(left: bool, right: bool) -> None:
    before = figure()
    alpha = shape_cut_sides(before, (0, 10, WIDTH, HEIGHT), left=left, right=right, top=False)[..., 3]
    half = WIDTH // 2
    assert ((alpha[:, :half] == before[:, :half, 3]).all(), (alpha[:, half:] == before[:, half:, 3]).all()) == (
        not left,
        not right,
    )


def test_a_cut_head_gets_a_dome_and_a_free_one_stays() -> None:
    cut = figure(head=slice(40, 120), top=0)
    alpha = shape_cut_sides(cut, (0, 0, WIDTH, HEIGHT), left=False, right=False, top=True)[..., 3]
    assert alpha[1, 42] == 0 and alpha[3, 80] == 255 and (alpha[30:] == cut[30:, :, 3]).all()
    slim = figure(head=slice(70, 90), top=0)
    assert (shape_cut_sides(slim, (0, 0, WIDTH, HEIGHT), left=True, right=False, top=True)[:90] == slim[:90]).all()


def test_only_half_figures_that_meet_the_photos_edge_become_busts() -> None:
    assert (trim_cutout(figure(), is_half=True).rgba[-1, :, 3] >= 128).sum() < 0.6 * WIDTH
    free = np.pad(figure(), ((20, 0), (20, 20), (0, 0)))
    assert (trim_cutout(free, is_half=True).rgba[-1, :, 3] >= 128).sum() == WIDTH
    assert (trim_cutout(figure(), is_half=False).rgba[-1, :, 3] >= 128).sum() == WIDTH
