"""What benchmarks need beside the project: real data, and the peers that they compare with."""

import importlib
import sys
from pathlib import Path
from typing import Any

from tests.helpers import REAL_DATA


def real_files(*patterns: str) -> list[Path]:
    """Sorted files of the first pattern that matches any, such as "people/photos/*.jpg" in the real data.

    Raises:
        SystemExit: no pattern matches; the message says what is missing and where it was expected.
    """
    for pattern in patterns:
        if files := sorted(REAL_DATA.glob(pattern)):
            return files
    sys.exit(f"needs real data: {' or '.join(patterns)} in {REAL_DATA} (set RELIVE_REAL_DATA; see CONTRIBUTING.md)")


def find_peer(module: str) -> Any:
    """A module of tests/benchmarks/requirements.txt; None, after a line that names it, where it is not installed."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        print(f"{module} is not installed and left out: pip install -r tests/benchmarks/requirements.txt")
        return None
