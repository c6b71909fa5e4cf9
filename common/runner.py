"""Runs a script's `main()` from the shell: flags, one-line errors, the run's JSON.

A script ends with

    if __name__ == "__main__":
        run(main)

Its settings block gives the defaults of `main()`'s typed parameters; the comment behind a setting is the help
text of its flag, so that both are written once.
"""

import inspect
import io
import json
import os
import platform
import signal
import sys
import time
import tokenize
import typing
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from common.errors import UserError
from common.files import sha256_of, write_text
from common.paths import shown

EXIT_USER_ERROR = 2
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141
EXIT_TERMINATED = 143


@dataclass
class Report:
    """What `main()` hands back; it becomes the JSON beside the result.

    Attributes:
        output: the main file or folder written; the JSON gets the file's name, or is `run.json` in the folder.
        inputs: files that were read, hashed in the JSON.
        figures: measured results, plain numbers and texts.
        faults: items that were skipped; above 0 the script ends with exit status 2.
        device: what really computed.
        weights: names of the model weights that really ran, empty for none.
    """

    output: Path
    inputs: list[Path] = field(default_factory=list)
    figures: Mapping[str, object] = field(default_factory=dict)
    faults: int = 0
    device: str = "CPU"
    weights: list[str] = field(default_factory=list)


def run(main: Callable[..., Report | None]) -> None:
    """Call `main` with the shell's flags and end the process.

    Exit status: 0; 2 for an error that the user can mend (one line on stderr) or skipped items; 130 for Ctrl-C.
    Any other exception is a bug and keeps its traceback.
    """
    script = Path(inspect.getfile(main))
    # Threads of PyTorch that wait for one another soon leave the cores to others: read when PyTorch is imported, no
    # slower on a quiet machine, and on a busy one a network takes a third of the time.
    os.environ.setdefault("GOMP_SPINCOUNT", "3000")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    warnings.showwarning = lambda message, *_: print(f"{script.name}: {message}", file=sys.stderr)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(EXIT_TERMINATED))
    try:
        settings = _settings_from_shell(main, script)
        started = time.perf_counter()
        report = main(**settings)
        if report is not None:
            seconds = time.perf_counter() - started
            record = _write_record(script, settings, report, seconds)
            print(f"device: {report.device}, weights: {', '.join(report.weights) or 'none'}, {seconds:.1f} s")
            print(f"record: {shown(record)}")
        sys.stdout.flush()  # here, where a reader that went away is caught
        sys.exit(EXIT_USER_ERROR if report is not None and report.faults else 0)
    except UserError as error:
        _fail(script, str(error))
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_BROKEN_PIPE)
    except OSError as error:
        if error.filename is None:
            raise
        _fail(script, f"{error.filename}: {error.strerror}")
    except KeyboardInterrupt:
        print(f"\n{script.name}: interrupted; what was written is whole, the same command goes on", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)


def _fail(script: Path, message: str) -> typing.NoReturn:
    print(f"{script.name}: {message}", file=sys.stderr)
    sys.exit(EXIT_USER_ERROR)


def _settings_from_shell(main: Callable[..., object], script: Path) -> dict[str, object]:
    """Parse the flags by tyro and echo the settings that they change."""
    import tyro

    comments = setting_comments(script.read_text(encoding="utf-8"))
    hints = typing.get_type_hints(main, include_extras=True)
    parameters = inspect.signature(main).parameters
    for name in parameters:
        text = comments.get(name.upper())
        if text:
            hints[name] = typing.Annotated[hints[name], tyro.conf.arg(help=text)]
    taken: dict[str, object] = {}

    def take(**settings: object) -> None:
        taken.update(settings)

    take.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [parameter.replace(annotation=hints[name]) for name, parameter in parameters.items()]
    )
    take.__annotations__ = {name: hints[name] for name in parameters}
    description = (inspect.getdoc(sys.modules[main.__module__]) or "").replace("\nWrites", "\n\nWrites")
    tyro.cli(take, prog=script.name, description=description)
    for name, value in taken.items():
        default = parameters[name].default
        if value != default and default is not inspect.Parameter.empty:
            print(f"setting: {name.upper()} = {_in_words(value)} (in the file: {_in_words(default)})")
    return taken


def _in_words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def setting_comments(source: str) -> dict[str, str]:
    """The comment behind each upper-case assignment at the left margin, by setting name."""
    comments: dict[str, str] = {}
    name = ""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.start[1] == 0 and token.string.strip() and token.string not in ")]}":
            name = token.string if token.type == tokenize.NAME and token.string.isupper() else ""
        elif token.type == tokenize.COMMENT and name and token.start[1] > 0:
            comments[name] = token.string.lstrip("# ")
    return comments


def _write_record(script: Path, settings: dict[str, object], report: Report, seconds: float) -> Path:
    record = report.output.with_suffix(".run.json" if report.output.suffix == ".json" else ".json")
    if report.output.is_dir():
        record = report.output / "run.json"
    content = {
        "script": f"{script.parent.name}/{script.name}",
        "settings": settings,
        "inputs": {str(path): sha256_of(path) for path in report.inputs},
        "figures": report.figures,
        "skipped": report.faults,
        "device": report.device,
        "weights": report.weights,
        "seconds": round(seconds, 3),
        "versions": {"python": platform.python_version(), "platform": platform.platform()} | _versions(),
    }
    write_text(record, json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n")
    return record


def _versions() -> dict[str, str]:
    """Versions of the installed packages that this run imported."""
    owners = metadata.packages_distributions()
    used = {owner for module in list(sys.modules) if "." not in module for owner in owners.get(module, [])}
    return {name: metadata.version(name) for name in sorted(used)}
