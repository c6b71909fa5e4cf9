"""What is enlarged keeps sharp, smooth outlines and calm areas."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from avatar.drawing.avatars import draw_avatar
from avatar.drawing.picture_folder import character
from avatar.sdxl.upscaling import enlarge

SMALL, LARGE = 64, 512


def disc(side: int) -> np.ndarray:
    """An orange disc on blue, anti-aliased by 4 x 4 samples, (side, side, 3) uint8."""
    y, x = np.mgrid[: 4 * side, : 4 * side] / (4 * side)
    inside = (np.hypot(x - 0.5, y - 0.5) < 0.33).reshape(side, 4, side, 4).mean(axis=(1, 3))[..., None]
    return (inside * (240, 140, 30) + (1 - inside) * (20, 60, 160)).round().astype(np.uint8)


def error(found: Image.Image, wanted: np.ndarray) -> float:
    """Mean absolute error, 0 to 255."""
    return float(np.abs(np.asarray(found).astype(float) - wanted).mean())


def lanczos(picture: Image.Image, side: int) -> Image.Image:
    """What it is measured against."""
    return picture.resize((side, side), Image.Resampling.LANCZOS)


def test_a_disc_is_nearer_to_the_large_one_than_by_a_filter_alone() -> None:
    small = Image.fromarray(disc(SMALL))
    assert error(enlarge(small, LARGE), disc(LARGE)) < 0.7 * error(lanczos(small, LARGE), disc(LARGE))


def test_drawn_avatars_are_nearer_to_the_ones_drawn_large() -> None:
    ours, plain = [], []
    for number in range(3):
        look, _ = character(5, number)
        small, wanted = Image.fromarray(draw_avatar(look, 128)[0]), draw_avatar(look, LARGE)[0]
        ours.append(error(enlarge(small, LARGE), wanted))
        plain.append(error(lanczos(small, LARGE), wanted))
    assert np.mean(ours) < 0.95 * np.mean(plain)


def test_a_smooth_change_of_colours_stays_as_it_is() -> None:
    y, x = np.mgrid[:SMALL, :SMALL] / SMALL
    slope = (np.stack([x, y, 0.5 * (x + y)], axis=-1) * 200 + 20).astype(np.uint8)
    found = np.asarray(enlarge(Image.fromarray(slope), LARGE)).astype(int)
    assert np.abs(found - np.asarray(lanczos(Image.fromarray(slope), LARGE))).max() <= 4


@settings(max_examples=20, deadline=None)
@given(st.integers(8, 40), st.integers(1, 200), st.integers(0, 255))
def test_any_side_can_be_asked_for_and_one_colour_stays(side: int, wanted: int, grey: int) -> None:
    found = enlarge(Image.new("RGB", (side, side), (grey, 0, 255 - grey)), wanted)
    assert found.size == (wanted, wanted)
    assert found.getcolors() == [(wanted * wanted, (grey, 0, 255 - grey))]


@pytest.mark.parametrize("side", [50, SMALL, 2 * SMALL])
def test_twice_at_most_is_a_plain_filter(side: int) -> None:
    small = Image.fromarray(disc(SMALL))
    np.testing.assert_array_equal(np.asarray(enlarge(small, side)), np.asarray(lanczos(small, side)))
