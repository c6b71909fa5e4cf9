"""The figure that compares ways to choose accessories."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from common.grids import GREY, INK, PAPER, picture_grid
from pet.choosing.wardrobe import SLOTS, Wardrobe, body_for
from pet.drawing.coats import coat_for
from pet.drawing.compositing import Dresser

COLOURS = ("#b2b2ce", "#ff9640", "#28a8b0")
WIDTH_PX = 1500


@dataclass(frozen=True)
class MethodResult:
    """What one method chose for everybody.

    Attributes:
        way: name of the method.
        indices: (people, 3), the accessory in each slot.
        cosines: (people,), between each person and the set.
        sizes: accessories in each slot.
    """

    way: str
    indices: NDArray[np.int32]
    cosines: NDArray[np.float32]
    sizes: tuple[int, ...]

    @property
    def never_used(self) -> int:
        """Number of accessories that nobody got."""
        return sum(size - len(np.unique(self.indices[:, slot])) for slot, size in enumerate(self.sizes))

    def __str__(self) -> str:
        spread = f"{self.cosines.mean():.3f} +- {self.cosines.std():.3f} (lowest {self.cosines.min():.3f})"
        return f"{self.way:<18} cosine {spread}, {self.never_used} of {sum(self.sizes)} accessories never used"

    def as_csv(self) -> str:
        """One line of the table."""
        figures = (self.cosines.mean(), self.cosines.std(), self.cosines.min())
        return f"{self.way},{len(self.cosines)},{','.join(f'{x:.4f}' for x in figures)},{self.never_used}"


def draw_comparison(
    outcomes: Sequence[MethodResult], users: Sequence[str], wardrobe: Wardrobe, bodies: dict[str, Path], samples: int
) -> Image.Image:
    """Distributions and bars above, the first people's pets by each way below; RGB."""
    top = _draw_figures(outcomes)
    dresser = Dresser(256)
    pets, labels = [], []
    for outcome in outcomes:
        for person in range(samples):
            pairs = zip(SLOTS, outcome.indices[person], strict=True)
            worn = {slot: wardrobe.slots[slot][index].file for slot, index in pairs}
            pets.append(dresser.dress(body_for(users[person], bodies), worn, coat_for(users[person])))
            labels.append(f"{' '.join(users[person].split())} · {outcome.cosines[person]:.2f}\n{outcome.way}")
    grid = picture_grid(pets, labels, samples, 256)
    sheet = Image.new("RGB", (max(top.width, grid.width), top.height + grid.height), PAPER)
    sheet.paste(top, ((sheet.width - top.width) // 2, 0))
    sheet.paste(grid, ((sheet.width - grid.width) // 2, top.height))
    return sheet


def _draw_figures(outcomes: Sequence[MethodResult]) -> Image.Image:
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    figure = Figure(
        figsize=(WIDTH_PX / 100, 4.2),
        dpi=100,
        facecolor=PAPER,
        layout=ConstrainedLayoutEngine(rect=(0.02, 0.03, 0.96, 0.94)),
    )
    spread, never = figure.subplots(1, 2, width_ratios=(3, 2))
    names = [outcome.way for outcome in outcomes]
    boxes = spread.boxplot(
        [outcome.cosines for outcome in outcomes], orientation="horizontal", patch_artist=True, widths=0.6,
        medianprops={"color": INK}, flierprops={"markersize": 3, "markeredgecolor": GREY}, showmeans=True,
        meanprops={"marker": "o", "markerfacecolor": "white", "markeredgecolor": INK},
    )  # fmt: skip
    for box, colour in zip(boxes["boxes"], COLOURS, strict=False):
        box.set(facecolor=colour, edgecolor=INK)
    spread.set_yticks(range(1, len(names) + 1), [f"{o.way}\nmean {o.cosines.mean():.3f}" for o in outcomes])
    spread.set_title(f"cosine between taste and set, {len(outcomes[0].cosines):,} people", color=INK, weight="bold")
    bars = never.barh(names, [outcome.never_used for outcome in outcomes], color=COLOURS, edgecolor=INK)
    never.bar_label(bars, padding=4, color=INK)
    never.set_yticks([])
    never.set_xlim(0, 1.15 * max(1, *(outcome.never_used for outcome in outcomes)))
    never.set_title(f"accessories never used, of {sum(outcomes[0].sizes)}", color=INK, weight="bold")
    for axes in (spread, never):
        axes.invert_yaxis()
        axes.set_facecolor(PAPER)
        axes.tick_params(colors=INK, length=0)
        axes.spines[:].set_visible(False)
        axes.grid(axis="x", color=GREY, alpha=0.25)
        axes.set_axisbelow(True)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", facecolor=PAPER)
    return Image.open(buffer).convert("RGB")
