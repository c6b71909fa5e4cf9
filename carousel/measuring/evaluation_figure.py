"""The figure of an evaluation: its table, the gain of every picture, and strips of the best, median and worst."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from carousel.fusion.training_samples import FusionExample
from carousel.measuring.baselines import Baseline
from carousel.measuring.evaluation import OURS, PASTE, Scores, bootstrap_interval, fuse_by, table_cells
from common.grids import CARD, GREY, INK, PAPER, picture_grid
from common.images import write_png
from common.lettering import fit_text, label_font

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TILE_PX = 232
STRIP = ("background", PASTE, "Reinhard", "Poisson", OURS, "truth")
OURS_COLOUR, OTHER_COLOUR, WORSE_COLOUR = "#1d8a74", "#c9b8a0", "#e8413c"
ROW_PX = 46


def draw_scores(
    scores: Scores,
    *,
    example_of: Callable[[int], FusionExample],
    methods: Mapping[str, Baseline],
    path: Path,
    subtitle: str,
) -> None:
    """Draw the figure as PNG.

    Args:
        scores: scores that include OURS.
        example_of: returns a picture by its place in the scores.
        methods: methods that fuse the pictures of the strips.
        path: target PNG.
        subtitle: split and size that were measured.

    Raises:
        UserError: the folder cannot be written.
    """
    strips = draw_strips(scores, example_of, methods)
    parts = [draw_table(scores, strips.width, subtitle), draw_charts(scores, strips.width), strips]
    figure = Image.new("RGB", (strips.width, sum(part.height for part in parts)), PAPER)
    top = 0
    for part in parts:
        figure.paste(part, (0, top))
        top += part.height
    write_png(path, figure)


# ---- strips ----


def chosen_places(scores: Scores) -> dict[str, int]:
    """Places of the pictures with the highest, median and lowest gain of the model; of up to two pictures the best."""
    order = np.argsort(scores.gains(OURS), kind="stable")
    places = {"best": order[-1], "median": order[len(order) // 2], "worst": order[0]}
    return {name: int(place) for name, place in places.items()} if len(order) > 2 else {"best": int(order[-1])}


def draw_strips(
    scores: Scores, example_of: Callable[[int], FusionExample], methods: Mapping[str, Baseline]
) -> Image.Image:
    """Draw a row of pictures for each of `chosen_places`."""
    pictures, labels = [], []
    for name, place in chosen_places(scores).items():
        example = example_of(place)
        fused = fuse_by(methods, example) | {"background": example.background, "truth": example.truth}
        pictures += [Image.fromarray(fused[column]) for column in STRIP]
        labels += [_label(scores, place, name, column) for column in STRIP]
    return picture_grid(pictures, labels, len(STRIP), TILE_PX)


def _label(scores: Scores, place: int, name: str, column: str) -> str:
    if column == "background":
        return f"{name}\n{scores.names[place]}"
    if column == "truth":
        return "ground truth\n "
    decibels = scores.values[column]["foreground PSNR"][place]
    gain = f", {scores.gains(column)[place]:+.1f} dB" if column != PASTE else ""
    return f"{column}\n{decibels:.1f} dB{gain}"


# ---- table ----


def draw_table(scores: Scores, width_px: int, subtitle: str) -> Image.Image:
    """Draw the title, and the summary on a card with the model's row highlighted."""
    heading, rows = table_cells(scores)
    gap = TILE_PX // 16
    title_font, font, bold = label_font(TILE_PX // 5, bold=True), label_font(22), label_font(22, bold=True)
    top = gap + round(title_font.size * 2.4)
    picture = Image.new("RGB", (width_px, top + ROW_PX * (len(rows) + 1) + 2 * gap), PAPER)
    draw = ImageDraw.Draw(picture)
    draw.text((2 * gap, gap), "People fused into scenes", fill=INK, font=title_font)
    count, scenes = len(scores.names), len(set(scores.scenes))
    facts = f"{subtitle}: {count} pictures of {scenes} scenes, means; gain over copy-paste in foreground PSNR"
    facts = fit_text(facts, label_font(19), width_px - 4 * gap)
    draw.text((2 * gap, gap + 1.35 * title_font.size), facts, fill=GREY, font=label_font(19))
    draw.rounded_rectangle((gap, top, width_px - gap, picture.height - gap), radius=gap, fill=CARD)
    rights = _column_ends(heading, rows, 2.5 * gap, width_px - 2.5 * gap)
    for line, cells in enumerate([heading, *rows]):
        middle = top + gap / 2 + ROW_PX * (line + 0.5)
        ours = cells[0] == OURS
        ink = OURS_COLOUR if ours else INK if line else GREY
        for cell, right in zip(cells, rights, strict=True):
            first = right == rights[0]
            place, anchor = ((2.5 * gap, middle), "lm") if first else ((right, middle), "rm")
            draw.text(place, cell, fill=ink, font=bold if ours else font, anchor=anchor)
        if line < len(rows):
            rule = middle + ROW_PX / 2
            draw.line((2 * gap, rule, width_px - 2 * gap, rule), fill=PAPER, width=2)
    return picture


def _column_ends(heading: list[str], rows: list[list[str]], left: float, right: float) -> list[float]:
    """Right ends of the columns; the remaining space is divided evenly."""
    bold = label_font(22, bold=True)
    widths = [max(bold.getlength(cell) for cell in column) for column in zip(heading, *rows, strict=True)]
    room = (right - left - sum(widths)) / (len(widths) - 1)
    return [left + sum(widths[: place + 1]) + room * place for place in range(len(widths))]


# ---- charts ----


def draw_charts(scores: Scores, width_px: int) -> Image.Image:
    """Draw the foreground PSNR of every picture by every method, and the sorted gains of the model."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    layout = ConstrainedLayoutEngine(rect=(0.012, 0.02, 0.976, 0.95), wspace=0.08)
    figure = Figure(figsize=(width_px / 100, 4.6), dpi=100, facecolor=PAPER, layout=layout)
    by_method, by_picture = figure.subplots(1, 2)
    _draw_methods(by_method, scores)
    _draw_gains(by_picture, scores)
    for axes in (by_method, by_picture):
        axes.set_facecolor(PAPER)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(axis="both", colors=GREY, length=0, labelsize=12)
        axes.grid(axis="y", alpha=0.25)
        axes.set_axisbelow(True)
    for label in by_method.get_xticklabels():
        label.set_color(INK)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())


def _draw_methods(axes: "Axes", scores: Scores) -> None:
    """Draw a dot for each picture, spread sideways in their order, and a bar at the mean."""
    for place, (method, values) in enumerate(scores.values.items()):
        decibels = values["foreground PSNR"]
        across = place + np.linspace(-0.3, 0.3, len(decibels)) if len(decibels) > 1 else [place]
        colour = OURS_COLOUR if method == OURS else OTHER_COLOUR
        axes.scatter(across, decibels, s=16, color=colour, linewidths=0, alpha=0.75)
        axes.hlines(decibels.mean(), place - 0.34, place + 0.34, color=INK, linewidth=1.8)
    axes.set_xticks(range(len(scores.values)), list(scores.values))
    axes.set_title("foreground PSNR of every picture, dB; bar: mean", color=INK, weight="bold", fontsize=14, loc="left")


def _draw_gains(axes: "Axes", scores: Scores) -> None:
    """Draw bars from the highest to the lowest gain, in front of the mean and its interval."""
    gains = np.sort(scores.gains(OURS))[::-1]
    low, high = bootstrap_interval(scores.gains(OURS), scores.scenes)
    axes.axhspan(low, high, color=GREY, alpha=0.25, linewidth=0)
    axes.axhline(gains.mean(), color=INK, linewidth=1.8)
    colours = [OURS_COLOUR if gain > 0 else WORSE_COLOUR for gain in gains]
    axes.bar(range(len(gains)), gains, width=0.8, color=colours)
    axes.axhline(0, color=GREY, linewidth=1)
    axes.set_xticks([])
    axes.set_xlim(-0.8, len(gains) - 0.2)
    title = f"gain of ours, dB; mean {gains.mean():+.2f} ({low:+.2f} to {high:+.2f})"
    axes.set_title(title, color=INK, weight="bold", fontsize=14, loc="left")
