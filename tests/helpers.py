"""What several test files need: where things are, and running a script as a user does."""

import functools
import importlib.util
import io
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pillow_heif
import pytest
from PIL import Image

from common.runner import set_settings

ROOT = Path(__file__).resolve().parent.parent
REAL_DATA = Path(os.environ.get("RELIVE_REAL_DATA") or ROOT.parent / "shared/data").resolve()  # see CONTRIBUTING.md
BAD_INPUTS = REAL_DATA.parent / "tools/make_bad_inputs.py"  # writes hostile pictures, archives, tables, checkpoints


def _needs(what: str, paths: Sequence[Path]) -> pytest.MarkDecorator:
    reason = f"needs {what}" if REAL_DATA.is_dir() else "needs real data, which is not part of the project"
    return pytest.mark.skipif(not all(path.exists() for path in paths), reason=f"{reason} (CONTRIBUTING.md)")


def needs_real_data(*names: str) -> pytest.MarkDecorator:
    """Skip a test where the real data lacks one of these files or folders, such as "people/more"."""
    return _needs(f"{', '.join(names)} in RELIVE_REAL_DATA", [REAL_DATA / name for name in names])


needs_bad_inputs = _needs("../tools/make_bad_inputs.py beside RELIVE_REAL_DATA", [BAD_INPUTS])


def heic_bytes(image: Image.Image, **options: Any) -> bytes:
    """Encode a picture as phones do; options as Pillow's, such as `exif`."""
    buffer = io.BytesIO()
    pillow_heif.from_pillow(image).save(buffer, quality=95, **options)
    return buffer.getvalue()


def run_script(script: str, *flags: object, cwd: Path = ROOT, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a script of the project in a process of its own, as a user does from the shell."""
    command = [sys.executable, str(ROOT / script), *map(str, flags)]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, encoding="utf-8", timeout=timeout, check=False, env=os.environ
    )


def with_settings(main: Callable[[], Any]) -> Callable[..., Any]:
    """A script's main() that takes settings by keyword, `size_px=64`; the file's values are back afterwards."""

    def call(**settings: object) -> Any:
        values = {name.upper(): value for name, value in settings.items()}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in values.items():
                patch.setitem(vars(sys.modules[main.__module__]), name, value)
            set_settings(main, values)
            return main()

    return call


@functools.cache
def load_main(script: str) -> Callable[..., Any]:
    """The main() of a script whose name is no module name, with settings by keyword."""
    name = f"script_{abs(hash(script))}"
    spec = importlib.util.spec_from_file_location(name, ROOT / script)
    assert spec is not None and spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return with_settings(module.main)


def assert_user_error(result: subprocess.CompletedProcess[str], *words: str) -> None:
    """The script ended with exit status 2 and one message that holds all words, without a traceback."""
    assert result.returncode == 2, result.stdout + result.stderr
    assert "Traceback" not in result.stderr, result.stderr
    message = result.stderr.strip().splitlines()[-1]
    for word in words:
        assert word in result.stderr, f"{word!r} is not in {message!r}"
