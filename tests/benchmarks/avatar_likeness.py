"""Photos in, avatars out: does the avatar look like the person? One table of the traits that a judge reads off.

    python -m tests.benchmarks.avatar_likeness                                    both halves, every way
    python -m tests.benchmarks.avatar_likeness --half A --limit 12 --sheet worst.png
    python -m tests.benchmarks.avatar_likeness --people street groups painted     photos of other kinds
    python -m tests.benchmarks.avatar_likeness --only judge                       the judge against labels by eye
    python -m tests.benchmarks.avatar_likeness --only seeds                       40 seeds of one person
    python -m tests.benchmarks.avatar_likeness --reader shipped                   by the reader that ships: no training

A way is a START of AvatarGen_Base.py; "wordless" ones leave the measured appearance out of the prompt (but a figure is
still drawn from it). Everything else is as that script's settings say. Half A is what choices may look at, half B is
measured only; both are one collection. Painted pictures are portraits of half B with painted glasses, beards, headwear
and darker skin: the painter is the one whose pictures, of other portraits, the meter of appearance was trained on.
The line-up matches by the words that are read, and by colours at the same places of photo and avatar, whose usual
differences were taken from half A. Avatars are kept: a run that was cut short goes on, and a change of the avatar
part's code draws all anew.
"""

import argparse
import functools
import hashlib
import itertools
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import cv2
import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from avatar import AvatarGen_Base
from avatar.appearance_training.examples import Portrait, darken_skin, portrait_of
from avatar.appearance_training.painting_over import (
    paint_facial_hair,
    paint_headwear,
    paint_spectacles,
    paint_sunglasses,
)
from avatar.person.appearance import AppearanceMeter
from avatar.person.face_detector import FaceDetector
from avatar.person.features import AppearanceTrait, Features
from avatar.person.head_view import HeadViewer
from avatar.person.skin_tone import STEPS
from avatar.person.subjects import Subject
from avatar.sdxl.avatar_maker import DRAWN, STARTS, AvatarMaker
from avatar.sdxl.avatar_reader import WORDS
from avatar.sdxl.avatar_settings import Start, group_settings
from avatar.sdxl.provenance import AvatarRun, fingerprint, lora_facts
from avatar.sdxl.sources import choose_model
from common.files import atomic_path, sha256_of
from common.genres import GENRES
from common.grids import picture_grid
from common.images import read_image, write_png
from common.paths import ROOT, shown
from common.people.selection import Box
from tests.benchmarks.avatar_appearance import Labelled, box_of, likeness, others
from tests.benchmarks.avatar_judge import FOLDER, Reader, Reading, ShippedReader, check_by_eye, fits, load_judge
from tests.benchmarks.hardware import describe_machine

WORDLESS = ", wordless"
DEFAULT = "figure"  # what START "auto" chooses for the small model
WAYS = tuple(start + words for start in get_args(Start) if start != "auto" for words in ("", WORDLESS))
PEOPLE = ("half A", "half B", "street", "groups", "painted")
LINE_UPS, LINE_UP = 200, 8
COLOUR_PLACES = (((0.42, 0.62), (0.2, 0.8)), ((-0.3, -0.08), (0.3, 0.7)))  # skin, hair: rows, columns of the face's box
AVATAR_FACE = (80, 68, 176, 156)  # the face's box in avatars of 256 px
COLOUR_SHIFT = np.array([[11.0, -6, -1], [10, -2, -2]])  # Lab from photo to avatar, skin and hair: mean ...
COLOUR_SPREAD = np.array([[9.0, 4, 7], [11, 5, 9]])  # ... and standard deviation in half A
SEEDS = 40
PAINTED = 60  # pictures of each painted value
TIMED = 3  # avatars with their cut-outs


@dataclass(frozen=True)
class Case:
    """One person's avatar.

    Attributes:
        person: photo and labels.
        seen: what the judge reads off the avatar.
        drawn: what it reads off the start; None without one.
        told: what was measured in the photo.
        measured: Lab of the skin in the photo; None if it was not measured.
        tiles: photo, start and avatar.
        colours: `head_colours` of "photo" and "avatar".
    """

    person: Labelled
    seen: Reading
    drawn: Reading | None
    told: dict[str, AppearanceTrait]
    measured: np.ndarray | None
    tiles: list[Image.Image]
    colours: dict[str, np.ndarray]

    def right(self) -> dict[str, bool]:
        """Whether the avatar shows what the label says, by trait; traits without a label are left out.

        A bald avatar of somebody who may be called bald has no colour of hair.
        """
        return self._fitting(self.seen.words())

    def right_by_stage(self) -> dict[str, dict[str, bool]]:
        """As `right`, of what was measured, of the start, and of the avatar: where a trait is lost."""
        told = {trait: self.told[trait].value for trait in WORDS}
        stages = {"measured": told, "start": self.drawn.words() if self.drawn else {}, "avatar": self.seen.words()}
        return {stage: self._fitting(words) for stage, words in stages.items() if words}

    def _fitting(self, words: dict[str, str]) -> dict[str, bool]:
        accepted = {trait: self.person.labels[trait] for trait in WORDS if self.person.labels[trait]}
        if words["hair_length"] == "bald" and "bald" in accepted.get("hair_length", ()):
            accepted.pop("hair_colour", None)
        return {trait: fits(trait, words[trait], some) for trait, some in accepted.items()}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=["A", "B"])
    parser.add_argument("--people", nargs="+", choices=PEOPLE, default=["half A", "half B"])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--limit", type=int, help="people of each group")
    parser.add_argument("--sheet", type=Path, help="picture of photo, start and avatar, the worst ones first")
    parser.add_argument("--only", choices=["judge", "seeds"])
    parser.add_argument("--reader", choices=["judge", "shipped"], default="judge", help="who reads the avatars")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    print(describe_machine())
    judge = load_judge() if options.reader == "judge" else ShippedReader()
    check_by_eye(judge)
    if options.only == "judge":
        return
    groups = [f"half {options.half}"] if options.half else options.people
    people = [person for group in groups for person in people_of(group, options.limit)]
    studio = Studio(judge)
    if options.only == "seeds":
        print_seeds(studio, people[0])
        return
    for way in options.ways:
        cases = [case for person in tqdm(people, desc=way) if (case := studio.portray(person, way))]
        print_way(way, groups, cases)
        if options.sheet:
            write_sheet(options.sheet.with_stem(f"{options.sheet.stem}-{way.replace(', ', '-')}"), cases)
    print_seeds(studio, people[0])
    print_time(studio, people[:TIMED])


# ---- people ----


def people_of(group: str, limit: int | None) -> list[Labelled]:
    """The people of a group, the first ones."""
    found: Iterator[Labelled] = likeness() if group.startswith("half") else others()
    if group == "painted":
        found = painted([person for person in likeness() if person.group == "half B"])
    return list(itertools.islice((person for person in found if person.group == group), limit))


def painted(portraits: Sequence[Labelled]) -> Iterator[Labelled]:
    """Portraits with something painted over them, PAINTED of each value; nobody who wears such a thing already."""
    detector, viewer = FaceDetector(), HeadViewer()
    canvases: dict[Path, Portrait] = {}
    for person in portraits:
        photo = read_image(person.path, "RGB")
        box = box_of(detector, photo, None)
        if box is not None:
            canvases[person.path] = portrait_of(viewer.look(np.asarray(photo), box), {})
    for number, (trait, word) in itertools.product(range(PAINTED), PAINTERS):
        bare = ["light"] if trait == "skin_tone" else ["none"]
        able = [person for person in portraits if person.path in canvases and person.labels[trait] == bare]
        person = able[number % len(able)]
        path = FOLDER / f"painted/{trait} {word} {number}.png"
        if not path.is_file():
            rng = np.random.default_rng((number, len(word)))
            write_png(path, Image.fromarray(PAINTERS[trait, word](canvases[person.path], rng)))
        hidden: dict[str, list[str]] = {"hair_length": [], "hair_colour": []} if trait == "headwear" else {}
        yield Labelled(path, "painted", None, person.labels | hidden | {trait: [word]})


def _headwear(kind: str) -> Callable[[Portrait, np.random.Generator], np.ndarray]:
    return lambda portrait, rng: paint_headwear(portrait.canvas, portrait.points, rng, kind, portrait.matte)[0]


def _facial_hair(kind: str) -> Callable[[Portrait, np.random.Generator], np.ndarray]:
    return lambda portrait, rng: paint_facial_hair(portrait.canvas, portrait.points, rng, kind)


PAINTERS: dict[tuple[str, str], Callable[[Portrait, np.random.Generator], np.ndarray]] = {
    ("skin_tone", "dark"): lambda some, rng: darken_skin(some.canvas, some.points, some.matte, rng),
    ("glasses", "spectacles"): lambda some, rng: paint_spectacles(some.canvas, some.points, rng),
    ("glasses", "sunglasses"): lambda some, rng: paint_sunglasses(some.canvas, some.points, rng),
    **{("facial_hair", kind): _facial_hair(kind) for kind in ("stubble", "moustache", "goatee", "beard")},
    **{("headwear", kind): _headwear(kind) for kind in ("hat", "cap", "headscarf")},
}


# ---- avatars ----


@dataclass(frozen=True)
class Wordless(AvatarRun):
    """A run whose prompts do not name the measured appearance."""

    def prompt(self, subject: Subject) -> Any:
        """Prompt from the features without the appearance."""
        return super().prompt(replace(subject, features=replace(subject.features, appearance={})))


class Studio:
    """Makes avatars as AvatarGen_Base.py does, the models loaded once, and shows them to the judge."""

    def __init__(self, judge: Reader | ShippedReader) -> None:
        self._judge, self._detector, self._meter = judge, FaceDetector(), AppearanceMeter()
        sources = sorted((ROOT / "avatar").rglob("*.py"))
        self._code = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()

    @functools.cache  # noqa: B019 - one studio
    def maker(self, way: str, cut_out: bool) -> tuple[AvatarRun, AvatarMaker]:
        """The run of a way, and its models."""
        start = way.removesuffix(WORDLESS)
        values = vars(AvatarGen_Base) | {"START": start, "CUT_OUT": cut_out, "OUTPUT": FOLDER / "unused"}
        inputs, settings, models = group_settings(values)
        choice = choose_model(models.model, models.refiner, settings.recipe.mode != "base")
        kind = Wordless if way.endswith(WORDLESS) else AvatarRun
        run = kind("AvatarGen_Base.py", inputs, settings, models, choice, lora_facts(models))
        return run, AvatarMaker(run)

    @functools.cache  # noqa: B019 - one studio
    def features(self, person: Path, face: int | None) -> Features | None:
        """What is measured of a person; None without a face."""
        photo = read_image(person, "RGB")
        box = box_of(self._detector, photo, face)
        if box is None:
            return None
        found = dict(self._meter.measure(np.asarray(photo), box).items())
        liked = list(GENRES)[int(sha256_of(person), 16) % len(GENRES)]
        taste = dict.fromkeys(GENRES, 0.0) | {liked: 1.0}
        name = f"{person.stem} {face}"
        return Features(name, str(person), sha256_of(person), box, 1.0, appearance=found, taste=taste)

    def portray(self, person: Labelled, way: str, name: str = "") -> Case | None:
        """One person's avatar; None without a face. Another name gives another seed."""
        features = self.features(person.path, person.face)
        box = features.face_box if features else None
        if features is None or box is None:
            return None
        features = replace(features, name=name or features.name)
        source = None if way.startswith("text") else person.path
        files = self._files(Subject("avatar", features, person.path, source), way)
        avatar, start = (_opened(files[kind]) if kind in files else None for kind in (DRAWN, STARTS))
        assert avatar is not None
        lab = features.appearance["skin_tone"].lab
        photo = read_image(person.path, "RGB")
        colours = {
            "photo": head_colours(np.asarray(photo), box),
            "avatar": head_colours(np.asarray(avatar), AVATAR_FACE),
        }
        tiles = [photo, start or Image.new("RGB", (8, 8), "white"), avatar]
        drawn, seen = (self._judge.read(np.asarray(some)) if some else None for some in (start, avatar))
        assert seen is not None
        return Case(person, seen, drawn, features.appearance, np.array(lab) if lab else None, tiles, colours)

    def _files(self, subject: Subject, way: str) -> dict[str, Path]:
        """Files of the drawn picture and of its start, if it has one, by kind."""
        run, maker = self.maker(way, cut_out=way.startswith("photo"))  # where the start is cut out too
        key = fingerprint(run.facts(subject) | {"code": self._code, "way": way})
        kept = {kind: FOLDER / f"avatars/{key[:32]} {kind}.png" for kind in (STARTS, DRAWN)}
        if not kept[DRAWN].is_file():
            files = maker(subject).files
            for kind, path in kept.items():
                if f"{kind}/avatar.png" in files:
                    with atomic_path(path) as part:
                        part.write_bytes(files[f"{kind}/avatar.png"])
        return {kind: path for kind, path in kept.items() if path.is_file()}


def _opened(path: Path) -> Image.Image:
    return read_image(path, "RGB").resize((256, 256), Image.Resampling.BOX)


# ---- the table ----


def print_way(way: str, groups: Sequence[str], cases: Sequence[Case]) -> None:
    """All rows of one way."""
    print(f"\n{way}\n{'':<26} right    plain  majority  balanced  right of those labelled so")
    for group in groups:
        some = [case for case in cases if case.person.group == group]
        for trait in WORDS:
            print_trait(f"{group}, {trait}", trait, some)
        print_share(f"{group}, all together", [all(case.right().values()) for case in some])
        print_colours(group, some)
        print_stages(group, some)
        if len(some) >= 2 * LINE_UP and group.startswith("half"):
            print_line_up(group, some)
    for skin in ("light", "dark"):
        some = [case for case in cases if case.person.labels["skin_tone"][:1] == [skin]]
        for trait in WORDS:
            print_trait(f"{skin} skin, {trait}", trait, some)
        print_share(f"{skin} skin, all together", [all(case.right().values()) for case in some])


def print_trait(name: str, trait: str, cases: Sequence[Case]) -> None:
    """One row; nothing if nobody has a label."""
    known = [case for case in cases if trait in case.right()]
    by_value: dict[str, list[bool]] = defaultdict(list)
    for case in known:
        by_value[case.person.labels[trait][0]].append(case.right()[trait])
    if known:
        majority = max(np.mean([value in case.person.labels[trait] for case in known]) for value in by_value)
        balanced = np.mean([np.mean(results) for results in by_value.values()])
        counts = ", ".join(f"{value} {sum(results)}/{len(results)}" for value, results in by_value.items())
        right = sum(sum(results) for results in by_value.values())
        figures = f"{right / len(known):>7.1%} {majority:>9.1%} {balanced:>9.1%}"
        print(f"{name:<26} {right:>3}/{len(known):<4} {figures}  {counts}")


def print_share(name: str, results: Sequence[bool]) -> None:
    """A row without values."""
    if results:
        print(f"{name:<26} {sum(results):>3}/{len(results):<4} {np.mean(results):>7.1%}")


def print_colours(group: str, cases: Sequence[Case]) -> None:
    """How far the drawn skin is from the measured one."""
    from skimage.color import deltaE_ciede2000

    known = [(case.measured, case.colours["avatar"][0]) for case in cases if case.measured is not None]
    apart = [float(deltaE_ciede2000(measured, drawn)) for measured, drawn in known]
    if apart:
        worst = np.percentile(apart, 90)
        print(f"{group}, skin measured to drawn: CIEDE2000 {np.median(apart):.1f} (median), {worst:.1f} (9 of 10 less)")


def print_stages(group: str, cases: Sequence[Case]) -> None:
    """How many are right in what was measured, in the start and in the avatar; not measured counts as not right."""
    stages = [case.right_by_stage() for case in cases]
    for trait in WORDS:
        counts = []
        for stage in ("measured", "start", "avatar"):
            known = [case[stage][trait] for case in stages if trait in case.get(stage, {})]
            counts.append(f"{stage} {sum(known)}/{len(known)}")
        print(f"{group}, {trait}, stage by stage: {', '.join(counts)}")


def write_sheet(path: Path, cases: Sequence[Case]) -> None:
    """Photo, start and avatar in each row, those with the most wrong traits first."""
    ordered = sorted(cases, key=lambda case: sum(case.right().values()) - len(case.right()))
    labels = []
    for case in ordered:
        wrong = [
            f"{case.seen.word(trait)} for {'|'.join(case.person.labels[trait])}"
            for trait, right in case.right().items()
            if not right
        ]
        labels += [case.person.path.stem, "start", "\n".join(wrong[:2]) or "right"]
    write_png(path, picture_grid([tile for case in ordered for tile in case.tiles], labels, 6, 256))
    print(f"pictures: {shown(path)}")


# ---- line-up ----


def print_line_up(group: str, cases: Sequence[Case]) -> None:
    """How often the right one of eight people is found: by the words of the traits, and by the colours as well."""
    labels = [case.person.labels for case in cases]
    words = likelihoods(labels, [case.seen.shares for case in cases])
    ways = {
        "words": words,
        "colours": colour_likelihoods(cases),
        "words and colours": words + colour_likelihoods(cases),
        "words, if all were as labelled": likelihoods(labels, [as_labelled(some) for some in labels]),
    }
    for apart, kind in ((False, "draws"), (True, "draws in which no two share all labels")):
        found = {way: line_up(scores, labels, np.random.default_rng(1), apart) for way, scores in ways.items()}
        shares = ", ".join(f"{share:.1%} by {way}" for way, share in found.items())
        print(f"{group}, line-up, {LINE_UPS} {kind} of {LINE_UP}: found {shares}")


def line_up(scores: np.ndarray, labels: Sequence[dict[str, list[str]]], rng: np.random.Generator, apart: bool) -> float:
    """Share of line-ups in which the right person is found; ties share it.

    Args:
        scores: (n, n), how likely it is that each row's avatar shows each column's person.
        labels: accepted words by trait, of each person.
        rng: draws people.
        apart: draw only people no two of whom share all labels.
    """
    kinds = [str(some) for some in labels]
    if apart and len(set(kinds)) < LINE_UP:
        return float("nan")
    found: list[float] = []
    while len(found) < LINE_UPS:
        drawn = rng.permutation(len(kinds))[:LINE_UP]
        if apart:
            first_of = {kinds[person]: person for person in rng.permutation(len(kinds))}
            drawn = rng.permutation(list(first_of.values()))[:LINE_UP]
        row = scores[drawn[0], drawn]
        ties = row >= row[0] - 1e-9
        found.append(0.0 if (row > row[0] + 1e-9).any() else 1 / ties.sum())
    return float(np.mean(found))


def likelihoods(labels: Sequence[dict[str, list[str]]], shares: Sequence[dict[str, dict[str, float]]]) -> np.ndarray:
    """(n, n) log-probabilities that each row's avatar, which shows these words, is each column's person."""
    return np.array([[likelihood(some, seen) for some in labels] for seen in shares])


def likelihood(labels: dict[str, list[str]], shares: dict[str, dict[str, float]]) -> float:
    """Log-probability that an avatar with these shares shows somebody with these labels."""
    known = {trait: labels[trait] for trait in WORDS if labels.get(trait)}
    return float(
        sum(
            np.log(
                0.02 + max((share for word, share in shares[trait].items() if fits(trait, word, accepted)), default=0)
            )
            for trait, accepted in known.items()
        )
    )


def as_labelled(labels: dict[str, list[str]]) -> dict[str, dict[str, float]]:
    """What a perfect judge sees of an avatar that shows the first word of each label: even this leaves ties."""
    words = WORDS | {"skin_tone": tuple(STEPS)}
    return {trait: {word: float(word in labels[trait][:1]) for word in words[trait]} for trait in words}


def colour_likelihoods(cases: Sequence[Case]) -> np.ndarray:
    """(n, n) log-probabilities by the colours at the same places of each row's avatar and each column's photo."""
    avatars, photos = (np.array([case.colours[kind] for case in cases]) for kind in ("avatar", "photo"))
    apart = (avatars[:, None] - photos[None] - COLOUR_SHIFT) / COLOUR_SPREAD
    return -(apart**2).sum(axis=(2, 3)) / 2


def head_colours(picture: np.ndarray, box: Box) -> np.ndarray:
    """(2, 3) median Lab between eyes and mouth, and of the hair above the forehead, or of a head without hair.

    Nothing that the avatar was made from is used: places and colours are those that anybody sees.

    Args:
        picture: (H, W, 3) uint8 RGB.
        box: face from the forehead to the chin, XYXY px.
    """
    from skimage.color import rgb2lab

    left, top, right, bottom = box
    size = np.array([bottom - top, right - left])
    colours = []
    for place in COLOUR_PLACES:
        (upper, lower), (first, last) = (np.array(place) * size[:, None] + [[top], [left]]).round().astype(int)
        part = picture[max(0, upper) : max(1, lower), max(0, first) : last]
        colours.append(np.median(rgb2lab(part).reshape(-1, 3), axis=0))
    return np.array(colours)


# ---- seeds and time ----


def print_seeds(studio: Studio, person: Labelled) -> None:
    """Many seeds of one person: the same traits, and not the same picture."""
    cases = [studio.portray(person, DEFAULT, f"seed {n}") for n in tqdm(range(SEEDS), desc="seeds")]
    there = [case for case in cases if case is not None]
    words = {trait: [case.seen.word(trait) for case in there] for trait in WORDS}
    haired = [case for case in there if case.seen.word("hair_length") != "bald"]  # the others have no colour of hair
    words["hair_colour"] = [case.seen.word("hair_colour") for case in haired]
    same = {trait: max(map(said.count, said)) / len(said) for trait, said in words.items() if said}
    pixels = np.stack([np.asarray(case.tiles[-1], np.float32) for case in there])
    apart = [float(np.abs(a - b).mean()) for a, b in itertools.combinations(pixels, 2)]
    constant = ", ".join(f"{trait} {share:.0%}" for trait, share in same.items())
    print(f"\n{len(there)} seeds of {person.path.stem}: the most frequent word of each trait: {constant}")
    print(f"closest two pictures {min(apart):.1f} of 255 apart, mean {np.mean(apart):.1f}")
    write_png(FOLDER / "seeds.png", picture_grid([case.tiles[-1] for case in there], [""] * len(there), 10, 192))


def print_time(studio: Studio, people: Sequence[Labelled]) -> None:
    """Seconds of an avatar with its cut-out, after loading."""
    _, maker = studio.maker(DEFAULT, cut_out=True)
    seconds = []
    for person in people:
        features = studio.features(person.path, person.face)
        if features is not None:
            started = time.perf_counter()
            maker(Subject("avatar", features, person.path, person.path))
            seconds.append(time.perf_counter() - started)
    print(f"seconds an avatar, cut out: {np.median(seconds):.1f} (median of {len(seconds)}, one thread)")


if __name__ == "__main__":
    main()
