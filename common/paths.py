"""The project's folders, and the copies of what lies in object stores."""

import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"
CHECKPOINTS = ROOT / "checkpoints"
OUTPUTS = ROOT / "outputs"
STORES = Path(os.environ.get("RELIVE_STORES") or OUTPUTS / "stores").absolute()  # copies; common/stores keeps them
STORE_PACKAGES = {"s3": "s3fs", "gs": "gcsfs"}  # what reads and writes each kind of store


def store_url(path: Path) -> str:
    """Address of a path that is in an object store, "s3://bucket/folder/file"; empty for all others.

    Args:
        path: a setting, in which pathlib leaves one slash of "s3://", or a copy in STORES.
    """
    parts = Path(path).parts
    if Path(path).is_relative_to(STORES):
        parts = parts[len(STORES.parts) + 1 :]
    elif parts and parts[0].removesuffix(":") in STORE_PACKAGES and parts[0].endswith(":"):
        parts = (parts[0].removesuffix(":"), *parts[1:])
    else:
        return ""
    return f"{parts[0]}://{'/'.join(parts[1:])}" if parts else ""


def with_addresses(text: str) -> str:
    """A message in which addresses stand in the place of copies."""
    return re.sub(rf"{re.escape(str(STORES))}/[\w-]+/(\w+)/", r"\1://", text)


def resolved(path: Path) -> Path:
    """The absolute path without links; one that is a link to itself stays, where `Path.resolve` raises RuntimeError."""
    return Path(os.path.realpath(path))


def location(path: Path) -> str:
    """Where a path is, the same from any folder; in an object store, from any machine."""
    return store_url(path) or str(resolved(path))


def shown(path: Path) -> str:
    """The path for messages: relative to the current folder where it lies inside it; an object store's address."""
    try:
        return store_url(path) or str(resolved(path).relative_to(Path.cwd()))
    except (ValueError, OSError):  # OSError: the current folder was deleted
        return str(path)
