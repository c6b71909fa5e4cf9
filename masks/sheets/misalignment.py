"""Misaligned pairs: by how many whole pixels the figures of two frames are shifted against each other."""

import numpy as np

from masks.sets.differences import OPAQUE
from masks.sets.pixel_art import shifted

MAX_SHIFT = 8  # largest shift in each direction, in px
SHIFT_GAIN = 0.97  # a pair is misaligned if the best shift costs less than this share of no shift
COLOUR_LIMIT = 60  # levels of 255; larger differences of colour are clipped


def find_shift(base: np.ndarray, clothed: np.ndarray) -> tuple[int, int]:
    """Return how many px the clothed figure lies to the right of and below the base figure; (0, 0) if they match.

    Slides the clothed frame step by step to where it differs least from the base frame; a shift is accepted only if it
    is clearly better than none. Clothes cost the same at every shift; what did not change decides.

    Args:
        base: (H, W, 4) uint8, one px per art pixel.
        clothed: (H, W, 4) uint8 of the same size.
    """
    costs: dict[tuple[int, int], float] = {}

    def cost(shift: tuple[int, int]) -> float:
        if shift not in costs:
            costs[shift] = _difference(base, shifted(clothed, -shift[1], -shift[0]))
        return costs[shift]

    best = (0, 0)
    limit = min(MAX_SHIFT, min(base.shape[:2]) // 2)
    while max(map(abs, best)) < limit:
        near = [(best[0] + right, best[1] + down) for right in (0, -1, 1) for down in (0, -1, 1)]
        here, best = best, min(near, key=cost)
        if best == here:
            break
    return best if cost(best) < SHIFT_GAIN * cost((0, 0)) else (0, 0)


def _difference(base: np.ndarray, clothed: np.ndarray) -> float:
    """Return the mean difference of colours where either figure is drawn, in levels up to COLOUR_LIMIT."""
    drawn = base[..., 3] > OPAQUE, clothed[..., 3] > OPAQUE
    levels = np.abs(base[..., :3].astype(np.int16) - clothed[..., :3]).max(axis=2)
    levels = np.where(drawn[0] & drawn[1], np.minimum(levels, COLOUR_LIMIT), COLOUR_LIMIT)
    either = drawn[0] | drawn[1]
    return float(levels[either].mean()) if either.any() else 0.0
