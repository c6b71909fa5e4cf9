"""A person cut out of a picture file, ready to be placed in a scene."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from carousel.staging.cut_sides import shape_cut_sides
from carousel.staging.placement import Silhouette
from common.errors import UserError
from common.images import read_image
from common.people.contrast import warning_of
from common.people.edges import decontaminate, refine_edges
from common.people.selection import Box, SegmentedPerson, bounding_box

FindPeople = Callable[[np.ndarray, Path], list[SegmentedPerson]]

VISIBLE = 8  # least alpha, 0 to 255, that belongs to the cut-out
SOLID = 128  # least alpha of the silhouette that stands on the ground
FEET = 0.04  # share of the height: the lowest rows, whose middle is where the person stands
CUT_ROWS = 0.04  # share of the height: the lowest rows, which show whether the lower edge is a cut
CUT_SHARE = 0.4  # share of these rows that a cut figure fills; shoes fill up to 0.33
FRINGE = 0.8  # rows below a cut edge that are filled less than this share of those above it belong to a ragged edge
RIM = 0.01  # share of the photo's width within which a figure meets an edge: segmenters fade there
CUT_SHORT = 0.04  # share of the photo's height by which a mask may end above a cut: segmenters fade at edges
CUT_ASPECT = 0.45  # width / height: a whole figure is slimmer, even in a long dress
MAIN_PERSON = 0.5  # area of the others, as a share of the largest person's, up to which that one is meant
MARGIN = 0.05  # margin around a person for soft edges, as a share of the box


@dataclass(frozen=True)
class PersonCutout:
    """A person on transparency.

    Attributes:
        rgba: (H, W, 4) uint8, colours not premultiplied, 0 where nothing is visible.
        box: XYXY px around the solid part of `rgba`, right and bottom exclusive.
        silhouette: shape for placement.
        notes: messages for the user.
    """

    rgba: np.ndarray
    box: Box
    silhouette: Silhouette
    notes: list[str] = field(default_factory=list)

    @property
    def height(self) -> int:
        """Height of the solid part, px."""
        return self.box[3] - self.box[1]


def read_cutout(
    path: Path, find_people: FindPeople, is_half: bool | None = None, refuse_several: bool = False
) -> PersonCutout:
    """Read the person of a picture: its visible part, or the largest person found in an opaque picture.

    Args:
        path: a photo, or a cut-out or avatar with transparency.
        find_people: `Segmenter.find_people`; called for opaque pictures only.
        is_half: whether the lower edge cuts the person; None: detect it.
        refuse_several: refuse photos of several people of whom none is the largest by far.

    Raises:
        UserError: the picture cannot be read, is fully transparent, shows no person, or is refused.
    """
    image = read_image(path)
    pixels = np.asarray(image)
    if pixels[..., 3].min() < 255:
        if pixels[..., 3].max() < SOLID:
            raise UserError(f"{path}: nothing to see, it is fully transparent; a cut-out needs a visible person")
        return trim_cutout(pixels, is_half)
    people = find_people(pixels[..., :3], path)
    if not people:
        raise UserError(f"{path}: no person found; use another photo, another SEGMENTER, or an RGBA cut-out")
    areas = [np.count_nonzero(person.mask) for person in people]
    person = people[int(np.argmax(areas))]
    if refuse_several and len(people) > 1 and sorted(areas)[-2] > MAIN_PERSON * max(areas):
        raise UserError(f"{path}: shows {len(people)} people; crop the photo, or set SEVERAL to largest")
    notes = [f"{path.name}: shows {len(people)} people, the largest one is used"] if len(people) > 1 else []
    doubt = warning_of(pixels[..., :3], person.mask)
    if doubt:
        notes.append(f"{path.name}: {doubt}")
    if is_half is None:
        is_half = True if _is_cut(person.mask) else None if _ends_near_edge(person.mask) else False
    return trim_cutout(cut_out(pixels[..., :3], person), is_half, notes)


def cut_out(photo: np.ndarray, person: SegmentedPerson) -> np.ndarray:
    """Cut a person out with soft edges and without the colours of the old background.

    Args:
        photo: (H, W, 3) uint8.
        person: person found in the photo.

    Returns:
        (h, w, 4) uint8, the part of the photo around the person.
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


def trim_cutout(rgba: np.ndarray, is_half: bool | None = None, notes: list[str] | None = None) -> PersonCutout:
    """Trim a cut-out to its visible part and measure its silhouette; a half figure that is cut aside becomes a bust.

    Args:
        rgba: (H, W, 4) uint8 with a solid part.
        is_half: whether the lower edge cuts the person; None: assume it where the lower edge is long and straight and
            the figure is not slim.
        notes: messages about the source.
    """
    seen = left, top, right, bottom = bounding_box(rgba[..., 3] >= VISIBLE)
    trimmed = rgba[top:bottom, left:right] * (rgba[top:bottom, left:right, 3:] >= VISIBLE)
    solid = trimmed[..., 3] >= SOLID
    box = left, top, right, bottom = bounding_box(solid)
    inside = solid[top:bottom, left:right]
    feet = np.flatnonzero(inside[-max(1, round(FEET * len(inside))) :].any(axis=0))
    aspect = inside.shape[1] / inside.shape[0]
    if is_half is None:
        edge = inside[-max(1, round(CUT_ROWS * len(inside))) :].mean()
        is_half = bool(edge >= CUT_SHARE and aspect >= CUT_ASPECT)
    if is_half:
        rim = round(RIM * rgba.shape[1])
        edges = {"left": seen[0] <= rim, "right": seen[2] >= rgba.shape[1] - rim, "top": seen[1] <= rim}
        filled = inside.mean(axis=1)
        whole = np.flatnonzero(filled >= FRINGE * np.median(filled[-max(1, round(2 * CUT_ROWS * len(inside))) :]))
        box = left, top, right, top + int(whole[-1]) + 1
        trimmed = shape_cut_sides(trimmed, box, **edges)
    foot = float(feet[0] + feet[-1] + 1) / 2 / inside.shape[1]
    aspect = (right - left) / (box[3] - top)
    return PersonCutout(trimmed, box, Silhouette(aspect, foot, is_half), notes or [])


def _is_cut(mask: np.ndarray) -> bool:
    """Whether the photo's lower edge cuts the person; a foot that just touches the edge is no cut."""
    wide = mask.any(axis=0).sum()
    return bool(mask[-2:].any(axis=0).sum() > CUT_SHARE / 2 * wide)


def _ends_near_edge(mask: np.ndarray) -> bool:
    """Whether a mask ends so near to the photo's lower edge that its shape must tell whether that cuts the person."""
    return bool(mask[round((1 - CUT_SHORT) * len(mask)) :].any())
