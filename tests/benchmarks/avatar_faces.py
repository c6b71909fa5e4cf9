"""Measures accuracy and time (after loading) of face detection and of the analyzers.

python -m tests.benchmarks.avatar_faces                    embedded analyzer on labelled portraits and street photos
python -m tests.benchmarks.avatar_faces --photos 10        only a few street photos
python -m tests.benchmarks.avatar_faces --deepface onnx    DeepFace's architecture with random weights (or pytorch):
                                                           1.1 GB on disk, up to 3 GB of memory for each network
"""

import argparse
import csv
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import psutil
import skimage.data
from PIL import Image, ImageOps

from avatar.person.deepface_analyzer import SUFFIXES, DeepFaceAnalyzer, Engine
from avatar.person.embedded_analyzer import EmbeddedAnalyzer
from avatar.person.face_detector import FaceDetector
from common.images import read_image
from common.people.selection import box_ious
from tests.avatar.deepface_weights import CLASSES, weights_folder
from tests.benchmarks.hardware import describe_machine
from tests.benchmarks.needs import real_files

REPEATS = 20
EDGES = ("left", "top", "right", "bottom")
NEEDED_GB = 7  # of memory, to make and to load both of DeepFace's networks


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=66)
    parser.add_argument("--deepface", choices=SUFFIXES)
    arguments = parser.parse_args()
    print(f"{describe_machine()}, OpenCV {cv2.__version__}, {cv2.getNumThreads()} threads")
    if arguments.deepface:
        measure_deepface(arguments.deepface)
        return
    started = time.perf_counter()
    detector, analyzer = FaceDetector(), EmbeddedAnalyzer()
    print(f"loading all four networks: {1000 * (time.perf_counter() - started):.0f} ms")
    measure_labelled(detector, analyzer)
    measure_nobody(detector)
    measure_street(detector, arguments.photos)
    measure_groups(detector)
    measure_time(detector, analyzer)


def versions(photo: Image.Image) -> dict[str, Image.Image]:
    """A photo as it is and made harder: small in several ways, mirrored, grey."""
    grey, mirrored = photo.convert("L").convert("RGB"), ImageOps.mirror(photo)
    size = [max(1, round(side * 96 / max(photo.size))) for side in photo.size]
    found = {"as it is": photo, "mirrored": mirrored, "grey": grey}
    for kind in (Image.Resampling.BOX, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS):
        found[f"96 px, {kind.name.lower()}"] = photo.resize((size[0], size[1]), kind)
    found["96 px, grey, mirrored"] = ImageOps.mirror(grey).resize((size[0], size[1]), Image.Resampling.BICUBIC)
    return found


def measure_labelled(detector: FaceDetector, analyzer: EmbeddedAnalyzer) -> None:
    """Gender and age of the labelled portraits in all versions."""
    right = total = 0
    (labels,) = real_files("portraits/labels.csv")
    with open(labels, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        print(f"\n{row['file']}: {row['gender']}, {row['age']}")
        truth = {"female": "woman", "male": "man"}[row["gender"]]
        for version, photo in versions(read_image(labels.parent / row["file"], "RGB")).items():
            faces = detector.find_faces(photo)
            traits = analyzer.analyze(photo, faces[0], ["gender", "age"]) if len(faces) == 1 else {}
            total += 1
            right += bool(traits) and traits["gender"].value == truth
            said = ", ".join(f"{trait.value} ({trait.score:.2f})" for trait in traits.values())
            print(f"  {version:<24} {len(faces)} face, {said}")
    print(f"\ngender right: {right} of {total} (always the more frequent one: {total * 2 // 3})")


def measure_nobody(detector: FaceDetector) -> None:
    """Photos of things; each as it is, mirrored, grey and small."""
    for name in ("cat", "coffee"):
        photo = Image.fromarray(getattr(skimage.data, name)())
        found = {version: len(detector.find_faces(form)) for version, form in versions(photo).items()}
        print(f"faces in skimage's {name}(): {sum(found.values())} in {len(found)} versions")


def measure_street(detector: FaceDetector, count: int) -> None:
    """Faces found on street photos of one marked person; some have bystanders, some look away."""
    photos = real_files("people/photos/*.jpg")[:count]
    found = Counter(len(detector.find_faces(read_image(photo, "RGB"))) for photo in photos)
    print("faces on street photos:", ", ".join(f"{faces} on {count}" for faces, count in sorted(found.items())))


def measure_groups(detector: FaceDetector) -> None:
    """Faces found of those that the eye found among the candidates, at least 24 px wide, in photos of groups.

    The candidates are those of the full-range network in the photo, and in halves and thirds of it.
    """
    with open(Path(__file__).with_name("avatar_group_faces.csv"), encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    truth: dict[str, list[np.ndarray]] = {}
    for row in rows:
        truth.setdefault(row["file"], []).append(np.array([float(row[edge]) for edge in EDGES]))
    found = wrong = 0
    for photo in real_files("people/groups/photos/*.jpg"):
        faces, marked = detector.find_faces(read_image(photo, "RGB")), truth.get(photo.name, [])
        boxes = np.array([face.box for face in faces], np.float64).reshape(-1, 4)
        hits = [len(boxes) > 0 and bool((box_ious(box, boxes) > 0.3).any()) for box in marked]
        found += sum(hits)
        wrong += len(faces) - sum(hits)
    print(f"faces in photos of groups: {found} of {len(rows)}; boxes elsewhere, or of smaller faces: {wrong}")


def measure_time(detector: FaceDetector, analyzer: EmbeddedAnalyzer) -> None:
    """Milliseconds a photo after loading, the median of several runs; target: under 60 for all together."""
    for path in real_files("portraits/*.jpg"):
        photo = read_image(path, "RGB")
        (face,) = detector.find_faces(photo)
        parts: dict[str, Callable[[], object]] = {
            "face": lambda photo=photo: detector.find_faces(photo),  # type: ignore[misc]
            "gender": lambda photo=photo, face=face: analyzer.analyze(photo, face, ["gender"]),  # type: ignore[misc]
            "age": lambda photo=photo, face=face: analyzer.analyze(photo, face, ["age"]),  # type: ignore[misc]
        }
        times = {name: median_ms(part) for name, part in parts.items()}
        words = ", ".join(f"{name} {value:.1f}" for name, value in times.items())
        print(f"ms, {path.name} ({photo.width} x {photo.height}): {words}, together {sum(times.values()):.1f}")


def median_ms(part: Callable[[], object]) -> float:
    """Of REPEATS runs, after one that is not counted."""
    part()
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        part()
        times.append(1000 * (time.perf_counter() - started))
    return float(np.median(times))


# ---- DeepFace's real architecture ----


def measure_deepface(engine: Engine) -> None:
    """Write random weights of the real architecture, load them by DeepFace, and analyze a portrait."""
    available = psutil.virtual_memory().available / 1e9
    if available < NEEDED_GB or shutil.disk_usage(tempfile.gettempdir()).free < 3e9:
        raise SystemExit(f"needs {NEEDED_GB} GB of memory ({available:.1f} are free) and 3 GB of disk")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DEEPFACE_BACKEND_ENGINE"] = "pytorch"  # its architecture is written there
        for stem, classes in CLASSES.items():
            path = weights_folder(Path(folder)) / f"{stem}{SUFFIXES[engine]}"
            write_real_size(path, classes, engine)
            print(f"{path.name}: {path.stat().st_size / 1e6:.0f} MB of random weights")
        if engine == "onnx":
            run_again(folder)
            return
        analyze_once(engine, Path(folder))


def analyze_once(engine: Engine, home: Path) -> None:
    """Load both networks and analyze the sample twice; print times and memory."""
    photo = Image.fromarray(skimage.data.astronaut())
    (face,) = FaceDetector().find_faces(photo)
    started = time.perf_counter()
    analyzer = DeepFaceAnalyzer(["gender", "race"], engine, home)
    print(f"loading both networks: {time.perf_counter() - started:.1f} s")
    for run in ("first", "second"):
        started = time.perf_counter()
        traits = analyzer.analyze(photo, face, ["gender", "race"])
        print(f"{run} photo, gender and race: {time.perf_counter() - started:.2f} s, {traits}")
    print(f"memory of the process: {psutil.Process().memory_info().rss / 1e9:.1f} GB")


def run_again(home: str) -> None:
    """DeepFace keeps to the engine that it was imported with: the other one needs a process of its own."""
    import subprocess
    import sys

    code = (
        f"from pathlib import Path; import tests.benchmarks.avatar_faces as b; b.analyze_once('onnx', Path({home!r}))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | {"DEEPFACE_BACKEND_ENGINE": "onnx"})


def write_real_size(path: Path, classes: int, engine: Engine) -> None:
    """The state of DeepFace's own classifier with random weights, or its graph in ONNX, faces channels last."""
    import torch
    from deepface.models.demography.pytorch.TorchDemography import VggFaceClassifier

    class ChannelsLast(torch.nn.Module):
        def __init__(self, network: torch.nn.Module) -> None:
            super().__init__()
            self.network = network

        def forward(self, faces: torch.Tensor) -> torch.Tensor:
            return self.network(faces.permute(0, 3, 1, 2))

    torch.manual_seed(classes)
    network = VggFaceClassifier(classes).eval()
    if engine == "pytorch":
        torch.save(network.state_dict(), path)
        return
    faces = torch.zeros(1, 224, 224, 3)
    torch.onnx.export(
        ChannelsLast(network),
        (faces,),
        str(path),
        dynamo=False,  # the new exporter needs one more package
        input_names=["face"],
        output_names=["shares"],
        dynamic_axes={"face": {0: "n"}, "shares": {0: "n"}},
    )


if __name__ == "__main__":
    main()
