"""The subjects of a run of avatars: one features JSON, a folder of them, or the rows of a table of tastes."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from avatar.cutout.square_crop import center_crop_to_square
from avatar.person.features import Features, read_features
from avatar.person.tastes import read_tastes
from common.errors import UserError, raise_faults
from common.files import row_file_name, sha256_of
from common.images import read_image
from common.people.selection import Box
from common.stores.copies import brought
from common.surveys.dialects import TABLE_SUFFIXES


@dataclass(frozen=True)
class Subject:
    """A person to generate an avatar of.

    Attributes:
        name: stem of the files to write.
        features: features of the person.
        file: JSON or table that the features were read from.
        photo: photo to start from; None if there is none.
        reference: photo that the picture should resemble, for an image prompt adapter; None if there is none.
        variant: number of the avatar, from 1; each has another seed.
    """

    name: str
    features: Features
    file: Path
    photo: Path | None
    reference: Path | None = None
    variant: int = 1

    @property
    def label(self) -> str:
        """Name of the subject in faults.csv: the JSON's file name, or the row's."""
        return self.file.name if self.file.suffix == ".json" else self.name

    @property
    def features_sha256(self) -> str:
        """Hash of the features, which does not depend on where file and photo are."""
        content = asdict(self.features) | {"photo": ""}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def read_photo(self) -> Image.Image | None:
        """Return the square around the face of the photo to start from, RGB at its own size; None if there is none.

        Raises:
            UserError: the photo cannot be read, is of one colour, or is not the one that the features were made from.
        """
        if self.photo is None:
            return None
        image = read_image(self.photo, "RGB")
        if not self._is_own(self.photo):
            raise UserError(
                f"{self.photo}: is not the photo that {self.file} was made from; run FeatureExtractor.py again, or "
                "set PHOTO to the right one"
            )
        return _square_of(self.photo, image, self.features.face_box)

    def read_reference(self) -> Image.Image | None:
        """Return the reference's square, around the face if it is the photo of the features; None if there is none.

        Raises:
            UserError: it cannot be read, or is of one colour.
        """
        if self.reference is None:
            return None
        box = self.features.face_box if self._is_own(self.reference) else None
        return _square_of(self.reference, read_image(self.reference, "RGB"), box)

    def _is_own(self, photo: Path) -> bool:
        return sha256_of(photo) == self.features.photo_sha256


def _square_of(path: Path, image: Image.Image, face_box: Box | None) -> Image.Image:
    square = center_crop_to_square(image, face_box)
    if not np.ptp(np.asarray(square), axis=(0, 1)).any():
        raise UserError(f"{path}: is of one colour, or transparent; there is nothing to start from")
    return square


def find_subjects(
    features: Path, *, photo: Path | None, with_photos: bool, reference: Path | None = None
) -> tuple[list[Subject], dict[str, str]]:
    """Read everybody whom the settings name.

    Args:
        features: a JSON of FeatureExtractor.py, a folder of them, or a table of tastes (.csv, .parquet).
        photo: replaces the photo path in the features of a single person.
        with_photos: False starts from no photo.
        reference: reference of a single person; None: the photo in the features.

    Returns:
        Subjects in order, and faults by file name.

    Raises:
        UserError: no subject could be read, or a photo is given for several.
    """
    single = {name: path for name, path in (("PHOTO", photo), ("REFERENCE", reference)) if path is not None}
    if features.suffix.lower() in TABLE_SUFFIXES:
        for name in single:
            raise UserError(f"setting {name} is for one person, and FEATURES is {features}, a table of many")
        return _rows_of(features), {}
    if not features.exists():
        raise UserError(f"{features}: no such file or folder; FeatureExtractor.py makes features")
    if not features.is_dir():
        return [_read_subject(features, photo, with_photos, reference)], {}
    files = sorted(path for path in features.glob("*.json") if not _is_record(path))
    if not files:
        raise UserError(f"{features}: no features JSON in it; FeatureExtractor.py makes one")
    for name in single if len(files) > 1 else ():
        raise UserError(f"setting {name} is for one person, and FEATURES is {features} with {len(files)}")
    subjects, faults = [], {}
    for path in files:
        try:
            subjects.append(_read_subject(path, photo, with_photos, reference))
        except UserError as error:
            faults[path.name] = str(error)
    if not subjects:
        raise_faults("", list(faults.values()))
    return subjects, faults


def _rows_of(table: Path) -> list[Subject]:
    found = [
        Subject(Path(row_file_name(row, name)).stem, Features(name, "", "", taste=taste), table, None)
        for row, (name, taste) in enumerate(read_tastes(table), start=1)
    ]
    raise_faults(str(table), [] if found else ["has a header but no rows"])
    return found


def _read_subject(path: Path, photo: Path | None, with_photos: bool, reference: Path | None) -> Subject:
    features = read_features(path)
    named = photo or (brought(Path(features.photo)) if features.photo else None)
    if named is not None and not named.is_file() and (path.parent / named).is_file():
        named = path.parent / named
    if with_photos and named is not None and not named.exists():
        raise UserError(f"{path}: its photo {named} does not exist; set PHOTO to the photo, or START to text")
    if reference is not None and not reference.is_file():
        raise UserError(f"{reference}: no such file; set REFERENCE to a photo of the person")
    own = named if named is not None and named.is_file() else None
    return Subject(path.stem, features, path, named if with_photos else None, reference or own)


def _is_record(path: Path) -> bool:
    """Whether a JSON is the record of a run, which common.runner writes beside results."""
    return path.name == "run.json" or path.name.endswith(".run.json")
