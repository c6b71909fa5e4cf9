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


def _report_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Say Ctrl-C in one line also while a script still imports, before the runner can say more."""
    if issubclass(kind, KeyboardInterrupt):
        print(f"{Path(sys.argv[0]).name}: interrupted", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _report_exception
