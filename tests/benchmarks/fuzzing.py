"""Spoils files of every kind that we read, for as long as asked; all that may come of it is a refusal in one line.

python -m tests.benchmarks.fuzzing --minutes 60

Hypothesis spoils sound files, and those of the collection of bad inputs: bytes change, vanish, move and repeat, and
numbers become extreme. A reader may read what is left or raise UserError. Anything else is a finding, reduced to the
smallest change: it is printed, the rest goes on, and the benchmark ends with exit status 1. A finding becomes a test.
"""

import argparse
import contextlib
import io
import json
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save

from avatar.person.features import read_features
from avatar.sdxl.lora_files import read_lora
from avatar.sdxl.picture_metadata import marked_png_bytes, read_provenance
from carousel.collages.archives import ArchiveLimits, PhotoSource, find_photos
from carousel.fusion import checkpoint_format as fusion_format
from common.errors import UserError
from common.images import png_bytes, read_image
from common.journals import JOURNAL, Results
from common.paths import CHECKPOINTS, DATA
from common.surveys.survey import open_survey
from masks.model import checkpoint_format as masks_format
from masks.sheets.layout_files import RECORD, read_layout, read_record
from tests.benchmarks.hardware import describe_machine
from tests.common.surveys.test_cases import READ
from tests.helpers import BAD_INPUTS

EXAMPLES = 200  # spoilt files of a reader before the next one's turn
LARGEST = 2_000_000  # bytes of a seed; larger ones would be most of the time
SLOW_S = 20.0  # a file that takes longer is a finding; a busy machine is given much room
EXTREMES = (
    b"\x00" * 4,
    b"\xff" * 4,
    b"\x7f\xff\xff\xff",
    b"-1",
    b"1e999",
    b"NaN",
    b"9" * 40,
    b"[" * 2_000,
    b"\x1b[31m",
)

FEATURES = {"name": "Ada", "photo": "", "taste": {"rock": 1.0}, "appearance": {"hair_colour": {"value": "grey"}}}
LAYOUT = {"frames": {"0": {"frame": {"x": 0, "y": 0, "w": 8, "h": 8}}}, "meta": {"size": {"w": 16, "h": 8}}}


@dataclass(frozen=True)
class Reader:
    """What reads one kind of file.

    Attributes:
        name: the kind.
        suffix: ending of the file's name.
        read: reads a file, or raises UserError.
        seeds: sound files.
    """

    name: str
    suffix: str
    read: Callable[[Path], object]
    seeds: list[bytes]


# ---- readers and their sound files ----


def readers(bad: dict[str, list[bytes]]) -> list[Reader]:
    """All readers, with the bad inputs of their suffixes among the seeds."""
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 32, 4), np.uint8))
    surveys = [(DATA / "pet/users.csv").read_bytes()[:4_000], *(text.encode() for text, _ in READ.values())]
    found = [
        Reader(f"picture {kind}", f".{kind.lower()}", read_image, [_encoded(noise, kind)])
        for kind in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
    ]
    found += [
        Reader("archive", ".zip", _read_archive, [_archive(noise)]),
        Reader("sheet JSON", ".json", lambda path: read_layout(path, (16, 8)), [_json(LAYOUT)]),
        Reader(
            "sheet record", ".json", _read_record, [_json({"scale": 1, "sheets": [{"name": "walk", "grid": None}]})]
        ),
        Reader("provenance", ".png", read_provenance, [marked_png_bytes(noise, {"seed": 1, "prompt": "a bear"})]),
        Reader("features", ".json", read_features, [_json(FEATURES)]),
        Reader("survey", ".csv", _read_survey, surveys),
        Reader("mask checkpoint", ".pth", _read_mask_checkpoint, [_checkpoint(masks_format)]),
        Reader("fusion checkpoint", ".pth", _read_fusion_checkpoint, [_checkpoint(fusion_format)]),
        Reader("LoRA", ".safetensors", read_lora, [_lora()]),
        Reader("journal", ".jsonl", _read_journal, [_journal()]),
    ]
    return [
        Reader(reader.name, reader.suffix, reader.read, reader.seeds + bad.get(reader.suffix, [])) for reader in found
    ]


def _encoded(picture: Image.Image, kind: str) -> bytes:
    content = io.BytesIO()
    picture.convert("RGB").save(content, kind)
    return content.getvalue()


def _archive(picture: Image.Image) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("one.png", "holidays/two.png"):
            archive.writestr(name, png_bytes(picture))
    return content.getvalue()


def _json(content: object) -> bytes:
    return json.dumps(content, indent=1).encode()


def _checkpoint(form: object) -> bytes:
    """A small checkpoint of this form, whose tensors fit no network: what is checked before is what counts here."""
    content = io.BytesIO()
    weights = {f"{n}.weight": torch.zeros(2, 2) for n in range(4)}
    plain = {"widths": [8, 12], "frames": ["a"], "network": {"encoder": "none", "shrink": 1}, "size_px": 64}
    torch.save({"format": form.FORMAT, "model": weights, "settings": {}, "figures": {}, **plain}, content)  # type: ignore[attr-defined]
    return content.getvalue()


def _lora() -> bytes:
    layer = "lora_unet_mid_block_attentions_0_proj_in"
    tensors = {f"{layer}.lora_{side}.weight": torch.ones(2, 2) for side in ("down", "up")}
    return save(tensors | {f"{layer}.alpha": torch.tensor(1.0)}, {"lora_adapter_metadata": '{"unet.r": 2}'})


def _results(folder: Path) -> Results:
    return Results(folder=folder, settings={"size": 8}, files=(r"pets/(.+)\.png",))


def _journal() -> bytes:
    lines = [
        {"settings": {"size": 8}},
        {"name": "ada"},
        {"name": "ada", "version": "1", "label": "Ada", "files": ["pets/ada.png"], "facts": {}, "fault": ""},
    ]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def _read_archive(path: Path) -> None:
    limits = ArchiveLimits()
    for found in find_photos([path], limits):
        if isinstance(found, PhotoSource):
            found.read()


def _read_record(path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / RECORD).write_bytes(path.read_bytes())
        read_record(Path(folder))


def _read_survey(path: Path) -> None:
    for _ in open_survey(path).batches():
        pass


def _read_mask_checkpoint(path: Path) -> None:
    masks_format.network_of(masks_format.read_checkpoint(path), path)


def _read_fusion_checkpoint(path: Path) -> None:
    fusion_format.held_out_share(path)
    fusion_format.network_of(fusion_format.read_checkpoint(path), path)


def _read_journal(path: Path) -> None:
    """A folder with this journal and one picture; nothing outside it may change."""
    with tempfile.TemporaryDirectory() as name:
        victim, folder = Path(name) / "victim.png", Path(name) / "out"
        victim.write_bytes(b"precious")
        (folder / "pets").mkdir(parents=True)
        (folder / "pets/ada.png").write_bytes(b"picture")
        (folder / JOURNAL).write_bytes(path.read_bytes())
        _results(folder).start_or_resume({"ada": "1", "bob": "1"})
        if victim.read_bytes() != b"precious":
            raise AssertionError("a file outside the folder changed")


# ---- spoiling ----


@st.composite
def spoilt(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """A file with one to four changes."""
    content = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(content)))
        length = draw(st.integers(0, 40))
        kind = draw(st.sampled_from(("change", "cut", "remove", "repeat", "extreme", "random")))
        if kind == "change" and place < len(content):
            content[place] = draw(st.integers(0, 255))
        elif kind == "cut":
            del content[place:]
        elif kind == "remove":
            del content[place : place + length]
        elif kind == "repeat":
            content[place:place] = content[place : place + length] * draw(st.integers(1, 50))
        elif kind == "extreme":
            extreme = draw(st.sampled_from(EXTREMES))
            content[place : place + len(extreme)] = extreme
        else:
            content[place:place] = draw(st.binary(max_size=40))
    return bytes(content)


def find_fault(reader: Reader, number: int, folder: Path) -> str:
    """The traceback of the smallest file on which a reader fails, of EXAMPLES new ones; empty where there is none."""
    path = folder / f"spoilt{reader.suffix}"

    @seed(number)
    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(spoilt(reader.seeds))
    def check(content: bytes) -> None:
        path.write_bytes(content)
        start = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with contextlib.suppress(UserError):
                reader.read(path)
        assert time.process_time() - start < SLOW_S, "too slow"

    try:
        check()
    except Exception:  # whatever a reader does not expect is what this looks for
        kept = Path(tempfile.gettempdir()) / f"relive-finding-{number}{reader.suffix}"
        kept.write_bytes(path.read_bytes())
        return f"{traceback.format_exc(limit=-4)}\nthe file: {kept}"
    return ""


def bad_inputs(folder: Path) -> dict[str, list[bytes]]:
    """The collection of bad inputs by suffix; empty where it is not there."""
    if not BAD_INPUTS.exists():
        return {}
    subprocess.run([sys.executable, str(BAD_INPUTS), str(folder)], check=True, stdout=subprocess.DEVNULL)
    found: dict[str, list[bytes]] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size <= LARGEST):
        found.setdefault(path.suffix.lower(), []).append(path.read_bytes())
    return found


def audit() -> Iterator[str]:
    """What pip-audit finds in the lock file; one line where it or its database is not to be had."""
    lock = CHECKPOINTS.parent / "requirements.lock"
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--disable-pip", "--format=json"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
        packages = json.loads(result.stdout)["dependencies"]
    except (KeyError, ValueError, subprocess.TimeoutExpired):
        packages = []
    audited = [package for package in packages if "vulns" in package]
    if not audited:
        yield "pip-audit: not done, as it or its database is not to be had"
        return
    for package in audited:
        for found in package["vulns"]:
            mended = ", ".join(found["fix_versions"]) or "no version"
            yield f"pip-audit: {package['name']} {package['version']}: {found['id']}, mended in {mended}"
    yield f"pip-audit: {len(audited)} of {len(packages)} packages of the lock audited"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=5.0)
    minutes = parser.parse_args().minutes
    print(describe_machine())
    findings: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as name:
        kinds = readers(bad_inputs(Path(name) / "bad"))
        end, number = time.monotonic() + 60 * minutes, 0
        while time.monotonic() < end:
            for reader in kinds:
                fault = find_fault(reader, number, Path(name))
                if fault and findings.setdefault(f"{reader.name}: {fault.splitlines()[-3]}", fault) is fault:
                    print(f"--- {reader.name}\n{fault}", flush=True)
            number += 1
    print(f"{number * EXAMPLES} spoilt files for each of {len(kinds)} readers: {len(findings)} findings")
    print("\n".join(audit()))
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
