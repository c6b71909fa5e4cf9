"""Blend modes: known values, and what holds for all of them."""

import numpy as np
import pytest

from masks.sheets.layer_blending import MODES, NORMAL, paint_over


def blended(mode: str, backdrop: tuple[float, ...], source: tuple[float, ...]) -> list[float]:
    below, above = (np.array(colour, np.float32).reshape(1, 1, 4) for colour in (backdrop, source))
    return [round(float(value), 3) for value in paint_over(below, above, mode)[0, 0]]


@pytest.mark.parametrize(
    ("mode", "colour"),
    [
        (NORMAL, [0.8, 0.4, 0.0]),
        ("multiply", [0.16, 0.2, 0.0]),
        ("screen", [0.84, 0.7, 1.0]),
        ("overlay", [0.32, 0.4, 1.0]),
        ("darken", [0.2, 0.4, 0.0]),
        ("lighten", [0.8, 0.5, 1.0]),
        ("color dodge", [1.0, 0.833, 1.0]),
        ("color burn", [0.0, 0.0, 1.0]),
        ("hard light", [0.68, 0.4, 0.0]),
        ("soft light", [0.348, 0.45, 1.0]),
        ("difference", [0.6, 0.1, 1.0]),
        ("exclusion", [0.68, 0.5, 1.0]),
        ("addition", [1.0, 0.9, 1.0]),
        ("subtract", [0.0, 0.1, 1.0]),
        ("divide", [0.25, 1.0, 1.0]),
        ("color", [0.781, 0.391, 0.0]),
        ("luminosity", [0.216, 0.510, 1.0]),
    ],
)
def test_known_values_of_opaque_colours(mode: str, colour: list[float]) -> None:
    found = blended(mode, (0.2, 0.5, 1.0, 1.0), (0.8, 0.4, 0.0, 1.0))
    assert found == pytest.approx([*colour, 1.0], abs=0.002)


@pytest.mark.parametrize("mode", [NORMAL, *MODES])
def test_what_holds_in_every_mode(mode: str) -> None:
    rng = np.random.default_rng(1)
    below, above = rng.random((2, 16, 16, 4), np.float32)
    both = paint_over(below, above, mode)
    assert both.dtype == np.float32 and both.min() >= 0 and both.max() <= 1 + 1e-5
    assert np.allclose(both[..., 3], below[..., 3] + above[..., 3] - below[..., 3] * above[..., 3], atol=1e-5)
    assert np.allclose(paint_over(np.zeros_like(below), above, mode), above, atol=1e-5)  # nothing to blend with
    above[..., 3] = 0
    assert np.allclose(paint_over(below, above, mode), below, atol=1e-5)
