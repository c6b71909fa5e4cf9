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
"""Step 5: measure the fusion model beside pasting, feathering, Reinhard's colour transfer and Poisson blending.

Each person is shown in another light, the same for the same seed, and put back into the scene; the photo is the ground
truth. PSNR and SSIM cover the whole picture, foreground PSNR and fMSE the person; LPIPS is measured if its weights are
present.

Reads   outputs/carousel/collages/: index.csv and the collages; checkpoints/carousel/fusion_model.pth
Writes  outputs/carousel/Evaluate.png: table, gain of every picture, the best, median and worst picture;
        outputs/carousel/Evaluate.csv: the table; outputs/carousel/Evaluate_pictures.csv: scores of every picture,
        the worst first
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from common.errors import UserError, enough_memory
from common.files import check_output
from common.paths import CHECKPOINTS, OUTPUTS, shown
from common.runner import Range, Report, run

if TYPE_CHECKING:
    from carousel.collages.layout import CollageEntry

# ---- settings: edit here, or override once on the command line (--split all) ----
CHECKPOINT: Path = CHECKPOINTS / "carousel/fusion_model.pth"  # the model
COLLAGES: Path = OUTPUTS / "carousel/collages"  # folder of collages with their index.csv
OUTPUT: Path = OUTPUTS / "carousel/Evaluate.png"  # the figure; the tables are written beside it
SPLIT: Literal["held-out", "all"] = "held-out"  # the scenes that training held out, or every collage
STRENGTH: Annotated[float, Range(0, 1)] = 0.8  # share of the model's change of colour that is applied; 0: pasting
SIZE_PX: Annotated[int, Range(64, 1024)] = 256  # side at which pictures are measured
SEED: Annotated[int, Range(0, 2**63 - 1)] = 0  # seed of the light that people are shown in


def main() -> Report:
    """Score all methods, print the table, draw the figure."""
    from carousel.fusion.checkpoint_format import find_checkpoint
    from carousel.fusion.inference import load_model
    from carousel.fusion.training_samples import AvatarFusionDataset
    from carousel.measuring import evaluation
    from carousel.measuring.evaluation_figure import draw_scores
    from common.devices import describe_device

    weights = find_checkpoint(CHECKPOINT)
    check_output(OUTPUT, [".png"], [weights])
    network, device = load_model(weights)
    entries = chosen_entries(weights)
    dataset = AvatarFusionDataset(COLLAGES, entries, size_px=SIZE_PX, training=False, seed=SEED)
    lpips, missing = evaluation.load_lpips(device)
    if missing:
        print(missing, file=sys.stderr)
    methods = evaluation.methods_with(network, device, strength=STRENGTH)
    with enough_memory("lower SIZE_PX, or close other programs"):
        scores = evaluation.measure(evaluation.items_of(dataset), methods, lpips)
        subtitle = f"{SPLIT}, {SIZE_PX} px"
        draw_scores(scores, example_of=dataset.example, methods=methods, path=OUTPUT, subtitle=subtitle)
    print(evaluation.format_table(scores))
    print(evaluation.format_worst(scores))
    for remark in evaluation.remarks(scores):
        print(remark)
    summary, pictures = OUTPUT.with_suffix(".csv"), OUTPUT.with_name(f"{OUTPUT.stem}_pictures.csv")
    evaluation.write_summary(scores, summary)
    evaluation.write_pictures(scores, pictures)
    print(f"written: {shown(OUTPUT)}, {shown(summary)}, {shown(pictures)}")
    inputs = [weights, *(COLLAGES / entry.collage for entry in entries)]
    names = [weights.name, *([lpips.weights] if lpips is not None else [])]
    return Report(OUTPUT, inputs, evaluation.figures(scores), device=describe_device(), weights=names)


def chosen_entries(weights: Path) -> "list[CollageEntry]":
    """The collages to measure. Raises UserError where the split is empty."""
    from carousel.fusion.checkpoint_format import held_out_share
    from carousel.fusion.training_samples import load_entries, split

    entries = load_entries(COLLAGES, SIZE_PX)
    chosen = entries if SPLIT == "all" else split(entries, held_out_share(weights))[1]
    if not chosen:
        raise UserError(f"{COLLAGES}: none of its {len(entries)} collages is held out; set SPLIT to all")
    return chosen


if __name__ == "__main__":
    run(main)
