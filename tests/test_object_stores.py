"""Stages whose inputs and outputs are in an object store, which a server on this machine plays."""

import contextlib
import functools
import importlib.util
import json
import logging
import os
import pickle
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from common import paths, ray_engine
from common.batches import run_batch
from common.errors import UserError
from common.journals import JOURNAL, LOCK
from common.paths import DATA
from common.stores import handover, locks, objects, outputs
from common.stores.copies import brought, working_copies
from common.stores.handover import packed, unpacked
from common.stores.locks import StoreLock
from common.stores.outputs import Output
from tests.benchmarks.kills import tree_of
from tests.common.test_batches import batch_in, items_of
from tests.helpers import ROOT, load_main, run_script

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not all(map(importlib.util.find_spec, ("s3fs", "moto", "flask_cors"))),
        reason="needs s3fs and moto's server: pip install -e '.[s3]' 'moto[server]'",
    ),
]
logging.getLogger("werkzeug").setLevel(logging.ERROR)
BUCKET = "festival"
TEXTS = {f"n{number:03d}": f"text {number}" for number in range(12)}


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
        monkeypatch.setattr(paths, "STORES", tmp_path / name)

    work_as("laptop")
    return work_as


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a run waits for comes soon; a lock that is not renewed is one of a test below."""
    for name, seconds in {"RENEW_S": 0.1, "STALE_S": 60, "SETTLE_S": 1, "POLL_S": 0.05}.items():
        monkeypatch.setattr(locks, name, seconds)
    monkeypatch.setattr(outputs, "JOURNAL_S", 0.1)
    monkeypatch.setattr(outputs, "JOURNAL_SHARE", 0)


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


def pets(inputs: Path, output: Path, **engine: Any) -> None:
    load_main("pet/1.5_Plot_Pet.py")(
        choices=inputs / "choices.csv", size_px=64, charts=False, pages=0, output=output, workers=1, **engine
    )


def proposals(inputs: Path, output: Path, **engine: Any) -> None:
    """A stage that writes into the training folder, and at last renames a folder."""
    shutil.copytree(inputs / "frames", output / "frames")
    load_main("masks/2_initial_masks.py")(training_data=output, output=output / "sheet.png", method="lab", **engine)


def choices(inputs: Path, output: Path, **engine: Any) -> None:
    load_main("pet/1_TopN.py")(users=inputs / "users.csv", output=output / "choices.csv", **engine)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    users = (DATA / "pet/users.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "users.csv").write_text("".join(users[:4]), encoding="utf-8")
    load_main("pet/1_TopN.py")(users=folder / "users.csv", output=folder / "choices.csv")
    (folder / "frames").mkdir()
    for name in ("base_frame_00.png", "clothed_frame_00.png"):
        shutil.copy(DATA / "masks/frames_backup_walk_east_smooth" / name, folder / "frames")
    return folder


@pytest.mark.parametrize("stage", [choices, pets, proposals], ids=lambda stage: stage.__name__)
def test_a_stage_leaves_the_local_tree_in_the_store(
    stage: Callable[..., None], inputs: Path, system: Any, url: str, tmp_path: Path
) -> None:
    stage(inputs, tmp_path / "local")
    system.put(str(inputs), f"{url}/in", recursive=True)
    with working_copies({"INPUTS": Path(f"{url}/in"), "OUTPUT": Path(f"{url}/out")}, ["OUTPUT"]) as copies:
        stage(copies["INPUTS"], copies["OUTPUT"])
    wanted, found = tree_of(tmp_path / "local"), tree_at(system, f"{url}/out", tmp_path / "found")
    for tree in (wanted, found):
        tree.pop(JOURNAL, None)  # it has the places of the inputs
    assert wanted and found == wanted


def test_a_command_takes_addresses_and_names_them(inputs: Path, system: Any, url: str) -> None:
    """A table as the output, beside which the run's JSON lies; other objects beside it stay."""
    system.put(str(inputs / "users.csv"), f"{url}/users.csv")
    system.pipe_file(f"{url}/pets/2_other.csv", b"of somebody else")
    flags = [f"--users={url}/users.csv", f"--output={url}/pets/1_TopN.csv"]
    result = run_script("pet/1_TopN.py", *flags)
    assert result.returncode == 0, result.stderr
    assert f"written: {url}/pets/1_TopN.csv" in result.stdout
    record = json.loads(system.cat_file(f"{url}/pets/1_TopN.json"))
    assert f"{url}/users.csv" in record["inputs"] and record["settings"]["output"] == f"{url}/pets/1_TopN.csv"
    assert system.cat_file(f"{url}/pets/1_TopN.csv") == (inputs / "choices.csv").read_bytes()
    names = {Path(name).name for name in system.find(f"{url}/pets")}
    assert names == {"1_TopN.csv", "1_TopN.json", "2_other.csv"}


# ---- kills, locks and other machines ----

KILLED = """
import functools, os, sys
sys.path.insert(0, os.getcwd())
from common.stores import copies, locks, outputs
locks.RENEW_S, outputs.JOURNAL_S, outputs.JOURNAL_SHARE = 0.1, 0.2, 0
from pathlib import Path
from common.batches import run_batch
from tests.common.test_batches import Shouter, batch_in, items_of
texts = {f"n{number:03d}": f"text {number}" for number in range(12)}
with copies.working_copies({"OUTPUT": Path(sys.argv[1])}, ["OUTPUT"]) as settings:
    with run_batch(batch_in(settings["OUTPUT"], set_up=functools.partial(Shouter, 0.2)), items_of(texts)):
        pass
"""


def lock_of(url: str) -> str:
    parent, _, name = url.rpartition("/")
    return f"{parent}/.{name}.lock"


def test_another_machine_resumes_what_was_killed(
    system: Any, url: str, tmp_path: Path, machine: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    process = subprocess.Popen([sys.executable, "-c", KILLED, url], cwd=ROOT, env=os.environ, stderr=subprocess.DEVNULL)
    journal = f"{url}/{JOURNAL}"
    while len(system.find(f"{url}/loud")) < 4 or b'"version"' not in system.cat_file(journal):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert system.exists(lock_of(url)) and len(system.find(f"{url}/loud")) < len(TEXTS)
    machine("desktop")
    monkeypatch.setattr(locks, "STALE_S", 0.5)
    monkeypatch.setattr(locks, "RENEW_S", 60)
    outcome = shout(url)
    assert outcome.kept and outcome.made
    shout_locally(tmp_path / "local")
    assert tree_at(system, url, tmp_path / "found") == tree_of(tmp_path / "local")
    assert not system.exists(lock_of(url))


@pytest.mark.parametrize("kept", [0, 7])
def test_a_run_resumes_from_whatever_journal_was_stored(kept: int, system: Any, url: str, tmp_path: Path) -> None:
    """The journal is stored now and then; of the line after, half may be there as well."""
    shout(url)
    lines = system.cat_file(f"{url}/{JOURNAL}").splitlines(keepends=True)
    system.pipe_file(f"{url}/{JOURNAL}", b"".join(lines[: 1 + len(TEXTS) + kept]) + b'{"name": "n0')
    assert shout(url).made == len(TEXTS) - kept
    shout_locally(tmp_path / "local")
    assert tree_at(system, url, tmp_path / "found") == tree_of(tmp_path / "local")


def test_objects_of_somebody_else_are_never_replaced(system: Any, url: str) -> None:
    system.pipe_file(f"{url}/loud/n001.txt", b"of somebody else")
    with pytest.raises(UserError, match="not made by a run in this folder"):
        shout(url)
    assert system.cat_file(f"{url}/loud/n001.txt") == b"of somebody else"


def test_what_is_out_of_date_or_no_longer_listed_leaves_the_store(system: Any, url: str, tmp_path: Path) -> None:
    shout(url)
    fewer = {name: text for name, text in TEXTS.items() if name > "n004"} | {"n006": "other", "n007": "mute"}
    outcome = shout(url, fewer)
    assert outcome.made == 1 and outcome.kept == len(fewer) - 2
    shout_locally(tmp_path / "local", fewer)
    assert tree_at(system, url, tmp_path / "found") == tree_of(tmp_path / "local")


def test_a_second_run_is_refused_while_the_first_lives(system: Any, url: str) -> None:
    with Output(url).held(), pytest.raises(UserError, match="another run is writing it"):
        shout(url)
    assert shout(url).made == len(TEXTS)


def test_of_several_runs_one_takes_over_the_lock_of_a_killed_one(
    system: Any, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "STALE_S", 0.5)
    monkeypatch.setattr(locks, "RENEW_S", 60)
    system.pipe_file(lock_of(url), b'{"run": "killed"}')
    taken = []

    def take() -> None:
        with contextlib.suppress(UserError):
            lock = StoreLock(url)
            lock._take()
            taken.append(lock)

    threads = [threading.Thread(target=take) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 1 and taken[0]._is_mine()


def test_a_run_whose_lock_was_taken_over_writes_no_more(system: Any, url: str) -> None:
    output = Output(url)
    with pytest.raises(UserError, match="another run has taken over"), output.held():
        with contextlib.suppress(UserError):
            while True:  # once may be while the lock is renewed
                system.pipe_file(lock_of(url), b'{"run": "another"}')
                output.publish()
        output.copy.mkdir(parents=True)
        (output.copy / "late.txt").write_text("too late")
    assert not system.exists(f"{url}/late.txt") and system.cat_file(lock_of(url)) == b'{"run": "another"}'


def test_outputs_below_one_another_have_copies_of_their_own(system: Any, url: str) -> None:
    outer, inner = Output(url), Output(f"{url}/inner")
    with inner.held():
        inner.copy.mkdir(parents=True)
        (inner.copy / "new.txt").write_text("new")
        with outer.held():
            pass
    assert system.cat_file(f"{url}/inner/new.txt") == b"new"


def test_a_run_below_another_may_end_first(system: Any, url: str) -> None:
    """Its lock lies among the files of the other, and is none of them."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(Output(f"{url}/inner").held())
        with Output(url).held():
            stack.close()
    assert not system.find(url, withdirs=False), "neither results nor locks"


def test_an_output_below_another_of_the_run_lies_in_its_copy(system: Any, url: str) -> None:
    system.pipe_file(f"{url}/training/sheet.png", b"old")
    settings = {"OUTPUT": Path(f"{url}/training/sheet.png"), "TRAINING_DATA": Path(f"{url}/training")}
    with working_copies(settings, ["OUTPUT", "TRAINING_DATA"]) as copies:
        assert copies["OUTPUT"] == copies["TRAINING_DATA"] / "sheet.png"
        copies["OUTPUT"].write_text("newer")
    assert system.cat_file(f"{url}/training/sheet.png") == b"newer"


def test_a_run_may_write_what_has_a_similar_name(system: Any, url: str) -> None:
    system.pipe_file(f"{url}/users_2.csv", b"of another run")
    with output_at(f"{url}/users.csv") as table:
        table.parent.mkdir(parents=True, exist_ok=True)
        table.write_text("ours")
        system.pipe_file(f"{url}/users_2.csv", b"later of another run")
    assert system.cat_file(f"{url}/users.csv") == b"ours"
    assert system.cat_file(f"{url}/users_2.csv") == b"later of another run"


def test_what_a_run_writes_beside_a_file_is_stored_and_earlier_parts_are_fetched(system: Any, url: str) -> None:
    system.pipe_file(f"{url}/.users.csv.parts/0.csv", b"part")
    system.pipe_file(f"{url}/other.csv", b"of somebody else")
    with output_at(f"{url}/users.csv") as table:
        parts = table.with_name(".users.csv.parts")
        assert (parts / "0.csv").read_bytes() == b"part" and not table.with_name("other.csv").exists()
        shutil.rmtree(parts)
        for path in (table, table.with_suffix(".json"), table.with_name("users_strip.png")):
            path.write_text(path.name)
    names = {Path(name).name for name in system.find(url)}
    assert names == {"users.csv", "users.json", "users_strip.png", "other.csv"}


def test_the_lock_is_renewed_while_earlier_results_are_fetched(
    system: Any, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def mirror_slowly(*arguments: Any) -> None:
        seen.append(system.cat_file(lock_of(url)))
        time.sleep(0.5)
        seen.append(system.cat_file(lock_of(url)))
        objects.mirror(*arguments)

    monkeypatch.setattr(outputs, "mirror", mirror_slowly)
    with Output(url).held():
        pass
    assert seen[0] != seen[1]


def test_a_run_that_slept_looks_at_its_lock_before_it_writes(
    system: Any, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "RENEW_S", 60)
    monkeypatch.setattr(locks, "STALE_S", 0.5)
    with pytest.raises(UserError, match="another run has taken over"), output_at(url) as folder:
        system.pipe_file(lock_of(url), b'{"run": "another"}')
        time.sleep(0.6)
        folder.mkdir(parents=True)
        (folder / "late.txt").write_text("too late")
    assert not system.exists(f"{url}/late.txt")


def test_the_lock_of_another_run_is_never_removed(system: Any, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "RENEW_S", 60)
    with output_at(url):
        system.pipe_file(lock_of(url), b'{"run": "another"}')
    assert system.cat_file(lock_of(url)) == b'{"run": "another"}'


def test_a_lock_that_was_created_twice_is_ours(system: Any, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The libraries repeat a PUT whose answer was lost, and find the object there."""
    lock = StoreLock(url)
    system.pipe_file(lock_of(url), lock._content())
    monkeypatch.setattr(locks, "STALE_S", 2)
    start = time.monotonic()
    with lock.held():
        assert time.monotonic() - start < 2


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"run": "killed", "machine": "\\u001b[2J"}', b"\xff"])
def test_a_lock_may_have_any_content(
    content: bytes, system: Any, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(locks, "STALE_S", 0.3)
    monkeypatch.setattr(locks, "RENEW_S", 60)
    monkeypatch.setattr(locks, "SETTLE_S", 0.1)
    system.pipe_file(lock_of(url), content)
    with output_at(url):
        pass
    said = capsys.readouterr().err
    assert "locked by a run" in said and "\x1b" not in said


def test_an_interrupt_while_a_lock_is_taken_over_gives_it_up(
    system: Any, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "STALE_S", 0.3)
    monkeypatch.setattr(locks, "SETTLE_S", 20)
    system.pipe_file(lock_of(url), b"killed")

    def interrupt() -> None:
        while system.cat_file(lock_of(url)) == b"killed":
            time.sleep(0.05)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt), output_at(url):
        pass
    assert not system.exists(lock_of(url))


def test_what_ended_a_run_is_not_hidden_by_what_storing_says(system: Any, url: str) -> None:
    with pytest.raises(ZeroDivisionError), pytest.warns(match="is not what was stored"), output_at(url) as folder:
        folder.mkdir(parents=True)
        (folder / "a.txt").write_text("a")
        outputs.publish()
        system.rm_file(f"{url}/a.txt")
        raise ZeroDivisionError


def test_results_of_other_machines_come_for_the_overviews(
    system: Any, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their files are never made here."""

    def store_elsewhere(paths: Any) -> None:
        paths = list(paths)
        handover.store_files(paths)
        for path in paths:
            path.unlink()

    with monkeypatch.context() as patch:
        patch.setattr("common.batches.store_files", store_elsewhere)
        shout(url)
    shout_locally(tmp_path / "local")
    assert tree_at(system, url, tmp_path / "found") == tree_of(tmp_path / "local")
    assert tree_of(Output(url).copy) == tree_of(tmp_path / "local")


def test_inputs_are_fetched_by_the_machine_that_needs_them(system: Any, url: str) -> None:
    names = ("people/a.jpg", "people/b.jpg", "masks/a.png")
    for name in names:
        system.pipe_file(f"{url}/{name}", name.encode())
    settings = {"PEOPLE": Path(f"{url}/people"), "MASKS": Path(f"{url}/masks"), "OUTPUT": Path(f"{url}/out")}
    with working_copies(settings, ["OUTPUT"]) as copies:
        photo, masks, new = copies["PEOPLE"] / "a.jpg", copies["MASKS"], copies["OUTPUT"] / "new.png"
        content = packed({"item": (photo, masks, new, 7)})
    shutil.rmtree(photo.parent)
    shutil.rmtree(masks)
    assert unpacked(content)["item"] == (photo, masks, new, 7)
    assert photo.read_bytes() == b"people/a.jpg" and (masks / "a.png").read_bytes() == b"masks/a.png"
    assert not photo.with_name("b.jpg").exists() and not new.exists()


def test_an_input_that_changes_within_a_second_is_fetched_again(system: Any, url: str) -> None:
    times: list[datetime] = []
    contents = []
    while len(times) < 2 or times[-1] != times[-2]:
        content = b"%04d" % len(times)
        system.pipe_file(f"{url}/users.csv", content)
        contents.append((brought(Path(f"{url}/users.csv")).read_bytes(), content))
        times.append(system.info(f"{url}/users.csv")["LastModified"].replace(microsecond=0))
    assert all(found == content for found, content in contents)


def test_an_input_that_was_a_folder_may_become_a_file(system: Any, url: str) -> None:
    system.pipe_file(f"{url}/people/a/b.csv", b"b")
    assert brought(Path(f"{url}/people")).is_dir()
    system.rm_file(f"{url}/people/a/b.csv")
    system.pipe_file(f"{url}/people", b"a table")
    assert brought(Path(f"{url}/people")).read_bytes() == b"a table"


def test_messages_name_addresses(system: Any, url: str) -> None:
    with output_at(url) as folder, run_batch(batch_in(folder, set_up=complaining), items_of(TEXTS)) as outcome:
        pass
    assert set(outcome.faults.values()) == {f"{url}/loud: no such file"}


def complaining() -> Callable[[Any], Any]:
    return complain


def complain(payload: Any) -> Any:
    folder = next(paths.STORES.glob("written-*/s3/*/*"))
    raise UserError(f"{folder / 'loud'}: no such file")


def test_a_worker_of_ray_reads_the_claim_and_inputs_from_the_store(system: Any, url: str, tmp_path: Path) -> None:
    """Where nothing is on its machine; and makes nothing for a run that is no more."""
    pa = pytest.importorskip("pyarrow")
    cloudpickle = pytest.importorskip("ray.cloudpickle")
    system.pipe_file(f"{url}/styles/loud.txt", b"!")
    with working_copies({"STYLES": Path(f"{url}/styles"), "OUTPUT": Path(f"{url}/out")}, ["OUTPUT"]) as copies:
        claim = copies["OUTPUT"] / LOCK
        claim.parent.mkdir(parents=True)
        handover.write_claim(claim, "mine")
        function = packed(functools.partial(shouted, copies["STYLES"]), cloudpickle.CloudPickler)
        worker = ray_engine._Worker(ray_engine._Owned(function, claim, "mine", tmp_path))
        pieces = pa.table({"item": [packed("ant")]})
        shutil.rmtree(paths.STORES)
        (made,) = worker(pieces).column("result").to_pylist()
        assert pickle.loads(made) == ("ANT!", None)
        handover._present.cache_clear()
        claim.parent.mkdir(parents=True)
        handover.write_claim(claim, "")
        (made,) = worker(pieces).column("result").to_pylist()
        assert isinstance(pickle.loads(made)[1], UserError)


def shouted(styles: Path, text: str) -> str:
    return text.upper() + (styles / "loud.txt").read_text()


# ---- what is wrong ----


def test_a_bucket_that_is_not_there_is_said(system: Any) -> None:
    with pytest.raises(UserError, match=r"^s3://nowhere/table\.csv: The specified bucket does not exist$"):
        output_at("s3://nowhere/table.csv").__enter__()
    places = {"USERS": Path("s3://nowhere/users.csv"), "OUTPUT": Path("table.csv")}
    with pytest.raises(UserError, match=r"^s3://nowhere/users\.csv: The specified bucket does not exist$"):
        working_copies(places, ["OUTPUT"]).__enter__()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "Could not connect to the endpoint"),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true"}, "credentials"),
    ],
)
def test_what_keeps_a_store_away_is_said(
    change: dict[str, str], words: str, system: Any, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    type(system).clear_instance_cache()
    monkeypatch.setattr(type(system), "retries", 1)
    monkeypatch.setitem(objects.OPTIONS, "s3", {"config_kwargs": {"retries": {"max_attempts": 0}}})
    for name, value in change.items():
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name)
    with pytest.raises(UserError, match=rf"^{url}: .*{words}"), output_at(url):
        pass
    type(system).clear_instance_cache()


def test_addresses_that_cannot_be_used_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"OUTPUT is s3://bucket; it must name a file or folder in a bucket"):
        output_at("s3://bucket").__enter__()
    with pytest.raises(UserError, match="only stages with ENGINE use object stores"):
        working_copies({"OUTPUT": Path("s3://bucket/x")}, []).__enter__()
    monkeypatch.setitem(paths.STORE_PACKAGES, "s3", "no_such_package")
    with pytest.raises(UserError, match=r"which needs no_such_package: python -m pip install -e '\.\[s3\]'"):
        output_at("s3://bucket/x").__enter__()


@pytest.mark.parametrize("name", ["a\\b.txt", "a//b.txt", "../b.txt", "a?versionId=1"])  # s3fs reads a for the last
def test_objects_whose_names_no_file_can_have_are_refused(name: str, system: Any, url: str) -> None:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    system.call_s3("put_object", Bucket=bucket, Key=f"{key}/{name}", Body=b"content")
    with pytest.raises(UserError, match="no file can have this name"), output_at(url):
        pass


def test_an_address_never_leads_out_of_the_copies(system: Any, url: str, tmp_path: Path) -> None:
    """As the photo of somebody else's features may name it."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/photo.jpg").write_text("mine")
    system.pipe_file(f"{url}/a.jpg", b"a")
    brought(Path(f"{url}/a.jpg"))
    with pytest.raises(UserError, match="must name a file or folder in a bucket"):
        brought(Path(f"s3://{BUCKET}/../../../../mine"))
    assert (tmp_path / "mine/photo.jpg").exists()


def test_an_object_that_vanishes_is_not_said_of_another(system: Any, url: str) -> None:
    system.pipe_file(f"{url}/a.jpg", b"a")
    copy = brought(Path(f"{url}/a.jpg"))
    with pytest.raises(UserError, match=rf"^{url}/a.jpg and 1 more: "):
        objects.fetch(dict.fromkeys((copy, copy.with_name("b.jpg")), (1, 0)))
