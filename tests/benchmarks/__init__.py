"""Measurements, ours beside the peers'; nothing here runs in the suite."""

import os

os.environ.setdefault("GOMP_SPINCOUNT", "3000")  # as common.runner sets it; read when PyTorch is imported
