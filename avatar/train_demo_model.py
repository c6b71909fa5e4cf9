"""Train the demo model: a small SDXL (base and refiner) on avatars that the project draws itself.

Stages, one after another: draw pictures and captions; text encoders; autoencoder; latents; base; base and text encoders
together, for prompts; refiner. With --resume a run that was cut short goes on exactly where its last measurement stood,
twenty of which are in a stage. MODEL of AvatarGen_Base.py and AvatarGen.py takes the folder that it writes.

    python avatar/train_demo_model.py            # and after an interruption: --resume

These settings want a GPU: a step of the base takes 0.12 s on an H100. Two CPU cores take 2 s for a step of --batch 16.

Reads   nothing: avatars are drawn by avatar/drawing/avatars.py, captions come from avatar/drawing/captions.py
Writes  outputs/avatar/demo-sdxl/: base/ and refiner/ in diffusers' layout, half precision; and into WORK the pictures,
        latents, and of each stage STAGE.state.pth (for --resume), STAGE_curves.png and STAGE_samples.png
"""

import os
from pathlib import Path

from common.errors import UserError, check_range
from common.paths import CHECKPOINTS, OUTPUTS
from common.runner import Report, run

# ---- settings: edit here, or override once on the command line (--base-steps 30000) ----
# files
OUTPUT = OUTPUTS / "avatar/demo-sdxl"  # folder of the model
WORK = OUTPUTS / "avatar/demo-sdxl-training"  # folder of pictures, latents, states, curves and samples
# data
PICTURES = 20_000  # drawn at 256 px; 200 kB each on disk
WORKERS = os.cpu_count() or 1  # processes that draw; 0: draw in this one
# stages
TEXT_STEPS = 3_000  # of the text encoders
AUTOENCODER_STEPS = 5_000  # of the autoencoder
BASE_STEPS = 10_000  # of the base's UNet
PROMPT_STEPS = 1_000  # of the same UNet with the text encoders, all noise levels of one weight: it follows prompts
REFINER_STEPS = 2_500  # of the refiner's UNet
BATCH = 256  # samples a step of the UNets; eight times as many captions, as many parts of pictures
SEED = 1  # of characters, weights, order and noise
# run
SAMPLES = 8  # pictures that are drawn at each measurement of a UNet; 0: none
RESUME = False  # go on with the run that was cut short


def main(
    output: Path = OUTPUT,
    work: Path = WORK,
    pictures: int = PICTURES,
    workers: int = WORKERS,
    text_steps: int = TEXT_STEPS,
    autoencoder_steps: int = AUTOENCODER_STEPS,
    base_steps: int = BASE_STEPS,
    prompt_steps: int = PROMPT_STEPS,
    refiner_steps: int = REFINER_STEPS,
    batch: int = BATCH,
    seed: int = SEED,
    samples: int = SAMPLES,
    resume: bool = RESUME,
) -> Report:
    """Train all stages that are not done, and write the model."""
    check_range("WORKERS", workers, 0, 1024)
    check_range("SAMPLES", samples, 0, 64)
    for name, folder in (("OUTPUT", output), ("WORK", work)):
        if folder.is_file():
            raise UserError(f"setting {name} is {folder}, which is a file")
        if CHECKPOINTS.resolve() in (folder.resolve(), *folder.resolve().parents):
            raise UserError(f"setting {name} is {folder}; models that ship are not replaced by training")
    if output.is_dir() and {path.name for path in output.iterdir()} - {"base", "refiner", "run.json"}:
        raise UserError(f"setting OUTPUT is {output}, which holds other things than a model; it is replaced as a whole")
    from avatar.demo_model.training_run import DemoSettings, train

    settings = DemoSettings(
        pictures, text_steps, autoencoder_steps, base_steps, prompt_steps, refiner_steps, batch, seed
    )
    return train(settings, output, work, workers, samples, resume)


if __name__ == "__main__":
    run(main)
