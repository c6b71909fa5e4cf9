"""The garments of a training folder while the artist joins, splits, names and leaves them out.

Every change holds for all frames and is saved at once to garments.json, which step 5 uses. What masks show is divided
among the garments; masks themselves do not change.
"""

import numpy as np

from common.grids import evenly
from masks.correction.boxes import Point
from masks.correction.session import CorrectionSession, OpenFrame
from masks.garments.garment_splitting import (
    GARMENTS_FILE,
    MOST_FRAMES,
    NONE,
    SpriteGarment,
    heights,
    joined,
    label_garments,
    propose_garments,
    read_garments,
    renamed,
    split_at_height,
    split_by_colour,
    with_left_out,
    write_garments,
)
from masks.sets.pairs import MaskedFrame

COLOURS = ("#ff3d9a", "#20c9ff", "#6dff38", "#ff8a00", "#b06cff", "#fff04a", "#00b890", "#ff5a4a", "#7f9bff", "#d8b48a")
LEFT_OUT = "#6c7280"  # colour of what is left out


class GarmentEditor:
    """The garments, with undo.

    Attributes:
        garments: the garments, the uppermost first.
    """

    def __init__(self, session: CorrectionSession) -> None:
        """Read the garments of the folder, or propose some from the masks as they are.

        Raises:
            UserError: garments.json is damaged, or a frame cannot be read.
        """
        self._path = session.folder / GARMENTS_FILE
        found = read_garments(self._path)
        if found is None:
            frames = [session.masked_frame(number) for number in evenly(session.in_order, MOST_FRAMES)]
            found = propose_garments([MaskedFrame(*frame) for frame in frames])
        self.garments = found
        self._earlier: list[list[SpriteGarment]] = []

    @property
    def colours(self) -> list[str]:
        """Return the colour of each garment."""
        return [LEFT_OUT if g.is_left_out else COLOURS[n % len(COLOURS)] for n, g in enumerate(self.garments)]

    def labels(self, frame: OpenFrame) -> np.ndarray:
        """Return the index of each pixel's garment, (H, W) int16, or NONE."""
        return label_garments(self.garments, MaskedFrame(frame.base, frame.clothed, frame.editor.mask))

    def at(self, frame: OpenFrame, point: Point) -> int | None:
        """Return the index of the garment at a point of the frame; None if there is none."""
        column, row = int(point[0] // 1), int(point[1] // 1)
        height, width = frame.editor.mask.shape
        if not (0 <= row < height and 0 <= column < width):
            return None
        label = int(self.labels(frame)[row, column])
        return None if label == NONE else label

    def picture(self, frame: OpenFrame, opacity: float) -> np.ndarray:
        """Return the clothed frame with each garment in its colour, (H, W, 4) uint8."""
        labels, picture = self.labels(frame), frame.clothed.copy()
        for place, colour in enumerate(self.colours):
            tint = np.array(list(bytes.fromhex(colour[1:])))
            own = labels == place
            picture[own, :3] = np.rint(picture[own, :3] * (1 - opacity) + tint * opacity)
            picture[own, 3] = 255
        return picture

    # ---- changes ----

    def join(self, one: int, other: int) -> bool:
        """Make two garments one, with the name of the first; return whether anything changed, as all changes do."""
        return one != other and self._change(joined(self.garments, one, other))

    def split_by_colour(self, frame: OpenFrame, point: Point) -> bool:
        """Make what has the colour at a point a garment of its own."""
        place = self.at(frame, point)
        if place is None:
            return False
        return self._change(split_by_colour(self.garments, place, frame.clothed[int(point[1]), int(point[0])]))

    def split_at_height(self, frame: OpenFrame, point: Point) -> bool:
        """Cut the garment at a point along the point's height, in all frames at the same height on the body."""
        place = self.at(frame, point)
        if place is None:
            return False
        height = float(heights(frame.base, frame.clothed)[int(point[1])])
        return self._change(split_at_height(self.garments, place, height))

    def rename(self, place: int, name: str) -> bool:
        """Give a garment a name; a number is added if it is taken."""
        return self._change(renamed(self.garments, place, name))

    def toggle_left_out(self, place: int) -> bool:
        """Leave a garment out of masks and layers of step 5, or take it in again."""
        return self._change(with_left_out(self.garments, place, not self.garments[place].is_left_out))

    def undo(self) -> bool:
        """Take the last change back."""
        if not self._earlier:
            return False
        self.garments = self._earlier.pop()
        write_garments(self._path, self.garments)
        return True

    def _change(self, garments: list[SpriteGarment]) -> bool:
        if garments == self.garments:
            return False
        write_garments(self._path, garments)  # first, so that a full disk leaves both as they were
        self._earlier.append(self.garments)
        self.garments = garments
        return True
