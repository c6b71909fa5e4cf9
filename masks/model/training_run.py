"""A training run, from a folder of sets to a checkpoint, its curves, sample predictions and table of scores."""

import hashlib
import shutil
import time
from dataclasses import asdict, replace
from pathlib import Path

from common.curves import draw_curves
from common.devices import describe_device, seed_everything
from common.errors import UserError
from common.paths import resolved, shown
from common.runner import Report
from common.training import start_accelerator
from masks.model.checkpoint_format import find_checkpoint, network_of, read_checkpoint, write_checkpoint
from masks.model.default_model import TRAINED, made_worse
from masks.model.evaluation import SetScore, draw_scores, evaluate, format_table, write_frame_scores
from masks.model.training import TrainingSettings, fit
from masks.model.training_samples import TrainingSamples, load_frames
from masks.model.unet import UNet
from masks.sets.training_sets import FrameSet, all_pairs, frame_keys, gather_training_data

AUTO, NONE = "auto", "none"
AUTO_FROM = 3  # "auto" holds a set out if there are at least this many


def retrain(
    folder: Path, *, held_out: str, start: str | None, output: Path, settings: TrainingSettings, resume: bool
) -> Report | None:
    """Train on a folder of sets, keep a copy of the earlier checkpoint, and report the change on each set.

    Under `accelerate launch` only the main process measures and writes; the others return None.

    Args:
        folder: training folder.
        held_out: names of sets used only for measuring, separated by commas; "auto" or "none".
        start: checkpoint to start from; None: random weights.
        output: the new checkpoint; pictures and table get the same name.
        settings: settings of the run.
        resume: continue an interrupted run.

    Raises:
        UserError: the data or the checkpoint are faulty, a held-out set does not exist, or the loss is not finite.
    """
    sets = gather_training_data(folder)
    trained, measured = split_sets(sets, held_out)
    accelerator = start_accelerator()
    content = read_checkpoint(start) if start else {"frames": []}
    network = network_of(content, start).to(accelerator.device) if start else None
    main = accelerator.is_main_process
    if main:
        print(f"trains on   {describe_sets(trained)}\nheld out    {describe_sets(measured)}")
        print(f"starts from {shown(find_checkpoint(start)) if start else 'random weights'}; {describe_device()}")
    before = evaluate(network, trained, measured) if network and main else []
    seed_everything(settings.seed)
    keys = sorted(key for frame_set in trained for key in frame_keys(frame_set))
    settings = replace(settings, frames=hashlib.sha256("".join(keys).encode()).hexdigest()[:16])
    frames = load_frames(trained)
    samples = TrainingSamples(frames, length=len(frames), drawn_share=settings.drawn_share, seed=settings.seed)
    training = fit(settings, network or UNet(), samples, held_out=measured, checkpoint=output, resume=resume)
    if not main:
        return None
    after = evaluate(training.average, trained, measured)
    keep_previous(output)
    figures = {f"{score.role} {score.name}": round(score.mean_f1, 4) for score in after}
    known = sorted({*content["frames"], *keys})
    worse = made_worse(before, after)
    facts = {"frames": known, "settings": asdict(settings), "figures": figures}
    write_checkpoint(output, training.average, **facts, is_default=bool(before) and not worse)
    write_results(output, training.history, before, after)
    print(describe_use(output, start, worse))
    inputs = [pair.mask for pair in all_pairs(sets) if pair.mask]
    return Report(output, inputs, figures, device=describe_device(), weights=[start] if start else [])


def write_results(
    checkpoint: Path, history: list[dict[str, float]], before: list[SetScore], after: list[SetScore]
) -> None:
    """Print the table of scores; write it, the curves and sample predictions beside the checkpoint."""
    print(f"\n{format_table(after, before)}\n")
    curves = checkpoint.with_name(f"{checkpoint.stem}_curves.png")
    draw_curves(
        history,
        curves,
        along="epoch",
        losses=["dice", "cross-entropy"],
        measure="held-out F1",
        label="held-out F1",
    )
    draw_scores(after, checkpoint.with_name(f"{checkpoint.stem}_samples.png"))
    write_frame_scores(after, checkpoint.with_suffix(".csv"))
    print(f"written: {shown(checkpoint)}, and beside it _curves.png, _samples.png, .csv")


def describe_use(output: Path, start: str | None, worse: dict[str, float]) -> str:
    """Return in words whether the later steps use the new model by default.

    Args:
        output: the new checkpoint.
        start: checkpoint that it was trained from; None: random weights.
        worse: change of the mean F1 of each set that became worse.
    """
    if worse:
        sets = ", ".join(f"{name} ({change:+.4f})" for name, change in worse.items())
        return f"training made {sets} worse; steps 2 and 5 keep the old model, unless CHECKPOINT names the new one"
    if start is None or resolved(output) != resolved(TRAINED):
        return f"steps 2 and 5 use it by --checkpoint {shown(output)}"
    return "no set became worse; steps 2 and 5 use the new model from now on"


def split_sets(sets: list[FrameSet], held_out: str) -> tuple[list[FrameSet], list[FrameSet]]:
    """Split the sets into those to train on and those to measure on; whole animations, never single frames.

    Raises:
        UserError: no set has one of the names, or nothing is left to train on.
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
    """Return names and sizes in one line."""
    return ", ".join(f"{frame_set.name} ({len(frame_set.pairs)})" for frame_set in sets) or "nothing"


def keep_previous(checkpoint: Path) -> None:
    """Copy a checkpoint that is about to be replaced to previous/, named after its date."""
    if checkpoint.exists():
        stamp = time.strftime("%Y-%m-%d_%H-%M-%S", time.localtime(checkpoint.stat().st_mtime))
        kept = checkpoint.parent / "previous" / f"{checkpoint.stem}_{stamp}.pth"
        kept.parent.mkdir(exist_ok=True)
        shutil.copy2(checkpoint, kept)
        print(f"earlier checkpoint: {shown(kept)}")
