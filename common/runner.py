"""Runs a script: flags from its settings, errors in one line, a JSON record of the run.

How a script looks:

    # ---- settings: edit here, or override once on the command line (--size-px 64) ----
    PHOTOS: Positional[Path] = DATA / "photos"  # folder of photos
    SIZE_PX: Annotated[int, Range(64, 4096)] = 512  # side of a picture in pixels
    STYLE: Literal["flat", "round"] = "flat"  # shape of the corners
    LIMIT: int | None = None  # photos to read; None: all

    CHUNK = 8  # without an annotation: a plain constant, not a setting


    def main() -> Report:
        pictures = draw_all(photos=PHOTOS, size_px=SIZE_PX, style=STYLE, limit=LIMIT)
        ...


    if __name__ == "__main__":
        run(main)

Every annotated upper-case name of the script's module is a setting; one with the value `tyro.MISSING` is required.
`run` turns each one into a flag (`--size-px`) with its annotation as type and range and its comment as help text; one
that is `tyro.conf.Positional` may be given by its flag or without it. `run` then writes the values from the command
line into the module and calls `main()`, which reads the constants and passes them on by keyword. Called from Python,
`main()` uses the file's values.

A spawned worker process imports the script anew, as `__mp_main__`, and there every constant has the file's value.
So a worker must receive settings as keyword arguments or in its item; it must not read the constants.
"""

import errno
import inspect
import io
import json
import os
import platform
import re
import signal
import sys
import tempfile
import time
import tokenize
import typing
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, make_dataclass
from importlib import metadata
from pathlib import Path

from common.errors import JOINERS, FaultsError, UserError, check_range, message_line, printable
from common.files import sha256_of, write_text
from common.paths import shown, store_url, with_addresses
from common.stores.copies import working_copies

TOP_LEVEL = re.compile(r"^(\w+)(?:/|(?:\.[\w-]+)*\.(?:py|so|pyd),)", re.MULTILINE)  # modules and packages in a RECORD

EXIT_USER_ERROR = 2
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141
EXIT_TERMINATED = 143


@dataclass(frozen=True)
class Range:
    """The values that a number setting may have, both ends included: `Annotated[int, Range(1, 400)]`; of several
    numbers, as in `Annotated[tuple[float, float], Range(0, 1)]`, each."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low} to {self.high}"


@dataclass(frozen=True)
class Written:
    """Marks a folder that a stage writes although its name is not OUTPUT: `Annotated[Path, Written()]`."""


@dataclass
class Report:
    """The result of `main()`, written to the JSON beside the output.

    Attributes:
        output: the main file or folder written. The JSON has the file's name, or is `run.json` in the folder.
        inputs: files read; the JSON holds their SHA-256.
        figures: measured results, plain numbers and texts.
        faults: number of items skipped; above 0 the script ends with exit status 2.
        device: the device that did the computing.
        weights: names of the model weights used; empty if none.
    """

    output: Path
    inputs: list[Path] = field(default_factory=list)
    figures: Mapping[str, object] = field(default_factory=dict)
    faults: int = 0
    device: str = "CPU"
    weights: list[str] = field(default_factory=list)


def run(main: Callable[[], Report | None]) -> None:
    """Call `main` with the settings from the command line and end the process.

    Exit status: 0; 2 for an error that the user can correct (one line on stderr) or skipped items; 130 for Ctrl-C.
    Any other exception is a bug and keeps its traceback.
    """
    script = Path(inspect.getfile(sys.modules[main.__module__]))
    # Limit OpenMP spin-waiting (must be set before importing torch): no cost on an idle machine, up to 3x faster on a
    # busy one.
    os.environ.setdefault("GOMP_SPINCOUNT", "3000")
    _set_up_streams()
    warnings.showwarning = lambda message, *_: _say(script, str(message))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(EXIT_TERMINATED))
    try:
        with _output_errors():  # settings are echoed, and the stream is emptied before it is replaced
            settings = _settings_from_shell(main, script)
            if isinstance(sys.stdout, io.TextIOWrapper):
                sys.stdout = _PrintableStream(sys.stdout)
        set_settings(main, settings)
        with working_copies(settings, _written_by(main)) as copies:
            set_settings(main, copies)
            started = time.perf_counter()
            report = main()
            if report is not None:
                seconds = time.perf_counter() - started
                record = _write_record(script, settings, report, seconds)
                print(f"device: {report.device}, weights: {', '.join(report.weights) or 'none'}, {seconds:.1f} s")
                print(f"record: {shown(record)}")
        sys.stdout.flush()  # here, so that a closed pipe is caught below
        sys.exit(EXIT_USER_ERROR if report is not None and report.faults else 0)
    except FaultsError as error:
        _fail(script, *str(error).split("\n"))
    except UserError as error:
        _fail(script, str(error))
    except MemoryError:
        _fail(script, "not enough memory; use smaller pictures, tables or models, or a machine with more of it")
    except BrokenPipeError:  # the reader of our output has gone, as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_BROKEN_PIPE)
    except _OutputError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still to be printed has no room
        _fail(script, f"standard output: {error}")
    except OSError as error:
        if error.strerror is None:  # a library's own, which may be a bug
            raise
        _fail(script, _fault_of(error))
    except KeyboardInterrupt:
        print(
            f"\n{script.name}: interrupted; all files written so far are complete; run the same command to continue",
            file=sys.stderr,
        )
        sys.exit(EXIT_INTERRUPTED)


def _fault_of(error: OSError) -> str:
    """What the system says, and where; it names no file that is already open, which are those of libraries."""
    if error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT) and tempfile.tempdir:  # known once it has been used
        return (
            f"{error.strerror}, in the temporary folder {tempfile.tempdir} it seems; set TMPDIR to a folder with room"
        )
    return str(error.strerror)


def _fail(script: Path, *lines: str) -> typing.NoReturn:
    _say(script, *lines)
    sys.exit(EXIT_USER_ERROR)


def _say(script: Path, *lines: str) -> None:
    message = "\n".join(message_line(with_addresses(line)) for line in lines)
    print(f"{script.name}: {message}", file=sys.stderr)


def _set_up_streams() -> None:
    """Let messages be UTF-8, and discard those to a stream that the caller closed.

    A closed stream's number would go to the next file that is opened, and messages would end up in it.
    """
    while (handle := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(handle)
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115 (as long as the process lives)
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115 (as long as the process lives)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr = _LossyStream(sys.stderr)


class _OutputError(Exception):
    """Standard output takes no more, as on a full disk."""


@contextmanager
def _output_errors() -> Iterator[None]:
    """Tell failures of standard output from those of files; a reader that has gone is none."""
    try:
        yield
    except OSError as error:
        if error.filename is not None or isinstance(error, BrokenPipeError):
            raise
        raise _OutputError(error.strerror or str(error)) from error


class _Stream(io.TextIOWrapper):
    """Another stream's file."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        stream.flush()  # what was printed before comes first
        self._stream = stream  # it would close the buffer with its end
        super().__init__(
            stream.buffer,
            encoding=stream.encoding,
            errors=stream.errors,
            line_buffering=stream.line_buffering,
            write_through=stream.write_through,
        )


class _PrintableStream(_Stream):
    """Standard output on which no name, prompt or cell controls the terminal."""

    def write(self, text: str) -> int:
        with _output_errors():
            return super().write(printable(text, kept=f"{JOINERS}\n\r\t"))

    def flush(self) -> None:
        with _output_errors():
            super().flush()


class _LossyStream(_Stream):
    """Standard error of which what finds no room is lost: neither the run nor its exit status depends on messages."""

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError:
            return self._lose(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError:
            self._lose("")

    def _lose(self, text: str) -> int:
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
        return len(text)


def set_settings(main: Callable[[], object], values: Mapping[str, object]) -> None:
    """Check the ranges of settings and write them into the module of `main`.

    Args:
        main: the `main()` of a script.
        values: values by the setting's name, `{"SIZE_PX": 64}`.

    Raises:
        KeyError: the script has no such setting.
        UserError: a number is outside its range, or is NaN.
    """
    annotations = _settings_of(main)
    for name, value in values.items():
        allowed = range_of(annotations[name])
        for number in value if isinstance(value, tuple) else (value,):
            if allowed is not None and isinstance(number, int | float):
                check_range(name, number, allowed.low, allowed.high)
    vars(sys.modules[main.__module__]).update(values)


def _settings_of(main: Callable[[], object]) -> dict[str, typing.Any]:
    """Names and annotations of a script's settings, in the order of the file."""
    hints = typing.get_type_hints(sys.modules[main.__module__], include_extras=True)
    return {name: hint for name, hint in hints.items() if name.isupper()}


def _written_by(main: Callable[[], object]) -> list[str]:
    """Names of the settings that a stage writes, which may be in object stores; none of a script that is no stage."""
    settings = _settings_of(main)
    marked = [name for name, hint in settings.items() if Written() in getattr(hint, "__metadata__", ())]
    return ["OUTPUT", *marked] if "ENGINE" in settings else []


def range_of(annotation: object) -> Range | None:
    """The range that a setting's annotation declares."""
    return next((extra for extra in getattr(annotation, "__metadata__", ()) if isinstance(extra, Range)), None)


def _settings_from_shell(main: Callable[[], object], script: Path) -> dict[str, object]:
    """Parse the command line with tyro, print the settings that it changes, and return all of them by name."""
    import tyro

    module = sys.modules[main.__module__]
    comments = setting_comments(script.read_text(encoding="utf-8"))
    flags: list[tuple[str, typing.Any, typing.Any]] = []
    for name, annotation in _settings_of(main).items():
        allowed = range_of(annotation)
        flag = f"--{name.lower().replace('_', '-')}"
        plain = _without_positional(annotation)
        also = f"(or {flag})" if plain is not annotation else None
        text = " ".join(filter(None, [comments.get(name), f"[{allowed}]" if allowed else None, also]))
        is_flag = any(word.partition("=")[0].replace("_", "-") == flag for word in sys.argv[1:])
        explained = tyro.conf.arg(help=text or None)
        kind = plain if is_flag else annotation
        flags.append((name.lower(), typing.Annotated[kind, explained], getattr(module, name)))
    description = (inspect.getdoc(module) or "").replace("\nWrites", "\n\nWrites")
    form: type = make_dataclass("Settings", flags, kw_only=True)
    parsed: object = tyro.cli(form, prog=script.name, description=description)
    settings = {name.upper(): _as_text(value) for name, value in vars(parsed).items()}
    for name, value in settings.items():
        if "" in sys.argv and Path() in (value if isinstance(value, tuple) else (value,)):
            raise UserError(f"setting {name} is empty; the current folder is said by .")
        before = getattr(module, name)
        if value != before and before is not tyro.MISSING:
            print(printable(f"setting: {name} = {_in_words(value)} (in the file: {_in_words(before)})"))
    return settings


def _as_text(value: object) -> object:
    """A value in which bytes that are no UTF-8 are written out, as \\udce9; paths keep them, to name the same file."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _without_positional(annotation: typing.Any) -> typing.Any:
    """Return the annotation of a positional setting as that of a flag; others as they are."""
    from tyro.conf import Positional

    marker = typing.get_args(Positional[int])[1]
    extras = list(getattr(annotation, "__metadata__", ()))
    if marker not in extras:
        return annotation
    extras.remove(marker)
    return typing.Annotated[(annotation.__origin__, *extras)] if extras else annotation.__origin__


def _in_words(value: object) -> str:
    return ", ".join(map(_plain, value)) if isinstance(value, tuple) else _plain(value)


def _plain(value: object) -> str:
    """A value as text; pathlib leaves one slash of "s3://"."""
    return (isinstance(value, Path) and store_url(value)) or str(value)


def setting_comments(source: str) -> dict[str, str]:
    """The trailing comment of each upper-case assignment at the left margin, by name."""
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
        "settings": {name.lower(): value for name, value in settings.items()},
        "inputs": {_plain(path): sha256_of(path) for path in report.inputs},
        "figures": report.figures,
        "skipped": report.faults,
        "device": report.device,
        "weights": report.weights,
        "seconds": round(seconds, 3),
        "versions": {"python": platform.python_version(), "platform": platform.platform()} | _versions(),
    }
    write_text(record, json.dumps(content, indent=2, ensure_ascii=False, default=_plain) + "\n")
    return record


def _versions() -> dict[str, str]:
    """Versions of the installed packages that this run imported.

    `metadata.packages_distributions()` tells the same, but parses the path of every installed file: 0.4 s.
    """
    used, found = {module for module in sys.modules if "." not in module}, {}
    for package in metadata.distributions():
        declared = package.read_text("top_level.txt")
        names = declared.split() if declared else TOP_LEVEL.findall(package.read_text("RECORD") or "")
        if not used.isdisjoint(names):
            found[package.name] = package.version
    return dict(sorted(found.items()))
