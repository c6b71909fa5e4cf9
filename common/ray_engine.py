"""Batches on Ray: the same function an item, on the workers of one machine or of a cluster.

Ray Data (https://docs.ray.io/en/latest/data/data.html) hands out the work, restarts workers that die and repeats what
they had begun. An item may so be made twice, which changes nothing: its files have names of their own and are renamed
into place. See docs/cluster.md.
"""

import contextlib
import importlib.util
import itertools
import logging
import os
import pickle
import platform
import secrets
import signal
import socket
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from common.errors import UserError
from common.stores.handover import packed, read_claim, unpacked, write_claim
from common.workers import ONE_THREAD, default_workers

if TYPE_CHECKING:
    import pyarrow as pa

Engine = Literal["local", "ray"]

DEATHS = 5  # of workers at one piece of work, which then is what kills them
CONNECT_S = 10  # to find the cluster
STORE_BYTES = 256 << 20  # memory for work that waits, on this machine; the rest of it goes to disk

Argument = TypeVar("Argument")
Result = TypeVar("Result")


@dataclass(frozen=True)
class RayCluster:
    """Where Ray works.

    Attributes:
        address: address of a running cluster, as `ray.init` takes it; empty: the environment's RAY_ADDRESS, or else
            a Ray of our own on this machine.
        workers: processes; None: as many as find their cores, or one for each GPU where the work runs on GPUs.
        worker_cpus: cores that each of them asks for; it has one thread all the same, as results depend on threads.
    """

    address: str = ""
    workers: int | None = None
    worker_cpus: int = 1

    def map_unordered(
        self,
        function: Callable[[Argument], Result],
        arguments: Iterable[Argument],
        *,
        claim: Path,
        on_gpu: bool = False,
    ) -> Generator[Result, None, None]:
        """Results in the order in which they are ready.

        Args:
            function: goes to each worker once; must pickle, as must arguments and results.
            arguments: read to their end before work starts.
            claim: file that only this run writes, on storage that all machines share. Workers that outlive this run
                see that it is no longer theirs, and stop.
            on_gpu: let each worker have a GPU of its own, where there are GPUs.

        Raises:
            UserError: Ray does not start or is not there, the storage is not shared, or work ended the workers that
                did it; and whatever `function` raises.
        """
        import ray
        from ray.cloudpickle import CloudPickler

        first = next(iter(arguments := iter(arguments)), None)
        if first is None:
            return
        self._start()
        pieces = [packed(argument) for argument in itertools.chain([first], arguments)]
        mine = secrets.token_hex(16)
        write_claim(claim, mine)
        owned = _Owned(packed(function, CloudPickler), claim.absolute(), mine, Path.cwd())
        gpus = ray.cluster_resources().get("GPU", 0) if on_gpu else 0
        places = self._places()
        workers = self.workers or int(gpus or places)
        with warnings.catch_warnings():  # this Ray has no other way to limit how often it tries
            warnings.simplefilter("ignore")
            results = ray.data.from_items(pieces, override_num_blocks=len(pieces)).map_batches(
                _Worker,
                fn_constructor_args=(owned,),
                batch_size=1,
                batch_format="pyarrow",
                compute=ray.data.ActorPoolStrategy(size=min(workers, len(pieces))),
                num_cpus=self.worker_cpus,
                num_gpus=1 if gpus else 0,
                max_task_retries=DEATHS - 1,
            )
        try:
            yield from _results_of(results)
        finally:
            write_claim(claim, "")

    def _places(self) -> int:
        """Workers that find their cores at one time. Raises UserError where none ever would: Ray waits for ever."""
        import ray

        cores = [node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]]
        places = sum(int(count // self.worker_cpus) for count in cores)
        if not places:
            what = f"Ray's machines have {max(cores, default=0):g} cores at most"
            raise UserError(f"setting WORKER_CPUS is {self.worker_cpus}, and {what}; set it lower")
        return places

    def _start(self) -> None:
        """Start Ray, or join the cluster, once a process; it ends with this process."""
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anybody
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # its own messages go to its log, not among ours
        import ray
        import ray.data
        from ray.exceptions import RayError

        if ray.is_initialized():
            return
        address = self.address or os.environ.get("RAY_ADDRESS", "") or "local"
        of_our_own: dict[str, Any] = {
            "num_cpus": self.workers * self.worker_cpus if self.workers else default_workers(),
            "include_dashboard": False,
            "object_store_memory": STORE_BYTES,
        }
        one_thread = dict.fromkeys(ONE_THREAD, "1")
        before = signal.getsignal(signal.SIGTERM)
        try:
            host, _, port = address.rpartition(":")
            if host and port.isdigit() and "/" not in host:  # Ray itself tries for two minutes
                socket.create_connection((host.strip("[]"), int(port)), CONNECT_S).close()
            ray.init(
                address=address,
                runtime_env={"env_vars": one_thread},
                logging_level=logging.ERROR,
                log_to_driver=False,
                **(of_our_own if address == "local" else {}),
            )
        except (OSError, OverflowError, RuntimeError, ValueError, RayError) as error:
            raise UserError(f"Ray at {address} cannot be used: {_first_line(error)} (setting RAY_ADDRESS)") from error
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = context.print_on_execution_start = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)


def ray_cluster(engine: Engine, address: str, workers: int | None, *, worker_cpus: int = 1) -> RayCluster | None:
    """Where Ray works, as the settings ENGINE, RAY_ADDRESS, WORKERS and WORKER_CPUS say; None: without Ray.

    Raises:
        UserError: Ray is not installed, or has an address and is not used.
    """
    if engine == "local":
        if address:
            raise UserError(f"setting RAY_ADDRESS is {address}, and ENGINE is local; set ENGINE to ray")
        return None
    if importlib.util.find_spec("ray") is None:
        raise UserError("setting ENGINE is ray, which is not installed: python -m pip install -e '.[ray]'")
    if len(sys.executable.split()) > 1:  # Ray joins the words of a worker's command line without quotes
        raise UserError(
            f"setting ENGINE is ray, which cannot start {sys.executable}: its path has a space; move the project and "
            "install it anew"
        )
    return RayCluster(address, workers, worker_cpus)


def _results_of(dataset: Any) -> Iterator[Any]:
    """What the workers gave, one result after another. Raises what they raised, and UserError if they are lost."""
    from ray.exceptions import RayError

    try:
        for batch in dataset.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
            for content in batch.column("result").to_pylist():
                result, error = pickle.loads(content)
                if error is not None:
                    raise error
                yield result
    except RayError as error:
        raise UserError(
            f"Ray lost the workers: {_first_line(error)}. If memory ran out, set WORKERS lower. What was written is "
            "whole, the same command resumes"
        ) from error


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


# ---- in a worker ----


@dataclass(frozen=True)
class _Owned:
    """A pickled function that belongs to a run, which has written `mine` into `claim`."""

    function: bytes
    claim: Path
    mine: str
    folder: Path

    def check(self) -> None:
        """Raise UserError where this machine does not share the run's storage, or the run is no more."""
        with contextlib.suppress(OSError):
            if read_claim(self.claim) == self.mine:
                return
        raise UserError(
            f"{self.claim.parent}: not the same folder on {platform.node()}; Ray's machines must share the storage"
        )


class _Worker:
    """Calls a function on pieces of work; gives its results, or what it raised, pickled."""

    def __init__(self, owned: _Owned) -> None:
        self._owned = owned
        self._function: Callable[[Any], Any] | None = None

    def __call__(self, pieces: "pa.Table") -> "pa.Table":
        import pyarrow as pa

        return pa.table({"result": [self._call(piece) for piece in pieces.column("item").to_pylist()]})

    def _call(self, piece: bytes) -> bytes:
        try:
            self._owned.check()
            os.chdir(self._owned.folder)  # paths may be relative to it
            self._function = self._function or unpacked(self._owned.function)
            return pickle.dumps((self._function(unpacked(piece)), None))
        except Exception as error:
            if not isinstance(error, UserError):
                error.add_note(traceback.format_exc())
            return pickle.dumps((None, error))
