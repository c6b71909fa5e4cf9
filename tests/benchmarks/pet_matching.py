"""Speed of matching in memory, beside scikit-learn, faiss and a loop over users; every answer is checked.

python -m tests.benchmarks.pet_matching
"""

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pet.choosing.matching import TIE, Draw, best_sets, top_n
from pet.choosing.recommender import LOSS, POWER
from tests.benchmarks.hardware import describe_machine
from tests.benchmarks.needs import find_peer

GENRES, ACCESSORIES, N = 14, 60, 3
USERS = 1_000_000
CHECKED = 2_000  # users compared with the naive reference
REPEATS = 5  # the median counts


def median_seconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Median time of some runs after one that does not count."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def naive_top_n(user: NDArray[np.float64], accessories: NDArray[np.float64], n: int) -> list[int]:
    """One user in plain float64, one accessory after the other."""
    scores = [float(user @ a) / float(np.linalg.norm(user) * np.linalg.norm(a)) for a in accessories]
    left, chosen = set(range(len(scores))), []
    for _ in range(n):
        best = max(scores[i] for i in left)
        chosen.append(min(i for i in left if scores[i] >= best - TIE))
        left.remove(chosen[-1])
    return chosen


def naive_best_set(user: NDArray[np.float64], slots: list[NDArray[np.float64]], n: int | None) -> tuple[int, ...]:
    """One user in plain float64, one set after the other."""
    lists = [sorted(naive_top_n(user, slot, n)) if n else range(len(slot)) for slot in slots]
    scores = {}
    for i in lists[0]:
        for j in lists[1]:
            for k in lists[2]:
                combined = slots[0][i] + slots[1][j] + slots[2][k]
                scores[i, j, k] = float(user @ combined) / float(np.linalg.norm(user) * np.linalg.norm(combined))
    best = max(scores.values())
    return min(set_ for set_, score in scores.items() if score >= best - TIE)


def report(name: str, seconds: float, users: int, note: str = "") -> None:
    print(f"{name:<48} {users / seconds:>14,.0f} users/s   {note}")


def main() -> None:
    print(describe_machine())
    rng = np.random.default_rng(0)
    users = rng.random((USERS, GENRES), dtype=np.float32)
    slots = [rng.random((ACCESSORIES, GENRES)) for _ in range(3)]
    exact = users[:CHECKED].astype(np.float64)

    print(
        f"\ntop {N} of a slot: {ACCESSORIES} accessories, {GENRES} genres, {USERS:,} users (target 2,000,000 users/s)"
    )
    wrong = int((top_n(users[:CHECKED], slots[0], N).indices != [naive_top_n(u, slots[0], N) for u in exact]).sum())
    report(
        "ours, float32, all cores",
        median_seconds(lambda: top_n(users, slots[0], N)),
        USERS,
        f"{wrong} of {CHECKED} users differ from the naive loop",
    )
    report("ours, one thread", median_seconds(lambda: top_n(users, slots[0], N, threads=1), 3), USERS)
    peers_of_top_n(users, slots[0])

    print(f"\nwhole choice: top {N} of 3 slots and {N**3} sets, {USERS:,} users (target 400,000 users/s)")
    naive = np.array([naive_best_set(u, slots, N) for u in exact])
    wrong = int((best_sets(users[:CHECKED], slots, N).indices != naive).any(axis=1).sum())
    report(
        "ours, float32, all cores",
        median_seconds(lambda: best_sets(users, slots, N)),
        USERS,
        f"{wrong} of {CHECKED} users differ from the naive loop",
    )
    draw = Draw(rng.integers(0, 2**32, USERS, dtype=np.uint32), LOSS)
    seconds = median_seconds(lambda: best_sets(users, slots, N, power=POWER, draw=draw))
    report("ours, favourites first, drawn by name", seconds, USERS)
    loop = median_seconds(lambda: [naive_best_set(u, slots, N) for u in exact[:100]], 1)
    report("Python loop over users", loop, 100)

    small = [slot[:16] for slot in slots]
    some = users[:100_000]
    print(f"\nexact optimum of all 16^3 sets, {len(some):,} users (target under 3 s)")
    naive = np.array([naive_best_set(u, small, None) for u in exact[:50]])
    wrong = int((best_sets(users[:50], small, None).indices != naive).any(axis=1).sum())
    seconds = median_seconds(lambda: best_sets(some, small, None))
    report("ours", seconds, len(some), f"{seconds:.2f} s; {wrong} of 50 users differ from the naive loop")


def peers_of_top_n(users: NDArray[np.float32], slot: NDArray[np.float64]) -> None:
    """The same question asked of plain Python, scikit-learn and faiss."""
    exact = users[:500].astype(np.float64)
    report("Python loop over users", median_seconds(lambda: [naive_top_n(u, slot, N) for u in exact], 1), len(exact))
    if neighbors := find_peer("sklearn.neighbors"):
        some = users[:100_000]
        knn = neighbors.NearestNeighbors(n_neighbors=N, metric="cosine", algorithm="brute", n_jobs=-1)
        knn.fit(slot.astype(np.float32))
        seconds = median_seconds(lambda: knn.kneighbors(some), 3)
        report("scikit-learn NearestNeighbors, brute, cosine", seconds, len(some))
    if faiss := find_peer("faiss"):
        index = faiss.IndexFlatIP(GENRES)
        index.add((slot / np.linalg.norm(slot, axis=1, keepdims=True)).astype(np.float32))
        seconds = median_seconds(lambda: index.search(users / np.linalg.norm(users, axis=1, keepdims=True), N), 3)
        report("faiss IndexFlatIP", seconds, len(users))


if __name__ == "__main__":
    main()
