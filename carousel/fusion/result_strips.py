"""Result strips, a row for each sample: background, pasted, fused, ground truth; PSNR and SSIM of a picture."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from carousel.fusion.metrics import foreground_psnr, psnr, ssim
from common.grids import picture_grid
from common.imagenet.normalisation import to_uint8
from common.images import write_png

TILE_PX = 256


def compute_psnr_ssim(predicted: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Compute PSNR in dB (100 for identical pictures) and SSIM of the whole picture.

    Args:
        predicted: (H, W, 3) uint8 RGB.
        truth: same shape.

    Raises:
        ValueError: not two pictures of one shape.
    """
    return psnr(predicted, truth), ssim(predicted, truth)


def save_result(
    path: Path,
    inputs: Tensor,
    outputs: Tensor,
    targets: Tensor,
    mask: Tensor,
    *,
    title: str = "",
    tile_px: int = TILE_PX,
) -> None:
    """Write a PNG with a row for each sample: background, pasted, fused, ground truth.

    Args:
        path: target PNG.
        inputs: (B, 6, S, S), background and avatar in the network's range.
        outputs: (B, 3, S, S), output of the model.
        targets: (B, 3, S, S), ground truth.
        mask: (B, 1, S, S), the person, over which the foreground PSNR is computed.
        title: line above the rows.
        tile_px: side of a picture.

    Raises:
        UserError: the folder cannot be written.
    """
    background, avatar = inputs.cpu().split(3, dim=1)
    pasted = torch.where(mask.cpu() > 0.5, avatar, background)
    columns = [to_uint8(part) for part in (background, pasted, outputs, targets)]
    pictures, labels = [], []
    for index, person in enumerate(mask.cpu().numpy()[:, 0] > 0.5):
        row = [column[index] for column in columns]
        before, after = (f"{foreground_psnr(part, row[3], person):.1f} dB" if person.any() else "" for part in row[1:3])
        pictures += [Image.fromarray(part) for part in row]
        labels += ["background\n ", f"pasted\n{before}", f"fused\n{after}", "ground truth\n "]
    write_png(path, picture_grid(pictures, labels, len(columns), tile_px, title))
