"""6_evaluate_masks.py and what it is made of: scores against naive ones, seen and held out apart, table and figure."""

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from common.errors import UserError
from common.paths import CHECKPOINTS, DATA
from masks.model.checkpoint_format import load_network, write_checkpoint
from masks.model.evaluation import (
    FOUND,
    HELD_OUT,
    INVENTED,
    MISSED,
    SEEN,
    SetScore,
    draw_scores,
    evaluate,
    example_tiles,
    format_table,
    write_frame_scores,
)
from masks.model.inference import predict_masks
from masks.model.metrics import boundary_f1, f1_score
from masks.model.threshold_baselines import best_threshold
from masks.sets.pairs import FramePair, read_mask, read_pair
from masks.sets.training_sets import FrameSet, frame_keys, gather_training_data
from tests.helpers import assert_user_error, load_main, run_script
from tests.masks.model.test_unet import lively_network
from tests.masks.sample_sets import damage, write_archive, write_working_set

pytestmark = pytest.mark.slow
STEP = "masks/6_evaluate_masks.py"

main = load_main(STEP)


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def training_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two archived sets and a working set with two reviewed frames."""
    folder = tmp_path_factory.mktemp("data") / "mis imágenes"
    write_archive(folder, "walk_east", range(5))
    write_archive(folder, "run_west", range(20, 23))
    write_working_set(folder, range(40, 43), ["00", "02"])
    return folder


@pytest.fixture(scope="module")
def sets(training_data: Path) -> dict[str, FrameSet]:
    return {frame_set.name: frame_set for frame_set in gather_training_data(training_data)}


@pytest.fixture(scope="module")
def scores(sets: dict[str, FrameSet]) -> list[SetScore]:
    return evaluate(lively_network((6, 8), seed=3), [sets["walk_east"]], [sets["run_west"], sets["working set"]])


def truth_of(pair: FramePair) -> np.ndarray:
    assert pair.mask is not None
    return read_mask(pair.mask)


def made_up(name: str, role: str, pairs: list[FramePair], f1: list[float], threshold: float) -> SetScore:
    """Scores that nothing reached, for tables."""
    masks = [(index, truth_of(pairs[index])) for index in (0, 0, 0)]
    return SetScore(name, role, pairs[: len(f1)], f1, [x / 2 for x in f1], 12, [threshold] * len(f1), masks)


# ---- scores ----


def test_scores_are_the_naive_ones(scores: list[SetScore], sets: dict[str, FrameSet]) -> None:
    network = lively_network((6, 8), seed=3)
    assert [(score.name, score.role) for score in scores] == [
        ("walk_east", SEEN),
        ("run_west", HELD_OUT),
        ("working set", HELD_OUT),
    ]
    for score in scores:
        pairs = sets[score.name].pairs
        truths = [truth_of(pair) for pair in pairs]
        masks = list(predict_masks(network, [read_pair(pair) for pair in pairs], torch.device("cpu")))
        assert score.pairs == pairs
        assert score.f1 == pytest.approx([f1_score(*both) for both in zip(masks, truths, strict=True)])
        assert score.boundary_f1 == pytest.approx([boundary_f1(*both, 2) for both in zip(masks, truths, strict=True)])
        assert (score.threshold, score.threshold_f1) == best_threshold([read_pair(p) for p in pairs], truths)
        assert score.mean_f1 == pytest.approx(sum(score.f1) / len(pairs))
        for (index, mask), rank in zip(score.examples, (max, None, min), strict=True):
            assert (mask == masks[index]).all() and mask.dtype == np.uint8
            assert score.f1[index] == (rank(score.f1) if rank else sorted(score.f1)[len(pairs) // 2])


def test_the_model_that_ships_beats_the_best_threshold_on_our_own_sprites() -> None:
    """Three frames of each set, as the demo shows them."""
    drawn = [FrameSet(s.name, s.pairs[::10]) for s in gather_training_data(DATA / "masks")]
    for score in evaluate(load_network(CHECKPOINTS / "masks/mask_model.pth")[0], [], drawn):
        assert score.mean_f1 > max(0.93, float(np.mean(score.threshold_f1))), (score.name, score.f1)


# ---- table ----


def test_the_table_holds_means_lows_highs_and_what_changed(sets: dict[str, FrameSet]) -> None:
    pairs = sets["walk_east"].pairs
    ours = [
        made_up("walk_east", SEEN, pairs, [0.9, 0.99, 0.96], 0.8),
        made_up("a name that is longer than any other one", HELD_OUT, pairs, [0.5], 0.25),
        made_up("run_west", HELD_OUT, pairs, [0.7], 0.35),
    ]
    before = [made_up("walk_east", SEEN, pairs, [0.9, 0.9, 0.9], 0.8)]
    lines = format_table(ours, before).splitlines()
    cells = {line.split("  ")[0].strip(): line.split() for line in lines}
    assert "change" in lines[0] and len({len(line) for line in lines[1:2]}) == 1
    assert cells["walk_east"][1:] == ["seen", "3", "0.950", "0.900", "0.990", "0.475", "0.900", "+0.050"]
    assert cells["run_west"][1:] == ["held", "out", "1", "0.700", "0.700", "0.700", "0.350"]
    assert lines[2].split() == ["best", "threshold", "(12)", "0.800", "0.800", "0.800"]
    assert "mean of seen sets: 0.950, by the best threshold 0.800" in lines
    assert "mean of held out sets: 0.600, by the best threshold 0.300" in lines
    column = lines[1].index("0.950")
    assert all(
        line[column : column + 5] == f"{value:.3f}" for line, value in zip(lines[2:5], (0.8, 0.5, 0.25), strict=True)
    )


def test_the_table_of_a_first_model_has_no_column_for_changes(scores: list[SetScore]) -> None:
    table = format_table(scores)
    assert "change" not in table and table.count("best threshold (") == 3
    assert "mean of seen" in table and "mean of held out" in table
    assert "mean of seen" not in format_table(scores[1:])


def test_the_csv_has_a_row_for_each_frame(scores: list[SetScore], tmp_path: Path) -> None:
    write_frame_scores(scores, tmp_path / "scores.csv")
    with open(tmp_path / "scores.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["set"], row["role"], row["frame"]) for row in rows] == [
        (score.name, score.role, pair.number) for score in scores for pair in score.pairs
    ]
    for name in ("f1", "boundary_f1", "threshold_f1"):
        values = [value for score in scores for value in getattr(score, name)]
        assert [float(row[name]) for row in rows] == pytest.approx(values, abs=1e-4)


# ---- figure ----


def share_like(tile: np.ndarray, colour: str) -> float:
    """Share of pixels whose colour leans towards another one: marked parts are mixed with the picture's grey."""
    ink = np.array(list(bytes.fromhex(colour[1:])), float)
    pale = tile.astype(float) - tile.mean(axis=2, keepdims=True)
    ink -= ink.mean()
    length = np.linalg.norm(pale, axis=2)
    return float(((pale @ ink > 0.97 * np.linalg.norm(ink) * length) & (length > 20)).mean())


@pytest.mark.parametrize(
    ("damaged", "colours"),
    [
        ("nothing", {FOUND}),
        ("all missed", {MISSED}),
        ("too much", {FOUND, INVENTED}),
        ("moved", {FOUND, INVENTED, MISSED}),
    ],
)
def test_errors_are_marked_in_their_colours(damaged: str, colours: set[str], sets: dict[str, FrameSet]) -> None:
    pair = sets["walk_east"].pairs[1]
    truth = truth_of(pair)
    mask = {
        "nothing": truth,
        "all missed": np.zeros_like(truth),
        "too much": np.maximum(truth, np.roll(truth, 6, axis=0)),
        "moved": np.roll(truth, 6, axis=0),
    }[damaged]
    clothed, shown_truth, errors = example_tiles(pair, mask)
    assert clothed.shape == shown_truth.shape == errors.shape and errors.dtype == np.uint8
    assert {colour for colour in (FOUND, INVENTED, MISSED) if share_like(errors, colour) > 0.005} == colours
    assert set(np.unique(shown_truth)) == {0, 255}


def test_the_figure_is_drawn_for_any_names_and_numbers_of_sets(sets: dict[str, FrameSet], tmp_path: Path) -> None:
    pairs = sets["walk_east"].pairs
    heights = []
    for count in (1, 4, 12):
        names = ["$x_1$ <b>", "música con un nombre muy largo que no cabe en ninguna parte", *"abcdefghij"]
        drawn = [made_up(name, SEEN, pairs, [0.2 + 0.06 * i, 1.0], 0.0) for i, name in enumerate(names[:count])]
        draw_scores(drawn, tmp_path / "figure.png")
        with Image.open(tmp_path / "figure.png") as figure:
            assert figure.mode == "RGB" and not figure.info
            assert len(figure.resize((64, 64)).getcolors(1 << 20) or []) > 50
            heights.append(figure.height)
            assert figure.width < 2000
    assert heights == sorted(set(heights))


# ---- the script ----


@pytest.fixture
def checkpoint(tmp_path: Path, sets: dict[str, FrameSet]) -> Path:
    """A small network that says it was trained on walk_east."""
    path = tmp_path / "small.pth"
    frames = frame_keys(sets["walk_east"])
    write_checkpoint(path, lively_network((6, 8), seed=3), frames=frames, settings={}, figures={})
    return path


def test_a_run_writes_figure_table_and_record(training_data: Path, checkpoint: Path, sets: dict[str, FrameSet]) -> None:
    folder = checkpoint.parent
    scores = evaluate(load_network(checkpoint)[0], [sets["walk_east"]], [sets["working set"], sets["run_west"]])
    result = run_script(STEP, training_data, "--checkpoint", checkpoint, "--output", "out/scores.png", cwd=folder)
    assert result.returncode == 0, result.stderr
    assert format_table(scores) in result.stdout, "seen and held out as the checkpoint says"
    with Image.open(folder / "out/scores.png") as figure:
        assert figure.width > 1000
    write_frame_scores(scores, folder / "expected.csv")
    assert (folder / "out/scores.csv").read_bytes() == (folder / "expected.csv").read_bytes()
    record = json.loads((folder / "out/scores.json").read_text(encoding="utf-8"))
    assert record["weights"] == ["small.pth"] and len(record["inputs"]) == 1 + 3 * 10
    assert record["figures"]["seen walk_east"] == pytest.approx(scores[0].mean_f1, abs=1e-4)
    assert record["figures"].keys() == {"seen walk_east", "held out run_west", "held out working set"}


def test_a_set_that_was_renamed_is_still_seen(training_data: Path, checkpoint: Path, tmp_path: Path) -> None:
    for half in ("frames", "masks"):
        shutil.copytree(training_data / f"{half}_backup_walk_east", tmp_path / f"td/{half}_backup_stroll")
    report = main(training_data=tmp_path / "td", checkpoint=checkpoint, output=tmp_path / "o.png")
    assert list(report.figures) == ["seen stroll"]


def test_all_faults_are_listed_before_any_work(training_data: Path, checkpoint: Path, tmp_path: Path) -> None:
    shutil.copytree(training_data, tmp_path / "td")
    damage(tmp_path / "td/frames_backup_walk_east/base_frame_01.png", 0.5)
    (tmp_path / "td/masks_backup_run_west/mask_00.png").unlink()
    result = run_script(STEP, "td", "--checkpoint", checkpoint, "--output", tmp_path / "o/o.png", cwd=tmp_path)
    assert_user_error(result, "2 faults", "base_frame_01.png", "has no mask")
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"training_data": Path("none")}, "none: no such folder"),
        ({"checkpoint": Path("gone.pth")}, "gone.pth: no such checkpoint"),
        ({"output": Path("o.jpg")}, "needs the suffix .png"),
    ],
)
def test_faulty_settings_stop_before_any_work(
    settings: dict[str, Any], words: str, training_data: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkpoint.parent)
    with pytest.raises(UserError, match=words):
        main(**{"training_data": training_data, "checkpoint": checkpoint, "output": Path("o.png"), **settings})
    assert [path.name for path in Path().iterdir()] == ["small.pth"]
