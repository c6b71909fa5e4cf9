"""Result strips, a row a sample: background, pasted, fused, ground truth; and the figures of one picture."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from carousel.fusion.metrics import foreground_psnr, psnr, ssim
from carousel.fusion.normalisation import to_uint8
from common.grids import picture_grid
from common.images import write_png

TILE_PX = 256


def compute_psnr_ssim(predicted: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """PSNR in dB (identical pictures: 100) and SSIM of the whole picture, by `carousel.fusion.metrics`.

    Args:
        predicted: (H, W, 3) uint8 RGB.
        truth: the same shape.

    Raises:
        ValueError: not two pictures of one shape.
    """
    return psnr(predicted, truth), ssim(predicted, truth)


def save_result(
    path: Path, inputs: Tensor, outputs: Tensor, targets: Tensor, mask: Tensor, title: str = "", tile_px: int = TILE_PX
) -> None:
    """Write a PNG with a row a sample: background, person as pasted, person as fused, ground truth.

    Args:
        path: of the PNG.
        inputs: (B, 6, S, S), background and avatar in the network's range.
        outputs: (B, 3, S, S), what the model made of it.
        targets: (B, 3, S, S).
        mask: (B, 1, S, S), the person; decides over the foreground PSNR that is printed below.
        title: above all.
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
