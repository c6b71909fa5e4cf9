"""The demo's steps run one after another, whatever becomes of each."""

import sys
from pathlib import Path

import pytest

from common.demo import page, steps
from common.demo.steps import Step

WRITES = '"""Write one file."""\nimport pathlib, sys\npathlib.Path(sys.argv[1]).write_text("made")\n'
FAILS = '"""Fail."""\nimport sys\nsys.exit("me.jpg: nobody in it; try <another> photo")\n'


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for module in (steps, page):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(steps, "PAGE", tmp_path / "index.html")
    monkeypatch.setattr(steps, "POSTCARD", tmp_path / "postcard.png")
    monkeypatch.setattr(steps, "PERSONAL", [tmp_path / "index.html", tmp_path / "postcard.png"])
    (tmp_path / "writes.py").write_text(WRITES, encoding="utf-8")
    (tmp_path / "fails.py").write_text(FAILS, encoding="utf-8")
    return tmp_path


def run(*some: Step) -> int:
    return steps.run_steps(Path(sys.executable), {"pet": some}, "Re:Live for Ada")


def test_a_failed_step_is_on_the_page_with_its_reason_and_the_others_run(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(Step("fails.py"), Step("writes.py", ["second.png"], ["second.png"])) == 1
    content = (project / "index.html").read_text(encoding="utf-8")
    assert "Failed: me.jpg: nobody in it; try &lt;another&gt; photo" in content
    assert "second.png" in content
    assert "failed: fails.py: me.jpg: nobody in it" in capsys.readouterr().err


def test_another_way_is_taken_where_a_step_fails(project: Path) -> None:
    assert run(Step("fails.py", instead=Step("writes.py", ["other.png"], ["other.png"]))) == 0
    content = (project / "index.html").read_text(encoding="utf-8")
    assert "other.png" in content and "Failed" not in content
    assert "Made another way, as the first failed: me.jpg: nobody in it; try &lt;another&gt; photo" in content


def test_another_way_is_not_taken_where_a_step_succeeds(project: Path) -> None:
    assert run(Step("writes.py", ["first.png"], instead=Step("writes.py", ["other.png"]))) == 0
    assert (project / "first.png").is_file() and not (project / "other.png").exists()


@pytest.mark.parametrize(("first", "made"), [("fails.py", "other.png"), ("writes.py", "usual.png")])
def test_a_step_that_depends_on_a_failed_one_goes_the_other_way_at_once(project: Path, first: str, made: str) -> None:
    earlier = Step(first, ["first.png"], instead=Step("writes.py", ["second.png"]))
    later = Step("writes.py", ["usual.png"], instead=Step("writes.py", ["other.png"]), unless=earlier)
    assert run(earlier, later) == 0
    assert [name for name in ("usual.png", "other.png") if (project / name).is_file()] == [made]


def test_pictures_of_an_earlier_run_are_not_shown_for_a_step_that_failed(project: Path) -> None:
    (project / "old.png").write_text("somebody else", encoding="utf-8")
    assert run(Step("fails.py", pictures=["old.png"])) == 1
    assert "old.png" not in (project / "index.html").read_text(encoding="utf-8")


def test_page_and_postcard_of_an_earlier_run_do_not_stay(project: Path) -> None:
    for name in ("index.html", "postcard.png"):
        (project / name).write_text("somebody else", encoding="utf-8")
    assert run(Step("fails.py")) == 1
    assert not (project / "postcard.png").exists()
    assert "somebody else" not in (project / "index.html").read_text(encoding="utf-8")


def test_an_interrupted_step_ends_the_demo(project: Path) -> None:
    (project / "stops.py").write_text('"""Stop."""\nimport sys\nsys.exit(130)\n', encoding="utf-8")
    assert run(Step("stops.py", instead=Step("writes.py", ["a.png"])), Step("writes.py", ["b.png"])) == 130
    assert not (project / "a.png").exists() and not (project / "b.png").exists()
