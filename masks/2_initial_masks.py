"""Step 2: propose a mask for every frame of the working set, and say how unsure it is.

By the model, or by the best simple method: what changed between base and clothed frame by more than a threshold, as a
distance in CIE Lab (or as a plain difference), after a change of light that all share was taken out and small holes
and islands were removed. Unsureness is one minus the F1 score that the method itself expects: 0 sure, 1 a guess.

masks_corrected/ is never touched. What an earlier run wrote goes to backups/ if it would change. Run again after an
interruption, it resumes where it stopped.

Reads   <training data>/frames/: base_frame_XX.png, clothed_frame_XX.png; checkpoints/masks/mask_model.pth
Writes  <training data>/masks_initial/: mask_XX.png, proposals.csv (unsureness), faults.csv (frames that were skipped);
        outputs/masks/2_initial_masks.png: the masks, the most unsure first
"""

from pathlib import Path
from statistics import fmean

import tyro

from common.errors import check_range, raise_faults
from common.files import check_output, print_faults
from common.images import write_png
from common.paths import CHECKPOINTS, OUTPUTS, shown
from common.runner import Report, run

# ---- settings: edit here, or override once on the command line (--method lab) ----
TRAINING_DATA = OUTPUTS / "masks/training_data"  # folder that holds frames/
METHOD = "model"  # model; lab: by distance in CIE Lab; difference: by |clothed - base|
CHECKPOINT = CHECKPOINTS / "masks/mask_model.pth"  # of the model
THRESHOLD: float | None = None  # of lab and difference; None: found for each frame
EVEN_LIGHT = True  # lab and difference: take out a change of light that the whole figure shares
TIDY_ART_PX = 8  # lab and difference: remove holes and islands of at most so many art pixels
OUTPUT = OUTPUTS / "masks/2_initial_masks.png"  # contact sheet
TILES = 100  # frames on the contact sheet, the most unsure ones
WORKERS: int | None = None  # processes; None: 1 for the model on a GPU, else one a core, at most 4


def main(
    training_data: tyro.conf.Positional[Path] = TRAINING_DATA,
    method: str = METHOD,
    checkpoint: Path = CHECKPOINT,
    threshold: float | None = THRESHOLD,
    even_light: bool = EVEN_LIGHT,
    tidy_art_px: int = TIDY_ART_PX,
    output: Path = OUTPUT,
    tiles: int = TILES,
    workers: int | None = WORKERS,
) -> Report:
    """Propose all masks, then draw the contact sheet."""
    from masks.correction import proposal_batch
    from masks.sets.naming import FRAMES, MASKS_INITIAL
    from masks.sheets.frame_sources import sources_in, workers_on

    check_range("TILES", tiles, 1, 400)
    check_output(output, [".png"])
    if method == "model":
        proposer = proposal_batch.model_method(checkpoint)
    else:
        proposer = proposal_batch.threshold_method(
            name=method, threshold=threshold, even_light=even_light, tidy_art_px=tidy_art_px
        )
    workers = workers_on(proposer.device) if workers is None else workers
    check_range("WORKERS", workers, 1, 256)
    sources, faults = sources_in(training_data / FRAMES)
    unsureness, faults = proposal_batch.propose_all(training_data, sources, faults, proposer, workers)
    if not unsureness:
        raise_faults(str(training_data / FRAMES), list(faults.values()))
    has_changed, kept = proposal_batch.put_in_place(training_data, unsureness, proposer)
    write_png(output, proposal_batch.contact_sheet(training_data, sources, unsureness, tiles, method))

    masks = training_data / MASKS_INITIAL
    print(f"{len(unsureness)} masks by {method} in {shown(masks)}{'' if has_changed else ', the same as before'}")
    if kept is not None:
        print(f"the earlier ones: {shown(kept)}")
    print("most unsure (0 sure, 1 a guess):")
    for number in proposal_batch.most_unsure(unsureness)[: proposal_batch.PRINTED]:
        print(f"  frame {number}  {unsureness[number]:.3f}")
    print(f"contact sheet: {shown(output)}")
    print_faults(masks, faults)
    used = [source for source in sources if source.number in unsureness]
    return Report(
        output,
        [*proposer.weights, *(path for source in used for path in (source.base, source.clothed))],
        {"masks": len(unsureness), "mean unsureness": round(fmean(unsureness.values()), 4)},
        len(faults),
        proposer.device,
        [path.name for path in proposer.weights],
    )


if __name__ == "__main__":
    run(main)
