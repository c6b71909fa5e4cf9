"""Variants of avatars: the same people from other seeds, numbered from 1, of which one is picked as the avatar."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from avatar.person.subjects import Subject
from avatar.sdxl.avatar_maker import AVATARS, DRAWN, PAIRS, STARTS
from common.batches import Made
from common.errors import UserError

VARIANTS = "variants"  # subfolder of the output


def variants_of(subjects: Sequence[Subject], count: int) -> Iterator[Subject]:
    """Everybody's variants, named like NAME_1; the first is the avatar that is made without variants."""
    for subject in subjects:
        for number in range(1, count + 1):
            yield replace(subject, name=f"{subject.name}_{number}", variant=number)


@dataclass(frozen=True)
class PickedVariant:
    """Gives the files of a subject's picked variant as those of the avatar; stands in for `AvatarMaker`.

    Attributes:
        folder: folder of the variants.
    """

    folder: Path

    def __call__(self, subject: Subject) -> Made:
        """The files. Raises UserError if that variant could not be made."""
        name = f"{subject.name}_{subject.variant}"
        if not (self.folder / AVATARS / f"{name}.png").is_file():
            raise UserError(f"variant {subject.variant} could not be made; set PICK to another one")
        kinds = {AVATARS: (".png", ".json"), DRAWN: (".png",), STARTS: (".png",), PAIRS: (".png",)}
        files = {
            f"{kind}/{subject.name}{suffix}": path.read_bytes()
            for kind, suffixes in kinds.items()
            for suffix in suffixes
            if (path := self.folder / kind / f"{name}{suffix}").is_file()
        }
        return Made(files)
