# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "accelerate>=1.15",
#     "matplotlib>=3.11",
#     "numpy>=2.1",
#     "onnxruntime>=1.24",
#     "opencv-python-headless>=4.14,<5",
#     "pillow-heif>=1.1",
#     "pillow>=12.1",
#     "re-live",
#     "scikit-image>=0.26",
#     "torch>=2.11",
#     "torchvision>=0.26",
#     "tqdm>=4.67",
#     "tyro>=1.0",
# ]
#
# [tool.uv.sources]
# re-live = { path = "..", editable = true }
# ///
"""Step 2: draw a batch of training samples, and list the faults of a folder of collages.

A sample is a background and an avatar (6 channels), a target (3) and a mask (1). The avatar was cut out of its own
target, so pasting it back would be exact; therefore it is shown in another light.

Reads   outputs/carousel/collages/: index.csv and the collages
Writes  outputs/carousel/Dataset.png: one batch, a row for each sample
"""

from pathlib import Path
from typing import Annotated

from common.files import check_output
from common.paths import OUTPUTS, shown
from common.runner import Range, Report, run

# ---- settings: edit here, or override once on the command line (--samples 4) ----
COLLAGES: Path = OUTPUTS / "carousel/collages"  # folder of collages with their index.csv
OUTPUT: Path = OUTPUTS / "carousel/Dataset.png"  # picture of the batch
SAMPLES: Annotated[int, Range(1, 64)] = 8  # rows of the picture
SIZE_PX: Annotated[int, Range(64, 1024)] = 256  # side of a sample
TRAINING: bool = True  # True: random variations as in training; False: the fixed form of evaluation
HELD_OUT_SHARE: Annotated[float, Range(0, 0.9)] = 0.1  # share of the scenes that training holds out
SEED: Annotated[int, Range(0, 2**63 - 1)] = 0  # seed of all variations


def main() -> Report:
    """Read and count all collages, and draw a batch."""
    check_output(OUTPUT, [".png"])
    from carousel.collages.layout import INDEX
    from carousel.fusion.sample_sheet import draw_examples
    from carousel.fusion.training_samples import AvatarFusionDataset, load_entries, split

    entries = load_entries(COLLAGES, size_px=SIZE_PX)
    trained, held_out = split(entries, held_out_share=HELD_OUT_SHARE)
    dataset = AvatarFusionDataset(COLLAGES, entries, size_px=SIZE_PX, training=TRAINING, seed=SEED)
    step = max(1, len(entries) // SAMPLES)
    chosen = list(range(0, len(entries), step))[:SAMPLES]
    draw_examples([dataset.example(index) for index in chosen], path=OUTPUT)
    scenes = len({entry.scene for entry in entries})
    counts = {"collages": len(entries), "scenes": scenes, "trained on": len(trained), "held out": len(held_out)}
    print(", ".join(f"{name}: {count}" for name, count in counts.items()))
    print(f"written: {shown(OUTPUT)}")
    files = [COLLAGES / INDEX] if (COLLAGES / INDEX).is_file() else []
    return Report(OUTPUT, files, counts)


def __getattr__(name: str) -> object:
    """Support `from carousel.Dataset import AvatarFusionDataset` without importing PyTorch for `--help`."""
    if name != "AvatarFusionDataset":
        raise AttributeError(name)
    from carousel.fusion.training_samples import AvatarFusionDataset

    return AvatarFusionDataset


if __name__ == "__main__":
    run(main)
