"""Leaves out the folders whose packages `run.py --only` has not installed."""

from importlib.util import find_spec

collect_ignore = [folder for folder, module in {"people": "cv2", "surveys": "pyarrow"}.items() if not find_spec(module)]
