"""Photos in untrusted zip archives and folders.

Nothing is unpacked to disk: members are read into memory one by one, within limits. An archive with a suspicious member
(a path out of its folder, a link, another archive, ...) is refused as a whole; an unreadable photo is skipped alone.
"""

import functools
import io
import os
import re
import stat
import struct
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from common.errors import UserError, printable, raise_faults
from common.images import MAX_PIXELS, PHOTO_SUFFIXES, decode_image, to_mode
from common.paths import resolved

ARCHIVE_SUFFIXES = {".zip", ".rar", ".7z", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".cab", ".iso", ".jar"}
MAX_RATIO = 100  # maximum of unpacked over packed bytes: photos hardly compress, zeros compress a thousandfold
RATIO_FROM_BYTES = 50_000_000  # smaller archives are never treated as zip bombs
MAX_DIRECTORY_BYTES = 64_000_000  # maximum size of an archive's table of contents, which is read at once
MAX_TRANSPARENT = 0.05  # maximum share of transparent pixels in a photo; more is a cut-out
DAMAGED = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError)
ENCRYPTED = 0x1 | 0x40 | 0x2000  # flags: ZipCrypto, strong encryption, masked headers


@dataclass(frozen=True)
class ArchiveLimits:
    """Limits of what is read.

    Attributes:
        files: maximum number of members of an archive.
        unpacked_bytes: maximum size of all photos of an archive.
        photo_bytes: maximum size of a photo's file.
    """

    files: int = 200_000
    unpacked_bytes: int = 500_000_000_000
    photo_bytes: int = 200_000_000


@dataclass(frozen=True)
class PhotoSource:
    """A photo that was found but not read yet.

    Attributes:
        label: "album.zip/in/it.jpg" or "folder/it.jpg", printable and unique in the run.
        path: path of the file; for a member of an archive, the archive's path and the member's name.
        version: changes when the file does: size and CRC-32 of a member, size and time of a file.
        read: returns the file's bytes or raises UserError, also in another process.
    """

    label: str
    path: Path
    version: str
    read: Callable[[], bytes]


@dataclass(frozen=True)
class PhotoFault:
    """A photo or an archive that is skipped, and the reason."""

    label: str
    reason: str


# ---- where photos are ----


def find_photos(
    inputs: Sequence[Path],
    limits: ArchiveLimits,
    excluded: Iterable[Path] = (),
    is_other: Callable[[Path], bool] = lambda path: False,
) -> Iterator[PhotoSource | PhotoFault]:
    """Find the photos in archives, folders (recursively) and single files, in a fixed order.

    Ignores hidden files, the extra files of macOS, and files of other kinds.

    Args:
        inputs: result of `check_inputs`.
        limits: limits of what is read.
        excluded: folders to ignore.
        is_other: whether a path is that of a picture but not of a photo, such as a mask.
    """
    passed_over = {resolved(path) for path in excluded}
    for path, label in zip(inputs, _labels(inputs), strict=True):
        if path.is_dir():
            yield from _photos_of_folder(path, label, limits, passed_over, is_other)
        else:
            yield from _photos_of_file(path, label, limits)


def check_inputs(inputs: Sequence[Path]) -> list[Path]:
    """Check the inputs and remove duplicates.

    Raises:
        UserError: there are no inputs, or some do not exist or are neither folder, zip nor photo; lists all of them.
    """
    if not inputs:
        raise UserError("setting PHOTOS is empty; name zip archives, folders or photos")
    faults = []
    for path in inputs:
        if not path.exists():
            faults.append(f"{path}: no such file or folder")
        elif not path.is_dir() and path.suffix.lower() not in {".zip", *PHOTO_SUFFIXES}:
            faults.append(f"{path}: is neither a folder, a .zip nor a photo ({', '.join(sorted(PHOTO_SUFFIXES))})")
    raise_faults("setting PHOTOS", faults)
    unique: dict[Path, Path] = {}
    for path in inputs:
        unique.setdefault(resolved(path), path)
    return list(unique.values())


def _labels(inputs: Sequence[Path]) -> list[str]:
    """Names of the inputs, with as many parent folders as make them unique."""
    parts = [resolved(path).parts for path in inputs]
    depth = 1
    while len({part[-depth:] for part in parts}) < len(parts):
        depth += 1
    return ["/".join(part[-depth:]) for part in parts]


def _photos_of_folder(
    folder: Path, label: str, limits: ArchiveLimits, excluded: set[Path], is_other: Callable[[Path], bool]
) -> Iterator[PhotoSource | PhotoFault]:
    try:
        with os.scandir(folder) as entries:
            found = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
    except OSError as error:
        yield PhotoFault(printable(label), f"cannot be opened ({error.strerror})")
        return
    for name, is_folder in found:
        path = folder / name
        if _is_junk(name) or is_other(path) or (is_folder and resolved(path) in excluded):
            continue
        if is_folder and path.suffix.lower() not in PHOTO_SUFFIXES:
            yield from _photos_of_folder(path, f"{label}/{name}", limits, excluded, is_other)
        else:
            yield from _photos_of_file(path, f"{label}/{name}", limits)


def _photos_of_file(path: Path, label: str, limits: ArchiveLimits) -> Iterator[PhotoSource | PhotoFault]:
    """A single photo, or all photos of an archive; nothing for files of other kinds."""
    suffix = path.suffix.lower()
    if suffix == ".zip":
        yield from _photos_of_archive(path, label, limits)
    elif suffix in PHOTO_SUFFIXES:
        try:
            facts = path.stat()
        except OSError as error:
            yield PhotoFault(printable(label), f"cannot be opened ({error.strerror})")
            return
        if not stat.S_ISREG(facts.st_mode):
            what = "a folder" if stat.S_ISDIR(facts.st_mode) else "a device or pipe"
            yield PhotoFault(printable(label), f"is {what}, not a picture")
            return
        version = f"{facts.st_size} {facts.st_mtime_ns}"
        yield PhotoSource(printable(label), path, version, functools.partial(_read_file, path, limits.photo_bytes))


def _photos_of_archive(path: Path, label: str, limits: ArchiveLimits) -> Iterator[PhotoSource | PhotoFault]:
    try:
        members = _photos_in(path, limits)
    except UserError as error:
        yield PhotoFault(printable(label), str(error))
        return
    for member in members:
        name = f"{label}/{member.filename}"
        version = f"{member.file_size} {member.CRC:08x}"
        read = functools.partial(_read_member, path, member, limits.photo_bytes)
        yield PhotoSource(printable(name), path / member.filename, version, read)


def _photos_in(path: Path, limits: ArchiveLimits) -> list[zipfile.ZipInfo]:
    """The members of an archive that are photos. Raises UserError, before reading any, where the archive is refused."""
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise UserError("is a folder, a pipe or a device, not an archive")
        archive = _open_archive(path, facts.st_size, facts.st_mtime_ns)
    except DAMAGED as error:
        raise UserError(
            f"is not a zip archive, or is truncated or damaged ({error})" if facts.st_size else "is empty"
        ) from error
    except OSError as error:
        raise UserError(f"cannot be opened ({error.strerror})") from error
    try:
        return check_members(archive.infolist(), facts.st_size, limits)
    except UserError as error:
        raise UserError(f"archive refused: {error}") from error


@functools.lru_cache(maxsize=1)
def _open_archive(path: Path, size_bytes: int, time_ns: int) -> zipfile.ZipFile:
    """Open an archive; it stays open for its next member, as its table of contents may be long."""
    with ExitStack() as stack:
        archive = zipfile.ZipFile(stack.enter_context(_ArchiveFile(path, "rb")))
        stack.pop_all()
        return archive


class _ArchiveFile(io.FileIO):
    """A file that refuses to read too long a table of contents, and closes when its archive is discarded."""

    def __del__(self) -> None:
        self.close()

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_DIRECTORY_BYTES:
            raise zipfile.BadZipFile("its table of contents is too long")
        return super().read(size) or b""


def _is_junk(name: str) -> bool:
    """Whether a name is that of a hidden file or of an extra file of macOS."""
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


# ---- what archives may hold ----


def check_members(
    members: Sequence[zipfile.ZipInfo], packed_bytes: int, limits: ArchiveLimits
) -> list[zipfile.ZipInfo]:
    """Check all members of an archive and select the photos.

    Args:
        members: all members.
        packed_bytes: size of the archive.
        limits: limits of what is read.

    Raises:
        UserError: too many members or bytes, a zip bomb, no photos, or refused members (names the first).
    """
    if len(members) > limits.files:
        raise UserError(f"{len(members)} members, the limit is {limits.files} (setting MAX_FILES)")
    refused = [(member, what) for member in members if (what := _what_is_refused(member))]
    repeated = [name for name, count in Counter(member.filename for member in members).items() if count > 1]
    if refused:
        more = f", and {len(refused) - 1} more such members" if len(refused) > 1 else ""
        raise UserError(f"{printable(refused[0][0].orig_filename)!r} {refused[0][1]}{more}")
    if repeated:
        raise UserError(f"two members are named {printable(repeated[0])!r}")
    photos = [m for m in members if not m.is_dir() and not _is_junk(m.filename) and _suffix(m) in PHOTO_SUFFIXES]
    _check_bytes(photos, packed_bytes, limits)
    return photos


def _what_is_refused(member: zipfile.ZipInfo) -> str:
    """Why a member is refused; empty where it is not."""
    name, kind = member.orig_filename, stat.S_IFMT(member.external_attr >> 16)
    reasons = {
        "has a NUL in its name": "\0" in name,
        "has a backslash in its name": "\\" in name,
        "has an absolute path": name.startswith("/") or re.match(r"[A-Za-z]:", name) is not None,
        "points outside its folder": ".." in name.split("/"),
        "is a link": kind == stat.S_IFLNK,
        "is not a regular file": kind not in (0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK),
        "is encrypted": bool(member.flag_bits & ENCRYPTED),
        "is an archive inside the archive": _suffix(member) in ARCHIVE_SUFFIXES and not _is_junk(name),
        "uses an unsupported compression method": member.compress_type
        not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _check_bytes(photos: Sequence[zipfile.ZipInfo], packed_bytes: int, limits: ArchiveLimits) -> None:
    """Check the sizes that the archive declares; `_read_member` reads no more than these."""
    unpacked = sum(photo.file_size for photo in photos)
    if not photos:
        raise UserError("it holds no photos")
    if not unpacked:
        raise UserError(f"all of its {len(photos)} photos are empty")
    if unpacked > limits.unpacked_bytes:
        limit = f"{limits.unpacked_bytes / 1e9:.0f} GB (setting MAX_GIGABYTES)"
        raise UserError(f"{unpacked / 1e9:.1f} GB when unpacked, the limit is {limit}")
    if unpacked > max(RATIO_FROM_BYTES, MAX_RATIO * packed_bytes):
        raise UserError(f"{unpacked / 1e6:.0f} MB packed into {packed_bytes / 1e6:.1f} MB: not photos, but a zip bomb")


def _suffix(member: zipfile.ZipInfo) -> str:
    return PurePosixPath(member.filename).suffix.lower()


# ---- reading ----


def _read_member(path: Path, member: zipfile.ZipInfo, limit_bytes: int) -> bytes:
    """Read a member, no further than the size that the archive declares for it."""
    if member.file_size > limit_bytes:
        raise UserError(_too_large(member.file_size, limit_bytes))
    try:
        facts = path.stat()
        with _open_archive(path, facts.st_size, facts.st_mtime_ns).open(member) as file:
            data = file.read(limit_bytes + 1)
    except (*DAMAGED, OSError) as error:
        raise UserError(f"cannot be unpacked ({error})") from error
    if len(data) != member.file_size:
        raise UserError("cannot be unpacked (its size is not the one that the archive declares)")
    return data


def _read_file(path: Path, limit_bytes: int) -> bytes:
    try:
        with open(path, "rb") as file:
            data = file.read(limit_bytes + 1)
    except OSError as error:
        raise UserError(f"cannot be opened ({error.strerror})") from error
    if len(data) > limit_bytes:
        raise UserError(_too_large(path.stat().st_size, limit_bytes))
    return data


def _too_large(size_bytes: int, limit_bytes: int) -> str:
    return f"has {size_bytes / 1e6:.0f} MB, the limit is {limit_bytes / 1e6:.0f} MB"


def decode_photo(data: bytes, label: str, max_pixels: int = MAX_PIXELS) -> tuple[np.ndarray, list[str]]:
    """Decode a photo upright, without metadata.

    Args:
        data: bytes of the file.
        label: name for messages.
        max_pixels: limit, checked before any pixel is decoded.

    Returns:
        (H, W, 3) uint8 RGB, and notes for the user, such as that only an animation's first frame is used.

    Raises:
        UserError: not a picture, damaged, too large, or a cut-out with transparent pixels.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        image = decode_image(Path(label), data, "RGBA", max_pixels)
    pixels = np.asarray(image)
    share = np.count_nonzero(pixels[..., 3] < 255) / pixels[..., 3].size
    if share > MAX_TRANSPARENT:
        raise UserError(f"{label}: {share:.0%} of its pixels are transparent; it is a cut-out, not a photo")
    photo = np.asarray(to_mode(Path(label), image, "RGB")) if share else np.ascontiguousarray(pixels[..., :3])
    return photo, [str(warning.message) for warning in caught if label in str(warning.message)]
