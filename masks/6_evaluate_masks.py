# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "accelerate>=1.15",
#     "matplotlib>=3.11",
#     "numpy>=2.1",
#     "onnx>=1.17",
#     "onnxruntime>=1.24",
#     "opencv-python-headless>=4.14,<5",
#     "pillow-heif>=1.1",
#     "pillow>=12.1",
#     "re-live",
#     "scikit-image>=0.26",
#     "scipy>=1.15",
#     "torch>=2.11",
#     "tqdm>=4.67",
#     "tyro>=1.0",
# ]
#
# [tool.uv.sources]
# re-live = { path = "..", editable = true }
# ///
"""Step 6: measure the model on every set with true masks, beside the best single threshold.

Sets that the model was trained on and sets that it has never seen are reported separately; the checkpoint stores which
frames it was trained on. F1 is that of the mask's pixels; boundary F1 tolerates 2 px. The best threshold of
|clothed - base| is chosen with the truth, so no other threshold scores higher.

Reads   every set of the training folder: frames_backup_<animation>/ with masks_backup_<animation>/, and the reviewed
        frames of frames/ with masks_corrected/; outputs/masks/mask_model.pth (from step 4) or
        checkpoints/masks/mask_model.pth
Writes  outputs/masks/6_evaluate_masks.png: scores, and best, median and worst frame of each set;
        outputs/masks/6_evaluate_masks.csv: scores of every frame
"""

from pathlib import Path

from tyro.conf import Positional

from common.files import check_output
from common.paths import DATA, OUTPUTS, shown
from common.runner import Report, run

# ---- settings: edit here, or override once on the command line (--checkpoint my_model.pth) ----
TRAINING_DATA: Positional[Path] = DATA / "masks"  # training folder
CHECKPOINT: Path | None = None  # weights of the model; None: those that step 4 trained last, else those that ship
OUTPUT: Path = OUTPUTS / "masks/6_evaluate_masks.png"  # the figure; the table has the same name with .csv


def main() -> Report:
    """Score all sets, print the table, draw the figure."""
    from common.devices import describe_device
    from masks.model.checkpoint_format import load_network, read_checkpoint
    from masks.model.default_model import describe, last_trained
    from masks.model.evaluation import draw_scores, evaluate, format_table, write_frame_scores
    from masks.sets.training_sets import all_pairs, gather_training_data, split_seen

    check_output(OUTPUT, [".png"])
    weights = last_trained(CHECKPOINT)
    print(describe(weights))
    sets = gather_training_data(TRAINING_DATA)
    seen, held_out = split_seen(sets, set(read_checkpoint(weights)["frames"]))
    model, _ = load_network(weights)
    scores = evaluate(model, seen, held_out)
    print(format_table(scores))
    table = OUTPUT.with_suffix(".csv")
    write_frame_scores(scores, table)
    draw_scores(scores, path=OUTPUT)
    print(f"written: {shown(OUTPUT)}, {shown(table)}")
    inputs = [weights, *(path for pair in all_pairs(sets) for path in (pair.base, pair.clothed, pair.mask) if path)]
    figures = {f"{score.role} {score.name}": round(score.mean_f1, 4) for score in scores}
    return Report(OUTPUT, inputs, figures, device=describe_device(), weights=[weights.name])


if __name__ == "__main__":
    run(main)
