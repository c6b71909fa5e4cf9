"""How long it takes to fuse one person into a 3840 x 2160 scene, and in how much memory, beside cv2.seamlessClone.

python -m tests.benchmarks.carousel_4k [--checkpoint FILE] [--picture FILE]

The model is loaded and both pictures are in memory; what is measured ends with the finished picture in memory.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image

from carousel.fusion.inference import fuse, load_model
from carousel.fusion.network import FusionNetwork
from carousel.Inference import SCENE_LIGHT, SHADOW, STRENGTH
from carousel.staging.compositing import FusedScene, PlacedCutout, fuse_cutout, paste, place_cutout
from carousel.staging.person_cutout import PersonCutout, trim_cutout
from carousel.staging.placement import PersonPlacement, RequestedPlacement, find_placement
from carousel.staging.scene_light import lay_on_light, read_scene_light
from carousel.staging.shadows import contact_shadow, darken
from common.images import read_image, write_png
from tests.benchmarks.hardware import describe_machine
from tests.benchmarks.needs import real_files

SIZE = (3840, 2160)
HEIGHT = 0.8  # of the person, in heights of the scene
RUNS = 7
WAYS = ("nothing", "ours", "seamlessClone")  # each runs in a process of its own, for its peak memory


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", default="fusion_model.pth")
    parser.add_argument("--picture", type=Path, help="write the fused picture, to look at")
    parser.add_argument("--peak-of", choices=WAYS, help=argparse.SUPPRESS)
    settings = parser.parse_args()
    cv2.setNumThreads(torch.get_num_threads())
    scene, figure = scene_and_figure()
    spot = find_placement(figure.silhouette, SIZE, [], RequestedPlacement(x=0.5, height=HEIGHT))
    ways = ways_to_fuse(scene, figure, spot, settings.checkpoint)
    if settings.peak_of:
        print(peak_kib(ways.get(settings.peak_of, lambda: None)))
        return
    print(f"{describe_machine()}, {torch.get_num_threads()} threads")
    placed = place_cutout(figure, spot, (SIZE[1], SIZE[0]))
    rows, columns = placed.window
    print(f"scene {SIZE[0]} x {SIZE[1]} px, person {placed.height:.0f} px high, cut out of {figure.rgba.shape[:2]}")
    print(f"window {columns.stop - columns.start} x {rows.stop - rows.start} px")
    for name, work in {**ways, **steps(scene, figure, spot, placed, settings.checkpoint)}.items():
        report(name, work)
    peaks = {way: peak_mb(way, settings.checkpoint) for way in WAYS}
    for way in WAYS[1:]:
        more = peaks[way] - peaks["nothing"]
        print(f"{way}: peak {peaks[way]:.0f} MB, {more:.0f} MB more than with all loaded")
    if settings.picture:
        network, device = load_model(settings.checkpoint)
        write_png(
            settings.picture,
            Image.fromarray(fused(scene, placed, network, device).picture),
        )


def scene_and_figure() -> tuple[np.ndarray, PersonCutout]:
    """A street of 4K and a person of about the size that they get there: real ones, enlarged."""
    photos = real_files("people/more/photos/*.jpg", "people/photos/*.jpg")
    street, person = photos[31 % len(photos)], photos[11 % len(photos)]
    scene = np.asarray(read_image(street, "RGB"))
    height = round(scene.shape[1] * SIZE[1] / SIZE[0])
    scene = cv2.resize(scene[-height:], SIZE, interpolation=cv2.INTER_CUBIC)
    photo = np.asarray(read_image(person, "RGB"))
    mask = np.asarray(read_image(person.parent.parent / "masks" / f"{person.stem}.png", "L"))
    rgba = np.dstack([photo, cv2.GaussianBlur(mask, (0, 0), 0.8)])
    return scene, trim_cutout(cv2.resize(rgba, None, fx=6, fy=6, interpolation=cv2.INTER_CUBIC))


def ways_to_fuse(
    scene: np.ndarray, figure: PersonCutout, spot: PersonPlacement, checkpoint: str
) -> dict[str, Callable[[], object]]:
    """The whole, from the cut-out to the finished picture."""
    network, device = load_model(checkpoint)
    shape = (SIZE[1], SIZE[0])

    def ours() -> np.ndarray:
        return fused(scene, place_cutout(figure, spot, shape), network, device).picture

    def seamless() -> np.ndarray:
        placed = place_cutout(figure, spot, shape)
        rows, columns = placed.window
        mask = (placed.alpha > 0.5).astype(np.uint8) * 255
        x, y, width, height = cv2.boundingRect(mask)
        centre = (columns.start + x + width // 2, rows.start + y + height // 2)
        return cv2.seamlessClone(placed.colours, scene, mask, centre, cv2.NORMAL_CLONE)

    return {"ours": ours, "seamlessClone": seamless}


def fused(scene: np.ndarray, placed: PlacedCutout, network: FusionNetwork, device: torch.device) -> FusedScene:
    """By the settings of the script."""
    return fuse_cutout(scene, placed, network, device, strength=STRENGTH, shadow=SHADOW, scene_light=SCENE_LIGHT)


def steps(
    scene: np.ndarray, figure: PersonCutout, spot: PersonPlacement, placed: PlacedCutout, checkpoint: str
) -> dict[str, Callable[[], object]]:
    """What ours consists of."""
    network, device = load_model(checkpoint)
    part = np.ascontiguousarray(scene[placed.window])
    shadow = contact_shadow(placed.alpha, placed.height)
    return {
        "  resampling": lambda: place_cutout(figure, spot, (SIZE[1], SIZE[0])),
        "  shadow": lambda: darken(part, contact_shadow(placed.alpha, placed.height), 0.5),
        "  shadow's form alone": lambda: contact_shadow(placed.alpha, placed.height),
        "  darkening alone": lambda: darken(part, shadow, 0.5),
        "  pasting, for the strip": lambda: paste(part, placed.colours, placed.alpha),
        "  fusing": lambda: fuse(network, device, part, placed.colours, placed.alpha),
        "  scene's light": lambda: lay_on_light(
            read_scene_light(scene, placed.colours, placed.alpha, placed.window),
            part,
            placed.colours,
            placed.alpha,
            original=placed.colours,
        ),
    }


def report(name: str, work: Callable[[], object]) -> None:
    """Median and range of a call."""
    work()
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    print(f"{name}: {statistics.median(times):.3f} s (from {min(times):.3f} to {max(times):.3f})", flush=True)


def peak_kib(work: Callable[[], object]) -> int:
    """The most memory that this process holds while it works; Linux."""
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far, of loading
    work()
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def peak_mb(way: str, checkpoint: str) -> float:
    """The same for a process of its own that has loaded all and fuses once."""
    command = [sys.executable, "-m", "tests.benchmarks.carousel_4k", "--checkpoint", checkpoint, "--peak-of", way]
    result = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    return int(result.stdout.split()[-1]) * 1024 / 1e6


if __name__ == "__main__":
    main()
