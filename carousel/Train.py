"""Step 4: train the fusion model on collages.

Whole scenes are held out; their foreground PSNR in the fixed form of `Dataset.py` chooses the best weights. On several
devices: `accelerate launch carousel/Train.py`.

Reads   outputs/carousel/collages/: index.csv and the collages
Writes  outputs/carousel/fusion_model.pth, and beside it _curves.png, _samples.png and .state.pth (for --resume)
"""

import os
from pathlib import Path
from typing import Literal

from common.errors import check_range
from common.files import check_output
from common.paths import OUTPUTS
from common.runner import Report, run

# ---- settings: edit here, or override once on the command line (--steps 2000) ----
# data
COLLAGES = OUTPUTS / "carousel/collages"  # folder of collages with their index.csv
HELD_OUT_SHARE = 0.1  # of the scenes, which only measure
SIZE_PX = 256  # side of the samples, a multiple of 32
# model
START: Path | None = None  # checkpoint to go on from; None: ImageNet's weights where present, else random
ENCODER: Literal["resnet18", "resnet34", "resnet50", "none"] = "resnet50"  # ResNet; "none": light estimate alone
DECODER: Literal["transformer", "cnn"] = "transformer"  # transformer blocks, or plain convolutions
HEAD: Literal["affine", "colours"] = "affine"  # a colour transform at each place, or the colours themselves
SHRINK = 1  # whole factor by which the encoder sees samples smaller: 2 is four times as fast
OUTPUT = OUTPUTS / "carousel/fusion_model.pth"  # the checkpoint
# loss
L1_WEIGHT = 0.5  # of the mean absolute error over the whole picture
MASKED_WEIGHT = 1.0  # of the mean absolute error over the person
PERCEPTUAL_WEIGHT = 0.05  # of the distance in VGG16's features; 0: off, three times as fast on a CPU
# optimiser
LIGHT_SAMPLES = 16_000  # samples whose statistics teach the light estimate first, unless START has; 0: none
STEPS = 20_000  # of the optimiser; 0: the light estimate alone is taught
BATCH = 8  # samples a step, on each device
LEARNING_RATE = 5e-4  # its highest value
MEASURE_EVERY = 500  # steps between measurements, each of which saves the state
SEED = 1  # of weights, order and variations
WORKERS = min(8, os.cpu_count() or 1) - 1  # processes that prepare samples
RESUME = False  # go on with the run that was cut short


def main(
    collages: Path = COLLAGES,
    held_out_share: float = HELD_OUT_SHARE,
    size_px: int = SIZE_PX,
    start: Path | None = START,
    encoder: Literal["resnet18", "resnet34", "resnet50", "none"] = ENCODER,
    decoder: Literal["transformer", "cnn"] = DECODER,
    head: Literal["affine", "colours"] = HEAD,
    shrink: int = SHRINK,
    output: Path = OUTPUT,
    l1_weight: float = L1_WEIGHT,
    masked_weight: float = MASKED_WEIGHT,
    perceptual_weight: float = PERCEPTUAL_WEIGHT,
    light_samples: int = LIGHT_SAMPLES,
    steps: int = STEPS,
    batch: int = BATCH,
    learning_rate: float = LEARNING_RATE,
    measure_every: int = MEASURE_EVERY,
    seed: int = SEED,
    workers: int = WORKERS,
    resume: bool = RESUME,
) -> Report | None:
    """Read the collages, train, and keep the best weights."""
    check_output(output, [".pth"])
    check_range("MEASURE_EVERY", measure_every, 1, 10_000_000)
    from carousel.fusion.checkpoint_format import PART
    from carousel.fusion.training import TrainingSettings
    from carousel.fusion.training_run import train
    from common.checkpoints import check_not_shipped

    check_not_shipped(output, PART)
    network = (encoder, decoder, head, shrink)
    optimiser = (steps, batch, learning_rate)
    loss = (l1_weight, masked_weight, perceptual_weight)
    settings = TrainingSettings(*network, size_px, *optimiser, *loss, light_samples, seed, workers, held_out_share)
    return train(collages, start, output, settings, measure_every, resume)


if __name__ == "__main__":
    run(main)
