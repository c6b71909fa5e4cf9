import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import run
from common.demo.steps import DemoPerson, Step, parts_for, together
from common.devices import describe_device
from common.weights import EMBEDDED
from tests.helpers import ROOT, assert_user_error

pytestmark = pytest.mark.slow
Result = subprocess.CompletedProcess[str]
PERSON = DemoPerson(Path("me.jpg"), "", "Júlia")
STEPS = parts_for(PERSON)


def call(
    folder: Path,
    *arguments: str,
    python: str | Path = sys.executable,
    options: tuple[str, ...] = ("run.py",),
) -> Result:
    """Run the folder's run.py (or other options), out of reach of the network and of settings around the tests."""
    keep = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
    return subprocess.run(
        [str(python), *options, *arguments],
        cwd=folder,
        env=keep | {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull},
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=60,
        check=False,
    )


def python_of(folder: Path) -> Path:
    return folder / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


# A build tool inside the project, so that "pip install -e ." needs no index.
BACKEND = """
import os
import zipfile

NAME = "re_live_copy-1.0"
METADATA = "Metadata-Version: 2.1\\nName: re-live-copy\\nVersion: 1.0\\n"


def prepare_metadata_for_build_editable(folder, config_settings=None):
    os.makedirs(os.path.join(folder, NAME + ".dist-info"))
    with open(os.path.join(folder, NAME + ".dist-info", "METADATA"), "w") as file:
        file.write(METADATA)
    return NAME + ".dist-info"


def build_editable(folder, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(os.path.join(folder, NAME + "-py3-none-any.whl"), "w") as wheel:
        wheel.writestr("re_live_copy.pth", os.getcwd())
        wheel.writestr(NAME + ".dist-info/METADATA", METADATA)
        wheel.writestr(NAME + ".dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(NAME + ".dist-info/RECORD", "")
    return NAME + "-py3-none-any.whl"
"""
PYPROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
STEP = """
import importlib.metadata
import sys

import common.paths

print(sys.argv[0], sys.prefix, importlib.metadata.version("re-live-copy"), common.paths.ROOT)
"""


def copy_of_project(folder: Path) -> Path:
    """run.py and common/ with requirements that need nothing, and demo scripts that say where they run."""
    shutil.copytree(ROOT / "common", folder / "common", ignore=shutil.ignore_patterns("__pycache__", "*.txt"))
    shutil.copy(ROOT / "run.py", folder)
    (folder / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    (folder / "backend.py").write_text(BACKEND, encoding="utf-8")
    for name, part in STEPS.items():
        (folder / name).mkdir()
        (folder / name / "requirements.txt").write_text("# nothing\n-r ../common/requirements.txt\n", encoding="utf-8")
        for step in part.steps:
            (folder / step.script).write_text(STEP, encoding="utf-8")
    (folder / "common/requirements.txt").write_text("# nothing\n", encoding="utf-8")
    lines = [*(f"-r {name}/requirements.txt" for name in run.PARTS), "-e .", ""]
    (folder / "requirements.txt").write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return copy_of_project(tmp_path / "mis programas – Júlia")


def demo(folder: Path, **options: str | Path) -> Result:
    """The demo of PET alone, whose scripts need no weights."""
    return call(folder, "--only", "pet", **options)  # type: ignore[arg-type]


def ran_all_steps(result: Result, folder: Path) -> bool:
    """Each demo script ran once, by the copy's own Python, with the copy's own packages."""
    lines = [line for line in result.stdout.splitlines() if str(folder / ".venv") in line and "making" not in line]
    expected = [f"{step.script} {folder / '.venv'} 1.0 {folder}" for step in STEPS["pet"].steps]
    return result.returncode == 0 and lines == expected


# ---- installing ----


# In the place of the standard library's, which runs ensurepip for 4 s at every call.
COPYING_VENV = """
import shutil


def create(folder, with_pip):
    assert with_pip
    shutil.copytree({template!r}, folder, symlinks=True, ignore=shutil.ignore_patterns("installed.json"))
"""


@pytest.fixture(scope="module")
def first_call(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """A copy, and what the first call of the demo in it said."""
    folder = copy_of_project(tmp_path_factory.mktemp("first call") / "mis programas – Júlia")
    return folder, demo(folder)


@pytest.fixture(scope="module")
def installed(first_call: tuple[Path, Result]) -> Path:
    """The same copy, installed, for tests that leave the installation as it is."""
    folder, result = first_call
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


def test_the_first_call_makes_the_environment_installs_and_runs(first_call: tuple[Path, Result]) -> None:
    folder, result = first_call
    assert ran_all_steps(result, folder), result.stdout + result.stderr
    assert "making" in result.stdout and "installing" in result.stdout


def test_a_second_call_does_nothing_but_run(installed: Path) -> None:
    stamp = installed / ".venv/installed.json"
    before = (stamp.read_bytes(), stamp.stat().st_mtime_ns)
    result = demo(installed)
    assert ran_all_steps(result, installed), result.stderr
    assert "making" not in result.stdout and "installing" not in result.stdout
    assert (stamp.read_bytes(), stamp.stat().st_mtime_ns) == before


def test_what_was_moved_changed_or_broken_is_repaired_by_the_same_command(installed: Path, tmp_path: Path) -> None:
    """One story: each chapter starts where the last one ended. New environments are copies, which take less time."""
    # the folder was moved: environments hold absolute paths
    project = tmp_path / "moved – à côté"
    shutil.copytree(installed, project, symlinks=True)
    (project / "venv.py").write_text(COPYING_VENV.format(template=str(installed / ".venv")), encoding="utf-8")
    stamp = project / ".venv/installed.json"
    marker = project / ".venv/marker"
    marker.touch()
    moved = demo(project)
    assert ran_all_steps(moved, project), moved.stdout + moved.stderr
    assert "making" in moved.stdout and not marker.exists()
    assert json.loads(stamp.read_text(encoding="utf-8"))["folder"] == str(project)

    # a file that is included two levels down changed: installed again, into the same environment
    marker.touch()
    (project / "common/requirements.txt").write_text("# nothing, but newer\n", encoding="utf-8")
    changed = demo(project)
    assert ran_all_steps(changed, project), changed.stderr
    assert "installing" in changed.stdout and "making" not in changed.stdout and marker.exists()
    assert "installing" not in demo(project).stdout

    # the environment's own Python cannot replace itself
    (project / "pyproject.toml").write_text(PYPROJECT + "# newer\n", encoding="utf-8")
    inside = demo(project, python=python_of(project))
    assert_user_error(inside, "deactivate", "python3 run.py")
    assert len(inside.stderr.splitlines()) == 1 and marker.exists()

    # an installation that fails says so and leaves no stamp, and the same command starts over
    (project / "pet/requirements.txt").write_text("no-such-package-of-re-live==1\n", encoding="utf-8")
    failed = demo(project)
    assert_user_error(failed, "no-such-package-of-re-live", "the same command tries again")
    assert not stamp.exists() and "== pet" not in failed.stdout
    (project / "pet/requirements.txt").write_text("# nothing\n", encoding="utf-8")
    repaired = demo(project)
    assert ran_all_steps(repaired, project), repaired.stderr
    assert not marker.exists(), "a half-filled environment is not trusted"

    # the interpreter is gone
    python_of(project).unlink()
    again = demo(project)
    assert ran_all_steps(again, project), again.stderr
    assert "making" in again.stdout


def test_parts_installed_one_after_the_other_share_the_environment(installed: Path, tmp_path: Path) -> None:
    project = tmp_path / "two parts"
    shutil.copytree(installed, project, symlinks=True)
    (project / "venv.py").write_text(COPYING_VENV.format(template=str(installed / ".venv")), encoding="utf-8")
    (project / "other").mkdir()
    (project / "other/requirements.txt").write_text("# nothing\n", encoding="utf-8")

    def install(part: str) -> str:
        result = call(
            project, part, options=("-c", "import run, sys; run.install([sys.argv[1] + '/requirements.txt'])")
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    assert "making" in install("pet") and "making" not in install("other")
    assert install("pet") == install("other") == ""
    step = STEPS["pet"].steps[0].script
    own = call(project, step, python=python_of(project), options=())
    assert own.stdout.strip() == f"{step} {project / '.venv'} 1.0 {project}", "the packages are those of this folder"


def test_an_environment_that_cannot_be_made_is_a_user_error(project: Path) -> None:
    """As on Debian without python3-venv, where ensurepip ends with an error."""
    (project / "venv.py").write_text(
        "import subprocess\n\n\ndef create(folder, with_pip):\n"
        "    raise subprocess.CalledProcessError(1, ['python3', '-m', 'ensurepip'])\n",
        encoding="utf-8",
    )
    assert_user_error(demo(project), "cannot make", ".venv")


def test_a_file_in_the_place_of_the_environment_is_a_user_error(project: Path) -> None:
    """pipenv, for one, writes such a file."""
    (project / ".venv").write_text("elsewhere", encoding="utf-8")
    assert_user_error(demo(project), "cannot make", ".venv")


def test_an_unknown_name_of_weights_ends_with_2_and_names_the_known(installed: Path) -> None:
    result = call(installed, "fetch", "no-such-weights", "--only", "pet")
    assert_user_error(result, "no-such-weights", *EMBEDDED)


def test_an_unknown_name_of_weights_is_refused_before_anything_is_installed(project: Path) -> None:
    (project / "venv.py").write_text("def create(*_, **__):\n    raise OSError('an installation')\n", encoding="utf-8")
    assert_user_error(call(project, "fetch", "no-such-weights"), "no weights named 'no-such-weights'")


def test_weights_that_cannot_be_had_end_in_one_line(installed: Path) -> None:
    name = next(iter(EMBEDDED))
    result = call(installed, "fetch", name, "--only", "pet")
    assert_user_error(result, EMBEDDED[name].package)
    assert list(installed.glob("checkpoints/**/*.onnx")) == []


def test_after_a_demo_script_that_fails_the_others_run_and_its_status_stays(installed: Path) -> None:
    first, second = (installed / step.script for step in STEPS["pet"].steps[:2])
    good = first.read_text(encoding="utf-8")
    first.write_text("import sys\nsys.exit('users.csv: no such file')\n", encoding="utf-8")
    try:
        result = demo(installed)
    finally:
        first.write_text(good, encoding="utf-8")
    assert result.returncode == 1
    assert f"failed: {STEPS['pet'].steps[0].script}: users.csv: no such file" in result.stderr
    assert second.name in result.stdout and "outputs/index.html" in result.stdout.replace(os.sep, "/")


def test_the_demo_ends_with_the_pictures_it_made(installed: Path) -> None:
    made = installed / "outputs/pet/1.5_Plot_Pet/contact_sheet_01.png"
    made.parent.mkdir(parents=True)
    made.touch()
    try:
        result = demo(installed)
        content = (installed / "outputs/index.html").read_text(encoding="utf-8")
    finally:
        shutil.rmtree(installed / "outputs")
    *_, picture, _, page = (line.strip() for line in result.stdout.splitlines())
    assert picture == str(made) and page == str(installed / "outputs/index.html")
    assert "pet/1.5_Plot_Pet/contact_sheet_01.png" in content and "Re:Live for Júlia" in content


def test_a_spoiled_stamp_counts_as_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(run, "STAMP", tmp_path / "installed.json")
    assert run.read_stamp() == {}
    for text in (b"", b"{", b"[]", b"null", b"\xff\xfe"):
        run.STAMP.write_bytes(text)
        assert run.read_stamp() == {}
    run.STAMP.write_text('{"folder": "here"}', encoding="utf-8")
    assert run.read_stamp() == {"folder": "here"}


# ---- the lock ----


LOCKED_STEP = """
import importlib.metadata

print("locked", *sorted(d.name + " " + d.version for d in importlib.metadata.distributions() if "re-live" in d.name))
"""


def write_package(folder: Path, version: str) -> str:
    """A wheel of the package re-live-needs in the folder; returns its SHA-256."""
    wheel = folder / f"re_live_needs-{version}-py3-none-any.whl"
    info = f"re_live_needs-{version}.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: re-live-needs\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def test_locked_installs_exactly_the_lock_and_refuses_another_archive(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, index = tmp_path / "locked", tmp_path / "index"
    shutil.copytree(installed, project, symlinks=True)
    (project / "venv.py").write_text(COPYING_VENV.format(template=str(installed / ".venv")), encoding="utf-8")
    (project / STEPS["pet"].steps[0].script).write_text(LOCKED_STEP, encoding="utf-8")
    (project / "tests").mkdir()
    (project / "tests/requirements.txt").write_text("# nothing\n", encoding="utf-8")
    index.mkdir()
    digest = write_package(index, "1.0")
    write_package(index, "2.0")
    where = f"--no-index --find-links {index.as_uri()}\n"  # the environment's settings of pip are out of reach here

    def run_locked(lock: str, *flags: str) -> Result:
        (project / "requirements.lock").write_text(where + lock, encoding="utf-8")
        return call(project, "--only", "pet", *flags)

    result = run_locked(f"re-live-needs==1.0 --hash=sha256:{digest}\n", "--locked")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "making" in result.stdout and "installing requirements.lock" in result.stdout
    assert "locked re-live-copy 1.0 re-live-needs 1.0" in result.stdout

    # what is locked serves a call without the flag too; a changed lock makes a new environment
    again = call(project, "--only", "pet")
    assert "installing" not in again.stdout and "re-live-needs 1.0" in again.stdout
    spoiled = run_locked(f"re-live-needs==1.0 --hash=sha256:{'0' * 64}\n", "--locked")
    assert_user_error(spoiled, "DO NOT MATCH THE HASHES", "the same command tries again")
    assert "making" in spoiled.stdout and not (project / ".venv/installed.json").exists()
    assert_user_error(run_locked("re-live-needs==1.0\n", "--locked"), "hash", "the same command tries again")


# ---- requirements ----


def test_hashes_follow_included_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(run, "ROOT", tmp_path)
    files = {
        "requirements.txt": "# all\n-r pet/requirements.txt\n-e .\n",
        "pet/requirements.txt": "-r ../common/requirements.txt\npandas>=2\n",
        "common/requirements.txt": "numpy>=2 # Júlia\n",
        "avatar/requirements.txt": "torch\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8", newline="\n")
    expected = {name: hashlib.sha256(files[name].encode()).hexdigest() for name in files if "avatar" not in name}
    assert run.hash_requirements("requirements.txt") == expected
    assert list(run.hash_requirements("common/requirements.txt")) == ["common/requirements.txt"]


def test_the_projects_own_requirements_are_all_followed() -> None:
    """Every file that a line names, in whatever way, is hashed: a change of it must lead to an installation."""
    todo, named = ["requirements.txt"], set[str]()
    while todo:
        name = todo.pop()
        named.add(name)
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
            match = re.match(r"\s*(?:-r|-c|--requirement|--constraint)[\s=]*(\S+)", line)
            if match:
                todo.append(((ROOT / name).parent / match[1]).resolve().relative_to(ROOT).as_posix())
    assert set(run.hash_requirements("requirements.txt")) == named
    assert {f"{part}/requirements.txt" for part in run.PARTS} <= named


def test_one_part_needs_its_own_requirements_and_all_parts_the_common_list() -> None:
    assert run.requirements(list(run.PARTS)) == ["requirements.txt"]
    for part in run.PARTS:
        files = run.requirements([part])
        assert files in ([f"{part}/requirements.txt"], ["requirements.txt"])
        assert all((ROOT / file).is_file() for file in files)
        assert f"{part}/requirements.txt" in run.hash_requirements(files[0])


# ---- check, and the command line ----


def test_check_works_with_nothing_installed(project: Path) -> None:
    """-S leaves out every installed package, -B writes no bytecode."""
    before = sorted(project.rglob("*"))
    result = call(project, "check", options=("-S", "-B", "run.py"))
    assert result.returncode == 0, result.stderr
    assert "not installed; python3 run.py installs it" in result.stdout
    for weights in EMBEDDED.values():
        line, where = next(
            (line, below)
            for line, below in zip(result.stdout.splitlines(), result.stdout.splitlines()[1:], strict=False)
            if weights.name in line and "MB" in line
        )
        size = re.search(r"([\d.]+) MB", line)
        assert size and abs(float(size[1]) - weights.size_bytes / 1e6) <= 0.05
        assert line.split()[0] == "absent" and weights.licence in line and ", ".join(weights.parts) in line
        assert where.strip() == weights.command == f"python3 run.py fetch {weights.name}"
    assert sorted(project.rglob("*")) == before


def test_check_says_in_one_line_what_a_broken_environment_lacks(installed: Path) -> None:
    """The copy's environment is empty, so that the device cannot be asked for."""
    result = call(installed, "check")
    assert result.returncode == 0, result.stderr
    assert str(installed / ".venv") in result.stdout
    device = re.search(r"^device .*", result.stdout, re.MULTILINE)
    assert device and "No module named 'numpy'" in device[0]


def test_verify_names_every_file_of_weights_that_is_missing_or_changed(project: Path) -> None:
    folder, weights = project / "checkpoints", next(iter(EMBEDDED.values()))
    (folder / "cache").mkdir(parents=True)
    names = ("whole.pth", "changed é.pth", "missing.pth")
    for name in names:
        (folder / name).write_bytes(name.encode())
    lines = [f"{hashlib.sha256(name.encode()).hexdigest()}  {name}\n" for name in names]
    (folder / "SHA256SUMS").write_text(lines[0], encoding="utf-8")
    result = call(project, "check", "--verify")
    assert result.returncode == 0 and "verified: 1 files" in result.stdout, result.stderr
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")
    (folder / "changed é.pth").write_bytes(b"other")
    (folder / "missing.pth").unlink()
    (folder / "cache" / weights.name).write_bytes(b"other")
    result = call(project, "check", "--verify")
    assert_user_error(result, "changed é.pth", "missing.pth", weights.name)
    assert "whole.pth" not in result.stderr


def test_check_names_the_device_that_the_scripts_will_use() -> None:
    if run.read_stamp().get("folder") != str(ROOT):
        pytest.skip("the environment was not made by run.py")
    device = re.sub(
        r"\d+\\ threads", r"\\d+ threads", re.escape(describe_device())
    )  # a test before may have changed their number
    assert re.search(rf"^device +{device}$", call(ROOT, "check").stdout, re.MULTILINE)


def test_check_tells_present_weights_from_spoiled_ones(project: Path) -> None:
    weights = next(iter(EMBEDDED.values()))
    place = project / "checkpoints/cache" / weights.name
    place.parent.mkdir(parents=True)
    place.write_bytes(b"\0" * weights.size_bytes)
    assert f"absent   {weights.name}" in call(project, "check").stdout
    if not weights.path.is_file():
        pytest.skip(f"{weights.path} is not here; {weights.command} gets it")
    shutil.copy(weights.path, place)
    found = call(project, "check").stdout
    assert f"present  {weights.name}" in found and str(place) in found


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["dance"], "dance"),
        (["check", "extra"], "check takes no names"),
        (["demo", "pet"], "demo takes no names"),
        (["--only", "kitchen"], "kitchen"),
        (["--no-such-flag"], "--no-such-flag"),
        (["--photo", "me.jpg"], "need --taste"),
        (["--name", "Ada"], "need --taste"),
        (["--photo", "no such photo.jpg", "--taste", "rock=1"], "no such photo.jpg: no such file"),
        (["test", "--taste", "rock=1"], "--taste: for the demo only"),
        (["test", "--variants", "3", "--seed", "2"], "--seed, --variants: for the demo only"),
        (["--variants", "0"], "'0' is not a whole number from 1 to 64"),
        (["--seed", "x"], "'x' is not a whole number"),
        (["--variants", "2", "--pick", "3"], "--pick 3: there are --variants 2"),
        (["demo", "--fast"], "are for test"),
        (["check", "--fresh-seeds"], "are for test"),
        (["test", "--verify"], "--verify is for check"),
    ],
)
def test_a_faulty_command_ends_with_2_and_does_nothing(project: Path, arguments: list[str], named: str) -> None:
    assert_user_error(call(project, *arguments), named)
    assert not (project / ".venv").exists()


def test_help_names_every_command() -> None:
    result = call(ROOT, "--help")
    assert result.returncode == 0
    for command in ("run.py ", "run.py test", "run.py check", "run.py fetch NAME", "--only", "--locked", "--fast"):
        assert command in result.stdout


def other_pythons() -> list[Path]:
    """Interpreters older than 3.11 that lie on this machine, one a version."""
    places = [*Path.home().glob(".pyenv/versions/3.*/bin/python"), *Path("/usr/bin").glob("python3.[0-9]*")]
    found = {}
    for path in places:
        match = re.search(r"3\.(\d+)", str(path))
        if match and int(match[1]) < 11 and not path.name.endswith("config"):
            found[int(match[1])] = path
    return [found[minor] for minor in sorted(found)]


@pytest.mark.parametrize("python", other_pythons() or [None], ids=str)
def test_an_old_python_gets_one_clear_line(project: Path, python: Path | None) -> None:
    if python is None:
        pytest.skip("there is no Python older than 3.11 on this machine")
    result = call(project, "check", python=python)
    assert result.returncode != 0
    assert result.stdout == ""
    version = re.search(r"3\.\d+", str(python))
    assert version and len(result.stderr.splitlines()) == 1
    assert "3.11" in result.stderr and f"this is {version[0]}" in result.stderr
    assert not (project / ".venv").exists()


# ---- what it will run ----


def commands_of(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> list[str]:
    """What run.test would start."""
    started: list[str] = []

    def start(command: list[str], **_: object) -> Result:
        started.append(" ".join(command[2:]))
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", start)
    assert run.test(*arguments) == 0  # type: ignore[arg-type]
    return started


def test_the_test_command_runs_ruff_mypy_and_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    lint = ["ruff check .", "ruff format --check .", "mypy ."]
    pytest_ = "pytest -n auto --dist loadfile --no-loadscope-reorder"
    assert commands_of(monkeypatch, [], False, False) == [*lint, pytest_]
    assert commands_of(monkeypatch, [], True, False) == [*lint, f"{pytest_} -m not slow"]
    assert commands_of(monkeypatch, [], False, True) == [f"{pytest_} -m hypothesis --hypothesis-profile fresh"]
    *_, typed, tested = commands_of(monkeypatch, ["pet"], False, False)
    assert typed == "mypy run.py pet tests/pet", "what the other parts need may not be installed"
    assert tested.startswith(f"{pytest_} tests/common tests/pet tests/test_house.py")


def test_one_part_is_tested_with_all_that_holds_for_the_whole_house() -> None:
    files = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").glob("test_*.py")}
    every_part = {f"tests/test_{name}.py" for name in ("hostile", "object_stores", "postcard", "ray")}
    assert set(run.HOUSE_TESTS) == files - every_part


@pytest.mark.parametrize("part", run.PARTS)
def test_demo_steps_name_scripts_weights_and_pictures_of_their_part(part: str) -> None:
    for step in STEPS[part].steps:
        assert step.script.startswith(f"{part}/")
        assert all(picture.startswith(f"outputs/{part}/") for picture in step.pictures)
    assert any(step.pictures for step in STEPS[part].steps)
    assert set(STEPS[part].weights) <= set(EMBEDDED)


@pytest.mark.parametrize(
    "said", [{}, {"taste": "rock=5", "description": "x", "appearance": "glasses=none", "variants": 3}, {"face": 2}]
)
def test_demo_steps_call_scripts_by_settings_that_they_have(said: dict[str, Any]) -> None:
    person = replace(PERSON, **said)
    for step in [*(step for part in parts_for(person).values() for step in part.steps), *together(person)]:
        source = (ROOT / step.script).read_text(encoding="utf-8")
        assert "run(main)" in source
        for flag in (word.replace("--no-", "--") for word in step.flags):
            if flag.startswith("--"):
                assert re.search(rf"^{flag[2:].upper().replace('-', '_')}\b.* = ", source, re.MULTILINE), flag


def test_what_a_person_says_reaches_the_steps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    photo = tmp_path / "me.jpg"
    photo.touch()
    said = {"name": "Ada", "taste": "rock=5", "description": "a drummer", "appearance": "glasses=none", "face": "2"}
    numbers = {"seed": "7", "variants": "4", "pick": "3"}
    flags = [word for name, value in (said | numbers).items() for word in (f"--{name}", value)]
    monkeypatch.setattr(sys, "argv", ["run.py", "--photo", str(photo), *flags])
    ran: list[Step] = []

    def run_steps(python: Path, sections: dict[str, list[Step]], title: str) -> int:
        ran.extend(step for steps in sections.values() for step in steps)
        return 0

    monkeypatch.setattr(run, "run_steps", run_steps)
    monkeypatch.setattr(run, "get_weights", lambda names: None)
    assert run.demo(["avatar"], run.read_arguments()) == 0
    extractor, *_, base, styled = ran
    assert settings_of(extractor) == {
        "photo": str(photo), "taste": "rock=5", "name": "Ada", "analyzer": "self", "face": "2",
        "description": "a drummer", "looks": "glasses=none",
    }  # fmt: skip
    assert settings_of(base) == {"features": "outputs/avatar/features/Ada.json"} | numbers
    assert settings_of(styled)["seed"] == "9", "that of the picked variant"


def settings_of(step: Step) -> dict[str, str]:
    words = [word for word in step.flags if word != "--compare"]
    return {flag.removeprefix("--"): value for flag, value in zip(words[::2], words[1::2], strict=True)}


def test_appearance_can_be_switched_off_and_several_people_need_no_choice() -> None:
    first, *_ = parts_for(replace(PERSON, appearance="off"))["avatar"].steps
    assert "--no-appearance" in first.flags and "--looks" not in first.flags
    assert first.instead is not None and first.instead.flags == [*first.flags, "--face", "1"]
    chosen, *_ = parts_for(replace(PERSON, face=2))["avatar"].steps
    assert chosen.instead is None
    assert together(PERSON)[0].unless == parts_for(PERSON)["avatar"].steps[0], "who is on stage has the features' face"
    assert together(replace(PERSON, face=2))[0] == together(PERSON)[0].instead, "the cut-out is of that face"


def test_the_weights_of_the_tests_are_registered() -> None:
    assert set(run.TEST_WEIGHTS) <= set(EMBEDDED)


def test_run_and_what_it_imports_are_standard_library_only() -> None:
    """Before anything is installed there is nothing else."""
    code = "import sys; sys.path.insert(0, sys.argv[1]); import run; print(*sorted(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-S", "-c", code, str(ROOT)], capture_output=True, text=True, encoding="utf-8", check=True
    )
    tops = {name.partition(".")[0] for name in result.stdout.split()} - {"__main__", "run", "common"}
    assert {name for name in tops if not name.startswith("_")} <= sys.stdlib_module_names
