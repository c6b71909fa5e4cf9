"""Step 8: paint clothing cut-outs over other bodies of the same poses, frame by frame.

One garment, many bodies: each body is a folder of base_frame_XX.png or a sheet laid out as the one that step 1 split.
Frames and cut-outs belong together by number. Where one is a whole number of times as large as the other, as frames
of pixel art are beside their sheet, the smaller is enlarged.

Reads   outputs/masks/5_predict_masks/cutouts/cutout_XX.png (from step 5); the bodies; <training data>/frames/sheet.json
Writes  outputs/masks/8_dress/<body>/: frames/dressed_frame_XX.png, dressed_frame_sheet.png, preview.png;
        outputs/masks/8_dress/faults.csv (frames that were left out)
"""

from pathlib import Path

from common.errors import UserError, check_range
from common.paths import DATA, OUTPUTS, shown
from common.runner import Report, run
from masks.sheets.grid_finder import GridSettings

# ---- settings: edit here, or override once on the command line (--bodies bear_frames cat_sheet.png) ----
CUTOUTS = OUTPUTS / "masks/5_predict_masks/cutouts"  # folder of cutout_XX.png
BODIES: tuple[Path, ...] = (DATA / "masks/sheets/other_body.png",)  # folders of base_frame_XX.png, or sheets
TRAINING_DATA = OUTPUTS / "masks/training_data"  # its frames/sheet.json says where frames lie on a sheet
OUTPUT = OUTPUTS / "masks/8_dress"  # folder that gets a folder for each body
OFFSET_X = 0  # art pixels to move the clothes to the right (px of smooth art), negative to the left
OFFSET_Y = 0  # art pixels to move the clothes down (px of smooth art), negative upwards
COLUMNS: int | None = None  # frames in a row of BODIES that are sheets; None: as in sheet.json, or found
ROWS: int | None = None  # rows of frames
FRAME_WIDTH: int | None = None  # of a frame on such a sheet, in px
FRAME_HEIGHT: int | None = None  # in px
MARGIN: int | None = None  # px around the grid
SPACING: int | None = None  # px between frames


def main(
    cutouts: Path = CUTOUTS,
    bodies: tuple[Path, ...] = BODIES,
    training_data: Path = TRAINING_DATA,
    output: Path = OUTPUT,
    offset_x: int = OFFSET_X,
    offset_y: int = OFFSET_Y,
    columns: int | None = COLUMNS,
    rows: int | None = ROWS,
    frame_width: int | None = FRAME_WIDTH,
    frame_height: int | None = FRAME_HEIGHT,
    margin: int | None = MARGIN,
    spacing: int | None = SPACING,
) -> Report:
    """Dress all bodies."""
    from common.files import print_faults, write_faults
    from masks.cutouts.dressing import dress_body, find_cutouts, open_bodies

    check_range("OFFSET_X", offset_x, -64, 64)
    check_range("OFFSET_Y", offset_y, -64, 64)
    if not cutouts.is_dir() and cutouts == CUTOUTS:
        raise UserError(f"{shown(cutouts)}: no such folder; run masks/5_predict_masks.py first")
    grid = GridSettings(columns, rows, frame_width, frame_height, margin, spacing)
    clothes = find_cutouts(cutouts)
    figures: dict[str, int] = {}
    faults: dict[str, str] = {}
    for body in open_bodies(bodies, training_data, grid, clothes):
        figures[body.name], found = dress_body(body, clothes, (offset_x, offset_y), output / body.name)
        faults |= {f"{body.name}/{name}": fault for name, fault in found.items()}
        print(f"{body.name}: {figures[body.name]} of {len(clothes)} cut-outs worn, in {shown(output / body.name)}")
    write_faults(output, faults)
    print_faults(output, faults)
    return Report(output, list(clothes.values()), figures, faults=len(faults))


if __name__ == "__main__":
    run(main)
