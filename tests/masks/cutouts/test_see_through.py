"""See-through clothes: opacity and colour are found; opaque clothes stay as they are."""

import numpy as np
import pytest
from PIL import Image

from masks.cutouts.matting import cut_out
from masks.cutouts.see_through import find_opacity, unblend
from tests.masks.sample_sets import drawn_pair

Pair = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def robe(opacity: float, seed: int, beside: bool) -> Pair:
    """A body with a pattern, the same in a robe of two colours, the robe's mask and the robe alone."""
    base, _, mask = drawn_pair(seed)
    body = base[..., 3] > 0
    base[..., :3] = np.where(np.random.default_rng(seed).random((48, 48, 1)) < 0.3, base[..., :3] // 2, base[..., :3])
    mask[~body] &= 255 if beside else 0
    alone = np.zeros_like(base)
    alone[mask > 0] = (40, 90, 200, round(255 * opacity))
    alone[24:][mask[24:] > 0, :3] = (30, 140, 60)
    clothed = np.asarray(Image.alpha_composite(Image.fromarray(base), Image.fromarray(alone)))
    return base, clothed, mask, alone


@pytest.mark.parametrize("beside", [True, False])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("opacity", [0.25, 0.5, 0.8])
def test_opacity_and_colour_are_found(opacity: float, seed: int, beside: bool) -> None:
    base, clothed, mask, alone = robe(opacity, seed, beside)
    assert find_opacity(base, clothed, mask > 0) == pytest.approx(opacity, abs=0.03)
    cut = cut_out(base, clothed, mask)
    assert np.abs(cut[mask > 0].astype(int) - alone[mask > 0]).mean() < 12
    assert not cut[mask == 0].any()
    again = np.asarray(Image.alpha_composite(Image.fromarray(base), Image.fromarray(cut)))
    assert np.abs(again.astype(int) - clothed).max() <= 6


@pytest.mark.parametrize("seed", range(6))
def test_opaque_clothes_stay_as_they_are(seed: int) -> None:
    base, clothed, mask, _ = robe(1.0, seed, beside=bool(seed % 2))
    assert np.array_equal(unblend(base, clothed, mask > 0), clothed * (mask > 0)[..., None])


def test_a_mask_without_pixels_gives_nothing() -> None:
    base, clothed, mask, _ = robe(0.5, 0, beside=True)
    assert not unblend(base, clothed, np.zeros(mask.shape, bool)).any()
