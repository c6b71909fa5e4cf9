"""Step 5: measure the fusion model beside pasting, feathering, Reinhard's colour transfer and Poisson blending.

Each person is shown in another light, the same for one seed, and put back into the scene; the photo is the truth.
PSNR and SSIM are of the whole picture, foreground PSNR and fMSE of the person, LPIPS is measured where its weights are.

Reads   outputs/carousel/collages/: index.csv and the collages; checkpoints/carousel/fusion_model.pth
Writes  outputs/carousel/Evaluate.png: table, gain of every picture, the best, median and worst picture;
        outputs/carousel/Evaluate.csv: the table; outputs/carousel/Evaluate_pictures.csv: scores of every picture
"""

import sys
from pathlib import Path
from typing import Literal

from common.errors import UserError, check_range, enough_memory
from common.files import check_output
from common.paths import CHECKPOINTS, OUTPUTS, shown
from common.runner import Report, run

# ---- settings: edit here, or override once on the command line (--split all) ----
CHECKPOINT = CHECKPOINTS / "carousel/fusion_model.pth"  # the model
COLLAGES = OUTPUTS / "carousel/collages"  # folder of collages with their index.csv
OUTPUT = OUTPUTS / "carousel/Evaluate.png"  # the figure; the tables lie beside it
SPLIT: Literal["held-out", "all"] = "held-out"  # the scenes that training kept out, or every collage
SIZE_PX = 256  # side at which all is measured
SEED = 0  # of the light that people are shown in


def main(
    checkpoint: Path = CHECKPOINT,
    collages: Path = COLLAGES,
    output: Path = OUTPUT,
    split: Literal["held-out", "all"] = SPLIT,
    size_px: int = SIZE_PX,
    seed: int = SEED,
) -> Report:
    """Score all methods, print the table, draw the figure."""
    check_range("SIZE_PX", size_px, 64, 1024)
    check_range("SEED", seed, 0, 2**63 - 1)
    from carousel.fusion.checkpoint_format import find_checkpoint, held_out_share
    from carousel.fusion.inference import load_model
    from carousel.fusion.training_samples import AvatarFusionDataset, load_entries
    from carousel.fusion.training_samples import split as split_entries
    from carousel.measuring import evaluation
    from carousel.measuring.evaluation_figure import draw_scores
    from common.devices import describe_device

    weights = find_checkpoint(checkpoint)
    check_output(output, [".png"], [weights])
    network, device = load_model(weights)
    everything = load_entries(collages, size_px)
    entries = everything if split == "all" else split_entries(everything, held_out_share(weights))[1]
    if not entries:
        raise UserError(f"{collages}: none of its {len(everything)} collages is held out; set SPLIT to all")
    dataset = AvatarFusionDataset(collages, entries, size_px, training=False, seed=seed)
    lpips, missing = evaluation.load_lpips(device)
    if missing:
        print(missing, file=sys.stderr)
    methods = evaluation.methods_with(network, device)
    with enough_memory("lower SIZE_PX, or close other programs"):
        scores = evaluation.measure(evaluation.items_of(dataset), methods, lpips)
        draw_scores(scores, dataset.example, methods, output, f"{split}, {size_px} px")
    print(evaluation.format_table(scores))
    for remark in evaluation.remarks(scores):
        print(remark)
    summary, pictures = output.with_suffix(".csv"), output.with_name(f"{output.stem}_pictures.csv")
    evaluation.write_summary(scores, summary)
    evaluation.write_pictures(scores, pictures)
    print(f"written: {shown(output)}, {shown(summary)}, {shown(pictures)}")
    inputs = [weights, *(collages / entry.collage for entry in entries)]
    names = [weights.name, *([lpips.weights] if lpips is not None else [])]
    return Report(output, inputs, evaluation.figures(scores), device=describe_device(), weights=names)


if __name__ == "__main__":
    run(main)
