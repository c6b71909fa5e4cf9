"""How well the embedded segmenter cuts out people, beside its parts alone.

python -m tests.benchmarks.carousel_segmenters                 the held-out photos, photos without people, crowds
python -m tests.benchmarks.carousel_segmenters --tune          the same on photos that settings may be chosen by
python -m tests.benchmarks.carousel_segmenters --photos 5      quickly, on a few

A crowd is put together from marked people of the photos, who stand side by side and partly before one another, on a
street out of focus: so who is there, and which pixels are whose, is known.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import skimage.data
from PIL import Image

from common.grids import picture_grid
from common.images import read_image, write_png
from common.paths import OUTPUTS
from common.people.embedded_segmenter import EmbeddedSegmenter
from common.people.selection import SegmentedPerson, mask_iou
from tests.benchmarks.hardware import describe_machine
from tests.benchmarks.needs import real_files
from tests.helpers import REAL_DATA

TUNING_STEP = 11  # of the photos for tuning, every so manieth is taken
FOUND = 0.5  # intersection over union from which a person counts as found
CROWDS = 40
CROWD_SIZES = (2, 3, 4, 6, 8)
CROWD_HEIGHT_PX = 480
NOBODY = (
    "brick", "cat", "cell", "checkerboard", "clock", "coffee", "coins", "colorwheel", "grass", "gravel", "horse",
    "hubble_deep_field", "immunohistochemistry", "logo", "moon", "page", "retina", "rocket", "text",
)  # fmt: skip

Marked = tuple[np.ndarray, np.ndarray]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tune", action="store_true")
    parser.add_argument("--photos", type=int, default=80)
    parser.add_argument("--crowds", type=int, default=CROWDS)
    arguments = parser.parse_args()
    print(f"{describe_machine()}, OpenCV {cv2.__version__}, {cv2.getNumThreads()} threads")
    segmenter = EmbeddedSegmenter()
    files = real_files("people/more/photos/*.jpg")[5::TUNING_STEP] if arguments.tune else held_out()
    marked = [read_marked(file) for file in files[: arguments.photos]]
    print(f"\n{len(marked)} photos of one marked person, from {files[0].parent.relative_to(REAL_DATA)}")
    measure_photos(segmenter, marked)
    measure_nobody(segmenter)
    measure_crowds(segmenter, marked, arguments.crowds)


def held_out() -> list[Path]:
    """The photos that nothing is chosen by."""
    return real_files("people/photos/*.jpg")


def read_marked(file: Path) -> Marked:
    """A photo (H, W, 3) uint8 and the mask of its marked person (H, W) bool."""
    mask = read_image(file.parent.parent / "masks" / f"{file.stem}.png", "L")
    return np.asarray(read_image(file, "RGB")), np.asarray(mask) > 127


def best_iou(people: Sequence[SegmentedPerson], mask: np.ndarray) -> float:
    """Of the person found who is nearest to a mask; 0 where there is nobody."""
    return max((mask_iou(person.mask, mask) for person in people), default=0.0)


# ---- one marked person ----


def measure_photos(segmenter: EmbeddedSegmenter, marked: Sequence[Marked]) -> None:
    """The marked person of each photo, by the segmenter and by its parts alone."""

    def embedded(photo: np.ndarray, mask: np.ndarray) -> float:
        return best_iou(segmenter.find_people(photo), mask)

    def u2netp_alone(photo: np.ndarray, mask: np.ndarray) -> float:
        soft = segmenter.matte(photo)
        return mask_iou((soft - soft.min()) / np.ptp(soft) > 0.5, mask)  # stretched as rembg does

    def selfie_alone(photo: np.ndarray, mask: np.ndarray) -> float:
        return mask_iou(segmenter.selfie(photo) > 0.5, mask)

    print(f"{'':14}mean IoU  median  worst  found  ms a photo")
    for name, measure in (("embedded", embedded), ("u2netp alone", u2netp_alone), ("selfie alone", selfie_alone)):
        report(name, measure, marked)


def report(name: str, measure: Callable[[np.ndarray, np.ndarray], float], marked: Sequence[Marked]) -> None:
    """A row of the table."""
    started = time.perf_counter()
    values = np.array([measure(*one) for one in marked])
    milliseconds = 1000 * (time.perf_counter() - started) / len(marked)
    found = f"{100 * (values >= FOUND).mean():.0f} %"
    figures = f"{values.mean():8.4f}{np.median(values):8.4f}{values.min():7.3f}"
    print(f"{name:14}{figures}{found:>7}{milliseconds:12.0f}", flush=True)


# ---- nobody ----


def measure_nobody(segmenter: EmbeddedSegmenter) -> None:
    """Pictures that scikit-image ships, none of which shows a person."""
    found = {name: len(segmenter.find_people(nobody(name))) for name in NOBODY}
    false = {name: count for name, count in found.items() if count}
    print(f"\npictures without people: {len(NOBODY)}, people found there: {sum(found.values())} {false or ''}")


def nobody(name: str) -> np.ndarray:
    """A picture of scikit-image, (H, W, 3) uint8."""
    picture = getattr(skimage.data, name)()
    picture = picture.astype(np.uint8) * 255 if picture.dtype == bool else picture
    return np.ascontiguousarray(np.repeat(picture[..., None], 3, 2) if picture.ndim == 2 else picture[..., :3])


# ---- crowds ----


def measure_crowds(segmenter: EmbeddedSegmenter, marked: Sequence[Marked], count: int) -> None:
    """How many of the people of a crowd are found, how well, and how many are found who are not there."""
    rng = np.random.default_rng(0)
    print(f"\n{count} crowds put together from these people\npeople   recall  mean IoU of the found  false  ms a photo")
    shown = []
    for size in CROWD_SIZES:
        matched: list[float] = []
        false, seconds, crowds = 0, 0.0, max(1, count // len(CROWD_SIZES))
        for _ in range(crowds):
            photo, masks = make_crowd(rng, marked, size)
            started = time.perf_counter()
            people = segmenter.find_people(photo)
            seconds += time.perf_counter() - started
            matched += [best_iou(people, mask) for mask in masks]
            false += sum(max(mask_iou(person.mask, mask) for mask in masks) < FOUND for person in people)
        shown.append((photo, people))
        ious = np.array(matched)
        hits = ious[ious >= FOUND]
        figures = f"{100 * len(hits) / len(ious):6.1f} %{hits.mean():23.3f}"
        print(f"{size:6}{figures}{false:7}{1000 * seconds / crowds:12.0f}", flush=True)
    target = OUTPUTS / "benchmarks/carousel_segmenters.png"
    tiles = [coloured(photo, people) for photo, people in shown]
    write_png(target, picture_grid(tiles, [f"{size} people" for size in CROWD_SIZES], columns=2, tile_px=640))
    print(f"picture: {target}")


def make_crowd(rng: np.random.Generator, marked: Sequence[Marked], size: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """A picture (H, W, 3) uint8 of `size` people, and the visible pixels of each, (H, W) bool."""
    cut = [person_cut(rng, *marked[index]) for index in rng.choice(len(marked), size, replace=size > len(marked))]
    steps = [int(picture.shape[1] * rng.uniform(0.75, 1.25)) for picture, _ in cut]
    width = sum(steps) + max(picture.shape[1] for picture, _ in cut) + 80
    street = cv2.resize(marked[int(rng.integers(len(marked)))][0], (width, CROWD_HEIGHT_PX))
    photo = cv2.GaussianBlur(street, (0, 0), 16)
    masks: list[np.ndarray] = [np.zeros(photo.shape[:2], bool)] * size
    lefts = 40 + np.cumsum([0, *steps[:-1]])
    for index in rng.permutation(size):  # who comes later stands before the others
        (picture, mask), left = cut[index], lefts[index]
        top = CROWD_HEIGHT_PX - mask.shape[0] - int(rng.integers(4, 40))
        place = slice(top, top + mask.shape[0]), slice(left, left + mask.shape[1])
        alpha = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.8)[..., None]
        photo[place] = (alpha * picture + (1 - alpha) * photo[place]).round()
        visible = np.zeros(photo.shape[:2], bool)
        visible[place] = mask
        masks = [other & ~visible for other in masks]
        masks[index] = visible
    return photo, masks


def person_cut(rng: np.random.Generator, photo: np.ndarray, mask: np.ndarray) -> Marked:
    """The marked person cropped and resized to a height of 0.6 to 0.85 of the crowd's."""
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    scale = CROWD_HEIGHT_PX * rng.uniform(0.6, 0.85) / height
    size = max(1, round(scale * width)), round(scale * height)
    box = slice(y, y + height), slice(x, x + width)
    return cv2.resize(photo[box], size, interpolation=cv2.INTER_AREA), cv2.resize(mask[box].astype(np.uint8), size) > 0


def coloured(photo: np.ndarray, people: Sequence[SegmentedPerson]) -> Image.Image:
    """The photo with each person found tinted in a colour of their own."""
    tinted = photo.astype(np.float32)
    for index, person in enumerate(people):
        hue = np.array([[[index * 180 // max(1, len(people)), 255, 255]]], np.uint8)
        colour = cv2.cvtColor(hue, cv2.COLOR_HSV2RGB)[0, 0]
        tinted[person.mask] = 0.45 * tinted[person.mask] + 0.55 * colour
    return Image.fromarray(tinted.round().astype(np.uint8))


if __name__ == "__main__":
    main()
