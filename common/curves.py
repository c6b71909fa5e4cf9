"""The curves of a training run as a picture."""

from collections.abc import Sequence
from pathlib import Path

from common.files import atomic_path
from common.grids import GREY, INK, PAPER

LOSS_COLOURS = ("#7b4fd0", "#e0803a", "#3a7bd0")
MEASURE_COLOUR = "#1d8a74"


def draw_curves(
    history: Sequence[dict[str, float]], path: Path, *, along: str, losses: Sequence[str], measure: str, label: str
) -> None:
    """Draw the parts of the loss, and a held-out measure where there is one, against epochs or steps.

    Args:
        history: entries with the key `along`; `losses` and `measure` are in some.
        path: the PNG.
        along: key of the horizontal axis, and its label.
        losses: keys of the losses, three at most.
        measure: key of what is measured on held-out data.
        label: label of its axis.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4.2), facecolor=PAPER, layout="constrained")
    axes = figure.add_subplot(facecolor=PAPER)
    for name, colour in zip(losses, LOSS_COLOURS, strict=False):
        values = [(entry[along], entry[name]) for entry in history if name in entry]
        marker = "o" if len(values) == 1 else ""  # a line through one point is invisible
        axes.plot(*zip(*values, strict=True), color=colour, label=f"{name} loss", linewidth=1.6, marker=marker, ms=3.5)
    axes.set_yscale("log")
    axes.set_xlabel(along, color=INK)
    axes.set_ylabel("training loss (log)", color=INK)
    lines = axes.get_lines()
    measured = [(entry[along], entry[measure]) for entry in history if measure in entry]
    if measured:
        right = axes.twinx()
        right.plot(*zip(*measured, strict=True), color=MEASURE_COLOUR, label=label, marker="o", ms=3.5)
        right.set_ylabel(label, color=MEASURE_COLOUR)
        right.spines[["top"]].set_visible(False)
        right.tick_params(colors=GREY)
        lines = [*lines, *right.get_lines()]
    labels = [str(line.get_label()) for line in lines]
    figure.legend(lines, labels, frameon=False, ncols=4, loc="outside upper left")
    axes.spines[["top"]].set_visible(False)
    axes.tick_params(which="both", colors=GREY)
    axes.grid(axis="y", alpha=0.25)
    with atomic_path(path) as part:
        figure.savefig(part, format="png", dpi=130)
