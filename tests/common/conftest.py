"""Leaves out what needs packages that `run.py --only` has not installed."""

from importlib.util import find_spec

NEEDED = {"people": "cv2", "surveys": "pyarrow", "test_checkpoints.py": "torch", "test_training.py": "torch"}
collect_ignore = [name for name, module in NEEDED.items() if find_spec(module) is None]
