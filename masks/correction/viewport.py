"""Zoom and position of a frame in the correction window's view.

Positions on the screen are (x, y) in screen px from the view's top left corner.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from masks.correction.boxes import Box, Point

MIN_ZOOM, MAX_ZOOM = 1 / 16, 64.0  # screen px per frame px
FIT_SHARE = 0.94  # share of the view that a fitted box fills
KEPT_PX = 48  # screen px of the frame that always stay in view


@dataclass(frozen=True)
class Viewport:
    """Zoom and position of a frame in the view.

    Attributes:
        zoom: screen px per frame px.
        left: x of the frame's left edge on the screen.
        top: y of the frame's upper edge.
    """

    zoom: float
    left: float
    top: float

    @staticmethod
    def fit(box: Box, view: tuple[int, int]) -> "Viewport":
        """Fit a box of the frame into the middle of the view, (height, width)."""
        zoom = min(view[0] / (box.bottom - box.top), view[1] / (box.right - box.left)) * FIT_SHARE
        zoom = min(max(zoom, MIN_ZOOM), MAX_ZOOM)
        middle = (box.left + box.right) / 2, (box.top + box.bottom) / 2
        return Viewport(zoom, round(view[1] / 2 - middle[0] * zoom), round(view[0] / 2 - middle[1] * zoom))

    def to_frame(self, point: Point) -> Point:
        """Convert a point from screen to frame."""
        return (point[0] - self.left) / self.zoom, (point[1] - self.top) / self.zoom

    def to_screen(self, point: Point) -> Point:
        """Convert a point from frame to screen."""
        return point[0] * self.zoom + self.left, point[1] * self.zoom + self.top

    def path_on_screen(self, path: np.ndarray) -> np.ndarray:
        """Convert (N, 2) points from frame to screen."""
        return path * self.zoom + np.array([self.left, self.top])

    def zoomed(self, factor: float, at: Point) -> "Viewport":
        """Zoom by a factor; the frame's point under the screen point `at` stays there."""
        zoom = min(max(self.zoom * factor, MIN_ZOOM), MAX_ZOOM)
        x, y = self.to_frame(at)
        return Viewport(zoom, at[0] - x * zoom, at[1] - y * zoom)

    def moved(self, x: float, y: float) -> "Viewport":
        """Move by screen px."""
        return replace(self, left=self.left + x, top=self.top + y)

    def kept_in_view(self, frame: tuple[int, int], view: tuple[int, int]) -> "Viewport":
        """Move as little as needed to bring KEPT_PX of the frame into the view."""
        left = min(max(self.left, KEPT_PX - frame[1] * self.zoom), view[1] - KEPT_PX)
        top = min(max(self.top, KEPT_PX - frame[0] * self.zoom), view[0] - KEPT_PX)
        return replace(self, left=left, top=top)

    def box_on_screen(self, box: Box) -> Box:
        """Return the screen pixels that show a box of the frame."""
        left, top = self.to_screen((box.left, box.top))
        right, bottom = self.to_screen((box.right, box.bottom))
        return Box(math.floor(top), math.floor(left), math.ceil(bottom), math.ceil(right))
