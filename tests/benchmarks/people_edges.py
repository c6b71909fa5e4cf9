"""Soft edges and their colours by common/people/edges.py, beside OpenCV's guided filter and pymatting.

python -m tests.benchmarks.people_edges                 66 marked people from real photos, and the 12 drawn ones
python -m tests.benchmarks.people_edges --photos 8      quickly, on a few

Each person is put over another picture with a known soft alpha. The mask is then coarsened to what a network gives,
alpha and colours are estimated again, and the result is put over a third picture. Both errors are means over the band
of 9 px along the mask's edge: alpha error (0 to 1, the SAD over the pixels of the band) and colour error (0 to 255)
of the second composite.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import cv2
import numpy as np

from common.images import read_image
from common.paths import DATA
from common.people import edges
from tests.benchmarks.hardware import describe_machine
from tests.benchmarks.needs import find_peer, real_files

EDGE_SIGMA_PX = 1.2  # softness of the known edges
COARSE_PX = 160  # longer side at which masks are coarsened
BAND = np.ones((9, 9), np.uint8)

GuidedFilter = Callable[[np.ndarray, np.ndarray, int, float], np.ndarray]
ForegroundEstimate = Callable[[np.ndarray, np.ndarray], np.ndarray]


class KnownPerson(NamedTuple):
    """Colours (H, W, 3) float32, alpha (H, W) float32 in [0, 1], and two backgrounds like the colours."""

    colours: np.ndarray
    alpha: np.ndarray
    first: np.ndarray
    second: np.ndarray


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=66)
    arguments = parser.parse_args()
    print(f"{describe_machine()}, OpenCV {cv2.__version__}")
    files = real_files("people/photos/*.jpg")[: arguments.photos]
    measure(f"{len(files)} people of photos", photographed(files))
    measure("drawn people", drawn())


def measure(title: str, people: Iterator[KnownPerson]) -> None:
    """Print the errors of every method over these people."""
    filters, estimates = guided_filters(), foreground_estimates()
    alpha_errors: defaultdict[str, list[float]] = defaultdict(list)
    colour_errors: defaultdict[str, list[list[float]]] = defaultdict(list)
    seconds: defaultdict[str, float] = defaultdict(float)
    for person in people:
        seen = over(person.colours, person.alpha, person.first).round().astype(np.uint8)
        hard = coarse(person.alpha > 0.5)
        band = cv2.dilate(hard.astype(np.uint8), BAND) > cv2.erode(hard.astype(np.uint8), BAND)
        refined = {}
        for name, guided_filter in filters.items():
            started = time.perf_counter()
            with mock.patch.object(edges, "guided_filter", guided_filter):
                refined[name] = edges.refine_edges(seen, hard)
            seconds[name] += time.perf_counter() - started
            alpha_errors[name].append(float(np.abs(refined[name] - person.alpha)[band].mean()))
        alpha_errors["mask as it is"].append(float(np.abs(hard - person.alpha)[band].mean()))
        truth = over(person.colours, person.alpha, person.second)[band]
        for name, estimate in estimates.items():
            errors = []
            for alpha in (person.alpha, refined["ours"]):
                started = time.perf_counter()
                colours = estimate(seen, alpha)
                seconds[name] += time.perf_counter() - started
                errors.append(float(np.abs(over(colours, alpha, person.second)[band] - truth).mean()))
            colour_errors[name].append(errors)
    count = len(alpha_errors["ours"])
    print(f"\n{title}\n{'guided filter':26}alpha error   ms a picture")
    for name, values in alpha_errors.items():
        failed = int(np.isnan(values).sum())
        note = f"   without {failed} pictures that came out as NaN" if failed else ""
        print(f"{name:26}{np.nanmean(values):11.4f}{1000 * seconds[name] / count:15.0f}{note}")
    print(f"{'foreground estimation':26}colour error with true alpha, with ours   ms a picture")
    for name, pairs in colour_errors.items():
        true_alpha, our_alpha = np.mean(pairs, axis=0)
        print(f"{name:26}{true_alpha:28.2f}{our_alpha:11.2f}{500 * seconds[name] / count:15.0f}")


def guided_filters() -> dict[str, GuidedFilter]:
    """Ours, and OpenCV's where opencv-contrib-python is installed, with colours from 0 to 255 as it is meant for."""
    filters: dict[str, GuidedFilter] = {"ours": edges.guided_filter}
    if not hasattr(cv2, "ximgproc"):
        print("cv2.ximgproc is not installed and left out: pip install -r tests/benchmarks/requirements.txt")
        return filters
    filters["cv2.ximgproc"] = lambda guide, values, radius, epsilon: cv2.ximgproc.guidedFilter(
        255 * guide, values, radius, 255**2 * epsilon
    )
    return filters


def foreground_estimates() -> dict[str, ForegroundEstimate]:
    """Ours, pymatting's multi-level method where it is installed, and the photo's own colours."""
    estimates: dict[str, ForegroundEstimate] = {"ours": edges.decontaminate}
    if pymatting := find_peer("pymatting"):
        estimates["pymatting multi-level"] = lambda photo, alpha: (
            (255 * pymatting.estimate_foreground_ml(photo / np.float32(255), alpha)).clip(0, 255).round()
        )
    return estimates | {"photo as it is": lambda photo, alpha: photo}


# ---- people whose alpha and colours are known ----


def photographed(files: list[Path]) -> Iterator[KnownPerson]:
    """The marked people of photos, each with a soft alpha, in front of two of the other photos."""
    photos = [np.asarray(read_image(file, "RGB")) for file in files]
    for index, (file, photo) in enumerate(zip(files, photos, strict=True)):
        mask = np.asarray(read_image(file.parent.parent / "masks" / f"{file.stem}.png", "L")) > 127
        inner = cv2.erode(mask.astype(np.uint8), np.ones((5, 5), np.uint8))
        _, labels = cv2.distanceTransformWithLabels(1 - inner, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
        colour_of = np.zeros((labels.max() + 1, 3), np.float32)
        colour_of[labels[inner > 0]] = photo[inner > 0]
        alpha = cv2.GaussianBlur(inner.astype(np.float32), (0, 0), EDGE_SIGMA_PX)
        yield KnownPerson(colour_of[labels], alpha, *backgrounds(photos, index, mask.shape))


def drawn() -> Iterator[KnownPerson]:
    """The drawn cut-outs, in front of two of the drawn clean plates."""
    plates = [np.asarray(read_image(file, "RGB")) for file in sorted((DATA / "carousel/plates").glob("*.jpg"))]
    for index, file in enumerate(sorted((DATA / "carousel/people").glob("*.png"))):
        rgba = np.asarray(read_image(file)).astype(np.float32)
        yield KnownPerson(rgba[..., :3], rgba[..., 3] / 255, *backgrounds(plates, index, rgba.shape[:2]))


def backgrounds(pictures: list[np.ndarray], index: int, shape: tuple[int, ...]) -> list[np.ndarray]:
    """The next two pictures, resized to (H, W, 3) float32."""
    chosen = (pictures[(index + step) % len(pictures)] for step in (1, 2))
    return [cv2.resize(picture, shape[1::-1]).astype(np.float32) for picture in chosen]


def over(colours: np.ndarray, alpha: np.ndarray, background: np.ndarray) -> np.ndarray:
    """The composite, (H, W, 3) float32, 0 to 255."""
    return alpha[..., None] * colours + (1 - alpha[..., None]) * background


def coarse(mask: np.ndarray) -> np.ndarray:
    """A mask as it comes back from COARSE_PX pixels."""
    scale = COARSE_PX / max(mask.shape)
    small = cv2.resize(mask.astype(np.float32), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return cv2.resize(small, mask.shape[::-1], interpolation=cv2.INTER_CUBIC) > 0.5


if __name__ == "__main__":
    main()
