"""Train the model that ships, on random figures alone, drawn while it trains.

It never sees a picture file. On one H100 GPU with 16 processor cores it takes about 15 minutes; it runs on any
machine, and --resume goes on after a break. On several devices: `accelerate launch masks/0_Train_Base_Model.py`.

Reads   nothing
Writes  outputs/masks/base/mask_model.pth and its JSON; the state of the run beside it, for --resume
"""

import os
from pathlib import Path

from common.devices import describe_device, seed_everything
from common.errors import check_range
from common.files import check_output
from common.paths import OUTPUTS, shown
from common.runner import Report, run

# ---- settings: edit here, or override once on the command line (--epochs 5) ----
OUTPUT = OUTPUTS / "masks/base/mask_model.pth"  # the checkpoint
EPOCHS = 28  # of SAMPLES figures each
SAMPLES = 16_000  # new figures an epoch
BATCH = 64  # pairs a step
REPEATS = 2  # steps on each batch, each in another turn and with other colours
LEARNING_RATE = 2e-3  # its highest value
DICE_WEIGHT = 0.7  # of the loss; cross-entropy has the rest
SEED = 1  # of weights, figures and their order
WORKERS = os.cpu_count() or 1  # processes that draw
RESUME = False  # go on with the run that was cut short


def main(
    output: Path = OUTPUT,
    epochs: int = EPOCHS,
    samples: int = SAMPLES,
    batch: int = BATCH,
    repeats: int = REPEATS,
    learning_rate: float = LEARNING_RATE,
    dice_weight: float = DICE_WEIGHT,
    seed: int = SEED,
    workers: int = WORKERS,
    resume: bool = RESUME,
) -> Report | None:
    """Draw figures, train on them, and keep the averaged weights."""
    from dataclasses import asdict

    from common.checkpoints import check_not_shipped
    from common.training import start_accelerator
    from masks.model.checkpoint_format import PART, write_checkpoint
    from masks.model.training import Samples, TrainingSettings, fit
    from masks.model.unet import UNet

    check_output(output, [".pth"])
    check_not_shipped(output, PART)
    check_range("SAMPLES", samples, 1, 10_000_000)
    settings = TrainingSettings(epochs, batch, learning_rate, dice_weight, 1.0, seed, workers, repeats)
    seed_everything(seed)
    if start_accelerator().is_main_process:
        print(f"training on {describe_device()}: {epochs} epochs of {samples} random figures")
    training = fit(settings, UNet(), Samples([], samples, settings), [], output, resume, every=1)
    if not training.accelerator.is_main_process:
        return None
    figures = {"random figures": epochs * samples, **training.history[-1]}
    write_checkpoint(output, training.average, frames=[], settings=asdict(settings), figures=figures)
    print(f"written: {shown(output)}")
    return Report(output, [], figures, device=describe_device())


if __name__ == "__main__":
    run(main)
