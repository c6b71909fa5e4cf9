"""The recommender of PET: which set of accessories a person gets, in every script.

1. The aim is the taste with each value squared, so that favourites count more than what is liked a little.
2. Of each slot the `top_n` accessories nearest to the aim compete; the best set has the highest cosine with the aim
   (`pet.choosing.matching` has the rule for ties).
3. The name and the seed choose among the sets that lose no more than LOSS of cosine against the best one, so that
   two people with one taste differ and one person gets the same set for ever; `identical` takes the best one.
4. Who likes nothing gets the accessories without any genre, which say so; where there are none, the first names.
5. Pinned accessories are kept; the rest is chosen to go with them.
"""

import unicodedata
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from common.errors import UserError, check_range
from pet.choosing.knn import choose_among_nearest
from pet.choosing.matching import BestSets, Draw, Floats, best_sets
from pet.choosing.wardrobe import SLOTS, Wardrobe

POWER = 2
LOSS = 0.02


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How sets are chosen.

    Attributes:
        top_n: accessories of each slot that compete; None: all.
        neighbours: KNN instead: of each slot one of so many nearest accessories, drawn at random; None: the best set.
        identical: the best set for everybody with the same taste, whatever the name.
        seed: number that counts with the name.
        pins: names of accessories that everybody wears, by slot.
    """

    top_n: int | None = 3
    neighbours: int | None = None
    identical: bool = False
    seed: int = 0
    pins: Mapping[str, str] = field(default_factory=dict)


class Recommender:
    """Chooses by one rule from one wardrobe."""

    def __init__(self, wardrobe: Wardrobe, rule: Rule | None = None) -> None:
        """Raises UserError for a pin that is not in its slot, or a number larger than the smallest slot."""
        self.rule = rule or Rule()
        pins = [_pinned(wardrobe, slot, self.rule.pins.get(slot, "")) for slot in SLOTS]
        slots = [wardrobe.vectors(slot) for slot in SLOTS]
        smallest = min((len(slot) for slot, pin in zip(slots, pins, strict=True) if pin is None), default=1)
        for setting, number in (("TOP_N", self.rule.top_n), ("K", self.rule.neighbours)):
            if number is not None:
                check_range(setting, number, 1, smallest)
        self._pins = pins
        self._slots = [
            slot if pin is None else wardrobe.slots[name][pin].vector[None]
            for slot, name, pin in zip(slots, SLOTS, pins, strict=True)
        ]
        sizes = [len(wardrobe.slots[name]) for name in SLOTS]
        silent = [len(slot) if size > len(slot) else 0 for slot, size in zip(slots, sizes, strict=True)]
        self._of_nothing = [first if pin is None else pin for first, pin in zip(silent, pins, strict=True)]

    @property
    def sizes(self) -> list[int]:
        """Number of accessories of each slot that compete for a person."""
        return [min(len(slot), self.rule.top_n or len(slot)) for slot in self._slots]

    def choose(self, names: Iterable[str], tastes: Floats, threads: int | None = None) -> BestSets:
        """The set of everybody.

        Args:
            names: one per person; not read where the rule is `identical` or by neighbours.
            tastes: (people, genres), finite and not negative.
            threads: see `best_sets`.

        Returns:
            Indices into the wardrobe's slots; all cosines are those with the taste.
        """
        if self.rule.neighbours is not None:
            sets = choose_among_nearest(tastes, self._slots, self.rule.neighbours, self.rule.seed)
        else:
            draw = None if self.rule.identical else Draw(name_numbers(names, self.rule.seed), LOSS)
            sets = best_sets(tastes, self._slots, self.rule.top_n, threads, power=POWER, draw=draw)
        for slot, pin in enumerate(self._pins):
            if pin is not None:
                sets.indices[:, slot] = pin
        nothing = ~tastes.any(axis=1)
        sets.indices[nothing] = self._of_nothing
        sets.ranks[nothing] = 0
        return sets


def name_numbers(names: Iterable[str], seed: int) -> NDArray[np.uint32]:
    """A number for each name and the seed: the same on every machine, and for every Unicode form of a name."""
    texts = (f"{seed} {unicodedata.normalize('NFC', name)}" for name in names)
    return np.fromiter((zlib.crc32(text.encode("utf-8", "surrogatepass")) for text in texts), np.uint32)


def _pinned(wardrobe: Wardrobe, slot: str, name: str) -> int | None:
    """Index of the accessory of that name, whatever its case; None for no name."""
    if not name:
        return None
    names = [accessory.name for accessory in wardrobe.slots[slot]]
    for index, known in enumerate(names):
        if known.casefold() == name.strip().casefold():
            return index
    raise UserError(f"setting {slot.upper()} is {name!r}; {wardrobe.path.name} has {', '.join(names)}")
