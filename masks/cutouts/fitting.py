"""Clothes that fit bodies of other proportions: cut-outs warped from one body's outline to another's in the same pose.

Rows of both silhouettes are matched by dynamic time warping (Sakoe and Chiba 1978) of their widths; within a row, each
stretch of the new body, such as an arm or the trunk, corresponds to the stretch of the old one that lies in its place.
Every pixel of the new frame then has a place in the old one. Cloth beside the body keeps its distance from it, in the
proportion of the bodies' heights.
"""

from itertools import pairwise

import cv2
import numpy as np

from common.alpha import around, premultiplied_float, straight_uint8
from masks.sets.differences import OPAQUE
from masks.sets.pixel_art import enlarge, find_pixel_size, shrink

PLACE_WEIGHT = 3.0  # of the height at which two rows lie, beside their widths; with less, hair pulls clothes up
MATCHED_ROWS = 128  # of a body at most; rows between them are interpolated
SMOOTH_PX = 2.0  # standard deviation of the blur of the places in smooth art, whose rows are matched one by one
STEPS = ((1, 1, 0.0), (0, 1, 0.02), (1, 0, 0.02))  # steps in rows of the new and the old body, and their costs

OUTSIDE = -9999.0  # a column that no frame has

Runs = list[tuple[int, int]]  # stretches of a row that the body covers: first column and the one after the last


def fit_to_body(cutout: np.ndarray, base: np.ndarray, body: np.ndarray) -> np.ndarray:
    """Warp a cut-out from the body that it was cut from to another body in the same pose.

    Args:
        cutout: (H, W, 4) uint8, the clothes alone.
        base: (H, W, 4) uint8, the body that wore them, bare.
        body: (h, w, 4) uint8, the body to dress.

    Returns:
        (h, w, 4) uint8; empty where one of the bodies is.
    """
    sizes = find_pixel_size([base, cutout]), find_pixel_size([body])
    cloth, old, new = shrink(cutout, sizes[0]), shrink(base, sizes[0]), shrink(body, sizes[1])
    outlines = old[..., 3] > OPAQUE, new[..., 3] > OPAQUE
    if not outlines[0].any() or not outlines[1].any():
        return np.zeros_like(body)
    x, y = find_places(*outlines)
    if max(sizes) > 1 or not ((cutout[..., 3] > 0) & (cutout[..., 3] < 255)).any():  # pixel art
        warped = cv2.remap(cloth, x.round(), y.round(), cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT)
    else:
        moved = cv2.remap(premultiplied_float(cloth), _smoothed(x), y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        warped = straight_uint8(moved)
    return enlarge(warped, sizes[1])


def _smoothed(columns: np.ndarray) -> np.ndarray:
    """Blur places, (h, w) float32, from row to row; gaps stay as they are."""
    known = (columns != OUTSIDE).astype(np.float32)
    total, weight = (cv2.GaussianBlur(v, (1, 0), sigmaX=0.1, sigmaY=SMOOTH_PX) for v in (columns * known, known))
    return np.where(known > 0, total / np.maximum(weight, 1e-6), OUTSIDE).astype(np.float32)


def find_places(old: np.ndarray, new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where each pixel of the new frame lies in the old one, by the two bodies' outlines.

    Args:
        old: (H, W) bool.
        new: (h, w) bool.

    Returns:
        Columns and rows of the old frame, (h, w) float32 each.
    """
    boxes = [around(outline, 0) for outline in (old, new)]
    scale = (boxes[0][0].stop - boxes[0][0].start) / (boxes[1][0].stop - boxes[1][0].start)
    rows = _rows_across(new.shape[0], boxes, _match_rows(old[boxes[0]], new[boxes[1]]), scale)
    columns = np.zeros(new.shape, np.float32)
    runs = [_runs(line) for line in old]
    for row in range(len(new)):
        nearest = int(np.clip(round(rows[row]), boxes[0][0].start, boxes[0][0].stop - 1))
        own = int(np.clip(row, boxes[1][0].start, boxes[1][0].stop - 1))
        columns[row] = _columns_across(new.shape[1], _runs(new[own]), runs[nearest], scale)
    return columns, np.repeat(rows.astype(np.float32)[:, None], new.shape[1], axis=1)


def _match_rows(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return the row of the old body that each row of the new one corresponds to, (h,) float64."""
    step = -(-max(len(old), len(new)) // MATCHED_ROWS)
    if step > 1:
        rows = step * _match_rows(old[::step], new[::step])
        return np.interp(np.arange(len(new)), step * np.arange(len(rows)), rows)
    widths = [outline.sum(axis=1) / outline.shape[1] for outline in (old, new)]
    spans = [_span(outline) for outline in (old, new)]
    heights = [np.linspace(0, 1, len(outline)) for outline in (old, new)]
    costs = np.abs(widths[1][:, None] - widths[0]) + np.abs(spans[1][:, None] - spans[0])
    costs = costs + PLACE_WEIGHT * np.abs(heights[1][:, None] - heights[0])
    total = np.full(costs.shape, np.inf)
    came = np.zeros(costs.shape, np.int8)
    total[0, 0] = costs[0, 0]
    for a in range(costs.shape[0]):
        for b in range(costs.shape[1]):
            for step, (down, across, extra) in enumerate(STEPS):
                if a >= down and b >= across and total[a - down, b - across] + extra + costs[a, b] < total[a, b]:
                    total[a, b] = total[a - down, b - across] + extra + costs[a, b]
                    came[a, b] = step
    matches: list[list[int]] = [[] for _ in range(len(new))]
    a, b = len(new) - 1, len(old) - 1
    while True:
        matches[a].append(b)
        if not a and not b:
            break
        down, across, _ = STEPS[came[a, b]]
        a, b = a - down, b - across
    return np.array([np.mean(match) for match in matches])


def _span(outline: np.ndarray) -> np.ndarray:
    """Return the distance between the outermost pixels of each row, as a share of the width."""
    first, last = outline.argmax(axis=1), outline.shape[1] - outline[:, ::-1].argmax(axis=1)
    return np.where(outline.any(axis=1), last - first, 0) / outline.shape[1]


def _rows_across(count: int, boxes: list[tuple[slice, slice]], matches: np.ndarray, scale: float) -> np.ndarray:
    """Return the old row of each of the new frame's rows; above and below the body they go on at the bodies' scale."""
    top, first = boxes[1][0].start, boxes[0][0].start
    rows = np.arange(count, dtype=np.float64)
    inside = np.interp(rows, np.arange(top, top + len(matches)), first + matches)
    beyond = np.minimum(rows - top, 0) + np.maximum(rows - (top + len(matches) - 1), 0)
    return inside + scale * beyond


def _runs(line: np.ndarray) -> Runs:
    steps = np.flatnonzero(np.diff(np.r_[0, line.astype(np.int8), 0]))
    return list(zip(steps[::2].tolist(), steps[1::2].tolist(), strict=True))


def _columns_across(count: int, new: Runs, old: Runs, scale: float) -> np.ndarray:
    """Return the old column of each column of a row of the new frame, (count,) float64; OUTSIDE in gaps of the new."""
    pieces = [
        (ours, theirs)
        for own, other in _grouped(new, old)
        for ours, theirs in zip(_split(own, other), _split(other, own), strict=True)
    ]
    columns = np.arange(count, dtype=np.float64)
    ends = [at - 0.5 for ours, _ in pieces for at in ours]
    places = np.interp(columns, ends, [at - 0.5 for _, theirs in pieces for at in theirs])
    places += scale * (np.minimum(columns - ends[0], 0) + np.maximum(columns - ends[-1], 0))
    if len(new) > len(old):
        for (_, left), (right, _) in pairwise(new):
            places[left:right] = OUTSIDE
    return places


def _grouped(new: Runs, old: Runs) -> list[tuple[Runs, Runs]]:
    """Return runs that correspond; the row with more of them has its narrowest gaps closed."""
    few, many = sorted((new, old), key=len)
    gaps = [right - left for (_, left), (right, _) in pairwise(many)]
    kept = sorted(np.argsort(gaps, kind="stable")[::-1][: len(few) - 1].tolist())
    starts = [0, *(gap + 1 for gap in kept), len(many)]
    groups = [([run], many[start:end]) for run, (start, end) in zip(few, pairwise(starts), strict=True)]
    return groups if few is new else [(theirs, ours) for ours, theirs in groups]


def _split(own: Runs, other: Runs) -> list[tuple[float, float]]:
    """Return the runs; a single one is cut into as many pieces as the other row has, in the proportion of theirs."""
    if len(own) > 1 or len(other) == 1:
        return [(float(left), float(right)) for left, right in own]
    left, right = own[0]
    shares = np.cumsum([0, *(end - start for start, end in other)])
    cuts = left + (right - left) * shares / shares[-1]
    return list(pairwise(cuts.tolist()))
