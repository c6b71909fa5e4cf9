"""Train a LoRA: teach the base a style, or a face, from a folder of pictures with captions.

A caption stands in NAME.txt beside NAME.png; or, where the folder has a metadata.jsonl, in its lines {"file_name":
"NAME.png", "text": "..."}. On several devices: `accelerate launch avatar/TrainLoRA.py`. Then show what was learnt:
`python avatar/AvatarGen.py --lora outputs/avatar/lora.safetensors`.

Reads   a folder of pictures with captions, an SDXL base, and pictures of the class where a folder of them is named
Writes  outputs/avatar/lora.safetensors, and beside it _samples.png, _samples/, _curves.png, .json and .state.pth (for
        --resume); the class pictures that the base makes stand in lora_class_.../
"""

from pathlib import Path
from typing import Literal

from common.errors import UserError
from common.files import check_output
from common.paths import OUTPUTS
from common.runner import Report, run

# ---- settings: edit here, or override once on the command line (--steps 500) ----
# data
PICTURES = OUTPUTS / "avatar/style"  # folder of pictures with captions
SIZE_PX = 0  # side of the squares that are cut from them; 0: the base's own
FLIP = False  # learn the mirrored pictures too
HELD_OUT_SHARE = 0.1  # of the pictures, which only measure
# model
MODEL = "auto"  # "auto", a hub id, a folder, or a .safetensors file of an SDXL base
MODEL_CONFIG: Path | None = None  # for a single file: folder of its configs and tokenizers; None: SDXL's own
RANK = 8  # of the factors: more learns finer things and makes a larger file
ALPHA = 8  # the LoRA acts with alpha / rank
TARGET_MODULES = ("to_q", "to_k", "to_v", "to_out.0")  # ends of the names of the UNet's layers that get one
OUTPUT = OUTPUTS / "avatar/lora.safetensors"  # the LoRA
# loss
SNR_GAMMA = 5.0  # of the min-SNR weights of the noise levels; 0: all weigh the same
PRIOR_WEIGHT = 0.0  # of the loss on class pictures, so that the base's knowledge stays; 0: off
CAPTION_DROPOUT = 0.1  # share of samples learnt without their caption, so that guidance does not exaggerate the style
CLASS_PROMPT = ""  # what the class pictures show, without the style: "portrait of a person"
CLASS_PICTURES: Path | None = None  # folder of class pictures; None: the base makes them
CLASS_COUNT = 50  # how many it makes
# optimiser
STEPS = 1000  # of the optimiser
BATCH = 1  # pictures a step, on each device
LEARNING_RATE = 1e-4  # its highest value
PRECISION: Literal["auto", "bf16", "fp16", "fp32"] = "auto"  # of the forward pass; auto: the best of the device
GRADIENT_CHECKPOINTING = False  # half the memory, a third slower
SEED = 1  # of first weights, order, noise and samples
RESUME = False  # go on with the run that was cut short
# samples
SAMPLE_PROMPTS: tuple[str, ...] = ()  # drawn again and again; none: captions of the first pictures
SAMPLE_EVERY = 100  # steps between samples, measurements and saved states
SAMPLE_STEPS = 20  # of the scheduler a sample
SAMPLE_GUIDANCE = 3.0  # of classifier-free guidance, as AvatarGen.py has it


def main(
    pictures: Path = PICTURES,
    size_px: int = SIZE_PX,
    flip: bool = FLIP,
    held_out_share: float = HELD_OUT_SHARE,
    model: str = MODEL,
    model_config: Path | None = MODEL_CONFIG,
    rank: int = RANK,
    alpha: int = ALPHA,
    target_modules: tuple[str, ...] = TARGET_MODULES,
    output: Path = OUTPUT,
    snr_gamma: float = SNR_GAMMA,
    prior_weight: float = PRIOR_WEIGHT,
    caption_dropout: float = CAPTION_DROPOUT,
    class_prompt: str = CLASS_PROMPT,
    class_pictures: Path | None = CLASS_PICTURES,
    class_count: int = CLASS_COUNT,
    steps: int = STEPS,
    batch: int = BATCH,
    learning_rate: float = LEARNING_RATE,
    precision: Literal["auto", "bf16", "fp16", "fp32"] = PRECISION,
    gradient_checkpointing: bool = GRADIENT_CHECKPOINTING,
    seed: int = SEED,
    resume: bool = RESUME,
    sample_prompts: tuple[str, ...] = SAMPLE_PROMPTS,
    sample_every: int = SAMPLE_EVERY,
    sample_steps: int = SAMPLE_STEPS,
    sample_guidance: float = SAMPLE_GUIDANCE,
) -> Report | None:
    """Read the pictures, train, and write the LoRA."""
    check_output(output, [".safetensors"])
    if not pictures.is_dir():
        raise UserError(f"{pictures}: no such folder of pictures")
    from avatar.lora_training.lora_task import LoraSettings, pick_precision
    from avatar.lora_training.samples import ClassPictures, SampleSettings
    from avatar.lora_training.training_run import train
    from common.checkpoints import check_not_shipped

    check_not_shipped(output, "avatar")
    return train(
        model=model,
        config=model_config,
        pictures=pictures,
        output=output,
        settings=LoraSettings(
            size_px=size_px,
            rank=rank,
            alpha=alpha,
            target_modules=target_modules,
            steps=steps,
            batch=batch,
            learning_rate=learning_rate,
            snr_gamma=snr_gamma,
            prior_weight=prior_weight,
            caption_dropout=caption_dropout,
            flip=flip,
            gradient_checkpointing=gradient_checkpointing,
            precision=pick_precision(precision),
            seed=seed,
            held_out_share=held_out_share,
        ),
        classes=ClassPictures(prompt=class_prompt, folder=class_pictures, count=class_count),
        samples=SampleSettings(
            prompts=sample_prompts, every=sample_every, steps=sample_steps, guidance=sample_guidance
        ),
        resume=resume,
    )


if __name__ == "__main__":
    run(main)
