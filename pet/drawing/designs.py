"""What makes one pet look different from another: its body, its coat and what it wears; a number for each design."""

import math
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pet.choosing.wardrobe import SLOTS, Wardrobe, body_for, name_bytes
from pet.drawing.coats import COATS, LOOKS, Coat, coat_files, coat_for, coat_number


class Design(NamedTuple):
    """One pet: people with equal designs have the same picture.

    Attributes:
        body: name of the base body.
        coat: its fur; None for a body that has no coats.
        worn: names of the accessories of Head, Torso and Face.
    """

    body: str
    coat: Coat | None
    worn: tuple[str, ...]


def design_of(user: str, worn: Sequence[str], bodies: Mapping[str, Path], body: str = "auto") -> Design:
    """The design of a person's pet.

    Args:
        user: name, which chooses the coat, and the body for "auto".
        worn: names of the accessories of Head, Torso and Face.
        bodies: base bodies by name.
        body: name of the base body, or "auto".
    """
    file = body_for(user, bodies, body)
    return Design(file.stem, coat_for(user) if coat_files(file) else None, tuple(worn))


class DesignNumbers:
    """Designs as numbers, for millions of people: the body counts most, then the coat, then Head, Torso and Face."""

    def __init__(self, wardrobe: Wardrobe, bodies: Mapping[str, Path], body: str = "auto") -> None:
        """`bodies` are base bodies by name, `body` one of them or "auto"."""
        self._names = [[accessory.name for accessory in wardrobe.slots[slot]] for slot in SLOTS]
        self._bodies = sorted(bodies)
        self._coats = [bool(coat_files(bodies[name])) for name in self._bodies]
        self._body = None if body == "auto" else self._bodies.index(body)
        self._sizes = (len(self._bodies), len(COATS) * len(LOOKS), *map(len, self._names))
        assert math.prod(self._sizes) < 2**63

    def of(self, users: Sequence[str], worn: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
        """The number of each person's design.

        Args:
            users: names.
            worn: places of the accessories in the wardrobe, (users,) for each slot.
        """
        names = [name_bytes(user) for user in users]
        if self._body is None:
            hashes = np.fromiter(map(zlib.crc32, names), np.int64, len(names))
            bodies = hashes % len(self._bodies)
        else:
            bodies = np.full(len(names), self._body)
        coats = np.fromiter((coat_number(name) for name in names), np.int64, len(names))
        coats[~np.array(self._coats)[bodies]] = 0
        return np.ravel_multi_index((bodies, coats, *worn), self._sizes).astype(np.int64)

    def design(self, number: int) -> Design:
        """The design of a number."""
        body, coat, *worn = (int(place) for place in np.unravel_index(number, self._sizes))
        fur = Coat.of_number(coat) if self._coats[body] else None
        return Design(self._bodies[body], fur, tuple(n[i] for n, i in zip(self._names, worn, strict=True)))
