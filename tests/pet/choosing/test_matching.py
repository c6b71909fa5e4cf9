"""Top-N and best sets against the rule in plain Python."""

import itertools
import math
from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pet.choosing.matching import Draw, all_sets, best_sets, top_n, unit
from pet.choosing.wardrobe import SLOTS, load_wardrobe

TIE = 1e-6
Vector = Sequence[float]


# ---- the rule, as a person would write it down ----


def naive_cosine(a: Vector, b: Vector) -> float:
    length = math.sqrt(sum(x * x for x in a)) * math.sqrt(sum(x * x for x in b))
    return sum(x * y for x, y in zip(a, b, strict=True)) / length if length else 0.0


def first_of_best(scores: dict[int, float]) -> int:
    best = max(scores.values())
    return min(index for index, score in scores.items() if score >= best - TIE)


def naive_top_n(user: Vector, accessories: Sequence[Vector], n: int) -> list[int]:
    left = {index: naive_cosine(user, vector) for index, vector in enumerate(accessories)}
    chosen = []
    for _ in range(n):
        chosen.append(first_of_best(left))
        del left[chosen[-1]]
    return chosen


def set_scores(user: Vector, slots: Sequence[Sequence[Vector]], n: int | None) -> dict[tuple[int, ...], float]:
    """The cosine of every set that competes, in the order of the indices, so of names."""
    lists = [range(len(slot)) if n is None else sorted(naive_top_n(user, slot, n)) for slot in slots]
    scores = {}
    for chosen in itertools.product(*lists):
        rows = [slot[index] for slot, index in zip(slots, chosen, strict=True)]
        scores[chosen] = naive_cosine(user, [sum(values) for values in zip(*rows, strict=True)])
    return scores


def naive_best_set(user: Vector, slots: Sequence[Sequence[Vector]], n: int | None) -> tuple[tuple[int, ...], float]:
    """Indices of the best set and its cosine."""
    scores = set_scores(user, slots, n)
    sets = list(scores)
    first = sets[first_of_best({place: scores[one] for place, one in enumerate(sets)})]
    return first, scores[first]


# ---- random users and the real wardrobe ----


@pytest.fixture(scope="module")
def slots() -> list[NDArray[np.float64]]:
    wardrobe = load_wardrobe()
    return [wardrobe.vectors(slot) for slot in SLOTS]


@pytest.fixture(scope="module")
def people() -> NDArray[np.float32]:
    """2,000 users: dense, on coarse scales that make ties, sparse, one-hot, zero and constant."""
    random = np.random.default_rng(7)
    dense = random.random((800, 14))
    coarse = random.integers(0, 4, (600, 14)) / 3
    sparse = random.integers(0, 6, (550, 14)) / 5 * (random.random((550, 14)) < 0.15)
    return np.concatenate([dense, coarse, sparse, np.eye(14), np.zeros((35, 14)), np.ones((1, 14))]).astype(np.float32)


def test_top_3_of_2000_users_is_the_naive_reference(
    people: NDArray[np.float32], slots: list[NDArray[np.float64]]
) -> None:
    for slot in slots:
        found = top_n(people, slot, 3)
        rows = slot.tolist()
        for user, indices, scores in zip(people.tolist(), found.indices.tolist(), found.scores, strict=True):
            assert indices == naive_top_n(user, rows, 3)
            assert scores == pytest.approx([naive_cosine(user, rows[i]) for i in indices], abs=1e-6)


def test_best_set_of_2000_users_is_the_naive_reference(
    people: NDArray[np.float32], slots: list[NDArray[np.float64]]
) -> None:
    found = best_sets(people, slots, 3)
    rows = [slot.tolist() for slot in slots]
    for row, user in enumerate(people.tolist()):
        indices, score = naive_best_set(user, rows, 3)
        assert tuple(found.indices[row]) == indices
        assert found.scores[row] == pytest.approx(score, abs=1e-6)
        alone = [naive_cosine(user, vectors[i]) for vectors, i in zip(rows, indices, strict=True)]
        assert found.slot_scores[row] == pytest.approx(alone, abs=1e-6)


def test_exact_optimum_of_all_sets_is_brute_force(
    people: NDArray[np.float32], slots: list[NDArray[np.float64]]
) -> None:
    some = people[[0, 1, 2, 3, 800, 801, 802, 1400, 1401, 1402, 1950, 1951, 1999, 1970]]
    found = best_sets(some, slots, None)
    rows = [slot.tolist() for slot in slots]
    for row, user in enumerate(some.tolist()):
        indices, score = naive_best_set(user, rows, None)
        assert tuple(found.indices[row]) == indices
        assert found.scores[row] == pytest.approx(score, abs=1e-6)
    assert (found.ranks == 0).all()


def test_rank_is_the_place_in_the_short_list(people: NDArray[np.float32], slots: list[NDArray[np.float64]]) -> None:
    found = best_sets(people, slots, 4)
    for number, slot in enumerate(slots):
        short_list = top_n(people, slot, 4).indices
        at_rank = np.take_along_axis(short_list, found.ranks[:, [number]] - 1, axis=1)[:, 0]
        assert (at_rank == found.indices[:, number]).all()


def test_a_longer_short_list_never_loses(people: NDArray[np.float32], slots: list[NDArray[np.float64]]) -> None:
    scores = [best_sets(people, slots, n).scores for n in (1, 2, 4, 8, 16, None)]
    for shorter, longer in itertools.pairwise(scores):
        assert (longer >= shorter - 2e-6).all()
    assert scores[-1] == pytest.approx(scores[-2], abs=2e-6)  # top 16 of 16 is all


# ---- known answers ----


def test_users_who_scored_nothing_get_the_first_names_and_cosine_0(slots: list[NDArray[np.float64]]) -> None:
    nobody = np.zeros((3, 14), np.float32)
    assert top_n(nobody, slots[0], 5).indices.tolist() == [[0, 1, 2, 3, 4]] * 3
    for n in (1, 3, None):
        found = best_sets(nobody, slots, n)
        assert (found.indices == 0).all() and (found.scores == 0).all() and (found.slot_scores == 0).all()


@pytest.mark.parametrize(
    ("gap", "winner"), [(0.0, 0), (5e-7, 0), (2e-6, 1), (5e-6, 1), (1e-3, 1)], ids=lambda value: f"{value}"
)
def test_scores_within_a_millionth_are_ties(gap: float, winner: int) -> None:
    """The second accessory's cosine with the user (1, 0) is larger than the first's by `gap`."""
    first, second = 0.5, 0.5 + gap
    accessories = np.array([[c, math.sqrt(1 - c * c)] for c in (first, second)])
    user = np.array([[1.0, 0.0]])
    assert top_n(user, accessories, 1).indices[0, 0] == winner
    assert top_n(user, accessories, 2).indices[0].tolist() == [winner, 1 - winner]


def test_ties_are_measured_from_the_best_that_is_left_not_in_a_chain() -> None:
    """Three scores, each 0.7e-6 above the last: the first is not within 1e-6 of the third, which is the best."""
    cosines = [0.5, 0.5 + 0.7e-6, 0.5 + 1.4e-6]
    accessories = np.array([[c, math.sqrt(1 - c * c)] for c in cosines])
    assert top_n(np.array([[1.0, 0.0]]), accessories, 3).indices[0].tolist() == [1, 2, 0]


def test_equal_sets_go_by_head_then_torso_then_face() -> None:
    same = np.array([[1.0, 0.0], [1.0, 0.0]])
    other = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    found = best_sets(np.array([[1.0, 0.0]], np.float32), [same, other, same], 2)
    assert found.indices.tolist() == [[0, 1, 0]]
    assert best_sets(np.array([[1.0, 0.0]], np.float32), [same, other, same], None).indices.tolist() == [[0, 1, 0]]


def test_a_worse_accessory_alone_can_make_the_better_set() -> None:
    """Rock and jazz in equal parts: two rock pieces call for jazz on the third slot, though rock-pop is nearer."""
    rock, jazz, both = [1.0, 0.0], [0.0, 2.0], [1.0, 0.9]
    slots = [np.array([rock, rock]), np.array([rock, rock]), np.array([both, jazz])]
    user = np.array([[1.0, 1.0]], np.float32)
    assert top_n(user, slots[2], 1).indices.tolist() == [[0]]
    assert best_sets(user, slots, 1).indices.tolist() == [[0, 0, 0]]
    assert best_sets(user, slots, 2).indices.tolist() == [[0, 0, 1]]


def test_all_sets_are_the_sums_in_the_order_of_names() -> None:
    a, b, c = np.array([[1.0], [2.0]]), np.array([[10.0], [20.0]]), np.array([[100.0], [200.0]])
    assert all_sets([a, b, c])[:, 0].tolist() == [111, 211, 121, 221, 112, 212, 122, 222]


def test_unit_leaves_zero_vectors_zero() -> None:
    assert unit(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist() == [[0.6, 0.8], [0.0, 0.0]]


@pytest.mark.parametrize("n", [-1, 0, 5, 999])
def test_n_out_of_range_is_refused_with_its_value(n: int) -> None:
    users, slots = np.ones((1, 2)), [np.ones((4, 2))] * 3
    with pytest.raises(ValueError, match=f"from 1 to 4, got {n}"):
        top_n(users, slots[0], n)
    with pytest.raises(ValueError, match=f"from 1 to 4, got {n}"):
        best_sets(users, slots, n)


def test_no_users_is_an_empty_result() -> None:
    slots = [np.ones((4, 2))] * 3
    assert top_n(np.ones((0, 2)), slots[0], 2).indices.shape == (0, 2)
    assert best_sets(np.ones((0, 2)), slots, 2).indices.shape == (0, 3)


@pytest.mark.parametrize("factor", [1e-24, 1e-22, 1e-6, 1e6, 1e24])
def test_the_length_of_a_taste_does_not_matter(
    factor: float, people: NDArray[np.float32], slots: list[NDArray[np.float64]]
) -> None:
    """Cosines are those of float64 for any finite taste, also where squares leave the range of float32."""
    users = people[:200].astype(np.float64) * factor
    found, rows = best_sets(users, slots, 3), [slot.tolist() for slot in slots]
    for row in range(0, 200, 10):
        indices, score = naive_best_set((users[row] / factor).tolist(), rows, 3)
        assert tuple(found.indices[row]) == indices
        assert found.scores[row] == pytest.approx(score, abs=1e-6)


# ---- independence of threads and batches ----


@pytest.fixture(scope="module")
def crowd() -> NDArray[np.float32]:
    """More users than one block holds; on a coarse scale, so that many need the exact rule."""
    return (np.random.default_rng(3).integers(0, 6, (70_000, 14)) / 5).astype(np.float32)


@pytest.mark.parametrize("n", [1, 3, 5])
def test_threads_change_nothing(n: int, crowd: NDArray[np.float32], slots: list[NDArray[np.float64]]) -> None:
    one = best_sets(crowd, slots, n, threads=1)
    for threads in (2, 5):
        many = best_sets(crowd, slots, n, threads=threads)
        for left, right in zip(one, many, strict=True):
            assert (left == right).all()


@pytest.mark.parametrize("n", [3, None])
def test_the_split_into_batches_changes_no_choice(
    n: int | None, crowd: NDArray[np.float32], slots: list[NDArray[np.float64]]
) -> None:
    users = crowd if n else crowd[:5_000]
    whole = best_sets(users, slots, n)
    cuts = [0, 1, 64, 65, 700, 2_311, 4_999, len(users)]
    for start, stop in itertools.pairwise(cuts):
        part = best_sets(users[start:stop], slots, n)
        assert (part.indices == whole.indices[start:stop]).all()
        assert (part.ranks == whole.ranks[start:stop]).all()
        assert part.scores == pytest.approx(whole.scores[start:stop], abs=1e-6)


def test_top_n_of_a_crowd_is_that_of_its_parts(crowd: NDArray[np.float32], slots: list[NDArray[np.float64]]) -> None:
    whole = top_n(crowd, slots[0], 3)
    parts = [top_n(part, slots[0], 3, threads=1) for part in np.array_split(crowd, 7)]
    assert (whole.indices == np.concatenate([part.indices for part in parts])).all()


# ---- hard cases made by hypothesis ----

LEVELS = st.sampled_from([0.0, 0.0, 0.0, 0.1, 0.2, 1 / 3, 0.5, 0.9, 1.0])
NUDGES = st.sampled_from([0.0, 0.0, 1e-8, 1e-7, 3e-7, 1e-6, 2e-6, 4e-6, 1e-5, 1e-3])


@st.composite
def vectors(draw: st.DrawFn, genres: int, most: int) -> list[list[float]]:
    """Vectors of which many are equal, nearly equal, zero or one-hot."""
    one = st.lists(LEVELS, min_size=genres, max_size=genres)
    pool = draw(st.lists(one, min_size=1, max_size=4))
    pool += [[0.0] * genres, [1.0] + [0.0] * (genres - 1), [1.0] * genres]
    rows = []
    for _ in range(draw(st.integers(1, most))):
        row = list(draw(st.sampled_from(pool)))
        row[draw(st.integers(0, genres - 1))] += draw(NUDGES)
        rows.append(row)
    return rows


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[list[float]], list[list[list[float]]]]:
    genres = draw(st.integers(1, 14))
    return draw(vectors(genres, 6)), [draw(vectors(genres, 9)) for _ in range(3)]


def decided(scores: Iterable[float]) -> bool:
    """No difference of two scores is so near to TIE that the last bit of float64 would decide."""
    return all(abs(abs(a - b) - TIE) > 1e-12 for a, b in itertools.combinations(set(scores), 2))


@settings(max_examples=50)
@given(cases(), st.data())
def test_top_n_of_hard_cases_is_the_naive_reference(
    case: tuple[list[list[float]], list[list[list[float]]]], data: st.DataObject
) -> None:
    users, (accessories, _, _) = case
    n = data.draw(st.integers(1, len(accessories)))
    found = top_n(np.array(users), np.array(accessories), n)
    for user, indices, scores in zip(users, found.indices.tolist(), found.scores, strict=True):
        cosines = [naive_cosine(user, vector) for vector in accessories]
        if decided(cosines):
            assert indices == naive_top_n(user, accessories, n)
        assert sorted(set(indices)) == sorted(indices)
        assert scores == pytest.approx([cosines[i] for i in indices], abs=1e-6)


@settings(max_examples=40)
@given(cases(), st.data())
def test_best_sets_of_hard_cases_are_the_naive_reference(
    case: tuple[list[list[float]], list[list[list[float]]]], data: st.DataObject
) -> None:
    users, slots = case
    n = data.draw(st.none() | st.integers(1, min(map(len, slots))))
    found = best_sets(np.array(users), [np.array(slot) for slot in slots], n)
    for row, user in enumerate(users):
        indices, score = naive_best_set(user, slots, n)
        chosen = [slot[index] for slot, index in zip(slots, found.indices[row], strict=True)]
        reached = naive_cosine(user, [sum(values) for values in zip(*chosen, strict=True)])
        assert found.scores[row] == pytest.approx(reached, abs=1e-6)
        if all(decided(naive_cosine(user, vector) for vector in slot) for slot in slots):
            scores = set_scores(user, slots, n).values()
            if all(abs(max(scores) - other - TIE) > 1e-12 for other in scores):
                assert tuple(found.indices[row]) == indices
                assert reached == pytest.approx(score, abs=1e-12)


# ---- aims and draws ----


def naive_drawn_set(
    user: Vector, slots: Sequence[Sequence[Vector]], n: int | None, number: int, loss: float
) -> tuple[tuple[int, ...], float]:
    """The whole rule with squared tastes: the best set, all that lose at most `loss`, the one that the number names."""
    length = math.sqrt(sum(x * x for x in user)) or 1.0
    aim = [(x / length) ** 2 for x in user]
    best, score = naive_best_set(aim, slots, n)
    by_aim, by_taste = {}, {}
    for chosen in itertools.product(*(naive_top_n(aim, slot, n) if n else range(len(slot)) for slot in slots)):
        rows = [slot[index] for slot, index in zip(slots, chosen, strict=True)]
        total = [sum(values) for values in zip(*rows, strict=True)]
        by_aim[chosen], by_taste[chosen] = naive_cosine(aim, total), naive_cosine(user, total)
    least_aim, least_taste = score - loss, by_taste[best] - loss
    allowed = [one for one in by_aim if by_aim[one] >= least_aim and by_taste[one] >= least_taste]
    drawn = allowed[number % len(allowed)]
    return drawn, by_taste[drawn]


@pytest.mark.parametrize(("n", "count"), [(3, 500), (None, 5)])
def test_drawn_sets_are_the_naive_reference(
    n: int | None, count: int, people: NDArray[np.float32], slots: list[NDArray[np.float64]]
) -> None:
    some = people[:: len(people) // count]
    numbers = np.random.default_rng(1).integers(0, 2**32, len(some), dtype=np.uint32)
    found = best_sets(some, slots, n, power=2, draw=Draw(numbers, 0.02))
    rows = [slot.tolist() for slot in slots]
    for row, user in enumerate(some.tolist()):
        indices, score = naive_drawn_set(user, rows, n, int(numbers[row]), 0.02)
        assert tuple(found.indices[row]) == indices
        assert found.scores[row] == pytest.approx(score, abs=1e-6)
        alone = [naive_cosine(user, vectors[i]) for vectors, i in zip(rows, indices, strict=True)]
        assert found.slot_scores[row] == pytest.approx(alone, abs=1e-6)


@pytest.mark.parametrize("n", [3, None])
def test_a_draw_loses_no_more_than_is_allowed_and_reaches_every_allowed_set(
    n: int | None, people: NDArray[np.float32], slots: list[NDArray[np.float64]]
) -> None:
    users = people[::20]
    strict = best_sets(users, slots, n, power=2)
    different = set()
    for number in range(60):  # enough to draw everybody's best set
        drawn = best_sets(users, slots, n, power=2, draw=Draw(np.full(len(users), number, np.uint32), 0.02))
        assert (drawn.scores >= strict.scores - 0.02 - 1e-6).all()
        different |= {(row, *chosen) for row, chosen in enumerate(drawn.indices.tolist())}
    assert {(row, *chosen) for row, chosen in enumerate(strict.indices.tolist())} <= different
    assert len(different) > 1.5 * len(users)


def test_without_a_loss_the_draw_is_the_best_set(people: NDArray[np.float32], slots: list[NDArray[np.float64]]) -> None:
    users = people[people.any(axis=1)][::7]
    numbers = np.zeros(len(users), np.uint32)
    drawn = best_sets(users, slots, 3, power=2, draw=Draw(numbers, 0.0)).scores
    assert drawn == pytest.approx(best_sets(users, slots, 3, power=2).scores, abs=2e-6)


def test_slots_may_differ_in_size(slots: list[NDArray[np.float64]], people: NDArray[np.float32]) -> None:
    one = [slots[0][4:5], slots[1], slots[2][:2]]
    found = best_sets(people[:50], one, 3)
    for row, user in enumerate(people[:50].tolist()):
        best = max(itertools.product([0], naive_top_n(user, slots[1].tolist(), 3), [0, 1]), key=lambda s: naive_cosine(
            user, np.sum([slot[i] for slot, i in zip(one, s, strict=True)], axis=0).tolist()))  # fmt: skip
        assert tuple(found.indices[row]) == best
