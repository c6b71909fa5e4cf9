"""What two or more parts of Re:Live share."""

import os

# ONNX Runtime reports what it runs to its maker, and gives the machine a number, unless this is set before its import.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
