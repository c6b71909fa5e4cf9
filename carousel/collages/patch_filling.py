"""Filling a hole with patches of the rest of the picture, from a coarse scale to the full one.

At the coarsest scale the hole is filled from its rim inwards, each pixel by the patch whose known part fits best
(Criminisi et al. 2004, "Region filling and object removal by exemplar-based image inpainting"). Then, scale by scale,
each patch in the hole looks for the most similar patch outside it, and the patches found vote for the colours (Wexler
et al. 2007, "Space-time completion of video"; Newson et al. 2014, "Video inpainting of complex scenes"). Layers of a
scene lie at certain heights, so a patch from another height counts as less similar.

The most similar patch is found exactly, by a matrix product over the principal components of all patches: without
compiled code this is faster than PatchMatch's random search. At scales too large for it, pixels are copied from the
places found at a smaller one.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

PATCH = 7  # side of a patch, px
HALF = PATCH // 2
COARSEST_PX = 40  # minimum longer side of the coarsest scale
SEARCHED_PX = 256  # maximum longer side at which patches are searched,
SEARCHED_SHARE = 0.5  # and the same as a share of the picture's longer side
ROUNDS = (4, 3, 2)  # searches at the coarsest scale and those after it; the last number is repeated
DENSE_PX = 64  # longer side up to which every patch is searched; above it every second one, in both directions
MOST_SOURCES = 30_000  # maximum number of patches to choose from, drawn at random
MOST_PAIRS = 50_000_000  # maximum number of patches compared in a search; fewer sources are drawn for a large hole
COMPONENTS = 24  # principal components by which patches are compared
AWAY = np.array([67.0, 20.0], np.float32)  # grey levels that count like a move by the picture's height, down and across
GUESSED = 0.05  # weight of unknown pixels, which show the first guess, where the hole is filled inwards
VOTE = 0.3  # standard deviation of a patch's votes around its middle, in patches
INWARDS = 1.2  # factor by which a vote counts less for each pixel further inside the hole
BLEND = 0.45  # standard deviation by which copied places are blended, in distances of searched patches
BLOCK = 512  # patches compared at once, which limits the memory


@dataclass(frozen=True)
class _Matches:
    """Patches of the hole and the most similar ones outside it.

    Attributes:
        places: (N, 2) int, row and column of the middle of each patch.
        moves: (N, 2) int, from there to the patch found.
        errors: (N,) float32, root mean square difference in grey levels.
        step: distance between neighbouring patches, px.
        shape: height and width of the picture at this scale.
    """

    places: np.ndarray
    moves: np.ndarray
    errors: np.ndarray
    step: int
    shape: tuple[int, int]


def fill_by_patches(
    photo: np.ndarray, hole: np.ndarray, guess: np.ndarray, avoid: np.ndarray | None = None
) -> np.ndarray:
    """Fill a hole; the same arguments give the same picture.

    Args:
        photo: (H, W, 3) uint8.
        hole: (H, W) bool.
        guess: (H, W, 3) uint8, the photo with a smooth filling.
        avoid: (H, W) bool, pixels that are not copied, such as other people; None: there are none.

    Returns:
        (H, W, 3) uint8; the guess where no whole patch lies outside the hole.
    """
    barred = hole if avoid is None else hole | avoid
    filled, matches = guess, None
    searched_px = min(SEARCHED_PX, SEARCHED_SHARE * max(hole.shape))
    for level, size in enumerate(_scales(hole.shape)):
        known, inside, outside = _reduced(photo, hole, barred, size)
        filled = np.where(inside[..., None], _resized(filled.astype(np.float32), size), known)
        sources = _sources(outside, inside)
        if not len(sources):
            continue
        if matches is None:
            filled = _filled_inwards(filled, inside, sources)
        else:
            filled = _copied(filled, inside, outside, matches)
        if matches is None or max(size) <= searched_px:
            for _ in range(ROUNDS[min(level, len(ROUNDS) - 1)]):
                matches = _search(filled, inside, sources)
                filled = _voted(filled, inside, matches)
    if matches is None:
        return guess
    return np.where(hole[..., None], np.rint(filled.clip(0, 255)), photo).astype(np.uint8)


# ---- scales ----


def _scales(shape: tuple[int, int]) -> list[tuple[int, int]]:
    """Width and height of each scale, the coarsest first; each is twice the one before."""
    height, width = shape
    halvings = max(0, int(np.log2(max(shape) / COARSEST_PX)))
    return [(max(1, round(width / 2**n)), max(1, round(height / 2**n))) for n in range(halvings, -1, -1)]


def _reduced(
    photo: np.ndarray, hole: np.ndarray, barred: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The photo without the hole's colours (float32), the hole, and the pixels that may be copied, at a scale."""
    weight = (~hole).astype(np.float32)
    share = _resized(weight, size)[..., None]
    known = _resized(photo.astype(np.float32) * weight[..., None], size) / np.maximum(share, 1e-3)
    return known, share[..., 0] < 1 - 1e-3, _resized(barred.astype(np.float32), size) < 1e-3


def _resized(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    shrinks = size[0] < picture.shape[1]
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


# ---- patches ----


def _sources(outside: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Places (N, 2) of the patches that may be copied: entirely outside the hole, and inside the picture."""
    whole = cv2.erode(outside.astype(np.uint8), np.ones((PATCH, PATCH), np.uint8), borderValue=0)
    places = np.argwhere(whole > 0)
    searching = max(1, int(np.count_nonzero(inside)) // _step(inside.shape) ** 2)
    most = min(MOST_SOURCES, max(1, MOST_PAIRS // searching))
    if len(places) <= most:
        return places
    chosen = np.random.default_rng(0).choice(len(places), most, replace=False)
    return places[np.sort(chosen)]


def _patches(picture: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The patches around places of a (H, W, ...) picture, one a row; the picture's edges are repeated."""
    margin = ((HALF, HALF), (HALF, HALF), *[(0, 0)] * (picture.ndim - 2))
    windows = sliding_window_view(np.pad(picture, margin, mode="edge"), (PATCH, PATCH), axis=(0, 1))
    return windows[places[:, 0], places[:, 1]].reshape(len(places), -1)


def _step(shape: tuple[int, int]) -> int:
    """Distance between the patches that are searched, px."""
    return 1 if max(shape) <= DENSE_PX else 2


def _away(shape: tuple[int, int]) -> np.ndarray:
    """Grey levels that a move by one pixel counts, down and across."""
    return AWAY / np.float32(shape[0])


def _filled_inwards(filled: np.ndarray, inside: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """Fill the hole from its rim inwards, each pixel by the middle of the patch whose known part fits best."""
    filled, left = filled.copy(), inside.copy()
    patches = _patches(filled, sources)
    squares = (patches**2).T
    while left.any():
        inner = cv2.erode(left.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=1) > 0
        rim = np.argwhere(left & ~inner) if not inner.all() else np.argwhere(left)
        weights = np.repeat(np.where(_patches(left, rim), np.float32(GUESSED), np.float32(1))[:, None], 3, axis=1)
        weights = weights.reshape(len(rim), -1)
        errors = weights @ squares - 2 * (weights * _patches(filled, rim)) @ patches.T
        errors /= weights.sum(axis=1, keepdims=True)
        for axis in (0, 1):
            errors += (_away(inside.shape)[axis] * (rim[:, axis, None] - sources[:, axis])) ** 2
        best = sources[errors.argmin(axis=1)]
        filled[rim[:, 0], rim[:, 1]] = filled[best[:, 0], best[:, 1]]
        left[rim[:, 0], rim[:, 1]] = False
    return filled


def _search(filled: np.ndarray, inside: np.ndarray, sources: np.ndarray) -> _Matches:
    """Find the most similar source of the patches in the hole."""
    step = _step(inside.shape)
    grid = np.zeros_like(inside)
    grid[::step, ::step] = True
    places = np.argwhere((cv2.dilate(inside.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0) & grid)
    theirs, ours = _patches(filled, sources), _patches(filled, places)
    middle = theirs.mean(axis=0)
    some = theirs[:: max(1, len(theirs) // 3000)] - middle
    basis = np.linalg.eigh(some.T @ some)[1][:, : -COMPONENTS - 1 : -1] / np.float32(np.sqrt(theirs.shape[1]))
    away = _away(inside.shape)
    theirs = np.hstack([(theirs - middle) @ basis, sources * away]).astype(np.float32)
    ours = np.hstack([(ours - middle) @ basis, places * away]).astype(np.float32)
    lengths = (theirs**2).sum(axis=1)
    best, errors = np.empty(len(places), int), np.empty(len(places), np.float32)
    for start in range(0, len(places), BLOCK):
        block = slice(start, start + BLOCK)
        distances = lengths - 2 * ours[block] @ theirs.T
        best[block] = distances.argmin(axis=1)
        errors[block] = distances.min(axis=1) + (ours[block] ** 2).sum(axis=1)
    return _Matches(places, sources[best] - places, np.sqrt(errors.clip(0)), step, inside.shape)


def _voted(filled: np.ndarray, inside: np.ndarray, matches: _Matches) -> np.ndarray:
    """Fill the hole by the weighted mean of the patches found, similar ones and those near the rim counting more."""
    height, width = inside.shape
    depth = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 3)[tuple(matches.places.T)]
    spread = np.percentile(matches.errors, 75) + 1e-3
    trust = np.exp(-(matches.errors**2) / (2 * spread**2)) * INWARDS**-depth + 1e-12
    values = _patches(filled, matches.places + matches.moves).reshape(-1, 3, PATCH, PATCH)
    total = np.zeros((height + 2 * HALF, width + 2 * HALF, 4), np.float32)
    rows, columns = matches.places.T
    for down in range(PATCH):
        for across in range(PATCH):
            near = np.exp(-((down - HALF) ** 2 + (across - HALF) ** 2) / (2 * (VOTE * PATCH) ** 2))
            weight = (near * trust).astype(np.float32)[:, None]
            total[rows + down, columns + across] += np.hstack([weight * values[:, :, down, across], weight])
    total = total[HALF:-HALF, HALF:-HALF]
    return np.where(inside[..., None], total[..., :3] / np.maximum(total[..., 3:], 1e-20), filled)


def _copied(filled: np.ndarray, inside: np.ndarray, outside: np.ndarray, matches: _Matches) -> np.ndarray:
    """Copy the hole's pixels from where the patches of a smaller scale were found, blending neighbouring moves."""
    pixels = np.argwhere(inside)
    scale = np.array(inside.shape) / np.array(matches.shape)
    number = np.full(np.array(matches.shape) + 4 * matches.step, -1)  # a margin for neighbours beyond the edges
    number[tuple((matches.places + 2 * matches.step).T)] = np.arange(len(matches.places))
    exact = (pixels + 0.5) / scale - 0.5
    corner = np.floor(exact / matches.step).astype(int) * matches.step
    total = np.zeros((len(pixels), 4), np.float32)
    for down in (-1, 0, 1, 2):
        for across in (-1, 0, 1, 2):
            near = corner + matches.step * np.array([down, across])
            match = number[tuple((near + 2 * matches.step).T)]
            away = ((exact - near) ** 2).sum(axis=1) / (2 * (BLEND * matches.step) ** 2)
            source = pixels + np.rint(matches.moves[match] * scale).astype(int)
            seen = (source >= 0).all(axis=1) & (source < inside.shape).all(axis=1) & (match >= 0)
            source[~seen] = 0
            weight = (np.exp(-away) * seen * outside[tuple(source.T)]).astype(np.float32)[:, None]
            total += np.hstack([weight * filled[tuple(source.T)], weight])
    sure = total[:, 3] > 1e-6
    result = filled.copy()
    result[tuple(pixels[sure].T)] = total[sure, :3] / total[sure, 3:]
    return result
