from pathlib import Path

import pytest

import common
from common.paths import CHECKPOINTS, DATA, OUTPUTS, ROOT, location, resolved, shown


def test_the_root_is_the_folder_that_holds_run_py_and_the_packages() -> None:
    assert common.__file__ is not None
    assert Path(common.__file__).resolve().parent.parent == ROOT
    assert (ROOT / "run.py").is_file() and (ROOT / "pyproject.toml").is_file()


def test_the_folders_of_the_tree_lie_in_the_root() -> None:
    assert [path.relative_to(ROOT).as_posix() for path in (DATA, CHECKPOINTS, OUTPUTS)] == [
        "data",
        "checkpoints",
        "outputs",
    ]


def test_a_path_below_the_current_folder_is_shown_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown(tmp_path / "deep" / "pet.png") == str(Path("deep/pet.png"))
    assert shown(Path("deep") / ".." / "pet.png") == "pet.png"


def test_a_path_elsewhere_is_shown_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    elsewhere = tmp_path / "there" / "pet.png"
    assert shown(elsewhere) == str(elsewhere)


def test_a_link_to_itself_is_shown_and_located_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    assert resolved(Path("loop")) == tmp_path / "loop" and location(Path("loop")) == str(tmp_path / "loop")
    assert shown(tmp_path / "loop/pet.png") == str(Path("loop/pet.png"))
