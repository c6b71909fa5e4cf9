"""What `python3 run.py` runs: the parts' scripts on their samples, then all parts together for one person.

Standard library only: run.py imports it before anything is installed.
"""

import io
import os
import shlex
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Optional

from common.demo.page import PageEntry, write_page
from common.files import file_stem
from common.paths import OUTPUTS, ROOT

PHOTO = "skimage/data/astronaut.png"  # a real one, in the public domain, inside an installed package
USER = "Júlia"  # of data/pet/users.csv
PAGE, POSTCARD = OUTPUTS / "index.html", OUTPUTS / "postcard.png"
TOGETHER = "all together"  # heading of the steps that join the parts
RECORD = "record: "  # how a script says where the JSON of its run is


@dataclass(frozen=True)
class DemoPerson:
    """The person whom the demo shows.

    Attributes:
        photo: photo of the person.
        taste: "rock=5, jazz=3"; empty: that of USER.
        name: name of the person.
        face: number of the person's face in the photo, from the left; None: the only one or the largest by far.
        description: the person's own words about themselves.
        appearance: "hair_colour=grey, glasses=none": words that take precedence over what is measured; APPEARANCE_OFF:
            nothing is measured.
        seed: base seed of the avatars.
        variants: number of avatars to choose from.
        pick: number of the variant that is shown everywhere.
    """

    photo: Path
    taste: str
    name: str
    face: int | None = None
    description: str = ""
    appearance: str = ""
    seed: int = 1
    variants: int = 1
    pick: int = 1

    @property
    def stem(self) -> str:
        """By which the person's files are called."""
        return file_stem(self.name)

    @property
    def features(self) -> str:
        """The JSON that AVATAR's steps read and write."""
        return f"outputs/avatar/features/{self.stem}.json"


@dataclass(frozen=True)
class Step:
    """One script of the demo.

    Attributes:
        script: its path below the project.
        flags: its command line.
        pictures: what to look at afterwards: files, patterns, or folders of PNGs.
        instead: step to run where this one fails.
        unless: earlier step; where that one failed, `instead` is run at once.
    """

    script: str
    flags: Sequence[str] = ()
    pictures: Sequence[str] = ()
    instead: Optional["Step"] = None
    unless: Optional["Step"] = None


@dataclass(frozen=True)
class Part:
    """A part of the toolkit: what its demo runs, and the weights that it needs."""

    steps: Sequence[Step]
    weights: Sequence[str] = field(default_factory=list)


SEGMENTER_WEIGHTS = ["person-ssdlite.pb", "pose_landmark_full.tflite", "u2netp.onnx", "selfie_segmentation.tflite"]
FACE_WEIGHTS = [
    "face_detection_full_range_sparse.tflite",
    "face_detection_short_range.tflite",
    "face_landmark.tflite",
]
SCENE = "data/carousel/plates/main_stage_2.jpg"
FUSED = "outputs/carousel/festival"
CUT_OUT = "outputs/avatar/utils/cutout.png"
PERSONAL = [
    *(PAGE, POSTCARD, ROOT / CUT_OUT),
    *(ROOT / FUSED / name for name in ("person.png", "together.png")),
    *(OUTPUTS / "pet" / name for name in ("main.png", "main_pet.png", "main.json")),
]  # files that are named alike for everybody
INTERRUPTED = 130
APPEARANCE_OFF = "off"


def parts_for(person: DemoPerson) -> dict[str, Part]:
    """The demo of each part."""
    portrait = ["--photos", str(person.photo), "--max-cut", "1", "--output", "outputs/carousel/portrait"]
    drawn = ["--segmenter", "files", "--masks", "data/carousel/masks", "--plates", "data/carousel/plates"]
    fused = ["outputs/carousel/Inference/contact_sheet.png", "outputs/carousel/Inference/before_after"]
    pets = ["outputs/pet/1.5_Plot_Pet/contact_sheet_*.png", "outputs/pet/1.5_Plot_Pet/combined"]
    carousel = [
        Step("carousel/Collage_segmentation.py", portrait, ["outputs/carousel/portrait/contact_sheet.png"]),
        Step("carousel/Collage_segmentation.py", drawn, ["outputs/carousel/collages/contact_sheet.png"]),
        Step("carousel/Dataset.py", pictures=["outputs/carousel/Dataset.png"]),
        Step("carousel/Evaluate.py", ["--split", "all"], ["outputs/carousel/Evaluate.png"]),
        Step("carousel/Inference.py", pictures=fused),
    ]
    masks = [
        Step("masks/1_split_spritesheet.py", pictures=["outputs/masks/1_split_spritesheet.png"]),
        Step("masks/5_predict_masks.py", pictures=["outputs/masks/5_predict_masks/contact_sheet.png"]),
        Step("masks/6_evaluate_masks.py", pictures=["outputs/masks/6_evaluate_masks.png"]),
        Step("masks/8_dress.py", pictures=["outputs/masks/8_dress/*/preview.png"]),
    ]
    pet = [
        Step("pet/1_TopN.py"),
        Step("pet/1.5_Plot_Pet.py", pictures=pets),
        Step("pet/main.py", [*taste_flags(person), "--name", person.name], ["outputs/pet/main.png"]),
    ]
    return {
        "avatar": Part(avatar_steps(person), [*FACE_WEIGHTS, *SEGMENTER_WEIGHTS]),
        "carousel": Part(carousel, SEGMENTER_WEIGHTS),
        "masks": Part(masks),
        "pet": Part(pet),
    }


def taste_flags(person: DemoPerson) -> list[str]:
    """The person's taste, or whose taste in the sample table it is."""
    return ["--taste", person.taste] if person.taste else ["--user", USER]


def avatar_steps(person: DemoPerson) -> list[Step]:
    """The demo of AVATAR. Where faces of one size leave a choice that nobody made, the first from the left is used."""
    base, stem = "outputs/avatar/AvatarGen_Base", person.stem
    features = ["--features", person.features]
    measured = person.appearance != APPEARANCE_OFF
    said = given(face=person.face, description=person.description, looks=person.appearance if measured else "")
    flags = ["--photo", str(person.photo), *taste_flags(person), "--name", person.name, "--analyzer", "self", *said]
    if not measured:
        flags.append("--no-appearance")
    extractor = Step("avatar/FeatureExtractor.py", flags, [f"outputs/avatar/features/{stem}_face.png"])
    if person.face is None:
        extractor = replace(extractor, instead=replace(extractor, flags=[*extractor.flags, "--face", "1"]))
    several = given(variants=person.variants, pick=person.pick) if person.variants > 1 else []
    sheets = [f"{base}/variants.png"] * (person.variants > 1) + [f"{base}/contact_sheet.png"]
    seed, picked = given(seed=person.seed), given(seed=person.seed + person.pick - 1)
    return [
        extractor,
        Step("avatar/utils.py", features, ["outputs/avatar/utils/preview.png"]),
        Step("avatar/0_Draw_Avatars.py", pictures=["outputs/avatar/0_Draw_Avatars.png"]),
        Step("avatar/AvatarGen_Base.py", [*features, *seed, *several], sheets),
        Step("avatar/AvatarGen.py", [*features, *picked, "--compare"], [f"outputs/avatar/AvatarGen/pairs/{stem}.png"]),
    ]


def given(**settings: int | str | None) -> list[str]:
    """Flags of the settings that are neither None nor empty."""
    return [word for name, value in settings.items() if value not in (None, "") for word in (f"--{name}", str(value))]


def together(person: DemoPerson) -> list[Step]:
    """Steps that need results of several parts: person and avatar on one stage, and the postcard.

    Where nobody is found in the photo, or it must be chosen among several people or faces, it is from AVATAR's
    own cut-out, which is made around the face of the features.
    """
    extractor, *_ = avatar_steps(person)
    alone, both = f"{FUSED}/person.png", f"{FUSED}/together.png"
    avatar = f"outputs/avatar/AvatarGen_Base/avatars/{person.stem}.png"
    cut_out = on_stage(SCENE, CUT_OUT, "0.3", alone)
    photo = on_stage(SCENE, str(person.photo), "0.3", alone, "--several", "refuse")
    return [
        cut_out if person.face else replace(photo, instead=cut_out, unless=extractor),
        replace(on_stage(alone, avatar, "0.72", both), instead=on_stage(SCENE, avatar, "0.5", both)),
        Step("postcard.py", ["--features", person.features], ["outputs/postcard.png"]),
    ]


def on_stage(scene: str, who: str, x: str, output: str, *more: str) -> Step:
    """The step that fuses somebody into a scene."""
    flags = ["--scene", scene, "--person", who, "--x", x, "--output", output, *more]
    return Step("carousel/Inference.py", flags, [output])


def run_steps(python: Path, sections: Mapping[str, Sequence[Step]], title: str) -> int:
    """Run the steps one after another, write the page of what they made, and list the pictures.

    A step that fails is shown on the page with its reason, and the others still run.

    Args:
        python: interpreter that the scripts run in.
        sections: steps by heading.
        title: title of the page.

    Returns:
        Exit status of the first step that failed, or 0.
    """
    for path in PERSONAL:  # somebody else's must not pass for this person's
        path.unlink(missing_ok=True)
    made: dict[str, list[PageEntry]] = {heading: [] for heading in sections}
    failed: dict[str, int] = {}
    elsewise: list[Step] = []  # steps that failed and were done another way
    started = time.perf_counter()
    for heading, steps in sections.items():
        for planned in steps:
            step = planned.instead if planned.unless in elsewise and planned.instead else planned
            result = run_step(python, step)
            if result.status not in (0, INTERRUPTED) and step.instead is not None:
                print(f"\n{step.script} failed; trying another way", flush=True)
                elsewise.append(step)
                first = result.made.fault
                result = run_step(python, step.instead)
                result = replace(
                    result, made=replace(result.made, note=f"Made another way, as the first failed: {first}")
                )
            if result.status == INTERRUPTED:
                return INTERRUPTED
            made[heading].append(result.made)
            if result.status:
                failed[f"{result.made.script}: {result.made.fault}"] = result.status
    write_page(PAGE, title, made, POSTCARD if POSTCARD.is_file() else None)
    print("\nThe pictures:")
    for path in (path for results in made.values() for result in results for path in result.shown):
        print(f"  {path}")
    for line in failed:
        print(f"failed: {line}", file=sys.stderr)
    print(f"and all of them on one page, {time.perf_counter() - started:.0f} s in all:\n  {PAGE}")
    return next(iter(failed.values()), 0)


@dataclass(frozen=True)
class StepResult:
    """The exit status of a step and what it made."""

    status: int
    made: PageEntry


def run_step(python: Path, step: Step) -> StepResult:
    """Run one script; its output is shown as it comes."""
    print(f"\n== {shlex.join([step.script, *step.flags])}", flush=True)
    record, last = None, deque[str](maxlen=1)
    environment = os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
    with subprocess.Popen(
        [str(python), step.script, *step.flags],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        errors = threading.Thread(target=_copy_errors, args=(process.stderr, last))
        errors.start()
        for line in io.TextIOWrapper(process.stdout, encoding="utf-8", errors="replace"):
            print(line, end="", flush=True)
            if line.startswith(RECORD):
                record = ROOT / line.removeprefix(RECORD).strip()
        errors.join()
    found = [path for pattern in step.pictures for path in sorted(ROOT.glob(pattern))]
    if process.returncode and record is None:
        found = []  # those of an earlier run
    files = [path for path in found if path.is_file()]
    gallery = [path for folder in found for path in sorted(folder.glob("*.png"))]
    fault = (last[0] if last else f"exit status {process.returncode}") if process.returncode else ""
    return StepResult(process.returncode, PageEntry(step.script, step.flags, files, gallery, record, found, fault))


def _copy_errors(stream: IO[bytes], last: deque[str]) -> None:
    """Pass a script's stderr on byte by byte, for progress bars, and keep its last line."""
    line = b""
    while byte := stream.read(1):
        sys.stderr.buffer.write(byte)
        sys.stderr.flush()
        line = b"" if byte == b"\r" else line + byte
        if byte == b"\n":
            if line.strip():
                last.append(line.decode("utf-8", "replace").strip())
            line = b""
