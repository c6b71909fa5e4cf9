"""Which clothed frame shows the pose of which base frame, where a sheet has its frames in another order or lacks some.

Each base frame is compared with each clothed one. What did not change, such as the head, the hands and the outline,
costs less in the same pose than in any other, while the clothes cost about the same everywhere.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from common.alpha import around
from common.grids import evenly
from masks.sets.differences import OPAQUE

COMPARED_PX = 40  # longer side of the figures when they are compared
COLOUR_LIMIT = 40  # levels of 255; larger differences of colour cost the same
GAIN = 0.95  # another order must cost at most this share of the given one (measured: 1.0 in right orders, else <= 0.94)
SAMPLED = 24  # base frames that are compared first; if their given partners fit, no others are
MOST_FRAMES = 512  # more frames are not compared


def pair_by_name(base: Sequence[str], clothed: Sequence[str]) -> list[int | None]:
    """Return for each base name the place of the clothed one that differs only in what all names begin with.

    Names that cannot be paired so, because fewer than half recur, are paired in their order.
    """
    keys = [[name[_beginning(names) :] for name in names] for names in (base, clothed)]
    for ours, theirs in ((base, clothed), (keys[0], keys[1])):
        places = {name: place for place, name in enumerate(theirs)}
        matches = [places.get(name) for name in ours]
        if 2 * sum(match is not None for match in matches) >= max(len(base), len(clothed)):
            return matches
    return [place if place < len(clothed) else None for place in range(len(base))]


def _beginning(names: Sequence[str]) -> int:
    """Return the length of what all names begin with, without the digits of a number that goes on."""
    first, last = min(names), max(names)  # in alphabetical order, all others lie between them
    same = next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return len(first[:same].rstrip("0123456789"))


def match_poses(
    base: Sequence[np.ndarray], clothed: Sequence[np.ndarray], given: Sequence[int | None]
) -> list[int | None]:
    """Return for each base frame the place of the clothed frame in its pose: the given one unless others fit better.

    Args:
        base: (H, W, 4) uint8 frames in which something is drawn.
        clothed: frames of the same size; there may be more or fewer.
        given: place of a clothed frame for each base frame, or None.

    Returns:
        As `given`; None for a base frame that no clothed one is left for.
    """
    if not base or not clothed or max(len(base), len(clothed)) > MOST_FRAMES:
        return list(given)
    if any(place is not None for place in given):
        some = evenly([row for row, place in enumerate(given) if place is not None], SAMPLED)
        costs = pose_costs([base[row] for row in some], clothed)
        if costs.min(axis=1).mean() > GAIN * np.mean([costs[at, given[row]] for at, row in enumerate(some)]):
            return list(given)
    costs = pose_costs(base, clothed)
    best = linear_sum_assignment(costs)
    before = [costs[row, column] for row, column in enumerate(given) if column is not None]
    if before and costs[best].mean() > GAIN * np.mean(before):
        return list(given)
    columns = {int(row): int(column) for row, column in zip(*best, strict=True)}
    return [columns.get(row) for row in range(len(base))]


def pose_costs(base: Sequence[np.ndarray], clothed: Sequence[np.ndarray]) -> np.ndarray:
    """Return how much each base frame differs from each clothed one, (len(base), len(clothed)) float64 in [0, 1]."""
    frames = np.stack([*base, *clothed])
    rows, columns = around(np.asarray((frames[..., 3] > 0).any(axis=0)), 0)
    step = -(-max(rows.stop - rows.start, columns.stop - columns.start) // COMPARED_PX)
    frames = frames[:, rows, columns][:, ::step, ::step].astype(np.int16)
    ours, theirs = frames[: len(base)], frames[len(base) :]
    drawn, others = ours[..., 3] > OPAQUE, theirs[..., 3] > OPAQUE
    costs = np.zeros((len(base), len(clothed)))
    for row, frame in enumerate(ours):
        levels = np.abs(theirs[..., :3] - frame[..., :3]).max(axis=3).clip(0, COLOUR_LIMIT) / COLOUR_LIMIT
        either = drawn[row] | others
        levels = np.where(drawn[row] & others, levels, either)
        costs[row] = levels.sum(axis=(1, 2)) / np.maximum(either.sum(axis=(1, 2)), 1)
    return costs
