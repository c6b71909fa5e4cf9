"""Measurements, ours beside the peers'; nothing here runs in the suite."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as common.runner sets it; read when PyTorch is imported
