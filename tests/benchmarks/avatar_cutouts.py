"""Measures the removal of backgrounds on photos, compared with rembg's u2netp alone, and along known edges.

python -m tests.benchmarks.avatar_cutouts                 held-out photos, and drawn figures on saturated backgrounds
python -m tests.benchmarks.avatar_cutouts --photos 5      only a few photos
python -m tests.benchmarks.avatar_cutouts --tune          finds POSE_WEIGHT and BIAS on other photos
"""

import argparse
import itertools
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from avatar.cutout.background_removal import remove_background
from avatar.cutout.foreground_models import SHOWN, load_foreground_model
from common.errors import UserError
from common.grids import picture_grid
from common.images import read_image, write_png
from common.paths import DATA, OUTPUTS
from common.people.selection import mask_iou
from tests.benchmarks.hardware import describe_machine
from tests.benchmarks.needs import real_files
from tests.helpers import REAL_DATA

TUNING_STEP = 16  # of the photos for tuning, every so manieth is taken
POSE_WEIGHTS = (0.0, 0.2, 0.3, 0.4, 0.5, 0.7)
BIASES = (-0.6, -0.3, 0.0, 0.3)
FIGURES = sorted((DATA / "carousel/people").glob("*.png"))
GROUNDS = {"magenta": (255, 0, 190), "lime": (90, 255, 0), "orange": (255, 110, 0), "blue": (0, 60, 255)}
FRAME = 0.12  # room around a figure, as a share of its height
SURE = 0.1  # alpha below which a drawn figure's colour means nothing
BAND_PX = 5


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tune", action="store_true")
    parser.add_argument("--photos", type=int, default=80)
    arguments = parser.parse_args()
    print(f"{describe_machine()}, OpenCV {cv2.__version__}, {cv2.getNumThreads()} threads")
    if arguments.tune:
        tune(real_files("people/more/photos/*.jpg")[3::TUNING_STEP][: arguments.photos])
        return
    measure_photos(real_files("people/photos/*.jpg")[: arguments.photos])
    measure_edges(FIGURES[: arguments.photos])


def read_marked(file: Path) -> tuple[Image.Image, np.ndarray]:
    """A photo, and the mask of its marked person (H, W) bool."""
    mask = read_image(file.parent.parent / "masks" / f"{file.stem}.png", "L")
    return read_image(file, "RGB"), np.asarray(mask) > 127


# ---- photos ----


def measure_photos(files: Sequence[Path]) -> None:
    """Intersection over union with masks that people made."""
    plain = load_foreground_model("u2netp")
    ways: dict[str, Callable[[Image.Image], np.ndarray]] = {
        "embedded": lambda photo: alpha_of(remove_background(photo)) > 127,
        "embedded, no edges": lambda photo: load_foreground_model("embedded").probability(np.asarray(photo)) > SHOWN,
        "rembg u2netp": lambda photo: plain.probability(np.asarray(photo)) > SHOWN,
    }
    print(f"\n{len(files)} photos of one marked person, from {files[0].parent.relative_to(REAL_DATA)}")
    print(f"{'':20}mean IoU  median  worst  ms a photo")
    ious: dict[str, list[float]] = {}
    for name, way in ways.items():
        way(read_image(files[0], "RGB"))  # loads what it needs
        seconds = 0.0
        for file in files:
            photo, mask = read_marked(file)
            started = time.perf_counter()
            found = way(photo)
            seconds += time.perf_counter() - started
            ious.setdefault(name, []).append(mask_iou(found, mask))
        values, milliseconds = np.array(ious[name]), 1000 * seconds / len(files)
        print(
            f"{name:20}{values.mean():8.4f}{np.median(values):8.4f}{values.min():7.3f}{milliseconds:12.0f}", flush=True
        )
    show_worst(files, ious["embedded"])


def show_worst(files: Sequence[Path], ious: Sequence[float]) -> None:
    """The photos that came out worst, as cut-outs on a ground that shows halos."""
    worst = np.argsort(ious)[:6]
    tiles = [before(remove_background(read_image(files[index], "RGB")), GROUNDS["lime"]) for index in worst]
    labels = [f"{files[index].stem}: {ious[index]:.3f}" for index in worst]
    target = OUTPUTS / "benchmarks/avatar_cutouts.png"
    write_png(target, picture_grid(tiles, labels, columns=6, tile_px=480))
    print(f"picture of the worst: {target}")


def alpha_of(picture: Image.Image) -> np.ndarray:
    """(H, W) uint8."""
    return np.asarray(picture.getchannel("A"))


# ---- edges ----


def measure_edges(figures: Sequence[Path]) -> None:
    """Colours and looks of drawn figures, whose edges are known, with and without new colours along the edge."""
    print(f"\n{'edges before loud grounds':28}IoU    colour error, as found  cleaned  on grey, as found  cleaned")
    tiles = []
    for name, colour in GROUNDS.items():
        rows, last = [], None
        for figure in figures:
            truth = framed(read_image(figure))
            picture = before(truth, colour)
            try:
                cleaned = remove_background(picture)
            except UserError:
                continue
            found = Image.merge("RGBA", (*picture.split(), cleaned.getchannel("A")))
            iou = mask_iou(alpha_of(cleaned) > 127, alpha_of(truth) > 127)
            rows.append([iou, *(error(cut, truth) for error in (edge_error, look_error) for cut in (found, cleaned))])
            last = found, cleaned
        if last is None:
            print(f"{name:28}none of {len(figures)} found")
            continue
        tiles += [before(cut, (128, 128, 128)) for cut in last]
        iou, *errors = np.mean(rows, axis=0)
        figures_of = f"{name}, {len(rows)} of {len(figures)} found"
        print(
            f"{figures_of:28}{iou:.3f}{errors[0]:23.1f}{errors[1]:9.1f}{errors[2]:19.1f}{errors[3]:9.1f}"
            f"   ({100 * (1 - errors[1] / errors[0]):.0f} % and {100 * (1 - errors[3] / errors[2]):.0f} % less)",
            flush=True,
        )
    labels = [f"{name}, {kind}" for name in GROUNDS for kind in ("as found", "cleaned")]
    target = OUTPUTS / "benchmarks/avatar_edges.png"
    write_png(target, picture_grid(tiles, labels, columns=4, tile_px=500))
    print(f"picture: {target}")


def framed(figure: Image.Image) -> Image.Image:
    """An RGBA figure with room around it."""
    room = round(FRAME * figure.height)
    wide = Image.new("RGBA", (figure.width + 2 * room, figure.height + 2 * room))
    wide.paste(figure, (room, room))
    return wide


def before(figure: Image.Image, colour: tuple[int, int, int]) -> Image.Image:
    """An RGBA figure on a plain ground, RGB."""
    return Image.alpha_composite(Image.new("RGBA", figure.size, colour), figure).convert("RGB")


def edge_error(cutout: Image.Image, truth: Image.Image) -> float:
    """Mean difference, 0 to 255, between the colours of a cut-out and those that were drawn, along the edge.

    Each pixel counts by the cut-out's alpha; where nothing was drawn there is no true colour.
    """
    found, drawn = (np.asarray(picture).astype(np.float32) for picture in (cutout, truth))
    band = _band(drawn[..., 3]) & (drawn[..., 3] > 255 * SURE)
    difference = np.abs(found - drawn)[..., :3].mean(axis=-1)
    return float(np.average(difference[band], weights=found[..., 3][band]))


def look_error(cutout: Image.Image, truth: Image.Image) -> float:
    """The same of both before a grey ground: errors of alpha count, too, and what is there beside the figure."""
    found, drawn = (np.asarray(before(picture, (128, 128, 128))).astype(np.float32) for picture in (cutout, truth))
    return float(np.abs(found - drawn).mean(axis=-1)[_band(alpha_of(truth))].mean())


def _band(alpha: np.ndarray) -> np.ndarray:
    edge = (alpha > 255 * SURE) & (alpha < 255 * (1 - SURE))
    return cv2.dilate(edge.astype(np.uint8), np.ones((BAND_PX, BAND_PX), np.uint8)) > 0


# ---- tuning ----


def tune(files: Sequence[Path]) -> None:
    """Print the best weights and biases for BlazePose's mask beside U^2-Net's, with the mean IoU of each."""
    foreground = load_foreground_model("embedded")
    looks = []
    for file in files:
        photo, mask = read_marked(file)
        picture = np.asarray(photo)
        look = foreground.predict_region(picture, foreground.mirror_averaged(picture))
        left, top, right, bottom = look.region
        truth = cv2.resize(mask[top:bottom, left:right].astype(np.uint8), look.matte.shape[::-1]) > 0
        looks.append((look, truth))
    print(f"\n{len(looks)} photos, BlazePose sees a person in {sum(look.pose is not None for look, _ in looks)}")
    found = []
    for weight, bias in itertools.product(POSE_WEIGHTS, BIASES):
        ious = [mask_iou(look.combined(weight, bias) > SHOWN, truth) for look, truth in looks]
        found.append((float(np.mean(ious)), weight, bias))
    print("mean IoU  POSE_WEIGHT  BIAS")
    for iou, weight, bias in sorted(found, reverse=True)[:10]:
        print(f"{iou:8.4f}{weight:13}{bias:6}")


if __name__ == "__main__":
    main()
