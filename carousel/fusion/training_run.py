"""A training run, from the collages to the checkpoint and its pictures."""

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import torch

from carousel.collages.layout import INDEX, CollageEntry
from carousel.fusion.checkpoint_format import find_checkpoint, network_of, read_checkpoint, write_checkpoint
from carousel.fusion.network import FusionNetwork, load_imagenet
from carousel.fusion.result_strips import save_result
from carousel.fusion.training import LOSSES, FusionTrainingSettings, prepare_training
from carousel.fusion.training_samples import AvatarFusionDataset, load_entries, split, to_sample
from common.curves import draw_curves
from common.devices import describe_device, seed_everything
from common.errors import UserError, enough_memory
from common.paths import shown
from common.runner import Report
from common.training import Training, start_accelerator

SAMPLE_ROWS = 8


def train(
    collages: Path,
    settings: FusionTrainingSettings,
    *,
    start: Path | None,
    output: Path,
    measure_every: int,
    resume: bool,
) -> Report | None:
    """Train, and write all files of `Train.py`; under `accelerate launch` only the main process writes.

    Args:
        collages: folder of collages.
        settings: settings of the run.
        start: checkpoint to continue from; None: see `first_network`.
        output: target checkpoint.
        measure_every: steps between measurements.
        resume: continue an interrupted run.

    Raises:
        UserError: faulty collages, checkpoint or state; a loss that is not finite; out of memory.
    """
    entries = load_entries(collages, settings.size_px)
    trained, measured = split_or_fail(entries, settings.held_out_share)
    settings = replace(settings, collages=fingerprint(entries))
    if start is not None:  # its light estimate is already trained
        settings = replace(settings, light_samples=0)
    seed_everything(settings.seed)
    accelerator = start_accelerator()
    network, weights = first_network(settings, start)
    say = print if accelerator.is_main_process else (lambda _: None)
    say(f"training on {len(trained)} collages, {len(measured)} of other scenes are held out; {describe_device()}")
    say(f"initial weights: {', '.join(weights) or 'random'}")
    samples = AvatarFusionDataset(collages, trained, settings.size_px, training=True, seed=settings.seed)
    held_out = AvatarFusionDataset(collages, measured, settings.size_px, training=False, seed=0)
    with enough_memory(f"lower BATCH ({settings.batch}) or SIZE_PX ({settings.size_px})"):
        training = prepare_training(
            network,
            settings,
            samples,
            held_out,
            accelerator=accelerator,
            measure_every=measure_every,
            resume=resume,
        )
        training.fit(output.with_suffix(".state.pth"), resume)
    if not accelerator.is_main_process:
        return None
    figures = {"steps": training.steps, **training.history[-1], "best held-out foreground PSNR": training.best_score}
    write_checkpoint(output, training.average, settings=asdict(settings), figures=figures)
    show_results(training, held_out, output)
    files = [collages / INDEX] if (collages / INDEX).is_file() else []
    return Report(output, files, figures, device=describe_device(), weights=weights)


def show_results(training: Training, held_out: AvatarFusionDataset, output: Path) -> None:
    """Draw curves and samples beside the checkpoint, and print the held-out figures."""
    beside = ["_samples.png"]
    if training.steps:
        losses = [name for name in LOSSES if name in training.history[-1]]
        curves = output.with_name(f"{output.stem}_curves.png")
        draw_curves(
            training.history,
            curves,
            along="step",
            losses=losses,
            measure="held-out gain",
            label="held-out gain over pasting, dB",
        )
        beside.append("_curves.png")
    draw_samples(
        training.average, held_out, training.accelerator.device, output.with_name(f"{output.stem}_samples.png")
    )
    gain = max(entry["held-out gain"] for entry in training.history)
    print(f"held out: {training.best_score:.2f} dB in the foreground, {gain:+.2f} dB over pasting")
    print(f"time spent waiting for samples: {training.waiting_s:.1f} s")
    print(f"written: {shown(output)}, and beside it {', '.join(beside)}")


def split_or_fail(
    entries: Sequence[CollageEntry], held_out_share: float
) -> tuple[list[CollageEntry], list[CollageEntry]]:
    """Split entries by `split`.

    Raises:
        UserError: one side is empty.
    """
    trained, measured = split(entries, held_out_share)
    if not trained or not measured:
        scenes = len({entry.scene for entry in entries})
        raise UserError(
            f"HELD_OUT_SHARE {held_out_share} of {scenes} scenes leaves {len(trained)} collages to train on and "
            f"{len(measured)} to measure; both must be above 0"
        )
    return trained, measured


def fingerprint(entries: Sequence[CollageEntry]) -> str:
    """A hash that identifies a set of collages."""
    lines = sorted(f"{entry.collage} {entry.scene} {entry.window}" for entry in entries)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def first_network(settings: FusionTrainingSettings, start: Path | None) -> tuple[FusionNetwork, list[str]]:
    """Build the initial network; returns it and the names of its weights.

    A checkpoint that is a light estimate alone gives a network with encoder its light.

    Raises:
        UserError: the checkpoint has another encoder, decoder, head or shrink than the settings.
    """
    if start is None:
        return new_network(settings)
    found = network_of(read_checkpoint(start), start)
    name = str(find_checkpoint(start))
    if found.settings["encoder"] == "none" and settings.encoder != "none" and settings.head == "affine":
        network, weights = new_network(settings)
        network.light.load_state_dict(found.light.state_dict())
        return network, [*weights, name]
    asked = {"encoder": settings.encoder, "decoder": settings.decoder, "head": settings.head, "shrink": settings.shrink}
    if found.settings != asked:
        has, wanted = (", ".join(map(str, choice.values())) for choice in (found.settings, asked))
        raise UserError(f"{start}: has {has}, the settings {wanted}; make them equal")
    return found, [name]


def new_network(settings: FusionTrainingSettings) -> tuple[FusionNetwork, list[str]]:
    """Build a network with ImageNet's weights where they are present; returns it and their names."""
    network = FusionNetwork(settings.encoder, settings.decoder, settings.head, settings.shrink)
    name = load_imagenet(network)
    if not name and settings.encoder != "none":
        print(
            f"ImageNet's weights of {settings.encoder} are not in torchvision's cache; it starts at random",
            file=sys.stderr,
        )
    return network, [name] if name else []


@torch.inference_mode()
def draw_samples(network: FusionNetwork, held_out: AvatarFusionDataset, device: torch.device, path: Path) -> None:
    """Draw evenly chosen held-out samples: background, pasted, fused, ground truth."""
    step = max(1, len(held_out) // SAMPLE_ROWS)
    samples = [to_sample(held_out.example(index)) for index in range(0, len(held_out), step)[:SAMPLE_ROWS]]
    inputs, targets, masks = (
        torch.stack([s[name] for s in samples]).to(device) for name in ("input", "target", "mask")
    )
    save_result(path, inputs, network(inputs, masks), targets, masks, title="Held-out scenes")
