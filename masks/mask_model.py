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
"""Step 4: train the clothing-mask model on your own frames; and the functions that use a model.

    python mask_model.py training_data                  continue from the shipped model
    python mask_model.py training_data --start none     train from scratch
    python mask_model.py training_data --resume         continue an interrupted run
    accelerate launch mask_model.py training_data       train on several devices

    from mask_model import load_model, predict_mask     in a script of your own, in this folder
    model, device = load_model("mask_model.pth")
    mask = predict_mask(model, "base.png", "clothed.png", device)  # (H, W) uint8 of 0 or 255

Reads   every set of the training folder, by its name: frames_backup_<animation>/ with masks_backup_<animation>/ (or
        masks_initial_backup_<animation>/), and the reviewed frames of frames/ with masks_corrected/
Writes  outputs/masks/mask_model.pth and its JSON; curves, sample predictions and the table of scores beside it; the
        earlier checkpoint goes to outputs/masks/previous/
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional

from common.files import check_not_shipped, check_output
from common.paths import DATA, OUTPUTS
from common.runner import Range, Report, run

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import torch

    from masks.model.inference import Picture
    from masks.model.unet import UNet

# ---- settings: edit here, or override once on the command line (--epochs 50) ----
# data
TRAINING_DATA: Positional[Path] = DATA / "masks"  # training folder
HELD_OUT: str = "auto"  # sets used only for measuring: "run_west,walk_east"; auto: the last of three or more; none
# model
START: str = "mask_model.pth"  # checkpoint to start from; none: random weights
OUTPUT: Path = OUTPUTS / "masks/mask_model.pth"  # the new checkpoint
# optimiser
EPOCHS: Annotated[int, Range(1, 1_000_000)] = 200  # passes over the frames
BATCH: Annotated[int, Range(1, 100_000)] = 8  # pairs per step, on each process
LEARNING_RATE: Annotated[float | None, Range(1e-9, 10)] = None  # peak; None: 2e-3 from scratch, 3e-4 otherwise
DICE_WEIGHT: Annotated[float, Range(0, 1)] = 0.7  # weight of the Dice loss; cross-entropy has the rest of 1
DRAWN_SHARE: Annotated[float | None, Range(0, 1)] = None  # share of random figures; None: 0 from scratch, 0.5 otherwise
SEED: Annotated[int, Range(0, 2**63 - 1)] = 1  # seed of weights, order and augmentation
WORKERS: Annotated[int, Range(0, 1024)] = min(4, os.cpu_count() or 1) - 1  # processes that prepare samples
RESUME: bool = False  # continue an interrupted run

LEARNING_RATE_SCRATCH, LEARNING_RATE_FINE_TUNING = 2e-3, 3e-4
DRAWN_SHARE_SCRATCH, DRAWN_SHARE_FINE_TUNING = 0.0, 0.5


def load_model(path: Path | str = START) -> "tuple[UNet, torch.device]":
    """Load a checkpoint; a bare name that is not in the current folder is looked up in checkpoints/masks/.

    Returns:
        The network, in evaluation mode, and its device.

    Raises:
        UserError: the checkpoint is missing, damaged, unsafe, or one of another network.
    """
    from masks.model.checkpoint_format import load_network

    return load_network(path)


def predict_mask(model: "UNet", base: "Picture", clothed: "Picture", device: "torch.device") -> "np.ndarray":
    """Predict the clothing mask of one pair, (H, W) uint8 of 0 or 255.

    Args:
        model: the network, as `load_model` returns it.
        base: the undressed frame: a file, a PIL image or an (H, W, 3 or 4) uint8 array.
        clothed: the clothed frame, of the same size.
        device: the model's device, as `load_model` returns it.

    Raises:
        UserError: a file cannot be read, or the sizes differ.
    """
    return next(predict_masks(model, [(base, clothed)], device))


def predict_masks(
    model: "UNet", pairs: "Iterable[tuple[Picture, Picture]]", device: "torch.device"
) -> "Iterator[np.ndarray]":
    """Predict the clothing masks of many pairs, in order, with constant memory use; see `predict_mask`."""
    from masks.model import inference

    return inference.predict_masks(model, pairs, device)


def main() -> Report | None:
    """Gather, train, compare with the earlier model."""
    check_output(OUTPUT, [".pth"])
    check_not_shipped(OUTPUT, "masks")
    from masks.model.training import TrainingSettings
    from masks.model.training_run import retrain

    scratch = START.lower() == "none"
    learning_rate, drawn_share = LEARNING_RATE, DRAWN_SHARE
    if learning_rate is None:
        learning_rate = LEARNING_RATE_SCRATCH if scratch else LEARNING_RATE_FINE_TUNING
    if drawn_share is None:
        drawn_share = DRAWN_SHARE_SCRATCH if scratch else DRAWN_SHARE_FINE_TUNING
    settings = TrainingSettings(
        epochs=EPOCHS,
        batch=BATCH,
        learning_rate=learning_rate,
        dice_weight=DICE_WEIGHT,
        drawn_share=drawn_share,
        seed=SEED,
        workers=WORKERS,
    )
    return retrain(
        TRAINING_DATA,
        held_out=HELD_OUT,
        start=None if scratch else START,
        output=OUTPUT,
        settings=settings,
        resume=RESUME,
    )


if __name__ == "__main__":
    run(main)
