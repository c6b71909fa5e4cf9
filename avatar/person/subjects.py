"""The people whom a run draws: one JSON of features, a folder of them, or the rows of a table of tastes."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from avatar.cutout.background_removal import center_crop_to_square
from avatar.person.features import Features, read_features, read_tastes
from common.errors import UserError, raise_faults
from common.files import row_file_name, sha256_of
from common.images import read_image
from common.surveys.dialects import TABLE_SUFFIXES


@dataclass(frozen=True)
class Person:
    """Somebody to draw.

    Attributes:
        name: of the files that are written.
        features: of the person.
        file: where they stand.
        photo: the person's photo; None where there is none.
    """

    name: str
    features: Features
    file: Path
    photo: Path | None

    @property
    def features_sha256(self) -> str:
        """Of what the features say, wherever file and photo lie."""
        content = asdict(self.features) | {"photo": ""}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def read_photo(self) -> Image.Image | None:
        """The photo's square around the face, RGB in its own size; None where there is no photo.

        Raises:
            UserError: it cannot be read, shows nothing, or is another one than the features were made from.
        """
        if self.photo is None:
            return None
        image = read_image(self.photo, "RGB")
        if sha256_of(self.photo) != self.features.photo_sha256:
            raise UserError(
                f"{self.photo}: is not the photo that {self.file} was made from; make that anew by "
                "FeatureExtractor.py, or set PHOTO to the right one"
            )
        square = center_crop_to_square(image, self.features.face_box)
        if not np.ptp(np.asarray(square), axis=(0, 1)).any():
            raise UserError(f"{self.photo}: of one colour throughout, or transparent; nothing to start from")
        return square


def find_people(features: Path, photo: Path | None, from_photo: bool) -> tuple[list[Person], dict[str, str]]:
    """Everybody whom the settings name.

    Args:
        features: a JSON of FeatureExtractor.py, a folder of such, or a table of tastes (.csv, .parquet).
        photo: of the one person, where it is not where the features say.
        from_photo: whether photos are wanted at all.

    Returns:
        People in order, and what is wrong with others, by file name.

    Raises:
        UserError: nobody at all, or a photo for more than one.
    """
    if features.suffix.lower() in TABLE_SUFFIXES:
        if photo is not None:
            raise UserError(f"setting PHOTO is for one person, and FEATURES is {features}, a table of many")
        rows = enumerate(read_tastes(features), start=1)
        found = [
            Person(Path(row_file_name(row, name)).stem, Features(name, "", "", taste=taste), features, None)
            for row, (name, taste) in rows
        ]
        raise_faults(str(features), [] if found else ["has a header but no rows"])
        return found, {}
    if not features.exists():
        raise UserError(f"{features}: no such file or folder; FeatureExtractor.py makes features")
    if not features.is_dir():
        return [_person(features, photo, from_photo)], {}
    files = sorted(path for path in features.glob("*.json") if not _is_record(path))
    if not files:
        raise UserError(f"{features}: no JSON of features in it; FeatureExtractor.py makes one")
    if photo is not None and len(files) > 1:
        raise UserError(f"setting PHOTO is for one person, and FEATURES is {features} with {len(files)}")
    people, faults = [], {}
    for path in files:
        try:
            people.append(_person(path, photo, from_photo))
        except UserError as error:
            faults[path.name] = str(error)
    if not people:
        raise_faults("", list(faults.values()))
    return people, faults


def _person(path: Path, photo: Path | None, from_photo: bool) -> Person:
    features = read_features(path)
    if not from_photo:
        return Person(path.stem, features, path, None)
    named = photo or (Path(features.photo) if features.photo else None)
    if named is not None and not named.is_file() and (path.parent / named).is_file():
        named = path.parent / named
    if named is not None and not named.exists():
        raise UserError(f"{path}: its photo {named} is not there; set PHOTO to where it is, or START to text")
    return Person(path.stem, features, path, named)


def _is_record(path: Path) -> bool:
    """The JSON of a run, which common.runner writes beside results."""
    return path.name == "run.json" or path.name.endswith(".run.json")
