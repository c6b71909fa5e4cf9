"""A folder of people fused into one scene, as a batch: a picture and a strip of each, and the overview pictures."""

import contextlib
import functools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from carousel.segmenters.mask_files import find_mask_files
from carousel.staging.overview_pictures import TILE_PX, contact_sheet, reduced, write_animation
from carousel.staging.scene_fusion import STRIP, FusionReport, FusionSettings, SceneFuser, SegmenterError, read_scene
from common.batches import Batch, Item, Made, run_batch
from common.errors import UserError, raise_faults
from common.files import check_output, check_output_folder, sha256_of
from common.grids import evenly
from common.images import PHOTO_SUFFIXES, read_image, write_png
from common.paths import location, shown
from common.ray_engine import RayCluster

FUSED = "fused"
CONTACT_SHEET, ANIMATION = "contact_sheet.png", "carousel.gif"
METHOD = 1  # increase it when the same person and settings give another picture
MAX_FRAMES = 60  # frames of the animation
MAX_BYTES = 10_000_000  # size of the animation's file

NamedPicture = tuple[str, Path]


@dataclass(frozen=True, kw_only=True)
class OverviewSettings:
    """Settings of the overview pictures.

    Attributes:
        tiles: maximum number of people on the contact sheet.
        animation_px: longer side of the animation.
        seconds: time that the animation shows each person.
    """

    tiles: int
    animation_px: int
    seconds: float


@dataclass
class FusionFacts:
    """Facts of this run alone, about the people fused now."""

    lines: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    figures: dict[str, object] = field(default_factory=dict)
    weights: list[str] = field(default_factory=list)

    def add(self, facts: Mapping[str, Any]) -> None:
        """Add the facts of one person; those of the scene are the same for all."""
        if facts:
            self.lines, self.figures, self.weights = facts["lines"], facts["figures"], facts["weights"]
            self.notes += facts["notes"]


class PersonMaker:
    """Makes the pictures of one person; loads the scene and the model once."""

    def __init__(self, settings: FusionSettings) -> None:
        self._fuser = SceneFuser(settings)

    def __call__(self, person: NamedPicture) -> Made:
        """The fused picture and the strip of a person."""
        name, path = person
        made = self._fuser.fuse(path)
        return Made(
            {
                f"{STRIP}/{name}.png": self._fuser.strip(made, name),
                f"{FUSED}/{name}.png": self._fuser.picture(made),
            },
            passing={
                "lines": [str(self._fuser)],
                "notes": made.notes,
                "figures": {"people in the scene": len(self._fuser.people)},
                "weights": self._fuser.weights,
            },
        )


def fuse_folder(
    settings: FusionSettings, people: Path, output: Path, overviews: OverviewSettings, ray: RayCluster | None = None
) -> FusionReport:
    """Fuse the people of a folder who have no up-to-date picture, then draw the overview pictures.

    Raises:
        UserError: see `run_batch`; nobody can be used, or the segmenter cannot be loaded.
    """
    read_scene(settings.scene)  # before pictures of another scene are removed
    pictures = people_in(people, settings.scene)
    ran = FusionFacts()
    batch: Batch[NamedPicture, list[str]] = Batch(
        folder=output,
        settings=_plain(settings) | {"method": METHOD},
        files=(rf"{STRIP}/(.+)\.png", rf"{FUSED}/(.+)\.png"),
        overviews=(re.escape(CONTACT_SHEET), re.escape(ANIMATION)),
        set_up=functools.partial(PersonMaker, settings),
        tables=lambda records: [record.name for record in records if not record.fault],
        watch=ran.add,
        what="fusing",
        unit="person",
        ray=ray,
        on_gpu=True,
    )
    version_of = functools.cache(functools.partial(_version, settings))

    def items() -> Iterator[Item[NamedPicture]]:
        for name, path in pictures.items():
            fault = "has a backslash in its name; rename it" if "\\" in name else ""
            yield Item(name, version_of(path), path.name, (name, path), fault)

    try:
        with run_batch(batch, items) as outcome:
            names = outcome.tables
            if not names:
                raise_faults("", list(outcome.faults.values()))
            written = write_overviews(settings.scene, names, output, overviews)
    except SegmenterError as error:
        raise UserError(str(error)) from error
    counts = f"{len(names)} people in {shown(output)}: {outcome.made} fused now, {outcome.kept} were up to date"
    figures = {"people": len(names), "fused now": outcome.made, **ran.figures}
    used = [pictures[name] for name in names]
    return FusionReport([*ran.lines, *ran.notes, counts], written, used, figures, ran.weights, outcome.faults)


def _plain(settings: FusionSettings) -> dict[str, Any]:
    """The settings as JSON values; scene, checkpoint and weights by their contents."""
    plain = {name: location(value) if isinstance(value, Path) else value for name, value in asdict(settings).items()}
    weights = settings.segmenter_weights
    return plain | {
        "scene": _version(settings, settings.scene),
        "checkpoint": sha256_of(settings.checkpoint),
        "segmenter_weights": sha256_of(weights) if weights and weights.is_file() else "",
    }


def _version(settings: FusionSettings, picture: Path) -> str:
    """A hash that changes with a picture or its masks; empty for what is not a file."""
    files = [picture]
    if settings.segmenter == "files":
        with contextlib.suppress(UserError):  # reported when the picture is processed
            files += find_mask_files(picture, settings.masks)
    return " ".join(sha256_of(file) for file in files if file.is_file())


def check_folders(scene: Path, person: Path, output: Path) -> None:
    """Raise UserError where OUTPUT is not a folder of its own, or would replace an input."""
    if output.suffix.lower() in PHOTO_SUFFIXES or output.is_file():
        raise UserError(f"setting OUTPUT is {output}; PERSON is a folder, so OUTPUT must be one too")
    check_output_folder(output, [person], "people")
    for name in (CONTACT_SHEET, ANIMATION):
        check_output(output / name, [Path(name).suffix], [scene])


# ---- the people ----


def people_in(folder: Path, scene: Path) -> dict[str, Path]:
    """The pictures of a folder except the scene, in natural order, by the name of their results.

    Raises:
        UserError: there are none.
    """
    files = [
        path
        for path in sorted(folder.iterdir(), key=_natural)
        if path.suffix.lower() in PHOTO_SUFFIXES and not path.name.startswith(".") and not _is_same(path, scene)
    ]
    if not files:
        raise UserError(f"{folder}: no pictures of people in it ({', '.join(sorted(PHOTO_SUFFIXES))})")
    taken = Counter(name.casefold() for path in files for name in (path.stem, path.name))
    return {path.stem if taken[path.stem.casefold()] == 1 else path.name: path for path in files}


def _natural(path: Path) -> list[tuple[int, str]]:
    """Sort key that puts person_2 before person_10."""
    parts = re.split(r"(\d+)", path.name.casefold())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _is_same(path: Path, other: Path) -> bool:
    return path.exists() and other.exists() and path.samefile(other)


# ---- the overview pictures ----


def write_overviews(scene: Path, names: Sequence[str], output: Path, overviews: OverviewSettings) -> list[Path]:
    """Write the contact sheet and the animation; the memory needed does not grow with the number of people.

    Args:
        scene: picture of the scene.
        names: names of the people, at least one.
        output: folder of the results.
        overviews: settings of the overview pictures.

    Returns:
        The files.
    """
    written = [output / CONTACT_SHEET, output / ANIMATION]
    chosen = evenly(names, overviews.tiles)
    fused = {name: output / FUSED / f"{name}.png" for name in [*chosen, *evenly(names, MAX_FRAMES)]}
    pictures = [functools.partial(_opened, path, 2 * TILE_PX) for path in (scene, *(fused[name] for name in chosen))]
    footer = f"{len(chosen)} of {len(names)} people"
    write_png(written[0], contact_sheet(pictures, ["scene", *chosen], f"Carousel: {scene.stem}", footer))
    files = (scene, *(fused[name] for name in evenly(names, MAX_FRAMES)))
    still, *frames = (np.asarray(_opened(path, overviews.animation_px)) for path in files)
    write_animation(written[1], still, frames, overviews.seconds, MAX_BYTES)
    return written


def _opened(path: Path, longer_px: int) -> Image.Image:
    return Image.fromarray(reduced(np.asarray(read_image(path, "RGB")), longer_px))
