"""The KNN-like choice against the naive order of neighbours."""

import numpy as np
import pytest
from numpy.typing import NDArray

from pet.choosing.knn import choose_among_nearest, set_cosines
from pet.choosing.matching import best_sets
from pet.choosing.wardrobe import SLOTS, load_wardrobe
from tests.pet.choosing.test_matching import naive_cosine, naive_top_n


@pytest.fixture(scope="module")
def slots() -> list[NDArray[np.float64]]:
    wardrobe = load_wardrobe()
    return [wardrobe.vectors(slot) for slot in SLOTS]


@pytest.fixture(scope="module")
def people() -> NDArray[np.float64]:
    random = np.random.default_rng(11)
    return np.concatenate(
        [random.random((200, 14)), np.eye(14), np.zeros((2, 14)), random.integers(0, 3, (84, 14)) / 2]
    )


@pytest.mark.parametrize("k", [1, 3, 16])
def test_everybody_gets_one_of_the_k_nearest(
    k: int, people: NDArray[np.float64], slots: list[NDArray[np.float64]]
) -> None:
    chosen = choose_among_nearest(people, slots, k, seed=4)
    for row, user in enumerate(people.tolist()):
        for number, slot in enumerate(slots):
            nearest = naive_top_n(user, slot.tolist(), k)
            index, rank = int(chosen.indices[row, number]), int(chosen.ranks[row, number])
            assert nearest[rank - 1] == index
            assert chosen.slot_scores[row, number] == pytest.approx(naive_cosine(user, slot[index].tolist()), abs=1e-6)


def test_the_nearest_by_cosine_is_the_nearest_by_distance_on_unit_vectors(
    people: NDArray[np.float64], slots: list[NDArray[np.float64]]
) -> None:
    chosen = choose_among_nearest(people[:200], slots, 1, seed=0)
    for number, slot in enumerate(slots):
        units = slot / np.linalg.norm(slot, axis=1, keepdims=True)
        users = people[:200] / np.linalg.norm(people[:200], axis=1, keepdims=True)
        distances = np.linalg.norm(users[:, None] - units[None], axis=2)
        at_choice = distances[np.arange(200), chosen.indices[:, number]]
        assert at_choice == pytest.approx(distances.min(axis=1), abs=1e-6)


def test_k_of_1_needs_no_luck(people: NDArray[np.float64], slots: list[NDArray[np.float64]]) -> None:
    one, other = (choose_among_nearest(people, slots, 1, seed) for seed in (1, 2))
    assert (one.indices == other.indices).all() and (one.indices == best_sets(people, slots, 1).indices).all()


def test_the_draw_repeats_by_its_seed_alone(people: NDArray[np.float64], slots: list[NDArray[np.float64]]) -> None:
    first, again, other = (choose_among_nearest(people, slots, 5, seed) for seed in (1, 1, 2))
    assert (first.indices == again.indices).all()
    assert (first.indices != other.indices).mean() > 0.5


def test_each_of_the_k_is_as_likely_and_slots_are_drawn_apart(slots: list[NDArray[np.float64]]) -> None:
    crowd = np.repeat(np.eye(1, 14), 9_000, axis=0)
    ranks = choose_among_nearest(crowd, slots, 3, seed=0).ranks
    for number in range(3):
        assert np.bincount(ranks[:, number], minlength=4)[1:] == pytest.approx([3_000] * 3, rel=0.06)
    triples = np.unique(ranks, axis=0, return_counts=True)[1]
    assert len(triples) == 27 and triples == pytest.approx([9_000 / 27] * 27, rel=0.25)


def test_more_neighbours_than_there_are_means_all(slots: list[NDArray[np.float64]]) -> None:
    crowd = np.repeat(np.eye(1, 14), 2_000, axis=0)
    ranks = choose_among_nearest(crowd, slots, 999, seed=0).ranks
    assert set(ranks[:, 0].tolist()) == set(range(1, len(slots[0]) + 1))


def test_set_cosines_are_those_of_the_sums(people: NDArray[np.float64], slots: list[NDArray[np.float64]]) -> None:
    indices = np.random.default_rng(0).integers(0, 16, (len(people), 3)).astype(np.int32)
    found = set_cosines(people, slots, indices)
    for user, chosen, cosine in zip(people.tolist(), indices, found, strict=True):
        total = sum(slot[index] for slot, index in zip(slots, chosen, strict=True))
        assert cosine == pytest.approx(naive_cosine(user, np.asarray(total).tolist()), abs=1e-6)
