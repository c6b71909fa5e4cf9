"""Files that are either whole or absent, and their hashes.

Standard library only: `run.py` uses it before anything is installed.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from common.errors import UserError


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Give a temporary path beside `target`; rename it to `target` when the block ends well.

    An error or a kill leaves the old file (or none). The temporary name is always the same, so that the next
    run replaces what a killed one left.

    Raises:
        UserError: the folder cannot be written, or the disk is full.
    """
    target = Path(target)
    part = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield part
        part.replace(target)
    except BaseException as error:
        with suppress(OSError):  # a folder that cannot be written: the first error says so
            part.unlink(missing_ok=True)
        ours = (part, target, *target.parents)
        if isinstance(error, OSError) and (error.filename is None or Path(error.filename) in ours):
            raise UserError(f"cannot write {target}: {error.strerror or error}") from error
        raise


def write_text(target: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_path(target) as part:
        part.write_bytes(text.encode("utf-8"))


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
