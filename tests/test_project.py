import ast
import io
import re
import subprocess
import sys
import tokenize
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from tests.helpers import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = ["avatar", "carousel", "common", "masks", "pet"]
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


def test_every_folder_below_tests_is_a_package() -> None:
    folders = {path.parent for path in (ROOT / "tests").rglob("*.py")}
    assert len(folders) >= 3
    assert [folder for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


# ---- requirements ----


def requirement_lines(name: str) -> list[str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith(("#", "-"))]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_direct_dependency_of_a_part_has_a_lower_bound_that_is_met(package: str) -> None:
    for line in requirement_lines(f"{package}/requirements.txt"):
        match = re.fullmatch(r"([A-Za-z0-9_.\-]+)(?:\[[\w,]+\])?(>=|==)([0-9.]+)(,<[0-9.]+)?(\s*;.*)?", line.strip())
        assert match, f"{line!r} has no lower bound"
        if not match[5]:
            have = [int(part) for part in re.findall(r"\d+", metadata.version(match[1]))]
            assert have >= [int(part) for part in match[3].split(".")], line


@pytest.mark.parametrize("package", PACKAGES)
def test_everything_that_a_part_imports_is_in_its_requirements(package: str) -> None:
    names = {line for file in {package, "common"} for line in requirement_lines(f"{file}/requirements.txt")}
    listed = {re.split(r"[<>=\[;]", name)[0].strip().lower().replace("_", "-") for name in names}
    owners = metadata.packages_distributions()
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
            for module in {module.partition(".")[0] for module in modules} - set(PACKAGES) - sys.stdlib_module_names:
                if package == "common" and module in ("torch", "accelerate", "cv2"):
                    continue  # used where a part has installed it
                distributions = {name.lower().replace("_", "-") for name in owners.get(module, [module])}
                assert distributions & listed, f"{path.name} imports {module}"


def test_packages_never_import_the_tests_and_common_imports_no_part() -> None:
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found = {
                node.module.partition(".")[0]
                for node in ast.walk(tree)
                if isinstance(node, ast.ImportFrom) and node.module
            }
            found |= {
                alias.name.partition(".")[0]
                for node in ast.walk(tree)
                if isinstance(node, ast.Import)
                for alias in node.names
            }
            forbidden = {"tests", "run"} | (set(PACKAGES) - {"common"} if package == "common" else set())
            assert found.isdisjoint(forbidden), path


# ---- scripts ----


def settings_of(tree: ast.Module) -> list[ast.Assign | ast.AnnAssign]:
    """Upper-case assignments at the left margin of a script."""
    found: list[ast.Assign | ast.AnnAssign] = []
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(target, ast.Name) and target.id.isupper():
            found.append(node)
    return found


def name_of(setting: ast.Assign | ast.AnnAssign) -> str:
    target = setting.targets[0] if isinstance(setting, ast.Assign) else setting.target
    assert isinstance(target, ast.Name)
    return target.id


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
def test_every_setting_has_a_trailing_comment_and_is_the_default_of_mains_parameter(script: str) -> None:
    source = (ROOT / script).read_text(encoding="utf-8")
    tree = ast.parse(source)
    comments = {
        token.start[0]: token.string
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    ruler = next(line for line, text in comments.items() if text.startswith("# ---- settings"))
    settings = [setting for setting in settings_of(tree) if setting.lineno > ruler]
    for setting in settings:
        comment = comments.get(setting.end_lineno or 0, "").lstrip("# ")
        assert comment and "noqa" not in comment, f"{name_of(setting)} has no comment"
    main = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "main")
    assert not main.args.kwonlyargs and not main.args.posonlyargs
    with_default = main.args.args[len(main.args.args) - len(main.args.defaults) :]
    defaults = {
        argument.arg: ast.unparse(default) for argument, default in zip(with_default, main.args.defaults, strict=True)
    }
    assert defaults == {name_of(setting).lower(): name_of(setting) for setting in settings}
    for argument in main.args.args:
        assert argument.annotation is not None
        assert argument in with_default or "Positional" in ast.unparse(argument.annotation)


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
