"""Evaluate.py as a user runs it; the scores, tables and intervals of its machinery; what bad input gets."""

import copy
import csv
import functools
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from carousel.collages.layout import CollageEntry, compose, write_index
from carousel.Evaluate import main
from carousel.fusion.checkpoint_format import write_checkpoint
from carousel.fusion.metrics import foreground_mse, foreground_psnr, psnr, ssim
from carousel.fusion.network import FusionNetwork
from carousel.fusion.training_samples import FusionExample, paste, split
from carousel.measuring.baselines import BASELINES
from carousel.measuring.evaluation import (
    OURS,
    PASTE,
    Scores,
    bootstrap_interval,
    figures,
    format_table,
    measure,
    summary_rows,
)
from carousel.measuring.evaluation_figure import chosen_places
from common.errors import UserError, enough_memory
from common.runner import Report
from common.weights import EMBEDDED
from tests.carousel.helpers import write_collage
from tests.helpers import ROOT, run_script, with_settings

pytestmark = pytest.mark.slow
STEP = "carousel/Evaluate.py"
SIDE = 64
COUNT = 5


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network as it is before training, with a slightly darker light than the identity."""
    torch.manual_seed(0)
    network = FusionNetwork("resnet18", "cnn", "affine", shrink=1).eval()
    network.size_px = SIDE
    with torch.no_grad():
        assert network.local.bias is not None
        network.local.bias[-3:] -= 0.02
    path = tmp_path_factory.mktemp("weights") / "small.pth"
    write_checkpoint(path, network, settings={"held_out_share": 0.5}, figures={})
    return path


def drawn_collages(folder: Path, count: int = COUNT, radius: int = 12) -> Path:
    """A round person before a wall, a scene each; in a folder with a space and an accent."""
    entries = []
    for number in range(count):
        rng = np.random.default_rng(number)
        wall = cv2.GaussianBlur(rng.uniform(0, 255, (SIDE, SIDE, 3)).astype(np.float32), (0, 0), 6)
        wall = cv2.normalize(wall, None, 60, 200, cv2.NORM_MINMAX).astype(np.uint8)  # type: ignore[call-overload]
        mask = cv2.circle(np.zeros((SIDE, SIDE), np.uint8), (24 + 4 * number, 34), radius, 255, -1)
        person = rng.integers(70, 190, (SIDE, SIDE, 3), dtype=np.uint8)
        write_collage(folder / f"{number}.png", compose(paste(wall, person, mask), wall, mask))
        entries.append(
            CollageEntry(f"{number}.png", f"{number}.jpg", f"scene {number}", (0, 0, 64, 64), (0, 0, 9, 9), 1, "t")
        )
    write_index(folder, entries)
    return folder


@pytest.fixture
def collages(tmp_path: Path) -> Path:
    return drawn_collages(tmp_path / "mis imágenes")


def evaluate(collages: Path, checkpoint: Path, **settings: Any) -> Report:
    output = collages.parent / "out/Evaluate.png"
    given: dict[str, Any] = {
        "collages": collages,
        "checkpoint": checkpoint,
        "output": output,
        "split": "all",
        "size_px": SIDE,
    }
    return with_settings(main)(**(given | settings))


def rows_of(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# ---- what comes out ----


def test_a_run_from_any_folder(collages: Path, checkpoint: Path) -> None:
    flags = ["--collages", collages.name, "--checkpoint", checkpoint, "--split", "all", "--output", "out/e.png"]
    result = run_script(STEP, *flags, "--size-px", SIDE, cwd=collages.parent)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("method"))
    assert [line.split("  ")[0] for line in lines[start + 1 : start + 6]] == [*BASELINES, OURS]
    assert f"a pixel outside the mask changed on 0 of {COUNT} pictures" in result.stdout
    out = collages.parent / "out"
    with Image.open(out / "e.png") as picture:
        assert picture.mode == "RGB" and picture.width > 1200 and picture.height > 1200
        assert len(picture.resize((64, 64)).getcolors(1 << 20) or []) > 200
    table = rows_of(out / "e.csv")
    assert [row["method"] for row in table] == [*BASELINES, OURS]
    pictures = rows_of(out / "e_pictures.csv")
    assert len(pictures) == COUNT * len(table)
    decibels = {(row["collage"], row["method"]): float(row["foreground PSNR"]) for row in pictures}
    order = list(dict.fromkeys(row["collage"] for row in pictures))
    gains = [decibels[name, OURS] - decibels[name, PASTE] for name in order]
    assert gains == sorted(gains)
    worst = lines[lines.index("worst pictures: gain of foreground PSNR over pasting") + 1 :][:COUNT]
    assert [line.split()[-1] for line in worst] == order and float(worst[0].split()[0]) == round(gains[0], 2)
    record = json.loads((out / "e.json").read_text(encoding="utf-8"))
    assert record["weights"][0] == "small.pth" and len(record["inputs"]) == COUNT + 1
    assert record["figures"]["pictures"] == COUNT
    printed = lines[start + 5].split()
    assert f"{record['figures'][OURS]['foreground PSNR']:.2f}" in printed
    assert f"{float(table[-1]['SSIM']):.4f}" in printed


def test_help_comes_without_torch() -> None:
    command = [sys.executable, "-X", "importtime", str(ROOT / STEP), "--help"]
    result = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60, check=True)
    assert "--split" in result.stdout and "checkpoint" in result.stdout
    assert "tyro" in result.stderr and "torch" not in result.stderr and "cv2" not in result.stderr


def test_the_same_seed_gives_the_same_scores_and_another_seed_others(collages: Path, checkpoint: Path) -> None:
    pictures = collages.parent / "out/Evaluate_pictures.csv"
    texts = []
    for seed in (0, 0, 1):
        evaluate(collages, checkpoint, seed=seed)
        texts.append(pictures.read_text(encoding="utf-8"))
    assert texts[0] == texts[1] != texts[2]


def test_only_scenes_that_are_held_out_are_measured(collages: Path, checkpoint: Path) -> None:
    from carousel.collages.layout import read_index

    held_out = {entry.collage for entry in split(read_index(collages), 0.5)[1]}
    assert 0 < len(held_out) < COUNT
    evaluate(collages, checkpoint, split="held-out")
    assert {row["collage"] for row in rows_of(collages.parent / "out/Evaluate_pictures.csv")} == held_out


def test_without_its_weights_lpips_is_left_out_and_that_is_said(
    collages: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    absent = replace(EMBEDDED["alexnet.ckpt"], path=collages / "alexnet.ckpt")
    monkeypatch.setitem(EMBEDDED, "alexnet.ckpt", absent)
    report = evaluate(collages, checkpoint)
    printed = capsys.readouterr()
    assert "LPIPS is left out" in printed.err and "python3 run.py fetch alexnet.ckpt" in printed.err
    assert "LPIPS" not in printed.out and report.weights == ["small.pth"]
    assert "LPIPS" not in rows_of(collages.parent / "out/Evaluate.csv")[0]


# ---- scores ----


def drawn_examples(count: int = 4) -> list[FusionExample]:
    examples = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        background, avatar, truth = rng.integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
        mask = np.zeros((32, 32), np.uint8)
        mask[8 : 20 + seed, 5:25] = 255
        examples.append(FusionExample(background, avatar, mask, paste(background, truth, mask)))
    return examples


def perfect_on_every_second() -> Any:
    """A model that gives the truth on every second example, pastes on the others, and once changes the scene."""
    examples = iter(drawn_examples())
    count = iter(range(100))

    def ours(background: np.ndarray, avatar: np.ndarray, mask: np.ndarray) -> np.ndarray:
        number, example = next(count), next(examples)
        fused = example.truth.copy() if number % 2 == 0 else paste(background, avatar, mask)
        if number == 3:
            fused[0, 0] ^= 1
        return fused

    return ours


def measured() -> Scores:
    items = [(f"{n}.png", f"scene {n // 2}", functools.partial(copy.copy, e)) for n, e in enumerate(drawn_examples())]
    return measure(items, BASELINES | {OURS: perfect_on_every_second()}, None)


def test_scores_are_the_metrics_of_each_picture() -> None:
    scores = measured()
    for place, example in enumerate(drawn_examples()):
        pasted = paste(example.background, example.avatar, example.mask)
        values = {name: column[place] for name, column in scores.values[PASTE].items()}
        assert values == {
            "PSNR": psnr(pasted, example.truth),
            "SSIM": ssim(pasted, example.truth),
            "foreground PSNR": foreground_psnr(pasted, example.truth, example.mask),
            "fMSE": foreground_mse(pasted, example.truth, example.mask),
        }
    assert scores.changed == dict.fromkeys(BASELINES, 0) | {OURS: 1}


def test_the_summary_says_gain_and_share() -> None:
    scores = measured()
    rows = {str(row["method"]): row for row in summary_rows(scores)}
    gains = [100 - before if n % 2 == 0 else 0 for n, before in enumerate(scores.values[PASTE]["foreground PSNR"])]
    assert rows[OURS]["gain"] == pytest.approx(np.mean(gains))
    assert rows[PASTE]["gain"] == 0 and rows[PASTE]["ours_better"] == 0.5, "a tie is not better"
    assert rows[OURS]["ours_better"] == ""
    assert figures(scores)["scenes"] == 2
    table = format_table(scores).splitlines()
    assert len(table) == 1 + len(BASELINES) + 1 and len({len(line) for line in table[2:5]}) == 1
    assert table[1].split()[-1] == "50%"


def test_strips_show_the_highest_the_middle_and_the_lowest_gain() -> None:
    scores = measured()
    scores.values[OURS]["foreground PSNR"] = scores.values[PASTE]["foreground PSNR"] + [3.0, -1.0, 5.0, 2.0]
    assert chosen_places(scores) == {"best": 2, "median": 0, "worst": 1}


def test_an_empty_mask_names_the_picture() -> None:
    example = drawn_examples(1)[0]
    empty = replace(example, mask=np.zeros_like(example.mask))
    with pytest.raises(UserError, match=r"7\.png: the person disappears at 32 px; raise SIZE_PX"):
        measure([("7.png", "s", lambda: empty)], BASELINES, None)


# ---- intervals ----


def test_the_interval_of_many_independent_gains_is_the_normal_one() -> None:
    gains = np.random.default_rng(0).normal(2, 3, 400)
    low, high = bootstrap_interval(gains, [str(n) for n in range(400)])
    half = 1.96 * gains.std() / 20
    assert (low, high) == pytest.approx((gains.mean() - half, gains.mean() + half), abs=0.04)
    assert bootstrap_interval(gains, [str(n) for n in range(400)]) == (low, high), "the same at each call"


def test_more_pictures_of_the_same_scenes_make_no_interval_narrower() -> None:
    gains = np.random.default_rng(0).normal(2, 3, 30)
    scenes = [str(n) for n in range(30)]
    assert bootstrap_interval(np.tile(gains, 9), scenes * 9) == pytest.approx(bootstrap_interval(gains, scenes))
    low, high = bootstrap_interval(np.tile(gains, 9), [str(n) for n in range(270)])
    assert high - low < 2.5


def test_gains_that_do_not_differ_and_a_single_scene_have_no_width() -> None:
    assert bootstrap_interval(np.full(5, 1.5), list("abcde")) == (1.5, 1.5)
    assert bootstrap_interval(np.array([1.0, 2.0]), ["a", "a"]) == (1.5, 1.5)


# ---- bad input ----


class _Attack:
    def __reduce__(self) -> Any:
        return os.mkdir, ("broken_in",)


def test_all_faults_of_the_folder_are_listed_before_any_work(collages: Path, checkpoint: Path) -> None:
    wide = Image.open(collages / "0.png")
    wide.crop((0, 0, 250, SIDE)).save(collages / "0.png")
    pixels = np.asarray(Image.open(collages / "1.png")).copy()
    pixels[:, 3 * SIDE :] = 255 - pixels[:, 3 * SIDE :]
    Image.fromarray(pixels).save(collages / "1.png")
    pixels[:, 3 * SIDE :] = 128
    Image.fromarray(pixels).save(collages / "2.png")
    pixels[:, 3 * SIDE :] = 0
    Image.fromarray(pixels).save(collages / "3.png")
    (collages / "4.png").write_bytes(b"")
    with pytest.raises(UserError) as error:
        evaluate(collages, checkpoint)
    words = ["5 faults", "0.png: 250 x 64 px", "1.png: the mask panel is inverted", "2.png: the mask panel is soft"]
    for word in [*words, "3.png: the mask panel is empty", "4.png: is empty"]:
        assert word in str(error.value)
    assert not (collages.parent / "out").exists()


@pytest.mark.parametrize("content", [b"", b"no checkpoint", pickle.dumps(_Attack())], ids=["empty", "text", "attack"])
def test_what_is_no_checkpoint_is_refused(
    content: bytes, collages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "model.pth"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"model\.pth: (damaged|refused)"):
        evaluate(collages, path)
    assert not (tmp_path / "broken_in").exists()


def test_a_checkpoint_of_the_other_decoder_is_refused(collages: Path, checkpoint: Path, tmp_path: Path) -> None:
    content = torch.load(checkpoint, weights_only=True)
    torch.save(content | {"network": content["network"] | {"decoder": "transformer"}}, tmp_path / "other.pth")
    with pytest.raises(UserError, match=r"other\.pth: its tensors do not match"):
        evaluate(collages, tmp_path / "other.pth")


def test_missing_things_are_named(collages: Path, checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.pth: no such checkpoint"):
        evaluate(collages, tmp_path / "nowhere/none.pth")
    with pytest.raises(UserError, match=r"nowhere: no such folder of collages"):
        evaluate(tmp_path / "nowhere", checkpoint)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"empty: contains no collages"):
        evaluate(tmp_path / "empty", checkpoint)
    content = torch.load(checkpoint)
    silent = tmp_path / "silent.pth"
    torch.save({**content, "settings": {}}, silent)
    with pytest.raises(UserError, match=r"none of its 5 collages is held out; set SPLIT to all"):
        evaluate(collages, silent, split="held-out")
    torch.save({**content, "settings": {"held_out_share": "half"}}, silent)
    with pytest.raises(UserError, match=r"silent\.pth: damaged, its held_out_share is 'half'"):
        evaluate(collages, silent, split="held-out")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"size_px": 32}, "setting SIZE_PX is 32"),
        ({"seed": -1}, "setting SEED is -1"),
        ({"output": Path("table.csv")}, "setting OUTPUT is table.csv"),
    ],
)
def test_settings_out_of_range_are_named(
    settings: dict[str, Any], words: str, collages: Path, checkpoint: Path
) -> None:
    with pytest.raises(UserError, match=words):
        evaluate(collages, checkpoint, **settings)


def test_a_person_who_vanishes_at_a_small_size_is_named(tmp_path: Path, checkpoint: Path) -> None:
    side = 512
    mask = np.zeros((side, side), np.uint8)
    mask[100:104, 100:103] = 255
    picture = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    write_collage(tmp_path / "c/tiny.png", compose(picture, picture, mask))
    with pytest.raises(UserError, match=r"tiny\.png: the person disappears at 64 px"):
        evaluate(tmp_path / "c", checkpoint)


def test_out_of_memory_names_a_remedy_and_other_errors_keep_their_traceback() -> None:
    def full(kind: str) -> None:
        if kind == "numpy":
            np.empty((1 << 20, 1 << 20, 1 << 10))
        torch.empty(1 << 50)

    for kind in ("numpy", "torch"):
        with pytest.raises(UserError, match="not enough memory; lower SIZE_PX"), enough_memory("lower SIZE_PX"):
            full(kind)
    with pytest.raises(RuntimeError, match="shape"), enough_memory("lower SIZE_PX"):
        torch.zeros(2).view(3)
