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
"""Step 2: propose a mask for every frame of the working set, and report how unsure it is.

Masks come from the model, or from the best simple method: the colour difference between base and clothed frame, as a
distance in CIE Lab (or as a plain difference), above a threshold, after compensating a change of light of the whole
figure and removing small holes and islands. Unsureness is one minus the expected F1 score: 0 sure, 1 a guess.

masks_corrected/ is never changed. Masks of an earlier run go to backups/ if they would change. An interrupted run
resumes where it stopped.

Reads   <training data>/frames/: base_frame_XX.png, clothed_frame_XX.png; outputs/masks/mask_model.pth (from
        step 4) or checkpoints/masks/mask_model.pth
Writes  <training data>/masks_initial/: mask_XX.png, proposals.csv (unsureness), faults.csv (skipped frames);
        outputs/masks/2_initial_masks.png: the masks, the most unsure first
"""

from pathlib import Path
from statistics import fmean
from typing import Annotated, Literal

from tyro.conf import Positional

from common.files import check_output, print_faults
from common.images import write_png
from common.paths import OUTPUTS, shown
from common.ray_engine import Engine, ray_cluster
from common.runner import Range, Report, Written, run

# ---- settings: edit here, or override once on the command line (--method lab) ----
TRAINING_DATA: Annotated[Positional[Path], Written()] = (
    OUTPUTS / "masks/training_data"
)  # training folder that holds frames/
METHOD: Literal["model", "lab", "difference"] = "model"  # lab: distance in CIE Lab; difference: |clothed - base|
CHECKPOINT: Path | None = None  # weights; None: those of step 4 unless they made a set worse, else those that ship
THRESHOLD: Annotated[float | None, Range(0, 255)] = None  # threshold of lab and difference; None: found per frame
EVEN_LIGHT: bool = True  # lab and difference: compensate a change of light of the whole figure
TIDY_ART_PX: Annotated[int, Range(0, 10_000)] = 8  # lab and difference: largest holes and islands removed, in art px
OUTPUT: Path = OUTPUTS / "masks/2_initial_masks.png"  # contact sheet
TILES: Annotated[int, Range(1, 400)] = 100  # frames on the contact sheet, the most unsure ones
WORKERS: Annotated[int | None, Range(1, 256)] = None  # processes; None: 1 on a GPU, else one per core, at most 4
ENGINE: Engine = "local"  # "local": processes of this machine; "ray": Ray, on one machine or many (docs/cluster.md)
RAY_ADDRESS: str = ""  # of a running Ray cluster, such as 10.0.0.1:6379; empty: Ray on this machine alone
WORKER_CPUS: Annotated[int, Range(1, 1024)] = 1  # cores that each worker of Ray asks for; more: fewer a machine
CHUNK: Annotated[int, Range(1, 100_000)] = 4  # frames that a worker gets at a time; Ctrl-C waits for them


def main() -> Report:
    """Propose all masks, then draw the contact sheet."""
    from masks.correction import proposal_batch
    from masks.sets.naming import FRAMES, MASKS_INITIAL
    from masks.sheets.frame_sources import sources_in, workers_on

    check_output(OUTPUT, [".png"])
    if METHOD == "model":
        from masks.model.default_model import describe

        method = proposal_batch.model_method(CHECKPOINT)
        print(*map(describe, method.weights), sep="\n")
    else:
        method = proposal_batch.threshold_method(
            METHOD, threshold=THRESHOLD, even_light=EVEN_LIGHT, tidy_art_px=TIDY_ART_PX
        )
    sources, faults = sources_in(TRAINING_DATA / FRAMES)
    workers = WORKERS or workers_on(method.device)
    ray = ray_cluster(engine=ENGINE, address=RAY_ADDRESS, workers=WORKERS, worker_cpus=WORKER_CPUS)
    unsureness, faults = proposal_batch.propose_all(
        TRAINING_DATA, sources, faults, method, workers=workers, chunk=CHUNK, ray=ray
    )
    has_changed, kept = proposal_batch.put_in_place(TRAINING_DATA, unsureness, method)
    write_png(OUTPUT, proposal_batch.contact_sheet(TRAINING_DATA, sources, unsureness, tiles=TILES, method=METHOD))

    masks = TRAINING_DATA / MASKS_INITIAL
    print(f"{len(unsureness)} masks by {METHOD} in {shown(masks)}{'' if has_changed else ', the same as before'}")
    if kept is not None:
        print(f"earlier masks: {shown(kept)}")
    print("most unsure (0 sure, 1 a guess):")
    for number in proposal_batch.most_unsure(unsureness)[: proposal_batch.PRINTED]:
        print(f"  frame {number}  {unsureness[number]:.4f}")
    print(f"contact sheet: {shown(OUTPUT)}")
    print_faults(masks, faults)
    used = [source for source in sources if source.number in unsureness]
    return Report(
        OUTPUT,
        inputs=[*method.weights, *(path for source in used for path in (source.base, source.clothed))],
        figures={"masks": len(unsureness), "mean unsureness": round(fmean(unsureness.values()), 4)},
        faults=len(faults),
        device=method.device,
        weights=[path.name for path in method.weights],
    )


if __name__ == "__main__":
    run(main)
