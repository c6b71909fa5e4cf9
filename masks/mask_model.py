"""Step 4: train the clothing-mask model; and the functions that use it.

Reads   a training folder: frames_backup_<animation>/ with masks_backup_<animation>/, reviewed frames/
Writes  outputs/masks/mask_model.pth, curves and samples beside it
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch

from common.devices import pick_device
from masks.prediction import THRESHOLD, Picture, predict_probabilities
from masks.unet import UNet

CHECKPOINT = "mask_model.pth"


def load_model(path: Path | str = CHECKPOINT) -> tuple[UNet, torch.device]:
    """Load a checkpoint; a bare name that is not in the current folder is looked up in checkpoints/masks/."""
    device = pick_device()
    model = UNet().eval().to(memory_format=torch.channels_last).to(device)
    return model, device


def predict_mask(model: UNet, base: Picture, clothed: Picture, device: torch.device) -> np.ndarray:
    """The clothing mask of one pair as (H, W) uint8 of 0 or 255; pictures are files, PIL images or arrays."""
    return next(predict_masks(model, [(base, clothed)], device))


def predict_masks(model: UNet, pairs: Iterable[tuple[Picture, Picture]], device: torch.device) -> Iterator[np.ndarray]:
    """The clothing masks of many pairs, in order, as (H, W) uint8 of 0 or 255."""
    for probability in predict_probabilities(model, pairs, device):
        yield np.where(probability > THRESHOLD, 255, 0).astype(np.uint8)
