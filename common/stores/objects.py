"""Access to object stores through fsspec, by the paths of copies on this machine.

The copy of s3://bucket/key is ROOM/s3/bucket/key, where ROOM is a folder in STORES: "read" for inputs, another one for
each output. The libraries below fsspec (https://filesystem-spec.readthedocs.io) find credentials and endpoints as they
always do.
"""

import contextlib
import functools
import os
import re
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

from common import paths
from common.errors import UserError
from common.files import part_of
from common.paths import store_url

AT_ONCE = 256  # files on their way at the same time
MANY = 100  # from so many files on, a bar shows how far they are
OPTIONS: dict[str, dict[str, Any]] = {"s3": {"config_kwargs": {"connect_timeout": 10, "read_timeout": 60}}}
LOCK_NAME = re.compile(r"\..+\.lock")

Stamp = tuple[int, int]  # size in bytes, and time of the last change in ns; its part of a second stands for the content


@contextlib.contextmanager
def said(what: str) -> Iterator[None]:
    """Say in one line what a library of a store raises, whose errors are of many kinds: UserError that names `what`."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        reason = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
        raise UserError(f"{what}: {reason}") from error


def file_system(url: str) -> Any:
    """The file system of fsspec for an address."""
    import fsspec

    scheme = url.partition("://")[0]
    return fsspec.filesystem(scheme, use_listings_cache=False, **OPTIONS.get(scheme, {}))


def is_name(name: str) -> bool:
    """Whether a file below a folder can have this name with "/"; s3fs would cut off "?versionId=..."."""
    parts = name.split("/")
    return not any(part in ("", ".", "..") or re.search(r"[\\\0]|\?versionId=", part) for part in parts)


def listed(copy: Path, prefix: str = "") -> dict[Path, Stamp]:
    """Stamps of the objects at the address of a copy and below it, by the paths of their copies; locks are left out.

    Args:
        copy: a path in a room.
        prefix: only what begins with it, right below the address, and what is below that.

    Raises:
        UserError: the store cannot be reached or lacks the bucket; no file can have the name of an object.
    """
    url = store_url(copy)
    with said(url):
        found = file_system(url).find(url, detail=True, prefix=prefix)
    root = paths.STORES.joinpath(*copy.relative_to(paths.STORES).parts[:2])
    names = [name for name in found if not name.endswith("/") and not LOCK_NAME.fullmatch(name.rpartition("/")[2])]
    for name in names:  # which anybody may have chosen
        if not is_name(name):
            raise UserError(f"{root.name}://{name}: no file can have this name; rename the object")
    return {root / name: _stamp(found[name]) for name in names}


def _stamp(facts: Mapping[str, Any]) -> Stamp:
    """The stamp of an object; an ETag changes with the content, and the time within a second does not."""
    moment: datetime = facts.get("LastModified") or facts["mtime"]
    tag = str(facts.get("ETag") or facts.get("etag"))
    return facts["size"], int(moment.timestamp()) * 10**9 + zlib.crc32(tag.encode()) % 10**6 * 1000


def stamp_of(path: Path) -> Stamp | None:
    """Size and time of a file; None where there is none."""
    with contextlib.suppress(OSError):
        stat = path.lstat()
        return stat.st_size, stat.st_mtime_ns
    return None


def files_at(path: Path) -> Iterator[Path]:
    """The file at a path, or the plain files below it, except those that are half-written."""
    places = [path] if path.is_file() else (Path(place, name) for place, _, names in os.walk(path) for name in names)
    return (place for place in places if not place.is_symlink() and part_of(place.name) is None)


def mirror(copy: Path, there: Mapping[Path, Stamp]) -> None:
    """Make a copy equal to what is `listed` in the store, and remove what is no more."""
    for path in files_at(copy):
        if path not in there:
            path.unlink()
    for folder, _, _ in os.walk(copy, topdown=False):
        with contextlib.suppress(OSError):  # it is not empty
            Path(folder).rmdir()
    fetch({path: stamp for path, stamp in there.items() if stamp_of(path) != stamp})


def fetch(wanted: Mapping[Path, Stamp]) -> None:
    """Fetch objects into their copies, each of which is whole or absent, and gets its stamp's time."""
    for copies in _in_portions(list(wanted), "fetching"):
        paths.STORES.mkdir(parents=True, exist_ok=True)
        arriving = tempfile.TemporaryDirectory(prefix="arriving-", dir=paths.STORES, ignore_cleanup_errors=True)
        with arriving as folder, said(_named(copies)):
            parts = [Path(folder, str(number)) for number in range(len(copies))]
            file_system(store_url(copies[0])).get(list(map(store_url, copies)), list(map(str, parts)))
            for copy, part in zip(copies, parts, strict=True):
                os.utime(part, ns=(wanted[copy][1],) * 2)
                copy.parent.mkdir(parents=True, exist_ok=True)
                part.replace(copy)


def store(files: Sequence[Path]) -> None:
    """Store copies, each in one PUT."""
    for copies in _in_portions(files, "storing"):
        with said(_named(copies)):
            file_system(store_url(copies[0])).put(list(map(str, copies)), list(map(store_url, copies)))


def remove(files: Sequence[Path]) -> None:
    """Remove the objects of copies, as far as they are there."""
    for copies in _in_portions(files, "removing"):
        remove_one = functools.partial(_remove_one, file_system(store_url(copies[0])))
        with said(_named(copies)), ThreadPoolExecutor(32) as pool:
            list(pool.map(remove_one, copies))


def _remove_one(system: Any, copy: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        system.rm_file(store_url(copy))


def _in_portions(files: Sequence[Path], what: str) -> Iterator[Sequence[Path]]:
    from tqdm import tqdm

    with tqdm(total=len(files), desc=what, unit="file", disable=len(files) < MANY) as bar:
        for start in range(0, len(files), AT_ONCE):
            portion = files[start : start + AT_ONCE]
            yield portion
            bar.update(len(portion))


def _named(copies: Sequence[Path]) -> str:
    """Addresses for messages: a library does not say for which of several it failed."""
    return store_url(copies[0]) + (f" and {len(copies) - 1} more" if len(copies) > 1 else "")
