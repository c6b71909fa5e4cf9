"""From a photo to collages, one a person: window, mask, clean background, file."""

import hashlib
import re
import unicodedata
from dataclasses import asdict, dataclass, field
from pathlib import Path

import cv2
import numpy as np

from carousel.collages.archives import Photo, decode_photo
from carousel.collages.context_window import Box, context_window
from carousel.collages.inpainting import Method, clean_background
from carousel.collages.layout import Collage, Entry, collage_bytes, compose
from carousel.segmenters.choice import load_segmenter
from common.batches import Made
from common.errors import UserError, enough_memory
from common.images import MAX_PIXELS, read_image
from common.people.edges import refine_edges
from common.people.selection import SegmentedPerson, SelectionRules, select_people

MAX_ENLARGED = 2.0  # a window that must grow by more than this to fill its panel is dropped
WORK_FACTOR = 4  # edges are refined in a window of at most this many panels' width: the time of huge photos is bounded
HOLE_RIM = 0.03  # of the panel's side: how far the hole reaches over the mask, for soft edges
STEM_LENGTH = 40
HASH_LENGTH = 12  # 48 bits: among 100,000 photos two alike are as likely as 1 in 50,000


@dataclass(frozen=True)
class Job:
    """What is made of every photo, and where; plain values that go to worker processes.

    Attributes:
        output: folder of the collages.
        segmenter: its name.
        masks: folder of masks for "files".
        plates: folder of clean plates, each named as its photo; None: the person is painted out.
        panel_px: side of a panel.
        context: side of the window, in longer sides of the person's box.
        rules: who is left out.
        background: how the hole is filled.
        lama: LaMa's weights.
        scenes: "photo": each is a scene, together with its copies; "folder": all photos of a folder are one.
        max_pixels: of a photo.
    """

    output: Path
    segmenter: str
    masks: Path | None = None
    plates: Path | None = None
    panel_px: int = 256
    context: float = 1.4
    rules: SelectionRules = field(default_factory=SelectionRules)
    background: Method = "rows"
    lama: Path = Path()
    scenes: str = "photo"
    max_pixels: int = MAX_PIXELS


def collage_name(label: str, path: Path) -> str:
    """What the names of a photo's collages begin with: letters of its own name that any disk can hold, and a hash.

    The hash is of the whole label, so that photos of one name in two folders, or names that differ by case only, keep
    their files apart.
    """
    plain = unicodedata.normalize("NFKD", path.stem).encode("ascii", "ignore").decode("ascii")
    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", plain).strip("_-")[:STEM_LENGTH] or "photo"
    return f"{stem}-{hashlib.sha256(label.encode()).hexdigest()[:HASH_LENGTH]}"


# ---- a photo ----


class CollageMaker:
    """Makes the collages of photos; the segmenter is loaded once."""

    def __init__(self, job: Job) -> None:
        """Load the segmenter. Raises UserError where its weights or libraries are not there."""
        self._job = job
        self._segmenter = load_segmenter(job.segmenter, job.masks)

    def __call__(self, photo: Photo) -> Made:
        """A collage for each person of a photo who is fit for one.

        Returns:
            The collages; "entries" for the index, "dropped": a reason for each person who got none, and the photo's
            "sha256" as facts.

        Raises:
            UserError: the photo, its masks or its plate cannot be used.
        """
        try:
            with enough_memory("make the photo smaller, or set WORKERS to 1"):
                return self._make(photo)
        except UserError as error:
            raise UserError(str(error).removeprefix(f"{photo.label}: ")) from error

    def _make(self, found: Photo) -> Made:
        job, data = self._job, found.read()
        sha256 = hashlib.sha256(data).hexdigest()
        photo, notes = decode_photo(data, found.label, job.max_pixels)
        plate = None if job.plates is None else _read_plate(find_plate(job.plates, found.label, found.path), photo)
        kept, dropped = select_people(self._segmenter.find_people(photo, found.path), photo.shape, job.rules)
        scene = sha256[:HASH_LENGTH] if job.scenes == "photo" else found.label.rpartition("/")[0] or found.label
        files, entries = {}, []
        for number, person in enumerate(kept, start=1):
            window, made = person_collage(photo, person, plate, job)
            if isinstance(made, str):
                dropped.append(made)
                continue
            file = f"{collage_name(found.label, found.path)}_{number}.png"
            files[file] = collage_bytes(made)
            score = round(person.score, 4)
            entries.append(asdict(Entry(file, found.label, scene, window, person.box, score, self._segmenter.name)))
        ran = {
            "device": self._segmenter.device,
            "weights": list(self._segmenter.weights),
            "notes": list(notes),
            "collages": len(entries),
        }
        return Made(files, {"sha256": sha256, "entries": entries, "dropped": list(dropped)}, passing=ran)


def find_plate(plates: Path, label: str, photo: Path) -> Path:
    """The clean plate of a photo: its name or its name as PNG, in the folder that it lies in or at the top.

    Raises:
        UserError: there is none.
    """
    for folder in dict.fromkeys((Path(plates, *label.split("/")[1:-1]), plates)):
        for name in dict.fromkeys((photo.name, f"{photo.stem}.png")):
            if (folder / name).is_file():
                return folder / name
    raise UserError(f"no clean plate {plates / photo.name} (setting PLATES)")


def _read_plate(path: Path, photo: np.ndarray) -> np.ndarray:
    """The scene without people, (H, W, 3) uint8 RGB of the photo's size."""
    plate = np.asarray(read_image(path, "RGB"))
    if plate.shape != photo.shape:
        sizes = [f"{picture.shape[1]} x {picture.shape[0]}" for picture in (plate, photo)]
        raise UserError(f"the clean plate {path} has {sizes[0]} px, the photo {sizes[1]}; make them equal")
    return plate


# ---- a person ----


def person_collage(
    photo: np.ndarray, person: SegmentedPerson, plate: np.ndarray | None, job: Job
) -> tuple[Box, Collage | str]:
    """Cut the window around a person out and make the four panels of it.

    The person alone is removed from the background; other people belong to the scene.

    Args:
        photo: (H, W, 3) uint8 RGB.
        person: who it is about.
        plate: the same photo without people, or None.
        job: panels, context and how the hole is filled.

    Returns:
        The window in px of the photo, and the collage or the reason why there is none.
    """
    window = context_window(person.box, person.mask.shape, job.context)
    left, top, right, bottom = window
    if job.panel_px > MAX_ENLARGED * min(right - left, bottom - top):
        size = f"{right - left} x {bottom - top} px"
        return window, f"too small: the window of {size} would be enlarged more than {MAX_ENLARGED:g}x"
    part = photo[top:bottom, left:right]
    mask = panel_mask(part, person.mask[top:bottom, left:right], job.panel_px, refine=job.segmenter != "files")
    rim = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, [2 * round(HOLE_RIM * job.panel_px) + 1] * 2)
    hole = cv2.dilate(mask, rim) > 0
    if not mask.any():
        return window, "no mask left: nothing of the person remains"
    if hole.all():
        return window, "no background: the person fills the window"
    truth = resize(part, job.panel_px)
    if plate is not None:
        return window, compose(truth, resize(plate[top:bottom, left:right], job.panel_px), mask)
    return window, compose(truth, clean_background(truth, hole, job.background, job.lama), mask)


def panel_mask(part: np.ndarray, person: np.ndarray, panel_px: int, refine: bool) -> np.ndarray:
    """The person's mask at the panel's size.

    The soft edge is cut at a half where the photo is sharp, and once more after shrinking by a box filter, so that no
    grey is left.

    Args:
        part: (H, W, 3) uint8 RGB, the window.
        person: (H, W) bool, the segmenter's mask there.
        panel_px: side of the panel.
        refine: bring the edge to where the photo has one; not for masks that a person made.

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
    """Bring a picture to a square; each direction by its own means: a box filter to shrink, cubic to enlarge.

    Args:
        picture: (H, W) or (H, W, 3), uint8 or float32.
        side_px: of the square.
    """
    for size in ((side_px, picture.shape[0]), (side_px, side_px)):
        shrinks = size[0] * size[1] <= picture.shape[0] * picture.shape[1]
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return picture
