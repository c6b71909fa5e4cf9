"""A desktop without a screen: Xvfb for windows, xdotool for the mouse and the keys."""

import contextlib
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from ctypes.util import find_library
from dataclasses import dataclass

import pytest

LACKING = [program for program in ("Xvfb", "xdotool") if shutil.which(program) is None]
needs_desktop = pytest.mark.skipif(
    bool(LACKING), reason=f"{' and '.join(LACKING)} not installed (on Debian and Ubuntu: apt install xvfb xdotool)"
)
LIBRARIES_OF_QT = ("xcb-cursor", "xcb-icccm", "xcb-keysyms", "xcb-shape", "xkbcommon-x11")  # PySide6 leaves them out
LACKING_FOR_QT = [] if importlib.util.find_spec("PySide6") else ["PySide6"]
LACKING_FOR_QT += [f"lib{name}" for name in LIBRARIES_OF_QT if find_library(name) is None]
needs_qt = pytest.mark.skipif(
    bool(LACKING_FOR_QT),
    reason=f"{', '.join(LACKING_FOR_QT)} not installed (.ci/run lists the packages of Debian and Ubuntu)",
)


@dataclass(frozen=True)
class Desktop:
    """An X server of our own.

    Attributes:
        display: such as ":99".
    """

    display: str

    @property
    def environment(self) -> dict[str, str]:
        """For programs that open their windows here."""
        return {**os.environ, "DISPLAY": self.display, "WAYLAND_DISPLAY": "", "QT_QPA_PLATFORM": "xcb"}

    def do(self, *words: object) -> str:
        """Have xdotool do something; return what it prints."""
        command = ["xdotool", *map(str, words)]
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=True, timeout=30
        ).stdout


@contextlib.contextmanager
def virtual_desktop(width: int = 1280, height: int = 900) -> Iterator[Desktop]:
    """Start Xvfb on a display number that is free, and end it."""
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp", "-noreset"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert server.stdout is not None
        yield Desktop(f":{server.stdout.readline().strip()}")
    finally:
        server.terminate()
        server.wait(10)
