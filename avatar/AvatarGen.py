"""Draw avatars by SDXL with a LoRA in the UNet of the base: the same as AvatarGen_Base.py, in a style of your own.

LORA is a .safetensors file in the form of diffusers or kohya, such as TrainLoRA.py writes. How many of its keys matched
the base is printed, and a file of which none does is refused. LORA_SCALE 0 equals the base; COMPARE draws each picture
without the LoRA as well, of the same seed. All else is as AvatarGen_Base.py says.

Reads   LORA; the JSON of FeatureExtractor.py, a folder of them, or a table of tastes; the photos that they name
Writes  outputs/avatar/AvatarGen/: avatars/NAME.png (RGBA) and NAME.json, drawn/NAME.png, starts/NAME.png (the photo's
        square), contact_sheet.png, faults.csv; with COMPARE pairs/NAME.png; repeated/ for --from-picture
"""

from pathlib import Path
from typing import Literal

from avatar.cutout.background_removal import ModelName
from common.paths import CHECKPOINTS, OUTPUTS
from common.runner import Report, run

# ---- settings: edit here, or override once on the command line (--lora style.safetensors) ----
# LoRA
LORA = CHECKPOINTS / "avatar/neon_lora.safetensors"  # goes into the UNet of the base; ours: of the small model
LORA_SCALE = 1.0  # how strongly it acts: 0 not at all, 1 as it was trained
COMPARE = False  # draw each picture without the LoRA as well
# people
FEATURES = OUTPUTS / "avatar/features"  # JSON of features, folder of them, or table of tastes (.csv, .parquet)
PHOTO: Path | None = None  # of the one person, where it is not where the features say
START: Literal["photo", "text"] = "photo"  # start from the photo where there is one, or from text alone
PROMPT = ""  # your own words, "(leather jacket:1.3), ..."; empty: what the features give
NEGATIVE = ""  # what pictures shall not show; empty: a usual list
MAX_TOKENS: int | None = None  # leave out the least important words of longer prompts; None: chunks of 75 tokens
CONSENT = False  # write the words about the person into the PNG, too
FROM_PICTURE: Path | None = None  # an avatar to repeat with its own settings, from the same features and photo
OUTPUT = OUTPUTS / "avatar/AvatarGen"  # folder for the results
# model
MODEL = "auto"  # auto: SDXL where it is and a GPU fits it, else the project's own; or a hub id, folder or .safetensors
REFINER = "auto"  # the one that belongs to MODEL; or a hub id, folder or .safetensors
MODEL_CONFIG: Path | None = None  # for single files: folder of configs and tokenizers; None: SDXL's
ALLOW_PICKLE = False  # open .bin and .ckpt files as well, tensors alone
PRECISION: Literal["auto", "bf16", "fp16", "fp32"] = "auto"  # of UNets and text encoders; auto: the device's best
VRAM_GB: Literal[8, 12, 24] | None = None  # of the GPU, for the preset of memory; None: found
COMPILE = False  # torch.compile: half a minute for the first picture, then a third faster
# drawing
MODE: Literal["handover", "refine", "base"] = "base"  # the refiner knows no LoRA, and takes back much of its style
STEPS = 30  # of the whole schedule
HANDOVER = 0.8  # for MODE handover: share of the steps after which the refiner takes over
REFINE_STRENGTH: float | None = None  # for MODE refine: share of the schedule that is redrawn; None: 0.3
STRENGTH = 0.5  # share of the schedule that redraws the photo: 0 leaves it as it is, 1 nearly forgets it
GUIDANCE = 3.0  # how closely the prompt is followed; more exaggerates what a LoRA learnt, 1: no negative prompt
SCHEDULER: Literal["euler", "dpm++", "lcm", "lightning"] = "euler"  # the last two for distilled models or FAST_LORA
FAST_LORA: Path | None = None  # a distilled LoRA (LCM, Lightning); with MODE base, STEPS 4 to 8, GUIDANCE 1
SEED = 1  # of all; each person's own comes from it and the name
# result
SIZE_PX = 1024  # side of the avatar
CUT_OUT = True  # remove the background
CUTOUT_MODEL: ModelName = "embedded"  # or a model of rembg; see avatar/utils.py
TILES = 48  # avatars on the contact sheet at most, taken from all


def main(
    lora: Path = LORA,
    lora_scale: float = LORA_SCALE,
    compare: bool = COMPARE,
    features: Path = FEATURES,
    photo: Path | None = PHOTO,
    start: Literal["photo", "text"] = START,
    prompt: str = PROMPT,
    negative: str = NEGATIVE,
    max_tokens: int | None = MAX_TOKENS,
    consent: bool = CONSENT,
    from_picture: Path | None = FROM_PICTURE,
    output: Path = OUTPUT,
    model: str = MODEL,
    refiner: str = REFINER,
    model_config: Path | None = MODEL_CONFIG,
    allow_pickle: bool = ALLOW_PICKLE,
    precision: Literal["auto", "bf16", "fp16", "fp32"] = PRECISION,
    vram_gb: Literal[8, 12, 24] | None = VRAM_GB,
    compile: bool = COMPILE,
    mode: Literal["handover", "refine", "base"] = MODE,
    steps: int = STEPS,
    handover: float = HANDOVER,
    refine_strength: float | None = REFINE_STRENGTH,
    strength: float = STRENGTH,
    guidance: float = GUIDANCE,
    scheduler: Literal["euler", "dpm++", "lcm", "lightning"] = SCHEDULER,
    fast_lora: Path | None = FAST_LORA,
    seed: int = SEED,
    size_px: int = SIZE_PX,
    cut_out: bool = CUT_OUT,
    cutout_model: ModelName = CUTOUT_MODEL,
    tiles: int = TILES,
) -> Report:
    """Draw everybody who has no up-to-date avatar of this LoRA."""
    from avatar.sdxl.avatar_batch import make_avatars
    from avatar.sdxl.generation import Recipe
    from avatar.sdxl.run_settings import Files, ModelFiles, Settings

    recipe = Recipe(mode, steps, handover, refine_strength, strength, guidance, scheduler)
    look = (size_px, start, cut_out, cutout_model, max_tokens)
    settings = Settings(recipe, seed, *look, precision, vram_gb, compile, consent)
    files = Files(features, output, photo, from_picture, prompt, negative)
    models = ModelFiles(model, refiner, model_config, allow_pickle, fast_lora, lora, lora_scale, compare)
    return make_avatars("avatar/AvatarGen.py", files, models, settings, tiles)


if __name__ == "__main__":
    run(main)
