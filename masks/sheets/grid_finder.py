"""The regular grid of a sprite sheet: given by settings, or detected from what is drawn.

A grid is detected along each axis separately. A number of columns is possible if the width divides evenly. It is
accepted if no figure crosses a border between columns, few columns are empty, and the columns look alike. Coarser
grids pass that test too (two figures per frame), so the finest accepted grid is used. If a finer one nearly passes, or
only the whole sheet does, the grid is not clear and settings must give it.
"""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from common.errors import UserError, check_range

MIN_FRAME_PX = 8  # smallest side of a detected cell
GAPS_PX = (0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 16)  # margins and spacings that are tried
COMMON_STEP_PX = 8  # sides of frames are usually multiples of it
CLEAN_CROSSING = 0.1  # a clean grid has at most this share of an average line's drawn px across its borders
CLEAN_LIKENESS = 0.4  # and at least this correlation of a cell's profile with the mean of the others
NEAR_CROSSING = 0.5  # the same limits for a grid that cannot be ruled out
NEAR_LIKENESS = 0.6
LIKENESS_QUANTILE = 0.25  # quantile over all cells, so that a few odd ones do not decide
MIN_BUSY_SHARE = 0.75  # smallest share of drawn columns, up to the last drawn one
MAX_WIDE = 1.75  # largest width / height; a wider frame probably holds two figures
MAX_TALL = 3  # largest height / width
MAX_SIDE_PX = 8192  # largest side of a frame
MAX_FRAMES = 10_000
NOISE_LEVELS = 24  # levels of 255 by which noise makes the ground differ from its colour
NOISY_SHARE = 0.02  # share of px that differ by no more than that, from which a ground is noisy
NOISY_COLOURS = 32  # and the number of colours that these have; art near the ground's colour has few
REMEDY = "give COLUMNS and ROWS, or FRAME_WIDTH and FRAME_HEIGHT, and MARGIN and SPACING where there are any"


@dataclass(frozen=True)
class GridSettings:
    """The settings of a grid, in px of the sheet; None values are detected."""

    columns: int | None = None
    rows: int | None = None
    frame_width: int | None = None
    frame_height: int | None = None
    margin: int | None = None
    spacing: int | None = None

    def __post_init__(self) -> None:
        """Raise UserError if a setting is out of range."""
        for name, value in self._said.items():
            check_range(name, value, 0 if name in ("MARGIN", "SPACING") else 1, MAX_SIDE_PX)

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self._said.items())

    @property
    def given(self) -> bool:
        """Whether any setting is given."""
        return bool(self._said)

    @property
    def _said(self) -> dict[str, int]:
        return {name.upper(): value for name, value in dataclasses.asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Grid:
    """Equal cells in rows.

    Attributes:
        columns: cells in a row.
        rows: rows of cells.
        frame_width: width of a cell in px of the sheet.
        frame_height: height of a cell in px.
        margin: px left of the first column and above the first row.
        spacing: px between two cells.
    """

    columns: int
    rows: int
    frame_width: int
    frame_height: int
    margin: int = 0
    spacing: int = 0

    def __str__(self) -> str:
        gaps = f", margin {self.margin} px, spacing {self.spacing} px" if self.margin or self.spacing else ""
        return f"{self.columns} x {self.rows} frames of {self.frame_width} x {self.frame_height} px{gaps}"

    @property
    def sheet_size(self) -> tuple[int, int]:
        """Width and height in px of a sheet that holds only the grid."""
        width = 2 * self.margin + self.columns * (self.frame_width + self.spacing) - self.spacing
        height = 2 * self.margin + self.rows * (self.frame_height + self.spacing) - self.spacing
        return width, height

    def boxes(self) -> Iterator[tuple[int, int, int, int]]:
        """Yield left, top, width and height of every cell in px, row by row."""
        for row in range(self.rows):
            for column in range(self.columns):
                left = self.margin + column * (self.frame_width + self.spacing)
                top = self.margin + row * (self.frame_height + self.spacing)
                yield left, top, self.frame_width, self.frame_height


def drawn_pixels(sheet: np.ndarray) -> np.ndarray:
    """Return (H, W) bool: what is drawn; on a sheet without transparency, what differs from the corner's colour.

    On a noisy sheet, such as a JPEG, small differences are noise.

    Args:
        sheet: (H, W, 4) uint8.
    """
    if (sheet[..., 3] < 255).any():
        return sheet[..., 3] > 0
    apart = np.abs(sheet[..., :3].astype(np.int16) - sheet[0, 0, :3]).max(axis=2)
    near = sheet[(apart > 0) & (apart <= NOISE_LEVELS)]
    is_noisy = len(near) > NOISY_SHARE * apart.size and len(np.unique(near, axis=0)) > NOISY_COLOURS
    return apart > (NOISE_LEVELS if is_noisy else 0)


# ---- one axis ----


@dataclass(frozen=True)
class AxisDivision:
    """A division of one axis into `count` cells of `size` px, and how well it fits.

    Attributes:
        crossing: drawn px across its borders / those across an average line; 0 if no figure is cut.
        likeness: correlation of a cell's profile with those of the others, -1 to 1.
    """

    count: int
    size: int
    crossing: float = 0.0
    likeness: float = 1.0

    @property
    def clean(self) -> bool:
        """Whether this division is accepted."""
        return self.crossing <= CLEAN_CROSSING and self.likeness >= CLEAN_LIKENESS

    @property
    def near(self) -> bool:
        """Whether this division cannot be ruled out, because figures may nearly touch."""
        return self.crossing <= NEAR_CROSSING and self.likeness >= NEAR_LIKENESS


class SheetAxis:
    """One axis of a sheet: how much is drawn on each line (column or row of pixels)."""

    def __init__(self, drawn: np.ndarray) -> None:
        """Lines run along the first axis of `drawn`, (lines, pixels) bool."""
        self.length = len(drawn)
        self.profile = drawn.sum(axis=1)
        self.joins = np.concatenate([[0], (drawn[1:] & drawn[:-1]).sum(axis=1)])  # across the border before a line

    def cuts(self, margin: int, spacing: int) -> list[AxisDivision]:
        """Return all divisions into equal cells that fill the axis and leave the gaps empty, finest first."""
        room = self.length - 2 * margin + spacing
        counts = [n for n in range(room // (MIN_FRAME_PX + spacing), 0, -1) if room % n == 0]
        found = (self._judge(AxisDivision(n, room // n - spacing), margin, spacing) for n in counts)
        return [cut for cut in found if cut is not None]

    def _judge(self, cut: AxisDivision, margin: int, spacing: int) -> AxisDivision | None:
        starts = margin + np.arange(cut.count) * (cut.size + spacing)
        cells = self.profile[starts[:, None] + np.arange(cut.size)]
        busy = cells.any(axis=1)
        used = int(np.flatnonzero(busy)[-1]) + 1 if busy.any() else 0
        if cells.sum() < self.profile.sum() or busy[:used].sum() < MIN_BUSY_SHARE * used:
            return None
        if used < 2:  # a whole axis is always possible, but one busy cell is no evidence for a division
            return cut if cut.count == 1 else None
        average = self.joins[: starts[used - 1] + cut.size].mean()
        crossing = float(self.joins[starts[1:used]].mean() / average) if average else 0.0
        return AxisDivision(cut.count, cut.size, crossing, _likeness(cells[busy].astype(float)))


def _likeness(profiles: np.ndarray) -> float:
    """Return a low quantile of the correlations of each row of (cells, lines) with the mean of the other rows."""
    others = profiles.sum(axis=0) - profiles
    a, b = (values - values.mean(axis=1, keepdims=True) for values in (profiles, others))
    norm = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    correlations = np.divide((a * b).sum(axis=1), norm, out=np.zeros(len(a)), where=norm > 0)
    return float(np.quantile(correlations, LIKENESS_QUANTILE))


# ---- both axes ----


def find_grid(sheets: Sequence[np.ndarray], wanted: GridSettings, name: str) -> Grid:
    """Return the grid that the settings give; what they leave open is detected.

    Args:
        sheets: (H, W, 4) uint8, all of one size, that share the grid.
        wanted: the settings.
        name: name of the sheets in messages.

    Raises:
        UserError: the settings do not fit the sheets, or the grid is not clear.
    """
    height, width = sheets[0].shape[:2]
    known = [(width, wanted.columns, wanted.frame_width), (height, wanted.rows, wanted.frame_height)]
    if all(count or size for _, count, size in known):
        margin, spacing = wanted.margin or 0, wanted.spacing or 0
        cuts = [_known_cut(*side, margin, spacing) for side in known]
        if cuts[0] is None or cuts[1] is None:
            raise UserError(f"{name}: {width} x {height} px do not hold {wanted}; {REMEDY}")
        grid = Grid(cuts[0].count, cuts[1].count, cuts[0].size, cuts[1].size, margin, spacing)
    else:
        drawn = np.logical_or.reduce([drawn_pixels(sheet) for sheet in sheets])
        if not drawn.any():
            raise UserError(f"{name}: nothing is drawn")
        grid = _detect(SheetAxis(np.ascontiguousarray(drawn.T)), SheetAxis(drawn), wanted, name)
    if grid.columns * grid.rows > MAX_FRAMES:
        raise UserError(f"{name}: {grid} are more than the limit of {MAX_FRAMES}; {REMEDY}")
    return grid


def _known_cut(length: int, count: int | None, size: int | None, margin: int, spacing: int) -> AxisDivision | None:
    """Return the division of an axis whose number of cells, or their size, is known; None if it does not fit."""
    if size is None:
        assert count is not None
        size, rest = divmod(length - 2 * margin + spacing - count * spacing, count)
        return AxisDivision(count, size) if size > 0 and not rest else None
    most = (length - margin + spacing) // (size + spacing)  # the last row may lack its margin, or have px left over
    return AxisDivision(count or most, size) if most >= (count or 1) else None


def _detect(across: SheetAxis, down: SheetAxis, wanted: GridSettings, name: str) -> Grid:
    """Return the finest accepted grid.

    Raises:
        UserError: there is none, or another one cannot be ruled out.
    """
    grids: list[Grid] = []
    rivals: list[Grid] = []
    margins = GAPS_PX if wanted.margin is None else (wanted.margin,)
    spacings = GAPS_PX if wanted.spacing is None else (wanted.spacing,)
    said = wanted.margin or 0, wanted.spacing or 0
    for gaps in itertools.product(margins, spacings):
        columns = _options(across, wanted.columns, wanted.frame_width, gaps, said)
        rows = _options(down, wanted.rows, wanted.frame_height, gaps, said)
        for a, b in itertools.product(columns, rows):
            grid = Grid(a.count, b.count, a.size, b.size, *gaps)
            (grids if a.clean and b.clean else rivals).append(grid)
    grids.sort(key=_preference)
    likely = grids[0] if grids else None
    if likely is None or likely.columns * likely.rows == 1 or not _shapely(likely):
        raise UserError(f"{name}: no grid can be seen{_perhaps(rivals)}; {REMEDY}")
    doubts = [grid for grid in grids[1:2] if _preference(grid) == _preference(likely)]
    doubts += [grid for grid in rivals if grid.columns * grid.rows > likely.columns * likely.rows and _shapely(grid)]
    if doubts:
        raise UserError(f"{name}: the grid is not clear{_perhaps([likely, *doubts])}; {REMEDY}")
    return likely


def _options(
    axis: SheetAxis, count: int | None, size: int | None, gaps: tuple[int, int], said: tuple[int, int]
) -> list[AxisDivision]:
    """Return the possible divisions of an axis; those given by settings need not look right, unless gaps are open."""
    cuts = [cut for cut in axis.cuts(*gaps) if cut.clean or cut.near]
    if not count and not size:
        return cuts
    if gaps == said:
        cut = _known_cut(axis.length, count, size, *gaps)
        return [cut] if cut else []
    return [cut for cut in cuts if cut.clean and cut.count == (count or cut.count) and cut.size == (size or cut.size)]


def _preference(grid: Grid) -> tuple[int, bool, bool, int]:
    """Sort key, most likely grid first: many frames, no gaps, sides of a common length, small gaps."""
    gaps = grid.margin + grid.spacing
    odd = bool(grid.frame_width % COMMON_STEP_PX or grid.frame_height % COMMON_STEP_PX)
    return -grid.columns * grid.rows, gaps > 0, odd, gaps


def _shapely(grid: Grid) -> bool:
    return grid.frame_width <= MAX_WIDE * grid.frame_height and grid.frame_height <= MAX_TALL * grid.frame_width


def _perhaps(grids: Sequence[Grid]) -> str:
    named = list(dict.fromkeys(str(grid) for grid in sorted(grids, key=_preference)))[:3]
    return f" (perhaps {', or '.join(named)})" if named else ""
