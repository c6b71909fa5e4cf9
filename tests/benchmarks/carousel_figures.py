"""How well the fusion model puts people into scenes that it never saw, beside the baselines, all from one run.

    python -m tests.benchmarks.carousel_figures                          the model that ships
    python -m tests.benchmarks.carousel_figures a.pth b.pth              these checkpoints, a row each
    python -m tests.benchmarks.carousel_figures --photos 6 --csv out     quickly; and every picture's scores as CSV

The held-out photos come in three forms: with the exact mask in the true scene; with a mask eroded by 1 px; and in the
scene that inpainting made when it removed the person. The light is `relight_fixed`, seed 0. The
harmonisation triples are as they were made: the composite is scene and person, the hole below the person inpainted.
Each picture is brought to a square, as the tables of iHarmony4 do. An interval is of the mean gain in foreground PSNR,
by drawing whole photos.
"""

import argparse
import csv
import functools
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from carousel.collages.inpainting import clean_background
from carousel.collages.layout import Collage, black_outside, compose
from carousel.collages.photo_to_collages import HOLE_RIM
from carousel.fusion.inference import load_model
from carousel.fusion.training_samples import FusionExample, fit, fixed_form, paste
from carousel.Inference import STRENGTH
from carousel.measuring.baselines import BASELINES, Baseline
from carousel.measuring.evaluation import (
    OURS,
    PASTE,
    Item,
    Scores,
    bootstrap_interval,
    measure,
    methods_with,
    write_pictures,
)
from common.images import read_image
from tests.benchmarks.hardware import describe_machine
from tests.benchmarks.needs import real_files

SEED = 0

FORMS = {  # clean background, pixels by which the mask is eroded
    "exact mask, true scene": (False, 0),
    "mask eroded by 1 px, true scene": (False, 1),
    "exact mask, inpainted scene": (True, 0),
}
HARDER = ("Reinhard", "Poisson")


def main() -> None:
    """Print a table for each set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", nargs="*", default=["fusion_model.pth"])
    parser.add_argument("--size-px", type=int, default=256)
    parser.add_argument("--photos", type=int, help="of each set, the first ones")
    parser.add_argument("--csv", type=Path, help="folder for the scores of every picture")
    arguments = parser.parse_args()
    methods, timed = all_methods(arguments.checkpoints)
    print(f"{describe_machine()}, pictures of {arguments.size_px} x {arguments.size_px} px, seed {SEED}")
    for title, items in {**held_out(arguments.size_px), **triples(arguments.size_px)}.items():
        scores = measure(items[: arguments.photos], methods, None, title)
        print_table(title, scores)
        if arguments.csv:
            write_pictures(scores, arguments.csv / f"{title.replace(' ', '_').replace(',', '')}.csv")
    times = (f"{name} {1000 * statistics.median(seconds):.0f}" for name, seconds in timed.items())
    print(f"\nms a picture, median: {', '.join(times)}")


def all_methods(checkpoints: Sequence[str]) -> tuple[dict[str, Baseline], dict[str, list[float]]]:
    """The baselines and every checkpoint, and where the seconds of their calls are noted."""
    methods = dict(BASELINES)
    for checkpoint in checkpoints:
        network, device = load_model(checkpoint)
        count = sum(parameter.numel() for parameter in network.parameters()) / 1e6
        name = Path(checkpoint).stem if Path(checkpoint).stem not in methods else checkpoint
        print(
            f"{name}: {checkpoint}, {count:.1f} M parameters, {network.settings}, sees {network.size_px} px, {device}"
        )
        methods[f"{name}, whole"] = methods_with(network, device, 1.0)[OURS]
        methods[name] = methods_with(network, device, STRENGTH)[OURS]
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    return {name: timed(method, seconds[name]) for name, method in methods.items()}, seconds


def timed(method: Baseline, seconds: list[float]) -> Baseline:
    """The same method; the seconds of each call are noted."""

    def call(background: np.ndarray, avatar: np.ndarray, mask: np.ndarray) -> np.ndarray:
        started = time.perf_counter()
        fused = method(background, avatar, mask)
        seconds.append(time.perf_counter() - started)
        return fused

    return call


# ---- sets ----


def held_out(size_px: int) -> dict[str, list[Item]]:
    """The photos that nothing is trained on or chosen by, in each of FORMS."""
    files = real_files("people/photos/*.jpg")
    return {
        f"{len(files)} held-out photos, {form}": [
            (file.name, file.stem, functools.partial(relit, file, number, size_px, clean, erode_px))
            for number, file in enumerate(files)
        ]
        for form, (clean, erode_px) in FORMS.items()
    }


def relit(file: Path, number: int, size_px: int, clean: bool, erode_px: int) -> FusionExample:
    """A photo's person in the light that belongs to its number."""
    rng = np.random.default_rng((SEED, number))
    return fixed_form(rng, collage_of(file, size_px), clean, erode_px)


@functools.lru_cache(maxsize=100)
def collage_of(file: Path, size_px: int) -> Collage:
    """A photo as collage, with its marked person."""
    truth = fit(np.asarray(read_image(file, "RGB")), size_px)
    mask = read_mask(file.parent.parent / "masks" / f"{file.stem}.png", size_px)
    return compose(truth, clean_background(truth, hole_of(mask)), mask)


def triples(size_px: int) -> dict[str, list[Item]]:
    """The harmonisation triples: those made by recolouring photos, and those of iHarmony4."""
    (index,) = real_files("people/harmonization/index.csv")
    with open(index, newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["has_real"] == "True"]
    sets: dict[str, list[Item]] = {}
    for row in rows:
        name = row["name"]
        photo = name.partition("_from_")[0] if "_from_" in name else name.rpartition("_")[0]
        kind = "recoloured photos" if name.startswith("ccp") else "iHarmony4"
        sets.setdefault(kind, []).append((name, photo, functools.partial(triple, index.parent, name, size_px)))
    return {f"{len(items)} harmonisation triples, {kind}": items for kind, items in sets.items()}


def triple(folder: Path, name: str, size_px: int) -> FusionExample:
    """A triple: its composite is both scene and person."""
    composite, real = (
        fit(np.asarray(read_image(folder / f"{name}_{kind}.jpg", "RGB")), size_px) for kind in ("composite", "real")
    )
    mask = read_mask(folder / f"{name}_mask.png", size_px)
    background = paste(composite, clean_background(composite, hole_of(mask)), mask)
    return FusionExample(background, black_outside(composite, mask), mask, real)


def read_mask(file: Path, size_px: int) -> np.ndarray:
    """(S, S) uint8 of 0 or 255."""
    return fit(np.where(np.asarray(read_image(file, "L")) > 127, 255, 0).astype(np.uint8), size_px)


def hole_of(mask: np.ndarray) -> np.ndarray:
    """The mask and a rim for what of the person lies beside it, (S, S) bool."""
    rim = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, [2 * round(HOLE_RIM * len(mask)) + 1] * 2)
    return cv2.dilate(mask, rim) > 0


# ---- table ----


def print_table(title: str, scores: Scores) -> None:
    """A row a method: means, gain with interval, how often it is better than others, and what must never happen."""
    columns: Mapping[str, Callable[[str], str]] = {
        "fg PSNR": lambda method: f"{scores.values[method]['foreground PSNR'].mean():.2f}",
        "gain": lambda method: f"{scores.gains(method).mean():+.2f}",
        "95 %": lambda method: "{:+.2f} to {:+.2f}".format(*bootstrap_interval(scores.gains(method), scores.scenes)),
        "fMSE": lambda method: f"{scores.values[method]['fMSE'].mean():.0f}",
        "PSNR": lambda method: f"{scores.values[method]['PSNR'].mean():.2f}",
        "SSIM": lambda method: f"{scores.values[method]['SSIM'].mean():.4f}",
        "SSIM < paste": lambda method: f"{ssim_losses(scores, method)}",
        "> paste": lambda method: f"{scores.share_better(method, PASTE):.0%}",
        **{f"> {other}": functools.partial(share, scores, than=other) for other in HARDER},
        "scene changed": lambda method: f"{scores.changed[method]}",
    }
    rows = [["", *columns], *([method, *(cell(method) for cell in columns.values())] for method in scores.values)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    print(f"\n{title}: {len(scores.names)} pictures of {len(set(scores.scenes))} photos")
    for first, *rest in rows:
        cells = (cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))
        print("  ".join([first.ljust(widths[0]), *cells]))


def share(scores: Scores, method: str, than: str) -> str:
    """How often a method has the higher foreground PSNR."""
    return f"{scores.share_better(method, than):.0%}"


def ssim_losses(scores: Scores, method: str) -> int:
    """Pictures whose SSIM is below that of copy-paste."""
    return int((scores.values[method]["SSIM"] < scores.values[PASTE]["SSIM"]).sum())


if __name__ == "__main__":
    main()
