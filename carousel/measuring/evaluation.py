"""Evaluation of fusion methods: scores of every picture, their table, and confidence intervals of gains."""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from carousel.fusion.inference import fuse
from carousel.fusion.metrics import foreground_mse, psnr_of_mse
from carousel.fusion.network import FusionNetwork
from carousel.fusion.result_strips import compute_psnr_ssim
from carousel.fusion.training_samples import AvatarFusionDataset, FusionExample
from carousel.measuring.baselines import BASELINES, Baseline
from common.errors import UserError
from common.files import write_csv
from common.imagenet.features import Lpips
from common.imagenet.normalisation import to_tensor

OURS = "ours"
PASTE = next(iter(BASELINES))
METRICS = ("PSNR", "SSIM", "foreground PSNR", "fMSE", "LPIPS")  # LPIPS only if its weights are present
DECIMALS = {"PSNR": 2, "SSIM": 4, "foreground PSNR": 2, "fMSE": 1, "LPIPS": 4}
RESAMPLINGS = 2000
DRAWN_AT_ONCE = 1_000_000  # scenes drawn at once, which limits the memory
WORST = 5  # pictures that are printed
HEADING = {"foreground PSNR": "fg PSNR"}

Item = tuple[str, str, Callable[[], FusionExample]]  # name, scene, and a function that reads the pictures


@dataclass(frozen=True)
class Scores:
    """Scores of several methods on the same pictures.

    Attributes:
        names: names of the pictures.
        scenes: scene of each picture; pictures of one scene are not independent samples.
        values: values by method and metric, (N,) float64: PSNR in dB, SSIM at most 1, fMSE in squared grey levels,
            LPIPS.
        changed: number of pictures, by method, in which a pixel outside the mask differs from the scene.
    """

    names: list[str]
    scenes: list[str]
    values: dict[str, dict[str, np.ndarray]]
    changed: dict[str, int]

    @property
    def metrics(self) -> list[str]:
        """Names of the metrics."""
        return list(next(iter(self.values.values())))

    def gains(self, method: str, over: str = PASTE) -> np.ndarray:
        """Gain in foreground PSNR over another method for every picture, (N,) in dB."""
        return self.values[method]["foreground PSNR"] - self.values[over]["foreground PSNR"]

    def share_better(self, method: str, than: str) -> float:
        """Share of the pictures in which a method has a higher foreground PSNR than another."""
        return float((self.gains(method, than) > 0).mean())


def methods_with(network: FusionNetwork, device: torch.device, strength: float) -> dict[str, Baseline]:
    """All baselines, and the model at this strength, 0 to 1, as the last."""

    def ours(background: np.ndarray, avatar: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return fuse(network, device, background, avatar, (mask > 0).astype(np.float32), strength=strength)

    return BASELINES | {OURS: ours}


# ---- measuring ----


def items_of(dataset: AvatarFusionDataset) -> list[Item]:
    """All collages of a dataset in their fixed form."""
    return [
        (entry.collage, entry.scene, functools.partial(dataset.example, index))
        for index, entry in enumerate(dataset.entries)
    ]


def measure(items: Sequence[Item], methods: Mapping[str, Baseline], lpips: Lpips | None, bar_text: str = "") -> Scores:
    """Score every picture by every method; only one picture is in memory at a time.

    Args:
        items: the pictures.
        methods: methods by name.
        lpips: LPIPS network on its device; None: leave that metric out.
        bar_text: title of the progress bar.

    Raises:
        UserError: a mask is empty, or there are no pictures.
    """
    names, scenes = [], []
    metrics = METRICS if lpips is not None else METRICS[:-1]
    rows: dict[str, dict[str, list[float]]] = {method: {metric: [] for metric in metrics} for method in methods}
    changed = dict.fromkeys(methods, 0)
    for name, scene, get in tqdm(items, desc=bar_text or "evaluating", unit="picture", leave=False):
        example = get()
        if not example.mask.any():
            raise UserError(f"{name}: the person disappears at {len(example.mask)} px; raise SIZE_PX")
        names.append(name)
        scenes.append(scene)
        fused = fuse_by(methods, example)
        distances = measure_lpips(lpips, list(fused.values()), example.truth) if lpips is not None else None
        for place, (method, picture) in enumerate(fused.items()):
            mse = foreground_mse(picture, example.truth, example.mask)
            values = [*compute_psnr_ssim(picture, example.truth), psnr_of_mse(mse), mse]
            values += [distances[place]] if distances is not None else []
            for metric, value in zip(metrics, values, strict=True):
                rows[method][metric].append(value)
            changed[method] += bool((picture != example.background)[example.mask == 0].any())
    if not names:
        raise UserError("there are no pictures to evaluate")
    arrays = {method: {metric: np.array(v) for metric, v in row.items()} for method, row in rows.items()}
    return Scores(names, scenes, arrays, changed)


def fuse_by(methods: Mapping[str, Baseline], example: FusionExample) -> dict[str, np.ndarray]:
    """Fuse an example by each method: (S, S, 3) uint8 by the method's name."""
    return {name: method(example.background, example.avatar, example.mask) for name, method in methods.items()}


@torch.inference_mode()
def measure_lpips(lpips: Lpips, pictures: Sequence[np.ndarray], truth: np.ndarray) -> list[float]:
    """Compute LPIPS of (H, W, 3) uint8 pictures against one ground truth."""
    device = next(lpips.parameters()).device
    batch = torch.stack([to_tensor(picture) for picture in pictures]).to(device)
    return lpips(batch, to_tensor(truth)[None].to(device)).tolist()


def load_lpips(device: torch.device) -> tuple[Lpips | None, str]:
    """Load LPIPS on a device; None and the reason if its weights are missing."""
    try:
        return Lpips().to(device), ""
    except UserError as error:
        return None, f"LPIPS is left out: {error}"


def bootstrap_interval(gains: np.ndarray, scenes: Sequence[str], seed: int = 0) -> tuple[float, float]:
    """Compute the 95 % bootstrap interval of the mean gain, resampling whole scenes (Efron 1979).

    Args:
        gains: (N,), gain of each picture.
        scenes: scene of each picture. With one scene, both ends are the mean.
        seed: seed of the resampling.
    """
    groups = np.unique(np.asarray(scenes), return_inverse=True)[1]
    sums, counts = np.bincount(groups, gains), np.bincount(groups)
    rng = np.random.default_rng(seed)
    at_once = max(1, DRAWN_AT_ONCE // len(sums))
    means = []
    for first in range(0, RESAMPLINGS, at_once):
        chosen = rng.integers(0, len(sums), (min(at_once, RESAMPLINGS - first), len(sums)))
        means.append(sums[chosen].sum(axis=1) / counts[chosen].sum(axis=1))
    low, high = np.percentile(np.concatenate(means), [2.5, 97.5])
    return float(low), float(high)


# ---- tables ----


def summary_rows(scores: Scores) -> list[dict[str, float | str]]:
    """A row for each method: mean of every metric, gain over copy-paste with its interval, comparison with the model.

    The last column is the share of the pictures in which the model, if it was measured, has the higher foreground PSNR.
    """
    rows: list[dict[str, float | str]] = []
    for method, values in scores.values.items():
        low, high = bootstrap_interval(scores.gains(method), scores.scenes)
        row: dict[str, float | str] = {"method": method}
        row |= {metric: float(value.mean()) for metric, value in values.items()}
        row |= {"gain": float(scores.gains(method).mean()), "gain_low": low, "gain_high": high}
        compared = OURS in scores.values and method != OURS
        row["ours_better"] = scores.share_better(OURS, method) if compared else ""
        rows.append(row)
    return rows


def table_cells(scores: Scores) -> tuple[list[str], list[list[str]]]:
    """Heading and rows of the summary as text; meaningless cells are empty."""
    heading = ["method", *(HEADING.get(metric, metric) for metric in scores.metrics), "gain, dB", "95 %", "ours better"]
    rows = []
    for row in summary_rows(scores):
        method = str(row["method"])
        cells = [method, *(f"{row[metric]:.{DECIMALS[metric]}f}" for metric in scores.metrics)]
        gained = [f"{row['gain']:+.2f}", f"{row['gain_low']:+.2f} to {row['gain_high']:+.2f}"]
        cells += gained if method != PASTE else ["", ""]
        cells.append(f"{row['ours_better']:.0%}" if row["ours_better"] != "" else "")
        rows.append(cells)
    return heading, rows


def format_table(scores: Scores) -> str:
    """The summary as aligned text."""
    heading, rows = table_cells(scores)
    widths = [max(map(len, column)) for column in zip(heading, *rows, strict=True)]
    lines = []
    for cells in (heading, *rows):
        first, *rest = (cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
        lines.append("  ".join([cells[0].ljust(len(first)), *rest]).rstrip())
    return "\n".join(lines)


def remarks(scores: Scores) -> list[str]:
    """State in how many pictures the model lowers SSIM or changes the scene."""
    count = len(scores.names)
    ssim = {method: scores.values[method]["SSIM"] for method in (OURS, PASTE)}
    worse = int((ssim[OURS] < ssim[PASTE]).sum())
    return [
        f"SSIM below copy-paste's on {worse} of {count} pictures",
        f"a pixel outside the mask changed on {scores.changed[OURS]} of {count} pictures",
    ]


def worst_first(scores: Scores) -> list[int]:
    """Places of the pictures, the one in which the model gains least first."""
    return np.argsort(scores.gains(OURS), kind="stable").tolist()


def format_worst(scores: Scores, count: int = WORST) -> str:
    """The pictures in which the model gains least, as aligned text."""
    decibels = {method: scores.values[method]["foreground PSNR"] for method in (PASTE, OURS)}
    lines = [
        f"{scores.gains(OURS)[place]:+8.2f} dB  ({decibels[PASTE][place]:.2f} to {decibels[OURS][place]:.2f})  "
        f"{scores.names[place]}"
        for place in worst_first(scores)[:count]
    ]
    return "\n".join(["worst pictures: gain of foreground PSNR over pasting", *lines])


def figures(scores: Scores) -> dict[str, object]:
    """The summary as figures for the record of a run."""
    rows = {str(row.pop("method")): row for row in summary_rows(scores)}
    table = {
        method: {name: round(float(value), 4) for name, value in row.items() if value != ""}
        for method, row in rows.items()
    }
    return {"pictures": len(scores.names), "scenes": len(set(scores.scenes)), **table}


def write_summary(scores: Scores, path: Path) -> None:
    """Write `summary_rows` as CSV, atomically."""
    rows = summary_rows(scores)
    _write_csv(path, list(rows[0]), (list(row.values()) for row in rows))


def write_pictures(scores: Scores, path: Path) -> None:
    """Write a row for each picture and method as CSV, atomically, the worst pictures first."""
    rows = (
        [
            scores.names[place],
            scores.scenes[place],
            method,
            *(float(values[metric][place]) for metric in scores.metrics),
        ]
        for place in worst_first(scores)
        for method, values in scores.values.items()
    )
    _write_csv(path, ["collage", "scene", "method", *scores.metrics], rows)


def _write_csv(path: Path, heading: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    cells = ([f"{value:.5g}" if isinstance(value, float) else value for value in row] for row in rows)
    write_csv(path, [heading, *cells])
