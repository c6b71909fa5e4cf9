# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "accelerate>=1.15",
#     "ai-edge-litert>=2.3",
#     "deepface>=0.0.103",
#     "diffusers>=0.42",
#     "huggingface-hub>=2.4",
#     "matplotlib>=3.11",
#     "numpy>=2.1",
#     "onnxruntime>=1.24",
#     "opencv-contrib-python-headless>=4.14,<5",
#     "opencv-python-headless>=4.14,<5",
#     "openpyxl>=3.1",
#     "peft>=0.21",
#     "pillow-heif>=1.1",
#     "pillow>=12.1",
#     "pyarrow>=19",
#     "re-live",
#     "rembg>=2.0.86",
#     "resvg-py>=0.2",
#     "safetensors>=0.8",
#     "scikit-image>=0.26",
#     "torch>=2.11",
#     "tqdm>=4.67",
#     "transformers>=5.23",
#     "tyro>=1.0",
#     "werkzeug>=3.1",
# ]
#
# [tool.uv.sources]
# re-live = { path = "..", editable = true }
# ///
"""Train the demo model, a small SDXL (base and refiner), on avatars that the project draws itself.

The script draws pictures and captions, then trains six stages: "text" (text encoders), "autoencoder", "decoder" (its
decoder alone, for sharper pictures), "base", "prompt" (base and text encoders together, in one or more parts),
"refiner". --resume continues an interrupted run exactly from its last measurement; each stage has twenty. START_FROM
trains a finished model on, for instance after the drawings have changed. AvatarGen_Base.py and AvatarGen.py use the
result as --model OUTPUT.

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
from typing import Annotated, Literal

from common.errors import UserError
from common.paths import CHECKPOINTS, OUTPUTS, resolved
from common.runner import Range, Report, run

Steps = Annotated[int, Range(1, 10_000_000)]
Batch = Annotated[int, Range(1, 100_000)]
Stage = Literal["text", "autoencoder", "decoder", "base", "prompt", "refiner"]

# ---- settings: edit here, or override once on the command line (--base-steps 30000) ----
# files
OUTPUT: Path = OUTPUTS / "avatar/demo-sdxl"  # folder of the model
WORK: Path = OUTPUTS / "avatar/demo-sdxl-training"  # folder of pictures, latents, states, curves and samples
START_FROM: Path | None = None  # folder of a finished model to train on, without its stages autoencoder and base
# data
PICTURES: Annotated[int, Range(10, 10_000_000)] = 20_000  # pictures to draw, 256 px a side, 200 kB each on disk
WORKERS: Annotated[int, Range(0, 1024)] = os.cpu_count() or 1  # processes that draw; 0: draw in this one
# stages
STAGES: tuple[Stage, ...] = ("text", "autoencoder", "decoder", "base", "prompt", "refiner")  # others are read from WORK
TEXT_STEPS: Steps = 3_000  # steps of the text encoders
AUTOENCODER_STEPS: Steps = 5_000  # steps of the autoencoder
DECODER_STEPS: Steps = 1_000  # steps of its decoder alone
BASE_STEPS: Steps = 10_000  # steps of the base's UNet
BASE_SCHEDULE_STEPS: Annotated[int, Range(0, 10_000_000)] = 0  # steps in which its learning rate falls; 0: BASE_STEPS
REFINER_STEPS: Steps = 2_500  # steps of the refiner's UNet
BATCH: Batch = 256  # samples a step of the UNets, on each device; eight times as many captions, as many picture parts
SEED: Annotated[int, Range(0, 2**32 - 1)] = 1  # seed of characters, first weights, order and noise
# stage "prompt": each setting has one value, or one for each part
PROMPT_STEPS: Annotated[tuple[int, ...], Range(1, 10_000_000)] = (1_000,)  # steps of each part
PROMPT_BATCH: Batch = 256  # samples a step of the stage, on each device
PROMPT_PICTURES: Annotated[tuple[int, ...], Range(0, 10_000_000)] = (0,)  # first pictures, learnt from; 0: all
PROMPT_LEARNING_RATE: Annotated[tuple[float, ...], Range(1e-9, 10)] = (2e-4,)  # highest learning rate
PROMPT_NOISE_POWER: Annotated[tuple[float, ...], Range(0.01, 100)] = (0.5,)  # below 1: noisier levels more often
PROMPT_HAIR_WEIGHT: Annotated[tuple[float, ...], Range(0, 1000)] = (5.0,)  # weight added for px of the hair
PROMPT_CAPTIONS: Annotated[tuple[int, ...], Range(0, 1_000_000)] = (2_048,)  # for text encoders; 0: they stay
# run
SAMPLES: Annotated[int, Range(0, 64)] = 8  # pictures drawn at each measurement of a UNet; 0: none
RESUME: bool = False  # continue an interrupted run


def main() -> Report | None:
    """Train the stages, and write the model."""
    for name, folder in (("OUTPUT", OUTPUT), ("WORK", WORK)):
        if folder.is_file():
            raise UserError(f"setting {name} is {folder}, which is a file; name a folder")
        if resolved(CHECKPOINTS) in (resolved(folder), *resolved(folder).parents):
            raise UserError(f"setting {name} is {folder}; training does not replace models that ship")
    if OUTPUT.is_dir() and {path.name for path in OUTPUT.iterdir()} - {"base", "refiner", "run.json"}:
        raise UserError(f"setting OUTPUT is {OUTPUT}, which holds other files than a model; name another folder")
    if 0 < BASE_SCHEDULE_STEPS < BASE_STEPS:
        raise UserError(f"setting BASE_SCHEDULE_STEPS is {BASE_SCHEDULE_STEPS}, less than BASE_STEPS ({BASE_STEPS})")
    if START_FROM and {"autoencoder", "base"} & set(STAGES):
        raise UserError("setting START_FROM trains a finished model on; take autoencoder and base out of STAGES")
    if START_FROM and not START_FROM.is_dir():
        raise UserError(f"setting START_FROM is {START_FROM}, which is no folder of a model")
    from avatar.demo_model.training_run import DemoModelSettings, prompt_parts, train

    settings = DemoModelSettings(
        pictures=PICTURES,
        text_steps=TEXT_STEPS,
        autoencoder_steps=AUTOENCODER_STEPS,
        base_steps=BASE_STEPS,
        base_schedule_steps=BASE_SCHEDULE_STEPS or BASE_STEPS,
        prompt_parts=prompt_parts(
            steps=PROMPT_STEPS,
            pictures=PROMPT_PICTURES,
            learning_rate=PROMPT_LEARNING_RATE,
            noise_power=PROMPT_NOISE_POWER,
            hair_weight=PROMPT_HAIR_WEIGHT,
            captions=PROMPT_CAPTIONS,
        ),
        decoder_steps=DECODER_STEPS,
        refiner_steps=REFINER_STEPS,
        batch=BATCH,
        prompt_batch=PROMPT_BATCH,
        seed=SEED,
        start_from=START_FROM,
    )
    return train(settings, output=OUTPUT, work=WORK, workers=WORKERS, stages=STAGES, samples=SAMPLES, resume=RESUME)


if __name__ == "__main__":
    run(main)
