"""Runs work in two processes that train together on the CPU, as `accelerate launch` starts them."""

import os
import socket
from collections.abc import Callable
from functools import partial
from multiprocessing import get_context
from multiprocessing.context import SpawnProcess
from pathlib import Path

import pytest


def in_a_process(work: Callable[[], object]) -> SpawnProcess:
    """Start a process for work that pickles. It is not forked: PyTorch's threads would leave it with locked locks."""
    process = get_context("spawn").Process(target=work)
    process.start()
    return process


def reports_of_two(work: Callable[[], object], folder: Path) -> list[str]:
    """Run work that pickles in two processes.

    Returns:
        Ranks of those whose work returns anything but None.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MASTER_PORT", str(port))
        patch.setenv("OMP_NUM_THREADS", "1")
        processes = [in_a_process(partial(_as_process, rank, work, folder)) for rank in range(2)]
    for process in processes:
        process.join(300)
    assert [process.exitcode for process in processes] == [0, 0]
    return [path.name.partition(" ")[0] for path in sorted(folder.glob("* reports"))]


def _as_process(rank: int, work: Callable[[], object], folder: Path) -> None:
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}
    if work() is not None:
        (folder / f"{rank} reports").touch()
