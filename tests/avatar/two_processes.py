"""Runs work in two processes that train together on the CPU, as `accelerate launch` would start them."""

import multiprocessing
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from accelerate.state import AcceleratorState

from common.runner import Report


def in_a_process(work: Callable[[], object]) -> multiprocessing.process.BaseProcess:
    """A forked process that works: nothing has to be imported again."""
    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    return process


def reports_of_two(work: Callable[[], Report | None], folder: Path) -> list[str]:
    """Run the work in two processes; returns the ranks of those that report, and fails if one fails."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def as_process(rank: int) -> None:
        os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}
        AcceleratorState._reset_state(reset_partial_state=True)  # which the parent has set for one process
        if work() is not None:
            (folder / f"{rank} reports").touch()

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MASTER_PORT", str(port))
        processes = [in_a_process(lambda rank=rank: as_process(rank)) for rank in range(2)]  # type: ignore[misc]
    for process in processes:
        process.join(300)
    assert [process.exitcode for process in processes] == [0, 0]
    return [path.name.partition(" ")[0] for path in sorted(folder.glob("* reports"))]
