"""How well the fusion model puts people into the light of scenes that it never saw: one table, a row for each set.

    python -m tests.benchmarks.carousel_figures                          the model that ships
    python -m tests.benchmarks.carousel_figures a.pth b.pth              these checkpoints, a table each
    python -m tests.benchmarks.carousel_figures --pictures 6 --csv out   quickly; and every picture's scores as CSV
    python -m tests.benchmarks.carousel_figures --sheet 6                and draws the worst 6 of each set

The sets come from collections that no training and no choice of a setting uses: people/photos (street photos), chest
crops of these, people/groups (photos of all kinds), and harmonisation triples. Street photos are measured in several
forms: with the exact mask in the true scene; with a mask eroded by 1 px; in the scene that inpainting made when it
removed the person. The light is `relight_fixed`, seed 0, or, in the rows "other relighting", `other_light`, by which no
training relights; in the rows "own light" it is not changed at all. Each picture is brought to a square, as the tables
of iHarmony4 do. Gains are in foreground PSNR over pasting; the interval is of the mean, by drawing whole photos.
"""

import argparse
import csv
import functools
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from carousel.collages.inpainting import Method, clean_background
from carousel.collages.layout import Collage, black_outside, compose
from carousel.collages.photo_to_collages import HOLE_RIM
from carousel.fusion.inference import load_model
from carousel.fusion.relighting import LEVELS, relight_fixed, to_linear, to_srgb, to_u8
from carousel.fusion.training_samples import FusionExample, erode, fit, keep_scene, paste
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
from common.grids import picture_grid
from common.images import read_image, write_png
from common.paths import OUTPUTS
from tests.benchmarks.carousel_segmenters import read_marked
from tests.benchmarks.hardware import describe_machine
from tests.benchmarks.needs import real_files
from tests.benchmarks.people_found import CUTS, half_figure, read_groups

SEED = 0
INPAINTER: Method = "rows"  # fast; of the hole only the rim beside the mask says anything of the light
PEERS = ("Reinhard", "Poisson")
WORSE_DB = 0.5  # a person whose foreground PSNR falls by more is made worse
KELVINS = (3200.0, 9500.0)  # colour temperatures of `other_light`
RESPONSES = (0.8, 1.25)  # exponents of its camera curve
EXPOSURES_EV = (-0.6, 0.6)  # its exposures

Light = Callable[[np.random.Generator, np.ndarray, np.ndarray], np.ndarray]


class Person(NamedTuple):
    """A marked person: its name, its photo's name, and a function that reads its collage."""

    name: str
    scene: str
    read: Callable[[], Collage]


def main() -> None:
    """Print a table for each checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", nargs="*", default=["fusion_model.pth"])
    parser.add_argument("--size-px", type=int, default=256)
    parser.add_argument("--strength", type=float, default=STRENGTH)
    parser.add_argument("--pictures", type=int, help="of each set, the first ones")
    parser.add_argument("--only", default="", help="sets whose names contain this")
    parser.add_argument("--csv", type=Path, help="folder for the scores of every picture")
    parser.add_argument("--sheet", type=int, default=0, help="pictures of each set to draw, worst first")
    arguments = parser.parse_args()
    chosen = {n: items[: arguments.pictures] for n, items in sets(arguments.size_px).items() if arguments.only in n}
    print(f"{describe_machine()}, pictures of {arguments.size_px} x {arguments.size_px} px, seed {SEED}")
    for checkpoint in arguments.checkpoints:
        network, device = load_model(checkpoint)
        count = sum(parameter.numel() for parameter in network.parameters()) / 1e6
        print(
            f"\n{checkpoint}: {count:.1f} M parameters, {network.settings}, strength {arguments.strength:g}, {device}"
        )
        ours = methods_with(network, device, arguments.strength)[OURS]
        seconds: list[float] = []
        methods = {name: BASELINES[name] for name in (PASTE, *PEERS)} | {OURS: timed(ours, seconds)}
        print(HEADING)
        for title, items in chosen.items():
            scores = measure(items, methods, None, title)
            print(row(title, scores), flush=True)
            if arguments.csv:
                write_pictures(scores, arguments.csv / f"{Path(checkpoint).stem}_{plain(title)}.csv")
            if arguments.sheet:
                draw_worst(title, scores, items, ours, arguments.sheet)
        print(f"{1000 * np.median(seconds):.0f} ms a picture, median")


def timed(method: Baseline, seconds: list[float]) -> Baseline:
    """The same method; the seconds of each call are noted."""

    def call(background: np.ndarray, avatar: np.ndarray, mask: np.ndarray) -> np.ndarray:
        started = time.perf_counter()
        fused = method(background, avatar, mask)
        seconds.append(time.perf_counter() - started)
        return fused

    return call


# ---- sets ----


def sets(size_px: int) -> dict[str, list[Item]]:
    """All sets, by the names of their rows."""
    photos = [(file, *read_marked(file)) for file in real_files("people/photos/*.jpg")]
    street = [person(file.stem, file.stem, photo, mask, size_px) for file, photo, mask in photos]
    chests = []
    for file, photo, mask in photos:
        crop, (part,) = half_figure(photo, mask, CUTS["chest"])
        chests.append(person(file.stem, file.stem, crop, part, size_px))
    groups, singles = [], []
    for group in read_groups():
        people = [
            person(f"{group.name}_{number}", group.name, group.pixels, mask, size_px)
            for number, mask in enumerate(group.masks, start=1)
        ]
        groups += people
        if group.all_marked and len(people) == 1:
            singles += people
    portraits = {"chest crops": chests, "singles of groups": singles}
    everybody = {"street": street, **portraits, "groups": groups}
    found = {name: items_of(people, relight_fixed) for name, people in everybody.items()}
    found["street, mask eroded by 1 px"] = items_of(street, relight_fixed, erode_px=1)
    found["street, inpainted scene"] = items_of(street, relight_fixed, clean=True)
    for name in ("street", "chest crops", "groups"):
        found[f"{name}, other relighting"] = items_of(everybody[name], other_light)
    found |= triples(size_px)
    for name in ("street", "chest crops", "groups"):
        found[f"{name}, own light"] = items_of(everybody[name], own_light)
    return found


def person(name: str, scene: str, photo: np.ndarray, mask: np.ndarray, size_px: int) -> Person:
    """A marked person of a photo (H, W, 3) uint8 with its mask (H, W) bool, brought to a square."""

    @functools.lru_cache(maxsize=1)
    def read() -> Collage:
        truth = fit(photo, size_px)
        small = fit(np.where(mask, 255, 0).astype(np.uint8), size_px)
        return compose(truth, clean_background(truth, hole_of(small), INPAINTER), small)

    return Person(name, scene, read)


def items_of(people: Iterable[Person], light: Light, *, clean: bool = False, erode_px: int = 0) -> list[Item]:
    """The people, each in the light that belongs to its number."""
    return [
        (known.name, known.scene, functools.partial(lit, known, number, light, clean=clean, erode_px=erode_px))
        for number, known in enumerate(people)
    ]


def lit(known: Person, number: int, light: Light, *, clean: bool, erode_px: int) -> FusionExample:
    """A person in another light, in the true scene or, if `clean`, in the inpainted one."""
    collage = known.read()
    shown = light(np.random.default_rng((SEED, number)), collage.truth, collage.mask)
    mask = erode(collage.mask, erode_px)
    background = collage.background if clean else keep_scene(collage)
    return FusionExample(background, black_outside(shown, mask), mask, collage.truth)


def own_light(_: np.random.Generator, rgb: np.ndarray, __: np.ndarray) -> np.ndarray:
    """No change."""
    return rgb


def other_light(rng: np.random.Generator, rgb: np.ndarray, _: np.ndarray) -> np.ndarray:
    """Another lamp and another camera: colour temperature and exposure in linear light, then a camera's curve.

    The curve is that of Naka and Rushton (1966), of another exponent, scaled so that white stays white.
    """
    kelvin = 1 / rng.uniform(1 / KELVINS[1], 1 / KELVINS[0])  # even steps look even in reciprocal kelvins
    gains = 2 ** rng.uniform(*EXPOSURES_EV) * lamp(kelvin) / lamp(6500)
    exponent = np.exp(rng.uniform(*np.log(RESPONSES)))
    levels = to_linear(LEVELS)[:, None] * gains
    response = (levels**exponent / (levels**exponent + 0.5**exponent)) * (1 + 0.5**exponent)
    usual = levels / (levels + 0.5) * 1.5
    curves = to_srgb(np.divide(levels * response, usual, out=np.zeros_like(levels), where=usual > 0))
    return to_u8(cv2.LUT(rgb, curves[None].astype(np.float32)))


def lamp(kelvin: float) -> np.ndarray:
    """Linear R, G, B of a black body, with mean 1: Planck's law at 610, 550 and 465 nm."""
    metres = np.array([610, 550, 465]) * 1e-9
    power = metres**-5 / np.expm1(1.4388e-2 / (metres * kelvin))
    return power / power.mean()


def triples(size_px: int) -> dict[str, list[Item]]:
    """The harmonisation triples: those made by recolouring photos, and those of iHarmony4."""
    (index,) = real_files("people/harmonization/index.csv")
    with open(index, newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["has_real"] == "True"]
    found: dict[str, list[Item]] = {}
    for row in rows:
        name = row["name"]
        photo = name.partition("_from_")[0] if "_from_" in name else name.rpartition("_")[0]
        kind = "recoloured triples" if name.startswith("ccp") else "iHarmony4 triples"
        found.setdefault(kind, []).append((name, photo, functools.partial(triple, index.parent, name, size_px)))
    return found


def triple(folder: Path, name: str, size_px: int) -> FusionExample:
    """A triple: its composite is both scene and person; the hole below the person is inpainted."""
    composite, real = (
        fit(np.asarray(read_image(folder / f"{name}_{kind}.jpg", "RGB")), size_px) for kind in ("composite", "real")
    )
    marked = np.asarray(read_image(folder / f"{name}_mask.png", "L")) > 127
    mask = fit(np.where(marked, 255, 0).astype(np.uint8), size_px)
    background = paste(composite, clean_background(composite, hole_of(mask), INPAINTER), mask)
    return FusionExample(background, black_outside(composite, mask), mask, real)


def hole_of(mask: np.ndarray) -> np.ndarray:
    """The mask and a rim for what of the person lies beside it, (S, S) bool."""
    rim = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, [2 * round(HOLE_RIM * len(mask)) + 1] * 2)
    return cv2.dilate(mask, rim) > 0


# ---- table ----

WIDTH = 31
HEADING = (
    f"{'foreground PSNR, dB':{WIDTH}} people  pasted Reinhard  Poisson    ours    gain (95 %)            worse  better"
    "  SSIM gain  scene changed"
)


def row(title: str, scores: Scores) -> str:
    """A row of the table; without another light there is no gain, as pasting is right."""
    means = [scores.values[method]["foreground PSNR"].mean() for method in (*scores.values,)]
    gains = scores.gains(OURS)
    low, high = bootstrap_interval(gains, scores.scenes)
    ssim = (scores.values[OURS]["SSIM"] - scores.values[PASTE]["SSIM"]).mean()
    cells = [f"{mean:8.2f}" for mean in means]
    if scores.values[PASTE]["fMSE"].any():
        cells.append(f"   {gains.mean():+6.2f} ({low:+.2f} to {high:+.2f})".ljust(27))
        cells.append(f"{(gains < -WORSE_DB).mean():6.0%}{(gains > 0).mean():8.0%}")
    else:
        cells.append(" " * 41)
    return f"{title:{WIDTH}}{len(scores.names):7}{''.join(cells)}{ssim:+11.4f}{scores.changed[OURS]:15}"


def plain(title: str) -> str:
    """A title as part of a file's name."""
    return title.replace(",", "").replace(" ", "_")


def draw_worst(title: str, scores: Scores, items: Sequence[Item], ours: Baseline, count: int) -> None:
    """Draw pasted, fused and true pictures, those with the lowest gain first."""
    pictures, labels = [], []
    gains = scores.gains(OURS)
    for place in np.argsort(gains)[:count]:
        example = items[place][2]()
        pasted, fused = (method(example.background, example.avatar, example.mask) for method in (paste, ours))
        pictures += [Image.fromarray(picture) for picture in (pasted, fused, example.truth)]
        labels += [f"{scores.names[place]}: pasted", f"fused, {gains[place]:+.1f} dB", "true"]
    path = OUTPUTS / f"benchmarks/carousel_figures_{plain(title)}.png"
    write_png(path, picture_grid(pictures, labels, columns=6, tile_px=256))
    print(f"written: {path}")


if __name__ == "__main__":
    main()
