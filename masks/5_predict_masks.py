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
"""Step 5: predict the clothing masks of a folder of pairs, or of two sheets, and cut the clothing out.

A cut-out is the clothing alone, as RGBA: pixel art keeps hard edges, smooth art gets soft ones without a rim of skin.
Frames from sheets keep the sheet's size, and their masks and cut-outs are also joined into sheets. A second run makes
only what has changed. Pairs that cannot be read are skipped and listed.

Masks that were reviewed in step 3 replace predictions. Masks and cut-outs in the output folder that you made or changed
are never replaced; the cut-out of such a mask is made from it. --propagate changes predictions as such masks teach,
--memory as the masks of earlier sheets of the same character teach.
--layers splits the clothing into garments by colour and height on the body, the same in all frames, each with a name
and masks of its own; garments that you named, joined, split or left out in step 3 are used as they are there.

Reads   <training data>/frames/, its reviewed masks and garments.json (both from step 3), another folder of
        base_frame_XX.png and clothed_frame_XX.png, or two sheets; outputs/masks/mask_model.pth (from step 4) or
        checkpoints/masks/mask_model.pth
Writes  outputs/masks/5_predict_masks/: masks/mask_XX.png (0 or 255), cutouts/cutout_XX.png, contact_sheet.png;
        from sheets mask_sheet.png and cutout_sheet.png; by LAYERS garments.json and garments/<name>/mask_XX.png; by
        EXPORT layers.aseprite, .ora and .psd, layers/ (sheets and layers.json), preview.gif and .webp; faults.csv
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional

from common.errors import UserError, raise_faults
from common.files import print_faults
from common.paths import OUTPUTS, shown
from common.ray_engine import Engine, ray_cluster
from common.runner import Range, Report, run
from masks.sheets.grid_finder import GridSettings

if TYPE_CHECKING:
    from masks.cutouts.prediction_batch import PredictionOutput, PredictionTask

# ---- settings: edit here, or override once on the command line (--frames my_frames) ----
TRAINING_DATA: Positional[Path] = OUTPUTS / "masks/training_data"  # training folder: its frames/ and reviewed masks
FRAMES: Path | None = None  # folder of base_frame_XX.png and clothed_frame_XX.png; None: frames/ of TRAINING_DATA
BASE: Path | None = None  # sheet of the base body, instead of a folder
CLOTHED: Path | None = None  # the same sheet clothed
CHECKPOINT: Path | None = None  # weights; None: those of step 4 unless they made a set worse, else those that ship
OUTPUT: Path = OUTPUTS / "masks/5_predict_masks"  # folder for the results
CUTOUTS: bool = True  # False: masks only
PROPAGATE: bool = False  # change predictions as the masks that you reviewed or made teach; other clothes stay
MEMORY: Path | None = None  # training folder of the same character, whose reviewed and archived masks teach alike
COMPRESS_LEVEL: Annotated[int, Range(0, 9)] = 1  # PNG compression, 0 (fast, large) to 9 (slow, small)
LAYERS: bool = False  # split the clothing into garments, with masks of each; EXPORT then has a layer for each
EXPORT: tuple[Literal["ase", "ora", "psd", "sheet", "gif", "webp"], ...] = ()  # layers for other programs; previews
TILES: Annotated[int, Range(1, 400)] = 48  # pairs on the contact sheet, evenly chosen from the batch
WORKERS: Annotated[int | None, Range(1, 256)] = None  # processes; None: 1 on a GPU, else one per core, at most 4
ENGINE: Engine = "local"  # "local": processes of this machine; "ray": Ray, on one machine or many (docs/cluster.md)
RAY_ADDRESS: str = ""  # of a running Ray cluster, such as 10.0.0.1:6379; empty: Ray on this machine alone
WORKER_CPUS: Annotated[int, Range(1, 1024)] = 1  # cores that each worker of Ray asks for; more: fewer a machine
CHUNK: Annotated[int, Range(1, 100_000)] = 4  # pairs that a worker gets at a time; Ctrl-C waits for them
COLUMNS: Annotated[int | None, Range(1, 100_000)] = None  # frames in a row of the sheets; None: detected
ROWS: Annotated[int | None, Range(1, 100_000)] = None  # rows of frames; None: detected
FRAME_WIDTH: Annotated[int | None, Range(1, 100_000)] = None  # width of a frame on the sheets in px; None: detected
FRAME_HEIGHT: Annotated[int | None, Range(1, 100_000)] = None  # height of a frame in px; None: detected
MARGIN: Annotated[int | None, Range(0, 100_000)] = None  # px around the grid; None: detected, or 0 if the rest is given
SPACING: Annotated[int | None, Range(0, 100_000)] = None  # px between frames; None: detected, or 0 if the rest is given
LAYOUT: Path | None = None  # JSON of Aseprite or TexturePacker instead of a grid


def main() -> Report:
    """Predict what has no up-to-date mask, then draw the contact sheet."""
    from common.devices import describe_device
    from masks.cutouts.prediction_batch import PredictionOutput, describe, plan_tasks, predict_all, write_overviews
    from masks.cutouts.stale import stale_cutouts
    from masks.model.checkpoint_format import network_of, read_checkpoint
    from masks.model.default_model import default_checkpoint
    from masks.model.default_model import describe as describe_model
    from masks.sets import naming
    from masks.sets.training_sets import remembered_pairs
    from masks.sheets.frame_sources import find_sources, reviewed_masks, workers_on

    if EXPORT and not CUTOUTS:
        raise UserError("setting EXPORT needs the cut-outs; leave CUTOUTS on")
    grid = GridSettings(
        columns=COLUMNS,
        rows=ROWS,
        frame_width=FRAME_WIDTH,
        frame_height=FRAME_HEIGHT,
        margin=MARGIN,
        spacing=SPACING,
    )
    frames = FRAMES or TRAINING_DATA / naming.FRAMES
    sources, faults, record = find_sources(frames=frames, base=BASE, clothed=CLOTHED, layout=LAYOUT, grid=grid)
    weights = default_checkpoint(CHECKPOINT)
    network_of(read_checkpoint(weights), weights)  # reject a bad checkpoint before results are replaced
    print(describe_model(weights))
    device = describe_device()
    results = PredictionOutput(folder=OUTPUT, cutouts=CUTOUTS, compress_level=COMPRESS_LEVEL)
    training_data = frames.parent if frames.name == naming.FRAMES else TRAINING_DATA
    tasks = plan_tasks(sources, reviewed_masks(sources, training_data), results)
    workers = WORKERS or workers_on(device)
    ray = ray_cluster(engine=ENGINE, address=RAY_ADDRESS, workers=WORKERS, worker_cpus=WORKER_CPUS)
    if memory := remembered_pairs(MEMORY):
        print(f"memory: {len(memory)} frames of {MEMORY} teach, where the clothes are the same")
    with predict_all(
        tasks, faults, results, weights, propagates=PROPAGATE, remembered=memory, workers=workers, chunk=CHUNK, ray=ray
    ) as outcome:
        done = [task for task in tasks if task.source.label not in outcome.faults]
        if not done:
            raise_faults("", [f"{name}: {fault}" for name, fault in outcome.faults.items()])
        written = write_overviews(done, record, results, tiles=TILES)
        written |= split_and_export(done, results, training_data)

    made = f"{len(done)} masks in {shown(OUTPUT)}: {outcome.made} made now, {outcome.kept} existed"
    print(made, *describe(done), sep="\n")
    own = {task.source.number: results.cutout(task.source.number) for task in done if naming.CUTOUT in task.kept}
    if stale := stale_cutouts(own, training_data):
        print(f"{naming.listed(stale)}: your cut-outs are older than your masks (delete them to have them made anew)")
    for path, is_new in written.items():
        print(f"written: {shown(path)}" if is_new else f"kept as you changed it: {shown(path)}")
    print_faults(OUTPUT, outcome.faults)
    return Report(
        OUTPUT,
        inputs=[weights, *dict.fromkeys(path for task in done for path in task.inputs)],
        figures={"masks": len(done), "made now": outcome.made},
        faults=len(outcome.faults),
        device=device,
        weights=[weights.name],
    )


def split_and_export(
    tasks: Sequence["PredictionTask"], results: "PredictionOutput", training_data: Path
) -> dict[Path, bool]:
    """Split the clothing and export layers, as LAYERS and EXPORT say.

    Returns:
        The files, and whether each was written; False: kept as somebody changed it.
    """
    from masks.cutouts.garment_batch import find_garments, frame_of, write_garment_masks
    from masks.cutouts.layer_files import clothes_as_layers, export_layers

    written: dict[Path, bool] = {}
    garments = find_garments(tasks, results, training_data) if LAYERS else None
    if garments is not None:
        written |= dict.fromkeys(write_garment_masks(tasks, garments, results), False)
        print(f"garments: {', '.join(g.name + ' (left out)' * g.is_left_out for g in garments) or 'none'}")
    if EXPORT:
        cutouts = [results.cutout(task.source.number) for task in tasks]
        masks = [frame_of(task, results).mask for task in tasks]
        sprite = clothes_as_layers([task.source for task in tasks], cutouts, masks, garments)
        written |= export_layers(sprite, folder=OUTPUT, formats=EXPORT)
    return written


if __name__ == "__main__":
    run(main)
