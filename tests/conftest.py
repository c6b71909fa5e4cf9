"""Settings of the whole suite."""

import os

from hypothesis import settings

os.environ.setdefault("GOMP_SPINCOUNT", "3000")  # as common.runner sets it; read when PyTorch is imported
settings.register_profile("no deadline", deadline=None)  # a timing never decides a test
settings.load_profile("no deadline")
