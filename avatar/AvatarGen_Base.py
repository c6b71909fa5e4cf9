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
"""Generate avatars by SDXL, from a person's drawn figure, a photo or text alone, with the background removed.

Does one person or many, and loads the models once. Run again, it generates only what has changed. The PNG metadata say
how the picture was made and that it is synthetic; `--from-picture avatar.png` repeats it. Words about the person stay
out of the metadata unless CONSENT is on; the JSON beside the picture has everything.

Reads   the JSON of FeatureExtractor.py, a folder of them, or a table of tastes; the photos that they name
Writes  outputs/avatar/AvatarGen_Base/: avatars/NAME.png (RGBA) and NAME.json, drawn/NAME.png (before the cut-out),
        starts/NAME.png (the start), contact_sheet.png, faults.csv (skipped people); with VARIANTS
        variants/avatars/NAME_1.png, ... and variants.png; repeated/ for --from-picture
"""

from pathlib import Path
from typing import Annotated, Literal

from avatar.cutout.foreground_models import ModelName
from common.paths import OUTPUTS
from common.ray_engine import Engine
from common.runner import Range, Report, run

# ---- settings: edit here, or override once on the command line (--features me.json) ----
# people
FEATURES: Path = OUTPUTS / "avatar/features"  # features JSON, folder of them, or table of tastes (.csv, .parquet)
PHOTO: Path | None = None  # overrides the photo path stored in the features JSON (single person only)
START: Literal["auto", "figure", "photo", "text"] = "auto"  # drawn figure, photo, or nothing; auto: see README
ACCESSORIES: Literal["fitting", "free"] = "fitting"  # free: hats and sunglasses by taste, which hide the person
CLOTHES: Literal["photo", "taste"] = "photo"  # colour of the garment: as worn in the photo, or by taste
CANDIDATES: Annotated[int, Range(1, 16)] = 1  # most tries, of which the one that shows the traits best is kept
REFERENCE: Path | None = None  # photo for IP_ADAPTER (single person only); None: that of the features
PROMPT: str = ""  # your own prompt, "(leather jacket:1.3), ..."; empty: written from the features
NEGATIVE: str = ""  # what pictures should not show; empty: a usual list
MAX_TOKENS: Annotated[int | None, Range(1, 10_000)] = None  # drops the least important words of longer prompts
CONSENT: bool = False  # also write words about the person into the PNG
FROM_PICTURE: Path | None = None  # avatar to repeat with its own settings, from the same features and photo
OUTPUT: Path = OUTPUTS / "avatar/AvatarGen_Base"  # folder for the results
# model
MODEL: str = "auto"  # hub id, folder or .safetensors; auto: SDXL if installed and a GPU fits it, else the small model
REFINER: str = "auto"  # hub id, folder or .safetensors; auto: the refiner that belongs to MODEL
MODEL_CONFIG: Path | None = None  # for single files: folder of configs and tokenizers; None: SDXL's
IP_ADAPTER: Path | None = None  # image prompt adapter, file or folder, by which avatars resemble REFERENCE; None: none
LIKENESS: Annotated[float, Range(0, 1)] = 0.6  # scale of IP_ADAPTER: 0 none, 1 the strongest
ALLOW_PICKLE: bool = False  # also open .bin and .ckpt files, reading tensors only
PRECISION: Literal["auto", "bf16", "fp16", "fp32"] = "auto"  # of UNets and text encoders; auto: the device's best
VRAM_GB: Literal[8, 12, 24] | None = None  # GPU memory, which selects a memory preset; None: detected
COMPILE: bool = False  # torch.compile: half a minute more for the first picture, then a third faster
# generation
MODE: Literal["handover", "refine", "base"] = "base"  # two passes; refine: repeat the end; base: no refiner
STEPS: Annotated[int, Range(1, 500)] = 30  # denoising steps of the whole schedule
HANDOVER: Annotated[float, Range(0.01, 0.99)] = 0.8  # for MODE handover: share of steps before the refiner takes over
REFINE_STRENGTH: Annotated[float | None, Range(0.01, 1)] = None  # for MODE refine: share of the schedule; None: 0.3
STRENGTH: Annotated[float | None, Range(0, 1)] = None  # change of the start: 0 keeps it, 1 ignores it; None: its own
GUIDANCE: Annotated[float, Range(0, 50)] = 5.0  # how closely to follow the prompt; 1 or less: no negative prompt
SCHEDULER: Literal["euler", "dpm++", "lcm", "lightning"] = "euler"  # lcm, lightning: for distilled models or FAST_LORA
FAST_LORA: Path | None = None  # distilled LoRA (LCM, Lightning); with MODE base, STEPS 4 to 8, GUIDANCE 1
SEED: Annotated[int, Range(0, 2**63 - 1)] = 1  # base seed; each person's seed is derived from it and their name
VARIANTS: Annotated[int, Range(1, 64)] = 1  # avatars of each person, from SEED on; variants.png shows them numbered
PICK: Annotated[int, Range(1, 64)] = 1  # number of the variant that becomes the person's avatar
# result
SIZE_PX: Annotated[int, Range(64, 4096)] = 1024  # side of the avatar
CUT_OUT: bool = True  # remove the background
CUTOUT_MODEL: ModelName = "embedded"  # model that removes it: embedded, or one of rembg; see avatar/utils.py
TILES: Annotated[int, Range(1, 400)] = 48  # largest number of avatars on the contact sheet
# workers
ENGINE: Engine = "local"  # "local": processes of this machine; "ray": Ray, on one machine or many (docs/cluster.md)
RAY_ADDRESS: str = ""  # of a running Ray cluster, such as 10.0.0.1:6379; empty: Ray on this machine alone
WORKER_CPUS: Annotated[int, Range(1, 1024)] = 1  # cores that each worker of Ray asks for; more: fewer a machine
WORKERS: Annotated[int | None, Range(1, 1024)] = None  # of Ray, each with the models; None: one per GPU or core


def main() -> Report:
    """Generate the avatars of everybody who has no up-to-date one."""
    from avatar.sdxl.avatar_batch import generate_avatars

    return generate_avatars("avatar/AvatarGen_Base.py", globals())


if __name__ == "__main__":
    run(main)
