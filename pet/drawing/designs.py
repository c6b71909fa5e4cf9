"""What makes one pet look different from another: its body, its coat and what it wears."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pet.choosing.wardrobe import body_for
from pet.drawing.coats import Coat, coat_files, coat_for


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
