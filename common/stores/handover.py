"""What goes to workers on any machine, and what they read and write there, where inputs or outputs are in stores."""

import functools
import pickle
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

from common import paths
from common.paths import store_url
from common.stores.objects import Stamp, fetch, file_system, listed, mirror, said, stamp_of, store
from common.stores.outputs import output_of


def store_files(files: Iterable[Path]) -> None:
    """Store files that were made, as far as they are copies of a store's."""
    store([path for path in files if path.is_relative_to(paths.STORES)])


def write_claim(path: Path, text: str) -> None:
    """Write a small file, also into the store that it is a copy of."""
    path.write_text(text)
    store_files([path])


def read_claim(path: Path) -> str:
    """Read what `write_claim` wrote, as the store has it. Raises OSError or UserError where it is not there."""
    if not path.is_relative_to(paths.STORES):
        return path.read_text()
    with said(store_url(path)):
        return bytes(file_system(store_url(path)).cat_file(store_url(path))).decode()


def packed(value: Any, pickler: type[pickle.Pickler] = pickle.Pickler) -> bytes:
    """Pickle a value. Inputs in object stores are fetched where it is unpacked."""
    kind = type("Packer", (pickler,), {"persistent_id": lambda _, part: _reference(part)})
    content = BytesIO()
    kind(content).dump(value)
    return content.getvalue()


def unpacked(content: bytes) -> Any:
    """The value that `packed` pickled; raises UserError where an input cannot be fetched."""
    return _Unpacker(BytesIO(content)).load()


class _Unpacker(pickle.Unpickler):
    def persistent_load(self, pid: Any) -> Path:
        return _present(*pid)


def _reference(value: Any) -> tuple[str, Stamp | None] | None:
    """An input's path and stamp, None as the stamp of a folder; None for all that is no input in an object store."""
    if not isinstance(value, Path) or not value.is_relative_to(paths.STORES):
        return None
    output = output_of(value)
    if value.is_dir():
        return None if output is not None else (str(value), None)
    if not value.is_file():
        return None
    if output is not None:  # written for workers, such as the plain copy of a table
        output.publish_file(value)
    return str(value), stamp_of(value)


@functools.cache
def _present(name: str, stamp: Stamp | None) -> Path:
    """The path of an input that is on this machine, as the run has it."""
    path = Path(name)
    if stamp is None:
        mirror(path, listed(path))
    elif stamp_of(path) != stamp:
        fetch({path: stamp})
    return path
