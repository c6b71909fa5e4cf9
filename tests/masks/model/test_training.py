"""Training: losses against naive versions, samples by seed, runs that repeat and resume bit for bit, and faults."""

import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import Tensor

from common.checkpoints import read_state, save_plain
from common.errors import UserError
from common.paths import DATA
from common.training import Training, samples_of_batch
from masks.model.augmentation import Sample
from masks.model.metrics import f1_score
from masks.model.training import (
    DICE_SMOOTH_PX,
    TrainingSettings,
    dice_loss,
    fit,
    frame_f1,
    loss_parts,
    mean_f1,
    prepare,
)
from masks.model.training_samples import TrainingSamples, crop, cut_empty, load_frames, to_tensors, vary
from masks.model.unet import SIZE_PX, UNet
from masks.sets.pixel_art import find_pixel_size
from masks.sets.training_sets import FrameSet, archived_set, gather_training_data
from tests.helpers import ROOT
from tests.masks.sample_sets import drawn_pair, write_archive

pytestmark = pytest.mark.slow
CPU = torch.device("cpu")
SHORT = TrainingSettings(epochs=4, batch=2, learning_rate=3e-3, dice_weight=0.7, drawn_share=0.5, seed=5, workers=0)
LENGTH = 3  # samples an epoch: a batch and a half


@pytest.fixture(autouse=True, scope="module")
def _on_one_thread_of_the_cpu() -> Iterator[None]:
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACCELERATE_USE_CPU", "true")
        yield


def small_network(seed: int = 0) -> UNet:
    torch.manual_seed(seed)
    return UNet((4, 6))


def few_frames(number: int = 3) -> list[Sample]:
    return [drawn_pair(seed) for seed in range(number)]


def samples_for(run: TrainingSettings, frames: list[Sample], length: int) -> TrainingSamples:
    return TrainingSamples(frames, length=length, drawn_share=run.drawn_share, seed=run.seed)


def few_samples(run: TrainingSettings = SHORT) -> TrainingSamples:
    return samples_for(run, few_frames(), LENGTH)


def assert_same_weights(one: UNet, other: UNet) -> None:
    """Bit for bit."""
    states = one.state_dict(), other.state_dict()
    assert states[0].keys() == states[1].keys()
    for name, value in states[0].items():
        assert torch.equal(value, states[1][name]), name


def differ(one: UNet, other: UNet) -> bool:
    return any(not torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


# ---- losses ----


def naive_dice_loss(logits: np.ndarray, truth: np.ndarray) -> float:
    losses = []
    for one_logits, one_truth in zip(logits, truth, strict=True):
        overlap = ours = true = 0.0
        for logit, target in zip(one_logits.flat, one_truth.flat, strict=True):
            probability = 1 / (1 + math.exp(-logit))
            overlap += probability * target
            ours += probability
            true += target
        losses.append(1 - (2 * overlap + DICE_SMOOTH_PX) / (ours + true + DICE_SMOOTH_PX))
    return sum(losses) / len(losses)


def naive_cross_entropy(logits: np.ndarray, truth: np.ndarray) -> float:
    losses = []
    for logit, target in zip(logits.flat, truth.flat, strict=True):
        probability = 1 / (1 + math.exp(-logit))
        losses.append(-math.log(probability if target else 1 - probability))
    return sum(losses) / len(losses)


BATCHES = st.tuples(st.integers(1, 3), st.just(1), st.integers(1, 9), st.integers(1, 9)).flatmap(
    lambda shape: st.tuples(
        arrays(np.float32, shape, elements=st.floats(-12, 12, width=32)),
        arrays(np.float32, shape, elements=st.sampled_from([0, 1])),
    )
)


@given(BATCHES)
def test_the_loss_is_the_naive_version(batch: tuple[np.ndarray, np.ndarray]) -> None:
    logits, truth = batch
    parts = loss_parts(torch.from_numpy(logits), torch.from_numpy(truth))
    dice, entropy = naive_dice_loss(logits, truth), naive_cross_entropy(logits, truth)
    assert float(parts["dice"]) == pytest.approx(dice, rel=1e-4, abs=1e-5)
    assert float(parts["cross-entropy"]) == pytest.approx(entropy, rel=1e-4, abs=1e-5)


def test_the_dice_loss_of_perfect_empty_and_wrong_masks() -> None:
    truth = torch.zeros(1, 1, 64, 64)
    truth[..., 10:50, 10:50] = 1
    sure = (truth - 0.5) * 100
    assert float(dice_loss(sure, truth)) == pytest.approx(0, abs=1e-6)
    assert float(dice_loss(-sure, truth)) > 0.98
    empty = torch.zeros(1, 1, 64, 64)
    assert float(dice_loss(empty - 50, empty)) == pytest.approx(0, abs=1e-6)
    assert float(dice_loss(empty + 50, empty)) > 0.98
    huge = torch.full((1, 1, 8, 8), 1e30)
    for part in loss_parts(huge, torch.ones(1, 1, 8, 8)).values():
        assert part.isfinite()


def test_a_figure_counts_the_same_in_dice_however_small_its_garment_is() -> None:
    """Each picture has a Dice loss of its own; one large garment cannot hide a small one."""
    truth = torch.zeros(2, 1, 64, 64)
    truth[0], truth[1, :, :20, :20] = 1, 1
    missed = torch.where(truth > 0, 50.0, -50.0)
    missed[1] = -50
    assert float(dice_loss(missed, truth)) == pytest.approx(0.5, abs=0.05)


# ---- samples ----


def test_a_sample_is_determined_by_the_seed_and_its_number() -> None:
    samples, again = few_samples(), few_samples()
    other_seed = few_samples(replace(SHORT, seed=6))
    seen = set()
    for index in (0, 1, 3, 4, 4000):
        pair, mask = samples[index]
        assert pair.shape == (8, SIZE_PX, SIZE_PX) and mask.shape == (1, SIZE_PX, SIZE_PX)
        assert pair.dtype == mask.dtype == torch.uint8 and set(mask.unique().tolist()) <= {0, 255}
        for part, same, other in zip((pair, mask), again[index], other_seed[index], strict=True):
            assert torch.equal(part, same) and (part is mask or not torch.equal(part, other))
        seen.add(pair.numpy().tobytes())
    assert len(seen) == 5, "sample 0 of the next epoch is a new one"


def test_without_random_figures_every_frame_is_seen_once_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    flat = [tuple(np.full_like(p, 10 * n + 9) for p in drawn_pair(0)) for n in range(5)]
    monkeypatch.setattr("masks.model.training_samples.augment", lambda _, sample: sample)
    samples = samples_for(replace(SHORT, drawn_share=0), [(a, b, c) for a, b, c in flat], 5)
    for epoch in (0, 3):
        numbers = samples_of_batch(epoch, length=5, batch=5, seed=0)
        alphas = sorted(int(samples[index][0][3].max()) for index in numbers)
        assert alphas == [9, 19, 29, 39, 49]


@pytest.mark.parametrize(("share", "drawn"), [(0.0, 0), (0.5, 30), (1.0, 60)])
def test_the_share_of_random_figures_is_kept(monkeypatch: pytest.MonkeyPatch, share: float, drawn: int) -> None:
    calls = {"random": 0}

    def count(rng: np.random.Generator) -> Sample:
        calls["random"] += 1
        return drawn_pair(0)

    monkeypatch.setattr("masks.model.training_samples.random_pair", count)
    monkeypatch.setattr("masks.model.training_samples.augment", lambda _, sample: sample)
    samples = samples_for(replace(SHORT, drawn_share=share), few_frames() if share < 1 else [], 60)
    for index in range(60):
        samples[index]
    assert abs(calls["random"] - drawn) <= (12 if 0 < share < 1 else 0)


def test_a_sample_for_the_network_holds_all_of_the_mask() -> None:
    base, clothed, mask = drawn_pair(1)
    shares = set()
    for seed in range(20):
        pair, seen = to_tensors(np.random.default_rng(seed), base, clothed, mask)
        drawn = (pair[7] > 0).float().sum()
        assert float((seen[0] > 0).float().sum() / drawn) == pytest.approx(
            (mask > 0).sum() / (clothed[..., 3] > 0).sum()
        )
        shares.add(round(float(drawn) / SIZE_PX**2, 3))
    assert len(shares) > 3, "the free border varies"


@given(st.integers(0, 1000))
@settings(max_examples=30)
def test_cropping_keeps_all_that_is_drawn(seed: int) -> None:
    base, clothed, mask = drawn_pair(seed, 80)
    cropped = crop(base, clothed, mask)
    assert all(part.shape[:2] == cropped[0].shape[:2] for part in cropped) and cropped[0].shape[0] < 80
    for part, whole in zip(cropped, (base, clothed, mask), strict=True):
        assert part.astype(int).sum() == whole.astype(int).sum()
    empty = np.zeros_like(base)
    assert crop(empty, empty, mask)[0].shape == base.shape


def test_frames_of_a_set_come_at_one_value_an_art_pixel() -> None:
    faults: list[str] = []
    frame_set = archived_set(DATA / "masks", "walk_north", faults)
    assert frame_set is not None and not faults
    frames = load_frames([FrameSet("part", frame_set.pairs[:3])])
    assert len(frames) == 3
    for base, clothed, mask in frames:
        assert max(base.shape) <= 100 and base.shape == clothed.shape and mask.shape == base.shape[:2]
        assert find_pixel_size([base, clothed]) == 1 and mask.any()


@given(st.integers(0, 1000))
@settings(max_examples=25)
def test_a_batch_is_varied_as_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    code = rng.permutation(3 * 36).reshape(3, 6, 6).astype(np.float32)
    pairs = torch.from_numpy(np.stack([np.concatenate([code, code[:1] * 0 + 200, code, code[:1] * 0 + 201])] * 2))
    masks = torch.from_numpy(code[:1][None].repeat(2, 0))
    new, turned = vary(pairs, masks, np.random.default_rng(seed))
    assert new.shape == pairs.shape and torch.equal(new[0], new[1])
    assert torch.equal(new[:, :3], new[:, 4:7]), "both frames alike"
    assert (new[:, 3] == 200).all() and (new[:, 7] == 201).all(), "alpha stays alpha"
    assert (new[:, :3] == turned).all(dim=(2, 3)).any(), "the mask moves with a channel"
    assert sorted(new[0, :3].flatten().tolist()) == sorted(code.flatten().tolist())


def test_variations_reach_all_symmetries_and_orders() -> None:
    pair = torch.arange(8 * 16, dtype=torch.float32).reshape(1, 8, 4, 4)
    rngs = (np.random.default_rng(seed) for seed in range(600))
    assert len({vary(pair, pair[:, :1], rng)[0].numpy().tobytes() for rng in rngs}) == 8 * 6


# ---- the loop ----


def test_one_batch_can_be_learnt_by_heart() -> None:
    """In a small square, which the network allows."""
    torch.manual_seed(0)
    run = replace(SHORT, learning_rate=1e-2, drawn_share=1)
    samples = samples_for(run, [], 4)
    training = prepare(run, UNet((16, 24, 32)), samples, held_out=[])
    pairs, masks = zip(*[samples[index] for index in range(4)], strict=True)
    batch = [torch.stack(part)[..., ::8, ::8].contiguous() for part in (pairs, masks)]
    training.step(batch)
    first = training.read_losses()
    for _ in range(1, 120):
        training.step(batch)
    last = training.read_losses()
    assert training.steps == 120 and last["dice"] < 0.02 < first["dice"] and last["cross-entropy"] < 0.05
    with torch.inference_mode():
        for network in (training.network.eval(), training.average):
            found = network(batch[0].float() / 255).numpy() > 0
            scores = [f1_score(ours[0], truth[0]) for ours, truth in zip(found, batch[1].numpy(), strict=True)]
            assert min(scores) > 0.99, scores


def run_of(run: TrainingSettings, folder: Path, held_out: list[FrameSet] | None = None, every: int = 1) -> Training:
    network, samples, sets = small_network(), few_samples(run), held_out or []
    return fit(run, network, samples, held_out=sets, checkpoint=folder / "model.pth", resume=False, every=every)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Training:
    """A run of four epochs at once."""
    torch.set_num_threads(1)
    return run_of(SHORT, tmp_path_factory.mktemp("reference"))


def test_the_same_seed_trains_the_same_weights(reference: Training, tmp_path: Path) -> None:
    again = run_of(SHORT, tmp_path)
    assert_same_weights(again.network, reference.network)
    assert_same_weights(again.average, reference.average)
    assert again.history == reference.history
    assert differ(run_of(replace(SHORT, seed=6, epochs=1), tmp_path).network, reference.network)


def test_processes_that_prepare_samples_change_nothing(reference: Training, tmp_path: Path) -> None:
    helped = run_of(replace(SHORT, workers=1), tmp_path)
    assert_same_weights(helped.network, reference.network)
    assert_same_weights(helped.average, reference.average)


def test_training_moves_the_weights_and_keeps_its_history(reference: Training) -> None:
    assert differ(reference.network, small_network())
    assert reference.steps == 4 * math.ceil(LENGTH / SHORT.batch)
    assert [entry["epoch"] for entry in reference.history] == [1, 2, 3, 4]
    for entry in reference.history:
        assert entry.keys() == {"dice", "cross-entropy", "epoch"}
        assert 0 < entry["dice"] < 1 and 0 < entry["cross-entropy"] < 3


class CutShort(TrainingSamples):
    """Samples that end the run, as Ctrl-C would, at one of them."""

    fatal = 0

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        if index >= self.fatal:
            raise KeyboardInterrupt
        return super().__getitem__(index)


def held_out_set(folder: Path) -> list[FrameSet]:
    write_archive(folder, "held", range(50, 52))
    return gather_training_data(folder)


@pytest.mark.parametrize(
    ("epochs_done", "every", "repeats"),
    [(2, 1, 1), (4.5, 2, 1), (3, 2, 2)],
    ids=["in the second", "in the last, saved every second", "with repeated steps"],
)
def test_a_run_cut_short_goes_on_exactly(tmp_path: Path, epochs_done: float, every: int, repeats: int) -> None:
    run = replace(SHORT, repeats=repeats)
    held_out = held_out_set(tmp_path / "sets")
    whole = run_of(run, tmp_path / "whole", held_out, every)
    samples = CutShort(few_frames(), length=LENGTH, drawn_share=run.drawn_share, seed=run.seed)
    samples.fatal = round(epochs_done * LENGTH)
    checkpoint = tmp_path / "cut/model.pth"
    with pytest.raises(KeyboardInterrupt):
        fit(run, small_network(), samples, held_out=held_out, checkpoint=checkpoint, resume=False, every=every)
    torch.rand(7)  # whatever else was drawn in between
    network = small_network(seed=99)
    resumed = fit(run, network, few_samples(run), held_out=held_out, checkpoint=checkpoint, resume=True, every=every)
    assert_same_weights(resumed.network, whole.network)
    assert_same_weights(resumed.average, whole.average)
    assert resumed.history == whole.history and resumed.steps == whole.steps and resumed.best_score == whole.best_score


def test_a_finished_run_that_is_resumed_gives_its_result_again(tmp_path: Path) -> None:
    whole = run_of(SHORT, tmp_path)
    again = fit(SHORT, small_network(3), few_samples(), held_out=[], checkpoint=tmp_path / "model.pth", resume=True)
    assert_same_weights(again.average, whole.average)
    assert again.history == whole.history


RUNS_IN_A_PROCESS = """
import sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from masks.model.training import fit
from tests.masks.model.test_training import SHORT, few_samples, small_network
fit(SHORT, small_network(), few_samples(), held_out=[], checkpoint=Path(sys.argv[1]), resume=False, every=1)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_a_run_killed_by_the_system_goes_on_exactly(reference: Training, tmp_path: Path) -> None:
    state = tmp_path / "model.state.pth"
    process = subprocess.Popen([sys.executable, "-c", RUNS_IN_A_PROCESS, str(tmp_path / "model.pth")], cwd=ROOT)
    deadline = time.monotonic() + 60
    while not state.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(30)
    assert 2 <= read_state(state, SHORT)["steps"] < 8, "it was killed in the middle"
    checkpoint = tmp_path / "model.pth"
    resumed = fit(SHORT, small_network(7), few_samples(), held_out=[], checkpoint=checkpoint, resume=True, every=1)
    assert_same_weights(resumed.network, reference.network)
    assert_same_weights(resumed.average, reference.average)
    assert resumed.history == reference.history


# ---- held-out sets ----


def test_held_out_sets_choose_the_weights_that_a_run_gives(tmp_path: Path) -> None:
    held_out = held_out_set(tmp_path / "sets")
    training = run_of(SHORT, tmp_path, held_out)
    scores = [entry["held-out F1"] for entry in training.history]
    assert training.best_score == max(scores)
    assert mean_f1(training.average, held_out, CPU) == pytest.approx(training.best_score)
    seldom = run_of(SHORT, tmp_path, held_out, every=3)
    assert ["held-out F1" in entry for entry in seldom.history] == [False, False, True, True]


def test_the_mean_over_sets_is_that_of_their_means(tmp_path: Path) -> None:
    write_archive(tmp_path, "a", range(3))
    write_archive(tmp_path, "b", range(10, 11))
    sets = gather_training_data(tmp_path)
    network = small_network().eval()
    scores = [frame_f1(network, frame_set, CPU) for frame_set in sets]
    assert [len(values) for values in scores] == [3, 1]
    assert mean_f1(network, sets, CPU) == pytest.approx(np.mean([np.mean(values) for values in scores]))


# ---- faults ----


def test_a_loss_that_is_not_finite_stops_with_its_parts_and_leaves_the_last_state(tmp_path: Path) -> None:
    run_of(replace(SHORT, epochs=1), tmp_path)
    state = tmp_path / "model.state.pth"
    old = state.read_bytes()
    sick = small_network()
    with torch.no_grad():
        sick.head.weight[0, 0] = math.nan
    with pytest.raises(UserError) as error:
        fit(SHORT, sick, few_samples(), held_out=[], checkpoint=tmp_path / "model.pth", resume=False, every=1)
    assert re.search("not finite in epoch 1, batch 1: dice nan, cross-entropy nan", str(error.value))
    assert state.read_bytes() == old, "no sick state replaces a sound one"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The state of a run, written."""
    path = tmp_path / "model.state.pth"
    save_plain(path, prepare(SHORT, small_network(), few_samples(), held_out=[]).state())
    return path


def refusal(path: Path, run: TrainingSettings = SHORT) -> str:
    with pytest.raises(UserError) as error:
        fit(run, small_network(), few_samples(), held_out=[], checkpoint=path.with_name("model.pth"), resume=True)
    assert str(path) in str(error.value)
    return str(error.value)


def test_a_state_holds_tensors_and_plain_values_alone(state: Path) -> None:
    content = torch.load(state, weights_only=True)
    assert content["settings"] == asdict(SHORT) and content["steps"] == 0 and content["best"] == {}
    assert read_state(state, SHORT).keys() == content.keys()


def test_nothing_to_resume_says_so(tmp_path: Path) -> None:
    assert "nothing to resume; start without --resume" in refusal(tmp_path / "model.state.pth")


def test_other_settings_are_named_and_refused(state: Path) -> None:
    message = refusal(state, replace(SHORT, epochs=9, seed=2))
    assert "EPOCHS was 4, now 9, SEED was 5, now 2" in message and "BATCH" not in message
    assert read_state(state, replace(SHORT, workers=3))["steps"] == 0, "workers change nothing"


DAMAGE: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-2000]),
    "text": lambda path: path.write_text("a,b\n1,2\n", encoding="utf-8"),
    "a list": lambda path: torch.save([1], path),
    "no settings": lambda path: torch.save({"steps": 1}, path),
    "unknown settings": lambda path: torch.save({"settings": asdict(SHORT) | {"colour": 1}}, path),
    "settings alone": lambda path: torch.save({"settings": asdict(SHORT)}, path),
    "another network": lambda path: save_plain(path, prepare(SHORT, UNet((5, 7)), few_samples(), held_out=[]).state()),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_state_is_refused(state: Path, kind: str) -> None:
    DAMAGE[kind](state)
    assert "start without --resume" in refusal(state)


@given(
    box=st.tuples(*[st.integers(0, SIZE_PX - 1)] * 4).map(
        lambda b: (min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]) + 1, max(b[1], b[3]) + 1)
    )
)
def test_batches_are_cut_to_what_is_drawn(box: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = box
    pairs = torch.zeros(2, 8, SIZE_PX, SIZE_PX, dtype=torch.uint8)
    pairs[0, 3, top, left] = pairs[1, 7, bottom - 1, right - 1] = 255
    masks = pairs[:, 3:4].clone()
    cut, cut_masks = cut_empty(pairs, masks)
    assert cut.shape[2:] == cut_masks.shape[2:]
    for side, span in zip(cut.shape[2:], (bottom - top, right - left), strict=True):
        assert side % 32 == 0 and span <= side < span + 32
    assert cut.sum() == pairs.sum() and cut_masks.sum() == masks.sum(), "nothing that is drawn is lost"


def test_an_empty_batch_is_not_cut() -> None:
    pairs, masks = torch.zeros(1, 8, 64, 64, dtype=torch.uint8), torch.zeros(1, 1, 64, 64, dtype=torch.uint8)
    assert cut_empty(pairs, masks)[0].shape == pairs.shape
