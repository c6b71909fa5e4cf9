"""The batch loop: what is made, kept and removed, whatever the journal says and whenever a run is killed."""

import contextlib
import csv
import functools
import json
import os
import random
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.batches import Batch, Item, Made, Outcome, run_batch
from common.errors import UserError
from common.files import part_path
from common.journals import JOURNAL, LOCK, Record
from common.workers import AHEAD, ONE_THREAD
from tests.helpers import ROOT

pytestmark = pytest.mark.slow
posix_only = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL and no flock")
Text = tuple[str, str]  # name and text of an item


class Shouter:
    """Makes two files of a text; what it cannot shout is a fault."""

    def __init__(self, seconds: float = 0) -> None:
        self.seconds = seconds

    def __call__(self, payload: Text) -> Made:
        name, text = payload
        if self.seconds:
            time.sleep(self.seconds)
        if text == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if text == "mute":
            raise UserError("cannot be shouted")
        if text == "half":
            return Made({f"loud/{name}.txt": b"half"}, fault="half of it")
        files = {f"loud/{name}.txt": text.upper().encode(), f"{name}_long.txt": (text * 3).encode()}
        environment = [os.environ.get(variable) for variable in ONE_THREAD]
        return Made(files, {"length": len(text)}, passing={"pid": os.getpid(), "environment": environment})


def broken() -> Shouter:
    raise UserError("no weights; fetch them")


class Buggy(Shouter):
    def __call__(self, payload: Text) -> Made:
        raise ZeroDivisionError(payload[0])


def batch_in(folder: Path, **options: Any) -> Batch[Text, list[Record]]:
    given: dict[str, Any] = {
        "folder": folder,
        "settings": {"loud": True},
        "files": (r"loud/(.+)\.txt", r"(.+)_long\.txt"),
        "overviews": (r"table\.csv",),
        "set_up": Shouter,
        "tables": list,
        "check_facts": lambda facts: facts["length"] + 0,
        "what": "shouting",
        "unit": "text",
    }
    return Batch(**(given | options))


def items_of(texts: Mapping[str, str]) -> Callable[[], Iterator[Item[Text]]]:
    """Items by name and text; a text is the version, and "known: ..." a fault that is known beforehand."""

    def items() -> Iterator[Item[Text]]:
        for name, text in texts.items():
            fault = text.removeprefix("known: ") if text.startswith("known: ") else ""
            yield Item(name, text, f"label of {name}", (name, text), fault)

    return items


def make(folder: Path, texts: Mapping[str, str], **options: Any) -> Outcome[list[Record]]:
    with run_batch(batch_in(folder, **options), items_of(texts)) as outcome:
        return outcome


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def counts(outcome: Outcome[list[Record]]) -> tuple[int, int]:
    return outcome.made, outcome.kept


TEXTS = {f"n{number:03d}": f"text {number}" for number in range(12)}


# ---- what is made ----


def test_files_facts_and_order_are_those_of_the_list(tmp_path: Path) -> None:
    outcome = make(tmp_path, {"b": "bee", "a": "ant"})
    assert counts(outcome) == (2, 0) and not outcome.faults
    assert [(r.name, r.version, r.label, r.files, r.facts) for r in outcome.tables] == [
        ("b", "bee", "label of b", ["loud/b.txt", "b_long.txt"], {"length": 3}),
        ("a", "ant", "label of a", ["loud/a.txt", "a_long.txt"], {"length": 3}),
    ]
    found = tree(tmp_path)
    assert found.keys() == {"loud/a.txt", "loud/b.txt", "a_long.txt", "b_long.txt", JOURNAL, LOCK}
    assert found["loud/b.txt"] == b"BEE" and found["a_long.txt"] == b"antantant"


def test_a_batch_that_is_not_exclusive_leaves_other_items_alone(tmp_path: Path) -> None:
    make(tmp_path, {"a": "ant", "b": "bee"}, exclusive=False)
    before = tree(tmp_path)
    outcome = make(tmp_path, {"b": "bear", "c": "cat", "d": "mute"}, exclusive=False)
    assert counts(outcome) == (2, 0) and [record.name for record in outcome.tables] == ["b", "c", "d"]
    found = tree(tmp_path)
    assert found["loud/a.txt"] == before["loud/a.txt"] and found["loud/b.txt"] == b"BEAR"
    assert counts(make(tmp_path, {"a": "ant"}, exclusive=False)) == (0, 1)
    (tmp_path / "loud/e.txt").write_bytes(b"by hand")
    assert counts(make(tmp_path, {"c": "cat"}, exclusive=False)) == (0, 1)
    with pytest.raises(UserError, match=r"loud.e\.txt: not made by a run in this folder"):
        make(tmp_path, {"e": "eel"}, exclusive=False)
    assert (tmp_path / "loud/e.txt").read_bytes() == b"by hand"


def test_an_item_can_be_a_link_and_a_link_to_nothing_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "source").write_text("whole", encoding="utf-8")

    def link(payload: Text) -> Made:
        return Made(links={f"loud/{payload[0]}.txt": tmp_path / payload[1]}, facts={"length": 0})

    for made, kept in ((1, 0), (0, 1)):
        outcome = make(tmp_path / "out", {"a": "source", "b": "nowhere"}, set_up=lambda: link)
        assert counts(outcome) == (made, kept)
        assert "nowhere: no such file" in outcome.faults["label of b"]
    assert (tmp_path / "out/loud/a.txt").samefile(tmp_path / "source")
    assert not (tmp_path / "out/loud/b.txt").exists()


@pytest.mark.parametrize("chunk", [1, 5])
def test_workers_give_the_same_tree_with_one_thread_a_library(tmp_path: Path, chunk: int) -> None:
    texts = TEXTS | {"bad": "mute"}
    expected = make(tmp_path / "one", texts)
    ran: list[Mapping[str, Any]] = []
    outcome = make(tmp_path / "two", texts, workers=2, chunk=chunk, watch=ran.append)
    assert outcome == expected and tree(tmp_path / "two") == tree(tmp_path / "one")
    pids = {facts["pid"] for facts in ran if facts}
    assert os.getpid() not in pids and len(pids) <= 2
    assert all(facts["environment"] == ["1"] * len(ONE_THREAD) for facts in ran if facts)
    assert all(not psutil.pid_exists(pid) for pid in pids)


def test_few_items_are_made_in_this_process(tmp_path: Path) -> None:
    ran: list[Mapping[str, Any]] = []
    make(tmp_path, TEXTS, workers=2, few=len(TEXTS), watch=ran.append)
    assert {facts["pid"] for facts in ran} == {os.getpid()}


def test_few_items_are_read_ahead(tmp_path: Path) -> None:
    read, made, most = 0, 0, 0

    def items() -> Iterator[Item[Text]]:
        nonlocal read
        read = 0
        for number in range(60):
            read += 1
            yield Item(f"{number}", "1", "label", (f"{number}", "text"))

    def watch(_: object) -> None:
        nonlocal made, most
        made += 1
        most = max(most, read - made)

    with run_batch(batch_in(tmp_path, workers=2, watch=watch), items) as outcome:
        assert outcome.made == 60
    assert 0 < most <= 2 * AHEAD + 1


def test_a_file_that_is_not_the_items_own_is_a_bug(tmp_path: Path) -> None:
    class Wrong:
        def __call__(self, payload: Text) -> Made:
            return Made({payload[1]: b"x"})

    for file in ("loud/b.txt", "../a.txt", "loud/../a.txt", "a.txt"):
        with pytest.raises(ValueError, match="has no file"):
            make(tmp_path / "out", {"a": file}, set_up=Wrong)
    assert not list(tmp_path.rglob("*.txt"))


# ---- what is kept ----


@pytest.mark.parametrize("workers", [1, 2])
def test_only_what_has_changed_is_made(tmp_path: Path, workers: int) -> None:
    texts = {f"n{number:03d}": f"text {number}" for number in range(299)}
    assert counts(make(tmp_path, texts, few=300)) == (299, 0)
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.txt")}
    assert counts(make(tmp_path, texts | {"new": "new"}, workers=workers)) == (1, 299)
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items())
    del texts["n007"]
    assert counts(make(tmp_path, texts | {"n003": "other"})) == (1, 297)
    assert not (tmp_path / "loud/new.txt").exists() and not (tmp_path / "n007_long.txt").exists()
    assert (tmp_path / "loud/n003.txt").read_bytes() == b"OTHER"
    make(tmp_path / "fresh", texts | {"n003": "other"})
    assert tree(tmp_path / "fresh").items() <= {k: v for k, v in tree(tmp_path).items() if "fresh" not in k}.items()


def test_other_settings_make_all_anew(tmp_path: Path) -> None:
    make(tmp_path, TEXTS)
    assert counts(make(tmp_path, TEXTS, settings={"loud": False})) == (len(TEXTS), 0)
    assert counts(make(tmp_path, TEXTS, settings={"loud": False})) == (0, len(TEXTS))


@pytest.mark.parametrize("damage_to", ["missing", "empty", "link"])
def test_files_that_are_not_whole_are_made_again(tmp_path: Path, damage_to: str) -> None:
    make(tmp_path / "out", TEXTS)
    before = tree(tmp_path / "out")
    path, victim = tmp_path / "out/loud/n004.txt", tmp_path / "victim.txt"
    path.unlink()
    victim.write_text("precious")
    if damage_to == "empty":
        path.touch()
    elif damage_to == "link":
        path.symlink_to(victim)
    assert counts(make(tmp_path / "out", TEXTS)) == (1, len(TEXTS) - 1)
    assert tree(tmp_path / "out") == before and not path.is_symlink() and victim.read_text() == "precious"


def test_other_files_of_the_folder_stay(tmp_path: Path) -> None:
    make(tmp_path, TEXTS)
    (tmp_path / "notes.md").write_text("mine")
    (tmp_path / "loud/picture.png").write_text("mine")
    make(tmp_path, {"a": "b"}, settings={})
    assert (tmp_path / "notes.md").exists() and (tmp_path / "loud/picture.png").exists()


@pytest.mark.parametrize("name", ["loud/n003.txt", "loud/other.txt", "x_long.txt", "table.csv", "faults.csv"])
@pytest.mark.parametrize("note", ["", ".made_from", JOURNAL])
def test_files_of_others_are_refused_before_any_work(tmp_path: Path, name: str, note: str) -> None:
    if note == JOURNAL and name.endswith(".csv"):
        pytest.skip("a folder with a journal has tables of its own")
    own = tmp_path / name
    own.parent.mkdir(exist_ok=True)
    own.write_text("made by hand")
    if note:
        (tmp_path / note).write_text(f"{own.stem} {own.stem}\n" * 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(UserError, match="not made by a run in this folder; set OUTPUT to another one"):
            make(tmp_path, TEXTS)
    assert own.read_text() == "made by hand" and len(list(tmp_path.rglob("*.txt"))) == (own.suffix == ".txt")


# ---- faults ----


def test_one_bad_item_is_listed_and_the_rest_is_done(tmp_path: Path) -> None:
    texts = {"a": "ant", "m": "mute", "k": "known: is empty", "h": "half", "b": "bee"}
    outcome = make(tmp_path, texts)
    faults = {"label of m": "cannot be shouted", "label of k": "is empty", "label of h": "half of it"}
    assert counts(outcome) == (2, 0) and outcome.faults == faults
    with open(tmp_path / "faults.csv", newline="", encoding="utf-8") as file:
        assert dict(csv.reader(file)) == {"file": "fault"} | faults
    assert [record.fault for record in outcome.tables if record.fault] == [*faults.values()]
    assert (tmp_path / "loud/h.txt").exists() and not (tmp_path / "loud/m.txt").exists()
    before = tree(tmp_path)
    assert counts(make(tmp_path, texts)) == (0, 2) and tree(tmp_path) == before
    assert counts(make(tmp_path, {"a": "ant", "m": "now loud"})) == (1, 1)
    assert not (tmp_path / "faults.csv").exists() and not (tmp_path / "loud/h.txt").exists()


def test_nothing_but_known_faults_ends_the_run_and_costs_nothing(tmp_path: Path) -> None:
    make(tmp_path, TEXTS)
    before = tree(tmp_path)
    with pytest.raises(UserError, match="2 faults"):
        make(tmp_path, {"a": "known: is empty", "b": "known: is a folder"})
    assert tree(tmp_path) == before


@pytest.mark.parametrize("workers", [1, 2])
def test_a_set_up_that_fails_ends_the_run(tmp_path: Path, workers: int) -> None:
    with pytest.raises(UserError, match="no weights; fetch them"):
        make(tmp_path, TEXTS, set_up=broken, workers=workers)
    assert counts(make(tmp_path, TEXTS)) == (len(TEXTS), 0)


def test_two_items_of_one_name_are_refused(tmp_path: Path) -> None:
    def items() -> list[Item[Text]]:
        return [Item("a", "1", "one.png", ("a", "x")), Item("a", "1", "two.png", ("a", "y"))]

    message = r"two\.png: another item gets the file name 'a' too"
    with pytest.raises(UserError, match=message), run_batch(batch_in(tmp_path / "out"), items):
        pass
    assert not (tmp_path / "out").exists()


@posix_only
def test_a_worker_that_the_system_ends_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a worker was ended by the system.*set WORKERS below 2"):
        make(tmp_path, TEXTS | {"k": "kill"}, workers=2)
    assert sum(counts(make(tmp_path, TEXTS | {"k": "fine"}))) == len(TEXTS) + 1


def test_a_journal_that_cannot_be_written_is_a_user_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write"):
        make(tmp_path / "file", TEXTS)


# ---- hostile folders ----


HOSTILE = [
    {"name": "../victim"},
    {"name": "../../victim"},
    {"name": "/etc/passwd"},
    {"name": "a", "version": "x", "label": "a", "files": ["../victim_long.txt"], "facts": {"length": 1}, "fault": ""},
    {"name": "a", "version": "ant", "label": "a", "files": ["../victim_long.txt"], "facts": {"length": 1}, "fault": ""},
    {"name": "a", "version": "ant", "label": "a", "files": ["loud/b.txt"], "facts": {"length": 1}, "fault": ""},
    {"name": "a", "version": "ant", "label": "a", "files": [], "facts": {}, "fault": ""},
    {"name": "../victim", "version": "", "label": "", "files": ["../victim_long.txt"], "facts": {"length": 1},
     "fault": ""},
]  # fmt: skip


@pytest.mark.parametrize("line", HOSTILE, ids=range(len(HOSTILE)))
def test_no_journal_reaches_out_of_its_folder(tmp_path: Path, line: dict[str, object]) -> None:
    victims = [tmp_path / "victim_long.txt", tmp_path / "loud/victim.txt", tmp_path / "victim.txt"]
    out = tmp_path / "deep/out"
    for victim in (*victims, tmp_path / "deep/victim_long.txt"):
        victim.parent.mkdir(exist_ok=True, parents=True)
        victim.write_text("precious")
    make(out, {"a": "ant", "b": "bee"})
    before = tree(out)
    with open(out / JOURNAL, "a", encoding="utf-8") as journal:
        journal.write(json.dumps(line) + "\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        make(out, {"a": "ant", "b": "bee"})
        assert tree(out) == before
        make(out, {"b": "bee"}, settings={})
    assert all(victim.read_text() == "precious" for victim in (*victims, tmp_path / "deep/victim_long.txt"))


def test_a_link_for_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "victims").mkdir()
    (tmp_path / "victims/n001.txt").write_text("precious")
    make(tmp_path / "out", {"a": "ant"})
    for path in (tmp_path / "out/loud").iterdir():
        path.unlink()
    (tmp_path / "out/loud").rmdir()
    (tmp_path / "out/loud").symlink_to(tmp_path / "victims")
    with open(tmp_path / "out" / JOURNAL, "a", encoding="utf-8") as journal:
        journal.write('{"name": "n001"}\n')
    with pytest.raises(UserError, match="is a link"):
        make(tmp_path / "out", {"a": "ant"})
    assert (tmp_path / "victims/n001.txt").read_text() == "precious"


@posix_only
@pytest.mark.parametrize("name", [JOURNAL, LOCK, f".{JOURNAL}.0123abcd.part", "loud/.a.txt.0123abcd.part"])
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_links_and_pipes_are_neither_followed_nor_waited_for(tmp_path: Path, name: str, kind: str) -> None:
    victim, path = tmp_path / "victim", tmp_path / "out" / name
    victim.write_text('{"settings": {"loud": true}}\n')
    path.parent.mkdir(parents=True)
    path.symlink_to(victim) if kind == "link" else os.mkfifo(path)
    with contextlib.suppress(UserError):
        make(tmp_path / "out", {"a": "ant"})
    assert victim.read_text() == '{"settings": {"loud": true}}\n'


def test_what_a_killed_run_left_half_written_is_removed(tmp_path: Path) -> None:
    make(tmp_path, TEXTS)
    before = tree(tmp_path)
    for name in ("n001_long.txt", "n001_long.txt", "loud/n99.txt"):
        part_path(tmp_path / name).write_text("half")
    other = part_path(tmp_path / "loud/else.png")
    other.write_text("not ours")
    (tmp_path / "loud/.n99.txt.part").write_text("not ours either")
    make(tmp_path, TEXTS)
    assert tree(tmp_path).keys() - before.keys() == {f"loud/{other.name}", "loud/.n99.txt.part"}


def test_damaged_lines_cost_work_and_one_warning(tmp_path: Path) -> None:
    make(tmp_path, TEXTS)
    before = tree(tmp_path)
    lines = (tmp_path / JOURNAL).read_bytes().splitlines(keepends=True)
    first = 1 + len(TEXTS)  # after settings and names
    lines[first], lines[first + 1] = b'{"name": 3}\n', b"\xff\xfe [[[[\n"
    (tmp_path / JOURNAL).write_bytes(b"".join(lines)[:-5])
    with pytest.warns(UserWarning, match="2 damaged lines ignored; what they list is made again") as caught:
        assert counts(make(tmp_path, TEXTS)) == (3, len(TEXTS) - 3)
    assert len(caught) == 1 and tree(tmp_path) == before


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(data=st.data())
def test_any_damage_to_a_journal_ends_in_the_right_tree_or_one_line(tmp_path: Path, data: st.DataObject) -> None:
    out, texts = tmp_path / "out", {"a": "ant", "b": "bee", "c": "mute"}
    if not (tmp_path / "expected").exists():
        make(tmp_path / "expected", texts)
        (tmp_path / "victim.txt").write_text("precious")
    for path in [*out.rglob("*.txt"), *out.glob(".journal*")]:
        path.unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with contextlib.suppress(UserError):
            (out / "faults.csv").unlink(missing_ok=True)
            make(out, texts)
        content = bytearray((out / JOURNAL).read_bytes())
        for _ in range(data.draw(st.integers(1, 4))):
            start = data.draw(st.integers(0, len(content)))
            new = data.draw(st.binary(max_size=12) | st.sampled_from([b"\n", b"[" * 5000, b'"../victim"', b"1" * 5000]))
            content[start : start + data.draw(st.integers(0, 40))] = new
        (out / JOURNAL).write_bytes(content)
        try:
            make(out, texts)
        except UserError as error:
            assert "not made by a run in this folder" in str(error)
        else:
            assert tree(out) == tree(tmp_path / "expected")
    assert (tmp_path / "victim.txt").read_text() == "precious"


# ---- one run at a time ----


def test_a_second_run_into_a_folder_is_refused(tmp_path: Path) -> None:
    with run_batch(batch_in(tmp_path), items_of(TEXTS)):
        before = tree(tmp_path)
        with pytest.raises(UserError, match="another run is writing it"):
            make(tmp_path, TEXTS, settings={"loud": False})
        assert tree(tmp_path) == before
        make(tmp_path / "other", TEXTS)
    make(tmp_path, TEXTS)


MANY = {f"n{number:03d}": f"text {number}" for number in range(60)}


def write_table(folder: Path, records: Iterator[Record]) -> None:
    (folder / "table.csv").write_text("".join(f"{record.name},{record.facts['length']}\n" for record in records))


def make_many(folder: Path, seconds: float = 0, workers: int = 1) -> tuple[int, int]:
    """Make MANY, each of which takes so long; gives how many were made and kept."""
    options = {"workers": workers, "chunk": 3, "set_up": functools.partial(Shouter, seconds)}
    with run_batch(
        batch_in(folder, tables=functools.partial(write_table, folder), **options), items_of(MANY)
    ) as outcome:
        return outcome.made, outcome.kept


def child(folder: Path, plan: str = "", seconds: float = 0.01, workers: int = 2) -> list[str]:
    """A command that runs `make_many` in a process of its own; `plan` is Python that runs before."""
    code = f"from tests.common.test_batches import *\n{plan}\nmake_many(Path(sys.argv[1]), {seconds}, {workers})"
    return [sys.executable, "-c", code, str(folder)]


def start(command: Sequence[str]) -> subprocess.Popen[str]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
    finally:
        signal.signal(signal.SIGINT, before)


def wait_for_texts(folder: Path, count: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while len(list(folder.glob("loud/[!.]*.txt"))) < count:
        assert process.poll() is None and time.monotonic() < deadline, "it ended before it was interrupted"
        time.sleep(0.002)


@posix_only
def test_runs_that_are_killed_at_any_moment_end_in_the_undisturbed_tree(tmp_path: Path) -> None:
    rng = random.Random(1)
    make_many(tmp_path / "undisturbed")
    for _ in range(5):
        process = start(child(tmp_path / "out", seconds=0.03))
        wait_for_texts(
            tmp_path / "out", min(55, len(list(tmp_path.glob("out/loud/*.txt"))) + rng.randrange(9)), process
        )
        workers = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.communicate()
        assert not psutil.wait_procs(workers, timeout=20)[1], "workers end with their parent"
    make_many(tmp_path / "out")
    assert tree(tmp_path / "out") == tree(tmp_path / "undisturbed")


@posix_only
@pytest.mark.parametrize("step", ["write_bytes", "note", "write_faults"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_runs_that_are_killed_at_each_step_end_in_the_undisturbed_tree(tmp_path: Path, step: str, moment: str) -> None:
    make_many(tmp_path / "undisturbed")
    kill = f"len(calls) == {1 if step == 'write_faults' else 7} and os.kill(os.getpid(), signal.SIGKILL)"
    body = f"{kill}, real(*a)" if moment == "before" else f"real(*a), {kill}"
    plan = f"from common import batches\nreal, calls = batches.{step}, []\n"
    plan += f"batches.{step} = lambda *a: (calls.append(1), {body})"
    process = start(child(tmp_path / "out", plan, workers=1))
    assert process.wait(60) == -signal.SIGKILL
    made, kept = make_many(tmp_path / "out")
    assert made < len(MANY) and made + kept == len(MANY)
    assert tree(tmp_path / "out") == tree(tmp_path / "undisturbed")


@posix_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_tables_and_no_processes(tmp_path: Path, number: signal.Signals) -> None:
    plan = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))"  # as common.runner does
    process = start(child(tmp_path / "out", plan, seconds=0.05))
    wait_for_texts(tmp_path / "out", 10, process)
    workers = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    _, message = process.communicate(timeout=60)
    assert process.returncode == (-signal.SIGINT if number == signal.SIGINT else 143), message
    assert not psutil.wait_procs(workers, timeout=5)[1]
    listed = (tmp_path / "out/table.csv").read_text().splitlines()
    assert listed == sorted(listed) and 10 - 2 * 3 <= len(listed) < len(MANY)
    assert make_many(tmp_path / "out") == (len(MANY) - len(listed), len(listed))
    make_many(tmp_path / "undisturbed")
    assert tree(tmp_path / "out") == tree(tmp_path / "undisturbed")


@posix_only
def test_the_lock_of_a_killed_run_does_not_stay(tmp_path: Path) -> None:
    process = start(child(tmp_path / "out", seconds=0.05, workers=1))
    wait_for_texts(tmp_path / "out", 3, process)
    with pytest.raises(UserError, match="another run is writing it"):
        make_many(tmp_path / "out")
    process.kill()
    process.communicate()
    make_many(tmp_path / "out")
