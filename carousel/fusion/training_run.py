"""One training from the collages to the checkpoint and its pictures."""

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
from carousel.fusion.training import LOSSES, TrainingSettings, prepare
from carousel.fusion.training_samples import AvatarFusionDataset, load_entries, split, to_sample
from common.curves import draw_curves
from common.devices import describe_device, seed_everything
from common.errors import UserError, enough_memory
from common.paths import shown
from common.runner import Report
from common.training import start_accelerator

SAMPLE_ROWS = 8


def train(
    collages: Path,
    start: Path | None,
    output: Path,
    settings: TrainingSettings,
    every: int,
    resume: bool,
) -> Report | None:
    """Train and write everything that `Train.py` promises; under `accelerate launch` only the first process writes.

    Args:
        collages: folder of collages.
        start: checkpoint to go on from; None: see `first_network`.
        output: the checkpoint.
        settings: of the run.
        every: steps between measurements.
        resume: go on with the run that was cut short.

    Raises:
        UserError: faults of the collages, of the checkpoint or the state, a loss that is not finite, no memory.
    """
    entries = load_entries(collages, settings.size_px)
    trained, measured = split_or_fail(entries, settings.held_out_share)
    settings = replace(settings, collages=fingerprint(entries))
    if start is not None:  # its light estimate has been taught
        settings = replace(settings, light_samples=0)
    seed_everything(settings.seed)
    accelerator = start_accelerator()
    network, weights = first_network(settings, start)
    say = print if accelerator.is_main_process else (lambda _: None)
    say(f"trains on {len(trained)} collages, holds {len(measured)} of other scenes out; {describe_device()}")
    say(f"starts from {', '.join(weights) or 'random weights'}")
    samples = AvatarFusionDataset(collages, trained, settings.size_px, training=True, seed=settings.seed)
    held_out = AvatarFusionDataset(collages, measured, settings.size_px, training=False, seed=0)
    with enough_memory(f"lower BATCH ({settings.batch}) or SIZE_PX ({settings.size_px})"):
        training = prepare(settings, network, samples, held_out, accelerator, every, resume)
        training.fit(output.with_suffix(".state.pth"), resume)
    if not accelerator.is_main_process:
        return None
    figures = {"steps": training.steps, **training.history[-1], "best held-out foreground PSNR": training.best_score}
    write_checkpoint(output, training.average, settings=asdict(settings), figures=figures)
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
    draw_samples(training.average, held_out, accelerator.device, output.with_name(f"{output.stem}_samples.png"))
    gain = max(entry["held-out gain"] for entry in training.history)
    print(f"held out: {training.best_score:.2f} dB in the foreground, {gain:+.2f} dB over pasting")
    print(f"the network waited {training.waiting_s:.1f} s for samples")
    print(f"written: {shown(output)}, and beside it {', '.join(beside)}")
    files = [collages / INDEX] if (collages / INDEX).is_file() else []
    return Report(output, files, figures, device=describe_device(), weights=weights)


def split_or_fail(
    entries: Sequence[CollageEntry], held_out_share: float
) -> tuple[list[CollageEntry], list[CollageEntry]]:
    """As `split`.

    Raises:
        UserError: nothing on one of the sides.
    """
    trained, measured = split(entries, held_out_share)
    if not trained or not measured:
        scenes = len({entry.scene for entry in entries})
        raise UserError(
            f"HELD_OUT_SHARE {held_out_share} of {scenes} scenes leaves {len(trained)} collages to train on and "
            f"{len(measured)} to measure by; both are needed"
        )
    return trained, measured


def fingerprint(entries: Sequence[CollageEntry]) -> str:
    """What tells one set of collages from another."""
    return hashlib.sha256("\n".join(sorted(f"{e.collage} {e.scene} {e.window}" for e in entries)).encode()).hexdigest()[
        :16
    ]


def first_network(settings: TrainingSettings, start: Path | None) -> tuple[FusionNetwork, list[str]]:
    """The network to begin with and the names of its weights.

    Raises:
        UserError: a checkpoint of another encoder, decoder or head than the settings say.
    """
    if start is None:
        network = FusionNetwork(settings.encoder, settings.decoder, settings.head, settings.shrink)
        name = load_imagenet(network)
        if not name and settings.encoder != "none":
            print(f"ImageNet's weights of {settings.encoder} are not in torchvision's cache", file=sys.stderr)
        return network, [name] if name else []
    network = network_of(read_checkpoint(start), start)
    asked = {"encoder": settings.encoder, "decoder": settings.decoder, "head": settings.head, "shrink": settings.shrink}
    if network.settings != asked:
        found, wanted = (", ".join(map(str, choice.values())) for choice in (network.settings, asked))
        raise UserError(f"{start}: is of {found}; the settings say {wanted}")
    return network, [str(find_checkpoint(start))]


@torch.inference_mode()
def draw_samples(network: FusionNetwork, held_out: AvatarFusionDataset, device: torch.device, path: Path) -> None:
    """Draw held-out samples, evenly taken: background, pasted, fused, truth."""
    step = max(1, len(held_out) // SAMPLE_ROWS)
    samples = [to_sample(held_out.example(index)) for index in range(0, len(held_out), step)[:SAMPLE_ROWS]]
    inputs, targets, masks = (
        torch.stack([s[name] for s in samples]).to(device) for name in ("input", "target", "mask")
    )
    save_result(path, inputs, network(inputs, masks), targets, masks, "Held-out scenes")
