"""How many people are found and how well they are cut out: half figures, portraits, groups and street photos.

python -m tests.benchmarks.people_found                  photos that nothing is chosen by
python -m tests.benchmarks.people_found --tune           half figures and portraits that settings may be chosen by
python -m tests.benchmarks.people_found --photos 5       quickly, on a few of each kind
python -m tests.benchmarks.people_found --only groups    one collection
python -m tests.benchmarks.people_found --sheet 10       and draws the worst 10 of each collection

A person is found if the intersection over union of a mask with the marked one is at least 0.5. A person is false if
less than half of the mask's pixels show marked people; where not all people of a photo are marked, only those as large
as marked ones count. Half figures are crops of whole figures, so that their masks are exact.
"""

import argparse
import csv
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from carousel.segmenters.choice import Segmenter, load_segmenter
from common.errors import UserError
from common.grids import picture_grid
from common.images import read_image, write_png
from common.paths import OUTPUTS
from common.people.embedded_segmenter import EmbeddedSegmenter
from common.people.selection import SegmentedPerson, mask_iou, person_of
from tests.benchmarks.carousel_segmenters import FOUND, coloured, held_out, read_marked
from tests.benchmarks.hardware import describe_machine
from tests.benchmarks.needs import real_files

CUTS = {"knee": 0.75, "waist": 0.5, "chest": 0.3}  # lower edge of a half figure, as a share of the whole one's height
CROP_PX = 480  # longer side of a half figure
TUNING_STEP = 22  # every so manieth photo of people/more is used
MARKED_SHARE = 0.03  # people of groups/ are marked from this share of the picture's pixels


class Photo(NamedTuple):
    """A photo (H, W, 3) uint8, the masks (H, W) bool of its marked people, and whether it shows nobody else."""

    name: str
    pixels: np.ndarray
    masks: list[np.ndarray]
    all_marked: bool


@dataclass
class Figures:
    """Of each marked person the best intersection over union; people found and false ones; time and runs of U^2-Net."""

    ious: list[float] = field(default_factory=list)
    people: int = 0
    false: int = 0
    seconds: float = 0.0
    runs: int = 0
    photos: int = 0

    def row(self) -> str:
        """A row of the table."""
        ious = np.array(self.ious)
        hits = ious[ious >= FOUND]
        found = f"{len(hits)} of {len(ious)} {100 * len(hits) / len(ious):6.1f} %"
        false = f"{self.false:4} {100 * self.false / max(1, self.people):5.1f} %"
        runs = f"{self.runs / self.photos:6.2f}" if self.runs else f"{'':6}"
        mean_of_found = hits.mean() if len(hits) else 0.0
        return f"{found:>19}{ious.mean():9.3f}{mean_of_found:9.3f}{false}{self.seconds / self.photos:9.2f}{runs}"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tune", action="store_true")
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--only", default="")
    parser.add_argument("--sheet", type=int, default=0)
    arguments = parser.parse_args()
    print(f"{describe_machine()}, OpenCV {cv2.__version__}, {cv2.getNumThreads()} threads")
    methods = finders()
    for title, photos in collections(arguments.tune):
        if arguments.only in title:
            chosen = photos[: arguments.photos]
            print(f"\n{title}: {len(chosen)} photos")
            print(f"{'':14}{'found':>19} mean IoU of found     false s a photo  u2netp runs")
            for name, find in methods.items():
                worst = measure(name, find, chosen)
                if name == "embedded" and arguments.sheet:
                    draw_sheet(title, worst[: arguments.sheet])


def collections(tune: bool) -> Iterator[tuple[str, list[Photo]]]:
    """Title and photos of each collection."""
    files = real_files("people/more/photos/*.jpg")[5::TUNING_STEP] if tune else held_out()
    whole = [(file.stem, *read_marked(file)) for file in files]
    for name, share in CUTS.items():
        yield f"{name} figures", [Photo(stem, *half_figure(photo, mask, share), False) for stem, photo, mask in whole]
    if not tune:
        groups = list(read_groups())
        yield "singles of groups", [photo for photo in groups if photo.all_marked and len(photo.masks) == 1]
        yield "groups", groups
        yield "street", [Photo(stem, photo, [mask], False) for stem, photo, mask in whole]


def half_figure(photo: np.ndarray, mask: np.ndarray, share: float) -> tuple[np.ndarray, list[np.ndarray]]:
    """Crop a whole figure below `share` of its height, enlarged to CROP_PX; the photo and its one mask."""
    _, top, _, bottom = person_of(mask, 1.0).box
    lower = top + round(share * (bottom - top))
    columns = np.flatnonzero(mask[top:lower].any(axis=0))
    margin = round(0.35 * (lower - top))
    rows = slice(max(0, top - round(0.12 * (lower - top))), lower)
    part = rows, slice(max(0, columns[0] - margin), columns[-1] + 1 + margin)
    scale = CROP_PX / max(photo[part].shape[:2])
    pixels = cv2.resize(photo[part], None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    return pixels, [cv2.resize(mask[part].astype(np.float32), pixels.shape[1::-1]) > 0.5]


def read_groups() -> Iterator[Photo]:
    """The photos of groups/ with the masks of all marked people."""
    (index,) = real_files("people/groups/index.csv")
    with index.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            file = index.parent / "photos" / row["file"]
            masks = sorted(index.parent.glob(f"masks/{file.stem}_person*.png"))
            pixels = np.asarray(read_image(file, "RGB"))
            marked = [np.asarray(read_image(mask, "L")) > 127 for mask in masks]
            yield Photo(file.stem[-3:], pixels, marked, row["people"] == row["people_of_any_size"])


# ---- who finds people ----

Find = Callable[[np.ndarray], tuple[list[SegmentedPerson], int]]


def finders() -> dict[str, Find]:
    """By name, functions that return the people of a photo and the number of runs of U^2-Net."""
    segmenter = EmbeddedSegmenter()
    runs = [0]
    matte = segmenter.matte

    def counted(crop: np.ndarray) -> np.ndarray:
        runs[0] += 1
        return matte(crop)

    segmenter.matte = counted  # type: ignore[method-assign, assignment]

    def embedded(photo: np.ndarray) -> tuple[list[SegmentedPerson], int]:
        runs[0] = 0
        return segmenter.find_people(photo), runs[0]

    def u2netp_alone(photo: np.ndarray) -> tuple[list[SegmentedPerson], int]:
        soft = matte(photo)
        mask = (soft - soft.min()) / max(float(np.ptp(soft)), 1e-6) > 0.5  # stretched as rembg does
        return ([person_of(mask, 1.0)] if mask.any() else []), 1

    found: dict[str, Find] = {"embedded": embedded, "u2netp": u2netp_alone}
    for name in ("maskrcnn", "detectron2"):
        try:
            found[name] = alone(load_segmenter(name))
        except UserError as error:
            print(f"{name}: no weights ({error})")
    return found


def alone(segmenter: Segmenter) -> Find:
    """A segmenter that does not run U^2-Net."""
    return lambda photo: (segmenter.find_people(photo), 0)


# ---- figures ----


def measure(name: str, find: Find, photos: Sequence[Photo]) -> list[tuple[float, str, Image.Image]]:
    """Print a row; return each photo's lowest value, label, and marked people beside those found, the worst first."""
    figures, tiles = Figures(), []
    for photo in photos:
        started = time.perf_counter()
        people, runs = find(photo.pixels)
        figures.seconds += time.perf_counter() - started
        figures.photos += 1
        figures.runs += runs
        ious = [max((mask_iou(person.mask, mask) for person in people), default=0.0) for mask in photo.masks]
        figures.ious += ious
        figures.people += len(people)
        figures.false += sum(is_false(person, photo) for person in people)
        marked = [person_of(mask, 1.0) for mask in photo.masks]
        pair = Image.fromarray(np.hstack([np.asarray(coloured(photo.pixels, each)) for each in (marked, people)]))
        tiles.append((min(ious), f"{photo.name}: {' '.join(f'{iou:.2f}' for iou in ious)}", pair))
    print(f"{name:14}{figures.row()}", flush=True)
    return sorted(tiles, key=lambda tile: tile[0])


def draw_sheet(title: str, worst: Sequence[tuple[float, str, Image.Image]]) -> None:
    """Draw the marked people of photos beside those found."""
    target = OUTPUTS / f"benchmarks/people_found_{title.replace(' ', '_')}.png"
    labels = [label for _, label, _ in worst]
    write_png(target, picture_grid([pair for _, _, pair in worst], labels, columns=4, tile_px=400))
    print(f"picture: {target}")


def is_false(person: SegmentedPerson, photo: Photo) -> bool:
    """Whether a person found shows nobody who is marked, though they would be."""
    inside = sum(int(np.count_nonzero(person.mask & mask)) for mask in photo.masks)
    is_marked_size = photo.all_marked or bool(person.mask.mean() >= MARKED_SHARE)
    return is_marked_size and 2 * inside < int(np.count_nonzero(person.mask))


if __name__ == "__main__":
    main()
