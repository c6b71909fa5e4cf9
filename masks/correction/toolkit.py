"""The GUI toolkit that opens the window, Tk or Qt, and what matplotlib leaves to each of them."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any, Literal

from matplotlib._pylab_helpers import Gcf
from matplotlib.backend_bases import FigureManagerBase

from common.errors import UserError

Toolkit = Literal["auto", "tk", "qt"]
BACKENDS = {"tk": "TkAgg", "qt": "QtAgg"}


def choose_backend(toolkit: Toolkit = "auto") -> str:
    """Return the matplotlib backend of the first toolkit that can open a window here: Tk, then Qt (PySide6).

    Raises:
        UserError: no toolkit can; the message says what is missing.
    """
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise UserError(
            "no display: neither DISPLAY nor WAYLAND_DISPLAY is set; run this on a desktop, or over ssh with ssh -X"
        )
    faults = {}
    for name in ("tk", "qt") if toolkit == "auto" else (toolkit,):
        fault = _fault_of_tk() if name == "tk" else _fault_of_qt()
        if not fault:
            return BACKENDS[name]
        faults[name.capitalize()] = fault
    raise UserError("no window can be opened: " + "; ".join(f"{name}: {fault}" for name, fault in faults.items()))


def _fault_of_tk() -> str:
    """Return why Tk cannot open a window; empty if it can."""
    try:
        import tkinter
    except ImportError:
        return "this Python has no tkinter (on Debian and Ubuntu: apt install python3-tk)"
    try:
        tkinter.Tk().destroy()
    except tkinter.TclError as error:
        return str(error)
    return ""


def _fault_of_qt() -> str:
    """Return why Qt cannot open a window; empty if it can. Tried in another process, because Qt aborts on failure."""
    if importlib.util.find_spec("PySide6") is None:
        return "PySide6 is not installed (pip install PySide6-Essentials)"
    code = "from PySide6.QtWidgets import QApplication; QApplication([])"
    try:
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    except subprocess.TimeoutExpired:
        return "PySide6 does not start"
    lines = [line for line in result.stderr.splitlines() if line.strip()]
    hints = [line for line in lines if "is needed to load" in line or "Error" in line] or lines
    return (hints or ["PySide6 does not start"])[-1].strip() if result.returncode else ""


def ask_before_closing(manager: FigureManagerBase, may_close: Callable[[], bool]) -> None:
    """Make the window's own close button ask `may_close` first; the window must have been shown before."""
    window: Any = getattr(manager, "window", None)
    if hasattr(window, "protocol"):  # Tk

        def on_delete() -> None:
            if may_close():
                Gcf.destroy(manager)

        window.protocol("WM_DELETE_WINDOW", on_delete)
    elif hasattr(window, "closeEvent"):  # Qt
        close_window = window.closeEvent

        def on_close(event: Any) -> None:
            if may_close():
                close_window(event)
            else:
                event.ignore()

        window.closeEvent = on_close
