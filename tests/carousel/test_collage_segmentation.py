"""Collage_segmentation.py as a user runs it: panels, names, what is skipped, resumed, made anew, killed."""

import contextlib
import csv
import io
import json
import re
import signal
import subprocess
import sys
import time
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from carousel.Collage_segmentation import main
from carousel.collages import photo_to_collages
from carousel.collages.inpainting import load_lama
from carousel.collages.layout import Collage, read_collage, read_index
from carousel.collages.photo_to_collages import (
    HOLE_RIM,
    CollageSettings,
    collage_name,
    panel_mask,
    person_collage,
    resize,
)
from common.errors import UserError
from common.journals import JOURNAL, LOCK
from common.people.selection import SegmentedPerson, SelectionRules, person_of
from common.runner import Report
from tests.helpers import ROOT, assert_user_error, run_script, with_settings

pytestmark = pytest.mark.slow
STEP = "carousel/Collage_segmentation.py"
SIZE = (220, 180)  # height, width of the drawn photos
RULES = SelectionRules()


def draw_photo(seed: int, people: int = 1) -> tuple[np.ndarray, list[np.ndarray]]:
    """Layers of colour with standing ovals of another colour, and their masks."""
    rng = np.random.default_rng(seed)
    layers = rng.integers(30, 220, (6, 1, 3), dtype=np.uint8)
    photo = cv2.resize(layers, SIZE[::-1], interpolation=cv2.INTER_CUBIC)
    photo = np.clip(photo.astype(int) + rng.integers(-6, 7, photo.shape), 0, 255).astype(np.uint8)
    masks = []
    for number in range(people):
        mask = np.zeros(SIZE, np.uint8)
        centre = (round(SIZE[1] * (number + 0.5) / people), 115 + 5 * (seed % 3))
        cv2.ellipse(mask, centre, (SIZE[1] // (3 * people), 75), 0, 0, 360, 1, -1)
        photo[mask > 0] = rng.integers(0, 256, 3)
        masks.append(mask > 0)
    return photo, masks


def png(pixels: np.ndarray, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", **options)
    return buffer.getvalue()


def write_photo(folder: Path, name: str, seed: int, people: int = 1) -> None:
    """A photo in photos/ and its masks in masks/."""
    photo, masks = draw_photo(seed, people)
    for path, data in [
        (folder / "photos" / f"{name}.png", photo),
        *(
            (folder / "masks" / (f"{name}.png" if people == 1 else f"{name}_person{n}.png"), mask * np.uint8(255))
            for n, mask in enumerate(masks, start=1)
        ),
    ]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(data))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three photos, of one, one and two people, in a folder with a space and an accent."""
    where = tmp_path / "mis imágenes"
    for seed in range(3):
        write_photo(where, f"p{seed}", seed, people=1 + seed // 2)
    return where


def make(folder: Path, **settings: Any) -> Report:
    given: dict[str, Any] = {"photos": (folder / "photos",), "output": folder / "out", "masks": folder / "masks"}
    quick: dict[str, Any] = {"segmenter": "files", "panel_px": 128, "workers": 1, "inpainter": "rows"}
    return with_settings(main)(**{**given, **quick, **settings})


def flags(folder: Path, **settings: object) -> list[object]:
    given = {"photos": folder / "photos", "output": folder / "out", "masks": folder / "masks"} | settings
    quick = ["--segmenter", "files", "--panel-px", 128, "--inpainter", "rows"]
    return [*quick, *(x for k, v in given.items() for x in (f"--{k}", v))]


def files_of(folder: Path) -> dict[str, bytes]:
    """The collages and the index."""
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir()) if re.search(r"_\d+\.png$|index\.csv$", p.name)}


def table(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# ---- what comes out ----


def test_a_run_from_a_zip_and_a_folder(folder: Path) -> None:
    with zipfile.ZipFile(folder / "album.zip", "w") as archive:
        for name in ("a/p0.png", "b/p0.png", "b/P0.png"):
            archive.write(folder / "photos/p0.png", name)
        archive.writestr("readme.txt", "hello")
    (folder / "masks/P0.png").write_bytes((folder / "masks/p0.png").read_bytes())
    out = folder / "out"
    command = flags(folder)
    command.insert(command.index(folder / "photos"), folder / "album.zip")
    result = run_script(STEP, *command, cwd=folder)
    assert result.returncode == 0, result.stderr
    assert "collages in out: 7 made now, 0 were up to date" in result.stdout
    assert re.search(r"^photos +6$", result.stdout, re.MULTILINE)
    assert re.search(r"^collages +7$", result.stdout, re.MULTILINE)
    assert "device: CPU (segmenter files), weights: none" in result.stdout
    entries = read_index(out)
    assert len(entries) == 7 and {entry.collage for entry in entries} == files_of(out).keys() - {"index.csv"}
    assert [entry.source for entry in entries] == [
        *(f"album.zip/{name}" for name in ("a/p0.png", "b/P0.png", "b/p0.png")),
        *(f"photos/p{n}.png" for n in (0, 1, 2, 2)),
    ]
    assert {entry.segmenter for entry in entries} == {"files"}
    copies = [entry.scene for entry in entries if entry.source.lower().endswith("p0.png")]
    assert len(set(copies)) == 1, "copies of a photo are one scene"
    assert len({entry.scene for entry in entries}) == 3
    for entry in entries:
        collage = read_collage(out / entry.collage)
        assert collage.truth.shape == (128, 128, 3)
    with Image.open(out / "contact_sheet.png") as sheet:
        assert sheet.mode == "RGB" and sheet.width > 1000
        assert len(sheet.resize((64, 64)).getcolors(1 << 20) or []) > 50
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert record["figures"]["collages"] == 7 and record["skipped"] == 0
    assert not (out / "faults.csv").exists() and not (out / "dropped.csv").exists()
    assert not list(folder.rglob("*.part"))


def test_help_comes_without_torch() -> None:
    command = [sys.executable, "-X", "importtime", str(ROOT / STEP), "--help"]
    result = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60, check=True)
    assert "--photos" in result.stdout and "side of each of the four panels" in result.stdout
    assert "tyro" in result.stderr and "torch" not in result.stderr


def test_the_panels_are_the_photo_around_the_person(folder: Path) -> None:
    make(folder)
    rim = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, [2 * round(HOLE_RIM * 128) + 1] * 2)
    for entry in read_index(folder / "out"):
        photo, masks = draw_photo(int(entry.source[-5]), 2 if entry.source.endswith("p2.png") else 1)
        left, top, right, bottom = entry.window
        assert right - left == min(SIZE[1], bottom - top) and bottom <= SIZE[0] and right <= SIZE[1]
        collage = read_collage(folder / "out" / entry.collage)
        assert (collage.truth == resize(photo[top:bottom, left:right], 128)).all()
        assert (collage.avatar == collage.truth * (collage.mask[..., None] > 0)).all()
        hole = cv2.dilate(collage.mask, rim) > 0
        assert (collage.background[~hole] == collage.truth[~hole]).all()
        assert np.abs(collage.background.astype(int) - collage.truth)[collage.mask > 0].mean() > 20, "removed"
        mask = max(
            (resize(m[top:bottom, left:right].astype(np.float32), 128) >= 0.5 for m in masks),
            key=lambda m: np.count_nonzero(m & (collage.mask > 0)),
        )
        assert np.count_nonzero(mask ^ (collage.mask > 0)) < 0.1 * np.count_nonzero(mask)


@pytest.mark.parametrize("panel_px", [64, 100, 300])
def test_panels_of_other_sizes(panel_px: int, folder: Path) -> None:
    make(folder, panel_px=panel_px)
    with Image.open(folder / "out" / read_index(folder / "out")[0].collage) as image:
        assert image.size == (4 * panel_px, panel_px) and image.mode == "RGB"


def test_two_workers_give_what_one_gives(folder: Path) -> None:
    make(folder)
    make(folder, output=folder / "two", workers=2)
    assert files_of(folder / "two") == files_of(folder / "out")


def test_what_a_camera_wrote_never_reaches_the_output(folder: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "SECRET-CAMERA"
    exif.get_ifd(0x8825)[1] = "SECRET-PLACE"
    photo, _ = draw_photo(0)
    (folder / "photos/p0.png").write_bytes(png(photo, exif=exif))
    make(folder)
    assert b"SECRET-CAMERA" in (folder / "photos/p0.png").read_bytes()
    for path in (folder / "out").iterdir():
        assert b"SECRET" not in path.read_bytes(), path


def test_forty_people_in_one_photo(folder: Path) -> None:
    photo = np.full((600, 900, 3), 200, np.uint8)
    for number in range(40):
        mask = np.zeros(photo.shape[:2], np.uint8)
        cv2.ellipse(mask, (60 + 86 * (number % 10), 80 + 146 * (number // 10)), (25, 60), 0, 0, 360, 255, -1)
        photo[mask > 0] = (6 * number, 90, 30)
        (folder / "masks" / f"crowd_person{number + 1}.png").write_bytes(png(mask))
    (folder / "photos/crowd.png").write_bytes(png(photo))
    report = make(folder, photos=(folder / "photos/crowd.png",))
    assert report.figures["collages"] == 40 and len(read_index(folder / "out")) == 40


def test_scenes_can_be_folders(folder: Path) -> None:
    make(folder, scenes="folder")
    assert {entry.scene for entry in read_index(folder / "out")} == {"photos"}


# ---- names, windows, masks ----


@given(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=80))
def test_names_hold_nothing_that_a_disk_could_misread(name: str) -> None:
    made = collage_name(f"album.zip/{name}.jpg", Path(f"{name}.jpg"))
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,40}-[0-9a-f]{12}", made)
    assert made != collage_name(f"album.zip/f/{name}.jpg", Path(f"f/{name}.jpg"))


def test_resizing_averages_blocks_and_each_direction_goes_its_own_way() -> None:
    picture = np.random.default_rng(0).random((128, 192)).astype(np.float32)
    naive = picture.reshape(64, 2, 64, 3).mean(axis=(1, 3))
    assert np.allclose(resize(picture, 64), naive, atol=1e-6)
    wide = np.repeat(picture[:32, :1], 192, axis=1)
    assert np.allclose(resize(wide, 64), cv2.resize(wide[:, :64], (64, 64), interpolation=cv2.INTER_CUBIC), atol=1e-5)


@given(st.integers(0, 10_000), st.sampled_from([64, 100]))
def test_a_mask_is_black_and_white_at_any_size(seed: int, panel_px: int) -> None:
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(20, 300, 2))
    person = cv2.resize((rng.random((4, 4)) < 0.5).astype(np.uint8), shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    mask = panel_mask(rng.integers(0, 256, (*shape, 3), np.uint8), person, panel_px, refine=True)
    assert mask.shape == (panel_px, panel_px) and set(np.unique(mask)) <= {0, 255}


def test_a_huge_photo_is_refined_at_a_bounded_size() -> None:
    photo = np.zeros((2600, 2000, 3), np.uint8)
    person = np.zeros(photo.shape[:2], bool)
    person[300:2300, 700:1300] = True
    photo[person] = 200
    mask = panel_mask(photo, person, 64, refine=True)
    exact = resize(person.astype(np.float32), 64) >= 0.5
    assert np.count_nonzero((mask > 0) ^ exact) < 0.02 * np.count_nonzero(exact)


def collage_of(person: SegmentedPerson, photo: np.ndarray, **settings: Any) -> Collage | str:
    return person_collage(photo, person, None, CollageSettings(output=Path(), segmenter="files", **settings))[1]


def test_people_who_cannot_fill_a_panel_have_a_reason() -> None:
    photo, (mask,) = draw_photo(0)
    person = person_of(mask, 0.9)
    assert str(collage_of(person, photo, panel_px=512)).startswith("too small: the window of 180 x")
    everything = person_of(np.ones(SIZE, bool), 0.9)
    assert str(collage_of(everything, photo, panel_px=64)).startswith("no background")
    dot = np.zeros(SIZE, bool)
    dot[50, 60], dot[150, 60] = True, True
    assert str(collage_of(person_of(dot, 0.9), photo, panel_px=64)).startswith("no mask left")


# ---- people, by a segmenter of the test's own ----


class Finder:
    """Finds what a function says; the rest is the real thing."""

    name, device, weights = "finder", "nothing", ["none.pth"]

    def __init__(self, find: Callable[[np.ndarray], list[SegmentedPerson]]):
        self.find = find

    def find_people(self, photo: np.ndarray, source: Path | None = None) -> list[SegmentedPerson]:
        return self.find(photo)


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[np.ndarray], list[SegmentedPerson]]], None]:
    def install(find: Callable[[np.ndarray], list[SegmentedPerson]]) -> None:
        monkeypatch.setattr(photo_to_collages, "load_segmenter", lambda name, masks, weights: Finder(find))

    return install


def test_a_photo_without_a_person_is_no_fault(folder: Path, use: Any) -> None:
    empty = draw_photo(1)[0]
    use(lambda photo: [] if (photo == empty).all() else [person_of(draw_photo(0)[1][0], 0.8)])
    report = make(folder, segmenter="embedded", masks=None)
    assert report.faults == 0 and report.figures["dropped: no person found"] == 1 and report.figures["collages"] == 2
    assert table(folder / "out/dropped.csv") == [{"source": "photos/p1.png", "reason": "no person found"}]
    assert report.device.startswith("nothing") and report.weights == ["none.pth"]


@pytest.mark.parametrize(
    ("setting", "value", "reason"),
    [
        ("min_height_px", 200, "too small: 150 px high"),
        ("min_share", 0.5, "too small: 27 % of the photo"),
        ("max_cut", 0.1, "cut by the left edge"),
        ("max_overlap", 0.1, "overlapping: others cover 50 % of the box"),
    ],
)
def test_each_setting_reaches_its_own_rule(folder: Path, use: Any, setting: str, value: float, reason: str) -> None:
    """Two people, one of them cut by the left edge, half covered by the other; one rule at a time."""
    first, second = np.zeros(SIZE, bool), np.zeros(SIZE, bool)
    first[40:190, :72], second[115:190, :72] = True, True
    use(lambda photo: [person_of(first, 0.9), person_of(second, 0.8)])
    off: dict[str, Any] = {"min_height_px": 0, "min_share": 0.0, "max_cut": 1.0, "max_overlap": 1.0}
    photos = (folder / "photos/p0.png",)
    with_rule = off | {setting: value}
    make(folder, photos=photos, segmenter="embedded", masks=None, output=folder / "all", **off)
    assert not (folder / "all/dropped.csv").exists()
    with contextlib.suppress(UserError):  # nobody is left
        make(folder, photos=photos, segmenter="embedded", masks=None, **with_rule)
    assert reason in (folder / "out/dropped.csv").read_text(encoding="utf-8")


def test_the_rules_drop_people_and_say_why(folder: Path, use: Any) -> None:
    tiny, cut = np.zeros(SIZE, bool), np.zeros(SIZE, bool)
    tiny[20:40, 20:30] = True
    cut[60:200, :40] = True
    use(lambda photo: [person_of(mask, 0.9) for mask in (tiny, cut, draw_photo(0, 2)[1][1])])
    report = make(folder, segmenter="embedded", masks=None)
    assert report.faults == 0 and report.figures["collages"] == 3
    assert report.figures["dropped: too small"] == 3 and report.figures["dropped: cut by the left edge"] == 3
    rows = table(folder / "out/dropped.csv")
    assert len(rows) == 6 and rows[0]["source"] == "photos/p0.png" and rows[1]["reason"].startswith("too small")


def test_one_of_several_people_is_picked(folder: Path, use: Any) -> None:
    large, small = np.zeros(SIZE, bool), np.zeros(SIZE, bool)
    large[40:190, 60:120], small[60:180, 130:145] = True, True
    use(lambda photo: [person_of(small, 0.9), person_of(large, 0.8)])
    photos = (folder / "photos/p0.png",)
    for number, (pick, point, wanted) in enumerate([("largest", (1, 0), 60), ("nearest", (1, 0), 130)]):
        output = folder / str(number)
        make(folder, photos=photos, segmenter="embedded", masks=None, output=output, pick=pick, pick_point=point)
        assert [entry.box[0] for entry in read_index(output)] == [wanted]
        assert table(output / "dropped.csv")[0]["reason"] == f"not the {pick} person (setting PICK)"


def test_nobody_anywhere_ends_with_a_message(folder: Path, use: Any) -> None:
    use(lambda photo: [])
    with pytest.raises(UserError, match="no collages: photos 3, collages 0, dropped: no person found 3"):
        make(folder, segmenter="embedded", masks=None)


def test_people_too_small_for_the_panel_end_with_a_message_and_a_list(folder: Path) -> None:
    with pytest.raises(UserError, match=r"no collages: .*dropped: too small 4"):
        make(folder, panel_px=512)
    assert len(table(folder / "out/dropped.csv")) == 4


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")])
def test_a_photo_that_memory_does_not_hold_is_a_fault_with_a_remedy(folder: Path, use: Any, error: Exception) -> None:
    large = draw_photo(1)[0]

    def find(photo: np.ndarray) -> list[SegmentedPerson]:
        if (photo == large).all():
            raise error
        return [person_of(draw_photo(0)[1][0], 0.8)]

    use(find)
    report = make(folder, segmenter="embedded", masks=None)
    assert report.faults == 1 and report.figures["collages"] == 2
    assert "not enough memory; make the photo smaller" in table(folder / "out/faults.csv")[0]["fault"]


def test_a_bug_keeps_its_traceback(folder: Path, use: Any) -> None:
    def find(photo: np.ndarray) -> list[SegmentedPerson]:
        raise RuntimeError("a bug")

    use(find)
    with pytest.raises(RuntimeError, match="a bug"):
        make(folder, segmenter="embedded", masks=None)


# ---- clean plates ----


def test_a_clean_plate_is_the_background(folder: Path) -> None:
    plates = folder / "plates"
    plates.mkdir()
    clean = {f"p{seed}": np.full((*SIZE, 3), 60 * seed + 20, np.uint8) for seed in range(3)}
    for name, pixels in clean.items():
        (plates / f"{name}.png").write_bytes(png(pixels))
    assert make(folder, plates=plates).faults == 0
    for entry in read_index(folder / "out"):
        assert (read_collage(folder / "out" / entry.collage).background == clean[entry.source[-6:-4]][0, 0]).all()


def test_a_plate_that_is_missing_or_of_another_size_is_a_fault(folder: Path) -> None:
    plates = folder / "plates"
    plates.mkdir()
    (plates / "p0.png").write_bytes(png(np.zeros((SIZE[0], SIZE[1] + 1, 3), np.uint8)))
    (plates / "p1.png").write_bytes(png(np.zeros((*SIZE, 3), np.uint8)))
    report = make(folder, plates=plates)
    assert report.faults == 2 and report.figures["collages"] == 1
    faults = {row["file"]: row["fault"] for row in table(folder / "out/faults.csv")}
    assert "has 181 x 220 px, the photo 180 x 220" in faults["photos/p0.png"]
    assert "no clean plate" in faults["photos/p2.png"]


# ---- what is kept, and what is made anew ----


def test_a_second_run_makes_only_what_changed(folder: Path) -> None:
    out = folder / "out"
    assert make(folder).figures["collages made now"] == 4
    before = files_of(out)
    assert make(folder).figures["collages made now"] == 0
    assert files_of(out) == before
    write_photo(folder, "p1", 8)
    entries = {entry.source: entry.collage for entry in read_index(out)}
    (out / entries["photos/p0.png"]).unlink()
    write_photo(folder, "p4", 4)
    assert make(folder).figures["collages made now"] == 3
    after = files_of(out)
    assert {name for name in before if after[name] != before[name]} == {entries["photos/p1.png"], "index.csv"}
    assert len(after) == 6


def test_a_mask_or_plate_that_changed_makes_its_collage_anew(folder: Path) -> None:
    make(folder)
    (folder / "masks/p0.png").write_bytes(png(draw_photo(1)[1][0] * np.uint8(255)))
    assert make(folder).figures["collages made now"] == 1


def test_collages_of_photos_that_are_gone_go_too(folder: Path) -> None:
    make(folder)
    (folder / "photos/p2.png").unlink()
    report = make(folder)
    assert report.figures["collages"] == 2 and report.figures["collages made now"] == 0
    assert len(files_of(folder / "out")) == 3


def test_other_settings_start_over_and_never_mix(folder: Path) -> None:
    make(folder)
    assert make(folder, context=2.0).figures["collages made now"] == 4
    undisturbed = make(folder, context=2.0, output=folder / "other")
    assert undisturbed.figures["collages made now"] == 4
    assert files_of(folder / "out") == files_of(folder / "other")


def test_weights_count_by_their_contents_and_not_by_their_path(folder: Path) -> None:
    def weights(name: str, grey: float) -> Path:
        fill = torch.jit.trace(lambda picture, hole: picture * (1 - hole) + grey * hole, (torch.zeros(1, 3, 8, 8),) * 2)
        fill.save(str(folder / name))
        load_lama.cache_clear()
        return folder / name

    first, other = weights("lama.pt", 0.5), weights("other.pt", 0.2)
    assert make(folder, inpainter="lama", lama=first).figures["collages made now"] == 4
    moved = first.rename(folder / "moved.pt")
    assert make(folder, inpainter="lama", lama=moved).figures["collages made now"] == 0
    other.replace(moved)
    load_lama.cache_clear()
    assert make(folder, inpainter="lama", lama=moved).figures["collages made now"] == 4


@pytest.mark.parametrize("name", ["index.csv", "contact_sheet.png", f"x-{'0' * 12}_1.png"])
def test_files_that_it_did_not_make_are_never_replaced(name: str, folder: Path) -> None:
    (folder / "out").mkdir()
    (folder / "out" / name).write_bytes(b"made by hand")
    with pytest.raises(UserError, match="not made by a run in this folder; set OUTPUT"):
        make(folder)
    assert (folder / "out" / name).read_bytes() == b"made by hand"
    assert {path.name for path in (folder / "out").iterdir()} == {name, LOCK}


@pytest.mark.parametrize("damage_to", ["half a line", "one line"])
def test_a_damaged_journal_costs_work_but_no_error(damage_to: str, folder: Path) -> None:
    make(folder)
    journal = folder / "out/.journal.jsonl"
    lines = journal.read_text(encoding="utf-8").splitlines(keepends=True)
    first = next(n for n, line in enumerate(lines) if '"version"' in line)
    lines[first] = lines[first][:20] if damage_to == "half a line" else '{"name": 3}\n'
    journal.write_text("".join(lines[: first + 1] if damage_to == "half a line" else lines), encoding="utf-8")
    expected = files_of(folder / "out")
    if damage_to == "half a line":  # what stood in it and after it had not been made yet
        for entry in read_index(folder / "out")[1:]:
            (folder / "out" / entry.collage).unlink()
    assert make(folder).figures["collages"] == 4
    assert files_of(folder / "out") == expected


@pytest.mark.parametrize(
    "value",
    ['"source": 5', '"score": "=cmd()"', '"score": NaN', '"window": "abcd"', '"box": [0, 1, 2]'],
)
def test_facts_of_another_kind_are_not_believed(value: str, folder: Path) -> None:
    make(folder)
    journal, expected = folder / "out/.journal.jsonl", files_of(folder / "out")
    text = journal.read_text(encoding="utf-8")
    key = value.partition(":")[0]
    changed = re.sub(rf'{key}: ("[^"]*"|\[[^]]*\]|[^,}}]*)', value, text)
    assert changed != text
    journal.write_text(changed, encoding="utf-8")
    with pytest.warns(UserWarning, match="damaged lines ignored"):
        assert make(folder).figures["collages made now"] == 4
    assert files_of(folder / "out") == expected


def test_a_journal_made_by_somebody_else_removes_nothing(folder: Path) -> None:
    make(folder)
    victim = folder / "photos/p0_1.png"
    victim.write_bytes(b"x")
    lines = [
        {"name": "../photos/p0"},
        {"name": "*"},
        {"name": "a-000000000000", "version": "", "entries": [{"collage": "../photos/p0_1.png"}]},
    ]
    with open(folder / "out/.journal.jsonl", "a", encoding="utf-8") as journal:
        journal.writelines(json.dumps(line) + "\n" for line in lines)
    make(folder, photos=(folder / "photos/p0.png",), context=2.0)
    assert victim.read_bytes() == b"x"


def test_a_folder_that_another_run_is_writing_is_left_alone(folder: Path, use: Any) -> None:
    def find(photo: np.ndarray) -> list[SegmentedPerson]:
        with pytest.raises(UserError, match="another run is writing it"):
            make(folder, segmenter="embedded", masks=None)
        return [person_of(draw_photo(0)[1][0], 0.8)]

    use(find)
    assert make(folder, segmenter="embedded", masks=None).figures["collages"] == 3


# ---- kills ----


COUNT = 80


@pytest.fixture
def many(tmp_path: Path) -> Path:
    for seed in range(COUNT):
        write_photo(tmp_path, f"p{seed:02d}", seed)
    return tmp_path


def noted(folder: Path) -> list[str]:
    """The journal's lines of finished photos."""
    journal = folder / JOURNAL
    lines = journal.read_text(encoding="utf-8").splitlines(keepends=True) if journal.exists() else []
    return [line for line in lines if '"version"' in line and line.endswith("\n")]


def start(folder: Path) -> subprocess.Popen[str]:
    """A run with two workers that has noted a few collages; workers may have written more."""
    command = [sys.executable, str(ROOT / STEP), *map(str, flags(folder, workers=2))]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8")
    deadline = time.monotonic() + 60
    while len(noted(folder / "out")) < 3:
        assert process.poll() is None and time.monotonic() < deadline, "it ended before it was killed"
        time.sleep(0.002)
    return process


def test_a_killed_run_goes_on_and_leaves_no_workers_behind(many: Path) -> None:
    process = start(many)
    workers = psutil.Process(process.pid).children(recursive=True)
    assert len(workers) >= 2
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not psutil.wait_procs(workers, timeout=20)[1]
    there = len(list((many / "out").glob("p*.png")))
    assert there < COUNT
    report = make(many)
    made = int(str(report.figures["collages made now"]))
    assert report.figures["collages"] == COUNT and COUNT - there <= made < COUNT
    make(many, output=many / "undisturbed")
    assert files_of(many / "out") == files_of(many / "undisturbed")
    assert not list(many.rglob("*.part"))


def test_ctrl_c_ends_with_what_is_whole_and_an_index(many: Path) -> None:
    process = start(many)
    for each in (psutil.Process(process.pid), *psutil.Process(process.pid).children()):
        each.send_signal(signal.SIGINT)  # as a terminal does
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and "interrupted" in errors and "Traceback" not in errors, errors
    entries = read_index(many / "out")
    assert 1 <= len(entries) < COUNT
    for entry in entries:
        read_collage(many / "out" / entry.collage)
    assert int(str(make(many).figures["collages made now"])) == COUNT - len(entries)


def test_a_worker_that_the_system_ends_is_said(many: Path) -> None:
    process = start(many)
    workers = [p for p in psutil.Process(process.pid).children() if "spawn_main" in " ".join(p.cmdline())]
    workers[0].kill()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2 and "Traceback" not in errors, errors
    assert "a worker was ended by the system" in errors and "set WORKERS below 2" in errors


# ---- bad input ----


def test_bad_photos_and_archives_are_skipped_and_listed_and_the_rest_is_done(folder: Path) -> None:
    data = (folder / "photos/p0.png").read_bytes()
    (folder / "photos/p0.png").write_bytes(data[: len(data) // 2])
    (folder / "photos/no_mask.png").write_bytes(data)
    (folder / "photos/text.zip").write_bytes(b"not a zip")
    with zipfile.ZipFile(folder / "photos/slip.zip", "w") as archive:
        archive.writestr("../../escaped.png", data)
    result = run_script(STEP, *flags(folder), cwd=folder)
    assert_user_error(result, "4 skipped, listed in", "faults.csv", "truncated", "points outside its folder", "no mask")
    assert "collages in out: 3 made now" in result.stdout
    faults = {row["file"]: row["fault"] for row in table(folder / "out/faults.csv")}
    assert faults.keys() == {f"photos/{name}" for name in ("p0.png", "no_mask.png", "text.zip", "slip.zip")}
    assert not (folder.parent / "escaped.png").exists()

    write_photo(folder, "p0", 0)
    for name in ("no_mask.png", "text.zip", "slip.zip"):
        (folder / "photos" / name).unlink()
    report = make(folder)
    assert report.faults == 0 and report.figures["collages made now"] == 1
    assert not (folder / "out/faults.csv").exists()


def test_nothing_but_bad_photos_ends_with_all_faults(folder: Path) -> None:
    for path in (folder / "photos").iterdir():
        path.write_bytes(b"")
    with pytest.raises(UserError, match="3 faults") as error:
        make(folder)
    assert all(f"p{n}.png: is empty" in str(error.value) for n in range(3))


def test_a_folder_without_photos_is_said(folder: Path) -> None:
    with pytest.raises(UserError, match=r"no photos in .*empty"):
        (folder / "empty").mkdir()
        make(folder, photos=(folder / "empty",))
    assert not (folder / "out").exists()


def test_an_animation_is_said_once(folder: Path) -> None:
    frames = [Image.fromarray(draw_photo(seed)[0]) for seed in (0, 1)]
    frames[0].save(folder / "photos/p0.png", save_all=True, append_images=frames[1:])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert make(folder).faults == 0
    assert [str(w.message) for w in caught] == ["photos/p0.png: an animation; its first frame is used"]


def test_masks_and_results_that_lie_among_the_photos_are_no_photos(folder: Path) -> None:
    photos = folder / "photos"
    for name in ("p0", "p1"):
        (folder / "masks" / f"{name}.png").rename(photos / f"{name}_mask.png")
    (photos / "p2.png").unlink()
    for _ in range(2):
        report = make(folder, masks=None, output=photos / "out")
        assert report.faults == 0 and report.figures["photos"] == 2


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"panel_px": 63}, "PANEL_PX is 63"),
        ({"panel_px": 1025}, "PANEL_PX is 1025"),
        ({"context": 0.9}, "CONTEXT"),
        ({"max_cut": 1.1}, "MAX_CUT"),
        ({"workers": 0}, "WORKERS"),
        ({"tiles": 0}, "TILES"),
        ({"photos": ()}, "PHOTOS is empty"),
        ({"photos": (Path("nowhere.zip"),)}, "nowhere.zip: no such file or folder"),
        ({"plates": Path("nowhere")}, "nowhere: no such folder of clean plates"),
        ({"masks": Path("nowhere")}, "nowhere: no such folder of masks"),
        ({"pick_point": (0.5, 1.2)}, "PICK_POINT is 1.2; it must be from 0 to 1"),
        ({"inpainter": "lama", "lama": Path("no.onnx")}, "no.onnx: LaMa's weights are missing"),
    ],
)
def test_faulty_settings_stop_before_any_work(settings: dict[str, Any], words: str, folder: Path) -> None:
    with pytest.raises(UserError, match=re.escape(words)):
        make(folder, **settings)
    assert not list(folder.rglob("*_1.png"))


def test_a_folder_that_cannot_be_written_is_said(folder: Path) -> None:
    (folder / "file").write_text("x")
    with pytest.raises(UserError, match="cannot write"):
        make(folder, output=folder / "file/out")


def test_an_archive_that_is_refused_costs_no_collages_of_earlier_photos(folder: Path) -> None:
    assert run_script(STEP, *flags(folder), cwd=folder).returncode == 0
    before = files_of(folder / "out")
    with zipfile.ZipFile(folder / "slip.zip", "w") as archive:
        archive.writestr("../../escaped.png", b"")
    result = run_script(STEP, *flags(folder, photos=folder / "slip.zip"), cwd=folder)
    assert_user_error(result, "points outside its folder")
    assert len(before) > 1 and files_of(folder / "out") == before
