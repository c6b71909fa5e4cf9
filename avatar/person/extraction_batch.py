"""Extracts the features of one person or many, and never replaces a features JSON that a person has edited."""

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avatar.person.feature_extraction import FAULT_SUFFIX, PICTURE_SUFFIX, ExtractionSettings, Extractor, origin_of
from avatar.person.features import is_edited
from avatar.person.features_picture import face_tile
from avatar.person.user_photos import UserPhoto
from common.batches import Batch, Item, run_batch
from common.errors import UserError
from common.files import FAULTS, file_stem, no_file, write_faults
from common.grids import evenly, picture_grid
from common.images import write_png
from common.paths import shown
from common.ray_engine import RayCluster

CONTACT_SHEET = "contact_sheet.png"


@dataclass(frozen=True)
class Extraction:
    """Result of a run.

    Attributes:
        made: number of people whose features were extracted now.
        kept: number of people whose features are up to date.
        edited: number of people whose JSON was edited, and so was kept.
        faults: why photos were skipped, by file name.
        weights: names of the weights that ran.
        device: device that computed.
        faces: number of faces in the last photo.
    """

    made: int
    kept: int
    edited: int
    faults: dict[str, str]
    weights: list[str]
    device: str
    faces: int = 0


def extract_features(
    user_photos: Sequence[UserPhoto],
    settings: ExtractionSettings,
    output: Path,
    *,
    overwrite: bool,
    ray: RayCluster | None = None,
) -> Extraction:
    """Write NAME.json and NAME_face.png for everybody whose features are missing or out of date.

    Args:
        user_photos: photos with names that give different files.
        settings: what may be inferred.
        output: folder for the results; results of other people in it do not change.
        overwrite: replace JSONs even if they were edited.
        ray: where Ray extracts them; None: without Ray.

    Raises:
        UserError: weights are missing, or the folder cannot be written or is used by another run.
    """
    pending, used = [], dict[str, Any]()
    for user_photo in user_photos:
        file = output / f"{file_stem(user_photo.name)}.json"
        if file.exists() and is_edited(file):
            if not overwrite:
                continue
            file.unlink()
        pending.append(user_photo)
    batch: Batch[UserPhoto, None] = Batch(
        folder=output,
        settings={},
        files=(rf"(.+){PICTURE_SUFFIX}\.png", rf"(.+){FAULT_SUFFIX}\.png", r"([^.]+)\.json"),
        overviews=(CONTACT_SHEET.replace(".", r"\."),),
        exclusive=False,
        set_up=functools.partial(Extractor, settings),
        tables=lambda records: None,
        watch=used.update,
        what="features",
        unit="photo",
        ray=ray,
    )
    with run_batch(batch, functools.partial(_items, pending, settings)) as outcome:
        edited, weights, device = len(user_photos) - len(pending), used.get("weights", []), used.get("device", "CPU")
        return Extraction(outcome.made, outcome.kept, edited, outcome.faults, weights, device, used.get("faces", 0))


def _items(user_photos: Sequence[UserPhoto], settings: ExtractionSettings) -> Iterator[Item[UserPhoto]]:
    for found in user_photos:
        fault = "" if found.photo.is_file() else no_file(found.photo, "a picture")
        origin = "" if fault else origin_of(found, settings)
        yield Item(file_stem(found.name), origin, found.photo.name, None if fault else found, fault)


def extract_one(user_photo: UserPhoto, settings: ExtractionSettings, output: Path, *, overwrite: bool) -> Extraction:
    """Extract the features of one person and print what became of them.

    Raises:
        UserError: the photo cannot be read, shows no face, or several of which none was chosen.
    """
    result = extract_features([user_photo], settings, output, overwrite=overwrite)
    for fault in result.faults.values():
        write_faults(output, {})
        raise UserError(f"{user_photo.photo}: {fault}")
    file = output / f"{file_stem(user_photo.name)}.json"
    if result.edited:
        print(f"kept: {shown(file)}, which was edited; OVERWRITE replaces it")
    else:
        print(f"{'up to date' if result.kept else 'written'}: {shown(file)}, {file.stem}{PICTURE_SUFFIX}.png")
    if result.faces > 1 and settings.face is None:
        choice = f"set FACE, 1 to {result.faces} from the left, for another"
        print(f"{result.faces} faces found, of which the largest is used; {choice}")
    return result


def write_overviews(output: Path, user_photos: Sequence[UserPhoto], faults: Mapping[str, str], tiles: int) -> None:
    """Write faults.csv, and a contact sheet of at most `tiles` people.

    Raises:
        UserError: nobody has features.
    """
    write_faults(output, faults)
    there = [found for found in user_photos if found.photo.name not in faults]
    if not there:
        raise UserError(f"nobody has features; {len(faults)} photos skipped, see {shown(output / FAULTS)}")
    pictures = [output / f"{file_stem(found.name)}{PICTURE_SUFFIX}.png" for found in there]
    some = evenly([path for path in pictures if path.exists()], tiles)
    if some:
        names = [path.stem.removesuffix(PICTURE_SUFFIX) for path in some]
        openers = [functools.partial(face_tile, path) for path in some]
        write_png(output / CONTACT_SHEET, picture_grid(openers, names, 4, 320, f"{len(there)} people"))
