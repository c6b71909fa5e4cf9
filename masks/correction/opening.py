"""From an open session to a closed window: opening it, signals that end it, and the last save."""

import contextlib
import gc
import signal
from collections.abc import Callable, Iterator
from types import FrameType

import matplotlib
from matplotlib import pyplot
from matplotlib.figure import Figure

from masks.correction.session import CorrectionSession
from masks.correction.toolkit import ask_before_closing
from masks.correction.window import CorrectionWindow

SIZE_INCHES = (12.0, 7.6)  # at 100 dpi; a laptop's screen holds it


def correct(session: CorrectionSession, backend: str, autosave_s: float) -> int | None:
    """Open the window and return when it is closed and everything is saved (or `session.fault` says why not).

    Returns:
        The signal that ended it, or None.
    """
    window = CorrectionWindow(session, open_figure(backend), autosave_s)
    manager = window.display.canvas.manager
    assert manager is not None
    gc.freeze()  # otherwise a collection scans all of matplotlib, for 50 ms, in the middle of a stroke
    with _signals_to(window.stop):
        pyplot.show(block=False)
        ask_before_closing(manager, window.may_close)
        pyplot.show()
    session.save()
    return window.stop_signal


def open_figure(backend: str) -> Figure:
    """Open an empty figure without a toolbar, because the toolbar uses h, o, s, q and other keys."""
    matplotlib.use(backend)
    matplotlib.rcParams["toolbar"] = "None"
    for name in [name for name in matplotlib.rcParams if name.startswith("keymap.")]:
        matplotlib.rcParams[name] = []
    return pyplot.figure(figsize=SIZE_INCHES, dpi=100)


@contextlib.contextmanager
def _signals_to(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Route the signals that end a process to a handler: SIGINT, SIGTERM, and SIGHUP of a closed terminal."""
    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {name: signal.signal(getattr(signal, name), handler) for name in names}
    try:
        yield
    finally:
        for name, old in before.items():
            signal.signal(getattr(signal, name), old)
