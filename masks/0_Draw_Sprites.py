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
"""Step 0: redraw everything in data/masks, identical to the pixel. Needed only after a change of the drawing code.

Reads   nothing; characters, clothes and walk are drawn by masks/drawing/characters.py
Writes  data/masks/frames_backup_<animation>/base_frame_XX.png and clothed_frame_XX.png,
        data/masks/masks_backup_<animation>/mask_XX.png, data/masks/sheets/base.png, clothed.png and other_body.png,
        outputs/masks/0_Draw_Sprites.png (an overview)
"""

from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from common.files import check_output
from common.grids import picture_grid
from common.images import write_png
from common.paths import DATA, OUTPUTS, shown
from common.runner import Report, run
from masks.drawing.characters import (
    LIGHTS,
    OTHER_BODY,
    SET_PHASES,
    SETS,
    SHEET_CHARACTER,
    DrawnFrame,
    draw_set,
    draw_sheets,
)
from masks.sets.naming import FRAMES_BACKUP, MASKS_BACKUP, base_name, clothed_name, mask_name

# ---- settings: edit here, or override once on the command line (--output drawn) ----
OUTPUT: Path = DATA / "masks"  # folder for the sets and spritesheets
SHEET: Path = OUTPUTS / "masks/0_Draw_Sprites.png"  # overview picture


def main() -> Report:
    """Draw every set and the spritesheets."""
    check_output(SHEET, [".png"])
    tiles: list[Image.Image] = []
    labels: list[str] = []
    total = sum(len(drawn.characters) * len(SET_PHASES) for drawn in SETS.values())
    with tqdm(total=total, desc="drawing", unit="frame") as bar:
        for name, drawn in SETS.items():
            for index, frame in enumerate(draw_set(drawn)):
                write_frame(OUTPUT, name, index, frame)
                bar.update()
                character, phase = divmod(index, len(SET_PHASES))
                if character == phase:  # each character once, in another phase
                    tiles += [Image.fromarray(picture) for picture in (frame.base, frame.clothed, frame.mask)]
                    labels += [f"{drawn.characters[character].name}, base\n{name}", "clothed\n ", "mask\n "]
    base, clothed = draw_sheets(SHEET_CHARACTER, LIGHTS[0])
    other, _ = draw_sheets(OTHER_BODY)
    for file, picture in {"base": base, "clothed": clothed, "other_body": other}.items():
        write_png(OUTPUT / f"sheets/{file}.png", Image.fromarray(picture))
    columns = len(tiles) // len(SETS)
    write_png(SHEET, picture_grid(tiles, labels, columns, tile_px=192, title="Sprites drawn by the project"))
    print(f"{total} frames in {len(SETS)} sets, and 3 spritesheets, in {shown(OUTPUT)}; overview: {shown(SHEET)}")
    return Report(SHEET, figures={"frames": total, "sets": len(SETS)})


def write_frame(output: Path, animation: str, index: int, frame: DrawnFrame) -> None:
    """Write the three pictures of a frame under the names of an archived set."""
    number = f"{index:02d}"
    files: dict[str, np.ndarray] = {
        f"{FRAMES_BACKUP}{animation}/{base_name(number)}": frame.base,
        f"{FRAMES_BACKUP}{animation}/{clothed_name(number)}": frame.clothed,
        f"{MASKS_BACKUP}{animation}/{mask_name(number)}": frame.mask,
    }
    for file, picture in files.items():
        write_png(output / file, Image.fromarray(picture))


if __name__ == "__main__":
    run(main)
