"""The house rules of the tree: which folder may import which, and what may lie where."""

import ast
import functools
import graphlib
import re
from collections import defaultdict
from pathlib import Path

import pytest

from tests.helpers import ROOT

PARTS = ("avatar", "carousel", "masks", "pet")
PACKAGES = (*PARTS, "common")
PUBLIC_MODULES = {"carousel/Utils.py"}  # names for users' own code; no script, and nothing of ours imports it
TOP_FILES = {"__init__.py", "README.md", "requirements.txt"}
RUNS = ("_batch", "_run")  # ends of the names of modules that do a script's whole work: read, compute, write
ADAPTERS = {"common.runner", "common.demo.steps"}  # what scripts and run.py alone may import

MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports_of(path: Path) -> set[str]:
    """Our own modules that a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name if name in MODULES else node.module for name in names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & MODULES.keys()


@functools.cache
def all_imports() -> dict[str, set[str]]:
    """The modules that each of ours imports; not at import, for every process that collects tests imports this."""
    return {module: imports_of(path) for module, path in MODULES.items()}


def is_script(module: str) -> bool:
    """Whether a module lies at the top of a part."""
    return MODULES[module].parent.name in PARTS and MODULES[module].parent.parent == ROOT


def is_run(module: str) -> bool:
    return module.endswith(RUNS)


def room_of(module: str) -> str:
    """The folder of a module below its part; scripts and the files of common/ are rooms of their own."""
    parts = MODULES[module].relative_to(ROOT).parts
    return "/".join(parts[:2]) if len(parts) > 2 else module


def check_no_circle(graph: dict[str, set[str]]) -> None:
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_modules_are_found_and_their_imports_too() -> None:
    assert len(MODULES) > 150
    assert "common.files" in all_imports()["common.runner"]
    assert "pet.choosing.wardrobe" in all_imports()["pet.main"]


def test_no_part_imports_another_and_common_imports_none() -> None:
    for module, imported in all_imports().items():
        part = module.partition(".")[0]
        others = {name for name in imported if name.partition(".")[0] not in (part, "common")}
        assert not others, f"{module} imports {others}"


@pytest.mark.parametrize("part", PARTS)
def test_the_top_of_a_part_holds_scripts_and_nothing_else(part: str) -> None:
    for path in (ROOT / part).iterdir():
        name = path.relative_to(ROOT).as_posix()
        if path.is_file() and path.name not in TOP_FILES | {".DS_Store"} and name not in PUBLIC_MODULES:
            assert path.suffix == ".py" and "\n    run(main)" in path.read_text(encoding="utf-8"), name


def test_every_folder_of_modules_says_what_it_holds() -> None:
    for package in PACKAGES:
        for folder in {path.parent for path in (ROOT / package).rglob("*.py")}:
            docstring = ast.get_docstring(parsed(folder / "__init__.py"))
            assert docstring and docstring.endswith("."), folder


def test_no_folder_holds_a_file_of_its_own_name_and_no_file_has_an_empty_name() -> None:
    for path in MODULES.values():
        assert path.stem != path.parent.name, path
        assert path.stem not in {"set", "many", "misc", "helpers", "util"}, path


def test_modules_are_lower_case() -> None:
    for module, path in MODULES.items():
        assert is_script(module) or path.stem == path.stem.lower(), path


def test_no_module_imports_a_script_and_a_public_module_is_for_others() -> None:
    scripts = {module for module in MODULES if is_script(module) and MODULES[module].name != "__init__.py"}
    public = {module for module in scripts if MODULES[module].relative_to(ROOT).as_posix() in PUBLIC_MODULES}
    for module, imported in all_imports().items():
        assert not imported & (public if module in scripts else scripts), f"{module} imports {imported & scripts}"


def test_runs_are_imported_by_scripts_and_runs_alone() -> None:
    """Layers: scripts, then runs, then everything that computes, reads or writes a single thing."""
    runs = {module for module in MODULES if is_run(module)}
    assert len(runs) >= 6
    for module, imported in all_imports().items():
        if not is_script(module) and not is_run(module):
            assert not imported & (runs | ADAPTERS), f"{module} imports {imported & (runs | ADAPTERS)}"


def test_no_circle_of_modules_or_of_rooms() -> None:
    check_no_circle(all_imports())
    rooms: defaultdict[str, set[str]] = defaultdict(set)
    for module, imported in all_imports().items():
        rooms[room_of(module)] |= {room_of(name) for name in imported} - {room_of(module)}
    check_no_circle(rooms)


def test_a_public_class_name_has_one_meaning() -> None:
    homes: defaultdict[str, list[str]] = defaultdict(list)
    for module, path in MODULES.items():
        for node in parsed(path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(module)
    assert {name: modules for name, modules in homes.items() if len(modules) > 1} == {}


BARE = re.compile(r"(of|by|for|from|in|with|as|on|at|to|before|behind|beside|the same)\b")


def test_no_description_of_an_argument_begins_with_a_bare_preposition() -> None:
    bare = []
    for path in MODULES.values():
        for node in ast.walk(parsed(path)):
            docstring = ast.get_docstring(node) or "" if isinstance(node, ast.FunctionDef | ast.ClassDef) else ""
            for _, entries in re.findall(r"(?ms)^(Args|Attributes):\n(.*?)(?=^\S|\Z)", docstring):
                found = re.findall(r"(?m)^    (\w+): (.*)$", entries)
                bare += [f"{path.relative_to(ROOT)}: {name}: {text}" for name, text in found if BARE.match(text)]
    assert bare == []
