"""How well holes of people are filled, by each method, where the truth is known.

    python -m tests.benchmarks.carousel_inpainting                   drawn scenes with true plates, and held-out photos
    python -m tests.benchmarks.carousel_inpainting --tune            photos that settings may be chosen by
    python -m tests.benchmarks.carousel_inpainting --size-px 512 --photos 4

In drawn scenes the hole is a drawn person's, as it is or enlarged to LARGE of the picture, and the truth is the same
scene without people. In photos the hole has the
form of the next photo's person and lies beside the photo's own person, whom no method may copy. LPIPS (AlexNet) is of
the box around the hole, divided by the hole's share of it. The sheet shows the hole, each method and the truth.
"""

import argparse
import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from PIL import Image
from skimage.restoration import inpaint_biharmonic

from carousel.collages.inpainting import RADIUS_PX, clean_background
from carousel.fusion.training_samples import fit
from common.grids import picture_grid
from common.imagenet.features import Lpips
from common.imagenet.normalisation import to_tensor
from common.images import read_image, write_png
from common.paths import DATA, OUTPUTS
from tests.benchmarks.carousel_figures import hole_of
from tests.benchmarks.hardware import describe_machine
from tests.benchmarks.needs import real_files

TUNING_STEP = 40  # every so manieth photo of people/more is used
SCALES = (1, 0.85, 0.7, 0.55)  # sizes of a hole that are tried, the largest first
LPIPS_PX = 64  # minimum side of what LPIPS sees
SHEET = 6  # rows of a sheet
LARGE = 0.3  # share of the picture that a large hole covers, about

Fill = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


class Case(NamedTuple):
    """A picture (S, S, 3) uint8 without a person in the hole (S, S) bool, and what must not be copied, (S, S) bool."""

    name: str
    truth: np.ndarray
    hole: np.ndarray
    avoid: np.ndarray


def main() -> None:
    """Print a table for each set, and draw a sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size-px", type=int, default=256)
    parser.add_argument("--photos", type=int, default=1000, help="of each set, the first ones")
    parser.add_argument("--tune", action="store_true")
    parser.add_argument("--quick", action="store_true", help="without the biharmonic filling, which is slow")
    arguments = parser.parse_args()
    print(f"{describe_machine()}, {arguments.size_px} x {arguments.size_px} px")
    lpips = Lpips()
    for title, cases in sets(arguments.size_px, arguments.tune).items():
        chosen = [case for case, _ in zip(cases, range(arguments.photos), strict=False)]
        print(
            f"\n{title}: {len(chosen)} holes, {100 * np.mean([case.hole.mean() for case in chosen]):.0f} % of the area"
        )
        print(f"{'':22}   PSNR  LPIPS  processor s")
        tiles = []
        for name, fill in methods(arguments.quick).items():
            figures, filled = [], []
            for case in chosen:
                started = time.process_time()
                filled.append(fill(case.truth, case.hole, case.avoid))
                figures.append((*errors(lpips, case, filled[-1]), time.process_time() - started))
            psnr, distance, seconds = np.mean(figures, axis=0)
            print(f"{name:22} {psnr:6.2f} {distance:6.3f} {seconds:8.2f}", flush=True)
            tiles.append((name, filled[:SHEET]))
        draw_sheet(title, chosen[:SHEET], tiles)


def methods(quick: bool) -> dict[str, Fill]:
    """By name, functions of a picture, a hole and what must not be copied."""
    found: dict[str, Fill] = {
        "patches": lambda photo, hole, avoid: clean_background(photo, hole, "patches", avoid=avoid),
        "rows": lambda photo, hole, avoid: clean_background(photo, hole, "rows"),
        "Navier-Stokes": lambda photo, hole, avoid: clean_background(photo, hole, "opencv"),
        "Telea": lambda photo, hole, avoid: cv2.inpaint(photo, hole.astype(np.uint8), RADIUS_PX, cv2.INPAINT_TELEA),
    }
    if not quick:
        found["biharmonic"] = lambda photo, hole, avoid: np.rint(
            255 * inpaint_biharmonic(photo, hole, channel_axis=-1).clip(0, 1)
        ).astype(np.uint8)
    return found


def errors(lpips: Lpips, case: Case, filled: np.ndarray) -> tuple[float, float]:
    """PSNR in the hole, and LPIPS around it over the hole's share of what LPIPS sees."""
    difference = (filled.astype(float) - case.truth)[case.hole]
    left, top, width, height = cv2.boundingRect(case.hole.astype(np.uint8))
    side = len(case.hole)
    x, y = (max(0, min(start, side - LPIPS_PX)) for start in (left, top))
    box = slice(y, max(top + height, y + LPIPS_PX)), slice(x, max(left + width, x + LPIPS_PX))
    with torch.inference_mode():
        distance = float(lpips(to_tensor(filled[box])[None], to_tensor(case.truth[box])[None])[0])
    return 10 * np.log10(255**2 / max(1e-3, float((difference**2).mean()))), distance / case.hole[box].mean()


def sets(size_px: int, tune: bool) -> dict[str, Iterator[Case]]:
    """The cases by title."""
    if tune:
        return {"people/more": in_photos(real_files("people/more/photos/*.jpg")[::TUNING_STEP], size_px)}
    return {
        "drawn scenes": in_scenes(size_px, None),
        "drawn scenes, large holes": in_scenes(size_px, LARGE),
        "people/photos, held out": in_photos(real_files("people/photos/*.jpg"), size_px),
    }


def read_mask(file: Path, size_px: int) -> np.ndarray:
    """(S, S) uint8 of 0 or 255."""
    return fit(np.where(np.asarray(read_image(file, "L")) > 127, 255, 0).astype(np.uint8), size_px)


def in_scenes(size_px: int, share: float | None) -> Iterator[Case]:
    """The first person of each drawn scene, enlarged to a share of the picture; None: as it is."""
    for plate in sorted((DATA / "carousel/plates").glob("*.jpg")):
        masks = sorted((DATA / "carousel/masks").glob(f"{plate.stem}_person*.png"))
        if masks:
            hole = hole_of(read_mask(masks[0], size_px))
            hole = hole if share is None else enlarged(hole, share)
            yield Case(plate.stem, fit(np.asarray(read_image(plate, "RGB")), size_px), hole, np.zeros_like(hole))


def enlarged(hole: np.ndarray, share: float) -> np.ndarray:
    """A hole (H, W) bool in the middle of the picture, of a share of it, less what the edges cut off."""
    rows, columns = np.nonzero(hole)
    (height, width), scale = hole.shape, np.sqrt(share / hole.mean())
    away = (width / 2 - scale * columns.mean(), height / 2 - scale * rows.mean())
    matrix = np.array([[scale, 0, away[0]], [0, scale, away[1]]])
    return cv2.warpAffine(hole.astype(np.uint8), matrix, (width, height), flags=cv2.INTER_NEAREST) > 0


def in_photos(files: list[Path], size_px: int) -> Iterator[Case]:
    """The next photo's person beside that of each photo, where there is room."""
    for file, following in itertools.pairwise(files):
        own, other = (hole_of(read_mask(f.parent.parent / f"masks/{f.stem}.png", size_px)) for f in (file, following))
        hole = beside(own, other)
        if hole is not None:
            yield Case(file.stem, fit(np.asarray(read_image(file, "RGB")), size_px), hole, own)


def beside(own: np.ndarray, other: np.ndarray) -> np.ndarray | None:
    """The other's form, as large as possible, on the same foot row, where it does not touch the own one."""
    left, top, width, height = cv2.boundingRect(other.astype(np.uint8))
    form = other[top : top + height, left : left + width].astype(np.uint8)
    for scale in SCALES:
        piece = cv2.resize(form, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST) > 0
        for x in range(0, len(own) - piece.shape[1], 4):
            hole = np.zeros_like(own)
            hole[top + height - len(piece) : top + height, x : x + piece.shape[1]] = piece
            if not (hole & own).any():
                return hole
    return None


def draw_sheet(title: str, cases: list[Case], filled: list[tuple[str, list[np.ndarray]]]) -> None:
    """A row a case: the hole, each method, the truth."""
    columns = [("hole", [np.where(case.hole[..., None], 255, case.truth) for case in cases]), *filled]
    columns.append(("truth", [case.truth for case in cases]))
    tiles = [Image.fromarray(pictures[row].astype(np.uint8)) for row in range(len(cases)) for _, pictures in columns]
    labels = [name for _ in cases for name, _ in columns]
    kind = title.replace(", held out", "").replace(",", "").replace("/", "_").replace(" ", "_")
    target = OUTPUTS / f"benchmarks/carousel_inpainting_{kind}.png"
    write_png(target, picture_grid(tiles, labels, columns=len(columns), tile_px=256))
    print(f"picture: {target}")


if __name__ == "__main__":
    main()
