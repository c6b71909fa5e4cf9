"""Hostile files of many kinds, each refused in one line, at once and without much memory: what is read back from output
folders, tables that claim to be huge, and weights whose tensors are none."""

import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from avatar.person.features import is_edited, read_features
from avatar.person.user_photos import photos_in
from carousel.collages.archives import ArchiveLimits, PhotoFault, find_photos
from carousel.fusion import checkpoint_format as fusion_format
from carousel.fusion.inference import load_model
from common.checkpoints import fault_of, load_plain, load_weights
from common.errors import UserError
from common.files import no_file, read_plain, sha256_of
from common.images import read_image
from common.journals import LOCK
from common.paths import CHECKPOINTS, DATA
from common.surveys.survey import open_survey
from common.surveys.workbooks import write_records
from masks.correction.session import CorrectionSession
from masks.cutouts.layer_files import EXPORTED, export_layers
from masks.cutouts.prediction_batch import check_signed
from masks.garments.garment_splitting import read_garments
from masks.sets.signatures import is_signed
from masks.sets.working_set import read_reviewed, read_unsureness
from masks.sheets.layered_sprites import LayeredSprite, NamedLayer
from tests.helpers import ROOT, load_main

PARTS = ("common", "masks", "pet", "avatar", "carousel")
SECONDS = 120  # a pipe that is waited for, and a file without end, take for ever
posix_only = pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes with names")


@pytest.fixture(autouse=True)
def _soon() -> Iterator[None]:
    if os.name == "nt":
        yield
        return
    before = signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def _too_long(*_: object) -> None:
    raise TimeoutError(f"longer than {SECONDS} s")


# ---- pipes and devices in place of files ----


def in_working_set(read: Callable[[Path], object], name: str) -> Callable[[Path], object]:
    def call(path: Path) -> object:
        target = path.parent / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, target)
        return read(path.parent)

    return call


READERS: dict[str, Callable[[Path], object]] = {
    "hash": sha256_of,
    "text": read_plain,
    "picture": read_image,
    "features": read_features,
    "signed mask": is_signed,
    "table": open_survey,
    "layers": lambda path: load_main("masks/1_split_spritesheet.py")(base=(path,), clothed=(path,)),
    "reviewed": in_working_set(read_reviewed, "masks_corrected/reviewed.json"),
    "unsureness": in_working_set(read_unsureness, "masks_initial/proposals.csv"),
    "journal": in_working_set(check_signed, ".journal.jsonl"),
    "checkpoint": fusion_format.read_checkpoint,
}
SUFFIXES = {"table": ".csv", "features": ".json", "layers": ".png", "picture": ".png"}


@posix_only
@pytest.mark.parametrize("kind", ["pipe", "endless"])
@pytest.mark.parametrize("name", READERS)
def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path, name: str, kind: str) -> None:
    path = tmp_path / f"odd{SUFFIXES.get(name, '')}"
    os.mkfifo(path) if kind == "pipe" else path.symlink_to("/dev/zero")
    with pytest.raises(UserError, match=r"not a|no such|no plain"):
        READERS[name](path)


@posix_only
def test_a_pipe_that_a_person_may_have_put_there_is_kept_and_stops_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "ada.json")
    assert is_edited(tmp_path / "ada.json")
    os.mkfifo(tmp_path / EXPORTED)
    assert export_layers(LayeredSprite([NamedLayer("body", [])], ()), tmp_path, ()) == {}


@posix_only
def test_archives_that_are_pipes_or_endless_are_skipped(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.zip")
    (tmp_path / "endless.zip").symlink_to("/dev/zero")
    found = list(find_photos([tmp_path], ArchiveLimits()))
    assert len(found) == 2 and all(isinstance(f, PhotoFault) and "not an archive" in f.reason for f in found)


@posix_only
def test_a_folder_and_a_pipe_among_photos_are_faults_and_the_rest_is_done(tmp_path: Path) -> None:
    shutil.copy(DATA / "carousel/people/person_01.png", tmp_path / "ada.png")
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    extract = load_main("avatar/FeatureExtractor.py")
    report = extract(photo=tmp_path, taste="rock=5", analyzer="self", output=tmp_path / "out", appearance=False)
    assert report.faults == 2 and (tmp_path / "out/ada.json").is_file()
    assert len(photos_in(tmp_path)) == 3


def test_why_there_is_no_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert no_file(tmp_path, "a table") == "is a folder, not a table"
    assert no_file(tmp_path / "nothing") == "no such file"
    assert no_file(tmp_path / "loop")


# ---- tables ----


def workbook(path: Path, rows: str, strings: str = "") -> Path:
    """The least that a reader takes for an Excel workbook."""
    kinds = "http://schemas.openxmlformats.org/package/2006"
    form = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    sheets = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{kinds}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
            f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{sheets}.sheet.main+xml"/>'
            f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{sheets}.worksheet+xml"/></Types>',
        )
        for name, kind, target in (
            ("", "officeDocument", "xl/workbook.xml"),
            ("xl/", "worksheet", "worksheets/sheet1.xml"),
        ):
            relation = f'<Relationship Id="r1" Type="{form}/{kind}" Target="{target}"/>'
            words = f'<Relationships xmlns="{kinds}/relationships">{relation}</Relationships>'
            archive.writestr(f"{name}_rels/{'workbook.xml' if name else ''}.rels", words)
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook {main} xmlns:r="{form}"><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>',
        )
        archive.writestr("xl/worksheets/sheet1.xml", f"<worksheet {main}><sheetData>{rows}</sheetData></worksheet>")
        archive.writestr("xl/more.xml", strings)
    return path


def text_row(number: int, *cells: str) -> str:
    inner = (f'<c r="{c}{number}" t="inlineStr"><is><t>{t}</t></is></c>' for c, t in zip("ABC", cells, strict=True))
    return f'<row r="{number}">{"".join(inner)}</row>'


ROWS = text_row(1, "name", "rock", "pop") + text_row(2, "Ada", "3", "1") + text_row(3, "Bob", "1", "4")


def test_a_workbook_is_read_and_huge_ones_are_refused_at_once(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    assert open_survey(workbook(tmp_path / "good.xlsx", ROWS)).rows == 2
    far = '<row r="1000000000000000"><c r="A1000000000000000"><v>1</v></c></row>'
    with pytest.raises(UserError, match="more than 1,048,576 rows"):
        open_survey(workbook(tmp_path / "far.xlsx", ROWS + far))
    with pytest.raises(UserError, match="a zip bomb"):
        open_survey(workbook(tmp_path / "bomb.xlsx", ROWS, "x" * 60_000_000))


def test_records_that_share_no_fields_are_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(json.dumps([{"name": f"p{n}", "rock": 3, f"f{n}": 1} for n in range(20_000)]))
    with pytest.raises(UserError, match="20,002 different fields, hardly any in common"):
        write_records(path, tmp_path / "t.csv")


def test_letters_that_are_none_are_written_out_in_records(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text('[{"name": "a\\ud800", "rock": 5, "pop": 1}, {"name": "b", "rock": 1, "pop": 2}]')
    ids = [name for batch, _ in open_survey(path).batches() for name in batch.to_pylist()]
    assert ids == ["a\\ud800", "b"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_tables_whose_names_are_not_utf_8_are_read_and_written(tmp_path: Path, suffix: str) -> None:
    users, output = (tmp_path / os.fsdecode(name) for name in (b"caf\xe9.csv", b"caf\xe9s"))
    users.write_text("name,rock,pop\nAda,5,1\nBob,1,5\n")
    choose, draw = load_main("pet/1_TopN.py"), load_main("pet/1.5_Plot_Pet.py")
    choose(users=users, output=output / f"choices{suffix}")
    draw(choices=output / f"choices{suffix}", output=output / "pets", size_px=64, charts=False, workers=1)
    assert len(list((output / "pets/pets").glob("*.png"))) == 2


# ---- folders ----


def test_the_folder_of_the_photos_is_no_output(tmp_path: Path) -> None:
    shutil.copy(DATA / "carousel/people/person_01.png", tmp_path / "ada.png")
    runs: dict[str, dict[str, Any]] = {
        "avatar/FeatureExtractor.py": {"photo": tmp_path, "taste": "rock=5", "analyzer": "self"},
        "carousel/Collage_segmentation.py": {"photos": (tmp_path,)},
    }
    for script, settings in runs.items():
        with pytest.raises(UserError, match="the folder of the photos"):
            load_main(script)(output=tmp_path / ".", **settings)
    assert [path.name for path in tmp_path.iterdir()] == ["ada.png"]


# ---- weights ----


TENSORS: dict[str, tuple[Callable[[], Any], str]] = {
    "one value for 10^12": (lambda: torch.zeros(1).expand(10**6, 10**6), "fewer values than its size says"),
    "on no device": (lambda: torch.zeros(2, device="meta"), "fewer values"),
    "sparse": (lambda: torch.eye(2).to_sparse(), "type"),
    "float8": (lambda: torch.zeros(2).to(torch.float8_e4m3fn), "type"),
    "complex": (lambda: torch.zeros(2, dtype=torch.complex64), "type"),
    "bytes": (lambda: torch.zeros(2, dtype=torch.int8), "type"),
    "NaN": (lambda: torch.tensor([0, torch.nan]), "no numbers"),
    "a list": (lambda: [1.0], "no tensor"),
}


@pytest.mark.filterwarnings("ignore:Validating sparse")
@pytest.mark.parametrize("name", TENSORS)
def test_tensors_that_are_none_are_named(tmp_path: Path, name: str) -> None:
    make, fault = TENSORS[name]
    torch.save({"a": make(), "sound": torch.ones(3)[::2]}, tmp_path / "w.pth")
    content = torch.load(tmp_path / "w.pth", weights_only=True)
    assert fault in fault_of(content["a"]) and not fault_of(content["sound"])


def test_whole_numbers_are_no_weights() -> None:
    layer = torch.nn.Linear(2, 2)
    with pytest.raises(RuntimeError, match="types"):
        load_weights(lambda: torch.nn.Linear(2, 2), {name: t.to(torch.int64) for name, t in layer.state_dict().items()})


def test_packed_checkpoints_are_refused_before_they_are_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\0" * 20_000_000)
    with pytest.raises(Exception, match="more bytes than the file has"):
        load_plain(path)


@pytest.mark.parametrize(("value", "refused"), [(1e30, True), (0.0, False)])
def test_a_fusion_model_that_gives_nonsense_is_refused_and_one_that_does_nothing_is_said(
    tmp_path: Path, value: float, refused: bool
) -> None:
    content = fusion_format.read_checkpoint(CHECKPOINTS / "carousel/fusion_model.pth")
    model = {n: torch.full_like(t.float(), value) if t.is_floating_point() else t for n, t in content["model"].items()}
    torch.save(content | {"model": model}, tmp_path / "w.pth")
    if refused:
        with pytest.raises(UserError, match="values that are no numbers"):
            load_model(tmp_path / "w.pth")
    else:
        with pytest.warns(UserWarning, match="changes no colours"):
            load_model(tmp_path / "w.pth")


# ---- values that are no numbers in what is read back ----


@pytest.mark.parametrize(
    "damage",
    [
        *({"lab": [[1, 2, number]]} for number in (float("nan"), float("inf"), -float("inf"), 1e300, 10**400)),
        {"top": -1e300},
        {"bottom": 10**400},
        {"name": "a\ud800"},
        {"name": "a\0"},
        {"name": "a" * 300},
    ],
    ids=lambda damage: repr(damage)[:30],
)
def test_garments_with_hostile_values_are_damaged(tmp_path: Path, damage: dict[str, Any]) -> None:
    values = {"name": "shirt", "lab": [[1, 2, 3]], "top": 0, "bottom": 1} | damage
    garment = {"name": values.pop("name"), "left out": False, "parts": [values]}
    path = tmp_path / "garments.json"
    path.write_text(json.dumps({"garments": [garment]}))
    with pytest.raises(UserError, match="damaged"):
        read_garments(path)


@posix_only
def test_the_lock_of_a_training_folder_may_be_a_pipe(tmp_path: Path) -> None:
    frames = DATA / "masks/frames_backup_walk_east_smooth"
    shutil.copytree(frames, tmp_path / "frames")
    os.mkfifo(tmp_path / LOCK)
    session = CorrectionSession(tmp_path)
    with pytest.raises(UserError, match="open in another window"):
        CorrectionSession(tmp_path)
    session.close()


# ---- what leaves the machine ----


def test_onnx_runtime_reports_to_nobody_and_numbers_no_machine(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / ".cache")}
    code = "import carousel.collages.inpainting, onnxruntime"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)
    assert not list(tmp_path.rglob("*onnxruntime*"))


def test_whatever_uses_onnx_runtime_imports_common_first() -> None:
    for path in (path for part in PARTS for path in (ROOT / part).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert "import onnxruntime" not in text or text.index("from common") < text.index("import onnxruntime"), path
