"""Work on several processes: bounded, in order, and nothing is left running."""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from common.errors import UserError

AHEAD = 3  # calls a worker that are handed over before their turn
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")

Argument = TypeVar("Argument")
Result = TypeVar("Result")


def default_workers() -> int:
    """One worker for each core that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_in_order(
    function: Callable[[Argument], Result], arguments: Iterable[Argument], workers: int
) -> Generator[Result, None, None]:
    """Results in the order of the arguments, few of which are in memory at once.

    When it is interrupted, it still gives what the workers had finished.

    Args:
        function: goes to each worker once; must pickle, as must arguments and results.
        arguments: read as workers need them.
        workers: processes; 1 works in this one.

    Raises:
        UserError: the system ended a worker; and whatever `function` raises.
    """
    if workers == 1:
        yield from map(function, arguments)
        return
    # "spawn" everywhere: forking a process that has threads may hang.
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _start, (function,))
    ahead: deque[Future[Result]] = deque()
    try:
        for argument in arguments:
            with _worker_environment():
                ahead.append(pool.submit(_call, argument))
            if len(ahead) > AHEAD * workers:
                yield ahead[0].result()
                ahead.popleft()
        while ahead:
            yield ahead[0].result()
            ahead.popleft()
    except (KeyboardInterrupt, SystemExit):
        pool.shutdown(wait=True, cancel_futures=True)
        for future in ahead:
            if not future.cancelled() and future.exception() is None:
                yield future.result()
        raise
    except BrokenProcessPool as error:
        raise UserError(
            f"a worker was ended by the system, most likely because memory ran out; set WORKERS below {workers}. "
            "What was written is whole, the same command resumes"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextlib.contextmanager
def _worker_environment() -> Iterator[None]:
    """Processes that start in the block use one thread a library, and never get Ctrl-C (on POSIX).

    Ctrl-C in the block takes effect at its end: a process whose start is cut short would print a traceback.
    """
    environment = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    handler, late = signal.getsignal(signal.SIGINT), []
    defers = callable(handler) and threading.current_thread() is threading.main_thread()
    if defers:  # a mask is this thread's alone, and the signal may reach another one
        signal.signal(signal.SIGINT, lambda *given: late.append(given))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if sys.platform != "win32" else None
    try:
        yield
    finally:
        for name, value in environment.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        if sys.platform != "win32" and before is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if defers:
            signal.signal(signal.SIGINT, handler)
        if late and callable(handler):
            handler(*late[0])


# ---- in a worker ----

_function: Callable[[Any], Any]  # of this worker


def _call(argument: Any) -> Any:
    return _function(argument)


def _start(function: Callable[[Any], Any]) -> None:
    """Leave Ctrl-C to the process that started this one, and end with it, even where it is killed."""
    global _function  # noqa: PLW0603 (the only way to keep something between the calls of a worker)
    _function = function
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
