"""Cosine matching of users with accessories: the top N of a slot, and the best set of one accessory per slot.

The rule (tests/pet/choosing/test_matching.py has a naive reference in plain Python):

- The score of an accessory is its cosine with the user; that of a set is the cosine between the user and the sum
  of the set's raw vectors. The cosine with an all-zero vector is 0.
- `best_sets` can aim at a power of the taste: each value of the unit vector squared, say, so that favourites count
  more. Short lists and the best set then go by the cosine with this aim; scores stay cosines with the taste.
- Scores are float64, and `dots` adds their products in the order of the genres, so that another program, such as the
  page in docs/pet, finds the same bits. Scores within TIE of the best remaining one are ties; a tie goes to the lowest
  index. Slots are sorted by name (`pet.choosing.wardrobe`), so ties are broken by name; ties of sets by the names of
  Head, then Torso, then Face.
- With a `Draw`, every set that loses no more than `loss` against the best one, in both cosines, is allowed. Of those,
  in the order of their ranks in Head, then Torso, then Face (of their names where all sets compete), the one at the
  place `number % count` is chosen.

Scores are computed in float32 first. Where no two competing scores are within NEAR_TIE, and none is so near to the
edge of what is allowed, float32 cannot change the result; the few other users are recomputed in float64. The largest
scores are found by a bitonic top-k network (Shanbhag, Pirk, Madden: Efficient Top-K Query Processing on GPUs, 2018),
whose steps are whole-array minima and maxima.
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


class Draw(NamedTuple):
    """Choice among nearly equal sets: `numbers` (users,), and the `loss` of cosine that is allowed."""

    numbers: NDArray[np.uint32]
    loss: float

    def of(self, users: Any) -> "Draw":
        """The draw of some users, given by a slice or a mask."""
        return Draw(self.numbers[users], self.loss)


class BestSets(NamedTuple):
    """The chosen set of every user.

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


def dots(a: Floats, b: Floats) -> Any:
    """Dot products along the last axis, summed from its first value to its last: the same bits on every machine."""
    total = a[..., 0] * b[..., 0]
    for axis in range(1, a.shape[-1]):
        total += a[..., axis] * b[..., axis]
    return total


def unit(vectors: Floats) -> Floats:
    """Vectors (n, d), not negative, scaled to length 1; all-zero ones stay zero."""
    squares = dots(vectors, vectors) if vectors.dtype == np.float64 else np.einsum("nd,nd->n", vectors, vectors)
    odd = (squares < SAFE_SQUARES[0]) | (squares > SAFE_SQUARES[1])
    if odd.any():  # squares of very small or large values lose digits: scale those rows to a largest value of 1
        vectors = vectors.copy()
        peaks = vectors[odd].max(axis=1, keepdims=True)
        vectors[odd] /= np.where(peaks > 0, peaks, 1)
        squares[odd] = np.maximum(dots(vectors[odd], vectors[odd]), SAFE_SQUARES[0])
    return vectors / np.sqrt(squares)[:, None]


def unit64(vectors: Floats) -> Float64s:
    """`unit` in float64."""
    return unit(vectors.astype(np.float64)).astype(np.float64, copy=False)


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
        top = _top_n_block(_Block(users[block], 1), accessories, n, workspace)
        indices[block], scores[block] = top[0].T, top[1].T

    _in_blocks(work, len(users), BLOCK_VALUES // len(accessories), threads)
    return TopN(indices, scores)


def best_sets(
    users: Floats,
    slots: Sequence[Floats],
    n: int | None,
    threads: int | None = None,
    *,
    power: int = 1,
    draw: Draw | None = None,
) -> BestSets:
    """The best set of one accessory per slot, among the sets of each slot's top n, or among all sets.

    Args:
        users: (users, genres), finite and not negative.
        slots: three arrays (accessories, genres).
        n: accessories of each slot that compete (all of a smaller slot); None compares all sets.
        threads: number of threads; None uses one per processor.
        power: exponent of the taste that is aimed at; 1 aims at the taste itself.
        draw: choose among the sets that are nearly as good as the best one; None takes the best one.

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
    job = _Job(users, [slot.astype(np.float64) for slot in slots], power, draw, result)
    if n is None:
        block = ALL_SETS_VALUES // math.prod(map(len, slots))
        _in_blocks(_all_sets_work(job), count, block, threads)
    else:
        _check_n(n, [max(slots, key=len)])
        block = BLOCK_VALUES // max(n**3, *map(len, slots))
        _in_blocks(_short_list_work(job, n), count, block, threads)
    return result


class _Job(NamedTuple):
    users: Floats
    slots: list[Float64s]
    power: int
    draw: Draw | None
    result: BestSets


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


class _Block:
    """Users of a block: their tastes and what is aimed at, as unit vectors in float32; in float64 for a few of them."""

    def __init__(self, users: Floats, power: int) -> None:
        self._users, self._power = users, power
        self.tastes = unit(users.astype(np.float32, copy=False)).astype(np.float32, copy=False)
        self.aims = self.tastes if power == 1 else unit(self.tastes**power).astype(np.float32, copy=False)

    def exact(self, some: NDArray[np.bool_]) -> tuple[Float64s, Float64s]:
        """Tastes and aims of some users."""
        tastes = unit64(self._users[some])
        return tastes, unit64(tastes**self._power)


def _top_n_block(users: _Block, accessories: Floats, n: int, workspace: Workspace) -> tuple[Indices, Float32s]:
    """Indices and cosines with the aims (n, users) of the n best."""
    cosines = workspace.array("cosines", (len(accessories), len(users.aims)), np.float32)
    np.matmul(unit(accessories).astype(np.float32), users.aims.T, out=cosines)
    indices, scores, near = _largest(cosines, n, workspace)
    if near.any():
        indices[:, near], scores[:, near] = _top_n_exact(users.exact(near)[1], accessories, n)
    return indices, scores


def _top_n_exact(aims: Float64s, accessories: Floats, n: int) -> tuple[Indices, Float64s]:
    """The rule itself: n times, the first one within TIE of the best that remains."""
    left = dots(aims[:, None], unit64(accessories)[None])
    rows = np.arange(len(aims))
    indices, scores = np.empty((n, len(aims)), np.int32), np.empty((n, len(aims)))
    for place in range(n):
        chosen = _first_of_best(left)
        indices[place], scores[place] = chosen, left[rows, chosen]
        left[rows, chosen] = -np.inf
    return indices, scores


def _first_of_best(scores: Floats) -> NDArray[np.intp]:
    """Per row, the lowest index within TIE of the row's maximum."""
    return (scores >= scores.max(axis=1, keepdims=True) - TIE).argmax(axis=1)


# ---- the draw among nearly equal sets ----


def _drawn(
    by_aim: Floats, by_taste: Floats, best: NDArray[np.intp], draw: Draw | None, *, axis: int
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Places of the drawn sets along `axis`, and the users for whom float32 cannot decide what is allowed.

    Without a draw these are the best sets.

    Args:
        by_aim: cosines of all sets with the aim; sets along `axis`, users along the other one.
        by_taste: cosines with the taste instead of the aim, same shape.
        best: (users,) place of the best set.
        draw: the numbers of these users.
        axis: 0 or 1.
    """
    if draw is None:
        return best, np.zeros(len(best), np.bool_)
    places = np.expand_dims(best, axis)
    margin = by_aim - np.take_along_axis(by_aim, places, axis)
    np.minimum(margin, by_taste - np.take_along_axis(by_taste, places, axis), out=margin)
    margin += draw.loss
    counter = np.uint8 if margin.shape[axis] < 256 else np.int32
    counts = np.cumsum(margin >= 0, axis=axis, dtype=counter)
    number = (draw.numbers % np.take(counts, -1, axis)).astype(counter)
    drawn = (counts <= np.expand_dims(number, axis)).sum(axis=axis)
    return drawn, np.abs(margin, out=margin).min(axis=axis) < NEAR_TIE


# ---- the best set among short lists ----


def _short_list_work(job: _Job, n: int) -> Work:
    """Score all n^3 sets of a block: u.(a+b+c) = u.a + u.b + u.c, and |a+b+c|^2 from pairs of accessories.

    |a+b+c|^2 = (a.a + 2 a.b) + (b.b + 2 b.c) + (c.c + 2 c.a): three tables that any number of accessories fits.
    """
    lengths = [np.linalg.norm(slot, axis=1).astype(np.float32) for slot in job.slots]
    units = [unit(slot).astype(np.float32) for slot in job.slots]
    pairs = [
        (np.einsum("ad,ad->a", a, a)[:, None] + 2 * a @ b.T).astype(np.float32)
        for a, b in zip(job.slots, [*job.slots[1:], job.slots[0]], strict=True)
    ]

    def work(block: slice, workspace: Workspace) -> None:
        users = _Block(job.users[block], job.power)
        tops = [_top_n_block(users, slot, min(n, len(slot)), workspace) for slot in job.slots]
        lists = [indices for indices, _ in tops]
        alone = [scores for _, scores in tops]
        if job.power != 1:
            alone = [np.take_along_axis(v @ users.tastes.T, i, 0) for v, i in zip(units, lists, strict=True)]
        a, b, c = lists
        squares = _pick(pairs[0], a[:, None], b[None])[:, :, None] + _pick(pairs[1], b[:, None], c[None])[None]
        squares += _pick(pairs[2], c[None], a[:, None])[:, None]
        inverse = 1 / np.sqrt(np.maximum(squares, 1e-12, out=squares), out=squares)
        by_aim = _set_dots([length[i] * s for length, (i, s) in zip(lengths, tops, strict=True)], inverse)
        by_taste = by_aim
        if job.power != 1:
            by_taste = _set_dots([ls[i] * s for ls, i, s in zip(lengths, lists, alone, strict=True)], inverse)
        largest, _, near = _largest(by_aim, 1, workspace)
        chosen = largest[0].astype(np.intp)
        draw = job.draw.of(block) if job.draw else None
        chosen, undecided = _drawn(by_aim, by_taste, chosen, draw, axis=0)
        near |= undecided
        scores = np.take_along_axis(by_taste, chosen[None], 0)[0]
        if near.any():
            some = draw.of(near) if draw else None
            chosen[near], scores[near] = _set_exact(users.exact(near), job.slots, [i[:, near] for i in lists], some)
        columns = np.arange(len(chosen))
        for slot, place in enumerate(np.unravel_index(chosen, [len(i) for i in lists])):
            job.result.indices[block, slot] = lists[slot][place, columns]
            job.result.slot_scores[block, slot] = alone[slot][place, columns]
            job.result.ranks[block, slot] = place + 1
        job.result.scores[block] = scores

    return work


def _pick(table: Float32s, rows: Indices, columns: Indices) -> Float32s:
    """table[rows, columns], faster than by two indices."""
    return table.ravel().take(rows * np.int32(table.shape[1]) + columns)


def _set_dots(parts: Sequence[Float32s], inverse: Float32s) -> Float32s:
    """Cosines (sets, users) of sets, from the dot products (n, users) of their parts and 1 / their lengths."""
    a, b, c = parts
    dots = (a[:, None] + b[None])[:, :, None] + c[None, None]
    return np.multiply(dots, inverse, out=dots).reshape(-1, dots.shape[-1])


def _set_exact(
    users: tuple[Float64s, Float64s], slots: Sequence[Float64s], lists: Sequence[Indices], draw: Draw | None
) -> tuple[NDArray[np.intp], Float64s]:
    """The rule itself, for short lists (n, users) of each slot: places (users,) among the sets, and scores."""
    tastes, aims = users
    sums = np.zeros((len(tastes), 1, tastes.shape[1]))
    names = np.zeros((len(tastes), 1), np.int64)  # sets numbered in the order of names
    for slot, indices in zip(slots, lists, strict=True):
        sums = (sums[:, :, None] + slot[indices.T][:, None]).reshape(len(tastes), -1, tastes.shape[1])
        names = (names[:, :, None] * len(slot) + indices.T[:, None]).reshape(len(tastes), -1)
    directions = unit64(sums.reshape(-1, sums.shape[-1])).reshape(sums.shape)
    by_taste, by_aim = (dots(directions, vectors[:, None]) for vectors in (tastes, aims))
    tied = by_aim >= by_aim.max(axis=1, keepdims=True) - TIE
    chosen = np.where(tied, names, np.iinfo(np.int64).max).argmin(axis=1)
    chosen, _ = _drawn(by_aim, by_taste, chosen, draw, axis=1)
    return chosen, by_taste[np.arange(len(chosen)), chosen]


# ---- the best of all sets ----


def all_sets(slots: Sequence[Floats]) -> Float64s:
    """Sums of one vector a slot, in the order of names: (product of the slots' sizes, genres)."""
    a, b, c = (slot.astype(np.float64) for slot in slots)
    return (a[:, None, None] + b[None, :, None] + c[None, None, :]).reshape(-1, a.shape[1])


def _all_sets_work(job: _Job) -> Work:
    """Compare a block with every set: matrix products with the sets' unit vectors."""
    sets = unit(all_sets(job.slots))
    sets32 = np.ascontiguousarray(sets.astype(np.float32).T)
    units = [unit(slot) for slot in job.slots]

    def work(block: slice, workspace: Workspace) -> None:
        users = _Block(job.users[block], job.power)
        draw = job.draw.of(block) if job.draw else None
        by_aim = users.aims @ sets32
        by_taste = by_aim if job.power == 1 else users.tastes @ sets32
        best = by_aim.argmax(axis=1)
        peaks = by_aim[np.arange(len(best)), best]
        rivals = (by_aim >= (peaks - np.float32(NEAR_TIE))[:, None]).sum(axis=1) > 1
        chosen, undecided = _drawn(by_aim, by_taste, best, draw, axis=1)
        near = rivals | undecided
        scores = by_taste[np.arange(len(best)), chosen].astype(np.float64)
        if near.any():
            tastes, aims = users.exact(near)
            some = draw.of(near) if draw else None
            exact_aim, exact_taste = aims @ sets.T, tastes @ sets.T
            chosen[near], _ = _drawn(exact_aim, exact_taste, _first_of_best(exact_aim), some, axis=1)
            scores[near] = exact_taste[np.arange(len(exact_taste)), chosen[near]]
        tastes, _ = users.exact(np.ones(len(best), np.bool_))
        places = np.unravel_index(chosen, tuple(map(len, job.slots)))
        for slot, (indices, vectors) in enumerate(zip(places, units, strict=True)):
            job.result.indices[block, slot] = indices
            job.result.slot_scores[block, slot] = np.einsum("ud,ud->u", tastes, vectors[indices])
        job.result.scores[block] = scores

    return work
