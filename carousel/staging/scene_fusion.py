"""Fusing people into one scene: the scene, the model and the segmenter are loaded once."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from carousel.fusion.inference import load_model
from carousel.segmenters.choice import Segmenter, SegmenterName, load_segmenter
from carousel.staging.cast_shadows import CastShadow, find_cast_shadow
from carousel.staging.compositing import FusedScene, fuse_cutout, place_cutout
from carousel.staging.horizon import Horizon, find_horizon
from carousel.staging.overview_pictures import before_after
from carousel.staging.person_cutout import PersonCutout, read_cutout
from carousel.staging.placement import NO_COVER, PersonPlacement, RequestedPlacement, find_placement
from common.errors import UserError, enough_memory
from common.files import check_output, write_bytes
from common.images import PHOTO_SUFFIXES, png_bytes, read_image
from common.people.embedded_segmenter import EmbeddedSegmenter
from common.people.selection import SegmentedPerson

ADULT_M = 1.7  # height of the adults by whom a scene's scale is known
ENLARGED = 2.0  # cut-outs enlarged by more than this look soft
STRIP = "before_after"


class SegmenterError(Exception):
    """The segmenter cannot be loaded, which ends the run and not only the work on one picture."""


@dataclass(frozen=True, kw_only=True)
class FusionSettings:
    """Settings of all pictures of a run; plain values, sent to worker processes.

    Attributes:
        scene: picture of the scene.
        checkpoint: checkpoint of the model.
        segmenter: name of the segmenter.
        segmenter_weights: file of weights for "maskrcnn" or "detectron2"; None: the official ones.
        masks: folder of masks for the segmenter "files"; None: beside the photos.
        find_people: find people in the scene where a placement is proposed.
        requested: placement set by the user.
        is_half: whether the lower edge cuts the figures; None: detect it.
        strength: share of the predicted change of colour that is applied, 0 to 1.
        refuse_several: refuse photos of several people of whom none is the largest by far.
        shadow: strength of the shadow, 0 to 1.
        scene_light: strength of the scene's own light on the person, 0 to 1.
        body_height_m: height of the person upright, m.
        compress_level: PNG compression, 0 to 9.
    """

    scene: Path
    checkpoint: Path
    segmenter: SegmenterName
    segmenter_weights: Path | None
    masks: Path | None
    find_people: bool
    requested: RequestedPlacement
    is_half: bool | None
    strength: float
    refuse_several: bool
    shadow: float
    scene_light: float
    body_height_m: float
    compress_level: int


@dataclass(frozen=True)
class FusedPerson:
    """A person fused into the scene, where the person stands, and notes for the user."""

    placement: PersonPlacement
    fused: FusedScene
    notes: list[str]


@dataclass(frozen=True)
class FusionReport:
    """Results of a run.

    Attributes:
        lines: lines to print.
        written: main files written.
        used: pictures of people that were fused.
        figures: figures for the record.
        weights: names of the weights used.
        faults: reasons why people were skipped, by file name.
    """

    lines: list[str]
    written: list[Path]
    used: list[Path]
    figures: dict[str, object]
    weights: list[str]
    faults: dict[str, str] = field(default_factory=dict)


class SceneFuser:
    """Fuses people into one scene.

    Attributes:
        scene: (H, W, 3) uint8.
        people: people found in the scene.
    """

    def __init__(self, settings: FusionSettings) -> None:
        """Read the scene, find people in it where a placement is proposed, and load the model.

        Raises:
            UserError: the scene or the checkpoint cannot be used, or the segmenter cannot be loaded.
        """
        self._settings = settings
        self.scene = read_scene(settings.scene)
        self.people: list[SegmentedPerson] = []
        if settings.find_people and not settings.requested.are_complete:
            try:
                self.people = self._find_people(self.scene, settings.scene)
            except SegmenterError as error:
                raise UserError(
                    f"{error}; or place the person without them: --no-find-people, setting FIND_PEOPLE"
                ) from error
        self._network, self._device = load_model(settings.checkpoint)

    @property
    def weights(self) -> list[str]:
        """Names of the weights used so far."""
        used = self._segmenter.weights if "_segmenter" in self.__dict__ else []
        return [self._settings.checkpoint.name, *used]

    @cached_property
    def _segmenter(self) -> Segmenter:
        """The segmenter, loaded for the first picture that needs it."""
        try:
            return load_segmenter(self._settings.segmenter, self._settings.masks, self._settings.segmenter_weights)
        except UserError as error:
            raise SegmenterError(str(error)) from error

    @cached_property
    def _horizon(self) -> Horizon | None:
        return find_horizon(self.scene)

    @cached_property
    def _cast_shadow(self) -> CastShadow | None:
        return find_cast_shadow(self.scene, self.people)

    def _stature(self, cutout: PersonCutout) -> float:
        """Height of a figure in heights of a standing adult; crouching is seen where the embedded segmenter is used."""
        share = None
        if "_segmenter" in self.__dict__ and isinstance(self._segmenter, EmbeddedSegmenter):
            share = None if cutout.silhouette.is_half else self._segmenter.upright_share(cutout.rgba)
        return (1.0 if share is None else share) * self._settings.body_height_m / ADULT_M

    def _find_people(self, photo: np.ndarray, source: Path) -> list[SegmentedPerson]:
        return self._segmenter.find_people(photo, source)

    def __str__(self) -> str:
        height, width = self.scene.shape[:2]
        return f"scene of {width} x {height} px, people found in it: {len(self.people)}"

    def fuse(self, person: Path) -> FusedPerson:
        """Fuse one person into the scene.

        Args:
            person: a photo, a cut-out or an avatar.

        Raises:
            UserError: the picture shows no usable person, the place is outside the scene, or there is too little
                memory.
            SegmenterError: the segmenter is needed and cannot be loaded.
        """
        settings, (height, width) = self._settings, self.scene.shape[:2]
        with enough_memory("make the scene smaller, lower HEIGHT, or close other programs"):
            cutout = read_cutout(person, self._find_people, settings.is_half, settings.refuse_several)
            silhouette = replace(cutout.silhouette, stature=self._stature(cutout))
            placement = find_placement(
                silhouette, (width, height), self.people, settings.requested, horizon=self._horizon
            )
            shadow = 0.0 if cutout.silhouette.is_half else settings.shadow
            placed = place_cutout(cutout, placement, (height, width))
            fused = fuse_cutout(
                self.scene,
                placed,
                self._network,
                self._device,
                strength=settings.strength,
                shadow=shadow,
                scene_light=settings.scene_light,
                cast=None if cutout.silhouette.is_half else self._cast_shadow,
            )
        notes = list(cutout.notes)
        if placed.enlarged > ENLARGED:
            notes.append(f"{person.name}: enlarged {placed.enlarged:.1f} times; a larger picture would look sharper")
        if placement.covered > NO_COVER:
            notes.append(f"{person.name}: overlaps people in the scene because there is no free space next to them")
        return FusedPerson(placement, fused, notes)

    def picture(self, person: FusedPerson) -> bytes:
        """The fused picture as PNG."""
        return png_bytes(Image.fromarray(person.fused.picture), self._settings.compress_level)

    def strip(self, person: FusedPerson, title: str) -> bytes:
        """The before / after strip as PNG."""
        pasted = self.scene.copy()
        pasted[person.fused.window] = person.fused.pasted
        panels = before_after((self.scene, pasted, person.fused.picture), person.fused.window, title)
        return png_bytes(panels, self._settings.compress_level)


def read_scene(path: Path) -> np.ndarray:
    """Read a scene, (H, W, 3) uint8.

    Raises:
        UserError: the picture cannot be read, or has transparent pixels.
    """
    pixels = np.asarray(read_image(path))
    if pixels[..., 3].min() < 255:
        raise UserError(f"{path}: is transparent in places; a scene must be opaque, save it without alpha")
    return np.ascontiguousarray(pixels[..., :3])


# ---- a single person ----


def picture_of(scene: Path, person: Path, output: Path) -> Path:
    """The PNG of a single person: OUTPUT itself, or a file in the folder OUTPUT.

    Raises:
        UserError: there is no such person, or OUTPUT has another suffix or would replace an input.
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


def fuse_person(settings: FusionSettings, person: Path, picture: Path) -> FusionReport:
    """Fuse a single person; write the picture and the strip.

    Raises:
        UserError: see `SceneFuser`; or the folder cannot be written.
    """
    fuser = SceneFuser(settings)
    try:
        made = fuser.fuse(person)
    except SegmenterError as error:
        raise UserError(str(error)) from error
    write_bytes(strip_of(picture), fuser.strip(made, person.stem))
    write_bytes(picture, fuser.picture(made))
    height, width = fuser.scene.shape[:2]
    spot = made.placement
    shares = {"x": spot.x / width, "foot": spot.foot / height, "height": spot.height / height}
    place = ", ".join(f"{name.upper()} {value:.3f}" for name, value in shares.items())
    lines = [str(fuser), f"placed: {place}; {spot.basis}, plausibility {spot.plausibility:.1f} of 1"]
    lines.append(f"scene's light: {made.fused.light}")
    if made.fused.shaded:
        lines.append(f"shadow: changes {made.fused.shaded} px beside the person; SHADOW 0 leaves the scene as it is")
    figures: dict[str, object] = {name: round(value, 3) for name, value in shares.items()}
    figures |= {"people in the scene": len(fuser.people), "px changed by the shadow": made.fused.shaded}
    return FusionReport(lines + made.notes, [picture, strip_of(picture)], [person], figures, fuser.weights)
