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
"""Train the small classifiers of appearance on photos, over which code paints glasses, beards, masks and headwear.

    python avatar/train_appearance.py --pictures ../shared/data/people

Reads   PICTURES (portraits and street photos), LABELS (their labels by eye)
Writes  outputs/avatar/appearance/: one ONNX file for each classifier; they ship in checkpoints/avatar/appearance
"""

from pathlib import Path
from typing import Annotated

from common.errors import UserError
from common.paths import CHECKPOINTS, OUTPUTS
from common.runner import Range, Report, run

# ---- settings: edit here, or override once on the command line (--steps 3000) ----
PICTURES: Path | None = None  # folder of the photos that LABELS names
LABELS: Path = CHECKPOINTS / "avatar/appearance/labels.csv"  # labels by eye; `a|b`: both are accepted
OUTPUT: Path = OUTPUTS / "avatar/appearance"  # folder for the results
VARIATIONS: Annotated[int, Range(0, 1000)] = 2  # of each person, more of rare looks; about half are painted over
STEPS: Annotated[int, Range(1, 1_000_000)] = 1_000  # of each convolutional classifier
SEED: Annotated[int, Range(0, 2**32 - 1)] = 1  # of variations, first weights and order


def main() -> Report:
    """Train and write all classifiers."""
    if PICTURES is None or not PICTURES.is_dir():
        raise UserError(f"setting PICTURES is {PICTURES}; name the folder of the photos that LABELS names")
    from avatar.appearance_training.training_run import train

    OUTPUT.mkdir(parents=True, exist_ok=True)
    examples = train(table=LABELS, pictures=PICTURES, output=OUTPUT, variations=VARIATIONS, steps=STEPS, seed=SEED)
    return Report(output=OUTPUT, inputs=[LABELS], figures={"examples": examples}, device="CPU")


if __name__ == "__main__":
    run(main)
