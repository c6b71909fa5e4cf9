"""One training run from a folder of sets to a checkpoint, its curves, samples and table."""

import hashlib
import shutil
import time
from dataclasses import asdict, replace
from pathlib import Path

from common.curves import draw_curves
from common.devices import describe_device, seed_everything
from common.errors import UserError
from common.paths import shown
from common.runner import Report
from common.training import start_accelerator
from masks.model.checkpoint_format import find_checkpoint, network_of, read_checkpoint, write_checkpoint
from masks.model.evaluation import draw_scores, evaluate, format_table, write_frame_scores
from masks.model.training import Samples, TrainingSettings, fit, load_frames
from masks.model.unet import UNet
from masks.sets.frame_sets import FrameSet, frame_keys, gather_training_data

AUTO, NONE = "auto", "none"
AUTO_FROM = 3  # sets from which on one of them is held out without being asked for


def retrain(
    folder: Path, held_out: str, start: str | None, output: Path, settings: TrainingSettings, resume: bool
) -> Report | None:
    """Train on a folder of sets, keep the checkpoint that was there before, and report what changed on each set.

    Under `accelerate launch` only the main process measures and writes; the others return None.

    Args:
        folder: training folder.
        held_out: names of sets that only measure, parted by commas; "auto" or "none".
        start: checkpoint to go on from; None: random weights.
        output: the new checkpoint; pictures and table lie beside it under the same name.
        settings: of the run.
        resume: go on with the run that was cut short.

    Raises:
        UserError: faults of the data, of the checkpoint, a held-out set that does not exist, or a loss that is not
            finite.
    """
    sets = gather_training_data(folder)
    trained, measured = split_sets(sets, held_out)
    accelerator = start_accelerator()
    network = network_of(read_checkpoint(start), start).to(accelerator.device) if start else None
    main = accelerator.is_main_process
    if main:
        print(f"trains on   {describe_sets(trained)}\nheld out    {describe_sets(measured)}")
        print(f"starts from {shown(find_checkpoint(start)) if start else 'random weights'}; {describe_device()}")
    before = evaluate(network, trained, measured) if network and main else []
    seed_everything(settings.seed)
    keys = sorted(key for frame_set in trained for key in frame_keys(frame_set))
    settings = replace(settings, frames=hashlib.sha256("".join(keys).encode()).hexdigest()[:16])
    frames = load_frames(trained)
    training = fit(settings, network or UNet(), Samples(frames, len(frames), settings), measured, output, resume)
    if not main:
        return None
    after = evaluate(training.average, trained, measured)
    keep_previous(output)
    known = set(read_checkpoint(start)["frames"]) if start else set()
    figures = {f"{score.role} {score.name}": round(score.mean_f1, 4) for score in after}
    write_checkpoint(
        output, training.average, frames=sorted(known.union(keys)), settings=asdict(settings), figures=figures
    )
    print(f"\n{format_table(after, before)}\n")
    curves = output.with_name(f"{output.stem}_curves.png")
    draw_curves(
        training.history,
        curves,
        along="epoch",
        losses=["dice", "cross-entropy"],
        measure="held-out F1",
        label="held-out F1",
    )
    draw_scores(after, output.with_name(f"{output.stem}_samples.png"))
    write_frame_scores(after, output.with_suffix(".csv"))
    print(f"written: {shown(output)}, and beside it _curves.png, _samples.png, .csv")
    inputs = [pair.mask for frame_set in sets for pair in frame_set.pairs if pair.mask]
    return Report(output, inputs, figures, device=describe_device(), weights=[start] if start else [])


def split_sets(sets: list[FrameSet], held_out: str) -> tuple[list[FrameSet], list[FrameSet]]:
    """The sets to train on and those to measure by; whole animations, never single frames.

    Raises:
        UserError: a name that no set has, or nothing left to train on.
    """
    names = [frame_set.name for frame_set in sets]
    if held_out == AUTO:
        chosen = names[-1:] if len(names) >= AUTO_FROM else []
    else:
        chosen = [name.strip() for name in held_out.split(",") if name.strip() not in ("", NONE)]
    unknown = [name for name in chosen if name not in names]
    if unknown:
        raise UserError(f"setting HELD_OUT names {', '.join(unknown)}; the sets are {', '.join(names)}")
    if len(chosen) == len(names):
        raise UserError("setting HELD_OUT names every set; nothing is left to train on")
    return [s for s in sets if s.name not in chosen], [s for s in sets if s.name in chosen]


def describe_sets(sets: list[FrameSet]) -> str:
    """Names and sizes in one line."""
    return ", ".join(f"{frame_set.name} ({len(frame_set.pairs)})" for frame_set in sets) or "nothing"


def keep_previous(checkpoint: Path) -> None:
    """Copy a checkpoint that is about to be replaced to previous/, under the date of its making."""
    if checkpoint.exists():
        stamp = time.strftime("%Y-%m-%d_%H-%M-%S", time.localtime(checkpoint.stat().st_mtime))
        kept = checkpoint.parent / "previous" / f"{checkpoint.stem}_{stamp}.pth"
        kept.parent.mkdir(exist_ok=True)
        shutil.copy2(checkpoint, kept)
        print(f"the checkpoint before is kept as {shown(kept)}")
