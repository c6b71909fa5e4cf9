"""Inference.py as a user runs it: a person, a folder of people, what is kept and made anew, bad input, kills."""

import csv
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from carousel.fusion.checkpoint_format import write_checkpoint
from carousel.fusion.inference import load_model
from carousel.fusion.network import FusionNetwork
from carousel.Inference import PERSON, SCENE, main
from carousel.staging import overview_pictures, scene_fusion
from carousel.staging.fusion_batch import people_in
from carousel.staging.person_cutout import read_cutout
from common.errors import UserError
from common.grids import evenly
from common.people.selection import SegmentedPerson
from common.runner import Report
from tests.carousel.staging.test_compositing import drawn_person, lively_network, scene_of
from tests.helpers import ROOT, needs_bad_inputs, run_script, with_settings
from tests.masks.sample_sets import files_of, hostile_pictures

pytestmark = pytest.mark.slow
SCRIPT = "carousel/Inference.py"
NAMES = ["Ada", "person 2", "person 10", "Júlia – CRUÏLLA 🎸"]


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def _load_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The network of `checkpoint` is built once; building takes longer than all else that these tests do."""
    monkeypatch.setattr(scene_fusion, "load_model", loaded)


@functools.cache
def loaded(path: Path) -> tuple[FusionNetwork, torch.device]:
    return load_model(path)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network whose answers mean nothing."""
    path = tmp_path_factory.mktemp("weights") / "small.pth"
    write_checkpoint(path, lively_network(), settings={}, figures={})
    return path


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    return save(tmp_path / "scene.png", scene_of())


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A folder of cut-outs, with a space and an accent in its name, and files of other kinds."""
    folder = tmp_path / "la meva gent – à"
    for seed, name in enumerate(NAMES):
        save(folder / f"{name}.png", drawn_person(seed=seed))
    (folder / "notes.txt").write_text("x", encoding="utf-8")
    (folder / ".hidden.png").write_text("x", encoding="utf-8")
    return folder


def save(path: Path, pixels: np.ndarray, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


def infer(scene: Path, person: Path, checkpoint: Path, **settings: Any) -> Report:
    """Without looking for people in the scene, which takes weights."""
    defaults = {"output": scene.parent / "out", "find_people": False}
    return with_settings(main)(scene=scene, person=person, checkpoint=checkpoint, **{**defaults, **settings})


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def faults_in(folder: Path) -> dict[str, str]:
    with open(folder / "faults.csv", encoding="utf-8", newline="") as file:
        return {row["file"]: row["fault"] for row in csv.DictReader(file)}


# ---- one person ----


def test_a_person_is_fused_into_a_scene(tmp_path: Path, scene: Path, people: Path, checkpoint: Path) -> None:
    flags = ("--scene", scene, "--person", people / "Ada.png", "--checkpoint", checkpoint, "--no-find-people")
    result = run_script(SCRIPT, *flags, "--output", tmp_path / "made.png", "--shadow", 0, "--height", 0.6, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "placed: X 0.5" in result.stdout and "HEIGHT 0.600" in result.stdout and "shadow" not in result.stdout
    picture, before = read(tmp_path / "made.png"), read(scene)
    assert picture.shape == before.shape == (150, 200, 3)
    changed = (picture != before).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert 0.02 < changed.mean() < 0.3
    assert 85 <= np.ptp(rows) <= 95 and rows.max() <= 150 and 60 < columns.min() < columns.max() < 140
    record = json.loads((tmp_path / "made.json").read_text(encoding="utf-8"))
    assert record["figures"]["height"] == 0.6 and record["weights"] == ["small.pth"]
    assert len(record["inputs"]) == 3
    strip = read(tmp_path / "made_before_after.png")
    assert strip.shape[1] > 3 * overview_pictures.PANEL_PX and len(np.unique(strip.reshape(-1, 3), axis=0)) > 1000


def test_settings_place_the_feet(scene: Path, people: Path, checkpoint: Path) -> None:
    report = infer(scene, people / "Ada.png", checkpoint, x=0.25, foot=0.8, height=0.4, shadow=0.0)
    rows, columns = np.nonzero((read(report.output) != read(scene)).any(axis=2))
    assert rows.max() + 1 == pytest.approx(120, abs=2) and rows.min() == pytest.approx(60, abs=2)
    assert (columns.min() + columns.max()) / 2 == pytest.approx(50, abs=3)
    assert report.output == scene.parent / "out/Ada.png"


def test_a_shadow_is_said_and_darkens_the_ground(
    scene: Path, people: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {"x": 0.5, "foot": 0.9, "height": 0.6}
    with_shadow = read(infer(scene, people / "Ada.png", checkpoint, shadow=1.0, **settings).output)
    assert "SHADOW 0 leaves the scene as it is" in capsys.readouterr().out
    without = read(infer(scene, people / "Ada.png", checkpoint, shadow=0.0, **settings).output)
    assert "SHADOW" not in capsys.readouterr().out
    untouched = (without == read(scene)).all(axis=2)
    assert (with_shadow[untouched] <= without[untouched]).all()
    assert (with_shadow[untouched] < without[untouched]).any()


def test_a_photo_is_cut_out_by_the_masks_beside_it(scene: Path, tmp_path: Path, checkpoint: Path) -> None:
    photo = scene_of(5, (160, 120))
    mask = np.zeros((160, 120), np.uint8)
    mask[20:150, 40:80] = 255
    save(tmp_path / "me.jpg", photo, quality=95)
    save(tmp_path / "me_mask.png", mask)
    report = infer(scene, tmp_path / "me.jpg", checkpoint, segmenter="files", height=0.6, shadow=0.0)
    changed = (read(report.output) != read(scene)).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert np.ptp(rows) == pytest.approx(90, abs=8) and np.ptp(columns) == pytest.approx(28, abs=8)
    assert report.weights == ["small.pth"]


def test_people_in_the_scene_say_where_there_is_room(
    scene: Path, people: Path, tmp_path: Path, checkpoint: Path
) -> None:
    """Somebody stands on the left: about as high, on about the same line, but on the right."""
    mask = np.zeros((150, 200), np.uint8)
    mask[50:140, 20:110] = 255
    mask[50:140, 50:80] = 255
    save(tmp_path / "scene_mask.png", np.where(np.arange(200) < 80, mask, 0).astype(np.uint8))
    report = infer(scene, people / "Ada.png", checkpoint, find_people=True, segmenter="files", shadow=0.0)
    assert report.figures["people in the scene"] == 1
    rows, columns = np.nonzero((read(report.output) != read(scene)).any(axis=2))
    assert columns.min() >= 78 and np.ptp(rows) == pytest.approx(90, abs=12)
    assert rows.max() == pytest.approx(140, abs=12)


def test_what_a_camera_wrote_is_dropped(tmp_path: Path, people: Path, checkpoint: Path) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Camera of Somebody"
    scene = save(tmp_path / "scene.jpg", scene_of(), exif=exif)
    report = infer(scene, people / "Ada.png", checkpoint)
    data = report.output.read_bytes()
    assert b"Somebody" not in data and b"eXIf" not in data
    assert read(report.output).shape == (200, 150, 3)


@pytest.mark.parametrize("height", [1.5, 3.0])
def test_a_person_larger_than_the_scene_is_cut_by_its_edges(
    scene: Path, people: Path, checkpoint: Path, height: float
) -> None:
    report = infer(scene, people / "Ada.png", checkpoint, x=0.5, foot=1.0, height=height)
    assert read(report.output).shape == (150, 200, 3)


def test_enlargement_is_said(scene: Path, tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = save(tmp_path / "small.png", drawn_person(24))
    infer(scene, small, checkpoint, height=0.8)
    assert "small.png: enlarged" in capsys.readouterr().out
    infer(scene, save(tmp_path / "large.png", drawn_person(200)), checkpoint, height=0.8)
    assert "enlarged" not in capsys.readouterr().out


def test_a_half_figure_stands_at_the_lower_edge_without_a_shadow(scene: Path, tmp_path: Path, checkpoint: Path) -> None:
    half = save(tmp_path / "half.png", drawn_person(240)[:110])
    report = infer(scene, half, checkpoint)
    assert report.figures["foot"] == 1 and report.figures["px changed by the shadow"] == 0
    assert (read(report.output)[-1] != read(scene)[-1]).any()
    whole = infer(scene, half, checkpoint, half_figure=False)
    assert isinstance(whole.figures["foot"], float) and whole.figures["foot"] < 1


# ---- a folder of people ----


def test_a_folder_makes_a_carousel(scene: Path, people: Path, checkpoint: Path) -> None:
    report = infer(scene, people, checkpoint, gif_px=120)
    assert report.figures == {"people": 4, "fused now": 4, "people in the scene": 0} and len(report.inputs) == 6
    out = scene.parent / "out"
    names = {f"{name}.png" for name in NAMES}
    assert {path.name for path in (out / "fused").iterdir()} == names
    assert {path.name for path in (out / "before_after").iterdir()} == names
    assert all(read(out / "fused" / name).shape == (150, 200, 3) for name in names)
    assert read(out / "contact_sheet.png").std() > 10
    with Image.open(out / "carousel.gif") as animation:
        assert (animation.n_frames, animation.size, animation.info["loop"]) == (4, (120, 90), 0)  # type: ignore[attr-defined]
        assert animation.info["duration"] == 800
    assert not list(out.rglob("*.part"))


def test_only_what_has_changed_is_made_anew(scene: Path, people: Path, checkpoint: Path) -> None:
    for name in NAMES[2:]:
        (people / f"{name}.png").unlink()

    def made(**settings: Any) -> object:
        return infer(scene, people, checkpoint, gif_px=64, **settings).figures["fused now"]

    assert made() == 2
    before = files_of(scene.parent / "out")
    assert made() == 0 and files_of(scene.parent / "out") == before
    save(people / "Ada.png", drawn_person(seed=9))
    assert made() == 1
    (scene.parent / "out/fused/person 2.png").unlink()
    assert made() == 1
    assert made(shadow=0.1) == 2 and made(shadow=0.1, tiles=1) == 0
    save(scene, scene_of(8))
    assert made() == 2
    (people / "Ada.png").unlink()
    assert made() == 0 and not (scene.parent / "out/fused/Ada.png").exists()


def test_another_mask_makes_its_person_anew(scene: Path, people: Path, tmp_path: Path, checkpoint: Path) -> None:
    mask = np.zeros((160, 120), np.uint8)
    mask[20:150, 40:80] = 255
    save(people / "photo.png", scene_of(5, (160, 120)))
    for path in people.glob("*.png"):
        save(tmp_path / "masks" / path.name, mask)

    def made() -> object:
        return infer(scene, people, checkpoint, segmenter="files", masks=tmp_path / "masks").figures["fused now"]

    assert made() == 5 and made() == 0
    mask[20:40] = 0
    save(tmp_path / "masks/photo.png", mask)
    assert made() == 1


def test_a_segmenter_that_cannot_be_loaded_ends_the_run(scene: Path, people: Path, checkpoint: Path) -> None:
    save(people / "photo.png", scene_of(5, (160, 120)))
    with pytest.raises(UserError, match=r"gone: no such folder of masks"):
        infer(scene, people, checkpoint, segmenter="files", masks=Path("gone"))
    assert not (scene.parent / "out/faults.csv").exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows allows no such name")
def test_a_backslash_in_a_name_is_a_fault(scene: Path, people: Path, checkpoint: Path) -> None:
    save(people / "a\\b.png", drawn_person())
    report = infer(scene, people, checkpoint)
    assert report.faults == 1 and "backslash" in faults_in(scene.parent / "out")["a\\b.png"]


def test_people_come_in_the_order_of_their_numbers(scene: Path, people: Path) -> None:
    assert list(people_in(people, scene)) == ["Ada", "Júlia – CRUÏLLA 🎸", "person 2", "person 10"]


def test_files_of_one_name_get_names_of_their_own(scene: Path, people: Path) -> None:
    for name in ("Ada.webp", "Ada.webp.png", "PERSON 2.jpg"):
        (people / name).touch()
    found = people_in(people, scene)
    assert len(found) == 7 and {"Ada.png", "Ada.webp", "Ada.webp.png", "person 2.png", "PERSON 2.jpg"} < set(found)
    assert all(path.name in (name, f"{name}.png") for name, path in found.items())


def test_the_scene_in_the_folder_of_people_is_nobody(people: Path) -> None:
    assert "scene" not in people_in(people, save(people / "scene.png", scene_of()))


def test_bad_files_are_skipped_and_listed_and_the_rest_is_done(
    scene: Path, people: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (people / "broken.png").write_bytes((people / "Ada.png").read_bytes()[:500])
    (people / "folder.png").mkdir()
    save(people / "ghost.png", drawn_person() * np.array([1, 1, 1, 0], np.uint8))
    report = infer(scene, people, checkpoint)
    assert report.faults == 3 and report.figures["people"] == 4
    printed = capsys.readouterr()
    assert "4 people in" in printed.out and "4 fused now, 0 were up to date" in printed.out
    for words in ("3 skipped, listed in", "faults.csv", "broken.png", "transparent", "fusing"):
        assert words in printed.err
    faults = faults_in(scene.parent / "out")
    assert faults.keys() == {"broken.png", "folder.png", "ghost.png"}
    assert len(list((scene.parent / "out/fused").iterdir())) == 4

    for name in ("broken.png", "ghost.png"):
        (people / name).unlink()
    (people / "folder.png").rmdir()
    report = infer(scene, people, checkpoint)
    assert report.faults == 0 and report.figures["fused now"] == 0
    assert not (scene.parent / "out/faults.csv").exists()


def test_nothing_but_bad_files_ends_with_their_faults(scene: Path, tmp_path: Path, checkpoint: Path) -> None:
    (tmp_path / "people").mkdir()
    for name in ("a.png", "b.png"):
        (tmp_path / "people" / name).write_text("x")
    with pytest.raises(UserError, match="2 faults"):
        infer(scene, tmp_path / "people", checkpoint)


def test_files_of_others_are_never_replaced(scene: Path, people: Path, checkpoint: Path) -> None:
    mine = save(scene.parent / "out/fused/Ada.png", scene_of(3))
    before = mine.read_bytes()
    with pytest.raises(UserError, match=r"Ada\.png: not made by a run in this folder; set OUTPUT to another one"):
        infer(scene, people, checkpoint)
    assert mine.read_bytes() == before


def test_a_killed_run_goes_on_where_it_stopped(scene: Path, people: Path, checkpoint: Path) -> None:
    for seed in range(6):
        save(people / f"more {seed}.png", drawn_person(seed=20 + seed))
    out = scene.parent / "out"
    flags = ["--scene", scene, "--person", people, "--checkpoint", checkpoint, "--output", out, "--no-find-people"]
    process = subprocess.Popen(
        [sys.executable, str(ROOT / SCRIPT), *map(str, flags)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    limit = time.monotonic() + 100
    while len(list((out / "fused").glob("[!.]*.png"))) < 2 and process.poll() is None and time.monotonic() < limit:
        time.sleep(0.02)
    process.kill()
    assert process.wait() in (-signal.SIGKILL, 0), "0: it was done before a busy machine got to killing it"
    there = len(list((out / "fused").glob("[!.]*.png")))
    assert there >= 2
    report = infer(scene, people, checkpoint)
    assert report.figures["people"] == 10 and 10 - there <= int(str(report.figures["fused now"])) <= 11 - there
    infer(scene, people, checkpoint, output=scene.parent / "undisturbed")
    for kind in ("fused", "before_after"):
        assert files_of(out / kind) == files_of(scene.parent / "undisturbed" / kind)
    assert not list(out.rglob("*.part"))


def test_the_drawn_people_can_all_be_used() -> None:
    """Every third of them is a half figure."""
    people = people_in(PERSON, SCENE)
    figures = [read_cutout(path, nobody) for path in people.values()]
    assert len(figures) >= 6 and scene_fusion.read_scene(SCENE).shape[1] > 400
    assert [figure.silhouette.is_half for figure in figures] == [n % 3 == 2 for n in range(len(figures))]


def nobody(photo: np.ndarray, source: Path) -> list[SegmentedPerson]:
    return []


# ---- the animation ----


def moving_frames(count: int = 5) -> tuple[np.ndarray, list[np.ndarray]]:
    y, x = np.mgrid[:120, :160]
    scene = np.dstack([x, y, (x + y) // 2]).astype(np.uint8)
    frames = []
    for number in range(count):
        frame = scene.copy()
        frame[30:90, 20 * number : 20 * number + 30] = (250 - 40 * number, 30 + 45 * number, 200)
        frames.append(frame)
    return scene, frames


def frames_of(path: Path) -> list[np.ndarray]:
    frames = []
    with Image.open(path) as animation:
        for number in range(animation.n_frames):  # type: ignore[attr-defined]
            animation.seek(number)
            frames.append(np.asarray(animation.convert("RGB")))
    return frames


def test_an_animation_keeps_the_scene_still_and_the_colours_of_people(tmp_path: Path) -> None:
    scene, frames = moving_frames()
    assert overview_pictures.write_animation(tmp_path / "a.gif", scene, frames, 0.5, 10**7) == (160, 120)
    seen = frames_of(tmp_path / "a.gif")
    assert len(seen) == len(frames)
    for number, (one, frame) in enumerate(zip(seen, frames, strict=True)):
        changed = (frame != scene).any(axis=2)
        assert np.abs(one.astype(int) - frame)[changed].max() <= 4
        assert np.abs(one.astype(int) - frame).mean() < 8
        still = ~changed & ~(frames[0] != scene).any(axis=2)
        assert (one[still] == seen[0][still]).all(), number


def test_an_animation_shrinks_until_it_is_small_enough(tmp_path: Path) -> None:
    scene, frames = moving_frames()
    noise = [np.random.default_rng(n).integers(0, 256, scene.shape, np.uint8) for n in range(2)]
    size = overview_pictures.write_animation(tmp_path / "a.gif", scene, noise, 0.5, 20_000)
    assert (tmp_path / "a.gif").stat().st_size <= 20_000 and size[0] < 160
    assert size[0] / size[1] == pytest.approx(4 / 3, rel=0.03)
    assert len(frames_of(tmp_path / "a.gif")) == 2
    overview_pictures.write_animation(tmp_path / "b.gif", scene, [scene, frames[0]], 0.5, 10**6)
    assert (tmp_path / "b.gif").is_file(), "a frame without anybody"


def test_pictures_are_taken_evenly() -> None:
    assert evenly(range(10), 5) == [0, 2, 4, 6, 8]
    assert evenly([1, 2], 5) == [1, 2]


@pytest.mark.parametrize("shape", [(90, 160), (160, 90), (40, 400), (400, 40)])
def test_strips_of_scenes_of_any_form_show_all_panels(shape: tuple[int, int]) -> None:
    pictures = [np.full((*shape, 3), colour, np.uint8) for colour in (40, 90, 160)]
    window = np.s_[shape[0] // 4 : shape[0] // 2, shape[1] // 4 : shape[1] // 2]
    strip = np.asarray(overview_pictures.before_after(pictures, window, "a title " * 40))
    areas = [(strip == colour).all(axis=2).sum() for colour in (40, 90, 160)]
    assert min(areas) > 0.9 * max(areas) > 10_000
    assert strip.shape[1] < 2100 and strip.shape[0] < 2400


# ---- bad input ----


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, bool]]:
    """Pictures of the collection of bad inputs, in a folder of their own, and whether each can be a scene."""
    empty = {"transparent.png", "hidden_colour.png"}
    pictures = hostile_pictures(tmp_path_factory.mktemp("hostile"))
    return [(path, is_valid and path.name not in empty) for path, is_valid in pictures]


@needs_bad_inputs
def test_hostile_scenes_are_used_or_refused(
    tmp_path: Path, people: Path, checkpoint: Path, hostile: list[tuple[Path, bool]]
) -> None:
    outcomes = {}
    for path, expected in hostile:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                infer(path, people / "Ada.png", checkpoint, output=tmp_path / "out.png")
                outcomes[path.name] = True, expected
            except UserError as error:
                assert path.name in str(error) and "\n" not in str(error)
                outcomes[path.name] = False, expected
    assert len(outcomes) > 20 and {name for name, (was, should) in outcomes.items() if was != should} == set()


@needs_bad_inputs
def test_hostile_people_are_listed(
    tmp_path: Path, scene: Path, people: Path, checkpoint: Path, hostile: list[tuple[Path, bool]]
) -> None:
    """Of those that can be read, none shows a person, and there are no masks for them."""
    shutil.copytree(hostile[0][0].parent, tmp_path / "images")
    shutil.copy(people / "Ada.png", tmp_path / "images")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = infer(scene, tmp_path / "images", checkpoint, segmenter="files")
    assert report.figures["people"] == 1 and report.faults == len(hostile)
    faults = faults_in(tmp_path / "out")
    assert "nothing to see" in faults["transparent.png"] and "nothing to see" in faults["hidden_colour.png"]
    assert all("\n" not in fault for fault in faults.values())


def test_a_scene_with_transparency_is_refused(tmp_path: Path, people: Path, checkpoint: Path) -> None:
    scene = save(
        tmp_path / "scene.png",
        np.dstack([scene_of(), np.where(np.arange(200) < 5, 254, 255)[None].repeat(150, 0)]).astype(np.uint8),
    )
    with pytest.raises(UserError, match=r"scene\.png: is transparent in places; a scene must be opaque"):
        infer(scene, people, checkpoint)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"x": 1.5}, "setting X is 1.5; it must be from 0 to 1"),
        ({"foot": -1.0}, "setting FOOT is -1"),
        ({"height": 0.0}, "setting HEIGHT is 0"),
        ({"shadow": 1.1}, "SHADOW is 1.1"),
        ({"tiles": 0}, "TILES is 0"),
        ({"gif_px": 10}, "GIF_PX is 10"),
        ({"gif_seconds": 0.0}, "GIF_SECONDS is 0"),
        ({"compress_level": 10}, "COMPRESS_LEVEL is 10"),
        ({"checkpoint": Path("gone.pth")}, "gone.pth: no such checkpoint"),
        ({"scene": Path("gone.png")}, "gone.png: no such file"),
        ({"person": Path("gone.png")}, "gone.png: no such file or folder"),
        ({"person": Path("empty")}, "empty: no pictures of people in it"),
        ({"output": Path("x.png")}, "PERSON is a folder, so OUTPUT must be one too"),
        ({"masks": Path("empty"), "find_people": True}, "MASKS.*or place the person without them: --no-find-people"),
        ({"foot": 0.3}, "at or above the horizon"),
    ],
)
def test_faulty_settings_are_said(
    settings: dict[str, Any],
    words: str,
    scene: Path,
    people: Path,
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    defaults: dict[str, Any] = {"scene": scene, "person": people, "checkpoint": checkpoint, "find_people": False}
    with pytest.raises(UserError, match=words):
        with_settings(main)(**{**defaults, "output": Path("out"), **settings})
    assert not list(Path().glob("out/fused/*")) and not Path("x.png").exists()


def test_outputs_never_replace_inputs(scene: Path, people: Path, checkpoint: Path) -> None:
    person = people / "Ada.png"
    before = scene.read_bytes(), person.read_bytes()
    for output in (scene, person, people):
        with pytest.raises(UserError, match="which would replace"):
            infer(scene, person, checkpoint, output=output)
    with pytest.raises(UserError, match="the folder of the people"):
        infer(scene, people, checkpoint, output=people)
    strip = save(scene.parent / "a_before_after.png", scene_of())
    with pytest.raises(UserError, match="which would replace"):
        infer(strip, person, checkpoint, output=scene.parent / "a.png")
    with pytest.raises(UserError, match=r"needs the suffix \.png"):
        infer(scene, person, checkpoint, output=scene.parent / "a.jpg")
    assert (scene.read_bytes(), person.read_bytes()) == before


def test_a_malicious_checkpoint_is_refused(scene: Path, people: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch '{tmp_path / 'owned'}'",)

    torch.save({"format": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(UserError, match=r"evil\.pth: refused"):
        infer(scene, people / "Ada.png", tmp_path / "evil.pth")
    assert not (tmp_path / "owned").exists() and not (tmp_path / "out").exists()
