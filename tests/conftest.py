"""Settings of the whole suite."""

import gc
import os
from collections import Counter

import pytest
from hypothesis import settings

os.environ.setdefault("GOMP_SPINCOUNT", "3000")  # as common.runner sets it; read when PyTorch is imported
# a timing never decides a test; the same examples at each run, so that a green suite stays green
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.register_profile("fresh", deadline=None, max_examples=1000)  # python3 run.py test --fresh-seeds
settings.load_profile("repeatable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the file that waits most, for machines to start and to be missed: others use the cores meanwhile."""
    items.sort(key=lambda item: item.path.name != "test_ray.py")


def pytest_collection_finish() -> None:
    """Keep what is imported and collected out of later garbage collections: trainings ask for one after each stage."""
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each reason to skip, however many tests have it."""
    skipped = terminalreporter.stats.get("skipped", [])
    for reason, count in Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped).items():
        terminalreporter.write_line(f"skipped: {reason} ({count} {'test' if count == 1 else 'tests'})")
