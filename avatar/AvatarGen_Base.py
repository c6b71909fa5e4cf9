"""Draw avatars by SDXL: base and refiner in two passes, from a photo or from text alone, background removed.

One call does one person or many, with the models loaded once; run again, only what has changed is drawn anew. The
picture tells in its PNG text how it was made, and that it is synthetic; `--from-picture avatar.png` repeats it. Words
about the person stay out of that text unless CONSENT is on; the JSON beside the picture has all.

Reads   the JSON of FeatureExtractor.py, a folder of them, or a table of tastes; the photos that they name
Writes  outputs/avatar/AvatarGen_Base/: avatars/NAME.png (RGBA) and NAME.json, drawn/NAME.png, starts/NAME.png (the
        photo's square), contact_sheet.png, faults.csv (people who were skipped); repeated/ for --from-picture
"""

from pathlib import Path
from typing import Literal

from avatar.cutout.background_removal import ModelName
from common.paths import OUTPUTS
from common.runner import Report, run

# ---- settings: edit here, or override once on the command line (--features me.json) ----
# people
FEATURES = OUTPUTS / "avatar/features"  # JSON of features, folder of them, or table of tastes (.csv, .parquet)
PHOTO: Path | None = None  # of the one person, where it is not where the features say
START: Literal["photo", "text"] = "photo"  # start from the photo where there is one, or from text alone
PROMPT = ""  # your own words, "(leather jacket:1.3), ..."; empty: what the features give
NEGATIVE = ""  # what pictures shall not show; empty: a usual list
MAX_TOKENS: int | None = None  # leave out the least important words of longer prompts; None: chunks of 75 tokens
CONSENT = False  # write the words about the person into the PNG, too
FROM_PICTURE: Path | None = None  # an avatar to repeat with its own settings, from the same features and photo
OUTPUT = OUTPUTS / "avatar/AvatarGen_Base"  # folder for the results
# model
MODEL = "auto"  # auto: SDXL where it is and a GPU fits it, else the project's own; or a hub id, folder or .safetensors
REFINER = "auto"  # the one that belongs to MODEL; or a hub id, folder or .safetensors
MODEL_CONFIG: Path | None = None  # for single files: folder of configs and tokenizers; None: SDXL's
ALLOW_PICKLE = False  # open .bin and .ckpt files as well, tensors alone
PRECISION: Literal["auto", "bf16", "fp16", "fp32"] = "auto"  # of UNets and text encoders; auto: the device's best
VRAM_GB: Literal[8, 12, 24] | None = None  # of the GPU, for the preset of memory; None: found
COMPILE = False  # torch.compile: half a minute for the first picture, then a third faster
# drawing
MODE: Literal["handover", "refine", "base"] = "handover"  # two passes; redraw the finished picture; the base alone
STEPS = 30  # of the whole schedule
HANDOVER = 0.8  # for MODE handover: share of the steps after which the refiner takes over
REFINE_STRENGTH: float | None = None  # for MODE refine: share of the schedule that is redrawn; None: 0.3
STRENGTH = 0.5  # share of the schedule that redraws the photo: 0 leaves it as it is, 1 nearly forgets it
GUIDANCE = 5.0  # how closely the prompt is followed; 1 and less: no negative prompt, twice as fast
SCHEDULER: Literal["euler", "dpm++", "lcm", "lightning"] = "euler"  # the last two for distilled models or FAST_LORA
FAST_LORA: Path | None = None  # a distilled LoRA (LCM, Lightning); with MODE base, STEPS 4 to 8, GUIDANCE 1
SEED = 1  # of all; each person's own comes from it and the name
# result
SIZE_PX = 1024  # side of the avatar
CUT_OUT = True  # remove the background
CUTOUT_MODEL: ModelName = "embedded"  # or a model of rembg; see avatar/utils.py
TILES = 48  # avatars on the contact sheet at most, taken from all


def main(
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
    """Draw everybody who has no up-to-date avatar."""
    from avatar.sdxl.avatar_batch import make_avatars
    from avatar.sdxl.generation import Recipe
    from avatar.sdxl.run_settings import Files, ModelFiles, Settings

    recipe = Recipe(mode, steps, handover, refine_strength, strength, guidance, scheduler)
    look = (size_px, start, cut_out, cutout_model, max_tokens)
    settings = Settings(recipe, seed, *look, precision, vram_gb, compile, consent)
    files = Files(features, output, photo, from_picture, prompt, negative)
    models = ModelFiles(model, refiner, model_config, allow_pickle, fast_lora)
    return make_avatars("avatar/AvatarGen_Base.py", files, models, settings, tiles)


if __name__ == "__main__":
    run(main)
