"""5_predict_masks.py as a user runs it: masks, cut-outs, what is kept and made anew, bad pairs, sheets, kills."""

import contextlib
import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from common.errors import UserError
from common.journals import JOURNAL
from common.paths import CHECKPOINTS, DATA
from common.runner import Report
from masks.cutouts.matting import cut_out
from masks.garments.garment_splitting import read_garments, write_garments
from masks.model.checkpoint_format import write_checkpoint
from masks.model.metrics import f1_score
from masks.sets.naming import base_name, clothed_name, mask_name
from masks.sets.pairs import read_mask
from masks.sets.pixel_art import enlarge
from masks.sets.working_set import write_reviewed
from masks.sheets.aseprite_files import read_aseprite
from tests.helpers import REAL_DATA, ROOT, assert_user_error, load_main, needs_bad_inputs, needs_real_data, run_script
from tests.masks.correction.test_propagation import walker, write_walk
from tests.masks.garments.test_garment_splitting import walker as dressed_walker
from tests.masks.model.test_unet import lively_network
from tests.masks.sample_sets import damage, drawn_pair, files_of, hostile_pictures, save, write_pair, write_working_set

pytestmark = pytest.mark.slow
STEP = "masks/5_predict_masks.py"
SHEETS = DATA / "masks/sheets"
COUNT = 5

main = load_main(STEP)


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    """A few pairs, in a folder with a space and an accent."""
    folder = tmp_path / "mis imágenes"
    for number in range(COUNT):
        write_pair(folder, None, f"{number:02d}", number)
    return folder


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network whose answers mean nothing."""
    return small_checkpoint(tmp_path_factory.mktemp("weights") / "small.pth", seed=3)


def small_checkpoint(path: Path, seed: int) -> Path:
    write_checkpoint(path, lively_network((6, 8), seed), frames=[], settings={}, figures={})
    return path


def predict(frames: Path, checkpoint: Path, **settings: Any) -> Report:
    return main(frames=frames, checkpoint=checkpoint, **{"output": frames.parent / "out", **settings})


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def faults_in(folder: Path) -> dict[str, str]:
    with open(folder / "faults.csv", encoding="utf-8", newline="") as file:
        return {row["file"]: row["fault"] for row in csv.DictReader(file)}


def written(folder: Path, kind: str) -> set[str]:
    return {path.name for path in (folder / kind).glob("*")}


def masks_of(*numbers: str) -> set[str]:
    return {mask_name(number) for number in numbers}


# ---- what comes out ----


def test_a_run_from_any_folder_with_the_model_that_ships(tmp_path: Path) -> None:
    """Two drawn frames of each style: good masks, cut-outs that belong to them, sheet and record."""
    truths = []
    for number, name in enumerate(["walk_south"] * 2 + ["walk_east_smooth"] * 2):
        for half in (base_name, clothed_name):
            source = DATA / f"masks/frames_backup_{name}" / half(f"{6 * number:02d}")
            (tmp_path / "f").mkdir(exist_ok=True)
            shutil.copy(source, tmp_path / "f" / half(f"0{number}"))
        truths.append(read_mask(DATA / f"masks/masks_backup_{name}" / mask_name(f"{6 * number:02d}")))
    result = run_script(STEP, "--frames", "f", "--output", "out", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "4 masks in out: 4 made now, 0 existed" in result.stdout
    out = tmp_path / "out"
    for number, truth in enumerate(truths):
        mask = read(out / "masks" / mask_name(f"0{number}"))
        assert mask.dtype == np.uint8 and mask.shape == truth.shape
        assert set(np.unique(mask)) == {0, 255}
        assert f1_score(mask, truth) > 0.9
        base, clothed = (read(tmp_path / "f" / half(f"0{number}")) for half in (base_name, clothed_name))
        assert (read(out / f"cutouts/cutout_0{number}.png") == cut_out(base, clothed, mask)).all()
    with Image.open(out / "contact_sheet.png") as sheet:
        assert sheet.mode == "RGB" and sheet.width > 1000
        assert len(sheet.resize((64, 64)).getcolors(1 << 20) or []) > 50
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert record["weights"] == ["mask_model.pth"] and record["skipped"] == 0
    assert record["figures"] == {"masks": 4, "made now": 4}
    assert len(record["inputs"]) == 9 and not (out / "faults.csv").exists()


def test_help_comes_without_torch() -> None:
    command = [sys.executable, "-X", "importtime", str(ROOT / STEP), "--help"]
    result = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60, check=True)
    assert "--frames" in result.stdout and "folder of base_frame_XX.png" in result.stdout
    assert "tyro" in result.stderr and "torch" not in result.stderr


def test_the_masks_are_those_of_predict_masks(frames: Path, checkpoint: Path) -> None:
    from masks.mask_model import load_model, predict_mask

    predict(frames, checkpoint)
    model, device = load_model(checkpoint)
    seen = set()
    for number in range(COUNT):
        base, clothed = frames / base_name(f"0{number}"), frames / clothed_name(f"0{number}")
        mask = read(frames.parent / "out/masks" / mask_name(f"0{number}"))
        assert (mask == predict_mask(model, base, clothed, device)).all()
        seen.add(mask.tobytes())
    assert len(seen) > 2, "or an order mixed up would not show"


def test_masks_alone(frames: Path, checkpoint: Path) -> None:
    predict(frames, checkpoint, cutouts=False)
    out = frames.parent / "out"
    assert len(written(out, "masks")) == COUNT and not (out / "cutouts").exists()
    report = predict(frames, checkpoint, cutouts=True)
    assert report.figures["made now"] == COUNT and len(written(out, "cutouts")) == COUNT


@pytest.mark.parametrize("size", [(9, 40), (53, 31), (300, 280)])
def test_odd_sizes(size: tuple[int, int], tmp_path: Path, checkpoint: Path) -> None:
    rng = np.random.default_rng(0)
    folder = tmp_path / "f"
    folder.mkdir()
    for name in (base_name("7"), clothed_name("7")):
        Image.fromarray(rng.integers(0, 256, (*size, 4), np.uint8)).save(folder / name)
    predict(folder, checkpoint)
    assert read(tmp_path / "out/masks/mask_7.png").shape == size
    assert read(tmp_path / "out/cutouts/cutout_7.png").shape == (*size, 4)


def test_a_transparent_frame_has_an_empty_mask_and_an_empty_cut_out(frames: Path, checkpoint: Path) -> None:
    nothing = np.full((48, 48, 4), 200, np.uint8)
    nothing[..., 3] = 0
    for name in (base_name("02"), clothed_name("02")):
        Image.fromarray(nothing).save(frames / name)
    assert predict(frames, checkpoint).faults == 0
    assert not read(frames.parent / "out/masks/mask_02.png").any()
    assert not read(frames.parent / "out/cutouts/cutout_02.png").any()


def test_the_contact_sheet_takes_pairs_from_the_whole_batch(frames: Path, checkpoint: Path) -> None:
    sizes = []
    for tiles in (1, 400):
        predict(frames, checkpoint, tiles=tiles)
        sizes.append(read(frames.parent / "out/contact_sheet.png").size)
    assert 3 * sizes[0] < sizes[1]


# ---- what is kept, and what is made anew ----


def test_a_second_run_makes_only_what_changed(frames: Path, checkpoint: Path) -> None:
    out = frames.parent / "out"
    predict(frames, checkpoint)
    before = files_of(out / "masks")
    stamps = {path: path.stat().st_mtime_ns for path in (out / "masks").iterdir()}
    assert predict(frames, checkpoint).figures == {"masks": COUNT, "made now": 0}
    write_pair(frames, None, "03", 77)
    (out / "cutouts/cutout_01.png").unlink()
    assert predict(frames, checkpoint).figures == {"masks": COUNT, "made now": 2}
    changed = {path.name for path, stamp in stamps.items() if path.stat().st_mtime_ns != stamp}
    assert changed == masks_of("01", "03")
    after = files_of(out / "masks")
    assert {name for name in after if after[name] != before[name]} == masks_of("03")


def test_results_of_frames_that_are_gone_go_too(frames: Path, checkpoint: Path) -> None:
    predict(frames, checkpoint)
    for name in (base_name("04"), clothed_name("04"), clothed_name("01")):
        (frames / name).unlink()
    report = predict(frames, checkpoint)
    out = frames.parent / "out"
    assert report.figures == {"masks": 3, "made now": 0} and report.faults == 1
    assert written(out, "masks") == masks_of("00", "02", "03")
    assert written(out, "cutouts") == {"cutout_00.png", "cutout_02.png", "cutout_03.png"}


def test_another_checkpoint_makes_all_anew(frames: Path, checkpoint: Path, tmp_path: Path) -> None:
    predict(frames, checkpoint)
    before = files_of(frames.parent / "out/masks")
    other = small_checkpoint(tmp_path / "other.pth", seed=9)
    assert predict(frames, other).figures["made now"] == COUNT
    assert files_of(frames.parent / "out/masks") != before


def script(frames: Path, checkpoint: Path) -> str:
    """Run the script on a training folder; return what it printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        main(training_data=frames.parent, checkpoint=checkpoint, output=frames.parent / "out")
    return printed.getvalue()


@pytest.fixture
def working_set(tmp_path: Path) -> Path:
    """The frames of a training folder; frames 01 and 02 have corrected masks, and only 01 is reviewed."""
    write_working_set(tmp_path / "td", range(COUNT), [])
    for number in ("00", "03", "04"):
        (tmp_path / "td/masks_corrected" / mask_name(number)).unlink()
    write_reviewed(tmp_path / "td", ["01"])
    return tmp_path / "td/frames"


def painted(frames: Path, number: str) -> tuple[np.ndarray, np.ndarray]:
    """A mask as a person may paint it, and the cut-out that belongs to it."""
    mask = np.zeros((48, 48), np.uint8)
    mask[20:30, :] = 255
    base, clothed = read(frames / base_name(number)), read(frames / clothed_name(number))
    return mask, cut_out(base, clothed, mask)


def test_reviewed_masks_reach_masks_cut_outs_and_the_contact_sheet(working_set: Path, checkpoint: Path) -> None:
    out = working_set.parent / "out"
    corrected = working_set.parent / "masks_corrected"
    (corrected / "reviewed.json").unlink()
    script(working_set, checkpoint)
    before = files_of(out / "masks"), read(out / "contact_sheet.png")
    write_reviewed(working_set.parent, ["01"])
    text = script(working_set, checkpoint)
    assert "1 made now, 4 existed" in text and "01: reviewed in step 3" in text
    after = files_of(out / "masks")
    assert {name for name in after if after[name] != before[0][name]} == masks_of("01")
    mask, cutout = painted(working_set, "01")
    assert (read(out / "masks" / mask_name("01")) == read_mask(corrected / mask_name("01"))).all()
    assert not np.array_equal(read(out / "contact_sheet.png"), before[1])
    Image.fromarray(mask).save(corrected / mask_name("01"))
    assert "1 made now, 4 existed" in script(working_set, checkpoint)
    assert (read(out / "masks" / mask_name("01")) == mask).all()
    assert (read(out / "cutouts/cutout_01.png") == cutout).all()
    assert "0 made now, 5 existed" in script(working_set, checkpoint)


def test_reviewed_masks_teach_predictions_if_asked_to(tmp_path: Path) -> None:
    """The model that ships finds the shirt; the person says that its lower half is no clothing, in one frame of six."""
    write_walk(tmp_path)
    (tmp_path / "masks_corrected").mkdir(exist_ok=True)
    halves = {step: walker(step).mask.copy() for step in range(6)}
    for mask in halves.values():
        mask[22:] = False  # shirts alone
    Image.fromarray(halves[0] * np.uint8(255)).save(tmp_path / "masks_corrected/mask_00.png")
    write_reviewed(tmp_path, ["00"])
    scores = {}
    for name, propagate in (("alone", False), ("taught", True)):
        main(training_data=tmp_path, output=tmp_path / name, propagate=propagate)
        masks = [read_mask(tmp_path / f"{name}/masks/mask_0{step}.png") > 0 for step in range(1, 6)]
        scores[name] = [f1_score(mask, halves[step]) for step, mask in enumerate(masks, start=1)]
        assert (read_mask(tmp_path / f"{name}/masks/mask_00.png") > 0).tolist() == halves[0].tolist()
    assert min(scores["taught"]) > 0.95 and np.mean(scores["taught"]) > np.mean(scores["alone"]) + 0.05
    sheet = tmp_path / "another sheet"
    shutil.copytree(tmp_path / "frames", sheet / "frames")
    (sheet / "frames" / base_name("00")).unlink()
    (sheet / "frames" / clothed_name("00")).unlink()
    main(training_data=sheet, output=tmp_path / "remembered", memory=tmp_path)
    masks = [read_mask(tmp_path / f"remembered/masks/mask_0{step}.png") > 0 for step in range(1, 6)]
    assert [f1_score(mask, halves[step]) for step, mask in enumerate(masks, start=1)] == scores["taught"]


def test_a_reviewed_mask_that_cannot_be_used_is_listed(working_set: Path, checkpoint: Path) -> None:
    Image.new("L", (24, 24)).save(working_set.parent / "masks_corrected" / mask_name("01"))
    report = main(training_data=working_set.parent, checkpoint=checkpoint, output=working_set.parent / "out")
    assert report.faults == 1 and mask_name("01") not in written(working_set.parent / "out", "masks")
    assert "24 x 24 px, but its frame 48 x 48" in faults_in(working_set.parent / "out")[base_name("01")]


def test_reviewed_masks_of_enlarged_frames_serve_the_sheet_and_no_other(tmp_path: Path, checkpoint: Path) -> None:
    """Step 1 enlarged the frames 2 times; a sheet with other pictures under the same numbers gets no mask of them."""
    halves = {name: [drawn_pair(seed)[half] for seed in (0, 1)] for half, name in enumerate(("base", "clothed"))}
    mask = np.zeros((48, 48), np.uint8)
    mask[20:30, :] = 255
    for folder in ("frames", "masks_corrected"):
        (tmp_path / "td" / folder).mkdir(parents=True)
    for half, frames in halves.items():
        Image.fromarray(np.hstack(frames)).save(tmp_path / f"{half}.png")
        Image.fromarray(np.hstack(frames[::-1])).save(tmp_path / f"other_{half}.png")
        Image.fromarray(enlarge(frames[1], 2)).save(tmp_path / f"td/frames/{half}_frame_01.png")
    Image.fromarray(enlarge(mask, 2)).save(tmp_path / "td/masks_corrected/mask_01.png")
    write_reviewed(tmp_path / "td", ["01"])
    settings: dict[str, Any] = {"training_data": tmp_path / "td", "checkpoint": checkpoint, "columns": 2, "rows": 1}
    for name in ("", "other_"):
        sheets = {half: tmp_path / f"{name}{half}.png" for half in ("base", "clothed")}
        main(output=tmp_path / f"out{name}", **sheets, **settings)
        made = read(tmp_path / f"out{name}/masks/mask_01.png")
        assert np.array_equal(made, mask) == (not name)


@pytest.mark.parametrize("is_first", [True, False])
def test_masks_that_a_person_put_there_stay_and_make_the_cut_outs(
    is_first: bool, working_set: Path, checkpoint: Path, tmp_path: Path
) -> None:
    out = working_set.parent / "out"
    (out / "masks").mkdir(parents=True)
    if not is_first:
        script(working_set, checkpoint)
    mask, cutout = painted(working_set, "03")
    Image.fromarray(mask).save(out / "masks" / mask_name("03"))
    own = (out / "masks" / mask_name("03")).read_bytes()
    other = small_checkpoint(tmp_path / "other.pth", seed=9)
    for weights, made in ((checkpoint, COUNT if is_first else 1), (checkpoint, 0), (other, COUNT)):
        text = script(working_set, weights)
        assert "03: masks that you made or changed, kept and used" in text
        assert f"{made} made now" in text
        assert (out / "masks" / mask_name("03")).read_bytes() == own
        assert (read(out / "cutouts/cutout_03.png") == cutout).all()
    for name in (base_name("03"), clothed_name("03")):
        (working_set / name).unlink()
    script(working_set, checkpoint)
    assert (out / "masks" / mask_name("03")).read_bytes() == own, "its frame is gone, the work stays"
    assert not (out / "cutouts/cutout_03.png").exists()


def test_an_output_of_an_earlier_version_is_refused_and_stays(working_set: Path, checkpoint: Path) -> None:
    """Its pictures carry no signature, so that its predictions would go before reviewed masks."""
    settings: dict[str, Any] = {"training_data": working_set.parent, "checkpoint": checkpoint}
    out = working_set.parent / "out"
    main(output=out, **settings)
    header, *lines = (out / JOURNAL).read_bytes().splitlines(keepends=True)
    (out / JOURNAL).write_bytes(b"".join([re.sub(rb'"method": \d+', b'"method": 1', header), *lines]))
    before = files_of(out / "masks")
    with pytest.raises(UserError, match=r"out: an earlier version wrote it, .* delete it, or set OUTPUT"):
        main(output=out, **settings)
    assert files_of(out / "masks") == before


@pytest.mark.parametrize("file", ["cutouts/cutout_02.png", "masks/mask_99.png", "contact_sheet.png"])
def test_other_files_that_a_person_made_are_never_replaced(file: str, working_set: Path, checkpoint: Path) -> None:
    own = working_set.parent / "out" / file
    own.parent.mkdir(parents=True)
    Image.new("RGBA", (48, 48), "red").save(own)
    before = own.read_bytes()
    texts = [script(working_set, checkpoint) for _ in range(2)]
    assert own.read_bytes() == before and len(written(working_set.parent / "out", "masks") - masks_of("99")) == COUNT
    assert all("99" in file or "you changed it" in text or "02: cut-outs that you made" in text for text in texts)
    own.unlink()
    script(working_set, checkpoint)
    assert own.exists() != ("99" in file)


@pytest.mark.parametrize("damage_to", ["half a line", "a line of nonsense", "the order"])
def test_a_damaged_journal_costs_work_but_no_error(damage_to: str, frames: Path, checkpoint: Path) -> None:
    out = frames.parent / "out"
    predict(frames, checkpoint)
    expected = files_of(out / "masks")
    lines = (out / JOURNAL).read_bytes().splitlines(keepends=True)
    if damage_to == "half a line":
        lines[-1] = lines[-1][:9]
    elif damage_to == "a line of nonsense":
        lines[-1] = b"\xff\xfe\n"
    else:
        lines = [lines[0], *reversed(lines[1:])]
    (out / JOURNAL).write_bytes(b"".join(lines))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = predict(frames, checkpoint)
    assert report.figures == {"masks": COUNT, "made now": int(damage_to != "the order")}
    assert files_of(out / "masks") == expected


def test_several_workers_give_the_same_bytes(frames: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("masks.cutouts.prediction_batch.IN_PROCESS", 0)
    for workers in (1, 2):
        assert predict(frames, checkpoint, workers=workers, output=frames.parent / f"{workers}").faults == 0
    for kind in ("masks", "cutouts"):
        assert files_of(frames.parent / "1" / kind) == files_of(frames.parent / "2" / kind)


def test_a_killed_run_goes_on_where_it_stopped(tmp_path: Path, checkpoint: Path) -> None:
    frames, count = tmp_path / "f", 24
    for number in range(count):
        base, clothed, _ = (enlarge(picture, 3) for picture in drawn_pair(number))
        frames.mkdir(exist_ok=True)
        Image.fromarray(base).save(frames / base_name(f"{number:03d}"))
        Image.fromarray(clothed).save(frames / clothed_name(f"{number:03d}"))
    output = tmp_path / "out"
    command = [sys.executable, str(ROOT / STEP), "--frames", str(frames), "--output", str(output)]
    command += ["--checkpoint", str(checkpoint), "--compress-level", "9", "--workers", "1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while len(list(output.glob("masks/mask_*.png"))) < 5:
        assert process.poll() is None, "it ended before it was killed"
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    there = len(list(output.glob("masks/mask_*.png")))
    assert there < count
    report = predict(frames, checkpoint, output=output, compress_level=9)
    assert report.figures["masks"] == count
    assert count - there <= int(str(report.figures["made now"])) <= count - there + 1
    predict(frames, checkpoint, output=tmp_path / "undisturbed", compress_level=9)
    for kind in ("masks", "cutouts"):
        assert files_of(output / kind) == files_of(tmp_path / "undisturbed" / kind)
    assert not list(output.rglob("*.part"))


# ---- bad input ----


def test_a_frame_that_is_a_link_to_itself_is_skipped(frames: Path, checkpoint: Path) -> None:
    write_working_set(frames.parent, range(COUNT), ["01"])  # whose reviewed mask serves the same pictures alone
    (frames / base_name("01")).unlink()
    (frames / base_name("01")).symlink_to(base_name("01"))
    report = predict(frames, checkpoint, training_data=frames.parent)
    assert report.faults == 1 and faults_in(frames.parent / "out").keys() == {base_name("01")}
    assert written(frames.parent / "out", "masks") == masks_of("00", "02", "03", "04")


def test_bad_pairs_are_skipped_and_listed_and_the_rest_is_done(frames: Path, checkpoint: Path) -> None:
    damage(frames / clothed_name("00"), 0.5)
    Image.new("RGBA", (20, 30)).save(frames / base_name("01"))
    (frames / base_name("03")).unlink()
    result = run_script(
        STEP, "--frames", frames, "--checkpoint", checkpoint, "--output", frames.parent / "out", cwd=frames.parent
    )
    assert_user_error(result, "3 skipped, listed in", "faults.csv", "truncated", "sizes differ")
    out = frames.parent / "out"
    assert written(out, "masks") == masks_of("02", "04")
    faults = faults_in(out)
    assert faults.keys() == {base_name("00"), base_name("01"), clothed_name("03")}
    assert "clothed_frame_00.png" in faults[base_name("00")]
    assert "20 x 30 but 48 x 48 px" in faults[base_name("01")]
    assert json.loads((out / "run.json").read_text(encoding="utf-8"))["skipped"] == 3

    for number in ("00", "01", "03"):
        write_pair(frames, None, number, int(number))
    report = predict(frames, checkpoint)
    assert report.faults == 0 and report.figures == {"masks": COUNT, "made now": 3}
    assert not (out / "faults.csv").exists()


def test_a_mask_of_a_frame_that_broke_later_is_removed(frames: Path, checkpoint: Path) -> None:
    predict(frames, checkpoint)
    damage(frames / clothed_name("02"), 0.5)
    assert predict(frames, checkpoint).faults == 1
    assert mask_name("02") not in written(frames.parent / "out", "masks")


def test_nothing_but_bad_pairs_ends_with_all_faults(frames: Path, checkpoint: Path) -> None:
    for number in range(COUNT):
        damage(frames / base_name(f"0{number}"), 0.4)
    with pytest.raises(UserError, match="5 faults") as error:
        predict(frames, checkpoint)
    assert all(base_name(f"0{number}") in str(error.value) for number in range(COUNT))


def test_pictures_without_alpha_of_16_bits_or_with_a_palette_are_read(frames: Path, checkpoint: Path) -> None:
    for number, mode in enumerate(("RGB", "P", "L")):
        path = frames / clothed_name(f"0{number}")
        with Image.open(path) as image:
            changed = image.convert(mode)
        changed.save(path)
    grey = np.random.default_rng(0).integers(0, 65536, (48, 48), np.uint16)
    Image.fromarray(grey).save(frames / clothed_name("03"))
    report = predict(frames, checkpoint)
    assert report.faults == 0 and report.figures["masks"] == COUNT


@needs_bad_inputs
def test_hostile_pictures_are_read_or_listed(tmp_path: Path, checkpoint: Path) -> None:
    pictures = hostile_pictures(tmp_path / "images")
    folder = tmp_path / "f"
    folder.mkdir()
    for number, (source, _) in enumerate(pictures):
        for name in (base_name(f"{number:02d}"), clothed_name(f"{number:02d}")):
            (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = predict(folder, checkpoint)
    valid = {mask_name(f"{number:02d}") for number, (_, is_valid) in enumerate(pictures) if is_valid}
    assert written(tmp_path / "out", "masks") == valid and 0 < len(valid) < len(pictures)
    faults = faults_in(tmp_path / "out")
    assert report.faults == len(faults) == len(pictures) - len(valid)
    assert all(fault.count("\n") == 0 and ".png" in fault for fault in faults.values())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"frames": Path("none")}, "none: no such folder of frames"),
        ({"frames": Path("empty")}, "empty: no frames; they must be named"),
        ({"checkpoint": Path("gone.pth")}, "gone.pth: no such checkpoint"),
        ({"compress_level": 10}, "COMPRESS_LEVEL is 10"),
        ({"tiles": 0}, "TILES is 0"),
        ({"base": Path("a.png")}, "BASE and CLOTHED go together"),
        ({"clothed": Path("a.png")}, "BASE and CLOTHED go together"),
        ({"columns": 4}, "give BASE and CLOTHED too"),
        ({"layout": Path("a.json")}, "give BASE and CLOTHED too"),
        ({"base": Path("a.png"), "clothed": Path("b.png")}, "a.png: no such file"),
    ],
)
def test_faulty_settings_stop_before_any_work(
    settings: dict[str, Any],
    words: str,
    frames: Path,
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=words):
        main(**{"frames": frames, "checkpoint": checkpoint, "output": Path("out"), **settings})
    assert not Path("out").exists()


def test_a_malicious_checkpoint_is_refused_and_keeps_what_is_there(frames: Path, checkpoint: Path) -> None:
    predict(frames, checkpoint)
    before = files_of(frames.parent / "out")
    evil = frames.parent / "evil.pth"

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch '{frames.parent / 'owned'}'",)

    torch.save({"format": Evil()}, evil)
    with pytest.raises(UserError, match=r"evil\.pth: refused"):
        predict(frames, evil)
    assert not (frames.parent / "owned").exists()
    assert files_of(frames.parent / "out") == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_said(frames: Path, checkpoint: Path) -> None:
    (frames.parent / "locked").mkdir(mode=0o500)
    with pytest.raises(UserError, match="cannot write"):
        predict(frames, checkpoint, output=frames.parent / "locked/out")


def test_an_output_that_is_a_file_is_said(frames: Path, checkpoint: Path) -> None:
    (frames.parent / "file").write_text("x")
    with pytest.raises((UserError, OSError), match="file"):
        predict(frames, checkpoint, output=frames.parent / "file")


# ---- sheets ----


def test_sheets_give_frames_masks_and_sheets_of_them(tmp_path: Path) -> None:
    """With the model that ships, on the drawn sheets: every cell's mask lies where its frame does."""
    settings: dict[str, Any] = {"base": SHEETS / "base.png", "clothed": SHEETS / "clothed.png"}
    report = main(checkpoint=CHECKPOINTS / "masks/mask_model.pth", output=tmp_path, **settings)
    assert report.figures == {"masks": 24, "made now": 24}
    clothed, masks, cutouts = (
        read(path) for path in (SHEETS / "clothed.png", tmp_path / "mask_sheet.png", tmp_path / "cutout_sheet.png")
    )
    assert masks.shape == clothed.shape[:2] and set(np.unique(masks)) == {0, 255}
    assert (cutouts == clothed * (masks > 0)[..., None]).all(), "pixel art: the mask's pixels, as they are"
    for number in range(24):
        row, column = divmod(number, 8)
        cell = slice(64 * row, 64 * row + 64), slice(64 * column, 64 * column + 64)
        assert (read(tmp_path / "masks" / mask_name(f"{number:02d}")) == masks[cell]).all()
        assert masks[cell].any()
    again = main(checkpoint=CHECKPOINTS / "masks/mask_model.pth", output=tmp_path, **settings)
    assert again.figures["made now"] == 0


def test_empty_cells_and_another_grid(tmp_path: Path, checkpoint: Path) -> None:
    base, clothed, _ = drawn_pair(1)
    nothing = np.zeros_like(base)
    for name, frame in (("b", base), ("c", clothed)):
        Image.fromarray(np.vstack([np.hstack([frame, nothing]), np.hstack([nothing, frame])])).save(
            tmp_path / f"{name}.png"
        )
    settings: dict[str, Any] = {"base": tmp_path / "b.png", "clothed": tmp_path / "c.png", "checkpoint": checkpoint}
    report = main(output=tmp_path / "out", columns=2, rows=2, **settings)
    assert report.figures["masks"] == 2 and written(tmp_path / "out", "masks") == masks_of("00", "03")
    assert read(tmp_path / "out/mask_sheet.png").shape == (96, 96)
    report = main(output=tmp_path / "out", columns=1, rows=2, **settings)
    assert report.figures == {"masks": 2, "made now": 2}
    assert written(tmp_path / "out", "masks") == masks_of("00", "01")


@needs_real_data("masks")
def test_real_sprites_are_masked(tmp_path: Path) -> None:
    """A frame of each real set, which the model never saw."""
    folder, truths = tmp_path / "f", []
    folder.mkdir()
    for number, frames in enumerate(sorted((REAL_DATA / "masks").glob("frames_backup_*"))):
        for half in (base_name, clothed_name):
            shutil.copy(frames / half("11"), folder / half(f"{number}"))
        truths.append(read_mask(Path(str(frames).replace("frames_", "masks_")) / mask_name("11")))
    main(frames=folder, checkpoint=CHECKPOINTS / "masks/mask_model.pth", output=tmp_path / "out")
    scores = [f1_score(read(tmp_path / f"out/masks/mask_{n}.png"), truth) for n, truth in enumerate(truths)]
    assert scores and np.mean(scores) > 0.95, scores


def test_the_clothing_is_split_into_garments_that_are_exported(tmp_path: Path, checkpoint: Path) -> None:
    folder = tmp_path / "training"
    for name in ("frames", "masks_corrected"):
        (folder / name).mkdir(parents=True)
    for step in range(3):
        frame = dressed_walker(step)[0]
        save(folder / "frames" / base_name(f"{step}"), frame.base)
        save(folder / "frames" / clothed_name(f"{step}"), frame.clothed)
        save(folder / "masks_corrected" / mask_name(f"{step}"), frame.mask * np.uint8(255))
    write_reviewed(folder, {"0", "1", "2"})
    out = tmp_path / "out"
    settings: dict[str, Any] = {"training_data": folder, "checkpoint": checkpoint, "output": out, "layers": True}
    main(**settings, export=("ase", "psd"))
    names = ["hair or hat", "top", "trousers", "shoes"]
    for step in range(3):
        labels = dressed_walker(step)[1]
        for place, name in enumerate(names):
            mask = read_mask(out / "garments" / name.replace(" ", "_") / mask_name(f"{step}"))
            assert f1_score(mask, labels == place) > 0.98
    sprite = read_aseprite(out / "layers.aseprite")
    assert [layer.name for layer in sprite.layers] == ["body", *names]
    assert np.array_equal(sprite.flat(2), dressed_walker(2)[0].clothed)

    kept = out / "garments/top/mask_0.png"
    Image.fromarray(np.zeros((64, 48), np.uint8)).save(kept)
    garments = read_garments(out / "garments.json")
    assert garments is not None
    garments = [replace(garments[0], is_left_out=True), garments[1], replace(garments[2], name="kilt"), garments[3]]
    write_garments(folder / "garments.json", garments)
    main(**settings, export=("ase", "psd"))
    assert [layer.name for layer in read_aseprite(out / "layers.aseprite").layers] == ["body", "top", "kilt", "shoes"]
    assert sorted(path.name for path in (out / "garments").iterdir()) == ["kilt", "shoes", "top"]
    assert not read_mask(kept).any(), "a mask that a person changed stays"
