"""Training: order of samples, losses against naive versions, runs that repeat and resume bit for bit, and faults."""

import math
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor, nn

from carousel.fusion.checkpoint_format import network_of, read_checkpoint
from carousel.fusion.light_estimate import MEMBERS, LightEstimate
from carousel.fusion.light_pretraining import (
    LIGHTS,
    LightSamples,
    expected_loss,
    moments_of,
    pretrain_light,
    squared_error,
    statistics_of,
)
from carousel.fusion.light_statistics import COUNT, light_statistics
from carousel.fusion.metrics import foreground_psnr
from carousel.fusion.network import FusionNetwork, apply_affine
from carousel.fusion.training import (
    FusionTrainingSettings,
    held_out_psnr,
    loss_parts,
    prepare_training,
)
from carousel.fusion.training_run import fingerprint, first_network
from carousel.fusion.training_samples import (
    AvatarFusionDataset,
    fold_of,
    load_entries,
    split,
    to_sample,
    vary_light,
    vary_shape,
)
from carousel.Train import main
from common.checkpoints import load_plain, read_state, save_plain
from common.errors import UserError
from common.imagenet.normalisation import to_uint8
from common.imagenet.perceptual_loss import PerceptualLoss
from common.paths import CHECKPOINTS
from common.runner import Report
from common.training import Training, start_accelerator
from common.weights import EMBEDDED, is_present
from tests.carousel.helpers import (
    SIDE,
    assert_same,
    draw_collage,
    entry_of,
    lively,
    untrained,
    write_collages,
    write_lively,
)
from tests.helpers import with_settings

pytestmark = pytest.mark.slow
STEP = "carousel/Train.py"
SHORT = FusionTrainingSettings(
    encoder="resnet18",
    decoder="cnn",
    head="affine",
    shrink=2,
    size_px=SIDE,
    steps=4,
    batch=2,
    learning_rate=1e-3,
    l1_weight=0.5,
    masked_weight=1.0,
    perceptual_weight=0.0,
    light_samples=16,
    seed=3,
    workers=0,
    held_out_share=0.5,
)
EVERY = 2
NO_VGG = "vgg16.ckpt: is not here"


@pytest.fixture(autouse=True, scope="module")
def _on_one_thread_of_the_cpu() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACCELERATE_USE_CPU", "true")
        patch.setenv("OMP_NUM_THREADS", "1")  # of the scripts: sums of floats depend on it
        yield
    torch.set_num_threads(before)


@pytest.fixture
def _without_vgg(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise UserError(NO_VGG)

    monkeypatch.setattr("common.imagenet.perceptual_loss.load_vgg16", missing)


@pytest.fixture(scope="module")
def collages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mis collages")
    write_collages(folder, 8)
    return folder


def sides(collages: Path, seed: int = SHORT.seed) -> tuple[AvatarFusionDataset, AvatarFusionDataset]:
    trained, held_out = split(load_entries(collages, SIDE), SHORT.held_out_share)
    return (
        AvatarFusionDataset(collages, trained, SIDE, training=True, seed=seed),
        AvatarFusionDataset(collages, held_out, SIDE, training=False, seed=0),
    )


def train(collages: Path, output: Path, run: FusionTrainingSettings = SHORT, **others: Any) -> Report:
    """Train.py's main."""
    values = asdict(run)
    del values["collages"]
    settings = {"collages": collages, "output": output, "measure_every": EVERY}
    report = with_settings(main)(**(values | settings | others))
    assert report is not None
    return report


# ---- settings ----


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"size_px": 100, "shrink": 1}, "SIZE_PX is 100; it must be a multiple of 32"),
        ({"size_px": 96}, "SIZE_PX is 96; it must be a multiple of 64"),
        ({"shrink": 0}, "SHRINK is 0"),
        ({"steps": -1}, "STEPS is -1"),
        ({"encoder": "none"}, 'ENCODER is "none", which trains the light estimate alone; set STEPS to 0'),
        ({"steps": 0, "light_samples": 0}, "STEPS is 0 and the light estimate is not pretrained"),
        ({"batch": 1}, "BATCH is 1; it must be from 2"),
        ({"learning_rate": 0.0}, "LEARNING_RATE is 0"),
        ({"learning_rate": math.nan}, "LEARNING_RATE is nan"),
        ({"masked_weight": -1.0}, "MASKED_WEIGHT is -1"),
        ({"l1_weight": 0.0, "masked_weight": 0.0}, "L1_WEIGHT, MASKED_WEIGHT and PERCEPTUAL_WEIGHT are all 0"),
        ({"light_samples": -1}, "LIGHT_SAMPLES is -1"),
        ({"seed": -1}, "SEED is -1"),
        ({"workers": -1}, "WORKERS is -1"),
        ({"held_out_share": 1.0}, "HELD_OUT_SHARE is 1"),
    ],
)
def test_settings_out_of_range_are_named_before_any_work(changed: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=words):
        train(tmp_path / "nowhere", tmp_path / "model.pth", **changed)


# ---- losses ----


@settings(max_examples=20)
@given(st.integers(0, 2**31), st.integers(1, 3))
def test_the_parts_of_the_loss_are_the_naive_ones(seed: int, batch: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    predicted, target = torch.randn(2, batch, 3, 5, 4, generator=generator)
    mask = (torch.rand(batch, 1, 5, 4, generator=generator) < 0.4).float()
    if seed % 3 == 0:
        mask[0] = 0
    parts = loss_parts(predicted, target, mask, None)
    assert list(parts) == ["L1", "masked L1"]
    difference = np.abs(predicted.numpy() - target.numpy())
    assert float(parts["L1"]) == pytest.approx(difference.mean(), rel=1e-5)
    means = [d[:, m[0] > 0].mean() if m.any() else 0 for d, m in zip(difference, mask.numpy(), strict=True)]
    assert float(parts["masked L1"]) == pytest.approx(np.mean(means), rel=1e-5, abs=1e-7)


@pytest.mark.skipif(not is_present(EMBEDDED["vgg16.ckpt"]), reason="the weights of VGG16 were not fetched")
def test_the_perceptual_part_joins_in_and_its_gradient_reaches_the_prediction() -> None:
    perceptual = PerceptualLoss()
    target = torch.randn(1, 3, 64, 64)
    predicted = (target + 0.3).requires_grad_()
    parts = loss_parts(predicted, target, torch.ones(1, 1, 64, 64), perceptual)
    assert list(parts) == ["L1", "masked L1", "perceptual"]
    assert float(parts["perceptual"].detach()) == pytest.approx(float(perceptual(target + 0.3, target)))
    parts["perceptual"].backward()
    assert predicted.grad is not None and float(predicted.grad.abs().max()) > 0
    assert float(loss_parts(target, target, torch.ones(1, 1, 64, 64), perceptual)["perceptual"]) == 0


# ---- steps ----


def batch_of(samples: AvatarFusionDataset, count: int) -> dict[str, Tensor]:
    made = [samples[index] for index in range(count)]
    return {name: torch.stack([sample[name] for sample in made]) for name in made[0]}


def psnr_of(network: FusionNetwork, batch: dict[str, Tensor]) -> float:
    """Mean foreground PSNR of a network in evaluation mode."""
    with torch.inference_mode():
        pictures = to_uint8(network.eval()(batch["input"], batch["mask"]))
    truths, masks = to_uint8(batch["target"]), batch["mask"][:, 0].numpy()
    return float(np.mean([foreground_psnr(*three) for three in zip(pictures, truths, masks, strict=True)]))


def begin(collages: Path, run: FusionTrainingSettings, seed: int = 0) -> Training:
    """A run whose light estimate is not taught first, on a network of random weights."""
    samples, held_out = sides(collages, run.seed)
    run = replace(run, light_samples=0)
    network = untrained(shrink=2, seed=seed)
    accelerator = start_accelerator()
    return prepare_training(network, run, samples, held_out, accelerator=accelerator, measure_every=EVERY)


def test_a_few_relit_collages_are_learnt_by_heart(collages: Path) -> None:
    run = replace(SHORT, steps=22, learning_rate=1.5e-3)
    batch = batch_of(AvatarFusionDataset(collages, load_entries(collages, SIDE), SIDE, training=False, seed=1), 4)
    training = begin(collages, run)
    pasted = psnr_of(training.network, batch)
    losses = []
    for step in range(run.steps):
        training.set_rate(step / run.steps)
        training.step(batch)
        losses.append(training.read_losses()["masked L1"])
    gain = psnr_of(training.network, batch) - pasted
    assert gain > 6 and np.mean(losses[-5:]) < 0.5 * losses[0], (gain, losses[0], losses[-1])
    assert training.steps == run.steps


def test_a_step_moves_nearly_all_weights_and_weighs_every_part(collages: Path) -> None:
    training = begin(collages, SHORT)
    before = {name: value.clone() for name, value in training.network.state_dict().items()}
    for _ in range(4):
        training.step(batch_of(sides(collages)[0], 2))
    after = training.network.state_dict()
    moved = [name for name in before if not torch.equal(before[name], after[name])]
    assert len(moved) > 0.9 * len([name for name in before if not name.startswith("light.")])
    weights = {"L1": SHORT.l1_weight, "masked L1": SHORT.masked_weight, "perceptual": SHORT.perceptual_weight}
    assert training.task.weights == weights


def test_a_run_in_two_parts_is_the_same(collages: Path, tmp_path: Path) -> None:
    run = replace(SHORT, steps=2)
    first, second, whole = (begin(collages, run, seed) for seed in (0, 99, 0))
    first.step(next(first.task.batches(0, 2)))
    save_plain(tmp_path / "own.state.pth", first.state())
    second.restore(tmp_path / "own.state.pth")
    torch.rand(7)  # whatever else was drawn in between
    second.step(next(second.task.batches(1, 2)))
    for batch in whole.task.batches(0, 2):
        whole.step(batch)
    assert second.steps == whole.steps == 2
    assert_same(second.network.state_dict(), whole.network.state_dict())
    assert_same(second.average.state_dict(), whole.average.state_dict())


def test_the_light_of_a_training_sample_is_that_of_the_member_which_has_not_learnt_its_scene(collages: Path) -> None:
    training = begin(collages, SHORT)
    samples = sides(collages)[0]
    batch = batch_of(samples, 4)
    torch.manual_seed(0)
    for number, member in enumerate(training.network.light.members):
        nn.init.normal_(member[-1].bias, std=0.02 * (number + 1))
    inputs, mask = batch["input"], batch["mask"]
    training.network.eval()
    with torch.no_grad():
        lit = training.network.transform(inputs, mask, batch["fold"])
        light = training.network.light
        for row, entry in enumerate(samples.entries[:4]):
            assert fold_of(entry.scene) == int(batch["fold"][row])
            alone = LightEstimate()
            alone.load_state_dict(light.state_dict())
            alone.members = nn.ModuleList([light.members[fold_of(entry.scene)]])
            training.network.light = alone.eval()
            expected = training.network.transform(inputs[row : row + 1], mask[row : row + 1])
            torch.testing.assert_close(lit[row : row + 1], expected, atol=1e-5, rtol=0)
        training.network.light = light
        assert not torch.allclose(lit, training.network.transform(inputs, mask), atol=1e-3), (
            "all members differ from one"
        )
        training.task.losses(training.network.train(), batch)
        assert not light.training, "as when it is used, without dropout"


# ---- measuring ----


def test_before_training_nothing_is_gained_over_pasting(collages: Path) -> None:
    held_out = sides(collages)[1]
    fused, pasted = held_out_psnr(untrained(), held_out, torch.device("cpu"))
    assert len(fused) == len(held_out) and fused == pytest.approx(pasted, abs=0.01)
    for index, value in enumerate(pasted):
        example = held_out.example(index)
        assert value == foreground_psnr(example.avatar, example.truth, example.mask)


def test_what_is_measured_is_the_mean_psnr_and_its_gain(collages: Path) -> None:
    training, held_out = begin(collages, SHORT), sides(collages)[1]
    with torch.no_grad():
        training.average.state_dict()["local.bias"][9:] = 0.3
    fused, pasted = held_out_psnr(training.average, held_out, torch.device("cpu"))
    gain = np.mean(fused) - np.mean(pasted)
    found = training.task.measure(training.average, [])
    assert found == {"held-out foreground PSNR": pytest.approx(np.mean(fused)), "held-out gain": pytest.approx(gain)}
    assert gain < 0 and training.task.best in found


# ---- what a run goes on from ----


def test_a_run_starts_from_a_checkpoint_and_names_it(tmp_path: Path) -> None:
    start = tmp_path / "start.pth"
    written = write_lively(start, shrink=2)
    network, weights = first_network(SHORT, start)
    assert weights == [str(start)]
    assert torch.equal(network.state_dict()["local.weight"].half(), written.state_dict()["local.weight"].half())


MISFITS: dict[str, dict[str, Any]] = {
    "the other decoder": {"decoder": "transformer"},
    "the other head": {"head": "colours"},
    "another encoder": {"encoder": "resnet34"},
    "another shrink": {"shrink": 1},
}


@pytest.mark.parametrize("kind", MISFITS)
def test_a_checkpoint_of_another_network_is_no_start(collages: Path, tmp_path: Path, kind: str) -> None:
    start = tmp_path / "start.pth"
    write_lively(start, shrink=2)
    with pytest.raises(UserError) as error:
        train(collages, tmp_path / "own.pth", replace(SHORT, **MISFITS[kind]), start=start)
    wanted = {"encoder": "resnet18", "decoder": "cnn", "head": "affine", "shrink": 2} | MISFITS[kind]
    settings_say = ", ".join(str(value) for value in wanted.values())
    assert str(error.value) == f"{start}: has resnet18, cnn, affine, 2, the settings {settings_say}; make them equal"
    assert not (tmp_path / "own.pth").exists()


def state_of(run: FusionTrainingSettings, path: Path, collages: Path) -> None:
    """The beginning of the state that a run of these settings leaves: enough to be compared."""
    run = replace(run, collages=fingerprint(load_entries(collages, SIDE)))
    save_plain(path, {"settings": asdict(run), "network": nn.Linear(2, 2).state_dict(), "steps": 2})


def refusal(collages: Path, output: Path, run: FusionTrainingSettings = SHORT) -> str:
    with pytest.raises(UserError) as error:
        train(collages, output, run, resume=True)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_run_with_other_settings_is_not_resumed(collages: Path, tmp_path: Path) -> None:
    state = tmp_path / "own.state.pth"
    state_of(SHORT, state, collages)
    old = state.read_bytes()
    for changed, words in (
        ({"steps": 9, "batch": 4}, "STEPS was 4, now 9, BATCH was 2, now 4"),
        ({"decoder": "transformer"}, "DECODER was cnn, now transformer"),
        ({"seed": 4}, "SEED was 3, now 4"),
        ({"held_out_share": 0.6}, "HELD_OUT_SHARE was 0.5, now 0.6"),
    ):
        message = refusal(collages, tmp_path / "own.pth", replace(SHORT, **changed))
        assert message == f"{state}: the run to resume had other settings: {words}"
    assert state.read_bytes() == old


def test_a_run_is_not_resumed_on_other_collages(collages: Path, tmp_path: Path) -> None:
    state_of(SHORT, tmp_path / "own.state.pth", collages)
    write_collages(tmp_path / "more", 10)
    assert "COLLAGES was " in refusal(tmp_path / "more", tmp_path / "own.pth")


def test_collages_are_told_apart_by_names_scenes_and_windows_in_any_order() -> None:
    entries = [entry_of(f"{number}.png", f"scene {number}") for number in range(4)]
    assert fingerprint(entries) == fingerprint(entries[::-1])
    others = [
        entries[:3],
        [*entries[:3], replace(entries[3], collage="5.png")],
        [*entries[:3], replace(entries[3], scene="scene 0")],
        [*entries[:3], replace(entries[3], window=(0, 0, 1, 1))],
    ]
    assert len({fingerprint(some) for some in (entries, *others)}) == 5


DAMAGE: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: os.truncate(path, path.stat().st_size // 2),
    "text": lambda path: path.write_text("a,b\n1,2\n", encoding="utf-8"),
    "settings alone": lambda path: save_plain(path, {"settings": load_plain(path)["settings"]}),
    "another network": lambda path: path,
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_state_is_one_line_with_the_remedy(collages: Path, tmp_path: Path, kind: str) -> None:
    state = tmp_path / "own.state.pth"
    state_of(SHORT, state, collages)
    DAMAGE[kind](state)
    message = refusal(collages, tmp_path / "own.pth")
    assert message.startswith(f"{state}: ") and message.endswith("start without --resume")


def test_a_state_of_a_run_without_held_out_share_is_of_the_default(collages: Path, tmp_path: Path) -> None:
    """States that were written before it was a setting of the run."""
    run = replace(SHORT, held_out_share=0.1)
    values = asdict(run)
    del values["held_out_share"]
    save_plain(tmp_path / "old.state.pth", {"settings": values})
    assert read_state(tmp_path / "old.state.pth", run)


# ---- faults ----


def test_outputs_and_data_that_cannot_be_are_refused(collages: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.pth"
    shipped = CHECKPOINTS / "carousel/fusion_model.pth"
    cases: list[tuple[Callable[[], object], str]] = [
        (lambda: train(collages, shipped), "checkpoints that ship are not replaced by training"),
        (lambda: train(collages, tmp_path / "own.txt"), r"OUTPUT is .*own\.txt; it needs the suffix \.pth"),
        (lambda: train(collages, own, measure_every=0), "MEASURE_EVERY is 0"),
        (lambda: train(tmp_path / "none", own), "none: no such folder of collages"),
        (
            lambda: train(collages, own, held_out_share=0.0),
            "of 4 scenes leaves 8 collages to train on and 0 to measure",
        ),
        (lambda: train(collages, own, start=tmp_path / "none.pth"), r"none\.pth: no such checkpoint"),
    ]
    for call, words in cases:
        with pytest.raises(UserError, match=words):
            call()
    assert list(tmp_path.iterdir()) == []


def test_all_faults_of_the_collages_are_listed_in_one_message(collages: Path, tmp_path: Path) -> None:
    folder = tmp_path / "collages"
    shutil.copytree(collages, folder)
    (folder / "scene 0_0.png").write_bytes(b"")
    Image.new("RGB", (250, 64)).save(folder / "scene 1_1.png")
    with pytest.raises(UserError) as error:
        train(folder, tmp_path / "own.pth")
    first, *faults = str(error.value).splitlines()
    assert first == "2 faults" and len(faults) == 2
    assert "scene 0_0.png: is empty" in faults[0] and "scene 1_1.png: 250 x 64 px" in faults[1]
    assert not (tmp_path / "own.pth").exists()


@pytest.mark.usefixtures("_without_vgg")
def test_a_perceptual_loss_without_its_weights_is_refused_before_the_first_step(collages: Path, tmp_path: Path) -> None:
    run = replace(SHORT, perceptual_weight=0.1, light_samples=0)
    with pytest.raises(UserError, match=NO_VGG):
        train(collages, tmp_path / "own.pth", run)
    assert list(tmp_path.iterdir()) == []


def allocate_too_much(*_: object) -> Tensor:
    return torch.empty(1 << 50)


def report_a_full_gpu(*_: object) -> Tensor:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


@pytest.mark.parametrize("forward", [allocate_too_much, report_a_full_gpu])
def test_too_little_memory_names_the_settings_to_lower(
    collages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forward: Callable[..., Tensor]
) -> None:
    """The network's forward asks the CPU for a petabyte; the GPU's error, which needs a GPU, is raised by hand."""
    monkeypatch.setattr(FusionNetwork, "forward", forward)
    with pytest.raises(UserError, match=r"not enough memory; lower BATCH \(2\) or SIZE_PX \(64\)"):
        train(collages, tmp_path / "own.pth", replace(SHORT, light_samples=0))


def test_a_loss_that_is_not_finite_leaves_the_last_state(collages: Path, tmp_path: Path) -> None:
    state = tmp_path / "own.state.pth"
    state.write_bytes(b"the last one")
    sick = lively(shrink=2)
    with torch.no_grad():
        sick.local.weight[0, 0] = math.nan
    run = replace(SHORT, light_samples=0)
    training = prepare_training(sick, run, *sides(collages), accelerator=start_accelerator(), measure_every=1)
    with pytest.raises(UserError, match=r"^the loss is not finite in step 1: L1 nan, masked L1 nan$"):
        training.fit(state, resume=False)
    assert state.read_bytes() == b"the last one"


# ---- the light estimate, taught first ----


@settings(max_examples=15)
@given(st.integers(0, 2**31))
def test_the_error_from_moments_is_that_of_the_pixels(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    pasted, truth = torch.rand(2, 2, 3, 5, 4, generator=generator)
    coefficients = 0.3 * torch.randn(2, 12, generator=generator)
    flat, wanted = (part.flatten(2).transpose(1, 2) - 0.5 for part in (pasted, truth))
    with_one = torch.cat([flat, torch.ones(2, 20, 1)], dim=2)
    second, cross = with_one.transpose(1, 2) @ with_one / 20, with_one.transpose(1, 2) @ wanted / 20
    power = wanted.square().sum(dim=(1, 2)) / 20
    naive = (
        (apply_affine(coefficients[..., None, None].expand(2, 12, 5, 4), pasted) - truth).square().mean(dim=(1, 2, 3))
    )
    torch.testing.assert_close(squared_error(coefficients, second, cross, power), naive, rtol=1e-3, atol=1e-5)


def test_moments_are_those_of_the_persons_pixels_and_finite_without_any(collages: Path) -> None:
    samples = sides(collages)[1]
    for index in range(len(samples)):
        example = samples.example(index)
        moments = moments_of(example)
        difference = (example.avatar.astype(float) - example.truth)[example.mask > 0] / 255
        found = squared_error(torch.zeros(1, 12), *(moments[name][None] for name in ("second", "cross", "power")))
        assert float(found) == pytest.approx(np.square(difference).mean(), rel=1e-3, abs=2e-6)
    blank = replace(example, mask=np.zeros_like(example.mask))
    assert all(tensor.isfinite().all() for tensor in moments_of(blank).values())


@settings(max_examples=10)
@given(st.integers(0, 2**31))
def test_statistics_of_the_persons_box_are_those_of_the_picture(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = vary_shape(rng, draw_collage(seed % 7, 96), 96)
    examples = [vary_light(rng, *shape) for _ in range(3)]
    background, avatar = (
        torch.from_numpy(np.stack([getattr(example, name) for example in examples])).permute(0, 3, 1, 2) / 255
        for name in ("background", "avatar")
    )
    mask = torch.from_numpy(np.stack([example.mask > 0 for example in examples]))[:, None].float()
    torch.testing.assert_close(statistics_of(examples), light_statistics(background, avatar, mask), atol=1e-5, rtol=0)


def test_samples_of_one_scene_are_in_one_fold_in_several_lights(collages: Path) -> None:
    found = LightSamples(sides(collages)[0], 8, MEMBERS)
    first = found[0]
    assert first["statistics"].shape == (LIGHTS, COUNT) and first["power"].shape == (LIGHTS,)
    assert len(first["statistics"].unique(dim=0)) > 1 and len(first["fold"].unique()) == 1
    assert all(torch.equal(one, other) for one, other in zip(first.values(), found[0].values(), strict=True))
    counts = np.bincount([fold_of(f"photo {number}", MEMBERS) for number in range(1000)])
    assert len(counts) == MEMBERS and counts.min() > 150


def test_what_is_worse_than_pasting_costs_twice() -> None:
    """Logarithms of errors: a tenth of the error gains as much as ten times of it would lose, were it not for that."""
    pasted = torch.full((1,), 1.0)
    better, same, worse = (float(expected_loss(error * pasted, pasted)) for error in (0.1, 1.0, 10.0))
    assert same - better == pytest.approx(np.log(10), rel=2e-3)
    assert worse - same == pytest.approx(2 * np.log(10), rel=2e-3)


def test_teaching_the_light_lowers_the_error_of_the_samples_and_leaves_the_own_light(collages: Path) -> None:
    samples = AvatarFusionDataset(collages, load_entries(collages, SIDE), SIDE, training=True, seed=3)
    torch.manual_seed(0)
    light = LightEstimate()
    pretrain_light(light, samples, 40 * LIGHTS, workers=0, seed=0)
    data = [LightSamples(samples, 40, MEMBERS)[index] for index in range(40)]
    second, cross, power, statistics = (
        torch.cat([moments[name] for moments in data]) for name in ("second", "cross", "power", "statistics")
    )
    with torch.no_grad():
        estimate = light(statistics)
        taught, pasted = (squared_error(c, second, cross, power) for c in (estimate, 0 * estimate))
    own = pasted < 2e-6
    assert float(taught[~own].sqrt().mean()) < 0.85 * float(pasted[~own].sqrt().mean())
    assert float(taught[own].sqrt().mean()) < 0.5 * float(pasted[~own].sqrt().mean())


def test_the_light_estimate_alone_is_a_model_and_gives_its_light_to_a_network(
    collages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = replace(SHORT, encoder="none", steps=0)
    report = train(collages, tmp_path / "light.pth", alone)
    assert "ImageNet" not in capsys.readouterr().err and report.figures["steps"] == 0
    network = network_of(read_checkpoint(tmp_path / "light.pth"), "light.pth")
    assert network.settings["encoder"] == "none"
    assert all(name.startswith("light.") for name in network.state_dict())
    sample = to_sample(sides(collages)[1].example(0))
    inputs, mask = sample["input"][None], sample["mask"][None]
    with torch.inference_mode():
        transform, fused = network.transform(inputs, mask), network(inputs, mask)
    assert transform.shape == (1, 12, 1, 1) and transform.abs().max() > 1e-3
    outside = (mask == 0).expand_as(fused)
    assert torch.equal(fused[outside], inputs[:, :3][outside]) and not torch.equal(fused, inputs[:, :3])
    train(collages, tmp_path / "more.pth", replace(SHORT, steps=1), start=tmp_path / "light.pth", measure_every=1)
    more = network_of(read_checkpoint(tmp_path / "more.pth"), "more.pth")
    assert more.settings["encoder"] == "resnet18"
    assert_same(more.light.state_dict(), network.light.state_dict())
