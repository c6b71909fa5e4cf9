"""Photos out of untrusted zip archives and folders.

Nothing is unpacked to disk: the members of an archive are read into memory one by one, and no more of each than the
limits allow. An archive with a member that could mean harm (a path out of its folder, a link, another archive, ...) is
refused as a whole; a photo that cannot be read is a fault of its own.
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

from common.errors import UserError, raise_faults
from common.images import MAX_PIXELS, PHOTO_SUFFIXES, UNREAD_SUFFIXES, decode_image, to_mode

ARCHIVE_SUFFIXES = {".zip", ".rar", ".7z", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".cab", ".iso", ".jar"}
MAX_RATIO = 100  # of unpacked to packed bytes; a photo is packed already, zeros pack a thousandfold
RATIO_FROM_BYTES = 50_000_000  # less than this is never called a bomb
MAX_DIRECTORY_BYTES = 64_000_000  # of an archive's table of contents, which is read at once
MAX_TRANSPARENT = 0.05  # share of a photo's pixels; more is a cut-out
DAMAGED = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError)
ENCRYPTED = 0x1 | 0x40 | 0x2000  # flags: ZipCrypto, strong encryption, masked headers


@dataclass(frozen=True)
class Limits:
    """What is read at most.

    Attributes:
        files: members of one archive.
        unpacked_bytes: of all photos of one archive.
        photo_bytes: of one photo's file.
        pixels: of one photo.
    """

    files: int = 200_000
    unpacked_bytes: int = 500_000_000_000
    photo_bytes: int = 200_000_000
    pixels: int = MAX_PIXELS


@dataclass(frozen=True)
class Photo:
    """A photo that was found; it is read when its turn comes.

    Attributes:
        label: "album.zip/in/it.jpg" or "folder/it.jpg", printable and unlike every other of the run.
        path: its file; for a member of an archive the archive's path with the member's name.
        version: changes when the file does: size and CRC-32 of a member, size and time of a file.
        read: gives the file's bytes or raises UserError, also in another process.
    """

    label: str
    path: Path
    version: str
    read: Callable[[], bytes]


@dataclass(frozen=True)
class Fault:
    """A photo or an archive that is left out, and why."""

    label: str
    reason: str


# ---- where photos are ----


def find_photos(
    inputs: Sequence[Path],
    limits: Limits,
    excluded: Iterable[Path] = (),
    is_other: Callable[[Path], bool] = lambda path: False,
) -> Iterator[Photo | Fault]:
    """The photos of archives, folders (with all that is below them) and single files, in a fixed order.

    Hidden files and what macOS adds to archives are passed over, as are files of other kinds.

    Args:
        inputs: as `check_inputs` gives them.
        limits: what is read at most.
        excluded: folders that hold no photos, wherever they lie.
        is_other: tells a picture that is no photo, such as a mask, by its path.
    """
    passed_over = {path.resolve() for path in excluded}
    for path, label in zip(inputs, _labels(inputs), strict=True):
        if path.is_dir():
            yield from _photos_of_folder(path, label, limits, passed_over, is_other)
        else:
            yield from _photos_of_file(path, label, limits)


def check_inputs(inputs: Sequence[Path]) -> list[Path]:
    """The inputs, each once.

    Raises:
        UserError: none, or some that do not exist or are neither folder, zip nor photo; all are listed.
    """
    if not inputs:
        raise UserError("setting PHOTOS is empty; name zip archives, folders or photos")
    faults = []
    for path in inputs:
        if not path.exists():
            faults.append(f"{path}: no such file or folder")
        elif not path.is_dir() and path.suffix.lower() not in {".zip", *PHOTO_SUFFIXES, *UNREAD_SUFFIXES}:
            faults.append(f"{path}: neither a folder, a .zip nor a photo ({', '.join(sorted(PHOTO_SUFFIXES))})")
    raise_faults("setting PHOTOS", faults)
    unique: dict[Path, Path] = {}
    for path in inputs:
        unique.setdefault(path.resolve(), path)
    return list(unique.values())


def _labels(inputs: Sequence[Path]) -> list[str]:
    """The inputs' names, with as many of their folders as it takes to tell them apart."""
    parts = [path.resolve().parts for path in inputs]
    depth = 1
    while len({part[-depth:] for part in parts}) < len(parts):
        depth += 1
    return ["/".join(part[-depth:]) for part in parts]


def _photos_of_folder(
    folder: Path, label: str, limits: Limits, excluded: set[Path], is_other: Callable[[Path], bool]
) -> Iterator[Photo | Fault]:
    try:
        with os.scandir(folder) as entries:
            found = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
    except OSError as error:
        yield Fault(_printable(label), f"cannot be opened ({error.strerror})")
        return
    for name, is_folder in found:
        path = folder / name
        if _is_junk(name) or is_other(path) or (is_folder and path.resolve() in excluded):
            continue
        if is_folder and path.suffix.lower() not in PHOTO_SUFFIXES:
            yield from _photos_of_folder(path, f"{label}/{name}", limits, excluded, is_other)
        else:
            yield from _photos_of_file(path, f"{label}/{name}", limits)


def _photos_of_file(path: Path, label: str, limits: Limits) -> Iterator[Photo | Fault]:
    """A single file, or all of an archive; nothing for files of other kinds."""
    suffix = path.suffix.lower()
    if suffix == ".zip":
        yield from _photos_of_archive(path, label, limits)
    elif suffix in UNREAD_SUFFIXES:
        yield _unread(label)
    elif suffix in PHOTO_SUFFIXES:
        try:
            facts = path.stat()
        except OSError as error:
            yield Fault(_printable(label), f"cannot be opened ({error.strerror})")
            return
        if not stat.S_ISREG(facts.st_mode):
            what = "a folder" if stat.S_ISDIR(facts.st_mode) else "a device or pipe"
            yield Fault(_printable(label), f"is {what}, not a picture")
            return
        version = f"{facts.st_size} {facts.st_mtime_ns}"
        yield Photo(_printable(label), path, version, functools.partial(_read_file, path, limits.photo_bytes))


def _photos_of_archive(path: Path, label: str, limits: Limits) -> Iterator[Photo | Fault]:
    try:
        members = _photos_in(path, limits)
    except UserError as error:
        yield Fault(_printable(label), str(error))
        return
    for member in members:
        name = f"{label}/{member.filename}"
        if _suffix(member) in UNREAD_SUFFIXES:
            yield _unread(name)
            continue
        version = f"{member.file_size} {member.CRC:08x}"
        read = functools.partial(_read_member, path, member, limits.photo_bytes)
        yield Photo(_printable(name), path / member.filename, version, read)


def _photos_in(path: Path, limits: Limits) -> list[zipfile.ZipInfo]:
    """The photos in an archive; UserError before anything of it is read where it is refused."""
    try:
        facts = path.stat()
        archive = _open_archive(path, facts.st_size, facts.st_mtime_ns)
    except DAMAGED as error:
        raise UserError(
            f"is no zip archive, or is cut short or damaged ({error})" if facts.st_size else "is empty"
        ) from error
    except OSError as error:
        raise UserError(f"cannot be opened ({error.strerror})") from error
    try:
        return check_members(archive.infolist(), facts.st_size, limits)
    except UserError as error:
        raise UserError(f"archive refused: {error}") from error


@functools.lru_cache(maxsize=1)
def _open_archive(path: Path, size_bytes: int, time_ns: int) -> zipfile.ZipFile:
    """An archive as it was at that time; it stays open for the next member, as its table of contents may be long."""
    with ExitStack() as stack:
        archive = zipfile.ZipFile(stack.enter_context(_ArchiveFile(path, "rb")))
        stack.pop_all()
        return archive


class _ArchiveFile(io.FileIO):
    """Refuses to read a table of contents that would fill the memory; closed when its archive is forgotten."""

    def __del__(self) -> None:
        self.close()

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_DIRECTORY_BYTES:
            raise zipfile.BadZipFile("its table of contents is too long")
        return super().read(size) or b""


def _unread(label: str) -> Fault:
    return Fault(_printable(label), "HEIC and AVIF are not read; export it as JPEG or PNG")


def _is_junk(name: str) -> bool:
    """What macOS adds, and hidden files."""
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def _printable(label: str) -> str:
    """The label with line breaks, control characters and broken letters spelt out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in label)


# ---- what archives may hold ----


def check_members(members: Sequence[zipfile.ZipInfo], packed_bytes: int, limits: Limits) -> list[zipfile.ZipInfo]:
    """The photos among an archive's members, where all of them are harmless.

    Args:
        members: all members.
        packed_bytes: size of the archive.
        limits: what is read at most.

    Raises:
        UserError: too many members or bytes, a bomb, no photos, or members that are refused (the first is named).
    """
    if len(members) > limits.files:
        raise UserError(f"{len(members)} members, the limit is {limits.files} (setting MAX_FILES)")
    refused = [(member, what) for member in members if (what := _what_is_refused(member))]
    repeated = [name for name, count in Counter(member.filename for member in members).items() if count > 1]
    if refused:
        more = f", and {len(refused) - 1} more such members" if len(refused) > 1 else ""
        raise UserError(f"{_printable(refused[0][0].orig_filename)!r} {refused[0][1]}{more}")
    if repeated:
        raise UserError(f"two members are named {_printable(repeated[0])!r}")
    kinds = PHOTO_SUFFIXES | UNREAD_SUFFIXES
    photos = [m for m in members if not m.is_dir() and not _is_junk(m.filename) and _suffix(m) in kinds]
    _check_bytes(photos, packed_bytes, limits)
    return photos


def _what_is_refused(member: zipfile.ZipInfo) -> str:
    """Why a member is refused, or nothing."""
    name, kind = member.orig_filename, stat.S_IFMT(member.external_attr >> 16)
    reasons = {
        "has a NUL in its name": "\0" in name,
        "has a backslash in its name": "\\" in name,
        "has an absolute path": name.startswith("/") or re.match(r"[A-Za-z]:", name) is not None,
        "leads out of its folder": ".." in name.split("/"),
        "is a link": kind == stat.S_IFLNK,
        "is no plain file": kind not in (0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK),
        "is encrypted": bool(member.flag_bits & ENCRYPTED),
        "is an archive within the archive": _suffix(member) in ARCHIVE_SUFFIXES and not _is_junk(name),
        "is packed in an unusual way": member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _check_bytes(photos: Sequence[zipfile.ZipInfo], packed_bytes: int, limits: Limits) -> None:
    """The sizes that the archive states; `_read_member` takes no more than these."""
    unpacked = sum(photo.file_size for photo in photos)
    if not photos:
        raise UserError("it holds no photos")
    if not unpacked:
        raise UserError(f"all of its {len(photos)} photos are empty")
    if unpacked > limits.unpacked_bytes:
        limit = f"{limits.unpacked_bytes / 1e9:.0f} GB (setting MAX_GIGABYTES)"
        raise UserError(f"{unpacked / 1e9:.1f} GB when unpacked, the limit is {limit}")
    if unpacked > max(RATIO_FROM_BYTES, MAX_RATIO * packed_bytes):
        raise UserError(f"{unpacked / 1e6:.0f} MB packed into {packed_bytes / 1e6:.1f} MB, which photos never are")


def _suffix(member: zipfile.ZipInfo) -> str:
    return PurePosixPath(member.filename).suffix.lower()


# ---- reading ----


def _read_member(path: Path, member: zipfile.ZipInfo, limit_bytes: int) -> bytes:
    """A member's bytes; it ends at the size that the archive states for it, whatever is packed."""
    if member.file_size > limit_bytes:
        raise UserError(_too_large(member.file_size, limit_bytes))
    try:
        facts = path.stat()
        with _open_archive(path, facts.st_size, facts.st_mtime_ns).open(member) as file:
            data = file.read(limit_bytes + 1)
    except (*DAMAGED, OSError) as error:
        raise UserError(f"cannot be unpacked ({error})") from error
    if len(data) != member.file_size:
        raise UserError("cannot be unpacked (it is not of the size that its archive states)")
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
    return f"{size_bytes / 1e6:.0f} MB are more than the limit of {limit_bytes / 1e6:.0f} MB a photo"


def decode_photo(data: bytes, label: str, max_pixels: int = MAX_PIXELS) -> tuple[np.ndarray, list[str]]:
    """Decode a photo as a person sees it: upright, all metadata dropped.

    Args:
        data: the file's bytes.
        label: for messages.
        max_pixels: refused above this, before any pixel is decoded.

    Returns:
        (H, W, 3) uint8 RGB, and what a person should know of it, such as that an animation's first frame was taken.

    Raises:
        UserError: no picture, a damaged or too large one, or a cut-out with transparent pixels.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        image = decode_image(Path(label), data, "RGBA", max_pixels)
    pixels = np.asarray(image)
    share = np.count_nonzero(pixels[..., 3] < 255) / pixels[..., 3].size
    if share > MAX_TRANSPARENT:
        raise UserError(f"{label}: is transparent in {share:.0%} of its pixels, a cut-out and not a photo")
    photo = np.asarray(to_mode(Path(label), image, "RGB")) if share else np.ascontiguousarray(pixels[..., :3])
    return photo, [str(warning.message) for warning in caught if label in str(warning.message)]
