"""From a photo to collages, one for each person: window, mask, clean background, PNG."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import cv2
import numpy as np

from carousel.collages.archives import PhotoSource, decode_photo
from carousel.collages.context_window import context_window
from carousel.collages.inpainting import Method, clean_background
from carousel.collages.layout import Collage, CollageEntry, collage_bytes, compose
from carousel.segmenters.choice import load_segmenter
from common.batches import Made
from common.errors import UserError, enough_memory
from common.images import MAX_PIXELS, read_image
from common.people.edges import refine_edges
from common.people.selection import Box, SegmentedPerson, SelectionRules, select_people

NOBODY = "no person found"
MAX_ENLARGED = 2.0  # a person whose window would be enlarged more than this is dropped
WORK_FACTOR = 4  # maximum side of the window in which edges are refined, in panels: bounds the time for huge photos
HOLE_RIM = 0.03  # margin of the hole around the mask for soft edges, as a share of the panel's side
STEM_LENGTH = 40  # maximum length of the photo's own name in a collage's name
HASH_LENGTH = 12  # 48 bits: the chance of a collision among 100,000 photos is 1 in 50,000


@dataclass(frozen=True, kw_only=True)
class CollageSettings:
    """Settings of all collages of a folder; plain values, sent to worker processes.

    Attributes:
        output: folder of the collages.
        segmenter: name of the segmenter.
        segmenter_weights: file of weights for "maskrcnn" or "detectron2"; None: the official ones.
        masks: folder of masks for the segmenter "files"; None: beside the photos.
        plates: folder of clean plates, named like the photos; None: fill the hole.
        panel_px: side of a panel.
        context: side of the window, in longer sides of the person's box.
        rules: limits that people must meet.
        inpainter: method that fills the hole.
        lama: file of LaMa's weights.
        scenes: "photo": each photo is a scene, together with its copies; "folder": each folder is a scene.
        max_pixels: maximum size of a photo.
    """

    output: Path
    segmenter: str
    segmenter_weights: Path | None = None
    masks: Path | None = None
    plates: Path | None = None
    panel_px: int = 256
    context: float = 1.4
    rules: SelectionRules = field(default_factory=SelectionRules)
    inpainter: Method = "patches"
    lama: Path = Path()
    scenes: str = "photo"
    max_pixels: int = MAX_PIXELS


def collage_name(label: str, path: Path) -> str:
    """Beginning of the names of a photo's collages: portable letters of its own name, and a hash of the whole label.

    The hash separates photos of one name in two folders, and names that differ by case only.
    """
    plain = unicodedata.normalize("NFKD", path.stem).encode("ascii", "ignore").decode("ascii")
    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", plain).strip("_-")[:STEM_LENGTH] or "photo"
    return f"{stem}-{hashlib.sha256(label.encode()).hexdigest()[:HASH_LENGTH]}"


# ---- a photo ----


class CollageMaker:
    """Makes collages of photos; loads the segmenter once."""

    def __init__(self, settings: CollageSettings) -> None:
        """Load the segmenter. Raises UserError where its weights or libraries are missing."""
        self._settings = settings
        self._segmenter = load_segmenter(settings.segmenter, settings.masks, settings.segmenter_weights)

    def __call__(self, photo: PhotoSource) -> Made:
        """Make a collage of each person who meets the rules.

        Returns:
            The collages, and as facts the "entries" of the index, the reasons why people, or a photo without people,
            were "dropped", and the photo's "sha256".

        Raises:
            UserError: the photo, its masks or its plate cannot be used.
        """
        try:
            with enough_memory("make the photo smaller, or set WORKERS to 1"):
                return self._make(photo)
        except UserError as error:
            raise UserError(str(error).removeprefix(f"{photo.label}: ")) from error

    def _make(self, found: PhotoSource) -> Made:
        settings, data = self._settings, found.read()
        sha256 = hashlib.sha256(data).hexdigest()
        photo, notes = decode_photo(data, found.label, settings.max_pixels)
        plate = (
            None
            if settings.plates is None
            else _read_plate(find_plate(settings.plates, found.label, found.path), photo)
        )
        people = self._segmenter.find_people(photo, found.path)
        kept, dropped = select_people(people, photo.shape, settings.rules) if people else ([], [NOBODY])
        scene = sha256[:HASH_LENGTH] if settings.scenes == "photo" else found.label.rpartition("/")[0] or found.label
        files, entries = {}, []
        for number, person in enumerate(kept, start=1):
            others = [other for other in people if other is not person]
            window, made = person_collage(photo, person, plate, settings, others=others)
            if isinstance(made, str):
                dropped.append(made)
                continue
            file = f"{collage_name(found.label, found.path)}_{number}.png"
            files[file] = collage_bytes(made)
            score = round(person.score, 4)
            entries.append(
                asdict(CollageEntry(file, found.label, scene, window, person.box, score, self._segmenter.name))
            )
        ran = {
            "device": self._segmenter.device,
            "weights": list(self._segmenter.weights),
            "notes": list(notes),
            "collages": len(entries),
        }
        return Made(files, {"sha256": sha256, "entries": entries, "dropped": list(dropped)}, passing=ran)


def find_plate(plates: Path, label: str, photo: Path) -> Path:
    """Find the clean plate of a photo: a file of its name, or a PNG, in its own subfolder or at the top.

    Raises:
        UserError: there is none.
    """
    for folder in dict.fromkeys((Path(plates, *label.split("/")[1:-1]), plates)):
        for name in dict.fromkeys((photo.name, f"{photo.stem}.png")):
            if (folder / name).is_file():
                return folder / name
    raise UserError(f"no clean plate {plates / photo.name} (setting PLATES)")


def _read_plate(path: Path, photo: np.ndarray) -> np.ndarray:
    """Read a clean plate, (H, W, 3) uint8 RGB of the photo's size."""
    plate = np.asarray(read_image(path, "RGB"))
    if plate.shape != photo.shape:
        sizes = [f"{picture.shape[1]} x {picture.shape[0]}" for picture in (plate, photo)]
        raise UserError(f"the clean plate {path} has {sizes[0]} px, the photo {sizes[1]}; make their sizes equal")
    return plate


# ---- a person ----


def person_collage(
    photo: np.ndarray,
    person: SegmentedPerson,
    plate: np.ndarray | None,
    settings: CollageSettings,
    *,
    others: Sequence[SegmentedPerson] = (),
) -> tuple[Box, Collage | str]:
    """Make the collage of one person.

    Only this person is removed from the background; other people belong to the scene, but are not copied into the hole.

    Args:
        photo: (H, W, 3) uint8 RGB.
        person: person found in the photo.
        plate: the photo without people, or None.
        settings: settings of all collages.
        others: the other people in the photo.

    Returns:
        The window in px of the photo, and the collage or the reason why there is none.
    """
    window = context_window(person.box, person.mask.shape, settings.context)
    left, top, right, bottom = window
    if settings.panel_px > MAX_ENLARGED * min(right - left, bottom - top):
        size = f"{right - left} x {bottom - top} px"
        return window, f"too small: the window of {size} would be enlarged more than {MAX_ENLARGED:g}x"
    part = photo[top:bottom, left:right]
    mask = panel_mask(
        part, person.mask[top:bottom, left:right], settings.panel_px, refine=settings.segmenter != "files"
    )
    rim = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, [2 * round(HOLE_RIM * settings.panel_px) + 1] * 2)
    hole = cv2.dilate(mask, rim) > 0
    if not mask.any():
        return window, "no mask left: nothing of the person remains"
    if hole.all():
        return window, "no background: the person fills the window"
    truth = resize(part, settings.panel_px)
    if plate is not None:
        return window, compose(truth, resize(plate[top:bottom, left:right], settings.panel_px), mask)
    avoid = np.zeros_like(hole)
    for other in others:
        seen = other.mask[top:bottom, left:right].astype(np.uint8)
        avoid |= cv2.dilate(cv2.resize(seen, hole.shape[::-1], interpolation=cv2.INTER_AREA), rim) > 0
    background = clean_background(truth, hole, settings.inpainter, settings.lama, avoid=avoid)
    return window, compose(truth, background, mask)


def panel_mask(part: np.ndarray, person: np.ndarray, panel_px: int, refine: bool) -> np.ndarray:
    """Resize the person's mask to the panel; it is cut at 0.5 before and after resizing, so that no grey remains.

    Args:
        part: (H, W, 3) uint8 RGB, the window.
        person: (H, W) bool, the segmenter's mask in the window.
        panel_px: side of the panel.
        refine: fit the edge to the photo; not for masks that a person made.

    Returns:
        (S, S) uint8 of 0 or 255.
    """
    largest = WORK_FACTOR * panel_px
    if max(person.shape) > largest:
        scale = largest / max(person.shape)
        size = (max(1, round(person.shape[1] * scale)), max(1, round(person.shape[0] * scale)))
        part = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
        person = cv2.resize(person.astype(np.float32), size, interpolation=cv2.INTER_AREA) >= 0.5
    hard = (refine_edges(part, person) >= 0.5 if refine else person).astype(np.float32)
    return np.where(resize(hard, panel_px) >= 0.5, 255, 0).astype(np.uint8)


def resize(picture: np.ndarray, side_px: int) -> np.ndarray:
    """Resize a picture to a square; each direction by a box filter to shrink, or cubic to enlarge.

    Args:
        picture: (H, W) or (H, W, 3), uint8 or float32.
        side_px: side of the square.
    """
    for size in ((side_px, picture.shape[0]), (side_px, side_px)):
        shrinks = size[0] * size[1] <= picture.shape[0] * picture.shape[1]
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return picture
