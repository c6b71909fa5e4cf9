"""Step 2 as a user runs it: masks, unsureness, copies of what was there, bad frames, kills; and the contact sheet."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.errors import UserError
from common.files import part_path
from common.images import read_image
from common.journals import JOURNAL
from common.runner import Report
from masks.correction.proposal_batch import (
    PART,
    ProposalMethod,
    contact_sheet,
    model_method,
    most_unsure,
    propose_all,
    put_in_place,
    threshold_method,
)
from masks.model.layered_pairs import contested_share
from masks.model.mask_threshold import calibrated_unsureness
from masks.model.metrics import f1_score
from masks.sets.naming import mask_name
from masks.sets.pairs import find_pairs, read_mask, read_pair
from masks.sets.working_set import read_unsureness
from masks.sheets.frame_sources import sources_in
from tests.helpers import REAL_DATA, ROOT, assert_user_error, load_main, needs_bad_inputs, needs_real_data, run_script
from tests.masks.model.test_threshold_baselines import propose_pair
from tests.masks.sample_sets import damage, drawn_pair, files_of, hostile_pictures, touch, write_pair

pytestmark = pytest.mark.slow
STEP = "masks/2_initial_masks.py"


@pytest.fixture
def training_data(tmp_path: Path) -> Path:
    """Five frames, in a folder with a space and an accent."""
    folder = tmp_path / "mi música"
    for number in range(5):
        write_pair(folder / "frames", None, f"{number:02d}", number)
    return folder


main = load_main(STEP)


def run(folder: Path, *flags: object) -> subprocess.CompletedProcess[str]:
    """As a user does from the shell, with lab."""
    return run_script(STEP, folder, "--output", folder.parent / "sheet.png", "--method", "lab", *flags)


def propose(folder: Path, method: str = "lab", **settings: object) -> Report:
    """The same within this process."""
    return main(training_data=folder, method=method, output=folder.parent / "sheet.png", **settings)


def by_threshold(name: str = "lab", threshold: float | None = None) -> ProposalMethod:
    return threshold_method(name, threshold=threshold, even_light=True, tidy_art_px=8)


def expected_unsureness(base: np.ndarray, clothed: np.ndarray) -> float:
    probability = propose_pair(base, clothed)[1]
    return calibrated_unsureness(probability, contested_share(base, clothed, probability))


def masks_of(folder: Path) -> dict[str, np.ndarray]:
    return {path.name: read_mask(path) for path in sorted((folder / "masks_initial").glob("*.png"))}


def test_masks_unsureness_sheet_and_record_are_written(training_data: Path) -> None:
    result = run(training_data)
    assert result.returncode == 0, result.stderr
    masks = masks_of(training_data)
    assert list(masks) == [mask_name(f"{number:02d}") for number in range(5)]
    for number, mask in enumerate(masks.values()):
        np.testing.assert_array_equal(mask, drawn_pair(number)[2])
    with Image.open(training_data / "masks_initial/mask_00.png") as image:
        assert image.mode == "L" and not image.info
    unsure = read_unsureness(training_data)
    for number in range(5):
        expected = expected_unsureness(*drawn_pair(number)[:2])
        assert unsure[f"{number:02d}"] == pytest.approx(expected, abs=1e-4)
    printed = re.findall(r"^  frame (\d\d)  (0\.\d{4})$", result.stdout, re.MULTILINE)
    assert {number for number, _ in printed} == unsure.keys()
    assert [float(value) for _, value in printed] == pytest.approx(sorted(unsure.values(), reverse=True), abs=6e-4)
    with Image.open(training_data.parent / "sheet.png") as sheet:
        assert sheet.mode == "RGB" and len(sheet.resize((64, 64)).getcolors(1 << 20) or []) > 20
    record = json.loads((training_data.parent / "sheet.json").read_text(encoding="utf-8"))
    assert record["script"] == STEP and record["figures"]["masks"] == 5 and len(record["inputs"]) == 10
    assert record["weights"] == [] and record["settings"]["method"] == "lab"
    assert {path.name for path in training_data.iterdir()} == {"frames", "masks_initial"}


def test_the_same_again_changes_nothing_and_something_else_keeps_a_copy(
    training_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    touch(training_data / "masks_corrected")
    shutil.copy(training_data / "frames/base_frame_00.png", training_data / "masks_corrected/mask_00.png")
    corrected = files_of(training_data / "masks_corrected")
    propose(training_data)
    before = files_of(training_data / "masks_initial")
    assert "the same as before" in run(training_data).stdout
    assert not (training_data / "backups").exists() and files_of(training_data / "masks_initial") == before
    propose(training_data, "difference", threshold=80.0)
    (kept,) = (training_data / "backups").iterdir()
    assert files_of(kept / "masks_initial") == before and kept.name in capsys.readouterr().out
    assert files_of(training_data / "masks_initial") != before
    assert files_of(training_data / "masks_corrected") == corrected


def test_masks_of_frames_that_are_gone_go_to_the_copy(training_data: Path) -> None:
    propose(training_data)
    for path in (training_data / "frames").glob("*_04.png"):
        path.unlink()
    propose(training_data)
    assert len(masks_of(training_data)) == len(read_unsureness(training_data)) == 4
    (kept,) = (training_data / "backups").iterdir()
    assert (kept / "masks_initial/mask_04.png").is_file()


def test_bad_frames_are_skipped_and_listed_and_the_others_finished(training_data: Path) -> None:
    frames = training_data / "frames"
    damage(frames / "clothed_frame_01.png", 0.5)
    (frames / "base_frame_02.png").unlink()
    Image.fromarray(drawn_pair(3)[0][:40]).save(frames / "base_frame_03.png")
    (frames / "base_frame_04.png").rename(frames / "base_frame_four.png")
    result = run(training_data)
    assert result.returncode == 2 and "Traceback" not in result.stderr
    assert list(masks_of(training_data)) == ["mask_00.png"]
    with open(training_data / "masks_initial/faults.csv", encoding="utf-8", newline="") as file:
        faults = {row["file"]: row["fault"] for row in csv.DictReader(file)}
    assert faults.keys() == {
        "base_frame_01.png", "clothed_frame_02.png", "base_frame_03.png", "base_frame_four.png", "clothed_frame_04.png",
    }  # fmt: skip
    for name, words in (
        ("base_frame_01.png", "clothed_frame_01.png: truncated"),
        ("clothed_frame_02.png", "has no base_frame_02.png"),
        ("base_frame_03.png", "sizes differ"),
    ):
        assert words in faults[name]
    assert "5 skipped, listed in" in result.stderr and "faults.csv" in result.stderr


def test_faults_that_are_mended_are_no_longer_listed(training_data: Path) -> None:
    damage(training_data / "frames/clothed_frame_01.png", 0.5)
    assert propose(training_data).faults == 1 and (training_data / "masks_initial/faults.csv").is_file()
    write_pair(training_data / "frames", None, "01", 1)
    assert propose(training_data).faults == 0
    assert len(masks_of(training_data)) == 5 and not (training_data / "masks_initial/faults.csv").exists()


def test_where_no_frame_can_be_read_nothing_is_written(training_data: Path) -> None:
    propose(training_data)
    before = files_of(training_data / "masks_initial")
    for path in (training_data / "frames").glob("clothed*"):
        damage(path, 0.5)
    with pytest.raises(UserError, match=r"5 faults[^$]*clothed_frame_04\.png: truncated"):
        propose(training_data)
    assert files_of(training_data / "masks_initial") == before
    assert {path.name for path in training_data.iterdir()} == {"frames", "masks_initial"}


def test_an_empty_frame_has_an_empty_mask_and_is_sure(training_data: Path) -> None:
    for half in ("base", "clothed"):
        Image.fromarray(np.zeros((48, 48, 4), np.uint8)).save(training_data / f"frames/{half}_frame_02.png")
    propose(training_data)
    assert not masks_of(training_data)["mask_02.png"].any() and read_unsureness(training_data)["02"] == 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"threshold": -1.0}, ["THRESHOLD is -1"]),
        ({"threshold": float("nan")}, ["THRESHOLD is nan"]),
        ({"tidy_art_px": -1}, ["TIDY_ART_PX is -1"]),
        ({"tiles": 0}, ["TILES is 0"]),
        ({"output": Path("sheet.jpg")}, ["sheet.jpg", ".png"]),
        ({"method": "model", "checkpoint": Path("none/m.pth")}, ["none/m.pth", "no such checkpoint", "METHOD lab or"]),
    ],
)
def test_faulty_settings_stop_before_any_work(
    settings: dict[str, object], words: list[str], training_data: Path
) -> None:
    before = files_of(training_data)
    with pytest.raises(UserError) as error:
        main(training_data=training_data, **{"method": "lab", "output": training_data.parent / "sheet.png"} | settings)
    for word in words:
        assert word in str(error.value)
    assert files_of(training_data) == before and {p.name for p in training_data.parent.iterdir()} == {"mi música"}


def test_a_folder_without_frames_says_so(tmp_path: Path) -> None:
    assert_user_error(run(tmp_path / "td"), "frames", "no such folder of frames")
    with pytest.raises(UserError, match=r"named base_frame_00\.png"):
        propose(touch(tmp_path / "td/frames").parent)
    assert {path.name for path in (tmp_path / "td").iterdir()} == {"frames"}


def write_model(path: Path) -> Path:
    """A checkpoint of an untrained network."""
    import torch

    from masks.model.checkpoint_format import write_checkpoint
    from masks.model.unet import UNet

    torch.manual_seed(0)
    write_checkpoint(path, UNet(), frames=[], settings={}, figures={})
    return path


def test_the_model_proposes_and_is_named(training_data: Path) -> None:
    model = write_model(training_data.parent / "own.pth")
    result = run(training_data, "--method", "model", "--checkpoint", model)
    assert "5 masks by model" in result.stdout and "weights: own.pth" in result.stdout, result.stderr
    assert {mask.shape for mask in masks_of(training_data).values()} == {(48, 48)}
    with open(training_data / "masks_initial/proposals.csv", encoding="utf-8", newline="") as file:
        assert {row["method"] for row in csv.DictReader(file)} == {"model"}
    record = json.loads((training_data.parent / "sheet.json").read_text(encoding="utf-8"))
    assert record["weights"] == ["own.pth"] and str(model) in record["inputs"]


def test_the_model_skips_bad_frames_and_keeps_masks_with_their_frames(training_data: Path) -> None:
    """Frames of several sizes; none may get the mask of another."""
    for number in range(5, 12):
        base, clothed, _ = drawn_pair(number, 40 + 4 * number)
        for half, picture in (("base", base), ("clothed", clothed)):
            Image.fromarray(picture).save(training_data / f"frames/{half}_frame_{number:02d}.png")
    damage(training_data / "frames/base_frame_06.png", 0.5)
    method = model_method(write_model(training_data.parent / "own.pth"))
    pairs = find_pairs(training_data / "frames")
    sources, _ = sources_in(training_data / "frames")
    unsure, faults = propose_all(training_data, sources, {}, method, workers=1)
    put_in_place(training_data, unsure, method)
    assert faults.keys() == {"base_frame_06.png"} and "06" not in unsure and len(unsure) == 11
    for pair in pairs:
        if pair.number in unsure:
            assert masks_of(training_data)[mask_name(pair.number)].shape == read_pair(pair)[0].shape[:2]


def test_a_run_that_was_killed_goes_on_where_it_stopped(training_data: Path) -> None:
    base, clothed, _ = (np.kron(p, np.ones((8, 8) + (1,) * (p.ndim - 2), np.uint8)) for p in drawn_pair(1))
    for number in range(150):
        for half, picture in (("base", base), ("clothed", clothed)):
            picture[:8, :8] = number + 1  # art pixel by art pixel, another one in each frame
            Image.fromarray(picture).save(training_data / f"frames/{half}_frame_{number:02d}.png", compress_level=1)
    command = [sys.executable, str(ROOT / STEP), str(training_data), "--method", "lab", "--output", "sheet.png"]
    command += ["--workers", "1"]
    with subprocess.Popen(command, cwd=training_data.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        wait_until(lambda: len(list((training_data / PART).glob("*.png"))) > 20)
        os.kill(process.pid, signal.SIGKILL)
    assert not (training_data / "masks_initial").exists()
    part = training_data / PART
    with open(part / JOURNAL, "r+", encoding="utf-8") as journal:
        lines = [json.loads(line) for line in journal if line.endswith("\n")]
        finished = [line["name"] for line in lines if "version" in line]
        journal.write('{"name": "99", "ver')  # the process died within a line
    times = {mask_name(number): (part / mask_name(number)).stat().st_mtime_ns for number in finished}
    assert 20 <= len(times) < 150
    propose(training_data)
    assert len(masks_of(training_data)) == len(read_unsureness(training_data)) == 150
    for name, written in times.items():
        assert (training_data / "masks_initial" / name).stat().st_mtime_ns == written, "made twice"
    assert {path.name for path in (training_data / "masks_initial").iterdir()} == {
        *masks_of(training_data),
        "proposals.csv",
    }
    expected = expected_unsureness(*read_pair(find_pairs(training_data / "frames")[99]))
    assert read_unsureness(training_data)["99"] == pytest.approx(expected, abs=1e-4)
    assert not part.exists()


@pytest.mark.parametrize("value", ["1" + "0" * 400, "NaN", '"0.1"', "2"], ids=["huge", "NaN", "text", "above 1"])
def test_an_unsureness_that_is_none_is_measured_again(value: str, training_data: Path) -> None:
    sources, _ = sources_in(training_data / "frames")
    expected = propose_all(training_data, sources, {}, by_threshold(), workers=1)
    journal = training_data / PART / JOURNAL
    text = journal.read_text(encoding="utf-8")
    journal.write_text(re.sub(r'"unsureness": [^}]*', f'"unsureness": {value}', text), encoding="utf-8")
    with pytest.warns(UserWarning, match="damaged lines ignored"):
        assert propose_all(training_data, sources, {}, by_threshold(), workers=1) == expected


def test_a_run_that_was_killed_while_it_put_masks_in_place_is_done_anew(training_data: Path) -> None:
    sources, _ = sources_in(training_data / "frames")
    propose_all(training_data, sources, {}, by_threshold(), workers=1)
    half = part_path(training_data / "masks_initial")
    (training_data / PART).rename(half)
    (half / JOURNAL).unlink()
    assert run(training_data).returncode == 0
    assert len(masks_of(training_data)) == len(sources) and not half.exists()


def test_a_hidden_folder_that_is_a_link_is_refused(training_data: Path) -> None:
    victim = training_data.parent / "victim"
    victim.mkdir()
    try:
        (training_data / PART).symlink_to(victim)
    except OSError:
        pytest.skip("no right to make links")
    assert_user_error(run(training_data), "is a link")
    assert not list(victim.iterdir())


def wait_until(is_so: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def test_an_interrupted_run_of_other_settings_or_frames_starts_anew(training_data: Path) -> None:
    pairs = find_pairs(training_data / "frames")
    sources, _ = sources_in(training_data / "frames")
    propose_all(training_data, sources[:3], {}, by_threshold(), workers=1)
    assert {path.name for path in (training_data / PART).glob("mask_*")} == {mask_name(f"{n:02d}") for n in range(3)}
    method = by_threshold("difference", 250.0)
    unsure, _ = propose_all(training_data, sources, {}, method, workers=1)
    put_in_place(training_data, unsure, method)
    for pair in pairs:
        mask, _ = propose_pair(*read_pair(pair), "difference", 250.0)
        assert (masks_of(training_data)[mask_name(pair.number)] == mask).all()
        assert (mask != drawn_pair(int(pair.number))[2]).any()


def test_the_contact_sheet_shows_the_most_unsure_frames_alone(training_data: Path) -> None:
    method = by_threshold()
    sources, _ = sources_in(training_data / "frames")
    unsure, _ = propose_all(training_data, sources, {}, method, workers=1)
    put_in_place(training_data, unsure, method)
    assert sorted(unsure) == sorted(most_unsure(unsure))
    small, large = (contact_sheet(training_data, sources, unsure, tiles, "lab") for tiles in (1, 5))
    assert small.width < large.width and small.mode == "RGB"
    alone = contact_sheet(training_data, sources, {most_unsure(unsure)[0]: max(unsure.values())}, 5, "lab")
    tile = (0, 100, 280, 300)
    assert small.crop(tile).tobytes() == alone.crop(tile).tobytes()


@needs_bad_inputs
def test_hostile_pictures_are_skipped_or_get_a_mask(tmp_path: Path) -> None:
    pictures = hostile_pictures(tmp_path / "images")
    frames = touch(tmp_path / "td/frames")
    for number, (source, _) in enumerate(pictures):
        for half in ("base", "clothed"):
            (shutil.copytree if source.is_dir() else shutil.copy)(source, frames / f"{half}_frame_{number:02d}.png")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = propose(tmp_path / "td")
        valid = {f"{n:02d}": read_image(source).size for n, (source, is_valid) in enumerate(pictures) if is_valid}
    assert report.faults == len(pictures) - len(valid) > 5
    masks = masks_of(tmp_path / "td")
    assert {name: mask.shape[::-1] for name, mask in masks.items()} == {mask_name(n): s for n, s in valid.items()}


@needs_real_data("masks")
def test_unsure_frames_are_the_worse_ones_on_real_sprites(tmp_path: Path) -> None:
    sets = REAL_DATA / "masks"
    scores = []
    for name in ("walk_south", "ulpc_walk_south"):
        folder = tmp_path / name
        shutil.copytree(sets / f"frames_backup_{name}", folder / "frames")
        propose(folder)
        unsure = read_unsureness(folder)
        for number, mask in zip(unsure, masks_of(folder).values(), strict=True):
            truth = read_mask(sets / f"masks_backup_{name}" / mask_name(number))
            scores.append((unsure[number], f1_score(mask, truth)))
    ordered = [score for _, score in sorted(scores)]
    assert np.mean(ordered) > 0.92
    assert np.mean(ordered[:10]) > np.mean(ordered[-10:]) + 0.02
