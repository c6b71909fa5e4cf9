"""Measured appearance against labels by eye: accuracy and balanced accuracy for each trait.

python -m tests.benchmarks.avatar_appearance           all tables
python -m tests.benchmarks.avatar_appearance --errors  names every wrong answer as well

Nothing was learnt from the measured pictures. The classifiers saw other portraits of the likeness collection
(portraits_train) and street photos of the collection that `street` and `more` are from: the numbers up to 500, where
`more` has those above. Thresholds were chosen on half A and `more`; half B, `street` and `groups` were only measured,
but half B and `street` were printed while earlier classifiers were chosen. Both halves of likeness are ONE collection,
and so are `street`, `more` and the street photos that were learnt from: some people and streets occur several times.
`groups` alone is of another origin. `avatar_appearance_hard` measures painted-over and bad photos.
"""

import argparse
import csv
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from avatar.person.appearance import Appearance, AppearanceMeter
from avatar.person.face_detector import FaceDetector
from common.images import read_image
from common.people.selection import Box
from tests.benchmarks.hardware import describe_machine
from tests.benchmarks.needs import real_files

TRAITS = ("skin_tone", "hair_colour", "hair_length", "hair_shape", "glasses", "facial_hair", "headwear")
GROUPS = ("half A", "half B", "street", "more", "groups")
OTHER_PHOTOS = Path(__file__).with_name("avatar_appearance_labels.csv")  # labels by eye of street and group photos
SAME_LENGTH = {  # what a measured length may be called
    "receding": {"receding", "bald", "short"},
    "medium": {"medium", "short", "long"},
    "short": {"short", "very_short", "medium", "receding"},
    "long": {"long", "medium"},
    "very short": {"very_short", "short", "receding"},
    "bald": {"bald", "receding"},
}


@dataclass(frozen=True)
class Labelled:
    """One face with its labels: accepted words by trait, of which the first one counts as its value."""

    path: Path
    group: str
    face: int | None
    labels: dict[str, list[str]]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--errors", action="store_true")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    print(describe_machine())
    people = [*likeness(), *others()]
    measured, milliseconds = measure_all(people)
    print(f"appearance, after the face is found: {np.median(milliseconds):.0f} ms a photo (median, one thread)\n")
    print(f"{'':<28} right  empty  plain  majority  balanced  right of those told, by value")
    for group in GROUPS:
        for trait in TRAITS:
            print_row(group, trait, [pair for pair in measured if pair[0].group == group], arguments.errors)
    for skin in ("light", "dark"):
        shown = [pair for pair in measured if skin in pair[0].labels["skin_tone"][:1]]
        for trait in TRAITS:
            print_row(f"all, {skin} skin", trait, shown, False)


def likeness() -> Iterator[Labelled]:
    """The labelled portraits, split by every other number."""
    (table,) = real_files("portraits/likeness/labels.csv")
    with open(table, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            row["glasses"] = {"0": "none", "1": "spectacles"}[row["glasses"]]
            row["hair_colour"] = row["hair_colour"].replace("blond", "blonde")
            half = "half A" if int(row["file"][7:10]) // 2 % 2 == 0 else "half B"
            yield Labelled(table.parent / row["file"], half, None, labels_of(row))


def others() -> Iterator[Labelled]:
    """Street and group photos; the headings of GROUPS say which."""
    (folder, *_) = (path.parents[2] for path in real_files("people/photos/*.jpg"))
    with open(OTHER_PHOTOS, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            group = next((name for name in ("groups", "more") if f"/{name}/" in row["file"]), "street")
            yield Labelled(folder / row["file"], group, int(row["face"]), labels_of(row))


def labels_of(row: dict[str, str]) -> dict[str, list[str]]:
    """Accepted words by trait; none where it cannot be told."""
    names = {trait: "skin" if trait == "skin_tone" else trait for trait in TRAITS}
    return {trait: [word for word in row.get(name, "").split("|") if word] for trait, name in names.items()}


def measure_all(people: Sequence[Labelled]) -> tuple[list[tuple[Labelled, Appearance]], list[float]]:
    """Every person with a face that is found, and the time of each."""
    detector, meter = FaceDetector(), AppearanceMeter()
    measured, times = [], []
    for person in people:
        photo = read_image(person.path, "RGB")
        box = box_of(detector, photo, person.face)
        if box is None:
            print(f"no face: {person.path.name}")
            continue
        pixels = np.asarray(photo)
        started = time.perf_counter()
        measured.append((person, meter.measure(pixels, box)))
        times.append(1000 * (time.perf_counter() - started))
    return measured, times


def box_of(detector: FaceDetector, photo: Image.Image, face: int | None) -> Box | None:
    """The face with this number from the left, or the largest one."""
    faces = detector.find_faces(photo)
    if face is not None:
        return faces[face].box if face < len(faces) else None
    return max((found.box for found in faces), key=lambda box: box[2] - box[0], default=None)


def is_right(trait: str, word: str, accepted: Sequence[str]) -> bool:
    """Whether a word is one of the accepted ones."""
    said = SAME_LENGTH[word] if trait == "hair_length" else {word}
    return bool(said & set(accepted))


def print_row(group: str, trait: str, pairs: Sequence[tuple[Labelled, Appearance]], errors: bool) -> None:
    """One trait of one group; an empty value counts as not right in `plain` and `balanced`."""
    shown = [(person, getattr(found, trait), person.labels[trait]) for person, found in pairs if person.labels[trait]]
    if not shown:
        return
    by_value: dict[str, list[bool]] = defaultdict(list)
    empty = Counter[str]()
    for _, found, accepted in shown:
        by_value[accepted[0]].append(bool(found.value) and is_right(trait, found.value, accepted))
        empty[accepted[0]] += not found.value
    right, total = sum(map(sum, by_value.values())), len(shown)
    majority = max(sum(word in accepted for *_, accepted in shown) for word in by_value)
    balanced = float(np.mean([np.mean(values) for values in by_value.values()]))
    counts = ", ".join(f"{v} {sum(by_value[v])}/{len(by_value[v]) - empty[v]} of {len(by_value[v])}" for v in by_value)
    row = f"{right:>3}/{total:<3} {sum(empty.values()):>4} {100 * right / total:>6.1f} {100 * majority / total:>8.1f}"
    print(f"{group + ', ' + trait:<28} {row} {100 * balanced:>8.1f}   {counts}")
    for person, found, accepted in shown if errors else ():
        if found.value and not is_right(trait, found.value, accepted):
            print(f"    {person.path.name}: {found.value} ({found.score:.2f}), not {' or '.join(accepted)}")


if __name__ == "__main__":
    main()
