# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "accelerate>=1.15",
#     "matplotlib>=3.11",
#     "numpy>=2.1",
#     "onnxruntime>=1.24",
#     "opencv-python-headless>=4.14,<5",
#     "pillow-heif>=1.1",
#     "pillow>=12.1",
#     "re-live",
#     "scikit-image>=0.26",
#     "torch>=2.11",
#     "torchvision>=0.26",
#     "tqdm>=4.67",
#     "tyro>=1.0",
# ]
#
# [tool.uv.sources]
# re-live = { path = "..", editable = true }
# ///
"""Step 4: train the fusion model on collages.

Whole scenes are held out; their foreground PSNR, in the fixed form of `Dataset.py`, selects the best weights. On
several devices: `accelerate launch carousel/Train.py`.

Reads   outputs/carousel/collages/: index.csv and the collages
Writes  outputs/carousel/fusion_model.pth, and beside it _curves.png, _samples.png and .state.pth (for --resume)
"""

import os
from pathlib import Path
from typing import Annotated, Literal

from common.files import check_not_shipped, check_output
from common.paths import OUTPUTS
from common.runner import Range, Report, run

# ---- settings: edit here, or override once on the command line (--steps 2000) ----
# data
COLLAGES: Path = OUTPUTS / "carousel/collages"  # folder of collages with their index.csv
HELD_OUT_SHARE: Annotated[float, Range(0, 0.9)] = 0.1  # share of the scenes that are held out for measuring
SIZE_PX: Annotated[int, Range(64, 1024)] = 256  # side of the samples, a multiple of 32 * SHRINK
# model
START: Path | None = None  # checkpoint to continue from, or whose light estimate to take; None: ImageNet's, or random
ENCODER: Literal["resnet18", "resnet34", "resnet50", "none"] = "resnet50"  # ResNet; "none": the light estimate alone
DECODER: Literal["transformer", "cnn"] = "transformer"  # transformer blocks, or plain convolutions
HEAD: Literal["affine", "colours"] = "affine"  # predicts a colour transform at each place, or the colours themselves
SHRINK: Annotated[int, Range(1, 4)] = 1  # factor by which the encoder's input is reduced; 2 is four times as fast
OUTPUT: Path = OUTPUTS / "carousel/fusion_model.pth"  # the checkpoint
# loss
L1_WEIGHT: Annotated[float, Range(0, 1000)] = 0.5  # weight of the mean absolute error over the whole picture
MASKED_WEIGHT: Annotated[float, Range(0, 1000)] = 1.0  # weight of the mean absolute error over the person
PERCEPTUAL_WEIGHT: Annotated[float, Range(0, 1000)] = 0.05  # weight of the VGG16 loss; 0: 3 x as fast on a CPU
# optimiser
LIGHT_SAMPLES: Annotated[int, Range(0, 10_000_000)] = 40_000  # samples that pretrain the light estimate; 0: none
STEPS: Annotated[int, Range(0, 10_000_000)] = 20_000  # optimiser steps; 0: only pretrain the light estimate
BATCH: Annotated[int, Range(2, 100_000)] = 8  # samples a step, on each device
LEARNING_RATE: Annotated[float, Range(1e-9, 10)] = 5e-4  # peak learning rate
MEASURE_EVERY: Annotated[int, Range(1, 10_000_000)] = 500  # steps between measurements, each of which saves the state
SEED: Annotated[int, Range(0, 2**63 - 1)] = 1  # seed of weights, order and variations
WORKERS: Annotated[int, Range(0, 1024)] = min(8, os.cpu_count() or 1) - 1  # processes that prepare samples
RESUME: bool = False  # continue an interrupted run


def main() -> Report | None:
    """Read the collages, train, and keep the best weights."""
    check_output(OUTPUT, [".pth"])
    check_not_shipped(OUTPUT, "carousel")
    from carousel.fusion.training import FusionTrainingSettings
    from carousel.fusion.training_run import train

    settings = FusionTrainingSettings(
        encoder=ENCODER,
        decoder=DECODER,
        head=HEAD,
        shrink=SHRINK,
        size_px=SIZE_PX,
        steps=STEPS,
        batch=BATCH,
        learning_rate=LEARNING_RATE,
        l1_weight=L1_WEIGHT,
        masked_weight=MASKED_WEIGHT,
        perceptual_weight=PERCEPTUAL_WEIGHT,
        light_samples=LIGHT_SAMPLES,
        seed=SEED,
        workers=WORKERS,
        held_out_share=HELD_OUT_SHARE,
    )
    return train(COLLAGES, settings, start=START, output=OUTPUT, measure_every=MEASURE_EVERY, resume=RESUME)


if __name__ == "__main__":
    run(main)
