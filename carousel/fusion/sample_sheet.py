"""A sheet of training samples."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from carousel.fusion.metrics import foreground_psnr
from carousel.fusion.training_samples import FusionExample, paste
from common.grids import picture_grid
from common.images import write_png

TILE_PX = 200


def draw_examples(examples: Sequence[FusionExample], path: Path) -> None:
    """Draw a row for each example: background, avatar, mask, pasted, ground truth.

    Args:
        examples: samples as pictures.
        path: target PNG.
    """
    pictures, labels = [], []
    for example in examples:
        pasted = paste(example.background, example.avatar, example.mask)
        parts = (example.background, example.avatar, example.mask, pasted, example.truth)
        pictures += [Image.fromarray(part) for part in parts]
        person = example.mask > 0  # a crop may not show a small one
        decibel = f": {foreground_psnr(pasted, example.truth, person):.1f} dB" if person.any() else ""
        labels += ["background", "avatar, re-lit", "mask", f"pasted{decibel}", "ground truth"]
    write_png(path, picture_grid(pictures, labels, 5, TILE_PX, "What the fusion model learns from"))
