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
"""Train a LoRA: teach the base a style, or a face, from a folder of pictures with captions.

The caption of NAME.png is in NAME.txt beside it; or, if the folder has a metadata.jsonl, in its lines {"file_name":
"NAME.png", "text": "..."}. On several devices: `accelerate launch avatar/TrainLoRA.py`. To see what was learnt:
`python avatar/AvatarGen.py --lora outputs/avatar/lora.safetensors`. To learn longer: `--resume --steps 2000`.

Reads   a folder of pictures with captions, an SDXL base, and a folder of class pictures if one is named
Writes  outputs/avatar/lora.safetensors, and beside it _samples.png, _samples/, _curves.png, .json and .state.pth (for
        --resume); class pictures that the base draws go to lora_class_.../
"""

from pathlib import Path
from typing import Annotated, Literal

from common.errors import UserError
from common.files import check_not_shipped, check_output
from common.paths import OUTPUTS
from common.runner import Range, Report, run

# ---- settings: edit here, or override once on the command line (--steps 500) ----
# data
PICTURES: Path = OUTPUTS / "avatar/style"  # folder of pictures with captions
CAPTION: str = ""  # caption of all pictures that have none, "portrait of a person"; empty: each needs its own
SIZE_PX: Annotated[int, Range(0, 4096)] = 0  # side of the squares cut from the pictures, px; 0: the base's own
FLIP: bool = False  # learn the mirrored pictures too
HELD_OUT_SHARE: Annotated[float, Range(0, 0.9)] = 0.1  # share of the pictures that only measure
# model
MODEL: str = "auto"  # "auto", a hub id, a folder, or a .safetensors file of an SDXL base
MODEL_CONFIG: Path | None = None  # folder of configs and tokenizers for a single file; None: SDXL's own
RANK: Annotated[int, Range(1, 1024)] = 8  # rank of the factors: more learns finer details and makes a larger file
ALPHA: Annotated[int, Range(1, 1_000_000)] = 8  # the LoRA is scaled by ALPHA / RANK
TARGET_MODULES: tuple[str, ...] = ()  # ends of the names of the layers that get one; none: those that suit the base
TEXT_ENCODERS: bool = False  # let both text encoders learn a LoRA too: for new words, with more memory
OUTPUT: Path = OUTPUTS / "avatar/lora.safetensors"  # the LoRA
# loss
SNR_GAMMA: Annotated[float, Range(0, 1000)] = 5.0  # gamma of the min-SNR weights; 0: all noise levels weigh the same
PRIOR_WEIGHT: Annotated[float, Range(0, 1000)] = 0.0  # weight of the class pictures, which keep the base's knowledge
CAPTION_DROPOUT: Annotated[float, Range(0, 1)] = 0.1  # share learnt without caption, or guidance exaggerates the style
CLASS_PROMPT: str = ""  # caption of the class pictures, without the style: "portrait of a person"
CLASS_PICTURES: Path | None = None  # folder of class pictures; None: the base draws them
CLASS_COUNT: Annotated[int, Range(1, 100_000)] = 50  # class pictures that the base draws
# optimiser
STEPS: Annotated[int, Range(1, 10_000_000)] = 1000  # steps of the optimiser
BATCH: Annotated[int, Range(1, 100_000)] = 1  # pictures of a batch, on each device
ACCUMULATE: Annotated[int, Range(1, 100_000)] = 1  # batches a step, which needs no more memory than one
LEARNING_RATE: Annotated[float | None, Range(1e-9, 10)] = None  # highest one; None: 1e-4 for SDXL, 2e-3 for small bases
PRECISION: Literal["auto", "bf16", "fp16", "fp32"] = "auto"  # of the forward pass; auto: the best of the device
GRADIENT_CHECKPOINTING: bool = False  # half the memory, a third slower
SEED: Annotated[int, Range(0, 2**63 - 1)] = 1  # seed of first weights, order, noise and samples
RESUME: bool = False  # continue an interrupted run, or a finished one with more STEPS
# samples
SAMPLE_PROMPTS: tuple[str, ...] = ()  # prompts drawn at every measurement; none: captions of the first pictures
SAMPLE_EVERY: Annotated[int, Range(1, 10_000_000)] = 100  # steps between samples, measurements and saved states
SAMPLE_STEPS: Annotated[int, Range(1, 1000)] = 20  # scheduler steps of a sample
SAMPLE_GUIDANCE: Annotated[float, Range(0, 100)] = 3.0  # scale of classifier-free guidance, as in AvatarGen.py


def main() -> Report | None:
    """Read the pictures, train, and write the LoRA."""
    check_output(OUTPUT, [".safetensors"])
    check_not_shipped(OUTPUT, "avatar")
    if not PICTURES.is_dir():
        raise UserError(f"{PICTURES}: no such folder of pictures")
    from avatar.lora_training.lora_task import LoraSettings, pick_precision
    from avatar.lora_training.samples import ClassPictures, SampleSettings
    from avatar.lora_training.training_run import train

    settings = LoraSettings(
        size_px=SIZE_PX,
        rank=RANK,
        alpha=ALPHA,
        target_modules=TARGET_MODULES,
        steps=STEPS,
        batch=BATCH,
        learning_rate=LEARNING_RATE,
        snr_gamma=SNR_GAMMA,
        prior_weight=PRIOR_WEIGHT,
        caption_dropout=CAPTION_DROPOUT,
        flip=FLIP,
        gradient_checkpointing=GRADIENT_CHECKPOINTING,
        precision=pick_precision(PRECISION),
        seed=SEED,
        held_out_share=HELD_OUT_SHARE,
        accumulate=ACCUMULATE,
        text_encoders=TEXT_ENCODERS,
    )
    return train(
        settings,
        model=MODEL,
        config=MODEL_CONFIG,
        pictures=PICTURES,
        output=OUTPUT,
        classes=ClassPictures(prompt=CLASS_PROMPT, folder=CLASS_PICTURES, count=CLASS_COUNT),
        samples=SampleSettings(
            prompts=SAMPLE_PROMPTS, every=SAMPLE_EVERY, steps=SAMPLE_STEPS, guidance=SAMPLE_GUIDANCE
        ),
        resume=RESUME,
        caption=CAPTION,
    )


if __name__ == "__main__":
    run(main)
