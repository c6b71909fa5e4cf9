"""KNN-like choice: one of the accessories nearest to a taste, drawn at random."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pet.choosing.matching import BestSets, Floats, top_n, unit


def choose_among_nearest(users: Floats, slots: Sequence[Floats], k: int, seed: int) -> BestSets:
    """For every user and slot, one of the k accessories of highest cosine, all equally likely.

    On vectors of length 1 the nearest neighbours by Euclidean distance are those of highest cosine.

    Args:
        users: (users, genres), finite and not negative.
        slots: three arrays (accessories, genres).
        k: number of neighbours to draw from; 1 always takes the nearest.
        seed: seed of the random draw.
    """
    generator = np.random.default_rng(seed)
    rows = np.arange(len(users))
    indices, ranks, scores = [], [], []
    for slot in slots:
        nearest = top_n(users, slot, min(k, len(slot)))
        drawn = generator.integers(0, nearest.indices.shape[1], len(users))
        indices.append(nearest.indices[rows, drawn])
        scores.append(nearest.scores[rows, drawn])
        ranks.append(drawn.astype(np.int32) + 1)
    chosen = np.stack(indices, axis=1)
    return BestSets(chosen, np.stack(ranks, axis=1), np.stack(scores, axis=1), set_cosines(users, slots, chosen))


def set_cosines(users: Floats, slots: Sequence[Floats], indices: NDArray[np.int32]) -> NDArray[np.float32]:
    """Cosine between each user and the sum of the raw vectors of the set in `indices` (users, 3)."""
    sums = np.sum([slot[indices[:, i]] for i, slot in enumerate(slots)], axis=0)
    return np.einsum("ug,ug->u", unit(users.astype(np.float64)), unit(sums)).astype(np.float32)
