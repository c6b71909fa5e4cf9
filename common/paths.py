"""The project's folders."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"
CHECKPOINTS = ROOT / "checkpoints"
OUTPUTS = ROOT / "outputs"


def shown(path: Path) -> str:
    """The path for messages: relative to the current folder where it lies inside it."""
    try:
        return str(Path(path).resolve().relative_to(Path.cwd()))
    except (ValueError, OSError):  # OSError: the current folder was deleted
        return str(path)
