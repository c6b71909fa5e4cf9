"""From addresses in object stores (s3://bucket/folder, gs://...), which settings or files name, to their copies.

A run works on copies in STORES. Inputs and earlier results are fetched before it; what it writes goes to the store.
"""

import contextlib
import importlib.util
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from common import paths
from common.errors import UserError
from common.paths import STORE_PACKAGES, store_url
from common.stores.objects import is_name, listed, mirror
from common.stores.outputs import output_at, owned


@contextlib.contextmanager
def working_copies(settings: Mapping[str, Any], written: Collection[str]) -> Iterator[dict[str, Any]]:
    """Settings with addresses in object stores replaced by copies, which go back to the store when the block ends.

    Args:
        settings: values by name, of which paths and tuples of paths may be addresses.
        written: names of those that the run writes; another run that writes there is kept out. None: no addresses.

    Raises:
        UserError: a library is not installed; a store cannot be reached or lacks the bucket; another run writes there.
    """
    for name, value in settings.items():
        for path in _addresses(value):
            what = f"setting {name} is {store_url(path)}"
            if not written:
                raise UserError(f"{what}; only stages with ENGINE use object stores: copy it")
            _check(path, what)
    with contextlib.ExitStack() as stack:
        outputs = {path for name in written for path in _addresses(settings.get(name))}
        for path in sorted(outputs, key=lambda path: (len(path.parts), path)):
            if output_at(store_url(path)) is None:  # not below another one
                stack.enter_context(owned(store_url(path)))
        yield {name: _replaced(value) for name, value in settings.items()}


def brought(path: Path) -> Path:
    """The copy of an address, which is fetched unless the run writes it; other paths as they are.

    Raises:
        UserError: the address is none, its library is not installed, or the store cannot be reached.
    """
    if not _addresses(path):
        return path
    url = store_url(path)
    _check(path, url)
    place, output = url.replace("://", "/"), output_at(url)
    if output is not None:
        return output.room / place
    copy = paths.STORES / "read" / place
    mirror(copy, listed(copy))
    return copy


def _addresses(value: Any) -> list[Path]:
    """The addresses among the values of a setting; copies are none."""
    values = value if isinstance(value, tuple) else (value,)
    found = [path for path in values if isinstance(path, Path) and store_url(path)]
    return [path for path in found if not path.is_relative_to(paths.STORES)]


def _replaced(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_replaced, value))
    return brought(value) if isinstance(value, Path) else value


def _check(path: Path, what: str) -> None:
    """Raise UserError, which begins with `what`, where an address is none, or its library is not installed."""
    scheme, _, name = store_url(path).partition("://")
    if "/" not in name or not is_name(name):
        raise UserError(f"{what}; it must name a file or folder in a bucket, {scheme}://bucket/folder")
    package = STORE_PACKAGES[scheme]
    if importlib.util.find_spec(package) is None:
        wanted = "-e '.[s3]'" if scheme == "s3" else package
        raise UserError(f"{what}, which needs {package}: python -m pip install {wanted}")
