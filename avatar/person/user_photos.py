"""Pairs photos with users: one photo, or a folder whose photos are named like the users of a table."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from avatar.person.tastes import find_taste, read_tastes
from common.errors import UserError
from common.files import file_stem
from common.genres import parse_taste
from common.images import PHOTO_SUFFIXES


@dataclass(frozen=True)
class UserPhoto:
    """A photo with its user's name and taste, which is 0 to 1 for every genre of GENRES."""

    photo: Path
    name: str
    taste: dict[str, float]


def one_user_photo(photo: Path, *, taste: str, users: Path, user: str, name: str) -> UserPhoto:
    """Combine one photo with a taste.

    Args:
        photo: photo of the person.
        taste: typed taste; takes precedence over the table.
        users: table of tastes.
        user: user of the table whose taste is used.
        name: name of the person; empty: `user`, or the photo's name if the taste is typed.

    Raises:
        UserError: no such photo, the taste names no genre, or the table is faulty or has no such user.
    """
    if not photo.is_file():
        raise UserError(f"{photo}: no such file")
    if taste.strip():
        return UserPhoto(photo, name.strip() or photo.stem, parse_taste(taste))
    if not user:
        raise UserError("no taste given; set TASTE, such as 'rock=5, jazz=3', or USER to a name in the table USERS")
    return UserPhoto(photo, name.strip() or user, find_taste(users, user))


def sample_photo() -> Path:
    """Return the path of a real portrait in the public domain, which scikit-image ships."""
    import skimage

    return Path(skimage.__file__).parent / "data/astronaut.png"


def user_photos_of(folder: Path, *, taste: str, users: Path) -> tuple[list[UserPhoto], dict[str, str]]:
    """Combine every photo of a folder with the taste of the user who has the photo's name.

    Args:
        folder: folder of photos.
        taste: typed taste for all photos; if given, the table is not read.
        users: table of tastes.

    Returns:
        User photos in the order of the file names, and faults by file name.

    Raises:
        UserError: the folder has no photos, or the table is faulty.
    """
    photos = photos_in(folder)
    if taste.strip():
        liked = parse_taste(taste)
        return _without_clashes([UserPhoto(photo, photo.stem, liked) for photo in photos], {})
    return match_by_name(photos, read_tastes(users), users.name)


def match_by_name(
    photos: Sequence[Path], rows: Iterable[tuple[str, dict[str, float]]], table: str
) -> tuple[list[UserPhoto], dict[str, str]]:
    """Match photos and rows by name, ignoring case and Unicode normalisation; returns as `user_photos_of`."""
    wanted = {_key(photo.stem) for photo in photos}
    exact = {photo.stem for photo in photos}
    known: dict[str, tuple[str, dict[str, float]]] = {}
    for name, taste in rows:
        key = _key(name)
        if key in wanted and (key not in known or name in exact):
            known[key] = name, taste
    faults = {
        photo.name: f"{table} has no user {photo.stem!r}; name the photo like the user"
        for photo in photos
        if _key(photo.stem) not in known
    }
    return _without_clashes([UserPhoto(p, *known[_key(p.stem)]) for p in photos if p.name not in faults], faults)


def photos_in(folder: Path) -> list[Path]:
    """List the pictures of a folder by name, without hidden files.

    Raises:
        UserError: there are none.
    """
    photos = sorted(p for p in folder.iterdir() if p.suffix.lower() in PHOTO_SUFFIXES and p.name[0] != ".")
    if not photos:
        raise UserError(f"{folder}: contains no photos")
    return photos


def _without_clashes(
    user_photos: Sequence[UserPhoto], faults: dict[str, str]
) -> tuple[list[UserPhoto], dict[str, str]]:
    """Drop those whose results would have the same file name as an earlier one's, and add them to the faults."""
    kept: dict[str, UserPhoto] = {}
    for found in user_photos:
        other = kept.setdefault(_key(file_stem(found.name)), found)
        if other is not found:
            faults[found.photo.name] = f"its results would replace those of {other.photo.name}; rename one of them"
    return list(kept.values()), faults


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold().strip()
