"""Train the demo model, a small SDXL (base and refiner), on avatars that the project draws itself.

The script draws pictures and captions, then trains five stages: "text" (text encoders), "autoencoder", "base", "prompt"
(base and text encoders together, in one or more parts), "refiner". --resume continues an interrupted run exactly from
its last measurement; each stage has twenty. AvatarGen_Base.py and AvatarGen.py use the result as --model OUTPUT.

    python avatar/train_demo_model.py            # after an interruption: --resume
    accelerate launch avatar/train_demo_model.py # on several devices

The settings below suit a GPU: a step of the base takes 0.12 s on an H100. Two CPU cores take 2 s for a step of
--batch 16. How the model that ships was trained: checkpoints/README.md.

Reads   nothing: avatars are drawn by avatar/drawing/avatars.py, captions come from avatar/drawing/captions.py
Writes  outputs/avatar/demo-sdxl/: base/ and refiner/ in diffusers' layout, half precision; and into WORK the pictures,
        latents, and of each stage STAGE.state.pth (for --resume), STAGE_curves.png and STAGE_samples.png
"""

import os
from pathlib import Path
from typing import Literal

from common.errors import UserError, check_range
from common.paths import CHECKPOINTS, OUTPUTS
from common.runner import Report, run

StageName = Literal["text", "autoencoder", "base", "prompt", "refiner"]

# ---- settings: edit here, or override once on the command line (--base-steps 30000) ----
# files
OUTPUT = OUTPUTS / "avatar/demo-sdxl"  # folder of the model
WORK = OUTPUTS / "avatar/demo-sdxl-training"  # folder of pictures, latents, states, curves and samples
# data
PICTURES = 20_000  # pictures to draw, 256 px a side, 200 kB each on disk
WORKERS = os.cpu_count() or 1  # processes that draw; 0: draw in this one
# stages
STAGES: tuple[StageName, ...] = (
    "text",
    "autoencoder",
    "base",
    "prompt",
    "refiner",
)  # to train; others are read from WORK
TEXT_STEPS = 3_000  # steps of the text encoders
AUTOENCODER_STEPS = 5_000  # steps of the autoencoder
BASE_STEPS = 10_000  # steps of the base's UNet
BASE_SCHEDULE_STEPS = 0  # steps over which its learning rate falls to 0, to stop the base early; 0: BASE_STEPS
REFINER_STEPS = 2_500  # steps of the refiner's UNet
BATCH = 256  # samples a step of the UNets, on each device; eight times as many captions, as many parts of pictures
SEED = 1  # seed of characters, first weights, order and noise
# stage "prompt": each setting has one value, or one for each part
PROMPT_STEPS: tuple[int, ...] = (1_000,)  # steps of each part
PROMPT_BATCH = 256  # samples a step of the stage, on each device
PROMPT_PICTURES: tuple[int, ...] = (0,)  # pictures learnt from, the first ones; 0: all
PROMPT_LEARNING_RATE: tuple[float, ...] = (2e-4,)  # highest learning rate
PROMPT_NOISE_POWER: tuple[float, ...] = (0.5,)  # 1: all noise levels equally often; below 1: noisier ones more often
PROMPT_HAIR_WEIGHT: tuple[float, ...] = (5.0,)  # additional weight of px of the hair, beside 1 of all px
PROMPT_CAPTIONS: tuple[int, ...] = (2_048,)  # captions a step for the text encoders; 0: they stay as they are
# run
SAMPLES = 8  # pictures drawn at each measurement of a UNet; 0: none
RESUME = False  # continue an interrupted run


def main(
    output: Path = OUTPUT,
    work: Path = WORK,
    pictures: int = PICTURES,
    workers: int = WORKERS,
    stages: tuple[StageName, ...] = STAGES,
    text_steps: int = TEXT_STEPS,
    autoencoder_steps: int = AUTOENCODER_STEPS,
    base_steps: int = BASE_STEPS,
    base_schedule_steps: int = BASE_SCHEDULE_STEPS,
    refiner_steps: int = REFINER_STEPS,
    batch: int = BATCH,
    seed: int = SEED,
    prompt_steps: tuple[int, ...] = PROMPT_STEPS,
    prompt_batch: int = PROMPT_BATCH,
    prompt_pictures: tuple[int, ...] = PROMPT_PICTURES,
    prompt_learning_rate: tuple[float, ...] = PROMPT_LEARNING_RATE,
    prompt_noise_power: tuple[float, ...] = PROMPT_NOISE_POWER,
    prompt_hair_weight: tuple[float, ...] = PROMPT_HAIR_WEIGHT,
    prompt_captions: tuple[int, ...] = PROMPT_CAPTIONS,
    samples: int = SAMPLES,
    resume: bool = RESUME,
) -> Report | None:
    """Train the stages, and write the model."""
    check_range("PICTURES", pictures, 10, 10_000_000)
    check_range("WORKERS", workers, 0, 1024)
    check_range("TEXT_STEPS", text_steps, 1, 10_000_000)
    check_range("AUTOENCODER_STEPS", autoencoder_steps, 1, 10_000_000)
    check_range("BASE_STEPS", base_steps, 1, 10_000_000)
    if base_schedule_steps:
        check_range("BASE_SCHEDULE_STEPS", base_schedule_steps, base_steps, 10_000_000)
    check_range("REFINER_STEPS", refiner_steps, 1, 10_000_000)
    check_range("BATCH", batch, 1, 100_000)
    check_range("SEED", seed, 0, 2**32 - 1)
    check_range("PROMPT_BATCH", prompt_batch, 1, 100_000)
    check_range("SAMPLES", samples, 0, 64)
    for name, folder in (("OUTPUT", output), ("WORK", work)):
        if folder.is_file():
            raise UserError(f"setting {name} is {folder}, which is a file; name a folder")
        if CHECKPOINTS.resolve() in (folder.resolve(), *folder.resolve().parents):
            raise UserError(
                f"setting {name} is {folder}; training does not replace models that ship: name another folder"
            )
    if output.is_dir() and {path.name for path in output.iterdir()} - {"base", "refiner", "run.json"}:
        raise UserError(f"setting OUTPUT is {output}, which holds other files than a model; name a folder to replace")
    from avatar.demo_model.training_run import DemoModelSettings, prompt_parts, train

    settings = DemoModelSettings(
        pictures=pictures,
        text_steps=text_steps,
        autoencoder_steps=autoencoder_steps,
        base_steps=base_steps,
        base_schedule_steps=base_schedule_steps or base_steps,
        prompt_parts=prompt_parts(
            steps=prompt_steps,
            pictures=prompt_pictures,
            learning_rate=prompt_learning_rate,
            noise_power=prompt_noise_power,
            hair_weight=prompt_hair_weight,
            captions=prompt_captions,
        ),
        refiner_steps=refiner_steps,
        batch=batch,
        prompt_batch=prompt_batch,
        seed=seed,
    )
    return train(settings, output=output, work=work, workers=workers, stages=stages, samples=samples, resume=resume)


if __name__ == "__main__":
    run(main)
