"""What `python3 run.py` runs: the parts' scripts on their samples, then all parts together for one person.

Standard library only: run.py imports it before anything is installed.
"""

import os
import shlex
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from common.demo.page import Made, write_page
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
    """

    photo: Path
    taste: str
    name: str

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
    """One script, its flags, and the pictures to look at afterwards: files, patterns, or folders of PNGs."""

    script: str
    flags: Sequence[str] = ()
    pictures: Sequence[str] = ()


@dataclass(frozen=True)
class Part:
    """A part of the toolkit: what its demo runs, and the weights that it needs."""

    steps: Sequence[Step]
    weights: Sequence[str] = field(default_factory=list)


SEGMENTER_WEIGHTS = ["person-ssdlite.pb", "pose_landmark_full.tflite", "u2netp.onnx", "selfie_segmentation.tflite"]
FACE_WEIGHTS = ["face_detection_full_range_sparse.tflite", "face_detection_short_range.tflite"]
SCENE = "data/carousel/plates/main_stage_2.jpg"
FUSED = "outputs/carousel/festival"


def parts_for(person: DemoPerson) -> dict[str, Part]:
    """The demo of each part."""
    taste = ["--taste", person.taste] if person.taste else []
    photo, name = ["--photo", str(person.photo)], ["--name", person.name]
    features, stem = ["--features", person.features], person.stem
    portrait = ["--photos", str(person.photo), "--max-cut", "1", "--output", "outputs/carousel/portrait"]
    drawn = ["--segmenter", "files", "--masks", "data/carousel/masks", "--plates", "data/carousel/plates"]
    fused = ["outputs/carousel/Inference/contact_sheet.png", "outputs/carousel/Inference/before_after"]
    pets = ["outputs/pet/1.5_Plot_Pet/contact_sheet_*.png", "outputs/pet/1.5_Plot_Pet/combined"]
    avatar = [
        Step("avatar/FeatureExtractor.py", [*photo, *taste, *name], [f"outputs/avatar/features/{stem}_face.png"]),
        Step("avatar/utils.py", features, ["outputs/avatar/utils/preview.png"]),
        Step("avatar/0_Draw_Avatars.py", pictures=["outputs/avatar/0_Draw_Avatars.png"]),
        Step("avatar/AvatarGen_Base.py", features, ["outputs/avatar/AvatarGen_Base/contact_sheet.png"]),
        Step("avatar/AvatarGen.py", [*features, "--compare"], [f"outputs/avatar/AvatarGen/pairs/{stem}.png"]),
    ]
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
        Step("pet/main.py", [*(taste or ["--user", USER]), *name], ["outputs/pet/main.png"]),
    ]
    return {
        "avatar": Part(avatar, [*FACE_WEIGHTS, *SEGMENTER_WEIGHTS]),
        "carousel": Part(carousel, SEGMENTER_WEIGHTS),
        "masks": Part(masks),
        "pet": Part(pet),
    }


def together(person: DemoPerson) -> list[Step]:
    """What needs the results of more than one part: person and avatar on one stage, and the postcard."""
    alone, both = f"{FUSED}/person.png", f"{FUSED}/together.png"
    return [
        on_stage(SCENE, str(person.photo), "0.3", alone),
        on_stage(alone, f"outputs/avatar/AvatarGen_Base/avatars/{person.stem}.png", "0.72", both),
        Step("postcard.py", ["--features", person.features], ["outputs/postcard.png"]),
    ]


def on_stage(scene: str, who: str, x: str, output: str) -> Step:
    """The step that fuses somebody into a scene."""
    return Step("carousel/Inference.py", ["--scene", scene, "--person", who, "--x", x, "--output", output], [output])


def run_steps(python: Path, sections: Mapping[str, Sequence[Step]], title: str) -> int:
    """Run the steps one after another, write the page of what they made, and list the pictures.

    Args:
        python: interpreter that the scripts run in.
        sections: steps by heading.
        title: title of the page.

    Returns:
        exit status of the step that failed, after which no other runs, or 0.
    """
    made: dict[str, list[Made]] = {}
    shown: list[Path] = []
    started = time.perf_counter()
    for heading, steps in sections.items():
        for step in steps:
            print(f"\n== {shlex.join([step.script, *step.flags])}", flush=True)
            status, record = run_step(python, step)
            if status:
                return status
            found = [path for pattern in step.pictures for path in sorted(ROOT.glob(pattern))]
            shown += found
            files = [path for path in found if path.is_file()]
            gallery = [path for folder in found for path in sorted(folder.glob("*.png"))]
            made.setdefault(heading, []).append(Made(step.script, step.flags, files, gallery, record))
    write_page(PAGE, title, made, POSTCARD if TOGETHER in sections else None)
    print("\nThe pictures:")
    for path in shown:
        print(f"  {path}")
    print(f"and all of them on one page, {time.perf_counter() - started:.0f} s in all:\n  {PAGE}")
    return 0


def run_step(python: Path, step: Step) -> tuple[int, Path | None]:
    """Run one script, its words as they come; returns its exit status, and where the JSON of its run is."""
    record = None
    environment = os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
    with subprocess.Popen(
        [str(python), step.script, *step.flags],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            if line.startswith(RECORD):
                record = ROOT / line.removeprefix(RECORD).strip()
    return process.returncode, record
