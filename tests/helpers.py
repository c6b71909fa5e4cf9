"""What several test files need: where things are, and running a script as a user does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"  # real data that is not part of the project

needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared, with real data made by others, is not here")


def run_script(script: str, *flags: object, cwd: Path = ROOT, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a script of the project in a process of its own, as a user does from the shell."""
    command = [sys.executable, str(ROOT / script), *map(str, flags)]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, encoding="utf-8", timeout=timeout, check=False, env=os.environ
    )


def assert_user_error(result: subprocess.CompletedProcess[str], *words: str) -> None:
    """The script ended with exit status 2 and one message that holds all words, without a traceback."""
    assert result.returncode == 2, result.stdout + result.stderr
    assert "Traceback" not in result.stderr, result.stderr
    message = result.stderr.strip().splitlines()[-1]
    for word in words:
        assert word in result.stderr, f"{word!r} is not in {message!r}"
