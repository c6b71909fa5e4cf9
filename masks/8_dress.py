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
"""Step 8: paint clothing cut-outs over other bodies in the same poses, frame by frame.

    python 8_dress.py training_data --bodies bear_frames cat_sheet.png

One garment, many bodies: each body is a folder of base_frame_XX.png, or a sheet with the layout of the one that step 1
split. Frames and cut-outs with the same number belong together. If one is a whole number of times as large as the
other, as enlarged pixel art is, the smaller one is enlarged.

--fit warps the clothes from the outline of the body that they were cut from, <training data>/frames/base_frame_XX.png,
to that of another body in the same pose, for bodies of other proportions or sizes, such as a child. A body that is a
sheet may then have a grid of its own. Thin lines can break, and arms that lie elsewhere stay partly bare.

Pictures in the output that you made or changed are never replaced or removed; sheets show your frames.

Reads   outputs/masks/5_predict_masks/cutouts/cutout_XX.png (from step 5); the bodies; <training data>/frames/sheet.json
Writes  outputs/masks/8_dress/<body>/: frames/dressed_frame_XX.png, dressed_frame_sheet.png, preview.png;
        outputs/masks/8_dress/faults.csv (skipped frames)
"""

from pathlib import Path
from typing import Annotated

from tyro.conf import Positional

from common.errors import UserError
from common.paths import DATA, OUTPUTS, shown
from common.runner import Range, Report, run
from masks.sheets.grid_finder import GridSettings

# ---- settings: edit here, or override once on the command line (--bodies bear_frames cat_sheet.png) ----
TRAINING_DATA: Positional[Path] = OUTPUTS / "masks/training_data"  # its frames/sheet.json has the layout of sheets
CUTOUTS: Path = OUTPUTS / "masks/5_predict_masks/cutouts"  # folder of cutout_XX.png
BODIES: tuple[Path, ...] = (DATA / "masks/sheets/other_body.png",)  # folders of base_frame_XX.png, or sheets
OUTPUT: Path = OUTPUTS / "masks/8_dress"  # gets a folder for each body
FIT: bool = False  # warp the clothes to bodies of other proportions; needs the base frames in TRAINING_DATA
OFFSET_X: Annotated[int, Range(-64, 64)] = 0  # art pixels (px in smooth art) to move the clothes right; negative: left
OFFSET_Y: Annotated[int, Range(-64, 64)] = 0  # art pixels (px in smooth art) to move the clothes down; negative: up
COLUMNS: Annotated[int | None, Range(1, 100_000)] = None  # in a row of BODIES; None: as in sheet.json
ROWS: Annotated[int | None, Range(1, 100_000)] = None  # of frames; None: as in sheet.json, or detected
FRAME_WIDTH: Annotated[int | None, Range(1, 100_000)] = None  # px; None: as in sheet.json, or detected
FRAME_HEIGHT: Annotated[int | None, Range(1, 100_000)] = None  # px; None: as in sheet.json, or detected
MARGIN: Annotated[int | None, Range(0, 100_000)] = None  # px around the grid; None: as in sheet.json
SPACING: Annotated[int | None, Range(0, 100_000)] = None  # px between frames; None: as in sheet.json


def main() -> Report:
    """Dress all bodies."""
    from common.files import print_faults, write_faults
    from common.journals import locked
    from masks.cutouts.dressing import dress_body, find_bases, find_cutouts, open_bodies
    from masks.cutouts.stale import stale_cutouts
    from masks.sets.naming import listed

    if not CUTOUTS.is_dir():
        raise UserError(f"{shown(CUTOUTS)}: no such folder; run masks/5_predict_masks.py first")
    grid = GridSettings(
        columns=COLUMNS,
        rows=ROWS,
        frame_width=FRAME_WIDTH,
        frame_height=FRAME_HEIGHT,
        margin=MARGIN,
        spacing=SPACING,
    )
    clothes = find_cutouts(CUTOUTS)
    figures: dict[str, int] = {}
    used: set[str] = set()
    faults: dict[str, str] = {}
    bases = find_bases(TRAINING_DATA) if FIT else None
    bodies = open_bodies(BODIES, training_data=TRAINING_DATA, grid=grid, cutouts=clothes, fits=FIT)
    if stale := stale_cutouts(clothes, training_data=TRAINING_DATA):
        print(f"older than the masks that a person made: cut-outs {listed(stale)}; run step 5 again to renew them")
    with locked(OUTPUT):
        for body in bodies:
            dressed = dress_body(body, clothes, (OFFSET_X, OFFSET_Y), OUTPUT / body.name, bases)
            figures[body.name] = len(dressed.frames)
            used |= dressed.frames.keys()
            faults |= {f"{body.name}/{name}": fault for name, fault in dressed.faults.items()}
            print(f"{body.name}: {len(dressed.frames)} of {len(clothes)} cut-outs used, in {shown(OUTPUT / body.name)}")
            if dressed.kept:
                why = "kept, because you or an earlier version made them (delete them to have them made anew)"
                print(f"{body.name}: {why}: {listed([path.name for path in dressed.kept])}")
        write_faults(OUTPUT, faults)
    print_faults(OUTPUT, faults)
    return Report(OUTPUT, [path for number, path in clothes.items() if number in used], figures, faults=len(faults))


if __name__ == "__main__":
    run(main)
