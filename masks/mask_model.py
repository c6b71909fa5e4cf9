"""Step 4: train the clothing-mask model on your own frames; and the functions that use a model.

    python mask_model.py training_data                  go on from the shipped model
    python mask_model.py training_data --start none     from scratch
    python mask_model.py training_data --resume         go on with a run that was cut short

    from mask_model import load_model, predict_mask     in a script of your own, in this folder
    model, device = load_model("mask_model.pth")
    mask = predict_mask(model, "base.png", "clothed.png", device)  # (H, W) uint8 of 0 or 255

Reads   every set of the training folder, by its name: frames_backup_<animation>/ with masks_backup_<animation>/ (or
        masks_initial_backup_<animation>/), and the reviewed frames of frames/ with masks_corrected/
Writes  outputs/masks/mask_model.pth and its JSON; curves, sample predictions and the table of scores beside it; the
        checkpoint that was there before goes to outputs/masks/previous/
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from common.files import check_output
from common.paths import DATA, OUTPUTS
from common.runner import Report, run

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import torch

    from masks.model.inference import Picture
    from masks.model.unet import UNet

# ---- settings: edit here, or override once on the command line (--epochs 50) ----
# data
TRAINING_DATA = DATA / "masks"  # folder of sets
HELD_OUT = "auto"  # sets that only measure, by name: "run_west,walk_east"; auto: the last of three or more; none
# model
START = "mask_model.pth"  # checkpoint to go on from; none: from scratch
OUTPUT = OUTPUTS / "masks/mask_model.pth"  # the new checkpoint
# optimiser
EPOCHS = 200  # passes over the frames
BATCH = 8  # pairs a step
LEARNING_RATE: float | None = None  # its highest value; None: 2e-3 from scratch, 3e-4 from a checkpoint
DICE_WEIGHT = 0.7  # of the loss; binary cross-entropy has the rest
DRAWN_SHARE: float | None = None  # random figures among the samples; None: 0 from scratch, 0.5 from a checkpoint
SEED = 1  # of weights, order and augmentation
WORKERS = min(4, os.cpu_count() or 1) - 1  # processes that prepare samples
RESUME = False  # go on with the run that was cut short

LEARNING_RATE_SCRATCH, LEARNING_RATE_GO_ON = 2e-3, 3e-4
DRAWN_SHARE_SCRATCH, DRAWN_SHARE_GO_ON = 0.0, 0.5


def load_model(path: Path | str = START) -> "tuple[UNet, torch.device]":
    """Load a checkpoint; a bare name that is not in the current folder is looked up in checkpoints/masks/.

    Returns:
        The network, in evaluation mode, and the device that it lies on.

    Raises:
        UserError: missing, damaged, unsafe, or a checkpoint of another network.
    """
    from masks.model.checkpoint_format import load_network

    return load_network(path)


def predict_mask(model: "UNet", base: "Picture", clothed: "Picture", device: "torch.device") -> "np.ndarray":
    """The clothing mask of one pair as (H, W) uint8 of 0 or 255.

    Args:
        model: as `load_model` gives it.
        base: the undressed frame: a file, a PIL image or an (H, W, 3 or 4) uint8 array.
        clothed: the same frame clothed, of the same size.
        device: as `load_model` gives it.

    Raises:
        UserError: a file cannot be read, or the sizes differ.
    """
    return next(predict_masks(model, [(base, clothed)], device))


def predict_masks(
    model: "UNet", pairs: "Iterable[tuple[Picture, Picture]]", device: "torch.device"
) -> "Iterator[np.ndarray]":
    """The clothing masks of many pairs, in order, in memory that does not grow; as `predict_mask` otherwise."""
    from masks.model import inference

    return inference.predict_masks(model, pairs, device)


def main(
    training_data: Annotated[Path, tyro.conf.Positional] = TRAINING_DATA,
    held_out: str = HELD_OUT,
    start: str = START,
    output: Path = OUTPUT,
    epochs: int = EPOCHS,
    batch: int = BATCH,
    learning_rate: float | None = LEARNING_RATE,
    dice_weight: float = DICE_WEIGHT,
    drawn_share: float | None = DRAWN_SHARE,
    seed: int = SEED,
    workers: int = WORKERS,
    resume: bool = RESUME,
) -> Report | None:
    """Gather, train, compare with the model before."""
    check_output(output, [".pth"])
    from common.checkpoints import check_not_shipped
    from masks.model.checkpoint_format import PART
    from masks.model.training import TrainingSettings
    from masks.model.training_run import retrain

    check_not_shipped(output, PART)
    scratch = start.lower() == "none"
    if learning_rate is None:
        learning_rate = LEARNING_RATE_SCRATCH if scratch else LEARNING_RATE_GO_ON
    if drawn_share is None:
        drawn_share = DRAWN_SHARE_SCRATCH if scratch else DRAWN_SHARE_GO_ON
    settings = TrainingSettings(epochs, batch, learning_rate, dice_weight, drawn_share, seed, workers)
    return retrain(training_data, held_out, None if scratch else start, output, settings, resume)


if __name__ == "__main__":
    run(main)
