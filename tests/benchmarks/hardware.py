"""The line about the machine that every benchmark prints first."""

import os
import platform
from pathlib import Path


def describe_machine() -> str:
    """Processor, cores that may be used, Python and NumPy."""
    import numpy as np

    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        name = names[0] if names else name
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{name}, {cores} cores, Python {platform.python_version()}, NumPy {np.__version__}"
