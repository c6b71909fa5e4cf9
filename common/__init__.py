"""What two or more parts of Re:Live share."""

import importlib.util
import os
import sys
from pathlib import Path
from types import TracebackType

# ONNX Runtime reports what it runs to its maker, and gives the machine a number, unless this is set before its import.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# A notebook hands its own way to show figures on to the scripts that it starts; Matplotlib refuses one it cannot find.
_scheme, _, _module = os.environ.get("MPLBACKEND", "").partition("://")
_package = _module.partition(".")[0]
if _scheme == "module" and not (_package and importlib.util.find_spec(_package)):
    del os.environ["MPLBACKEND"]

MIN_ADDRESS_SPACE = 2 << 30  # bytes a process; with less, OpenBLAS and Arrow wait for memory without end


def _say(message: str) -> None:
    print(f"{Path(sys.argv[0]).name}: {message}", file=sys.stderr, flush=True)


def _check_address_space() -> None:
    """End the process with one line where the shell allows it too little memory (`ulimit -v`)."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if 0 <= limit < MIN_ADDRESS_SPACE:
        _say(f"a process may use only {limit >> 20} MB here; allow 2 GB for pet, 6 GB for the rest: ulimit -v 6291456")
        sys.exit(2)


def _report_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Say in one line what ends a script while it still imports, before the runner can say more."""
    if issubclass(kind, KeyboardInterrupt):
        _say("interrupted")
    elif issubclass(kind, MemoryError) or "failed to map segment" in str(error):  # the latter: of a shared library
        _say("not enough memory to load the packages; see ulimit -v, or use a machine with more of it")
        os._exit(2)  # a hook cannot change the exit status otherwise; all blocks that write have ended before
    elif issubclass(kind, Warning):
        _say(
            f"PYTHONWARNINGS or -W turns this warning into an error: {(str(error).splitlines() or [kind.__name__])[0]}"
        )
        os._exit(2)
    else:
        sys.__excepthook__(kind, error, trace)


_check_address_space()
sys.excepthook = _report_exception
