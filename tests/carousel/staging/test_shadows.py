"""The contact shadow: where it falls, how dark it is, and what it leaves alone."""

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from carousel.staging.shadows import contact_shadow, darken

SIZE = 240


def two_legs(height: int = 160, lift: int = 0) -> np.ndarray:
    """A figure that stands on row 200, its right leg `lift` px higher."""
    alpha = np.zeros((SIZE, SIZE), np.float32)
    alpha[200 - height : 200 - height // 2, 90:150] = 1
    alpha[200 - height // 2 : 200, 95:110] = 1
    alpha[200 - height // 2 : 200 - lift, 130:145] = 1
    return alpha


def test_the_shadow_lies_around_the_soles() -> None:
    shadow = contact_shadow(two_legs(), 160)
    assert shadow.shape == (SIZE, SIZE) and shadow.dtype == np.float32
    assert shadow.min() >= 0 and 0.5 < shadow.max() <= 1
    row = shadow.argmax() // SIZE
    assert 185 <= row <= 202
    assert not shadow[:150].any() and not shadow[225:].any(), "only the ground near the feet"
    assert not shadow[:, :40].any() and not shadow[:, 200:].any()


def test_it_fades_with_distance_and_is_wider_than_deep() -> None:
    shadow = contact_shadow(two_legs(), 160)
    below = shadow[200:, 102]
    assert (np.diff(below) <= 1e-6).all() and below[0] > 0.2
    wide, deep = np.ptp(np.flatnonzero(shadow.any(axis=0))), np.ptp(np.flatnonzero(shadow.any(axis=1)))
    assert wide > 1.5 * deep


def test_a_lifted_foot_throws_none() -> None:
    both, one = contact_shadow(two_legs(), 160), contact_shadow(two_legs(lift=30), 160)
    assert one[201, 102] > 0.3 and one[201, 137] < 0.5 * both[201, 137]


def test_it_scales_with_the_figure() -> None:
    small = contact_shadow(two_legs(), 160)
    large = contact_shadow(cv2.resize(two_legs(), None, fx=3, fy=3, interpolation=cv2.INTER_NEAREST), 480)
    assert np.abs(cv2.resize(large, (SIZE, SIZE), interpolation=cv2.INTER_AREA) - small).mean() < 0.004


def test_nothing_throws_no_shadow() -> None:
    assert not contact_shadow(np.zeros((50, 50), np.float32), 40).any()
    assert not contact_shadow(np.full((50, 50), 0.3, np.float32), 40).any()


def test_a_figure_that_leaves_the_picture_below_is_no_error() -> None:
    alpha = np.zeros((60, 60), np.float32)
    alpha[10:, 20:40] = 1
    assert np.isfinite(contact_shadow(alpha, 300)).all()


@given(strength=st.floats(0, 1), seed=st.integers(0, 99))
def test_darkening_is_what_its_definition_says(strength: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scene = rng.integers(0, 256, (20, 30, 3), np.uint8)
    shadow = rng.random((20, 30), np.float32)
    shadow[:, :15] = 0
    dark = darken(scene, shadow, strength)
    assert dark.dtype == np.uint8
    assert (dark[:, :15] == scene[:, :15]).all()
    assert np.abs(dark - scene * (1 - strength * shadow[..., None])).max() <= 0.5 + 1e-3


def test_strength_0_changes_nothing() -> None:
    scene = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    assert (darken(scene, contact_shadow(two_legs(), 160), 0) == scene).all()
