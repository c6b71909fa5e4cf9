"""Step 1: cut a base sheet and the same sheet clothed into numbered pairs of frames; or join frames into a sheet.

The frames lie on a grid, which is found where no setting names it, or where the JSON of Aseprite or TexturePacker
says. A frame's number is the place of its cell, row by row; small frames are enlarged by a whole factor. Pairs whose
figures lie beside each other are listed. Frames that are replaced go to backups/ with their masks.

--join FOLDER puts any numbered pictures (frames, masks, cut-outs) back where frames/sheet.json says that they were.

Reads   the two sheets (or more, or two folders of them), and their JSON if there is any
Writes  <training data>/frames/: base_frame_XX.png, clothed_frame_XX.png, sheet.json and copies of the sheets;
        outputs/masks/1_split_spritesheet.png: all pairs; with --join: outputs/masks/sheets/*.png
"""

from pathlib import Path

from common.errors import FAULTS_SHOWN, UserError, check_range
from common.files import check_output, print_faults
from common.images import write_png
from common.paths import DATA, OUTPUTS, shown
from common.runner import Report, run
from masks.sheets.grid_finder import GridSettings

# ---- settings: edit here, or override once on the command line (--columns 9) ----
BASE: tuple[Path, ...] = (DATA / "masks/sheets/base.png",)  # sheet of the base body; several, or a folder of sheets
CLOTHED: tuple[Path, ...] = (DATA / "masks/sheets/clothed.png",)  # the same clothed; a folder's sheets go by name
TRAINING_DATA = OUTPUTS / "masks/training_data"  # folder that gets frames/
COLUMNS: int | None = None  # frames in a row of the sheet; None: found
ROWS: int | None = None  # rows of frames; None: found
FRAME_WIDTH: int | None = None  # of a frame on the sheet, in px; None: found
FRAME_HEIGHT: int | None = None  # in px; None: found
MARGIN: int | None = None  # px around the grid; None: found, or 0 where the rest is given
SPACING: int | None = None  # px between frames; None: found, or 0 where the rest is given
LAYOUT: Path | None = None  # JSON of Aseprite or TexturePacker, or a folder of them named like the sheets
CLOTHED_LAYOUT: Path | None = None  # where the clothed sheet is packed differently; None: as LAYOUT
SCALE: int | None = None  # whole factor for the frames; None: the largest up to 512 px; 1: leave as they are
KEEP_EMPTY = False  # True: cut cells that are empty in both sheets too
REPLACE_MASKS = False  # True: corrected masks of frames that change may go to backups/
OUTPUT = OUTPUTS / "masks/1_split_spritesheet.png"  # contact sheet
JOIN: Path | None = None  # folder of numbered pictures to join instead of splitting
JOINED = OUTPUTS / "masks/sheets"  # folder for the sheets that JOIN makes


def main(
    base: tuple[Path, ...] = BASE,
    clothed: tuple[Path, ...] = CLOTHED,
    training_data: Path = TRAINING_DATA,
    columns: int | None = COLUMNS,
    rows: int | None = ROWS,
    frame_width: int | None = FRAME_WIDTH,
    frame_height: int | None = FRAME_HEIGHT,
    margin: int | None = MARGIN,
    spacing: int | None = SPACING,
    layout: Path | None = LAYOUT,
    clothed_layout: Path | None = CLOTHED_LAYOUT,
    scale: int | None = SCALE,
    keep_empty: bool = KEEP_EMPTY,
    replace_masks: bool = REPLACE_MASKS,
    output: Path = OUTPUT,
    join: Path | None = JOIN,
    joined: Path = JOINED,
) -> Report:
    """Cut the sheets into frames, or join frames into sheets."""
    from masks.sets.naming import FRAMES
    from masks.sheets.pairing import find_sheets, plan_split
    from masks.sheets.splitting import contact_sheet, make_room, unchanged_frames, write_frames

    grid = GridSettings(columns, rows, frame_width, frame_height, margin, spacing)
    if join is not None:
        return join_into_sheets(join, training_data, joined, grid)
    if layout is None and clothed_layout is not None:
        raise UserError("setting CLOTHED_LAYOUT needs LAYOUT, the JSON of the base sheet")
    if layout is not None and grid.given:
        raise UserError("setting LAYOUT says where the frames lie; leave the settings of the grid out")
    if scale is not None:
        check_range("SCALE", scale, 1, 64)
    sheets = find_sheets(base, clothed, layout, clothed_layout)
    inputs = list(dict.fromkeys(path for files in sheets for path in files.paths))
    check_output(output, [".png"], inputs)
    plan = plan_split(sheets, grid, scale, keep_empty)
    for line in plan.describe():
        print(line)
    unchanged = unchanged_frames(training_data, plan)
    kept = make_room(training_data, plan, unchanged, replace_masks)
    if kept:
        print(f"earlier frames and their masks: {shown(kept)}")
    shifts = write_frames(training_data, plan, unchanged)
    write_png(output, contact_sheet(training_data, plan, shifts))
    for number, shift in list(shifts.items())[:FAULTS_SHOWN]:
        print(f"frame {number}: clothed is shifted by {shift} art pixels")
    if len(shifts) > FAULTS_SHOWN:
        print(f"... and {len(shifts) - FAULTS_SHOWN} more frames are shifted")
    figures = {
        "frames": len(plan.numbers),
        "empty cells skipped": plan.skipped,
        "scale": plan.record.scale,
        "unchanged": len(unchanged),
        "shifted": shifts,
    }
    print(f"pairs of frames: {len(plan.numbers)}, in {shown(training_data / FRAMES)}")
    print(f"contact sheet: {shown(output)}")
    return Report(output, inputs, figures)


def join_into_sheets(folder: Path, training_data: Path, output: Path, grid: GridSettings) -> Report:
    """Put the numbered pictures of a folder into sheets; list those that are missing or do not fit."""
    from common.files import write_faults
    from masks.sheets.splitting import join_folder

    written, faults, record = join_folder(folder, training_data, output, grid)
    write_faults(output, faults)
    print(f"layout: {shown(record) if record else 'a plain grid'}")
    for path in written:
        print(f"written: {shown(path)}")
    print_faults(output, faults)
    return Report(output, [record] if record else [], {"sheets": len(written)}, faults=len(faults))


if __name__ == "__main__":
    run(main)
