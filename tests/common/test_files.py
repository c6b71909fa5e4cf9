import csv
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.errors import UserError
from common.files import (
    atomic_path,
    check_output,
    file_stem,
    link_file,
    of_inert,
    part_of,
    part_path,
    sha256_of,
    write_csv,
    write_text,
)
from tests.helpers import ROOT

posix_only = pytest.mark.skipif(os.name == "nt", reason="Windows has no file size limit, SIGKILL or flock")


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_block_that_ends_well_puts_the_file_in_place_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder" / "pets – Júlia 🎸.txt"
    with atomic_path(target) as part:
        assert part.parent == target.parent
        part.write_bytes(b"whole")
        assert not target.exists()
    assert target.read_bytes() == b"whole"
    assert names_in(target.parent) == [target.name]


@pytest.mark.parametrize("error", [RuntimeError("bug"), UserError("faulty row"), KeyboardInterrupt(), SystemExit(3)])
@pytest.mark.parametrize("before", [None, b"old"])
def test_an_error_in_the_middle_leaves_the_old_state_and_passes_on(
    tmp_path: Path, error: BaseException, before: bytes | None
) -> None:
    target = tmp_path / "table.csv"
    if before is not None:
        target.write_bytes(before)
    with pytest.raises(type(error)) as caught, atomic_path(target) as part:
        part.write_bytes(b"half")
        raise error
    assert caught.value is error
    assert names_in(tmp_path) == ([] if before is None else ["table.csv"])
    assert before is None or target.read_bytes() == before


def write_in_a_process(target: Path, text: str) -> "subprocess.CompletedProcess[bytes]":
    """`write_text` in a process that has not seen the folder yet."""
    code = "import sys\nfrom pathlib import Path\nfrom common.files import write_text\n"
    code += "write_text(Path(sys.argv[1]), sys.argv[2])"
    return subprocess.run([sys.executable, "-c", code, str(target), text], cwd=ROOT, check=True)


LONG = "é" * 125 + ".txt"  # 254 bytes, as long as disks allow


@pytest.mark.parametrize("name", ["table.csv", "a [b] {c}*.csv", ".hidden", "line\nend", LONG])
def test_what_a_killed_run_left_is_removed_by_the_next_that_writes_the_file(tmp_path: Path, name: str) -> None:
    target, others = tmp_path / name, ["table.csv.part", ".table.csv.part", f".x{part_path(tmp_path / name).name}"]
    others = [other for other in others if len(other.encode()) < 255]
    for leftover in (part_path(target), part_path(target), *(tmp_path / other for other in others)):
        leftover.write_bytes(b"left by a killed run")
    write_in_a_process(target, "whole")
    assert target.read_text() == "whole"
    assert names_in(tmp_path) == sorted([name, *others])


@given(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=240))
def test_temporary_names_are_hidden_differ_and_tell_whose_they_are(name: str) -> None:
    target = Path("folder") / f"x{name}"
    parts = [part_path(target).name for _ in range(2)]
    assert parts[0] != parts[1]
    for part in parts:
        assert part.startswith(".") and part.endswith(".part") and len(os.fsencode(part)) <= 255
        assert part_of(part) == target.name or len(os.fsencode(target.name)) > 240
    assert part_of(target.name) is None or target.name.startswith(".")


@posix_only
@pytest.mark.parametrize("kind", ["link", "hard link", "pipe", "link to nothing"])
def test_whatever_lies_at_a_temporary_name_is_never_written_to(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim, target = tmp_path / "victim.txt", tmp_path / "table.csv"
    victim.write_bytes(b"precious")
    write_text(target, "1")  # this process knows the folder from now on

    def occupy(part: Path) -> None:
        if kind == "pipe":
            os.mkfifo(part)
        elif kind == "hard link":
            part.hardlink_to(victim)
        else:
            part.symlink_to(victim if kind == "link" else tmp_path / "elsewhere.txt")

    occupy(part_path(target))
    write_in_a_process(target, "2")
    assert target.read_bytes() == b"2" and victim.read_bytes() == b"precious"
    assert names_in(tmp_path) == ["table.csv", "victim.txt"]
    chance = iter("0001")
    monkeypatch.setattr("secrets.token_hex", lambda count: next(chance) * 2 * count)  # somebody has foreseen it
    foreseen = part_path(target)
    occupy(foreseen)
    write_text(target, "3")
    assert target.read_bytes() == b"3" and victim.read_bytes() == b"precious"
    assert names_in(tmp_path) == [foreseen.name, "table.csv", "victim.txt"]


def test_letters_that_are_none_are_written_escaped(tmp_path: Path) -> None:
    write_text(tmp_path / "run.json", json.dumps({"photo": "caf\udce9.png"}, ensure_ascii=False))
    assert json.loads((tmp_path / "run.json").read_bytes()) == {"photo": "caf\udce9.png"}


@given(st.lists(st.text(), min_size=1), st.sampled_from("=+-@\t\r'"))
def test_a_table_holds_no_formula_and_all_its_texts(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], start: str
) -> None:
    path = tmp_path_factory.mktemp("table") / "table.csv"
    write_csv(path, [["name"], *([start + text] for text in texts), ["-1.5"], [-2]])
    with open(path, encoding="utf-8", newline="") as file:
        _, *cells, number, whole = [row[0] for row in csv.reader(file)]
    assert (number, whole) == ("-1.5", "-2")
    for cell, text in zip(cells, texts, strict=True):
        assert not cell.startswith(tuple("=+-@")) or is_number(cell)
        assert of_inert(cell) == (start + text).replace("\r", "\\r").encode("utf-8", "backslashreplace").decode()


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@posix_only
def test_a_killed_process_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "table.csv"
    target.write_bytes(b"old")
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom common.files import atomic_path\n"
        "with atomic_path(Path(sys.argv[1])) as part:\n"
        "    part.write_bytes(b'half')\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    result = subprocess.run([sys.executable, "-c", code, str(target)], cwd=ROOT, check=False)
    assert result.returncode < 0
    assert target.read_bytes() == b"old"


def test_a_target_that_is_a_folder_is_a_user_error(tmp_path: Path) -> None:
    target = tmp_path / "pets"
    target.mkdir()
    with pytest.raises(UserError, match="pets"), atomic_path(target):
        pytest.fail("hours of work would be lost")
    assert names_in(tmp_path) == ["pets"]


@pytest.mark.parametrize("below", ["table.csv", "deeper/table.csv", "much/deeper/table.csv"])
def test_a_file_where_a_folder_is_needed_is_a_user_error(tmp_path: Path, below: str) -> None:
    (tmp_path / "outputs").write_bytes(b"a file")
    with pytest.raises(UserError, match=r"table\.csv"):
        write_text(tmp_path / "outputs" / below, "text")
    assert (tmp_path / "outputs").read_bytes() == b"a file"


def test_a_name_too_long_for_the_disk_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="xxx"), atomic_path(tmp_path / ("x" * 300 + ".csv")):
        pytest.fail("hours of work would be lost")
    assert names_in(tmp_path) == []


@pytest.mark.skipif(os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="needs a user's rights")
def test_a_folder_without_write_permission_is_a_user_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(UserError, match=r"table\.csv"):
            write_text(tmp_path / "table.csv", "text")
    finally:
        tmp_path.chmod(0o700)


def test_a_missing_input_is_not_reported_as_a_fault_of_the_output(tmp_path: Path) -> None:
    """A file that is read inside the block, in another folder or in the same one, is named itself."""
    for source in (tmp_path / "in" / "users.csv", tmp_path / "users.csv"):
        with pytest.raises((OSError, UserError)) as caught, atomic_path(tmp_path / "table.csv") as part:
            part.write_bytes(source.read_bytes())
        assert "users.csv" in str(caught.value)
    assert names_in(tmp_path) == []


def test_a_block_that_writes_nothing_does_not_pass_for_a_result(tmp_path: Path) -> None:
    with pytest.raises((OSError, UserError)), atomic_path(tmp_path / "table.csv"):
        pass
    assert names_in(tmp_path) == []


HOLDER = """
import sys
from pathlib import Path
from common.files import atomic_path
with atomic_path(Path(sys.argv[1])) as part:
    part.write_bytes(b"of the first run")
    print("holds", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("name", ["table.csv", LONG])
def test_of_two_runs_that_write_one_file_at_once_both_end_and_leave_a_whole_one(tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    command = [sys.executable, "-c", HOLDER, str(target)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None and first.stdout.readline() == "holds\n"
        write_in_a_process(target, "of the second run")
        assert target.read_bytes() == b"of the second run"
        first.communicate("", timeout=10)
    assert first.returncode == 0
    assert target.read_bytes() == b"of the first run"
    assert names_in(tmp_path) == [name]


def test_many_runs_that_write_one_file_at_once_all_end_well(tmp_path: Path) -> None:
    code = "import sys\nfrom pathlib import Path\nfrom common.files import write_text\n"
    code += "for _ in range(300):\n    write_text(Path(sys.argv[1]), sys.argv[2] * 1000)"
    commands = [[sys.executable, "-c", code, str(tmp_path / "table.csv"), letter] for letter in "abcd"]
    runs = [subprocess.Popen(command, cwd=ROOT) for command in commands]
    assert [run.wait(timeout=60) for run in runs] == [0, 0, 0, 0]
    assert (tmp_path / "table.csv").read_text() in [letter * 1000 for letter in "abcd"]
    assert names_in(tmp_path) == ["table.csv"]


@posix_only
def test_what_a_run_left_that_was_killed_while_it_wrote_is_removed(tmp_path: Path) -> None:
    target = tmp_path / "table.csv"
    command = [sys.executable, "-c", HOLDER, str(target)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None and first.stdout.readline() == "holds\n"
        first.kill()
        first.wait(timeout=10)
    assert len(names_in(tmp_path)) == 1
    write_in_a_process(target, "of the next run")
    assert target.read_bytes() == b"of the next run"
    assert names_in(tmp_path) == ["table.csv"]


@posix_only
@pytest.mark.parametrize("before", [None, b"old"])
def test_a_full_disk_is_a_user_error_and_leaves_nothing_half_written(tmp_path: Path, before: bytes | None) -> None:
    target = tmp_path / "big.txt"
    if before is not None:
        target.write_bytes(before)
    code = (
        "import resource, sys\nfrom pathlib import Path\n"
        "from common.errors import UserError\nfrom common.files import write_text\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try:\n    write_text(Path(sys.argv[1]), 'x' * 100_000)\n"
        "except UserError as error:\n    print(error)\n    sys.exit(2)\n"
    )
    command = [sys.executable, "-c", code, str(target)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)
    assert result.returncode == 2, result.stderr
    assert "big.txt" in result.stdout and "too large" in result.stdout
    assert names_in(tmp_path) == ([] if before is None else ["big.txt"])
    assert before is None or target.read_bytes() == before


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_text_comes_back_byte_for_byte(tmp_path: Path, text: str) -> None:
    """Line ends too: nothing is translated on Windows."""
    write_text(tmp_path / "text.txt", text)
    assert (tmp_path / "text.txt").read_bytes() == text.encode("utf-8")


@pytest.mark.parametrize(
    ("content", "known"),
    [
        (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (b"a" * 1_000_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ],
)
def test_hashes_are_those_of_the_standard(tmp_path: Path, content: bytes, known: str) -> None:
    """FIPS 180-2, appendix B, and the empty message."""
    (tmp_path / "file").write_bytes(content)
    assert sha256_of(tmp_path / "file") == known == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("name", ["out.csv", "out.parquet", "OUT.CSV", "new folder/out.csv"])
def test_an_output_of_a_known_kind_passes(tmp_path: Path, name: str) -> None:
    (tmp_path / "in.csv").touch()
    check_output(tmp_path / name, (".csv", ".parquet"), [tmp_path / "in.csv", tmp_path / "missing.csv"])
    assert names_in(tmp_path) == ["in.csv"], "only looked at"


@pytest.mark.parametrize("name", ["out.txt", "out", "out.csv.gz", ".csv"])
def test_an_output_of_another_kind_is_refused_with_the_kinds_that_work(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError) as caught:
        check_output(tmp_path / name, (".csv", ".parquet"))
    for word in ("OUTPUT", str(tmp_path / name), ".csv", ".parquet"):
        assert word in str(caught.value)


def test_a_folder_is_no_output_file(tmp_path: Path) -> None:
    (tmp_path / "out.csv").mkdir()
    with pytest.raises(UserError, match="folder"):
        check_output(tmp_path / "out.csv", (".csv",))


@pytest.mark.parametrize("way", ["same", "by another path", "link", "hard link", "record"])
def test_an_output_that_would_replace_an_input_is_refused(tmp_path: Path, way: str) -> None:
    """However it is reached; the run's JSON, which lies beside the output, must not replace one either."""
    (tmp_path / "folder").mkdir()
    source = tmp_path / "users.csv"
    source.write_bytes(b"user,pop")
    output = tmp_path / "out.csv"
    if way == "same":
        output = source
    elif way == "by another path":
        output = tmp_path / "folder" / ".." / "users.csv"
    elif way == "hard link":
        os.link(source, output)
    elif way == "link":
        try:
            output.symlink_to(source)
        except OSError:
            pytest.skip("no right to make links")
    else:
        source = tmp_path / "out.json"
        source.write_bytes(b"{}")
    with pytest.raises(UserError) as caught:
        check_output(output, (".csv",), [tmp_path / "missing.csv", source])
    assert str(source) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("Júlia", "Júlia"),
        ("../../etc/passwd", "etc_passwd"),
        ("=1+2", "1_2"),
        ("🎸", "person"),
        ("", "person"),
        ("a" * 300, "a" * 60),
        ("con:aux", "con_aux"),
        ("run", "run_"),
        ("Con", "Con_"),
    ],
)
def test_file_names_are_harmless(name: str, stem: str) -> None:
    assert file_stem(name) == stem


# ---- links ----


def test_a_link_replaces_what_was_there_and_may_be_made_again(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "deep/target"
    source.write_text("one", encoding="utf-8")
    target.parent.mkdir()
    target.write_text("old", encoding="utf-8")
    for _ in range(2):
        link_file(target, source)
        assert target.samefile(source)
    assert [path.name for path in target.parent.iterdir()] == ["target"]
    with pytest.raises(FileNotFoundError):
        link_file(target, tmp_path / "nowhere")
    assert target.read_text(encoding="utf-8") == "one"


def test_where_the_disk_has_no_links_there_is_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(1, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "source").write_text("one", encoding="utf-8")
    link_file(tmp_path / "target", tmp_path / "source")
    assert (tmp_path / "target").read_text(encoding="utf-8") == "one"
    assert not (tmp_path / "target").samefile(tmp_path / "source")
