"""A scene that is ready for people, and one person put into it."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from carousel.fusion.inference import load_model
from carousel.fusion.network import FusionNetwork
from carousel.segmenters.choice import Segmenter, SegmenterName, load_segmenter
from carousel.staging.compositing import FusedScene, fuse_cutout, place_cutout
from carousel.staging.overview_pictures import before_after
from carousel.staging.person_cutout import read_cutout
from carousel.staging.placement import NO_COVER, Placement, RequestedPlacement, find_placement
from common.errors import UserError, enough_memory
from common.files import check_output
from common.images import PHOTO_SUFFIXES, read_image, write_png
from common.people.selection import SegmentedPerson

ENLARGED = 2.0  # from here on a person looks soft
STRIP = "before_after"


class SegmenterError(UserError):
    """A segmenter that cannot be loaded: a fault of the settings, not of a picture."""


class LazySegmenter:
    """Finds people in pictures; the segmenter is loaded when the first picture needs it."""

    def __init__(self, name: SegmenterName, masks: Path | None) -> None:
        self.name, self.masks = name, masks

    @cached_property
    def segmenter(self) -> Segmenter:
        """Loaded on first use.

        Raises:
            SegmenterError: its weights or its library are not there.
        """
        try:
            return load_segmenter(self.name, self.masks)
        except UserError as error:
            raise SegmenterError(str(error)) from error

    @property
    def weights(self) -> list[str]:
        """Names of the weights that ran."""
        return self.segmenter.weights if "segmenter" in self.__dict__ else []

    def __call__(self, photo: np.ndarray, source: Path) -> list[SegmentedPerson]:
        """People in a photo, (H, W, 3) uint8."""
        return self.segmenter.find_people(photo, source)


@dataclass(frozen=True)
class FusionSettings:
    """Settings of all pictures of a run.

    Attributes:
        find_people: look for people in the scene where something is to be proposed.
        wishes: for the place.
        is_half: whether figures are cut by their lower edge; None: found.
        shadow: strength, 0 to 1.
        compress_level: of PNG, 0 to 9.
    """

    find_people: bool
    wishes: RequestedPlacement
    is_half: bool | None
    shadow: float
    compress_level: int


@dataclass(frozen=True)
class Stage:
    """All that is the same for every person.

    Attributes:
        scene: (H, W, 3) uint8.
        people: found in it.
        network: the model.
        device: where it lies.
        finder: for photos of persons.
        look: settings.
    """

    scene: np.ndarray
    people: list[SegmentedPerson]
    network: FusionNetwork
    device: torch.device
    finder: LazySegmenter
    look: FusionSettings

    def __str__(self) -> str:
        return f"scene of {self.scene.shape[1]} x {self.scene.shape[0]} px, people found in it: {len(self.people)}"


@dataclass(frozen=True)
class Outcome:
    """What a run did.

    Attributes:
        lines: to be printed.
        written: files to look at.
        used: pictures of people that were fused.
        figures: for the record.
        faults: what is wrong with people who were skipped, by file name.
    """

    lines: list[str]
    written: list[Path]
    used: list[Path]
    figures: dict[str, object]
    faults: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Made:
    """A person in the scene, and what is to be said about it."""

    spot: Placement
    fused: FusedScene
    notes: list[str]


def set_stage(scene: Path, checkpoint: Path, finder: LazySegmenter, look: FusionSettings) -> Stage:
    """Read the scene, find the people in it where something is to be proposed, and load the model.

    Raises:
        UserError: a scene or a checkpoint that cannot be used, or a segmenter that cannot be loaded.
    """
    pixels = read_scene(scene)
    people: list[SegmentedPerson] = []
    if look.find_people and not look.wishes.are_complete:
        try:
            people = finder(pixels, scene)
        except SegmenterError as error:
            raise UserError(f"{error}; or set FIND_PEOPLE to False") from error
    return Stage(pixels, people, *load_model(checkpoint), finder, look)


def read_scene(path: Path) -> np.ndarray:
    """A scene, (H, W, 3) uint8.

    Raises:
        UserError: a picture that cannot be read, or one with transparency.
    """
    pixels = np.asarray(read_image(path))
    if pixels[..., 3].min() < 255:
        raise UserError(f"{path}: is transparent in places; a scene must be opaque, save it without alpha")
    return np.ascontiguousarray(pixels[..., :3])


def make(stage: Stage, person: Path) -> Made:
    """Put one person into the scene.

    Args:
        stage: the scene and how.
        person: a photo, a cut-out or an avatar.

    Raises:
        UserError: a picture without a person that can be used, a place outside the scene, or not enough memory.
    """
    height, width = stage.scene.shape[:2]
    with enough_memory("make the scene smaller, lower HEIGHT, or close other programs"):
        figure = read_cutout(person, stage.finder, stage.look.is_half)
        spot = find_placement(figure.silhouette, (width, height), stage.people, stage.look.wishes)
        shadow = 0.0 if figure.silhouette.is_half else stage.look.shadow
        placed = place_cutout(figure, spot, (height, width))
        fused = fuse_cutout(stage.scene, placed, stage.network, stage.device, shadow)
    notes = list(figure.notes)
    if placed.enlarged > ENLARGED:
        notes.append(f"{person.name}: enlarged {placed.enlarged:.1f} times; a larger picture would look sharper")
    if spot.covered > NO_COVER:
        notes.append(f"{person.name}: stands before people of the scene, for want of room beside them")
    return Made(spot, fused, notes)


def write(stage: Stage, made: Made, picture: Path, strip: Path, title: str) -> None:
    """Write the strip, then the picture."""
    pasted = stage.scene.copy()
    pasted[made.fused.window] = made.fused.pasted
    panels = before_after((stage.scene, pasted, made.fused.picture), made.fused.window, title)
    write_png(strip, panels, stage.look.compress_level)
    write_png(picture, Image.fromarray(made.fused.picture), stage.look.compress_level)


# ---- a single person ----


def picture_of(scene: Path, person: Path, output: Path) -> Path:
    """The PNG of a single person: OUTPUT itself, or one in the folder OUTPUT.

    Raises:
        UserError: there is no such person, or OUTPUT is of the wrong kind or would replace an input.
    """
    if not person.exists():
        raise UserError(f"{person}: no such file or folder (setting PERSON)")
    picture = output if output.suffix.lower() in PHOTO_SUFFIXES else output / f"{person.stem}.png"
    for path in (picture, strip_of(picture)):
        check_output(path, [".png"], [scene, person])
    return picture


def strip_of(picture: Path) -> Path:
    """The strip beside the picture of a single person."""
    return picture.with_name(f"{picture.stem}_{STRIP}.png")


def fuse_person(stage: Stage, person: Path, picture: Path) -> Outcome:
    """Fuse a single person; write the picture and the strip.

    Raises:
        UserError: as `make`, or the folder cannot be written.
    """
    made = make(stage, person)
    write(stage, made, picture, strip_of(picture), person.stem)
    height, width = stage.scene.shape[:2]
    shares = {"x": made.spot.x / width, "foot": made.spot.foot / height, "height": made.spot.height / height}
    lines = [str(stage), "placed: " + ", ".join(f"{name.upper()} {value:.3f}" for name, value in shares.items())]
    if made.fused.shaded:
        lines.append(f"shadow: changes {made.fused.shaded} px beside the person; SHADOW 0 leaves the scene as it is")
    figures: dict[str, object] = {name: round(value, 3) for name, value in shares.items()}
    figures |= {"people in the scene": len(stage.people), "px changed by the shadow": made.fused.shaded}
    return Outcome(lines + made.notes, [picture, strip_of(picture)], [person], figures)
