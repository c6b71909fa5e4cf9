"""Garments: what the clothing of an animation is split into, by colour and by height on the body.

The colours of all clothing are clustered; shades of one hue count as one colour. A colour that occurs at separate
heights, such as brown hair and brown boots, is split where no clothing of this colour lies. The result is a few parts,
the same in all frames. A garment is one part or several; proposals name each by where it lies. Outlines and details
belong to the part beside them.
"""

import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from common.errors import UserError, printable
from common.files import JSON_ERRORS, file_stem, read_plain, write_text
from masks.sets.pairs import MaskedFrame
from masks.sets.pixel_art import enlarge, find_pixel_size, shrink

GARMENTS_FILE = "garments.json"
OPAQUE = 127  # alpha above which a pixel belongs to the body
CENTRES = 20  # clusters of colours before shades are joined
MOST_SAMPLES = 20_000  # pixels that are clustered
LIGHTNESS_WEIGHT = 0.35  # of lightness in the distance of colours: shades of a cloth differ in it most
SAME_CLOTH = 17.0  # weighted Lab distance below which colours are shades of one cloth
SHADED_CLOTH = 27.0  # the same for colours that share long borders
LONG_BORDER = 2.2  # length of such a border, in sides of a square as large as the smaller colour
SPREAD, SAME_HEIGHTS = (0.1, 0.9), 0.7  # quantiles between which a colour lies, and the share of that in common
WOVEN = 0.9  # border of two colours for each pixel of the smaller one from which they are a pattern, such as stripes
LEAST_SHARE = 0.03  # of all clothing; smaller parts are details of what surrounds them
LINE_SHARE = 0.3  # a colour of which less survives an opening by 2 x 2 px draws lines
DARK, DARK_LINE_SHARE = 24.0, 0.65  # lightness of outlines, 0 to 100, and the same share for them
BINS = 40  # of height, in which gaps are looked for
GAP_BINS = 3  # smallest gap, in bins, that separates two parts of one colour
GAP_SHARE = 0.004  # largest share of a colour's pixels in each bin of a gap
SMALL_ISLAND, ENCLOSED = 0.15, 0.5  # share of the garment's largest piece, and of a piece's surroundings: the same
LEAST_ISLAND = 6  # art pixels; a smaller piece belongs to what surrounds it
NONE = -1  # label of what is no clothing
NAME_LETTERS = 200  # of the longest name
LARGEST_VALUE = 1e6  # of a colour or a height in a file; both are far smaller, and their squares have to be numbers
LONGEST_NAME = 40  # letters kept of a name that gets a number: names of files are cut behind it
MOST_FRAMES = 64  # evenly chosen frames from which the garments of a folder are proposed

NECK_SEARCH = (0.15, 0.62)  # heights between which the body is narrowest at the neck
HIPS, KNEES = 0.3, 0.6  # heights below the neck, as shares of the way from neck to feet
OUTSIDE = 0.6  # share of pixels beside the body from which a garment is held, not worn


@dataclass(frozen=True)
class GarmentPart:
    """Clothing of some colours between two heights.

    Attributes:
        colours: weighted Lab colours.
        top: height on the body at which it begins: 0 at the top of the head, 1 at the feet; may lie outside.
        bottom: height at which it ends.
    """

    colours: tuple[tuple[float, float, float], ...]
    top: float
    bottom: float


@dataclass(frozen=True)
class SpriteGarment:
    """A garment.

    Attributes:
        name: its name.
        parts: what it consists of.
        is_left_out: whether it is no clothing to the artist.
    """

    name: str
    parts: tuple[GarmentPart, ...]
    is_left_out: bool = False


# ---- proposals ----


def propose_garments(frames: Sequence[MaskedFrame]) -> list[SpriteGarment]:
    """Split the clothing of an animation into named garments, the uppermost first; empty if there is no clothing."""
    pixels = [_Pixels.of(frame) for frame in frames]
    colours = np.concatenate([some.colours for some in pixels] or [np.zeros((0, 3), np.float32)])
    if not len(colours):
        return []
    centres = _centres(colours)
    labels = [_nearest(some, centres) for some in pixels]
    limits = np.where(centres[:, 0] < DARK * LIGHTNESS_WEIGHT, DARK_LINE_SHARE, LINE_SHARE)
    areas = [index for index, limit in enumerate(limits) if _area_share(labels, index) > limit]
    centres = centres[areas] if areas else centres
    labels = [_nearest(some, centres) for some in pixels]
    parts = []
    for group in _join_patterns(_join_shades(centres, labels), len(centres), labels, pixels):
        shades = tuple((a, b, c) for a, b, c in centres[group].astype(float).round(2).tolist())
        parts += [GarmentPart(shades, *limits) for limits in _separate_heights(_heights_of(group, labels, pixels))]
    garments = [SpriteGarment("", (part,)) for part in parts]
    return _named(_without_details(garments, frames), frames)


def _centres(colours: np.ndarray) -> np.ndarray:
    """Cluster (N, 3) colours; return the centres, (K, 3) float32."""
    samples = colours[:: len(colours) // MOST_SAMPLES + 1]
    count = min(CENTRES, len(np.unique(samples, axis=0)))
    cv2.setRNGSeed(1)
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 30, 0.5)
    _, _, centres = cv2.kmeans(samples, count, None, criteria, 3, cv2.KMEANS_PP_CENTERS)  # type: ignore[call-overload]
    found: np.ndarray = centres
    return found


def _area_share(labels: list[np.ndarray], index: int) -> float:
    """Return which share of a colour covers areas; the rest draws outlines and details."""
    count = left = 0
    for own in labels:
        area = (own == index).astype(np.uint8)
        count += int(area.sum())
        left += int(cv2.morphologyEx(area, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)).sum())
    return left / max(count, 1)


def _join_shades(centres: np.ndarray, labels: list[np.ndarray]) -> list[list[int]]:
    """Return the groups of centres that are shades of one cloth.

    The nearest groups are joined first, while their means are no further apart than SAME_CLOTH, or, if they share long
    borders, as light and shadow do, than SHADED_CLOTH.
    """
    counts = np.sum([np.bincount(own[own != NONE], minlength=len(centres)) for own in labels], axis=0)
    links = np.sum([_links(own, len(centres)) for own in labels], axis=0)
    groups = [[index] for index in range(len(centres)) if counts[index]]
    while len(groups) > 1:
        means = np.array([np.average(centres[group], axis=0, weights=counts[group]) for group in groups])
        borders, areas = _borders(groups, links), np.array([counts[group].sum() for group in groups])
        lengths = np.sqrt(np.minimum(areas[:, None], areas) * len(labels))  # of the sides of squares of this area
        limits = np.where(borders > LONG_BORDER * lengths, SHADED_CLOTH, SAME_CLOTH)
        apart = np.linalg.norm(means[:, None] - means, axis=2) / limits + np.diag([np.inf] * len(groups))
        one, other = sorted(map(int, np.unravel_index(apart.argmin(), apart.shape)))
        if apart[one, other] > 1:
            break
        groups[one] += groups.pop(other)
    return groups


def _join_patterns(
    groups: list[list[int]], count: int, labels: list[np.ndarray], pixels: Sequence["_Pixels"]
) -> list[list[int]]:
    """Join groups of `count` centres that are woven into one another at the same heights, such as stripes."""
    links = np.sum([_links(own, count) for own in labels], axis=0)
    while len(groups) > 1:
        rows = [_heights_of(group, labels, pixels) for group in groups]
        areas = np.array([len(some) for some in rows])
        low, high = np.array([np.quantile(some, SPREAD) if len(some) else (0, 0) for some in rows]).T
        shared = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
        alike = shared >= SAME_HEIGHTS * np.maximum((high - low)[:, None], high - low)
        woven = np.triu(alike * _borders(groups, links) / np.maximum(np.minimum(areas[:, None], areas), 1), 1)
        one, other = map(int, np.unravel_index(woven.argmax(), woven.shape))
        if woven[one, other] < WOVEN:
            break
        groups[one] += groups.pop(other)
    return groups


def _heights_of(group: list[int], labels: list[np.ndarray], pixels: Sequence["_Pixels"]) -> np.ndarray:
    """Return the heights of all pixels of a group, (N,)."""
    rows = [some.heights[np.isin(own[some.places], group)] for some, own in zip(pixels, labels, strict=True)]
    return np.concatenate(rows)


def _borders(groups: Sequence[Sequence[int]], links: np.ndarray) -> np.ndarray:
    """Return the length of the border of each two groups, (G, G), in pairs of pixels that touch."""
    return np.array([[links[np.ix_(one, other)].sum() for other in groups] for one in groups])


def _links(labels: np.ndarray, count: int) -> np.ndarray:
    """Return how often pixels of each label are beside those of each other one, (count, count)."""
    found = np.zeros((count, count), int)
    for one, other in ((labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1])):
        both = (one != NONE) & (other != NONE)
        np.add.at(found, (one[both], other[both]), 1)
    return found + found.T


def _separate_heights(heights: np.ndarray) -> list[tuple[float, float]]:
    """Return the ranges of height into which gaps divide one colour."""
    low, high = float(heights.min()) - 1e-3, float(heights.max()) + 1e-3
    counts, edges = np.histogram(heights, BINS, (min(low, 0.0), max(high, 1.0)))
    is_empty = counts <= GAP_SHARE * len(heights)
    cuts, start = [-9.0], None
    for place, empty in enumerate([*is_empty, False]):
        if empty and start is None:
            start = place
        elif not empty and start is not None:
            if place - start >= GAP_BINS and start > 0 and place < BINS:
                cuts.append(round(float(edges[start] + edges[place]) / 2, 3))
            start = None
    cuts.append(9.0)
    return list(itertools.pairwise(cuts))


def _without_details(garments: list[SpriteGarment], frames: Sequence[MaskedFrame]) -> list[SpriteGarment]:
    """Leave out garments that are small in all frames together; what surrounds them takes their pixels."""
    sizes = np.zeros(len(garments))
    for frame in frames:
        labels = label_garments(garments, frame)
        sizes += np.bincount(labels[labels != NONE], minlength=len(garments)) / labels.size
    keeps = sizes >= LEAST_SHARE * sizes.sum()
    return [garment for garment, keep in zip(garments, keeps, strict=True) if keep]


# ---- names ----


def _named(garments: list[SpriteGarment], frames: Sequence[MaskedFrame]) -> list[SpriteGarment]:
    """Name garments by where they lie, and put the uppermost first."""
    where: list[list[np.ndarray]] = [[] for _ in garments]
    outside = np.zeros(len(garments))
    sizes = np.zeros(len(garments))
    necks = [_neck(frame.base[..., 3] > OPAQUE) for frame in frames]
    for frame in frames:
        labels, rows = label_garments(garments, frame), heights(frame.base, frame.clothed)
        for place in range(len(garments)):
            own = labels == place
            where[place].append(rows[np.nonzero(own)[0]])
            outside[place] += np.count_nonzero(own & (frame.base[..., 3] == 0))
            sizes[place] += np.count_nonzero(own)
    neck = float(np.median(necks)) if necks else 0.3
    is_bust = bool(np.mean([(frame.base[-1, :, 3] > OPAQUE).any() for frame in frames]) > 0.5)
    names: list[str] = []
    middles = []
    for place in range(len(garments)):
        places = np.concatenate(where[place])
        middles.append(float(np.median(places)) if len(places) else 0.0)
        name = proposed_name(places, neck, outside[place] / max(sizes[place], 1))
        names.append("top" if is_bust and name in ("trousers", "shoes", "dress") else name)
    order = sorted(range(len(garments)), key=lambda place: middles[place])
    named: list[SpriteGarment] = []
    for place in order:
        taken = [garment.name for garment in named]
        named.append(replace(garments[place], name=free_name(names[place], taken)))
    return named


def proposed_name(places: np.ndarray, neck: float, outside_share: float) -> str:
    """Propose a name for a garment by where its pixels lie.

    Args:
        places: height of each pixel on the body, 0 at the top of the head to 1 at the feet.
        neck: height of the neck.
        outside_share: share of the pixels beside the body, 0 to 1.
    """
    if not len(places):
        return "garment"
    top, bottom = ((float(place) - neck) / (1 - neck) for place in np.quantile(places, (0.08, 0.92)))
    if bottom < 0.08:
        return "hair or hat"
    if outside_share > OUTSIDE:
        return "held item"
    if top > KNEES:
        return "shoes"
    if top > HIPS:
        return "trousers"
    return "dress" if bottom > KNEES else "top"


def free_name(name: str, taken: Iterable[str]) -> str:
    """Return a name whose files are not those of a taken one, by a number behind it if need be."""
    used, free, number = {file_stem(other).casefold() for other in taken}, name, 1
    while file_stem(free).casefold() in used:
        number += 1
        free = f"{name[:LONGEST_NAME]} {number}"
    return free


def _neck(body: np.ndarray) -> float:
    """Return the height at which a body, (H, W) bool, is narrowest between head and hips; 0.3 without a body."""
    widths = body.sum(axis=1)
    rows = np.flatnonzero(widths)
    if len(rows) < 8:
        return 0.3
    first, height = rows[0], rows[-1] + 1 - rows[0]
    low, high = (first + round(share * height) for share in NECK_SEARCH)
    return float((np.argmin(widths[low:high]) + low - first) / height)


# ---- which pixel belongs to which garment ----


def label_garments(garments: Sequence[SpriteGarment], frame: MaskedFrame) -> np.ndarray:
    """Return the index of each pixel's garment, (H, W) int16; NONE where there is no clothing.

    Every pixel of the mask that is drawn belongs to one of the garments.
    """
    size = find_pixel_size([frame.base, frame.clothed])
    pixels = _Pixels.of(frame)
    labels = np.full(pixels.places.shape, NONE, np.int16)
    if garments and len(pixels.colours):
        labels[pixels.places] = _nearest_garments(garments, pixels)
        labels = _settled(labels, pixels.places)
    return enlarge(labels, size)


def _nearest_garments(garments: Sequence[SpriteGarment], pixels: "_Pixels") -> np.ndarray:
    best = np.full(len(pixels.colours), np.inf, np.float32)
    found = np.full(len(pixels.colours), NONE, np.int16)
    for index, garment in enumerate(garments):
        for part in garment.parts:
            apart = _distances(pixels.colours, np.array(part.colours, np.float32)).min(axis=1)
            is_here = (pixels.heights >= part.top) & (pixels.heights < part.bottom)
            nearer = is_here & (apart < best)
            best[nearer], found[nearer] = apart[nearer], index
    found[best > SHADED_CLOTH**2] = NONE
    return found


def _settled(labels: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Give outlines, details and small islands the label that is nearest to them, within the clothing."""
    settled = labels.copy()
    for label in np.unique(labels[labels != NONE]):
        own = (labels == label).astype(np.uint8)
        _, pieces, stats, _ = cv2.connectedComponentsWithStats(own, connectivity=8)
        areas = stats[1:, cv2.CC_STAT_AREA]
        small = [
            piece
            for piece, area in enumerate(areas, start=1)
            if area < LEAST_ISLAND or (area < SMALL_ISLAND * areas.max() and _lies_in_another(pieces == piece, labels))
        ]
        settled[np.isin(pieces, small)] = NONE
    settled = labels.copy() if not (settled != NONE).any() else settled
    return _spread(settled, places)


def _lies_in_another(piece: np.ndarray, labels: np.ndarray) -> bool:
    """Whether most of what surrounds a piece, (h, w) bool, belongs to one other garment."""
    around_it = (cv2.dilate(piece.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0) & ~piece
    others = labels[around_it & (labels != NONE)]
    return bool(others.size and np.bincount(others).max() >= ENCLOSED * np.count_nonzero(around_it))


def _nearest(pixels: "_Pixels", centres: np.ndarray) -> np.ndarray:
    """Return the index of the centre that is nearest to each pixel, (h, w) int16; NONE where there is no clothing."""
    labels = np.full(pixels.places.shape, NONE, np.int16)
    labels[pixels.places] = _distances(pixels.colours, centres).argmin(axis=1)
    return labels


def _distances(colours: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return the squared distances of (N, 3) and (K, 3) colours, (N, K)."""
    apart: np.ndarray = ((colours[:, None] - centres) ** 2).sum(axis=2)
    return apart


@dataclass(frozen=True)
class _Pixels:
    """The clothing of a frame, one value an art pixel.

    Attributes:
        colours: (N, 3) float32, weighted Lab.
        heights: (N,) float, on the body.
        places: (h, w) bool, where they lie.
    """

    colours: np.ndarray
    heights: np.ndarray
    places: np.ndarray

    @staticmethod
    def of(frame: MaskedFrame) -> "_Pixels":
        size = find_pixel_size([frame.base, frame.clothed])
        base, clothed, mask = (shrink(picture, size) for picture in (frame.base, frame.clothed, frame.mask))
        places = mask & (clothed[..., 3] > 0)
        return _Pixels(_weighted_lab(clothed[places][:, :3]), heights(base, clothed)[np.nonzero(places)[0]], places)


def _weighted_lab(rgb: np.ndarray) -> np.ndarray:
    """Return (N, 3) uint8 colours as weighted Lab, (N, 3) float32."""
    if not len(rgb):
        return np.zeros((0, 3), np.float32)
    lab = cv2.cvtColor(rgb[None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0]
    weighted: np.ndarray = lab * np.array([LIGHTNESS_WEIGHT, 1, 1], np.float32)
    return weighted


def heights(base: np.ndarray, clothed: np.ndarray) -> np.ndarray:
    """Return the height on the body of each row, (H,) float: 0 at the top of the head, 1 at the feet."""
    rows = np.flatnonzero((base[..., 3] > OPAQUE).any(axis=1))
    rows = rows if rows.size else np.flatnonzero(clothed[..., 3].any(axis=1))
    first, last = (rows[0], rows[-1]) if rows.size else (0, base.shape[0] - 1)
    return (np.arange(base.shape[0]) - first) / max(1, last + 1 - first)


# ---- pieces of a cut-out ----


def seen_pieces(garments: Sequence[SpriteGarment], frame: MaskedFrame, cutout: np.ndarray) -> list[np.ndarray]:
    """Divide a cut-out, (H, W, 4) uint8, among the garments; together they are the cut-out.

    Soft edges outside the mask belong to the garment beside them.
    """
    drawn = cutout[..., 3] > 0
    labels = _spread(np.where(drawn, label_garments(garments, frame), NONE).astype(np.int16), drawn)
    return [cutout * (labels == place)[..., None] for place in range(len(garments))]


def hidden_pieces(pieces: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Guess what other garments hide of each one: what lies between its pixels, in the colour of the nearest.

    Args:
        pieces: (H, W, 4) uint8, what is seen of each garment of a frame.

    Returns:
        (H, W, 4) uint8 each; drawn only where another garment is opaque, so that nothing else changes.
    """
    opaque = np.stack([piece[..., 3] == 255 for piece in pieces]) if pieces else np.zeros((0, 1, 1), bool)
    found = []
    for place, piece in enumerate(pieces):
        own = opaque[place]
        covered = np.delete(opaque, place, axis=0).any(axis=0)
        hidden = covered & (_is_between(own) | _is_between(own.T).T)
        guess = np.zeros_like(piece)
        if hidden.any():
            guess[hidden] = piece[own][_nearest_known(own)[hidden]]
        found.append(guess)
    return found


def _is_between(own: np.ndarray) -> np.ndarray:
    """Return where (H, W) bool has a True pixel both above and below."""
    above = np.logical_or.accumulate(own, axis=0)
    below = np.logical_or.accumulate(own[::-1], axis=0)[::-1]
    return above & below & ~own


def _nearest_known(known: np.ndarray) -> np.ndarray:
    """Return the index among the True pixels, row by row, of the one nearest to each pixel, (H, W) int."""
    _, nearest = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    places = np.zeros(int(nearest.max()) + 1, int)
    places[nearest[known]] = np.arange(np.count_nonzero(known))
    found: np.ndarray = places[nearest]
    return found


def _spread(labels: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return labels in which each place without one has that of the nearest pixel with one."""
    known = labels != NONE
    if not known.any():
        return np.where(places, 0, NONE).astype(np.int16)
    return np.where(places, labels[known][_nearest_known(known)], NONE).astype(np.int16)


# ---- what the artist changes ----


def joined(garments: Sequence[SpriteGarment], one: int, other: int) -> list[SpriteGarment]:
    """Return the garments with two of them made one, which keeps the name of the first."""
    whole = replace(garments[one], parts=garments[one].parts + garments[other].parts)
    return [whole if place == one else garment for place, garment in enumerate(garments) if place != other]


def renamed(garments: Sequence[SpriteGarment], place: int, name: str) -> list[SpriteGarment]:
    """Return the garments with one of them renamed; a number is added if the name is taken."""
    others = [garment.name for index, garment in enumerate(garments) if index != place]
    name = free_name(printable(" ".join(name.split()))[:NAME_LETTERS] or garments[place].name, others)
    return [replace(g, name=name) if index == place else g for index, g in enumerate(garments)]


def with_left_out(garments: Sequence[SpriteGarment], place: int, is_left_out: bool) -> list[SpriteGarment]:
    """Return the garments with one of them left out, or taken in again."""
    return [replace(g, is_left_out=is_left_out) if index == place else g for index, g in enumerate(garments)]


def split_by_colour(garments: Sequence[SpriteGarment], place: int, colour: np.ndarray) -> list[SpriteGarment]:
    """Return the garments with the colours nearest to a given one made a garment of their own.

    Garments that were joined fall into their parts; a part is divided between this colour and the one farthest from it.

    Args:
        garments: all garments.
        place: the one to split.
        colour: (4,) uint8 RGBA.
    """
    garment, wanted = garments[place], _weighted_lab(colour[None, :3])
    if len(garment.parts) > 1:
        nearest = min(garment.parts, key=lambda part: _distances(wanted, np.array(part.colours)).min())
        return _split(garments, place, (nearest,), tuple(part for part in garment.parts if part is not nearest))
    part = garment.parts[0]
    apart = _distances(wanted, np.array(part.colours))[0]
    ends = np.array([part.colours[int(apart.argmin())], part.colours[int(apart.argmax())]])
    is_near = (_distances(np.array(part.colours), ends).argmin(axis=1) == 0).tolist()
    near, far = (tuple(c for c, one in zip(part.colours, is_near, strict=True) if one == own) for own in (True, False))
    return _split(garments, place, (replace(part, colours=near),), (replace(part, colours=far),) if far else ())


def split_at_height(garments: Sequence[SpriteGarment], place: int, height: float) -> list[SpriteGarment]:
    """Return the garments with one of them cut at a height on the body; what lies above keeps the name."""
    parts = garments[place].parts
    above = tuple(replace(part, bottom=min(part.bottom, height)) for part in parts if part.top < height)
    below = tuple(replace(part, top=max(part.top, height)) for part in parts if part.bottom > height)
    return _split(garments, place, below, above)


def _split(
    garments: Sequence[SpriteGarment], place: int, new: tuple[GarmentPart, ...], rest: tuple[GarmentPart, ...]
) -> list[SpriteGarment]:
    if not new or not rest:
        return list(garments)
    name = free_name(garments[place].name, [garment.name for garment in garments])
    pieces = [replace(garments[place], parts=rest), SpriteGarment(name, new, garments[place].is_left_out)]
    return [*garments[:place], *pieces, *garments[place + 1 :]]


# ---- files ----


def write_garments(path: Path, garments: Sequence[SpriteGarment]) -> None:
    """Write garments as JSON, atomically.

    Raises:
        UserError: the folder cannot be written.
    """
    content = [
        {
            "name": garment.name,
            "left out": garment.is_left_out,
            "parts": [{"lab": part.colours, "top": part.top, "bottom": part.bottom} for part in garment.parts],
        }
        for garment in garments
    ]
    write_text(path, json.dumps({"garments": content}, indent=1, ensure_ascii=False) + "\n")


def read_garments(path: Path) -> list[SpriteGarment] | None:
    """Read garments; None if there is no such file.

    Raises:
        UserError: the file is damaged.
    """
    if not path.is_file():
        return None
    try:
        content = json.loads(read_plain(path))["garments"]
        garments = [_garment(item) for item in content]
        for place, garment in enumerate(garments):
            if free_name(garment.name, [other.name for other in garments[:place]]) != garment.name:
                raise ValueError(f"two garments are called {garment.name!r}")
        return garments
    except JSON_ERRORS as error:
        raise UserError(f"{path}: damaged ({error}); delete it, and garments are proposed anew") from error


def _garment(item: Any) -> SpriteGarment:
    parts = tuple(
        GarmentPart(
            tuple((float(a), float(b), float(c)) for a, b, c in part["lab"]), float(part["top"]), float(part["bottom"])
        )
        for part in item["parts"]
    )
    numbers = [x for part in parts for x in (part.top, part.bottom, *itertools.chain.from_iterable(part.colours))]
    if not all(abs(number) <= LARGEST_VALUE for number in numbers):
        raise ValueError("a garment has values that are no numbers, or too large")
    name = item["name"]
    if not isinstance(name, str) or not name or not parts or not all(part.colours for part in parts):
        raise ValueError("a garment lacks its name or its parts")
    if len(name) > NAME_LETTERS or printable(name) != name:
        raise ValueError(f"the name of a garment has invalid characters, or more than {NAME_LETTERS}")
    return SpriteGarment(name, parts, item["left out"] is True)
