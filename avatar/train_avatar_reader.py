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
"""Train the network that reads off an avatar what the person looks like; CANDIDATES chooses by it.

It learns from avatars that the project draws, and from what the small model makes of them. An interrupted run resumes:
pictures that were finished are kept in WORK.

    python avatar/train_avatar_reader.py

Reads   nothing: avatars are drawn by avatar/drawing/avatars.py
Writes  outputs/avatar/reader/avatar_reader.onnx, which ships in checkpoints/avatar/likeness; pictures in WORK
"""

from pathlib import Path
from typing import Annotated

from common.paths import OUTPUTS
from common.runner import Range, Report, run

# ---- settings: edit here, or override once on the command line (--steps 3000) ----
OUTPUT: Path = OUTPUTS / "avatar/reader"  # folder for the result
WORK: Path = OUTPUTS / "avatar/reader-training"  # folder of the pictures
DRAWN: Annotated[int, Range(100, 1_000_000)] = 4_000  # pictures as drawn
GENERATED: Annotated[int, Range(0, 1_000_000)] = 100  # pictures that the small model makes of others
STEPS: Annotated[int, Range(1, 1_000_000)] = 1_600  # of 64 pictures
SEED: Annotated[int, Range(0, 2**32 - 1)] = 8_000_001  # of characters, first weights and order


def main() -> Report:
    """Make the pictures, train and write the network."""
    from avatar.reader_training.training_run import train

    path = OUTPUT / "avatar_reader.onnx"
    loss = train(output=path, work=WORK, drawn=DRAWN, generated=GENERATED, steps=STEPS, seed=SEED)
    return Report(output=OUTPUT, inputs=[], figures={"last loss": round(loss, 4)}, device="CPU")


if __name__ == "__main__":
    run(main)
