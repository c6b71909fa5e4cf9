"""Cosine matching of users with accessories: the top N of a slot, and the best set of one accessory per slot.

The rule (tests/pet/choosing/test_matching.py has a naive reference in plain Python):

- The score of an accessory is its cosine with the user; that of a set is the cosine between the user and the sum
  of the set's raw vectors. The cosine with an all-zero vector is 0.
- Scores are float64. Scores within TIE of the best remaining one are ties; a tie goes to the lowest index. Slots
  are sorted by name (`pet.choosing.wardrobe`), so ties are broken by name; ties of sets by the names of Head, then
  Torso, then Face.

Scores are computed in float32 first. Where no two competing scores are within NEAR_TIE, float32 cannot change the
result; the few other users are recomputed in float64. The largest scores are found by a bitonic top-k network
(Shanbhag, Pirk, Madden: Efficient Top-K Query Processing on GPUs, 2018), whose steps are whole-array minima and
maxima.
"""

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

Floats = NDArray[np.floating]
Float32s = NDArray[np.float32]
Float64s = NDArray[np.float64]
Indices = NDArray[np.int32]
Keys = NDArray[np.int64]

TIE = 1e-6
NEAR_TIE = 3e-6  # TIE plus the error of two float32 cosines in up to 16 dimensions, with a margin
SAFE_SQUARES = (1e-20, 1e20)  # lengths whose squares float32 holds with all digits
BLOCK_VALUES = 1 << 19  # scores per block; measured: smaller blocks cost calls, larger ones leave the processor's cache
ALL_SETS_VALUES = 1 << 20  # the same for the comparison with all sets


class TopN(NamedTuple):
    """Best accessories of one slot: `indices` and `scores`, both (users, n), best first."""

    indices: Indices
    scores: Float32s


class BestSets(NamedTuple):
    """The best set of every user.

    Attributes:
        indices: (users, 3), the accessory in each slot.
        ranks: (users, 3), its rank in that slot's short list, from 1; 0 where all accessories competed.
        slot_scores: (users, 3), cosine of each accessory alone.
        scores: (users,), cosine of the set.
    """

    indices: Indices
    ranks: Indices
    slot_scores: Float32s
    scores: Float32s


def unit(vectors: Floats) -> Floats:
    """Vectors (n, d), not negative, scaled to length 1; all-zero ones stay zero."""
    squares = np.einsum("nd,nd->n", vectors, vectors)
    odd = (squares < SAFE_SQUARES[0]) | (squares > SAFE_SQUARES[1])
    if odd.any():  # squares of very small or large values lose digits: scale those rows to a largest value of 1
        vectors = vectors.copy()
        peaks = vectors[odd].max(axis=1, keepdims=True)
        vectors[odd] /= np.where(peaks > 0, peaks, 1)
        squares[odd] = np.maximum((vectors[odd] ** 2).sum(axis=1), SAFE_SQUARES[0])
    return vectors / np.sqrt(squares)[:, None]


def top_n(users: Floats, accessories: Floats, n: int, threads: int | None = None) -> TopN:
    """The n accessories of highest cosine for every user.

    Args:
        users: (users, genres), finite and not negative.
        accessories: (accessories, genres), finite and not negative.
        n: number of accessories to return, 1 to the number of accessories.
        threads: number of threads; None uses one per processor.

    Raises:
        ValueError: n is out of range.
    """
    _check_n(n, [accessories])
    indices, scores = np.empty((len(users), n), np.int32), np.empty((len(users), n), np.float32)

    def work(block: slice, workspace: Workspace) -> None:
        top = _top_n_block(users[block], _unit32(users[block]), accessories, n, workspace)
        indices[block], scores[block] = top[0].T, top[1].T

    _in_blocks(work, len(users), BLOCK_VALUES // len(accessories), threads)
    return TopN(indices, scores)


def best_sets(users: Floats, slots: Sequence[Floats], n: int | None, threads: int | None = None) -> BestSets:
    """The best set of one accessory per slot, among the sets of each slot's top n, or among all sets.

    Args:
        users: (users, genres), finite and not negative.
        slots: three arrays (accessories, genres).
        n: accessories of each slot that compete, at most the size of the smallest slot; None compares all sets.
        threads: number of threads; None uses one per processor.

    Raises:
        ValueError: n is out of range.
    """
    count = len(users)
    result = BestSets(
        np.empty((count, 3), np.int32),
        np.zeros((count, 3), np.int32),
        np.empty((count, 3), np.float32),
        np.empty(count, np.float32),
    )
    if n is None:
        block = ALL_SETS_VALUES // math.prod(map(len, slots))
        _in_blocks(_all_sets_work(users, slots, result), count, block, threads)
    else:
        _check_n(n, slots)
        block = BLOCK_VALUES // max(n**3, *map(len, slots))
        _in_blocks(_short_list_work(users, slots, n, result), count, block, threads)
    return result


def _check_n(n: int, slots: Sequence[Floats]) -> None:
    smallest = min(map(len, slots))
    if not 1 <= n <= smallest:
        raise ValueError(f"n must be from 1 to {smallest}, got {n}")


class Workspace:
    """Working arrays of one thread, reused between blocks: allocating them anew costs more than the arithmetic."""

    def __init__(self) -> None:
        self._buffers: dict[str, NDArray[np.uint8]] = {}

    def array(self, name: str, shape: tuple[int, ...], dtype: type[np.generic]) -> NDArray[Any]:
        """An uninitialised array; it shares its memory with the last one of that name."""
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if name not in self._buffers or self._buffers[name].size < size:
            self._buffers[name] = np.empty(size, np.uint8)
        return self._buffers[name][:size].view(dtype).reshape(shape)


Work = Callable[[slice, Workspace], None]


def _in_blocks(work: Work, count: int, block: int, threads: int | None) -> None:
    block = max(block, 1)
    blocks = [slice(start, min(start + block, count)) for start in range(0, count, block)]
    workers = max(1, min(threads or os.cpu_count() or 1, len(blocks)))

    def share(first: int) -> None:
        workspace = Workspace()
        for part in blocks[first::workers]:
            work(part, workspace)

    # BLAS threads would compete with these, and round differently from machine to machine.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(share, range(workers)):
            pass


# ---- the largest scores of every user ----


def _largest(scores: Float32s, kept: int, workspace: Workspace) -> tuple[Indices, Float32s, NDArray[np.bool_]]:
    """The `kept` largest of scores (candidates, users), none negative: indices and scores (kept, users), best first.

    The third result marks users for whom float32 cannot decide: two of the kept, or the last of them and the best
    of the others, are within NEAR_TIE.
    """
    candidates, users = scores.shape
    size = 1 << kept.bit_length()  # room for one more than kept, to see what comes next
    groups = 1 << max(0, (-(-candidates // size) - 1).bit_length())
    keys = workspace.array("keys", (groups * size, users), np.int64)
    # A float32 that is not negative orders like its bits; the index below them makes each key unique.
    np.left_shift(scores.view(np.int32), 32, out=keys[:candidates], dtype=np.int64)
    keys[:candidates] |= np.arange(candidates - 1, -1, -1)[:, None]
    keys[candidates:] = -1
    best = _bitonic_top(keys.reshape(groups, size, users), workspace)
    top = (best >> 32).astype(np.int32).view(np.float32)
    following = top[1 : kept + 1] if candidates > kept else top[1:kept]
    near = np.any(top[: len(following)] - following < NEAR_TIE, axis=0)
    return (candidates - 1 - (best[:kept] & 0xFFFFFFFF)).astype(np.int32), top[:kept], near


def _bitonic_top(keys: Keys, workspace: Workspace) -> Keys:
    """The `size` largest of keys (groups, size, users), largest first: (size, users). Works in place.

    Both counts are powers of two.
    """
    groups, size, users = keys.shape
    width = 2
    while width <= size:  # sort every group by merging its sorted runs, pair by pair
        runs = keys.reshape(-1, width, users)
        half = width // 2
        _exchange(runs[:, :half], runs[:, : half - 1 : -1], workspace)
        _sort_bitonic(keys, half, workspace)
        width *= 2
    while groups > 1:  # the larger half of two sorted groups is bitonic
        groups //= 2
        np.maximum(keys[:groups], keys[groups : 2 * groups, ::-1], out=keys[:groups])
        _sort_bitonic(keys[:groups], size, workspace)
    return keys[0]


def _sort_bitonic(keys: Keys, width: int, workspace: Workspace) -> None:
    """Sort, in place, every bitonic run of `width` keys along the second axis, largest first."""
    step = width // 2
    while step:
        pairs = keys.reshape(-1, 2, step, keys.shape[-1])
        _exchange(pairs[:, 0], pairs[:, 1], workspace)
        step //= 2


def _exchange(a: Keys, b: Keys, workspace: Workspace) -> None:
    """Put the larger of each pair into a, the smaller into b."""
    smaller = workspace.array("smaller", a.shape, np.int64)
    np.minimum(a, b, out=smaller)
    np.maximum(a, b, out=a)
    b[...] = smaller


# ---- top-N of a slot ----


def _unit32(users: Floats) -> Float32s:
    return unit(users.astype(np.float32, copy=False))


def _top_n_block(
    users: Floats, users32: Float32s, accessories: Floats, n: int, workspace: Workspace
) -> tuple[Indices, Float32s]:
    """Indices and cosines (n, users) of the n best, for users as they came and as unit vectors."""
    cosines = workspace.array("cosines", (len(accessories), len(users)), np.float32)
    np.matmul(unit(accessories).astype(np.float32), users32.T, out=cosines)
    indices, scores, near = _largest(cosines, n, workspace)
    if near.any():
        indices[:, near], scores[:, near] = _top_n_exact(users[near], accessories, n)
    return indices, scores


def _top_n_exact(users: Floats, accessories: Floats, n: int) -> tuple[Indices, Float64s]:
    """The rule itself: n times, the first one within TIE of the best that remains."""
    left = unit(users.astype(np.float64)) @ unit(accessories.astype(np.float64)).T
    rows = np.arange(len(users))
    indices, scores = np.empty((n, len(users)), np.int32), np.empty((n, len(users)))
    for place in range(n):
        chosen = _first_of_best(left)
        indices[place], scores[place] = chosen, left[rows, chosen]
        left[rows, chosen] = -np.inf
    return indices, scores


def _first_of_best(scores: Floats) -> NDArray[np.intp]:
    """Per row, the lowest index within TIE of the row's maximum."""
    return (scores >= scores.max(axis=1, keepdims=True) - TIE).argmax(axis=1)


# ---- the best set among short lists ----


def _short_list_work(users: Floats, slots: Sequence[Floats], n: int, result: BestSets) -> Work:
    """Score all n^3 sets of a block: u.(a+b+c) = u.a + u.b + u.c, and |a+b+c|^2 from pairs of accessories.

    |a+b+c|^2 = (a.a + 2 a.b) + (b.b + 2 b.c) + (c.c + 2 c.a): three tables that any number of accessories fits.
    """
    exact = [slot.astype(np.float64) for slot in slots]
    lengths = [np.linalg.norm(slot, axis=1).astype(np.float32) for slot in exact]
    pairs = [
        (np.einsum("ad,ad->a", a, a)[:, None] + 2 * a @ b.T).astype(np.float32)
        for a, b in zip(exact, [*exact[1:], exact[0]], strict=True)
    ]

    def work(block: slice, workspace: Workspace) -> None:
        users32 = _unit32(users[block])
        tops = [_top_n_block(users[block], users32, slot, n, workspace) for slot in slots]
        a, b, c = (indices for indices, _ in tops)
        a_dot, b_dot, c_dot = (length[i] * cos for length, (i, cos) in zip(lengths, tops, strict=True))
        dots = (a_dot[:, None] + b_dot[None])[:, :, None] + c_dot[None, None]
        squares = (pairs[0][a[:, None], b[None]])[:, :, None] + pairs[1][b[:, None], c[None]][None]
        squares += pairs[2][c[None], a[:, None]][:, None]
        scores = dots / np.sqrt(np.maximum(squares, 1e-12))
        chosen, best, near = _largest(scores.reshape(n**3, -1), 1, workspace)
        places = np.stack(np.unravel_index(chosen[0], (n, n, n)))
        if near.any():
            lists = np.stack([a, b, c])[:, :, near]
            places[:, near], best[0, near] = _best_set_exact(users[block][near], exact, lists)
        columns = np.arange(places.shape[1])
        for slot, (indices, cosines) in enumerate(tops):
            result.indices[block, slot] = indices[places[slot], columns]
            result.slot_scores[block, slot] = cosines[places[slot], columns]
        result.ranks[block] = places.T + 1
        result.scores[block] = best[0]

    return work


def _best_set_exact(users: Floats, slots: Sequence[Float64s], lists: Indices) -> tuple[Indices, Float64s]:
    """The rule itself, for short lists (3, n, users): places (3, users) in the lists, and scores."""
    n = lists.shape[1]
    lists = np.moveaxis(lists, 2, 0)
    order = lists.argsort(axis=2)  # by name, so that the first of the ties is the right one
    by_name = np.take_along_axis(lists, order, axis=2)
    a, b, c = (slot[by_name[:, i]] for i, slot in enumerate(slots))
    sums = a[:, :, None, None] + b[:, None, :, None] + c[:, None, None, :]
    scores = np.einsum(
        "ugd,ud->ug",
        unit(sums.reshape(-1, sums.shape[-1])).reshape(len(users), n**3, -1),
        unit(users.astype(np.float64)),
    )
    chosen = _first_of_best(scores)
    rows = np.arange(len(users))
    places = [order[rows, i, place] for i, place in enumerate(np.unravel_index(chosen, (n, n, n)))]
    return np.stack(places).astype(np.int32), scores[rows, chosen]


# ---- the best of all sets ----


def all_sets(slots: Sequence[Floats]) -> Float64s:
    """Sums of one vector a slot, in the order of names: (product of the slots' sizes, genres)."""
    a, b, c = (slot.astype(np.float64) for slot in slots)
    return (a[:, None, None] + b[None, :, None] + c[None, None, :]).reshape(-1, a.shape[1])


def _all_sets_work(users: Floats, slots: Sequence[Floats], result: BestSets) -> Work:
    """Compare a block with every set: one matrix product with the sets' unit vectors."""
    sets = unit(all_sets(slots))
    sets32 = np.ascontiguousarray(sets.astype(np.float32).T)
    units = [unit(slot.astype(np.float64)) for slot in slots]

    def work(block: slice, workspace: Workspace) -> None:
        exact = unit(users[block].astype(np.float64))
        scores = exact.astype(np.float32) @ sets32
        chosen = scores.argmax(axis=1)
        best = scores[np.arange(len(scores)), chosen].astype(np.float64)
        near = (scores >= (best - NEAR_TIE).astype(np.float32)[:, None]).sum(axis=1) > 1
        if near.any():
            scores64 = exact[near] @ sets.T
            chosen[near] = _first_of_best(scores64)
            best[near] = scores64[np.arange(len(scores64)), chosen[near]]
        places = np.unravel_index(chosen, tuple(map(len, slots)))
        for slot, (indices, vectors) in enumerate(zip(places, units, strict=True)):
            result.indices[block, slot] = indices
            result.slot_scores[block, slot] = np.einsum("ud,ud->u", exact, vectors[indices])
        result.scores[block] = best

    return work
