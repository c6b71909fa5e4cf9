"""Who sits for an avatar: a photo, a name and a taste, for one person or for a folder of photos."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from avatar.person.features import find_taste, parse_taste, read_tastes
from common.errors import UserError
from common.files import file_stem
from common.images import FORMATS


@dataclass(frozen=True)
class Sitter:
    """A person whose features are wanted; `taste` is 0 to 1 for every genre of GENRES."""

    photo: Path
    name: str
    taste: dict[str, float]


def one_sitter(photo: Path, taste: str, users: Path, user: str, name: str) -> Sitter:
    """The person on one photo.

    Args:
        photo: of the person.
        taste: typed in; goes before the table.
        users: table of tastes.
        user: whose row it is.
        name: of the person; empty: the user, or with a typed taste the photo's name.

    Raises:
        UserError: the taste names no genre, or the table is at fault or has no such user.
    """
    if taste.strip():
        return Sitter(photo, name.strip() or photo.stem, parse_taste(taste))
    if not user:
        raise UserError("a taste is missing; say TASTE, such as 'rock=5, jazz=3', or USER, a name in the table USERS")
    return Sitter(photo, name.strip() or user, find_taste(users, user))


def sample_photo() -> Path:
    """A real portrait in the public domain, which a package brings along."""
    import skimage

    return Path(skimage.__file__).parent / "data/astronaut.png"


def sitters_of(folder: Path, taste: str, users: Path) -> tuple[list[Sitter], dict[str, str]]:
    """Everybody with a photo in a folder; a photo is named like its person in the table.

    Args:
        folder: of photos.
        taste: typed in, for all of them; then the table is not read.
        users: table of tastes.

    Returns:
        The people in the order of their photos, and faults by the photo's name.

    Raises:
        UserError: no photos, or the table is at fault.
    """
    photos = photos_in(folder)
    if taste.strip():
        liked = parse_taste(taste)
        return _without_clashes([Sitter(photo, photo.stem, liked) for photo in photos], {})
    return match(photos, read_tastes(users), users.name)


def match(
    photos: Sequence[Path], rows: Iterable[tuple[str, dict[str, float]]], table: str
) -> tuple[list[Sitter], dict[str, str]]:
    """Bring photos and rows together by name, whatever the case and the coding of accents; see `sitters_of`."""
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
    return _without_clashes([Sitter(p, *known[_key(p.stem)]) for p in photos if p.name not in faults], faults)


def photos_in(folder: Path) -> list[Path]:
    """The pictures of a folder by name; files of other kinds, and hidden ones, are left out.

    Raises:
        UserError: there are none.
    """
    Image.init()
    suffixes = {suffix for suffix, form in Image.EXTENSION.items() if form in FORMATS}
    photos = sorted(path for path in folder.iterdir() if path.suffix.lower() in suffixes and path.name[0] != ".")
    if not photos:
        raise UserError(f"{folder}: holds no photos")
    return photos


def _without_clashes(sitters: Sequence[Sitter], faults: dict[str, str]) -> tuple[list[Sitter], dict[str, str]]:
    """Leave out, as faults, those whose results would have the name of somebody else's."""
    kept: dict[str, Sitter] = {}
    for sitter in sitters:
        other = kept.setdefault(_key(file_stem(sitter.name)), sitter)
        if other is not sitter:
            faults[sitter.photo.name] = f"its results would replace those of {other.photo.name}; rename one"
    return list(kept.values()), faults


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold().strip()
