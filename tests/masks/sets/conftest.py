"""The training folder that several test files of this folder start from."""

from pathlib import Path

import pytest

from tests.masks.sample_sets import write_archive, write_working_set


@pytest.fixture
def training_data(tmp_path: Path) -> Path:
    """Two archived sets, and a working set of three frames of which two are reviewed."""
    folder = tmp_path / "mi música – 🎸 [1]"
    write_archive(folder, "walk_east", range(4))
    write_archive(folder, "run west", range(10, 12), "masks_initial_backup")
    write_working_set(folder, range(20, 23), ["00", "02"])
    return folder
