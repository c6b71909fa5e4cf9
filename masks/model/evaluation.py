"""Evaluation of a model on sets with true masks: scores beside the best threshold, as table, CSV and figure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw
from tqdm import tqdm

from common.alpha import on_checks
from common.files import write_csv
from common.grids import GREY, INK, PAPER, picture_grid
from common.images import write_png
from common.lettering import fit_text, label_font
from masks.model.inference import predict_masks
from masks.model.metrics import boundary_f1, f1_score
from masks.model.threshold_baselines import best_threshold
from masks.model.unet import UNet
from masks.sets.frame_pictures import figure_box, marked, near_tile_size
from masks.sets.pairs import FramePair, read_pair, read_true_mask
from masks.sets.training_sets import FrameSet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SEEN, HELD_OUT = "seen", "held out"
BOUNDARY_PX = 2.0  # tolerance of the boundary F1
EXAMPLES = ("best", "median", "worst")
TILE_PX = 176
FOUND, INVENTED, MISSED = "#4a6fe3", "#e8413c", "#f5b400"  # colours of true positives, false positives, misses
LEGEND = {"found": FOUND, "no clothing": INVENTED, "missed": MISSED}
MODEL_COLOUR, THRESHOLD_COLOUR = "#1d8a74", "#c9b8a0"


@dataclass(frozen=True)
class SetScore:
    """Scores of one set; lists have one entry per frame, 0 to 1.

    Attributes:
        name: name of the set.
        role: SEEN if the model was trained on the set, else HELD_OUT.
        pairs: the frames.
        f1: F1 of the pixels.
        boundary_f1: F1 of the boundary, with a tolerance of BOUNDARY_PX.
        threshold: the best single threshold of the set, in levels of 255.
        threshold_f1: F1 of masks made by that threshold.
        examples: index and predicted mask (H, W) uint8 of the best, the median and the worst frame.
    """

    name: str
    role: str
    pairs: list[FramePair]
    f1: list[float]
    boundary_f1: list[float]
    threshold: int
    threshold_f1: list[float]
    examples: list[tuple[int, np.ndarray]]

    @property
    def mean_f1(self) -> float:
        """Return the mean F1 of the frames."""
        return float(np.mean(self.f1))


def evaluate(network: UNet, seen: Sequence[FrameSet], held_out: Sequence[FrameSet]) -> list[SetScore]:
    """Score a model on sets that it was trained on and on held-out sets."""
    total = sum(len(frame_set.pairs) for frame_set in (*seen, *held_out))
    with tqdm(total=total, desc="evaluating", unit="frame", leave=False) as bar:
        return [
            score_set(network, frame_set, role, bar)
            for role, sets in ((SEEN, seen), (HELD_OUT, held_out))
            for frame_set in sets
        ]


def score_set(network: UNet, frame_set: FrameSet, role: str, bar: Any) -> SetScore:
    """Predict and score every frame of a set; `bar` advances by one per frame.

    Raises:
        UserError: a picture cannot be read.
    """
    device = next(network.parameters()).device
    pairs, f1, boundary, packed = frame_set.pairs, [], [], []
    for pair, mask in zip(pairs, predict_masks(network, frames_of(pairs), device), strict=True):
        truth = read_true_mask(pair)
        f1.append(f1_score(mask, truth))
        boundary.append(boundary_f1(mask, truth, BOUNDARY_PX))
        packed.append((np.packbits(mask > 0), mask.shape))
        bar.update()
    order = np.argsort(f1, kind="stable")
    chosen = [int(order[place]) for place in (len(order) - 1, len(order) // 2, 0)]
    examples = [(index, _unpack(*packed[index])) for index in chosen]
    threshold, threshold_f1 = best_threshold(frames_of(pairs), (read_true_mask(pair) for pair in pairs))
    return SetScore(frame_set.name, role, pairs, f1, boundary, threshold, threshold_f1, examples)


def frames_of(pairs: Sequence[FramePair]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the base and clothed frames of each pair, read on demand."""
    return (read_pair(pair) for pair in pairs)


def _unpack(bits: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return np.unpackbits(bits, count=shape[0] * shape[1]).reshape(shape) * np.uint8(255)


# ---- table ----


def format_table(scores: Sequence[SetScore], before: Sequence[SetScore] = ()) -> str:
    """Format the scores as text: each set, its best threshold below it, then the means of seen and held-out sets.

    Args:
        scores: scores of the model.
        before: scores of the model from which it was trained, on the same sets; adds columns with the change.
    """
    earlier = {score.name: score.mean_f1 for score in before}
    width = max(22, *(len(score.name) for score in scores)) + 2
    lines = [f"{'set':<{width}}{'role':<10}{'frames':>6}  {'Avg F1':>7}{'Min':>7}{'Max':>7}{'edge F1':>9}"]
    if earlier:
        lines[0] += f"{'before':>9}{'change':>9}"
    for score in scores:
        line = f"{score.name:<{width}}{score.role:<10}{len(score.f1):>6}"
        line += f"  {_range(score.f1)}{np.mean(score.boundary_f1):>9.3f}"
        if score.name in earlier:
            line += f"{earlier[score.name]:>9.3f}{score.mean_f1 - earlier[score.name]:>+9.3f}"
        lines += [line, f"{f'  best threshold ({score.threshold})':<{width + 16}}  {_range(score.threshold_f1)}"]
    for role in (SEEN, HELD_OUT):
        means = [(score.mean_f1, float(np.mean(score.threshold_f1))) for score in scores if score.role == role]
        if means:
            ours, theirs = np.mean(means, axis=0)
            lines.append(f"mean of {role} sets: {ours:.3f}, by the best threshold {theirs:.3f}")
    return "\n".join(lines)


def _range(values: Sequence[float]) -> str:
    return f"{np.mean(values):>7.3f}{np.min(values):>7.3f}{np.max(values):>7.3f}"


def write_frame_scores(scores: Sequence[SetScore], path: Path) -> None:
    """Write one CSV row per frame."""
    rows = [["set", "role", "frame", "f1", "boundary_f1", "threshold_f1"]]
    for score in scores:
        for pair, *values in zip(score.pairs, score.f1, score.boundary_f1, score.threshold_f1, strict=True):
            rows.append([score.name, score.role, pair.number, *(f"{value:.4f}" for value in values)])
    write_csv(path, rows)


# ---- figure ----


def draw_scores(scores: Sequence[SetScore], path: Path) -> None:
    """Draw a PNG: the F1 of all frames of each set beside the threshold's, and the best, median and worst frames."""
    pictures, labels = [], []
    for score in scores:
        for title, (index, mask) in zip(EXAMPLES, score.examples, strict=True):
            pictures += [Image.fromarray(part) for part in example_tiles(score.pairs[index], mask)]
            frame = f"{score.pairs[index].number}, {title}: F1 {score.f1[index]:.3f}"
            labels += [f"{score.name}\n{frame}", "truth\n ", "errors\n "]
    grid = picture_grid(pictures, labels, 3 * len(EXAMPLES), TILE_PX, title="Best, median and worst frame of each set")
    draw_legend(grid)
    chart = draw_strip(scores, grid.width)
    figure = Image.new("RGB", (grid.width, chart.height + grid.height), PAPER)
    figure.paste(chart, (0, 0))
    figure.paste(grid, (0, chart.height))
    write_png(path, figure)


def draw_legend(picture: Image.Image) -> None:
    """Draw the legend of the error colours in the upper right corner."""
    draw = ImageDraw.Draw(picture)
    font = label_font(18)
    x = picture.width - 24.0
    for name, colour in reversed(LEGEND.items()):
        x -= font.getlength(name)
        draw.text((x, 31), name, fill=INK, font=font, anchor="lm")
        draw.rounded_rectangle((x - 26, 22, x - 9, 39), radius=4, fill=colour)
        x -= 52


def example_tiles(pair: FramePair, mask: np.ndarray) -> list[np.ndarray]:
    """Return clothed frame, truth, and errors of a prediction, (H, W, 3) uint8 each, cropped to the figure."""
    base, clothed = read_pair(pair)
    box = figure_box([base, clothed])
    shown, truth, ours = (near_tile_size(whole[box], TILE_PX) for whole in (clothed, read_true_mask(pair), mask))
    true, found = truth > 0, ours > 0
    frame = on_checks(shown)
    errors = marked(frame, [(true & found, FOUND), (found & ~true, INVENTED), (true & ~found, MISSED)])
    return [frame, np.repeat(truth[..., None], 3, axis=2), errors]


def draw_strip(scores: Sequence[SetScore], width_px: int) -> Image.Image:
    """Draw one dot per frame and a bar at the mean, for the model and for the best threshold."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    layout = ConstrainedLayoutEngine(rect=(0.008, 0.03, 0.984, 0.94))
    figure = Figure(figsize=(width_px / 100, 4.2), dpi=100, facecolor=PAPER, layout=layout)
    axes = figure.add_subplot(facecolor=PAPER)
    axes.set_title("F1 of every frame, and the mean of each set", color=INK, weight="bold", fontsize=16, loc="left")
    for place, score in enumerate(scores):
        _draw_dots(axes, place - 0.17, score.threshold_f1, THRESHOLD_COLOUR)
        _draw_dots(axes, place + 0.17, score.f1, MODEL_COLOUR)
    room_px = 0.9 * width_px / len(scores)
    names = [f"{fit_text(score.name, label_font(14), room_px)}\n{score.role}" for score in scores]
    axes.set_xticks(range(len(scores)), names, color=INK, fontsize=9, parse_math=False)
    axes.set_xlim(-0.6, len(scores) - 0.4)
    low = min(min(*score.f1, *score.threshold_f1) for score in scores)
    axes.set_ylim(max(0.0, np.floor(low * 10 - 0.5) / 10), 1.08)
    axes.set_yticks([tick for tick in axes.get_yticks() if tick <= 1])
    handles = [axes.scatter([], [], color=colour, s=30) for colour in (MODEL_COLOUR, THRESHOLD_COLOUR)]
    names = ["model", "best single threshold"]
    figure.legend(handles, names, frameon=False, ncols=2, loc="upper right", bbox_to_anchor=(0.99, 0.97))
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(axis="y", colors=GREY)
    axes.tick_params(axis="x", length=0)
    axes.grid(axis="y", alpha=0.25)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())


def _draw_dots(axes: "Axes", place: float, values: Sequence[float], colour: str) -> None:
    """Draw a dot for each value, side by side around `place`, a bar at their mean, and the mean as text above."""
    mean = float(np.mean(values))
    axes.scatter(np.linspace(-0.1, 0.1, len(values)) + place, values, s=14, color=colour, linewidths=0, alpha=0.75)
    axes.hlines(mean, place - 0.14, place + 0.14, color=INK, linewidth=1.6)
    axes.annotate(f"{mean:.3f}", (place, 1.025), ha="center", va="bottom", fontsize=9, color=INK)
