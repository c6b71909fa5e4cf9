"""The curves of a training run as a picture."""

from collections.abc import Sequence
from pathlib import Path

from common.files import atomic_path
from common.grids import GREY, INK, PAPER

COLOURS = {"dice": "#7b4fd0", "cross-entropy": "#e0803a", "held-out F1": "#1d8a74"}


def draw_curves(history: Sequence[dict[str, float]], path: Path) -> None:
    """Draw the parts of the loss, and the held-out F1 where there is one, against the epochs.

    Args:
        history: one entry an epoch: "epoch", "dice", "cross-entropy", and "held-out F1" in some.
        path: the PNG.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4.2), facecolor=PAPER, layout="constrained")
    axes = figure.add_subplot(facecolor=PAPER)
    for name in ("dice", "cross-entropy"):
        values = [(entry["epoch"], entry[name]) for entry in history]
        axes.plot(*zip(*values, strict=True), color=COLOURS[name], label=f"{name} loss", linewidth=1.6)
    axes.set_yscale("log")
    axes.set_xlabel("epoch", color=INK)
    axes.set_ylabel("training loss (log)", color=INK)
    lines = axes.get_lines()
    measured = [(entry["epoch"], entry["held-out F1"]) for entry in history if "held-out F1" in entry]
    if measured:
        right = axes.twinx()
        right.plot(*zip(*measured, strict=True), color=COLOURS["held-out F1"], label="held-out F1", marker="o", ms=3.5)
        right.set_ylabel("held-out F1", color=COLOURS["held-out F1"])
        right.spines[["top"]].set_visible(False)
        lines = [*lines, *right.get_lines()]
    labels = [str(line.get_label()) for line in lines]
    figure.legend(lines, labels, frameon=False, ncols=3, loc="outside upper left")
    axes.spines[["top"]].set_visible(False)
    axes.tick_params(colors=GREY)
    axes.grid(axis="y", alpha=0.25)
    with atomic_path(path) as part:
        figure.savefig(part, format="png", dpi=130)
