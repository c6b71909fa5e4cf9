"""The chart that explains a pet: a person's taste beside the genres of the chosen accessories.

Cosine compares directions, so the set's bars are scaled to the length of the taste vector: where each pair of bars
has the same length, the cosine is 1.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from common.genres import GENRES
from common.grids import GREY, INK, PAPER, PINK, TEAL, VIOLET, YELLOW
from common.lettering import draw_name, fit_text, label_font
from pet.choosing.choice_table import Choice
from pet.choosing.wardrobe import SLOTS

TASTE_COLOUR = VIOLET
SLOT_COLOURS = {"Head": PINK, "Torso": TEAL, "Face": YELLOW}
ASPECT = 1.3  # width / height
INCHES = 5.12  # height; text sizes below are in points at this height


def set_parts(choice: Choice) -> dict[str, NDArray[np.float64]]:
    """Each accessory's share (genres,) of the set's vector, scaled so that their sum is as long as the taste."""
    total = np.linalg.norm(np.sum([worn.vector for worn in choice.worn.values()], axis=0))
    scale = np.linalg.norm(choice.taste) / total if total else 0.0
    return {slot: worn.vector * scale for slot, worn in choice.worn.items()}


class ChartPainter:
    """Draws charts of one height; the figure is reused, only bars and texts change.

    With `expert` they say the cosines of the set and of each accessory.
    """

    def __init__(self, height_px: int, *, expert: bool = False) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.patches import Patch

        self._expert = expert
        figure = Figure(figsize=(INCHES * ASPECT, INCHES), dpi=height_px / INCHES, facecolor=PAPER)
        self._canvas = FigureCanvasAgg(figure)
        self._axes = axes = figure.add_axes((0.21, 0.17, 0.75, 0.70))
        rows = np.arange(len(GENRES))
        nothing = np.zeros(len(GENRES))
        self._taste = axes.barh(rows - 0.2, nothing, 0.36, color=TASTE_COLOUR)
        self._parts = {slot: axes.barh(rows + 0.2, nothing, 0.36, color=SLOT_COLOURS[slot]) for slot in SLOTS}
        axes.set_yticks(rows, list(GENRES.values()), color=INK, fontsize=9)
        axes.invert_yaxis()
        axes.set_facecolor(PAPER)
        axes.tick_params(length=0, labelcolor=INK)
        axes.tick_params(axis="x", labelsize=7, labelcolor=GREY)
        axes.grid(axis="x", color=GREY, alpha=0.25, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[:].set_visible(False)
        place: dict[str, Any] = {"parse_math": False, "transform": figure.transFigure}
        self._score = axes.text(0.96, 0.925, "", color=INK, fontsize=11, ha="right", **place)
        self._nothing = axes.text(
            0.5,
            0.5,
            "likes none of it",
            color=GREY,
            ha="center",
            transform=axes.transAxes,
        )
        self._legend = figure.legend(
            [Patch(color=colour) for colour in (TASTE_COLOUR, *SLOT_COLOURS.values())],
            [" "] * 4,
            loc="lower center",
            ncols=2,
            frameon=False,
            fontsize=9,
            labelcolor=INK,
            handlelength=1,
            bbox_to_anchor=(0.5, 0.01),
        )

    def paint(self, choice: Choice, note: str = "") -> Image.Image:
        """The chart of one person as an RGB image; `note` is written in its corner."""
        left = np.zeros(len(GENRES))
        for bar, width in zip(self._taste, choice.taste, strict=True):
            bar.set_width(width)
        for slot, part in set_parts(choice).items():
            for bar, width, start in zip(self._parts[slot], part, left, strict=True):
                bar.set_x(start)
                bar.set_width(width)
            left += part
        self._axes.set_xlim(0, 1.02 * max(1.0, float(left.max()), float(choice.taste.max())))
        self._nothing.set_visible(not choice.taste.any())
        self._score.set_text(", ".join(filter(None, [note, f"cosine {choice.score:.2f}" if self._expert else ""])))
        labels = ["taste"]
        for slot in SLOTS:
            score = f" ({choice.worn[slot].score:.2f})" if self._expert else ""
            labels.append(f"{slot}: {choice.worn[slot].name}{score}")
        for text, label in zip(self._legend.get_texts(), labels, strict=True):
            text.set_parse_math(False)
            text.set_text(fit_text(label, label_font(100), 1900))
        self._canvas.draw()
        chart = Image.fromarray(np.asarray(self._canvas.buffer_rgba())[:, :, :3].copy())
        # Pillow writes the name: it shapes the letters of all scripts, as matplotlib does not.
        place = (0.04 * chart.width, 0.075 * chart.height)
        room = (0.5 if note else 0.72) * chart.width
        draw_name(ImageDraw.Draw(chart), choice.user, place, max(8, round(0.038 * chart.height)), room, fill=INK)
        return chart


def beside(pet: Image.Image, chart: Image.Image) -> Image.Image:
    """Pet and chart side by side, RGB, as high as the chart."""
    card = Image.new("RGB", (pet.width + chart.width, chart.height), PAPER)
    card.paste(pet, (0, (chart.height - pet.height) // 2), pet)
    card.paste(chart, (pet.width, 0))
    return card
