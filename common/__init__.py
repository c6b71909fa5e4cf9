"""What two or more parts of Re:Live share."""

import os
import sys
from pathlib import Path
from types import TracebackType

# ONNX Runtime reports what it runs to its maker, and gives the machine a number, unless this is set before its import.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


def _report_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Say Ctrl-C in one line also while a script still imports; the runner, which says it otherwise, comes later."""
    if issubclass(kind, KeyboardInterrupt):
        print(f"{Path(sys.argv[0]).name}: interrupted before it began", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _report_exception
