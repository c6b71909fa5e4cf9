import ast
import builtins
import functools
import json
import math
import re
import runpy
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from common.errors import UserError, check_range
from common.files import sha256_of
from common.runner import range_of, setting_comments
from common.weights import REAL, pinned_files
from tests.helpers import ROOT
from tests.script_headers import header_of, scripts

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = ["avatar", "carousel", "common", "masks", "pet"]
PARTS = [package for package in PACKAGES if package != "common"]
DISTRIBUTION: str = PROJECT["project"]["name"]
SCRIPTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [*ROOT.glob("*.py"), *(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))]
    if "\n    run(main)" in path.read_text(encoding="utf-8")
)


def tracked_paths() -> list[str]:
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no git, or not a checkout")
    return [path for path in listed.stdout.decode("utf-8").split("\0") if path]


# ---- packages and names ----


def test_the_packages_of_pyproject_are_the_folders_that_hold_our_code() -> None:
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert set(PACKAGES) == folders
    assert PROJECT["tool"]["setuptools"]["packages"]["find"]["include"] == [f"{name}*" for name in PACKAGES]


def test_every_package_resolves_inside_the_repository_from_any_folder(tmp_path: Path) -> None:
    code = "import importlib.util, sys\nfor name in sys.argv[1:]: print(importlib.util.find_spec(name).origin)"
    result = subprocess.run(
        [sys.executable, "-c", code, *PACKAGES], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    origins = [Path(line).resolve() for line in result.stdout.splitlines()]
    assert origins == [ROOT / name / "__init__.py" for name in PACKAGES]


def test_no_name_of_ours_is_one_of_an_installed_distribution_or_of_the_standard_library() -> None:
    ours = {path.stem for path in ROOT.glob("*.py")} | {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert {"run", "tests", *PACKAGES} <= ours
    assert ours.isdisjoint(sys.stdlib_module_names)
    owners = metadata.packages_distributions()
    theirs = {name: set(owners.get(name, [])) - {DISTRIBUTION} for name in ours}
    assert {name: found for name, found in theirs.items() if found} == {}


def test_the_scripts_that_are_modules_too_shadow_nothing_inside_their_own_folder() -> None:
    """Python puts a script's folder first on its path: a `random.py` there would replace the real one."""
    installed = set(metadata.packages_distributions()) | sys.stdlib_module_names | set(PACKAGES)
    for package in PACKAGES:
        if any(script.startswith(f"{package}/") for script in SCRIPTS):
            assert {path.stem for path in (ROOT / package).glob("*.py")}.isdisjoint(installed), package


def test_no_two_tracked_paths_differ_by_case_alone() -> None:
    seen: dict[str, str] = {}
    for path in tracked_paths():
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            prefix = "/".join(parts[:depth])
            assert seen.setdefault(prefix.casefold(), prefix) == prefix


def test_every_tracked_path_can_be_checked_out_on_windows() -> None:
    reserved = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
    for path in tracked_paths():
        for part in path.split("/"):
            assert not re.search(r'[<>:"\\|?*\x00-\x1f]|[. ]$', part), path
            assert part.partition(".")[0].casefold() not in reserved, path


def test_every_file_of_weights_that_ships_has_its_sha_256_listed() -> None:
    """In checkpoints/SHA256SUMS, which `python3 run.py check --verify` reads."""
    told = (".md", ".png", "SHA256SUMS")
    shipped = [ROOT / path for path in tracked_paths() if path.startswith("checkpoints/") and not path.endswith(told)]
    assert len(shipped) >= 4
    listed = {path: digest for path, digest in pinned_files().items() if "cache" not in path.parts}
    assert {path: sha256_of(path) for path in shipped} == {path: listed.get(path) for path in shipped}
    assert {path for path in listed if path not in shipped} <= {weights.path for weights in REAL.values()}


def test_every_folder_below_tests_is_a_package() -> None:
    folders = {path.parent for path in (ROOT / "tests").rglob("*.py")}
    assert len(folders) >= 3
    assert [folder for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


# ---- requirements ----


def requirement_lines(name: str) -> list[str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith(("#", "-"))]


NEVER_IMPORTED = {  # listed, though no file of ours imports it: why
    "mypy": "a command of run.py",
    "onnx": "torch exports networks by it",
    "opencv-contrib-python-headless": "deepface brings it, into the same folder as opencv-python-headless",
    "pandas-stubs": "read by mypy",
    "types-openpyxl": "read by mypy",
    "pyside6-essentials": "opens the correction window where Python has no Tk",
    "pytest-xdist": "an option of pytest that run.py uses",
    "flask": "moto's server needs it",
    "flask-cors": "moto's server needs it",
    "ruff": "a command of run.py",
    "s3fs": "fsspec imports it for s3://",
    "werkzeug": "deepface imports it without asking for it",
}


OF_EXTRAS = {"ray", "pyarrow", "s3fs", "fsspec"}  # of pyproject.toml; ray[data] brings pyarrow, s3fs fsspec


def distribution_name(line: str) -> str:
    """Of a line of a requirements file."""
    return normalised(re.split(r"[<>=\[;]", line)[0].strip())


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def files_used_by(folder: str) -> set[Path]:
    """The files of a folder; of a part's, with the files of common/ that they need."""
    used, todo = set[Path](), list((ROOT / folder).rglob("*.py"))
    while todo:
        path = todo.pop()
        used.add(path)
        if folder in PACKAGES:
            files = {
                ROOT / f"{name.replace('.', '/')}.py" for name in modules_imported(path) if name.startswith("common.")
            }
            todo += [file for file in files - used if file.is_file()]
    return used


def owners_of_imports(folder: str) -> dict[str, set[str]]:
    """Modules that a folder needs, each with the distributions that it may come from."""
    owners = metadata.packages_distributions()
    modules = {module for path in files_used_by(folder) for module in imports_of(path)}
    foreign = modules - {*PACKAGES, "tests", "run"} - sys.stdlib_module_names
    return {module: {normalised(name) for name in owners.get(module, [module])} for module in foreign}


def listed_in(*folders: str) -> set[str]:
    """Distributions that the requirements files of these folders list."""
    return {distribution_name(line) for folder in folders for line in requirement_lines(f"{folder}/requirements.txt")}


def imports_of(path: Path) -> set[str]:
    """Top-level names of the modules that a file imports, anywhere in it."""
    return {name.partition(".")[0] for name in modules_imported(path)}


@functools.cache
def modules_imported(path: Path) -> set[str]:
    """Dotted names that a file imports: modules, and names out of modules, which may be modules too."""
    names = set[str]()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def skip_unless_installed(folder: str) -> None:
    """Skip where `run.py --only` has left out what a part needs."""
    for line in requirement_lines(f"{folder}/requirements.txt"):
        try:
            metadata.version(distribution_name(line))
        except metadata.PackageNotFoundError:
            pytest.skip(f"what {folder}/ needs is not installed")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_direct_dependency_of_a_part_has_a_lower_bound_that_is_met(package: str) -> None:
    skip_unless_installed(package)
    for line in requirement_lines(f"{package}/requirements.txt"):
        match = re.fullmatch(r"([A-Za-z0-9_.\-]+)(?:\[[\w,]+\])?(>=|==)([0-9.]+)(,<[0-9.]+)?(\s*;.*)?", line.strip())
        assert match, f"{line!r} has no lower bound"
        if not match[5]:
            have = [int(part) for part in re.findall(r"\d+", metadata.version(match[1]))]
            assert have >= [int(part) for part in match[3].split(".")], line


@pytest.mark.parametrize("part", PARTS)
def test_everything_that_a_part_imports_is_in_its_requirements(part: str) -> None:
    """With what the files of common/ import that the part uses, so that `run.py --only` installs enough."""
    skip_unless_installed(part)
    known = listed_in(part, "common") | OF_EXTRAS
    assert {module for module, owners in owners_of_imports(part).items() if owners.isdisjoint(known)} == set()


@pytest.mark.parametrize("folder", [*PACKAGES, "tests"])
def test_everything_in_requirements_is_imported_or_has_a_reason(folder: str) -> None:
    """What every part needs is listed once, in common/."""
    places = PACKAGES if folder == "common" else [folder]
    for place in places:
        skip_unless_installed(place)
    used = {name for place in places for owners in owners_of_imports(place).values() for name in owners}
    assert listed_in(folder) - used - set(NEVER_IMPORTED) == set()


def test_the_tests_import_what_they_or_the_parts_list() -> None:
    for package in PACKAGES:
        skip_unless_installed(package)
    known = listed_in(*PACKAGES, "tests") | OF_EXTRAS
    assert {module for module, owners in owners_of_imports("tests").items() if owners.isdisjoint(known)} == set()


def test_the_tests_install_the_extras() -> None:
    lines = [line for extra in PROJECT["project"]["optional-dependencies"].values() for line in extra]
    assert {distribution_name(line) for line in lines} <= OF_EXTRAS
    tested = {line.partition(";")[0].strip() for line in requirement_lines("tests/requirements.txt")}
    assert set(lines) <= tested


def test_the_lock_pins_everything_that_is_listed_and_names_no_index() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock and not re.search(r"^\s*(#|-(?!-hash))", lock, re.MULTILINE)
    blocks = re.findall(
        r"^([a-z0-9.-]+)==([^ ]+)(?: ; [^\\\n]+)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)",
        lock,
        re.MULTILINE,
    )
    assert len(blocks) == len(re.findall(r"^\S", lock, re.MULTILINE)) > 100, "each line is a pin with hashes"
    build = {distribution_name(line) for line in PROJECT["build-system"]["requires"]}
    assert listed_in(*PACKAGES, "tests") | build <= {normalised(name) for name, *_ in blocks}


def test_packages_never_import_the_tests_and_common_imports_no_part() -> None:
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            found = imports_of(path)
            forbidden = {"tests", "run"} | (set(PACKAGES) - {"common"} if package == "common" else set())
            assert found.isdisjoint(forbidden), path


# ---- pages ----


def test_every_test_that_the_threat_model_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "SECURITY.md").read_text(encoding="utf-8")))
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
    assert len(named) > 20
    assert {name for name in named if not any(f"def {name}(" in source for source in sources)} == set()


def test_every_local_link_of_a_page_leads_somewhere() -> None:
    for page in [
        *ROOT.glob("*.md"),
        *(path for package in [*PACKAGES, "checkpoints"] for path in (ROOT / package).glob("*.md")),
    ]:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


# ---- scripts ----


def settings_of(tree: ast.Module) -> dict[str, ast.AnnAssign]:
    """The annotated upper-case assignments at the left margin of a script, by name."""
    return {
        node.target.id: node
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id.isupper()
    }


def main_of(tree: ast.Module) -> ast.FunctionDef:
    return next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "main")


def test_scripts_are_found() -> None:
    assert {"pet/1_TopN.py", "pet/1.5_Plot_Pet.py", "pet/main.py"} <= set(SCRIPTS)


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_says_what_it_reads_and_writes(script: str) -> None:
    docstring = ast.get_docstring(ast.parse((ROOT / script).read_text(encoding="utf-8")))
    assert docstring
    first, *rest = docstring.splitlines()
    assert len(first) > 10 and first.endswith((".", "?"))
    starts = [line.split()[0] for line in rest if line[:1] != " " and line.split()]
    assert starts.count("Reads") == 1 and starts.count("Writes") == 1
    assert starts.index("Reads") < starts.index("Writes")


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_ruled_block_holds_all_settings_each_with_annotation_and_comment(script: str) -> None:
    """The block ends at the first blank line."""
    source = (ROOT / script).read_text(encoding="utf-8")
    lines = source.splitlines()
    start = next(number for number, line in enumerate(lines, 1) if line.startswith("# ---- settings"))
    end = start + lines[start:].index("")
    tree = ast.parse(source)
    settings = settings_of(tree)
    assert [node for node in tree.body if start < node.lineno <= end] == list(settings.values())
    assert settings.keys() == setting_comments("\n".join(lines[start:end])).keys()
    for name, setting in settings.items():
        annotation = ast.unparse(setting.annotation)
        assert setting.value is not None, f"{name} has no value; tyro.MISSING makes it required"
        assert "Range" not in annotation or re.match(r"Annotated\[|Positional\[Annotated\[", annotation), annotation


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_number_among_the_settings_has_a_range_that_refuses_nonsense(script: str) -> None:
    module = runpy.run_path(str(ROOT / script), run_name="settings")
    annotations = module["__annotations__"]
    for name in settings_of(ast.parse((ROOT / script).read_text(encoding="utf-8"))):
        annotation = annotations[name]
        kinds = set(re.findall(r"\b(?:int|float)\b", str(annotation)))
        if not kinds:
            continue
        allowed = range_of(annotation)
        assert allowed is not None, f"{name} declares no Range"
        value = module[name]
        for number in value if isinstance(value, tuple) else () if value is None else (value,):
            check_range(name, number, allowed.low, allowed.high)
        assert -(2**64) < allowed.low <= allowed.high < 2**64
        for nonsense in (math.nan, math.inf, -math.inf, 1e300):
            with pytest.raises(UserError, match=f"setting {name} is"):
                check_range(name, nonsense, allowed.low, allowed.high)


@pytest.mark.parametrize("script", SCRIPTS)
def test_main_has_no_parameters_and_passes_settings_on_by_keyword(script: str) -> None:
    """A setting may be positional as the first argument alone, so that no two can be swapped."""
    tree = ast.parse((ROOT / script).read_text(encoding="utf-8"))
    assert ast.unparse(main_of(tree).args) == ""
    settings = settings_of(tree).keys()
    for call in ast.walk(main_of(tree)):
        if isinstance(call, ast.Call) and ast.unparse(call.func) not in {*dir(builtins), "check_range"}:
            swappable = [argument.id for argument in call.args[1:] if isinstance(argument, ast.Name)]
            assert settings.isdisjoint(swappable), ast.unparse(call)


@pytest.mark.parametrize("script", SCRIPTS)
def test_no_script_works_at_import_time(script: str) -> None:
    """Outside functions and classes there are only imports, settings and the call of run(main)."""
    tree = ast.parse((ROOT / script).read_text(encoding="utf-8"))
    *body, last = tree.body
    assert ast.unparse(last) == "if __name__ == '__main__':\n    run(main)"
    allowed = (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.FunctionDef, ast.ClassDef)
    for node in body[1:]:
        typing_only = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        assert isinstance(node, allowed) or typing_only, ast.unparse(node)


def test_nobody_edits_the_import_path() -> None:
    for path in [ROOT / "run.py", *(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))]:
        assert "sys.path" not in path.read_text(encoding="utf-8"), path


@pytest.mark.parametrize("script", [path.as_posix() for path in scripts()])
def test_the_header_of_a_script_lists_what_its_part_requires(script: str) -> None:
    """For `uv run`, which makes an environment of it."""
    text = (ROOT / script).read_text(encoding="utf-8")
    assert text.startswith(header_of(Path(script))), "python -m tests.script_headers writes it anew"


# ---- the notebook ----


def test_the_notebook_runs_our_scripts_with_their_settings_and_ships_without_outputs() -> None:
    cells = json.loads((ROOT / "docs/relive.ipynb").read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    lines = [line for cell in code for line in "".join(cell["source"]).splitlines() if line.startswith("!")]
    commands = [line.removeprefix("!cd .. && ").split(maxsplit=2) for line in lines]
    assert [command[:2] for command in commands if command[1] == "run.py"] == [["python3", "run.py"]]
    for python, script, *flags in commands[1:]:
        assert python == ".venv/bin/python" and script in SCRIPTS
        settings = setting_comments((ROOT / script).read_text(encoding="utf-8"))
        for flag in re.findall(r"--([a-z-]+)", " ".join(flags)):
            assert flag.replace("-", "_").upper() in settings, (script, flag)
