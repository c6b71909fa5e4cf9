"""Settings of the whole suite."""

import os

from hypothesis import settings

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as common.runner sets it; read when PyTorch is imported
settings.register_profile("no deadline", deadline=None)  # a timing never decides a test
settings.load_profile("no deadline")
