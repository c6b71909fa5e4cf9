"""Step 6: measure the model on every set that has true masks, beside the best single threshold.

Sets that the model was trained on and sets that it never saw stand apart; the checkpoint knows its frames. F1 is
that of the mask's pixels; boundary F1 counts edges within 2 px. The best threshold of |clothed - base| is chosen with
the truth at hand, so no threshold can do better.

Reads   every set of the training folder: frames_backup_<animation>/ with masks_backup_<animation>/, and the reviewed
        frames of frames/ with masks_corrected/; checkpoints/masks/mask_model.pth
Writes  outputs/masks/6_evaluate_masks.png: scores, and best, median and worst frame of each set;
        outputs/masks/6_evaluate_masks.csv: scores of every frame
"""

from pathlib import Path

import tyro

from common.files import check_output
from common.paths import CHECKPOINTS, DATA, OUTPUTS, shown
from common.runner import Report, run

# ---- settings: edit here, or override once on the command line (--checkpoint my_model.pth) ----
TRAINING_DATA = DATA / "masks"  # folder of sets
CHECKPOINT = CHECKPOINTS / "masks/mask_model.pth"  # the model
OUTPUT = OUTPUTS / "masks/6_evaluate_masks.png"  # the figure; the table lies beside it


def main(
    training_data: tyro.conf.Positional[Path] = TRAINING_DATA,
    checkpoint: Path = CHECKPOINT,
    output: Path = OUTPUT,
) -> Report:
    """Score all sets, print the table, draw the figure."""
    from common.devices import describe_device
    from masks.mask_model import load_model
    from masks.model.checkpoint_format import find_checkpoint, read_checkpoint
    from masks.model.evaluation import draw_scores, evaluate, format_table, write_frame_scores
    from masks.sets.training_sets import gather_training_data, split_seen

    check_output(output, [".png"])
    weights = find_checkpoint(checkpoint)
    sets = gather_training_data(training_data)
    seen, held_out = split_seen(sets, set(read_checkpoint(weights)["frames"]))
    model, _ = load_model(weights)
    scores = evaluate(model, seen, held_out)
    print(format_table(scores))
    table = output.with_suffix(".csv")
    write_frame_scores(scores, table)
    draw_scores(scores, output)
    print(f"written: {shown(output)}, {shown(table)}")
    pairs = [pair for frame_set in sets for pair in frame_set.pairs]
    inputs = [weights, *(path for pair in pairs for path in (pair.base, pair.clothed, pair.mask) if path)]
    figures = {f"{score.role} {score.name}": round(score.mean_f1, 4) for score in scores}
    return Report(output, inputs, figures, device=describe_device(), weights=[weights.name])


if __name__ == "__main__":
    run(main)
