"""Stages whose inputs and outputs are in an object store, which a server on this machine plays."""

import contextlib
import functools
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from common import paths, stores
from common.batches import run_batch
from common.errors import UserError
from common.journals import JOURNAL, LOCK
from common.paths import DATA, store_url
from common.stores import packed, unpacked, working_copies
from tests.benchmarks.kills import tree_of
from tests.common.test_batches import Shouter, batch_in, items_of
from tests.helpers import ROOT, assert_user_error, load_main, run_script

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not all(map(importlib.util.find_spec, ("s3fs", "moto", "flask_cors"))),
        reason="needs s3fs and moto's server: pip install -e '.[s3]' 'moto[server]'",
    ),
]
BUCKET = "festival"
TEXTS = {f"n{number:03d}": f"text {number}" for number in range(30)}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The file system of fsspec for moto's server, on which there is a bucket."""
    import fsspec
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "somebody")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        found = fsspec.filesystem("s3", use_listings_cache=False)
        found.mkdir(BUCKET)
        yield found
    server.stop()


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Work as another machine from now on: on copies in a folder of its own."""

    def work_as(name: str) -> None:
        monkeypatch.setenv("RELIVE_STORES", str(tmp_path / name))
        for module in (paths, stores):
            monkeypatch.setattr(module, "STORES", tmp_path / name)

    work_as("laptop")
    return work_as


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that waits, waits for a part of a second."""
    for name, seconds in {"RENEW_S": 0.1, "STALE_S": 0.6, "SETTLE_S": 0.2, "POLL_S": 0.05, "JOURNAL_S": 0.05}.items():
        monkeypatch.setattr(stores, name, seconds)
    monkeypatch.setattr(stores, "JOURNAL_SHARE", 0)


@pytest.fixture
def url(system: Any, tmp_path: Path) -> str:
    """An address that no other test uses."""
    return f"s3://{BUCKET}/{tmp_path.name}"


@contextlib.contextmanager
def output_at(url: str) -> Iterator[Path]:
    with working_copies({"OUTPUT": Path(url)}, ["OUTPUT"]) as settings:
        yield settings["OUTPUT"]


def shout(url: str, texts: dict[str, str] = TEXTS, **options: Any) -> Any:
    with output_at(url) as folder, run_batch(batch_in(folder, **options), items_of(texts)) as outcome:
        (folder / "table.csv").write_text("".join(f"{record.label}\n" for record in outcome.tables))
        return outcome


def shout_locally(folder: Path, texts: dict[str, str] = TEXTS) -> None:
    with run_batch(batch_in(folder), items_of(texts)) as outcome:
        (folder / "table.csv").write_text("".join(f"{record.label}\n" for record in outcome.tables))


def tree_at(system: Any, url: str, folder: Path) -> dict[str, str]:
    """SHA-256 of what is at an address, by the path below it."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in system.find(url):
        path = folder / Path(name).relative_to(url.removeprefix("s3://"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(system.cat_file(name))
    return tree_of(folder)


# ---- stages ----


from tests.test_ray import STAGES, inputs  # noqa


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.__name__)
def test_a_stage_leaves_the_local_tree_in_the_store(
    stage: Callable[..., None], inputs: Path, system: Any, url: str, tmp_path: Path
) -> None:
    stage(inputs, tmp_path / "local")
    system.put(str(inputs), f"{url}/in", recursive=True)
    places = {"INPUTS": Path(f"{url}/in"), "OUTPUT": Path(f"{url}/out")}
    with working_copies(places, ["OUTPUT"]) as copies:
        stage(copies["INPUTS"], copies["OUTPUT"])
    wanted, found = tree_of(tmp_path / "local"), tree_at(system, f"{url}/out", tmp_path / "found")
    for n in sorted(wanted.keys() | found.keys()):
        if wanted.get(n) != found.get(n): print(n, wanted.get(n,"-")[:6], found.get(n,"-")[:6])
    wanted.pop(JOURNAL, None), found.pop(JOURNAL, None)  # it names the inputs by their place
    assert found == wanted
