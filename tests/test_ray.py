"""Stages on a Ray cluster of three nodes: the tree of the local run, whoever dies."""

import functools
import importlib.util
import os
import pickle
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from common import batches, ray_engine
from common.batches import Made, run_batch
from common.errors import UserError
from common.files import write_bytes
from common.journals import LOCK, Results
from common.paths import DATA
from common.ray_engine import RayCluster, ray_cluster
from common.stores.handover import packed, write_claim
from common.surveys import readers
from tests.avatar.tiny_sdxl import build_tiny_sdxl
from tests.benchmarks.kills import tree_of
from tests.common.test_batches import Buggy, Shouter, batch_in, broken, items_of, tree
from tests.helpers import ROOT, load_main

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs Ray: pip install -e '.[ray]'"),
]
TEXTS = {f"n{number:03d}": f"text {number}" for number in range(40)}
PHOTOS = ("beach_1", "club_1")
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal", "RAY_worker_niceness": "0"}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A cluster of three nodes with a core each, that finds out quickly who is dead."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in QUIET.items():
            patch.setenv(name, value)
        import ray
        from ray.cluster_utils import Cluster

        before = {child.pid for child in psutil.Process().children(recursive=True)}
        checks = {"health_check_period_ms": 500, "health_check_failure_threshold": 3}
        folder = str(tmp_path_factory.mktemp("r"))
        Path(tempfile.gettempdir(), "ray").mkdir(exist_ok=True)  # Ray notes the address there, wherever the cluster is
        head = {"num_cpus": 1, "include_dashboard": False, "_system_config": checks, "temp_dir": folder}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        for _ in range(2):
            cluster.add_node(num_cpus=1)
        RayCluster(cluster.address)._start()
        try:
            ray.get(ray.remote(platform.node).remote(), timeout=60)
        except ray.exceptions.GetTimeoutError:  # it would wait for ever
            pytest.skip(f"Ray starts no workers from {sys.executable}")
        yield cluster.address
        ray.shutdown()
        cluster.shutdown()
        for child in psutil.Process().children(recursive=True):
            if child.pid not in before:
                child.kill()


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as Ray's workers have
    yield
    torch.set_num_threads(threads)


def shout(folder: Path, texts: dict[str, str], address: str, set_up: Any = Shouter, *, workers: int = 1) -> Any:
    batch = batch_in(folder, set_up=set_up, chunk=2, ray=RayCluster(address, workers))
    with run_batch(batch, items_of(texts)) as outcome:
        return outcome


def shout_locally(folder: Path, texts: dict[str, str]) -> None:
    with run_batch(batch_in(folder), items_of(texts)):
        pass


# ---- stages ----


def copies(target: Path, *sources: Path) -> Path:
    target.mkdir(parents=True)
    for source in sources:
        shutil.copy(source, target)
    return target


def frames(folder: Path) -> Path:
    source = DATA / "masks/frames_backup_walk_east_smooth"
    return copies(folder, *(source / f"{kind}_frame_{n:02d}.png" for n in range(3) for kind in ("base", "clothed")))


def choices(inputs: Path, output: Path, suffix: str = ".csv", **engine: Any) -> None:
    """Parts of a table are a few lines here; the driver alone decides that."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(readers, "PART_BYTES", 300)
        main = load_main("pet/1_TopN.py")
        main(users=inputs / "users.csv", top_n=None, output=output / f"choices{suffix}", **engine)


def parquet_choices(inputs: Path, output: Path, **engine: Any) -> None:
    choices(inputs, output, ".parquet", **engine)


def pets(inputs: Path, output: Path, **engine: Any) -> None:
    load_main("pet/1.5_Plot_Pet.py")(choices=inputs / "choices.csv", size_px=64, output=output, pages=0, **engine)


def proposals(inputs: Path, output: Path, **engine: Any) -> None:
    shutil.copytree(inputs / "frames", output / "frames")
    load_main("masks/2_initial_masks.py")(training_data=output, output=output / "sheet.png", **engine)


def predictions(inputs: Path, output: Path, **engine: Any) -> None:
    load_main("masks/5_predict_masks.py")(frames=inputs / "frames", output=output, **engine)


def collages(inputs: Path, output: Path, **engine: Any) -> None:
    settings: dict[str, Any] = {"segmenter": "files", "inpainter": "rows", "panel_px": 64}
    make = load_main("carousel/Collage_segmentation.py")
    make(photos=(inputs / "photos",), masks=DATA / "carousel/masks", output=output, **settings, **engine)


def fused(inputs: Path, output: Path, **engine: Any) -> None:
    make = load_main("carousel/Inference.py")
    make(person=inputs / "people", output=output, find_people=False, gif_px=64, **engine)


def features(inputs: Path, output: Path, **engine: Any) -> None:
    make = load_main("avatar/FeatureExtractor.py")
    make(photo=inputs / "people", taste="rock=5", analyzer="self", output=output, **engine)


def avatars(inputs: Path, output: Path, script: str = "avatar/AvatarGen_Base.py", **engine: Any) -> None:
    small: dict[str, Any] = {"steps": 1, "mode": "base", "size_px": 64, "cut_out": False}
    load_main(script)(features=inputs / "tastes.csv", model=str(inputs / "tiny"), output=output, **small, **engine)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    users = (DATA / "pet/users.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "tastes.csv").write_text("".join(users[:3]), encoding="utf-8")
    (folder / "users.csv").write_text("".join(users[:7]), encoding="utf-8")
    load_main("pet/1_TopN.py")(users=folder / "users.csv", output=folder / "choices.csv")
    frames(folder / "frames")
    copies(folder / "photos", *(DATA / f"carousel/photos/{name}.jpg" for name in PHOTOS))
    copies(folder / "people", *(DATA / f"carousel/people/person_0{n}.png" for n in (1, 2)))
    build_tiny_sdxl(folder / "tiny")
    return folder


# The start of a worker is what takes time: a table, pictures and a model go to the cluster, the rest as it would go.
ON_RAY: list[Callable[..., None]] = [choices, pets, predictions]
AS_PICKLES: list[Callable[..., None]] = [parquet_choices, proposals, collages, fused, features, avatars]


@pytest.mark.parametrize("stage", ON_RAY, ids=lambda stage: stage.__name__)
def test_a_stage_on_ray_leaves_the_tree_of_the_local_run(
    stage: Callable[..., None], inputs: Path, address: str, tmp_path: Path
) -> None:
    stage(inputs, tmp_path / "local", workers=1)
    stage(inputs, tmp_path / "ray", engine="ray", ray_address=address, workers=1)
    wanted = tree_of(tmp_path / "local")
    assert wanted and tree_of(tmp_path / "ray") == wanted


def through_pickles(
    _: RayCluster, function: Callable[[Any], Any], arguments: Iterable[Any], *, claim: Path, on_gpu: bool = False
) -> Iterator[Any]:
    """A worker of Ray in this process: what it does and gets and gives crosses as pickles."""
    from ray.cloudpickle import CloudPickler

    write_claim(claim, "mine")
    owned = ray_engine._Owned(packed(function, CloudPickler), claim.absolute(), "mine", Path.cwd())
    worker = pickle.loads(pickle.dumps(ray_engine._Worker(owned)))
    for argument in arguments:
        result, error = pickle.loads(worker._call(packed(argument)))
        if error is not None:
            raise error
        yield result
    write_claim(claim, "")


@pytest.mark.parametrize("stage", AS_PICKLES, ids=lambda stage: stage.__name__)
def test_a_stage_goes_to_ray_as_pickles(
    stage: Callable[..., None], inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def counted(*arguments: Any, **options: Any) -> Iterator[Any]:
        for result in through_pickles(*arguments, **options):
            seen.append(result)
            yield result

    monkeypatch.setattr(RayCluster, "map_unordered", counted)
    stage(inputs, tmp_path / "local")
    assert not seen
    stage(inputs, tmp_path / "ray", engine="ray", workers=1)
    wanted = tree_of(tmp_path / "local")
    assert seen and wanted and tree_of(tmp_path / "ray") == wanted


# ---- what goes wrong ----


def workers() -> list[psutil.Process]:
    """Processes of Ray below this one that work on pieces."""
    return [p for p in psutil.Process().children(recursive=True) if "_Worker" in "".join(p.cmdline()[:1])]


def test_faults_are_those_of_the_local_run(address: str, tmp_path: Path) -> None:
    texts = {"a": "ant", "b": "mute", "c": "known: too old", "d": "half"}
    shout_locally(tmp_path / "local", texts)
    outcome = shout(tmp_path / "ray", texts, address)
    assert outcome.faults == {
        "label of b": "cannot be shouted",
        "label of c": "too old",
        "label of d": "half of it",
    }
    assert tree(tmp_path / "ray") == tree(tmp_path / "local")


def test_a_killed_worker_loses_nothing(address: str, tmp_path: Path) -> None:
    killed = []

    def kill_one() -> None:
        while len(list(tmp_path.glob("ray/loud/*.txt"))) < 5:
            time.sleep(0.01)
        killed.extend(workers()[:1])
        killed[0].kill()

    thread = threading.Thread(target=kill_one, daemon=True)
    thread.start()
    outcome = shout(tmp_path / "ray", TEXTS, address, functools.partial(Shouter, 0.05), workers=2)
    thread.join(10)
    assert killed and outcome.made == len(TEXTS)
    shout_locally(tmp_path / "local", TEXTS)
    assert tree(tmp_path / "ray") == tree(tmp_path / "local")


def test_an_item_that_kills_its_workers_ends_the_run(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_engine, "DEATHS", 1)
    with pytest.raises(UserError, match=r"Ray lost the workers.*WORKERS"):
        shout(tmp_path, {"a": "kill"}, address)
    assert shout(tmp_path, {"a": "ant"}, address).made == 1


def test_what_cannot_be_set_up_ends_the_run(address: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no weights; fetch them"):
        shout(tmp_path, TEXTS, address, broken)


def test_a_bug_keeps_the_traceback_of_the_worker(address: str, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError) as raised:
        shout(tmp_path, TEXTS, address, Buggy)
    assert "in __call__" in raised.value.__notes__[0]


class DiesOnceItHasWritten(Shouter):
    """Its worker is killed after the first file of an item, before anybody hears of it; once."""

    def __init__(self, died: Path) -> None:
        super().__init__()
        self.died = died

    def __call__(self, payload: tuple[str, str]) -> Made:
        if payload[0] == "n007" and not self.died.exists():

            def write_and_die(target: Path, content: bytes) -> None:
                write_bytes(target, content)
                self.died.touch()
                os.kill(os.getpid(), signal.SIGKILL)

            vars(batches)["write_bytes"] = write_and_die
        return super().__call__(payload)


class Died(BaseException):
    """Ends a run as a kill does: nothing is noted or put in order."""


def test_whoever_dies_between_two_steps_the_tree_is_that_of_the_local_run(address: str, tmp_path: Path) -> None:
    """A worker between a file and its line; the command between lines, and before and after the commit."""
    folder, died = tmp_path / "ray", tmp_path / "died"

    def shout_until(step: str, moment: str, calls: int) -> None:
        owner = Results if step == "settle" else batches
        real, count = getattr(owner, step), iter(range(1, 1000))

        def dying(*given: Any) -> Any:
            number = next(count)
            if number == calls and moment == "before":
                raise Died
            result = real(*given)
            if number == calls:
                raise Died
            return result

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(owner, step, dying)
            with pytest.raises(Died):
                shout(folder, TEXTS, address, functools.partial(DiesOnceItHasWritten, died))

    shout_until("note", "after", 9)  # files are there whose lines are not
    shout_until("settle", "before", 1)
    shout_until("settle", "after", 1)
    assert shout(folder, TEXTS, address).kept == len(TEXTS) and died.exists()
    shout_locally(tmp_path / "local", TEXTS)
    assert tree(folder) == tree(tmp_path / "local")


def test_workers_of_a_run_that_is_no_more_write_nothing(address: str, tmp_path: Path) -> None:
    """So does a machine on which the folder is another one."""
    (tmp_path / LOCK).write_text("another run's")
    owned = ray_engine._Owned(b"", tmp_path / LOCK, "mine", tmp_path)
    with pytest.raises(UserError, match="machines must share the storage"):
        owned.check()
    with run_batch(batch_in(tmp_path), items_of({"a": "ant"})):
        assert (tmp_path / LOCK).read_text() == "", "a run, of whatever engine, takes the folder"


@pytest.mark.usefixtures("address")  # which tells whether Ray starts workers
def test_an_interrupted_run_leaves_no_processes_and_any_engine_resumes_it(inputs: Path, tmp_path: Path) -> None:
    """Here Ray runs on this machine alone, for this run."""
    pets(inputs, tmp_path / "local")
    flags = [f"--choices={inputs / 'choices.csv'}", "--size-px=64", "--pages=0", f"--output={tmp_path / 'ray'}"]
    command = [sys.executable, str(ROOT / "pet/1.5_Plot_Pet.py"), *flags, "--engine=ray", "--workers=1"]
    process = subprocess.Popen(
        command, start_new_session=True, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ | QUIET
    )
    deadline = time.monotonic() + 90
    while not list(tmp_path.glob("ray/pets/*.png")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    below = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)
    _, message = process.communicate(timeout=60)
    assert process.returncode == 130 and "interrupted" in message, message
    assert not psutil.wait_procs(below, timeout=20)[1]
    pets(inputs, tmp_path / "ray")
    assert tree_of(tmp_path / "ray") == tree_of(tmp_path / "local")


# ---- settings ----


def test_a_cluster_that_is_not_there_is_said(tmp_path: Path) -> None:
    import ray

    if ray.is_initialized():
        ray.shutdown()
    with pytest.raises(UserError, match=r"Ray at 127\.0\.0\.1:1 cannot be used.*RAY_ADDRESS"):
        shout(tmp_path, TEXTS, "127.0.0.1:1")


def test_workers_that_would_never_find_their_cores_are_refused(address: str, tmp_path: Path) -> None:
    with (
        pytest.raises(UserError, match=r"WORKER_CPUS is 2, and Ray's machines have 1 cores at most"),
        run_batch(batch_in(tmp_path, ray=RayCluster(address, 1, worker_cpus=2)), items_of(TEXTS)),
    ):
        pass


def test_an_address_is_for_ray_alone() -> None:
    assert ray_cluster("local", "", 3) is None
    assert ray_cluster("ray", "head:6379", 3) == RayCluster("head:6379", 3)
    with pytest.raises(UserError, match="ENGINE is local; set ENGINE to ray"):
        ray_cluster("local", "head:6379", None)


def test_a_python_whose_path_ray_cannot_call_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/opt/my tools/python")
    with pytest.raises(UserError, match="its path has a space"):
        ray_cluster("ray", "", None)
