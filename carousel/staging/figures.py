"""A person cut out of a picture file: the figure that is put into a scene."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from carousel.staging.placement import Silhouette
from common.errors import UserError
from common.images import read_image
from common.people.edges import decontaminate, refine_edges
from common.people.selection import Box, Person

FindPeople = Callable[[np.ndarray, Path], list[Person]]

VISIBLE = 8  # alpha from here on, 0 to 255, is part of the figure
SOLID = 128  # and from here on of the silhouette that stands on the ground
FEET = 0.04  # share of the height: the rows whose middle is where the figure stands
CUT_ROWS = 0.01  # share of the height: the rows that show whether the lower edge is a cut
CUT_SHARE = 0.4  # of the box's width: a cut edge is longer than soles are
CUT_ASPECT = 0.45  # width / height; a whole figure is slimmer, even in a long dress
MARGIN = 0.05  # share of the person's box kept around it for soft edges


@dataclass(frozen=True)
class Figure:
    """A cut-out.

    Attributes:
        rgba: (H, W, 4) uint8, colours not premultiplied, 0 where nothing is visible.
        box: around its solid part, XYXY px in `rgba`, right and bottom exclusive.
        silhouette: its form.
        notes: what the user should know about it.
    """

    rgba: np.ndarray
    box: Box
    silhouette: Silhouette
    notes: list[str] = field(default_factory=list)

    @property
    def height(self) -> int:
        """Height of the solid part, px."""
        return self.box[3] - self.box[1]


def read_figure(path: Path, find_people: FindPeople, is_half: bool | None = None) -> Figure:
    """The person of a picture: what its alpha shows, or, of an opaque picture, the largest person found in it.

    Args:
        path: a photo, or a cut-out or avatar with transparency.
        find_people: of a segmenter; asked for opaque pictures only.
        is_half: whether the figure is cut by its lower edge; None: found.

    Raises:
        UserError: a picture that cannot be read, is transparent all over, or shows no person.
    """
    image = read_image(path)
    pixels = np.asarray(image)
    if pixels[..., 3].min() < 255:
        if pixels[..., 3].max() < SOLID:
            raise UserError(f"{path}: nothing to see, all of it is transparent; a cut-out needs a visible person")
        return figure_of(pixels, is_half)
    people = find_people(pixels[..., :3], path)
    if not people:
        raise UserError(f"{path}: no person found in it; take another photo, another SEGMENTER, or an RGBA cut-out")
    person = max(people, key=lambda person: np.count_nonzero(person.mask))
    notes = [f"{path.name}: {len(people)} people in it, the largest is taken"] if len(people) > 1 else []
    if is_half is None:
        is_half = _is_cut(person.mask)
    return figure_of(cut_out(pixels[..., :3], person), is_half, notes)


def cut_out(photo: np.ndarray, person: Person) -> np.ndarray:
    """The person with soft edges and without the colours of what was behind.

    Args:
        photo: (H, W, 3) uint8.
        person: found in it.

    Returns:
        (h, w, 4) uint8: the part of the photo around the person.
    """
    left, top, right, bottom = person.box
    margin = round(MARGIN * max(right - left, bottom - top)) + 8
    part = (
        slice(max(0, top - margin), min(photo.shape[0], bottom + margin)),
        slice(max(0, left - margin), min(photo.shape[1], right + margin)),
    )
    seen = np.ascontiguousarray(photo[part])
    alpha = refine_edges(seen, np.ascontiguousarray(person.mask[part]))
    return np.dstack([decontaminate(seen, alpha), np.round(alpha * 255).astype(np.uint8)])


def figure_of(rgba: np.ndarray, is_half: bool | None = None, notes: list[str] | None = None) -> Figure:
    """A cut-out trimmed to what is visible, with its form.

    Args:
        rgba: (H, W, 4) uint8 with a solid part.
        is_half: whether it is cut by its lower edge; None: told by the form, where a long straight lower edge under a
            figure that is not slim is a cut.
        notes: about its source.
    """
    visible = _box(rgba[..., 3] >= VISIBLE)
    left, top, right, bottom = visible
    trimmed = rgba[top:bottom, left:right] * (rgba[top:bottom, left:right, 3:] >= VISIBLE)
    solid = trimmed[..., 3] >= SOLID
    box = left, top, right, bottom = _box(solid)
    inside = solid[top:bottom, left:right]
    feet = np.flatnonzero(inside[-max(1, round(FEET * len(inside))) :].any(axis=0))
    aspect = inside.shape[1] / inside.shape[0]
    if is_half is None:
        edge = inside[-max(1, round(CUT_ROWS * len(inside))) :].all(axis=0).mean()
        is_half = bool(edge >= CUT_SHARE and aspect >= CUT_ASPECT)
    foot = float(feet[0] + feet[-1] + 1) / 2 / inside.shape[1]
    return Figure(trimmed, box, Silhouette(aspect, foot, is_half), notes or [])


def _box(mask: np.ndarray) -> Box:
    """The smallest box around a (H, W) bool mask with at least one pixel set."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _is_cut(mask: np.ndarray) -> bool:
    """Whether the photo's lower edge cuts the person: not where only the tip of a foot reaches it."""
    wide = mask.any(axis=0).sum()
    return bool(mask[-2:].any(axis=0).sum() > CUT_SHARE / 2 * wide)
