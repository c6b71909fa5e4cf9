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
"""Step 1: cut a base sheet and the same sheet clothed into numbered pairs of frames; or join frames into a sheet.

    python 1_split_spritesheet.py training_data --base body.png --clothed dressed.png

The frames lie on a grid, which is detected unless settings give it, or at the places that the JSON of Aseprite or
TexturePacker lists. GIF, APNG, animated WebP and Aseprite files hold frames themselves. An Aseprite file given as both
sheets holds the pair in its layers: those named body, base, skin, head, hair, face, eyes or ears (or else the lowest)
are the base, and the others the clothing, whose masks count as reviewed. Frames are numbered row by row; small frames
are enlarged by a whole factor. Pairs whose figures are shifted against each other are listed. Frames that are replaced
go to backups/ with their masks.

--join FOLDER puts numbered pictures (frames, masks, cut-outs) back where frames/sheet.json says they were. Sheets that
you made or changed stay as they are.

Reads   the two sheets (or more, or two folders of them), and their JSON if there is any
Writes  <training data>/frames/: base_frame_XX.png, clothed_frame_XX.png, sheet.json and copies of the sheets;
        outputs/masks/1_split_spritesheet.png: all pairs; with --join: outputs/masks/sheets/*.png
"""

from pathlib import Path
from typing import Annotated

from tyro.conf import Positional

from common.errors import FAULTS_SHOWN, UserError
from common.files import check_output, print_faults
from common.images import write_png
from common.journals import locked
from common.paths import DATA, OUTPUTS, shown
from common.runner import Range, Report, run
from masks.sheets.grid_finder import GridSettings

# ---- settings: edit here, or override once on the command line (--columns 9) ----
TRAINING_DATA: Positional[Path] = OUTPUTS / "masks/training_data"  # training folder that gets frames/
BASE: tuple[Path, ...] = (DATA / "masks/sheets/base.png",)  # sheet of the base body; several, or a folder of sheets
CLOTHED: tuple[Path, ...] = (DATA / "masks/sheets/clothed.png",)  # the same clothed; in folders, paired by name
COLUMNS: Annotated[int | None, Range(1, 100_000)] = None  # frames in a row of the sheet; None: detected
ROWS: Annotated[int | None, Range(1, 100_000)] = None  # rows of frames; None: detected
FRAME_WIDTH: Annotated[int | None, Range(1, 100_000)] = None  # width of a frame on the sheet in px; None: detected
FRAME_HEIGHT: Annotated[int | None, Range(1, 100_000)] = None  # height of a frame in px; None: detected
MARGIN: Annotated[int | None, Range(0, 100_000)] = None  # px around the grid; None: detected, or 0 if the rest is given
SPACING: Annotated[int | None, Range(0, 100_000)] = None  # px between frames; None: detected, or 0 if the rest is given
LAYOUT: Path | None = None  # JSON of Aseprite or TexturePacker, or a folder of them named like the sheets
CLOTHED_LAYOUT: Path | None = None  # JSON of the clothed sheet if it is packed differently; None: as LAYOUT
SCALE: Annotated[int | None, Range(1, 64)] = None  # whole factor to enlarge frames; None: the largest up to 512 px
KEEP_EMPTY: bool = False  # also cut cells that are empty on both sheets
REPLACE_MASKS: bool = False  # allow corrected masks of frames that change to go to backups/
OUTPUT: Path = OUTPUTS / "masks/1_split_spritesheet.png"  # contact sheet
JOIN: Path | None = None  # folder of numbered pictures to join instead of splitting
JOINED: Path = OUTPUTS / "masks/sheets"  # folder for the sheets made by JOIN


def main() -> Report:
    """Cut the sheets into frames, or join frames into sheets."""
    from masks.sets.naming import FRAMES, MASKS_CORRECTED
    from masks.sheets.pairing import find_sheets, plan_split
    from masks.sheets.splitting import contact_sheet, make_room, unchanged_frames, write_frames, write_true_masks

    grid = GridSettings(
        columns=COLUMNS,
        rows=ROWS,
        frame_width=FRAME_WIDTH,
        frame_height=FRAME_HEIGHT,
        margin=MARGIN,
        spacing=SPACING,
    )
    if JOIN is not None:
        return join_into_sheets(JOIN, grid)
    if LAYOUT is None and CLOTHED_LAYOUT is not None:
        raise UserError("setting CLOTHED_LAYOUT needs LAYOUT, the JSON of the base sheet")
    if LAYOUT is not None and grid.given:
        raise UserError("setting LAYOUT says where the frames lie; leave the settings of the grid out")
    sheets = find_sheets(BASE, clothed=CLOTHED, base_layout=LAYOUT, clothed_layout=CLOTHED_LAYOUT)
    inputs = list(dict.fromkeys(path for files in sheets for path in files.paths))
    check_output(OUTPUT, [".png"], inputs)
    plan = plan_split(sheets, grid, scale=SCALE, keep_empty=KEEP_EMPTY)
    for line in plan.describe():
        print(line)
    with locked(TRAINING_DATA, "TRAINING_DATA"):
        unchanged = unchanged_frames(TRAINING_DATA, plan)
        kept = make_room(TRAINING_DATA, plan, unchanged, replace_masks=REPLACE_MASKS)
        if kept:
            print(f"earlier frames and their masks: {shown(kept)}")
        shifts = write_frames(TRAINING_DATA, plan, unchanged)
        known = write_true_masks(TRAINING_DATA, plan)
        if known:
            print(f"masks from the layers: {known}, as reviewed ones in {shown(TRAINING_DATA / MASKS_CORRECTED)}")
        write_png(OUTPUT, contact_sheet(TRAINING_DATA, plan, shifts))
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
    print(f"pairs of frames: {len(plan.numbers)}, in {shown(TRAINING_DATA / FRAMES)}")
    print(f"contact sheet: {shown(OUTPUT)}")
    return Report(OUTPUT, inputs, figures)


def join_into_sheets(folder: Path, grid: GridSettings) -> Report:
    """Join the numbered pictures of a folder into sheets; list those that are missing or do not fit."""
    from common.files import write_faults
    from masks.sheets.joining import find_numbered, join_folder

    find_numbered(folder)  # what is refused makes no folder for the sheets
    with locked(JOINED, "JOINED"):
        written, faults, record = join_folder(folder, TRAINING_DATA, JOINED, grid)
        write_faults(JOINED, faults)
    print(f"layout: {shown(record) if record else 'a plain grid'}")
    for path, is_new in written.items():
        kept = "kept, because you or an earlier version made it (delete it to have it made anew)"
        print(f"{'written' if is_new else kept}: {shown(path)}")
    print_faults(JOINED, faults)
    return Report(JOINED, [record] if record else [], {"sheets": sum(written.values())}, faults=len(faults))


if __name__ == "__main__":
    run(main)
