# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "accelerate>=1.15",
#     "matplotlib>=3.11",
#     "numpy>=2.1",
#     "onnx>=1.17",
#     "onnxruntime>=1.24",
#     "opencv-python-headless>=4.14,<5",
#     "pillow-heif>=1.1",
#     "pillow>=12.1",
#     "re-live",
#     "scikit-image>=0.26",
#     "scipy>=1.15",
#     "torch>=2.11",
#     "tqdm>=4.67",
#     "tyro>=1.0",
# ]
#
# [tool.uv.sources]
# re-live = { path = "..", editable = true }
# ///
"""Train the model that ships, on random figures only, drawn while it trains.

It uses no picture files. On one H100 GPU with 16 processor cores it takes about 15 minutes; it runs on any machine,
and --resume continues an interrupted run. On several devices: `accelerate launch masks/0_Train_Base_Model.py`.

Reads   nothing
Writes  outputs/masks/base/mask_model.pth and its JSON; the state of the run beside it, for --resume
"""

import os
from pathlib import Path
from typing import Annotated

from common.devices import describe_device, seed_everything
from common.files import check_not_shipped, check_output
from common.paths import OUTPUTS, shown
from common.runner import Range, Report, run

# ---- settings: edit here, or override once on the command line (--epochs 5) ----
OUTPUT: Path = OUTPUTS / "masks/base/mask_model.pth"  # the checkpoint
EPOCHS: Annotated[int, Range(1, 1_000_000)] = 28  # epochs of SAMPLES figures
SAMPLES: Annotated[int, Range(1, 10_000_000)] = 16_000  # new figures per epoch
BATCH: Annotated[int, Range(1, 100_000)] = 64  # pairs per step, on each process
REPEATS: Annotated[int, Range(1, 1000)] = 2  # steps per batch, each with another rotation and other colours
LEARNING_RATE: Annotated[float, Range(1e-9, 10)] = 2e-3  # peak learning rate
DICE_WEIGHT: Annotated[float, Range(0, 1)] = 0.7  # weight of the Dice loss; cross-entropy has the rest of 1
SEED: Annotated[int, Range(0, 2**63 - 1)] = 1  # seed of weights, figures and their order
WORKERS: Annotated[int, Range(0, 1024)] = os.cpu_count() or 1  # processes that draw figures
RESUME: bool = False  # continue an interrupted run


def main() -> Report | None:
    """Draw figures, train on them, and keep the averaged weights."""
    check_output(OUTPUT, [".pth"])
    check_not_shipped(OUTPUT, "masks")
    from dataclasses import asdict

    from common.training import start_accelerator
    from masks.model.checkpoint_format import write_checkpoint
    from masks.model.training import TrainingSettings, fit
    from masks.model.training_samples import TrainingSamples
    from masks.model.unet import UNet

    settings = TrainingSettings(
        epochs=EPOCHS,
        batch=BATCH,
        repeats=REPEATS,
        learning_rate=LEARNING_RATE,
        dice_weight=DICE_WEIGHT,
        drawn_share=1.0,
        seed=SEED,
        workers=WORKERS,
    )
    seed_everything(SEED)
    if start_accelerator().is_main_process:
        print(f"training on {describe_device()}: {EPOCHS} epochs of {SAMPLES} random figures")
    samples = TrainingSamples(frames=[], length=SAMPLES, drawn_share=1.0, seed=SEED)
    training = fit(settings, UNet(), samples, held_out=[], checkpoint=OUTPUT, resume=RESUME, every=1)
    if not training.accelerator.is_main_process:
        return None
    figures = {"random figures": EPOCHS * SAMPLES, **training.history[-1]}
    write_checkpoint(OUTPUT, training.average, frames=[], settings=asdict(settings), figures=figures)
    print(f"written: {shown(OUTPUT)}")
    return Report(OUTPUT, [], figures, device=describe_device())


if __name__ == "__main__":
    run(main)
