"""Batches on Ray: kills at random, speed beside our own pool, memory, and millions of users.

python -m tests.benchmarks.scale chaos --kills 200 --log kills.jsonl   kills; goes on where an earlier run stopped
python -m tests.benchmarks.scale stores --kills 8                      kills of commands that write into a bucket
python -m tests.benchmarks.scale speed                                 items a second, Ray beside the pool
python -m tests.benchmarks.scale memory                                of the process that hands out the work
python -m tests.benchmarks.scale users --people 20000000               matching, Ray beside the local engine

Chaos: on a cluster of three nodes, each stage runs again and again, and at up to three random moments of each run one
of these is killed (SIGKILL): a worker, the raylet of a node, a node with all its processes, or the command, which is
then run again. Afterwards the tree must be that of an undisturbed local run by SHA-256, and no worker may be left.
"""

import argparse
import contextlib
import functools
import json
import logging
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from common.batches import Batch, Item, Made, run_batch
from common.files import sha256_of
from common.genres import GENRES
from common.paths import DATA
from common.ray_engine import RayCluster
from tests.avatar.tiny_sdxl import build_tiny_sdxl
from tests.benchmarks.hardware import describe_machine
from tests.benchmarks.kills import differences, tree_of
from tests.helpers import ROOT

KINDS = ("worker", "raylet", "node", "command")
NODES = 3
KILLS_A_RUN = 3
ITEM_S = 0.005  # of processor time
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_worker_niceness": "0",
    "OMP_NUM_THREADS": "1",
    "PYTHONPATH": str(ROOT),
}


# ---- chaos ----


def stages(folder: Path) -> dict[str, list[str]]:
    """Scripts with their flags, on small inputs which are made in the folder; {out} is the output."""
    users = (DATA / "pet/users.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "tastes.csv").write_text("".join(users[:5]), encoding="utf-8")
    choices = folder / "choices.csv"
    quiet = subprocess.DEVNULL
    subprocess.run([sys.executable, str(ROOT / "pet/1_TopN.py"), f"--output={choices}"], check=True, stdout=quiet)
    build_tiny_sdxl(folder / "tiny")
    frames, masks = DATA / "masks/frames_backup_walk_north", DATA / "carousel/masks"
    avatars = ["--steps=2", "--mode=base", "--size-px=64", "--no-cut-out", f"--model={folder / 'tiny'}"]
    collages = ["--segmenter=files", f"--masks={masks}", "--inpainter=rows", "--panel-px=64"]
    return {
        "pet pictures": ["pet/1.5_Plot_Pet.py", f"--choices={choices}", "--size-px=64", "--output={out}"],
        "masks": ["masks/5_predict_masks.py", f"--frames={frames}", "--output={out}"],
        "collages": ["carousel/Collage_segmentation.py", *collages, "--output={out}"],
        "avatars": ["avatar/AvatarGen_Base.py", f"--features={folder / 'tastes.csv'}", *avatars, "--output={out}"],
    }


def command(stage: list[str], output: Path | str, *more: str) -> list[str]:
    return [sys.executable, str(ROOT / stage[0]), *(f.replace("{out}", str(output)) for f in stage[1:]), *more]


class ThreeNodes:
    """A cluster on this machine whose nodes can be killed."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        checks = {"health_check_period_ms": 500, "health_check_failure_threshold": 3}
        self._before = {child.pid for child in psutil.Process().children(recursive=True)}
        head = {"num_cpus": 1, "include_dashboard": False, "_system_config": checks}
        self._cluster: Any = Cluster(initialize_head=True, head_node_args=head)
        self.address: str = self._cluster.address
        self._nodes = [self._cluster.add_node(num_cpus=1) for _ in range(NODES - 1)]

    def kill(self, kind: str, process: "subprocess.Popen[bytes]", rng: random.Random) -> bool:
        """Kill one of a kind; False where there is none."""
        if kind == "command":
            process.kill()
            process.wait()
        elif kind == "worker":
            there = self.workers()
            if not there:
                return False
            rng.choice(there).kill()
        else:
            node = self._nodes.pop(rng.randrange(len(self._nodes)))
            if kind == "raylet":
                psutil.Process(node.all_processes["raylet"][0].process.pid).kill()
            self._cluster.remove_node(node, allow_graceful=False)
            self._nodes.append(self._cluster.add_node(num_cpus=1))
        return True

    @staticmethod
    def workers() -> list[psutil.Process]:
        """The processes that work on pieces."""
        found = []
        for process in psutil.Process().children(recursive=True):
            try:
                if "_Worker" in "".join(process.cmdline()[:1]):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def close(self) -> None:
        """End all processes of the cluster."""
        self._cluster.shutdown()
        for child in psutil.Process().children(recursive=True):
            if child.pid not in self._before:
                child.kill()


def run_with_kills(
    stage: list[str], kills: list[tuple[str, float]], *, output: Path, cluster: ThreeNodes, rng: random.Random
) -> tuple[list[str], int]:
    """Run a stage to its end; after each wait of so many seconds kill one of a kind.

    Returns: the kinds that were killed, and how many workers were left.
    """
    line = command(stage, output, "--engine=ray", f"--ray-address={cluster.address}", "--workers=2")
    process = _started(line)
    killed: list[str] = []
    for kind, wait_s in kills:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(wait_s)
        if process.poll() is None and cluster.kill(kind, process, rng):
            killed.append(kind)
        if process.poll() and killed:  # the command itself; or it lost Ray's node to which it belonged
            process.communicate()
            process = _started(line)
    _, error = process.communicate()
    if process.returncode and killed:
        process = _started(line)
        _, error = process.communicate()
    if process.returncode:
        sys.exit(f"{' '.join(line)}: exit status {process.returncode}\n{error.decode()}")
    deadline = time.monotonic() + 20
    while (left := len(cluster.workers())) and time.monotonic() < deadline:
        time.sleep(0.2)
    return killed, left


def _started(line: list[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def chaos(kills: int, log: Path, seed: int) -> bool:
    """Kill and compare; the log holds a line for each kill. True where all trees are right."""
    os.environ.update(ENVIRONMENT)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        todo = stages(folder)
        wanted = {}
        for stage, flags in todo.items():
            subprocess.run(command(flags, folder / stage), check=True, capture_output=True)
            wanted[stage] = tree_of(folder / stage)
        cluster = ThreeNodes()
        try:
            lengths: dict[str, float] = {}
            done = [json.loads(line) for line in log.read_text().splitlines()] if log.is_file() else []
            hits, number = sum(len(line["killed"]) for line in done), len(done)
            while hits < kills:
                rng = random.Random(f"{seed} {number}")
                stage = list(todo)[number % len(todo)]
                run = functools.partial(run_with_kills, todo[stage], output=folder / "trial", cluster=cluster, rng=rng)
                if stage not in lengths:
                    start = time.monotonic()
                    run([])
                    lengths[stage] = time.monotonic() - start
                    shutil.rmtree(folder / "trial")
                waits = [rng.uniform(0.15, 0.55) * lengths[stage] for _ in range(KILLS_A_RUN)]
                killed, left = run([(rng.choice(KINDS), wait_s) for wait_s in waits])
                wrong = differences(wanted[stage], tree_of(folder / "trial"))
                shutil.rmtree(folder / "trial")
                facts = {"stage": stage, "killed": killed, "differ": wrong, "left": left}
                with open(log, "a") as file:
                    file.write(json.dumps(facts) + "\n")
                print(facts, flush=True)
                hits, number = hits + len(killed), number + 1
        finally:
            cluster.close()
    return show_kills(log)


def show_kills(log: Path) -> bool:
    """Print the table of all kills; True where all trees are right and nothing was left."""
    done = [json.loads(line) for line in log.read_text().splitlines()]
    hits = Counter((line["stage"], kind) for line in done for kind in line["killed"])
    print(f"{'stage':16}{'runs':>6}" + "".join(f"{kind:>10}" for kind in KINDS) + f"{'files differ':>14}{'left':>6}")
    for stage in dict.fromkeys(line["stage"] for line in done):
        mine = [line for line in done if line["stage"] == stage]
        differ, left = sum(len(line["differ"]) for line in mine), sum(line["left"] for line in mine)
        counts = "".join(f"{hits[stage, kind]:>10}" for kind in KINDS)
        print(f"{stage:16}{len(mine):>6}{counts}{differ:>14}{left:>6}")
    print(f"{sum(hits.values())} kills in {len(done)} runs")
    return not any(line["differ"] or line["left"] for line in done)


# ---- object stores ----

HASTY = """
import runpy, sys
from common.stores import locks
locks.RENEW_S, locks.STALE_S, locks.SETTLE_S = 1, 6, 1
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def kills_at_a_store(kills: int, seed: int) -> bool:
    """Kill commands whose output is in a bucket of moto's server, and compare; True where all trees are right."""
    import fsspec
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    keys = {"AWS_ACCESS_KEY_ID": "somebody", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
    os.environ.update(ENVIRONMENT | keys | {"AWS_ENDPOINT_URL": f"http://{host}:{port}"})
    system = fsspec.filesystem("s3", use_listings_cache=False)
    system.mkdir("festival")
    right = True
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["RELIVE_STORES"] = str(folder / "copies")
        todo = stages(folder)
        lengths = dict.fromkeys(todo, 0.0)
        for number in range(kills):
            rng, stage = random.Random(f"{seed} {number}"), list(todo)[number % len(todo)]
            if not lengths[stage]:
                start = time.monotonic()
                subprocess.run(command(todo[stage], folder / stage), check=True, capture_output=True)
                lengths[stage] = time.monotonic() - start
            url = f"s3://festival/{number}"
            python, *script = command(todo[stage], url)
            line = [python, "-c", HASTY, *script]
            process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(rng.uniform(0.3, 1.2) * lengths[stage])
            process.kill()
            hit, stored = process.wait() != 0, len(system.find(url))
            shutil.rmtree(folder / "copies", ignore_errors=True)  # another machine goes on
            subprocess.run(line, check=True, capture_output=True)
            system.get(f"{url}/", str(folder / "found"), recursive=True)
            wrong = [n for n in differences(tree_of(folder / stage), tree_of(folder / "found")) if n != "run.json"]
            shutil.rmtree(folder / "found")
            right &= not wrong
            print({"stage": stage, "hit": hit, "stored before": stored, "differ": wrong}, flush=True)
    server.stop()
    return right


# ---- speed and memory ----


class Work:
    """Takes processor time, or only time, and makes a small file."""

    def __init__(self, busy_s: float, idle_s: float = 0) -> None:
        self.busy_s, self.idle_s = busy_s, idle_s

    def __call__(self, name: str) -> Made:
        time.sleep(self.idle_s)
        end = time.thread_time() + self.busy_s
        while time.thread_time() < end:
            pass
        return Made({f"{name}.txt": name.encode()})


def seconds_of(count: int, work: Work, folder: Path, *, workers: int, ray: RayCluster | None) -> float:
    """Seconds from the first finished item to the last one, so without the start."""
    times: list[float] = []
    batch: Batch[str, list[Any]] = Batch(
        folder=folder,
        settings={},
        files=(r"(\d+)\.txt",),
        set_up=functools.partial(_same, work),
        tables=lambda records: [],
        watch=lambda facts: times.append(time.perf_counter()),
        what="pool" if ray is None else "ray",
        unit="item",
        workers=workers,
        chunk=16,
        ray=ray,
    )

    def items() -> Iterator[Item[str]]:
        for number in range(count):
            yield Item(f"{number:07d}", "", f"{number}", f"{number:07d}")

    with run_batch(batch, items):
        pass
    shutil.rmtree(folder)
    return times[-1] - times[0]


def _same(work: Work) -> Work:
    return work


def speed(count: int) -> None:
    """Two workers beside one, Ray beside the pool, and four workers that sleep."""
    import ray

    os.environ.update(ENVIRONMENT)
    ray.init(address="local", num_cpus=4, include_dashboard=False, log_to_driver=False)
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "out"
        for workers in (1, 2):
            pool = seconds_of(count, Work(ITEM_S), out, workers=workers, ray=None)
            on_ray = seconds_of(count, Work(ITEM_S), out, workers=workers, ray=RayCluster("", workers))
            print(f"{count} items of {1000 * ITEM_S:g} ms, {workers} workers: pool {pool:.1f} s, Ray {on_ray:.1f} s")
        for workers in (1, 2, 4):
            took = seconds_of(400, Work(0, 0.1), out, workers=workers, ray=RayCluster("", workers))
            print(f"400 items that sleep 0.1 s, {workers} workers of Ray: {took:.1f} s")


def memory(items: int) -> None:
    """Peak memory of the process that hands out so many items, and ten times as many."""
    for engine in ("None", "RayCluster('', 2)"):
        for count in (items, 10 * items):
            code = (
                "import resource; from pathlib import Path; import tempfile\n"
                "from common.ray_engine import RayCluster\nfrom tests.benchmarks.scale import Work, seconds_of\n"
                f"seconds_of({count}, Work(0), Path(tempfile.mkdtemp()) / 'out', workers=2, ray={engine})\n"
                "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
            )
            process = subprocess.run(
                [sys.executable, "-c", code], env=os.environ | ENVIRONMENT, capture_output=True, text=True, check=True
            )
            print(f"{'pool' if engine == 'None' else 'Ray':5} {count:7} items: {process.stdout.strip()} MB", flush=True)


# ---- users ----


def users(people: int) -> None:
    """Match so many synthetic users by both engines, from Parquet to Parquet; the tables must be equal."""
    import pyarrow as pa
    from pyarrow import parquet

    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        table, block = Path(name) / "users.parquet", 1 << 17
        schema = pa.schema([("user", pa.string()), *((genre, pa.float32()) for genre in GENRES)])
        with parquet.ParquetWriter(table, schema) as writer:
            for start in range(0, people, block):
                rows = min(block, people - start)
                tastes = rng.integers(0, 6, (len(GENRES), rows)).astype(np.float32)
                names = pa.array([f"user {n}" for n in range(start, start + rows)])
                writer.write_table(pa.table([names, *tastes], schema=schema))
        hashes = set()
        for engine in ("local", "ray"):
            output, start_s = Path(name) / f"{engine}.parquet", time.perf_counter()
            flags = [f"--users={table}", f"--output={output}", f"--engine={engine}"]
            line = [sys.executable, str(ROOT / "pet/1_TopN.py"), *flags]
            subprocess.run(line, check=True, capture_output=True, env=os.environ | ENVIRONMENT)
            seconds = time.perf_counter() - start_s
            hashes.add(sha256_of(output))
            print(f"{people:,} users, {engine:5}: {seconds:.0f} s, {people / seconds:,.0f} a second", flush=True)
        print("the tables are equal" if len(hashes) == 1 else "THE TABLES DIFFER")


def main() -> None:
    parser = argparse.ArgumentParser(description=re.split(r"\n", __doc__ or "")[0])
    parser.add_argument("what", choices=["chaos", "stores", "speed", "memory", "users"])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--log", type=Path, default=Path("kills.jsonl"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--people", type=int, default=20_000_000)
    arguments = parser.parse_args()
    print(describe_machine())
    if arguments.what == "chaos":
        sys.exit(0 if chaos(arguments.kills, arguments.log, arguments.seed) else 1)
    if arguments.what == "stores":
        sys.exit(0 if kills_at_a_store(arguments.kills, arguments.seed) else 1)
    if arguments.what == "speed":
        speed(arguments.items)
    elif arguments.what == "memory":
        memory(arguments.items)
    else:
        users(arguments.people)


if __name__ == "__main__":
    main()
