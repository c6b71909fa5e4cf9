"""Step 5: predict the clothing masks of a folder of pairs, or of two sheets, and cut the clothing out.

A cut-out is the clothing alone, as RGBA: pixel art keeps hard edges, smooth art gets soft ones without a rim of skin.
From sheets the frames are cut in the sheet's own size, and masks and cut-outs are put back into sheets as well. Run
again, only what has changed is made anew. Pairs that cannot be read are skipped and listed.

Reads   base_frame_XX.png and clothed_frame_XX.png in a folder, or two sheets; checkpoints/masks/mask_model.pth
Writes  outputs/masks/5_predict_masks/: masks/mask_XX.png (0 or 255), cutouts/cutout_XX.png, contact_sheet.png;
        from sheets mask_sheet.png and cutout_sheet.png; faults.csv (pairs that were skipped)
"""

from pathlib import Path

from common.errors import check_range, raise_faults
from common.files import print_faults
from common.paths import CHECKPOINTS, OUTPUTS, shown
from common.runner import Report, run
from masks.sheets.grid_finder import GridSettings

# ---- settings: edit here, or override once on the command line (--frames my_frames) ----
FRAMES = OUTPUTS / "masks/training_data/frames"  # folder of base_frame_XX.png and clothed_frame_XX.png
BASE: Path | None = None  # sheet of the base body, instead of FRAMES
CLOTHED: Path | None = None  # the same sheet clothed
CHECKPOINT = CHECKPOINTS / "masks/mask_model.pth"  # the model
OUTPUT = OUTPUTS / "masks/5_predict_masks"  # folder for the results
CUTOUTS = True  # False: masks alone
COMPRESS_LEVEL = 1  # of PNG, 0 (fast, large) to 9 (slow, small)
TILES = 48  # pairs on the contact sheet, evenly chosen from the batch
WORKERS: int | None = None  # processes; None: 1 with a GPU, else one a core, at most 4
COLUMNS: int | None = None  # frames in a row of the sheets; None: found
ROWS: int | None = None  # rows of frames; None: found
FRAME_WIDTH: int | None = None  # of a frame on the sheets, in px; None: found
FRAME_HEIGHT: int | None = None  # in px; None: found
MARGIN: int | None = None  # px around the grid; None: found, or 0 where the rest is given
SPACING: int | None = None  # px between frames; None: found, or 0 where the rest is given
LAYOUT: Path | None = None  # JSON of Aseprite or TexturePacker instead of a grid


def main(
    frames: Path = FRAMES,
    base: Path | None = BASE,
    clothed: Path | None = CLOTHED,
    checkpoint: Path = CHECKPOINT,
    output: Path = OUTPUT,
    cutouts: bool = CUTOUTS,
    compress_level: int = COMPRESS_LEVEL,
    tiles: int = TILES,
    workers: int | None = WORKERS,
    columns: int | None = COLUMNS,
    rows: int | None = ROWS,
    frame_width: int | None = FRAME_WIDTH,
    frame_height: int | None = FRAME_HEIGHT,
    margin: int | None = MARGIN,
    spacing: int | None = SPACING,
    layout: Path | None = LAYOUT,
) -> Report:
    """Predict what has no mask yet, then draw the contact sheet."""
    from common.devices import describe_device
    from masks.cutouts.prediction_batch import PredictionOutput, predict_all, write_overviews
    from masks.model.checkpoint_format import find_checkpoint, network_of, read_checkpoint
    from masks.sheets.frame_sources import find_sources, workers_on

    check_range("COMPRESS_LEVEL", compress_level, 0, 9)
    check_range("TILES", tiles, 1, 400)
    workers = workers_on(describe_device()) if workers is None else workers
    check_range("WORKERS", workers, 1, 256)
    grid = GridSettings(columns, rows, frame_width, frame_height, margin, spacing)
    sources, faults, record = find_sources(frames=frames, base=base, clothed=clothed, layout=layout, grid=grid)
    weights = find_checkpoint(checkpoint)
    network_of(read_checkpoint(weights), weights)  # checks them before any results are replaced
    results = PredictionOutput(folder=output, cutouts=cutouts, compress_level=compress_level)
    with predict_all(sources, faults, results, weights, workers) as outcome:
        there = [source for source in sources if source.label not in outcome.faults]
        if not there:
            raise_faults("", [f"{name}: {fault}" for name, fault in outcome.faults.items()])
        written = write_overviews(there, record, results, tiles)

    print(f"{len(there)} masks in {shown(output)}: {outcome.made} predicted now, {outcome.kept} were there")
    for path in written:
        print(f"written: {shown(path)}")
    print_faults(output, outcome.faults)
    return Report(
        output,
        [weights, *dict.fromkeys(path for source in there for path in (source.base, source.clothed))],
        {"masks": len(there), "predicted now": outcome.made},
        len(outcome.faults),
        describe_device(),
        [weights.name],
    )


if __name__ == "__main__":
    run(main)
