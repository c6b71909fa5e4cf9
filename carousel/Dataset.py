"""Step 2: look at what the fusion model learns from, and list the faults of a folder of collages.

A sample is a background and an avatar (6 channels), a target (3) and a mask (1). The avatar was cut out of its own
target; pasting it back would be exact, so it is shown in another light.

Reads   outputs/carousel/collages/: index.csv and the collages
Writes  outputs/carousel/Dataset.png: one batch, a row a sample
"""

from pathlib import Path

from common.errors import check_range
from common.files import check_output
from common.paths import OUTPUTS, shown
from common.runner import Report, run

# ---- settings: edit here, or override once on the command line (--samples 4) ----
COLLAGES = OUTPUTS / "carousel/collages"  # folder of collages with their index.csv
OUTPUT = OUTPUTS / "carousel/Dataset.png"  # the picture of one batch
SAMPLES = 8  # rows of the picture
SIZE_PX = 256  # side of a sample
TRAINING = True  # random variations as training sees them; False: the fixed form of evaluation
HELD_OUT_SHARE = 0.1  # of the scenes, as training keeps them
SEED = 0  # of all variations


def main(
    collages: Path = COLLAGES,
    output: Path = OUTPUT,
    samples: int = SAMPLES,
    size_px: int = SIZE_PX,
    training: bool = TRAINING,
    held_out_share: float = HELD_OUT_SHARE,
    seed: int = SEED,
) -> Report:
    """Read every collage, count, and draw a batch."""
    check_output(output, [".png"])
    check_range("SAMPLES", samples, 1, 64)
    check_range("SIZE_PX", size_px, 64, 1024)
    check_range("HELD_OUT_SHARE", held_out_share, 0, 0.9)
    check_range("SEED", seed, 0, 2**63 - 1)
    from carousel.collages.layout import INDEX
    from carousel.fusion.sample_sheet import draw_examples
    from carousel.fusion.training_samples import AvatarFusionDataset, load_entries, split

    entries = load_entries(collages, size_px)
    trained, held_out = split(entries, held_out_share)
    dataset = AvatarFusionDataset(collages, entries, size_px, training, seed)
    step = max(1, len(entries) // samples)
    chosen = list(range(0, len(entries), step))[:samples]
    draw_examples([dataset.example(index) for index in chosen], output)
    scenes = len({entry.scene for entry in entries})
    counts = {"collages": len(entries), "scenes": scenes, "trained on": len(trained), "held out": len(held_out)}
    print(", ".join(f"{name}: {count}" for name, count in counts.items()))
    print(f"written: {shown(output)}")
    files = [collages / INDEX] if (collages / INDEX).is_file() else []
    return Report(output, files, counts)


def __getattr__(name: str) -> object:
    """`from carousel.Dataset import AvatarFusionDataset`, without loading PyTorch where only `--help` is asked for."""
    if name != "AvatarFusionDataset":
        raise AttributeError(name)
    from carousel.fusion.training_samples import AvatarFusionDataset

    return AvatarFusionDataset


if __name__ == "__main__":
    run(main)
