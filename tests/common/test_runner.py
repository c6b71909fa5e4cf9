import ast
import hashlib
import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from common.runner import setting_comments
from tests.helpers import ROOT, assert_user_error

pytestmark = pytest.mark.slow
posix_only = pytest.mark.skipif(os.name == "nt", reason="Windows knows neither SIGINT from outside nor /dev/full")

SCRIPT = '''"""Step 7: count the letters of a text.

Reads   text.txt
Writes  outputs/count.csv
"""

import signal
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro
from tyro.conf import Positional

from common.errors import UserError
from common.files import write_text
from common.runner import Range, Report, run

What = Literal[
    "count", "folder", "faults", "nothing", "user", "missing", "bare", "bug", "wait", "warn", "names", "memory", "full",
    "odd",
]

# ---- settings: edit here ----
WHAT: Positional[What] = tyro.MISSING  # what to do
TEXT: Path = Path(__file__).parent / "text.txt"  # the text to count in, [UTF-8], 100 % of it
OUTPUT: Path = Path(__file__).parent / "outputs/count.csv"  # table of counts
SIZE_PX: Annotated[int, Range(1, 4096)] = 512  # side of the picture
SHARE: Annotated[float | None, Range(0, 1)] = 0.5  # None: all
CHARTS: bool = True  # False: none
PAIR: tuple[int, int] = (3, 4)  # two numbers
HOW: str = "well"

FIXED = 7  # no setting: it has no annotation


def main() -> Report | None:
    print(f"ran with {SIZE_PX!r} {SHARE!r} {CHARTS!r} {PAIR!r} {HOW!r}", flush=WHAT == "wait")
    if WHAT == "nothing":
        return None
    if WHAT == "user":
        raise UserError("text.txt: no letters; write some")
    if WHAT == "missing":
        open(Path(__file__).parent / "missing.txt")
    if WHAT == "bare":
        raise FileNotFoundError("the folder of models lacks model.bin")
    if WHAT == "bug":
        raise ZeroDivisionError("a bug")
    if WHAT == "warn":
        warnings.warn("wave.gif: an animation; its first frame is used", stacklevel=2)
        return None
    if WHAT == "names":
        name = "a\\x1b[31m\\u202eb\\udce9.png"
        print(name)
        warnings.warn(name + "\\nskipped: nothing", stacklevel=2)
        raise UserError(name + "\\nall is well " + "x" * 1_000_000)
    if WHAT == "full":
        with open(Path(tempfile.gettempdir()) / "full", "wb", buffering=0) as file:
            file.write(b"a")
    if WHAT == "odd":
        Path("/proc/self/mem").read_bytes()
    if WHAT == "memory":
        np.empty(1 << 55)
    if WHAT == "wait":
        time.sleep(60)
    if WHAT == "folder":
        OUTPUT.parent.mkdir()
        return Report(OUTPUT.parent)
    write_text(OUTPUT, "a,1")
    return Report(
        OUTPUT,
        [TEXT],
        {"letters": 3, "mean": float(np.mean([1, 2])), "name": "Júlia 🎸"},
        faults=2 if WHAT == "faults" else 0,
        device="CUDA",
        weights=["u2netp"],
    )


if __name__ == "__main__":
    # a shell may have started the tests with Ctrl-C switched off
    signal.signal(signal.SIGINT, signal.default_int_handler)
    run(main)
'''

Shell = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def script(tmp_path: Path) -> Path:
    folder = tmp_path / "parts – Júlia"
    folder.mkdir()
    (folder / "text.txt").write_bytes(b"abc")
    (folder / "7_Count.py").write_text(SCRIPT, encoding="utf-8")
    return folder / "7_Count.py"


@pytest.fixture
def shell(script: Path, tmp_path: Path) -> Shell:
    """Run the script from another folder."""

    def call(*flags: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(script), *flags],
            cwd=tmp_path,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )

    return call


# ---- flags, help and echo ----


def test_without_flags_the_settings_of_the_file_hold_and_nothing_is_echoed(shell: Shell) -> None:
    result = shell("nothing")
    assert (result.returncode, result.stdout) == (0, "ran with 512 0.5 True (3, 4) 'well'\n")
    assert result.stderr == ""


def test_every_setting_is_a_flag_and_each_change_is_echoed(shell: Shell) -> None:
    result = shell(
        "nothing", "--size-px", "64", "--share", "None", "--no-charts", "--pair", "5", "6", "--how", "Júlia 🎸"
    )
    assert result.returncode == 0, result.stderr
    *echo, ran = result.stdout.splitlines()
    assert ran == "ran with 64 None False (5, 6) 'Júlia 🎸'"
    assert len(echo) == 5
    for line, name, new, old in zip(
        echo,
        ("SIZE_PX", "SHARE", "CHARTS", "PAIR", "HOW"),
        ("64", "None", "False", "5, 6", "Júlia 🎸"),
        ("512", "0.5", "True", "3, 4", "well"),
        strict=True,
    ):
        assert f"{name} = {new}" in line and old in line


@pytest.mark.parametrize("flags", [("--what", "nothing"), ("--what=nothing",)])
def test_a_positional_setting_may_be_given_by_its_flag(shell: Shell, flags: tuple[str, ...]) -> None:
    result = shell("--size-px", "64", *flags)
    assert result.returncode == 0, result.stderr
    assert "ran with 64 " in result.stdout


def test_a_flag_that_repeats_the_setting_is_not_echoed(shell: Shell) -> None:
    assert shell("nothing", "--size-px", "512").stdout == "ran with 512 0.5 True (3, 4) 'well'\n"


def test_an_edit_of_the_file_is_the_new_default(shell: Shell, script: Path) -> None:
    script.write_text(SCRIPT.replace("= 512", "= 256"), encoding="utf-8")
    assert shell("nothing").stdout == "ran with 256 0.5 True (3, 4) 'well'\n"


@pytest.mark.parametrize(
    ("flag", "value", "message"),
    [
        ("--size-px", "0", "setting SIZE_PX is 0; it must be from 1 to 4096"),
        ("--size-px", "4097", "setting SIZE_PX is 4097; it must be from 1 to 4096"),
        ("--share", "-1", "setting SHARE is -1.0; it must be from 0 to 1"),
        ("--share", "nan", "setting SHARE is nan; it must be from 0 to 1"),
        ("--share", "inf", "setting SHARE is inf; it must be from 0 to 1"),
        ("--share", "1e300", "setting SHARE is 1e+300; it must be from 0 to 1"),
    ],
)
def test_a_number_outside_its_range_is_refused_before_any_work(
    shell: Shell, flag: str, value: str, message: str
) -> None:
    result = shell("nothing", flag, value)
    assert_user_error(result)
    assert result.stderr == f"7_Count.py: {message}\n"
    assert "ran with" not in result.stdout


def test_the_range_of_a_value_in_the_file_is_checked_too(shell: Shell, script: Path) -> None:
    script.write_text(SCRIPT.replace("= 512", "= 5000"), encoding="utf-8")
    assert_user_error(shell("nothing"), "setting SIZE_PX is 5000")


@pytest.mark.parametrize("value", ["0", "1", "None"])
def test_the_ends_of_a_range_and_none_are_allowed(shell: Shell, value: str) -> None:
    assert shell("nothing", "--share", value).returncode == 0


def test_help_shows_docstring_flags_comments_and_defaults(shell: Shell) -> None:
    result = shell("--help", COLUMNS="200", NO_COLOR="1")
    assert result.returncode == 0
    lines = result.stdout.splitlines()
    assert any("7_Count.py" in line for line in lines[:3])
    assert "Step 7: count the letters of a text." in lines
    assert "Reads   text.txt" in lines and "Writes  outputs/count.csv" in lines
    flags = " ".join(result.stdout.replace("│", " ").split())
    assert "--text PATH the text to count in, [UTF-8], 100 % of it (default:" in flags
    assert "--size-px INT side of the picture [1 to 4096] (default: 512)" in flags
    assert "--share {None}|FLOAT None: all [0 to 1] (default: 0.5)" in flags
    assert "--charts, --no-charts False: none" in flags
    assert "what to do (or --what) (required)" in flags
    assert "fixed" not in flags.lower()


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (["count", "--colour", "red"], "--colour"),
        (["count", "--size-px", "large"], "--size-px"),
        (["count", "--size-px", "1.5"], "--size-px"),
        (["count", "--size-px"], "--size-px"),
        (["count", "--fixed", "8"], "--fixed"),
        (["count", "--pair", "1"], "--pair"),
        (["count", "--charts", "perhaps"], "perhaps"),
        (["dance"], "dance"),
        (["count", "extra"], "extra"),
        ([], "what"),
    ],
)
def test_a_faulty_flag_ends_with_2_and_is_named_before_any_work(shell: Shell, flags: list[str], named: str) -> None:
    result = shell(*flags, COLUMNS="200")
    assert result.returncode == 2
    assert named.lower() in (result.stdout + result.stderr).lower()
    assert "ran with" not in result.stdout
    assert "Traceback" not in result.stderr


# ---- settings in worker processes ----

WORKERS = '''"""Step 8: report a setting from two worker processes."""

import multiprocessing
from pathlib import Path

from common.runner import run

# ---- settings: edit here ----
SIZE_PX: int = 512  # side of the picture


def work(file: Path, size_px: int) -> None:
    file.write_text(f"{__name__} received {size_px}, its constant is {SIZE_PX}")


def main() -> None:
    context = multiprocessing.get_context("spawn")
    files = [Path(__file__).with_name(name) for name in ("first.txt", "second.txt")]
    workers = [context.Process(target=work, kwargs={"file": file, "size_px": SIZE_PX}) for file in files]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


if __name__ == "__main__":
    run(main)
'''


def test_two_spawned_workers_receive_an_overridden_setting_by_keyword(tmp_path: Path) -> None:
    """Their own copy of the script has the value of the file, which is why nothing else would do."""
    (tmp_path / "8_Workers.py").write_text(WORKERS, encoding="utf-8")
    command = [sys.executable, str(tmp_path / "8_Workers.py"), "--size-px", "64"]
    subprocess.run(command, capture_output=True, check=True)
    reports = [(tmp_path / name).read_text() for name in ("first.txt", "second.txt")]
    assert reports == ["__mp_main__ received 64, its constant is 512"] * 2


# ---- the record ----


def record_of(script: Path) -> dict[str, Any]:
    return dict(json.loads((script.parent / "outputs/count.json").read_text(encoding="utf-8")))


def test_the_record_beside_the_result_holds_what_repeats_the_run(shell: Shell, script: Path) -> None:
    started = time.perf_counter()
    result = shell("count", "--size-px", "64")
    elapsed = time.perf_counter() - started
    assert result.returncode == 0, result.stderr
    record = record_of(script)
    assert record["script"] == "parts – Júlia/7_Count.py"
    text, output = script.parent / "text.txt", script.parent / "outputs/count.csv"
    assert record["settings"] == {
        "what": "count",
        "text": str(text),
        "output": str(output),
        "size_px": 64,
        "share": 0.5,
        "charts": True,
        "pair": [3, 4],
        "how": "well",
    }
    assert record["inputs"] == {str(text): hashlib.sha256(b"abc").hexdigest()}
    assert record["figures"] == {"letters": 3, "mean": 1.5, "name": "Júlia 🎸"}
    assert (record["skipped"], record["device"], record["weights"]) == (0, "CUDA", ["u2netp"])
    assert 0 <= record["seconds"] < elapsed
    versions = record["versions"]
    assert versions["python"] == platform.python_version()
    for package in ("numpy", "tyro"):
        assert versions[package] == metadata.version(package)
    assert "pandas" not in versions and "pytest" not in versions  # installed, but not used by this run


def test_the_end_says_device_weights_and_where_the_record_is(shell: Shell) -> None:
    lines = shell("count").stdout.splitlines()
    assert "CUDA" in lines[-2] and "u2netp" in lines[-2]
    assert str(Path("parts – Júlia/outputs/count.json")) in lines[-1]


def test_the_record_of_a_folder_lies_in_it(shell: Shell, script: Path) -> None:
    result = shell("folder")
    assert result.returncode == 0, result.stderr
    record = json.loads((script.parent / "outputs/run.json").read_text(encoding="utf-8"))
    assert record["weights"] == [] and "none" in result.stdout.splitlines()[-2]


def test_the_record_never_overwrites_the_result_itself(shell: Shell, script: Path) -> None:
    """Where the result is a .json file, the two need two names."""
    output = script.parent / "outputs/count.json"
    result = shell("count", "--output", str(output))
    assert result.returncode in (0, 2), result.stderr
    assert not output.exists() or output.read_text(encoding="utf-8") == "a,1"


def test_skipped_items_end_with_2_after_the_record_is_written(shell: Shell, script: Path) -> None:
    result = shell("faults")
    assert result.returncode == 2 and "Traceback" not in result.stderr
    assert record_of(script)["skipped"] == 2


def test_no_report_leaves_no_record(shell: Shell, script: Path) -> None:
    assert shell("nothing").returncode == 0
    assert not (script.parent / "outputs").exists()


# ---- how runs end ----


def test_a_user_error_is_one_line_on_stderr(shell: Shell, script: Path) -> None:
    result = shell("user")
    assert_user_error(result)
    assert result.stderr == "7_Count.py: text.txt: no letters; write some\n"
    assert not (script.parent / "outputs").exists()


def test_a_missing_file_is_named_in_one_line(shell: Shell) -> None:
    result = shell("missing")
    assert_user_error(result, "missing.txt", "No such file")
    assert len(result.stderr.splitlines()) == 1


def test_a_missing_input_of_the_record_is_named_in_one_line(shell: Shell) -> None:
    result = shell("count", "--text", "gone.txt")
    assert_user_error(result, "gone.txt")


def test_what_a_library_says_of_a_missing_file_is_not_lost(shell: Shell) -> None:
    """Some raise FileNotFoundError with a sentence, without a file name."""
    result = shell("bare")
    assert result.returncode in (1, 2)
    assert "the folder of models lacks model.bin" in result.stderr


def test_a_warning_is_one_line_that_begins_with_the_script(shell: Shell) -> None:
    result = shell("warn")
    assert result.returncode == 0
    assert result.stderr == "7_Count.py: wave.gif: an animation; its first frame is used\n"


def test_an_output_below_a_file_is_a_user_error(shell: Shell, script: Path) -> None:
    result = shell("count", "--output", str(script.parent / "text.txt" / "count.csv"))
    assert_user_error(result, "text.txt")


def test_a_bug_keeps_its_traceback(shell: Shell, script: Path) -> None:
    result = shell("bug")
    assert result.returncode == 1
    assert "Traceback" in result.stderr and "ZeroDivisionError: a bug" in result.stderr
    assert not (script.parent / "outputs").exists()


@posix_only
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_ends_with_the_shells_status_and_without_a_traceback(
    script: Path, number: signal.Signals, status: int
) -> None:
    command = [sys.executable, str(script), "wait"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and "ran with" in process.stdout.readline()
        process.send_signal(number)
        _, errors = process.communicate(timeout=10)
    assert process.returncode == status, errors
    assert "Traceback" not in errors
    assert "interrupted" in errors or number == signal.SIGTERM
    assert not (script.parent / "outputs").exists()


def test_a_script_that_a_notebook_starts_draws_without_its_backend() -> None:
    code = "import common, matplotlib.figure; print(matplotlib.figure.Figure())"
    environment = os.environ | {"MPLBACKEND": "module://a_package_of_the_notebook.inline"}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0 and "Figure(" in result.stdout, result.stderr


@posix_only
def test_an_interruption_before_the_run_is_one_line(script: Path) -> None:
    """While the script's own imports are on their way."""
    source = script.read_text(encoding="utf-8")
    pressed = "\nimport signal\nsignal.raise_signal(signal.SIGINT)\nTEXT: Path"
    script.write_text(source.replace("\nTEXT: Path", pressed), encoding="utf-8")
    result = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert result.stderr == "7_Count.py: interrupted\n"
    assert result.returncode == -signal.SIGINT, "which the shell calls 130"


@posix_only
@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "import resource; resource.setrlimit(resource.RLIMIT_AS, (700 << 20, -1))",
            "a process may use only 700 MB here",
        ),
        ("raise MemoryError", "not enough memory to load the packages"),
        (
            "raise ImportError('libx.so: failed to map segment from shared object')",
            "not enough memory to load the packages",
        ),
        ("import warnings; warnings.simplefilter('error'); warnings.warn('old\\nand grey')", "into an error: old\n"),
    ],
    ids=["address space", "memory", "library", "warning"],
)
def test_what_ends_a_script_while_it_imports_is_one_line(script: Path, line: str, message: str) -> None:
    source = script.read_text(encoding="utf-8")
    first, rest = (f"{line}\n", "") if "setrlimit" in line else ("", f"\n{line}\nTEXT: Path")
    script.write_text(first + source.replace("\nTEXT: Path", rest or "\nTEXT: Path"), encoding="utf-8")
    result = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert result.returncode == 2 and result.stderr.startswith("7_Count.py: "), result.stderr
    assert message in result.stderr and result.stderr.count("\n") == 1


@posix_only
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_goes_away_is_no_error_message(script: Path, unbuffered: str) -> None:
    """`python 7_Count.py nothing | true`, whether Python holds the lines back or not."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        result = subprocess.run(
            [sys.executable, str(script), "count"],
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
            check=False,
        )
    finally:
        os.close(writer)
    assert result.stderr == ""
    assert result.returncode in (0, 141)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_narrow_terminal_encoding_stops_nothing(shell: Shell, encoding: str) -> None:
    result = shell("nothing", "--how", "Júlia 🎸", PYTHONIOENCODING=encoding, PYTHONUTF8="1")
    assert result.returncode == 0, result.stderr
    assert "Júlia 🎸" in result.stdout


@posix_only
def test_a_name_that_is_no_text_can_still_be_echoed(shell: Shell) -> None:
    """File names on Linux are bytes; Python holds those that are not UTF-8 as lone surrogates."""
    result = shell("nothing", "--how", "caf\udce9")
    assert result.returncode == 0, result.stderr
    assert "setting: HOW = caf\\udce9" in result.stdout


def test_a_setting_is_echoed_without_what_controls_a_terminal(shell: Shell) -> None:
    result = shell("nothing", "--how", "a\x1b[2Jb\nc")
    assert result.returncode == 0 and "\x1b[2J" not in result.stdout
    assert "setting: HOW = a\\x1b[2Jb\\nc (in the file: well)" in result.stdout


def test_names_control_no_terminal_and_make_no_lines_of_their_own(shell: Shell) -> None:
    result = shell("names")
    name = r"a\x1b[31m\u202eb\udce9.png"
    assert name in result.stdout.splitlines()
    warning, error = result.stderr.splitlines()
    assert warning == rf"7_Count.py: {name}\nskipped: nothing"
    assert error.startswith(rf"7_Count.py: {name}\nall is well x") and len(error) < 1_100
    assert result.returncode == 2


def test_full_memory_is_called_so(shell: Shell) -> None:
    result = shell("memory")
    assert_user_error(result, "not enough memory")


def test_an_empty_path_is_not_the_current_folder(shell: Shell) -> None:
    assert_user_error(shell("nothing", "--text", ""), "setting TEXT is empty")


@posix_only
@pytest.mark.parametrize("closed", ["1", "2"])
def test_a_closed_stream_stops_nothing_and_no_message_reaches_a_file(script: Path, closed: str) -> None:
    command = f'"{sys.executable}" "{script}" count {closed}>&-'
    result = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert (script.parent / "outputs/count.csv").read_text(encoding="utf-8") == "a,1"
    assert json.loads((script.parent / "outputs/count.json").read_text(encoding="utf-8"))["skipped"] == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize("start", ["", "PYTHONUNBUFFERED=1 "])
def test_a_full_disk_behind_standard_output_is_one_line(script: Path, start: str) -> None:
    command = f'{start}"{sys.executable}" "{script}" count --size-px 64 > /dev/full'
    result = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert_user_error(result, "standard output: No space left")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_temporary_folder_is_not_called_standard_output(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "full").symlink_to("/dev/full")
    result = shell("full", TMPDIR=str(tmp_path))
    assert_user_error(result, f"No space left on device, in the temporary folder {tmp_path} it seems; set TMPDIR to")
    assert result.stderr.count("\n") == 1 and "standard output" not in result.stderr


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="the system has no /proc/self/mem")
def test_what_the_system_says_of_a_file_without_a_name_is_one_line(shell: Shell) -> None:
    result = shell("odd")
    assert_user_error(result)
    assert result.stderr == "7_Count.py: Input/output error\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize(("flags", "status"), [("count", 0), ("user", 2), ("--nonsense", 2), ("warn", 0)])
def test_a_full_disk_behind_standard_error_changes_no_exit_status(script: Path, flags: str, status: int) -> None:
    command = f'"{sys.executable}" "{script}" {flags} 2> /dev/full'
    result = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert result.returncode == status


@posix_only
def test_a_deleted_working_folder_stops_nothing(script: Path, tmp_path: Path) -> None:
    command = f'mkdir gone && cd gone && rmdir ../gone && "{sys.executable}" "{script}" count'
    result = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


# ---- the comments behind settings ----


def test_comments_belong_to_the_upper_case_assignment_at_the_margin_of_their_line() -> None:
    source = '''"""A "quoted" # no comment."""
# ---- settings ----
SIZE_PX = 3  # side; in px
NAME: str = "a # b"  # with a # inside
NO_COMMENT = 4
LONG = [
    1,
    2,
]  # after the bracket
lower = 5  # not a setting


def f() -> None:  # nothing
    INNER = 1  # not at the margin
'''
    assert setting_comments(source) == {
        "SIZE_PX": "side; in px",
        "NAME": "with a # inside",
        "LONG": "after the bracket",
    }


def test_a_comment_behind_a_decorator_is_not_the_setting_aboves() -> None:
    source = "SIZE_PX = 3  # side in px\n\n\n@cache  # noqa: B019\ndef f() -> None: ...\n"
    assert setting_comments(source) == {"SIZE_PX": "side in px"}


# ---- the real scripts ----

SCRIPTS = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("masks", "pet", "avatar", "carousel")
    for path in (ROOT / folder).glob("*.py")
    if "\n    run(main)" in path.read_text(encoding="utf-8")
)


def settings_of(tree: ast.Module) -> list[str]:
    """The annotated upper-case names of a script."""
    return [
        node.target.id
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id.isupper()
    ]


@pytest.mark.parametrize("name", SCRIPTS)
def test_help_of_every_script_tells_its_story_and_its_time(name: str, tmp_path: Path) -> None:
    """The time, which should stay under 1 s, is printed (pytest -s) and decides nothing."""
    command = [sys.executable, str(ROOT / name), "--help"]
    started = time.perf_counter()
    result = subprocess.run(
        command,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=os.environ | {"COLUMNS": "200"},
        check=False,
    )
    print(f"{name} --help: {time.perf_counter() - started:.2f} s")
    assert result.returncode == 0, result.stderr
    tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
    assert (ast.get_docstring(tree) or "-").splitlines()[0] in result.stdout
    for setting in settings_of(tree):
        assert f"--{setting.lower().replace('_', '-')}" in result.stdout
    assert list(tmp_path.iterdir()) == []
