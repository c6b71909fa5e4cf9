"""The headers by which `uv run pet/main.py` works without an environment (PEP 723).

python -m tests.script_headers    writes them anew, from the requirements files
"""

import re
from pathlib import Path

from tests.helpers import ROOT

HEADER = re.compile(r"\A# /// script\n(?:#.*\n)*?# ///\n")


def header_of(script: Path) -> str:
    """The header that a script of a part should have."""
    lines = requirements(ROOT / script.parts[0] / "requirements.txt")
    listed = "".join(f'#     "{line}",\n' for line in sorted({*lines, "re-live"}))
    return (
        '# /// script\n# requires-python = ">=3.11"\n# dependencies = [\n' + listed + "# ]\n#\n"
        '# [tool.uv.sources]\n# re-live = { path = "..", editable = true }\n# ///\n'
    )


def requirements(file: Path) -> list[str]:
    """The lines of a requirements file and of those that it includes."""
    found = []
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("-r "):
            found += requirements(file.parent / line.removeprefix("-r "))
        elif line and not line.startswith(("#", "-")):
            found.append(line.replace('"', "'"))
    return found


def scripts() -> list[Path]:
    """The scripts of the parts, relative to the root."""
    parts = (path.parent for path in ROOT.glob("*/requirements.txt") if path.parent.name not in ("common", "tests"))
    found = (path for part in parts for path in part.glob("*.py"))
    return sorted(p.relative_to(ROOT) for p in found if "\n    run(main)" in p.read_text(encoding="utf-8"))


def main() -> None:
    for script in scripts():
        text = (ROOT / script).read_text(encoding="utf-8")
        (ROOT / script).write_text(header_of(script) + HEADER.sub("", text), encoding="utf-8")


if __name__ == "__main__":
    main()
