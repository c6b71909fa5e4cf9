"""Shapes a half figure that its photo cuts at the sides or the top as a bust, so that no straight edge stands free."""

import numpy as np

from common.people.selection import Box

SOLID = 128  # least alpha, 0 to 255, of the figure
LEAST_SIDE = 0.08  # share of the figure's height from which its side is cut: an elbow touches an edge more shortly
LEAST_TOP = 0.25  # share of its width from which the head is cut
INSET = 0.24  # of the figure's width: by how much a cut side is drawn in at the lower edge
DOME = 0.3  # height of the dome over a cut head, over the width of the cut
RIM = 0.01  # of its width: outermost columns and rows, by which a cut is seen
SOFT = 0.006  # of the figure's height: width of the new outline's soft edge


def shape_cut_sides(rgba: np.ndarray, box: Box, *, left: bool, right: bool, top: bool) -> np.ndarray:
    """Round the sides that may be cut, from where the figure meets them down to its lower edge.

    Args:
        rgba: (H, W, 4) uint8, a half figure.
        box: XYXY px around its solid part.
        left, right, top: whether the photo ends there.

    Returns:
        (H, W, 4) uint8, less visible than before or the same.
    """
    x0, y0, x1, y1 = box
    solid = rgba[y0:y1, x0:x1, 3] >= SOLID
    height, width = solid.shape
    rows, columns = (axis + 0.5 for axis in np.mgrid[:height, :width])
    inside = np.full(solid.shape, np.inf)  # px within the new outline
    reach = INSET * width
    rim = max(1, round(RIM * width))
    for side, distance, is_edge in ((solid[:, :rim], columns, left), (solid[:, -rim:], width - columns, right)):
        start = _start_of_cut(side) if is_edge else None
        if start is not None and height - start >= LEAST_SIDE * height:
            down = ((rows - start) / (height - start)).clip(0, 1)
            inside = np.minimum(inside, distance - reach * (1 - np.sqrt(1 - down**2)))
    cut = np.flatnonzero(solid[:rim].any(axis=0))
    if top and len(cut) and (span := cut[-1] + 1 - cut[0]) >= LEAST_TOP * width:
        along = ((columns - cut[0]) / span * 2 - 1).clip(-1, 1)
        inside = np.minimum(inside, rows - DOME * span * (1 - np.sqrt(1 - along**2)))
    if not np.isfinite(inside).any():
        return rgba
    shaped = rgba.copy()
    share = (inside / max(1.0, SOFT * height)).clip(0, 1)
    shaped[y0:y1, x0:x1, 3] = np.round(rgba[y0:y1, x0:x1, 3] * share).astype(np.uint8)
    return shaped


def _start_of_cut(side: np.ndarray) -> int | None:
    """First row of the run that reaches the lower edge in some (H, W) columns; None where they end above that."""
    free = np.flatnonzero(~side.any(axis=1))
    start = int(free[-1]) + 1 if len(free) else 0
    return start if start < len(side) else None
